//! Control points that branch from one network during the fit.

use super::*;
use surfit_core::draws::FitPhase;
use surfit_core::event::LossCurve;
use surfit_core::surface::{Degrees, TrainablePoints};

/// Twelve steps; the branch comes after six.
const BRANCHED: &str = "
name = 'branched'
threads = 1
data = { train_images = 200, validation_images = 100, bn_images = 100 }
network = { name = 'mlp', widths = [8] }
corners = { branch_at = 0.5 }
fit = { degree = 1, epochs = 3, boundary_epochs = 0, batch_size = 50, points_per_step = 2, warmup = 0 }
heatmap = { grid = 3, live_images = 50 }
export = { baselines = false }
";

fn is_at_step(step: u64) -> impl Fn(&Actor<'_>) -> bool {
    move |actor| actor.progress.is_some_and(|progress| progress.step == step)
}

fn theta(actor: &Actor<'_>) -> Tensor {
    actor.surface.as_ref().unwrap().theta().copy()
}

fn is_trunk(actor: &Actor<'_>) -> bool {
    actor.surface.as_ref().is_some_and(Surface::is_trunk)
}

#[test]
fn a_course_has_one_curve_no_map_before_the_branch_and_corners_at_its_end() {
    let dir = tempfile::tempdir().unwrap();
    with_actor_of(&dir.path().join("a"), BRANCHED, |actor| {
        actor.tick_until(is_at_step(6));
        assert!(is_trunk(actor) && actor.snapshot().is_trunk());
        assert_eq!(actor.heatmap.fresh_cell_count(), 0);
        actor.tick_until(is_at_step(7));
        assert!(!is_trunk(actor));
        assert_eq!(actor.snapshot().control_points.len(), 4);
        assert!(actor.journal.run_state().corners.is_empty());
        actor.tick_until_idle();
        let run_state = actor.journal.run_state();
        assert_eq!(run_state.curves[&LossCurve::Surface].end_step(), 12);
        let phases: Vec<(u64, FitPhase)> = run_state.phases.clone();
        assert_eq!(phases, [(0, FitPhase::Trunk), (6, FitPhase::Interior)]);
        assert_eq!((run_state.corners.len(), run_state.geometry.len()), (4, 1));
        assert!(run_state.corners[&2].source.starts_with("trained in the fit"));
        let finished = run_state.finished.clone().unwrap();
        assert_eq!((finished.steps, finished.corners.len()), ([0, 12], 4));
        // The corners were trained, too.
        let (corner, other) = (theta(actor).get(0), theta(actor).get(3));
        assert!((corner - other).abs().max().double_value(&[]) > 0.0);
    });
}

#[test]
fn when_losses_are_read_changes_nothing_of_the_gradients_after_the_branch() {
    let dir = tempfile::tempdir().unwrap();
    let gradients = |name: &str, reads: bool| {
        with_actor_of(&dir.path().join(name), BRANCHED, |actor| {
            for step in 1..=9 {
                actor.tick_until(is_at_step(step));
                if reads {
                    actor.fetch_losses();
                }
            }
            actor.fetch_losses();
            actor.gradients.clone()
        })
    };
    assert_eq!(gradients("often", true), gradients("late", false));
}

#[test]
fn a_stop_before_the_branch_gives_a_surface_of_one_network_that_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    with_actor_of(&dir.path().join("a"), BRANCHED, |actor| {
        actor.tick_until(is_at_step(3));
        actor.execute(EngineCommand::Stop).unwrap();
        actor.tick_until_idle();
        let log = format!("{:?}", actor.journal.run_state().log);
        assert!(log.contains("all control points are one network"), "{log}");
        let finished = actor.journal.run_state().finished.clone().unwrap();
        assert!(finished.corners.iter().all(|accuracy| *accuracy == finished.best.accuracy), "{finished:?}");
        // Its points are equal, so that a change of degree moves none of them.
        actor.execute(EngineCommand::SetDegree { degrees: Degrees::new(2, 1).unwrap() }).unwrap();
        let step = EngineCommand::FitFurther { steps: Some(4), epochs: None };
        actor.execute(step).unwrap();
        actor.tick_until_idle();
        assert_eq!(actor.progress.unwrap().step, 7);
        let distances = actor.surface.as_ref().unwrap().distances_from_centroid().0;
        assert!(distances.len() == 6 && distances.iter().all(|d| *d > 0.0), "{distances:?}");
    });
}

#[test]
fn before_the_branch_a_degree_is_a_plan_and_single_points_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a");
    with_actor_of(&path, BRANCHED, |actor| {
        actor.tick_until(is_at_step(2));
        for refused in [
            EngineCommand::Freeze { i: 0, j: 0, frozen: true },
            EngineCommand::Distances,
            EngineCommand::Search { u: 0.5, v: 0.5, radius: 0.1, budget: 4 },
        ] {
            let error = actor.execute(refused).unwrap_err().to_string();
            assert!(error.contains("before the branch"), "{error}");
        }
        actor.execute(EngineCommand::SetDegree { degrees: Degrees::new(2, 2).unwrap() }).unwrap();
        assert!(is_trunk(actor));
    });
    // The plan is in the checkpoint.
    with_actor_of(&path, BRANCHED, |actor| {
        assert!(is_trunk(actor));
        actor.tick_until(is_at_step(8));
        assert_eq!(theta(actor).size()[0], 9);
        actor.execute(EngineCommand::Freeze { i: 0, j: 0, frozen: true }).unwrap();
        let corner = theta(actor).get(0);
        actor.tick_until(is_at_step(10));
        assert_eq!(corner, theta(actor).get(0), "a frozen corner stands still");
    });
}

#[test]
fn a_new_fit_and_new_corners_begin_the_course_anew() {
    let dir = tempfile::tempdir().unwrap();
    with_actor_of(&dir.path().join("a"), BRANCHED, |actor| {
        actor.tick_until_idle();
        let (first, seed) = (theta(actor), actor.corner_seed(0));
        actor.execute(EngineCommand::StartFit { degrees: None }).unwrap();
        assert!(is_trunk(actor));
        actor.tick_until(is_at_step(1));
        assert!(actor.journal.run_state().corners.is_empty(), "corners of the course before");
        actor.tick_until_idle();
        assert_eq!(first, theta(actor), "the same course again");
        actor.execute(EngineCommand::StartCorners).unwrap();
        actor.tick_until_idle();
        assert_ne!(seed, actor.corner_seed(0));
        assert_ne!(first, theta(actor));
    });
}

#[test]
fn a_course_that_is_resumed_between_its_last_step_and_its_end_branches() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a");
    let text = BRANCHED.replace("0.5", "0.99");
    with_actor_of(&path, &text, |actor| {
        actor.tick_until(is_at_step(12));
        assert!(is_trunk(actor) && actor.save_checkpoint());
    });
    with_actor_of(&path, &text, |actor| {
        assert!(!is_trunk(actor));
        actor.tick_until_idle();
        assert_eq!(theta(actor).size()[0], 4);
        assert!(actor.journal.run_state().finished.is_some());
    });
}

#[test]
fn corners_that_are_made_before_can_be_trained_in_the_fit() {
    let dir = tempfile::tempdir().unwrap();
    let text = TINY.replace("fit = {", "fit = { train_corners = true, degree = 1,");
    let path = dir.path().join("a");
    let whole = with_actor_of(&path, &text, |actor| {
        actor.tick_until(|actor| actor.progress.is_some());
        let before = theta(actor).get(0);
        actor.tick_until_idle();
        assert_eq!(actor.surface.as_ref().unwrap().trainable(), TrainablePoints::All);
        assert!((before - theta(actor).get(0)).abs().max().double_value(&[]) > 0.0);
        let corner = &actor.journal.run_state().corners[&0];
        assert!(corner.source.ends_with("1 epochs, trained in the fit") && corner.seconds > 0.0, "{corner:?}");
        let geometry: Vec<(bool, bool)> =
            actor.journal.run_state().geometry.iter().map(|g| (g.aligned, g.fitted)).collect();
        assert_eq!(geometry, [(false, false), (true, false), (false, true)], "what was known before stays");
        let shown = actor.heatmap.cells[0].accuracy().unwrap();
        assert_eq!(corner.accuracy, shown);
        theta(actor)
    });
    let path = dir.path().join("b");
    with_actor_of(&path, &text, |actor| {
        actor.tick_until(is_at_step(2));
        assert!(actor.save_checkpoint());
    });
    with_actor_of(&path, &text, |actor| {
        actor.tick_until_idle();
        assert_eq!(whole, theta(actor), "a resumed fit arrives at the same bytes");
    });
}
