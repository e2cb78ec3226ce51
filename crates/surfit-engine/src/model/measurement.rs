//! What a network is measured to be: the sums of every metric over the images that it has classified.

use super::cross_entropy;
use surfit_core::heatmap::{Cell, MeasuredPoint};

use surfit_core::metrics::{ClassifiedBatch, Metric, MetricSums, MetricValues};
use tch::{Device, Kind, Reduction, Tensor};

/// Sums over the images of a measurement.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Measurement {
    pub images: u32,
    pub sums: MetricSums,
}

impl Measurement {
    /// A measurement of which only correct images and the summed cross-entropy are known.
    pub fn from_counts(correct: u32, images: u32, loss_sum: f64) -> Self {
        let mut sums = MetricSums::default();
        sums.of_mut(Metric::ACCURACY)[0] = correct.into();
        sums.of_mut(Metric::LOSS)[0] = loss_sum;
        Self { images, sums }
    }

    pub fn correct(&self) -> u32 {
        self.sums.of(Metric::ACCURACY)[0] as u32
    }

    /// Sum of the cross-entropy in nats.
    pub fn loss_sum(&self) -> f64 {
        self.sums.of(Metric::LOSS)[0]
    }

    /// Fraction classified correctly.
    pub fn accuracy(&self) -> f64 {
        f64::from(self.correct()) / f64::from(self.images.max(1))
    }

    /// Returns the mean cross-entropy in nats.
    pub fn loss(&self) -> f64 {
        self.loss_sum() / f64::from(self.images.max(1))
    }

    /// Returns the ends of a metric's 95 % interval; `None` without images and without an interval.
    pub fn interval(&self, metric: Metric) -> Option<(f64, f64)> {
        self.sums.estimate(metric, self.images)?.interval
    }

    /// The larger, the better a network is to be chosen that was measured on the same images; ties go to the lower loss.
    pub fn selection_key(&self) -> (f64, f64) {
        let chosen_by = self.sums.estimate(Metric::SELECTION, self.images);
        (chosen_by.map_or(f64::NEG_INFINITY, |e| Metric::SELECTION.score(e.value)), -self.loss_sum())
    }

    /// Returns the values of the metrics other than accuracy and loss.
    pub fn other_metrics(&self) -> MetricValues {
        self.sums.values(self.images).others()
    }

    pub fn as_cell(&self, version: u64) -> Cell {
        Cell { values: self.sums.values(self.images), images: self.images, version }
    }

    pub fn as_point(&self, (u, v): (f64, f64)) -> MeasuredPoint {
        let (accuracy, loss) = (self.accuracy(), self.loss());
        MeasuredPoint { u, v, accuracy, loss, images: self.images, metrics: self.other_metrics() }
    }

    /// Adds what `logits`, `[N, classes]`, give besides correct images and loss, which are known.
    pub fn with_other_metrics(self, logits: &Tensor, labels: &Tensor) -> Self {
        let mut all = MetricAccumulator::default();
        all.add(logits, labels);
        let mut sums = all.finish().sums;
        for metric in [Metric::ACCURACY, Metric::LOSS] {
            sums.of_mut(metric).copy_from_slice(self.sums.of(metric));
        }
        Self { sums, ..self }
    }
}

impl std::ops::Add for Measurement {
    type Output = Self;

    fn add(mut self, other: Self) -> Self {
        self.images += other.images;
        self.sums += other.sums;
        self
    }
}

/// Logits that may wait on a device other than the CPU, so that it seldom waits for the host.
const MAX_UNREAD_LOGITS: usize = 4 << 20;

#[derive(Debug, Default)]
pub struct MetricAccumulator {
    measurement: Measurement,
    /// Logits, labels and summed cross-entropy of batches that the host has not read.
    unread: Vec<[Tensor; 3]>,
}

impl MetricAccumulator {
    /// Adds a batch of logits, `[N, classes]`, and labels, `[N]`.
    pub fn add(&mut self, logits: &Tensor, labels: &Tensor) {
        let wide = if logits.device() == Device::Mps { Kind::Float } else { Kind::Double };
        let loss = cross_entropy(logits, labels, Reduction::Sum, 0.0).to_kind(wide);
        self.unread.push([logits.shallow_clone(), labels.shallow_clone(), loss]);
        let waiting: usize = self.unread.iter().map(|[logits, ..]| logits.numel()).sum();
        if logits.device() == Device::Cpu || waiting > MAX_UNREAD_LOGITS {
            self.read();
        }
    }

    /// Returns the measurement. Waits for the device.
    pub fn finish(mut self) -> Measurement {
        self.read();
        self.measurement
    }

    fn read(&mut self) {
        let batches = std::mem::take(&mut self.unread);
        let all = |part: usize| batches.iter().map(move |batch| &batch[part]);
        let losses = host_values::<f64>(all(2));
        let (logits, labels) = (host_values::<f32>(all(0)), host_values::<i64>(all(1)));
        let (mut logits, mut labels) = (&logits[..], &labels[..]);
        for ([of_batch, of_images, _], loss) in batches.iter().zip(losses) {
            let (these, images);
            (these, logits) = logits.split_at(of_batch.numel());
            (images, labels) = labels.split_at(of_images.numel());
            self.measurement.images += images.len() as u32;
            self.measurement.sums.add_batch(&ClassifiedBatch::new(these, images, loss));
        }
    }
}

/// Reads tensors one behind the other, in one copy from their device.
fn host_values<'a, T: tch::kind::Element + Copy + Default>(tensors: impl Iterator<Item = &'a Tensor>) -> Vec<T> {
    let flat: Vec<Tensor> = tensors.map(|t| t.reshape([-1])).collect();
    if flat.is_empty() {
        return Vec::new();
    }
    let joined = Tensor::cat(&flat, 0).to_device(Device::Cpu).to_kind(T::KIND);
    let mut values = vec![T::default(); joined.numel()];
    let count = values.len();
    joined.copy_data(&mut values, count);
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Logits with ties and NaN, as `bf16` has them often, and a diverged network.
    fn awkward_batch(seed: i64, kind: i64) -> (Tensor, Tensor) {
        tch::manual_seed(seed);
        let logits = Tensor::randint(5, [97, 10], (Kind::Float, Device::Cpu));
        let labels = Tensor::randint(10, [97], (Kind::Int64, Device::Cpu));
        let logits = match kind {
            0 => logits,
            1 => logits.where_scalarother(&logits.ne(3.0), f64::NAN),
            _ => logits.where_scalarother(&logits.ne(4.0), f64::INFINITY),
        };
        (logits, labels)
    }

    #[test]
    fn accuracy_and_loss_are_those_of_libtorch_to_the_bit() {
        for (seed, kind) in (0..60).map(|n| (n, n % 3)) {
            let (logits, labels) = awkward_batch(seed, kind);
            let mut accumulator = MetricAccumulator::default();
            let mut expected = [0.0, 0.0];
            for (logits, labels) in logits.split(40, 0).iter().zip(labels.split(40, 0)) {
                accumulator.add(logits, &labels);
                expected[0] += logits.argmax(1, false).eq_tensor(&labels).sum(Kind::Double).double_value(&[]);
                let loss = cross_entropy(logits, &labels, Reduction::Sum, 0.0).to_kind(Kind::Double);
                expected[1] += loss.double_value(&[]);
            }
            let found = accumulator.finish();
            assert_eq!(found.images, 97);
            assert_eq!(f64::from(found.correct()), expected[0], "seed {seed}, kind {kind}");
            // The sign of a NaN depends on the order of the terms, and is not stored.
            let [one, two] =
                [found.loss_sum(), expected[1]].map(|sum| if sum.is_nan() { f64::NAN } else { sum }.to_bits());
            assert_eq!(one, two, "seed {seed}, kind {kind}");
        }
    }

    #[test]
    fn parts_together_are_the_whole() {
        let (logits, labels) = awkward_batch(7, 0);
        let measure = |range: std::ops::Range<i64>| {
            let mut accumulator = MetricAccumulator::default();
            let length = range.end - range.start;
            accumulator.add(&logits.narrow(0, range.start, length), &labels.narrow(0, range.start, length));
            accumulator.finish()
        };
        let (whole, parts) = (measure(0..97), measure(0..40) + measure(40..97));
        for metric in Metric::all() {
            let [one, two] = [whole, parts].map(|m| m.sums.estimate(metric, m.images).unwrap().value);
            assert!((one - two).abs() < 1e-6, "{metric}: {one} {two}");
        }
        let known = Measurement::from_counts(5, 97, 1.5).with_other_metrics(&logits, &labels);
        assert_eq!((known.correct(), known.loss_sum(), known.other_metrics()), (5, 1.5, whole.other_metrics()));
    }
}
