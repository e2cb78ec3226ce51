//! Commands with figures, typed into the palette: `degree 3 4`, `grid 31`, `go 0.2 0.7`, `theme light`.

use super::message::MessageKind;
use super::steer_commands::{self, SteerCommand};
use super::{App, Effect, Pane};
use crate::action::{Action, snapshot_reported};
use surfit_core::heatmap::Heatmap;
use surfit_core::surface::Degrees;

/// What can be typed, for the palette's hint.
pub const TYPED_COMMAND_EXAMPLES: [&str; 11] = [
    "degree 3 4",
    "grid 31",
    "go 0.25 0.5",
    "theme light",
    "beside RUN",
    "rate 0.01",
    "draws 4",
    "search 0.1",
    "ensemble 4",
    "fork 3 3",
    "queue 4 4",
];

/// A typed command.
#[derive(Clone, Debug, PartialEq)]
pub enum TypedCommand {
    /// New degrees along `u` and `v`; one for a curve and a triangular patch.
    Degree(u8, Option<u8>),
    /// Points along each axis.
    Grid(usize),
    /// The cursor goes to the cell nearest to `(u, v)`.
    MoveCursor(f64, f64),
    /// A theme by name.
    Theme(String),
    /// Another run's surface beside this one, by the run's id or directory.
    CompareSurface(String),
    /// What steers the fit, or chooses models.
    Steer(SteerCommand),
}

/// Reads a typed command; `None` when it is none, an error in words when one of its figures is not usable.
pub fn parse(text: &str) -> Option<Result<TypedCommand, String>> {
    let words: Vec<&str> = text.split([' ', ',', '×']).filter(|w| !w.is_empty()).collect();
    let number = |w: &str| w.parse::<u8>().map_err(|_| format!("`{w}` is no degree; choose 1 to 8"));
    let part = |w: &str| match w.parse::<f64>() {
        Ok(x) if (0.0..=1.0).contains(&x) => Ok(x),
        _ => Err(format!("`{w}` is no parameter; choose 0 to 1")),
    };
    Some(match words.as_slice() {
        ["degree", m] => number(m).map(|m| TypedCommand::Degree(m, None)),
        ["degree", m, n] => number(m).and_then(|m| Ok(TypedCommand::Degree(m, Some(number(n)?)))),
        ["grid", g] => match g.parse() {
            Ok(g) => Heatmap::check_grid(g).map_or(Ok(TypedCommand::Grid(g)), Err),
            Err(_) => Err(format!("`{g}` is no grid; choose 2 to {}", Heatmap::MAX_GRID)),
        },
        ["go", u, v] => part(u).and_then(|u| Ok(TypedCommand::MoveCursor(u, part(v)?))),
        ["beside", run] => Ok(TypedCommand::CompareSurface((*run).into())),
        ["theme", name] => Ok(TypedCommand::Theme((*name).into())),
        words => return steer_commands::parse(words).map(|read| read.map(TypedCommand::Steer)),
    })
}

impl App {
    /// Puts the cursor on the cell nearest to `(u, v)`.
    pub(super) fn move_cursor_to(&mut self, u: f64, v: f64) {
        let last = (self.grid() - 1) as f64;
        self.surface.cursor = ((u * last).round() as usize, (v * last).round() as usize);
        self.surface.clamp(self.grid(), self.degrees().patch());
        self.focus_pane(Pane::Surface);
    }

    /// `Ok` when a typed command can be done now, else the sentence that says why not: that of the action it stands for.
    pub fn typed_availability(&self, typed: &TypedCommand) -> Result<(), String> {
        let action = match typed {
            TypedCommand::Degree(..) | TypedCommand::Grid(_) => return snapshot_reported(self),
            TypedCommand::MoveCursor(..) | TypedCommand::Theme(_) | TypedCommand::CompareSurface(_) => {
                return Ok(());
            }
            TypedCommand::Steer(SteerCommand::Rate(_)) => Action::RateUp,
            TypedCommand::Steer(SteerCommand::Draws(_)) => Action::MoreDraws,
            TypedCommand::Steer(SteerCommand::Search(..)) => Action::Search,
            TypedCommand::Steer(SteerCommand::Ensemble(_)) => Action::ExportEnsemble,
            TypedCommand::Steer(SteerCommand::NewRun(_, _, false)) => Action::Fork,
            TypedCommand::Steer(SteerCommand::NewRun(_, _, true)) => Action::Queue,
        };
        (action.entry().availability)(self)
    }

    /// Does what was typed; `None` when it is no typed command.
    pub(super) fn perform_typed_command(&mut self, text: &str) -> Option<Vec<Effect>> {
        let read = parse(text)?;
        let possible = read.and_then(|typed| self.typed_availability(&typed).map(|()| typed));
        Some(match possible {
            Err(why) => {
                self.show_message(MessageKind::Hint, why);
                Vec::new()
            }
            Ok(TypedCommand::Degree(m, n)) => match Degrees::for_patch(self.degrees().patch(), m, n.unwrap_or(m)) {
                Ok(degrees) => self.set_degrees(degrees),
                Err(why) => {
                    self.show_message(MessageKind::Hint, why.to_string());
                    Vec::new()
                }
            },
            Ok(TypedCommand::Grid(grid)) => self.set_grid(grid),
            Ok(TypedCommand::MoveCursor(u, v)) => {
                self.move_cursor_to(u, v);
                Vec::new()
            }
            Ok(TypedCommand::CompareSurface(run)) => self.compare_with(&run),
            Ok(TypedCommand::Steer(steer)) => self.perform_steer_command(steer),
            Ok(TypedCommand::Theme(name)) => {
                self.use_theme(&name);
                Vec::new()
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_and_refused_in_words() {
        for text in ["degree 3 4", "degree 3×4", "degree  3, 4"] {
            assert_eq!(parse(text), Some(Ok(TypedCommand::Degree(3, Some(4)))), "{text}");
        }
        assert_eq!(parse("go 0.25,1"), Some(Ok(TypedCommand::MoveCursor(0.25, 1.0))));
        let error = |text: &str| parse(text).unwrap().unwrap_err();
        assert_eq!(parse("degree 2"), Some(Ok(TypedCommand::Degree(2, None))));
        assert!(error("degree x 9").contains("no degree"));
        assert!(error("grid 1").contains("cannot be measured"));
        assert!(error("go 2 0").contains("0 to 1"));
        assert_eq!(parse("pause"), None);
        for form in TYPED_COMMAND_EXAMPLES {
            assert!(parse(form).unwrap().is_ok(), "{form}");
        }
    }
}
