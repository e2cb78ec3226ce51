//! Questions, asked before something cannot be taken back.

use super::message::MessageKind;
use super::{App, Effect, EngineLink, RemoteLine};
use crate::link::{LeaveReason, NewFile, Outgoing};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use surfit_core::event::JobStage;
use surfit_core::protocol::EngineCommand;
use surfit_core::snapshot::EngineState;

/// What an answer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerAction {
    /// Nothing is done.
    Cancel,
    /// Leave; the engine goes on.
    Detach,
    /// Leave; the engine makes a checkpoint and ends.
    StopEngine,
    /// End the present stage early.
    StopStage,
    /// Fit the present surface further.
    FitFurther,
    /// Fit a new surface.
    StartFit,
    /// Train new corners.
    StartCorners,
    /// Remove the run that is asked about.
    RemoveRun,
    /// Put the new file in the place of the one that is there.
    Replace,
    /// Give the new file another name.
    Rename,
}

/// One of the answers to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnswerChoice {
    /// Key that gives the answer.
    pub key: char,
    /// A word or two.
    pub label: &'static str,
    /// What it means, in a clause.
    pub meaning: &'static str,
    /// What it does.
    pub answer: AnswerAction,
}

/// A question with its answers; the first is the one that loses nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Text of the question.
    pub title: &'static str,
    /// What there is to know before answering.
    pub text: String,
    /// Answers that can be given.
    pub choices: &'static [AnswerChoice],
    /// The one that enter takes.
    pub selected: usize,
}

const fn choice(key: char, label: &'static str, meaning: &'static str, answer: AnswerAction) -> AnswerChoice {
    AnswerChoice { key, label, meaning, answer }
}

const QUIT_CHOICES: &[AnswerChoice] = &[
    choice('d', "detach", "leave, the engine goes on", AnswerAction::Detach),
    choice('s', "stop engine", "checkpoint, end it, and leave", AnswerAction::StopEngine),
    choice('c', "cancel", "stay here", AnswerAction::Cancel),
];
/// In a batch job the engine does not outlive it.
const QUIT_BATCH_JOB_CHOICES: &[AnswerChoice] = &[
    choice('d', "detach", "checkpoint and leave; the job's end ends the engine", AnswerAction::Detach),
    QUIT_CHOICES[1],
    QUIT_CHOICES[2],
];
const STOP_CHOICES: &[AnswerChoice] = &[
    choice('c', "cancel", "go on", AnswerAction::Cancel),
    choice('s', "stop", "end it here, keep what was reached", AnswerAction::StopStage),
];
const FIT_CHOICES: &[AnswerChoice] = &[
    choice('c', "cancel", "leave the surface as it is", AnswerAction::Cancel),
    choice('g', "go on", "fit this surface further, with a new schedule", AnswerAction::FitFurther),
    choice('f', "new fit", "fit again between these corners", AnswerAction::StartFit),
];
const CORNER_CHOICES: &[AnswerChoice] = &[
    choice('c', "cancel", "keep the present corners", AnswerAction::Cancel),
    choice('t', "train", "train new corners, then fit", AnswerAction::StartCorners),
];

const REMOVE_CHOICES: &[AnswerChoice] = &[
    choice('c', "cancel", "keep it", AnswerAction::Cancel),
    choice('r', "remove", "delete its directory for good", AnswerAction::RemoveRun),
];

const REPLACE_CHOICES: &[AnswerChoice] = &[
    choice('n', "other name", "write it elsewhere", AnswerAction::Rename),
    choice('r', "replace", "what is there is lost", AnswerAction::Replace),
    choice('c', "cancel", "write nothing", AnswerAction::Cancel),
];

/// The stage's name is one of many things.
fn is_plural(stage: JobStage) -> bool {
    matches!(stage, JobStage::Data | JobStage::Corners)
}

impl App {
    fn ask_question(&mut self, title: &'static str, text: String, choices: &'static [AnswerChoice]) -> Vec<Effect> {
        self.question = Some(Question { title, text, choices, selected: 0 });
        self.dirty = true;
        Vec::new()
    }

    pub(crate) fn detach(&mut self) -> Vec<Effect> {
        match self.batch_job.is_some() && self.is_connected() {
            true => self.ask_quit(),
            false => self.exit_effects(LeaveReason::Detached),
        }
    }

    pub(crate) fn quit(&mut self) -> Vec<Effect> {
        if self.readonly || self.remote_line.as_ref().is_some_and(RemoteLine::is_down) {
            return self.exit_effects(LeaveReason::Detached);
        }
        let connected = matches!(self.connection, EngineLink::Connected { .. });
        let busy =
            matches!(self.run_state.engine_state(), EngineState::Running | EngineState::Paused | EngineState::Starting)
                || self.is_task_running();
        // An engine that is found or started at this moment goes on with its job.
        let asked = self.engine_stopped() && self.awaits_task_reply();
        if self.connection == EngineLink::Connecting || connected && busy || asked {
            return self.ask_quit();
        }
        // An idle engine is of use only to those who still watch it.
        let alone = self.run_state.snapshot.as_ref().is_none_or(|s| s.viewers <= 1);
        self.exit_effects(LeaveReason::Quit { stop_engine: connected && alone })
    }

    pub(super) fn ask_quit(&mut self) -> Vec<Effect> {
        let text = match &self.run_state.snapshot {
            _ if self.connection == EngineLink::Connecting => {
                format!("The engine of {} is about to work.", self.run)
            }
            Some(s)
                if !matches!(
                    self.run_state.engine_state(),
                    EngineState::Running | EngineState::Paused | EngineState::Starting
                ) =>
            {
                match &s.errand {
                    Some(errand) => format!("{} is still {}.", self.run, errand.name),
                    None => format!("{} has not answered yet what was asked of it.", self.run),
                }
            }
            Some(s) => {
                let (name, be) = (s.stage.name(), if is_plural(s.stage) { "are" } else { "is" });
                format!("The {name} of {} {be} under way.", self.run)
            }
            None => format!("{} is under way.", self.run),
        };
        match &self.batch_job {
            Some(job) => {
                let text = format!("{text} Its engine ends with {job}.");
                self.ask_question("Leave while work is under way?", text, QUIT_BATCH_JOB_CHOICES)
            }
            None => self.ask_question("Leave while work is under way?", text, QUIT_CHOICES),
        }
    }

    pub(crate) fn ask_stop(&mut self) -> Vec<Effect> {
        let text = match &self.run_state.snapshot {
            Some(s) if s.total > 0 => {
                let have = if is_plural(s.stage) { "have" } else { "has" };
                format!("The {} {have} done {} of {}.", s.stage.name(), s.done, s.total)
            }
            Some(s) if is_plural(s.stage) => format!("The {} are under way.", s.stage.name()),
            Some(s) => format!("The {} is under way.", s.stage.name()),
            None => String::new(),
        };
        self.ask_question("Stop this stage?", text, STOP_CHOICES)
    }

    /// Takes back the question whether to stop a stage that is over: a late answer would stop the next one.
    pub(super) fn withdraw_stop_question(&mut self) {
        let asks = |q: &Question| q.choices.iter().any(|c| c.answer == AnswerAction::StopStage);
        if self.question.as_ref().is_some_and(asks) {
            self.question = None;
            self.show_message(MessageKind::Hint, "stop: that stage is over");
        }
    }

    pub(super) fn ask_fit(&mut self) -> Vec<Effect> {
        let text = "The fit is done. A new surface takes the place of the present one; models written stay.";
        self.ask_question("Fit further, or a new surface?", text.into(), FIT_CHOICES)
    }

    pub(super) fn ask_corners(&mut self) -> Vec<Effect> {
        let text = "New corners take the place of these and of the surface; models written stay.";
        self.ask_question("Train new corners?", text.into(), CORNER_CHOICES)
    }

    pub(crate) fn ask_remove(&mut self) -> Vec<Effect> {
        let Some(run) = self.selected_run() else {
            return Vec::new();
        };
        let path = run.path.clone();
        let text = format!("{} is deleted with its corners, surface and models, from {}.", run.id, path.display());
        self.runs_view.run_to_delete = Some(path);
        self.ask_question("Remove this run?", text, REMOVE_CHOICES)
    }

    /// Asks about a file that is there already.
    pub(super) fn ask_replace(&mut self, file: NewFile) {
        let text = format!("{} is there already.", file.path.display());
        self.existing_file = Some(file);
        self.ask_question("Replace the file?", text, REPLACE_CHOICES);
    }

    pub(super) fn handle_question_key(&mut self, event: KeyEvent) -> Vec<Effect> {
        let Some(question) = &mut self.question else {
            return Vec::new();
        };
        let count = question.choices.len();
        match event.code {
            KeyCode::Esc => return self.answer_question(AnswerAction::Cancel),
            KeyCode::Enter => {
                let answer = question.choices[question.selected].answer;
                return self.answer_question(answer);
            }
            KeyCode::Down | KeyCode::Right | KeyCode::Tab => {
                question.selected = (question.selected + 1) % count;
            }
            KeyCode::Up | KeyCode::Left | KeyCode::BackTab => {
                question.selected = (question.selected + count - 1) % count;
            }
            KeyCode::Char(c) if !(event.modifiers).intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) => {
                let c = c.to_ascii_lowercase();
                if let Some(choice) = question.choices.iter().find(|choice| choice.key == c) {
                    return self.answer_question(choice.answer);
                }
            }
            _ => {}
        }
        Vec::new()
    }

    pub(super) fn answer_question(&mut self, answer: AnswerAction) -> Vec<Effect> {
        self.question = None;
        self.dirty = true;
        let (doomed, file) = (self.runs_view.run_to_delete.take(), self.existing_file.take());
        match answer {
            AnswerAction::RemoveRun => self.remove_run(doomed),
            AnswerAction::Replace => self.replace_file(file),
            AnswerAction::Rename => self.prompt_other_filename(file),
            AnswerAction::Cancel => Vec::new(),
            AnswerAction::Detach => self.exit_effects(LeaveReason::Detached),
            AnswerAction::StopEngine => self.exit_effects(LeaveReason::Quit { stop_engine: true }),
            AnswerAction::StopStage => self.send_command("stop", EngineCommand::Stop),
            AnswerAction::FitFurther => {
                self.send_command("start", EngineCommand::FitFurther { steps: None, epochs: None })
            }
            AnswerAction::StartFit => self.send_command("start", EngineCommand::StartFit { degrees: None }),
            AnswerAction::StartCorners => self.send_command("start", EngineCommand::StartCorners),
        }
    }

    pub(super) fn exit_effects(&mut self, leave: LeaveReason) -> Vec<Effect> {
        match leave {
            LeaveReason::Detached => vec![Effect::Send(Outgoing::Detach), Effect::Exit(leave)],
            leave => vec![Effect::Exit(leave)],
        }
    }
}
