//! Networks as one matrix, changed by library calls on any device.

use super::weight_store::WeightStore;
use super::{MicroBatch, StepHyperparams, coefficient_tensor};
use crate::layout::LayoutTensors;
use crate::model::Model;
use crate::optimizer::{PointUpdate, Sgd};
use tch::{Device, Kind, Tensor};

/// Networks, `[draws, P]`, in `f32`.
#[derive(Debug)]
pub(super) struct MatrixStore(Tensor);

impl MatrixStore {
    pub fn new(draws: usize, p: i64, device: Device) -> Self {
        Self(Tensor::empty([draws as i64, p], (Kind::Float, device)))
    }
}

impl WeightStore for MatrixStore {
    fn capacity(&self) -> usize {
        self.0.size()[0] as usize
    }

    fn interpolate(&mut self, theta: &mut Tensor, weights: &[Vec<f64>]) {
        let networks = self.0.narrow(0, 0, weights.len() as i64);
        let _ = coefficient_tensor(weights, theta.device()).mm_out(&networks, theta);
    }

    fn differentiate(&mut self, model: &Model, draw: usize, part: &MicroBatch, rates: StepHyperparams) -> Tensor {
        let w = self.0.get(draw as i64);
        let (loss, gradients) = model.gradient(&model.compute_views(&w), &part.x, &part.labels, rates.label_smoothing);
        // Weight decay in the same pass, without a second vector of length P.
        for (mut view, gradient) in model.network().layout().views(&w).into_iter().zip(gradients) {
            let _ = view.lerp_(&gradient.to_kind(Kind::Float), 1.0 / rates.decay_divisor());
        }
        loss
    }

    fn update(&mut self, theta: &mut Tensor, optimizer: &mut Sgd, update: &PointUpdate) -> Tensor {
        let gradients = self.0.narrow(0, 0, update.network_weights.len() as i64);
        let norms = gradients.norm_scalaropt_dim(2, [1i64].as_slice(), false);
        let trainable = optimizer.velocity.size()[0];
        let mut points = theta.narrow(0, theta.size()[0] - trainable, trainable);
        optimizer.step_points(&mut points, &gradients, update);
        if !update.next_weights.is_empty() {
            self.interpolate(theta, update.next_weights);
        }
        norms
    }
}
