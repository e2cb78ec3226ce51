//! Draws the plot of loss curves: axes, curves, validation points, labels, learning rate.

use super::columns::{self, CurvePen};
use super::curve_plot::{CurvePlot, rate_label};
use super::curves::{CurveOwner, CurveSpan};
use super::dots::DotCanvas;
use super::text;
use crate::color::ColorDepth;
use crate::theme::{Theme, ThemeRole};
use ratatui::buffer::Buffer;
use ratatui::style::Modifier;

/// Ink of raw curves under a smoothed one.
const RAW_INK: u8 = 0;

impl CurvePlot {
    /// Draws everything but the cursor and what is read there.
    pub fn draw(&self, buf: &mut Buffer, theme: &Theme) {
        if self.area.is_empty() {
            return;
        }
        self.draw_axes(buf, theme);
        self.draw_phases(buf, theme);
        self.draw_degrees(buf, theme);
        self.draw_curves(buf, theme);
        self.draw_unplottable(buf, theme);
        self.draw_validations(buf, theme);
        self.draw_degree_labels(buf, theme);
        self.draw_rates(buf, theme);
        if self.has_several_curves() {
            self.draw_letters(buf, theme);
        }
    }

    pub fn has_several_curves(&self) -> bool {
        self.traces.len() > 1
    }

    pub(super) fn draw_axes(&self, buf: &mut Buffer, theme: &Theme) {
        let (area, axis) = (self.area, theme.style(ThemeRole::Axis));
        let grid = theme.style(ThemeRole::Border);
        let most = usize::from(area.height / 3).clamp(2, 7);
        let pad = usize::from(self.gutter.saturating_sub(1));
        for (value, label) in self.y.ticks(most) {
            let Some(y) = self.row(value) else { continue };
            if self.gutter > 0 {
                let x = area.x - self.gutter;
                text::put(buf, x, y, self.gutter, &format!("{label:>pad$}"), axis);
            }
            for x in (area.left()..area.right()).step_by(2) {
                text::put(buf, x, y, 1, theme.pick_glyph("·", "."), grid);
            }
        }
        if self.foot == 0 {
            return;
        }
        let line_row = self.rate_area.unwrap_or(area).bottom();
        let label_row = line_row + self.foot - 1;
        if self.foot > 1 {
            let line = theme.pick_glyph("─", "-").repeat(usize::from(area.width));
            text::put(buf, area.x, line_row, area.width, &line, axis);
        }
        let mut free = area.x.saturating_sub(self.gutter);
        for (at, label) in self.x_ticks() {
            let (x, width) = (self.column(at), label.len() as u16);
            let left = x.saturating_sub(width / 2).min(area.right().saturating_sub(width));
            if left < free {
                continue;
            }
            free = left + width + 1;
            text::put(buf, left, label_row, width, &label, axis);
            if self.foot > 1 {
                text::put(buf, x, line_row, 1, theme.pick_glyph("┴", "+"), axis);
            }
        }
        let unit = if self.time { "time" } else { "step" };
        if self.foot > 1 && free + 5 <= area.right() {
            text::put(buf, area.right() - 4, label_row, 4, unit, axis);
        }
    }

    fn draw_curves(&self, buf: &mut Buffer, theme: &Theme) {
        let mut dots = DotCanvas::new(self.area.width, self.area.height, theme.glyphs());
        let across = dots.columns();
        // Where colour does not part the smoothed line from the raw values, those are but their outline.
        let sparse = self.smooth && theme.depth() <= ColorDepth::None;
        for (n, trace) in self.traces.iter().enumerate() {
            let (ink, last) = (n as u8 + 1, n + 1 == self.traces.len());
            let dashed = matches!(trace.name, CurveOwner::Other(_));
            let pen = |rank, ink, sparse| CurvePen { rank, ink, dashed, extremes_only: sparse };
            // Several raw curves over each other are noise; then only the one that grows keeps its own.
            if last || !self.smooth {
                let reduced = columns::reduce(&trace.samples, &self.x, across, |s| s.range);
                let ink = if self.smooth { RAW_INK } else { ink };
                let rank = u8::from(last && !self.smooth);
                columns::draw(&mut dots, &reduced, &self.y, pen(rank, ink, sparse));
            }
            if self.smooth {
                let reduced = columns::reduce(&trace.samples, &self.x, across, |s| s.smooth.map(|s| (s, s, s)));
                let rank = 1 + u8::from(last);
                columns::draw(&mut dots, &reduced, &self.y, pen(rank, ink, false));
            }
        }
        let style = |ink| match ink {
            RAW_INK => theme.style(ThemeRole::CurveRaw),
            n => theme.style(self.trace_role(usize::from(n) - 1)),
        };
        dots.draw_with_strokes(self.area, buf, style, |ink| ink != RAW_INK && self.smooth);
        for (n, trace) in self.traces.iter().enumerate() {
            // One point alone is a speck that nobody sees.
            if let [only] = trace.samples.as_slice()
                && let Some((_, value, _)) = only.range
                && let Some(y) = self.row(value)
            {
                let glyph = theme.pick_glyph("•", "*");
                let style = theme.style(self.trace_role(n)).add_modifier(Modifier::BOLD);
                text::put(buf, self.column(only.x), y, 1, glyph, style);
            }
        }
    }

    /// Marks what the curves cannot show: values above the axis at the top, values that are not finite at the bottom.
    fn draw_unplottable(&self, buf: &mut Buffer, theme: &Theme) {
        let Some(trace) = self.traces.last() else {
            return;
        };
        let (top, bottom) = (self.area.y, self.area.bottom() - 1);
        let inside = |s: &&CurveSpan| self.x.lo <= s.x && s.x <= self.x.hi;
        let (mut above, mut lost) = (None, None);
        for sample in trace.samples.iter().filter(inside) {
            let x = self.column(sample.x);
            if sample.range.is_some_and(|r| r.2 > self.y.hi) {
                let role = match sample.smooth {
                    Some(s) if self.smooth && s > self.y.hi => ThemeRole::Error,
                    _ => ThemeRole::CurveRaw,
                };
                if above != Some((x, role)) {
                    text::put(buf, x, top, 1, theme.pick_glyph("▴", "^"), theme.style(role));
                }
                above = Some((x, role));
            }
            if sample.has_nonfinite && lost != Some(x) {
                lost = Some(x);
                text::put(buf, x, bottom, 1, theme.pick_glyph("×", "x"), theme.style(ThemeRole::Error));
            }
        }
    }

    /// True when there are so many validations that full points would hide the curves.
    pub fn has_crowded_validations(&self) -> bool {
        let count = |n: usize| {
            let mut columns: Vec<u16> = self.traces[n].validations.iter().map(|v| self.column(v.0)).collect();
            columns.dedup();
            columns.len()
        };
        (0..self.traces.len()).any(|n| 4 * count(n) > usize::from(self.area.width))
    }

    pub fn validation_sign(&self, theme: &Theme) -> &'static str {
        match self.has_crowded_validations() {
            true => theme.pick_glyph("•", "o"),
            false => theme.pick_glyph("●", "o"),
        }
    }

    fn draw_validations(&self, buf: &mut Buffer, theme: &Theme) {
        let (crowded, point) = (self.has_crowded_validations(), self.validation_sign(theme));
        let several = self.has_several_curves();
        // Where colour does not distinguish the points' runs, letters do.
        let letters = several && (theme.is_ascii() || theme.depth() <= ColorDepth::None);
        for (n, trace) in self.traces.iter().enumerate() {
            let (glyph, role) = match trace.name {
                _ if letters => {
                    let letter = trace.name.letter().unwrap_or('o').to_ascii_lowercase();
                    (letter.to_string(), self.trace_role(n))
                }
                CurveOwner::Other(_) => (if crowded { "◦" } else { "○" }.into(), self.trace_role(n)),
                CurveOwner::Own(_) if several => (point.into(), self.trace_role(n)),
                CurveOwner::Own(_) => (point.into(), ThemeRole::CurveValidation),
            };
            let style = theme.style(role);
            // The newest is always there; among many the others leave a column free.
            let apart = if crowded { 2 } else { 1 };
            let mut before: Option<(u16, u16)> = None;
            for (x, v) in trace.validations.iter().rev() {
                let Some(y) = self.row(v.loss) else { continue };
                let at = (self.column(*x), y);
                let near = |b: (u16, u16)| b == at || (crowded && b.0.abs_diff(at.0) < apart);
                if !before.is_some_and(near) {
                    text::put(buf, at.0, at.1, 1, &glyph, style);
                    before = Some(at);
                }
            }
        }
    }

    /// The learning rates in their own panel, from zero up.
    pub(super) fn draw_rates(&self, buf: &mut Buffer, theme: &Theme) {
        let Some(area) = self.rate_area else { return };
        let axis = theme.style(ThemeRole::Axis);
        let name = "learning rate ";
        let line = theme.pick_glyph("┄", "-").repeat(usize::from(area.width));
        text::put(buf, area.x, area.y - 1, area.width, &line, theme.style(ThemeRole::Border));
        text::put(buf, area.x, area.y - 1, area.width, name, axis);
        if self.gutter > 0 {
            let pad = usize::from(self.gutter - 1);
            let (high, x) = (rate_label(self.rate_scale.hi), area.x - self.gutter);
            text::put(buf, x, area.y, self.gutter, &format!("{high:>pad$}"), axis);
            text::put(buf, x, area.bottom() - 1, self.gutter, &format!("{:>pad$}", "0"), axis);
        }
        let mut dots = DotCanvas::new(area.width, area.height, theme.glyphs());
        for (n, trace) in self.traces.iter().enumerate() {
            let as_sample = |&(x, rate): &(f64, f64)| CurveSpan {
                step: x,
                x,
                range: Some((rate, rate, rate)),
                smooth: None,
                has_nonfinite: false,
            };
            let samples: Vec<CurveSpan> = trace.rates.iter().map(as_sample).collect();
            let reduced = columns::reduce(&samples, &self.x, dots.columns(), |s| s.range);
            let dashed = matches!(trace.name, CurveOwner::Other(_));
            let pen = CurvePen { rank: u8::from(!dashed), ink: n as u8, dashed, extremes_only: false };
            columns::draw(&mut dots, &reduced, &self.rate_scale, pen);
        }
        dots.draw(area, buf, |n| theme.style(self.trace_role(usize::from(n))));
    }

    /// A curve's letter at its end, moved to a free row where curves end together; where there is no colour, on its way
    /// too.
    fn draw_letters(&self, buf: &mut Buffer, theme: &Theme) {
        let mut taken: Vec<(u16, u16)> = Vec::new();
        let ways: &[f64] = match theme.depth() {
            ColorDepth::None | ColorDepth::Ansi16 => &[1.0, 0.33, 0.67],
            _ => &[1.0],
        };
        for way in ways {
            for (n, trace) in self.traces.iter().enumerate() {
                let Some(letter) = trace.name.letter() else {
                    continue;
                };
                let inside = |s: &&CurveSpan| self.x.lo <= s.x && s.x <= self.x.hi;
                let seen: Vec<(f64, f64)> = trace
                    .samples
                    .iter()
                    .filter(inside)
                    .filter_map(|s| {
                        let value = if self.smooth { s.smooth } else { s.range.map(|r| r.1) };
                        Some((s.x, value?))
                    })
                    .collect();
                let at = ((seen.len().max(1) - 1) as f64 * way).round() as usize;
                let Some((x, row)) = seen.get(at).and_then(|s| Some((s.0, self.row(s.1)?))) else {
                    continue;
                };
                let x = (self.column(x) + u16::from(*way == 1.0)).min(self.area.right() - 1);
                let free = |y: &u16| !taken.contains(&(x, *y));
                let below = (row..self.area.bottom()).find(free);
                let above = (self.area.top()..row).rev().find(free);
                let nearest = [above, below].into_iter().flatten();
                let Some(y) = nearest.min_by_key(|y| y.abs_diff(row)) else {
                    continue;
                };
                taken.push((x, y));
                let style = theme.style(self.trace_role(n)).add_modifier(Modifier::BOLD);
                text::put(buf, x, y, 1, &letter.to_string(), style);
            }
        }
    }
}
