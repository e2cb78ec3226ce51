//! Files of `torch.save(model.state_dict(), …)`: a zip archive of a pickle and one file for each storage.

use super::error::{ReadStep, WeightFileRefusal, damaged_list, refuse};
use super::pickle_tensors::{self, Storage};
use super::section::FileSection;
use super::state_dict::{StorageTable, read_state_dict, read_tensor};
use super::value_source::{ByteRange, FileContents};
use super::{MAX_PICKLE_BYTES, MAX_TENSORS};
use std::borrow::Cow;
use std::io::BufReader;
use surfit_core::config::CornerWeights;
use zip::read::{ArchiveOffset, Config};
use zip::{CompressionMethod, ZipArchive};

/// Files in an archive: a storage for each tensor of model and optimizer, and a few others.
const MAX_ENTRIES: u64 = 8 * MAX_TENSORS as u64;

/// Reads the tensors of a state dict in an archive.
pub(super) fn read_archive(section: &FileSection, weights: CornerWeights) -> ReadStep<FileContents> {
    let (list, mut archive) = Archive::open(section)?;
    let (objects, root, _) = pickle_tensors::read_first(&list)?;
    read_state_dict(&objects, root, weights, &mut archive)
}

pub(super) fn read_archived_tensor(section: &FileSection, name: &str) -> ReadStep<FileContents> {
    let (list, mut archive) = Archive::open(section)?;
    let (objects, root, _) = pickle_tensors::read_first(&list)?;
    read_tensor(&objects, root, name, &mut archive)
}

/// The error for an archive that holds a program instead of a state dict.
fn describe_program(zip: &ZipArchive<BufReader<FileSection>>) -> Option<&'static str> {
    let has = |is: fn(&str) -> bool| names(zip).any(|name| is(&name));
    // Both are below a folder of the archive's name; before PyTorch 2.7 an exported program did not.
    let is_script = has(|n| n.split('/').nth(1) == Some("code")) && has(|n| n.ends_with("/constants.pkl"));
    let is_exported = has(|n| n.ends_with("/archive_format")) && has(|n| n.split('/').nth(1) == Some("models"))
        || has(|n| n == "serialized_exported_program.json");
    match (is_script, is_exported) {
        (true, _) => Some(
            "is a TorchScript program of torch.jit.save, and nothing in a file is ever executed; save its weights with \
             torch.save(torch.jit.load(FILE).state_dict(), …)",
        ),
        (_, true) => Some(
            "is an exported program of torch.export.save, and nothing in a file is ever executed; save its weights with \
             torch.save(torch.export.load(FILE).state_dict, …)",
        ),
        _ => None,
    }
}

/// Names in an archive; one that is no text is none that is looked for.
fn names(zip: &ZipArchive<BufReader<FileSection>>) -> impl Iterator<Item = Cow<'_, str>> {
    zip.file_names().flatten()
}

struct Archive<'a> {
    zip: ZipArchive<BufReader<FileSection>>,
    section: &'a FileSection,
    folder: String,
    /// False when every checksum is zero: PyTorch can leave them out.
    has_checksums: bool,
    /// Bytes that storages may still take: they are stored as they are, each for itself. Many entries of an archive may
    /// name the same bytes, of which every storage would be a copy.
    remaining_bytes: u64,
}

impl<'a> Archive<'a> {
    /// Opens an archive; also gives its list of tensors, a pickle.
    fn open(section: &'a FileSection) -> ReadStep<(Vec<u8>, Self)> {
        let entries = entry_count(section)?;
        if entries.is_some_and(|n| n > MAX_ENTRIES) {
            return refuse(format!(
                "is an archive of more than {MAX_ENTRIES} files; save a model's state_dict() alone"
            ));
        }
        // PyTorch's archives begin with the file. Left to find the beginning, the reader counts back from the end without the
        // zip64 records that PyTorch always writes, and refuses files whose first name has 30 letters: a file `NAME.pt` with 21.
        let config = Config { archive_offset: ArchiveOffset::Known(0) };
        let reader = BufReader::new(section.clone());
        let mut zip = ZipArchive::with_config(config, reader).map_err(|error| match error {
            zip::result::ZipError::Io(source) => WeightFileRefusal::from(source),
            _ => WeightFileRefusal::Reason("is cut short or damaged; copy or download it again".into()),
        })?;
        if let Some(what) = describe_program(&zip) {
            return refuse(what);
        }
        let lists = names(&zip).filter(|n| n.split('/').nth(1) == Some("data.pkl"));
        let Some(folder) = lists.min().and_then(|name| Some(name.strip_suffix("/data.pkl")?.to_owned())) else {
            return refuse(match names(&zip).any(|n| n.ends_with(".npy")) {
                true => "is an archive of NumPy's; save a PyTorch model's state_dict() with torch.save",
                false => "is a zip archive but not a PyTorch file; name one of torch.save or safetensors",
            });
        };
        let has_checksums = (0..zip.len()).any(|index| {
            let entry = zip.by_index_raw(index);
            entry.is_ok_and(|entry| entry.crc32() != 0)
        });
        let left = section.len;
        let mut archive = Self { zip, section, folder, has_checksums, remaining_bytes: left };
        if let Some(order) = archive.read_small_entry("byteorder", 16)
            && order.trim_ascii() != b"little"
        {
            return refuse("was written on a big-endian machine; save it again on another");
        }
        let list = archive.read_small_entry("data.pkl", MAX_PICKLE_BYTES).ok_or_else(damaged_list)?;
        Ok((list, archive))
    }

    /// Where an entry lies; `None` when it is missing, compressed or not within the archive.
    fn entry_range(&mut self, name: &str) -> Option<ByteRange> {
        let entry = self.zip.by_name(&format!("{}/{name}", self.folder)).ok()?;
        let (start, len) = (entry.data_start()?, entry.size());
        let stored = entry.compression() == CompressionMethod::Stored;
        let inside = start.checked_add(len)? <= self.section.len;
        (stored && inside && len == entry.compressed_size()).then(|| ByteRange {
            file: 0,
            start: self.section.start + start,
            len,
            crc: self.has_checksums.then(|| entry.crc32()),
        })
    }

    /// An entry's bytes; `None` when it is missing, damaged or larger than `limit`.
    fn read_small_entry(&mut self, name: &str, limit: u64) -> Option<Vec<u8>> {
        let blob = self.entry_range(name).filter(|blob| blob.len <= limit)?;
        let start = blob.start - self.section.start;
        let bytes = self.section.read_bytes(start, blob.len as usize).ok()?;
        let whole = blob.crc.is_none_or(|crc| crc32fast::hash(&bytes) == crc);
        whole.then_some(bytes)
    }
}

impl StorageTable for Archive<'_> {
    fn blob(&mut self, storage: &Storage) -> ReadStep<Option<ByteRange>> {
        let blob = self.entry_range(&format!("data/{}", storage.key));
        let Some(blob) = blob.filter(|blob| Some(blob.len) == storage.bytes()) else {
            return Ok(None);
        };
        self.remaining_bytes = self.remaining_bytes.checked_sub(blob.len).ok_or_else(|| {
            WeightFileRefusal::Reason("is damaged: its tensors would take more bytes than the file has".into())
        })?;
        Ok(Some(blob))
    }
}

/// Number of files that an archive claims to have, before they are read; `None` when it does not end as one.
fn entry_count(section: &FileSection) -> ReadStep<Option<u64>> {
    const END_SIGNATURE: &[u8] = b"PK\x05\x06";
    const END_64_SIGNATURE: &[u8] = b"PK\x06\x06";
    const MAX_END_BYTES: u64 = 22 + 65_535 + 128;
    let len = section.len.min(MAX_END_BYTES);
    let tail = section.read_bytes(section.len - len, len as usize)?;
    let find = |mark: &[u8]| tail.windows(4).rposition(|w| w == mark);
    let number = |at: Option<usize>, by: usize, size: usize| {
        let bytes = tail.get(at? + by..at? + by + size)?;
        Some(bytes.iter().rev().fold(0u64, |n, b| n << 8 | u64::from(*b)))
    };
    let short = number(find(END_SIGNATURE), 10, 2);
    Ok(number(find(END_64_SIGNATURE), 32, 8).max(short))
}
