//! Files of PyTorch before 1.6: pickles one after the other, then the storages.
//!
//! A magic number, a protocol, facts of the machine, the object, the names of its storages: five pickles. Then for every
//! storage, in the order of the names, its number of values in 8 bytes and the values.

use super::MAX_PICKLE_BYTES;
use super::error::{ReadStep, WeightFileRefusal, damaged_list, refuse};
use super::pickle_tensors::{self, PickleValue, Storage, TensorObjects};
use super::section::FileSection;
use super::state_dict::{StorageTable, read_state_dict};
use super::value_source::{ByteRange, FileContents};
use std::collections::HashMap;
use surfit_core::config::CornerWeights;

/// The first pickle's number, as protocols from 2 on and before have it.
const MAGIC: [&[u8]; 2] = [b"\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", b"119547037146038801333356"];

/// True when a file begins with the first pickle of the format.
pub(super) fn is_legacy(head: &[u8]) -> bool {
    const MAX_FIRST_PICKLE_BYTES: usize = 32;
    let head = &head[..head.len().min(MAX_FIRST_PICKLE_BYTES)];
    let begins = |magic: &&[u8]| head.windows(magic.len()).any(|w| w == *magic);
    MAGIC.iter().any(begins)
}

pub(super) fn read_legacy(section: &FileSection, weights: CornerWeights) -> ReadStep<FileContents> {
    // Most lists are short, and what follows them is not read here.
    const INITIAL_HEAD_BYTES: usize = 1 << 20;
    let head = section.first_bytes(INITIAL_HEAD_BYTES)?;
    match read_head(section, &head, weights) {
        Err(WeightFileRefusal::Reason(_)) if section.len > INITIAL_HEAD_BYTES as u64 => {
            read_head(section, &section.first_bytes(MAX_PICKLE_BYTES as usize)?, weights)
        }
        other => other,
    }
}

fn read_head(section: &FileSection, head: &[u8], weights: CornerWeights) -> ReadStep<FileContents> {
    let mut at = 0;
    let mut next = || -> ReadStep<(TensorObjects<'_>, PickleValue)> {
        let (objects, value, len) = pickle_tensors::read_first(&head[at..])?;
        at += len;
        Ok((objects, value))
    };
    next()?; // the magic number
    next()?; // the protocol, which has always been 1001
    let (facts, machine) = next()?;
    if facts.dict_entry(machine, "little_endian") == Some(PickleValue::Int(0)) {
        return refuse("was written on a big-endian machine; save it again on another");
    }
    let (objects, root) = next()?;
    let (keys, list) = next()?;
    let keys = keys.items(list).ok_or_else(damaged_list)?.iter().map(|key| keys.text(*key).ok_or_else(damaged_list));

    // Every storage is passed over by its size, also those of an optimizer.
    let mut sizes = HashMap::new();
    for storage in objects.storages() {
        let storage = storage?;
        let bytes = storage.bytes().ok_or_else(damaged_list)?;
        if sizes.insert(storage.key, bytes).is_some_and(|b| b != bytes) {
            return Err(damaged_list());
        }
    }
    let mut blobs = HashMap::new();
    let mut at = at as u64;
    for key in keys {
        let key = key?;
        let len = *sizes.get(key).ok_or_else(damaged_list)?;
        let start = at + 8;
        at = start.checked_add(len).ok_or_else(damaged_list)?;
        if at > section.len {
            return refuse("is cut short; copy or download it again");
        }
        blobs.insert(key, (start, len));
    }
    let mut table = StorageOffsets { section, blobs };
    read_state_dict(&objects, root, weights, &mut table)
}

/// First byte and length of storages by their names.
struct StorageOffsets<'a> {
    section: &'a FileSection,
    blobs: HashMap<&'a str, (u64, u64)>,
}

impl StorageTable for StorageOffsets<'_> {
    fn blob(&mut self, storage: &Storage) -> ReadStep<Option<ByteRange>> {
        let Some(&(start, len)) = self.blobs.get(storage.key) else {
            return Ok(None);
        };
        let count = self.section.read_bytes(start - 8, 8)?;
        let count = count.iter().rev().fold(0u64, |n, b| n << 8 | u64::from(*b));
        let promised = storage.bytes() == Some(len) && count == storage.len;
        Ok(promised.then(|| ByteRange { file: 0, start: self.section.start + start, len, crc: None }))
    }
}
