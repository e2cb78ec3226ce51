//! A state dict in a pickle: from its names and views to tensors and the bytes that they are in.

use super::error::{ReadStep, WeightFileRefusal, damaged_tensor, quote, refuse};
use super::pickle_tensors::{PickleValue, Storage, StorageKind, StorageView, TensorObjects};
use super::value_source::{ByteRange, FileContents, FileTensor, TensorView, ValueSource};
use super::weight_selection::{CheckpointDict, DictChild, choose_weights, refuse_root};
use super::{MAX_TENSORS, check_name, dtype};
use safetensors::Dtype;
use std::collections::{HashMap, HashSet};
use surfit_core::config::CornerWeights;

/// A state a module may keep beside its tensors, of any kind.
const EXTRA_STATE: &str = "_extra_state";

pub(super) trait StorageTable {
    /// The bytes of a storage; `None` when the file does not hold it as promised.
    fn blob(&mut self, storage: &Storage) -> ReadStep<Option<ByteRange>>;
}

impl CheckpointDict<PickleValue> for TensorObjects<'_> {
    fn children(&self, dict: PickleValue, names: &[&str]) -> Vec<Option<DictChild<PickleValue>>> {
        let mut found = vec![None; names.len()];
        for &(key, value) in self.dict(dict).unwrap_or_default() {
            let Some(place) = self.text(key).and_then(|key| names.iter().position(|n| *n == key)) else {
                continue;
            };
            found[place] = Some(match (value, self.maker_name(value)) {
                (PickleValue::Dict(_), _) => DictChild::Dict(value),
                _ if self.is_tensor(value) => DictChild::Other,
                (_, Some(class)) => DictChild::Object(class),
                (PickleValue::Sequence(_), _) if self.items(value).is_some_and(|l| !l.is_empty()) => DictChild::List,
                _ => DictChild::Other,
            });
        }
        found
    }

    fn dicts(&self, dict: PickleValue) -> Vec<PickleValue> {
        const MAX_SEARCHED_ENTRIES: usize = 64;
        let mut dicts: Vec<PickleValue> = Vec::new();
        for &(_, value) in self.dict(dict).unwrap_or_default() {
            // One long dictionary may have many names.
            if matches!(value, PickleValue::Dict(_)) && !dicts.contains(&value) {
                dicts.push(value);
            }
            if dicts.len() == MAX_SEARCHED_ENTRIES {
                break;
            }
        }
        dicts
    }

    fn has_tensors(&self, dict: PickleValue) -> bool {
        let entries = self.dict(dict).unwrap_or_default();
        entries.iter().any(|(_, v)| self.is_tensor(*v))
    }

    fn first_name(&self, dict: PickleValue) -> Option<Option<String>> {
        let (key, _) = self.dict(dict)?.first()?;
        Some(self.text(*key).map(str::to_owned))
    }
}

/// The tensors of the dictionary `root` by name, or of the one inside it that the weights are taken from.
pub(super) fn read_state_dict(
    objects: &TensorObjects,
    root: PickleValue,
    weights: CornerWeights,
    table: &mut impl StorageTable,
) -> ReadStep<FileContents> {
    if objects.dict(root).is_none() {
        return refuse_root(objects.maker_name(root));
    }
    let mut contents = FileContents::default();
    let chosen = choose_weights(objects, root, weights, &mut contents.notes)?;
    let dict = objects.dict(chosen).unwrap_or_default();
    if dict.len() > MAX_TENSORS {
        return refuse(format!("holds more than {MAX_TENSORS} tensors; save a model's state_dict()"));
    }
    let (mut storages, mut seen) = (SeenStorages::default(), HashSet::new());
    for &(key, value) in dict {
        let Some(name) = objects.text(key) else {
            return refuse("holds a dictionary whose keys are not names; save a model's state_dict()");
        };
        let is_tensor = objects.is_tensor(value);
        if !is_tensor && name.rsplit('.').next() == Some(EXTRA_STATE) {
            continue;
        }
        check_name(name, &mut seen)?;
        let view = objects.tensor(name, value)?;
        let tensor = storages.add(name, view, table, &mut contents.blobs)?;
        contents.tensors.push(tensor);
    }
    Ok(contents)
}

pub(super) fn read_tensor(
    objects: &TensorObjects,
    root: PickleValue,
    name: &str,
    table: &mut impl StorageTable,
) -> ReadStep<FileContents> {
    let mut contents = FileContents::default();
    let view = objects.tensor(name, root)?;
    let tensor = SeenStorages::default().add(name, view, table, &mut contents.blobs)?;
    contents.tensors.push(tensor);
    Ok(contents)
}

#[derive(Default)]
struct SeenStorages<'a>(HashMap<&'a str, (usize, StorageKind)>);

impl<'a> SeenStorages<'a> {
    fn add(
        &mut self,
        name: &str,
        view: StorageView<'a>,
        table: &mut impl StorageTable,
        blobs: &mut Vec<ByteRange>,
    ) -> ReadStep<FileTensor> {
        let storage = view.storage;
        let damaged = || damaged_tensor(name);
        let blob = match self.0.get(storage.key) {
            // The same bytes under another type would be read as what they are not.
            Some((_, kind)) if *kind != storage.kind => return Err(damaged()),
            Some((blob, _)) => *blob,
            None => {
                let blob = table.blob(&storage).map_err(|refusal| match refusal {
                    WeightFileRefusal::Reason(reason) => {
                        WeightFileRefusal::Reason(format!("{reason}, at tensor {}", quote(name)))
                    }
                    other => other,
                })?;
                blobs.push(blob.ok_or_else(damaged)?);
                self.0.insert(storage.key, (blobs.len() - 1, storage.kind));
                blobs.len() - 1
            }
        };
        // A part of a storage is told in values of the storage's type; complex and quantized ones are no views that are read.
        let (start, count) = storage.view_range;
        let item = dtype::item_size(view.dtype) as u64;
        if storage.bytes() != Some(blobs[blob].len) {
            return Err(damaged());
        }
        // What a storage has is a number, and so is every part of it.
        let part_start = start * storage.kind.item_size();
        if !part_start.is_multiple_of(item) {
            return Err(damaged());
        }
        let end = (start + count) * storage.kind.item_size();
        let offset = view.offset.checked_add(part_start / item);
        let own = TensorView {
            blob,
            dtype: view.dtype,
            offset: offset.ok_or_else(damaged)?,
            shape: view.shape,
            strides: view.strides,
            negated: view.negated,
        };
        if !own.fits_within(end) {
            return Err(damaged());
        }
        if own.negated && !dtype::is_float(own.dtype) && own.dtype != Dtype::C64 {
            return refuse(format!(
                "holds {} as the negative of integers; save it as a plain tensor, x.clone()",
                quote(name)
            ));
        }
        Ok(FileTensor { name: name.into(), shape: own.shape.clone(), dtype: own.dtype, source: ValueSource::View(own) })
    }
}
