//! `surfit themes`: the colour themes there are.

use super::error::CliError;
use super::output;
use surfit_tui::ColorDepth;
use surfit_tui::theme::{Theme, list_themes};

/// Lists the program's themes and the user's own.
pub fn themes() -> Result<(), CliError> {
    for choice in list_themes(ColorDepth::None) {
        let own = if choice.is_user_theme { " (your own)" } else { "" };
        let line = format!("{:<16}{}{own}", choice.name, choice.description());
        output::print_line(line.trim_end())?;
    }
    let Some(folder) = Theme::user_folder() else {
        return Ok(());
    };
    output::print_line("")?;
    output::print_line(format!("Your own themes are TOML files in {}.", folder.display()))
}
