//! Steps of a fit and of a training against steps of libtorch's own training, and compute types against each other.

use super::plain::Plain;
use super::report::{Row, What, median};
use super::{RATES, Subject, linear_surface, parts, wait};
use crate::Result;
use crate::model::Model;
use crate::trainer::Trainer;
use std::time::Instant;
use surfit_core::draws::Phase;
use tch::Tensor;

/// Draws a minibatch is split over.
const DRAWS: [usize; 2] = [1, 4];

/// Control points along both axes, and what a step may cost beside a plain one.
const SIDES: [(u8, f64); 2] = [(3, 1.15), (4, 1.25)];

/// Milliseconds that something takes.
fn timed(what: impl FnOnce()) -> f64 {
    let began = Instant::now();
    what();
    began.elapsed().as_secs_f64() * 1e3
}

/// A step of `what`, which is given the number of the step and a batch, against plain steps before and after it:
/// whatever drifts, drifts through both neighbours.
fn against_plain(
    subject: &Subject,
    plain: &mut Plain,
    repetitions: usize,
    row: Row,
    mut what: impl FnMut(u64, &Tensor, &Tensor),
) -> Row {
    let warm_up = 1 + repetitions / 6;
    let mut times = Vec::new();
    let mut before = f64::NAN;
    for repetition in 0..repetitions + warm_up {
        let (x, labels) = subject.batch(repetition);
        let here = timed(|| what(repetition as u64, &x, &labels));
        let after = timed(|| wait(&plain.step(&subject.model, &x, &labels)));
        if repetition >= warm_up {
            times.push((here, (before + after) / 2.0));
        }
        before = after;
    }
    Row {
        batch: subject.batch,
        value: median(times.iter().map(|t| t.0).collect()),
        baseline: median(times.iter().map(|t| t.1).collect()),
        ratio: median(times.iter().map(|t| t.0 / t.1).collect()),
        ..row
    }
}

/// Training steps as corners are trained, and fit steps at 3×3 and 4×4 control points with one draw and with four,
/// against libtorch's own training.
pub(super) fn rows(subject: &Subject, repetitions: usize) -> Result<Vec<Row>> {
    let model = &subject.model;
    let mut plain = Plain::new(model, RATES.weight_decay)?;
    let mut trainer = Trainer::new(model, 1);
    let mut rows = vec![against_plain(
        subject,
        &mut plain,
        repetitions,
        subject.row(What::Training),
        |_, x, labels| wait(&trainer.step_on(model, x, labels, RATES)),
    )];
    for (side, target) in SIDES {
        for draws in DRAWS {
            let mut surface = linear_surface(model, side)?;
            let row = Row {
                control_points: format!("{side}×{side}"),
                draws,
                ..subject.row(What::FitStep)
            };
            let row = against_plain(subject, &mut plain, repetitions, row, |step, x, labels| {
                let here = parts(x, labels, step, draws);
                let next: Vec<(f64, f64)> = parts(x, labels, step + 1, draws)
                    .iter()
                    .map(|part| part.uv)
                    .collect();
                let record = surface.step(model, Phase::Interior, &here, RATES, &next);
                wait(&record.loss);
            });
            rows.push(row.with_target((subject.name == "resnet18-cifar").then_some(target)));
        }
    }
    Ok(rows)
}

/// Training in `f32` against training in `bf16`, by turns, so that what else the machine does befalls both.
pub(super) fn types(f32: &Subject, bf16: &Subject, repetitions: usize) -> Row {
    let mut trainings = [f32, bf16].map(|subject| (subject, Trainer::new(&subject.model, 1)));
    let mut times = Vec::new();
    for repetition in 0..=repetitions {
        let [f32, bf16] = trainings.each_mut().map(|(subject, trainer)| {
            let (x, labels) = subject.batch(repetition);
            let mut step = |model: &Model| wait(&trainer.step_on(model, &x, &labels, RATES));
            // The first after the other type asks for its memory anew, which a training never sees.
            step(&subject.model);
            timed(|| (0..2).for_each(|_| step(&subject.model))) / 2.0
        });
        if repetition > 0 {
            times.push((f32, bf16));
        }
    }
    Row {
        batch: bf16.batch,
        value: median(times.iter().map(|t| t.0).collect()),
        baseline: median(times.iter().map(|t| t.1).collect()),
        ratio: median(times.iter().map(|t| t.0 / t.1).collect()),
        ..bf16.row(What::Bf16)
    }
}
