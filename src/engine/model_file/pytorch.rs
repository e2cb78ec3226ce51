//! Files of `torch.save(model.state_dict(), …)`: a zip archive of a pickle and one file for each storage.

use super::pickle::{self, Objects, Value, View};
use super::safe::{ReadError, read_bytes};
use crate::{Error, Result};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use tch::{Kind, Tensor};
use zip::ZipArchive;

type Archive = ZipArchive<BufReader<File>>;

/// A list of tensors that is longer than this is none.
const MAX_PICKLE: u64 = 16 << 20;
/// How often its own size the copies of parts of a storage may take: transposed weights need one, shared ones two.
const MAX_COPIES: i64 = 4;
/// Under which names training scripts keep the state dict beside other things.
const INNER: [&str; 4] = ["state_dict", "model_state_dict", "model", "net"];

/// Reads the tensors of a state dict, which may lie inside another dictionary under one of the usual names.
///
/// # Errors
/// A sentence for a file that is missing, damaged, or something else than a state dict.
pub(super) fn read(path: &Path) -> Result<Vec<(String, Tensor)>> {
    let bad = |what: &str| {
        Error::input(format!(
            "{}: the file {what}; expected one of torch.save(model.state_dict(), …) or a .safetensors file",
            path.display()
        ))
    };
    let file = File::open(path).map_err(Error::io(path))?;
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(|e| match e {
        zip::result::ZipError::Io(source) if source.kind() != std::io::ErrorKind::UnexpectedEof => {
            Error::Io {
                path: path.into(),
                source,
            }
        }
        // A pickle of protocol 2 begins like this, and so did PyTorch's files before they became archives.
        _ if begins_with(path, &[0x80, 0x02]) => {
            bad("is in the format of PyTorch before 1.6; load and save it with a newer one")
        }
        _ if begins_with(path, b"PK") => bad("is cut short or damaged"),
        _ => bad("is not a PyTorch file"),
    })?;
    let list = archive
        .file_names()
        .find(|n| n.split('/').nth(1) == Some("data.pkl"));
    let folder = list
        .and_then(|name| name.strip_suffix("/data.pkl"))
        .ok_or_else(|| bad("is a zip archive but not a PyTorch file"))?
        .to_owned();
    if let Some(order) = entry(&mut archive, &format!("{folder}/byteorder"), 16)
        && order.trim_ascii() != b"little"
    {
        return Err(bad("was written on a big-endian machine"));
    }
    let list = entry(&mut archive, &format!("{folder}/data.pkl"), MAX_PICKLE)
        .ok_or_else(|| bad("is damaged: its list of tensors cannot be read"))?;
    let (objects, root) = pickle::read(&list).map_err(|refusal| bad(&refusal))?;

    let mut storages = HashMap::new();
    let mut tensors = Vec::new();
    for (name, view) in named(&objects, root).map_err(|refusal| bad(&refusal))? {
        let damaged = || bad(&format!("is damaged: tensor `{name}` cannot be read"));
        // Tensors that share memory in the file are read once.
        let key = objects.texts[view.storage.key];
        let (storage, copied) = match storages.entry(key) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let storage = storage(&mut archive, &format!("{folder}/data/{key}"), view)
                    .map_err(|e| e.map_or_else(damaged, |e| e.of(path)))?;
                entry.insert((storage, 0))
            }
        };
        let len = storage.numel() as i64;
        if storage.kind() != view.storage.kind || !fits(view, len) {
            return Err(damaged());
        }
        let mut tensor = storage.f_as_strided(&view.size, &view.stride, view.offset)?;
        // What is of another type is copied when it becomes `f32`.
        if !tensor.is_contiguous() || tensor.kind() != Kind::Float {
            // Without a bound a small file with many names for one storage could ask for any amount of memory.
            *copied += tensor.numel() as i64;
            if *copied > MAX_COPIES * len {
                return Err(damaged());
            }
            tensor = tensor.f_contiguous()?;
        }
        tensors.push((name.to_owned(), tensor));
    }
    Ok(tensors)
}

fn begins_with(path: &Path, bytes: &[u8]) -> bool {
    let mut head = vec![0; bytes.len()];
    File::open(path)
        .and_then(|mut f| f.read_exact(&mut head))
        .is_ok()
        && head == bytes
}

/// A small file inside the archive, `None` when it is missing, damaged or larger than `limit`.
fn entry(archive: &mut Archive, name: &str, limit: u64) -> Option<Vec<u8>> {
    let mut content = Vec::new();
    let file = archive.by_name(name).ok()?;
    file.take(limit + 1).read_to_end(&mut content).ok()?;
    (content.len() as u64 <= limit).then_some(content)
}

/// A storage as a tensor of one axis; `None` in the error when the archive does not hold it as promised.
fn storage(
    archive: &mut Archive,
    name: &str,
    view: &View,
) -> std::result::Result<Tensor, Option<ReadError>> {
    let (len, kind) = (view.storage.len, view.storage.kind);
    // Values are stored as they are, so that their size tells before any memory is asked for.
    let mut file = archive.by_name(name).map_err(|_| None)?;
    let promised = (len as u64).checked_mul(kind.elt_size_in_bytes() as u64);
    if promised != Some(file.size()) || file.size() != file.compressed_size() {
        return Err(None);
    }
    let tensor = read_bytes(&mut file, &[len], kind).map_err(|e| match e {
        ReadError::Io(e) if e.raw_os_error().is_none() => None,
        other => Some(other),
    })?;
    // Reading past the end is what compares the checksum.
    matches!(file.read(&mut [0]), Ok(0))
        .then_some(tensor)
        .ok_or(None)
}

/// True when every element of the view lies within a storage of `len` values.
fn fits(view: &View, len: i64) -> bool {
    let View {
        offset,
        size,
        stride,
        ..
    } = view;
    let natural = [size, stride].iter().all(|v| v.iter().all(|&n| n >= 0));
    if !natural || *offset < 0 || size.len() != stride.len() {
        return false;
    }
    // An element may lie at several places of the tensor, but no state dict repeats elements.
    let count = size.iter().try_fold(1i64, |n, &s| n.checked_mul(s));
    if count.is_none_or(|n| n > len) {
        return false;
    }
    let last = size
        .iter()
        .zip(stride)
        .try_fold(*offset, |at, (&n, &step)| {
            at.checked_add((n - 1).max(0).checked_mul(step)?)
        });
    count == Some(0) && *offset <= len || last.is_some_and(|at| at < len)
}

/// The tensors of the dictionary `root` by name, or of the one inside it.
fn named<'a>(
    objects: &'a Objects<'_>,
    root: Value,
) -> std::result::Result<Vec<(&'a str, &'a View)>, String> {
    let dict = |value| match value {
        Value::Dict(index) => Some(&objects.dicts[index]),
        _ => None,
    };
    let text = |value| match value {
        Value::Text(index) => Some(objects.texts[index]),
        _ => None,
    };
    let outer = dict(root).ok_or("does not hold a dictionary of tensors")?;
    let inner = INNER.iter().find_map(|name| {
        outer
            .iter()
            .find(|(key, _)| text(*key) == Some(name))
            .and_then(|(_, value)| dict(*value))
    });
    inner
        .unwrap_or(outer)
        .iter()
        .map(|&(key, value)| match (text(key), objects.tensor(value)) {
            (Some(name), Some(view)) => Ok((name, view)),
            (Some(name), _) => Err(format!("holds `{name}`, which is not a tensor")),
            (None, _) => Err("holds a dictionary whose keys are not names".into()),
        })
        .collect()
}
