//! Panels with axes: a title, a key of the curves, ticks at round values.

use super::style::*;
use crate::canvas::FigurePage;
use plotters::element::DashedPathElement;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};
use std::ops::Range;
use surfit_core::axis_scale::AxisScale;

pub type DrawResult<DB, T = ()> = Result<T, DrawingAreaErrorKind<<DB as DrawingBackend>::ErrorType>>;

pub struct AxesPanel {
    /// Frame of the data in pixels of the drawing: left, top, right, bottom.
    pub frame: [i32; 4],
    /// Data along x.
    pub x: Range<f64>,
    /// Data along y.
    pub y: Range<f64>,
    pub log_y: bool,
}

/// The label of a tick, from its value and its usual label.
pub type TickFormat<'a> = dyn Fn(f64, String) -> String + 'a;

/// Most ticks of a logarithmic axis.
const MAX_LOG_TICKS: usize = 8;

impl AxesPanel {
    /// The pixel of a data point. Points outside the data range land on its edge.
    pub fn pixel_at(&self, x: f64, y: f64) -> (i32, i32) {
        let [left, top, right, bottom] = self.frame.map(f64::from);
        let part = |v: f64, r: &Range<f64>| ((v - r.start) / (r.end - r.start)).clamp(0.0, 1.0);
        let tx = part(x, &self.x);
        let ty =
            if self.log_y { part(y.max(1e-300).ln(), &(self.y.start.ln()..self.y.end.ln())) } else { part(y, &self.y) };
        ((left + tx * (right - left)).round() as i32, (bottom - ty * (bottom - top)).round() as i32)
    }

    /// Draws grid lines, axis lines, tick labels and the axes' names.
    pub fn draw_axes<DB: DrawingBackend>(
        &self,
        page: &FigurePage<'_, DB>,
        names: (&str, &str),
        x_label: &TickFormat<'_>,
    ) -> DrawResult<DB> {
        let [left, top, right, bottom] = self.frame;
        let log_ticks = self.log_y.then(|| axis_scale(&self.y, true).ticks(MAX_LOG_TICKS));
        // Within a part of a decade there are too few of them.
        let y_ticks = log_ticks.filter(|ticks| ticks.len() >= 3);
        let y_ticks = y_ticks.unwrap_or_else(|| axis_scale(&self.y, false).ticks(self.y_tick_count()));
        for (value, label) in y_ticks {
            let y = self.pixel_at(self.x.start, value).1;
            page.draw(&PathElement::new([(left, y), (right, y)], line_style(page.theme.grid, 0.8)))?;
            let style = text_style(11.0, page.theme.muted, HPos::Right, VPos::Center);
            page.draw_text(&label, &style, (left - px(6.0), y))?;
        }
        let count = ((f64::from(right - left) / PIXELS_PER_POINT / 60.0) as usize).clamp(2, 6);
        for (value, label) in axis_scale(&self.x, false).ticks(count) {
            let x = self.pixel_at(value, self.y.start).0;
            page.draw(&PathElement::new([(x, bottom), (x, bottom + px(4.0))], line_style(page.theme.axis, 1.0)))?;
            let style = text_style(11.0, page.theme.muted, HPos::Center, VPos::Top);
            page.draw_text(&x_label(value, label), &style, (x, bottom + px(6.0)))?;
        }
        page.draw(&PathElement::new([(left, bottom), (right, bottom)], line_style(page.theme.axis, 1.0)))?;
        let style = text_style(11.5, page.theme.text, HPos::Center, VPos::Top);
        page.draw_text(names.0, &style, ((left + right) / 2, bottom + px(22.0)))?;
        let style = text_style(11.5, page.theme.text, HPos::Left, VPos::Bottom);
        page.draw_text(names.1, &style, (left - px(34.0), top - px(8.0)))
    }

    /// Approximate number of values that fit along the y axis.
    fn y_tick_count(&self) -> usize {
        let height = f64::from(self.frame[3] - self.frame[1]) / PIXELS_PER_POINT;
        ((height / 30.0) as usize).clamp(2, 6)
    }

    /// Draws a curve of dashes; points that are not finite break it.
    pub fn draw_dashed_curve<DB: DrawingBackend>(
        &self,
        page: &FigurePage<'_, DB>,
        points: &[(f64, f64)],
        style: ShapeStyle,
    ) -> DrawResult<DB> {
        for piece in points.split(|p| !p.1.is_finite()) {
            let mut spots: Vec<(i32, i32)> = piece.iter().map(|p| self.pixel_at(p.0, p.1)).collect();
            match spots.len() {
                0 | 1 => draw_polyline(page, &mut spots, style)?,
                _ => page.draw(&DashedPathElement::new(spots, px(6.0), px(3.5), style))?,
            }
        }
        Ok(())
    }

    /// Draws a curve; points that are not finite break it.
    pub fn draw_curve<DB: DrawingBackend>(
        &self,
        page: &FigurePage<'_, DB>,
        points: impl IntoIterator<Item = (f64, f64)>,
        style: ShapeStyle,
    ) -> DrawResult<DB> {
        let mut piece: Vec<(i32, i32)> = Vec::new();
        for (x, y) in points {
            if y.is_finite() {
                let at = self.pixel_at(x, y);
                if piece.last() != Some(&at) {
                    piece.push(at);
                }
            } else {
                draw_polyline(page, &mut piece, style)?;
            }
        }
        draw_polyline(page, &mut piece, style)
    }

    /// Fills between a lower and an upper curve.
    pub fn draw_band<DB: DrawingBackend>(
        &self,
        page: &FigurePage<'_, DB>,
        points: &[(f64, f64, f64)],
        color: RGBAColor,
    ) -> DrawResult<DB> {
        let upper = points.iter().map(|p| self.pixel_at(p.0, p.2));
        let lower = points.iter().rev().map(|p| self.pixel_at(p.0, p.1));
        let outline: Vec<_> = upper.chain(lower).collect();
        if outline.len() < 4 {
            return Ok(());
        }
        page.draw(&Polygon::new(outline, fill_style(color)))
    }

    /// A horizontal line of dashes at a value.
    pub fn draw_level<DB: DrawingBackend>(
        &self,
        page: &FigurePage<'_, DB>,
        value: f64,
        color: RGBColor,
    ) -> DrawResult<DB> {
        self.draw_dashed_curve(page, &[(self.x.start, value), (self.x.end, value)], line_style(color, 1.4))
    }
}

fn draw_polyline<DB: DrawingBackend>(
    page: &FigurePage<'_, DB>,
    piece: &mut Vec<(i32, i32)>,
    style: ShapeStyle,
) -> DrawResult<DB> {
    match piece.len() {
        0 => Ok(()),
        1 => page.draw(&Circle::new(piece.remove(0), px(1.2), fill_style(style.color))),
        _ => page.draw(&PathElement::new(std::mem::take(piece), style)),
    }
}

/// Draws the title of a figure, and a line below it; gives where they end. On a screen there is only the line: what frames
/// the figure there has its title.
pub fn draw_header<DB: DrawingBackend>(page: &FigurePage<'_, DB>, title: &str, below: &str) -> DrawResult<DB, f64> {
    let room = page.width - 40.0;
    if !page.on_screen {
        let style = bold_style(16.0, page.theme.text, HPos::Left, VPos::Top);
        page.draw_text(&shorten_to_width(page, title, &style, room)?, &style, (px(20.0), px(14.0)))?;
    }
    let style = text_style(12.0, page.theme.muted, HPos::Left, VPos::Top);
    page.draw_text(&shorten_to_width(page, below, &style, room)?, &style, (px(20.0), px(page.length(37.0, 8.0))))?;
    Ok(page.length(60.0, 30.0))
}

/// A text, shortened to a width in nominal points.
pub fn shorten_to_width<DB: DrawingBackend>(
    page: &FigurePage<'_, DB>,
    text: &str,
    style: &TextStyle<'_>,
    width: f64,
) -> DrawResult<DB, String> {
    let mut shown = text.to_owned();
    let mut letters = text.chars().count();
    while letters > 4 && page.estimate_text_size(&shown, style)?.0 as i32 > px(width) {
        letters -= 1;
        shown = text.chars().take(letters).chain(['…']).collect();
    }
    Ok(shown)
}

pub enum LegendMark {
    /// A solid line of this style.
    Line(ShapeStyle),
    Dot(RGBColor),
    Dashes(RGBColor),
}

/// Marks with their names, from `at` to the right, in as many rows as it takes to stay left of `right`; gives how many.
pub fn draw_legend<DB: DrawingBackend>(
    page: &FigurePage<'_, DB>,
    at: (i32, i32),
    right: i32,
    entries: &[(LegendMark, String)],
) -> DrawResult<DB, i32> {
    let (mut x, mut y) = at;
    let mut rows = 1;
    let style = text_style(11.0, page.theme.text, HPos::Left, VPos::Center);
    for (mark, name) in entries {
        let width = page.estimate_text_size(name, &style)?.0 as i32;
        if x > at.0 && right.saturating_sub(x) < px(24.0) + width {
            (x, y, rows) = (at.0, y + px(17.0), rows + 1);
        }
        let end = x + px(18.0);
        match mark {
            LegendMark::Line(style) => page.draw(&PathElement::new([(x, y), (end, y)], *style))?,
            LegendMark::Dot(color) => page.draw(&Circle::new((x + px(9.0), y), px(3.2), fill_style(color)))?,
            LegendMark::Dashes(color) => {
                for part in [(0.0, 5.0), (7.0, 12.0), (14.0, 18.0)] {
                    let dash = [(x + px(part.0), y), (x + px(part.1), y)];
                    page.draw(&PathElement::new(dash, line_style(color, 1.4)))?;
                }
            }
        }
        page.draw_text(name, &style, (end + px(6.0), y))?;
        x = end + px(6.0) + width + px(18.0);
    }
    Ok(rows)
}

/// The scale of an axis over a range, with its ticks.
pub fn axis_scale(range: &Range<f64>, log: bool) -> AxisScale {
    AxisScale { lo: range.start, hi: range.end, log }
}

/// A range widened by a part of itself on both sides; a single value gets an extent.
pub fn pad_range(low: f64, high: f64, part: f64) -> Range<f64> {
    let span = high - low;
    let pad = if span > 0.0 { span * part } else { low.abs().max(1e-3) * 0.05 };
    low - pad..high + pad
}

/// A number without needless zeros: `0.5`, `12`, `0.001`.
pub fn format_trimmed(value: f64) -> String {
    // The sum makes a zero of a negative one.
    ((value * 1e6).round() / 1e6 + 0.0).to_string()
}

/// A count with thousands apart: `12 000`.
pub fn format_thousands(value: f64) -> String {
    surfit_core::axis_scale::group_digits(value.abs().round() as u64, '\u{2009}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        assert_eq!(
            [format_trimmed(0.5), format_trimmed(12.0), format_trimmed(0.0), format_trimmed(-0.0)],
            ["0.5", "12", "0", "0"]
        );
        assert_eq!(format_thousands(12_345.0), "12\u{2009}345");
    }

    #[test]
    fn points_outside_land_on_the_edge() {
        let panel = AxesPanel { frame: [0, 0, 100, 50], x: 0.0..1.0, y: 0.1..10.0, log_y: true };
        assert_eq!(panel.pixel_at(0.5, 1.0), (50, 25));
        assert_eq!(panel.pixel_at(2.0, 1e9), (100, 0));
        assert_eq!(panel.pixel_at(-1.0, 0.0), (0, 50));
    }
}
