//! Exponential smoothing.

/// Exponential smoothing with its start corrected, over buckets of several steps too.
#[derive(Clone, Debug)]
pub struct Smoothing {
    decay: f64,
    sum: f64,
    weight: f64,
    /// Weight of the past over the last number of steps that was requested.
    cached_power: (u64, f64),
}

impl Smoothing {
    /// Smoothing with this weight of the past, per step.
    pub fn new(past: f64) -> Self {
        Self { decay: past, sum: 0.0, weight: 0.0, cached_power: (1, past) }
    }

    /// Takes in the mean of `count` steps and gives the smoothed value up to there; `None` for a gap.
    pub fn add(&mut self, value: Option<f64>, count: u64) -> Option<f64> {
        let value = value?;
        // Nearly all buckets are equally wide; `powf` would be most of the time a frame takes.
        if self.cached_power.0 != count {
            self.cached_power = (count, self.decay.powf(count as f64));
        }
        let past = self.cached_power.1;
        self.sum = past * self.sum + (1.0 - past) * value;
        self.weight = past * self.weight + (1.0 - past);
        (self.weight > 0.0).then(|| self.sum / self.weight)
    }
}
