use crate::color::ColorDepth;
use crate::fixture;
use crate::test_app::TestApp;
use crate::theme::ThemeRole;
use surfit_core::machine::{Gpu, MachineLoad};
use surfit_core::protocol::{BridgeMessage, ServerMessage};

fn app_with_history(width: u16, height: u16) -> TestApp {
    let mut rig = TestApp::with_run_state(width, height, fixture::fitting_run());
    for second in 1..90 {
        rig.tick(f64::from(second));
        let mut s = rig.app.run_state.snapshot.clone().unwrap();
        s.rate = 40.0 + f64::from(second);
        s.done += 1;
        s.machine.cores = 2;
        rig.receive(ServerMessage::Snapshot(Box::new(s)));
    }
    rig.app.perform_action(action!("system"));
    rig
}

#[test]
fn speed_memory_and_time_left_are_told_with_their_history() {
    for depth in ColorDepth::ALL {
        for (width, height) in [(60, 16), (80, 24), (140, 44)] {
            let rig = app_with_history(width, height).with_theme("dark", depth, false);
            let text = rig.screen_text();
            for part in ["129 steps/s", "432 MB", "no GPU", "2 min 11 s left"] {
                assert!(text.contains(part), "{part} at {width}: {text}");
            }
            let curve = rig.app.theme.style(ThemeRole::CurveSmooth);
            let bars = rig.draw();
            let mut bars = bars.content().iter().filter(|c| "▅▆▇█".contains(c.symbol()));
            assert!(bars.any(|c| c.fg == curve.fg.unwrap_or_default()), "{depth:?}");
        }
    }
    let text = app_with_history(140, 44).screen_text();
    assert!(text.contains("process 4242") && text.contains("cpu, bf16, 2 threads"));
    assert!(text.contains("the last 1 min 29 s"), "{text}");
    let ascii = app_with_history(80, 24).with_theme("mono", ColorDepth::None, true);
    assert!(ascii.screen_text().is_ascii(), "{}", ascii.screen_text());
}

#[test]
fn small_screens_scroll_to_the_last_fact() {
    let mut rig = app_with_history(60, 16);
    assert!(!rig.screen_text().contains("viewers"));
    rig.press("end");
    assert!(rig.screen_text().contains("viewers"), "{}", rig.screen_text());
}

#[test]
fn before_the_first_report_it_says_so() {
    let mut rig = TestApp::new(80, 24);
    rig.app.perform_action(action!("system"));
    let text = rig.screen_text();
    assert!(text.contains("nothing measured yet") && text.contains("connecting"), "{text}");
}

#[test]
fn an_engine_that_works_and_says_nothing_is_called_silent() {
    let mut rig = app_with_history(140, 44);
    rig.press("esc").tick(93.0);
    assert!(!rig.screen_text().contains("silent"));
    assert_eq!(rig.app.next_redraw_at(), Some(94.0));
    rig.app.dirty = false;
    rig.tick(94.2);
    assert!(rig.app.dirty && rig.screen_text().contains("▲ silent for 5 s"), "{}", rig.screen_text());
    rig.app.dirty = false;
    rig.tick(94.9);
    assert!(!rig.app.dirty, "a second is told once");
    rig.receive(BridgeMessage::Disconnected { reason: "the link broke".into() });
    assert!(!rig.screen_text().contains("silent for"), "{}", rig.screen_text());
}

#[test]
fn the_header_tells_the_best_so_far_against_the_best_corner() {
    for depth in ColorDepth::ALL {
        let rig = TestApp::with_run_state(140, 44, fixture::fitting_run()).with_theme("dark", depth, false);
        // Cells of a running fit were measured on fewer images than the corners.
        let best = "best ≈88.87 % of 512 images ≈+1.45 over corner";
        assert!(rig.screen_text().contains(best), "{}", rig.screen_text());
        let gain = rig.cell_of("+1.45 over corner");
        let good = rig.app.theme.style(ThemeRole::Good);
        assert_eq!(gain.fg, good.fg.unwrap_or_default());
    }
    let text = TestApp::with_run_state(140, 44, fixture::finished_run()).screen_text();
    assert!(text.contains("best 88.87 % +1.45 over corner") && !text.contains('≈'), "{text}");
    // A narrow row keeps the bar and what is left.
    for width in [60, 80] {
        let text = TestApp::with_run_state(width, 24, fixture::fitting_run()).screen_text();
        let first = text.lines().next().unwrap().to_owned();
        assert!(first.contains("running") && first.contains(" %"), "{first}");
    }
}

/// The snapshot of an engine that tells everything, on a machine with GPUs or without.
fn full_snapshot(gpus: usize) -> surfit_core::snapshot::Snapshot {
    let mut s = fixture::fitting_run().snapshot.unwrap();
    s.machine = MachineLoad {
        engine: 1.9,
        busy: 0.97,
        cores: 2,
        memory: 16_000_000_000,
        available: 9_900_000_000,
        disk: 252_000_000_000,
        disk_left: 62_000_000_000,
        gpus: (0..gpus)
            .map(|n| Gpu {
                name: "NVIDIA A100-SXM4-40GB".into(),
                busy: 0.73 - 0.2 * n as f64,
                used: 7_100_000_000,
                memory: 40_000_000_000,
                temperature: 61,
            })
            .collect(),
    };
    (s.cost.network, s.cost.surface) = (0.0121, 0.00097);
    (s.images_per_second, s.job_seconds_left) = (10_547.2, Some(184.0));
    s
}

fn app_with_snapshot(width: u16, height: u16, s: surfit_core::snapshot::Snapshot) -> TestApp {
    let mut run_state = fixture::fitting_run();
    run_state.snapshot = Some(s.clone());
    let mut rig = TestApp::with_run_state(width, height, run_state);
    for second in 1..60 {
        let mut s = s.clone();
        s.done += second;
        s.machine.engine = 1.9 * second as f64 / 60.0;
        rig.tick(second as f64).receive(ServerMessage::Snapshot(Box::new(s)));
    }
    rig
}

#[test]
fn everything_that_is_told_of_the_machine_is_shown() {
    for depth in ColorDepth::ALL {
        let mut rig = app_with_snapshot(140, 44, full_snapshot(2)).with_theme("dark", depth, false);
        rig.app.perform_action(action!("system"));
        rig.press("end home");
        let text = rig.screen_text();
        for part in [
            "2 min 11 s left",
            "3 min 4 s left",
            "10 547 a second, training",
            "×1.08 of plain: 12.1 ms network, 1.0 ms surface",
            "of 2 cores",
            "97 % in use",
            "6.1 GB of 16.0 GB",
            "GPU 0",
            "73 %, 61°C",
            "53 %, 61°C",
            "7.1 GB of 40.0 GB, NVIDIA A100-SXM4-40GB",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        rig.press("end");
        let text = rig.screen_text();
        assert!(text.contains("62.0 GB left of 252.0 GB"), "{text}");
    }
    let mut rig = app_with_snapshot(80, 24, full_snapshot(1)).with_theme("mono", ColorDepth::None, true);
    rig.app.perform_action(action!("system"));
    let text = rig.screen_text();
    assert!(text.contains("GPU  ") && text.contains("x1.08"), "{text}");
    assert!(text.is_ascii(), "{text}");
}

#[test]
fn what_the_machine_does_not_tell_and_a_disk_without_room_are_said_in_words() {
    let mut rig = TestApp::with_run_state(80, 24, fixture::fitting_run());
    rig.app.perform_action(action!("system"));
    let text = rig.screen_text();
    assert_eq!(text.matches("not known here").count(), 4, "{text}");
    assert!(!text.contains("no GPU"), "{text}");
    let mut rig = app_with_snapshot(80, 24, full_snapshot(0));
    rig.app.perform_action(action!("system"));
    assert!(rig.screen_text().contains("no GPU on this machine"), "{}", rig.screen_text());
    let mut s = full_snapshot(0);
    s.machine.disk_left = 900_000_000;
    let mut rig = app_with_snapshot(140, 44, s);
    assert!(rig.screen_text().contains("▲ 900 MB left on the disk"), "{}", rig.screen_text());
    rig.app.perform_action(action!("system"));
    rig.press("end");
    let text = rig.screen_text();
    assert!(text.contains("nearly full: 900 MB left of 252.0 GB"), "{text}");
    // Without an engine the figures are those it told last.
    rig.receive(BridgeMessage::EngineDied);
    let text = rig.screen_text();
    assert!(text.contains("as last reported; no engine is running"), "{text}");
    assert!(!text.contains("▲ 900 MB left on the disk"), "{text}");
}

#[test]
fn the_header_tells_load_cost_images_and_the_whole_job_where_there_is_room() {
    let text = app_with_snapshot(160, 44, full_snapshot(1)).screen_text();
    let mut rows = text.lines();
    let (first, second) = (rows.next().unwrap(), rows.next().unwrap());
    assert!(first.contains("cpu  97 %  gpu  73 %  432 MB"), "{first}");
    assert!(first.contains("step ×1.08"), "{first}");
    assert!(second.contains("  job 3 min 4 s  "), "{second}");
    let wide = app_with_snapshot(200, 60, full_snapshot(1)).screen_text();
    assert!(wide.contains("10 547 images/s"), "{wide}");
}

#[test]
fn percentage_and_time_left_go_before_everything_else_in_a_narrow_header() {
    let name = "resnet18-cifar-20260401-231559-4x4";
    for width in [60, 64, 70, 80] {
        for left in [5.0, 131.0, 3599.0, 400_000.0] {
            let mut s = full_snapshot(1);
            s.seconds_left = Some(left);
            let mut rig = app_with_snapshot(width, 16, s);
            rig.app.run = name.into();
            let words = crate::views::progress::format_duration(left);
            let first = rig.screen_text().lines().next().unwrap().to_owned();
            for part in [" 4", " %  ", &format!("{words} left"), "● running"] {
                assert!(first.contains(part), "`{part}` at {width}: {first}");
            }
            // A click still finds the state and the name.
            let (x, y) = crate::test_app::find_text(&rig.draw(), "● running").unwrap();
            rig.effects.clear();
            rig.click(x + 2, y);
            assert_eq!(rig.take_sent_commands().len(), 1, "{first}");
            rig.accept_pending_commands();
            let (x, y) = crate::test_app::find_text(&rig.draw(), "resne").unwrap();
            rig.click(x + 1, y);
            assert!(rig.screen_text().contains("Runs"), "{}", rig.screen_text());
        }
    }
}
