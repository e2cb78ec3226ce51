//! The one table of what can be done: it drives dispatch, footer, help, palette and documentation.

mod availability;
mod scope;
mod table;
mod viewport;

use crate::app::App;
pub(crate) use availability::snapshot_reported;
pub use scope::KeyScope;
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
    Search,
    MeasureMarks,
    ExportMarks,
    ExportEnsemble,
    ExportBest,
    ExportCursor,
    ExportCentroid,
    ExportNames,
    Copy,
    CopyMenu,
    WriteFile,
    Start,
    StartCorners,
    Pause,
    Stop,
    Cancel,
    Fork,
    Queue,
    RateUp,
    RateDown,
    MoreDraws,
    FewerDraws,
    Checkpoint,
    Measure,
    MeasureDistances,
    RaiseU,
    LowerU,
    RaiseV,
    LowerV,
    RefineGrid,
    CoarsenGrid,
    ZoomIn,
    ZoomOut,
    Freeze,
    Metric,
    Numbers,
    Slices,
    Gain,
    Confidence,
    Contours,
    Interpolate,
    Peaks,
    Relief,
    TurnLeft,
    TurnRight,
    TiltUp,
    TiltDown,
    Steeper,
    Flatter,
    ResetView,
    Blocks,
    Comparison,
    CompareRunSurface,
    RangeNarrow,
    RangeWiden,
    RangeRaise,
    RangeLower,
    RangeAuto,
    LogAxis,
    Recent,
    Smooth,
    CornerCurves,
    LossZoomIn,
    LossZoomOut,
    LossZoomAll,
    LossPanLeft,
    LossPanRight,
    LossXAxis,
    LossSmoother,
    LossRougher,
    LossRate,
    CompareRunCurves,
    WritePlots,
    Wider,
    Narrower,
    Taller,
    Shorter,
    Arrange,
    ResetPanes,
    Sidebar,
    Theme,
    Themes,
    Help,
    Palette,
    Log,
    SearchHelp,
    NextHelp,
    PreviousHelp,
    SearchLog,
    FindNext,
    FindPrevious,
    LogTopic,
    LogTimes,
    Machine,
    Image,
    NextImage,
    FilterRuns,
    PinRun,
    ResumeRun,
    RemoveRun,
    Distances,
    PointQuantity,
    SortModels,
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
pub enum ActionGroup {
    /// Stages of the job.
    Job,
    /// The surface's degree, grid and control points.
    Surface,
    /// Choosing and taking models away.
    Models,
    /// What the panes show.
    Show,
    /// Movement of focus and cursor.
    Move,
    /// Help, overlays, the list of runs, and leaving the program.
    Program,
}

impl ActionGroup {
    /// Every group in the order help shows them.
    pub const ALL: [ActionGroup; 6] = [
        ActionGroup::Job,
        ActionGroup::Surface,
        ActionGroup::Models,
        ActionGroup::Move,
        ActionGroup::Show,
        ActionGroup::Program,
    ];

    /// The group's heading.
    pub fn name(self) -> &'static str {
        match self {
            ActionGroup::Job => "The job",
            ActionGroup::Surface => "The surface while it trains",
            ActionGroup::Models => "Models",
            ActionGroup::Show => "What is shown",
            ActionGroup::Move => "Moving about",
            ActionGroup::Program => "The program",
        }
    }
}

/// A line of the table.
pub struct ActionEntry {
    /// Action that the entry describes.
    pub action: Action,
    /// Its name in `keys.toml` and in the palette.
    pub id: &'static str,
    /// Where its keys count.
    pub scope: KeyScope,
    /// Keys it has when the user chose none: `g`, or two in a row, `g l`.
    pub keys: &'static [&'static str],
    /// Group that help lists the action in.
    pub group: ActionGroup,
    /// One or two words for the footer.
    pub label: &'static str,
    /// A line for help and documentation.
    pub help: &'static str,
    /// Place in the footer, 1 first; 0 for none.
    pub footer: u8,
    /// `Ok` when it can be done now, else a sentence that says why not.
    pub availability: fn(&App) -> Result<(), String>,
}

impl Action {
    /// The action's line of the table.
    pub fn entry(self) -> &'static ActionEntry {
        // Every action has a line: a test sees to it.
        TABLE.iter().find(|e| e.action == self).unwrap_or(&TABLE[0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Sequence;
    use std::collections::HashSet;

    #[test]
    fn ids_and_actions_are_there_once_and_default_keys_do_not_clash() {
        let ids: HashSet<_> = TABLE.iter().map(|e| e.id).collect();
        let actions: HashSet<_> = TABLE.iter().map(|e| e.action).collect();
        assert_eq!((ids.len(), actions.len()), (TABLE.len(), TABLE.len()));
        assert_eq!(TABLE.len(), Action::Quit as usize + 1);
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
    fn key_pairs(e: &ActionEntry, other: &ActionEntry) -> Vec<(Sequence, Sequence)> {
        let of = |e: &ActionEntry| -> Vec<Sequence> { e.keys.iter().map(|k| k.parse().unwrap()).collect() };
        let (mine, theirs) = (of(e), of(other));
        let mut all = Vec::new();
        for (n, &a) in mine.iter().enumerate() {
            let until = if e.action == other.action { n } else { theirs.len() };
            all.extend(theirs[..until].iter().map(|&b| (a, b)));
        }
        all
    }
}
