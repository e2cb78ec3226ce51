//! Commands with values, typed into the palette: `degree 3 4`, `grid 31`, `go 0.2 0.7`, `theme light`.

use super::{App, Effect};
use crate::action::{Action, Unavailable, snapshot_reported};
use surfit_core::heatmap::Heatmap;
use surfit_core::protocol::{MAX_MEMBERS, RateChange};
use surfit_core::surface::{DegreeError, Degrees};
use thiserror::Error;

/// What can be typed, for the palette's hint.
pub const TYPED_COMMAND_EXAMPLES: [&str; 13] = [
    "degree 3 4",
    "grid 31",
    "go 0.25 0.5",
    "theme light",
    "range 80 90",
    "range auto",
    "compare RUN",
    "rate 0.01",
    "draws 4",
    "search 0.1",
    "ensemble 4",
    "fork 3 3",
    "queue 4 4",
];

#[derive(Clone, Debug, PartialEq)]
pub enum TypedCommand {
    /// New degrees along `u` and `v`; one for a curve and a triangular patch.
    Degree(u8, Option<u8>),
    Grid(usize),
    /// The cursor goes to the cell nearest to `(u, v)`.
    MoveCursor(f64, f64),
    /// The range of colours, in the units of the colour bar.
    Range(f64, f64),
    /// Colours for the values that there are.
    AutoRange,
    Theme(String),
    /// Another run's surface beside this one, by the run's id or directory.
    CompareSurface(String),
    Rate(RateChange),
    Draws(usize),
    /// A search at the cursor: its first step and how many points it may look at.
    Search(f64, usize),
    /// An ensemble of so many points is chosen and exported.
    Ensemble(usize),
    /// Another run of these degrees: in the queue, or now.
    NewRun(u8, u8, bool),
}

#[derive(Clone, Debug, PartialEq, Error)]
pub enum CommandError {
    #[error("`{text}` is no {expected}; {remedy}")]
    InvalidValue { text: String, expected: &'static str, remedy: String },
    /// A grid that cannot be measured; a sentence.
    #[error("{0}")]
    InvalidGrid(String),
    #[error(transparent)]
    InvalidDegrees(#[from] DegreeError),
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

fn invalid(text: &str, expected: &'static str, remedy: impl Into<String>) -> CommandError {
    CommandError::InvalidValue { text: text.into(), expected, remedy: remedy.into() }
}

fn parse_degree(text: &str) -> Result<u8, CommandError> {
    text.parse().map_err(|_| invalid(text, "degree", "choose 1 to 8"))
}

fn parse_parameter(text: &str) -> Result<f64, CommandError> {
    let parsed = text.parse().ok().filter(|x| (0.0..=1.0).contains(x));
    parsed.ok_or_else(|| invalid(text, "parameter", "choose 0 to 1"))
}

fn parse_value(text: &str) -> Result<f64, CommandError> {
    let parsed = text.parse().ok().filter(|x: &f64| x.is_finite());
    parsed.ok_or_else(|| invalid(text, "value", "write one as on the colour bar, or `range auto`"))
}

fn parse_count(text: &str, expected: &'static str, most: usize) -> Result<usize, CommandError> {
    let parsed = text.parse().ok().filter(|n| (1..=most).contains(n));
    parsed.ok_or_else(|| invalid(text, expected, format!("choose 1 to {most}")))
}

fn parse_grid(text: &str) -> Result<usize, CommandError> {
    let grid = text.parse().map_err(|_| invalid(text, "grid", format!("choose 2 to {}", Heatmap::MAX_GRID)))?;
    Heatmap::check_grid(grid).map_or(Ok(grid), |why| Err(CommandError::InvalidGrid(why)))
}

fn parse_rate(text: &str) -> Result<RateChange, CommandError> {
    let factor = text.strip_prefix(['x', '*']);
    match (factor.unwrap_or(text).parse::<f64>(), factor) {
        (Ok(x), Some(_)) if x > 0.0 && x.is_finite() => Ok(RateChange::Factor(x)),
        (Ok(x), None) if x > 0.0 && x.is_finite() => Ok(RateChange::Peak(x)),
        _ => Err(invalid(text, "learning rate", "write 0.01, or x0.5 for half of it")),
    }
}

fn parse_radius(text: &str) -> Result<f64, CommandError> {
    let parsed = text.parse().ok().filter(|r| (1e-3..=1.0).contains(r));
    parsed.ok_or_else(|| invalid(text, "first step", "choose 0.001 to 1"))
}

/// Reads a typed command; `None` when it is none.
///
/// # Errors
/// Which of its values is not usable.
pub fn parse(text: &str) -> Option<Result<TypedCommand, CommandError>> {
    let words: Vec<&str> = text.split([' ', ',', '×']).filter(|w| !w.is_empty()).collect();
    parse_words(&words).transpose()
}

fn parse_words(words: &[&str]) -> Result<Option<TypedCommand>, CommandError> {
    Ok(Some(match words {
        ["degree", m] => TypedCommand::Degree(parse_degree(m)?, None),
        ["degree", m, n] => TypedCommand::Degree(parse_degree(m)?, Some(parse_degree(n)?)),
        ["grid", grid] => TypedCommand::Grid(parse_grid(grid)?),
        ["go", u, v] => TypedCommand::MoveCursor(parse_parameter(u)?, parse_parameter(v)?),
        ["compare" | "beside", run] => TypedCommand::CompareSurface((*run).into()),
        ["range", "auto"] => TypedCommand::AutoRange,
        ["range", lo, hi] => TypedCommand::Range(parse_value(lo)?, parse_value(hi)?),
        ["theme", name] => TypedCommand::Theme((*name).into()),
        ["rate", rate] => TypedCommand::Rate(parse_rate(rate)?),
        ["draws", count] => TypedCommand::Draws(parse_count(count, "number of draws", 1 << 16)?),
        ["search", radius] => TypedCommand::Search(parse_radius(radius)?, App::DEFAULT_SEARCH_BUDGET),
        ["search", radius, n] => TypedCommand::Search(parse_radius(radius)?, parse_count(n, "number of points", 1000)?),
        ["ensemble", count] => TypedCommand::Ensemble(parse_count(count, "number of members", MAX_MEMBERS)?),
        [word @ ("fork" | "queue"), rest @ ..] if matches!(rest.len(), 1 | 2) => {
            let degree = |text: &str| parse_count(text, "degree", 8).map(|d| d as u8);
            TypedCommand::NewRun(degree(rest[0])?, degree(rest[rest.len() - 1])?, *word == "queue")
        }
        _ => return Ok(None),
    }))
}

impl TypedCommand {
    fn action(&self) -> Option<&'static Action> {
        Some(match self {
            TypedCommand::Range(..) => action!("zoom-in"),
            TypedCommand::Rate(_) => action!("rate-up"),
            TypedCommand::Draws(_) => action!("more-draws"),
            TypedCommand::Search(..) => action!("search"),
            TypedCommand::Ensemble(_) => action!("export-ensemble"),
            TypedCommand::NewRun(_, _, false) => action!("fork"),
            TypedCommand::NewRun(_, _, true) => action!("queue"),
            _ => return None,
        })
    }
}

impl App {
    /// Says whether a typed command can be done now.
    ///
    /// # Errors
    /// Why not: as for the action it names.
    pub fn typed_availability(&self, typed: &TypedCommand) -> Result<(), Unavailable> {
        match typed {
            TypedCommand::Degree(..) | TypedCommand::Grid(_) => snapshot_reported(self),
            typed => typed.action().map_or(Ok(()), |action| (action.availability)(self)),
        }
    }

    /// Does what was typed; `None` when it is no typed command.
    pub(crate) fn perform_typed_command(&mut self, text: &str) -> Option<Vec<Effect>> {
        let done = parse(text)?.and_then(|typed| self.perform_parsed_command(typed));
        Some(done.unwrap_or_else(|why| self.show_hint(why)))
    }

    /// Keeps a typed command for the next time, once and as the latest.
    pub(crate) fn push_command_history(&mut self, text: &str) {
        let text = text.trim().to_string();
        self.command_history.retain(|t| *t != text);
        self.command_history.push(text);
        let excess = self.command_history.len().saturating_sub(crate::remembered_choices::MAX_HISTORY);
        self.command_history.drain(..excess);
    }

    fn perform_parsed_command(&mut self, typed: TypedCommand) -> Result<Vec<Effect>, CommandError> {
        self.typed_availability(&typed)?;
        let patch = self.degrees().patch();
        Ok(match typed {
            TypedCommand::Degree(m, n) => self.set_degrees(Degrees::for_patch(patch, m, n.unwrap_or(m))?),
            TypedCommand::Grid(grid) => self.set_grid(grid),
            TypedCommand::MoveCursor(u, v) => {
                self.move_cursor_to(u, v);
                Vec::new()
            }
            TypedCommand::Range(lo, hi) => {
                self.fix_color_range(lo, hi);
                Vec::new()
            }
            TypedCommand::AutoRange => {
                self.surface.fixed_range = None;
                Vec::new()
            }
            TypedCommand::CompareSurface(run) => self.compare_with(&run),
            TypedCommand::Theme(name) => {
                self.use_theme(&name);
                Vec::new()
            }
            TypedCommand::Rate(rate) => self.set_rate(rate),
            TypedCommand::Draws(draws) => self.set_draws(draws),
            TypedCommand::Search(radius, budget) => self.search_near(radius, budget),
            TypedCommand::Ensemble(count) => self.export_ensemble_of(count),
            TypedCommand::NewRun(m, n, queued) => self.send_new_run_request(Degrees::for_patch(patch, m, n)?, queued),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_and_refused_in_words() {
        for text in ["degree 3 4", "degree 3×4", "degree  3, 4"] {
            assert_eq!(parse(text), Some(Ok(TypedCommand::Degree(3, Some(4)))), "{text}");
        }
        assert_eq!(parse("go 0.25,1"), Some(Ok(TypedCommand::MoveCursor(0.25, 1.0))));
        let error = |text: &str| parse(text).unwrap().unwrap_err().to_string();
        assert_eq!(parse("degree 2"), Some(Ok(TypedCommand::Degree(2, None))));
        assert!(error("degree x 9").contains("no degree"));
        assert!(error("grid 1").contains("cannot be measured"));
        assert!(error("go 2 0").contains("0 to 1"));
        assert_eq!(parse("pause"), None);
        for form in TYPED_COMMAND_EXAMPLES {
            assert!(parse(form).unwrap().is_ok(), "{form}");
        }
        assert_eq!(parse("rate 0.01"), Some(Ok(TypedCommand::Rate(RateChange::Peak(0.01)))));
        assert_eq!(parse("rate x0.5"), Some(Ok(TypedCommand::Rate(RateChange::Factor(0.5)))));
        assert_eq!(parse("draws 4"), Some(Ok(TypedCommand::Draws(4))));
        assert_eq!(parse("search 0.2 60"), Some(Ok(TypedCommand::Search(0.2, 60))));
        assert_eq!(parse("ensemble 3"), Some(Ok(TypedCommand::Ensemble(3))));
        assert_eq!(parse("rate"), None);
        assert_eq!(parse("range 80.5 90"), Some(Ok(TypedCommand::Range(80.5, 90.0))));
        assert_eq!(parse("range auto"), Some(Ok(TypedCommand::AutoRange)));
        for text in ["range 1 nan", "range a 1", "rate -1", "rate inf", "draws 0", "search 2", "ensemble 65"] {
            assert!(parse(text).unwrap().is_err(), "{text}");
        }
    }
}
