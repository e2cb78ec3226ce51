//! `surfit queue`: fits that wait for their turn.

use super::args::{QueueArgs, QueueSub};
use super::fault::CliError;
use super::ready::ready;
use super::{fork, out, place};
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
            let configs = args
                .configs
                .iter()
                .map(|path| config::load(path, &args.sets))
                .collect::<Result<Vec<_>, _>>()?;
            for (config, path) in configs.iter().zip(&args.configs) {
                ready(config, &path.display().to_string())?;
            }
            for config in &configs {
                let entry = queue.add_config(config)?;
                say(&entry, args.json)?;
            }
            hint(&queue, args.json, "them")
        }
        QueueSub::Fork(args) => {
            let run = place::find(&args.run)?;
            let degrees = fork::degrees(&run, &args.degree)?
                .ok_or_else(|| CliError::Usage("give the degree with --degree M N".into()))?;
            say(&queue.add_fork(&run, degrees)?, args.json)?;
            hint(&queue, args.json, "it")
        }
        QueueSub::Ls { json } => {
            let all = queue.entries();
            all.iter().try_for_each(|entry| say(entry, json))?;
            if json {
                return Ok(());
            }
            out::line(standing(&queue, all.is_empty())?)
        }
        QueueSub::Rm { numbers } => {
            for number in numbers {
                let entry = queue.remove(number)?;
                let begun = entry.run.and_then(|path| RunDir::open(&path).ok());
                let begun = begun.map_or_else(String::new, |run| {
                    format!("; what was begun of it stays as {}", run.id())
                });
                out::line(format!(
                    "{number} {} is out of the queue{begun}",
                    entry.title
                ))?;
            }
            Ok(())
        }
        QueueSub::Start { detach } => {
            if detach {
                queue.start_runner()?;
                return out::line(match EngineNode::here().job.as_deref() {
                    Some(job) => format!(
                        "the queue is worked on until {job} ends; let `exec surfit queue start` be the job"
                    ),
                    None => "the queue is worked on".into(),
                });
            }
            let (mut failed, mut begun) = (Vec::new(), false);
            let signals = Signals::listen()?;
            let end = queue.work(&signals, &mut |entry, news| {
                begun = true;
                // A closed pipe is no reason to end the work.
                let _ = out::line(told(entry, news));
                if let RunnerNews::Ended(QueuedFitEnd::Failed(why)) = news {
                    failed.push(format!("number {} ({why})", entry.number));
                }
            })?;
            match end {
                RunnerEnd::Another => out::line("the queue is worked on by another process"),
                RunnerEnd::Stopped => Err(CliError::Interrupted(
                    "stopped; `surfit queue start` goes on with the queue".into(),
                )),
                RunnerEnd::Left => Err(CliError::Interrupted(
                    "left while the engine was ending; `surfit queue start` goes on with the queue"
                        .into(),
                )),
                RunnerEnd::Empty if !begun => {
                    out::line("the queue is empty; `surfit queue add CONFIG` puts a fit into it")
                }
                RunnerEnd::Empty if failed.is_empty() => Ok(()),
                RunnerEnd::Empty => {
                    Err(CliError::Failure(format!("failed: {}", failed.join(", "))))
                }
            }
        }
    }
}

/// Says how what was added comes to its turn, when nobody sees to it.
fn hint(queue: &FitQueue, json: bool, what: &str) -> Result<(), CliError> {
    if json || queue.is_worked_on()? {
        return Ok(());
    }
    out::line(format!("`surfit queue start` works on {what}"))
}

/// Whether somebody works on the queue, and where to read what became of its fits.
fn standing(queue: &FitQueue, empty: bool) -> Result<String, CliError> {
    let how = match (empty, queue.is_worked_on()?) {
        (true, _) => "the queue is empty",
        (false, true) => "the queue is worked on",
        (false, false) => "nobody works on the queue; `surfit queue start` does",
    };
    let log = queue.log().map_or_else(String::new, |log| {
        format!("; what became of its fits is in {}", log.display())
    });
    Ok(format!("{how}{log}"))
}

fn say(entry: &QueuedFit, json: bool) -> Result<(), CliError> {
    let run = entry.run.as_deref();
    if json {
        return out::json(&serde_json::json!({
            "number": entry.number, "title": entry.title, "run": run,
        }));
    }
    let state = match run.and_then(|p| RunDir::open(p).ok()) {
        Some(run) if run.is_alive() => format!("under way as {}", run.id()),
        Some(run) => format!("begun as {}", run.id()),
        None => "waits".into(),
    };
    out::line(format!("{:>4}  {}  {state}", entry.number, entry.title))
}

fn told(entry: &QueuedFit, news: &RunnerNews) -> String {
    let run = entry.run.as_ref().and_then(|p| p.file_name());
    let run = run.map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    let what = match news {
        RunnerNews::Waits => "waits: a fit of another queue is under way on this machine".into(),
        RunnerNews::Began => format!("began as {run}"),
        RunnerNews::Ended(QueuedFitEnd::Finished) => format!("is finished: {run}"),
        RunnerNews::Ended(QueuedFitEnd::Stopped) => format!("was stopped: {run}"),
        RunnerNews::Ended(QueuedFitEnd::Failed(why)) => format!("failed: {why}"),
        RunnerNews::Hindered(why) => format!("is waited for: {why}"),
        RunnerNews::Halted => {
            format!("is stopped, and goes on when the queue is started again: {run}")
        }
    };
    format!("{} {} {what}", entry.number, entry.title)
}
