//! Commands that are typed, where the keys for the same work and where they do not.

use crate::app::Effect;
use crate::fixture;
use crate::test_app::TestApp;
use surfit_core::protocol::{BridgeMessage, BridgeRequest, ClientMessage, EngineCommand, Selection};

fn idle_run() -> TestApp {
    let mut run_state = fixture::finished_run();
    run_state.closed = true;
    let mut rig = TestApp::with_run_state(100, 30, run_state);
    rig.receive(BridgeMessage::Disconnected {
        reason: "no engine is running; one starts when you ask for something".into(),
    });
    rig
}

fn enter_command(rig: &mut TestApp, text: &str) {
    rig.press(":").type_text(text).press("enter");
}

#[test]
fn a_run_at_rest_is_asked_by_typed_commands_as_by_keys() {
    for text in ["degree 3", "grid 31", "search 0.1", "ensemble 6", "rate 0.01", "draws 2"] {
        let mut rig = idle_run();
        enter_command(&mut rig, text);
        assert_eq!(rig.take_sent_commands().len(), 1, "{text}: {}", rig.screen_text());
    }
    let mut rig = idle_run();
    enter_command(&mut rig, "ensemble 6");
    let sent = rig.take_sent_commands().remove(0).1;
    let selection = Selection::Greedy { count: 6 };
    assert!(matches!(sent, EngineCommand::Export { selection: s, .. } if s == selection));
}

#[test]
fn another_run_is_made_from_one_without_an_engine() {
    let mut dead = TestApp::with_run_state(100, 30, fixture::fitting_run());
    dead.receive(BridgeMessage::EngineDied);
    for mut rig in [idle_run(), dead] {
        enter_command(&mut rig, "fork 3 3");
        enter_command(&mut rig, "queue 4 4");
        let (fork, queue) = (fixture::degrees(3, 3), fixture::degrees(4, 4));
        let wanted =
            [ClientMessage::Bridge(BridgeRequest::Fork(fork)), ClientMessage::Bridge(BridgeRequest::Queue(queue))]
                .map(Effect::Send);
        assert_eq!(rig.effects, wanted, "{}", rig.screen_text());
    }
}

#[test]
fn what_cannot_be_done_says_so_before_enter_and_after() {
    let mut rig = TestApp::with_run_state(100, 30, fixture::loading_run());
    rig.press(":").type_text("search 0.1");
    assert!(!rig.screen_text().contains("enter: search"), "{}", rig.screen_text());
    rig.press("enter");
    assert!(rig.screen_text().contains("no surface yet"), "{}", rig.screen_text());
    assert_eq!(rig.effects, []);
}
