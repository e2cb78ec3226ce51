//! The control points pane: the grid of control points, or the corners while these are being made.

mod corners;
mod detail;
mod distances;
mod grid;
mod tile_values;

#[cfg(test)]
mod tests;

use super::message::transliterate;
use super::plot::pane_frame::{self, PaneFrame};
use super::plot::text::FigurePiece;
use super::tables;
use super::view::{InputOutcome, MouseInput, View};
use crate::action::KeyScope;
use crate::app::{App, ExportItem, Pane};
use crate::layout::ScreenLayout;
use crate::theme::{Theme, ThemeRole};
use grid::TileLayout;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;
use surfit_core::event::JobStage;
use surfit_core::run_state::RunState;
use surfit_core::snapshot::{ControlPoint, EngineState, Snapshot};
use surfit_core::surface::{Degrees, Patch};
pub use tile_values::Figure;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct PointsView {
    /// Row of the control point, in the order of [`Snapshot::control_points`].
    pub cursor: usize,
    pub show_distances: bool,
    pub figure: Figure,
    /// The row and the column of the distances under the cursor.
    pub pair: (usize, usize),
}

impl PointsView {
    /// Moves the cursor over the grid of control points, `du` to the right and `dv` up.
    pub fn move_by(&mut self, du: i32, dv: i32, degrees: Degrees) {
        let rows = degrees.row_indices();
        let (i, j) = rows.get(self.cursor).copied().unwrap_or((0, 0));
        let step = |at: usize, by: i32, last: usize| at.saturating_add_signed(by as isize).min(last);
        let (i, j) = (step(i, du, degrees.m()), step(j, dv, degrees.n()));
        // Along the third edge of a triangle the cursor slides.
        let to = match degrees.patch() {
            Patch::Triangle if dv > 0 => (i.min(degrees.m() - j), j),
            Patch::Triangle => (i, j.min(degrees.m() - i)),
            _ => (i, j),
        };
        self.cursor = rows.iter().position(|r| *r == to).unwrap_or(0);
    }

    /// Moves the cursor over the distances: `du` columns to the right, `dv` rows up.
    pub fn move_pair(&mut self, du: i32, dv: i32, run_state: &RunState) {
        let last = distances::point_count(run_state).saturating_sub(1);
        let step = |at: usize, by: i32| at.min(last).saturating_add_signed(by as isize).min(last);
        self.pair = (step(self.pair.0, dv.saturating_neg()), step(self.pair.1, du));
    }

    pub fn pair_at(&self, area: Rect, column: u16, row: u16, run_state: &RunState) -> Option<(usize, usize)> {
        let inner = pane_frame::inside(area);
        distances::pair_at(inner, run_state, self.pair, (column, row)).filter(|_| self.show_distances)
    }

    /// The control point drawn at a place on the screen when the pane has `area`, as a row of
    /// [`Snapshot::control_points`].
    pub fn point_at(&self, area: Rect, column: u16, row: u16, run_state: &RunState) -> Option<usize> {
        if self.show_distances {
            return None;
        }
        let snapshot = run_state.snapshot.as_ref().filter(|s| has_all_control_points(s))?;
        TileLayout::of(pane_frame::inside(area), snapshot.degrees, self.cursor).point_at(column, row)
    }
}

#[derive(Debug)]
pub struct PointsPane;

impl View for PointsPane {
    fn scope(&self) -> KeyScope {
        KeyScope::View("control points")
    }

    fn area(&self, screen: &ScreenLayout, _app: &App) -> Rect {
        screen.pane_area(Pane::Points)
    }

    fn render(&self, area: Rect, buf: &mut Buffer, app: &App) {
        render(area, buf, &app.theme, &app.run_state, &app.points, app.is_focused(Pane::Points));
    }

    fn on_mouse(&mut self, app: &mut App, area: Rect, input: MouseInput) -> InputOutcome {
        match input {
            MouseInput::DoubleClick(_) => return InputOutcome::Ignored,
            MouseInput::Click(at) | MouseInput::Drag(at) if area.contains(at) => {
                let point = app.points.point_at(area, at.x, at.y, &app.run_state);
                app.points.cursor = point.unwrap_or(app.points.cursor);
                let pair = app.points.pair_at(area, at.x, at.y, &app.run_state);
                app.points.pair = pair.unwrap_or(app.points.pair);
            }
            MouseInput::Wheel(_, by) => self.move_by(app, 0, -by.signum() as i32),
            _ => {}
        }
        InputOutcome::DONE
    }

    fn move_by(&mut self, app: &mut App, columns: i32, rows: i32) {
        if app.points.show_distances {
            app.points.move_pair(columns, rows, &app.run_state);
        } else if let Some(s) = &app.run_state.snapshot {
            app.points.move_by(columns, rows, s.degrees);
        }
    }

    fn move_to_end(&mut self, app: &mut App, sign: i32) {
        match app.points.show_distances {
            // The first pair is the uppermost one.
            true => self.move_by(app, 1000 * sign, -1000 * sign),
            false => self.move_by(app, 1000 * sign, 1000 * sign),
        }
    }

    fn exports(&self, app: &App) -> Vec<ExportItem> {
        let readout = tables::row_text(tables::points(app), app.points.cursor);
        let mut all = Vec::from_iter(ExportItem::readout(readout));
        let points = |s: &Snapshot| !s.control_points.is_empty();
        if app.run_state.snapshot.as_ref().is_some_and(points) {
            let about = "every control point: place, distance travelled, gradient";
            all.push(ExportItem::table('t', "table of the points", "points", about, tables::points));
            let about = "the grid of control points, with figures and gradients";
            all.push(ExportItem::plot('p', "plot of the points", "points", about, App::points_figure));
        }
        if tables::distances(app).count > 0 {
            let about = "the matrix of distances in weight space";
            all.push(ExportItem::table('T', "table of the distances", "distances", about, tables::distances));
            let about = "the matrix of distances in colours";
            all.push(ExportItem::plot('P', "plot of the distances", "distances", about, App::distances_figure));
        }
        all
    }
}

fn has_all_control_points(snapshot: &Snapshot) -> bool {
    let rows = snapshot.degrees.row_indices();
    let points = &snapshot.control_points;
    points.len() == rows.len() && points.iter().zip(rows).all(|(p, r)| (p.i, p.j) == r)
}

pub fn render(area: Rect, buf: &mut Buffer, theme: &Theme, run_state: &RunState, view: &PointsView, focused: bool) {
    let snapshot = run_state.snapshot.as_ref().filter(|s| has_all_control_points(s));
    let is_trunk = run_state.snapshot.as_ref().is_some_and(Snapshot::is_trunk);
    let started = !is_trunk && (!run_state.corners.is_empty() || !run_state.curves.is_empty());
    let tiles = snapshot.filter(|_| !view.show_distances);
    let layout = |s: &Snapshot| TileLayout::of(pane_frame::inside(area), s.degrees, view.cursor);
    let described = |s| grid::tile_description(theme, run_state, s, &layout(s), view.figure);
    let (name, figures) = match snapshot {
        _ if view.show_distances => ("Distances", distances::title_pieces(theme, run_state)),
        Some(s) => ("Control points", title_pieces(theme, s)),
        None if started => ("Corners", corners::title_pieces(theme, run_state)),
        None => ("Control points", Vec::new()),
    };
    let foot = tiles.map(|s| legend(theme, s)).unwrap_or_default();
    let chrome = PaneFrame { key: '3', name, figures, foot, mode: tiles.map(described).unwrap_or_default() };
    let inner = chrome.draw(area, buf, theme, focused);
    match snapshot {
        _ if view.show_distances => distances::draw(inner, buf, theme, run_state, view.pair),
        Some(snapshot) => {
            let cursor = view.cursor.min(snapshot.control_points.len() - 1);
            let layout = TileLayout::of(inner, snapshot.degrees, cursor);
            grid::draw(buf, theme, run_state, snapshot, &layout, view);
            detail::draw(buf, theme, run_state, snapshot, layout.detail, cursor);
        }
        None if started => corners::draw(inner, buf, theme, run_state),
        None => pane_frame::draw_placeholder(
            inner,
            buf,
            theme,
            match is_trunk {
                true => "Control points appear here at the branch: each starts as the network that is trained now.",
                false => "Control points appear here when the corners are ready: first these are trained or loaded.",
            },
        ),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PointState {
    Fixed,
    Frozen,
    /// Free to train, but not under way.
    Trainable,
    Moving,
}

impl PointState {
    fn of(snapshot: &Snapshot, point: &ControlPoint) -> Self {
        let fitting = snapshot.state == EngineState::Running && snapshot.stage == JobStage::Fit;
        match point {
            p if p.corner => Self::Fixed,
            p if p.frozen => Self::Frozen,
            // In the edge phase the inner points do not move.
            p if fitting && p.gradient > 0.0 => Self::Moving,
            _ => Self::Trainable,
        }
    }

    fn sign(self, theme: &Theme) -> (&'static str, ThemeRole) {
        match self {
            Self::Fixed => (theme.pick_glyph("◆", "#"), ThemeRole::Best),
            Self::Frozen => (theme.pick_glyph("○", "x"), ThemeRole::Frozen),
            Self::Trainable => (theme.pick_glyph("◐", "."), ThemeRole::Accent),
            Self::Moving => (theme.pick_glyph("●", "o"), ThemeRole::Good),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::Frozen => "frozen",
            Self::Trainable => "trainable",
            Self::Moving => "moving",
        }
    }
}

fn title_pieces<'a>(theme: &Theme, snapshot: &Snapshot) -> Vec<FigurePiece<'a>> {
    let (muted, text) = (theme.style(ThemeRole::Muted), theme.style(ThemeRole::Text));
    let free = snapshot.control_points.iter().filter(|p| !p.corner && !p.frozen).count();
    let degrees = transliterate(&snapshot.degrees.to_string(), theme.is_ascii());
    vec![
        vec![Span::styled("degree ", muted), Span::styled(degrees, text)],
        vec![
            Span::styled(free.to_string(), text),
            Span::styled(format!(" of {} train", snapshot.control_points.len()), muted),
        ],
    ]
}

fn legend<'a>(theme: &Theme, snapshot: &Snapshot) -> Vec<FigurePiece<'a>> {
    let muted = theme.style(ThemeRole::Muted);
    let mut seen: Vec<PointState> = Vec::new();
    let mut out: Vec<FigurePiece<'a>> = Vec::new();
    for point in &snapshot.control_points {
        let state = PointState::of(snapshot, point);
        if !seen.contains(&state) {
            seen.push(state);
            let (glyph, role) = state.sign(theme);
            out.push(vec![Span::styled(format!("{glyph} "), theme.style(role)), Span::styled(state.name(), muted)]);
        }
    }
    out
}
