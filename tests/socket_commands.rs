//! Steering a fit over its socket, spoken to by hand: what is carried out, what is refused, and that it is all recorded.

mod support;

use serde_json::{Value, json};
use std::io::Write;
use std::time::Duration;
use support::{EngineWire, Sandbox, events};

/// A fit that does not end by itself while a test looks.
const ENDLESS: &str = "--set fit.epochs=100000 --set fit.warmup=0 --set data.validation_images=200 \
                       --set checkpoint.interval_secs=5";

#[test]
fn a_fit_is_steered_while_it_runs_and_every_event_is_durable() {
    let place = Sandbox::new();
    let (run, _) = place.start_tiny_job("a", ENDLESS);
    let mut wire = EngineWire::connect_and_greet(&place);
    wire.expect_refused(json!({"command": "export", "selection": "centroid", "dir": null}), "no surface yet");
    wire.wait_for_fit();

    // Raising keeps every point of the surface; lowering says how far it moved one.
    let at = wire.events.len();
    wire.expect_accepted(json!({"command": "set_degree", "degrees": [3, 2]}));
    let raised = wire.wait_for_event("degree_changed", at, |_| true);
    assert_eq!((&raised["from"], &raised["to"]), (&json!([2, 2]), &json!([3, 2])), "{raised}");
    assert!(raised["deviation"].as_f64().expect("a number") < 1e-5, "raising moved the surface: {raised}");
    let shown =
        wire.wait_for_snapshot("12 control points", |s| s["control_points"].as_array().map(Vec::len) == Some(12));
    let step = shown["fit_step"].as_u64();
    wire.wait_for_snapshot("the fit going on", |s| s["fit_step"].as_u64() > step.map(|n| n + 15));
    let at = wire.events.len();
    wire.expect_accepted(json!({"command": "set_degree", "degrees": [1, 2]}));
    let lowered = wire.wait_for_event("degree_changed", at, |_| true);
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
        let error = wire.wait_for_reply(id);
        assert!(error.is_null(), "{error}");
    }
    let changes: Vec<Value> = wire.events[at..].iter().filter(|e| e["event"] == "degree_changed").cloned().collect();
    assert!((1..=3).contains(&changes.len()), "the work was done {} times: {changes:?}", changes.len());
    assert_eq!(changes.last().expect("one")["to"], json!([3, 4]), "the latest should win");

    wire.expect_accepted(json!({"command": "pause"}));
    let paused = wire.wait_for_snapshot("a pause", |s| s["state"] == "paused")["fit_step"].clone();
    wire.expect_refused(json!({"command": "pause"}), "nothing is under way");
    wire.receive_for(Duration::from_millis(600));
    wire.expect_accepted(json!({"command": "set_metric", "metric": "accuracy"}));
    wire.receive_for(Duration::from_millis(300));
    let still = wire.snapshot.clone();
    assert_eq!((&still["fit_step"], &still["state"]), (&paused, &json!("paused")), "a pause stands still");
    wire.expect_accepted(json!({"command": "unpause"}));
    wire.wait_for_snapshot("the fit going on", |s| s["fit_step"].as_u64() > paused.as_u64());
    wire.expect_refused(json!({"command": "unpause"}), "nothing is paused");

    wire.expect_refused(json!({"command": "set_grid", "grid": 1}), "a grid of 1 cannot be measured; choose 2 to 101");
    wire.expect_refused(json!({"command": "set_grid", "grid": 102}), "choose 2 to 101");
    wire.expect_accepted(json!({"command": "set_grid", "grid": 7}));
    wire.wait_for_snapshot("the grid", |s| {
        s["heatmap"]["grid"] == 7 && s["heatmap"]["cells"].as_array().map(Vec::len) == Some(49)
    });

    wire.expect_refused(json!({"command": "freeze", "i": 0, "j": 0, "frozen": true}), "corner");
    wire.expect_refused(json!({"command": "freeze", "i": 7, "j": 0, "frozen": true}), "no control point (7, 0)");
    wire.expect_accepted(json!({"command": "freeze", "i": 1, "j": 2, "frozen": true}));
    let frozen = |s: &Value| {
        let points = s["control_points"].as_array().cloned().unwrap_or_default();
        points.into_iter().find(|p| p["i"] == 1 && p["j"] == 2).filter(|p| p["frozen"] == true)
    };
    let first = frozen(&wire.wait_for_snapshot("a frozen point", |s| frozen(s).is_some())).unwrap();
    wire.receive_for(Duration::from_millis(2500));
    let later = frozen(&wire.wait_for_snapshot("it still frozen", |s| frozen(s).is_some())).unwrap();
    assert_eq!(first["travelled"], later["travelled"], "a frozen point travels no further");

    let at = wire.events.len();
    wire.expect_accepted(json!({"command": "evaluate", "u": 0.3, "v": 0.7}));
    let point = wire.wait_for_event("evaluated", at, |_| true);
    assert_eq!((&point["u"], &point["images"]), (&0.3.into(), &200.into()), "{point}");
    wire.expect_refused(json!({"command": "evaluate", "u": 1.5, "v": 0.5}), "outside the surface");
    for marked in [true, false] {
        let at = wire.events.len();
        wire.expect_accepted(json!({"command": "mark", "u": 0.3, "v": 0.7}));
        assert_eq!(wire.wait_for_event("marked", at, |_| true)["marked"], marked);
    }
    for selection in [json!({"at": {"u": 0.5, "v": 0.25}}), json!("centroid"), json!("best")] {
        let at = wire.events.len();
        wire.expect_accepted(json!({"command": "export", "selection": selection, "dir": null}));
        let exported = wire.wait_for_event("exported", at, |_| true);
        let dir = std::path::Path::new(exported["dir"].as_str().expect("a folder"));
        assert!(dir.join("model.safetensors").is_file() && dir.join("model.json").is_file(), "{exported}");
        assert!(exported["test_accuracy"].as_f64() > Some(0.1), "{exported}");
    }
    let elsewhere = json!({"command": "export", "selection": "centroid", "dir": place.path("model")});
    wire.expect_accepted(elsewhere.clone());
    wire.expect_refused(elsewhere, "holds a model already");
    wire.expect_accepted(json!({"command": "checkpoint"}));

    // Stopping the fit measures the finished surface and ends the job.
    wire.expect_accepted(json!({"command": "stop"}));
    wire.wait_for_event("finished", 0, |_| true);
    wire.expect_refused(json!({"command": "stop"}), "nothing is under way");
    wire.expect_accepted(json!({"command": "shutdown"}));
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
fn a_refusal_has_a_sentence_for_people_and_a_code_for_programs() {
    let place = Sandbox::new();
    place.start_tiny_job("a", ENDLESS);
    let mut wire = EngineWire::connect_and_greet(&place);
    let mut refusal = |command: Value| {
        let id = wire.send(&command);
        loop {
            let message = wire.receive();
            if message["type"] == "reply" && message["id"] == id {
                return (message["error"].as_str().expect("a sentence").to_owned(), message["code"].clone());
            }
        }
    };
    let (sentence, code) = refusal(json!({"command": "freeze", "i": 0, "j": 1, "frozen": true}));
    assert_eq!(
        (sentence.as_str(), code),
        ("there is no surface yet; it begins when the corners are ready, or with the fit", "no_surface".into())
    );
    assert_eq!(refusal(json!({"command": "unpause"})).1, "wrong_state");
    assert_eq!(refusal(json!({"command": "set_grid", "grid": 1})).1, "invalid_input");
    assert_eq!(refusal(json!({"command": "start"})).1, "busy");
    drop(wire);

    let refused =
        place.surfit("export a --centroid --out m --names as-given --json").fails(1, &["have no other names"]);
    let line = refused.last_json();
    assert_eq!((&line["event"], &line["code"]), (&json!("refused"), &json!("wrong_state")), "{line}");
    assert!(line["error"].as_str().is_some_and(|why| refused.err.contains(why)), "{line}");
    let plain = place.surfit("export a --centroid --out m --names as-given").fails(1, &["have no other names"]);
    assert_eq!(plain.out, "", "without --json standard output stays empty");
}
