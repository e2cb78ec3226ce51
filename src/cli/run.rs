//! `surfit run`: a whole job without the screen.

use super::args::{Follow, RunArgs};
use super::fault::Fault;
use super::ready::ready;
use super::{foreground, out, place, study};
use crate::client::{self, Launch};
use surfit_core::config;
use surfit_core::run_dir::RunDir;

/// Makes the run and does its job.
pub fn run(args: RunArgs) -> Result<(), Fault> {
    if let Some(count) = args.seeds {
        return study::seeds(args, count);
    }
    let config = config::load(&args.config, &args.sets)?;
    // Before the directory is made: a run that cannot be done would be an empty one.
    ready(&config, &args.config.display().to_string())?;
    client::engine_program()?;
    let run = place::create(&config, args.run_dir.as_deref())?;
    begin(&run, args.follow)
}

/// Starts the engine of a run and follows it as asked.
pub fn begin(run: &RunDir, follow: Follow) -> Result<(), Fault> {
    if !follow.detach {
        if !follow.json {
            out::line(format!("run {}", run.path().display()))?;
        }
        return foreground::work(run, follow.json);
    }
    let how = Launch {
        wait: false,
        linger: Some(0),
    };
    let (_, connection) = client::start(run, how, None)?;
    foreground::detached(run, connection.welcome().pid, follow.json)
}
