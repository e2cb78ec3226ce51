//! A hundred kills of engine and client at random moments: the run arrives at the bytes of one that nobody disturbed.
#![cfg(target_os = "linux")]

mod support;

use rustix::process::Signal;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};
use support::{ChildGuard, SafetensorsFile, Sandbox, events, finished_event, is_alive, send_signal, wait_for};

const LONGER: &str = "--set fit.epochs=60 --set corners.epochs=1 --set checkpoint.interval_secs=0.1 \
                      --set data.validation_images=200 --set heatmap.grid=5";

/// The n-th of a sequence of numbers that look random (SplitMix64).
fn chance(seed: u64, n: u64) -> u64 {
    let mut z = seed.wrapping_add(n.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Engines of the run, found by their command line: one that is killed while it starts has told its number to nobody.
fn engines(run: &Path) -> Vec<i32> {
    let run = run.display().to_string();
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let ours = |pid: &i32| {
        let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let words: Vec<&[u8]> = words.split(|&b| b == 0).collect();
        words.get(1) == Some(&b"serve".as_slice()) && words.contains(&run.as_bytes())
    };
    entries.filter_map(|e| e.file_name().to_str()?.parse().ok()).filter(ours).collect()
}

fn kill(client: &mut Child, run: &Path, client_first: bool) {
    if client_first {
        let _ = client.kill();
    }
    let mut killed = engines(run);
    killed.iter().for_each(|&pid| send_signal(pid, Signal::KILL));
    let _ = client.kill();
    let _ = client.wait();
    // One that the client was just starting; and threads on their way out, which hold the run's lock.
    wait_for("the engines to be gone", || {
        let late = engines(run);
        late.iter().for_each(|&pid| send_signal(pid, Signal::KILL));
        killed.extend(late);
        killed.retain(|&pid| is_alive(pid));
        killed.is_empty().then_some(())
    });
}

/// How one run was killed.
struct KillMoment {
    times: u64,
    stages: BTreeMap<String, u64>,
}

/// Kills and resumes the run `name` so many times, or until its job is done.
fn kill_again_and_again(place: &Sandbox, name: &str, times: u64, seed: u64) -> KillMoment {
    let run = place.path(name);
    let mut killed = KillMoment { times: 0, stages: BTreeMap::new() };
    for n in 0..times {
        // Without a configuration nothing was begun yet that could be resumed.
        let command = if run.join("config.toml").is_file() {
            format!("resume {name} --json")
        } else {
            let _ = std::fs::remove_dir_all(&run);
            format!("run tiny.toml --run-dir {name} --json {LONGER}")
        };
        let before = length(&run);
        let mut command = place.command(&command);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let mut client = ChildGuard(child.expect("surfit starts"));
        // Every fifth time at any moment of the start, else at any moment of the work; from the third part of the
        // kills on at any moment of the fit or later, so that a slow machine does not spend them all on the corners.
        let at_work =
            || length(&run) > before && (n < times / 3 || began(&run, "fit") || finished_event(&run).is_some());
        if n % 5 == 0 {
            std::thread::sleep(Duration::from_micros(chance(seed, 2 * n) % 500_000));
        } else {
            wait_for("the engine to work", || at_work().then_some(()));
            std::thread::sleep(Duration::from_micros(chance(seed, 2 * n) % 250_000));
        }
        if finished_event(&run).is_some() {
            break;
        }
        kill(&mut client.0, &run, chance(seed, 2 * n + 1).is_multiple_of(2));
        killed.times += 1;
        let stage = match events(&run).iter().rev().find(|e| e["event"] == "stage_began") {
            _ if length(&run) == before => "start".to_owned(),
            Some(e) => e["stage"].as_str().unwrap_or("?").to_owned(),
            None => "start".to_owned(),
        };
        *killed.stages.entry(stage).or_default() += 1;
    }
    killed
}

/// Whether a stage was ever begun.
fn began(run: &Path, stage: &str) -> bool {
    let is_it = |e: &serde_json::Value| e["event"] == "stage_began" && e["stage"] == stage;
    events(run).iter().any(is_it)
}

fn length(run: &Path) -> u64 {
    run.join("events.jsonl").metadata().map_or(0, |m| m.len())
}

#[track_caller]
fn assert_same(run: &Path, reference: &Path, seed: u64) {
    for file in ["surface/state", "corners/corner-1", "corners/corner-2", "corners/corner-3", "corners/corner-4"] {
        let file = format!("{file}.safetensors");
        let (ours, theirs) = (run.join(&file), reference.join(&file));
        let differences = SafetensorsFile::read(&ours).differences(&SafetensorsFile::read(&theirs));
        assert_eq!(differences, Vec::<String>::new(), "{file}, seed {seed}");
        assert!(std::fs::read(ours).unwrap() == std::fs::read(theirs).unwrap(), "{file}, seed {seed}");
    }
    for key in ["corners", "corners_test", "best", "best_test", "heatmap"] {
        let of = |run: &Path| finished_event(run).expect("a finished event")[key].clone();
        assert_eq!(of(run), of(reference), "{key}, seed {seed}");
    }
    for (n, e) in events(run).iter().enumerate() {
        assert_eq!(e["seq"], n as u64 + 1, "events.jsonl has gaps: {e}");
    }
}

#[test]
fn a_hundred_kills_change_nothing() {
    let variable = |name: &str, usual: u64| std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(usual);
    let kills = variable("SURFIT_KILLS", 100);
    let seed = variable("SURFIT_KILLS_SEED", 1);
    let place = Sandbox::new();
    let began = Instant::now();
    let reference = place.run_tiny_job("whole", LONGER);
    // Two runs at a time, since most of the time an engine starts.
    let (killed, rest) = std::thread::scope(|scope| {
        let place = &place;
        let part = |n: u64| {
            move || {
                let name = format!("killed-{n}");
                let killed = kill_again_and_again(place, &name, kills.div_ceil(2), seed + n);
                let began = Instant::now();
                place.surfit(&format!("resume {name} --json")).ok();
                (killed, began.elapsed().as_secs_f64())
            }
        };
        let parts = [scope.spawn(part(0)), scope.spawn(part(1))];
        let [first, second] = parts.map(|p| p.join().expect("its end"));
        ([first.0, second.0], first.1.max(second.1))
    });
    let times: u64 = killed.iter().map(|k| k.times).sum();
    println!(
        "{times} kills with seed {seed}, in all {:.0} s, of which {rest:.0} s to finish; killed in {:?} and {:?}",
        began.elapsed().as_secs_f64(),
        killed[0].stages,
        killed[1].stages
    );
    for n in 0..2 {
        assert_same(&place.path(format!("killed-{n}")), &reference, seed);
    }
    let in_fit: u64 = killed.iter().filter_map(|k| k.stages.get("fit")).sum();
    assert!(times >= kills.min(60), "only {times} kills: the job is too short");
    assert!(in_fit >= kills.min(60) / 6, "only {in_fit} kills in the fit");
}
