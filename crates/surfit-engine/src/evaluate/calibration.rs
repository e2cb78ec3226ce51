//! Which training images batch norm is re-estimated on.
//!
//! Statistics belong to a mixture of classes. A network that was trained on another mixture than it is calibrated on can
//! lose a quarter of its accuracy, so that the mixture of the training split is kept to the image.

use crate::data::DataSplit;
use surfit_core::random::{self, RandomStream};
use tch::Device;

/// Returns `images` of the training split, or all when there are fewer: a function of the seed, every class with its share.
/// The first images of it are in proportion, too.
pub fn sample_proportionally(train: &DataSplit, images: usize, seed: u64) -> DataSplit {
    let mut sizes = class_counts(train);
    sizes.retain(|&size| size > 0);
    // Of classes of one size a random draw has nearly as many, and it is what every run has had.
    if sizes.windows(2).all(|w| w[0] == w[1]) {
        let order = random::permutation(train.len() as usize, seed, RandomStream::Calibration, 0);
        return train.select(&order[..images.min(order.len())]);
    }
    let mut ranked: Vec<(f64, i64)> = Vec::with_capacity(train.len() as usize);
    for of_class in shuffled_by_class(train, seed) {
        let place = |rank: usize| (rank as f64 + 0.5) / of_class.len() as f64;
        ranked.extend(of_class.iter().enumerate().map(|(n, &image)| (place(n), image)));
    }
    ranked.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let indices: Vec<i64> = ranked.iter().take(images).map(|r| r.1).collect();
    train.select(&indices)
}

/// Returns as many images of every class, some of them again where a class has few: `images` of the training split, a
/// function of the seed.
pub fn sample_classes_equally(train: &DataSplit, images: usize, seed: u64) -> DataSplit {
    let by_class = shuffled_by_class(train, seed);
    let classes = by_class.iter().filter(|of_class| !of_class.is_empty());
    let each = images.div_ceil(classes.clone().count().max(1));
    // In turn, so that every batch has all classes.
    let indices: Vec<i64> = (0..each).flat_map(|n| classes.clone().map(move |of| of[n % of.len()])).collect();
    train.select(&indices)
}

pub fn class_counts(split: &DataSplit) -> Vec<usize> {
    let mut counts = Vec::new();
    for label in label_indices(split) {
        counts.resize(counts.len().max(label + 1), 0);
        counts[label] += 1;
    }
    counts
}

fn label_indices(split: &DataSplit) -> Vec<usize> {
    let labels = Vec::<i64>::try_from(split.labels().to_device(Device::Cpu)).unwrap_or_default();
    labels.into_iter().map(|l| l as usize).collect()
}

fn shuffled_by_class(train: &DataSplit, seed: u64) -> Vec<Vec<i64>> {
    let labels = label_indices(train);
    let mut by_class = vec![Vec::new(); labels.iter().max().map_or(0, |l| l + 1)];
    for image in random::permutation(labels.len(), seed, RandomStream::Calibration, 0) {
        by_class[labels[image as usize]].push(image);
    }
    by_class
}

#[cfg(test)]
mod tests {
    use super::*;
    use surfit_data::LabeledImages;

    /// Images of classes of these sizes, one class behind the other.
    fn split(sizes: &[usize]) -> DataSplit {
        let labels: Vec<u16> = (0..).zip(sizes).flat_map(|(c, &n)| vec![c; n]).collect();
        let images = LabeledImages { shape: [1, 1, 1], pixels: vec![0; labels.len()], labels };
        DataSplit::new(images, &[0.0], &[1.0], Device::Cpu)
    }

    #[test]
    fn every_class_has_its_share_of_the_calibration() {
        let train = split(&[900, 300, 60, 20]);
        for seed in 0..20 {
            let drawn = sample_proportionally(&train, 640, seed);
            assert_eq!(class_counts(&drawn), [450, 150, 30, 10], "seed {seed}");
            let first = class_counts(&drawn.truncated(128));
            assert_eq!(first, [90, 30, 6, 2], "seed {seed}");
        }
        assert_eq!(class_counts(&sample_proportionally(&train, 5000, 1)), [900, 300, 60, 20]);
    }

    #[test]
    fn equal_parts_repeat_the_images_of_a_small_class() {
        let train = split(&[900, 0, 60, 20]);
        let drawn = sample_classes_equally(&train, 300, 1);
        assert_eq!(class_counts(&drawn), [100, 0, 100, 100]);
        assert_eq!(class_counts(&drawn.truncated(30)), [10, 0, 10, 10]);
    }
}
