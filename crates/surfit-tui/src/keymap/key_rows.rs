//! The keys as a table for people and documentation.

use super::Keymap;
use crate::action::{Action, TABLE};
use crate::key::Sequence;

/// A line of the key table for people and documentation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRow {
    /// Heading it belongs under.
    pub group: &'static str,
    /// Where its keys count: `anywhere`, or the name of a pane or a list.
    pub scope: &'static str,
    /// Name for `keys.toml`.
    pub action: &'static str,
    /// Keys, first the one that is shown.
    pub keys: Vec<String>,
    pub help: &'static str,
}

/// Every action with the keys it has in `map`, group by group.
pub fn key_rows(map: &Keymap) -> Vec<KeyRow> {
    let row = |e: &Action| KeyRow {
        group: e.group.into(),
        scope: e.scope.name(),
        action: e.id,
        keys: map.keys(e).iter().map(Sequence::to_string).collect(),
        help: e.help,
    };
    TABLE.iter().map(row).collect()
}
