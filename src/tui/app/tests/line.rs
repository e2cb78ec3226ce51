//! The line to another machine.

use crate::app::Effect;
use crate::fixture;
use crate::link::{Incoming, Leave, Line, Outgoing};
use crate::rig::Rig;

fn remote() -> Rig {
    let mut rig = Rig::with(140, 44, fixture::fitting());
    rig.app.line = Some(crate::app::RemoteLine::new("gpu1".into()));
    rig.hear(Incoming::Line(Line::Heard));
    rig
}

#[test]
fn a_line_that_is_down_shows_how_old_the_picture_is_and_any_key_tries_it() {
    let mut rig = remote();
    assert!(rig.text().contains("gpu1:"), "{}", rig.text());
    assert!(rig.text().contains("running"), "{}", rig.text());
    rig.tell(crate::app::Message::Tick(3.0));
    rig.hear(Incoming::Line(Line::Down {
        why: "Connection reset by peer".into(),
        retry: 4.0,
    }));
    let text = rig.text();
    assert!(text.contains("reconnecting, 3 s old"), "{text}");
    assert!(
        text.contains("No line to gpu1: Connection reset by peer. Trying again in 4 s"),
        "{text}"
    );
    rig.tell(crate::app::Message::Tick(5.2));
    let text = rig.text();
    assert!(rig.app.dirty, "the age goes on by itself");
    assert!(
        text.contains("5 s old") && text.contains("Trying again in 2 s"),
        "{text}"
    );
    // Keys answer, and what needs the other machine says why it cannot be had.
    rig.effects.clear();
    rig.press("p");
    assert_eq!(rig.effects, [Effect::Send(Outgoing::Reconnect)]);
    assert!(
        rig.text().contains("the line to gpu1 is down"),
        "{}",
        rig.text()
    );
    rig.hear(Incoming::Line(Line::Heard));
    assert!(!rig.text().contains("old"), "{}", rig.text());
    rig.effects.clear();
    rig.press("p");
    assert!(matches!(
        rig.effects[..],
        [Effect::Send(Outgoing::Command { .. })]
    ));
}

#[test]
fn a_silent_line_shows_its_age_and_wakes_the_screen() {
    let mut rig = remote();
    let due = rig.app.deadline().expect("a time to look again");
    assert!(due > 5.0 && due < 8.0, "{due}");
    rig.tell(crate::app::Message::Tick(due));
    assert!(rig.text().contains("6 s old"), "{}", rig.text());
    assert!(rig.app.deadline().is_some_and(|d| d <= due + 1.1));
}

#[test]
fn leaving_a_line_that_is_down_or_a_run_that_is_only_watched_asks_nothing() {
    let mut rig = remote();
    rig.hear(Incoming::Line(Line::Down {
        why: "gone".into(),
        retry: 1.0,
    }));
    rig.press("q");
    assert!(rig.effects.contains(&Effect::Leave(Leave::Detached)));
    let mut rig = Rig::with(140, 44, fixture::fitting());
    rig.app.readonly = true;
    assert!(rig.text().contains("read-only"), "{}", rig.text());
    rig.press("q");
    assert!(rig.effects.contains(&Effect::Leave(Leave::Detached)));
}
