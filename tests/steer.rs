//! Steering a run over its socket, spoken to by hand: handshake, commands, what is refused, who may listen.

mod support;

use serde_json::{Value, json};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, Instant};
use support::{Place, Wire, events, finished, wait_for};

/// A fit that does not end by itself while a test looks.
const ENDLESS: &str = "--set fit.epochs=100000 --set fit.warmup=0 --set data.validation_images=200 \
                       --set checkpoint.every_seconds=5";

#[test]
fn only_those_who_speak_the_protocol_are_served_and_the_engine_minds_nobody_else() {
    let place = Place::new();
    let (run, pid) = place.begin("a", ENDLESS);
    let socket = place.socket();
    let mode = |path: &std::path::Path| path.metadata().expect("its mode").mode() & 0o777;
    assert_eq!(mode(&socket), 0o600, "the socket's mode");
    assert_eq!(mode(socket.parent().unwrap()), 0o700, "the mode of the socket's folder");

    let rejected = |first: &[u8], parts: &[&str]| {
        let mut wire = Wire::silent(&socket);
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
        &["protocol 1", "99", "use the surfit that started the run"],
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
        let mut wire = Wire::open(&place);
        wire.frame(body);
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
    let mut wire = Wire::silent(&socket);
    wire.stream.write_all(b"\0\0\0\x40{\"type\":").expect("the engine reads");
    drop(wire);

    let mut wire = Wire::open(&place);
    wire.fitting();
    assert!(support::is_alive(pid) && finished(&run).is_none());
    wire.tell(json!({"command": "shutdown"}));
    wait_for("the engine to end", || (!support::is_alive(pid)).then_some(()));
    assert!(!socket.exists(), "the socket's file should go with the engine");
}

#[test]
fn a_client_that_never_reads_does_not_slow_the_engine() {
    let place = Place::new();
    // A large grid makes large snapshots, so that the sleepers' buffers are full at once.
    place.begin("a", &format!("{ENDLESS} --set heatmap.grid=41"));
    let mut wire = Wire::open(&place);
    wire.fitting();
    let pace = |wire: &mut Wire| {
        let step = |s: &Value| s["fit_step"].as_u64().expect("a step");
        let (from, began) = (step(&wire.next_snapshot("anything", |_| true)), Instant::now());
        wire.listen(Duration::from_secs(2));
        let to = step(&wire.next_snapshot("anything", |_| true));
        (to - from) as f64 / began.elapsed().as_secs_f64()
    };
    let before = pace(&mut wire);
    let sleepers: Vec<Wire> = (0..3)
        .map(|_| {
            let mut sleeper = Wire::silent(&place.socket());
            sleeper.frame(r#"{"type":"hello","protocol":1,"client":"sleeper","after":0}"#);
            sleeper
        })
        .collect();
    wire.snapshot("the sleepers as viewers", |s| s["viewers"].as_u64() >= Some(4));
    wire.listen(Duration::from_secs(1));
    let after = pace(&mut wire);
    println!("steps a second: {before:.1} alone, {after:.1} beside three clients that never read");
    // The machine may be busy with other things; a blocked engine would stand still.
    assert!(after > 0.4 * before, "{before:.1} steps a second fell to {after:.1}");
    let asked = Instant::now();
    wire.tell(json!({"command": "set_metric", "metric": "loss"}));
    let answered = asked.elapsed();
    println!("an answer took {} ms", answered.as_millis());
    assert!(answered < Duration::from_secs(3), "an answer took {answered:?}");
    drop(sleepers);
    wire.snapshot("nobody else", |s| s["viewers"] == 1);
}

#[test]
fn a_fit_is_steered_while_it_runs_and_every_event_is_durable() {
    let place = Place::new();
    let (run, _) = place.begin("a", ENDLESS);
    let mut wire = Wire::open(&place);
    wire.refused(json!({"command": "export", "selection": "centroid", "dir": null}), "no surface yet");
    wire.fitting();

    // Raising keeps every point of the surface; lowering says how far it moved one.
    let at = wire.events.len();
    wire.tell(json!({"command": "set_degree", "degrees": [3, 2]}));
    let raised = wire.event("degree_changed", at, |_| true);
    assert_eq!((&raised["from"], &raised["to"]), (&json!([2, 2]), &json!([3, 2])), "{raised}");
    assert!(raised["deviation"].as_f64().expect("a number") < 1e-5, "raising moved the surface: {raised}");
    let shown = wire.snapshot("12 control points", |s| s["control_points"].as_array().map(Vec::len) == Some(12));
    let step = shown["fit_step"].as_u64();
    wire.snapshot("the fit going on", |s| s["fit_step"].as_u64() > step.map(|n| n + 15));
    let at = wire.events.len();
    wire.tell(json!({"command": "set_degree", "degrees": [1, 2]}));
    let lowered = wire.event("degree_changed", at, |_| true);
    let deviation = lowered["deviation"].as_f64().expect("a number");
    assert!(lowered["to"] == json!([1, 2]) && (1e-5..1.0).contains(&deviation), "{lowered}");

    // Five at once: the work is done for the last, and perhaps for the first that was alone for a moment.
    let at = wire.events.len();
    let mut burst = Vec::new();
    for (id, degrees) in [[2, 2], [3, 3], [4, 4], [5, 5], [3, 4]].into_iter().enumerate() {
        let command = json!({"command": "set_degree", "degrees": degrees});
        let body = json!({"type": "command", "id": 1000 + id, "command": command}).to_string();
        burst.extend((body.len() as u32).to_be_bytes());
        burst.extend(body.as_bytes());
    }
    wire.stream.write_all(&burst).expect("the engine reads");
    for id in 1000..1005 {
        let error = wire.answer(id);
        assert!(error.is_null(), "{error}");
    }
    let changes: Vec<Value> =
        wire.events[at..].iter().filter(|e| e["event"] == "degree_changed").cloned().collect();
    assert!((1..=3).contains(&changes.len()), "the work was done {} times: {changes:?}", changes.len());
    assert_eq!(changes.last().expect("one")["to"], json!([3, 4]), "the latest should win");

    wire.tell(json!({"command": "pause"}));
    let paused = wire.snapshot("a pause", |s| s["state"] == "paused")["fit_step"].clone();
    wire.refused(json!({"command": "pause"}), "nothing is under way");
    wire.listen(Duration::from_millis(600));
    wire.tell(json!({"command": "set_metric", "metric": "accuracy"}));
    wire.listen(Duration::from_millis(300));
    let still = wire.snapshot.clone();
    assert_eq!((&still["fit_step"], &still["state"]), (&paused, &json!("paused")), "a pause stands still");
    wire.tell(json!({"command": "unpause"}));
    wire.snapshot("the fit going on", |s| s["fit_step"].as_u64() > paused.as_u64());
    wire.refused(json!({"command": "unpause"}), "nothing is paused");

    wire.refused(json!({"command": "set_grid", "grid": 1}), "a grid of 1 cannot be measured; choose 2 to 101");
    wire.refused(json!({"command": "set_grid", "grid": 102}), "choose 2 to 101");
    wire.tell(json!({"command": "set_grid", "grid": 7}));
    wire.snapshot("the grid", |s| s["heatmap"]["grid"] == 7 && s["heatmap"]["cells"].as_array().map(Vec::len) == Some(49));

    wire.refused(json!({"command": "freeze", "i": 0, "j": 0, "frozen": true}), "corner");
    wire.refused(json!({"command": "freeze", "i": 7, "j": 0, "frozen": true}), "no control point (7, 0)");
    wire.tell(json!({"command": "freeze", "i": 1, "j": 2, "frozen": true}));
    let frozen = |s: &Value| {
        let points = s["control_points"].as_array().cloned().unwrap_or_default();
        points.into_iter().find(|p| p["i"] == 1 && p["j"] == 2).filter(|p| p["frozen"] == true)
    };
    let first = frozen(&wire.snapshot("a frozen point", |s| frozen(s).is_some())).unwrap();
    wire.listen(Duration::from_millis(2500));
    let later = frozen(&wire.snapshot("it still frozen", |s| frozen(s).is_some())).unwrap();
    assert_eq!(first["travelled"], later["travelled"], "a frozen point travels no further");

    let at = wire.events.len();
    wire.tell(json!({"command": "evaluate", "u": 0.3, "v": 0.7}));
    let point = wire.event("evaluated", at, |_| true);
    assert_eq!((&point["u"], &point["images"]), (&0.3.into(), &200.into()), "{point}");
    wire.refused(json!({"command": "evaluate", "u": 1.5, "v": 0.5}), "outside the surface");
    for marked in [true, false] {
        let at = wire.events.len();
        wire.tell(json!({"command": "mark", "u": 0.3, "v": 0.7}));
        assert_eq!(wire.event("marked", at, |_| true)["marked"], marked);
    }
    for selection in [json!({"at": {"u": 0.5, "v": 0.25}}), json!("centroid"), json!("best")] {
        let at = wire.events.len();
        wire.tell(json!({"command": "export", "selection": selection, "dir": null}));
        let exported = wire.event("exported", at, |_| true);
        let dir = std::path::Path::new(exported["dir"].as_str().expect("a folder"));
        assert!(dir.join("model.safetensors").is_file() && dir.join("model.json").is_file(), "{exported}");
        assert!(exported["test_accuracy"].as_f64() > Some(0.1), "{exported}");
    }
    let elsewhere = json!({"command": "export", "selection": "centroid", "dir": place.path("model")});
    wire.tell(elsewhere.clone());
    wire.refused(elsewhere, "holds a model already");
    wire.tell(json!({"command": "checkpoint"}));

    // Stopping the fit measures the finished surface and ends the job.
    wire.tell(json!({"command": "stop"}));
    wire.event("finished", 0, |_| true);
    wire.refused(json!({"command": "stop"}), "nothing is under way");
    wire.tell(json!({"command": "shutdown"}));
    while wire.read().is_some_and(|m| {
        let event = m["type"] == "event";
        if event {
            wire.events.push(m);
        }
        true
    }) {}
    for (n, e) in wire.events.iter().enumerate() {
        assert_eq!(e["seq"], n as u64 + 1, "events came with gaps: {e}");
    }
    let told = wire.events.iter().cloned().map(|mut e| {
        e.as_object_mut().expect("an object").remove("type");
        e
    });
    assert_eq!(told.collect::<Vec<_>>(), events(&run), "told events and events.jsonl");
    assert_eq!(wire.events.last().expect("events")["event"], "closed");
}

#[test]
fn a_run_has_one_engine_and_a_dead_ones_socket_is_no_hindrance() {
    let place = Place::new();
    let (run, pid) = place.begin("a", ENDLESS);
    let mut wire = Wire::open(&place);
    wire.fitting();
    let socket = place.socket();

    place.surfit("resume a").fails(1, &["in use by another engine", &format!("pid {pid}"), "surfit open"]);
    let mut engine = place.program(env!("CARGO_BIN_EXE_surfit-engine"));
    engine.arg("serve").arg(&run);
    place.finish(engine).fails(1, &["in use by another engine", "surfit stop"]);
    assert!(socket.exists(), "the second engine took the first one's socket away");
    wire.tell(json!({"command": "checkpoint"}));
    drop(wire);

    place.kill(pid);
    assert!(socket.exists(), "a killed engine cannot clean up; this test means nothing");
    // Nobody listens there: commands that need an engine start one, and the file is replaced.
    let again = place.resume_detached("a");
    assert_ne!(again, pid);
    let mut wire = Wire::open(&place);
    wire.fitting();
    assert_eq!(wire.events.iter().filter(|e| e["event"] == "started").count(), 2);
    assert!(wire.events.iter().any(|e| e["event"] == "resumed"), "the history should say where it went on");
    drop(wire);
    place.kill(again);
    let model = place.surfit("export a --at 0.5,0.5 --out model --json").ok().last_json();
    assert_eq!(model["u"], 0.5, "an engine was started for the export over the stale socket");
    place.surfit("stop a").fails(1, &["no engine is running"]);
}
