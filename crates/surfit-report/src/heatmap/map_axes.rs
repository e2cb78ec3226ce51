//! The axes and the colour bar of a heatmap, and the star on it.

use super::{FieldMap, MapPlacement, round_thousandths};
use crate::axes::{DrawResult, format_number};
use crate::color_bar::ColorBar;
use crate::style::*;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};
use surfit_core::surface::Patch;

impl FieldMap<'_> {
    /// Draws the frame, its ticks and the names of both parameters.
    pub(super) fn draw_axes<DB: DrawingBackend>(&self, area: &DrawingArea<DB, Shift>) -> DrawResult<DB> {
        let place = self.placement;
        let (left, top, side) = (px(place.left), px(place.top), px(place.side));
        let frame = [(left, top), (left + side, top + side)];
        area.draw(&Rectangle::new(frame, line_style(AXIS_COLOR, 1.0)))?;
        // A cell is drawn around its point, so 0 and 1 lie half a cell inside the frame.
        let half = place.side / self.visible_cells() as f64 / 2.0;
        let [(left_u, right_u), (low_v, high_v)] = self.style.part.unwrap_or([(0.0, 1.0); 2]);
        let at = |t: f64| px(half + t * (place.side - 2.0 * half));
        for t in [0.0, 0.25, 0.5, 0.75, 1.0] {
            let (x, y) = (left + at(t), top + side - at(t));
            let (low, tick) = (top + side, px(4.0));
            area.draw(&PathElement::new([(x, low), (x, low + tick)], line_style(AXIS_COLOR, 1.0)))?;
            let style = text_style(11.0, MUTED_COLOR, HPos::Center, VPos::Top);
            let u = round_thousandths(left_u + t * (right_u - left_u));
            area.draw_text(&format_number(u), &style, (x, low + px(6.0)))?;
            if self.heatmap.patch == Patch::Curve {
                continue;
            }
            area.draw(&PathElement::new([(left - tick, y), (left, y)], line_style(AXIS_COLOR, 1.0)))?;
            let style = text_style(11.0, MUTED_COLOR, HPos::Right, VPos::Center);
            let v = round_thousandths(low_v + t * (high_v - low_v));
            area.draw_text(&format_number(v), &style, (left - px(7.0), y))?;
        }
        let style = text_style(13.0, TEXT_COLOR, HPos::Center, VPos::Top);
        area.draw_text("u", &style, (left + side / 2, top + side + px(24.0)))?;
        if self.heatmap.patch == Patch::Curve {
            return Ok(());
        }
        let style = text_style(13.0, TEXT_COLOR, HPos::Center, VPos::Center);
        area.draw_text("v", &style, (left - px(46.0), top + side / 2))
    }

    /// Area of the colour bar: left, top, height.
    pub fn bar_position(&self) -> [f64; 3] {
        let MapPlacement { left, top, side } = self.placement;
        [left + side + 26.0, top, side]
    }

    /// Draws the colour bar, with its name over it.
    pub fn draw_color_bar<DB: DrawingBackend>(
        &self,
        area: &DrawingArea<DB, Shift>,
        name: &str,
        place: [f64; 3],
    ) -> DrawResult<DB> {
        let (low, high) = self.color_range();
        let bar = ColorBar {
            name,
            range: (low, high),
            ticks: self.bar_ticks(low, high),
            color: &|value| self.color(value, low, high),
        };
        bar.draw(area, place)
    }
}

/// A five-pointed star, white with a dark rim, readable on any colour.
pub(crate) fn draw_star<DB: DrawingBackend>(
    area: &DrawingArea<DB, Shift>,
    (x, y): (i32, i32),
    radius: f64,
) -> DrawResult<DB> {
    for (radius, color) in [(radius, TEXT_COLOR), (radius - 3.0, WHITE)] {
        let points = (0..10).map(|k| {
            let angle = std::f64::consts::PI * (f64::from(k) / 5.0 - 0.5);
            let r = if k % 2 == 0 { radius } else { radius * 0.48 };
            (x + px(r * angle.cos()), y + px(r * angle.sin()))
        });
        area.draw(&Polygon::new(points.collect::<Vec<_>>(), fill_style(color)))?;
    }
    Ok(())
}
