//! Colours and glyphs of cells.

pub use crate::color::Rgb;
use crate::theme::{GlyphSet, Theme};
use crate::views::surface::SurfaceScene;
use surfit_core::colormap::{Colormap, contrast_ratio};

/// Density from worst to best, where colours are not to be had.
const SHADES: [char; 4] = ['░', '▒', '▓', '█'];
/// The same in ASCII.
const RAMP: [char; 9] = ['.', ':', '-', '=', '+', '*', '#', '%', '@'];

pub fn stale_glyph(theme: &Theme) -> &'static str {
    theme.pick_glyph("·", "'")
}

/// The glyph for `t`, 0 to 1, where colours are not to be had.
pub fn density(theme: &Theme, t: f64) -> char {
    let glyphs: &[char] = match theme.glyphs() {
        GlyphSet::Ascii => &RAMP,
        GlyphSet::Blocks | GlyphSet::Braille => &SHADES,
    };
    glyphs[((t * glyphs.len() as f64) as usize).min(glyphs.len() - 1)]
}

/// The glyph of a value: of a difference, dense where it is large and good, dots where it is bad or nothing.
pub(super) fn glyph_of(scene: &SurfaceScene<'_>, value: f64) -> char {
    let t = scene.range.quality(value);
    if scene.range.kind.signed { density(scene.theme, (2.0 * t - 1.0).max(0.0)) } else { density(scene.theme, t) }
}

pub fn fresh_color(scene: &SurfaceScene<'_>, value: f64) -> Rgb {
    let map = if scene.range.kind.signed { Colormap::Diverging } else { scene.theme.colormap() };
    map.color_at(scene.range.quality(value))
}

/// The colour of a measured cell: the colour map's, paler the older the surface it was measured on; `None` while it has
/// no value.
pub fn cell_color(scene: &SurfaceScene<'_>, index: usize) -> Option<Rgb> {
    Some(value_color(scene, index, scene.value(index)?))
}

pub fn value_color(scene: &SurfaceScene<'_>, index: usize, value: f64) -> Rgb {
    mix_colors(fresh_color(scene, value), scene.theme.background_rgb(), paleness(scene, index))
}

/// How much of the ground's colour a measured cell has, by the age of the surface it was measured on.
///
/// The age goes in three steps, so that a running fit does not repaint the whole map with every step.
pub fn paleness(scene: &SurfaceScene<'_>, index: usize) -> f64 {
    if !scene.heatmap.is_stale(index) {
        return 0.0;
    }
    let steps = scene.run_state.snapshot.as_ref().map_or(0, |s| s.fit_total).max(1);
    let age = scene.heatmap.version - scene.heatmap.cells[index].version;
    match age as f64 / steps as f64 {
        a if a < 0.05 => 0.12,
        a if a < 0.25 => 0.25,
        _ => 0.40,
    }
}

/// A colour between `a` and `b`: `a` at 0, `b` at 1.
pub fn mix_colors(a: Rgb, b: Rgb, t: f64) -> Rgb {
    let one = |a: u8, b: u8| (f64::from(a) + t * (f64::from(b) - f64::from(a))).round() as u8;
    (one(a.0, b.0), one(a.1, b.1), one(a.2, b.2))
}

/// Black or white, whichever reads better on `ground`.
pub fn contrast_color(ground: Rgb) -> Rgb {
    let (black, white) = ((0, 0, 0), (255, 255, 255));
    if contrast_ratio(black, ground) >= contrast_ratio(white, ground) { black } else { white }
}
