//! The markers on a relief: the numbers of the corners and the star of the best cell, and whether they are seen.

use super::PlacedRelief;
use crate::axes::DrawResult;
use crate::canvas::FigurePage;
use crate::heatmap::draw_star;
use crate::style::*;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};
use surfit_core::projection::ProjectedPoint;

impl PlacedRelief<'_, '_> {
    /// True when the surface hides the point over a cell.
    pub(super) fn is_hidden(&self, cell: (usize, usize)) -> bool {
        let spot = |(a, b): (usize, usize)| {
            let value = self.field.get(a, b)?;
            let (s, t) = self.floor_position(a as f64, b as f64);
            Some(self.projection.project(s, t, self.normalized_height(value)))
        };
        let Some(point) = spot(cell) else {
            return false;
        };
        let before = |half: [(usize, usize); 3]| {
            let [Some(p), Some(q), Some(r)] = half.map(spot) else {
                return false;
            };
            let area = (q.x - p.x) * (r.y - p.y) - (r.x - p.x) * (q.y - p.y);
            let share = |from: ProjectedPoint, to: ProjectedPoint| {
                ((to.x - from.x) * (point.y - from.y) - (to.y - from.y) * (point.x - from.x)) / area
            };
            let (wp, wq, wr) = (share(q, r), share(r, p), share(p, q));
            let inside = area.abs() > 1e-9 && wp.min(wq).min(wr) >= 0.0;
            inside && wp * p.depth + wq * q.depth + wr * r.depth < point.depth - 0.02
        };
        self.cells_back_to_front()
            .into_iter()
            .any(|(a, b)| before([(a, b), (a + 1, b), (a, b + 1)]) || before([(a + 1, b + 1), (a, b + 1), (a + 1, b)]))
    }

    /// The numbers of the corners, and a star over the best cell.
    pub(super) fn draw_markers<DB: DrawingBackend>(&self, page: &FigurePage<'_, DB>) -> DrawResult<DB> {
        let heatmap = self.map.heatmap;
        let over = |index: usize| {
            let (a, b) = (index / heatmap.grid, index % heatmap.grid);
            let value = self.field.get(a, b).filter(|_| self.map.is_visible(index))?;
            Some(self.pixel(a as f64, b as f64, value))
        };
        for (number, index) in heatmap.corner_cells().into_iter().enumerate() {
            let Some((x, y)) = over(index) else { continue };
            // A corner behind a hill is still marked, but faintly.
            let hidden = self.is_hidden((index / heatmap.grid, index % heatmap.grid));
            let ink = if hidden { page.theme.axis } else { DARK_INK };
            let ground = if hidden { 0.55 } else { 1.0 };
            let at = (x, y - px(15.0));
            page.draw(&PathElement::new([(x, y), at], line_style(page.theme.text.mix(ground), 1.0)))?;
            page.draw(&Circle::new(at, px(7.5), fill_style(WHITE.mix(ground))))?;
            page.draw(&Circle::new(at, px(7.5), line_style(ink, 1.0)))?;
            let style = bold_style(10.0, ink, HPos::Center, VPos::Center);
            page.draw_text(&(number + 1).to_string(), &style, at)?;
        }
        if let Some((x, y)) = self.map.best_cell().and_then(over) {
            draw_star(page, (x, y), 10.0)?;
        }
        Ok(())
    }
}
