//! The grids that a surface is measured on: the run's own, and others that are looked at. What was measured on any of them
//! is kept as long as the surface is the same, also when the engine is killed.

use super::{Actor, ActorActivity};
use crate::{EngineError, Result};
use std::time::{Duration, Instant};
use surfit_core::event::Event;
use surfit_core::heatmap::Heatmap;
use surfit_core::run_dir::RunDir;
use surfit_core::surface::Patch;

/// The heatmap that a run keeps while a coarser grid is looked at. It stays the stored one, so that nothing that ends the
/// engine loses it.
#[derive(Debug)]
pub(super) struct TemporaryGrid {
    heatmap: Heatmap,
    /// When it comes back by itself; `None` while the other grid is being measured.
    pub(super) expires_at: Option<Instant>,
}

/// Heatmaps of the present surface on other grids than the present one: the finest that is complete, and the one before.
#[derive(Debug, Default)]
pub(super) struct OtherGrids {
    /// The latest last.
    heatmaps: Vec<Heatmap>,
    /// What of them is in the run's directory: grid, version and images of each.
    stored_fingerprints: Vec<(usize, u64, u64)>,
}

impl OtherGrids {
    /// Those that are in the run's directory, as far as they are of this version of the surface.
    pub(super) fn load(run: &RunDir, patch: Patch, version: u64) -> Self {
        let mut known = run.other_grids();
        known.retain(|h| h.patch == patch && h.version == version);
        let stored = known.iter().map(heatmap_fingerprint).collect();
        Self { heatmaps: known, stored_fingerprints: stored }
    }

    /// Keeps what was measured on a grid, and no more than two grids.
    fn insert(&mut self, heatmap: Heatmap) {
        let version = heatmap.version;
        self.heatmaps.retain(|h| h.version == version && h.grid != heatmap.grid);
        if heatmap.fresh_cell_count() == 0 {
            return;
        }
        self.heatmaps.push(heatmap);
        let complete = self.heatmaps.iter().filter(|h| h.is_complete());
        let finest = complete.map(|h| h.grid).max();
        let last = self.heatmaps.len() - 1;
        let mut index = 0;
        self.heatmaps.retain(|h| {
            let wanted = Some(h.grid) == finest || index == last;
            index += 1;
            wanted
        });
    }

    /// Forgets them, also what of them is stored: another surface may come to the same version.
    pub(super) fn remove(&mut self, run: &RunDir) -> Result<()> {
        run.remove_other_grids()?;
        *self = Self::default();
        Ok(())
    }

    /// Makes them durable beside the heatmap of grid `own`, when they are not so yet. `shown` is one more of them.
    pub(super) fn store(&mut self, run: &RunDir, own: &Heatmap, shown: Option<&Heatmap>) -> Result<()> {
        let wanted = |h: &&Heatmap| h.version == own.version && h.grid != own.grid && h.fresh_cell_count() > 0;
        let others = self.heatmaps.iter().filter(|h| shown.is_none_or(|s| s.grid != h.grid));
        let all: Vec<&Heatmap> = others.chain(shown).filter(wanted).collect();
        let outlines: Vec<_> = all.iter().map(|h| heatmap_fingerprint(h)).collect();
        if outlines != self.stored_fingerprints {
            run.write_other_grids(&all)?;
            self.stored_fingerprints = outlines;
        }
        Ok(())
    }
}

/// The run's own heatmap, also while another one is looked at.
pub(super) fn own_heatmap<'a>(temporary: &'a Option<TemporaryGrid>, present: &'a Heatmap) -> &'a Heatmap {
    temporary.as_ref().map_or(present, |aside| &aside.heatmap)
}

/// What distinguishes a heatmap from itself with other figures: they only ever get more images, or a newer version.
pub(super) fn heatmap_fingerprint(heatmap: &Heatmap) -> (usize, u64, u64) {
    let images = heatmap.cells.iter().map(|c| u64::from(c.images)).sum();
    (heatmap.grid, heatmap.version, images)
}

/// How long a heatmap that is only looked at stays for the client that requested it, which may have disconnected.
pub(super) const TEMPORARY_GRID_DURATION: Duration = Duration::from_secs(5);

impl Actor<'_> {
    /// Measures the heatmap on a grid. What is refused is refused before anything changes.
    pub(super) fn measure_grid(&mut self, grid: usize, keep: bool) -> Result<()> {
        if let Some(sentence) = Heatmap::check_grid(grid) {
            return Err(EngineError::input(sentence));
        }
        self.require_surface()?;
        match self.activity {
            ActorActivity::None => {}
            // It is what is being measured.
            ActorActivity::Heatmap { .. } if grid == self.heatmap.grid => {
                self.temporary_grid = self.temporary_grid.take().filter(|_| !keep);
                return Ok(());
            }
            ActorActivity::Heatmap { .. } => {
                let under_way = self.heatmap.grid;
                return Err(EngineError::busy(format!(
                    "the heatmap of {under_way} points an axis is being measured; wait for its end"
                )));
            }
            _ => {
                return Err(super::commands::heatmap_after_fit());
            }
        }
        self.restore_grid();
        let present = &self.heatmap;
        if !keep && grid < present.grid && present.is_complete() {
            let heatmap = present.clone();
            self.temporary_grid = Some(TemporaryGrid { heatmap, expires_at: None });
        }
        self.set_grid(grid);
        self.begin_heatmap_stage(false);
        Ok(())
    }

    /// The grid of the run's own heatmap.
    pub(super) fn own_grid(&self) -> usize {
        own_heatmap(&self.temporary_grid, &self.heatmap).grid
    }

    /// A grid that is set for the run is final.
    pub(super) fn set_run_grid(&mut self, grid: usize) -> Result<()> {
        if let Some(sentence) = Heatmap::check_grid(grid) {
            return Err(EngineError::input(sentence));
        }
        // What is stored of a heatmap counts from the first checkpoint on; until then the configuration sets the grid.
        if self.surface.is_none() {
            let before = std::mem::replace(&mut self.config.heatmap.grid, grid);
            self.store_config().inspect_err(|_| self.config.heatmap.grid = before)?;
        }
        // What its own grid has so far counts as measured, not what was only looked at.
        self.restore_grid();
        self.set_grid(grid);
        Ok(())
    }

    /// Begins an unmeasured heatmap on the run's own grid. Nothing that was measured on an earlier surface may choose a
    /// point of the present one.
    pub(super) fn reset_heatmap(&mut self, patch: Patch, version: u64) {
        let grid = self.own_grid();
        let shown = self.heatmap.grid;
        self.temporary_grid = None;
        self.other_grids.heatmaps.clear();
        self.heatmap = Heatmap { version, ..Heatmap::new(patch, grid) };
        if grid != shown {
            self.journal.emit(Event::GridChanged { grid });
        }
    }

    /// Ends the look at another grid when its time is over, its measurement was cancelled, or when other work began.
    pub(super) fn expire_temporary_grid(&mut self) {
        let over = self.temporary_grid.as_ref().is_some_and(|a| match self.activity {
            ActorActivity::Heatmap { finish: false, .. } => a.expires_at.is_some(),
            ActorActivity::None => a.expires_at.is_none_or(|until| Instant::now() >= until),
            _ => true,
        });
        if over {
            self.restore_grid();
            self.publish(true);
        }
    }

    /// The run's own heatmap becomes the present one again.
    fn restore_grid(&mut self) {
        let Some(temporary) = self.temporary_grid.take() else {
            return;
        };
        let looked_at = std::mem::replace(&mut self.heatmap, temporary.heatmap);
        // The surface may have changed; then every cell is as stale as it is.
        self.heatmap.version = looked_at.version;
        self.other_grids.insert(looked_at);
        let grid = self.heatmap.grid;
        self.journal.emit(Event::GridChanged { grid });
        if let ActorActivity::Heatmap { finish, .. } = self.activity {
            self.begin_heatmap_stage(finish);
        }
        self.store_snapshot();
    }

    /// Changes the grid. Cells that are measured on this grid or on another one of the same surface keep their figures: a
    /// coarser look must not cost what a finer one has measured, nor the other way around.
    pub(super) fn set_grid(&mut self, grid: usize) {
        if grid == self.heatmap.grid {
            return;
        }
        let old = std::mem::replace(&mut self.heatmap, Heatmap::new(self.config.patch(), grid));
        self.heatmap.version = old.version;
        let others = &self.other_grids.heatmaps;
        let present = others.iter().filter(|h| h.version == old.version);
        for other in present.chain([&old]) {
            self.heatmap.merge_from(other);
        }
        self.other_grids.insert(old);
        self.journal.emit(Event::GridChanged { grid });
        if matches!(self.activity, ActorActivity::None) && self.surface.is_some() && self.heatmap.is_complete() {
            self.emit_heatmap_complete();
        }
        match self.activity {
            ActorActivity::Heatmap { finish, .. } => self.begin_heatmap_stage(finish),
            // The best point is one of this grid's, and what was chosen of the other one is no longer the end of the job.
            ActorActivity::Finish => self.begin_heatmap_stage(true),
            _ => {}
        }
        self.store_snapshot();
    }
}
