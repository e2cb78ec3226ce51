//! The keys that are of use now, as many as fit. Every one can be clicked.

use crate::action::{Action, KeyScope, TABLE};
use crate::app::{App, Pane};
use crate::key::Key;
use crate::theme::ThemeRole;
use crate::views::message::truncate_end;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use surfit_core::snapshot::EngineState;

/// What a click on a key of the footer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FooterHit {
    Act(&'static Action),
    /// The same as pressing that key, which has no action here.
    Press(Key),
}

#[derive(Clone, Debug)]
pub struct FooterItem {
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

pub fn render(area: Rect, buf: &mut Buffer, app: &App) {
    draw_items(area, buf, app, visible_items(app, area));
}

fn draw_items(area: Rect, buf: &mut Buffer, app: &App, items: Vec<FooterItem>) {
    let theme = &app.theme;
    for item in items {
        let key = if item.available { ThemeRole::Key } else { ThemeRole::Muted };
        let line = Line::from(vec![
            Span::styled(item.key, theme.style(key)),
            Span::styled(format!(" {}", item.label), theme.style(ThemeRole::Muted)),
        ]);
        buf.set_line(item.x, area.y, &line, item.width);
    }
}

pub fn hit_at(app: &App, area: Rect, x: u16) -> Option<FooterHit> {
    find_hit(visible_items(app, area), x)
}

fn find_hit(items: Vec<FooterItem>, x: u16) -> Option<FooterHit> {
    items.into_iter().find(|i| (i.x..i.x + i.width).contains(&x))?.hit
}

/// The message line while a sequence of keys is open: its first key, and the keys that can follow.
pub fn render_pending(area: Rect, buf: &mut Buffer, app: &App) {
    let shown = format!(" {} {}", pending_label(app), app.theme.pick_glyph("…", "~"));
    buf.set_stringn(area.x, area.y, shown, usize::from(area.width), app.theme.style(ThemeRole::Accent));
    draw_items(area, buf, app, pending_items(app, area));
}

/// The key that [`render_pending`] shows at a column.
pub fn pending_key_at(app: &App, area: Rect, x: u16) -> Option<Key> {
    app.pending_prefix()?;
    match find_hit(pending_items(app, area), x)? {
        FooterHit::Press(key) => Some(key),
        FooterHit::Act(_) => None,
    }
}

fn pending_label(app: &App) -> String {
    app.pending_prefix().map(|key| key.display_label(app.theme.is_ascii())).unwrap_or_default()
}

/// Esc first, then the keys that can follow, as many as fit.
fn pending_items(app: &App, area: Rect) -> Vec<FooterItem> {
    let left = Span::raw(pending_label(app)).width() as u16 + 4;
    let follow = app.continuations().into_iter().map(|(next, action)| FooterItem {
        available: (action.availability)(app).is_ok(),
        ..key_hint(app, next, action.label)
    });
    let all = std::iter::once(key_hint(app, Key::ESC, "cancel")).chain(follow).collect();
    let mut items = position_items(all, Rect { x: area.x + left, ..area }, 2);
    items.retain(|item| item.x + item.width <= area.right());
    items
}

/// The keys in the footer: those of the topmost overlay, else those of the pane.
fn visible_items(app: &App, area: Rect) -> Vec<FooterItem> {
    let Some(top) = app.layers.last() else {
        return items(app, area);
    };
    if app.is_typing_search() {
        let enter = key_hint(app, Key::ENTER, "keep");
        return fit_items(vec![text_hint("type", "words"), enter, key_hint(app, Key::ESC, "cancel")], area);
    }
    fit_items(top.hints(app), area)
}

fn position_items(mut items: Vec<FooterItem>, area: Rect, gap: u16) -> Vec<FooterItem> {
    let mut x = area.x + 1;
    for item in &mut items {
        item.x = x;
        x += item.width + gap;
    }
    items
}

/// How much a key is of use now: the pane's own first. Zero is not at all.
fn rank(app: &App, action: &Action) -> u8 {
    let curves = [action!("log-axis"), action!("recent"), action!("smooth"), action!("corner-curves")];
    let own = match app.focus {
        Pane::Loss if curves.contains(&action) => 6,
        Pane::Surface if action == action!("next-best") => 6,
        // The pane's own actions come before most of what can be done anywhere.
        pane if action.scope == KeyScope::of_pane(pane) && action.footer > 0 => 4 + action.footer.min(4),
        _ if action == action!("start") && app.run_state.engine_state() == EngineState::Paused => 0,
        // Keys of another pane mean nothing here.
        _ if action.scope != KeyScope::Anywhere || action.footer == 0 => 0,
        _ => action.footer + 1,
    };
    if own > 0 && (action.availability)(app).is_ok() { own } else { 0 }
}

/// What an action does in the present state, in a word or two.
fn label(app: &App, action: &Action) -> &'static str {
    let state = app.run_state.engine_state();
    match action {
        a if a == action!("pause") && state == EngineState::Paused => "resume",
        a if a == action!("start") && state == EngineState::Finished => "new fit",
        a if a == action!("start") && app.has_trained_result() => "resume",
        a if a == action!("freeze") && app.selected_point().is_some_and(|p| p.frozen) => "unfreeze",
        a if a == action!("zoom") && app.zoomed => "unzoom",
        a => a.label,
    }
}

fn items(app: &App, area: Rect) -> Vec<FooterItem> {
    let mut wanted: Vec<(u8, usize, &'static Action)> = TABLE
        .iter()
        .enumerate()
        .map(|(n, e)| (rank(app, e), n, e))
        .filter(|(rank, _, e)| *rank > 0 && !app.keymap.keys(e).is_empty())
        .collect();
    wanted.sort_by_key(|w| (w.0, w.1));
    let mut out = plan_hints(app);
    let mut room = area.width.saturating_sub(2);
    for item in &out {
        room = room.saturating_sub(item.width + 2);
    }
    let mut kept: Vec<(usize, &'static Action, FooterItem)> = Vec::new();
    for (_, place, entry) in wanted {
        let hit = Some(FooterHit::Act(entry));
        let item = FooterItem::new(hit, keys(app, entry), label(app, entry));
        if item.width + 2 > room {
            break;
        }
        room -= item.width + 2;
        kept.push((place, entry, item));
    }
    // Help, detach and quit are at the end, where one looks for them; the rest in the table's order.
    let last = [action!("help"), action!("detach"), action!("quit")];
    kept.sort_by_key(|(place, action, _)| (last.iter().position(|a| a == action), *place));
    out.extend(kept.into_iter().map(|k| k.2));
    position_items(out, area, 2)
}

/// The key, with that of the opposite action beside it: `u U` raise and lower.
fn keys(app: &App, action: &Action) -> String {
    let opposites = [
        (action!("raise-u"), action!("lower-u")),
        (action!("raise-v"), action!("lower-v")),
        (action!("finer"), action!("coarser")),
    ];
    let opposite = opposites.iter().find(|(a, _)| *a == action);
    let key = app.key_label(action);
    match opposite.map(|(_, other)| app.key_label(other)).filter(|k| !k.is_empty()) {
        Some(other) => format!("{key} {other}"),
        None => key,
    }
}

pub fn key_hint(app: &App, key: Key, label: &str) -> FooterItem {
    let shown = key.display_label(app.theme.is_ascii());
    FooterItem::new(Some(FooterHit::Press(key)), shown, label)
}

/// The key of an action; `None` when it has none.
fn action_hint(app: &App, action: &'static Action, label: &str) -> Option<FooterItem> {
    let key = app.key_label(action);
    let mut item = FooterItem::new(Some(FooterHit::Act(action)), key, label);
    item.available = (action.availability)(app).is_ok();
    (!item.key.is_empty()).then_some(item)
}

/// Keys for which the mouse has the wheel, or a click in the list.
pub fn text_hint(keys: &str, label: &str) -> FooterItem {
    FooterItem::new(None, keys.into(), label)
}

/// Up and down, as the terminal can show them.
pub fn arrows(app: &App) -> &'static str {
    app.theme.pick_glyph("↑↓", "up down")
}

pub fn choose_hint(app: &App) -> FooterItem {
    text_hint(arrows(app), "choose")
}

pub fn page_hint(app: &App) -> FooterItem {
    text_hint(&format!("{} pageup pagedown", arrows(app)), "scroll")
}

pub fn close_hint(app: &App) -> FooterItem {
    key_hint(app, Key::ESC, "close")
}

/// The keys of a view: those of actions are between the others.
pub fn hints(
    app: &App,
    before: impl IntoIterator<Item = FooterItem>,
    actions: &[(&'static Action, &str)],
    after: impl IntoIterator<Item = FooterItem>,
) -> Vec<FooterItem> {
    let own = actions.iter().filter_map(|&(action, label)| action_hint(app, action, label));
    before.into_iter().chain(own).chain(after).collect()
}

/// What answers a change of degree that is planned.
fn plan_hints(app: &App) -> Vec<FooterItem> {
    if !app.awaits_plan_confirmation() {
        return Vec::new();
    }
    vec![key_hint(app, Key::ENTER, "apply"), key_hint(app, Key::ESC, "cancel")]
}

/// As many as fit, apart by three columns or two: those before the last go first, since the last one closes the view. A
/// single one that does not fit is shortened.
fn fit_items(mut all: Vec<FooterItem>, area: Rect) -> Vec<FooterItem> {
    let room = area.width.saturating_sub(2);
    let width = |all: &[FooterItem], gap: u16| {
        let gaps = gap * (all.len() as u16).saturating_sub(1);
        all.iter().map(|i| i.width).sum::<u16>() + gaps
    };
    while all.len() > 1 {
        for gap in [3, 2] {
            if width(&all, gap) <= room {
                return position_items(all, area, gap);
            }
        }
        all.remove(all.len() - 2);
    }
    if let Some(last) = all.first_mut().filter(|i| i.width > room) {
        last.label = truncate_end(&last.label, room.saturating_sub(4), true);
        last.width = room;
    }
    position_items(all, area, 2)
}
