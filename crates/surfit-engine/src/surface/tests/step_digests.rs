//! Digests of what steps make, to be compared before and after a change that must not touch the arithmetic.
//!
//! Another processor or another libtorch rounds otherwise, so that no digests are kept with the sources: the first run
//! writes them below the target directory, later ones compare.
//! `cargo test -p surfit-engine --lib step_digests -- --ignored`

use crate::device::Placement;
use crate::digest::digest_tensors;
use crate::layout::LayoutTensors;
use crate::model::Model;
use crate::networks::Network;
use crate::optimizer::StepHyperparams;
use crate::surface::{MicroBatch, Surface};
use crate::trainer::Trainer;
use surfit_core::config::NetworkConfig;
use surfit_core::draws::FitPhase;
use surfit_core::surface::{Degrees, TrainablePoints};
use tch::{Device, Kind, Tensor};

const HYPERPARAMS: StepHyperparams =
    StepHyperparams { learning_rate: 0.05, momentum: 0.9, weight_decay: 1e-3, label_smoothing: 0.1 };

fn batch(step: i64) -> (Tensor, Tensor) {
    tch::manual_seed(step);
    let x = Tensor::randn([24, 1, 16, 16], (Kind::Float, Device::Cpu));
    (x, Tensor::randint(5, [24], (Kind::Int64, Device::Cpu)))
}

/// Digest of a corner, weights and velocity, after five steps.
fn digest_corner(model: &Model) -> String {
    let mut trainer = Trainer::new(model, 1);
    let losses: Vec<Tensor> = (0..5)
        .map(|step| {
            let (x, labels) = batch(step);
            trainer.step_on_batch(model, &x, &labels, HYPERPARAMS)
        })
        .collect();
    digest_tensors([&trainer.weights, &trainer.optimizer.velocity].into_iter().chain(&losses))
}

/// Digest of a surface, control points and velocity, after five steps with `draws` draws and a point that is frozen.
fn digest_surface(model: &Model, draws: i64) -> String {
    let corners = [1, 2, 3, 4].map(|seed| model.network().layout().initial_weights(seed));
    let mut surface = Surface::linear(Degrees::new(2, 3).unwrap(), TrainablePoints::AllButCorners, corners.into());
    surface.set_frozen(6, true);
    let point = |step: i64, draw: i64| {
        let x = 0.17 * (step * draws + draw) as f64;
        (x.fract(), (1.7 * x).fract())
    };
    let mut told = Vec::new();
    for step in 0..5 {
        let (x, labels) = batch(step);
        let split = x.tensor_split(draws, 0).into_iter().zip(labels.tensor_split(draws, 0));
        let parts: Vec<MicroBatch> =
            split.zip(0..).map(|((x, labels), draw)| MicroBatch { uv: point(step, draw), x, labels }).collect();
        let next: Vec<_> = (0..draws).filter(|_| step != 2).map(|draw| point(step + 1, draw)).collect();
        let rates = StepHyperparams { learning_rate: 0.05 * (1 + step) as f64, ..HYPERPARAMS };
        let record = surface.step(model, FitPhase::Interior, &parts, rates, &next, None);
        told.extend([record.loss, record.norms]);
    }
    digest_tensors([surface.theta(), surface.velocity()].into_iter().chain(&told))
}

#[test]
#[ignore = "compares with an earlier run on the same machine"]
fn steps_make_the_same_bits_as_before() {
    let _no_grad = tch::no_grad_guard();
    let mut lines = String::new();
    let networks: [(&str, &[usize]); 3] =
        [("cnn", &[64, 128, 128]), ("mlp", &[700, 301]), ("resnet18-cifar", &[16, 32, 64, 64])];
    for (name, widths) in networks {
        for kind in [Kind::Float, Kind::BFloat16] {
            for threads in [1, 2] {
                tch::set_num_threads(threads);
                let config = NetworkConfig { name: name.into(), widths: widths.into(), patch: 0, hidden: Vec::new() };
                let network = Network::new(&config, [1, 16, 16], 5).unwrap();
                let model = Model::new(network, Placement { device: Device::Cpu, kind, threads: threads as usize });
                lines += &format!("{name} {kind:?} {threads} corner {}\n", digest_corner(&model));
                for draws in [1, 2, 3, 4, 6] {
                    let digest = digest_surface(&model, draws);
                    lines += &format!("{name} {kind:?} {threads} surface {draws} {digest}\n");
                }
            }
        }
    }
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tmp/step-digests.txt");
    match std::fs::read_to_string(&path) {
        Ok(before) => assert_eq!(lines, before, "delete {} where the arithmetic was to change", path.display()),
        Err(_) => std::fs::write(&path, lines).unwrap(),
    }
}
