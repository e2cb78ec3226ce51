//! The safetensors format, streamed: neither direction holds more than a piece of a tensor besides the tensors
//! themselves.

mod checksummed_stream;

use crate::{EngineError, Result};
use checksummed_stream::ChecksummedStream;
use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo};
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use surfit_core::files::{self, FileLocation};
use tch::{Device, Kind, Tensor};

/// Bytes that are on their way between a tensor and a file at once.
pub(super) const CHUNK_BYTES: usize = 8 << 20;

const MAX_HEADER_BYTES: u64 = 100_000_000;

/// The tensor at the end of a file that is [`write_checksummed`]: the CRC-32 of every byte before it, little-endian. At the end,
/// because what a header states must be known before the tensors are written.
const CHECKSUM_TENSOR: &str = "surfit.crc32";

/// Types that both the format and libtorch have.
const DTYPE_KINDS: [(Dtype, Kind); 10] = [
    (Dtype::F32, Kind::Float),
    (Dtype::F64, Kind::Double),
    (Dtype::F16, Kind::Half),
    (Dtype::BF16, Kind::BFloat16),
    (Dtype::I64, Kind::Int64),
    (Dtype::I32, Kind::Int),
    (Dtype::I16, Kind::Int16),
    (Dtype::I8, Kind::Int8),
    (Dtype::U8, Kind::Uint8),
    (Dtype::BOOL, Kind::Bool),
];

pub(super) fn torch_kind(dtype: Dtype) -> Option<Kind> {
    let pair = DTYPE_KINDS.iter().find(|(known, _)| *known == dtype);
    pair.map(|(_, kind)| *kind)
}

/// Writes named tensors and string metadata as a safetensors file, bit for bit. The file is whole or, after an
/// error, unchanged. The same content gives the same bytes.
///
/// # Errors
/// When the file cannot be written, a name comes twice, or a type has no place in the format.
pub fn write_tensors(
    location: &(impl FileLocation + ?Sized),
    tensors: &[(&str, &Tensor)],
    metadata: &[(String, String)],
) -> Result<()> {
    write_file(location, tensors, metadata, false)
}

/// As [`write_tensors`], with a checksum at the end by which [`read_tensors`] knows bytes that are not those that were
/// written.
pub fn write_checksummed(
    location: &(impl FileLocation + ?Sized),
    tensors: &[(&str, &Tensor)],
    metadata: &[(String, String)],
) -> Result<()> {
    write_file(location, tensors, metadata, true)
}

fn write_file(
    location: &(impl FileLocation + ?Sized),
    tensors: &[(&str, &Tensor)],
    metadata: &[(String, String)],
    checked: bool,
) -> Result<()> {
    let path = location.full_path();
    let bad = |what: String| EngineError::input(format!("{}: cannot be written: {what}", path.display()));
    let mut entries = Vec::with_capacity(tensors.len());
    for &(name, tensor) in tensors {
        let dtype = DTYPE_KINDS.iter().find(|(_, kind)| *kind == tensor.kind()).map(|(dtype, _)| *dtype);
        let dtype = dtype.ok_or_else(|| bad(format!("tensor `{name}` is of type {:?}", tensor.kind())))?;
        entries.push((name, tensor, dtype));
    }
    // Widest types first, so that every tensor lies at a multiple of its element's size.
    entries.sort_by_key(|(_, _, dtype)| std::cmp::Reverse(*dtype));

    // A map of `serde_json` has an order of its own; the crate's writer would follow that of a `HashMap`, which
    // differs from one run to the next.
    let mut header = serde_json::Map::new();
    let mut put = |name: &str, info: TensorInfo| {
        let info = serde_json::to_value(info).map_err(|e| bad(e.to_string()))?;
        match header.insert(name.into(), info) {
            None => Ok(()),
            Some(_) => Err(bad(format!("two tensors are called `{name}`"))),
        }
    };
    let mut end = 0;
    for (name, tensor, dtype) in &entries {
        let begin = end;
        end += tensor.numel() * tensor.kind().elt_size_in_bytes();
        let shape = tensor.size().iter().map(|&n| n as usize).collect();
        let info = TensorInfo { dtype: *dtype, shape, data_offsets: (begin, end) };
        put(name, info)?;
    }
    if checked {
        let info = TensorInfo { dtype: Dtype::U8, shape: vec![4], data_offsets: (end, end + 4) };
        put(CHECKSUM_TENSOR, info)?;
    }
    if !metadata.is_empty() {
        let strings: serde_json::Map<String, serde_json::Value> =
            metadata.iter().map(|(k, v)| (k.clone(), v.clone().into())).collect();
        if header.insert("__metadata__".into(), strings.into()).is_some() {
            return Err(bad("`__metadata__` is not a tensor's name".into()));
        }
    }
    let mut header = serde_json::Value::from(header).to_string().into_bytes();
    header.resize(header.len().next_multiple_of(8), b' ');

    files::write_atomic_with(location, |out| {
        let mut out = ChecksummedStream::new(out);
        out.write_all(&(header.len() as u64).to_le_bytes())?;
        out.write_all(&header)?;
        for (_, tensor, _) in &entries {
            write_bytes(tensor, &mut out)?;
        }
        match checked {
            true => out.write_checksum(),
            false => Ok(()),
        }
    })
    .map_err(EngineError::io(path))
}

/// Writes a tensor's values in order, little-endian.
fn write_bytes(tensor: &Tensor, out: &mut impl Write) -> io::Result<()> {
    let torch = |e: tch::TchError| io::Error::other(e.to_string());
    let size = tensor.kind().elt_size_in_bytes();
    let flat = tensor.detach().f_contiguous().and_then(|t| t.f_view(-1)).map_err(torch)?;
    let (total, step) = (flat.numel(), CHUNK_BYTES / size);
    let mut buffer = vec![0; step.min(total) * size];
    for start in (0..total).step_by(step) {
        let count = step.min(total - start);
        let bytes = &mut buffer[..count * size];
        flat.f_narrow(0, start as i64, count as i64)
            .and_then(|piece| piece.f_to_device(Device::Cpu))
            .and_then(|piece| piece.f_copy_data_u8(bytes, count))
            .map_err(torch)?;
        out.write_all(bytes)?;
    }
    Ok(())
}

/// Reads `shape` values of `kind` from `input`, the file at `path`, into a new tensor on the CPU.
fn read_bytes(path: &Path, input: &mut impl Read, shape: &[i64], kind: Kind) -> Result<Tensor> {
    let size = kind.elt_size_in_bytes();
    let tensor = Tensor::f_empty(shape, (kind, Device::Cpu))?;
    let flat = tensor.f_view(-1)?;
    let (total, step) = (flat.numel(), CHUNK_BYTES / size);
    let mut buffer = vec![0; step.min(total) * size];
    for start in (0..total).step_by(step) {
        let count = step.min(total - start);
        let bytes = &mut buffer[..count * size];
        input.read_exact(bytes).map_err(EngineError::io(path))?;
        let piece = Tensor::f_from_data_size(bytes, &[count as i64], kind)?;
        flat.f_narrow(0, start as i64, count as i64)?.f_copy_(&piece)?;
    }
    Ok(tensor)
}

/// What [`read_tensors`] gives: tensors in the file's order, and the metadata.
type FileTensors = (Vec<(String, Tensor)>, HashMap<String, String>);

/// Reads every tensor of a safetensors file, bit for bit, on the CPU, and its string metadata. `limit` gives the most bytes
/// that tensors beside such metadata have: no more are read, whatever the file promises.
///
/// # Errors
/// A sentence for a file that is missing, cut short, not in the format, too large, or of another checksum. A file
/// without one is taken as it is.
pub fn read_tensors(
    location: &(impl FileLocation + ?Sized),
    limit: impl FnOnce(&HashMap<String, String>) -> u64,
) -> Result<FileTensors> {
    let path = location.full_path();
    let (mut file, header) = open(location)?;
    let metadata = header.metadata().clone().unwrap_or_default();
    let checksum = header.info(CHECKSUM_TENSOR).map_or(0, |_| 4);
    let (promised, limit) = (header.data_len() as u64, limit(&metadata));
    if promised > limit.saturating_add(checksum) {
        let fault = format!("its header promises {promised} bytes of tensors, and such a file has at most {limit}");
        return Err(damaged_file(path, fault, Some(REWRITE_REMEDY)));
    }
    let mut tensors = Vec::new();
    // In the order of offsets, which lie without gaps: the file is read from its beginning to its end.
    for name in header.offset_keys() {
        let Some(info) = header.info(&name) else {
            continue;
        };
        if name == CHECKSUM_TENSOR {
            if !file.verify_checksum().map_err(EngineError::io(path))? {
                let fault = "the file is damaged: its bytes are not those that were written".into();
                return Err(damaged_file(path, fault, Some(REWRITE_REMEDY)));
            }
            continue;
        }
        let kind = torch_kind(info.dtype).ok_or_else(|| {
            let fault = format!("tensor `{name}` has values of type {:?}, which is not supported", info.dtype);
            damaged_file(path, fault, None)
        })?;
        let shape: Vec<i64> = info.shape.iter().map(|&n| n as i64).collect();
        let tensor = read_bytes(path, &mut file, &shape, kind)?;
        tensors.push((name, tensor));
    }
    Ok((tensors, metadata))
}

/// Reads the string metadata of a safetensors file, and nothing of its tensors.
pub fn read_metadata(location: &(impl FileLocation + ?Sized)) -> Result<HashMap<String, String>> {
    let (_, header) = open(location)?;
    Ok(header.metadata().clone().unwrap_or_default())
}

const REWRITE_REMEDY: &str = "copy or write it anew";

fn damaged_file(path: &Path, fault: String, remedy: Option<&'static str>) -> EngineError {
    EngineError::DamagedFile { path: path.into(), fault, remedy }
}

fn open(location: &(impl FileLocation + ?Sized)) -> Result<(ChecksummedStream<File>, Metadata)> {
    let path = location.full_path();
    let file = files::open(location).map_err(EngineError::io(path))?;
    let length = file.metadata().map_err(EngineError::io(path))?.len();
    let mut file = ChecksummedStream::new(file);
    let header = read_header(path, &mut file, length)?;
    Ok((file, header))
}

/// Reads the header of a file of `length` bytes and makes sure that the whole file is as it states.
fn read_header(path: &Path, file: &mut impl Read, length: u64) -> Result<Metadata> {
    let foreign = |why: String| {
        let fault = format!("not a safetensors file ({why})");
        damaged_file(path, fault, Some("expected a file that surfit or safetensors wrote"))
    };
    let mut size = [0; 8];
    if length < 8 {
        return Err(foreign(format!("it has only {length} bytes")));
    }
    file.read_exact(&mut size).map_err(EngineError::io(path))?;
    let size = u64::from_le_bytes(size);
    if size > MAX_HEADER_BYTES {
        return Err(foreign("it does not begin with the length of a header".into()));
    }
    if size > length - 8 {
        return Err(foreign(format!("it is cut short: its header has {size} bytes, {} are there", length - 8)));
    }
    let mut text = vec![0; size as usize];
    file.read_exact(&mut text).map_err(EngineError::io(path))?;
    let header: Metadata = serde_json::from_slice(&text).map_err(|e| foreign(e.to_string()))?;
    let (promised, present) = (header.data_len() as u64, length - 8 - size);
    if promised == present {
        return Ok(header);
    }
    let what = if present < promised { "is cut short" } else { "has more than it should" };
    let fault = format!("the file {what}: its header promises {promised} bytes of tensors, {present} are there");
    Err(damaged_file(path, fault, Some(REWRITE_REMEDY)))
}
