//! The line to another machine.

use crate::app::Effect;
use crate::fixture;
use crate::link::{LeaveReason, LineState};
use crate::test_app::TestApp;
use surfit_core::protocol::{BridgeMessage, BridgeRequest, ClientMessage};

fn remote_run() -> TestApp {
    let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
    rig.app.remote_line = Some(crate::app::RemoteLine::new("gpu1".into()));
    rig.receive(BridgeMessage::Line(LineState::Up));
    rig
}

#[test]
fn a_line_that_is_down_shows_how_old_the_picture_is_and_any_key_tries_it() {
    let mut rig = remote_run();
    assert!(rig.screen_text().contains("gpu1:"), "{}", rig.screen_text());
    assert!(rig.screen_text().contains("running"), "{}", rig.screen_text());
    rig.update(crate::app::AppMessage::Tick(3.0));
    rig.receive(BridgeMessage::Line(LineState::Down { why: "Connection reset by peer".into(), retry: 4.0 }));
    let text = rig.screen_text();
    assert!(text.contains("reconnecting, 3 s old"), "{text}");
    assert!(text.contains("No connection to gpu1: Connection reset by peer. Reconnecting in 4 s"), "{text}");
    rig.update(crate::app::AppMessage::Tick(5.2));
    let text = rig.screen_text();
    assert!(rig.app.dirty, "the age goes on by itself");
    assert!(text.contains("5 s old") && text.contains("Reconnecting in 2 s"), "{text}");
    // Keys answer, and what needs the other machine says why it cannot be had.
    rig.effects.clear();
    rig.press("p");
    assert_eq!(rig.effects, [Effect::Send(ClientMessage::Bridge(BridgeRequest::Reconnect))]);
    assert!(rig.screen_text().contains("the connection to gpu1 is down"), "{}", rig.screen_text());
    rig.receive(BridgeMessage::Line(LineState::Up));
    assert!(!rig.screen_text().contains("old"), "{}", rig.screen_text());
    rig.effects.clear();
    rig.press("p");
    assert!(matches!(rig.effects[..], [Effect::Send(ClientMessage::Command { .. })]));
}

#[test]
fn a_silent_line_shows_its_age_and_wakes_the_screen() {
    let mut rig = remote_run();
    let due = rig.app.next_redraw_at().expect("a time to look again");
    assert!(due > 5.0 && due < 8.0, "{due}");
    rig.update(crate::app::AppMessage::Tick(due));
    assert!(rig.screen_text().contains("6 s old"), "{}", rig.screen_text());
    assert!(rig.app.next_redraw_at().is_some_and(|d| d <= due + 1.1));
}

#[test]
fn leaving_a_line_that_is_down_or_a_run_that_is_only_watched_asks_nothing() {
    let mut rig = remote_run();
    rig.receive(BridgeMessage::Line(LineState::Down { why: "gone".into(), retry: 1.0 }));
    rig.press("q");
    assert!(rig.effects.contains(&Effect::Exit(LeaveReason::Detached)));
    let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
    rig.app.readonly = true;
    assert!(rig.screen_text().contains("read-only"), "{}", rig.screen_text());
    rig.press("q");
    assert!(rig.effects.contains(&Effect::Exit(LeaveReason::Detached)));
}

#[test]
fn a_refused_login_is_not_tried_again_by_itself_or_by_any_key() {
    let mut rig = remote_run();
    rig.receive(BridgeMessage::Line(LineState::Refused {
        why: "me@gpu1: Permission denied (publickey,password).".into(),
    }));
    let text = rig.screen_text();
    for words in ["Permission denied", "Log in again", "surfit open gpu1:", "refused, 0 s old"] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    rig.effects.clear();
    rig.press("right z m");
    assert!(!rig.effects.contains(&Effect::Send(ClientMessage::Bridge(BridgeRequest::Reconnect))), "{:?}", rig.effects);
    rig.press("r");
    assert_eq!(rig.effects.last(), Some(&Effect::Send(ClientMessage::Bridge(BridgeRequest::Reconnect))));
}

#[test]
fn the_count_to_the_next_try_wakes_the_screen_when_it_changes() {
    let mut rig = remote_run();
    rig.update(crate::app::AppMessage::Tick(3.0));
    rig.update(crate::app::AppMessage::Tick(3.4));
    rig.receive(BridgeMessage::Line(LineState::Down { why: "gone".into(), retry: 3.0 }));
    let mut seen = Vec::new();
    for _ in 0..12 {
        let text = rig.screen_text();
        let left = text.split("Reconnecting in ").nth(1).and_then(|t| t.split(' ').next());
        let left = left.map(str::to_owned);
        if seen.last() != Some(&left) {
            seen.push(left);
        }
        let due = rig.app.next_redraw_at().unwrap();
        assert!(due > rig.app.now && due <= rig.app.now + 1.01, "{due} after {}", rig.app.now);
        rig.app.dirty = false;
        rig.update(crate::app::AppMessage::Tick(due));
    }
    let told: Vec<Option<&str>> = seen.iter().map(Option::as_deref).collect();
    assert_eq!(told[..4], [Some("3"), Some("2"), Some("1"), None]);
}
