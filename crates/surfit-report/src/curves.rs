//! Loss curves as they are looked at: over steps or time, a part of them, smoothed as much as is wanted, with those of other
//! runs.

mod traces;

use super::axes::{AxesPanel, DrawResult, LegendMark, draw_header, draw_legend, format_thousands, format_trimmed};
use super::canvas::{DrawableFigure, FigurePage};
use super::control_points::format_quantity;
use super::style::*;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};
use surfit_core::event::LossCurve;
use surfit_core::run_state::RunState;
use surfit_core::series::{CurveLook, OtherCurve};
use traces::{CurveTrace, draw_labels};

/// Cross-entropy as the loss pane shows it.
pub struct CurvesFigure<'a> {
    pub run_state: &'a RunState,
    pub style: &'a CurveLook,
    /// Fits of other runs, dashed.
    pub other_curves: &'a [OtherCurve],
    pub title: String,
}

/// Nominal height of the learning rate with its name.
const RATE_HEIGHT: f64 = 110.0;
/// Least nominal height of the losses that leaves room for the learning rate.
const MIN_LOSS_HEIGHT: f64 = 180.0;
/// Places at which the learning rate is read.
const RATE_SAMPLES: usize = 300;
/// Nominal room left and right of the data.
const SIDES: (f64, f64) = (64.0, 36.0);
const MAX_NAME_CHARS: usize = 32;

impl DrawableFigure for CurvesFigure<'_> {
    fn size(&self) -> (u32, u32) {
        let rate = if self.style.rate { RATE_HEIGHT } else { 0.0 };
        (1000, (502.0 + rate) as u32)
    }

    fn draw<DB: DrawingBackend>(&self, page: &FigurePage<'_, DB>) -> DrawResult<DB> {
        let header = draw_header(page, &self.title, &self.subtitle())?;
        self.draw_area(page, [0.0, header, page.width, page.height])
    }
}

impl<'a> CurvesFigure<'a> {
    /// Draws the curves with their legend into an area: left, top, right and bottom in nominal points.
    pub(super) fn draw_area<DB: DrawingBackend>(
        &self,
        page: &FigurePage<'_, DB>,
        [left, top, right, bottom]: [f64; 4],
    ) -> DrawResult<DB> {
        let traces = self.traces(&page.theme);
        let sides = (left + SIDES.0, right - SIDES.1);
        let legend = (px(left + 20.0), px(top + 8.0));
        let entries = self.legend_entries(&traces, &page.theme);
        let rows = draw_legend(page, legend, px(sides.1 - 20.0), &entries)?;
        let top = top + page.length(62.0, 29.0 + 17.0 * f64::from(rows));
        let below = bottom - page.length(50.0, 44.0);
        let rate = self.style.rate && below - RATE_HEIGHT - top >= MIN_LOSS_HEIGHT;
        let bottom = if rate { below - RATE_HEIGHT } else { below.max(top + 20.0) };
        let panel = self.build_panel([sides.0, top, sides.1, bottom], self.style.range);
        self.draw_frame(page, &panel, !rate)?;
        self.draw_degree_changes(page, &panel)?;
        let mut ends = Vec::new();
        for (n, trace) in traces.iter().enumerate() {
            let end = self.draw_trace(page, &panel, trace, n + 1 == traces.len())?;
            ends.extend(end.filter(|_| traces.len() > 1).map(|at| (at, n)));
        }
        for trace in &traces {
            self.draw_validations(page, &panel, trace, traces.len() == 1)?;
        }
        draw_labels(page, &panel, &traces, ends)?;
        if let Some(cursor) = self.style.cursor.filter(|x| panel.x.contains(x)) {
            self.draw_cursor(page, &panel, &traces, cursor)?;
        }
        if rate {
            self.draw_learning_rate(page, &traces, [sides.0, bottom + 36.0, sides.1, bottom + RATE_HEIGHT])?;
        }
        Ok(())
    }

    fn traces(&self, theme: &FigureTheme) -> Vec<CurveTrace<'a>> {
        let others = self.other_curves.iter().enumerate().map(|(n, o)| CurveTrace {
            name: shorten_name(&o.name),
            label: char::from(b'A' + (n % 26) as u8).to_string(),
            color: theme.corners[n % theme.corners.len()],
            is_other_run: true,
            series: &o.series,
            track: Some(&o.track),
            validations: &o.validations,
        });
        let own = self.style.curves.iter().filter_map(|curve| {
            let series = self.run_state.curves.get(curve).filter(|s| !s.is_empty())?;
            let (name, sign, color) = match curve {
                LossCurve::Corner(c) => {
                    (format!("corner {}", c + 1), (c + 1).to_string(), theme.corners[c % theme.corners.len()])
                }
                LossCurve::Surface => ("surface".into(), String::new(), theme.surface),
            };
            Some(CurveTrace {
                name,
                label: sign,
                color,
                is_other_run: false,
                series,
                track: self.run_state.tracks.get(curve),
                validations: self.run_state.validations.get(curve).map_or(&[], |v| v),
            })
        });
        others.chain(own).collect()
    }

    fn subtitle(&self) -> String {
        let (from, to) = self.style.window;
        let (unit, name) = self.time_unit();
        let part = match self.style.time {
            true => format!("{} to {} {name}", format_short(from / unit), format_short(to / unit)),
            false => format!("steps {} to {}", format_thousands(from), format_thousands(to)),
        };
        let smoothing = match self.style.smoothing {
            Some(past) => format!("smoothed with weight {past} of the past a step"),
            None => "as it came, not smoothed".into(),
        };
        format!("cross-entropy in nats · {smoothing} · {part}")
    }

    /// A line at a place of the axis, with the values of the curves there.
    fn draw_cursor<DB: DrawingBackend>(
        &self,
        page: &FigurePage<'_, DB>,
        panel: &AxesPanel,
        traces: &[CurveTrace<'_>],
        cursor: f64,
    ) -> DrawResult<DB> {
        let [_, top, right, bottom] = panel.frame;
        let x = panel.pixel_at(cursor, panel.y.start).0;
        page.draw(&PathElement::new([(x, top), (x, bottom)], line_style(page.theme.text, 1.0)))?;
        let (unit, name) = self.time_unit();
        let place = match self.style.time {
            true => format!("{} {name}", format_short(cursor / unit)),
            false => format!("step {}", format_thousands(cursor.round())),
        };
        let values = traces.iter().filter_map(|trace| {
            let value = self.value_at(trace, cursor)?;
            Some((format!("{} {}", trace.name, format_quantity(value)), trace.color))
        });
        let lines: Vec<(String, RGBColor)> = std::iter::once((place, page.theme.text)).chain(values).collect();
        let style = |color| text_style(11.0, color, HPos::Left, VPos::Top);
        let mut width = 0;
        for (line, color) in &lines {
            width = width.max(page.estimate_text_size(line, &style(*color))?.0 as i32);
        }
        let (gap, row) = (px(6.0), px(15.0));
        let left = if x + 2 * gap + width > right { x - gap - width } else { x + gap };
        // Below the names of changes of degree.
        let top = top + px(16.0);
        let plate = [(left - gap / 2, top), (left + width + gap / 2, top + row * lines.len() as i32)];
        page.draw(&Rectangle::new(plate, fill_style(page.theme.background)))?;
        for (n, (line, color)) in lines.iter().enumerate() {
            page.draw_text(line, &style(*color), (left, top + row * n as i32))?;
        }
        Ok(())
    }

    /// Seconds of the unit of the time axis, and its name.
    fn time_unit(&self) -> (f64, &'static str) {
        match self.style.window.1 {
            t if t >= 7200.0 => (3600.0, "h"),
            t if t >= 180.0 => (60.0, "min"),
            _ => (1.0, "s"),
        }
    }

    fn build_panel(&self, frame: [f64; 4], y: (f64, f64)) -> AxesPanel {
        let (from, to) = self.style.window;
        let log = self.style.log && y.0 > 0.0 && y == self.style.range;
        AxesPanel { frame: frame.map(px), x: from..to.max(from + 1e-9), y: y.0..y.1.max(y.0 + 1e-12), log_y: log }
    }

    fn draw_frame<DB: DrawingBackend>(
        &self,
        page: &FigurePage<'_, DB>,
        panel: &AxesPanel,
        last: bool,
    ) -> DrawResult<DB> {
        let name = match panel.log_y {
            true => "loss, nats (logarithmic)",
            false => "loss, nats",
        };
        self.draw_panel_axes(page, panel, last, name)
    }

    /// Axes of a panel; only the lowest has the horizontal axis' figures.
    fn draw_panel_axes<DB: DrawingBackend>(
        &self,
        page: &FigurePage<'_, DB>,
        panel: &AxesPanel,
        last: bool,
        name: &str,
    ) -> DrawResult<DB> {
        let (unit, unit_name) = self.time_unit();
        let below = match (last, self.style.time) {
            (false, _) => String::new(),
            (true, true) => format!("time of work, {unit_name}"),
            (true, false) => "optimizer step".into(),
        };
        let time = self.style.time;
        let across = move |step: f64, label| match (last, time) {
            (false, _) => String::new(),
            (true, true) => label,
            (true, false) => format_thousands(step),
        };
        // Ticks are natural in the unit that is written.
        let scale = if time { unit } else { 1.0 };
        let shown = AxesPanel { x: panel.x.start / scale..panel.x.end / scale, y: panel.y.clone(), ..*panel };
        shown.draw_axes(page, (&below, name), &across)
    }

    fn draw_degree_changes<DB: DrawingBackend>(&self, page: &FigurePage<'_, DB>, panel: &AxesPanel) -> DrawResult<DB> {
        if !self.style.curves.contains(&LossCurve::Surface) {
            return Ok(());
        }
        let track = self.run_state.tracks.get(&LossCurve::Surface);
        let [_, top, right, _] = panel.frame;
        let mut free = i32::MIN;
        for (step, _, to) in &self.run_state.degree_changes {
            let place = self.axis_position(track, *step as f64, 0.0);
            if !(panel.x.start..=panel.x.end).contains(&place) {
                continue;
            }
            let ends = [(place, panel.y.start), (place, panel.y.end)];
            panel.draw_dashed_curve(page, &ends, line_style(page.theme.muted, 1.0))?;
            let (x, _) = panel.pixel_at(place, panel.y.start);
            let label = format!("degree {to}");
            let style = text_style(10.5, page.theme.muted, HPos::Left, VPos::Top);
            let width = page.estimate_text_size(&label, &style)?.0 as i32;
            let left = if x + px(4.0) + width > right { x - px(4.0) - width } else { x + px(4.0) };
            // Several changes in a row would write over each other.
            if left > free {
                page.draw_text(&label, &style, (left, top))?;
                free = left + width + px(6.0);
            }
        }
        Ok(())
    }

    /// The learning rate of the last curve, below the losses.
    fn draw_learning_rate<DB: DrawingBackend>(
        &self,
        page: &FigurePage<'_, DB>,
        traces: &[CurveTrace<'_>],
        frame: [f64; 4],
    ) -> DrawResult<DB> {
        let marks: Vec<(Vec<(f64, f64)>, RGBColor)> = traces
            .iter()
            .filter_map(|t| {
                let track = t.track.filter(|t| !t.marks().is_empty())?;
                let (from, to) = self.style.window;
                let last = track.marks().last()?;
                let end = if self.style.time { last.seconds } else { last.step as f64 - 1.0 };
                let place = |k: usize| from + (to - from) * k as f64 / RATE_SAMPLES as f64;
                let rate = |x: f64| {
                    let step = if self.style.time { track.step_at(x)? } else { x + 1.0 };
                    Some((x, track.mark_at(step)?.rate))
                };
                let places = (0..=RATE_SAMPLES).map(place).take_while(|x| *x <= end + 1e-9);
                Some((places.filter_map(rate).collect(), t.color))
            })
            .collect();
        let values = marks.iter().flat_map(|m| m.0.iter().map(|p| p.1));
        let most = values.filter(|v| v.is_finite()).fold(0.0, f64::max);
        let most = if most > 0.0 { most * 1.1 } else { 1.0 };
        let panel = self.build_panel(frame, (0.0, most));
        self.draw_panel_axes(page, &panel, true, "learning rate")?;
        for (points, color) in marks {
            panel.draw_curve(page, points, line_style(color, 1.6))?;
        }
        Ok(())
    }

    fn legend_entries(&self, traces: &[CurveTrace<'_>], theme: &FigureTheme) -> Vec<(LegendMark, String)> {
        let smooth = self.style.smoothing.is_some();
        let named = |t: &CurveTrace<'_>| {
            let mark = match t.is_other_run {
                true => LegendMark::Dashes(t.color),
                false => LegendMark::Line(line_style(t.color, 1.8)),
            };
            let name = match t.is_other_run {
                true => format!("{} {}", t.label, t.name),
                false => t.name.clone(),
            };
            (mark, name)
        };
        let mut out = match traces {
            [only] if smooth => vec![
                (LegendMark::Line(line_style(only.color.mix(0.22), 7.0)), "each step".into()),
                (LegendMark::Line(line_style(only.color, 2.0)), "smoothed".into()),
            ],
            _ => traces.iter().map(named).collect(),
        };
        if traces.iter().any(|t| !t.validations.is_empty()) {
            let color = if traces.len() == 1 { theme.validation } else { theme.muted };
            out.push((LegendMark::Dot(color), "validation".into()));
        }
        out
    }
}

fn format_short(x: f64) -> String {
    format_trimmed((x * 100.0).round() / 100.0)
}

fn shorten_name(name: &str) -> String {
    match name.chars().count() > MAX_NAME_CHARS {
        true => name.chars().take(MAX_NAME_CHARS - 1).chain(['…']).collect(),
        false => name.to_owned(),
    }
}

#[cfg(test)]
mod tests;
