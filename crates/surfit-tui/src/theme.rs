//! Colour themes: semantic roles, read from TOML, fitted to what the terminal can show.

mod choices;
mod file;

pub use crate::color::ColorDepth;
pub use crate::glyphs::GlyphSet;
pub use choices::{ThemeChoice, list_themes};
pub use file::ThemeError;

use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use surfit_core::colormap::Colormap;

/// What a piece of the screen is, which decides how it looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, strum::Display, strum::EnumIter)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ThemeRole {
    Text,
    /// Letters of less weight: units, hints.
    Muted,
    Background,
    Border,
    BorderFocused,
    Title,
    TitleFocused,
    Accent,
    Good,
    Warning,
    Error,
    Key,
    Selection,
    /// The cursor in panes and input fields.
    Cursor,
    CurveRaw,
    CurveSmooth,
    CurveValidation,
    Corner1,
    Corner2,
    Corner3,
    Corner4,
    /// Axes, ticks and their labels.
    Axis,
    Best,
    /// A measurement of an older surface.
    Stale,
    Unmeasured,
    /// A control point that is held still.
    Frozen,
}

impl ThemeRole {
    /// The role of corner `0..4`.
    pub fn corner(index: usize) -> ThemeRole {
        [ThemeRole::Corner1, ThemeRole::Corner2, ThemeRole::Corner3, ThemeRole::Corner4][index % 4]
    }
}

/// How a role looks, before it is fitted to a depth.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct RoleStyle {
    fg: Option<(u8, u8, u8)>,
    bg: Option<(u8, u8, u8)>,
    ansi: (Option<Color>, Option<Color>),
    ansi_modifiers: Modifier,
    modifiers: Modifier,
    plain_modifiers: Option<Modifier>,
}

/// A theme at a depth. Cheap to ask, so views ask for each span.
#[derive(Clone, Debug, Default)]
pub struct Theme {
    name: String,
    description: String,
    colormap: Colormap,
    styles: BTreeMap<ThemeRole, RoleStyle>,
    pub(crate) depth: ColorDepth,
    glyphs: GlyphSet,
}

const MAX_THEME_BYTES: u64 = 1 << 20;

/// Names and texts of the themes that the program carries.
const BUILT_IN_THEMES: [(&str, &str); 7] = [
    ("dark", include_str!("../themes/dark.toml")),
    ("light", include_str!("../themes/light.toml")),
    ("ember", include_str!("../themes/ember.toml")),
    ("paper", include_str!("../themes/paper.toml")),
    ("high-contrast", include_str!("../themes/high-contrast.toml")),
    ("colour-blind", include_str!("../themes/colour-blind.toml")),
    ("mono", include_str!("../themes/mono.toml")),
];

impl Theme {
    pub const DEFAULT: &str = "dark";

    /// Names of the themes that the program carries, in the order the switch goes through them.
    pub fn built_in_names() -> impl ExactSizeIterator<Item = &'static str> {
        BUILT_IN_THEMES.iter().map(|b| b.0)
    }

    pub fn built_in(name: &str, depth: ColorDepth) -> Option<Theme> {
        let (_, text) = BUILT_IN_THEMES.iter().find(|b| b.0 == name)?;
        Self::from_toml(text, depth).ok()
    }

    /// Reads a theme. Roles that the text leaves out are those of [`Theme::DEFAULT`].
    ///
    /// # Errors
    /// The first thing that is wrong: syntax, an unknown role, a colour that is none.
    pub fn from_toml(text: &str, depth: ColorDepth) -> Result<Theme, ThemeError> {
        let file = file::parse(text)?;
        let mut styles = file::parse(BUILT_IN_THEMES[0].1)?.roles;
        styles.extend(file.roles);
        let (name, description, colormap) = (file.name, file.description, file.colormap);
        Ok(Theme { name, description, colormap, styles, depth, glyphs: GlyphSet::Braille })
    }

    /// The user's own theme of that name where there is one, else the program's.
    ///
    /// # Errors
    /// When there is no such theme, or the user's file cannot be read; the message names the file or the choices.
    pub fn load(name: &str, depth: ColorDepth) -> Result<Theme, ThemeError> {
        if let Some(path) = Self::user_folder().map(|f| f.join(format!("{name}.toml")))
            && path.is_file()
        {
            return Self::from_file(&path, depth);
        }
        let unknown = || ThemeError::Unknown { name: name.into(), choices: Self::built_in_names().collect() };
        Self::built_in(name, depth).ok_or_else(unknown)
    }

    /// Reads a theme's file; the file's name is the theme's.
    ///
    /// # Errors
    /// As [`Theme::from_toml`], with the file's name.
    pub fn from_file(path: &Path, depth: ColorDepth) -> Result<Theme, ThemeError> {
        let named = |fault| ThemeError::File { path: path.into(), fault: Box::new(fault) };
        // A pipe of that name would be waited for, and a film read to its end.
        let about = std::fs::metadata(path).map_err(|e| named(ThemeError::Read(e.to_string())))?;
        if !about.is_file() || about.len() > MAX_THEME_BYTES {
            return Err(named(ThemeError::NoFile));
        }
        let text = std::fs::read_to_string(path).map_err(|e| named(ThemeError::Read(e.to_string())))?;
        let mut theme = Self::from_toml(&text, depth).map_err(named)?;
        theme.name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Ok(theme)
    }

    pub fn user_folder() -> Option<PathBuf> {
        crate::paths::config_folder().map(|f| f.join("themes"))
    }

    pub fn with_glyphs(mut self, glyphs: GlyphSet) -> Self {
        self.glyphs = glyphs;
        self
    }

    pub fn with_terminal_of(mut self, other: &Theme) -> Self {
        (self.depth, self.glyphs) = (other.depth, other.glyphs);
        self
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn description(&self) -> &str {
        &self.description
    }

    /// How a role looks. At [`ColorDepth::None`] only bold, dim, underlined and reversed are used.
    pub fn style(&self, role: ThemeRole) -> Style {
        let Some(look) = self.styles.get(&role) else {
            return Style::new();
        };
        if self.depth == ColorDepth::None {
            return Style::new().add_modifier(look.plain_modifiers.unwrap_or(look.modifiers));
        }
        let ((fg, bg), add) = match self.depth {
            ColorDepth::Ansi16 => (look.ansi, look.modifiers | look.ansi_modifiers),
            _ => ((look.fg.map(|c| self.depth.rgb(c)), look.bg.map(|c| self.depth.rgb(c))), look.modifiers),
        };
        Style { fg, bg, ..Style::new() }.add_modifier(add)
    }

    pub fn depth(&self) -> ColorDepth {
        self.depth
    }

    /// True when words and signs are to be of ASCII: at every level below [`GlyphSet::Braille`].
    pub fn is_ascii(&self) -> bool {
        self.glyphs != GlyphSet::Braille
    }

    pub fn glyphs(&self) -> GlyphSet {
        self.glyphs
    }

    pub fn colormap(&self) -> Colormap {
        self.colormap
    }

    /// A colour fitted to the depth; `Color::Reset` at 16 colours and below.
    pub fn rgb(&self, rgb: (u8, u8, u8)) -> Color {
        self.depth.colormap_rgb(self.colormap, rgb)
    }

    /// A light shade (`░`) of a role on the ground as one flat colour; `None` where there are no colours to mix.
    pub fn shade_color(&self, role: ThemeRole) -> Option<Color> {
        let (ink, ground) = (self.styles.get(&role)?.fg?, self.background_rgb());
        let mixed = |a: u8, b: u8| ((u16::from(a) + 3 * u16::from(b)) / 4) as u8;
        matches!(self.depth, ColorDepth::Truecolor | ColorDepth::Ansi256)
            .then(|| self.depth.rgb((mixed(ink.0, ground.0), mixed(ink.1, ground.1), mixed(ink.2, ground.2))))
    }

    /// A role's red, green and blue, for images.
    pub fn foreground_rgb(&self, role: ThemeRole) -> (u8, u8, u8) {
        let of = |role| self.styles.get(&role).and_then(|l: &RoleStyle| l.fg);
        of(role).or_else(|| of(ThemeRole::Text)).unwrap_or((200, 200, 200))
    }

    pub fn background_rgb(&self) -> (u8, u8, u8) {
        self.styles.get(&ThemeRole::Background).and_then(|l| l.bg).unwrap_or((0, 0, 0))
    }

    pub fn pick_glyph<T>(&self, unicode: T, ascii: T) -> T {
        if self.is_ascii() { ascii } else { unicode }
    }
}

#[cfg(test)]
mod tests;
