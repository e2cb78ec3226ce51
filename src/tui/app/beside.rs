//! Another run's surface beside this one's: it is found by its name, read, and shown.

use super::message::Kind;
use super::{App, Effect, Overlay, Pane};
use crate::action::Action;
use crate::link::{Outgoing, RunLine};
use crate::views::surface::Beside;
use std::path::{Path, PathBuf};
use surfit_core::picture::Picture;

/// A run that is wanted beside this one.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Wish {
    /// By its id; where it lies the list of runs will tell.
    Named(String),
    /// It is being read.
    Read(PathBuf),
}

impl App {
    /// Shows another run's surface beside this one's, by its id or its directory.
    pub(super) fn want_beside(&mut self, name: &str) -> Vec<Effect> {
        self.say(Kind::Info, format!("reading {name} …"));
        if name.contains('/') {
            return self.read_beside(name.into());
        }
        self.beside_wanted = Some(Wish::Named(name.into()));
        self.refresh_runs()
    }

    /// Shows the run that is chosen in the list; without a list it opens one.
    pub(super) fn choose_beside(&mut self) -> Vec<Effect> {
        let line = match self.run_to_show(Action::BesideRun, "shows its surface beside this one's")
        {
            Ok(line) => line,
            Err(effects) => return effects,
        };
        self.say(Kind::Info, format!("reading {} …", line.id));
        self.read_beside(line.path)
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
            self.say(Kind::Hint, format!("choose a run; {key} {does}"));
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

    fn read_beside(&mut self, path: PathBuf) -> Vec<Effect> {
        self.beside_wanted = Some(Wish::Read(path.clone()));
        vec![Effect::Send(Outgoing::Load(path))]
    }

    /// Now that the list of runs is here: reads the one that was named.
    pub(super) fn look_for_beside(&mut self) -> Vec<Effect> {
        let Some(Wish::Named(name)) = self.beside_wanted.clone() else {
            return Vec::new();
        };
        self.beside_wanted = None;
        let mut called = self.runs.iter().filter(|r| r.id == name);
        match (called.next(), called.next()) {
            (Some(_), Some(_)) => {
                let key = self.key(Action::BesideRun);
                self.say(
                    Kind::Hint,
                    format!("several runs are called {name}; choose one in the list of runs, {key} shows it"),
                );
                Vec::new()
            }
            (Some(line), None) => self.read_beside(line.path.clone()),
            (None, _) => {
                self.say(
                    Kind::Hint,
                    format!("there is no run `{name}`; the list of runs shows which there are"),
                );
                Vec::new()
            }
        }
    }

    /// True when what was read there is wanted beside this surface.
    pub(super) fn wants_beside(&self, path: &Path) -> bool {
        matches!(&self.beside_wanted, Some(Wish::Read(wanted)) if wanted == path)
    }

    /// Takes in the run that was read.
    pub(super) fn take_beside(&mut self, path: &Path, picture: &Picture) {
        self.beside_wanted = None;
        let run = self.name_of_other(path, picture);
        let patch = self.degrees().patch();
        match Beside::of(run.clone(), true, picture) {
            None => self.say(Kind::Hint, format!("nothing was measured of {run} yet")),
            Some(other) if other.heatmap.patch != patch => {
                let (theirs, ours) = (other.heatmap.patch.name(), patch.name());
                self.say(
                    Kind::Hint,
                    format!("{run} is a {theirs}, this run a {ours}"),
                );
            }
            Some(other) => {
                self.say(Kind::Info, format!("{run} is shown beside this surface"));
                self.surface.beside = Some(other);
                self.followed.beside = Some(path.to_owned());
                self.overlay = None;
                self.focus_on(Pane::Surface);
            }
        }
    }
}
