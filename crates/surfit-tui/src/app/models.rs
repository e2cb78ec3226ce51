//! Choosing models and taking them away: best points, searches, marks, ensembles, exports.

use super::message::MessageKind;
use super::{App, Effect};
use crate::views::models::ModelsOverlay;
use surfit_core::protocol::{BridgeRequest, ClientMessage, EngineCommand, Selection, TensorNames};

impl App {
    /// Members of an ensemble by default.
    pub(crate) const DEFAULT_ENSEMBLE_SIZE: usize = 4;
    /// First step of a search by default.
    pub(crate) const DEFAULT_SEARCH_RADIUS: f64 = 0.1;
    /// Most points that a search evaluates by default.
    pub(crate) const DEFAULT_SEARCH_BUDGET: usize = 40;

    /// Has an ensemble of `count` points chosen and written.
    pub(crate) fn export_ensemble_of(&mut self, count: usize) -> Vec<Effect> {
        self.export_selection(Selection::Greedy { count }, format!("an ensemble of {count}"))
    }

    pub(crate) fn mark_cursor(&mut self) -> Vec<Effect> {
        let (u, v) = self.surface.uv(self.grid());
        self.send_command(EngineCommand::Mark { u, v })
    }

    pub(crate) fn evaluate_cursor(&mut self) -> Vec<Effect> {
        let (u, v) = self.surface.uv(self.grid());
        let waiting = Some(format!("measuring ({u:.3}, {v:.3}) …"));
        self.send_command_with_progress(EngineCommand::Evaluate { u, v }, waiting)
    }

    pub(crate) fn export_best(&mut self) -> Vec<Effect> {
        let what = self.describe_best_model();
        self.export_selection(Selection::Best, what)
    }

    pub(crate) fn export_cursor(&mut self) -> Vec<Effect> {
        let (u, v) = self.surface.uv(self.grid());
        self.export_selection(Selection::At { u, v }, format!("the model at ({u:.3}, {v:.3})"))
    }

    pub(crate) fn export_centroid(&mut self) -> Vec<Effect> {
        self.export_selection(Selection::Centroid, "the mean of the surface".into())
    }

    pub(crate) fn write_figures(&mut self) -> Vec<Effect> {
        self.show_message(MessageKind::Info, "saving plots …");
        vec![Effect::Send(ClientMessage::Bridge(BridgeRequest::Figures))]
    }

    pub(crate) fn search_near(&mut self, radius: f64, budget: usize) -> Vec<Effect> {
        let (u, v) = self.surface.uv(self.grid());
        let waiting = Some(format!("searching near ({u:.3}, {v:.3}) …"));
        self.send_command_with_progress(EngineCommand::Search { u, v, radius, budget }, waiting)
    }

    fn marked_points(&mut self) -> Option<Vec<(f64, f64)>> {
        let marks = self.run_state.snapshot.as_ref().map(|s| s.marks.clone());
        let marks = marks.unwrap_or_default();
        if marks.is_empty() {
            let key = self.key_label(action!("mark"));
            self.show_message(
                MessageKind::Hint,
                format!("ensemble: no bookmarks yet; {key} bookmarks the point under the cursor"),
            );
            return None;
        }
        Some(marks)
    }

    pub(crate) fn measure_marks(&mut self) -> Vec<Effect> {
        let Some(points) = self.marked_points() else {
            return Vec::new();
        };
        let waiting = Some(format!("measuring an ensemble of {} …", points.len()));
        self.send_command_with_progress(EngineCommand::MeasureEnsemble { points }, waiting)
    }

    pub(crate) fn export_marks(&mut self) -> Vec<Effect> {
        let Some(points) = self.marked_points() else {
            return Vec::new();
        };
        let what = format!("an ensemble of the {} bookmarked points", points.len());
        self.export_selection(Selection::Ensemble { points }, what)
    }

    /// Which model is exported as the best: on a grid that misses the job's best point it is another.
    fn describe_best_model(&self) -> String {
        let Some((best, grid)) = self.run_state.better_point_on_other_grid() else {
            return "the best model by validation accuracy".into();
        };
        let here = self.grid();
        let place = self.degrees().patch().format_parameters(best.u, best.v, 2);
        format!("the best of the {here}×{here} grid, though {place} on the {grid}×{grid} grid is better,")
    }

    pub(in crate::app) fn export_selection(&mut self, selection: Selection, what: String) -> Vec<Effect> {
        let names = self.models.tensor_names;
        let named = match names {
            TensorNames::Surfit => "",
            TensorNames::AsGiven => ", named as in corner 1's file,",
        };
        let waiting = Some(format!("exporting {what}{named} and measuring it on the test split …"));
        self.send_command_with_progress(EngineCommand::Export { selection, dir: None, replace: false, names }, waiting)
    }

    pub(crate) fn toggle_export_names(&mut self) {
        let (names, described) = match self.models.tensor_names {
            TensorNames::Surfit => (TensorNames::AsGiven, "as in the file of corner 1"),
            TensorNames::AsGiven => (TensorNames::Surfit, "surfit's, as in torchvision and timm"),
        };
        self.models.tensor_names = names;
        self.show_message(MessageKind::Info, format!("tensor names of exports: {described}"));
    }

    pub(crate) fn copy_point_or_model(&mut self) -> Vec<Effect> {
        let (u, v) = self.surface.uv(self.grid());
        let text = match self.view::<ModelsOverlay>() {
            Some(list) => match crate::views::models::text_to_copy(self, list.selected) {
                Some(text) => text,
                None => return self.show_hint("copy: nothing is listed yet"),
            },
            None => format!("{u:.4},{v:.4}"),
        };
        self.copy_text("", text)
    }
}
