//! A figure of all variants of a study.

use super::VariantOutcome;
use crate::axes::{AxesPanel, DrawResult, axis_scale, draw_header, pad_range};
use crate::canvas::{DrawableFigure, FigurePage};
use crate::heatmap::draw_star;
use crate::style::*;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

/// Every variant in a row: worst point, interior and best point on validation, with the corners' mean for comparison.
pub(super) struct VariantsFigure<'a> {
    pub outcomes: &'a [&'a VariantOutcome<'a>],
    pub title: &'a str,
}

const ROW_HEIGHT: f64 = 30.0;
const ROWS_LEFT: f64 = 270.0;
const ROWS_TOP: f64 = 96.0;

impl DrawableFigure for VariantsFigure<'_> {
    fn size(&self) -> (u32, u32) {
        (900, (ROWS_TOP + ROW_HEIGHT * self.outcomes.len() as f64 + 60.0) as u32)
    }

    fn draw<DB: DrawingBackend>(&self, page: &FigurePage<'_, DB>) -> DrawResult<DB> {
        draw_header(
            page,
            self.title,
            "validation accuracy, %: line for the corners, ring for the worst point, dot for the interior, star for the best; bars are standard deviations",
        )?;
        let marks = ["corners, validation", "worst point", "interior", "best point, validation"];
        let all = self.outcomes.iter().flat_map(|o| marks.iter().filter_map(|m| o.mean_deviation(m)));
        let (low, high) = all.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), s| {
            (l.min(100.0 * (s.mean - s.deviation)), h.max(100.0 * (s.mean + s.deviation)))
        });
        let bottom = ROWS_TOP + ROW_HEIGHT * self.outcomes.len() as f64;
        let panel = AxesPanel {
            frame: [ROWS_LEFT, ROWS_TOP, 870.0, bottom].map(px),
            x: pad_range(low, high, 0.04),
            y: 0.0..1.0,
            log_y: false,
        };
        for (value, label) in axis_scale(&panel.x, false).ticks(8) {
            let x = panel.pixel_at(value, 0.0).0;
            page.draw(&PathElement::new([(x, px(ROWS_TOP)), (x, px(bottom))], line_style(page.theme.grid, 0.8)))?;
            let style = text_style(11.0, page.theme.muted, HPos::Center, VPos::Top);
            page.draw_text(&label, &style, (x, px(bottom + 8.0)))?;
        }
        for (row, outcome) in self.outcomes.iter().enumerate() {
            let y = px(ROWS_TOP + ROW_HEIGHT * (row as f64 + 0.5));
            let style = text_style(11.5, page.theme.text, HPos::Right, VPos::Center);
            page.draw_text(&outcome.variant.title, &style, (px(ROWS_LEFT - 12.0), y))?;
            self.draw_marks(page, &panel, outcome, y)?;
        }
        Ok(())
    }
}

impl VariantsFigure<'_> {
    fn draw_marks<DB: DrawingBackend>(
        &self,
        page: &FigurePage<'_, DB>,
        panel: &AxesPanel,
        outcome: &VariantOutcome,
        y: i32,
    ) -> DrawResult<DB> {
        let x = |value: f64| panel.pixel_at(100.0 * value, 0.0).0;
        if let Some(s) = outcome.mean_deviation("corners, validation") {
            let here = x(s.mean);
            page.draw(&PathElement::new(
                [(here, y - px(10.0)), (here, y + px(10.0))],
                line_style(page.theme.reference, 2.0),
            ))?;
        }
        for (name, color) in [
            ("worst point", page.theme.muted),
            ("interior", page.theme.surface),
            ("best point, validation", page.theme.validation),
        ] {
            let Some(s) = outcome.mean_deviation(name) else {
                continue;
            };
            let ends = [(x(s.mean - s.deviation), y), (x(s.mean + s.deviation), y)];
            page.draw(&PathElement::new(ends, line_style(color.mix(0.6), 3.0)))?;
            let here = (x(s.mean), y);
            match name {
                "worst point" => {
                    page.draw(&Circle::new(here, px(4.6), fill_style(color)))?;
                    page.draw(&Circle::new(here, px(3.0), fill_style(page.theme.background)))?;
                }
                "interior" => page.draw(&Circle::new(here, px(4.6), fill_style(color)))?,
                _ => draw_star(page, here, 8.0)?,
            }
        }
        Ok(())
    }
}
