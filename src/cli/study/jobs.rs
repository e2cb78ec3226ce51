//! Doing several runs, a few at a time. A run that is finished is not done again, one that was begun goes on.

use super::super::fault::Fault;
use crate::client::{self, Launch};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::path::PathBuf;
use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use surfit_core::config::Config;
use surfit_core::event::Finished;
use surfit_core::run_dir::RunDir;

/// One run to do.
#[derive(Clone, Debug)]
pub struct Job {
    /// The variant's name.
    pub variant: String,
    /// Its seed.
    pub seed: u64,
    /// Its directory.
    pub dir: PathBuf,
    /// Its configuration.
    pub config: Config,
}

impl Job {
    /// The run, when it was begun.
    ///
    /// # Errors
    /// When it was begun with another configuration: its results would be shown under settings that it did not have.
    pub fn begun(&self) -> Result<Option<RunDir>, Fault> {
        if !self.dir.join("config.toml").is_file() {
            return Ok(None);
        }
        let run = RunDir::open(&self.dir)?;
        if run.config()? != self.config {
            return Err(Fault::Usage(format!(
                "{} was begun with another configuration; give another --dir (or --run-dir), or remove it to begin anew",
                run.path().display()
            )));
        }
        Ok(Some(run))
    }
}

/// A run whose engine works.
struct Working {
    number: usize,
    run: RunDir,
    began: Instant,
    /// `None` when somebody else started the engine.
    child: Option<Child>,
}

const POLL: Duration = Duration::from_millis(100);

/// Does the jobs, `parallel` of them at a time, and says a line about each. When asked to stop, the engines make a checkpoint
/// and end; the same call goes on from there. A terminal that goes away stops nothing.
pub fn work(jobs: &[Job], parallel: usize, say: &mut dyn FnMut(String)) -> Result<(), Fault> {
    client::engine_program()?;
    // All of them before the first begins: hours later it would be late to say that one cannot.
    for job in jobs {
        job.begun()?;
    }
    let (stop, hangup): (Arc<AtomicBool>, Arc<AtomicBool>) = Default::default();
    for (signal, flag) in [(SIGINT, &stop), (SIGTERM, &stop), (SIGHUP, &hangup)] {
        signal_hook::flag::register(signal, flag.clone())
            .map_err(|e| Fault::Failure(format!("listening for signals: {e}")))?;
    }
    let mut waiting = jobs.iter().enumerate();
    let mut working: Vec<Working> = Vec::new();
    let mut failed: Vec<String> = Vec::new();
    let mut broken: Option<Fault> = None;
    loop {
        while broken.is_none()
            && !stop.load(Ordering::Relaxed)
            && working.len() < parallel.max(1)
            && let Some((index, job)) = waiting.next()
        {
            let number = index + 1;
            match begin(number, job) {
                Ok(Begun::Working(job)) => working.push(job),
                Ok(Begun::Done(f)) => say(line(number, jobs, job, &f, None)),
                // The others would fare no better; those that work come to their end first.
                Err(fault) => broken = Some(fault),
            }
        }
        if stop.load(Ordering::Relaxed) {
            return Err(halt(working));
        }
        if working.is_empty() {
            break;
        }
        std::thread::sleep(POLL);
        let mut still = Vec::new();
        for mut job in working {
            let ended = match &mut job.child {
                Some(child) => child.try_wait().is_ok_and(|status| status.is_some()),
                None => !job.run.is_alive(),
            };
            if !ended {
                still.push(job);
                continue;
            }
            let of = &jobs[job.number - 1];
            match came_to(&job.run) {
                Ok(f) => say(line(job.number, jobs, of, &f, Some(job.began.elapsed()))),
                Err(why) => {
                    say(format!("{} {}: {why}", place(job.number, jobs), name(of)));
                    failed.push(name(of));
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
    Err(Fault::Failure(format!(
        "{} of {} runs did not come to their end: {}; call it again to try them again",
        failed.len(),
        jobs.len(),
        failed.join(", ")
    )))
}

/// A job that was begun.
enum Begun {
    /// Its engine works.
    Working(Working),
    /// It was finished before.
    Done(Finished),
}

fn begin(number: usize, job: &Job) -> Result<Begun, Fault> {
    let run = open(job)?;
    if let Some(finished) = run.picture()?.finished {
        return Ok(Begun::Done(finished));
    }
    let how = Launch {
        wait: false,
        linger: Some(0),
    };
    let child = match run.is_alive() {
        true => None,
        false => Some(client::launch(&run, how)?),
    };
    Ok(Begun::Working(Working {
        number,
        run,
        began: Instant::now(),
        child,
    }))
}

/// What a run whose engine has ended came to, or why it came to nothing.
fn came_to(run: &RunDir) -> Result<Finished, String> {
    let picture = run.picture().map_err(|e| e.to_string())?;
    picture.finished.ok_or_else(|| {
        picture
            .failed
            .unwrap_or_else(|| format!("its engine ended; look at {}", run.log_path().display()))
    })
}

/// Lets all engines make a checkpoint and end.
fn halt(working: Vec<Working>) -> Fault {
    const ENDING: Duration = Duration::from_secs(30);
    for job in &working {
        let pid = job.child.as_ref().and_then(|c| i32::try_from(c.id()).ok());
        if let Some(pid) = pid.and_then(rustix::process::Pid::from_raw) {
            // An engine that has just ended needs no signal.
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
    }
    let mut others = Vec::new();
    for mut job in working {
        match &mut job.child {
            Some(child) => {
                client::wait_gone(&job.run, ENDING);
                let _ = child.try_wait();
            }
            // Whoever started it decides when it ends.
            None => others.push(job.run.id()),
        }
    }
    if !others.is_empty() {
        return Fault::Interrupted(format!(
            "stopped, but for {}, whose engine was started elsewhere and goes on",
            others.join(", ")
        ));
    }
    Fault::Interrupted("stopped; what was reached is kept".into())
}

/// The run of a job: the one that was begun, or a new one.
fn open(job: &Job) -> Result<RunDir, Fault> {
    match job.begun()? {
        Some(run) => Ok(run),
        None => Ok(RunDir::create(&job.dir, &job.config)?),
    }
}

fn place(number: usize, jobs: &[Job]) -> String {
    let width = jobs.len().to_string().len();
    format!("[{number:>width$}/{}]", jobs.len())
}

fn name(job: &Job) -> String {
    format!("{} seed {}", job.variant, job.seed)
}

fn line(number: usize, jobs: &[Job], job: &Job, f: &Finished, took: Option<Duration>) -> String {
    let percent = |x: f64| format!("{:.2} %", 100.0 * x);
    let test = f
        .best_test
        .map(|t| format!(", test {}", percent(t)))
        .unwrap_or_default();
    let took = took.map_or("done before".into(), |t| {
        format!("{:.0} s", t.as_secs_f64())
    });
    format!(
        "{} {}: interior {}, best {}{test} ({took})",
        place(number, jobs),
        name(job),
        percent(f.interior_mean),
        percent(f.best.accuracy)
    )
}
