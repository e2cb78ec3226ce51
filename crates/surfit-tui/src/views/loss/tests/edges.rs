//! Few points, diverged fits, labels that crowd.

use super::*;

#[test]
fn one_point_can_be_seen() {
    for (ascii, glyph) in [(false, '•'), (true, '*')] {
        let buf = draw_to_buffer(
            &run_with_losses(vec![2.3]),
            &LossView::default(),
            (50, 12),
            &theme(ColorDepth::None, ascii),
        );
        let text = fixture::text(&buf);
        assert_eq!(text.matches(glyph).count(), 1, "{text}");
        assert!(text.contains("2.300"), "{text}");
    }
}

#[test]
fn a_diverged_fit_keeps_its_axis_and_says_what_happened() {
    let mut values: Vec<f32> = (0..300).map(|k| 2.3 - 0.005 * k as f32).collect();
    values.extend((0..40).map(|k| 10f32.powi(k)));
    values.extend([f32::NAN; 60]);
    let run_state = run_with_losses(values);
    let buf = draw_to_buffer(&run_state, &LossView::default(), (80, 20), &theme(ColorDepth::Truecolor, false));
    let text = fixture::text(&buf);
    assert!(rows(&buf)[0].contains("loss not finite"), "{text}");
    let plot = plot(&run_state, &LossView::default(), buf.area);
    assert!(plot.y.hi < 15.0, "{:?}", plot.y);
    let error = theme(ColorDepth::Truecolor, false).style(ThemeRole::Error).fg.unwrap();
    let (x, y) = crate::test_app::find_text(&buf, "▴").expect("an arrow where the curve leaves the axis");
    assert_eq!((y, buf[(x, y)].fg), (plot.area.y, error));
    let row = &rows(&buf)[usize::from(plot.area.bottom() - 1)];
    let crosses: Vec<usize> = row.chars().enumerate().filter(|c| c.1 == '×').map(|c| c.0).collect();
    assert!(crosses.len() >= 8, "{row}");
    assert!(crosses[0] > usize::from(x), "the gap comes after the rise: {text}");
}

#[test]
fn a_curve_that_falls_far_keeps_its_beginning() {
    let values = (0..2000).map(|k| 2.3 * (-(k as f32) / 50.0).exp() + 0.001).collect();
    let run_state = run_with_losses(values);
    let plot = plot(&run_state, &LossView::default(), Rect::new(0, 0, 80, 20));
    assert!(plot.y.hi >= 2.0, "{:?}", plot.y);
}

#[test]
fn labels_of_degrees_do_not_overlap() {
    let mut run_state = run_with_losses(vec![0.5; 1000]);
    let degrees = |d| Degrees::new(d, d).unwrap();
    let change =
        |(step, d): (u64, u8)| Event::DegreeChanged { step, from: degrees(d), to: degrees(d + 1), deviation: 0.0 };
    apply_events(&mut run_state, [(500, 1), (520, 2), (540, 3), (541, 4), (900, 5)].map(change));
    let buf = draw_to_buffer(&run_state, &LossView::default(), (80, 20), &theme(ColorDepth::None, false));
    let text = fixture::text(&buf);
    for label in ["2×2", "3×3", "5×5", "6×6"] {
        assert_eq!(text.matches(label).count(), 1, "{label}\n{text}");
    }
    // The change that is in the same column as the next one is over at once.
    assert!(!text.contains("4×4"), "{text}");
}

#[test]
fn phases_are_named_on_the_axis() {
    use surfit_core::draws::FitPhase;
    let mut run_state = run_with_losses(vec![0.5; 1000]);
    let begins = |step, phase| Event::PhaseBegan { step, phase };
    apply_events(&mut run_state, [begins(0, FitPhase::Edge), begins(400, FitPhase::Interior)]);
    let buf = draw_to_buffer(&run_state, &LossView::default(), (80, 20), &theme(ColorDepth::None, false));
    let row = &rows(&buf)[17];
    assert!(row.contains("─ edges ─") && row.contains("─ interior ─"), "{row}");
    assert!(fixture::text(&buf).matches('╎').count() > 8);
    // So is the one network of a course that branches, from its first step on.
    apply_events(&mut run_state, [begins(0, FitPhase::Trunk)]);
    let trunk = |run_state: &RunState| {
        draw_to_buffer(run_state, &LossView::default(), (80, 20), &theme(ColorDepth::None, false))
    };
    assert!(rows(&trunk(&run_state))[17].contains("─ trunk ─"), "{}", rows(&trunk(&run_state))[17]);
    apply_events(&mut run_state, [begins(600, FitPhase::Interior)]);
    let row = &rows(&trunk(&run_state))[17];
    assert!(row.contains("─ trunk ─") && row.contains("─ interior ─"), "{row}");
    // A fit of the interior alone has nothing to tell apart.
    apply_events(&mut run_state, [begins(0, FitPhase::Interior)]);
    let buf = draw_to_buffer(&run_state, &LossView::default(), (80, 20), &theme(ColorDepth::None, false));
    assert!(!fixture::text(&buf).contains("interior"));
}

#[test]
fn raw_and_smoothed_are_told_apart_without_colour() {
    let values: Vec<f32> = (0..600).map(|k| if k % 2 == 0 { 0.2 } else { 0.8 }).collect();
    let run_state = run_with_losses(values);
    let view = LossView::default();
    let count = |buf: &Buffer, area: Rect, is: &dyn Fn(&str) -> bool| {
        area.positions().filter(|at| is(buf[*at].symbol())).count()
    };
    // ASCII: strokes for the smoothed line, points above and below it, nothing between.
    let buf = draw_to_buffer(&run_state, &view, (60, 20), &theme(ColorDepth::None, true));
    let plot = plot(&run_state, &view, buf.area);
    let width = usize::from(plot.area.width);
    let strokes = count(&buf, plot.area, &|s| matches!(s, "-" | "_" | "="));
    assert!((width - 4..=width + 8).contains(&strokes), "{strokes}\n{}", fixture::text(&buf));
    assert!(fixture::text(&buf).contains("- smoothed 0.97  ' raw"), "{}", fixture::text(&buf));
    // Braille: the outline of the raw values is two rows, where colour fills all between.
    let inked = |depth| {
        let buf = draw_to_buffer(&run_state, &view, (60, 20), &theme(depth, false));
        count(&buf, plot.area, &|s| s.chars().all(|c| ('\u{2801}'..='\u{28ff}').contains(&c)))
    };
    assert!(inked(ColorDepth::None) < 4 * width && inked(ColorDepth::Truecolor) > 8 * width);
}

#[test]
fn a_narrow_pane_keeps_its_legend() {
    let buf = draw_to_buffer(
        &run_with_losses(vec![0.5; 300]),
        &LossView::default(),
        (40, 10),
        &theme(ColorDepth::Truecolor, false),
    );
    assert!(rows(&buf)[9].contains("smoothed 0.97") && rows(&buf)[9].contains("raw"), "{}", rows(&buf)[9]);
    let view = LossView { log: true, ..LossView::default() };
    let buf = draw_to_buffer(&run_with_losses(vec![0.5; 300]), &view, (40, 10), &theme(ColorDepth::Truecolor, false));
    assert!(rows(&buf)[9].contains(" log "), "{}", rows(&buf)[9]);
}

#[test]
fn the_legend_names_every_mark_whatever_the_width_and_many_validations_stay_small() {
    let theme = theme(ColorDepth::Truecolor, false);
    let with = |every: u64| {
        let mut run_state = run_with_losses((0..1240).map(|k| 0.3 + (-(k as f32) / 100.0).exp()).collect());
        let validation = |step| Event::Validated { curve: LossCurve::Surface, step, loss: 0.5, accuracy: 0.87 };
        apply_events(&mut run_state, (1..=1240 / every).map(|k| validation(k * every)));
        run_state
    };
    let marks = |run_state: &RunState, width: u16| {
        let buf = draw_to_buffer(run_state, &LossView::default(), (width, 12), &theme);
        let rows = rows(&buf);
        let inside = rows[1..9].join("");
        let count = |c: char| inside.chars().filter(|x| *x == c).count();
        (count('●'), count('•'), rows[11].clone())
    };
    let few = with(310);
    for width in [31, 40, 52, 80] {
        let (full, small, foot) = marks(&few, width);
        assert!(full >= 3 && small == 0, "{foot}");
        assert!(foot.contains("● val"), "{width}: {foot}");
        assert!(foot.contains("smooth") && foot.contains("⣿ raw"), "{width}: {foot}");
    }
    assert!(marks(&few, 80).2.contains("smoothed 0.97"));
    let (full, small, foot) = marks(&with(10), 60);
    assert_eq!(full, 0, "{foot}");
    assert!((10..=30).contains(&small), "{small} leave a column between them");
    assert!(foot.contains("• validation"), "{foot}");
}
