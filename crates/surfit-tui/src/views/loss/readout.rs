//! Values at the cursor of the loss pane: in a box beside it where it fits, else in the foot line.

use super::super::plot::curve_plot::CurvePlot;
use super::super::plot::curves::{CurveOwner, PlotTrace};
use super::super::plot::text::{self, FigurePiece};
use super::super::plot::ticks;
use super::LossView;
use crate::theme::{Theme, ThemeRole};
use crate::views::message::transliterate;
use crate::views::text_wrap::{self, pad_to_width};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use surfit_core::draws::FitPhase;
use surfit_core::event::LossCurve;
use surfit_core::run_state::RunState;

/// Columns of another run's name in a narrow pane, and in a wide one.
pub(super) const MIN_NAME_WIDTH: u16 = 26;
pub(super) const MAX_NAME_WIDTH: u16 = 74;

struct ReadoutRow {
    name: String,
    value: String,
    role: ThemeRole,
}

/// Everything that is known at the cursor.
pub(super) struct Readout {
    rows: Vec<ReadoutRow>,
}

impl Readout {
    pub(super) fn of(plot: &CurvePlot, run_state: &RunState, view: &LossView, theme: &Theme, x: f64) -> Self {
        let mut rows = Vec::new();
        let mut add = |name: &str, value: String, role: ThemeRole| {
            rows.push(ReadoutRow { name: name.into(), value, role });
        };
        let step = plot.step_at(x);
        add("step", text::group_digits(step), ThemeRole::Text);
        let here: Vec<(usize, &PlotTrace)> = plot.traces.iter().enumerate().collect();
        let here: Vec<_> = here.into_iter().rev().filter(|(_, t)| t.covers(x)).collect();
        for (n, trace) in &here {
            let sample = trace.sample_at(x);
            let raw = match sample.and_then(|s| s.range) {
                Some((min, _, max)) if max > min => {
                    let dash = theme.pick_glyph("–", "-");
                    format!("{}{dash}{}", text::format_loss(min), text::format_loss(max))
                }
                Some((_, mean, _)) => text::format_loss(mean),
                None => "not finite".into(),
            };
            let smooth = match sample.and_then(|s| s.smooth) {
                Some(smooth) => text::format_loss(smooth),
                None => "not finite".into(),
            };
            let validation = trace
                .validation_at(x)
                .map(|v| format!("{} ({})", text::format_loss(v.loss), text::format_percent(v.accuracy, 1)));
            if !plot.has_several_curves() {
                add("raw", raw, ThemeRole::Text);
                if view.smooth {
                    add("smoothed", smooth, plot.trace_role(*n));
                }
                if let Some(validation) = validation {
                    add("val", validation, ThemeRole::CurveValidation);
                }
                continue;
            }
            let name = match trace.name {
                CurveOwner::Own(LossCurve::Corner(c)) => (c + 1).to_string(),
                CurveOwner::Own(LossCurve::Surface) => "surface".into(),
                CurveOwner::Other(o) => overlay_label(theme, trace.name, view, o, MAX_NAME_WIDTH),
            };
            add(&name, if view.smooth { smooth } else { raw }, plot.trace_role(*n));
            if let Some(validation) = validation {
                add("  val", validation, plot.trace_role(*n));
            }
        }
        if here.is_empty() {
            add("", "no values here".into(), ThemeRole::Muted);
        }
        if let Some(seconds) = plot.seconds_at(x) {
            add("time", ticks::format_clock(seconds), ThemeRole::Text);
        }
        if let Some(rate) = plot.rate_at(x).filter(|r| r.is_finite()) {
            add("rate", text::format_learning_rate(rate), ThemeRole::Text);
        }
        let fit = plot.traces.last().is_some_and(|t| t.name == CurveOwner::Own(LossCurve::Surface));
        if let Some(degrees) = run_state.degrees_at(step).filter(|_| fit) {
            let mut value = transliterate(&degrees.to_string(), theme.is_ascii());
            if let Some(phase) = run_state.phase_at(step) {
                value += match phase {
                    FitPhase::Trunk => ", trunk",
                    FitPhase::Edge => ", edges",
                    FitPhase::Interior => ", interior",
                };
            }
            add("degree", value, ThemeRole::Text);
        }
        // The box may have half of the plot; where even short names need more, there is none.
        let values = rows.iter().map(|r| Span::raw(&r.value).width()).max();
        let half = usize::from(plot.area.width.saturating_sub(6) / 2);
        let room = half.saturating_sub(values.unwrap_or(0) + 3);
        for row in &mut rows {
            row.name = text_wrap::truncate_middle(&row.name, (room as u16).max(MIN_NAME_WIDTH), theme.is_ascii());
        }
        Self { rows }
    }

    /// The figures for the foot line, most important first.
    pub(super) fn pieces<'a>(&self, theme: &Theme) -> Vec<FigurePiece<'a>> {
        let muted = theme.style(ThemeRole::Muted);
        let piece = |row: &ReadoutRow| -> FigurePiece<'a> {
            let name = row.name.trim_start();
            let name = if name.is_empty() { String::new() } else { format!("{name} ") };
            vec![Span::styled(name, muted), Span::styled(row.value.clone(), style(theme, row))]
        };
        self.rows.iter().map(piece).collect()
    }

    /// Widest name, and columns and rows of the box.
    fn size(&self) -> (usize, u16, u16) {
        let size = |s: &str| Span::raw(s).width();
        let names = self.rows.iter().map(|r| size(&r.name)).max().unwrap_or(0);
        let values = self.rows.iter().map(|r| size(&r.value)).max().unwrap_or(0);
        (names, (names + values + 3) as u16, self.rows.len() as u16)
    }

    /// True when the plot is large enough for the box and the curves.
    pub(super) fn fits_in_plot(&self, plot: &CurvePlot) -> bool {
        let (_, width, height) = self.size();
        plot.area.width >= 2 * width + 6 && plot.area.height >= height + 3
    }

    /// Draws the box beside the cursor, where it hides least.
    pub(super) fn draw_box(&self, buf: &mut Buffer, theme: &Theme, plot: &CurvePlot, x: f64) {
        let (names, width, height) = self.size();
        let column = plot.column(x);
        let left = (column > plot.area.x + width).then(|| column - width - 1);
        let right = (column + 2 + width <= plot.area.right()).then_some(column + 2);
        let tops = [plot.area.y, plot.area.bottom() - height];
        let places = [right, left].into_iter().flatten();
        let places = places.flat_map(|x| tops.map(|y| Rect { x, y, width, height }));
        let Some(place) = places.min_by_key(|p| count_covered_characters(buf, *p)) else {
            return;
        };
        for (row, y) in self.rows.iter().zip(place.top()..) {
            let blank = " ".repeat(usize::from(width));
            text::put(buf, place.x, y, width, &blank, Style::new());
            let line = Line::from(vec![
                Span::styled(format!(" {} ", pad_to_width(&row.name, names)), theme.style(ThemeRole::Muted)),
                Span::styled(row.value.clone(), style(theme, row)),
            ]);
            text::put_line(buf, place.x, y, width, &line);
        }
    }
}

fn style(theme: &Theme, row: &ReadoutRow) -> Style {
    let role = if row.value == "not finite" { ThemeRole::Error } else { row.role };
    theme.style(role)
}

fn count_covered_characters(buf: &Buffer, place: Rect) -> usize {
    let cells = place.positions().filter_map(|p| buf.cell(p));
    cells.filter(|c| !matches!(c.symbol(), " " | "·" | ".")).count()
}

/// `A demo-7`: the letter of another run, and its id, in at most `width` columns.
pub(super) fn overlay_label(theme: &Theme, name: CurveOwner, view: &LossView, other: usize, width: u16) -> String {
    let letter = name.letter().unwrap_or(' ');
    let id = view.overlays.get(other).map_or("", |o| o.name.as_str());
    let id = transliterate(id, theme.is_ascii());
    text_wrap::truncate_middle(&format!("{letter} {id}"), width, theme.is_ascii())
}
