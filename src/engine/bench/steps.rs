//! Steps of a fit against steps of plain training.

use super::plain::Plain;
use super::report::{Row, What, median};
use super::{RATES, Subject, linear_surface, parts, wait};
use crate::Result;
use std::time::Instant;
use surfit_core::draws::Phase;

/// Draws a minibatch is split over.
const DRAWS: [usize; 2] = [1, 4];

/// Fit steps at 3×3 and 4×4 control points, each with one draw and with four, against plain steps before and after them,
/// and the milliseconds of a plain step among its like.
pub(super) fn rows(subject: &Subject, repetitions: usize) -> Result<(Vec<Row>, f64)> {
    let model = &subject.model;
    let mut surfaces = [linear_surface(model, 3)?, linear_surface(model, 4)?];
    let mut plain = Plain::new(model, RATES.weight_decay)?;
    let cases = [(0, DRAWS[0]), (0, DRAWS[1]), (1, DRAWS[0]), (1, DRAWS[1])];
    let mut times = vec![Vec::new(); cases.len()];
    let warm_up = 1 + repetitions / 6;
    for repetition in 0..repetitions + warm_up {
        let (x, labels) = subject.batch(repetition);
        let timed = |what: &mut dyn FnMut()| {
            let began = Instant::now();
            what();
            began.elapsed().as_secs_f64() * 1e3
        };
        let mut plain_step = || wait(&plain.step(model, &x, &labels));
        let mut before = timed(&mut plain_step);
        for (case, &(surface, count)) in cases.iter().enumerate() {
            let here = timed(&mut || {
                let parts = parts(&x, &labels, repetition as u64, count);
                let record = surfaces[surface].step(model, Phase::Interior, &parts, RATES);
                wait(&record.loss);
            });
            // Whatever drifts, drifts through both neighbours.
            let after = timed(&mut plain_step);
            if repetition >= warm_up {
                times[case].push((here, (before + after) / 2.0));
            }
            before = after;
        }
    }
    let rows = cases.iter().zip(&times).map(|(&(surface, count), times)| {
        let target = [1.15, 1.25][surface];
        let row = Row {
            what: What::FitStep,
            control_points: ["3×3", "4×4"][surface].into(),
            draws: count,
            batch: subject.batch,
            value: median(times.iter().map(|t| t.0).collect()),
            baseline: median(times.iter().map(|t| t.1).collect()),
            ratio: median(times.iter().map(|t| t.0 / t.1).collect()),
            ..subject.row(What::FitStep)
        };
        row.with_target((subject.name == "resnet18-cifar").then_some(target))
    });
    let rows = rows.collect();
    drop(surfaces);
    // Steps of other sizes leave memory that the next one has to ask for anew, which a training never sees.
    let (x, labels) = subject.batch(0);
    let mut bases = Vec::new();
    for repetition in 0..repetitions + warm_up {
        let began = Instant::now();
        wait(&plain.step(model, &x, &labels));
        if repetition >= warm_up {
            bases.push(began.elapsed().as_secs_f64() * 1e3);
        }
    }
    Ok((rows, median(bases)))
}
