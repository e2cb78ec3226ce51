//! A network at one point of weight space: logits, gradient, accuracy.

mod measurement;
mod param_buffer;

pub use measurement::{Measurement, MetricAccumulator};
pub use param_buffer::{ParamBuffer, ParamSpan};

use crate::device::Placement;
use crate::layout::{LayoutTensors, NormStatistics, RunningStats};
use crate::networks::{DeferredConvGrads, ForwardWeights, Network};
use tch::{Kind, Reduction, Tensor};

/// A network with the place and type it computes in.
#[derive(Debug)]
pub struct Model {
    network: Box<dyn Network>,
    placement: Placement,
    /// For each parameter, whether it is cast to the compute type; normalizations keep `f32`.
    cast: Vec<bool>,
    /// Whether the weight gradients of convolutions on small images are formed apart.
    defers_conv_grads: bool,
}

impl Model {
    /// A network placed on a device.
    pub fn new(network: Box<dyn Network>, placement: Placement) -> Self {
        let parameters = &network.layout().parameters;
        let cast = parameters.iter().map(|p| !p.always_f32).collect();
        Self { network, placement, cast, defers_conv_grads: placement.uses_amx() }
    }

    /// Returns the network that the model computes.
    pub fn network(&self) -> &dyn Network {
        &*self.network
    }

    /// Where and in which type it computes.
    pub fn placement(&self) -> Placement {
        self.placement
    }

    /// Number of weights `P`.
    pub fn parameters(&self) -> i64 {
        self.network.layout().len()
    }

    /// Logits `[N, classes]` in `f32` of images `[N, C, H, W]`, from views of every parameter.
    pub fn logits(&self, weights: &[Tensor], x: &Tensor, norms: &mut NormStatistics) -> Tensor {
        self.forward(weights.into(), x, norms)
    }

    fn forward(&self, weights: ForwardWeights, x: &Tensor, norms: &mut NormStatistics) -> Tensor {
        if self.placement.kind == Kind::Float {
            return self.network.forward(weights, x, norms, None);
        }
        let kind = self.placement.kind;
        let ForwardWeights { views, deferred_grads: products } = weights;
        let cast: Vec<Tensor> =
            views.iter().zip(&self.cast).map(|(w, &c)| if c { w.to_kind(kind) } else { w.shallow_clone() }).collect();
        let views = cast.as_slice();
        self.network
            .forward(ForwardWeights { views, deferred_grads: products }, &x.to_kind(kind), norms, None)
            .to_kind(Kind::Float)
    }

    /// One forward and backward pass at the flat weights `w`, `[P]`: writes the gradient into `gradient`, `[P]`, and
    /// gives the mean cross-entropy as a scalar on the device, so that nothing waits for the host.
    pub fn gradient(&self, w: &Tensor, x: &Tensor, labels: &Tensor, smoothing: f64, gradient: &Tensor) -> Tensor {
        let (loss, parts) = self.backward(w, x, labels, smoothing);
        let flat: Vec<Tensor> = parts.iter().map(|g| g.reshape([-1]).to_kind(Kind::Float)).collect();
        let _ = Tensor::cat_out(gradient, &flat, 0);
        loss
    }

    /// As [`Model::gradient`], but the gradient takes the place of the weights: `w` becomes `(g + λw)/(1 + λ)` with `λ`
    /// the weight decay. Without a second vector of length `P`, and in one pass.
    pub fn gradient_in_place(&self, w: &Tensor, x: &Tensor, labels: &Tensor, smoothing: f64, decay: f64) -> Tensor {
        let (loss, parts) = self.backward(w, x, labels, smoothing);
        for (mut view, g) in self.network.layout().views(w).into_iter().zip(parts) {
            let _ = view.lerp_(&g.to_kind(Kind::Float), 1.0 / (1.0 + decay));
        }
        loss
    }

    /// The mean cross-entropy and its gradient with respect to every parameter, in the types the parameters are computed
    /// with.
    fn backward(&self, w: &Tensor, x: &Tensor, labels: &Tensor, smoothing: f64) -> (Tensor, Vec<Tensor>) {
        let layout = self.network.layout();
        // Leaves that share storage with `w`. Differentiating with respect to `w` itself would make every slice's
        // backward pass fill a zero vector of length P.
        let mut leaves = layout.views(w);
        if self.placement.kind != Kind::Float {
            // One cast of the whole vector instead of one a parameter.
            let narrow = layout.views(&w.to_kind(self.placement.kind));
            for ((leaf, narrow), &cast) in leaves.iter_mut().zip(narrow).zip(&self.cast) {
                if cast {
                    *leaf = narrow;
                }
            }
        }
        self.differentiate(leaves, x, labels, smoothing)
    }

    /// The mean cross-entropy at weights in the types they are computed with, and its gradient.
    fn differentiate(
        &self,
        weights: Vec<Tensor>,
        x: &Tensor,
        labels: &Tensor,
        smoothing: f64,
    ) -> (Tensor, Vec<Tensor>) {
        let leaves: Vec<Tensor> = weights.into_iter().map(|leaf| leaf.detach().set_requires_grad(true)).collect();
        let mut products = DeferredConvGrads::default();
        let loss = tch::with_grad(|| {
            let weights =
                ForwardWeights { views: &leaves, deferred_grads: self.defers_conv_grads.then_some(&mut products) };
            let logits = self.forward(weights, x, &mut NormStatistics::Batch);
            cross_entropy(&logits, labels, Reduction::Mean, smoothing)
        });
        let parts = products.backward(&loss, &leaves);
        (loss.detach(), parts)
    }

    /// Adds a batch to a measurement, and gives its logits, `[N, classes]`.
    pub fn measure_batch(
        &self,
        weights: &[Tensor],
        stats: &RunningStats,
        (x, labels): (&Tensor, &Tensor),
        measurement: &mut MetricAccumulator,
    ) -> Tensor {
        let logits = self.logits(weights, x, &mut NormStatistics::Running(stats));
        measurement.add(&logits, labels);
        logits
    }
}

fn cross_entropy(logits: &Tensor, labels: &Tensor, reduction: Reduction, smoothing: f64) -> Tensor {
    const IGNORE_NOTHING: i64 = -100;
    logits.cross_entropy_loss::<Tensor>(labels, None, reduction, IGNORE_NOTHING, smoothing)
}
