//! What of the screen a figure shows: the look of its panes, for whoever draws it.

use crate::app::App;
use crate::link::Drawing;
use crate::views::surface::{Quantity, Scene, SurfaceView};
use surfit_core::event::Curve;
use surfit_core::heatmap::Look;
use surfit_core::series::OtherCurve;

impl App {
    /// The curves as they are shown, with those of other runs.
    pub(super) fn curves_drawn(&self) -> Drawing {
        let others = self.loss.overlays.iter().filter_map(|run| {
            let picture = &run.picture;
            Some(OtherCurve {
                name: run.name.clone(),
                series: picture.curves.get(&Curve::Surface)?.clone(),
                track: picture
                    .tracks
                    .get(&Curve::Surface)
                    .cloned()
                    .unwrap_or_default(),
                validations: picture
                    .validations
                    .get(&Curve::Surface)
                    .cloned()
                    .unwrap_or_default(),
            })
        });
        Drawing::Losses {
            look: self.loss.look(&self.picture),
            others: others.collect(),
        }
    }

    /// The map as it is shown, or would be of another quantity.
    pub(super) fn map(&self, quantity: Quantity) -> Drawing {
        Drawing::Heatmap {
            metric: self.surface.metric,
            colormap: self.theme.colormap(),
            look: self.look(quantity),
        }
    }

    /// The slices through the cursor.
    pub(super) fn slices_drawn(&self) -> Drawing {
        let (u, v) = self.surface.uv(self.grid());
        Drawing::Slices {
            metric: self.surface.metric,
            look: self.look(self.surface.quantity),
            along: self.surface.slices.along(),
            u,
            v,
        }
    }

    fn look(&self, quantity: Quantity) -> Look {
        let view = SurfaceView {
            quantity,
            ..self.surface.clone()
        };
        let scene = Scene::new(&self.theme, &self.picture, &view);
        scene.map(|s| s.look()).unwrap_or_default()
    }
}
