//! A folder of class folders with images.
//!
//! `DIR/train/CLASS/*.png`, with `DIR/val` (or `DIR/validation`) and `DIR/test` alike where they are there, or just
//! `DIR/CLASS/*.png`. Classes are in the order of their names. The images are grey when all of them are.
//!
//! A class may be called `train`, `val` or `test`: `DIR/train` is the training split when it has folders in it, and a class
//! like any other when images lie right in it. Where all folders are called like splits and none has class folders, the
//! images have no labels, and the set is refused.

use crate::cache::{self, Seen};
use crate::load::RawSet;
use crate::pictures::{self, Origin, Picture, Target};
use crate::{Error, Result};
use std::fs::DirEntry;
use std::path::{Path, PathBuf};

const TRAIN: &[&str] = &["train"];
const VALIDATION: &[&str] = &["val", "validation", "valid"];
const TEST: &[&str] = &["test"];

/// True when a folder has folders in it.
pub(crate) fn is_there(dir: &Path) -> bool {
    entries(dir).is_ok_and(|all| all.iter().any(|e| e.path().is_dir()))
}

/// Bytes of a file, or of all files below a folder.
pub(crate) fn bytes(path: &Path) -> u64 {
    let mut sum = 0;
    let mut waiting = vec![path.to_owned()];
    while let Some(path) = waiting.pop() {
        match path.symlink_metadata() {
            Ok(m) if m.is_dir() => waiting.extend(
                std::fs::read_dir(&path)
                    .into_iter()
                    .flatten()
                    .flatten()
                    .map(|e| e.path()),
            ),
            Ok(m) => sum += m.len(),
            Err(_) => {}
        }
    }
    sum
}

/// What is in a folder, in the order of the names, hidden files left out.
pub(crate) fn entries(dir: &Path) -> Result<Vec<DirEntry>> {
    let mut all = std::fs::read_dir(dir)
        .and_then(Iterator::collect::<std::io::Result<Vec<_>>>)
        .map_err(Error::io(dir))?;
    let hidden = |e: &DirEntry| {
        let name = e.file_name();
        name.to_string_lossy().starts_with('.') || name == "Thumbs.db"
    };
    all.retain(|e| !hidden(e));
    all.sort_by_key(DirEntry::file_name);
    Ok(all)
}

/// A set's pictures, by their paths below its folder.
pub(crate) struct Listed {
    pub classes: Vec<String>,
    pub train: Vec<Picture>,
    pub validation: Option<Vec<Picture>>,
    pub test: Option<Vec<Picture>>,
}

/// Lists the pictures below `dir`.
pub(crate) fn list(dir: &Path, seen: &mut Seen) -> Result<Listed> {
    let below = |names: &[&str]| names.iter().map(|n| dir.join(n)).find(|p| p.is_dir());
    let train = match below(TRAIN) {
        // Images right in it make it a class.
        Some(train) if is_there(&train) => Some(train),
        _ => None,
    };
    let classes = class_names(train.as_deref().unwrap_or(dir))?;
    let is_split = |name: &String| {
        [TRAIN, VALIDATION, TEST]
            .iter()
            .any(|names| names.contains(&name.as_str()))
    };
    if train.is_none() && classes.iter().all(is_split) {
        return Err(Error::input(format!(
            "{}: {} have no class folders, so that nothing says what their images show; sort them into \
             {}/CLASS and so on",
            dir.display(),
            classes.join(" and "),
            dir.join(TRAIN[0]).display()
        )));
    }
    let mut list = |folder: Option<PathBuf>, whole: bool| {
        folder
            .map(|folder| listed(dir, &folder, &classes, whole, seen))
            .transpose()
    };
    let split = train.is_some();
    let train = list(Some(train.unwrap_or_else(|| dir.to_owned())), true)?.unwrap_or_default();
    let (validation, test) = if split {
        (list(below(VALIDATION), false)?, list(below(TEST), false)?)
    } else {
        (None, None)
    };
    Ok(Listed {
        classes,
        train,
        validation,
        test,
    })
}

/// Reads the images below `dir`, all of one size, or brought to `image_size` when that is not 0.
pub(crate) fn read_set(dir: &Path, image_size: usize) -> Result<RawSet> {
    let mut seen = Seen::default();
    let Listed {
        classes,
        train,
        validation,
        test,
    } = list(dir, &mut seen)?;
    let make = || {
        let all = [Some(&train), validation.as_ref(), test.as_ref()];
        let target = target(dir, &all, image_size)?;
        let origin = Origin::Folder(dir.to_owned());
        let decode = |pictures: &Vec<Picture>| pictures::decode(&origin, pictures, target);
        Ok(RawSet {
            train: decode(&train)?,
            validation: validation.as_ref().map(decode).transpose()?,
            test: test.as_ref().map(decode).transpose()?,
            classes: classes.clone(),
        })
    };
    cache::through(dir, "folder", &seen.key(image_size), make)
}

fn class_names(dir: &Path) -> Result<Vec<String>> {
    let mut classes = Vec::new();
    for entry in entries(dir)? {
        if !entry.path().is_dir() {
            continue;
        }
        let name = entry.file_name().into_string().map_err(|name| {
            Error::input(format!(
                "{}: the class folder's name {} is not UTF-8; rename it",
                dir.display(),
                name.to_string_lossy()
            ))
        })?;
        classes.push(name);
    }
    if classes.len() < 2 || classes.len() > usize::from(u16::MAX) {
        return Err(Error::input(format!(
            "{}: {} class folders; expected 2 to {}, each with the images of one class",
            dir.display(),
            classes.len(),
            u16::MAX
        )));
    }
    Ok(classes)
}

/// The pictures in the class folders of `folder`, by their paths below `dir`.
fn listed(
    dir: &Path,
    folder: &Path,
    classes: &[String],
    whole: bool,
    seen: &mut Seen,
) -> Result<Vec<Picture>> {
    let mut pictures = Vec::new();
    for class in entries(folder)? {
        let path = class.path();
        if !path.is_dir() {
            // Lists and licences may lie there; an image would be lost without a word.
            if pictures::is_picture(&path.to_string_lossy()) {
                return Err(Error::input(format!(
                    "{}: an image beside class folders; put it into the folder of its class",
                    path.display()
                )));
            }
            continue;
        }
        let name = class.file_name().to_string_lossy().into_owned();
        let label = classes.binary_search(&name).map_err(|_| {
            Error::input(format!(
                "{}: there is no class `{name}` among the training images; add it there or take it out here",
                path.display()
            ))
        })?;
        let before = pictures.len();
        for file in entries(&path)? {
            let file_path = file.path();
            let file_name = file.file_name();
            let shown = file_name.to_string_lossy();
            if !pictures::is_picture(&shown) || file_path.is_dir() {
                return Err(Error::input(format!(
                    "{}: not an image; expected files ending in {} in a class folder",
                    file_path.display(),
                    pictures::endings()
                )));
            }
            let below = file_path.strip_prefix(dir).unwrap_or(&file_path);
            let picture = below.to_str().ok_or_else(|| {
                Error::input(format!(
                    "{}: the file's name is not UTF-8; rename it",
                    file_path.display()
                ))
            })?;
            seen.add(&file_path, picture)?;
            pictures.push(Picture {
                name: picture.to_owned(),
                label: label as u16,
            });
        }
        if whole && pictures.len() == before {
            return Err(Error::input(format!(
                "{}: the class folder has no images; add some or remove it",
                path.display()
            )));
        }
    }
    if pictures.is_empty() {
        return Err(Error::input(format!(
            "{}: no class folders with images; add some or remove it",
            folder.display()
        )));
    }
    Ok(pictures)
}

/// What all pictures are to become.
fn target(dir: &Path, splits: &[Option<&Vec<Picture>>], image_size: usize) -> Result<Target> {
    let (mut grey, mut first) = (true, None);
    for pictures in splits.iter().flatten() {
        let headers = pictures::headers(dir, pictures)?;
        for (picture, header) in pictures.iter().zip(headers) {
            grey &= header.grey;
            let (name, size) = (&picture.name, (header.width, header.height));
            let (first_name, first_size) = first.get_or_insert_with(|| (name.clone(), size));
            if image_size == 0 && size != *first_size {
                return Err(Error::input(format!(
                    "{}: the image is {}×{}, but {} is {}×{}; set data.image_size to bring all images to one size",
                    dir.join(name).display(),
                    size.0,
                    size.1,
                    first_name,
                    first_size.0,
                    first_size.1
                )));
            }
        }
    }
    let (width, height) = match (image_size, first) {
        (0, Some((_, size))) => size,
        (n, _) => (n, n),
    };
    let channels = if grey { 1 } else { 3 };
    Ok(Target {
        shape: [channels, height, width],
        resize: image_size > 0,
    })
}
