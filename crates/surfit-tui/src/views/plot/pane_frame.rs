//! What every pane has around it: a border, a title with live figures, a foot line in the lower border.

use super::text::{self, FigurePiece};
use crate::theme::{Theme, ThemeRole};
use crate::views::text_wrap;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

pub struct PaneFrame<'a> {
    pub key: char,
    pub name: &'a str,
    /// Live figures after the name, most important first.
    pub figures: Vec<FigurePiece<'a>>,
    /// Lower border, left.
    pub foot: Vec<FigurePiece<'a>>,
    /// Lower border, right.
    pub mode: String,
}

impl PaneFrame<'_> {
    /// Draws the border and returns the area inside it. Figures that do not fit are omitted.
    pub fn draw(&self, area: Rect, buf: &mut Buffer, theme: &Theme, focused: bool) -> Rect {
        let area = area.intersection(*buf.area());
        if area.is_empty() {
            return Rect::ZERO;
        }
        let room = area.width.saturating_sub(2);
        let role = if focused { ThemeRole::TitleFocused } else { ThemeRole::Title };
        let head = vec![
            Span::styled(self.key.to_string(), theme.style(ThemeRole::Key)),
            Span::styled(format!(" {}", self.name), theme.style(role)),
        ];
        let mut pieces = vec![head];
        pieces.extend(self.figures.iter().cloned());
        let title = padded(text::flow(&[pieces], room.saturating_sub(2), 1));
        crate::views::pane::block(theme, title, focused).render(area, buf);
        if area.height < 2 {
            return inside(area);
        }
        let bottom = area.bottom() - 1;
        let mode_width = Span::raw(self.mode.as_str()).width() as u16 + 2;
        let left = foot_width(area.width, &self.mode);
        if !self.mode.is_empty() && mode_width + 2 <= room {
            let line = padded(vec![Line::styled(self.mode.clone(), theme.style(ThemeRole::Muted))]);
            text::put_line(buf, area.right() - 2 - mode_width, bottom, mode_width, &line);
        }
        let foot = text::flow(std::slice::from_ref(&self.foot), left, 1);
        if !foot.is_empty() {
            text::put_line(buf, area.x + 2, bottom, left + 2, &padded(foot));
        }
        inside(area)
    }
}

pub fn foot_width(width: u16, mode: &str) -> u16 {
    let room = width.saturating_sub(2);
    let taken = Span::raw(mode).width() as u16 + 4;
    let left = match mode.is_empty() || taken > room {
        true => room,
        false => room - taken,
    };
    left.saturating_sub(3)
}

pub fn inside(area: Rect) -> Rect {
    if area.width < 3 || area.height < 3 {
        return Rect { width: 0, height: 0, ..area };
    }
    Rect::new(area.x + 1, area.y + 1, area.width - 2, area.height - 2)
}

/// Writes one calm sentence into the middle of an empty pane, over as many rows as it needs.
pub fn draw_placeholder(area: Rect, buf: &mut Buffer, theme: &Theme, sentence: &str) {
    let muted = theme.style(ThemeRole::Muted);
    let lines = text_wrap::wrap_sentence(sentence, area.width.saturating_sub(2));
    if lines.len() > usize::from(area.height) {
        return;
    }
    let top = area.y + (area.height - lines.len() as u16) / 2;
    for (line, y) in lines.iter().zip(top..) {
        let x = area.x + area.width.saturating_sub(Span::raw(line).width() as u16) / 2;
        text::put(buf, x, y, area.right().saturating_sub(x), line, muted);
    }
}

fn padded(lines: Vec<Line<'_>>) -> Line<'_> {
    let mut spans = vec![Span::raw(" ")];
    spans.extend(lines.into_iter().flat_map(|line| {
        let style = line.style;
        line.spans.into_iter().map(move |s| Span::styled(s.content, style.patch(s.style)))
    }));
    spans.push(Span::raw(" "));
    Line::from(spans)
}
