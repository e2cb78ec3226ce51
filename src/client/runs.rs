//! The runs there are, each in one line.

use serde::Serialize;
use std::time::{SystemTime, UNIX_EPOCH};
use surfit_core::event::Stage;
use surfit_core::heatmap::Point;
use surfit_core::run_dir::{RunDir, Status};
use surfit_core::snapshot::State;
use surfit_core::surface::Degrees;

/// A run as `surfit ls` shows it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// The run's id.
    pub run: String,
    /// Its directory.
    pub dir: std::path::PathBuf,
    /// A [`State`]'s name, `interrupted` when the engine died, or `new` before an engine was there.
    pub state: &'static str,
    /// An engine works on it now.
    pub alive: bool,
    /// The stage it is in, or was in last.
    pub stage: Option<Stage>,
    /// Units of work done and in all in this stage.
    pub done: u64,
    /// See `done`.
    pub total: u64,
    /// Degrees of the surface.
    pub degrees: Option<Degrees>,
    /// Network name.
    pub network: Option<String>,
    /// Best validation point of the last complete heatmap.
    pub best: Option<Point>,
    /// Why the engine could not go on.
    pub failed: Option<String>,
    /// The engine's process id, when it is alive.
    pub pid: Option<u32>,
    /// Seconds since the Unix epoch when the engine last wrote its status.
    pub heartbeat: Option<f64>,
    /// Seconds since the Unix epoch when the run was begun.
    pub began: Option<f64>,
}

/// The line of one run. Reads `status.json` and the lock, not the events.
pub fn line(run: &RunDir) -> Line {
    let (status, alive) = (run.status(), run.is_alive());
    let state = state(status.as_ref(), alive);
    let s = status.as_ref();
    Line {
        run: run.id(),
        dir: run.path().to_owned(),
        state,
        alive,
        stage: s.map(|s| s.stage),
        done: s.map_or(0, |s| s.done),
        total: s.map_or(0, |s| s.total),
        degrees: s.map(|s| s.degrees),
        network: s.map(|s| s.network.clone()),
        best: s.and_then(|s| s.best),
        failed: s.and_then(|s| s.failed.clone()),
        pid: s.filter(|_| alive).map(|s| s.pid),
        heartbeat: s.map(|s| s.heartbeat),
        began: began(run),
    }
}

/// The configuration is the first file of a run and never changes.
fn began(run: &RunDir) -> Option<f64> {
    let written = run.config_path().metadata().ok()?.modified().ok()?;
    Some(written.duration_since(UNIX_EPOCH).ok()?.as_secs_f64())
}

/// How long ago a time (seconds since the Unix epoch) was, in the largest unit that fits.
pub fn ago(time: f64) -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0.0, |d| d.as_secs_f64());
    let s = (now - time).max(0.0) as u64;
    match s {
        0..5 => "now".into(),
        5..60 => format!("{s} s ago"),
        60..3600 => format!("{} min ago", s / 60),
        3600..86_400 => format!("{} h ago", s / 3600),
        _ => format!("{} d ago", s / 86_400),
    }
}

fn state(status: Option<&Status>, alive: bool) -> &'static str {
    match (status.map(|s| s.state), alive) {
        (Some(state), true) => state.name(),
        (None, true) => State::Starting.name(),
        (None, false) => "new",
        (Some(State::Finished | State::Failed | State::Closed), false) => {
            status.map_or("new", |s| s.state.name())
        }
        (Some(_), false) => "interrupted",
    }
}

/// All runs among the user's, the most recently begun first.
pub fn list() -> Vec<Line> {
    RunDir::list(&RunDir::default_root())
        .iter()
        .map(line)
        .collect()
}

/// The most recently begun run that has an engine.
pub fn most_recent_live() -> Option<RunDir> {
    RunDir::list(&RunDir::default_root())
        .into_iter()
        .find(RunDir::is_alive)
}

#[cfg(test)]
mod tests {
    use super::*;
    use surfit_core::config::Config;

    #[test]
    fn the_state_tells_death_from_a_good_end() {
        let dir = tempfile::tempdir().unwrap();
        let run = RunDir::create(&dir.path().join("a"), &Config::default()).unwrap();
        assert_eq!(line(&run).state, "new");
        let status = |state| Status {
            state,
            stage: Stage::Fit,
            pid: 1,
            heartbeat: 2.0,
            done: 3,
            total: 4,
            degrees: Config::default().degrees(),
            network: "cnn".into(),
            best: None,
            failed: None,
        };
        run.write_status(&status(State::Running)).unwrap();
        assert_eq!((line(&run).state, line(&run).pid), ("interrupted", None));
        let lock = run.lock().unwrap();
        assert_eq!((line(&run).state, line(&run).pid), ("running", Some(1)));
        drop(lock);
        run.write_status(&status(State::Finished)).unwrap();
        assert_eq!(line(&run).state, "finished");
    }
}
