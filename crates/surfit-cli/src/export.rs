//! `surfit export`: exports a network of the surface.

use super::args::ExportArgs;
use super::engine_request::send_request_with_progress;
use super::error::CliError;
use super::{output, run_lookup};
use surfit_client::{EngineSession, runs};
use surfit_core::event::{Event, ExportedModel};
use surfit_core::protocol::EngineCommand;

/// Exports a model through the run's engine, and prints its accuracy.
pub fn run_command(args: ExportArgs) -> Result<(), CliError> {
    let run = run_lookup::find_run(&args.run)?;
    // The engine has another working directory.
    let dir = std::path::absolute(&args.out).map_err(|e| CliError::Usage(format!("{}: {e}", args.out.display())))?;
    if dir.to_str().is_none() {
        return Err(CliError::Usage(format!(
            "{}: the path is not UTF-8, as model.json requires; choose another --out",
            dir.display()
        )));
    }
    let holds = |name: &str| dir.join(name).exists();
    if !args.force && (holds("model.safetensors") || holds("model.json")) {
        return Err(CliError::Usage(format!(
            "{} already contains a model; choose another --out, or replace it with --force",
            args.out.display()
        )));
    }
    let patch = run.config()?.patch();
    let selection = args.which.selection(patch)?;
    let mut session = EngineSession::open(&run)?;
    let command =
        EngineCommand::Export { selection, dir: Some(dir.clone()), replace: args.force, names: args.names.into() };
    let written = |event: &Event| matches!(event, Event::Exported(e) if e.dir == dir);
    let said = send_request_with_progress(&mut session, command, &runs::open_name(&run), written)?;
    for event in &said {
        if let Event::Notice { text } = event {
            output::print_warning(text);
        }
    }
    let exported: Option<ExportedModel> = said.into_iter().find_map(|event| match event {
        Event::Exported(e) if e.dir == dir => Some(e),
        _ => None,
    });
    let exported = exported
        .ok_or_else(|| CliError::Failure(format!("the engine did not report a result; check {}", dir.display())))?;
    if args.json {
        return output::print_json(&exported);
    }
    let place = match (exported.u, exported.v) {
        (Some(u), Some(v)) => format!(" ({})", patch.format_parameters(u, v, 4)),
        _ if !exported.members.is_empty() => format!(" of {}", exported.members.len()),
        _ => String::new(),
    };
    let file = match exported.members.is_empty() {
        true => exported.dir.join("model.safetensors"),
        false => exported.dir.join("model.json"),
    };
    output::print_line(format!(
        "{}: {}{place}, validation {:.2} %, test {:.2} %",
        file.display(),
        exported.selection,
        100.0 * exported.validation_accuracy,
        100.0 * exported.test_accuracy
    ))
}
