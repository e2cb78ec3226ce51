//! Choosing models and taking them away.

use crate::action::Action;
use crate::app::message::MessageKind;
use crate::app::{App, Effect, Overlay};
use surfit_core::protocol::{BridgeRequest, ClientMessage, EngineCommand, Selection, TensorNames};

impl App {
    pub(super) fn perform_model_action(&mut self, action: Action) -> Option<Vec<Effect>> {
        let (u, v) = self.surface.uv(self.grid());
        match action {
            Action::NextBest => {
                if let Some(s) = &self.run_state.snapshot {
                    self.surface.move_to_next_best(&s.heatmap);
                }
            }
            Action::Mark => return Some(self.send_command("mark", EngineCommand::Mark { u, v })),
            Action::Evaluate => {
                let waiting = Some(format!("measuring ({u:.3}, {v:.3}) …"));
                return Some(self.send_command_with_progress("evaluate", EngineCommand::Evaluate { u, v }, waiting));
            }
            Action::Search => return Some(self.search_at_cursor()),
            Action::MeasureMarks => return Some(self.measure_marks()),
            Action::ExportMarks => return Some(self.export_marks()),
            Action::ExportEnsemble => return Some(self.export_ensemble()),
            Action::ExportBest => {
                let what = self.describe_best_model();
                return Some(self.export_selection(Selection::Best, what));
            }
            Action::ExportCursor => {
                let what = format!("the model at ({u:.3}, {v:.3})");
                return Some(self.export_selection(Selection::At { u, v }, what));
            }
            Action::ExportCentroid => {
                return Some(self.export_selection(Selection::Centroid, "the mean of the surface".into()));
            }
            Action::ExportNames => self.toggle_export_names(),
            Action::Copy => return Some(self.copy_point_or_model(u, v)),
            Action::SortModels => self.models.sort = self.models.sort.next(),
            Action::Models => self.toggle_overlay(Overlay::models()),
            Action::CopyMenu => return Some(self.open_copy_menu()),
            Action::WriteFile => return Some(self.open_file_menu()),
            Action::WritePlots => {
                self.show_message(MessageKind::Info, "writing figures …");
                return Some(vec![Effect::Send(ClientMessage::Bridge(BridgeRequest::Figures))]);
            }
            _ => return None,
        }
        Some(Vec::new())
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
        self.send_command_with_progress(
            "export",
            EngineCommand::Export { selection, dir: None, replace: false, names },
            waiting,
        )
    }

    fn toggle_export_names(&mut self) {
        let (names, told) = match self.models.tensor_names {
            TensorNames::Surfit => (TensorNames::AsGiven, "as in the file of corner 1"),
            TensorNames::AsGiven => (TensorNames::Surfit, "surfit's, as in torchvision and timm"),
        };
        self.models.tensor_names = names;
        self.show_message(MessageKind::Info, format!("tensor names of exports: {told}"));
    }

    fn copy_point_or_model(&mut self, u: f64, v: f64) -> Vec<Effect> {
        let text = match &self.overlay {
            Some(Overlay::Models { selected }) => match crate::views::models::text_to_copy(self, *selected) {
                Some(text) => text,
                None => {
                    self.show_message(MessageKind::Hint, "copy: nothing is listed yet");
                    return Vec::new();
                }
            },
            _ => format!("{u:.4},{v:.4}"),
        };
        self.show_message(MessageKind::Info, format!("copied {text}"));
        vec![Effect::Copy(text)]
    }
}
