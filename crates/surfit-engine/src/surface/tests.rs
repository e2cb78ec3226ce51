mod step_digests;

use super::*;
use crate::device::Placement;
use crate::layout::{LayoutTensors, NormStatistics};
use crate::model::Model;
use crate::networks;
use surfit_core::config::NetworkConfig;
use surfit_core::surface::{ParameterAxis, Patch};
use tch::Reduction;

fn model(name: &str) -> Model {
    model_of_kind(name, Kind::Float)
}

fn model_of_kind(name: &str, kind: Kind) -> Model {
    // Tests run side by side; threads of several of them would only wait for each other.
    tch::set_num_threads(1);
    let config = NetworkConfig { name: name.into(), widths: vec![5, 6], patch: 0, hidden: Vec::new() };
    let network = networks::Network::new(&config, [1, 8, 8], 3).unwrap();
    Model::new(network, Placement { device: Device::Cpu, kind, threads: 1 })
}

fn corners(model: &Model) -> Vec<Tensor> {
    [1, 2, 3, 4].map(|seed| model.network().layout().initial_weights(seed)).into()
}

fn batch(seed: i64, images: i64) -> (Tensor, Tensor) {
    tch::manual_seed(seed);
    let x = Tensor::randn([images, 1, 8, 8], (Kind::Float, Device::Cpu));
    (x, Tensor::randint(3, [images], (Kind::Int64, Device::Cpu)))
}

fn micro_batch(uv: (f64, f64), seed: i64) -> MicroBatch {
    let (x, labels) = batch(seed, 6);
    MicroBatch { uv, x, labels }
}

fn largest_difference(a: &Tensor, b: &Tensor) -> f64 {
    (a - b).abs().max().double_value(&[])
}

/// Loss at `(u, v)` as a function of all control points, differentiated by libtorch itself.
fn loss_through_interpolation(model: &Model, theta: &Tensor, b: &[f64], part: &MicroBatch) -> Tensor {
    let b = Tensor::from_slice(&to_f32(b)).unsqueeze(0);
    let w = b.mm(theta).squeeze_dim(0);
    let views = model.network().layout().views(&w);
    let logits = model.network().forward(views.as_slice().into(), &part.x, &mut NormStatistics::Batch, None);
    logits.cross_entropy_loss::<Tensor>(&part.labels, None, Reduction::Mean, -100, 0.0)
}

#[test]
fn gradient_of_every_control_point_is_its_weight_times_the_gradient_at_the_draw() {
    let degrees = Degrees::new(3, 2).unwrap();
    for name in ["cnn", "mlp"] {
        let model = model(name);
        let surface = Surface::linear(degrees, TrainablePoints::AllButCorners, corners(&model));
        let part = micro_batch((0.3, 0.8), 7);
        let b = degrees.bernstein_weights(0.3, 0.8);
        let theta = surface.theta().copy().set_requires_grad(true);
        loss_through_interpolation(&model, &theta, &b, &part).backward();
        let views = model.compute_views(&surface.network_at(0.3, 0.8));
        let (_, gradients) = model.gradient(&views, &part.x, &part.labels, 0.0);
        let g = Tensor::cat(&gradients.iter().map(|g| g.reshape([-1])).collect::<Vec<_>>(), 0);
        let scale = theta.grad().abs().max().double_value(&[]);
        for (k, b) in b.iter().enumerate() {
            let expected = theta.grad().get(k as i64);
            let got = &g * *b;
            let difference = largest_difference(&expected, &got);
            assert!(difference < 1e-5 * scale, "{name}, control point {k}: {difference} of {scale}");
        }
    }
}

#[test]
fn steps_are_sgd_with_momentum_on_the_control_points() {
    let degrees = Degrees::new(2, 2).unwrap();
    let model = model("cnn");
    let mut surface = Surface::linear(degrees, TrainablePoints::AllButCorners, corners(&model));
    let mut theta = surface.theta().copy();
    let mut velocity = Tensor::zeros_like(&theta);
    let normalizer = surface.normalizer(FitPhase::Interior);
    for step in 0..4 {
        // The rate changes from step to step, as a schedule makes it.
        let rate = 0.02 * (1.0 + step as f64);
        let rates = StepHyperparams { learning_rate: rate, momentum: 0.9, weight_decay: 0.01, label_smoothing: 0.0 };
        let parts = [micro_batch((0.2, 0.7), step), micro_batch((0.9, 0.4), 10 + step)];
        let mut gradient = Tensor::zeros_like(&theta);
        for p in &parts {
            let leaf = theta.copy().set_requires_grad(true);
            let b = degrees.bernstein_weights(p.uv.0, p.uv.1);
            loss_through_interpolation(&model, &leaf, &b, p).backward();
            let bt = Tensor::from_slice(&to_f32(&b));
            let decay = bt.unsqueeze(1).mm(&bt.unsqueeze(0).mm(&theta)) * 0.01;
            gradient += (leaf.grad() + decay) * 0.5;
        }
        let _ = gradient.narrow(0, 0, 4).zero_();
        velocity = velocity * 0.9 + gradient;
        theta -= &velocity * (rate / normalizer);
        surface.step(&model, FitPhase::Interior, &parts, rates, &[], None);
    }
    let difference = largest_difference(&theta, surface.theta());
    let moved =
        largest_difference(&theta, Surface::linear(degrees, TrainablePoints::AllButCorners, corners(&model)).theta());
    assert!(moved > 1e-2 && difference < 1e-4 * moved, "{difference} of {moved}");
    assert_eq!(surface.version(), 5);
}

/// Six steps with `draws` draws, a point held still; `told` says whether a step is told where the next one draws.
fn six_steps(model: &Model, mut surface: Surface, draws: usize, prepared: bool) -> (Surface, Vec<f64>) {
    surface.set_frozen(5, true);
    let rates = StepHyperparams { learning_rate: 0.05, momentum: 0.9, weight_decay: 0.01, label_smoothing: 0.1 };
    let at = |step: usize, draw: usize| {
        let x = 0.17 * (step * draws + draw) as f64;
        (x.fract(), (1.7 * x).fract())
    };
    let mut norms = Vec::new();
    for step in 0..6 {
        let parts: Vec<MicroBatch> =
            (0..draws).map(|draw| micro_batch(at(step, draw), (step * draws + draw) as i64)).collect();
        let mut next: Vec<_> = (0..draws).map(|draw| at(step + 1, draw)).collect();
        if !prepared {
            next.clear();
        } else if step == 3 {
            // It may turn out otherwise.
            next[0] = (0.5, 0.5);
        }
        let record = surface.step(model, FitPhase::Interior, &parts, rates, &next, None);
        assert_eq!(record.norms.size(), [draws as i64]);
        norms.extend((0..draws).map(|draw| record.norms.double_value(&[draw as i64])));
    }
    (surface, norms)
}

#[test]
fn own_arithmetic_and_library_calls_make_the_same_steps() {
    let degrees = Degrees::new(2, 2).unwrap();
    for (kind, tolerance) in [(Kind::Float, 1e-5), (Kind::BFloat16, 2e-2)] {
        let model = model_of_kind("cnn", kind);
        let start = Surface::linear(degrees, TrainablePoints::AllButCorners, corners(&model));
        for draws in [1, 2, 3, 4, 6] {
            let linear = || Surface::linear(degrees, TrainablePoints::AllButCorners, corners(&model));
            let (own, norms) = six_steps(&model, linear(), draws, true);
            let mut calls = linear();
            let store = Box::new(matrix_store::MatrixStore::new(4, model.parameters(), Device::Cpu));
            calls.networks = Some(weight_store::SampleNetworks { store, prepared: None });
            let (calls, expected) = six_steps(&model, calls, draws, true);
            let moved = largest_difference(own.theta(), start.theta());
            let difference = largest_difference(own.theta(), calls.theta());
            assert!(moved > 1e-3 && difference < tolerance * moved, "{kind:?}, {draws} draws: {difference} of {moved}");
            assert_eq!(largest_difference(&own.theta().get(5), &start.theta().get(5)), 0.0);
            assert_eq!(own.version(), calls.version());
            for (norm, expected) in norms.iter().zip(&expected) {
                let near = (norm - expected).abs() < tolerance * expected;
                assert!(near, "{kind:?}, {draws} draws: {norm} {expected}");
            }
        }
    }
}

#[test]
fn knowing_the_next_draws_changes_no_bit() {
    let degrees = Degrees::new(3, 2).unwrap();
    for kind in [Kind::Float, Kind::BFloat16] {
        let model = model_of_kind("cnn", kind);
        for draws in [1, 4, 5, 6] {
            let linear = || Surface::linear(degrees, TrainablePoints::AllButCorners, corners(&model));
            let (prepared, _) = six_steps(&model, linear(), draws, true);
            let (unprepared, _) = six_steps(&model, linear(), draws, false);
            assert_eq!(prepared.theta(), unprepared.theta(), "{kind:?}, {draws} draws");
            assert_eq!(prepared.velocity(), unprepared.velocity());
        }
    }
}

#[test]
fn an_untrained_surface_is_linear_and_its_corners_are_the_given_networks() {
    let model = model("mlp");
    let given = corners(&model);
    for (m, n) in [(1, 1), (2, 3), (4, 2)] {
        let surface = Surface::linear(Degrees::new(m, n).unwrap(), TrainablePoints::AllButCorners, corners(&model));
        for (index, corner) in given.iter().enumerate() {
            let (u, v) = Patch::Square.corner_parameters(index);
            assert_eq!(largest_difference(&surface.network_at(u, v), corner), 0.0);
        }
        let c = Patch::Square.linear_weights(0.25, 0.6);
        let expected = &given[0] * c[0] + &given[1] * c[1] + &given[2] * c[2] + &given[3] * c[3];
        assert!(largest_difference(&surface.network_at(0.25, 0.6), &expected) < 1e-6);
        assert!(surface.distances_from_linear().iter().all(|&d| d < 1e-4));
    }
}

/// A surface that has been trained a little, so that it is not linear.
fn fitted_surface(model: &Model, degrees: Degrees) -> Surface {
    let mut surface = Surface::linear(degrees, TrainablePoints::AllButCorners, corners(model));
    let rates = StepHyperparams { learning_rate: 0.1, momentum: 0.9, weight_decay: 1e-3, label_smoothing: 0.0 };
    for step in 0..5 {
        surface.step(model, FitPhase::Interior, &[micro_batch((0.4, 0.6), step)], rates, &[], None);
    }
    surface
}

#[test]
fn raising_the_degree_leaves_every_point_and_the_next_step_where_they_were() {
    let model = model("cnn");
    let mut surface = fitted_surface(&model, Degrees::new(2, 2).unwrap());
    let points = [(0.0, 0.3), (0.5, 0.5), (0.9, 0.2)];
    let before: Vec<Tensor> = points.iter().map(|&(u, v)| surface.network_at(u, v)).collect();
    let velocity_at = |s: &Surface| {
        let b = to_f32(&s.degrees().bernstein_weights(0.4, 0.7)[4..]);
        Tensor::from_slice(&b).unsqueeze(0).mm(s.velocity())
    };
    let velocity = velocity_at(&surface);
    let to = surface.degrees().with_changed_degree(ParameterAxis::U, 1).unwrap();
    let version = surface.version();
    let deviation = surface.convert(to, surface.mean_corner_distance());
    assert!(deviation < 1e-6, "{deviation}");
    assert_eq!((surface.degrees(), surface.version()), (to, version));
    for (&(u, v), before) in points.iter().zip(&before) {
        assert!(largest_difference(&surface.network_at(u, v), before) < 1e-5);
    }
    assert!(velocity.abs().max().double_value(&[]) > 1e-4);
    assert!(largest_difference(&velocity, &velocity_at(&surface)) < 1e-6);
    assert_eq!(surface.velocity().size()[0], surface.trainable_count() as i64);
}

#[test]
fn lowering_holds_the_corners_and_reports_the_deviation() {
    let model = model("cnn");
    let mut surface = fitted_surface(&model, Degrees::new(3, 3).unwrap());
    let version = surface.version();
    let deviation = surface.convert(Degrees::new(2, 2).unwrap(), surface.mean_corner_distance());
    assert!(deviation > 1e-6 && deviation.is_finite(), "{deviation}");
    assert!(surface.version() > version);
    for (index, corner) in corners(&model).iter().enumerate() {
        let (u, v) = Patch::Square.corner_parameters(index);
        assert_eq!(largest_difference(&surface.network_at(u, v), corner), 0.0);
    }
    // Down to the linear surface and up again there is nothing left to train, and then there is.
    surface.convert(Degrees::new(1, 1).unwrap(), 1.0);
    assert_eq!(surface.velocity().size()[0], 0);
    surface.convert(Degrees::new(2, 1).unwrap(), 1.0);
    assert_eq!(surface.velocity().size()[0], 2);
}

#[test]
fn frozen_points_and_corners_stand_still_and_the_others_move() {
    let model = model("mlp");
    let mut surface = Surface::linear(Degrees::new(2, 2).unwrap(), TrainablePoints::AllButCorners, corners(&model));
    surface.set_frozen(5, true);
    surface.set_frozen(0, true);
    let before = surface.theta().copy();
    let rates = StepHyperparams { learning_rate: 0.1, momentum: 0.9, weight_decay: 1e-3, label_smoothing: 0.0 };
    surface.step(&model, FitPhase::Interior, &[micro_batch((0.5, 0.4), 1)], rates, &[], None);
    for row in 0..9 {
        let moved = largest_difference(&before.get(row), &surface.theta().get(row));
        assert_eq!(moved == 0.0, row < 4 || row == 5, "row {row} moved by {moved}");
    }
    assert!(!surface.frozen()[0]);
}

#[test]
fn the_centroid_is_the_mean_of_the_control_points_and_of_the_surface() {
    let model = model("mlp");
    let surface = fitted_surface(&model, Degrees::new(2, 2).unwrap());
    let mean = surface.theta().mean_dim(0, false, Kind::Float);
    assert!(largest_difference(&surface.centroid(), &mean) < 1e-6);
    let n = 40;
    let mut integral = Tensor::zeros_like(&mean);
    for cell in 0..n * n {
        let at = |k: i32| (f64::from(k) + 0.5) / f64::from(n);
        integral += surface.network_at(at(cell / n), at(cell % n)) / f64::from(n * n);
    }
    assert!(largest_difference(&integral, &mean) < 1e-3);
}

#[test]
fn raising_the_degree_during_a_fit_of_a_resnet_makes_no_jump_in_the_loss() {
    let config =
        NetworkConfig { name: "resnet18-cifar".into(), widths: vec![4, 4, 8, 8], patch: 0, hidden: Vec::new() };
    let network = networks::Network::new(&config, [1, 8, 8], 3).unwrap();
    let placement = Placement { device: Device::Cpu, kind: Kind::Float, threads: 1 };
    let model = Model::new(network, placement);
    let rates = StepHyperparams { learning_rate: 0.02, momentum: 0.9, weight_decay: 5e-4, label_smoothing: 0.0 };
    let draws = surfit_core::draws::PointDraws {
        seed: 3,
        patch: Patch::Square,
        sampling: surfit_core::draws::Sampling::Stratified,
    };
    let steps = |surface: &mut Surface, range: std::ops::Range<u64>| -> Vec<f64> {
        let mut one = |step| {
            let points = draws.draw_points(FitPhase::Interior, step, 2, None);
            let parts: Vec<MicroBatch> = points
                .into_iter()
                .enumerate()
                .map(|(i, uv)| micro_batch(uv, (2 * step as i64 + i as i64) % 8))
                .collect();
            let record = surface.step(&model, FitPhase::Interior, &parts, rates, &[], None);
            record.loss.double_value(&[])
        };
        range.map(&mut one).collect()
    };
    let of_degree = |m| Surface::linear(Degrees::new(m, m).unwrap(), TrainablePoints::AllButCorners, corners(&model));
    let (mut kept, mut raised) = (of_degree(2), of_degree(2));
    let before = steps(&mut kept, 0..24);
    assert_eq!(steps(&mut raised, 0..24), before);
    raised.convert(Degrees::new(3, 3).unwrap(), raised.mean_corner_distance());
    let (kept, raised) = (steps(&mut kept, 24..36), steps(&mut raised, 24..36));
    let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
    let last = &before[12..];
    let spread = (last.iter().map(|x| (x - mean(last)).powi(2)).sum::<f64>() / 12.0).sqrt();
    // The step after the change sees the same surface, and the ones behind it go the same way.
    assert!((raised[0] - kept[0]).abs() < 1e-3 * kept[0], "{raised:?} {kept:?}");
    let apart = (mean(&raised) - mean(&kept)).abs();
    assert!(apart < spread, "{apart} apart, the loss spreads by {spread}");
    assert!(mean(last) < mean(&before[..5]), "the fit learns nothing: {before:?}");
}

/// Rates of a training that is large enough to see where it goes.
const BRANCH_RATES: StepHyperparams =
    StepHyperparams { learning_rate: 0.05, momentum: 0.9, weight_decay: 0.01, label_smoothing: 0.1 };

/// A trunk after three steps of plain training.
fn trained_trunk(model: &Model, degrees: Degrees) -> Surface {
    let mut trunk = Surface::trunk(degrees, &model.network().layout().initial_weights(1));
    for step in 0..3 {
        let record = trunk.step(model, FitPhase::Trunk, &[micro_batch((0.0, 0.0), step)], BRANCH_RATES, &[], None);
        assert_eq!(record.weights, [vec![1.0; degrees.point_count()]]);
    }
    trunk
}

#[test]
fn a_trunk_is_trained_as_a_plain_network_by_sgd_with_momentum() {
    let (model, degrees) = (model("cnn"), Degrees::new(2, 2).unwrap());
    let mut w = model.network().layout().initial_weights(1);
    let mut velocity = w.zeros_like();
    for step in 0..3 {
        let part = micro_batch((0.0, 0.0), step);
        let (_, gradients) = model.gradient(&model.compute_views(&w), &part.x, &part.labels, 0.1);
        let flat: Vec<Tensor> = gradients.iter().map(|g| g.reshape([-1])).collect();
        velocity = velocity * 0.9 + Tensor::cat(&flat, 0) + &w * 0.01;
        w -= &velocity * 0.05;
    }
    let trunk = trained_trunk(&model, degrees);
    assert_eq!((trunk.theta().size()[0], trunk.state().rows()), (1, [1, 1]));
    for (u, v) in [(0.0, 0.0), (0.3, 0.8)] {
        let difference = largest_difference(&w, &trunk.network_at(u, v));
        assert!(difference < 1e-5, "{difference}");
    }
}

#[test]
fn a_draw_after_the_branch_moves_as_the_trunk_would_have() {
    let model = model("cnn");
    let all = [
        Degrees::new(1, 1).unwrap(),
        Degrees::new(3, 2).unwrap(),
        Degrees::for_patch(Patch::Curve, 2, 2).unwrap(),
        Degrees::for_patch(Patch::Triangle, 2, 2).unwrap(),
    ];
    for degrees in all {
        let (mut trunk, mut branched) = (trained_trunk(&model, degrees), trained_trunk(&model, degrees));
        branched.branch();
        assert_eq!(branched.theta().size()[0], degrees.point_count() as i64);
        let uv = if degrees.patch() == Patch::Curve { (0.3, 0.0) } else { (0.3, 0.6) };
        assert!(largest_difference(&branched.network_at(uv.0, uv.1), &trunk.network_at(uv.0, uv.1)) < 1e-6);
        let before = trunk.network_at(0.0, 0.0);
        trunk.step(&model, FitPhase::Trunk, &[micro_batch(uv, 9)], BRANCH_RATES, &[], None);
        branched.step(&model, FitPhase::Interior, &[micro_batch(uv, 9)], BRANCH_RATES, &[], None);
        let moved = largest_difference(&before, &trunk.network_at(0.0, 0.0));
        let apart = largest_difference(&branched.network_at(uv.0, uv.1), &trunk.network_at(0.0, 0.0));
        assert!(apart < 1e-3 * moved, "{degrees}: {apart} of {moved}");
        // Elsewhere it does not, and no corner stays where it was.
        let corner = largest_difference(&branched.control_point(1), &trunk.network_at(0.0, 0.0));
        assert!(corner > 1e-2 * moved, "{degrees}: {corner}");
    }
}

#[test]
fn raising_the_degree_keeps_the_velocity_of_corners_that_train() {
    let model = model("mlp");
    let degrees = Degrees::new(1, 2).unwrap();
    let mut surface = trained_trunk(&model, degrees);
    let to = Degrees::new(3, 2).unwrap();
    assert_eq!(surface.convert(degrees, 1.0), 0.0);
    surface.branch();
    for step in 0..3 {
        let uv = (0.3 * step as f64, 0.2);
        surface.step(&model, FitPhase::Interior, &[micro_batch(uv, step)], BRANCH_RATES, &[], None);
    }
    let velocity_at = |s: &Surface| {
        let b = to_f32(&s.degrees().bernstein_weights(0.4, 0.7));
        Tensor::from_slice(&b).unsqueeze(0).mm(s.velocity())
    };
    let (network, velocity) = (surface.network_at(0.4, 0.7), velocity_at(&surface));
    surface.convert(to, surface.mean_corner_distance());
    assert_eq!(surface.state().rows(), [12, 12]);
    assert!(largest_difference(&network, &surface.network_at(0.4, 0.7)) < 1e-5);
    assert!(velocity.abs().max().double_value(&[]) > 1e-4);
    assert!(largest_difference(&velocity, &velocity_at(&surface)) < 1e-6);
    // Before the branch a degree is only a plan.
    let mut trunk = trained_trunk(&model, degrees);
    assert_eq!((trunk.convert(to, 1.0), trunk.degrees(), trunk.frozen().len()), (0.0, to, 12));
}

#[test]
fn a_corner_that_trains_can_be_frozen_and_no_part_of_a_trunk() {
    let model = model("mlp");
    let degrees = Degrees::new(2, 2).unwrap();
    let mut surface = trained_trunk(&model, degrees);
    surface.set_frozen(0, true);
    assert!(!surface.frozen()[0]);
    surface.branch();
    surface.set_frozen(0, true);
    let before = surface.theta().copy();
    let parts = [micro_batch((0.01, 0.01), 1), micro_batch((0.6, 0.3), 2)];
    surface.step(&model, FitPhase::Interior, &parts, BRANCH_RATES, &[], None);
    for row in 0..9 {
        let moved = largest_difference(&before.get(row), &surface.theta().get(row));
        assert_eq!(moved == 0.0, row == 0, "row {row} moved by {moved}");
    }
}

#[test]
fn frozen_points_do_not_make_the_others_move_farther() {
    let model = model("mlp");
    let moved = |frozen: std::ops::Range<usize>| {
        let mut surface = trained_trunk(&model, Degrees::new(1, 1).unwrap());
        surface.branch();
        let _ = surface.optimizer.velocity.zero_();
        frozen.for_each(|row| surface.set_frozen(row, true));
        let before = surface.control_point(3).copy();
        // Far from the point that is free.
        let parts = [micro_batch((0.1, 0.1), 1)];
        surface.step(&model, FitPhase::Interior, &parts, BRANCH_RATES, &[], None);
        largest_difference(&before, &surface.control_point(3))
    };
    let (alone, together) = (moved(0..3), moved(0..0));
    assert!(alone > 0.0 && (alone - together).abs() < 1e-3 * together, "{alone} {together}");
}
