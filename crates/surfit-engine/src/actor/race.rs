//! Which cell of a heatmap is measured next: the race for the best point.
//!
//! Every cell is first measured on the same few hundred images. Then those go through the whole validation split that can
//! still be the best, by the upper end of their interval: successive elimination, so the best point is known long before
//! the heatmap is complete. The others follow. What the first pass saw is not measured again, so the heatmap costs no more
//! than it would in any other order, and its figures do not depend on the order.

use crate::evaluate::{Evaluator, MeasuredSplit, MeasurementResult, NetworkMeasurement};
use crate::layout::RunningStats;
use crate::model::{Measurement, Model};
use std::collections::BTreeMap;
use surfit_core::heatmap::{Cell, Heatmap, Metric};
use tch::Tensor;

/// Bytes of batch-norm statistics that may wait for the second part of their cells; beyond, they are estimated anew.
const MAX_STATISTICS_BYTES: usize = 64 << 20;

/// The first part of a cell's measurement.
#[derive(Debug)]
struct FirstScan {
    measurement: Measurement,
    /// Better end of the interval of [`Metric::SELECTION`].
    best_score: f64,
    stats: Option<RunningStats>,
}

/// The state of a race. What it knows can be measured again, so it is not stored.
#[derive(Debug, Default)]
pub(super) struct CellRace {
    /// Images of the first part; 0 when cells are measured in one.
    first_images: i64,
    scans: BTreeMap<usize, FirstScan>,
    kept_bytes: usize,
    winner_announced: bool,
    /// The part that is being measured, with the version of the surface it belongs to.
    pub(super) running_measurement: Option<(RacePhase, u64, NetworkMeasurement)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RacePhase {
    /// Its first part.
    Scan(usize),
    Remainder(usize),
}

impl CellRace {
    /// A race over cells of `all` validation images with a first part of `first`. A first part of more than half would
    /// save nothing.
    pub(super) fn new(first: i64, all: i64) -> Self {
        Self { first_images: if 2 * first <= all { first } else { 0 }, ..Self::default() }
    }

    /// Cells whose first part is measured and whose second is not.
    pub(super) fn scanned_cells(&self) -> usize {
        self.scans.len()
    }

    /// What comes next of the cells that are left, the last of which comes first in the order of the first part.
    pub(super) fn next_phase(&self, cells: &[usize]) -> Option<RacePhase> {
        let scan = |i: &&usize| self.first_images > 0 && !self.scans.contains_key(i);
        if let Some(&index) = cells.iter().rev().find(scan) {
            return Some(RacePhase::Scan(index));
        }
        let upper = |i: &usize| self.scans.get(i).map_or(f64::INFINITY, |s| s.best_score);
        let promising = |a: &&usize, b: &&usize| upper(a).total_cmp(&upper(b));
        cells.iter().max_by(promising).map(|&i| RacePhase::Remainder(i))
    }

    /// Begins what comes next of a cell at flat weights `w`, `[P]`; [`CellRace::record_phase`] takes the result.
    pub(super) fn begin_phase(
        &mut self,
        phase: RacePhase,
        evaluator: &Evaluator,
        model: &Model,
        w: Tensor,
    ) -> NetworkMeasurement {
        let (stats, images) = match phase {
            RacePhase::Scan(_) => (None, 0..self.first_images),
            // In the same two parts whatever happened before: sums come out the same.
            RacePhase::Remainder(index) => {
                let stats = self.scans.get_mut(&index).and_then(|s| s.stats.take());
                self.kept_bytes -= stats.as_ref().map_or(0, RunningStats::size_in_bytes);
                (stats, self.first_images..evaluator.validation_images())
            }
        };
        NetworkMeasurement::new(model, evaluator, w, stats, MeasuredSplit::Validation, images)
    }

    /// Takes a part's measurement in; the images of the cell that were seen so far.
    pub(super) fn record_phase(&mut self, phase: RacePhase, measured: MeasurementResult) -> Measurement {
        let now = measured.measurement;
        match phase {
            RacePhase::Scan(index) => {
                let bytes = measured.stats.size_in_bytes();
                let keep = self.kept_bytes + bytes <= MAX_STATISTICS_BYTES;
                self.kept_bytes += if keep { bytes } else { 0 };
                let scan = FirstScan {
                    measurement: now,
                    best_score: best_possible_score(&now),
                    stats: keep.then_some(measured.stats),
                };
                self.scans.insert(index, scan);
                now
            }
            RacePhase::Remainder(index) => self.scans.remove(&index).map(|s| s.measurement).unwrap_or_default() + now,
        }
    }

    /// The index of the best cell, once no other of those that are left is expected to overtake it; reported once, and
    /// only while something is left to be measured.
    pub(super) fn winner(&mut self, heatmap: &Heatmap, cells: &[usize], all: u32) -> Option<usize> {
        if self.winner_announced || self.scans.is_empty() || self.scans.len() != cells.len() {
            return None;
        }
        let full = |c: &Cell| c.images == all && c.version == heatmap.version;
        let score = |i: usize| Some(Metric::SELECTION.score(heatmap.cells[i].value(Metric::SELECTION)?));
        let measured =
            (0..heatmap.cells.len()).filter(|&i| full(&heatmap.cells[i])).filter_map(|i| Some((i, score(i)?)));
        let (best, score) = measured.max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)))?;
        self.winner_announced = self.scans.values().all(|s| s.best_score < score);
        self.winner_announced.then_some(best)
    }
}

fn best_possible_score(m: &Measurement) -> f64 {
    let metric = Metric::SELECTION;
    m.interval(metric).map_or(f64::INFINITY, |(low, high)| metric.score(low).max(metric.score(high)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use surfit_core::surface::Patch;

    /// Runs a race over cells whose images are right or wrong by rule, and gives the order of the legs.
    fn run(right: &[Vec<bool>], first: usize) -> (Vec<RacePhase>, Option<(usize, usize)>) {
        let all = right[0].len();
        let mut heatmap = Heatmap::new(Patch::Square, 3);
        let mut race = CellRace::new(first as i64, all as i64);
        let mut cells: Vec<usize> = (0..right.len()).rev().collect();
        let (mut legs, mut decided) = (Vec::new(), None);
        while let Some(leg) = race.next_phase(&cells) {
            legs.push(leg);
            let count = |index: usize, images: usize| {
                let correct = right[index][..images].iter().filter(|&&r| r).count() as u32;
                Measurement::from_counts(correct, images as u32, 0.0)
            };
            match leg {
                RacePhase::Scan(index) => {
                    let seen = count(index, first);
                    let scan = FirstScan { measurement: seen, best_score: best_possible_score(&seen), stats: None };
                    race.scans.insert(index, scan);
                }
                RacePhase::Remainder(index) => {
                    race.scans.remove(&index);
                    cells.retain(|&i| i != index);
                    heatmap.cells[index] = count(index, all).as_cell(0);
                }
            }
            if let Some(best) = race.winner(&heatmap, &cells, all as u32) {
                decided = Some((best, cells.len()));
            }
        }
        (legs, decided)
    }

    /// Every `n`th image wrong.
    fn wrong(n: usize) -> Vec<bool> {
        (0..2000).map(|i| i % n != 0).collect()
    }

    #[test]
    fn every_cell_is_scanned_first_then_the_promising_ones_are_measured() {
        let right: Vec<_> = [4, 20, 5, 3, 2, 4, 3, 2, 2].map(wrong).into();
        let (legs, decided) = run(&right, 500);
        let scans: Vec<RacePhase> = (0..9).map(RacePhase::Scan).collect();
        assert_eq!(legs[..9], scans);
        assert_eq!(legs[9], RacePhase::Remainder(1), "the most promising first");
        assert_eq!(legs.len(), 18, "in the end every cell is measured");
        assert_eq!(decided, Some((1, 8)), "known after one cell of nine");
    }

    #[test]
    fn cells_that_are_alike_are_all_measured_before_one_is_called_the_best() {
        let (legs, decided) = run(&vec![wrong(7); 9], 500);
        assert_eq!((legs.len(), decided), (18, None));
    }

    #[test]
    fn few_images_are_measured_in_one_go() {
        let (legs, _) = run(&vec![wrong(7); 9], 1500);
        assert_eq!(legs.len(), 9);
        assert!(legs.iter().all(|l| matches!(l, RacePhase::Remainder(_))));
    }
}
