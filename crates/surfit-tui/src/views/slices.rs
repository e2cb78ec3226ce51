//! Slices through the surface's cursor: the figures along `u` and `v`, or along both diagonals, with confidence intervals and
//! the corners' levels. Of a curve there is one, which is the whole of it.

mod plot;

use super::plot::text;
use super::surface::SurfaceScene;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use serde::{Deserialize, Serialize};
use surfit_core::axis_scale::AxisScale;
use surfit_core::color_range::ColorRange;
use surfit_core::heatmap::SliceDirection;
use surfit_core::surface::Patch;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Slices {
    /// Along `u` and along `v`.
    #[default]
    Axes,
    Diagonals,
    Off,
}

impl Slices {
    pub fn next(self) -> Self {
        match self {
            Slices::Axes => Slices::Diagonals,
            Slices::Diagonals => Slices::Off,
            Slices::Off => Slices::Axes,
        }
    }

    /// The directions of the pair; where none is shown, of the usual one.
    pub fn directions(self) -> [SliceDirection; 2] {
        match self {
            Slices::Diagonals => SliceDirection::DIAGONALS,
            _ => SliceDirection::AXES,
        }
    }
}

/// Cells in a row through the cursor.
struct CellSlice {
    direction: SliceDirection,
    /// Their indices, `u` growing, or `v` where `u` stays.
    cells: Vec<usize>,
}

/// Draws the slices into their rooms, on one scale.
///
/// Another surface's slices, with its name, are drawn behind them.
pub(crate) fn draw(
    buf: &mut Buffer,
    scene: &SurfaceScene<'_>,
    rooms: [Rect; 2],
    other: Option<(&SurfaceScene<'_>, &str)>,
) {
    let slices = CellSlice::visible(scene);
    let theirs = other.map(|(other, _)| CellSlice::visible(other));
    let mut scale = common_scale(scene, &slices);
    if let (Some((other, _)), Some(theirs)) = (other, &theirs) {
        let both = [scale, common_scale(other, theirs)];
        let ends = both.into_iter().flatten().flat_map(|s| [s.lo, s.hi]);
        scale = AxisScale::covering(ends, false);
    }
    for (k, (slice, room)) in slices.iter().zip(rooms).enumerate() {
        let behind = other
            .zip(theirs.as_ref())
            .and_then(|((scene, name), theirs)| Some(BackgroundSlice { scene, name, slice: theirs.get(k)? }));
        slice.draw(buf, scene, room, scale, behind);
    }
}

/// All cells of the slices that are chosen, with the direction of each in a word.
pub(crate) fn selected_cells(scene: &SurfaceScene<'_>) -> Vec<(&'static str, Vec<usize>)> {
    let name = |along| match along {
        SliceDirection::U => "u",
        SliceDirection::V => "v",
        SliceDirection::Rising => "rising",
        SliceDirection::Falling => "falling",
    };
    let slices = CellSlice::selected(scene).into_iter();
    slices.map(|s| (name(s.direction), s.cells)).collect()
}

struct BackgroundSlice<'a> {
    scene: &'a SurfaceScene<'a>,
    name: &'a str,
    slice: &'a CellSlice,
}

/// Draws a curve's figures as a line over `u` that fills the area.
pub(crate) fn draw_curve_plot(buf: &mut Buffer, scene: &SurfaceScene<'_>, room: Rect) {
    let slices = CellSlice::visible(scene);
    if let (Some(slice), Some(scale)) = (slices.first(), common_scale(scene, &slices)) {
        slice.draw_large(buf, scene, room, scale);
    }
}

/// The cell at a character of [`draw_curve_plot`].
pub(crate) fn cell_at(scene: &SurfaceScene<'_>, room: Rect, column: u16, row: u16) -> Option<(usize, usize)> {
    let scale = common_scale(scene, &CellSlice::visible(scene))?;
    let plot = plot::large_plot_area(scene, room, scale)?;
    plot.contains((column, row).into()).then(|| {
        let t = f64::from(column - plot.x) / f64::from(plot.width.max(2) - 1);
        let cells = scene.cells;
        let steps = (t * (cells.count - 1) as f64).round() as usize;
        (cells.first_cell.0 + steps, 0)
    })
}

/// The scale that holds values, intervals and levels.
fn common_scale(scene: &SurfaceScene<'_>, slices: &[CellSlice]) -> Option<AxisScale> {
    let cells = || slices.iter().flat_map(|s| s.cells.iter().copied());
    let values = cells().filter_map(|i| scene.value(i));
    let ends = cells().filter_map(|i| scene.interval(i)).flat_map(|(low, high)| [low, high]);
    AxisScale::covering(values.chain(ends).chain(scene.reference), false)
}

impl CellSlice {
    /// The chosen ones, from end to end of the surface.
    fn selected(scene: &SurfaceScene<'_>) -> Vec<Self> {
        let directions = match scene.heatmap.patch {
            Patch::Curve => &[SliceDirection::U][..],
            _ => &scene.view.slices.directions(),
        };
        let cells = |&direction| scene.heatmap.slice_cells(scene.cursor, direction);
        directions.iter().map(|along| Self { direction: *along, cells: cells(along) }).collect()
    }

    /// The chosen ones as far as the part that is shown goes.
    fn visible(scene: &SurfaceScene<'_>) -> Vec<Self> {
        let grid = scene.heatmap.grid;
        let mut slices = Self::selected(scene);
        for slice in &mut slices {
            slice.cells.retain(|i| scene.cells.contains((i / grid, i % grid)));
        }
        slices
    }

    /// The name of the direction, and the slice's position.
    fn name(&self, scene: &SurfaceScene<'_>) -> (&'static str, String) {
        let last = (scene.heatmap.grid - 1) as f64;
        let (a, b) = scene.cursor;
        let at = |k: usize| k as f64 / last;
        let through = || format!(" through {}", scene.format_position((at(a), at(b))));
        // Of a part its ends: the plot has no axis below it.
        let [u, v] = scene.cells.parameter_ranges().map(|(from, to)| match scene.cells.is_all() {
            true => String::new(),
            false => format!(" {from:.2}{}{to:.2}", scene.theme.pick_glyph("–", "-")),
        });
        match (self.direction, scene.heatmap.patch) {
            (_, Patch::Curve) => ("u", format!("{u} on the curve")),
            (SliceDirection::U, _) => ("u", format!("{u} at v = {:.2}", at(b))),
            (SliceDirection::V, _) => ("v", format!("{v} at u = {:.2}", at(a))),
            (SliceDirection::Rising, _) => (scene.theme.pick_glyph("↗", "/"), through()),
            (SliceDirection::Falling, _) => (scene.theme.pick_glyph("↘", "\\"), through()),
        }
    }
}

fn label(scene: &SurfaceScene<'_>, scale: AxisScale, value: f64) -> String {
    ColorRange { lo: scale.lo, hi: scale.hi, ..scene.range }.label(value)
}
