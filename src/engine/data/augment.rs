//! Random changes of training images.

use rand::Rng;
use surfit_core::random::{self, Purpose};
use tch::{Kind, Tensor};

/// Shifts every image of `x`, `[B, C, H, W]`, by up to `shift` pixels up, down, left and right, filling with zeros
/// (the mean colour of normalized images), and mirrors every second one, on average, when `flip` is set.
///
/// A function of `seed` and `step`; the same images in the same batch come out alike on every device. With both
/// switched off `x` itself comes back.
pub fn augment(x: &Tensor, shift: usize, flip: bool, seed: u64, step: u64) -> Tensor {
    let size = x.size();
    let &[batch, channels, height, width] = size.as_slice() else {
        return x.shallow_clone();
    };
    if (shift == 0 && !flip) || batch == 0 {
        return x.shallow_clone();
    }
    let mut rng = random::stream(seed, Purpose::Augmentation, step);
    let span = 0..=2 * shift as i64;
    let (mut tops, mut lefts, mut mirrored) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..batch {
        tops.push(rng.random_range(span.clone()));
        lefts.push(rng.random_range(span.clone()));
        // Drawn in any case, so that switching flips on changes no shift.
        let mirror = rng.random::<bool>();
        mirrored.push(flip && mirror);
    }
    let device = x.device();
    let each = |values: &[i64]| Tensor::from_slice(values).to_device(device).view([-1, 1]);
    let along = |n: i64| Tensor::arange(n, (Kind::Int64, device)).view([1, -1]);

    // Images are cut out of their padded selves: pixel (i, j) comes from row `top + i` and column `left + j`, or
    // `left + width − 1 − j` when mirrored.
    let rows = each(&tops) + along(height);
    let columns = along(width);
    let mirrored = Tensor::from_slice(&mirrored)
        .to_device(device)
        .view([-1, 1]);
    let columns = each(&lefts) + (width - 1 - &columns).where_self(&mirrored, &columns);

    let margin = shift as i64;
    let (padded_height, padded_width) = (height + 2 * margin, width + 2 * margin);
    let padded = x.constant_pad_nd([margin, margin, margin, margin]);
    let pixels = rows.unsqueeze(2) * padded_width + columns.unsqueeze(1);
    let pixels = pixels
        .view([batch, 1, height * width])
        .expand([-1, channels, -1], false);
    padded
        .reshape([batch, channels, padded_height * padded_width])
        .gather(2, &pixels, false)
        .view([batch, channels, height, width])
}
