//! Other runs that are looked at beside the one that is shown: they are followed while they are on the screen, and a fork
//! puts itself there.

use super::comparison::CompareMode;
use super::message::MessageKind;
use super::{App, Effect, Pane};
use crate::layout::ScreenLayout;
use crate::views::loss::ComparedCurve;
use crate::views::surface::SurfaceComparison;
use std::path::{Path, PathBuf};
use surfit_core::event::Envelope;
use surfit_core::protocol::{BridgeRequest, ClientMessage};
use surfit_core::run_state::RunState;
use surfit_core::snapshot::Snapshot;

/// Which other runs are followed.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct FollowedRuns {
    /// What was asked for last.
    pub requested: Vec<PathBuf>,
    /// The run whose surface is beside this one's.
    pub compared_surface: Option<PathBuf>,
}

impl App {
    /// Asks to be told how other runs grow, those that are on the screen now, when these are not the same as before.
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

    /// Takes in what is new of another run.
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
    pub(super) fn compare_with_fork(&mut self, path: PathBuf, picture: RunState) {
        // Until its engine has spoken its history names the run it comes from.
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.into_owned();
        if let Some(other) = SurfaceComparison::of(name.clone(), true, &picture) {
            self.surface.comparison = Some(other);
            self.followed_runs.compared_surface = Some(path.clone());
        }
        let run = ComparedCurve { name: name.clone(), path, run_state: picture };
        match self.loss.add_overlay(run) {
            Ok(()) => self
                .show_message(MessageKind::Good, format!("{name} goes on as a run of its own, shown beside this one")),
            Err(why) => self.show_message(MessageKind::Hint, why),
        }
    }
}
