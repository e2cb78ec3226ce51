//! `mlp`: hidden linear layers with ReLU on the flattened image.
//!
//! As a PyTorch module this is `layers`, a `ModuleList` of `Linear`s.

use super::{Architecture, NetworkError, Shape, uniform};
use crate::layout::{Axis, Layout};

/// See the module's documentation.
#[derive(Clone, Debug)]
pub struct Mlp {
    /// Layout of the network's weights.
    pub layout: Layout,
}

pub(super) fn describe(shape: &Shape) -> Result<Architecture, NetworkError> {
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
    Ok(Architecture::Mlp(Mlp { layout }))
}
