//! What the user chose to see of the curves, and how keys and mouse change it. Places along the axis are in its unit:
//! optimizer steps, or seconds of work.

use super::super::plot::curve_plot::CurvePlot;
use super::super::plot::curves;
use super::super::plot::pane_frame;
use super::super::plot::window::{AxisWindow, CurveExtent};
use ratatui::layout::Rect;
use std::cell::Cell;
use std::path::PathBuf;
use surfit_core::axis_scale::AxisScale;
use surfit_core::event::LossCurve;
use surfit_core::run_state::RunState;
use surfit_core::series::CurveLook;
use thiserror::Error;

/// Weights of the past in the exponential smoothing, per step, from the least to the most.
pub const SMOOTHING_WEIGHTS: [f64; 9] = [0.7, 0.8, 0.9, 0.95, 0.97, 0.985, 0.99, 0.995, 0.999];

/// How many other runs can be laid over this one: as many as there are letters and colours for.
pub const MAX_OVERLAYS: usize = 4;

/// An area for which the axes are the same as for any other.
const REFERENCE_AREA: Rect = Rect::new(0, 0, 120, 40);

/// Why the curve of another run cannot be laid over this one.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OverlayError {
    #[error("{0} has no curve of a fit yet")]
    NoCurve(String),
    #[error("{MAX_OVERLAYS} runs lie over this one already; take one away first")]
    TooMany,
}

/// Another run whose curve is laid over that of this one.
#[derive(Clone, Debug)]
pub struct ComparedCurve {
    pub name: String,
    pub path: PathBuf,
    pub run_state: RunState,
}

#[derive(Clone, Debug)]
pub struct LossView {
    pub log: bool,
    /// Only the last part of the curve.
    pub recent: bool,
    /// Draw the smoothed curve over the raw one.
    pub smooth: bool,
    /// Which of [`SMOOTHING_WEIGHTS`].
    pub strength: usize,
    pub show_corners: bool,
    pub show_learning_rate: bool,
    /// Losses over seconds of work instead of steps.
    pub time: bool,
    /// The part that was zoomed to; `None` for the usual one.
    pub zoom: Option<AxisWindow>,
    /// Cursor, a place along the axis.
    pub cursor: Option<f64>,
    /// A part of the axis that the mouse is choosing: where it began, and where it is.
    pub selection: Option<(f64, f64)>,
    /// Other runs, at most [`MAX_OVERLAYS`].
    pub overlays: Vec<ComparedCurve>,
    /// The loss axis as it was last drawn, and for what. It is kept while it still serves, so that a curve that hovers
    /// about a limit does not make the axis jump to and fro.
    pub(super) last_axis: Cell<Option<(AxisScale, AxisShape)>>,
}

/// What the loss axis depends on besides the values themselves.
type AxisShape = (bool, bool, bool, usize, bool, bool, Option<AxisWindow>, usize);

impl Default for LossView {
    fn default() -> Self {
        Self {
            log: false,
            recent: false,
            smooth: true,
            strength: 4,
            show_corners: false,
            show_learning_rate: false,
            time: false,
            zoom: None,
            cursor: None,
            selection: None,
            overlays: Vec::new(),
            last_axis: Cell::new(None),
        }
    }
}

impl LossView {
    /// Weight of the past in the smoothing, per step.
    pub fn smoothing(&self) -> f64 {
        SMOOTHING_WEIGHTS[self.strength.min(SMOOTHING_WEIGHTS.len() - 1)]
    }

    /// Smooths more, or less; less than the least shows the raw curve alone.
    pub fn adjust_smoothing(&mut self, by: i32) {
        if !self.smooth {
            if by > 0 {
                (self.smooth, self.strength) = (true, 0);
            }
            return;
        }
        match self.strength.checked_add_signed(by as isize) {
            Some(strength) => self.strength = strength.min(SMOOTHING_WEIGHTS.len() - 1),
            None => self.smooth = false,
        }
    }

    pub fn toggle_recent(&mut self) {
        // Within a zoomed part the key leads back first.
        self.recent = !self.recent && self.zoom.is_none();
        self.zoom = None;
    }

    /// Losses over steps, or over time. Zoom and cursor stay where they were.
    pub fn toggle_time(&mut self, run_state: &RunState) {
        let shown = curves::curves_to_show(run_state, self.show_corners);
        let track = shown.last().and_then(|c| run_state.tracks.get(c));
        let to_time = !self.time;
        let other = |x: f64| -> Option<f64> {
            let track = track?;
            if to_time {
                track.mark_at(x + 1.0).map(|m| m.seconds)
            } else {
                track.step_at(x).map(|s| (s - 1.0).max(0.0))
            }
        };
        self.cursor = self.cursor.and_then(other);
        self.zoom = self.zoom.and_then(|w| {
            let (from, to) = (other(w.from)?, other(w.to)?);
            (to > from).then_some(AxisWindow { from, to, ..w })
        });
        self.time = to_time;
    }

    pub fn extent(&self, run_state: &RunState) -> Option<CurveExtent> {
        CurveExtent::of(run_state, self)
    }

    /// The part of the axis that is shown; `None` before there is a curve.
    pub fn window(&self, run_state: &RunState) -> Option<(f64, f64)> {
        let extent = self.extent(run_state)?;
        Some(match self.zoom {
            // A new fit has begun, or another run is shown: there is nothing where was zoomed to.
            Some(window) if window.from > extent.longest => extent.full_range(),
            Some(window) => window.visible_range(&extent),
            None if self.recent => extent.recent_range(),
            None => extent.full_range(),
        })
    }

    /// Zooms by a factor on the width, below 1 to see less. The step `at` keeps its position: by default the cursor
    /// when shown, else the newest step when visible, else the middle.
    pub fn zoom_by(&mut self, run_state: &RunState, factor: f64, at: Option<f64>) {
        let Some((extent, (from, to))) = self.extent(run_state).zip(self.window(run_state)) else {
            return;
        };
        let inside = |x: &f64| (from..=to).contains(x);
        let fixed = at.or(self.cursor).filter(inside).or(Some(extent.end).filter(inside)).unwrap_or((from + to) / 2.0);
        let window = extent.zoomed((from, to), fixed, factor);
        if window.is_none() {
            self.recent = false;
        }
        self.zoom = window;
    }

    pub fn reset_zoom(&mut self) {
        (self.zoom, self.recent) = (None, false);
    }

    /// True when only a part of the axis is shown, so that it can be moved.
    pub fn can_pan(&self) -> bool {
        self.zoom.is_some() || self.recent
    }

    /// Moves the part that is shown, by this many of its widths.
    pub fn pan_by(&mut self, run_state: &RunState, widths: f64) {
        let part = self.extent(run_state).zip(self.window(run_state));
        if let Some((extent, window)) = part.filter(|_| self.can_pan()) {
            self.zoom = Some(extent.panned(window, widths));
        }
    }

    /// Moves the cursor by fiftieths of what is shown, at least a step; the first time it appears where the news is.
    pub fn move_cursor(&mut self, run_state: &RunState, by: i32) {
        let Some((extent, (from, to))) = self.extent(run_state).zip(self.window(run_state)) else {
            return;
        };
        let last = to.min(extent.end).max(from);
        let Some(cursor) = self.cursor else {
            self.cursor = Some(last);
            return;
        };
        let mut stride = (to - from) / 50.0;
        if !self.time {
            stride = stride.round().max(1.0);
        }
        let moved = (cursor.clamp(from, last) + stride * f64::from(by)).clamp(0.0, extent.end);
        // Beyond the edge the cursor takes the window along.
        if !(from..=to).contains(&moved) {
            self.pan_by(run_state, (moved - if moved < from { from } else { to }) / (to - from));
        }
        let (from, to) = self.window(run_state).unwrap_or((from, to));
        self.cursor = Some(moved.clamp(from, to));
    }

    pub fn move_cursor_to_end(&mut self, run_state: &RunState, last: bool) {
        if let Some((extent, (from, to))) = self.extent(run_state).zip(self.window(run_state)) {
            self.cursor = Some(if last { to.min(extent.end).max(from) } else { from });
        }
    }

    /// Takes away the cursor, else the zoom; false when there was neither.
    pub fn clear_cursor_or_zoom(&mut self) -> bool {
        self.cursor.take().is_some() || self.zoom.take().is_some()
    }

    /// Adds a run to those laid over this one, or reports why not.
    ///
    /// # Errors
    /// When the run has no curve, or too many runs are there.
    pub fn add_overlay(&mut self, run: ComparedCurve) -> Result<(), OverlayError> {
        let curve = run.run_state.curves.get(&LossCurve::Surface);
        if curve.is_none_or(|s| s.is_empty()) {
            return Err(OverlayError::NoCurve(run.name));
        }
        self.remove_overlay(&run.path);
        if self.overlays.len() >= MAX_OVERLAYS {
            return Err(OverlayError::TooMany);
        }
        self.overlays.push(run);
        Ok(())
    }

    /// Takes a run away; true when it was there.
    pub fn remove_overlay(&mut self, path: &std::path::Path) -> bool {
        let before = self.overlays.len();
        self.overlays.retain(|o| o.path != path);
        self.overlays.len() < before
    }

    /// How the curves look, for whoever draws them elsewhere.
    pub fn curve_style(&self, run_state: &RunState) -> CurveLook {
        let axis = CurvePlot::of(REFERENCE_AREA, run_state, self).map(|plot| plot.y);
        CurveLook {
            curves: curves::curves_to_show(run_state, self.show_corners),
            // Without a positive value there is no such axis.
            log: axis.is_some_and(|y| y.log),
            time: self.time,
            window: self.window(run_state).unwrap_or((0.0, 1.0)),
            range: axis.map_or((0.0, 1.0), |y| (y.lo, y.hi)),
            smoothing: self.smooth.then(|| self.smoothing()),
            rate: self.show_learning_rate,
            cursor: self.cursor,
        }
    }

    fn plot(&self, area: Rect, run_state: &RunState) -> Option<CurvePlot> {
        CurvePlot::of(pane_frame::inside(area), run_state, self)
    }

    /// The place along the axis that belongs to a place on the screen: the inverse of what is drawn, for the mouse.
    pub fn position_at(&self, area: Rect, column: u16, row: u16, run_state: &RunState) -> Option<f64> {
        let plot = self.plot(area, run_state)?;
        let inside = plot.area.contains((column, row).into());
        inside.then(|| plot.x_at(column))
    }

    pub fn zoom_at(&mut self, area: Rect, at: (u16, u16), run_state: &RunState, factor: f64) {
        if let Some(x) = self.position_at(area, at.0, at.1, run_state) {
            self.zoom_by(run_state, factor, Some(x));
        }
    }

    /// Begins to select part of the axis at a place on the screen, or continues it there; false beside the curves. Once
    /// begun it continues outside them too, up to their edge.
    pub fn select_range(&mut self, area: Rect, at: (u16, u16), run_state: &RunState, begin: bool) -> bool {
        let Some(plot) = self.plot(area, run_state) else {
            return false;
        };
        let column = at.0.clamp(plot.area.left(), plot.area.right().saturating_sub(1));
        let x = plot.x_at(column);
        match (self.selection, begin) {
            (Some((from, _)), false) => self.selection = Some((from, x)),
            (_, true) if plot.area.contains(at.into()) => self.selection = Some((x, x)),
            _ => return false,
        }
        true
    }

    /// Zooms to the part that was chosen. A part of a column or two was a click.
    pub fn zoom_to_selection(&mut self, area: Rect, run_state: &RunState) {
        let Some((a, b)) = self.selection.take() else {
            return;
        };
        let columns = self.plot(area, run_state).map_or(0, |p| p.column(a).abs_diff(p.column(b)));
        if let Some(extent) = self.extent(run_state).filter(|_| columns >= 2) {
            self.zoom = extent.window_between(a.min(b), a.max(b));
            (self.recent, self.cursor) = (false, None);
        }
    }

    /// Moves what is shown along with the mouse, which went `columns` to the right; for dragging.
    pub fn drag(&mut self, area: Rect, columns: i32, run_state: &RunState) {
        if let Some(width) = self.plot(area, run_state).map(|p| f64::from(p.area.width)).filter(|w| *w > 0.0) {
            self.pan_by(run_state, -f64::from(columns) / width);
        }
    }

    fn shape(&self) -> AxisShape {
        let (time, corners) = (self.time, self.show_corners);
        let strength = self.strength * usize::from(self.smooth);
        (self.log, self.recent, self.smooth, strength, time, corners, self.zoom, self.overlays.len())
    }

    /// The loss axis for values whose own axis would be `wanted` and which span `lowest..=highest`: the last one when it
    /// still holds them and does not waste half of its height.
    pub(in crate::views) fn stabilize_axis(&self, wanted: AxisScale, (lowest, highest): (f64, f64)) -> AxisScale {
        let view = self.shape();
        let serves = |(last, of): &(AxisScale, AxisShape)| {
            *of == view
                && last.log == wanted.log
                && last.lo <= lowest
                && highest <= last.hi
                && wanted.span() >= 0.5 * last.span()
        };
        let scale = self.last_axis.get().filter(serves).map_or(wanted, |last| last.0);
        self.last_axis.set(Some((scale, view)));
        scale
    }
}
