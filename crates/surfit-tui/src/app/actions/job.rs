//! The stages of the job.

use crate::action::Action;
use crate::app::message::MessageKind;
use crate::app::{App, Effect, EngineLink};
use surfit_core::protocol::{BridgeRequest, ClientMessage, EngineCommand};
use surfit_core::snapshot::EngineState;

impl App {
    pub(super) fn perform_job_action(&mut self, action: Action) -> Option<Vec<Effect>> {
        Some(match action {
            Action::Start => self.start_job(),
            Action::StartCorners if self.run_state.corners.is_empty() => {
                self.send_command("start", EngineCommand::StartCorners)
            }
            Action::StartCorners => self.ask_corners(),
            Action::Pause if self.run_state.engine_state() == EngineState::Paused => {
                self.send_command("pause", EngineCommand::Unpause)
            }
            Action::Pause => self.send_command("pause", EngineCommand::Pause),
            Action::Stop => self.ask_stop(),
            Action::Fork => self.request_new_run(false),
            Action::Queue => self.request_new_run(true),
            Action::Cancel => self.send_command("cancel", EngineCommand::Cancel),
            Action::RateUp => self.change_rate(true),
            Action::RateDown => self.change_rate(false),
            Action::MoreDraws => self.change_draws(1),
            Action::FewerDraws => self.change_draws(-1),
            Action::Checkpoint => {
                let waiting = Some("writing a checkpoint …".into());
                let effects = self.send_command_with_progress("checkpoint", EngineCommand::Checkpoint, waiting);
                if let Some(p) = self.pending.values_mut().next_back() {
                    p.done_text = Some("The checkpoint is on disk.".into());
                }
                effects
            }
            Action::Resume if self.remote_line.as_ref().is_some_and(|l| l.is_refused()) => {
                self.show_message(MessageKind::Info, "dialling …");
                vec![Effect::Send(ClientMessage::Bridge(BridgeRequest::Reconnect))]
            }
            Action::Resume => {
                self.connection = EngineLink::Connecting;
                self.show_message(MessageKind::Info, "starting the engine …");
                // The run on the screen, and no other that is shown where the engine is.
                let dir = self.run_location.as_ref().map(|place| place.dir.clone());
                vec![Effect::Send(ClientMessage::Bridge(BridgeRequest::ResumeEngine(dir)))]
            }
            _ => return None,
        })
    }

    fn start_job(&mut self) -> Vec<Effect> {
        match self.run_state.engine_state() {
            EngineState::Paused => self.send_command("start", EngineCommand::Unpause),
            EngineState::Finished => self.ask_fit(),
            _ => self.send_command("start", EngineCommand::Start),
        }
    }
}
