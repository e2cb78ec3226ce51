//! What can be written into a file, and under which name.

use super::{ExportMenu, FilenamePrompt, ItemMenu, MenuItem};
use crate::action::KeyScope;
use crate::app::message::MessageKind;
use crate::app::{App, Effect};
use crate::link::{FigureDrawing, FigureForm, FileContent, NewFile, Outgoing, figures_here};
use crate::views::surface::CellQuantity;
use crate::views::{log, tables};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use surfit_core::surface::Patch;
use tui_input::Input;

/// Endings that say what is in a file, to programs and people.
const TOLD: [&str; 14] = [
    "png", "svg", "csv", "tsv", "json", "txt", "npy", "jpg", "jpeg", "gif", "webp", "pdf", "eps",
    "bmp",
];

/// How a file comes by its content.
#[derive(Clone, Copy, Debug)]
pub enum ExportSource {
    /// A text made of what is known now.
    Text(fn(&App) -> String),
    /// A figure of what is shown now.
    Drawn(fn(&App) -> FigureDrawing, FigureForm),
}

/// A file that can be written.
#[derive(Clone, Copy, Debug)]
pub struct ExportItem {
    /// The usual name.
    pub name: &'static str,
    /// What is in it, in a clause.
    pub about: &'static str,
    /// How the file comes by its content.
    pub product: ExportSource,
}

/// Text offers of one subject: keys, usual names and contents, as CSV and as JSON.
macro_rules! table {
    ($csv:literal $json:literal $name:literal $about:literal $table:expr) => {
        [
            offer(
                $csv,
                concat!($name, " as CSV"),
                concat!($name, ".csv"),
                $about,
                ExportSource::Text(|app| $table(app).to_csv()),
            ),
            offer(
                $json,
                concat!($name, " as JSON"),
                concat!($name, ".json"),
                $about,
                ExportSource::Text(|app| $table(app).to_json()),
            ),
        ]
    };
}

fn offer(
    key: char,
    label: &'static str,
    name: &'static str,
    about: &'static str,
    product: ExportSource,
) -> MenuItem<ExportItem> {
    let what = ExportItem {
        name,
        about,
        product,
    };
    MenuItem { key, label, what }
}

/// A drawing as pixels and as vectors.
fn drawn(
    drawing: fn(&App) -> FigureDrawing,
    keys: [char; 2],
    labels: [&'static str; 2],
    names: [&'static str; 2],
    about: &'static str,
) -> [MenuItem<ExportItem>; 2] {
    let one = |n: usize, form| {
        offer(
            keys[n],
            labels[n],
            names[n],
            about,
            ExportSource::Drawn(drawing, form),
        )
    };
    [one(0, FigureForm::Png), one(1, FigureForm::Svg)]
}

fn map_csv(app: &App) -> String {
    let snapshot = app.picture.snapshot.as_ref();
    snapshot.map_or_else(String::new, |s| s.heatmap.to_csv())
}

fn map_json(app: &App) -> String {
    let snapshot = app.picture.snapshot.as_ref();
    snapshot.map_or_else(String::new, |s| format!("{}\n", s.heatmap.to_json()))
}

fn distances(app: &App) -> surfit_core::table::DataTable {
    tables::distances(app).unwrap_or_default()
}

impl App {
    /// Opens the list of files that what has the keys can be written into.
    pub(in crate::app) fn choose_file(&mut self) -> Vec<Effect> {
        self.take = ItemMenu::of(self.files()).map(ExportMenu::Write);
        if self.take.is_none() {
            self.say(
                MessageKind::Hint,
                "write: there is nothing here to write yet",
            );
        }
        Vec::new()
    }

    fn files(&self) -> Vec<MenuItem<ExportItem>> {
        match self.looked_at() {
            KeyScope::Loss if self.picture.curves.values().all(|c| c.is_empty()) => Vec::new(),
            KeyScope::Loss => {
                let mut all = table!('c' 'j' "losses" "a row a step: loss, smoothed, rate, seconds, validation; every curve" tables::losses).to_vec();
                let labels = ["losses as PNG", "losses as SVG"];
                let names = ["losses.png", "losses.svg"];
                let about = "the curves as they are shown, with those of other runs";
                all.extend(drawn(App::curves_drawn, ['p', 's'], labels, names, about));
                all
            }
            KeyScope::Surface => self.surface_files(true),
            KeyScope::Picture => self.surface_files(false),
            KeyScope::Points => self.point_files(),
            KeyScope::Models => table!('c' 'j' "models" "models written, marked points, corners" tables::models).into(),
            KeyScope::Runs if self.runs.is_empty() => Vec::new(),
            KeyScope::Runs => table!('c' 'j' "runs" "the runs that are listed" tables::runs).into(),
            KeyScope::Machine if self.machine.is_empty() => Vec::new(),
            KeyScope::Machine => {
                table!('c' 'j' "machine" "speed and memory of the last minutes, a row a second" tables::machine).into()
            }
            KeyScope::Log if log::lines(self).is_empty() => Vec::new(),
            KeyScope::Log => {
                let about = "the lines that are shown, as they are shown";
                let mut all = vec![offer('t', "log as text", "log.txt", about, ExportSource::Text(log::plain))];
                all.extend(table!('c' 'j' "log" "the lines that are shown, with time and topic" tables::log));
                all
            }
            _ => Vec::new(),
        }
    }

    fn surface_files(&self, slices: bool) -> Vec<MenuItem<ExportItem>> {
        let Some(snapshot) = &self.picture.snapshot else {
            return Vec::new();
        };
        if snapshot.heatmap.cells.iter().all(|c| c.images == 0) {
            return Vec::new();
        }
        let about = "every cell: u, v, accuracy, loss, images";
        let mut all = vec![
            offer(
                'c',
                "grid as CSV",
                "surface.csv",
                about,
                ExportSource::Text(map_csv),
            ),
            offer(
                'j',
                "grid as JSON",
                "surface.json",
                "every cell with its interval, the best point, the summary",
                ExportSource::Text(map_json),
            ),
        ];
        let labels = ["map as PNG", "map as SVG"];
        let names = ["surface.png", "surface.svg"];
        let about = "the map as it is shown, with colour bar and marks";
        let shown = |app: &App| app.map(app.surface.quantity);
        all.extend(drawn(shown, ['p', 's'], labels, names, about));
        // The others are one key away too.
        if self.surface.quantity != CellQuantity::Gain {
            let about = "how much better than the best corner every cell is";
            let (labels, names) = (["gain as PNG", "gain as SVG"], ["gain.png", "gain.svg"]);
            all.extend(drawn(
                |app| app.map(CellQuantity::Gain),
                ['g', 'G'],
                labels,
                names,
                about,
            ));
        }
        let interval = |c: &_| self.surface.metric.interval(c).is_some();
        if self.surface.quantity != CellQuantity::Width
            && snapshot.heatmap.cells.iter().any(interval)
        {
            let about = "how wide the confidence interval of every cell is";
            let labels = ["confidence as PNG", "confidence as SVG"];
            let names = ["confidence.png", "confidence.svg"];
            all.extend(drawn(
                |app| app.map(CellQuantity::Width),
                ['i', 'I'],
                labels,
                names,
                about,
            ));
        }
        if snapshot.degrees.patch() != Patch::Curve {
            let about = "the surface in three dimensions, seen as its relief is";
            let labels = ["relief as PNG", "relief as SVG"];
            let names = ["relief.png", "relief.svg"];
            all.extend(drawn(App::relief_drawn, ['r', 'R'], labels, names, about));
        }
        let beside = self.surface.beside.as_ref();
        if beside.is_some_and(|b| b.heatmap.patch == snapshot.heatmap.patch) {
            let about = "this surface, the one beside it, and their difference";
            let labels = ["both and difference as PNG", "both and difference as SVG"];
            let names = ["beside.png", "beside.svg"];
            all.extend(drawn(App::beside_drawn, ['b', 'B'], labels, names, about));
        }
        if slices {
            all.extend(table!('C' 'J' "slices" "the slices through the cursor, with intervals" tables::slices));
            let labels = ["slices as PNG", "slices as SVG"];
            let names = ["slices.png", "slices.svg"];
            let about = "the slices through the cursor as they are shown, with intervals";
            all.extend(drawn(App::slices_drawn, ['P', 'S'], labels, names, about));
        }
        all
    }

    fn point_files(&self) -> Vec<MenuItem<ExportItem>> {
        let mut all = Vec::new();
        let points = |s: &surfit_core::snapshot::Snapshot| !s.control_points.is_empty();
        if self.picture.snapshot.as_ref().is_some_and(points) {
            all.extend(table!('c' 'j' "points" "every control point: place, distance travelled, gradient" tables::points));
            let about = "the grid of control points, with figures and gradients";
            let labels = ["points as PNG", "points as SVG"];
            let names = ["points.png", "points.svg"];
            all.extend(drawn(App::points_drawn, ['p', 's'], labels, names, about));
        }
        if tables::distances(self).is_some() {
            all.extend(
                table!('C' 'J' "distances" "the matrix of distances in weight space" distances),
            );
            let about = "the matrix of distances in colours";
            let labels = ["distances as PNG", "distances as SVG"];
            let names = ["distances.png", "distances.svg"];
            all.extend(drawn(
                App::distances_drawn,
                ['P', 'S'],
                labels,
                names,
                about,
            ));
        }
        all
    }

    /// Asks for the file's name, with a suggestion.
    pub(super) fn name_file(&mut self, offer: &MenuItem<ExportItem>) {
        let content = match offer.what.product {
            ExportSource::Text(text) => FileContent::Text(text(self)),
            ExportSource::Drawn(drawing, form) => FileContent::Drawn(Box::new(drawing(self)), form),
        };
        let path = self.figures_folder().join(offer.what.name);
        self.take = Some(ExportMenu::Name(FilenamePrompt {
            input: Input::new(path.display().to_string()),
            content,
            about: format!("{}: {}", offer.label, offer.what.about),
            ending: offer.what.name.rsplit_once('.').map(|name| name.1),
        }));
    }

    /// Where files are suggested: in the run's own folder; for a run on another machine, or one that is only watched, in
    /// one here.
    fn figures_folder(&self) -> PathBuf {
        match (&self.line, &self.place) {
            (None, Some(place)) if !self.readonly => place.dir.join("figures"),
            (line, place) => {
                let host = line.as_ref().map(|line| line.host.as_str());
                figures_here(host, place.as_ref().map_or(&self.run, |p| &p.name))
            }
        }
    }

    pub(super) fn write_named(&mut self) -> Vec<Effect> {
        let Some(ExportMenu::Name(naming)) = self.take.take() else {
            return Vec::new();
        };
        let path = naming.input.value().trim();
        if path.is_empty() || path.ends_with('/') {
            self.say(MessageKind::Hint, "write: the file needs a name");
            self.take = Some(ExportMenu::Name(naming));
            return Vec::new();
        }
        let path = PathBuf::from(path);
        match as_named(&path, &naming) {
            Ok(content) => self.write_file(NewFile {
                path,
                replace: false,
                content,
            }),
            Err(why) => {
                self.say(MessageKind::Hint, why);
                self.take = Some(ExportMenu::Name(naming));
                Vec::new()
            }
        }
    }

    fn write_file(&mut self, file: NewFile) -> Vec<Effect> {
        self.say(
            MessageKind::Info,
            format!("writing {} …", file.path.display()),
        );
        vec![Effect::Send(Outgoing::Write(Box::new(file)))]
    }

    /// The file that is there was given up.
    pub(in crate::app) fn replace_file(&mut self, file: Option<NewFile>) -> Vec<Effect> {
        let replace = true;
        file.map_or(Vec::new(), |file| {
            self.write_file(NewFile { replace, ..file })
        })
    }

    /// The file that is there stays: another name is asked for.
    pub(in crate::app) fn rename_file(&mut self, file: Option<NewFile>) -> Vec<Effect> {
        if let Some(file) = file {
            let ending = |e: &&str| *e != "txt" && file.path.extension() == Some(OsStr::new(e));
            self.take = Some(ExportMenu::Name(FilenamePrompt {
                input: Input::new(file.path.display().to_string()),
                about: "a file that is not there yet".into(),
                ending: TOLD.into_iter().find(ending),
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
fn as_named(path: &Path, naming: &FilenamePrompt) -> Result<FileContent, String> {
    let ending = path.extension().map(|e| e.to_string_lossy().to_lowercase());
    let ending = ending.filter(|e| TOLD.contains(&&**e));
    // Every text is a text.
    let text = |ending: &str| ending == "txt" || naming.ending.is_none_or(|usual| usual == ending);
    let right = match (&naming.content, ending.as_deref()) {
        (FileContent::Drawn(drawing, _), Some("png")) => {
            return Ok(FileContent::Drawn(drawing.clone(), FigureForm::Png));
        }
        (FileContent::Drawn(drawing, _), Some("svg")) => {
            return Ok(FileContent::Drawn(drawing.clone(), FigureForm::Svg));
        }
        (FileContent::Drawn(..), Some(_)) => ".png or .svg".into(),
        (FileContent::Text(_), Some(ending)) if !text(ending) => {
            format!(".{}", naming.ending.unwrap_or_default())
        }
        _ => return Ok(naming.content.clone()),
    };
    let ending = ending.unwrap_or_default();
    Err(format!(
        "write: what is written is no .{ending}; end the name with {right}"
    ))
}
