//! `surfit bench`: measures costs on this machine.

use super::args::BenchArgs;
use super::engine_child;
use super::error::CliError;
use surfit_core::config::unknown_name_message;
use surfit_core::networks::NETWORK_NAMES;

/// Runs the benchmark of the engine program, whose output is this command's.
pub fn run_command(args: BenchArgs) -> Result<(), CliError> {
    for name in &args.networks {
        if !NETWORK_NAMES.contains(&name.as_str()) {
            let sentence = unknown_name_message("network", name, NETWORK_NAMES);
            return Err(CliError::Usage(format!("--network {name}: {sentence}")));
        }
    }
    let mut command = surfit_client::engine_command()?;
    command.arg("bench");
    for name in &args.networks {
        command.args(["--network", name]);
    }
    if args.quick {
        command.arg("--quick");
    }
    if args.json {
        command.arg("--json");
    }
    command.args(&args.rest);
    let status = engine_child::run_engine_program(command)?.status;
    match status.code() {
        Some(0) => Ok(()),
        Some(code) => Err(CliError::ChildExit(u8::try_from(code).unwrap_or(1))),
        None => Err(CliError::Failure(format!("the benchmark was killed ({status})"))),
    }
}
