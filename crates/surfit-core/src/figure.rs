//! What a view shows as a figure, for files and for images in the terminal.

use crate::colormap::Colormap;
use crate::heatmap::{Heatmap, HeatmapStyle, Metric, SliceDirection};
use crate::projection::Camera;
use crate::run_state::PointFigure;
use crate::series::{CurveLook, OtherCurve};
use serde::{Deserialize, Serialize};

/// A figure of a run: what a view shows, and how it is looked at. The data come from the run's state when it is drawn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Figure {
    /// The loss curves.
    Losses {
        /// What of them is seen, and how.
        look: CurveLook,
        /// Fits of other runs, to compare with.
        others: Vec<OtherCurve>,
    },
    /// Heatmap of the surface.
    Heatmap {
        /// The figure of every cell.
        metric: Metric,
        /// Colour map of the figure.
        colormap: Colormap,
        /// What is made of it, over which range, and which part.
        look: HeatmapStyle,
    },
    /// The surface in three dimensions.
    Relief {
        /// The figure of every cell.
        metric: Metric,
        /// Colour map of the figure.
        colormap: Colormap,
        /// What is made of it, over which range, and which part.
        look: HeatmapStyle,
        /// From where it is seen.
        camera: Camera,
    },
    /// The surface, another one, and their difference.
    Beside {
        /// The figure of every cell.
        metric: Metric,
        /// Colour map of the figure.
        colormap: Colormap,
        /// What is made of it, over which range, and which part.
        look: HeatmapStyle,
        /// What the surface and the other one are called.
        names: [String; 2],
        /// What was measured of the other one.
        other: Box<Heatmap>,
        /// The metric of its best corner.
        corner: f64,
        /// The range of the difference's colours.
        difference: (f64, f64),
    },
    /// The control points.
    Points {
        /// The figure that the colours show.
        figure: PointFigure,
        /// Colour map of that figure.
        colormap: Colormap,
    },
    /// The distances that are known between corners or control points.
    Distances {
        /// Colour map of the distances.
        colormap: Colormap,
    },
    /// Slices of the surface through a point.
    Slices {
        /// The figure of every cell.
        metric: Metric,
        /// What is made of it, and which part.
        look: HeatmapStyle,
        /// The directions of both.
        along: [SliceDirection; 2],
        /// The point's first parameter.
        u: f64,
        /// Second parameter of the point.
        v: f64,
    },
}

/// How a figure is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FigureForm {
    /// Raster image as PNG.
    Png,
    /// Vector graphics as SVG.
    Svg,
}
