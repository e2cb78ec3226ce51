//! The networks compute what torchvision's and timm's do: logits of real PyTorch, stored by scripts/pytorch/fixtures.py,
//! with weights and images from the formula in scripts/pytorch/zoo.py.

use super::*;
use serde::Deserialize;

#[derive(Deserialize)]
struct PyTorchFixtures {
    images: i64,
    cases: Vec<FixtureCase>,
}

#[derive(Deserialize)]
struct FixtureCase {
    network: NetworkConfig,
    input: [usize; 3],
    classes: usize,
    parameters: i64,
    logits: Vec<Vec<f32>>,
}

/// A prime, so that no layer's rows repeat each other.
const NOISE_TABLE_SIZE: i64 = 65521;

/// `count` numbers in [−1, 1), `f64`, that depend on the name and their place alone.
fn noise(name: &str, count: i64) -> Tensor {
    let table: Vec<f64> = (0..NOISE_TABLE_SIZE as u32)
        .map(|i| {
            let mut h = i.wrapping_mul(2654435761);
            h ^= h >> 15;
            h = h.wrapping_mul(2246822519);
            h ^= h >> 13;
            h = h.wrapping_mul(3266489917);
            h ^= h >> 16;
            f64::from(h) / f64::from(1u32 << 31) - 1.0
        })
        .collect();
    let start = name.bytes().fold(0, |s, b| (s * 31 + i64::from(b)) % NOISE_TABLE_SIZE);
    Tensor::from_slice(&table)
        .roll([-start], [0])
        .repeat([(count + NOISE_TABLE_SIZE - 1) / NOISE_TABLE_SIZE])
        .narrow(0, 0, count)
}

/// The formula's value of a parameter, `f32`.
fn value(name: &str, shape: &[i64]) -> Tensor {
    let x = noise(name, shape.iter().product());
    let x = match shape.len() {
        1 if name.ends_with("weight") => x * 0.25 + 1.0,
        1 => x * 0.1,
        3 => x * 0.5,
        _ => x * (6.0 / shape[1..].iter().product::<i64>() as f64).sqrt(),
    };
    x.to_kind(Kind::Float)
}

/// Names of the networks begin so that have a test of their own, to run side by side; another test has all others.
const FAMILIES: [&str; 3] = ["resnet18", "vgg16", "vit"];

fn check_networks(chosen: impl Fn(&str) -> bool) {
    tch::set_num_threads(1);
    let text = include_str!("../fixtures/pytorch.json");
    let fixtures: PyTorchFixtures = serde_json::from_str(text).unwrap();
    let mut seen = 0;
    for case in fixtures.cases.iter().filter(|c| chosen(&c.network.name)) {
        seen += 1;
        let what = format!("{} on {:?}", case.network.name, case.input);
        let network = Network::new(&case.network, case.input, case.classes).unwrap();
        let layout = network.layout();
        assert_eq!(layout.len(), case.parameters, "{what}");
        let flat = Tensor::empty([layout.len()], (Kind::Float, Device::Cpu));
        for p in &layout.parameters {
            let x = value(&p.name, &p.shape);
            flat.narrow(0, p.offset, p.len()).copy_(&x);
        }
        let mut stats = RunningStats::new(layout, Device::Cpu);
        for (i, norm) in layout.norms.iter().enumerate() {
            let of = |what: &str| noise(&format!("{}.{what}", norm.prefix), norm.channels);
            stats.mean[i] = (of("running_mean") * 0.1).to_kind(Kind::Float);
            stats.var[i] = (of("running_var") * 0.5 + 1.0).to_kind(Kind::Float);
        }
        let [c, h, w] = case.input.map(|n| n as i64);
        let n = fixtures.images;
        let x = (noise("images", n * c * h * w) * 1.7).to_kind(Kind::Float).view([n, c, h, w]);
        let views = layout.views(&flat);
        let logits = network.forward(views.as_slice().into(), &x, &mut NormStatistics::Running(&stats), None);
        let expected = Tensor::from_slice2(&case.logits);
        assert_eq!(logits.size(), expected.size(), "{what}");
        let relative = max_abs(&(&logits - &expected)) / max_abs(&expected);
        println!("{what}: {relative:.1e}");
        assert!(relative < 1e-4, "{what}: {relative:.1e}");
        // The comparison would mean little if the network hardly looked at the image.
        let between = max_abs(&(expected.get(0) - expected.get(1)));
        assert!(between > 0.01 * max_abs(&expected), "{what}: {between}");
    }
    assert!(seen > 0);
}

#[test]
fn residual_networks_agree_with_torchvision() {
    check_networks(|name| name.starts_with(FAMILIES[0]));
}

#[test]
fn vgg_agrees_with_torchvision() {
    check_networks(|name| name.starts_with(FAMILIES[1]));
}

#[test]
fn vision_transformers_agree_with_timm() {
    check_networks(|name| name.starts_with(FAMILIES[2]));
}

#[test]
fn other_networks_agree_with_pytorch() {
    check_networks(|name| !FAMILIES.iter().any(|family| name.starts_with(family)));
}

#[test]
fn every_network_has_logits_of_pytorch() {
    let fixtures: PyTorchFixtures = serde_json::from_str(include_str!("../fixtures/pytorch.json")).unwrap();
    for name in surfit_core::networks::NETWORK_NAMES {
        let found = fixtures.cases.iter().any(|c| c.network.name == *name);
        assert!(found, "{name} is not in fixtures/pytorch.json; run scripts/pytorch/fixtures.py");
    }
}
