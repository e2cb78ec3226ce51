//! Events name folders of the run as they were when it wrote them. A run that was copied or moved since has them elsewhere.

use crate::event::{Envelope, Event};
use std::path::{Path, PathBuf};

/// Makes an event of the run in `root` name the run's own folder where it names that of the directory which the run was
/// copied or moved from.
pub(super) fn relocate_paths(mut envelope: Envelope, root: &Path) -> Envelope {
    let dir = match &mut envelope.event {
        Event::Exported(exported) => Some(&mut exported.dir),
        Event::Finished(finished) => finished.export.as_mut(),
        _ => None,
    };
    if let Some(dir) = dir
        && let Some(here) = relocated_export(dir, root)
    {
        *dir = here;
    }
    envelope
}

/// The folder of the run's exports that replaces `dir`. What was exported to anywhere else, and what a fork's history tells
/// of the run that it came from, stays where it is.
fn relocated_export(dir: &Path, root: &Path) -> Option<PathBuf> {
    let exports = dir.parent().filter(|p| p.ends_with("exports"))?;
    if exports.parent() == Some(root) {
        return None;
    }
    let here = root.join("exports").join(dir.file_name()?);
    // Through a link the same folder has two names, and both are right.
    let same = || dir.canonicalize().is_ok_and(|there| here.canonicalize().is_ok_and(|h| h == there));
    (here.is_dir() && !same()).then_some(here)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_a_run_that_was_moved_are_in_its_new_directory() {
        let dir = tempfile::tempdir().unwrap();
        let (old, new) = (dir.path().join("old"), dir.path().join("new"));
        std::fs::create_dir_all(new.join("exports/best")).unwrap();
        let best = |root: &Path| root.join("exports/best");
        // Moved: there is nothing at the old place. Copied: there is.
        assert_eq!(relocated_export(&best(&old), &new), Some(best(&new)));
        std::fs::create_dir_all(best(&old)).unwrap();
        assert_eq!(relocated_export(&best(&old), &new), Some(best(&new)));
        assert_eq!(relocated_export(&best(&new), &new), None);
        // Not of the run, or not with it.
        assert_eq!(relocated_export(&dir.path().join("models/best"), &new), None);
        assert_eq!(relocated_export(&old.join("exports/other"), &new), None);
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&new, &link).unwrap();
        assert_eq!(relocated_export(&best(&new), &link), None);
    }
}
