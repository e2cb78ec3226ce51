//! Where exports go, and which was made before.

use super::Actor;
use crate::Result;
use crate::export::{self, ChosenModel};
use crate::export_folder::ExportFolder;
use std::path::{Path, PathBuf};
use surfit_core::event::{Event, ExportedModel};
use surfit_core::files::{self, FilePath};
use surfit_core::heatmap::Metric;
use surfit_weights::names::NameMap;

/// Where an export goes, and under which names.
#[derive(Clone, Debug, Default)]
pub(super) struct ExportTarget {
    /// A folder of the user's; `None` for one of the run's own.
    pub dir: Option<PathBuf>,
    /// Whether a model that is there may be replaced.
    pub replace: bool,
    /// What the tensors are called; `None` for the layout's names.
    pub names: Option<NameMap>,
}

impl ExportTarget {
    pub(super) fn create_folder(
        &self,
        actor: &Actor<'_>,
        selection: &str,
        uv: Option<(f64, f64)>,
        step: u64,
    ) -> Result<ExportFolder> {
        match &self.dir {
            Some(dir) => ExportFolder::create(&actor.run.confine(dir), self.replace),
            None => ExportFolder::create(&actor.unused_export_folder(selection, uv, step), true),
        }
    }
}

impl Actor<'_> {
    /// A folder for an export without a model yet; without a card, or when no event reports it, it is what a killed
    /// engine or a failing disk left.
    pub(super) fn unused_export_folder(&self, name: &str, uv: Option<(f64, f64)>, step: u64) -> FilePath {
        let exports = self.run.join("exports");
        let name = export::default_folder_name(name, uv, step);
        let mut folder = exports.join(&name);
        for number in 2.. {
            if !files::exists(&folder.join("model.json")) || !self.has_export_event(&folder) {
                break;
            }
            folder = exports.join(format!("{name}-{number}"));
        }
        folder
    }

    /// Reports why an export under given names does not load strictly into its module, where it does not.
    pub(super) fn log_strictness_notice(&mut self, chosen: &ChosenModel) {
        if let Some(notice) = chosen.names.as_ref().and_then(NameMap::strict_loading_notice) {
            self.journal.log(notice);
        }
    }

    fn has_export_event(&self, folder: &Path) -> bool {
        let mut exports = self.journal.run_state().exports.iter();
        exports
            .any(|e| e.dir.file_name() == folder.file_name() && e.dir.parent().is_some_and(|p| p.ends_with("exports")))
    }

    /// Reports the exports that an engine before this one wrote, and was killed before reporting. A folder of
    /// another name is a user's copy.
    pub(super) fn recover_exports(&mut self) {
        let (exports, run) = (self.run.join("exports"), self.run.id());
        let entries = files::list_folder(&exports).unwrap_or_default();
        let folders = entries.into_iter().filter(|e| e.is_folder);
        let mut unlogged: Vec<ExportedModel> = folders
            .map(|e| exports.join(&e.name))
            .filter(|folder| !self.has_export_event(folder))
            .filter_map(|folder| export::read_own_export(&folder, &run))
            .collect();
        unlogged.sort_by(|a, b| a.dir.cmp(&b.dir));
        for exported in unlogged {
            self.journal.emit(Event::Exported(exported));
        }
    }

    /// The best point as it was exported before, when it is the same point of the same surface: the test split is
    /// measured once for it.
    pub(super) fn previous_export(&self) -> Option<ExportedModel> {
        let best = self.heatmap.best_point(Metric::SELECTION)?;
        let run_state = self.journal.run_state();
        let step = format!("-step{}", self.progress?.step);
        let same = |e: &&ExportedModel| {
            let folder = e.dir.file_name().unwrap_or_default().to_string_lossy();
            e.selection == "best"
                && (e.u, e.v) == (Some(best.u), Some(best.v))
                && e.validation_accuracy == best.accuracy
                && folder.ends_with(&step)
                && files::exists(&self.run.confine(&e.dir.join("model.json")))
        };
        run_state.exports.iter().rev().find(same).cloned()
    }
}
