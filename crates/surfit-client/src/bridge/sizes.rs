//! The list of runs, with what each takes on disk: counted in the background, and again only where something has happened
//! since, so that a list that is asked for every two seconds walks no large folders.

use super::BridgeWorker;
use crate::runs;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};
use surfit_core::files::{self, FilePath};
use surfit_core::run_dir::EngineNode;
use surfit_tui::RunLine;

/// Least time between two counts of a run.
const RECOUNT_INTERVAL: Duration = Duration::from_secs(30);

/// What a run took, when it was counted, and when the last event of then was written.
#[derive(Clone, Copy, Debug)]
struct CountedSize {
    bytes: u64,
    counted_at: Instant,
    last_event_at: Option<SystemTime>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct RunSizes {
    counted: Arc<Mutex<BTreeMap<PathBuf, CountedSize>>>,
    /// A thread counts.
    counting: Arc<AtomicBool>,
}

/// When something last happened to a run.
fn last_event_time(run: &Path) -> Option<SystemTime> {
    let events = FilePath::beneath(run, "events.jsonl");
    files::metadata(&events).ok()?.modified().ok()
}

impl RunSizes {
    fn lock_counted(&self) -> MutexGuard<'_, BTreeMap<PathBuf, CountedSize>> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fills in what is known, and has the rest counted.
    fn fill_sizes(&self, lines: &mut [RunLine], again: Duration) {
        let mut due = Vec::new();
        for line in lines {
            let known = self.lock_counted().get(&line.path).copied();
            line.bytes = known.map(|k| k.bytes);
            let stale =
                |k: CountedSize| k.counted_at.elapsed() >= again && k.last_event_at != last_event_time(&line.path);
            if known.is_none_or(stale) {
                due.push(line.path.clone());
            }
        }
        if due.is_empty() || self.counting.swap(true, Ordering::AcqRel) {
            return;
        }
        let sizes = self.clone();
        let started = std::thread::Builder::new().name("sizes".into()).spawn(move || {
            for path in due {
                let counted = CountedSize {
                    last_event_at: last_event_time(&path),
                    bytes: runs::directory_bytes(&path),
                    counted_at: Instant::now(),
                };
                sizes.lock_counted().insert(path, counted);
            }
            sizes.counting.store(false, Ordering::Release);
        });
        if started.is_err() {
            self.counting.store(false, Ordering::Release);
        }
    }
}

impl BridgeWorker {
    /// The runs there are, for the screen.
    pub(super) fn run_lines(&self) -> Vec<RunLine> {
        let mut lines = list_run_lines();
        self.sizes.fill_sizes(&mut lines, RECOUNT_INTERVAL);
        lines
    }
}

/// The runs there are, for the screen.
fn list_run_lines() -> Vec<RunLine> {
    let here = EngineNode::current();
    runs::list()
        .into_iter()
        .map(|line| RunLine {
            data: line.data,
            id: line.run,
            path: line.dir,
            alive: line.alive,
            state: line.state.into_owned(),
            best: line.best.map(|p| p.accuracy),
            when: line.began.map(runs::format_time_ago).unwrap_or_default(),
            stage: line.stage,
            done: line.done,
            total: line.total,
            degrees: line.degrees,
            network: line.network,
            loss: line.best.map(|p| p.loss),
            other_metrics: line.best.map(|p| p.metrics).unwrap_or_default(),
            begun: line.began,
            bytes: None,
            on_other_node: line.node.as_ref().is_some_and(|node| *node != here.host),
            node: line.node,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::{FakeEngine, notice, temporary_run};

    #[test]
    fn a_run_is_counted_once_and_again_when_something_has_happened() {
        let run = temporary_run();
        std::fs::write(run.dir.join("corners/corner-1.safetensors"), [0; 5000]).unwrap();
        let sizes = RunSizes::default();
        let line = RunLine { path: run.dir.path().to_owned(), ..RunLine::default() };
        let ask = |again| {
            let mut lines = [line.clone()];
            sizes.fill_sizes(&mut lines, again);
            while sizes.counting.load(Ordering::Acquire) {
                std::thread::yield_now();
            }
            lines[0].bytes
        };
        assert_eq!(ask(RECOUNT_INTERVAL), None, "nobody waits for it");
        let first = ask(RECOUNT_INTERVAL).expect("bytes");
        assert!(first > 5000 && first == runs::directory_bytes(run.dir.path()));
        // Files alone do not have it counted again.
        std::fs::write(run.dir.join("corners/corner-2.safetensors"), [0; 5000]).unwrap();
        ask(Duration::ZERO);
        assert_eq!(ask(Duration::ZERO), Some(first));
        FakeEngine::open(&run.dir).append_event(notice("a checkpoint"));
        ask(RECOUNT_INTERVAL);
        assert_eq!(ask(RECOUNT_INTERVAL), Some(first), "not so soon");
        ask(Duration::ZERO);
        assert!(ask(Duration::ZERO) > Some(first + 5000));
    }
}
