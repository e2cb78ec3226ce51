//! Changing between runs, and connections that end while something is asked for.

use super::*;
use std::path::PathBuf;
use surfit_core::event::Envelope;

#[test]
fn a_run_that_is_gone_is_not_resumed_nor_is_the_one_before() {
    let run = temporary_run();
    FakeEngine::open(&run.dir).append_event(Event::Closed);
    let (bridge, link) = open_bridge(&run.dir, false);
    assert!(matches!(receive(&link.incoming), ServerMessage::Bridge(BridgeMessage::RunState(_))));
    let rests = |m: ServerMessage| matches!(m, ServerMessage::Bridge(BridgeMessage::Disconnected { .. }));
    assert!(rests(receive(&link.incoming)));
    let gone = PathBuf::from("/nowhere/at/all");
    link.send(BridgeRequest::OpenRun(gone.clone()));
    link.send(BridgeRequest::ResumeEngine(Some(gone)));
    assert!(
        matches!(receive(&link.incoming), ServerMessage::Bridge(BridgeMessage::Unopened { why, .. }) if why.contains("no run"))
    );
    assert!(matches!(receive(&link.incoming), ServerMessage::Bridge(BridgeMessage::RunState(p)) if p.closed));
    // Once of the run that is shown again, and once as the answer to resuming.
    assert!(rests(receive(&link.incoming)) && rests(receive(&link.incoming)));
    drop(link);
    let ended = bridge.end(false);
    assert!(!ended.starting && !run.dir.is_engine_alive());
}

#[test]
fn whatever_an_engine_has_not_answered_is_answered_when_its_connection_ends() {
    let (run, other) = (temporary_run(), temporary_run());
    FakeEngine::open(&other.dir).append_event(Event::Closed);
    let engine = FakeEngine::open(&run.dir);
    // It cuts the first connection off and lives on, and is silent on the second.
    let thread = spawn(move || {
        let (mut first, _) = engine.welcome();
        assert!(first.read().is_some());
        drop(first);
        let (mut second, _) = engine.welcome();
        assert!(second.read().is_some());
        assert!(second.read().is_none());
    });
    let (bridge, link) = open_bridge(&run.dir, false);
    let reply = |id| {
        loop {
            match receive(&link.incoming) {
                ServerMessage::Reply { id: of, error, .. } => {
                    assert_eq!(of, id);
                    break error.expect("an error");
                }
                ServerMessage::Bridge(BridgeMessage::EngineDied) => panic!("it lives"),
                _ => {}
            }
        }
    };
    let ask = |id| {
        let command = EngineCommand::Measure;
        link.send(ClientMessage::Command { id, command })
    };
    ask(7);
    let why = reply(7);
    assert!(why.message.contains("look whether it was done"), "{why}");
    while !matches!(receive(&link.incoming), ServerMessage::Welcome { .. }) {}
    ask(8);
    let path = other.dir.path().to_owned();
    link.send(BridgeRequest::OpenRun(path));
    let why = reply(8);
    assert!(why.message.contains("look whether it was done"), "{why}");
    thread.join().unwrap();
    drop(link);
    bridge.end(false);
}

#[test]
fn an_engine_that_comes_back_is_found_while_the_list_of_runs_is_open() {
    let run = temporary_run();
    FakeEngine::open(&run.dir).append_event(Event::Closed);
    let (bridge, link) = open_bridge(&run.dir, false);
    assert!(matches!(receive(&link.incoming), ServerMessage::Bridge(BridgeMessage::RunState(_))));
    let rests = |m: ServerMessage| matches!(m, ServerMessage::Bridge(BridgeMessage::Disconnected { .. }));
    assert!(rests(receive(&link.incoming)));
    let engine = FakeEngine::open(&run.dir);
    let thread = spawn(move || engine.welcome());
    let began = Instant::now();
    loop {
        assert!(began.elapsed() < TEST_TIMEOUT, "nobody looked for it");
        // As an open list does, and more often.
        link.send(BridgeRequest::Refresh);
        match link.incoming.recv_timeout(Duration::from_millis(100)) {
            Ok(ServerMessage::Welcome { .. }) => break,
            other => drop(other),
        }
    }
    drop(link);
    bridge.end(false);
    thread.join().unwrap();
}

#[test]
fn what_a_dead_engine_told_and_never_wrote_is_taken_back() {
    let run = temporary_run();
    let mut engine = FakeEngine::open(&run.dir);
    engine.append_event(notice("written"));
    let thread = spawn(move || {
        let (mut peer, _) = engine.welcome();
        // The disk is full.
        for seq in 2..=4 {
            let (time, event) = (1.0, notice("never written"));
            peer.send(&ServerMessage::Event(Envelope { seq, time, event }));
        }
    });
    let (bridge, link) = open_bridge(&run.dir, false);
    let seq = |wanted: fn(&ServerMessage) -> Option<u64>| loop {
        if let Some(seq) = wanted(&receive(&link.incoming)) {
            break seq;
        }
    };
    let run_state = |m: &ServerMessage| match m {
        ServerMessage::Bridge(BridgeMessage::RunState(run_state)) => Some(run_state.seq),
        _ => None,
    };
    let event = |m: &ServerMessage| match m {
        ServerMessage::Event(envelope) => Some(envelope.seq),
        _ => None,
    };
    assert_eq!(seq(run_state), 1);
    assert_eq!([seq(event), seq(event), seq(event)], [2, 3, 4]);
    thread.join().unwrap();
    assert_eq!(seq(run_state), 1, "all that is known of it now");
    while !matches!(receive(&link.incoming), ServerMessage::Bridge(BridgeMessage::EngineDied)) {}
    // The next one gives the numbers anew.
    let mut engine = FakeEngine::open(&run.dir);
    let thread = spawn(move || {
        let (mut peer, after) = engine.welcome();
        assert_eq!(after, Some(1));
        let event = engine.append_event(notice("of another engine"));
        peer.send(&ServerMessage::Event(event));
        peer.read();
    });
    assert_eq!(seq(event), 2);
    drop(link);
    bridge.end(false);
    thread.join().unwrap();
}
