//! Figures of the control points, one each, and the distances between them.

use super::RunState;
use crate::event::{Distances, Geometry};
use crate::snapshot::Snapshot;
use serde::{Deserialize, Serialize};

/// A figure of a control point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PointFigure {
    /// How far the point has travelled from the linear surface.
    #[default]
    Travelled,
    /// Accuracy of the surface where the point pulls hardest; of a corner, its own.
    Accuracy,
    /// Norm of the gradient.
    Gradient,
}

impl PointFigure {
    /// Every figure, in the order a key goes through them.
    pub const ALL: [PointFigure; 3] = [PointFigure::Travelled, PointFigure::Accuracy, PointFigure::Gradient];

    /// The figure in a word.
    pub fn name(self) -> &'static str {
        ["travelled", "accuracy", "gradient"][self as usize]
    }

    /// The next one, round about.
    pub fn next(self) -> Self {
        Self::ALL[(self as usize + 1) % Self::ALL.len()]
    }
}

impl RunState {
    /// Accuracy at a row of the control points, a fraction: that of a corner that is never trained, else the engine's value
    /// of the surface there, else that of the nearest measured cell, for which the second is true.
    pub fn accuracy_at(&self, snapshot: &Snapshot, row: usize) -> Option<(f64, bool)> {
        let point = snapshot.control_points.get(row)?;
        // Where corners train, what is known of them is of another time.
        let corner = snapshot.degrees.corner_number(row).filter(|_| point.corner);
        if let Some(corner) = corner.and_then(|c| self.corners.get(&c)) {
            return Some((corner.accuracy, false));
        }
        if let Some(accuracy) = point.accuracy {
            return Some((accuracy, false));
        }
        let map = &snapshot.heatmap;
        let (u, v) = snapshot.degrees.row_parameters((point.i, point.j));
        let cell = (map.grid >= 2).then(|| map.nearest_cell(u, v))?;
        map.measured_point(cell).map(|p| (p.accuracy, true))
    }

    /// The distances that are known: between the control points when they were measured, else between the corners.
    pub fn distance_matrix(&self) -> Option<DistanceMatrix> {
        let complete = |d: &&Distances| d.values.len() == d.points.len().pow(2);
        let points = self.distances.as_ref().filter(complete);
        points
            .map(DistanceMatrix::from_control_points)
            .or_else(|| self.geometry.last().map(DistanceMatrix::from_corners))
    }
}

/// Distances between things with names; the diagonal is zero.
#[derive(Clone, Debug, PartialEq)]
pub struct DistanceMatrix {
    /// One name a row and column.
    pub names: Vec<String>,
    /// `names.len()²` distances, row by row; not a number where one is not known.
    pub values: Vec<f64>,
}

impl DistanceMatrix {
    /// Distances between the corners.
    pub fn from_corners(geometry: &Geometry) -> Self {
        let count = geometry.pairs.iter().map(|p| p.0.max(p.1) + 1).max();
        let count = count.unwrap_or(0);
        let mut values = vec![f64::NAN; count * count];
        for k in 0..count {
            values[k * count + k] = 0.0;
        }
        for (&(a, b), &distance) in geometry.pairs.iter().zip(&geometry.distances) {
            values[a * count + b] = distance;
            values[b * count + a] = distance;
        }
        Self { names: (1..=count).map(|n| n.to_string()).collect(), values }
    }

    /// Distances between all control points, as the engine reported them.
    pub fn from_control_points(distances: &Distances) -> Self {
        let names = distances.points.iter();
        Self { names: names.map(|(i, j)| format!("{i}{j}")).collect(), values: distances.values.clone() }
    }

    /// The largest of them.
    pub fn max_distance(&self) -> f64 {
        let finite = self.values.iter().copied().filter(|v| v.is_finite());
        finite.fold(0.0, f64::max)
    }
}
