//! The loss pane: live curves of the corners and of the fit.

use super::plot::chrome::{self, Chrome};
use super::plot::curve_plot::{Choice, Plot};
use super::plot::curves;
use super::plot::text::{self, Piece};
use crate::theme::{Role, Theme};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::Span;
use surfit_core::event::Curve;
use surfit_core::picture::Picture;

/// What the user chose to see of the curves.
#[derive(Clone, Debug, PartialEq)]
pub struct LossView {
    /// Logarithmic loss axis.
    pub log: bool,
    /// Only the last part of the curve.
    pub recent: bool,
    /// Draw the smoothed curve over the raw one.
    pub smooth: bool,
    /// Show the corners' curves beside that of the surface.
    pub corners: bool,
    /// Cursor, 0..1 across the plot.
    pub cursor: Option<f64>,
}

impl Default for LossView {
    fn default() -> Self {
        Self {
            log: false,
            recent: false,
            smooth: true,
            corners: false,
            cursor: None,
        }
    }
}

impl LossView {
    fn plot(&self, area: Rect, picture: &Picture) -> Option<Plot> {
        let choice = Choice {
            log: self.log,
            recent: self.recent,
            smooth: self.smooth,
            corners: self.corners,
        };
        Plot::of(chrome::inside(area), picture, choice)
    }

    /// The cursor that belongs to a place on the screen: the inverse of what `render` draws, for the mouse.
    pub fn cursor_at(&self, area: Rect, column: u16, row: u16, picture: &Picture) -> Option<f64> {
        let plot = self.plot(area, picture)?;
        let inside = plot.area.contains((column, row).into());
        let last = f64::from(plot.area.width.saturating_sub(1).max(1));
        inside.then(|| f64::from(column - plot.area.x) / last)
    }
}

/// Draws the pane.
pub fn render(
    area: Rect,
    buf: &mut Buffer,
    theme: &Theme,
    picture: &Picture,
    view: &LossView,
    focused: bool,
) {
    let area = area.intersection(*buf.area());
    let plot = view.plot(area, picture);
    let mode = [
        if view.log { "log" } else { "linear" },
        if view.recent { "recent" } else { "all" },
    ];
    let chrome = Chrome {
        key: '1',
        name: "Loss",
        figures: figures(theme, picture, &curves::relevant(picture, view.corners)),
        foot: match (&plot, view.cursor) {
            (Some(plot), Some(cursor)) => readout(theme, plot, cursor),
            (Some(plot), None) => legend(theme, plot, view),
            (None, _) => Vec::new(),
        },
        // The readout needs the room.
        mode: match (&plot, view.cursor) {
            (Some(_), None) => mode.join(theme.pick(" · ", ", ")),
            _ => String::new(),
        },
    };
    let inner = chrome.draw(area, buf, theme, focused);
    match plot {
        Some(plot) => plot.draw(buf, theme, view.cursor),
        None => chrome::empty(
            inner,
            buf,
            theme,
            "Curves appear here with the first training step.",
        ),
    }
}

/// The live figures of the curve that is growing.
fn figures<'a>(theme: &Theme, picture: &Picture, shown: &[Curve]) -> Vec<Piece<'a>> {
    let Some(curve) = shown.last() else {
        return Vec::new();
    };
    let Some(series) = picture.curves.get(curve) else {
        return Vec::new();
    };
    let mut out: Vec<Piece<'a>> = Vec::new();
    if let Curve::Corner(c) = curve {
        out.push(vec![Span::styled(
            format!("corner {}", c + 1),
            theme.style(Role::corner(*c)),
        )]);
    }
    let (muted, strong) = (theme.style(Role::Muted), theme.style(Role::Text));
    out.push(vec![
        Span::styled("step ", muted),
        Span::styled(text::grouped(series.end()), strong),
    ]);
    match (series.last(), series.smoothed()) {
        (Some(last), _) if !last.is_finite() => {
            out.push(vec![Span::styled(
                "loss not finite",
                theme.style(Role::Error),
            )]);
        }
        (_, Some(smoothed)) => out.push(vec![Span::styled(
            text::loss(smoothed),
            theme.style(Role::CurveSmooth).add_modifier(Modifier::BOLD),
        )]),
        _ => {}
    }
    if let Some(v) = picture.validations.get(curve).and_then(|list| list.last()) {
        out.push(vec![
            Span::styled("val ", muted),
            Span::styled(
                text::percent(v.accuracy, 1),
                theme.style(Role::CurveValidation),
            ),
        ]);
    }
    out
}

fn legend<'a>(theme: &Theme, plot: &Plot, view: &LossView) -> Vec<Piece<'a>> {
    let muted = theme.style(Role::Muted);
    let entry = |glyph: &str, role: Role, name: &str| -> Piece<'a> {
        vec![
            Span::styled(format!("{glyph} "), theme.style(role)),
            Span::styled(name.to_string(), muted),
        ]
    };
    let (line, dots, point) = theme.pick(("━", "⣿", "●"), ("-", ":", "o"));
    let several = plot.traces.len() > 1;
    let mut out = Vec::new();
    if several {
        let corners = plot.traces.iter().filter_map(|t| match t.curve {
            Curve::Corner(c) => Some(Span::styled(
                format!("{} ", c + 1),
                theme.style(Role::corner(c)),
            )),
            Curve::Surface => None,
        });
        out.push(corners.chain([Span::styled("corners", muted)]).collect());
        if plot.traces.iter().any(|t| t.curve == Curve::Surface) {
            out.push(entry(line, Role::CurveSmooth, "surface"));
        }
    } else {
        if view.smooth {
            out.push(entry(line, plot.role(0), "smoothed"));
        }
        let role = if view.smooth {
            Role::CurveRaw
        } else {
            plot.role(0)
        };
        out.push(entry(dots, role, "raw"));
    }
    if plot.traces.iter().any(|t| !t.validations.is_empty()) {
        // Among several curves the points have each its curve's colour.
        let role = if several {
            Role::Muted
        } else {
            Role::CurveValidation
        };
        out.push(entry(point, role, "validation"));
    }
    out
}

/// What lies under the cursor.
fn readout<'a>(theme: &Theme, plot: &Plot, cursor: f64) -> Vec<Piece<'a>> {
    let step = plot.step_at(cursor);
    let (muted, strong) = (theme.style(Role::Muted), theme.style(Role::Text));
    let pair = |name: &str, value: String, style: Style| -> Piece<'a> {
        vec![
            Span::styled(format!("{name} "), muted),
            Span::styled(value, style),
        ]
    };
    let mut out = vec![pair(
        "step",
        text::grouped(step.round().max(0.0) as u64),
        strong,
    )];
    let several = plot.traces.len() > 1;
    let here = plot
        .traces
        .iter()
        .enumerate()
        .filter(|(_, t)| t.covers(step));
    for (n, trace) in here {
        let sample = trace.sample_at(step);
        let smooth = sample
            .and_then(|s| s.smooth)
            .map_or("not finite".into(), text::loss);
        let style = theme.style(plot.role(n));
        if several {
            let name = match trace.curve {
                Curve::Corner(c) => (c + 1).to_string(),
                Curve::Surface => "surface".into(),
            };
            out.push(pair(&name, smooth, style));
            continue;
        }
        let raw = match sample.and_then(|s| s.range) {
            Some((min, _, max)) if max > min => {
                format!(
                    "{}{}{}",
                    text::loss(min),
                    theme.pick("–", "-"),
                    text::loss(max)
                )
            }
            Some((_, mean, _)) => text::loss(mean),
            None => "not finite".into(),
        };
        out.push(pair("raw", raw, strong));
        out.push(pair("smoothed", smooth, style));
        if let Some(v) = trace.validation_at(step) {
            let value = format!("{} ({})", text::loss(v.loss), text::percent(v.accuracy, 1));
            out.push(pair("val", value, theme.style(Role::CurveValidation)));
        }
    }
    if out.len() == 1 {
        out.push(vec![Span::styled("no values here", muted)]);
    }
    out
}

#[cfg(test)]
mod tests;
