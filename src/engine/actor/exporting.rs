//! Where exports go, and which was made before.

use super::Actor;
use surfit_core::event::Exported;
use surfit_core::files::{self, FilePath};
use surfit_core::heatmap::Metric;

impl Actor<'_> {
    /// A folder for an export that no model lies in yet; without a card it is what a killed engine or a full disk left.
    pub(super) fn free_folder(&self, name: &str, uv: Option<(f64, f64)>, step: u64) -> FilePath {
        let exports = self.run.join("exports");
        let name = match uv {
            Some((u, v)) => format!("{name}-u{u:.3}-v{v:.3}-step{step}"),
            None => format!("{name}-step{step}"),
        };
        let mut folder = exports.join(&name);
        for number in 2.. {
            if !files::exists(&folder.join("model.json")) {
                break;
            }
            folder = exports.join(format!("{name}-{number}"));
        }
        folder
    }

    /// The best point as it was exported before, when it is the same point of the same surface: the test split is
    /// measured once for it.
    pub(super) fn exported_before(&self) -> Option<Exported> {
        let best = self.heatmap.best(Metric::Accuracy)?;
        let picture = self.journal.picture();
        let step = format!("-step{}", self.progress?.step);
        let same = |e: &&Exported| {
            let folder = e.dir.file_name().unwrap_or_default().to_string_lossy();
            e.selection == "best"
                && (e.u, e.v) == (Some(best.u), Some(best.v))
                && e.validation_accuracy == best.accuracy
                && folder.ends_with(&step)
                && files::exists(&self.run.confine(&e.dir.join("model.json")))
        };
        picture.exports.iter().rev().find(same).cloned()
    }
}
