//! What changed between two values of the same kind, so that a line carries only that.

use ciborium::Value;
use serde::{Deserialize, Serialize};

/// The way from one value to the next.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ValueDelta {
    /// Another value altogether.
    #[serde(rename = "w")]
    Whole(Value),
    /// The entries of a map that changed; its keys stay.
    #[serde(rename = "m")]
    Entries(Vec<(Value, ValueDelta)>),
    /// The items of a list that changed; its length stays.
    #[serde(rename = "i")]
    Items(Vec<(usize, ValueDelta)>),
    /// So many items of a list fell off its front, and these came at its end: what recent values do.
    #[serde(rename = "s")]
    Shift(usize, Vec<Value>),
}

/// Longest shift that is looked for.
const MAX_SHIFT: usize = 8;

impl ValueDelta {
    /// The way from `old` to `new`; `None` when they are the same.
    pub fn between(old: &Value, new: &Value) -> Option<Self> {
        match (old, new) {
            (old, new) if old == new => None,
            (Value::Map(old), Value::Map(new)) if old.len() == new.len() && keys(old).eq(keys(new)) => {
                let changed =
                    old.iter().zip(new).filter_map(|((key, a), (_, b))| Some((key.clone(), Self::between(a, b)?)));
                Some(Self::Entries(changed.collect()))
            }
            (Value::Array(old), Value::Array(new)) => Some(Self::between_lists(old, new)),
            (_, new) => Some(Self::Whole(new.clone())),
        }
    }

    fn between_lists(old: &[Value], new: &[Value]) -> Self {
        for gone in 0..=MAX_SHIFT.min(old.len()) {
            let kept = &old[gone..];
            // Without an overlap there is nothing to save.
            if !kept.is_empty() && new.starts_with(kept) {
                return Self::Shift(gone, new[kept.len()..].to_vec());
            }
        }
        if old.len() != new.len() {
            return Self::Whole(Value::Array(new.to_vec()));
        }
        let changed = old.iter().zip(new).enumerate();
        Self::Items(changed.filter_map(|(n, (a, b))| Some((n, Self::between(a, b)?))).collect())
    }

    /// Goes the way from `value`. False, with `value` in no useful state, when the way does not begin there.
    #[must_use]
    pub fn apply(self, value: &mut Value) -> bool {
        match (self, value) {
            (Self::Whole(new), value) => {
                *value = new;
                true
            }
            (Self::Entries(changed), Value::Map(map)) => changed.into_iter().all(|(key, delta)| {
                let entry = map.iter_mut().find(|(k, _)| *k == key);
                entry.is_some_and(|(_, v)| delta.apply(v))
            }),
            (Self::Items(changed), Value::Array(items)) => {
                changed.into_iter().all(|(n, delta)| items.get_mut(n).is_some_and(|v| delta.apply(v)))
            }
            (Self::Shift(gone, new), Value::Array(items)) if gone <= items.len() => {
                items.drain(..gone);
                items.extend(new);
                true
            }
            _ => false,
        }
    }
}

fn keys(map: &[(Value, Value)]) -> impl Iterator<Item = &Value> {
    map.iter().map(|(key, _)| key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use surfit_core::config::Config;
    use surfit_core::heatmap::Cell;
    use surfit_core::snapshot::{ControlPoint, Snapshot};

    fn value(snapshot: &Snapshot) -> Value {
        Value::serialized(snapshot).unwrap()
    }

    fn length(delta: &impl Serialize) -> usize {
        let mut bytes = Vec::new();
        ciborium::into_writer(delta, &mut bytes).unwrap();
        bytes.len()
    }

    fn snapshot() -> Snapshot {
        let mut s = Snapshot::empty(Config::default().degrees(), 41);
        s.control_points = (0..9)
            .map(|n| ControlPoint {
                i: n / 3,
                j: n % 3,
                corner: false,
                frozen: false,
                travelled: 0.1,
                gradient: f64::NAN,
                gradients: (0..32).map(|k| (n * 100 + k) as f32 / 7.0).collect(),
                accuracy: None,
            })
            .collect();
        s
    }

    #[test]
    fn one_cell_and_a_shifted_history_cost_little_and_come_back_whole() {
        let old = snapshot();
        let mut new = old.clone();
        new.heatmap.cells[700] = Cell::from_counts(90, 100, 0.25, 3);
        new.done = 17;
        new.marks.push((0.5, 0.25));
        for point in &mut new.control_points {
            point.gradients.remove(0);
            point.gradients.push(0.125);
        }
        let delta = ValueDelta::between(&value(&old), &value(&new)).unwrap();
        assert!(length(&delta) < 500, "{} of {}", length(&delta), length(&new));
        assert!(length(&new) > 20_000);
        let mut bytes = Vec::new();
        ciborium::into_writer(&delta, &mut bytes).unwrap();
        let delta: ValueDelta = ciborium::from_reader(bytes.as_slice()).unwrap();
        let mut there = value(&old);
        assert!(delta.apply(&mut there));
        assert_eq!(there, value(&new));
        let back: Snapshot = there.deserialized().unwrap();
        assert_eq!(back.heatmap, new.heatmap);
        assert!(back.control_points[0].gradient.is_nan());
        assert_eq!(ValueDelta::between(&value(&new), &value(&new)), None);
    }

    #[test]
    fn a_way_that_begins_elsewhere_is_refused() {
        let delta = ValueDelta::Items(vec![(9, ValueDelta::Whole(Value::Null))]);
        assert!(!delta.apply(&mut Value::Array(vec![Value::Null])));
        assert!(!ValueDelta::Shift(2, Vec::new()).apply(&mut Value::Array(vec![Value::Null])));
        assert!(
            !ValueDelta::Entries(vec![(Value::Null, ValueDelta::Whole(Value::Null))])
                .apply(&mut Value::Map(Vec::new()))
        );
    }

    /// Numbers that look random.
    struct SplitMixRandom(u64);

    impl SplitMixRandom {
        fn below(&mut self, limit: u64) -> u64 {
            self.0 += 1;
            surfit_core::random::derive_seed(7, self.0) % limit
        }

        /// A value of small depth and few kinds, so that two of them are often alike in part.
        fn value(&mut self, depth: u32) -> Value {
            match self.below(if depth == 0 { 3 } else { 5 }) {
                0 => Value::Null,
                1 => Value::Integer(self.below(3).into()),
                2 => Value::Float(self.below(3) as f64 / 4.0),
                3 => Value::Array((0..self.below(5)).map(|_| self.value(depth - 1)).collect()),
                _ => {
                    let count = self.below(4);
                    let entry = |n: u64| (Value::Integer(n.into()), self.value(depth - 1));
                    Value::Map((0..count).map(entry).collect())
                }
            }
        }
    }

    #[test]
    fn the_way_between_any_two_values_leads_there() {
        let mut chance = SplitMixRandom(0);
        for _ in 0..20_000 {
            let (old, new) = (chance.value(3), chance.value(3));
            let mut there = old.clone();
            match ValueDelta::between(&old, &new) {
                Some(delta) => {
                    assert!(delta.clone().apply(&mut there), "{old:?} {new:?} {delta:?}")
                }
                None => assert_eq!(old, new),
            }
            assert_eq!(there, new, "from {old:?}");
        }
    }
}
