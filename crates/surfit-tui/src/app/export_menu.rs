//! Taking something away from the screen: a list of what can be copied or written, and the name of a file.

mod copy_items;
mod figures;
mod file_items;

pub(in crate::app) use copy_items::LastCopy;
pub use copy_items::MAX_COPY_BYTES;
pub use file_items::ExportItem;

use super::{App, Effect};
use crate::layout::ScreenLayout;
use crate::link::FileContent;
use crate::views;
use crossterm::event::{Event as TerminalEvent, KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::Position;
use std::path::PathBuf;
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler;

/// The run that is shown, on its own machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunLocation {
    /// Directory of the run.
    pub dir: PathBuf,
    /// What the command line calls it.
    pub name: String,
}

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
    /// What there is to choose from.
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
    pub label: &'static str,
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
    /// The ending that says so; `None` where it is known no more.
    pub extension: Option<&'static str>,
}

impl<T> ItemMenu<T> {
    fn of(offers: Vec<MenuItem<T>>) -> Option<Self> {
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

impl ExportMenu {
    /// Chooses another line, further down for positive numbers.
    pub fn move_by(&mut self, by: isize) {
        match self {
            ExportMenu::Copy(menu) => menu.move_by(by),
            ExportMenu::Write(menu) => menu.move_by(by),
            ExportMenu::Name(_) => {}
        }
    }

    /// The line that enter takes.
    pub fn selected(&self) -> usize {
        match self {
            ExportMenu::Copy(menu) => menu.selected,
            ExportMenu::Write(menu) => menu.selected,
            ExportMenu::Name(_) => 0,
        }
    }

    /// Lines to choose from.
    pub fn len(&self) -> usize {
        match self {
            ExportMenu::Copy(menu) => menu.items.len(),
            ExportMenu::Write(menu) => menu.items.len(),
            ExportMenu::Name(_) => 0,
        }
    }

    /// True when nothing is chosen from a list.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl App {
    pub(super) fn handle_export_menu_key(&mut self, event: KeyEvent) -> Vec<Effect> {
        if event.code == KeyCode::Esc {
            self.export_menu = None;
            return Vec::new();
        }
        let taken = match &mut self.export_menu {
            Some(ExportMenu::Copy(menu)) => menu.handle_key(event),
            Some(ExportMenu::Write(menu)) => menu.handle_key(event),
            Some(ExportMenu::Name(_)) if event.code == KeyCode::Enter => {
                return self.write_prompted_file();
            }
            Some(ExportMenu::Name(naming)) => {
                naming.input.handle_event(&TerminalEvent::Key(event));
                None
            }
            None => None,
        };
        taken.map_or(Vec::new(), |n| self.choose_menu_item(n))
    }

    /// Takes a line of the list that is open.
    fn choose_menu_item(&mut self, line: usize) -> Vec<Effect> {
        match self.export_menu.take() {
            Some(ExportMenu::Copy(menu)) => match menu.items.into_iter().nth(line) {
                Some(offer) => self.copy_item(offer),
                None => Vec::new(),
            },
            Some(ExportMenu::Write(menu)) => {
                if let Some(offer) = menu.items.into_iter().nth(line) {
                    self.prompt_filename(&offer);
                }
                Vec::new()
            }
            other => {
                self.export_menu = other;
                Vec::new()
            }
        }
    }

    /// A click while the list is open: on a line it takes it, beside the list it closes it.
    pub(super) fn click_export_menu(&mut self, screen: &ScreenLayout, at: Position) -> Vec<Effect> {
        let Some(take) = &self.export_menu else {
            return Vec::new();
        };
        if views::export_menu::closes_at(screen.content_area(), take, at) {
            self.export_menu = None;
            return Vec::new();
        }
        match views::export_menu::line_at(screen.content_area(), take, at) {
            Some(line) => self.choose_menu_item(line),
            None => Vec::new(),
        }
    }
}
