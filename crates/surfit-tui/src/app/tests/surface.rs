//! The surface pane's own keys.

use super::super::*;
use crate::fixture;
use crate::link::RunLine;
use crate::test_app::TestApp;
use crate::views::surface::{CellQuantity, Contours};
use surfit_core::event::{Distances, Envelope, Event};
use surfit_core::protocol::{BridgeMessage, BridgeRequest, ClientMessage, EngineCommand, ServerMessage};
use surfit_core::surface::ParameterAxis;

#[test]
fn the_panes_keys_change_what_is_shown_and_only_there() {
    let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
    rig.press("2 T");
    assert!(rig.app.surface.show_relief && rig.screen_text().contains("turned 30, tilted 35"));
    rig.press("< < K ^");
    let camera = rig.app.surface.camera;
    assert_eq!((camera.turn, camera.tilt), (60.0, 45.0));
    assert!(camera.height > 0.6);
    rig.press("0 T");
    assert!(rig.screen_text().contains("accuracy · grid"));
    rig.press("<");
    assert!(rig.screen_text().contains("turn on the 3-D view first"), "{}", rig.screen_text());
    rig.press("D O P E");
    assert_eq!(rig.app.surface.quantity, CellQuantity::Gain);
    assert_eq!(rig.app.surface.contours, Contours::Over);
    assert!(rig.app.surface.show_peaks && rig.app.surface.interpolate);
    rig.press("D I :").type_text("range 1 3").press("enter");
    assert_eq!(rig.app.surface.quantity, CellQuantity::Width);
    assert!(rig.app.surface.fixed_range.is_some());
    assert!(rig.screen_text().contains("colour range fixed"), "{}", rig.screen_text());
    let before = rig.app.surface.fixed_range;
    rig.press(":").type_text("range 3 1").press("enter");
    assert!(rig.app.surface.fixed_range == before && rig.screen_text().contains("the lower one first"));
    rig.press(":").type_text("range auto").press("enter");
    assert!(rig.app.surface.fixed_range.is_none());
    rig.press("1 T");
    assert!(!rig.app.surface.show_relief, "the loss pane has no third dimension");
}

#[test]
fn keys_zoom_and_move_the_part_that_is_shown_and_the_cursor_takes_it_along() {
    let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
    let cells = |rig: &TestApp| {
        let c = rig.app.surface.shown_cells(rig.app.grid(), rig.app.degrees().patch());
        (c.first_cell, c.count)
    };
    rig.press("2 -");
    assert!(rig.screen_text().contains("the whole surface is shown"), "{}", rig.screen_text());
    let grid = rig.app.grid();
    rig.press("home + +");
    let (first, count) = cells(&rig);
    assert!(first == (0, 0) && count < grid / 2, "{count} of {grid}");
    assert!(rig.screen_text().contains("u 0.00–"), "{}", rig.screen_text());
    rig.press("> K");
    assert!(cells(&rig).0.0 > 0 && cells(&rig).0.1 > 0);
    rig.press("end");
    assert_eq!(cells(&rig).0, (grid - count, grid - count));
    assert!(rig.screen_text().contains("–1.00, v"), "{}", rig.screen_text());
    rig.press("-");
    assert!(cells(&rig).1 > count);
    // Whatever shows the whole again.
    for key in ["0", "esc"] {
        rig.press("+").press(key);
        assert_eq!(cells(&rig).1, grid, "{key}");
    }
}

#[test]
fn the_surface_before_a_change_of_degree_can_be_seen_beside_the_new_one() {
    let run_state = fixture::fitting_run();
    let mut now = run_state.snapshot.clone().unwrap();
    let mut rig = TestApp::with_run_state(140, 44, run_state);
    rig.press("2 A");
    assert!(rig.screen_text().contains("no earlier degree"), "{}", rig.screen_text());
    now.degrees = now.degrees.with_changed_degree(ParameterAxis::U, 1).unwrap();
    now.seq += 1;
    rig.receive(ServerMessage::Snapshot(Box::new(now)));
    rig.press("A z");
    let text = rig.screen_text();
    assert!(text.contains("degree 4×3") && text.contains("degree 3×3"), "{text}");
    assert!(text.contains(" − ") && text.contains("mean difference"), "{text}");
    rig.press("A");
    assert!(!rig.screen_text().contains(" − "));
}

#[test]
fn another_run_is_asked_for_by_name_and_shown_beside() {
    let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
    let loaded = |rig: &mut TestApp, run_state| {
        rig.press(":").type_text("beside other-3").press("enter");
        let line = RunLine { id: "other-3".into(), path: "/runs/other-3".into(), ..RunLine::default() };
        rig.receive(BridgeMessage::Runs(vec![line]));
        let wanted = Effect::Send(ClientMessage::Bridge(BridgeRequest::Load("/runs/other-3".into())));
        assert_eq!(rig.effects.last(), Some(&wanted));
        rig.receive(BridgeMessage::Loaded { path: "/runs/other-3".into(), run_state: Box::new(run_state) });
    };
    rig.press(":").type_text("beside nobody").press("enter");
    rig.receive(BridgeMessage::Runs(Vec::new()));
    assert!(rig.screen_text().contains("no run `nobody`"));
    let mut nothing = fixture::loading_run();
    nothing.info.as_mut().unwrap().run = "other-3".into();
    loaded(&mut rig, nothing);
    assert!(rig.screen_text().contains("other-3 has no measured cells"));
    let mut other = fixture::finished_run();
    other.info.as_mut().unwrap().run = "other-3".into();
    loaded(&mut rig, other);
    let text = rig.screen_text();
    assert!(text.contains("other-3") && text.contains(" − "), "{text}");
    let curve = crate::views::plot::fixture::fitting_run_on(surfit_core::surface::Patch::Curve, 2, 5);
    loaded(&mut rig, curve);
    assert!(rig.screen_text().contains("is a curve"), "{}", rig.screen_text());
}

#[test]
fn another_run_is_found_by_the_beginning_of_its_id_unless_several_begin_so() {
    let asked = |name: &str| {
        let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
        rig.press(":").type_text(&format!("beside {name}")).press("enter");
        rig.effects.clear();
        let line = |id: &str| RunLine { id: id.into(), path: format!("/runs/{id}").into(), ..RunLine::default() };
        rig.receive(BridgeMessage::Runs(vec![line("live"), line("live-b"), line("other-3")]));
        (rig.effects.pop(), rig.screen_text())
    };
    let load = |path: &str| Some(Effect::Send(ClientMessage::Bridge(BridgeRequest::Load(path.into()))));
    assert_eq!(asked("oth").0, load("/runs/other-3"));
    assert_eq!(asked("live").0, load("/runs/live"), "a whole id goes first");
    assert_eq!(asked("live-").0, load("/runs/live-b"));
    let (effect, text) = asked("li");
    assert_eq!(effect, None);
    assert!(text.contains("several runs' ids begin with li"), "{text}");
}

#[test]
fn tiles_tell_another_figure_and_distances_are_measured_looked_through_and_clicked() {
    let mut rig = TestApp::with_run_state(80, 24, fixture::fitting_run());
    rig.press("3 T");
    assert!(rig.screen_text().contains("accuracy %"), "{}", rig.screen_text());
    rig.press("T T D");
    assert!(rig.screen_text().contains("; d measures the distances"), "{}", rig.screen_text());
    rig.press("; d");
    assert_eq!(rig.take_sent_commands()[0].1, EngineCommand::Distances);
    let points = fixture::degrees(3, 3).row_indices();
    let far = |a: &(usize, usize)| {
        let a = *a;
        let to = move |b: &(usize, usize)| (a.0.abs_diff(b.0) + a.1.abs_diff(b.1)) as f64 / 7.0;
        points.iter().map(to).collect::<Vec<_>>()
    };
    let event = Event::Distances(Distances {
        step: 1240,
        values: points.iter().flat_map(far).collect(),
        points: points.clone(),
    });
    let seq = rig.app.run_state.seq + 1;
    rig.receive(ServerMessage::Event(Envelope { seq, time: 0.0, event }));
    let text = rig.screen_text();
    assert!(text.contains("3 Distances") && text.contains("00–00 0"), "{text}");
    // The whole matrix does not fit: the cursor takes what is shown along.
    rig.press("right right right right right down");
    let text = rig.screen_text();
    let pair = rig.app.points.pair;
    assert_eq!(pair, (1, 5));
    let name = |n: usize| format!("{}{}", points[n].0, points[n].1);
    assert!(text.contains(&format!("{}–{}", name(1), name(5))), "{text}");
    rig.press("end");
    assert_eq!(rig.app.points.pair, (15, 15));
    rig.press("home");
    assert_eq!(rig.app.points.pair, (0, 0));
    let (_, area) = crate::layout::ScreenLayout::of(&rig.app).panes[2];
    rig.click(area.x + 14, area.y + 4);
    let (row, column) = rig.app.points.pair;
    assert!(row > 0 && column > 0, "({row}, {column}) of {}", rig.screen_text());
}
