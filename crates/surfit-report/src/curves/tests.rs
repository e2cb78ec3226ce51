//! Curves as figures.

use super::traces::clip_to_range;
use super::*;
use crate::test_data;
use surfit_core::series::StepTrack;

fn look() -> CurveLook {
    CurveLook {
        curves: vec![LossCurve::Surface],
        log: false,
        time: false,
        window: (1000.0, 2000.0),
        range: (0.2, 0.6),
        smoothing: Some(0.97),
        rate: false,
        cursor: None,
    }
}

fn svg(look: &CurveLook, others: &[OtherCurve]) -> String {
    let run_state = test_data::run_state();
    CurvesFigure { run_state: &run_state, style: look, other_curves: others, title: "demo".into() }.svg().unwrap()
}

#[test]
fn what_is_seen_of_the_curves_is_drawn_and_said() {
    let plain = svg(&look(), &[]);
    for words in ["steps 1\u{2009}000 to 2\u{2009}000", "weight 0.97", "degree 3×3"] {
        assert!(plain.contains(words), "{words}");
    }
    // The whole has more than the part, and without the change that lies beyond it the part says less.
    let early = svg(&CurveLook { window: (0.0, 900.0), ..look() }, &[]);
    assert!(!early.contains("degree 3×3"));
    let log = svg(&CurveLook { log: true, smoothing: None, ..look() }, &[]);
    assert!(log.contains("logarithmic") && log.contains("not smoothed"));
    let time = svg(&CurveLook { time: true, window: (0.0, 600.0), rate: true, ..look() }, &[]);
    assert!(time.contains("time of work, min") && time.contains("learning rate"));
    let corners = CurveLook { curves: (0..4).map(LossCurve::Corner).chain([LossCurve::Surface]).collect(), ..look() };
    assert!(svg(&corners, &[]).contains("corner 4"));
}

#[test]
fn the_cursor_has_a_line_and_the_values_there() {
    let texts = |svg: &str| svg.matches("<text").count();
    let at = |cursor| svg(&CurveLook { cursor, ..look() }, &[]);
    let (plain, shown) = (at(None), at(Some(1500.0)));
    assert_eq!(texts(&shown), texts(&plain) + 2, "the step and the value");
    assert!(shown.contains("step 1\u{2009}500") && shown.contains("surface 0."), "{shown:.300}");
    assert_eq!(at(Some(3000.0)), plain, "out of sight");
    // At the right edge the values are left of the line, and over time the place is one of time.
    at(Some(1999.0));
    let time = CurveLook { time: true, window: (0.0, 600.0), cursor: Some(300.0), ..look() };
    assert!(svg(&time, &[]).contains("5 min"));
}

#[test]
fn other_runs_have_their_names_and_letters() {
    let run_state = test_data::run_state();
    let other = |name: &str| OtherCurve {
        name: name.into(),
        series: run_state.curves[&LossCurve::Surface].clone(),
        track: StepTrack::default(),
        validations: Vec::new(),
    };
    let long = "a-name-that-is-much-longer-than-any-legend-has-room-for";
    let drawn = svg(&look(), &[other("second"), other(long)]);
    assert!(drawn.contains("A second") && drawn.contains("B a-name-that") && !drawn.contains(long));
}

#[test]
fn curves_without_values_or_extent_have_a_figure() {
    let empty = RunState::default();
    let nothing = CurveLook { window: (0.0, 0.0), range: (1.0, 1.0), rate: true, ..look() };
    CurvesFigure { run_state: &empty, style: &nothing, other_curves: &[], title: "x".into() }.png().unwrap();
}

#[test]
fn lines_are_cut_at_the_edges() {
    let points = [(0.0, 0.0), (10.0, 10.0), (20.0, 20.0)];
    assert_eq!(clip_to_range(&points, &(5.0..15.0)), [(5.0, 5.0), (10.0, 10.0), (15.0, 15.0)]);
    assert_eq!(clip_to_range(&points, &(12.0..18.0)), [(12.0, 12.0), (18.0, 18.0)]);
}
