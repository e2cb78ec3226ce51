//! The list of what the focused view exports, with its destination and a preview, and the line for a file's name.

use super::footer::{self, FooterItem};
use super::message::{transliterate, truncate_end};
use super::view::{InputOutcome, KeyPress, MouseInput, View, take_overlay_key};
use super::{input_line, popup};
use crate::action::{Action, KeyScope};
use crate::app::{App, ExportDestination, ExportItem, ExportSource, MAX_COPY_BYTES};
use crate::key::Key;
use crate::layout::ScreenLayout;
use crate::theme::ThemeRole;
use crossterm::event::{Event, KeyCode, KeyModifiers};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler;

const TAB_KEY: Key = Key::plain(KeyCode::Tab);
const MAX_WIDTH: u16 = 76;
const MAX_PREVIEW_ROWS: u16 = 5;
/// Columns of a row's key and label.
const LABEL_WIDTH: u16 = 36;

#[derive(Debug)]
pub struct ExportDialog {
    pub(crate) items: Vec<ExportItem>,
    pub(crate) destination: ExportDestination,
    selected: usize,
}

impl ExportDialog {
    /// Returns the dialog; on files the first table or plot is selected.
    pub(crate) fn new(items: Vec<ExportItem>, destination: ExportDestination) -> Self {
        let wanted = |item: &ExportItem| destination != ExportDestination::File || item.formats().len() > 1;
        let selected = items.iter().position(wanted).unwrap_or(0);
        let mut dialog = Self { items, destination, selected };
        dialog.set_destination(destination);
        dialog
    }

    fn set_destination(&mut self, destination: ExportDestination) {
        self.destination = destination;
        self.items.iter_mut().for_each(|item| item.reset_format(destination));
    }

    /// The row of the destinations, the rows of the list, and those of the preview.
    fn areas(&self, inner: Rect) -> [Rect; 3] {
        let row = |y, height| Rect { y, height, ..inner }.intersection(inner);
        // One row at least describes what is selected; gaps come last.
        let rows = inner.height.saturating_sub(2).min(self.items.len() as u16);
        let spare = inner.height.saturating_sub(2 + rows);
        let list = row(inner.y + 1 + spare.min(1), rows);
        let preview = row(list.bottom() + spare.saturating_sub(1).min(1), inner.height);
        [row(inner.y, 1), list, preview]
    }

    fn render_destinations(&self, area: Rect, buf: &mut Buffer, app: &App) {
        let mut spans = vec![Span::styled("tab  ", app.theme.style(ThemeRole::Key))];
        for destination in ExportDestination::ALL {
            let role = if destination == self.destination { ThemeRole::Selection } else { ThemeRole::Muted };
            spans.push(Span::styled(format!(" {} ", destination.label()), app.theme.style(role)));
            spans.push(Span::raw(" "));
        }
        Line::from(spans).render(area, buf);
    }

    fn render_list(&self, area: Rect, buf: &mut Buffer, app: &App) {
        let theme = &app.theme;
        let first = popup::first_visible_row(self.selected, area.height);
        for ((n, item), row) in self.items.iter().enumerate().skip(first).zip(area.rows()) {
            let chosen = n == self.selected;
            let role = |usual| theme.style(if chosen { ThemeRole::Selection } else { usual });
            popup::draw_choice(row, buf, theme, chosen, item.key, item.label);
            let used = LABEL_WIDTH.min(row.width);
            let rest = Rect { x: row.x + used, width: row.width - used, ..row };
            match &item.source {
                ExportSource::Text(text) => {
                    let line = text.lines().next().unwrap_or_default();
                    put(rest, buf, app, line, role(ThemeRole::Muted));
                }
                _ => {
                    let spans = item.formats().iter().map(|&format| {
                        let usual = if format == item.format { ThemeRole::Accent } else { ThemeRole::Muted };
                        let marked = chosen && format == item.format;
                        let name = format.name();
                        Span::styled(if marked { format!("[{name}] ") } else { format!(" {name}  ") }, role(usual))
                    });
                    Line::from_iter(spans).render(rest, buf);
                }
            }
        }
    }

    /// What the selected item is, the first lines of its text, and the text's size.
    fn render_preview(&self, area: Rect, buf: &mut Buffer, app: &App) {
        let Some(item) = self.items.get(self.selected) else { return };
        let muted = app.theme.style(ThemeRole::Muted);
        put(area, buf, app, item.about, muted);
        let rows: Vec<Rect> = area.rows().skip(1).collect();
        let Some(preview) = item.preview(app) else { return };
        let count = preview.line_count;
        // The last row has the size of a text of several lines.
        let shown = if count > 1 { count.min(rows.len().saturating_sub(1)) } else { count };
        for (line, row) in preview.text.lines().take(shown).zip(&rows) {
            put(*row, buf, app, line, muted);
        }
        let Some(row) = rows.get(shown).filter(|_| count > 1) else { return };
        let about = if preview.is_estimate { "about " } else { "" };
        let size = format!("{about}{count} lines, {} kB", preview.byte_count.div_ceil(1000));
        let (size, role) = match preview.byte_count > MAX_COPY_BYTES && self.destination == ExportDestination::Clipboard
        {
            true => (format!("{size}: more than terminals accept"), ThemeRole::Warning),
            false => (size, ThemeRole::Accent),
        };
        put(*row, buf, app, &size, app.theme.style(role));
    }

    fn export(&mut self, app: &mut App, n: usize) -> InputOutcome {
        self.selected = n;
        match self.items.get(n) {
            Some(item) => app.export_item(item, self.destination),
            None => InputOutcome::CLOSE,
        }
    }
}

impl View for ExportDialog {
    fn scope(&self) -> KeyScope {
        KeyScope::View("export")
    }

    fn title(&self, _app: &App) -> String {
        "Copy or save".into()
    }

    fn remark(&self, _app: &App) -> String {
        "tab changes the destination".into()
    }

    fn is_modal(&self) -> bool {
        true
    }

    fn allows(&self, _action: &Action) -> bool {
        false
    }

    fn area(&self, screen: &ScreenLayout, _app: &App) -> Rect {
        popup_area(screen.content_area(), self.items.len() as u16 + MAX_PREVIEW_ROWS + 4)
    }

    fn render_body(&self, inner: Rect, buf: &mut Buffer, app: &App) {
        let [destinations, list, preview] = self.areas(inner);
        self.render_destinations(destinations, buf, app);
        self.render_list(list, buf, app);
        self.render_preview(preview, buf, app);
    }

    fn hints(&self, app: &App) -> Vec<FooterItem> {
        vec![
            footer::choose_hint(app),
            footer::key_hint(app, Key::ENTER, self.destination.verb()),
            footer::key_hint(app, TAB_KEY, "destination"),
            footer::text_hint(app.theme.pick_glyph("←→", "left right"), "format"),
            footer::key_hint(app, Key::ESC, "cancel"),
        ]
    }

    fn on_key(&mut self, app: &mut App, press: KeyPress) -> InputOutcome {
        let modified = press.event.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
        match press.event.code {
            KeyCode::Tab => self.set_destination(self.destination.next()),
            KeyCode::BackTab => self.set_destination(self.destination.next().next()),
            code @ (KeyCode::Left | KeyCode::Right) => {
                if let Some(item) = self.items.get_mut(self.selected) {
                    item.cycle_format(code == KeyCode::Right);
                }
            }
            KeyCode::Char(c) if !modified => {
                if let Some(n) = self.items.iter().position(|item| item.key == c) {
                    return self.export(app, n);
                }
            }
            _ => return take_overlay_key(self, app, press),
        }
        InputOutcome::DONE
    }

    fn on_enter(&mut self, app: &mut App) -> InputOutcome {
        self.export(app, self.selected)
    }

    /// A click on a row exports it, and one on the destinations selects the next.
    fn on_mouse(&mut self, app: &mut App, area: Rect, input: MouseInput) -> InputOutcome {
        let [destinations, list, _] = self.areas(popup::inner(area));
        match input {
            MouseInput::Click(at) if !area.contains(at) || popup::closes_at(area, at) => return InputOutcome::CLOSE,
            MouseInput::Click(at) if destinations.contains(at) => self.set_destination(self.destination.next()),
            MouseInput::Click(at) => {
                if let Some(n) = popup::row_at(list, self.items.len(), self.selected, at) {
                    return self.export(app, n);
                }
            }
            MouseInput::Wheel(_, by) => self.scroll(app, by),
            _ => {}
        }
        InputOutcome::DONE
    }

    fn position_mut(&mut self) -> Option<&mut usize> {
        Some(&mut self.selected)
    }

    fn last_position(&self, _app: &App) -> usize {
        self.items.len().saturating_sub(1)
    }
}

#[derive(Debug)]
pub struct FilenamePrompt {
    /// Path of the file, as typed so far.
    pub input: Input,
    pub(crate) item: ExportItem,
}

impl View for FilenamePrompt {
    fn scope(&self) -> KeyScope {
        KeyScope::View("export")
    }

    fn title(&self, _app: &App) -> String {
        "Save as a file".into()
    }

    fn remark(&self, _app: &App) -> String {
        "enter saves".into()
    }

    fn is_modal(&self) -> bool {
        true
    }

    fn area(&self, screen: &ScreenLayout, _app: &App) -> Rect {
        popup_area(screen.content_area(), 4)
    }

    fn render_body(&self, inner: Rect, buf: &mut Buffer, app: &App) {
        let about = match self.item.label {
            "" => self.item.about.into(),
            label => format!("{label}: {}", self.item.about),
        };
        put(inner, buf, app, &about, app.theme.style(ThemeRole::Muted));
        let line = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1).min(1), ..inner };
        input_line::draw(line, buf, &app.theme, &self.input);
    }

    fn hints(&self, app: &App) -> Vec<FooterItem> {
        let mut hints = vec![footer::text_hint("type", "a name")];
        if self.item.formats().len() > 1 {
            hints.push(footer::key_hint(app, TAB_KEY, "format"));
        }
        hints.extend([footer::key_hint(app, Key::ENTER, "save"), footer::key_hint(app, Key::ESC, "cancel")]);
        hints
    }

    fn on_key(&mut self, app: &mut App, press: KeyPress) -> InputOutcome {
        match press.event.code {
            KeyCode::Esc => return InputOutcome::CLOSE,
            KeyCode::Enter => return self.on_enter(app),
            KeyCode::Tab | KeyCode::BackTab => {
                if self.item.formats().len() > 1 {
                    let name = self.input.value();
                    let ending = format!(".{}", self.item.format.extension());
                    let has_ending = name.to_ascii_lowercase().ends_with(&ending);
                    let stem = name[..name.len() - if has_ending { ending.len() } else { 0 }].to_owned();
                    self.item.cycle_format(press.event.code == KeyCode::Tab);
                    self.input = Input::new(format!("{stem}.{}", self.item.format.extension()));
                }
            }
            _ => drop(self.input.handle_event(&Event::Key(press.event))),
        }
        InputOutcome::DONE
    }

    fn on_enter(&mut self, app: &mut App) -> InputOutcome {
        match app.save_named_file(self) {
            Some(effects) => InputOutcome::Close(effects),
            None => InputOutcome::DONE,
        }
    }

    fn input_mut(&mut self) -> Option<&mut Input> {
        Some(&mut self.input)
    }
}

fn popup_area(screen: Rect, height: u16) -> Rect {
    let (width, height) = (MAX_WIDTH.min(screen.width), height.min(screen.height));
    Rect { x: screen.x + (screen.width - width) / 2, y: screen.y + (screen.height - height) / 2, width, height }
}

fn put(area: Rect, buf: &mut Buffer, app: &App, text: &str, style: Style) {
    let ascii = app.theme.is_ascii();
    let text = truncate_end(&transliterate(&text.replace('\t', "  "), ascii), area.width, ascii);
    if area.height > 0 {
        Line::styled(text, style).render(area, buf);
    }
}
