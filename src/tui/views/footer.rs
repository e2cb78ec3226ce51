//! The keys that are of use now, as many as find room.

use crate::action::{Action, Entry, Scope, TABLE};
use crate::app::{App, Overlay, Pane, Take};
use crate::theme::Role;
use crate::views::message::fitted;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;
use surfit_core::snapshot::State;

/// A key of the footer and where it stands.
struct Item {
    x: u16,
    width: u16,
    action: Action,
    key: String,
    label: String,
}

/// Draws the keys.
pub fn render(area: Rect, buf: &mut Buffer, app: &App) {
    let theme = &app.theme;
    if let Some(hint) = hint(app) {
        let hint = fitted(&hint, area.width.saturating_sub(2), theme.ascii());
        return Line::from(Span::styled(format!(" {hint}"), theme.style(Role::Muted)))
            .render(area, buf);
    }
    for item in items(app, area) {
        let line = Line::from(vec![
            Span::styled(item.key, theme.style(Role::Key)),
            Span::styled(format!(" {}", item.label), theme.style(Role::Muted)),
        ]);
        buf.set_line(item.x, area.y, &line, item.width);
    }
}

/// The action whose key stands at column `x`.
pub fn action_at(app: &App, area: Rect, x: u16) -> Option<Action> {
    if hint(app).is_some() {
        return None;
    }
    items(app, area)
        .into_iter()
        .find(|i| (i.x..i.x + i.width).contains(&x))
        .map(|i| i.action)
}

/// What the keys do while something lies over the main area.
fn hint(app: &App) -> Option<String> {
    let (up, down) = if app.theme.ascii() {
        ("up", "down")
    } else {
        ("↑", "↓")
    };
    if app.question.is_some() {
        return Some(format!("{up}{down} choose   enter take it   esc cancel"));
    }
    match &app.take {
        Some(Take::Name(_)) => return Some("type a name   enter write it   esc cancel".into()),
        Some(_) => {
            return Some(format!(
                "{up}{down} choose   a letter or enter takes it   esc cancel"
            ));
        }
        None => {}
    }
    Some(match app.overlay.as_ref()? {
        Overlay::Log { .. } => {
            let [search, next, topic, times] = [
                Action::SearchLog,
                Action::FindNext,
                Action::LogTopic,
                Action::LogTimes,
            ]
            .map(|a| app.key(a));
            format!(
                "{up}{down} scroll   {search} search  {next} next   {topic} topic  {times} times   esc close"
            )
        }
        Overlay::Picture { .. } => format!(
            "{up}{down} contour lines   {} metric   esc close",
            app.key(Action::Metric)
        ),
        Overlay::Help { .. } => {
            let [search, next] = [Action::SearchHelp, Action::NextHelp].map(|a| app.key(a));
            format!("{up}{down} pageup pagedown scroll   {search} search  {next} next   esc close")
        }
        Overlay::Machine { .. } => {
            format!("{up}{down} pageup pagedown scroll   esc close")
        }
        Overlay::Palette { .. } => {
            format!("type to find   {up}{down} choose   enter do it   esc close")
        }
        Overlay::Models { .. } => format!(
            "{up}{down} choose   enter go there   {} copy   {} sort   esc close",
            app.key(Action::Copy),
            app.key(Action::SortModels)
        ),
        Overlay::Runs { .. } => {
            let [filter, losses, compare, resume, remove] = [
                Action::FilterRuns,
                Action::LossOverlay,
                Action::CompareRun,
                Action::ResumeRun,
                Action::RemoveRun,
            ]
            .map(|a| app.key(a));
            format!(
                "enter go there  {filter} filter  {losses} losses  {compare} figures  {resume} resume  {remove} remove  esc close"
            )
        }
        Overlay::Themes { .. } => format!("{up}{down} try on   enter keep it   esc as it was"),
    })
}

/// How much a key is of use now: the pane's own first. Zero is not at all.
fn rank(app: &App, entry: &Entry) -> u8 {
    let own = match (app.focus, entry.action) {
        (Pane::Loss, Action::LogAxis | Action::Recent | Action::Smooth | Action::CornerCurves) => 6,
        (Pane::Surface, Action::NextBest) => 6,
        // What the pane alone can do stands before most of what can be done anywhere.
        (pane, action) if action.entry().scope == Scope::of_pane(pane) => match entry.footer {
            0 => 0,
            n => 4 + n.min(4),
        },
        (_, Action::Start) if app.picture.state() == State::Paused => 0,
        // Keys of another pane mean nothing here.
        (_, action) if action.entry().scope != Scope::Anywhere => 0,
        (_, action) => match action.entry().footer {
            0 => 0,
            n => n + 1,
        },
    };
    if own > 0 && (entry.possible)(app).is_ok() {
        own
    } else {
        0
    }
}

fn label(app: &App, entry: &Entry) -> String {
    let state = app.picture.state();
    match entry.action {
        Action::Pause if state == State::Paused => "go on",
        Action::Start if state == State::Finished => "new fit",
        Action::Start if !app.picture.corners.is_empty() => "go on",
        Action::Freeze if app.chosen_point().is_some_and(|p| p.frozen) => "free",
        Action::Zoom if app.zoomed => "unzoom",
        _ => entry.label,
    }
    .into()
}

fn items(app: &App, area: Rect) -> Vec<Item> {
    let mut wanted: Vec<(u8, usize, &Entry)> = TABLE
        .iter()
        .enumerate()
        .map(|(n, e)| (rank(app, e), n, e))
        .filter(|(rank, _, e)| *rank > 0 && !app.keymap.keys(e.action).is_empty())
        .collect();
    wanted.sort_by_key(|w| (w.0, w.1));
    let mut room = area.width.saturating_sub(2);
    let mut kept: Vec<(usize, Item)> = Vec::new();
    for (_, place, entry) in wanted {
        let (key, label) = (keys(app, entry), label(app, entry));
        let width = (Span::raw(key.as_str()).width() + 1 + label.len()) as u16;
        if width + 2 > room {
            break;
        }
        room -= width + 2;
        kept.push((
            place,
            Item {
                x: 0,
                width,
                action: entry.action,
                key,
                label,
            },
        ));
    }
    // Help, detach and quit stand at the end, where one looks for them; the rest in the table's order.
    let last = |a: Action| match a {
        Action::Help => 1,
        Action::Detach => 2,
        Action::Quit => 3,
        _ => 0,
    };
    kept.sort_by_key(|(place, item)| (last(item.action), *place));
    let mut x = area.x + 1;
    kept.into_iter()
        .map(|(_, mut item)| {
            item.x = x;
            x += item.width + 2;
            item
        })
        .collect()
}

/// The key, with that of the opposite action beside it: `u U` raise and lower.
fn keys(app: &App, entry: &Entry) -> String {
    let opposite = match entry.action {
        Action::RaiseU => Some(Action::LowerU),
        Action::RaiseV => Some(Action::LowerV),
        Action::Finer => Some(Action::Coarser),
        _ => None,
    };
    let key = app.key(entry.action);
    match opposite.map(|a| app.key(a)).filter(|k| !k.is_empty()) {
        Some(other) => format!("{key} {other}"),
        None => key,
    }
}
