//! The surface while it trains.

use crate::action::Action;
use crate::app::{App, Effect};
use surfit_core::protocol::Command;
use surfit_core::surface::Axis;

impl App {
    pub(super) fn shape_surface(&mut self, action: Action) -> Option<Vec<Effect>> {
        Some(match action {
            Action::RaiseU => self.plan_degree(Axis::U, 1),
            Action::LowerU => self.plan_degree(Axis::U, -1),
            Action::RaiseV => self.plan_degree(Axis::V, 1),
            Action::LowerV => self.plan_degree(Axis::V, -1),
            Action::MeasureDistances => {
                self.points.distances = true;
                self.send("distances", Command::Distances)
            }
            Action::Finer => self.finer_grid().map_or(Vec::new(), |g| self.set_grid(g)),
            Action::Coarser => self.coarser_grid().map_or(Vec::new(), |g| self.set_grid(g)),
            Action::Freeze => {
                let point = self.chosen_point().map(|p| (p.i, p.j, !p.frozen));
                point.map_or(Vec::new(), |(i, j, frozen)| {
                    self.send("freeze", Command::Freeze { i, j, frozen })
                })
            }
            Action::Measure => self.send("measure", Command::Measure),
            _ => return None,
        })
    }
}
