//! The Python form: a pickled dictionary with labels and an array of rows of 3072 pixels.
//!
//! Written by Python 2, whose `str` is bytes; files that a newer Python has loaded and stored again are read as well.

use super::{IMAGE_BYTES, IMAGE_SHAPE, class_of_label};
use crate::Result;
use crate::images::LabeledImages;
use crate::pickle::{self, PickleObject, PickleObjects, PickleValue};
use crate::source::{bad_content_error, unreadable_error};
use std::io::Read;
use surfit_core::data_sets::DataSetSpec;

/// Callables that NumPy's arrays and Python 3's bytes are written with.
fn is_allowed_callable(module: &str, name: &str) -> bool {
    matches!((module, name), ("numpy", "ndarray" | "dtype") | ("_codecs", "encode") | ("collections", "OrderedDict"))
        || is_numpy(module, name, "multiarray", "_reconstruct")
        || is_numpy(module, name, "numeric", "_frombuffer")
}

/// NumPy 2 has renamed its folder `core`.
fn is_numpy(module: &str, name: &str, file: &str, function: &str) -> bool {
    name == function && ["numpy.core.", "numpy._core."].iter().any(|folder| module.strip_prefix(folder) == Some(file))
}

/// Reads a file of `bytes` bytes with its labels under this key.
pub(super) fn read_batch(
    spec: &DataSetSpec,
    key: &str,
    name: &str,
    bytes: usize,
    input: &mut dyn Read,
) -> Result<LabeledImages> {
    let mut content = Vec::new();
    input.take(bytes as u64).read_to_end(&mut content).map_err(|e| unreadable_error(name, &e))?;
    let refuse = |fault: BatchFault| bad_content_error(name, fault);
    let (labels, pixels) = {
        let (objects, root, _) =
            pickle::read(&content, is_allowed_callable).map_err(|refusal| bad_content_error(name, refusal))?;
        let file = PickledBatch { content: &content, objects };
        let labels = file.labels(spec, key, root).map_err(&refuse)?;
        let labels: Vec<u16> =
            labels.iter().enumerate().map(|(i, &label)| class_of_label(spec, name, label, i)).collect::<Result<_>>()?;
        let pixels = file.pixels(root, labels.len()).map_err(&refuse)?;
        (labels, pixels)
    };
    let pixels = match pixels {
        PixelSource::InFile(start) => {
            // The array is in the file as it is: nothing needs a second copy.
            let length = labels.len() * IMAGE_BYTES;
            content.copy_within(start..start + length, 0);
            content.truncate(length);
            content.shrink_to_fit();
            content
        }
        PixelSource::Decoded(pixels) => pixels,
    };
    Ok(LabeledImages { shape: IMAGE_SHAPE, pixels, labels })
}

#[derive(Debug, thiserror::Error)]
enum BatchFault {
    #[error("it does not hold a dictionary")]
    NoDictionary,
    #[error("it has no `{key}`, as {set} should have{hint}")]
    NoLabels { key: String, set: &'static str, hint: String },
    #[error("its `{0}` is not a list of numbers")]
    BadLabels(String),
    #[error("its `data` is not an array of {0}×{IMAGE_BYTES} bytes, one row for each label")]
    BadPixels(usize),
}

enum PixelSource {
    /// In the file, from this byte on.
    InFile(usize),
    /// Decoded from text.
    Decoded(Vec<u8>),
}

struct PickledBatch<'a> {
    content: &'a [u8],
    objects: PickleObjects<'a>,
}

impl PickledBatch<'_> {
    /// True when a value is this text, in any of the ways in which Pythons write it.
    fn is_text(&self, value: PickleValue, text: &str) -> bool {
        match value {
            PickleValue::Text(i) => self.objects.texts[i] == text,
            PickleValue::Bytes(i) => &self.content[self.objects.bytes[i].clone()] == text.as_bytes(),
            other => self.latin1_text(other) == Some(text),
        }
    }

    fn dict_entry(&self, root: PickleValue, key: &str) -> std::result::Result<Option<PickleValue>, BatchFault> {
        let PickleValue::Dict(dict) = root else {
            return Err(BatchFault::NoDictionary);
        };
        let found = self.objects.dicts[dict].iter().find(|(k, _)| self.is_text(*k, key));
        Ok(found.map(|(_, value)| *value))
    }

    fn items(&self, value: PickleValue) -> Option<&[PickleValue]> {
        match value {
            PickleValue::Sequence(i) => Some(&self.objects.sequences[i]),
            _ => None,
        }
    }

    fn object_with_callable(&self, value: PickleValue) -> Option<(PickleObject, (&str, &str))> {
        match value {
            PickleValue::Object(i) => {
                let object = self.objects.objects[i];
                Some((object, self.objects.globals[object.callable]))
            }
            _ => None,
        }
    }

    fn labels(&self, spec: &DataSetSpec, key: &str, root: PickleValue) -> std::result::Result<Vec<i64>, BatchFault> {
        let Some(labels) = self.dict_entry(root, key)? else {
            let other = [("labels", "CIFAR-10"), ("fine_labels", "CIFAR-100")];
            let mut hint = String::new();
            for (other, set) in other {
                if self.dict_entry(root, other)?.is_some() {
                    hint = format!(", but `{other}`, as {set} has");
                }
            }
            return Err(BatchFault::NoLabels { key: key.into(), set: spec.name, hint });
        };
        let number = |value: &PickleValue| match value {
            PickleValue::Int(n) => Some(*n),
            _ => None,
        };
        self.items(labels)
            .and_then(|items| items.iter().map(number).collect::<Option<Vec<i64>>>())
            .filter(|labels| !labels.is_empty())
            .ok_or_else(|| BatchFault::BadLabels(key.into()))
    }

    fn pixels(&self, root: PickleValue, count: usize) -> std::result::Result<PixelSource, BatchFault> {
        let wrong = || BatchFault::BadPixels(count);
        let data = self.dict_entry(root, "data")?.ok_or_else(wrong)?;
        let bytes = match self.object_with_callable(data) {
            None => Some(data),
            Some((object, (module, name))) => {
                if is_numpy(module, name, "multiarray", "_reconstruct") {
                    self.reconstructed_bytes(object, count)
                } else if is_numpy(module, name, "numeric", "_frombuffer") {
                    self.buffer_bytes(object, count)
                } else {
                    Some(data)
                }
            }
        };
        let bytes = bytes.ok_or_else(wrong)?;
        if let PickleValue::Bytes(i) = bytes {
            let range = self.objects.bytes[i].clone();
            return match range.len() == count * IMAGE_BYTES {
                true => Ok(PixelSource::InFile(range.start)),
                false => Err(wrong()),
            };
        }
        match self.latin1_text(bytes).and_then(encode_latin1) {
            Some(pixels) if pixels.len() == count * IMAGE_BYTES => Ok(PixelSource::Decoded(pixels)),
            _ => Err(wrong()),
        }
    }

    /// The bytes of an array that was given `(version, shape, type, is Fortran's order, bytes)` as its state.
    fn reconstructed_bytes(&self, object: PickleObject, count: usize) -> Option<PickleValue> {
        let &[_, shape, kind, PickleValue::Int(0), bytes] = self.items(object.state?)? else {
            return None;
        };
        (self.is_shape(shape, count) && self.is_byte(kind)).then_some(bytes)
    }

    /// The bytes of an array that was made from `(bytes, type, shape, order)`.
    fn buffer_bytes(&self, object: PickleObject, count: usize) -> Option<PickleValue> {
        let &[bytes, kind, shape, order] = &self.objects.sequences[object.arguments][..] else {
            return None;
        };
        (self.is_shape(shape, count) && self.is_byte(kind) && self.is_text(order, "C")).then_some(bytes)
    }

    fn is_shape(&self, shape: PickleValue, count: usize) -> bool {
        self.items(shape) == Some(&[PickleValue::Int(count as i64), PickleValue::Int(IMAGE_BYTES as i64)])
    }

    fn is_byte(&self, kind: PickleValue) -> bool {
        self.object_with_callable(kind).is_some_and(|(object, callable)| {
            let arguments = &self.objects.sequences[object.arguments];
            callable == ("numpy", "dtype") && arguments.first().is_some_and(|&name| self.is_text(name, "u1"))
        })
    }

    /// Bytes that Python 3 has written as text for Python 2, `_codecs.encode(text, 'latin1')`: the text.
    fn latin1_text(&self, value: PickleValue) -> Option<&str> {
        let (object, callable) = self.object_with_callable(value)?;
        let arguments = &self.objects.sequences[object.arguments];
        match arguments[..] {
            [PickleValue::Text(text), PickleValue::Text(encoding)]
                if callable == ("_codecs", "encode") && self.objects.texts[encoding] == "latin1" =>
            {
                Some(self.objects.texts[text])
            }
            _ => None,
        }
    }
}

fn encode_latin1(text: &str) -> Option<Vec<u8>> {
    text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect()
}
