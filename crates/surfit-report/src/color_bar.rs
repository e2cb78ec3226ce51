//! A colour bar with its figures.

use super::axes::DrawResult;
use super::style::*;
use crate::canvas::FigurePage;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

pub struct ColorBar<'a> {
    /// Its name, with the unit.
    pub name: &'a str,
    pub range: (f64, f64),
    pub ticks: Vec<(f64, String)>,
    pub color: &'a dyn Fn(f64) -> (u8, u8, u8),
}

impl ColorBar<'_> {
    /// Draws it; left, top and height in nominal points.
    pub fn draw<DB: DrawingBackend>(&self, page: &FigurePage<'_, DB>, [left, top, height]: [f64; 3]) -> DrawResult<DB> {
        let (low, high) = self.range;
        let (left, top, width, side) = (px(left), px(top), px(18.0), px(height));
        let steps = 256;
        for k in 0..steps {
            let edge = |k: i32| top + side - side * k / steps;
            let value = low + (high - low) * (f64::from(k) + 0.5) / f64::from(steps);
            let corners = [(left, edge(k + 1)), (left + width, edge(k))];
            page.draw(&Rectangle::new(corners, fill_style(rgb((self.color)(value)))))?;
        }
        page.draw(&Rectangle::new([(left, top), (left + width, top + side)], line_style(page.theme.axis, 1.0)))?;
        for (value, label) in &self.ticks {
            let t = (value - low) / (high - low);
            let y = top + side - (t * f64::from(side)).round() as i32;
            let right = left + width;
            page.draw(&PathElement::new([(right, y), (right + px(4.0), y)], line_style(page.theme.axis, 1.0)))?;
            let style = text_style(11.0, page.theme.muted, HPos::Left, VPos::Center);
            page.draw_text(label, &style, (right + px(7.0), y))?;
        }
        let style = text_style(11.5, page.theme.text, HPos::Left, VPos::Bottom);
        page.draw_text(self.name, &style, (left, top - px(6.0)))
    }
}
