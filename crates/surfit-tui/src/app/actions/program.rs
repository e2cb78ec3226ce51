//! The program: overlays, leaving.

use crate::action::Action;
use crate::app::{App, Effect, EngineLink, Overlay, RemoteLine};
use crate::link::LeaveReason;
use surfit_core::snapshot::EngineState;

impl App {
    pub(super) fn perform_program_action(&mut self, action: Action) -> Option<Vec<Effect>> {
        match action {
            Action::Help => self.toggle_overlay(Overlay::help()),
            Action::Palette => self.toggle_overlay(Overlay::palette()),
            Action::Log => self.toggle_overlay(Overlay::log()),
            Action::SearchHelp => self.open_search(),
            Action::NextHelp => self.find_next_help_key(true),
            Action::PreviousHelp => self.find_next_help_key(false),
            Action::SearchLog => self.open_search(),
            Action::FindNext => self.find_next_log_line(true),
            Action::FindPrevious => self.find_next_log_line(false),
            Action::LogTopic => {
                self.log.next_topic();
                self.clamp_overlay();
            }
            Action::LogTimes => self.log.absolute_time = !self.log.absolute_time,
            Action::FilterRuns => self.open_search(),
            Action::PinRun => self.toggle_pinned_run(),
            Action::ResumeRun => return Some(self.resume_run()),
            Action::RemoveRun => return Some(self.ask_remove()),
            Action::Image => self.toggle_overlay(Overlay::image(self.focus)),
            Action::NextImage => self.next_image(),
            Action::Machine => self.toggle_overlay(Overlay::machine()),
            Action::Runs => {
                self.toggle_overlay(Overlay::runs());
                return Some(self.request_run_list());
            }
            Action::Redraw => return Some(vec![Effect::Redraw]),
            Action::Detach if self.batch_job.is_some() && self.is_connected() => {
                return Some(self.ask_quit());
            }
            Action::Detach => return Some(self.exit_effects(LeaveReason::Detached)),
            Action::Suspend => return Some(vec![Effect::Suspend]),
            Action::Quit => return Some(self.quit()),
            _ => return None,
        }
        Some(Vec::new())
    }

    fn quit(&mut self) -> Vec<Effect> {
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
}
