//! The corners while they are trained, loaded and aligned.

use crate::theme::{Theme, ThemeRole};
use crate::views::message::transliterate;
use crate::views::plot::sparkline;
use crate::views::plot::text::{self, FigurePiece};
use crate::views::text_wrap;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::Span;
use surfit_core::event::LossCurve;
use surfit_core::run_state::RunState;
use surfit_core::series::Series;
use surfit_core::snapshot::EngineState;

const MIN_SOURCE_WIDTH: u16 = 8;

/// How many corners there are to be; four before anything is known.
fn count(run_state: &RunState) -> usize {
    run_state.snapshot.as_ref().map_or(4, |s| s.degrees.corner_count())
}

pub fn title_pieces<'a>(theme: &Theme, run_state: &RunState) -> Vec<FigurePiece<'a>> {
    let (muted, strong) = (theme.style(ThemeRole::Muted), theme.style(ThemeRole::Text));
    let ready = run_state.corners.len();
    let mut out = vec![vec![
        Span::styled(ready.to_string(), strong),
        Span::styled(format!(" of {} ready", count(run_state)), muted),
    ]];
    if let Some(best) = run_state.best_corner_accuracy() {
        out.push(vec![
            Span::styled("best ", muted),
            Span::styled(text::format_percent(best, 2), theme.style(ThemeRole::Good)),
        ]);
    }
    out
}

/// Draws the corners one below the other, each with as many rows as fit.
pub fn draw(area: Rect, buf: &mut Buffer, theme: &Theme, run_state: &RunState) {
    if area.width < 8 || area.height == 0 {
        return;
    }
    let count = count(run_state);
    let each = (area.height / count as u16).clamp(1, 4);
    for corner in 0..count {
        let top = area.y + corner as u16 * each;
        if top >= area.bottom() {
            break;
        }
        let room = Rect { x: area.x + 1, y: top, width: area.width - 2, height: each };
        let room = room.intersection(area);
        let number =
            Span::styled((corner + 1).to_string(), theme.style(ThemeRole::corner(corner)).add_modifier(Modifier::BOLD));
        let (mut first, mut second, third) = card(theme, run_state, corner, number, room.width);
        if let Some(ready) = run_state.corners.get(&corner) {
            // Where the card is one row, the source has what is left of it.
            let (row, width) = match each {
                1 => (&mut first, room.width),
                _ => (&mut second, room.width.saturating_sub(4)),
            };
            let used = text::flow_width(row) as u16;
            let left = width.saturating_sub(if used > 0 { used + 2 } else { 0 });
            if left >= MIN_SOURCE_WIDTH {
                let source = transliterate(&ready.source, theme.is_ascii());
                let source = text_wrap::truncate_middle(&source, left, theme.is_ascii());
                row.push(vec![Span::styled(source, theme.style(ThemeRole::Muted))]);
            }
        }
        // With a row to spare the cards are kept apart.
        let rows = if each >= 3 { each - 1 } else { each };
        let lines = text::flow(&[first], room.width, 1)
            .into_iter()
            .chain(text::flow(&[second], room.width.saturating_sub(4), 1).into_iter().map(indent))
            .chain(text::flow(&[third], room.width.saturating_sub(4), 1).into_iter().map(indent));
        let lines: Vec<_> = lines.take(usize::from(rows.max(1))).collect();
        text::put_lines(buf, room, &lines);
    }
}

fn indent(mut line: ratatui::text::Line<'_>) -> ratatui::text::Line<'_> {
    line.spans.insert(0, Span::raw("    "));
    line
}

type CornerGroup<'a> = Vec<FigurePiece<'a>>;

fn card<'a>(
    theme: &Theme,
    run_state: &RunState,
    corner: usize,
    number: Span<'a>,
    width: u16,
) -> (CornerGroup<'a>, CornerGroup<'a>, CornerGroup<'a>) {
    let (muted, strong) = (theme.style(ThemeRole::Muted), theme.style(ThemeRole::Text));
    let named = |name: &str, value: String| text::named_piece(theme, name, value, strong);
    let lead = |glyph: &'static str, role: ThemeRole, word: String, style| -> FigurePiece<'a> {
        vec![
            number.clone(),
            Span::raw(" "),
            Span::styled(format!("{glyph} "), theme.style(role)),
            Span::styled(word, style),
        ]
    };
    if let Some(ready) = run_state.corners.get(&corner) {
        let value = text::format_percent(ready.accuracy, 2);
        let (sign, role) = match ready.warnings.is_empty() {
            true => (theme.pick_glyph("✓", "+"), ThemeRole::Good),
            false => ("!", ThemeRole::Warning),
        };
        let tick = lead(sign, role, value, strong.add_modifier(Modifier::BOLD));
        let mut first = vec![tick, named("loss", text::format_loss(ready.loss))];
        if ready.seconds > 0.0 {
            first.push(vec![Span::styled(format!("{:.1} s", ready.seconds), muted)]);
        }
        let mut second = Vec::new();
        if let Some(own) = ready.own_statistics {
            second.push(named("own statistics", text::format_percent(own.accuracy, 2)));
        }
        let good = |word: &'static str| vec![Span::styled(word, theme.style(ThemeRole::Good))];
        let quiet = |text: String| vec![Span::styled(text, muted)];
        let third = match run_state.alignments.get(&corner) {
            Some(a) => {
                let to = theme.pick_glyph("→", "->");
                let way = format!("distance {:.2} {to} {:.2}", a.distance[0], a.distance[1]);
                let moved = format!("{:.0} % of units moved", 100.0 * a.moved);
                vec![good("aligned"), quiet(way), quiet(moved)]
            }
            None if corner == 0 && !run_state.alignments.is_empty() => {
                vec![quiet("the others are aligned to this one".into())]
            }
            None => Vec::new(),
        };
        return (first, second, third);
    }
    let curve = LossCurve::Corner(corner);
    let Some(series) = run_state.curves.get(&curve).filter(|s| !s.is_empty()) else {
        let waiting = lead(theme.pick_glyph("·", "."), ThemeRole::Muted, "waiting".into(), muted);
        return (vec![waiting], Vec::new(), Vec::new());
    };
    // The corner at which the training failed is the last that has a curve.
    let (sign, role, word) = match run_state.engine_state() {
        EngineState::Failed => (theme.pick_glyph("✗", "!"), ThemeRole::Error, "failed"),
        EngineState::Paused => (theme.pick_glyph("‖", "="), ThemeRole::Warning, "paused"),
        EngineState::Closed | EngineState::Idle => (theme.pick_glyph("□", "-"), ThemeRole::Muted, "stopped"),
        _ => (theme.pick_glyph("▸", ">"), ThemeRole::Accent, "training"),
    };
    let mut first = vec![lead(sign, role, word.into(), theme.style(role))];
    if let Some(v) = run_state.validations.get(&curve).and_then(|l| l.last()) {
        first.push(named("val", text::format_percent(v.accuracy, 1)));
    }
    if let Some(smoothed) = series.smoothed() {
        first.push(named("loss", text::format_loss(smoothed)));
    }
    first.push(named("step", text::group_digits(series.end_step())));
    let history = history(series, usize::from(width.saturating_sub(6)).min(48));
    let line = sparkline::sparkline(&history, 48, theme.glyphs());
    let second = vec![vec![Span::styled(line, theme.style(ThemeRole::corner(corner)))]];
    (first, second, Vec::new())
}

/// The curve's means, thinned to `most` values.
fn history(series: &Series, most: usize) -> Vec<f32> {
    let whole = series.buckets();
    let each = whole.len().div_ceil(most.max(1)).max(1);
    let mean = |chunk: &[surfit_core::series::Bucket]| {
        let (sum, count) = chunk.iter().fold((0.0, 0), |(s, c), b| (s + b.sum, c + b.count));
        if count > 0 { (sum / count as f64) as f32 } else { f32::NAN }
    };
    whole.chunks(each).map(mean).collect()
}
