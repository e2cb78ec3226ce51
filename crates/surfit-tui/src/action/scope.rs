//! Where an action's keys count: the same letter may mean one thing on the surface and another in the list of runs.

use super::TABLE;
use crate::app::{App, Pane};

/// Where keys count. What is open or has the focus goes before [`KeyScope::Anywhere`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyScope {
    /// In every pane, and over an overlay when the action makes sense there.
    Anywhere,
    /// In the pane or overlay of this name.
    View(&'static str),
}

impl KeyScope {
    /// Every scope that has keys, those of the panes first.
    pub fn all() -> Vec<KeyScope> {
        let mut all: Vec<KeyScope> = Pane::ALL.map(KeyScope::of_pane).into();
        for action in TABLE {
            if !all.contains(&action.scope) {
                all.push(action.scope);
            }
        }
        all
    }

    /// The scope in words: `anywhere`, `loss`, `runs`.
    pub fn name(self) -> &'static str {
        match self {
            KeyScope::Anywhere => "anywhere",
            KeyScope::View(name) => name,
        }
    }

    pub fn of_pane(pane: Pane) -> KeyScope {
        pane.view().scope()
    }

    pub fn of_focus(app: &App) -> KeyScope {
        app.overlay().map_or_else(|| KeyScope::of_pane(app.focus), |overlay| overlay.scope())
    }
}
