//! `surfit queue`: fits that wait for their turn.

use super::args::{QueueArgs, QueueSub};
use super::error::CliError;
use super::preflight::check_runnable;
use super::{fork, output, run_lookup};
use surfit_client::queue::{FitQueue, QueuedFit, QueuedFitEnd, RunnerEnd, RunnerNews};
use surfit_client::signals::Signals;
use surfit_core::config;
use surfit_core::run_dir::{EngineNode, RunDir};

/// Adds, lists, removes, or works.
pub fn queue(args: QueueArgs) -> Result<(), CliError> {
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
                .ok_or_else(|| CliError::Usage("give the degree with --degree M N".into()))?;
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
                let begun =
                    begun.map_or_else(String::new, |run| format!("; what was begun of it stays as {}", run.id()));
                output::print_line(format!("{number} {} is out of the queue{begun}", entry.title))?;
            }
            Ok(())
        }
        QueueSub::Start { detach } => {
            if detach {
                queue.start_runner()?;
                return output::print_line(match EngineNode::current().job.as_deref() {
                    Some(job) => {
                        format!("the queue is worked on until {job} ends; let `exec surfit queue start` be the job")
                    }
                    None => "the queue is worked on".into(),
                });
            }
            let (mut failed, mut begun) = (Vec::new(), false);
            let signals = Signals::listen()?;
            let end = queue.run_queue(&signals, &mut |entry, news| {
                begun = true;
                // A closed pipe is no reason to end the work.
                let _ = output::print_line(describe_news(entry, news));
                if let RunnerNews::Ended(QueuedFitEnd::Failed(why)) = news {
                    failed.push(format!("number {} ({why})", entry.number));
                }
            })?;
            match end {
                RunnerEnd::AlreadyRunning => output::print_line("the queue is worked on by another process"),
                RunnerEnd::Stopped => {
                    Err(CliError::Interrupted("stopped; `surfit queue start` goes on with the queue".into()))
                }
                RunnerEnd::Abandoned => Err(CliError::Interrupted(
                    "left while the engine was ending; `surfit queue start` goes on with the queue".into(),
                )),
                RunnerEnd::Empty if !begun => {
                    output::print_line("the queue is empty; `surfit queue add CONFIG` puts a fit into it")
                }
                RunnerEnd::Empty if failed.is_empty() => Ok(()),
                RunnerEnd::Empty => Err(CliError::Failure(format!("failed: {}", failed.join(", ")))),
            }
        }
    }
}

/// Says how what was added comes to its turn, when nobody sees to it.
fn print_start_hint(queue: &FitQueue, json: bool, what: &str) -> Result<(), CliError> {
    if json || queue.has_runner()? {
        return Ok(());
    }
    output::print_line(format!("`surfit queue start` works on {what}"))
}

/// Whether somebody works on the queue, and where to read what became of its fits.
fn queue_status_text(queue: &FitQueue, empty: bool) -> Result<String, CliError> {
    let how = match (empty, queue.has_runner()?) {
        (true, _) => "the queue is empty",
        (false, true) => "the queue is worked on",
        (false, false) => "nobody works on the queue; `surfit queue start` does",
    };
    let log = queue
        .existing_log()
        .map_or_else(String::new, |log| format!("; what became of its fits is in {}", log.display()));
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
        Some(run) if run.is_engine_alive() => format!("under way as {}", run.id()),
        Some(run) => format!("begun as {}", run.id()),
        None => "waits".into(),
    };
    output::print_line(format!("{:>4}  {}  {state}", entry.number, entry.title))
}

fn describe_news(entry: &QueuedFit, news: &RunnerNews) -> String {
    let run = entry.run.as_ref().and_then(|p| p.file_name());
    let run = run.map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    let what = match news {
        RunnerNews::Waiting => "waits: a fit of another queue is under way on this machine".into(),
        RunnerNews::Started => format!("began as {run}"),
        RunnerNews::Ended(QueuedFitEnd::Finished) => format!("is finished: {run}"),
        RunnerNews::Ended(QueuedFitEnd::Stopped) => format!("was stopped: {run}"),
        RunnerNews::Ended(QueuedFitEnd::Failed(why)) => format!("failed: {why}"),
        RunnerNews::ShutdownBlocked(why) => format!("is waited for: {why}"),
        RunnerNews::Halted => {
            format!("is stopped, and goes on when the queue is started again: {run}")
        }
    };
    format!("{} {} {what}", entry.number, entry.title)
}
