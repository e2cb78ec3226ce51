//! A file that the user takes away from the screen.

use crate::figure::{Figure, FigureForm};
use serde::{Deserialize, Serialize};
use std::path::{Component, Path, PathBuf};

/// A file to write.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewFile {
    /// Where, as the user wrote it: `~` is the home folder, and what is not absolute is in the working folder.
    pub path: PathBuf,
    /// It may take the place of a file that is there.
    pub replace: bool,
    /// What it holds.
    pub content: FileContent,
}

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FileContent {
    /// Text that is written as it is.
    Text(String),
    /// A figure of the run that is shown, as it is when the file is written.
    Drawn(Box<Figure>, FigureForm),
}

/// The folder beside the user's work for the files of a run that is on another machine, or only watched: runs of the same id
/// on different hosts, or in different groups, have different ones. `name` is what the command line calls the run there.
pub fn local_figures_dir(host: Option<&str>, name: &str) -> PathBuf {
    let parts = Path::new(name).components().filter_map(|c| match c {
        Component::Normal(part) => Some(part.to_string_lossy()),
        _ => None,
    });
    let parts: Vec<_> = parts.collect();
    // Its group, or the folder it is in, and its id.
    let last = &parts[parts.len().saturating_sub(2)..];
    let mut words: Vec<&str> = host.into_iter().collect();
    words.extend(last.iter().map(|part| &**part));
    let plain = |c: char| match c {
        c if c.is_alphanumeric() || ".-_@".contains(c) => c,
        _ => '_',
    };
    let name: String = words.join("-").chars().map(plain).collect();
    format!("{name}-figures").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_different_runs_go_into_different_folders() {
        for (host, name, folder) in [
            (None, "demo-1", "demo-1-figures"),
            (Some("me@gpu1"), "demo-1", "me@gpu1-demo-1-figures"),
            (Some("gpu1"), "study/seed-1", "gpu1-study-seed-1-figures"),
            (None, "/data/mine/a", "mine-a-figures"),
            (Some("[::1]"), "../a", "___1_-a-figures"),
        ] {
            assert_eq!(local_figures_dir(host, name), PathBuf::from(folder));
        }
    }
}
