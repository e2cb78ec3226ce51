//! The tensors in the pickles of PyTorch's files.
//!
//! The machine that reads pickles is `surfit-data`'s: it calls nothing. This is what the few calls mean that make a state
//! dict's tensors. People keep much beside it (arguments of the training, numbers of NumPy, an optimizer's state): all that is
//! passed over, and only refused where a tensor should be.

use surfit_data::pickle::{self, Object};

pub(super) use surfit_data::pickle::Value;

/// A stretch of memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Storage<'a> {
    /// Type of its values.
    pub kind: tch::Kind,
    /// Its name in the archive.
    pub key: &'a str,
    /// Number of values.
    pub len: i64,
}

/// A view into a storage.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct View<'a> {
    pub storage: Storage<'a>,
    pub offset: i64,
    pub size: Vec<i64>,
    pub stride: Vec<i64>,
}

/// Axes of a tensor, far more than any network has.
const MAX_AXES: usize = 16;

/// Everything that a pickle made.
#[derive(Debug)]
pub(super) struct Objects<'a> {
    all: pickle::Objects<'a>,
    /// For every call in the pickle the one whose tensor it gives: a parameter has that of an earlier call.
    sources: Vec<usize>,
}

/// Why a pickle, or a value in it, was refused, to follow "the file".
pub(super) type Refusal = String;

/// Reads a pickle and gives its result.
pub(super) fn read(bytes: &[u8]) -> Result<(Objects<'_>, Value), Refusal> {
    // Every callable may be named, since none is called.
    let (all, root) = pickle::read(bytes, |_, _| true).map_err(|_| damaged())?;
    let mut sources = Vec::with_capacity(all.objects.len());
    for (index, object) in all.objects.iter().enumerate() {
        let source = match (
            all.globals[object.callable],
            all.sequences[object.arguments].first(),
        ) {
            (
                ("torch._utils", "_rebuild_parameter" | "_rebuild_parameter_with_state"),
                Some(&Value::Object(earlier)),
            ) if earlier < index => sources[earlier],
            _ => index,
        };
        sources.push(source);
    }
    Ok((Objects { all, sources }, root))
}

fn damaged() -> Refusal {
    "is damaged: its list of tensors cannot be read".into()
}

impl<'a> Objects<'a> {
    /// The text that a value is.
    pub fn text(&self, value: Value) -> Option<&'a str> {
        match value {
            Value::Text(index) => Some(self.all.texts[index]),
            _ => None,
        }
    }

    /// The entries of the dictionary that a value is.
    pub fn dict(&self, value: Value) -> Option<&[(Value, Value)]> {
        match value {
            Value::Dict(index) => Some(&self.all.dicts[index]),
            _ => None,
        }
    }

    /// The items of the list that a value is.
    #[cfg(test)]
    pub fn items(&self, value: Value) -> &[Value] {
        match value {
            Value::Sequence(index) => &self.all.sequences[index],
            _ => &[],
        }
    }

    /// The callable, as `module.name`, that would have to be called to make a value.
    pub fn maker(&self, value: Value) -> Option<String> {
        let Value::Object(index) = value else {
            return None;
        };
        let object = self.all.objects[index];
        let mut global = object.callable;
        // The class says more than that there is one.
        if self.all.globals[global] == REBUILD_WITH
            && let Some(&Value::Global(class)) = self.all.sequences[object.arguments].get(1)
        {
            global = class;
        }
        let (module, name) = self.all.globals[global];
        Some(format!("{module}.{name}"))
    }

    /// True when a value is made by what makes tensors.
    pub fn is_tensor(&self, value: Value) -> bool {
        matches!(value, Value::Object(index) if {
            let object = self.all.objects[self.sources[index]];
            is_maker(self.all.globals[object.callable])
        })
    }

    /// The tensor that a value is; `name` is for the refusal.
    pub fn tensor(&self, name: &str, value: Value) -> Result<View<'a>, Refusal> {
        let Value::Object(index) = value else {
            return Err(format!("holds `{name}`, which is not a tensor"));
        };
        let Object {
            callable,
            arguments,
            state,
        } = self.all.objects[self.sources[index]];
        let arguments = &self.all.sequences[arguments][..];
        let made = match (self.all.globals[callable], arguments) {
            (REBUILD, _) => Some(arguments),
            // A tensor with attributes of its own.
            (
                REBUILD_WITH,
                &[
                    Value::Global(made_by),
                    Value::Global(class),
                    Value::Sequence(inner),
                    ..,
                ],
            ) if self.all.globals[made_by] == REBUILD && is_plain(self.all.globals[class]) => {
                Some(&self.all.sequences[inner][..])
            }
            _ => None,
        };
        match made {
            Some(arguments) if state.is_none() => self.view(name, arguments),
            _ => {
                let maker = self.maker(value).unwrap_or_default();
                Err(format!(
                    "holds `{name}`, which is not a tensor but an object that `{maker}` would have to make, and nothing \
                     in a file is ever executed"
                ))
            }
        }
    }

    /// The view that `_rebuild_tensor_v2` makes of these arguments.
    fn view(&self, name: &str, arguments: &[Value]) -> Result<View<'a>, Refusal> {
        let &[Value::Persistent(key), Value::Int(offset), size, stride, ..] = arguments else {
            return Err(damaged());
        };
        Ok(View {
            storage: self.storage(name, self.all.persistent[key])?,
            offset,
            size: self.numbers(size)?,
            stride: self.numbers(stride)?,
        })
    }

    /// `('storage', type, key, device, number of values)`.
    fn storage(&self, name: &str, id: Value) -> Result<Storage<'a>, Refusal> {
        let Value::Sequence(id) = id else {
            return Err(damaged());
        };
        let &[
            Value::Text(tag),
            Value::Global(global),
            Value::Text(key),
            _,
            Value::Int(len),
        ] = &self.all.sequences[id][..]
        else {
            return Err(damaged());
        };
        if self.all.texts[tag] != "storage" || len < 0 {
            return Err(damaged());
        }
        let global = self.all.globals[global];
        let kind = kind(global).ok_or_else(|| {
            let (module, class) = global;
            format!(
                "holds `{name}`, whose values are of the type `{module}.{class}`, which is not read"
            )
        })?;
        let key = self.all.texts[key];
        Ok(Storage { kind, key, len })
    }

    fn numbers(&self, value: Value) -> Result<Vec<i64>, Refusal> {
        let Value::Sequence(items) = value else {
            return Err(damaged());
        };
        let items = &self.all.sequences[items];
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
}

const REBUILD: (&str, &str) = ("torch._utils", "_rebuild_tensor_v2");
const REBUILD_WITH: (&str, &str) = ("torch._tensor", "_rebuild_from_type_v2");

fn is_maker(global: (&str, &str)) -> bool {
    global == REBUILD || global == REBUILD_WITH
}

/// True for PyTorch's own classes of tensors; what others make of the values is known to their code alone.
fn is_plain(class: (&str, &str)) -> bool {
    matches!(
        class,
        ("torch", "Tensor") | ("torch.nn.parameter", "Parameter")
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
