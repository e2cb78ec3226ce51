//! The control points pane: the grid of control points, or the corners while these are being made.

mod corners;
mod detail;
mod grid;

#[cfg(test)]
mod tests;

use super::plot::chrome::{self, Chrome};
use super::plot::text::Piece;
use crate::theme::{Role, Theme};
use grid::Layout;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;
use surfit_core::picture::Picture;
use surfit_core::snapshot::{ControlPoint, Snapshot};
use surfit_core::surface::{Degrees, Patch};

/// Which control point is selected.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PointsView {
    /// Row of the control point, in the order of [`Snapshot::control_points`].
    pub cursor: usize,
}

impl PointsView {
    /// Moves the cursor over the grid of control points, `du` to the right and `dv` up.
    pub fn move_by(&mut self, du: i32, dv: i32, degrees: Degrees) {
        let rows = degrees.rows();
        let (i, j) = rows.get(self.cursor).copied().unwrap_or((0, 0));
        let step =
            |at: usize, by: i32, last: usize| at.saturating_add_signed(by as isize).min(last);
        let (i, j) = (step(i, du, degrees.m()), step(j, dv, degrees.n()));
        // Along the third edge of a triangle the cursor slides.
        let to = match degrees.patch() {
            Patch::Triangle if dv > 0 => (i.min(degrees.m() - j), j),
            Patch::Triangle => (i, j.min(degrees.m() - i)),
            _ => (i, j),
        };
        self.cursor = rows.iter().position(|r| *r == to).unwrap_or(0);
    }

    /// The control point drawn at a place on the screen when the pane has `area`, as a row of
    /// [`Snapshot::control_points`].
    pub fn point_at(&self, area: Rect, column: u16, row: u16, picture: &Picture) -> Option<usize> {
        let snapshot = picture.snapshot.as_ref().filter(|s| usable(s))?;
        Layout::of(chrome::inside(area), snapshot.degrees, self.cursor).point_at(column, row)
    }
}

/// True when the snapshot has the control points that its degrees ask for.
fn usable(snapshot: &Snapshot) -> bool {
    let rows = snapshot.degrees.rows();
    let points = &snapshot.control_points;
    points.len() == rows.len() && points.iter().zip(rows).all(|(p, r)| (p.i, p.j) == r)
}

/// Draws the pane.
pub fn render(
    area: Rect,
    buf: &mut Buffer,
    theme: &Theme,
    picture: &Picture,
    view: &PointsView,
    focused: bool,
) {
    let snapshot = picture.snapshot.as_ref().filter(|s| usable(s));
    let started = !picture.corners.is_empty() || !picture.curves.is_empty();
    let chrome = Chrome {
        key: '3',
        name: if snapshot.is_none() && started {
            "Corners"
        } else {
            "Control points"
        },
        figures: match snapshot {
            Some(s) => figures(theme, s),
            None if started => corners::figures(theme, picture),
            None => Vec::new(),
        },
        foot: snapshot.map(|s| legend(theme, s)).unwrap_or_default(),
        mode: String::new(),
    };
    let inner = chrome.draw(area, buf, theme, focused);
    match snapshot {
        Some(snapshot) => {
            let cursor = view.cursor.min(snapshot.control_points.len() - 1);
            let layout = Layout::of(inner, snapshot.degrees, cursor);
            grid::draw(buf, theme, picture, snapshot, &layout, cursor);
            detail::draw(buf, theme, picture, snapshot, layout.detail, cursor);
        }
        None if started => corners::draw(inner, buf, theme, picture),
        None => chrome::empty(
            inner,
            buf,
            theme,
            "Control points appear here when the corners are ready.",
        ),
    }
}

/// The sign of a point's kind and its role: a fixed corner, one that trains, one that is held still.
fn sign(theme: &Theme, point: &ControlPoint) -> (&'static str, Role) {
    if point.corner {
        (theme.pick("◆", "#"), Role::Best)
    } else if point.frozen {
        (theme.pick("○", "x"), Role::Frozen)
    } else {
        (theme.pick("●", "o"), Role::Good)
    }
}

fn kind(point: &ControlPoint) -> &'static str {
    match (point.corner, point.frozen) {
        (true, _) => "fixed",
        (_, true) => "frozen",
        _ => "trains",
    }
}

/// Number, from 0, of the corner that a row of control points is; rows begin with the corners.
fn corner_of(row: usize, point: &ControlPoint) -> Option<usize> {
    point.corner.then_some(row)
}

fn figures<'a>(theme: &Theme, snapshot: &Snapshot) -> Vec<Piece<'a>> {
    let (muted, text) = (theme.style(Role::Muted), theme.style(Role::Text));
    let training = snapshot
        .control_points
        .iter()
        .filter(|p| !p.corner && !p.frozen)
        .count();
    let degrees = snapshot.degrees.to_string();
    let degrees = if theme.ascii() {
        degrees.replace('×', "x")
    } else {
        degrees
    };
    vec![
        vec![Span::styled("degree ", muted), Span::styled(degrees, text)],
        vec![
            Span::styled(training.to_string(), text),
            Span::styled(
                format!(" of {} train", snapshot.control_points.len()),
                muted,
            ),
        ],
    ]
}

fn legend<'a>(theme: &Theme, snapshot: &Snapshot) -> Vec<Piece<'a>> {
    let muted = theme.style(Role::Muted);
    let mut seen: Vec<&'static str> = Vec::new();
    let mut out: Vec<Piece<'a>> = Vec::new();
    for point in &snapshot.control_points {
        let (glyph, role) = sign(theme, point);
        if !seen.contains(&glyph) {
            seen.push(glyph);
            out.push(vec![
                Span::styled(format!("{glyph} "), theme.style(role)),
                Span::styled(kind(point), muted),
            ]);
        }
    }
    out
}
