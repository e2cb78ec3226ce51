//! `surfit themes`: the colour themes there are.

use super::fault::Fault;
use super::out;
use surfit_tui::Depth;
use surfit_tui::theme::Theme;

/// Lists the program's themes and the user's own.
pub fn themes() -> Result<(), Fault> {
    for name in Theme::names() {
        let theme = Theme::by_name(name, Depth::None);
        let about = theme.as_ref().map_or("", |t| t.description());
        out::line(format!("{name:<16}{about}").trim_end())?;
    }
    let Some(folder) = Theme::user_folder() else {
        return Ok(());
    };
    let mut own: Vec<String> = std::fs::read_dir(&folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|e| e.path())
        .filter(|p| p.extension().is_some_and(|e| e == "toml"))
        .filter_map(|p| Some(p.file_stem()?.to_str()?.to_owned()))
        .collect();
    own.sort();
    for name in own {
        let about = match Theme::load(&name, Depth::None) {
            Ok(theme) => theme.description().to_owned(),
            Err(error) => error.to_string(),
        };
        out::line(format!("{name:<16}{about} (your own)"))?;
    }
    out::line(format!(
        "\nYour own themes are TOML files in {}.",
        folder.display()
    ))
}
