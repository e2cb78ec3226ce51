//! Two surfaces side by side.

use super::*;
use surfit_core::surface::Degrees;

fn pair(grid: usize, other: usize) -> (RunState, SurfaceView) {
    let run_state = fitting_run(3, grid);
    let mut before = fitting_run(2, other);
    for cell in &mut before.snapshot.as_mut().unwrap().heatmap.cells {
        *cell = surfit_core::heatmap::Cell::from_counts(cell.correct() - 100, cell.images, 0.5, cell.version);
    }
    let beside = SurfaceComparison::of("degree 2×2".into(), false, &before);
    let view = SurfaceView { comparison: beside, cursor: (grid / 2, grid / 2), ..SurfaceView::default() };
    (run_state, view)
}

#[test]
fn both_maps_and_their_difference_are_shown_with_linked_cursors() {
    for (grid, other) in [(11, 11), (11, 21), (21, 5)] {
        let (run_state, view) = pair(grid, other);
        for (w, h) in [(140, 42), (84, 38), (44, 19), (58, 12)] {
            let buf = draw_to_buffer(&run_state, &view, (w, h), &theme(ColorDepth::Truecolor, false));
            let text = fixture::text(&buf);
            let difference = if w >= 84 { "degree 3×3 − degree 2×2" } else { "this − other" };
            for part in ["degree 3×3", "degree 2×2", difference, "(0.50, 0.50)"] {
                assert!(text.contains(part), "{grid} {other} {w}×{h}: no {part}\n{text}");
            }
        }
        let text = fixture::text(&draw_to_buffer(&run_state, &view, (140, 42), &theme(ColorDepth::Truecolor, false)));
        assert!(text.contains("84.50 %") && text.contains("83.50 %"), "{text}");
        assert!(text.contains("difference +1.00"), "{text}");
        assert!(text.contains("mean difference over"), "{text}");
    }
}

#[test]
fn a_difference_that_is_not_known_is_no_fault() {
    let (run_state, mut view) = pair(11, 11);
    let other = view.comparison.as_mut().unwrap();
    for cell in other.heatmap.cells.iter_mut().step_by(2) {
        *cell = Default::default();
    }
    for depth in [ColorDepth::None, ColorDepth::Truecolor] {
        let buf = draw_to_buffer(&run_state, &view, (140, 42), &theme(depth, false));
        let text = fixture::text(&buf);
        assert!(text.contains("degree 3×3 − degree 2×2") && !text.contains('!'), "{text}");
    }
}

#[test]
fn what_is_not_measured_has_no_sign_of_few_images() {
    let (mut run_state, view) = pair(11, 11);
    run_state.info = crate::fixture::loading_run().info;
    run_state.info.as_mut().unwrap().images[1] = 20_000;
    let shown = |run_state: &RunState| {
        fixture::text(&draw_to_buffer(run_state, &view, (140, 42), &theme(ColorDepth::Truecolor, false)))
    };
    assert!(shown(&run_state).contains("≈84.50 %"), "{}", shown(&run_state));
    heatmap(&mut run_state).cells[5 * 11 + 5] = Default::default();
    let text = shown(&run_state);
    assert!(text.contains(" not measured") && !text.contains("≈not"), "{text}");
}

#[test]
fn the_mouse_finds_cells_in_each_of_the_three() {
    let (run_state, view) = pair(5, 9);
    let theme = theme(ColorDepth::Truecolor, false);
    let area = Rect::new(2, 1, 60, 18);
    let mut found = std::collections::HashMap::new();
    for p in area.positions() {
        if let Some(cell) = view.cell_at(area, p.x, p.y, &theme, &run_state) {
            *found.entry(cell).or_insert(0) += 1;
        }
    }
    assert_eq!(found.len(), 25);
}

#[test]
fn surfaces_of_different_kinds_are_not_compared() {
    let (_, view) = pair(11, 11);
    let curve = fixture::fitting_run_on(Patch::Curve, 2, 11);
    let text = fixture::text(&draw_to_buffer(&curve, &view, (84, 38), &theme(ColorDepth::None, false)));
    assert!(!text.contains(" − "), "{text}");
}

#[test]
fn the_surface_is_kept_when_its_degree_changes_and_only_then() {
    let mut run_state = fitting_run(2, 11);
    let mut view = view();
    let mut now = run_state.snapshot.clone().unwrap();
    view.save_earlier_surface(&run_state, &now);
    assert_eq!(view.earlier_surface, None);
    now.degrees = Degrees::for_patch(Patch::Square, 3, 2).unwrap();
    view.save_earlier_surface(&run_state, &now);
    let kept = view.earlier_surface.clone().unwrap();
    assert_eq!((kept.name.as_str(), kept.corners.len()), ("degree 2×2", 4));
    // Nothing was measured of the next one: the one that can be looked at stays.
    run_state.snapshot = Some(now.clone());
    heatmap(&mut run_state).cells.fill(Default::default());
    now.degrees = Degrees::for_patch(Patch::Square, 3, 3).unwrap();
    view.save_earlier_surface(&run_state, &now);
    assert_eq!(view.earlier_surface, Some(kept));
}

#[test]
fn names_and_figures_are_ascii_where_nothing_else_is() {
    let (run_state, mut view) = pair(11, 11);
    view.comparison.as_mut().unwrap().name = "other-3×3-曲面".into();
    for foreign in [false, true] {
        view.comparison.as_mut().unwrap().from_other_run = foreign;
        for (w, h) in [(140, 42), (140, 60), (84, 38), (44, 19)] {
            let buf = draw_to_buffer(&run_state, &view, (w, h), &theme(ColorDepth::None, true));
            let text = fixture::text(&buf);
            assert!(text.is_ascii(), "{w}×{h}\n{text}");
            assert!(text.contains("other-3x3-??"), "{w}×{h}\n{text}");
        }
    }
}
