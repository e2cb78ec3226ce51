//! Forks of a run, and the queue of fits: what they begin with, that the other run is left alone, and what deaths cost.

mod support;

use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use support::{ChildGuard, SafetensorsFile, Sandbox, TerminalScreen, events, events_of, finished_event, wait_for};

fn stored(run: &Path) -> Value {
    let state = SafetensorsFile::read(&run.join("surface/state.safetensors"));
    serde_json::from_str(&state.metadata["surfit"]).expect("JSON")
}

#[test]
fn a_fork_goes_on_from_the_present_step_with_another_degree_and_leaves_the_other_alone() {
    let place = Sandbox::new();
    let (run, _) =
        place.start_tiny_job("a", "--set fit.epochs=100000 --set fit.warmup=0 --set data.validation_images=200");
    place.surfit("fork a --degree 3 3").fails(1, &["no surface yet"]);
    wait_for("the fit", || {
        let losses = events_of(&run, "losses");
        losses.iter().any(|e| e["curve"] == "surface").then_some(())
    });
    let made = place.surfit("fork a --degree 3 2 --run-dir b --json").ok().last_json();
    assert_eq!((&made["run"], &made["from"]), (&json!("b"), &json!("a")));
    let twin = place.path("b");
    let forked = wait_for("the fork's event", || events_of(&twin, "forked").pop());
    assert_eq!(forked["degrees"], json!([2, 2]), "{forked}");
    let step = forked["step"].as_u64().expect("a step");
    let change = wait_for("the degree", || events_of(&twin, "degree_changed").pop());
    assert_eq!((&change["step"], &change["to"]), (&json!(step), &json!([3, 2])));
    assert!(change["deviation"].as_f64() < Some(1e-5), "{change}");
    wait_for("the fork to go on", || {
        let losses = events_of(&twin, "losses");
        losses.iter().any(|e| e["curve"] == "surface" && e["first_step"].as_u64() > Some(step)).then_some(())
    });
    // Its history is the other's up to there, and the other goes on at its own degree.
    assert!(!events_of(&twin, "corner_ready").is_empty());
    let before = events_of(&run, "losses").len();
    wait_for("the other run to go on", || (events_of(&run, "losses").len() > before).then_some(()));
    assert!(events_of(&run, "degree_changed").is_empty());
    // A second engine of the fork does not convert again.
    place.surfit("stop b").ok();
    assert_eq!(stored(&twin)["surface"]["degrees"], json!([3, 2]));
    place.resume_detached("b");
    wait_for("the fork resumed", || (events_of(&twin, "resumed").len() >= 2).then_some(()));
    assert_eq!(events_of(&twin, "forked").len(), 1);
    place.surfit("fork a --run-dir b").fails(2, &["already exists"]);
    place.surfit("fork a --degree 9 --run-dir c").fails(2, &["9", "1..=8"]);
    place.surfit("stop a").ok();
    assert_eq!(stored(&run)["surface"]["degrees"], json!([2, 2]));
}

#[test]
fn the_queue_works_one_after_the_other_through_the_death_of_its_runner() {
    let place = Sandbox::new();
    let small = "--set fit.epochs=1 --set corners.epochs=1 --set data.validation_images=100 \
                 --set heatmap.grid=3";
    let first =
        place.surfit(&format!("queue add tiny.toml tiny.toml --json {small} --set fit.degree=[1,2]")).ok().json_lines();
    let numbers: Vec<u64> = first.iter().filter_map(|e| e["number"].as_u64()).collect();
    assert_eq!(numbers, [1, 2], "{first:?}");
    place.surfit(&format!("queue add tiny.toml {small}")).ok();
    place.surfit("queue rm 3").ok();
    place.surfit("queue rm 3").fails(1, &["number 3", "queue ls"]);
    let listed = place.surfit("queue ls").ok();
    // Two fits, and how it stands with the queue.
    assert_eq!(listed.out.lines().count(), 3, "{}", listed.describe());

    let start = || {
        let mut command = place.command("queue start");
        command.stdout(Stdio::null()).stderr(Stdio::null());
        ChildGuard(command.spawn().expect("the runner starts"))
    };
    let mut runner = start();
    let run = |n: u64| -> PathBuf { place.path(format!("runs/tiny-q{n}")) };
    wait_for("the first run", || run(1).join("events.jsonl").exists().then_some(()));
    let second = place.surfit("queue start").ok();
    assert!(second.out.contains("another process"), "{}", second.describe());
    assert!(!run(2).exists(), "one at a time");
    // The runner dies; the fit goes on, and the next runner takes over.
    runner.0.kill().expect("a kill");
    runner.0.wait().expect("its end");
    let mut runner = start();
    let ended = wait_for("the runner to end", || runner.0.try_wait().expect("its state"));
    assert!(ended.success());
    for n in [1, 2] {
        let result = finished_event(&run(n)).expect("a finished run");
        assert_eq!(result["degrees"], json!([1, 2]));
        assert_eq!(events_of(&run(n), "started").len(), 1, "one engine each");
    }
    let empty = place.surfit("queue ls").ok();
    assert!(empty.out.contains("empty"), "{}", empty.describe());

    // Another degree of a finished run: a further round from its end.
    place.surfit("queue fork tiny-q1 --degree 2").ok();
    let done = place.surfit("queue start").ok();
    assert!(done.out.contains("is finished"), "{}", done.describe());
    let fork = place.path("runs/tiny-q1-2x2");
    assert_eq!(finished_event(&fork).expect("a result")["degrees"], json!([2, 2]));
    let steps = |run: &Path| stored(run)["progress"]["step"].as_u64().expect("steps");
    assert!(steps(&fork) > steps(&run(1)));
}

#[test]
fn a_fork_that_is_asked_for_just_before_leaving_is_made_and_told_on_the_terminal() {
    let place = Sandbox::new();
    let endless = "--set fit.epochs=100000 --set fit.warmup=0 --set data.validation_images=200";
    let (run, _) = place.start_tiny_job("runs/a", endless);
    wait_for("the fit", || {
        let losses = events_of(&run, "losses");
        losses.iter().any(|e| e["curve"] == "surface").then_some(())
    });
    let mut screen = TerminalScreen::open(&place, "open a", (140, 44), &[]);
    screen.wait_for_text("● running");
    screen.press("Nd");
    let (code, text) = screen.expect_terminal_restored();
    let said = "a-3x3 goes on at degree 3×3 as a run of its own";
    assert!(code == 0 && text.contains(said), "{code}: {text}");
    assert!(text.contains("a continues; open it again"), "{text}");
    let twin = place.path("runs/a-3x3");
    wait_for("the fork to go on", || {
        let losses = events_of(&twin, "losses");
        let step = events_of(&twin, "forked").pop()?["step"].as_u64()?;
        losses.iter().any(|e| e["first_step"].as_u64() > Some(step)).then_some(())
    });

    // The engine of the run is asked to end too: only when the fork has its checkpoint.
    let mut screen = TerminalScreen::open(&place, "open a", (140, 44), &[]);
    screen.wait_for_text("● running");
    screen.press("Nqs");
    let (code, text) = screen.expect_terminal_restored();
    let said = "a-3x3-2 goes on at degree 3×3 as a run of its own";
    assert!(code == 0 && text.contains(said), "{code}: {text}");
    assert!(text.contains("stopped; continue with"), "{text}");
    wait_for("the second fork", || events_of(&place.path("runs/a-3x3-2"), "forked").pop());
    assert_eq!(events(&run).pop().expect("events")["event"], "closed");
}

#[test]
fn a_fork_of_the_same_surface_knows_what_was_measured_on_other_grids() {
    let place = Sandbox::new();
    place.run_tiny_job("a", "--set data.validation_images=200");
    place.surfit("heatmap a --grid 7 --keep").ok();
    place.surfit("fork a --run-dir b").ok();
    let twin = place.path("b");
    // Its history begins with the other's.
    wait_for("the fork's end", || {
        let all = events(&twin);
        let over = events_of(&twin, "finished").len() == 2 && all.last()?["event"] == "closed";
        over.then_some(())
    });
    place.surfit("heatmap b --grid 5 --keep").ok();
    let began = events_of(&twin, "stage_began");
    let last = began.iter().rfind(|e| e["stage"] == "heatmap");
    assert_eq!(last.expect("a heatmap")["total"], 0, "measured again");
}

#[test]
fn the_stored_snapshot_follows_the_heatmap_between_checkpoints() {
    let place = Sandbox::new();
    let (run, _) = place.start_tiny_job(
        "a",
        "--set fit.epochs=100000 --set fit.warmup=0 --set data.validation_images=200 \
         --set checkpoint.every_seconds=1000",
    );
    let stored = || -> Option<Value> {
        let bytes = std::fs::read(run.join("snapshot.json")).ok()?;
        serde_json::from_slice(&bytes).ok()
    };
    let step = |s: &Value| s["fit_step"].as_u64().expect("a step");
    wait_for("the live heatmap", || stored().filter(|s| step(s) > 0));
    let checkpoints = events_of(&run, "checkpoint").len();
    for _ in 0..2 {
        let before = stored().expect("a snapshot");
        let after = wait_for("a later one", || stored().filter(|s| step(s) > step(&before)));
        assert_ne!(after["heatmap"], before["heatmap"]);
    }
    assert_eq!(events_of(&run, "checkpoint").len(), checkpoints);
}
