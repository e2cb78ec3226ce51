//! What alignment sees of a network's hidden units.

use tch::Tensor;

/// Positions of a feature map, or tokens, that are kept of an image: neighbours are nearly equal.
const MAX_POSITIONS: i64 = 64;

/// Activations of the units of permutation groups, in the order in which a forward pass meets them. A group may be seen
/// at several places, as the channels of a residual stream are.
#[derive(Debug, Default)]
pub struct ActivationHooks(pub Vec<(usize, Tensor)>);

impl ActivationHooks {
    /// Keeps a copy of activations `x`, `[N, units, …]`, of `group`, at evenly spread positions when there are many.
    pub fn record(&mut self, group: usize, x: &Tensor) {
        let size = x.size();
        let mut kept = x.shallow_clone();
        match size[2..] {
            [length] => kept = kept.slice(2, None, None, position_stride(length, MAX_POSITIONS)),
            [height, width] => {
                let side = MAX_POSITIONS.isqrt();
                kept = kept.slice(2, None, None, position_stride(height, side));
                kept = kept.slice(3, None, None, position_stride(width, side));
            }
            _ => {}
        }
        // A view would keep the whole feature map alive, and may be overwritten by what comes next.
        self.0.push((group, kept.copy()));
    }
}

/// The step that leaves at most `most` of `length` positions.
fn position_stride(length: i64, most: i64) -> i64 {
    (length + most - 1).div_euclid(most).max(1)
}
