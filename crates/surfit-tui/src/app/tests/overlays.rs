use crate::action::{KeyScope, TABLE};
use crate::fixture;
use crate::test_app::TestApp;
use crate::theme::ThemeRole;
use crate::views::palette::PaletteOverlay;

#[test]
fn help_lists_every_key_and_tells_what_is_possible_now_by_its_look() {
    let mut rig = TestApp::with_run_state(200, 60, fixture::fitting_run());
    rig.press("?");
    let mut seen = rig.screen_text();
    for _ in 0..TABLE.len() {
        rig.press("down");
        seen += &rig.screen_text();
    }
    for e in TABLE {
        assert!(seen.contains(e.help), "{}", e.id);
        assert!(e.keys.iter().all(|k| {
            let shown = k.parse::<crate::key::Sequence>().unwrap().display_label(false);
            seen.contains(&shown)
        }));
    }
    rig.press("home");
    let (key, muted) = (rig.app.theme.style(ThemeRole::Key).fg, rig.app.theme.style(ThemeRole::Muted).fg);
    // A fit runs: it can be paused, but not started.
    assert_eq!(rig.cell_of("p space").style().fg, key);
    assert_eq!(rig.cell_of("start or resume the job").style().fg, muted);
    assert!(rig.screen_text().contains("the job is running"), "{}", rig.screen_text());
    rig.press("?");
    assert!(rig.app.overlay().is_none());
}

#[test]
fn the_help_is_searched_while_it_is_typed() {
    let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
    rig.press("? /").type_text("learning rate");
    let text = rig.screen_text();
    assert!(text.contains("/learning rate") && text.contains("3 of "), "{text}");
    assert!(text.contains("raise the learning rate") && !text.contains("start or resume the job"), "{text}");
    rig.press("enter esc");
    assert!(rig.app.overlay().is_some() && rig.screen_text().contains("start or resume the job"));
    rig.press("/").type_text("zzzz").press("enter");
    assert!(rig.screen_text().contains("no match"), "{}", rig.screen_text());
    rig.press("esc esc");
    assert!(rig.app.overlay().is_none());
    // Where only an action's name has the words, it is shown.
    rig.press("? /").type_text("export marks");
    assert!(rig.screen_text().contains("bookmarked points  (export marks)"), "{}", rig.screen_text());
    rig.press("esc esc");
    // A key is found by itself.
    rig.press("? /").type_text("X");
    assert!(rig.screen_text().contains("export the model under the cursor"), "{}", rig.screen_text());
}

#[test]
fn lines_of_the_help_that_have_no_room_say_so() {
    let mut rig = TestApp::with_run_state(60, 16, fixture::fitting_run());
    rig.press("?");
    let mut seen = String::new();
    for _ in 0..TABLE.len() {
        rig.press("down");
        seen += &rig.screen_text();
    }
    let line = seen.lines().find(|l| l.contains("name exported tensors"));
    assert!(line.is_some_and(|l| l.contains('…')), "{line:?}");
}

#[test]
fn help_scrolls_to_its_end_and_no_further() {
    let mut rig = TestApp::with_run_state(80, 24, fixture::fitting_run());
    rig.press("? end");
    let at_end = rig.screen_text();
    assert!(at_end.contains("quit; asks first"), "{at_end}");
    rig.press("down pagedown down");
    assert_eq!(rig.screen_text(), at_end);
    rig.press("up");
    assert_ne!(rig.screen_text(), at_end);
}

#[test]
fn the_palette_finds_actions_by_some_letters_and_says_why_one_is_not_possible() {
    let mut rig = TestApp::with_run_state(100, 30, fixture::fitting_run());
    rig.press(":").type_text("exp best");
    assert!(rig.screen_text().contains("export best"), "{}", rig.screen_text());
    let Some(PaletteOverlay { input, .. }) = rig.app.view() else { panic!() };
    let found = crate::views::palette::matching_actions(&rig.app, input.value());
    assert_eq!(found[0], action!("export-best"));
    rig.press("esc :").type_text("start corners");
    assert!(rig.screen_text().contains("stop it first"), "{}", rig.screen_text());
    rig.press("esc :").type_text("zzzz");
    assert!(rig.screen_text().contains("No action matches"));
    rig.press("enter");
    assert!(rig.screen_text().contains("no action matches `zzzz`"));
    // Letters that are scattered over an explanation are no hit.
    for nonsense in ["blah", "degre 3 4", "!x"] {
        rig.press(":").type_text(nonsense).press("enter");
        let text = rig.screen_text();
        assert!(text.contains("no action matches"), "{nonsense}\n{text}");
        assert!(rig.effects.is_empty());
    }
    for (typed, action) in [
        ("chkpt", action!("checkpoint")),
        ("contours", action!("contours")),
        ("interpolate colours cells", action!("interpolate")),
    ] {
        let found = crate::views::palette::matching_actions(&rig.app, typed);
        assert_eq!(found[0], action, "{typed}");
    }
}

#[test]
fn letters_typed_into_the_palette_are_letters() {
    let mut rig = TestApp::with_run_state(100, 30, fixture::fitting_run());
    rig.press(":").type_text("q?").press("backspace");
    let Some(PaletteOverlay { input, .. }) = rig.app.view() else { panic!() };
    assert_eq!(input.value(), "q");
    assert!(rig.effects.is_empty());
    rig.press("backspace backspace");
    assert!(rig.app.overlay().is_none(), "backspace in an empty line closes");
}

#[test]
fn the_log_shows_its_end_and_scrolls_back() {
    let mut rig = TestApp::with_run_state(80, 24, fixture::finished_run());
    rig.press("i");
    let end = rig.screen_text();
    assert!(end.contains("finished: best"), "{end}");
    rig.press("home");
    let start = rig.screen_text();
    assert!(start.contains("0:00:00") && start.contains("data began"), "{start}");
    rig.press("q");
    assert!(rig.app.overlay().is_none() && rig.app.view::<crate::app::Question>().is_none());
}

#[test]
fn models_show_validation_and_test_of_corners_and_exports() {
    let mut rig = TestApp::with_run_state(100, 30, fixture::finished_run());
    rig.press("w");
    let text = rig.screen_text();
    for words in ["validation", "test", "87.15 %", "86.80 %", "88.53 %", "exports/best-1", "corner 4"] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    let mut rig = TestApp::with_run_state(100, 30, fixture::loading_run());
    rig.press("w");
    let text = rig.screen_text();
    assert!(text.contains("No exports yet: x exports the best"), "{text}");
}

#[test]
fn a_key_without_meaning_says_where_help_is() {
    let mut rig = TestApp::with_run_state(80, 24, fixture::fitting_run());
    rig.press("f9");
    assert!(rig.screen_text().contains("f9 has no action here; ? shows all keys"), "{}", rig.screen_text());
}

#[test]
fn help_begins_with_what_the_pane_alone_can_do() {
    let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
    rig.press("3 ?");
    let text = rig.screen_text();
    let at = |words: &str| text.find(words).unwrap_or_else(|| panic!("{words}\n{text}"));
    assert!(at("freeze or unfreeze") < at("start or resume the job"));
    rig.press("? 1 ?");
    let mut seen = rig.screen_text();
    for _ in 0..TABLE.len() {
        rig.press("down");
        seen += &rig.screen_text();
    }
    let row = seen.lines().find(|l| l.contains("turn the 3-D view left")).unwrap();
    assert!(row.contains("in surface"), "{row}");
}

#[test]
fn what_was_typed_comes_back_above_the_list() {
    let mut rig = TestApp::with_run_state(100, 30, fixture::fitting_run());
    for text in ["grid 31", "theme light", "grid 31"] {
        rig.press(":").type_text(text).press("enter");
    }
    assert_eq!(rig.app.command_history, ["theme light", "grid 31"]);
    let value = |rig: &TestApp| rig.app.view::<PaletteOverlay>().unwrap().input.value().to_string();
    rig.press(": up");
    assert_eq!(value(&rig), "grid 31");
    rig.press("up up");
    assert_eq!(value(&rig), "theme light");
    rig.press("enter");
    assert_eq!(rig.app.theme.name(), "light");
}

#[test]
fn what_is_under_way_is_given_up_from_the_log_where_the_line_says_so() {
    let mut run_state = fixture::fitting_run();
    run_state.snapshot.as_mut().unwrap().errand = Some(surfit_core::snapshot::RunningTask {
        name: "exporting the best point".into(),
        done: 40,
        total: 100,
        waiting: 0,
    });
    let mut rig = TestApp::with_run_state(140, 44, run_state);
    rig.press("i");
    assert!(rig.screen_text().contains("Z cancels it"), "{}", rig.screen_text());
    rig.press("Z");
    assert_eq!(rig.take_sent_commands()[0].1, surfit_core::protocol::EngineCommand::Cancel);
}

#[test]
fn what_works_in_an_overlay_only_is_available_there_only() {
    // These two open the list of runs.
    let opens_its_list = ["beside-run", "loss-overlay"];
    let overlays = [("?", "help"), ("w", "models"), ("i", "log"), ("g f", "image"), ("o", "runs")];
    for (keys, scope) in overlays {
        let own = TABLE.iter().filter(|e| e.scope == KeyScope::View(scope) && !opens_its_list.contains(&e.id));
        let mut rig = TestApp::with_run_state(140, 44, fixture::finished_run());
        for e in own.clone() {
            let why = (e.availability)(&rig.app).expect_err(e.id).to_string();
            assert!(why.starts_with("open the ") && why.contains(scope), "{}: {why}", e.id);
        }
        rig.press(keys);
        assert!(own.clone().count() > 0);
        for e in own.filter(|e| !["resume-run", "remove-run"].contains(&e.id)) {
            assert_eq!((e.availability)(&rig.app), Ok(()), "{}", e.id);
        }
    }
    let mut rig = TestApp::with_run_state(140, 44, fixture::finished_run());
    rig.press(":").type_text("sort models");
    assert!(rig.screen_text().contains("open the list of models first"), "{}", rig.screen_text());
}
