//! Draws what the screen shows as plots for files.

use super::FileWriteError;
use surfit_core::new_file::{FigureDrawing, FigureForm};
use surfit_core::run_state::RunState;
use surfit_report::{
    BesideFigure, ComparedSurface, CurvesFigure, DistancesFigure, DrawableFigure, HeatmapFigure, PointsFigure,
    ReliefFigure, ReportError, SliceFigure, quantity_name, quantity_title,
};

/// Returns the bytes of a plot. `run` is the run's id, for its title.
///
/// # Errors
/// [`FileWriteError`] when there is nothing to draw or drawing fails.
pub fn draw_figure(
    drawing: &FigureDrawing,
    form: FigureForm,
    run: &str,
    run_state: &RunState,
) -> Result<Vec<u8>, FileWriteError> {
    let surface = || run_state.snapshot.as_ref().ok_or(FileWriteError::NotMeasured);
    match *drawing {
        FigureDrawing::Losses { ref look, ref others } => {
            let figure = CurvesFigure { run_state, style: look, other_curves: others, title: format!("{run} · loss") };
            Ok(encode_figure(&figure, form)?)
        }
        FigureDrawing::Heatmap { metric, colormap, look } => {
            let snapshot = surface()?;
            let figure = HeatmapFigure {
                heatmap: &snapshot.heatmap,
                metric,
                colormap,
                style: look,
                title: quantity_title(run, snapshot.degrees, metric, look.quantity),
                marks: &snapshot.marks,
            };
            Ok(encode_figure(&figure, form)?)
        }
        FigureDrawing::Relief { metric, colormap, look, camera } => {
            let snapshot = surface()?;
            let figure = ReliefFigure {
                heatmap: &snapshot.heatmap,
                metric,
                colormap,
                style: look,
                camera,
                title: quantity_title(run, snapshot.degrees, metric, look.quantity),
            };
            Ok(encode_figure(&figure, form)?)
        }
        FigureDrawing::Beside { metric, colormap, look, ref names, ref other, corner, difference } => {
            let what = quantity_name(metric, look.quantity);
            let side =
                |heatmap, n: usize, corner| ComparedSurface { heatmap, name: names[n].clone(), corner_value: corner };
            let figure = BesideFigure {
                this: side(&surface()?.heatmap, 0, look.corner),
                other: side(other, 1, corner),
                metric,
                colormap,
                style: look,
                difference_range: Some(difference),
                title: format!("{run} · {what} of two surfaces"),
            };
            Ok(encode_figure(&figure, form)?)
        }
        FigureDrawing::Points { figure, colormap } => {
            let figure = PointsFigure {
                run_state,
                snapshot: surface()?,
                quantity: figure,
                colormap,
                title: format!("{run} · control points"),
            };
            Ok(encode_figure(&figure, form)?)
        }
        FigureDrawing::Distances { colormap } => {
            let matrix = run_state.distance_matrix().ok_or(FileWriteError::NoDistances)?;
            let aligned = run_state.geometry.last().is_some_and(|g| g.aligned);
            let about = match &run_state.distances {
                Some(d) => format!("between the control points at step {}, in mean distances between corners", d.step),
                None if aligned => "Euclidean, between the aligned corners".into(),
                None => "Euclidean, between the corners".into(),
            };
            let figure = DistancesFigure {
                matrix: &matrix,
                subtitle: about,
                colormap,
                title: format!("{run} · distances in weight space"),
            };
            Ok(encode_figure(&figure, form)?)
        }
        FigureDrawing::Slices { metric, look, along, u, v } => {
            let heatmap = &surface()?.heatmap;
            let (what, place) = (quantity_name(metric, look.quantity), heatmap.patch.format_parameters(u, v, 3));
            let figure = SliceFigure {
                heatmap,
                point: (u, v),
                metric,
                style: look,
                directions: along,
                title: format!("{run} · {what} through {place}"),
            };
            Ok(encode_figure(&figure, form)?)
        }
    }
}

fn encode_figure(figure: &impl DrawableFigure, form: FigureForm) -> Result<Vec<u8>, ReportError> {
    match form {
        FigureForm::Png => figure.png(),
        FigureForm::Svg => figure.svg().map(String::into_bytes),
    }
}
