use super::*;
use crate::theme::ColorDepth;
use crate::views::plot::fixture::{self, COLOR_DEPTHS, apply_events, losses, rows, screen, theme};
use proptest::prelude::*;
use surfit_core::event::Event;
use surfit_core::surface::Degrees;

fn draw_to_buffer(run_state: &RunState, view: &LossView, size: (u16, u16), theme: &Theme) -> Buffer {
    let (area, mut buf) = screen(size.0, size.1);
    render(area, &mut buf, theme, run_state, view, false);
    buf
}

fn plot(run_state: &RunState, view: &LossView, area: Rect) -> CurvePlot {
    CurvePlot::of(pane_frame::inside(area), run_state, view).unwrap()
}

fn run_with_losses(values: Vec<f32>) -> RunState {
    let mut run_state = RunState::default();
    apply_events(&mut run_state, [losses(LossCurve::Surface, values)]);
    run_state
}

fn braille(buf: &Buffer, x: u16) -> bool {
    let area = buf.area;
    (area.top()..area.bottom()).any(|y| buf[(x, y)].symbol().chars().all(|c| ('\u{2801}'..='\u{28ff}').contains(&c)))
}

#[test]
fn before_the_first_step_there_is_one_calm_sentence() {
    let buf = draw_to_buffer(&RunState::default(), &LossView::default(), (40, 9), &theme(ColorDepth::None, false));
    let text = fixture::text(&buf);
    assert!(text.contains("Curves appear here") && text.contains("1 Loss"), "{text}");
}

#[test]
fn title_axes_and_legend() {
    let mut run_state = run_with_losses((0..1240).map(|k| 0.3 + (-(k as f32) / 100.0).exp()).collect());
    let v = Event::Validated { curve: LossCurve::Surface, step: 1200, loss: 0.4, accuracy: 0.872 };
    apply_events(&mut run_state, [v]);
    let buf = draw_to_buffer(&run_state, &LossView::default(), (60, 18), &theme(ColorDepth::None, false));
    let rows = rows(&buf);
    assert!(rows[0].contains("1 Loss  step 1 240  0.300  val 87.2 %"), "{}", rows[0]);
    assert!(rows[17].contains("━ smoothed 0.97") && rows[17].contains("linear · all"), "{}", rows[17]);
    assert!(rows[16].contains("0 ") && rows[16].contains("500") && rows[16].contains("1000"));
    assert!(rows.iter().any(|r| r.contains("│1.0 ")), "{}", rows.join("\n"));
    assert_eq!(fixture::text(&buf).matches('●').count(), 2, "one point and its legend");
}

#[test]
fn values_that_are_not_finite_leave_a_gap_and_do_not_move_the_axis() {
    let mut values = vec![1.0f32; 200];
    values[80..120].fill(f32::NAN);
    values[90] = f32::INFINITY;
    let buf = draw_to_buffer(&run_with_losses(values), &LossView::default(), (62, 12), &theme(ColorDepth::None, false));
    let plot = plot(&run_with_losses(vec![1.0; 200]), &LossView::default(), buf.area);
    let at = |step: f64| braille(&buf, plot.area.x + (step / 199.0 * f64::from(plot.area.width - 1)) as u16);
    assert!(at(40.0) && at(160.0), "{}", fixture::text(&buf));
    assert!(!at(95.0) && !at(105.0), "{}", fixture::text(&buf));
    assert!(fixture::text(&buf).contains("1.00"), "{}", fixture::text(&buf));
}

#[test]
fn a_loss_that_is_not_finite_now_is_told_in_the_title() {
    let buf = draw_to_buffer(
        &run_with_losses(vec![1.0, f32::NAN]),
        &LossView::default(),
        (60, 9),
        &theme(ColorDepth::None, false),
    );
    assert!(rows(&buf)[0].contains("loss not finite"));
}

#[test]
fn a_log_axis_shows_decades_and_takes_zeros() {
    let values = (0..300).map(|k| if k % 50 == 7 { 0.0 } else { 10f32.powf(-k as f32 / 100.0) });
    let view = LossView { log: true, ..LossView::default() };
    let buf = draw_to_buffer(&run_with_losses(values.collect()), &view, (60, 20), &theme(ColorDepth::None, false));
    let text = fixture::text(&buf);
    for label in ["0.01 ", "0.1 ", "1 ", "log"] {
        assert!(text.contains(label), "{label}: {text}");
    }
}

#[test]
fn changes_of_degree_are_marked() {
    let mut run_state = run_with_losses(vec![0.5; 1000]);
    let degrees = |d| Degrees::new(d, d).unwrap();
    let change = Event::DegreeChanged { step: 500, from: degrees(2), to: degrees(3), deviation: 0.0 };
    apply_events(&mut run_state, [change]);
    let buf = draw_to_buffer(&run_state, &LossView::default(), (70, 16), &theme(ColorDepth::Truecolor, false));
    let row = &rows(&buf)[1];
    let at = row.chars().position(|c| c == '┊').expect("a dotted line");
    assert!(row.contains("┊3×3"), "{row}");
    let plot = plot(&run_state, &LossView::default(), buf.area);
    let want = plot.area.x + (500.0 / 999.0 * f64::from(plot.area.width - 1)).round() as u16;
    assert_eq!(at, usize::from(want));
    let ascii = draw_to_buffer(&run_state, &LossView::default(), (70, 16), &theme(ColorDepth::None, true));
    assert!(fixture::text(&ascii).contains("|3x3"));
}

#[test]
fn corners_are_told_apart_by_colour_and_by_number() {
    let mut run_state = RunState::default();
    let curve = |c: usize| losses(LossCurve::Corner(c), vec![1.0 + c as f32; 100]);
    apply_events(&mut run_state, (0..3).map(curve));
    let theme = theme(ColorDepth::Truecolor, false);
    let buf = draw_to_buffer(&run_state, &LossView::default(), (60, 20), &theme);
    let plot = plot(&run_state, &LossView::default(), buf.area);
    let last = plot.area.right() - 1;
    for corner in 0..3 {
        let number = (corner + 1).to_string();
        let cell = (plot.area.top()..plot.area.bottom())
            .map(|y| &buf[(last, y)])
            .find(|c| c.symbol() == number)
            .expect("a number at the end of the curve");
        assert_eq!(cell.fg, theme.style(ThemeRole::corner(corner)).fg.unwrap());
    }
    assert!(rows(&buf)[0].contains("corner 3"));
    // Once the surface trains its curve is alone, until the corners are asked for.
    apply_events(&mut run_state, [losses(LossCurve::Surface, vec![0.5; 10])]);
    assert_eq!(curves::curves_to_show(&run_state, false), [LossCurve::Surface]);
    assert_eq!(curves::curves_to_show(&run_state, true).len(), 4);
}

#[test]
fn ascii_is_ascii() {
    let mut p = run_with_losses((0..500).map(|k| 1.0 / (1.0 + k as f32)).collect());
    apply_events(&mut p, [fixture::corner(0, 0.8), losses(LossCurve::Corner(0), vec![1.0; 30])]);
    for (corners, cursor) in [(false, None), (true, Some(0.3))] {
        let view = LossView { show_corners: corners, cursor, ..LossView::default() };
        let buf = draw_to_buffer(&p, &view, (60, 18), &theme(ColorDepth::None, true));
        assert!(fixture::text(&buf).is_ascii(), "{}", fixture::text(&buf));
    }
}

#[test]
fn without_colours_there_are_none() {
    let buf = draw_to_buffer(
        &run_with_losses(vec![1.0, 2.0, 3.0]),
        &LossView::default(),
        (50, 12),
        &theme(ColorDepth::None, false),
    );
    assert!(buf.content().iter().all(|c| c.fg == ratatui::style::Color::Reset && c.bg == c.fg));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn nothing_breaks_it(seed: u64, w in 0u16..160, h in 0u16..50, x in 0u16..5, flags: u8, cursor in prop::option::of(any::<f64>()),
                         zoom in prop::option::of((0.0f64..3000.0, 1.0f64..3000.0)), others in 0usize..4, strength in 0usize..12, depth in 0usize..4, ascii: bool) {
        let run_state = fixture::random_run_state(seed, (2, 3), 5);
        let flag = |bit: u8| flags & (1 << bit) != 0;
        let mut view = LossView {
            log: flag(0),
            recent: flag(1),
            smooth: flag(2),
            show_corners: flag(3),
            show_learning_rate: flag(4),
            time: flag(5),
            strength,
            cursor,
            zoom: zoom.map(|(from, width)| crate::views::plot::window::AxisWindow { from, to: from + width, follows_end: flag(6) }),
            ..LossView::default()
        };
        for n in 0..others {
            let run_state = fixture::random_run_state(seed ^ n as u64, (1, 1), 3);
            let _ = view.add_overlay(ComparedCurve { name: format!("run-{n}"), path: format!("/{n}").into(), run_state });
        }
        let (area, theme) = (Rect::new(x, x, w, h), theme(COLOR_DEPTHS[depth], ascii));
        let mut buf = Buffer::empty(Rect::new(0, 0, 120, 40));
        for _ in 0..2 {
            render(area, &mut buf, &theme, &run_state, &view, flag(7));
            view.position_at(area, w / 2, h / 2, &run_state);
            view.zoom_at(area, (x + w / 2, x + h / 2), &run_state, 0.5);
            view.drag(area, 5, &run_state);
            view.move_cursor(&run_state, -3);
            view.toggle_time(&run_state);
            view.adjust_smoothing(if flag(6) { 1 } else { -1 });
        }
    }
}

mod cursor;
mod edges;
mod overlays;
mod view;
