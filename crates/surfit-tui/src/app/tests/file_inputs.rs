//! Letters that are two columns wide, terminals without any but ASCII, and figures that are small.

use crate::app::Pane;
use crate::color::ColorDepth;
use crate::fixture;
use crate::link::{FileContent, NewFile};
use crate::test_app::{TestApp, find_text};
use surfit_core::event::{Event, LossCurve};
use surfit_core::protocol::BridgeMessage;

fn receive_loaded_run(rig: &mut TestApp, name: &str, keys: &str) {
    rig.press("o");
    rig.receive(BridgeMessage::Runs(vec![crate::link::RunLine {
        id: name.into(),
        path: format!("/runs/{name}").into(),
        ..Default::default()
    }]));
    rig.press(keys);
    let mut run_state = fixture::finished_run();
    run_state.info.as_mut().unwrap().run = name.into();
    rig.receive(BridgeMessage::Loaded { path: format!("/runs/{name}").into(), run_state: Box::new(run_state) });
    rig.press("esc");
}

#[test]
fn names_are_ascii_where_nothing_else_is() {
    for (width, height) in [(80, 24), (140, 44), (220, 60)] {
        let mut run_state = fixture::finished_run();
        let info = run_state.info.as_mut().unwrap();
        (info.run, info.data) = ("曲面×3".into(), "café (曲面)".into());
        let mut rig = TestApp::with_run_state(width, height, run_state).with_theme("dark", ColorDepth::Truecolor, true);
        receive_loaded_run(&mut rig, "other×3-曲面", "home b");
        receive_loaded_run(&mut rig, "third×5-曲面", "home c");
        assert!(rig.app.surface.comparison.is_some() && rig.app.loss.overlays.len() == 1);
        for keys in ["1", "home", "z", "z 2", "z", "|", "z w", "esc : x"] {
            rig.press(keys);
            let text = rig.screen_text();
            let other = text.chars().find(|c| !c.is_ascii());
            assert_eq!(other, None, "{width} {keys}\n{text}");
        }
    }
}

#[test]
fn what_is_typed_into_the_palette_stays_in_sight() {
    for text in ["beside a-run-with-a-name-that-has-no-end-".repeat(6), "曲面".repeat(80)] {
        let mut rig = TestApp::with_run_state(80, 24, fixture::fitting_run());
        rig.press(":").type_text(&text).type_text("END");
        assert!(rig.screen_text().contains("END"), "{}", rig.screen_text());
        let shown = rig.draw();
        let (x, y) = find_text(&shown, "END").unwrap();
        let cursor = rig.app.theme.style(crate::theme::ThemeRole::Cursor).bg;
        assert_eq!(shown[(x + 3, y)].style().bg, cursor);
        assert!(find_text(&shown, "╯").is_some(), "the frame is whole");
    }
}

#[test]
fn a_question_about_a_long_or_wide_name_is_whole() {
    for name in ["目录/无法/读取/磁盘".repeat(6), "folder-of-figures/".repeat(8)] {
        let mut rig = TestApp::with_run_state(80, 24, fixture::finished_run());
        rig.receive(BridgeMessage::Exists(Box::new(NewFile {
            path: format!("/data/{name}/END.csv").into(),
            content: FileContent::Text(String::new()),
            replace: false,
        })));
        let text = rig.screen_text();
        for words in ["/data/", "already.", "r  replace", "c  cancel"] {
            assert!(text.contains(words), "{words}\n{text}");
        }
    }
}

#[test]
fn a_small_learning_rate_is_told_in_digits() {
    let mut run_state = fixture::fitting_run();
    let values = vec![0.5f32; 4];
    let losses = Event::Losses {
        curve: LossCurve::Corner(0),
        first_step: run_state.curves[&LossCurve::Corner(0)].end_step(),
        values,
        rate: 2e-5,
    };
    fixture::apply_events(&mut run_state, vec![losses]);
    run_state.snapshot.as_mut().unwrap().learning_rate = 3e-5;
    let rig = TestApp::with_run_state(140, 44, run_state);
    assert!(rig.screen_text().contains("learning rate 3.0e-5"), "{}", rig.screen_text());
}

#[test]
fn the_box_beside_the_cursor_is_a_box_with_wide_names() {
    let mut rig = TestApp::with_run_state(160, 44, fixture::finished_run());
    receive_loaded_run(&mut rig, "曲面-曲面-曲面", "home c");
    rig.app.focus = Pane::Loss;
    rig.press("z home right");
    let shown = rig.draw();
    let (x, y) = find_text(&shown, " step     ").unwrap_or_else(|| panic!("{}", rig.screen_text()));
    let value = |y| {
        let letter = |x: &u16| shown[(*x, y)].symbol().starts_with(|c: char| c.is_ascii_digit());
        (x + 6..shown.area.width).find(letter)
    };
    let other = (0..shown.area.height).find(|&y| shown[(x + 3, y)].symbol() == "曲");
    let other = other.unwrap_or_else(|| panic!("{}", rig.screen_text()));
    assert_eq!(value(other), value(y), "{}", rig.screen_text());
}
