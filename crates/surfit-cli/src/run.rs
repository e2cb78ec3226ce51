//! `surfit run`: a whole job without the screen.

use super::args::{FollowOptions, RunArgs};
use super::fault::CliError;
use super::ready::ready;
use super::{foreground, out, place, resume, study};
use std::path::Path;
use surfit_client::EngineLaunch;
use surfit_core::config::{self, Config};
use surfit_core::run_dir::RunDir;

/// Makes the run and does its job.
pub fn run(args: RunArgs) -> Result<(), CliError> {
    if let Some(count) = args.seeds {
        return study::seeds(args, count);
    }
    let config = config::load(&args.config, &args.sets)?;
    if let Some(dir) = args.run_dir.as_deref()
        && dir.join("config.toml").is_file()
    {
        return resume::go_on(&begun_with(dir, &config)?, args.follow);
    }
    // Before the directory is made: a run that cannot be done would be an empty one.
    ready(&config, &args.config.display().to_string())?;
    surfit_client::engine_program()?;
    let run = place::create(&config, args.run_dir.as_deref())?;
    begin(&run, args.follow)
}

/// The run in a directory, when it was begun with this configuration: a batch system that puts a job back into its queue
/// runs the same line again.
///
/// # Errors
/// [`CliError::Usage`] that names what differs, when it was begun with another one.
pub fn begun_with(dir: &Path, config: &Config) -> Result<RunDir, CliError> {
    let run = RunDir::open(dir)?;
    let differences = run.begun_config()?.differences(config);
    let Some(first) = differences.first() else {
        return Ok(run);
    };
    let more = match differences.len() {
        1 => String::new(),
        n => format!(" and {} more", n - 1),
    };
    Err(CliError::Usage(format!(
        "{} already exists and was begun with another configuration: {first}{more}; choose another --run-dir (or --dir), or \
         go on with `surfit resume {0}`",
        run.path().display()
    )))
}

/// Starts the engine of a run and follows it as asked.
pub fn begin(run: &RunDir, follow: FollowOptions) -> Result<(), CliError> {
    if !follow.detach {
        if !follow.json {
            let verb = match run.last_event()? {
                0 => "run",
                _ => "goes on with",
            };
            out::line(format!("{verb} {}", run.path().display()))?;
        }
        return foreground::work(run, follow.json);
    }
    let how = EngineLaunch {
        wait: false,
        linger: Some(0),
    };
    let (_, connection) = surfit_client::start(run, how, None)?;
    foreground::detached(run, connection.welcome().pid, follow.json)
}
