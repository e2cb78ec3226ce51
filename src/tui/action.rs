//! The one table of what can be done: it drives dispatch, footer, help, palette and documentation.

mod possible;
mod table;

use crate::app::App;
pub use table::TABLE;

/// Something the user can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // The table says what each does, in words the user reads too.
pub enum Action {
    FocusLoss,
    FocusSurface,
    FocusPoints,
    FocusNext,
    FocusPrevious,
    Zoom,
    Back,
    Left,
    Right,
    Up,
    Down,
    First,
    Last,
    NextBest,
    Mark,
    Evaluate,
    ExportBest,
    ExportCursor,
    ExportCentroid,
    Copy,
    Start,
    StartCorners,
    Pause,
    Stop,
    Checkpoint,
    Measure,
    RaiseU,
    LowerU,
    RaiseV,
    LowerV,
    Finer,
    Coarser,
    Freeze,
    Metric,
    Numbers,
    Slices,
    LogAxis,
    Recent,
    Smooth,
    CornerCurves,
    Figures,
    Theme,
    Help,
    Palette,
    Log,
    Models,
    Runs,
    Redraw,
    Resume,
    Detach,
    Suspend,
    Quit,
}

/// What an action has to do with; help is grouped by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Stages of the job.
    Job,
    /// The surface's degree, grid and control points.
    Surface,
    /// Choosing and taking models away.
    Models,
    /// What the panes show.
    Show,
    /// Moving about.
    Move,
    /// The program.
    Program,
}

impl Group {
    /// Every group in the order help shows them.
    pub const ALL: [Group; 6] = [
        Group::Job,
        Group::Surface,
        Group::Models,
        Group::Move,
        Group::Show,
        Group::Program,
    ];

    /// The group's heading.
    pub fn name(self) -> &'static str {
        match self {
            Group::Job => "The job",
            Group::Surface => "The surface while it trains",
            Group::Models => "Models",
            Group::Show => "What is shown",
            Group::Move => "Moving about",
            Group::Program => "The program",
        }
    }
}

/// A line of the table.
pub struct Entry {
    /// The action.
    pub action: Action,
    /// Its name in `keys.toml` and in the palette.
    pub id: &'static str,
    /// Keys it has when the user chose none.
    pub keys: &'static [&'static str],
    /// See [`Group`].
    pub group: Group,
    /// One or two words for the footer.
    pub label: &'static str,
    /// A line for help and documentation.
    pub help: &'static str,
    /// Place in the footer, 1 first; 0 for none.
    pub footer: u8,
    /// `Ok` when it can be done now, else a sentence that says why not.
    pub possible: fn(&App) -> Result<(), String>,
}

impl Action {
    /// The action's line of the table.
    pub fn entry(self) -> &'static Entry {
        // Every action has a line: a test sees to it.
        TABLE.iter().find(|e| e.action == self).unwrap_or(&TABLE[0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn ids_and_actions_are_there_once_and_default_keys_do_not_clash() {
        let ids: HashSet<_> = TABLE.iter().map(|e| e.id).collect();
        let actions: HashSet<_> = TABLE.iter().map(|e| e.action).collect();
        assert_eq!((ids.len(), actions.len()), (TABLE.len(), TABLE.len()));
        assert_eq!(TABLE.len(), Action::Quit as usize + 1);
        let keys: Vec<crate::key::Key> = TABLE
            .iter()
            .flat_map(|e| e.keys)
            .map(|k| k.parse().unwrap())
            .collect();
        assert_eq!(keys.iter().collect::<HashSet<_>>().len(), keys.len());
        for e in TABLE {
            assert!(
                e.label.len() <= 12 && e.help.len() <= 62,
                "{}: {}",
                e.id,
                e.help
            );
        }
    }
}
