//! The control points as they stand: how far each has travelled, how large its gradients are, how good the surface is there.

use super::Actor;
use crate::surface::StepRecord;
use surfit_core::snapshot::ControlPoint;
use tch::{Device, Tensor};

/// Recent gradient norms that are shown for every control point.
const GRADIENTS: usize = 32;

impl Actor<'_> {
    /// Every control point as it stands, gradients empty.
    pub(super) fn describe_points(&self) -> Vec<ControlPoint> {
        let Some(surface) = &self.surface else {
            return Vec::new();
        };
        let scale = self.fit.scale.unwrap_or_else(|| surface.scale());
        let rows = surface.degrees().rows().into_iter();
        rows.zip(surface.travelled())
            .zip(surface.frozen())
            .enumerate()
            .map(|(row, (((i, j), travelled), &frozen))| ControlPoint {
                i,
                j,
                corner: row < surface.degrees().corners(),
                frozen,
                travelled: travelled / scale.max(f64::MIN_POSITIVE),
                gradient: 0.0,
                gradients: Vec::new(),
                accuracy: None,
            })
            .collect()
    }

    /// The control points as views see them: with the accuracy of the surface at each one's place, where the heatmap has a
    /// cell within half a cell of it.
    pub(super) fn shown_points(&self) -> Vec<ControlPoint> {
        let mut points = self.points.clone();
        let Some(surface) = &self.surface else {
            return points;
        };
        let half = 0.5 / (self.heatmap.grid - 1) as f64 + 1e-9;
        for point in &mut points {
            let (u, v) = surface.degrees().site((point.i, point.j));
            let index = self.heatmap.nearest(u, v);
            let (a, b) = self.heatmap.parameters(index);
            let near = (a - u).abs() <= half && (b - v).abs() <= half;
            let accuracy = self.heatmap.cells[index].accuracy();
            point.accuracy = accuracy.filter(|_| near);
        }
        points
    }

    /// Brings travelled distances and states up to date, keeping the gradients' history.
    pub(super) fn refresh_points(&mut self) {
        let fresh = self.describe_points();
        let old = std::mem::take(&mut self.points);
        self.points = fresh;
        if self.points.len() == old.len() {
            for (point, old) in self.points.iter_mut().zip(old) {
                if (point.i, point.j) == (old.i, old.j) {
                    point.gradient = old.gradient;
                    point.gradients = old.gradients;
                }
            }
        }
    }

    /// Adds the gradient norms of the steps since the last time to the control points. The norm of a control point's
    /// gradient is taken from its draws' norms as if those were orthogonal, which costs nothing.
    pub(super) fn fold_gradients(&mut self, records: &[StepRecord]) {
        if records.is_empty() {
            return;
        }
        let norms: Vec<&Tensor> = records.iter().map(|r| &r.norms).collect();
        let norms = Tensor::cat(&norms, 0).to_device(Device::Cpu);
        let norms = Vec::<f32>::try_from(norms).unwrap_or_default();

        let mut squares = vec![0.0; self.points.len()];
        let mut at = norms.iter();
        for record in records {
            let share = 1.0 / record.weights.len() as f64;
            for (b, norm) in record.weights.iter().zip(&mut at) {
                if b.len() == squares.len() {
                    for (square, b) in squares.iter_mut().zip(b) {
                        *square += (b * share * f64::from(*norm)).powi(2);
                    }
                }
            }
        }
        for (point, square) in self.points.iter_mut().zip(squares) {
            let value = (square / records.len() as f64).sqrt();
            point.gradient = if point.corner || point.frozen {
                0.0
            } else {
                value
            };
            point.gradients.push(point.gradient as f32);
            let excess = point.gradients.len().saturating_sub(GRADIENTS);
            point.gradients.drain(..excess);
        }
    }
}
