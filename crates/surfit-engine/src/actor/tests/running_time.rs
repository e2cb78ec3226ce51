//! Durations that a user reads count the time in which the run works, in every engine of it, and no other.

use super::*;
use crate::actor::task::EvaluationTask;
use surfit_core::event::LossCurve;

const WAIT: Duration = Duration::from_millis(300);

fn wait() {
    std::thread::sleep(WAIT);
}

fn stage_seconds(actor: &Actor<'_>, stage: JobStage) -> f64 {
    actor.journal.run_state().seconds[&stage]
}

fn train_two_steps(actor: &mut Actor<'_>) {
    actor.tick_until(|a| a.trainer.as_ref().is_some_and(|trainer| trainer.step == 2));
}

fn fit_two_steps(actor: &mut Actor<'_>) {
    actor.tick_until(|a| a.progress.is_some_and(|p| p.step == 2));
}

#[test]
fn a_pause_does_not_count_whatever_ends_it() {
    let dir = tempfile::tempdir().unwrap();
    for command in [EngineCommand::Stop, EngineCommand::Unpause] {
        with_actor(&dir.path().join(format!("{command:?}")), |actor| {
            let began = Instant::now();
            train_two_steps(actor);
            actor.execute(EngineCommand::Pause).unwrap();
            wait();
            actor.execute(EngineCommand::Unpause).unwrap();
            actor.tick_until(|a| a.corners[0].is_some());
            let (first, longest) = (actor.journal.run_state().corners[&0].seconds, began.elapsed() - WAIT);
            // Times of events are whole hundredths of a second.
            let rounding = 0.1;
            assert!(first < longest.as_secs_f64() + rounding, "{first} of {longest:?}");
            fit_two_steps(actor);
            actor.execute(EngineCommand::Pause).unwrap();
            wait();
            actor.execute(command).unwrap();
            actor.tick_until_idle();
            let (finished, longest) = (actor.journal.run_state().finished.clone().unwrap(), began.elapsed() - 2 * WAIT);
            let all = finished.seconds.values().sum::<f64>() - finished.seconds["data"];
            assert!(all < longest.as_secs_f64(), "{:?} of {longest:?}", finished.seconds);
        });
    }
}

#[test]
fn requests_and_a_disk_that_takes_nothing_do_not_count() {
    let dir = tempfile::tempdir().unwrap();
    with_actor(&dir.path().join("a"), |actor| {
        fit_two_steps(actor);
        let (reply, _answer) = tokio::sync::oneshot::channel();
        let task = EvaluationTask::new(actor, 0.5, 0.5).unwrap();
        actor.enqueue(Box::new(task), reply);
        while !actor.tasks.is_empty() {
            actor.tick_task();
        }
        assert!(actor.clock.is_running());
        let heatmaps = actor.run.join("heatmaps");
        std::fs::remove_dir_all(&heatmaps).unwrap_or_default();
        std::fs::write(&heatmaps, "in the way").unwrap();
        while actor.stall.is_none() {
            actor.tick_or_stall().unwrap();
        }
        let stalled = actor.stage_seconds();
        wait();
        assert_eq!(actor.stage_seconds(), stalled);
        std::fs::remove_file(&heatmaps).unwrap();
        std::fs::create_dir(&heatmaps).unwrap();
        let tried_again = Instant::now();
        actor.tick_or_stall().unwrap();
        let seconds = stage_seconds(actor, JobStage::Heatmap);
        assert!(seconds <= stalled + tried_again.elapsed().as_secs_f64(), "{seconds}");
    });
}

#[test]
fn a_resumed_stage_counts_what_it_ran_before() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a");
    for (two_steps, stage) in
        [(train_two_steps as fn(&mut Actor<'_>), JobStage::Corners), (fit_two_steps, JobStage::Fit)]
    {
        with_actor(&path, |actor| {
            two_steps(actor);
            wait();
            assert!(actor.save_checkpoint());
        });
        with_actor(&path, |actor| {
            let ended = |a: &Actor<'_>| a.journal.run_state().seconds.contains_key(&stage);
            actor.tick_until(|a| a.stage == stage);
            actor.tick_until(ended);
            assert!(stage_seconds(actor, stage) > WAIT.as_secs_f64(), "{stage:?}");
            assert!(actor.save_checkpoint());
        });
    }
    with_actor(&path, |actor| {
        let first = &actor.journal.run_state().corners[&0];
        assert!(first.seconds > WAIT.as_secs_f64(), "{}", first.seconds);
        assert_eq!(first.seconds, actor.curve_seconds(LossCurve::Corner(0)));
        // A new round counts for itself.
        actor.tick_until_idle();
        let began = Instant::now();
        actor.execute(EngineCommand::FitFurther { steps: Some(1), epochs: None }).unwrap();
        actor.tick_until_idle();
        assert!(stage_seconds(actor, JobStage::Fit) < began.elapsed().as_secs_f64());
    });
}

#[test]
fn a_stage_that_was_stopped_and_started_again_counts_both_parts() {
    let dir = tempfile::tempdir().unwrap();
    with_actor(&dir.path().join("a"), |actor| {
        train_two_steps(actor);
        wait();
        actor.execute(EngineCommand::Stop).unwrap();
        actor.execute(EngineCommand::Start).unwrap();
        actor.tick_until(|a| a.stage == JobStage::Align);
        assert!(stage_seconds(actor, JobStage::Corners) > WAIT.as_secs_f64());
        // Corners that are begun anew count from their beginning.
        let began = Instant::now();
        actor.execute(EngineCommand::StartCorners).unwrap();
        actor.tick_until(|a| a.stage == JobStage::Align);
        assert!(stage_seconds(actor, JobStage::Corners) < began.elapsed().as_secs_f64());
    });
}

#[test]
fn idle_time_does_not_count_in_this_engine_or_in_one_that_waits() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a");
    let mut before = 0.0;
    with_actor(&path, |actor| {
        actor.tick_until(|a| a.stage == JobStage::Align);
        actor.tick_until(|a| a.stage == JobStage::Fit);
        fit_two_steps(actor);
        before = actor.stage_seconds();
        assert!(actor.save_checkpoint());
    });
    assert!(before > 0.0);
    for _ in 0..2 {
        with_waiting_actor(&path, |actor| {
            assert_eq!(actor.stage, JobStage::Fit);
            let stored = actor.stage_seconds();
            assert!(stored >= before && !actor.clock.is_running(), "{stored} of {before}");
            wait();
            assert_eq!(actor.snapshot().stage_seconds, stored);
            actor.store_snapshot();
        });
    }
    with_actor(&dir.path().join("b"), |actor| {
        train_two_steps(actor);
        actor.execute(EngineCommand::Stop).unwrap();
        let stopped = actor.stage_seconds();
        wait();
        assert_eq!(actor.stage_seconds(), stopped);
    });
}

#[test]
fn a_pause_does_not_lower_the_rate() {
    let dir = tempfile::tempdir().unwrap();
    with_actor(&dir.path().join("a"), |actor| {
        fit_two_steps(actor);
        actor.work_rate = publish::WorkRate::default();
        actor.work_rate.update(actor.clock.now(), 0);
        std::thread::sleep(Duration::from_millis(1100));
        let rate = actor.work_rate.update(actor.clock.now(), 2);
        assert!(rate > 0.0);
        actor.execute(EngineCommand::Pause).unwrap();
        std::thread::sleep(Duration::from_millis(1100));
        let _ = actor.snapshot();
        actor.execute(EngineCommand::Unpause).unwrap();
        let step = actor.progress.unwrap().step;
        assert_eq!(actor.work_rate.update(actor.clock.now(), step), rate);
    });
}
