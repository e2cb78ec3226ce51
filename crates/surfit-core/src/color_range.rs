//! Which values the colours span.

use crate::axis_scale::{format_number, nice_number};
use crate::heatmap::{CellQuantity, Heatmap, Metric};

/// Figures beyond this count as this; it keeps every difference finite.
const MAX_MAGNITUDE: f64 = 1e150;

/// Kind of figure that the colours represent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RangeKind {
    /// Larger values are better.
    pub higher_is_better: bool,
    /// Fractions that are written as percentages or percentage points.
    pub percent: bool,
    /// Differences from zero, which has the middle of a diverging map.
    pub signed: bool,
    /// Smallest and largest value there can be.
    pub bounds: (f64, f64),
}

impl RangeKind {
    /// The kind of what is made of a metric.
    pub fn of_quantity(metric: Metric, quantity: CellQuantity) -> Self {
        match quantity {
            CellQuantity::Value => Self::of_metric(metric),
            CellQuantity::Gain => Self::of_difference(metric),
            CellQuantity::Width => Self { higher_is_better: false, bounds: (0.0, 1.0), ..Self::of_metric(metric) },
        }
    }

    /// The kind of a metric's own values.
    pub fn of_metric(metric: Metric) -> Self {
        let facts = metric.spec();
        let (percent, higher_is_better) = (metric.is_percent(), metric.higher_is_better());
        Self { higher_is_better, percent, signed: false, bounds: facts.bounds }
    }

    /// The kind of differences between a metric's values.
    pub fn of_difference(metric: Metric) -> Self {
        Self { signed: true, bounds: (f64::NEG_INFINITY, f64::INFINITY), ..Self::of_metric(metric) }
    }

    /// The least span worth a whole colour map: half a percentage point. Less is noise, and noise should not look like a
    /// landscape.
    fn min_span(self, size: f64) -> f64 {
        if self.percent { 0.005 } else { (size.abs() * 0.02).max(1e-6) }
    }
}

/// The span of values that colours, glyphs and digits represent.
///
/// Left alone it is chosen from the measured cells so that differences near the top are seen: a few very bad cells are
/// beyond its lower end. Its limits are natural numbers, so that it rests while cells come in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ColorRange {
    /// Smallest value of the range.
    pub lo: f64,
    /// Largest value of the range.
    pub hi: f64,
    /// Some values are below it, or above; they have the colour of that end.
    pub clipped: (bool, bool),
    /// The user chose it.
    pub fixed: bool,
    /// What kind of figure it spans. Colours grow lighter toward better values, also where smaller is better.
    pub kind: RangeKind,
}

impl ColorRange {
    /// The range for the measured cells of a heatmap.
    pub fn of_heatmap(heatmap: &Heatmap, metric: Metric) -> Self {
        let values = heatmap.cells.iter().filter_map(|c| c.value(metric));
        Self::of_values(values, RangeKind::of_metric(metric))
    }

    /// The range for those values: all but the worst fiftieth of them.
    pub fn of_values(values: impl IntoIterator<Item = f64>, kind: RangeKind) -> Self {
        let values = sorted(values);
        let (Some(&first), Some(&last)) = (values.first(), values.last()) else {
            let lo = if kind.signed { -1.0 } else { 0.0 };
            return Self { lo, hi: 1.0, clipped: (false, false), fixed: false, kind };
        };
        let (lo, hi) = if kind.signed { Self::about_zero(&values, kind) } else { Self::natural(&values, kind) };
        Self { lo, hi, clipped: (first < lo, last > hi), fixed: false, kind }
    }

    fn natural(values: &[f64], kind: RangeKind) -> (f64, f64) {
        let (cut, last) = (values.len() / 50, values.len() - 1);
        let (lo, hi) =
            if kind.higher_is_better { (values[cut], values[last]) } else { (values[0], values[last - cut]) };
        let least = kind.min_span(hi);
        let step = nice_number(((hi - lo) / 10.0).max(least / 10.0));
        let (mut low, mut high) = ((lo / step - 1e-6).floor() * step, (hi / step + 1e-6).ceil() * step);
        if high - low < least {
            let more = ((least - (high - low)) / (2.0 * step)).ceil() * step;
            (low, high) = (low - more, high + more);
        }
        let (low, high) = (low.max(kind.bounds.0), high.min(kind.bounds.1));
        (low, high.max(low + low.abs() * 1e-9 + 1e-9))
    }

    fn about_zero(values: &[f64], kind: RangeKind) -> (f64, f64) {
        let sizes = sorted(values.iter().map(|v| v.abs()));
        let far = sizes[sizes.len() - 1 - sizes.len() / 50];
        let far = far.max(kind.min_span(far) / 2.0);
        let step = nice_number(far / 5.0);
        let limit = (far / step - 1e-6).ceil() * step;
        (-limit, limit)
    }

    /// A range that the user chose, for those values.
    pub fn with_limits((lo, hi): (f64, f64), values: impl IntoIterator<Item = f64>, kind: RangeKind) -> Self {
        let values = sorted(values);
        let beyond = |v: Option<&f64>, out: fn(f64, f64) -> bool, end| v.is_some_and(|&v| out(v, end));
        Self {
            lo,
            hi,
            clipped: (beyond(values.first(), |v, end| v < end, lo), beyond(values.last(), |v, end| v > end, hi)),
            fixed: true,
            kind,
        }
    }

    /// Limits that are typed in the units of the colour bar, where fractions are percentages. Differences keep zero in the
    /// middle. `None` when they are no range.
    pub fn typed_limits(&self, lo: f64, hi: f64) -> Option<(f64, f64)> {
        let unit = if self.kind.percent { 100.0 } else { 1.0 };
        let (lo, hi) = (lo / unit, hi / unit);
        let (lo, hi) = match self.kind.signed {
            true => (-lo.abs().max(hi.abs()), lo.abs().max(hi.abs())),
            false => (lo, hi),
        };
        let usable = [lo, hi].iter().all(|x| x.is_finite() && x.abs() <= MAX_MAGNITUDE) && hi - lo >= 1e-9;
        usable.then_some((lo, hi))
    }

    /// How good a value is, 0 to 1.
    pub fn quality(&self, value: f64) -> f64 {
        let t = self.height(value);
        if self.kind.higher_is_better { t } else { 1.0 - t }
    }

    /// Position of a value in the range, 0 to 1, whether that is good or bad.
    pub fn height(&self, value: f64) -> f64 {
        let value = value.clamp(-MAX_MAGNITUDE, MAX_MAGNITUDE);
        let t = ((value - self.lo) / (self.hi - self.lo)).clamp(0.0, 1.0);
        if t.is_nan() { 0.0 } else { t }
    }

    /// The value at `t`, 0 (worst) to 1 (best).
    pub fn value_at(&self, t: f64) -> f64 {
        let t = if self.kind.higher_is_better { t } else { 1.0 - t };
        self.lo + t * (self.hi - self.lo)
    }

    /// How good a value is, in tenths: a digit from 0 to 9. Of a difference, how large it is.
    pub fn digit(&self, value: f64) -> u8 {
        let t = if self.kind.signed { (2.0 * self.height(value) - 1.0).abs() } else { self.quality(value) };
        (t * 10.0).floor().clamp(0.0, 9.0) as u8
    }

    /// What is written before the label of an end beyond which there are values.
    pub fn end_sign(&self, value: f64, ascii: bool) -> &'static str {
        if self.clipped.0 && value <= self.lo {
            if ascii { "<" } else { "≤" }
        } else if self.clipped.1 && value >= self.hi {
            if ascii { ">" } else { "≥" }
        } else {
            ""
        }
    }

    /// A value as it is written beside the bar, with as many decimals as the range needs.
    pub fn label(&self, value: f64) -> String {
        let (span, signed) = (self.hi - self.lo, self.kind.signed);
        if !self.kind.percent {
            let text = format_number(value, span / 20.0);
            return if signed && value > 0.0 { format!("+{text}") } else { text };
        }
        let decimals = match 100.0 * span {
            span if span > 20.0 => 0,
            span if span > 0.99 => 1,
            span if span > 0.099 => 2,
            _ => 3,
        };
        let value = 100.0 * value;
        match signed {
            true if value.abs() < 1e-9 => "0".into(),
            true => format!("{value:+.decimals$}"),
            false => format!("{value:.decimals$}"),
        }
    }
}

fn sorted(values: impl IntoIterator<Item = f64>) -> Vec<f64> {
    let finite = values.into_iter().filter(|v| v.is_finite());
    let mut values: Vec<f64> = finite.map(|v| v.clamp(-MAX_MAGNITUDE, MAX_MAGNITUDE)).collect();
    values.sort_by(f64::total_cmp);
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heatmap::Cell;
    use proptest::prelude::*;

    fn heatmap(correct: &[u32]) -> Heatmap {
        let mut h = Heatmap::new(crate::surface::Patch::Square, 11);
        for (cell, &correct) in h.cells.iter_mut().zip(correct) {
            *cell = Cell::from_counts(correct, 1000, 1.0 - correct as f32 / 1000.0, 0);
        }
        h
    }

    #[test]
    fn a_few_bad_cells_do_not_flatten_the_top() {
        let mut correct: Vec<u32> = (0..121).map(|k| 850 + k % 30).collect();
        correct[60] = 110;
        correct[61] = 300;
        let r = ColorRange::of_heatmap(&heatmap(&correct), Metric::ACCURACY);
        assert!(r.lo > 0.84 && (r.hi - 0.88).abs() < 1e-9, "{r:?}");
        assert_eq!((r.quality(0.11), r.clipped), (0.0, (true, false)));
        assert_eq!((r.end_sign(r.lo, false), r.end_sign(r.hi, false)), ("≤", ""));
        let l = ColorRange::of_heatmap(&heatmap(&correct), Metric::LOSS);
        assert!(l.hi < 0.17 && l.quality(0.12) > l.quality(0.15), "{l:?}");
        assert_eq!(l.end_sign(l.hi, true), ">");
    }

    #[test]
    fn equal_unmeasured_and_extreme_cells() {
        let r = ColorRange::of_heatmap(&Heatmap::new(crate::surface::Patch::Square, 5), Metric::ACCURACY);
        assert_eq!((r.lo, r.hi), (0.0, 1.0));
        for all in [0, 500, 1000] {
            let r = ColorRange::of_heatmap(&heatmap(&[all; 121]), Metric::ACCURACY);
            assert!(r.hi > r.lo && r.lo >= 0.0 && r.hi <= 1.0, "{r:?}");
        }
        let r = ColorRange::of_heatmap(&heatmap(&[0, 1000]), Metric::ACCURACY);
        assert_eq!((r.lo, r.hi, r.digit(1.0), r.digit(0.0), r.digit(0.55)), (0.0, 1.0, 9, 0, 5));
        assert_eq!(r.label(0.5), "50");
    }

    #[test]
    fn differences_have_zero_in_the_middle() {
        let kind = RangeKind::of_difference(Metric::ACCURACY);
        let r = ColorRange::of_values([-0.004, 0.012, 0.02], kind);
        assert_eq!((r.lo, r.quality(0.0)), (-r.hi, 0.5));
        assert_eq!((r.label(0.0), r.label(r.hi)), ("0".into(), "+2.0".into()));
        assert_eq!((r.digit(0.0), r.digit(-0.02)), (0, 9));
        let loss = ColorRange::of_values([-0.4, 0.1], RangeKind::of_difference(Metric::LOSS));
        assert!(loss.quality(-0.4) > 0.5, "less loss is better");
        assert_eq!(r.typed_limits(-1.0, 3.0), Some((-0.03, 0.03)));
    }

    #[test]
    fn a_typed_range_is_in_the_units_of_the_bar_and_says_what_it_cuts_off() {
        let values = [0.80, 0.85, 0.90];
        let r = ColorRange::of_values(values, RangeKind::of_metric(Metric::ACCURACY));
        let limits = r.typed_limits(82.0, 88.0).unwrap();
        assert_eq!(limits, (0.82, 0.88));
        let narrow = ColorRange::with_limits(limits, values, r.kind);
        assert!(narrow.fixed && narrow.clipped == (true, true), "{narrow:?}");
        assert_eq!((narrow.end_sign(narrow.lo, false), narrow.end_sign(narrow.hi, false)), ("≤", "≥"));
        for (lo, hi) in [(88.0, 82.0), (80.0, 80.0), (f64::NAN, 1.0), (0.0, f64::INFINITY)] {
            assert_eq!(r.typed_limits(lo, hi), None, "{lo} {hi}");
        }
        let loss = ColorRange::of_values([0.2, 0.9], RangeKind::of_metric(Metric::LOSS));
        assert_eq!(loss.typed_limits(0.3, 0.5), Some((0.3, 0.5)));
    }

    proptest! {
        #[test]
        fn any_values_and_any_typed_limits_give_a_usable_range(
            values in prop::collection::vec(any::<f64>(), 0..6), signed: bool, typed: (f64, f64),
        ) {
            for metric in Metric::all() {
                let kind = if signed { RangeKind::of_difference(metric) } else { RangeKind::of_metric(metric) };
                let mut r = ColorRange::of_values(values.iter().copied(), kind);
                if let Some(limits) = r.typed_limits(typed.0, typed.1) {
                    r = ColorRange::with_limits(limits, values.iter().copied(), kind);
                }
                prop_assert!(r.lo.is_finite() && r.hi > r.lo, "{:?}", r);
                for v in values.iter().filter(|v| v.is_finite()) {
                    prop_assert!((0.0..=1.0).contains(&r.quality(*v)));
                    r.label(*v);
                }
            }
        }
    }
}
