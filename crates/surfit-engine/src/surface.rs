//! The surface in weight space: one matrix of control points and its optimizer.

mod fused_cpu_store;
mod kernel;
mod matrix_store;
mod step;
mod weight_store;

pub use step::{MicroBatch, StepRecord, StepTimer};

use crate::optimizer::{Sgd, StepHyperparams};
use surfit_core::draws::FitPhase;
use surfit_core::surface::{Degrees, DenseMatrix, TrainablePoints};
use tch::{Device, Kind, Tensor};

/// Control points `Θ`, `[K, P]`, in the row order of [`surfit_core::surface`] (corners first), with their velocity.
///
/// Before it branches, all control points are one network, the trunk. Then `Θ` and velocity have one row.
///
/// The velocity is kept in units of a step (already multiplied by the learning rate), `U ← μ(η/η₋)U + η(b∘free)gᵀ`,
/// `Θ ← Θ − U`: the same as SGD with momentum on `V = U/η`, but both are changed in place, in one pass, without a scaled
/// copy.
#[derive(Debug)]
pub struct Surface {
    degrees: Degrees,
    trainable: TrainablePoints,
    theta: Tensor,
    optimizer: Sgd,
    frozen: Vec<bool>,
    version: u64,
    /// Where a step keeps its draws' networks and gradients.
    networks: Option<weight_store::SampleNetworks>,
}

/// What of a surface is not a tensor; stored with a checkpoint.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct SurfaceState {
    pub degrees: Degrees,
    /// For every row, whether it is held still.
    pub frozen: Vec<bool>,
    /// Effective rate of the last step, 0 before the first.
    pub last_rate: f64,
    /// Grows with every change of a control point.
    pub version: u64,
    /// Which control points train.
    #[serde(default)]
    pub trainable: TrainablePoints,
    /// Whether all control points are still one network.
    #[serde(default)]
    pub is_trunk: bool,
}

impl SurfaceState {
    /// Rows of control points and of velocity.
    pub fn rows(&self) -> [usize; 2] {
        match self.is_trunk {
            true => [1, 1],
            false => [self.degrees.point_count(), self.degrees.trainable_count(self.trainable)],
        }
    }
}

impl Surface {
    /// The linear surface between two, three or four corners, each `[P]`, as many as `degrees` has. The corners are taken,
    /// one after the other, so that no second copy of them stays.
    pub fn linear(degrees: Degrees, trainable: TrainablePoints, corners: Vec<Tensor>) -> Self {
        let (device, p) = (corners[0].device(), corners[0].size()[0]);
        let k = degrees.point_count() as i64;
        let theta = Tensor::empty([k, p], (Kind::Float, device));
        let given = degrees.corner_count();
        debug_assert_eq!(corners.len(), given);
        for (row, corner) in corners.into_iter().enumerate() {
            theta.get(row as i64).copy_(&corner);
        }
        if k > given as i64 {
            let rest = coefficient_tensor(&degrees.linear_rows()[given..], device);
            let given = given as i64;
            let _ = rest.mm_out(&theta.narrow(0, given, k - given), &theta.narrow(0, 0, given));
        }
        let velocity = Tensor::zeros([degrees.trainable_count(trainable) as i64, p], (Kind::Float, device));
        Self::new(degrees, trainable, theta, velocity)
    }

    /// A surface all of whose control points are one network, `[P]`, until it branches. All of them train.
    pub fn trunk(degrees: Degrees, network: &Tensor) -> Self {
        let theta = network.unsqueeze(0).copy();
        let velocity = theta.zeros_like();
        Self::new(degrees, TrainablePoints::All, theta, velocity)
    }

    fn new(degrees: Degrees, trainable: TrainablePoints, theta: Tensor, velocity: Tensor) -> Self {
        let frozen = vec![false; degrees.point_count()];
        let optimizer = Sgd { velocity, last_rate: 0.0 };
        Self { degrees, trainable, theta, optimizer, frozen, version: 1, networks: None }
    }

    /// A surface from its stored parts, whose rows are [`SurfaceState::rows`].
    pub fn restore(state: SurfaceState, theta: Tensor, velocity: Tensor) -> Self {
        let SurfaceState { degrees, frozen, last_rate, version, trainable, is_trunk: _ } = state;
        Self {
            degrees,
            trainable,
            theta: theta.contiguous(),
            optimizer: Sgd { velocity: velocity.contiguous(), last_rate },
            frozen,
            version,
            networks: None,
        }
    }

    pub fn state(&self) -> SurfaceState {
        SurfaceState {
            degrees: self.degrees,
            frozen: self.frozen.clone(),
            last_rate: self.optimizer.last_rate,
            version: self.version,
            trainable: self.trainable,
            is_trunk: self.is_trunk(),
        }
    }

    pub fn degrees(&self) -> Degrees {
        self.degrees
    }

    /// Control points, `[K, P]`; `[1, P]` of a trunk.
    pub fn theta(&self) -> &Tensor {
        &self.theta
    }

    /// The control point in a row, `[P]`.
    pub fn control_point(&self, row: usize) -> Tensor {
        self.theta.get(if self.is_trunk() { 0 } else { row as i64 })
    }

    /// Which control points train.
    pub fn trainable(&self) -> TrainablePoints {
        self.trainable
    }

    /// True while all control points are one network, and so one row: every surface has two points at least.
    pub fn is_trunk(&self) -> bool {
        self.theta.size()[0] == 1
    }

    /// Number of control points that train.
    pub fn trainable_count(&self) -> usize {
        self.degrees.trainable_count(self.trainable)
    }

    /// Makes every control point a copy of the trunk, with its velocity. Each point of the surface then moves as the trunk
    /// would have, since Bernstein weights sum to one.
    pub fn branch(&mut self) {
        if !self.is_trunk() {
            return;
        }
        self.release_networks();
        let rows = self.degrees.point_count() as i64;
        let repeat = |row: &Tensor| row.repeat([rows, 1]);
        (self.theta, self.optimizer.velocity) = (repeat(&self.theta), repeat(self.velocity()));
        self.version += 1;
    }

    /// Weights of the stored rows in the network at `(u, v)`.
    fn row_weights(&self, (u, v): (f64, f64)) -> Vec<f64> {
        if self.is_trunk() { vec![1.0] } else { self.degrees.bernstein_weights(u, v) }
    }

    /// Velocity of the trainable points in units of a step, `[trainable, P]`; `[1, P]` of a trunk.
    pub fn velocity(&self) -> &Tensor {
        &self.optimizer.velocity
    }

    /// Grows with every change of a control point.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Counts versions from where an earlier surface of the same run ended, so that no cell of it looks fresh.
    pub fn start_versions_after(&mut self, version: u64) {
        self.version = self.version.max(version + 1);
    }

    /// For every row, whether it is held still.
    pub fn frozen(&self) -> &[bool] {
        &self.frozen
    }

    /// Fixes a row or makes it trainable, and clears its velocity. Corners that do not train always stay fixed. A trunk cannot
    /// be frozen.
    pub fn set_frozen(&mut self, row: usize, frozen: bool) {
        let first = self.degrees.first_trainable_row(self.trainable);
        if row >= first && row < self.frozen.len() && !self.is_trunk() {
            self.frozen[row] = frozen;
            let _ = self.velocity().get((row - first) as i64).zero_();
        }
    }

    /// A combination of the control points with weights `b`, `[K]`: the network there, `[P]`.
    pub fn combine(&self, b: &[f64]) -> Tensor {
        let b = if self.is_trunk() { &[1.0] } else { b };
        let b = Tensor::from_slice(&to_f32(b)).to_device(self.theta.device());
        b.unsqueeze(0).mm(&self.theta).squeeze_dim(0)
    }

    /// The network at `(u, v)`, `[P]`.
    pub fn network_at(&self, u: f64, v: f64) -> Tensor {
        self.combine(&self.degrees.bernstein_weights(u, v))
    }

    /// The mean of the whole surface, `[P]`.
    pub fn centroid(&self) -> Tensor {
        self.combine(&self.degrees.centroid_weights())
    }

    /// `Σ E[b_k²]` over the rows that train, for draws of a phase: what the rate is divided by, so that a step moves the
    /// network at a draw alike at every degree. 0 when nothing trains.
    pub fn normalizer(&self, phase: FitPhase) -> f64 {
        let moments = match phase {
            FitPhase::Edge => self.degrees.edge_second_moments(),
            FitPhase::Interior | FitPhase::Trunk => self.degrees.interior_second_moments(),
        };
        moments.iter().enumerate().filter(|(k, _)| self.is_trainable(*k)).map(|(_, m)| m).sum()
    }

    fn is_trainable(&self, row: usize) -> bool {
        row >= self.degrees.first_trainable_row(self.trainable) && !self.frozen[row]
    }

    /// Changes the degrees: exact elevation, or the least-squares fit with corners held. The velocity goes along. Gives
    /// the largest distance by which a point of the surface moved, relative to `scale`: from coefficients in `f64` and
    /// products of control points in `f32` on a 41×41 grid, and as the stored numbers have it on a 5×5 grid. `to` is of the same kind of surface.
    pub fn convert(&mut self, to: Degrees, scale: f64) -> f64 {
        let from = self.degrees;
        if from == to {
            return 0.0;
        }
        self.release_networks();
        if self.is_trunk() {
            (self.degrees, self.frozen) = (to, vec![false; to.point_count()]);
            return 0.0;
        }
        let matrix = from.conversion_matrix(to);
        let device = self.theta.device();
        let theta = coefficient_tensor(&matrix, device).mm(&self.theta);
        // Corners that do not move have no velocity, and the rest of the matrix carries it all.
        let corners = from.corner_count();
        let first = from.first_trainable_row(self.trainable);
        let inner: DenseMatrix = matrix[first..].iter().map(|row| row[first..].to_vec()).collect();
        let velocity = match (inner.len(), self.trainable_count()) {
            (0, _) | (_, 0) => Tensor::zeros([inner.len() as i64, theta.size()[1]], (Kind::Float, device)),
            _ => coefficient_tensor(&inner, device).mm(self.velocity()),
        };
        // The corners' rows are the given networks to the last bit, not a sum with rounding.
        let given = |theta: &Tensor| theta.narrow(0, 0, corners as i64);
        given(&theta).copy_(&given(&self.theta));
        let exact = deviation_on_grid(from, to, &matrix, &self.theta);
        let old = std::mem::replace(&mut self.theta, theta);
        let moved = grid_points(from, 5)
            .map(|(u, v)| {
                let before = coefficient_tensor(&[from.bernstein_weights(u, v)], device).mm(&old).squeeze_dim(0);
                (self.combine(&to.bernstein_weights(u, v)) - before).norm().double_value(&[])
            })
            .fold(exact, f64::max);
        self.optimizer.velocity = velocity;
        self.degrees = to;
        // Points that the user froze keep standing still only where the grid of points is the same.
        self.frozen = vec![false; to.point_count()];
        if !from.converts_exactly(to) {
            self.version += 1;
        }
        moved / scale.max(f64::MIN_POSITIVE)
    }

    /// Mean distance between two corners; 0 of a trunk.
    pub fn mean_corner_distance(&self) -> f64 {
        let corner = |c| self.control_point(c);
        let corners = self.degrees.corner_count();
        let pairs: Vec<(usize, usize)> = (0..corners).flat_map(|a| (a + 1..corners).map(move |b| (a, b))).collect();
        let sum: f64 = pairs.iter().map(|&(a, b)| (corner(a) - corner(b)).norm().double_value(&[])).sum();
        sum / pairs.len() as f64
    }

    /// Distance of every row from its place on the linear surface. Reads from the device once a row.
    pub fn distances_from_linear(&self) -> Vec<f64> {
        if self.is_trunk() {
            return vec![0.0; self.degrees.point_count()];
        }
        let given = self.degrees.corner_count();
        let corners = self.theta.narrow(0, 0, given as i64);
        self.degrees
            .row_indices()
            .into_iter()
            .enumerate()
            .map(|(k, row)| {
                if k < given {
                    return 0.0;
                }
                let (u, v) = self.degrees.row_parameters(row);
                let c = to_f32(&self.degrees.patch().linear_weights(u, v));
                let c = Tensor::from_slice(&c).to_device(self.theta.device());
                let start = c.unsqueeze(0).mm(&corners).squeeze_dim(0);
                (self.theta.get(k as i64) - start).norm().double_value(&[])
            })
            .collect()
    }

    /// Distance of every row from the mean of all, and the norm of that mean. Reads from the device once a row.
    pub fn distances_from_centroid(&self) -> (Vec<f64>, f64) {
        let mean = self.centroid();
        let rows = 0..self.degrees.point_count();
        let distances = rows.map(|row| (self.control_point(row) - &mean).norm().double_value(&[])).collect();
        (distances, mean.norm().double_value(&[]))
    }

    /// Frees what only steps need; the next step makes it anew.
    pub fn release_networks(&mut self) {
        self.networks = None;
    }

    pub fn is_finite(&self) -> bool {
        // A sum is finite unless something in it is not; one pass, one read.
        self.theta.sum(Kind::Float).double_value(&[]).is_finite()
    }
}

/// The largest distance between a surface and its conversion on a fine grid, from the Gram matrix `G = ΘΘᵀ` of the old
/// control points: with `d = b_from − Mᵀ b_to` the distance is `√(dᵀ G d)`.
fn deviation_on_grid(from: Degrees, to: Degrees, matrix: &DenseMatrix, theta: &Tensor) -> f64 {
    let gram = theta.mm(&theta.tr()).to_kind(Kind::Float).to_device(Device::Cpu);
    let k = from.point_count();
    let gram: Vec<f32> = Vec::try_from(gram.reshape([-1])).unwrap_or_else(|_| vec![0.0; k * k]);
    let at = |(u, v): (f64, f64)| {
        let mut d = from.bernstein_weights(u, v);
        for (b, row) in to.bernstein_weights(u, v).into_iter().zip(matrix) {
            d.iter_mut().zip(row).for_each(|(d, m)| *d -= b * m);
        }
        let row = |r: usize| -> f64 { (0..k).map(|c| f64::from(gram[r * k + c]) * d[c]).sum() };
        (0..k).map(|r| d[r] * row(r)).sum::<f64>().max(0.0).sqrt()
    };
    grid_points(from, 41).map(at).fold(0.0, f64::max)
}

/// The points of a `side × side` grid over the parameters that are on the surface.
fn grid_points(degrees: Degrees, side: usize) -> impl Iterator<Item = (f64, f64)> {
    let last = (side - 1) as f64;
    (0..side * side)
        .map(move |cell| ((cell / side) as f64 / last, (cell % side) as f64 / last))
        .filter(move |&(u, v)| degrees.patch().contains(u, v))
}

fn to_f32(x: &[f64]) -> Vec<f32> {
    x.iter().map(|&v| v as f32).collect()
}

pub(crate) fn coefficient_tensor(matrix: &[Vec<f64>], device: Device) -> Tensor {
    let columns = matrix.first().map_or(0, Vec::len) as i64;
    let flat: Vec<f32> = matrix.iter().flatten().map(|&v| v as f32).collect();
    let host = Tensor::from_slice(&flat).view([-1, columns]);
    // Without waiting for what the device still has to do; the few numbers are copied from the host before this returns.
    host.to_device_(device, Kind::Float, true, false)
}

#[cfg(test)]
mod tests;
