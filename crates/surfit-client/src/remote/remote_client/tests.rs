//! Where the near end comes back to.

use super::*;
use crate::fake::terminal;
use surfit_core::config::Config;

fn shown_message(path: &str) -> Option<ServerMessage> {
    let id = path.rsplit('/').next().unwrap_or_default();
    let (dir, degrees) = (path.into(), Config::default().degrees());
    let run = OpenedRun { id: id.into(), dir, name: id.into(), grid: 5, degrees };
    Some(BridgeMessage::RunOpened(run).into())
}

fn run_state_message(seq: u64) -> Option<ServerMessage> {
    let state = RunState { seq, ..RunState::default() };
    Some(BridgeMessage::RunState(Box::new(state)).into())
}

/// A near end whose line carries and takes whatever is said, at run `/r/a`.
fn connected_client() -> (RemoteClient, Receiver<ServerMessage>, Receiver<NearInput>) {
    let greeting = crate::remote::line::format_greeting();
    let host_config = HostConfig {
        ssh: vec!["sh".into(), "-c".into(), format!("printf '%s\\n' '{}'; cat > /dev/null; true", greeting.trim_end())],
        program: vec!["surfit".into()],
    };
    let address = RemoteAddress { host: "there".into(), run: "a".into() };
    let (screen, messages) = terminal();
    let (inputs, receiver) = channel();
    let line = dial_host(&host_config, "there", &["bridge"], true).unwrap();
    let mut near = RemoteClient::new(address, host_config, false, screen, inputs);
    near.on_connected(line);
    near.on_frame(shown_message("/r/a"));
    near.on_frame(run_state_message(7));
    (near, messages, receiver)
}

#[test]
fn a_run_that_was_asked_for_before_the_line_broke_is_dialled_for() {
    let (mut near, messages, _inputs) = connected_client();
    assert_eq!(near.dial_target(), ("/r/a".into(), Some(("a".into(), 7))));
    // The line is dead, and nobody knows yet.
    near.on_request(BridgeRequest::OpenRun("/r/b".into()));
    near.on_line_lost(None);
    assert_eq!(near.dial_target(), ("/r/b".into(), None));
    near.on_frame(shown_message("/r/b"));
    assert_eq!(near.dial_target(), ("/r/b".into(), None), "its picture is missing");
    near.on_frame(run_state_message(3));
    assert_eq!(near.dial_target(), ("/r/b".into(), Some(("b".into(), 3))));
    let states = messages.try_iter().filter_map(|m| match m {
        ServerMessage::Bridge(BridgeMessage::RunState(p)) => Some(p.seq),
        _ => None,
    });
    assert_eq!(states.collect::<Vec<_>>(), [7, 3]);
}

#[test]
fn a_line_that_takes_no_acknowledgement_is_lost() {
    let (mut near, _told, _inputs) = connected_client();
    let (requests, _unread) = sync_channel(0);
    near.line.as_mut().unwrap().requests = requests;
    near.on_frame(Some(BridgeMessage::Notice("n".into()).into()));
    assert!(near.line.is_some());
    near.on_frame(Some(BridgeMessage::Part { offset: 0, text: "{".into(), last: false }.into()));
    assert!(near.line.is_none() && near.retry_at.is_some());
}

#[test]
fn the_same_run_asked_for_again_comes_whole() {
    let (mut near, _told, _inputs) = connected_client();
    near.on_request(BridgeRequest::OpenRun("/r/a".into()));
    near.on_line_lost(None);
    near.on_frame(shown_message("/r/a"));
    assert_eq!(near.dial_target(), ("/r/a".into(), None));
}

#[test]
fn a_run_that_the_far_end_could_not_open_is_not_dialled_for() {
    let (mut near, _told, _inputs) = connected_client();
    near.on_request(BridgeRequest::OpenRun("/r/gone".into()));
    near.on_frame(Some(unopened("/r/gone")));
    assert_eq!(near.dial_target(), ("/r/a".into(), Some(("a".into(), 7))));
}

fn unopened(path: &str) -> ServerMessage {
    BridgeMessage::Unopened { path: path.into(), why: format!("no run at {path}") }.into()
}

#[test]
fn what_fails_beside_it_leaves_the_run_wanted_that_was_asked_for() {
    let (mut near, _told, _inputs) = connected_client();
    near.on_request(BridgeRequest::OpenRun("/r/gone".into()));
    near.on_request(BridgeRequest::OpenRun("/r/b".into()));
    near.on_frame(Some(unopened("/r/gone")));
    let figures = "no heatmap yet, and so no figure".into();
    near.on_frame(Some(BridgeMessage::Problem(figures).into()));
    near.on_line_lost(None);
    assert_eq!(near.dial_target(), ("/r/b".into(), None));
}

#[test]
fn a_silent_line_is_found_while_keys_come_all_the_time() {
    let (mut near, messages, receiver) = connected_client();
    let inputs = near.inputs.clone();
    let Some(silent) = Instant::now().checked_sub(2 * SERVER_TIMEOUT) else {
        return; // the machine runs for a minute
    };
    near.last_received = silent;
    let thread = std::thread::spawn(move || near.run_loop(&receiver));
    let began = Instant::now();
    loop {
        assert!(began.elapsed() < SERVER_TIMEOUT, "nobody looked at the line");
        inputs.send(NearInput::Terminal(BridgeRequest::Watch(Vec::new()).into())).unwrap();
        match messages.recv_timeout(Duration::from_millis(100)) {
            Ok(ServerMessage::Bridge(BridgeMessage::Line(LineState::Down { why, .. }))) => {
                assert!(why.contains("no message arrived"), "{why}");
                break;
            }
            Ok(_) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => panic!("it ended"),
        }
    }
    inputs.send(NearInput::End { stop: false }).unwrap();
    thread.join().unwrap();
}

#[test]
fn a_host_that_never_says_which_run_it_shows_is_told_at_once() {
    use crate::remote::line::format_greeting;
    let dir = tempfile::tempdir().unwrap();
    let frames = |message: BridgeMessage| {
        let path = dir.path().join("frames");
        let file = std::fs::File::create(&path).unwrap();
        let mut line = flate2::write::DeflateEncoder::new(file, flate2::Compression::default());
        for _ in 0..2000 {
            frame::write(&mut line, &ServerMessage::from(message.clone())).unwrap();
        }
        format!("cat '{}'", path.display())
    };
    let notice = BridgeMessage::Notice("buy now".into());
    for (script, part) in [
        (frames(BridgeMessage::KeepAlive), "did not say which run"),
        (frames(notice), "did not say which run"),
        ("tr '\\0' '\\377' < /dev/zero".into(), "damaged"),
        ("exit 7".into(), "exit status: 7"),
    ] {
        let script = format!("printf '%s' \"$0\"; {script}; sleep 60");
        let host_config = HostConfig {
            ssh: ["sh", "-c", &script, &format_greeting()].map(Into::into).to_vec(),
            program: vec!["surfit".into()],
        };
        let address = RemoteAddress { host: "gpu1".into(), run: "a".into() };
        let began = Instant::now();
        let Err(error) = open(address, host_config, false, terminal().0) else {
            panic!("{script}: it was opened");
        };
        let why = error.to_string();
        assert!(why.starts_with("gpu1") && why.contains(part), "{script}: {why}");
        assert!(began.elapsed() < OPEN_TIMEOUT, "{script}");
    }
}
