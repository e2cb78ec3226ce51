//! Corners and models that were written, with what they are worth.

use super::message::shortened;
use super::plot::text::percent;
use super::popup;
use crate::app::App;
use crate::theme::Role;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

/// Draws the overlay.
pub fn render(area: Rect, buf: &mut Buffer, app: &App, selected: usize) {
    let theme = &app.theme;
    let hint = "chosen on validation, test measured once after";
    let inner = popup::draw(area, buf, theme, "Models", hint);
    let (head, list) = parts(app, inner);
    for (line, row) in corners(app).into_iter().zip(head.rows()) {
        line.render(row, buf);
    }
    if app.picture.exports.is_empty() {
        let keys = [
            crate::action::Action::ExportBest,
            crate::action::Action::ExportCursor,
        ]
        .map(|a| app.key(a));
        let text = format!(
            "No model was written yet: {} writes the best, {} the one under the cursor.",
            keys[0], keys[1]
        );
        return Line::styled(text, theme.style(Role::Muted)).render(list, buf);
    }
    let first = popup::first_shown(selected, list.height);
    for ((n, x), row) in app
        .picture
        .exports
        .iter()
        .rev()
        .enumerate()
        .skip(first)
        .zip(list.rows())
    {
        let chosen = n == selected;
        if chosen {
            buf.set_style(row, theme.style(Role::Selection));
        }
        let role = |usual| theme.style(if chosen { Role::Selection } else { usual });
        let at = match (x.u, x.v) {
            (Some(u), Some(v)) => format!("({u:.3}, {v:.3})"),
            _ => "whole surface".into(),
        };
        let room = row.width.saturating_sub(51);
        let dir = shortened(&x.dir.display().to_string(), room, theme.ascii());
        Line::from(vec![
            Span::styled(format!(" {:<10}", x.selection), role(Role::Text)),
            Span::styled(format!("{at:<17}"), role(Role::Muted)),
            Span::styled(
                format!("{:>9}", percent(x.validation_accuracy, 2)),
                role(Role::Text),
            ),
            Span::styled(
                format!("{:>11}  ", percent(x.test_accuracy, 2)),
                role(Role::Good),
            ),
            Span::styled(dir, role(Role::Muted)),
        ])
        .render(row, buf);
    }
}

/// The model of the list at a place.
pub fn row_at(app: &App, inner: Rect, at: Position) -> Option<usize> {
    let (_, list) = parts(app, inner);
    let selected = match &app.overlay {
        Some(crate::app::Overlay::Models { selected }) => *selected,
        _ => 0,
    };
    list.contains(at)
        .then(|| popup::first_shown(selected, list.height) + usize::from(at.y - list.y))
}

fn parts(app: &App, inner: Rect) -> (Rect, Rect) {
    let head = (corners(app).len() as u16).min(inner.height);
    let list = Rect {
        y: inner.y + head,
        height: inner.height - head,
        ..inner
    };
    (
        Rect {
            height: head,
            ..inner
        },
        list,
    )
}

/// Distance and angle to the first corner, as they are now.
fn far(app: &App, corner: usize) -> Option<String> {
    let geometry = app.picture.geometry.last()?;
    let pair = geometry.pairs.iter().position(|p| *p == (0, corner))?;
    let (distance, angle) = (geometry.distances.get(pair)?, geometry.angles.get(pair)?);
    let degrees = app.theme.pick("°", " deg");
    Some(format!("  {distance:.2} from 1, {angle:.0}{degrees}"))
}

/// The lines above the list.
fn corners<'a>(app: &App) -> Vec<Line<'a>> {
    let theme = &app.theme;
    let head = |text: String| Line::styled(text, theme.style(Role::Muted));
    let columns = |first: &str, second: &str| {
        head(format!(
            " {first:<10}{second:<17}{:>9}{:>11}",
            "validation", "test"
        ))
    };
    let tests = app
        .picture
        .finished
        .as_ref()
        .map(|f| f.corners_test.clone())
        .unwrap_or_default();
    let mut lines = vec![columns("corner", "from")];
    for (n, corner) in &app.picture.corners {
        let test = tests.get(*n).map(|t| percent(*t, 2)).unwrap_or_default();
        let aligned = app
            .picture
            .alignments
            .get(n)
            .map(|a| format!("  aligned: {:.0} % of units moved", 100.0 * a.moved));
        lines.push(Line::from(vec![
            Span::styled(format!(" {:<10}", n + 1), theme.style(Role::corner(*n))),
            Span::styled(
                format!("{:<17}", shortened(&corner.source, 16, theme.ascii())),
                theme.style(Role::Muted),
            ),
            Span::styled(
                format!("{:>9}", percent(corner.accuracy, 2)),
                theme.style(Role::Text),
            ),
            Span::styled(format!("{test:>11}"), theme.style(Role::Text)),
            Span::styled(far(app, *n).unwrap_or_default(), theme.style(Role::Muted)),
            Span::styled(aligned.unwrap_or_default(), theme.style(Role::Muted)),
        ]));
    }
    if app.picture.corners.is_empty() {
        lines.push(head(" The corners are not ready yet.".into()));
    }
    lines.push(Line::default());
    lines.push(columns("model", "at (u, v)"));
    lines
}
