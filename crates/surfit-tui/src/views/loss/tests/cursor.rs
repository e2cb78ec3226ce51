//! The cursor and what is read at it.

use super::*;
use surfit_core::draws::FitPhase;

fn run_with_steps(steps: u64) -> RunState {
    run_with_losses((0..steps).map(|k| k as f32 / 100.0).collect())
}

/// A fit of 1000 steps with everything that can be read.
fn full_run() -> RunState {
    let mut run_state = RunState::default();
    let degrees = |d| Degrees::new(d, d).unwrap();
    let begins = |step, phase| Event::PhaseBegan { step, phase };
    let mut events = vec![begins(0, FitPhase::Edge), begins(300, FitPhase::Interior)];
    for block in 0..100u64 {
        events.push(Event::Losses {
            curve: LossCurve::Surface,
            first_step: 10 * block,
            values: vec![1.0 - 0.005 * block as f32; 10],
            rate: 0.1 - 0.0005 * block as f64,
        });
        if block % 20 == 19 {
            events.push(Event::Validated {
                curve: LossCurve::Surface,
                step: 10 * block + 10,
                loss: 0.9,
                accuracy: 0.6 + 0.001 * block as f64,
            });
        }
    }
    events.push(Event::DegreeChanged { step: 500, from: degrees(2), to: degrees(3), deviation: 0.0 });
    apply_events(&mut run_state, events);
    run_state
}

#[test]
fn a_small_pane_reads_into_the_foot_line() {
    let run_state = run_with_steps(101);
    let mut view = LossView::default();
    let (area, _) = screen(70, 9);
    let plot = plot(&run_state, &view, area);
    let column = plot.area.x + (plot.area.width - 1) / 2;
    view.cursor = view.position_at(area, column, plot.area.y, &run_state);
    let cursor = view.cursor.unwrap();
    // The axis ends at step 119: of 101 steps it rounds up to 120.
    assert!((cursor - 59.0).abs() <= 2.0 && cursor.fract() == 0.0, "{cursor}");
    let buf = draw_to_buffer(&run_state, &view, (70, 9), &theme(ColorDepth::None, false));
    let foot = &rows(&buf)[8];
    let raw = text::format_loss(cursor / 100.0);
    assert!(foot.contains(&format!("step {cursor}  raw {raw}  smoothed")), "{foot}");
    assert!(!foot.contains("linear"), "{foot}");
    assert_eq!(view.position_at(area, 0, 0, &run_state), None);
}

#[test]
fn a_large_pane_shows_everything_beside_the_cursor() {
    let run_state = full_run();
    for (cursor, degree) in [(100.0, "2×2, edges"), (450.0, "2×2, interior"), (700.0, "3×3, interior")] {
        let view = LossView { cursor: Some(cursor), ..LossView::default() };
        let buf = draw_to_buffer(&run_state, &view, (100, 24), &theme(ColorDepth::Truecolor, false));
        let text = fixture::text(&buf);
        for part in [
            format!("step     {cursor}"),
            format!("degree   {degree}"),
            "raw ".into(),
            "smoothed ".into(),
            "rate ".into(),
        ] {
            assert!(text.contains(&part), "{part}\n{text}");
        }
        // Validation came every 200 steps; before the first there is nothing to read.
        assert_eq!(text.contains("val      0.900 ("), cursor >= 200.0, "{text}");
        assert!(rows(&buf)[23].contains("linear · all"), "{text}");
        let (x, y) = crate::test_app::find_text(&buf, "◆").unwrap();
        let accent = theme(ColorDepth::Truecolor, false).style(ThemeRole::Accent);
        assert_eq!(buf[(x, y)].fg, accent.fg.unwrap());
    }
}

#[test]
fn the_rate_is_read_between_what_was_told() {
    let run_state = full_run();
    let plot = plot(&run_state, &LossView::default(), Rect::new(0, 0, 80, 24));
    let rate = plot.rate_at(499.0).unwrap();
    assert!((rate - (0.1 - 0.0005 * 49.0)).abs() < 1e-9, "{rate}");
}

#[test]
fn keys_move_it_and_it_takes_the_window_along() {
    let run_state = run_with_steps(1000);
    let mut view = LossView::default();
    view.move_cursor(&run_state, -1);
    assert_eq!(view.cursor, Some(999.0));
    view.move_cursor(&run_state, -1);
    assert_eq!(view.cursor, Some(979.0));
    view.zoom_by(&run_state, 0.1, None);
    let (from, to) = view.window(&run_state).unwrap();
    assert!(from <= 979.0 && 979.0 <= to && to - from < 110.0);
    for _ in 0..60 {
        view.move_cursor(&run_state, -1);
    }
    let cursor = view.cursor.unwrap();
    let window = view.window(&run_state).unwrap();
    assert!(cursor < from && window.0 <= cursor && cursor <= window.1, "{cursor} {window:?}");
    view.move_cursor_to_end(&run_state, false);
    assert_eq!(view.cursor, Some(window.0));
    assert!(view.clear_cursor_or_zoom() && view.cursor.is_none() && view.zoom.is_some());
    assert!(view.clear_cursor_or_zoom() && view.zoom.is_none());
    assert!(!view.clear_cursor_or_zoom());
}

#[test]
fn it_stays_on_its_step_while_the_fit_goes_on() {
    let mut run_state = run_with_steps(1000);
    let view = LossView { cursor: Some(400.0), ..LossView::default() };
    let before = plot(&run_state, &view, Rect::new(0, 0, 80, 20)).step_at(view.cursor.unwrap());
    let more = Event::Losses { curve: LossCurve::Surface, first_step: 1000, values: vec![1.0; 3000], rate: 0.1 };
    apply_events(&mut run_state, [more]);
    let after = plot(&run_state, &view, Rect::new(0, 0, 80, 20)).step_at(view.cursor.unwrap());
    assert_eq!((before, after), (400, 400));
}
