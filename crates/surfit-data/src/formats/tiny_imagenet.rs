//! Tiny-ImageNet as published, from its archive or the folder it unpacks to.
//!
//! `train/CLASS/images/*.JPEG`, and `val/images/*.JPEG` with `val/val_annotations.txt`. A `val` that was sorted into class
//! folders, as many do, is read as well; what was copied there and not moved counts once. The images in `test` have no
//! labels; `val` is the test split here. Classes are in the order of their WordNet numbers, as folder loaders have them.

use super::image_folder::list_entries;
use super::{SetFiles, SetFormat};
use crate::cache::{self, CacheSource};
use crate::description::{SetOutline, labels_of_files};
use crate::find::FoundSet;
use crate::image_files::{self, ImageFile, ImageFileReader, ImageOrigin, ImageTarget};
use crate::load::RawSet;
use crate::source::bad_content_error;
use crate::verify::{CheckedFile, check_images};
use crate::{DataError, Result};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use surfit_core::config::DataConfig;
use surfit_core::data_sets::DataSetSpec;

pub(super) struct TinyImageNetFormat;

impl SetFormat for TinyImageNetFormat {
    fn find_forms(&self, spec: &'static DataSetSpec, dir: &Path) -> Vec<FoundSet> {
        let sources = find_sources(spec, dir).into_iter();
        sources.filter_map(|path| FoundSet::new(spec, vec![path.clone()], vec![], TinyImageNetFiles(path))).collect()
    }
}

/// The archive, or the folder that it unpacks to.
#[derive(Debug)]
struct TinyImageNetFiles(PathBuf);

impl SetFiles for TinyImageNetFiles {
    fn describe_source(&self) -> String {
        self.0.display().to_string()
    }

    /// Images are kept no larger than they are published: those that `data.image_size` makes larger are enlarged batch by batch.
    fn read(&self, spec: &'static DataSetSpec, config: &DataConfig) -> Result<(RawSet, Vec<String>)> {
        let mut seen = CacheSource::default();
        let (origin, names) = open_source(&self.0, &mut seen)?;
        let make = || {
            let listed = TinyImageNetListing::new(&mut ImageFileReader::open(&origin)?, &names)?;
            let [channels, height, width] = spec.shape.unwrap_or([3, 64, 64]);
            let target = match config.image_size {
                0 => ImageTarget { shape: [channels, height, width], resize: false },
                n => ImageTarget { shape: [channels, n.min(height), n.min(width)], resize: true },
            };
            Ok(RawSet {
                train: image_files::decode_all(&origin, &listed.train, target)?,
                validation: None,
                test: Some(image_files::decode_all(&origin, &listed.val, target)?),
                classes: listed.classes,
            })
        };
        let set = cache::load_or_make(&self.0, spec.name, &seen.key(config.image_size, 0), make)?;
        Ok((set, Vec::new()))
    }

    fn outline(&self, spec: &'static DataSetSpec, _config: &DataConfig) -> Result<SetOutline> {
        let (_, listed) = list_images(&self.0)?;
        let set = RawSet {
            classes: listed.classes,
            train: labels_of_files(&listed.train),
            validation: None,
            test: Some(labels_of_files(&listed.val)),
        };
        Ok(SetOutline { set, shape: spec.shape.unwrap_or_default(), skipped_notices: Vec::new() })
    }

    fn check_by_reading(&self, spec: &'static DataSetSpec) -> Vec<CheckedFile> {
        let (origin, listed) = match list_images(&self.0) {
            Ok(listed) => listed,
            Err(error) => return vec![CheckedFile::of_reading(spec, &self.0, Err(error))],
        };
        let images: Vec<&ImageFile> = listed.train.iter().chain(&listed.val).collect();
        let size = spec.shape.map(|[_, height, width]| (width, height));
        let remark = " of train and val; other files were not checked";
        check_images(spec, &self.0, &origin, &images, size, remark)
    }
}

/// The set's archive in `dir`, and `dir` itself when it is the unpacked one. The folder comes first, unless it has fewer images
/// than the archive: unpacking was broken off.
fn find_sources(spec: &DataSetSpec, dir: &Path) -> Vec<PathBuf> {
    let archive = spec.published_files().map(|file| dir.join(file.name)).find(|path| path.is_file());
    if !(dir.join("train").is_dir() && dir.join("val").is_dir()) {
        return archive.into_iter().collect();
    }
    let mut all: Vec<PathBuf> = std::iter::once(dir.to_owned()).chain(archive).collect();
    let packed = all.get(1).and_then(|path| list_archive(path).ok());
    if let Some((_, packed)) = packed {
        let here = walk_folder(dir, &mut CacheSource::default()).unwrap_or_default();
        let (here, packed) = (count_images(&here), count_images(&packed));
        if here[0] < packed[0] || here[1] < packed[1] {
            all.swap(0, 1);
        }
    }
    all
}

/// How many of these files are images of `train` and of `val`.
fn count_images(names: &[String]) -> [usize; 2] {
    ["train/", "val/"].map(|folder| {
        let is_image = |n: &&String| n.starts_with(folder) && image_files::has_image_extension(n);
        names.iter().filter(is_image).count()
    })
}

/// The archive or folder, and the files in it.
fn open_source(path: &Path, cache_source: &mut CacheSource) -> Result<(ImageOrigin, Vec<String>)> {
    if path.is_dir() {
        return Ok((ImageOrigin::Folder(path.to_owned()), walk_folder(path, cache_source)?));
    }
    cache_source.add(path, &path.file_name().unwrap_or_default().to_string_lossy())?;
    list_archive(path)
}

/// The set's images in its archive or folder.
fn list_images(path: &Path) -> Result<(ImageOrigin, TinyImageNetListing)> {
    let (origin, names) = open_source(path, &mut CacheSource::default())?;
    let listed = TinyImageNetListing::new(&mut ImageFileReader::open(&origin)?, &names)?;
    Ok((origin, listed))
}

/// Paths of all files below `train` and `val`, and of the lists beside them.
fn walk_folder(dir: &Path, cache_source: &mut CacheSource) -> Result<Vec<String>> {
    let mut names = Vec::new();
    let mut waiting = vec![dir.join("val"), dir.join("train")];
    while let Some(folder) = waiting.pop() {
        for file in list_entries(&folder)? {
            let path = file.path();
            if path.is_dir() {
                waiting.push(path);
                continue;
            }
            let data = path.metadata().map_err(DataError::io(&path))?;
            // A pipe would be waited for without end.
            if !data.is_file() {
                continue;
            }
            let name = path.strip_prefix(dir).unwrap_or(&path).to_string_lossy();
            cache_source.add_metadata(&name, &data);
            names.push(name.into_owned());
        }
    }
    for list in ["wnids.txt", "words.txt"] {
        if dir.join(list).is_file() {
            cache_source.add(&dir.join(list), list)?;
            names.push(list.into());
        }
    }
    Ok(names)
}

/// The archive's files, below the folder in it.
fn list_archive(path: &Path) -> Result<(ImageOrigin, Vec<String>)> {
    let ImageFileReader::Zip(_, _, archive) = ImageFileReader::open(&ImageOrigin::Zip(path.to_owned(), String::new()))?
    else {
        unreachable!("a zip archive was opened");
    };
    // A name that is no text is none of the set's.
    let names: Vec<_> = archive.file_names().flatten().collect();
    let below = names
        .iter()
        .find_map(|name| {
            let at = name.find("train/")?;
            (at == 0 || name[..at].ends_with('/')).then(|| name[..at].to_owned())
        })
        .ok_or_else(|| {
            bad_content_error(&path.display().to_string(), "it has no folder `train`, as Tiny-ImageNet has")
        })?;
    let names = names
        .iter()
        .filter(|name| !name.ends_with('/'))
        .filter_map(|name| name.strip_prefix(&below).map(str::to_owned))
        .collect();
    Ok((ImageOrigin::Zip(path.to_owned(), below), names))
}

/// The set's images with their classes.
struct TinyImageNetListing {
    classes: Vec<String>,
    train: Vec<ImageFile>,
    val: Vec<ImageFile>,
}

impl TinyImageNetListing {
    fn new(reader: &mut ImageFileReader, names: &[String]) -> Result<Self> {
        let mut train: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        let (mut val_plain, mut val_sorted) = (BTreeSet::new(), BTreeSet::new());
        for name in names.iter().filter(|n| image_files::has_image_extension(n)) {
            match name.split('/').collect::<Vec<_>>()[..] {
                ["train", class, "images", _] | ["train", class, _] => {
                    train.entry(class).or_default().insert(name);
                }
                ["val", "images", file] => {
                    val_plain.insert((file, name.as_str()));
                }
                ["val", class, "images", _] | ["val", class, _] => {
                    val_sorted.insert((class, name.as_str()));
                }
                _ => {}
            }
        }
        let ids = class_ids(reader, names, &train)?;
        let label = |class: &str| ids.binary_search(&class.to_owned()).ok();
        let image = |name: &str, label: usize| ImageFile { name: name.to_owned(), label: label as u16 };
        let train =
            train.values().enumerate().flat_map(|(i, names)| names.iter().map(move |name| image(name, i))).collect();

        let mut val = Vec::new();
        if !val_plain.is_empty() {
            let list = "val/val_annotations.txt";
            let shown = reader.display_name(list);
            let known = read_annotations(reader, list)?;
            // Class folders beside it hold copies, or what was moved there before a script was stopped.
            let plain: HashSet<&str> = val_plain.iter().map(|(file, _)| *file).collect();
            let mut moved = 0;
            for (class, name) in std::mem::take(&mut val_sorted) {
                let file = name.rsplit('/').next().unwrap_or(name);
                let listed = known.get(file).map(String::as_str);
                if listed.is_some_and(|listed| listed != class) {
                    return Err(bad_content_error(
                        &reader.display_name(name),
                        format!(
                            "val/val_annotations.txt says {} of it, and the folder {class}",
                            listed.unwrap_or_default()
                        ),
                    ));
                }
                if !plain.contains(file) {
                    moved += 1;
                    val_sorted.insert((class, name));
                }
            }
            let there = val_plain.len() + moved;
            if known.len() != there {
                return Err(bad_content_error(
                    &shown,
                    format!("it has {} images, expected {there}, one for each in val/images", known.len()),
                ));
            }
            for (file, name) in val_plain {
                let class = known
                    .get(file)
                    .ok_or_else(|| bad_content_error(&shown, format!("it does not say the class of {file}")))?;
                let label = label(class)
                    .ok_or_else(|| bad_content_error(&shown, format!("class {class} of {file} is not in `train`")))?;
                val.push(image(name, label));
            }
        }
        for (class, name) in val_sorted {
            let label = label(class).ok_or_else(|| {
                bad_content_error(&reader.display_name(name), format!("class {class} is not in `train`"))
            })?;
            val.push(image(name, label));
        }
        if val.is_empty() {
            return Err(bad_content_error(
                &reader.display_name("val"),
                "it has no images, and they are the test split",
            ));
        }
        Ok(Self { classes: read_class_names(reader, names, &ids)?, train, val })
    }
}

/// The classes' WordNet numbers, in order.
fn class_ids(
    reader: &mut ImageFileReader,
    names: &[String],
    train: &BTreeMap<&str, BTreeSet<&str>>,
) -> Result<Vec<String>> {
    let there: Vec<String> = train.keys().map(|&id| id.to_owned()).collect();
    if there.len() < 2 {
        return Err(bad_content_error(
            &reader.display_name("train"),
            "it does not have images of at least two classes",
        ));
    }
    if names.iter().any(|n| n == "wnids.txt") {
        let text = reader.read("wnids.txt")?;
        let listed: BTreeSet<String> = String::from_utf8_lossy(&text).split_whitespace().map(str::to_owned).collect();
        if let Some(id) = listed.iter().find(|id| there.binary_search(id).is_err()) {
            return Err(bad_content_error(
                &reader.display_name(&format!("train/{id}")),
                "no images, but wnids.txt lists the class",
            ));
        }
        if let Some(id) = there.iter().find(|id| !listed.contains(*id)) {
            return Err(bad_content_error(
                &reader.display_name(&format!("train/{id}")),
                "wnids.txt does not list the class",
            ));
        }
    }
    Ok(there)
}

/// The class of every image in `val/images`.
fn read_annotations(reader: &mut ImageFileReader, list: &str) -> Result<HashMap<String, String>> {
    let text = reader.read(list)?;
    let mut known = HashMap::new();
    for (i, line) in String::from_utf8_lossy(&text).lines().enumerate() {
        let mut words = line.split('\t');
        let (Some(file), Some(class)) = (words.next(), words.next()) else {
            return Err(bad_content_error(
                &reader.display_name(list),
                format!("line {} does not have a file and a class", i + 1),
            ));
        };
        known.insert(file.to_owned(), class.to_owned());
    }
    Ok(known)
}

/// What the classes are called: the first word of each in `words.txt`, else its number.
fn read_class_names(reader: &mut ImageFileReader, names: &[String], ids: &[String]) -> Result<Vec<String>> {
    let mut called: HashMap<String, String> = HashMap::new();
    if names.iter().any(|n| n == "words.txt") {
        let text = reader.read("words.txt")?;
        for line in String::from_utf8_lossy(&text).lines() {
            if let Some((id, words)) = line.split_once('\t') {
                let first = words.split(',').next().unwrap_or(words).trim();
                called.insert(id.to_owned(), first.to_owned());
            }
        }
    }
    let name = |id: &String| called.get(id).unwrap_or(id).clone();
    Ok(ids.iter().map(name).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Another set in this format is not that of Tiny-ImageNet's archive.
    #[test]
    fn the_archive_is_that_of_the_set() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("tiny-imagenet-200.zip"), b"").unwrap();
        let spec = DataSetSpec::find("tiny-imagenet").unwrap();
        assert_eq!(TinyImageNetFormat.find_forms(spec, dir.path()).len(), 1);
        let other: &'static DataSetSpec = Box::leak(Box::new(DataSetSpec { name: "leaves", forms: &[], ..*spec }));
        assert!(TinyImageNetFormat.find_forms(other, dir.path()).is_empty());
    }
}
