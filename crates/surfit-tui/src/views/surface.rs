//! The surface pane: the heatmap with its cursor, colour bar, readout and slices, or the surface as a relief.

mod axes;
mod color_bar;
mod comparison;
mod contours;
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

pub use comparison::SurfaceComparison;
pub(crate) use comparison::compare_surfaces;
pub use contours::Contours;
pub(crate) use map::{contrast_color, mix_colors};
pub use relief::Camera;
pub use shown_field::{CellQuantity, FixedRange};
pub(crate) use surfit_core::color_range::{ColorRange, RangeKind};
pub use view::SurfaceView;
pub use viewport::ShownCells;
pub(crate) use viewport::format_parameter;

use super::message::transliterate;
use super::plot::pane_frame::{self, PaneFrame};
use super::plot::text::{self, FigurePiece};
use super::slices;
use super::tables;
use super::view::{InputOutcome, MouseInput, ShellCommand, View};
use crate::action::KeyScope;
use crate::app::{App, ExportItem, ExportSource, Pane};
use crate::layout::ScreenLayout;
use crate::theme::{ColorDepth, GlyphSet, Theme, ThemeRole};
use layout::SurfaceLayout;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;
use shown_field::ShownField;
use surfit_core::heatmap::{Cell, CellField, Heatmap, HeatmapStyle};
use surfit_core::run_state::RunState;
use surfit_core::surface::Patch;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CellPaint {
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
    pub cells: ShownCells,
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
    /// `None` while the corners are made: they may be measured, and nothing lies between them yet.
    pub(crate) fn new(theme: &'a Theme, run_state: &'a RunState, view: &'a SurfaceView) -> Option<Self> {
        let snapshot = run_state.snapshot.as_ref().filter(|s| !s.control_points.is_empty())?;
        let heatmap = &snapshot.heatmap;
        if heatmap.grid < 2 || heatmap.cells.len() != heatmap.grid * heatmap.grid {
            return None;
        }
        let corner = view.metric.best_corner_value(run_state.corners.values());
        let shown = ShownField::of(corner, heatmap, view);
        Some(Self::from_field(theme, run_state, heatmap, view, shown))
    }

    fn from_field(
        theme: &'a Theme,
        run_state: &'a RunState,
        heatmap: &'a Heatmap,
        view: &'a SurfaceView,
        shown: ShownField,
    ) -> Self {
        let peaks = if view.show_peaks { heatmap.peaks(view.metric, SurfaceView::MAX_PEAKS) } else { Vec::new() };
        Self {
            theme,
            run_state,
            heatmap,
            view,
            cursor: heatmap.clamp_to_surface(view.cursor),
            cells: view.shown_cells(heatmap.grid, heatmap.patch),
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

    /// The unit in which narrow cells have the widths of intervals, which mostly differ in their second digit.
    fn figure_unit(&self, layout: &SurfaceLayout) -> Option<i32> {
        let room = SurfaceLayout::figure_width((layout.pixels / layout.grid) as u16);
        let most = self.field.values.iter().flatten().fold(0.0, |a: f64, &b| a.max(b));
        let most = if self.range.kind.percent { 100.0 * most } else { most };
        let drawn = self.view.show_values && !self.view.show_relief && layout.pixels >= 2 * layout.grid;
        let wanted = drawn && self.quantity == CellQuantity::Width && self.comparable_surface().is_none();
        text::choose_unit(most, room).filter(|_| wanted && format!("{most:.2}").len() > room)
    }

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

#[derive(Debug)]
pub struct SurfacePane;

impl View for SurfacePane {
    fn scope(&self) -> KeyScope {
        KeyScope::View("surface")
    }

    fn area(&self, screen: &ScreenLayout, _app: &App) -> Rect {
        screen.pane_area(Pane::Surface)
    }

    fn render(&self, area: Rect, buf: &mut Buffer, app: &App) {
        render(area, buf, &app.theme, &app.run_state, &app.surface, app.is_focused(Pane::Surface));
    }

    /// A click moves the cursor; dragging with another button turns the relief or moves the part that is shown.
    fn on_mouse(&mut self, app: &mut App, area: Rect, input: MouseInput) -> InputOutcome {
        let (grid, patch) = (app.grid(), app.degrees().patch());
        let (theme, run_state) = (&app.theme, &app.run_state);
        let view = &mut app.surface;
        match input {
            MouseInput::DoubleClick(_) => {
                return if view.show_all() { InputOutcome::DONE } else { InputOutcome::Ignored };
            }
            MouseInput::Click(at) | MouseInput::Drag(at) if area.contains(at) => {
                view.cursor = view.cell_at(area, at.x, at.y, theme, run_state).unwrap_or(view.cursor);
                view.clamp(grid, patch);
            }
            MouseInput::Pan(from, at) if view.show_relief => {
                let (columns, rows) = (f64::from(at.x) - f64::from(from.x), f64::from(at.y) - f64::from(from.y));
                view.camera.rotate(3.0 * columns, 3.0 * rows);
            }
            MouseInput::Pan(from, at) => {
                let cell = |p: ratatui::layout::Position| view.cell_at(area, p.x, p.y, theme, run_state);
                // The cell that was taken hold of stays under the mouse.
                if let (Some(was), Some(is)) = (cell(from), cell(at)) {
                    let by = (was.0 as i64 - is.0 as i64, was.1 as i64 - is.1 as i64);
                    view.pan_by(by, grid, patch);
                }
            }
            MouseInput::Wheel(at, by) => {
                let factor = if by < 0 { 0.8 } else { 1.25 };
                if let Some(cell) = view.cell_at(area, at.x, at.y, theme, run_state) {
                    view.zoom_by(factor, Some(cell), grid, patch);
                }
            }
            _ => {}
        }
        InputOutcome::DONE
    }

    fn move_by(&mut self, app: &mut App, columns: i32, rows: i32) {
        let (grid, patch) = (app.grid(), app.degrees().patch());
        app.surface.move_by(columns, rows, grid, patch);
    }

    fn move_to_end(&mut self, app: &mut App, sign: i32) {
        self.move_by(app, 1000 * sign, 1000 * sign);
    }

    fn step_back(&mut self, app: &mut App) -> bool {
        app.surface.show_all()
    }

    fn exports(&self, app: &App) -> Vec<ExportItem> {
        exports(app)
    }

    fn shell_command(&self, app: &App, run: &str) -> ShellCommand {
        let metric = app.surface.metric.id();
        let words = ["heatmap", run, "--metric", metric, "--out", &format!("{metric}.png")];
        ShellCommand::Words(words.map(String::from).into())
    }
}

/// What can be copied or saved of the surface, its slices among it.
fn exports(app: &App) -> Vec<ExportItem> {
    let readout = ExportItem::readout(tables::surface_readout(app));
    let point = ExportItem::point(app, app.surface.uv(app.grid()));
    let mut all: Vec<ExportItem> = readout.into_iter().chain(point).collect();
    let (Some(s), view) = (&app.run_state.snapshot, &app.surface) else {
        return all;
    };
    if s.control_points.is_empty() || s.heatmap.cells.iter().all(|c| c.images == 0) {
        return all;
    }
    let about = "every cell: u, v, metrics, images; as JSON with intervals and best point";
    all.push(ExportItem::new('t', "table of the cells", "surface", about, ExportSource::Table(tables::cells)));
    let about = "the map as it is shown, with colour bar and marks";
    all.push(ExportItem::plot('p', "plot of the map", "surface", about, |a| a.heatmap_figure(a.surface.quantity)));
    // The others are one key away too.
    if view.quantity != CellQuantity::Gain {
        let about = "how much better than the best corner every cell is";
        let figure = |app: &App| app.heatmap_figure(CellQuantity::Gain);
        all.push(ExportItem::plot('g', "plot of the gain", "gain", about, figure));
    }
    let interval = |c: &Cell| c.interval(view.metric).is_some();
    if view.quantity != CellQuantity::Width && s.heatmap.cells.iter().any(interval) {
        let about = "how wide the confidence interval of every cell is";
        let figure = |app: &App| app.heatmap_figure(CellQuantity::Width);
        all.push(ExportItem::plot('i', "plot of the confidence", "confidence", about, figure));
    }
    if app.degrees().patch() != Patch::Curve {
        let about = "the surface in 3-D, as in the 3-D view";
        all.push(ExportItem::plot('3', "plot in 3-D", "surface-3d", about, App::relief_figure));
    }
    if view.comparison.as_ref().is_some_and(|other| other.heatmap.patch == s.heatmap.patch) {
        let about = "both compared surfaces and their difference";
        all.push(ExportItem::plot('b', "plot of the comparison", "comparison", about, App::comparison_figure));
    }
    let about = "the slices through the cursor, with intervals";
    all.push(ExportItem::table('T', "table of the slices", "slices", about, tables::slices));
    all.push(ExportItem::plot('P', "plot of the slices", "slices", about, App::slices_figure));
    all
}

pub fn render(area: Rect, buf: &mut Buffer, theme: &Theme, run_state: &RunState, view: &SurfaceView, focused: bool) {
    let scene = SurfaceScene::new(theme, run_state, view);
    let chrome = PaneFrame {
        key: '2',
        name: "Surface",
        figures: scene.as_ref().map(title_pieces).unwrap_or_default(),
        foot: scene.as_ref().map(foot).unwrap_or_default(),
        mode: scene.as_ref().map(|s| mode(s, area)).unwrap_or_default(),
    };
    let inner = chrome.draw(area, buf, theme, focused);
    let Some(scene) = scene else {
        return pane_frame::draw_placeholder(
            inner,
            buf,
            theme,
            match &run_state.snapshot {
                Some(s) if s.is_trunk() => {
                    "The surface appears here at the branch. Until then, one network is trained."
                }
                _ => "The surface appears here when its corners are ready and aligned.",
            },
        );
    };
    if let Some(other) = scene.comparable_surface() {
        return comparison::draw(buf, &scene, other, inner);
    }
    let layout = scene.layout(area);
    scene.draw(buf, &layout);
    if !view.show_relief {
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
        let star = theme.pick_glyph("★", "*");
        let value = scene.best.and_then(|i| readout::format_cell(scene, &map.cells[i])).unwrap_or("?".into());
        out.push(vec![Span::styled(format!("{star} {value}"), strong)]);
        out.push(vec![Span::styled(format!("at {}", scene.format_position((point.u, point.v))), muted)]);
    }
    if let Some(s) = &scene.run_state.snapshot {
        let degrees = transliterate(&s.degrees.to_string(), theme.is_ascii());
        out.push(vec![Span::styled(format!("degree {degrees}"), muted)]);
    }
    out
}

fn foot<'a>(scene: &SurfaceScene<'_>) -> Vec<FigurePiece<'a>> {
    let (map, muted) = (scene.heatmap, scene.theme.style(ThemeRole::Muted));
    let images = || map.surface_cells().map(|i| map.cells[i].images).filter(|images| *images > 0);
    let measured = images().count();
    let stale = measured - map.fresh_cell_count().min(measured);
    let mut out = vec![vec![Span::styled(format!("{measured}/{} measured", map.surface_cell_count()), muted)]];
    if stale > 0 {
        let glyph = map::stale_glyph(scene.theme);
        out.push(vec![Span::styled(format!("{glyph} {stale} stale"), scene.theme.style(ThemeRole::Stale))]);
    }
    if let Some(least) = images().min() {
        let about = readout::sample_sign(scene.theme, scene.run_state, least);
        if !about.is_empty() {
            let text = format!("{about} on {} images", text::group_digits(least.into()));
            out.push(vec![Span::styled(text, muted)]);
        }
    }
    out
}

fn describe_viewport(scene: &SurfaceScene<'_>) -> String {
    let to = scene.theme.pick_glyph("–", "-");
    let [(u0, u1), (v0, v1)] = scene.cells.parameter_ranges();
    match scene.heatmap.patch {
        Patch::Curve => format!("u {u0:.2}{to}{u1:.2}"),
        _ => format!("u {u0:.2}{to}{u1:.2}, v {v0:.2}{to}{v1:.2}"),
    }
}

fn mode(scene: &SurfaceScene<'_>, area: Rect) -> String {
    let (grid, ascii) = (scene.heatmap.grid, scene.theme.is_ascii());
    let (times, dot) = if ascii { ('x', ',') } else { ('×', '·') };
    let space = if ascii { "" } else { " " };
    let grid = match scene.heatmap.patch {
        Patch::Curve => grid.to_string(),
        _ => format!("{grid}{times}{grid}"),
    };
    let mut out = scene.quantity_name();
    if let Some(unit) = scene.figure_unit(&scene.layout(area)) {
        out += &text::format_unit(unit, ascii);
    }
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
