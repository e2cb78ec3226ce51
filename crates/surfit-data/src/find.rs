//! Where a data set's files are.
//!
//! `data.root` when it is set; else, the first that has the whole set: `SURFIT_DATA/NAME`, `surfit/data/NAME` in the
//! user's data folder, `/usr/share/datasets/NAME`.

mod inaccessible;

use crate::formats::{SetFiles, image_folder, set_format};
use crate::{DataError, Result};
use etcetera::BaseStrategy;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use surfit_core::data_sets::DataSetSpec;

/// Where Debian's packages of data sets put them.
const SYSTEM_FOLDER: &str = "/usr/share/datasets";

/// A set, or a part of it, that was found.
#[derive(Clone, Debug)]
pub struct FoundSet {
    /// The data set.
    pub spec: &'static DataSetSpec,
    /// Its files; for folders of images, the folder. None of a set inside the program.
    pub files: Vec<PathBuf>,
    /// Files that belong to it and are not there.
    pub missing: Vec<PathBuf>,
    /// What reads them.
    pub(crate) reader: Arc<dyn SetFiles>,
}

impl FoundSet {
    /// A set of which these files were found; `None` where it is none.
    pub(crate) fn new(
        spec: &'static DataSetSpec,
        files: Vec<PathBuf>,
        missing: Vec<PathBuf>,
        reader: impl SetFiles + 'static,
    ) -> Option<Self> {
        (!files.is_empty()).then(|| Self { spec, files, missing, reader: Arc::new(reader) })
    }

    /// A set inside the program.
    pub(crate) fn built_in(spec: &'static DataSetSpec, reader: impl SetFiles + 'static) -> Self {
        Self { spec, files: Vec::new(), missing: Vec::new(), reader: Arc::new(reader) }
    }

    /// The set's source: the folder or archive, or `embedded`.
    pub fn source(&self) -> String {
        self.reader.describe_source()
    }

    /// True when it is inside the program.
    pub fn is_embedded(&self) -> bool {
        self.files.is_empty()
    }

    /// True when no file is missing.
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty()
    }

    /// Bytes of its files.
    pub fn bytes(&self) -> u64 {
        let size = |path: &PathBuf| match path.metadata() {
            Ok(data) if data.is_dir() => image_folder::total_bytes(path),
            data => data.map_or(0, |data| data.len()),
        };
        self.files.iter().map(size).sum()
    }
}

/// Where sets are fetched to: `SURFIT_DATA`, else `surfit/data` in the user's data folder.
pub fn fetch_folder() -> PathBuf {
    env_data_folder().or_else(user_data_folder).unwrap_or_else(|| PathBuf::from("data"))
}

fn env_data_folder() -> Option<PathBuf> {
    std::env::var_os("SURFIT_DATA").filter(|root| !root.is_empty()).map(PathBuf::from)
}

fn user_data_folder() -> Option<PathBuf> {
    etcetera::choose_base_strategy().ok().map(|base| base.data_dir().join("surfit").join("data"))
}

/// The usual places of a set, in the order in which they are searched.
pub fn search_folders(spec: &DataSetSpec) -> Vec<PathBuf> {
    env_data_folder()
        .into_iter()
        .chain(user_data_folder())
        .chain([PathBuf::from(SYSTEM_FOLDER)])
        .map(|root| root.join(spec.name))
        .collect()
}

/// Finds a set, in `dir` unless that is empty.
///
/// # Errors
/// A sentence that names what is missing and how to get it.
pub fn find_set(spec: &'static DataSetSpec, dir: &Path) -> Result<FoundSet> {
    if dir.as_os_str().is_empty() {
        return find_set_in(spec, &search_folders(spec));
    }
    match best_in_folder(spec, dir) {
        Some(found) => require_complete(found),
        None => Err(not_found_error(spec, &[dir.to_owned()])),
    }
}

/// [`find_set`] with the usual places given.
pub(crate) fn find_set_in(spec: &'static DataSetSpec, places: &[PathBuf]) -> Result<FoundSet> {
    let format = set_format(spec.format);
    if let Some(found) = format.built_in_set(spec, None) {
        return Ok(found);
    }
    if format.needs_root() {
        return Err(DataError::input(format!(
            "data.name = \"{}\" needs data.root, the folder that has the class folders",
            spec.name
        )));
    }
    // A part of a set is a mistake, which the error must name.
    if let Some(found) = best_in_places(spec, places) {
        return require_complete(found);
    }
    if let Some(fallback) = spec.fallback {
        let describe =
            |place: &PathBuf| match inaccessible::inaccessible_folders(spec, std::slice::from_ref(place)).pop() {
                Some(error) => format!("{} ({error})", place.display()),
                None => place.display().to_string(),
            };
        let places: Vec<String> = places.iter().map(describe).collect();
        if let Some(found) = set_format(fallback.format).built_in_set(fallback, Some(places.join(" or "))) {
            return Ok(found);
        }
    }
    Err(not_found_error(spec, places))
}

fn require_complete(found: FoundSet) -> Result<FoundSet> {
    match found.missing.first() {
        None => Ok(found),
        Some(path) => Err(DataError::input(format!(
            "{}: no such file{}; data.root must hold the files of {}{}",
            path.display(),
            set_format(found.spec.format).naming_remark(),
            found.spec.name,
            remedy(found.spec)
        ))),
    }
}

fn remedy(spec: &DataSetSpec) -> String {
    if spec.is_fetchable() { format!("; download them with `surfit data fetch {}`", spec.name) } else { String::new() }
}

/// Why a set was not found.
fn not_found_error(spec: &DataSetSpec, places: &[PathBuf]) -> DataError {
    match inaccessible::inaccessible_folders(spec, places).into_iter().next() {
        Some(error) => error,
        None => DataError::input(describe_absence(spec, places)),
    }
}

fn describe_absence(spec: &DataSetSpec, places: &[PathBuf]) -> String {
    let places: Vec<String> = places.iter().map(|p| p.display().to_string()).collect();
    format!(
        "{}: no such file as {} of {}; data.root must name the folder with its files{}",
        places.join(", "),
        set_format(spec.format).expected_files(spec).join(" or "),
        spec.name,
        remedy(spec)
    )
}

/// The first complete set of these places, else the first of which there is a part.
fn best_in_places(spec: &'static DataSetSpec, places: &[PathBuf]) -> Option<FoundSet> {
    let mut there: Vec<FoundSet> = places.iter().filter_map(|dir| best_in_folder(spec, dir)).collect();
    let best = there.iter().position(FoundSet::is_complete).unwrap_or(0);
    (!there.is_empty()).then(|| there.swap_remove(best))
}

/// The best that a folder, or one of the usual folders in it, has of a set; `None` when there is nothing.
pub(crate) fn best_in_folder(spec: &'static DataSetSpec, dir: &Path) -> Option<FoundSet> {
    let mut partial = None;
    for folder in candidate_folders(spec, dir) {
        for found in set_format(spec.format).find_forms(spec, &folder) {
            if found.is_complete() {
                return Some(found);
            }
            partial = partial.or(Some(found));
        }
    }
    partial
}

/// A folder and the usual ones in it.
fn candidate_folders(spec: &DataSetSpec, dir: &Path) -> Vec<PathBuf> {
    let inside = spec.folders.iter().map(|folder| dir.join(folder));
    std::iter::once(dir.to_owned()).chain(inside).collect()
}

/// A set's files in the usual places, complete or not; `None` when there are none.
pub fn find_partial(spec: &'static DataSetSpec) -> Option<FoundSet> {
    set_format(spec.format).built_in_set(spec, None).or_else(|| best_in_places(spec, &search_folders(spec)))
}

/// Everything that is there of a set: every form of it in `dir`, or in every usual place. What a run takes comes first; of
/// the others nothing is missing, since nobody waits for it.
pub fn find_all(spec: &'static DataSetSpec, dir: Option<&Path>) -> Vec<FoundSet> {
    if dir.is_none()
        && let Some(found) = set_format(spec.format).built_in_set(spec, None)
    {
        return vec![found];
    }
    let places = dir.map_or_else(|| search_folders(spec), |dir| vec![dir.to_owned()]);
    find_all_in(spec, &places)
}

/// The folders of a set's places, or of `dir`, that are there and cannot be looked into, each with why.
pub fn inaccessible_folders(spec: &'static DataSetSpec, dir: Option<&Path>) -> Vec<DataError> {
    let format = set_format(spec.format);
    let places = match dir {
        Some(dir) => vec![dir.to_owned()],
        // They need no place, or have none.
        None if format.needs_root() || format.built_in_set(spec, None).is_some() => Vec::new(),
        None => search_folders(spec),
    };
    inaccessible::inaccessible_folders(spec, &places)
}

/// [`find_all`] with the places given.
pub(crate) fn find_all_in(spec: &'static DataSetSpec, places: &[PathBuf]) -> Vec<FoundSet> {
    let mut all: Vec<FoundSet> = places
        .iter()
        .flat_map(|dir| candidate_folders(spec, dir))
        .flat_map(|dir| set_format(spec.format).find_forms(spec, &dir))
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
    fn a_folder_that_may_not_be_listed_is_not_reported_as_absent() {
        let cifar = DataSetSpec::find("cifar10").unwrap();
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
        let errors = of(ErrorKind::PermissionDenied);
        assert_eq!(errors.len(), 1, "once, not for what lies in it as well");
        assert!(errors[0].is_permission_denied());
        let said = errors[0].to_string();
        assert!(said.starts_with("/data/cifar10: ") && said.contains("change its permissions"), "{said}");
        // A disk that gives nothing back is no lack of permission, and no lack of the set.
        let errors = of(ErrorKind::Other);
        assert!(errors.len() == 1 && !errors[0].is_permission_denied());
    }

    #[test]
    fn places_that_can_be_looked_into_or_are_not_there_are_absent() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("file"), "").unwrap();
        for name in ["cifar10", "folder"] {
            let spec = DataSetSpec::find(name).unwrap();
            for place in [dir.path().to_owned(), dir.path().join("no"), dir.path().join("file")] {
                assert!(inaccessible_folders(DataSetSpec::find(name).unwrap(), Some(&place)).is_empty());
                let said = find_set(spec, &place).unwrap_err().to_string();
                assert!(said.contains("no such file"), "{said}");
            }
        }
    }
}
