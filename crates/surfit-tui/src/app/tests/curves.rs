//! The loss pane by keys and mouse, and other runs' curves over this one's.

use crate::app::Effect;
use crate::fixture;
use crate::layout::ScreenLayout;
use crate::link::RunLine;
use crate::test_app::TestApp;
use crossterm::event::{MouseButton, MouseEventKind};
use surfit_core::event::{Envelope, Event, LossCurve};
use surfit_core::protocol::{BridgeMessage, BridgeRequest, ClientMessage};
use surfit_core::run_state::RunState;

fn listed_runs() -> Vec<RunLine> {
    let line = |id: &str| RunLine { id: id.into(), path: format!("/runs/{id}").into(), ..RunLine::default() };
    vec![line(fixture::RUN_ID), line("resnet-3")]
}

/// Two runs of the same name in the folders of two studies; the first is shown.
fn namesakes() -> TestApp {
    let line =
        |study: &str| RunLine { id: "s1".into(), path: format!("/runs/{study}/s1").into(), ..RunLine::default() };
    let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
    rig.app.run = "s1".into();
    rig.receive(fixture::opened_run("/runs/a/s1".into(), "a/s1".into()));
    rig.press("o");
    rig.receive(BridgeMessage::Runs(vec![line("a"), line("b")]));
    rig.effects.clear();
    rig
}

#[test]
fn runs_of_the_same_name_are_told_apart_by_where_they_lie() {
    let mut rig = namesakes();
    let text = rig.screen_text();
    assert_eq!(text.matches("○ s1").count(), 2, "{text}");
    assert_eq!(text.matches("▸○ s1").count(), 1, "one is shown\n{text}");
    // Its own curve is not laid over itself, the other one's is.
    rig.press("c");
    assert!(rig.screen_text().contains("s1 is the run that is shown"));
    assert!(rig.effects.is_empty());
    rig.press("down c");
    let other = std::path::PathBuf::from("/runs/b/s1");
    let load = Effect::Send(ClientMessage::Bridge(BridgeRequest::Load(other.clone())));
    assert_eq!(rig.effects.last(), Some(&load));
    let mut run_state = fixture::fitting_run();
    run_state.info.as_mut().expect("facts").run = "s1".into();
    let loaded = |path: &str| BridgeMessage::Loaded { path: path.into(), run_state: Box::new(run_state.clone()) };
    rig.receive(loaded("/runs/b/s1")).receive(loaded("/runs/c/s1"));
    let names: Vec<_> = rig.app.loss.overlays.iter().map(|o| &*o.name).collect();
    assert_eq!(names, ["b/s1", "c/s1"]);
    // Taken away is the one that was chosen.
    rig.effects.clear();
    rig.press("c");
    let left: Vec<_> = rig.app.loss.overlays.iter().map(|o| &o.path).collect();
    assert_eq!(left, [&std::path::PathBuf::from("/runs/c/s1")]);
    // Another list, in another order: what was chosen stays chosen, and enter goes there.
    let mut runs = rig.app.runs.clone();
    runs.reverse();
    rig.receive(BridgeMessage::Runs(runs));
    rig.press("enter");
    let open = Effect::Send(ClientMessage::Bridge(BridgeRequest::OpenRun(other)));
    assert!(rig.effects.contains(&open), "{:?}", rig.effects);
}

#[test]
fn a_name_that_several_runs_have_shows_none_of_them_beside() {
    let mut rig = namesakes();
    let runs = rig.app.runs.clone();
    rig.press("esc :").type_text("beside s1").press("enter");
    rig.effects.clear();
    rig.receive(BridgeMessage::Runs(runs));
    assert_eq!(rig.effects, []);
    assert!(rig.screen_text().contains("several runs are called s1"), "{}", rig.screen_text());
}

#[test]
fn a_surface_of_before_does_not_follow_to_another_run() {
    let mut rig = namesakes();
    let run_state = rig.app.run_state.clone();
    rig.app.surface.earlier_surface = crate::views::surface::SurfaceComparison::of("before".into(), false, &run_state);
    assert!(rig.app.surface.earlier_surface.is_some());
    rig.press("down enter");
    let mut other = fixture::fitting_run();
    if let Some(info) = &mut other.info {
        info.run = "s1".into();
    }
    rig.receive(BridgeMessage::RunState(Box::new(other)));
    assert!(rig.app.surface.earlier_surface.is_none());
}

#[test]
fn keys_of_the_loss_pane_zoom_pan_and_change_axes() {
    let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
    rig.press("1");
    rig.press(">");
    assert!(rig.screen_text().contains("zoom in first"), "{}", rig.screen_text());
    rig.press("+ + < < < <");
    let zoom = rig.app.loss.zoom.expect("a part of the curve");
    assert!(zoom.to - zoom.from < 800.0 && !zoom.follows_end);
    assert!(rig.screen_text().contains("zoomed"));
    rig.press("0 E T } }");
    let loss = &rig.app.loss;
    assert!(loss.zoom.is_none() && loss.show_learning_rate && loss.time);
    assert_eq!(loss.smoothing(), 0.99);
    let text = rig.screen_text();
    assert!(text.contains("learning rate") && text.contains("smoothed 0.99"), "{text}");
    // In another pane its keys are not its own.
    rig.press("2 ,");
    assert!(rig.app.loss.time);
    assert!(rig.screen_text().contains("in the loss pane"), "{}", rig.screen_text());
}

#[test]
fn before_the_first_step_nothing_can_be_zoomed() {
    let mut rig = TestApp::with_run_state(140, 44, fixture::loading_run());
    rig.press("1 +");
    assert!(rig.screen_text().contains("before the first training step"), "{}", rig.screen_text());
    rig.press("left right home end");
    assert_eq!(rig.app.loss.cursor, None);
}

#[test]
fn the_wheel_zooms_the_curves() {
    let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
    let area = ScreenLayout::of(&rig.app).panes[0].1;
    rig.mouse(MouseEventKind::ScrollUp, area.x + 20, area.y + 5);
    assert!(rig.app.loss.zoom.is_some());
    for _ in 0..3 {
        rig.mouse(MouseEventKind::ScrollDown, area.x + 20, area.y + 5);
    }
    assert!(rig.app.loss.zoom.is_none());
}

#[test]
fn a_run_is_laid_over_this_one_and_taken_off() {
    let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
    rig.press("o").receive(BridgeMessage::Runs(listed_runs()));
    assert!(rig.screen_text().contains("c losses"), "{}", rig.screen_text());
    rig.press("c");
    assert!(rig.screen_text().contains("is the run that is shown"));
    rig.press("down c");
    let path = std::path::PathBuf::from("/runs/resnet-3");
    assert_eq!(rig.effects.last(), Some(&Effect::Send(ClientMessage::Bridge(BridgeRequest::Load(path.clone())))));
    let run_state = Box::new(fixture::finished_run());
    rig.receive(BridgeMessage::Loaded { path: path.clone(), run_state });
    rig.press("esc");
    assert_eq!(rig.app.loss.overlays.len(), 1);
    // Its history names the run that is shown: it goes by its directory then.
    assert!(rig.screen_text().contains("A resnet-3"), "{}", rig.screen_text());
    rig.press("o down c esc");
    assert!(rig.app.loss.overlays.is_empty());
    // A run without a fit has nothing to compare.
    rig.receive(BridgeMessage::Loaded { path, run_state: Box::new(RunState::default()) });
    assert!(rig.screen_text().contains("resnet-3 has no curve of a fit yet"), "{}", rig.screen_text());
}

#[test]
fn from_the_palette_comparing_opens_the_list_of_runs() {
    let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
    rig.press(":").type_text("overlay loss").press("enter");
    assert_eq!(rig.effects.last(), Some(&Effect::Send(ClientMessage::Bridge(BridgeRequest::Refresh))));
    rig.receive(BridgeMessage::Runs(listed_runs()));
    let text = rig.screen_text();
    assert!(text.contains("select a run; c overlays") && text.contains("resnet-3"), "{text}");
}

/// What was asked to be followed since the last call.
fn take_watch_requests(rig: &mut TestApp) -> Vec<Vec<(std::path::PathBuf, u64)>> {
    let watch = |e| match e {
        Effect::Send(ClientMessage::Bridge(BridgeRequest::Watch(runs))) => Some(runs),
        _ => None,
    };
    std::mem::take(&mut rig.effects).into_iter().filter_map(watch).collect()
}

#[test]
fn a_live_run_over_this_one_is_followed_while_it_is_on_the_screen() {
    let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
    let path = std::path::PathBuf::from("/runs/resnet-3");
    let other = fixture::fitting_run();
    let (seq, end) = (other.seq, other.curves[&LossCurve::Surface].end_step());
    rig.receive(BridgeMessage::Loaded { path: path.clone(), run_state: Box::new(other) });
    assert_eq!(take_watch_requests(&mut rig), [vec![(path.clone(), seq)]]);
    let grown = |first_step: u64, seq: u64| BridgeMessage::Grown {
        path: path.clone(),
        events: vec![Envelope {
            seq,
            time: 2e9,
            event: Event::Losses { curve: LossCurve::Surface, first_step, values: vec![0.3; 10], rate: 0.04 },
        }],
        snapshot: None,
    };
    rig.app.dirty = false;
    rig.receive(grown(end, seq + 1));
    let length = |rig: &TestApp| rig.app.loss.overlays[0].run_state.curves[&LossCurve::Surface].end_step();
    assert!(rig.app.dirty && length(&rig) == end + 10);
    rig.receive(grown(end, seq + 1));
    assert_eq!(length(&rig), end + 10, "what is known counts once");
    assert!(take_watch_requests(&mut rig).is_empty(), "growing is no reason to ask anew");
    // With the surface alone on the screen nobody looks at the curve.
    rig.press("2 z");
    assert_eq!(take_watch_requests(&mut rig), [Vec::new()]);
    rig.press("z");
    assert_eq!(take_watch_requests(&mut rig), [vec![(path.clone(), seq + 1)]]);
    rig.app.loss.remove_overlay(&path);
    rig.tick(1.0);
    assert_eq!(take_watch_requests(&mut rig), [Vec::new()]);
    rig.tick(2.0).press("1 2 3");
    assert!(take_watch_requests(&mut rig).is_empty());
}

#[test]
fn a_key_that_is_held_down_makes_one_run() {
    let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
    let mut made = 0;
    for tick in 0..80 {
        rig.tick(f64::from(tick) * 0.1);
        for action in [action!("fork"), action!("queue")] {
            made += rig.app.perform_action(action).len();
        }
    }
    assert_eq!(made, 1);
    rig.tick(10.0);
    assert_eq!(rig.app.perform_action(action!("fork")).len(), 1);
}

#[test]
fn a_fork_puts_itself_beside_the_run_it_comes_from() {
    let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
    let effects = rig.app.perform_action(action!("fork"));
    assert!(matches!(effects[..], [Effect::Send(ClientMessage::Bridge(BridgeRequest::Fork(_)))]));
    let path = std::path::PathBuf::from("/runs/demo-7-4x4");
    rig.receive(BridgeMessage::Forked {
        path: path.clone(),
        sentence: "demo-7-4x4 goes on at degree 4×4 as a run of its own".into(),
    });
    assert_eq!(rig.effects.last(), Some(&Effect::Send(ClientMessage::Bridge(BridgeRequest::Load(path.clone())))));
    let run_state = fixture::fitting_run();
    let mut snapshot = run_state.snapshot.clone().unwrap();
    rig.receive(BridgeMessage::Loaded { path: path.clone(), run_state: Box::new(run_state) });
    let text = rig.screen_text();
    for part in ["A demo-7-4x4", "continues as its own run"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    // Its own name, not that of the run whose history it begins with; and both surfaces.
    assert_eq!(rig.app.surface.comparison.as_ref().unwrap().name, "demo-7-4x4");
    for cell in &mut snapshot.heatmap.cells {
        *cell = surfit_core::heatmap::Cell::from_counts(700, 1000, 0.5, cell.version);
    }
    rig.receive(BridgeMessage::Grown { path: path.clone(), events: Vec::new(), snapshot: Some(Box::new(snapshot)) });
    let beside = rig.app.surface.comparison.as_ref().unwrap();
    assert!(beside.heatmap.cells.iter().all(|c| c.correct() == 700));
    let text = rig.screen_text();
    assert!(text.contains("demo-7-4x4"), "{text}");
    // Both leave as any other run does.
    rig.press("2 A");
    assert!(rig.app.surface.comparison.is_none());
    take_watch_requests(&mut rig);
    rig.app.loss.remove_overlay(&path);
    rig.tick(9.0);
    assert_eq!(take_watch_requests(&mut rig), [Vec::new()]);
}

#[test]
fn dragging_over_the_curves_chooses_a_part_and_a_double_click_shows_all_again() {
    let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
    let area = ScreenLayout::of(&rig.app).panes[0].1;
    let (left, up) = (MouseButton::Left, MouseEventKind::Up(MouseButton::Left));
    let (from, to, y) = (area.x + 12, area.x + 24, area.y + 5);
    rig.tick(1.0).click(from, y);
    rig.mouse(MouseEventKind::Drag(left), to, y);
    let (a, b) = rig.app.loss.selection.expect("a part is being chosen");
    for depth in crate::color::ColorDepth::ALL {
        rig = rig.with_theme("dark", depth, false);
        let shown = rig.draw();
        assert_eq!(shown[(from, y)].symbol(), "│", "{depth:?}");
        assert_eq!(shown[(to, y)].symbol(), "│", "{depth:?}");
    }
    rig.mouse(up, to, y);
    let zoom = rig.app.loss.zoom.expect("a part of the curve");
    assert!(b > a && (zoom.from - a).abs() < 2.0 && (zoom.to - b).abs() < 2.0);
    assert!(rig.app.loss.selection.is_none());
    // The right button takes it along.
    rig.mouse(MouseEventKind::Down(MouseButton::Right), to, y);
    rig.mouse(MouseEventKind::Drag(MouseButton::Right), from, y);
    assert!(rig.app.loss.zoom.unwrap().from > zoom.from);
    rig.tick(5.0).click(from, y).mouse(up, from, y);
    rig.tick(5.2).click(from, y).mouse(up, from, y);
    assert!(rig.app.loss.zoom.is_none() && !rig.app.zoomed);
    rig.tick(9.0).click(from, y).mouse(up, from, y);
    rig.tick(9.2).click(from, y);
    assert!(rig.app.zoomed, "with nothing to reset it zooms the pane");
    // Upside down, and beyond the edge.
    rig.press("z").tick(20.0).click(to, y);
    rig.mouse(MouseEventKind::Drag(left), area.right() + 30, y);
    rig.mouse(MouseEventKind::Drag(left), 0, 0).mouse(up, 0, 0);
    assert_eq!(rig.app.loss.zoom.unwrap().from, 0.0);
    // A question that comes up meanwhile ends it.
    rig.press("esc").tick(30.0).click(to, y).press("q");
    rig.mouse(MouseEventKind::Drag(left), from, y).mouse(up, from, y);
    assert!(rig.app.loss.zoom.is_none() && rig.app.loss.selection.is_none());
}
