//! Files of `torch.save(model.state_dict(), …)`: a zip archive of a pickle and one file for each storage.
//!
//! The state dict may lie in a checkpoint beside whatever else a training script keeps, which is never looked at.

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
/// How often its own size the copies of parts of a storage may take. A view is copied when it is not contiguous, and when it is
/// of another type than `f32`, to which it is then converted: transposed weights need one copy, shared ones two, and each
/// kept in 16 or 64 bits one more.
const MAX_COPIES: i64 = 4;
/// Tensors of a network, far more than any has; several names may stand for one.
const MAX_TENSORS: usize = 1 << 16;
/// Under which names training scripts keep the state dict beside other things.
const INNER: [&str; 8] = [
    "state_dict",
    "model_state_dict",
    "model",
    "net",
    "model_state",
    "network",
    "weights",
    "params",
];

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
    let file = surfit_core::files::open(path).map_err(Error::io(path))?;
    // Bytes that storages may still take: they are stored as they are, each for itself.
    let mut left = file.metadata().map_err(Error::io(path))?.len();
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(|e| match e {
        zip::result::ZipError::Io(source) if source.kind() != std::io::ErrorKind::UnexpectedEof => {
            Error::Io {
                path: path.into(),
                source,
            }
        }
        // A pickle of protocol 2 begins like this, and so did PyTorch's files before they became archives.
        _ if begins_with(path, &[0x80, 0x02]) => {
            bad(
                "is in the format of PyTorch before 1.6, which is not read; \
                 torch.save(torch.load(FILE, map_location=\"cpu\"), FILE) in a newer one converts it",
            )
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
        let (view, damaged) = (&view, || {
            bad(&format!("is damaged: tensor `{name}` cannot be read"))
        });
        // Tensors that share memory in the file are read once.
        let key = view.storage.key;
        let (storage, copied) = match storages.entry(key) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                // Many entries of an archive may name the same bytes, of which every storage would be a copy.
                left = bytes(view)
                    .and_then(|bytes| left.checked_sub(bytes))
                    .ok_or_else(|| {
                        bad(&format!(
                            "is damaged: tensor `{name}` cannot be read, since the tensors up to it would take more \
                             bytes than the file has"
                        ))
                    })?;
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
    surfit_core::files::open(path)
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

/// Bytes of the storage behind a view.
fn bytes(view: &View) -> Option<u64> {
    (view.storage.len as u64).checked_mul(view.storage.kind.elt_size_in_bytes() as u64)
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
    if bytes(view) != Some(file.size()) || file.size() != file.compressed_size() {
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
    objects: &Objects<'a>,
    root: Value,
) -> std::result::Result<Vec<(&'a str, View<'a>)>, String> {
    const WHOLE: &str = "and nothing in a file is ever executed to make one; save its state_dict()";
    let Some(outer) = objects.dict(root) else {
        return Err(match objects.maker(root) {
            Some(class) => format!("holds a whole object of `{class}`, {WHOLE}"),
            None => "does not hold a dictionary of tensors".into(),
        });
    };
    let under = |name: &&str| {
        let mut entries = outer.iter();
        let found = entries.find(|(key, _)| objects.text(*key) == Some(name));
        found.map(|(_, value)| *value)
    };
    let inner: Vec<&[(Value, Value)]> = INNER
        .iter()
        .filter_map(|name| objects.dict(under(name)?))
        .collect();
    let has_tensors = |dict: &&&[(Value, Value)]| dict.iter().any(|(_, v)| objects.is_tensor(*v));
    let chosen = inner.iter().find(has_tensors).or(inner.first());
    let Some(dict) = chosen
        .copied()
        .or_else(|| has_tensors(&&outer).then_some(outer))
    else {
        for name in INNER {
            if let Some(class) = under(&name).and_then(|value| objects.maker(value)) {
                return Err(format!(
                    "holds `{name}` as a whole object of `{class}`, {WHOLE}"
                ));
            }
        }
        return Err(match outer.first().map(|(key, _)| objects.text(*key)) {
            Some(Some(name)) => format!(
                "holds `{name}`, which is not a tensor, and no dictionary of tensors under one of the names {}",
                INNER.map(|name| format!("`{name}`")).join(", ")
            ),
            Some(None) => "holds a dictionary whose keys are not names".into(),
            None => "holds an empty dictionary".into(),
        });
    };
    if dict.len() > MAX_TENSORS {
        return Err(format!("holds more than {MAX_TENSORS} tensors"));
    }
    dict.iter()
        .map(|&(key, value)| {
            let name = objects
                .text(key)
                .ok_or("holds a dictionary whose keys are not names")?;
            Ok((name, objects.tensor(name, value)?))
        })
        .collect()
}
