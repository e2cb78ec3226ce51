//! Runs at rest on the screen: what is asked of them is done by an engine that starts for it, does nothing else, and ends.

mod support;

use serde_json::Value;
use std::path::Path;
use support::{Sandbox, TerminalScreen, events, events_of, is_alive, wait_for};

fn engine(run: &Path) -> i32 {
    let bytes = std::fs::read(run.join("status.json")).expect("a status");
    let status: Value = serde_json::from_slice(&bytes).expect("JSON");
    status["pid"].as_i64().expect("a process id") as i32
}

/// The gradient norms of every control point, as they were last stored.
fn gradients(run: &Path) -> Vec<Value> {
    let bytes = std::fs::read(run.join("snapshot.json")).expect("a snapshot");
    let snapshot: Value = serde_json::from_slice(&bytes).expect("JSON");
    let points = snapshot["control_points"].as_array().expect("points");
    points.iter().map(|p| p["gradients"].clone()).collect()
}

/// Waits until there are so many events of a kind.
#[track_caller]
fn until(run: &Path, kind: &str, count: usize) -> Value {
    wait_for(&format!("event {count} of kind {kind}"), || {
        let all = events_of(run, kind);
        (all.len() >= count).then(|| all[count - 1].clone())
    })
}

#[test]
fn a_finished_run_exports_searches_measures_and_gives_up_from_the_screen() {
    let place = Sandbox::new();
    let run = place.run_tiny_job("runs/a", "--set data.validation_images=2000");
    let exported = events_of(&run, "exported").len();
    let norms = gradients(&run);
    let some = |n: &Value| n.as_array().is_some_and(|n| !n.is_empty());
    assert!(norms.iter().any(some), "{norms:?}");
    let mut screen = TerminalScreen::open(&place, "open a", (140, 44), &[]);
    screen.wait_for_text("✓ finished");
    screen.press("x");
    screen.wait_for_text("exporting the best model");
    let model = until(&run, "exported", exported + 1);
    screen.wait_for_text("exported the best to");
    assert!(Path::new(model["dir"].as_str().expect("a folder")).is_dir());
    let pid = engine(&run);
    assert!(is_alive(pid));
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).expect("a command line");
    let line = String::from_utf8_lossy(&line).replace('\0', " ");
    assert!(line.contains("--wait --linger 30"), "{line}");

    screen.press("e");
    let point = until(&run, "evaluated", 1);
    assert_eq!(point["images"], 2000);
    screen.press(":search 0.2 1000\r");
    screen.wait_for_text("Z cancels it");
    screen.press("Z");
    until(&run, "cancelled", 1);
    screen.wait_for_text(": cancelled");
    // Another grid, its progress, and giving it up: what was measured stays.
    screen.press("]");
    screen.wait_for_text("H measures");
    screen.press("H");
    let grid = until(&run, "grid_changed", 1)["grid"].as_u64();
    assert_eq!(grid, Some(7));
    let begun = |e: &&Value| e["stage"] == "heatmap";
    wait_for("the measurement", || {
        let stages = events_of(&run, "stage_began");
        (stages.iter().filter(begun).count() == 2).then_some(())
    });
    screen.press("Z");
    until(&run, "stopped", 1);
    // A key that is pressed while the screen shows a measurement measures nothing.
    screen.wait_for_text("stopped at");
    screen.press("H");
    wait_for("the complete heatmap", || events_of(&run, "heatmap_complete").pop().filter(|e| e["grid"] == 7));
    screen.wait_until("the heatmap", |screen| screen.contains("49/49 measured") && screen.contains("✓ finished"));
    screen.press("q");
    let (code, text) = screen.expect_terminal_restored();
    assert!(code == 0 && text.contains("is finished"), "{code}: {text}");
    wait_for("the engine to end", || (!is_alive(pid)).then_some(()));
    assert_eq!(events(&run).pop().expect("events")["event"], "closed");
    assert_eq!(events_of(&run, "finished").len(), 1);
    // What the fit left to see is still there.
    assert_eq!(gradients(&run), norms);
}

#[test]
fn a_stopped_run_is_measured_and_marked_without_going_on() {
    let place = Sandbox::new();
    let endless = "--set fit.epochs=100000 --set fit.warmup=0 --set data.validation_images=200";
    let (run, _) = place.start_tiny_job("runs/a", endless);
    wait_for("the fit", || {
        let losses = events_of(&run, "losses");
        losses.iter().any(|e| e["curve"] == "surface").then_some(())
    });
    place.surfit("stop a").ok();
    let steps = events_of(&run, "losses").len();
    let mut screen = TerminalScreen::open(&place, "open a", (140, 44), &[]);
    screen.wait_for_text("closed");
    screen.press("p");
    screen.wait_for_text("nothing is running");
    screen.press("m");
    until(&run, "marked", 1);
    screen.press("e");
    until(&run, "evaluated", 1);
    screen.wait_for_text("on 200 validation images");
    screen.press("q");
    screen.expect_terminal_restored();
    assert_eq!(events_of(&run, "losses").len(), steps, "it trained");
    assert_eq!(events(&run).pop().expect("events")["event"], "closed");
    // Watching wakes nothing, and leaves nothing in the run's directory.
    let mut watcher = TerminalScreen::open(&place, "open --readonly a", (140, 44), &[]);
    watcher.wait_for_text("closed, read-only");
    watcher.press("e");
    watcher.wait_for_text("only watches");
    watcher.press("F");
    watcher.wait_for_text("plots in");
    assert!(place.path("a-figures/loss.svg").is_file());
    watcher.press("Wt");
    watcher.wait_for_text("a-figures/surface.csv");
    watcher.press("\r");
    watcher.wait_for_text("wrote");
    assert!(place.path("a-figures/surface.csv").is_file());
    watcher.press("Wt");
    watcher.wait_for_text("a-figures/surface.csv");
    // The whole of what is suggested goes, and a path in the run's directory takes its place.
    watcher.press(&format!("\x15{}\r", run.join("mine.csv").display()));
    watcher.wait_for_text("is only watched");
    watcher.press("M");
    watcher.wait_for_text("loss · grid");
    watcher.press("q");
    watcher.expect_terminal_restored();
    assert_eq!(events_of(&run, "started").len(), 2);
    let drawn = std::fs::read_dir(run.join("figures")).map_or(0, Iterator::count);
    assert!(drawn == 0 && !run.join("mine.csv").exists());
    // Figures that are asked for just before leaving are waited for, and told on the terminal.
    let mut screen = TerminalScreen::open(&place, "open a", (140, 44), &[]);
    screen.wait_for_text("closed");
    screen.press("Fq");
    let (_, text) = screen.expect_terminal_restored();
    assert!(text.contains("plots in"), "{text}");
    assert!(run.join("figures/loss.svg").is_file());
}

#[test]
fn a_finished_run_whose_idle_engine_is_killed_stays_finished() {
    let place = Sandbox::new();
    let run = place.run_tiny_job("runs/a", "--set data.validation_images=200");
    let exported = events_of(&run, "exported").len();
    let mut screen = TerminalScreen::open(&place, "open a", (140, 44), &[]);
    screen.wait_for_text("✓ finished");
    screen.press("x");
    until(&run, "exported", exported + 1);
    screen.wait_for_text("exported the best to");
    let pid = engine(&run);
    let process = rustix::process::Pid::from_raw(pid).expect("a process");
    assert!(is_alive(pid), "it waits for more");
    rustix::process::kill_process(process, rustix::process::Signal::KILL).expect("killed");
    wait_for("its end", || (!is_alive(pid)).then_some(()));
    // As long as it takes to see that an engine died.
    std::thread::sleep(std::time::Duration::from_secs(2));
    let text = screen.text();
    assert!(text.contains("✓ finished") && !text.contains("died"), "{text}");
    let listed = place.surfit("ls a").ok();
    assert!(listed.out.contains("finished"), "{}", listed.describe());
    // What is asked next has an engine of its own.
    screen.press("e");
    until(&run, "evaluated", 1);
    wait_for("another engine", || (engine(&run) != pid).then_some(()));
    screen.wait_for_text("on 200 validation images");
    screen.press("q");
    let (code, text) = screen.expect_terminal_restored();
    assert!(code == 0 && text.contains("is finished"), "{code}: {text}");
    place.surfit("export a --at 0.5,0.5 --out m").ok();
    place.surfit("heatmap a").ok();
    assert_eq!(events_of(&run, "finished").len(), 1);
}
