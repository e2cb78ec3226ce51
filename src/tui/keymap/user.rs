//! The user's `keys.toml`. Every fault is told in a sentence, and what is good of the file is used.

use super::Keymap;
use crate::action::{Action, Entry, Scope, TABLE};
use crate::key::Sequence;
use std::path::Path;

/// A key the user chose, and the line of the table it is for.
type Chosen = (Sequence, usize);

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
            Err(e) => (
                Self::default(),
                vec![format!("{name}: {e}; the usual keys are used")],
            ),
        }
    }

    /// Reads `action = "key"` or `action = ["key", "key"]`, where a key is one or two: `"g"`, `"g l"`; `[]` takes an
    /// action's keys away. A key that the user gives to an action is taken from the action that has it by default: from
    /// every one when it is to count anywhere, else from those of the same scope.
    pub fn from_toml(text: &str) -> (Self, Vec<String>) {
        let table: toml::Table = match text.parse() {
            Ok(table) => table,
            Err(e) => {
                let why = e.to_string();
                return (
                    Self::default(),
                    vec![format!("{}; the usual keys are used", why.trim())],
                );
            }
        };
        let mut problems = Vec::new();
        let mut named = vec![false; TABLE.len()];
        let mut chosen: Vec<Chosen> = Vec::new();
        for (id, value) in &table {
            let Some(row) = TABLE.iter().position(|e| e.id == id) else {
                problems.push(unknown(id));
                continue;
            };
            named[row] = true;
            for text in words(value, id, &mut problems) {
                match text.parse::<Sequence>() {
                    Err(why) => problems.push(format!("{id}: {why}")),
                    Ok(key) => match conflict(&chosen, key, row) {
                        Some(why) => problems.push(why),
                        None if chosen.contains(&(key, row)) => {}
                        None => chosen.push((key, row)),
                    },
                }
            }
        }
        let usual = Self::default().keys;
        let mut keys = vec![Vec::new(); TABLE.len()];
        for &(key, row) in &chosen {
            keys[row].push(key);
        }
        // The first of the user's keys that takes others away, with what it takes.
        let mut taken: Vec<(Chosen, Vec<String>)> = Vec::new();
        for (row, usual) in usual.into_iter().enumerate().filter(|u| !named[u.0]) {
            for key in usual {
                let Some(&by) = chosen.iter().find(|c| meets(**c, key, row)) else {
                    keys[row].push(key);
                    continue;
                };
                // The same key was asked for; that others go with it was not.
                if by.0 != key {
                    let what = format!("`{key}` ({})", TABLE[row].id);
                    match taken.iter_mut().find(|t| t.0 == by) {
                        Some((_, list)) => list.push(what),
                        None => taken.push((by, vec![what])),
                    }
                }
            }
        }
        for ((key, row), list) in taken {
            let (id, list) = (TABLE[row].id, list.join(", "));
            problems.push(format!("`{key}` is {id} now, which takes away {list}"));
        }
        let map = Self { keys };
        if map.keys(Action::Quit).is_empty() && map.keys(Action::Detach).is_empty() {
            problems.push("quit and detach have no key; ctrl-c leaves all the same".into());
        }
        (map, problems)
    }
}

/// What is wrong with giving `key` to the action of line `row`, beside those given before.
fn conflict(chosen: &[Chosen], key: Sequence, row: usize) -> Option<String> {
    let entry = &TABLE[row];
    let (other, first) = chosen
        .iter()
        .find(|(k, r)| *r != row && TABLE[*r].scope == entry.scope && k.clashes(key))
        .map(|(k, r)| (*k, &TABLE[*r]))?;
    let (id, first) = (entry.id, first.id);
    Some(if other == key {
        format!("`{key}` is given to both {first} and {id}; {first} keeps it")
    } else {
        format!("`{key}` for {id} and `{other}` for {first} begin alike; {first} keeps its key")
    })
}

/// True when the user's key leaves no place for a usual key of line `row`.
fn meets((key, by): Chosen, usual: Sequence, row: usize) -> bool {
    let (scope, other): (Scope, &Entry) = (TABLE[by].scope, &TABLE[row]);
    key.clashes(usual) && (scope == Scope::Anywhere || scope == other.scope)
}

/// What to say about a name that no action has.
fn unknown(id: &str) -> String {
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

fn words<'a>(value: &'a toml::Value, id: &str, problems: &mut Vec<String>) -> Vec<&'a str> {
    let one = |v: &'a toml::Value| v.as_str();
    let list = match value {
        toml::Value::Array(list) => list.iter().map(one).collect(),
        other => vec![one(other)],
    };
    if list.iter().any(Option::is_none) {
        problems.push(format!(
            "{id}: write a key as \"g\" or \"g l\", or several as [\"g\", \"ctrl-g\"]"
        ));
    }
    list.into_iter().flatten().collect()
}
