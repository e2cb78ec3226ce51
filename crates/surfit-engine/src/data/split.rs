//! Images and labels of one part of a data set.

use super::Augmentation;
use crate::digest;
use surfit_data::LabeledImages;
use tch::{Device, Kind, Tensor};

/// Images and labels on one device. Images stay bytes there, a quarter of the memory of `f32`, and are normalized
/// batch by batch.
#[derive(Debug)]
pub struct DataSplit {
    /// `u8`, `[N, C, H, W]`.
    images: Tensor,
    /// Class labels, `i64`, `[N]`.
    labels: Tensor,
    /// What a byte is multiplied with, `f32`, `[1, C, 1, 1]`.
    scale: Tensor,
    /// What is added then, `f32`, `[1, C, 1, 1]`.
    offset: Tensor,
    /// Height and width that batches are resized to; `None` for images that have them.
    resize_side: Option<i64>,
}

impl DataSplit {
    /// `images`, on `device`. `mean` and `std` are per channel, of pixel values in 0..=1.
    pub(crate) fn new(images: LabeledImages, mean: &[f64], std: &[f64], device: Device) -> Self {
        let [c, h, w] = images.shape.map(|x| x as i64);
        let labels: Vec<i64> = images.labels.iter().map(|&l| l.into()).collect();
        let (scale, offset) = scale_and_offset(mean, std, device);
        Self {
            images: Tensor::from_slice(&images.pixels).view([-1, c, h, w]).to_device(device),
            labels: Tensor::from_slice(&labels).to_device(device),
            scale,
            offset,
            resize_side: None,
        }
    }

    /// The same images, normalized with other constants of their channels. Shares memory with this split.
    pub fn normalized_with(&self, mean: &[f64], std: &[f64]) -> DataSplit {
        let (scale, offset) = scale_and_offset(mean, std, self.images.device());
        DataSplit {
            images: self.images.shallow_clone(),
            labels: self.labels.shallow_clone(),
            scale,
            offset,
            resize_side: self.resize_side,
        }
    }

    /// The same split, with batches resized to `side` pixels high and wide. Images stay as small in memory as they are.
    pub(super) fn resized_to(mut self, side: Option<i64>) -> Self {
        self.resize_side = side;
        self
    }

    pub fn len(&self) -> i64 {
        self.labels.size()[0]
    }

    /// Pixels of an image as networks see it.
    pub fn pixels(&self) -> i64 {
        match self.resize_side {
            Some(side) => side * side,
            None => self.images.size()[2..].iter().product(),
        }
    }

    /// SHA-256 of all images, labels and their normalization, as hexadecimal digits: two splits with the same train networks
    /// alike.
    pub fn digest(&self) -> String {
        let parts = [&self.images, &self.labels, &self.scale, &self.offset];
        match self.resize_side {
            None => digest::digest_tensors(parts),
            Some(side) => {
                let side = Tensor::from_slice(&[side]);
                digest::digest_tensors(parts.into_iter().chain([&side]))
            }
        }
    }

    /// Every label, `i64`, `[N]`.
    pub fn labels(&self) -> &Tensor {
        &self.labels
    }

    /// The images at `indices` (`i64`, `[B]`, on this split's device), normalized, `f32`, `[B, C, H, W]`, and
    /// their labels, `i64`, `[B]`.
    pub fn batch(&self, indices: &Tensor) -> (Tensor, Tensor) {
        self.augmented_batch(indices, &Augmentation::default(), 0, 0)
    }

    /// As [`DataSplit::batch`], with the random changes of training step `step`.
    ///
    /// They come before the resize: of CIFAR at 224 that moves a fiftieth of the pixels, a shift stays as many pixels of the
    /// set's own as it says, and pipelines that crop 32×32 images with a margin of 4 and then enlarge them do the same.
    pub fn augmented_batch(&self, indices: &Tensor, changes: &Augmentation, seed: u64, step: u64) -> (Tensor, Tensor) {
        let images = self.normalize(&self.images.index_select(0, indices));
        (self.resize(changes.apply(&images, seed, step)), self.labels.index_select(0, indices))
    }

    /// As [`DataSplit::batch`], for the images `start..start + len`, cut at the end of the split.
    pub fn batch_range(&self, start: i64, len: i64) -> (Tensor, Tensor) {
        let start = start.clamp(0, self.len());
        let len = len.clamp(0, self.len() - start);
        (self.resize(self.normalize(&self.images.narrow(0, start, len))), self.labels.narrow(0, start, len))
    }

    /// A split of the images at `indices`, in that order.
    pub fn select(&self, indices: &[i64]) -> DataSplit {
        let indices = Tensor::from_slice(indices).to_device(self.images.device());
        self.with_images(self.images.index_select(0, &indices), self.labels.index_select(0, &indices))
    }

    /// The first `n` images, or all when there are fewer. Shares memory with this split.
    pub fn truncated(&self, n: i64) -> DataSplit {
        let n = n.clamp(0, self.len());
        self.with_images(self.images.narrow(0, 0, n), self.labels.narrow(0, 0, n))
    }

    /// The same images with a frame of black around them, `side` pixels high and wide, and grey ones with as many equal
    /// `channels`.
    pub(crate) fn padded_to(&self, channels: i64, side: i64) -> DataSplit {
        let size = self.images.size();
        let (down, right) = (side - size[2], side - size[3]);
        let frame = [right / 2, right - right / 2, down / 2, down - down / 2];
        let images = self.images.constant_pad_nd(frame);
        let images = images.expand([-1, channels, -1, -1], false).contiguous();
        self.with_images(images, self.labels.shallow_clone())
    }

    fn with_images(&self, images: Tensor, labels: Tensor) -> DataSplit {
        let (scale, offset) = (self.scale.shallow_clone(), self.offset.shallow_clone());
        DataSplit { images, labels, scale, offset, resize_side: self.resize_side }
    }

    /// Bilinear with antialiasing, as torchvision's `Resize` does it to tensors.
    fn resize(&self, images: Tensor) -> Tensor {
        match self.resize_side {
            Some(side) if images.size()[0] > 0 => {
                images.internal_upsample_bilinear2d_aa([side, side], false, None, None)
            }
            Some(side) => {
                let size = images.size();
                images.new_zeros([0, size[1], side, side], (images.kind(), images.device()))
            }
            None => images,
        }
    }

    fn normalize(&self, images: &Tensor) -> Tensor {
        images.to_kind(Kind::Float).g_mul_(&self.scale).g_add_(&self.offset)
    }
}

/// What a byte is multiplied with and what is added then, `f32`, `[1, C, 1, 1]`.
fn scale_and_offset(mean: &[f64], std: &[f64], device: Device) -> (Tensor, Tensor) {
    let per_channel = |value: fn(f64, f64) -> f64| {
        let values = mean.iter().zip(std).map(|(&m, &s)| value(m, s) as f32);
        let values: Vec<f32> = values.collect();
        Tensor::from_slice(&values).view([1, -1, 1, 1]).to_device(device)
    };
    (per_channel(|_, std| 1.0 / (255.0 * std)), per_channel(|mean, std| -mean / std))
}
