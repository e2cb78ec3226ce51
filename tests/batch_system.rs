//! What batch systems do to a job: signals, the same line run again, two runners on one list of runs, runs of other nodes.

mod support;

use rustix::fs::{FlockOperation, flock};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};
use support::{ChildGuard, CommandResult, Sandbox, events_of, finished_event, is_alive, send_signal, wait_for};

/// Exit code of what a signal stopped.
const STOPPED: i32 = 75;

/// A fit that lasts until it is stopped.
const ENDLESS: &str = "--set fit.epochs=100000 --set checkpoint.interval_secs=1000";

/// A whole job of a second or two.
const QUICK: &str = "--set fit.epochs=1 --set corners.epochs=1 --set data.validation_images=100 \
                     --set heatmap.grid=3";

fn start(place: &Sandbox, arguments: &str) -> Child {
    let mut command = place.command(arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("surfit starts")
}

fn engine(run: &Path) -> i32 {
    let bytes = std::fs::read(run.join("status.json")).expect("a status");
    let status: Value = serde_json::from_slice(&bytes).expect("JSON");
    status["pid"].as_i64().expect("a process id") as i32
}

fn fits(run: &Path) -> bool {
    let of_surface = |e: &Value| e["curve"] == "surface";
    events_of(run, "losses").iter().any(of_surface)
}

/// Starts a job that fits until it is stopped, and waits until it does.
fn fit(place: &Sandbox, name: &str) -> (Child, PathBuf) {
    let client = start(place, &format!("run tiny.toml --run-dir {name} {ENDLESS}"));
    let run = place.path(name);
    wait_for("the fit", || fits(&run).then_some(()));
    (client, run)
}

/// What a client says at its end, with its exit code.
#[track_caller]
fn ended(client: Child) -> (Option<i32>, String) {
    let done = client.wait_with_output().expect("its end");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (done.status.code(), text(&done.stdout) + &text(&done.stderr))
}

#[test]
fn two_terminations_at_a_time_are_one_wish_to_stop_in_order() {
    let place = Sandbox::new();
    let (client, run) = fit(&place, "a");
    let (pid, engine) = (client.id() as i32, engine(&run));
    // Held, so that both are looked at before it can answer, in different turns.
    send_signal(engine, Signal::STOP);
    send_signal(pid, Signal::TERM);
    std::thread::sleep(Duration::from_millis(400));
    send_signal(pid, Signal::TERM);
    std::thread::sleep(Duration::from_millis(400));
    assert!(is_alive(pid), "it waits for the checkpoint");
    send_signal(engine, Signal::CONT);
    let (code, said) = ended(client);
    assert_eq!(code, Some(STOPPED), "{said}");
    assert!(said.contains("stopped; continue with `surfit resume"), "{said}");
    assert_eq!(events_of(&run, "closed").len(), 1);
    assert!(run.join("surface/state.safetensors").exists());
    wait_for("the engine's process to go", || (!is_alive(engine)).then_some(()));
}

#[test]
fn a_second_interrupt_leaves_without_waiting() {
    let place = Sandbox::new();
    let (client, run) = fit(&place, "a");
    let (pid, engine) = (client.id() as i32, engine(&run));
    send_signal(engine, Signal::STOP);
    send_signal(pid, Signal::INT);
    std::thread::sleep(Duration::from_millis(400));
    send_signal(pid, Signal::INT);
    let (code, said) = ended(client);
    send_signal(engine, Signal::CONT);
    assert_eq!(code, Some(STOPPED), "{said}");
    assert!(said.contains("left while the engine was ending"), "{said}");
}

#[test]
fn user_signals_make_a_checkpoint_and_the_job_goes_on() {
    let place = Sandbox::new();
    let (client, run) = fit(&place, "a");
    let (pid, engine) = (client.id() as i32, engine(&run));
    let checkpoints = || events_of(&run, "checkpoint").len();
    // To the client, and to the engine itself.
    for (to, signal) in [(pid, Signal::USR1), (pid, Signal::USR2), (engine, Signal::USR1), (engine, Signal::USR2)] {
        let before = checkpoints();
        send_signal(to, signal);
        wait_for("a checkpoint", || (checkpoints() > before).then_some(()));
        assert!(is_alive(pid) && is_alive(engine), "{signal:?}");
    }
    // As where the batch system signals every process: the engine hears it before the client does.
    send_signal(engine, Signal::TERM);
    std::thread::sleep(Duration::from_millis(100));
    send_signal(pid, Signal::TERM);
    let (code, said) = ended(client);
    assert_eq!(code, Some(STOPPED), "{said}");
    assert!(said.contains("stopped; continue with `surfit resume"), "{said}");
    assert!(!said.contains("before it replied"), "{said}");
}

#[test]
fn runs_of_several_seeds_stop_in_order_and_make_checkpoints() {
    let place = Sandbox::new();
    let client = start(&place, &format!("run tiny.toml --seeds 2 --run-dir s {ENDLESS}"));
    let run = place.path("s/seed-3");
    wait_for("the fit", || fits(&run).then_some(()));
    let (pid, engine) = (client.id() as i32, engine(&run));
    let before = events_of(&run, "checkpoint").len();
    send_signal(pid, Signal::USR1);
    wait_for("a checkpoint", || (events_of(&run, "checkpoint").len() > before).then_some(()));
    assert!(is_alive(pid) && is_alive(engine));
    // All processes are signalled, the client twice.
    send_signal(engine, Signal::TERM);
    send_signal(pid, Signal::TERM);
    std::thread::sleep(Duration::from_millis(30));
    send_signal(pid, Signal::TERM);
    let (code, said) = ended(client);
    assert_eq!(code, Some(STOPPED), "{said}");
    assert!(!said.contains("its engine ended"), "{said}");
    assert_eq!(events_of(&run, "closed").len(), 1);
    wait_for("the engine's process to go", || (!is_alive(engine)).then_some(()));
}

#[test]
fn a_runner_of_the_queue_stops_in_order_and_its_fit_stays_in_the_queue() {
    let place = Sandbox::new();
    place.surfit(&format!("queue add tiny.toml {ENDLESS}")).ok();
    let run = place.path("runs/tiny-q1");
    // The batch system signals the runner alone, then every process: the engine hears it first.
    for (turn, everyone) in [(1, false), (2, true)] {
        let runner = start(&place, "queue start");
        wait_for("the fit", || (events_of(&run, "started").len() == turn && fits(&run)).then_some(()));
        let (pid, engine) = (runner.id() as i32, engine(&run));
        let before = events_of(&run, "checkpoint").len();
        send_signal(pid, Signal::USR1);
        wait_for("a checkpoint", || (events_of(&run, "checkpoint").len() > before).then_some(()));
        assert!(is_alive(pid) && is_alive(engine));
        if everyone {
            send_signal(engine, Signal::TERM);
            std::thread::sleep(Duration::from_millis(100));
        }
        send_signal(pid, Signal::TERM);
        std::thread::sleep(Duration::from_millis(30));
        send_signal(pid, Signal::TERM);
        let (code, said) = ended(runner);
        assert_eq!(code, Some(STOPPED), "{said}");
        assert!(said.contains("stopped; continue with `surfit queue start`"), "{said}");
        assert_eq!(events_of(&run, "closed").len(), turn, "{said}");
        wait_for("the engine's process to go", || (!is_alive(engine)).then_some(()));
        let left = place.surfit("queue ls --json").ok().json_lines();
        assert_eq!(left.len(), 1, "it stays in the queue");
    }
    // What somebody stops is stopped, and the next one's turn comes.
    let runner = start(&place, "queue start");
    wait_for("the fit", || (events_of(&run, "started").len() == 3).then_some(()));
    place.surfit("stop tiny-q1").ok();
    let (code, said) = ended(runner);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("was stopped: tiny-q1"), "{said}");
    assert!(place.surfit("queue ls").ok().out.contains("is empty"));
}

#[test]
fn a_second_interrupt_leaves_the_engines_of_queue_and_study_behind() {
    let place = Sandbox::new();
    place.surfit(&format!("queue add tiny.toml {ENDLESS}")).ok();
    for (line, run) in [("queue start", "runs/tiny-q1"), ("run tiny.toml --seeds 1 --run-dir s", "s/seed-3")] {
        let extra = if line.starts_with("run") { ENDLESS } else { "" };
        let client = start(&place, &format!("{line} {extra}"));
        let run = place.path(run);
        wait_for("the fit", || fits(&run).then_some(()));
        let (pid, engine) = (client.id() as i32, engine(&run));
        send_signal(engine, Signal::STOP);
        send_signal(pid, Signal::INT);
        std::thread::sleep(Duration::from_millis(1500));
        assert!(is_alive(pid), "{line}: it waits for the checkpoint");
        send_signal(pid, Signal::INT);
        let (code, said) = ended(client);
        send_signal(engine, Signal::CONT);
        assert_eq!(code, Some(STOPPED), "{said}");
        assert!(said.contains("left while the engine"), "{said}");
        wait_for("the engine's end", || (!events_of(&run, "closed").is_empty()).then_some(()));
    }
}

#[test]
fn commands_with_an_engine_of_their_own_outlive_user_signals_and_stop_in_order() {
    let place = Sandbox::new();
    let run = place.run_tiny_job("a", QUICK);
    'commands: for line in ["fit a --epochs 100000", "heatmap a --grid 61", "search a --at 0.4,0.4 --budget 1000"] {
        let starts = events_of(&run, "started").len();
        let client = start(&place, line);
        let pid = client.id() as i32;
        // While it starts its engine.
        std::thread::sleep(Duration::from_millis(200));
        send_signal(pid, Signal::USR1);
        wait_for("an engine", || (events_of(&run, "started").len() > starts).then_some(()));
        std::thread::sleep(Duration::from_millis(700));
        let engine = engine(&run);
        for signal in [Signal::USR1, Signal::USR2] {
            send_signal(pid, signal);
            std::thread::sleep(Duration::from_millis(300));
            // A search may be done by now, and is then no victim of the signal.
            if line.starts_with("search") && !is_alive(pid) {
                let (code, said) = ended(client);
                assert_eq!(code, Some(0), "{line}: {said}");
                continue 'commands;
            }
            assert!(is_alive(pid) && is_alive(engine), "{line}: {signal:?}");
        }
        send_signal(pid, Signal::TERM);
        let (code, said) = ended(client);
        assert_eq!(code, Some(STOPPED), "{line}: {said}");
        wait_for("the engine's process to go", || (!is_alive(engine)).then_some(()));
    }
}

#[test]
fn an_engine_that_measures_for_a_command_ends_with_it() {
    let place = Sandbox::new();
    let program = "#!/bin/sh\necho $$ > engine-pid\nexec sleep 100\n";
    let program = place.write("slow-engine", program);
    std::fs::set_permissions(&program, Permissions::from_mode(0o755)).expect("its mode");
    place.write("a.safetensors", "weights");
    for line in ["eval a.safetensors", "bench"] {
        let _ = std::fs::remove_file(place.path("engine-pid"));
        let mut command = place.command(line);
        command.env("SURFIT_ENGINE", &program);
        let client = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let client = client.spawn().expect("surfit starts");
        let pid = client.id() as i32;
        let engine: i32 = wait_for("the engine", || {
            let text = std::fs::read_to_string(place.path("engine-pid")).ok()?;
            text.trim().parse().ok()
        });
        send_signal(pid, Signal::USR1);
        send_signal(engine, Signal::USR2);
        std::thread::sleep(Duration::from_millis(300));
        assert!(is_alive(pid) && is_alive(engine), "{line}");
        send_signal(pid, Signal::TERM);
        let (code, said) = ended(client);
        assert_eq!(code, Some(STOPPED), "{line}: {said}");
        assert!(!is_alive(engine), "{line}");
    }
}

#[test]
fn the_same_line_goes_on_with_its_run_and_another_one_is_refused() {
    let place = Sandbox::new();
    let line = "run tiny.toml --run-dir a";
    let (client, run) = {
        let client = start(&place, line);
        let run = place.path("a");
        wait_for("the fit", || fits(&run).then_some(()));
        (client, run)
    };
    // What is changed on request is no other configuration.
    let pid = engine(&run);
    place.surfit(line).fails(1, &["is in use by another engine", &format!("pid {pid}")]);
    send_signal(client.id() as i32, Signal::TERM);
    assert_eq!(ended(client).0, Some(STOPPED));

    place
        .surfit(&format!("{line} --set fit.points_per_step=3"))
        .fails(2, &["fit.points_per_step", "another configuration", "surfit resume"]);
    let done = place.surfit(line).ok();
    assert!(done.out.starts_with("resuming "), "{}", done.describe());
    assert!(finished_event(&run).is_some());
    assert!(events_of(&run, "resumed").len() == 1, "it went on");

    let events = std::fs::read(run.join("events.jsonl")).expect("events");
    let done = place.surfit(line).ok();
    assert!(done.out.contains("is finished"), "{}", done.describe());
    assert_eq!(events_of(&run, "started").len(), 2, "no engine was started for it");
    assert_eq!(std::fs::read(run.join("events.jsonl")).expect("events"), events);
}

#[test]
fn a_run_that_was_changed_on_request_is_still_that_of_its_line() {
    let place = Sandbox::new();
    let line = format!("run tiny.toml --run-dir a {ENDLESS}");
    let client = start(&place, &line);
    let run = place.path("a");
    wait_for("corners under way", || (!events_of(&run, "losses").is_empty()).then_some(()));
    let before = std::fs::read_to_string(run.join("config.toml")).expect("a configuration");
    place.surfit("degree a 3 2").ok();
    let after = std::fs::read_to_string(run.join("config.toml")).expect("a configuration");
    assert_ne!(before, after, "too late to mean anything");
    send_signal(client.id() as i32, Signal::TERM);
    assert_eq!(ended(client).0, Some(STOPPED));
    let client = start(&place, &line);
    wait_for("the run to go on", || (events_of(&run, "started").len() == 2).then_some(()));
    send_signal(client.id() as i32, Signal::TERM);
    let (code, said) = ended(client);
    assert!(code == Some(STOPPED) && said.starts_with("resuming "), "{said}");
}

#[test]
fn detached_work_is_not_promised_to_outlive_its_batch_job() {
    let place = Sandbox::new();
    let mut command = place.command(&format!("run tiny.toml --run-dir a --detach {ENDLESS}"));
    command.env("SLURM_JOB_ID", "4711");
    let done = place.run_to_end(command).ok();
    for part in ["Slurm job 4711", "ends", "exec surfit run"] {
        assert!(done.out.contains(part), "`{part}`: {}", done.describe());
    }
    let mut command = place.command("resume a --detach --json");
    command.env("SLURM_JOB_ID", "4711");
    place.surfit("stop a").ok();
    let done = place.run_to_end(command).ok();
    assert_eq!(done.last_json()["job"], "Slurm job 4711");
    place.surfit("stop a").ok();
}

#[test]
fn two_runners_share_the_runs_of_a_study() {
    let place = Sandbox::new();
    let line = format!("run tiny.toml --seeds 4 --run-dir s {QUICK}");
    let clients = [start(&place, &line), start(&place, &line)];
    let said: Vec<String> = clients
        .into_iter()
        .map(|client| {
            let (code, said) = ended(client);
            assert_eq!(code, Some(0), "{said}");
            said
        })
        .collect();
    for seed in 3..7 {
        let run = place.path(format!("s/seed-{seed}"));
        assert_eq!(events_of(&run, "finished").len(), 1, "seed {seed}");
        assert_eq!(events_of(&run, "started").len(), 1, "seed {seed}");
    }
    // Each says how all four ended, and comes to the same figures.
    let summary = |text: &str| text[text.find("over 4 seeds").expect("a summary")..].to_owned();
    assert_eq!(summary(&said[0]), summary(&said[1]));
    let own = |text: &str| text.lines().filter(|l| l.ends_with(" s)")).count();
    let done = [own(&said[0]), own(&said[1])];
    assert!(done[0] + done[1] == 4 && done.iter().all(|n| *n > 0), "{said:?}");
}

#[test]
fn runners_of_a_study_that_want_the_same_runs_at_once_all_end_well() {
    let place = Sandbox::new();
    let sets: Vec<String> =
        QUICK.split_whitespace().filter(|word| *word != "--set").map(|set| format!("{set:?}")).collect();
    let plan = format!(
        "config = \"tiny.toml\"\nseeds = [1, 2]\nset = [{}]\n\
         [[variant]]\nname = \"a\"\n[[variant]]\nname = \"b\"\nset = [\"fit.degree=3\"]\n",
        sets.join(", ")
    );
    place.write("study.toml", plan);
    // Each takes all of the runs that are left at its first look, so that they meet at every one of them.
    let line = "study study.toml --dir s --jobs 4";
    let clients = [(); 3].map(|()| start(&place, line));
    for client in clients {
        let (code, said) = ended(client);
        assert_eq!(code, Some(0), "{said}");
        assert!(!said.contains("its engine ended"), "{said}");
        for number in 1..=4 {
            let place = format!("[{number}/4]");
            assert!(said.contains(&place), "{place}: {said}");
        }
        assert!(said.contains("report "), "{said}");
    }
    for run in ["a-seed1", "b-seed1", "a-seed2", "b-seed2"] {
        let run = place.path(format!("s/{run}"));
        assert_eq!(events_of(&run, "finished").len(), 1);
        assert_eq!(events_of(&run, "started").len(), 1, "done once");
    }
    let report = std::fs::read_to_string(place.path("s/README.md")).expect("a report");
    assert!(report.len() > 500, "{report}");
}

#[test]
fn a_run_that_another_runner_leaves_undone_is_taken_up() {
    let place = Sandbox::new();
    let line = format!("run tiny.toml --seeds 1 --run-dir s {ENDLESS}");
    let first = start(&place, &line);
    let run = place.path("s/seed-3");
    wait_for("the fit", || fits(&run).then_some(()));
    let second = start(&place, &line);
    std::thread::sleep(Duration::from_millis(800));
    send_signal(first.id() as i32, Signal::TERM);
    assert_eq!(ended(first).0, Some(STOPPED));
    wait_for("the run to be taken up", || (events_of(&run, "started").len() == 2).then_some(()));
    send_signal(second.id() as i32, Signal::TERM);
    let (code, said) = ended(second);
    assert_eq!(code, Some(STOPPED), "{said}");
    assert!(said.contains("another runner works on it"), "{said}");
}

/// A run whose engine seems to work on another machine: its lock says so, and its socket is not to be found from here.
fn run_elsewhere(place: &Sandbox) -> (PathBuf, i32) {
    let (run, pid) = place.start_tiny_job("a", ENDLESS);
    wait_for("the fit", || fits(&run).then_some(()));
    let lock = run.join("lock");
    let text = std::fs::read_to_string(&lock).expect("a lock");
    let mut signature: Value = serde_json::from_str(&text).expect("a signature");
    assert!(signature["works_on"]["host"].is_string());
    signature["works_on"] = json!({ "host": "gpu7", "boot": "of gpu7" });
    std::fs::write(&lock, signature.to_string()).expect("a lock");
    std::fs::write(run.join("socket"), "/nowhere/on/this/machine.sock").expect("a note");
    (run, pid)
}

#[test]
fn commands_for_a_run_of_another_node_say_where_it_works_at_once() {
    let place = Sandbox::new();
    let (run, pid) = run_elsewhere(&place);
    let checked = |done: CommandResult| {
        let done = done.fails(1, &["gpu7"]);
        assert!(done.seconds < 5.0, "it waits: {}", done.describe());
        assert!(is_alive(pid), "{}", done.describe());
        done
    };
    for line in [
        "set a fit.learning_rate=0.01",
        "export a --best --out x",
        "heatmap a --grid 9",
        "stop a",
        "resume a",
        "degree a 3 3",
        "fork a --degree 3 3",
        "search a --at 0.5,0.5",
        "fit a --epochs 1",
        "cancel a",
        "rm a --yes",
        "rm a --yes --stop",
    ] {
        let done = checked(place.surfit(line));
        if !line.starts_with("rm") {
            assert!(done.err.contains("ssh gpu7"), "{line}: {}", done.describe());
        }
    }
    checked(place.surfit(&format!("run tiny.toml --run-dir a {ENDLESS}")));
    let listed = place.surfit("ls").ok();
    for part in ["NODE", "running", "gpu7"] {
        assert!(listed.out.contains(part), "{}", listed.describe());
    }
    assert_eq!(place.surfit("ls --json").ok().last_json()["elsewhere"], true);

    // Without a screen its files are followed.
    let mut watching = ChildGuard(start(&place, "open a"));
    let losses = || events_of(&run, "losses").len();
    let before = losses();
    wait_for("the fit to go on", || (losses() > before + 1).then_some(()));
    assert!(watching.0.try_wait().expect("its state").is_none());
    send_signal(pid, Signal::TERM);
    let began = Instant::now();
    wait_for("it to see the end", || watching.0.try_wait().expect("its state"));
    assert!(began.elapsed() < Duration::from_secs(30));
}

#[test]
fn a_dead_engine_of_another_node_blocks_nothing() {
    let place = Sandbox::new();
    let (run, pid) = run_elsewhere(&place);
    // Held by this process, as a file server does for a node that is down; the last sign of life is an hour old.
    place.kill(pid);
    let path = run.join("status.json");
    let mut status: Value = serde_json::from_slice(&std::fs::read(&path).expect("a status")).expect("JSON");
    status["heartbeat"] = json!(status["heartbeat"].as_f64().expect("seconds") - 3700.0);
    std::fs::write(&path, status.to_string()).expect("a status");
    let lock = std::fs::File::open(run.join("lock")).expect("a lock");
    flock(&lock, FlockOperation::LockExclusive).expect("the lock");
    place.surfit("set a fit.learning_rate=0.01").fails(1, &["gpu7", "last seen 1 h ago"]);
    drop(lock);
    place.surfit("resume a --detach").ok();
    assert_eq!(place.surfit("ls --json").ok().last_json()["elsewhere"], false);
    place.surfit("stop a").ok();
}
