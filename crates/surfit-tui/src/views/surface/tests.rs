use super::layout::SurfaceLayout;
use super::slices::Slices;
use super::*;
use crate::views::plot::fixture::{self, COLOR_DEPTHS, fitting_run, rows, screen, theme};
use proptest::prelude::*;
use ratatui::style::Color;
use surfit_core::colormap::Colormap;
use surfit_core::heatmap::Metric;

mod cells;
mod comparison;
mod modes;
mod patches;
mod relief;
mod viewport;

fn draw_to_buffer(run_state: &RunState, view: &SurfaceView, size: (u16, u16), theme: &Theme) -> Buffer {
    let (area, mut buf) = screen(size.0, size.1);
    render(area, &mut buf, theme, run_state, view, false);
    buf
}

/// A view whose cursor is out of the way of what is tested.
fn view() -> SurfaceView {
    SurfaceView { cursor: (0, 0), ..SurfaceView::default() }
}

fn heatmap(run_state: &mut RunState) -> &mut Heatmap {
    &mut run_state.snapshot.as_mut().unwrap().heatmap
}

#[test]
fn the_best_cell_is_marked_and_named() {
    let run_state = fitting_run(2, 11);
    let buf = draw_to_buffer(&run_state, &view(), (84, 38), &theme(ColorDepth::Truecolor, false));
    let room = SurfaceLayout::of(buf.area, 11, true).cell_area((10, 10));
    assert!(room.positions().any(|p| buf[p].symbol() == "★"));
    assert!(rows(&buf)[0].contains("★ 89.00 %  at (1.00, 1.00)  degree 2×2"));
    let loss = SurfaceView { metric: Metric::LOSS, ..view() };
    let buf = draw_to_buffer(&run_state, &loss, (84, 38), &theme(ColorDepth::Truecolor, false));
    assert!(rows(&buf)[0].contains("★ 0.300"), "{}", rows(&buf)[0]);
    assert!(fixture::text(&buf).contains("loss · grid 11×11"));
}

#[test]
fn the_readout_tells_all_about_the_cell() {
    let mut run_state = fitting_run(2, 11);
    heatmap(&mut run_state).cells[5 * 11 + 5].version = 1;
    let at = SurfaceView { cursor: (5, 5), ..view() };
    let text = fixture::text(&draw_to_buffer(&run_state, &at, (84, 38), &theme(ColorDepth::Truecolor, false)));
    for part in ["(0.50, 0.50)", "84.50 % ±0.71", "loss 0.450", "-1.80", "10 000 images", "stale"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(text.contains("along u at v = 0.50") && text.contains("along v at u = 0.50"));
    heatmap(&mut run_state).cells[5 * 11 + 5] = Default::default();
    let text = fixture::text(&draw_to_buffer(&run_state, &at, (84, 38), &theme(ColorDepth::Truecolor, false)));
    assert!(text.contains("not measured yet"));
}

#[test]
fn moving_and_jumping() {
    let mut v = view();
    v.move_by(3, -2, 11, Patch::Square);
    assert_eq!(v.cursor, (3, 0));
    v.move_by(i32::MAX, i32::MAX, 11, Patch::Square);
    assert_eq!((v.cursor, v.uv(11)), ((10, 10), (1.0, 1.0)));
    v.clamp(5, Patch::Square);
    assert_eq!(v.cursor, (4, 4));
    v.move_by(i32::MIN, i32::MIN, 5, Patch::Square);
    assert_eq!(v.cursor, (0, 0));
    let run_state = fitting_run(2, 5);
    let map = &run_state.snapshot.as_ref().unwrap().heatmap;
    let order = map.rank_cells(Metric::ACCURACY);
    for &index in order.iter().chain(&order[..1]) {
        v.move_to_next_best(map);
        assert_eq!(v.cursor, (index / 5, index % 5));
    }
    // From anywhere else the jump begins with the best again.
    v.move_by(-1, 0, 5, Patch::Square);
    v.move_to_next_best(map);
    assert_eq!(v.cursor, (order[0] / 5, order[0] % 5));
    v.move_to_next_best(&Heatmap::new(surfit_core::surface::Patch::Square, 5));
}

#[test]
fn before_the_first_snapshot_there_is_one_calm_sentence() {
    let text = fixture::text(&draw_to_buffer(&RunState::default(), &view(), (60, 18), &theme(ColorDepth::None, true)));
    assert!(text.contains("The surface appears here"), "{text}");
}

#[test]
fn before_the_branch_there_is_no_map_of_one_network() {
    let mut run_state = fitting_run(2, 11);
    let snapshot = run_state.snapshot.as_mut().unwrap();
    (snapshot.phase, snapshot.control_points) = (Some(surfit_core::draws::FitPhase::Trunk), Vec::new());
    let text = fixture::text(&draw_to_buffer(&run_state, &view(), (60, 18), &theme(ColorDepth::None, true)));
    assert!(text.contains("appears here at the branch") && !text.contains("u ->"), "{text}");
}

#[test]
fn stepping_the_surface_redraws_little() {
    // Every optimizer step makes all cells a bit more stale; that must not repaint the map each time.
    let mut run_state = fitting_run(2, 11);
    let theme = theme(ColorDepth::Truecolor, false);
    let mut changed = 0;
    let mut before = draw_to_buffer(&run_state, &view(), (84, 38), &theme);
    for _ in 0..100 {
        heatmap(&mut run_state).version += 1;
        let after = draw_to_buffer(&run_state, &view(), (84, 38), &theme);
        changed += before.diff(&after).len();
        before = after;
    }
    assert!(changed < 2 * 84 * 38, "{changed}");
}

fn any_view(seed: u64, slices: bool) -> SurfaceView {
    let pick = |n: u64, of: u64| surfit_core::random::derive_seed(seed, 1000 + n) % of;
    let mut view = SurfaceView {
        quantity: [CellQuantity::Value, CellQuantity::Gain, CellQuantity::Width][pick(0, 3) as usize],
        contours: [Contours::Off, Contours::Over, Contours::Alone][pick(1, 3) as usize],
        slices: if slices { Slices::Diagonals } else { Slices::Off },
        interpolate: pick(2, 2) == 0,
        show_peaks: pick(3, 2) == 0,
        show_relief: pick(4, 2) == 0,
        ..SurfaceView::default()
    };
    view.camera.rotate(pick(6, 360) as f64, pick(7, 90) as f64 - 30.0);
    view
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn nothing_breaks_it(seed: u64, w in 0u16..200, h in 0u16..70, x in 0u16..5, grid in 2usize..=101,
                         cursor: (usize, usize), numbers: bool, slices: bool, depth in 0usize..4, ascii: bool) {
        let run_state = fixture::random_run_state(seed, (2, 2), grid);
        let metric = if numbers { Metric::LOSS } else { Metric::ACCURACY };
        let view = SurfaceView { cursor, metric, show_values: seed.is_multiple_of(2), ..any_view(seed, slices) };
        let mut view = view;
        if seed.is_multiple_of(3) {
            let other = fixture::random_run_state(seed / 3, (2, 3), 2 + grid / 2);
            view.comparison = SurfaceComparison::of("another".into(), true, &other);
        }
        let mut buf = Buffer::empty(Rect::new(0, 0, 150, 60));
        let (area, theme) = (Rect::new(x, x, w, h), theme(COLOR_DEPTHS[depth], ascii));
        render(area, &mut buf, &theme, &run_state, &view, slices);
        for p in buf.area.positions() {
            prop_assert!(area.contains(p) || buf[p] == ratatui::buffer::Cell::EMPTY, "{p:?} outside {area:?}");
        }
        view.cell_at(area, w / 2, h / 2, &theme, &run_state);
        view.uv(grid);
    }
}
