//! The tensors in the pickles of PyTorch's files.
//!
//! The machine that reads pickles is `surfit-data`'s: it calls nothing. This is what the few callables mean that a state
//! dict needs; everything else is refused.

use surfit_data::pickle::{self, Object};

pub(super) use surfit_data::pickle::Value;

/// A stretch of memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Storage {
    /// Type of its values.
    pub kind: tch::Kind,
    /// Index of its name in [`Objects::texts`].
    pub key: usize,
    /// Number of values.
    pub len: i64,
}

/// A view into a storage.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct View {
    pub storage: Storage,
    pub offset: i64,
    pub size: Vec<i64>,
    pub stride: Vec<i64>,
}

/// Axes of a tensor, far more than any network has.
const MAX_AXES: usize = 16;

/// Everything that a pickle made.
#[derive(Debug)]
pub(super) struct Objects<'a> {
    pub texts: Vec<&'a str>,
    pub dicts: Vec<Vec<(Value, Value)>>,
    /// The tensor that each of the pickle's objects is, or the earlier object whose tensor it is.
    tensors: Vec<Tensor>,
}

#[derive(Debug)]
enum Tensor {
    Own(View),
    SameAs(usize),
}

impl Objects<'_> {
    /// The tensor that a value is.
    pub fn tensor(&self, value: Value) -> Option<&View> {
        let Value::Object(mut index) = value else {
            return None;
        };
        // Each step goes to an earlier object.
        loop {
            match &self.tensors[index] {
                Tensor::Own(view) => return Some(view),
                Tensor::SameAs(earlier) => index = *earlier,
            }
        }
    }
}

/// Why a pickle was refused, to follow "the file".
pub(super) type Refusal = String;

/// Reads a pickle and gives its result.
pub(super) fn read(bytes: &[u8]) -> Result<(Objects<'_>, Value), Refusal> {
    let (objects, root) = pickle::read(bytes, allowed).map_err(|refusal| match refusal {
        pickle::Refusal::Damaged => damaged(),
        pickle::Refusal::Callable(name) => format!(
            "holds `{name}`, but only plain tensors are read: nothing in a file is ever executed"
        ),
    })?;
    let tensors = (0..objects.objects.len())
        .map(|index| tensor(&objects, index))
        .collect::<Result<_, _>>()?;
    let objects = Objects {
        texts: objects.texts,
        dicts: objects.dicts,
        tensors,
    };
    Ok((objects, root))
}

fn damaged() -> Refusal {
    "is damaged: its list of tensors cannot be read".into()
}

fn allowed(module: &str, name: &str) -> bool {
    kind((module, name)).is_some()
        || matches!(
            (module, name),
            ("collections", "OrderedDict")
                | ("torch._utils", "_rebuild_tensor_v2" | "_rebuild_parameter")
        )
}

/// Type of the values of `torch.FloatStorage` and so on.
fn kind(global: (&str, &str)) -> Option<tch::Kind> {
    use tch::Kind;
    let ("torch", name) = global else {
        return None;
    };
    Some(match name {
        "FloatStorage" => Kind::Float,
        "DoubleStorage" => Kind::Double,
        "HalfStorage" => Kind::Half,
        "BFloat16Storage" => Kind::BFloat16,
        "LongStorage" => Kind::Int64,
        "IntStorage" => Kind::Int,
        "ShortStorage" => Kind::Int16,
        "CharStorage" => Kind::Int8,
        "ByteStorage" => Kind::Uint8,
        "BoolStorage" => Kind::Bool,
        _ => return None,
    })
}

/// What the pickle's object of this index is: the only calls in a state dict make tensors.
fn tensor(objects: &pickle::Objects, index: usize) -> Result<Tensor, Refusal> {
    let Object {
        callable,
        arguments,
        state: None,
    } = objects.objects[index]
    else {
        return Err(damaged());
    };
    match (
        objects.globals[callable].1,
        &objects.sequences[arguments][..],
    ) {
        ("_rebuild_tensor_v2", &[Value::Persistent(key), Value::Int(offset), size, stride, ..]) => {
            Ok(Tensor::Own(View {
                storage: storage(objects, objects.persistent[key])?,
                offset,
                size: numbers(objects, size)?,
                stride: numbers(objects, stride)?,
            }))
        }
        ("_rebuild_parameter", &[Value::Object(earlier), ..]) if earlier < index => {
            Ok(Tensor::SameAs(earlier))
        }
        _ => Err(damaged()),
    }
}

/// `('storage', type, key, device, number of values)`.
fn storage(objects: &pickle::Objects, id: Value) -> Result<Storage, Refusal> {
    let Value::Sequence(id) = id else {
        return Err(damaged());
    };
    let &[
        Value::Text(tag),
        Value::Global(global),
        Value::Text(key),
        _,
        Value::Int(len),
    ] = &objects.sequences[id][..]
    else {
        return Err(damaged());
    };
    let kind = kind(objects.globals[global]).ok_or_else(damaged)?;
    if objects.texts[tag] != "storage" || len < 0 {
        return Err(damaged());
    }
    Ok(Storage { kind, key, len })
}

fn numbers(objects: &pickle::Objects, value: Value) -> Result<Vec<i64>, Refusal> {
    let Value::Sequence(items) = value else {
        return Err(damaged());
    };
    let items = &objects.sequences[items];
    // One long list may be named by any number of tensors, and every tensor keeps its own copy.
    if items.len() > MAX_AXES {
        return Err(damaged());
    }
    let number = |v: &Value| match v {
        Value::Int(n) => Ok(*n),
        _ => Err(damaged()),
    };
    items.iter().map(number).collect()
}
