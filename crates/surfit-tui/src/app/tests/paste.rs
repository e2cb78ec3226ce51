//! Pasted text.

use crate::app::AppMessage;
use crate::fixture;
use crate::test_app::TestApp;
use crate::views::export_dialog::FilenamePrompt;
use crate::views::palette::PaletteOverlay;

/// A path whose letters pause a fit, detach, quit and open things.
const PATH: &str = "/data/pqd:i?o\nqd\n";

fn receive_paste(rig: &mut TestApp, text: &str) {
    rig.update(AppMessage::Paste(text.into()));
}

#[test]
fn outside_a_text_field_a_paste_does_nothing() {
    for open in ["", "?", "i", "o", "w", "Y", "N", "q", "g", "I"] {
        let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
        rig.press(open);
        rig.effects.clear();
        let before = rig.screen_text();
        receive_paste(&mut rig, PATH);
        assert!(rig.effects.is_empty(), "{open}: {:?}", rig.effects);
        assert_eq!(rig.screen_text(), before, "{open}");
    }
}

#[test]
fn in_a_text_field_a_paste_is_text_and_its_line_breaks_are_no_enter() {
    let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
    rig.press(":");
    rig.type_text("ab").press("left");
    receive_paste(&mut rig, "x\r\ny\n");
    let Some(PaletteOverlay { input, .. }) = rig.app.view() else {
        panic!("the palette is gone");
    };
    assert_eq!((input.value(), input.cursor()), ("ax yb", 4));

    let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
    rig.press("i /");
    receive_paste(&mut rig, "deg\u{7}ree\n");
    assert!(rig.app.is_typing_search() && rig.app.log.search.text() == "degree");

    let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
    rig.receive(fixture::opened_run("/d".into(), "d".into()));
    rig.press("2 W t");
    receive_paste(&mut rig, "more\n");
    let prompt = rig.app.view::<FilenamePrompt>().expect("the name is gone");
    assert!(prompt.input.value().contains("more"));
}
