//! Calls, none of which is made: some give dictionaries, the others objects that record what would have been called.

use super::super::PickleRefusal::Damaged;
use super::super::{PickleObject, PickleValue};
use super::{MachineStep, PickleMachine};

impl PickleMachine<'_> {
    pub(super) fn record_call(&mut self, callable: PickleValue, arguments: PickleValue) -> MachineStep<PickleValue> {
        let (arguments, callable) = match (arguments, callable) {
            (PickleValue::Sequence(arguments), PickleValue::Global(callable)) => (arguments, callable),
            // A class that the writer keeps elsewhere, with its source.
            (PickleValue::Sequence(arguments), PickleValue::Persistent(key)) => match self.persistent_class(key) {
                Some(class) => (arguments, class),
                None => return Ok(PickleValue::Other),
            },
            // What to call would itself have to be made first.
            (PickleValue::Sequence(_), PickleValue::Object(_) | PickleValue::Other) => {
                return Ok(PickleValue::Other);
            }
            _ => return Err(Damaged),
        };
        match self.objects.globals[callable] {
            ("collections", "OrderedDict") if self.objects.sequences[arguments].is_empty() => {
                return Ok(self.add_dict());
            }
            // Python 2 gives it its entries, as a list of lists of two.
            ("collections", "OrderedDict") => {
                if let Some(dict) = self.add_ordered_dict(arguments)? {
                    return Ok(dict);
                }
            }
            // Its argument makes what it lacks, and nothing is ever looked up in it.
            ("collections", "defaultdict") => return Ok(self.add_dict()),
            _ => {}
        }
        self.objects.objects.push(PickleObject { callable, arguments, state: None });
        Ok(PickleValue::Object(self.objects.objects.len() - 1))
    }

    /// The class in the key of what is kept elsewhere.
    fn persistent_class(&self, key: usize) -> Option<usize> {
        let PickleValue::Sequence(key) = self.objects.persistent[key] else {
            return None;
        };
        let parts = self.objects.sequences[key].iter().take(2);
        parts.rev().find_map(|part| match part {
            PickleValue::Global(class) => Some(*class),
            _ => None,
        })
    }

    /// The dictionary of these arguments, one list of entries.
    fn add_ordered_dict(&mut self, arguments: usize) -> MachineStep<Option<PickleValue>> {
        let [PickleValue::Sequence(list)] = self.objects.sequences[arguments][..] else {
            return Ok(None);
        };
        // A list is named in two bytes, however long it is.
        self.count_values(self.objects.sequences[list].len())?;
        let pair = |value: &PickleValue| match *value {
            PickleValue::Sequence(index) => match self.objects.sequences[index][..] {
                [key, value] => Some((key, value)),
                _ => None,
            },
            _ => None,
        };
        let entries: Option<Vec<_>> = self.objects.sequences[list].iter().map(pair).collect();
        Ok(entries.map(|entries| {
            self.objects.dicts.push(entries);
            PickleValue::Dict(self.objects.dicts.len() - 1)
        }))
    }
}
