//! A part of the surface: map, axes, lines, signs, slices, relief and mouse show the same cells.

use super::*;

/// A view of the cells from `first` on, `count` along each axis of a grid of 11.
fn view_of_part(first: (usize, usize), count: usize, patch: Patch) -> SurfaceView {
    let mut view = SurfaceView { cursor: first, ..SurfaceView::default() };
    view.zoom_by(count as f64 / 11.0, Some((0, 0)), 11, patch);
    view.pan_by((first.0 as i64, first.1 as i64), 11, patch);
    assert_eq!((view.shown_cells(11, patch).first_cell, view.shown_cells(11, patch).count), (first, count));
    view
}

fn clear_marks(run_state: &mut RunState) {
    run_state.snapshot.as_mut().unwrap().marks.clear();
}

#[test]
fn every_character_has_the_colour_of_the_cell_that_the_mouse_finds_there() {
    let mut run_state = fitting_run(2, 11);
    clear_marks(&mut run_state);
    let theme = theme(ColorDepth::Truecolor, false);
    let view = view_of_part((2, 4), 5, Patch::Square);
    let buf = draw_to_buffer(&run_state, &view, (84, 38), &theme);
    let scene = SurfaceScene::new(&theme, &run_state, &view).unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for p in scene.layout(buf.area).map.positions() {
        let (a, b) = view.cell_at(buf.area, p.x, p.y, &theme, &run_state).unwrap_or_else(|| panic!("nothing at {p:?}"));
        assert!((2..7).contains(&a) && (4..9).contains(&b), "({a}, {b})");
        let (r, g, b2) = map::cell_color(&scene, scene.index((a, b))).unwrap();
        let cell = &buf[p];
        let upper = if cell.symbol() == "▀" { cell.fg } else { cell.bg };
        if [" ", "▀"].contains(&cell.symbol()) {
            assert_eq!(upper, Color::Rgb(r, g, b2), "({a}, {b}) at {p:?}");
        }
        seen.insert((a, b));
    }
    assert_eq!(seen.len(), 25, "all cells of the part and no other");
}

#[test]
fn axes_slices_and_title_tell_the_part_and_corners_outside_are_gone() {
    let run_state = fitting_run(2, 11);
    for (depth, ascii) in [(ColorDepth::Truecolor, false), (ColorDepth::None, true)] {
        let theme = theme(depth, ascii);
        let view = view_of_part((3, 5), 5, Patch::Square);
        let buf = draw_to_buffer(&run_state, &view, (84, 38), &theme);
        let text = fixture::text(&buf);
        let to = if ascii { "-" } else { "–" };
        for part in [
            format!("u 0.30{to}0.70, v 0.50{to}0.90"),
            format!("u 0.30{to}0.70 at v = 0.50"),
            format!("v 0.50{to}0.90 at u = 0.30"),
        ] {
            assert!(text.contains(&part), "{part}: {text}");
        }
        let layout = SurfaceScene::new(&theme, &run_state, &view).unwrap().layout(buf.area);
        let labels = &rows(&buf)[usize::from(layout.map.bottom())];
        assert!(labels.contains("0.5") && labels.contains("0.7"), "{labels}");
        let beside = |y: u16| rows(&buf)[usize::from(y)].chars().take(6).collect::<String>();
        assert!(beside(layout.cell_area((3, 9)).y + 2).contains("0.9"), "{text}");
        // No corner lies in the part, so none is told round the map.
        let above = &rows(&buf)[usize::from(layout.map.y - 1)];
        assert!(!above.contains('%') && !labels.contains('%'), "{text}");
        // The best cell, a corner, is not in sight.
        assert!(layout.map.positions().all(|p| buf[p].symbol() != "★"));
    }
}

#[test]
fn the_part_zooms_lines_and_signs_and_signs_outside_are_left_out() {
    let mut run_state = fitting_run(2, 11);
    run_state.snapshot.as_mut().unwrap().marks = vec![(0.9, 0.9), (0.1, 0.1)];
    let theme = theme(ColorDepth::Truecolor, false);
    for patch_view in [view_of_part((6, 6), 5, Patch::Square), view_of_part((0, 0), 3, Patch::Square)] {
        let view = SurfaceView {
            contours: Contours::Over,
            show_peaks: true,
            show_values: true,
            slices: Slices::Off,
            ..patch_view
        };
        let buf = draw_to_buffer(&run_state, &view, (84, 38), &theme);
        let layout = SurfaceScene::new(&theme, &run_state, &view).unwrap().layout(buf.area);
        let signs = |glyph: &str| {
            let at = layout.map.positions().filter(|&p| buf[p].symbol() == glyph);
            at.filter_map(|p| layout.cell_at(p.x, p.y)).collect::<Vec<_>>()
        };
        let cells = view.shown_cells(11, Patch::Square);
        let marked = if cells.first_cell == (6, 6) { (9, 9) } else { (1, 1) };
        assert_eq!(signs("◇"), [marked]);
        let best = signs("★");
        assert_eq!(best.contains(&(10, 10)), cells.contains((10, 10)), "{best:?}");
        let lines = layout.map.positions().any(|p| {
            let c = buf[p].symbol().chars().next().unwrap();
            ('\u{2801}'..='\u{28FF}').contains(&c)
        });
        assert!(lines, "{}", fixture::text(&buf));
    }
}

#[test]
fn a_relief_shows_the_part_and_the_mouse_finds_only_its_cells() {
    let run_state = fitting_run(2, 11);
    let theme = theme(ColorDepth::Truecolor, false);
    let whole = SurfaceView { show_relief: true, ..view() };
    let part = SurfaceView { show_relief: true, contours: Contours::Over, ..view_of_part((4, 2), 3, Patch::Square) };
    let (all, some) =
        (draw_to_buffer(&run_state, &whole, (84, 38), &theme), draw_to_buffer(&run_state, &part, (84, 38), &theme));
    assert_ne!(all, some);
    let text = fixture::text(&some);
    for end in ["0.4", "0.6", "0.2"] {
        assert!(text.contains(end), "{end}: {text}");
    }
    let mut found = std::collections::BTreeSet::new();
    for p in some.area.positions() {
        found.extend(part.cell_at(some.area, p.x, p.y, &theme, &run_state));
    }
    assert!(found.len() >= 7, "{found:?}");
    assert!(found.iter().all(|&c| part.shown_cells(11, Patch::Square).contains(c)));
}

#[test]
fn beside_each_other_both_surfaces_show_the_part_whatever_their_grids() {
    let run_state = fitting_run(2, 11);
    let other = fitting_run(3, 21);
    let theme = theme(ColorDepth::Truecolor, false);
    let view = SurfaceView {
        comparison: SurfaceComparison::of("other-1".into(), true, &other),
        ..view_of_part((2, 4), 5, Patch::Square)
    };
    let buf = draw_to_buffer(&run_state, &view, (140, 40), &theme);
    let mut found = std::collections::BTreeSet::new();
    for p in buf.area.positions().filter(|p| p.x % 4 == 0 && p.y % 2 == 0) {
        found.extend(view.cell_at(buf.area, p.x, p.y, &theme, &run_state));
    }
    assert_eq!(found.len(), 25);
    assert!(found.iter().all(|&c| view.shown_cells(11, Patch::Square).contains(c)));
    assert!(fixture::text(&buf).contains("u 0.20–0.60, v 0.40–0.80"));
}

#[test]
fn of_a_curve_u_is_zoomed_and_of_a_triangle_what_lies_beside_stays_empty() {
    let theme = theme(ColorDepth::Truecolor, false);
    let curve = fixture::fitting_run_on(Patch::Curve, 2, 11);
    for relief in [false, true] {
        let view = SurfaceView { show_relief: relief, ..view_of_part((3, 0), 5, Patch::Curve) };
        let buf = draw_to_buffer(&curve, &view, (84, 38), &theme);
        let mut found = std::collections::BTreeSet::new();
        for p in buf.area.positions() {
            let cell = view.cell_at(buf.area, p.x, p.y, &theme, &curve);
            found.extend(cell.map(|c| c.0));
        }
        assert_eq!(found.into_iter().collect::<Vec<_>>(), [3, 4, 5, 6, 7]);
        assert!(fixture::text(&buf).contains("u 0.30–0.70"));
    }
    let triangle = fixture::fitting_run_on(Patch::Triangle, 2, 11);
    let view = view_of_part((4, 4), 5, Patch::Triangle);
    let buf = draw_to_buffer(&triangle, &view, (84, 38), &theme);
    let layout = SurfaceScene::new(&theme, &triangle, &view).unwrap().layout(buf.area);
    let ground = |cell| buf[layout.cell_area(cell).as_position()].bg;
    assert_eq!(ground((8, 8)), Color::Reset);
    assert_ne!(ground((5, 5)), Color::Reset);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn any_part_is_drawn_in_any_room(
        w in 5u16..100, h in 3u16..30, grid in 2usize..30, patch in 0usize..3, mode in 0u8..64, depth in 0usize..4,
        steps in prop::collection::vec((0.2f64..2.0, 0usize..40, 0usize..40, -9i64..9, -9i64..9), 0..5),
    ) {
        let patch = [Patch::Square, Patch::Triangle, Patch::Curve][patch];
        let run_state = fixture::fitting_run_on(patch, 2, grid);
        let mut view = SurfaceView {
            show_relief: mode & 1 > 0,
            interpolate: mode & 2 > 0,
            show_values: mode & 4 > 0,
            show_peaks: mode & 8 > 0,
            contours: if mode & 16 > 0 { Contours::Over } else { Contours::Off },
            comparison: (mode & 32 > 0).then(|| SurfaceComparison::of("b".into(), true, &fixture::fitting_run_on(patch, 1, 7)).unwrap()),
            ..view()
        };
        for (factor, a, b, du, dv) in steps {
            view.zoom_by(factor, Some((a % grid, b % grid)), grid, patch);
            view.pan_by((du, dv), grid, patch);
        }
        let theme = theme(COLOR_DEPTHS[depth], mode & 3 == 3);
        let buf = draw_to_buffer(&run_state, &view, (w, h), &theme);
        let cells = view.shown_cells(grid, patch);
        for (x, y) in (0..w).step_by(5).flat_map(|x| (0..h).step_by(3).map(move |y| (x, y))) {
            if let Some(cell) = view.cell_at(buf.area, x, y, &theme, &run_state) {
                prop_assert!(cells.contains(cell) || patch != Patch::Square, "{:?} {:?}", cell, cells);
            }
        }
    }
}
