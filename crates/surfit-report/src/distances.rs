//! Pairwise distances in weight space as a matrix.

use super::axes::{DrawResult, axis_scale, draw_header};
use super::canvas::{DrawableFigure, FigurePage};
use super::color_bar::ColorBar;
use super::control_points::format_quantity;
use super::style::*;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};
use surfit_core::colormap::Colormap;
use surfit_core::run_state::DistanceMatrix;

/// Distances between the corners, or between all control points.
pub struct DistancesFigure {
    /// Matrix of the distances.
    pub matrix: DistanceMatrix,
    /// What they are distances between, and in which unit: the line below the title.
    pub subtitle: String,
    pub colormap: Colormap,
    pub title: String,
}

impl DrawableFigure for DistancesFigure {
    fn size(&self) -> (u32, u32) {
        (780, 688)
    }

    fn draw<DB: DrawingBackend>(&self, page: &FigurePage<'_, DB>) -> DrawResult<DB> {
        let header = draw_header(page, &self.title, &self.subtitle)?;
        let (left, top) = (72.0, header + page.length(36.0, 22.0));
        let (width, height) = ((page.width - 220.0).max(20.0), (page.height - top - page.length(32.0, 12.0)).max(20.0));
        let (names, most) = (&self.matrix.names, self.matrix.max_distance());
        let count = names.len();
        let cell = (width / count.max(1) as f64, height / count.max(1) as f64);
        // Names that would overlap are omitted in turn.
        let every = |room: f64, cell: f64| ((room / cell).ceil() as usize).max(1);
        let wide = names.iter().map(|n| n.len()).max().unwrap_or(1) as f64 * 6.6 + 4.0;
        for (n, name) in names.iter().enumerate() {
            let middle = n as f64 + 0.5;
            if n.is_multiple_of(every(14.0, cell.1)) {
                let style = text_style(11.0, page.theme.muted, HPos::Right, VPos::Center);
                page.draw_text(name, &style, (px(left - 7.0), px(top + cell.1 * middle)))?;
            }
            if n.is_multiple_of(every(wide, cell.0)) {
                let style = text_style(11.0, page.theme.muted, HPos::Center, VPos::Bottom);
                page.draw_text(name, &style, (px(left + cell.0 * middle), px(top - 6.0)))?;
            }
        }
        for (k, &value) in self.matrix.values.iter().enumerate() {
            let (row, column) = (k / count, k % count);
            let edge = |row: usize, column: usize| (px(left + cell.0 * column as f64), px(top + cell.1 * row as f64));
            let corners = [edge(row, column), edge(row + 1, column + 1)];
            self.draw_cell(page, corners, cell, Some(value).filter(|_| row != column), most)?;
        }
        let frame = [(px(left), px(top)), (px(left + width), px(top + height))];
        page.draw(&Rectangle::new(frame, line_style(page.theme.axis, 1.0)))?;
        if most <= 0.0 {
            return Ok(());
        }
        let bar = ColorBar {
            name: "distance",
            range: (0.0, most),
            ticks: axis_scale(&(0.0..most), false).ticks(7),
            color: &|v| self.color(v, most),
        };
        bar.draw(page, [left + width + 26.0, top, height])
    }
}

impl DistancesFigure {
    fn color(&self, value: f64, most: f64) -> (u8, u8, u8) {
        self.colormap.color_at((value / most).clamp(0.0, 1.0))
    }

    /// Draws a cell; one without a value is a point's distance to itself, which is always zero.
    fn draw_cell<DB: DrawingBackend>(
        &self,
        page: &FigurePage<'_, DB>,
        corners: [(i32, i32); 2],
        (width, height): (f64, f64),
        value: Option<f64>,
        most: f64,
    ) -> DrawResult<DB> {
        let known = value.filter(|v| v.is_finite() && most > 0.0);
        let blank = page.theme.blank;
        let color = known.map_or((blank.0, blank.1, blank.2), |value| self.color(value, most));
        page.draw(&Rectangle::new(corners, fill_style(rgb(color))))?;
        if width < 28.0 || height < 16.0 {
            return Ok(());
        }
        let size = (0.24 * width.min(2.0 * height)).clamp(8.0, 14.0);
        let ink = if known.is_some() { contrast_color(color) } else { page.theme.muted };
        let label = match value {
            None => "·".into(),
            Some(value) if value.is_finite() => format_quantity(value),
            Some(_) => "?".into(),
        };
        let [(x0, y0), (x1, y1)] = corners;
        let style = text_style(size, ink, HPos::Center, VPos::Center);
        page.draw_text(&label, &style, ((x0 + x1) / 2, (y0 + y1) / 2))
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
                matrix: matrix.clone(),
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
