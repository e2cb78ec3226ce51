//! The plot of loss curves: what is decided before the first character is drawn. `curve_draw` draws it.

use super::curves::{self, CurveOwner, CurveRequest, PlotTrace};
use super::ticks;
use crate::theme::ThemeRole;
use crate::views::loss::LossView;
use ratatui::layout::Rect;
use surfit_core::axis_scale::AxisScale;
use surfit_core::draws::FitPhase;
use surfit_core::event::LossCurve;
use surfit_core::run_state::RunState;
use surfit_core::series::StepTrack;

/// A smoothed value this many times as large as the usual and the early ones has diverged: it does not set the axis.
const DIVERGENCE_FACTOR: f64 = 5.0;

#[derive(Clone, Debug)]
pub struct CurvePlot {
    /// Characters of the curves, axes not counted.
    pub area: Rect,
    /// Characters of the learning rate, a line above them for its name.
    pub rate_area: Option<Rect>,
    pub(super) gutter: u16,
    pub(super) foot: u16,
    /// The curves, in the order of their inks; that of this run which grows is the last.
    pub traces: Vec<PlotTrace>,
    pub(super) smooth: bool,
    pub(super) time: bool,
    pub x: AxisScale,
    pub y: AxisScale,
    pub(super) rate_scale: AxisScale,
    pub(super) degrees: Vec<(f64, String)>,
    pub(super) phases: Vec<(f64, &'static str)>,
    track: Option<StepTrack>,
}

impl CurvePlot {
    /// The plot in the area `inner`; `None` before there is a curve.
    pub fn of(inner: Rect, run_state: &RunState, view: &LossView) -> Option<CurvePlot> {
        let shown = curves::curves_to_show(run_state, view.show_corners);
        let (from, to) = view.window(run_state)?;
        let wanted = CurveRequest { window: (from, to), time: view.time, smoothing: view.smoothing() };
        let others = view.overlays.iter().enumerate();
        let others = others
            .filter_map(|(n, run)| PlotTrace::of(&run.run_state, LossCurve::Surface, CurveOwner::Other(n), &wanted));
        let own = shown.iter().filter_map(|c| PlotTrace::of(run_state, *c, CurveOwner::Own(*c), &wanted));
        let traces: Vec<PlotTrace> = others.chain(own).collect();
        let y = loss_axis(&traces, view);
        let rates = traces.iter().flat_map(|t| t.rates.iter().map(|r| r.1));
        let rate = AxisScale::covering(rates.chain([0.0]), false).unwrap_or(y);

        let foot = match inner.height {
            0..=3 => 0,
            4..=6 => 1,
            _ => 2,
        };
        let rows = match inner.height {
            _ if !view.show_learning_rate => 0,
            0..=10 => 0,
            11..=17 => 3,
            18..=29 => 4,
            _ => 6,
        };
        let labels = y.ticks(6).into_iter().map(|t| t.1.len());
        let label = (rows > 0).then(|| rate_label(rate.hi).len());
        let widest = labels.chain(label).max().unwrap_or(0) as u16;
        let gutter = if inner.width >= widest + 14 { widest + 1 } else { 0 };
        let area =
            Rect { x: inner.x + gutter, width: inner.width - gutter, height: inner.height - foot - rows, ..inner };
        let rate_area = (rows > 0).then(|| Rect { y: area.bottom() + 1, height: rows - 1, ..area });
        let track = shown.last().and_then(|c| run_state.tracks.get(c)).cloned();
        let x = AxisScale { lo: from, hi: to, log: false };
        let mut plot = CurvePlot {
            area,
            rate_area,
            gutter,
            foot,
            traces,
            smooth: view.smooth,
            time: view.time,
            x,
            y,
            rate_scale: rate,
            degrees: Vec::new(),
            phases: Vec::new(),
            track,
        };
        if shown.contains(&LossCurve::Surface) {
            plot.set_degree_and_phase_marks(run_state);
        }
        Some(plot)
    }

    fn set_degree_and_phase_marks(&mut self, run_state: &RunState) {
        let inside = |x: &f64| (self.x.lo..=self.x.hi).contains(x);
        let degrees = run_state.degree_changes.iter();
        self.degrees = degrees.map(|c| (self.step_position(c.0), c.2.to_string())).filter(|d| inside(&d.0)).collect();
        // A fit of the interior alone needs no distinction.
        if run_state.phases.iter().any(|p| p.1 != FitPhase::Interior) {
            let name = |phase| match phase {
                FitPhase::Trunk => "trunk",
                FitPhase::Edge => "edges",
                FitPhase::Interior => "interior",
            };
            let phases = run_state.phases.iter();
            self.phases = phases.map(|p| (self.step_position(p.0), name(p.1))).filter(|p| inside(&p.0)).collect();
        }
    }

    fn step_position(&self, step: u64) -> f64 {
        match self.track.as_ref().filter(|_| self.time) {
            Some(track) => track.mark_at(step as f64).map_or(0.0, |m| m.seconds),
            None => step as f64,
        }
    }

    pub fn step_at(&self, x: f64) -> u64 {
        let step = match self.track.as_ref().filter(|_| self.time) {
            Some(track) => track.step_at(x).map_or(0.0, |s| s - 1.0),
            None => x,
        };
        step.round().max(0.0) as u64
    }

    pub fn seconds_at(&self, x: f64) -> Option<f64> {
        if self.time {
            return Some(x);
        }
        self.track.as_ref()?.mark_at(x + 1.0).map(|m| m.seconds)
    }

    pub fn rate_at(&self, x: f64) -> Option<f64> {
        let step = self.step_at(x) as f64;
        self.track.as_ref()?.mark_at(step + 1.0).map(|m| m.rate)
    }

    /// The place along the axis of a column of the screen; whole steps when columns are finer than these.
    pub fn x_at(&self, column: u16) -> f64 {
        let last = f64::from(self.area.width.saturating_sub(1).max(1));
        let t = f64::from(column.saturating_sub(self.area.x)) / last;
        let x = self.x.lo + t.min(1.0) * (self.x.hi - self.x.lo);
        if self.time { x } else { x.round() }
    }

    pub fn trace_role(&self, trace: usize) -> ThemeRole {
        match self.traces.get(trace).map(|t| t.name) {
            Some(CurveOwner::Own(LossCurve::Corner(c))) => ThemeRole::corner(c),
            Some(CurveOwner::Other(n)) => ThemeRole::corner(n),
            _ => ThemeRole::CurveSmooth,
        }
    }

    /// The character column of a place within `area`.
    pub fn column(&self, x: f64) -> u16 {
        let last = f64::from(self.area.width.saturating_sub(1));
        self.area.x + (self.x.position_of(x).unwrap_or(0.0) * last).round() as u16
    }

    /// The character row of a loss within `area`; `None` when it is not a number.
    pub(super) fn row(&self, value: f64) -> Option<u16> {
        let last = f64::from(self.area.height.saturating_sub(1));
        Some(self.area.y + ((1.0 - self.y.position_of(value)?) * last).round() as u16)
    }

    pub(super) fn x_ticks(&self) -> Vec<(f64, String)> {
        let most = usize::from(self.area.width / 10).clamp(2, 12);
        if self.time { ticks::time_ticks(&self.x, most) } else { ticks::step_ticks(&self.x, most) }
    }
}

/// The upper limit of the learning rate's panel.
pub(super) fn rate_label(rate: f64) -> String {
    surfit_core::axis_scale::format_number(rate, rate)
}

fn loss_axis(traces: &[PlotTrace], view: &LossView) -> AxisScale {
    let mut values: Vec<f64> = traces.iter().flat_map(|t| axis_values(t, view)).collect();
    if view.log {
        values.retain(|v| *v > 0.0);
    }
    let limits = values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), &v| (l.min(v), h.max(v)));
    match AxisScale::covering(values, view.log) {
        Some(wanted) => view.stabilize_axis(wanted, limits),
        None => AxisScale { lo: 0.0, hi: 1.0, log: false },
    }
}

/// The values that the loss axis must hold: the smoothed curve, validation, and nearly all raw values. The few largest
/// raw ones may leave it at the top, so that one spike does not flatten everything; so may a curve that diverged.
fn axis_values(trace: &PlotTrace, view: &LossView) -> Vec<f64> {
    let own = matches!(trace.name, CurveOwner::Own(_));
    let mut raw: Vec<f64> =
        trace.samples.iter().filter(|_| own || !view.smooth).filter_map(|s| s.range).flat_map(|r| [r.0, r.2]).collect();
    if view.smooth && raw.len() >= 100 {
        let kept = raw.len() - raw.len() / 100;
        raw.select_nth_unstable_by(kept, f64::total_cmp);
        raw.truncate(kept);
    }
    let smooth: Vec<f64> = trace.samples.iter().filter_map(|s| s.smooth).collect();
    let middle = |part: &[f64]| -> f64 {
        let mut part = part.to_vec();
        if part.is_empty() {
            return 0.0;
        }
        let half = part.len() / 2;
        *part.select_nth_unstable_by(half, f64::total_cmp).1
    };
    let early = middle(&smooth[..smooth.len().div_ceil(20)]);
    let most = DIVERGENCE_FACTOR * early.max(middle(&smooth));
    raw.extend(smooth);
    let validations = trace.validations.iter().map(|v| v.1.loss);
    raw.extend(validations.filter(|l| l.is_finite()));
    if most > 0.0 && !view.log {
        raw.retain(|v| *v <= most);
    }
    raw
}
