//! Steps of a fit and of a training against steps of libtorch's own training, and compute types against each other.

use super::plain_training::PlainTraining;
use super::report::{BenchRow, RowKind, median};
use super::{BENCH_HYPERPARAMS, BenchSubject, linear_surface, micro_batches, wait_for_device};
use crate::Result;
use crate::trainer::Trainer;
use std::time::Instant;
use surfit_core::draws::FitPhase;
use tch::Tensor;

/// Draws a minibatch is split over.
const DRAW_COUNTS: [usize; 2] = [1, 4];

/// Control points along both axes, and what a step may cost relative to a plain one.
const SIDES_AND_TARGETS: [(u8, f64); 2] = [(3, 1.15), (4, 1.25)];

fn time_milliseconds(what: impl FnOnce()) -> f64 {
    let began = Instant::now();
    what();
    began.elapsed().as_secs_f64() * 1e3
}

struct BaselineSteps<'a> {
    subject: &'a BenchSubject,
    plain: PlainTraining,
    trainer: Trainer,
}

impl BaselineSteps<'_> {
    /// Milliseconds of a step of libtorch's own training, and of one as corners are trained.
    fn time_baseline_steps(&mut self, x: &Tensor, labels: &Tensor) -> [f64; 2] {
        let model = &self.subject.model;
        [
            time_milliseconds(|| wait_for_device(&self.plain.step(model, x, labels))),
            time_milliseconds(|| wait_for_device(&self.trainer.step_on_batch(model, x, labels, BENCH_HYPERPARAMS))),
        ]
    }

    /// A step of `what`, which is given the number of the step and a batch, against those before and after it: whatever
    /// drifts, drifts through both neighbours. Gives milliseconds of the step and of both bases, repetition by repetition.
    fn time_steps(&mut self, repetitions: usize, mut what: impl FnMut(u64, &Tensor, &Tensor)) -> Vec<(f64, [f64; 2])> {
        let warm_up = 1 + repetitions / 6;
        let mut times = Vec::new();
        let mut before = [f64::NAN; 2];
        for repetition in 0..repetitions + warm_up {
            let (x, labels) = self.subject.batch(repetition);
            let here = time_milliseconds(|| what(repetition as u64, &x, &labels));
            let after = self.time_baseline_steps(&x, &labels);
            if repetition >= warm_up {
                let mean = [0, 1].map(|base| (before[base] + after[base]) / 2.0);
                times.push((here, mean));
            }
            before = after;
        }
        times
    }
}

/// A row's figures from steps and what they are measured against.
fn with_times(row: BenchRow, batch: i64, times: &[(f64, f64)]) -> BenchRow {
    BenchRow {
        batch,
        value: median(times.iter().map(|t| t.0).collect()),
        baseline: median(times.iter().map(|t| t.1).collect()),
        ratio: median(times.iter().map(|t| t.0 / t.1).collect()),
        ..row
    }
}

/// Fit steps at 3×3 and 4×4 control points with one draw and with four, against libtorch's own training and against the
/// training of corners, and these two against each other.
pub(super) fn step_rows(subject: &BenchSubject, repetitions: usize) -> Result<Vec<BenchRow>> {
    let model = &subject.model;
    let mut bases = BaselineSteps {
        subject,
        plain: PlainTraining::new(model, BENCH_HYPERPARAMS.weight_decay)?,
        trainer: Trainer::new(model, 1),
    };
    let (mut rows, mut trainings) = (Vec::new(), Vec::new());
    for (side, target) in SIDES_AND_TARGETS {
        for draws in DRAW_COUNTS {
            let mut surface = linear_surface(model, side)?;
            let times = bases.time_steps(repetitions, |step, x, labels| {
                let here = micro_batches(x, labels, step, draws);
                let next: Vec<(f64, f64)> =
                    micro_batches(x, labels, step + 1, draws).iter().map(|part| part.uv).collect();
                let record = surface.step(model, FitPhase::Interior, &here, BENCH_HYPERPARAMS, &next, None);
                wait_for_device(&record.loss);
            });
            let asked = (subject.name == "resnet18-cifar").then_some(target);
            for (base, what) in [RowKind::FitStep, RowKind::FitTraining].into_iter().enumerate() {
                let row = BenchRow { control_points: format!("{side}×{side}"), draws, ..subject.row(what) };
                let times: Vec<_> = times.iter().map(|(here, bases)| (*here, bases[base])).collect();
                let row = with_times(row, subject.batch, &times);
                rows.push(row.with_target(asked.filter(|_| what == RowKind::FitStep)));
            }
            trainings.extend(times.iter().map(|(_, [plain, training])| (*training, *plain)));
        }
    }
    rows.insert(0, with_times(subject.row(RowKind::Training), subject.batch, &trainings));
    Ok(rows)
}

/// Training in `f32` against training in `bf16`, by turns, the fastest step of each: neighbours on a shared machine slow one
/// type more than the other (a core's matrix unit is shared by its threads), and they never make a step faster.
pub(super) fn precision_row(f32: &BenchSubject, bf16: &BenchSubject, repetitions: usize) -> BenchRow {
    let mut trainings = [f32, bf16].map(|subject| (subject, Trainer::new(&subject.model, 1)));
    let mut fastest = [f64::INFINITY; 2];
    for repetition in 0..2 * repetitions {
        for ((subject, trainer), fastest) in trainings.iter_mut().zip(&mut fastest) {
            let (x, labels) = subject.batch(repetition);
            let mut step = || {
                time_milliseconds(|| {
                    wait_for_device(&trainer.step_on_batch(&subject.model, &x, &labels, BENCH_HYPERPARAMS))
                })
            };
            // The first after the other type requests its memory anew, which a training never sees.
            step();
            *fastest = (0..2).map(|_| step()).fold(*fastest, f64::min);
        }
    }
    let [value, baseline] = fastest;
    BenchRow { batch: bf16.batch, value, baseline, ratio: value / baseline, ..bf16.row(RowKind::Bf16) }
}
