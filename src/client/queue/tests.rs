//! The queue: its locks, and that no fit is forgotten.

use super::*;
use std::os::unix::fs::{PermissionsExt, symlink};

#[test]
fn the_lock_empties_no_file_and_its_folder_is_private() {
    let dir = tempfile::tempdir().unwrap();
    let thesis = dir.path().join("thesis.tex");
    fs::write(&thesis, "years of work").unwrap();
    let folder = dir.path().join("surfit");
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
    symlink(&thesis, folder.join("queue.lock")).unwrap();
    assert!(Queue::runner_in(&folder).is_err());
    assert_eq!(fs::read(&thesis).unwrap(), b"years of work");
    let mode = folder.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    // A folder that is a link is not its owner's word.
    symlink(&folder, dir.path().join("link")).unwrap();
    let error = Queue::runner_in(&dir.path().join("link")).unwrap_err();
    assert!(error.to_string().contains("another user"), "{error}");
    fs::remove_file(folder.join("queue.lock")).unwrap();
    let held = Queue::runner_in(&folder).unwrap().expect("the lock");
    assert!(Queue::runner_in(&folder).unwrap().is_none());
    drop(held);
    assert!(Queue::runner_in(&folder).unwrap().is_some());
}

#[test]
fn the_queues_own_lock_follows_no_link_and_empties_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let thesis = dir.path().join("thesis.tex");
    fs::write(&thesis, "years of work").unwrap();
    let folder = dir.path().join(".queue");
    fs::create_dir(&folder).unwrap();
    symlink(&thesis, folder.join("lock")).unwrap();
    let queue = Queue { folder };
    assert!(queue.add_config(&Config::default()).is_err());
    assert_eq!(fs::read(&thesis).unwrap(), b"years of work");
    fs::remove_file(queue.folder.join("lock")).unwrap();
    fs::write(queue.folder.join("lock"), "a word").unwrap();
    assert_eq!(queue.add_config(&Config::default()).unwrap().number, 1);
    assert_eq!(fs::read(queue.folder.join("lock")).unwrap(), b"a word");
}

/// Puts a fit into the queue that comes to its end at once: the run that it is to go on from is not there.
fn add_hopeless(queue: &Queue) -> u64 {
    let run = queue.folder.join("no-run");
    let degrees = Config::default().degrees();
    let task = Task::Fork { run, degrees };
    queue.add(task, "hopeless".into()).unwrap().number
}

/// The right to work on a queue, to which somebody adds a fit between the runner's last look and its end.
struct Right<'a> {
    queue: &'a Queue,
    held: Option<Runner>,
    adds: bool,
}

impl Drop for Right<'_> {
    fn drop(&mut self) {
        if self.adds {
            add_hopeless(self.queue);
            let folder = self.queue.folder.parent().unwrap();
            assert!(
                Queue::is_worked_on_in(folder).unwrap(),
                "a runner is at work"
            );
        }
        drop(self.held.take());
    }
}

#[test]
fn a_fit_that_is_added_while_the_runner_ends_is_not_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let queue = Queue {
        folder: dir.path().join(".queue"),
    };
    let first = add_hopeless(&queue);
    let (mut times, mut ended) = (0, Vec::new());
    let take = || {
        times += 1;
        let held = Queue::runner_in(dir.path())?;
        Ok(held.map(|held| Right {
            queue: &queue,
            held: Some(held),
            adds: times == 1,
        }))
    };
    let worked = queue.work_while(take, &mut |entry, end| {
        assert!(matches!(end, Some(End::Failed(_))), "{end:?}");
        ended.push(entry.number);
    });
    assert!(worked.unwrap());
    assert_eq!(ended, [first, first + 1]);
    assert!(queue.entries().is_empty());
}

#[test]
fn a_question_turns_no_runner_away() {
    let dir = tempfile::tempdir().unwrap();
    assert!(!Queue::is_worked_on_in(dir.path()).unwrap());
    // As somebody who asks holds it, for longer than a question takes.
    let asked = lock_file(&dir.path().join("queue.lock")).unwrap();
    flock(&asked, FlockOperation::LockShared).unwrap();
    assert!(
        !Queue::is_worked_on_in(dir.path()).unwrap(),
        "another question"
    );
    let answer = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(100));
        drop(asked);
    });
    let runner = Queue::runner_in(dir.path()).unwrap().expect("the right");
    answer.join().unwrap();
    assert!(Queue::is_worked_on_in(dir.path()).unwrap());
    assert!(Queue::runner_in(dir.path()).unwrap().is_none());
    drop(runner);
    assert!(!Queue::is_worked_on_in(dir.path()).unwrap());
}
