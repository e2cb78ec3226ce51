//! Other runs that are held against this one: what each was asked for until it is read, and surfaces beside this one's.

use super::message::MessageKind;
use super::{App, Effect, Overlay, Pane};
use crate::action::Action;
use crate::link::RunLine;
use crate::views::surface::SurfaceComparison;
use std::path::{Path, PathBuf};
use surfit_core::protocol::{BridgeRequest, ClientMessage};
use surfit_core::run_state::RunState;

/// What another run is read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CompareMode {
    /// Its loss curve lies over this run's.
    Curves,
    /// Its surface is shown beside this one's.
    Surface,
    /// It was made from this one just now: both.
    Fork,
    /// Another was wanted in its place since.
    Superseded,
}

/// Runs that were asked for and are not here yet.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct PendingComparisons {
    /// The id, or its beginning, of one that is wanted beside this; where it lies the list of runs will tell.
    requested_name: Option<String>,
    /// Those that are being read, the first asked for first.
    loading: Vec<(PathBuf, CompareMode)>,
}

impl App {
    /// Shows another run's surface beside this one's, by its id, the beginning of one, or its directory.
    pub(super) fn compare_with(&mut self, name: &str) -> Vec<Effect> {
        if let Some(line) = self.remote_line.as_ref().filter(|l| l.is_down()) {
            let text = format!("the line to {} is down; nothing can be read there", line.host);
            self.show_message(MessageKind::Hint, text);
            return Vec::new();
        }
        self.show_message(MessageKind::Info, format!("reading {name} …"));
        if name.contains('/') {
            return self.load_other_run(name.into(), CompareMode::Surface);
        }
        self.pending_comparisons.requested_name = Some(name.into());
        self.request_run_list()
    }

    /// Asks for another run.
    pub(super) fn load_other_run(&mut self, path: PathBuf, purpose: CompareMode) -> Vec<Effect> {
        if purpose == CompareMode::Surface {
            // There is room for one.
            let earlier = self.pending_comparisons.loading.iter_mut();
            earlier.filter(|(_, p)| *p == CompareMode::Surface).for_each(|(_, p)| *p = CompareMode::Superseded);
        }
        self.pending_comparisons.loading.push((path.clone(), purpose));
        vec![Effect::Send(ClientMessage::Bridge(BridgeRequest::Load(path)))]
    }

    /// What the run that lies there was asked for, now that its answer is here; curves are what is told unasked.
    fn remove_compare_mode(&mut self, path: &Path) -> CompareMode {
        let place = self.pending_comparisons.loading.iter().position(|(p, _)| p == path);
        place.map_or(CompareMode::Curves, |n| self.pending_comparisons.loading.remove(n).1)
    }

    /// Another run was read.
    pub(super) fn on_run_loaded(&mut self, path: PathBuf, picture: RunState) {
        // It may have become the one that is shown.
        let purpose = self.remove_compare_mode(&path);
        if self.run_location.as_ref().is_some_and(|place| place.dir == path) {
            let text = format!("{} is the run that is shown", path.display());
            return self.show_message(MessageKind::Hint, text);
        }
        match purpose {
            CompareMode::Curves => self.add_compared_curve(path, picture),
            CompareMode::Surface => self.show_surface_comparison(&path, &picture),
            CompareMode::Fork => self.compare_with_fork(path, picture),
            CompareMode::Superseded => {}
        }
    }

    /// Another run could not be read.
    pub(super) fn on_run_load_failed(&mut self, path: &Path, why: String) {
        if self.remove_compare_mode(path) != CompareMode::Superseded {
            self.show_message(MessageKind::Error, why);
        }
    }

    /// Answers to what was asked for will never come.
    pub(super) fn clear_pending_comparisons(&mut self) {
        self.pending_comparisons = PendingComparisons::default();
    }

    /// Shows the run that is chosen in the list; without a list it opens one.
    pub(super) fn compare_selected_surface(&mut self) -> Vec<Effect> {
        let line =
            match self.selected_run_or_open_list(Action::CompareRunSurface, "shows its surface beside this one's") {
                Ok(line) => line,
                Err(effects) => return effects,
            };
        self.load_listed_run(line, CompareMode::Surface)
    }

    /// Reads a run of the list, unless it is the one that is shown.
    pub(super) fn load_listed_run(&mut self, line: RunLine, purpose: CompareMode) -> Vec<Effect> {
        if self.is_shown_run(&line) {
            self.show_message(MessageKind::Hint, format!("{} is the run that is shown", line.id));
            return Vec::new();
        }
        self.show_message(MessageKind::Info, format!("reading {} …", line.id));
        self.load_other_run(line.path, purpose)
    }

    /// The run that is chosen in the list. Without a list it opens one, says what the action's key does there, and gives the
    /// effects of that.
    pub(super) fn selected_run_or_open_list(&mut self, action: Action, does: &str) -> Result<RunLine, Vec<Effect>> {
        if !matches!(self.overlay, Some(Overlay::Runs { .. })) {
            self.overlay = Some(Overlay::runs());
            let key = self.key_label(action);
            self.show_message(MessageKind::Hint, format!("choose a run; {key} {does}"));
            return Err(self.request_run_list());
        }
        self.selected_run().cloned().ok_or_else(Vec::new)
    }

    /// Takes away the surface that is shown beside this one, or shows there this one before its degree changed.
    pub(super) fn toggle_comparison(&mut self) {
        self.surface.comparison = match self.surface.comparison {
            Some(_) => None,
            None => self.surface.earlier_surface.clone(),
        };
    }

    /// Now that the list of runs is here: reads the one that was named.
    pub(super) fn load_requested_comparison(&mut self) -> Vec<Effect> {
        let Some(name) = self.pending_comparisons.requested_name.take() else {
            return Vec::new();
        };
        // A whole id goes before those that only begin so.
        let exact = self.runs.iter().any(|r| r.id == name);
        let called = |r: &&RunLine| match exact {
            true => r.id == name,
            false => r.id.starts_with(&name),
        };
        let mut called = self.runs.iter().filter(called);
        match (called.next().cloned(), called.next()) {
            (Some(_), Some(_)) => {
                let key = self.key_label(Action::CompareRunSurface);
                let what = match exact {
                    true => "several runs are called",
                    false => "several runs' ids begin with",
                };
                self.show_message(
                    MessageKind::Hint,
                    format!("{what} {name}; choose one in the list of runs, {key} shows it"),
                );
                Vec::new()
            }
            (Some(line), None) => self.load_listed_run(line, CompareMode::Surface),
            (None, _) => {
                self.show_message(
                    MessageKind::Hint,
                    format!("there is no run `{name}`; the list of runs shows which there are"),
                );
                Vec::new()
            }
        }
    }

    /// Shows the surface of a run that was read beside this one's.
    fn show_surface_comparison(&mut self, path: &Path, picture: &RunState) {
        let run = self.other_run_label(path, picture);
        let patch = self.degrees().patch();
        match SurfaceComparison::of(run.clone(), true, picture) {
            None => self.show_message(MessageKind::Hint, format!("nothing was measured of {run} yet")),
            Some(other) if other.heatmap.patch != patch => {
                let (theirs, ours) = (other.heatmap.patch.name(), patch.name());
                self.show_message(MessageKind::Hint, format!("{run} is a {theirs}, this run a {ours}"));
            }
            Some(other) => {
                self.show_message(MessageKind::Info, format!("{run} is shown beside this surface"));
                self.surface.comparison = Some(other);
                self.followed_runs.compared_surface = Some(path.to_owned());
                self.overlay = None;
                self.focus_pane(Pane::Surface);
            }
        }
    }
}
