//! The columns of the list of runs: as many as fit.

use crate::app::App;
use crate::link::RunLine;
use crate::theme::{Theme, ThemeRole};
use crate::views::message::{transliterate, truncate_end};
use crate::views::plot::text::{format_bytes, format_percent};
use crate::views::text_wrap::pad_to_width;
use ratatui::text::{Line, Span};

/// A column of the list: its heading, its width, how it looks, and what it says of a run.
#[derive(Clone, Copy, Debug)]
pub struct RunColumn {
    pub name: &'static str,
    width: u16,
    role: ThemeRole,
    pub value: fn(&RunLine) -> String,
}

impl RunColumn {
    const fn new(name: &'static str, width: u16, role: ThemeRole, value: fn(&RunLine) -> String) -> Self {
        Self { name, width, role, value }
    }

    pub const STATE: Self = Self::new("state", 11, ThemeRole::Text, |run| run.state.clone());
    pub const BEST: Self =
        Self::new("best", 8, ThemeRole::Accent, |run| run.best.map(|b| format_percent(b, 2)).unwrap_or_default());
    pub const NODE: Self = Self::new("node", 10, ThemeRole::Muted, |run| run.node.clone().unwrap_or_default());
    pub const PROGRESS: Self = Self::new("progress", 13, ThemeRole::Text, progress);
    pub const DEGREE: Self =
        Self::new("degree", 6, ThemeRole::Muted, |run| run.degrees.map(|d| d.to_string()).unwrap_or_default());
    pub const BEGUN: Self = Self::new("begun", 10, ThemeRole::Muted, |run| run.when.clone());
    pub const NETWORK: Self = Self::new("network", 10, ThemeRole::Muted, |run| run.network.clone().unwrap_or_default());
    pub const DATA: Self = Self::new("data", 14, ThemeRole::Muted, |run| run.data.clone().unwrap_or_default());
    pub const SIZE: Self =
        Self::new("size", 8, ThemeRole::Muted, |run| run.bytes.map(format_bytes).unwrap_or_default());

    /// In the order they give way, the last first.
    const ALL: [Self; 9] = [
        Self::STATE,
        Self::BEST,
        Self::NODE,
        Self::PROGRESS,
        Self::DEGREE,
        Self::BEGUN,
        Self::NETWORK,
        Self::DATA,
        Self::SIZE,
    ];
}

/// Columns of the sign before the name, and the least and most of the name.
const SIGN_WIDTH: u16 = 4;
const NAME_WIDTHS: (u16, u16) = (18, 72);

pub struct RunColumns {
    name: u16,
    columns: Vec<RunColumn>,
}

impl RunColumns {
    /// As many as `width` holds besides the name. The node is only shown when a run has another one than this machine.
    pub fn of(width: u16, runs: &[&RunLine]) -> Self {
        let nodes = runs.iter().any(|run| run.on_other_node);
        let mut columns = Vec::new();
        let mut left = width.saturating_sub(SIGN_WIDTH + NAME_WIDTHS.0);
        for column in RunColumn::ALL {
            if column.name == RunColumn::NODE.name && !nodes {
                continue;
            }
            let needs = column.width + 2;
            if needs > left {
                break;
            }
            left -= needs;
            columns.push(column);
        }
        let name = (NAME_WIDTHS.0 + left).min(NAME_WIDTHS.1);
        Self { name, columns }
    }

    pub fn head<'a>(&self, theme: &Theme) -> Line<'a> {
        let name = usize::from(self.name);
        let mut text = format!("{:4}{:<name$}", "", "run");
        for column in &self.columns {
            let width = usize::from(column.width);
            text += &format!("  {:<width$}", column.name);
        }
        Line::styled(text, theme.style(ThemeRole::Muted))
    }

    pub fn row<'a>(&self, app: &App, run: &RunLine, chosen: bool, pinned: bool) -> Line<'a> {
        let theme = &app.theme;
        let role = |usual| theme.style(if chosen { ThemeRole::Selection } else { usual });
        let (sign, sign_role) = sign(theme, run);
        let pin = if pinned { theme.pick_glyph("▪", "=") } else { " " };
        let here = if app.is_shown_run(run) { theme.pick_glyph("▸", ">") } else { " " };
        let mut spans = vec![
            Span::styled(pin, role(ThemeRole::Accent)),
            Span::styled(here, role(ThemeRole::Accent)),
            Span::styled(format!("{sign} "), role(sign_role)),
            Span::styled(fit_text(theme, &run.id, self.name), role(ThemeRole::Text)),
        ];
        for column in &self.columns {
            let text = fit_text(theme, &(column.value)(run), column.width);
            let usual = if column.name == RunColumn::STATE.name { sign_role } else { column.role };
            spans.push(Span::styled(format!("  {text}"), role(usual)));
        }
        Line::from(spans)
    }
}

fn fit_text(theme: &Theme, text: &str, width: u16) -> String {
    pad_to_width(&truncate_end(&transliterate(text, theme.is_ascii()), width, theme.is_ascii()), width.into())
}

fn sign(theme: &Theme, run: &RunLine) -> (&'static str, ThemeRole) {
    match (run.state.as_str(), run.alive) {
        ("failed", _) => (theme.pick_glyph("✗", "!"), ThemeRole::Error),
        ("interrupted", _) => (theme.pick_glyph("▲", "!"), ThemeRole::Warning),
        ("paused", true) => (theme.pick_glyph("‖", "="), ThemeRole::Warning),
        ("finished", _) => (theme.pick_glyph("✓", "+"), ThemeRole::Good),
        (_, true) => (theme.pick_glyph("●", "*"), ThemeRole::Good),
        _ => (theme.pick_glyph("○", "-"), ThemeRole::Muted),
    }
}

/// The stage and how far it is: `fit 41 %`; of a finished job nothing.
fn progress(run: &RunLine) -> String {
    let Some(stage) = run.stage.filter(|_| run.state != "finished") else {
        return String::new();
    };
    match (100 * run.done.min(run.total)).checked_div(run.total) {
        Some(percent) => format!("{} {percent} %", stage.name()),
        None => stage.name().into(),
    }
}
