//! The end of an engine: nothing is lost without a word.

use super::*;
use std::path::Path;

/// Works on a run to step 2 of its fit with a checkpoint of step 1, lets `happen`, and asks for the end, before which one
/// more step is made; what the engine ended with, and the answer to who asked.
fn shut_down_fit(path: &Path, happen: impl FnOnce(&RunDir)) -> (Result<()>, Option<String>) {
    let work = |actor: &mut Actor<'_>| {
        actor.tick_until(|a| a.progress.is_some_and(|p| p.step == 1));
        assert!(actor.save_checkpoint());
        actor.tick_until(|a| a.progress.is_some_and(|p| p.step == 2));
    };
    shut_down_after(path, work, happen)
}

/// As [`shut_down_fit`], after other work.
fn shut_down_after(
    path: &Path,
    work: impl FnOnce(&mut Actor<'_>),
    happen: impl FnOnce(&RunDir),
) -> (Result<()>, Option<String>) {
    let config = surfit_core::config::parse(TINY, "the test").unwrap();
    let run = RunDir::create(path, &config).unwrap();
    let mut journal = EventJournal::open(&run).unwrap();
    let (sender, inbox) = sync_channel(1);
    let mut actor = Actor::open(&run, &mut journal, &inbox, NO_IDLE_TIMEOUT).unwrap();
    work(&mut actor);
    let (reply, mut answer) = tokio::sync::oneshot::channel();
    let request = CommandRequest { client: 1, command: EngineCommand::Shutdown, reply };
    sender.send(request).unwrap();
    happen(&run);
    let worked = actor.work_until_closed();
    (worked, answer.try_recv().unwrap().error.map(|refusal| refusal.message))
}

#[test]
fn an_end_that_loses_steps_is_a_failure_that_names_them() {
    let dir = tempfile::tempdir().unwrap();
    let (worked, reason) = shut_down_fit(&dir.path().join("a"), |run| {
        replace_folder_with_file(run, "surface");
    });
    let why = worked.unwrap_err().to_string();
    let steps = "stopped at step 3, but the last checkpoint is of step 1";
    assert!(why.contains(steps) && why.contains("make room"), "{why}");
    assert_eq!(reason, Some(why));
    let (worked, reason) = shut_down_fit(&dir.path().join("b"), |_| {});
    assert!(worked.is_ok() && reason.is_none());
}

/// Puts a file where a run has a folder, as a disk that takes nothing there.
fn replace_folder_with_file(run: &RunDir, folder: &str) {
    let folder = run.path().join(folder);
    std::fs::rename(&folder, run.path().join("kept")).unwrap();
    std::fs::write(&folder, "in the way").unwrap();
}

#[test]
fn an_end_knows_the_last_checkpoint_whatever_wrote_it() {
    let dir = tempfile::tempdir().unwrap();
    let at = |step| move |a: &Actor<'_>| a.trainer.as_ref().is_some_and(|t| t.step == step);
    let why = |(worked, reason): (Result<()>, Option<String>)| {
        let why = worked.unwrap_err().to_string();
        assert_eq!(reason.as_ref(), Some(&why));
        why
    };
    // A command.
    let command = |actor: &mut Actor<'_>| {
        actor.tick_until(|a| a.progress.is_some_and(|p| p.step == 1));
        assert!(actor.save_checkpoint());
        actor.tick_until(|a| a.progress.is_some_and(|p| p.step == 2));
        actor.execute(EngineCommand::Checkpoint).unwrap();
    };
    let lost = why(shut_down_after(&dir.path().join("a"), command, |run| {
        replace_folder_with_file(run, "surface");
    }));
    assert!(lost.contains("step 3, but the last checkpoint is of step 2:"), "{lost}");
    // The beginning of the fit, after one of a corner's training.
    let begun = |actor: &mut Actor<'_>| {
        actor.tick_until(|a| matches!(a.activity, ActorActivity::Corner(3)) && at(3)(a));
        assert!(actor.save_checkpoint());
        actor.tick_until(|a| matches!(a.activity, ActorActivity::Fit));
    };
    let lost = why(shut_down_after(&dir.path().join("b"), begun, |run| {
        replace_folder_with_file(run, "surface");
    }));
    assert!(lost.contains("step 1, but the last checkpoint is of step 0:"), "{lost}");
    // Corners, by their numbers, and one that has none yet.
    for (name, save, says) in [
        ("c", true, "step 3 of corner 2, but the last checkpoint is of step 2 of corner 2:"),
        ("d", false, "step 3 of corner 2, but there is no checkpoint of it:"),
    ] {
        let corner = |actor: &mut Actor<'_>| {
            actor.tick_until(at(2));
            assert!(actor.save_checkpoint());
            actor.tick_until(|a| matches!(a.activity, ActorActivity::Corner(1)) && at(2)(a));
            assert!(!save || actor.save_checkpoint());
        };
        let lost = why(shut_down_after(&dir.path().join(name), corner, |run| {
            replace_folder_with_file(run, "corners");
        }));
        assert!(lost.contains(says), "{lost}");
    }
}

#[test]
fn an_end_between_two_trainings_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let aligning = |actor: &mut Actor<'_>| {
        actor.tick_until(|a| a.trainer.as_ref().is_some_and(|t| t.step == 2));
        assert!(actor.save_checkpoint());
        actor.tick_until(|a| matches!(a.activity, ActorActivity::Align(1)));
    };
    let (worked, reason) = shut_down_after(&dir.path().join("a"), aligning, |run| {
        // The disk takes no snapshot.
        let snapshot = run.path().join("snapshot.json");
        let _ = std::fs::remove_file(&snapshot);
        std::fs::create_dir_all(snapshot.join("in the way")).unwrap();
    });
    assert!(worked.is_ok() && reason.is_none(), "{worked:?}");
}

#[test]
fn an_engine_whose_directory_is_gone_ends_with_a_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let (path, moved) = (dir.path().join("a"), dir.path().join("moved"));
    let (worked, reason) = shut_down_fit(&path, |run| std::fs::rename(run.path(), &moved).unwrap());
    let why = worked.unwrap_err().to_string();
    assert!(why.contains("removed or moved"), "{why}");
    assert_eq!(reason, Some(why));
    // Also one that nobody asks to end.
    std::fs::rename(&moved, &path).unwrap();
    with_actor(&path, |actor| {
        std::fs::rename(&path, &moved).unwrap();
        actor.check_directory().unwrap();
        actor.directory_watch.expire();
        let why = actor.work_while_open().unwrap_err().to_string();
        assert!(why.contains("removed or moved"), "{why}");
    });
}

#[test]
fn an_engine_whose_directory_was_replaced_leaves_the_other_run_alone() {
    let dir = tempfile::tempdir().unwrap();
    let (path, moved) = (dir.path().join("a"), dir.path().join("moved"));
    let files = |path: &Path| -> Vec<_> {
        let entries = std::fs::read_dir(path).unwrap().map(|e| e.unwrap().path());
        let mut all: Vec<_> = entries.collect();
        all.extend(std::fs::read_dir(path.join("surface")).into_iter().flatten().map(|e| e.unwrap().path()));
        all.sort();
        all
    };
    let mut before = Vec::new();
    let (worked, reason) = shut_down_fit(&path, |run| {
        let config = run.config().unwrap();
        std::fs::rename(&path, &moved).unwrap();
        RunDir::create(&path, &config).unwrap();
        before = files(&path);
    });
    let why = worked.unwrap_err().to_string();
    assert!(why.contains("removed or moved"), "{why}");
    assert_eq!(reason, Some(why));
    assert_eq!(files(&path), before);
    // Nor is the other one called failed.
    let (run, old) = (RunDir::open(&path).unwrap(), RunDir::open(&moved).unwrap());
    run.write_status(&old.status().unwrap()).unwrap();
    write_failed_status(&run, old.identity(), "lost");
    assert_ne!(run.status().unwrap().state, EngineState::Failed);
    write_failed_status(&run, run.identity(), "lost");
    assert_eq!(run.status().unwrap().state, EngineState::Failed);
}
