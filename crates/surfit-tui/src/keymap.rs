//! Which keys do what: the table's keys, changed by the user's `keys.toml`.

mod key_rows;
#[cfg(test)]
mod tests;
mod user_keys;

pub use key_rows::{KeyRow, key_rows};

use crate::action::{Action, KeyScope, TABLE};
use crate::key::{Key, Sequence};
use std::path::PathBuf;

#[derive(Clone, Debug)]
pub struct Keymap {
    /// The keys of each line of the table.
    keys: Vec<Vec<Sequence>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyLookup {
    Action(&'static Action),
    /// It opens a sequence: one more key decides.
    Prefix,
    Unbound,
}

impl Default for Keymap {
    fn default() -> Self {
        let parse = |keys: &[&str]| keys.iter().filter_map(|k| k.parse().ok()).collect();
        let keys = TABLE.iter().map(|e| parse(e.keys)).collect();
        Self { keys }
    }
}

impl Keymap {
    fn bindings_in(&self, scope: KeyScope) -> impl Iterator<Item = (Sequence, &'static Action)> + '_ {
        TABLE
            .iter()
            .zip(&self.keys)
            .filter(move |(e, _)| e.scope == scope)
            .flat_map(|(e, keys)| keys.iter().map(move |&k| (k, e)))
    }

    /// What `key` means where the keys of `here` count, after `begun` when a sequence is open. What `here` knows goes
    /// before what counts anywhere.
    pub fn lookup(&self, here: KeyScope, begun: Option<Key>, key: Key) -> KeyLookup {
        let sequence = match begun {
            Some(first) => Sequence { first, second: Some(key) },
            None => key.into(),
        };
        for scope in [here, KeyScope::Anywhere] {
            if let Some((_, action)) = self.bindings_in(scope).find(|(s, _)| *s == sequence) {
                return KeyLookup::Action(action);
            }
            if begun.is_none() && self.bindings_in(scope).any(|(s, _)| s.first == key) {
                return KeyLookup::Prefix;
            }
        }
        KeyLookup::Unbound
    }

    /// The keys that can follow `begun` where the keys of `here` count, with what they do, those of `here` first.
    pub fn continuations(&self, here: KeyScope, begun: Key) -> Vec<(Key, &'static Action)> {
        let mut all: Vec<(Key, &'static Action)> = Vec::new();
        for scope in [here, KeyScope::Anywhere] {
            for (sequence, action) in self.bindings_in(scope).filter(|(s, _)| s.first == begun) {
                if let Some(key) = sequence.second
                    && all.iter().all(|(k, _)| *k != key)
                {
                    all.push((key, action));
                }
            }
        }
        all
    }

    /// What `key` does in the scope of another pane or overlay, for those who pressed it in the wrong place.
    pub fn find_in_other_scope(&self, here: KeyScope, key: Key) -> Option<&'static Action> {
        KeyScope::all()
            .into_iter()
            .filter(|&s| s != here && s != KeyScope::Anywhere)
            .flat_map(|s| self.bindings_in(s))
            .find(|(s, _)| *s == key.into())
            .map(|(_, action)| action)
    }

    /// The keys of an action, the one to show first.
    pub fn keys(&self, action: &Action) -> &[Sequence] {
        let row = TABLE.iter().position(|e| e == action);
        row.map_or(&[], |row| self.keys[row].as_slice())
    }

    /// The keys of an action as the screen shows them; empty when it has none.
    pub fn key_label(&self, action: &Action, ascii: bool) -> String {
        self.keys(action).first().map(|k| k.display_label(ascii)).unwrap_or_default()
    }

    pub fn user_file() -> Option<PathBuf> {
        crate::paths::config_folder().map(|f| f.join("keys.toml"))
    }
}
