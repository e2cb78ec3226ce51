//! A folder of class folders with images.
//!
//! `DIR/train/CLASS/*.png`, with `DIR/val` and `DIR/test` alike where they are there, or just `DIR/CLASS/*.png`. The splits
//! may be called `Training`, `Validation`, `Valid` or `Testing` as well, in capitals or not. Folders below a class folder
//! belong to the class. Classes are in the order of their names. The images are grey when all of them are.
//!
//! Files that are no images, and images beside class folders, are passed over and counted, as torchvision's `ImageFolder`
//! passes over them. A `test` folder
//! without class folders has images without labels, as Kaggle gives them out, and is skipped with a notice.
//!
//! A class may be called `train`, `val` or `test`: `DIR/train` is the training split when it has folders in it, and a class
//! like any other when images lie right in it. Where all folders are called like splits and none has class folders, the
//! images have no labels, and the set is refused.

use super::{SetFiles, SetFormat};
use crate::cache::{self, CacheSource};
use crate::description::{SetOutline, labels_of_files};
use crate::find::FoundSet;
use crate::image_files::{self, ImageFile, ImageOrigin, ImageTarget};
use crate::load::RawSet;
use crate::verify::{CheckedFile, check_images};
use crate::{DataError, Result};
use std::fs::{self, DirEntry};
use std::io;
use std::path::{Path, PathBuf};
use surfit_core::config::DataConfig;
use surfit_core::data_sets::DataSetSpec;

const CACHE_NAME: &str = "folder";
const TRAIN_NAMES: &[&str] = &["train", "training"];
const VALIDATION_NAMES: &[&str] = &["val", "validation", "valid"];
const TEST_NAMES: &[&str] = &["test", "testing"];

pub(super) struct ImageFolderFormat;

impl SetFormat for ImageFolderFormat {
    fn find_forms(&self, spec: &'static DataSetSpec, dir: &Path) -> Vec<FoundSet> {
        let found = || FoundSet::new(spec, vec![dir.to_owned()], vec![], ClassFolders(dir.to_owned()));
        has_subfolders(dir).then(found).flatten().into_iter().collect()
    }

    fn needs_root(&self) -> bool {
        true
    }

    fn expected_files(&self, _spec: &DataSetSpec) -> Vec<&'static str> {
        vec!["class folder with images"]
    }

    /// Class folders have to be listed.
    fn probe_folder(&self, folder: &Path) -> io::Result<()> {
        fs::metadata(folder.join("."))?;
        fs::read_dir(folder).map(drop)
    }
}

/// A folder with class folders, in folders of splits or not.
#[derive(Debug)]
struct ClassFolders(PathBuf);

impl SetFiles for ClassFolders {
    fn describe_source(&self) -> String {
        self.0.display().to_string()
    }

    /// The images are all of one size, or brought to `data.image_size` and `data.channels`.
    fn read(&self, _spec: &'static DataSetSpec, config: &DataConfig) -> Result<(RawSet, Vec<String>)> {
        let dir = &self.0;
        let mut seen = CacheSource::default();
        let listed = list_images(dir, &mut seen)?;
        let make = || {
            let target = image_target(dir, &listed, config)?;
            let origin = ImageOrigin::Folder(dir.to_owned());
            let decode = |images: &Vec<ImageFile>| image_files::decode_all(&origin, images, target);
            Ok(RawSet {
                train: decode(&listed.train)?,
                validation: listed.validation.as_ref().map(decode).transpose()?,
                test: listed.test.as_ref().map(decode).transpose()?,
                classes: listed.classes.clone(),
            })
        };
        let set = cache::load_or_make(dir, CACHE_NAME, &seen.key(config.image_size, config.channels), make)?;
        Ok((set, listed.skipped_notices))
    }

    fn outline(&self, _spec: &'static DataSetSpec, config: &DataConfig) -> Result<SetOutline> {
        let dir = &self.0;
        let mut seen = CacheSource::default();
        let listed = list_images(dir, &mut seen)?;
        let shape = match cache::stored_shape(dir, CACHE_NAME, &seen.key(config.image_size, config.channels)) {
            Some(shape) => shape,
            None => image_target(dir, &listed, config)?.shape,
        };
        let set = RawSet {
            classes: listed.classes,
            train: labels_of_files(&listed.train),
            validation: listed.validation.as_deref().map(labels_of_files),
            test: listed.test.as_deref().map(labels_of_files),
        };
        Ok(SetOutline { set, shape, skipped_notices: listed.skipped_notices })
    }

    fn check_by_reading(&self, spec: &'static DataSetSpec) -> Vec<CheckedFile> {
        let dir = &self.0;
        let listed = match list_images(dir, &mut CacheSource::default()) {
            Ok(listed) => listed,
            Err(error) => return vec![CheckedFile::of_reading(spec, dir, Err(error))],
        };
        let images: Vec<&ImageFile> = listed.splits().flatten().collect();
        let mut all = check_images(spec, dir, &ImageOrigin::Folder(dir.clone()), &images, None, "");
        if let Some(whole) = all.first_mut() {
            let notes = whole.note.take().into_iter().chain(listed.skipped_notices);
            whole.note = notes.reduce(|a, b| format!("{a}; {b}"));
        }
        all
    }
}

/// True when a folder has folders in it.
fn has_subfolders(dir: &Path) -> bool {
    list_entries(dir).is_ok_and(|all| all.iter().any(|e| e.path().is_dir()))
}

/// Bytes of a file, or of all files below a folder.
pub(crate) fn total_bytes(path: &Path) -> u64 {
    let mut sum = 0;
    let mut waiting = vec![path.to_owned()];
    while let Some(path) = waiting.pop() {
        match path.symlink_metadata() {
            Ok(m) if m.is_dir() => {
                waiting.extend(fs::read_dir(&path).into_iter().flatten().flatten().map(|e| e.path()))
            }
            Ok(m) => sum += m.len(),
            Err(_) => {}
        }
    }
    sum
}

/// What is in a folder, in the order of the names, hidden files left out.
pub(super) fn list_entries(dir: &Path) -> Result<Vec<DirEntry>> {
    let mut all = fs::read_dir(dir).and_then(Iterator::collect::<io::Result<Vec<_>>>).map_err(DataError::io(dir))?;
    let hidden = |e: &DirEntry| {
        let name = e.file_name();
        name.to_string_lossy().starts_with('.') || name == "Thumbs.db"
    };
    all.retain(|e| !hidden(e));
    all.sort_by_key(DirEntry::file_name);
    Ok(all)
}

/// A set's images, by their paths below its folder.
struct ImageListing {
    classes: Vec<String>,
    train: Vec<ImageFile>,
    validation: Option<Vec<ImageFile>>,
    test: Option<Vec<ImageFile>>,
    /// What is there and is not part of the set, each as a sentence.
    skipped_notices: Vec<String>,
}

impl ImageListing {
    /// The images of each split that is there.
    fn splits(&self) -> impl Iterator<Item = &Vec<ImageFile>> {
        std::iter::once(&self.train).chain(&self.validation).chain(&self.test)
    }
}

fn matches_any_name(name: &str, names: &[&str]) -> bool {
    names.iter().any(|n| name.eq_ignore_ascii_case(n))
}

fn split_folder(dir: &Path, folders: &[String], names: &[&str]) -> Result<Option<PathBuf>> {
    let mut there = folders.iter().filter(|name| matches_any_name(name, names));
    match (there.next(), there.next()) {
        (Some(one), Some(other)) => Err(DataError::input(format!(
            "{}: the folders {one} and {other} both have the name of the split `{}`; keep one, or join them",
            dir.display(),
            names[0]
        ))),
        (one, _) => Ok(one.map(|name| dir.join(name))),
    }
}

/// Lists the images below `dir`.
fn list_images(dir: &Path, cache_source: &mut CacheSource) -> Result<ImageListing> {
    let (mut folders, mut loose) = (Vec::new(), Vec::new());
    for entry in list_entries(dir)? {
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() {
            folders.push(name);
        } else if image_files::has_image_extension(&name) {
            loose.push(entry.path());
        }
    }
    // Images right in it make it a class.
    let of_classes: Vec<String> = folders.iter().filter(|name| has_subfolders(&dir.join(name))).cloned().collect();
    let train = split_folder(dir, &of_classes, TRAIN_NAMES)?;
    let root = train.as_deref().unwrap_or(dir);
    let is_split =
        |name: &String| [TRAIN_NAMES, VALIDATION_NAMES, TEST_NAMES].iter().any(|n| matches_any_name(name, n));
    if train.is_none() && !folders.is_empty() && folders.iter().all(is_split) {
        return Err(DataError::input(format!(
            "{}: {} have no class folders, so that nothing says what their images show; sort them into \
             {}/CLASS and so on",
            dir.display(),
            folders.join(" and "),
            dir.join(TRAIN_NAMES[0]).display()
        )));
    }
    let mut listing = SplitListing {
        dir,
        classes: class_names(root)?,
        cache_source,
        non_images: PassedOver::default(),
        stray_images: PassedOver::default(),
    };
    let mut listed = ImageListing {
        classes: listing.classes.clone(),
        train: listing.list_split(root, true)?,
        validation: None,
        test: None,
        skipped_notices: Vec::new(),
    };
    if train.is_some() {
        loose.iter().for_each(|path| listing.stray_images.add(path));
        if let Some(folder) = split_folder(dir, &folders, VALIDATION_NAMES)? {
            listed.validation = Some(listing.list_split(&folder, false)?);
        }
        match split_folder(dir, &folders, TEST_NAMES)? {
            Some(folder) if !has_subfolders(&folder) && count_images(&folder)? > 0 => {
                listed.skipped_notices.push(format!(
                    "{}: {} in no class folder and ignored; test images are taken from the training images",
                    folder.display(),
                    count_phrase(count_images(&folder)?, "image"),
                ));
            }
            Some(folder) => listed.test = Some(listing.list_split(&folder, false)?),
            None => {}
        }
        let beside: Vec<&String> = folders.iter().filter(|name| !is_split(name)).collect();
        if let Some(first) = beside.first() {
            listed.skipped_notices.push(format!(
                "{}: {} beside the splits left out, {first} first",
                dir.display(),
                count_phrase(beside.len(), "folder"),
            ));
        }
    }
    let others = listing.non_images.into_notice("file", "without the extension of an image, or not a regular file");
    let loose = listing.stray_images.into_notice("image", "beside the class folders, in none of them");
    let notices = loose.into_iter().chain(others);
    listed.skipped_notices.extend(notices.map(|notice| format!("{}: {notice}", dir.display())));
    Ok(listed)
}

fn count_phrase(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        n => format!("{n} {what}s"),
    }
}

fn count_images(folder: &Path) -> Result<usize> {
    let is_image = |e: &&DirEntry| image_files::has_image_extension(&e.file_name().to_string_lossy());
    Ok(list_entries(folder)?.iter().filter(is_image).count())
}

fn class_names(dir: &Path) -> Result<Vec<String>> {
    let mut classes = Vec::new();
    for entry in list_entries(dir)? {
        if !entry.path().is_dir() {
            continue;
        }
        let name = entry.file_name().into_string().map_err(|name| {
            DataError::input(format!(
                "{}: the class folder's name {} is not UTF-8; rename it",
                dir.display(),
                name.to_string_lossy()
            ))
        })?;
        classes.push(name);
    }
    if classes.len() < 2 || classes.len() > usize::from(u16::MAX) {
        return Err(DataError::input(format!(
            "{}: {} class folders; expected 2 to {}, each with the images of one class",
            dir.display(),
            classes.len(),
            u16::MAX
        )));
    }
    Ok(classes)
}

/// Lists the splits of a set, and counts what is passed over.
struct SplitListing<'a> {
    dir: &'a Path,
    classes: Vec<String>,
    cache_source: &'a mut CacheSource,
    non_images: PassedOver,
    /// Images beside class folders.
    stray_images: PassedOver,
}

/// Files that are no part of a set.
#[derive(Default)]
struct PassedOver {
    count: usize,
    first: Option<PathBuf>,
}

impl PassedOver {
    fn add(&mut self, path: &Path) {
        self.count += 1;
        self.first.get_or_insert_with(|| path.to_owned());
    }

    fn into_notice(self, what: &str, why: &str) -> Option<String> {
        let first = self.first?;
        let count = count_phrase(self.count, what);
        Some(format!("{count} left out {why}, {} first", first.display()))
    }
}

impl SplitListing<'_> {
    /// The images in the class folders of `folder`, which must have some of every class where it is `whole`.
    fn list_split(&mut self, folder: &Path, whole: bool) -> Result<Vec<ImageFile>> {
        let mut all = Vec::new();
        for class in list_entries(folder)? {
            let path = class.path();
            if !path.is_dir() {
                match image_files::has_image_extension(&path.to_string_lossy()) {
                    true => self.stray_images.add(&path),
                    false => self.non_images.add(&path),
                }
                continue;
            }
            let name = class.file_name().to_string_lossy().into_owned();
            let label = self.classes.binary_search(&name).map_err(|_| {
                DataError::input(format!(
                    "{}: there is no class `{name}` among the training images; add it there or take it out here",
                    path.display()
                ))
            })?;
            let before = all.len();
            self.list_class(&path, label as u16, &mut Vec::new(), &mut all)?;
            if whole && all.len() == before {
                return Err(DataError::input(format!(
                    "{}: the class folder has no images ({}); add some or remove it",
                    path.display(),
                    image_files::list_extensions()
                )));
            }
        }
        if all.is_empty() {
            return Err(DataError::input(format!(
                "{}: no class folders with images; add some or remove it",
                folder.display()
            )));
        }
        Ok(all)
    }

    /// Adds the images in a class folder and in all folders below it. `above` are its parents, with links followed.
    fn list_class(
        &mut self,
        folder: &Path,
        label: u16,
        above: &mut Vec<PathBuf>,
        all: &mut Vec<ImageFile>,
    ) -> Result<()> {
        let real = folder.canonicalize().map_err(DataError::io(folder))?;
        if above.contains(&real) {
            return Err(DataError::input(format!(
                "{}: the link leads to a folder that contains it; remove it",
                folder.display()
            )));
        }
        above.push(real);
        for file in list_entries(folder)? {
            let path = file.path();
            let data = path.metadata().map_err(DataError::io(&path))?;
            if data.is_dir() {
                self.list_class(&path, label, above, all)?;
                continue;
            }
            // A pipe would be waited for without end.
            if !data.is_file() || !image_files::has_image_extension(&file.file_name().to_string_lossy()) {
                self.non_images.add(&path);
                continue;
            }
            let below = path.strip_prefix(self.dir).unwrap_or(&path);
            let name = below.to_str().ok_or_else(|| {
                DataError::input(format!("{}: the file's name is not UTF-8; rename it", path.display()))
            })?;
            self.cache_source.add_metadata(name, &data);
            all.push(ImageFile { name: name.to_owned(), label });
        }
        above.pop();
        Ok(())
    }
}

/// What all images are to become.
fn image_target(dir: &Path, listed: &ImageListing, config: &DataConfig) -> Result<ImageTarget> {
    let (image_size, channels) = (config.image_size, config.channels);
    let (mut grey, mut first) = (true, None);
    // Of all short sides, where they are the same.
    let mut short_side = None;
    let mut is_one = true;
    for images in listed.splits() {
        let headers = image_files::read_headers(dir, images)?;
        for (image, header) in images.iter().zip(headers) {
            grey &= header.grey;
            let (name, size) = (&image.name, (header.width, header.height));
            let short = size.0.min(size.1);
            is_one &= *short_side.get_or_insert(short) == short;
            let (first_name, first_size) = first.get_or_insert_with(|| (name.clone(), size));
            if image_size == 0 && size != *first_size {
                return Err(DataError::input(format!(
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
        // Small images stay small in memory, and are enlarged batch by batch.
        (n, _) => [short_side.filter(|&short| is_one && short < n).unwrap_or(n); 2].into(),
    };
    let channels = match channels {
        0 if grey => 1,
        0 => 3,
        n => n,
    };
    Ok(ImageTarget { shape: [channels, height, width], resize: image_size > 0 })
}
