//! Other runs that are held against the one that is shown: every answer goes where it was asked for, and no run is held
//! against itself.

use crate::app::Effect;
use crate::fixture;
use crate::link::{Incoming, LineState, Outgoing, RunLine};
use crate::rig::TestApp;
use std::path::PathBuf;
use surfit_core::snapshot::Snapshot;
use surfit_core::surface::ParameterAxis;

fn line(id: &str) -> RunLine {
    RunLine {
        id: id.into(),
        path: format!("/runs/{id}").into(),
        ..RunLine::default()
    }
}

fn at(id: &str) -> PathBuf {
    format!("/runs/{id}").into()
}

/// The list of runs, open, at the run of that line.
fn listed(rig: &mut TestApp, selected: usize) {
    rig.press("o");
    rig.hear(Incoming::Runs(
        ["demo-7", "other-3", "third-5"].map(line).into(),
    ));
    rig.press("home");
    for _ in 0..selected {
        rig.press("down");
    }
}

fn told(rig: &mut TestApp, id: &str) {
    let mut picture = fixture::finished();
    picture.info.as_mut().unwrap().run = id.into();
    rig.hear(Incoming::Loaded {
        path: at(id),
        picture: Box::new(picture),
    });
}

fn unread(rig: &mut TestApp, id: &str) {
    rig.hear(Incoming::Unread {
        path: at(id),
        why: format!("{id} cannot be read"),
    });
}

fn beside(rig: &TestApp) -> Option<&str> {
    rig.app.surface.beside.as_ref().map(|b| b.name.as_str())
}

fn over(rig: &TestApp) -> Vec<&str> {
    let overlays = rig.app.loss.overlays.iter();
    overlays.map(|o| o.name.as_str()).collect()
}

#[test]
fn answers_go_where_they_were_asked_for() {
    let mut rig = TestApp::with(140, 44, fixture::fitting());
    // One beside, another over the curves; something else fails in between.
    listed(&mut rig, 1);
    rig.press("b down c");
    rig.hear(Incoming::Problem("the disk is full".into()));
    told(&mut rig, "third-5");
    told(&mut rig, "other-3");
    assert_eq!(
        (beside(&rig), over(&rig)),
        (Some("other-3"), vec!["third-5"])
    );
    // The same run for both.
    let mut rig = TestApp::with(140, 44, fixture::fitting());
    listed(&mut rig, 1);
    rig.press("b c");
    told(&mut rig, "other-3");
    listed(&mut rig, 1);
    told(&mut rig, "other-3");
    assert_eq!(
        (beside(&rig), over(&rig)),
        (Some("other-3"), vec!["other-3"])
    );
    // Of two that were wanted beside it, the later, whichever comes first.
    let mut rig = TestApp::with(140, 44, fixture::fitting());
    listed(&mut rig, 1);
    rig.press("b down b");
    told(&mut rig, "third-5");
    told(&mut rig, "other-3");
    assert_eq!((beside(&rig), over(&rig)), (Some("third-5"), vec![]));
}

#[test]
fn what_cannot_be_read_takes_back_its_own_wish_alone() {
    let mut rig = TestApp::with(140, 44, fixture::fitting());
    listed(&mut rig, 1);
    rig.press("b down c");
    unread(&mut rig, "third-5");
    assert!(
        rig.text().contains("third-5 cannot be read"),
        "{}",
        rig.text()
    );
    told(&mut rig, "other-3");
    assert_eq!((beside(&rig), over(&rig)), (Some("other-3"), vec![]));
}

#[test]
fn a_run_is_not_held_against_itself() {
    let mut rig = TestApp::with(140, 44, fixture::fitting());
    listed(&mut rig, 0);
    rig.effects.clear();
    rig.press("b c");
    assert_eq!(rig.effects, []);
    assert!(
        rig.text().contains("is the run that is shown"),
        "{}",
        rig.text()
    );
    // One that is beside this and over its curves becomes the one that is shown; the third stays.
    listed(&mut rig, 1);
    rig.press("esc");
    listed(&mut rig, 1);
    rig.press("b c down c");
    told(&mut rig, "other-3");
    told(&mut rig, "other-3");
    told(&mut rig, "third-5");
    assert_eq!(beside(&rig), Some("other-3"));
    listed(&mut rig, 1);
    rig.press("enter");
    assert_eq!((beside(&rig), over(&rig)), (None, vec!["third-5"]));
    // Also when only the program knows where that run lies.
    rig.hear(Incoming::At {
        dir: at("third-5"),
        name: "third-5".into(),
    });
    assert!(over(&rig).is_empty());
}

#[test]
fn what_a_surface_was_before_goes_with_its_run() {
    let picture = fixture::fitting();
    let mut now: Snapshot = picture.snapshot.clone().unwrap();
    let mut rig = TestApp::with(140, 44, picture);
    now.degrees = now.degrees.changed(ParameterAxis::U, 1).unwrap();
    now.seq += 1;
    rig.hear(Incoming::Snapshot(Box::new(now)));
    rig.press("2 A");
    assert_eq!(beside(&rig), Some("degree 3×3"));
    listed(&mut rig, 1);
    rig.press("enter");
    assert_eq!(beside(&rig), None);
}

#[test]
fn a_line_that_is_down_is_asked_for_no_list_and_forgets_what_it_was_asked() {
    let mut rig = TestApp::with(140, 44, fixture::fitting());
    rig.app.line = Some(crate::app::RemoteLine::new("gpu1".into()));
    rig.hear(Incoming::Line(LineState::Heard));
    listed(&mut rig, 1);
    rig.press("b");
    rig.hear(Incoming::Line(LineState::Down {
        why: "gone".into(),
        retry: 60.0,
    }));
    rig.effects.clear();
    for second in 1..30 {
        let now = f64::from(second);
        rig.tick(now);
        assert!(rig.app.deadline().is_none_or(|due| due > now));
    }
    assert_eq!(rig.effects, []);
    assert!(rig.text().contains("No line to gpu1"), "{}", rig.text());
    rig.press("esc :").type_in("beside other-3").press("enter");
    assert!(
        rig.text().contains("nothing can be read there"),
        "{}",
        rig.text()
    );
    // When it is back the open list is renewed, and nothing is read that nobody waits for.
    rig.effects.clear();
    rig.press("o");
    assert_eq!(rig.effects, [Effect::Send(Outgoing::Reconnect)]);
    rig.hear(Incoming::Line(LineState::Heard));
    rig.effects.clear();
    rig.tick(40.0);
    assert_eq!(rig.effects, [Effect::Send(Outgoing::Refresh)]);
    rig.hear(Incoming::Runs(["other-3"].map(line).into()));
    assert_eq!(rig.effects.len(), 1);
}
