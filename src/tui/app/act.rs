//! What every action does.

use super::message::Kind;
use super::{App, Connection, Effect, Overlay, Pane};
use crate::action::Action;
use crate::link::{Leave, Outgoing};
use crate::theme::Theme;
use surfit_core::heatmap::Metric;
use surfit_core::protocol::{Command, Selection};
use surfit_core::snapshot::State;
use surfit_core::surface::Axis;

impl App {
    /// Does what an action says, or tells why it cannot be done.
    pub fn act(&mut self, action: Action) -> Vec<Effect> {
        self.dirty = true;
        if let Err(why) = (action.entry().possible)(self) {
            self.say(Kind::Hint, format!("{}: {why}", action.entry().label));
            return Vec::new();
        }
        let (u, v) = self.surface.uv(self.grid());
        match action {
            Action::FocusLoss => self.focus_on(Pane::Loss),
            Action::FocusSurface => self.focus_on(Pane::Surface),
            Action::FocusPoints => self.focus_on(Pane::Points),
            Action::FocusNext => self.focus_on(Pane::ALL[(self.focus as usize + 1) % 3]),
            Action::FocusPrevious => self.focus_on(Pane::ALL[(self.focus as usize + 2) % 3]),
            Action::Zoom => self.zoomed = !self.zoomed,
            Action::Back => self.back(),
            Action::Left => self.move_by(-1, 0),
            Action::Right => self.move_by(1, 0),
            Action::Up => self.move_by(0, 1),
            Action::Down => self.move_by(0, -1),
            Action::First => self.move_to_end(-1),
            Action::Last => self.move_to_end(1),
            Action::NextBest => {
                if let Some(s) = &self.picture.snapshot {
                    self.surface.next_best(&s.heatmap);
                }
            }
            Action::Mark => return self.send("mark", Command::Mark { u, v }),
            Action::Evaluate => {
                let waiting = Some(format!("measuring ({u:.3}, {v:.3}) …"));
                return self.send_waiting("evaluate", Command::Evaluate { u, v }, waiting);
            }
            Action::ExportBest => return self.export(Selection::Best, "the best model".into()),
            Action::ExportCursor => {
                let what = format!("the model at ({u:.3}, {v:.3})");
                return self.export(Selection::At { u, v }, what);
            }
            Action::ExportCentroid => {
                return self.export(Selection::Centroid, "the mean of the surface".into());
            }
            Action::Copy => return self.copy(u, v),
            Action::Start => return self.start(),
            Action::StartCorners if self.picture.corners.is_empty() => {
                return self.send("start", Command::StartCorners);
            }
            Action::StartCorners => return self.ask_corners(),
            Action::Pause if self.picture.state() == State::Paused => {
                return self.send("pause", Command::Unpause);
            }
            Action::Pause => return self.send("pause", Command::Pause),
            Action::Stop => return self.ask_stop(),
            Action::Checkpoint => {
                let waiting = Some("writing a checkpoint …".into());
                let effects = self.send_waiting("checkpoint", Command::Checkpoint, waiting);
                if let Some(p) = self.pending.values_mut().next_back() {
                    p.done = Some("The checkpoint is on disk.".into());
                }
                return effects;
            }
            Action::Measure => return self.send("measure", Command::Measure),
            Action::RaiseU => return self.change_degree(Axis::U, 1),
            Action::LowerU => return self.change_degree(Axis::U, -1),
            Action::RaiseV => return self.change_degree(Axis::V, 1),
            Action::LowerV => return self.change_degree(Axis::V, -1),
            Action::Finer => return self.finer_grid().map_or(Vec::new(), |g| self.set_grid(g)),
            Action::Coarser => return self.coarser_grid().map_or(Vec::new(), |g| self.set_grid(g)),
            Action::Freeze => {
                let point = self.chosen_point().map(|p| (p.i, p.j, !p.frozen));
                return point.map_or(Vec::new(), |(i, j, frozen)| {
                    self.send("freeze", Command::Freeze { i, j, frozen })
                });
            }
            Action::Metric => return self.next_metric(),
            Action::Numbers => self.surface.numbers = !self.surface.numbers,
            Action::Slices => self.surface.slices = !self.surface.slices,
            Action::LogAxis => self.loss.log = !self.loss.log,
            Action::Recent => self.loss.recent = !self.loss.recent,
            Action::Smooth => self.loss.smooth = !self.loss.smooth,
            Action::CornerCurves => self.loss.corners = !self.loss.corners,
            Action::Figures => {
                self.say(Kind::Info, "writing figures …");
                return vec![Effect::Send(Outgoing::Figures)];
            }
            Action::Theme => self.next_theme(),
            Action::Help => self.toggle(Overlay::help()),
            Action::Palette => self.toggle(Overlay::palette()),
            Action::Log => self.toggle(Overlay::log()),
            Action::Models => self.toggle(Overlay::models()),
            Action::Runs => {
                self.toggle(Overlay::runs());
                return self.refresh_runs();
            }
            Action::Redraw => return vec![Effect::Redraw],
            Action::Resume => {
                self.connection = Connection::Connecting;
                self.say(Kind::Info, "starting the engine …");
                return vec![Effect::Send(Outgoing::ResumeEngine)];
            }
            Action::Detach => return self.leave(Leave::Detached),
            Action::Suspend => return vec![Effect::Suspend],
            Action::Quit => return self.quit(),
        }
        Vec::new()
    }

    pub(super) fn focus_on(&mut self, pane: Pane) {
        self.focus = pane;
        self.dirty = true;
    }

    /// One step back: zoom, then the loss cursor.
    fn back(&mut self) {
        if self.zoomed {
            self.zoomed = false;
        } else {
            self.loss.cursor = None;
        }
    }

    fn move_by(&mut self, du: i32, dv: i32) {
        match self.focus {
            Pane::Surface => {
                let patch = self.degrees().patch();
                self.surface.move_by(du, dv, self.grid(), patch);
            }
            Pane::Points => {
                if let Some(s) = &self.picture.snapshot {
                    self.points.move_by(du, dv, s.degrees);
                }
            }
            Pane::Loss => {
                // Fiftieths of the plot, and the first press shows the cursor where the news is.
                let at = self.loss.cursor.map_or(1.0, |c| c + 0.02 * f64::from(du));
                self.loss.cursor = Some(at.clamp(0.0, 1.0));
            }
        }
    }

    fn move_to_end(&mut self, sign: i32) {
        match self.focus {
            Pane::Loss => self.loss.cursor = Some(if sign < 0 { 0.0 } else { 1.0 }),
            _ => self.move_by(1000 * sign, 1000 * sign),
        }
    }

    fn export(&mut self, selection: Selection, what: String) -> Vec<Effect> {
        let waiting = Some(format!(
            "exporting {what} and measuring it on the test split …"
        ));
        self.send_waiting(
            "export",
            Command::Export {
                selection,
                dir: None,
                replace: false,
            },
            waiting,
        )
    }

    fn copy(&mut self, u: f64, v: f64) -> Vec<Effect> {
        let text = match &self.overlay {
            Some(Overlay::Models { selected }) => {
                match self.picture.exports.iter().rev().nth(*selected) {
                    Some(export) => export.dir.display().to_string(),
                    None => {
                        self.say(Kind::Hint, "copy: no model was written yet");
                        return Vec::new();
                    }
                }
            }
            _ => format!("{u:.4},{v:.4}"),
        };
        self.say(Kind::Info, format!("copied {text}"));
        vec![Effect::Copy(text)]
    }

    fn start(&mut self) -> Vec<Effect> {
        match self.picture.state() {
            State::Paused => self.send("start", Command::Unpause),
            State::Finished => self.ask_fit(),
            _ => self.send("start", Command::Start),
        }
    }

    fn next_metric(&mut self) -> Vec<Effect> {
        let at = Metric::ALL
            .iter()
            .position(|&m| m == self.surface.metric)
            .unwrap_or(0);
        let metric = Metric::ALL[(at + 1) % Metric::ALL.len()];
        self.surface.metric = metric;
        // Selection in the engine follows what is looked at; without an engine the picture alone does.
        match self.connection {
            Connection::Connected { .. } => self.send("metric", Command::SetMetric { metric }),
            _ => Vec::new(),
        }
    }

    fn next_theme(&mut self) {
        let names: Vec<&str> = Theme::names().collect();
        let next = names
            .iter()
            .position(|&n| n == self.theme.name())
            .map_or(0, |i| i + 1);
        self.use_theme(names[next % names.len()]);
    }

    pub(super) fn use_theme(&mut self, name: &str) {
        match Theme::load(name, self.theme.depth()) {
            Ok(theme) => {
                self.say(Kind::Info, format!("theme {name}: {}", theme.description()));
                self.theme = theme.with_ascii(self.theme.ascii());
            }
            Err(why) => self.say(Kind::Error, why.to_string()),
        }
    }

    fn quit(&mut self) -> Vec<Effect> {
        let connected = matches!(self.connection, Connection::Connected { .. });
        let busy = matches!(
            self.picture.state(),
            State::Running | State::Paused | State::Starting
        );
        // An engine that is found or started at this moment goes on with its job.
        if self.connection == Connection::Connecting || connected && busy {
            return self.ask_quit();
        }
        // An idle engine is of use only to those who still watch it.
        let alone = self
            .picture
            .snapshot
            .as_ref()
            .is_none_or(|s| s.viewers <= 1);
        self.leave(Leave::Quit {
            stop_engine: connected && alone,
        })
    }
}
