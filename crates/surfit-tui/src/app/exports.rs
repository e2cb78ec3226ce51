//! Exports: what the focused view gives is copied, shown or saved as a file.

use super::message::MessageKind;
use super::{App, Effect};
use crate::link::{Figure, FigureForm, FileContent, NewFile, local_figures_dir};
use crate::views::export_dialog::{ExportDialog, FilenamePrompt};
use crate::views::models::{self, ModelItem, ModelsOverlay};
use crate::views::plain_text::TextOverlay;
use crate::views::tables::{self, TableRows};
use crate::views::view::{InputOutcome, ShellCommand};
use std::borrow::Cow;
use std::path::{Path, PathBuf};
use surfit_core::protocol::{BridgeRequest, ClientMessage};
use surfit_core::table::DataTable;
use thiserror::Error;
use tui_input::Input;

/// Most bytes that are given to a terminal at once: as base64 with the escape sequence they are 100 000, where many
/// terminals end.
pub const MAX_COPY_BYTES: usize = 74_994;

/// Rows of a table that are made for its preview: as many as a screen shows, and enough to estimate its size.
pub(crate) const MAX_SAMPLE_ROWS: usize = 50;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportDestination {
    Clipboard,
    /// The whole screen, to select text by hand.
    Screen,
    File,
}

impl ExportDestination {
    pub(crate) const ALL: [ExportDestination; 3] =
        [ExportDestination::Clipboard, ExportDestination::Screen, ExportDestination::File];

    pub(crate) fn next(self) -> Self {
        Self::ALL[(self as usize + 1) % Self::ALL.len()]
    }

    pub(crate) fn label(self) -> &'static str {
        ["copy to clipboard", "show on screen", "save as file"][self as usize]
    }

    pub(crate) fn verb(self) -> &'static str {
        ["copy", "show", "save"][self as usize]
    }
}

/// Format of an export; the extension of its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    Text,
    Csv,
    Tsv,
    Json,
    Png,
    Svg,
}

impl ExportFormat {
    pub(crate) fn extension(self) -> &'static str {
        ["txt", "csv", "tsv", "json", "png", "svg"][self as usize]
    }

    pub(crate) fn name(self) -> &'static str {
        ["text", "CSV", "TSV", "JSON", "PNG", "SVG"][self as usize]
    }
}

const TABLE_FORMATS: [ExportFormat; 3] = [ExportFormat::Csv, ExportFormat::Tsv, ExportFormat::Json];

#[derive(Clone, Debug)]
pub enum ExportSource {
    Text(String),
    Table(fn(&App) -> TableRows<'_>),
    Figure(fn(&App) -> Figure),
    /// A file that has its content but not yet a free name.
    File(FileContent, Option<ExportFormat>),
}

#[derive(Clone, Debug)]
pub struct ExportItem {
    pub key: char,
    pub label: &'static str,
    /// Name of its file, without extension.
    pub file_stem: &'static str,
    /// What it contains, in a clause.
    pub about: &'static str,
    pub source: ExportSource,
    pub format: ExportFormat,
}

/// The beginning of an export's text, and how long all of it is.
pub(crate) struct ExportPreview<'a> {
    pub text: Cow<'a, str>,
    pub line_count: usize,
    pub byte_count: usize,
    /// The counts are estimated from the beginning.
    pub is_estimate: bool,
}

impl<'a> ExportPreview<'a> {
    fn whole(text: Cow<'a, str>) -> Self {
        Self { line_count: text.lines().count(), byte_count: text.len(), text, is_estimate: false }
    }
}

impl ExportItem {
    pub(crate) fn new(
        key: char,
        label: &'static str,
        file_stem: &'static str,
        about: &'static str,
        source: ExportSource,
    ) -> Self {
        let mut item = Self { key, label, file_stem, about, source, format: ExportFormat::Text };
        item.reset_format(ExportDestination::File);
        item
    }

    /// Returns an item of a known text; `None` when that is empty.
    pub(crate) fn text_of(
        key: char,
        label: &'static str,
        file_stem: &'static str,
        about: &'static str,
        text: Option<String>,
    ) -> Option<Self> {
        let text = text.filter(|t| !t.is_empty())?;
        Some(Self::new(key, label, file_stem, about, ExportSource::Text(text)))
    }

    /// Returns the item of the values at a view's cursor.
    pub(crate) fn readout(text: Option<String>) -> Option<Self> {
        Self::text_of('r', "values at the cursor", "values", "what is known at the cursor", text)
    }

    pub(crate) fn point(app: &App, (u, v): (f64, f64)) -> Option<Self> {
        let text = Some(tables::format_point(app, u, v));
        Self::text_of('u', "point as u,v", "point", "as `surfit export --at` expects it", text)
    }

    /// The formats to choose from; none for text that may be of any.
    pub(crate) fn formats(&self) -> &[ExportFormat] {
        match &self.source {
            ExportSource::Text(_) => &[ExportFormat::Text],
            ExportSource::Table(_) => &TABLE_FORMATS,
            ExportSource::Figure(_) | ExportSource::File(FileContent::Drawn(..), _) => {
                &[ExportFormat::Png, ExportFormat::Svg]
            }
            ExportSource::File(FileContent::Text(_), format) => format.as_slice(),
        }
    }

    /// Chooses the usual format for a destination: spreadsheets paste TSV.
    pub(crate) fn reset_format(&mut self, destination: ExportDestination) {
        let tsv = destination == ExportDestination::Clipboard && self.formats().contains(&ExportFormat::Tsv);
        let first = self.formats().first().copied().unwrap_or(ExportFormat::Text);
        self.format = if tsv { ExportFormat::Tsv } else { first };
    }

    pub(crate) fn cycle_format(&mut self, forward: bool) {
        let formats = self.formats();
        if let Some(at) = formats.iter().position(|&f| f == self.format) {
            let by = if forward { 1 } else { formats.len() - 1 };
            self.format = formats[(at + by) % formats.len()];
        }
    }

    /// Its text in the chosen format; `None` for a figure.
    pub(crate) fn text(&self, app: &App) -> Option<Cow<'_, str>> {
        match &self.source {
            ExportSource::Text(text) | ExportSource::File(FileContent::Text(text), _) => Some(text.into()),
            ExportSource::Figure(_) | ExportSource::File(FileContent::Drawn(..), _) => None,
            ExportSource::Table(table) => Some(match (self.format, table(app)) {
                (ExportFormat::Json, TableRows { json: Some(json), .. }) => json().into(),
                (format, table) => format_table(&table.take_rows(usize::MAX), format).into(),
            }),
        }
    }

    /// The beginning of its text; of a table at most [`MAX_SAMPLE_ROWS`] rows are made. `None` for what has no lines.
    pub(crate) fn preview(&self, app: &App) -> Option<ExportPreview<'_>> {
        let ExportSource::Table(table) = &self.source else { return self.text(app).map(ExportPreview::whole) };
        let table = table(app);
        if self.format == ExportFormat::Json && table.json.is_some() {
            return None;
        }
        let count = table.count;
        let begin = table.take_rows(MAX_SAMPLE_ROWS);
        let preview = ExportPreview::whole(format_table(&begin, self.format).into());
        // Fewer rows than it may have at most are all of them.
        let missing = if begin.rows.len() < MAX_SAMPLE_ROWS { 0 } else { count.saturating_sub(begin.rows.len()) };
        Some(ExportPreview {
            line_count: preview.line_count + missing,
            byte_count: preview.byte_count + preview.byte_count * missing / begin.rows.len().max(1),
            is_estimate: missing > 0,
            ..preview
        })
    }

    fn content(&self, app: &App) -> FileContent {
        let form = if self.format == ExportFormat::Svg { FigureForm::Svg } else { FigureForm::Png };
        match &self.source {
            ExportSource::Figure(drawing) => FileContent::Drawn(Box::new(drawing(app)), form),
            ExportSource::File(FileContent::Drawn(drawing, _), _) => FileContent::Drawn(drawing.clone(), form),
            _ => FileContent::Text(self.text(app).unwrap_or_default().into_owned()),
        }
    }

    /// Chooses the format of a file name's extension.
    fn adopt_format_of(&mut self, path: &Path) -> Result<(), FilenameError> {
        let Some(ending) = known_extension(path) else { return Ok(()) };
        let formats = self.formats();
        match formats.iter().find(|f| f.extension() == ending) {
            Some(&format) => self.format = format,
            // Every text is a text.
            None if formats.is_empty() || ending == "txt" && !self.is_figure() => {}
            None => {
                let endings: Vec<String> = formats.iter().map(|f| format!(".{}", f.extension())).collect();
                let (last, rest) = endings.split_last().map_or(("", &[][..]), |(last, rest)| (last, rest));
                let right = if rest.is_empty() { last.into() } else { format!("{} or {last}", rest.join(", ")) };
                return Err(FilenameError::WrongEnding { ending, right });
            }
        }
        Ok(())
    }

    fn is_figure(&self) -> bool {
        self.formats().contains(&ExportFormat::Png)
    }
}

fn format_table(table: &DataTable, format: ExportFormat) -> String {
    match format {
        ExportFormat::Tsv => table.to_tsv(),
        ExportFormat::Json => table.to_json(),
        _ => table.to_csv(),
    }
}

/// Why a file cannot have the name that was typed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum FilenameError {
    #[error("save: the file needs a name")]
    Missing,
    #[error("save: this is no .{ending} file; end the name with {right}")]
    WrongEnding { ending: String, right: String },
}

/// The extension of a path in lower case, when it is that of a format.
fn known_extension(path: &Path) -> Option<String> {
    let ending = path.extension()?.to_string_lossy().to_lowercase();
    KNOWN_EXTENSIONS.contains(&&*ending).then_some(ending)
}

const KNOWN_EXTENSIONS: [&str; 14] =
    ["png", "svg", "csv", "tsv", "json", "txt", "npy", "jpg", "jpeg", "gif", "webp", "pdf", "eps", "bmp"];

impl App {
    pub(crate) fn open_export_dialog(&mut self, destination: ExportDestination) {
        let shared = [
            (
                'c',
                "shell command",
                "command",
                "shows or makes the same without the screen",
                Some(self.shell_command_line()),
            ),
            ('d', "directory of the run", "directory", "its machine before it, as `scp` expects it", self.run_dir()),
            ('e', "folder of the model", "folder", "the model that is selected or was exported last", self.model_dir()),
        ];
        let mut items = self.focused_view().exports(self);
        let shared = shared
            .into_iter()
            .map(|(key, label, stem, about, text)| ExportItem::text_of(key, label, stem, about, text));
        items.extend(shared.flatten());
        self.push_dialog(ExportDialog::new(items, destination));
    }

    /// Exports an item of the dialog. Figures are saved as files, whatever the destination.
    pub(crate) fn export_item(&mut self, item: &ExportItem, destination: ExportDestination) -> InputOutcome {
        let text = item.text(self).filter(|_| destination != ExportDestination::File).map(Cow::into_owned);
        match text {
            None => {
                let name = format!("{}.{}", item.file_stem, item.format.extension());
                let path = self.suggested_figures_dir().join(name).display().to_string();
                self.push_dialog(FilenamePrompt { input: Input::new(path), item: item.clone() });
                InputOutcome::CLOSE
            }
            Some(text) if destination == ExportDestination::Screen => {
                self.open_overlay(TextOverlay { text, scroll: 0 });
                InputOutcome::CLOSE
            }
            Some(text) if text.len() > MAX_COPY_BYTES => {
                let (size, most) = (text.len().div_ceil(1000), MAX_COPY_BYTES / 1000);
                let text = format!("copy: {size} kB exceed the {most} kB that terminals accept; tab saves a file");
                self.show_message(MessageKind::Hint, text);
                InputOutcome::DONE
            }
            Some(text) => InputOutcome::Close(self.copy_text(item.label, text)),
        }
    }

    /// Copies a text; the message quotes one line, and counts more.
    pub(super) fn copy_text(&mut self, label: &str, text: String) -> Vec<Effect> {
        let summary = match text.lines().count() {
            0 | 1 => text.trim_end().to_owned(),
            n => format!("{label}, {n} lines"),
        };
        self.last_copy = Some(summary);
        if !self.in_tmux {
            self.report_copied(false);
        }
        vec![Effect::Copy(text)]
    }

    /// Reports where the last copy went: into tmux's buffer, or to the terminal, which sends no confirmation.
    pub(in crate::app) fn report_copied(&mut self, in_tmux: bool) {
        let Some(summary) = &self.last_copy else { return };
        let text = match in_tmux {
            true => format!("copied into tmux's buffer: {summary}"),
            false => {
                let key = self.key_label(action!("copy-menu"));
                format!("sent to the terminal ({key} tab shows it to select): {summary}")
            }
        };
        self.show_message(MessageKind::Info, text);
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

    /// The shell command for what is shown.
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

    /// Saves the file under the name that was typed; `None` when the name is not usable, which is reported.
    pub(crate) fn save_named_file(&mut self, prompt: &mut FilenamePrompt) -> Option<Vec<Effect>> {
        let path = PathBuf::from(prompt.input.value().trim());
        let named = match path.file_name() {
            Some(_) if !prompt.input.value().trim().ends_with('/') => prompt.item.adopt_format_of(&path),
            _ => Err(FilenameError::Missing),
        };
        if let Err(error) = named {
            self.show_message(MessageKind::Hint, error.to_string());
            return None;
        }
        let content = prompt.item.content(self);
        Some(self.write_file(NewFile { path, replace: false, content }))
    }

    pub(super) fn write_file(&mut self, file: NewFile) -> Vec<Effect> {
        self.show_message(MessageKind::Info, format!("writing {} …", file.path.display()));
        vec![Effect::Send(ClientMessage::Bridge(BridgeRequest::Write(Box::new(file))))]
    }

    /// The existing file is kept: the user enters another name.
    pub(super) fn prompt_other_filename(&mut self, file: NewFile) {
        let ending = known_extension(&file.path);
        let format = match file.content {
            FileContent::Drawn(_, FigureForm::Png) => Some(ExportFormat::Png),
            FileContent::Drawn(_, FigureForm::Svg) => Some(ExportFormat::Svg),
            FileContent::Text(_) => TABLE_FORMATS.into_iter().find(|f| ending.as_deref() == Some(f.extension())),
        };
        let mut item =
            ExportItem::new(' ', "", "", "a file that does not exist yet", ExportSource::File(file.content, format));
        item.format = format.unwrap_or(ExportFormat::Text);
        self.push_dialog(FilenamePrompt { input: Input::new(file.path.display().to_string()), item });
    }
}

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
