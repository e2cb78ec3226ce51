//! Choosing models and taking them away.

use crate::action::Action;
use crate::app::message::MessageKind;
use crate::app::{App, Effect, Overlay};
use crate::link::Outgoing;
use surfit_core::protocol::{EngineCommand, Selection, TensorNames};

impl App {
    pub(super) fn take_away(&mut self, action: Action) -> Option<Vec<Effect>> {
        let (u, v) = self.surface.uv(self.grid());
        match action {
            Action::NextBest => {
                if let Some(s) = &self.picture.snapshot {
                    self.surface.next_best(&s.heatmap);
                }
            }
            Action::Mark => return Some(self.send("mark", EngineCommand::Mark { u, v })),
            Action::Evaluate => {
                let waiting = Some(format!("measuring ({u:.3}, {v:.3}) …"));
                return Some(self.send_waiting(
                    "evaluate",
                    EngineCommand::Evaluate { u, v },
                    waiting,
                ));
            }
            Action::Search => return Some(self.search_here()),
            Action::MeasureMarks => return Some(self.measure_marks()),
            Action::ExportMarks => return Some(self.export_marks()),
            Action::ExportEnsemble => return Some(self.export_ensemble()),
            Action::ExportBest => {
                let what = self.best_in_words();
                return Some(self.export(Selection::Best, what));
            }
            Action::ExportCursor => {
                let what = format!("the model at ({u:.3}, {v:.3})");
                return Some(self.export(Selection::At { u, v }, what));
            }
            Action::ExportCentroid => {
                return Some(self.export(Selection::Centroid, "the mean of the surface".into()));
            }
            Action::ExportNames => self.change_export_names(),
            Action::Copy => return Some(self.copy(u, v)),
            Action::SortModels => self.models.sort = self.models.sort.next(),
            Action::Models => self.toggle(Overlay::models()),
            Action::CopyMenu => return Some(self.choose_copy()),
            Action::WriteFile => return Some(self.choose_file()),
            Action::Figures => {
                self.say(MessageKind::Info, "writing figures …");
                return Some(vec![Effect::Send(Outgoing::Figures)]);
            }
            _ => return None,
        }
        Some(Vec::new())
    }

    /// Which model is exported as the best: on a grid that misses the job's best point it is another.
    fn best_in_words(&self) -> String {
        let Some((best, grid)) = self.picture.better_elsewhere() else {
            return "the best model by validation accuracy".into();
        };
        let here = self.grid();
        let place = self.degrees().patch().place(best.u, best.v, 2);
        format!(
            "the best of the {here}×{here} grid, though {place} on the {grid}×{grid} grid is better,"
        )
    }

    pub(in crate::app) fn export(&mut self, selection: Selection, what: String) -> Vec<Effect> {
        let names = self.models.names;
        let named = match names {
            TensorNames::Surfit => "",
            TensorNames::AsGiven => ", named as in corner 1's file,",
        };
        let waiting = Some(format!(
            "exporting {what}{named} and measuring it on the test split …"
        ));
        self.send_waiting(
            "export",
            EngineCommand::Export {
                selection,
                dir: None,
                replace: false,
                names,
            },
            waiting,
        )
    }

    fn change_export_names(&mut self) {
        let (names, told) = match self.models.names {
            TensorNames::Surfit => (TensorNames::AsGiven, "as in the file of corner 1"),
            TensorNames::AsGiven => (TensorNames::Surfit, "surfit's, as in torchvision and timm"),
        };
        self.models.names = names;
        self.say(
            MessageKind::Info,
            format!("tensor names of exports: {told}"),
        );
    }

    fn copy(&mut self, u: f64, v: f64) -> Vec<Effect> {
        let text = match &self.overlay {
            Some(Overlay::Models { selected }) => {
                match crate::views::models::copied(self, *selected) {
                    Some(text) => text,
                    None => {
                        self.say(MessageKind::Hint, "copy: nothing is listed yet");
                        return Vec::new();
                    }
                }
            }
            _ => format!("{u:.4},{v:.4}"),
        };
        self.say(MessageKind::Info, format!("copied {text}"));
        vec![Effect::Copy(text)]
    }
}
