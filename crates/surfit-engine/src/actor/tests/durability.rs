//! What a kill, a power cut or a failing disk leaves, and that the run comes to the same from there.

use super::*;
use crate::checkpoint;
use crate::export_folder::names_in;
use std::path::Path;
use surfit_core::event::{ExportedModel, LossCurve};
use surfit_core::run_state::ValidationPoint;

/// Cells, validation points and result of a run whose live map has something to do after every step.
#[derive(Debug, PartialEq)]
struct LiveMapResult {
    live: String,
    validations: Vec<ValidationPoint>,
    best: surfit_core::heatmap::MeasuredPoint,
    complete: String,
}

/// Works on a run to its end. `wait` passes after every tick; it is killed after step `killed`, with a checkpoint of the step
/// before, and again right after the checkpoint that ends the fit.
fn run_live_heatmap(path: &Path, wait: Duration, killed: Option<u64>) -> LiveMapResult {
    let text = TINY.replace("live_images = 50", "live_images = 100, live_compute_fraction = 0.6");
    let config = surfit_core::config::parse(&text, "the test").unwrap();
    RunDir::create(path, &config).unwrap();
    let tick = |actor: &mut Actor<'_>| {
        actor.tick().unwrap();
        std::thread::sleep(wait);
    };
    let reached = |actor: &Actor<'_>, step| actor.progress.is_some_and(|p| p.step >= step);
    if let Some(step) = killed {
        with_actor(path, |actor| {
            while !reached(actor, step - 1) {
                tick(actor);
            }
            assert!(actor.save_checkpoint());
            while !reached(actor, step) {
                tick(actor);
            }
            // What is stored between checkpoints belongs to a step that is made again.
            actor.try_store_snapshot().unwrap();
        });
    }
    let live = with_actor(path, |actor| {
        while !matches!(actor.activity, ActorActivity::Heatmap { .. }) {
            tick(actor);
        }
        serde_json::to_string(&actor.heatmap).unwrap()
    });
    if killed.is_some() {
        // The kill came between the checkpoint and the snapshot.
        std::fs::remove_file(path.join("snapshot.json")).unwrap();
    }
    with_actor(path, |actor| {
        actor.tick_until_idle();
        let run_state = actor.journal.run_state();
        LiveMapResult {
            live,
            validations: run_state.validations[&surfit_core::event::LossCurve::Surface].clone(),
            best: run_state.finished.as_ref().unwrap().best,
            complete: serde_json::to_string(&actor.heatmap).unwrap(),
        }
    })
}

#[test]
fn the_live_map_is_a_function_of_the_step_and_not_of_the_clock() {
    let dir = tempfile::tempdir().unwrap();
    let run = |name: &str, wait, killed| run_live_heatmap(&dir.path().join(name), Duration::from_millis(wait), killed);
    let whole = run("whole", 0, None);
    assert!(whole.validations.len() > 1, "{whole:?}");
    assert_eq!(run("slow", 30, None), whole);
    for step in 2..=4 {
        assert_eq!(run(&format!("killed-{step}"), 0, Some(step)), whole);
    }
}

#[test]
fn the_live_map_keeps_to_its_share_of_the_work() {
    let batch = 50;
    for budget in [0.0, 0.1, 0.5] {
        let (mut live, mut cells) = (LiveProgress::default(), 0);
        let steps = 10_000u64;
        for step in 1..=steps {
            if live.is_within_budget(budget, step * batch) {
                live.passes += 200;
                cells += 1;
            }
        }
        // A training image costs two passes.
        let (spent, trained) = (200.0 * f64::from(cells), 2.0 * (steps * batch) as f64);
        let share = spent / (spent + trained);
        assert!((share - budget).abs() < 0.001, "{share} of {budget}");
    }
}

#[test]
fn an_unreported_export_is_reported_once_and_not_written_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a");
    let told = |path: &Path| -> Vec<ExportedModel> {
        let events = RunDir::open(path).unwrap().events(0).unwrap();
        let exported = events.into_iter().filter_map(|e| match e.event {
            Event::Exported(exported) => Some(exported),
            _ => None,
        });
        exported.collect()
    };
    with_actor(&path, |actor| actor.tick_until_idle());
    let (exports, before) = (names_in(&path.join("exports")), told(&path));
    assert_eq!((exports.len(), before.len()), (1, 1));
    // The kill came after the folder got its name, and left an older attempt of another one.
    let log = std::fs::read_to_string(path.join("events.jsonl")).unwrap();
    let lines: Vec<&str> = log.split_inclusive('\n').collect();
    let told_at = |line: &&str| !line.contains("\"event\":\"exported\"");
    let kept: String = lines.into_iter().take_while(told_at).collect();
    std::fs::write(path.join("events.jsonl"), kept).unwrap();
    with_actor(&path, |actor| actor.tick_until_idle());
    assert_eq!((names_in(&path.join("exports")), told(&path)), (exports, before));
    // A model of somebody else is not this run's.
    let foreign = path.join("exports/foreign");
    std::fs::create_dir(&foreign).unwrap();
    let card = path.join("exports").join(&names_in(&path.join("exports"))[0]);
    let card = std::fs::read_to_string(card.join("model.json")).unwrap();
    let card = card.replace("\"run\": \"a\"", "\"run\": \"b\"");
    std::fs::write(foreign.join("model.json"), card).unwrap();
    with_actor(&path, |actor| actor.tick_until_idle());
    assert_eq!(told(&path).len(), 1);
}

#[test]
fn a_killed_training_goes_on_where_it_was_saved_though_earlier_corners_are_ready() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a");
    let weights = |path: &Path| {
        with_actor(path, |actor| actor.tick_until_idle());
        std::fs::read(path.join("corners/corner-2.safetensors")).unwrap()
    };
    let at = |actor: &Actor<'_>, step| actor.trainer.as_ref().is_some_and(|t| t.step == step);
    with_actor(&path, |actor| {
        actor.tick_until(|a| matches!(a.activity, ActorActivity::Corner(1)) && at(a, 2));
        assert!(actor.save_checkpoint());
        // What was done since is lost.
        actor.tick_until(|a| at(a, 3));
    });
    with_actor(&path, |actor| {
        actor.tick_until(|a| a.trainer.is_some());
        let trainer = actor.trainer.as_ref().unwrap();
        assert!(trainer.step <= 3);
        actor.tick_until(|a| !matches!(a.activity, ActorActivity::Corner(1)));
    });
    let first = RunDir::open(&path).unwrap().events(0).unwrap();
    let opened = first.iter().rposition(|e| matches!(e.event, Event::Started(_)));
    let losses = first[opened.unwrap()..].iter().find_map(|e| match e.event {
        Event::Losses { curve, first_step, .. } => Some((curve, first_step)),
        _ => None,
    });
    assert_eq!(losses, Some((LossCurve::Corner(1), 2)));
    assert!(weights(&path) == weights(&dir.path().join("b")));
}

#[test]
fn a_result_is_followed_by_reopened_when_the_fit_continues() {
    let degrees = surfit_core::surface::Degrees::new(3, 3).unwrap();
    let further = EngineCommand::FitFurther { steps: Some(2), epochs: None };
    let mut going_on = 0;
    for command in [further, EngineCommand::StartFit { degrees: None }, EngineCommand::SetDegree { degrees }] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        let events = || RunDir::open(&path).unwrap().events(0).unwrap();
        let (before, is_complete) = with_actor(&path, |actor| {
            actor.tick_until_idle();
            let before = events().len();
            actor.execute(command.clone()).unwrap();
            (before, actor.progress.is_some_and(|p| p.is_complete()))
        });
        let said = events().into_iter().skip(before).map(|e| e.event);
        let kind = said.filter_map(|event| match event {
            Event::StageBegan { stage: JobStage::Fit, .. } => Some("fit"),
            Event::Checkpoint { .. } => Some("checkpoint"),
            _ => None,
        });
        if !is_complete {
            going_on += 1;
            let order: Vec<_> = kind.collect();
            assert_eq!(order.first(), Some(&"fit"), "{command:?}: {order:?}");
        }
    }
    assert!(going_on >= 2);
}

fn is_finished(path: &Path) -> bool {
    let run = RunDir::open(path).unwrap();
    run.load_state().unwrap().job_result().is_some()
}

#[test]
fn a_job_is_reopened_before_its_surface_or_corners_go() {
    // What the disk refuses last, for each.
    let refused = [
        (EngineCommand::StartFit { degrees: None }, "surface"),
        (EngineCommand::StartCorners, "corners/partial.safetensors"),
    ];
    for (command, blocked) in refused {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        let (blocked, kept) = (path.join(blocked), path.join("kept"));
        let begin = |actor: &mut Actor<'_>| actor.execute(command.clone());
        with_actor(&path, |actor| {
            actor.tick_until_idle();
            let checkpoint = checkpoint::path(&actor.run);
            actor.journal.fail_syncs(true);
            begin(actor).unwrap_err();
            actor.journal.fail_syncs(false);
            assert!(checkpoint.is_file(), "removed before the word is durable");
            actor.tick_until_idle();
            assert!(is_finished(&path), "what was refused changes nothing");
            if blocked.exists() {
                std::fs::rename(&blocked, &kept).unwrap();
                std::fs::write(&blocked, "in the way").unwrap();
            } else {
                std::fs::create_dir(&blocked).unwrap();
            }
            assert!(begin(actor).unwrap_err().is_io());
            assert!(!is_finished(&path), "{command:?}");
        });
        if kept.exists() {
            std::fs::remove_file(&blocked).unwrap();
            std::fs::rename(&kept, &blocked).unwrap();
        } else {
            std::fs::remove_dir(&blocked).unwrap();
        }
        // As after a kill there.
        with_actor(&path, |actor| actor.tick_until_idle());
        assert!(is_finished(&path), "{command:?}");
        with_actor(&path, |actor| {
            actor.tick_until_idle();
            begin(actor).unwrap();
            assert!(!is_finished(&path));
            actor.tick_until_idle();
        });
        assert!(is_finished(&path));
    }
}

#[test]
fn a_fork_is_done_with_a_result_of_its_own_and_not_with_the_other_runs() {
    use surfit_core::surface::Degrees;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a");
    with_actor(&path, |actor| actor.tick_until_idle());
    let run = RunDir::open(&path).unwrap();
    for (name, degrees) in [("same", None), ("other", Degrees::new(3, 3).ok())] {
        let fork = dir.path().join(name);
        run.fork(&fork, degrees).unwrap();
        // Killed as soon as it had begun.
        with_actor(&fork, |actor| {
            assert!(actor.run.fork_record().unwrap().unwrap().begun);
            // Nothing that comes later is on the disk after a power cut.
            let told = actor.run.events(0).unwrap();
            let forked = told.iter().rposition(|e| matches!(e.event, Event::Forked { .. })).unwrap();
            let mut run_state = surfit_core::run_state::RunState::default();
            told[..=forked].iter().for_each(|e| run_state.apply(e));
            assert!(run_state.job_result().is_none(), "{name}");
        });
        assert!(!is_finished(&fork), "{name}");
        with_actor(&fork, |actor| actor.tick_until_idle());
        assert!(is_finished(&fork), "{name}");
    }
}

#[test]
fn a_partial_corner_is_removed_when_the_corner_is_whole() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a");
    let partial = path.join("corners/partial.safetensors");
    let mut sources = Vec::new();
    with_actor(&path, |actor| {
        actor.tick_until(|a| a.trainer.as_ref().is_some_and(|t| t.step == 2));
        assert!(actor.save_checkpoint());
        let half = std::fs::read(&partial).unwrap();
        actor.tick_until(|a| matches!(a.activity, ActorActivity::Corner(1)));
        assert!(!partial.exists());
        std::fs::write(&partial, half).unwrap();
        sources.push(actor.journal.run_state().corners[&0].source.clone());
    });
    // The kill came before the event, too.
    let events = path.join("events.jsonl");
    let log = std::fs::read_to_string(&events).unwrap();
    let line = log.find("\"event\":\"corner_ready\"").unwrap();
    std::fs::write(&events, &log[..log[..line].rfind('\n').unwrap() + 1]).unwrap();
    with_actor(&path, |actor| {
        actor.tick_until(|a| matches!(a.activity, ActorActivity::Corner(1)));
        assert!(!partial.exists());
        sources.push(actor.journal.run_state().corners[&0].source.clone());
        assert_eq!(sources[0], sources[1]);
        actor.tick_until(|a| matches!(a.activity, ActorActivity::Fit));
        std::fs::write(&partial, "left").unwrap();
    });
    with_actor(&path, |_| assert!(!partial.exists()));
}

#[test]
fn a_checkpoint_waits_for_the_events_before_it() {
    let dir = tempfile::tempdir().unwrap();
    with_actor(&dir.path().join("a"), |actor| {
        actor.tick_until(|a| a.progress.is_some_and(|p| p.step == 2));
        let state = checkpoint::path(&actor.run);
        let before = std::fs::read(&state).unwrap();
        // A log that takes nothing stands for a disk that does not.
        actor.journal.fail_syncs(true);
        assert!(!actor.save_checkpoint());
        assert_eq!(std::fs::read(&state).unwrap(), before);
        actor.journal.fail_syncs(false);
        assert!(actor.save_checkpoint());
        assert_ne!(std::fs::read(&state).unwrap(), before);
    });
}

#[test]
fn a_promise_is_published_in_order_once_it_is_durable() {
    let dir = tempfile::tempdir().unwrap();
    let run = RunDir::create(&dir.path().join("a"), &Config::default()).unwrap();
    let mut journal = EventJournal::open(&run).unwrap();
    let mut events = journal.event_bus().events.subscribe();
    let promise = Event::Exported(ExportedModel {
        dir: run.join("exports/a").to_path_buf(),
        selection: "best".into(),
        u: None,
        v: None,
        validation_accuracy: 0.5,
        test_accuracy: 0.5,
        members: Vec::new(),
        chosen: None,
    });
    journal.fail_syncs(true);
    journal.log("at once");
    assert_eq!(events.try_recv().unwrap().seq, 1);
    journal.emit(promise.clone());
    journal.log("after it");
    assert!(events.try_recv().is_err() && journal.has_unpublished_events());
    journal.fail_syncs(false);
    journal.log("last");
    let numbers: Vec<u64> = std::iter::from_fn(|| events.try_recv().ok()).map(|e| e.seq).collect();
    assert_eq!(numbers, [2, 3, 4]);
    // An engine that ends promises nothing that may be lost, and says the rest.
    journal.fail_syncs(true);
    journal.emit(promise.clone());
    journal.emit(Event::Closed);
    journal.withdraw_promises();
    let instead = events.try_recv().unwrap();
    assert!(instead.seq == 5 && matches!(instead.event, Event::Notice { .. }));
    assert_eq!(events.try_recv().unwrap().event, Event::Closed);
    // A model on another disk is there, whatever this one takes.
    let Event::Exported(mut elsewhere) = promise else { unreachable!() };
    elsewhere.dir = "/elsewhere".into();
    journal.emit(Event::Exported(elsewhere));
    assert!(matches!(events.try_recv().unwrap().event, Event::Exported(_)));
}
