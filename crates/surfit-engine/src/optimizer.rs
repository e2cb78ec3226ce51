//! SGD with momentum and weight decay: the optimizer of corners and of control points.
//!
//! Weight decay `λ` makes of a gradient `g` at the weights `w` the sum `g + λw`. It is kept divided by `1 + λ`, as a mean
//! of both that takes the place of either without a second vector of length `P`; the divisor is in the rate. Corners
//! are trained with Nesterov's momentum on their own weights. Of a surface a gradient belongs to a draw's network and
//! reaches every control point by its Bernstein weight, so that velocity and control points change in one pass for all
//! draws ([`crate::surface`]).

use crate::surface::coefficient_tensor;
use surfit_core::config::TrainingConfig;
use tch::Tensor;

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepHyperparams {
    /// Learning rate in weight-space units.
    pub learning_rate: f64,
    pub momentum: f64,
    /// Weight decay `λ` on the network that is differentiated.
    pub weight_decay: f64,
    /// Label smoothing, a fraction of the target.
    pub label_smoothing: f64,
}

impl StepHyperparams {
    /// The hyperparameters of a step with this rate.
    pub fn new(training: &TrainingConfig, learning_rate: f64) -> Self {
        Self {
            learning_rate,
            momentum: training.momentum,
            weight_decay: training.weight_decay,
            label_smoothing: training.label_smoothing,
        }
    }

    /// `1 + λ`, by which gradients with weight decay are divided.
    pub fn decay_divisor(&self) -> f64 {
        1.0 + self.weight_decay
    }
}

/// The optimizer's state: a velocity for the weights that train, and the rate that it was last changed with.
#[derive(Debug)]
pub struct Sgd {
    /// Of a corner in units of a gradient with weight decay, `[P]`; of control points in units of a step (multiplied by
    /// the rate), `[trainable, P]`.
    pub(crate) velocity: Tensor,
    /// Rate of the last step, 0 before the first.
    pub(crate) last_rate: f64,
}

/// How the gradients of some draws change velocity and control points: `U ← keep·U + stepsᵀ·gradients`, then `Θ ← Θ − U`.
#[derive(Clone, Debug)]
pub(crate) struct PointUpdate<'a> {
    /// Bernstein weights of the draws' networks.
    pub network_weights: &'a [Vec<f64>],
    /// Weight decay `λ`; a gradient `g` at the network `w` counts as `(g + λw)/(1 + λ)`.
    pub weight_decay: f64,
    /// What the velocity is multiplied with first.
    pub velocity_factor: f64,
    /// Weights of the gradients in the velocity, for each draw one for each trainable point; `None` when nothing trains.
    pub step_weights: Option<&'a [Vec<f64>]>,
    /// Whether the control points then move by the velocity.
    pub moves_points: bool,
    /// Bernstein weights of the networks that take the place of the gradients then.
    pub next_weights: &'a [Vec<f64>],
}

impl Sgd {
    /// What a velocity in units of a step is multiplied with before a step with `rate`.
    pub(crate) fn velocity_factor(&self, momentum: f64, rate: f64) -> f64 {
        if self.last_rate > 0.0 { momentum * rate / self.last_rate } else { 0.0 }
    }

    /// A step with Nesterov's momentum on flat weights, `[P]`. `gradient`, without weight decay, is overwritten.
    pub(crate) fn step_nesterov(&mut self, weights: &mut Tensor, gradient: &mut Tensor, rates: StepHyperparams) {
        let (decay, momentum) = (rates.weight_decay, rates.momentum);
        // lerp gives (g + λw)/(1 + λ) and (g + μv)/(1 + μ).
        let _ = gradient.lerp_(weights, decay / rates.decay_divisor());
        let _ = self.velocity.g_mul_scalar_(momentum);
        let _ = self.velocity.g_add_(gradient);
        let _ = gradient.lerp_(&self.velocity, momentum / (1.0 + momentum));
        let _ = gradient.g_mul_scalar_(rates.learning_rate * rates.decay_divisor() * (1.0 + momentum));
        let _ = weights.g_sub_(gradient);
        self.last_rate = rates.learning_rate;
    }

    /// A step of control points by library calls: of the trainable ones, `points`, `[trainable, P]`, by the gradients of
    /// some draws with their weight decay, `[draws, P]`.
    pub(crate) fn step_points(&mut self, points: &mut Tensor, gradients: &Tensor, update: &PointUpdate) {
        let Some(steps) = update.step_weights else { return };
        let _ = self.velocity.g_mul_scalar_(update.velocity_factor);
        let _ = self.velocity.addmm_(&coefficient_tensor(steps, gradients.device()).tr(), gradients);
        if update.moves_points {
            let _ = points.g_sub_(&self.velocity);
        }
    }
}
