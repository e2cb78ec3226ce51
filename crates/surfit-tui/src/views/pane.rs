//! The frame of a pane.

use crate::glyphs::GlyphSet;
use crate::theme::{Theme, ThemeRole};
use ratatui::symbols::border;
use ratatui::text::Line;
use ratatui::widgets::{Block, Padding};

/// Lines around a pane where box drawing is not to be had.
pub const ASCII_BORDER: border::Set = border::Set {
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    vertical_left: "|",
    vertical_right: "|",
    horizontal_top: "-",
    horizontal_bottom: "-",
};

/// The lines and title of a pane. Focus is shown by colour and, so that colour is not needed, by heavier lines.
pub fn block<'a>(theme: &Theme, title: impl Into<Line<'a>>, focused: bool) -> Block<'a> {
    let (border, text) = if focused {
        (ThemeRole::BorderFocused, ThemeRole::TitleFocused)
    } else {
        (ThemeRole::Border, ThemeRole::Title)
    };
    let set = match (theme.glyphs(), focused) {
        (GlyphSet::Ascii, true) => border::Set { horizontal_top: "=", horizontal_bottom: "=", ..ASCII_BORDER },
        (GlyphSet::Ascii, false) => ASCII_BORDER,
        (GlyphSet::Blocks, true) => border::DOUBLE,
        (GlyphSet::Blocks, false) => border::PLAIN,
        // Without colour the weight of the line is all there is.
        (GlyphSet::Braille, true) if theme.depth() <= crate::color::ColorDepth::Ansi16 => border::THICK,
        (GlyphSet::Braille, _) => border::ROUNDED,
    };
    Block::bordered()
        .border_set(set)
        .border_style(theme.style(border))
        .title(title.into())
        .title_style(theme.style(text))
        .padding(Padding::ZERO)
}
