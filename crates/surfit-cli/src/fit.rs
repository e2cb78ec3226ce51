//! `surfit fit`: fits a finished surface further.

use super::args::FitArgs;
use super::error::CliError;
use super::{foreground, run_lookup};
use surfit_core::protocol::EngineCommand;

/// Fits the surface further through the run's engine, and follows it to the end.
pub fn run_command(args: FitArgs) -> Result<(), CliError> {
    if let Some(epochs) = args.epochs.filter(|e| !(e.is_finite() && *e > 0.0 && *e <= 1e6)) {
        return Err(CliError::Usage(format!("--epochs {epochs}: use a number above 0, at most 1000000")));
    }
    let run = run_lookup::find_run(&args.run)?;
    let command = EngineCommand::FitFurther { steps: args.steps, epochs: args.epochs };
    foreground::run_further(&run, command, args.follow)
}
