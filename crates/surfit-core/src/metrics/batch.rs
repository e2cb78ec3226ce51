//! A network's results on a batch of images.

use std::cmp::Ordering;

/// Logits and labels of a batch.
#[derive(Clone, Copy, Debug)]
pub struct ClassifiedBatch<'a> {
    logits: &'a [f32],
    labels: &'a [i64],
    /// Sum of the cross-entropy over the batch in nats, computed where the network is, as training computes it.
    pub cross_entropy: f64,
}

/// A network's result on one image.
#[derive(Clone, Copy, Debug)]
pub struct ImageOutput<'a> {
    /// A logit for every class.
    pub logits: &'a [f32],
    /// Class that the image is of.
    pub label: usize,
}

impl<'a> ClassifiedBatch<'a> {
    /// A batch of logits, row by row of the matrix `[N, classes]`, and labels, `[N]`.
    pub fn new(logits: &'a [f32], labels: &'a [i64], cross_entropy: f64) -> Self {
        Self { logits, labels, cross_entropy }
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.logits.len() / self.labels.len().max(1)
    }

    /// Every image of the batch.
    pub fn outputs(&self) -> impl Iterator<Item = ImageOutput<'a>> {
        let rows = self.logits.chunks_exact(self.classes().max(1));
        rows.zip(self.labels).map(|(logits, &label)| ImageOutput { logits, label: label as usize })
    }
}

impl ImageOutput<'_> {
    /// The class with the largest logit, the first of equal ones. A NaN is larger than any number, as it is to libtorch.
    pub fn prediction(&self) -> usize {
        let mut best = 0;
        for (class, &logit) in self.logits.iter().enumerate().skip(1) {
            if compare_logits(logit, self.logits[best]).is_gt() {
                best = class;
            }
        }
        best
    }

    /// How many classes come before the label's when they are sorted as [`ImageOutput::prediction`] chooses.
    pub fn label_rank(&self) -> usize {
        let Some(&own) = self.logits.get(self.label) else {
            return self.logits.len();
        };
        let before = |(class, &logit): (usize, &f32)| match compare_logits(logit, own) {
            Ordering::Greater => true,
            Ordering::Equal => class < self.label,
            Ordering::Less => false,
        };
        self.logits.iter().enumerate().filter(|&entry| before(entry)).count()
    }

    /// The largest class probability; NaN where the logits are not finite.
    pub fn confidence(&self) -> f64 {
        let top = self.logits[self.prediction()];
        1.0 / self.logits.iter().map(|&logit| f64::from((logit - top).exp())).sum::<f64>()
    }
}

fn compare_logits(one: f32, other: f32) -> Ordering {
    one.partial_cmp(&other).unwrap_or_else(|| one.is_nan().cmp(&other.is_nan()))
}
