//! What passes over the large matrices: as few times as can be, for that is all a surface costs beside its networks.

use super::{Surface, coefficients};
use tch::{Device, Kind, Tensor};

/// Draws whose networks are interpolated in one pass over `Θ`, and whose gradients go into the velocity in one: the
/// default number of draws. More would need more memory than a fit may take, `(K + trainable + 3)·P·4` bytes above plain
/// training.
pub(super) const TOGETHER: usize = 4;

/// Columns of the matrices that a pass changes at a time on a CPU: as many as its caches hold of all rows, so that
/// velocity and control points come from memory once a step. Measured: 64 k to 256 k columns are alike, a pass over
/// whole rows takes 1.5 times as long with 12 trainable points.
const COLUMNS: i64 = 1 << 17;

/// Where a step keeps its draws' networks and gradients.
#[derive(Debug)]
pub(super) struct Scratch {
    /// `[draws, P]`, made by the first step, kept for the next.
    rows: Tensor,
    /// What networks the first rows are, after a sweep that made those of the next step.
    ready: Option<Ready>,
}

/// Networks that wait for their step.
#[derive(Debug, PartialEq)]
struct Ready {
    /// Their Bernstein weights.
    weights: Vec<Vec<f64>>,
    /// Of the control points that they are made of.
    version: u64,
}

/// What a sweep does.
pub(super) struct Update<'a> {
    /// What the velocity is multiplied with first.
    pub keep: Option<f64>,
    /// Weights of the gradients in the velocity, `[draws, trainable]`.
    pub steps: &'a Tensor,
    /// `[draws, P]`, rows of the scratch.
    pub gradients: &'a Tensor,
    /// Whether the control points then move by the velocity.
    pub moves: bool,
    /// Bernstein weights of the networks to interpolate once they have moved, at most [`TOGETHER`].
    pub next: &'a [Vec<f64>],
}

impl Surface {
    /// The networks with these Bernstein weights, `[draws, P]`; `points` are the weights on the device.
    pub(super) fn networks(&mut self, weights: &[Vec<f64>], points: &Tensor) -> Tensor {
        let version = self.version;
        let (flat, ready) = self.scratch(weights.len());
        if ready.is_none_or(|ready| ready.weights != weights || ready.version != version) {
            for (first, count) in self.columns() {
                let part = self.theta.narrow(1, first, count);
                let _ = points.mm_out(&flat.narrow(1, first, count), &part);
            }
        }
        flat
    }

    /// `U ← keep·U + stepsᵀ·gradients`, with `moves` then `Θ ← Θ − U` on the trainable rows, and with `next` its networks
    /// in place of the gradients.
    pub(super) fn sweep(&mut self, update: Update) {
        let Update { steps, next, .. } = update;
        let (draws, device) = (steps.size()[0], self.theta.device());
        let (corners, trainable) = (self.degrees.corners(), self.degrees.trainable());
        let inner = self.theta.narrow(0, corners as i64, trainable as i64);
        let (single, transposed) = (steps.get(0), steps.tr());
        let ahead =
            (!next.is_empty()).then(|| (self.scratch(next.len()).0, coefficients(next, device)));
        for (first, count) in self.columns() {
            let mut velocity = self.velocity.narrow(1, first, count);
            let gradients = update.gradients.narrow(1, first, count);
            if let Some(keep) = update.keep {
                let _ = velocity.g_mul_scalar_(keep);
            }
            // The product of a column and a row is what `addr` does, at twice the speed of a matrix product.
            let _ = if draws == 1 {
                velocity.addr_(&single, &gradients.get(0))
            } else {
                velocity.addmm_(&transposed, &gradients)
            };
            if update.moves {
                let _ = inner.narrow(1, first, count).g_sub_(&velocity);
            }
            if let Some((flat, points)) = &ahead {
                let part = self.theta.narrow(1, first, count);
                let _ = points.mm_out(&flat.narrow(1, first, count), &part);
            }
        }
        if update.moves {
            self.version += 1;
        }
        if let (Some(scratch), false) = (&mut self.scratch, next.is_empty()) {
            scratch.ready = Some(Ready {
                weights: next.to_vec(),
                version: self.version,
            });
        }
    }

    /// First column and number of columns of the pieces that a pass goes through.
    fn columns(&self) -> impl Iterator<Item = (i64, i64)> + use<> {
        let p = self.theta.size()[1];
        let columns = match self.theta.device() {
            Device::Cpu => COLUMNS,
            _ => p,
        };
        let starts = (0..).map(move |piece| piece * columns);
        starts
            .take_while(move |&first| first < p)
            .map(move |first| (first, columns.min(p - first)))
    }

    /// Room for `count` flat vectors, `[count, P]`, and what networks they are; the room is the caller's to overwrite.
    fn scratch(&mut self, count: usize) -> (Tensor, Option<Ready>) {
        let (p, count) = (self.theta.size()[1], count as i64);
        let fits = |scratch: &Scratch| scratch.rows.size()[0] >= count;
        let device = self.theta.device();
        let scratch = self.scratch.take().filter(fits).unwrap_or_else(|| Scratch {
            rows: Tensor::empty([count, p], (Kind::Float, device)),
            ready: None,
        });
        let scratch = self.scratch.insert(scratch);
        (scratch.rows.narrow(0, 0, count), scratch.ready.take())
    }

    /// Frees what only steps need; the next step makes it anew.
    pub fn rest(&mut self) {
        self.scratch = None;
    }
}
