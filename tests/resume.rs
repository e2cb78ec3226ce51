//! Kills, crashes and stops: what a run loses by them (nothing), and what it arrives at (the same bytes).

mod support;

use serde_json::Value;
use std::hash::{BuildHasher, Hasher};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use support::{SafetensorsFile, Sandbox, events, events_of, finished_event, has_stage_begun, wait_for};

/// Long enough for several kills, with checkpoints at every turn.
const LONGER: &str = "--set fit.epochs=16 --set corners.epochs=3 --set checkpoint.interval_secs=0.25 \
                      --set data.validation_images=200 --set heatmap.grid=7";

/// A time below `milliseconds`, another one in every run of the tests.
fn random_time(milliseconds: u64) -> Duration {
    let chance = std::hash::RandomState::new().build_hasher().finish();
    Duration::from_millis(chance % milliseconds)
}

/// Number of losses of a curve (`corner` or `surface`) that are recorded.
fn losses(run: &Path, curve: &str) -> usize {
    let of_curve = |e: &&Value| match curve {
        "surface" => e["curve"] == "surface",
        _ => !e["curve"]["corner"].is_null(),
    };
    events_of(run, "losses").iter().filter(of_curve).count()
}

/// Everything that training made, byte for byte.
#[track_caller]
fn assert_same_result(run: &Path, reference: &Path) {
    let mut files = vec!["surface/state.safetensors".to_owned()];
    files.extend((1..=4).map(|n| format!("corners/corner-{n}.safetensors")));
    // Corners that branch in the fit are part of the surface only.
    files.retain(|file| reference.join(file).exists() || run.join(file).exists());
    for file in files {
        let (ours, theirs) = (run.join(&file), reference.join(&file));
        let differences = SafetensorsFile::read(&ours).differences(&SafetensorsFile::read(&theirs));
        assert_eq!(differences, Vec::<String>::new(), "{file}: interrupted and uninterrupted run");
        assert!(std::fs::read(ours).unwrap() == std::fs::read(theirs).unwrap(), "{file}: other bytes");
    }
    let result = |run: &Path| {
        let f = finished_event(run).expect("a finished event");
        ["corners", "corners_test", "best", "best_test", "heatmap"].map(|key| f[key].clone())
    };
    assert_eq!(result(run), result(reference), "what the finished lines say");
    let all = events(run);
    for (n, e) in all.iter().enumerate() {
        assert_eq!(e["seq"], n as u64 + 1, "events.jsonl has gaps: {e}");
    }
}

#[test]
fn kills_during_corners_and_fit_change_nothing() {
    let place = Sandbox::new();
    let reference = place.run_tiny_job("whole", LONGER);
    let (run, mut pid) = place.start_tiny_job("killed", LONGER);
    let mut kills = Vec::new();
    for stage in ["corners", "corners", "fit", "fit", "fit", "heatmap"] {
        let curve = if stage == "corners" { "corner" } else { "surface" };
        let before = losses(&run, curve);
        let over = wait_for("the stage to kill in", || {
            let there = match stage {
                "heatmap" => has_stage_begun(&run, "heatmap"),
                _ => losses(&run, curve) > before,
            };
            (there || finished_event(&run).is_some()).then_some(finished_event(&run).is_some())
        });
        if over {
            break;
        }
        std::thread::sleep(random_time(if stage == "heatmap" { 30 } else { 500 }));
        if finished_event(&run).is_some() {
            break;
        }
        place.kill(pid);
        let last = events(&run).pop().map(|e| e["event"].clone());
        kills.push(format!("{stage} (last event {})", last.unwrap_or_default()));
        let listed = place.surfit("ls --json").ok().json_lines();
        let line = listed.iter().find(|l| l["run"] == "killed").expect("the run is listed");
        assert_eq!((&line["state"], &line["alive"]), (&"interrupted".into(), &false.into()), "{line}");
        pid = place.resume_detached("killed");
    }
    println!("killed in: {}", kills.join(", "));
    let count = |stage: &str| kills.iter().filter(|k| k.starts_with(stage)).count();
    assert!(count("corners") >= 1 && count("fit") >= 2, "too few kills to mean anything: {kills:?}");
    wait_for("the killed run to finish", || finished_event(&run));
    wait_for("the engine to end", || (!support::is_alive(pid)).then_some(()));
    assert_same_result(&run, &reference);
    let litter: Vec<_> = ["", "corners", "surface"]
        .iter()
        .flat_map(|f| std::fs::read_dir(run.join(f)).unwrap().flatten())
        .map(|e| e.file_name().to_string_lossy().into_owned())
        .filter(|n| n.contains("partial"))
        .collect();
    assert!(litter.is_empty(), "left behind: {litter:?}");
}

#[test]
fn kills_before_and_after_the_branch_of_a_training_change_nothing() {
    let place = Sandbox::new();
    let keys = format!("{LONGER} --set corners.branch_at=0.4 --set fit.degree=[1,1] --set fit.boundary_epochs=2");
    let reference = place.run_tiny_job("whole", &keys);
    let phases = |run: &Path| events_of(run, "phase_began");
    let kinds: Vec<Value> = phases(&reference).iter().map(|e| e["phase"].clone()).collect();
    assert_eq!(kinds, ["trunk", "edge", "interior"]);
    assert_eq!(events_of(&reference, "corner_ready").len(), 4, "its corners are reported when they are known");
    let (run, mut pid) = place.start_tiny_job("killed", &keys);
    for phase in 1..=3 {
        let before = losses(&run, "surface");
        let there = || (phases(&run).len() >= phase && losses(&run, "surface") > before).then_some(());
        wait_for("the phase to kill in", there);
        std::thread::sleep(random_time(200));
        assert!(finished_event(&run).is_none(), "too fast to be killed");
        place.kill(pid);
        pid = place.resume_detached("killed");
    }
    wait_for("the killed run to finish", || finished_event(&run));
    wait_for("the engine to end", || (!support::is_alive(pid)).then_some(()));
    assert_same_result(&run, &reference);
}

#[test]
fn a_stopped_run_goes_on_to_the_same_result() {
    let place = Sandbox::new();
    let reference = place.run_tiny_job("whole", LONGER);
    let (run, pid) = place.start_tiny_job("stopped", LONGER);
    wait_for("a fit under way", || (losses(&run, "surface") > 1).then_some(()));
    let told = place.surfit("stop stopped").ok().out;
    assert!(told.contains("surfit resume"), "{told}");
    // The run is free already; the process has a few libraries to let go of.
    wait_for("the engine to be gone", || (!support::is_alive(pid)).then_some(()));
    assert_eq!(events(&run).pop().expect("events")["event"], "closed");
    let listed = place.surfit("ls --json").ok().json_lines();
    let line = listed.iter().find(|l| l["run"] == "stopped").expect("the run is listed");
    assert_eq!((&line["state"], &line["alive"]), (&"closed".into(), &false.into()), "{line}");
    place.surfit("stop stopped").fails(1, &["no engine is running", "surfit ls"]);

    // A shutdown of the machine begins with SIGTERM: that is a stop in good order too.
    let before = losses(&run, "surface");
    let pid = place.resume_detached("stopped");
    wait_for("the fit to go on", || (losses(&run, "surface") > before).then_some(()));
    support::send_signal(pid, rustix::process::Signal::TERM);
    wait_for("the engine to end", || (!support::is_alive(pid)).then_some(()));
    assert_eq!(events(&run).pop().expect("events")["event"], "closed");

    let last = place.surfit("resume stopped --json").ok().last_json();
    assert_eq!(last["event"], "finished");
    assert_same_result(&run, &reference);
    // Once more has nothing to do and says the same.
    assert_eq!(place.surfit("resume stopped --json").ok().last_json(), last);
}

#[test]
fn a_client_that_is_killed_does_not_stop_the_engine() {
    let place = Sandbox::new();
    let mut command = place.command(&format!("run tiny.toml --run-dir a --json {LONGER}"));
    let mut client =
        support::ChildGuard(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("surfit starts"));
    let run = place.path("a");
    wait_for("corners under way", || (losses(&run, "corner") > 0).then_some(()));
    client.0.kill().expect("a kill");
    client.0.wait().expect("its end");
    let alive = place.surfit("ls --json").ok().last_json();
    assert_eq!((&alive["alive"], &alive["state"]), (&true.into(), &"running".into()), "{alive}");
    let before = events(&run).len();
    wait_for("the engine to go on", || (events(&run).len() > before + 2).then_some(()));
    wait_for("the job to finish without its client", || finished_event(&run));
    let closed = wait_for("the engine to end in good order", || events(&run).pop().filter(|e| e["event"] == "closed"));
    assert!(closed["seq"].as_u64() > Some(20), "{closed}");
}

#[test]
fn a_hang_up_or_ctrl_c_of_the_client_does_what_it_says() {
    use rustix::process::Signal;
    let place = Sandbox::new();
    let run = place.path("a");
    let start = |command: &str| {
        let mut command = place.command(command);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("surfit starts");
        support::ChildGuard(child)
    };
    let mut client = start(&format!("run tiny.toml --run-dir a {LONGER}"));
    wait_for("corners under way", || (losses(&run, "corner") > 0).then_some(()));
    support::send_signal(client.0.id() as i32, Signal::HUP);
    let status = client.0.wait().expect("its end");
    assert_eq!(status.code(), Some(75), "the job is not done: {status}");
    assert_eq!(place.surfit("ls --json").ok().last_json()["alive"], true, "the engine goes on after a hang-up");
    place.surfit("stop a").ok();

    let mut client = start("resume a");
    wait_for("the fit under way", || (losses(&run, "surface") > 0).then_some(()));
    support::send_signal(client.0.id() as i32, Signal::INT);
    let status = client.0.wait().expect("its end");
    assert_eq!(status.code(), Some(75), "ctrl-c stops the job");
    let alive = &place.surfit("ls --json").ok().last_json()["alive"];
    assert_eq!(alive, false, "ctrl-c ends the engine, which saves its work");
    place.surfit("resume a --json").ok();
    assert!(finished_event(&run).is_some());
}

#[test]
fn a_run_whose_events_were_cut_short_opens_and_goes_on() {
    let place = Sandbox::new();
    let run = place.run_tiny_job("a", "--set data.validation_images=200");
    let whole = std::fs::read(run.join("events.jsonl")).expect("events");
    let result = finished_event(&run).expect("a finished event");
    let table = place.surfit("heatmap a").ok().out;
    let text = String::from_utf8(whole.clone()).expect("UTF-8");
    let line = text.find("\"event\":\"finished\"").expect("the finished event");
    // In the middle of the line that says the job is finished, and near the very beginning.
    for cut in [line + 20, whole.len() / 3] {
        std::fs::write(run.join("events.jsonl"), &whole[..cut]).expect("a cut file");
        let listed = place.surfit("ls --json").ok().last_json();
        assert_eq!(listed["run"], "a");
        assert_eq!(place.surfit("heatmap a").ok().out, table, "the stored heatmap needs no events");
        let last = place.surfit("resume a --json").ok().last_json();
        assert_eq!((&last["event"], &last["best"]), (&"finished".into(), &result["best"]));
        for (n, e) in events(&run).iter().enumerate() {
            assert_eq!(e["seq"], n as u64 + 1, "numbers after a cut at byte {cut}: {e}");
        }
    }
    // A damaged line in the middle costs that line and nothing else.
    let mut damaged = whole;
    damaged[line + 3] = b'\0';
    std::fs::write(run.join("events.jsonl"), &damaged).expect("a damaged file");
    place.surfit("ls --json").ok();
    place.surfit("heatmap a --format json").ok();
}
