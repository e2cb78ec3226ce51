//! A heatmap as pixels: interpolated between the cells, with contour lines and their values, corners and the best point.

use super::raster_text::{letter_size, text_extent};
use crate::color::Rgb;
use crate::views::surface::{SurfaceScene, contrast_color, mix_colors};
use surfit_core::colormap::Colormap;
use surfit_core::heatmap::CellField;
use surfit_core::surface::Patch;

/// Pixels, row by row from the top.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raster {
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// `width × height` colours.
    pub pixels: Vec<Rgb>,
}

/// How a pixel came about.
#[derive(Clone, Copy, PartialEq)]
enum PixelOrigin {
    Outside,
    Unmeasured,
    Measured(f64),
}

/// Draws what is shown of a heatmap: `u` to the right, `v` upward, values between the cells interpolated over those that are
/// measured, `lines` contour lines, a ring round the best cell. What is not measured is hatched.
pub(crate) fn render_heatmap(scene: &SurfaceScene<'_>, size: (usize, usize), lines: usize) -> Raster {
    let (width, height) = (size.0.max(1), size.1.max(1));
    let (field, range) = (&scene.field, scene.range);
    let background = scene.theme.background_rgb();
    let colors = if range.kind.signed { Colormap::Diverging } else { scene.theme.colormap() };
    let share = |v: f64| range.quality(v);
    let [(left, right), (bottom, top)] = scene.cells.parameter_ranges();
    let at = |n: usize, count: usize| (n as f64 + 0.5) / count as f64;
    let place = |x: usize, y: usize| (left + at(x, width) * (right - left), top - at(y, height) * (top - bottom));
    let grid: Vec<PixelOrigin> = (0..width * height)
        .map(|p| {
            let (u, v) = place(p % width, p / width);
            interpolate_pixel(field, u, v)
        })
        .collect();
    let band = |p: usize| match grid[p] {
        PixelOrigin::Measured(v) => (share(v) * (lines + 1) as f64).floor() as i64,
        _ => -1,
    };
    let empty = mix_colors(background, contrast_color(background), 0.08);
    let hatch = mix_colors(background, contrast_color(background), 0.20);
    let color = |p: usize| {
        let (x, y) = (p % width, p / width);
        match grid[p] {
            PixelOrigin::Outside => background,
            PixelOrigin::Unmeasured if (x + y) % 8 == 0 => hatch,
            PixelOrigin::Unmeasured => empty,
            PixelOrigin::Measured(v) => {
                let full = colors.color_at(share(v));
                let crossed = |q: usize| band(q) >= 0 && band(q) != band(p);
                let right = x + 1 < width && crossed(p + 1);
                let below = y + 1 < height && crossed(p + width);
                if lines > 0 && (right || below) { mix_colors(full, contrast_color(full), 0.55) } else { full }
            }
        }
    };
    let mut raster = Raster { width, height, pixels: (0..width * height).map(color).collect() };
    let bands: Vec<i64> = (0..width * height).map(band).collect();
    for (level, at) in contour_label_positions(&bands, (width, height), lines, |level| level_label(scene, level, lines))
    {
        let plate = colors.color_at(level as f64 / (lines + 1) as f64);
        let text = level_label(scene, level, lines);
        raster.label(&text, at, letter_size(width), plate);
    }
    let grid = field.grid;
    let place_of = |index: usize| {
        let cell = (index / grid, index % grid);
        scene.cells.contains(cell).then(|| {
            let (s, t) = scene.cells.fraction((cell.0 as f64, cell.1 as f64));
            (s, if field.patch == Patch::Curve { 0.5 } else { t })
        })
    };
    for (number, index) in scene.heatmap.corner_cells().into_iter().enumerate() {
        if let Some((s, t)) = place_of(index) {
            let (x, y) = (s * (width - 1) as f64, (1.0 - t) * (height - 1) as f64);
            raster.badge(number + 1, (x, y), letter_size(width));
        }
    }
    if let Some((s, t)) = scene.best.and_then(place_of) {
        raster.ring(s, t);
    }
    raster
}

/// The value of contour line `level` of `lines`, as the colour bar writes it.
fn level_label(scene: &SurfaceScene<'_>, level: usize, lines: usize) -> String {
    let range = scene.range;
    range.label(range.value_at(level as f64 / (lines + 1) as f64))
}

/// Where each contour line has its value: on the line, away from the edges, and as far as may be from the values before. A
/// line without room for it has none.
fn contour_label_positions(
    bands: &[i64],
    (width, height): (usize, usize),
    lines: usize,
    label: impl Fn(usize) -> String,
) -> Vec<(usize, (i64, i64))> {
    let mut placed: Vec<(usize, (i64, i64))> = Vec::new();
    for level in 1..=lines {
        let (wide, high) = text_extent(&label(level), letter_size(width));
        // Corners have their badges: labels keep clear of the edges.
        let (margin_x, margin_y) = (wide / 2 + 2 * high, 2 * high);
        let crosses = |p: usize, q: usize| {
            let (low, up) = (bands[p].min(bands[q]), bands[p].max(bands[q]));
            low >= 0 && low < level as i64 && up >= level as i64
        };
        let mut best: Option<(i64, (i64, i64))> = None;
        for y in margin_y..height.saturating_sub(margin_y) {
            for x in margin_x..width.saturating_sub(margin_x) {
                let p = y * width + x;
                if !(crosses(p, p + 1) || crosses(p, p + width)) {
                    continue;
                }
                let at = (x as i64, y as i64);
                // Along x labels need their width, along y only a line's height.
                let room = placed.iter().map(|(_, other)| {
                    let dx = (at.0 - other.0).abs() * high as i64 / wide.max(1) as i64;
                    dx.max((at.1 - other.1).abs())
                });
                let middle = (at.0 - width as i64 / 2).abs() + (at.1 - height as i64 / 2).abs();
                let score = match room.min() {
                    Some(room) => room,
                    None => (width + height) as i64 - middle,
                };
                if best.is_none_or(|(most, _)| score > most) {
                    best = Some((score, at));
                }
            }
        }
        let enough = |score: i64| placed.is_empty() || score > high as i64 * 3 / 2;
        if let Some((_, at)) = best.filter(|b| enough(b.0)) {
            placed.push((level, at));
        }
    }
    placed
}

/// The value at `(u, v)`, interpolated between the cells around it; where the nearest is not measured, none is known.
fn interpolate_pixel(field: &CellField, u: f64, v: f64) -> PixelOrigin {
    if field.patch == Patch::Triangle && u + v > 1.0 {
        return PixelOrigin::Outside;
    }
    let v = if field.patch == Patch::Curve { 0.0 } else { v };
    match field.measured_value_near(u, v) {
        Some(value) => PixelOrigin::Measured(value),
        None => PixelOrigin::Unmeasured,
    }
}

impl Raster {
    /// The same picture with other numbers of pixels: each shows the source pixel nearest to its middle.
    pub(super) fn scaled(&self, (width, height): (usize, usize)) -> Self {
        let from = |n: usize, to: usize, of: usize| (2 * n + 1) * of / (2 * to);
        let row = |y| (0..width).map(move |x| (from(x, width, self.width), y));
        let places = (0..height).flat_map(|y| row(from(y, height, self.height)));
        let pixels = places.map(|(x, y)| self.pixels[y * self.width + x]);
        Self { width, height, pixels: pixels.collect() }
    }

    /// A ring round a place, dark within light, so that it is seen on every colour.
    fn ring(&mut self, u: f64, v: f64) {
        let (cx, cy) = (u * (self.width - 1) as f64, (1.0 - v) * (self.height - 1) as f64);
        let radius = (self.width.min(self.height) as f64 / 40.0).max(3.0);
        for y in 0..self.height {
            for x in 0..self.width {
                let far = (x as f64 - cx).hypot(y as f64 - cy);
                let pixel = &mut self.pixels[y * self.width + x];
                if (far - radius).abs() < 1.0 {
                    *pixel = (0, 0, 0);
                } else if (far - radius - 2.0).abs() < 1.0 {
                    *pixel = (255, 255, 255);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theme::{ColorDepth, Theme};
    use crate::views::plot::fixture;
    use crate::views::surface::{CellQuantity, SurfaceView};
    use std::sync::LazyLock;
    use surfit_core::heatmap::{Cell, Heatmap, Metric};

    static GREYS: LazyLock<Theme> = LazyLock::new(|| Theme::built_in("mono", ColorDepth::Truecolor).unwrap());

    fn measured_heatmap(patch: Patch, grid: usize) -> Heatmap {
        let mut map = Heatmap::new(patch, grid);
        for index in map.surface_cells().collect::<Vec<_>>() {
            let (u, v) = map.parameters(index);
            let correct = (1000.0 * (0.5 + 0.2 * u + 0.1 * v)) as u32;
            map.cells[index] = Cell::from_counts(correct, 1000, (1.0 - u) as f32, 0);
        }
        map
    }

    /// The picture of a heatmap in greys.
    fn render_grey(map: &Heatmap, view: &SurfaceView, lines: usize) -> Raster {
        let mut picture = fixture::fitting_run_on(map.patch, 2, map.grid);
        picture.snapshot.as_mut().unwrap().heatmap = map.clone();
        let scene = SurfaceScene::new(&GREYS, &picture, view).unwrap();
        render_heatmap(&scene, (80, 60), lines)
    }

    fn draw(map: &Heatmap, metric: Metric, lines: usize) -> Raster {
        let view = SurfaceView { metric, ..SurfaceView::default() };
        render_grey(map, &view, lines)
    }

    fn light(r: &Raster, x: usize, y: usize) -> u8 {
        r.pixels[y * r.width + x].0
    }

    #[test]
    fn values_grow_to_the_right_and_upward_and_a_low_loss_is_light() {
        let map = measured_heatmap(Patch::Square, 5);
        let r = draw(&map, Metric::ACCURACY, 0);
        assert_eq!(r.pixels.len(), 80 * 60);
        assert!(light(&r, 10, 30) < light(&r, 40, 30) && light(&r, 40, 50) < light(&r, 40, 10));
        // Between two cells there are more than two shades.
        let shades: std::collections::BTreeSet<u8> = (0..20).map(|x| light(&r, x, 30)).collect();
        assert!(shades.len() > 8, "{shades:?}");
        let loss = draw(&map, Metric::LOSS, 0);
        assert!(light(&loss, 5, 30) < light(&loss, 60, 30));
    }

    #[test]
    fn contour_lines_are_drawn_and_what_is_not_measured_is_hatched() {
        let mut map = measured_heatmap(Patch::Square, 5);
        assert_ne!(draw(&map, Metric::ACCURACY, 0), draw(&map, Metric::ACCURACY, 5));
        map.cells[2] = Cell::default();
        let r = draw(&map, Metric::ACCURACY, 0);
        let near: std::collections::BTreeSet<u8> =
            (0..8).flat_map(|x| (26..34).map(move |y| (x, y))).map(|(x, y)| light(&r, x, y)).collect();
        assert!(near.len() >= 2 && near.iter().all(|l| *l < 80), "{near:?}");
        let nothing = draw(&Heatmap::new(Patch::Square, 3), Metric::ACCURACY, 5);
        assert_eq!(nothing.pixels.len(), 80 * 60);
    }

    #[test]
    fn lines_have_their_values_and_corners_their_numbers() {
        let view = SurfaceView::default();
        let map = measured_heatmap(Patch::Square, 5);
        let mut picture = fixture::fitting_run_on(map.patch, 2, map.grid);
        picture.snapshot.as_mut().unwrap().heatmap = map;
        let scene = SurfaceScene::new(&GREYS, &picture, &view).unwrap();
        let (size, lines) = ((720, 480), 6);
        let bands: Vec<i64> = (0..size.0 * size.1)
            .map(|p| {
                let (x, y) = ((p % size.0) as f64 / 719.0, 1.0 - (p / size.0) as f64 / 479.0);
                (scene.range.quality(0.5 + 0.2 * x + 0.1 * y) * 7.0).floor() as i64
            })
            .collect();
        let places = contour_label_positions(&bands, size, lines, |n| level_label(&scene, n, lines));
        assert!(places.len() >= 5, "{places:?}");
        for (n, &(level, (x, y))) in places.iter().enumerate() {
            // It is on its line, and shows the value of the surface there.
            let here = 0.5 + 0.2 * x as f64 / 719.0 + 0.1 * (1.0 - y as f64 / 479.0);
            let said: f64 = level_label(&scene, level, lines).parse().unwrap();
            assert!((said - 100.0 * here).abs() < 0.5, "{said} at {here}");
            for &(_, (a, b)) in &places[..n] {
                assert!((a - x).abs() > 60 || (b - y).abs() > 16, "{places:?}");
            }
        }
        let drawn = render_heatmap(&scene, size, 0);
        // A digit on white in every corner of the picture.
        for (x, y) in [(8, 8), (711, 8), (8, 471), (711, 471)] {
            let near = (0..100).map(|n| (x + n % 10 - 5, y + n / 10 - 5));
            let light: Vec<u8> = near.map(|(x, y)| light(&drawn, x as usize, y as usize)).collect();
            assert!(light.contains(&0) && light.contains(&255), "{x} {y}");
        }
    }

    #[test]
    fn beside_a_triangle_there_is_nothing() {
        let r = draw(&measured_heatmap(Patch::Triangle, 5), Metric::ACCURACY, 3);
        assert_eq!(r.pixels[79], GREYS.background_rgb());
        assert_ne!(r.pixels[59 * 80 + 1], GREYS.background_rgb());
        let curve = draw(&measured_heatmap(Patch::Curve, 5), Metric::ACCURACY, 0);
        assert_eq!(light(&curve, 20, 5), light(&curve, 20, 50));
    }

    #[test]
    fn it_shows_what_the_map_shows_of_it_and_the_part_that_is_chosen() {
        let map = measured_heatmap(Patch::Square, 11);
        let mut view = SurfaceView::default();
        let whole = render_grey(&map, &view, 0);
        view.zoom_by(0.5, Some((0, 0)), 11, Patch::Square);
        let part = render_grey(&map, &view, 0);
        // The lower left quarter of the whole over all of the picture: its right edge is dark.
        assert!(light(&part, 78, 30) < light(&whole, 78, 30));
        assert!(light(&part, 60, 30).abs_diff(light(&whole, 30, 45)) <= 3);
        // A difference has the colours of one, which greys have not.
        view.quantity = CellQuantity::Gain;
        let gain = render_grey(&map, &view, 0);
        assert!(gain.pixels.iter().any(|p| p.0 != p.2));
        let fixed = SurfaceView {
            fixed_range: Some(crate::views::surface::FixedRange {
                metric: Metric::ACCURACY,
                quantity: CellQuantity::Value,
                limits: (0.9, 1.0),
            }),
            ..SurfaceView::default()
        };
        assert!(light(&render_grey(&map, &fixed, 0), 70, 20) < light(&whole, 70, 20));
    }
}
