//! Conversations with a fake engine: the good ones, and every bad one.

mod changes;
mod copies;
mod watched_runs;

use super::fake::{FakeEngine, FakePeer, notice, open_bridge, temporary_run};
use super::{ClientError, EngineSession, FollowedItem, RunFollower, connect};
use std::sync::mpsc::Receiver;
use std::thread::spawn;
use std::time::{Duration, Instant};
use surfit_core::config::Config;
use surfit_core::event::Event;
use surfit_core::protocol::{
    BridgeMessage, BridgeRequest, ClientMessage, CommandError, CommandErrorCode, EngineCommand, ServerMessage,
};
use surfit_core::snapshot::Snapshot;

const TEST_TIMEOUT: Duration = Duration::from_secs(10);

fn next_item(follower: &mut RunFollower) -> FollowedItem {
    let began = Instant::now();
    loop {
        assert!(began.elapsed() < TEST_TIMEOUT, "nothing came");
        if let Some(found) = follower.next_item(Duration::from_millis(50)).unwrap() {
            return found;
        }
    }
}

fn item_text(found: FollowedItem) -> String {
    match found {
        FollowedItem::Event(e) => match e.event {
            Event::Notice { text } => text,
            other => format!("{other:?}"),
        },
        other => format!("{other:?}"),
    }
}

#[test]
fn nobody_listening_and_a_stale_socket_are_no_engine() {
    let run = temporary_run();
    assert!(matches!(connect(&run.dir, None), Err(ClientError::NoEngine(_))));
    drop(FakeEngine::open(&run.dir));
    assert!(run.dir.socket_path().exists() && !run.dir.is_engine_alive());
    let refused = connect(&run.dir, None).unwrap_err();
    assert!(refused.to_string().contains("no engine is running"), "{refused}");
}

/// Connects to an engine that answers the hello in the test's way.
fn handshake(answer: impl FnOnce(FakePeer) + Send + 'static) -> ClientError {
    let run = temporary_run();
    let engine = FakeEngine::open(&run.dir);
    let thread = spawn(move || answer(engine.accept().0));
    let error = connect(&run.dir, None).unwrap_err();
    thread.join().unwrap();
    error
}

#[test]
fn refusals_at_the_handshake_are_told_in_words() {
    let other = handshake(|mut peer| {
        let (engine, run) = ("9".into(), "a".into());
        peer.send(&ServerMessage::Welcome { protocol: 9, engine, run, pid: 1, dir: None });
    });
    assert!(matches!(other, ClientError::Version { engine: 9, .. }), "{other}");
    let rejected = handshake(|mut peer| {
        peer.send(&ServerMessage::Rejected { reason: "protocol 1 is too old".into() });
    });
    assert!(rejected.to_string().contains("protocol 1 is too old"), "{rejected}");
    let garbage = handshake(|mut peer| peer.send_bytes(b"\0\0\0\x05hello"));
    assert!(matches!(garbage, ClientError::InvalidMessage(_)), "{garbage}");
    let oversize = handshake(|mut peer| peer.send_bytes(b"HTTP/1.1 200 OK"));
    assert!(matches!(oversize, ClientError::FrameTooLarge(_)), "{oversize}");
    let silent = handshake(drop);
    assert!(matches!(silent, ClientError::Closed), "{silent}");
}

#[test]
fn events_come_once_and_in_order_even_when_the_connection_leaves_some_out() {
    let run = temporary_run();
    let mut engine = FakeEngine::open(&run.dir);
    let events: Vec<_> = ["1", "2", "3", "4"].map(|t| engine.append_event(notice(t))).into();
    let thread = spawn(move || {
        let (mut peer, after) = engine.welcome();
        assert_eq!(after, Some(1));
        for index in [0, 1, 1, 3, 2] {
            peer.send(&ServerMessage::Event(events[index].clone()));
        }
        engine.append_event(Event::Closed);
    });
    let connection = connect(&run.dir, Some(1)).unwrap();
    assert_eq!(connection.pid(), 42);
    let mut follower = RunFollower::new(run.dir.clone(), 1, connection).unwrap();
    let seen: Vec<String> = (0..5).map(|_| item_text(next_item(&mut follower))).collect();
    assert_eq!(seen, ["2", "3", "4", "Closed", "Ended"]);
    thread.join().unwrap();
}

#[test]
fn an_engine_that_dies_mid_way_is_told_from_one_that_closes() {
    let run = temporary_run();
    let mut engine = FakeEngine::open(&run.dir);
    let thread = spawn(move || {
        let (mut peer, _) = engine.welcome();
        let first = engine.append_event(notice("sent"));
        peer.send(&ServerMessage::Event(first));
        // Written, but death came before it was sent; and half a frame.
        engine.append_event(notice("only in the file"));
        peer.send_bytes(&[0, 0, 1, 0, b'{']);
    });
    let connection = connect(&run.dir, Some(0)).unwrap();
    let mut follower = RunFollower::new(run.dir.clone(), 0, connection).unwrap();
    let seen: Vec<String> = (0..3).map(|_| item_text(next_item(&mut follower))).collect();
    assert_eq!(seen, ["sent", "only in the file", "Died"]);
    thread.join().unwrap();
}

#[test]
fn a_client_that_was_cut_off_comes_back_where_it_was() {
    let run = temporary_run();
    let mut engine = FakeEngine::open(&run.dir);
    let thread = spawn(move || {
        let (peer, _) = engine.welcome();
        engine.append_event(notice("missed"));
        drop(peer);
        let (mut peer, after) = engine.welcome();
        assert_eq!(after, Some(1));
        let second = engine.append_event(notice("live again"));
        peer.send(&ServerMessage::Event(second));
        peer.read();
    });
    let connection = connect(&run.dir, Some(0)).unwrap();
    let mut follower = RunFollower::new(run.dir.clone(), 0, connection).unwrap();
    let seen: Vec<String> = (0..3).map(|_| item_text(next_item(&mut follower))).collect();
    assert_eq!(seen, ["missed", "Reconnected", "live again"]);
    drop(follower);
    thread.join().unwrap();
}

#[test]
fn a_promise_in_the_file_is_heard_of_the_engine_or_after_its_death() {
    let promise = Event::Exported(surfit_core::event::ExportedModel {
        dir: "exports/a".into(),
        selection: "best".into(),
        u: None,
        v: None,
        validation_accuracy: 0.5,
        test_accuracy: 0.5,
        members: Vec::new(),
        chosen: None,
    });
    let run = temporary_run();
    let mut engine = FakeEngine::open(&run.dir);
    let thread = spawn(move || {
        let (peer, _) = engine.welcome();
        engine.append_event(notice("missed"));
        let mut given_up = engine.append_event(promise.clone());
        drop(peer);
        let (mut peer, after) = engine.welcome();
        assert_eq!(after, Some(1));
        given_up.event = notice("not durable");
        peer.send(&ServerMessage::Event(given_up));
        engine.append_event(promise);
    });
    let connection = connect(&run.dir, Some(0)).unwrap();
    let mut follower = RunFollower::new(run.dir.clone(), 0, connection).unwrap();
    let mut seen: Vec<String> = (0..5).map(|_| item_text(next_item(&mut follower))).collect();
    assert!(seen.remove(3).starts_with("Exported"), "{seen:?}");
    assert_eq!(seen, ["missed", "Reconnected", "not durable", "Died"]);
    thread.join().unwrap();
}

#[test]
fn garbage_mid_way_ends_the_conversation_with_a_sentence() {
    let run = temporary_run();
    let engine = FakeEngine::open(&run.dir);
    let thread = spawn(move || {
        let (mut peer, _) = engine.welcome();
        peer.send_bytes(b"\0\0\0\x02[]");
        peer.read();
    });
    let connection = connect(&run.dir, Some(0)).unwrap();
    let mut follower = RunFollower::new(run.dir.clone(), 0, connection).unwrap();
    let error = loop {
        if let Err(error) = follower.next_item(Duration::from_millis(50)) {
            break error;
        }
    };
    assert!(matches!(error, ClientError::InvalidMessage(_)), "{error}");
    drop(follower);
    thread.join().unwrap();
}

/// What comes next, but for where the run lies.
fn receive(incoming: &Receiver<ServerMessage>) -> ServerMessage {
    loop {
        match incoming.recv_timeout(TEST_TIMEOUT).expect("nothing came") {
            ServerMessage::Bridge(BridgeMessage::RunOpened(run)) => {
                assert!(run.dir.is_absolute() && !run.name.is_empty())
            }
            other => return other,
        }
    }
}

#[test]
fn the_bridge_shows_a_live_run_and_tells_when_its_engine_dies() {
    let run = temporary_run();
    let mut engine = FakeEngine::open(&run.dir);
    engine.append_event(notice("before"));
    let thread = spawn(move || {
        let (mut peer, after) = engine.welcome();
        assert_eq!(after, Some(1));
        let live = engine.append_event(notice("live"));
        peer.send(&ServerMessage::Event(live));
        let command = peer.read();
        assert_eq!(command, Some(ClientMessage::Command { id: 7, command: EngineCommand::Pause }));
        peer.send(&ServerMessage::Reply {
            id: 7,
            error: Some(CommandError::new(CommandErrorCode::WrongState, "nothing to pause")),
            events: None,
        });
    });
    let (bridge, link) = open_bridge(&run.dir, false);
    assert!(matches!(receive(&link.incoming), ServerMessage::Bridge(BridgeMessage::RunState(p)) if p.seq == 1));
    assert!(matches!(receive(&link.incoming), ServerMessage::Welcome { pid: 42, .. }));
    assert!(matches!(receive(&link.incoming), ServerMessage::Event(e) if e.seq == 2));
    link.send(ClientMessage::Command { id: 7, command: EngineCommand::Pause });
    let reply = receive(&link.incoming);
    assert!(matches!(&reply, ServerMessage::Reply { id: 7, error: Some(e), .. } if e.message == "nothing to pause"));
    assert!(matches!(receive(&link.incoming), ServerMessage::Bridge(BridgeMessage::EngineDied)));
    thread.join().unwrap();
    drop(link);
    assert_eq!(bridge.end(false).run, Some(run.dir.clone()));
}

#[test]
fn the_bridge_shows_runs_without_an_engine_and_changes_between_them() {
    let (died, closed) = (temporary_run(), temporary_run());
    FakeEngine::open(&died.dir).append_event(notice("last words"));
    FakeEngine::open(&closed.dir).append_event(Event::Closed);
    let (bridge, link) = open_bridge(&died.dir, false);
    assert!(matches!(receive(&link.incoming), ServerMessage::Bridge(BridgeMessage::RunState(p)) if p.seq == 1));
    assert!(matches!(receive(&link.incoming), ServerMessage::Bridge(BridgeMessage::EngineDied)));
    link.send(BridgeRequest::OpenRun(closed.dir.path().to_owned()));
    assert!(matches!(receive(&link.incoming), ServerMessage::Bridge(BridgeMessage::RunState(p)) if p.closed));
    assert!(matches!(receive(&link.incoming), ServerMessage::Bridge(BridgeMessage::Disconnected { .. })));
    link.send(BridgeRequest::OpenRun("/nowhere/at/all".into()));
    assert!(
        matches!(receive(&link.incoming), ServerMessage::Bridge(BridgeMessage::Unopened { why, .. }) if why.contains("no run"))
    );
    // The run that was shown before is shown again.
    assert!(matches!(receive(&link.incoming), ServerMessage::Bridge(BridgeMessage::RunState(p)) if p.closed));
    assert!(matches!(receive(&link.incoming), ServerMessage::Bridge(BridgeMessage::Disconnected { .. })));
    link.send(BridgeRequest::Figures);
    assert!(
        matches!(receive(&link.incoming), ServerMessage::Bridge(BridgeMessage::Problem(p)) if p.contains("no heatmap yet"))
    );
    // Another run can be looked into without being shown.
    let other = died.dir.path().to_owned();
    link.send(BridgeRequest::Load(other.clone()));
    assert!(matches!(
        receive(&link.incoming),
        ServerMessage::Bridge(BridgeMessage::Loaded { path, run_state }) if path == other && run_state.seq == 1
    ));
    link.send(BridgeRequest::Load("/nowhere/at/all".into()));
    assert!(matches!(
        receive(&link.incoming),
        ServerMessage::Bridge(BridgeMessage::Unread { path, why })
            if path.ends_with("nowhere/at/all") && why.contains("no run")
    ));
    drop(link);
    assert_eq!(bridge.end(false).run, Some(closed.dir.clone()));
}

#[test]
fn quitting_with_the_engine_asks_it_to_end() {
    let run = temporary_run();
    let engine = FakeEngine::open(&run.dir);
    let thread = spawn(move || {
        let (mut peer, _) = engine.welcome();
        let Some(ClientMessage::Command { command, .. }) = peer.read() else { panic!("no command") };
        assert_eq!(command, EngineCommand::Shutdown);
    });
    let (bridge, link) = open_bridge(&run.dir, false);
    drop(link);
    let ended = bridge.end(true);
    thread.join().unwrap();
    assert!(ended.stopped && ended.stop_error.is_none() && !run.dir.is_engine_alive());
}

#[test]
fn quitting_with_an_engine_that_loses_something_tells_what() {
    let run = temporary_run();
    let engine = FakeEngine::open(&run.dir);
    let why = "stopped at step 3, but the last checkpoint is of step 1";
    let thread = spawn(move || {
        let (mut peer, _) = engine.welcome();
        let Some(ClientMessage::Command { id, .. }) = peer.read() else { panic!("no command") };
        // Its disk is full: the run's files say nothing of it.
        let (error, events) = (Some(CommandError::new(CommandErrorCode::FileSystem, why)), None);
        peer.send(&ServerMessage::Reply { id, error, events });
    });
    let (bridge, link) = open_bridge(&run.dir, false);
    drop(link);
    let ended = bridge.end(true);
    thread.join().unwrap();
    assert!(ended.stopped);
    assert_eq!(ended.stop_error.as_deref(), Some(why));
}

#[test]
fn a_command_sent_just_before_leaving_reaches_an_engine_that_is_still_greeting() {
    let run = temporary_run();
    let engine = FakeEngine::open(&run.dir);
    let (bridge, link) = open_bridge(&run.dir, false);
    link.send(ClientMessage::Command { id: 3, command: EngineCommand::Checkpoint });
    drop(link);
    let thread = spawn(move || {
        std::thread::sleep(Duration::from_millis(200));
        let (mut peer, _) = engine.welcome();
        let first = peer.read();
        peer.send(&ServerMessage::Reply { id: 3, error: None, events: None });
        (first, peer.read())
    });
    let ended = bridge.end(false);
    let command = EngineCommand::Checkpoint;
    let sent = Some(ClientMessage::Command { id: 3, command });
    assert_eq!(thread.join().unwrap(), (sent, None));
    assert!(!ended.stopped && !ended.starting);
}

#[test]
fn the_bridge_tells_why_an_engine_that_is_there_cannot_be_spoken_to() {
    let run = temporary_run();
    let engine = FakeEngine::open(&run.dir);
    let thread = spawn(move || {
        let reason = "too old".into();
        engine.accept().0.send(&ServerMessage::Rejected { reason });
    });
    let (bridge, link) = open_bridge(&run.dir, false);
    assert!(matches!(receive(&link.incoming), ServerMessage::Bridge(BridgeMessage::RunState(_))));
    assert!(
        matches!(receive(&link.incoming), ServerMessage::Bridge(BridgeMessage::Problem(p)) if p.contains("too old"))
    );
    let message = receive(&link.incoming);
    assert!(
        matches!(&message, ServerMessage::Bridge(BridgeMessage::Disconnected { reason }) if reason.contains("too old")),
        "{message:?}"
    );
    thread.join().unwrap();
    drop(link);
    bridge.end(false);
}

#[test]
fn a_visit_asks_and_leaves_an_engine_that_was_there_alone() {
    let run = temporary_run();
    let engine = FakeEngine::open(&run.dir);
    let thread = spawn(move || {
        let (mut peer, _) = engine.welcome();
        let snapshot = Snapshot::empty(Config::default().degrees(), 5);
        peer.send(&ServerMessage::Snapshot(Box::new(snapshot)));
        let Some(ClientMessage::Command { id, command }) = peer.read() else { panic!("no command") };
        assert_eq!(command, EngineCommand::Measure);
        peer.send(&ServerMessage::Reply {
            id,
            error: Some(CommandError::new(CommandErrorCode::WrongState, "the fit is under way")),
            events: None,
        });
        assert_eq!(peer.read(), None);
    });
    let mut visit = EngineSession::open(&run.dir).unwrap();
    assert_eq!(visit.latest_snapshot().heatmap.grid, 5);
    let id = visit.send(EngineCommand::Measure).unwrap();
    let reply = loop {
        match visit.next_item().unwrap() {
            Some(FollowedItem::Reply { id, error, .. }) => break (id, error),
            _ => continue,
        }
    };
    let refusal = CommandError::new(CommandErrorCode::WrongState, "the fit is under way");
    assert_eq!(reply, (id, Some(refusal)));
    drop(visit);
    thread.join().unwrap();
}

#[test]
fn an_engine_that_dies_during_a_visit_is_told() {
    let run = temporary_run();
    let engine = FakeEngine::open(&run.dir);
    let thread = spawn(move || {
        let (mut peer, _) = engine.welcome();
        let snapshot = Snapshot::empty(Config::default().degrees(), 5);
        peer.send(&ServerMessage::Snapshot(Box::new(snapshot)));
        peer.read();
    });
    let mut visit = EngineSession::open(&run.dir).unwrap();
    visit.send(EngineCommand::Measure).unwrap();
    let error = loop {
        if let Err(error) = visit.next_item() {
            break error;
        }
    };
    assert!(matches!(error, ClientError::Closed), "{error}");
    thread.join().unwrap();
}

#[test]
fn who_only_watches_says_so_and_sends_nothing() {
    let run = temporary_run();
    let engine = FakeEngine::open(&run.dir);
    let thread = spawn(move || {
        let (mut peer, _, readonly) = engine.welcome_with_mode();
        assert!(readonly);
        assert_eq!(peer.read(), None, "nothing is asked of the engine");
    });
    let (bridge, link) = open_bridge(&run.dir, true);
    assert!(matches!(receive(&link.incoming), ServerMessage::Bridge(BridgeMessage::RunState(_))));
    assert!(matches!(receive(&link.incoming), ServerMessage::Welcome { .. }));
    link.send(ClientMessage::Command { id: 7, command: EngineCommand::Pause });
    let reply = receive(&link.incoming);
    assert!(
        matches!(&reply, ServerMessage::Reply { id: 7, error: Some(e), .. } if e.message.contains("only watches")),
        "{reply:?}"
    );
    drop(link);
    bridge.end(true);
    thread.join().unwrap();
}

#[test]
fn who_only_watches_starts_no_engine() {
    let run = temporary_run();
    FakeEngine::open(&run.dir).append_event(notice("last words"));
    let (bridge, link) = open_bridge(&run.dir, true);
    assert!(matches!(receive(&link.incoming), ServerMessage::Bridge(BridgeMessage::RunState(_))));
    assert!(matches!(receive(&link.incoming), ServerMessage::Bridge(BridgeMessage::EngineDied)));
    link.send(BridgeRequest::ResumeEngine(None));
    assert!(
        matches!(receive(&link.incoming), ServerMessage::Bridge(BridgeMessage::Problem(p)) if p.contains("only watches"))
    );
    assert!(matches!(receive(&link.incoming), ServerMessage::Bridge(BridgeMessage::EngineDied)));
    drop(link);
    assert!(!bridge.end(false).stopped && !run.dir.is_engine_alive());
}
