//! Expected calibration error: how far confidence is from accuracy, over equal-width bins of confidence (Guo et al. 2017).

use super::{ClassifiedBatch, MetricEstimate, MetricSpec, MetricUnit};

/// Number of bins; the confidences of bin `b` are in `(b/15, (b + 1)/15]`.
const BINS: usize = 15;

pub(super) const SPEC: MetricSpec = MetricSpec {
    id: "ece",
    name: "calibration error",
    description: "Expected calibration error: distance of accuracy to confidence, over 15 equal-width bins",
    unit: MetricUnit::Percent,
    higher_is_better: false,
    bounds: (0.0, 1.0),
    // Sampling noise of every bin adds to the estimate, so it is too large by about as much as it varies, or more. An
    // interval round it would not hold the true error of a well calibrated network.
    interval: None,
    // Correct images less the sum of confidences, of every bin; and images.
    sums: BINS + 1,
    accumulate,
    estimate,
};

fn accumulate(batch: &ClassifiedBatch, sums: &mut [f64]) {
    for output in batch.outputs() {
        let confidence = output.confidence();
        let bin = ((confidence * BINS as f64).ceil() as usize).clamp(1, BINS) - 1;
        sums[bin] += f64::from(u8::from(output.prediction() == output.label)) - confidence;
        sums[BINS] += 1.0;
    }
}

fn estimate(sums: &[f64], images: u32) -> Option<MetricEstimate> {
    // `n_b/n · |accuracy − confidence|` of a bin is the distance of its sums over all images.
    let value = sums[..BINS].iter().map(|gap| gap.abs()).sum::<f64>() / f64::from(images);
    (sums[BINS] > 0.0 && value.is_finite()).then_some(MetricEstimate { value, interval: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Logits of two classes of which the first has the probability `p`.
    fn logits(p: f64) -> [f32; 2] {
        [(p / (1.0 - p)).ln() as f32, 0.0]
    }

    fn calibration_error(outputs: &[(f64, i64)]) -> f64 {
        let logits: Vec<f32> = outputs.iter().flat_map(|&(p, _)| logits(p)).collect();
        let labels: Vec<i64> = outputs.iter().map(|&(_, label)| label).collect();
        let mut sums = vec![0.0; SPEC.sums];
        accumulate(&ClassifiedBatch::new(&logits, &labels, 0.0), &mut sums);
        estimate(&sums, labels.len() as u32).unwrap().value
    }

    #[test]
    fn bins_are_weighed_by_their_images() {
        // Bin (0.8667, 0.9333] has three images of confidence 0.9, two right: a gap of 2.7 - 2. Bin (0.5333, 0.6] has one
        // of 0.58, right: 0.42. Together 1.12 over four images.
        let found = calibration_error(&[(0.9, 0), (0.9, 0), (0.9, 1), (0.58, 0)]);
        assert!((found - 1.12 / 4.0).abs() < 1e-6, "{found}");
        // In one bin, too much and too little confidence make up for each other: 0.88 and 0.92, one of two right.
        let found = calibration_error(&[(0.88, 0), (0.92, 1)]);
        assert!((found - 0.4).abs() < 1e-6, "{found}");
    }

    #[test]
    fn a_network_that_is_sure_and_right_has_no_error_and_a_diverged_one_no_value() {
        let mut sums = vec![0.0; SPEC.sums];
        accumulate(&ClassifiedBatch::new(&[90.0, -90.0, 0.0, 99.0], &[0, 1], 0.0), &mut sums);
        assert_eq!(estimate(&sums, 2).unwrap().value, 0.0);
        accumulate(&ClassifiedBatch::new(&[f32::NAN, 0.0], &[0], 0.0), &mut sums);
        assert_eq!(estimate(&sums, 3), None);
    }

    proptest! {
        #[test]
        fn a_constant_predictor_as_often_right_as_it_says_has_no_error(right in 11u32..20, times in 1u32..5) {
            let outputs: Vec<(f64, i64)> =
                (0..20 * times).map(|n| (f64::from(right) / 20.0, i64::from(n % 20 >= right))).collect();
            prop_assert!(calibration_error(&outputs) < 1e-6);
        }

        #[test]
        fn sums_of_parts_are_those_of_the_whole(
            outputs in prop::collection::vec((0.01f64..0.99, 0i64..2), 2..60), cut in 1usize..59,
        ) {
            let cut = cut.min(outputs.len() - 1);
            let flat: Vec<f32> = outputs.iter().flat_map(|&(p, _)| logits(p)).collect();
            let labels: Vec<i64> = outputs.iter().map(|&(_, label)| label).collect();
            let (mut whole, mut parts) = (vec![0.0; SPEC.sums], vec![0.0; SPEC.sums]);
            accumulate(&ClassifiedBatch::new(&flat, &labels, 0.0), &mut whole);
            for range in [0..cut, cut..labels.len()] {
                let logits = &flat[2 * range.start..2 * range.end];
                accumulate(&ClassifiedBatch::new(logits, &labels[range], 0.0), &mut parts);
            }
            let gap = whole.iter().zip(&parts).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            prop_assert!(gap < 1e-9, "{gap}");
        }
    }
}
