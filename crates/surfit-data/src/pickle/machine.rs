//! The machine that reads pickles, instruction by instruction.

mod calls;

use super::PickleRefusal::Damaged;
use super::{PickleObjects, PickleRefusal, PickleValue};
use std::collections::HashMap;

/// Values that a pickle may make. Each takes more memory than it has bytes in the file.
pub(super) const MAX_VALUES: usize = 8 << 20;

/// A pickle that is being read.
pub(super) struct PickleMachine<'a> {
    all: &'a [u8],
    at: usize,
    allowed: fn(&str, &str) -> bool,
    made: usize,
    stack: Vec<PickleValue>,
    marks: Vec<usize>,
    memo: HashMap<u32, PickleValue>,
    objects: PickleObjects<'a>,
}

type MachineStep<T> = Result<T, PickleRefusal>;

impl<'a> PickleMachine<'a> {
    pub fn new(bytes: &'a [u8], allowed: fn(&str, &str) -> bool) -> Self {
        Self {
            all: bytes,
            at: 0,
            allowed,
            made: 0,
            stack: Vec::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
            objects: PickleObjects::default(),
        }
    }

    /// Carries out every instruction; gives what they made, the result, and the number of bytes that were read.
    pub fn run(mut self) -> MachineStep<(PickleObjects<'a>, PickleValue, usize)> {
        loop {
            if let Some(result) = self.step()? {
                return Ok((self.objects, result, self.at));
            }
        }
    }

    /// Carries out one instruction; gives the result when it was the last.
    fn step(&mut self) -> MachineStep<Option<PickleValue>> {
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
                // A file of nothing but marks must not fill the memory either.
                self.count(1)?;
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
            b'K' => PickleValue::Int(self.bytes(1)?[0].into()),
            b'M' => PickleValue::Int(u16::from_le_bytes(self.array()?).into()),
            b'J' => PickleValue::Int(i32::from_le_bytes(self.array()?).into()),
            0x8a => {
                let len = self.bytes(1)?[0].into();
                self.long(len)?
            }
            0x8b => {
                let len = self.length4()?;
                self.long(len)?
            }
            b'G' => {
                self.bytes(8)?; // a float
                PickleValue::Other
            }
            b'X' => {
                let len = self.length4()?;
                self.text(len)?
            }
            0x8c => {
                let len = self.bytes(1)?[0].into();
                self.text(len)?
            }
            b'U' | b'C' => {
                let len = self.bytes(1)?[0].into();
                self.blob(len)?
            }
            b'T' | b'B' => {
                let len = self.length4()?;
                self.blob(len)?
            }
            0x8e | 0x96 => {
                let len = u64::from_le_bytes(self.array()?);
                self.blob(usize::try_from(len).map_err(|_| Damaged)?)?
            }
            b'q' => return self.memoize_at(|m| Ok(m.bytes(1)?[0].into())),
            b'r' => return self.memoize_at(|m| Ok(u32::from_le_bytes(m.array()?))),
            0x94 => return self.memoize_at(|m| Ok(m.memo.len() as u32)),
            b'h' => {
                let index = self.bytes(1)?[0].into();
                *self.memo.get(&index).ok_or(Damaged)?
            }
            b'j' => {
                let index = u32::from_le_bytes(self.array()?);
                *self.memo.get(&index).ok_or(Damaged)?
            }
            b'}' => self.dict(),
            b']' | b')' => self.sequence(Vec::new()),
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
                self.global(module, name)?
            }
            0x93 => {
                let names = self.last(2)?;
                let text = |value| match value {
                    PickleValue::Text(i) => Ok(self.objects.texts[i]),
                    _ => Err(Damaged),
                };
                let (module, name) = (text(names[0])?, text(names[1])?);
                self.global(module, name)?
            }
            b'Q' => {
                let key = self.pop()?;
                self.persistent(key)
            }
            b'R' | 0x81 => {
                let (arguments, callable) = (self.pop()?, self.pop()?);
                self.call(callable, arguments)?
            }
            0x92 => {
                self.pop()?; // arguments by name
                let (arguments, callable) = (self.pop()?, self.pop()?);
                self.call(callable, arguments)?
            }
            // The instructions of protocols 0 and 1 that later ones have no use for: text up to the end of the line.
            b'I' | b'L' => whole_number(self.line()?),
            b'F' => {
                self.line()?;
                PickleValue::Other
            }
            b'V' => {
                let text = self.line()?;
                // Escapes would make another text of it.
                match text.contains('\\') {
                    true => PickleValue::Other,
                    false => self.text_of(text),
                }
            }
            b'S' => {
                let start = self.at;
                self.quoted(start)?
            }
            b'p' => return self.memoize_at(|m| m.index_line()),
            b'g' => {
                let index = self.index_line()?;
                *self.memo.get(&index).ok_or(Damaged)?
            }
            b'l' => {
                let items = self.since_mark()?;
                self.sequence(items)
            }
            b'd' => {
                let items = self.since_mark()?;
                let dict = self.dict();
                self.stack.push(dict);
                self.set(&items)?;
                self.pop()?
            }
            b'2' => *self.stack.last().ok_or(Damaged)?,
            b'1' => {
                self.since_mark()?;
                return Ok(None);
            }
            // A key as text, which says nothing of what the writer meant.
            b'P' => {
                self.line()?;
                self.persistent(PickleValue::Other)
            }
            b'o' => {
                let mut items = self.since_mark()?;
                if items.is_empty() {
                    return Err(Damaged);
                }
                let callable = items.remove(0);
                let arguments = self.sequence(items);
                self.call(callable, arguments)?
            }
            b'i' => {
                let (module, name) = (self.line()?, self.line()?);
                let callable = self.global(module, name)?;
                let items = self.since_mark()?;
                let arguments = self.sequence(items);
                self.call(callable, arguments)?
            }
            0x8f => PickleValue::Other, // an empty set
            0x90 => {
                self.since_mark()?;
                return self.items_of_an_object();
            }
            0x91 => {
                self.since_mark()?; // a frozen set
                PickleValue::Other
            }
            b'b' => return self.build(),
            _ => return Err(Damaged),
        };
        self.count(1)?;
        self.stack.push(value);
        Ok(None)
    }

    /// Counts values that are made.
    fn count(&mut self, values: usize) -> MachineStep<()> {
        self.made = self.made.saturating_add(values);
        match self.made > MAX_VALUES {
            true => Err(Damaged),
            false => Ok(()),
        }
    }

    fn bytes(&mut self, n: usize) -> MachineStep<&'a [u8]> {
        let bytes = self.all[self.at..].get(..n).ok_or(Damaged)?;
        self.at += n;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self) -> MachineStep<[u8; N]> {
        self.bytes(N)?.try_into().map_err(|_| Damaged)
    }

    fn length4(&mut self) -> MachineStep<usize> {
        Ok(u32::from_le_bytes(self.array()?) as usize)
    }

    fn line(&mut self) -> MachineStep<&'a str> {
        let rest = &self.all[self.at..];
        let end = rest.iter().position(|&b| b == b'\n').ok_or(Damaged)?;
        let line = self.bytes(end + 1)?;
        std::str::from_utf8(&line[..end]).map_err(|_| Damaged)
    }

    /// A little-endian number in two's complement.
    fn long(&mut self, len: usize) -> MachineStep<PickleValue> {
        let bytes = self.bytes(len)?;
        if len > 8 {
            return Ok(PickleValue::Other); // too large for a length; a seed perhaps
        }
        let negative = bytes.last().is_some_and(|b| b & 0x80 != 0);
        let mut full = [if negative { 0xff } else { 0 }; 8];
        full[..len].copy_from_slice(bytes);
        Ok(PickleValue::Int(i64::from_le_bytes(full)))
    }

    fn text(&mut self, len: usize) -> MachineStep<PickleValue> {
        let text = std::str::from_utf8(self.bytes(len)?).map_err(|_| Damaged)?;
        Ok(self.text_of(text))
    }

    fn text_of(&mut self, text: &'a str) -> PickleValue {
        self.objects.texts.push(text);
        PickleValue::Text(self.objects.texts.len() - 1)
    }

    /// A line that is a number in the memo.
    fn index_line(&mut self) -> MachineStep<u32> {
        self.line()?.trim().parse().map_err(|_| Damaged)
    }

    /// A `str` of Python 2 in quotes, from `start` to the end of the line.
    fn quoted(&mut self, start: usize) -> MachineStep<PickleValue> {
        let line = self.line()?;
        let bare = ["'", "\""]
            .iter()
            .find_map(|q| line.strip_prefix(q)?.strip_suffix(q));
        match bare {
            Some(text) if !text.contains('\\') => {
                self.objects.bytes.push(start + 1..start + 1 + text.len());
                Ok(PickleValue::Bytes(self.objects.bytes.len() - 1))
            }
            Some(_) => Ok(PickleValue::Other),
            None => Err(Damaged),
        }
    }

    fn persistent(&mut self, key: PickleValue) -> PickleValue {
        self.objects.persistent.push(key);
        PickleValue::Persistent(self.objects.persistent.len() - 1)
    }

    fn blob(&mut self, len: usize) -> MachineStep<PickleValue> {
        let start = self.at;
        self.bytes(len)?;
        self.objects.bytes.push(start..self.at);
        Ok(PickleValue::Bytes(self.objects.bytes.len() - 1))
    }

    fn sequence(&mut self, items: Vec<PickleValue>) -> PickleValue {
        self.objects.sequences.push(items);
        PickleValue::Sequence(self.objects.sequences.len() - 1)
    }

    fn dict(&mut self) -> PickleValue {
        self.objects.dicts.push(Vec::new());
        PickleValue::Dict(self.objects.dicts.len() - 1)
    }

    fn global(&mut self, module: &'a str, name: &'a str) -> MachineStep<PickleValue> {
        if !(self.allowed)(module, name) {
            return Err(PickleRefusal::Callable(format!("{module}.{name}")));
        }
        self.objects.globals.push((module, name));
        Ok(PickleValue::Global(self.objects.globals.len() - 1))
    }

    fn pop(&mut self) -> MachineStep<PickleValue> {
        Ok(self.last(1)?[0])
    }

    /// The last `n` values, in the order in which they were pushed.
    fn last(&mut self, n: usize) -> MachineStep<Vec<PickleValue>> {
        let floor = self.marks.last().copied().unwrap_or(0);
        match self.stack.len().checked_sub(n) {
            Some(start) if start >= floor => Ok(self.stack.split_off(start)),
            _ => Err(Damaged),
        }
    }

    fn since_mark(&mut self) -> MachineStep<Vec<PickleValue>> {
        let mark = self.marks.pop().ok_or(Damaged)?;
        Ok(self.stack.split_off(mark))
    }

    fn memoize_at(
        &mut self,
        index: impl FnOnce(&mut Self) -> MachineStep<u32>,
    ) -> MachineStep<Option<PickleValue>> {
        let index = index(self)?;
        let value = *self.stack.last().ok_or(Damaged)?;
        self.memo.insert(index, value);
        if self.memo.len() > MAX_VALUES {
            return Err(Damaged);
        }
        Ok(None)
    }

    fn append(&mut self, items: &[PickleValue]) -> MachineStep<Option<PickleValue>> {
        let Some(&PickleValue::Sequence(index)) = self.stack.last() else {
            return self.items_of_an_object();
        };
        self.objects.sequences[index].extend_from_slice(items);
        Ok(None)
    }

    fn set(&mut self, items: &[PickleValue]) -> MachineStep<Option<PickleValue>> {
        if !items.len().is_multiple_of(2) {
            return Err(Damaged);
        }
        let Some(&PickleValue::Dict(index)) = self.stack.last() else {
            return self.items_of_an_object();
        };
        self.objects.dicts[index].extend(items.chunks_exact(2).map(|pair| (pair[0], pair[1])));
        Ok(None)
    }

    /// Items are dropped that would go into an object that was never made.
    fn items_of_an_object(&self) -> MachineStep<Option<PickleValue>> {
        match self.stack.last() {
            Some(PickleValue::Object(_) | PickleValue::Other) => Ok(None),
            _ => Err(Damaged),
        }
    }

    fn build(&mut self) -> MachineStep<Option<PickleValue>> {
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
fn whole_number(line: &str) -> PickleValue {
    let digits = line.trim().trim_end_matches('L');
    digits.parse().map_or(PickleValue::Other, PickleValue::Int)
}
