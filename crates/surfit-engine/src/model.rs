//! A network at one point of weight space: logits, gradient, accuracy.

mod measurement;

pub use measurement::{Measurement, MetricAccumulator};

use crate::device::Placement;
use crate::layout::{LayoutTensors, NormStatistics, RunningStats};
use crate::networks::{DeferredConvGrads, ForwardWeights, Network};
use std::ops::Range;
use tch::{Kind, Reduction, Tensor};

#[derive(Debug)]
pub struct Model {
    network: Network,
    placement: Placement,
    /// For each parameter, whether it is cast to the compute type; normalizations keep `f32`.
    cast: Vec<bool>,
    /// Whether the weight gradients of convolutions on small images are formed apart.
    defers_conv_grads: bool,
}

impl Model {
    /// A network placed on a device.
    pub fn new(network: Network, placement: Placement) -> Self {
        let parameters = &network.layout().parameters;
        let cast = parameters.iter().map(|p| !p.always_f32).collect();
        Self { network, placement, cast, defers_conv_grads: placement.uses_amx() }
    }

    /// Returns the network that the model computes.
    pub fn network(&self) -> &Network {
        &self.network
    }

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

    /// Columns of the flat vector by the type they are computed with: all of them, in order, as few pieces as can be.
    pub fn compute_spans(&self) -> Vec<(Range<usize>, Kind)> {
        let mut spans = Vec::<(Range<usize>, Kind)>::new();
        for (parameter, &cast) in self.network.layout().parameters.iter().zip(&self.cast) {
            let columns = parameter.offset as usize..(parameter.offset + parameter.len()) as usize;
            let kind = if cast { self.placement.kind } else { Kind::Float };
            match spans.last_mut() {
                Some((last, same)) if *same == kind => last.end = columns.end,
                _ => spans.push((columns, kind)),
            }
        }
        spans
    }

    /// Views of every parameter in the type it is computed with, of the flat weights `w`, `[P]` in `f32`. Those of type
    /// `f32` share storage with `w`.
    pub fn compute_views(&self, w: &Tensor) -> Vec<Tensor> {
        let layout = self.network.layout();
        if self.placement.kind == Kind::Float {
            return layout.views(w);
        }
        // One cast of the whole vector instead of one a parameter.
        let narrow = layout.views(&w.to_kind(self.placement.kind));
        let views = layout.views(w).into_iter().zip(narrow).zip(&self.cast);
        views.map(|((wide, narrow), &cast)| if cast { narrow } else { wide }).collect()
    }

    /// One forward and backward pass at weights in the types they are computed with: the mean cross-entropy, a scalar on
    /// the device, so that nothing waits for the host, and its gradient with respect to every parameter.
    pub fn gradient(&self, weights: &[Tensor], x: &Tensor, labels: &Tensor, smoothing: f64) -> (Tensor, Vec<Tensor>) {
        // Leaves that share storage with the weights. Differentiating with respect to a flat vector would make every
        // slice's backward pass fill a zero vector of length P.
        let leaves: Vec<Tensor> = weights.iter().map(|leaf| leaf.detach().set_requires_grad(true)).collect();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::networks;
    use surfit_core::config::NetworkConfig;

    #[test]
    fn spans_divide_the_flat_vector_and_normalizations_keep_f32() {
        let config = NetworkConfig { name: "cnn".into(), widths: vec![5, 6], patch: 0, hidden: Vec::new() };
        for kind in [Kind::Float, Kind::BFloat16] {
            let placement = Placement { device: tch::Device::Cpu, kind, threads: 1 };
            let model = Model::new(networks::Network::new(&config, [1, 8, 8], 3).expect("a network"), placement);
            let spans = model.compute_spans();
            let (starts, ends) = (spans.iter().map(|span| span.0.start), spans.iter().map(|span| span.0.end));
            assert!(std::iter::once(0).chain(ends).eq(starts.chain([model.parameters() as usize])));
            let narrow: usize = spans.iter().filter(|span| span.1 != Kind::Float).map(|span| span.0.len()).sum();
            let norms = 2 * (5 + 6);
            assert_eq!(narrow, if kind == Kind::Float { 0 } else { model.parameters() as usize - norms });
            assert_eq!(spans.len(), if kind == Kind::Float { 1 } else { 5 });
        }
    }
}
