//! Summaries of runs.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::time::{SystemTime, UNIX_EPOCH};
use surfit_core::event::JobStage;
use surfit_core::files::metadata;
use surfit_core::filter::RunAttributes;
use surfit_core::heatmap::MeasuredPoint;
use surfit_core::run_dir::{RunDir, RunStatus};
use surfit_core::snapshot::EngineState;
use surfit_core::surface::Degrees;

/// Returns the argument for `surfit open`: the name of a run if it is found by that, else its path.
pub fn open_name(run: &RunDir) -> String {
    let root = RunDir::default_root();
    let among = std::path::absolute(&root).is_ok_and(|root| run.path().starts_with(root));
    if among { run.name_in(&root) } else { run.path().display().to_string() }
}

/// Summary of a run, as in `surfit ls`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunSummary {
    /// The run's name: its id, after the directory of several runs that holds it.
    pub run: String,
    pub dir: std::path::PathBuf,
    /// A [`EngineState`]'s name, `interrupted` when the engine died, or `new` before an engine was there.
    pub state: Cow<'static, str>,
    /// An engine works on it now.
    pub alive: bool,
    /// The stage it is in, or was in last.
    pub stage: Option<JobStage>,
    /// Units of work done in this stage.
    pub done: u64,
    /// Total units of work in this stage.
    pub total: u64,
    pub degrees: Option<Degrees>,
    pub network: Option<String>,
    /// Name of the data set, as in `data.name`.
    #[serde(default)]
    pub data: Option<String>,
    /// Bytes on disk; `None` when they were not counted.
    #[serde(default)]
    pub bytes: Option<u64>,
    /// Best validation point of the last complete heatmap; before the first, of the measured cells.
    pub best: Option<MeasuredPoint>,
    /// Why the run failed.
    pub failed: Option<String>,
    /// The engine's process id, when it is alive.
    pub pid: Option<u32>,
    /// Host name of the machine that its engine works on, or worked on last.
    #[serde(default)]
    pub node: Option<String>,
    /// Its engine is alive and cannot be reached from the machine that lists it.
    #[serde(default)]
    pub elsewhere: bool,
    /// Seconds since the Unix epoch when the engine last wrote its status.
    pub heartbeat: Option<f64>,
    /// Seconds since the Unix epoch when the run was started.
    pub began: Option<f64>,
}

/// Summarizes one run. Reads `status.json` and the lock, not the events.
pub fn summarize(run: &RunDir) -> RunSummary {
    let (status, alive) = status_and_liveness(|| run.is_engine_alive(), || run.status());
    let state = state_name(status.as_ref(), alive);
    let elsewhere = run.unreachable_engine_node().filter(|_| alive);
    // Only for runs without it in their status: reading every configuration would make a long list slow.
    let read = std::cell::OnceCell::new();
    let config = || read.get_or_init(|| run.config().ok()).as_ref();
    let s = status.as_ref();
    RunSummary {
        run: run.name_in(&RunDir::default_root()),
        dir: run.path().to_owned(),
        state: state.into(),
        alive,
        stage: s.map(|s| s.stage),
        done: s.map_or(0, |s| s.done),
        total: s.map_or(0, |s| s.total),
        degrees: s.map(|s| s.degrees).or_else(|| Some(config()?.degrees())),
        network: s.map(|s| s.network.clone()).or_else(|| Some(config()?.network.name.clone())),
        data: s.map(|s| s.data.clone()).filter(|d| !d.is_empty()).or_else(|| Some(config()?.data.name.clone())),
        bytes: None,
        best: s.and_then(|s| s.best),
        failed: s.and_then(|s| s.failed.clone()),
        pid: s.filter(|_| alive).map(|s| s.pid),
        elsewhere: elsewhere.is_some(),
        node: elsewhere.map(|node| node.host).or_else(|| Some(s?.node.clone())).filter(|node| !node.is_empty()),
        heartbeat: s.map(|s| s.heartbeat),
        began: begin_time(run),
    }
}

/// Returns a run's status and whether an engine is alive, as of one moment: an engine that ends or starts in between does not
/// count as one that died.
fn status_and_liveness(
    is_alive: impl Fn() -> bool,
    status: impl FnOnce() -> Option<RunStatus>,
) -> (Option<RunStatus>, bool) {
    // Checked before the status is read, which is the last one then.
    let alive = is_alive();
    let status = status();
    let alive = alive || (state_name(status.as_ref(), false) == "interrupted" && is_alive());
    (status, alive)
}

/// When the run was made. Its configuration is written then, but a change during the fit writes it again, and so may the user;
/// of a copy, the directory is new and the configuration is not.
fn begin_time(run: &RunDir) -> Option<f64> {
    let written = metadata(&run.config_path()).and_then(|file| file.modified());
    // Some file systems do not tell it.
    let created = metadata(run.path()).and_then(|folder| folder.created());
    let earliest = [written, created].into_iter().flatten().min()?;
    Some(earliest.duration_since(UNIX_EPOCH).ok()?.as_secs_f64())
}

impl RunSummary {
    pub fn attributes(&self) -> RunAttributes {
        RunAttributes {
            name: self.run.clone(),
            state: self.state.to_string(),
            network: self.network.clone(),
            data: self.data.clone(),
            degrees: self.degrees,
            metrics: self.best.map(|p| p.all_metrics()).unwrap_or_default(),
            age: self.began.map(age),
        }
    }
}

/// Returns the seconds since a time (seconds since the Unix epoch).
fn age(time: f64) -> f64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |d| d.as_secs_f64());
    age_at(time, now)
}

/// [`age`] by a given clock; zero for times in the future, as after a clock was set back.
fn age_at(time: f64, now: f64) -> f64 {
    (now - time).max(0.0)
}

/// Returns the bytes of all files below a directory, without following links.
pub fn directory_bytes(path: &std::path::Path) -> u64 {
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    let size = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(m) if m.is_dir() => directory_bytes(&entry.path()),
        Ok(m) => m.len(),
        Err(_) => 0,
    };
    entries.map(size).sum()
}

/// Formats bytes in a suitable unit: `812 kB`, `3.4 MB`, `1.2 GB`.
pub fn format_size(bytes: u64) -> String {
    let in_units = |unit: f64| bytes as f64 / unit;
    match bytes {
        0..1_000_000 => format!("{:.0} kB", in_units(1e3).ceil()),
        1_000_000..10_000_000 => format!("{:.1} MB", in_units(1e6)),
        10_000_000..1_000_000_000 => format!("{:.0} MB", in_units(1e6)),
        _ => format!("{:.1} GB", in_units(1e9)),
    }
}

/// Formats how long ago a time (seconds since the Unix epoch) was, in the largest suitable unit.
pub fn format_time_ago(time: f64) -> String {
    format_seconds_ago(age(time))
}

pub fn format_seconds_ago(seconds: f64) -> String {
    let s = seconds as u64;
    match s {
        0..5 => "now".into(),
        5..60 => format!("{s} s ago"),
        60..3600 => format!("{} min ago", s / 60),
        3600..86_400 => format!("{} h ago", s / 3600),
        _ => format!("{} d ago", s / 86_400),
    }
}

fn state_name(status: Option<&RunStatus>, alive: bool) -> &'static str {
    match (status.map(|s| s.state), alive) {
        (Some(state), true) => state.name(),
        (None, true) => EngineState::Starting.name(),
        (None, false) => "new",
        (Some(EngineState::Finished | EngineState::Failed | EngineState::Closed), false) => {
            status.map_or("new", |s| s.state.name())
        }
        (Some(_), false) => "interrupted",
    }
}

/// Returns all of the user's runs, most recently started first.
pub fn list() -> Vec<RunSummary> {
    RunDir::list(&RunDir::default_root()).iter().map(summarize).collect()
}

/// As [`list`], with their bytes on disk.
pub fn list_with_sizes() -> Vec<RunSummary> {
    let mut all = list();
    for line in &mut all {
        line.bytes = Some(directory_bytes(&line.dir));
    }
    all
}

/// True while an engine works on the run, or holds it paused. One that only waits for commands does not count.
fn is_active(run: &RunDir) -> bool {
    let (status, alive) = status_and_liveness(|| run.is_engine_alive(), || run.status());
    let is_waiting = |s: RunStatus| matches!(s.state, EngineState::Idle | EngineState::Finished | EngineState::Failed);
    alive && !status.is_some_and(is_waiting)
}

/// Returns the most recently started active run.
pub fn most_recent_active() -> Option<RunDir> {
    RunDir::list(&RunDir::default_root()).into_iter().find(is_active)
}

/// Returns the run that `surfit open` opens by default: the most recently started active one, else the most recent one.
pub fn most_recent() -> Option<RunDir> {
    let mut all = RunDir::list(&RunDir::default_root());
    let index = all.iter().position(is_active).unwrap_or(0);
    (!all.is_empty()).then(|| all.swap_remove(index))
}

#[cfg(test)]
mod tests {
    use super::*;
    use surfit_core::config::Config;

    #[test]
    fn sizes_are_short() {
        for (bytes, text) in [
            (0, "0 kB"),
            (1, "1 kB"),
            (812_000, "812 kB"),
            (3_400_000, "3.4 MB"),
            (45_000_000, "45 MB"),
            (1_200_000_000, "1.2 GB"),
        ] {
            assert_eq!(format_size(bytes), text);
        }
    }

    #[test]
    fn a_run_begins_when_it_is_made_whenever_its_configuration_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let run = RunDir::create(&dir.path().join("a"), &Config::default()).unwrap();
        let began = summarize(&run).began.unwrap();
        let write_at = |seconds: f64| {
            let time = UNIX_EPOCH + std::time::Duration::from_secs_f64(seconds);
            let file = std::fs::File::options().append(true).open(run.path().join("config.toml")).unwrap();
            file.set_modified(time).unwrap();
        };
        // Where the file system does not tell when a directory was made, the configuration's time is all there is.
        if std::fs::metadata(run.path()).unwrap().created().is_ok() {
            write_at(began + 3600.0);
            assert!((summarize(&run).began.unwrap() - began).abs() < 5.0);
        }
        // A copy that keeps the times of files.
        write_at(began - 3600.0);
        assert!((summarize(&run).began.unwrap() - (began - 3600.0)).abs() < 5.0);
    }

    #[test]
    fn a_new_runs_facts_are_those_of_its_configuration() {
        let dir = tempfile::tempdir().unwrap();
        let run = RunDir::create(&dir.path().join("a"), &Config::default()).unwrap();
        let facts = summarize(&run).attributes();
        assert_eq!((facts.name.as_str(), facts.state.as_str()), ("a", "new"));
        assert_eq!(facts.network.as_deref(), Some("cnn"));
        assert_eq!(facts.data, Some(Config::default().data.name));
        assert_eq!(facts.degrees, Some(Config::default().degrees()));
        assert!(facts.metrics.is_empty() && facts.age.is_some_and(|a| a < 60.0));
        assert!(directory_bytes(run.path()) > 100);
    }

    fn status(state: EngineState) -> RunStatus {
        RunStatus {
            state,
            stage: JobStage::Fit,
            pid: 1,
            node: String::new(),
            heartbeat: 2.0,
            done: 3,
            total: 4,
            degrees: Config::default().degrees(),
            network: "cnn".into(),
            data: "mnist".into(),
            best: None,
            failed: None,
        }
    }

    #[test]
    fn the_state_tells_death_from_a_good_end() {
        let dir = tempfile::tempdir().unwrap();
        let run = RunDir::create(&dir.path().join("a"), &Config::default()).unwrap();
        assert_eq!(summarize(&run).state, "new");
        run.write_status(&status(EngineState::Running)).unwrap();
        assert_eq!((&*summarize(&run).state, summarize(&run).pid), ("interrupted", None));
        let lock = run.lock().unwrap();
        assert_eq!((&*summarize(&run).state, summarize(&run).pid), ("running", Some(1)));
        drop(lock);
        run.write_status(&status(EngineState::Finished)).unwrap();
        assert_eq!(summarize(&run).state, "finished");
    }

    #[test]
    fn a_run_whose_engine_only_waits_is_not_active() {
        let dir = tempfile::tempdir().unwrap();
        let run = RunDir::create(&dir.path().join("a"), &Config::default()).unwrap();
        run.write_status(&status(EngineState::Running)).unwrap();
        assert!(!is_active(&run), "its engine died");
        let _lock = run.lock().unwrap();
        for (state, active) in [
            (EngineState::Starting, true),
            (EngineState::Running, true),
            (EngineState::Paused, true),
            (EngineState::Idle, false),
            (EngineState::Finished, false),
            (EngineState::Failed, false),
        ] {
            run.write_status(&status(state)).unwrap();
            assert_eq!(is_active(&run), active, "{state:?}");
        }
    }

    #[test]
    fn an_engine_that_ends_or_begins_meanwhile_is_not_taken_for_a_dead_one() {
        use std::cell::Cell;
        let describe = |(status, alive): (Option<RunStatus>, bool)| state_name(status.as_ref(), alive);
        // What it works on, what remains, and how many looks at it go by before that.
        for (before, after, changes) in [
            ((true, EngineState::Running), (false, EngineState::Finished), 1),
            ((false, EngineState::Finished), (true, EngineState::Running), 1),
        ] {
            let looks = Cell::new(0);
            let now = || {
                looks.set(looks.get() + 1);
                if looks.get() > changes { after } else { before }
            };
            let said = describe(status_and_liveness(|| now().0, || Some(status(now().1))));
            assert_ne!(said, "interrupted", "{before:?} to {after:?}");
        }
        let dead = status_and_liveness(|| false, || Some(status(EngineState::Running)));
        assert_eq!(describe(dead), "interrupted");
    }

    #[test]
    fn a_clock_that_was_set_tells_no_life_and_no_death() {
        let dir = tempfile::tempdir().unwrap();
        let run = RunDir::create(&dir.path().join("a"), &Config::default()).unwrap();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let (now, hour, day) = (now.as_secs_f64(), 3600.0, 86_400.0);
        for heartbeat in [now, now - hour, now + hour, now - day, now + day, 0.0] {
            run.write_status(&RunStatus { pid: std::process::id(), heartbeat, ..status(EngineState::Running) })
                .unwrap();
            assert!(!run.is_engine_alive(), "{heartbeat}");
            assert_eq!(summarize(&run).state, "interrupted", "{heartbeat}");
            let lock = run.lock().unwrap();
            assert!(run.is_engine_alive(), "{heartbeat}");
            assert_eq!(summarize(&run).state, "running", "{heartbeat}");
            drop(lock);
        }
    }

    #[test]
    fn what_lies_in_the_future_is_now() {
        assert_eq!(age_at(100.0, 160.0), 60.0);
        // The clock was set back an hour since.
        assert_eq!(age_at(3700.0, 100.0), 0.0);
        assert_eq!(format_seconds_ago(age_at(3700.0, 100.0)), "now");
        assert_eq!(format_seconds_ago(age_at(100.0, 100.0 + 86_400.0)), "1 d ago");
    }
}
