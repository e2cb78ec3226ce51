//! What can be written into a file, and under which name.

use super::{ExportMenu, FilenamePrompt, ItemMenu, MenuItem};
use crate::action::KeyScope;
use crate::app::message::MessageKind;
use crate::app::{App, Effect};
use crate::link::{FigureDrawing, FigureForm, FileContent, NewFile, Outgoing, local_figures_dir};
use crate::views::surface::CellQuantity;
use crate::views::{log, tables};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use surfit_core::heatmap::Cell;
use surfit_core::surface::Patch;
use tui_input::Input;

/// Endings that say what is in a file, to programs and people.
const KNOWN_EXTENSIONS: [&str; 14] =
    ["png", "svg", "csv", "tsv", "json", "txt", "npy", "jpg", "jpeg", "gif", "webp", "pdf", "eps", "bmp"];

/// How a file comes by its content.
#[derive(Clone, Copy, Debug)]
pub enum ExportSource {
    /// A text made of what is known now.
    Text(fn(&App) -> String),
    /// A figure of what is shown now.
    Figure(fn(&App) -> FigureDrawing, FigureForm),
}

/// A file that can be written.
#[derive(Clone, Copy, Debug)]
pub struct ExportItem {
    /// The usual name.
    pub name: &'static str,
    /// What is in it, in a clause.
    pub description: &'static str,
    /// How the file comes by its content.
    pub source: ExportSource,
}

/// Text offers of one subject: keys, usual names and contents, as CSV and as JSON.
macro_rules! table {
    ($csv:literal $json:literal $name:literal $about:literal $table:expr) => {
        [
            menu_item(
                $csv,
                concat!($name, " as CSV"),
                concat!($name, ".csv"),
                $about,
                ExportSource::Text(|app| $table(app).to_csv()),
            ),
            menu_item(
                $json,
                concat!($name, " as JSON"),
                concat!($name, ".json"),
                $about,
                ExportSource::Text(|app| $table(app).to_json()),
            ),
        ]
    };
}

fn menu_item(
    key: char,
    label: &'static str,
    name: &'static str,
    about: &'static str,
    product: ExportSource,
) -> MenuItem<ExportItem> {
    let what = ExportItem { name, description: about, source: product };
    MenuItem { key, label, value: what }
}

/// A drawing as pixels and as vectors.
fn figure_items(
    drawing: fn(&App) -> FigureDrawing,
    keys: [char; 2],
    labels: [&'static str; 2],
    names: [&'static str; 2],
    about: &'static str,
) -> [MenuItem<ExportItem>; 2] {
    let one = |n: usize, form| menu_item(keys[n], labels[n], names[n], about, ExportSource::Figure(drawing, form));
    [one(0, FigureForm::Png), one(1, FigureForm::Svg)]
}

fn heatmap_csv(app: &App) -> String {
    let snapshot = app.run_state.snapshot.as_ref();
    snapshot.map_or_else(String::new, |s| s.heatmap.to_csv())
}

fn heatmap_json(app: &App) -> String {
    let snapshot = app.run_state.snapshot.as_ref();
    snapshot.map_or_else(String::new, |s| format!("{}\n", s.heatmap.to_json()))
}

fn distance_table(app: &App) -> surfit_core::table::DataTable {
    tables::distances(app).unwrap_or_default()
}

impl App {
    /// Opens the list of files that what has the keys can be written into.
    pub(in crate::app) fn open_file_menu(&mut self) -> Vec<Effect> {
        self.export_menu = ItemMenu::of(self.file_items()).map(ExportMenu::Write);
        if self.export_menu.is_none() {
            self.show_message(MessageKind::Hint, "write: there is nothing here to write yet");
        }
        Vec::new()
    }

    fn file_items(&self) -> Vec<MenuItem<ExportItem>> {
        match self.content_scope() {
            KeyScope::Loss if self.run_state.curves.values().all(|c| c.is_empty()) => Vec::new(),
            KeyScope::Loss => {
                let mut all = table!('c' 'j' "losses" "a row a step: loss, smoothed, rate, seconds, validation; every curve" tables::losses).to_vec();
                let labels = ["losses as PNG", "losses as SVG"];
                let names = ["losses.png", "losses.svg"];
                let about = "the curves as they are shown, with those of other runs";
                all.extend(figure_items(App::curves_figure, ['p', 's'], labels, names, about));
                all
            }
            KeyScope::Surface => self.surface_file_items(true),
            KeyScope::Image => self.surface_file_items(false),
            KeyScope::Points => self.point_file_items(),
            KeyScope::Models => table!('c' 'j' "models" "models written, marked points, corners" tables::models).into(),
            KeyScope::Runs if self.runs.is_empty() => Vec::new(),
            KeyScope::Runs => table!('c' 'j' "runs" "the runs that are listed" tables::runs).into(),
            KeyScope::Machine if self.load_history.is_empty() => Vec::new(),
            KeyScope::Machine => {
                table!('c' 'j' "machine" "speed and memory of the last minutes, a row a second" tables::machine).into()
            }
            KeyScope::Log if log::visible_lines(self).is_empty() => Vec::new(),
            KeyScope::Log => {
                let about = "the lines that are shown, as they are shown";
                let mut all =
                    vec![menu_item('t', "log as text", "log.txt", about, ExportSource::Text(log::plain_lines))];
                all.extend(table!('c' 'j' "log" "the lines that are shown, with time and topic" tables::log));
                all
            }
            _ => Vec::new(),
        }
    }

    fn surface_file_items(&self, slices: bool) -> Vec<MenuItem<ExportItem>> {
        let Some(snapshot) = &self.run_state.snapshot else {
            return Vec::new();
        };
        if snapshot.heatmap.cells.iter().all(|c| c.images == 0) {
            return Vec::new();
        }
        let about = "every cell: u, v, accuracy, loss, images";
        let mut all = vec![
            menu_item('c', "grid as CSV", "surface.csv", about, ExportSource::Text(heatmap_csv)),
            menu_item(
                'j',
                "grid as JSON",
                "surface.json",
                "every cell with its interval, the best point, the summary",
                ExportSource::Text(heatmap_json),
            ),
        ];
        let labels = ["map as PNG", "map as SVG"];
        let names = ["surface.png", "surface.svg"];
        let about = "the map as it is shown, with colour bar and marks";
        let shown = |app: &App| app.heatmap_figure(app.surface.quantity);
        all.extend(figure_items(shown, ['p', 's'], labels, names, about));
        // The others are one key away too.
        if self.surface.quantity != CellQuantity::Gain {
            let about = "how much better than the best corner every cell is";
            let (labels, names) = (["gain as PNG", "gain as SVG"], ["gain.png", "gain.svg"]);
            all.extend(figure_items(|app| app.heatmap_figure(CellQuantity::Gain), ['g', 'G'], labels, names, about));
        }
        let interval = |c: &Cell| c.interval(self.surface.metric).is_some();
        if self.surface.quantity != CellQuantity::Width && snapshot.heatmap.cells.iter().any(interval) {
            let about = "how wide the confidence interval of every cell is";
            let labels = ["confidence as PNG", "confidence as SVG"];
            let names = ["confidence.png", "confidence.svg"];
            all.extend(figure_items(|app| app.heatmap_figure(CellQuantity::Width), ['i', 'I'], labels, names, about));
        }
        if snapshot.degrees.patch() != Patch::Curve {
            let about = "the surface in three dimensions, seen as its relief is";
            let labels = ["relief as PNG", "relief as SVG"];
            let names = ["relief.png", "relief.svg"];
            all.extend(figure_items(App::relief_figure, ['r', 'R'], labels, names, about));
        }
        let beside = self.surface.comparison.as_ref();
        if beside.is_some_and(|b| b.heatmap.patch == snapshot.heatmap.patch) {
            let about = "this surface, the one beside it, and their difference";
            let labels = ["both and difference as PNG", "both and difference as SVG"];
            let names = ["beside.png", "beside.svg"];
            all.extend(figure_items(App::comparison_figure, ['b', 'B'], labels, names, about));
        }
        if slices {
            all.extend(table!('C' 'J' "slices" "the slices through the cursor, with intervals" tables::slices));
            let labels = ["slices as PNG", "slices as SVG"];
            let names = ["slices.png", "slices.svg"];
            let about = "the slices through the cursor as they are shown, with intervals";
            all.extend(figure_items(App::slices_figure, ['P', 'S'], labels, names, about));
        }
        all
    }

    fn point_file_items(&self) -> Vec<MenuItem<ExportItem>> {
        let mut all = Vec::new();
        let points = |s: &surfit_core::snapshot::Snapshot| !s.control_points.is_empty();
        if self.run_state.snapshot.as_ref().is_some_and(points) {
            all.extend(
                table!('c' 'j' "points" "every control point: place, distance travelled, gradient" tables::points),
            );
            let about = "the grid of control points, with figures and gradients";
            let labels = ["points as PNG", "points as SVG"];
            let names = ["points.png", "points.svg"];
            all.extend(figure_items(App::points_figure, ['p', 's'], labels, names, about));
        }
        if tables::distances(self).is_some() {
            all.extend(table!('C' 'J' "distances" "the matrix of distances in weight space" distance_table));
            let about = "the matrix of distances in colours";
            let labels = ["distances as PNG", "distances as SVG"];
            let names = ["distances.png", "distances.svg"];
            all.extend(figure_items(App::distances_figure, ['P', 'S'], labels, names, about));
        }
        all
    }

    /// Asks for the file's name, with a suggestion.
    pub(super) fn prompt_filename(&mut self, offer: &MenuItem<ExportItem>) {
        let content = match offer.value.source {
            ExportSource::Text(text) => FileContent::Text(text(self)),
            ExportSource::Figure(drawing, form) => FileContent::Drawn(Box::new(drawing(self)), form),
        };
        let path = self.suggested_figures_dir().join(offer.value.name);
        self.export_menu = Some(ExportMenu::Name(FilenamePrompt {
            input: Input::new(path.display().to_string()),
            content,
            description: format!("{}: {}", offer.label, offer.value.description),
            extension: offer.value.name.rsplit_once('.').map(|name| name.1),
        }));
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

    pub(super) fn write_prompted_file(&mut self) -> Vec<Effect> {
        let Some(ExportMenu::Name(naming)) = self.export_menu.take() else {
            return Vec::new();
        };
        let path = naming.input.value().trim();
        if path.is_empty() || path.ends_with('/') {
            self.show_message(MessageKind::Hint, "write: the file needs a name");
            self.export_menu = Some(ExportMenu::Name(naming));
            return Vec::new();
        }
        let path = PathBuf::from(path);
        match content_for_name(&path, &naming) {
            Ok(content) => self.write_file(NewFile { path, replace: false, content }),
            Err(why) => {
                self.show_message(MessageKind::Hint, why);
                self.export_menu = Some(ExportMenu::Name(naming));
                Vec::new()
            }
        }
    }

    fn write_file(&mut self, file: NewFile) -> Vec<Effect> {
        self.show_message(MessageKind::Info, format!("writing {} …", file.path.display()));
        vec![Effect::Send(Outgoing::Write(Box::new(file)))]
    }

    /// The file that is there was given up.
    pub(in crate::app) fn replace_file(&mut self, file: Option<NewFile>) -> Vec<Effect> {
        let replace = true;
        file.map_or(Vec::new(), |file| self.write_file(NewFile { replace, ..file }))
    }

    /// The file that is there stays: another name is asked for.
    pub(in crate::app) fn prompt_other_filename(&mut self, file: Option<NewFile>) -> Vec<Effect> {
        if let Some(file) = file {
            let ending = |e: &&str| *e != "txt" && file.path.extension() == Some(OsStr::new(e));
            self.export_menu = Some(ExportMenu::Name(FilenamePrompt {
                input: Input::new(file.path.display().to_string()),
                description: "a file that is not there yet".into(),
                extension: KNOWN_EXTENSIONS.into_iter().find(ending),
                content: file.content,
            }));
        }
        Vec::new()
    }
}

/// What is written under a name: the ending decides between the forms of a figure, and none says what is not so.
///
/// # Errors
/// A sentence with the endings that are right.
fn content_for_name(path: &Path, naming: &FilenamePrompt) -> Result<FileContent, String> {
    let ending = path.extension().map(|e| e.to_string_lossy().to_lowercase());
    let ending = ending.filter(|e| KNOWN_EXTENSIONS.contains(&&**e));
    // Every text is a text.
    let text = |ending: &str| ending == "txt" || naming.extension.is_none_or(|usual| usual == ending);
    let right = match (&naming.content, ending.as_deref()) {
        (FileContent::Drawn(drawing, _), Some("png")) => {
            return Ok(FileContent::Drawn(drawing.clone(), FigureForm::Png));
        }
        (FileContent::Drawn(drawing, _), Some("svg")) => {
            return Ok(FileContent::Drawn(drawing.clone(), FigureForm::Svg));
        }
        (FileContent::Drawn(..), Some(_)) => ".png or .svg".into(),
        (FileContent::Text(_), Some(ending)) if !text(ending) => {
            format!(".{}", naming.extension.unwrap_or_default())
        }
        _ => return Ok(naming.content.clone()),
    };
    let ending = ending.unwrap_or_default();
    Err(format!("write: what is written is no .{ending}; end the name with {right}"))
}
