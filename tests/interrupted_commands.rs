//! Commands on a run's engine that are refused, broken off or left alone: the run is what it was, or goes on.

mod support;

use rustix::process::Signal;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Stdio;
use support::{ChildGuard, Sandbox, copy_folder, events, events_of, finished_event, is_alive, send_signal, wait_for};

fn start(place: &Sandbox, arguments: &str) -> ChildGuard {
    let mut command = place.command(arguments);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    ChildGuard(command.spawn().expect("surfit starts"))
}

fn snapshot(run: &Path) -> Value {
    let bytes = std::fs::read(run.join("snapshot.json")).expect("a snapshot");
    serde_json::from_slice(&bytes).expect("JSON")
}

fn engine(run: &Path) -> i32 {
    let bytes = std::fs::read(run.join("status.json")).expect("a status");
    let status: Value = serde_json::from_slice(&bytes).expect("JSON");
    status["pid"].as_i64().expect("a process id") as i32
}

fn alive(place: &Sandbox) -> bool {
    place.surfit("ls --json").ok().last_json()["alive"] == true
}

/// Events of a kind that are as wanted.
fn count(run: &Path, kind: &str, wanted: impl Fn(&Value) -> bool) -> usize {
    events_of(run, kind).iter().filter(|e| wanted(e)).count()
}

#[test]
fn a_look_at_a_coarser_grid_that_is_broken_off_costs_nothing() {
    let place = Sandbox::new();
    let run = place.run_tiny_job("a", "");
    let before = snapshot(&run)["heatmap"].clone();
    let table = place.surfit("heatmap a").ok().out;
    let begun = |run: &Path| count(run, "stage_began", |e| e["stage"] == "heatmap");

    // Only the client ends: the engine measures on, and then the run's own heatmap comes back.
    let earlier = begun(&run);
    let mut client = start(&place, "heatmap a --grid 4");
    wait_for("the measurement", || (begun(&run) > earlier).then_some(()));
    send_signal(client.0.id() as i32, Signal::KILL);
    client.0.wait().expect("its end");
    let pid = engine(&run);
    assert!(is_alive(pid), "its engine ends later");
    wait_for("the run's own grid", || {
        let changes = events_of(&run, "grid_changed");
        (changes.len() > 1 && changes.last()?["grid"] == 5).then_some(())
    });
    assert_eq!(snapshot(&run)["heatmap"], before);

    // The engine dies in the middle.
    let earlier = begun(&run);
    let mut command = place.command("heatmap a --grid 4");
    let client = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("surfit starts");
    wait_for("the measurement", || (begun(&run) > earlier).then_some(()));
    place.kill(pid);
    let done = client.wait_with_output().expect("its end");
    let said = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(1), "{said}");
    assert!(said.contains("the engine ended before the heatmap was complete; see log.txt"), "{said}");
    assert_eq!(snapshot(&run)["heatmap"], before);
    assert_eq!(place.surfit("heatmap a").ok().out, table);
    assert_eq!(begun(&run), earlier + 1, "nothing was measured again");
}

/// The heatmaps on other grids that are in a run's directory, by grid: cells that were seen on so many images.
fn others(run: &Path, images: u64) -> std::collections::BTreeMap<u64, usize> {
    let bytes = std::fs::read(run.join("heatmaps/other-grids.json")).unwrap_or_default();
    let all: Vec<Value> = serde_json::from_slice(&bytes).unwrap_or_default();
    let full = |h: &Value| {
        let cells = h["cells"].as_array().expect("cells");
        cells.iter().filter(|c| c["n"] == images).count()
    };
    let grid = |h: &Value| h["grid"].as_u64().expect("a grid");
    all.iter().map(|h| (grid(h), full(h))).collect()
}

/// How many cells the last measurement of a heatmap had to measure.
fn to_measure(run: &Path) -> u64 {
    let began = events_of(run, "stage_began");
    let last = began.iter().rfind(|e| e["stage"] == "heatmap");
    last.expect("a heatmap")["total"].as_u64().expect("a number")
}

#[test]
fn what_was_measured_on_any_grid_outlives_a_kill() {
    let place = Sandbox::new();
    let run = place.run_tiny_job("a", "--set data.validation_images=2000 --set heatmap.grid=9");
    let own = snapshot(&run)["heatmap"].clone();
    copy_folder(&run, &place.path("b"), false);

    // A look at a coarser grid, killed when a part of its cells is measured in full.
    let mut client = start(&place, "heatmap a --grid 8");
    let part = wait_for("a part of the look", || {
        let full = others(&run, 2000).remove(&8)?;
        (full >= 12).then_some(full)
    });
    place.kill(engine(&run));
    client.0.wait().expect("its end");
    assert_eq!(to_measure(&run), 64 - 4, "they share the corners");
    assert!(part < 64, "killed too late to mean anything");
    assert_eq!(snapshot(&run)["heatmap"], own);

    // The next look measures the rest, and comes to what an undisturbed one does.
    let table = place.surfit("heatmap a --grid 8").ok().out;
    assert!(to_measure(&run) <= 64 - part as u64, "{part}");
    assert_eq!(place.surfit("heatmap b --grid 8").ok().out, table);
    assert_eq!(snapshot(&run)["heatmap"], own);

    // In the place of the finer grid: the run has the coarse one then, and the finer one is known all the same.
    place.surfit("heatmap a --grid 8 --keep").ok();
    assert_eq!(to_measure(&run), 0);
    assert_eq!(snapshot(&run)["heatmap"]["grid"], 8);
    assert_eq!(others(&run, 2000), [(9, 81)].into());
    let mut client = start(&place, "heatmap a --grid 30 --keep");
    wait_for("the fine grid", || (snapshot(&run)["heatmap"]["grid"] == 30).then_some(()));
    place.kill(engine(&run));
    client.0.wait().expect("its end");
    assert_eq!(others(&run, 2000), [(8, 64), (9, 81)].into());
    place.surfit("heatmap a --grid 9 --keep").ok();
    assert_eq!(to_measure(&run), 0);
    assert_eq!(snapshot(&run)["heatmap"]["cells"], own["cells"]);
}

#[test]
fn a_measurement_that_is_broken_off_is_given_up_and_what_was_measured_stays() {
    let place = Sandbox::new();
    let run = place.run_tiny_job("a", "--set data.validation_images=2000");
    let mut command = place.command("heatmap a --grid 30 --keep");
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let client = command.spawn().expect("surfit starts");
    let id = client.id() as i32;
    let began = || count(&run, "stage_began", |e| e["stage"] == "heatmap");
    wait_for("the measurement", || (began() > 1).then_some(()));
    let pid = engine(&run);
    send_signal(id, Signal::INT);
    let done = client.wait_with_output().expect("its end");
    let said = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(75), "{said}");
    assert!(said.contains("measured cells are kept"), "{said}");
    assert_eq!(count(&run, "stopped", |_| true), 1);
    wait_for("its engine to end with the visit", || (!is_alive(pid)).then_some(()));
    assert_eq!(snapshot(&run)["heatmap"]["grid"], 30);
    assert_eq!(others(&run, 2000), [(5, 25)].into());
}

#[test]
fn a_live_fit_refuses_another_grids_measurement_and_keeps_its_grid() {
    let place = Sandbox::new();
    let (run, _) = place.start_tiny_job("b", "--set fit.epochs=100000");
    let fits = |e: &Value| e["curve"] == "surface";
    wait_for("the fit", || (count(&run, "losses", fits) > 0).then_some(()));
    for grid in [3, 7] {
        place.surfit(&format!("heatmap b --grid {grid}")).fails(1, &["measured when the fit ends"]);
    }
    assert_eq!(events_of(&run, "grid_changed"), Vec::<Value>::new());
    place.surfit("stop b").ok();
    assert_eq!(snapshot(&run)["heatmap"]["grid"], 5);
}

#[test]
fn a_hang_up_leaves_a_further_fit_to_itself_and_a_signal_ends_who_asks_for_one() {
    let place = Sandbox::new();
    let run = place.run_tiny_job("a", "");

    let fits = |e: &Value| e["curve"] == "surface";
    let done = count(&run, "losses", fits);
    let mut client = start(&place, "fit a --steps 100000");
    wait_for("the fit", || (count(&run, "losses", fits) > done).then_some(()));
    send_signal(client.0.id() as i32, Signal::HUP);
    let status = client.0.wait().expect("its end");
    // The fit is not done, so that this is no success.
    assert_eq!(status.code(), Some(75), "{status}");
    let before = events(&run).len();
    wait_for("the fit to go on", || (events(&run).len() > before + 2).then_some(()));
    assert!(alive(&place), "the engine goes on after a hang-up");
    place.surfit("stop a").ok();

    // Leaving it to itself is broken off like any other command, as long as it has not been asked for.
    let mut client = start(&place, "fit a --steps 100000 --detach");
    // Its engine takes several times as long to load.
    std::thread::sleep(std::time::Duration::from_millis(100));
    send_signal(client.0.id() as i32, Signal::TERM);
    let status = client.0.wait().expect("its end");
    assert_eq!(status.signal(), Some(Signal::TERM.as_raw()), "{status}");
}

#[test]
fn given_corners_need_no_batch_for_their_training() {
    let place = Sandbox::new();
    let run = place.run_tiny_job("a", "");
    let corner = |n: usize| run.join(format!("corners/corner-{n}.safetensors"));
    let files: Vec<String> = (1..=4).map(|n| format!("'{}'", corner(n).display())).collect();
    let sets = format!(
        "--set corners.checkpoints=[{}] --set data.train_images=100 --set corners.batch_size=128",
        files.join(",")
    );
    place.run_tiny_job("b", &sets);
    assert!(support::finished_event(&place.path("b")).is_some());
}

/// Where the process of [`what_a_killed_test_started_ends_with_it`] that is to be killed says what it started.
const VICTIM: &str = "SURFIT_TEST_VICTIM";

#[cfg(target_os = "linux")]
#[test]
fn what_a_killed_test_started_ends_with_it() {
    if let Some(said) = std::env::var_os(VICTIM) {
        let place = Sandbox::new();
        let (_, pid) = place.start_tiny_job("a", "--set fit.epochs=100000");
        std::fs::write(said, format!("{pid} {}", place.path("").display())).expect("a file");
        std::thread::sleep(support::TEST_TIMEOUT);
        return;
    }
    let dir = tempfile::tempdir().expect("a folder");
    let said = dir.path().join("said");
    let mut test = std::process::Command::new(std::env::current_exe().expect("this program"));
    test.args(["--exact", "what_a_killed_test_started_ends_with_it"])
        .env(VICTIM, &said)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut test = ChildGuard(test.spawn().expect("the test starts"));
    let (pid, folder) = wait_for("the engine", || {
        let text = std::fs::read_to_string(&said).ok()?;
        let (pid, folder) = text.split_once(' ')?;
        Some((pid.parse::<i32>().ok()?, folder.to_owned()))
    });
    assert!(is_alive(pid));
    test.0.kill().expect("a signal");
    test.0.wait().expect("its end");
    wait_for("the engine to end", || (!is_alive(pid)).then_some(()));
    wait_for("its folder to go", || (!Path::new(&folder).exists()).then_some(()));
}

#[test]
fn runs_of_several_seeds_go_on_when_nobody_reads_and_the_terminal_goes() {
    let place = Sandbox::new();
    let quick = "--set fit.epochs=1 --set corners.epochs=1 --set data.validation_images=100 \
                 --set heatmap.grid=3";
    let mut command = place.command(&format!("run tiny.toml --seeds 2 --run-dir s {quick}"));
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut job = ChildGuard(command.spawn().expect("surfit starts"));
    let mut line = String::new();
    // As `| head -1` does.
    let mut out = BufReader::new(job.0.stdout.take().expect("its output"));
    out.read_line(&mut line).expect("a line");
    drop(out);
    wait_for("the first run", || place.path("s/seed-3/events.jsonl").exists().then_some(()));
    send_signal(job.0.id() as i32, Signal::HUP);
    let ended = wait_for("the end", || job.0.try_wait().expect("its state"));
    assert!(ended.success(), "{ended}");
    for seed in [3, 4] {
        finished_event(&place.path(format!("s/seed-{seed}"))).expect("a finished run");
    }
}
