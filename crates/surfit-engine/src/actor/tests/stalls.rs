//! A disk that takes nothing for a while: what waits for it is tried again, and nothing else is done twice.

use super::*;
use crate::export_folder::names_in;
use std::path::PathBuf;

/// A folder that nothing can be written into, until it is given back.
struct ClosedFolder {
    folder: PathBuf,
    kept: PathBuf,
}

impl ClosedFolder {
    fn new(folder: PathBuf) -> Self {
        let kept = folder.with_extension("kept");
        std::fs::rename(&folder, &kept).unwrap();
        std::fs::write(&folder, "in the way").unwrap();
        Self { folder, kept }
    }

    fn open(self) {
        std::fs::remove_file(&self.folder).unwrap();
        std::fs::rename(&self.kept, &self.folder).unwrap();
    }
}

impl Actor<'_> {
    /// Ticks until the work waits for the disk, and then twice more in vain.
    fn stall(&mut self) {
        for _ in 0..1000 {
            if self.stall.is_some() {
                break;
            }
            self.tick_or_stall().unwrap();
        }
        for _ in 0..2 {
            assert!(self.stall.is_some());
            self.tick_or_stall().unwrap();
        }
    }
}

#[test]
fn what_a_stalled_tick_has_done_is_done_once() {
    let dir = tempfile::tempdir().unwrap();
    with_actor(&dir.path().join("a"), |actor| {
        let corners = ClosedFolder::new(actor.run.path().join("corners"));
        actor.stall();
        assert!(matches!(actor.activity, ActorActivity::Corner(0)));
        assert!(actor.unstored_corner.is_some(), "what was measured stays");
        corners.open();
        actor.tick_or_stall().unwrap();
        assert!(actor.unstored_corner.is_none() && matches!(actor.activity, ActorActivity::Corner(1)));
        let surface = ClosedFolder::new(actor.run.path().join("surface"));
        actor.stall();
        surface.open();
        actor.tick_or_stall().unwrap();
        let heatmaps = ClosedFolder::new(actor.run.join("heatmaps").to_path_buf());
        actor.stall();
        assert!(matches!(actor.activity, ActorActivity::Heatmap { .. }));
        heatmaps.open();
        actor.tick_until_idle();
        let tables = names_in(&actor.run.join("heatmaps"));
        assert_eq!(tables, ["step-4-grid-3.csv"]);
        let events = actor.run.events(0).unwrap();
        let count = |wanted: fn(&Event) -> bool| events.iter().filter(|e| wanted(&e.event)).count();
        for stage in [JobStage::Corners, JobStage::Align, JobStage::Fit, JobStage::Heatmap] {
            let of_it =
                |e: &&surfit_core::event::Envelope| matches!(e.event, Event::StageEnded { stage: s, .. } if s == stage);
            assert_eq!(events.iter().filter(of_it).count(), 1, "{}", stage.name());
        }
        assert_eq!(count(|e| matches!(e, Event::CornerReady(_))), 4);
        // As trained, and aligned.
        assert_eq!(count(|e| matches!(e, Event::Geometry(_))), 2);
        assert_eq!(count(|e| matches!(e, Event::Notice { text } if text.contains("the work waits"))), 3);
    });
}

#[test]
fn a_model_that_the_disk_takes_late_has_one_folder() {
    let dir = tempfile::tempdir().unwrap();
    with_actor(&dir.path().join("a"), |actor| {
        actor.tick_until(is_exporting);
        let uv = actor.heatmap.best_point(Metric::ACCURACY).map(|p| (p.u, p.v));
        let folder = actor.unused_export_folder("best", uv, 4);
        // The folder can be made, and the model does not go into it.
        std::fs::create_dir_all(folder.join("model.safetensors")).unwrap();
        actor.stall();
        assert_eq!(names_in(&actor.run.join("exports")).len(), 1);
        std::fs::remove_dir(folder.join("model.safetensors")).unwrap();
        // Half a model stands there, of an engine that was killed.
        std::fs::write(folder.join("model.safetensors"), "half").unwrap();
        actor.tick_until_idle();
        let finished = actor.journal.run_state().finished.clone().unwrap();
        assert_eq!(finished.export, Some(folder.to_path_buf()));
        assert_eq!(names_in(&actor.run.join("exports")).len(), 1);
        assert_eq!(names_in(&folder), ["model.json", "model.safetensors"]);
        // Where a whole one lies, another one goes elsewhere.
        let next = actor.unused_export_folder("best", uv, 4);
        assert!(next.to_string_lossy().ends_with("-step4-2"), "{next:?}");
    });
}

#[test]
fn a_frozen_point_has_no_gradients_from_then_on() {
    let dir = tempfile::tempdir().unwrap();
    with_actor(&dir.path().join("a"), |actor| {
        actor.tick_until(|a| a.progress.is_some_and(|p| p.step == 1));
        let corners = actor.surface.as_ref().unwrap().degrees().corner_count();
        let rows = actor.surface.as_ref().unwrap().degrees().row_indices();
        let (i, j) = rows[corners];
        let frozen = true;
        actor.execute(EngineCommand::Freeze { i, j, frozen }).unwrap();
        actor.tick_until(|a| a.progress.is_some_and(|p| p.step == 3));
        actor.flush_losses();
        for points in [actor.points.clone(), actor.describe_points()] {
            let own = &points[corners].gradients;
            assert!(own[0] > 0.0 && own[1..] == [0.0, 0.0], "{own:?}");
            let other = &points[corners + 1].gradients;
            assert!(other.iter().all(|&g| g > 0.0), "{other:?}");
        }
    });
}
