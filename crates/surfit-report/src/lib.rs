//! Figures and the written report of surfit.
//!
//! Every figure is drawn once, by one function over a plotters drawing area, and becomes a PNG or an SVG. Text needs
//! no font of the system: Noto Sans (SIL Open Font License 1.1, from the crate `notosans`) is inside the program.

mod axes;
mod canvas;
mod color_bar;
mod comparison;
mod control_points;
mod curves;
mod distances;
mod document;
mod error;
mod figure;
mod heatmap;
mod loss;
mod relief;
mod run_report;
mod slices;
pub mod study;
mod style;

#[cfg(test)]
mod tests;
#[cfg(test)]
use tests::test_data;

pub use canvas::{DrawableFigure, FigurePage, PixelImage, ScreenPage};
pub use comparison::{BesideFigure, ComparedSurface};
pub use control_points::PointsFigure;
pub use curves::CurvesFigure;
pub use distances::DistancesFigure;
pub use error::ReportError;
pub use figure::RunFigure;
pub use heatmap::HeatmapFigure;
pub use loss::LossFigure;
pub use plotters::style::RGBColor;
pub use relief::ReliefFigure;
pub use run_report::write_report;
pub use slices::SliceFigure;
pub use style::FigureTheme;

use std::path::PathBuf;
use surfit_core::colormap::Colormap;
use surfit_core::files::{FileLocation, FilePath, create_folder};
use surfit_core::heatmap::{CellQuantity, HeatmapStyle, Metric, SliceDirection};
use surfit_core::run_state::RunState;
use surfit_core::surface::Degrees;

pub fn quantity_name(metric: Metric, quantity: CellQuantity) -> String {
    let name = metric.name();
    match quantity {
        CellQuantity::Value => name.to_owned(),
        CellQuantity::Gain => format!("{name} less the best corner's"),
        CellQuantity::Width => format!("half the 95 % interval of the {name}"),
    }
}

/// The title of a heatmap's figure, such as `demo-1 · accuracy on the surface of degree 2×2`.
pub fn quantity_title(run: &str, degrees: Degrees, metric: Metric, quantity: CellQuantity) -> String {
    let what = quantity_name(metric, quantity);
    format!("{run} · {what} on the surface of degree {degrees}")
}

/// Writes every figure that the run state has data for into `folder`, as PNG and SVG, and returns the files in order.
///
/// # Errors
/// [`ReportError::Empty`] when there is nothing to draw yet, [`ReportError::Io`] when a file cannot be written.
pub fn write_figures(
    run: &str,
    run_state: &RunState,
    folder: &(impl FileLocation + ?Sized),
) -> Result<Vec<PathBuf>, ReportError> {
    let folder = &FilePath::from_location(folder);
    let mut files = Vec::new();
    create_folder(folder).map_err(|source| ReportError::Io { path: folder.to_path_buf(), source })?;
    if run_state.curves.values().any(|c| !c.is_empty()) {
        let figure = LossFigure { run_state, title: format!("{run} · loss") };
        write_png_and_svg(&figure, folder, "loss", &mut files)?;
    }
    if let Some(snapshot) = &run_state.snapshot {
        let heatmap = &snapshot.heatmap;
        for metric in heatmap.complete_metrics() {
            let figure = HeatmapFigure {
                heatmap,
                metric,
                colormap: Colormap::default(),
                style: HeatmapStyle::default(),
                title: quantity_title(run, snapshot.degrees, metric, CellQuantity::Value),
                marks: &snapshot.marks,
            };
            write_png_and_svg(&figure, folder, &format!("heatmap-{metric}"), &mut files)?;
        }
        if let Some(best) = heatmap.best_point(Metric::SELECTION) {
            let title = format!("{run} · {} through the best point", Metric::SELECTION.name());
            let figure = SliceFigure {
                heatmap,
                point: (best.u, best.v),
                metric: Metric::SELECTION,
                style: HeatmapStyle::default(),
                directions: SliceDirection::AXES,
                title,
            };
            write_png_and_svg(&figure, folder, "slices", &mut files)?;
        }
    }
    if files.is_empty() {
        return Err(ReportError::Empty(run.to_owned()));
    }
    Ok(files)
}

fn write_png_and_svg(
    figure: &impl DrawableFigure,
    folder: &FilePath,
    name: &str,
    files: &mut Vec<PathBuf>,
) -> Result<(), ReportError> {
    for extension in ["png", "svg"] {
        let path = folder.join(format!("{name}.{extension}"));
        figure.write(&path)?;
        files.push(path.into_path());
    }
    Ok(())
}
