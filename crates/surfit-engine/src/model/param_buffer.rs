//! Room for a network in the types that it computes with.

use super::Model;
use crate::layout::LayoutTensors;
use std::ops::Range;
use tch::{Kind, Tensor};

/// A network's weights as its passes read them, then their gradient in the same place.
#[derive(Debug)]
pub struct ParamBuffer {
    /// All weights in the compute type, `[P]`. Of those that keep `f32` beside another type nothing is read.
    pub flat: Tensor,
    /// Weights that keep `f32` beside another compute type, one after the other.
    pub full_precision: Option<Tensor>,
}

/// Weights that lie next to each other in a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParamSpan {
    /// Which of the flat vector.
    pub columns: Range<usize>,
    /// Where they begin in [`ParamBuffer::full_precision`]; `None` when they lie at their place in [`ParamBuffer::flat`].
    pub full_precision_start: Option<usize>,
}

impl Model {
    /// Room for a network, without a promise about its contents.
    pub fn new_param_buffer(&self) -> ParamBuffer {
        let (device, kind) = (self.placement.device, self.placement.kind);
        let wide: usize = self
            .param_spans()
            .iter()
            .filter(|stretch| stretch.full_precision_start.is_some())
            .map(|stretch| stretch.columns.len())
            .sum();
        ParamBuffer {
            flat: Tensor::empty([self.parameters()], (kind, device)),
            full_precision: (wide > 0).then(|| Tensor::empty([wide as i64], (Kind::Float, device))),
        }
    }

    /// How a slot divides the flat vector: all of it, in order.
    pub fn param_spans(&self) -> Vec<ParamSpan> {
        let (mut stretches, mut wide) = (Vec::<ParamSpan>::new(), 0);
        let narrow = self.placement.kind != Kind::Float;
        for (parameter, &cast) in self.network.layout().parameters.iter().zip(&self.cast) {
            let columns = parameter.offset as usize..(parameter.offset + parameter.len()) as usize;
            let apart = narrow && !cast;
            match stretches.last_mut() {
                Some(last) if last.full_precision_start.is_some() == apart => last.columns.end = columns.end,
                _ => {
                    stretches.push(ParamSpan { columns: columns.clone(), full_precision_start: apart.then_some(wide) })
                }
            }
            if apart {
                wide += columns.len();
            }
        }
        stretches
    }

    /// One forward and backward pass at the network in a slot: its gradient takes its place. Gives the mean cross-entropy
    /// as a scalar on the device, so that nothing waits for the host.
    pub fn gradient_in_buffer(&self, slot: &ParamBuffer, x: &Tensor, labels: &Tensor, smoothing: f64) -> Tensor {
        let mut views = self.network.layout().views(&slot.flat);
        let mut first = 0;
        if let Some(wide) = &slot.full_precision {
            for (view, _) in views.iter_mut().zip(&self.cast).filter(|(_, cast)| !**cast) {
                let count = view.numel() as i64;
                *view = wide.narrow(0, first, count).view(view.size().as_slice());
                first += count;
            }
        }
        let leaves = views.iter().map(Tensor::shallow_clone).collect();
        let (loss, gradients) = self.differentiate(leaves, x, labels, smoothing);
        for (view, gradient) in views.iter_mut().zip(&gradients) {
            view.copy_(gradient);
        }
        loss
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::Placement;
    use crate::networks;
    use surfit_core::config::NetworkConfig;
    use tch::Device;

    #[test]
    fn stretches_divide_the_flat_vector_and_normalizations_keep_f32() {
        let config = NetworkConfig { name: "cnn".into(), widths: vec![5, 6], patch: 0, hidden: Vec::new() };
        for kind in [Kind::Float, Kind::BFloat16] {
            let placement = Placement { device: Device::Cpu, kind, threads: 1 };
            let network = networks::build(&config, [1, 8, 8], 3).expect("a network");
            let model = Model::new(network, placement);
            let (stretches, slot) = (model.param_spans(), model.new_param_buffer());
            let ends = stretches.iter().map(|stretch| stretch.columns.end);
            let starts = stretches.iter().map(|stretch| stretch.columns.start);
            assert!(std::iter::once(0).chain(ends).eq(starts.chain([model.parameters() as usize])));
            assert_eq!(slot.flat.kind(), kind);
            let norms = 2 * (5 + 6);
            let wide = (kind != Kind::Float).then_some(vec![norms]);
            assert_eq!(slot.full_precision.map(|wide| wide.size()), wide);
            assert_eq!(stretches.len(), if kind == Kind::Float { 1 } else { 5 });
        }
    }
}
