//! Runs several jobs, a few at a time. A finished run is not repeated, and an unfinished one is resumed. A run that another
//! runner works on is left to it: this one does others meanwhile, and waits for it at the end.

use super::super::error::CliError;
use super::super::run::open_matching_run;
use rustix::process::Signal;
use std::collections::VecDeque;
use std::path::PathBuf;
use std::process::Child;
use std::time::{Duration, Instant};
use surfit_client::EngineLaunch;
use surfit_client::signals::{Signals, StopRequest};
use surfit_core::config::Config;
use surfit_core::event::JobResult;
use surfit_core::run_dir::{RunDir, RunError};

const DONE_BY_OTHER_RUNNER: &str = "done by another runner";

#[derive(Clone, Debug)]
pub struct StudyJob {
    pub variant: String,
    pub seed: u64,
    pub dir: PathBuf,
    pub config: Config,
}

impl StudyJob {
    /// Returns the run, if it exists.
    ///
    /// # Errors
    /// If it has another configuration: its results would be reported under the wrong settings.
    pub fn existing_run(&self) -> Result<Option<RunDir>, CliError> {
        if !self.dir.join("config.toml").is_file() {
            return Ok(None);
        }
        open_matching_run(&self.dir, &self.config).map(Some)
    }
}

/// A run whose engine was started here.
struct RunningJob {
    number: usize,
    run: RunDir,
    began: Instant,
    child: Child,
}

#[derive(Clone, Copy)]
struct PendingRun {
    /// Its place in the list, from 1.
    number: usize,
    /// Engines started here when another runner had the run already.
    attempts: usize,
    /// A line about the other runner was printed.
    wait_reported: bool,
}

const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Time between two checks of runs of other runners, whose files may be on another machine.
const OTHER_RUNNERS_POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Engines that may fail to lock a run before it counts as failed.
const MAX_ATTEMPTS: usize = 3;

/// Runs the jobs, `parallel` of them at a time, and reports a line about each. On a stop request the engines write a checkpoint
/// and end; the same command continues from there. A hang-up stops nothing.
pub fn run_jobs(jobs: &[StudyJob], parallel: usize, report: &mut dyn FnMut(String)) -> Result<(), CliError> {
    surfit_client::engine_program()?;
    // All of them before the first starts, so that an error shows at once.
    for job in jobs {
        job.existing_run()?;
    }
    let signals = Signals::install_handlers()?;
    let mut waiting: VecDeque<PendingRun> =
        (1..=jobs.len()).map(|number| PendingRun { number, attempts: 0, wait_reported: false }).collect();
    let mut working: Vec<(RunningJob, PendingRun)> = Vec::new();
    let mut others: Vec<PendingRun> = Vec::new();
    let mut failed: Vec<String> = Vec::new();
    let mut broken: Option<CliError> = None;
    let mut looked = Instant::now();
    loop {
        while broken.is_none() && working.len() < parallel.max(1) {
            let Some(mut pending) = waiting.pop_front() else {
                break;
            };
            let job = &jobs[pending.number - 1];
            match start_job(pending.number, job) {
                Ok(StartedJob::Working(work)) => working.push((work, pending)),
                Ok(StartedJob::Done(f)) => {
                    let how = match pending.wait_reported {
                        true => DONE_BY_OTHER_RUNNER,
                        false => "already done",
                    };
                    report(result_line(pending.number, jobs, job, &f, how));
                }
                Ok(StartedJob::OtherRunner(whose)) => {
                    if !std::mem::replace(&mut pending.wait_reported, true) {
                        let place = position_label(pending.number, jobs);
                        report(format!("{place} {}: {whose}; waiting for it", job_name(job)));
                    }
                    others.push(pending);
                }
                // The others would fail too; the running ones finish first.
                Err(fault) => broken = Some(fault),
            }
        }
        if signals.checkpoint_request() {
            working.iter().for_each(|(work, _)| work.send_signal(Signal::USR1));
        }
        if signals.stop_request().is_some() {
            return Err(stop_engines(working, &signals));
        }
        if working.is_empty() && (others.is_empty() || broken.is_some()) {
            break;
        }
        std::thread::sleep(POLL_INTERVAL);
        if looked.elapsed() > OTHER_RUNNERS_POLL_INTERVAL {
            looked = Instant::now();
            // Finished, or abandoned by a runner that is gone.
            let is_over = |p: &PendingRun| {
                let dir = RunDir::open(&jobs[p.number - 1].dir);
                dir.map_or(true, |run| !run.is_engine_alive())
            };
            let over = others.extract_if(.., |p| is_over(p));
            waiting.extend(over);
        }
        let mut still = Vec::new();
        for (mut work, mut pending) in working {
            let Ok(Some(status)) = work.child.try_wait() else {
                still.push((work, pending));
                continue;
            };
            let job = &jobs[work.number - 1];
            match job_outcome(&work.run) {
                Ok(f) => {
                    // An engine that could not have the run fails, although another one has done it by now.
                    let how = match status.success() {
                        true => format!("{:.0} s", work.began.elapsed().as_secs_f64()),
                        false => DONE_BY_OTHER_RUNNER.into(),
                    };
                    report(result_line(work.number, jobs, job, &f, &how));
                }
                // A batch system may have signalled the engine too, a moment before this process.
                Err(_) if signals.await_stop() => {}
                // It could not have the run: another runner has it, or had it until just now.
                Err(RunFailure::Ended(_))
                    if work.run.is_engine_alive()
                        || status.code() == Some(1) && pending.attempts + 1 < MAX_ATTEMPTS =>
                {
                    pending.attempts += 1;
                    others.push(pending);
                }
                Err(RunFailure::Ended(why) | RunFailure::Failed(why)) => {
                    report(format!("{} {}: {why}", position_label(work.number, jobs), job_name(job)));
                    failed.push(job_name(job));
                }
            }
        }
        working = still;
    }
    if let Some(fault) = broken {
        return Err(fault);
    }
    if failed.is_empty() {
        return Ok(());
    }
    Err(CliError::Failure(format!(
        "{} of {} runs failed: {}; repeat the command to retry them",
        failed.len(),
        jobs.len(),
        failed.join(", ")
    )))
}

enum StartedJob {
    Working(RunningJob),
    /// It was finished before.
    Done(JobResult),
    /// Another runner works on it; a clause for the report.
    OtherRunner(String),
}

fn start_job(number: usize, job: &StudyJob) -> Result<StartedJob, CliError> {
    let run = open_or_create_run(job)?;
    // Checked before its events are read, which are complete if the engine is gone.
    let alive = run.is_engine_alive();
    if let Some(finished) = run.load_state()?.finished {
        return Ok(StartedJob::Done(finished));
    }
    if alive {
        let node = run.unreachable_engine_node().map(|node| format!(" on {}", node.name()));
        let node = node.unwrap_or_default();
        return Ok(StartedJob::OtherRunner(format!("another runner works on it{node}")));
    }
    let how = EngineLaunch { wait: false, linger: Some(0) };
    Ok(StartedJob::Working(RunningJob {
        child: surfit_client::spawn_engine(&run, how)?,
        number,
        run,
        began: Instant::now(),
    }))
}

impl RunningJob {
    fn send_signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok();
        if let Some(pid) = pid.and_then(rustix::process::Pid::from_raw) {
            // An engine that has just ended needs no signal.
            let _ = rustix::process::kill_process(pid, signal);
        }
    }
}

/// Why a run without an engine has no result.
enum RunFailure {
    Failed(String),
    /// Its engine ended without a reason.
    Ended(String),
}

/// Returns the result of a run whose engine has ended, or why there is none.
fn job_outcome(run: &RunDir) -> Result<JobResult, RunFailure> {
    let run_state = run.load_state().map_err(|e| RunFailure::Failed(e.to_string()))?;
    let failed = run_state.failed;
    run_state.finished.ok_or_else(|| match failed {
        Some(why) => RunFailure::Failed(why),
        None => RunFailure::Ended(format!("its engine ended; see {}", run.log_path().display())),
    })
}

/// Makes all engines that were started here write a checkpoint and end, and waits for them until the next stop request.
fn stop_engines(mut working: Vec<(RunningJob, PendingRun)>, signals: &Signals) -> CliError {
    for (work, _) in &working {
        work.send_signal(Signal::TERM);
    }
    loop {
        // Not by the lock, which another runner may take at once.
        working.retain_mut(|(work, _)| work.child.try_wait().is_ok_and(|status| status.is_none()));
        if working.is_empty() {
            break;
        }
        if signals.stop_request() == Some(StopRequest::ExitNow) {
            return CliError::Interrupted("left while the engines were ending; repeat the command to continue".into());
        }
        std::thread::sleep(POLL_INTERVAL / 5);
    }
    CliError::Interrupted("stopped after a checkpoint; repeat the command to continue".into())
}

fn open_or_create_run(job: &StudyJob) -> Result<RunDir, CliError> {
    match job.existing_run()? {
        Some(run) => Ok(run),
        None => match RunDir::create(&job.dir, &job.config) {
            // Another runner was faster.
            Err(error @ RunError::Exists(_)) => job.existing_run()?.ok_or_else(|| error.into()),
            created => Ok(created?),
        },
    }
}

fn position_label(number: usize, jobs: &[StudyJob]) -> String {
    let width = jobs.len().to_string().len();
    format!("[{number:>width$}/{}]", jobs.len())
}

fn job_name(job: &StudyJob) -> String {
    format!("{} seed {}", job.variant, job.seed)
}

fn result_line(number: usize, jobs: &[StudyJob], job: &StudyJob, f: &JobResult, how: &str) -> String {
    let percent = |x: f64| format!("{:.2} %", 100.0 * x);
    let test = f.best_test.map(|t| format!(", test {}", percent(t))).unwrap_or_default();
    format!(
        "{} {}: interior {}, best {}{test} ({how})",
        position_label(number, jobs),
        job_name(job),
        percent(f.interior_mean),
        percent(f.best.accuracy)
    )
}
