//! Confirmation questions before an action that cannot be undone.

use super::message::MessageKind;
use super::{App, Effect, EngineLink, RemoteLine};
use crate::link::{LeaveReason, NewFile};
use surfit_core::event::JobStage;
use surfit_core::protocol::EngineCommand;
use surfit_core::snapshot::EngineState;
use surfit_core::surface::TrainablePoints;

type AnswerFunction = Box<dyn Fn(&mut App) -> Vec<Effect>>;

pub struct AnswerChoice {
    pub key: char,
    pub label: &'static str,
    pub meaning: &'static str,
    /// Does what the answer asks for.
    pub answer: AnswerFunction,
}

impl std::fmt::Debug for AnswerChoice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.label)
    }
}

/// A question with its answers; the first is the one that loses nothing.
#[derive(Debug)]
pub struct Question {
    pub title: &'static str,
    pub text: String,
    pub choices: Vec<AnswerChoice>,
    pub selected: usize,
}

const STOP_TITLE: &str = "Stop this stage?";

/// What a new fit is where the control points branch from one network.
const NEW_COURSE_MEANING: &str = "train anew from an untrained network";

fn choice(
    key: char,
    label: &'static str,
    meaning: &'static str,
    answer: impl Fn(&mut App) -> Vec<Effect> + 'static,
) -> AnswerChoice {
    AnswerChoice { key, label, meaning, answer: Box::new(answer) }
}

/// The answer that does nothing.
fn cancel_choice(meaning: &'static str) -> AnswerChoice {
    choice('c', "cancel", meaning, |_| Vec::new())
}

/// Leaving; in a batch job the engine does not outlive it.
fn quit_choices(in_batch_job: bool) -> Vec<AnswerChoice> {
    let detach = match in_batch_job {
        true => "quit; the batch job ends the engine",
        false => "quit; the engine keeps running",
    };
    vec![
        choice('d', "detach", detach, |_| vec![Effect::Exit(LeaveReason::Detached)]),
        choice('s', "stop engine", "write a checkpoint, stop it and quit", |_| {
            vec![Effect::Exit(LeaveReason::Quit { stop_engine: true })]
        }),
        cancel_choice("stay here"),
    ]
}

fn is_plural(stage: JobStage) -> bool {
    matches!(stage, JobStage::Data | JobStage::Corners)
}

impl App {
    fn ask_question(&mut self, title: &'static str, text: String, choices: Vec<AnswerChoice>) -> Vec<Effect> {
        self.push_dialog(Question { title, text, choices, selected: 0 });
        Vec::new()
    }

    pub(crate) fn detach(&mut self) -> Vec<Effect> {
        match self.batch_job.is_some() && self.is_connected() {
            true => self.ask_quit(),
            false => vec![Effect::Exit(LeaveReason::Detached)],
        }
    }

    /// Closes the open overlay; quits when there is none, after a question while a task is running.
    pub(crate) fn quit(&mut self) -> Vec<Effect> {
        if self.overlay().is_some() {
            self.close_overlays();
            return Vec::new();
        }
        if self.readonly || self.remote_line.as_ref().is_some_and(RemoteLine::is_down) {
            return vec![Effect::Exit(LeaveReason::Detached)];
        }
        let connected = self.is_connected();
        let busy =
            matches!(self.run_state.engine_state(), EngineState::Running | EngineState::Paused | EngineState::Starting)
                || self.is_task_running();
        // An engine that is found or started at this moment continues its job.
        let asked = self.engine_stopped() && self.awaits_task_reply();
        if self.connection == EngineLink::Connecting || connected && busy || asked {
            return self.ask_quit();
        }
        // An idle engine is of use only to those who still watch it.
        let alone = self.run_state.snapshot.as_ref().is_none_or(|s| s.viewers <= 1);
        vec![Effect::Exit(LeaveReason::Quit { stop_engine: connected && alone })]
    }

    fn describe_engine_state(&self) -> &'static str {
        match self.run_state.engine_state() {
            EngineState::Running => "running",
            EngineState::Paused => "paused",
            EngineState::Starting => "starting",
            _ => "idle",
        }
    }

    pub(super) fn ask_quit(&mut self) -> Vec<Effect> {
        let state = self.describe_engine_state();
        let text = match &self.run_state.snapshot {
            _ if self.connection == EngineLink::Connecting => format!("The engine of {} is starting.", self.run),
            Some(s) if state == "idle" => match &s.errand {
                Some(errand) => format!("{} is still {}.", self.run, errand.name),
                None => format!("{} has not answered yet.", self.run),
            },
            Some(s) => {
                let be = if is_plural(s.stage) { "are" } else { "is" };
                format!("The {} of {} {be} {state}.", s.stage.name(), self.run)
            }
            None => format!("{} is running.", self.run),
        };
        let text = match &self.batch_job {
            Some(job) => format!("{text} Its engine ends with {job}."),
            None => text,
        };
        self.ask_question("Quit while work is running?", text, quit_choices(self.batch_job.is_some()))
    }

    pub(crate) fn ask_stop(&mut self) -> Vec<Effect> {
        let text = match &self.run_state.snapshot {
            Some(s) if s.total > 0 => {
                let have = if is_plural(s.stage) { "have" } else { "has" };
                format!("The {} {have} done {} of {}.", s.stage.name(), s.done, s.total)
            }
            Some(s) => {
                let be = if is_plural(s.stage) { "are" } else { "is" };
                format!("The {} {be} {}.", s.stage.name(), self.describe_engine_state())
            }
            None => String::new(),
        };
        self.ask_question(
            STOP_TITLE,
            text,
            vec![
                cancel_choice("keep running"),
                choice('s', "stop", "end it now and keep its result", |app| app.send_command(EngineCommand::Stop)),
            ],
        )
    }

    /// Takes back the question whether to stop a stage that is over: a late answer would stop the next one.
    pub(super) fn withdraw_stop_question(&mut self) {
        if self.view::<Question>().is_some_and(|q| q.title == STOP_TITLE) {
            self.close_view::<Question>();
            self.show_message(MessageKind::Hint, "stop: that stage is over");
        }
    }

    pub(super) fn ask_fit(&mut self) -> Vec<Effect> {
        let trainable = self.run_state.snapshot.as_ref().map(|s| s.cost.trainable);
        let new_fit = match trainable {
            _ if self.run_state.is_branched() => NEW_COURSE_MEANING,
            // Those from before the fit are gone.
            Some(TrainablePoints::All) => "fit again from the fitted corners",
            _ => "fit again between these corners",
        };
        let text = "The fit is done. A new surface replaces the present one; exports are kept.";
        self.ask_question(
            "Fit further, or a new surface?",
            text.into(),
            vec![
                cancel_choice("keep the surface"),
                choice('g', "fit further", "continue this surface, new schedule", |app| {
                    app.send_command(EngineCommand::FitFurther { steps: None, epochs: None })
                }),
                choice('f', "new fit", new_fit, |app| app.send_command(EngineCommand::StartFit { degrees: None })),
            ],
        )
    }

    pub(super) fn ask_corners(&mut self) -> Vec<Effect> {
        let [title, text, keep, train] = match self.run_state.is_branched() {
            true => [
                "Train a new surface?",
                "What is trained is discarded; exports are kept.",
                "keep what is trained",
                NEW_COURSE_MEANING,
            ],
            false => [
                "Train new corners?",
                "New corners replace these and the surface; exports are kept.",
                "keep the present corners",
                "train new corners, then fit",
            ],
        };
        self.ask_question(
            title,
            text.into(),
            vec![cancel_choice(keep), choice('t', "train", train, |app| app.send_command(EngineCommand::StartCorners))],
        )
    }

    pub(crate) fn ask_remove(&mut self) -> Vec<Effect> {
        let Some(run) = self.selected_run() else {
            return Vec::new();
        };
        let path = run.path.clone();
        let text = format!("{} is deleted with its corners, surface and models, from {}.", run.id, path.display());
        self.ask_question(
            "Remove this run?",
            text,
            vec![
                cancel_choice("keep it"),
                choice('r', "remove", "delete its directory", move |app| app.remove_run(path.clone())),
            ],
        )
    }

    pub(super) fn ask_replace(&mut self, file: NewFile) {
        let text = format!("{} exists already.", file.path.display());
        let renamed = file.clone();
        self.ask_question(
            "Replace the file?",
            text,
            vec![
                choice('n', "other name", "write it elsewhere", move |app| {
                    app.prompt_other_filename(renamed.clone());
                    Vec::new()
                }),
                choice('r', "replace", "overwrite the existing file", move |app| {
                    app.write_file(NewFile { replace: true, ..file.clone() })
                }),
                cancel_choice("do not write"),
            ],
        );
    }
}
