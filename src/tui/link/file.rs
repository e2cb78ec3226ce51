//! A file that the user takes away from the screen.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use surfit_core::colormap::Colormap;
use surfit_core::heatmap::{Look, Metric};

/// A file to write.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewFile {
    /// Where, as the user wrote it: `~` is the home folder, and what is not absolute lies in the working folder.
    pub path: PathBuf,
    /// It may take the place of a file that is there.
    pub replace: bool,
    /// What it holds.
    pub content: Content,
}

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Content {
    /// This text.
    Text(String),
    /// A figure of the run that is shown, as it is when the file is written.
    Drawn(Drawing, Form),
}

/// A figure.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Drawing {
    /// The loss curves.
    Losses,
    /// The surface.
    Heatmap {
        /// The figure of every cell.
        metric: Metric,
        /// Its colours.
        colormap: Colormap,
        /// What is made of it, over which range, and which part.
        look: Look,
    },
    /// Slices of the surface along `u` and `v` through a point.
    Slices {
        /// The point's first parameter.
        u: f64,
        /// Its second.
        v: f64,
    },
}

/// How a figure is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Form {
    /// Pixels.
    Png,
    /// Vectors.
    Svg,
}
