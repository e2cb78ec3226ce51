//! Random changes of training images.

use rand::Rng;
use surfit_core::random::{self, Purpose};
use tch::{Kind, Tensor};

/// Which random changes training images undergo.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Augmentation {
    /// Shifts by up to this many pixels: crops of the padded image.
    pub shift: usize,
    /// Every second image, on average, is mirrored.
    pub flip: bool,
    /// Probability that a rectangle of 2 to 33 % of an image is erased (Zhong et al. 2020).
    pub erase: f64,
}

impl Augmentation {
    /// Changes every image of `x`, `[B, C, H, W]`. What is shifted in or erased is zero, the mean colour of normalized
    /// images.
    ///
    /// A function of `seed` and `step`; the same images in the same batch come out alike on every device. With everything
    /// switched off `x` itself comes back.
    pub fn apply(&self, x: &Tensor, seed: u64, step: u64) -> Tensor {
        let x = moved(x, self.shift, self.flip, seed, step);
        if self.erase > 0.0 {
            return erased(&x, self.erase, seed, step);
        }
        x
    }
}

/// Erases a rectangle of some images.
fn erased(x: &Tensor, probability: f64, seed: u64, step: u64) -> Tensor {
    let size = x.size();
    let &[batch, _, height, width] = size.as_slice() else {
        return x.shallow_clone();
    };
    let mut rng = random::stream(seed, Purpose::Erasing, step);
    let mut bounds = Vec::with_capacity(4 * batch as usize);
    for _ in 0..batch {
        let (chosen, area): (f64, f64) = (rng.random(), rng.random_range(0.02..0.33));
        let aspect = rng.random_range(0.3f64.ln()..3.3f64.ln()).exp();
        let (at_y, at_x): (f64, f64) = (rng.random(), rng.random());
        let extent = |part: f64, whole: i64| ((part * whole as f64).round() as i64).clamp(1, whole);
        // The sides are shares of the image's, so that the area is one whatever its shape.
        let h = extent((area * aspect).sqrt(), height);
        let w = extent((area / aspect).sqrt(), width);
        let place = |at: f64, free: i64| (at * (free + 1) as f64) as i64;
        let (top, left) = (place(at_y, height - h), place(at_x, width - w));
        let h = if chosen < probability { h } else { 0 };
        bounds.extend([top, top + h, left, left + w]);
    }
    let device = x.device();
    // One small transfer a step; everything else is made on the device.
    let bounds = Tensor::from_slice(&bounds)
        .to_device(device)
        .view([batch, 4]);
    let bound = |which: i64| bounds.narrow(1, which, 1).view([batch, 1, 1, 1]);
    let rows = Tensor::arange(height, (Kind::Int64, device)).view([1, 1, height, 1]);
    let columns = Tensor::arange(width, (Kind::Int64, device)).view([1, 1, 1, width]);
    let within = |at: &Tensor, from: i64| {
        at.ge_tensor(&bound(from))
            .logical_and(&at.lt_tensor(&bound(from + 1)))
    };
    x.masked_fill(&within(&rows, 0).logical_and(&within(&columns, 2)), 0.0)
}

/// Shifts every image by up to `shift` pixels up, down, left and right, and mirrors every second one, on average, when `flip`
/// is set.
fn moved(x: &Tensor, shift: usize, flip: bool, seed: u64, step: u64) -> Tensor {
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
