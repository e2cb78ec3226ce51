//! `surfit fit`: a further fit of a surface that is there.

use super::args::FitArgs;
use super::fault::Fault;
use super::{foreground, place};
use surfit_core::protocol::Command;

/// Has the run's engine fit its surface further, and follows it to the end.
pub fn fit(args: FitArgs) -> Result<(), Fault> {
    if let Some(epochs) = args
        .epochs
        .filter(|e| !(e.is_finite() && *e > 0.0 && *e <= 1e6))
    {
        return Err(Fault::Usage(format!(
            "--epochs {epochs}: use a number above 0, at most 1000000"
        )));
    }
    let run = place::find(&args.run)?;
    let command = Command::FitFurther {
        steps: args.steps,
        epochs: args.epochs,
    };
    foreground::further(&run, command, args.follow)
}
