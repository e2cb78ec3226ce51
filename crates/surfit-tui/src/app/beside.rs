//! Other runs that are held against this one: what each was asked for until it is read, and surfaces beside this one's.

use super::message::MessageKind;
use super::{App, Effect, Overlay, Pane};
use crate::action::Action;
use crate::link::{Outgoing, RunLine};
use crate::views::surface::SurfaceComparison;
use std::path::{Path, PathBuf};
use surfit_core::picture::RunState;

/// What another run is read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CompareMode {
    /// Its loss curve lies over this run's.
    Curves,
    /// Its surface is shown beside this one's.
    Beside,
    /// It was made from this one just now: both.
    Fork,
    /// Another was wanted in its place since.
    Nothing,
}

/// Runs that were asked for and are not here yet.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct PendingComparisons {
    /// The id, or its beginning, of one that is wanted beside this; where it lies the list of runs will tell.
    named: Option<String>,
    /// Those that are being read, the first asked for first.
    reading: Vec<(PathBuf, CompareMode)>,
}

impl App {
    /// Shows another run's surface beside this one's, by its id, the beginning of one, or its directory.
    pub(super) fn want_beside(&mut self, name: &str) -> Vec<Effect> {
        if let Some(line) = self.line.as_ref().filter(|l| l.is_down()) {
            let text = format!(
                "the line to {} is down; nothing can be read there",
                line.host
            );
            self.say(MessageKind::Hint, text);
            return Vec::new();
        }
        self.say(MessageKind::Info, format!("reading {name} …"));
        if name.contains('/') {
            return self.read(name.into(), CompareMode::Beside);
        }
        self.wishes.named = Some(name.into());
        self.refresh_runs()
    }

    /// Asks for another run.
    pub(super) fn read(&mut self, path: PathBuf, purpose: CompareMode) -> Vec<Effect> {
        if purpose == CompareMode::Beside {
            // There is room for one.
            let earlier = self.wishes.reading.iter_mut();
            earlier
                .filter(|(_, p)| *p == CompareMode::Beside)
                .for_each(|(_, p)| *p = CompareMode::Nothing);
        }
        self.wishes.reading.push((path.clone(), purpose));
        vec![Effect::Send(Outgoing::Load(path))]
    }

    /// What the run that lies there was asked for, now that its answer is here; curves are what is told unasked.
    fn purpose_of(&mut self, path: &Path) -> CompareMode {
        let place = self.wishes.reading.iter().position(|(p, _)| p == path);
        place.map_or(CompareMode::Curves, |n| self.wishes.reading.remove(n).1)
    }

    /// Another run was read.
    pub(super) fn take_loaded(&mut self, path: PathBuf, picture: RunState) {
        // It may have become the one that is shown.
        let purpose = self.purpose_of(&path);
        if self.place.as_ref().is_some_and(|place| place.dir == path) {
            let text = format!("{} is the run that is shown", path.display());
            return self.say(MessageKind::Hint, text);
        }
        match purpose {
            CompareMode::Curves => self.lay_over(path, picture),
            CompareMode::Beside => self.take_beside(&path, &picture),
            CompareMode::Fork => self.show_fork(path, picture),
            CompareMode::Nothing => {}
        }
    }

    /// Another run could not be read.
    pub(super) fn take_unread(&mut self, path: &Path, why: String) {
        if self.purpose_of(path) != CompareMode::Nothing {
            self.say(MessageKind::Error, why);
        }
    }

    /// Answers to what was asked for will never come.
    pub(super) fn forget_wishes(&mut self) {
        self.wishes = PendingComparisons::default();
    }

    /// Shows the run that is chosen in the list; without a list it opens one.
    pub(super) fn choose_beside(&mut self) -> Vec<Effect> {
        let line = match self.run_to_show(Action::BesideRun, "shows its surface beside this one's")
        {
            Ok(line) => line,
            Err(effects) => return effects,
        };
        self.read_chosen(line, CompareMode::Beside)
    }

    /// Reads a run of the list, unless it is the one that is shown.
    pub(super) fn read_chosen(&mut self, line: RunLine, purpose: CompareMode) -> Vec<Effect> {
        if self.shows(&line) {
            self.say(
                MessageKind::Hint,
                format!("{} is the run that is shown", line.id),
            );
            return Vec::new();
        }
        self.say(MessageKind::Info, format!("reading {} …", line.id));
        self.read(line.path, purpose)
    }

    /// The run that is chosen in the list. Without a list it opens one, says what the action's key does there, and gives the
    /// effects of that.
    pub(super) fn run_to_show(
        &mut self,
        action: Action,
        does: &str,
    ) -> Result<RunLine, Vec<Effect>> {
        if !matches!(self.overlay, Some(Overlay::Runs { .. })) {
            self.overlay = Some(Overlay::runs());
            let key = self.key(action);
            self.say(MessageKind::Hint, format!("choose a run; {key} {does}"));
            return Err(self.refresh_runs());
        }
        self.chosen_run().cloned().ok_or_else(Vec::new)
    }

    /// Takes away the surface that is shown beside this one, or shows there this one before its degree changed.
    pub(super) fn toggle_beside(&mut self) {
        self.surface.beside = match self.surface.beside {
            Some(_) => None,
            None => self.surface.earlier.clone(),
        };
    }

    /// Now that the list of runs is here: reads the one that was named.
    pub(super) fn look_for_beside(&mut self) -> Vec<Effect> {
        let Some(name) = self.wishes.named.take() else {
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
                let key = self.key(Action::BesideRun);
                let what = match exact {
                    true => "several runs are called",
                    false => "several runs' ids begin with",
                };
                self.say(
                    MessageKind::Hint,
                    format!("{what} {name}; choose one in the list of runs, {key} shows it"),
                );
                Vec::new()
            }
            (Some(line), None) => self.read_chosen(line, CompareMode::Beside),
            (None, _) => {
                self.say(
                    MessageKind::Hint,
                    format!("there is no run `{name}`; the list of runs shows which there are"),
                );
                Vec::new()
            }
        }
    }

    /// Shows the surface of a run that was read beside this one's.
    fn take_beside(&mut self, path: &Path, picture: &RunState) {
        let run = self.name_of_other(path, picture);
        let patch = self.degrees().patch();
        match SurfaceComparison::of(run.clone(), true, picture) {
            None => self.say(
                MessageKind::Hint,
                format!("nothing was measured of {run} yet"),
            ),
            Some(other) if other.heatmap.patch != patch => {
                let (theirs, ours) = (other.heatmap.patch.name(), patch.name());
                self.say(
                    MessageKind::Hint,
                    format!("{run} is a {theirs}, this run a {ours}"),
                );
            }
            Some(other) => {
                self.say(
                    MessageKind::Info,
                    format!("{run} is shown beside this surface"),
                );
                self.surface.beside = Some(other);
                self.followed.beside = Some(path.to_owned());
                self.overlay = None;
                self.focus_on(Pane::Surface);
            }
        }
    }
}
