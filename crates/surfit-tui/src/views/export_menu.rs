//! The list of what can be copied or written, with a preview, and the line for a file's name.

use super::footer::{self, FooterItem};
use super::message::{transliterate, truncate_end};
use super::view::{InputOutcome, KeyPress, MouseInput, View};
use super::{input_line, popup};
use crate::action::KeyScope;
use crate::app::App;
use crate::key::Key;
use crate::layout::ScreenLayout;
use crate::link::{Figure, FigureForm, FileContent};
use crate::theme::ThemeRole;
use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;
use surfit_core::table::DataTable;
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler;

/// Widest the popup gets, and most rows of the preview.
const MAX_WIDTH: u16 = 76;
const MAX_PREVIEW_ROWS: u16 = 6;
/// Columns of a line's key and words.
const LABEL_WIDTH: u16 = 36;

/// What is about to be copied or written.
#[derive(Clone, Debug)]
pub enum ExportMenu {
    /// Which text is copied.
    Copy(ItemMenu<String>),
    /// Which file is written.
    Write(ItemMenu<ExportItem>),
    /// What the file is called.
    Name(FilenamePrompt),
}

/// A list of which one is taken.
#[derive(Clone, Debug)]
pub struct ItemMenu<T> {
    /// The entries of the menu.
    pub items: Vec<MenuItem<T>>,
    /// The one that enter takes.
    pub selected: usize,
}

/// A line of a [`ItemMenu`].
#[derive(Clone, Debug)]
pub struct MenuItem<T> {
    /// Key that takes the offer.
    pub key: char,
    /// A few words.
    pub label: String,
    /// What is taken.
    pub value: T,
}

/// The name of a file, while it is typed.
#[derive(Clone, Debug)]
pub struct FilenamePrompt {
    /// Path of the file, as typed so far.
    pub input: Input,
    /// What it will hold.
    pub content: FileContent,
    /// That in a few words.
    pub description: String,
    /// The file extension; `None` where it is unknown.
    pub extension: Option<String>,
}

impl<T> ItemMenu<T> {
    pub(crate) fn of(offers: Vec<MenuItem<T>>) -> Option<Self> {
        let selected = 0;
        (!offers.is_empty()).then_some(Self { items: offers, selected })
    }

    fn move_by(&mut self, by: isize) {
        let last = self.items.len().saturating_sub(1);
        self.selected = self.selected.saturating_add_signed(by).min(last);
    }

    /// What a key does: `Some` of the line that is taken.
    fn handle_key(&mut self, event: KeyEvent) -> Option<usize> {
        let modified = (event.modifiers).intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
        match event.code {
            KeyCode::Enter => return Some(self.selected),
            KeyCode::Down | KeyCode::Tab => self.move_by(1),
            KeyCode::Up | KeyCode::BackTab => self.move_by(-1),
            KeyCode::Home | KeyCode::PageUp => self.selected = 0,
            KeyCode::End | KeyCode::PageDown => self.move_by(isize::MAX),
            KeyCode::Char(c) if !modified => return self.items.iter().position(|o| o.key == c),
            _ => {}
        }
        None
    }
}

/// Source of a file's content.
#[derive(Clone, Copy, Debug)]
pub enum ExportSource {
    /// A text made of what is known now.
    Text(fn(&App) -> String),
    /// A table of what is known now, as CSV.
    Csv(fn(&App) -> DataTable),
    /// The same as JSON.
    Json(fn(&App) -> DataTable),
    /// A figure of what is shown now.
    Figure(fn(&App) -> Figure, FigureForm),
}

/// A file that can be written.
#[derive(Clone, Debug)]
pub struct ExportItem {
    /// The usual name.
    pub name: String,
    /// What is in it, in a clause.
    pub description: &'static str,
    /// Source of the file's content.
    pub source: ExportSource,
}

/// A file of text.
pub fn text_item(
    key: char,
    label: impl Into<String>,
    name: impl Into<String>,
    description: &'static str,
    text: fn(&App) -> String,
) -> MenuItem<ExportItem> {
    item(key, label.into(), name.into(), description, ExportSource::Text(text))
}

/// A table as CSV and as JSON.
pub fn table_items(
    name: &str,
    keys: [char; 2],
    description: &'static str,
    table: fn(&App) -> DataTable,
) -> [MenuItem<ExportItem>; 2] {
    let [csv, json] = keys;
    [
        item(csv, format!("{name} as CSV"), format!("{name}.csv"), description, ExportSource::Csv(table)),
        item(json, format!("{name} as JSON"), format!("{name}.json"), description, ExportSource::Json(table)),
    ]
}

/// A figure as pixels and as vectors.
pub fn figure_items(
    label: &str,
    name: &str,
    keys: [char; 2],
    description: &'static str,
    drawing: fn(&App) -> Figure,
) -> [MenuItem<ExportItem>; 2] {
    let [png, svg] = keys;
    let figure = |form| ExportSource::Figure(drawing, form);
    [
        item(png, format!("{label} as PNG"), format!("{name}.png"), description, figure(FigureForm::Png)),
        item(svg, format!("{label} as SVG"), format!("{name}.svg"), description, figure(FigureForm::Svg)),
    ]
}

fn item(
    key: char,
    label: String,
    name: String,
    description: &'static str,
    source: ExportSource,
) -> MenuItem<ExportItem> {
    MenuItem { key, label, value: ExportItem { name, description, source } }
}

impl ExportMenu {
    /// Chooses another line, further down for positive numbers.
    fn move_selection(&mut self, by: isize) {
        match self {
            ExportMenu::Copy(menu) => menu.move_by(by),
            ExportMenu::Write(menu) => menu.move_by(by),
            ExportMenu::Name(_) => {}
        }
    }

    /// The line that enter takes.
    fn selected(&self) -> usize {
        match self {
            ExportMenu::Copy(menu) => menu.selected,
            ExportMenu::Write(menu) => menu.selected,
            ExportMenu::Name(_) => 0,
        }
    }

    /// Lines to choose from.
    fn len(&self) -> usize {
        match self {
            ExportMenu::Copy(menu) => menu.items.len(),
            ExportMenu::Write(menu) => menu.items.len(),
            ExportMenu::Name(_) => 0,
        }
    }

    /// Takes a line of the list.
    fn choose(&mut self, app: &mut App, line: usize) -> InputOutcome {
        match self {
            ExportMenu::Copy(menu) => match menu.items.get(line) {
                Some(item) => InputOutcome::Close(app.copy_item(item)),
                None => InputOutcome::CLOSE,
            },
            ExportMenu::Write(menu) => {
                if let Some(item) = menu.items.get(line) {
                    *self = ExportMenu::Name(app.filename_prompt(item));
                }
                InputOutcome::DONE
            }
            ExportMenu::Name(_) => InputOutcome::DONE,
        }
    }
}

impl View for ExportMenu {
    fn scope(&self) -> KeyScope {
        KeyScope::View("export")
    }

    fn title(&self, _app: &App) -> String {
        match self {
            ExportMenu::Copy(_) => "Copy",
            ExportMenu::Write(_) | ExportMenu::Name(_) => "Write a file",
        }
        .into()
    }

    fn remark(&self, _app: &App) -> String {
        match self {
            ExportMenu::Copy(_) => "a letter or enter copies",
            ExportMenu::Write(_) => "a letter or enter, then its name",
            ExportMenu::Name(_) => "enter writes it",
        }
        .into()
    }

    fn is_modal(&self) -> bool {
        true
    }

    fn area(&self, screen: &ScreenLayout, _app: &App) -> Rect {
        popup_area(screen.content_area(), self)
    }

    fn render_body(&self, inner: Rect, buf: &mut Buffer, app: &App) {
        match self {
            ExportMenu::Copy(menu) => {
                let first_line = |text: &str| text.lines().next().unwrap_or_default().to_owned();
                let lines = menu.items.iter().map(|o| (o.key, o.label.as_str(), first_line(&o.value)));
                list(rows(inner, self), buf, app, lines, menu.selected);
                if let Some(item) = menu.items.get(menu.selected) {
                    preview(preview_area(inner, self), buf, app, &item.value);
                }
            }
            ExportMenu::Write(menu) => {
                let lines = menu.items.iter().map(|o| (o.key, o.label.as_str(), String::new()));
                list(rows(inner, self), buf, app, lines, menu.selected);
                if let Some(item) = menu.items.get(menu.selected) {
                    let muted = app.theme.style(ThemeRole::Muted);
                    put(preview_area(inner, self), buf, app, item.value.description, muted);
                }
            }
            ExportMenu::Name(naming) => {
                put(inner, buf, app, &naming.description, app.theme.style(ThemeRole::Muted));
                let line = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1).min(1), ..inner };
                input_line::draw(line, buf, &app.theme, &naming.input);
            }
        }
    }

    fn hints(&self, app: &App) -> Vec<FooterItem> {
        let (enter, esc) =
            (|label| footer::key_hint(app, Key::ENTER, label), footer::key_hint(app, Key::ESC, "cancel"));
        match self {
            ExportMenu::Name(_) => vec![footer::text_hint("type", "a name"), enter("write it"), esc],
            _ => vec![footer::choose_hint(app), footer::text_hint("a letter", "takes it"), enter("take it"), esc],
        }
    }

    fn on_key(&mut self, app: &mut App, press: KeyPress) -> InputOutcome {
        let event = press.event;
        let taken = match self {
            _ if event.code == KeyCode::Esc => return InputOutcome::CLOSE,
            ExportMenu::Copy(menu) => menu.handle_key(event),
            ExportMenu::Write(menu) => menu.handle_key(event),
            ExportMenu::Name(_) if event.code == KeyCode::Enter => return self.on_enter(app),
            ExportMenu::Name(naming) => {
                naming.input.handle_event(&Event::Key(event));
                None
            }
        };
        taken.map_or(InputOutcome::DONE, |line| self.choose(app, line))
    }

    fn on_enter(&mut self, app: &mut App) -> InputOutcome {
        match self {
            ExportMenu::Name(naming) => match app.write_prompted_file(naming) {
                Some(effects) => InputOutcome::Close(effects),
                None => InputOutcome::DONE,
            },
            _ => self.choose(app, self.selected()),
        }
    }

    /// A click on a line takes it, one beside the list closes it.
    fn on_mouse(&mut self, app: &mut App, area: Rect, input: MouseInput) -> InputOutcome {
        match input {
            MouseInput::Click(at) if !area.contains(at) || popup::closes_at(area, at) => InputOutcome::CLOSE,
            MouseInput::Click(at) => match self.row_at(app, popup::inner(area), at) {
                Some(line) => self.choose(app, line),
                None => InputOutcome::DONE,
            },
            MouseInput::Wheel(_, by) => {
                self.move_selection(by as isize);
                InputOutcome::DONE
            }
            _ => InputOutcome::DONE,
        }
    }

    fn row_at(&self, _app: &App, inner: Rect, at: Position) -> Option<usize> {
        let rows = rows(inner, self);
        let line = usize::from(at.y.checked_sub(inner.y)?) + first_visible_line(self.selected(), rows.height);
        (rows.contains(at) && line < self.len()).then_some(line)
    }

    fn input_mut(&mut self) -> Option<&mut Input> {
        match self {
            ExportMenu::Name(naming) => Some(&mut naming.input),
            _ => None,
        }
    }
}

fn popup_area(screen: Rect, take: &ExportMenu) -> Rect {
    let width = MAX_WIDTH.min(screen.width);
    let lines = take.len() as u16;
    let rows = match take {
        ExportMenu::Copy(_) => lines + 1 + MAX_PREVIEW_ROWS,
        ExportMenu::Write(_) => lines + 2,
        ExportMenu::Name(_) => 2,
    };
    let height = (rows + 2).min(screen.height);
    Rect { x: screen.x + (screen.width - width) / 2, y: screen.y + (screen.height - height) / 2, width, height }
}

/// The rows of the list. A file's content is described below it, also where not every line fits.
fn rows(inner: Rect, take: &ExportMenu) -> Rect {
    let below = match take {
        ExportMenu::Write(_) => 1,
        _ => 0,
    };
    let most = inner.height.saturating_sub(below);
    Rect { height: most.min(take.len() as u16), ..inner }
}

/// The first line that is shown: the chosen one is always in sight.
fn first_visible_line(selected: usize, rows: u16) -> usize {
    (selected + 1).saturating_sub(rows.into())
}

/// The area below the list and, where it fits, a gap.
fn preview_area(inner: Rect, take: &ExportMenu) -> Rect {
    let rows = rows(inner, take).height;
    let used = (rows + 1).min(inner.height.saturating_sub(1).max(rows));
    Rect { y: inner.y + used, height: inner.height - used, ..inner }
}

fn list<'a>(
    inner: Rect,
    buf: &mut Buffer,
    app: &App,
    lines: impl Iterator<Item = (char, &'a str, String)>,
    selected: usize,
) {
    let theme = &app.theme;
    let lines = lines.enumerate().skip(first_visible_line(selected, inner.height));
    for ((n, (key, label, beside)), row) in lines.zip(inner.rows()) {
        let chosen = n == selected;
        let role = |usual| theme.style(if chosen { ThemeRole::Selection } else { usual });
        let mark = if chosen { theme.pick_glyph("›", ">") } else { " " };
        buf.set_style(row, role(ThemeRole::Text));
        Line::from(vec![
            Span::styled(format!("{mark} "), role(ThemeRole::Text)),
            Span::styled(key.to_string(), role(ThemeRole::Key)),
            Span::styled(format!("  {label}"), role(ThemeRole::Text)),
        ])
        .render(row, buf);
        let used = LABEL_WIDTH.min(row.width);
        let rest = Rect { x: row.x + used, width: row.width - used, ..row };
        put(rest, buf, app, &beside.replace('\t', "  "), role(ThemeRole::Muted));
    }
}

/// The first lines of a text, and how much it is in all.
fn preview(area: Rect, buf: &mut Buffer, app: &App, text: &str) {
    let theme = &app.theme;
    let count = text.lines().count();
    let room = usize::from(area.height);
    let (shown, rest) = if count > room || text.len() > crate::app::MAX_COPY_BYTES {
        (room.saturating_sub(1).min(count), true)
    } else {
        (count, false)
    };
    let rows: Vec<Rect> = area.rows().collect();
    for (line, row) in text.lines().take(shown).zip(&rows) {
        put(*row, buf, app, &line.replace('\t', "  "), theme.style(ThemeRole::Muted));
    }
    if let (true, Some(row)) = (rest, rows.get(shown)) {
        let size = text.len().div_ceil(1000);
        let (text, role) = if text.len() > crate::app::MAX_COPY_BYTES {
            (format!("{count} lines, {size} kB: more than terminals take"), ThemeRole::Warning)
        } else {
            (format!("{count} lines, {size} kB"), ThemeRole::Accent)
        };
        put(*row, buf, app, &text, theme.style(role));
    }
}

fn put(area: Rect, buf: &mut Buffer, app: &App, text: &str, style: Style) {
    let ascii = app.theme.is_ascii();
    let text = truncate_end(&transliterate(text, ascii), area.width, ascii);
    if area.height > 0 {
        Line::styled(text, style).render(area, buf);
    }
}
