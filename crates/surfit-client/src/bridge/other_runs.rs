//! The other runs of this machine: listed with what they take on disk, loaded to compare with, watched as they grow, and
//! removed.
//!
//! Sizes are counted in the background, and again only after a change, so that a list that is requested
//! every two seconds walks no large folders. Watched runs are looked at once a second by a thread that reads only what is
//! new and sleeps while there is none, so that neither keys nor drawing wait for a disk.

use super::{BridgeInput, BridgeMessage, BridgeWorker};
use crate::{remove, runs};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant, SystemTime};
use surfit_core::files::{self, FilePath};
use surfit_core::protocol::RunLine;
use surfit_core::run_dir::{EngineNode, EventTail, RunDir};
use surfit_tui::MessageSink;

const RECOUNT_INTERVAL: Duration = Duration::from_secs(30);

/// What a run took, when it was counted, and when the last event of then was written.
#[derive(Clone, Copy, Debug)]
pub(super) struct CountedSize {
    bytes: u64,
    counted_at: Instant,
    last_event_at: Option<SystemTime>,
}

impl CountedSize {
    fn of(run: &Path) -> Self {
        Self { last_event_at: last_event_time(run), bytes: runs::directory_bytes(run), counted_at: Instant::now() }
    }
}

fn last_event_time(run: &Path) -> Option<SystemTime> {
    let events = FilePath::beneath(run, "events.jsonl");
    files::metadata(&events).ok()?.modified().ok()
}

#[derive(Debug, Default)]
pub(super) struct RunSizes {
    counted: BTreeMap<PathBuf, CountedSize>,
    /// A thread counts some.
    counting: bool,
}

impl RunSizes {
    /// Fills in what is known, and returns the runs to count (again).
    fn fill_sizes(&self, lines: &mut [RunLine], again: Duration) -> Vec<PathBuf> {
        for line in &mut *lines {
            line.bytes = self.counted.get(&line.path).map(|k| k.bytes);
        }
        let is_due = |path: &&PathBuf| {
            let is_stale =
                |k: &CountedSize| k.counted_at.elapsed() >= again && k.last_event_at != last_event_time(path);
            self.counted.get(*path).is_none_or(is_stale)
        };
        lines.iter().map(|line| &line.path).filter(is_due).cloned().collect()
    }
}

impl BridgeWorker {
    /// Sends the list of runs at once, and again when sizes that are not known yet are counted.
    pub(super) fn send_runs(&mut self) {
        self.send_runs_and_recount(RECOUNT_INTERVAL);
    }

    /// As [`BridgeWorker::send_runs`]; known sizes are counted again after this time.
    fn send_runs_and_recount(&mut self, again: Duration) {
        let mut lines = (self.list_runs)();
        let due = self.sizes.fill_sizes(&mut lines, again);
        self.send_to_screen(BridgeMessage::Runs(lines));
        if due.is_empty() || self.sizes.counting {
            return;
        }
        let inputs = self.inputs.clone();
        let started = std::thread::Builder::new().name("sizes".into()).spawn(move || {
            let sizes = due.into_iter().map(|path| {
                let size = CountedSize::of(&path);
                (path, size)
            });
            let _ = inputs.send(BridgeInput::SizesCounted(sizes.collect()));
        });
        self.sizes.counting = started.is_ok();
    }

    /// Lists the runs anew: meanwhile some may have come, whose sizes are counted next, and some may be removed.
    pub(super) fn on_sizes_counted(&mut self, sizes: Vec<(PathBuf, CountedSize)>) {
        self.sizes.counted.extend(sizes);
        self.sizes.counting = false;
        // What has changed since it was counted waits for the next request.
        self.send_runs_and_recount(Duration::MAX);
    }
}

pub(super) fn list_run_lines() -> Vec<RunLine> {
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

impl BridgeWorker {
    /// Reads a run on a thread of its own: the events of a long one take a moment.
    pub(super) fn load_run(&mut self, path: PathBuf) {
        let (screen, asked) = (self.screen.clone(), path.clone());
        let read = std::thread::Builder::new().name("other run".into()).spawn(move || {
            let message = match RunDir::open(&path).and_then(|run| run.load_state()) {
                Ok(state) => BridgeMessage::Loaded { path, run_state: Box::new(state) },
                Err(error) => unread_message(path, &error),
            };
            let _ = screen(message.into());
        });
        if let Err(error) = read {
            self.send_to_screen(unread_message(asked, &error));
        }
    }
}

fn unread_message(path: PathBuf, why: &dyn std::fmt::Display) -> BridgeMessage {
    let why = why.to_string();
    BridgeMessage::Unread { path, why }
}

const WATCH_INTERVAL: Duration = Duration::from_secs(1);

/// Runs, each with the number of the last event that is known of it.
type KnownRuns = Vec<(PathBuf, u64)>;

impl BridgeWorker {
    /// Looks at these runs from now on, at no others.
    pub(super) fn watch_runs(&mut self, runs: KnownRuns) {
        let sender = match self.watcher.take() {
            Some(sender) => sender,
            None if runs.is_empty() => return,
            None => match spawn_watcher(self.screen.clone()) {
                Ok(sender) => sender,
                Err(error) => return self.send_problem(&error),
            },
        };
        // The receiving thread may have ended.
        self.watcher = sender.send(runs).is_ok().then_some(sender);
    }
}

fn spawn_watcher(screen: MessageSink) -> std::io::Result<Sender<KnownRuns>> {
    let (sender, requests) = channel();
    std::thread::Builder::new().name("other runs".into()).spawn(move || watch_loop(&requests, &screen))?;
    Ok(sender)
}

fn watch_loop(requests: &Receiver<KnownRuns>, screen: &MessageSink) {
    let mut runs: Vec<OtherRun> = Vec::new();
    loop {
        let request = match runs.is_empty() {
            true => requests.recv().map_err(|_| RecvTimeoutError::Disconnected),
            false => requests.recv_timeout(WATCH_INTERVAL),
        };
        match request {
            Ok(wanted) => runs = wanted.into_iter().filter_map(OtherRun::of).collect(),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        for news in runs.iter_mut().filter_map(OtherRun::poll_changes) {
            if !screen(news.into()) {
                return;
            }
        }
    }
}

struct OtherRun {
    run: RunDir,
    path: PathBuf,
    tail: EventTail,
    snapshot_written: Option<SystemTime>,
}

impl OtherRun {
    /// `None` for a directory that is no run any more.
    fn of((path, seq): (PathBuf, u64)) -> Option<Self> {
        let run = RunDir::open(&path).ok()?;
        Some(Self { tail: EventTail::new(&run.events_path(), seq), run, path, snapshot_written: None })
    }

    /// What is new of it. A file that cannot be read now is read at the next look.
    fn poll_changes(&mut self) -> Option<BridgeMessage> {
        let events = self.tail.read().unwrap_or_default();
        let written = self.run.snapshot_modified_at();
        let snapshot = (written.is_some() && written != self.snapshot_written).then(|| self.run.snapshot()).flatten();
        if snapshot.is_some() {
            self.snapshot_written = written;
        }
        let silent = events.is_empty() && snapshot.is_none();
        (!silent).then(|| BridgeMessage::Grown { path: self.path.clone(), events, snapshot: snapshot.map(Box::new) })
    }
}

impl BridgeWorker {
    /// Removes a run at rest, and reports the remaining runs.
    pub(super) fn remove_run(&mut self, path: &Path) {
        match remove_run_dir(path) {
            Ok(_) if self.removed_reason().is_some() => self.send_removed(),
            Ok(id) => self.send_to_screen(BridgeMessage::Notice(format!("{id} is removed"))),
            Err(error) => self.send_problem(&error),
        }
        remove::remove_stale_runs();
        self.send_runs();
    }

    /// Why nothing can be done with the run that is shown, when its directory was removed.
    pub(super) fn removed_reason(&self) -> Option<String> {
        let run = self.run.as_ref()?;
        let gone = !surfit_core::files::is_file(&run.config_path());
        gone.then(|| {
            format!("{} is removed; what is shown is the last that was known of it, open another run", run.id())
        })
    }

    pub(super) fn send_removed(&self) {
        let Some(why) = self.removed_reason() else {
            return;
        };
        self.send_to_screen(BridgeMessage::Problem(why));
        self.send_to_screen(BridgeMessage::Disconnected { reason: "its directory was removed".into() });
    }
}

/// Removes the directory of a run whose engine is gone, and returns its id.
fn remove_run_dir(path: &Path) -> Result<String, crate::ClientError> {
    let run = RunDir::open(path)?;
    remove::remove_run(&run)?;
    Ok(run.id())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::{FakeEngine, notice, temporary_run, terminal};
    use std::sync::mpsc::channel;
    use surfit_core::config::Config;
    use surfit_core::new_file::{FileContent, NewFile};
    use surfit_core::protocol::{BridgeRequest, ClientMessage, EngineCommand, ServerMessage};

    #[test]
    fn a_run_is_counted_once_and_again_when_something_has_happened() {
        let run = temporary_run();
        std::fs::write(run.dir.join("corners/corner-1.safetensors"), [0; 5000]).unwrap();
        let mut sizes = RunSizes::default();
        let line = RunLine { path: run.dir.path().to_owned(), ..RunLine::default() };
        let mut ask = |again| {
            let mut lines = [line.clone()];
            let due = sizes.fill_sizes(&mut lines, again);
            sizes.counted.extend(due.into_iter().map(|path| (path.clone(), CountedSize::of(&path))));
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

    #[test]
    fn a_list_after_counting_has_the_runs_of_then() {
        let kept = temporary_run();
        let line_of = |path: &Path| RunLine { path: path.to_owned(), ..RunLine::default() };
        let (screen, messages) = terminal();
        let (inputs, queue) = channel();
        let mut worker = BridgeWorker::new(screen, inputs, false);
        let mut refresh = |listed: &[&Path], counted: Option<BridgeInput>| {
            let lines: Vec<RunLine> = listed.iter().map(|path| line_of(path)).collect();
            worker.list_runs = Box::new(move || lines.clone());
            match counted {
                Some(counted) => worker.on_input(counted),
                None => worker.send_runs(),
            }
            match messages.try_recv() {
                Ok(ServerMessage::Bridge(BridgeMessage::Runs(lines))) => {
                    lines.into_iter().map(|line| (line.path, line.bytes)).collect::<Vec<_>>()
                }
                other => panic!("{other:?}"),
            }
        };
        let removed = Path::new("/no/such/run");
        let counted = || Some(queue.recv_timeout(Duration::from_secs(10)).unwrap());
        assert_eq!(refresh(&[removed], None), [(removed.into(), None)]);
        // It is removed and another one begins before the sizes are there.
        assert_eq!(refresh(&[kept.dir.path()], None), [(kept.dir.path().into(), None)]);
        let path = kept.dir.path().to_owned();
        assert_eq!(refresh(&[&path], counted()), [(path.clone(), None)], "the one that is removed comes back");
        let bytes = runs::directory_bytes(&path);
        assert_eq!(refresh(&[&path], counted()), [(path, Some(bytes))], "the other one is counted by itself");
    }

    #[test]
    fn a_run_that_is_shown_and_removed_does_not_come_back() {
        let dir = tempfile::tempdir().unwrap();
        let run = RunDir::create(&dir.path().join("a"), &Config::default()).unwrap();
        let (screen, messages) = terminal();
        let mut worker = BridgeWorker::new(screen, channel().0, false);
        worker.open_run(run.clone());
        worker.on_input(BridgeInput::Terminal(BridgeRequest::RemoveRun(run.path().to_owned()).into()));
        let all: Vec<ServerMessage> = messages.try_iter().collect();
        let said = |m: &ServerMessage| matches!(m, ServerMessage::Bridge(BridgeMessage::Problem(why)) if why.contains("a is removed"));
        assert!(all.iter().any(said), "{all:?}");
        let file = NewFile {
            path: run.path().join("figures/losses.csv"),
            replace: false,
            content: FileContent::Text(String::new()),
        };
        let (id, command) = (7, EngineCommand::Measure);
        for message in [
            BridgeRequest::Figures.into(),
            BridgeRequest::Write(Box::new(file)).into(),
            BridgeRequest::ResumeEngine(None).into(),
            ClientMessage::Command { id, command },
        ] {
            worker.on_input(BridgeInput::Terminal(message.clone()));
            let came = messages.try_recv().expect("an answer at once");
            let refused = said(&came) || matches!(&came, ServerMessage::Reply { id: 7, error: Some(_), .. });
            assert!(refused, "{message:?}: {came:?}");
            messages.try_iter().for_each(drop);
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
