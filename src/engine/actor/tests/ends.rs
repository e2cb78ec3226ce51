//! The end of an engine: nothing is lost without a word.

use super::*;
use std::path::Path;

/// Works on a run to step 2 of its fit with a checkpoint of step 1, lets `happen`, and asks for the end, before which one more step is made; what the engine
/// ended with, and the answer to who asked.
fn ended(path: &Path, happen: impl FnOnce(&RunDir)) -> (Result<()>, Option<String>) {
    let config = surfit_core::config::parse(TINY, "the test").unwrap();
    let run = RunDir::create(path, &config).unwrap();
    let mut journal = Journal::open(&run).unwrap();
    let (sender, inbox) = sync_channel(1);
    let mut actor = Actor::open(&run, &mut journal, &inbox, AT_ONCE).unwrap();
    actor.until(|a| a.progress.is_some_and(|p| p.step == 1));
    assert!(actor.save_checkpoint());
    actor.until(|a| a.progress.is_some_and(|p| p.step == 2));
    let (reply, mut answer) = tokio::sync::oneshot::channel();
    let request = Request {
        client: 1,
        command: Command::Shutdown,
        reply,
    };
    sender.send(request).unwrap();
    happen(&run);
    let worked = actor.work_until_closed();
    (worked, answer.try_recv().unwrap().error)
}

#[test]
fn an_end_that_loses_steps_is_a_failure_that_names_them() {
    let dir = tempfile::tempdir().unwrap();
    let (worked, told) = ended(&dir.path().join("a"), |run| {
        let surface = run.path().join("surface");
        std::fs::rename(&surface, run.path().join("kept")).unwrap();
        std::fs::write(&surface, "in the way").unwrap();
    });
    let why = worked.unwrap_err().to_string();
    let steps = "stopped at step 3, but the last checkpoint is of step 1";
    assert!(why.contains(steps) && why.contains("make room"), "{why}");
    assert_eq!(told, Some(why));
    let (worked, told) = ended(&dir.path().join("b"), |_| {});
    assert!(worked.is_ok() && told.is_none());
}

#[test]
fn an_engine_whose_directory_is_gone_ends_with_a_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let (path, moved) = (dir.path().join("a"), dir.path().join("moved"));
    let (worked, told) = ended(&path, |run| std::fs::rename(run.path(), &moved).unwrap());
    let why = worked.unwrap_err().to_string();
    assert!(why.contains("removed or moved"), "{why}");
    assert_eq!(told, Some(why));
    // Also one that nobody asks to end.
    std::fs::rename(&moved, &path).unwrap();
    with_actor(&path, |actor| {
        std::fs::rename(&path, &moved).unwrap();
        actor.check_directory().unwrap();
        actor.directory.age();
        let why = actor.work_while_open().unwrap_err().to_string();
        assert!(why.contains("removed or moved"), "{why}");
    });
}
