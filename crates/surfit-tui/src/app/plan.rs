//! Changes of degree that are looked at before they are made.

use super::message::{MessageKind, ScreenMessage};
use super::{App, Effect};
use crossterm::event::{KeyCode, KeyEvent};
use surfit_core::cost::DegreePreview;
use surfit_core::surface::{Degrees, ParameterAxis, Patch};

/// A change of degree that waits for enter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct DegreePlan {
    /// The degrees that it begins from: those that there are, as long as the plan stands.
    from: Degrees,
    /// What they become.
    pub to: Degrees,
    /// The degrees became others while it waited.
    anew: bool,
    /// Place among all that was said and asked for.
    order: u64,
}

impl DegreePlan {
    /// The same steps from other degrees.
    ///
    /// # Errors
    /// A sentence, when they lead to degrees that no surface has.
    fn steps_from(&self, from: Degrees) -> Result<Degrees, String> {
        if from.patch() != self.from.patch() {
            return Err(format!("the surface is a {} now", from.patch().name()));
        }
        let by = |axis| self.to.along(axis) as i8 - self.from.along(axis) as i8;
        let along_u = from.changed(ParameterAxis::U, by(ParameterAxis::U));
        let both = match from.patch() {
            Patch::Square => {
                along_u.and_then(|d| d.changed(ParameterAxis::V, by(ParameterAxis::V)))
            }
            // Either axis changes the one degree there is.
            Patch::Curve | Patch::Triangle => along_u,
        };
        both.map_err(|why| why.to_string())
    }
}

impl App {
    /// Degrees that the next degree key goes on from: those planned, else those wanted.
    pub fn aimed_degrees(&self) -> Degrees {
        self.plan.map_or_else(|| self.degrees(), |p| p.to)
    }

    /// A change of degree that was asked for and not confirmed, and what it would bring.
    pub fn planned(&self) -> Option<(Degrees, DegreePreview)> {
        let to = self.plan?.to;
        let snapshot = self.picture.snapshot.as_ref()?;
        let from = self.degrees();
        Some((to, snapshot.cost.preview(from, to, snapshot.draws.max(1))))
    }

    /// A change of degree waits to be confirmed, and enter does so. Over a list or a question enter and escape mean
    /// something else.
    pub fn plan_waits(&self) -> bool {
        let free = self.overlay.is_none() && self.question.is_none() && self.take.is_none();
        self.plan.is_some() && free
    }

    /// What was said or asked for after the plan that waits: it stands below the plan, which stays readable as long as
    /// enter carries it out.
    pub(super) fn after_plan(&self, message: &ScreenMessage) -> bool {
        let plan = self.plan.filter(|_| self.plan_waits());
        plan.is_none_or(|p| message.order > p.order)
    }

    /// The plan that waits in words: what there is now, what it becomes, and how to answer.
    pub fn plan_line(&self) -> Option<String> {
        let plan = self.plan.filter(|_| self.plan_waits())?;
        let (to, p) = self.planned()?;
        let arrow = if self.theme.ascii() { "->" } else { "→" };
        let pair = |[a, b]: [String; 2]| match a == b {
            true => a,
            false => format!("{a} {arrow} {b}"),
        };
        let now = if plan.anew { " (planned again)" } else { "" };
        let mut parts = vec![
            format!(
                "degree {}{now}",
                pair([self.degrees(), to].map(|d| d.to_string()))
            ),
            format!("{} points", pair(p.points.map(|k| k.to_string()))),
        ];
        if p.bytes[1] > 0 {
            parts.push(pair(p.bytes.map(bytes)));
        }
        if p.fits == Some(false) {
            parts.push("too much for the memory".into());
        }
        if let Some(ratio) = p.step {
            let times = if self.theme.ascii() { "x" } else { "×" };
            parts.push(format!("step {times}{ratio:.2}"));
        }
        parts.push(
            if p.exact {
                "exact"
            } else {
                "moves the surface"
            }
            .into(),
        );
        Some(format!("{}; enter does it, esc not", parts.join(", ")))
    }

    /// Plans a change of degree; nothing is done before it is confirmed.
    pub(super) fn plan_degree(&mut self, axis: ParameterAxis, by: i8) -> Vec<Effect> {
        match self.aimed_degrees().changed(axis, by) {
            Ok(to) => {
                let (from, order) = (self.degrees(), self.next_order());
                self.plan = (to != from).then_some(DegreePlan {
                    from,
                    to,
                    anew: false,
                    order,
                });
                self.dirty = true;
            }
            Err(why) => self.say(MessageKind::Hint, why.to_string()),
        }
        Vec::new()
    }

    /// A plan says what becomes of the degrees that there are: when somebody else changed them, the same steps are planned
    /// from the new ones, so that enter undoes nobody's change.
    pub(super) fn plan_from_present(&mut self) {
        let present = self.degrees();
        let Some(plan) = self.plan.filter(|p| p.from != present) else {
            return;
        };
        self.dirty = true;
        if present == plan.to {
            self.plan = None;
            return self.say(
                MessageKind::Hint,
                format!("the degree is {present} already"),
            );
        }
        match plan.steps_from(present) {
            Ok(to) => {
                self.plan = Some(DegreePlan {
                    from: present,
                    to,
                    anew: true,
                    ..plan
                });
            }
            Err(why) => {
                self.plan = None;
                let text = format!("the degree became {present}, the planned change is dropped");
                self.say(MessageKind::Hint, format!("{text}: {why}"));
            }
        }
    }

    /// Enter and escape answer a plan; `None` when there is none, or the key means something else.
    pub(super) fn key_in_plan(&mut self, event: KeyEvent) -> Option<Vec<Effect>> {
        let plan = self.plan?;
        match event.code {
            KeyCode::Enter => {
                self.plan = None;
                Some(self.set_degrees(plan.to))
            }
            KeyCode::Esc => {
                self.plan = None;
                self.say(MessageKind::Hint, format!("the degree stays {}", plan.from));
                Some(Vec::new())
            }
            _ => None,
        }
    }
}

/// Bytes for people, short.
fn bytes(n: u64) -> String {
    match n as f64 {
        b if b < 1e6 => format!("{:.0} kB", b / 1e3),
        b if b < 1e8 => format!("{:.1} MB", b / 1e6),
        b if b < 1e9 => format!("{:.0} MB", b / 1e6),
        b => format!("{:.1} GB", b / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short() {
        assert_eq!(bytes(2_345_678), "2.3 MB");
        assert_eq!(bytes(123_456_789), "123 MB");
    }
}
