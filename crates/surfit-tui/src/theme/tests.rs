use super::*;
use strum::IntoEnumIterator;
use surfit_core::colormap::contrast_ratio;

/// Lines that frame and cells that are empty: they tell nothing that is not told otherwise.
const FRAME_ROLES: [ThemeRole; 2] = [ThemeRole::Border, ThemeRole::Unmeasured];
/// Lines and shapes, not letters.
const MARK_ROLES: [ThemeRole; 2] = [ThemeRole::BorderFocused, ThemeRole::CurveRaw];

/// What WCAG 2 asks for: 4.5 for text (7 where a theme promises it), 3 for graphics that tell something.
fn min_contrast(name: &str, role: ThemeRole) -> f64 {
    match role {
        _ if FRAME_ROLES.contains(&role) => 1.5,
        _ if MARK_ROLES.contains(&role) => 3.0,
        _ if name == "high-contrast" => 7.0,
        _ => 4.5,
    }
}

#[test]
fn every_role_of_every_theme_stands_out_enough() {
    for name in Theme::built_in_names() {
        let theme = Theme::built_in(name, ColorDepth::Truecolor).unwrap();
        assert_eq!(theme.name(), name);
        assert!(!theme.description().is_empty());
        for role in ThemeRole::iter() {
            let look = &theme.styles[&role];
            let fg = look.fg.unwrap_or_else(|| panic!("{name} {role:?} has no colour"));
            let ratio = contrast_ratio(fg, look.bg.unwrap_or(theme.background_rgb()));
            let least = min_contrast(name, role);
            assert!(ratio >= least, "{name} {role:?}: {ratio:.2} < {least}");
        }
    }
}

#[test]
fn every_role_stands_out_enough_in_256_colours_too() {
    for name in Theme::built_in_names() {
        let theme = Theme::built_in(name, ColorDepth::Ansi256).unwrap();
        let shown = |c: Option<Color>| match c {
            Some(Color::Indexed(i)) => crate::color::palette_256(i),
            other => panic!("{name}: {other:?}"),
        };
        let ground = shown(theme.style(ThemeRole::Background).bg);
        for role in ThemeRole::iter().filter(|r| !FRAME_ROLES.contains(r)) {
            let style = theme.style(role);
            let bg = style.bg.map_or(ground, |b| shown(Some(b)));
            let ratio = contrast_ratio(shown(style.fg), bg);
            // The palette's steps are coarse: a twelfth less is the nearest it has.
            let least = min_contrast(name, role) * 11.0 / 12.0;
            assert!(ratio >= least, "{name} {role:?}: {ratio:.2} < {least:.2}");
        }
    }
}

/// Linear red, green and blue as eyes without red or green cones see them (Machado, Oliveira and Fernandes 2009).
const BLINDNESS: [(&str, [[f64; 3]; 3]); 2] = [
    ("protanopia", [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]),
    (
        "deuteranopia",
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    ),
];

/// CIE L*a*b* (D65) of a colour seen through a matrix on linear red, green and blue.
fn lab((r, g, b): (u8, u8, u8), seen: &[[f64; 3]; 3]) -> [f64; 3] {
    let linear = [r, g, b].map(|c| {
        let c = f64::from(c) / 255.0;
        if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
    });
    let dot = |row: &[f64; 3], of: [f64; 3]| row[0] * of[0] + row[1] * of[1] + row[2] * of[2];
    let rgb = [0, 1, 2].map(|n| dot(&seen[n], linear).clamp(0.0, 1.0));
    let f = |t: f64| {
        if t > 216.0 / 24389.0 { t.cbrt() } else { (24389.0 / 27.0 * t + 16.0) / 116.0 }
    };
    let x = f(dot(&[0.4124, 0.3576, 0.1805], rgb) / 0.95047);
    let y = f(dot(&[0.2126, 0.7152, 0.0722], rgb));
    let z = f(dot(&[0.0193, 0.1192, 0.9505], rgb) / 1.08883);
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

#[test]
fn series_stay_apart_for_the_colour_blind_where_a_theme_says_so() {
    let series = [
        ThemeRole::CurveRaw,
        ThemeRole::CurveSmooth,
        ThemeRole::CurveValidation,
        ThemeRole::Corner1,
        ThemeRole::Corner2,
        ThemeRole::Corner3,
        ThemeRole::Corner4,
    ];
    let theme = Theme::built_in("colour-blind", ColorDepth::Truecolor).unwrap();
    for (kind, seen) in &BLINDNESS {
        for (n, a) in series.iter().enumerate() {
            for b in &series[n + 1..] {
                let at = |r: &ThemeRole| lab(theme.styles[r].fg.unwrap(), seen);
                let (x, y) = (at(a), at(b));
                let delta: f64 = (0..3).map(|n| (x[n] - y[n]).powi(2)).sum::<f64>().sqrt();
                // 2.3 is what can just be seen side by side; thin lines need several times that.
                assert!(delta >= 15.0, "{kind}: {a:?} and {b:?} are {delta:.1} apart");
            }
        }
    }
}

#[test]
fn the_users_themes_follow_the_programs_and_may_stand_in_their_place() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("dusk.toml", "description = 'mine'\n[roles]\ntext = { fg = '#ffffff' }");
    write("light.toml", "name = 'other'\ndescription = 'my light'");
    write("broken.toml", "\n[roles]\ntext = { fg = 7 }");
    write("notes.txt", "no theme");
    std::fs::create_dir(folder.path().join("folder.toml")).unwrap();
    let all = choices::list_themes_in(Some(folder.path()), ColorDepth::Truecolor);
    let names: Vec<&str> = all.iter().map(|c| c.name.as_str()).collect();
    let mut wanted: Vec<&str> = Theme::built_in_names().collect();
    wanted.extend(["broken", "dusk", "folder"]);
    assert_eq!(names, wanted);
    let of = |name: &str| all.iter().find(|c| c.name == name).unwrap();
    assert_eq!((of("light").is_user_theme, of("light").description()), (true, "my light".into()));
    assert_eq!(of("light").theme.as_ref().unwrap().name(), "light");
    let why = of("broken").description();
    assert!(why.contains("broken.toml: line 3: ") && !why.contains('\n'), "{why}");
    assert!(of("folder").description().contains("no file of a theme"));
    let none = choices::list_themes_in(None, ColorDepth::None);
    assert_eq!(none.len(), Theme::built_in_names().len());
}

#[test]
fn without_colour_only_letters_change_and_with_it_every_role_has_one() {
    for name in Theme::built_in_names() {
        let plain = Theme::built_in(name, ColorDepth::None).unwrap();
        for role in ThemeRole::iter() {
            let style = plain.style(role);
            assert_eq!((style.fg, style.bg), (None, None), "{name} {role:?}");
        }
        // What must be told apart without colour.
        let looks = [ThemeRole::Selection, ThemeRole::Cursor, ThemeRole::Muted, ThemeRole::Text, ThemeRole::Key];
        for (n, a) in looks.iter().enumerate() {
            for b in &looks[n + 1..] {
                assert_ne!(plain.style(*a), plain.style(*b), "{name} {a:?} {b:?}");
            }
        }
        let named = Theme::built_in(name, ColorDepth::Ansi16).unwrap();
        for role in ThemeRole::iter() {
            let fg = named.style(role).fg.unwrap();
            assert!(!matches!(fg, Color::Rgb(..) | Color::Indexed(_)), "{name} {role:?}");
        }
    }
    assert!(Theme::built_in("pink", ColorDepth::None).is_none());
}

#[test]
fn a_users_theme_may_leave_roles_out_and_its_errors_say_where() {
    let theme = Theme::from_toml("name = 'mine'\n[roles]\ntext = { fg = '#010203' }", ColorDepth::Truecolor);
    let theme = theme.unwrap();
    assert_eq!(theme.style(ThemeRole::Text).fg, Some(Color::Rgb(1, 2, 3)));
    let dark = Theme::built_in("dark", ColorDepth::Truecolor).unwrap();
    assert_eq!(theme.style(ThemeRole::Key), dark.style(ThemeRole::Key));

    let error = |text: &str| Theme::from_toml(text, ColorDepth::Truecolor).unwrap_err().to_string();
    for role in ThemeRole::iter() {
        let name = role.to_string();
        let why = error(&format!("[roles]\n{name} = {{ fg = 'blue' }}"));
        let words = format!("role {name}: `blue` is no colour");
        assert!(why.contains(&words), "{words}\n{why}");
    }
    assert_eq!(ThemeRole::BorderFocused.to_string(), "border_focused");
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
    let theme = Theme::from_file(&path, ColorDepth::Truecolor).unwrap();
    assert_eq!((theme.name(), theme.colormap()), ("mine", Colormap::Magma));
    std::fs::write(&path, "colormap = 'ultra'").unwrap();
    let error = Theme::from_file(&path, ColorDepth::Truecolor).unwrap_err().to_string();
    assert!(error.contains("mine.toml") && error.contains("ultra"), "{error}");
    assert!(Theme::load("no-such", ColorDepth::None).unwrap_err().to_string().contains("there are: dark, light"));
}

type RgbPalette = [u32; 16];

const XTERM: RgbPalette = [
    0x000000, 0xcd0000, 0x00cd00, 0xcdcd00, 0x0000ee, 0xcd00cd, 0x00cdcd, 0xe5e5e5, 0x7f7f7f, 0xff0000, 0x00ff00,
    0xffff00, 0x5c5cff, 0xff00ff, 0x00ffff, 0xffffff,
];
const TANGO: RgbPalette = [
    0x000000, 0xcc0000, 0x4e9a06, 0xc4a000, 0x3465a4, 0x75507b, 0x06989a, 0xd3d7cf, 0x555753, 0xef2929, 0x8ae234,
    0xfce94f, 0x729fcf, 0xad7fa8, 0x34e2e2, 0xeeeeec,
];
const CONSOLE: RgbPalette = [
    0x000000, 0xaa0000, 0x00aa00, 0xaa5500, 0x0000aa, 0xaa00aa, 0x00aaaa, 0xaaaaaa, 0x555555, 0xff5555, 0x55ff55,
    0xffff55, 0x5555ff, 0xff55ff, 0x55ffff, 0xffffff,
];

use crate::color::Rgb;

/// Ink and ground of a style on a terminal whose own are `own`; `None` of a colour is what lies below.
fn rendered_colors(style: Style, below: Style, palette: &RgbPalette, own: (Rgb, Rgb)) -> (Rgb, Rgb) {
    const NAMED: [Color; 16] = [
        Color::Black,
        Color::Red,
        Color::Green,
        Color::Yellow,
        Color::Blue,
        Color::Magenta,
        Color::Cyan,
        Color::Gray,
        Color::DarkGray,
        Color::LightRed,
        Color::LightGreen,
        Color::LightYellow,
        Color::LightBlue,
        Color::LightMagenta,
        Color::LightCyan,
        Color::White,
    ];
    let rgb = |color: Option<Color>, reset: Rgb, bright: bool| match color {
        None | Some(Color::Reset) => reset,
        Some(named) => {
            let at = NAMED.iter().position(|n| *n == named).expect("one of the 16");
            // Many terminals show bold letters of the first eight as the bright ones.
            let [_, r, g, b] = palette[if bright && at < 8 { at + 8 } else { at }].to_be_bytes();
            (r, g, b)
        }
    };
    let has = |m| style.add_modifier.contains(m);
    let ground = rgb(style.bg.or(below.bg), own.1, false);
    let mut ink = rgb(style.fg.or(below.fg), own.0, has(Modifier::BOLD));
    if has(Modifier::DIM) {
        let mixed = |a: u8, b: u8| ((u16::from(a) + u16::from(b)) / 2) as u8;
        ink = (mixed(ink.0, ground.0), mixed(ink.1, ground.1), mixed(ink.2, ground.2));
    }
    (ink, ground)
}

#[test]
fn sixteen_colours_are_legible_on_white_and_on_black() {
    let (black, white) = ((0, 0, 0), (255, 255, 255));
    // The Linux console is black; the others are as people set them.
    let terminals = [
        (&XTERM, (white, black)),
        (&XTERM, (black, white)),
        (&TANGO, (white, black)),
        (&TANGO, (black, white)),
        (&CONSOLE, ((0xaa, 0xaa, 0xaa), black)),
    ];
    for name in Theme::built_in_names() {
        let theme = Theme::built_in(name, ColorDepth::Ansi16).unwrap();
        let below = theme.style(ThemeRole::Background);
        for role in ThemeRole::iter() {
            for (n, (palette, own)) in terminals.into_iter().enumerate() {
                let (ink, ground) = rendered_colors(theme.style(role), below, palette, own);
                let ratio = contrast_ratio(ink, ground);
                // No colour of the 16 reaches 4.5 on both; letters alone tell what lines frame.
                let least = if FRAME_ROLES.contains(&role) { 1.5 } else { 2.7 };
                assert!(ratio >= least, "{name} {role:?} on terminal {n}: {ratio:.2} < {least}");
            }
        }
    }
}
