use super::ModelsOverlay;
use super::{ModelSort, items, sheet};
use crate::app::{Effect, Pane};
use crate::color::ColorDepth;
use crate::fixture;
use crate::test_app::TestApp;
use crate::theme::ThemeRole;
use surfit_core::event::{Event, ExportedModel, Geometry};
use surfit_core::run_state::RunState;

fn exported(selection: &str, place: Option<(f64, f64)>, validation: f64, test: f64) -> Event {
    Event::Exported(ExportedModel {
        dir: format!("runs/demo-7/exports/{selection}").into(),
        selection: selection.into(),
        u: place.map(|p| p.0),
        v: place.map(|p| p.1),
        validation_accuracy: validation,
        test_accuracy: test,
        members: Vec::new(),
        chosen: None,
    })
}

pub(crate) fn full_run() -> RunState {
    let mut p = fixture::finished_run();
    let geometry = |aligned, d: f64| {
        let pairs = vec![(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)];
        Event::Geometry(Geometry {
            fitted: false,
            aligned,
            distances: vec![d; 6],
            angles: vec![85.0; 6],
            angles_at_first: vec![60.0; 3],
            pairs,
        })
    };
    fixture::apply_events(
        &mut p,
        vec![
            geometry(false, 21.5),
            geometry(true, 14.25),
            exported("at", Some((0.1, 0.9)), 0.889, 0.881),
            exported("centroid", None, 0.872, 0.871),
            fixture::evaluated_event(0.25, 0.4),
            fixture::evaluated_event(0.625, 0.5),
        ],
    );
    p.snapshot.as_mut().unwrap().marks.push((0.8, 0.2));
    p
}

fn open(width: u16, height: u16) -> TestApp {
    let mut rig = TestApp::with_run_state(width, height, full_run());
    rig.press("w");
    rig
}

#[test]
fn models_points_and_corners_are_listed_with_what_is_known() {
    let text = open(140, 44).screen_text();
    for part in [
        "exports, by latest",
        "whole surface",
        "exports/centroid",
        "◇ bookmark",
        "exactly there",
        "the nearest cell",
        "corner 4",
        "seed 4, 4 epochs",
        "408 steps",
        "aligned, 94 %",
        "21.50",
        "14.25",
        "85°",
        "±1.",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn corners_that_are_not_known_are_said_to_come_before_the_fit_or_after_it() {
    for (run_state, said) in [
        (fixture::loading_run(), "they are trained or loaded first"),
        (fixture::trunk_run(), "they are measured after the fit"),
    ] {
        let mut rig = TestApp::with_run_state(100, 30, run_state);
        rig.press("w");
        assert!(rig.screen_text().contains(said), "{said}\n{}", rig.screen_text());
    }
}

#[test]
fn ensembles_are_told_apart_by_their_members() {
    let mut run_state = full_run();
    let ensemble = |count: usize, chosen| match exported("ensemble", None, 0.889, 0.881) {
        Event::Exported(one) => Event::Exported(ExportedModel { members: vec![(0.5, 0.5); count], chosen, ..one }),
        _ => unreachable!(),
    };
    let all = [(4, Some(true)), (2, Some(false)), (3, None)];
    fixture::apply_events(&mut run_state, all.map(|(n, c)| ensemble(n, c)).into());
    let mut rig = TestApp::with_run_state(80, 24, run_state);
    rig.press("w");
    let text = rig.screen_text();
    for words in ["4 points chosen", "2 points given", "3 points  "] {
        assert!(text.contains(words), "{words}\n{text}");
    }
}

#[test]
fn every_size_and_depth_shows_the_chosen_line_by_more_than_colour() {
    for depth in ColorDepth::ALL {
        for (width, height) in [(60, 16), (80, 24), (140, 44)] {
            let mut rig = open(width, height).with_theme("dark", depth, false);
            let count = items(&rig.app).len();
            for _ in 0..count {
                let selected = rig.app.theme.style(ThemeRole::Selection);
                let at = rig.app.view::<ModelsOverlay>().unwrap().selected;
                let rows = sheet::rows(&rig.app, 100, at);
                let row = rows.iter().find(|r| r.item == Some(at)).unwrap();
                let name = row.line.spans[0].content.trim().to_owned();
                let buf = rig.draw();
                let seen = buf
                    .content()
                    .iter()
                    .any(|c| c.modifier.contains(selected.add_modifier) && selected.bg.is_none_or(|bg| c.bg == bg));
                assert!(seen, "{name} at {width}×{height} {depth:?}\n{}", rig.screen_text());
                assert!(rig.screen_text().contains(&name), "{name}\n{}", rig.screen_text());
                rig.press("down");
            }
        }
    }
    let ascii = open(80, 24).with_theme("mono", ColorDepth::None, true).screen_text();
    assert!(ascii.is_ascii(), "{ascii}");
}

#[test]
fn sorting_goes_by_what_was_measured() {
    let mut rig = open(140, 44);
    let order = |rig: &TestApp| -> Vec<String> {
        let exports = &rig.app.run_state.exports;
        items(&rig.app)
            .into_iter()
            .filter_map(|i| match i {
                super::ModelItem::Export(n) => Some(exports[n].selection.clone()),
                _ => None,
            })
            .collect()
    };
    assert_eq!(order(&rig), ["centroid", "at", "best"]);
    rig.app.perform_action(action!("sort-models"));
    assert_eq!(rig.app.models.sort, ModelSort::Validation);
    assert_eq!(order(&rig).last().unwrap(), "centroid");
    rig.app.perform_action(action!("sort-models"));
    assert_eq!(order(&rig)[0], "best");
    rig.app.perform_action(action!("sort-models"));
    assert_eq!(order(&rig), ["at", "best", "centroid"]);
    assert!(rig.screen_text().contains("by place"));
}

#[test]
fn enter_goes_to_the_point_and_copying_takes_the_folder() {
    let mut rig = open(140, 44);
    rig.press("enter");
    assert!(rig.screen_text().contains("not a point of the surface"), "{}", rig.screen_text());
    rig.press("w down y");
    let copied = rig.effects.iter().any(|e| matches!(e, Effect::Copy(t) if t.ends_with("exports/at")));
    assert!(copied);
    rig.app.focus = Pane::Loss;
    rig.press("enter");
    assert!(rig.app.overlay().is_none() && rig.app.focus == Pane::Surface);
    assert_eq!(rig.app.surface.cursor, (2, 18));
    rig.press("w end enter");
    assert_eq!(rig.app.surface.cursor, (20, 20), "corner 4");
}

#[test]
fn before_there_is_anything_it_says_how_to_get_it() {
    let mut rig = TestApp::new(80, 24);
    rig.press("w");
    let text = rig.screen_text();
    for part in ["No exports yet", "bookmarks a point", "not ready yet"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    rig.press("y");
    assert!(rig.screen_text().contains("copy: nothing is listed"), "{}", rig.screen_text());
    rig.press("enter");
    assert!(rig.screen_text().contains("nothing is listed yet"), "{}", rig.screen_text());
}

#[test]
fn no_heading_is_cut_and_a_column_without_room_is_left_out_whole() {
    let rig = TestApp::with_run_state(140, 44, full_run());
    for width in 52..160 {
        let rows = sheet::rows(&rig.app, width, 0);
        let texts: Vec<String> = rows.iter().map(|r| r.line.to_string()).collect();
        for text in &texts {
            assert!(text.trim_end().chars().count() <= usize::from(width), "{width}: {text}");
        }
        let head = texts.iter().find(|t| t.contains("recipe")).unwrap();
        let trained = head.trim_end().ends_with("trained");
        assert!(trained || head.trim_end().ends_with("test"), "{width}: {head}");
        let corner = texts.iter().find(|t| t.contains("corner 1")).unwrap();
        assert_eq!(corner.contains("loss 0"), trained, "{width}: {corner}");
    }
    // Where there is room the whole recipe stands.
    let wide = sheet::rows(&rig.app, 120, 0);
    let source = &rig.app.run_state.corners[&0].source;
    assert!(wide.iter().any(|r| r.line.to_string().contains(source)), "{source}");
}

#[test]
fn a_long_source_has_the_columns_that_are_free_and_else_both_of_its_ends() {
    let name = "perceptron-with-sixty-four-hidden-units-epoch-160-seed-7.safetensors";
    let mut run_state = full_run();
    for corner in run_state.corners.values_mut() {
        corner.source = name.into();
    }
    let shown = |width| {
        let mut rig = TestApp::with_run_state(width, 60, run_state.clone());
        rig.press("w");
        rig.screen_text()
    };
    assert!(shown(180).contains(name), "{}", shown(180));
    for width in [80, 140] {
        let text = shown(width);
        assert!(text.contains("perce") && text.contains("seed-7"), "{text}");
    }
}
