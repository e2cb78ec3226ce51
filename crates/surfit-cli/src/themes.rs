//! `surfit themes`: lists the colour themes.

use super::error::CliError;
use super::output;
use surfit_tui::{ColorDepth, Theme, list_themes};

/// Lists the built-in themes and the user's own.
pub fn run_command() -> Result<(), CliError> {
    for choice in list_themes(ColorDepth::None) {
        let own = if choice.is_user_theme { " (your own)" } else { "" };
        let line = format!("{:<16}{}{own}", choice.name, choice.description());
        output::print_line(line.trim_end())?;
    }
    let Some(folder) = Theme::user_folder() else {
        return Ok(());
    };
    output::print_line("")?;
    output::print_line(format!("Put your own themes as TOML files into {}", folder.display()))
}
