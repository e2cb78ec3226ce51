//! Which part of the step or time axis is shown.

use super::curves;
use crate::views::loss::LossView;
use surfit_core::axis_scale;
use surfit_core::event::LossCurve;
use surfit_core::run_state::RunState;
use surfit_core::series::Series;

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AxisWindow {
    pub from: f64,
    pub to: f64,
    /// It reached the end of the curve when it was chosen: it goes along with the curve.
    pub follows_end: bool,
}

impl AxisWindow {
    pub fn visible_range(&self, extent: &CurveExtent) -> (f64, f64) {
        let width = self.to - self.from;
        if !self.follows_end || extent.end <= self.to {
            return (self.from, self.to);
        }
        // In jumps, so that the axis rests in between.
        let jump = extent.rounded(width / 8.0);
        let to = self.to + ((extent.end - self.to) / jump).ceil() * jump;
        (to - width, to)
    }
}

/// How far the curves reach, in the axis' unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CurveExtent {
    /// Where the longest of the run's own curves ends.
    pub end: f64,
    pub longest: f64,
    /// Where the fit will end, when that is known and not too far.
    planned: Option<f64>,
    time: bool,
}

impl CurveExtent {
    /// The extent of what a view shows; `None` before there is a curve.
    pub fn of(run_state: &RunState, view: &LossView) -> Option<Self> {
        let shown = curves::curves_to_show(run_state, view.show_corners);
        let end_of = |run_state: &RunState, curve: &LossCurve| -> Option<f64> {
            let end = run_state.curves.get(curve).filter(|s| !s.is_empty())?.end_step();
            if view.time { run_state.tracks.get(curve).map(|t| t.seconds()) } else { Some((end.max(1) - 1) as f64) }
        };
        let own = shown.iter().filter_map(|c| end_of(run_state, c));
        let end = own.max_by(f64::total_cmp)?;
        let others = view.overlays.iter();
        let longest = others.filter_map(|o| end_of(&o.run_state, &LossCurve::Surface)).fold(end, f64::max);
        let total = run_state.snapshot.as_ref().map_or(0, |s| s.fit_total) as f64 - 1.0;
        let fit = shown.contains(&LossCurve::Surface) && !view.time;
        // Once a good part of the fit is done its whole length is the calmest axis, and shows how far it is.
        let planned = (fit && total >= longest && total <= 4.0 * (end + 1.0)).then_some(total);
        Some(Self { end, longest, planned, time: view.time })
    }

    /// A width or stride: whole steps, or any time.
    fn rounded(&self, width: f64) -> f64 {
        if self.time { width.max(1e-3) } else { width.round().max(1.0) }
    }

    fn min_width(&self) -> f64 {
        if self.time { (self.longest / 1e5).max(0.05) } else { 8.0 }
    }

    /// The whole axis, rounded up so that it does not move all the time.
    pub fn full_range(&self) -> (f64, f64) {
        let to = match self.planned {
            Some(planned) => planned,
            None if self.time => axis_scale::round_up(self.longest.max(1.0)),
            None => axis_scale::round_up_steps(self.longest as u64 + 1) as f64 - 1.0,
        };
        (0.0, to.max(1.0))
    }

    /// The recent part: the last fifth.
    pub fn recent_range(&self) -> (f64, f64) {
        if self.time {
            let width = (self.end / 5.0).max(10.0_f64.min(self.end)).max(0.05);
            let jump = width / 8.0;
            let from = ((self.end - width) / jump).ceil().max(0.0) * jump;
            return (from, from + width + jump);
        }
        let end = self.end as u64 + 1;
        let window = (end / 5).clamp(200, Series::MAX_RECENT as u64 - 256);
        let jump = (window / 8).max(1);
        let from = end.saturating_sub(window).div_ceil(jump) * jump;
        let jump = ((end - from) / 8).max(1);
        let to = (end.div_ceil(jump) * jump).max(from + 2) - 1;
        (from as f64, to as f64)
    }

    /// `window` with its width multiplied by `factor`, `fixed` staying where it is; `None` when that is all there is.
    pub fn zoomed(&self, (from, to): (f64, f64), fixed: f64, factor: f64) -> Option<AxisWindow> {
        let (start, end) = self.full_range();
        let width = self.rounded(((to - from) * factor).max(self.min_width()));
        if width >= end - start {
            return None;
        }
        let part = ((fixed - from) / (to - from)).clamp(0.0, 1.0);
        Some(self.window_at(fixed - part * width, width))
    }

    /// The part between two places, at least as wide as the resolution; `None` when that is all there is.
    pub fn window_between(&self, from: f64, to: f64) -> Option<AxisWindow> {
        let (start, end) = self.full_range();
        let width = self.rounded((to - from).max(self.min_width()));
        (width < end - start).then(|| self.window_at(from, width))
    }

    /// `window` moved by this many of its widths, within the axis.
    pub fn panned(&self, (from, to): (f64, f64), widths: f64) -> AxisWindow {
        let width = to - from;
        let by = if self.time { widths * width } else { (widths * width).round() };
        self.window_at(from + by, width)
    }

    fn window_at(&self, from: f64, width: f64) -> AxisWindow {
        let (start, end) = self.full_range();
        let from = if self.time { from } else { from.round() };
        let from = from.min(end - width).max(start);
        let to = from + width;
        let follows = from <= self.end && self.end <= to;
        AxisWindow { from, to, follows_end: follows }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn extent(end: f64) -> CurveExtent {
        CurveExtent { end, longest: end, planned: None, time: false }
    }

    #[test]
    fn the_recent_window_moves_in_jumps() {
        let starts: std::collections::BTreeSet<u64> =
            (9000..10_000).map(|e| extent(f64::from(e)).recent_range().0 as u64).collect();
        assert!(starts.len() < 12, "{starts:?}");
        for end in 0..20_000 {
            let end = f64::from(end);
            let (from, to) = extent(end).recent_range();
            assert!(from <= end && end <= to, "{end}: {from}..{to}");
        }
        assert_eq!(extent(149.0).recent_range().0, 0.0);
    }

    #[test]
    fn a_window_at_the_end_goes_along_and_one_in_the_middle_stays() {
        let e = extent(1000.0);
        let at_end = e.zoomed(e.full_range(), 1000.0, 0.25).unwrap();
        assert!(at_end.follows_end && at_end.to >= 1000.0);
        let later = extent(1100.0);
        let (from, to) = at_end.visible_range(&later);
        assert!(to >= 1100.0 && to - from == at_end.to - at_end.from);
        let jumps: std::collections::BTreeSet<u64> =
            (1000..1400).map(|end| at_end.visible_range(&extent(f64::from(end))).1 as u64).collect();
        assert!(jumps.len() < 20, "{jumps:?}");
        let middle = e.zoomed(e.full_range(), 300.0, 0.25).unwrap();
        assert!(!middle.follows_end);
        assert_eq!(middle.visible_range(&later), (middle.from, middle.to));
    }

    proptest! {
        #[test]
        fn zooming_and_panning_stay_within_the_axis(end in 0u64..2_000_000, time: bool, moves in prop::collection::vec((0.2f64..5.0, 0.0f64..1.0, -2.0f64..2.0), 0..30)) {
            let e = CurveExtent { time, ..extent(end as f64) };
            let all = e.full_range();
            let mut shown = all;
            for (factor, part, pan) in moves {
                let fixed = shown.0 + part * (shown.1 - shown.0);
                let zoomed = e.zoomed(shown, fixed, factor);
                shown = zoomed.map_or(all, |w| w.visible_range(&e));
                if zoomed.is_some() {
                    shown = e.panned(shown, pan).visible_range(&e);
                }
                prop_assert!(shown.0 >= all.0 && shown.1 <= all.1 + 1e-6 && shown.1 > shown.0, "{shown:?} of {all:?}");
            }
        }
    }
}
