//! Reliefs as figures.

use super::*;
use crate::test_data;
use surfit_core::heatmap::Cell;
use surfit_core::heatmap::CellQuantity;
use surfit_core::surface::Patch;

fn figure(heatmap: &Heatmap) -> ReliefFigure<'_> {
    ReliefFigure {
        heatmap,
        metric: Metric::ACCURACY,
        colormap: Colormap::Viridis,
        style: HeatmapStyle::default(),
        camera: Camera::default(),
        title: "relief".into(),
    }
}

#[test]
fn a_relief_has_faces_axes_and_a_bar_from_every_side() {
    let heatmap = test_data::heatmap(11);
    let svg = figure(&heatmap).svg().unwrap();
    assert!(svg.contains("accuracy, %") && svg.contains("turned 30°, tilted 35°"));
    assert!(svg.matches("<polygon").count() > 2000);
    let texts = |svg: &str| svg.matches("<text").count();
    for turn in [0.0, 45.0, 90.0, 200.0, 359.0] {
        for tilt in [5.0, 40.0, 90.0] {
            let camera = Camera { turn, tilt, height: 0.5 };
            let svg = ReliefFigure { camera, ..figure(&heatmap) }.svg().unwrap();
            // Title, line below it, both axes, bar, corners.
            assert!(texts(&svg) >= 18, "{turn} {tilt}: {}", texts(&svg));
        }
    }
    test_data::check_png(&figure(&heatmap).png().unwrap(), (1720, 1344));
}

#[test]
fn nearer_squares_are_drawn_last() {
    let heatmap = test_data::heatmap(5);
    let map = FieldMap::new(&heatmap, Metric::ACCURACY, Colormap::Viridis, HeatmapStyle::default());
    let extent = [112.0, 104.0, 556.0, 500.0];
    let relief = PlacedRelief::new(&map, Camera { turn: 0.0, ..Camera::default() }, extent);
    let cells = relief.cells_back_to_front();
    assert_eq!((cells.len(), cells[0].1, cells[15].1), (16, 3, 0));
    // The hill hides the corners behind it when it is looked at from low.
    let hidden = |tilt| {
        let camera = Camera { turn: 45.0, tilt, height: 1.0 };
        let relief = PlacedRelief::new(&map, camera, extent);
        [(0, 0), (4, 0), (0, 4), (4, 4)].map(|c| relief.is_hidden(c))
    };
    assert_eq!(hidden(15.0), [false, false, false, true]);
    assert_eq!(hidden(90.0), [false; 4]);
}

#[test]
fn every_surface_has_a_relief_measured_or_not() {
    for patch in [Patch::Square, Patch::Triangle] {
        let mut heatmap = Heatmap::new(patch, 5);
        figure(&heatmap).svg().unwrap();
        let some = heatmap.surface_cells().step_by(3).collect::<Vec<_>>();
        for index in some {
            heatmap.cells[index] = Cell::from_counts(80 + index as u32 % 7, 100, 0.0, 0);
        }
        let look = HeatmapStyle {
            quantity: CellQuantity::Gain,
            corner: 0.83,
            contours: true,
            part: Some([(0.25, 0.75), (0.0, 0.5)]),
            ..HeatmapStyle::default()
        };
        ReliefFigure { style: look, ..figure(&heatmap) }.svg().unwrap();
    }
}
