//! Heatmaps as figures.

use super::*;
use crate::test_data;
use surfit_core::heatmap::Cell;

fn figure(heatmap: &Heatmap, metric: Metric) -> HeatmapFigure<'_> {
    HeatmapFigure {
        heatmap,
        metric,
        colormap: Colormap::Viridis,
        style: HeatmapStyle::default(),
        title: "surface".into(),
        marks: &[(0.2, 0.8)],
    }
}

#[test]
fn svg_tells_values_and_the_best_point() {
    let heatmap = test_data::heatmap(11);
    let svg = figure(&heatmap, Metric::ACCURACY).svg().unwrap();
    let best = heatmap.best_point(Metric::ACCURACY).unwrap();
    for text in [
        format!("best {:.2} % at u {}", 100.0 * best.accuracy, format_trimmed(round_thousandths(best.u))),
        "accuracy, %".into(),
        format!("{:.1}", 100.0 * heatmap.cells[0].accuracy().unwrap()),
        "better than every corner".into(),
    ] {
        assert!(svg.contains(&text), "{text}");
    }
    assert!(svg.starts_with("<svg width=\"720\" height=\"672\" viewBox=\"0 0 2880 2688\""));
}

#[test]
fn png_shows_the_colours_of_the_cells() {
    let heatmap = test_data::heatmap(5);
    let figure = figure(&heatmap, Metric::LOSS);
    let pixels = test_data::check_png(&figure.png().unwrap(), (1440, 1344));
    let mut figure = figure.field_map();
    figure.placement = MapPlacement::new(70.0, 84.0, 520.0, 520.0);
    let (low, high) = figure.color_range();
    // A place in the cell that neither number, badge nor line covers.
    let [(x0, y0), _] = figure.cell_rect(7);
    let (x, y) = ((x0 / 2 + 24) as usize, (y0 / 2 + 24) as usize);
    let at = (y * 1440 + x) * 3;
    let want = figure.color(figure.value(7).unwrap(), low, high);
    assert_eq!((pixels[at], pixels[at + 1], pixels[at + 2]), want);
}

#[test]
fn empty_flat_and_stale_heatmaps_have_figures() {
    let mut heatmap = Heatmap::new(surfit_core::surface::Patch::Square, 2);
    figure(&heatmap, Metric::ACCURACY).svg().unwrap();
    for cell in &mut heatmap.cells {
        *cell = Cell::from_counts(9, 10, 0.0, 0);
    }
    heatmap.version = 3;
    let svg = figure(&heatmap, Metric::ACCURACY).svg().unwrap();
    assert!(svg.contains("0 of 4 cells fresh"));
    heatmap.cells[0] = Cell::from_counts(9, 10, f32::NAN, 0);
    figure(&heatmap, Metric::LOSS).png().unwrap();
}

#[test]
fn gain_confidence_lines_and_a_part_are_drawn_as_they_are_looked_at() {
    let heatmap = test_data::heatmap(11);
    let look = |quantity| HeatmapStyle { quantity, corner: 0.85, ..HeatmapStyle::default() };
    let drawn = |look: HeatmapStyle| {
        let figure = HeatmapFigure { style: look, ..figure(&heatmap, Metric::ACCURACY) };
        figure.svg().unwrap()
    };
    let middle = heatmap.cells[60];
    let gain = drawn(look(CellQuantity::Gain));
    let written = format!("{:+.2}", 100.0 * (middle.accuracy().unwrap() - 0.85));
    assert!(gain.contains(&written) && gain.contains("points"), "{written}");
    let (low, high) = middle.interval(Metric::ACCURACY).unwrap();
    let width = drawn(look(CellQuantity::Width));
    assert!(width.contains(&format!("{:.2}", 50.0 * (high - low))));
    assert!(!width.contains("outlined"), "the interval is no better or worse");
    let plain = drawn(HeatmapStyle::default());
    let lines = drawn(HeatmapStyle { contours: true, ..HeatmapStyle::default() });
    let strokes = |svg: &str| svg.matches("<polyline").count();
    assert!(strokes(&lines) > strokes(&plain) + 50);
    let part = drawn(HeatmapStyle { part: Some([(0.2, 0.4), (0.6, 0.8)]), ..HeatmapStyle::default() });
    let number = |i: usize| format!("{:.1}", 100.0 * heatmap.cells[i].accuracy().unwrap());
    assert!(part.contains(&number(3 * 11 + 7)));
    assert!(part.matches("<text").count() + 80 < plain.matches("<text").count());
    // The ends of the part stand at the axes.
    for end in ["0.2", "0.4", "0.6", "0.8"] {
        assert!(part.contains(&format!("\n{end}\n")), "{end}");
    }
    // A range that was chosen holds, and what is beyond it has the colour of its end.
    let fixed = HeatmapFigure {
        style: HeatmapStyle { range: Some((0.2, 0.3)), ..HeatmapStyle::default() },
        ..figure(&heatmap, Metric::ACCURACY)
    };
    let fixed = fixed.field_map();
    assert_eq!(fixed.color_range(), (0.2, 0.3));
    assert_eq!(fixed.color(0.9, 0.2, 0.3), Colormap::Viridis.color_at(1.0));
}

#[test]
fn the_bar_marks_ends_beyond_which_there_are_values() {
    let mut heatmap = test_data::heatmap(11);
    let svg = |heatmap: &Heatmap, style| HeatmapFigure { style, ..figure(heatmap, Metric::ACCURACY) }.svg().unwrap();
    let relief = |heatmap: &Heatmap| {
        let (metric, colormap, title) = (Metric::ACCURACY, Colormap::Viridis, String::new());
        let (style, camera) = (HeatmapStyle::default(), surfit_core::projection::Camera::default());
        crate::ReliefFigure { heatmap, metric, colormap, style, camera, title }.svg().unwrap()
    };
    let has_signs = |svg: &str| svg.contains('≤') || svg.contains('≥');
    assert!(!has_signs(&svg(&heatmap, HeatmapStyle { range: Some((0.0, 1.0)), ..HeatmapStyle::default() })));
    heatmap.cells[60] = Cell::from_counts(100, 1000, 2.3, 0);
    let clipped = svg(&heatmap, HeatmapStyle::default());
    assert!(clipped.contains('≤') && !clipped.contains('≥'), "the worst cell has the colour of the end");
    assert!(relief(&heatmap).contains('≤'));
    let narrow = svg(&heatmap, HeatmapStyle { range: Some((0.5, 0.6)), ..HeatmapStyle::default() });
    assert!(narrow.contains("≤50.0") && narrow.contains("≥60.0"));
}
