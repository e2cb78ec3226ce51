//! Files that the user saves from the screen: texts of the screen, and plots that are drawn here.

use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use surfit_core::files::{FilePath, create_folder, write_atomic};
use surfit_core::new_file::{FileContent, NewFile, local_figures_dir};
use surfit_core::protocol::BridgeMessage;
use surfit_core::run_dir::RunError;
use surfit_core::run_state::RunState;
use surfit_report::{ReportError, RunFigure};
use surfit_tui::MessageSink;

#[derive(Debug, thiserror::Error)]
enum FileWriteError {
    /// A folder has the name.
    #[error("{0} is a folder; add the file's name")]
    Folder(PathBuf),
    /// What is known of the run cannot be read.
    #[error(transparent)]
    Run(#[from] RunError),
    #[error(transparent)]
    Figure(#[from] ReportError),
    #[error("{path}: {source}; choose another name")]
    Io { path: PathBuf, source: std::io::Error },
}

/// Writes a file and returns the message for the screen. An existing file is replaced only on request. `run` is the run's id,
/// for the title of a plot, and `run_state` loads its state. `confine` is the run's for files in its directory, where no link
/// is followed.
pub fn write_new_file(
    mut file: NewFile,
    run: &str,
    confine: impl FnOnce(PathBuf) -> FilePath,
    run_state: impl FnOnce() -> Result<RunState, RunError>,
) -> BridgeMessage {
    file.path = resolve_path(&file.path);
    if !file.replace && file.path.symlink_metadata().is_ok_and(|m| !m.is_dir()) {
        return BridgeMessage::Exists(Box::new(file));
    }
    match write(&file, &confine(file.path.clone()), run, run_state) {
        Ok(()) => BridgeMessage::Notice(format!("wrote {}", file.path.display())),
        Err(error) => BridgeMessage::Problem(error.to_string()),
    }
}

/// Draws every figure of a run into a folder and reports it. `run` is the run's id.
pub fn write_figures(run: &str, folder: &Path, state: impl FnOnce() -> Result<RunState, RunError>) -> BridgeMessage {
    let result =
        state().map_err(FileWriteError::from).and_then(|state| Ok(surfit_report::write_figures(run, &state, folder)?));
    match result {
        Ok(files) => {
            let stem = |f: &PathBuf| Some(f.file_stem()?.to_string_lossy().into_owned());
            let mut names: Vec<String> = files.iter().filter_map(stem).collect();
            names.dedup();
            let list = names.join(", ");
            BridgeMessage::Notice(format!("plots in {}: {list} (PNG and SVG)", folder.display()))
        }
        Err(why) => BridgeMessage::Problem(why.to_string()),
    }
}

/// Returns the folder for plots of a run whose directory is not written to. `name` is what `surfit open` finds the run by on
/// its `host`.
pub fn local_figures_folder(host: Option<&str>, name: &str) -> PathBuf {
    let folder = local_figures_dir(host, name);
    std::path::absolute(&folder).unwrap_or(folder)
}

/// Files that are being written for a screen, each on its own thread: drawing takes a second, a disk may be slow, and keys must
/// not wait.
#[derive(Debug, Default)]
pub struct FileWriters {
    /// Each returns its message, and whether the screen received it.
    threads: Vec<JoinHandle<(String, bool)>>,
}

impl FileWriters {
    /// Writes a file, and sends the screen the result.
    ///
    /// # Errors
    /// When no thread is available.
    pub fn spawn_writer(
        &mut self,
        screen: MessageSink,
        write: impl FnOnce() -> BridgeMessage + Send + 'static,
    ) -> std::io::Result<()> {
        let thread = std::thread::Builder::new().name("file writer".into()).spawn(move || {
            let said = write();
            // The screen may be gone; the file is written anyway.
            (outcome_text(&said), screen(said.into()))
        })?;
        self.threads.retain(|t| !t.is_finished());
        self.threads.push(thread);
        Ok(())
    }

    #[cfg(test)]
    pub fn is_writing(&self) -> bool {
        self.threads.iter().any(|t| !t.is_finished())
    }

    /// Waits until all files are written, and returns the messages that the screen did not receive.
    pub fn finish(self) -> Vec<String> {
        let late: Vec<bool> = self.threads.iter().map(|t| !t.is_finished()).collect();
        let said = self.threads.into_iter().zip(late).filter_map(|(t, late)| {
            let (text, received) = t.join().ok()?;
            // A message that arrived just before leaving was not read.
            (late || !received).then_some(text)
        });
        said.collect()
    }
}

/// Returns what a message says, for a screen that did not receive it.
pub fn outcome_text(said: &BridgeMessage) -> String {
    match said {
        BridgeMessage::Notice(text) | BridgeMessage::Problem(text) | BridgeMessage::Forked { sentence: text, .. } => {
            text.clone()
        }
        BridgeMessage::Exists(file) => format!("{} already exists; nothing was written", file.path.display()),
        _ => String::new(),
    }
}

/// True for a path inside a folder, links resolved.
pub fn is_inside(path: &Path, folder: &Path) -> bool {
    let path = resolve_path(path);
    let Ok(folder) = folder.canonicalize() else {
        return false;
    };
    // For a missing file, the nearest existing folder is resolved.
    let there = path.ancestors().find_map(|p| p.canonicalize().ok());
    path.starts_with(&folder) || there.is_some_and(|there| there.starts_with(&folder))
}

/// Expands `~` to the home folder.
fn resolve_path(path: &Path) -> PathBuf {
    let home = || etcetera::home_dir().ok();
    let path = match path.strip_prefix("~") {
        Ok(inside) => home().map_or_else(|| path.to_owned(), |home| home.join(inside)),
        Err(_) => path.to_owned(),
    };
    std::path::absolute(&path).unwrap_or(path)
}

fn write(
    file: &NewFile,
    path: &FilePath,
    run: &str,
    run_state: impl FnOnce() -> Result<RunState, RunError>,
) -> Result<(), FileWriteError> {
    let fault = |source| FileWriteError::Io { path: path.to_path_buf(), source };
    if path.is_dir() {
        return Err(FileWriteError::Folder(path.to_path_buf()));
    }
    let drawn;
    let bytes = match &file.content {
        FileContent::Text(text) => text.as_bytes(),
        FileContent::Drawn(drawing, form) => {
            drawn = RunFigure::new(drawing, run, &run_state()?)?.encode(*form)?;
            &drawn
        }
    };
    if let Some(folder) = path.parent() {
        create_folder(&path.clone().with_path(folder)).map_err(fault)?;
    }
    write_atomic(path, bytes).map_err(fault)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::terminal;
    use surfit_core::colormap::Colormap;
    use surfit_core::event::LossCurve;
    use surfit_core::figure::{Figure, FigureForm};
    use surfit_core::heatmap::{Cell, CellQuantity, HeatmapStyle, Metric, SliceDirection};
    use surfit_core::protocol::ServerMessage;
    use surfit_core::series::CurveLook;
    use surfit_core::snapshot::Snapshot;
    use surfit_core::surface::Degrees;
    use surfit_report::{DrawableFigure, FigureTheme, ScreenPage};

    fn text(path: &Path, text: &str, replace: bool) -> NewFile {
        NewFile { path: path.to_owned(), replace, content: FileContent::Text(text.into()) }
    }

    fn none() -> Result<RunState, RunError> {
        panic!("a text needs no picture")
    }

    #[test]
    fn nothing_is_replaced_that_was_not_given_up() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("figures/losses.csv");
        let said = write_new_file(text(&path, "a", false), "demo", PathBuf::into, none);
        let BridgeMessage::Notice(said) = said else { panic!("{said:?}") };
        assert!(said.ends_with("figures/losses.csv"), "{said}");
        let back = write_new_file(text(&path, "b", false), "demo", PathBuf::into, none);
        let BridgeMessage::Exists(file) = back else { panic!("{back:?}") };
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a");
        write_new_file(NewFile { replace: true, ..*file }, "demo", PathBuf::into, none);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "b");
        let folder = write_new_file(text(dir.path(), "c", true), "demo", PathBuf::into, none);
        assert!(matches!(folder, BridgeMessage::Problem(why) if why.contains("is a folder")));
        let under = write_new_file(text(&path.join("x"), "d", false), "demo", PathBuf::into, none);
        assert!(matches!(under, BridgeMessage::Problem(why) if why.contains("choose another name")));
        let left: Vec<_> = std::fs::read_dir(dir.path().join("figures")).unwrap().collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }

    #[test]
    fn leaving_waits_for_what_is_being_written_and_tells_what_the_screen_cannot() {
        use std::sync::mpsc::channel;
        let (screen, received) = terminal();
        let mut writers = FileWriters::default();
        let notice = |text: &str| BridgeMessage::Notice(text.into());
        let (done, first) = (notice("first"), notice("second"));
        writers.spawn_writer(screen.clone(), move || done).unwrap();
        assert!(matches!(received.recv(), Ok(ServerMessage::Bridge(BridgeMessage::Notice(text))) if text == "first"));
        while writers.is_writing() {
            std::thread::yield_now();
        }
        let (go, wait) = channel::<()>();
        let write = move || {
            let _ = wait.recv();
            first
        };
        writers.spawn_writer(screen, write).unwrap();
        assert!(writers.is_writing());
        drop(received);
        let leaving = std::thread::spawn(|| writers.finish());
        drop(go);
        assert_eq!(leaving.join().unwrap(), ["second"]);
    }

    #[test]
    fn what_leads_into_a_folder_is_told_over_links_and_before_it_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let run = dir.path().join("run");
        std::fs::create_dir_all(run.join("figures")).unwrap();
        std::os::unix::fs::symlink(run.join("figures"), dir.path().join("link")).unwrap();
        for inside in ["run/a.csv", "run/figures/a.csv", "run/new/folder/a", "link/a.csv"] {
            assert!(is_inside(&dir.path().join(inside), &run), "{inside}");
        }
        for outside in ["a.csv", "run-figures/a.csv", "new/run/a.csv"] {
            assert!(!is_inside(&dir.path().join(outside), &run), "{outside}");
        }
    }

    #[test]
    fn figures_are_drawn_in_both_forms() {
        let dir = tempfile::tempdir().unwrap();
        let mut snapshot = Snapshot::empty(Degrees::new(2, 2).unwrap(), 5);
        for (n, cell) in snapshot.heatmap.cells.iter_mut().enumerate() {
            *cell = Cell::from_counts(80 + n as u32 % 15, 100, 0.4, 0);
        }
        let run_state = RunState { snapshot: Some(snapshot), ..RunState::default() };
        let map =
            Figure::Heatmap { metric: Metric::ACCURACY, colormap: Colormap::Viridis, look: HeatmapStyle::default() };
        let gain = Figure::Heatmap {
            metric: Metric::ACCURACY,
            colormap: Colormap::Viridis,
            look: HeatmapStyle { quantity: CellQuantity::Gain, corner: 0.9, contours: true, ..HeatmapStyle::default() },
        };
        let slices = Figure::Slices {
            metric: Metric::LOSS,
            look: HeatmapStyle::default(),
            along: SliceDirection::DIAGONALS,
            u: 0.5,
            v: 0.5,
        };
        let losses = Figure::Losses {
            look: CurveLook {
                curves: vec![LossCurve::Surface],
                log: true,
                time: false,
                window: (0.0, 9.0),
                range: (0.5, 2.0),
                smoothing: None,
                rate: true,
                cursor: Some(4.0),
            },
            others: Vec::new(),
        };
        let (metric, colormap) = (Metric::LOSS, Colormap::Viridis);
        let camera = surfit_core::projection::Camera::default();
        let look = HeatmapStyle::default();
        let relief = Figure::Relief { metric, colormap, look, camera };
        let beside = Figure::Beside {
            metric,
            colormap,
            look,
            names: ["demo".into(), "other".into()],
            other: Box::new(run_state.snapshot.as_ref().unwrap().heatmap.clone()),
            corner: 0.0,
            difference: (-1.0, 1.0),
        };
        let figure = surfit_core::run_state::PointFigure::Travelled;
        for (drawing, name) in [
            (relief, "relief"),
            (beside, "beside"),
            (Figure::Points { figure, colormap }, "points"),
            (map.clone(), "map"),
            (gain, "gain"),
            (slices, "slices"),
            (losses, "losses"),
        ] {
            // The screen shows the same figures at any size.
            for (width, height, line_height) in [(8, 16, 16), (480, 160, 16), (900, 1800, 40)] {
                let page = ScreenPage { width, height, line_height, theme: FigureTheme::PAPER };
                let figure = RunFigure::new(&drawing, "", &run_state).unwrap();
                let image = figure.screen_image(&page).unwrap_or_else(|e| panic!("{name} {width}×{height}: {e}"));
                assert_eq!((image.width, image.height), (width, height), "{name}");
            }
            for (form, begins) in [(FigureForm::Png, &b"\x89PNG"[..]), (FigureForm::Svg, &b"<svg"[..])] {
                let path = dir.path().join(format!("{name}-{form:?}"));
                let content = FileContent::Drawn(Box::new(drawing.clone()), form);
                let (path, replace) = (path, false);
                let file = NewFile { path: path.clone(), replace, content };
                let said = write_new_file(file, "demo", PathBuf::into, || Ok(run_state.clone()));
                assert!(matches!(said, BridgeMessage::Notice(_)), "{said:?}");
                assert!(std::fs::read(&path).unwrap().starts_with(begins), "{path:?}");
            }
        }
        let file = NewFile {
            path: dir.path().join("none.png"),
            replace: false,
            content: FileContent::Drawn(Box::new(map), FigureForm::Png),
        };
        let said = write_new_file(file, "demo", PathBuf::into, || Ok(RunState::default()));
        assert!(matches!(said, BridgeMessage::Problem(why) if why.contains("not measured yet")));
        let distances = NewFile {
            path: dir.path().join("none.svg"),
            replace: false,
            content: FileContent::Drawn(Box::new(Figure::Distances { colormap }), FigureForm::Svg),
        };
        let said = write_new_file(distances, "demo", PathBuf::into, || Ok(RunState::default()));
        assert!(matches!(said, BridgeMessage::Problem(why) if why.contains("no distances")));
    }
}
