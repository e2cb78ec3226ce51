//! Decoded images in the user's cache folder, so that thousands of images are decoded once.
//!
//! One file for each source, keyed by everything it was made from: names, sizes and times of the source's files, and the
//! size of the images. It is written whole or not at all and has a checksum; one that is damaged, or that was made from
//! other files, is made anew. A cache that cannot be written only costs time.

use crate::images::LabeledImages;
use crate::load::RawSet;
use crate::{DataError, Result, digest};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::{File, Metadata};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;
use surfit_core::files::write_atomic_with;

/// How every cache begins; the number rises with every change of what is decoded and how.
const MAGIC: &[u8; 16] = b"surfit images 2\n";
/// A longer header is none.
const MAX_HEADER_BYTES: u64 = 64 << 20;

#[derive(Default)]
pub(crate) struct CacheSource(Sha256);

impl CacheSource {
    /// Takes in a file's name, size and time.
    pub fn add(&mut self, path: &Path, name: &str) -> Result<()> {
        self.add_metadata(name, &path.metadata().map_err(DataError::io(path))?);
        Ok(())
    }

    /// As [`CacheSource::add`], where the file was looked at before.
    pub fn add_metadata(&mut self, name: &str, data: &Metadata) {
        let time = data.modified().ok().and_then(|t| t.duration_since(UNIX_EPOCH).ok()).map_or(0, |d| d.as_nanos());
        self.0.update(name.as_bytes());
        self.0.update(format!("\0{}\0{time}\0", data.len()).as_bytes());
    }

    /// The key of everything seen, for images of this size and so many channels (0 for as they are).
    pub fn key(mut self, image_size: usize, channels: usize) -> String {
        let wanted = format!("size {image_size} channels {channels}");
        self.0.update(wanted.as_bytes());
        digest::to_hex(self.0)
    }
}

#[derive(Serialize, Deserialize)]
struct CacheHeader {
    key: String,
    classes: Vec<String>,
    shape: [usize; 3],
    /// Images of the training, validation and test split, where it is there.
    counts: [Option<usize>; 3],
}

/// The cached images of `source`, or what `make` makes, which is then cached.
pub(crate) fn load_or_make(
    source: &Path,
    what: &str,
    key: &str,
    make: impl FnOnce() -> Result<RawSet>,
) -> Result<RawSet> {
    match image_cache_folder(source) {
        Some(folder) => load_or_make_in(&folder, source, what, key, make),
        None => make(),
    }
}

#[cfg(not(test))]
fn image_cache_folder(_source: &Path) -> Option<PathBuf> {
    surfit_core::files::cache_folder("images")
}

/// A hidden folder beside the source: tests leave nothing in the user's cache.
#[cfg(test)]
fn image_cache_folder(source: &Path) -> Option<PathBuf> {
    let dir = if source.is_dir() { source } else { source.parent()? };
    Some(dir.join(".cache"))
}

pub(crate) fn load_or_make_in(
    folder: &Path,
    source: &Path,
    what: &str,
    key: &str,
    make: impl FnOnce() -> Result<RawSet>,
) -> Result<RawSet> {
    let path = cache_file(folder, source, what);
    if let Some(set) = read(&path, key) {
        return Ok(set);
    }
    let set = make()?;
    let _ = std::fs::create_dir_all(folder).and_then(|()| write(&path, key, &set));
    Ok(set)
}

fn cache_file(folder: &Path, source: &Path, what: &str) -> PathBuf {
    let whole = std::path::absolute(source).unwrap_or_else(|_| source.to_owned());
    let name = digest::sha256_hex(whole.as_os_str().as_encoded_bytes());
    folder.join(format!("{what}-{}.images", &name[..16]))
}

/// `[C, H, W]` of the cached images of `source`; `None` when none are cached for this key. Nothing but the beginning is read.
pub(crate) fn stored_shape(source: &Path, what: &str, key: &str) -> Option<[usize; 3]> {
    let mut cached = File::open(cache_file(&image_cache_folder(source)?, source, what)).ok()?;
    let length = cached.metadata().ok()?.len();
    let (header, _) = read_header(length, key, |bytes| cached.read_exact(bytes).ok())?;
    Some(header.shape)
}

fn splits(set: &RawSet) -> [Option<&LabeledImages>; 3] {
    [Some(&set.train), set.validation.as_ref(), set.test.as_ref()]
}

fn write(path: &Path, key: &str, set: &RawSet) -> io::Result<()> {
    let header = serde_json::to_vec(&CacheHeader {
        key: key.to_owned(),
        classes: set.classes.clone(),
        shape: set.train.shape,
        counts: splits(set).map(|s| s.map(LabeledImages::len)),
    })?;
    write_atomic_with(path, |out| {
        let mut checksum = crc32fast::Hasher::new();
        let mut put = |bytes: &[u8]| {
            checksum.update(bytes);
            out.write_all(bytes)
        };
        put(MAGIC)?;
        put(&(header.len() as u64).to_le_bytes())?;
        put(&header)?;
        for images in splits(set).into_iter().flatten() {
            put(&images.pixels)?;
            let labels: Vec<u8> = images.labels.iter().flat_map(|l| l.to_le_bytes()).collect();
            put(&labels)?;
        }
        out.write_all(&checksum.finalize().to_le_bytes())
    })
}

/// The header of a cache of `length` bytes and how long it is; `None` when it is another's.
fn read_header(length: u64, key: &str, mut get: impl FnMut(&mut [u8]) -> Option<()>) -> Option<(CacheHeader, u64)> {
    let mut start = [0; 24];
    get(&mut start)?;
    let (magic, header_length) = start.split_at(16);
    let header_length = u64::from_le_bytes(header_length.try_into().ok()?);
    if magic != MAGIC || header_length > MAX_HEADER_BYTES.min(length) {
        return None;
    }
    let mut header = vec![0; header_length as usize];
    get(&mut header)?;
    let header: CacheHeader = serde_json::from_slice(&header).ok()?;
    (header.key == key).then_some((header, header_length))
}

/// A cache's content; `None` when it is not there, damaged, or made from something else.
fn read(path: &Path, key: &str) -> Option<RawSet> {
    let mut file = File::open(path).ok()?;
    let length = file.metadata().ok()?.len();
    let mut checksum = crc32fast::Hasher::new();
    let mut get = |bytes: &mut [u8]| -> Option<()> {
        file.read_exact(bytes).ok()?;
        checksum.update(bytes);
        Some(())
    };
    let (header, header_length) = read_header(length, key, &mut get)?;
    // Nothing is requested that the file does not have.
    let size = header.shape.iter().try_fold(1usize, |n, &s| n.checked_mul(s))?;
    let count = header.counts.iter().flatten().try_fold(0usize, |n, &c| n.checked_add(c))?;
    let content = (size as u64).checked_add(2)?.checked_mul(count as u64)?;
    if length != content.checked_add(28 + header_length)? {
        return None;
    }
    let mut next = |count: Option<usize>| -> Option<Option<LabeledImages>> {
        let Some(count) = count else {
            return Some(None);
        };
        let mut pixels = vec![0; count * size];
        get(&mut pixels)?;
        let mut labels = vec![0; count * 2];
        get(&mut labels)?;
        Some(Some(LabeledImages {
            shape: header.shape,
            pixels,
            labels: labels.chunks_exact(2).map(|b| u16::from_le_bytes([b[0], b[1]])).collect(),
        }))
    };
    let [train, validation, test] = header.counts;
    let (train, validation, test) = (next(train)??, next(validation)?, next(test)?);
    let mut stored = [0; 4];
    file.read_exact(&mut stored).ok()?;
    if checksum.finalize() != u32::from_le_bytes(stored) {
        return None;
    }
    let set = RawSet { classes: header.classes, train, validation, test };
    let classes = set.classes.len();
    let known = |images: &LabeledImages| images.labels.iter().all(|&l| usize::from(l) < classes);
    let good = splits(&set).into_iter().flatten().all(known);
    good.then_some(set)
}
