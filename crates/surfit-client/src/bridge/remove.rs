//! Removing a run.

use super::BridgeWorker;
use crate::{ClientError, remove};
use std::path::Path;
use surfit_core::run_dir::RunDir;
use surfit_tui::Incoming;

impl BridgeWorker {
    /// Removes a run at rest, and tells the runs that are left.
    pub(super) fn remove_run(&mut self, path: &Path) {
        match remove_run_dir(path) {
            Ok(_) if self.removed_reason().is_some() => self.send_removed(),
            Ok(id) => self.send_to_screen(Incoming::Notice(format!("{id} is removed"))),
            Err(error) => self.send_to_screen(Incoming::Problem(error.to_string())),
        }
        remove::remove_stale_runs();
        self.send_to_screen(Incoming::Runs(self.run_lines()));
    }

    /// Why nothing can be done with the run that is shown, when its directory was removed.
    pub(super) fn removed_reason(&self) -> Option<String> {
        let run = self.run.as_ref()?;
        let gone = !surfit_core::files::is_file(&run.config_path());
        gone.then(|| {
            format!("{} is removed; what is shown is the last that was known of it, open another run", run.id())
        })
    }

    /// Tells that the run that is shown was removed.
    pub(super) fn send_removed(&self) {
        let Some(why) = self.removed_reason() else {
            return;
        };
        self.send_to_screen(Incoming::Problem(why));
        self.send_to_screen(Incoming::Disconnected { reason: "its directory was removed".into() });
    }
}

/// Removes the directory of a run whose engine is gone, and returns its id.
fn remove_run_dir(path: &Path) -> Result<String, ClientError> {
    let run = RunDir::open(path)?;
    remove::remove_run(&run)?;
    Ok(run.id())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridge::BridgeInput;
    use std::sync::mpsc::sync_channel;
    use surfit_core::config::Config;
    use surfit_core::protocol::EngineCommand;
    use surfit_tui::Outgoing;
    use surfit_tui::link::{FileContent, NewFile};

    #[test]
    fn a_run_that_is_shown_and_removed_does_not_come_back() {
        let dir = tempfile::tempdir().unwrap();
        let run = RunDir::create(&dir.path().join("a"), &Config::default()).unwrap();
        let (screen, told) = sync_channel(64);
        let (inputs, _waits) = sync_channel(9);
        let mut worker = BridgeWorker::new(screen, inputs, false);
        worker.open_run(run.clone());
        worker.on_input(BridgeInput::Screen(Outgoing::RemoveRun(run.path().to_owned())));
        let all: Vec<Incoming> = told.try_iter().collect();
        let said = |m: &Incoming| matches!(m, Incoming::Problem(why) if why.contains("a is removed"));
        assert!(all.iter().any(said), "{all:?}");
        let file = NewFile {
            path: run.path().join("figures/losses.csv"),
            replace: false,
            content: FileContent::Text(String::new()),
        };
        let (id, command) = (7, EngineCommand::Measure);
        for message in [
            Outgoing::Figures,
            Outgoing::Write(Box::new(file)),
            Outgoing::ResumeEngine(None),
            Outgoing::Command { id, command },
        ] {
            worker.on_input(BridgeInput::Screen(message.clone()));
            let came = told.try_recv().expect("an answer at once");
            let refused = said(&came) || matches!(&came, Incoming::Reply { id: 7, error: Some(_) });
            assert!(refused, "{message:?}: {came:?}");
            told.try_iter().for_each(drop);
        }
        assert!(!run.path().exists() && !worker.writers.is_writing() && !worker.starting);
    }

    #[test]
    fn only_a_run_at_rest_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let run = RunDir::create(&dir.path().join("a"), &Config::default()).unwrap();
        let lock = run.lock().unwrap();
        let why = remove_run_dir(run.path()).unwrap_err().to_string();
        assert!(why.contains("is running; stop it first") && run.path().is_dir(), "{why}");
        drop(lock);
        // By another name it is the run that goes, not its name.
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(run.path(), &link).unwrap();
        assert_eq!(remove_run_dir(&link).unwrap(), "link");
        assert!(!run.path().exists());
        // Whatever else a path names stays.
        std::fs::create_dir(dir.path().join("other")).unwrap();
        assert!(remove_run_dir(&dir.path().join("other")).is_err());
        std::fs::write(dir.path().join("other/config.toml"), "").unwrap();
        assert!(remove_run_dir(&dir.path().join("other")).is_err());
        assert!(dir.path().join("other/config.toml").is_file());
    }
}
