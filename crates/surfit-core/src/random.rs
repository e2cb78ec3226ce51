//! Randomness as a function of (seed, purpose, step).
//!
//! No generator lives across steps: each decision opens the stream of its own purpose and step. A run that
//! resumes at step `s` therefore makes the same decisions as one that was never interrupted.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// What a stream of random numbers is for. Streams of different purposes are independent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum RandomStream {
    /// Initial weights of a network.
    Initialization = 1,
    /// Order of the training images within an epoch.
    BatchOrder = 2,
    /// Flips, crops and erasures of training images.
    Augmentation = 3,
    /// The shift of the low-discrepancy sequence of surface points.
    Draws = 4,
    /// The fixed subset of training images that re-estimates batch-norm statistics.
    Calibration = 5,
    /// The split of a data set into training and validation images.
    Split = 6,
    /// The fixed subset of validation images that live heatmap cells are measured on.
    Live = 7,
    /// Rectangles that are erased from training images.
    Erasing = 21,
    /// Surface points drawn independently of each other.
    IndependentDraws = 20,
}

/// The stream for one decision.
pub fn stream(seed: u64, purpose: RandomStream, step: u64) -> ChaCha8Rng {
    let mut key = [0u8; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&(purpose as u64).to_le_bytes());
    key[16..24].copy_from_slice(&step.to_le_bytes());
    ChaCha8Rng::from_seed(key)
}

/// A permutation of `0..n` for one decision.
pub fn permutation(n: usize, seed: u64, purpose: RandomStream, step: u64) -> Vec<i64> {
    let mut order: Vec<i64> = (0..n as i64).collect();
    order.shuffle(&mut stream(seed, purpose, step));
    order
}

/// A seed derived from `seed` and an index, for parts that need seeds of their own (one per corner, for example).
pub fn derive_seed(seed: u64, index: u64) -> u64 {
    // The finalizer of SplitMix64 (Steele, Lea, Flood 2014): a bijection that mixes every bit.
    let mut z = seed.wrapping_add(index.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_decision_same_numbers_other_decision_other_numbers() {
        let a = permutation(50, 1, RandomStream::BatchOrder, 3);
        assert_eq!(a, permutation(50, 1, RandomStream::BatchOrder, 3));
        assert_ne!(a, permutation(50, 1, RandomStream::BatchOrder, 4));
        assert_ne!(a, permutation(50, 2, RandomStream::BatchOrder, 3));
        assert_ne!(a, permutation(50, 1, RandomStream::Calibration, 3));
        let mut sorted = a;
        sorted.sort_unstable();
        assert_eq!(sorted, (0..50).collect::<Vec<_>>());
        assert_ne!(derive_seed(1, 0), derive_seed(1, 1));
    }
}
