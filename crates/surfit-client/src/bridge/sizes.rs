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
const AGAIN: Duration = Duration::from_secs(30);

/// What a run took, when it was counted, and when the last event of then was written.
#[derive(Clone, Copy, Debug)]
struct CountedSize {
    bytes: u64,
    at: Instant,
    written: Option<SystemTime>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct RunSizes {
    known: Arc<Mutex<BTreeMap<PathBuf, CountedSize>>>,
    /// A thread counts.
    counting: Arc<AtomicBool>,
}

/// When something last happened to a run.
fn written(run: &Path) -> Option<SystemTime> {
    let events = FilePath::beneath(run, "events.jsonl");
    files::metadata(&events).ok()?.modified().ok()
}

impl RunSizes {
    fn known(&self) -> MutexGuard<'_, BTreeMap<PathBuf, CountedSize>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fills in what is known, and has the rest counted.
    fn fill(&self, lines: &mut [RunLine], again: Duration) {
        let mut due = Vec::new();
        for line in lines {
            let known = self.known().get(&line.path).copied();
            line.bytes = known.map(|k| k.bytes);
            let stale =
                |k: CountedSize| k.at.elapsed() >= again && k.written != written(&line.path);
            if known.is_none_or(stale) {
                due.push(line.path.clone());
            }
        }
        if due.is_empty() || self.counting.swap(true, Ordering::AcqRel) {
            return;
        }
        let sizes = self.clone();
        let started = std::thread::Builder::new()
            .name("sizes".into())
            .spawn(move || {
                for path in due {
                    let counted = CountedSize {
                        written: written(&path),
                        bytes: runs::bytes(&path),
                        at: Instant::now(),
                    };
                    sizes.known().insert(path, counted);
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
        let mut lines = listed();
        self.sizes.fill(&mut lines, AGAIN);
        lines
    }
}

/// The runs there are, for the screen.
fn listed() -> Vec<RunLine> {
    let here = EngineNode::here();
    runs::list()
        .into_iter()
        .map(|line| RunLine {
            data: line.data,
            id: line.run,
            path: line.dir,
            alive: line.alive,
            state: line.state.into_owned(),
            best: line.best.map(|p| p.accuracy),
            when: line.began.map(runs::ago).unwrap_or_default(),
            stage: line.stage,
            done: line.done,
            total: line.total,
            degrees: line.degrees,
            network: line.network,
            loss: line.best.map(|p| p.loss),
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
    use crate::fake::{FakeEngine, notice, run};

    #[test]
    fn a_run_is_counted_once_and_again_when_something_has_happened() {
        let run = run();
        std::fs::write(run.dir.join("corners/corner-1.safetensors"), [0; 5000]).unwrap();
        let sizes = RunSizes::default();
        let line = RunLine {
            path: run.dir.path().to_owned(),
            ..RunLine::default()
        };
        let ask = |again| {
            let mut lines = [line.clone()];
            sizes.fill(&mut lines, again);
            while sizes.counting.load(Ordering::Acquire) {
                std::thread::yield_now();
            }
            lines[0].bytes
        };
        assert_eq!(ask(AGAIN), None, "nobody waits for it");
        let first = ask(AGAIN).expect("bytes");
        assert!(first > 5000 && first == runs::bytes(run.dir.path()));
        // Files alone do not have it counted again.
        std::fs::write(run.dir.join("corners/corner-2.safetensors"), [0; 5000]).unwrap();
        ask(Duration::ZERO);
        assert_eq!(ask(Duration::ZERO), Some(first));
        FakeEngine::open(&run.dir).event(notice("a checkpoint"));
        ask(AGAIN);
        assert_eq!(ask(AGAIN), Some(first), "not so soon");
        ask(Duration::ZERO);
        assert!(ask(Duration::ZERO) > Some(first + 5000));
    }
}
