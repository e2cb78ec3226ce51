//! Measuring a network on a split: batch-norm re-estimation, then every metric.

pub mod calibration;
mod network_measurement;

pub use network_measurement::{MeasuredSplit, MeasurementResult, NetworkMeasurement};

use crate::Result;
use crate::data::{DataSet, DataSplit};
use crate::layout::{LayoutTensors, RunningStats};
use crate::model::{Measurement, MetricAccumulator, Model};
use std::ops::Range;
use surfit_core::random::{self, RandomStream};
use tch::{Device, Kind, Tensor};

/// Images in one forward pass of an evaluation on a CPU. Measured for the demo's network, ResNet-18, VGG16 and a ViT: 64
/// to 256 cost about the same an image, larger ones more, because activations exceed the caches.
const CPU_BATCH_SIZE: i64 = 128;

/// The same on a GPU, which needs large batches.
const GPU_BATCH_SIZE: i64 = 1024;

/// Pixels of an image up to which a batch has as many images as it may: what a forward pass holds grows with them, to tens of
/// megabytes an image of 224×224 in a network without a pooling stem.
const MAX_FULL_BATCH_PIXELS: i64 = 64 * 64;

/// Images in one forward pass of an evaluation, of `pixels` pixels each: larger ones go in smaller batches of as many pixels
/// together. Two at least, since a batch of one has no variance.
pub fn batch_size(pixels: i64, device: Device) -> i64 {
    let images = match device {
        Device::Cpu => CPU_BATCH_SIZE,
        _ => GPU_BATCH_SIZE,
    };
    (images * MAX_FULL_BATCH_PIXELS / pixels.max(1)).clamp(2, images)
}

/// The images that evaluations use again and again. They stay bytes, a quarter of the memory of `f32`, and are normalized
/// batch by batch on the device, which costs about a hundredth of the smallest network's pass.
#[derive(Debug)]
pub struct Evaluator {
    calibration: DataSplit,
    validation: DataSplit,
}

impl Evaluator {
    /// Prepares the calibration subset of the training split (a function of the seed, every class with its share) and the
    /// validation split in an order that the seed shuffles, so that its first images are a fair sample of it.
    pub fn new(data: &DataSet, calibration_images: usize, seed: u64) -> Self {
        let all = data.validation.len() as usize;
        let order = random::permutation(all, seed, RandomStream::Live, 0);
        Self {
            calibration: calibration::sample_proportionally(&data.train, calibration_images, seed),
            validation: data.validation.select(&order),
        }
    }

    fn batch_size(&self, device: Device) -> i64 {
        batch_size(self.validation.pixels(), device)
    }

    /// Images that batch norm is re-estimated on.
    pub fn calibration_images(&self) -> i64 {
        self.calibration.len()
    }

    /// The validation split in the order of measurements.
    pub fn validation(&self) -> &DataSplit {
        &self.validation
    }

    pub fn validation_images(&self) -> i64 {
        self.validation.len()
    }

    /// Running statistics of the network at flat weights `w`: the cumulative average over the calibration subset, or
    /// over as many of its batches as hold the first `images`.
    pub fn recalibrate(&self, model: &Model, w: &Tensor, images: i64) -> RunningStats {
        recalibrate(model, w, &self.calibration, images)
    }

    /// Refreshes statistics at `w` and measures on the first `images` validation images (all when larger).
    pub fn validate(&self, model: &Model, w: &Tensor, images: i64) -> (Measurement, RunningStats) {
        let stats = self.recalibrate(model, w, images);
        let images = images.clamp(0, self.validation.len());
        (measure(model, w, &stats, &self.validation, 0..images), stats)
    }
}

/// As [`Evaluator::recalibrate`], on the images of `calibration`.
pub fn recalibrate(model: &Model, w: &Tensor, calibration: &DataSplit, images: i64) -> RunningStats {
    let mut stats = RunningStats::new(model.network().layout(), w.device());
    if model.network().layout().norms.is_empty() {
        return stats;
    }
    let weights = model.network().layout().views(w);
    let size = batch_size(calibration.pixels(), w.device());
    let mut part = ImageRange::in_batches(0..calibration.len(), size);
    while let Some((x, _)) = part.next_batch_within(calibration, images) {
        let _ = model.logits(&weights, &x, &mut crate::layout::NormStatistics::Collect(&mut stats));
        stats.batches += 1;
    }
    stats
}

/// Measures a network with given statistics on a whole split, in its own order.
pub fn measure_split(model: &Model, w: &Tensor, stats: &RunningStats, split: &DataSplit) -> Measurement {
    measure(model, w, stats, split, 0..split.len())
}

fn measure(model: &Model, w: &Tensor, stats: &RunningStats, split: &DataSplit, images: Range<i64>) -> Measurement {
    let weights = model.network().layout().views(w);
    let mut part = ImageRange::in_batches(images, batch_size(split.pixels(), w.device()));
    let mut measurement = MetricAccumulator::default();
    while let Some((x, y)) = part.next_batch(split) {
        let _ = model.measure_batch(&weights, stats, (&x, &y), &mut measurement);
    }
    measurement.finish()
}

/// Every metric of the mean of `count` networks' probabilities, from their sum, `[N, classes]`.
pub fn measure_ensemble(sum: &Tensor, count: usize, split: &DataSplit) -> Result<Measurement> {
    let counts = measure_probability_sum(sum, count, split)?;
    let logits = (sum / count.max(1) as f64).f_clamp_min(1e-30)?.f_log()?;
    Ok(counts.with_other_metrics(&logits, split.labels()))
}

/// Correct images and loss of that mean alone.
pub fn measure_probability_sum(sum: &Tensor, count: usize, split: &DataSplit) -> Result<Measurement> {
    let labels = split.labels();
    let correct = sum.f_argmax(1, false)?.f_eq_tensor(labels)?;
    let mean = sum / count.max(1) as f64;
    // A probability of exactly 0 is one that `f32` cannot hold.
    let right = mean.f_gather(1, &labels.f_unsqueeze(1)?, false)?;
    let loss = -right.f_clamp_min(1e-30)?.f_log()?.f_sum(Kind::Float)?;
    let correct = correct.f_sum(Kind::Int64)?.f_int64_value(&[])? as u32;
    Ok(Measurement::from_counts(correct, split.len() as u32, loss.f_double_value(&[])?))
}

/// Images of a split in batches of nearly equal size: a small remainder would weigh as much as a full batch in the
/// cumulative average of batch-norm statistics.
#[derive(Debug)]
struct ImageRange {
    images: Range<i64>,
    /// Number of the next batch, and of all.
    next_batch: i64,
    batch_count: i64,
}

impl ImageRange {
    fn in_batches(images: Range<i64>, batch_size: i64) -> Self {
        let count = (images.end - images.start).max(0);
        let batches = (count as u64).div_ceil(batch_size as u64) as i64;
        Self { images, next_batch: 0, batch_count: batches }
    }

    fn batch_start(&self, batch: i64) -> i64 {
        let count = (self.images.end - self.images.start).max(0);
        self.images.start + batch * count / self.batch_count.max(1)
    }

    fn remaining_images(&self) -> u64 {
        (self.batch_start(self.batch_count) - self.batch_start(self.next_batch)).max(0) as u64
    }

    fn next_batch(&mut self, split: &DataSplit) -> Option<(Tensor, Tensor)> {
        if self.next_batch >= self.batch_count {
            return None;
        }
        let (from, to) = (self.batch_start(self.next_batch), self.batch_start(self.next_batch + 1));
        self.next_batch += 1;
        Some(split.batch_range(from, to - from))
    }

    /// The same, until `most` images were given out. A batch of one has no variance and ends it too, unless it is the
    /// first.
    fn next_batch_within(&mut self, split: &DataSplit, most: i64) -> Option<(Tensor, Tensor)> {
        let seen = self.batch_start(self.next_batch) - self.images.start;
        if seen >= most {
            return None;
        }
        self.next_batch(split).filter(|(x, _)| seen == 0 || x.size()[0] > 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_images_go_in_batches_of_bounded_size() {
        let gpu = Device::Cuda(0);
        for (side, cpu_images, gpu_images) in
            [(28, 128, 1024), (32, 128, 1024), (64, 128, 1024), (96, 56, 455), (224, 10, 83), (4096, 2, 2)]
        {
            let pixels = side * side;
            assert_eq!(batch_size(pixels, Device::Cpu), cpu_images, "{side}");
            assert_eq!(batch_size(pixels, gpu), gpu_images, "{side}");
        }
        // Every image is in one batch, and none is alone.
        let mut part = ImageRange::in_batches(0..1001, batch_size(224 * 224, Device::Cpu));
        assert_eq!(part.batch_count, 101);
        while part.next_batch < part.batch_count {
            let size = part.batch_start(part.next_batch + 1) - part.batch_start(part.next_batch);
            assert!((9..=10).contains(&size));
            part.next_batch += 1;
        }
        assert_eq!(part.remaining_images(), 0);
    }
}
