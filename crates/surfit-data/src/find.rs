//! Where a data set's files are.
//!
//! `data.root` when it is set; else, the first that has the whole set: `SURFIT_DATA/NAME`, `surfit/data/NAME` in the
//! user's data folder, `/usr/share/datasets/NAME`.

mod inaccessible;

use crate::catalogue::{CatalogueEntry, SetFamily, find_entry};
use crate::cifar;
use crate::{DataError, Result, folder, idx, tiny_imagenet};
use etcetera::BaseStrategy;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// Where Debian's packages of data sets put them.
const SYSTEM_FOLDER: &str = "/usr/share/datasets";

/// How a found set is laid out.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum SetLayout {
    /// Inside the program; where the full set was looked for in vain.
    Embedded { searched_folders: Option<String> },
    /// The files of the embedded set, in a folder.
    EmbeddedFiles(PathBuf),
    /// Four IDX files in a folder.
    Idx(PathBuf),
    /// One of CIFAR's forms.
    Cifar(cifar::CifarLocation),
    /// The archive or the folder.
    TinyImageNet(PathBuf),
    /// A folder of class folders.
    Folder(PathBuf),
}

/// A set, or a part of it, that was found.
#[derive(Clone, Debug)]
pub struct FoundSet {
    /// Catalogue entry of the data set.
    pub entry: &'static CatalogueEntry,
    /// Its files; for folders of images, the folder.
    pub files: Vec<PathBuf>,
    /// Files that belong to it and are not there.
    pub missing: Vec<PathBuf>,
    pub(crate) layout: SetLayout,
}

impl FoundSet {
    /// The set's source: the folder or archive, or `embedded`.
    pub fn source(&self) -> String {
        match &self.layout {
            SetLayout::Embedded { searched_folders: None } => "embedded".into(),
            SetLayout::Embedded { searched_folders: Some(places) } => format!("embedded; no full set in {places}"),
            SetLayout::EmbeddedFiles(path)
            | SetLayout::Idx(path)
            | SetLayout::TinyImageNet(path)
            | SetLayout::Folder(path) => path.display().to_string(),
            SetLayout::Cifar(place) => place.path().display().to_string(),
        }
    }

    /// True when it is inside the program.
    pub fn is_embedded(&self) -> bool {
        matches!(self.layout, SetLayout::Embedded { .. })
    }

    /// True when no file is missing.
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty()
    }

    /// Bytes of its files.
    pub fn bytes(&self) -> u64 {
        let size = |path: &PathBuf| path.metadata().map_or(0, |m| m.len());
        match self.layout {
            SetLayout::Folder(_) | SetLayout::TinyImageNet(_) => {
                self.files.iter().map(|path| folder::total_bytes(path)).sum()
            }
            _ => self.files.iter().map(size).sum(),
        }
    }
}

/// Where sets are fetched to: `SURFIT_DATA`, else `surfit/data` in the user's data folder.
pub fn fetch_folder() -> PathBuf {
    if let Some(root) = env_data_folder() {
        return root;
    }
    user_data_folder().unwrap_or_else(|| PathBuf::from("data"))
}

fn env_data_folder() -> Option<PathBuf> {
    std::env::var_os("SURFIT_DATA").filter(|root| !root.is_empty()).map(PathBuf::from)
}

fn user_data_folder() -> Option<PathBuf> {
    etcetera::choose_base_strategy().ok().map(|base| base.data_dir().join("surfit").join("data"))
}

/// The usual places of a set, in the order in which they are searched.
pub fn search_folders(entry: &CatalogueEntry) -> Vec<PathBuf> {
    env_data_folder()
        .into_iter()
        .chain(user_data_folder())
        .chain([PathBuf::from(SYSTEM_FOLDER)])
        .map(|root| root.join(entry.name))
        .collect()
}

/// Finds a set, in `dir` unless that is empty.
///
/// # Errors
/// A sentence that names what is missing and how to get it.
pub fn find_set(entry: &'static CatalogueEntry, dir: &Path) -> Result<FoundSet> {
    if dir.as_os_str().is_empty() {
        return find_set_in(entry, &search_folders(entry));
    }
    match best_in_folder(entry, dir) {
        Some(found) => require_complete(found),
        None => Err(not_found_error(entry, &[dir.to_owned()])),
    }
}

/// [`find_set`] with the usual places given.
pub(crate) fn find_set_in(entry: &'static CatalogueEntry, places: &[PathBuf]) -> Result<FoundSet> {
    if entry.family == SetFamily::Embedded {
        return Ok(embedded_set(entry, None));
    }
    if entry.family == SetFamily::Folder {
        return Err(DataError::input("data.name = \"folder\" needs data.root, the folder that has the class folders"));
    }
    let mut there: Vec<FoundSet> = places.iter().filter_map(|dir| best_in_folder(entry, dir)).collect();
    if let Some(at) = there.iter().position(FoundSet::is_complete) {
        return Ok(there.swap_remove(at));
    }
    // A part of a set is a mistake, which the error must name.
    if !there.is_empty() {
        return require_complete(there.swap_remove(0));
    }
    if entry.name == "fashion-mnist" {
        let told = |place: &PathBuf| match inaccessible::inaccessible_folders(entry, std::slice::from_ref(place)).pop()
        {
            Some(error) => format!("{} ({error})", place.display()),
            None => place.display().to_string(),
        };
        let places: Vec<String> = places.iter().map(told).collect();
        let small = crate::catalogue::find_entry("fashion-mnist-16k")?;
        return Ok(embedded_set(small, Some(places.join(" or "))));
    }
    Err(not_found_error(entry, places))
}

fn embedded_set(entry: &'static CatalogueEntry, searched_folders: Option<String>) -> FoundSet {
    FoundSet { entry, files: Vec::new(), missing: Vec::new(), layout: SetLayout::Embedded { searched_folders } }
}

fn require_complete(found: FoundSet) -> Result<FoundSet> {
    match found.missing.first() {
        None => Ok(found),
        Some(path) => Err(DataError::input(format!(
            "{}: no such file{}; data.root must hold the files of {}{}",
            path.display(),
            if matches!(found.layout, SetLayout::Idx(_) | SetLayout::EmbeddedFiles(_)) {
                ", plain or with .gz"
            } else {
                ""
            },
            found.entry.name,
            remedy(found.entry)
        ))),
    }
}

fn remedy(entry: &CatalogueEntry) -> String {
    if entry.is_fetchable() {
        format!("; download them with `surfit data fetch {}`", entry.name)
    } else {
        String::new()
    }
}

/// Why a set was not found.
fn not_found_error(entry: &CatalogueEntry, places: &[PathBuf]) -> DataError {
    match inaccessible::inaccessible_folders(entry, places).into_iter().next() {
        Some(error) => error,
        None => DataError::input(describe_absence(entry, places)),
    }
}

fn describe_absence(entry: &CatalogueEntry, places: &[PathBuf]) -> String {
    let places: Vec<String> = places.iter().map(|p| p.display().to_string()).collect();
    let wanted: Vec<&str> = match entry.family {
        SetFamily::Idx => vec!["train-images-idx3-ubyte"],
        SetFamily::Embedded => vec!["train-images-idx3-ubyte"],
        SetFamily::Folder => vec!["class folder with images"],
        _ => entry.published_files().map(|file| file.name).collect(),
    };
    format!(
        "{}: no such file as {} of {}; data.root must name the folder with its files{}",
        places.join(", "),
        wanted.join(" or "),
        entry.name,
        remedy(entry)
    )
}

/// The best that a folder, or one of the usual folders in it, has of a set; `None` when there is nothing.
pub(crate) fn best_in_folder(entry: &'static CatalogueEntry, dir: &Path) -> Option<FoundSet> {
    let mut partial = None;
    for folder in candidate_folders(entry, dir) {
        for found in all_in_folder(entry, &folder) {
            if found.is_complete() {
                return Some(found);
            }
            partial = partial.or(Some(found));
        }
    }
    partial
}

/// A folder and the usual ones in it.
fn candidate_folders(entry: &CatalogueEntry, dir: &Path) -> Vec<PathBuf> {
    let inside = entry.folders.iter().map(|folder| dir.join(folder));
    std::iter::once(dir.to_owned()).chain(inside).collect()
}

/// Every form of a set that a folder has something of, the one that a run takes before others that are as whole.
fn all_in_folder(entry: &'static CatalogueEntry, dir: &Path) -> Vec<FoundSet> {
    let found = |layout, (files, missing): (Vec<PathBuf>, Vec<PathBuf>)| FoundSet { entry, files, missing, layout };
    let all = match entry.family {
        SetFamily::Embedded => {
            vec![found(SetLayout::EmbeddedFiles(dir.into()), idx::find_parts(dir, &idx::EMBEDDED_SPLITS))]
        }
        SetFamily::Idx => vec![found(SetLayout::Idx(dir.into()), idx::find_parts(dir, &idx::PUBLISHED_PARTS))],
        SetFamily::Cifar => cifar::find_forms(entry, dir)
            .into_iter()
            .map(|(place, files)| found(SetLayout::Cifar(place), files))
            .collect(),
        SetFamily::TinyImageNet => tiny_imagenet::find_sources(dir)
            .into_iter()
            .map(|path| found(SetLayout::TinyImageNet(path.clone()), (vec![path], vec![])))
            .collect(),
        SetFamily::Folder => folder::has_subfolders(dir)
            .then(|| found(SetLayout::Folder(dir.into()), (vec![dir.into()], vec![])))
            .into_iter()
            .collect(),
    };
    all.into_iter().filter(|f| !f.files.is_empty()).collect()
}

/// A set's files in the usual places, complete or not; `None` when there are none.
pub fn find_partial(name: &str, dir: Option<&Path>) -> Result<Option<FoundSet>> {
    let entry = find_entry(name)?;
    if let Some(dir) = dir {
        return Ok(best_in_folder(entry, dir));
    }
    if entry.family == SetFamily::Embedded {
        return Ok(Some(embedded_set(entry, None)));
    }
    let mut there: Vec<FoundSet> = search_folders(entry).iter().filter_map(|dir| best_in_folder(entry, dir)).collect();
    let best = there.iter().position(FoundSet::is_complete).unwrap_or(0);
    Ok((!there.is_empty()).then(|| there.swap_remove(best)))
}

/// Everything that is there of a set: every form of it in `dir`, or in every usual place. What a run takes comes first; of
/// the others nothing is missing, since nobody waits for it.
///
/// # Errors
/// A sentence for an unknown name.
pub fn find_all(name: &str, dir: Option<&Path>) -> Result<Vec<FoundSet>> {
    let entry = find_entry(name)?;
    if dir.is_none() && entry.family == SetFamily::Embedded {
        return Ok(vec![embedded_set(entry, None)]);
    }
    let places = dir.map_or_else(|| search_folders(entry), |dir| vec![dir.to_owned()]);
    Ok(find_all_in(entry, &places))
}

/// The folders of a set's places, or of `dir`, that are there and cannot be looked into, each with why.
///
/// # Errors
/// A sentence for an unknown name.
pub fn inaccessible_folders(name: &str, dir: Option<&Path>) -> Result<Vec<DataError>> {
    let entry = find_entry(name)?;
    let places = match (dir, entry.family) {
        (Some(dir), _) => vec![dir.to_owned()],
        // They need no place, or have none.
        (None, SetFamily::Embedded | SetFamily::Folder) => Vec::new(),
        (None, _) => search_folders(entry),
    };
    Ok(inaccessible::inaccessible_folders(entry, &places))
}

/// [`find_all`] with the places given.
pub(crate) fn find_all_in(entry: &'static CatalogueEntry, places: &[PathBuf]) -> Vec<FoundSet> {
    let mut all: Vec<FoundSet> = places
        .iter()
        .flat_map(|dir| candidate_folders(entry, dir))
        .flat_map(|dir| all_in_folder(entry, &dir))
        .collect();
    if let Some(best) = all.iter().position(FoundSet::is_complete) {
        all[..=best].rotate_right(1);
    }
    all.iter_mut().skip(1).for_each(|found| found.missing.clear());
    // Two places may be one folder. A link to a file is a file of its own: its name states what it should be.
    let mut seen = HashSet::new();
    all.retain(|found| {
        let fresh = found.files.iter().filter(|file| seen.insert(resolve_parent_links(file)));
        fresh.count() > 0
    });
    all
}

/// The path of a file with every link on the way to it followed, but not the last.
fn resolve_parent_links(path: &Path) -> PathBuf {
    let real = match (path.is_dir(), path.parent(), path.file_name()) {
        (false, Some(parent), Some(name)) => parent.canonicalize().map(|dir| dir.join(name)),
        _ => path.canonicalize(),
    };
    real.unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{self, ErrorKind};

    #[test]
    fn a_folder_that_may_not_be_listed_is_not_told_as_absent() {
        let cifar = find_entry("cifar10").unwrap();
        let places = [PathBuf::from("/data/cifar10"), PathBuf::from("/none")];
        let of = |kind: ErrorKind| {
            inaccessible::inaccessible_folders_with(cifar, &places, &|folder: &Path| match folder {
                folder if folder.starts_with("/data") => Err(io::Error::from(kind)),
                _ => Err(io::Error::from(ErrorKind::NotFound)),
            })
        };
        for kind in [ErrorKind::NotFound, ErrorKind::NotADirectory] {
            assert!(of(kind).is_empty(), "{kind}");
        }
        let told = of(ErrorKind::PermissionDenied);
        assert_eq!(told.len(), 1, "once, not for what lies in it as well");
        assert!(told[0].is_permission_denied());
        let said = told[0].to_string();
        assert!(said.starts_with("/data/cifar10: ") && said.contains("change its permissions"), "{said}");
        // A disk that gives nothing back is no lack of permission, and no lack of the set.
        let told = of(ErrorKind::Other);
        assert!(told.len() == 1 && !told[0].is_permission_denied());
    }

    #[test]
    fn places_that_can_be_looked_into_or_are_not_there_are_absent() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("file"), "").unwrap();
        for name in ["cifar10", "folder"] {
            let entry = find_entry(name).unwrap();
            for place in [dir.path().to_owned(), dir.path().join("no"), dir.path().join("file")] {
                assert!(inaccessible_folders(name, Some(&place)).unwrap().is_empty());
                let said = find_set(entry, &place).unwrap_err().to_string();
                assert!(said.contains("no such file"), "{said}");
            }
        }
    }
}
