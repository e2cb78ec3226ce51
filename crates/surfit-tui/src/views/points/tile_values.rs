//! What the tiles of the control points show first, in figures and in colours.

use crate::views::plot::text;
pub use surfit_core::run_state::PointFigure as Figure;
use surfit_core::run_state::RunState;
use surfit_core::snapshot::{ControlPoint, Snapshot};

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TileAccuracy {
    pub value: f64,
    /// The engine did not report it: it is that of the heatmap's nearest cell.
    pub approximate: bool,
}

impl TileAccuracy {
    /// In at most `room` characters; empty when it does not fit.
    pub fn text(self, room: usize, ascii: bool) -> String {
        if !self.approximate {
            return text::fit_percent(self.value, room);
        }
        let sign = if ascii { "~" } else { "≈" };
        let rest = text::fit_percent(self.value, room.saturating_sub(1));
        match rest.is_empty() {
            true => rest,
            false => format!("{sign}{rest}"),
        }
    }
}

/// Accuracy at each control point: a corner's own, else the engine's value of the surface there.
pub fn accuracies(run_state: &RunState, snapshot: &Snapshot) -> Vec<Option<TileAccuracy>> {
    let of = |row| {
        let (value, about) = run_state.accuracy_at(snapshot, row)?;
        Some(TileAccuracy { value, approximate: about })
    };
    (0..snapshot.control_points.len()).map(of).collect()
}

/// Least span of accuracies worth a whole colour map: half a percentage point.
const MIN_ACCURACY_SPAN: f64 = 0.005;

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FigureSpan {
    pub figure: Figure,
    low: f64,
    high: f64,
}

impl FigureSpan {
    pub fn of(figure: Figure, points: &[ControlPoint], accuracies: &[Option<TileAccuracy>]) -> Self {
        let values =
            points.iter().zip(accuracies).filter_map(|(p, a)| figure_value(figure, p, *a)).filter(|v| v.is_finite());
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        let low = match figure {
            Figure::Accuracy => low.min(high - MIN_ACCURACY_SPAN),
            _ => 0.0,
        };
        Self { figure, low, high }
    }

    /// Position of a value between the least and the most, 0 to 1; NaN without a finite value.
    pub fn fraction(&self, value: Option<f64>) -> f64 {
        let span = self.high - self.low;
        match value {
            Some(v) if v.is_finite() && span > 0.0 => ((v - self.low) / span).clamp(0.0, 1.0),
            Some(v) if v.is_finite() => 0.0,
            _ => f64::NAN,
        }
    }

    /// The power of ten of figures' unit where there are only `room` characters; `None` where they are written as
    /// they are.
    pub fn unit(&self, room: usize) -> Option<i32> {
        text::choose_unit(self.high, room).filter(|_| self.figure != Figure::Accuracy)
    }

    /// A value of the figure in at most `room` characters.
    pub fn text(&self, value: f64, room: usize) -> String {
        match self.unit(room) {
            Some(unit) => text::format_in_unit(value, unit, room),
            None => fit_number(value, room),
        }
    }

    /// The figure that tiles show, with the unit when they are written in one: `travelled ×0.01`.
    pub fn description(&self, room: usize, ascii: bool) -> String {
        let name = self.figure.name();
        match self.unit(room) {
            _ if self.figure == Figure::Accuracy => format!("{name} %"),
            // The usual figure needs no word.
            None if self.figure == Figure::default() => String::new(),
            unit => format!("{name}{}", text::format_unit(unit.unwrap_or(0), ascii)),
        }
    }
}

/// The figure of a control point; `None` where it is not known.
pub fn figure_value(figure: Figure, point: &ControlPoint, accuracy: Option<TileAccuracy>) -> Option<f64> {
    match figure {
        Figure::Travelled => Some(point.travelled).filter(|_| !point.corner),
        Figure::Accuracy => accuracy.map(|a| a.value),
        Figure::Gradient => Some(point.gradient).filter(|_| !point.corner),
    }
}

/// A quantity in at most `room` characters.
pub fn fit_number(value: f64, room: usize) -> String {
    let text = text::format_compact(value);
    if text.chars().count() <= room {
        return text;
    }
    // Without the zero before the point, then with fewer decimals.
    let bare = text.trim_start_matches('0');
    (1..=bare.chars().count())
        .rev()
        .map(|n| bare.chars().take(n).collect::<String>())
        .find(|t| t.len() <= room && t.parse::<f64>().is_ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scale(figure: Figure, high: f64) -> FigureSpan {
        FigureSpan { figure, low: 0.0, high }
    }

    #[test]
    fn two_characters_hold_two_digits_in_a_unit_that_is_told() {
        let s = scale(Figure::Travelled, 0.43);
        assert_eq!(s.description(2, false), "travelled ×0.01");
        assert_eq!([0.43, 0.102, 0.0].map(|v| s.text(v, 2)), ["43", "10", "0"]);
        let s = scale(Figure::Gradient, 0.999_999);
        assert_eq!((s.text(0.999_999, 2), s.description(2, true)), ("99".into(), "gradient x0.01".into()));
        let s = scale(Figure::Travelled, 12.7);
        assert_eq!((s.text(12.7, 2), s.description(2, false)), ("13".into(), "travelled".into()));
        let s = scale(Figure::Travelled, 3.2e-7);
        assert_eq!((s.text(3.2e-7, 3), s.description(3, false)), ("320".into(), "travelled ×1e-9".into()));
        // In wide tiles figures are written without a unit.
        let s = scale(Figure::Travelled, 0.43);
        assert_eq!((s.text(0.102, 5), s.description(5, false)), ("0.102".into(), String::new()));
        assert_eq!(s.text(f64::NAN, 2), "?");
        assert_eq!(scale(Figure::Accuracy, 0.9).description(2, false), "accuracy %");
    }

    #[test]
    fn equal_and_unknown_values_have_a_share_that_can_be_drawn() {
        let nothing = FigureSpan::of(Figure::Travelled, &[], &[]);
        assert_eq!(nothing.fraction(Some(0.0)), 0.0);
        assert!(nothing.fraction(None).is_nan() && nothing.unit(2).is_none());
        let accuracy = |value| Some(TileAccuracy { value, approximate: false });
        let point = |i| ControlPoint {
            i,
            j: 0,
            corner: false,
            frozen: false,
            travelled: f64::INFINITY,
            gradient: f64::NAN,
            gradients: Vec::new(),
            accuracy: None,
        };
        let points = [point(0), point(1)];
        let known = [accuracy(0.88), accuracy(0.881)];
        let s = FigureSpan::of(Figure::Accuracy, &points, &known);
        assert!((s.fraction(Some(0.88)) - 0.8).abs() < 1e-9, "noise is no landscape");
        assert_eq!(FigureSpan::of(Figure::Travelled, &points, &known).fraction(Some(f64::INFINITY)).to_string(), "NaN");
    }

    #[test]
    fn an_accuracy_of_the_nearest_cell_is_marked() {
        let near = TileAccuracy { value: 0.8743, approximate: true };
        assert_eq!(near.text(8, false), "≈87.43 %");
        assert_eq!((near.text(3, true), near.text(2, true)), ("~87".into(), String::new()));
        assert_eq!(TileAccuracy { approximate: false, ..near }.text(4, true), "87.4");
    }
}
