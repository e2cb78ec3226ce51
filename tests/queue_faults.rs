//! The queue when things go wrong: a fit that cannot be done, a machine that cannot do any, deaths in the middle of a
//! beginning, several queues, and somebody who takes out what has begun.

mod support;

use serde_json::{Value, json};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use support::{ChildGuard, Sandbox, events_of, finished_event, wait_for};

const SMALL: &str = "--set fit.epochs=1 --set corners.epochs=1 --set data.validation_images=100 \
                     --set heatmap.grid=3";

fn listed(place: &Sandbox) -> Vec<Value> {
    place.surfit("queue ls --json").ok().json_lines()
}

#[test]
fn a_machine_that_can_do_no_fit_costs_none_and_a_fit_that_cannot_be_done_costs_only_itself() {
    let place = Sandbox::new();
    let (gone, _) = place.start_tiny_job("runs/gone", SMALL);
    wait_for("its end", || finished_event(&gone));
    let hinted = place.surfit("queue fork gone --degree 3").ok();
    assert!(hinted.out.contains("queue start"), "{}", hinted.describe());
    place.surfit("stop gone");
    place.surfit("rm gone --yes").ok();
    place.surfit(&format!("queue add tiny.toml {SMALL}")).ok();
    place.surfit(&format!("queue add tiny.toml {SMALL}")).ok();

    // The engine is not there: nothing is begun, and everything stays that the machine has to do with.
    let mut start = place.command("queue start");
    start.env("SURFIT_ENGINE", place.path("no-engine"));
    let failed = place.run_to_end(start).fails(1, &["no-engine", "stay in the queue"]);
    assert!(failed.out.contains("1 gone at degree 3×3 failed"), "{}", failed.describe());
    let left: Vec<Value> = listed(&place).iter().map(|e| e["number"].clone()).collect();
    assert_eq!(left, [json!(2), json!(3)]);
    assert!(!place.path("runs/tiny-q2").exists());

    // A runner was killed when it had made the folders of its run, and not its configuration.
    let file = place.path("runs/.queue/000002.json");
    let mut entry: Value = serde_json::from_slice(&std::fs::read(&file).expect("an entry")).expect("JSON");
    let begun = place.path("runs/tiny-q2");
    entry["run"] = json!(begun);
    std::fs::write(&file, entry.to_string()).expect("the entry");
    for folder in ["corners", "surface"] {
        std::fs::create_dir_all(begun.join(folder)).expect("a folder");
    }
    // And a run of an earlier queue has the name of the third.
    std::fs::create_dir_all(place.path("runs/tiny-q3/mine")).expect("a folder");
    // An engine that cannot be loaded is no fault of a fit either.
    let broken = place.write("broken-engine", "#!/bin/sh\necho no libtorch >&2\nexit 1\n");
    std::fs::set_permissions(&broken, Permissions::from_mode(0o755)).expect("its mode");
    let mut start = place.command("queue start");
    start.env("SURFIT_ENGINE", &broken);
    place.run_to_end(start).fails(1, &["no libtorch", "stay in the queue"]);
    assert_eq!(listed(&place).len(), 2);

    place.surfit("queue start --detach").ok();
    for run in ["tiny-q2", "tiny-q3-2"] {
        wait_for(run, || finished_event(&place.path(format!("runs/{run}"))));
    }
    let empty = wait_for("an empty queue", || {
        let listed = place.surfit("queue ls").ok();
        listed.out.contains("is empty").then_some(listed)
    });
    let log = place.path("runs/.queue/log.txt");
    assert!(empty.out.contains(&log.display().to_string()), "{}", empty.describe());
}

#[test]
fn another_sessions_runner_is_seen_and_another_queue_waits_for_its_turn() {
    let place = Sandbox::new();
    let endless = format!("{SMALL} --set fit.epochs=100000 --set fit.warmup=0");
    place.surfit(&format!("queue add tiny.toml {endless}")).ok();
    place.surfit(&format!("queue add tiny.toml {SMALL}")).ok();
    place.surfit("queue start --detach").ok();
    let run = place.path("runs/tiny-q1");
    wait_for("the fit", || events_of(&run, "corner_ready").pop());
    // What has begun is not taken out.
    place.surfit("queue rm 1").fails(1, &["running as tiny-q1", "surfit stop tiny-q1"]);

    // The same queue from another session.
    std::fs::create_dir(place.path("session")).expect("a folder");
    let mut start = place.command("queue start");
    start.env("XDG_RUNTIME_DIR", place.path("session"));
    let second = place.run_to_end(start).ok();
    assert!(second.out.contains("another process"), "{}", second.describe());

    // Another queue of this session.
    let elsewhere = |arguments: &str| {
        let mut command = place.command(arguments);
        command.env("SURFIT_RUNS", place.path("others"));
        command
    };
    place.run_to_end(elsewhere(&format!("queue add tiny.toml {SMALL}"))).ok();
    let said = place.path("said");
    let mut command = elsewhere("queue start");
    command.stdout(std::fs::File::create(&said).expect("a file"));
    let mut other = ChildGuard(command.stderr(Stdio::null()).spawn().expect("a runner"));
    let told = || std::fs::read_to_string(&said).unwrap_or_default();
    wait_for("it to wait", || told().contains("another queue").then_some(()));
    assert!(!place.path("others/tiny-q1").exists(), "one at a time");
    place.surfit("stop tiny-q1").ok();
    let ended = wait_for("the other queue's end", || other.0.try_wait().expect("its state"));
    assert!(ended.success(), "{}", told());
    finished_event(&place.path("others/tiny-q1")).expect("a finished run");
    wait_for("the first queue's end", || finished_event(&place.path("runs/tiny-q2")));
}
