//! A disk that is full for a while: the fit goes on, nothing durable is lost, and what comes out is the same.
//!
//! The disk is a small one in memory, in a mount namespace of its own that ends with the test. Where the system gives
//! no such thing the test says so and does nothing.

mod support;

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use support::{EngineWire, SafetensorsFile, Sandbox, events, events_of, finished_event, wait_for};

/// A mount namespace with a small disk at the place's `disk`, for as long as it lives.
struct SmallDisk {
    holder: Child,
    filler: PathBuf,
}

impl SmallDisk {
    /// Mounts the disk; says so and gives `None` where the system gives no such thing.
    fn mount(place: &Sandbox) -> Option<Self> {
        let disk = Self::try_mount(place);
        if disk.is_none() {
            println!("skipped: no disk could be mounted (needs unshare, nsenter and user namespaces)");
        }
        disk
    }

    fn try_mount(place: &Sandbox) -> Option<Self> {
        std::fs::create_dir(place.path("disk")).expect("a folder");
        let script = "mount -t tmpfs -o size=4m surfit-test disk && echo mounted && exec sleep 600";
        let mut command = place.program("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script]);
        let mut holder = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
        let mut line = String::new();
        BufReader::new(holder.stdout.take()?).read_line(&mut line).ok()?;
        if line.trim() != "mounted" {
            let _ = holder.kill();
            let _ = holder.wait();
            return None;
        }
        let filler = PathBuf::from(format!("/proc/{}/root", holder.id()));
        let inside = place.path("disk").strip_prefix("/").expect("an absolute path").to_owned();
        Some(Self { holder, filler: filler.join(inside).join("filler") })
    }

    /// A path on the disk, as it is seen from outside. Inside it is the place's `disk`; paths for the programs there must
    /// be absolute, because their working directory was opened outside.
    fn path(&self, name: &str) -> PathBuf {
        self.filler.with_file_name(name)
    }

    /// Begins a job in the run `a` on the disk: its path inside, and its engine's process id.
    fn begin(&self, place: &Sandbox) -> (String, i32) {
        let inside = place.path("disk/a").display().to_string();
        let begin = format!("run tiny.toml --run-dir {inside} --json --detach {LONGER}");
        let mut command = self.command(place, &begin);
        // The engine has a lot to say that the disk does not take.
        command.env("SURFIT_LOG", "trace");
        let done = place.run_to_end(command).ok();
        let pid = done.last_json()["pid"].as_i64().expect("a pid");
        (inside, pid as i32)
    }

    /// `surfit` inside, where the disk is.
    fn command(&self, place: &Sandbox, arguments: &str) -> Command {
        let mut command = place.program("nsenter");
        command.args(["--user", "--mount", "--preserve-credentials", "--target", &self.holder.id().to_string()]);
        command.arg(format!("--wd={}", place.path("").display()));
        command.arg(env!("CARGO_BIN_EXE_surfit")).args(arguments.split_whitespace());
        command
    }

    fn fill(&self) {
        let mut file = std::fs::File::create(&self.filler).expect("a file");
        for size in [1 << 16, 1 << 12, 1 << 8, 1] {
            while file.write_all(&vec![b'x'; size]).is_ok() {}
        }
    }

    fn free(&self) {
        std::fs::remove_file(&self.filler).expect("the filler goes");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let all = events(&self.path("a"));
            let log = std::fs::read_to_string(self.path("a").join("log.txt")).unwrap_or_default();
            all[all.len().saturating_sub(5)..].iter().for_each(|e| eprintln!("{e}"));
            eprintln!("-- log.txt\n{log}");
        }
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

const LONGER: &str = "--set fit.epochs=40 --set checkpoint.interval_secs=0.25 --set data.validation_images=200";

#[test]
fn a_full_disk_stops_checkpoints_and_nothing_else() {
    let place = Sandbox::new();
    let Some(disk) = SmallDisk::mount(&place) else {
        return;
    };
    let reference = place.run_tiny_job("whole", LONGER);
    let (inside, pid) = disk.begin(&place);
    let run = disk.path("a");
    let mut wire = EngineWire::connect_and_greet(&place);
    wire.wait_for_fit();
    wait_for("a checkpoint of the fit", || {
        events_of(&run, "checkpoint").pop().filter(|e| e["step"].as_u64() > Some(0))
    });

    disk.fill();
    let at = wire.events.len();
    let notice =
        wire.wait_for_event("notice", at, |e| e["text"].as_str().is_some_and(|t| t.contains("checkpoint failed")));
    let text = notice["text"].as_str().expect("a sentence");
    assert!(text.contains("the last one is kept") && text.contains("make room on the disk"), "{text}");
    let step = wire.wait_for_next_snapshot("the present step", |_| true)["fit_step"].as_u64();
    wire.wait_for_snapshot("the fit going on", |s| s["fit_step"].as_u64() > step.map(|n| n + 5));
    let repeated = wire.events[at..].iter().filter(|e| e["event"] == "notice").count();
    assert_eq!(repeated, 1, "one sentence about it is enough");
    SafetensorsFile::read(&run.join("surface/state.safetensors"));
    assert_eq!(wire.request(serde_json::json!({"command": "pause"})), serde_json::Value::Null);
    let told = wire.events.len();
    drop(wire);

    // The engine dies with the disk full: the last checkpoint and every event but the waiting ones are there.
    place.kill(pid);
    let state = SafetensorsFile::read(&run.join("surface/state.safetensors"));
    assert!(state.all.contains_key("theta") && state.all.contains_key("velocity"));
    let durable = events(&run).len();
    assert!(durable > 10 && durable <= told, "{durable} events of {told}");
    let litter: Vec<_> = std::fs::read_dir(run.join("surface")).expect("its folder").flatten().collect();
    assert!(litter.len() <= 2, "temporary files pile up: {litter:?}");

    // It is resumed while there is still no room, and then there is.
    let mut resume = disk.command(&place, &format!("resume {inside} --json --detach"));
    resume.env("SURFIT_LOG", "trace");
    place.run_to_end(resume).ok();
    let mut wire = EngineWire::connect_and_greet(&place);
    wire.wait_for_fit();
    disk.free();
    std::thread::sleep(Duration::from_millis(300));
    drop(wire);
    wait_for("the run to finish", || finished_event(&run));
    wait_for("the engine to end", || events(&run).pop().filter(|e| e["event"] == "closed"));
    let log = std::fs::read_to_string(run.join("log.txt")).expect("a log");
    assert!(log.contains(" records were lost: the disk did not take them\n"), "{log}");
    let file = "surface/state.safetensors";
    let differences = SafetensorsFile::read(&run.join(file)).differences(&SafetensorsFile::read(&reference.join(file)));
    assert_eq!(differences, Vec::<String>::new(), "the surface of a run with a full disk in between");
    for (n, e) in events(&run).iter().enumerate() {
        assert_eq!(e["seq"], n as u64 + 1, "events.jsonl has gaps: {e}");
    }
}

#[test]
fn whoever_comes_while_the_disk_is_full_hears_what_waits_for_it() {
    let place = Sandbox::new();
    let Some(disk) = SmallDisk::mount(&place) else {
        return;
    };
    let (inside, _) = disk.begin(&place);
    let run = disk.path("a");
    let mut first = EngineWire::connect_and_greet(&place);
    first.wait_for_fit();
    disk.fill();
    let number = |e: Option<&serde_json::Value>| e.and_then(|e| e["seq"].as_u64());
    // What room the last block of the file has is used up first.
    let unwritten = loop {
        let told = number(first.events.last());
        if told > number(events(&run).last()) {
            break told;
        }
        first.receive();
    };
    let mut late = EngineWire::connect_and_greet(&place);
    while number(late.events.last()) < unwritten {
        late.receive();
    }
    late.expect_accepted(serde_json::json!({"command": "pause"}));
    assert_eq!(late.events.last().expect("events")["event"], "paused");
    for (n, e) in late.events.iter().enumerate() {
        assert_eq!(e["seq"], n as u64 + 1, "a gap: {e}");
    }
    // A model goes to a disk that has room.
    let out = place.path("model");
    let export = format!("export {inside} --at 0.5,0.5 --out {}", out.display());
    place.run_to_end(disk.command(&place, &export)).ok();
    assert!(out.join("model.json").is_file());
}

#[test]
fn a_run_on_a_disk_that_takes_no_writing_can_be_looked_at() {
    let place = Sandbox::new();
    let Some(disk) = SmallDisk::mount(&place) else {
        return;
    };
    let inside = place.path("disk/a").display().to_string();
    let job = format!("run tiny.toml --run-dir {inside} --json --set data.validation_images=200");
    place.run_to_end(disk.command(&place, &job)).ok();
    let table = place.run_to_end(disk.command(&place, &format!("heatmap {inside}"))).ok().out;
    // The engine's process has its log open for a moment longer.
    wait_for("the disk to take no writing", || {
        let mut remount = place.program("nsenter");
        remount.args(["--user", "--mount", "--preserve-credentials", "--target"]);
        remount.arg(disk.holder.id().to_string());
        remount.args(["mount", "-o", "remount,ro"]);
        remount.arg(place.path("disk")).stderr(Stdio::null());
        remount.status().ok()?.success().then_some(())
    });
    let look = |arguments: &str| place.run_to_end(disk.command(&place, arguments));
    assert_eq!(look(&format!("heatmap {inside}")).ok().out, table);
    let opened = look(&format!("open {inside}")).ok();
    assert!(opened.out.contains("interior"), "{}", opened.describe());
    look(&format!("stop {inside}")).fails(1, &["no engine is running"]);
}

#[test]
fn a_full_disk_costs_the_queue_no_fit() {
    let place = Sandbox::new();
    let Some(disk) = SmallDisk::mount(&place) else {
        return;
    };
    let runs = place.path("runs");
    std::os::unix::fs::symlink(place.path("disk"), &runs).expect("a link");
    let queue = |arguments: &str| place.run_to_end(disk.command(&place, &format!("queue {arguments}")));
    let config = place.path("tiny.toml").display().to_string();
    let small = "--set fit.epochs=1 --set corners.epochs=1 --set data.validation_images=100 \
                 --set heatmap.grid=3";
    queue(&format!("add {config} {config} {small}")).ok();
    disk.fill();
    queue("start").fails(1, &["No space left", "stay in the queue"]);
    let listed = queue("ls --json").ok().json_lines();
    assert_eq!(listed.len(), 2, "{listed:?}");
    disk.free();
    queue("start").ok();
    for n in [1, 2] {
        finished_event(&disk.path(&format!("tiny-q{n}"))).expect("a finished run");
    }
}
