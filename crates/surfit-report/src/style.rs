//! Colours, sizes and fonts that all figures share.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::sync::OnceLock;

/// Colour of primary text.
pub const TEXT_COLOR: RGBColor = RGBColor(0x1d, 0x23, 0x2b);
/// Axis labels and secondary text.
pub const MUTED_COLOR: RGBColor = RGBColor(0x5b, 0x65, 0x70);
/// Colour of grid lines.
pub const GRID_COLOR: RGBColor = RGBColor(0xe6, 0xe9, 0xed);
/// Colour of axis lines.
pub const AXIS_COLOR: RGBColor = RGBColor(0x9a, 0xa3, 0xad);
/// The surface's curve.
pub const SURFACE_COLOR: RGBColor = RGBColor(0x1f, 0x4e, 0x9c);
/// Colour of validation measurements.
pub const VALIDATION_COLOR: RGBColor = RGBColor(0xd5, 0x5e, 0x00);
/// What a corner reaches.
pub const REFERENCE_COLOR: RGBColor = RGBColor(0x8a, 0x3f, 0x7a);
/// The four corners: distinguishable with colour-vision deficiencies (after Okabe and Ito).
pub const CORNER_COLORS: [RGBColor; 4] =
    [RGBColor(0x00, 0x72, 0xb2), RGBColor(0xc9, 0x82, 0x00), RGBColor(0x00, 0x9e, 0x73), RGBColor(0xb5, 0x55, 0x8c)];

/// Pixels of the drawing per nominal point. The drawing is made large so that the whole-numbered coordinates of the
/// drawing library are fractions of a point.
pub const PIXELS_PER_POINT: f64 = 4.0;

/// Nominal points as pixels of the drawing.
pub fn px(points: f64) -> i32 {
    (points * PIXELS_PER_POINT).round() as i32
}

/// A line of a width in nominal points.
pub fn line_style(color: impl Color, points: f64) -> ShapeStyle {
    ShapeStyle { color: color.to_rgba(), filled: false, stroke_width: px(points).max(1) as u32 }
}

/// A filled area.
pub fn fill_style(color: impl Color) -> ShapeStyle {
    ShapeStyle { color: color.to_rgba(), filled: true, stroke_width: 0 }
}

/// Text of a size in nominal points.
pub fn text_style(points: f64, color: RGBColor, h: HPos, v: VPos) -> TextStyle<'static> {
    register_fonts();
    ("sans-serif", points * PIXELS_PER_POINT).into_font().color(&color).pos(Pos::new(h, v))
}

/// Returns a bold text style of a size in nominal points.
pub fn bold_style(points: f64, color: RGBColor, h: HPos, v: VPos) -> TextStyle<'static> {
    register_fonts();
    ("sans-serif", points * PIXELS_PER_POINT, FontStyle::Bold).into_font().color(&color).pos(Pos::new(h, v))
}

/// Makes the embedded fonts known, once. Were they broken, drawing text would give its own error.
pub fn register_fonts() {
    static REGISTERED: OnceLock<()> = OnceLock::new();
    REGISTERED.get_or_init(|| {
        let _ = plotters::style::register_font("sans-serif", FontStyle::Normal, notosans::REGULAR_TTF);
        let _ = plotters::style::register_font("sans-serif", FontStyle::Bold, notosans::BOLD_TTF);
    });
}

/// A colour of three bytes.
pub fn rgb((r, g, b): (u8, u8, u8)) -> RGBColor {
    RGBColor(r, g, b)
}

/// Black or white, whichever reads better on a colour.
pub fn contrast_color(color: (u8, u8, u8)) -> RGBColor {
    use surfit_core::colormap::contrast_ratio;
    if contrast_ratio(color, (255, 255, 255)) >= contrast_ratio(color, (0x1d, 0x23, 0x2b)) { WHITE } else { TEXT_COLOR }
}
