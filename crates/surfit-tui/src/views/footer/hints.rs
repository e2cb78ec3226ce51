//! The keys of what lies over the main area, and of a plan that waits for its answer.

use super::{FooterHit, FooterItem, position_items};
use crate::action::Action;
use crate::app::{App, ExportMenu, Overlay, PictureSubject};
use crate::key::Key;
use crate::views::message::truncate_end;
use ratatui::layout::Rect;

fn key_hint(app: &App, key: Key, label: &str) -> FooterItem {
    let shown = key.display_label(app.theme.is_ascii());
    FooterItem::new(Some(FooterHit::Press(key)), shown, label)
}

fn action_hint(app: &App, action: &'static Action, label: &str) -> Option<FooterItem> {
    let key = app.key_label(action);
    let mut item = FooterItem::new(Some(FooterHit::Act(action)), key, label);
    item.available = (action.availability)(app).is_ok();
    (!item.key.is_empty()).then_some(item)
}

/// Keys for which the mouse has the wheel, or a click in the list.
fn text_hint(keys: &str, label: &str) -> FooterItem {
    FooterItem::new(None, keys.into(), label)
}

/// What answers a change of degree that is planned.
pub(super) fn plan_hints(app: &App) -> Vec<FooterItem> {
    if !app.awaits_plan_confirmation() {
        return Vec::new();
    }
    let answers = [(Key::ENTER, "do it"), (Key::ESC, "not")];
    answers.map(|(key, label)| key_hint(app, key, label)).into()
}

/// The keys of what is open; `None` when nothing is. How to get away stands last.
pub(super) fn overlay_hints(app: &App) -> Option<Vec<FooterItem>> {
    let arrows = if app.theme.is_ascii() { "up down" } else { "↑↓" };
    let enter = |label| key_hint(app, Key::ENTER, label);
    let esc = |label| key_hint(app, Key::ESC, label);
    let choose = || text_hint(arrows, "choose");
    let scroll = || text_hint(arrows, "scroll");
    let pages = || text_hint(&format!("{arrows} pageup pagedown"), "scroll");
    if app.question.is_some() {
        return Some(vec![choose(), enter("take it"), esc("cancel")]);
    }
    match &app.export_menu {
        Some(ExportMenu::Name(_)) => {
            return Some(vec![text_hint("type", "a name"), enter("write it"), esc("cancel")]);
        }
        Some(_) => {
            let letter = text_hint("a letter", "takes it");
            return Some(vec![choose(), letter, enter("take it"), esc("cancel")]);
        }
        None => {}
    }
    let overlay = app.overlay.as_ref()?;
    if app.is_typing_search() {
        return Some(vec![text_hint("type", "words"), enter("keep them"), esc("give up")]);
    }
    let acts = |of: &[(&'static Action, &str)]| -> Vec<FooterItem> {
        of.iter().filter_map(|&(a, l)| action_hint(app, a, l)).collect()
    };
    let (before, own, after) = match overlay {
        Overlay::Log { .. } => (
            vec![scroll()],
            acts(&[
                (action!("search-log"), "search"),
                (action!("find-next"), "next"),
                (action!("log-topic"), "topic"),
                (action!("log-times"), "times"),
            ]),
            vec![esc("close")],
        ),
        Overlay::Image { subject, .. } => match subject {
            PictureSubject::Heatmap => (
                vec![text_hint(arrows, "contour lines")],
                acts(&[(action!("next-picture"), "slices"), (action!("metric"), "metric")]),
                vec![esc("close")],
            ),
            PictureSubject::Slices => (
                Vec::new(),
                acts(&[(action!("next-picture"), "curves"), (action!("metric"), "metric")]),
                vec![esc("close")],
            ),
            PictureSubject::Curves => (
                vec![text_hint(arrows, "smoothing")],
                acts(&[
                    (action!("next-picture"), "heatmap"),
                    (action!("log-axis"), "log axis"),
                    (action!("smooth"), "raw"),
                ]),
                vec![esc("close")],
            ),
        },
        Overlay::Help { .. } => (
            vec![pages()],
            acts(&[(action!("search-help"), "search"), (action!("next-help"), "next")]),
            vec![esc("close")],
        ),
        Overlay::Machine { .. } | Overlay::Text { .. } => (vec![pages()], Vec::new(), vec![esc("close")]),
        Overlay::Palette { .. } => {
            (vec![text_hint("type", "to find"), choose()], Vec::new(), vec![enter("do it"), esc("close")])
        }
        Overlay::Models { .. } => (
            vec![choose(), enter("go there")],
            acts(&[(action!("copy"), "copy"), (action!("sort-models"), "sort")]),
            vec![esc("close")],
        ),
        Overlay::Runs { .. } => (
            Vec::new(),
            acts(&[
                (action!("filter-runs"), "filter"),
                (action!("loss-overlay"), "losses"),
                (action!("beside-run"), "beside"),
                (action!("compare-run"), "figures"),
                (action!("resume-run"), "resume"),
                (action!("remove-run"), "remove"),
            ]),
            // The frame of the list says the first, too: it gives way first.
            vec![enter("go there"), esc("close")],
        ),
        Overlay::Themes { .. } => {
            (vec![text_hint(arrows, "try on")], Vec::new(), vec![enter("keep it"), esc("as it was")])
        }
    };
    Some(before.into_iter().chain(own).chain(after).collect())
}

/// As many as fit, apart by three columns or two: those before the last go first, since the last tells how to get away. A
/// single one that does not fit is shortened.
pub(super) fn fit_items(mut all: Vec<FooterItem>, area: Rect) -> Vec<FooterItem> {
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
