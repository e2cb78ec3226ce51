//! A heatmap cell against its parts.

use super::report::{BenchRow, RowKind, median};
use super::{BenchSubject, linear_surface, wait_for_device};
use crate::data::DataSplit;
use crate::evaluate::Evaluator;
use crate::layout::{LayoutTensors, NormStatistics, RunningStats};
use crate::{EngineError, Result};
use std::time::Instant;
use tch::{Kind, Reduction, Tensor};

type BenchBatches = Vec<(Tensor, Tensor)>;

/// A heatmap cell against one re-estimation and one validation pass of the same network outside the heatmap: prepared
/// batches, of whichever of several sizes is fastest here.
pub(super) fn heatmap_cell_row(subject: &BenchSubject, repetitions: usize) -> Result<BenchRow> {
    let (model, data) = (&subject.model, &subject.data);
    let surface = linear_surface(model, 3)?;
    let calibration = subject.calibration_images.min(data.train.len());
    let evaluator = Evaluator::new(data, calibration as usize, 1);
    let w = surface.network_at(0.3, 0.6);
    let views = model.network().layout().views(&w);
    let prepare = |split: &DataSplit, images: i64, size: i64| -> BenchBatches {
        (0..images).step_by(size as usize).map(|s| split.batch_range(s, size.min(images - s))).collect()
    };
    let pass = |calibrate: &BenchBatches, validate: &BenchBatches| {
        let mut stats = RunningStats::new(model.network().layout(), w.device());
        if !model.network().layout().norms.is_empty() {
            for (x, _) in calibrate {
                let _ = model.logits(&views, x, &mut NormStatistics::Collect(&mut stats));
                stats.batches += 1;
            }
        }
        let sums = validate.iter().map(|(x, labels)| {
            let logits = model.logits(&views, x, &mut NormStatistics::Running(&stats));
            let correct = logits.argmax(1, false).eq_tensor(labels).sum(Kind::Float);
            let loss = logits.cross_entropy_loss::<Tensor>(labels, None, Reduction::Sum, -100, 0.0);
            Tensor::stack(&[correct, loss], 0)
        });
        if let Some(total) = sums.reduce(|a, b| a + b) {
            wait_for_device(&total.get(0));
        }
    };
    let mut best: Option<(f64, i64, BenchBatches, BenchBatches)> = None;
    for size in [64, 128, 256, 512, 1024] {
        if size > 64 && size >= 2 * calibration.max(data.validation.len()) {
            break;
        }
        let calibrate = prepare(&data.train, calibration, size);
        let validate = prepare(&data.validation, data.validation.len(), size);
        pass(&calibrate, &validate);
        let began = Instant::now();
        pass(&calibrate, &validate);
        let seconds = began.elapsed().as_secs_f64();
        if best.as_ref().is_none_or(|b| seconds < b.0) {
            best = Some((seconds, size, calibrate, validate));
        }
    }
    let (_, size, calibrate, validate) = best.ok_or_else(|| EngineError::input("no batch size was measured"))?;
    let mut times = Vec::new();
    // The first of each is not measured.
    for repetition in 0..=repetitions {
        let u = (repetition as f64 * 0.61).fract();
        let began = Instant::now();
        let _ = evaluator.validate(model, &surface.network_at(u, 1.0 - u), i64::MAX);
        let middle = Instant::now();
        pass(&calibrate, &validate);
        if repetition > 0 {
            times.push(((middle - began).as_secs_f64() * 1e3, middle.elapsed().as_secs_f64() * 1e3));
        }
    }
    let row = BenchRow {
        batch: size,
        value: median(times.iter().map(|t| t.0).collect()),
        baseline: median(times.iter().map(|t| t.1).collect()),
        ratio: median(times.iter().map(|t| t.0 / t.1).collect()),
        ..subject.row(RowKind::HeatmapCell)
    };
    Ok(row.with_target(Some(1.10)))
}
