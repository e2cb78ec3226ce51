//! Commands that are typed, where the keys for the same work and where they do not.

use crate::app::Effect;
use crate::fixture;
use crate::link::{Incoming, Outgoing};
use crate::rig::TestApp;
use surfit_core::protocol::{EngineCommand, Selection};

fn at_rest() -> TestApp {
    let mut picture = fixture::finished();
    picture.closed = true;
    let mut rig = TestApp::with(100, 30, picture);
    rig.hear(Incoming::Disconnected {
        reason: "no engine is running; one starts when you ask for something".into(),
    });
    rig
}

fn typed(rig: &mut TestApp, text: &str) {
    rig.press(":").type_in(text).press("enter");
}

#[test]
fn a_run_at_rest_is_asked_by_typed_commands_as_by_keys() {
    for text in [
        "degree 3",
        "grid 31",
        "search 0.1",
        "ensemble 6",
        "rate 0.01",
        "draws 2",
    ] {
        let mut rig = at_rest();
        typed(&mut rig, text);
        assert_eq!(rig.sent().len(), 1, "{text}: {}", rig.text());
    }
    let mut rig = at_rest();
    typed(&mut rig, "ensemble 6");
    let sent = rig.sent().remove(0).1;
    let selection = Selection::Greedy { count: 6 };
    assert!(matches!(sent, EngineCommand::Export { selection: s, .. } if s == selection));
}

#[test]
fn another_run_is_made_from_one_without_an_engine() {
    let mut dead = TestApp::with(100, 30, fixture::fitting());
    dead.hear(Incoming::EngineDied);
    for mut rig in [at_rest(), dead] {
        typed(&mut rig, "fork 3 3");
        typed(&mut rig, "queue 4 4");
        let (fork, queue) = (fixture::degrees(3, 3), fixture::degrees(4, 4));
        let wanted = [Outgoing::Fork(fork), Outgoing::Queue(queue)].map(Effect::Send);
        assert_eq!(rig.effects, wanted, "{}", rig.text());
    }
}

#[test]
fn what_cannot_be_done_says_so_before_enter_and_after() {
    let mut rig = TestApp::with(100, 30, fixture::loading());
    rig.press(":").type_in("search 0.1");
    assert!(!rig.text().contains("enter: search"), "{}", rig.text());
    rig.press("enter");
    assert!(
        rig.text().contains("no surface before the corners"),
        "{}",
        rig.text()
    );
    assert_eq!(rig.effects, []);
}
