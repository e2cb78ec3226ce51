//! The surface pane: the heatmap with its cursor, colour bar, readout and slices, or the surface as a relief.

mod axes;
mod blocks;
mod color_bar;
mod color_range;
mod comparison;
mod contours;
pub(crate) mod image_frame;
mod layout;
mod map;
pub(crate) mod readout;
mod relief;
mod shown_field;
mod strokes;
mod view;
mod viewport;

#[cfg(test)]
mod tests;

pub use blocks::BlockSet;
pub use color_range::{ColorRange, RangeChange, RangeKind};
pub use comparison::SurfaceComparison;
pub(crate) use comparison::compare_surfaces;
pub use contours::Contours;
pub use layout::SurfaceLayout;
pub(crate) use map::{contrast_color, mix_colors};
pub use relief::Camera;
pub use shown_field::{CellQuantity, FixedRange};
pub use view::SurfaceView;
pub(crate) use viewport::format_parameter;
pub use viewport::{ShownCells, SurfaceViewport};

use super::plot::pane_frame::{self, PaneFrame};
use super::plot::text::FigurePiece;
use super::slices;
use crate::theme::{ColorDepth, GlyphSet, Theme, ThemeRole};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;
use shown_field::ShownField;
use surfit_core::heatmap::{CellField, Heatmap, HeatmapStyle};
use surfit_core::run_state::RunState;
use surfit_core::surface::Patch;

/// How cells are painted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CellPaint {
    /// Two colours in a character.
    Halves,
    /// One colour in a character: blocks are not wanted.
    Whole,
    /// Glyphs of growing density with digits: colours are too few to be in order.
    Glyphs,
}

impl CellPaint {
    pub(crate) fn of(theme: &Theme) -> Self {
        match (theme.depth() >= ColorDepth::Ansi256, theme.glyphs() == GlyphSet::Ascii) {
            (true, false) => CellPaint::Halves,
            (true, true) => CellPaint::Whole,
            (false, _) => CellPaint::Glyphs,
        }
    }
}

/// Everything the parts of the pane draw from.
pub(crate) struct SurfaceScene<'a> {
    pub theme: &'a Theme,
    pub run_state: &'a RunState,
    pub heatmap: &'a Heatmap,
    pub view: &'a SurfaceView,
    pub cursor: (usize, usize),
    /// The cells that are shown.
    pub cells: ShownCells,
    /// The figures that are shown.
    pub field: CellField,
    pub range: ColorRange,
    pub quantity: CellQuantity,
    /// The best corner's value, as the figures have it.
    pub reference: Option<f64>,
    pub best: Option<usize>,
    /// The numbered best points, when they are wanted.
    pub peaks: Vec<usize>,
}

impl<'a> SurfaceScene<'a> {
    pub(crate) fn new(theme: &'a Theme, picture: &'a RunState, view: &'a SurfaceView) -> Option<Self> {
        let heatmap = &picture.snapshot.as_ref()?.heatmap;
        if heatmap.grid < 2 || heatmap.cells.len() != heatmap.grid * heatmap.grid {
            return None;
        }
        let corner = view.metric.best_corner_value(picture.corners.values());
        let shown = ShownField::of(corner, heatmap, view);
        Some(Self::from_field(theme, picture, heatmap, view, shown))
    }

    /// Figures that were made of a heatmap.
    fn from_field(
        theme: &'a Theme,
        picture: &'a RunState,
        heatmap: &'a Heatmap,
        view: &'a SurfaceView,
        shown: ShownField,
    ) -> Self {
        let peaks = if view.show_peaks { heatmap.peaks(view.metric, SurfaceView::MAX_PEAKS) } else { Vec::new() };
        Self {
            theme,
            run_state: picture,
            heatmap,
            view,
            cursor: heatmap.clamp_to_surface(view.cursor),
            cells: view.shown_cells_of(heatmap),
            field: shown.field,
            range: shown.range,
            quantity: shown.quantity,
            reference: shown.reference,
            best: heatmap.rank_cells(view.metric).first().copied(),
            peaks,
        }
    }

    /// `(u, v)` for people, or `u` alone of a curve.
    pub(crate) fn format_position(&self, (u, v): (f64, f64)) -> String {
        match self.heatmap.patch {
            Patch::Curve => format!("u {u:.2}"),
            _ => format!("({u:.2}, {v:.2})"),
        }
    }

    /// How a figure has to look at the heatmap to show the same.
    pub(crate) fn heatmap_style(&self) -> HeatmapStyle {
        let corners = self.run_state.corners.values();
        HeatmapStyle {
            quantity: self.quantity,
            corner: self.view.metric.best_corner_value(corners).unwrap_or(0.0),
            range: Some((self.range.lo, self.range.hi)),
            contours: self.view.contours != Contours::Off,
            part: (!self.cells.is_all()).then(|| self.cells.parameter_ranges()),
        }
    }

    /// What the figures are called.
    fn quantity_name(&self) -> String {
        let name = self.view.metric.name();
        match self.quantity {
            CellQuantity::Value => name.into(),
            CellQuantity::Gain => format!("{name} less best corner's"),
            CellQuantity::Width => format!("{name} {}", self.theme.pick_glyph("±", "+-")),
        }
    }

    /// What is shown, in words: the figures' name, and the part of the surface.
    pub(crate) fn description(&self) -> String {
        let name = self.quantity_name();
        match self.cells.is_all() {
            true => name,
            false => format!("{name}, {}", describe_viewport(self)),
        }
    }

    pub(crate) fn index(&self, cell: (usize, usize)) -> usize {
        cell.0 * self.heatmap.grid + cell.1
    }

    /// The figure of a cell.
    pub(crate) fn value(&self, index: usize) -> Option<f64> {
        self.field.values.get(index).copied().flatten()
    }

    /// The ends of a cell's confidence interval, as the figures have it.
    pub(crate) fn interval(&self, index: usize) -> Option<(f64, f64)> {
        let (low, high) = self.heatmap.cells.get(index)?.interval(self.view.metric)?;
        let value = self.heatmap.cells[index].value(self.view.metric)?;
        let shift = match self.quantity {
            CellQuantity::Width => return None,
            _ => self.value(index)? - value,
        };
        Some((low + shift, high + shift))
    }
}

/// Draws the pane.
pub fn render(area: Rect, buf: &mut Buffer, theme: &Theme, picture: &RunState, view: &SurfaceView, focused: bool) {
    let scene = SurfaceScene::new(theme, picture, view);
    let chrome = PaneFrame {
        key: '2',
        name: "Surface",
        figures: scene.as_ref().map(title_pieces).unwrap_or_default(),
        foot: scene.as_ref().map(foot).unwrap_or_default(),
        mode: scene.as_ref().map(|s| mode(s)).unwrap_or_default(),
    };
    let inner = chrome.draw(area, buf, theme, focused);
    let Some(scene) = scene else {
        return pane_frame::draw_placeholder(inner, buf, theme, "The surface appears here when its corners are ready.");
    };
    if let Some(other) = scene.comparable_surface() {
        return comparison::draw(buf, &scene, other, inner);
    }
    let layout = scene.layout(area);
    if scene.is_relief() {
        relief::draw(buf, &scene, &layout);
    } else if view.show_relief {
        slices::draw_curve_plot(buf, &scene, layout.map);
    } else {
        map::draw(buf, &scene, &layout);
        axes::draw(buf, &scene, &layout);
    }
    color_bar::draw(buf, &scene, &layout);
    readout::draw(buf, &scene, layout.readout);
    if let Some(rooms) = layout.slices {
        slices::draw(buf, &scene, rooms, None);
    }
}

fn title_pieces<'a>(scene: &SurfaceScene<'_>) -> Vec<FigurePiece<'a>> {
    let (theme, map) = (scene.theme, scene.heatmap);
    let (muted, strong) = (theme.style(ThemeRole::Muted), theme.style(ThemeRole::Best));
    let mut out = Vec::new();
    if let Some(point) = scene.best.and_then(|i| map.measured_point(i)) {
        let star = if theme.is_ascii() { "*" } else { "★" };
        let metric = scene.view.metric;
        let value = scene.best.and_then(|i| map.cells[i].value(metric));
        let value = value.map_or("?".into(), |v| readout::format_metric(metric, v));
        out.push(vec![Span::styled(format!("{star} {value}"), strong)]);
        out.push(vec![Span::styled(format!("at {}", scene.format_position((point.u, point.v))), muted)]);
    }
    if let Some(s) = &scene.run_state.snapshot {
        let degrees = s.degrees.to_string();
        let degrees = if theme.is_ascii() { degrees.replace('×', "x") } else { degrees };
        out.push(vec![Span::styled(format!("degree {degrees}"), muted)]);
    }
    out
}

fn foot<'a>(scene: &SurfaceScene<'_>) -> Vec<FigurePiece<'a>> {
    let (map, muted) = (scene.heatmap, scene.theme.style(ThemeRole::Muted));
    let measured = map.surface_cells().filter(|&i| map.cells[i].images > 0).count();
    let stale = measured - map.fresh_cell_count().min(measured);
    let mut out = vec![vec![Span::styled(format!("{measured}/{} measured", map.surface_cell_count()), muted)]];
    if stale > 0 {
        let glyph = map::stale_glyph(scene.theme);
        out.push(vec![Span::styled(format!("{glyph} {stale} stale"), scene.theme.style(ThemeRole::Stale))]);
    }
    out
}

/// The part that is shown, in words.
fn describe_viewport(scene: &SurfaceScene<'_>) -> String {
    let to = scene.theme.pick_glyph("–", "-");
    let [(u0, u1), (v0, v1)] = scene.cells.parameter_ranges();
    match scene.heatmap.patch {
        Patch::Curve => format!("u {u0:.2}{to}{u1:.2}"),
        _ => format!("u {u0:.2}{to}{u1:.2}, v {v0:.2}{to}{v1:.2}"),
    }
}

fn mode(scene: &SurfaceScene<'_>) -> String {
    let (grid, ascii) = (scene.heatmap.grid, scene.theme.is_ascii());
    let (times, dot) = if ascii { ('x', ',') } else { ('×', '·') };
    let space = if ascii { "" } else { " " };
    let grid = match scene.heatmap.patch {
        Patch::Curve => grid.to_string(),
        _ => format!("{grid}{times}{grid}"),
    };
    let mut out = scene.quantity_name();
    let mut add = |word: &str| out += &format!("{space}{dot} {word}");
    if scene.range.fixed {
        add("fixed range");
    }
    if scene.view.interpolate && !scene.view.show_relief {
        add("interpolated");
    }
    if scene.is_relief() {
        let camera = scene.view.camera;
        add(&format!("turned {:.0}, tilted {:.0}", camera.turn, camera.tilt));
    }
    add(&format!("grid {grid}"));
    if !scene.cells.is_all() {
        add(&describe_viewport(scene));
    }
    out
}
