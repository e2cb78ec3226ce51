//! The list of runs: asking for it, going to a run, resuming and removing one.

use super::message::MessageKind;
use super::{App, Effect, EngineLink, Overlay, RemoteLine};
use crate::link::RunLine;
use crate::views;
use std::path::{Path, PathBuf};
use surfit_core::protocol::{BridgeRequest, ClientMessage};
use surfit_core::run_state::RunState;
use surfit_core::snapshot::Snapshot;

/// Seconds after which an open list is asked for again.
const RUN_LIST_INTERVAL_SECS: f64 = 2.0;

impl App {
    /// Asks for the list of runs. While nobody can be asked the banner says so, and an open list is renewed after that.
    pub(super) fn request_run_list(&mut self) -> Vec<Effect> {
        if self.remote_line.as_ref().is_some_and(RemoteLine::is_down) {
            return Vec::new();
        }
        self.runs_view.requested_at = self.now;
        vec![Effect::Send(ClientMessage::Bridge(BridgeRequest::Refresh))]
    }

    /// When an open list is asked for again; not while there is nobody to ask.
    pub(super) fn next_run_list_request_at(&self) -> Option<f64> {
        let down = self.remote_line.as_ref().is_some_and(RemoteLine::is_down);
        let open = matches!(self.overlay, Some(Overlay::Runs { .. }));
        (open && !down).then_some(self.runs_view.requested_at + RUN_LIST_INTERVAL_SECS)
    }

    pub(super) fn poll_run_list(&mut self) -> Vec<Effect> {
        match self.next_run_list_request_at() {
            Some(due) if due <= self.now => self.request_run_list(),
            _ => Vec::new(),
        }
    }

    /// Takes in a new list; the run that was chosen stays chosen, wherever it stands now.
    pub(super) fn apply_run_list(&mut self, runs: Vec<RunLine>) {
        let chosen = self.selected_run().map(|r| r.path.clone());
        self.dirty |= self.runs != runs;
        self.runs = runs;
        let shown = views::runs::visible_runs(self);
        let place = chosen.and_then(|path| shown.iter().position(|r| r.path == path));
        if let (Some(place), Some(Overlay::Runs { selected })) = (place, &mut self.overlay) {
            *selected = place;
        }
        self.clamp_overlay();
    }

    /// The run that is chosen in the list.
    pub fn selected_run(&self) -> Option<&RunLine> {
        match self.overlay {
            Some(Overlay::Runs { selected }) => views::runs::visible_runs(self).get(selected).copied(),
            _ => None,
        }
    }

    /// Holds the chosen run against others, or lets it go.
    pub(super) fn toggle_pinned_run(&mut self) {
        let path = self.selected_run().map(|r| r.path.clone());
        let same = self.runs_view.pinned == path;
        self.runs_view.pinned = path.filter(|_| !same);
    }

    /// Goes to the chosen run and starts its engine.
    pub(super) fn resume_run(&mut self) -> Vec<Effect> {
        let Some(line) = self.selected_run().cloned() else {
            return Vec::new();
        };
        self.overlay = None;
        // Should it not open, the run before stays shown, and its engine must not start.
        let path = line.path.clone();
        let mut effects = self.open_run(line);
        effects.push(Effect::Send(ClientMessage::Bridge(BridgeRequest::ResumeEngine(Some(path)))));
        effects
    }

    /// Removes the run that was asked about.
    pub(super) fn remove_run(&mut self, path: Option<PathBuf>) -> Vec<Effect> {
        let Some(path) = path else {
            return Vec::new();
        };
        self.show_message(MessageKind::Info, format!("removing {} …", path.display()));
        vec![Effect::Send(ClientMessage::Bridge(BridgeRequest::RemoveRun(path)))]
    }

    /// It is the run that is shown. Runs in different folders may have the same name.
    pub fn is_shown_run(&self, line: &RunLine) -> bool {
        match &self.run_location {
            Some(place) => place.dir == line.path,
            None => line.id == self.run,
        }
    }

    /// What another run is called on the screen: with the folder that it lies in when the run that is shown, or one over its
    /// curves, has the same name.
    pub(super) fn other_run_label(&self, path: &Path, picture: &RunState) -> String {
        let last = |path: &Path| {
            let name = path.file_name().unwrap_or_default();
            name.to_string_lossy().into_owned()
        };
        let name = picture.info.as_ref().map(|i| i.run.clone());
        let name = name.unwrap_or_else(|| last(path));
        let mut others = self.loss.overlays.iter().filter(|o| o.path != path);
        if name != last(Path::new(&self.run)) && others.all(|o| o.name != name) {
            return name;
        }
        // A copy has the history of another.
        if name != last(path) {
            return last(path);
        }
        match path.parent().map(last).filter(|folder| !folder.is_empty()) {
            Some(folder) => format!("{folder}/{name}"),
            None => name,
        }
    }

    /// Another run comes: what the surface of this one was earlier says nothing about that.
    pub(super) fn clear_earlier_surface(&mut self) {
        self.surface.earlier_surface = None;
        self.surface.comparison.take_if(|b| !b.from_other_run);
    }

    /// The run that lies there is the one that is shown: no longer one of the others that it is held against.
    pub(super) fn clear_self_comparison(&mut self, path: &Path) {
        self.loss.remove_overlay(path);
        if self.followed_runs.compared_surface.as_deref() == Some(path) {
            (self.surface.comparison, self.followed_runs.compared_surface) = (None, None);
        }
    }

    /// Shows another run from now on.
    pub(super) fn open_run(&mut self, line: RunLine) -> Vec<Effect> {
        if self.is_shown_run(&line) && self.is_connected() {
            return Vec::new();
        }
        // What was seen of the other run must not be taken for this one.
        let snapshot = Some(Snapshot::empty(self.degrees(), self.grid()));
        self.run_state = RunState { snapshot, ..RunState::default() };
        self.clear_pending_commands();
        self.clear_earlier_surface();
        self.clear_self_comparison(&line.path);
        self.connection = EngineLink::Connecting;
        (self.cursor_initialised, self.metric_initialised) = (false, false);
        self.awaiting_run_state = true;
        self.show_message(MessageKind::Info, format!("opening {} …", line.id));
        self.run = line.id;
        self.run_location = None;
        vec![Effect::Send(ClientMessage::Bridge(BridgeRequest::OpenRun(line.path)))]
    }
}
