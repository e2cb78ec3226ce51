//! A theme's TOML.

use super::{RoleStyle, ThemeRole};
use ratatui::style::{Color, Modifier};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::str::FromStr;
use surfit_core::colormap::Colormap;

/// What is wrong with a theme, as a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThemeError(pub String);

impl std::fmt::Display for ThemeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ThemeError {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTheme {
    #[serde(default)]
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    colormap: Colormap,
    #[serde(default)]
    roles: BTreeMap<ThemeRole, RawLook>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLook {
    fg: Option<String>,
    bg: Option<String>,
    ansi: Option<String>,
    add: Option<String>,
    plain: Option<String>,
}

pub(super) struct ThemeFile {
    pub name: String,
    pub description: String,
    pub colormap: Colormap,
    pub roles: BTreeMap<ThemeRole, RoleStyle>,
}

pub(super) fn parse(text: &str) -> Result<ThemeFile, ThemeError> {
    let raw: RawTheme = toml::from_str(text).map_err(|e| {
        let line =
            e.span().and_then(|s| text.get(..s.start)).map(|t| format!("line {}: ", t.matches('\n').count() + 1));
        let why = e.message().replace('\n', " ");
        ThemeError(format!("{}{}", line.unwrap_or_default(), why.trim()))
    })?;
    let look = |(role, look): (ThemeRole, RawLook)| {
        let look = to_role_style(&look).map_err(|why| ThemeError(format!("role {}: {why}", role.name())))?;
        Ok((role, look))
    };
    let roles = raw.roles.into_iter().map(look).collect::<Result<_, ThemeError>>()?;
    Ok(ThemeFile { name: raw.name, description: raw.description, colormap: raw.colormap, roles })
}

fn to_role_style(raw: &RawLook) -> Result<RoleStyle, String> {
    let (ansi, ansi_add) = match raw.ansi.as_deref() {
        Some(text) => parse_styled_pair(text)?,
        None => ((None, None), Modifier::empty()),
    };
    Ok(RoleStyle {
        fg: raw.fg.as_deref().map(parse_hex_color).transpose()?,
        bg: raw.bg.as_deref().map(parse_hex_color).transpose()?,
        ansi,
        ansi_modifiers: ansi_add,
        modifiers: raw.add.as_deref().map_or(Ok(Modifier::empty()), parse_modifiers)?,
        plain_modifiers: raw.plain.as_deref().map(parse_modifiers).transpose()?,
    })
}

fn parse_hex_color(s: &str) -> Result<(u8, u8, u8), String> {
    match Color::from_str(s) {
        Ok(Color::Rgb(r, g, b)) if s.starts_with('#') => Ok((r, g, b)),
        _ => Err(format!("`{s}` is no colour; write it as #rrggbb")),
    }
}

/// Letters and ground.
type ColorPair = (Option<Color>, Option<Color>);

/// A [`parse_color_pair`], with styles for letters after it: `default dim`.
fn parse_styled_pair(text: &str) -> Result<(ColorPair, Modifier), String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let styles = words.iter().rev().take_while(|w| parse_modifiers(w).is_ok());
    let (colours, styles) = words.split_at(words.len() - styles.count());
    Ok((parse_color_pair(&colours.join(" "))?, parse_modifiers(&styles.join(" "))?))
}

/// `white`, or `black on white`; `default` is what the terminal itself uses.
fn parse_color_pair(s: &str) -> Result<ColorPair, String> {
    let mut parts = s.splitn(2, " on ").map(parse_named_color);
    let fg = parts.next().transpose()?;
    Ok((fg, parts.next().transpose()?))
}

fn parse_named_color(s: &str) -> Result<Color, String> {
    match s.trim() {
        "default" => Ok(Color::Reset),
        name => match Color::from_str(name) {
            Ok(Color::Rgb(..) | Color::Indexed(_)) | Err(_) => {
                Err(format!("`{name}` is none of the 16 colours; write one like lightblue, or default"))
            }
            Ok(color) => Ok(color),
        },
    }
}

fn parse_modifiers(s: &str) -> Result<Modifier, String> {
    s.split_whitespace().try_fold(Modifier::empty(), |all, word| {
        Ok(all
            | match word {
                "bold" => Modifier::BOLD,
                "dim" => Modifier::DIM,
                "italic" => Modifier::ITALIC,
                "underlined" => Modifier::UNDERLINED,
                "reversed" => Modifier::REVERSED,
                _ => {
                    return Err(format!("`{word}` is no style; choose bold, dim, italic, underlined or reversed"));
                }
            })
    })
}
