//! Where a step keeps its draws' networks, and their gradients after them.

use super::fused_cpu_store::FusedCpuStore;
use super::matrix_store::MatrixStore;
use super::{MicroBatch, StepHyperparams};
use crate::model::Model;
use crate::optimizer::{PointUpdate, Sgd};
use tch::{Device, Tensor};

/// Buffer for the networks of some draws; their gradients replace them in it.
pub(super) trait WeightStore: std::fmt::Debug + Send {
    /// Number of networks that fit into it.
    fn capacity(&self) -> usize;

    /// Makes networks `W = BΘ` with Bernstein weights `B`, one row for each.
    fn interpolate(&mut self, theta: &mut Tensor, weights: &[Vec<f64>]);

    /// Replaces a draw's network by its gradient; gives the mean loss, a scalar on the device.
    fn differentiate(&mut self, model: &Model, draw: usize, part: &MicroBatch, rates: StepHyperparams) -> Tensor;

    /// Changes velocity and control points by the gradients, then makes the next networks in their place. Gives the norms
    /// of the gradients, weight decay included, `[draws]`.
    fn update(&mut self, theta: &mut Tensor, optimizer: &mut Sgd, update: &PointUpdate) -> Tensor;
}

/// A store with what is known of the networks in it; made by the first step, kept for the next.
#[derive(Debug)]
pub(super) struct SampleNetworks {
    pub store: Box<dyn WeightStore>,
    /// Bernstein weights of the networks that wait for their step, and the version of the control points that they are
    /// made of.
    pub prepared: Option<(Vec<Vec<f64>>, u64)>,
}

impl SampleNetworks {
    /// Buffer for the networks of `draws` draws, as the device computes them fastest.
    pub fn new(model: &Model, draws: usize) -> Self {
        let store: Box<dyn WeightStore> = match model.placement().device {
            Device::Cpu => Box::new(FusedCpuStore::new(model, draws)),
            device => Box::new(MatrixStore::new(draws, model.parameters(), device)),
        };
        Self { store, prepared: None }
    }
}
