//! Learning rate over the steps of a training.

use serde::{Deserialize, Serialize};

/// The course of a learning rate after its warm-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LrDecay {
    /// Half a cosine down to a hundredth.
    #[default]
    Cosine,
    /// Multiplied by `gamma` at every milestone.
    Step,
    /// The whole rate for the first half, then linearly down to a hundredth at 90 % (Garipov et al. 2018).
    Linear,
    /// The same to the end.
    Constant,
}

/// A learning rate's schedule, as factors of its peak.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule<'a> {
    /// Fraction of the steps over which the rate rises linearly.
    pub warmup: f64,
    /// What comes then.
    pub decay: LrDecay,
    /// For [`LrDecay::Step`]: fractions of the whole training at which the rate falls.
    pub milestones: &'a [f64],
    /// For [`LrDecay::Step`]: what it is multiplied with there.
    pub gamma: f64,
}

/// The floor of falling courses, as a share of the peak.
pub const MIN_LR_FACTOR: f64 = 0.01;

impl Schedule<'_> {
    /// What the peak rate is multiplied with in step `step` of `total`: in `(0, 1]` for every step.
    pub fn factor(&self, step: u64, total: u64) -> f64 {
        let total = total.max(1) as f64;
        let at = (step as f64 + 0.5).min(total);
        let rise = self.warmup * total;
        if at < rise {
            return at / rise;
        }
        let whole = at / total;
        match self.decay {
            LrDecay::Cosine => {
                let x = (at - rise) / (total - rise).max(1.0);
                MIN_LR_FACTOR + (1.0 - MIN_LR_FACTOR) * 0.5 * (1.0 + (std::f64::consts::PI * x).cos())
            }
            LrDecay::Step => {
                let passed = self.milestones.iter().filter(|m| whole >= **m).count();
                self.gamma.powi(passed as i32)
            }
            LrDecay::Linear => {
                let fallen = ((whole - 0.5) / 0.4).clamp(0.0, 1.0);
                (1.0 - fallen) + MIN_LR_FACTOR * fallen
            }
            LrDecay::Constant => 1.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(course: LrDecay) -> Schedule<'static> {
        Schedule { warmup: 0.1, decay: course, milestones: &[0.625, 0.875], gamma: 0.2 }
    }

    #[test]
    fn the_cosine_rises_then_falls_to_the_floor() {
        let f = |s| schedule(LrDecay::Cosine).factor(s, 1000);
        assert!(f(0) > 0.0 && f(0) < 0.01);
        assert!((f(100) - 1.0).abs() < 1e-3);
        assert!(f(99) > f(50) && f(500) > f(900));
        assert!(f(999) < 0.0101 && f(999) >= 0.01);
        assert!((0..1000).all(|s| f(s) > 0.0 && f(s) <= 1.0));
        assert!(schedule(LrDecay::Cosine).factor(0, 0).is_finite());
    }

    #[test]
    fn steps_fall_at_their_milestones() {
        // 160 epochs, ×0.2 at 100 and 140, as in the paper.
        let f = |epoch| schedule(LrDecay::Step).factor(epoch, 160);
        assert_eq!((f(99), f(100), f(139), f(140)), (1.0, 0.2, 0.2, 0.2f64.powi(2)));
    }

    #[test]
    fn the_linear_course_is_constant_then_falls_and_stays() {
        let f = |s| schedule(LrDecay::Linear).factor(s, 1000);
        assert_eq!((f(200), f(499)), (1.0, 1.0));
        assert!((f(700) - 0.505).abs() < 0.01);
        assert!((f(899) - 0.01).abs() < 2e-3 && f(999) == 0.01);
        assert_eq!(schedule(LrDecay::Constant).factor(999, 1000), 1.0);
    }
}
