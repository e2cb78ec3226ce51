//! Measuring a network on a split: batch-norm re-estimation, then accuracy and loss.

use crate::data::{DataSet, Split};
use crate::layout::RunningStats;
use crate::model::{Measurement, Model};
use surfit_core::random::{self, Purpose};
use tch::Tensor;

/// Images in one forward pass of an evaluation. Measured on a CPU, 128 to 200 cost least an image; above about 600
/// the activations exceed what the allocator keeps, and an image costs several times as much.
const BATCH: i64 = 200;

/// The images that evaluations use again and again, normalized once.
#[derive(Debug)]
pub struct Evaluator {
    calibration: Vec<Tensor>,
    validation: Vec<(Tensor, Tensor)>,
    validation_images: i64,
}

impl Evaluator {
    /// Prepares the calibration subset of the training split (a function of the seed) and the validation split in an
    /// order that the seed shuffles, so that its first images are a fair sample of it.
    pub fn new(data: &DataSet, calibration_images: usize, seed: u64) -> Self {
        let some = |split: &Split, count: i64, purpose| {
            let order = random::permutation(split.len() as usize, seed, purpose, 0);
            split.take(&order[..count.min(split.len()) as usize])
        };
        let calibration = some(&data.train, calibration_images as i64, Purpose::Calibration);
        let validation = some(&data.validation, data.validation.len(), Purpose::Live);
        Self {
            calibration: chunks(&calibration).into_iter().map(|(x, _)| x).collect(),
            validation: chunks(&validation),
            validation_images: validation.len(),
        }
    }

    /// Images in the validation split.
    pub fn validation_images(&self) -> i64 {
        self.validation_images
    }

    /// Running statistics of the network at flat weights `w`: the cumulative average over the calibration subset, or
    /// over its first `images`.
    pub fn refresh(&self, model: &Model, w: &Tensor, images: i64) -> RunningStats {
        let mut stats = RunningStats::new(model.network().layout(), w.device());
        if model.network().layout().norms.is_empty() {
            return stats;
        }
        let weights = model.network().layout().views(w);
        let mut seen = 0;
        for x in &self.calibration {
            // A batch of one has no variance.
            if seen >= images || (seen > 0 && x.size()[0] < 2) {
                break;
            }
            let _ = model.logits(&weights, x, &mut crate::layout::Norms::Collect(&mut stats));
            stats.batches += 1;
            seen += x.size()[0];
        }
        stats
    }

    /// Refreshes statistics at `w` and measures on the first `images` validation images (all when larger).
    pub fn validate(&self, model: &Model, w: &Tensor, images: i64) -> (Measurement, RunningStats) {
        let stats = self.refresh(model, w, images);
        let mut left = images.min(self.validation_images);
        let mut parts = Vec::new();
        for (x, y) in &self.validation {
            let take = left.min(x.size()[0]);
            if take <= 0 {
                break;
            }
            parts.push((x.narrow(0, 0, take), y.narrow(0, 0, take)));
            left -= take;
        }
        (measure(model, w, &stats, parts.into_iter()), stats)
    }
}

/// Measures a network with given statistics on a whole split, in its own order.
pub fn measure_split(
    model: &Model,
    w: &Tensor,
    stats: &RunningStats,
    split: &Split,
) -> Measurement {
    let starts = (0..split.len()).step_by(BATCH as usize);
    measure(
        model,
        w,
        stats,
        starts.map(|s| split.range(s, BATCH.min(split.len() - s))),
    )
}

fn measure(
    model: &Model,
    w: &Tensor,
    stats: &RunningStats,
    batches: impl Iterator<Item = (Tensor, Tensor)>,
) -> Measurement {
    let weights = model.network().layout().views(w);
    let mut images = 0;
    // Sums stay on the device; one read at the end.
    let mut total: Option<Tensor> = None;
    for (x, y) in batches {
        images += x.size()[0];
        let sums = model.measure_batch(&weights, stats, &x, &y);
        total = Some(match total {
            Some(t) => t + sums,
            None => sums,
        });
    }
    let Some(total) = total else {
        return Measurement::default();
    };
    Measurement {
        correct: total.double_value(&[0]) as u32,
        images: images as u32,
        loss_sum: total.double_value(&[1]),
    }
}

/// The split in parts of nearly equal size: a small remainder would weigh as much as a full batch in the cumulative
/// average of batch-norm statistics.
fn chunks(split: &Split) -> Vec<(Tensor, Tensor)> {
    let parts = (split.len() + BATCH - 1) / BATCH;
    let bound = |part: i64| part * split.len() / parts.max(1);
    (0..parts)
        .map(|p| split.range(bound(p), bound(p + 1) - bound(p)))
        .collect()
}
