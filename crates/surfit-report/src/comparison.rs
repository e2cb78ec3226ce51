//! Two surfaces side by side, and what one has over the other.

use super::axes::{DrawResult, draw_header, format_trimmed, shorten_to_width};
use super::canvas::{DrawableFigure, FigurePage};
use super::heatmap::{FieldMap, MapPlacement, round_thousandths};
use super::style::*;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};
use surfit_core::colormap::Colormap;
use surfit_core::heatmap::{CellQuantity, Heatmap, HeatmapStyle, Metric};

pub struct ComparedSurface<'a> {
    pub heatmap: &'a Heatmap,
    pub name: String,
    /// The metric of its best corner, 0 when it is not known.
    pub corner_value: f64,
}

/// Three maps: a surface, another one in the same colours, and the first less the second.
pub struct BesideFigure<'a> {
    pub this: ComparedSurface<'a>,
    /// The second, of the same kind.
    pub other: ComparedSurface<'a>,
    pub metric: Metric,
    /// Colours from bad to good.
    pub colormap: Colormap,
    pub style: HeatmapStyle,
    pub difference_range: Option<(f64, f64)>,
    pub title: String,
}

/// Room left of the first map, between the first two, and between a map and the next over its colour bar.
const LEFT: f64 = 62.0;
const GAP: f64 = 58.0;
const BAR_GAP: f64 = 158.0;
/// Room right of the last map.
const RIGHT: f64 = 94.0;

impl DrawableFigure for BesideFigure<'_> {
    fn size(&self) -> (u32, u32) {
        (1290, 468)
    }

    fn draw<DB: DrawingBackend>(&self, page: &FigurePage<'_, DB>) -> DrawResult<DB> {
        let mut maps = self.build_maps();
        let header = draw_header(page, &self.title, &self.subtitle(&maps))?;
        for (map, place) in maps.iter_mut().zip(place_maps(page, header)) {
            map.placement = place;
        }
        let names = [self.this.name.clone(), self.other.name.clone(), "the first less the second".into()];
        for (map, name) in maps.iter().zip(names) {
            map.draw(page)?;
            let style = bold_style(13.0, page.theme.text, HPos::Left, VPos::Bottom);
            let at = (px(map.placement.left), px(map.placement.top - 10.0));
            page.draw_text(&shorten_to_width(page, &name, &style, map.placement.width)?, &style, at)?;
        }
        for map in &maps[1..] {
            map.draw_color_bar(page, &map.bar_label(), map.bar_position())?;
        }
        Ok(())
    }
}

/// The areas of the maps, side by side.
fn place_maps<DB: DrawingBackend>(page: &FigurePage<'_, DB>, header: f64) -> [MapPlacement; 3] {
    let (first, below) = (header + 44.0, page.length(58.0, 46.0));
    // On a small page the second map does without figures beside it, which are those of the first.
    let narrow = page.width < 900.0;
    let (gap, bar_gap) = if narrow { (26.0, 104.0) } else { (GAP, BAR_GAP) };
    let width = ((page.width - LEFT - gap - bar_gap - RIGHT) / 3.0).max(20.0);
    let height = (page.height - first - below).max(20.0);
    let lefts = [LEFT, LEFT + width + gap, LEFT + 2.0 * width + gap + bar_gap];
    lefts.map(|left| MapPlacement { left, top: first, width, height, bare_v: narrow && left > LEFT })
}

impl<'a> BesideFigure<'a> {
    fn build_maps(&self) -> [FieldMap<'a>; 3] {
        let map = |side: &ComparedSurface<'a>| {
            let corner = side.corner_value;
            let look = HeatmapStyle { corner, ..self.style };
            FieldMap::new(side.heatmap, self.metric, self.colormap, look)
        };
        let (mut this, mut other) = (map(&self.this), map(&self.other));
        // Colours are only comparable over one range.
        let both = [this.color_range(), other.color_range()];
        let range = (both[0].0.min(both[1].0), both[0].1.max(both[1].1));
        for map in [&mut this, &mut other] {
            map.style.range = Some(self.style.range.unwrap_or(range));
        }
        other.partner_clipped = this.color_scale().clipped;
        let look = HeatmapStyle { quantity: CellQuantity::Gain, range: self.difference_range, ..self.style };
        let mut difference = FieldMap::new(self.this.heatmap, self.metric, self.colormap, look);
        difference.field = this.field.subtract(&other.field);
        difference.is_difference = true;
        [this, other, difference]
    }

    fn subtitle(&self, maps: &[FieldMap<'_>; 3]) -> String {
        let values: Vec<f64> = maps[2].field.values.iter().flatten().copied().collect();
        if values.is_empty() {
            return "no cell was measured on both surfaces".into();
        }
        let (unit, name) = (self.metric.written_scale(), self.metric.difference_unit());
        let written = |v: f64| match self.metric.is_percent() {
            true => format!("{:+.2}", unit * v),
            false => format!("{v:+.4}"),
        };
        let count = values.len();
        let mean = values.iter().sum::<f64>() / count as f64;
        let (low, high) = values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), &v| (l.min(v), h.max(v)));
        let best = |map: &FieldMap<'_>| {
            let point = map.heatmap.measured_point(map.best_cell()?)?;
            let (u, v) = (format_trimmed(round_thousandths(point.u)), format_trimmed(round_thousandths(point.v)));
            Some(format!("({u}, {v})"))
        };
        let stars = match (best(&maps[0]), best(&maps[1])) {
            (Some(a), Some(b)) => format!(" · stars: best points, at {a} and {b}"),
            _ => String::new(),
        };
        format!(
            "difference over {count} cells: mean {} {name}, from {} to {}{stars}",
            written(mean),
            written(low),
            written(high)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_data;

    fn side<'a>(heatmap: &'a Heatmap, name: &str) -> ComparedSurface<'a> {
        ComparedSurface { heatmap, name: name.into(), corner_value: 0.87 }
    }

    fn figure<'a>(this: &'a Heatmap, other: &'a Heatmap) -> BesideFigure<'a> {
        BesideFigure {
            this: side(this, "degree 3×3"),
            other: side(other, "a run whose name is far too long to stand over a map of this size"),
            metric: Metric::ACCURACY,
            colormap: Colormap::Viridis,
            style: HeatmapStyle::default(),
            difference_range: None,
            title: "demo".into(),
        }
    }

    #[test]
    fn both_maps_have_one_range_and_the_difference_its_own() {
        let this = test_data::heatmap(11);
        let mut other = test_data::heatmap(7);
        for cell in &mut other.cells {
            *cell = surfit_core::heatmap::Cell::from_counts(cell.correct() - 40, cell.images, 0.5, cell.version);
        }
        let figure = figure(&this, &other);
        let maps = figure.build_maps();
        assert_eq!(maps[0].color_range(), maps[1].color_range());
        let middle = maps[2].field.values[60].unwrap();
        assert!((middle - 0.01).abs() < 0.002, "{middle}");
        assert_eq!(maps[2].best_cell(), None);
        let svg = figure.svg().unwrap();
        for words in ["degree 3×3", "the first less the second", "over 121 cells: mean +", "points"] {
            assert!(svg.contains(words), "{words}");
        }
        assert!(!svg.contains("of this size"));
    }

    #[test]
    fn surfaces_without_a_common_cell_are_said_to_have_none() {
        let (this, other) = (test_data::heatmap(5), Heatmap::new(surfit_core::surface::Patch::Square, 5));
        let svg = figure(&this, &other).svg().unwrap();
        assert!(svg.contains("no cell was measured on both"));
    }
}
