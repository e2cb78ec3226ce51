//! What of the screen a figure shows: the look of its panes, for whoever draws it.

use crate::app::App;
use crate::link::Figure;
use crate::views::surface::{CellQuantity, SurfaceScene, SurfaceView, compare_surfaces};
use surfit_core::event::LossCurve;
use surfit_core::heatmap::HeatmapStyle;
use surfit_core::series::OtherCurve;

impl App {
    /// The curves as they are shown, with those of other runs.
    pub(crate) fn curves_figure(&self) -> Figure {
        let others = self.loss.overlays.iter().filter_map(|run| {
            let picture = &run.run_state;
            Some(OtherCurve {
                name: run.name.clone(),
                series: picture.curves.get(&LossCurve::Surface)?.clone(),
                track: picture.tracks.get(&LossCurve::Surface).cloned().unwrap_or_default(),
                validations: picture.validations.get(&LossCurve::Surface).cloned().unwrap_or_default(),
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

    /// The distances that are known.
    pub(crate) fn distances_figure(&self) -> Figure {
        Figure::Distances { colormap: self.theme.colormap() }
    }

    fn heatmap_style(&self, quantity: CellQuantity) -> HeatmapStyle {
        let view = SurfaceView { quantity, ..self.surface.clone() };
        let scene = SurfaceScene::new(&self.theme, &self.run_state, &view);
        scene.map(|s| s.heatmap_style()).unwrap_or_default()
    }
}
