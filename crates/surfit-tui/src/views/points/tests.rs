use super::*;
use crate::theme::ColorDepth;
use crate::views::plot::fixture::{self, COLOR_DEPTHS, apply_events, corner, fitting_run, losses, rows, screen, theme};
use proptest::prelude::*;
use surfit_core::event::LossCurve;

fn draw_to_buffer(run_state: &RunState, cursor: usize, size: (u16, u16), theme: &Theme) -> Buffer {
    let (area, mut buf) = screen(size.0, size.1);
    render(area, &mut buf, theme, run_state, &PointsView { cursor, ..PointsView::default() }, false);
    buf
}

#[test]
fn points_lie_as_on_the_surface() {
    let run_state = fitting_run(2, 5);
    let buf = draw_to_buffer(&run_state, 8, (55, 18), &theme(ColorDepth::None, false));
    let text = rows(&buf);
    assert!(text[0].contains("3 Control points  degree 2×2  4 of 9 train"), "{}", text[0]);
    let row = |part: &str| text.iter().position(|r| r.contains(part)).unwrap_or_else(|| panic!("{part}"));
    // v upward: corners 3 and 4 above corners 1 and 2.
    assert!(row("◆ 3") < row("◆ 1") && row("◆ 3") == row("◆ 4") && row("◆ 1") == row("◆ 2"));
    let third = &text[row("◆ 3")];
    assert!(third.find("◆ 3") < third.find("◆ 4"));
    for sign in ["◐ trainable", "○ frozen", "◆ fixed"] {
        assert!(text[17].contains(sign), "{}", text[17]);
    }
}

#[test]
fn the_selected_point_is_described() {
    let run_state = fitting_run(2, 5);
    let degrees = run_state.snapshot.as_ref().unwrap().degrees;
    let at = degrees.row_indices().iter().position(|r| *r == (1, 2)).unwrap();
    let text = fixture::text(&draw_to_buffer(&run_state, at, (55, 18), &theme(ColorDepth::None, false)));
    for part in ["(1, 2) trainable", "travelled 0.100", "gradient 0.020", "peaks at (0.50, 1.00)"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    // The surface at (0.5, 1): 0.80 + 0.025 + 0.04.
    assert!(text.contains("surface there 86.50 %"), "{text}");
    let corner = fixture::text(&draw_to_buffer(&run_state, 3, (55, 18), &theme(ColorDepth::None, false)));
    assert!(corner.contains("(2, 2) fixed") && corner.contains("accuracy 86.30 %"), "{corner}");
}

#[test]
fn all_81_points_of_the_highest_degree_can_be_reached() {
    let run_state = fitting_run(8, 5);
    let degrees = run_state.snapshot.as_ref().unwrap().degrees;
    for size in [(55, 18), (40, 9), (20, 6), (24, 14)] {
        for (cursor, (i, j)) in degrees.row_indices().into_iter().enumerate() {
            let area = Rect::new(0, 0, size.0, size.1);
            let layout = TileLayout::of(pane_frame::inside(area), degrees, cursor);
            let found = area.positions().find(|p| layout.point_at(p.x, p.y) == Some(cursor));
            let view = PointsView { cursor, ..PointsView::default() };
            let found = found.and_then(|p| view.point_at(area, p.x, p.y, &run_state));
            assert!(found == Some(cursor), "({i}, {j}) is not shown at {size:?}");
        }
    }
    let text = fixture::text(&draw_to_buffer(&run_state, 40, (55, 18), &theme(ColorDepth::None, true)));
    assert!(text.is_ascii(), "{text}");
    assert!(text.matches('.').count() >= 76, "{text}");
}

#[test]
fn the_mouse_finds_the_tile() {
    let run_state = fitting_run(2, 5);
    let area = Rect::new(3, 2, 55, 18);
    let mut buf = Buffer::empty(Rect::new(0, 0, 70, 30));
    let view = PointsView::default();
    render(area, &mut buf, &theme(ColorDepth::None, false), &run_state, &view, true);
    let text = rows(&buf);
    let y = text.iter().position(|r| r.contains("◆ 4")).unwrap();
    let x = text[y].chars().collect::<Vec<_>>().windows(3).position(|w| w == ['◆', ' ', '4']);
    assert_eq!(view.point_at(area, x.unwrap() as u16, y as u16, &run_state), Some(3));
    assert_eq!(view.point_at(area, 0, 0, &run_state), None);
}

#[test]
fn the_cursor_moves_over_the_grid() {
    let degrees = Degrees::new(2, 3).unwrap();
    let mut view = PointsView::default();
    let place = |view: &PointsView| degrees.row_indices()[view.cursor];
    view.move_by(1, 0, degrees);
    assert_eq!(place(&view), (1, 0));
    view.move_by(0, 2, degrees);
    assert_eq!(place(&view), (1, 2));
    view.move_by(9, 9, degrees);
    assert_eq!((place(&view), view.cursor), ((2, 3), 3));
    view.cursor = 9999;
    view.move_by(i32::MIN, 0, degrees);
    assert_eq!(place(&view), (0, 0));
}

#[test]
fn tiles_grow_lighter_with_the_way_travelled() {
    let run_state = fitting_run(2, 5);
    let buf = draw_to_buffer(&run_state, 0, (55, 18), &theme(ColorDepth::Truecolor, false));
    let grounds: std::collections::BTreeSet<String> = buf.content().iter().map(|c| format!("{:?}", c.bg)).collect();
    assert!(grounds.len() >= 4, "{grounds:?}");
    let plain = draw_to_buffer(&run_state, 0, (55, 18), &theme(ColorDepth::None, false));
    assert!(plain.content().iter().all(|c| c.bg == ratatui::style::Color::Reset));
}

#[test]
fn corners_are_shown_while_they_are_made() {
    let mut run_state = RunState::default();
    let empty = fixture::text(&draw_to_buffer(&run_state, 0, (55, 18), &theme(ColorDepth::None, false)));
    assert!(empty.contains("Control points appear here"), "{empty}");
    apply_events(&mut run_state, [corner(0, 0.861), losses(LossCurve::Corner(1), vec![0.7; 240])]);
    let accuracy =
        surfit_core::event::Event::Validated { curve: LossCurve::Corner(1), step: 200, loss: 0.5, accuracy: 0.812 };
    apply_events(&mut run_state, [accuracy]);
    for size in [(55, 18), (40, 9)] {
        let text = fixture::text(&draw_to_buffer(&run_state, 0, size, &theme(ColorDepth::None, false)));
        for part in ["1 of 4 ready", "1 ✓ 86.10 %", "12.3 s", "2 ▸ training", "val 81.2 %", "4 · waiting"] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
    let text = fixture::text(&draw_to_buffer(&run_state, 0, (55, 18), &theme(ColorDepth::None, true)));
    assert!(text.contains("seed 1, 8 epochs") && text.contains("loss 0.700"));
    assert!(text.is_ascii(), "{text}");
}

#[test]
fn a_given_corner_is_shown_with_both_of_its_figures_and_marked_when_something_is_wrong() {
    let mut run_state = RunState::default();
    let surfit_core::event::Event::CornerReady(mut given) = corner(0, 0.7712) else { panic!("no corner") };
    given.source = "a.pt".into();
    given.own_statistics = Some(surfit_core::event::OwnStatistics { accuracy: 1.0, loss: 0.01 });
    let ready = |given: &surfit_core::event::CornerReady| surfit_core::event::Event::CornerReady(given.clone());
    apply_events(&mut run_state, [ready(&given)]);
    let seen = |run_state: &RunState, ascii| {
        fixture::text(&draw_to_buffer(run_state, 0, (55, 18), &theme(ColorDepth::None, ascii)))
    };
    let text = seen(&run_state, false);
    for part in ["1 ✓ 77.12 %", "own statistics 100.00 %", "a.pt"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    given.warnings = vec!["corner 1 is far off".into()];
    apply_events(&mut run_state, [ready(&given)]);
    assert!(seen(&run_state, false).contains("1 ! 77.12 %"));
    assert!(seen(&run_state, true).contains("1 ! 77.12 %"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn nothing_breaks_it(seed: u64, w in 0u16..160, h in 0u16..50, x in 0u16..5, m in 1u8..=8, n in 1u8..=8,
                         cursor in prop::option::of(0usize..90), depth in 0usize..4, ascii: bool) {
        let run_state = fixture::random_run_state(seed, (m, n), 5);
        let view = PointsView {
            cursor: cursor.unwrap_or(usize::MAX),
            show_distances: seed % 4 == 0,
            figure: Figure::ALL[(seed % 3) as usize],
            pair: (cursor.unwrap_or(3), cursor.unwrap_or(7)),
        };
        let mut buf = Buffer::empty(Rect::new(0, 0, 120, 40));
        render(Rect::new(x, x, w, h), &mut buf, &theme(COLOR_DEPTHS[depth], ascii), &run_state, &view, ascii);
        view.point_at(Rect::new(x, x, w, h), w / 2, h / 2, &run_state);
        let mut moved = view.clone();
        moved.move_by(1, -1, Degrees::new(m, n).unwrap());
        moved.move_pair(1, -1, &run_state);
        prop_assert!(moved.cursor < Degrees::new(m, n).unwrap().point_count());
    }
}

#[test]
fn no_figure_of_a_tile_is_cut_at_any_size() {
    for degree in [1, 2, 3, 8] {
        let run_state = fitting_run(degree, 5);
        for size in [(38, 8), (37, 11), (55, 18), (80, 22), (140, 40), (200, 50)] {
            let text = fixture::text(&draw_to_buffer(&run_state, 0, size, &theme(ColorDepth::None, false)));
            // A corner has its number, and its accuracy whole or not at all.
            for (n, _) in text.match_indices("◆ ") {
                let tile: String = text[n..].chars().skip(2).take(9).collect();
                assert!(!tile.contains("86. "), "{tile:?} at {size:?}\n{text}");
            }
        }
    }
    let zoomed = fixture::text(&draw_to_buffer(&fitting_run(2, 5), 0, (200, 50), &theme(ColorDepth::None, false)));
    for part in ["travelled", "gradient", "accuracy   86.", "corner 1 fixed", "(1, 1) trainable"] {
        assert!(zoomed.contains(part), "{part}: {zoomed}");
    }
    let small = fixture::text(&draw_to_buffer(&fitting_run(3, 5), 0, (37, 11), &theme(ColorDepth::None, false)));
    assert!(small.contains("86.00") || small.contains("86.0"), "{small}");
}

#[test]
fn points_that_move_are_told_from_those_that_wait() {
    let mut run_state = fitting_run(2, 5);
    let snapshot = run_state.snapshot.as_mut().unwrap();
    snapshot.stage = surfit_core::event::JobStage::Fit;
    // In the edge phase the middle stands still.
    snapshot.control_points[8].gradient = 0.0;
    for depth in COLOR_DEPTHS {
        let buf = draw_to_buffer(&run_state, 8, (55, 18), &theme(depth, false));
        let text = fixture::text(&buf);
        for sign in ["● moving", "◐ trainable", "○ frozen", "◆ fixed"] {
            assert!(text.contains(sign), "{sign}: {text}");
        }
    }
    run_state.snapshot.as_mut().unwrap().state = surfit_core::snapshot::EngineState::Paused;
    let text = fixture::text(&draw_to_buffer(&run_state, 8, (55, 18), &theme(ColorDepth::None, false)));
    assert!(!text.contains("moving"), "{text}");
}

#[test]
fn before_the_branch_there_are_no_control_points() {
    let run_state = crate::fixture::trunk_run();
    let text = fixture::text(&draw_to_buffer(&run_state, 0, (100, 18), &theme(ColorDepth::None, false)));
    assert!(text.contains("Control points appear here at the branch"), "{text}");
    assert!(text.contains("3 Control points") && !text.contains("Corners"), "{text}");
}

#[test]
fn corners_that_train_keep_their_numbers_and_have_figures() {
    let run_state = crate::fixture::branch_run(crate::fixture::fitting_run());
    // Tiles with all figures, and small ones.
    for (size, corner) in [((120, 60), "corner 2"), ((60, 18), "2 0.1")] {
        let mut run_state = run_state.clone();
        for point in &mut run_state.snapshot.as_mut().unwrap().control_points {
            point.travelled = 0.123;
        }
        let text = fixture::text(&draw_to_buffer(&run_state, 1, size, &theme(ColorDepth::None, false)));
        assert!(text.contains(corner), "{corner}: {text}");
        assert!(!text.contains("fixed"), "{text}");
        for part in ["corner 2", "travelled 0.123", "gradient "] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}

/// The screen of the smallest grid of tiles in use: a pane of 31 columns, as at 80×24.
fn draw_smallest(degree: u8, figure: Figure, told: bool, theme: &Theme) -> String {
    let mut run_state = fitting_run(degree, 5);
    let snapshot = run_state.snapshot.as_mut().unwrap();
    for point in &mut snapshot.control_points {
        let (u, v) = snapshot.degrees.row_parameters((point.i, point.j));
        point.accuracy = told.then_some(0.80 + 0.05 * u + 0.04 * v);
        point.travelled *= 0.9137;
    }
    let view = PointsView { figure, ..PointsView::default() };
    let (area, mut buf) = screen(31, 10);
    render(area, &mut buf, theme, &run_state, &view, false);
    fixture::text(&buf)
}

#[test]
fn small_tiles_tell_two_digits_of_the_figure_that_was_chosen() {
    for ascii in [false, true] {
        let plain = theme(ColorDepth::None, ascii);
        for degree in [4, 8] {
            let text = draw_smallest(degree, Figure::Travelled, true, &plain);
            let unit = if ascii { "travelled x0.0" } else { "travelled ×0.0" };
            assert!(text.contains(unit), "{text}");
            assert!(ascii || !text.contains(".0\u{20}"), "{text}");
            let text = draw_smallest(degree, Figure::Accuracy, true, &plain);
            assert!(text.contains("accuracy %"), "{text}");
            assert!(!ascii || text.is_ascii(), "{text}");
        }
        let text = draw_smallest(4, Figure::Travelled, true, &plain);
        for digits in ["9", "18", "27", "37"] {
            assert!(text.contains(digits), "{digits}: {text}");
        }
        let text = draw_smallest(4, Figure::Accuracy, true, &plain);
        for digits in ["81", "82", "83", "84", "85"] {
            assert!(text.contains(digits), "{digits}: {text}");
        }
        let text = draw_smallest(4, Figure::Gradient, true, &plain);
        assert!(text.contains("gradient") && text.contains("20"), "{text}");
    }
}

#[test]
fn an_accuracy_that_the_engine_did_not_tell_is_marked() {
    let plain = theme(ColorDepth::None, false);
    let sized = |told: bool| {
        let mut run_state = fitting_run(2, 5);
        for point in &mut run_state.snapshot.as_mut().unwrap().control_points {
            point.accuracy = told.then_some(0.8123);
        }
        fixture::text(&draw_to_buffer(&run_state, 8, (100, 40), &plain))
    };
    let (told, derived) = (sized(true), sized(false));
    assert!(told.contains("81.23") && !told.contains('≈'), "{told}");
    assert!(derived.contains("surface there ≈87.00 %"), "{derived}");
    assert!(derived.contains("≈84.50"), "{derived}");
    // A corner's own is known.
    assert!(derived.contains("86.30"), "{derived}");
}

#[test]
fn colours_go_by_the_chosen_figure() {
    let grounds = |figure| {
        let mut run_state = fitting_run(4, 5);
        for (n, point) in (run_state.snapshot.as_mut().unwrap().control_points.iter_mut()).enumerate() {
            point.accuracy = Some(0.8 + 0.003 * n as f64);
            point.travelled = 0.2;
        }
        let view = PointsView { figure, ..PointsView::default() };
        let (area, mut buf) = screen(90, 40);
        render(area, &mut buf, &theme(ColorDepth::Truecolor, false), &run_state, &view, false);
        let all = buf.content().iter().map(|c| format!("{:?}", c.bg));
        all.collect::<std::collections::BTreeSet<_>>().len()
    };
    assert!(grounds(Figure::Travelled) <= 4);
    assert!(grounds(Figure::Accuracy) >= 10);
}

/// The name of a file that tells one corner from the other only at its end.
const LONG_SOURCE: &str = "perceptron-with-sixty-four-hidden-units-epoch-160-seed-7.safetensors";

#[test]
fn a_long_source_has_the_columns_that_are_free_and_else_both_of_its_ends() {
    let mut corners = crate::fixture::corner_training_run();
    let mut fitting = crate::fixture::fitting_run();
    for run_state in [&mut corners, &mut fitting] {
        for corner in run_state.corners.values_mut() {
            corner.source = LONG_SOURCE.into();
        }
    }
    let theme = Theme::built_in("dark", ColorDepth::None).unwrap();
    for (run_state, height) in [(&corners, 20), (&corners, 6), (&fitting, 30)] {
        let shown = |width| fixture::text(&draw_to_buffer(run_state, 0, (width, height), &theme));
        // Beside the grid of points there is less room.
        let wide = shown(120);
        let whole = wide.contains(LONG_SOURCE);
        assert!(whole || height == 30 && wide.contains("seed-7"), "{wide}");
        let short = shown(60);
        assert!(short.contains("seed-7") && short.contains('…'), "{short}");
    }
}
