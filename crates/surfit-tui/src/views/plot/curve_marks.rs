//! Marks along the axis of the loss plot: changes of degree, phases of the fit, the cursor.

use super::curve_plot::CurvePlot;
use super::text;
use crate::theme::{Theme, ThemeRole};
use crate::views::message::transliterate;
use ratatui::buffer::Buffer;
use ratatui::style::Modifier;

/// Rows over which labels of degrees that lie close together are spread.
const MAX_LABEL_ROWS: u16 = 3;

impl CurvePlot {
    /// A dotted line where the degree changed.
    pub(super) fn draw_degrees(&self, buf: &mut Buffer, theme: &Theme) {
        let area = self.area;
        let line = theme.style(ThemeRole::Axis);
        for (x, _) in &self.degrees {
            for y in area.top()..area.bottom() {
                text::put(buf, self.column(*x), y, 1, theme.pick_glyph("┊", "|"), line);
            }
        }
    }

    pub(super) fn draw_degree_labels(&self, buf: &mut Buffer, theme: &Theme) {
        let area = self.area;
        let style = theme.style(ThemeRole::Accent);
        let rows = MAX_LABEL_ROWS.min(area.height / 3).max(1);
        let mut free = vec![area.x; usize::from(rows)];
        for (n, (x, label)) in self.degrees.iter().enumerate() {
            let x = self.column(*x);
            // Of several changes in one column the last one counts.
            if self.degrees.get(n + 1).is_some_and(|next| self.column(next.0) == x) {
                continue;
            }
            let label = transliterate(label, theme.is_ascii());
            let width = label.chars().count() as u16;
            let left = if x + 1 + width <= area.right() { x + 1 } else { x.saturating_sub(width) };
            if let Some(row) = free.iter().position(|free| left >= *free) {
                text::put(buf, left, area.y + row as u16, width, &label, style);
                free[row] = left + width + 1;
            }
        }
    }

    /// The names of the fit's phases on the axis, and a faint line where one follows another.
    pub(super) fn draw_phases(&self, buf: &mut Buffer, theme: &Theme) {
        let (area, faint) = (self.area, theme.style(ThemeRole::Border));
        let axis = (self.foot > 1).then(|| self.rate_area.unwrap_or(area).bottom());
        for (n, (x, name)) in self.phases.iter().enumerate() {
            let x = self.column(*x);
            if x > area.x {
                for y in area.top()..area.bottom() {
                    text::put(buf, x, y, 1, theme.pick_glyph("╎", ":"), faint);
                }
            }
            let end = match self.phases.get(n + 1) {
                Some(next) => self.column(next.0),
                None => area.right(),
            };
            let label = format!(" {name} ");
            let width = label.len() as u16;
            if let Some(row) = axis.filter(|_| x + 2 + width <= end) {
                text::put(buf, x + 2, row, width, &label, theme.style(ThemeRole::Muted));
            }
        }
    }

    /// A part of the axis that the mouse is choosing: a ground, and lines at its ends.
    pub fn draw_span(&self, buf: &mut Buffer, theme: &Theme, (from, to): (f64, f64)) {
        if self.area.is_empty() {
            return;
        }
        let (a, b) = (self.column(from.min(to)), self.column(from.max(to)));
        let ground = theme.style(ThemeRole::Selection).bg;
        let (line, strong) = (theme.pick_glyph("│", "|"), theme.style(ThemeRole::Accent));
        for y in self.area.top()..self.area.bottom() {
            for x in a..=b {
                if let (Some(cell), Some(ground)) = (buf.cell_mut((x, y)), ground) {
                    cell.set_bg(ground);
                }
            }
            for x in [a, b] {
                text::put(buf, x, y, 1, line, strong);
            }
        }
    }

    pub fn draw_cursor(&self, buf: &mut Buffer, theme: &Theme, cursor: f64) {
        if self.area.is_empty() {
            return;
        }
        let x = self.column(cursor);
        let strong = theme.style(ThemeRole::Accent);
        let bottom = self.rate_area.unwrap_or(self.area).bottom();
        for y in self.area.top()..bottom {
            let quiet =
                buf.cell((x, y)).is_some_and(|c| matches!(c.symbol(), " " | "·" | "." | "┊" | "╎" | "┄" | "-" | ":"));
            if quiet {
                text::put(buf, x, y, 1, theme.pick_glyph("│", "|"), strong);
            }
        }
        for trace in self.traces.iter().filter(|t| t.covers(cursor)) {
            let sample = trace.sample_at(cursor);
            let value = sample.and_then(|s| if self.smooth { s.smooth } else { s.range.map(|r| r.1) });
            if let Some(y) = value.and_then(|v| self.row(v)) {
                let mark = theme.pick_glyph("◆", "#");
                text::put(buf, x, y, 1, mark, strong.add_modifier(Modifier::BOLD));
            }
        }
    }
}
