//! What of the screen a figure shows: the look of its panes, for whoever draws it.

use crate::app::{App, Pane};
use crate::link::Figure;
use crate::views::surface::{CellQuantity, SurfaceScene, SurfaceView, compare_surfaces};
use surfit_core::event::LossCurve;
use surfit_core::heatmap::HeatmapStyle;
use surfit_core::series::OtherCurve;
use surfit_core::surface::Patch;

/// What there is a figure of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FigureSubject {
    /// The loss curves.
    Losses,
    /// The surface as its pane shows it: as a map, in three dimensions, or beside another.
    Surface,
    /// Slices of the surface through the cursor.
    Slices,
    /// The control points.
    Points,
    /// Distances between the corners or the control points.
    Distances,
}

impl FigureSubject {
    /// All of them, in the order of the panes.
    pub(crate) const ALL: [Self; 5] = [Self::Losses, Self::Surface, Self::Slices, Self::Points, Self::Distances];

    /// The subject of a pane.
    pub(crate) fn of_pane(app: &App, pane: Pane) -> Self {
        match pane {
            Pane::Loss => Self::Losses,
            Pane::Surface => Self::Surface,
            Pane::Points if app.points.show_distances => Self::Distances,
            Pane::Points => Self::Points,
        }
    }

    /// The pane that shows it.
    pub(crate) fn pane(self) -> Pane {
        match self {
            Self::Losses => Pane::Loss,
            Self::Surface | Self::Slices => Pane::Surface,
            Self::Points | Self::Distances => Pane::Points,
        }
    }
}

/// Kind of a [`Figure`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FigureKind {
    Losses,
    Heatmap,
    Relief,
    Comparison,
    Slices,
    Points,
    Distances,
}

impl App {
    /// The kind of the figure of what a view shows; `None` before there are data for it.
    pub(crate) fn figure_kind(&self, subject: FigureSubject) -> Option<FigureKind> {
        let state = &self.run_state;
        let snapshot = state.snapshot.as_ref();
        let is_measured = || snapshot.is_some_and(|s| s.heatmap.surface_cells().any(|i| s.heatmap.cells[i].images > 0));
        let is_relief = || self.surface.show_relief && self.degrees().patch() != Patch::Curve;
        let (kind, has_data) = match subject {
            FigureSubject::Losses => (FigureKind::Losses, self.loss.window(state).is_some()),
            FigureSubject::Surface if self.is_compared() => (FigureKind::Comparison, is_measured()),
            FigureSubject::Surface if is_relief() => (FigureKind::Relief, is_measured()),
            FigureSubject::Surface => (FigureKind::Heatmap, is_measured()),
            FigureSubject::Slices => (FigureKind::Slices, is_measured()),
            FigureSubject::Points => (FigureKind::Points, snapshot.is_some_and(|s| !s.control_points.is_empty())),
            FigureSubject::Distances => {
                (FigureKind::Distances, state.distance_matrix().is_some_and(|m| !m.names.is_empty()))
            }
        };
        has_data.then_some(kind)
    }

    /// The figure of what a view shows; `None` before there are data for it.
    pub(crate) fn figure_of(&self, subject: FigureSubject) -> Option<Figure> {
        Some(match self.figure_kind(subject)? {
            FigureKind::Losses => self.curves_figure(),
            FigureKind::Heatmap => self.heatmap_figure(self.surface.quantity),
            FigureKind::Relief => self.relief_figure(),
            FigureKind::Comparison => self.comparison_figure(),
            FigureKind::Slices => self.slices_figure(),
            FigureKind::Points => self.points_figure(),
            FigureKind::Distances => self.distances_figure(),
        })
    }

    /// Another surface of the same kind is shown beside this one.
    fn is_compared(&self) -> bool {
        let patch = self.run_state.snapshot.as_ref().map(|s| s.heatmap.patch);
        self.surface.comparison.as_ref().is_some_and(|other| Some(other.heatmap.patch) == patch)
    }

    /// The curves as they are shown, with those of other runs.
    pub(crate) fn curves_figure(&self) -> Figure {
        let others = self.loss.overlays.iter().filter_map(|run| {
            let state = &run.run_state;
            Some(OtherCurve {
                name: run.name.clone(),
                series: state.curves.get(&LossCurve::Surface)?.clone(),
                track: state.tracks.get(&LossCurve::Surface).cloned().unwrap_or_default(),
                validations: state.validations.get(&LossCurve::Surface).cloned().unwrap_or_default(),
            })
        });
        Figure::Losses { look: self.loss.curve_style(&self.run_state), others: others.collect() }
    }

    /// The map as it is shown, or would be of another quantity.
    pub(crate) fn heatmap_figure(&self, quantity: CellQuantity) -> Figure {
        Figure::Heatmap {
            metric: self.surface.metric,
            colormap: self.theme.colormap(),
            look: self.heatmap_style(quantity),
        }
    }

    /// The slices through the cursor.
    pub(crate) fn slices_figure(&self) -> Figure {
        let (u, v) = self.surface.uv(self.grid());
        Figure::Slices {
            metric: self.surface.metric,
            look: self.heatmap_style(self.surface.quantity),
            along: self.surface.slices.directions(),
            u,
            v,
        }
    }

    /// The surface in three dimensions, seen as the relief is.
    pub(crate) fn relief_figure(&self) -> Figure {
        Figure::Relief {
            metric: self.surface.metric,
            colormap: self.theme.colormap(),
            look: self.heatmap_style(self.surface.quantity),
            camera: self.surface.camera,
        }
    }

    /// This surface and the one beside it; alone without one.
    pub(crate) fn comparison_figure(&self) -> Figure {
        let (metric, alone) = (self.surface.metric, self.heatmap_figure(self.surface.quantity));
        let Some(other) = self.surface.comparison.as_ref() else {
            return alone;
        };
        let corner = metric.best_corner_value(&other.corners);
        let mut view = self.surface.clone();
        // Without corners of both there is nothing that either is better than.
        if corner.is_none() && view.quantity == CellQuantity::Gain {
            view.quantity = CellQuantity::Value;
        }
        let Some(scene) = SurfaceScene::new(&self.theme, &self.run_state, &view) else {
            return alone;
        };
        let compared = compare_surfaces(&scene, other);
        let [both, difference] = compared.ranges;
        Figure::Beside {
            metric,
            colormap: self.theme.colormap(),
            look: HeatmapStyle { range: Some(both), ..scene.heatmap_style() },
            names: compared.names,
            other: Box::new(other.heatmap.clone()),
            corner: corner.unwrap_or(0.0),
            difference,
        }
    }

    /// The control points in the colours of the figure that their tiles show first.
    pub(crate) fn points_figure(&self) -> Figure {
        Figure::Points { figure: self.points.figure, colormap: self.theme.colormap() }
    }

    pub(crate) fn distances_figure(&self) -> Figure {
        Figure::Distances { colormap: self.theme.colormap() }
    }

    fn heatmap_style(&self, quantity: CellQuantity) -> HeatmapStyle {
        let view = SurfaceView { quantity, ..self.surface.clone() };
        let scene = SurfaceScene::new(&self.theme, &self.run_state, &view);
        scene.map(|s| s.heatmap_style()).unwrap_or_default()
    }
}
