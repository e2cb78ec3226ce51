//! Every key, group by group; what is not possible now is dim.

use super::footer::{self, FooterItem};
use super::message::truncate_end;
use super::search::SearchField;
use super::view::{InputOutcome, SearchAccess, View};
use crate::action::{Action, ActionGroup, KeyScope, TABLE};
use crate::app::App;
use crate::theme::ThemeRole;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;
use strum::IntoEnumIterator;

#[derive(Debug, Default)]
pub struct HelpOverlay {
    pub scroll: usize,
}

impl View for HelpOverlay {
    fn scope(&self) -> KeyScope {
        KeyScope::View("help")
    }

    fn title(&self, _app: &App) -> String {
        "Keys".into()
    }

    fn remark(&self, app: &App) -> String {
        app.theme.pick_glyph("bright: available now · dim: not now", "dim keys are not available now").into()
    }

    fn render_body(&self, inner: Rect, buf: &mut Buffer, app: &App) {
        let (body, rows) = (body(app, inner), rows(app, inner.width));
        if let Some(mut spans) = app.help_search.spans(&app.theme) {
            let text = match TABLE.iter().filter(|e| matches_search(app, e)).count() {
                _ if app.help_search.is_empty() => "  type what a key does".into(),
                0 => "  no match".into(),
                n => format!("  {n} of {}", TABLE.len()),
            };
            spans.push(Span::styled(text, app.theme.style(ThemeRole::Muted)));
            Line::from(spans).render(inner, buf);
        }
        let scroll = self.scroll.min(rows.len().saturating_sub(body.height.into()));
        for (row, place) in rows.iter().skip(scroll).zip(body.rows()) {
            row.render(place, buf);
        }
    }

    fn hints(&self, app: &App) -> Vec<FooterItem> {
        footer::hints(app, [footer::page_hint(app)], &[(action!("search-help"), "search")], [footer::close_hint(app)])
    }

    fn position_mut(&mut self) -> Option<&mut usize> {
        Some(&mut self.scroll)
    }

    fn last_position(&self, app: &App) -> usize {
        let inner = self.inner(app);
        rows(app, inner.width).len().saturating_sub(body(app, inner).height.into())
    }

    /// Takes back a search first.
    fn on_escape(&mut self, app: &mut App) -> InputOutcome {
        if app.help_search.is_empty() {
            return InputOutcome::CLOSE;
        }
        app.help_search = SearchField::default();
        self.scroll(app, 0);
        InputOutcome::DONE
    }

    fn search(&self) -> Option<SearchAccess> {
        Some((|app| &app.help_search, |app| &mut app.help_search))
    }

    fn on_search_changed(&mut self, app: &mut App) {
        self.scroll(app, i64::MIN / 2);
    }
}

/// The area for the keys: below the search line.
fn body(app: &App, inner: Rect) -> Rect {
    let search = &app.help_search;
    let used = u16::from(search.typing || !search.is_empty()).min(inner.height);
    Rect { y: inner.y + used, height: inner.height - used, ..inner }
}

fn rows<'a>(app: &App, width: u16) -> Vec<Line<'a>> {
    let theme = &app.theme;
    let key_width = if width >= 96 { 22usize } else { 12 };
    let search = &app.help_search;
    let mut rows: Vec<Line<'a>> = Vec::new();
    // Actions of the focused view come first, and of these the available ones.
    let here = KeyScope::of_pane(app.focus);
    let mut own: Vec<&Action> = TABLE.iter().filter(|e| e.scope == here).collect();
    own.sort_by_key(|e| (e.availability)(app).is_err());
    let sections = std::iter::once((app.focus.name(), own)).chain(ActionGroup::iter().map(|group| {
        let of = |e: &&Action| e.group == group && e.scope != here;
        (group.into(), TABLE.iter().filter(of).collect())
    }));
    for (heading, entries) in sections.filter(|s| !s.1.is_empty()) {
        let shown: Vec<&Action> =
            (entries.into_iter()).filter(|e| search.is_empty() || matches_search(app, e)).collect();
        if shown.is_empty() {
            continue;
        }
        if !rows.is_empty() {
            rows.push(Line::default());
        }
        rows.push(Line::styled(heading, theme.style(ThemeRole::Title)));
        for entry in shown {
            let keys: Vec<String> = app.keymap.keys(entry).iter().map(|k| k.display_label(theme.is_ascii())).collect();
            let elsewhere = entry.scope != KeyScope::Anywhere && entry.scope != here;
            let place = elsewhere.then(|| format!("in {}", entry.scope.name()));
            let reason = place.or_else(|| (entry.availability)(app).err().map(|why| why.to_string()));
            let (key, text) = match reason {
                None => (ThemeRole::Key, ThemeRole::Text),
                Some(_) => (ThemeRole::Muted, ThemeRole::Muted),
            };
            let keys = if keys.is_empty() {
                "no key".into()
            } else {
                keys.join(if keys.iter().any(|k| k.contains(' ')) { "  " } else { " " })
            };
            let keys_wide = Span::raw(keys.as_str()).width();
            let room = usize::from(width).saturating_sub(3 + key_width.max(keys_wide));
            let help = truncate_end(entry.help, room as u16, theme.is_ascii());
            let mut spans = vec![Span::styled(format!("  {keys:<key_width$} "), theme.style(key))];
            spans.extend(highlight_match(app, help, theme.style(text)));
            // Found by its name, which the text does not have.
            let name = entry.id.replace('-', " ");
            let named = !search.is_empty() && !search.finds(entry.help) && search.finds(&name);
            let reason = if named { Some(name) } else { reason };
            let used = 3 + key_width.max(keys_wide) + entry.help.chars().count();
            let reason = reason.map(|r| format!("  ({r})")).unwrap_or_default();
            let room = usize::from(width).saturating_sub(used);
            if !reason.is_empty() && reason.chars().count() <= room {
                spans.push(Span::styled(reason, theme.style(ThemeRole::Stale)));
            }
            rows.push(Line::from(spans));
        }
    }
    if let (true, Some(path)) = (search.is_empty(), crate::keymap::Keymap::user_file()) {
        let text = format!("  Your own keys: {}", path.display());
        let text = truncate_end(&text, width, theme.is_ascii());
        rows.push(Line::default());
        rows.push(Line::styled(text, theme.style(ThemeRole::Muted)));
    }
    rows
}

/// True when the help, the name or a key of the action has the searched text.
fn matches_search(app: &App, entry: &Action) -> bool {
    let search = &app.help_search;
    let keys = app.keymap.keys(entry).iter();
    search.finds(entry.help)
        || search.finds(entry.label)
        || search.finds(&entry.id.replace('-', " "))
        || keys.into_iter().any(|k| k.display_label(app.theme.is_ascii()) == search.text())
}

fn highlight_match<'a>(app: &App, text: String, style: Style) -> Vec<Span<'a>> {
    let words = app.help_search.text().to_lowercase();
    let lower = text.to_lowercase();
    // Lower case may be longer elsewhere than in plain English.
    let at = lower.find(&words).filter(|_| !words.is_empty() && lower.len() == text.len());
    let end = at.map_or(0, |at| at + words.len());
    match at {
        Some(at) if text.is_char_boundary(at) && text.is_char_boundary(end) => vec![
            Span::styled(text[..at].to_owned(), style),
            Span::styled(
                text[at..end].to_owned(),
                style.patch(app.theme.style(ThemeRole::Accent)).add_modifier(Modifier::UNDERLINED),
            ),
            Span::styled(text[end..].to_owned(), style),
        ],
        _ => vec![Span::styled(text, style)],
    }
}
