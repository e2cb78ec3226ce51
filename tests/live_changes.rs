//! What can be changed, asked for and cancelled while a fit goes on, and that a run keeps all of it through a kill.

mod support;

use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};
use support::{
    EngineWire, SafetensorsFile, Sandbox, copy_folder, engine_program, events, events_of, finished_event, wait_for,
};

/// A fit that does not end by itself while a test looks.
const ENDLESS: &str = "--set fit.epochs=100000 --set fit.warmup=0 --set data.validation_images=200 \
                       --set checkpoint.interval_secs=1000";

/// A fit of a few seconds.
const SHORT: &str = "--set fit.epochs=80 --set fit.warmup=0 --set data.validation_images=200 \
                     --set checkpoint.interval_secs=1000";

fn state(run: &Path) -> Vec<u8> {
    std::fs::read(run.join("surface/state.safetensors")).expect("a checkpoint")
}

fn last_rate(run: &Path) -> f64 {
    let losses = events_of(run, "losses");
    let of_fit = losses.iter().rev().find(|e| e["curve"] == "surface");
    of_fit.expect("losses")["rate"].as_f64().expect("a rate")
}

#[test]
fn rate_draws_and_frozen_points_are_kept_through_kills_bit_for_bit() {
    let place = Sandbox::new();
    let (run, pid) = place.start_tiny_job("a", SHORT);
    wait_for("the fit", || {
        let losses = events_of(&run, "losses");
        losses.iter().any(|e| e["curve"] == "surface").then_some(())
    });
    let before = last_rate(&run);
    let said = place.surfit("set a fit.learning_rate=x0.25 fit.points_per_step=3 --json").ok().json_lines();
    assert_eq!(said[0]["event"], "rate_changed", "{said:?}");
    let ratio = said[0]["to"].as_f64().unwrap() / said[0]["from"].as_f64().unwrap();
    assert!((ratio - 0.25).abs() < 1e-12, "{said:?}");
    assert_eq!(said[1]["event"], "draws_changed", "{said:?}");
    assert_eq!(said[1]["to"], 3);
    let mut wire = EngineWire::connect_and_greet(&place);
    wire.expect_accepted(json!({"command": "freeze", "i": 1, "j": 1, "frozen": true}));
    let shown = wire.wait_for_snapshot("the changes", |s| s["draws"] == 3);
    assert_eq!(shown["peak_rate"], said[0]["to"], "{shown}");
    drop(wire);
    place.kill(pid);
    assert!(finished_event(&run).is_none(), "killed too late to mean anything");
    let after = last_rate(&run);
    assert!(after < 0.5 * before, "the steps went on at {after} after {before}");

    // From that checkpoint: once without a break, once with kills.
    let twin = place.path("b");
    copy_folder(&run, &twin, false);
    let _ = std::fs::remove_file(twin.join("socket"));
    place.surfit("resume a --json").ok();
    let mut pid = place.resume_detached("b");
    for _ in 0..2 {
        let steps = events(&twin).len();
        wait_for("the fit to go on", || {
            (events(&twin).len() > steps + 6 || finished_event(&twin).is_some()).then_some(())
        });
        place.kill(pid);
        pid = place.resume_detached("b");
    }
    wait_for("the end", || finished_event(&twin));
    wait_for("the engine to end", || (!support::is_alive(pid)).then_some(()));
    let differences = SafetensorsFile::read(&run.join("surface/state.safetensors"))
        .differences(&SafetensorsFile::read(&twin.join("surface/state.safetensors")));
    assert_eq!(differences, Vec::<String>::new());
    assert!(state(&run) == state(&twin), "other bytes");
    let metadata = &SafetensorsFile::read(&run.join("surface/state.safetensors")).metadata["surfit"];
    let stored: Value = serde_json::from_str(metadata).expect("JSON");
    assert_eq!(stored["steering"]["draws"], json!([4, 3]), "{stored}");
    let frozen = stored["surface"]["frozen"].as_array().expect("a list");
    assert_eq!(frozen.iter().filter(|f| **f == json!(true)).count(), 1);

    // The rate in the configuration is meant again once somebody edits it.
    place.surfit("set a fit.learning_rate=0").fails(2, &["above 0"]);
    place.surfit("set a fit.points_per_step=26").fails(1, &["26 draws", "choose 1 to 25"]);
    place.surfit("set a fit.momentum=0.5").fails(2, &["fit.momentum", "fit.learning_rate"]);
}

#[test]
fn a_change_before_the_fit_is_kept_in_the_configuration() {
    let place = Sandbox::new();
    let (run, pid) = place.start_tiny_job("a", "--set corners.epochs=400");
    let mut wire = EngineWire::connect_and_greet(&place);
    wire.wait_for_snapshot("corners", |s| s["stage"] == "corners");
    wire.expect_accepted(json!({"command": "set_rate", "rate": {"peak": 0.125}}));
    wire.expect_accepted(json!({"command": "set_draws", "draws": 2}));
    let config = std::fs::read_to_string(run.join("config.toml")).expect("a configuration");
    let config: toml::Table = config.parse().expect("TOML");
    assert_eq!(config["fit"]["learning_rate"].as_float(), Some(0.125));
    assert_eq!(config["fit"]["points_per_step"].as_integer(), Some(2));
    place.kill(pid);
}

#[test]
fn a_search_finds_no_worse_point_and_says_the_same_twice() {
    let place = Sandbox::new();
    place.run_tiny_job("a", "--set data.validation_images=400");
    let ask = "search a --at 0.3,0.3 --radius 0.2 --budget 12 --json";
    let found = place.surfit(ask).ok().last_json();
    let accuracy = |p: &Value| p["accuracy"].as_f64().expect("an accuracy");
    assert!(accuracy(&found["to"]) >= accuracy(&found["from"]), "{found}");
    assert_eq!(found["to"]["images"], 400, "the winner is measured in full");
    let looked_at = found["looked_at"].as_u64().expect("a number");
    assert!((2..=12).contains(&looked_at), "{found}");
    assert!(found["images"].as_u64() < Some(looked_at * 400 * 2), "{found}");
    let again = place.surfit(ask).ok().last_json();
    assert_eq!(found, again, "a search is a function of its arguments");
    let near = |key: &str| (found["to"][key].as_f64().unwrap() - 0.3).abs();
    assert!(near("u") < 0.7 && near("v") < 0.7);
    place.surfit("search a --at 0.3,0.3 --radius 7").fails(1, &["a step of 7", "choose"]);
    place.surfit("search a --at 0.3,1.3").fails(2, &["0 to 1"]);
}

#[test]
fn an_ensemble_is_chosen_on_validation_exported_and_measured_again_from_its_files() {
    let place = Sandbox::new();
    let run = place.run_tiny_job("a", "--set data.validation_images=400");
    let made = place.surfit("export a --ensemble 3 --out three --json").ok().last_json();
    assert_eq!(made["selection"], "ensemble", "{made}");
    assert_eq!(made["members"].as_array().map(Vec::len), Some(3), "{made}");
    assert_eq!(made["chosen"], true, "{made}");
    let card = std::fs::read(place.path("three/model.json")).expect("a card");
    let card: Value = serde_json::from_slice(&card).expect("JSON");
    let best_member = card["members"]
        .as_array()
        .expect("members")
        .iter()
        .map(|m| m["validation_accuracy"].as_f64().expect("an accuracy"))
        .fold(0.0, f64::max);
    assert!(made["validation_accuracy"].as_f64() >= Some(best_member - 0.02), "{card}");
    for split in ["val", "test"] {
        let again = place.surfit(&format!("eval three --split {split} --json")).ok().last_json();
        let key = match split {
            "val" => "validation_accuracy",
            _ => "test_accuracy",
        };
        assert_eq!(again["accuracy"], card[key], "{split}: {again}");
    }
    place.surfit("export a --ensemble 3 --out three").fails(2, &["already contains a model", "--force"]);
    // Given members, in the place of the three.
    let two = place.surfit("export a --member 0.25,0.5 --member 0.75,0.5 --out three --force --json").ok().last_json();
    assert_eq!(two["members"], json!([[0.25, 0.5], [0.75, 0.5]]), "{two}");
    assert_eq!(two["chosen"], false, "{two}");
    assert!(!place.path("three/member-3.safetensors").exists());
    // And one network in the place of two.
    place.surfit("export a --centroid --out three --force").ok();
    assert!(!place.path("three/member-1.safetensors").exists());
    place.surfit("eval three").ok();
    place.surfit("export a --ensemble 0 --out four").fails(2, &["choose 1 to 64"]);
    let mut engine = place.program(engine_program());
    engine.arg("serve").arg(&run).args(["--wait", "--linger", "30"]);
    let _engine = support::ChildGuard(engine.spawn().expect("the engine starts"));
    let mut wire_run = EngineWire::connect_and_greet(&place);
    let at = wire_run.events.len();
    wire_run.expect_accepted(json!({"command": "measure_ensemble", "points": [[0.0, 0.0], [1.0, 1.0]]}));
    let measured = wire_run.wait_for_event("ensemble_measured", at, |_| true);
    assert_eq!(measured["members"].as_array().map(Vec::len), Some(2));
    assert_eq!(measured["images"], 400);
    wire_run.expect_refused(json!({"command": "measure_ensemble", "points": []}), "mark 1 to 64");
    drop(wire_run);
    assert_eq!(events_of(&run, "ensemble_measured").len(), 1);
}

#[test]
fn what_takes_long_shows_its_progress_answers_others_and_is_given_up() {
    let place = Sandbox::new();
    // Ten seconds and more of validation images for a search.
    let (_, _) = place.start_tiny_job("a", &ENDLESS.replace("=200", "=3000"));
    let mut wire = EngineWire::connect_and_greet(&place);
    wire.wait_for_fit();
    wire.expect_refused(json!({"command": "cancel"}), "nothing is under way");
    let search = json!({"command": "search", "u": 0.5, "v": 0.5, "radius": 0.25, "budget": 1000});
    let id = wire.send(&search);
    let measured = wire.send(&json!({"command": "evaluate", "u": 0.1, "v": 0.1}));
    let degree = wire.send(&json!({"command": "set_degree", "degrees": [3, 2]}));
    let shown = wire.wait_for_snapshot("the search", |s| {
        s["errand"]["name"].as_str().is_some_and(|n| n.contains("searching near"))
            && s["errand"]["waiting"].as_u64() >= Some(1)
    });
    assert_eq!(shown["errand"]["total"], 1000, "{}", shown["errand"]);
    // Others are answered meanwhile.
    let asked = Instant::now();
    wire.expect_accepted(json!({"command": "mark", "u": 0.5, "v": 0.5}));
    let waited = asked.elapsed();
    assert!(waited < Duration::from_secs(2), "{waited:?}");
    // What waited behind it comes next, in order, and the fit goes on.
    let cancel = wire.send(&json!({"command": "cancel"}));
    let mut errors = std::collections::BTreeMap::new();
    while errors.len() < 4 {
        let message = wire.receive();
        if message["type"] == "reply" {
            errors.insert(message["id"].as_u64(), message["error"].clone());
        }
    }
    let cancelled = errors[&Some(id)].as_str();
    assert!(cancelled.is_some_and(|e| e.contains("cancelled")), "{errors:?}");
    for id in [cancel, measured, degree] {
        assert!(errors[&Some(id)].is_null(), "{errors:?}");
    }
    let order: Vec<&str> = wire
        .events
        .iter()
        .filter_map(|e| e["event"].as_str())
        .filter(|e| ["cancelled", "evaluated", "degree_changed"].contains(e))
        .collect();
    assert_eq!(order, ["cancelled", "evaluated", "degree_changed"]);
    let step = wire.snapshot["fit_step"].as_u64();
    wire.wait_for_next_snapshot("the fit going on", |s| s["errand"].is_null() && s["fit_step"].as_u64() > step);

    // Figures that views show.
    let shown = wire.wait_for_next_snapshot("load and cost", |s| {
        s["cost"]["network"].as_f64() > Some(0.0) && s["steps_per_second"].as_f64() > Some(0.0)
    });
    assert_eq!(shown["cost"]["degrees"], json!([3, 2]), "{}", shown["cost"]);
    assert!(shown["machine"]["memory"].as_u64() > Some(0), "{shown}");
    assert!(shown["machine"]["engine"].as_f64() > Some(0.0), "{shown}");
    let at = wire.events.len();
    wire.expect_accepted(json!({"command": "distances"}));
    let distances = wire.wait_for_event("distances", at, |_| true);
    let values = distances["values"].as_array().expect("a matrix");
    assert_eq!(values.len(), 144, "12 control points");
    for k in 0..12 {
        assert_eq!(values[13 * k], 0.0);
        assert_eq!(values[12 * k + 1], values[12 + k], "it is symmetric");
    }

    // The heatmap is cancelled as well.
    wire.expect_accepted(json!({"command": "set_grid", "grid": 51}));
    wire.expect_accepted(json!({"command": "stop"}));
    wire.wait_for_snapshot("the heatmap", |s| s["stage"] == "heatmap");
    wire.expect_accepted(json!({"command": "cancel"}));
    wire.wait_for_snapshot("rest", |s| s["state"] == "idle");
}
