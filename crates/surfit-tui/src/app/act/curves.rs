//! What the loss pane shows, and other runs' curves over this one's.

use crate::action::Action;
use crate::app::beside::CompareMode;
use crate::app::message::MessageKind;
use crate::app::{App, Effect};
use crate::views::loss::ComparedCurve;
use std::path::PathBuf;
use surfit_core::picture::RunState;

/// A press of zoom shows this share of what was shown.
const ZOOM: f64 = 0.5;
/// A press of pan moves by this share of what is shown.
const PAN: f64 = 0.25;

impl App {
    pub(super) fn change_curves(&mut self, action: Action) -> Option<Vec<Effect>> {
        let picture = &self.picture;
        match action {
            Action::LogAxis => self.loss.log = !self.loss.log,
            Action::Recent => self.loss.toggle_recent(),
            Action::Smooth => self.loss.smooth = !self.loss.smooth,
            Action::CornerCurves => self.loss.corners = !self.loss.corners,
            Action::LossZoomIn => self.loss.zoom_by(picture, ZOOM, None),
            Action::LossZoomOut => self.loss.zoom_by(picture, 1.0 / ZOOM, None),
            Action::LossZoomAll => self.loss.zoom_out_fully(),
            Action::LossPanLeft => self.loss.pan_by(picture, -PAN),
            Action::LossPanRight => self.loss.pan_by(picture, PAN),
            Action::LossXAxis => self.loss.toggle_time(picture),
            Action::LossSmoother => self.loss.smooth_by(1),
            Action::LossRougher => self.loss.smooth_by(-1),
            Action::LossRate => self.loss.rate = !self.loss.rate,
            Action::LossOverlay => return Some(self.compare()),
            _ => return None,
        }
        Some(Vec::new())
    }

    /// Lays the chosen run's curve over this one's, or takes it away. Without a list of runs it opens one.
    fn compare(&mut self) -> Vec<Effect> {
        let line =
            match self.run_to_show(Action::LossOverlay, "lays its loss curve over this one's") {
                Ok(line) => line,
                Err(effects) => return effects,
            };
        if self.loss.remove_overlay(&line.path) {
            self.say(
                MessageKind::Info,
                format!("{} is off the loss curves", line.id),
            );
            return Vec::new();
        }
        self.read_chosen(line, CompareMode::Curves)
    }

    /// Lays the curve of a run that was read over this one's.
    pub(in crate::app) fn lay_over(&mut self, path: PathBuf, picture: RunState) {
        let name = self.name_of_other(&path, &picture);
        let run = ComparedCurve {
            name: name.clone(),
            path,
            picture,
        };
        match self.loss.add_overlay(run) {
            Ok(()) => self.say(
                MessageKind::Info,
                format!("{name} lies over the loss curves"),
            ),
            Err(why) => self.say(MessageKind::Hint, why),
        }
    }
}
