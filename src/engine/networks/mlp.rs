//! `mlp`: hidden linear layers with ReLU on the flattened image.
//!
//! As a PyTorch module this is `layers`, a `ModuleList` of `Linear`s.

use super::ops::uniform;
use super::{Network, Shape, Taps, Weights};
use crate::Result;
use crate::layout::{Axis, Layout, Norms};
use tch::Tensor;

/// See the module's documentation.
#[derive(Debug)]
struct Mlp {
    layout: Layout,
}

pub(super) fn make(shape: &Shape) -> Result<Box<dyn Network>> {
    let widths = shape.widths_or(&[256, 128]);
    let mut layout = Layout::default();
    let (mut fan, mut reads) = (shape.input.iter().product::<usize>() as i64, None);
    for i in 0..=widths.len() {
        let units = widths.get(i).copied().unwrap_or(shape.classes) as i64;
        let writes =
            (i < widths.len()).then(|| Axis::of(layout.group(&format!("layers.{i}"), units)));
        let (weight, bias) = (format!("layers.{i}.weight"), format!("layers.{i}.bias"));
        layout.parameter(&weight, &[units, fan], uniform(fan), &[writes, reads]);
        layout.parameter(&bias, &[units], uniform(fan), &[writes]);
        (fan, reads) = (units, writes);
    }
    Ok(Box::new(Mlp { layout }))
}

impl Network for Mlp {
    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn forward(
        &self,
        weights: Weights,
        x: &Tensor,
        _norms: &mut Norms,
        mut taps: Option<&mut Taps>,
    ) -> Tensor {
        let (weights, mut x) = (weights.views, x.flatten(1, -1));
        let last = weights.len() / 2 - 1;
        for (i, w) in weights.chunks_exact(2).enumerate() {
            x = x.linear(&w[0], Some(&w[1]));
            if i < last {
                x = x.relu();
                if let Some(taps) = taps.as_deref_mut() {
                    taps.see(i, &x);
                }
            }
        }
        x
    }
}
