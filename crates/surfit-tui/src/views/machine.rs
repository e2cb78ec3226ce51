//! The machine: how fast the work goes, what it takes, and how long it will take.

mod history;
mod load;

#[cfg(test)]
mod tests;

use super::footer::{self, FooterItem};
use super::message::{transliterate, truncate_end};
use super::plot::sparkline::bars;
use super::plot::text::group_digits;
use super::progress::format_duration;
use super::view::View;
use super::{popup, tables};
use crate::action::KeyScope;
use crate::app::{App, EngineLink, ExportItem};
use crate::layout::ScreenLayout;
use crate::theme::ThemeRole;
pub use history::{LoadHistory, LoadSample, MAX_GPUS};
pub use load::is_disk_nearly_full;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;
use surfit_core::snapshot::{EngineState, Snapshot};

/// Columns of a name, and of a figure beside its history.
const NAME: usize = 16;
const FIGURE: usize = 20;

#[derive(Debug, Default)]
pub struct MachineOverlay {
    pub scroll: usize,
}

impl View for MachineOverlay {
    fn scope(&self) -> KeyScope {
        KeyScope::View("system")
    }

    fn title(&self, _app: &App) -> String {
        "System".into()
    }

    fn remark(&self, app: &App) -> String {
        match app.load_history.len() {
            _ if matches!(app.connection, EngineLink::Lost(_) | EngineLink::Dead) => {
                "as last reported; no engine is running".into()
            }
            _ if matches!(app.connection, EngineLink::OnOtherNode(_)) => "as stored with the last checkpoint".into(),
            0 => "nothing measured yet".into(),
            n => format!("the last {}", format_duration(n as f64)),
        }
    }

    fn area(&self, screen: &ScreenLayout, app: &App) -> Rect {
        let inner = popup::inner(screen.centered_overlay(104, usize::MAX));
        screen.centered_overlay(104, lines(app, inner).len())
    }

    fn render_body(&self, inner: Rect, buf: &mut Buffer, app: &App) {
        let lines = lines(app, inner);
        let scroll = self.scroll.min(lines.len().saturating_sub(inner.height.into()));
        for (line, row) in lines.iter().skip(scroll).zip(inner.rows()) {
            line.render(row, buf);
        }
    }

    fn hints(&self, app: &App) -> Vec<FooterItem> {
        vec![footer::page_hint(app), footer::close_hint(app)]
    }

    fn position_mut(&mut self) -> Option<&mut usize> {
        Some(&mut self.scroll)
    }

    fn last_position(&self, app: &App) -> usize {
        let inner = self.inner(app);
        lines(app, inner).len().saturating_sub(inner.height.into())
    }

    fn exports(&self, app: &App) -> Vec<ExportItem> {
        let table = tables::machine(app);
        let is_empty = table.count == 0;
        let latest = table.count.checked_sub(1).and_then(|row| tables::row_text(table, row));
        let about = "speed and memory of the last minutes, a row a second";
        let table = (!is_empty).then(|| ExportItem::table('t', "table of the load", "machine", about, tables::machine));
        ExportItem::readout(latest).into_iter().chain(table).collect()
    }
}

fn lines<'a>(app: &App, inner: Rect) -> Vec<Line<'a>> {
    let Some(s) = &app.run_state.snapshot else {
        let muted = app.theme.style(ThemeRole::Muted);
        return vec![Line::styled("The engine has not reported yet.", muted)];
    };
    let sheet = MachineSheet {
        app,
        width: inner.width.into(),
        // In a high pane the histories are two rows high, and kept apart.
        rows: if app.size.height >= 40 { 2 } else { 1 },
    };
    // Rows that do not fit on a small screen are scrolled to; rows that only keep things apart come last.
    let apart = |out: &mut Vec<Line<'a>>| {
        if sheet.rows > 1 {
            out.push(Line::default());
        }
    };
    let mut out = sheet.time_left_lines(s);
    if !out.is_empty() {
        apart(&mut out);
    }
    out.extend(sheet.speed(s));
    out.extend(sheet.load(s));
    apart(&mut out);
    out.extend(sheet.time_taken_lines());
    out.extend(sheet.facts(s));
    out
}

struct MachineSheet<'b> {
    app: &'b App,
    width: usize,
    rows: usize,
}

impl MachineSheet<'_> {
    fn fact<'a>(&self, name: &str, value: String, role: ThemeRole) -> Line<'a> {
        let theme = &self.app.theme;
        let room = self.width.saturating_sub(NAME) as u16;
        let value = truncate_end(&transliterate(&value, theme.is_ascii()), room, theme.is_ascii());
        Line::from(vec![
            Span::styled(format!("{name:<NAME$}"), theme.style(ThemeRole::Muted)),
            Span::styled(value, theme.style(role)),
        ])
    }

    /// A name, a figure, and its history between 0 and `most` (the largest value where that is larger or not known).
    fn curve<'a>(&self, name: &str, value: String, figure: impl Fn(&LoadSample) -> f32, most: f64) -> Vec<Line<'a>> {
        let theme = &self.app.theme;
        let room = self.width.saturating_sub(NAME + FIGURE);
        let values = self.app.load_history.resample(figure, room.min(120));
        let finite = values.iter().copied().filter(|v| v.is_finite());
        if finite.clone().next().is_none() {
            return vec![self.fact(name, value, ThemeRole::Text)];
        }
        let most = finite.map(f64::from).fold(most, f64::max);
        let rows = bars(&values, most, self.rows, theme.glyphs());
        let last = rows.len().saturating_sub(1);
        let apart = (self.rows > 1).then(Line::default);
        rows.into_iter()
            .enumerate()
            .map(|(n, row)| {
                let (name, value) = if n == last { (name, value.as_str()) } else { ("", "") };
                Line::from(vec![
                    Span::styled(format!("{name:<NAME$}"), theme.style(ThemeRole::Muted)),
                    Span::styled(format!("{value:<FIGURE$}"), theme.style(ThemeRole::Text)),
                    Span::styled(row, theme.style(ThemeRole::CurveSmooth)),
                ])
            })
            .chain(apart)
            .collect()
    }

    fn time_left_lines<'a>(&self, s: &Snapshot) -> Vec<Line<'a>> {
        let mut out = Vec::new();
        if self.app.is_connected() && matches!(s.state, EngineState::Running | EngineState::Paused) {
            let left = match s.seconds_left {
                Some(left) if s.state == EngineState::Running => {
                    format!("{} left", format_duration(left))
                }
                _ if s.state == EngineState::Paused => "paused".into(),
                _ => "not known yet".into(),
            };
            out.push(self.fact(s.stage.name(), left, ThemeRole::Accent));
            if let Some(left) = s.job_seconds_left.filter(|_| s.state == EngineState::Running) {
                let left = format!("{} left", format_duration(left));
                out.push(self.fact("whole job", left, ThemeRole::Text));
            }
        }
        out
    }

    fn time_taken_lines<'a>(&self) -> Vec<Line<'a>> {
        let mut out = Vec::new();
        let took: Vec<String> = self
            .app
            .run_state
            .seconds
            .iter()
            .map(|(stage, seconds)| format!("{} {}", stage.name(), format_duration(*seconds)))
            .collect();
        if !took.is_empty() {
            out.push(self.fact("stages took", took.join(", "), ThemeRole::Text));
        }
        if let Some(up) = self.app.uptime() {
            out.push(self.fact("engine up", format_duration(up), ThemeRole::Text));
        }
        out
    }

    fn facts<'a>(&self, s: &Snapshot) -> Vec<Line<'a>> {
        let mut out = Vec::new();
        let engine = match &self.app.connection {
            EngineLink::Connected { pid } => (format!("process {pid}"), ThemeRole::Text),
            EngineLink::OnOtherNode(node) => (format!("works on {node}"), ThemeRole::Text),
            EngineLink::Connecting => ("connecting".into(), ThemeRole::Warning),
            EngineLink::Lost(_) | EngineLink::Dead if self.app.is_run_idle() => ("none runs".into(), ThemeRole::Muted),
            EngineLink::Lost(why) => (format!("none: {why}"), ThemeRole::Error),
            EngineLink::Dead => ("died".into(), ThemeRole::Error),
        };
        out.push(self.fact("engine", engine.0, engine.1));
        if let Some(info) = &self.app.run_state.info {
            let threads = match info.threads {
                1 => "1 thread".into(),
                n => format!("{n} threads"),
            };
            let device = format!("{}, {}, {threads}", info.device, info.compute);
            out.push(self.fact("computes on", device, ThemeRole::Text));
            let weights = group_digits(info.parameters as u64);
            let network = format!("{}, {weights} weights", info.network);
            out.push(self.fact("network", network, ThemeRole::Text));
            let [train, validation, test] = info.images.map(|n| group_digits(n as u64));
            let images = format!("{train} to train, {validation} to validate, {test} to test");
            out.push(self.fact("data", info.data.clone(), ThemeRole::Text));
            out.push(self.fact("images", images, ThemeRole::Text));
            out.push(self.fact("version", info.engine.clone(), ThemeRole::Text));
        }
        let viewers = match s.viewers {
            0 | 1 => "you alone".into(),
            n => format!("{n}"),
        };
        out.push(self.fact("viewers", viewers, ThemeRole::Text));
        out
    }
}
