//! Accuracy: the fraction of images whose largest logit is the label's.

use super::{ClassifiedBatch, MetricEstimate, MetricSpec, MetricUnit, wilson_interval};

pub(super) const SPEC: MetricSpec = MetricSpec {
    id: "accuracy",
    name: "accuracy",
    description: "Fraction of images classified correctly",
    unit: MetricUnit::Percent,
    higher_is_better: true,
    bounds: (0.0, 1.0),
    interval: Some("Wilson score"),
    sums: 1,
    accumulate,
    estimate,
};

fn accumulate(batch: &ClassifiedBatch, sums: &mut [f64]) {
    sums[0] += batch.outputs().filter(|output| output.prediction() == output.label).count() as f64;
}

fn estimate(sums: &[f64], images: u32) -> Option<MetricEstimate> {
    let value = sums[0] / f64::from(images);
    Some(MetricEstimate { value, interval: Some(wilson_interval(value, images)) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{Metric, MetricSums};

    #[test]
    fn the_largest_logit_counts_and_of_equal_ones_the_first() {
        let logits = [0.0, 2.0, 1.0, 5.0, 5.0, -1.0, f32::NAN, 9.0, 9.0];
        let mut sums = MetricSums::default();
        sums.add_batch(&ClassifiedBatch::new(&logits, &[1, 1, 0], 0.0));
        assert_eq!(sums.of(Metric::ACCURACY), [2.0]);
        assert_eq!(sums.estimate(Metric::ACCURACY, 3).unwrap().value, 2.0 / 3.0);
    }
}
