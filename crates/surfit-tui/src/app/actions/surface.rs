//! The surface while it trains.

use crate::action::Action;
use crate::app::{App, Effect};
use surfit_core::protocol::EngineCommand;
use surfit_core::surface::ParameterAxis;

impl App {
    pub(super) fn perform_surface_action(&mut self, action: Action) -> Option<Vec<Effect>> {
        Some(match action {
            Action::RaiseU => self.plan_degree(ParameterAxis::U, 1),
            Action::LowerU => self.plan_degree(ParameterAxis::U, -1),
            Action::RaiseV => self.plan_degree(ParameterAxis::V, 1),
            Action::LowerV => self.plan_degree(ParameterAxis::V, -1),
            Action::MeasureDistances => {
                self.points.show_distances = true;
                self.send_command("distances", EngineCommand::Distances)
            }
            Action::RefineGrid => self.next_finer_grid().map_or(Vec::new(), |g| self.set_grid(g)),
            Action::CoarsenGrid => self.next_coarser_grid().map_or(Vec::new(), |g| self.set_grid(g)),
            Action::Freeze => {
                let point = self.selected_point().map(|p| (p.i, p.j, !p.frozen));
                point.map_or(Vec::new(), |(i, j, frozen)| {
                    self.send_command("freeze", EngineCommand::Freeze { i, j, frozen })
                })
            }
            Action::Measure => self.send_command("measure", EngineCommand::Measure),
            _ => return None,
        })
    }
}
