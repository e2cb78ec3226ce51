//! Figures as people write them, and text that is laid out by the available width.

use crate::theme::{Theme, ThemeRole};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use surfit_core::axis_scale;

/// A whole number in groups of three: `1 240 000`.
pub fn group_digits(n: u64) -> String {
    axis_scale::group_digits(n, ' ')
}

/// Bytes in a suitable unit: `812 kB`, `3.4 MB`, `412 MB`, `1.2 GB`.
pub fn format_bytes(bytes: u64) -> String {
    let mega = bytes as f64 / 1e6;
    match bytes {
        0..1_000_000 => format!("{} kB", bytes.div_ceil(1000)),
        1_000_000..10_000_000 => format!("{mega:.1} MB"),
        10_000_000..999_500_000 => format!("{mega:.0} MB"),
        _ => format!("{:.1} GB", mega / 1e3),
    }
}

/// A fraction as a percentage with `decimals`: `87.43 %`.
pub fn format_percent(fraction: f64, decimals: usize) -> String {
    if fraction.is_finite() { format!("{:.decimals$} %", 100.0 * fraction) } else { "?".into() }
}

/// A fraction as a percentage with as many decimals, and with its sign, as `room` columns hold: `87.43 %`, `87.43`, `87.4`,
/// `87`; empty when not even that fits. Digits are never cut.
pub fn fit_percent(fraction: f64, room: usize) -> String {
    let shorter = |decimals| {
        let long = format_percent(fraction, decimals);
        let bare = long.trim_end_matches(" %").to_owned();
        [long, bare]
    };
    [2, 1, 0].into_iter().flat_map(shorter).find(|t| t.len() <= room).unwrap_or_default()
}

/// A loss: three significant digits or so, `?` when it is not a number.
pub fn format_loss(value: f64) -> String {
    match value.abs() {
        a if !a.is_finite() => "not finite".into(),
        0.0 => "0".into(),
        a if !(1e-3..1e5).contains(&a) => format!("{value:.1e}"),
        a if a >= 100.0 => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    }
}

/// A learning rate in three digits: `0.0402`, `5.0e-5`.
pub fn format_learning_rate(rate: f64) -> String {
    match rate.abs() {
        a if !a.is_finite() => "?".into(),
        0.0 => "0".into(),
        a if a < 1e-3 => format!("{rate:.1e}"),
        a if a < 0.1 => format!("{rate:.4}"),
        a if a < 10.0 => format!("{rate:.3}"),
        _ => format!("{rate:.1}"),
    }
}

/// A small positive quantity such as a gradient norm, in about five characters.
pub fn format_compact(value: f64) -> String {
    match value.abs() {
        a if !a.is_finite() => "?".into(),
        0.0 => "0".into(),
        a if !(1e-3..1e4).contains(&a) => format!("{value:.0e}"),
        a if a < 1.0 => format!("{value:.3}"),
        a if a < 10.0 => format!("{value:.2}"),
        a if a < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

/// Fewest characters in which a figure is written as it is; below that it is written in a unit that the pane shows.
const MIN_PLAIN_WIDTH: usize = 5;

/// The power of ten of the unit in which figures up to `high` have all their digits in `room` characters; `None` where they
/// are written as they are.
pub fn choose_unit(high: f64, room: usize) -> Option<i32> {
    if !(1..MIN_PLAIN_WIDTH).contains(&room) || !high.is_finite() || high <= 0.0 {
        return None;
    }
    // The largest has all the digits, so that the smaller ones have two as long as they can.
    let power = (high * (1.0 + 1e-9)).log10().floor();
    Some(power.clamp(-300.0, 300.0) as i32 + 1 - room.min(3) as i32)
}

/// A figure in a unit of [`choose_unit`].
pub fn format_in_unit(value: f64, unit: i32, room: usize) -> String {
    match (value / 10f64.powi(unit)).round() {
        n if n.is_finite() => {
            // Rounding up may take a digit more.
            let most = 10f64.powi(room.min(3) as i32) - 1.0;
            format!("{:.0}", n.clamp(0.0, most))
        }
        _ => "?".into(),
    }
}

/// What figures in a unit are multiplied by, after their name: ` ×0.01`; empty for ones.
pub fn format_unit(unit: i32, ascii: bool) -> String {
    let times = if ascii { "x" } else { "×" };
    match unit {
        0 => String::new(),
        -4..=4 => format!(" {times}{:.*}", (-unit).max(0) as usize, 10f64.powi(unit)),
        _ => format!(" {times}1e{unit}"),
    }
}

/// Writes `text` at a place, cut at `width`; outside the buffer nothing happens.
pub fn put(buf: &mut Buffer, x: u16, y: u16, width: u16, text: &str, style: Style) {
    put_line(buf, x, y, width, &Line::styled(text, style));
}

/// Writes a line at a place, cut at `width`; outside the buffer nothing happens.
pub fn put_line(buf: &mut Buffer, x: u16, y: u16, width: u16, line: &Line<'_>) {
    let area = *buf.area();
    if x >= area.left() && x < area.right() && y >= area.top() && y < area.bottom() {
        let width = width.min(area.right() - x);
        let end = x + width.min(line.width().min(usize::from(u16::MAX)) as u16);
        for x in x..end {
            reset_letter_style(buf, x, y);
        }
        buf.set_line(x, y, line, width);
    }
}

/// Takes letters' colour and weight from a character, which otherwise would mix with those of what is written over it. The
/// ground stays.
pub fn reset_letter_style(buf: &mut Buffer, x: u16, y: u16) {
    if let Some(cell) = buf.cell_mut((x, y)) {
        cell.fg = Color::Reset;
        cell.modifier = Modifier::empty();
    }
}

/// One figure with its name, never broken across rows.
pub type FigurePiece<'a> = Vec<Span<'a>>;

/// A figure after its muted name.
pub fn named_piece<'a>(theme: &Theme, name: &str, value: String, style: Style) -> FigurePiece<'a> {
    vec![Span::styled(format!("{name} "), theme.style(ThemeRole::Muted)), Span::styled(value, style)]
}

/// Lays out groups of pieces in `width` columns and at most `rows` rows, the most important first.
///
/// Every group begins a row of its own; the last groups are left out when rows do not last. When not even the first two
/// fit so, groups run on. Pieces that do not fit are omitted; of a group that runs on, those after them too, since they
/// would seem to belong to another.
pub fn flow<'a>(groups: &[Vec<FigurePiece<'a>>], width: u16, rows: u16) -> Vec<Line<'a>> {
    let apart = |n: &usize| wrap(&groups[..*n], width, u16::MAX, true, 2).len() <= usize::from(rows);
    match (2..=groups.len()).rev().find(apart) {
        Some(n) => wrap(&groups[..n], width, rows, true, 2),
        None => wrap(groups, width, rows, false, 2),
    }
}

pub fn piece_width(piece: &FigurePiece) -> u16 {
    piece.iter().map(|s| s.width() as u16).sum()
}

/// Columns that pieces take in one row.
pub fn flow_width(pieces: &[FigurePiece<'_>]) -> usize {
    pieces.iter().map(|p| usize::from(piece_width(p))).sum::<usize>() + 2 * pieces.len().saturating_sub(1)
}

/// Words of a sentence in as many rows as they need.
pub fn fill<'a>(words: &[FigurePiece<'a>], width: u16) -> Vec<Line<'a>> {
    wrap(&[words.to_vec()], width, u16::MAX, false, 1)
}

fn wrap<'a>(groups: &[Vec<FigurePiece<'a>>], width: u16, rows: u16, apart: bool, space: usize) -> Vec<Line<'a>> {
    let (width, rows) = (usize::from(width), usize::from(rows));
    let mut lines: Vec<(usize, Vec<Span<'a>>)> = Vec::new();
    for group in groups {
        let mut fresh = apart;
        for piece in group {
            let size: usize = piece.iter().map(Span::width).sum();
            if size == 0 || size > width {
                continue;
            }
            let fits = |(used, _): &(usize, Vec<Span<'a>>)| used + space + size <= width;
            if fresh || lines.is_empty() || !lines.last().is_some_and(fits) {
                if lines.len() == rows {
                    match apart || groups.len() == 1 {
                        true => continue,
                        false => break,
                    }
                }
                lines.push((0, Vec::new()));
            }
            fresh = false;
            if let Some((used, spans)) = lines.last_mut() {
                if *used > 0 {
                    spans.push(Span::raw(" ".repeat(space)));
                    *used += space;
                }
                *used += size;
                spans.extend(piece.iter().cloned());
            }
        }
    }
    lines.into_iter().map(|(_, spans)| Line::from(spans)).collect()
}

pub fn put_lines(buf: &mut Buffer, area: Rect, lines: &[Line<'_>]) {
    for (line, y) in lines.iter().zip(area.top()..area.bottom()) {
        put_line(buf, area.x, y, area.width, line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures() {
        assert_eq!([group_digits(7), group_digits(1240), group_digits(1_234_567)], ["7", "1 240", "1 234 567"]);
        assert_eq!([812, 3_400_000, 412_000_000].map(format_bytes), ["1 kB", "3.4 MB", "412 MB"]);
        assert_eq!([999_700_000, 1_234_000_000].map(format_bytes), ["1.0 GB", "1.2 GB"]);
        assert_eq!(format_percent(0.87434, 2), "87.43 %");
        let rooms = [7, 6, 5, 4, 3, 2, 1].map(|room| fit_percent(0.87434, room));
        assert_eq!(rooms, ["87.43 %", "87.43", "87.43", "87.4", "87", "87", ""]);
        assert_eq!(
            [format_loss(0.3124), format_loss(f64::NAN), format_loss(2e-5), format_loss(1234.0)],
            ["0.312", "not finite", "2.0e-5", "1234.0"]
        );
        assert_eq!(
            [
                format_learning_rate(0.04021),
                format_learning_rate(5e-5),
                format_learning_rate(0.1),
                format_learning_rate(0.0)
            ],
            ["0.0402", "5.0e-5", "0.100", "0"]
        );
        assert_eq!(
            [format_compact(0.0), format_compact(0.0123), format_compact(12.34), format_compact(2e-7)],
            ["0", "0.012", "12.3", "2e-7"]
        );
    }

    #[test]
    fn pieces_are_kept_whole_and_the_first_win() {
        let piece = |t: &'static str| vec![Span::raw(t)];
        let groups = vec![vec![piece("aaaa"), piece("bbbb")], vec![piece("cc"), piece("dddddddd")]];
        let text = |w, h| -> Vec<String> {
            flow(&groups, w, h).iter().map(|l| l.spans.iter().map(|s| s.content.as_ref()).collect()).collect()
        };
        assert_eq!(text(20, 3), ["aaaa  bbbb", "cc  dddddddd"]);
        assert_eq!(text(20, 1), ["aaaa  bbbb  cc"]);
        assert_eq!(text(6, 2), ["aaaa", "bbbb"]);
        assert_eq!(text(6, 9), ["aaaa", "bbbb", "cc"]);
        // What follows a piece that is left out does not seem to belong to the group before.
        let groups = [vec![piece("aaaa"), piece("bb")], vec![piece("cccccc"), piece("d")], vec![piece("e")]];
        let line: String = flow(&groups, 12, 1)[0].spans.iter().map(|s| s.content.as_ref()).collect();
        assert_eq!(line, "aaaa  bb  e");
        assert!(text(0, 0).is_empty() && text(3, 5) == ["cc"]);
    }
}
