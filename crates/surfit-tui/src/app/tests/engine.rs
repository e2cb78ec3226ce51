use crate::app::{App, AppMessage, Effect, EngineLink};
use crate::fixture;
use crate::link::{Incoming, LeaveReason, Outgoing, RunLine};
use crate::rig::TestApp;
use crate::theme::ThemeRole;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use surfit_core::event::Event;
use surfit_core::protocol::EngineCommand;

#[test]
fn a_dead_engine_is_told_and_r_resumes_while_the_picture_stays() {
    let mut rig = TestApp::with(100, 30, fixture::fitting());
    rig.press("u enter");
    rig.hear(Incoming::Disconnected {
        reason: "the connection closed".into(),
    });
    rig.hear(Incoming::EngineDied);
    let text = rig.text();
    assert!(
        text.contains("engine died") && text.contains("r resumes from it"),
        "{text}"
    );
    assert!(
        text.contains("Surface") && text.contains("88.87 %"),
        "{text}"
    );
    assert!(text.contains("r resume"), "the footer offers it\n{text}");
    let error = rig.app.theme.style(ThemeRole::Error);
    assert_eq!(rig.cell("engine died").style().fg, error.fg);
    assert!(rig.app.pending.is_empty() && rig.app.wanted_degrees().is_none());
    rig.effects.clear();
    rig.press("p");
    assert!(
        rig.text().contains("no engine works on this run"),
        "{}",
        rig.text()
    );
    assert_eq!(rig.effects, []);
    rig.press("r");
    assert_eq!(rig.effects, [Effect::Send(Outgoing::ResumeEngine(None))]);
    assert!(rig.text().contains("starting the engine"));
    rig.hear(Incoming::Connected { pid: 7 });
    assert_eq!(rig.app.connection, EngineLink::Connected { pid: 7 });
    assert!(!rig.text().contains("engine died"));
}

#[test]
fn a_run_at_rest_is_asked_and_its_engine_is_only_called_when_that_makes_sense() {
    let mut picture = fixture::finished();
    picture.closed = true;
    let mut rig = TestApp::with(100, 30, picture.clone());
    let at_rest = || Incoming::Disconnected {
        reason: "no engine is running; one starts when you ask for something".into(),
    };
    rig.hear(at_rest());
    for (key, why) in [
        ("p", "nothing is under way"),
        (".", "nothing is under way"),
        ("Z", "nothing is under way"),
        ("c", "all of it is on disk"),
    ] {
        rig.press(key);
        assert!(rig.text().contains(why), "{key}: {}", rig.text());
    }
    assert_eq!(rig.sent(), []);
    for keys in ["x", "X", "e", "m", "H", "; s", "; e", "; d", "u enter", "]"] {
        rig.press(keys);
        assert_eq!(rig.sent().len(), 1, "{keys}: {}", rig.text());
    }
    // Leaving now would leave unseen what becomes of it.
    rig.press("q");
    assert!(
        rig.text().contains("has not answered yet"),
        "{}",
        rig.text()
    );
    rig.press("esc").grant();
    rig.press("q");
    let left = Effect::Leave(LeaveReason::Quit { stop_engine: false });
    assert_eq!(rig.effects.last(), Some(&left));

    // A run that was stopped in the middle of its fit says in its last snapshot that it works.
    let mut picture = fixture::fitting();
    picture.closed = true;
    let mut rig = TestApp::with(100, 30, picture.clone());
    rig.hear(at_rest());
    assert!(
        rig.text()
            .contains("stopped, at rest; r goes on with the job"),
        "{}",
        rig.text()
    );
    rig.press("p").press("Z");
    assert_eq!(rig.sent(), []);
    rig.press("m");
    assert!(rig.text().contains("starting the engine"), "{}", rig.text());
    assert_eq!(rig.sent().len(), 1);

    // One whose engine died is not at rest.
    picture.closed = false;
    let mut rig = TestApp::with(100, 30, picture);
    rig.hear(Incoming::EngineDied);
    rig.press("m");
    assert!(rig.text().contains("press r to start it again"));
    assert_eq!(rig.sent(), []);
}

#[test]
fn a_lost_connection_says_why_and_leaving_then_asks_nothing() {
    let mut rig = TestApp::with(80, 24, fixture::fitting());
    rig.hear(Incoming::Disconnected {
        reason: "this client was too slow".into(),
    });
    assert!(
        rig.text().contains("this client was too slow"),
        "{}",
        rig.text()
    );
    assert!(rig.text().contains("no engine"));
    rig.press("q");
    assert_eq!(
        rig.effects.last(),
        Some(&Effect::Leave(LeaveReason::Quit { stop_engine: false }))
    );
}

#[test]
fn leaving_asks_while_a_search_or_an_export_of_a_finished_run_is_under_way() {
    let mut picture = fixture::fitting();
    let snapshot = picture.snapshot.as_mut().unwrap();
    snapshot.state = surfit_core::snapshot::EngineState::Finished;
    snapshot.viewers = 1;
    snapshot.errand = Some(surfit_core::snapshot::RunningTask {
        name: "exporting the best point".into(),
        done: 40,
        total: 100,
        waiting: 0,
    });
    let mut rig = TestApp::with(100, 30, picture);
    rig.hear(Incoming::Connected { pid: 7 });
    rig.press("q");
    assert_eq!(rig.effects.last(), None);
    assert!(
        rig.text().contains("exporting the best point"),
        "{}",
        rig.text()
    );
    rig.app.picture.snapshot.as_mut().unwrap().errand = None;
    rig.press("esc q");
    let left = Effect::Leave(LeaveReason::Quit { stop_engine: true });
    assert_eq!(rig.effects.last(), Some(&left));
}

#[test]
fn an_engine_that_failed_says_why_for_as_long_as_it_is_so() {
    let mut rig = TestApp::with(100, 30, fixture::fitting());
    let mut picture = rig.app.picture.clone();
    fixture::feed(
        &mut picture,
        vec![Event::Failed {
            message: "the disk is full; free some".into(),
        }],
    );
    rig.hear(Incoming::Picture(Box::new(picture)));
    rig.tick(1000.0);
    let text = rig.text();
    assert!(
        text.contains("✗ failed") && text.contains("the disk is full; free some"),
        "{text}"
    );
    // It has ended since: why it failed is still the news, and what can be done is said with it.
    rig.hear(Incoming::EngineDied);
    let text = rig.text();
    assert!(
        text.contains("✗ failed")
            && text.contains(
                "Failed: the disk is full; free some. r resumes from the last checkpoint, q leaves."
            )
            && !text.contains("died"),
        "{text}"
    );
}

#[test]
fn events_seen_twice_and_snapshots_without_news_change_nothing() {
    let mut rig = TestApp::with(100, 30, fixture::fitting());
    rig.app.dirty = false;
    let snapshot = rig.app.picture.snapshot.clone().unwrap();
    rig.hear(Incoming::Snapshot(Box::new(snapshot)));
    let event = Event::Notice {
        text: "again".into(),
    };
    rig.hear(Incoming::Event(surfit_core::event::Envelope {
        seq: 3,
        time: 0.0,
        event,
    }));
    assert!(!rig.app.dirty);
}

#[test]
fn header_figures_change_at_most_once_a_second() {
    let mut rig = TestApp::with(140, 44, fixture::fitting());
    rig.tick(10.0);
    let mut snapshot = rig.app.picture.snapshot.clone().unwrap();
    for (now, seconds, shown) in [
        (10.0, 120.0, "2 min 0 s"),
        (10.5, 110.0, "2 min 0 s"),
        (11.1, 105.0, "1 min 45 s"),
    ] {
        rig.tick(now);
        snapshot.seconds_left = Some(seconds);
        rig.hear(Incoming::Snapshot(Box::new(snapshot.clone())));
        assert!(
            rig.text().contains(&format!("{shown} left")),
            "{now}\n{}",
            rig.text()
        );
    }
}

#[test]
fn another_run_takes_the_place_of_this_one() {
    let mut rig = TestApp::with(140, 44, fixture::fitting());
    rig.press("o");
    assert!(rig.text().contains("Looking for runs"));
    let run = |id: &str, alive| RunLine {
        id: id.into(),
        path: format!("/runs/{id}").into(),
        alive,
        state: "finished".into(),
        best: Some(0.9012),
        when: "yesterday".into(),
        ..RunLine::default()
    };
    rig.hear(Incoming::Runs(vec![
        run(fixture::RUN, true),
        run("resnet-3", false),
    ]));
    let text = rig.text();
    assert!(
        text.contains("resnet-3") && text.contains("90.12 %") && text.contains("▸"),
        "{text}"
    );
    rig.press("enter");
    assert_eq!(
        rig.effects.len(),
        1,
        "this run is shown already: {:?}",
        rig.effects
    );
    rig.press("o down enter");
    assert_eq!(
        rig.effects.last(),
        Some(&Effect::Send(Outgoing::OpenRun("/runs/resnet-3".into())))
    );
    let text = rig.text();
    assert!(
        text.contains("resnet-3") && !text.contains("88.87"),
        "{text}"
    );
    assert!(rig.app.picture.curves.is_empty());
}

#[test]
fn signals_and_a_lost_link_leave_without_a_question() {
    let mut rig = TestApp::with(80, 24, fixture::fitting());
    rig.tell(AppMessage::Hangup);
    assert_eq!(
        rig.effects,
        [
            Effect::Send(Outgoing::Detach),
            Effect::Leave(LeaveReason::Detached)
        ]
    );
    rig.effects.clear();
    rig.tell(AppMessage::LinkEnded);
    assert!(
        matches!(&rig.effects[..], [Effect::Leave(LeaveReason::Lost(why))] if why.contains("surfit open"))
    );
}

#[test]
fn a_signal_makes_the_engine_of_the_screen_write_a_checkpoint() {
    let mut rig = TestApp::with(80, 24, fixture::fitting());
    let asked = |rig: &TestApp| {
        let commands = rig.effects.iter().filter(|effect| {
            let Effect::Send(Outgoing::Command { command, .. }) = effect else {
                return false;
            };
            *command == EngineCommand::Checkpoint
        });
        commands.count()
    };
    rig.tell(AppMessage::CheckpointRequest);
    assert_eq!(asked(&rig), 1);
    for change in [
        |app: &mut App| app.readonly = true,
        |app: &mut App| app.connection = EngineLink::Elsewhere("gpu7".into()),
    ] {
        let mut rig = TestApp::with(80, 24, fixture::fitting());
        change(&mut rig.app);
        rig.tell(AppMessage::CheckpointRequest);
        assert_eq!(rig.effects, []);
    }
}

#[test]
fn leaving_while_an_engine_starts_asks_first() {
    let mut rig = TestApp::with(80, 24, fixture::fitting());
    rig.app.connection = EngineLink::Connecting;
    rig.effects.clear();
    rig.press("q");
    assert_eq!(rig.effects, []);
    assert!(rig.text().contains("is about to work"), "{}", rig.text());
}

#[test]
fn what_still_comes_from_the_run_before_is_passed_over() {
    let mut rig = TestApp::with(140, 44, fixture::fitting());
    let old = rig.app.picture.snapshot.clone().unwrap();
    rig.press("o");
    rig.hear(Incoming::Runs(vec![RunLine {
        id: "resnet-3".into(),
        path: "/runs/resnet-3".into(),
        ..RunLine::default()
    }]));
    rig.press("enter");
    rig.hear(Incoming::Snapshot(Box::new(old)));
    rig.hear(Incoming::EngineDied);
    rig.hear(Incoming::Connected { pid: 1 });
    assert_eq!(rig.app.connection, EngineLink::Connecting);
    assert!(!rig.text().contains("88.87"), "{}", rig.text());
    rig.hear(Incoming::Picture(Box::default()));
    rig.hear(Incoming::Connected { pid: 2 });
    assert_eq!(rig.app.connection, EngineLink::Connected { pid: 2 });
}

#[test]
fn the_question_whether_to_stop_ends_with_its_stage() {
    let asked = || {
        let mut rig = TestApp::with(100, 30, fixture::fitting());
        rig.app.act(crate::action::Action::Stop);
        assert!(rig.app.question.is_some());
        rig
    };
    let mut rig = asked();
    rig.hear(Incoming::EngineDied);
    assert!(rig.app.question.is_none() && rig.text().contains("that stage is over"));
    let mut rig = asked();
    let event = Event::Failed {
        message: "the disk is full".into(),
    };
    rig.hear(Incoming::Event(surfit_core::event::Envelope {
        seq: rig.app.picture.seq + 1,
        time: 0.0,
        event,
    }));
    assert!(rig.app.question.is_none() && rig.text().contains("the disk is full"));
    // Another question stays.
    let mut rig = TestApp::with(100, 30, fixture::fitting());
    rig.press("q");
    rig.hear(Incoming::EngineDied);
    assert!(rig.app.question.is_some());
}

#[test]
fn only_bare_letters_answer_a_question() {
    let mut rig = TestApp::with(100, 30, fixture::fitting());
    rig.press("q");
    rig.effects.clear();
    rig.press("ctrl-s");
    let alt = KeyEvent::new(KeyCode::Char('s'), KeyModifiers::ALT);
    rig.tell(AppMessage::Key(alt));
    assert!(rig.app.question.is_some() && rig.effects.is_empty());
    rig.press("s");
    assert_eq!(
        rig.effects,
        [Effect::Leave(LeaveReason::Quit { stop_engine: true })]
    );
}

#[test]
fn an_engine_with_slow_steps_is_not_called_silent_between_them() {
    let mut picture = fixture::fitting();
    picture.snapshot.as_mut().unwrap().rate = 0.05;
    let mut rig = TestApp::with(140, 44, picture);
    let event = Event::Checkpoint { step: 1240 };
    let (seq, time) = (rig.app.picture.seq + 1, 0.0);
    rig.hear(Incoming::Event(surfit_core::event::Envelope {
        seq,
        time,
        event,
    }));
    rig.tick(59.0);
    assert_eq!(rig.app.silence(), None, "three steps take a minute");
    rig.tick(61.0);
    assert!(rig.text().contains("silent for"), "{}", rig.text());
}

#[test]
fn a_clock_that_is_set_makes_no_engine_silent_and_none_lively() {
    let mut rig = TestApp::with(140, 44, fixture::fitting());
    let started = rig.app.picture.started.expect("a start");
    let told = |rig: &mut TestApp, time: f64| {
        let seq = rig.app.picture.seq + 1;
        let event = Event::Checkpoint { step: 1240 };
        rig.hear(Incoming::Event(surfit_core::event::Envelope {
            seq,
            time,
            event,
        }));
    };
    // The engine's clock goes back an hour and forth a day: its words count when they come.
    let mut now = 1.0;
    for jump in [0.0, -3600.0, 86_400.0] {
        rig.tick(now);
        told(&mut rig, started + jump);
        rig.tick(now + 4.9);
        assert_eq!(rig.app.silence(), None, "{jump}");
        rig.tick(now + 5.5);
        assert_eq!(rig.app.silence(), Some(5.5), "{jump}");
        assert!(rig.text().contains("silent for 5 s"), "{}", rig.text());
        now += 6.0;
    }
    // So does this machine's, by which only the engine's age is told; it is never below nothing.
    for jump in [-3600.0, 0.0, 86_400.0] {
        rig.app.epoch = Some(started + jump);
        assert!(rig.app.silence().is_some_and(|s| (5.0..6.5).contains(&s)));
        assert_eq!(rig.app.uptime(), Some((jump + rig.app.now).max(0.0)));
    }
}

#[test]
fn a_finished_run_whose_idle_engine_dies_is_a_finished_run() {
    let mut rig = TestApp::with(140, 44, fixture::finished());
    rig.hear(Incoming::EngineDied);
    let text = rig.text();
    assert!(
        text.contains("finished") && !text.contains("died"),
        "{text}"
    );
    assert!(rig.app.sleeps() && rig.app.banner().is_none());
}
