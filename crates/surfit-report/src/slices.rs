//! Slices of the surface through a point.

use super::axes::{AxesPanel, DrawResult, LegendMark, draw_header, draw_legend, format_trimmed, pad_range};
use super::canvas::{DrawableFigure, FigurePage};
use super::heatmap::quantity_label;
use super::style::*;
use plotters::prelude::*;
use surfit_core::heatmap::{CellQuantity, Heatmap, HeatmapStyle, Metric, SliceDirection};
use surfit_core::surface::Patch;

/// A metric, or what is made of it, in two directions through a point, with confidence intervals and the best corner for
/// comparison.
pub struct SliceFigure<'a> {
    pub heatmap: &'a Heatmap,
    /// The point `(u, v)`; the nearest grid point is taken.
    pub point: (f64, f64),
    pub metric: Metric,
    pub style: HeatmapStyle,
    pub directions: [SliceDirection; 2],
    pub title: String,
}

/// A cell on a slice: parameter, figure, and the ends of its interval where one is known.
struct SliceCell {
    parameter: f64,
    value: f64,
    interval: Option<(f64, f64)>,
    is_cursor: bool,
}

impl DrawableFigure for SliceFigure<'_> {
    fn size(&self) -> (u32, u32) {
        (1000, 400)
    }

    fn draw<DB: DrawingBackend>(&self, page: &FigurePage<'_, DB>) -> DrawResult<DB> {
        let header = draw_header(page, &self.title, &self.subtitle())?;
        let halves = self.directions.map(|along| (self.slice_cells(along), self.axis_label(along), along));
        let reference = self.reference_value();
        let ends = |c: &SliceCell| {
            let (low, high) = c.interval.unwrap_or((c.value, c.value));
            [low, high]
        };
        let all = halves.iter().flat_map(|h| h.0.iter().flat_map(ends)).chain(reference);
        let (low, high) = all.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), x| (l.min(x), h.max(x)));
        let y = match (low <= high, self.metric.is_percent()) {
            (true, _) => pad_range(low, high, 0.08),
            (false, true) => 0.0..100.0,
            (false, false) => 0.0..1.0,
        };
        // Along `v` a curve has nothing to show.
        let count = if self.heatmap.patch == Patch::Curve { 1 } else { 2 };
        // Above each other where side by side they would be narrow.
        let (columns, rows) = if page.width < 1.2 * page.height { (1, count) } else { (count, 1) };
        let width = (page.width - 20.0) / f64::from(columns);
        let height = (page.height - header) / f64::from(rows);
        for ((cuts, name, along), n) in halves.iter().zip(0..count) {
            let (left, top) = (20.0 + width * f64::from(n % columns), header + height * f64::from(n / columns));
            let bottom = top + height - page.length(54.0, 44.0);
            let panel = AxesPanel {
                frame: [left + 40.0, top + 34.0, left + width - 34.0, bottom].map(px),
                x: self.parameter_range(*along),
                y: y.clone(),
                log_y: false,
            };
            self.draw_panel(page, &panel, cuts, name, reference)?;
        }
        Ok(())
    }
}

impl SliceFigure<'_> {
    fn subtitle(&self) -> String {
        let name = self.metric.name();
        let known = self.heatmap.cells.iter().any(|c| c.interval(self.metric).is_some());
        match self.style.quantity {
            CellQuantity::Value if known => format!("validation {name} with its 95 % interval"),
            CellQuantity::Value => format!("validation {name}"),
            CellQuantity::Gain if known => {
                format!("validation {name} less the best corner's, with its 95 % interval")
            }
            CellQuantity::Gain => format!("validation {name} less the best corner's"),
            CellQuantity::Width => {
                format!("half the width of the 95 % interval of the validation {name}")
            }
        }
    }

    fn center_cell(&self) -> (usize, usize) {
        let nearest = self.heatmap.nearest_cell(self.point.0, self.point.1);
        (nearest / self.heatmap.grid, nearest % self.heatmap.grid)
    }

    /// The parameter along a slice, `u` along a diagonal.
    fn parameter(&self, along: SliceDirection, index: usize) -> f64 {
        let (u, v) = self.heatmap.parameters(index);
        if along == SliceDirection::V { v } else { u }
    }

    /// The ends of what is seen along a slice.
    fn parameter_range(&self, along: SliceDirection) -> std::ops::Range<f64> {
        let [u, v] = self.style.part.unwrap_or([(0.0, 1.0); 2]);
        let (from, to) = if along == SliceDirection::V { v } else { u };
        from..to.max(from + 1e-9)
    }

    fn axis_label(&self, along: SliceDirection) -> String {
        let place = |x: f64| format_trimmed((x * 1000.0).round() / 1000.0);
        let (a, b) = self.center_cell();
        let (u, v) = self.heatmap.parameters(a * self.heatmap.grid + b);
        match along {
            SliceDirection::U if self.heatmap.patch == Patch::Curve => "u".into(),
            SliceDirection::U => format!("u, at v = {}", place(v)),
            SliceDirection::V => format!("v, at u = {}", place(u)),
            SliceDirection::Rising => {
                format!("u, with v rising through ({}, {})", place(u), place(v))
            }
            SliceDirection::Falling => {
                format!("u, with v falling through ({}, {})", place(u), place(v))
            }
        }
    }

    fn slice_cells(&self, along: SliceDirection) -> Vec<SliceCell> {
        let (a, b) = self.center_cell();
        let (here, grid) = (a * self.heatmap.grid + b, self.heatmap.grid);
        let ((first_u, first_v), count) = self.style.visible_cells(grid);
        let seen = |i: &usize| {
            let inside = |at: usize, first: usize| (first..first + count).contains(&at);
            let curve = self.heatmap.patch == Patch::Curve;
            inside(i / grid, first_u) && (curve || inside(i % grid, first_v))
        };
        let unit = self.metric.written_scale();
        let cut = |index: usize| {
            let cell = &self.heatmap.cells[index];
            let value = self.style.quantity.value_of(self.metric, cell, self.style.corner)?;
            let shift = value - cell.value(self.metric)?;
            let interval = cell.interval(self.metric);
            let interval = interval.filter(|_| self.style.quantity != CellQuantity::Width);
            Some(SliceCell {
                parameter: self.parameter(along, index),
                value: unit * value,
                interval: interval.map(|(low, high)| (unit * (low + shift), unit * (high + shift))),
                is_cursor: index == here,
            })
        };
        let cells = self.heatmap.slice_cells((a, b), along).into_iter();
        cells.filter(seen).filter_map(cut).collect()
    }

    /// The best corner's figure.
    fn reference_value(&self) -> Option<f64> {
        let unit = self.metric.written_scale();
        match self.style.quantity {
            CellQuantity::Width => None,
            CellQuantity::Gain => Some(0.0),
            CellQuantity::Value => {
                let cells = self.heatmap.corner_cells().into_iter();
                let values = cells.filter_map(|i| self.heatmap.cells[i].value(self.metric));
                self.metric.best_value(values).map(|b| unit * b)
            }
        }
    }

    fn draw_panel<DB: DrawingBackend>(
        &self,
        page: &FigurePage<'_, DB>,
        panel: &AxesPanel,
        cuts: &[SliceCell],
        name: &str,
        reference: Option<f64>,
    ) -> DrawResult<DB> {
        let unit = quantity_label(self.metric, self.style.quantity);
        panel.draw_axes(page, (name, &unit), &|_, label| label)?;
        let bands = cuts.iter().filter_map(|c| c.interval.map(|(l, h)| (c.parameter, l, h)));
        panel.draw_band(page, &bands.collect::<Vec<_>>(), page.theme.surface.mix(0.16))?;
        if let Some(reference) = reference {
            panel.draw_level(page, reference, page.theme.reference)?;
        }
        let points = cuts.iter().map(|c| (c.parameter, c.value));
        panel.draw_curve(page, points, line_style(page.theme.surface, 2.0))?;
        // When they would touch, only the line is drawn.
        let few = cuts.len() <= 60;
        for cut in cuts {
            let at = panel.pixel_at(cut.parameter, cut.value);
            if few {
                page.draw(&Circle::new(at, px(3.6), fill_style(page.theme.background)))?;
                page.draw(&Circle::new(at, px(2.6), fill_style(page.theme.surface)))?;
            }
            if cut.is_cursor {
                page.draw(&Circle::new(at, px(6.0), line_style(page.theme.text, 1.6)))?;
            }
        }
        let mut entries = vec![(LegendMark::Line(line_style(page.theme.surface, 2.0)), "surface".to_owned())];
        if reference.is_some() {
            entries.push((LegendMark::Dashes(page.theme.reference), "best corner".to_owned()));
        }
        let [left, top, right, _] = panel.frame;
        draw_legend(page, (left + px(80.0), top - px(15.0)), right, &entries).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_data;

    fn figure(heatmap: &Heatmap) -> SliceFigure<'_> {
        SliceFigure {
            heatmap,
            point: (0.31, 0.7),
            metric: Metric::ACCURACY,
            style: HeatmapStyle::default(),
            directions: SliceDirection::AXES,
            title: "s".into(),
        }
    }

    #[test]
    fn svg_says_where_the_slices_are() {
        let heatmap = test_data::heatmap(11);
        let svg = figure(&heatmap).svg().unwrap();
        assert!(svg.contains("u, at v = 0.7") && svg.contains("v, at u = 0.3"));
        assert!(svg.contains("best corner"));
    }

    #[test]
    fn metric_quantity_direction_and_part_are_those_that_are_looked_at() {
        let heatmap = test_data::heatmap(11);
        let diagonals = SliceFigure { metric: Metric::LOSS, directions: SliceDirection::DIAGONALS, ..figure(&heatmap) };
        let svg = diagonals.svg().unwrap();
        assert!(svg.contains("u, with v rising through (0.3, 0.7)") && svg.contains("loss, nats"));
        let gain = SliceFigure {
            style: HeatmapStyle {
                quantity: CellQuantity::Gain,
                corner: 0.85,
                part: Some([(0.2, 0.6), (0.5, 0.9)]),
                ..HeatmapStyle::default()
            },
            ..figure(&heatmap)
        };
        assert_eq!((gain.slice_cells(SliceDirection::U).len(), gain.slice_cells(SliceDirection::V).len()), (5, 5));
        let middle = heatmap.cells[3 * 11 + 7].accuracy().unwrap();
        let here = gain.slice_cells(SliceDirection::U).into_iter().find(|c| c.is_cursor).unwrap();
        assert!((here.value - 100.0 * (middle - 0.85)).abs() < 1e-9);
        assert!(gain.svg().unwrap().contains("points"));
    }

    #[test]
    fn an_unmeasured_surface_has_empty_axes() {
        let heatmap = Heatmap::new(surfit_core::surface::Patch::Square, 3);
        figure(&heatmap).png().unwrap();
    }
}
