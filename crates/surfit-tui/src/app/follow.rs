//! Other runs that are looked at beside the one that is shown: they are followed while they are on the screen, and a fork
//! puts itself there.

use super::beside::CompareMode;
use super::message::MessageKind;
use super::{App, Effect, Pane};
use crate::layout::ScreenLayout;
use crate::link::Outgoing;
use crate::views::loss::ComparedCurve;
use crate::views::surface::SurfaceComparison;
use std::path::{Path, PathBuf};
use surfit_core::event::Envelope;
use surfit_core::picture::RunState;
use surfit_core::snapshot::Snapshot;

/// Which other runs are followed.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct FollowedRuns {
    /// What was asked for last.
    pub told: Vec<PathBuf>,
    /// The run whose surface is beside this one's.
    pub beside: Option<PathBuf>,
}

impl App {
    /// Asks to be told how other runs grow, those that are on the screen now, when these are not the same as before.
    pub(super) fn follow_others(&mut self) -> Option<Effect> {
        let foreign = self.surface.beside.as_ref().is_some_and(|b| b.foreign);
        if !foreign {
            self.followed.beside = None;
        }
        let nobody = self.loss.overlays.is_empty() && !foreign;
        let down = self.line.as_ref().is_some_and(|l| l.is_down());
        if down || nobody && self.followed.told.is_empty() {
            return None;
        }
        let wanted = self.on_screen();
        let paths: Vec<PathBuf> = wanted.iter().map(|w| w.0.clone()).collect();
        if paths == self.followed.told {
            return None;
        }
        self.followed.told = paths;
        Some(Effect::Send(Outgoing::Watch(wanted)))
    }

    /// Other runs that are seen now, with the last event that is known of each.
    fn on_screen(&self) -> Vec<(PathBuf, u64)> {
        let screen = ScreenLayout::of(self);
        let seen = |pane| !screen.too_small() && screen.panes.iter().any(|p| p.0 == pane);
        let mut out = Vec::new();
        if seen(Pane::Loss) {
            let overlays = self.loss.overlays.iter();
            out.extend(overlays.map(|o| (o.path.clone(), o.picture.seq)));
        }
        if let Some(path) = self
            .followed
            .beside
            .as_ref()
            .filter(|_| seen(Pane::Surface))
            && out.iter().all(|o| o.0 != *path)
        {
            // Of a surface the measured state is wanted, not what happened.
            out.push((path.clone(), u64::MAX));
        }
        out
    }

    /// Takes in what is new of another run.
    pub(super) fn take_growth(
        &mut self,
        path: &Path,
        events: &[Envelope],
        snapshot: Option<Box<Snapshot>>,
    ) {
        let overlay = self.loss.overlays.iter_mut().find(|o| o.path == path);
        if let Some(overlay) = overlay.filter(|_| !events.is_empty()) {
            events.iter().for_each(|e| overlay.picture.apply(e));
            self.dirty = true;
        }
        let patch = self.degrees().patch();
        if let Some(snapshot) = snapshot.filter(|s| s.heatmap.patch == patch)
            && self.followed.beside.as_deref() == Some(path)
            && let Some(beside) = &mut self.surface.beside
            && beside.heatmap != snapshot.heatmap
            && snapshot.heatmap.cells.iter().any(|c| c.images > 0)
        {
            beside.heatmap = snapshot.heatmap;
            self.dirty = true;
        }
    }

    /// A new run was made from this one: it is read, to be shown beside this one.
    pub(super) fn take_fork(&mut self, path: PathBuf, sentence: String) -> Vec<Effect> {
        self.note_in_log(&sentence, false);
        self.say(MessageKind::Good, sentence);
        self.read(path, CompareMode::Fork)
    }

    /// Lays a fork's curve over this run's, and shows its surface beside this one's. Both begin with what is known of this
    /// run.
    pub(super) fn show_fork(&mut self, path: PathBuf, picture: RunState) {
        // Until its engine has spoken its history names the run it comes from.
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.into_owned();
        if let Some(other) = SurfaceComparison::of(name.clone(), true, &picture) {
            self.surface.beside = Some(other);
            self.followed.beside = Some(path.clone());
        }
        let run = ComparedCurve {
            name: name.clone(),
            path,
            picture,
        };
        match self.loss.add_overlay(run) {
            Ok(()) => self.say(
                MessageKind::Good,
                format!("{name} goes on as a run of its own, shown beside this one"),
            ),
            Err(why) => self.say(MessageKind::Hint, why),
        }
    }
}
