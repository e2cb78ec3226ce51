//! Slices of the surface through a point.

use super::axes::{Drawn, Mark, Panel, key, padded, plain, title};
use super::canvas::Figure;
use super::style::*;
use plotters::coord::Shift;
use plotters::prelude::*;
use surfit_core::heatmap::{Heatmap, Metric};
use surfit_core::surface::Patch;

/// Accuracy along `u` and along `v` through a point, with confidence intervals and the best corner for comparison.
pub struct SliceFigure<'a> {
    /// The measured surface.
    pub heatmap: &'a Heatmap,
    /// The point `(u, v)`; the nearest grid point is taken.
    pub at: (f64, f64),
    /// Title of the figure.
    pub title: String,
}

/// A cell on a slice: parameter, accuracy and its interval in percent.
type Cut = (f64, f64, f64, f64);

impl Figure for SliceFigure<'_> {
    fn size(&self) -> (u32, u32) {
        (1000, 400)
    }

    fn draw<DB: DrawingBackend>(&self, area: &DrawingArea<DB, Shift>) -> Drawn<DB> {
        title(
            area,
            &self.title,
            "validation accuracy with its 95 % interval",
        )?;
        let g = self.heatmap.grid;
        let nearest = self.heatmap.nearest(self.at.0, self.at.1);
        let (a, b) = (nearest / g, nearest % g);
        let (u, v) = self.heatmap.parameters(nearest);
        let along_u: Vec<Cut> = (0..g).filter_map(|k| self.cut(k, k * g + b)).collect();
        let along_v: Vec<Cut> = (0..g).filter_map(|k| self.cut(k, a * g + k)).collect();
        let corner = self.corner();
        let all = along_u
            .iter()
            .chain(&along_v)
            .flat_map(|c| [c.2, c.3])
            .chain(corner);
        let (low, high) = all.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), x| {
            (l.min(x), h.max(x))
        });
        let y = if low <= high {
            padded(low, high, 0.08)
        } else {
            0.0..100.0
        };
        let place = |x: f64| plain((x * 1000.0).round() / 1000.0);
        let halves = [
            (20.0, along_u, u, format!("u, at v = {}", place(v))),
            (510.0, along_v, v, format!("v, at u = {}", place(u))),
        ];
        // Along `v` a curve has nothing to show.
        let shown = if self.heatmap.patch == Patch::Curve {
            1
        } else {
            2
        };
        for (left, cuts, here, name) in halves.into_iter().take(shown) {
            let frame = [left + 40.0, 94.0, left + 456.0, 346.0].map(px);
            let panel = Panel {
                frame,
                x: 0.0..1.0,
                y: y.clone(),
                log: false,
            };
            self.panel(area, &panel, &cuts, here, &name, corner)?;
        }
        Ok(())
    }
}

impl SliceFigure<'_> {
    fn cut(&self, k: usize, index: usize) -> Option<Cut> {
        let cell = &self.heatmap.cells[index];
        let (low, high) = cell.interval()?;
        let t = k as f64 / (self.heatmap.grid - 1) as f64;
        Some((t, 100.0 * cell.accuracy()?, 100.0 * low, 100.0 * high))
    }

    /// The best corner's accuracy in percent.
    fn corner(&self) -> Option<f64> {
        let corners = self.heatmap.corners().into_iter();
        corners
            .filter_map(|i| Metric::Accuracy.of(&self.heatmap.cells[i]))
            .max_by(f64::total_cmp)
            .map(|a| 100.0 * a)
    }

    fn panel<DB: DrawingBackend>(
        &self,
        area: &DrawingArea<DB, Shift>,
        panel: &Panel,
        cuts: &[Cut],
        here: f64,
        name: &str,
        corner: Option<f64>,
    ) -> Drawn<DB> {
        panel.axes(area, (name, "accuracy, %"), (&plain, &plain))?;
        let band: Vec<_> = cuts.iter().map(|c| (c.0, c.2, c.3)).collect();
        panel.band(area, &band, SURFACE.mix(0.16))?;
        if let Some(corner) = corner {
            panel.level(area, corner, REFERENCE)?;
        }
        panel.curve(area, cuts.iter().map(|c| (c.0, c.1)), line(SURFACE, 2.0))?;
        for cut in cuts {
            let at = panel.at(cut.0, cut.1);
            area.draw(&Circle::new(at, px(3.6), fill(WHITE)))?;
            area.draw(&Circle::new(at, px(2.6), fill(SURFACE)))?;
            if (cut.0 - here).abs() < 1e-9 {
                area.draw(&Circle::new(at, px(6.0), line(INK, 1.6)))?;
            }
        }
        let mut entries = vec![(Mark::Line(line(SURFACE, 2.0)), "surface".to_owned())];
        if corner.is_some() {
            entries.push((Mark::Dashes(REFERENCE), "best corner".to_owned()));
        }
        key(
            area,
            (panel.frame[0] + px(60.0), panel.frame[1] - px(15.0)),
            &entries,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn svg_says_where_the_slices_are() {
        let heatmap = sample::heatmap(11);
        let svg = SliceFigure {
            heatmap: &heatmap,
            at: (0.31, 0.7),
            title: "s".into(),
        }
        .svg()
        .unwrap();
        assert!(svg.contains("u, at v = 0.7") && svg.contains("v, at u = 0.3"));
        assert!(svg.contains("best corner"));
    }

    #[test]
    fn an_unmeasured_surface_has_empty_axes() {
        let heatmap = Heatmap::new(surfit_core::surface::Patch::Square, 3);
        SliceFigure {
            heatmap: &heatmap,
            at: (0.5, 0.5),
            title: "s".into(),
        }
        .png()
        .unwrap();
    }
}
