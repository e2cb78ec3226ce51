//! Errors of commands: one sentence on standard error, and an exit code.

use super::args::{CommandLine, OptionValueError};
use super::output;
use clap::CommandFactory;
use clap::error::{ContextKind, ContextValue};
use std::ffi::OsString;
use std::num::{IntErrorKind, ParseFloatError, ParseIntError};
use std::process::ExitCode;
use surfit_client::ClientError;
use surfit_client::remote::HostConfigError;
use surfit_core::config::{ConfigError, nearest_name};
use surfit_core::data_sets::UnknownDataSet;
use surfit_core::filter::FilterError;
use surfit_core::protocol::CommandError;
use surfit_core::run_dir::RunError;
use surfit_core::study::StudyError;
use surfit_core::surface::DegreeError;
use surfit_data::DataError;
use surfit_report::ReportError;

/// Exit code of a command that a signal stopped and that can be resumed: `EX_TEMPFAIL`. Batch systems take codes of 128 and
/// more for signals.
pub const EXIT_STOPPED: u8 = 75;

const UNANSWERED_MESSAGE: &str =
    "lost the connection to the engine before its reply; check the result with `surfit open`, or try again";

#[derive(Debug, PartialEq)]
pub enum CliError {
    /// Wrong usage or configuration: exit code 2.
    Usage(String),
    /// Failure of a correct command: exit code 1.
    Failure(String),
    /// Lost connection to the engine, whose reply cannot arrive any more: exit code 1.
    Unanswered,
    /// A command that the engine refused, or that failed: exit code 1.
    Refused(CommandError),
    /// Stopped by a signal: exit code [`EXIT_STOPPED`].
    Interrupted(String),
    /// Failure of another program, which has printed its own message: its exit code.
    ChildExit(u8),
    /// Closed standard output, which is not an error: exit code 0 without a message.
    ClosedPipe,
}

impl CliError {
    /// Prints the sentence and returns the exit code. With `json`, the code of a refusal goes to standard output, too.
    pub fn report(self, json: bool) -> ExitCode {
        if let CliError::Refused(CommandError { code, message }) = &self
            && json
        {
            // Whoever closed the output does not want it.
            let _ = output::print_json(&serde_json::json!({ "event": "refused", "code": code, "error": message }));
        }
        let (code, sentence) = match self {
            CliError::Usage(sentence) => (2, sentence),
            CliError::Failure(sentence) => (1, sentence),
            CliError::Unanswered => (1, UNANSWERED_MESSAGE.into()),
            CliError::Refused(refusal) => (1, refusal.message),
            CliError::Interrupted(sentence) => (EXIT_STOPPED, sentence),
            CliError::ChildExit(code) => return ExitCode::from(code),
            CliError::ClosedPipe => return ExitCode::SUCCESS,
        };
        tracing::error!(code, "{sentence}");
        output::print_warning(sentence);
        ExitCode::from(code)
    }
}

/// Errors whose sentence is all that a command reports, each as one kind of failure.
macro_rules! report_as {
    ($($error:ty => $kind:ident),+ $(,)?) => {
        $(impl From<$error> for CliError {
            fn from(error: $error) -> Self {
                CliError::$kind(error.to_string())
            }
        })+
    };
}

report_as! {
    ConfigError => Usage,
    DegreeError => Usage,
    FilterError => Usage,
    HostConfigError => Usage,
    OptionValueError => Usage,
    StudyError => Usage,
    UnknownDataSet => Usage,
    DataError => Failure,
    ReportError => Failure,
}

impl From<RunError> for CliError {
    fn from(error: RunError) -> Self {
        match error {
            RunError::NotFound { .. }
            | RunError::Ambiguous { .. }
            | RunError::SeveralRuns { .. }
            | RunError::NotARun(_)
            | RunError::Exists(_)
            | RunError::NotUtf8(_)
            | RunError::InsideRun { .. }
            | RunError::Config(_) => CliError::Usage(error.to_string()),
            RunError::InUse { .. }
            | RunError::ForeignFolder(_)
            | RunError::ForeignSocket(_)
            | RunError::ReadOnly(_)
            | RunError::NoSurface(_)
            | RunError::Damaged { .. }
            | RunError::Io { .. } => CliError::Failure(error.to_string()),
        }
    }
}

impl From<ClientError> for CliError {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Run(error) => error.into(),
            ClientError::Refused(refusal) => CliError::Refused(refusal),
            other => CliError::Failure(other.to_string()),
        }
    }
}

/// Turns clap's several lines into one sentence: the error, its tips, and the command that prints the help. `words` are the
/// command line.
pub fn from_clap(error: &clap::Error, words: impl Iterator<Item = OsString>) -> CliError {
    let mut text = error.render().to_string();
    if let Some((standard, plain)) = explain_number(error) {
        text = text.replacen(&standard, plain, 1);
    }
    let (name, here) = find_command(words);
    let first = text.split("\n\n").next().unwrap_or_default();
    let what: Vec<&str> = first.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
    let what = what.join(" ");
    let tip = text
        .lines()
        .find_map(|l| l.trim().strip_prefix("tip: "))
        // Passing an option's name as a file's helps nobody who mistyped an option.
        .filter(|t| !t.starts_with("to pass "))
        .map(|t| format!("; {t}"))
        .or_else(|| suggest_subcommand(error, &here));
    CliError::Usage(format!(
        "{}{}; see `{} --help`",
        what.strip_prefix("error: ").unwrap_or(&what),
        tip.unwrap_or_default(),
        name
    ))
}

/// Returns the message of the standard library about a word that is no number, and one for users.
fn explain_number(error: &clap::Error) -> Option<(String, &'static str)> {
    let source = std::error::Error::source(error)?;
    let plain = match (source.downcast_ref::<ParseIntError>(), source.downcast_ref::<ParseFloatError>()) {
        (Some(int), _) if matches!(int.kind(), IntErrorKind::InvalidDigit | IntErrorKind::Empty) => {
            "give a whole number"
        }
        (Some(_), _) => "the number is too large",
        (_, Some(_)) => "give a number",
        _ => return None,
    };
    Some((source.to_string(), plain))
}

/// Returns the nearest subcommand where letters changed places: clap's own tips do not see that.
fn suggest_subcommand(error: &clap::Error, command: &clap::Command) -> Option<String> {
    let word = match error.get(ContextKind::InvalidSubcommand)? {
        ContextValue::String(word) => word,
        _ => return None,
    };
    let known: Vec<&str> =
        command.get_subcommands().filter(|s| !s.is_hide_set()).map(clap::Command::get_name).collect();
    let name = nearest_name(word, &known)?;
    Some(format!("; did you mean '{name}'?"))
}

/// Returns the command that the words name, such as `surfit config check`, and its definition.
fn find_command(words: impl Iterator<Item = OsString>) -> (String, clap::Command) {
    let mut name = String::from("surfit");
    let mut here = CommandLine::command();
    for word in words.skip(1) {
        if let Some(sub) = here.find_subcommand(word).cloned() {
            name = format!("{name} {}", sub.get_name());
            here = sub;
        }
    }
    (name, here)
}
