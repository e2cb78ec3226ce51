//! The Python form: a pickled dictionary with labels and an array of rows of 3072 pixels.
//!
//! Written by Python 2, whose `str` is bytes; files that a newer Python has loaded and stored again are read as well.

use super::{SHAPE, SIZE, class};
use crate::Result;
use crate::catalogue::Entry;
use crate::images::Images;
use crate::pickle::{self, Object, Objects, Refusal, Value};
use crate::source::{bad, unreadable};
use std::io::Read;

/// Callables that NumPy's arrays and Python 3's bytes are written with.
fn allowed(module: &str, name: &str) -> bool {
    matches!(
        (module, name),
        ("numpy", "ndarray" | "dtype") | ("_codecs", "encode") | ("collections", "OrderedDict")
    ) || is_numpy(module, name, "multiarray", "_reconstruct")
        || is_numpy(module, name, "numeric", "_frombuffer")
}

/// NumPy 2 has renamed its folder `core`.
fn is_numpy(module: &str, name: &str, file: &str, function: &str) -> bool {
    name == function
        && ["numpy.core.", "numpy._core."]
            .iter()
            .any(|folder| module.strip_prefix(folder) == Some(file))
}

/// Reads a file of `bytes` bytes with its labels under this key.
pub(super) fn read(
    entry: &Entry,
    key: &str,
    name: &str,
    bytes: usize,
    input: &mut dyn Read,
) -> Result<Images> {
    let mut content = Vec::new();
    input
        .take(bytes as u64)
        .read_to_end(&mut content)
        .map_err(|e| unreadable(name, &e))?;
    let refuse = |what: String| bad(name, what);
    let (labels, pixels) = {
        let (objects, root) = pickle::read(&content, allowed).map_err(|refusal| {
            refuse(match refusal {
                Refusal::Damaged => "it is cut short, or no pickle of plain data".into(),
                Refusal::Callable(callable) => format!(
                    "it holds `{callable}`, but only plain data are read: nothing in a file is ever executed"
                ),
            })
        })?;
        let file = Pickled {
            content: &content,
            objects,
        };
        let labels = file.labels(entry, key, root).map_err(&refuse)?;
        let labels: Vec<u16> = labels
            .iter()
            .enumerate()
            .map(|(i, &label)| class(entry, name, label, i))
            .collect::<Result<_>>()?;
        let pixels = file.pixels(root, labels.len()).map_err(&refuse)?;
        (labels, pixels)
    };
    let pixels = match pixels {
        Pixels::Inside(start) => {
            // The array lies in the file as it is: nothing needs a second copy.
            let length = labels.len() * SIZE;
            content.copy_within(start..start + length, 0);
            content.truncate(length);
            content.shrink_to_fit();
            content
        }
        Pixels::Apart(pixels) => pixels,
    };
    Ok(Images {
        shape: SHAPE,
        pixels,
        labels,
    })
}

/// Where the pixels are.
enum Pixels {
    /// In the file, from this byte on.
    Inside(usize),
    /// Decoded from text.
    Apart(Vec<u8>),
}

struct Pickled<'a> {
    content: &'a [u8],
    objects: Objects<'a>,
}

impl Pickled<'_> {
    /// True when a value is this text, in any of the ways in which Pythons write it.
    fn is(&self, value: Value, text: &str) -> bool {
        match value {
            Value::Text(i) => self.objects.texts[i] == text,
            Value::Bytes(i) => &self.content[self.objects.bytes[i].clone()] == text.as_bytes(),
            other => self.encoded(other) == Some(text),
        }
    }

    fn entry(&self, root: Value, key: &str) -> std::result::Result<Option<Value>, String> {
        let Value::Dict(dict) = root else {
            return Err("it does not hold a dictionary".into());
        };
        let found = self.objects.dicts[dict]
            .iter()
            .find(|(k, _)| self.is(*k, key));
        Ok(found.map(|(_, value)| *value))
    }

    fn items(&self, value: Value) -> Option<&[Value]> {
        match value {
            Value::Sequence(i) => Some(&self.objects.sequences[i]),
            _ => None,
        }
    }

    fn object(&self, value: Value) -> Option<(Object, (&str, &str))> {
        match value {
            Value::Object(i) => {
                let object = self.objects.objects[i];
                Some((object, self.objects.globals[object.callable]))
            }
            _ => None,
        }
    }

    fn labels(
        &self,
        entry: &Entry,
        key: &str,
        root: Value,
    ) -> std::result::Result<Vec<i64>, String> {
        let Some(labels) = self.entry(root, key)? else {
            let other = [("labels", "CIFAR-10"), ("fine_labels", "CIFAR-100")];
            let mut hint = String::new();
            for (other, set) in other {
                if self.entry(root, other)?.is_some() {
                    hint = format!(", but `{other}`, as {set} has");
                }
            }
            return Err(format!(
                "it has no `{key}`, as {} should have{hint}",
                entry.name
            ));
        };
        let number = |value: &Value| match value {
            Value::Int(n) => Some(*n),
            _ => None,
        };
        self.items(labels)
            .and_then(|items| items.iter().map(number).collect::<Option<Vec<i64>>>())
            .filter(|labels| !labels.is_empty())
            .ok_or_else(|| format!("its `{key}` is not a list of numbers"))
    }

    fn pixels(&self, root: Value, count: usize) -> std::result::Result<Pixels, String> {
        let wrong = || {
            format!("its `data` is not an array of {count}×{SIZE} bytes, one row for each label")
        };
        let data = self.entry(root, "data")?.ok_or_else(wrong)?;
        let bytes = match self.object(data) {
            None => Some(data),
            Some((object, (module, name))) => {
                if is_numpy(module, name, "multiarray", "_reconstruct") {
                    self.reconstructed(object, count)
                } else if is_numpy(module, name, "numeric", "_frombuffer") {
                    self.buffered(object, count)
                } else {
                    Some(data)
                }
            }
        };
        let bytes = bytes.ok_or_else(wrong)?;
        if let Value::Bytes(i) = bytes {
            let range = self.objects.bytes[i].clone();
            return match range.len() == count * SIZE {
                true => Ok(Pixels::Inside(range.start)),
                false => Err(wrong()),
            };
        }
        match self.encoded(bytes).and_then(latin1) {
            Some(pixels) if pixels.len() == count * SIZE => Ok(Pixels::Apart(pixels)),
            _ => Err(wrong()),
        }
    }

    /// The bytes of an array that was given `(version, shape, type, is Fortran's order, bytes)` as its state.
    fn reconstructed(&self, object: Object, count: usize) -> Option<Value> {
        let &[_, shape, kind, Value::Int(0), bytes] = self.items(object.state?)? else {
            return None;
        };
        (self.is_shape(shape, count) && self.is_byte(kind)).then_some(bytes)
    }

    /// The bytes of an array that was made from `(bytes, type, shape, order)`.
    fn buffered(&self, object: Object, count: usize) -> Option<Value> {
        let &[bytes, kind, shape, order] = &self.objects.sequences[object.arguments][..] else {
            return None;
        };
        (self.is_shape(shape, count) && self.is_byte(kind) && self.is(order, "C")).then_some(bytes)
    }

    fn is_shape(&self, shape: Value, count: usize) -> bool {
        self.items(shape) == Some(&[Value::Int(count as i64), Value::Int(SIZE as i64)])
    }

    fn is_byte(&self, kind: Value) -> bool {
        self.object(kind).is_some_and(|(object, callable)| {
            let arguments = &self.objects.sequences[object.arguments];
            callable == ("numpy", "dtype")
                && arguments.first().is_some_and(|&name| self.is(name, "u1"))
        })
    }

    /// Bytes that Python 3 has written as text for Python 2, `_codecs.encode(text, 'latin1')`: the text.
    fn encoded(&self, value: Value) -> Option<&str> {
        let (object, callable) = self.object(value)?;
        let arguments = &self.objects.sequences[object.arguments];
        match arguments[..] {
            [Value::Text(text), Value::Text(encoding)]
                if callable == ("_codecs", "encode")
                    && self.objects.texts[encoding] == "latin1" =>
            {
                Some(self.objects.texts[text])
            }
            _ => None,
        }
    }
}

/// The bytes that a text stands for in Latin-1.
fn latin1(text: &str) -> Option<Vec<u8>> {
    text.chars()
        .map(|c| u8::try_from(u32::from(c)).ok())
        .collect()
}
