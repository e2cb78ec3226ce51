//! The axes and the colour bar of a heatmap, and the star on it.

use super::{FieldMap, MapPlacement, round_thousandths};
use crate::axes::{DrawResult, format_trimmed};
use crate::canvas::FigurePage;
use crate::color_bar::ColorBar;
use crate::style::*;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};
use surfit_core::surface::Patch;

/// Shares of an axis that have figures.
const QUARTERS: [f64; 5] = [0.0, 0.25, 0.5, 0.75, 1.0];

impl FieldMap<'_> {
    /// Draws the frame, its ticks and the names of both parameters.
    pub(super) fn draw_axes<DB: DrawingBackend>(&self, page: &FigurePage<'_, DB>) -> DrawResult<DB> {
        let place = self.placement;
        let (left, top) = (px(place.left), px(place.top));
        let (right, bottom) = (left + px(place.width), top + px(place.height));
        let frame = [(left, top), (right, bottom)];
        page.draw(&Rectangle::new(frame, line_style(page.theme.axis, 1.0)))?;
        // A cell is drawn around its point, so 0 and 1 lie half a cell inside the frame.
        let (width, height) = self.cell_size();
        let [(left_u, right_u), (low_v, high_v)] = self.style.part.unwrap_or([(0.0, 1.0); 2]);
        let at = |t: f64, side: f64, cell: f64| px(cell / 2.0 + t * (side - cell));
        let tick = px(4.0);
        // Where there is little room, ends and middle have figures.
        let step = |side: f64, least: f64| if side < least { 2 } else { 1 };
        for t in QUARTERS.into_iter().step_by(step(place.width, 170.0)) {
            let x = left + at(t, place.width, width);
            page.draw(&PathElement::new([(x, bottom), (x, bottom + tick)], line_style(page.theme.axis, 1.0)))?;
            let style = text_style(11.0, page.theme.muted, HPos::Center, VPos::Top);
            let u = round_thousandths(left_u + t * (right_u - left_u));
            page.draw_text(&format_trimmed(u), &style, (x, bottom + px(6.0)))?;
        }
        let style = text_style(13.0, page.theme.text, HPos::Center, VPos::Top);
        page.draw_text("u", &style, ((left + right) / 2, bottom + px(24.0)))?;
        if self.heatmap.patch == Patch::Curve || place.bare_v {
            return Ok(());
        }
        for t in QUARTERS.into_iter().step_by(step(place.height, 80.0)) {
            let y = bottom - at(t, place.height, height);
            page.draw(&PathElement::new([(left - tick, y), (left, y)], line_style(page.theme.axis, 1.0)))?;
            let style = text_style(11.0, page.theme.muted, HPos::Right, VPos::Center);
            let v = round_thousandths(low_v + t * (high_v - low_v));
            page.draw_text(&format_trimmed(v), &style, (left - px(7.0), y))?;
        }
        let style = text_style(13.0, page.theme.text, HPos::Center, VPos::Center);
        page.draw_text("v", &style, (left - px(46.0), (top + bottom) / 2))
    }

    /// Area of the colour bar: left, top, height.
    pub fn bar_position(&self) -> [f64; 3] {
        let MapPlacement { left, top, width, height, .. } = self.placement;
        [left + width + 26.0, top, height]
    }

    /// Draws the colour bar, with its name over it.
    pub fn draw_color_bar<DB: DrawingBackend>(
        &self,
        page: &FigurePage<'_, DB>,
        name: &str,
        place: [f64; 3],
    ) -> DrawResult<DB> {
        let (low, high) = self.color_range();
        let bar = ColorBar {
            name,
            range: (low, high),
            ticks: self.bar_labels(),
            color: &|value| self.color(value, low, high),
        };
        bar.draw(page, place)
    }
}

/// A five-pointed star, white with a dark rim, readable on any colour.
pub(crate) fn draw_star<DB: DrawingBackend>(
    page: &FigurePage<'_, DB>,
    (x, y): (i32, i32),
    radius: f64,
) -> DrawResult<DB> {
    for (radius, color) in [(radius, DARK_INK), (radius - 3.0, WHITE)] {
        let points = (0..10).map(|k| {
            let angle = std::f64::consts::PI * (f64::from(k) / 5.0 - 0.5);
            let r = if k % 2 == 0 { radius } else { radius * 0.48 };
            (x + px(r * angle.cos()), y + px(r * angle.sin()))
        });
        page.draw(&Polygon::new(points.collect::<Vec<_>>(), fill_style(color)))?;
    }
    Ok(())
}
