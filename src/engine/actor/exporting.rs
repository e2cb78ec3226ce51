//! Export of a model, and the end of the job.

use super::{Actor, Work};
use crate::baselines;
use crate::export::{self, Chosen};
use crate::trainer::Trainer;
use crate::{Error, Result};
use std::path::PathBuf;
use surfit_core::event::{Event, Exported, Finished, Stage};
use surfit_core::heatmap::{Metric, Point};
use surfit_core::protocol::Selection;
use surfit_core::snapshot::State;
use tch::Tensor;

impl Actor<'_> {
    pub(super) fn export(
        &mut self,
        selection: Selection,
        dir: Option<PathBuf>,
        replace: bool,
    ) -> Result<()> {
        self.flush_losses();
        let exported = self.write_model(selection, dir, replace)?;
        self.journal.say(Event::Exported(exported));
        self.journal.sync();
        Ok(())
    }

    fn write_model(
        &mut self,
        selection: Selection,
        dir: Option<PathBuf>,
        replace: bool,
    ) -> Result<Exported> {
        self.needs_surface()?;
        let (name, uv) = match selection {
            Selection::Best => {
                let best = self.best_point().ok_or_else(|| {
                    Error::input("no point is measured yet; wait for the heatmap")
                })?;
                ("best", Some((best.u, best.v)))
            }
            Selection::At { u, v } => {
                self.check_parameters(u, v)?;
                ("at", Some((u, v)))
            }
            Selection::Centroid => ("centroid", None),
        };
        let surface = self.needs_surface()?;
        let weights = match uv {
            Some((u, v)) => surface.at(u, v),
            None => surface.centroid(),
        };
        let step = self.progress.map_or(0, |p| p.step);
        let dir = dir.unwrap_or_else(|| self.free_folder(name, uv, step));
        let chosen = Chosen {
            selection: name.into(),
            uv,
            degrees: surface.degrees(),
            fit_steps: step,
            run: self.run.id(),
        };
        export::write(
            &dir,
            replace,
            &chosen,
            &weights,
            &self.model,
            &self.evaluator,
            &self.data,
            &self.config,
        )
    }

    /// The best point by validation accuracy. Cells that were measured on a sample or on an earlier surface are measured on
    /// the whole validation split before they may win: the best of many small samples is mostly the luckiest of them.
    fn best_point(&mut self) -> Option<Point> {
        const CANDIDATES: usize = 5;
        let all = self.evaluator.validation_images() as u32;
        let surface = self.surface.as_ref()?;
        let mut candidates = self.heatmap.ranking(Metric::Accuracy);
        candidates.truncate(CANDIDATES);
        for &index in &candidates {
            let cell = self.heatmap.cells[index];
            if cell.images < all || cell.version < surface.version() {
                let (u, v) = self.heatmap.parameters(index);
                let (m, _) = self
                    .evaluator
                    .validate(&self.model, &surface.at(u, v), i64::MAX);
                self.heatmap.cells[index] = super::mapping::cell(&m, surface.version());
            }
        }
        // The ranking's order again, among these alone.
        let ranking = self.heatmap.ranking(Metric::Accuracy);
        let best = ranking
            .into_iter()
            .find(|index| candidates.contains(index))?;
        self.heatmap.point(best)
    }

    /// A folder for an export that nothing lies in yet.
    fn free_folder(&self, name: &str, uv: Option<(f64, f64)>, step: u64) -> PathBuf {
        let exports = self.run.join("exports");
        let name = match uv {
            Some((u, v)) => format!("{name}-u{u:.3}-v{v:.3}-step{step}"),
            None => format!("{name}-step{step}"),
        };
        let mut folder = exports.join(&name);
        for number in 2.. {
            if !folder.exists() {
                break;
            }
            folder = exports.join(format!("{name}-{number}"));
        }
        folder
    }

    /// The best point as it was exported before, when it is the same point of the same surface: the test split is
    /// measured once for it.
    fn exported_before(&self) -> Option<Exported> {
        let best = self.heatmap.best(Metric::Accuracy)?;
        let picture = self.journal.picture();
        let step = format!("-step{}", self.progress?.step);
        let same = |e: &&Exported| {
            let folder = e.dir.file_name().unwrap_or_default().to_string_lossy();
            e.selection == "best"
                && (e.u, e.v) == (Some(best.u), Some(best.v))
                && e.validation_accuracy == best.accuracy
                && folder.ends_with(&step)
                && e.dir.join("model.json").exists()
        };
        picture.exports.iter().rev().find(same).cloned()
    }

    pub(super) fn tick_finish(&mut self) -> Result<()> {
        self.begin_stage(Stage::Export, 1, Work::None);
        let exported = if let Some(before) = self.exported_before() {
            Some(before)
        } else if self.config.export.best {
            let exported = self.write_model(Selection::Best, None, true)?;
            self.journal.say(Event::Exported(exported.clone()));
            Some(exported)
        } else {
            None
        };
        let surface = self.needs_surface()?;
        let corners: Vec<Tensor> = (0..surface.degrees().corners() as i64)
            .map(|row| surface.theta().get(row))
            .collect();
        let degrees = surface.degrees();
        let corners_test = corners
            .iter()
            .map(|w| export::test_accuracy(&self.model, &self.evaluator, &self.data, w).accuracy())
            .collect();
        let baselines = if self.config.export.baselines {
            baselines::measure(&self.model, &self.evaluator, &self.data, surface)?
        } else {
            Vec::new()
        };
        let corner_steps = match self.config.corners.from.is_empty() {
            true => Trainer::total(&self.data, &self.config.corners),
            false => 0,
        };
        let steps = [corner_steps, self.progress.map_or(0, |p| p.step)];
        self.end_stage();
        let heatmap = &self.heatmap;
        if let (Some(summary), Some(best)) = (heatmap.summary(), heatmap.best(Metric::Accuracy)) {
            let corner = |i: &usize| heatmap.cells[*i].accuracy().unwrap_or(f64::NAN);
            let seconds = &self.journal.picture().seconds;
            let finished = Finished {
                corners: heatmap.corners().iter().map(corner).collect(),
                corners_test,
                degrees,
                best,
                best_test: exported.as_ref().map(|e| e.test_accuracy),
                interior_mean: summary.interior_mean,
                heatmap: summary,
                grid: heatmap.grid,
                seconds: seconds
                    .iter()
                    .map(|(s, t)| (s.name().to_owned(), *t))
                    .collect(),
                export: exported.map(|e| e.dir),
                baselines,
                steps,
            };
            self.journal.say(Event::Finished(Box::new(finished)));
        }
        self.state = State::Finished;
        self.save_checkpoint();
        self.publish(true);
        Ok(())
    }
}
