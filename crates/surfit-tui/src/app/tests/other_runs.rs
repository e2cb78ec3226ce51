//! Other runs that are held against the one that is shown: every answer goes where it was asked for, and no run is held
//! against itself.

use crate::app::Effect;
use crate::fixture;
use crate::link::{LineState, RunLine};
use crate::test_app::TestApp;
use std::path::PathBuf;
use surfit_core::protocol::{BridgeMessage, BridgeRequest, ClientMessage, ServerMessage};
use surfit_core::snapshot::Snapshot;
use surfit_core::surface::ParameterAxis;

fn run_line(id: &str) -> RunLine {
    RunLine { id: id.into(), path: format!("/runs/{id}").into(), ..RunLine::default() }
}

fn run_dir(id: &str) -> PathBuf {
    format!("/runs/{id}").into()
}

fn open_run_list(rig: &mut TestApp, selected: usize) {
    rig.press("o");
    rig.receive(BridgeMessage::Runs(["demo-7", "other-3", "third-5"].map(run_line).into()));
    rig.press("home");
    for _ in 0..selected {
        rig.press("down");
    }
}

fn receive_loaded_run(rig: &mut TestApp, id: &str) {
    let mut run_state = fixture::finished_run();
    run_state.info.as_mut().unwrap().run = id.into();
    rig.receive(BridgeMessage::Loaded { path: run_dir(id), run_state: Box::new(run_state) });
}

fn receive_unread_run(rig: &mut TestApp, id: &str) {
    rig.receive(BridgeMessage::Unread { path: run_dir(id), why: format!("{id} cannot be read") });
}

fn compared_surface_name(rig: &TestApp) -> Option<&str> {
    rig.app.surface.comparison.as_ref().map(|b| b.name.as_str())
}

fn compared_curve_names(rig: &TestApp) -> Vec<&str> {
    let overlays = rig.app.loss.overlays.iter();
    overlays.map(|o| o.name.as_str()).collect()
}

#[test]
fn answers_go_where_they_were_asked_for() {
    let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
    // One beside, another over the curves; something else fails in between.
    open_run_list(&mut rig, 1);
    rig.press("b down c");
    rig.receive(BridgeMessage::Problem("the disk is full".into()));
    receive_loaded_run(&mut rig, "third-5");
    receive_loaded_run(&mut rig, "other-3");
    assert_eq!((compared_surface_name(&rig), compared_curve_names(&rig)), (Some("other-3"), vec!["third-5"]));
    // The same run for both.
    let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
    open_run_list(&mut rig, 1);
    rig.press("b c");
    receive_loaded_run(&mut rig, "other-3");
    open_run_list(&mut rig, 1);
    receive_loaded_run(&mut rig, "other-3");
    assert_eq!((compared_surface_name(&rig), compared_curve_names(&rig)), (Some("other-3"), vec!["other-3"]));
    // Of two that were wanted beside it, the later, whichever comes first.
    let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
    open_run_list(&mut rig, 1);
    rig.press("b down b");
    receive_loaded_run(&mut rig, "third-5");
    receive_loaded_run(&mut rig, "other-3");
    assert_eq!((compared_surface_name(&rig), compared_curve_names(&rig)), (Some("third-5"), vec![]));
}

#[test]
fn what_cannot_be_read_takes_back_its_own_wish_alone() {
    let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
    open_run_list(&mut rig, 1);
    rig.press("b down c");
    receive_unread_run(&mut rig, "third-5");
    assert!(rig.screen_text().contains("third-5 cannot be read"), "{}", rig.screen_text());
    receive_loaded_run(&mut rig, "other-3");
    assert_eq!((compared_surface_name(&rig), compared_curve_names(&rig)), (Some("other-3"), vec![]));
}

#[test]
fn a_run_is_not_held_against_itself() {
    let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
    open_run_list(&mut rig, 0);
    rig.effects.clear();
    rig.press("b c");
    assert_eq!(rig.effects, []);
    assert!(rig.screen_text().contains("is the run that is shown"), "{}", rig.screen_text());
    // One that is beside this and over its curves becomes the one that is shown; the third stays.
    open_run_list(&mut rig, 1);
    rig.press("esc");
    open_run_list(&mut rig, 1);
    rig.press("b c down c");
    receive_loaded_run(&mut rig, "other-3");
    receive_loaded_run(&mut rig, "other-3");
    receive_loaded_run(&mut rig, "third-5");
    assert_eq!(compared_surface_name(&rig), Some("other-3"));
    open_run_list(&mut rig, 1);
    rig.press("enter");
    assert_eq!((compared_surface_name(&rig), compared_curve_names(&rig)), (None, vec!["third-5"]));
    // Also when only the program knows where that run lies.
    rig.receive(fixture::opened_run(run_dir("third-5"), "third-5".into()));
    assert!(compared_curve_names(&rig).is_empty());
}

#[test]
fn what_a_surface_was_before_goes_with_its_run() {
    let run_state = fixture::fitting_run();
    let mut now: Snapshot = run_state.snapshot.clone().unwrap();
    let mut rig = TestApp::with_run_state(140, 44, run_state);
    now.degrees = now.degrees.with_changed_degree(ParameterAxis::U, 1).unwrap();
    now.seq += 1;
    rig.receive(ServerMessage::Snapshot(Box::new(now)));
    rig.press("2 A");
    assert_eq!(compared_surface_name(&rig), Some("degree 3×3"));
    open_run_list(&mut rig, 1);
    rig.press("enter");
    assert_eq!(compared_surface_name(&rig), None);
}

#[test]
fn a_line_that_is_down_is_asked_for_no_list_and_forgets_what_it_was_asked() {
    let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
    rig.app.remote_line = Some(crate::app::RemoteLine::new("gpu1".into()));
    rig.receive(BridgeMessage::Line(LineState::Up));
    open_run_list(&mut rig, 1);
    rig.press("b");
    rig.receive(BridgeMessage::Line(LineState::Down { why: "gone".into(), retry: 60.0 }));
    rig.effects.clear();
    for second in 1..30 {
        let now = f64::from(second);
        rig.tick(now);
        assert!(rig.app.next_redraw_at().is_none_or(|due| due > now));
    }
    assert_eq!(rig.effects, []);
    assert!(rig.screen_text().contains("No connection to gpu1"), "{}", rig.screen_text());
    rig.press("esc :").type_text("beside other-3").press("enter");
    assert!(rig.screen_text().contains("nothing can be read there"), "{}", rig.screen_text());
    // When it is back the open list is renewed, and nothing is read that nobody waits for.
    rig.effects.clear();
    rig.press("o");
    assert_eq!(rig.effects, [Effect::Send(ClientMessage::Bridge(BridgeRequest::Reconnect))]);
    rig.receive(BridgeMessage::Line(LineState::Up));
    rig.effects.clear();
    rig.tick(40.0);
    assert_eq!(rig.effects, [Effect::Send(ClientMessage::Bridge(BridgeRequest::Refresh))]);
    rig.receive(BridgeMessage::Runs(["other-3"].map(run_line).into()));
    assert_eq!(rig.effects.len(), 1);
}
