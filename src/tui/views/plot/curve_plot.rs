//! The plot of loss curves: axes, curves, validation points, changes of degree, cursor.

use super::curves::{self, Trace};
use super::dots::Dots;
use super::text;
use crate::theme::{Role, Theme};
use crate::views::scale::{self, Scale};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use surfit_core::event::Curve;
use surfit_core::picture::Picture;
use surfit_core::series::Series;

/// What is to be plotted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Logarithmic loss axis.
    pub log: bool,
    /// Only the last part of the curves.
    pub recent: bool,
    /// Smoothed curves over the raw ones.
    pub smooth: bool,
    /// The corners' curves beside that of the surface.
    pub corners: bool,
}

/// Everything that is decided before the first character is drawn.
pub struct Plot {
    choice: Choice,
    /// Characters of the curves, axes not counted.
    pub area: Rect,
    gutter: u16,
    foot: u16,
    /// The curves, in the order of their inks.
    pub traces: Vec<Trace>,
    x: Scale,
    y: Scale,
    degrees: Vec<(f64, String)>,
}

impl Plot {
    /// The plot in the room `inner`; `None` before there is a curve.
    pub fn of(inner: Rect, picture: &Picture, choice: Choice) -> Option<Plot> {
        let shown = curves::relevant(picture, choice.corners);
        let series = |c: &Curve| picture.curves.get(c);
        let end = shown.iter().filter_map(series).map(Series::end).max()?;
        let planned = picture.snapshot.as_ref().map_or(0, |s| s.fit_total);
        let fit = shown.contains(&Curve::Surface);
        let from = if choice.recent {
            curves::recent_from(end)
        } else {
            0
        };
        // Once a good part of the fit is done its whole length is the calmest axis, and shows how far it is.
        let to = if choice.recent {
            let jump = ((end - from) / 8).max(1);
            end.div_ceil(jump) * jump
        } else if fit && planned >= end && planned <= end.saturating_mul(4) {
            planned
        } else {
            scale::round_up_steps(end)
        };
        let (from_step, to_step) = (from as f64, (to.max(from + 2) - 1) as f64);
        let trace = |curve: &Curve| {
            let samples = curves::samples(series(curve)?, from);
            let list = picture
                .validations
                .get(curve)
                .map_or(&[][..], Vec::as_slice);
            let inside = |step: u64| (from_step..=to_step + 1.0).contains(&(step as f64));
            let validations = list.iter().filter(|v| inside(v.step)).copied().collect();
            Some(Trace {
                curve: *curve,
                samples,
                validations,
            })
        };
        let traces: Vec<Trace> = shown.iter().filter_map(trace).collect();
        let y = Scale::covering(
            traces.iter().flat_map(|t| important(t, choice.smooth)),
            choice.log,
        )
        .unwrap_or(Scale {
            lo: 0.0,
            hi: 1.0,
            log: false,
        });
        let foot = match inner.height {
            0..=3 => 0,
            4..=6 => 1,
            _ => 2,
        };
        let widest = y.ticks(6).iter().map(|t| t.1.len()).max().unwrap_or(0) as u16;
        let gutter = if inner.width >= widest + 14 {
            widest + 1
        } else {
            0
        };
        let area = Rect {
            x: inner.x + gutter,
            width: inner.width - gutter,
            height: inner.height - foot,
            ..inner
        };
        let degrees = picture
            .degree_changes
            .iter()
            .filter(|c| fit && (from_step..=to_step).contains(&(c.0 as f64)))
            .map(|c| (c.0 as f64, c.2.to_string()))
            .collect();
        let x = Scale {
            lo: from_step,
            hi: to_step,
            log: false,
        };
        Some(Plot {
            choice,
            area,
            gutter,
            foot,
            traces,
            x,
            y,
            degrees,
        })
    }

    /// The role whose colour a trace has.
    pub fn role(&self, trace: usize) -> Role {
        match self.traces.get(trace).map(|t| t.curve) {
            Some(Curve::Corner(c)) => Role::corner(c),
            _ => Role::CurveSmooth,
        }
    }

    /// The step under a cursor, 0..1 across.
    pub fn step_at(&self, cursor: f64) -> f64 {
        let t = if cursor.is_finite() {
            cursor.clamp(0.0, 1.0)
        } else {
            1.0
        };
        self.x.lo + t * (self.x.hi - self.x.lo)
    }

    /// The character column of a step within `area`.
    fn column(&self, step: f64) -> u16 {
        let last = f64::from(self.area.width.saturating_sub(1));
        self.area.x + (self.x.at(step).unwrap_or(0.0) * last).round() as u16
    }

    /// The character row of a loss within `area`; `None` when it is not a number.
    fn row(&self, value: f64) -> Option<u16> {
        let last = f64::from(self.area.height.saturating_sub(1));
        Some(self.area.y + ((1.0 - self.y.at(value)?) * last).round() as u16)
    }

    /// Draws axes, curves and cursor.
    pub fn draw(&self, buf: &mut Buffer, theme: &Theme, cursor: Option<f64>) {
        if self.area.is_empty() {
            return;
        }
        self.draw_axes(buf, theme);
        self.draw_degrees(buf, theme);
        let several = self.traces.len() > 1;
        let mut dots = Dots::new(self.area.width, self.area.height, theme.ascii());
        for (n, trace) in self.traces.iter().enumerate() {
            let ink = n as u8 + 1;
            // Four raw curves over each other are noise; then only the one that grows keeps its own.
            let raw = !several || !self.choice.smooth || n + 1 == self.traces.len();
            if raw {
                let ink = if self.choice.smooth { 0 } else { ink };
                curves::draw_raw(&mut dots, trace, &self.x, &self.y, 0, ink);
            }
            if self.choice.smooth {
                curves::draw_smooth(&mut dots, trace, &self.x, &self.y, 1, ink);
            }
        }
        dots.draw(self.area, buf, |ink| match ink {
            0 => theme.style(Role::CurveRaw),
            n => theme.style(self.role(usize::from(n) - 1)),
        });
        self.draw_validations(buf, theme, several);
        if let Some(cursor) = cursor {
            self.draw_cursor(buf, theme, cursor);
        }
        if several {
            self.draw_labels(buf, theme);
        }
    }

    fn draw_axes(&self, buf: &mut Buffer, theme: &Theme) {
        let (area, axis) = (self.area, theme.style(Role::Axis));
        let grid = theme.style(Role::Border);
        let ascii = theme.ascii();
        let most = usize::from(area.height / 3).clamp(2, 7);
        for (value, label) in self.y.ticks(most) {
            let Some(y) = self.row(value) else { continue };
            let pad = usize::from(self.gutter.saturating_sub(1));
            if self.gutter > 0 {
                let x = area.x - self.gutter;
                text::put(buf, x, y, self.gutter, &format!("{label:>pad$}"), axis);
            }
            for x in (area.left()..area.right()).step_by(2) {
                text::put(buf, x, y, 1, if ascii { "." } else { "·" }, grid);
            }
        }
        if self.foot == 0 {
            return;
        }
        let label_row = area.bottom() + self.foot - 1;
        let most = usize::from(area.width / 10).clamp(2, 8);
        if self.foot > 1 {
            let line = if ascii { "-" } else { "─" }.repeat(usize::from(area.width));
            text::put(buf, area.x, area.bottom(), area.width, &line, axis);
        }
        let mut free = area.x.saturating_sub(self.gutter);
        for (step, _) in self.x.ticks(most) {
            let label = scale::steps_label(step);
            let (x, width) = (self.column(step), label.len() as u16);
            let left = x
                .saturating_sub(width / 2)
                .min(area.right().saturating_sub(width));
            if left < free {
                continue;
            }
            free = left + width + 1;
            text::put(buf, left, label_row, width, &label, axis);
            if self.foot > 1 {
                text::put(
                    buf,
                    x,
                    area.bottom(),
                    1,
                    if ascii { "+" } else { "┴" },
                    axis,
                );
            }
        }
        if self.foot > 1 && free + 5 <= area.right() {
            text::put(buf, area.right() - 4, label_row, 4, "step", axis);
        }
    }

    /// A dotted line where the degree changed, with the degrees from there on.
    fn draw_degrees(&self, buf: &mut Buffer, theme: &Theme) {
        let style = theme.style(Role::Accent);
        let mut free = self.area.x;
        for (step, label) in &self.degrees {
            let x = self.column(*step);
            for y in self.area.top()..self.area.bottom() {
                text::put(
                    buf,
                    x,
                    y,
                    1,
                    if theme.ascii() { "|" } else { "┊" },
                    theme.style(Role::Axis),
                );
            }
            let width = label.chars().count() as u16;
            let ascii = theme.ascii().then(|| label.replace('×', "x"));
            let label = ascii.as_ref().unwrap_or(label);
            let right = x + 1 + width <= self.area.right();
            let left = if right {
                x + 1
            } else {
                x.saturating_sub(width)
            };
            if left >= free {
                text::put(buf, left, self.area.y, width, label, style);
                free = left + width;
            }
        }
    }

    fn draw_validations(&self, buf: &mut Buffer, theme: &Theme, several: bool) {
        for (n, trace) in self.traces.iter().enumerate() {
            let role = if several {
                self.role(n)
            } else {
                Role::CurveValidation
            };
            for v in &trace.validations {
                if let Some(y) = self.row(v.loss) {
                    let glyph = if theme.ascii() { "o" } else { "●" };
                    text::put(
                        buf,
                        self.column(v.step as f64),
                        y,
                        1,
                        glyph,
                        theme.style(role),
                    );
                }
            }
        }
    }

    fn draw_cursor(&self, buf: &mut Buffer, theme: &Theme, cursor: f64) {
        let step = self.step_at(cursor);
        let x = self.column(step);
        let (bar, mark) = if theme.ascii() {
            ("|", "#")
        } else {
            ("│", "◆")
        };
        let strong = theme.style(Role::Accent);
        for y in self.area.top()..self.area.bottom() {
            let quiet = buf
                .cell((x, y))
                .is_some_and(|c| matches!(c.symbol(), " " | "·" | "." | "┊"));
            if quiet {
                text::put(buf, x, y, 1, bar, strong);
            }
        }
        for trace in self.traces.iter().filter(|t| t.covers(step)) {
            let value = trace.sample_at(step).and_then(|s| s.smooth);
            if let Some(y) = value.and_then(|v| self.row(v)) {
                text::put(buf, x, y, 1, mark, strong.add_modifier(Modifier::BOLD));
            }
        }
    }

    /// The corner's number at the end of its curve, moved to a free row where curves end together.
    fn draw_labels(&self, buf: &mut Buffer, theme: &Theme) {
        let mut taken: Vec<(u16, u16)> = Vec::new();
        for (n, trace) in self.traces.iter().enumerate() {
            let Curve::Corner(corner) = trace.curve else {
                continue;
            };
            let last = trace
                .samples
                .iter()
                .rev()
                .find_map(|s| Some((s.step, s.smooth?)));
            let Some((step, value)) = last else { continue };
            let Some(row) = self.row(value) else { continue };
            let x = (self.column(step) + 1).min(self.area.right() - 1);
            let free = |y: &u16| !taken.iter().any(|t| t.1 == *y && t.0.abs_diff(x) < 1);
            let below = (row..self.area.bottom()).find(free);
            let above = (self.area.top()..row).rev().find(free);
            let Some(y) = [above, below]
                .into_iter()
                .flatten()
                .min_by_key(|y| y.abs_diff(row))
            else {
                continue;
            };
            taken.push((x, y));
            let style = theme.style(self.role(n)).add_modifier(Modifier::BOLD);
            text::put(buf, x, y, 1, &(corner + 1).to_string(), style);
        }
    }
}

/// The values that the loss axis must hold: the smoothed curve, validation, and nearly all raw values. The few largest
/// raw ones may leave it at the top, so that one spike does not flatten everything.
fn important(trace: &Trace, smooth: bool) -> Vec<f64> {
    let mut raw: Vec<f64> = trace
        .samples
        .iter()
        .filter_map(|s| s.range)
        .flat_map(|r| [r.0, r.2])
        .collect();
    if smooth && raw.len() >= 100 {
        let kept = raw.len() - raw.len() / 100;
        raw.select_nth_unstable_by(kept, f64::total_cmp);
        raw.truncate(kept);
    }
    raw.extend(trace.samples.iter().filter_map(|s| s.smooth));
    raw.extend(
        trace
            .validations
            .iter()
            .map(|v| v.loss)
            .filter(|l| l.is_finite()),
    );
    raw
}
