//! Where an action's keys count: the same letter may mean one thing on the surface and another in the list of runs.

use crate::app::{App, Overlay, Pane};

/// Where keys count. What is open or has the focus goes before [`Scope::Anywhere`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
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
    Picture,
}

impl Scope {
    /// Every scope, in the order help and documentation show them.
    pub const ALL: [Scope; 12] = [
        Scope::Anywhere,
        Scope::Loss,
        Scope::Surface,
        Scope::Points,
        Scope::Help,
        Scope::Palette,
        Scope::Log,
        Scope::Models,
        Scope::Runs,
        Scope::Machine,
        Scope::Themes,
        Scope::Picture,
    ];

    /// The scope in words: `anywhere`, `loss`, `runs`.
    pub fn name(self) -> &'static str {
        match self {
            Scope::Anywhere => "anywhere",
            Scope::Loss => "loss",
            Scope::Surface => "surface",
            Scope::Points => "control points",
            Scope::Help => "help",
            Scope::Palette => "palette",
            Scope::Log => "log",
            Scope::Models => "models",
            Scope::Runs => "runs",
            Scope::Machine => "machine",
            Scope::Themes => "themes",
            Scope::Picture => "picture",
        }
    }

    /// The scope of a pane.
    pub fn of_pane(pane: Pane) -> Scope {
        match pane {
            Pane::Loss => Scope::Loss,
            Pane::Surface => Scope::Surface,
            Pane::Points => Scope::Points,
        }
    }

    /// The scope of an overlay.
    pub fn of_overlay(overlay: &Overlay) -> Scope {
        match overlay {
            Overlay::Help { .. } => Scope::Help,
            Overlay::Palette { .. } => Scope::Palette,
            Overlay::Log { .. } => Scope::Log,
            Overlay::Models { .. } => Scope::Models,
            Overlay::Runs { .. } => Scope::Runs,
            Overlay::Machine { .. } => Scope::Machine,
            // It has no keys but those of every list.
            Overlay::Text { .. } => Scope::Machine,
            Overlay::Themes { .. } => Scope::Themes,
            Overlay::Picture { .. } => Scope::Picture,
        }
    }

    /// The scope of what has the keys now.
    pub fn here(app: &App) -> Scope {
        match &app.overlay {
            Some(overlay) => Scope::of_overlay(overlay),
            None => Scope::of_pane(app.focus),
        }
    }

    /// True when keys of this scope can count while those of `here` do.
    pub fn counts_in(self, here: Scope) -> bool {
        self == here || self == Scope::Anywhere
    }
}
