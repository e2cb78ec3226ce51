//! The frame of a pane.

use crate::glyphs::Glyphs;
use crate::theme::{Role, Theme};
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

/// The lines and title of a pane. Focus is told by colour and, so that colour is not needed, by heavier lines.
pub fn block<'a>(theme: &Theme, title: impl Into<Line<'a>>, focused: bool) -> Block<'a> {
    let (border, text) = if focused {
        (Role::BorderFocused, Role::TitleFocused)
    } else {
        (Role::Border, Role::Title)
    };
    let set = match (theme.glyphs(), focused) {
        (Glyphs::Ascii, true) => border::Set {
            horizontal_top: "=",
            horizontal_bottom: "=",
            ..ASCII_BORDER
        },
        (Glyphs::Ascii, false) => ASCII_BORDER,
        (Glyphs::Blocks, true) => border::DOUBLE,
        (Glyphs::Blocks, false) => border::PLAIN,
        // Without colour the weight of the line is all there is.
        (Glyphs::Braille, true) if theme.depth() <= crate::color::Depth::Ansi16 => border::THICK,
        (Glyphs::Braille, _) => border::ROUNDED,
    };
    Block::bordered()
        .border_set(set)
        .border_style(theme.style(border))
        .title(title.into())
        .title_style(theme.style(text))
        .padding(Padding::ZERO)
}
