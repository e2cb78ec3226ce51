//! Plain training as anybody would write it with libtorch: leaf tensors and its SGD. What a fit is measured against.

use crate::Result;
use crate::layout::{LayoutTensors, NormStatistics};
use crate::model::Model;
use tch::nn::OptimizerConfig;
use tch::{Reduction, Tensor};

pub(super) struct PlainTraining {
    var_store: tch::nn::VarStore,
    weights: Vec<Tensor>,
    optimizer: tch::nn::Optimizer,
}

impl PlainTraining {
    pub(super) fn new(model: &Model, weight_decay: f64) -> Result<Self> {
        let vs = tch::nn::VarStore::new(model.placement().device);
        let layout = model.network().layout();
        let initial = layout.initial_weights(1).to_device(vs.device());
        let weights = layout
            .views(&initial)
            .into_iter()
            .zip(&layout.parameters)
            .map(|(view, p)| vs.root().var_copy(&p.name.replace('.', "|"), &view))
            .collect();
        let optimizer = tch::nn::Sgd { momentum: 0.9, wd: weight_decay, ..Default::default() }.build(&vs, 1e-3)?;
        Ok(Self { var_store: vs, weights, optimizer })
    }

    /// One step on a batch; gives the loss, on the device.
    pub(super) fn step(&mut self, model: &Model, x: &Tensor, labels: &Tensor) -> Tensor {
        debug_assert_eq!(self.var_store.len(), self.weights.len());
        let loss = tch::with_grad(|| {
            let logits = model.logits(&self.weights, x, &mut NormStatistics::Batch);
            let loss = logits.cross_entropy_loss::<Tensor>(labels, None, Reduction::Mean, -100, 0.0);
            self.optimizer.zero_grad();
            loss.backward();
            loss
        });
        self.optimizer.step();
        loss.detach()
    }
}
