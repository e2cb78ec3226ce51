//! Questions, asked before something cannot be taken back.

use super::message::Kind;
use super::{App, Connection, Effect};
use crate::link::{Leave, NewFile, Outgoing};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use surfit_core::event::Stage;
use surfit_core::protocol::Command;
use surfit_core::snapshot::State;

/// What an answer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
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
pub struct Choice {
    /// Key that gives the answer.
    pub key: char,
    /// A word or two.
    pub label: &'static str,
    /// What it means, in a clause.
    pub meaning: &'static str,
    /// What it does.
    pub answer: Answer,
}

/// A question with its answers; the first is the one that loses nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Text of the question.
    pub title: &'static str,
    /// What there is to know before answering.
    pub text: String,
    /// Answers that can be given.
    pub choices: &'static [Choice],
    /// The one that enter takes.
    pub selected: usize,
}

const fn choice(key: char, label: &'static str, meaning: &'static str, answer: Answer) -> Choice {
    Choice {
        key,
        label,
        meaning,
        answer,
    }
}

const QUIT: &[Choice] = &[
    choice('d', "detach", "leave, the engine goes on", Answer::Detach),
    choice(
        's',
        "stop engine",
        "checkpoint, end it, and leave",
        Answer::StopEngine,
    ),
    choice('c', "cancel", "stay here", Answer::Cancel),
];
/// In a batch job the engine does not outlive it.
const QUIT_JOB: &[Choice] = &[
    choice(
        'd',
        "detach",
        "checkpoint and leave; the job's end ends the engine",
        Answer::Detach,
    ),
    QUIT[1],
    QUIT[2],
];
const STOP: &[Choice] = &[
    choice('c', "cancel", "go on", Answer::Cancel),
    choice(
        's',
        "stop",
        "end it here, keep what was reached",
        Answer::StopStage,
    ),
];
const FIT: &[Choice] = &[
    choice('c', "cancel", "leave the surface as it is", Answer::Cancel),
    choice(
        'g',
        "go on",
        "fit this surface further, with a new schedule",
        Answer::FitFurther,
    ),
    choice(
        'f',
        "new fit",
        "fit again between these corners",
        Answer::StartFit,
    ),
];
const CORNERS: &[Choice] = &[
    choice('c', "cancel", "keep the present corners", Answer::Cancel),
    choice(
        't',
        "train",
        "train new corners, then fit",
        Answer::StartCorners,
    ),
];

const REMOVE: &[Choice] = &[
    choice('c', "cancel", "keep it", Answer::Cancel),
    choice(
        'r',
        "remove",
        "delete its directory for good",
        Answer::RemoveRun,
    ),
];

const REPLACE: &[Choice] = &[
    choice('n', "other name", "write it elsewhere", Answer::Rename),
    choice('r', "replace", "what is there is lost", Answer::Replace),
    choice('c', "cancel", "write nothing", Answer::Cancel),
];

/// The stage's name is one of many things.
fn plural(stage: Stage) -> bool {
    matches!(stage, Stage::Data | Stage::Corners)
}

impl App {
    fn ask(
        &mut self,
        title: &'static str,
        text: String,
        choices: &'static [Choice],
    ) -> Vec<Effect> {
        self.question = Some(Question {
            title,
            text,
            choices,
            selected: 0,
        });
        self.dirty = true;
        Vec::new()
    }

    pub(super) fn ask_quit(&mut self) -> Vec<Effect> {
        let text = match &self.picture.snapshot {
            _ if self.connection == Connection::Connecting => {
                format!("The engine of {} is about to work.", self.run)
            }
            Some(s)
                if !matches!(
                    self.picture.state(),
                    State::Running | State::Paused | State::Starting
                ) =>
            {
                match &s.errand {
                    Some(errand) => format!("{} is still {}.", self.run, errand.name),
                    None => format!("{} has not answered yet what was asked of it.", self.run),
                }
            }
            Some(s) => {
                let (name, be) = (s.stage.name(), if plural(s.stage) { "are" } else { "is" });
                format!("The {name} of {} {be} under way.", self.run)
            }
            None => format!("{} is under way.", self.run),
        };
        match &self.batch_job {
            Some(job) => {
                let text = format!("{text} Its engine ends with {job}.");
                self.ask("Leave while work is under way?", text, QUIT_JOB)
            }
            None => self.ask("Leave while work is under way?", text, QUIT),
        }
    }

    pub(super) fn ask_stop(&mut self) -> Vec<Effect> {
        let text = match &self.picture.snapshot {
            Some(s) if s.total > 0 => {
                let have = if plural(s.stage) { "have" } else { "has" };
                format!(
                    "The {} {have} done {} of {}.",
                    s.stage.name(),
                    s.done,
                    s.total
                )
            }
            Some(s) if plural(s.stage) => format!("The {} are under way.", s.stage.name()),
            Some(s) => format!("The {} is under way.", s.stage.name()),
            None => String::new(),
        };
        self.ask("Stop this stage?", text, STOP)
    }

    /// Takes back the question whether to stop a stage that is over: a late answer would stop the next one.
    pub(super) fn stage_over(&mut self) {
        let asks = |q: &Question| q.choices.iter().any(|c| c.answer == Answer::StopStage);
        if self.question.as_ref().is_some_and(asks) {
            self.question = None;
            self.say(Kind::Hint, "stop: that stage is over");
        }
    }

    pub(super) fn ask_fit(&mut self) -> Vec<Effect> {
        let text = "The fit is done. A new surface takes the place of the present one; models written stay.";
        self.ask("Fit further, or a new surface?", text.into(), FIT)
    }

    pub(super) fn ask_corners(&mut self) -> Vec<Effect> {
        let text = "New corners take the place of these and of the surface; models written stay.";
        self.ask("Train new corners?", text.into(), CORNERS)
    }

    pub(super) fn ask_remove(&mut self) -> Vec<Effect> {
        let Some(run) = self.chosen_run() else {
            return Vec::new();
        };
        let path = run.path.clone();
        let text = format!(
            "{} is deleted with its corners, surface and models, from {}.",
            run.id,
            path.display()
        );
        self.runs_view.doomed = Some(path);
        self.ask("Remove this run?", text, REMOVE)
    }

    /// Asks about a file that is there already.
    pub(super) fn ask_replace(&mut self, file: NewFile) {
        let text = format!("{} is there already.", file.path.display());
        self.in_the_way = Some(file);
        self.ask("Replace the file?", text, REPLACE);
    }

    pub(super) fn key_in_question(&mut self, event: KeyEvent) -> Vec<Effect> {
        let Some(question) = &mut self.question else {
            return Vec::new();
        };
        let count = question.choices.len();
        match event.code {
            KeyCode::Esc => return self.answer(Answer::Cancel),
            KeyCode::Enter => {
                let answer = question.choices[question.selected].answer;
                return self.answer(answer);
            }
            KeyCode::Down | KeyCode::Right | KeyCode::Tab => {
                question.selected = (question.selected + 1) % count;
            }
            KeyCode::Up | KeyCode::Left | KeyCode::BackTab => {
                question.selected = (question.selected + count - 1) % count;
            }
            KeyCode::Char(c)
                if !(event.modifiers).intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) =>
            {
                let c = c.to_ascii_lowercase();
                if let Some(choice) = question.choices.iter().find(|choice| choice.key == c) {
                    return self.answer(choice.answer);
                }
            }
            _ => {}
        }
        Vec::new()
    }

    pub(super) fn answer(&mut self, answer: Answer) -> Vec<Effect> {
        self.question = None;
        self.dirty = true;
        let (doomed, file) = (self.runs_view.doomed.take(), self.in_the_way.take());
        match answer {
            Answer::RemoveRun => self.remove_run(doomed),
            Answer::Replace => self.replace_file(file),
            Answer::Rename => self.rename_file(file),
            Answer::Cancel => Vec::new(),
            Answer::Detach => self.leave(Leave::Detached),
            Answer::StopEngine => self.leave(Leave::Quit { stop_engine: true }),
            Answer::StopStage => self.send("stop", Command::Stop),
            Answer::FitFurther => self.send(
                "start",
                Command::FitFurther {
                    steps: None,
                    epochs: None,
                },
            ),
            Answer::StartFit => self.send("start", Command::StartFit { degrees: None }),
            Answer::StartCorners => self.send("start", Command::StartCorners),
        }
    }

    pub(super) fn leave(&mut self, leave: Leave) -> Vec<Effect> {
        match leave {
            Leave::Detached => vec![Effect::Send(Outgoing::Detach), Effect::Leave(leave)],
            leave => vec![Effect::Leave(leave)],
        }
    }
}
