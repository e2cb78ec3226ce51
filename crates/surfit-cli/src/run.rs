//! `surfit run`: runs the full pipeline headless.

use super::args::{FollowOptions, RunArgs};
use super::error::CliError;
use super::preflight::check_runnable;
use super::{foreground, output, resume, run_lookup, study};
use std::path::Path;
use surfit_client::EngineLaunch;
use surfit_core::config::{self, Config};
use surfit_core::run_dir::RunDir;

/// Creates the run and does its job.
pub fn run_command(args: RunArgs) -> Result<(), CliError> {
    if let Some(count) = args.seeds {
        return study::run_seeds(args, count);
    }
    let config = config::load(&args.config, &args.sets)?;
    if let Some(dir) = args.run_dir.as_deref()
        && dir.join("config.toml").is_file()
    {
        return resume::resume_run(&open_matching_run(dir, &config)?, args.follow);
    }
    // Before the directory is created: a job that cannot run would leave an empty run.
    check_runnable(&config, &args.config.display().to_string())?;
    surfit_client::engine_program()?;
    let run = run_lookup::create_run(&config, args.run_dir.as_deref())?;
    start_and_follow(&run, args.follow)
}

/// Opens the run in a directory if it was started with this configuration: a batch system that requeues a job repeats the
/// same command.
///
/// # Errors
/// [`CliError::Usage`] with the difference, if it was started with another one.
pub fn open_matching_run(dir: &Path, config: &Config) -> Result<RunDir, CliError> {
    let run = RunDir::open(dir)?;
    let differences = run.initial_config()?.differences(config);
    let Some(first) = differences.first() else {
        return Ok(run);
    };
    let more = match differences.len() {
        1 => String::new(),
        n => format!(" and {} more", n - 1),
    };
    Err(CliError::Usage(format!(
        "{} already exists with another configuration: {first}{more}; choose another --run-dir (or --dir), or \
         continue with `surfit resume {0}`",
        run.path().display()
    )))
}

/// Starts the engine of a run and follows it, unless detached.
pub fn start_and_follow(run: &RunDir, follow: FollowOptions) -> Result<(), CliError> {
    if !follow.detach {
        if !follow.json {
            let verb = match run.last_event_number()? {
                0 => "run",
                _ => "resuming",
            };
            output::print_line(format!("{verb} {}", run.path().display()))?;
        }
        return foreground::run_job(run, follow.json);
    }
    let how = EngineLaunch { wait: false, linger: Some(0) };
    let (_, connection) = surfit_client::start_engine(run, how, None)?;
    foreground::print_detached_run(run, connection.pid(), follow.json)
}
