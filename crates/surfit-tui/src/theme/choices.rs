//! The themes that can be chosen: the program's, and files of the user's own.

use super::{ColorDepth, Theme, ThemeError};
use std::path::Path;

#[derive(Clone, Debug)]
pub struct ThemeChoice {
    pub name: String,
    pub is_user_theme: bool,
    pub theme: Result<Theme, ThemeError>,
}

impl ThemeChoice {
    /// One line about it: its description, or what is wrong.
    pub fn description(&self) -> String {
        self.theme.as_ref().map_or_else(ToString::to_string, |theme| theme.description().into())
    }
}

/// Every theme there is at a depth: the program's own in their order, then the user's by name. A file that has the name of
/// one of the program's replaces it.
pub fn list_themes(depth: ColorDepth) -> Vec<ThemeChoice> {
    list_themes_in(Theme::user_folder().as_deref(), depth)
}

pub(super) fn list_themes_in(folder: Option<&Path>, depth: ColorDepth) -> Vec<ThemeChoice> {
    let mut own: Vec<ThemeChoice> = folder
        .and_then(|f| std::fs::read_dir(f).ok())
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "toml"))
        .filter_map(|path| {
            Some(ThemeChoice {
                name: path.file_stem()?.to_str()?.to_owned(),
                is_user_theme: true,
                theme: Theme::from_file(&path, depth),
            })
        })
        .collect();
    own.sort_by(|a, b| a.name.cmp(&b.name));
    let mut all: Vec<ThemeChoice> = Theme::built_in_names()
        .filter_map(|name| match own.iter().position(|o| o.name == name) {
            Some(at) => Some(own.remove(at)),
            None => {
                let theme = Ok(Theme::built_in(name, depth)?);
                Some(ThemeChoice { name: name.into(), is_user_theme: false, theme })
            }
        })
        .collect();
    all.append(&mut own);
    all
}
