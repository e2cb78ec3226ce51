//! CIFAR-10 and CIFAR-100 (Krizhevsky 2009) in the two forms in which they are published, packed or not.
//!
//! Both forms have the same images in the same order, so that a split by the seed takes the same ones.

mod binary;
mod misplaced_files;
mod python;

use super::{SetFiles, SetFormat};
use crate::description::SetOutline;
use crate::find::FoundSet;
use crate::images::LabeledImages;
use crate::load::RawSet;
use crate::source::{NamedFile, bad_content_error, unreadable_error};
use crate::verify::{CheckedFile, format_image_count};
use crate::{DataError, Result};
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use surfit_core::config::DataConfig;
use surfit_core::data_sets::{CifarForm, CifarLabels, DataSetSpec};

/// `[C, H, W]` of an image.
const IMAGE_SHAPE: [usize; 3] = [3, 32, 32];
const IMAGE_BYTES: usize = 3072;
/// More bytes than any file of the two sets has; a header that promises more is damaged.
const MAX_FILE_BYTES: u64 = 1 << 30;

pub(super) struct CifarFormat {
    pub forms: &'static [CifarForm],
    pub checksums: &'static [&'static str],
}

impl SetFormat for CifarFormat {
    /// Unpacked ones come first: they need no unpacking.
    fn find_forms(&self, spec: &'static DataSetSpec, dir: &Path) -> Vec<FoundSet> {
        let mut all = Vec::new();
        let mut add = |path, is_archive, form, (files, missing)| {
            let reader = CifarFiles { path, is_archive, form, checksums: self.checksums };
            all.extend(FoundSet::new(spec, files, missing, reader));
        };
        for form in self.forms {
            for folder in [dir.join(form.folder), dir.to_owned()] {
                let paths = form.files.iter().map(|name| folder.join(name));
                let files = paths.partition(|path| path.is_file());
                add(folder, false, form, files);
            }
        }
        for (form, published) in self.forms.iter().zip(spec.published_files()) {
            let path = dir.join(published.name);
            if path.is_file() {
                add(path.clone(), true, form, (vec![path], vec![]));
            }
        }
        all
    }
}

/// The files of one form of a set.
#[derive(Debug)]
struct CifarFiles {
    /// An archive as published, or the folder that it unpacks to.
    path: PathBuf,
    is_archive: bool,
    form: &'static CifarForm,
    checksums: &'static [&'static str],
}

impl SetFiles for CifarFiles {
    fn describe_source(&self) -> String {
        self.path.display().to_string()
    }

    fn read(&self, spec: &'static DataSetSpec, _config: &DataConfig) -> Result<(RawSet, Vec<String>)> {
        Ok((self.read_set(spec)?, Vec::new()))
    }

    fn outline(&self, spec: &'static DataSetSpec, _config: &DataConfig) -> Result<SetOutline> {
        let [train, test] = SetOutline::balanced_labels(spec, self.count_images(spec)?);
        Ok(SetOutline::from_labels(spec, train, None, test))
    }

    fn check_by_reading(&self, spec: &'static DataSetSpec) -> Vec<CheckedFile> {
        let files = self.read_each(spec).into_iter();
        files.map(|(path, count)| CheckedFile::of_reading(spec, &path, count.map(format_image_count))).collect()
    }
}

impl CifarFiles {
    /// Reads a whole set.
    fn read_set(&self, spec: &'static DataSetSpec) -> Result<RawSet> {
        let form = self.form;
        let mut parts = match self.is_archive {
            true => read_archived(spec, &self.path, form)?,
            false => {
                form.files.iter().map(|name| read_file(spec, form, &self.path.join(name))).collect::<Result<_>>()?
            }
        };
        debug_assert_eq!(parts.len(), form.files.len());
        if let Some((index, what)) = self.find_misplaced(spec, &parts.iter().collect::<Vec<_>>()).pop() {
            let (path, file) = (&self.path, form.files[index]);
            let name = match self.is_archive {
                true => format!("{}: {file}", path.display()),
                false => path.join(file).display().to_string(),
            };
            return Err(bad_content_error(&name, what));
        }
        let test = parts.pop();
        Ok(RawSet {
            classes: spec.class_names(),
            train: LabeledImages::concatenate(IMAGE_SHAPE, parts),
            validation: None,
            test,
        })
    }

    /// Training and test images of a set: by the length of its binary files, of pickles by reading them. Of an archive that is as
    /// long as the published one they are as many as were published; others are read.
    fn count_images(&self, spec: &'static DataSetSpec) -> Result<[usize; 2]> {
        let (form, path) = (self.form, &self.path);
        if self.is_archive {
            let bytes = path.metadata().map_err(DataError::io(path))?.len();
            let name = path.file_name().unwrap_or_default();
            if spec.published_files().any(|file| name == file.name && bytes == file.size) {
                return Ok(spec.images);
            }
            let set = self.read_set(spec)?;
            return Ok([set.train.len(), set.test.map_or(0, |test| test.len())]);
        }
        let count = |name: &&str| {
            let path = path.join(name);
            let CifarLabels::Bytes(labels) = form.labels else {
                return read_file(spec, form, &path).map(|images| images.len());
            };
            let bytes = path.metadata().map_err(DataError::io(&path))?.len();
            let name = path.display().to_string();
            refuse_length(spec, &name, bytes)?;
            binary::count_records(spec, labels, &name, bytes as usize)
        };
        let mut counts = form.files.iter().map(count).collect::<Result<Vec<_>>>()?;
        if let &[train, test] = &counts[..]
            && let Some(what) = spec.describe_swap(train, test, form.files[1])
        {
            return Err(bad_content_error(&path.join(form.files[0]).display().to_string(), what));
        }
        let test = counts.pop().unwrap_or_default();
        Ok([counts.iter().sum(), test])
    }

    /// The files, by their index in the form, that have the images of another, each with what is wrong with it. `parts` are the
    /// images of all files.
    fn find_misplaced(&self, spec: &DataSetSpec, parts: &[&LabeledImages]) -> Vec<(usize, String)> {
        let form = self.form;
        let mut all = misplaced_files::match_checksums(form.files, self.checksums, parts);
        // CIFAR-100 has one file of each; those of CIFAR-10 are all of one length.
        if let [train, test] = parts
            && all.is_empty()
            && let Some(what) = spec.describe_swap(train.len(), test.len(), form.files[1])
        {
            all.push((0, what));
        }
        all.reverse();
        all
    }

    /// Reads every file of a set that is there, for itself: each with its path and its images, or what is wrong with it.
    fn read_each(&self, spec: &'static DataSetSpec) -> Vec<(PathBuf, Result<usize>)> {
        let form = self.form;
        if self.is_archive {
            let images =
                self.read_set(spec).map(|set| set.train.len() + set.test.as_ref().map_or(0, LabeledImages::len));
            return vec![(self.path.clone(), images)];
        }
        let mut all: Vec<(PathBuf, Result<LabeledImages>)> = form
            .files
            .iter()
            .map(|name| self.path.join(name))
            .filter(|path| path.is_file())
            .map(|path| (path.clone(), read_file(spec, form, &path)))
            .collect();
        let parts: Vec<&LabeledImages> = all.iter().filter_map(|(_, r)| r.as_ref().ok()).collect();
        // Which file has whose images is only known when all are there.
        if parts.len() == form.files.len() {
            for (index, what) in self.find_misplaced(spec, &parts) {
                let name = all[index].0.display().to_string();
                all[index].1 = Err(bad_content_error(&name, what));
            }
        }
        all.into_iter().map(|(path, images)| (path, images.map(|i| i.len()))).collect()
    }
}

/// Reads one unpacked file.
fn read_file(spec: &DataSetSpec, form: &CifarForm, path: &Path) -> Result<LabeledImages> {
    let file = File::open(path).map_err(DataError::io(path))?;
    let bytes = file.metadata().map_err(DataError::io(path))?.len();
    let mut input = BufReader::with_capacity(1 << 20, file);
    read_image_file(spec, form, &path.display().to_string(), bytes, &mut input)
}

/// Reads one file of a set. `bytes` is its expected length.
fn read_image_file(
    spec: &DataSetSpec,
    form: &CifarForm,
    name: &str,
    bytes: u64,
    input: &mut dyn Read,
) -> Result<LabeledImages> {
    refuse_length(spec, name, bytes)?;
    match form.labels {
        CifarLabels::Bytes(labels) => binary::read_records(spec, labels, name, bytes as usize, input),
        CifarLabels::Pickled(key) => python::read_batch(spec, key, name, bytes as usize, input),
    }
}

/// Refuses a file that is longer than any of the set.
fn refuse_length(spec: &DataSetSpec, name: &str, bytes: u64) -> Result<()> {
    if bytes > MAX_FILE_BYTES {
        return Err(bad_content_error(name, format!("it has {bytes} bytes, more than any file of {}", spec.name)));
    }
    Ok(())
}

/// Reads the files out of an archive in their order there.
fn read_archived(spec: &DataSetSpec, path: &Path, form: &CifarForm) -> Result<Vec<LabeledImages>> {
    let archive_name = path.display().to_string();
    let source = NamedFile::File(path);
    let mut archive = tar::Archive::new(source.open()?);
    let broken = |e: &io::Error| match e.kind() {
        io::ErrorKind::Other => bad_content_error(&archive_name, format!("it is cut short or not a tar archive ({e})")),
        _ => unreadable_error(&archive_name, e),
    };
    let mut parts: Vec<Option<LabeledImages>> = form.files.iter().map(|_| None).collect();
    let mut first = None;
    // Raw, because long names and the like are otherwise read whole into memory, whatever length they state. The
    // published archives need none.
    for member in archive.entries().map_err(|e| broken(&e))?.raw(true) {
        let mut member = member.map_err(|e| broken(&e))?;
        if !member.header().entry_type().is_file() {
            continue;
        }
        let inside = String::from_utf8_lossy(&member.path_bytes()).trim_start_matches("./").to_owned();
        let index = form
            .files
            .iter()
            .position(|name| inside.strip_prefix(form.folder).and_then(|rest| rest.strip_prefix('/')) == Some(*name));
        if let Some(index) = index {
            let name = format!("{archive_name}: {inside}");
            let bytes = member.size();
            parts[index] = Some(read_image_file(spec, form, &name, bytes, &mut member)?);
        } else if !inside.ends_with('/') {
            first.get_or_insert(inside);
        }
    }
    // Reading past the end is also what makes the decoder compare the checksum.
    io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(|e| broken(&e))?;
    let mut all = Vec::new();
    for (images, file) in parts.into_iter().zip(form.files) {
        let Some(images) = images else {
            let instead = first.map_or_else(String::new, |name| format!(", but {name}"));
            return Err(bad_content_error(&archive_name, format!("it does not have {}/{file}{instead}", form.folder)));
        };
        all.push(images);
    }
    Ok(all)
}

/// The class of a label byte.
fn class_of_label(spec: &DataSetSpec, name: &str, label: i64, image: usize) -> Result<u16> {
    if (0..spec.class_count as i64).contains(&label) {
        return Ok(label as u16);
    }
    Err(bad_content_error(
        name,
        format!(
            "label {label} of image {image} is not a class of {}: expected 0 to {}",
            spec.name,
            spec.class_count - 1
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_images_in_each_file_as_were_published_in_the_other_are_refused() {
        let spec = DataSetSpec::find("cifar100").unwrap();
        let surfit_core::data_sets::DataFormat::Cifar { forms, checksums } = spec.format else {
            panic!("not in this format");
        };
        let part = |n: usize| LabeledImages { shape: [1, 1, 1], pixels: vec![7; n], labels: vec![3; n] };
        let [train, test] = [50_000, 10_000].map(part);
        for (form, names) in forms.iter().zip([["train.bin", "test.bin"], ["train", "test"]]) {
            assert_eq!(form.files, names);
            let files = CifarFiles { path: PathBuf::new(), is_archive: false, form, checksums };
            assert_eq!(files.find_misplaced(spec, &[&train, &test]), []);
            let [(0, what)] = &files.find_misplaced(spec, &[&test, &train])[..] else {
                panic!("not refused");
            };
            let parts = [
                format!("it has 10000 images and {} has 50000", names[1]),
                "expected 50000 to train on and 10000 to test".into(),
            ];
            assert!(parts.iter().all(|part| what.contains(part)), "{what}");
        }
    }
}
