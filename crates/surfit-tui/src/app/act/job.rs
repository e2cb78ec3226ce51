//! The stages of the job.

use crate::action::Action;
use crate::app::message::MessageKind;
use crate::app::{App, Effect, EngineLink};
use crate::link::Outgoing;
use surfit_core::protocol::EngineCommand;
use surfit_core::snapshot::EngineState;

impl App {
    pub(super) fn steer_job(&mut self, action: Action) -> Option<Vec<Effect>> {
        Some(match action {
            Action::Start => self.start(),
            Action::StartCorners if self.picture.corners.is_empty() => {
                self.send("start", EngineCommand::StartCorners)
            }
            Action::StartCorners => self.ask_corners(),
            Action::Pause if self.picture.state() == EngineState::Paused => {
                self.send("pause", EngineCommand::Unpause)
            }
            Action::Pause => self.send("pause", EngineCommand::Pause),
            Action::Stop => self.ask_stop(),
            Action::Fork => self.another(false),
            Action::Queue => self.another(true),
            Action::Cancel => self.send("cancel", EngineCommand::Cancel),
            Action::RateUp => self.change_rate(true),
            Action::RateDown => self.change_rate(false),
            Action::MoreDraws => self.change_draws(1),
            Action::FewerDraws => self.change_draws(-1),
            Action::Checkpoint => {
                let waiting = Some("writing a checkpoint …".into());
                let effects = self.send_waiting("checkpoint", EngineCommand::Checkpoint, waiting);
                if let Some(p) = self.pending.values_mut().next_back() {
                    p.done = Some("The checkpoint is on disk.".into());
                }
                effects
            }
            Action::Resume if self.line.as_ref().is_some_and(|l| l.is_refused()) => {
                self.say(MessageKind::Info, "dialling …");
                vec![Effect::Send(Outgoing::Reconnect)]
            }
            Action::Resume => {
                self.connection = EngineLink::Connecting;
                self.say(MessageKind::Info, "starting the engine …");
                // The run on the screen, and no other that is shown where the engine is.
                let dir = self.place.as_ref().map(|place| place.dir.clone());
                vec![Effect::Send(Outgoing::ResumeEngine(dir))]
            }
            _ => return None,
        })
    }

    fn start(&mut self) -> Vec<Effect> {
        match self.picture.state() {
            EngineState::Paused => self.send("start", EngineCommand::Unpause),
            EngineState::Finished => self.ask_fit(),
            _ => self.send("start", EngineCommand::Start),
        }
    }
}
