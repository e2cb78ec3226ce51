//! Random changes of training images.

use rand::Rng;
use surfit_core::config::TrainingConfig;
use surfit_core::random::{self, RandomStream};
use tch::{Kind, Tensor};

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Augmentation {
    /// Shifts by up to this many pixels: crops of the padded image.
    pub random_crop_padding: usize,
    /// Every second image, on average, is mirrored.
    pub horizontal_flip: bool,
    /// Probability that a rectangle of 2 to 33 % of an image is erased (Zhong et al. 2020).
    pub random_erasing: f64,
}

impl From<&TrainingConfig> for Augmentation {
    fn from(training: &TrainingConfig) -> Self {
        Self {
            random_crop_padding: training.random_crop_padding,
            horizontal_flip: training.horizontal_flip,
            random_erasing: training.random_erasing,
        }
    }
}

impl Augmentation {
    /// Changes every image of `x`, `[B, C, H, W]`. What is shifted in or erased is zero, the mean colour of normalized
    /// images.
    ///
    /// A function of `seed` and `step`; the same images in the same batch come out alike on every device. With everything
    /// switched off `x` itself comes back.
    pub fn apply(&self, x: &Tensor, seed: u64, step: u64) -> Tensor {
        let size = x.size();
        let &[batch, _, height, width] = size.as_slice() else {
            return x.shallow_clone();
        };
        let moves = self.random_crop_padding > 0 || self.horizontal_flip;
        let erases = self.random_erasing > 0.0;
        if batch == 0 || !(moves || erases) {
            return x.shallow_clone();
        }
        let mut plan = Vec::with_capacity(7 * batch as usize);
        if moves {
            plan.extend(self.shift_plan(batch, width, seed, step));
        }
        if erases {
            plan.extend(self.erasing_plan(batch, height, width, seed, step));
        }
        // All random numbers of the step in one transfer, which waits for nothing that the device still has to do.
        let plan = Tensor::from_slice(&plan).view([-1, batch]).to_device_(x.device(), Kind::Int64, true, false);
        let x = if moves { shift_and_flip(x, self.random_crop_padding as i64, &plan) } else { x.shallow_clone() };
        if erases { erase_rectangles(&x, &plan.narrow(0, if moves { 3 } else { 0 }, 4)) } else { x }
    }

    /// Top row, first column and direction (1, or −1 when mirrored) of each image's cut out of its padded self, `[3, B]`.
    fn shift_plan(&self, batch: i64, width: i64, seed: u64, step: u64) -> Vec<i64> {
        let mut rng = random::stream(seed, RandomStream::Augmentation, step);
        let span = 0..=2 * self.random_crop_padding as i64;
        let count = batch as usize;
        let mut plan = vec![0; 3 * count];
        for image in 0..count {
            plan[image] = rng.random_range(span.clone());
            let left = rng.random_range(span.clone());
            // Drawn in any case, so that switching flips on changes no shift.
            let mirrored = rng.random::<bool>() && self.horizontal_flip;
            let (first, direction) = if mirrored { (left + width - 1, -1) } else { (left, 1) };
            plan[count + image] = first;
            plan[2 * count + image] = direction;
        }
        plan
    }

    /// Top, bottom, left and right of what is erased of each image, `[4, B]`; bottom and top are equal where nothing is.
    fn erasing_plan(&self, batch: i64, height: i64, width: i64, seed: u64, step: u64) -> Vec<i64> {
        let mut rng = random::stream(seed, RandomStream::Erasing, step);
        let count = batch as usize;
        let mut plan = vec![0; 4 * count];
        for image in 0..count {
            let (chosen, area): (f64, f64) = (rng.random(), rng.random_range(0.02..0.33));
            let aspect = rng.random_range(0.3f64.ln()..3.3f64.ln()).exp();
            let (at_y, at_x): (f64, f64) = (rng.random(), rng.random());
            let extent = |part: f64, whole: i64| ((part * whole as f64).round() as i64).clamp(1, whole);
            // The sides are shares of the image's, so that the area is one whatever its shape.
            let h = extent((area * aspect).sqrt(), height);
            let w = extent((area / aspect).sqrt(), width);
            let place = |at: f64, free: i64| (at * (free + 1) as f64) as i64;
            let (top, left) = (place(at_y, height - h), place(at_x, width - w));
            let h = if chosen < self.random_erasing { h } else { 0 };
            for (row, bound) in [top, top + h, left, left + w].into_iter().enumerate() {
                plan[row * count + image] = bound;
            }
        }
        plan
    }
}

/// Erases a rectangle of each image: rows of `bounds`, `[4, B]`, are top, bottom, left and right.
fn erase_rectangles(x: &Tensor, bounds: &Tensor) -> Tensor {
    let size = x.size();
    let (batch, height, width, device) = (size[0], size[2], size[3], x.device());
    let bound = |which: i64| bounds.get(which).view([batch, 1, 1, 1]);
    let rows = Tensor::arange(height, (Kind::Int64, device)).view([1, 1, height, 1]);
    let columns = Tensor::arange(width, (Kind::Int64, device)).view([1, 1, 1, width]);
    let within = |at: &Tensor, from: i64| at.ge_tensor(&bound(from)).logical_and(&at.lt_tensor(&bound(from + 1)));
    x.masked_fill(&within(&rows, 0).logical_and(&within(&columns, 2)), 0.0)
}

/// Cuts each image out of itself with a margin of `shift` pixels around: pixel `(i, j)` comes from row `top + i` and column
/// `first + direction·j`, the first three rows of `plan`.
fn shift_and_flip(x: &Tensor, shift: i64, plan: &Tensor) -> Tensor {
    let size = x.size();
    let (batch, channels, height, width) = (size[0], size[1], size[2], size[3]);
    let each = |row: i64| plan.get(row).unsqueeze(1);
    let along = |n: i64| Tensor::arange(n, (Kind::Int64, x.device())).unsqueeze(0);
    let rows = each(0) + along(height);
    let columns = each(1) + each(2) * along(width);

    let (padded_height, padded_width) = (height + 2 * shift, width + 2 * shift);
    let padded = if shift > 0 { x.constant_pad_nd([shift, shift, shift, shift]) } else { x.shallow_clone() };
    let pixels = rows.unsqueeze(2) * padded_width + columns.unsqueeze(1);
    let pixels = pixels.view([batch, 1, height * width]).expand([-1, channels, -1], false);
    padded
        .reshape([batch, channels, padded_height * padded_width])
        .gather(2, &pixels, false)
        .view([batch, channels, height, width])
}
