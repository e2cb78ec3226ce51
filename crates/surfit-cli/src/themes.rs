//! `surfit themes`: the colour themes there are.

use super::fault::CliError;
use super::out;
use surfit_tui::ColorDepth;
use surfit_tui::theme::{Theme, choices};

/// Lists the program's themes and the user's own.
pub fn themes() -> Result<(), CliError> {
    for choice in choices(ColorDepth::None) {
        let own = if choice.own { " (your own)" } else { "" };
        let line = format!("{:<16}{}{own}", choice.name, choice.about());
        out::line(line.trim_end())?;
    }
    let Some(folder) = Theme::user_folder() else {
        return Ok(());
    };
    out::line("")?;
    out::line(format!(
        "Your own themes are TOML files in {}.",
        folder.display()
    ))
}
