//! Pairwise distances in weight space as a matrix.

use super::axes::{DrawResult, draw_title, format_number, ticks};
use super::canvas::DrawableFigure;
use super::color_bar::ColorBar;
use super::control_points::format_quantity;
use super::style::*;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};
use surfit_core::colormap::Colormap;
use surfit_core::run_state::DistanceMatrix;

/// Distances between the corners, or between all control points.
pub struct DistancesFigure<'a> {
    /// Matrix of the distances.
    pub matrix: &'a DistanceMatrix,
    /// What they are distances between, and in which unit: the line below the title.
    pub subtitle: String,
    /// Colours of small and large distances.
    pub colormap: Colormap,
    /// Title of the figure.
    pub title: String,
}

/// Upper left of the matrix, and its side.
const MATRIX_LEFT: f64 = 72.0;
const MATRIX_TOP: f64 = 96.0;
const MATRIX_SIDE: f64 = 560.0;

impl DrawableFigure for DistancesFigure<'_> {
    fn size(&self) -> (u32, u32) {
        (780, 688)
    }

    fn draw<DB: DrawingBackend>(&self, area: &DrawingArea<DB, Shift>) -> DrawResult<DB> {
        draw_title(area, &self.title, &self.subtitle)?;
        let (names, most) = (&self.matrix.names, self.matrix.max_distance());
        let (count, cell) = (names.len(), self.cell_size());
        // Names that would overlap are omitted in turn.
        let every = ((14.0 / cell).ceil() as usize).max(1);
        for (n, name) in names.iter().enumerate().step_by(every) {
            let middle = cell * (n as f64 + 0.5);
            let style = text_style(11.0, MUTED_COLOR, HPos::Right, VPos::Center);
            area.draw_text(name, &style, (px(MATRIX_LEFT - 7.0), px(MATRIX_TOP + middle)))?;
            let wide = names.iter().map(|n| n.len()).max().unwrap_or(1) as f64 * 6.6 + 4.0;
            if n.is_multiple_of(((wide / cell).ceil() as usize).max(1)) {
                let style = text_style(11.0, MUTED_COLOR, HPos::Center, VPos::Bottom);
                area.draw_text(name, &style, (px(MATRIX_LEFT + middle), px(MATRIX_TOP - 6.0)))?;
            }
        }
        for (k, &value) in self.matrix.values.iter().enumerate() {
            self.draw_cell(area, (k / count, k % count), value, most)?;
        }
        let frame = [(px(MATRIX_LEFT), px(MATRIX_TOP)), (px(MATRIX_LEFT + MATRIX_SIDE), px(MATRIX_TOP + MATRIX_SIDE))];
        area.draw(&Rectangle::new(frame, line_style(AXIS_COLOR, 1.0)))?;
        if most <= 0.0 {
            return Ok(());
        }
        let shown = ticks(&(0.0..most), 7).into_iter();
        let bar = ColorBar {
            name: "distance",
            range: (0.0, most),
            ticks: shown.map(|t| (t, format_number(t))).collect(),
            color: &|v| self.color(v, most),
        };
        bar.draw(area, [MATRIX_LEFT + MATRIX_SIDE + 26.0, MATRIX_TOP, MATRIX_SIDE])
    }
}

impl DistancesFigure<'_> {
    fn cell_size(&self) -> f64 {
        MATRIX_SIDE / self.matrix.names.len().max(1) as f64
    }

    fn color(&self, value: f64, most: f64) -> (u8, u8, u8) {
        self.colormap.color_at((value / most).clamp(0.0, 1.0))
    }

    fn draw_cell<DB: DrawingBackend>(
        &self,
        area: &DrawingArea<DB, Shift>,
        (row, column): (usize, usize),
        value: f64,
        most: f64,
    ) -> DrawResult<DB> {
        let cell = self.cell_size();
        let edge = |k: usize| cell * k as f64;
        let corners = [
            (px(MATRIX_LEFT + edge(column)), px(MATRIX_TOP + edge(row))),
            (px(MATRIX_LEFT + edge(column + 1)), px(MATRIX_TOP + edge(row + 1))),
        ];
        // A point's distance to itself is always zero.
        let told = row != column && value.is_finite() && most > 0.0;
        let color = match told {
            true => self.color(value, most),
            false => (0xf0, 0xf1, 0xf3),
        };
        area.draw(&Rectangle::new(corners, fill_style(rgb(color))))?;
        if cell >= 28.0 {
            let style = text_style((cell * 0.24).clamp(8.0, 14.0), contrast_color(color), HPos::Center, VPos::Center);
            let label = match (row == column, value.is_finite()) {
                (true, _) => "·".into(),
                (_, false) => "?".into(),
                _ => format_quantity(value),
            };
            let middle = (px(MATRIX_LEFT + edge(column) + cell / 2.0), px(MATRIX_TOP + edge(row) + cell / 2.0));
            area.draw_text(&label, &style, middle)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_data;

    pub(super) fn matrix(count: usize) -> DistanceMatrix {
        let value = |k: usize| {
            let (a, b) = ((k / count) as f64, (k % count) as f64);
            (a - b).abs().sqrt() / 3.0
        };
        DistanceMatrix {
            names: (0..count).map(|n| format!("{}{}", n / 9, n % 9)).collect(),
            values: (0..count * count).map(value).collect(),
        }
    }

    #[test]
    fn matrices_of_every_size_are_drawn_and_unknown_ones_are_told() {
        for count in [1, 4, 16, 81] {
            let mut matrix = matrix(count);
            if count > 1 {
                matrix.values[1] = f64::NAN;
            }
            let figure = DistancesFigure {
                matrix: &matrix,
                subtitle: "between the corners".into(),
                colormap: Colormap::Viridis,
                title: "distances".into(),
            };
            let svg = figure.svg().unwrap();
            assert!(svg.contains("between the corners"));
            if count == 4 {
                assert!(svg.contains("\n0.333\n") && svg.contains("\n?\n"));
                test_data::check_png(&figure.png().unwrap(), (1560, 1376));
            }
        }
    }
}
