//! What is known about the point under the cursor, the best point and the whole.

use super::{RangeKind, SurfaceScene};
use crate::theme::{Theme, ThemeRole};
use crate::views::plot::text::{self, FigurePiece};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::Span;
use surfit_core::heatmap::{Cell, Metric};
use surfit_core::run_state::RunState;

/// Draws as much as fits into `room`, the cursor's point first.
pub fn draw(buf: &mut Buffer, scene: &SurfaceScene<'_>, room: Rect) {
    if room.width < 8 || room.height == 0 {
        return;
    }
    let room = Rect { x: room.x + 1, width: room.width - 2, ..room };
    let groups = [
        cursor(scene, room.width),
        if scene.peaks.len() > 1 { peaks(scene) } else { best(scene) },
        summary_pieces(scene),
        corners(scene),
    ];
    text::put_lines(buf, room, &text::flow(&groups, room.width, room.height));
}

pub(crate) fn format_metric(metric: Metric, value: f64) -> String {
    format_precise(value, RangeKind::of_metric(metric))
}

/// A difference of a metric's values with its sign, in percentage points where they are percentages.
pub(crate) fn format_difference(metric: Metric, difference: f64) -> String {
    format_precise(difference, RangeKind::of_difference(metric))
}

/// A figure with all its decimals, as its kind is written.
pub(super) fn format_precise(value: f64, kind: RangeKind) -> String {
    match (kind.percent, kind.signed) {
        (true, true) => format!("{:+.2}", 100.0 * value),
        (true, false) => text::format_percent(value, 2),
        (false, true) => format!("{value:+.3}"),
        (false, false) => text::format_loss(value),
    }
}

/// Half the width of a metric's interval, in words; empty when there is none.
fn margin(scene: &SurfaceScene<'_>, metric: Metric, cell: &Cell) -> String {
    match cell.interval(metric) {
        Some((low, high)) => {
            let half = metric.written_scale() * (high - low) / 2.0;
            format!(" {}{half:.2}", scene.theme.pick_glyph("±", "+-"))
        }
        None => String::new(),
    }
}

/// What is written before a figure of so many images when corners were measured on more: the two compare roughly.
pub(crate) fn sample_sign(theme: &Theme, run_state: &RunState, images: u32) -> &'static str {
    let all = run_state.info.as_ref().map_or(0, |info| info.images[1]);
    if (images as usize) < all { theme.pick_glyph("≈", "~") } else { "" }
}

/// A cell's value of the shown metric.
pub(super) fn format_cell(scene: &SurfaceScene<'_>, cell: &Cell) -> Option<String> {
    let metric = scene.view.metric;
    let about = sample_sign(scene.theme, scene.run_state, cell.images);
    Some(format!("{about}{}", format_metric(metric, cell.value(metric)?)))
}

/// A cell's value of the shown metric against the best corner's, and whether it is better.
fn gain(scene: &SurfaceScene<'_>, cell: &Cell) -> Option<(String, Style)> {
    let metric = scene.view.metric;
    let value = cell.value(metric)?;
    let corner = metric.best_corner_value(scene.run_state.corners.values())?;
    let good = metric.score(value) >= metric.score(corner);
    let style = scene.theme.style(if good { ThemeRole::Good } else { ThemeRole::Warning });
    let about = sample_sign(scene.theme, scene.run_state, cell.images);
    Some((format!("{about}{}", format_difference(metric, value - corner)), style))
}

fn cursor<'a>(scene: &SurfaceScene<'_>, width: u16) -> Vec<FigurePiece<'a>> {
    let theme = scene.theme;
    let (text, muted) = (theme.style(ThemeRole::Text), theme.style(ThemeRole::Muted));
    let index = scene.index(scene.cursor);
    let cell = &scene.heatmap.cells[index];
    let place = scene.format_position(scene.heatmap.parameters(index));
    let arrow = theme.pick_glyph("▸", ">");
    let mut out =
        vec![vec![Span::styled(format!("{arrow} "), theme.style(ThemeRole::Accent)), Span::styled(place, text)]];
    if cell.images == 0 {
        out.push(vec![Span::styled("not measured yet", muted)]);
        return out;
    }
    let metric = scene.view.metric;
    let value = format_cell(scene, cell).unwrap_or("not finite".into());
    let margin = margin(scene, metric, cell);
    out.push(vec![Span::styled(value, text.add_modifier(Modifier::BOLD)), Span::styled(margin, muted)]);
    for (other, estimate) in cell.values.iter().filter(|(other, _)| *other != metric) {
        out.push(text::named_piece(scene.theme, other.id(), format_metric(other, estimate.value), text));
    }
    if let Some((gain, style)) = gain(scene, cell) {
        out.push(if width >= 96 {
            let over = Span::styled(format!(" {} over the best corner", metric.difference_unit()), muted);
            vec![Span::styled(gain, style), over]
        } else {
            text::named_piece(scene.theme, "gain", gain, style)
        });
    }
    out.push(vec![Span::styled(format!("{} images", text::group_digits(cell.images.into())), muted)]);
    out.push(if scene.heatmap.is_stale(index) {
        let glyph = super::map::stale_glyph(theme);
        vec![Span::styled(format!("{glyph} stale"), theme.style(ThemeRole::Stale))]
    } else {
        vec![Span::styled("fresh", theme.style(ThemeRole::Good))]
    });
    out
}

fn best<'a>(scene: &SurfaceScene<'_>) -> Vec<FigurePiece<'a>> {
    let theme = scene.theme;
    let Some(point) = scene.best.and_then(|i| scene.heatmap.measured_point(i)) else {
        return Vec::new();
    };
    let (star, muted) = (theme.pick_glyph("★", "*"), theme.style(ThemeRole::Muted));
    // The best of many small samples is mostly luck; its interval shows how much.
    let Some(cell) = scene.best.map(|i| scene.heatmap.cells[i]) else {
        return Vec::new();
    };
    let value = format_cell(scene, &cell).unwrap_or("?".into());
    // The test figure belongs to the point that was chosen then, not to whatever is best since.
    let chosen = scene.run_state.finished.as_ref().filter(|f| f.best == point);
    let words = if chosen.is_some() { " best" } else { " best so far" };
    let margin = margin(scene, scene.view.metric, &cell);
    let mut out = vec![
        vec![
            Span::styled(format!("{star} "), theme.style(ThemeRole::Best)),
            Span::styled(scene.format_position((point.u, point.v)), theme.style(ThemeRole::Text)),
        ],
        vec![
            Span::styled(value, theme.style(ThemeRole::Best)),
            Span::styled(margin, muted),
            Span::styled(words, muted),
        ],
    ];
    if let Some((gain, style)) = gain(scene, &cell) {
        out.push(text::named_piece(scene.theme, "gain", gain, style));
    }
    if let Some(test) = chosen.and_then(|f| f.best_test) {
        out.push(text::named_piece(scene.theme, "test", text::format_percent(test, 2), theme.style(ThemeRole::Text)));
    }
    out
}

/// The numbered points, best first, with what each lacks to the first.
fn peaks<'a>(scene: &SurfaceScene<'_>) -> Vec<FigurePiece<'a>> {
    let theme = scene.theme;
    let (star, muted) = (theme.pick_glyph("★", "*"), theme.style(ThemeRole::Muted));
    let piece = |(n, &index): (usize, &usize)| -> Option<FigurePiece<'a>> {
        let value = format_cell(scene, scene.heatmap.cells.get(index)?)?;
        let place = scene.format_position(scene.heatmap.parameters(index));
        Some(vec![
            Span::styled(format!("{star}{} ", n + 1), theme.style(ThemeRole::Best)),
            Span::styled(value, theme.style(ThemeRole::Text)),
            Span::styled(format!(" {place}"), muted),
        ])
    };
    scene.peaks.iter().enumerate().filter_map(piece).collect()
}

/// Figures of the whole surface, as soon as a cell of its interior is measured: corners alone say nothing of it.
fn summary_pieces<'a>(scene: &SurfaceScene<'_>) -> Vec<FigurePiece<'a>> {
    let (metric, map) = (scene.view.metric, scene.heatmap);
    let inner = map.surface_cells().any(|i| map.cells[i].images > 0 && !map.is_on_boundary(i));
    let Some(s) = map.summary(metric).filter(|_| inner) else {
        return Vec::new();
    };
    let style = scene.theme.style(ThemeRole::Text);
    let figure = |x: f64| if metric.is_percent() { format!("{:.2}", 100.0 * x) } else { text::format_loss(x) };
    let to = scene.theme.pick_glyph("–", "-");
    vec![
        text::named_piece(scene.theme, "interior", format_metric(metric, s.interior_mean), style),
        text::named_piece(scene.theme, "mean", figure(s.mean), style),
        text::named_piece(scene.theme, "at corners", figure(s.corners_mean), style),
        text::named_piece(scene.theme, "range", format!("{}{to}{}", figure(s.min), figure(s.max)), style),
    ]
}

fn corners<'a>(scene: &SurfaceScene<'_>) -> Vec<FigurePiece<'a>> {
    let theme = scene.theme;
    let piece = |(corner, ready): (&usize, &surfit_core::event::CornerReady)| -> FigurePiece<'a> {
        let number = theme.style(ThemeRole::corner(*corner)).add_modifier(Modifier::BOLD);
        let metric = scene.view.metric;
        let value = ready.metric_value(metric);
        vec![
            Span::styled(format!("{} ", corner + 1), number),
            Span::styled(value.map_or("?".into(), |v| format_metric(metric, v)), theme.style(ThemeRole::Text)),
        ]
    };
    scene.run_state.corners.iter().map(piece).collect()
}
