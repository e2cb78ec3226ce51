//! The socket of an engine: who is served, who is refused, and that nobody who listens badly is a burden.

mod support;

use serde_json::{Value, json};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, Instant};
use support::{EngineWire, Sandbox, engine_program, finished_event, wait_for};

/// A fit that does not end by itself while a test looks.
const ENDLESS: &str = "--set fit.epochs=100000 --set fit.warmup=0 --set data.validation_images=200 \
                       --set checkpoint.interval_secs=5";

#[test]
fn only_those_who_speak_the_protocol_are_served_and_the_engine_minds_nobody_else() {
    let place = Sandbox::new();
    let (run, pid) = place.start_tiny_job("a", ENDLESS);
    let socket = place.socket();
    let mode = |path: &std::path::Path| path.metadata().expect("its mode").mode() & 0o777;
    assert_eq!(mode(&socket), 0o600, "the socket's mode");
    assert_eq!(mode(socket.parent().unwrap()), 0o700, "the mode of the socket's folder");

    let rejected = |first: &[u8], parts: &[&str]| {
        let mut wire = EngineWire::connect(&socket);
        wire.stream.write_all(first).expect("the engine reads");
        let answer = wire.read().unwrap_or_else(|| panic!("no answer to {:?}", String::from_utf8_lossy(first)));
        let reason = answer["reason"].as_str().unwrap_or_else(|| panic!("not rejected: {answer}")).to_owned();
        assert_eq!(answer["type"], "rejected");
        for part in parts {
            assert!(reason.contains(part), "`{part}` is not in: {reason}");
        }
        assert!(wire.read().is_none(), "the connection should be closed after: {reason}");
    };
    let framed = |text: &str| [&(text.len() as u32).to_be_bytes(), text.as_bytes()].concat();
    rejected(
        &framed(r#"{"type":"hello","protocol":99,"client":"test","after":null}"#),
        &["protocol 7", "99", "use the surfit that started the run"],
    );
    rejected(&framed("GET / HTTP/1.1"), &["no message of surfit's protocol"]);
    rejected(&framed(r#"{"type":"command","id":1,"command":{"command":"start"}}"#), &["first", "hello"]);
    rejected(b"\xff\xff\xff\xff garbage", &["no message of surfit's protocol"]);

    // After the greeting too, and with a degree that no surface has.
    for (body, part) in [
        ("nonsense", "no message"),
        (r#"{"type":"command","id":1,"command":{"command":"set_degree","degrees":[2,9]}}"#, "outside 1..=8"),
        (r#"{"type":"command","id":1,"command":{"command":"dance"}}"#, "no message"),
    ] {
        let mut wire = EngineWire::connect_and_greet(&place);
        wire.send_frame(body);
        let reason = loop {
            let message = wire.read().expect("a sentence before the end");
            if message["type"] == "rejected" {
                break message["reason"].as_str().expect("a sentence").to_owned();
            }
        };
        assert!(reason.contains(part), "`{part}` is not in: {reason}");
        assert!(wire.read().is_none(), "the connection should be closed after: {reason}");
    }
    // Half a frame, then gone.
    let mut wire = EngineWire::connect(&socket);
    wire.stream.write_all(b"\0\0\0\x40{\"type\":").expect("the engine reads");
    drop(wire);

    let mut wire = EngineWire::connect_and_greet(&place);
    wire.wait_for_fit();
    assert!(support::is_alive(pid) && finished_event(&run).is_none());
    wire.expect_accepted(json!({"command": "shutdown"}));
    wait_for("the engine to end", || (!support::is_alive(pid)).then_some(()));
    assert!(!socket.exists(), "the socket's file should go with the engine");
}

#[test]
fn a_client_that_never_reads_does_not_slow_the_engine() {
    let place = Sandbox::new();
    // A large grid makes large snapshots, so that the sleepers' buffers are full at once.
    place.start_tiny_job("a", &format!("{ENDLESS} --set heatmap.grid=41"));
    let mut wire = EngineWire::connect_and_greet(&place);
    wire.wait_for_fit();
    let pace = |wire: &mut EngineWire| {
        let step = |s: &Value| s["fit_step"].as_u64().expect("a step");
        let (from, began) = (step(&wire.wait_for_next_snapshot("anything", |_| true)), Instant::now());
        wire.receive_for(Duration::from_secs(2));
        let to = step(&wire.wait_for_next_snapshot("anything", |_| true));
        (to - from) as f64 / began.elapsed().as_secs_f64()
    };
    let before = pace(&mut wire);
    let sleepers: Vec<EngineWire> = (0..3)
        .map(|_| {
            let mut sleeper = EngineWire::connect(&place.socket());
            sleeper.send_frame(r#"{"type":"hello","protocol":7,"client":"sleeper","after":0}"#);
            sleeper
        })
        .collect();
    wire.wait_for_snapshot("the sleepers as viewers", |s| s["viewers"].as_u64() >= Some(4));
    wire.receive_for(Duration::from_secs(1));
    let after = pace(&mut wire);
    println!("steps a second: {before:.1} alone, {after:.1} beside three clients that never read");
    // The machine may be busy with other things; a blocked engine would stand still.
    assert!(after > 0.4 * before, "{before:.1} steps a second fell to {after:.1}");
    let asked = Instant::now();
    wire.expect_accepted(json!({"command": "set_metric", "metric": "loss"}));
    let answered = asked.elapsed();
    println!("an answer took {} ms", answered.as_millis());
    assert!(answered < Duration::from_secs(3), "an answer took {answered:?}");
    drop(sleepers);
    wire.wait_for_snapshot("nobody else", |s| s["viewers"] == 1);
}

#[test]
fn an_engine_whose_socket_was_taken_away_can_be_reached_again() {
    let place = Sandbox::new();
    let (run, pid) = place.start_tiny_job("a", ENDLESS);
    EngineWire::connect_and_greet(&place).wait_for_fit();
    // As a logout clears the user's runtime folder.
    std::fs::remove_dir_all(place.path("runtime/surfit")).expect("the folder of the socket");
    let socket = place.socket();
    // The engine looks every two seconds; what it made must outlast its next looks.
    std::thread::sleep(Duration::from_secs(5));
    assert!(socket.exists(), "it took its own socket away");
    let mut wire = EngineWire::connect_and_greet(&place);
    wire.wait_for_fit();
    assert!(finished_event(&run).is_none() && support::is_alive(pid));
}

#[test]
fn an_engine_that_cannot_be_spoken_to_is_ended_by_a_signal() {
    let place = Sandbox::new();
    let (run, pid) = place.start_tiny_job("a", ENDLESS);
    EngineWire::connect_and_greet(&place).wait_for_fit();
    std::fs::write(run.join("socket"), "/nowhere/at/all.sock").expect("a wrong note");
    place.surfit("stop a").ok();
    // The kernel lets go of the lock a moment before the process is gone.
    wait_for("the engine's end", || (!support::is_alive(pid)).then_some(()));
    assert_eq!(support::events_of(&run, "closed").len(), 1, "in good order");
}

#[test]
fn a_run_has_one_engine_and_a_dead_ones_socket_is_no_hindrance() {
    let place = Sandbox::new();
    let (run, pid) = place.start_tiny_job("a", ENDLESS);
    let mut wire = EngineWire::connect_and_greet(&place);
    wire.wait_for_fit();
    let socket = place.socket();

    place.surfit("resume a").fails(1, &["in use by another engine", &format!("pid {pid}"), "surfit open"]);
    let mut engine = place.program(engine_program());
    engine.arg("serve").arg(&run);
    place.run_to_end(engine).fails(1, &["in use by another engine", "surfit stop"]);
    assert!(socket.exists(), "the second engine took the first one's socket away");
    wire.expect_accepted(json!({"command": "checkpoint"}));
    drop(wire);

    place.kill(pid);
    assert!(socket.exists(), "a killed engine cannot clean up; this test means nothing");
    // Nobody listens there: commands that need an engine start one, and the file is replaced.
    let again = place.resume_detached("a");
    assert_ne!(again, pid);
    let mut wire = EngineWire::connect_and_greet(&place);
    wire.wait_for_fit();
    assert_eq!(wire.events.iter().filter(|e| e["event"] == "started").count(), 2);
    assert!(wire.events.iter().any(|e| e["event"] == "resumed"), "the history should say where it went on");
    drop(wire);
    place.kill(again);
    let model = place.surfit("export a --at 0.5,0.5 --out model --json").ok().last_json();
    assert_eq!(model["u"], 0.5, "an engine was started for the export over the stale socket");
    place.surfit("stop a").fails(1, &["no engine is running"]);
}

#[test]
fn an_engine_refuses_commands_of_a_client_that_only_watches() {
    let place = Sandbox::new();
    let (run, _) = place.start_tiny_job("a", ENDLESS);
    let mut watcher = EngineWire::connect(&place.socket());
    watcher.send_frame(
        json!({"type": "hello", "protocol": 7, "client": "test", "after": 0, "readonly": true}).to_string(),
    );
    assert_eq!(watcher.read().expect("a welcome")["type"], "welcome");
    watcher.wait_for_fit();
    for command in ["pause", "stop", "checkpoint", "shutdown"] {
        watcher.expect_refused(json!({"command": command}), "only watches");
    }
    let mut wire = EngineWire::connect_and_greet(&place);
    wire.wait_for_snapshot("both viewers", |s| s["viewers"] == 2);
    wire.wait_for_snapshot("that the fit goes on", |s| s["state"] == "running");
    assert!(support::events_of(&run, "paused").is_empty());
    wire.expect_accepted(json!({"command": "pause"}));
    watcher.wait_for_event("paused", 0, |_| true);
}

#[test]
fn a_client_that_says_so_gets_of_a_large_heatmap_what_is_new() {
    let place = Sandbox::new();
    place.start_tiny_job("a", &format!("{ENDLESS} --set heatmap.grid=41"));
    let mut other = EngineWire::connect_and_greet(&place);
    other.wait_for_fit();
    let mut wire = EngineWire::connect(&place.socket());
    let hello = json!({"type": "hello", "protocol": 7, "client": "test", "after": u64::MAX, "changes": true});
    wire.send_frame(hello.to_string());
    assert_eq!(wire.read().expect("a welcome")["type"], "welcome");
    let first = wire.wait_for_next_snapshot("the whole", |_| true);
    let mut heatmap = first["heatmap"].clone();
    let whole = first.to_string().len();
    let mut next = || {
        let message = wire.receive();
        assert_eq!(message["type"], "changed", "{message}");
        assert!(4 * message.to_string().len() < whole, "{message}");
        let change = &message["heatmap"];
        heatmap["version"] = change["version"].clone();
        for pair in change["cells"].as_array().expect("cells") {
            let index = pair[0].as_u64().expect("an index") as usize;
            heatmap["cells"][index] = pair[1].clone();
        }
        assert!(message["rest"]["fit_step"].is_u64());
        message["rest"]["state"].clone()
    };
    for _ in 0..5 {
        next();
    }
    // What both come to, when nothing moves any more, is the same.
    other.expect_accepted(json!({"command": "pause"}));
    let paused = other.wait_for_snapshot("a pause", |s| s["state"] == "paused");
    while next() != "paused" {}
    assert_eq!(heatmap, paused["heatmap"]);
    // Who does not say so gets every one whole.
    assert_eq!(other.snapshot["heatmap"]["cells"].as_array().map(Vec::len), Some(41 * 41));
}
