//! Axes: from values to a place between 0 and 1, with limits and tick labels that people find natural.

/// Values beyond this are drawn at the edge; it keeps every difference and product finite.
const MAX_MAGNITUDE: f64 = 1e150;
/// A logarithmic axis spans at most this ratio, so that one tiny value does not flatten the rest.
const MAX_LOG_RATIO: f64 = 1e9;

/// One axis of a plot.
///
/// The limits are rounded outward to natural numbers. That is not only for looks: limits that move with every new
/// value would redraw the whole plot with each, and a slow line carries only so many characters a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AxisScale {
    /// Value at 0.
    pub lo: f64,
    /// Value at 1.
    pub hi: f64,
    /// Logarithmic; then both limits are positive.
    pub log: bool,
}

impl AxisScale {
    /// The axis that holds all finite `values`, of which a logarithmic axis takes only the positive ones.
    ///
    /// `None` when no value can be placed. A logarithmic axis without positive values becomes linear.
    pub fn covering(values: impl IntoIterator<Item = f64>, log: bool) -> Option<Self> {
        let (mut lo, mut hi) = (f64::INFINITY, f64::NEG_INFINITY);
        let mut positive = f64::INFINITY;
        for value in values.into_iter().filter(|v| v.is_finite()) {
            let value = value.clamp(-MAX_MAGNITUDE, MAX_MAGNITUDE);
            lo = lo.min(value);
            hi = hi.max(value);
            if value > 0.0 {
                positive = positive.min(value);
            }
        }
        if lo > hi {
            return None;
        }
        if log && hi > 0.0 {
            return Some(Self::logarithmic(positive.max(hi / MAX_LOG_RATIO).max(1e-300), hi.max(1e-299)));
        }
        Some(Self::linear(lo, hi))
    }

    fn linear(lo: f64, hi: f64) -> Self {
        let middle = (lo / 2.0 + hi / 2.0).abs();
        let least = (middle * 0.005).max(1e-9);
        let (lo, hi) = if hi - lo < least { (lo - least, hi + least) } else { (lo, hi) };
        let step = nice_number((hi - lo) / 8.0);
        let (mut low, high) = ((lo / step).floor() * step, (hi / step).ceil() * step);
        // A loss that comes near zero is better judged with zero in sight.
        if lo >= 0.0 && low < 0.25 * high {
            low = 0.0;
        }
        Self { lo: low, hi: high.max(low + step), log: false }
    }

    fn logarithmic(lo: f64, hi: f64) -> Self {
        let down = |x: f64| {
            let decade = 10f64.powf(x.log10().floor());
            [5.0, 2.0, 1.0].into_iter().map(|f| f * decade).find(|&c| c <= x * 1.000_001).unwrap_or(decade)
        };
        let up = |x: f64| {
            let decade = 10f64.powf(x.log10().floor());
            [1.0, 2.0, 5.0].into_iter().map(|f| f * decade).find(|&c| c >= x * 0.999_999).unwrap_or(10.0 * decade)
        };
        let (lo, hi) = (down(lo).max(1e-300), up(hi));
        if hi > lo * 1.5 { Self { lo, hi, log: true } } else { Self { lo: lo / 2.0, hi: hi * 2.0, log: true } }
    }

    /// Its length: of a logarithmic axis in decades.
    pub fn span(&self) -> f64 {
        if self.log { self.hi.log10() - self.lo.log10() } else { self.hi - self.lo }
    }

    /// Maps `value` to 0..1, clamped; `None` when it is not finite. On a logarithmic axis zero and below give 0.
    pub fn position_of(&self, value: f64) -> Option<f64> {
        if !value.is_finite() {
            return None;
        }
        let t = if !self.log {
            (value.clamp(-MAX_MAGNITUDE, MAX_MAGNITUDE) - self.lo) / (self.hi - self.lo)
        } else if value <= 0.0 {
            0.0
        } else {
            (value.ln() - self.lo.ln()) / (self.hi.ln() - self.lo.ln())
        };
        Some(if t.is_nan() { 0.0 } else { t.clamp(0.0, 1.0) })
    }

    /// At most `most` values (at least two when `most` allows) with labels, ascending.
    pub fn ticks(&self, most: usize) -> Vec<(f64, String)> {
        if most == 0 {
            return Vec::new();
        }
        let values = if self.log { self.log_ticks(most) } else { self.linear_ticks(most) };
        let gap = values.windows(2).map(|w| w[1] - w[0]).fold(f64::INFINITY, f64::min);
        let gap = if gap.is_finite() { gap } else { self.hi - self.lo };
        let log = self.log;
        let label = |v: f64| format_number(v, if log { v } else { gap });
        values.into_iter().map(|v| (v, label(v))).collect()
    }

    fn linear_ticks(&self, most: usize) -> Vec<f64> {
        let mut step = nice_number((self.hi - self.lo) / most as f64);
        for _ in 0..6 {
            // A hair of slack, so that a limit which is a multiple is not lost to rounding.
            let (first, last) = ((self.lo / step - 1e-6).ceil(), (self.hi / step + 1e-6).floor());
            let count = last - first + 1.0;
            if count >= 1.0 && count <= most as f64 {
                return (0..count as usize).map(|k| (first + k as f64) * step).collect();
            }
            if count < 1.0 {
                break;
            }
            step = nice_number(step * 1.01);
        }
        vec![self.lo]
    }

    fn log_ticks(&self, most: usize) -> Vec<f64> {
        let (first, last) = (self.lo.log10().floor() as i32, self.hi.log10().ceil() as i32);
        let with = |factors: &[f64], every: i32| -> Vec<f64> {
            (first..=last)
                .filter(|d| d.rem_euclid(every) == 0)
                .flat_map(|d| factors.iter().map(move |f| f * 10f64.powi(d)))
                .filter(|v| *v >= self.lo * 0.999_999 && *v <= self.hi * 1.000_001)
                .collect()
        };
        let mut choices = vec![with(&[1.0, 2.0, 5.0], 1), with(&[1.0, 3.0], 1)];
        choices.extend((1..=last - first + 1).map(|every| with(&[1.0], every)));
        choices.into_iter().find(|c| !c.is_empty() && c.len() <= most).unwrap_or_else(|| vec![self.lo])
    }
}

/// The smallest of 1, 2 and 5 times a power of ten that is not below `x`.
pub fn nice_number(x: f64) -> f64 {
    if !(x.is_finite() && x > 1e-300) {
        return 1e-300;
    }
    let decade = 10f64.powf(x.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|f| f * decade).find(|&c| c >= x * (1.0 - 1e-9)).unwrap_or(10.0 * decade)
}

/// The end of a step axis that has reached `end`: rounded up in jumps of a fifth or so, so that a growing curve does
/// not move all the time.
pub fn round_up_steps(end: u64) -> u64 {
    round_up(end.max(8) as f64).ceil() as u64
}

/// The same for any positive quantity.
pub fn round_up(end: f64) -> f64 {
    let decade = 10f64.powf(end.log10().floor());
    [1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0]
        .into_iter()
        .map(|f| f * decade)
        .find(|&c| c >= end)
        .unwrap_or(end)
}

/// A number with as many decimals as values that lie `gap` apart need; exponents where digits would not help.
pub fn format_number(value: f64, gap: f64) -> String {
    if value == 0.0 {
        return "0".into();
    }
    let size = value.abs();
    let plain = if gap >= 1.0 { 1e-4..1e6 } else { 1e-4..1e5 };
    if !plain.contains(&size) {
        return format!("{value:.0e}");
    }
    let decimals = (-(gap.abs().max(1e-9)).log10() - 1e-9).ceil().clamp(0.0, 6.0) as usize;
    format!("{value:.decimals$}")
}

/// A step count for an axis: `500`, `1k`, `12.5k`, `2M`.
pub fn steps_label(steps: f64) -> String {
    let trimmed = |x: f64, unit: &str| {
        let text = format!("{x:.2}");
        format!("{}{unit}", text.trim_end_matches('0').trim_end_matches('.'))
    };
    match steps {
        s if s >= 1e6 => trimmed(s / 1e6, "M"),
        s if s >= 1e4 => trimmed(s / 1e3, "k"),
        s => format!("{s:.0}"),
    }
}

/// A whole number with `separator` between its thousands.
pub fn group_digits(n: u64, separator: char) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (k, digit) in digits.chars().enumerate() {
        if k > 0 && (digits.len() - k).is_multiple_of(3) {
            out.push(separator);
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn limits_and_ticks_are_natural() {
        let s = AxisScale::covering([0.312, 2.31], false).unwrap();
        assert_eq!((s.lo, s.hi), (0.0, 2.5));
        let labels: Vec<String> = s.ticks(6).into_iter().map(|t| t.1).collect();
        assert_eq!(labels, ["0.0", "0.5", "1.0", "1.5", "2.0", "2.5"].map(|l| if l == "0.0" { "0" } else { l }));
        let s = AxisScale::covering([0.8412, 0.8791], false).unwrap();
        assert!((s.lo - 0.84).abs() < 1e-12 && (s.hi - 0.88).abs() < 1e-12, "{s:?}");
    }

    #[test]
    fn a_log_axis_takes_zero_and_nan() {
        let s = AxisScale::covering([0.0, -3.0, f64::NAN, f64::INFINITY, 0.013, 2.3], true).unwrap();
        assert!(s.log && s.lo == 0.01 && s.hi == 5.0, "{s:?}");
        assert_eq!(s.position_of(0.0), Some(0.0));
        assert_eq!(s.position_of(f64::NAN), None);
        let labels: Vec<String> = s.ticks(4).into_iter().map(|t| t.1).collect();
        assert_eq!(labels, ["0.01", "0.1", "1"]);
        assert!((s.position_of(0.1).unwrap() - (10f64).ln() / (500f64).ln()).abs() < 1e-12);
        // Nothing positive: the axis is linear rather than broken.
        assert!(!AxisScale::covering([0.0, -1.0], true).unwrap().log);
    }

    #[test]
    fn one_value_and_no_value() {
        let s = AxisScale::covering([0.5, 0.5], false).unwrap();
        assert!(s.lo < 0.5 && 0.5 < s.hi && s.position_of(0.5).unwrap() > 0.0);
        assert_eq!(AxisScale::covering([f64::NAN], false), None);
    }

    #[test]
    fn step_axes_jump_rarely() {
        let ends: std::collections::BTreeSet<u64> = (1000..10_000).map(round_up_steps).collect();
        assert!(ends.len() <= 11, "{ends:?}");
        assert!((1..5000).all(|s| round_up_steps(s) >= s));
        assert_eq!(steps_label(12_500.0), "12.5k");
        assert_eq!(steps_label(1200.0), "1200");
    }

    proptest! {
        #[test]
        fn any_values_give_a_usable_axis(values in prop::collection::vec(any::<f64>(), 1..6), log: bool, most in 0usize..12) {
            if let Some(s) = AxisScale::covering(values.iter().copied(), log) {
                prop_assert!(s.lo.is_finite() && s.hi.is_finite() && s.hi > s.lo, "{s:?}");
                for v in values.iter().filter(|v| v.is_finite()) {
                    let t = s.position_of(*v).unwrap();
                    prop_assert!((0.0..=1.0).contains(&t));
                }
                let ticks = s.ticks(most);
                prop_assert!(ticks.len() <= most);
                prop_assert!(most == 0 || !ticks.is_empty());
                prop_assert!(ticks.windows(2).all(|w| w[0].0 < w[1].0));
            }
        }
    }
}
