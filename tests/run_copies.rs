//! Copies of a run whose engine lives: they are runs of their own, and the original never notices.

mod support;

use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use support::{EngineWire, SafetensorsFile, Sandbox, copy_folder, events, events_of, is_alive, wait_for};

/// A fit that does not end by itself while a test looks.
const ENDLESS: &str = "--set fit.epochs=100000 --set fit.warmup=0 --set data.validation_images=200 \
                       --set checkpoint.interval_secs=1000";

fn steering(run: &Path) -> Value {
    let metadata = &SafetensorsFile::read(&run.join("surface/state.safetensors")).metadata["surfit"];
    let stored: Value = serde_json::from_str(metadata).expect("JSON");
    stored["steering"].clone()
}

fn note(run: &Path) -> String {
    std::fs::read_to_string(run.join("socket")).expect("a note")
}

/// A run whose engine was paused in the middle of its fit, with a conversation with it.
fn paused(place: &Sandbox) -> (PathBuf, i32, EngineWire) {
    let (run, pid) = place.start_tiny_job("a", ENDLESS);
    let mut wire = EngineWire::connect_and_greet(place);
    wire.wait_for_fit();
    wire.expect_accepted(json!({"command": "pause"}));
    wire.wait_for_snapshot("the pause", |s| s["state"] == "paused");
    (run, pid, wire)
}

/// Steers a copy and stops it: what happens is the copy's alone.
fn steered(link: bool) {
    let place = Sandbox::new();
    let (run, pid, mut wire) = paused(&place);
    let before = events(&run);
    let twin = place.path("b");
    copy_folder(&run, &twin, link);
    assert_eq!(note(&twin), note(&run), "the note travels with the copy");

    // Nobody works on the copy: what needs an engine that does is refused.
    place.surfit("stop b").fails(1, &["no engine is running for", "/b"]);
    place.surfit("set b momentum=3").fails(2, &["`momentum` cannot be changed", "fit.points_per_step"]);
    let line = |name: &str| -> Value {
        let mut list = place.command("ls --json");
        list.env("SURFIT_RUNS", place.path(""));
        let all = place.run_to_end(list).ok().json_lines();
        let mut named = all.into_iter().filter(|l| l["run"] == name);
        named.next().unwrap_or_else(|| panic!("no line of {name}"))
    };
    assert_eq!(line("a")["alive"], json!(true));
    assert_eq!(line("b")["alive"], json!(false));

    // An engine of the copy's own takes a change, for when the copy goes on.
    let said = place.surfit("set b fit.points_per_step=3 --json").ok().last_json();
    assert_eq!(said["event"], "draws_changed", "{said}");
    assert_eq!(steering(&twin)["draws"], json!([4, 3]));
    assert_ne!(note(&twin), note(&run), "its engine says where it listens");
    assert_eq!(events_of(&twin, "draws_changed").len(), 1);

    // The original stands where it stood, and answers.
    assert!(is_alive(pid));
    assert_eq!(events(&run), before);
    assert_eq!(steering(&run)["draws"], Value::Null);
    wire.expect_accepted(json!({"command": "unpause"}));
    let shown = wire.wait_for_snapshot("the fit going on", |s| s["state"] == "running");
    assert_eq!(shown["draws"], 4, "{shown}");

    // Both go on at once, each as it was steered.
    let other = place.resume_detached("b");
    wait_for("the copy's fit", || {
        let steps = events_of(&twin, "losses").len();
        (steps > events_of(&run, "losses").len().min(4)).then_some(())
    });
    assert!(is_alive(pid) && is_alive(other) && pid != other);
    place.surfit("stop b").ok();
    assert!(is_alive(pid), "the copy's end is its own");
    assert!(events_of(&run, "closed").is_empty());
    place.surfit("stop a").ok();
    for (run, kind) in [(&run, "draws_changed"), (&twin, "paused")] {
        let numbers: Vec<u64> = events(run).iter().filter_map(|e| e["seq"].as_u64()).collect();
        let expected: Vec<u64> = (1..=numbers.len() as u64).collect();
        assert_eq!(numbers, expected, "{}", run.display());
        let of_kind = events_of(run, kind).len();
        assert_eq!(of_kind, usize::from(kind == "paused"), "{kind}");
    }
}

#[test]
fn a_copy_of_a_paused_run_is_steered_for_itself() {
    steered(false);
}

#[test]
fn a_copy_made_of_hard_links_is_steered_for_itself() {
    steered(true);
}

#[test]
fn a_run_that_was_moved_or_copied_names_its_own_folders() {
    let place = Sandbox::new();
    let old = place.run_tiny_job("runs/a", "--set corners.epochs=1 --set fit.epochs=0.5 --set heatmap.grid=3");
    copy_folder(&old, &place.path("runs/b"), false);
    std::fs::rename(&old, place.path("runs/c")).expect("a move");
    for name in ["b", "c"] {
        let told = place.surfit(&format!("open {name}")).ok();
        let own = place.path("runs").join(name).join("exports");
        let model = told.out.lines().find(|l| l.starts_with("model ")).expect("a model");
        assert!(model.contains(own.to_str().expect("a path")), "{}", told.describe());
        assert!(!told.out.contains("runs/a/exports"), "{}", told.describe());
        let json = place.surfit(&format!("resume {name} --json")).ok().last_json();
        assert!(json["export"].as_str().expect("a folder").starts_with(own.to_str().expect("a path")));
    }
}
