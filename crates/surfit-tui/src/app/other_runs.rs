//! Other runs: listing, opening and removing them, and comparing them with the shown run.

use super::message::MessageKind;
use super::{App, Effect, EngineLink, Pane, RemoteLine};
use crate::action::Action;
use crate::layout::ScreenLayout;
use crate::link::RunLine;
use crate::views;
use crate::views::loss::ComparedCurve;
use crate::views::runs::RunsOverlay;
use crate::views::surface::SurfaceComparison;
use std::path::{Path, PathBuf};
use surfit_core::event::Envelope;
use surfit_core::protocol::{BridgeRequest, ClientMessage};
use surfit_core::run_state::RunState;
use surfit_core::snapshot::Snapshot;

/// Seconds after which an open list is requested again.
const RUN_LIST_INTERVAL_SECS: f64 = 2.0;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CompareMode {
    Curves,
    Surface,
    /// It was made from this one just now: both.
    Fork,
    /// Another was wanted in its place since.
    Superseded,
}

/// Runs that were requested and have not arrived yet.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct PendingComparisons {
    /// The id, or its beginning, of one that is wanted beside this; its directory comes with the list of runs.
    requested_name: Option<String>,
    /// Those that are being read, in the order of the requests.
    loading: Vec<(PathBuf, CompareMode)>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct FollowedRuns {
    pub requested: Vec<PathBuf>,
    pub compared_surface: Option<PathBuf>,
}

/// The list of runs, going to one, and removing one.
impl App {
    /// Requests the list of runs. Without a connection the banner shows it, and an open list is renewed after that.
    pub(super) fn request_run_list(&mut self) -> Vec<Effect> {
        if self.remote_line.as_ref().is_some_and(RemoteLine::is_down) {
            return Vec::new();
        }
        self.runs_view.requested_at = self.now;
        vec![Effect::Send(ClientMessage::Bridge(BridgeRequest::Refresh))]
    }

    /// When an open list is requested again; `None` while there is no connection.
    pub(super) fn next_run_list_request_at(&self) -> Option<f64> {
        let down = self.remote_line.as_ref().is_some_and(RemoteLine::is_down);
        let open = self.view::<RunsOverlay>().is_some();
        (open && !down).then_some(self.runs_view.requested_at + RUN_LIST_INTERVAL_SECS)
    }

    pub(super) fn poll_run_list(&mut self) -> Vec<Effect> {
        match self.next_run_list_request_at() {
            Some(due) if due <= self.now => self.request_run_list(),
            _ => Vec::new(),
        }
    }

    /// Takes in a new list; the run that was chosen stays chosen, wherever it is now.
    pub(super) fn apply_run_list(&mut self, runs: Vec<RunLine>) {
        let chosen = self.selected_run().map(|r| r.path.clone());
        self.dirty |= self.runs != runs;
        self.runs = runs;
        let shown = views::runs::visible_runs(self);
        let place = chosen.and_then(|path| shown.iter().position(|r| r.path == path));
        if let Some(place) = place {
            self.edit_view(|list: &mut RunsOverlay, _| list.selected = place);
        }
        self.clamp_views();
    }

    pub fn selected_run(&self) -> Option<&RunLine> {
        views::runs::visible_runs(self).get(self.view::<RunsOverlay>()?.selected).copied()
    }

    /// Compares metrics with the chosen run, or no longer.
    pub(crate) fn toggle_pinned_run(&mut self) {
        let path = self.selected_run().map(|r| r.path.clone());
        let same = self.runs_view.pinned == path;
        self.runs_view.pinned = path.filter(|_| !same);
    }

    /// Goes to the chosen run and starts its engine.
    pub(crate) fn resume_run(&mut self) -> Vec<Effect> {
        let Some(line) = self.selected_run().cloned() else {
            return Vec::new();
        };
        self.close_overlays();
        // Should it not open, the run before stays shown, and its engine must not start.
        let path = line.path.clone();
        let mut effects = self.open_run(line);
        effects.push(Effect::Send(ClientMessage::Bridge(BridgeRequest::ResumeEngine(Some(path)))));
        effects
    }

    pub(super) fn remove_run(&mut self, path: PathBuf) -> Vec<Effect> {
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

    /// The label of another run on the screen: with its parent folder when the run that is shown, or one over its
    /// curves, has the same name.
    pub(super) fn other_run_label(&self, path: &Path, run_state: &RunState) -> String {
        let last = |path: &Path| {
            let name = path.file_name().unwrap_or_default();
            name.to_string_lossy().into_owned()
        };
        let name = run_state.info.as_ref().map(|i| i.run.clone());
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

    /// Another run comes: earlier surfaces of this one do not belong to it.
    pub(super) fn clear_earlier_surface(&mut self) {
        self.surface.earlier_surface = None;
        self.surface.comparison.take_if(|b| !b.from_other_run);
    }

    /// The run in that directory is now the shown run: it is removed from the compared runs.
    pub(super) fn clear_self_comparison(&mut self, path: &Path) {
        self.loss.remove_overlay(path);
        if self.followed_runs.compared_surface.as_deref() == Some(path) {
            (self.surface.comparison, self.followed_runs.compared_surface) = (None, None);
        }
    }

    pub(crate) fn open_run(&mut self, line: RunLine) -> Vec<Effect> {
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

    pub(crate) fn toggle_run_list(&mut self) -> Vec<Effect> {
        self.toggle_overlay(RunsOverlay::default());
        self.request_run_list()
    }
}

impl App {
    /// Shows another run's surface beside this one's, by its id, the beginning of one, or its directory.
    pub(super) fn compare_with(&mut self, name: &str) -> Vec<Effect> {
        if let Some(line) = self.remote_line.as_ref().filter(|l| l.is_down()) {
            let text = format!("the connection to {} is down; nothing can be read there", line.host);
            return self.show_hint(text);
        }
        self.show_message(MessageKind::Info, format!("reading {name} …"));
        if name.contains('/') {
            return self.load_other_run(name.into(), CompareMode::Surface);
        }
        self.pending_comparisons.requested_name = Some(name.into());
        self.request_run_list()
    }

    pub(super) fn load_other_run(&mut self, path: PathBuf, purpose: CompareMode) -> Vec<Effect> {
        if purpose == CompareMode::Surface {
            // Only one is shown.
            let earlier = self.pending_comparisons.loading.iter_mut();
            earlier.filter(|(_, p)| *p == CompareMode::Surface).for_each(|(_, p)| *p = CompareMode::Superseded);
        }
        self.pending_comparisons.loading.push((path.clone(), purpose));
        vec![Effect::Send(ClientMessage::Bridge(BridgeRequest::Load(path)))]
    }

    /// Purpose of the request for the run in that directory, now answered; curves also arrive without a request.
    fn remove_compare_mode(&mut self, path: &Path) -> CompareMode {
        let place = self.pending_comparisons.loading.iter().position(|(p, _)| p == path);
        place.map_or(CompareMode::Curves, |n| self.pending_comparisons.loading.remove(n).1)
    }

    pub(super) fn on_run_loaded(&mut self, path: PathBuf, run_state: RunState) {
        // It may have become the one that is shown.
        let purpose = self.remove_compare_mode(&path);
        if self.run_location.as_ref().is_some_and(|place| place.dir == path) {
            let text = format!("{} is the run that is shown", path.display());
            return self.show_message(MessageKind::Hint, text);
        }
        match purpose {
            CompareMode::Curves => self.add_compared_curve(path, run_state),
            CompareMode::Surface => self.show_surface_comparison(&path, &run_state),
            CompareMode::Fork => self.compare_with_fork(path, run_state),
            CompareMode::Superseded => {}
        }
    }

    pub(super) fn on_run_load_failed(&mut self, path: &Path, why: String) {
        if self.remove_compare_mode(path) != CompareMode::Superseded {
            self.show_message(MessageKind::Error, why);
        }
    }

    pub(super) fn clear_pending_comparisons(&mut self) {
        self.pending_comparisons = PendingComparisons::default();
    }

    /// Shows the run that is chosen in the list; without a list it opens one.
    pub(crate) fn compare_selected_surface(&mut self) -> Vec<Effect> {
        let line = match self.selected_run_or_open_list(action!("beside-run"), "compares its surface with this one") {
            Ok(line) => line,
            Err(effects) => return effects,
        };
        self.load_listed_run(line, CompareMode::Surface)
    }

    /// Reads a run of the list, unless it is the one that is shown.
    pub(super) fn load_listed_run(&mut self, line: RunLine, purpose: CompareMode) -> Vec<Effect> {
        if self.is_shown_run(&line) {
            return self.show_hint(format!("{} is the run that is shown", line.id));
        }
        self.show_message(MessageKind::Info, format!("reading {} …", line.id));
        self.load_other_run(line.path, purpose)
    }

    /// The run that is chosen in the list. Without a list it opens one with a hint on the action's key, and gives the resulting
    /// effects.
    pub(super) fn selected_run_or_open_list(&mut self, action: &Action, does: &str) -> Result<RunLine, Vec<Effect>> {
        if self.view::<RunsOverlay>().is_none() {
            self.open_overlay(RunsOverlay::default());
            let key = self.key_label(action);
            self.show_message(MessageKind::Hint, format!("select a run; {key} {does}"));
            return Err(self.request_run_list());
        }
        self.selected_run().cloned().ok_or_else(Vec::new)
    }

    /// Takes away the surface that is shown beside this one, or shows there this one before its degree changed.
    pub(crate) fn toggle_comparison(&mut self) {
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
                let key = self.key_label(action!("beside-run"));
                let what = match exact {
                    true => "several runs are called",
                    false => "several runs' ids begin with",
                };
                self.show_hint(format!("{what} {name}; choose one in the list of runs, {key} shows it"))
            }
            (Some(line), None) => self.load_listed_run(line, CompareMode::Surface),
            (None, _) => self.show_hint(format!("no run `{name}`; open the list of runs to see them all")),
        }
    }

    fn show_surface_comparison(&mut self, path: &Path, run_state: &RunState) {
        let run = self.other_run_label(path, run_state);
        let patch = self.degrees().patch();
        match SurfaceComparison::of(run.clone(), true, run_state) {
            None => self.show_message(MessageKind::Hint, format!("{run} has no measured cells yet")),
            Some(other) if other.heatmap.patch != patch => {
                let (theirs, ours) = (other.heatmap.patch.name(), patch.name());
                self.show_message(MessageKind::Hint, format!("{run} is a {theirs}, this run a {ours}"));
            }
            Some(other) => {
                self.show_message(MessageKind::Info, format!("comparing with {run}"));
                self.surface.comparison = Some(other);
                self.followed_runs.compared_surface = Some(path.to_owned());
                self.close_overlays();
                self.focus_pane(Pane::Surface);
            }
        }
    }

    /// Lays the chosen run's curve over this one's, or takes it away. Without a list of runs it opens one.
    pub(crate) fn toggle_curve_comparison(&mut self) -> Vec<Effect> {
        let line = match self.selected_run_or_open_list(action!("loss-overlay"), "overlays its loss curve") {
            Ok(line) => line,
            Err(effects) => return effects,
        };
        if self.loss.remove_overlay(&line.path) {
            self.show_message(MessageKind::Info, format!("removed the loss curve of {}", line.id));
            return Vec::new();
        }
        self.load_listed_run(line, CompareMode::Curves)
    }

    pub(in crate::app) fn add_compared_curve(&mut self, path: PathBuf, run_state: RunState) {
        let name = self.other_run_label(&path, &run_state);
        let run = ComparedCurve { name: name.clone(), path, run_state };
        match self.loss.add_overlay(run) {
            Ok(()) => self.show_message(MessageKind::Info, format!("overlaid the loss curve of {name}")),
            Err(error) => self.show_message(MessageKind::Hint, error.to_string()),
        }
    }
}

/// Runs that are followed while they are on the screen.
impl App {
    /// Subscribes to the growth of the other runs on the screen, when these have changed.
    pub(super) fn update_followed_runs(&mut self) -> Option<Effect> {
        let foreign = self.surface.comparison.as_ref().is_some_and(|b| b.from_other_run);
        if !foreign {
            self.followed_runs.compared_surface = None;
        }
        let nobody = self.loss.overlays.is_empty() && !foreign;
        let down = self.remote_line.as_ref().is_some_and(|l| l.is_down());
        if down || nobody && self.followed_runs.requested.is_empty() {
            return None;
        }
        let wanted = self.visible_other_runs();
        let paths: Vec<PathBuf> = wanted.iter().map(|w| w.0.clone()).collect();
        if paths == self.followed_runs.requested {
            return None;
        }
        self.followed_runs.requested = paths;
        Some(Effect::Send(ClientMessage::Bridge(BridgeRequest::Watch(wanted))))
    }

    /// Other runs that are seen now, with the last event that is known of each.
    fn visible_other_runs(&self) -> Vec<(PathBuf, u64)> {
        let screen = ScreenLayout::of(self);
        let seen = |pane| !screen.is_too_small() && screen.panes.iter().any(|p| p.0 == pane);
        let mut out = Vec::new();
        if seen(Pane::Loss) {
            let overlays = self.loss.overlays.iter();
            out.extend(overlays.map(|o| (o.path.clone(), o.run_state.seq)));
        }
        if let Some(path) = self.followed_runs.compared_surface.as_ref().filter(|_| seen(Pane::Surface))
            && out.iter().all(|o| o.0 != *path)
        {
            // Of a surface the measured state is wanted, not what happened.
            out.push((path.clone(), u64::MAX));
        }
        out
    }

    pub(super) fn apply_run_growth(&mut self, path: &Path, events: &[Envelope], snapshot: Option<Box<Snapshot>>) {
        let overlay = self.loss.overlays.iter_mut().find(|o| o.path == path);
        if let Some(overlay) = overlay.filter(|_| !events.is_empty()) {
            events.iter().for_each(|e| overlay.run_state.apply(e));
            self.dirty = true;
        }
        let patch = self.degrees().patch();
        if let Some(snapshot) = snapshot.filter(|s| s.heatmap.patch == patch)
            && self.followed_runs.compared_surface.as_deref() == Some(path)
            && let Some(beside) = &mut self.surface.comparison
            && beside.heatmap != snapshot.heatmap
            && snapshot.heatmap.cells.iter().any(|c| c.images > 0)
        {
            beside.heatmap = snapshot.heatmap;
            self.dirty = true;
        }
    }

    /// A new run was made from this one: it is read, to be shown beside this one.
    pub(super) fn on_fork_created(&mut self, path: PathBuf, sentence: String) -> Vec<Effect> {
        self.append_local_log_line(&sentence, false);
        self.show_message(MessageKind::Good, sentence);
        self.load_other_run(path, CompareMode::Fork)
    }

    /// Lays a fork's curve over this run's, and shows its surface beside this one's. Both begin with what is known of this
    /// run.
    pub(super) fn compare_with_fork(&mut self, path: PathBuf, run_state: RunState) {
        // Until its engine has spoken its history names the run it comes from.
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.into_owned();
        if let Some(other) = SurfaceComparison::of(name.clone(), true, &run_state) {
            self.surface.comparison = Some(other);
            self.followed_runs.compared_surface = Some(path.clone());
        }
        let run = ComparedCurve { name: name.clone(), path, run_state };
        match self.loss.add_overlay(run) {
            Ok(()) => {
                self.show_message(MessageKind::Good, format!("{name} continues as its own run; comparing with it"))
            }
            Err(error) => self.show_message(MessageKind::Hint, error.to_string()),
        }
    }
}
