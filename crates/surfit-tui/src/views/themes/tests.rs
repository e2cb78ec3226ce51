use super::ThemesOverlay;
use crate::color::ColorDepth;
use crate::fixture;
use crate::test_app::TestApp;
use crate::theme::{Theme, ThemeChoice, ThemeError, ThemeRole};
use crate::views::popup;

fn ground(rig: &TestApp) -> ratatui::style::Color {
    rig.draw()[(rig.app.size.width - 1, rig.app.size.height - 3)].bg
}

#[test]
fn the_screen_takes_on_each_theme_and_esc_takes_it_back() {
    let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
    let before = ground(&rig);
    rig.press("g t");
    for name in Theme::built_in_names() {
        assert!(rig.screen_text().contains(name), "{name}\n{}", rig.screen_text());
    }
    rig.press("down");
    assert_eq!(rig.app.theme.name(), "light");
    assert_ne!(ground(&rig), before);
    assert_eq!(rig.app.confirmed_theme().name(), "dark");
    rig.press("t t j k");
    assert_eq!(rig.app.theme.name(), "paper");
    rig.press("esc");
    assert_eq!((rig.app.theme.name(), ground(&rig)), ("dark", before));
    // Whatever closes the list takes it back: another overlay, a click beside it, the same keys again.
    for leave in ["?", "g t", "q"] {
        rig.press("g t down").press(leave);
        assert_eq!(rig.app.theme.name(), "dark", "{leave}");
        rig.press("esc");
    }
    rig.press("g t down").click(139, 5);
    assert_eq!(rig.app.theme.name(), "dark");
}

#[test]
fn enter_or_a_second_click_keeps_the_theme() {
    let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
    rig.press("g t down enter");
    assert!(rig.app.overlay().is_none());
    assert_eq!(rig.app.theme.name(), "light");
    assert!(rig.screen_text().contains("theme light: Dark ink"), "{}", rig.screen_text());
    rig.press("g t");
    let at = popup::inner(rig.app.overlay_area()).as_position();
    rig.click(at.x, at.y);
    assert_eq!((rig.app.theme.name(), rig.app.overlay().is_some()), ("dark", true));
    rig.click(at.x, at.y);
    assert!(rig.app.overlay().is_none());
    assert_eq!(rig.app.confirmed_theme().name(), "dark");
}

#[test]
fn a_file_that_cannot_be_read_says_why_and_changes_nothing() {
    let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
    rig.press("g t");
    let why = ThemeError::Syntax { line: Some(3), message: "`blue` is no colour".into() };
    rig.app.edit_view(|list: &mut ThemesOverlay, _| {
        list.choices.push(ThemeChoice { name: "mine".into(), is_user_theme: true, theme: Err(why) });
    });
    rig.press("end");
    assert!(rig.screen_text().contains("line 3: `blue` is no colour"), "{}", rig.screen_text());
    assert_eq!(rig.app.theme.name(), "dark");
}

#[test]
fn the_list_scrolls_where_it_has_no_room_and_samples_keep_to_the_depth() {
    for depth in ColorDepth::ALL {
        let mut rig = TestApp::with_run_state(60, 16, fixture::fitting_run()).with_theme(
            "dark",
            depth,
            depth == ColorDepth::None,
        );
        rig.press("g t end");
        let text = rig.screen_text();
        assert!(text.contains("mono") && text.contains("Greys only"), "{text}");
        let name = rig.cell_of("mono");
        assert_eq!(name.style().bg, rig.app.theme.style(ThemeRole::Selection).bg.or(name.style().bg));
    }
}
