//! A strict reader of the pickles in PyTorch's files.
//!
//! A pickle is a program for a little machine that can call any Python function. This reader knows the few
//! instructions and the four callables that a state dict needs, calls nothing, and refuses all else. Objects lie in
//! one list and refer to each other by index, so that no nesting, however deep, can exhaust the stack.

use std::collections::HashMap;

/// A value; the indices are into the lists of [`Objects`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value {
    /// `None`, a float, or bytes: nothing that a tensor depends on.
    Other,
    /// A whole number or a truth value.
    Int(i64),
    /// Text.
    Text(usize),
    /// A tuple or a list.
    Sequence(usize),
    /// A dictionary.
    Dict(usize),
    /// A callable or a type.
    Global(Global),
    /// A stretch of memory in a file of its own.
    Storage(usize),
    /// A tensor.
    Tensor(usize),
}

/// Names that a state dict refers to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Global {
    /// `collections.OrderedDict`.
    OrderedDict,
    /// `torch._utils._rebuild_tensor_v2`.
    RebuildTensor,
    /// `torch._utils._rebuild_parameter`.
    RebuildParameter,
    /// `torch.FloatStorage` and so on.
    StorageType(tch::Kind),
}

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
#[derive(Debug, Default)]
pub(super) struct Objects {
    pub texts: Vec<String>,
    pub sequences: Vec<Vec<Value>>,
    pub dicts: Vec<Vec<(Value, Value)>>,
    pub storages: Vec<Storage>,
    pub tensors: Vec<View>,
}

/// Why a pickle was refused, to follow "the file".
pub(super) type Refusal = String;

/// Reads a pickle and gives its result.
pub(super) fn read(bytes: &[u8]) -> Result<(Objects, Value), Refusal> {
    let mut machine = Machine {
        input: bytes,
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
        objects: Objects::default(),
    };
    loop {
        if let Some(result) = machine.step()? {
            return Ok((machine.objects, result));
        }
    }
}

struct Machine<'a> {
    input: &'a [u8],
    stack: Vec<Value>,
    marks: Vec<usize>,
    memo: HashMap<u32, Value>,
    objects: Objects,
}

fn damaged() -> Refusal {
    "is damaged: its list of tensors cannot be read".into()
}

impl<'a> Machine<'a> {
    /// Carries out one instruction; gives the result when it was the last.
    fn step(&mut self) -> Result<Option<Value>, Refusal> {
        let value = match self.bytes(1)?[0] {
            0x80 => {
                self.bytes(1)?; // protocol
                return Ok(None);
            }
            0x95 => {
                self.bytes(8)?; // frame
                return Ok(None);
            }
            b'.' => return self.pop().map(Some),
            b'(' => {
                self.marks.push(self.stack.len());
                return Ok(None);
            }
            b'0' => {
                self.pop()?;
                return Ok(None);
            }
            b'N' => Value::Other,
            0x88 => Value::Int(1),
            0x89 => Value::Int(0),
            b'K' => Value::Int(self.bytes(1)?[0].into()),
            b'M' => Value::Int(u16::from_le_bytes(self.array()?).into()),
            b'J' => Value::Int(i32::from_le_bytes(self.array()?).into()),
            0x8a => self.long()?,
            b'G' => {
                self.bytes(8)?; // a float
                Value::Other
            }
            b'X' => {
                let len = u32::from_le_bytes(self.array()?) as usize;
                self.text(len)?
            }
            0x8c => {
                let len = self.bytes(1)?[0].into();
                self.text(len)?
            }
            b'q' => return self.memoize_at(|m| Ok(m.bytes(1)?[0].into())),
            b'r' => return self.memoize_at(|m| Ok(u32::from_le_bytes(m.array()?))),
            0x94 => return self.memoize_at(|m| Ok(m.memo.len() as u32)),
            b'h' => {
                let index = self.bytes(1)?[0].into();
                *self.memo.get(&index).ok_or_else(damaged)?
            }
            b'j' => {
                let index = u32::from_le_bytes(self.array()?);
                *self.memo.get(&index).ok_or_else(damaged)?
            }
            b'}' => self.dict(),
            b']' => self.sequence(Vec::new()),
            b')' => self.sequence(Vec::new()),
            b't' => {
                let items = self.since_mark()?;
                self.sequence(items)
            }
            n @ 0x85..=0x87 => {
                let items = self.last(usize::from(n - 0x84))?;
                self.sequence(items)
            }
            b'a' => {
                let items = self.last(1)?;
                return self.append(&items);
            }
            b'e' => {
                let items = self.since_mark()?;
                return self.append(&items);
            }
            b's' => {
                let items = self.last(2)?;
                return self.set(&items);
            }
            b'u' => {
                let items = self.since_mark()?;
                return self.set(&items);
            }
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                global(module, name)?
            }
            0x93 => {
                let names = self.last(2)?;
                let (module, name) = (self.text_of(names[0])?, self.text_of(names[1])?);
                global(module, name)?
            }
            b'Q' => self.persistent()?,
            b'R' => self.call()?,
            b'b' => {
                // Attributes of an OrderedDict: PyTorch keeps versions of modules there.
                self.pop()?;
                return match self.stack.last() {
                    Some(Value::Dict(_)) => Ok(None),
                    _ => Err(damaged()),
                };
            }
            _ => return Err(damaged()),
        };
        self.stack.push(value);
        Ok(None)
    }

    fn bytes(&mut self, n: usize) -> Result<&'a [u8], Refusal> {
        let (head, rest) = self.input.split_at_checked(n).ok_or_else(damaged)?;
        self.input = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Refusal> {
        self.bytes(N)?.try_into().map_err(|_| damaged())
    }

    fn line(&mut self) -> Result<&'a str, Refusal> {
        let end = self
            .input
            .iter()
            .position(|&b| b == b'\n')
            .ok_or_else(damaged)?;
        let line = self.bytes(end + 1)?;
        std::str::from_utf8(&line[..end]).map_err(|_| damaged())
    }

    /// A little-endian number of up to eight bytes, in two's complement.
    fn long(&mut self) -> Result<Value, Refusal> {
        let len = usize::from(self.bytes(1)?[0]);
        let bytes = self.bytes(len)?;
        if len > 8 {
            return Ok(Value::Other); // too large for a length; a seed perhaps
        }
        let negative = bytes.last().is_some_and(|b| b & 0x80 != 0);
        let mut full = [if negative { 0xff } else { 0 }; 8];
        full[..len].copy_from_slice(bytes);
        Ok(Value::Int(i64::from_le_bytes(full)))
    }

    fn text(&mut self, len: usize) -> Result<Value, Refusal> {
        let text = std::str::from_utf8(self.bytes(len)?).map_err(|_| damaged())?;
        self.objects.texts.push(text.to_owned());
        Ok(Value::Text(self.objects.texts.len() - 1))
    }

    fn sequence(&mut self, items: Vec<Value>) -> Value {
        self.objects.sequences.push(items);
        Value::Sequence(self.objects.sequences.len() - 1)
    }

    fn dict(&mut self) -> Value {
        self.objects.dicts.push(Vec::new());
        Value::Dict(self.objects.dicts.len() - 1)
    }

    fn pop(&mut self) -> Result<Value, Refusal> {
        Ok(self.last(1)?[0])
    }

    /// The last `n` values, in the order in which they were pushed.
    fn last(&mut self, n: usize) -> Result<Vec<Value>, Refusal> {
        let floor = self.marks.last().copied().unwrap_or(0);
        match self.stack.len().checked_sub(n) {
            Some(start) if start >= floor => Ok(self.stack.split_off(start)),
            _ => Err(damaged()),
        }
    }

    fn since_mark(&mut self) -> Result<Vec<Value>, Refusal> {
        let mark = self.marks.pop().ok_or_else(damaged)?;
        Ok(self.stack.split_off(mark))
    }

    fn memoize_at(
        &mut self,
        index: impl FnOnce(&mut Self) -> Result<u32, Refusal>,
    ) -> Result<Option<Value>, Refusal> {
        let index = index(self)?;
        let value = *self.stack.last().ok_or_else(damaged)?;
        self.memo.insert(index, value);
        Ok(None)
    }

    fn append(&mut self, items: &[Value]) -> Result<Option<Value>, Refusal> {
        let Some(&Value::Sequence(index)) = self.stack.last() else {
            return Err(damaged());
        };
        self.objects.sequences[index].extend_from_slice(items);
        Ok(None)
    }

    fn set(&mut self, items: &[Value]) -> Result<Option<Value>, Refusal> {
        let Some(&Value::Dict(index)) = self.stack.last() else {
            return Err(damaged());
        };
        if !items.len().is_multiple_of(2) {
            return Err(damaged());
        }
        self.objects.dicts[index].extend(items.chunks_exact(2).map(|pair| (pair[0], pair[1])));
        Ok(None)
    }

    fn text_of(&self, value: Value) -> Result<&str, Refusal> {
        match value {
            Value::Text(index) => Ok(&self.objects.texts[index]),
            _ => Err(damaged()),
        }
    }

    fn items_of(&self, value: Value) -> Result<&[Value], Refusal> {
        match value {
            Value::Sequence(index) => Ok(&self.objects.sequences[index]),
            _ => Err(damaged()),
        }
    }

    /// `('storage', type, key, device, number of values)`.
    fn persistent(&mut self) -> Result<Value, Refusal> {
        let id = self.pop()?;
        let &[
            tag,
            Value::Global(Global::StorageType(kind)),
            Value::Text(key),
            _,
            Value::Int(len),
        ] = self.items_of(id)?
        else {
            return Err(damaged());
        };
        if self.text_of(tag)? != "storage" || len < 0 {
            return Err(damaged());
        }
        self.objects.storages.push(Storage { kind, key, len });
        Ok(Value::Storage(self.objects.storages.len() - 1))
    }

    fn call(&mut self) -> Result<Value, Refusal> {
        let arguments = self.pop()?;
        let Value::Global(callable) = self.pop()? else {
            return Err(damaged());
        };
        let arguments = self.items_of(arguments)?;
        match (callable, arguments) {
            (Global::OrderedDict, []) => Ok(self.dict()),
            (
                Global::RebuildTensor,
                &[
                    Value::Storage(storage),
                    Value::Int(offset),
                    size,
                    stride,
                    ..,
                ],
            ) => {
                let numbers = |value| -> Result<Vec<i64>, Refusal> {
                    let number = |v: &Value| match v {
                        Value::Int(n) => Ok(*n),
                        _ => Err(damaged()),
                    };
                    let items = self.items_of(value)?;
                    // One long list may be named by any number of tensors, and every tensor keeps its own copy.
                    if items.len() > MAX_AXES {
                        return Err(damaged());
                    }
                    items.iter().map(number).collect()
                };
                let storage = self.objects.storages[storage];
                let view = View {
                    storage,
                    offset,
                    size: numbers(size)?,
                    stride: numbers(stride)?,
                };
                self.objects.tensors.push(view);
                Ok(Value::Tensor(self.objects.tensors.len() - 1))
            }
            (Global::RebuildParameter, &[tensor @ Value::Tensor(_), ..]) => Ok(tensor),
            _ => Err(damaged()),
        }
    }
}

fn global(module: &str, name: &str) -> Result<Value, Refusal> {
    use tch::Kind;
    Ok(Value::Global(match (module, name) {
        ("collections", "OrderedDict") => Global::OrderedDict,
        ("torch._utils", "_rebuild_tensor_v2") => Global::RebuildTensor,
        ("torch._utils", "_rebuild_parameter") => Global::RebuildParameter,
        ("torch", "FloatStorage") => Global::StorageType(Kind::Float),
        ("torch", "DoubleStorage") => Global::StorageType(Kind::Double),
        ("torch", "HalfStorage") => Global::StorageType(Kind::Half),
        ("torch", "BFloat16Storage") => Global::StorageType(Kind::BFloat16),
        ("torch", "LongStorage") => Global::StorageType(Kind::Int64),
        ("torch", "IntStorage") => Global::StorageType(Kind::Int),
        ("torch", "ShortStorage") => Global::StorageType(Kind::Int16),
        ("torch", "CharStorage") => Global::StorageType(Kind::Int8),
        ("torch", "ByteStorage") => Global::StorageType(Kind::Uint8),
        ("torch", "BoolStorage") => Global::StorageType(Kind::Bool),
        _ => {
            return Err(format!(
                "holds `{module}.{name}`, but only plain tensors are read: nothing in a file is ever executed"
            ));
        }
    }))
}
