//! What else the colours can mean, contour lines, numbered points, slices.

use super::*;

const SIZES: [(u16, u16); 5] = [(140, 42), (84, 38), (80, 20), (44, 19), (60, 12)];

#[test]
fn the_difference_to_the_best_corner_has_a_map_of_its_own_with_zero_marked() {
    let run_state = fitting_run(2, 11);
    let view = SurfaceView { quantity: CellQuantity::Gain, ..view() };
    let buf = draw_to_buffer(&run_state, &view, (84, 38), &theme(ColorDepth::Truecolor, false));
    let layout = SurfaceLayout::of(buf.area, 11, true);
    // The best corner has 86.3 %: the cell at (0, 0) with 80 % is worse, that at (1, 1) with 89 % better.
    let ground = |cell| buf[layout.cell_area(cell).as_position()].bg;
    let (Color::Rgb(r, _, b), Color::Rgb(x, _, y)) = (ground((0, 1)), ground((10, 9))) else {
        panic!("no colours");
    };
    assert!(r > b && y > x, "orange where worse, blue where better");
    let bar: Vec<String> = layout.bar.rows().map(|row| row.positions().map(|p| buf[p].symbol()).collect()).collect();
    let zero = bar.iter().position(|r| r.contains("┤0")).expect("zero is marked");
    assert!(zero.abs_diff(usize::from(layout.bar.height) / 2) <= 1, "{bar:?}");
    assert!(bar.iter().any(|r| r.contains('+')) && bar.iter().any(|r| r.contains('-')));
    assert!(fixture::text(&buf).contains("accuracy less best corner's"));
    // Without colours the sign is a letter.
    let plain = draw_to_buffer(&run_state, &view, (84, 38), &theme(ColorDepth::None, true));
    let symbols = |cell: (usize, usize)| -> String {
        let room = layout.cell_area(cell);
        room.positions().map(|p| plain[p].symbol()).collect()
    };
    assert!(symbols((1, 1)).contains('-') && symbols((9, 9)).contains('+'));
    // Without corners there is nothing to compare with, and the metric itself is shown.
    let mut bare = run_state;
    bare.corners.clear();
    let buf = draw_to_buffer(&bare, &view, (84, 38), &theme(ColorDepth::Truecolor, false));
    assert!(!fixture::text(&buf).contains("less best"));
}

#[test]
fn the_confidence_map_is_light_where_the_interval_is_narrow() {
    let mut run_state = fitting_run(2, 5);
    heatmap(&mut run_state).cells[12] = surfit_core::heatmap::Cell::from_counts(420, 500, 0.5, 400);
    let view = SurfaceView { quantity: CellQuantity::Width, ..view() };
    let theme = theme(ColorDepth::Truecolor, false);
    let scene = SurfaceScene::new(&theme, &run_state, &view).unwrap();
    let light = |i| surfit_core::colormap::luminance(map::cell_color(&scene, i).unwrap());
    assert!(light(12) < light(6), "the cell with fewer images is the darker one");
    assert!(fixture::text(&draw_to_buffer(&run_state, &view, (84, 38), &theme)).contains("accuracy ±"));
}

#[test]
fn a_fixed_range_is_told_on_the_bar_and_stays_while_cells_change() {
    let mut run_state = fitting_run(2, 11);
    let mut view = view();
    assert!(view.fix_range(&run_state, 84.5, 85.5));
    let limits = view.fixed_range.unwrap().limits;
    let theme = theme(ColorDepth::Truecolor, false);
    let text = fixture::text(&draw_to_buffer(&run_state, &view, (84, 38), &theme));
    assert!(text.contains("fixed") && text.contains('≤') && text.contains('≥'), "{text}");
    heatmap(&mut run_state).cells[0] = surfit_core::heatmap::Cell::from_counts(10, 10_000, 0.5, 400);
    let range = SurfaceScene::new(&theme, &run_state, &view).unwrap().range;
    assert_eq!((range.lo, range.hi), limits);
    // Another metric has its own.
    view.metric = Metric::LOSS;
    assert!(!SurfaceScene::new(&theme, &run_state, &view).unwrap().range.fixed);
}

#[test]
fn between_cells_colours_are_interpolated_and_at_cells_they_are_exact() {
    let run_state = fitting_run(2, 5);
    let smooth = SurfaceView { interpolate: true, ..view() };
    let theme = theme(ColorDepth::Truecolor, false);
    let colours = |view: &SurfaceView| {
        let buf = draw_to_buffer(&run_state, view, (84, 38), &theme);
        let layout = SurfaceLayout::of(buf.area, 5, true);
        let grounds = layout.map.positions().map(|p| buf[p].bg);
        let distinct: std::collections::HashSet<Color> = grounds.collect();
        distinct.len()
    };
    assert!(colours(&smooth) > 3 * colours(&view()));
    assert!(fixture::text(&draw_to_buffer(&run_state, &smooth, (84, 38), &theme)).contains("interpolated"));
}

#[test]
fn contour_lines_lie_over_the_map_and_have_their_levels() {
    let run_state = fitting_run(2, 21);
    for (contours, ascii) in [(Contours::Over, false), (Contours::Alone, false), (Contours::Alone, true)] {
        let view = SurfaceView { contours, ..view() };
        let theme = theme(ColorDepth::Truecolor, ascii);
        let buf = draw_to_buffer(&run_state, &view, (84, 38), &theme);
        let layout = SurfaceLayout::of(buf.area, 21, true);
        let symbols: String = layout.map.positions().map(|p| buf[p].symbol()).collect();
        let strokes = symbols.chars().filter(|c| match ascii {
            true => r"/\|-_'".contains(*c),
            false => ('\u{2801}'..='\u{28FF}').contains(c),
        });
        assert!(strokes.count() > 60, "{contours:?} {ascii}: {symbols}");
        let scene = SurfaceScene::new(&theme, &run_state, &view).unwrap();
        let inner = contours::contour_levels(&scene, layout.map.height);
        let label = scene.range.label(inner[inner.len() / 2]);
        assert!(symbols.contains(&label), "no {label} in {symbols}");
        let coloured = layout.map.positions().filter(|&p| buf[p].bg != Color::Reset);
        assert_eq!(coloured.count() > 500, contours == Contours::Over);
    }
}

#[test]
fn labels_of_contour_lines_are_whole_where_cells_bear_signs() {
    let live = crate::fixture::fitting_run();
    for depth in COLOR_DEPTHS {
        let view = SurfaceView { contours: Contours::Over, ..view() };
        let buf = draw_to_buffer(&live, &view, (84, 38), &theme(depth, false));
        let layout = SurfaceLayout::of(buf.area, 21, true);
        let symbols: String = layout.map.positions().map(|p| buf[p].symbol()).collect();
        // Every other cell of the grid is not measured, which is seen between the lines too.
        assert!(symbols.contains('░'), "{depth:?}: {symbols}");
        for label in ["87.5", "88.0", "88.5"] {
            assert!(symbols.contains(label), "{depth:?} {label}: {symbols}");
        }
    }
}

#[test]
fn the_best_points_are_numbered_and_listed() {
    let mut run_state = fitting_run(2, 21);
    for (cell, correct) in [((4, 15), 9400), ((15, 5), 9300)] {
        heatmap(&mut run_state).cells[cell.0 * 21 + cell.1] =
            surfit_core::heatmap::Cell::from_counts(correct, 10_000, 0.5, 400);
    }
    let view = SurfaceView { show_peaks: true, ..view() };
    let buf = draw_to_buffer(&run_state, &view, (140, 42), &theme(ColorDepth::Truecolor, false));
    let text = fixture::text(&buf);
    let layout = SurfaceLayout::of(buf.area, 21, true);
    for (n, cell) in [(1, (4, 15)), (2, (15, 5)), (3, (20, 20))] {
        let room = layout.cell_area(cell);
        let symbols: String = room.positions().map(|p| buf[p].symbol()).collect();
        assert!(symbols.contains(&format!("★{n}")), "{n}: {symbols}");
        assert!(text.contains(&format!("★{n} ")), "{text}");
    }
    assert!(text.contains("94.00 % (0.20, 0.75)"), "{text}");
    // The jump goes from number to number.
    let mut v = view;
    let map = &run_state.snapshot.as_ref().unwrap().heatmap;
    for cell in [(4, 15), (15, 5), (20, 20)] {
        v.move_to_next_best(map);
        assert_eq!(v.cursor, cell);
    }
}

#[test]
fn diagonal_slices_go_through_the_cursor_and_stay_on_a_triangle() {
    let view = SurfaceView { slices: Slices::Diagonals, cursor: (3, 2), ..view() };
    for patch in [Patch::Square, Patch::Triangle] {
        let run_state = fixture::fitting_run_on(patch, 2, 11);
        let text = fixture::text(&draw_to_buffer(&run_state, &view, (84, 38), &theme(ColorDepth::None, false)));
        assert!(text.contains("along ↗ through (0.30, 0.20)"), "{text}");
        assert!(text.contains("along ↘ through (0.30, 0.20)"), "{text}");
    }
}

#[test]
fn every_mode_keeps_to_ascii_where_only_ascii_may_be_used() {
    for patch in Patch::ALL {
        let run_state = fixture::fitting_run_on(patch, 2, 11);
        for depth in COLOR_DEPTHS {
            for seed in 0u64..24 {
                let view = any_view(seed, seed.is_multiple_of(2));
                for size in SIZES {
                    let text = fixture::text(&draw_to_buffer(&run_state, &view, size, &theme(depth, true)));
                    assert!(text.is_ascii(), "{depth:?} {view:?}\n{text}");
                }
            }
        }
    }
}
