//! Where an action's keys count: the same letter may mean one thing on the surface and another in the list of runs.

use crate::app::{App, Overlay, Pane};

/// Where keys count. What is open or has the focus goes before [`KeyScope::Anywhere`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyScope {
    /// In every pane, and over an overlay when the action makes sense there.
    Anywhere,
    /// The loss pane.
    Loss,
    /// The surface pane.
    Surface,
    /// The pane of control points.
    Points,
    /// The help overlay.
    Help,
    /// The palette; letters are typed there, so only keys without a letter count.
    Palette,
    /// The log overlay.
    Log,
    /// The list of models.
    Models,
    /// The list of runs.
    Runs,
    /// The overlay of the machine's load.
    Machine,
    /// The list of themes.
    Themes,
    /// The overlay of the picture.
    Image,
}

impl KeyScope {
    /// Every scope, in the order help and documentation show them.
    pub const ALL: [KeyScope; 12] = [
        KeyScope::Anywhere,
        KeyScope::Loss,
        KeyScope::Surface,
        KeyScope::Points,
        KeyScope::Help,
        KeyScope::Palette,
        KeyScope::Log,
        KeyScope::Models,
        KeyScope::Runs,
        KeyScope::Machine,
        KeyScope::Themes,
        KeyScope::Image,
    ];

    /// The scope in words: `anywhere`, `loss`, `runs`.
    pub fn name(self) -> &'static str {
        match self {
            KeyScope::Anywhere => "anywhere",
            KeyScope::Loss => "loss",
            KeyScope::Surface => "surface",
            KeyScope::Points => "control points",
            KeyScope::Help => "help",
            KeyScope::Palette => "palette",
            KeyScope::Log => "log",
            KeyScope::Models => "models",
            KeyScope::Runs => "runs",
            KeyScope::Machine => "machine",
            KeyScope::Themes => "themes",
            KeyScope::Image => "picture",
        }
    }

    /// The scope of a pane.
    pub fn of_pane(pane: Pane) -> KeyScope {
        match pane {
            Pane::Loss => KeyScope::Loss,
            Pane::Surface => KeyScope::Surface,
            Pane::Points => KeyScope::Points,
        }
    }

    /// The scope of an overlay.
    pub fn of_overlay(overlay: &Overlay) -> KeyScope {
        match overlay {
            Overlay::Help { .. } => KeyScope::Help,
            Overlay::Palette { .. } => KeyScope::Palette,
            Overlay::Log { .. } => KeyScope::Log,
            Overlay::Models { .. } => KeyScope::Models,
            Overlay::Runs { .. } => KeyScope::Runs,
            Overlay::Machine { .. } => KeyScope::Machine,
            // It has no keys but those of every list.
            Overlay::Text { .. } => KeyScope::Machine,
            Overlay::Themes { .. } => KeyScope::Themes,
            Overlay::Image { .. } => KeyScope::Image,
        }
    }

    /// The scope of what has the keys now.
    pub fn of_focus(app: &App) -> KeyScope {
        match &app.overlay {
            Some(overlay) => KeyScope::of_overlay(overlay),
            None => KeyScope::of_pane(app.focus),
        }
    }

    /// True when keys of this scope can count while those of `here` do.
    pub fn applies_in(self, here: KeyScope) -> bool {
        self == here || self == KeyScope::Anywhere
    }
}
