//! The frame of the picture of a heatmap: both axes, the colour bar, the best point and the corners, as text.

use super::{SurfaceScene, color_bar, format_parameter};
use crate::theme::ThemeRole;
use crate::views::plot::text;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use surfit_core::surface::Patch;

/// Columns left of the picture: a parameter in three characters, a tick, and the axis' name before them.
const GUTTER_WIDTH: u16 = 6;
/// Columns of the colour bar with its numbers, and the least width that fits it.
const BAR_WIDTH: u16 = 11;
const MIN_WIDTH_WITH_BAR: u16 = 44;
/// Rows below: the parameters, and the sentence on the best point. Above: the name of what the colours mean.
const ROWS_BELOW: u16 = 2;
const ROWS_ABOVE: u16 = 1;

/// The characters of the picture in `inner`, without the axes and the bar; `None` where that is nothing.
pub(crate) fn map_area(inner: Rect, patch: Patch) -> Option<Rect> {
    let left = if patch == Patch::Curve { 1 } else { GUTTER_WIDTH };
    let right = if inner.width >= MIN_WIDTH_WITH_BAR { BAR_WIDTH } else { 1 };
    let area = Rect {
        x: inner.x + left,
        y: inner.y + ROWS_ABOVE,
        width: inner.width.checked_sub(left + right)?,
        height: inner.height.checked_sub(ROWS_ABOVE + ROWS_BELOW)?,
    };
    (!area.is_empty()).then_some(area)
}

/// Draws axes, colour bar and the sentence on the best point round the picture.
pub(crate) fn draw_around(buf: &mut Buffer, scene: &SurfaceScene<'_>, inner: Rect) {
    let Some(map) = map_area(inner, scene.heatmap.patch) else {
        return;
    };
    let (axis, name) = (scene.theme.style(ThemeRole::Axis), scene.theme.style(ThemeRole::Text));
    let [(first_u, last_u), (first_v, last_v)] = scene.cells.parameter_ranges();
    for (share, column) in marks_of(map.width, 24) {
        let tick = format_parameter(first_u + share * (last_u - first_u));
        let wide = tick.len() as u16;
        let x = (map.x + column).saturating_sub(wide / 2).min(map.right() - wide);
        text::put(buf, x.max(map.x), map.bottom(), wide, &tick, axis);
    }
    if map.width >= 24 {
        text::put(buf, map.x + map.width * 3 / 8, map.bottom(), 1, "u", name);
    }
    if scene.heatmap.patch != Patch::Curve {
        for (share, row) in marks_of(map.height, 8) {
            let tick = format_parameter(last_v - share * (last_v - first_v));
            text::put(buf, inner.x + 1, map.y + row, 3, &format!("{tick:>3}"), axis);
            let line = scene.theme.pick_glyph("┤", "-");
            text::put(buf, inner.x + 5, map.y + row, 1, line, axis);
        }
        text::put(buf, inner.x + 1, map.y + map.height * 3 / 8, 1, "v", name);
    }
    let unit = match (scene.range.kind.percent, scene.range.kind.signed) {
        (true, false) => ", %",
        (true, true) => ", points",
        _ => "",
    };
    let title = format!("{}{unit}", scene.description());
    text::put(buf, map.x, inner.y, inner.right() - map.x, &title, name);
    if inner.width >= MIN_WIDTH_WITH_BAR {
        let room = Rect { x: map.right() + 1, width: BAR_WIDTH - 1, ..map };
        color_bar::draw_vertical(buf, scene, room);
    }
    let (room, row) = (inner.right() - map.x, inner.bottom() - 1);
    text::put(buf, map.x, row, room, &best_sentence(scene, room), name);
}

/// Shares of an axis that get a label, and the character of each: the ends, the middle, and the quarters where `room`
/// characters lie between the ends.
fn marks_of(length: u16, room: u16) -> impl Iterator<Item = (f64, u16)> {
    let step = if length >= room { 1 } else { 2 };
    let last = f64::from(length.saturating_sub(1));
    (0..=4).step_by(step).map(move |quarter| {
        let share = f64::from(quarter) / 4.0;
        (share, (share * last).round() as u16)
    })
}

/// The best point, and the corners' values where they fit, in one line.
fn best_sentence(scene: &SurfaceScene<'_>, room: u16) -> String {
    let told = |index: usize| Some(scene.range.label(scene.value(index)?));
    let best = scene.best.and_then(|index| {
        let place = scene.format_position(scene.heatmap.parameters(index));
        Some(format!("ring: best, {} at {place}", told(index)?))
    });
    let corners = scene.heatmap.corner_cells().into_iter().enumerate();
    let corners: Vec<String> = corners.filter_map(|(n, index)| Some(format!("{} {}", n + 1, told(index)?))).collect();
    let Some(best) = best else {
        return String::new();
    };
    let dot = scene.theme.pick_glyph("·", "|");
    let whole = format!("{best} {dot} corners {}", corners.join(", "));
    match !corners.is_empty() && whole.chars().count() <= usize::from(room) {
        true => whole,
        false => best,
    }
}
