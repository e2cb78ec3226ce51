//! The present control points: how far each has travelled, how large its gradients are, how good the surface is there.

use super::Actor;
use crate::surface::{StepRecord, Surface};
use serde::{Deserialize, Serialize};
use surfit_core::snapshot::ControlPoint;
use surfit_core::surface::TrainablePoints;
use tch::{Device, Tensor};

/// Recent gradient norms that are shown for every control point.
const MAX_GRADIENTS: usize = 32;

/// Gradient norms of the control points over recent steps. A function of the steps alone, and part of the checkpoint: a
/// resumed fit reports the same.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GradientHistory {
    /// Steps since the surface has its degrees.
    steps: u64,
    /// Steps of the window under way, and for every control point the sum of their squared norms.
    in_window: u64,
    squares: Vec<f64>,
    /// Root mean squares of the windows before, oldest first, for every control point.
    norms: Vec<Vec<f32>>,
}

impl GradientHistory {
    /// Steps that one value is the mean of: more of them as the fit grows older.
    fn window_steps(&self) -> u64 {
        1 + (self.steps / 64).min(63)
    }

    /// Records one step: the norm of every draw's gradient, and what each control point has of every draw.
    fn add_step(&mut self, weights: &[Vec<f64>], norms: &[f32]) {
        let Some(points) = weights.first().map(Vec::len) else {
            return;
        };
        if self.squares.len() != points {
            *self = Self { squares: vec![0.0; points], norms: vec![Vec::new(); points], ..Self::default() };
        }
        let share = 1.0 / weights.len() as f64;
        for (b, norm) in weights.iter().zip(norms) {
            for (square, b) in self.squares.iter_mut().zip(b) {
                // A number that is not finite would make the checkpoint unreadable.
                *square += (b * share * f64::from(norm.min(f32::MAX))).powi(2);
            }
        }
        self.steps += 1;
        self.in_window += 1;
        if self.in_window < self.window_steps() {
            return;
        }
        for (past, square) in self.norms.iter_mut().zip(&mut self.squares) {
            let norm = (*square / self.in_window as f64).sqrt();
            past.push(norm.min(f64::from(f32::MAX)) as f32);
            past.drain(..past.len().saturating_sub(MAX_GRADIENTS));
            *square = 0.0;
        }
        self.in_window = 0;
    }
}

impl Actor<'_> {
    /// The mean distance between corners, the unit of distances between control points. Given corners do not move.
    pub(super) fn corner_distance_scale(&self, surface: &Surface) -> f64 {
        let known = self.fit_scratch.mean_corner_distance.filter(|_| surface.trainable() != TrainablePoints::All);
        known.unwrap_or_else(|| surface.mean_corner_distance())
    }

    pub(super) fn describe_points(&self) -> Vec<ControlPoint> {
        // Before the branch they are one network.
        let Some(surface) = self.surface.as_ref().filter(|surface| !surface.is_trunk()) else {
            return Vec::new();
        };
        let fixed = surface.degrees().first_trainable_row(surface.trainable());
        let (distances, scale) = match surface.trainable() {
            TrainablePoints::AllButCorners => (surface.distances_from_linear(), self.corner_distance_scale(surface)),
            // The linear surface moves with the corners.
            TrainablePoints::All => surface.distances_from_centroid(),
        };
        let rows = surface.degrees().row_indices().into_iter();
        rows.zip(distances)
            .zip(surface.frozen())
            .enumerate()
            .map(|(row, (((i, j), travelled), &frozen))| {
                let corner = row < fixed;
                let mut gradients = self.gradients.norms.get(row).cloned().unwrap_or_default();
                if corner {
                    gradients.fill(0.0);
                }
                let last = gradients.last().copied().filter(|_| !frozen);
                ControlPoint {
                    i,
                    j,
                    corner,
                    frozen,
                    travelled: if scale > 0.0 { travelled / scale } else { 0.0 },
                    gradient: last.map_or(0.0, f64::from),
                    gradients,
                    accuracy: None,
                }
            })
            .collect()
    }

    /// The control points as views see them: with the accuracy of the surface at each one's place, where the heatmap has a
    /// cell within half a cell of it.
    pub(super) fn points_with_accuracy(&self) -> Vec<ControlPoint> {
        let mut points = self.points.clone();
        let Some(surface) = &self.surface else {
            return points;
        };
        let half = 0.5 / (self.heatmap.grid - 1) as f64 + 1e-9;
        for point in &mut points {
            let (u, v) = surface.degrees().row_parameters((point.i, point.j));
            let index = self.heatmap.nearest_cell(u, v);
            let (a, b) = self.heatmap.parameters(index);
            let near = (a - u).abs() <= half && (b - v).abs() <= half;
            let accuracy = self.heatmap.cells[index].accuracy();
            point.accuracy = accuracy.filter(|_| near);
        }
        points
    }

    /// Brings travelled distances, states and gradients up to date.
    pub(super) fn refresh_points(&mut self) {
        self.points = self.describe_points();
    }

    /// Adds the gradient norms of the steps since the last time to the control points. The norm of a control point's
    /// gradient is taken from its draws' norms as if those were orthogonal, which costs nothing.
    pub(super) fn add_gradients(&mut self, records: &[StepRecord]) {
        if records.is_empty() {
            return;
        }
        let norms: Vec<&Tensor> = records.iter().map(|r| &r.norms).collect();
        let norms = Tensor::cat(&norms, 0).to_device(Device::Cpu);
        let norms = Vec::<f32>::try_from(norms).unwrap_or_default();

        let mut at = norms.as_slice();
        for record in records {
            let (own, others) = at.split_at(record.weights.len().min(at.len()));
            self.gradients.add_step(&record.weights, own);
            at = others;
        }
        let norms = self.gradients.norms.iter();
        let fixed = match &self.surface {
            Some(surface) => surface.degrees().first_trainable_row(surface.trainable()),
            None => 0,
        };
        for (point, norms) in self.points.iter_mut().zip(norms).skip(fixed) {
            point.gradients.clone_from(norms);
            let last = norms.last().filter(|_| !point.frozen);
            point.gradient = last.copied().map_or(0.0, f64::from);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gradients_are_a_function_of_the_steps_however_often_the_fit_is_interrupted() {
        let steps = 500;
        let step = |n: usize| {
            let weights = vec![vec![0.25, 0.75], vec![0.5, 0.5]];
            (weights, [n as f32, 0.1])
        };
        let mut whole = GradientHistory::default();
        let mut resumed = GradientHistory::default();
        for n in 0..steps {
            let (weights, norms) = step(n);
            whole.add_step(&weights, &norms);
            resumed.add_step(&weights, &norms);
            if n % 7 == 0 {
                let text = serde_json::to_string(&resumed).unwrap();
                resumed = serde_json::from_str(&text).unwrap();
            }
        }
        assert_eq!(whole, resumed);
        assert_eq!(whole.norms[0].len(), MAX_GRADIENTS);
        assert!(whole.norms[1].windows(2).all(|w| w[0] < w[1]));
        // Figures of another surface are discarded.
        whole.add_step(&[vec![1.0, 0.0, 0.0]], &[f32::INFINITY]);
        assert_eq!(whole.norms.len(), 3);
        assert_eq!(whole.norms[0], [f32::MAX]);
    }
}
