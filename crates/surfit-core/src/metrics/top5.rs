//! Top-5 accuracy: the fraction of images whose label is among the five largest logits.

use super::{ClassifiedBatch, MetricEstimate, MetricSpec, MetricUnit, wilson_interval};

/// How many of the largest logits count.
const RANKS: usize = 5;

pub(super) const SPEC: MetricSpec = MetricSpec {
    id: "top5",
    name: "top-5 accuracy",
    description: "Fraction of images whose class is among the five likeliest; not measured with five classes or fewer",
    unit: MetricUnit::Percent,
    higher_is_better: true,
    bounds: (0.0, 1.0),
    interval: Some("Wilson score"),
    // Hits, and images of which it means something.
    sums: 2,
    accumulate,
    estimate,
};

fn accumulate(batch: &ClassifiedBatch, sums: &mut [f64]) {
    // Of five classes all are among the first five.
    if batch.classes() > RANKS {
        sums[0] += batch.outputs().filter(|output| output.label_rank() < RANKS).count() as f64;
        sums[1] += batch.outputs().count() as f64;
    }
}

fn estimate(sums: &[f64], images: u32) -> Option<MetricEstimate> {
    let value = sums[0] / f64::from(images);
    (sums[1] > 0.0).then(|| MetricEstimate { value, interval: Some(wilson_interval(value, images)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums(logits: &[f32], labels: &[i64]) -> Vec<f64> {
        let mut sums = vec![0.0; SPEC.sums];
        accumulate(&ClassifiedBatch::new(logits, labels, 0.0), &mut sums);
        sums
    }

    #[test]
    fn a_label_counts_among_the_first_five_and_ties_go_by_the_order_of_the_classes() {
        // Ranks of the labels: 0, 4, 5 of seven classes.
        let falling = [7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0];
        let three = [falling, falling, falling].concat();
        assert_eq!(sums(&three, &[0, 4, 5]), [2.0, 3.0]);
        let found = estimate(&[2.0, 3.0], 3).unwrap();
        assert_eq!(found.value, 2.0 / 3.0);
        // Wilson's interval of 2 of 3, by hand: (0.2077, 0.9385).
        let (low, high) = found.interval.unwrap();
        assert!((low - 0.2077).abs() < 1e-4 && (high - 0.9385).abs() < 1e-4, "{low} {high}");
        // All alike: the first five classes come first.
        assert_eq!(sums(&[1.0; 12], &[4, 5]), [1.0, 2.0]);
    }

    #[test]
    fn of_five_classes_or_fewer_nothing_is_known() {
        for classes in 2..=5 {
            let found = sums(&vec![0.5; 3 * classes], &[0, 1, 0]);
            assert_eq!((found[1], estimate(&found, 3)), (0.0, None));
        }
    }
}
