//! The control points as a grid of tiles.

use super::axes::{DrawResult, axis_scale, draw_header};
use super::canvas::{DrawableFigure, FigurePage};
use super::color_bar::ColorBar;
use super::style::*;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};
use surfit_core::colormap::Colormap;
use surfit_core::run_state::{PointFigure, RunState};
use surfit_core::snapshot::{ControlPoint, Snapshot};
use surfit_core::surface::TrainablePoints;

/// A tile for every control point, `i` to the right and `j` upward: how far it travelled, its gradient with its history, and
/// the accuracy there. One of the figures has the colours.
pub struct PointsFigure<'a> {
    pub run_state: &'a RunState,
    pub snapshot: &'a Snapshot,
    /// The figure of the colours.
    pub quantity: PointFigure,
    pub colormap: Colormap,
    pub title: String,
}

/// Room left of the tiles, and right of them for the colour bar.
const TILES_LEFT: f64 = 64.0;
const BAR_ROOM: f64 = 150.0;
/// Least width of a tile whose figures have their names.
const MIN_NAMED_WIDTH: f64 = 118.0;
/// Least width of a tile that says whether its point is fixed or frozen.
const MIN_STATED_WIDTH: f64 = 76.0;
/// Least span of accuracies worth all colours: half a percentage point.
const MIN_ACCURACY_SPAN: f64 = 0.005;

impl DrawableFigure for PointsFigure<'_> {
    fn size(&self) -> (u32, u32) {
        let [columns, rows] = self.tile_grid().map(|n| n as f64);
        let within = |room: f64, count: f64, least: f64, most: f64| (room / count).floor().clamp(least, most);
        let (width, height) = (within(760.0, columns, 76.0, 180.0), within(600.0, rows, 66.0, 128.0));
        ((TILES_LEFT + columns * width + BAR_ROOM).max(640.0) as u32, (88.0 + rows * height + 58.0) as u32)
    }

    fn draw<DB: DrawingBackend>(&self, page: &FigurePage<'_, DB>) -> DrawResult<DB> {
        let header = draw_header(page, &self.title, &self.subtitle())?;
        let [columns, rows] = self.tile_grid();
        let top = header + page.length(28.0, 22.0);
        let fit = |room: f64, count: usize, most: f64| (room / count as f64).floor().clamp(4.0, most);
        let tiles = TileLayout {
            top,
            width: fit(page.width - TILES_LEFT - BAR_ROOM, columns, page.length(180.0, 280.0)),
            height: fit(page.height - top - page.length(58.0, 42.0), rows, 128.0),
            columns,
            rows,
        };
        let range = self.color_range();
        for (row, point) in self.snapshot.control_points.iter().enumerate() {
            self.draw_tile(page, &tiles, row, point, range)?;
        }
        tiles.draw_axes(page)?;
        let Some((low, high)) = range else {
            return Ok(());
        };
        let unit = self.unit_factor();
        let shown = axis_scale(&(unit * low..unit * high), false).ticks(6).into_iter();
        let bar = ColorBar {
            name: self.quantity_name(),
            range: (low, high),
            ticks: shown.map(|(value, label)| (value / unit, label)).collect(),
            color: &|v| self.color(v, low, high),
        };
        // Its name is drawn above the first row of tiles.
        let height = (rows as f64 * tiles.height - 8.0).clamp(20.0, 420.0);
        bar.draw(page, [TILES_LEFT + columns as f64 * tiles.width + 24.0, top + 4.0, height])
    }
}

/// Where the tiles are, in nominal points.
struct TileLayout {
    top: f64,
    width: f64,
    height: f64,
    columns: usize,
    rows: usize,
}

impl PointsFigure<'_> {
    /// Columns and rows of tiles.
    fn tile_grid(&self) -> [usize; 2] {
        [self.snapshot.degrees.m() + 1, self.snapshot.degrees.n() + 1]
    }

    fn subtitle(&self) -> String {
        let s = self.snapshot;
        let count = s.control_points.len();
        let free = s.control_points.iter().filter(|p| !p.corner && !p.frozen);
        let step = match s.fit_step {
            0 => String::new(),
            n => format!(" · step {}", super::axes::format_thousands(n as f64)),
        };
        let travelled = match s.cost.trainable {
            TrainablePoints::AllButCorners => "travelled in mean distances between corners",
            TrainablePoints::All => "travelled: distance from the mean of all points, relative to its norm",
        };
        format!(
            "{count} control points of degree {}, {} of them free{step} · line: gradient norms of late · {travelled}",
            s.degrees,
            free.count()
        )
    }

    fn quantity_name(&self) -> &'static str {
        match self.quantity {
            PointFigure::Travelled => "travelled",
            PointFigure::Accuracy => "accuracy, %",
            PointFigure::Gradient => "gradient norm",
        }
    }

    fn unit_factor(&self) -> f64 {
        match self.quantity {
            PointFigure::Accuracy => 100.0,
            _ => 1.0,
        }
    }

    /// The figure of the colours; corners that are never trained do not travel.
    fn value(&self, row: usize, point: &ControlPoint) -> Option<f64> {
        let value = match self.quantity {
            PointFigure::Travelled => Some(point.travelled).filter(|_| !point.corner),
            PointFigure::Gradient => Some(point.gradient).filter(|_| !point.corner),
            PointFigure::Accuracy => self.run_state.accuracy_at(self.snapshot, row).map(|a| a.0),
        };
        value.filter(|v| v.is_finite())
    }

    /// Smallest and largest value of the colours; `None` without any.
    fn color_range(&self) -> Option<(f64, f64)> {
        let points = self.snapshot.control_points.iter().enumerate();
        let values = points.filter_map(|(row, p)| self.value(row, p));
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        let low = match self.quantity {
            PointFigure::Accuracy => low.min(high - MIN_ACCURACY_SPAN),
            _ => 0.0,
        };
        (high.is_finite() && high > low).then_some((low, high))
    }

    fn color(&self, value: f64, low: f64, high: f64) -> (u8, u8, u8) {
        let t = ((value - low) / (high - low)).clamp(0.0, 1.0);
        self.colormap.color_at(t)
    }

    fn draw_tile<DB: DrawingBackend>(
        &self,
        page: &FigurePage<'_, DB>,
        tiles: &TileLayout,
        row: usize,
        point: &ControlPoint,
        range: Option<(f64, f64)>,
    ) -> DrawResult<DB> {
        let ([w, h], (x, y)) = ([tiles.width, tiles.height], tiles.position(point));
        let (color, ink) = match (self.value(row, point), range) {
            (Some(value), Some((low, high))) => {
                let color = self.color(value, low, high);
                (rgb(color), contrast_color(color))
            }
            _ => (page.theme.blank, page.theme.text),
        };
        // Small tiles have the gaps and margins that their room allows.
        let (gap, margin) = if w < MIN_STATED_WIDTH { (1.0, 4.0) } else { (2.0, 9.0) };
        let corners = [(px(x + gap), px(y + gap)), (px(x + w - gap), px(y + h - gap))];
        page.draw(&Rectangle::new(corners, fill_style(color)))?;
        if point.frozen {
            page.draw(&Rectangle::new(corners, line_style(page.theme.text, 2.0)))?;
        }
        let corner = self.snapshot.degrees.corner_number(row);
        let head = match corner {
            Some(number) if w >= MIN_NAMED_WIDTH => format!("corner {}", number + 1),
            Some(number) => (number + 1).to_string(),
            None => format!("{}, {}", point.i, point.j),
        };
        let top = if h < 54.0 { y + 3.0 } else { y + 8.0 };
        if h >= 18.0 {
            let style = bold_style(11.0, ink, HPos::Left, VPos::Top);
            page.draw_text(&head, &style, (px(x + margin), px(top)))?;
        }
        let state = match (point.corner, point.frozen) {
            (true, _) => "fixed",
            (_, true) => "frozen",
            _ => "",
        };
        if w >= MIN_STATED_WIDTH && h >= 18.0 {
            let style = text_style(10.0, ink, HPos::Right, VPos::Top);
            page.draw_text(state, &style, (px(x + w - margin), px(top + 1.0)))?;
        }
        let mut top = top + 18.0;
        for (name, value) in self.tile_lines(row, point, w >= MIN_NAMED_WIDTH) {
            if top + 13.0 > y + h {
                break;
            }
            let style = text_style(10.5, ink, HPos::Left, VPos::Top);
            page.draw_text(name, &style, (px(x + margin), px(top)))?;
            let (side, at) = match w >= MIN_NAMED_WIDTH {
                true => (HPos::Right, px(x + w - margin)),
                false => (HPos::Left, px(x + margin)),
            };
            page.draw_text(&value, &text_style(10.5, ink, side, VPos::Top), (at, px(top)))?;
            top += 15.0;
        }
        let room = [x + margin, top + 4.0, x + w - margin, y + h - 9.0];
        if room[3] - room[1] >= 12.0 {
            draw_history(page, &point.gradients, room, ink)?;
        }
        Ok(())
    }

    /// The figures of a tile, each with its name where names fit.
    fn tile_lines(&self, row: usize, point: &ControlPoint, named: bool) -> Vec<(&'static str, String)> {
        let mut out = Vec::new();
        let accuracy = self.run_state.accuracy_at(self.snapshot, row).map(|(a, about)| {
            let sign = if about { "≈ " } else { "" };
            format!("{sign}{:.2} %", 100.0 * a)
        });
        if !point.corner && (named || self.quantity != PointFigure::Gradient) {
            out.push(("travelled", format_quantity(point.travelled)));
        }
        if !point.corner && (named || self.quantity == PointFigure::Gradient) {
            out.push(("gradient", format_quantity(point.gradient)));
        }
        out.extend(accuracy.map(|a| ("accuracy", a)));
        if !named {
            out.iter_mut().for_each(|line| line.0 = "");
        }
        out
    }
}

impl TileLayout {
    /// The upper left of a tile.
    fn position(&self, point: &ControlPoint) -> (f64, f64) {
        let up = self.rows.saturating_sub(1).saturating_sub(point.j);
        (TILES_LEFT + self.width * point.i as f64, self.top + self.height * up as f64)
    }

    /// The indices along both sides.
    fn draw_axes<DB: DrawingBackend>(&self, page: &FigurePage<'_, DB>) -> DrawResult<DB> {
        let bottom = self.top + self.rows as f64 * self.height;
        for i in 0..self.columns {
            let style = text_style(11.0, page.theme.muted, HPos::Center, VPos::Top);
            let x = TILES_LEFT + self.width * (i as f64 + 0.5);
            page.draw_text(&i.to_string(), &style, (px(x), px(bottom + 6.0)))?;
        }
        let style = text_style(12.0, page.theme.text, HPos::Center, VPos::Top);
        let middle = TILES_LEFT + self.columns as f64 * self.width / 2.0;
        page.draw_text("i, along u", &style, (px(middle), px(bottom + page.length(24.0, 21.0))))?;
        if self.rows < 2 {
            return Ok(());
        }
        for j in 0..self.rows {
            let style = text_style(11.0, page.theme.muted, HPos::Right, VPos::Center);
            let y = bottom - self.height * (j as f64 + 0.5);
            page.draw_text(&j.to_string(), &style, (px(TILES_LEFT - 8.0), px(y)))?;
        }
        let style = text_style(12.0, page.theme.text, HPos::Left, VPos::Bottom);
        page.draw_text("j, along v", &style, (px(20.0), px(self.top - 6.0)))
    }
}

/// Recent gradient norms as a line.
fn draw_history<DB: DrawingBackend>(
    page: &FigurePage<'_, DB>,
    values: &[f32],
    [left, top, right, bottom]: [f64; 4],
    ink: RGBColor,
) -> DrawResult<DB> {
    let finite = values.iter().copied().filter(|v| v.is_finite());
    let most = f64::from(finite.fold(0.0, f32::max));
    if most <= 0.0 || values.len() < 2 {
        return Ok(());
    }
    let last = (values.len() - 1) as f64;
    let points = values.iter().enumerate().filter(|(_, v)| v.is_finite());
    let points = points.map(|(k, &v)| {
        let x = left + (right - left) * k as f64 / last;
        let y = bottom - (bottom - top) * f64::from(v) / most;
        (px(x), px(y))
    });
    let base = [(px(left), px(bottom)), (px(right), px(bottom))];
    page.draw(&PathElement::new(base, line_style(ink.mix(0.35), 0.8)))?;
    page.draw(&PathElement::new(points.collect::<Vec<_>>(), line_style(ink, 1.3)))
}

/// A quantity in three figures.
pub(super) fn format_quantity(value: f64) -> String {
    match value.abs() {
        _ if !value.is_finite() => "not finite".into(),
        0.0 => "0".into(),
        v if !(1e-3..1e5).contains(&v) => format!("{value:.2e}"),
        v => {
            let decimals = (2.0 - v.log10().floor()).clamp(0.0, 5.0) as usize;
            format!("{value:.decimals$}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_data;

    fn figure(run_state: &RunState, figure: PointFigure) -> PointsFigure<'_> {
        PointsFigure {
            run_state,
            snapshot: run_state.snapshot.as_ref().unwrap(),
            quantity: figure,
            colormap: Colormap::Viridis,
            title: "points".into(),
        }
    }

    #[test]
    fn every_point_has_its_tile_at_every_degree() {
        for degree in [1, 3, 8] {
            let run_state = test_data::run_state_with_points(degree);
            for which in PointFigure::ALL {
                let svg = figure(&run_state, which).svg().unwrap();
                assert!(svg.contains("i, along u") && svg.contains("fixed"));
                let corner = if degree == 8 { "\n4\n" } else { "corner 4" };
                assert!(svg.contains(corner), "{degree}");
                if degree == 3 {
                    assert!(svg.contains("frozen") && svg.contains("87.11 %"), "{svg:.400}");
                    assert!(svg.contains("gradient norms of late"));
                }
            }
        }
        let run_state = test_data::run_state_with_points(3);
        let (width, height) = figure(&run_state, PointFigure::Travelled).size();
        let png = figure(&run_state, PointFigure::Travelled).png().unwrap();
        test_data::check_png(&png, (2 * width, 2 * height));
    }

    #[test]
    fn corners_that_train_have_numbers_and_figures_and_another_unit() {
        let mut run_state = test_data::run_state_with_points(3);
        assert!(figure(&run_state, PointFigure::Travelled).subtitle().contains("mean distances between corners"));
        let snapshot = run_state.snapshot.as_mut().unwrap();
        snapshot.cost.trainable = TrainablePoints::All;
        snapshot.control_points.iter_mut().for_each(|point| point.corner = false);
        let svg = figure(&run_state, PointFigure::Travelled).svg().unwrap();
        assert!(svg.contains("corner 4") && !svg.contains("fixed"));
        assert!(svg.contains("distance from the mean of all points") && !svg.contains("between corners"));
    }

    #[test]
    fn figures_that_are_not_known_leave_the_tile_pale() {
        let mut run_state = test_data::run_state_with_points(2);
        for point in &mut run_state.snapshot.as_mut().unwrap().control_points {
            (point.travelled, point.gradient) = (f64::NAN, f64::INFINITY);
            point.gradients = vec![f32::NAN; 3];
        }
        assert_eq!(figure(&run_state, PointFigure::Gradient).color_range(), None);
        figure(&run_state, PointFigure::Travelled).png().unwrap();
        assert_eq!([0.0, 0.1234, 123.4, 2e-7].map(format_quantity), ["0", "0.123", "123", "2.00e-7"]);
    }
}
