//! Distances between things with names, as they are known of corners or of all control points.

use surfit_core::event::{Distances, Geometry};

/// Distances between things with names; the diagonal is zero.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    /// One name a row and column.
    pub names: Vec<String>,
    /// `names.len()²` distances, row by row; not a number where one is not known.
    pub values: Vec<f64>,
}

impl Matrix {
    /// Distances between the corners.
    pub fn of_corners(geometry: &Geometry) -> Self {
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
        Self {
            names: (1..=count).map(|n| n.to_string()).collect(),
            values,
        }
    }

    /// Distances between all control points, as the engine told them.
    pub fn of_points(distances: &Distances) -> Self {
        let names = distances.points.iter();
        Self {
            names: names.map(|(i, j)| format!("{i}{j}")).collect(),
            values: distances.values.clone(),
        }
    }

    /// The largest of them.
    pub fn largest(&self) -> f64 {
        let finite = self.values.iter().copied().filter(|v| v.is_finite());
        finite.fold(0.0, f64::max)
    }
}
