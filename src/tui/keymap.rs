//! Which key does what: the table's keys, changed by the user's `keys.toml`.

use crate::action::{Action, TABLE};
use crate::key::Key;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Keys and actions, both ways.
#[derive(Clone, Debug)]
pub struct Keymap {
    actions: HashMap<Key, Action>,
    keys: Vec<Vec<Key>>,
}

impl Default for Keymap {
    fn default() -> Self {
        let parse = |keys: &[&str]| keys.iter().filter_map(|k| k.parse().ok()).collect();
        Self::of(TABLE.iter().map(|e| parse(e.keys)).collect())
    }
}

impl Keymap {
    fn of(keys: Vec<Vec<Key>>) -> Self {
        let pairs = TABLE
            .iter()
            .zip(&keys)
            .flat_map(|(e, ks)| ks.iter().map(|&k| (k, e.action)));
        Self {
            actions: pairs.collect(),
            keys,
        }
    }

    /// What a key does.
    pub fn action(&self, key: Key) -> Option<Action> {
        self.actions.get(&key).copied()
    }

    /// The keys of an action, the one to show first.
    pub fn keys(&self, action: Action) -> &[Key] {
        let row = TABLE.iter().position(|e| e.action == action);
        row.map_or(&[], |row| self.keys[row].as_slice())
    }

    /// The key of an action as the screen shows it; empty when it has none.
    pub fn shown(&self, action: Action, ascii: bool) -> String {
        self.keys(action)
            .first()
            .map(|k| k.show(ascii))
            .unwrap_or_default()
    }

    /// Where a user's keys are read from.
    pub fn user_file() -> Option<PathBuf> {
        crate::paths::config_folder().map(|f| f.join("keys.toml"))
    }

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
                (
                    map,
                    problems
                        .into_iter()
                        .map(|p| format!("{name}: {p}"))
                        .collect(),
                )
            }
            Err(e) => (
                Self::default(),
                vec![format!("{name}: {e}; the usual keys are used")],
            ),
        }
    }

    /// Reads `action = "key"` or `action = ["key", "key"]`; `[]` takes an action's keys away. A key that the user gives
    /// to one action is taken from the action that has it by default.
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
        let mut chosen: Vec<Option<Vec<Key>>> = vec![None; TABLE.len()];
        let mut owner: HashMap<Key, &str> = HashMap::new();
        for (id, value) in &table {
            let Some(row) = TABLE.iter().position(|e| e.id == id) else {
                let like = "`surfit keys` lists the actions";
                problems.push(format!("there is no action `{id}`; {like}"));
                continue;
            };
            let mut keys = Vec::new();
            for text in words(value, id, &mut problems) {
                match text.parse::<Key>() {
                    Err(why) => problems.push(format!("{id}: {why}")),
                    Ok(key) => match owner.get(&key) {
                        Some(&first) if first != TABLE[row].id => problems.push(format!(
                            "`{key}` is given to both {first} and {id}; {first} keeps it"
                        )),
                        _ => {
                            owner.insert(key, TABLE[row].id);
                            keys.push(key);
                        }
                    },
                }
            }
            chosen[row] = Some(keys);
        }
        let usual = Self::default();
        let rows = chosen.into_iter().zip(usual.keys).map(|(chosen, usual)| {
            chosen.unwrap_or_else(|| {
                usual
                    .into_iter()
                    .filter(|k| !owner.contains_key(k))
                    .collect()
            })
        });
        let map = Self::of(rows.collect());
        if map.keys(Action::Quit).is_empty() && map.keys(Action::Detach).is_empty() {
            problems.push("quit and detach have no key; ctrl-c leaves all the same".into());
        }
        (map, problems)
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
            "{id}: write a key as \"g\", or several as [\"g\", \"ctrl-g\"]"
        ));
    }
    list.into_iter().flatten().collect()
}

/// A line of the key table for people and documentation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRow {
    /// Heading it belongs under.
    pub group: &'static str,
    /// Name for `keys.toml`.
    pub action: &'static str,
    /// Keys, first the one that is shown.
    pub keys: Vec<String>,
    /// What it does.
    pub help: &'static str,
}

/// Every action with the keys it has in `map`, group by group.
pub fn key_rows(map: &Keymap) -> Vec<KeyRow> {
    let row = |e: &crate::action::Entry| KeyRow {
        group: e.group.name(),
        action: e.id,
        keys: map.keys(e.action).iter().map(Key::to_string).collect(),
        help: e.help,
    };
    TABLE.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(s: &str) -> Key {
        s.parse().unwrap()
    }

    #[test]
    fn a_users_key_moves_from_the_action_that_had_it() {
        let (map, problems) =
            Keymap::from_toml("checkpoint = 'p'\nfiner = ['+', 'ctrl-g']\nstop = []");
        assert_eq!(problems, Vec::<String>::new());
        assert_eq!(map.action(key("p")), Some(Action::Checkpoint));
        assert_eq!(map.action(key("c")), None);
        assert_eq!(map.keys(Action::Pause), [key("space")]);
        assert_eq!(map.action(key("ctrl-g")), Some(Action::Finer));
        assert_eq!(map.shown(Action::Stop, false), "");
    }

    #[test]
    fn conflicts_and_what_is_unknown_are_told_in_a_sentence_and_the_rest_is_used() {
        let text = "pause = 'Y'\nstop = 'Y'\nstpo = 'y'\nmark = 'mm'\nhelp = 3\nmodels = 'W'";
        let (map, problems) = Keymap::from_toml(text);
        let all = problems.join("\n");
        assert!(
            all.contains("`Y` is given to both pause and stop; pause keeps it"),
            "{all}"
        );
        assert!(
            all.contains("no action `stpo`") && all.contains("mark: `mm` is no key"),
            "{all}"
        );
        assert!(all.contains("help: write a key as"), "{all}");
        assert_eq!(problems.len(), 4);
        assert_eq!(map.action(key("Y")), Some(Action::Pause));
        assert_eq!(map.action(key("W")), Some(Action::Models));
        let (map, problems) = Keymap::from_toml("pause = ");
        assert!(problems[0].contains("the usual keys are used"));
        assert_eq!(map.action(key("p")), Some(Action::Pause));
    }

    #[test]
    fn every_action_is_in_the_rows_for_people() {
        let rows = key_rows(&Keymap::default());
        for e in TABLE {
            let row = rows.iter().find(|row| row.action == e.id).unwrap();
            assert!(
                row.help == e.help && row.keys.len() == e.keys.len(),
                "{}",
                e.id
            );
        }
    }
}
