use super::RunsOverlay;
use crate::app::Effect;
use crate::color::ColorDepth;
use crate::fixture;
use crate::link::RunLine;
use crate::test_app::TestApp;
use crate::theme::ThemeRole;
use surfit_core::event::JobStage;
use surfit_core::protocol::{BridgeMessage, BridgeRequest, ClientMessage};

fn run(id: &str, state: &str, degree: u8, best: Option<f64>) -> RunLine {
    RunLine {
        id: id.into(),
        path: format!("/runs/{id}").into(),
        alive: state == "running",
        state: state.into(),
        best,
        when: "3 min ago".into(),
        stage: Some(JobStage::Fit),
        done: 41,
        total: 100,
        degrees: Some(fixture::degrees(degree, degree)),
        network: Some("resnet18".into()),
        data: Some("cifar10".into()),
        loss: best.map(|b| 1.0 - b),
        begun: None,
        bytes: Some(412_000_000),
        ..RunLine::default()
    }
}

pub(crate) fn open(width: u16, height: u16) -> TestApp {
    let mut rig = TestApp::with_run_state(width, height, fixture::fitting_run());
    rig.press("o");
    rig.receive(BridgeMessage::Runs(vec![
        run(fixture::RUN_ID, "running", 3, None),
        run("a-run-with-a-very-long-name-that-does-not-fit-20261124", "finished", 2, Some(0.912)),
        run("broken", "failed", 3, None),
        run("older", "interrupted", 3, Some(0.934)),
    ]));
    rig
}

fn selected(rig: &TestApp) -> usize {
    rig.app.view::<RunsOverlay>().expect("the list of runs is open").selected
}

#[test]
fn what_a_run_is_doing_is_told_by_sign_and_word_at_every_size_and_depth() {
    for depth in ColorDepth::ALL {
        for (width, height) in [(60, 16), (80, 24), (140, 44)] {
            let rig = open(width, height).with_theme("dark", depth, false);
            let text = rig.screen_text();
            for part in ["● ", "running", "✓ ", "finished", "✗ ", "failed", "▲ ", "interr", "93.40 %"] {
                assert!(text.contains(part), "{part} at {width}: {text}");
            }
            let failed = rig.app.theme.style(ThemeRole::Error);
            assert_eq!(rig.cell_of("✗").fg, failed.fg.unwrap_or_default());
        }
    }
    let wide = open(140, 44).screen_text();
    for part in ["fit 41 %", "resnet18", "cifar10", "3 min ago", "4 runs", "3×3"] {
        assert!(wide.contains(part), "{part}: {wide}");
    }
    assert!(open(80, 24).with_theme("mono", ColorDepth::None, true).screen_text().is_ascii());
}

#[test]
fn one_run_is_one() {
    let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
    rig.press("o");
    rig.receive(BridgeMessage::Runs(vec![run(fixture::RUN_ID, "running", 3, None)]));
    assert!(rig.screen_text().contains(" 1 run "), "{}", rig.screen_text());
    rig.press("/").type_text("nothingofthekind");
    assert!(rig.screen_text().contains("0 of 1 run "), "{}", rig.screen_text());
}

#[test]
fn a_filter_narrows_the_list_while_it_is_typed() {
    let mut rig = open(140, 44);
    rig.press("/").type_text("degree:3 acc>0.9");
    let text = rig.screen_text();
    assert!(text.contains("1 of 4 runs") && text.contains("older"), "{text}");
    assert!(!text.contains("broken"), "{text}");
    rig.press("enter enter");
    let opened = rig.effects.iter().any(
        |e| matches!(e, Effect::Send(ClientMessage::Bridge(BridgeRequest::OpenRun(path))) if path.ends_with("older")),
    );
    assert!(opened, "enter goes to the run that is shown, not to the first of all");
    // A filter that is none says why, and hides nothing.
    let mut rig = open(140, 44);
    rig.press("/").type_text("acc>many");
    let text = rig.screen_text();
    assert!(text.contains("4 runs") && text.contains("many"), "{text}");
    rig.press("esc");
    assert!(rig.app.runs_view.search.is_empty() && rig.app.overlay().is_some());
    rig.press("/").type_text("nothingofthekind").press("enter");
    assert!(rig.screen_text().contains("No run matches the filter"), "{}", rig.screen_text());
}

#[test]
fn two_runs_are_held_side_by_side() {
    let mut rig = open(140, 44);
    rig.press("down C down down");
    let text = rig.screen_text();
    assert!(text.contains("+2.20"), "{text}");
    assert!(text.contains("loss there") && text.contains("2×2") && text.contains("3×3"), "{text}");
    rig.press("up up C");
    assert!(!rig.screen_text().contains("loss there"), "the second press lets it go");
}

#[test]
fn a_run_at_rest_is_resumed_from_the_list_and_a_live_one_is_not() {
    let mut rig = open(140, 44);
    rig.press("r");
    assert!(rig.screen_text().contains("its engine is running"), "{}", rig.screen_text());
    rig.effects.clear();
    rig.press("end r");
    let sent: Vec<&ClientMessage> = rig
        .effects
        .iter()
        .filter_map(|e| match e {
            Effect::Send(o) => Some(o),
            _ => None,
        })
        .collect();
    assert!(matches!(sent[0], ClientMessage::Bridge(BridgeRequest::OpenRun(p)) if p.ends_with("older")), "{sent:?}");
    assert!(
        matches!(sent[1], ClientMessage::Bridge(BridgeRequest::ResumeEngine(Some(p))) if p.ends_with("older")),
        "{sent:?}"
    );
}

#[test]
fn a_run_is_removed_only_after_a_question_and_never_a_live_one() {
    let mut rig = open(140, 44);
    rig.press("delete");
    assert!(rig.app.view::<crate::app::Question>().is_none());
    assert!(rig.screen_text().contains("stop it first"), "{}", rig.screen_text());
    rig.press("down down delete");
    let text = rig.screen_text();
    assert!(text.contains("Remove this run?") && text.contains("broken"), "{text}");
    rig.press("enter");
    let gone = |rig: &TestApp| {
        rig.effects.iter().any(
            |e| matches!(e, Effect::Send(ClientMessage::Bridge(BridgeRequest::RemoveRun(p))) if p.ends_with("broken")),
        )
    };
    assert!(!gone(&rig), "the first answer loses nothing");
    rig.press("delete r");
    assert!(gone(&rig));
}

#[test]
fn an_open_list_is_asked_for_again_every_few_seconds() {
    let mut rig = open(80, 24);
    rig.effects.clear();
    assert!(rig.app.next_redraw_at().is_some_and(|t| t <= 2.0));
    rig.tick(1.0);
    assert!(rig.effects.is_empty());
    rig.tick(2.1);
    assert_eq!(rig.effects, [Effect::Send(ClientMessage::Bridge(BridgeRequest::Refresh))]);
    rig.effects.clear();
    rig.press("esc").tick(9.0);
    assert!(rig.effects.is_empty());
    assert_eq!(selected(&open(80, 24)), 0);
    rig.app.perform_action(action!("runs"));
}

#[test]
fn sizes_are_told_in_units_that_say_something() {
    let mut rig = open(140, 44);
    let mut runs = rig.app.runs.clone();
    (runs[0].bytes, runs[1].bytes, runs[2].bytes) = (None, Some(61_400), Some(2_600_000_000));
    rig.receive(BridgeMessage::Runs(runs));
    let text = rig.screen_text();
    for size in ["62 kB", "2.6 GB", "412 MB"] {
        assert!(text.contains(size), "{size}\n{text}");
    }
}

#[test]
fn the_node_is_told_as_soon_as_a_run_has_another_one() {
    for (width, height) in [(80, 24), (140, 44)] {
        let mut rig = open(width, height);
        assert!(!rig.screen_text().contains("node"), "{}", rig.screen_text());
        let here = RunLine { node: Some("login1".into()), ..run("here", "finished", 2, Some(0.9)) };
        let there =
            RunLine { node: Some("gpu-a100-7".into()), on_other_node: true, ..run("there", "running", 3, Some(0.93)) };
        rig.receive(BridgeMessage::Runs(vec![here, there]));
        for part in ["node", "login1", "gpu-a100-7", "running", "93.00", "41 %"] {
            assert!(rig.screen_text().contains(part), "`{part}`: {}", rig.screen_text());
        }
    }
}
