use super::*;
use crate::layout::{LayoutTensors, RunningStats};
use std::collections::BTreeSet;
use surfit_core::networks::{NETWORK_NAMES, all_networks};
use tch::{Device, Kind};

mod pytorch;

fn network(name: &str, widths: &[usize]) -> Network {
    // Tests run side by side; threads of several of them would only wait for each other.
    tch::set_num_threads(1);
    let config = NetworkConfig { name: name.into(), widths: widths.into(), patch: 0, hidden: Vec::new() };
    Network::new(&config, [1, 28, 28], 10).unwrap()
}

/// A network in a small form, for images of this height and width.
pub(crate) struct SmallNetwork {
    pub name: &'static str,
    pub network: Network,
    pub side: i64,
}

impl SmallNetwork {
    /// Random images, `[n, 1, side, side]`.
    pub(crate) fn images(&self, n: i64) -> Tensor {
        tch::manual_seed(7);
        Tensor::randn([n, 1, self.side, self.side], (Kind::Float, Device::Cpu))
    }
}

/// A small form of every network, and one with hidden layers in its classifier where it may have them, for images of 28×28 pixels
/// or of the fewest that it reads.
pub(crate) fn small_networks() -> Vec<SmallNetwork> {
    tch::set_num_threads(1);
    let mut all = Vec::new();
    for spec in all_networks() {
        let default = spec.widths.default.iter().zip(6..);
        let mut widths: Vec<usize> = default.map(|(&width, most)| width.min(most)).collect();
        // Heads of two features each.
        spec.widths.undetermined.iter().for_each(|heads| widths[heads.index] = 3);
        // Hidden layers of the default would be large.
        let hidden: &[&[usize]] = match spec.hidden {
            None => &[&[]],
            Some([]) => &[&[], &[6, 5]],
            Some(_) => &[&[6, 5]],
        };
        for &hidden in hidden {
            let config =
                NetworkConfig { name: spec.name.into(), widths: widths.clone(), patch: 0, hidden: hidden.into() };
            let built = (28..=64).find_map(|side| Some((side, Network::new(&config, [1, side, side], 10).ok()?)));
            let (side, network) = built.unwrap_or_else(|| panic!("{}: no small form", spec.name));
            all.push(SmallNetwork { name: spec.name, network, side: side as i64 });
        }
    }
    let names: BTreeSet<&str> = all.iter().map(|small| small.name).collect();
    assert_eq!(names, NETWORK_NAMES.iter().copied().collect());
    all
}

fn images(n: i64) -> Tensor {
    tch::manual_seed(7);
    Tensor::randn([n, 1, 28, 28], (Kind::Float, Device::Cpu))
}

fn max_abs(x: &Tensor) -> f64 {
    x.abs().max().double_value(&[])
}

#[test]
fn a_cnn_is_the_plain_composition_of_its_layers() {
    let network = network("cnn", &[4, 6, 8]);
    let names: Vec<&str> = network.layout().parameters.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "features.0.0.weight",
            "features.0.1.weight",
            "features.0.1.bias",
            "features.1.0.weight",
            "features.1.1.weight",
            "features.1.1.bias",
            "features.2.0.weight",
            "features.2.1.weight",
            "features.2.1.bias",
            "classifier.weight",
            "classifier.bias"
        ]
    );
    let weights = (network.layout().initial_weights(3) * 1.5).set_requires_grad(true);
    let w = network.layout().views(&weights);
    let x = images(5);

    let mut y = x.shallow_clone();
    for i in 0..3 {
        y = y.conv2d(&w[3 * i], None::<Tensor>, 1, 1, 1, 1);
        y = Tensor::batch_norm(
            &y,
            Some(&w[3 * i + 1]),
            Some(&w[3 * i + 2]),
            None::<&Tensor>,
            None::<&Tensor>,
            true,
            0.1,
            1e-5,
            false,
        );
        y = y.relu();
        y = if i < 2 { y.max_pool2d(2, 2, 0, 1, false) } else { y.adaptive_avg_pool2d([1, 1]) };
    }
    let expected = y.flatten(1, -1).linear(&w[9], Some(&w[10]));

    let mut taps = ActivationHooks::default();
    let logits = network.forward(w.as_slice().into(), &x, &mut NormStatistics::Batch, Some(&mut taps));
    assert_eq!(logits.size(), [5, 10]);
    assert!(max_abs(&(&logits - &expected)) < 1e-5);
    let sizes: Vec<_> = taps.0.into_iter().map(|(g, t)| (g, t.size())).collect();
    assert_eq!(sizes, [(0, vec![5, 4, 7, 7]), (1, vec![5, 6, 7, 7]), (2, vec![5, 8, 7, 7])]);

    let gradient = |logits: &Tensor| {
        let loss = logits.square().sum(Kind::Float);
        Tensor::run_backward(&[&loss], &[&weights], true, false).remove(0)
    };
    let (mine, plain) = (gradient(&logits), gradient(&expected));
    assert!(max_abs(&(&mine - &plain)) < 1e-4 * max_abs(&plain));
}

#[test]
fn taps_and_gradients_do_not_change_the_logits() {
    for small in small_networks() {
        let (name, network, x) = (small.name, &small.network, small.images(6));
        let plain = network.layout().initial_weights(1);
        let stats = RunningStats::new(network.layout(), Device::Cpu);
        let traced = plain.copy().set_requires_grad(true);
        for running in [false, true] {
            let forward = |flat: &Tensor, taps: Option<&mut ActivationHooks>| {
                let mut norms = if running { NormStatistics::Running(&stats) } else { NormStatistics::Batch };
                network.forward(network.layout().views(flat).as_slice().into(), &x, &mut norms, taps).detach()
            };
            let logits = forward(&plain, None);
            assert!(max_abs(&logits) > 0.0);
            assert_eq!(logits, forward(&traced, None), "{name} {running}");
            assert_eq!(logits, forward(&plain, Some(&mut ActivationHooks::default())));
        }
    }
}

#[test]
fn in_16_bits_logits_and_gradients_are_nearly_those_of_32() {
    use crate::device::Placement;
    use crate::model::Model;
    for (f32, bf16) in small_networks().into_iter().zip(small_networks()) {
        let name = f32.name;
        let of = |small: SmallNetwork, kind| {
            let (x, network) = (small.images(64), small.network);
            let model = Model::new(network, Placement { device: Device::Cpu, kind, threads: 1 });
            let flat = model.network().layout().initial_weights(1);
            let labels = Tensor::arange(64, (Kind::Int64, Device::Cpu)).remainder(10);
            let (loss, parts) = model.gradient(&model.compute_views(&flat), &x, &labels, 0.0);
            let flat_parts: Vec<Tensor> = parts.iter().map(|g| g.reshape([-1]).to_kind(Kind::Float)).collect();
            let gradient = Tensor::cat(&flat_parts, 0);
            let stats = RunningStats::new(model.network().layout(), Device::Cpu);
            let views = model.network().layout().views(&flat);
            let logits = model.logits(&views, &x, &mut NormStatistics::Running(&stats));
            assert_eq!((logits.kind(), loss.kind()), (Kind::Float, Kind::Float), "{name}");
            (logits, gradient)
        };
        let ((wide, g), (narrow, h)) = (of(f32, Kind::Float), of(bf16, Kind::BFloat16));
        let logits = max_abs(&(&narrow - &wide)) / max_abs(&wide);
        assert!(logits > 0.0 && logits < 0.05, "{name}: logits differ by {logits}");
        let cosine = (&g * &h).sum(Kind::Float) / (g.norm() * h.norm());
        let cosine = cosine.double_value(&[]);
        // Rounding decides which pixel of a pooling was the largest, in every one of many layers.
        assert!(cosine > 0.75, "{name}: gradients have a cosine of {cosine}");
    }
}

#[test]
fn a_few_steps_lower_the_loss_of_every_network() {
    use crate::device::Placement;
    use crate::model::Model;
    use crate::optimizer::StepHyperparams;
    use crate::trainer::Trainer;
    let rates = StepHyperparams { learning_rate: 0.02, momentum: 0.9, weight_decay: 0.0, label_smoothing: 0.0 };
    let labels = Tensor::arange(32, (Kind::Int64, Device::Cpu)).remainder(10);
    let _no_grad = tch::no_grad_guard();
    for small in small_networks() {
        let (name, x, network) = (small.name, small.images(32), small.network);
        let model = Model::new(network, Placement { device: Device::Cpu, kind: Kind::Float, threads: 1 });
        let mut trainer = Trainer::new(&model, 1);
        let losses: Vec<f64> =
            (0..10).map(|_| trainer.step_on_batch(&model, &x, &labels, rates).double_value(&[])).collect();
        assert!(losses[9] < losses[0], "{name}: {losses:?}");
    }
}

#[test]
fn an_mlp_is_the_plain_composition_of_its_layers() {
    let network = network("mlp", &[12, 9]);
    let flat = network.layout().initial_weights(5);
    assert_eq!(flat.size(), [784 * 12 + 12 + 12 * 9 + 9 + 9 * 10 + 10]);
    let w = network.layout().views(&flat);
    let x = images(4);
    let layer = |x: &Tensor, i: usize| x.matmul(&w[2 * i].transpose(0, 1)) + &w[2 * i + 1];
    let expected = layer(&layer(&layer(&x.view([4, 784]), 0).relu(), 1).relu(), 2);
    let mut taps = ActivationHooks::default();
    let logits = network.forward(w.as_slice().into(), &x, &mut NormStatistics::Batch, Some(&mut taps));
    assert!(max_abs(&(logits - expected)) < 1e-5);
    assert_eq!(taps.0.into_iter().map(|(g, t)| (g, t.size())).collect::<Vec<_>>(), [(0, vec![4, 12]), (1, vec![4, 9])]);
}

#[test]
fn collecting_gives_the_mean_of_the_batches_statistics() {
    let network = network("cnn", &[3, 5]);
    let flat = network.layout().initial_weights(2);
    let w = network.layout().views(&flat);
    let mut stats = RunningStats::new(network.layout(), Device::Cpu);
    let (mut means, mut vars) = (Vec::new(), Vec::new());
    for batch in images(12).chunk(3, 0) {
        let _ = network.forward(w.as_slice().into(), &batch, &mut NormStatistics::Collect(&mut stats), None);
        stats.batches += 1;
        let first = batch.conv2d(&w[0], None::<Tensor>, 1, 1, 1, 1);
        let (var, mean) = first.var_mean_dim([0i64, 2, 3].as_slice(), true, false);
        means.push(mean);
        vars.push(var);
    }
    let mean_of = |t: &[Tensor]| Tensor::stack(t, 0).mean_dim([0i64].as_slice(), false, Kind::Float);
    assert!(max_abs(&(&stats.mean[0] - mean_of(&means))) < 1e-6);
    assert!(max_abs(&(&stats.var[0] - mean_of(&vars))) < 1e-5);
    // The statistics are what evaluation then uses.
    let x = images(4);
    let fixed = network.forward(w.as_slice().into(), &x, &mut NormStatistics::Running(&stats), None);
    let batch = network.forward(w.as_slice().into(), &x, &mut NormStatistics::Batch, None);
    assert!(max_abs(&(fixed - batch)) > 1e-4);
}

#[test]
fn bad_descriptions_get_a_sentence() {
    let error = |name: &str, widths: &[usize]| {
        let config = NetworkConfig { name: name.into(), widths: widths.into(), patch: 0, hidden: Vec::new() };
        Network::new(&config, [1, 28, 28], 10).unwrap_err().to_string()
    };
    assert!(error("cnm", &[4]).contains("did you mean `cnn`?"));
    assert!(error("transformer", &[4]).contains("cnn, mlp, resnet18"));
    assert!(error("mlp", &[4, 0]).contains("network.widths"));
    let deep = error("cnn", &[4; 6]);
    assert!(deep.contains("28×28") && deep.contains("after 5 widths"), "{deep}");
    // Five widths leave one pixel, which is enough.
    let network = network("cnn", &[2; 5]);
    let w = network.layout().views(&network.layout().initial_weights(1));
    assert_eq!(network.forward(w.as_slice().into(), &images(3), &mut NormStatistics::Batch, None).size(), [3, 10]);
}

/// Weight gradients that are formed apart are those of automatic differentiation, for strides, kernels and biases.
#[test]
fn weight_gradients_as_products_are_the_same_gradients() {
    let (small, own): (&[usize], &[usize]) = (&[4, 6, 8, 10], &[]);
    for (name, widths) in [("resnet18-cifar", small), ("vgg16-cifar", own)] {
        let network = network(name, widths);
        let layout = network.layout();
        let flat = layout.initial_weights(3);
        let (x, labels) = (images(3), Tensor::from_slice(&[0i64, 4, 2]));
        let gradients = |apart: bool| {
            let leaves: Vec<Tensor> =
                layout.views(&flat).iter().map(|view| view.detach().set_requires_grad(true)).collect();
            let mut products = DeferredConvGrads::default();
            let loss = tch::with_grad(|| {
                let weights = ForwardWeights { views: &leaves, deferred_grads: apart.then_some(&mut products) };
                let logits = network.forward(weights, &x, &mut NormStatistics::Batch, None);
                logits.cross_entropy_for_logits(&labels)
            });
            products.backward(&loss, &leaves)
        };
        let (apart, together) = (gradients(true), gradients(false));
        for ((a, b), parameter) in apart.iter().zip(&together).zip(&layout.parameters) {
            assert_eq!(a.size(), parameter.shape, "{name}, {}", parameter.name);
            let scale = b.abs().max().double_value(&[]);
            let difference = (a - b).abs().max().double_value(&[]);
            assert!(difference <= 1e-4 * scale + 1e-7, "{name}, {}: {difference} of {scale}", parameter.name);
        }
    }
}
