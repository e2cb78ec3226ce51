//! The stages of the job.

use crate::action::Action;
use crate::app::message::Kind;
use crate::app::{App, Connection, Effect};
use crate::link::Outgoing;
use surfit_core::protocol::Command;
use surfit_core::snapshot::State;

impl App {
    pub(super) fn steer_job(&mut self, action: Action) -> Option<Vec<Effect>> {
        Some(match action {
            Action::Start => self.start(),
            Action::StartCorners if self.picture.corners.is_empty() => {
                self.send("start", Command::StartCorners)
            }
            Action::StartCorners => self.ask_corners(),
            Action::Pause if self.picture.state() == State::Paused => {
                self.send("pause", Command::Unpause)
            }
            Action::Pause => self.send("pause", Command::Pause),
            Action::Stop => self.ask_stop(),
            Action::Fork => self.another(false),
            Action::Queue => self.another(true),
            Action::Cancel => self.send("cancel", Command::Cancel),
            Action::RateUp => self.change_rate(true),
            Action::RateDown => self.change_rate(false),
            Action::MoreDraws => self.change_draws(1),
            Action::FewerDraws => self.change_draws(-1),
            Action::Checkpoint => {
                let waiting = Some("writing a checkpoint …".into());
                let effects = self.send_waiting("checkpoint", Command::Checkpoint, waiting);
                if let Some(p) = self.pending.values_mut().next_back() {
                    p.done = Some("The checkpoint is on disk.".into());
                }
                effects
            }
            Action::Resume if self.line.as_ref().is_some_and(|l| l.is_refused()) => {
                self.say(Kind::Info, "dialling …");
                vec![Effect::Send(Outgoing::Reconnect)]
            }
            Action::Resume => {
                self.connection = Connection::Connecting;
                self.say(Kind::Info, "starting the engine …");
                // The run on the screen, and no other that is shown where the engine is.
                let dir = self.place.as_ref().map(|place| place.dir.clone());
                vec![Effect::Send(Outgoing::ResumeEngine(dir))]
            }
            _ => return None,
        })
    }

    fn start(&mut self) -> Vec<Effect> {
        match self.picture.state() {
            State::Paused => self.send("start", Command::Unpause),
            State::Finished => self.ask_fit(),
            _ => self.send("start", Command::Start),
        }
    }
}
