//! The machine that reads pickles, instruction by instruction.

mod calls;

use super::PickleRefusal::Damaged;
use super::{PickleObjects, PickleRefusal, PickleValue};
use std::collections::HashMap;

/// Values that a pickle may make. Each takes more memory than it has bytes in the file.
pub(super) const MAX_VALUES: usize = 8 << 20;

pub(super) struct PickleMachine<'a> {
    input: &'a [u8],
    position: usize,
    allowed: fn(&str, &str) -> bool,
    value_count: usize,
    stack: Vec<PickleValue>,
    marks: Vec<usize>,
    memo: HashMap<u32, PickleValue>,
    objects: PickleObjects<'a>,
}

type MachineStep<T> = Result<T, PickleRefusal>;

impl<'a> PickleMachine<'a> {
    pub fn new(bytes: &'a [u8], allowed: fn(&str, &str) -> bool) -> Self {
        Self {
            input: bytes,
            position: 0,
            allowed,
            value_count: 0,
            stack: Vec::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
            objects: PickleObjects::default(),
        }
    }

    /// Carries out every instruction; gives what they made, the result, and the number of bytes that were read.
    pub fn run(mut self) -> MachineStep<(PickleObjects<'a>, PickleValue, usize)> {
        loop {
            if let Some(result) = self.execute_instruction()? {
                return Ok((self.objects, result, self.position));
            }
        }
    }

    /// Carries out one instruction; gives the result when it was the last.
    fn execute_instruction(&mut self) -> MachineStep<Option<PickleValue>> {
        let value = match self.read_bytes(1)?[0] {
            0x80 => {
                self.read_bytes(1)?; // protocol
                return Ok(None);
            }
            0x95 => {
                self.read_bytes(8)?; // frame
                return Ok(None);
            }
            b'.' => return self.pop().map(Some),
            b'(' => {
                // A file of nothing but marks must not fill the memory either.
                self.count_values(1)?;
                self.marks.push(self.stack.len());
                return Ok(None);
            }
            b'0' => {
                self.pop()?;
                return Ok(None);
            }
            b'N' => PickleValue::Other,
            0x88 => PickleValue::Int(1),
            0x89 => PickleValue::Int(0),
            b'K' => PickleValue::Int(self.read_bytes(1)?[0].into()),
            b'M' => PickleValue::Int(u16::from_le_bytes(self.read_array()?).into()),
            b'J' => PickleValue::Int(i32::from_le_bytes(self.read_array()?).into()),
            0x8a => {
                let len = self.read_bytes(1)?[0].into();
                self.read_long(len)?
            }
            0x8b => {
                let len = self.read_length()?;
                self.read_long(len)?
            }
            b'G' => {
                self.read_bytes(8)?; // a float
                PickleValue::Other
            }
            b'X' => {
                let len = self.read_length()?;
                self.read_text(len)?
            }
            0x8c => {
                let len = self.read_bytes(1)?[0].into();
                self.read_text(len)?
            }
            b'U' | b'C' => {
                let len = self.read_bytes(1)?[0].into();
                self.read_blob(len)?
            }
            b'T' | b'B' => {
                let len = self.read_length()?;
                self.read_blob(len)?
            }
            0x8e | 0x96 => {
                let len = u64::from_le_bytes(self.read_array()?);
                self.read_blob(usize::try_from(len).map_err(|_| Damaged)?)?
            }
            b'q' => return self.memoize_at(|m| Ok(m.read_bytes(1)?[0].into())),
            b'r' => return self.memoize_at(|m| Ok(u32::from_le_bytes(m.read_array()?))),
            0x94 => return self.memoize_at(|m| Ok(m.memo.len() as u32)),
            b'h' => {
                let index = self.read_bytes(1)?[0].into();
                *self.memo.get(&index).ok_or(Damaged)?
            }
            b'j' => {
                let index = u32::from_le_bytes(self.read_array()?);
                *self.memo.get(&index).ok_or(Damaged)?
            }
            b'}' => self.add_dict(),
            b']' | b')' => self.add_sequence(Vec::new()),
            b't' => {
                let items = self.pop_since_mark()?;
                self.add_sequence(items)
            }
            n @ 0x85..=0x87 => {
                let items = self.pop_many(usize::from(n - 0x84))?;
                self.add_sequence(items)
            }
            b'a' => {
                let items = self.pop_many(1)?;
                return self.append_items(&items);
            }
            b'e' => {
                let items = self.pop_since_mark()?;
                return self.append_items(&items);
            }
            b's' => {
                let items = self.pop_many(2)?;
                return self.set_items(&items);
            }
            b'u' => {
                let items = self.pop_since_mark()?;
                return self.set_items(&items);
            }
            b'c' => {
                let (module, name) = (self.read_line()?, self.read_line()?);
                self.add_global(module, name)?
            }
            0x93 => {
                let names = self.pop_many(2)?;
                let text = |value| match value {
                    PickleValue::Text(i) => Ok(self.objects.texts[i]),
                    _ => Err(Damaged),
                };
                let (module, name) = (text(names[0])?, text(names[1])?);
                self.add_global(module, name)?
            }
            b'Q' => {
                let key = self.pop()?;
                self.add_persistent(key)
            }
            b'R' | 0x81 => {
                let (arguments, callable) = (self.pop()?, self.pop()?);
                self.record_call(callable, arguments)?
            }
            0x92 => {
                self.pop()?; // arguments by name
                let (arguments, callable) = (self.pop()?, self.pop()?);
                self.record_call(callable, arguments)?
            }
            // The instructions of protocols 0 and 1 that later ones have no use for: text up to the end of the line.
            b'I' | b'L' => parse_number(self.read_line()?),
            b'F' => {
                self.read_line()?;
                PickleValue::Other
            }
            b'V' => {
                let text = self.read_line()?;
                // Escapes would make another text of it.
                match text.contains('\\') {
                    true => PickleValue::Other,
                    false => self.add_text(text),
                }
            }
            b'S' => {
                let start = self.position;
                self.read_quoted(start)?
            }
            b'p' => return self.memoize_at(|m| m.read_index_line()),
            b'g' => {
                let index = self.read_index_line()?;
                *self.memo.get(&index).ok_or(Damaged)?
            }
            b'l' => {
                let items = self.pop_since_mark()?;
                self.add_sequence(items)
            }
            b'd' => {
                let items = self.pop_since_mark()?;
                let dict = self.add_dict();
                self.stack.push(dict);
                self.set_items(&items)?;
                self.pop()?
            }
            b'2' => *self.stack.last().ok_or(Damaged)?,
            b'1' => {
                self.pop_since_mark()?;
                return Ok(None);
            }
            // A key as text, which does not show what the writer meant.
            b'P' => {
                self.read_line()?;
                self.add_persistent(PickleValue::Other)
            }
            b'o' => {
                let mut items = self.pop_since_mark()?;
                if items.is_empty() {
                    return Err(Damaged);
                }
                let callable = items.remove(0);
                let arguments = self.add_sequence(items);
                self.record_call(callable, arguments)?
            }
            b'i' => {
                let (module, name) = (self.read_line()?, self.read_line()?);
                let callable = self.add_global(module, name)?;
                let items = self.pop_since_mark()?;
                let arguments = self.add_sequence(items);
                self.record_call(callable, arguments)?
            }
            0x8f => PickleValue::Other, // an empty set
            0x90 => {
                self.pop_since_mark()?;
                return self.drop_object_items();
            }
            0x91 => {
                self.pop_since_mark()?; // a frozen set
                PickleValue::Other
            }
            b'b' => return self.set_state(),
            _ => return Err(Damaged),
        };
        self.count_values(1)?;
        self.stack.push(value);
        Ok(None)
    }

    fn count_values(&mut self, values: usize) -> MachineStep<()> {
        self.value_count = self.value_count.saturating_add(values);
        match self.value_count > MAX_VALUES {
            true => Err(Damaged),
            false => Ok(()),
        }
    }

    fn read_bytes(&mut self, n: usize) -> MachineStep<&'a [u8]> {
        let bytes = self.input[self.position..].get(..n).ok_or(Damaged)?;
        self.position += n;
        Ok(bytes)
    }

    fn read_array<const N: usize>(&mut self) -> MachineStep<[u8; N]> {
        self.read_bytes(N)?.try_into().map_err(|_| Damaged)
    }

    fn read_length(&mut self) -> MachineStep<usize> {
        Ok(u32::from_le_bytes(self.read_array()?) as usize)
    }

    fn read_line(&mut self) -> MachineStep<&'a str> {
        let rest = &self.input[self.position..];
        let end = rest.iter().position(|&b| b == b'\n').ok_or(Damaged)?;
        let line = self.read_bytes(end + 1)?;
        std::str::from_utf8(&line[..end]).map_err(|_| Damaged)
    }

    /// A little-endian number in two's complement.
    fn read_long(&mut self, len: usize) -> MachineStep<PickleValue> {
        let bytes = self.read_bytes(len)?;
        if len > 8 {
            return Ok(PickleValue::Other); // too large for a length; a seed perhaps
        }
        let negative = bytes.last().is_some_and(|b| b & 0x80 != 0);
        let mut full = [if negative { 0xff } else { 0 }; 8];
        full[..len].copy_from_slice(bytes);
        Ok(PickleValue::Int(i64::from_le_bytes(full)))
    }

    fn read_text(&mut self, len: usize) -> MachineStep<PickleValue> {
        let text = std::str::from_utf8(self.read_bytes(len)?).map_err(|_| Damaged)?;
        Ok(self.add_text(text))
    }

    fn add_text(&mut self, text: &'a str) -> PickleValue {
        self.objects.texts.push(text);
        PickleValue::Text(self.objects.texts.len() - 1)
    }

    /// A line that is a number in the memo.
    fn read_index_line(&mut self) -> MachineStep<u32> {
        self.read_line()?.trim().parse().map_err(|_| Damaged)
    }

    /// A `str` of Python 2 in quotes, from `start` to the end of the line.
    fn read_quoted(&mut self, start: usize) -> MachineStep<PickleValue> {
        let line = self.read_line()?;
        let bare = ["'", "\""].iter().find_map(|q| line.strip_prefix(q)?.strip_suffix(q));
        match bare {
            Some(text) if !text.contains('\\') => {
                self.objects.bytes.push(start + 1..start + 1 + text.len());
                Ok(PickleValue::Bytes(self.objects.bytes.len() - 1))
            }
            Some(_) => Ok(PickleValue::Other),
            None => Err(Damaged),
        }
    }

    fn add_persistent(&mut self, key: PickleValue) -> PickleValue {
        self.objects.persistent.push(key);
        PickleValue::Persistent(self.objects.persistent.len() - 1)
    }

    fn read_blob(&mut self, len: usize) -> MachineStep<PickleValue> {
        let start = self.position;
        self.read_bytes(len)?;
        self.objects.bytes.push(start..self.position);
        Ok(PickleValue::Bytes(self.objects.bytes.len() - 1))
    }

    fn add_sequence(&mut self, items: Vec<PickleValue>) -> PickleValue {
        self.objects.sequences.push(items);
        PickleValue::Sequence(self.objects.sequences.len() - 1)
    }

    fn add_dict(&mut self) -> PickleValue {
        self.objects.dicts.push(Vec::new());
        PickleValue::Dict(self.objects.dicts.len() - 1)
    }

    fn add_global(&mut self, module: &'a str, name: &'a str) -> MachineStep<PickleValue> {
        if !(self.allowed)(module, name) {
            return Err(PickleRefusal::Callable(format!("{module}.{name}")));
        }
        self.objects.globals.push((module, name));
        Ok(PickleValue::Global(self.objects.globals.len() - 1))
    }

    fn pop(&mut self) -> MachineStep<PickleValue> {
        Ok(self.pop_many(1)?[0])
    }

    /// The last `n` values, in the order in which they were pushed.
    fn pop_many(&mut self, n: usize) -> MachineStep<Vec<PickleValue>> {
        let floor = self.marks.last().copied().unwrap_or(0);
        match self.stack.len().checked_sub(n) {
            Some(start) if start >= floor => Ok(self.stack.split_off(start)),
            _ => Err(Damaged),
        }
    }

    fn pop_since_mark(&mut self) -> MachineStep<Vec<PickleValue>> {
        let mark = self.marks.pop().ok_or(Damaged)?;
        Ok(self.stack.split_off(mark))
    }

    fn memoize_at(&mut self, index: impl FnOnce(&mut Self) -> MachineStep<u32>) -> MachineStep<Option<PickleValue>> {
        let index = index(self)?;
        let value = *self.stack.last().ok_or(Damaged)?;
        self.memo.insert(index, value);
        if self.memo.len() > MAX_VALUES {
            return Err(Damaged);
        }
        Ok(None)
    }

    fn append_items(&mut self, items: &[PickleValue]) -> MachineStep<Option<PickleValue>> {
        let Some(&PickleValue::Sequence(index)) = self.stack.last() else {
            return self.drop_object_items();
        };
        self.objects.sequences[index].extend_from_slice(items);
        Ok(None)
    }

    fn set_items(&mut self, items: &[PickleValue]) -> MachineStep<Option<PickleValue>> {
        if !items.len().is_multiple_of(2) {
            return Err(Damaged);
        }
        let Some(&PickleValue::Dict(index)) = self.stack.last() else {
            return self.drop_object_items();
        };
        self.objects.dicts[index].extend(items.chunks_exact(2).map(|pair| (pair[0], pair[1])));
        Ok(None)
    }

    /// Items are dropped that would go into an object that was never made.
    fn drop_object_items(&self) -> MachineStep<Option<PickleValue>> {
        match self.stack.last() {
            Some(PickleValue::Object(_) | PickleValue::Other) => Ok(None),
            _ => Err(Damaged),
        }
    }

    fn set_state(&mut self) -> MachineStep<Option<PickleValue>> {
        let state = self.pop()?;
        match self.stack.last() {
            // Attributes of an OrderedDict: PyTorch keeps versions of modules there.
            Some(PickleValue::Dict(_) | PickleValue::Other) => Ok(None),
            Some(&PickleValue::Object(index)) => {
                self.objects.objects[index].state = Some(state);
                Ok(None)
            }
            _ => Err(Damaged),
        }
    }
}

/// A number as protocols 0 and 1 write it; truth values are `00` and `01`.
fn parse_number(line: &str) -> PickleValue {
    let digits = line.trim().trim_end_matches('L');
    digits.parse().map_or(PickleValue::Other, PickleValue::Int)
}
