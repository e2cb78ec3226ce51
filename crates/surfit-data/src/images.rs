//! Images and their labels as plain bytes.

/// Images of one size and the class of each.
#[derive(Clone, Debug, PartialEq)]
pub struct LabeledImages {
    /// `[C, H, W]` of an image.
    pub shape: [usize; 3],
    /// Bytes of all images, one image behind the other, each `C` planes of `H` rows.
    pub pixels: Vec<u8>,
    /// Class of every image.
    pub labels: Vec<u16>,
}

impl LabeledImages {
    /// Empty, of this shape, with capacity for `count` images.
    pub fn with_capacity(shape: [usize; 3], count: usize) -> Self {
        Self {
            shape,
            pixels: Vec::with_capacity(count * shape.iter().product::<usize>()),
            labels: Vec::with_capacity(count),
        }
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// True when there are none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Bytes of one image.
    pub fn image_bytes(&self) -> usize {
        self.shape.iter().product()
    }

    /// The images at `indices`, in that order.
    pub fn select(&self, indices: &[usize]) -> Self {
        let size = self.image_bytes();
        let mut taken = Self::with_capacity(self.shape, indices.len());
        for &i in indices {
            taken.pixels.extend_from_slice(&self.pixels[i * size..(i + 1) * size]);
            taken.labels.push(self.labels[i]);
        }
        taken
    }

    /// Keeps the images at `indices`, which must rise strictly, without a second copy in memory.
    pub fn retain_indices(&mut self, indices: &[usize]) {
        let size = self.image_bytes();
        for (to, &from) in indices.iter().enumerate() {
            debug_assert!(to <= from);
            self.pixels.copy_within(from * size..(from + 1) * size, to * size);
            self.labels[to] = self.labels[from];
        }
        self.pixels.truncate(indices.len() * size);
        self.labels.truncate(indices.len());
        self.pixels.shrink_to_fit();
    }

    /// One behind the other, all of the same shape. Each part's memory is given back as soon as it is copied.
    pub(crate) fn concatenate(shape: [usize; 3], parts: Vec<LabeledImages>) -> Self {
        let count = parts.iter().map(Self::len).sum();
        let mut all = Self::with_capacity(shape, count);
        for part in parts {
            all.pixels.extend_from_slice(&part.pixels);
            all.labels.extend_from_slice(&part.labels);
        }
        all
    }

    /// The same images in so many channels: grey ones three times the same, colour ones as their luma. Others stay as they are.
    pub(crate) fn with_channels(self, channels: usize) -> Self {
        let [own, height, width] = self.shape;
        let plane = height * width;
        let pixels = match (own, channels) {
            (1, 3) => self.pixels.chunks_exact(plane.max(1)).flat_map(|grey| [grey; 3]).flatten().copied().collect(),
            (3, 1) => self
                .pixels
                .chunks_exact(3 * plane.max(1))
                .flat_map(|image| (0..plane).map(|i| luma([0, 1, 2].map(|c| image[c * plane + i]))))
                .collect(),
            _ => return self,
        };
        Self { shape: [channels, height, width], pixels, labels: self.labels }
    }

    /// Mean and standard deviation of every channel, of pixel values in 0..=1. A channel of one value only has the
    /// deviation of one step, so that dividing by it is safe.
    pub fn channel_statistics(&self) -> (Vec<f64>, Vec<f64>) {
        let [channels, height, width] = self.shape;
        let plane = (height * width).max(1);
        // Whole numbers: the result depends on no order of summation.
        let mut counts = vec![[0u64; 256]; channels];
        for (i, values) in self.pixels.chunks_exact(plane).enumerate() {
            let counts = &mut counts[i % channels];
            values.iter().for_each(|&v| counts[usize::from(v)] += 1);
        }
        let statistic = |counts: &[u64; 256]| {
            let n = counts.iter().sum::<u64>().max(1) as f64;
            let moment = |f: fn(f64) -> f64| (0..256).map(|v| counts[v] as f64 * f(v as f64 / 255.0)).sum::<f64>() / n;
            let mean = moment(|x| x);
            let variance = (moment(|x| x * x) - mean * mean).max(0.0);
            (mean, variance.sqrt().max(1.0 / 255.0))
        };
        counts.iter().map(statistic).unzip()
    }
}

/// The luma of red, green and blue (ITU-R BT.601), rounded as PIL rounds it.
pub(crate) fn luma([red, green, blue]: [u8; 3]) -> u8 {
    let sum = 19_595 * u32::from(red) + 38_470 * u32::from(green) + 7_471 * u32::from(blue);
    ((sum + (1 << 15)) >> 16) as u8
}
