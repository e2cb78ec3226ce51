//! `mlp`: hidden linear layers with ReLU on the flattened image.
//!
//! As a PyTorch module this is `layers`, a `ModuleList` of `Linear`s.

use super::{Architecture, NetworkError, NetworkShape, uniform_init};
use crate::layout::{GroupAxis, WeightLayout};

/// See the module's documentation.
#[derive(Clone, Debug)]
pub struct Mlp {
    /// Layout of the network's weights.
    pub layout: WeightLayout,
}

pub(super) fn describe(shape: &NetworkShape) -> Result<Architecture, NetworkError> {
    let widths = shape.widths_or(&[256, 128]);
    let mut layout = WeightLayout::default();
    let (mut fan, mut reads) = (shape.input.iter().product::<usize>() as i64, None);
    for i in 0..=widths.len() {
        let units = widths.get(i).copied().unwrap_or(shape.classes) as i64;
        let writes = (i < widths.len()).then(|| GroupAxis::for_group(layout.add_group(&format!("layers.{i}"), units)));
        let (weight, bias) = (format!("layers.{i}.weight"), format!("layers.{i}.bias"));
        layout.add_parameter(&weight, &[units, fan], uniform_init(fan), &[writes, reads]);
        layout.add_parameter(&bias, &[units], uniform_init(fan), &[writes]);
        (fan, reads) = (units, writes);
    }
    Ok(Architecture::Mlp(Mlp { layout }))
}
