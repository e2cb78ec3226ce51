//! What of the screen a figure shows: the look of its panes, for whoever draws it.

use crate::app::App;
use crate::link::FigureDrawing;
use crate::views::surface::{CellQuantity, SurfaceScene, SurfaceView, compared};
use surfit_core::event::LossCurve;
use surfit_core::heatmap::HeatmapStyle;
use surfit_core::series::OtherCurve;

impl App {
    /// The curves as they are shown, with those of other runs.
    pub(super) fn curves_drawn(&self) -> FigureDrawing {
        let others = self.loss.overlays.iter().filter_map(|run| {
            let picture = &run.picture;
            Some(OtherCurve {
                name: run.name.clone(),
                series: picture.curves.get(&LossCurve::Surface)?.clone(),
                track: picture
                    .tracks
                    .get(&LossCurve::Surface)
                    .cloned()
                    .unwrap_or_default(),
                validations: picture
                    .validations
                    .get(&LossCurve::Surface)
                    .cloned()
                    .unwrap_or_default(),
            })
        });
        FigureDrawing::Losses {
            look: self.loss.look(&self.picture),
            others: others.collect(),
        }
    }

    /// The map as it is shown, or would be of another quantity.
    pub(super) fn map(&self, quantity: CellQuantity) -> FigureDrawing {
        FigureDrawing::Heatmap {
            metric: self.surface.metric,
            colormap: self.theme.colormap(),
            look: self.look(quantity),
        }
    }

    /// The slices through the cursor.
    pub(super) fn slices_drawn(&self) -> FigureDrawing {
        let (u, v) = self.surface.uv(self.grid());
        FigureDrawing::Slices {
            metric: self.surface.metric,
            look: self.look(self.surface.quantity),
            along: self.surface.slices.along(),
            u,
            v,
        }
    }

    /// The surface in three dimensions, seen as the relief is.
    pub(super) fn relief_drawn(&self) -> FigureDrawing {
        FigureDrawing::Relief {
            metric: self.surface.metric,
            colormap: self.theme.colormap(),
            look: self.look(self.surface.quantity),
            camera: self.surface.camera,
        }
    }

    /// This surface and the one beside it; alone without one.
    pub(super) fn beside_drawn(&self) -> FigureDrawing {
        let (metric, alone) = (self.surface.metric, self.map(self.surface.quantity));
        let Some(other) = self.surface.beside.as_ref() else {
            return alone;
        };
        let corner = metric.best_corner(&other.corners);
        let mut view = self.surface.clone();
        // Without corners of both there is nothing that either is better than.
        if corner.is_none() && view.quantity == CellQuantity::Gain {
            view.quantity = CellQuantity::Value;
        }
        let Some(scene) = SurfaceScene::new(&self.theme, &self.picture, &view) else {
            return alone;
        };
        let compared = compared(&scene, other);
        let [both, difference] = compared.ranges;
        FigureDrawing::Beside {
            metric,
            colormap: self.theme.colormap(),
            look: HeatmapStyle {
                range: Some(both),
                ..scene.look()
            },
            names: compared.names,
            other: Box::new(other.heatmap.clone()),
            corner: corner.unwrap_or(0.0),
            difference,
        }
    }

    /// The control points in the colours of the figure that their tiles tell first.
    pub(super) fn points_drawn(&self) -> FigureDrawing {
        FigureDrawing::Points {
            figure: self.points.figure,
            colormap: self.theme.colormap(),
        }
    }

    /// The distances that are known.
    pub(super) fn distances_drawn(&self) -> FigureDrawing {
        FigureDrawing::Distances {
            colormap: self.theme.colormap(),
        }
    }

    fn look(&self, quantity: CellQuantity) -> HeatmapStyle {
        let view = SurfaceView {
            quantity,
            ..self.surface.clone()
        };
        let scene = SurfaceScene::new(&self.theme, &self.picture, &view);
        scene.map(|s| s.look()).unwrap_or_default()
    }
}
