//! Learning rate over the steps of a training.

/// Linear warm-up over the first `warmup` (a fraction) of `total` steps, then a half cosine down to `floor` of the
/// peak. The result multiplies the configured rate; it is in `(0, 1]` for every step.
pub fn warmup_cosine(step: u64, total: u64, warmup: f64, floor: f64) -> f64 {
    let total = total.max(1) as f64;
    let at = (step as f64 + 0.5).min(total);
    let rise = warmup * total;
    if at < rise {
        return at / rise;
    }
    let x = (at - rise) / (total - rise).max(1.0);
    floor + (1.0 - floor) * 0.5 * (1.0 + (std::f64::consts::PI * x).cos())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rises_then_falls_to_the_floor() {
        let f = |s| warmup_cosine(s, 1000, 0.1, 0.01);
        assert!(f(0) > 0.0 && f(0) < 0.01);
        assert!((f(100) - 1.0).abs() < 1e-3);
        assert!(f(99) > f(50) && f(500) > f(900));
        assert!(f(999) < 0.0101 && f(999) >= 0.01);
        assert!((0..1000).all(|s| f(s) > 0.0 && f(s) <= 1.0));
        assert!(warmup_cosine(0, 0, 0.1, 0.01).is_finite());
    }
}
