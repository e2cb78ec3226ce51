//! How many colours the terminal can show, and fitting colours to that.

mod palette_path;

use crate::terminal_query::{XTERM_TRUECOLOR, xterm_version};
use ratatui::style::Color;
use std::io::IsTerminal;
use std::str::FromStr;
use surfit_core::colormap::Colormap;
use termprofile::{DetectorSettings, EnvVarSource, TermProfile, TermVars};
use thiserror::Error;

pub type Rgb = (u8, u8, u8);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum ColorDepth {
    /// No colours; letters may still be bold, dim, underlined or reversed.
    #[default]
    None,
    /// The 16 named colours, whose look the user's terminal decides.
    Ansi16,
    Ansi256,
    Truecolor,
}

impl ColorDepth {
    /// Every depth, fewest colours first.
    pub const ALL: [ColorDepth; 4] = [ColorDepth::None, ColorDepth::Ansi16, ColorDepth::Ansi256, ColorDepth::Truecolor];

    /// The depth's name in options and in `SURFIT_COLOR`.
    pub fn name(self) -> &'static str {
        match self {
            ColorDepth::None => "none",
            ColorDepth::Ansi16 => "16",
            ColorDepth::Ansi256 => "256",
            ColorDepth::Truecolor => "truecolor",
        }
    }

    /// What the environment reports about the terminal at standard output: `SURFIT_COLOR` wins, then `NO_COLOR`, then
    /// what `COLORTERM`, `TERM` and similar variables give.
    ///
    /// A `SURFIT_COLOR` that is no depth is ignored here; [`ColorDepth::env_override`] returns the error.
    pub fn detect() -> Self {
        Self::from_environment(&termprofile::Env, &std::io::stdout())
    }

    /// The depth that `SURFIT_COLOR` selects, if any, or the error of a value that is none.
    pub fn env_override() -> Result<Option<Self>, UnknownColorDepth> {
        std::env::var("SURFIT_COLOR").ok().filter(|s| !s.is_empty()).map(|s| s.parse()).transpose()
    }

    fn from_environment(env: &impl EnvVarSource, out: &impl IsTerminal) -> Self {
        if let Some(forced) = env.var("SURFIT_COLOR").and_then(|s| s.parse().ok()) {
            return forced;
        }
        // no-color.org: any value that is not empty counts.
        if env.var("NO_COLOR").is_some_and(|s| !s.is_empty()) {
            return ColorDepth::None;
        }
        if is_truecolor_xterm(env) {
            return ColorDepth::Truecolor;
        }
        if is_low_color_screen(env) {
            return ColorDepth::Ansi16;
        }
        // Asking tmux would start a process before the first frame.
        let settings = DetectorSettings::new().enable_tmux_info(false);
        let vars = TermVars::from_source(&TerminalEnv(env), &TerminalOutput(out), settings);
        match TermProfile::detect_with_vars(vars) {
            TermProfile::NoTty | TermProfile::NoColor => ColorDepth::None,
            TermProfile::Ansi16 => ColorDepth::Ansi16,
            TermProfile::Ansi256 => ColorDepth::Ansi256,
            TermProfile::TrueColor => ColorDepth::Truecolor,
        }
    }

    /// `rgb` as this depth shows it; `Color::Reset` at 16 colours and below, where only roles have colours.
    pub fn rgb(self, (r, g, b): (u8, u8, u8)) -> Color {
        match self {
            ColorDepth::Truecolor => Color::Rgb(r, g, b),
            ColorDepth::Ansi256 => Color::Indexed(nearest_256((r, g, b))),
            ColorDepth::Ansi16 | ColorDepth::None => Color::Reset,
        }
    }

    /// As [`ColorDepth::rgb`]; colours of `map`, and of the diverging map, go one path through the 256 on which neither
    /// lightness nor hue hops.
    pub fn colormap_rgb(self, map: Colormap, rgb: (u8, u8, u8)) -> Color {
        match self {
            ColorDepth::Ansi256 => {
                let index = palette_path::palette_index(map, rgb).unwrap_or_else(|| nearest_256(rgb));
                Color::Indexed(index)
            }
            _ => self.rgb(rgb),
        }
    }
}

/// A text is no colour depth.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is no colour depth; choose none, 16, 256 or truecolor")]
pub struct UnknownColorDepth(String);

impl FromStr for ColorDepth {
    type Err = UnknownColorDepth;

    fn from_str(s: &str) -> Result<Self, UnknownColorDepth> {
        Self::ALL.into_iter().find(|d| d.name().eq_ignore_ascii_case(s)).ok_or_else(|| UnknownColorDepth(s.into()))
    }
}

/// True in an xterm or mlterm whose own variable shows that it supports any colour. What a terminal left in the
/// environment of a multiplexer does not describe the multiplexer.
fn is_truecolor_xterm(env: &impl EnvVarSource) -> bool {
    let var = |name: &str| env.var(name).filter(|s| !s.is_empty());
    let term = var("TERM").unwrap_or_default();
    let inside = ["TMUX", "STY"].iter().any(|name| var(name).is_some());
    if inside || !["xterm", "mlterm"].iter().any(|t| term.starts_with(t)) {
        return false;
    }
    let version = var("XTERM_VERSION").and_then(|v| xterm_version(&v));
    version.is_some_and(|v| v >= XTERM_TRUECOLOR) || var("MLTERM").is_some()
}

/// True in GNU screen whose terminal has few colours: it calls itself `screen`, without the terminal's name, and makes eight
/// gaudy colours of 256. An older tmux has that name too, but does well with 256.
fn is_low_color_screen(env: &impl EnvVarSource) -> bool {
    let is_set = |name: &str| env.var(name).is_some_and(|v| !v.is_empty());
    let term = env.var("TERM").unwrap_or_default();
    let poor = term.starts_with("screen") && !term.contains("256color");
    poor && is_set("STY") && !is_set("TMUX")
}

/// The environment without what build servers set: termprofile takes those for a log with few colours, but a workbench is
/// only ever drawn on a terminal.
struct TerminalEnv<'a, E>(&'a E);

impl<E: EnvVarSource> EnvVarSource for TerminalEnv<'_, E> {
    fn var(&self, key: &str) -> Option<String> {
        const BUILD_SERVER_VARS: [&str; 10] = [
            "CI",
            "GITHUB_ACTIONS",
            "GITEA_ACTIONS",
            "CIRCLECI",
            "GITLAB_CI",
            "APPVEYOR",
            "TRAVIS",
            "BUILDKITE",
            "TEAMCITY_VERSION",
            "TF_BUILD",
        ];
        if BUILD_SERVER_VARS.contains(&key) { None } else { self.0.var(key) }
    }
}

/// A wrapper because termprofile's own trait covers only owned streams.
struct TerminalOutput<'a, T>(&'a T);

impl<T: IsTerminal> termprofile::IsTerminal for TerminalOutput<'_, T> {
    fn is_terminal(&self) -> bool {
        self.0.is_terminal()
    }
}

/// True when letters outside ASCII are safe: the locale is UTF-8.
pub(crate) fn is_unicode_locale(var: impl Fn(&str) -> Option<String>) -> bool {
    // The first of these that is set decides, as in the C library.
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(&var).unwrap_or_default();
    let locale = locale.to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

/// Levels of the 6×6×6 cube of the 256-colour palette.
const CUBE_LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// Index of the palette's colour nearest to `rgb`, by a distance weighted as eyes weigh ("redmean"). The first 16 are
/// left out: terminals colour those as users like.
pub fn nearest_256(rgb: (u8, u8, u8)) -> u8 {
    let level = |c: u8| (0..6).min_by_key(|&i| CUBE_LEVELS[i].abs_diff(c)).unwrap_or(0);
    let [r, g, b] = [level(rgb.0), level(rgb.1), level(rgb.2)];
    let cube = (16 + 36 * r + 6 * g + b) as u8;
    let mean = (u16::from(rgb.0) + u16::from(rgb.1) + u16::from(rgb.2)) / 3;
    let step = (mean.saturating_sub(8) + 5) / 10;
    let grey = 232 + step.min(23) as u8;
    if redmean_distance(rgb, palette_256(grey)) < redmean_distance(rgb, palette_256(cube)) { grey } else { cube }
}

/// The colour of an index from 16 on; darker indices count as black.
pub fn palette_256(index: u8) -> (u8, u8, u8) {
    match index {
        0..=15 => (0, 0, 0),
        16..=231 => {
            let i = usize::from(index - 16);
            (CUBE_LEVELS[i / 36], CUBE_LEVELS[i / 6 % 6], CUBE_LEVELS[i % 6])
        }
        232.. => {
            let grey = 8 + 10 * (index - 232);
            (grey, grey, grey)
        }
    }
}

fn redmean_distance(a: (u8, u8, u8), b: (u8, u8, u8)) -> i64 {
    let d = |x: u8, y: u8| i64::from(x) - i64::from(y);
    let (r, g, bl) = (d(a.0, b.0), d(a.1, b.1), d(a.2, b.2));
    let mean = (i64::from(a.0) + i64::from(b.0)) / 2;
    (512 + mean) * r * r + 1024 * g * g + (767 - mean) * bl * bl
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn depth(vars: &[(&'static str, &'static str)]) -> ColorDepth {
        let mut env: HashMap<&str, &str> = vars.iter().copied().collect();
        // A forced terminal, since tests have none at standard output.
        env.entry("TTY_FORCE").or_insert("1");
        ColorDepth::from_environment(&env, &std::io::stdout())
    }

    #[test]
    fn the_environment_decides_and_a_forced_value_wins() {
        assert_eq!(depth(&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")]), ColorDepth::Truecolor);
        assert_eq!(depth(&[("TERM", "xterm-256color")]), ColorDepth::Ansi256);
        assert_eq!(depth(&[("TERM", "linux")]), ColorDepth::Ansi16);
        assert_eq!(depth(&[("TERM", "xterm-256color"), ("NO_COLOR", "0")]), ColorDepth::None);
        assert_eq!(depth(&[("TERM", "dumb")]), ColorDepth::None);
        let xterm = ("TERM", "xterm");
        assert_eq!(depth(&[xterm, ("XTERM_VERSION", "XTerm(379)")]), ColorDepth::Truecolor);
        assert_eq!(depth(&[xterm, ("MLTERM", "3.9.2")]), ColorDepth::Truecolor);
        assert!(depth(&[xterm, ("XTERM_VERSION", "XTerm(278)")]) < ColorDepth::Truecolor);
        let inside = [("TERM", "screen"), ("STY", "1.a"), ("XTERM_VERSION", "XTerm(379)")];
        assert!(depth(&inside) < ColorDepth::Truecolor);
        let sty = ("STY", "1.a");
        let screen = |term| depth(&[("TERM", term), sty, ("COLORTERM", "truecolor")]);
        assert_eq!(screen("screen"), ColorDepth::Ansi16);
        assert_eq!(screen("screen.xterm-256color"), ColorDepth::Ansi256);
        assert_eq!(depth(&[("TERM", "screen"), ("TMUX", "a")]), ColorDepth::Ansi256);
        let forced = [("NO_COLOR", "1"), ("SURFIT_COLOR", "256"), ("TERM", "dumb")];
        assert_eq!(depth(&forced), ColorDepth::Ansi256);
        assert!("many".parse::<ColorDepth>().unwrap_err().to_string().contains("`many` is no colour depth"));
    }

    #[test]
    fn the_nearest_of_256_is_itself_for_every_colour_of_the_palette() {
        for index in 16..=255u8 {
            assert_eq!(palette_256(nearest_256(palette_256(index))), palette_256(index), "{index}");
        }
        assert_eq!(ColorDepth::Ansi16.rgb((1, 2, 3)), Color::Reset);
        assert_eq!(ColorDepth::Truecolor.rgb((1, 2, 3)), Color::Rgb(1, 2, 3));
    }

    #[test]
    fn the_locale_tells_whether_braille_is_safe() {
        let with = |pairs: &'static [(&str, &str)]| {
            is_unicode_locale(|n| pairs.iter().find(|p| p.0 == n).map(|p| p.1.to_string()))
        };
        assert!(with(&[("LANG", "en_US.UTF-8")]));
        assert!(with(&[("LC_CTYPE", "C.utf8"), ("LANG", "C")]));
        assert!(!with(&[("LC_ALL", "C"), ("LANG", "en_US.UTF-8")]));
        assert!(!with(&[]));
    }
}
