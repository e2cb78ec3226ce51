//! The columns of the list of runs: as many as there is room for.

use crate::app::App;
use crate::link::RunLine;
use crate::theme::{Role, Theme};
use crate::views::header::memory;
use crate::views::message::{clean, shortened};
use crate::views::plot::text::percent;
use ratatui::text::{Line, Span};

/// A column behind the run's name: its heading and its width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    State,
    Best,
    Node,
    Progress,
    Degree,
    Network,
    Data,
    Begun,
    Size,
}

impl Column {
    /// In the order they give way, the last first.
    const ALL: [Column; 9] = [
        Column::State,
        Column::Best,
        Column::Node,
        Column::Progress,
        Column::Degree,
        Column::Begun,
        Column::Network,
        Column::Data,
        Column::Size,
    ];

    fn name(self) -> &'static str {
        match self {
            Column::State => "state",
            Column::Best => "best",
            Column::Node => "node",
            Column::Progress => "progress",
            Column::Degree => "degree",
            Column::Network => "network",
            Column::Data => "data",
            Column::Begun => "begun",
            Column::Size => "size",
        }
    }

    fn width(self) -> u16 {
        match self {
            Column::State => 11,
            Column::Best | Column::Size => 8,
            Column::Progress => 13,
            Column::Degree => 6,
            Column::Network | Column::Node => 10,
            Column::Data => 14,
            Column::Begun => 10,
        }
    }

    fn role(self) -> Role {
        match self {
            Column::State | Column::Progress => Role::Text,
            Column::Best => Role::Accent,
            _ => Role::Muted,
        }
    }
}

/// Columns of the sign before the name, and the least and most of the name.
const SIGN: u16 = 4;
const NAME: (u16, u16) = (18, 72);

/// The columns that have room.
pub struct Columns {
    name: u16,
    columns: Vec<Column>,
}

impl Columns {
    /// As many as `width` holds beside the name. The node is only told when a run has another one than this machine.
    pub fn of(width: u16, runs: &[&RunLine]) -> Self {
        let nodes = runs.iter().any(|run| run.on_other_node);
        let mut columns = Vec::new();
        let mut left = width.saturating_sub(SIGN + NAME.0);
        for column in Column::ALL {
            if column == Column::Node && !nodes {
                continue;
            }
            let needs = column.width() + 2;
            if needs > left {
                break;
            }
            left -= needs;
            columns.push(column);
        }
        let name = (NAME.0 + left).min(NAME.1);
        Self { name, columns }
    }

    /// Returns the line of column headings.
    pub fn head<'a>(&self, theme: &Theme) -> Line<'a> {
        let name = usize::from(self.name);
        let mut text = format!("{:4}{:<name$}", "", "run");
        for column in &self.columns {
            let width = usize::from(column.width());
            text += &format!("  {:<width$}", column.name());
        }
        Line::styled(text, theme.style(Role::Muted))
    }

    /// A run in a row.
    pub fn row<'a>(&self, app: &App, run: &RunLine, chosen: bool, pinned: bool) -> Line<'a> {
        let theme = &app.theme;
        let role = |usual| theme.style(if chosen { Role::Selection } else { usual });
        let (sign, sign_role) = sign(theme, run);
        let pin = if pinned { theme.pick("▪", "=") } else { " " };
        let here = if app.shows(run) {
            theme.pick("▸", ">")
        } else {
            " "
        };
        let mut spans = vec![
            Span::styled(pin, role(Role::Accent)),
            Span::styled(here, role(Role::Accent)),
            Span::styled(format!("{sign} "), role(sign_role)),
            Span::styled(fitted(theme, &run.id, self.name), role(Role::Text)),
        ];
        for column in &self.columns {
            let text = fitted(theme, &value(*column, theme, run), column.width());
            let usual = if *column == Column::State {
                sign_role
            } else {
                column.role()
            };
            spans.push(Span::styled(format!("  {text}"), role(usual)));
        }
        Line::from(spans)
    }
}

/// Text in exactly so many columns.
fn fitted(theme: &Theme, text: &str, width: u16) -> String {
    let text = shortened(&clean(text, theme.ascii()), width, theme.ascii());
    let pad = usize::from(width).saturating_sub(Span::raw(text.as_str()).width());
    format!("{text}{:pad$}", "")
}

/// A sign and a role for the state.
fn sign(theme: &Theme, run: &RunLine) -> (&'static str, Role) {
    match (run.state.as_str(), run.alive) {
        ("failed", _) => (theme.pick("✗", "!"), Role::Error),
        ("interrupted", _) => (theme.pick("▲", "!"), Role::Warning),
        ("paused", true) => (theme.pick("‖", "="), Role::Warning),
        ("finished", _) => (theme.pick("✓", "+"), Role::Good),
        (_, true) => (theme.pick("●", "*"), Role::Good),
        _ => (theme.pick("○", "-"), Role::Muted),
    }
}

/// What a run has in a column.
pub fn value(column: Column, theme: &Theme, run: &RunLine) -> String {
    match column {
        Column::State => run.state.clone(),
        Column::Best => run.best.map(|b| percent(b, 2)).unwrap_or_default(),
        Column::Node => run.node.clone().unwrap_or_default(),
        Column::Progress => progress(run),
        Column::Degree => {
            let degrees = run.degrees.map(|d| d.to_string()).unwrap_or_default();
            clean(&degrees, theme.ascii())
        }
        Column::Network => run.network.clone().unwrap_or_default(),
        Column::Data => run.data.clone().unwrap_or_default(),
        Column::Begun => run.when.clone(),
        Column::Size => run.bytes.map(on_disk).unwrap_or_default(),
    }
}

/// Bytes on disk; small runs have less than a megabyte.
fn on_disk(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{} kB", bytes.div_ceil(1000)),
        _ => memory(bytes),
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
