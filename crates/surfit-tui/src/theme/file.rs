//! A theme's TOML.

use super::{RoleStyle, ThemeRole};
use ratatui::style::{Color, Modifier};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;
use surfit_core::colormap::Colormap;
use surfit_core::config::unknown_name_message;
use thiserror::Error;

/// Why a theme cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[allow(missing_docs)] // The messages describe each variant.
pub enum ThemeError {
    #[error("{}", unknown_name_message("theme", name, choices))]
    Unknown { name: String, choices: Vec<&'static str> },
    #[error("theme {}: {fault}", .path.display())]
    File { path: PathBuf, fault: Box<ThemeError> },
    #[error("{0}")]
    Read(String),
    #[error("this is no file of a theme")]
    NoFile,
    #[error("{}{message}", .line.map_or(String::new(), |n| format!("line {n}: ")))]
    Syntax { line: Option<usize>, message: String },
    #[error("role {role}: {fault}")]
    Role { role: ThemeRole, fault: StyleError },
}

/// Why a text describes no colour or style.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StyleError {
    #[error("`{0}` is no colour; write it as #rrggbb")]
    Hex(String),
    #[error("`{0}` is none of the 16 colours; write one like lightblue, or default")]
    Named(String),
    #[error("`{0}` is no style; choose bold, dim, italic, underlined or reversed")]
    Modifier(String),
}

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
    roles: BTreeMap<ThemeRole, RawStyle>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawStyle {
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
    let raw: RawTheme = toml::from_str(text).map_err(|e| ThemeError::Syntax {
        line: e.span().and_then(|s| text.get(..s.start)).map(|t| t.matches('\n').count() + 1),
        message: e.message().replace('\n', " ").trim().into(),
    })?;
    let style = |(role, style): (ThemeRole, RawStyle)| match to_role_style(&style) {
        Ok(style) => Ok((role, style)),
        Err(fault) => Err(ThemeError::Role { role, fault }),
    };
    let roles = raw.roles.into_iter().map(style).collect::<Result<_, ThemeError>>()?;
    Ok(ThemeFile { name: raw.name, description: raw.description, colormap: raw.colormap, roles })
}

fn to_role_style(raw: &RawStyle) -> Result<RoleStyle, StyleError> {
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

fn parse_hex_color(s: &str) -> Result<(u8, u8, u8), StyleError> {
    match Color::from_str(s) {
        Ok(Color::Rgb(r, g, b)) if s.starts_with('#') => Ok((r, g, b)),
        _ => Err(StyleError::Hex(s.into())),
    }
}

/// Letters and ground.
type ColorPair = (Option<Color>, Option<Color>);

/// A [`parse_color_pair`], with styles for letters after it: `default dim`.
fn parse_styled_pair(text: &str) -> Result<(ColorPair, Modifier), StyleError> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let styles = words.iter().rev().take_while(|w| parse_modifiers(w).is_ok());
    let (colours, styles) = words.split_at(words.len() - styles.count());
    Ok((parse_color_pair(&colours.join(" "))?, parse_modifiers(&styles.join(" "))?))
}

/// `white`, or `black on white`; `default` is what the terminal itself uses.
fn parse_color_pair(s: &str) -> Result<ColorPair, StyleError> {
    let mut parts = s.splitn(2, " on ").map(parse_named_color);
    let fg = parts.next().transpose()?;
    Ok((fg, parts.next().transpose()?))
}

fn parse_named_color(s: &str) -> Result<Color, StyleError> {
    match s.trim() {
        "default" => Ok(Color::Reset),
        name => match Color::from_str(name) {
            Ok(Color::Rgb(..) | Color::Indexed(_)) | Err(_) => Err(StyleError::Named(name.into())),
            Ok(color) => Ok(color),
        },
    }
}

fn parse_modifiers(s: &str) -> Result<Modifier, StyleError> {
    s.split_whitespace().try_fold(Modifier::empty(), |all, word| {
        Ok(all
            | match word {
                "bold" => Modifier::BOLD,
                "dim" => Modifier::DIM,
                "italic" => Modifier::ITALIC,
                "underlined" => Modifier::UNDERLINED,
                "reversed" => Modifier::REVERSED,
                _ => return Err(StyleError::Modifier(word.into())),
            })
    })
}
