//! Where a step keeps its draws' networks, and their gradients after them.

use super::step::{MicroBatch, StepHyperparams};
use super::{Surface, kernel};
use crate::model::{Model, ParamBuffer, ParamSpan};
use tch::{Device, Kind, Tensor};

/// Room for some draws; made by the first step, kept for the next.
#[derive(Debug)]
pub(super) struct SampleBuffers {
    pub layout: BufferLayout,
    /// What networks lie there, when any do.
    pub prepared: Option<PreparedNetworks>,
}

/// How networks and gradients lie.
#[derive(Debug)]
pub(super) enum BufferLayout {
    /// As a matrix `[draws, P]` in `f32`, for library calls on any device.
    Matrix(Tensor),
    /// Each in the types it is computed with, for this program's own arithmetic on a CPU.
    PerSample(Vec<ParamBuffer>, Vec<ParamSpan>),
}

/// Networks that wait for their step.
#[derive(Debug, PartialEq)]
pub(super) struct PreparedNetworks {
    /// Their Bernstein weights.
    pub weights: Vec<Vec<f64>>,
    /// Of the control points that they are made of.
    pub version: u64,
}

impl SampleBuffers {
    /// Room for `draws` networks of `p` weights, to be filled by library calls.
    pub fn matrix(draws: usize, p: i64, device: Device) -> Self {
        let rows = Tensor::empty([draws as i64, p], (Kind::Float, device));
        Self { layout: BufferLayout::Matrix(rows), prepared: None }
    }

    /// Room for `draws` networks as `model` computes them, to be filled by this program's own arithmetic.
    fn per_sample(draws: usize, model: &Model) -> Self {
        let slots = (0..draws).map(|_| model.new_param_buffer()).collect();
        Self { layout: BufferLayout::PerSample(slots, model.param_spans()), prepared: None }
    }

    fn capacity(&self) -> usize {
        match &self.layout {
            BufferLayout::Matrix(rows) => rows.size()[0] as usize,
            BufferLayout::PerSample(slots, _) => slots.len(),
        }
    }
}

/// The slots as the arithmetic sees them.
pub(super) fn typed_segments(slots: &[ParamBuffer], stretches: &[ParamSpan]) -> Vec<kernel::TypedSegment> {
    fn rows<'a, T>(tensors: impl Iterator<Item = &'a Tensor>, first: usize) -> Vec<kernel::SharedRow<T>> {
        tensors.map(|tensor| kernel::SharedRow::new(tensor.data_ptr().cast()).offset(first)).collect()
    }
    let narrow = slots.iter().any(|slot| slot.flat.kind() == Kind::BFloat16);
    stretches
        .iter()
        .map(|stretch| {
            let flat = slots.iter().map(|slot| &slot.flat);
            let apart = slots.iter().filter_map(|slot| slot.full_precision.as_ref());
            let slots = match stretch.full_precision_start {
                Some(first) => kernel::SampleSlots::F32(rows(apart, first)),
                None if narrow => kernel::SampleSlots::Bf16(rows(flat, stretch.columns.start)),
                None => kernel::SampleSlots::F32(rows(flat, stretch.columns.start)),
            };
            kernel::TypedSegment { columns: stretch.columns.clone(), slots }
        })
        .collect()
}

impl Surface {
    /// Sees to it that the networks with these Bernstein weights lie in a room for at least `draws`.
    pub(super) fn prepare_networks(&mut self, model: &Model, weights: &[Vec<f64>], draws: usize) {
        let fits = |buffers: &SampleBuffers| buffers.capacity() >= draws;
        let (p, device) = (self.theta.size()[1], self.theta.device());
        assert_eq!(p, model.parameters(), "a surface is of one network");
        let mut buffers = self.buffers.take().filter(fits).unwrap_or_else(|| match device {
            Device::Cpu => SampleBuffers::per_sample(draws, model),
            _ => SampleBuffers::matrix(draws, p, device),
        });
        let here = PreparedNetworks { weights: weights.to_vec(), version: self.version };
        if buffers.prepared.take() != Some(here) {
            self.interpolate(&buffers.layout, weights);
        }
        self.buffers = Some(buffers);
    }

    /// Puts the gradient at a draw's network in the network's place; gives the loss.
    pub(super) fn sample_gradient(
        &self,
        model: &Model,
        draw: usize,
        part: &MicroBatch,
        rates: StepHyperparams,
    ) -> Tensor {
        let MicroBatch { x, labels, .. } = part;
        match self.buffers.as_ref().map(|room| &room.layout) {
            Some(BufferLayout::PerSample(slots, _)) => {
                model.gradient_in_buffer(&slots[draw], x, labels, rates.label_smoothing)
            }
            Some(BufferLayout::Matrix(rows)) => {
                let w = rows.get(draw as i64);
                model.gradient_in_place(&w, x, labels, rates.label_smoothing, rates.weight_decay)
            }
            None => unreachable!("networks are prepared before their gradients are asked for"),
        }
    }

    /// Frees what only steps need; the next step makes it anew.
    pub fn release_buffers(&mut self) {
        self.buffers = None;
    }
}
