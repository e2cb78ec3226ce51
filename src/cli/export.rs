//! `surfit export`: a network of the surface as files.

use super::args::ExportArgs;
use super::fault::Fault;
use super::{out, place};
use crate::client::{ClientError, Said, Visit};
use surfit_core::event::{Event, Exported};
use surfit_core::protocol::Command;

/// Asks the run's engine for a model and says how good it is.
pub fn export(args: ExportArgs) -> Result<(), Fault> {
    let run = place::find(&args.run)?;
    // The engine has a working directory of its own.
    let dir = std::path::absolute(&args.out)
        .map_err(|e| Fault::Usage(format!("{}: {e}", args.out.display())))?;
    if !args.force && dir.join("model.safetensors").exists() {
        return Err(Fault::Usage(format!(
            "{} already holds a model; choose another --out, or replace it with --force",
            args.out.display()
        )));
    }
    let mut visit = Visit::begin(&run)?;
    let id = visit.send(Command::Export {
        selection: args.which.selection(),
        dir: Some(dir.clone()),
        replace: args.force,
    })?;
    let mut exported: Option<Exported> = None;
    loop {
        match visit.next() {
            Ok(Said::Event(Event::Exported(e))) if e.dir == dir => exported = Some(e),
            Ok(Said::Event(Event::Failed { message })) => return Err(Fault::Failure(message)),
            Ok(Said::Reply(of, Some(error))) if of == id => return Err(Fault::Failure(error)),
            Ok(Said::Reply(of, None)) if of == id => break,
            Ok(_) => {}
            Err(ClientError::Closed) => {
                return Err(Fault::Failure(
                    "the engine ended before the model was written; look at log.txt in the run's \
                     directory, then try again"
                        .into(),
                ));
            }
            Err(other) => return Err(other.into()),
        }
    }
    let exported = exported.ok_or_else(|| {
        Fault::Failure(format!(
            "the engine did not say what it wrote; look into {}",
            dir.display()
        ))
    })?;
    if args.json {
        return out::json(&exported);
    }
    let place = match (exported.u, exported.v) {
        (Some(u), Some(v)) => format!(" (u {u:.4}, v {v:.4})"),
        _ => String::new(),
    };
    out::line(format!(
        "{}: {}{place}, validation {:.2} %, test {:.2} %",
        exported.dir.join("model.safetensors").display(),
        exported.selection,
        100.0 * exported.validation_accuracy,
        100.0 * exported.test_accuracy
    ))
}
