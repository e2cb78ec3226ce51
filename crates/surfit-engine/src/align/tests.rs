use super::*;
use crate::layout::LayoutTensors;
use crate::networks::tests::small_networks;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use surfit_core::config::NetworkConfig;
use tch::Kind;

/// A whole alignment in one go.
fn align(
    network: &Network,
    reference: &Tensor,
    other: &Tensor,
    method: AlignMethod,
    images: &Tensor,
) -> Result<(Tensor, Alignment)> {
    let mut aligning = AlignmentRun::new(network, reference, other, method, images);
    loop {
        if let Some(done) = aligning.step(network)? {
            return Ok(done);
        }
    }
}

fn network(name: &str, widths: &[usize]) -> Network {
    // Tests run side by side; threads of several of them would only wait for each other.
    tch::set_num_threads(1);
    // One of them has hidden layers in its classifier.
    let hidden = match name {
        "vgg16-cifar" => vec![6, 5],
        _ => Vec::new(),
    };
    let config = NetworkConfig { name: name.into(), widths: widths.into(), patch: 0, hidden };
    Network::new(&config, [1, 28, 28], 10).unwrap()
}

fn images(n: i64) -> Tensor {
    tch::manual_seed(11);
    Tensor::randn([n, 1, 28, 28], (Kind::Float, Device::Cpu))
}

/// One random permutation per group.
fn random_permutations(layout: &WeightLayout, seed: u64) -> Vec<Vec<i64>> {
    let mut rng = rand::rngs::StdRng::seed_from_u64(seed);
    let shuffled = |size| {
        let mut units: Vec<i64> = (0..size).collect();
        units.shuffle(&mut rng);
        units
    };
    layout.groups.iter().map(|g| g.size).map(shuffled).collect()
}

/// Initial weights with noise on everything, so that no parameter is constant along an axis.
fn permuted_weights(layout: &WeightLayout, seed: u64) -> Tensor {
    tch::manual_seed(seed as i64);
    let flat = layout.initial_weights(seed);
    let noise = flat.randn_like() * 0.1;
    flat + noise
}

#[test]
fn a_shuffled_copy_is_put_back_exactly() {
    for (name, widths) in [
        ("cnn", [8, 12, 16].as_slice()),
        ("mlp", &[24, 17]),
        ("resnet18", &[8, 9, 10, 11]),
        ("resnet18-cifar", &[6, 6, 8, 8]),
        ("vgg16-cifar", &[6, 6, 7, 7, 8]),
        ("vgg16-bn-cifar", &[6, 6, 7, 7, 8]),
        ("vit-tiny", &[24, 3, 4]),
        ("wrn16-4", &[6, 8, 9, 10]),
    ] {
        let network = network(name, widths);
        let reference = permuted_weights(network.layout(), 1);
        let other = permute(network.layout(), &reference, &random_permutations(network.layout(), 5));
        for method in [AlignMethod::Activation, AlignMethod::Weight] {
            let (aligned, report) = align(&network, &reference, &other, method, &images(40)).unwrap();
            assert_eq!(aligned, reference, "{name} {method:?}");
            assert!(report.distance[0] > 1.0 && report.distance[1] == 0.0, "{report:?}");
            assert!(report.moved > 0.8 && report.logit_change < 1e-4, "{report:?}");
        }
    }
}

#[test]
fn permuting_keeps_the_function_and_can_be_undone() {
    for small in small_networks() {
        let layout = small.network.layout();
        let flat = permuted_weights(layout, 4);
        let there = random_permutations(layout, 2);
        let back: Vec<Vec<i64>> = there
            .iter()
            .map(|p| {
                let mut inverse = vec![0; p.len()];
                p.iter().enumerate().for_each(|(to, &from)| inverse[from as usize] = to as i64);
                inverse
            })
            .collect();
        let moved = permute(layout, &flat, &there);
        assert_ne!(moved, flat);
        assert_eq!(permute(layout, &moved, &back), flat);
        let change = relative_logit_change(&small.network, &flat, &moved, &small.images(130));
        assert!(change < 1e-4, "{}: {change}", small.name);
    }
}

#[test]
fn blocks_move_together() {
    use crate::layout::ParameterInit;
    use surfit_core::networks::GroupAxis;
    let mut layout = WeightLayout::default();
    let group = layout.add_group("units", 3);
    layout.add_parameter(
        "next.weight",
        &[2, 6],
        ParameterInit::Zeros,
        &[None, Some(GroupAxis { block: 2, ..GroupAxis::for_group(group) })],
    );
    let flat = Tensor::arange(12, (Kind::Float, Device::Cpu));
    let moved = permute(&layout, &flat, &[vec![2, 0, 1]]);
    let expected = [4., 5., 0., 1., 2., 3., 10., 11., 6., 7., 8., 9.];
    assert_eq!(moved, Tensor::from_slice(&expected).to_kind(Kind::Float));
    // A weight matching sees the blocks the same way.
    let mut weights = permutation_search::WeightMatching::new(&layout);
    let permutations = loop {
        if let Some(done) = weights.step(&layout, &moved, &flat).unwrap() {
            break done;
        }
    };
    assert_eq!(permutations, [vec![2, 0, 1]]);
}

#[test]
fn alignment_reduces_the_distance_and_is_deterministic() {
    let network = network("cnn", &[6, 10]);
    let (a, b) = (network.layout().initial_weights(1), network.layout().initial_weights(2));
    for method in [AlignMethod::Activation, AlignMethod::Weight] {
        let images = images(33);
        let (first, report) = align(&network, &a, &b, method, &images).unwrap();
        let (second, again) = align(&network, &a, &b, method, &images).unwrap();
        assert_eq!((first, &report), (second, &again));
        assert!(report.moved > 0.0 && report.logit_change < 1e-4, "{report:?}");
        if method == AlignMethod::Weight {
            assert!(report.distance[1] < report.distance[0], "{report:?}");
        }
    }
}

#[test]
fn a_network_is_aligned_with_itself_dead_units_and_all() {
    let network = network("mlp", &[16]);
    let flat = network.layout().initial_weights(1);
    // Units that never fire have no correlation with anything, and all alike.
    let _ = network.layout().views(&flat)[1].narrow(0, 3, 6).fill_(-1e6);
    for method in [AlignMethod::Activation, AlignMethod::Weight] {
        let (aligned, report) = align(&network, &flat, &flat, method, &images(20)).unwrap();
        assert_eq!(aligned, flat);
        assert_eq!(report, Alignment { index: 0, moved: 0.0, logit_change: 0.0, distance: [0.0, 0.0] });
    }
}

#[test]
fn weights_that_are_not_finite_get_a_sentence() {
    let network = network("cnn", &[4, 4]);
    let flat = network.layout().initial_weights(1);
    let broken = flat.copy();
    let _ = broken.narrow(0, 7, 1).fill_(f64::NAN);
    for method in [AlignMethod::Activation, AlignMethod::Weight] {
        let error = align(&network, &flat, &broken, method, &images(8)).unwrap_err();
        assert!(error.to_string().contains("align.enabled = false"), "{error}");
    }
}

#[test]
fn assignments_are_the_best_ones() {
    // Against every permutation of small matrices.
    let mut rng = rand::rngs::StdRng::seed_from_u64(1);
    for round in 0..50 {
        let n = 1 + round % 6;
        // Few distinct values: ties are the hard part.
        let values: Vec<f32> = (0..n * n).map(|_| rand::Rng::random_range(&mut rng, 0..4) as f32).collect();
        let total = |p: &[i64]| -> f32 { p.iter().enumerate().map(|(i, &j)| values[i * n + j as usize]).sum() };
        let found = assignment::solve_assignment(&Tensor::from_slice(&values).view([n as i64, n as i64])).unwrap();
        let mut sorted = found.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..n as i64).collect::<Vec<_>>());
        let mut best = f32::MIN;
        all_permutations(&mut (0..n as i64).collect(), 0, &mut |p| best = best.max(total(p)));
        assert_eq!(total(&found), best);
    }
}

fn all_permutations(items: &mut Vec<i64>, from: usize, visit: &mut dyn FnMut(&[i64])) {
    if from == items.len() {
        return visit(items);
    }
    for i in from..items.len() {
        items.swap(from, i);
        all_permutations(items, from + 1, visit);
        items.swap(from, i);
    }
}

#[test]
fn no_part_of_the_images_is_one_image_alone() {
    // Large images go in small parts.
    let part = batch_size(224 * 224, Device::Cpu);
    for n in 2..=5 * part + 1 {
        let images = Tensor::zeros([n, 1, 224, 224], (Kind::Uint8, Device::Cpu));
        let sizes: Vec<i64> = image_batches(&images).iter().map(|p| p.size()[0]).collect();
        assert_eq!(sizes.iter().sum::<i64>(), n);
        assert!(sizes.iter().all(|s| (2..=part).contains(s)), "{n}: {sizes:?}");
    }
}
