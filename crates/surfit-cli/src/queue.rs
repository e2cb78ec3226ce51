//! `surfit queue`: manages the job queue.

use super::args::{QueueArgs, QueueSub};
use super::error::CliError;
use super::preflight::check_runnable;
use super::{fork, output, run_lookup};
use surfit_client::queue::{FitQueue, QueuedFit, QueuedFitEnd, RunnerEnd, RunnerNews};
use surfit_client::signals::Signals;
use surfit_core::config;
use surfit_core::run_dir::{EngineNode, RunDir};

/// Adds, lists, removes or runs fits.
pub fn run_command(args: QueueArgs) -> Result<(), CliError> {
    let queue = FitQueue::open();
    match args.command {
        QueueSub::Add(args) => {
            // All of them are read before the first is added.
            let configs =
                args.configs.iter().map(|path| config::load(path, &args.sets)).collect::<Result<Vec<_>, _>>()?;
            for (config, path) in configs.iter().zip(&args.configs) {
                check_runnable(config, &path.display().to_string())?;
            }
            for config in &configs {
                let entry = queue.add_config(config)?;
                print_entry(&entry, args.json)?;
            }
            print_start_hint(&queue, args.json, "them")
        }
        QueueSub::Fork(args) => {
            let run = run_lookup::find_run(&args.run)?;
            let degrees = fork::parse_degrees(&run, &args.degree)?
                .ok_or_else(|| CliError::Usage("give the degree as --degree M N".into()))?;
            print_entry(&queue.add_fork(&run, degrees)?, args.json)?;
            print_start_hint(&queue, args.json, "it")
        }
        QueueSub::Ls { json } => {
            let all = queue.entries();
            all.iter().try_for_each(|entry| print_entry(entry, json))?;
            if json {
                return Ok(());
            }
            output::print_line(queue_status_text(&queue, all.is_empty())?)
        }
        QueueSub::Rm { numbers } => {
            for number in numbers {
                let entry = queue.remove(number)?;
                let begun = entry.run.and_then(|path| RunDir::open(&path).ok());
                let begun = begun.map_or_else(String::new, |run| format!("; its run stays as {}", run.id()));
                output::print_line(format!("removed {number} {} from the queue{begun}", entry.title))?;
            }
            Ok(())
        }
        QueueSub::Start { detach } => {
            if detach {
                queue.start_runner()?;
                return output::print_line(match EngineNode::current().job.as_deref() {
                    Some(job) => {
                        format!("the queue runs until {job} ends; use `exec surfit queue start` as the job")
                    }
                    None => "the queue is running".into(),
                });
            }
            let (mut failed, mut begun) = (Vec::new(), false);
            let signals = Signals::install_handlers()?;
            let end = queue.run_queue(&signals, &mut |entry, news| {
                begun = true;
                // A closed pipe is no reason to end the work.
                let _ = output::print_line(describe_news(entry, news));
                if let RunnerNews::Ended(QueuedFitEnd::Failed(why)) = news {
                    failed.push(format!("number {} ({why})", entry.number));
                }
            })?;
            match end {
                RunnerEnd::AlreadyRunning => output::print_line("the queue is already running in another process"),
                RunnerEnd::Stopped => Err(CliError::Interrupted("stopped; continue with `surfit queue start`".into())),
                RunnerEnd::Abandoned => Err(CliError::Interrupted(
                    "left while the engine was ending; continue with `surfit queue start`".into(),
                )),
                RunnerEnd::Empty if !begun => {
                    output::print_line("the queue is empty; add a fit with `surfit queue add CONFIG`")
                }
                RunnerEnd::Empty if failed.is_empty() => Ok(()),
                RunnerEnd::Empty => Err(CliError::Failure(format!("failed: {}", failed.join(", ")))),
            }
        }
    }
}

/// Prints how to start the queue, unless it is running.
fn print_start_hint(queue: &FitQueue, json: bool, what: &str) -> Result<(), CliError> {
    if json || queue.has_runner()? {
        return Ok(());
    }
    output::print_line(format!("start {what} with `surfit queue start`"))
}

/// Describes whether the queue runs, and names its log.
fn queue_status_text(queue: &FitQueue, empty: bool) -> Result<String, CliError> {
    let how = match (empty, queue.has_runner()?) {
        (true, _) => "the queue is empty",
        (false, true) => "the queue is running",
        (false, false) => "the queue is not running; start it with `surfit queue start`",
    };
    let log = queue.existing_log().map_or_else(String::new, |log| format!("; its log is {}", log.display()));
    Ok(format!("{how}{log}"))
}

fn print_entry(entry: &QueuedFit, json: bool) -> Result<(), CliError> {
    let run = entry.run.as_deref();
    if json {
        return output::print_json(&serde_json::json!({
            "number": entry.number, "title": entry.title, "run": run,
        }));
    }
    let state = match run.and_then(|p| RunDir::open(p).ok()) {
        Some(run) if run.is_engine_alive() => format!("running as {}", run.id()),
        Some(run) => format!("started as {}", run.id()),
        None => "waiting".into(),
    };
    output::print_line(format!("{:>4}  {}  {state}", entry.number, entry.title))
}

fn describe_news(entry: &QueuedFit, news: &RunnerNews) -> String {
    let run = entry.run.as_ref().and_then(|p| p.file_name());
    let run = run.map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    let what = match news {
        RunnerNews::Waiting => "is waiting: a fit of another queue is running on this machine".into(),
        RunnerNews::Started => format!("started as {run}"),
        RunnerNews::Ended(QueuedFitEnd::Finished) => format!("is finished: {run}"),
        RunnerNews::Ended(QueuedFitEnd::Stopped) => format!("was stopped: {run}"),
        RunnerNews::Ended(QueuedFitEnd::Failed(why)) => format!("failed: {why}"),
        RunnerNews::ShutdownBlocked(why) => format!("is still running: {why}"),
        RunnerNews::Halted => {
            format!("is stopped and continues with the next `surfit queue start`: {run}")
        }
    };
    format!("{} {} {what}", entry.number, entry.title)
}
