use crate::action::TABLE;
use crate::app::{Effect, Pane};
use crate::fixture;
use crate::keymap::Keymap;
use crate::layout::{Preset, ScreenLayout};
use crate::test_app::TestApp;
use crate::theme::ThemeRole;
use surfit_core::protocol::EngineCommand;

#[test]
fn every_action_of_the_table_can_be_run_over_every_run_without_a_panic() {
    for action in TABLE {
        for run_state in [fixture::loading_run(), fixture::fitting_run(), fixture::finished_run()] {
            let mut rig = TestApp::with_run_state(140, 44, run_state);
            (action.run)(&mut rig.app);
            rig.draw();
        }
    }
}

#[test]
fn a_sequence_shows_what_can_follow_and_esc_takes_it_back() {
    let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
    rig.press("g");
    let text = rig.screen_text();
    for words in ["g …", "esc cancel", "g first", "l loss", "s surface", "p points"] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    assert_eq!(rig.cell_of("l loss").style().fg, rig.app.theme.style(ThemeRole::Key).fg);
    rig.tick(1000.0);
    assert!(rig.screen_text().contains("g …"), "it waits as long as the user does");
    rig.press("esc");
    assert!(!rig.screen_text().contains("g …"));
    rig.press("l");
    assert_eq!(rig.app.focus, Pane::Surface, "what was taken back is gone");
    rig.press("g l");
    assert_eq!(rig.app.focus, Pane::Loss);
    rig.press("g g");
    assert_eq!(rig.app.loss.cursor, Some(0.0));
    rig.press("g Q");
    let text = rig.screen_text();
    assert!(text.contains("g Q has no action here"), "{text}");
    assert!(rig.effects.is_empty());
}

#[test]
fn a_letter_of_another_pane_is_told_and_works_there() {
    let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
    rig.press("f");
    let text = rig.screen_text();
    assert!(text.contains("f is freeze in the control points pane"), "{text}");
    rig.press("3 right f");
    assert!(matches!(rig.take_sent_commands()[..], [(_, EngineCommand::Freeze { .. })]));
}

#[test]
fn the_focused_panes_own_key_goes_before_the_same_key_elsewhere() {
    let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
    (rig.app.keymap, _) = Keymap::from_toml("freeze = 'u'\nraise-u = 'u'");
    rig.press("u enter");
    assert!(matches!(rig.take_sent_commands()[..], [(_, EngineCommand::SetDegree { .. })]));
    rig.press("3 right u");
    assert!(matches!(rig.take_sent_commands()[..], [(_, EngineCommand::Freeze { .. })]));
}

#[test]
fn sequences_work_over_a_list_and_ctrl_c_in_the_middle_of_one_leaves() {
    let mut rig = TestApp::with_run_state(80, 24, fixture::finished_run());
    rig.press("i G");
    let end = rig.screen_text();
    rig.press("g");
    assert!(rig.screen_text().contains("esc cancel"), "{}", rig.screen_text());
    rig.press("g");
    assert_ne!(rig.screen_text(), end);
    rig.press("g esc");
    assert!(rig.app.overlay().is_some(), "esc takes back the sequence alone");
    rig.press("g w");
    assert!(rig.screen_text().contains("Models"), "{}", rig.screen_text());
    rig.press("esc g ctrl-c");
    assert!(
        matches!(rig.effects[..], [Effect::Exit(_)]) || rig.app.view::<crate::app::Question>().is_some(),
        "{:?}",
        rig.effects
    );
}

#[test]
fn panes_are_made_wider_and_taller_by_keys_in_every_arrangement() {
    let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
    for preset in Preset::ALL {
        assert_eq!(rig.app.arrangement.preset, preset);
        for (n, keys) in ["1", "2", "3"].into_iter().enumerate() {
            let size = |rig: &TestApp| ScreenLayout::of(&rig.app).panes[n].1;
            let before = size(&rig);
            rig.press(keys).press("ctrl-right");
            assert_eq!(size(&rig).width, before.width + 4, "{preset:?} {n}");
            rig.press("ctrl-left ctrl-down");
            let (after, main) = (size(&rig), rig.app.size.height);
            assert_eq!(after.width, before.width);
            let whole = before.height + 8 > main;
            assert!(whole || after.height == before.height + 2 || rig.screen_text().contains("has all of"));
            rig.press("ctrl-w =");
        }
        rig.press("\\");
    }
    rig.press("z ctrl-right");
    assert!(rig.screen_text().contains("leave zoom first"), "{}", rig.screen_text());
    let mut rig = TestApp::with_run_state(60, 16, fixture::fitting_run());
    rig.press("ctrl-w >");
    assert!(rig.screen_text().contains("only one pane fits"));
}
