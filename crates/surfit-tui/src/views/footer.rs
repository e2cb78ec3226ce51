//! The keys that are of use now, as many as find room. Every one can be clicked.

mod hints;

use crate::action::{Action, ActionEntry, KeyScope, TABLE};
use crate::app::{App, Pane};
use crate::key::Key;
use crate::theme::ThemeRole;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use surfit_core::snapshot::EngineState;

/// What a click on a key of the footer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FooterHit {
    /// What the action says.
    Act(Action),
    /// The same as pressing that key, which has no action here.
    Press(Key),
}

/// A key of the footer and where it stands.
struct FooterItem {
    x: u16,
    width: u16,
    /// `None` for keys that the mouse has a way of its own for.
    hit: Option<FooterHit>,
    available: bool,
    key: String,
    label: String,
}

impl FooterItem {
    fn new(hit: Option<FooterHit>, key: String, label: &str) -> Self {
        let gap = u16::from(!label.is_empty());
        Self {
            x: 0,
            width: (Span::raw(key.as_str()).width() + Span::raw(label).width()) as u16 + gap,
            hit,
            available: true,
            key,
            label: label.into(),
        }
    }
}

/// Draws the keys.
pub fn render(area: Rect, buf: &mut Buffer, app: &App) {
    let theme = &app.theme;
    for item in visible_items(app, area) {
        let key = if item.available { ThemeRole::Key } else { ThemeRole::Muted };
        let line = Line::from(vec![
            Span::styled(item.key, theme.style(key)),
            Span::styled(format!(" {}", item.label), theme.style(ThemeRole::Muted)),
        ]);
        buf.set_line(item.x, area.y, &line, item.width);
    }
}

/// What the key that stands at column `x` does.
pub fn hit_at(app: &App, area: Rect, x: u16) -> Option<FooterHit> {
    visible_items(app, area).into_iter().find(|i| (i.x..i.x + i.width).contains(&x))?.hit
}

/// What stands in the footer: the keys of what lies over the main area, else those of the pane.
fn visible_items(app: &App, area: Rect) -> Vec<FooterItem> {
    match hints::overlay_hints(app) {
        Some(hints) => hints::fit_items(hints, area),
        None => items(app, area),
    }
}

/// Places items one after the other.
fn position_items(mut items: Vec<FooterItem>, area: Rect, gap: u16) -> Vec<FooterItem> {
    let mut x = area.x + 1;
    for item in &mut items {
        item.x = x;
        x += item.width + gap;
    }
    items
}

/// How much a key is of use now: the pane's own first. Zero is not at all.
fn rank(app: &App, entry: &ActionEntry) -> u8 {
    let own = match (app.focus, entry.action) {
        (Pane::Loss, Action::LogAxis | Action::Recent | Action::Smooth | Action::CornerCurves) => 6,
        (Pane::Surface, Action::NextBest) => 6,
        // What the pane alone can do stands before most of what can be done anywhere.
        (pane, action) if action.entry().scope == KeyScope::of_pane(pane) => match entry.footer {
            0 => 0,
            n => 4 + n.min(4),
        },
        (_, Action::Start) if app.run_state.engine_state() == EngineState::Paused => 0,
        // Keys of another pane mean nothing here.
        (_, action) if action.entry().scope != KeyScope::Anywhere => 0,
        (_, action) => match action.entry().footer {
            0 => 0,
            n => n + 1,
        },
    };
    if own > 0 && (entry.availability)(app).is_ok() { own } else { 0 }
}

fn label(app: &App, entry: &ActionEntry) -> String {
    let state = app.run_state.engine_state();
    match entry.action {
        Action::Pause if state == EngineState::Paused => "go on",
        Action::Start if state == EngineState::Finished => "new fit",
        Action::Start if !app.run_state.corners.is_empty() => "go on",
        Action::Freeze if app.selected_point().is_some_and(|p| p.frozen) => "free",
        Action::Zoom if app.zoomed => "unzoom",
        _ => entry.label,
    }
    .into()
}

fn items(app: &App, area: Rect) -> Vec<FooterItem> {
    let mut wanted: Vec<(u8, usize, &ActionEntry)> = TABLE
        .iter()
        .enumerate()
        .map(|(n, e)| (rank(app, e), n, e))
        .filter(|(rank, _, e)| *rank > 0 && !app.keymap.keys(e.action).is_empty())
        .collect();
    wanted.sort_by_key(|w| (w.0, w.1));
    let mut out = hints::plan_hints(app);
    let mut room = area.width.saturating_sub(2);
    for item in &out {
        room = room.saturating_sub(item.width + 2);
    }
    let mut kept: Vec<(usize, Action, FooterItem)> = Vec::new();
    for (_, place, entry) in wanted {
        let hit = Some(FooterHit::Act(entry.action));
        let item = FooterItem::new(hit, keys(app, entry), &label(app, entry));
        if item.width + 2 > room {
            break;
        }
        room -= item.width + 2;
        kept.push((place, entry.action, item));
    }
    // Help, detach and quit stand at the end, where one looks for them; the rest in the table's order.
    let last = |a: Action| match a {
        Action::Help => 1,
        Action::Detach => 2,
        Action::Quit => 3,
        _ => 0,
    };
    kept.sort_by_key(|(place, action, _)| (last(*action), *place));
    out.extend(kept.into_iter().map(|k| k.2));
    position_items(out, area, 2)
}

/// The key, with that of the opposite action beside it: `u U` raise and lower.
fn keys(app: &App, entry: &ActionEntry) -> String {
    let opposite = match entry.action {
        Action::RaiseU => Some(Action::LowerU),
        Action::RaiseV => Some(Action::LowerV),
        Action::RefineGrid => Some(Action::CoarsenGrid),
        _ => None,
    };
    let key = app.key_label(entry.action);
    match opposite.map(|a| app.key_label(a)).filter(|k| !k.is_empty()) {
        Some(other) => format!("{key} {other}"),
        None => key,
    }
}
