//! Everything about the selected control point.

use super::PointState;
use super::tile_values::accuracies;
use crate::theme::{Theme, ThemeRole};
use crate::views::message::transliterate;
use crate::views::plot::sparkline;
use crate::views::plot::text::{self, FigurePiece};
use crate::views::text_wrap;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::Span;
use surfit_core::run_state::RunState;
use surfit_core::snapshot::Snapshot;
use surfit_core::surface::Patch;

/// Draws what fits into `room`, the most important first.
pub fn draw(buf: &mut Buffer, theme: &Theme, run_state: &RunState, snapshot: &Snapshot, room: Rect, cursor: usize) {
    let Some(point) = snapshot.control_points.get(cursor) else {
        return;
    };
    if room.width < 6 || room.height == 0 {
        return;
    }
    let (muted, strong) = (theme.style(ThemeRole::Muted), theme.style(ThemeRole::Text));
    let named = |name: &str, value: String| text::named_piece(theme, name, value, strong);
    let state = PointState::of(snapshot, point);
    let (glyph, role) = state.sign(theme);
    let place = format!("({}, {})", point.i, point.j);
    let mut who: Vec<FigurePiece<'_>> = vec![vec![
        Span::styled(format!("{glyph} "), theme.style(role)),
        Span::styled(place, strong.add_modifier(Modifier::BOLD)),
        Span::styled(format!(" {}", state.name()), theme.style(role)),
    ]];
    let mut ways: Vec<FigurePiece<'_>> = Vec::new();
    let corner = snapshot.degrees.corner_number(cursor);
    who.extend(corner.map(|corner| named("corner", (corner + 1).to_string())));
    if point.corner {
        if let Some(ready) = corner.and_then(|corner| run_state.corners.get(&corner)) {
            ways.push(named("accuracy", text::format_percent(ready.accuracy, 2)));
            ways.push(named("loss", text::format_loss(ready.loss)));
            let source = transliterate(&ready.source, theme.is_ascii());
            let source = text_wrap::truncate_middle(&source, room.width - 1, theme.is_ascii());
            ways.push(vec![Span::styled(source, muted)]);
        }
    } else {
        who.push(named("travelled", text::format_compact(point.travelled)));
        ways.push(named("gradient", text::format_compact(point.gradient)));
        let history = sparkline::sparkline(&point.gradients, 16, theme.glyphs());
        ways.push(vec![Span::styled(history, theme.style(ThemeRole::CurveSmooth))]);
    }
    // A control point pulls hardest where its Bernstein polynomial peaks, at (i/m, j/n).
    let (u, v) = snapshot.degrees.row_parameters((point.i, point.j));
    let place = match snapshot.degrees.patch() {
        Patch::Curve => format!("u {u:.2}"),
        _ => format!("({u:.2}, {v:.2})"),
    };
    let mut there = vec![named("peaks at", place)];
    let at = accuracies(run_state, snapshot).get(cursor).copied().flatten();
    if let Some(accuracy) = at.filter(|_| !point.corner) {
        let text = accuracy.text(9, theme.is_ascii());
        there.push(named("surface there", text));
    }
    let room = Rect { x: room.x + 1, width: room.width - 1, ..room };
    text::put_lines(buf, room, &text::flow(&[who, ways, there], room.width, room.height));
}
