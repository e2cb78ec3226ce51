//! The tensors in the pickles of PyTorch's files.
//!
//! The machine that reads pickles is `surfit-data`'s: it calls nothing. This is what the few calls mean that make a state
//! dict's tensors. Files hold much besides it (arguments of the training, numbers of NumPy, an optimizer's state): all that is
//! passed over, and only refused where a tensor should be.

use super::MAX_NAME_BYTES;
use super::dtype::dtype_named;
use super::error::{ReadStep, WeightFileRefusal, damaged_list, damaged_tensor, quote, refuse};
use safetensors::Dtype;
use surfit_data::pickle::{self, PickleObject};

pub(super) use surfit_data::pickle::PickleValue;

/// Axes of a tensor, far more than any network has.
pub(super) const MAX_AXES: usize = 16;
/// Fields of a record, such as the state of an object: one that is longer may be named by any number of others, and is
/// searched for each.
const MAX_FIELDS: usize = 64;

/// A stretch of memory, as a pickle names it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Storage<'a> {
    /// Its name in the file.
    pub key: &'a str,
    /// Type of its values.
    pub kind: StorageKind,
    /// Number of values.
    pub len: u64,
    /// First value of the part that a view may see, and the number of values from there on.
    pub view_range: (u64, u64),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum StorageKind {
    Typed(Dtype),
    /// Bytes, of which every tensor has its own type.
    Untyped,
    /// Values of so many bytes that are not read.
    Unsupported(u64),
}

impl StorageKind {
    /// Bytes of a value.
    pub fn item_size(self) -> u64 {
        match self {
            Self::Typed(dtype) => dtype.bitsize().div_ceil(8) as u64,
            Self::Untyped => 1,
            Self::Unsupported(size) => size,
        }
    }
}

impl Storage<'_> {
    /// Bytes of the whole storage, `None` beyond all bounds.
    pub fn bytes(&self) -> Option<u64> {
        self.len.checked_mul(self.kind.item_size())
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct StorageView<'a> {
    pub storage: Storage<'a>,
    pub dtype: Dtype,
    pub offset: u64,
    pub shape: Vec<usize>,
    pub strides: Vec<usize>,
    pub negated: bool,
}

/// Everything that a pickle made.
#[derive(Debug)]
pub(super) struct TensorObjects<'a> {
    pickle_objects: pickle::PickleObjects<'a>,
    input: &'a [u8],
    /// For every call in the pickle the one whose tensor it gives: a parameter has that of an earlier call.
    sources: Vec<usize>,
}

/// Reads the pickle at the beginning of `bytes`; gives its result and its length.
pub(super) fn read_first(bytes: &[u8]) -> ReadStep<(TensorObjects<'_>, PickleValue, usize)> {
    // Every callable may be named, since none is called.
    let (all, root, len) = pickle::read(bytes, |_, _| true).map_err(|_| damaged_list())?;
    let mut sources = Vec::with_capacity(all.objects.len());
    for (index, object) in all.objects.iter().enumerate() {
        let source = match (all.globals[object.callable], all.sequences[object.arguments].first()) {
            (
                ("torch._utils", "_rebuild_parameter" | "_rebuild_parameter_with_state"),
                Some(&PickleValue::Object(earlier)),
            ) if earlier < index => sources[earlier],
            _ => index,
        };
        sources.push(source);
    }
    let objects = TensorObjects { pickle_objects: all, input: bytes, sources };
    Ok((objects, root, len))
}

impl<'a> TensorObjects<'a> {
    /// The text that a value is, also as the bytes that Python 2 writes.
    pub fn text(&self, value: PickleValue) -> Option<&'a str> {
        match value {
            PickleValue::Text(index) => Some(self.pickle_objects.texts[index]),
            // Python 2 has no names that are longer, and each is looked through again.
            PickleValue::Bytes(index) if self.pickle_objects.bytes[index].len() <= MAX_NAME_BYTES => {
                std::str::from_utf8(&self.input[self.pickle_objects.bytes[index].clone()]).ok()
            }
            _ => None,
        }
    }

    /// The entries of the dictionary that a value is.
    pub fn dict(&self, value: PickleValue) -> Option<&[(PickleValue, PickleValue)]> {
        match value {
            PickleValue::Dict(index) => Some(&self.pickle_objects.dicts[index]),
            _ => None,
        }
    }

    /// The value under a name in a record, the last one as in Python.
    pub fn dict_entry(&self, value: PickleValue, name: &str) -> Option<PickleValue> {
        let record = self.dict(value).filter(|d| d.len() <= MAX_FIELDS)?;
        let mut entries = record.iter().rev();
        let found = entries.find(|(key, _)| self.text(*key) == Some(name));
        found.map(|(_, value)| *value)
    }

    /// The items of the list or tuple that a value is, or that a type such as `torch.Size` makes one of.
    pub fn items(&self, value: PickleValue) -> Option<&[PickleValue]> {
        match value {
            PickleValue::Sequence(index) => Some(&self.pickle_objects.sequences[index]),
            PickleValue::Object(index) => {
                let object = self.pickle_objects.objects[index];
                match self.pickle_objects.sequences[object.arguments][..] {
                    [PickleValue::Sequence(items)] => Some(&self.pickle_objects.sequences[items]),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// The state that an object of a class was given, by the class's name.
    pub fn state(&self, value: PickleValue, class: &str) -> Option<PickleValue> {
        let PickleValue::Object(index) = value else {
            return None;
        };
        let object = self.pickle_objects.objects[index];
        (self.pickle_objects.globals[object.callable].1 == class).then_some(object.state).flatten()
    }

    /// Module and name of the callable or type that a value is.
    pub fn global(&self, value: PickleValue) -> Option<(&'a str, &'a str)> {
        match value {
            PickleValue::Global(index) => Some(self.pickle_objects.globals[index]),
            _ => None,
        }
    }

    /// The callable, as `module.name`, that would have to be called to make a value.
    pub fn maker_name(&self, value: PickleValue) -> Option<String> {
        let PickleValue::Object(index) = value else {
            return None;
        };
        let object = self.pickle_objects.objects[index];
        let mut global = object.callable;
        // The class says more than that there is one.
        if self.pickle_objects.globals[global] == REBUILD_SUBCLASS
            && let Some(&PickleValue::Global(class)) = self.pickle_objects.sequences[object.arguments].get(1)
        {
            global = class;
        }
        let (module, name) = self.pickle_objects.globals[global];
        Some(quote(&format!("{module}.{name}")))
    }

    /// True when a value is made by what makes tensors.
    pub fn is_tensor(&self, value: PickleValue) -> bool {
        matches!(value, PickleValue::Object(index) if {
            let object = self.pickle_objects.objects[self.sources[index]];
            is_maker(self.pickle_objects.globals[object.callable])
        })
    }

    /// Every storage that is named anywhere, and `None` for what is named and is none.
    pub fn storages(&self) -> impl Iterator<Item = ReadStep<Storage<'a>>> {
        let ids = self.pickle_objects.persistent.iter();
        let storages = ids.filter(|id| {
            let first = self.items(**id).and_then(|items| items.first());
            first.is_none_or(|tag| self.text(*tag) != Some("module"))
        });
        storages.map(|id| self.parse_storage(*id))
    }

    /// The tensor that a value is; `name` is for the refusal.
    pub fn tensor(&self, name: &str, value: PickleValue) -> ReadStep<StorageView<'a>> {
        if name.split('.').any(|part| part == PACKED_PARAMETERS) {
            return refuse(format!(
                "holds {}, part of a quantized layer, which is not read; save the state_dict() that the network had \
                 before, or its weights as layer.weight().dequantize()",
                quote(name)
            ));
        }
        let PickleValue::Object(index) = value else {
            return refuse(format!("holds {}, which is not a tensor; save a model's state_dict()", quote(name)));
        };
        let PickleObject { callable, arguments, state } = self.pickle_objects.objects[self.sources[index]];
        if let Some((what, remedy)) = unsupported_tensor_kind(self.pickle_objects.globals[callable]) {
            return refuse(format!("holds {}, a {what} tensor, which is not read; save it as x.{remedy}", quote(name)));
        }
        let arguments = &self.pickle_objects.sequences[arguments][..];
        let made = match (self.pickle_objects.globals[callable], arguments) {
            (maker, _) if is_plain_maker(maker) => Some((maker, arguments)),
            // A tensor with attributes of its own.
            (
                REBUILD_SUBCLASS,
                &[PickleValue::Global(made_by), PickleValue::Global(class), PickleValue::Sequence(inner), ..],
            ) if is_plain_maker(self.pickle_objects.globals[made_by])
                && is_plain(self.pickle_objects.globals[class]) =>
            {
                Some((self.pickle_objects.globals[made_by], &self.pickle_objects.sequences[inner][..]))
            }
            _ => None,
        };
        match made {
            Some((maker, arguments)) if state.is_none() => self.rebuild_view(name, maker, arguments),
            _ => {
                let maker = self.maker_name(value).unwrap_or_default();
                refuse(format!(
                    "holds {}, which is not a tensor but an object that {maker} would have to make, and nothing in a \
                     file is ever executed; save it as a plain tensor",
                    quote(name)
                ))
            }
        }
    }

    /// The view that one of [`MAKERS`] makes of these arguments.
    fn rebuild_view(&self, name: &str, maker: (&str, &str), arguments: &[PickleValue]) -> ReadStep<StorageView<'a>> {
        let &[PickleValue::Persistent(key), PickleValue::Int(offset), shape, strides, ref more @ ..] = arguments else {
            return Err(damaged_list());
        };
        let storage = self.parse_storage(self.pickle_objects.persistent[key])?;
        // After `requires_grad` and hooks, `_rebuild_tensor_v3` is given a type.
        let (own, flags) = match maker {
            REBUILD_TYPED => (more.get(2), more.get(3)),
            _ => (None, more.get(2)),
        };
        let unread = |kind: String| {
            refuse(format!(
                "holds {}, whose values are of the type {kind}, which is not read; save it as float32",
                quote(name)
            ))
        };
        let dtype = match (storage.kind, own) {
            (_, Some(&own)) => match self.global(own) {
                Some(("torch", class)) => match dtype_named(class) {
                    Some(dtype) => dtype,
                    None => return unread(quote(&format!("torch.{class}"))),
                },
                _ => return Err(damaged_list()),
            },
            (StorageKind::Typed(dtype), None) => dtype,
            _ => return unread(self.kind_name(self.pickle_objects.persistent[key])),
        };
        Ok(StorageView {
            storage,
            dtype,
            offset: u64::try_from(offset).map_err(|_| damaged_tensor(name))?,
            shape: self.parse_sizes(shape).map_err(|_| damaged_tensor(name))?,
            strides: self.parse_sizes(strides).map_err(|_| damaged_tensor(name))?,
            negated: self.is_negated(name, flags.copied())?,
        })
    }

    /// Whether the tensor is the negative of what is stored, which PyTorch leaves to the reader for views of complex numbers.
    fn is_negated(&self, name: &str, flags: Option<PickleValue>) -> ReadStep<bool> {
        let mut negated = false;
        let flags = flags.and_then(|f| self.dict(f)).unwrap_or_default();
        if flags.len() > MAX_FIELDS {
            return Err(damaged_tensor(name));
        }
        for &(key, value) in flags {
            match (self.text(key), value) {
                (Some("neg"), PickleValue::Int(set)) => negated = set != 0,
                (_, PickleValue::Int(0)) => {}
                (key, _) => {
                    return refuse(format!(
                        "holds {}, to be read with {}, which is not supported; save it as a plain tensor, x.clone()",
                        quote(name),
                        quote(key.unwrap_or("?"))
                    ));
                }
            }
        }
        Ok(negated)
    }

    /// `('storage', type, key, device, number of values)`, and in older files a part of it or none.
    fn parse_storage(&self, id: PickleValue) -> ReadStep<Storage<'a>> {
        let PickleValue::Sequence(id) = id else {
            return refuse(
                "was written with pickle protocol 0, in which storages have no names that can be read; save it again",
            );
        };
        let &[tag, PickleValue::Global(global), key, _, PickleValue::Int(len), ref part @ ..] =
            &self.pickle_objects.sequences[id][..]
        else {
            return Err(damaged_list());
        };
        let (Some("storage"), Some(key), Ok(len)) = (self.text(tag), self.text(key), u64::try_from(len)) else {
            return Err(damaged_list());
        };
        if key.len() > MAX_NAME_BYTES {
            return Err(damaged_list());
        }
        let kind = storage_kind(self.pickle_objects.globals[global]).ok_or_else(|| {
            let (module, class) = self.pickle_objects.globals[global];
            WeightFileRefusal::Reason(format!(
                "holds values of the type {}, which is not read; save a model's state_dict()",
                quote(&format!("{module}.{class}"))
            ))
        })?;
        let part = match part.first() {
            Some(&PickleValue::Sequence(part)) => match self.pickle_objects.sequences[part][..] {
                [_, PickleValue::Int(start), PickleValue::Int(count)] => (start, count),
                _ => return Err(damaged_list()),
            },
            _ => (0, len as i64),
        };
        let (Ok(start), Ok(count)) = (u64::try_from(part.0), u64::try_from(part.1)) else {
            return Err(damaged_list());
        };
        if start.checked_add(count).is_none_or(|end| end > len) {
            return Err(damaged_list());
        }
        Ok(Storage { key, kind, len, view_range: (start, count) })
    }

    fn kind_name(&self, id: PickleValue) -> String {
        let class = self.items(id).and_then(|items| items.get(1));
        let (module, name) = class.and_then(|c| self.global(*c)).unwrap_or(("?", "?"));
        quote(&format!("{module}.{name}"))
    }

    /// The numbers that a shape, strides or offsets are.
    pub fn parse_sizes(&self, value: PickleValue) -> ReadStep<Vec<usize>> {
        let items = self.items(value).ok_or_else(damaged_list)?;
        // One long list may be named by any number of tensors, and every tensor keeps its own copy.
        if items.len() > MAX_AXES {
            return Err(damaged_list());
        }
        let number = |v: &PickleValue| match v {
            PickleValue::Int(n) => usize::try_from(*n).map_err(|_| damaged_list()),
            _ => Err(damaged_list()),
        };
        items.iter().map(number).collect()
    }
}

/// Component of the names of what PyTorch's quantized layers keep in place of a weight.
const PACKED_PARAMETERS: &str = "_packed_params";
const REBUILD: (&str, &str) = ("torch._utils", "_rebuild_tensor_v2");
const REBUILD_TYPED: (&str, &str) = ("torch._utils", "_rebuild_tensor_v3");
const REBUILD_SUBCLASS: (&str, &str) = ("torch._tensor", "_rebuild_from_type_v2");
/// Before PyTorch 0.4.
const REBUILD_FIRST: (&str, &str) = ("torch._utils", "_rebuild_tensor");
/// What makes a tensor of a view into a storage.
const MAKERS: [(&str, &str); 3] = [REBUILD, REBUILD_TYPED, REBUILD_FIRST];

fn is_plain_maker(global: (&str, &str)) -> bool {
    MAKERS.contains(&global)
}

fn is_maker(global: (&str, &str)) -> bool {
    is_plain_maker(global) || global == REBUILD_SUBCLASS || unsupported_tensor_kind(global).is_some()
}

/// Of what makes a tensor that is no view into a storage: what kind it is, and the method that gives a plain one.
fn unsupported_tensor_kind((module, name): (&str, &str)) -> Option<(&'static str, &'static str)> {
    match (module, name) {
        ("torch._utils", "_rebuild_qtensor") => Some(("quantized", "dequantize()")),
        ("torch._utils", "_rebuild_sparse_tensor" | "_rebuild_sparse_csr_tensor") => Some(("sparse", "to_dense()")),
        _ => None,
    }
}

/// True for PyTorch's own classes of tensors; what others make of the values is known to their code alone.
fn is_plain(class: (&str, &str)) -> bool {
    matches!(class, ("torch", "Tensor") | ("torch.nn.parameter", "Parameter"))
}

/// Type of the values of `torch.FloatStorage` and so on.
fn storage_kind((module, name): (&str, &str)) -> Option<StorageKind> {
    use StorageKind::{Typed, Unsupported, Untyped};
    if !matches!(module, "torch" | "torch.cuda" | "torch.storage") {
        return None;
    }
    Some(match name {
        "FloatStorage" => Typed(Dtype::F32),
        "DoubleStorage" => Typed(Dtype::F64),
        "HalfStorage" => Typed(Dtype::F16),
        "BFloat16Storage" => Typed(Dtype::BF16),
        "LongStorage" => Typed(Dtype::I64),
        "IntStorage" => Typed(Dtype::I32),
        "ShortStorage" => Typed(Dtype::I16),
        "CharStorage" => Typed(Dtype::I8),
        "ByteStorage" => Typed(Dtype::U8),
        "BoolStorage" => Typed(Dtype::BOOL),
        "ComplexFloatStorage" => Typed(Dtype::C64),
        "ComplexDoubleStorage" => Unsupported(16),
        "QInt32Storage" => Unsupported(4),
        "QInt8Storage" | "QUInt8Storage" | "QUInt4x2Storage" | "QUInt2x4Storage" => Unsupported(1),
        "UntypedStorage" => Untyped,
        _ => return None,
    })
}
