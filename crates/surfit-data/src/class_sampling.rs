//! Choosing images so that every class has the same share.

use surfit_core::random::{self, RandomStream};

/// Chooses `n` of the images with these labels, in equal parts of every class as far as the classes reach: a
/// function of the seed and `part`, which distinguishes choices of one run. Gives the chosen and the other images,
/// both in rising order.
pub(crate) fn sample_equal_classes(labels: &[u16], n: usize, seed: u64, part: u64) -> (Vec<usize>, Vec<usize>) {
    sample_by_rank(labels, n, seed, part, |rank, _| rank as f64)
}

/// As [`sample_equal_classes`], but every class gives the same share of its own images, so that a small class keeps most of them. Where all
/// classes are of one size the two are the same.
pub(crate) fn sample_proportionally(labels: &[u16], n: usize, seed: u64, part: u64) -> (Vec<usize>, Vec<usize>) {
    sample_by_rank(labels, n, seed, part, |rank, size| (rank as f64 + 0.5) / size as f64)
}

/// Chooses the `n` images that come first by `place`, a function of an image's rank in its class and the class's size.
fn sample_by_rank(
    labels: &[u16],
    n: usize,
    seed: u64,
    part: u64,
    place: impl Fn(usize, usize) -> f64,
) -> (Vec<usize>, Vec<usize>) {
    let order = random::permutation(labels.len(), seed, RandomStream::Split, part);
    // The rank of an image within its class, in random order; choosing the lowest ranks takes from all classes
    // in turn, and what one class lacks the others give.
    let classes = labels.iter().max().map_or(0, |&l| usize::from(l) + 1);
    let mut sizes = vec![0usize; classes];
    labels.iter().for_each(|&l| sizes[usize::from(l)] += 1);
    let mut seen = vec![0usize; classes];
    let mut ranked: Vec<(f64, usize)> = Vec::with_capacity(labels.len());
    for &i in &order {
        let i = i as usize;
        let class = usize::from(labels[i]);
        let rank = &mut seen[class];
        ranked.push((place(*rank, sizes[class]), i));
        *rank += 1;
    }
    ranked.sort_by(|a, b| a.0.total_cmp(&b.0)); // stable: ties stay in random order
    let mut chosen: Vec<usize> = ranked.iter().map(|&(_, i)| i).collect();
    let mut others = chosen.split_off(n.min(chosen.len()));
    chosen.sort_unstable();
    others.sort_unstable();
    (chosen, others)
}
