//! Taking something away from the screen: what the focused view offers is copied, or written into a file under a name.

use super::message::MessageKind;
use super::{App, Effect};
use crate::link::{FigureForm, FileContent, NewFile, local_figures_dir};
use crate::views::export_menu::{ExportItem, ExportMenu, ExportSource, FilenamePrompt, ItemMenu, MenuItem};
use crate::views::models::{self, ModelItem, ModelsOverlay};
use crate::views::plain_text::TextOverlay;
use crate::views::tables;
use crate::views::view::ShellCommand;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use surfit_core::protocol::{BridgeRequest, ClientMessage};
use tui_input::Input;

/// The run that is shown, on its own machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunLocation {
    /// Directory of the run.
    pub dir: PathBuf,
    /// What the command line calls it.
    pub name: String,
}

/// Most bytes that are given to a terminal at once: as base64 with the escape sequence they are 100 000, where many
/// terminals end.
pub const MAX_COPY_BYTES: usize = 74_994;

/// The key that shows a text in the place of copying it.
const SHOW_COPY_KEY: char = 's';

/// What was copied last.
#[derive(Clone, Debug)]
pub(in crate::app) struct LastCopy {
    /// What it is, in a line.
    summary: String,
    text: String,
}

/// Extensions of the known file formats.
const KNOWN_EXTENSIONS: [&str; 14] =
    ["png", "svg", "csv", "tsv", "json", "txt", "npy", "jpg", "jpeg", "gif", "webp", "pdf", "eps", "bmp"];

impl App {
    /// Opens the list of what can be copied.
    pub(crate) fn open_copy_menu(&mut self) {
        match ItemMenu::of(self.copy_items()) {
            Some(menu) => self.push_dialog(ExportMenu::Copy(menu)),
            None => self.show_message(MessageKind::Hint, "copy: nothing is known yet"),
        }
    }

    /// Opens the list of files that the focused view can be written into.
    pub(crate) fn open_file_menu(&mut self) {
        match ItemMenu::of(self.focused_view().files(self)) {
            Some(menu) => self.push_dialog(ExportMenu::Write(menu)),
            None => self.show_message(MessageKind::Hint, "write: there is nothing here to write yet"),
        }
    }

    fn copy_items(&self) -> Vec<MenuItem<String>> {
        let view = self.focused_view();
        let items = [
            ('r', "what is read here", view.readout(self)),
            ('p', "the point as u,v", view.point(self).map(|(u, v)| tables::format_point(self, u, v))),
            ('t', "the table, for a spreadsheet", view.table(self)),
            ('c', "the command line for it", Some(self.shell_command_line())),
            ('d', "the run's directory", self.run_dir()),
            ('e', "the model's folder", self.model_dir()),
            (SHOW_COPY_KEY, "show what was copied last, to select by hand", self.last_copied_text()),
        ];
        let item = |(key, label, text): (char, &str, Option<String>)| {
            let value = text.filter(|t| !t.is_empty())?;
            Some(MenuItem { key, label: label.into(), value })
        };
        items.into_iter().filter_map(item).collect()
    }

    fn last_copied_text(&self) -> Option<String> {
        let last = self.last_copy.as_ref().map(|last| last.text.clone());
        last.or_else(|| self.focused_view().readout(self))
    }

    pub(crate) fn copy_item(&mut self, item: &MenuItem<String>) -> Vec<Effect> {
        if item.key == SHOW_COPY_KEY {
            self.open_overlay(TextOverlay { text: item.value.clone(), scroll: 0 });
            return Vec::new();
        }
        let (text, label) = (&item.value, &item.label);
        if text.len() > MAX_COPY_BYTES {
            let key = self.key_label(action!("write"));
            let size = text.len().div_ceil(1000);
            let most = MAX_COPY_BYTES / 1000;
            self.show_message(
                MessageKind::Hint,
                format!("copy: these are {size} kB, and terminals take {most}; {key} writes a file"),
            );
            return Vec::new();
        }
        let what = match text.lines().count() {
            0 | 1 => text.trim_end().to_owned(),
            n => format!("{label}, {n} lines"),
        };
        self.last_copy = Some(LastCopy { summary: what, text: text.clone() });
        if !self.in_tmux {
            self.report_copied(false);
        }
        vec![Effect::Copy(text.clone())]
    }

    /// Tells where the text went that was copied last: into tmux's buffer, or to the terminal, which answers nothing and
    /// may not take it.
    pub(in crate::app) fn report_copied(&mut self, in_tmux: bool) {
        let Some(last) = &self.last_copy else { return };
        let said = match in_tmux {
            true => format!("copied into tmux's buffer: {}", last.summary),
            false => {
                let menu = self.key_label(action!("copy-menu"));
                format!("sent to the terminal ({menu} s shows it to select): {}", last.summary)
            }
        };
        self.show_message(MessageKind::Info, said);
    }

    /// The directory of the chosen run, else of the one that is shown; with the machine before it, as `scp` takes it.
    fn run_dir(&self) -> Option<String> {
        let dir = match self.selected_run() {
            Some(run) => &run.path,
            None => &self.run_location.as_ref()?.dir,
        };
        let host = self.remote_line.as_ref().map(|l| format!("{}:", l.host));
        Some(host.unwrap_or_default() + &dir.display().to_string())
    }

    /// The chosen model's folder, else that of the latest model.
    fn model_dir(&self) -> Option<String> {
        let exports = &self.run_state.exports;
        let chosen = self.view::<ModelsOverlay>().and_then(|list| match *models::items(self).get(list.selected)? {
            ModelItem::Export(n) => exports.get(n),
            _ => None,
        });
        Some(chosen.or(exports.last())?.dir.display().to_string())
    }

    /// What to type into a shell for what is looked at.
    fn shell_command_line(&self) -> String {
        let run = match (self.selected_run(), &self.run_location) {
            (Some(run), _) => run.path.display().to_string(),
            (None, Some(place)) => place.name.clone(),
            (None, None) => self.run.clone(),
        };
        let host = self.remote_line.as_ref().map(|l| l.host.as_str());
        let line = |words: &[&str]| {
            let quoted: Vec<String> = ["surfit"].iter().chain(words).map(|word| shell_quote(word)).collect();
            quoted.join(" ")
        };
        match (self.focused_view().shell_command(self, &run), host) {
            (ShellCommand::Open, Some(host)) => line(&["open", &format!("{host}:{run}")]),
            (ShellCommand::Open, None) => line(&["open", &run]),
            (ShellCommand::Words(words), host) => {
                let words = line(&words.iter().map(String::as_str).collect::<Vec<_>>());
                match host {
                    // The line passes through one more shell.
                    Some(host) => format!("ssh {} {}", shell_quote(host), shell_quote(&words)),
                    None => words,
                }
            }
        }
    }

    /// Asks for the file's name, with a suggestion.
    pub(crate) fn filename_prompt(&self, item: &MenuItem<ExportItem>) -> FilenamePrompt {
        let content = match item.value.source {
            ExportSource::Text(text) => FileContent::Text(text(self)),
            ExportSource::Csv(table) => FileContent::Text(table(self).to_csv()),
            ExportSource::Json(table) => FileContent::Text(table(self).to_json()),
            ExportSource::Figure(drawing, form) => FileContent::Drawn(Box::new(drawing(self)), form),
        };
        let path = self.suggested_figures_dir().join(&item.value.name);
        FilenamePrompt {
            input: Input::new(path.display().to_string()),
            content,
            description: format!("{}: {}", item.label, item.value.description),
            extension: item.value.name.rsplit_once('.').map(|name| name.1.to_owned()),
        }
    }

    /// Where files are suggested: in the run's own folder; for a run on another machine, or one that is only watched, in
    /// one here.
    fn suggested_figures_dir(&self) -> PathBuf {
        match (&self.remote_line, &self.run_location) {
            (None, Some(place)) if !self.readonly => place.dir.join("figures"),
            (line, place) => {
                let host = line.as_ref().map(|line| line.host.as_str());
                local_figures_dir(host, place.as_ref().map_or(&self.run, |p| &p.name))
            }
        }
    }

    /// Writes the file under the name that was typed; `None` when the name is not usable, which is reported.
    pub(crate) fn write_prompted_file(&mut self, naming: &FilenamePrompt) -> Option<Vec<Effect>> {
        let path = naming.input.value().trim();
        if path.is_empty() || path.ends_with('/') {
            self.show_message(MessageKind::Hint, "write: the file needs a name");
            return None;
        }
        let path = PathBuf::from(path);
        match content_for_name(&path, naming) {
            Ok(content) => Some(self.write_file(NewFile { path, replace: false, content })),
            Err(why) => {
                self.show_message(MessageKind::Hint, why);
                None
            }
        }
    }

    pub(super) fn write_file(&mut self, file: NewFile) -> Vec<Effect> {
        self.show_message(MessageKind::Info, format!("writing {} …", file.path.display()));
        vec![Effect::Send(ClientMessage::Bridge(BridgeRequest::Write(Box::new(file))))]
    }

    /// The existing file is kept: the user enters another name.
    pub(super) fn prompt_other_filename(&mut self, file: NewFile) {
        let ending = |e: &&str| *e != "txt" && file.path.extension() == Some(OsStr::new(e));
        self.push_dialog(ExportMenu::Name(FilenamePrompt {
            input: Input::new(file.path.display().to_string()),
            description: "a file that is not there yet".into(),
            extension: KNOWN_EXTENSIONS.into_iter().find(ending).map(str::to_owned),
            content: file.content,
        }));
    }
}

/// What is written under a name: its extension selects the format of a figure, and must match the content.
///
/// # Errors
/// A sentence with the endings that are right.
fn content_for_name(path: &Path, naming: &FilenamePrompt) -> Result<FileContent, String> {
    let ending = path.extension().map(|e| e.to_string_lossy().to_lowercase());
    let ending = ending.filter(|e| KNOWN_EXTENSIONS.contains(&&**e));
    // Every text is a text.
    let text = |ending: &str| ending == "txt" || naming.extension.as_deref().is_none_or(|usual| usual == ending);
    let right = match (&naming.content, ending.as_deref()) {
        (FileContent::Drawn(drawing, _), Some("png")) => {
            return Ok(FileContent::Drawn(drawing.clone(), FigureForm::Png));
        }
        (FileContent::Drawn(drawing, _), Some("svg")) => {
            return Ok(FileContent::Drawn(drawing.clone(), FigureForm::Svg));
        }
        (FileContent::Drawn(..), Some(_)) => ".png or .svg".into(),
        (FileContent::Text(_), Some(ending)) if !text(ending) => {
            format!(".{}", naming.extension.as_deref().unwrap_or_default())
        }
        _ => return Ok(naming.content.clone()),
    };
    let ending = ending.unwrap_or_default();
    Err(format!("write: what is written is no .{ending}; end the name with {right}"))
}

/// A word as a shell takes it.
fn shell_quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_./:=,+-@%".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.into(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_reach_the_shell_as_they_are() {
        assert_eq!(shell_quote("runs/demo-7"), "runs/demo-7");
        assert_eq!(shell_quote("a b"), "'a b'");
        assert_eq!(shell_quote("it's $HOME"), "'it'\\''s $HOME'");
        assert_eq!(shell_quote(""), "''");
    }
}
