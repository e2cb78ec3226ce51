//! The safetensors format.

use super::MAX_TENSORS;
use super::error::{ReadStep, WeightFileRefusal, quote, refuse};
use super::section::FileSection;
use super::value_source::{ByteRange, FileContents, FileTensor, TensorView, ValueSource};
use safetensors::tensor::Metadata;

/// Longest header: what the tensors of a network take, and what people note beside them.
const MAX_HEADER_BYTES: u64 = 32 << 20;

/// True when a file begins with the length of a header and a header.
pub(super) fn is_safetensors(head: &[u8]) -> bool {
    head.get(8) == Some(&b'{') && head[5..8] == [0; 3]
}

/// Reads the header of a file, and makes sure that the whole file is as it states.
pub(super) fn read_safetensors(section: &FileSection) -> ReadStep<FileContents> {
    let foreign = |why: String| {
        WeightFileRefusal::Reason(format!("is not whole as safetensors: {why}; copy or download it again"))
    };
    let size = section.read_bytes(0, 8)?;
    let size = size.iter().rev().fold(0u64, |n, b| n << 8 | u64::from(*b));
    if size > section.len - 8 {
        return Err(foreign(format!("it is cut short: its header has {size} bytes, {} are there", section.len - 8)));
    }
    if size > MAX_HEADER_BYTES {
        return refuse(format!(
            "has a header of {size} bytes, the longest of a network has {MAX_HEADER_BYTES}; save a model's state_dict() alone"
        ));
    }
    let text = section.read_bytes(8, size as usize)?;
    let too_many = || refuse(format!("holds more than {MAX_TENSORS} tensors; save a model's state_dict() alone"));
    // Counted before anything is made of them.
    let text = str::from_utf8(&text).map_err(|e| foreign(e.to_string()))?;
    if text.matches("data_offsets").count() > MAX_TENSORS {
        return too_many();
    }
    let header: Metadata = serde_json::from_str(text).map_err(|e| foreign(bound_message(&e.to_string())))?;
    let (promised, present) = (header.data_len() as u64, section.len - 8 - size);
    if promised != present {
        let what = if present < promised { "it is cut short" } else { "it has more than it should" };
        return Err(foreign(format!("{what}: its header promises {promised} bytes of tensors, {present} are there")));
    }
    let names = header.offset_keys();
    if names.len() > MAX_TENSORS {
        return too_many();
    }
    let mut contents = FileContents::default();
    for name in names {
        let Some(info) = header.info(&name) else {
            continue;
        };
        let (begin, end) = info.data_offsets;
        contents.blobs.push(ByteRange {
            file: 0,
            start: section.start + 8 + size + begin as u64,
            len: (end - begin) as u64,
            crc: None,
        });
        let view = TensorView::contiguous(contents.blobs.len() - 1, info.dtype, info.shape.clone());
        contents.tensors.push(FileTensor {
            name,
            shape: info.shape.clone(),
            dtype: info.dtype,
            source: ValueSource::View(view),
        });
    }
    Ok(contents)
}

/// A message that may quote the file.
fn bound_message(message: &str) -> String {
    quote(message).trim_matches('`').to_owned()
}
