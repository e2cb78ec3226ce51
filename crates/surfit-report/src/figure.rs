//! The figures of a run, from what describes them.

use super::canvas::{DrawableFigure, FigurePage};
use super::{
    BesideFigure, ComparedSurface, CurvesFigure, DistancesFigure, HeatmapFigure, PointsFigure, ReliefFigure,
    ReportError, SliceFigure, quantity_name, quantity_title,
};
use plotters::prelude::*;
use surfit_core::figure::{Figure, FigureForm};
use surfit_core::run_state::RunState;

/// A figure with its data.
pub enum RunFigure<'a> {
    Losses(CurvesFigure<'a>),
    /// Heatmap of the surface.
    Heatmap(HeatmapFigure<'a>),
    /// The surface in three dimensions.
    Relief(ReliefFigure<'a>),
    /// Two surfaces and their difference.
    Beside(BesideFigure<'a>),
    /// The control points.
    Points(PointsFigure<'a>),
    /// Distances in weight space.
    Distances(DistancesFigure),
    /// Slices through a point.
    Slices(SliceFigure<'a>),
}

impl<'a> RunFigure<'a> {
    /// The figure of a run in this state; `run` is the run's id, for the title.
    ///
    /// # Errors
    /// [`ReportError::NotMeasured`] and [`ReportError::NoDistances`] when the state has nothing to draw.
    pub fn new(figure: &'a Figure, run: &str, state: &'a RunState) -> Result<Self, ReportError> {
        let surface = || state.snapshot.as_ref().ok_or(ReportError::NotMeasured);
        Ok(match *figure {
            Figure::Losses { ref look, ref others } => Self::Losses(CurvesFigure {
                run_state: state,
                style: look,
                other_curves: others,
                title: format!("{run} · loss"),
            }),
            Figure::Heatmap { metric, colormap, look } => {
                let snapshot = surface()?;
                Self::Heatmap(HeatmapFigure {
                    heatmap: &snapshot.heatmap,
                    metric,
                    colormap,
                    style: look,
                    title: quantity_title(run, snapshot.degrees, metric, look.quantity),
                    marks: &snapshot.marks,
                })
            }
            Figure::Relief { metric, colormap, look, camera } => {
                let snapshot = surface()?;
                Self::Relief(ReliefFigure {
                    heatmap: &snapshot.heatmap,
                    metric,
                    colormap,
                    style: look,
                    camera,
                    title: quantity_title(run, snapshot.degrees, metric, look.quantity),
                })
            }
            Figure::Beside { metric, colormap, look, ref names, ref other, corner, difference } => {
                let side = |heatmap, name: &String, corner| ComparedSurface {
                    heatmap,
                    name: name.clone(),
                    corner_value: corner,
                };
                Self::Beside(BesideFigure {
                    this: side(&surface()?.heatmap, &names[0], look.corner),
                    other: side(other, &names[1], corner),
                    metric,
                    colormap,
                    style: look,
                    difference_range: Some(difference),
                    title: format!("{run} · {} of two surfaces", quantity_name(metric, look.quantity)),
                })
            }
            Figure::Points { figure, colormap } => Self::Points(PointsFigure {
                run_state: state,
                snapshot: surface()?,
                quantity: figure,
                colormap,
                title: format!("{run} · control points"),
            }),
            Figure::Distances { colormap } => {
                let latest = state.geometry.last();
                let (aligned, fitted) = latest.map_or((false, false), |g| (g.aligned, g.fitted));
                let subtitle = match &state.distances {
                    Some(d) => {
                        format!("between the control points at step {}, in mean distances between corners", d.step)
                    }
                    None if fitted => "Euclidean, between the corners after the fit".into(),
                    None if aligned => "Euclidean, between the aligned corners".into(),
                    None => "Euclidean, between the corners".into(),
                };
                Self::Distances(DistancesFigure {
                    matrix: state.distance_matrix().ok_or(ReportError::NoDistances)?,
                    subtitle,
                    colormap,
                    title: format!("{run} · distances in weight space"),
                })
            }
            Figure::Slices { metric, look, along, u, v } => {
                let heatmap = &surface()?.heatmap;
                let (what, place) = (quantity_name(metric, look.quantity), heatmap.patch.format_parameters(u, v, 3));
                Self::Slices(SliceFigure {
                    heatmap,
                    point: (u, v),
                    metric,
                    style: look,
                    directions: along,
                    title: format!("{run} · {what} through {place}"),
                })
            }
        })
    }

    /// The bytes of a file.
    ///
    /// # Errors
    /// [`ReportError::Draw`].
    pub fn encode(&self, form: FigureForm) -> Result<Vec<u8>, ReportError> {
        match form {
            FigureForm::Png => self.png(),
            FigureForm::Svg => self.svg().map(String::into_bytes),
        }
    }
}

impl DrawableFigure for RunFigure<'_> {
    fn size(&self) -> (u32, u32) {
        match self {
            Self::Losses(figure) => figure.size(),
            Self::Heatmap(figure) => figure.size(),
            Self::Relief(figure) => figure.size(),
            Self::Beside(figure) => figure.size(),
            Self::Points(figure) => figure.size(),
            Self::Distances(figure) => figure.size(),
            Self::Slices(figure) => figure.size(),
        }
    }

    fn draw<DB: DrawingBackend>(&self, page: &FigurePage<'_, DB>) -> Result<(), DrawingAreaErrorKind<DB::ErrorType>> {
        match self {
            Self::Losses(figure) => figure.draw(page),
            Self::Heatmap(figure) => figure.draw(page),
            Self::Relief(figure) => figure.draw(page),
            Self::Beside(figure) => figure.draw(page),
            Self::Points(figure) => figure.draw(page),
            Self::Distances(figure) => figure.draw(page),
            Self::Slices(figure) => figure.draw(page),
        }
    }
}
