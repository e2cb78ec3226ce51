//! Other runs' curves over this one's.

use super::*;

fn compared_curve(name: &str, level: f32) -> ComparedCurve {
    ComparedCurve {
        name: name.into(),
        path: format!("/runs/{name}").into(),
        run_state: run_with_losses(vec![level; 800]),
    }
}

fn view(runs: &[(&str, f32)]) -> LossView {
    let mut view = LossView::default();
    for (name, level) in runs {
        view.add_overlay(compared_curve(name, *level)).unwrap();
    }
    view
}

#[test]
fn they_come_go_and_have_a_limit() {
    let mut view = view(&[("a", 1.0), ("b", 1.0), ("a", 2.0)]);
    assert_eq!(view.overlays.len(), 2);
    let empty = ComparedCurve { run_state: RunState::default(), ..compared_curve("c", 0.0) };
    assert!(view.add_overlay(empty).unwrap_err().to_string().contains("c has no curve"));
    view.add_overlay(compared_curve("c", 1.0)).unwrap();
    view.add_overlay(compared_curve("d", 1.0)).unwrap();
    assert!(view.add_overlay(compared_curve("e", 1.0)) == Err(crate::views::loss::view::OverlayError::TooMany));
    assert!(view.remove_overlay("/runs/b".as_ref()) && !view.remove_overlay("/runs/b".as_ref()));
}

#[test]
fn letters_tell_them_apart_without_colour() {
    let run_state = run_with_losses(vec![0.5; 600]);
    let view = view(&[("degree-2", 0.8), ("degree-3", 1.1)]);
    for (depth, ascii) in [(ColorDepth::None, false), (ColorDepth::None, true), (ColorDepth::Truecolor, false)] {
        let theme = theme(depth, ascii);
        let buf = draw_to_buffer(&run_state, &view, (90, 20), &theme);
        let text = fixture::text(&buf);
        assert!(rows(&buf)[19].contains("A degree-2  B degree-3"), "{text}");
        let plot = plot(&run_state, &view, buf.area);
        for (n, letter) in ["A", "B"].into_iter().enumerate() {
            let cells = (plot.area.left()..plot.area.right())
                .flat_map(|x| (plot.area.top()..plot.area.bottom()).map(move |y| (x, y)));
            let on_curve: Vec<_> = cells.filter(|at| buf[*at].symbol() == letter).collect();
            assert_eq!(on_curve.len(), if depth == ColorDepth::None { 3 } else { 1 }, "{text}");
            if depth == ColorDepth::Truecolor {
                assert_eq!(buf[on_curve[0]].fg, theme.style(plot.trace_role(n)).fg.unwrap());
            }
        }
        assert!(!ascii || text.is_ascii(), "{text}");
    }
}

#[test]
fn the_axis_holds_them_and_the_cursor_reads_them() {
    let run_state = run_with_losses(vec![0.5; 300]);
    let mut view = view(&[("long-ago", 0.8)]);
    assert_eq!(view.window(&run_state).unwrap().1, 799.0);
    view.cursor = Some(200.0);
    let buf = draw_to_buffer(&run_state, &view, (100, 24), &theme(ColorDepth::None, false));
    let text = fixture::text(&buf);
    assert!(text.contains("surface    0.500") && text.contains("A long-ago 0.800"), "{text}");
    // Beyond the end of this run only the other one is read.
    view.cursor = Some(700.0);
    let text = fixture::text(&draw_to_buffer(&run_state, &view, (100, 24), &theme(ColorDepth::None, false)));
    assert!(!text.contains("surface    ") && text.contains("A long-ago 0.800"), "{text}");
}

#[test]
fn a_long_name_has_the_columns_that_are_free_and_else_both_of_its_ends() {
    let run_state = run_with_losses(vec![0.5; 800]);
    let name = "resnet18-on-cifar10-three-by-three-20261129-094218";
    let mut view = view(&[(name, 0.8)]);
    for cursor in [None, Some(200.0)] {
        view.cursor = cursor;
        let shown = |width| {
            let size = (width, 24);
            fixture::text(&draw_to_buffer(&run_state, &view, size, &theme(ColorDepth::None, false)))
        };
        assert!(shown(170).contains(&format!("A {name}")), "{}", shown(170));
        let short = shown(90);
        assert!(short.contains("A resnet") && short.contains("9-094218") && short.contains('…'), "{short}");
    }
}
