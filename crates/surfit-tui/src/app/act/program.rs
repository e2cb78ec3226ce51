//! The program: overlays, leaving.

use crate::action::Action;
use crate::app::{App, Effect, EngineLink, Overlay, RemoteLine};
use crate::link::LeaveReason;
use surfit_core::snapshot::EngineState;

impl App {
    pub(super) fn run_program(&mut self, action: Action) -> Option<Vec<Effect>> {
        match action {
            Action::Help => self.toggle(Overlay::help()),
            Action::Palette => self.toggle(Overlay::palette()),
            Action::Log => self.toggle(Overlay::log()),
            Action::SearchHelp => self.begin_search(),
            Action::NextHelp => self.next_help(true),
            Action::PreviousHelp => self.next_help(false),
            Action::SearchLog => self.begin_search(),
            Action::FindNext => self.find_next(true),
            Action::FindPrevious => self.find_next(false),
            Action::LogTopic => {
                self.log.next_topic();
                self.clamp_overlay();
            }
            Action::LogTimes => self.log.absolute = !self.log.absolute,
            Action::FilterRuns => self.begin_search(),
            Action::CompareRun => self.pin_run(),
            Action::ResumeRun => return Some(self.resume_run()),
            Action::RemoveRun => return Some(self.ask_remove()),
            Action::Picture => self.toggle(Overlay::picture(self.focus)),
            Action::NextPicture => self.next_picture(),
            Action::Machine => self.toggle(Overlay::machine()),
            Action::Runs => {
                self.toggle(Overlay::runs());
                return Some(self.refresh_runs());
            }
            Action::Redraw => return Some(vec![Effect::Redraw]),
            Action::Detach if self.batch_job.is_some() && self.is_connected() => {
                return Some(self.ask_quit());
            }
            Action::Detach => return Some(self.leave(LeaveReason::Detached)),
            Action::Suspend => return Some(vec![Effect::Suspend]),
            Action::Quit => return Some(self.quit()),
            _ => return None,
        }
        Some(Vec::new())
    }

    fn quit(&mut self) -> Vec<Effect> {
        if self.readonly || self.line.as_ref().is_some_and(RemoteLine::is_down) {
            return self.leave(LeaveReason::Detached);
        }
        let connected = matches!(self.connection, EngineLink::Connected { .. });
        let busy = matches!(
            self.picture.state(),
            EngineState::Running | EngineState::Paused | EngineState::Starting
        ) || self.errand_under_way();
        // An engine that is found or started at this moment goes on with its job.
        let asked = self.sleeps() && self.waits_for_errand();
        if self.connection == EngineLink::Connecting || connected && busy || asked {
            return self.ask_quit();
        }
        // An idle engine is of use only to those who still watch it.
        let alone = self
            .picture
            .snapshot
            .as_ref()
            .is_none_or(|s| s.viewers <= 1);
        self.leave(LeaveReason::Quit {
            stop_engine: connected && alone,
        })
    }
}
