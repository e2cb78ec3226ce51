//! Choosing images so that every class has the same share.

use surfit_core::random::{self, Purpose};

/// Chooses `n` of the images with these labels, in equal parts of every class as far as the classes reach: a
/// function of the seed and `part`, which tells choices of one run apart. Gives the chosen and the other images,
/// both in rising order.
pub(crate) fn choose(labels: &[u16], n: usize, seed: u64, part: u64) -> (Vec<usize>, Vec<usize>) {
    let order = random::permutation(labels.len(), seed, Purpose::Split, part);
    // The rank of an image within its class, in random order; choosing the lowest ranks takes from all classes
    // in turn, and what one class lacks the others give.
    let classes = labels.iter().max().map_or(0, |&l| usize::from(l) + 1);
    let mut seen = vec![0usize; classes];
    let mut ranked: Vec<(usize, usize)> = Vec::with_capacity(labels.len());
    for &i in &order {
        let i = i as usize;
        let rank = &mut seen[usize::from(labels[i])];
        ranked.push((*rank, i));
        *rank += 1;
    }
    ranked.sort_by_key(|&(rank, _)| rank); // stable: ties stay in random order
    let mut chosen: Vec<usize> = ranked.iter().map(|&(_, i)| i).collect();
    let mut others = chosen.split_off(n.min(chosen.len()));
    chosen.sort_unstable();
    others.sort_unstable();
    (chosen, others)
}
