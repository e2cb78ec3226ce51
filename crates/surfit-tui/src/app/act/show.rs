//! What the panes show.

use crate::action::Action;
use crate::app::message::MessageKind;
use crate::app::{App, Effect, EngineLink};
use crate::views::surface::{Camera, CellQuantity, RangeChange};
use surfit_core::protocol::EngineCommand;

impl App {
    pub(super) fn change_view(&mut self, action: Action) -> Option<Vec<Effect>> {
        match action {
            Action::Metric => return Some(self.next_metric()),
            Action::Numbers => self.surface.numbers = !self.surface.numbers,
            Action::Slices => self.surface.slices = self.surface.slices.next(),
            Action::Gain => self.surface.toggle(CellQuantity::Gain),
            Action::Confidence => self.surface.toggle(CellQuantity::Width),
            Action::Contours => self.surface.contours = self.surface.contours.next(),
            Action::Interpolate => self.surface.smooth = !self.surface.smooth,
            Action::Peaks => self.surface.peaks = !self.surface.peaks,
            Action::Relief => self.surface.relief = !self.surface.relief,
            Action::ZoomIn => self.zoom_surface(0.5, None),
            Action::ZoomOut => self.zoom_surface(2.0, None),
            Action::TurnLeft => self.turn_or_pan(-1, 0),
            Action::TurnRight => self.turn_or_pan(1, 0),
            Action::TiltUp => self.turn_or_pan(0, 1),
            Action::TiltDown => self.turn_or_pan(0, -1),
            Action::Steeper => self.surface.camera.steepen(1.25),
            Action::Flatter => self.surface.camera.steepen(0.8),
            Action::ResetView => {
                self.surface.show_all();
                self.surface.camera = Camera::default();
            }
            Action::Blocks => {
                self.surface.fine = self.surface.fine.next();
                self.say(
                    MessageKind::Info,
                    format!("drawn with {}", self.surface.fine.name()),
                );
            }
            Action::Beside => self.toggle_beside(),
            Action::BesideRun => return Some(self.choose_beside()),
            Action::RangeNarrow => self.surface.adjust(&self.picture, RangeChange::Narrow),
            Action::RangeWiden => self.surface.adjust(&self.picture, RangeChange::Widen),
            Action::RangeRaise => self.surface.adjust(&self.picture, RangeChange::Raise),
            Action::RangeLower => self.surface.adjust(&self.picture, RangeChange::Lower),
            Action::RangeAuto => self.surface.fixed = None,
            Action::Distances => self.toggle_distances(),
            Action::PointFigure => self.points.figure = self.points.figure.next(),
            Action::Wider => self.resize(4, 0),
            Action::Narrower => self.resize(-4, 0),
            Action::Taller => self.resize(0, 2),
            Action::Shorter => self.resize(0, -2),
            Action::Arrange => self.arrange(),
            Action::ResetPanes => self.arrangement.reset(),
            Action::Lists => self.beside = !self.beside,
            Action::Theme => self.next_theme(),
            Action::Themes => self.toggle_themes(),
            _ => return self.change_curves(action),
        }
        Some(Vec::new())
    }

    /// Shows less of the surface, or more, about a cell or the cursor.
    pub(in crate::app) fn zoom_surface(&mut self, factor: f64, about: Option<(usize, usize)>) {
        let (grid, patch) = (self.grid(), self.degrees().patch());
        self.surface.zoom_by(factor, about, grid, patch);
    }

    /// Turns and tilts the relief; flat, moves the part that is shown.
    fn turn_or_pan(&mut self, across: i64, up: i64) {
        if self.surface.relief {
            let (turn, tilt) = (-15.0 * across as f64, 10.0 * up as f64);
            self.surface.camera.move_by(turn, tilt);
        } else {
            let (grid, patch) = (self.grid(), self.degrees().patch());
            self.surface.pan((across, up), grid, patch);
        }
    }

    /// The distances or the points. Those between the corners are known; the others are measured when they are asked for.
    fn toggle_distances(&mut self) {
        self.points.distances = !self.points.distances;
        let possible = Action::MeasureDistances.entry().possible;
        if self.points.distances && self.picture.distances.is_none() && possible(self).is_ok() {
            let key = self.key(Action::MeasureDistances);
            let text = format!("{key} measures the distances between all control points");
            self.say(MessageKind::Hint, text);
        }
    }

    fn next_metric(&mut self) -> Vec<Effect> {
        let metric = self.surface.metric.next();
        (self.surface.metric, self.metric_known) = (metric, true);
        // The engine keeps it for whoever opens the run next; what others look at is theirs.
        match self.connection {
            EngineLink::Connected { .. } if !self.readonly => {
                self.send("metric", EngineCommand::SetMetric { metric })
            }
            _ => Vec::new(),
        }
    }
}
