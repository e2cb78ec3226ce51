//! Loss curves as they are looked at: over steps or time, a part of them, smoothed as much as is wanted, with those of other
//! runs.

mod traces;

use super::axes::{
    AxesPanel, DrawResult, LegendMark, key_within, log_ticks, plain, thousands, title,
};
use super::canvas::DrawableFigure;
use super::style::*;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};
use surfit_core::event::LossCurve;
use surfit_core::picture::RunState;
use surfit_core::series::{CurveLook, OtherCurve};
use traces::{CurveTrace, signs};

/// Cross-entropy as the loss pane shows it.
pub struct CurvesFigure<'a> {
    /// What is known of the run.
    pub picture: &'a RunState,
    /// What of it is seen.
    pub look: &'a CurveLook,
    /// Fits of other runs, dashed.
    pub others: &'a [OtherCurve],
    /// Title of the figure.
    pub title: String,
}

/// Nominal height of the losses, and of the learning rate with its name.
const HEIGHT: f64 = 330.0;
const RATE: f64 = 110.0;
/// Places at which the learning rate is read.
const RATES: usize = 300;
/// Nominal left and right edge of the data.
const EDGES: (f64, f64) = (64.0, 964.0);
/// Most letters of a run's name.
const LETTERS: usize = 32;

impl DrawableFigure for CurvesFigure<'_> {
    fn size(&self) -> (u32, u32) {
        let rate = if self.look.rate { RATE } else { 0.0 };
        (1000, (122.0 + HEIGHT + rate + 50.0) as u32)
    }

    fn draw<DB: DrawingBackend>(&self, area: &DrawingArea<DB, Shift>) -> DrawResult<DB> {
        title(area, &self.title, &self.subtitle())?;
        let traces = self.traces();
        let room = px(EDGES.1 - 20.0);
        key_within(area, (px(20.0), px(68.0)), room, &self.entries(&traces))?;
        let top = 122.0;
        let panel = self.panel([EDGES.0, top, EDGES.1, top + HEIGHT], self.look.range);
        self.frame(area, &panel, !self.look.rate)?;
        self.changes(area, &panel)?;
        let mut ends = Vec::new();
        for (n, trace) in traces.iter().enumerate() {
            let end = self.trace(area, &panel, trace, n + 1 == traces.len())?;
            ends.extend(end.filter(|_| traces.len() > 1).map(|at| (at, n)));
        }
        for trace in &traces {
            self.validations(area, &panel, trace, traces.len() == 1)?;
        }
        signs(area, &panel, &traces, ends)?;
        if self.look.rate {
            self.rates(area, &traces, top + HEIGHT)?;
        }
        Ok(())
    }
}

impl<'a> CurvesFigure<'a> {
    fn traces(&self) -> Vec<CurveTrace<'a>> {
        let others = self.others.iter().enumerate().map(|(n, o)| CurveTrace {
            name: shortened(&o.name),
            sign: char::from(b'A' + (n % 26) as u8).to_string(),
            color: CORNERS[n % CORNERS.len()],
            other: true,
            series: &o.series,
            track: Some(&o.track),
            validations: &o.validations,
        });
        let own = self.look.curves.iter().filter_map(|curve| {
            let series = self.picture.curves.get(curve).filter(|s| !s.is_empty())?;
            let (name, sign, color) = match curve {
                LossCurve::Corner(c) => (
                    format!("corner {}", c + 1),
                    (c + 1).to_string(),
                    CORNERS[c % CORNERS.len()],
                ),
                LossCurve::Surface => ("surface".into(), String::new(), SURFACE),
            };
            Some(CurveTrace {
                name,
                sign,
                color,
                other: false,
                series,
                track: self.picture.tracks.get(curve),
                validations: self.picture.validations.get(curve).map_or(&[], |v| v),
            })
        });
        others.chain(own).collect()
    }

    fn subtitle(&self) -> String {
        let (from, to) = self.look.window;
        let (unit, name) = self.unit();
        let part = match self.look.time {
            true => format!("{} to {} {name}", short(from / unit), short(to / unit)),
            false => format!("steps {} to {}", thousands(from), thousands(to)),
        };
        let smoothing = match self.look.smoothing {
            Some(past) => format!("smoothed with weight {past} of the past a step"),
            None => "as it came, not smoothed".into(),
        };
        format!("cross-entropy in nats · {smoothing} · {part}")
    }

    /// Seconds of the unit of the time axis, and its name.
    fn unit(&self) -> (f64, &'static str) {
        match self.look.window.1 {
            t if t >= 7200.0 => (3600.0, "h"),
            t if t >= 180.0 => (60.0, "min"),
            _ => (1.0, "s"),
        }
    }

    fn panel(&self, frame: [f64; 4], y: (f64, f64)) -> AxesPanel {
        let (from, to) = self.look.window;
        let log = self.look.log && y.0 > 0.0 && y == self.look.range;
        AxesPanel {
            frame: frame.map(px),
            x: from..to.max(from + 1e-9),
            y: y.0..y.1.max(y.0 + 1e-12),
            log,
        }
    }

    fn frame<DB: DrawingBackend>(
        &self,
        area: &DrawingArea<DB, Shift>,
        panel: &AxesPanel,
        last: bool,
    ) -> DrawResult<DB> {
        let small = panel.log && log_ticks(&panel.y).iter().any(|v| *v < 0.01);
        let loss = move |v: f64| if small { format!("{v:e}") } else { plain(v) };
        let name = match panel.log {
            true => "loss, nats (logarithmic)",
            false => "loss, nats",
        };
        self.axes(area, panel, last, name, &loss)
    }

    /// Axes of a panel; only the lowest has the horizontal axis' figures.
    fn axes<DB: DrawingBackend>(
        &self,
        area: &DrawingArea<DB, Shift>,
        panel: &AxesPanel,
        last: bool,
        name: &str,
        format: &dyn Fn(f64) -> String,
    ) -> DrawResult<DB> {
        let (unit, unit_name) = self.unit();
        let below = match (last, self.look.time) {
            (false, _) => String::new(),
            (true, true) => format!("time of work, {unit_name}"),
            (true, false) => "optimizer step".into(),
        };
        let time = self.look.time;
        let across = move |v: f64| match (last, time) {
            (false, _) => String::new(),
            (true, true) => plain(v),
            (true, false) => thousands(v),
        };
        // Ticks are natural in the unit that is written.
        let scale = if time { unit } else { 1.0 };
        let shown = AxesPanel {
            x: panel.x.start / scale..panel.x.end / scale,
            y: panel.y.clone(),
            ..*panel
        };
        shown.axes(area, (&below, name), (&across, format))
    }

    /// Where the degree changed.
    fn changes<DB: DrawingBackend>(
        &self,
        area: &DrawingArea<DB, Shift>,
        panel: &AxesPanel,
    ) -> DrawResult<DB> {
        if !self.look.curves.contains(&LossCurve::Surface) {
            return Ok(());
        }
        let track = self.picture.tracks.get(&LossCurve::Surface);
        let [_, top, right, bottom] = panel.frame;
        let mut free = i32::MIN;
        for (step, _, to) in &self.picture.degree_changes {
            let place = self.place(track, *step as f64, 0.0);
            if !(panel.x.start..=panel.x.end).contains(&place) {
                continue;
            }
            let x = panel.at(place, panel.y.start).0;
            let mut y = top;
            while y < bottom {
                let dash = [(x, y), (x, (y + px(3.0)).min(bottom))];
                area.draw(&PathElement::new(dash, line(MUTED, 1.0)))?;
                y += px(6.0);
            }
            let label = format!("degree {to}");
            let style = text(10.5, MUTED, HPos::Left, VPos::Top);
            let width = area.estimate_text_size(&label, &style)?.0 as i32;
            let left = if x + px(4.0) + width > right {
                x - px(4.0) - width
            } else {
                x + px(4.0)
            };
            // Several changes in a row would write over each other.
            if left > free {
                area.draw_text(&label, &style, (left, top))?;
                free = left + width + px(6.0);
            }
        }
        Ok(())
    }

    /// The learning rate of the last curve, below the losses.
    fn rates<DB: DrawingBackend>(
        &self,
        area: &DrawingArea<DB, Shift>,
        traces: &[CurveTrace<'_>],
        below: f64,
    ) -> DrawResult<DB> {
        let marks: Vec<(Vec<(f64, f64)>, RGBColor)> = traces
            .iter()
            .filter_map(|t| {
                let track = t.track.filter(|t| !t.marks().is_empty())?;
                let (from, to) = self.look.window;
                let last = track.marks().last()?;
                let end = if self.look.time {
                    last.seconds
                } else {
                    last.step as f64 - 1.0
                };
                let place = |k: usize| from + (to - from) * k as f64 / RATES as f64;
                let rate = |x: f64| {
                    let step = if self.look.time {
                        track.step_at(x)?
                    } else {
                        x + 1.0
                    };
                    Some((x, track.at(step)?.rate))
                };
                let places = (0..=RATES).map(place).take_while(|x| *x <= end + 1e-9);
                Some((places.filter_map(rate).collect(), t.color))
            })
            .collect();
        let values = marks.iter().flat_map(|m| m.0.iter().map(|p| p.1));
        let most = values.filter(|v| v.is_finite()).fold(0.0, f64::max);
        let most = if most > 0.0 { most * 1.1 } else { 1.0 };
        let frame = [EDGES.0, below + 36.0, EDGES.1, below + RATE];
        let panel = self.panel(frame, (0.0, most));
        let small = most < 1e-3;
        let rate = move |v: f64| {
            if small && v > 0.0 {
                format!("{v:e}")
            } else {
                plain(v)
            }
        };
        self.axes(area, &panel, true, "learning rate", &rate)?;
        for (points, color) in marks {
            panel.curve(area, points, line(color, 1.6))?;
        }
        Ok(())
    }

    fn entries(&self, traces: &[CurveTrace<'_>]) -> Vec<(LegendMark, String)> {
        let smooth = self.look.smoothing.is_some();
        let named = |t: &CurveTrace<'_>| {
            let mark = match t.other {
                true => LegendMark::Dashes(t.color),
                false => LegendMark::Line(line(t.color, 1.8)),
            };
            let name = match t.other {
                true => format!("{} {}", t.sign, t.name),
                false => t.name.clone(),
            };
            (mark, name)
        };
        let mut out = match traces {
            [only] if smooth => vec![
                (
                    LegendMark::Line(line(only.color.mix(0.22), 7.0)),
                    "each step".into(),
                ),
                (LegendMark::Line(line(only.color, 2.0)), "smoothed".into()),
            ],
            _ => traces.iter().map(named).collect(),
        };
        if traces.iter().any(|t| !t.validations.is_empty()) {
            let color = if traces.len() == 1 { VALIDATION } else { MUTED };
            out.push((LegendMark::Dot(color), "validation".into()));
        }
        out
    }
}

fn short(x: f64) -> String {
    plain((x * 100.0).round() / 100.0)
}

fn shortened(name: &str) -> String {
    match name.chars().count() > LETTERS {
        true => name.chars().take(LETTERS - 1).chain(['…']).collect(),
        false => name.to_owned(),
    }
}

#[cfg(test)]
mod tests;
