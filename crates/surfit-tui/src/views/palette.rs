//! Actions by name, or a typed command with figures.

use super::footer::{self, FooterItem};
use super::message::truncate_end;
use super::view::{InputOutcome, KeyPress, View, take_overlay_key};
use super::{input_line, popup};
use crate::action::{Action, KeyScope, TABLE};
use crate::app::{App, MessageKind, TYPED_COMMAND_EXAMPLES, parse};
use crate::key::Key;
use crate::keymap::KeyLookup;
use crate::theme::ThemeRole;
use crossterm::event::{Event, KeyCode};
use nucleo_matcher::pattern::{AtomKind, CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler;

/// Rows above the list: what is typed, and what the chosen action does where the list cuts it.
const HEADER_ROWS: u16 = 2;
/// Columns of the key, and of the name.
const KEY_WIDTH: u16 = 10;
const NAME_WIDTH: u16 = 18;

/// Actions that what was typed fits well, best first; all of them for nothing. The first is done on enter, so that letters that
/// are only scattered over an explanation find none.
pub fn matching_actions(app: &App, typed: &str) -> Vec<&'static Action> {
    let shown = TABLE.iter().filter(|e| *e != action!("palette"));
    if typed.trim().is_empty() {
        // Available actions come first.
        let mut all: Vec<_> = shown.collect();
        all.sort_by_key(|e| (e.availability)(app).is_err());
        return all;
    }
    let mut matcher = Matcher::new(Config::DEFAULT);
    let (case, normal) = (CaseMatching::Ignore, Normalization::Smart);
    let pattern = Pattern::new(typed, case, normal, AtomKind::Fuzzy);
    let words = typed.to_lowercase();
    let mut letters = Vec::new();
    let mut found: Vec<(u32, &'static Action)> = shown
        .filter(|e| words.split_whitespace().all(|word| matches_word(word, e)))
        .filter_map(|e| {
            let mut score = |text: &str, weight: u32| {
                pattern.score(Utf32Str::new(text, &mut letters), &mut matcher).map(|s| s * weight)
            };
            // A hit in the name is worth more than one in the explanation.
            score(&e.id.replace('-', " "), 3).max(score(e.help, 1)).map(|s| (s, e))
        })
        .collect();
    found.sort_by_key(|f| std::cmp::Reverse(f.0));
    found.into_iter().map(|f| f.1).collect()
}

/// True when an action's name has a typed word, or its letters in order from the first of a word on, or when a word of what it
/// does begins so.
fn matches_word(word: &str, entry: &Action) -> bool {
    let begins = |text: &str| text.to_lowercase().split(|c: char| !c.is_alphanumeric()).any(|w| w.starts_with(word));
    let from = |start: usize| {
        let mut rest = entry.id[start..].chars();
        word.chars().all(|c| rest.any(|r| r == c))
    };
    let mut starts = std::iter::once(0).chain(entry.id.match_indices('-').map(|m| m.0 + 1));
    let first = |start: &usize| entry.id[*start..].starts_with(|c| word.starts_with(c));
    entry.id.contains(word) || begins(entry.help) || starts.any(|s| first(&s) && from(s))
}

fn list(inner: Rect) -> Rect {
    Rect { y: inner.y + HEADER_ROWS, height: inner.height.saturating_sub(HEADER_ROWS), ..inner }
}

/// Overlay in which an action is found by name or a command is typed.
#[derive(Debug, Default)]
pub struct PaletteOverlay {
    pub input: Input,
    pub selected: usize,
}

impl View for PaletteOverlay {
    fn scope(&self) -> KeyScope {
        KeyScope::View("palette")
    }

    fn title(&self, _app: &App) -> String {
        "Command palette".into()
    }

    fn remark(&self, _app: &App) -> String {
        TYPED_COMMAND_EXAMPLES.join("   ")
    }

    fn render_body(&self, inner: Rect, buf: &mut Buffer, app: &App) {
        let theme = &app.theme;
        buf.set_string(inner.x, inner.y, ": ", theme.style(ThemeRole::Key));
        let line = Rect { x: inner.x + 2, width: inner.width.saturating_sub(2), height: inner.height.min(1), ..inner };
        input_line::draw(line, buf, theme, &self.input);
        let list = list(inner);
        if let Some(typed) = parse(self.input.value()) {
            let possible = typed.and_then(|typed| Ok(app.typed_availability(&typed)?));
            let (role, text) = match possible {
                Ok(()) => (ThemeRole::Good, format!("enter: {}", self.input.value().trim())),
                Err(why) => (ThemeRole::Warning, why.to_string()),
            };
            return Line::styled(text, theme.style(role)).render(list, buf);
        }
        let matches = matching_actions(app, self.input.value());
        if matches.is_empty() {
            let text = "No action matches. Backspace, or esc to close.";
            return Line::styled(text, theme.style(ThemeRole::Muted)).render(list, buf);
        }
        let first = popup::first_visible_row(self.selected, list.height);
        for ((n, action), row) in matches.iter().enumerate().skip(first).zip(list.rows()) {
            let reason = (action.availability)(app).err();
            let chosen = n == self.selected;
            let role = |usual| if chosen { ThemeRole::Selection } else { usual };
            let text = if reason.is_some() { ThemeRole::Muted } else { ThemeRole::Text };
            let key = app.key_label(action);
            if chosen {
                buf.set_style(row, theme.style(ThemeRole::Selection));
            }
            let help = reason.map_or_else(|| action.help.into(), |why| why.to_string());
            let room = row.width.saturating_sub(KEY_WIDTH + NAME_WIDTH + 1);
            if chosen && Span::raw(help.as_str()).width() > usize::from(room) {
                // The chosen entry, cut in the list, is shown in full above it.
                let above = Rect { y: inner.y + 1, height: 1, ..inner };
                let whole = truncate_end(&help, above.width, theme.is_ascii());
                Line::styled(whole, theme.style(ThemeRole::Muted)).render(above, buf);
            }
            let help = truncate_end(&help, room, theme.is_ascii());
            let (key_width, name_width) = (usize::from(KEY_WIDTH), usize::from(NAME_WIDTH));
            Line::from(vec![
                Span::styled(format!(" {key:<key_width$}"), theme.style(role(ThemeRole::Key))),
                Span::styled(format!("{:<name_width$}", action.id.replace('-', " ")), theme.style(role(text))),
                Span::styled(help, theme.style(role(ThemeRole::Muted))),
            ])
            .render(row, buf);
        }
    }

    fn hints(&self, app: &App) -> Vec<FooterItem> {
        let enter = footer::key_hint(app, Key::ENTER, "run");
        let before = [footer::text_hint("type", "to find"), footer::choose_hint(app)];
        footer::hints(app, before, &[], [enter, footer::close_hint(app)])
    }

    fn on_key(&mut self, app: &mut App, press: KeyPress) -> InputOutcome {
        // Above the list is the command typed before.
        if press.prefix.is_none() && press.event.code == KeyCode::Up && self.recall_previous_command(app) {
            return InputOutcome::DONE;
        }
        let usual = take_overlay_key(self, app, press);
        if !matches!(usual, InputOutcome::Ignored) {
            return usual;
        }
        let actions = [action!("palette"), action!("help"), action!("redraw"), action!("suspend")];
        match press.lookup {
            KeyLookup::Action(action) if actions.contains(&action) && !Key::from(press.event).is_letter() => {
                return InputOutcome::Perform(action);
            }
            _ if press.event.code == KeyCode::Backspace && self.input.value().is_empty() => return InputOutcome::CLOSE,
            _ => {}
        }
        self.input.handle_event(&Event::Key(press.event));
        self.selected = 0;
        InputOutcome::DONE
    }

    fn on_enter(&mut self, app: &mut App) -> InputOutcome {
        let text = self.input.value();
        if let Some(done) = app.perform_typed_command(text) {
            app.push_command_history(text);
            return InputOutcome::Close(done);
        }
        match matching_actions(app, text).get(self.selected) {
            Some(action) => InputOutcome::CloseAndPerform(action),
            None => {
                app.show_message(MessageKind::Hint, format!("no action matches `{text}`"));
                InputOutcome::CLOSE
            }
        }
    }

    fn takes_first_click(&self) -> bool {
        true
    }

    fn row_at(&self, app: &App, inner: Rect, at: Position) -> Option<usize> {
        let lines = match parse(self.input.value()) {
            // Only the typed text is shown.
            Some(_) => 1,
            None => matching_actions(app, self.input.value()).len(),
        };
        popup::row_at(list(inner), lines, self.selected, at)
    }

    fn position_mut(&mut self) -> Option<&mut usize> {
        Some(&mut self.selected)
    }

    fn last_position(&self, app: &App) -> usize {
        matching_actions(app, self.input.value()).len().saturating_sub(1)
    }

    fn input_mut(&mut self) -> Option<&mut Input> {
        Some(&mut self.input)
    }
}

impl PaletteOverlay {
    /// At the top of the list: the command that was typed before the one in the line. False elsewhere.
    fn recall_previous_command(&mut self, app: &App) -> bool {
        if self.selected > 0 {
            return false;
        }
        let now = app.command_history.iter().position(|t| t == self.input.value());
        let before = match now {
            Some(n) => n.checked_sub(1),
            None if self.input.value().is_empty() => app.command_history.len().checked_sub(1),
            None => None,
        };
        if let Some(text) = before.and_then(|n| app.command_history.get(n)) {
            self.input = Input::new(text.clone());
        }
        before.is_some()
    }
}
