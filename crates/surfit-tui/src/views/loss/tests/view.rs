//! Axes: zoom, time, smoothing, learning rate, and that they rest.

use super::*;

fn noisy(steps: u64) -> Vec<f32> {
    let wave = |k: u64| 0.1 * ((k * 7919 % 101) as f32 / 101.0);
    (0..steps).map(|k| 0.5 + wave(k)).collect()
}

#[test]
fn smoothing_goes_from_raw_to_the_strongest_and_back() {
    let mut view = LossView::default();
    assert_eq!(view.smoothing(), 0.97);
    (0..20).for_each(|_| view.adjust_smoothing(1));
    assert_eq!(view.smoothing(), 0.999);
    (0..SMOOTHING_WEIGHTS.len() - 1).for_each(|_| view.adjust_smoothing(-1));
    assert!(view.smooth && view.smoothing() == SMOOTHING_WEIGHTS[0]);
    view.adjust_smoothing(-1);
    assert!(!view.smooth);
    view.adjust_smoothing(-1);
    view.adjust_smoothing(1);
    assert!(view.smooth && view.smoothing() == SMOOTHING_WEIGHTS[0]);
    let buf = draw_to_buffer(&run_with_losses(noisy(500)), &view, (60, 14), &theme(ColorDepth::None, false));
    assert!(rows(&buf)[13].contains("smoothed 0.7"), "{}", rows(&buf)[13]);
    view.smooth = false;
    let buf = draw_to_buffer(&run_with_losses(noisy(500)), &view, (60, 14), &theme(ColorDepth::None, false));
    assert!(!rows(&buf)[13].contains("smoothed") && rows(&buf)[13].contains("raw"));
}

#[test]
fn zooming_shows_a_part_and_says_so() {
    let run_state = run_with_losses(noisy(2000));
    let mut view = LossView { cursor: Some(300.0), ..LossView::default() };
    view.zoom_by(&run_state, 0.1, None);
    let window = view.zoom.unwrap();
    assert!(window.from < 300.0 && 300.0 < window.to && !window.follows_end);
    view.cursor = None;
    let buf = draw_to_buffer(&run_state, &view, (70, 16), &theme(ColorDepth::None, false));
    let rows = rows(&buf);
    assert!(rows[15].contains("zoomed") && !rows[15].contains("live"), "{}", rows[15]);
    assert!(rows[14].contains("300") && !rows[14].contains("1000"), "{}", rows[14]);
    // Out again, and the key for the recent part leads back too.
    let mut other = view.clone();
    (0..5).for_each(|_| other.zoom_by(&run_state, 2.0, None));
    assert_eq!(other.zoom, None);
    view.toggle_recent();
    assert!(view.zoom.is_none() && !view.recent);
    view.toggle_recent();
    assert!(view.recent && view.can_pan());
    view.pan_by(&run_state, -1.0);
    assert!(view.zoom.is_some_and(|w| !w.follows_end));
}

#[test]
fn a_new_fit_is_not_hidden_by_where_was_zoomed_to() {
    let mut run_state = run_with_losses(noisy(2000));
    let mut view = LossView { cursor: Some(1500.0), ..LossView::default() };
    view.zoom_by(&run_state, 0.1, None);
    apply_events(&mut run_state, [losses(LossCurve::Surface, vec![1.0; 50])]);
    assert_eq!(view.window(&run_state).unwrap().0, 0.0);
}

#[test]
fn the_wheel_zooms_about_the_mouse_and_dragging_moves() {
    let run_state = run_with_losses(noisy(2000));
    let mut view = LossView::default();
    let (area, _) = screen(80, 20);
    let plot = plot(&run_state, &view, area);
    let (column, row) = (plot.area.x + plot.area.width / 4, plot.area.y + 2);
    let under = view.position_at(area, column, row, &run_state).unwrap();
    view.zoom_at(area, (column, row), &run_state, 0.5);
    let now = view.position_at(area, column, row, &run_state).unwrap();
    assert!((under - now).abs() <= 15.0, "{under} {now}");
    let before = view.zoom.unwrap();
    view.drag(area, -10, &run_state);
    let moved = view.zoom.unwrap().from - before.from;
    let want = 10.0 / f64::from(plot.area.width) * (before.to - before.from);
    assert!((moved - want).abs() <= 1.0, "{moved} {want}");
    view.zoom_at(area, (0, 0), &run_state, 0.5);
    assert_eq!(view.zoom.unwrap().to - view.zoom.unwrap().from, before.to - before.from);
}

#[test]
fn time_takes_the_place_of_steps() {
    let mut run_state = RunState::default();
    let block =
        |k: u64| Event::Losses { curve: LossCurve::Surface, first_step: 50 * k, values: vec![1.0; 50], rate: 0.1 };
    // The fixture's clock ticks a second an event: 50 steps a second, after the first event.
    apply_events(&mut run_state, (0..101).map(block));
    let mut view = LossView { cursor: Some(2500.0), ..LossView::default() };
    view.zoom_by(&run_state, 0.5, None);
    view.toggle_time(&run_state);
    let seconds = view.cursor.unwrap();
    assert!((seconds - 49.0).abs() < 0.1, "{seconds}");
    let plot = plot(&run_state, &view, Rect::new(0, 0, 80, 20));
    assert!(plot.step_at(seconds).abs_diff(2500) <= 1, "{}", plot.step_at(seconds));
    view.zoom = None;
    view.cursor = None;
    let buf = draw_to_buffer(&run_state, &view, (80, 20), &theme(ColorDepth::None, false));
    let rows = rows(&buf);
    assert!(rows[18].contains("time") && rows[18].contains("1min") && rows[18].contains("30s"), "{}", rows[18]);
    assert!(rows[19].contains("time"), "{}", rows[19]);
    view.toggle_time(&run_state);
    assert!(!view.time);
}

#[test]
fn the_learning_rate_has_a_panel_of_its_own() {
    let mut run_state = RunState::default();
    let block = |k: u64| Event::Losses {
        curve: LossCurve::Surface,
        first_step: 10 * k,
        values: vec![1.0; 10],
        rate: 0.1 - 0.001 * k as f64,
    };
    apply_events(&mut run_state, (0..100).map(block));
    let view = LossView { show_learning_rate: true, ..LossView::default() };
    let buf = draw_to_buffer(&run_state, &view, (70, 20), &theme(ColorDepth::None, false));
    let text = fixture::text(&buf);
    assert!(text.contains("learning rate ┄") && text.contains("0.1 "), "{text}");
    assert!(rows(&buf)[0].contains("rate 0.0010"), "{text}");
    let plot = plot(&run_state, &view, buf.area);
    let panel = plot.rate_area.unwrap();
    let drawn_at = |x: u16| (panel.top()..panel.bottom()).find(|y| !matches!(buf[(x, *y)].symbol(), " ")).unwrap();
    assert_eq!(drawn_at(panel.x), panel.top());
    assert_eq!(drawn_at(panel.right() - 1), panel.bottom() - 1);
    assert!(CurvePlot::of(Rect::new(0, 0, 40, 8), &run_state, &view).unwrap().rate_area.is_none());
}

#[test]
fn the_loss_axis_rests_while_a_curve_hovers_about_a_limit() {
    // The largest value of the window wavers about 0.8, where the axis would end.
    let run = |rests: bool| {
        let view = LossView { recent: true, smooth: false, ..LossView::default() };
        let (mut run_state, mut limits) = (RunState::default(), Vec::new());
        for k in 0..600u64 {
            let mut values = vec![0.5; 10];
            values[3] = if k % 60 < 25 { 0.81 } else { 0.79 };
            let event = Event::Losses { curve: LossCurve::Surface, first_step: 10 * k, values, rate: 0.1 };
            apply_events(&mut run_state, [event]);
            if !rests {
                view.last_axis.set(None);
            }
            limits.push(plot(&run_state, &view, Rect::new(0, 0, 60, 20)).y);
        }
        limits.dedup();
        limits.len()
    };
    assert!(run(false) > 5, "the test itself: without memory the axis jumps, {}", run(false));
    assert!(run(true) <= 2, "{}", run(true));
}

#[test]
fn the_loss_axis_closes_in_when_half_of_it_would_be_empty() {
    let view = LossView { recent: true, ..LossView::default() };
    let mut run_state = run_with_losses(vec![5.0; 300]);
    let area = Rect::new(0, 0, 60, 20);
    let high = plot(&run_state, &view, area).y.hi;
    let event = Event::Losses { curve: LossCurve::Surface, first_step: 300, values: vec![0.5; 3000], rate: 0.1 };
    apply_events(&mut run_state, [event]);
    let low = plot(&run_state, &view, area).y.hi;
    assert!(low < 0.2 * high, "{low} {high}");
}

#[test]
fn a_million_steps_are_drawn_in_milliseconds() {
    let mut run_state = RunState::default();
    for block in 0..1000u64 {
        let values = noisy(1000).iter().map(|v| v / (1.0 + block as f32 / 100.0)).collect();
        let first_step = 1000 * block;
        apply_events(&mut run_state, [Event::Losses { curve: LossCurve::Surface, first_step, values, rate: 0.1 }]);
        let v = Event::Validated { curve: LossCurve::Surface, step: first_step + 1000, loss: 0.5, accuracy: 0.8 };
        apply_events(&mut run_state, [v]);
    }
    let theme = theme(ColorDepth::Truecolor, false);
    let view = LossView { show_learning_rate: true, cursor: Some(5e5), ..LossView::default() };
    let (area, mut buf) = screen(200, 50);
    let mut times: Vec<f64> = (0..20)
        .map(|_| {
            let began = std::time::Instant::now();
            render(area, &mut buf, &theme, &run_state, &view, true);
            1e3 * began.elapsed().as_secs_f64()
        })
        .collect();
    times.sort_by(f64::total_cmp);
    println!("1e6 steps, 200x50: {:.2} ms (fastest {:.2})", times[10], times[0]);
    // Without optimization everything takes some ten times as long.
    let most = if cfg!(debug_assertions) { 50.0 } else { 5.0 };
    assert!(times[0] < most, "{:.2} ms", times[0]);
}
