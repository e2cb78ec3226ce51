//! Where a step keeps its draws' networks, and their gradients after them.

use super::step::{MicroBatch, StepHyperparams};
use super::{Surface, kernel};
use crate::model::{Model, ParamBuffer, ParamSpan};
use tch::{Device, Kind, Tensor};

/// Room for some draws; made by the first step, kept for the next.
#[derive(Debug)]
pub(super) struct SampleBuffers {
    pub place: BufferLayout,
    /// What networks lie there, when any do.
    pub ready: Option<PreparedNetworks>,
}

/// How networks and gradients lie.
#[derive(Debug)]
pub(super) enum BufferLayout {
    /// As a matrix `[draws, P]` in `f32`, for library calls on any device.
    Rows(Tensor),
    /// Each in the types it is computed with, for this program's own arithmetic on a CPU.
    Slots(Vec<ParamBuffer>, Vec<ParamSpan>),
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
    pub fn rows(draws: usize, p: i64, device: Device) -> Self {
        let rows = Tensor::empty([draws as i64, p], (Kind::Float, device));
        Self {
            place: BufferLayout::Rows(rows),
            ready: None,
        }
    }

    /// Room for `draws` networks as `model` computes them, to be filled by this program's own arithmetic.
    fn slots(draws: usize, model: &Model) -> Self {
        let slots = (0..draws).map(|_| model.slot()).collect();
        Self {
            place: BufferLayout::Slots(slots, model.stretches()),
            ready: None,
        }
    }

    fn draws(&self) -> usize {
        match &self.place {
            BufferLayout::Rows(rows) => rows.size()[0] as usize,
            BufferLayout::Slots(slots, _) => slots.len(),
        }
    }
}

/// The slots as the arithmetic sees them.
pub(super) fn segments(
    slots: &[ParamBuffer],
    stretches: &[ParamSpan],
) -> Vec<kernel::TypedSegment> {
    fn rows<'a, T>(
        tensors: impl Iterator<Item = &'a Tensor>,
        first: usize,
    ) -> Vec<kernel::SharedRow<T>> {
        tensors
            .map(|tensor| kernel::SharedRow::new(tensor.data_ptr().cast()).skip(first))
            .collect()
    }
    let narrow = slots.iter().any(|slot| slot.flat.kind() == Kind::BFloat16);
    stretches
        .iter()
        .map(|stretch| {
            let flat = slots.iter().map(|slot| &slot.flat);
            let apart = slots.iter().filter_map(|slot| slot.wide.as_ref());
            let slots = match stretch.wide {
                Some(first) => kernel::SampleSlots::Wide(rows(apart, first)),
                None if narrow => kernel::SampleSlots::Narrow(rows(flat, stretch.columns.start)),
                None => kernel::SampleSlots::Wide(rows(flat, stretch.columns.start)),
            };
            kernel::TypedSegment {
                columns: stretch.columns.clone(),
                slots,
            }
        })
        .collect()
}

impl Surface {
    /// Sees to it that the networks with these Bernstein weights lie in a room for at least `draws`.
    pub(super) fn prepare(&mut self, model: &Model, weights: &[Vec<f64>], draws: usize) {
        let fits = |room: &SampleBuffers| room.draws() >= draws;
        let (p, device) = (self.theta.size()[1], self.theta.device());
        assert_eq!(p, model.parameters(), "a surface is of one network");
        let mut room = self
            .room
            .take()
            .filter(fits)
            .unwrap_or_else(|| match device {
                Device::Cpu => SampleBuffers::slots(draws, model),
                _ => SampleBuffers::rows(draws, p, device),
            });
        let here = PreparedNetworks {
            weights: weights.to_vec(),
            version: self.version,
        };
        if room.ready.take() != Some(here) {
            self.interpolate(&room.place, weights);
        }
        self.room = Some(room);
    }

    /// Puts the gradient at a draw's network in the network's place; gives the loss.
    pub(super) fn gradient(
        &self,
        model: &Model,
        draw: usize,
        part: &MicroBatch,
        rates: StepHyperparams,
    ) -> Tensor {
        let MicroBatch { x, labels, .. } = part;
        match self.room.as_ref().map(|room| &room.place) {
            Some(BufferLayout::Slots(slots, _)) => {
                model.gradient_in_slot(&slots[draw], x, labels, rates.smoothing)
            }
            Some(BufferLayout::Rows(rows)) => {
                let w = rows.get(draw as i64);
                model.gradient_in_place(&w, x, labels, rates.smoothing, rates.weight_decay)
            }
            None => unreachable!("networks are prepared before their gradients are asked for"),
        }
    }

    /// Frees what only steps need; the next step makes it anew.
    pub fn rest(&mut self) {
        self.room = None;
    }
}
