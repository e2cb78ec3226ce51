use super::*;
use surfit_core::colormap::contrast;

fn is_text(role: Role) -> bool {
    // Lines and shapes, not letters.
    !matches!(
        role,
        Role::Background | Role::Border | Role::BorderFocused | Role::CurveRaw | Role::Unmeasured
    )
}

#[test]
fn every_text_role_of_every_theme_is_legible() {
    for name in Theme::names() {
        let theme = Theme::by_name(name, Depth::Truecolor).unwrap();
        assert_eq!(theme.name(), name);
        let least = if name == "high-contrast" { 7.0 } else { 4.5 };
        for role in Role::ALL {
            let look = &theme.looks[&role];
            let fg = look
                .fg
                .unwrap_or_else(|| panic!("{name} {role:?} has no colour"));
            let ratio = contrast(fg, look.bg.unwrap_or(theme.background()));
            let least = if is_text(role) || role == Role::Background {
                least
            } else {
                1.5
            };
            assert!(ratio >= least, "{name} {role:?}: {ratio:.2} < {least}");
        }
        // Curves and the focused border are graphics: WCAG asks for 3.
        for role in [Role::BorderFocused, Role::CurveRaw] {
            let ratio = contrast(theme.looks[&role].fg.unwrap(), theme.background());
            let least = if role == Role::CurveRaw { 2.5 } else { 3.0 };
            assert!(ratio >= least, "{name} {role:?}: {ratio:.2}");
        }
    }
}

#[test]
fn legible_at_256_colours_too() {
    for name in Theme::names() {
        let theme = Theme::by_name(name, Depth::Ansi256).unwrap();
        let shown = |c: Option<Color>| match c {
            Some(Color::Indexed(i)) => crate::color::palette_256(i),
            other => panic!("{name}: {other:?}"),
        };
        let ground = shown(theme.style(Role::Background).bg);
        for role in Role::ALL.into_iter().filter(|&r| is_text(r)) {
            let style = theme.style(role);
            let bg = style.bg.map_or(ground, |b| shown(Some(b)));
            let ratio = contrast(shown(style.fg), bg);
            assert!(ratio >= 4.0, "{name} {role:?}: {ratio:.2}");
        }
    }
}

#[test]
fn without_colour_only_letters_change_and_with_it_every_role_has_one() {
    for name in Theme::names() {
        let plain = Theme::by_name(name, Depth::None).unwrap();
        for role in Role::ALL {
            let style = plain.style(role);
            assert_eq!((style.fg, style.bg), (None, None), "{name} {role:?}");
        }
        // What must be told apart without colour.
        let looks = [
            Role::Selection,
            Role::Cursor,
            Role::Muted,
            Role::Text,
            Role::Key,
        ];
        for (n, a) in looks.iter().enumerate() {
            for b in &looks[n + 1..] {
                assert_ne!(plain.style(*a), plain.style(*b), "{name} {a:?} {b:?}");
            }
        }
        let named = Theme::by_name(name, Depth::Ansi16).unwrap();
        for role in Role::ALL {
            let fg = named.style(role).fg.unwrap();
            assert!(
                !matches!(fg, Color::Rgb(..) | Color::Indexed(_)),
                "{name} {role:?}"
            );
        }
    }
    assert!(Theme::by_name("pink", Depth::None).is_none());
}

#[test]
fn a_users_theme_may_leave_roles_out_and_its_errors_say_where() {
    let theme = Theme::from_toml(
        "name = 'mine'\n[roles]\ntext = { fg = '#010203' }",
        Depth::Truecolor,
    );
    let theme = theme.unwrap();
    assert_eq!(theme.style(Role::Text).fg, Some(Color::Rgb(1, 2, 3)));
    let dark = Theme::by_name("dark", Depth::Truecolor).unwrap();
    assert_eq!(theme.style(Role::Key), dark.style(Role::Key));

    let error = |text: &str| {
        Theme::from_toml(text, Depth::Truecolor)
            .unwrap_err()
            .to_string()
    };
    assert!(error("[roles]\ntext = { fg = 'blue' }").contains("role Text: `blue` is no colour"));
    assert!(error("[roles]\ntext = { plain = 'loud' }").contains("`loud` is no style"));
    assert!(error("[roles]\ntext = { ansi = '#ffffff' }").contains("none of the 16"));
    assert!(error("[roles]\ntxet = { fg = '#ffffff' }").contains("txet"));
    assert!(error("nome = 'x'").contains("nome"));
}

#[test]
fn a_theme_is_read_from_a_file_that_errors_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.toml");
    std::fs::write(&path, "colormap = 'magma'").unwrap();
    let theme = Theme::from_file(&path, Depth::Truecolor).unwrap();
    assert_eq!((theme.name(), theme.colormap()), ("mine", Colormap::Magma));
    std::fs::write(&path, "colormap = 'ultra'").unwrap();
    let error = Theme::from_file(&path, Depth::Truecolor)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("mine.toml") && error.contains("ultra"),
        "{error}"
    );
    assert!(
        Theme::load("no-such", Depth::None)
            .unwrap_err()
            .0
            .contains("choose dark, light")
    );
}
