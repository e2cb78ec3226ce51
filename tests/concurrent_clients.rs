//! Several clients at one run at a time, and what is done to a run under its engine: everybody hears what became of his own.

mod support;

use rustix::process::Signal;
use serde_json::Value;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Instant;
use support::{CommandResult, Sandbox, events_of, is_alive, send_signal, wait_for};

/// A fit that lasts until it is stopped.
const ENDLESS: &str = "--set fit.epochs=100000 --set checkpoint.every_seconds=1000 --set data.validation_images=200";

fn start(place: &Sandbox, arguments: &str) -> Child {
    let mut command = place.command(arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("surfit starts")
}

/// Exit code, standard output and standard error of a client.
fn ended(client: Child) -> (Option<i32>, String, String) {
    let done = client.wait_with_output().expect("its end");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (done.status.code(), text(&done.stdout), text(&done.stderr))
}

/// Starts a command for each word at a time and gives what they say.
fn at_once(place: &Sandbox, lines: &[String]) -> Vec<(Option<i32>, String, String)> {
    let clients: Vec<Child> = lines.iter().map(|line| start(place, line)).collect();
    clients.into_iter().map(ended).collect()
}

fn wait_for_fit(run: &Path) {
    wait_for("the fit", || {
        let losses = events_of(run, "losses");
        losses.iter().any(|e| e["curve"] == "surface").then_some(())
    });
}

#[test]
fn clients_at_a_time_hear_what_became_of_their_own_command() {
    let place = Sandbox::new();
    let (run, _) = place.start_tiny_job("a", ENDLESS);
    wait_for_fit(&run);
    let places = ["0.1", "0.5", "0.9"];
    let lines = places.map(|u| format!("search a --at {u},0 --budget 1 --json"));
    for (u, (code, out, err)) in places.iter().zip(at_once(&place, &lines)) {
        assert_eq!(code, Some(0), "{err}");
        let said: Value = serde_json::from_str(&out).expect("JSON");
        assert_eq!(said["from"]["u"].to_string(), *u, "{said}");
    }
    let draws = ["5", "6", "7"];
    let lines = draws.map(|n| format!("set a fit.draws={n} --json"));
    for (n, (code, out, err)) in draws.iter().zip(at_once(&place, &lines)) {
        assert_eq!(code, Some(0), "{err}");
        let said: Value = serde_json::from_str(&out).expect("JSON");
        assert_eq!(said["to"].to_string(), *n, "{said}");
    }
    assert_eq!(events_of(&run, "draws_changed").len(), 3);
    place.surfit("stop a").ok();
}

#[test]
fn of_engines_that_are_started_at_a_time_one_is_told_as_the_own() {
    let place = Sandbox::new();
    let (run, _) = place.start_tiny_job("a", ENDLESS);
    wait_for_fit(&run);
    // Right after the kill the system may still free the engine's memory.
    let status = std::fs::read(run.join("status.json")).expect("a status");
    let status: Value = serde_json::from_slice(&status).expect("JSON");
    send_signal(status["pid"].as_i64().expect("a pid") as i32, Signal::KILL);
    let lines = vec!["resume a --detach --json".to_owned(); 3];
    let said = at_once(&place, &lines);
    let own: Vec<_> = said.iter().filter(|(code, ..)| *code == Some(0)).collect();
    assert_eq!(own.len(), 1, "{said:?}");
    for (_, _, err) in said.iter().filter(|(code, ..)| *code != Some(0)) {
        assert!(err.contains("in use by another engine"), "{err}");
    }
    // No other engine waits for its turn.
    place.surfit("stop a").ok();
    std::thread::sleep(std::time::Duration::from_secs(1));
    place.surfit("stop a").fails(1, &["no engine is running"]);
}

#[test]
fn a_lost_terminal_leaves_the_engine_and_is_no_success() {
    let place = Sandbox::new();
    let client = start(&place, &format!("run tiny.toml --run-dir a {ENDLESS}"));
    let run = place.path("a");
    wait_for_fit(&run);
    send_signal(client.id() as i32, Signal::HUP);
    let (code, _, err) = ended(client);
    assert_eq!(code, Some(75), "{err}");
    assert!(err.contains("the engine continues"), "{err}");
    place.surfit("resume a").fails(1, &["in use by another engine"]);
    // One that stands still is told as that, at once.
    let status = std::fs::read(run.join("status.json")).expect("a status");
    let status: Value = serde_json::from_slice(&status).expect("JSON");
    let pid = status["pid"].as_i64().expect("a pid") as i32;
    send_signal(pid, Signal::STOP);
    let began = Instant::now();
    place.surfit("stop a").fails(1, &["is suspended", "kill -CONT"]);
    assert!(began.elapsed().as_secs() < 8);
    send_signal(pid, Signal::CONT);
    place.surfit("stop a").ok();
}

#[test]
fn a_run_that_is_moved_under_its_engine_ends_it_with_a_sentence() {
    let place = Sandbox::new();
    let client = start(&place, &format!("run tiny.toml --run-dir a {ENDLESS}"));
    let run = place.path("a");
    wait_for_fit(&run);
    let status = std::fs::read(run.join("status.json")).expect("a status");
    let status: Value = serde_json::from_slice(&status).expect("JSON");
    let pid = status["pid"].as_i64().expect("a pid") as i32;
    std::fs::rename(&run, place.path("b")).expect("a move");
    let (code, _, err) = ended(client);
    assert_eq!(code, Some(1), "{err}");
    assert!(err.contains("removed or moved"), "{err}");
    wait_for("the engine's end", || (!is_alive(pid)).then_some(()));
    let _: CommandResult = place.surfit("ls --json").ok();
    place.resume_detached("b");
    place.surfit("stop b").ok();
}
