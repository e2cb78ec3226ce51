//! Changes of degree: a preview, then a confirmation.

use super::message::{MessageKind, ScreenMessage};
use super::{App, Effect};
use crate::views::plot::text::format_bytes;
use crossterm::event::{KeyCode, KeyEvent};
use surfit_core::cost::DegreePreview;
use surfit_core::snapshot::Snapshot;
use surfit_core::surface::{DegreeError, Degrees, ParameterAxis, Patch};
use thiserror::Error;

/// A change of degree that waits for enter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct DegreePlan {
    /// The degrees that it begins from: the present ones, as long as the plan is pending.
    from: Degrees,
    pub to: Degrees,
    /// The degrees became others while it waited.
    rebased: bool,
    /// Sequence number among messages and requests.
    message_order: u64,
}

/// Why a plan cannot begin from other degrees.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
enum RebaseError {
    #[error("the surface is a {} now", .0.name())]
    OtherPatch(Patch),
    #[error(transparent)]
    Degree(#[from] DegreeError),
}

impl DegreePlan {
    /// The same steps from other degrees.
    ///
    /// # Errors
    /// When they lead to degrees that no surface has.
    fn target_from(&self, from: Degrees) -> Result<Degrees, RebaseError> {
        if from.patch() != self.from.patch() {
            return Err(RebaseError::OtherPatch(from.patch()));
        }
        let by = |axis| self.to.degree_along(axis) as i8 - self.from.degree_along(axis) as i8;
        let along_u = from.with_changed_degree(ParameterAxis::U, by(ParameterAxis::U));
        let both = match from.patch() {
            Patch::Square => along_u.and_then(|d| d.with_changed_degree(ParameterAxis::V, by(ParameterAxis::V))),
            // Either axis changes the one degree there is.
            Patch::Curve | Patch::Triangle => along_u,
        };
        Ok(both?)
    }
}

impl App {
    /// Degrees that the next degree key changes: those planned, else those wanted.
    pub fn target_degrees(&self) -> Degrees {
        self.degree_plan.map_or_else(|| self.degrees(), |p| p.to)
    }

    /// A change of degree that was requested and not confirmed, and its effect.
    pub fn planned_degrees(&self) -> Option<(Degrees, DegreePreview)> {
        let to = self.degree_plan?.to;
        let snapshot = self.run_state.snapshot.as_ref()?;
        let from = self.degrees();
        Some((to, snapshot.cost.preview_degree_change(from, to, snapshot.draws.max(1))))
    }

    /// A change of degree waits to be confirmed, and enter does so. Over a list or a question enter and escape mean
    /// something else.
    pub fn awaits_plan_confirmation(&self) -> bool {
        self.degree_plan.is_some() && self.layers.is_empty()
    }

    /// True for a message or request after the pending plan: it is shown below the plan, which is visible as long as
    /// enter carries it out.
    pub(super) fn is_newer_than_plan(&self, message: &ScreenMessage) -> bool {
        let plan = self.degree_plan.filter(|_| self.awaits_plan_confirmation());
        plan.is_none_or(|p| message.order > p.message_order)
    }

    /// The text of the pending plan: present degrees, planned degrees, and what the change costs.
    pub fn plan_summary(&self) -> Option<String> {
        let plan = self.degree_plan.filter(|_| self.awaits_plan_confirmation())?;
        let (to, p) = self.planned_degrees()?;
        let arrow = if self.theme.is_ascii() { "->" } else { "→" };
        let pair = |[a, b]: [String; 2]| match a == b {
            true => a,
            false => format!("{a} {arrow} {b}"),
        };
        let now = if plan.rebased { " (planned again)" } else { "" };
        let points = |s: &Snapshot| !s.control_points.is_empty();
        let has_surface = self.run_state.snapshot.as_ref().is_some_and(points);
        let of = if has_surface { "" } else { " of the surface to come" };
        let mut parts = vec![
            format!("degree{of} {}{now}", pair([self.degrees(), to].map(|d| d.to_string()))),
            format!("{} points", pair(p.points.map(|k| k.to_string()))),
        ];
        if p.surface_bytes[1] > 0 {
            parts.push(pair(p.surface_bytes.map(format_bytes)));
        }
        if p.fits_in_memory == Some(false) {
            parts.push("exceeds the memory".into());
        }
        if let Some(ratio) = p.step_ratio {
            let times = if self.theme.is_ascii() { "x" } else { "×" };
            parts.push(format!("step {times}{ratio:.2}"));
        }
        if has_surface {
            parts.push(if p.exact { "exact" } else { "moves the surface" }.into());
        }
        Some(parts.join(", "))
    }

    /// Plans a change of degree; nothing is done before it is confirmed.
    pub(crate) fn plan_degree(&mut self, axis: ParameterAxis, by: i8) -> Vec<Effect> {
        match self.target_degrees().with_changed_degree(axis, by) {
            Ok(to) => {
                let (from, order) = (self.degrees(), self.next_message_order());
                self.degree_plan =
                    (to != from).then_some(DegreePlan { from, to, rebased: false, message_order: order });
                self.dirty = true;
            }
            Err(why) => self.show_message(MessageKind::Hint, why.to_string()),
        }
        Vec::new()
    }

    /// A plan changes the present degrees: when another client has changed them, the same steps are planned
    /// from the new ones, so that enter does not undo that change.
    pub(super) fn rebase_plan(&mut self) {
        let present = self.degrees();
        let Some(plan) = self.degree_plan.filter(|p| p.from != present) else {
            return;
        };
        self.dirty = true;
        if present == plan.to {
            self.degree_plan = None;
            return self.show_message(MessageKind::Hint, format!("the degree is {present} already"));
        }
        match plan.target_from(present) {
            Ok(to) => {
                self.degree_plan = Some(DegreePlan { from: present, to, rebased: true, ..plan });
            }
            Err(why) => {
                self.degree_plan = None;
                let text = format!("the degree became {present}, the planned change is dropped");
                self.show_message(MessageKind::Hint, format!("{text}: {why}"));
            }
        }
    }

    /// Enter and escape answer a plan; `None` when there is none, or the key means something else.
    pub(super) fn handle_plan_key(&mut self, event: KeyEvent) -> Option<Vec<Effect>> {
        let plan = self.degree_plan?;
        match event.code {
            KeyCode::Enter => {
                self.degree_plan = None;
                Some(self.set_degrees(plan.to))
            }
            KeyCode::Esc => {
                self.degree_plan = None;
                Some(self.show_hint(format!("the degree stays {}", plan.from)))
            }
            _ => None,
        }
    }
}
