use crate::app::{App, AppMessage, Effect, EngineLink};
use crate::fixture;
use crate::link::{LeaveReason, RunLine};
use crate::test_app::TestApp;
use crate::theme::ThemeRole;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use surfit_core::event::Event;
use surfit_core::protocol::{BridgeMessage, BridgeRequest, ClientMessage, EngineCommand, ServerMessage};

#[test]
fn a_dead_engine_is_told_and_r_resumes_while_the_picture_stays() {
    let mut rig = TestApp::with_run_state(100, 30, fixture::fitting_run());
    rig.press("u enter");
    rig.receive(BridgeMessage::Disconnected { reason: "the connection closed".into() });
    rig.receive(BridgeMessage::EngineDied);
    let text = rig.screen_text();
    assert!(text.contains("engine died") && text.contains("r resumes from it"), "{text}");
    assert!(text.contains("Surface") && text.contains("88.87 %"), "{text}");
    assert!(text.contains("r resume"), "the footer offers it\n{text}");
    let error = rig.app.theme.style(ThemeRole::Error);
    assert_eq!(rig.cell_of("engine died").style().fg, error.fg);
    assert!(rig.app.pending.is_empty() && rig.app.requested_degrees().is_none());
    rig.effects.clear();
    rig.press("p");
    assert!(rig.screen_text().contains("no engine is running"), "{}", rig.screen_text());
    assert_eq!(rig.effects, []);
    rig.press("r");
    assert_eq!(rig.effects, [Effect::Send(ClientMessage::Bridge(BridgeRequest::ResumeEngine(None)))]);
    assert!(rig.screen_text().contains("starting the engine"));
    rig.receive(fixture::welcome(7));
    assert_eq!(rig.app.connection, EngineLink::Connected { pid: 7 });
    assert!(!rig.screen_text().contains("engine died"));
}

#[test]
fn a_run_at_rest_is_asked_and_its_engine_is_only_called_when_that_makes_sense() {
    let mut run_state = fixture::finished_run();
    run_state.closed = true;
    let mut rig = TestApp::with_run_state(100, 30, run_state.clone());
    let at_rest =
        || BridgeMessage::Disconnected { reason: "no engine is running; one starts when you ask for something".into() };
    rig.receive(at_rest());
    for (key, why) in [
        ("p", "nothing is running"),
        (".", "nothing is running"),
        ("Z", "nothing to cancel"),
        ("c", "completely on disk"),
    ] {
        rig.press(key);
        assert!(rig.screen_text().contains(why), "{key}: {}", rig.screen_text());
    }
    assert_eq!(rig.take_sent_commands(), []);
    for keys in ["x", "X", "e", "m", "H", "; s", "; e", "; d", "u enter", "]"] {
        rig.press(keys);
        assert_eq!(rig.take_sent_commands().len(), 1, "{keys}: {}", rig.screen_text());
    }
    // Leaving now would leave unseen what becomes of it.
    rig.press("q");
    assert!(rig.screen_text().contains("has not answered yet"), "{}", rig.screen_text());
    rig.press("esc").accept_pending_commands();
    rig.press("q");
    let left = Effect::Exit(LeaveReason::Quit { stop_engine: false });
    assert_eq!(rig.effects.last(), Some(&left));

    // A run that was stopped in the middle of its fit says in its last snapshot that it works.
    let mut run_state = fixture::fitting_run();
    run_state.closed = true;
    let mut rig = TestApp::with_run_state(100, 30, run_state.clone());
    rig.receive(at_rest());
    assert!(rig.screen_text().contains("stopped; r resumes the job"), "{}", rig.screen_text());
    rig.press("p").press("Z");
    assert_eq!(rig.take_sent_commands(), []);
    rig.press("m");
    assert!(rig.screen_text().contains("starting the engine"), "{}", rig.screen_text());
    assert_eq!(rig.take_sent_commands().len(), 1);

    // One whose engine died is not at rest.
    run_state.closed = false;
    let mut rig = TestApp::with_run_state(100, 30, run_state);
    rig.receive(BridgeMessage::EngineDied);
    rig.press("m");
    assert!(rig.screen_text().contains("press r to restart it"));
    assert_eq!(rig.take_sent_commands(), []);
}

#[test]
fn a_lost_connection_says_why_and_leaving_then_asks_nothing() {
    let mut rig = TestApp::with_run_state(80, 24, fixture::fitting_run());
    rig.receive(BridgeMessage::Disconnected { reason: "this client was too slow".into() });
    assert!(rig.screen_text().contains("this client was too slow"), "{}", rig.screen_text());
    assert!(rig.screen_text().contains("no engine"));
    rig.press("q");
    assert_eq!(rig.effects.last(), Some(&Effect::Exit(LeaveReason::Quit { stop_engine: false })));
}

#[test]
fn leaving_asks_while_a_search_or_an_export_of_a_finished_run_is_under_way() {
    let mut run_state = fixture::fitting_run();
    let snapshot = run_state.snapshot.as_mut().unwrap();
    snapshot.state = surfit_core::snapshot::EngineState::Finished;
    snapshot.viewers = 1;
    snapshot.errand = Some(surfit_core::snapshot::RunningTask {
        name: "exporting the best point".into(),
        done: 40,
        total: 100,
        waiting: 0,
    });
    let mut rig = TestApp::with_run_state(100, 30, run_state);
    rig.receive(fixture::welcome(7));
    rig.press("q");
    assert_eq!(rig.effects.last(), None);
    assert!(rig.screen_text().contains("exporting the best point"), "{}", rig.screen_text());
    rig.app.run_state.snapshot.as_mut().unwrap().errand = None;
    rig.press("esc q");
    let left = Effect::Exit(LeaveReason::Quit { stop_engine: true });
    assert_eq!(rig.effects.last(), Some(&left));
}

#[test]
fn an_engine_that_failed_says_why_for_as_long_as_it_is_so() {
    let mut rig = TestApp::with_run_state(100, 30, fixture::fitting_run());
    let mut run_state = rig.app.run_state.clone();
    fixture::apply_events(&mut run_state, vec![Event::Failed { message: "the disk is full; free some".into() }]);
    rig.receive(BridgeMessage::RunState(Box::new(run_state)));
    rig.tick(1000.0);
    let text = rig.screen_text();
    assert!(text.contains("✗ failed") && text.contains("the disk is full; free some"), "{text}");
    // It has ended since: why it failed is still the news, and what can be done is said with it.
    rig.receive(BridgeMessage::EngineDied);
    let text = rig.screen_text();
    assert!(
        text.contains("✗ failed")
            && text.contains("Failed: the disk is full; free some. r resumes from the last checkpoint, q quits.")
            && !text.contains("died"),
        "{text}"
    );
}

#[test]
fn events_seen_twice_and_snapshots_without_news_change_nothing() {
    let mut rig = TestApp::with_run_state(100, 30, fixture::fitting_run());
    rig.app.dirty = false;
    let snapshot = rig.app.run_state.snapshot.clone().unwrap();
    rig.receive(ServerMessage::Snapshot(Box::new(snapshot)));
    let event = Event::Notice { text: "again".into() };
    rig.receive(ServerMessage::Event(surfit_core::event::Envelope { seq: 3, time: 0.0, event }));
    assert!(!rig.app.dirty);
}

#[test]
fn header_figures_change_at_most_once_a_second() {
    let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
    rig.tick(10.0);
    let mut snapshot = rig.app.run_state.snapshot.clone().unwrap();
    for (now, seconds, shown) in [(10.0, 120.0, "2 min 0 s"), (10.5, 110.0, "2 min 0 s"), (11.1, 105.0, "1 min 45 s")] {
        rig.tick(now);
        snapshot.seconds_left = Some(seconds);
        rig.receive(ServerMessage::Snapshot(Box::new(snapshot.clone())));
        assert!(rig.screen_text().contains(&format!("{shown} left")), "{now}\n{}", rig.screen_text());
    }
}

#[test]
fn another_run_takes_the_place_of_this_one() {
    let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
    rig.press("o");
    assert!(rig.screen_text().contains("Looking for runs"));
    let run = |id: &str, alive| RunLine {
        id: id.into(),
        path: format!("/runs/{id}").into(),
        alive,
        state: "finished".into(),
        best: Some(0.9012),
        when: "yesterday".into(),
        ..RunLine::default()
    };
    rig.receive(BridgeMessage::Runs(vec![run(fixture::RUN_ID, true), run("resnet-3", false)]));
    let text = rig.screen_text();
    assert!(text.contains("resnet-3") && text.contains("90.12 %") && text.contains("▸"), "{text}");
    rig.press("enter");
    assert_eq!(rig.effects.len(), 1, "this run is shown already: {:?}", rig.effects);
    rig.press("o down enter");
    assert_eq!(
        rig.effects.last(),
        Some(&Effect::Send(ClientMessage::Bridge(BridgeRequest::OpenRun("/runs/resnet-3".into()))))
    );
    let text = rig.screen_text();
    assert!(text.contains("resnet-3") && !text.contains("88.87"), "{text}");
    assert!(rig.app.run_state.curves.is_empty());
}

#[test]
fn signals_and_a_lost_link_leave_without_a_question() {
    let mut rig = TestApp::with_run_state(80, 24, fixture::fitting_run());
    rig.update(AppMessage::Hangup);
    assert_eq!(rig.effects, [Effect::Exit(LeaveReason::Detached)]);
    rig.effects.clear();
    rig.update(AppMessage::LinkEnded);
    assert!(matches!(&rig.effects[..], [Effect::Exit(LeaveReason::LinkLost(why))] if why.contains("surfit open")));
}

#[test]
fn a_signal_makes_the_engine_of_the_screen_write_a_checkpoint() {
    let mut rig = TestApp::with_run_state(80, 24, fixture::fitting_run());
    let asked = |rig: &TestApp| {
        let commands = rig.effects.iter().filter(|effect| {
            let Effect::Send(ClientMessage::Command { command, .. }) = effect else {
                return false;
            };
            *command == EngineCommand::Checkpoint
        });
        commands.count()
    };
    rig.update(AppMessage::CheckpointRequest);
    assert_eq!(asked(&rig), 1);
    for change in
        [|app: &mut App| app.readonly = true, |app: &mut App| app.connection = EngineLink::OnOtherNode("gpu7".into())]
    {
        let mut rig = TestApp::with_run_state(80, 24, fixture::fitting_run());
        change(&mut rig.app);
        rig.update(AppMessage::CheckpointRequest);
        assert_eq!(rig.effects, []);
    }
}

#[test]
fn leaving_while_an_engine_starts_asks_first() {
    let mut rig = TestApp::with_run_state(80, 24, fixture::fitting_run());
    rig.app.connection = EngineLink::Connecting;
    rig.effects.clear();
    rig.press("q");
    assert_eq!(rig.effects, []);
    assert!(rig.screen_text().contains("is starting"), "{}", rig.screen_text());
}

#[test]
fn what_still_comes_from_the_run_before_is_passed_over() {
    let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
    let old = rig.app.run_state.snapshot.clone().unwrap();
    rig.press("o");
    rig.receive(BridgeMessage::Runs(vec![RunLine {
        id: "resnet-3".into(),
        path: "/runs/resnet-3".into(),
        ..RunLine::default()
    }]));
    rig.press("enter");
    rig.receive(ServerMessage::Snapshot(Box::new(old)));
    rig.receive(BridgeMessage::EngineDied);
    rig.receive(fixture::welcome(1));
    assert_eq!(rig.app.connection, EngineLink::Connecting);
    assert!(!rig.screen_text().contains("88.87"), "{}", rig.screen_text());
    rig.receive(BridgeMessage::RunState(Box::default()));
    rig.receive(fixture::welcome(2));
    assert_eq!(rig.app.connection, EngineLink::Connected { pid: 2 });
}

#[test]
fn the_question_whether_to_stop_ends_with_its_stage() {
    let asked = || {
        let mut rig = TestApp::with_run_state(100, 30, fixture::fitting_run());
        rig.app.perform_action(action!("stop"));
        assert!(rig.app.view::<crate::app::Question>().is_some());
        rig
    };
    let mut rig = asked();
    rig.receive(BridgeMessage::EngineDied);
    assert!(rig.app.view::<crate::app::Question>().is_none() && rig.screen_text().contains("that stage is over"));
    let mut rig = asked();
    let event = Event::Failed { message: "the disk is full".into() };
    rig.receive(ServerMessage::Event(surfit_core::event::Envelope {
        seq: rig.app.run_state.seq + 1,
        time: 0.0,
        event,
    }));
    assert!(rig.app.view::<crate::app::Question>().is_none() && rig.screen_text().contains("the disk is full"));
    // Another question stays.
    let mut rig = TestApp::with_run_state(100, 30, fixture::fitting_run());
    rig.press("q");
    rig.receive(BridgeMessage::EngineDied);
    assert!(rig.app.view::<crate::app::Question>().is_some());
}

#[test]
fn only_bare_letters_answer_a_question() {
    let mut rig = TestApp::with_run_state(100, 30, fixture::fitting_run());
    rig.press("q");
    rig.effects.clear();
    rig.press("ctrl-s");
    let alt = KeyEvent::new(KeyCode::Char('s'), KeyModifiers::ALT);
    rig.update(AppMessage::Key(alt));
    assert!(rig.app.view::<crate::app::Question>().is_some() && rig.effects.is_empty());
    rig.press("s");
    assert_eq!(rig.effects, [Effect::Exit(LeaveReason::Quit { stop_engine: true })]);
}

#[test]
fn an_engine_with_slow_steps_is_not_called_silent_between_them() {
    let mut run_state = fixture::fitting_run();
    run_state.snapshot.as_mut().unwrap().rate = 0.05;
    let mut rig = TestApp::with_run_state(140, 44, run_state);
    let event = Event::Checkpoint { step: 1240 };
    let (seq, time) = (rig.app.run_state.seq + 1, 0.0);
    rig.receive(ServerMessage::Event(surfit_core::event::Envelope { seq, time, event }));
    rig.tick(59.0);
    assert_eq!(rig.app.stalled_for(), None, "three steps take a minute");
    rig.tick(61.0);
    assert!(rig.screen_text().contains("silent for"), "{}", rig.screen_text());
}

#[test]
fn a_clock_that_is_set_makes_no_engine_silent_and_none_lively() {
    let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
    let started = rig.app.run_state.started.expect("a start");
    let told = |rig: &mut TestApp, time: f64| {
        let seq = rig.app.run_state.seq + 1;
        let event = Event::Checkpoint { step: 1240 };
        rig.receive(ServerMessage::Event(surfit_core::event::Envelope { seq, time, event }));
    };
    // The engine's clock goes back an hour and forth a day: its words count when they come.
    let mut now = 1.0;
    for jump in [0.0, -3600.0, 86_400.0] {
        rig.tick(now);
        told(&mut rig, started + jump);
        rig.tick(now + 4.9);
        assert_eq!(rig.app.stalled_for(), None, "{jump}");
        rig.tick(now + 5.5);
        assert_eq!(rig.app.stalled_for(), Some(5.5), "{jump}");
        assert!(rig.screen_text().contains("silent for 5 s"), "{}", rig.screen_text());
        now += 6.0;
    }
    // So does this machine's, by which only the engine's age is told; it is never below nothing.
    for jump in [-3600.0, 0.0, 86_400.0] {
        rig.app.started_at_unix = Some(started + jump);
        assert!(rig.app.stalled_for().is_some_and(|s| (5.0..6.5).contains(&s)));
        assert_eq!(rig.app.uptime(), Some((jump + rig.app.now).max(0.0)));
    }
}

#[test]
fn a_finished_run_whose_idle_engine_dies_is_a_finished_run() {
    let mut rig = TestApp::with_run_state(140, 44, fixture::finished_run());
    rig.receive(BridgeMessage::EngineDied);
    let text = rig.screen_text();
    assert!(text.contains("finished") && !text.contains("died"), "{text}");
    assert!(rig.app.engine_stopped() && rig.app.banner().is_none());
}
