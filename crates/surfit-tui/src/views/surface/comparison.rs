//! Two surfaces side by side and what one has over the other: another run's, or this run's before its degree changed. The
//! cursors are one: they are at the same `(u, v)`.

use super::layout::SurfaceLayout;
use super::shown_field::ShownField;
use super::{CellQuantity, SurfaceScene, SurfaceView, color_bar, readout};
use crate::theme::ThemeRole;
use crate::views::message::transliterate;
use crate::views::plot::text::{self, FigurePiece};
use crate::views::slices::{self, Slices};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::Span;
use surfit_core::color_range::{ColorRange, RangeKind};
use surfit_core::event::CornerReady;
use surfit_core::heatmap::Heatmap;
use surfit_core::run_state::RunState;
use surfit_core::snapshot::Snapshot;

/// Another surface to look at beside this one.
#[derive(Clone, Debug, PartialEq)]
pub struct SurfaceComparison {
    pub name: String,
    pub from_other_run: bool,
    pub heatmap: Heatmap,
    pub corners: Vec<CornerReady>,
}

impl SurfaceComparison {
    /// The surface of a run; `None` when nothing was measured of it.
    pub fn of(name: String, foreign: bool, run_state: &RunState) -> Option<Self> {
        let snapshot = run_state.snapshot.as_ref().filter(|s| !s.control_points.is_empty())?;
        let heatmap = &snapshot.heatmap;
        let measured = heatmap.cells.iter().any(|c| c.images > 0);
        (measured && heatmap.cells.len() == heatmap.grid * heatmap.grid).then(|| Self {
            name,
            from_other_run: foreign,
            heatmap: heatmap.clone(),
            corners: run_state.corners.values().cloned().collect(),
        })
    }
}

impl SurfaceView {
    /// Keeps the surface as it was measured before a change of degree, to look at beside the new one.
    pub fn save_earlier_surface(&mut self, before: &RunState, now: &Snapshot) {
        let Some(old) = &before.snapshot else { return };
        let changed = old.degrees != now.degrees && old.fit_total > 0;
        if let Some(earlier) =
            changed.then(|| SurfaceComparison::of(format!("degree {}", old.degrees), false, before)).flatten()
        {
            self.earlier_surface = Some(earlier);
        }
    }
}

const READOUT_ROWS: u16 = 2;

/// The rooms of the three maps, all of one size, and of the readout: in a row, in a column, or two over one, whichever makes
/// the maps largest.
fn panel_areas(inner: Rect) -> ([Rect; 3], Rect) {
    let rows = if inner.height >= 10 { READOUT_ROWS } else { 0 };
    let room = Rect { height: inner.height - rows, ..inner };
    let readout = Rect::new(inner.x, room.bottom(), inner.width, rows);
    let size = |(columns, rows): (u16, u16)| {
        let (w, h) = (room.width / columns, room.height / rows);
        w.min(2 * h.saturating_sub(2))
    };
    let (columns, rows) = [(3, 1), (1, 3), (2, 2)].into_iter().max_by_key(|&shape| size(shape)).unwrap_or((3, 1));
    let (w, h) = (room.width / columns, room.height / rows);
    let part = |n: u16| Rect::new(room.x + n % columns * w, room.y + n / columns * h, w, h);
    ([part(0), part(1), part(2)], readout)
}

/// This surface, the other one, and their difference. The first two have one range of colours, and all one cursor.
fn scenes<'a>(base: &SurfaceScene<'a>, comparison: &'a SurfaceComparison) -> [SurfaceScene<'a>; 3] {
    let corner = base.view.metric.best_corner_value(&comparison.corners);
    let mut other = ShownField::of(corner, &comparison.heatmap, base.view);
    let values = base.field.values.iter().chain(&other.field.values).flatten().copied();
    let range = match base.range.fixed {
        true => ColorRange::with_limits((base.range.lo, base.range.hi), values, base.range.kind),
        false => ColorRange::of_values(values, base.range.kind),
    };
    let mut field = base.field.subtract(&other.field);
    // A run without corners or intervals cannot show what this one does, so nothing is compared.
    if base.quantity != other.quantity {
        field.values.fill(None);
    }
    let higher_is_better = base.range.kind.higher_is_better;
    let kind = RangeKind { higher_is_better, ..RangeKind::of_difference(base.view.metric) };
    let of_difference = ColorRange::of_values(field.values.iter().flatten().copied(), kind);
    let difference = ShownField { field, range: of_difference, quantity: CellQuantity::Value, reference: None };
    let (field, quantity, reference) = (base.field.clone(), base.quantity, base.reference);
    let this = ShownField { field, range, quantity, reference };
    other.range = range;
    let (u, v) = base.heatmap.parameters(base.index(base.cursor));
    let scene = |heatmap: &'a Heatmap, shown| {
        let index = heatmap.nearest_cell(u, v);
        let cursor = (index / heatmap.grid, index % heatmap.grid);
        SurfaceScene { cursor, ..SurfaceScene::from_field(base.theme, base.run_state, heatmap, base.view, shown) }
    };
    let difference = SurfaceScene { best: None, peaks: Vec::new(), ..scene(base.heatmap, difference) };
    [scene(base.heatmap, this), scene(&comparison.heatmap, other), difference]
}

pub(crate) struct ComparedSurfaces {
    pub names: [String; 2],
    /// The range of both maps, and that of the difference.
    pub ranges: [(f64, f64); 2],
}

pub(crate) fn compare_surfaces(base: &SurfaceScene<'_>, comparison: &SurfaceComparison) -> ComparedSurfaces {
    let [this, _, difference] = scenes(base, comparison).map(|scene| (scene.range.lo, scene.range.hi));
    ComparedSurfaces { names: [this_name(base, comparison), comparison.name.clone()], ranges: [this, difference] }
}

/// A panel's layout: a title, the map, a bar below it.
fn layout(room: Rect, scene: &SurfaceScene<'_>) -> SurfaceLayout {
    let inside =
        Rect { y: room.y + 1, height: room.height.saturating_sub(1), width: room.width.saturating_sub(1), ..room };
    let layout = SurfaceLayout::map_with_bar(inside, scene.cells.count, scene.view.show_relief);
    SurfaceLayout { first_cell: scene.cells.first_cell, ..layout }
}

/// The areas of two slices below the maps, where they fit.
fn slice_areas(layouts: &[SurfaceLayout; 3], rooms: &[Rect; 3], readout: Rect) -> Option<[Rect; 2]> {
    let in_a_row = rooms.iter().all(|r| r.y == rooms[0].y);
    let ends = layouts.iter().map(|l| l.map.bottom().max(l.bar.bottom()));
    let top = ends.max()? + 1;
    let height = readout.y.checked_sub(top).filter(|&h| h >= 6 && in_a_row)?.min(16);
    let half = readout.width / 2;
    let left = Rect::new(readout.x, readout.y - height, half - 1, height);
    Some([left, Rect { x: left.x + half, ..left }])
}

pub(super) fn draw(buf: &mut Buffer, base: &SurfaceScene<'_>, comparison: &SurfaceComparison, inner: Rect) {
    let (rooms, below) = panel_areas(inner);
    let scenes = scenes(base, comparison);
    let (this, other) = (this_name(base, comparison), transliterate(&comparison.name, base.theme.is_ascii()));
    let less = base.theme.pick_glyph("−", "-");
    let named = format!("{this} {less} {other}");
    let fits = Span::raw(named.as_str()).width() < usize::from(rooms[2].width);
    let names = [this, other, if fits { named } else { format!("this {less} other") }];
    let layouts = [0, 1, 2].map(|k| layout(rooms[k], &scenes[k]));
    for (((name, room), scene), layout) in names.iter().zip(rooms).zip(&scenes).zip(&layouts) {
        if room.width < 6 || room.height < 4 {
            continue;
        }
        text::put(buf, room.x, room.y, room.width.saturating_sub(1), name, base.theme.style(ThemeRole::Title));
        scene.draw(buf, layout);
        color_bar::draw(buf, scene, layout);
    }
    if base.view.slices != Slices::Off
        && !base.view.show_relief
        && let Some(rooms) = slice_areas(&layouts, &rooms, below)
    {
        let other = (&scenes[1], comparison.name.as_str());
        slices::draw(buf, &scenes[0], rooms, Some(other));
    }
    readout(buf, &scenes, &names, below);
}

/// What this surface is called: its run beside another run, else its degree.
fn this_name(scene: &SurfaceScene<'_>, comparison: &SurfaceComparison) -> String {
    let name = match (&scene.run_state.info, &scene.run_state.snapshot) {
        (Some(info), _) if comparison.from_other_run => info.run.clone(),
        (_, Some(s)) => format!("degree {}", s.degrees),
        _ => "this".into(),
    };
    transliterate(&name, scene.theme.is_ascii())
}

/// The point under the cursors: both figures and their difference.
fn readout(buf: &mut Buffer, scenes: &[SurfaceScene<'_>; 3], names: &[String; 3], room: Rect) {
    let [this, other, difference] = scenes;
    let theme = this.theme;
    let (muted, plain) = (theme.style(ThemeRole::Muted), theme.style(ThemeRole::Text));
    let index = this.index(this.cursor);
    let place = this.format_position(this.heatmap.parameters(index));
    let mut group: Vec<FigurePiece<'_>> = vec![vec![
        Span::styled(format!("{} ", theme.pick_glyph("▸", ">")), theme.style(ThemeRole::Accent)),
        Span::styled(place, plain),
    ]];
    let about = readout::sample_sign(theme, this.run_state, this.heatmap.cells[index].images);
    let figure = |about: &str, scene: &SurfaceScene<'_>| match scene.value(scene.index(scene.cursor)) {
        Some(value) => format!("{about}{}", readout::format_precise(value, scene.range.kind)),
        None => "not measured".into(),
    };
    for (name, about, scene) in [(&names[0], about, this), (&names[1], "", other)] {
        group.push(vec![
            Span::styled(format!("{name} "), muted),
            Span::styled(figure(about, scene), plain.add_modifier(Modifier::BOLD)),
        ]);
    }
    if let Some(value) = difference.value(index) {
        let kind = difference.range.kind;
        let good = value == 0.0 || (value > 0.0) == kind.higher_is_better;
        let role = if good { ThemeRole::Good } else { ThemeRole::Warning };
        group.push(vec![
            Span::styled("difference ", muted),
            Span::styled(format!("{about}{}", readout::format_precise(value, kind)), theme.style(role)),
        ]);
    }
    let mean = difference.field.values.iter().flatten();
    let (sum, count) = mean.fold((0.0, 0), |(s, n), v| (s + v, n + 1));
    let whole: Vec<FigurePiece<'_>> = if count > 0 {
        let mean = readout::format_precise(sum / f64::from(count), difference.range.kind);
        vec![vec![Span::styled(format!("mean difference over {count} cells "), muted), Span::styled(mean, plain)]]
    } else {
        vec![vec![Span::styled("no cell was measured on both surfaces", muted)]]
    };
    let inside = Rect { x: room.x + 1, width: room.width.saturating_sub(2), ..room };
    text::put_lines(buf, inside, &text::flow(&[group, whole], inside.width, inside.height));
}

/// The cell of this surface at a character of whichever map.
pub(super) fn cell_at(
    base: &SurfaceScene<'_>,
    comparison: &SurfaceComparison,
    inner: Rect,
    column: u16,
    row: u16,
) -> Option<(usize, usize)> {
    let (rooms, _) = panel_areas(inner);
    for (scene, room) in scenes(base, comparison).into_iter().zip(rooms) {
        let layout = layout(room, &scene);
        if !layout.map.contains((column, row).into()) {
            continue;
        }
        let cell = scene.cell_at(&layout, column, row)?;
        let (u, v) = scene.heatmap.parameters(scene.index(scene.heatmap.clamp_to_surface(cell)));
        let index = base.heatmap.nearest_cell(u, v);
        // The cells of a coarser grid may reach a little beyond the part that is shown.
        let (first, last) = (base.cells.first_cell, base.cells.count - 1);
        let cell = (
            (index / base.heatmap.grid).clamp(first.0, first.0 + last),
            (index % base.heatmap.grid).clamp(first.1, first.1 + last),
        );
        return Some(base.heatmap.clamp_to_surface(cell));
    }
    None
}
