//! `surfit queue`: fits that wait for their turn.

use super::args::{QueueArgs, QueueSub};
use super::fault::Fault;
use super::ready::ready;
use super::{fork, out, place};
use crate::client::queue::{End, Entry, Queue};
use surfit_core::config;
use surfit_core::run_dir::RunDir;

/// Adds, lists, removes, or works.
pub fn queue(args: QueueArgs) -> Result<(), Fault> {
    let queue = Queue::open();
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
            if !args.json && !queue.is_worked_on()? {
                return out::line("`surfit queue start` works on them");
            }
            Ok(())
        }
        QueueSub::Fork(args) => {
            let run = place::find(&args.run)?;
            let degrees = fork::degrees(&run, &args.degree)?
                .ok_or_else(|| Fault::Usage("give the degree with --degree M N".into()))?;
            say(&queue.add_fork(&run, degrees)?, args.json)
        }
        QueueSub::Ls { json } => {
            let all = queue.entries();
            if all.is_empty() && !json {
                return out::line("the queue is empty");
            }
            all.iter().try_for_each(|entry| say(entry, json))
        }
        QueueSub::Rm { numbers } => {
            for number in numbers {
                let entry = queue.remove(number)?;
                out::line(format!("{number} {} is out of the queue", entry.title))?;
            }
            Ok(())
        }
        QueueSub::Start { detach } => {
            if detach {
                queue.start_runner()?;
                return out::line("the queue is worked on");
            }
            let mut failed = Vec::new();
            let worked = queue.work(&mut |entry, end| {
                // A closed pipe is no reason to end the work.
                let _ = out::line(told(entry, end));
                if let Some(End::Failed(_)) = end {
                    failed.push(entry.number.to_string());
                }
            })?;
            if !worked {
                out::line("the queue is worked on by another process")
            } else if failed.is_empty() {
                Ok(())
            } else {
                Err(Fault::Failure(format!(
                    "failed: number {}; `surfit ls` shows why",
                    failed.join(", ")
                )))
            }
        }
    }
}

fn say(entry: &Entry, json: bool) -> Result<(), Fault> {
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

fn told(entry: &Entry, end: Option<&End>) -> String {
    let run = entry.run.as_ref().and_then(|p| p.file_name());
    let run = run.map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    let what = match end {
        None => format!("began as {run}"),
        Some(End::Finished) => format!("is finished: {run}"),
        Some(End::Stopped) => format!("was stopped: {run}"),
        Some(End::Failed(why)) => format!("failed: {why}"),
    };
    format!("{} {} {what}", entry.number, entry.title)
}
