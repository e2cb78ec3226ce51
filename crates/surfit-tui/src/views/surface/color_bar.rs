//! The colour bar: the values of the colours or glyphs.

use super::layout::SurfaceLayout;
use super::map::density;
use super::{CellPaint, SurfaceScene};
use crate::theme::ThemeRole;
use crate::views::plot::text;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use surfit_core::axis_scale::AxisScale;
use surfit_core::colormap::Colormap;

/// Draws the bar, upright beside the map or lying below it.
pub fn draw(buf: &mut Buffer, scene: &SurfaceScene<'_>, layout: &SurfaceLayout) {
    match (layout.bar.width, layout.bar.height) {
        (0, _) | (_, 0) => {}
        (_, 1) => draw_horizontal(buf, scene, layout.bar),
        _ => draw_vertical(buf, scene, layout.bar),
    }
}

/// A value as it is written beside the colours, with a sign where values lie beyond it.
fn end_label(scene: &SurfaceScene<'_>, value: f64) -> String {
    format!("{}{}", scene.range.end_sign(value, scene.theme.is_ascii()), scene.range.label(value))
}

/// Values with their labels, the most important first: the ends of the range, zero of a difference, at most so many ticks.
pub(super) fn range_labels(scene: &SurfaceScene<'_>, most: usize) -> impl Iterator<Item = (f64, String)> {
    let range = scene.range;
    let ticks = AxisScale { lo: range.lo, hi: range.hi, log: false }.ticks(most).into_iter().map(|t| t.0);
    let zero = range.kind.signed.then_some(0.0);
    let values = [range.value_at(1.0), range.value_at(0.0)].into_iter().chain(zero).chain(ticks);
    values.map(|value| (value, end_label(scene, value)))
}

fn bar_character(scene: &SurfaceScene<'_>, upper: f64, lower: f64) -> (char, Style) {
    let theme = scene.theme;
    let signed = scene.range.kind.signed;
    let map = if signed { Colormap::Diverging } else { theme.colormap() };
    let rgb = |t: f64| theme.rgb(map.color_at(t));
    let middle = (upper + lower) / 2.0;
    let dense = if signed { (2.0 * middle - 1.0).max(0.0) } else { middle };
    match CellPaint::of(theme) {
        CellPaint::Halves => ('▀', Style::new().fg(rgb(upper)).bg(rgb(lower))),
        CellPaint::Whole => (' ', Style::new().bg(rgb((upper + lower) / 2.0))),
        CellPaint::Glyphs => (density(theme, dense), theme.style(ThemeRole::Text)),
    }
}

/// Draws the bar from bottom to top with its values beside it.
pub(super) fn draw_vertical(buf: &mut Buffer, scene: &SurfaceScene<'_>, room: Rect) {
    let (x, height) = (room.x + 1, room.height);
    let last = f64::from(2 * height - 1);
    for y in 0..height {
        let at = |half: u16| 1.0 - f64::from(2 * y + half) / last;
        let (glyph, style) = bar_character(scene, at(0), at(1));
        for column in 0..2 {
            text::put(buf, x + column, room.y + y, 1, glyph.encode_utf8(&mut [0; 4]), style);
        }
        if CellPaint::of(scene.theme) == CellPaint::Glyphs {
            // The digit that cells of this height bear.
            let digit = scene.range.digit(scene.range.value_at((at(0) + at(1)) / 2.0));
            text::put(buf, x, room.y + y, 1, &digit.to_string(), style);
        }
    }
    let row = |value: f64| room.y + ((1.0 - scene.range.quality(value)) * f64::from(height - 1)).round() as u16;
    let range = scene.range;
    let most = usize::from(height / 3).clamp(2, 6);
    let axis = scene.theme.style(ThemeRole::Axis);
    let mut rows = Vec::new();
    for (value, label) in range_labels(scene, most) {
        let y = row(value);
        if rows.iter().any(|r: &u16| r.abs_diff(y) < 2) {
            continue;
        }
        rows.push(y);
        let style = if range.kind.signed && value == 0.0 {
            // Zero is where better turns into worse.
            text::put(buf, x + 2, y, 1, scene.theme.pick_glyph("┤", "+"), axis);
            scene.theme.style(ThemeRole::Text)
        } else {
            axis
        };
        text::put(buf, x + 3, y, 6, &label, style);
    }
    if range.fixed && height > 4 {
        let style = scene.theme.style(ThemeRole::Accent);
        text::put(buf, x + 3, room.y + 1, 5, "fixed", style);
    }
    if let Some(value) = scene.value(scene.index(scene.cursor)) {
        let arrow = scene.theme.pick_glyph("◂", "<");
        text::put(buf, x + 2, row(value), 1, arrow, scene.theme.style(ThemeRole::Accent));
    }
}

fn draw_horizontal(buf: &mut Buffer, scene: &SurfaceScene<'_>, room: Rect) {
    let range = scene.range;
    let unit = match (range.kind.percent, range.kind.signed, range.fixed) {
        (_, _, true) => " fixed",
        (true, false, _) => " %",
        (true, true, _) => " pt",
        _ => "",
    };
    let [low, high] = [0.0, 1.0].map(|t| end_label(scene, range.value_at(t)));
    let high = high + unit;
    let axis = scene.theme.style(ThemeRole::Axis);
    let (left, right) = (low.chars().count() as u16 + 1, high.chars().count() as u16 + 1);
    let Some(width) = room.width.checked_sub(left + right).filter(|w| *w >= 4) else {
        return;
    };
    text::put(buf, room.x, room.y, left, &low, axis);
    for k in 0..width {
        let t = f64::from(k) / f64::from(width - 1);
        let (mut glyph, style) = bar_character(scene, t, t);
        if CellPaint::of(scene.theme) == CellPaint::Halves {
            glyph = '▀';
        }
        if CellPaint::of(scene.theme) == CellPaint::Glyphs && k % 2 == 0 {
            glyph = char::from(b'0' + range.digit(range.value_at(t)).min(9));
        }
        text::put(buf, room.x + left + k, room.y, 1, glyph.encode_utf8(&mut [0; 4]), style);
    }
    text::put(buf, room.x + left + width + 1, room.y, right, &high, axis);
    if range.kind.signed {
        let zero = room.x + left + (width - 1) / 2;
        let style = scene.theme.style(ThemeRole::Text);
        text::put(buf, zero, room.y, 1, scene.theme.pick_glyph("┃", "0"), style);
    }
}
