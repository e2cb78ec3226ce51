//! What the user chose, remembered between starts: theme, sizes of panes, what the panes show, typed commands.
//!
//! It is kept in `$SURFIT_STATE`, else in `surfit/screen.toml` under the folder for state (`~/.local/state`). A file that
//! cannot be read is passed over with a note, and written anew when something changes.

use crate::app::{App, Pane};
use crate::layout::Arrangement;
use crate::theme::{ColorDepth, Theme};
use crate::views::loss::SMOOTHING_WEIGHTS;
use crate::views::points::Figure;
use crate::views::slices::Slices;
use crate::views::surface::{Camera, CellQuantity, Contours, FixedRange};
use etcetera::BaseStrategy;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Changes when an older program could misread the file.
const FORMAT_VERSION: u32 = 1;
/// Typed commands that are kept.
pub const MAX_HISTORY: usize = 50;
const MAX_FILE_BYTES: u64 = 1 << 20;

/// A file of choices that cannot be used.
#[derive(Debug, Error)]
#[error("{}: {fault}; the screen starts with its defaults", .path.display())]
pub struct ChoicesError {
    path: PathBuf,
    #[source]
    fault: ChoicesFault,
}

#[derive(Debug, Error)]
enum ChoicesFault {
    #[error("this is no file of choices")]
    NoFile,
    #[error("{0}")]
    Read(#[source] io::Error),
    #[error("{}", .0.message())]
    Syntax(#[source] toml::de::Error),
    #[error("version {0} instead of {FORMAT_VERSION}")]
    Version(u32),
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RememberedChoices {
    version: u32,
    theme: String,
    focus: String,
    zoomed: bool,
    history: Vec<String>,
    toggles: BTreeMap<String, bool>,
    arrangement: Arrangement,
    look: SavedViewState,
}

/// What is chosen among more than two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct SavedViewState {
    slices: Slices,
    contours: Contours,
    quantity: CellQuantity,
    /// What tiles of control points show first.
    figure: Figure,
    /// How much loss curves are smoothed, when they are.
    smoothing: Option<usize>,
    camera: Camera,
    /// The range of colours that was chosen, if one was.
    range: Option<FixedRange>,
}

/// What can be on or off, with the name it has in the file.
fn toggle_fields(app: &mut App) -> [(&'static str, &mut bool); 13] {
    [
        ("lists", &mut app.sidebar_shown),
        ("numbers", &mut app.surface.show_values),
        ("smooth-colours", &mut app.surface.interpolate),
        ("peaks", &mut app.surface.show_peaks),
        ("relief", &mut app.surface.show_relief),
        ("log-axis", &mut app.loss.log),
        ("recent", &mut app.loss.recent),
        ("smooth", &mut app.loss.smooth),
        ("corner-curves", &mut app.loss.show_corners),
        ("loss-rate", &mut app.loss.show_learning_rate),
        ("loss-x-axis", &mut app.loss.time),
        ("distances", &mut app.points.show_distances),
        ("log-absolute", &mut app.log.absolute_time),
    ]
}

impl RememberedChoices {
    /// Where it is kept; `None` without a home.
    pub fn default_path() -> Option<PathBuf> {
        if let Some(path) = std::env::var_os("SURFIT_STATE").filter(|p| !p.is_empty()) {
            return Some(path.into());
        }
        let places = etcetera::choose_base_strategy().ok()?;
        let folder = places.state_dir().unwrap_or_else(|| places.data_dir());
        Some(folder.join("surfit").join("screen.toml"))
    }

    /// Reads it; `None` when there is none yet.
    ///
    /// # Errors
    /// When the file is not usable.
    pub fn load(path: &Path) -> Result<Option<Self>, ChoicesError> {
        let fault = |fault| ChoicesError { path: path.into(), fault };
        match std::fs::metadata(path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Ok(about) if !about.is_file() || about.len() > MAX_FILE_BYTES => {
                return Err(fault(ChoicesFault::NoFile));
            }
            _ => {}
        }
        let text = std::fs::read_to_string(path).map_err(|e| fault(ChoicesFault::Read(e)))?;
        let read: Self = toml::from_str(&text).map_err(|e| fault(ChoicesFault::Syntax(e)))?;
        if read.version != FORMAT_VERSION {
            return Err(fault(ChoicesFault::Version(read.version)));
        }
        Ok(Some(read))
    }

    /// Writes it, whole or not at all.
    ///
    /// # Errors
    /// The file system's error.
    pub fn save(&self, path: &Path) -> io::Result<()> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let text = toml::to_string(self).map_err(io::Error::other)?;
        surfit_core::files::write_atomic(path, text.as_bytes())
    }

    pub fn theme(&self) -> Option<&str> {
        let there_is = |name: &&str| Theme::load(name, ColorDepth::None).is_ok();
        Some(self.theme.as_str()).filter(there_is)
    }
}

impl App {
    pub fn remembered_choices(&mut self) -> RememberedChoices {
        let toggles = toggle_fields(self).into_iter().map(|(name, on)| (name.to_string(), *on)).collect();
        RememberedChoices {
            version: FORMAT_VERSION,
            theme: match self.theme_chosen {
                true => self.confirmed_theme().name().into(),
                false => String::new(),
            },
            focus: self.focus.name().into(),
            zoomed: self.zoomed,
            history: self.command_history.clone(),
            toggles,
            arrangement: self.arrangement,
            look: SavedViewState {
                slices: self.surface.slices,
                contours: self.surface.contours,
                quantity: self.surface.quantity,
                figure: self.points.figure,
                smoothing: Some(self.loss.strength),
                camera: self.surface.camera,
                range: self.surface.fixed_range,
            },
        }
    }

    fn restore_view_state(&mut self, look: SavedViewState) {
        let surface = &mut self.surface;
        surface.slices = look.slices;
        surface.contours = look.contours;
        surface.quantity = look.quantity;
        // Figures that a hand put into the file must not break what is drawn with them.
        let c = look.camera;
        if [c.turn, c.tilt, c.height].iter().all(|x| x.is_finite()) {
            surface.camera = c;
            surface.camera.rotate(0.0, 0.0);
            surface.camera.scale_height(1.0);
        }
        let usable = |f: &FixedRange| {
            let (low, high) = f.limits;
            low.is_finite() && high.is_finite() && low < high
        };
        surface.fixed_range = look.range.filter(usable);
        self.points.figure = look.figure;
        let known = look.smoothing.filter(|s| *s < SMOOTHING_WEIGHTS.len());
        self.loss.strength = known.unwrap_or(self.loss.strength);
    }

    /// Makes the screen what it was; the theme is the caller's business.
    pub fn restore_choices(&mut self, before: &RememberedChoices) {
        for (name, on) in toggle_fields(self) {
            *on = before.toggles.get(name).copied().unwrap_or(*on);
        }
        let pane = Pane::ALL.into_iter().find(|p| p.name() == before.focus);
        self.focus = pane.unwrap_or(self.focus);
        self.zoomed = before.zoomed;
        self.arrangement = before.arrangement;
        self.restore_view_state(before.look);
        let some = before.history.iter().rev().take(MAX_HISTORY).rev();
        self.command_history = some.cloned().collect();
        self.dirty = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;
    use crate::test_app::TestApp;

    #[test]
    fn what_was_chosen_is_there_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/folder/screen.toml");
        assert_eq!(RememberedChoices::load(&path).unwrap(), None);
        let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
        rig.press("2 ctrl-right ctrl-right O D | T < K ^ : r a n g e space 8 0 space 9 0 enter 3 ctrl-down T \\ ctrl-w > # 1 L } }");
        let before = rig.app.remembered_choices();
        before.save(&path).unwrap();
        let mut other = TestApp::with_run_state(140, 44, fixture::fitting_run());
        assert_ne!(other.app.remembered_choices(), before);
        other.app.restore_choices(&RememberedChoices::load(&path).unwrap().unwrap());
        assert_eq!(other.app.remembered_choices(), before);
        // Its messages are gone, and the engine's last message has the same age in both.
        assert_eq!(other.tick(100.0).screen_text(), rig.tick(100.0).screen_text());
    }

    #[test]
    fn a_file_that_is_not_usable_is_passed_over_with_a_sentence() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("screen.toml");
        let at = |text: &[u8]| {
            std::fs::write(&path, text).unwrap();
            RememberedChoices::load(&path).unwrap_err().to_string()
        };
        for bad in [
            &b"version = 1\ntheme = 3"[..],
            b"version = ",
            b"version = 1\n[arrangement]\npreset = 'round'",
            b"\xff\xfe",
        ] {
            assert!(at(bad).contains("starts with its defaults"), "{}", at(bad));
        }
        assert!(at(b"version = 9").contains("version 9 instead of 1"));
        assert!(RememberedChoices::load(folder.path()).is_err());
        std::fs::write(&path, "version = 1\ntheme = 'gone'\nlater = 1").unwrap();
        let read = RememberedChoices::load(&path).unwrap().unwrap();
        assert_eq!(read.theme(), None);
    }
}
