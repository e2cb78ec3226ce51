//! Networks each in the types they are computed with, changed by this program's own arithmetic on a CPU.

use super::kernel::{ColumnBlock, FusedPass, MatrixRows, RowCoefficients, SampleRows, take_columns};
use super::weight_store::WeightStore;
use super::{MicroBatch, StepHyperparams};
use crate::layout::Parameter;
use crate::model::Model;
use crate::optimizer::{PointUpdate, Sgd};
use std::ops::Range;
use tch::{Device, Kind, Tensor};

/// Columns that are worth a thread of their own.
const MIN_COLUMNS_PER_THREAD: usize = 1 << 17;

/// Networks of some draws in pieces of one type each.
#[derive(Debug)]
pub(super) struct FusedCpuStore {
    /// Columns of the flat vector in each piece: all, in order.
    spans: Vec<(Range<usize>, Kind)>,
    networks: Vec<StoredNetwork>,
}

/// A network in pieces, one for each span, with views of every parameter into them.
#[derive(Debug)]
struct StoredNetwork {
    pieces: Vec<Tensor>,
    views: Vec<Tensor>,
}

impl FusedCpuStore {
    pub fn new(model: &Model, draws: usize) -> Self {
        let spans = model.compute_spans();
        let network = |_| {
            let piece = |(columns, kind): &(Range<usize>, Kind)| {
                Tensor::empty([columns.len() as i64], (*kind, model.placement().device))
            };
            let pieces: Vec<Tensor> = spans.iter().map(piece).collect();
            let view = |parameter: &Parameter| {
                let span = spans.partition_point(|(columns, _)| columns.end as i64 <= parameter.offset);
                let first = parameter.offset - spans[span].0.start as i64;
                pieces[span].narrow(0, first, parameter.len()).view(parameter.shape.as_slice())
            };
            let views = model.network().layout().parameters.iter().map(view).collect();
            StoredNetwork { pieces, views }
        };
        let networks = (0..draws).map(network).collect();
        Self { spans, networks }
    }

    /// Does a pass over control points, velocity and networks; gives the squared norms of the gradients.
    fn run(&mut self, theta: &mut Tensor, velocity: Option<&mut Tensor>, pass: &FusedPass) -> Vec<f64> {
        let columns = theta.size()[1] as usize;
        // Of a small network fewer threads than libtorch has.
        let threads = (tch::get_num_threads().max(1) as usize).min(columns / MIN_COLUMNS_PER_THREAD + 1);
        let mut theta: MatrixRows<f32> = numbers_mut(theta).chunks_exact_mut(columns).collect();
        let mut velocity: MatrixRows<f32> =
            velocity.map_or(Vec::new(), |velocity| numbers_mut(velocity).chunks_exact_mut(columns).collect());
        let mut pieces: Vec<_> = self.networks.iter_mut().map(|network| network.pieces.iter_mut()).collect();
        let block = |(columns, kind): &(Range<usize>, Kind)| {
            let pieces = pieces.iter_mut().filter_map(Iterator::next);
            ColumnBlock {
                theta: take_columns(&mut theta, columns.len()),
                velocity: take_columns(&mut velocity, columns.len()),
                samples: match kind {
                    Kind::BFloat16 => SampleRows::Bf16(pieces.map(numbers_mut).collect()),
                    _ => SampleRows::F32(pieces.map(numbers_mut).collect()),
                },
            }
        };
        pass.run(self.spans.iter().map(block).collect(), threads)
    }
}

impl WeightStore for FusedCpuStore {
    fn capacity(&self) -> usize {
        self.networks.len()
    }

    fn interpolate(&mut self, theta: &mut Tensor, weights: &[Vec<f64>]) {
        let pass = FusedPass { next_weights: RowCoefficients::new(weights), ..FusedPass::default() };
        self.run(theta, None, &pass);
    }

    fn differentiate(&mut self, model: &Model, draw: usize, part: &MicroBatch, rates: StepHyperparams) -> Tensor {
        let views = &mut self.networks[draw].views;
        let (loss, gradients) = model.gradient(views, &part.x, &part.labels, rates.label_smoothing);
        views.iter_mut().zip(&gradients).for_each(|(view, gradient)| view.copy_(gradient));
        loss
    }

    fn update(&mut self, theta: &mut Tensor, optimizer: &mut Sgd, update: &PointUpdate) -> Tensor {
        let pass = FusedPass {
            network_weights: RowCoefficients::new(update.network_weights),
            weight_decay: update.weight_decay as f32,
            velocity_factor: update.velocity_factor as f32,
            moves_points: update.moves_points,
            step_weights: RowCoefficients::new(update.step_weights.unwrap_or_default()),
            next_weights: RowCoefficients::new(update.next_weights),
        };
        let squares = self.run(theta, Some(&mut optimizer.velocity), &pass);
        let norms: Vec<f32> = squares.iter().map(|s| s.sqrt() as f32).collect();
        Tensor::from_slice(&norms)
    }
}

trait TensorNumber {
    const KIND: Kind;
}

impl TensorNumber for f32 {
    const KIND: Kind = Kind::Float;
}

/// `bf16` by its bits.
impl TensorNumber for u16 {
    const KIND: Kind = Kind::BFloat16;
}

/// The numbers of a tensor on the CPU, for its only holder: other tensors that share its storage may not be used
/// meanwhile.
#[expect(unsafe_code, reason = "libtorch gives the address of a tensor's numbers")]
fn numbers_mut<T: TensorNumber>(tensor: &mut Tensor) -> &mut [T] {
    assert!(tensor.is_contiguous() && tensor.kind() == T::KIND && tensor.device() == Device::Cpu);
    match tensor.numel() {
        0 => &mut [],
        // SAFETY: a contiguous tensor has so many numbers of this type there, for as long as it lives; a step lets no
        // other tensor at its storage while this one is borrowed.
        count => unsafe { std::slice::from_raw_parts_mut(tensor.data_ptr().cast(), count) },
    }
}
