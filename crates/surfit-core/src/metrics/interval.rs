//! Confidence intervals that metrics share.

/// Returns the 95 % interval of a fraction of `count` images (Wilson score).
pub fn wilson_interval(fraction: f64, count: u32) -> (f64, f64) {
    let (p, n) = (fraction, f64::from(count));
    let z2 = 1.96f64 * 1.96;
    let centre = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = 1.96 * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt() / (1.0 + z2 / n);
    (centre - half, centre + half)
}
