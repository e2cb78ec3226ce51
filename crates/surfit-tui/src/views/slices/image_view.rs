//! Slices as pictures, with names, scales and levels as text beside them.

use super::{CellSlice, common_scale, label};
use crate::images::{PictureSketch, Raster};
use crate::theme::ThemeRole;
use crate::views::plot::curve_image::{PixelUnit, clear_area};
use crate::views::plot::text;
use crate::views::scale::AxisScale;
use crate::views::surface::{SurfaceScene, mix_colors};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Columns from which both slices are side by side.
const MIN_SIDE_BY_SIDE_WIDTH: u16 = 76;

/// The rooms of both slices.
fn rooms(inner: Rect) -> [Rect; 2] {
    let gap = 2;
    if inner.width >= MIN_SIDE_BY_SIDE_WIDTH && inner.width > 2 * inner.height {
        let width = (inner.width - gap) / 2;
        let left = Rect { width, ..inner };
        let x = inner.right() - width;
        return [left, Rect { x, ..left }];
    }
    let height = inner.height / 2;
    let top = Rect { height: height.saturating_sub(1), ..inner };
    [top, Rect { y: inner.y + height, ..top }]
}

/// Every slice with the area of its plot, and their scale.
fn plots(scene: &SurfaceScene<'_>, inner: Rect) -> Vec<(CellSlice, Rect, AxisScale)> {
    let slices = CellSlice::visible(scene);
    let Some(scale) = common_scale(scene, &slices) else {
        return Vec::new();
    };
    let rooms = slice_areas(slices.len(), inner);
    let placed = slices.into_iter().zip(rooms);
    let plot = |(slice, room): (CellSlice, Rect)| {
        let plot = super::plot::small_plot_interior(scene, room, scale)?;
        Some((slice, plot.area, scale))
    };
    placed.filter_map(plot).collect()
}

/// The characters of the pictures.
pub(crate) fn image_areas(scene: &SurfaceScene<'_>, inner: Rect) -> Vec<Rect> {
    plots(scene, inner).into_iter().map(|p| p.1).collect()
}

/// Draws everything but the pictures.
pub(crate) fn draw_around(buf: &mut Buffer, scene: &SurfaceScene<'_>, inner: Rect) {
    let slices = CellSlice::visible(scene);
    let scale = common_scale(scene, &slices);
    let rooms = slice_areas(slices.len(), inner);
    for (slice, room) in slices.iter().zip(rooms) {
        slice.draw(buf, scene, room, scale, None);
    }
    let axis = scene.theme.style(ThemeRole::Axis);
    for (slice_room, (_, area, scale)) in slice_areas(slices.len(), inner).iter().zip(plots(scene, inner)) {
        clear_area(buf, scene.theme, area);
        let pad = usize::from(area.x - slice_room.x - 1);
        for (value, _) in ticks(scale, area) {
            // The ends have their figures already.
            let inside = area.y + 1..area.bottom() - 1;
            if let Some(y) = super::plot::row(scale, area, value).filter(|y| inside.contains(y)) {
                let text = format!("{:>pad$}", label(scene, scale, value));
                text::put(buf, slice_room.x, y, pad as u16, &text, axis);
            }
        }
    }
}

/// Values that have a line.
fn ticks(scale: AxisScale, area: Rect) -> Vec<(f64, String)> {
    scale.ticks(usize::from(area.height / 4).max(2))
}

/// The rooms of so many slices.
fn slice_areas(count: usize, inner: Rect) -> Vec<Rect> {
    match count {
        1 => vec![inner],
        _ => rooms(inner).to_vec(),
    }
}

/// The pictures, of `unit` pixels a character.
pub(crate) fn sketches(scene: &SurfaceScene<'_>, inner: Rect, unit: PixelUnit) -> Vec<Raster> {
    let plots = plots(scene, inner).into_iter();
    plots.map(|(slice, area, scale)| slice.sketch(scene, area, scale, unit)).collect()
}

impl CellSlice {
    fn sketch(&self, scene: &SurfaceScene<'_>, area: Rect, scale: AxisScale, unit: PixelUnit) -> Raster {
        let theme = scene.theme;
        let (wide, high) = (f64::from(area.width) * unit.0, f64::from(area.height) * unit.1);
        let ground = theme.background_rgb();
        let mut sketch = PictureSketch::new((wide as usize, high as usize), ground);
        let pen = (unit.1 / 16.0).max(0.7);
        let x = |k: usize| unit.0 * (0.5 + self.axis_fraction(k) * f64::from(area.width.max(1) - 1));
        let y = |t: f64| unit.1 * (0.5 + (1.0 - t) * f64::from(area.height.max(1) - 1));
        let at = |value: f64| scale.position_of(value).map(y);
        let faint = mix_colors(ground, theme.foreground_rgb(ThemeRole::Axis), 0.35);
        for (value, _) in ticks(scale, area) {
            if let Some(y) = at(value) {
                sketch.line((0.0, y), (wide, y), pen, faint);
            }
        }
        // Between two cells the interval goes from one to the other.
        let band = mix_colors(ground, theme.foreground_rgb(ThemeRole::CurveRaw), 0.45);
        let mut before: Option<(f64, f64, f64)> = None;
        for (k, &index) in self.cells.iter().enumerate() {
            let ends = scene.interval(index);
            let Some((Some(low), Some(high))) = ends.map(|(a, b)| (at(a), at(b))) else {
                continue;
            };
            let here = (x(k), high, low);
            let from = before.unwrap_or(here);
            let steps = (here.0 - from.0).ceil().max(1.0);
            for n in 0..=steps as usize {
                let t = n as f64 / steps;
                let mix = |a: f64, b: f64| a + t * (b - a);
                let ends = (mix(from.1, here.1), mix(from.2, here.2));
                sketch.draw_column(mix(from.0, here.0), ends, band, 1.0);
            }
            before = Some(here);
        }
        if let Some(y) = scene.reference.and_then(at) {
            sketch.dashes(&[(0.0, y), (wide, y)], 1.3 * pen, theme.foreground_rgb(ThemeRole::Axis));
        }
        let known = self.cells.iter().enumerate();
        let known = known.filter_map(|(k, &i)| Some(((x(k), at(scene.value(i)?)?), k == self.cursor)));
        let known: Vec<((f64, f64), bool)> = known.collect();
        let spots: Vec<(f64, f64)> = known.iter().map(|k| k.0).collect();
        sketch.path(&spots, 1.9 * pen, theme.foreground_rgb(ThemeRole::CurveSmooth));
        let few = (spots.len() as f64) * 10.0 * pen < wide;
        for (spot, here) in known {
            if here {
                sketch.point(spot, 4.0 * pen, theme.foreground_rgb(ThemeRole::Accent), ground);
            } else if few {
                sketch.point(spot, 2.2 * pen, theme.foreground_rgb(ThemeRole::CurveSmooth), ground);
            }
        }
        sketch.raster()
    }
}
