//! A measurement in steps of one batch, so that commands can be processed in between.

use super::{Evaluator, ImageRange};
use crate::data::DataSplit;
use crate::layout::{LayoutTensors, NormStatistics, RunningStats};
use crate::model::{Measurement, MetricAccumulator, Model};
use std::ops::Range;
use std::time::{Duration, Instant};
use tch::{Kind, Tensor};

/// The images that a network is measured on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum MeasuredSplit {
    /// The validation split.
    #[value(name = "val")]
    Validation,
    /// The test split.
    Test,
}

/// Longest duration of a slice of a measurement, after which new requests are processed.
const MAX_ADVANCE_TIME: Duration = Duration::from_millis(40);

/// A network that is being measured: batch norm's statistics first, then every metric. Sums and batches are those of
/// [`Evaluator::validate`], to the last bit.
#[derive(Debug)]
pub struct NetworkMeasurement {
    w: Tensor,
    views: Vec<Tensor>,
    stats: RunningStats,
    /// What is left of the statistics' re-estimation.
    recalibration: Option<ImageRange>,
    split: MeasuredSplit,
    batches: ImageRange,
    metrics: MetricAccumulator,
    /// Class probabilities of every batch, when they were requested.
    probabilities: Option<Vec<Tensor>>,
    images_done: u64,
    seconds: f64,
}

#[derive(Debug)]
pub struct MeasurementResult {
    /// The network, `[P]`.
    pub w: Tensor,
    pub stats: RunningStats,
    pub measurement: Measurement,
    /// Probabilities of the classes for every image, `[N, classes]`, when they were requested.
    pub probabilities: Option<Tensor>,
    /// Seconds that every image took, batch-norm's re-estimation included; rough on a GPU.
    pub seconds_per_image: f64,
}

impl NetworkMeasurement {
    /// Classifies the images of the range, with re-estimated statistics where none are given.
    pub fn new(
        model: &Model,
        evaluator: &Evaluator,
        w: Tensor,
        stats: Option<RunningStats>,
        on: MeasuredSplit,
        images: Range<i64>,
    ) -> Self {
        let layout = model.network().layout();
        let size = evaluator.batch_size(w.device());
        let is_estimated = stats.is_none() && !layout.norms.is_empty();
        Self {
            views: layout.views(&w),
            batches: ImageRange::in_batches(images, size),
            stats: stats.unwrap_or_else(|| RunningStats::new(layout, w.device())),
            w,
            recalibration: is_estimated.then(|| ImageRange::in_batches(0..evaluator.calibration.len(), size)),
            split: on,
            metrics: MetricAccumulator::default(),
            probabilities: None,
            images_done: 0,
            seconds: 0.0,
        }
    }

    pub fn with_probabilities(mut self) -> Self {
        self.probabilities = Some(Vec::new());
        self
    }

    /// Images classified so far, and in all, those for batch norm included.
    pub fn progress(&self) -> (u64, u64) {
        let left = self.recalibration.as_ref().map_or(0, ImageRange::remaining_images);
        (self.images_done, self.images_done + left + self.batches.remaining_images())
    }

    /// Runs one slice; true when the measurement is complete. `test` is the test split.
    pub fn advance(&mut self, model: &Model, evaluator: &Evaluator, test: &DataSplit) -> bool {
        let began = Instant::now();
        let complete = loop {
            if self.process_batch(model, evaluator, test) {
                break true;
            }
            if began.elapsed() > MAX_ADVANCE_TIME {
                break false;
            }
        };
        self.seconds += began.elapsed().as_secs_f64();
        complete
    }

    /// Processes one batch; true when none was left.
    fn process_batch(&mut self, model: &Model, evaluator: &Evaluator, test: &DataSplit) -> bool {
        if let Some(part) = &mut self.recalibration {
            match part.next_batch_within(&evaluator.calibration, i64::MAX) {
                Some((x, _)) => {
                    let _ = model.logits(&self.views, &x, &mut NormStatistics::Collect(&mut self.stats));
                    self.stats.batches += 1;
                    self.images_done += x.size()[0] as u64;
                }
                None => self.recalibration = None,
            }
            return false;
        }
        let split = match self.split {
            MeasuredSplit::Validation => &evaluator.validation,
            MeasuredSplit::Test => test,
        };
        let Some((x, labels)) = self.batches.next_batch(split) else {
            return true;
        };
        let logits = model.measure_batch(&self.views, &self.stats, (&x, &labels), &mut self.metrics);
        if let Some(all) = &mut self.probabilities {
            all.push(logits.softmax(-1, Kind::Float));
        }
        self.images_done += x.size()[0] as u64;
        false
    }

    /// The result. Waits for the device.
    pub fn into_result(self) -> MeasurementResult {
        let began = Instant::now();
        let measurement = self.metrics.finish();
        let seconds = self.seconds + began.elapsed().as_secs_f64();
        MeasurementResult {
            w: self.w,
            stats: self.stats,
            measurement,
            probabilities: self.probabilities.filter(|all| !all.is_empty()).map(|all| Tensor::cat(&all, 0)),
            seconds_per_image: seconds / self.images_done.max(1) as f64,
        }
    }
}
