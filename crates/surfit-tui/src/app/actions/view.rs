//! What the panes show.

use crate::action::Action;
use crate::app::message::MessageKind;
use crate::app::{App, Effect, EngineLink};
use crate::views::surface::{Camera, CellQuantity, RangeChange};
use surfit_core::protocol::EngineCommand;

impl App {
    pub(super) fn perform_view_action(&mut self, action: Action) -> Option<Vec<Effect>> {
        match action {
            Action::Metric => return Some(self.cycle_metric()),
            Action::Numbers => self.surface.show_values = !self.surface.show_values,
            Action::Slices => self.surface.slices = self.surface.slices.next(),
            Action::Gain => self.surface.toggle_quantity(CellQuantity::Gain),
            Action::Confidence => self.surface.toggle_quantity(CellQuantity::Width),
            Action::Contours => self.surface.contours = self.surface.contours.next(),
            Action::Interpolate => self.surface.interpolate = !self.surface.interpolate,
            Action::Peaks => self.surface.show_peaks = !self.surface.show_peaks,
            Action::Relief => self.surface.show_relief = !self.surface.show_relief,
            Action::ZoomIn => self.zoom_surface(0.5, None),
            Action::ZoomOut => self.zoom_surface(2.0, None),
            Action::TurnLeft => self.turn_or_pan(-1, 0),
            Action::TurnRight => self.turn_or_pan(1, 0),
            Action::TiltUp => self.turn_or_pan(0, 1),
            Action::TiltDown => self.turn_or_pan(0, -1),
            Action::Steeper => self.surface.camera.scale_height(1.25),
            Action::Flatter => self.surface.camera.scale_height(0.8),
            Action::ResetView => {
                self.surface.show_all();
                self.surface.camera = Camera::default();
            }
            Action::Blocks => {
                self.surface.block_set = self.surface.block_set.next();
                self.show_message(MessageKind::Info, format!("drawn with {}", self.surface.block_set.name()));
            }
            Action::Comparison => self.toggle_comparison(),
            Action::CompareRunSurface => return Some(self.compare_selected_surface()),
            Action::RangeNarrow => self.surface.adjust_range(&self.run_state, RangeChange::Narrow),
            Action::RangeWiden => self.surface.adjust_range(&self.run_state, RangeChange::Widen),
            Action::RangeRaise => self.surface.adjust_range(&self.run_state, RangeChange::Raise),
            Action::RangeLower => self.surface.adjust_range(&self.run_state, RangeChange::Lower),
            Action::RangeAuto => self.surface.fixed_range = None,
            Action::Distances => self.toggle_distances(),
            Action::PointQuantity => self.points.figure = self.points.figure.next(),
            Action::Wider => self.resize_pane(4, 0),
            Action::Narrower => self.resize_pane(-4, 0),
            Action::Taller => self.resize_pane(0, 2),
            Action::Shorter => self.resize_pane(0, -2),
            Action::Arrange => self.cycle_arrangement(),
            Action::ResetPanes => self.arrangement.reset_borders(),
            Action::Sidebar => self.sidebar_shown = !self.sidebar_shown,
            Action::Theme => self.cycle_theme(),
            Action::Themes => self.toggle_themes(),
            _ => return self.perform_curve_action(action),
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
        if self.surface.show_relief {
            let (turn, tilt) = (-15.0 * across as f64, 10.0 * up as f64);
            self.surface.camera.rotate(turn, tilt);
        } else {
            let (grid, patch) = (self.grid(), self.degrees().patch());
            self.surface.pan((across, up), grid, patch);
        }
    }

    /// The distances or the points. Those between the corners are known; the others are measured when they are asked for.
    fn toggle_distances(&mut self) {
        self.points.show_distances = !self.points.show_distances;
        let possible = Action::MeasureDistances.entry().availability;
        if self.points.show_distances && self.run_state.distances.is_none() && possible(self).is_ok() {
            let key = self.key_label(Action::MeasureDistances);
            let text = format!("{key} measures the distances between all control points");
            self.show_message(MessageKind::Hint, text);
        }
    }

    fn cycle_metric(&mut self) -> Vec<Effect> {
        let metric = self.surface.metric;
        let metric = self.run_state.snapshot.as_ref().map_or(metric, |s| s.heatmap.next_metric(metric));
        (self.surface.metric, self.metric_initialised) = (metric, true);
        // The engine keeps it for whoever opens the run next; what others look at is theirs.
        match self.connection {
            EngineLink::Connected { .. } if !self.readonly => {
                self.send_command("metric", EngineCommand::SetMetric { metric })
            }
            _ => Vec::new(),
        }
    }
}
