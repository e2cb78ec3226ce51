//! Colours, sizes and fonts that all figures share.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::sync::OnceLock;

/// Letters and outlines over the colours of a colour map, beside white ones.
pub const DARK_INK: RGBColor = RGBColor(0x1d, 0x23, 0x2b);

/// Colours of a figure's page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FigureTheme {
    /// Background of the page.
    pub background: RGBColor,
    /// What has no value: cells that are not measured, the floor of a relief.
    pub blank: RGBColor,
    pub text: RGBColor,
    /// Axis labels and secondary text.
    pub muted: RGBColor,
    pub axis: RGBColor,
    pub grid: RGBColor,
    /// The surface's curve.
    pub surface: RGBColor,
    pub validation: RGBColor,
    /// What a corner reaches.
    pub reference: RGBColor,
    /// The four corners.
    pub corners: [RGBColor; 4],
}

impl FigureTheme {
    /// The white page of files. The colours of the corners are distinguishable with colour-vision deficiencies (after Okabe
    /// and Ito).
    pub const PAPER: FigureTheme = FigureTheme {
        background: WHITE,
        blank: RGBColor(0xf0, 0xf1, 0xf3),
        text: DARK_INK,
        muted: RGBColor(0x5b, 0x65, 0x70),
        axis: RGBColor(0x9a, 0xa3, 0xad),
        grid: RGBColor(0xe6, 0xe9, 0xed),
        surface: RGBColor(0x1f, 0x4e, 0x9c),
        validation: RGBColor(0xd5, 0x5e, 0x00),
        reference: RGBColor(0x8a, 0x3f, 0x7a),
        corners: [
            RGBColor(0x00, 0x72, 0xb2),
            RGBColor(0xc9, 0x82, 0x00),
            RGBColor(0x00, 0x9e, 0x73),
            RGBColor(0xb5, 0x55, 0x8c),
        ],
    };
}

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

pub fn rgb((r, g, b): (u8, u8, u8)) -> RGBColor {
    RGBColor(r, g, b)
}

/// Black or white, whichever reads better on a colour.
pub fn contrast_color(color: (u8, u8, u8)) -> RGBColor {
    let ratio = |ink: RGBColor| surfit_core::colormap::contrast_ratio(color, (ink.0, ink.1, ink.2));
    if ratio(WHITE) >= ratio(DARK_INK) { WHITE } else { DARK_INK }
}
