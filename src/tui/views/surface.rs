//! The surface pane: the heatmap with its cursor, colour bar, readout and slices.

mod axes;
mod bar;
mod layout;
mod map;
mod range;
mod readout;

#[cfg(test)]
mod tests;

pub use layout::Layout;
pub(crate) use map::{ink_on, mix};
pub use range::Range;

use super::plot::chrome::{self, Chrome};
use super::plot::text::{self, Piece};
use super::slices;
use crate::theme::{Depth, Role, Theme};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;
use surfit_core::heatmap::{Heatmap, Metric};
use surfit_core::picture::Picture;
use surfit_core::surface::Patch;

/// What the user chose to see of the surface, and where the cursor is.
#[derive(Clone, Debug, PartialEq)]
pub struct SurfaceView {
    /// Cell under the cursor, along `u` and along `v`.
    pub cursor: (usize, usize),
    /// What the colours mean.
    pub metric: Metric,
    /// Write the figures into the cells, where they fit.
    pub numbers: bool,
    /// Show the two slices through the cursor, where they fit.
    pub slices: bool,
    /// Place in the ranking that [`SurfaceView::next_best`] went to last, and the cell it found there.
    pub visited: Option<(usize, (usize, usize))>,
}

impl Default for SurfaceView {
    fn default() -> Self {
        Self {
            cursor: (0, 0),
            metric: Metric::Accuracy,
            numbers: false,
            slices: true,
            visited: None,
        }
    }
}

impl SurfaceView {
    /// Moves the cursor by cells, within a grid over a kind of surface. Along the third edge of a triangle it slides.
    pub fn move_by(&mut self, du: i32, dv: i32, grid: usize, patch: Patch) {
        let last = grid.saturating_sub(1);
        let step = |at: usize, by: i32| at.saturating_add_signed(by as isize).min(last);
        let (a, b) = (step(self.cursor.0, du), step(self.cursor.1, dv));
        self.cursor = match patch {
            Patch::Curve => (a, 0),
            Patch::Triangle if dv > 0 => (a.min(last - b), b),
            Patch::Triangle => (a, b.min(last - a)),
            Patch::Square => (a, b),
        };
    }

    /// Moves the cursor to the best measured cell; called again from there, to the next best, and so on, round the ranking.
    pub fn next_best(&mut self, heatmap: &Heatmap) {
        let ranking = heatmap.ranking(self.metric);
        if ranking.is_empty() {
            return;
        }
        let next = match self.visited {
            Some((place, cell)) if cell == self.cursor => (place + 1) % ranking.len(),
            _ => 0,
        };
        self.cursor = (ranking[next] / heatmap.grid, ranking[next] % heatmap.grid);
        self.visited = Some((next, self.cursor));
    }

    /// Keeps the cursor on the surface, whose grid may have become smaller.
    pub fn clamp(&mut self, grid: usize, patch: Patch) {
        self.move_by(0, 0, grid, patch);
    }

    /// Parameters `(u, v)` under the cursor.
    pub fn uv(&self, grid: usize) -> (f64, f64) {
        let last = grid.saturating_sub(1).max(1);
        let at = |k: usize| k.min(last) as f64 / last as f64;
        (at(self.cursor.0), at(self.cursor.1))
    }

    /// The cell drawn at a place on the screen when the pane has `area`; `None` beside the map. Where a character shows
    /// two cells, the upper one.
    pub fn cell_at(
        &self,
        area: Rect,
        column: u16,
        row: u16,
        grid: usize,
    ) -> Option<(usize, usize)> {
        Layout::of(area, grid, self.slices).cell_at(column, row)
    }
}

/// How cells are painted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paint {
    /// Two colours in a character.
    Halves,
    /// One colour in a character: blocks are not wanted.
    Whole,
    /// Glyphs of growing density with digits: colours are too few to be in order.
    Glyphs,
}

impl Paint {
    pub(crate) fn of(theme: &Theme) -> Self {
        match (theme.depth() >= Depth::Ansi256, theme.ascii()) {
            (true, false) => Paint::Halves,
            (true, true) => Paint::Whole,
            (false, _) => Paint::Glyphs,
        }
    }
}

/// Everything the parts of the pane draw from.
pub(crate) struct Scene<'a> {
    pub theme: &'a Theme,
    pub picture: &'a Picture,
    pub heatmap: &'a Heatmap,
    pub view: &'a SurfaceView,
    pub cursor: (usize, usize),
    pub range: Range,
    pub best: Option<usize>,
}

impl<'a> Scene<'a> {
    fn new(theme: &'a Theme, picture: &'a Picture, view: &'a SurfaceView) -> Option<Self> {
        let heatmap = &picture.snapshot.as_ref()?.heatmap;
        if heatmap.grid < 2 || heatmap.cells.len() != heatmap.grid * heatmap.grid {
            return None;
        }
        Some(Self {
            theme,
            picture,
            heatmap,
            view,
            cursor: heatmap.clamped(view.cursor),
            range: Range::of(heatmap, view.metric),
            best: heatmap.ranking(view.metric).first().copied(),
        })
    }

    /// `(u, v)` for people, or `u` alone of a curve.
    pub(crate) fn place(&self, (u, v): (f64, f64)) -> String {
        match self.heatmap.patch {
            Patch::Curve => format!("u {u:.2}"),
            _ => format!("({u:.2}, {v:.2})"),
        }
    }

    pub(crate) fn index(&self, cell: (usize, usize)) -> usize {
        cell.0 * self.heatmap.grid + cell.1
    }

    pub(crate) fn value(&self, index: usize) -> Option<f64> {
        self.heatmap
            .cells
            .get(index)
            .and_then(|c| self.view.metric.of(c))
    }
}

/// Draws the pane.
pub fn render(
    area: Rect,
    buf: &mut Buffer,
    theme: &Theme,
    picture: &Picture,
    view: &SurfaceView,
    focused: bool,
) {
    let scene = Scene::new(theme, picture, view);
    let chrome = Chrome {
        key: '2',
        name: "Surface",
        figures: scene.as_ref().map(figures).unwrap_or_default(),
        foot: scene.as_ref().map(foot).unwrap_or_default(),
        mode: scene.as_ref().map(|s| mode(s)).unwrap_or_default(),
    };
    let inner = chrome.draw(area, buf, theme, focused);
    let Some(scene) = scene else {
        return chrome::empty(
            inner,
            buf,
            theme,
            "The surface appears here when its corners are ready.",
        );
    };
    let layout = Layout::of(area, scene.heatmap.grid, view.slices);
    map::draw(buf, &scene, &layout);
    axes::draw(buf, &scene, &layout);
    bar::draw(buf, &scene, &layout);
    readout::draw(buf, &scene, layout.readout);
    if let Some(rooms) = layout.slices {
        slices::draw(buf, &scene, rooms);
    }
}

fn figures<'a>(scene: &Scene<'_>) -> Vec<Piece<'a>> {
    let (theme, map) = (scene.theme, scene.heatmap);
    let (muted, strong) = (theme.style(Role::Muted), theme.style(Role::Best));
    let mut out = Vec::new();
    if let Some(point) = scene.best.and_then(|i| map.point(i)) {
        let star = if theme.ascii() { "*" } else { "★" };
        let value = match scene.view.metric {
            Metric::Accuracy => text::percent(point.accuracy, 2),
            Metric::Loss => text::loss(point.loss),
        };
        out.push(vec![Span::styled(format!("{star} {value}"), strong)]);
        out.push(vec![Span::styled(
            format!("at {}", scene.place((point.u, point.v))),
            muted,
        )]);
    }
    if let Some(s) = &scene.picture.snapshot {
        let degrees = s.degrees.to_string();
        let degrees = if theme.ascii() {
            degrees.replace('×', "x")
        } else {
            degrees
        };
        out.push(vec![Span::styled(format!("degree {degrees}"), muted)]);
    }
    out
}

fn foot<'a>(scene: &Scene<'_>) -> Vec<Piece<'a>> {
    let (map, muted) = (scene.heatmap, scene.theme.style(Role::Muted));
    let measured = map.inside().filter(|&i| map.cells[i].images > 0).count();
    let stale = measured - map.fresh().min(measured);
    let mut out = vec![vec![Span::styled(
        format!("{measured}/{} measured", map.count()),
        muted,
    )]];
    if stale > 0 {
        let glyph = map::stale_glyph(scene.theme);
        out.push(vec![Span::styled(
            format!("{glyph} {stale} stale"),
            scene.theme.style(Role::Stale),
        )]);
    }
    out
}

fn mode(scene: &Scene<'_>) -> String {
    let (grid, ascii) = (scene.heatmap.grid, scene.theme.ascii());
    let (times, dot) = if ascii { ('x', ',') } else { ('×', '·') };
    let space = if ascii { "" } else { " " };
    let grid = match scene.heatmap.patch {
        Patch::Curve => grid.to_string(),
        _ => format!("{grid}{times}{grid}"),
    };
    format!("{}{space}{dot} grid {grid}", scene.view.metric.name())
}
