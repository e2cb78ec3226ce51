//! The surface while it trains.

use crate::action::Action;
use crate::app::{App, Effect};
use surfit_core::protocol::EngineCommand;
use surfit_core::surface::ParameterAxis;

impl App {
    pub(super) fn shape_surface(&mut self, action: Action) -> Option<Vec<Effect>> {
        Some(match action {
            Action::RaiseU => self.plan_degree(ParameterAxis::U, 1),
            Action::LowerU => self.plan_degree(ParameterAxis::U, -1),
            Action::RaiseV => self.plan_degree(ParameterAxis::V, 1),
            Action::LowerV => self.plan_degree(ParameterAxis::V, -1),
            Action::MeasureDistances => {
                self.points.distances = true;
                self.send("distances", EngineCommand::Distances)
            }
            Action::Finer => self.finer_grid().map_or(Vec::new(), |g| self.set_grid(g)),
            Action::Coarser => self.coarser_grid().map_or(Vec::new(), |g| self.set_grid(g)),
            Action::Freeze => {
                let point = self.chosen_point().map(|p| (p.i, p.j, !p.frozen));
                point.map_or(Vec::new(), |(i, j, frozen)| {
                    self.send("freeze", EngineCommand::Freeze { i, j, frozen })
                })
            }
            Action::Measure => self.send("measure", EngineCommand::Measure),
            _ => return None,
        })
    }
}
