//! Folders of `torch.distributed.checkpoint`.
//!
//! `.metadata` is a pickle: shapes and types of tensors, the boxes that each is divided into, and where each box is: a file,
//! an offset and a length, at which there is a small archive of `torch.save` with the one tensor.

use super::archive::read_archived_tensor;
use super::dtype::dtype_named;
use super::error::{ReadStep, WeightFileRefusal, damaged_list, quote, refuse};
use super::folder::{FoundShards, sibling_file};
use super::pickle_tensors::{PickleValue, TensorObjects, read_first};
use super::section::FileSection;
use super::value_source::{FileContents, FileTensor, TensorChunk, ValueSource, value_count};
use super::weight_selection::{CheckpointDict, DictChild, choose_weights};
use super::{ListedFile, MAX_NAME_BYTES, MAX_PICKLE_BYTES, MAX_TENSORS, check_name, check_name_length, open_regular};
use safetensors::Dtype;
use std::collections::{HashMap, HashSet};
use std::path::Path;
use surfit_core::config::CornerWeights;

/// The file that lists where each box is.
pub(super) const METADATA_FILE: &str = ".metadata";
const MAX_TENSOR_CHUNKS: usize = 1024;
/// Boxes of all tensors together, of which each is an archive.
const MAX_ALL_CHUNKS: usize = 1 << 16;
/// Names of dictionaries on the way to a tensor.
const MAX_PATH_DEPTH: usize = 8;
/// What a list in the place of a dictionary is called; no weights are looked for there.
const LIST_PLACEHOLDER: &str = "[]";
const CONVERT_REMEDY: &str = "convert it with torch.distributed.checkpoint.format_utils.dcp_to_torch_save";

/// Reads the list of tensors of such a folder.
pub(super) fn read_distributed(folder: &Path, weights: CornerWeights) -> ReadStep<FoundShards> {
    let path = folder.join(METADATA_FILE);
    let read = open_regular(&path).and_then(|section| match section.len > MAX_PICKLE_BYTES {
        true => Err(damaged_list()),
        false => Ok(section.first_bytes(MAX_PICKLE_BYTES as usize)?),
    });
    let bytes = read.map_err(|refusal| WeightFileRefusal::Other(refusal.into_error_at(&path)))?;
    let (objects, root, _) = read_first(&bytes)?;
    let metadata = objects.state(root, "Metadata").ok_or_else(damaged_list)?;
    let part = |name| objects.dict_entry(metadata, name);
    let state = part("state_dict_metadata").and_then(|v| objects.dict(v));
    let tree = FlatNames::new(&objects, state.ok_or_else(damaged_list)?, part("planner_data"))?;
    let places = part("storage_data").and_then(|v| objects.dict(v));
    let places = locate_boxes(&objects, places.ok_or_else(damaged_list)?)?;

    let mut contents = FileContents::default();
    let chosen = choose_weights(&tree, 0, weights, &mut contents.notes)?;
    let mut shards = ShardFiles { folder, files: Vec::new(), open: None };
    let tensors = &tree.dicts[chosen].tensors;
    // Before a file is opened for each.
    let parts = |described| {
        let chunks = objects.dict_entry(described, "chunks");
        chunks.and_then(|list| objects.items(list)).map_or(0, <[_]>::len)
    };
    if tensors.iter().map(|t| parts(t.2)).sum::<usize>() > MAX_ALL_CHUNKS {
        return refuse(format!("divides its tensors into more than {MAX_ALL_CHUNKS} parts; {CONVERT_REMEDY}"));
    }
    let mut seen = HashSet::new();
    for (name, full_name, described) in tensors {
        check_name(name, &mut seen)?;
        let tensor = read_boxes(&objects, name, full_name, *described, &places, &mut shards, &mut contents)?;
        contents.tensors.push(tensor);
    }
    Ok((shards.files, contents))
}

struct BoxLocation<'a> {
    file: &'a str,
    offset: u64,
    length: u64,
}

type TensorBoxes<'a> = HashMap<(&'a str, Vec<usize>), BoxLocation<'a>>;

fn locate_boxes<'a>(objects: &TensorObjects<'a>, entries: &[(PickleValue, PickleValue)]) -> ReadStep<TensorBoxes<'a>> {
    let mut places = HashMap::new();
    for &(index, info) in entries {
        let key = objects.state(index, "MetadataIndex");
        let info = objects.state(info, "_StorageInfo");
        let (Some(key), Some(info)) = (key, info) else {
            return Err(damaged_list());
        };
        let name = objects.dict_entry(key, "fqn");
        let name = name.and_then(|v| short_text(objects, v));
        // Objects that are no tensors have no offset.
        let Some(offsets) = objects.dict_entry(key, "offset").filter(|v| *v != PickleValue::Other) else {
            continue;
        };
        let file = objects.dict_entry(info, "relative_path");
        let number = |name| match objects.dict_entry(info, name) {
            Some(PickleValue::Int(n)) => u64::try_from(n).ok(),
            _ => None,
        };
        let (Some(name), Some(file), Some(offset), Some(length)) =
            (name, file.and_then(|v| short_text(objects, v)), number("offset"), number("length"))
        else {
            return Err(damaged_list());
        };
        if let Some(steps) = objects.dict_entry(info, "transform_descriptors")
            && objects.items(steps).is_none_or(|s| !s.is_empty())
        {
            return refuse(format!("holds {} in an encoded form; {CONVERT_REMEDY}", quote(name)));
        }
        let place = BoxLocation { file, offset, length };
        places.insert((name, objects.parse_sizes(offsets)?), place);
    }
    Ok(places)
}

/// The files of a folder, of which one is open.
struct ShardFiles<'a> {
    folder: &'a Path,
    files: Vec<ListedFile>,
    open: Option<(usize, FileSection)>,
}

impl ShardFiles<'_> {
    /// The number of a file, and its content.
    fn open_file(&mut self, name: &str) -> ReadStep<(usize, FileSection)> {
        let path = sibling_file(self.folder, name)?;
        if let Some((index, section)) = &self.open
            && self.files[*index].path == path
        {
            return Ok((*index, section.clone()));
        }
        let known = self.files.iter().position(|f| f.path == path);
        let index = known.unwrap_or(self.files.len());
        let section = match self.files.get(index) {
            Some(file) => file.open_section.clone().map_or_else(|| file.reopen(), Ok)?,
            None => {
                let opened = open_regular(&path);
                let section = opened.map_err(|refusal| WeightFileRefusal::Other(refusal.into_error_at(&path)))?;
                self.files.push(ListedFile::new(path, &section, index));
                section
            }
        };
        self.open = Some((index, section.clone()));
        Ok((index, section))
    }
}

fn read_boxes(
    objects: &TensorObjects,
    name: &str,
    full_name: &str,
    described: PickleValue,
    places: &TensorBoxes,
    shards: &mut ShardFiles,
    contents: &mut FileContents,
) -> ReadStep<FileTensor> {
    let part = |name| objects.dict_entry(described, name).ok_or_else(damaged_list);
    let shape = objects.parse_sizes(part("size")?)?;
    let dtype = dtype_of(objects, part("properties")?, name)?;
    let list = objects.items(part("chunks")?).ok_or_else(damaged_list)?;
    if list.len() > MAX_TENSOR_CHUNKS {
        return refuse(format!("divides {} into more than {MAX_TENSOR_CHUNKS} parts; {CONVERT_REMEDY}", quote(name)));
    }
    let mut boxes: Vec<TensorBox> = Vec::new();
    for chunk in list {
        let chunk = objects.state(*chunk, "ChunkStorageMetadata");
        let chunk = chunk.ok_or_else(damaged_list)?;
        let field = |name| objects.dict_entry(chunk, name).ok_or_else(damaged_list);
        let part =
            TensorBox { offsets: objects.parse_sizes(field("offsets")?)?, size: objects.parse_sizes(field("sizes")?)? };
        // A process that has nothing of a tensor may state that.
        if !part.size.contains(&0) {
            boxes.push(part);
        }
    }
    if !covers_tensor(&shape, &boxes) {
        return refuse(format!(
            "is damaged: the parts of tensor {} do not make it whole; copy or download it again",
            quote(name)
        ));
    }
    let mut chunks: Vec<TensorChunk> = Vec::new();
    for TensorBox { offsets, size } in boxes {
        let lacks = || {
            WeightFileRefusal::Reason(format!(
                "is damaged: a part of tensor {} is not where it should be; copy or download it again",
                quote(name)
            ))
        };
        let place = places.get(&(full_name, offsets.clone())).ok_or_else(lacks)?;
        let (index, section) = shards.open_file(place.file)?;
        let section = section.subsection(place.offset, place.length).ok_or_else(lacks)?;
        if section.first_bytes(2)? != b"PK" {
            return refuse(format!("holds {} in another form than torch.save's; {CONVERT_REMEDY}", quote(name)));
        }
        let tensors = contents.merge_file(read_archived_tensor(&section, name)?, index);
        let Some(ValueSource::View(view)) = tensors.into_iter().next().map(|t| t.source) else {
            return Err(lacks());
        };
        if view.shape != size || view.dtype != dtype {
            return Err(lacks());
        }
        chunks.push(TensorChunk { offsets, view });
    }
    Ok(FileTensor { name: name.to_owned(), shape, dtype, source: ValueSource::Chunks(chunks) })
}

/// The type in a tensor's properties, a tuple that begins with it or, before PyTorch 2.1, a dictionary.
fn dtype_of(objects: &TensorObjects, properties: PickleValue, name: &str) -> ReadStep<Dtype> {
    let state = objects.state(properties, "TensorProperties");
    let state = state.ok_or_else(damaged_list)?;
    let dtype = match objects.items(state) {
        Some(items) => items.first().copied(),
        None => objects.dict_entry(state, "dtype"),
    };
    match dtype.and_then(|d| objects.global(d)) {
        Some(("torch", class)) => dtype_named(class).ok_or_else(|| {
            WeightFileRefusal::Reason(format!(
                "holds {}, whose values are of the type {}, which is not read; save it as float32",
                quote(name),
                quote(&format!("torch.{class}"))
            ))
        }),
        _ => Err(damaged_list()),
    }
}

/// A box of a tensor as the list describes it; it is not empty.
struct TensorBox {
    offsets: Vec<usize>,
    size: Vec<usize>,
}

/// True when disjoint boxes within a tensor have as many values as it has.
fn covers_tensor(shape: &[usize], boxes: &[TensorBox]) -> bool {
    let inside = |part: &TensorBox| {
        let axes = part.offsets.iter().zip(&part.size).zip(shape);
        part.offsets.len() == shape.len()
            && part.size.len() == shape.len()
            && axes.into_iter().all(|((o, n), s)| o.checked_add(*n).is_some_and(|end| end <= *s))
    };
    // The sum first: the pairs of many boxes take longer.
    let mut values = boxes.iter().map(|part| value_count(&part.size));
    let sum = values.try_fold(0usize, |sum, n| sum.checked_add(n?));
    if !boxes.iter().all(inside) || sum.is_none() || sum != value_count(shape) {
        return false;
    }
    let disjoint = |a: &TensorBox, b: &TensorBox| {
        (0..shape.len()).any(|axis| {
            let end = |part: &TensorBox| part.offsets[axis] + part.size[axis];
            end(a) <= b.offsets[axis] || end(b) <= a.offsets[axis]
        })
    };
    (0..boxes.len()).all(|i| (0..i).all(|j| disjoint(&boxes[i], &boxes[j])))
}

/// A text that is short enough to be compared any number of times.
fn short_text<'a>(objects: &TensorObjects<'a>, value: PickleValue) -> Option<&'a str> {
    objects.text(value).filter(|text| text.len() <= MAX_NAME_BYTES)
}

/// The names of a checkpoint as the dictionaries that they were before they were made flat.
struct FlatNames<'a> {
    dicts: Vec<NestedDict<'a>>,
}

#[derive(Default)]
struct NestedDict<'a> {
    inner: HashMap<&'a str, usize>,
    /// Names here, full names, and what describes the tensors.
    tensors: Vec<(&'a str, &'a str, PickleValue)>,
    first: Option<&'a str>,
}

impl<'a> FlatNames<'a> {
    fn new(
        objects: &TensorObjects<'a>,
        state: &[(PickleValue, PickleValue)],
        planned: Option<PickleValue>,
    ) -> ReadStep<Self> {
        let mut paths = HashMap::new();
        for &(name, path) in planned.and_then(|p| objects.dict(p)).unwrap_or_default() {
            if let (Some(name), Some(path)) = (short_text(objects, name), objects.items(path)) {
                paths.insert(name, path);
            }
        }
        let mut dicts = vec![NestedDict::default()];
        for &(full_name, described) in state {
            let full_name = objects.text(full_name).ok_or_else(damaged_list)?;
            check_name_length(full_name)?;
            let path = paths.get(full_name).copied().unwrap_or_default();
            let path = if path.len() <= MAX_PATH_DEPTH { path } else { &[] };
            let texts = path.iter().map_while(|p| short_text(objects, *p));
            let mut outer: Vec<&str> = texts.collect();
            // What is in a list has a number in its path.
            let name = match outer.len() == path.len() {
                true => outer.pop().unwrap_or(full_name),
                false => {
                    outer.push(LIST_PLACEHOLDER);
                    full_name
                }
            };
            let mut dict = 0;
            for part in outer {
                let next = dicts.len();
                dicts[dict].first.get_or_insert(part);
                dict = *dicts[dict].inner.entry(part).or_insert(next);
                if dict == next {
                    dicts.push(NestedDict::default());
                }
            }
            dicts[dict].first.get_or_insert(name);
            if let Some(described) = objects.state(described, "TensorStorageMetadata") {
                dicts[dict].tensors.push((name, full_name, described));
            }
            if dicts[dict].tensors.len() > MAX_TENSORS || dicts.len() > MAX_TENSORS {
                return refuse(format!("holds more than {MAX_TENSORS} tensors; save only a model's state dict"));
            }
        }
        Ok(Self { dicts })
    }
}

impl CheckpointDict<usize> for FlatNames<'_> {
    fn children(&self, dict: usize, names: &[&str]) -> Vec<Option<DictChild<usize>>> {
        let inner = &self.dicts[dict].inner;
        let names = names.iter();
        names.map(|name| inner.get(*name).map(|d| DictChild::Dict(*d))).collect()
    }

    fn dicts(&self, dict: usize) -> Vec<usize> {
        let mut all: Vec<usize> = self.dicts[dict].inner.values().copied().collect();
        all.sort_unstable();
        all
    }

    fn has_tensors(&self, dict: usize) -> bool {
        !self.dicts[dict].tensors.is_empty()
    }

    fn first_name(&self, dict: usize) -> Option<Option<String>> {
        self.dicts[dict].first.map(|name| Some(name.to_owned()))
    }
}
