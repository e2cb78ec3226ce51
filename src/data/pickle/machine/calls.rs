//! Calls, none of which is made: some give dictionaries, the others objects that say what would have been called.

use super::super::Refusal::Damaged;
use super::super::{Object, Value};
use super::{Machine, Step};

impl Machine<'_> {
    pub(super) fn call(&mut self, callable: Value, arguments: Value) -> Step<Value> {
        let (arguments, callable) = match (arguments, callable) {
            (Value::Sequence(arguments), Value::Global(callable)) => (arguments, callable),
            // A class that the writer keeps elsewhere, with its source.
            (Value::Sequence(arguments), Value::Persistent(key)) => match self.kept_class(key) {
                Some(class) => (arguments, class),
                None => return Ok(Value::Other),
            },
            // What to call would itself have to be made first.
            (Value::Sequence(_), Value::Object(_) | Value::Other) => return Ok(Value::Other),
            _ => return Err(Damaged),
        };
        match self.objects.globals[callable] {
            ("collections", "OrderedDict") if self.objects.sequences[arguments].is_empty() => {
                return Ok(self.dict());
            }
            // Python 2 gives it its entries, as a list of lists of two.
            ("collections", "OrderedDict") => {
                if let Some(dict) = self.ordered_dict(arguments)? {
                    return Ok(dict);
                }
            }
            // Its argument makes what it lacks, and nothing is ever looked up in it.
            ("collections", "defaultdict") => return Ok(self.dict()),
            _ => {}
        }
        self.objects.objects.push(Object {
            callable,
            arguments,
            state: None,
        });
        Ok(Value::Object(self.objects.objects.len() - 1))
    }

    /// The class in the key of what is kept elsewhere.
    fn kept_class(&self, key: usize) -> Option<usize> {
        let Value::Sequence(key) = self.objects.persistent[key] else {
            return None;
        };
        let parts = self.objects.sequences[key].iter().take(2);
        parts.rev().find_map(|part| match part {
            Value::Global(class) => Some(*class),
            _ => None,
        })
    }

    /// The dictionary of these arguments, one list of entries.
    fn ordered_dict(&mut self, arguments: usize) -> Step<Option<Value>> {
        let [Value::Sequence(list)] = self.objects.sequences[arguments][..] else {
            return Ok(None);
        };
        // A list is named in two bytes, however long it is.
        self.count(self.objects.sequences[list].len())?;
        let pair = |value: &Value| match *value {
            Value::Sequence(index) => match self.objects.sequences[index][..] {
                [key, value] => Some((key, value)),
                _ => None,
            },
            _ => None,
        };
        let entries: Option<Vec<_>> = self.objects.sequences[list].iter().map(pair).collect();
        Ok(entries.map(|entries| {
            self.objects.dicts.push(entries);
            Value::Dict(self.objects.dicts.len() - 1)
        }))
    }
}
