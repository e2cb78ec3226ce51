//! What relative paths in a configuration are relative to.

use super::{Config, present_key};
use std::path::{Path, PathBuf};
use toml_edit::Value;

/// The folder of a file, as something that can be joined and made absolute: of a file that is named without one it is the
/// working directory, and not the empty path that [`Path::parent`] gives.
pub fn folder_of(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Makes the paths of a configuration mean the same from anywhere: relative ones are in `folder`.
pub(super) fn resolve_paths(config: &mut Config, folder: &Path) {
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let resolve = |p: &mut PathBuf| {
        if !p.as_os_str().is_empty() && p.is_relative() {
            *p = folder.join(&*p);
        }
    };
    config.corners.checkpoints.iter_mut().for_each(resolve);
    resolve(&mut config.data.root);
}

/// A path that no configuration can be written with: it is in a folder whose name is not UTF-8.
pub(super) fn non_utf8_path(config: &Config) -> Option<&Path> {
    let mut paths = config.corners.checkpoints.iter().chain([&config.data.root]);
    paths.find(|p| p.to_str().is_none()).map(PathBuf::as_path)
}

/// A value as it is written on a command line: TOML, or else text.
pub(super) fn parse_value(text: &str) -> Value {
    text.trim().parse().unwrap_or_else(|_| Value::from(text.trim()))
}

/// A replacement `KEY=VALUE` whose relative paths are made absolute: they are in `folder`. Others stay as they are.
pub fn resolve_set_paths(set: &str, folder: &Path) -> String {
    let Some((key, text)) = set.split_once('=') else {
        return set.to_owned();
    };
    let mut value = parse_value(text);
    match (present_key(key.trim()), &mut value) {
        ("corners.checkpoints" | "data.root", paths) => make_absolute(paths, folder),
        (table @ ("corners" | "data"), Value::InlineTable(keys)) => {
            let is_path =
                |key: &str| ["corners.checkpoints", "data.root"].contains(&present_key(&format!("{table}.{key}")));
            keys.iter_mut().filter(|(key, _)| is_path(key.get())).for_each(|(_, paths)| make_absolute(paths, folder));
        }
        _ => return set.to_owned(),
    }
    format!("{key}={value}")
}

fn make_absolute(value: &mut Value, folder: &Path) {
    match value {
        Value::String(path) if !path.value().is_empty() => {
            let path = folder.join(path.value());
            if let Some(path) = std::path::absolute(&path).ok().as_deref().and_then(Path::to_str) {
                *value = path.into();
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|v| make_absolute(v, folder)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_named_without_a_folder_is_in_the_working_directory() {
        for (file, folder) in [("rel.toml", "."), ("./rel.toml", "."), ("d/a", "d"), ("/a", "/")] {
            assert_eq!(folder_of(Path::new(file)), Path::new(folder), "{file}");
        }
        let mut config = Config::default();
        config.corners.checkpoints = vec!["a.pt".into(), "/b.pt".into()];
        config.data.root = "d".into();
        resolve_paths(&mut config, folder_of(Path::new("rel.toml")));
        let here = std::env::current_dir().unwrap();
        assert_eq!(config.corners.checkpoints, [here.join("a.pt"), "/b.pt".into()]);
        assert_eq!(config.data.root, here.join("d"));
    }

    #[test]
    fn only_paths_are_anchored() {
        let at = |set| resolve_set_paths(set, Path::new("/f"));
        assert_eq!(at("fit.degree=[3,1]"), "fit.degree=[3,1]");
        assert_eq!(at("seed"), "seed");
        assert_eq!(at("data.root="), "data.root=\"\"");
        assert!(at("data.root=d").ends_with("\"/f/d\""));
        let files = at("corners.checkpoints=['a.pt', \"/b.pt\"]");
        assert!(files.contains("/f/a.pt") && files.contains("\"/b.pt\""), "{files}");
        for set in ["corners={checkpoints=['a.pt', 'b.pt']}", "corners={checkpoints=['a.pt', 'b.pt']}"] {
            assert!(at(set).contains("/f/a.pt"), "{set}");
        }
    }
}
