//! Confidence intervals that metrics share.

/// Returns the 95 % interval of a fraction of `count` images (Wilson score): within 0 and 1, with the fraction in it.
pub fn wilson_interval(fraction: f64, count: u32) -> (f64, f64) {
    let (p, n) = (fraction.clamp(0.0, 1.0), f64::from(count.max(1)));
    let z2 = 1.96f64 * 1.96;
    let centre = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = 1.96 * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt() / (1.0 + z2 / n);
    // For a fraction of 0 or 1 rounding carries an end past it.
    ((centre - half).clamp(0.0, p), (centre + half).clamp(p, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_interval_lies_within_0_and_1_and_holds_the_fraction(
            fraction in prop_oneof![Just(0.0f64), Just(1.0), 0.0f64..=1.0], count in 1u32..=1_000_000,
        ) {
            let (low, high) = wilson_interval(fraction, count);
            prop_assert!(0.0 <= low && low <= fraction && fraction <= high && high <= 1.0, "{low} {high}");
        }

        #[test]
        fn a_fraction_that_is_none_gives_the_interval_of_the_nearest(excess in 0.0f64..1e9, count in 0u32..1000) {
            prop_assert_eq!(wilson_interval(1.0 + excess, count), wilson_interval(1.0, count));
            prop_assert_eq!(wilson_interval(-excess, count), wilson_interval(0.0, count));
        }
    }
}
