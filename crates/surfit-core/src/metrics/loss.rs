//! Loss: the mean cross-entropy.

use super::{ClassifiedBatch, MetricEstimate, MetricSpec, MetricUnit};

pub(super) const SPEC: MetricSpec = MetricSpec {
    id: "loss",
    name: "loss",
    description: "Mean cross-entropy, without label smoothing",
    unit: MetricUnit::Plain("nats"),
    higher_is_better: false,
    bounds: (0.0, f64::INFINITY),
    interval: None,
    sums: 1,
    accumulate,
    estimate,
};

fn accumulate(batch: &ClassifiedBatch, sums: &mut [f64]) {
    sums[0] += batch.cross_entropy;
}

fn estimate(sums: &[f64], images: u32) -> Option<MetricEstimate> {
    // Heatmaps have always stored single precision.
    let value = f64::from((sums[0] / f64::from(images)) as f32);
    value.is_finite().then_some(MetricEstimate { value, interval: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_is_of_single_precision_and_a_diverged_network_has_none() {
        assert_eq!(estimate(&[1.0], 3).unwrap().value, f64::from(1.0f32 / 3.0));
        assert_eq!(estimate(&[f64::NAN], 3), None);
        assert_eq!(estimate(&[f64::INFINITY], 3), None);
    }
}
