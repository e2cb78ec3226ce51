//! Steering the fit: learning rate, draws, searches, ensembles, other runs of another degree.

use super::message::MessageKind;
use super::{App, Effect};
use surfit_core::protocol::{BridgeRequest, ClientMessage, EngineCommand, MAX_MEMBERS, RateChange, Selection};
use surfit_core::surface::{Degrees, ParameterAxis};

/// Members of an ensemble when nothing else is said.
const DEFAULT_ENSEMBLE_SIZE: usize = 4;
/// First step of a search, and how many points it may look at, when nothing else is said.
const DEFAULT_SEARCH_RADIUS: f64 = 0.1;
const DEFAULT_SEARCH_BUDGET: usize = 40;
/// Presses of a key that come faster than this are one that is held down: terminals wait this long before they repeat it.
const KEY_REPEAT_TIMEOUT_SECS: f64 = 1.0;
/// What a key multiplies the learning rate with, or divides it by.
const RATE_STEP_FACTOR: f64 = 1.25;

/// A typed command of this kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SteerCommand {
    /// Another peak of the learning rate.
    Rate(RateChange),
    /// Draws a step.
    Draws(usize),
    /// A search at the cursor: its first step and how many points it may look at.
    Search(f64, usize),
    /// An ensemble of so many points is chosen and exported.
    Ensemble(usize),
    /// Another run of these degrees: in the queue, or now.
    NewRun(u8, u8, bool),
}

/// Reads a typed command; `None` when it is none of this kind.
pub(super) fn parse(words: &[&str]) -> Option<Result<SteerCommand, String>> {
    let rate = |text: &str| -> Result<SteerCommand, String> {
        let (factor, number) = match text.strip_prefix(['x', '*']) {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        match number.parse::<f64>() {
            Ok(x) if x > 0.0 && x.is_finite() && factor => Ok(SteerCommand::Rate(RateChange::Factor(x))),
            Ok(x) if x > 0.0 && x.is_finite() => Ok(SteerCommand::Rate(RateChange::Peak(x))),
            _ => Err(format!("`{text}` is no learning rate; write 0.01, or x0.5 for half of it")),
        }
    };
    let count = |text: &str, what: &str, most: usize| match text.parse::<usize>() {
        Ok(n) if (1..=most).contains(&n) => Ok(n),
        _ => Err(format!("`{text}` is no number of {what}; choose 1 to {most}")),
    };
    let radius = |text: &str| match text.parse::<f64>() {
        Ok(r) if (1e-3..=1.0).contains(&r) => Ok(r),
        _ => Err(format!("`{text}` is no first step; choose 0.001 to 1")),
    };
    Some(match words {
        ["rate", text] => rate(text),
        ["draws", text] => count(text, "draws", 1 << 16).map(SteerCommand::Draws),
        ["search", r] => radius(r).map(|r| SteerCommand::Search(r, DEFAULT_SEARCH_BUDGET)),
        ["search", r, n] => radius(r).and_then(|r| Ok(SteerCommand::Search(r, count(n, "points", 1000)?))),
        [word @ ("fork" | "queue"), rest @ ..] if matches!(rest.len(), 1 | 2) => {
            let degree = |text: &str| count(text, "degrees", 8).map(|d| d as u8);
            let (m, n) = (degree(rest[0]), degree(rest[rest.len() - 1]));
            m.and_then(|m| Ok(SteerCommand::NewRun(m, n?, *word == "queue")))
        }
        ["ensemble", text] => count(text, "members", MAX_MEMBERS).map(SteerCommand::Ensemble),
        _ => return None,
    })
}

impl App {
    /// Peak of the learning rate as the user sees it: what was asked for last, else what was reported.
    pub fn peak_rate(&self) -> f64 {
        let reported = self.run_state.snapshot.as_ref().map_or(0.0, |s| s.peak_rate);
        self.requested_rate().unwrap_or(reported)
    }

    /// Draws a step as the user sees them.
    pub fn draws(&self) -> usize {
        let reported = self.run_state.snapshot.as_ref().map_or(1, |s| s.draws.max(1));
        self.requested_draws().unwrap_or(reported)
    }

    pub(super) fn change_rate(&mut self, up: bool) -> Vec<Effect> {
        let factor = if up { RATE_STEP_FACTOR } else { 1.0 / RATE_STEP_FACTOR };
        // Three digits, so that a number a person can read comes of it.
        let peak = round_to_three_digits(self.peak_rate() * factor);
        self.set_rate(RateChange::Peak(peak))
    }

    pub(super) fn change_draws(&mut self, by: i64) -> Vec<Effect> {
        match self.draws().checked_add_signed(by as isize) {
            Some(draws) if draws > 0 => self.set_draws(draws),
            _ => {
                self.show_message(MessageKind::Hint, "draws: a step has at least one");
                Vec::new()
            }
        }
    }

    pub(super) fn perform_steer_command(&mut self, steer: SteerCommand) -> Vec<Effect> {
        match steer {
            SteerCommand::Rate(rate) => self.set_rate(rate),
            SteerCommand::Draws(draws) => self.set_draws(draws),
            SteerCommand::Search(radius, budget) => self.search_near(radius, budget),
            SteerCommand::NewRun(m, n, queued) => match Degrees::for_patch(self.degrees().patch(), m, n) {
                Ok(degrees) => self.send_new_run_request(degrees, queued),
                Err(why) => {
                    self.show_message(MessageKind::Hint, why.to_string());
                    Vec::new()
                }
            },
            SteerCommand::Ensemble(count) => {
                self.export_selection(Selection::Greedy { count }, format!("an ensemble of {count}"))
            }
        }
    }

    /// Another run of the planned degree; without a plan, of one more along both.
    pub(super) fn request_new_run(&mut self, queued: bool) -> Vec<Effect> {
        // A key that is held down repeats many times a second, and every run has an engine of its own.
        let last = self.last_new_run_at.replace(self.now);
        if last.is_some_and(|at| self.now - at < KEY_REPEAT_TIMEOUT_SECS) {
            self.show_message(
                MessageKind::Hint,
                "one run at a time: release the key, then press it again for another one",
            );
            return Vec::new();
        }
        let present = self.degrees();
        let degrees = match self.degree_plan.take() {
            Some(plan) => plan.to,
            None => {
                let more = present.with_changed_degree(ParameterAxis::U, 1);
                let both = more.and_then(|d| match d.patch().corner_count() {
                    4 => d.with_changed_degree(ParameterAxis::V, 1),
                    _ => Ok(d),
                });
                match both {
                    Ok(degrees) => degrees,
                    Err(why) => {
                        self.show_message(MessageKind::Hint, why.to_string());
                        return Vec::new();
                    }
                }
            }
        };
        self.send_new_run_request(degrees, queued)
    }

    fn send_new_run_request(&mut self, degrees: Degrees, queued: bool) -> Vec<Effect> {
        if queued {
            self.show_message(MessageKind::Info, format!("putting degree {degrees} into the queue …"));
            return vec![Effect::Send(ClientMessage::Bridge(BridgeRequest::Queue(degrees)))];
        }
        self.show_message(MessageKind::Info, format!("making a run of degree {degrees} from here …"));
        vec![Effect::Send(ClientMessage::Bridge(BridgeRequest::Fork(degrees)))]
    }

    pub(super) fn search_at_cursor(&mut self) -> Vec<Effect> {
        self.search_near(DEFAULT_SEARCH_RADIUS, DEFAULT_SEARCH_BUDGET)
    }

    fn search_near(&mut self, radius: f64, budget: usize) -> Vec<Effect> {
        let (u, v) = self.surface.uv(self.grid());
        let waiting = Some(format!("searching near ({u:.3}, {v:.3}) …"));
        self.send_command_with_progress("search", EngineCommand::Search { u, v, radius, budget }, waiting)
    }

    /// What takes a while in the engine, how far it is, and how to give it up.
    pub(super) fn task_progress_line(&self) -> Option<String> {
        let errand = self.run_state.snapshot.as_ref()?.errand.as_ref()?;
        let part = match errand.total {
            0 => String::new(),
            total => format!(" {:.0} %", 100.0 * errand.done as f64 / total as f64),
        };
        let more = match errand.waiting {
            0 => String::new(),
            n => format!(", {n} more wait"),
        };
        let key = self.key_label(crate::action::Action::Cancel);
        Some(format!("{}{part}{more}; {key} gives it up", errand.name))
    }

    /// The engine exports, searches or measures something beside the job, or was asked to.
    pub(super) fn is_task_running(&self) -> bool {
        let snapshot = self.run_state.snapshot.as_ref();
        snapshot.is_some_and(|s| s.errand.is_some()) || self.awaits_task_reply()
    }

    /// Something that can be given up was asked for and is not answered.
    pub fn awaits_task_reply(&self) -> bool {
        let long = ["search", "evaluate", "export", "ensemble"];
        self.pending.values().any(|p| long.contains(&p.name))
    }

    fn marked_points(&mut self) -> Option<Vec<(f64, f64)>> {
        let marks = self.run_state.snapshot.as_ref().map(|s| s.marks.clone());
        let marks = marks.unwrap_or_default();
        if marks.is_empty() {
            let key = self.key_label(crate::action::Action::Mark);
            self.show_message(
                MessageKind::Hint,
                format!("ensemble: no point is marked; {key} marks the one under the cursor"),
            );
            return None;
        }
        Some(marks)
    }

    pub(super) fn measure_marks(&mut self) -> Vec<Effect> {
        let Some(points) = self.marked_points() else {
            return Vec::new();
        };
        let waiting = Some(format!("measuring an ensemble of {} …", points.len()));
        self.send_command_with_progress("ensemble", EngineCommand::MeasureEnsemble { points }, waiting)
    }

    pub(super) fn export_marks(&mut self) -> Vec<Effect> {
        let Some(points) = self.marked_points() else {
            return Vec::new();
        };
        let what = format!("an ensemble of the {} marked points", points.len());
        self.export_selection(Selection::Ensemble { points }, what)
    }

    pub(super) fn export_ensemble(&mut self) -> Vec<Effect> {
        self.perform_steer_command(SteerCommand::Ensemble(DEFAULT_ENSEMBLE_SIZE))
    }
}

/// A number to three significant digits.
fn round_to_three_digits(x: f64) -> f64 {
    format!("{x:.2e}").parse().unwrap_or(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_and_refused_in_words() {
        assert_eq!(parse(&["rate", "0.01"]), Some(Ok(SteerCommand::Rate(RateChange::Peak(0.01)))));
        assert_eq!(parse(&["rate", "x0.5"]), Some(Ok(SteerCommand::Rate(RateChange::Factor(0.5)))));
        assert_eq!(parse(&["draws", "4"]), Some(Ok(SteerCommand::Draws(4))));
        assert_eq!(parse(&["search", "0.2", "60"]), Some(Ok(SteerCommand::Search(0.2, 60))));
        assert_eq!(parse(&["ensemble", "3"]), Some(Ok(SteerCommand::Ensemble(3))));
        assert_eq!(parse(&["rate"]), None);
        for words in [&["rate", "-1"][..], &["rate", "inf"], &["draws", "0"], &["search", "2"], &["ensemble", "65"]] {
            assert!(parse(words).unwrap().is_err(), "{words:?}");
        }
    }

    #[test]
    fn a_rate_is_rounded_to_what_a_person_reads() {
        assert_eq!(round_to_three_digits(0.123456), 0.123);
    }
}
