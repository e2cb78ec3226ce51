//! The queue: its locks, and that no fit is forgotten.

use super::lock::open_lock_file;
use super::runner::{shutdown_obstacle, started_engine_pid};
use super::*;
use crate::signals::Signals;
use rustix::fs::{FlockOperation, flock};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::Duration;

/// A queue among the runs in `root`, with a machine of its own.
fn temporary_queue(root: &std::path::Path) -> FitQueue {
    let folder = root.join(".queue");
    fs::create_dir_all(&folder).unwrap();
    let machine = root.join("machine");
    FitQueue { folder, machine_folder: machine }
}

#[test]
fn the_lock_empties_no_file_and_its_folder_is_private() {
    let dir = tempfile::tempdir().unwrap();
    let queue = temporary_queue(dir.path());
    let thesis = dir.path().join("thesis.tex");
    fs::write(&thesis, "years of work").unwrap();
    fs::create_dir(&queue.machine_folder).unwrap();
    fs::set_permissions(&queue.machine_folder, fs::Permissions::from_mode(0o777)).unwrap();
    symlink(&thesis, queue.machine_folder.join("queue.lock")).unwrap();
    let turn = |queue: &FitQueue| queue.wait_for_turn(&Signals::for_test(false), || panic!("nobody has it"));
    assert!(turn(&queue).is_err());
    assert_eq!(fs::read(&thesis).unwrap(), b"years of work");
    let mode = queue.machine_folder.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    // A folder that is a link is not its owner's word.
    symlink(&queue.machine_folder, dir.path().join("link")).unwrap();
    let over_link = FitQueue { machine_folder: dir.path().join("link"), ..queue.clone() };
    let error = turn(&over_link).unwrap_err();
    assert!(error.to_string().contains("another user"), "{error}");
    fs::remove_file(queue.machine_folder.join("queue.lock")).unwrap();
    drop(turn(&queue).unwrap());

    symlink(&thesis, queue.folder.join("runner")).unwrap();
    assert!(queue.try_lock_runner().is_err());
    assert_eq!(fs::read(&thesis).unwrap(), b"years of work");
    fs::remove_file(queue.folder.join("runner")).unwrap();
    let held = queue.try_lock_runner().unwrap().expect("the lock");
    assert!(queue.try_lock_runner().unwrap().is_none());
    drop(held);
    assert!(queue.try_lock_runner().unwrap().is_some());
}

#[test]
fn the_queues_own_lock_follows_no_link_and_empties_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let thesis = dir.path().join("thesis.tex");
    fs::write(&thesis, "years of work").unwrap();
    let queue = temporary_queue(dir.path());
    symlink(&thesis, queue.folder.join("lock")).unwrap();
    assert!(queue.add_config(&Config::default()).is_err());
    assert_eq!(fs::read(&thesis).unwrap(), b"years of work");
    fs::remove_file(queue.folder.join("lock")).unwrap();
    fs::write(queue.folder.join("lock"), "a word").unwrap();
    assert_eq!(queue.add_config(&Config::default()).unwrap().number, 1);
    assert_eq!(fs::read(queue.folder.join("lock")).unwrap(), b"a word");
}

/// Puts a fit into the queue that comes to its end at once: the run that it is to go on from is not there.
fn add_hopeless(queue: &FitQueue) -> u64 {
    let run = queue.folder.join("no-run");
    let degrees = Config::default().degrees();
    let task = QueuedFitKind::Fork { run, degrees };
    queue.add_entry(task, "hopeless".into()).unwrap().number
}

/// The right to work on a queue, to which somebody adds a fit between the runner's last look and its end.
struct RunnerRight<'a> {
    queue: &'a FitQueue,
    lock: Option<File>,
    adds_fit: bool,
}

impl Drop for RunnerRight<'_> {
    fn drop(&mut self) {
        if self.adds_fit {
            add_hopeless(self.queue);
            assert!(self.queue.has_runner().unwrap(), "a runner is at work");
        }
        drop(self.lock.take());
    }
}

#[test]
fn a_fit_that_is_added_while_the_runner_ends_is_not_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let queue = temporary_queue(dir.path());
    let first = add_hopeless(&queue);
    let (mut times, mut ended) = (0, Vec::new());
    let take = || {
        times += 1;
        let held = queue.try_lock_runner()?;
        Ok(held.map(|held| RunnerRight { queue: &queue, lock: Some(held), adds_fit: times == 1 }))
    };
    let worked = queue.run_queue_while(take, &Signals::for_test(false), &mut |entry, news| {
        assert!(matches!(news, RunnerNews::Ended(QueuedFitEnd::Failed(_))), "{news:?}");
        ended.push(entry.number);
    });
    assert_eq!(worked.unwrap(), RunnerEnd::Empty);
    assert_eq!(ended, [first, first + 1]);
    assert!(queue.entries().is_empty());
}

#[test]
fn a_question_turns_no_runner_away() {
    let dir = tempfile::tempdir().unwrap();
    let queue = temporary_queue(dir.path());
    assert!(!queue.has_runner().unwrap());
    // As somebody who asks holds it, for longer than a question takes.
    let asked = open_lock_file(&queue.folder.join("runner")).unwrap();
    flock(&asked, FlockOperation::LockShared).unwrap();
    assert!(!queue.has_runner().unwrap(), "another question");
    let answer = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(100));
        drop(asked);
    });
    let runner = queue.try_lock_runner().unwrap().expect("the right");
    answer.join().unwrap();
    assert!(queue.has_runner().unwrap());
    assert!(queue.try_lock_runner().unwrap().is_none());
    drop(runner);
    assert!(!queue.has_runner().unwrap());
}

#[test]
fn what_is_wrong_with_the_machine_stops_the_runner_and_costs_no_fit() {
    let dir = tempfile::tempdir().unwrap();
    let queue = temporary_queue(dir.path());
    let hopeless = add_hopeless(&queue);
    let mut entry = queue.add_config(&Config::default()).unwrap();
    // No directory can be made there, nor is there an engine beside this test.
    entry.run = Some("/proc/self/fd/nowhere".into());
    queue.write_entry(&entry).unwrap();
    let behind = queue.add_config(&Config::default()).unwrap();
    let mut ended = Vec::new();
    let error =
        queue.run_queue(&Signals::for_test(false), &mut |entry, _| ended.push(entry.number)).unwrap_err().to_string();
    assert!(error.contains("number 2 and later fits stay"), "{error}");
    assert_eq!(ended, [hopeless], "what is wrong with one fit ends that one");
    assert_eq!(queue.entries(), [entry, behind]);
    assert!(!queue.has_runner().unwrap());
}

#[test]
fn a_fit_that_is_taken_out_is_not_put_back_and_one_that_is_begun_is_not_taken_out() {
    let dir = tempfile::tempdir().unwrap();
    let queue = temporary_queue(dir.path());
    let first = queue.add_config(&Config::default()).unwrap();
    let mut entry = queue.add_config(&Config::default()).unwrap();
    let runner = queue.try_lock_runner().unwrap().expect("the right");
    // The runner has read it, and somebody takes it out.
    entry.run = Some(dir.path().join("a"));
    queue.remove(entry.number).unwrap();
    assert!(!queue.claim_entry(&entry).unwrap());
    assert_eq!(queue.entries(), std::slice::from_ref(&first));
    // The runner has it, and no engine listens yet.
    let mut begun = first;
    begun.run = Some(dir.path().join("b"));
    assert!(queue.claim_entry(&begun).unwrap());
    let why = queue.remove(begun.number).unwrap_err().to_string();
    assert!(why.contains("running as b"), "{why}");
    drop(runner);
    queue.remove(begun.number).unwrap();
    assert!(queue.entries().is_empty());
}

#[test]
fn queues_of_one_machine_take_turns() {
    let dir = tempfile::tempdir().unwrap();
    let one = temporary_queue(dir.path());
    let other = FitQueue { folder: dir.path().join("elsewhere/.queue"), machine_folder: one.machine_folder.clone() };
    let number = add_hopeless(&other);
    let turn = one.wait_for_turn(&Signals::for_test(false), || panic!("nobody has it")).unwrap();
    let (waits, waited) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        let mut news = Vec::new();
        let worked = other.run_queue(&Signals::for_test(false), &mut |entry, what| {
            news.push((entry.number, what.clone()));
            let _ = waits.send(());
        });
        let worked = worked.unwrap();
        assert_eq!(worked, RunnerEnd::Empty, "it is not the other queue's");
        news
    });
    waited.recv().unwrap();
    drop(turn);
    let news = thread.join().unwrap();
    assert_eq!(news[0], (number, RunnerNews::Waiting));
    assert!(matches!(news[1], (n, RunnerNews::Ended(QueuedFitEnd::Failed(_))) if n == number));
}

#[test]
fn a_runner_that_waits_for_its_turn_heeds_a_signal_and_leaves_the_queue_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let one = temporary_queue(dir.path());
    let other = FitQueue { folder: dir.path().join("elsewhere/.queue"), machine_folder: one.machine_folder.clone() };
    add_hopeless(&other);
    let _turn = one.wait_for_turn(&Signals::for_test(false), || panic!("nobody has it"));
    let mut news = Vec::new();
    let end = other.run_queue(&Signals::for_test_terminated(), &mut |_, what| news.push(what.clone()));
    assert_eq!(end.unwrap(), RunnerEnd::Stopped);
    assert_eq!(news, [RunnerNews::Waiting]);
    assert_eq!(other.entries().len(), 1);
}

#[test]
fn a_fit_that_another_engine_was_faster_with_has_not_failed() {
    let run = crate::fake::temporary_run();
    let run = &run.dir;
    for _lock in [run.lock().ok(), None] {
        let started = Err(ClientError::Run(run.in_use_error()));
        assert_eq!(started_engine_pid(run, None, started).unwrap(), None);
    }
    assert_eq!(started_engine_pid(run, None, Ok(42)).unwrap(), Some(42));
    let broken = ClientError::DidNotStart("no libtorch".into());
    let error = started_engine_pid(run, None, Err(broken)).unwrap_err();
    assert!(error.is_machine_fault(), "{error}");
}

#[test]
fn an_engine_whose_process_is_not_known_is_asked_over_its_socket_to_end() {
    use surfit_core::protocol::{ClientMessage, EngineCommand};
    let dir = tempfile::tempdir().unwrap();
    let queue = temporary_queue(dir.path());
    let run = crate::fake::temporary_run();
    // It has no status, as on a disk that took none.
    let engine = crate::fake::FakeEngine::open(&run.dir);
    let thread = std::thread::spawn(move || {
        let (mut peer, _) = engine.welcome();
        match peer.read() {
            Some(ClientMessage::Command { command, .. }) => command,
            other => panic!("{other:?}"),
        }
    });
    let mut entry = queue.add_config(&Config::default()).unwrap();
    entry.run = Some(run.dir.path().to_owned());
    queue.write_entry(&entry).unwrap();
    let (signals, mut all_news) = (Signals::for_test(false), Vec::new());
    let end = queue.run_queue(&signals, &mut |_, news| {
        signals.terminate();
        all_news.push(news.clone());
    });
    assert_eq!(end.unwrap(), RunnerEnd::Stopped);
    assert_eq!(thread.join().unwrap(), EngineCommand::Shutdown);
    assert_eq!(all_news, [RunnerNews::Started, RunnerNews::Halted]);
    assert!(queue.entries()[0].halted);
}

#[cfg(target_os = "linux")]
#[test]
fn a_suspended_engine_is_told_as_what_is_waited_for() {
    use rustix::process::{Pid, Signal, kill_process};
    let run = crate::fake::temporary_run();
    let run = &run.dir;
    let mut process = std::process::Command::new("sleep").arg("100").spawn().unwrap();
    let status = serde_json::json!({
        "state": "running", "stage": "fit", "pid": process.id(), "heartbeat": 0.0, "done": 0, "total": 1,
        "degrees": Config::default().degrees(), "network": "cnn", "best": null, "failed": null,
    });
    run.write_status(&serde_json::from_value(status).unwrap()).unwrap();
    let _lock = run.lock().unwrap();
    assert_eq!(shutdown_obstacle(run, true), None);
    assert!(shutdown_obstacle(run, false).is_some_and(|why| why.contains("cannot be reached")));
    kill_process(Pid::from_child(&process), Signal::STOP).unwrap();
    let suspended = (0..1000).find_map(|_| {
        std::thread::sleep(Duration::from_millis(5));
        shutdown_obstacle(run, true)
    });
    process.kill().unwrap();
    process.wait().unwrap();
    assert!(suspended.is_some_and(|why| why.contains("kill -CONT")));
}
