//! `surfit eval`: evaluates an exported model.

use super::args::{EvalArgs, SplitChoice};
use super::error::CliError;
use super::{engine_child, output};
use serde::Deserialize;
use std::path::Path;
use std::process::Stdio;
use surfit_core::metrics::MetricValues;
use surfit_weights::file::is_folder_of_weights;

/// The result that the engine program prints as one line.
#[derive(Debug, Deserialize)]
struct EngineEvaluation {
    accuracy: f64,
    loss: f64,
    correct: u64,
    images: u64,
    split: String,
    data: String,
    #[serde(default)]
    metrics: MetricValues,
    remark: Option<String>,
}

/// Evaluates a file with the engine program.
pub fn run_command(args: EvalArgs) -> Result<(), CliError> {
    if args.model.is_dir() {
        check_model_folder(&args.model)?;
    }
    let models = Some(&args.model).filter(|model| !model.is_dir());
    for file in models.into_iter().chain(&args.config) {
        if !file.is_file() {
            return Err(CliError::Usage(format!("{}: no such file; name a model that exists", file.display())));
        }
    }
    let mut command = surfit_client::engine_command()?;
    command.arg("eval").arg(&args.model).arg("--json");
    if let Some(config) = &args.config {
        command.arg("--config").arg(config);
    }
    command.arg("--split").arg(match args.split {
        SplitChoice::Val => "val",
        SplitChoice::Test => "test",
    });
    if let Some(dir) = &args.data_dir {
        command.arg("--data-dir").arg(dir);
    }
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = engine_child::run_engine_program(command)?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().map(str::trim).rfind(|l| !l.is_empty()).unwrap_or_default();
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let why = said.lines().map(str::trim).rfind(|l| !l.is_empty());
        let why = why.map_or_else(
            || format!("surfit-engine ended without a message ({})", output.status),
            |l| l.strip_prefix("surfit-engine: ").unwrap_or(l).to_owned(),
        );
        return Err(match output.status.code() {
            Some(2) => CliError::Usage(why),
            _ => CliError::Failure(why),
        });
    }
    let e: EngineEvaluation = serde_json::from_str(line)
        .map_err(|e| CliError::Failure(format!("unexpected output from surfit-engine: {e}")))?;
    if args.json {
        output::print_bytes(format!("{line}\n").as_bytes())
    } else {
        output::print_line(describe(&e))?;
        e.remark.iter().try_for_each(output::print_line)
    }
}

/// Refuses a directory that is neither an exported model nor a set of weights files, as for corners.
fn check_model_folder(folder: &Path) -> Result<(), CliError> {
    if folder.join("model.json").is_file() || is_folder_of_weights(folder) {
        return Ok(());
    }
    let hint = if folder.join("config.toml").is_file() {
        "; it is a run: name a directory in its `exports`, or export a model with `surfit export`"
    } else {
        "; name an exported directory, or the model file"
    };
    Err(CliError::Usage(format!("{} contains no model{hint}", folder.display())))
}

fn describe(e: &EngineEvaluation) -> String {
    let others = e.metrics.others();
    let others: String =
        others.iter().map(|(m, estimate)| format!(", {} {}", m.name(), m.format_value(estimate.value))).collect();
    format!(
        "{:.2} % ({} of {} {} images of {}), loss {:.4}",
        100.0 * e.accuracy,
        e.correct,
        e.images,
        if e.split == "val" { "validation" } else { &e.split },
        e.data,
        e.loss
    ) + &others
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_reads_as_a_sentence() {
        let line = r#"{"accuracy":0.875,"loss":0.25,"correct":7,"images":8,"split":"val","data":"x","new":1}"#;
        let e: EngineEvaluation = serde_json::from_str(line).unwrap();
        assert_eq!(describe(&e), "87.50 % (7 of 8 validation images of x), loss 0.2500");
    }
}
