//! Where the near end comes back to.

use super::*;
use std::sync::mpsc::Receiver;
use surfit_core::config::Config;

fn shown_message(path: &str) -> Option<ToNear> {
    Some(ToNear::Shown(ShownRun {
        id: path.rsplit('/').next().unwrap_or_default().into(),
        path: path.into(),
        grid: 5,
        degrees: Config::default().degrees(),
    }))
}

fn run_state_message(seq: u64) -> Option<ToNear> {
    let picture = RunState { seq, ..RunState::default() };
    Some(ToNear::Tell(Incoming::Picture(Box::new(picture))))
}

/// A near end whose line carries and takes whatever is said, at run `/r/a`.
fn connected_client() -> (RemoteClient, Receiver<Incoming>, Receiver<NearInput>) {
    let greeting = super::super::wire::greeting();
    let reach = HostConfig {
        ssh: vec!["sh".into(), "-c".into(), format!("printf '%s\\n' '{}'; cat > /dev/null; true", greeting.trim_end())],
        program: vec!["surfit".into()],
    };
    let address = RemoteAddress { host: "there".into(), run: "a".into() };
    let (screen, told) = sync_channel(256);
    let (inputs, receiver) = sync_channel(64);
    let line = dial(&reach, "there", &["bridge"], true).unwrap();
    let mut near = RemoteClient::new(address, reach, false, screen, inputs);
    near.on_connected(line);
    near.on_bridge_message(shown_message("/r/a"));
    near.on_bridge_message(run_state_message(7));
    (near, told, receiver)
}

#[test]
fn a_run_that_was_asked_for_before_the_line_broke_is_dialled_for() {
    let (mut near, told, _inputs) = connected_client();
    assert_eq!(near.dial_target(), ("/r/a".into(), Some(("a".into(), 7))));
    // The line is dead, and nobody knows yet.
    near.on_ui_request(Outgoing::OpenRun("/r/b".into()));
    near.on_line_lost(None);
    assert_eq!(near.dial_target(), ("/r/b".into(), None));
    near.on_bridge_message(shown_message("/r/b"));
    assert_eq!(near.dial_target(), ("/r/b".into(), None), "its picture is missing");
    near.on_bridge_message(run_state_message(3));
    assert_eq!(near.dial_target(), ("/r/b".into(), Some(("b".into(), 3))));
    let pictures = told.try_iter().filter_map(|m| match m {
        Incoming::Picture(p) => Some(p.seq),
        _ => None,
    });
    assert_eq!(pictures.collect::<Vec<_>>(), [7, 3]);
}

#[test]
fn the_same_run_asked_for_again_comes_whole() {
    let (mut near, _told, _inputs) = connected_client();
    near.on_ui_request(Outgoing::OpenRun("/r/a".into()));
    near.on_line_lost(None);
    near.on_bridge_message(shown_message("/r/a"));
    assert_eq!(near.dial_target(), ("/r/a".into(), None));
}

#[test]
fn a_run_that_the_far_end_could_not_open_is_not_dialled_for() {
    let (mut near, _told, _inputs) = connected_client();
    near.on_ui_request(Outgoing::OpenRun("/r/gone".into()));
    near.on_bridge_message(Some(ToNear::Tell(unopened("/r/gone"))));
    assert_eq!(near.dial_target(), ("/r/a".into(), Some(("a".into(), 7))));
}

fn unopened(path: &str) -> Incoming {
    Incoming::Unopened { path: path.into(), why: format!("no run at {path}") }
}

#[test]
fn what_fails_beside_it_leaves_the_run_wanted_that_was_asked_for() {
    let (mut near, _told, _inputs) = connected_client();
    near.on_ui_request(Outgoing::OpenRun("/r/gone".into()));
    near.on_ui_request(Outgoing::OpenRun("/r/b".into()));
    near.on_bridge_message(Some(ToNear::Tell(unopened("/r/gone"))));
    let figures = "no heatmap yet, and so no figure".into();
    near.on_bridge_message(Some(ToNear::Tell(Incoming::Problem(figures))));
    near.on_line_lost(None);
    assert_eq!(near.dial_target(), ("/r/b".into(), None));
}

#[test]
fn a_silent_line_is_found_while_keys_come_all_the_time() {
    let (mut near, told, receiver) = connected_client();
    let inputs = near.inputs.clone();
    let Some(silent) = Instant::now().checked_sub(2 * SERVER_TIMEOUT) else {
        return; // the machine runs for a minute
    };
    near.last_received = silent;
    let thread = std::thread::spawn(move || near.run_loop(&receiver));
    let began = Instant::now();
    loop {
        assert!(began.elapsed() < SERVER_TIMEOUT, "nobody looked at the line");
        inputs.send(NearInput::Screen(Outgoing::Detach)).unwrap();
        match told.recv_timeout(Duration::from_millis(100)) {
            Ok(Incoming::Line(surfit_tui::link::LineState::Down { why, .. })) => {
                assert!(why.contains("nothing was heard"), "{why}");
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
    use crate::remote::wire::{FrameKind, FrameSender, encode, greeting};
    let dir = tempfile::tempdir().unwrap();
    let frames = |message: &ToNear| {
        let path = dir.path().join("frames");
        let mut sender = FrameSender::new(std::fs::File::create(&path).unwrap());
        for _ in 0..2000 {
            sender.send(FrameKind::Whole, &encode(message).unwrap()).unwrap();
        }
        format!("cat '{}'", path.display())
    };
    let notice = ToNear::Tell(Incoming::Notice("buy now".into()));
    for (script, part) in [
        (frames(&ToNear::Alive), "did not say which run"),
        (frames(&notice), "did not say which run"),
        ("tr '\\0' '\\377' < /dev/zero".into(), "damaged"),
        ("exit 7".into(), "exit status: 7"),
    ] {
        let script = format!("printf '%s' \"$0\"; {script}; sleep 60");
        let reach = HostConfig {
            ssh: ["sh", "-c", &script, &greeting()].map(Into::into).to_vec(),
            program: vec!["surfit".into()],
        };
        let address = RemoteAddress { host: "gpu1".into(), run: "a".into() };
        let began = Instant::now();
        let Err(why) = open(address, reach, false) else {
            panic!("{script}: it was opened");
        };
        assert!(why.starts_with("gpu1") && why.contains(part), "{script}: {why}");
        assert!(began.elapsed() < OPEN_TIMEOUT, "{script}");
    }
}
