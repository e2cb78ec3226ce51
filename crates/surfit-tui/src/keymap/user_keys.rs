//! The user's `keys.toml`. Every fault is reported in a sentence, and the valid entries are used.

use super::Keymap;
use crate::action::{Action, KeyScope, TABLE};
use crate::key::{Key, Sequence};
use std::path::Path;

/// A key the user chose, and the line of the table it is for.
type ChosenKey = (Sequence, usize);

impl Keymap {
    /// The user's keymap, and a sentence about everything in the file that was not usable; the rest is used.
    pub fn load() -> (Self, Vec<String>) {
        match Self::user_file() {
            Some(path) if path.is_file() => Self::from_file(&path),
            _ => (Self::default(), Vec::new()),
        }
    }

    /// As [`Keymap::load`], from a file of that name.
    pub fn from_file(path: &Path) -> (Self, Vec<String>) {
        let name = path.display();
        match std::fs::read_to_string(path) {
            Ok(text) => {
                let (map, problems) = Self::from_toml(&text);
                let named = problems.into_iter().map(|p| format!("{name}: {p}"));
                (map, named.collect())
            }
            Err(e) => (Self::default(), vec![format!("{name}: {e}; the default keys are used")]),
        }
    }

    /// Reads `action = "key"` or `action = ["key", "key"]`, where a key is one or two: `"g"`, `"g l"`; `[]` takes an
    /// action's keys away. An action none of whose keys can be used keeps its default ones. A key that the user gives to an
    /// action is taken from the action that has it by default: from every one when it is to count anywhere, else from those
    /// of the same scope; that is reported, unless the file gives keys to that action.
    pub fn from_toml(text: &str) -> (Self, Vec<String>) {
        let table: toml::Table = match text.parse() {
            Ok(table) => table,
            Err(e) => {
                let why = e.to_string();
                return (Self::default(), vec![format!("{}; the default keys are used", why.trim())]);
            }
        };
        let (read, mut problems) = UserKeys::of(&table);
        let mut keys = vec![Vec::new(); TABLE.len()];
        for &(key, row) in &read.bindings {
            keys[row].push(key);
        }
        // The user's keys that take others away, each with what it takes.
        let mut taken: Vec<(ChosenKey, Vec<(Sequence, usize)>)> = Vec::new();
        let usual = Self::default().keys;
        for (row, usual) in usual.into_iter().enumerate().filter(|u| !read.configured_rows[u.0]) {
            for key in usual {
                let Some(&by) = read.bindings.iter().find(|c| displaces_default(**c, key, row)) else {
                    keys[row].push(key);
                    continue;
                };
                match taken.iter_mut().find(|t| t.0 == by) {
                    Some((_, list)) => list.push((key, row)),
                    None => taken.push((by, vec![(key, row)])),
                }
            }
        }
        for (by, list) in taken {
            problems.push(describe_displaced_keys(by, &list));
        }
        let map = Self { keys };
        if map.keys(action!("quit")).is_empty() && map.keys(action!("detach")).is_empty() {
            problems.push("quit and detach have no key; ctrl-c still quits".into());
        }
        (map, problems)
    }
}

struct UserKeys {
    /// Its keys that can be used.
    bindings: Vec<ChosenKey>,
    /// For each line of the table whether the file gives its keys.
    configured_rows: Vec<bool>,
}

impl UserKeys {
    /// Reads the file's entries, and reports the invalid ones.
    fn of(table: &toml::Table) -> (Self, Vec<String>) {
        let mut problems = Vec::new();
        let mut read = UserKeys { bindings: Vec::new(), configured_rows: vec![false; TABLE.len()] };
        // First of all the way back, which decides whether others can have its key.
        let back = action!("back").id;
        let mut entries: Vec<(&String, &toml::Value)> = table.iter().collect();
        entries.sort_by_key(|(id, _)| *id != back);
        for (id, value) in entries {
            let Some(row) = TABLE.iter().position(|e| e.id == id || e.former_ids.contains(&id.as_str())) else {
                problems.push(unknown_action_message(id));
                continue;
            };
            let present = TABLE[row].id;
            if present != id && table.contains_key(present) {
                problems.push(format!("`{present}` is given twice; `{id}` is the same, leave it out"));
                continue;
            }
            if present != id {
                problems.push(format!("{id} is now {present}"));
            }
            let before = read.bindings.len();
            let faults = read.read_entry(value, row);
            let used = read.bindings.len() > before;
            let none = value.as_array().is_some_and(Vec::is_empty) && faults.is_empty();
            read.configured_rows[row] = used || none;
            if used || none {
                problems.extend(faults);
            } else {
                let usual = TABLE[row].keys.join(", ");
                let kept = |why| format!("{why}; {id} keeps its default {usual}");
                problems.extend(faults.into_iter().map(kept));
            }
        }
        (read, problems)
    }

    /// Takes the keys of one entry, and reports what is wrong with the others.
    fn read_entry(&mut self, value: &toml::Value, row: usize) -> Vec<String> {
        let id = TABLE[row].id;
        let mut faults = Vec::new();
        let words = key_strings(value, id, &mut faults);
        if TABLE[row] == *action!("back") && words.is_empty() && faults.is_empty() {
            faults.push(format!("{id} cannot be without a key"));
        }
        for text in words {
            match text.parse::<Sequence>() {
                Err(why) => faults.push(format!("{id}: {why}")),
                Ok(key) => match self.find_conflict(key, row) {
                    Some(why) => faults.push(why),
                    None if self.bindings.contains(&(key, row)) => {}
                    None => self.bindings.push((key, row)),
                },
            }
        }
        faults
    }

    /// What is wrong with giving `key` to the action of line `row`, beside those given before.
    fn find_conflict(&self, key: Sequence, row: usize) -> Option<String> {
        let entry = &TABLE[row];
        let id = entry.id;
        let goes_back = |r: usize| TABLE[r] == *action!("back");
        if key == Key::ESC.into() && !goes_back(row) && !self.bindings.iter().any(|c| goes_back(c.1) && c.0 != key) {
            let back = action!("back").id;
            return Some(format!("`{key}` for {id} leaves {back} without a key; give {back} another one first"));
        }
        let (other, first) = self
            .bindings
            .iter()
            .find(|(k, r)| *r != row && TABLE[*r].scope == entry.scope && k.conflicts_with(key))
            .map(|(k, r)| (*k, TABLE[*r].id))?;
        Some(if other == key {
            format!("`{key}` is assigned to both {first} and {id}; {first} keeps it")
        } else {
            format!("`{key}` for {id} and `{other}` for {first} start with the same key; {first} keeps its key")
        })
    }
}

/// That a key takes others away from actions that the file does not mention, and how to accept it.
fn describe_displaced_keys((key, row): ChosenKey, list: &[(Sequence, usize)]) -> String {
    let what = |(key, row): &(Sequence, usize)| format!("`{key}` ({})", TABLE[*row].id);
    let list: Vec<String> = list.iter().map(what).collect();
    format!(
        "`{key}` is {} now, which takes away {}; assign keys to them, or [] for none",
        TABLE[row].id,
        list.join(", ")
    )
}

/// True when the user's key leaves no place for a usual key of line `row`.
fn displaces_default((key, by): ChosenKey, usual: Sequence, row: usize) -> bool {
    let (scope, other): (KeyScope, &Action) = (TABLE[by].scope, &TABLE[row]);
    key.conflicts_with(usual) && (scope == KeyScope::Anywhere || scope == other.scope)
}

fn unknown_action_message(id: &str) -> String {
    let near = TABLE
        .iter()
        .map(|e| (strsim::damerau_levenshtein(e.id, id), e.id))
        .min()
        .filter(|(far, near)| *far <= 1 + near.len() / 4);
    match near {
        Some((_, near)) => format!("there is no action `{id}`; did you mean `{near}`?"),
        None => format!("there is no action `{id}`; `surfit keys` lists the actions"),
    }
}

fn key_strings<'a>(value: &'a toml::Value, id: &str, problems: &mut Vec<String>) -> Vec<&'a str> {
    let one = |v: &'a toml::Value| v.as_str();
    let list = match value {
        toml::Value::Array(list) => list.iter().map(one).collect(),
        other => vec![one(other)],
    };
    if list.iter().any(Option::is_none) {
        problems.push(format!("{id}: write a key as \"g\" or \"g l\", or several as [\"g\", \"ctrl-g\"]"));
    }
    list.into_iter().flatten().collect()
}
