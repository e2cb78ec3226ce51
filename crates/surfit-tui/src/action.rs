//! The one table of what can be done: it drives dispatch, footer, help, palette and documentation.

mod availability;
mod scope;
mod table;

use crate::app::{App, Effect};
pub use availability::Unavailable;
pub(crate) use availability::snapshot_reported;
pub use scope::KeyScope;
pub use table::TABLE;

/// What an action has to do with; help is grouped by it, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::EnumIter, strum::IntoStaticStr)]
pub enum ActionGroup {
    Job,
    /// The surface's degree, grid and control points.
    Surface,
    Models,
    #[strum(serialize = "Navigation")]
    Move,
    #[strum(serialize = "View")]
    Show,
    /// Help, overlays, the list of runs, and leaving the program.
    Program,
}

/// Something the user can do: a line of [`TABLE`], known by its id.
pub struct Action {
    /// Its name in `keys.toml`, in the palette and in `action!`.
    pub id: &'static str,
    /// Earlier names that `keys.toml` may still have.
    pub former_ids: &'static [&'static str],
    pub scope: KeyScope,
    /// Its keys count over overlays, too.
    pub in_overlays: bool,
    /// Keys it has when the user chose none: `g`, or two in a row, `g l`.
    pub keys: &'static [&'static str],
    pub group: ActionGroup,
    /// One or two words for the footer.
    pub label: &'static str,
    pub help: &'static str,
    /// Place in the footer, 1 first; 0 for none.
    pub footer: u8,
    pub availability: fn(&App) -> Result<(), Unavailable>,
    /// Does it; only called while it is available.
    pub run: fn(&mut App) -> Vec<Effect>,
}

impl PartialEq for Action {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Action {}

impl std::fmt::Debug for Action {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.id)
    }
}

/// Returns the line of [`TABLE`] with an id. `action!` calls it while the program is compiled, so that an id that is not
/// in the table does not compile.
pub const fn find_action(id: &str) -> &'static Action {
    let mut row = 0;
    while row < TABLE.len() {
        if is_equal(TABLE[row].id.as_bytes(), id.as_bytes()) {
            return &TABLE[row];
        }
        row += 1;
    }
    panic!("no action of the table has this id")
}

const fn is_equal(a: &[u8], b: &[u8]) -> bool {
    let mut n = 0;
    while n < a.len() && n < b.len() && a[n] == b[n] {
        n += 1;
    }
    n == a.len() && n == b.len()
}

/// The action with an id, checked while the program is compiled.
macro_rules! action {
    ($id:literal) => {
        const { $crate::action::find_action($id) }
    };
}

/// What an action of the table may give back: effects, or nothing.
trait IntoEffects {
    fn into_effects(self) -> Vec<Effect>;
}

impl IntoEffects for Vec<Effect> {
    fn into_effects(self) -> Vec<Effect> {
        self
    }
}

impl IntoEffects for () {
    fn into_effects(self) -> Vec<Effect> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Sequence;
    use std::collections::HashSet;

    #[test]
    fn ids_are_there_once_and_default_keys_do_not_clash() {
        let names = || TABLE.iter().flat_map(|e| e.former_ids.iter().copied().chain([e.id]));
        assert_eq!(names().collect::<HashSet<_>>().len(), names().count());
        for (n, e) in TABLE.iter().enumerate() {
            for other in &TABLE[..=n] {
                for (a, b) in key_pairs(e, other) {
                    assert!(
                        e.scope != other.scope || !a.conflicts_with(b),
                        "{}: `{a}` and {}: `{b}` have the same scope and clash",
                        e.id,
                        other.id
                    );
                }
            }
        }
        for e in TABLE {
            assert!(e.label.len() <= 12 && e.help.len() <= 62, "{}: {}", e.id, e.help);
        }
    }
    /// Every key of one line with every key of another, or with those before it of the same line.
    fn key_pairs(e: &Action, other: &Action) -> Vec<(Sequence, Sequence)> {
        let of = |e: &Action| -> Vec<Sequence> { e.keys.iter().map(|k| k.parse().unwrap()).collect() };
        let (mine, theirs) = (of(e), of(other));
        let mut all = Vec::new();
        for (n, &a) in mine.iter().enumerate() {
            let until = if e == other { n } else { theirs.len() };
            all.extend(theirs[..until].iter().map(|&b| (a, b)));
        }
        all
    }
}
