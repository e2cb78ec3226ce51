//! What surfit costs on this machine, as ratios to plain training within one process.

mod fit_memory;
mod heatmap_cell;
mod plain_training;
mod report;
mod steps;

pub use report::{BenchReport, BenchRow, RowKind};

use crate::data::{self, DataSet};
use crate::device::{Placement, processor_has_flag};
use crate::layout::LayoutTensors;
use crate::model::Model;
use crate::networks::Network;
use crate::optimizer::StepHyperparams;
use crate::surface::{MicroBatch, Surface};
use crate::{EngineError, Result, memory};
use surfit_core::config::{ComputePrecision, Config, NetworkConfig};
use surfit_core::draws::{FitPhase, PointDraws, Sampling};
use surfit_core::networks::find_network;
use surfit_core::surface::{Degrees, Patch, TrainablePoints};
use tch::{Device, Tensor};

pub const DEFAULT_NETWORKS: [&str; 4] = ["cnn", "resnet18-cifar", "vgg16-bn-cifar", "vit-tiny"];

/// Rates of the steps that are measured; their sizes change no cost.
const BENCH_HYPERPARAMS: StepHyperparams =
    StepHyperparams { learning_rate: 1e-3, momentum: 0.9, weight_decay: 5e-4, label_smoothing: 0.0 };

/// Networks below this size are measured often, on whole splits.
const MIN_LARGE_PARAMETERS: i64 = 1_000_000;

/// A network in one compute type, with images of its shape.
struct BenchSubject {
    name: String,
    model: Model,
    data: DataSet,
    /// Images in a minibatch.
    batch: i64,
    /// Images that batch-norm statistics are re-estimated on.
    calibration_images: i64,
}

impl BenchSubject {
    /// A network by its name, with images from inside the program: framed to the 3×32×32 of CIFAR for a published
    /// architecture, whose widths have a fixed meaning, as they are for others.
    fn new(name: &str, widths: &[usize], compute: ComputePrecision) -> Result<Self> {
        let mut config = Config { precision: compute, ..Config::default() };
        config.data.name = "fashion-mnist-16k".into();
        let device = Placement::resolve(&config, 0)?.device;
        let mut data = data::load(&config.data, config.seed, device)?;
        if find_network(name).is_some_and(|spec| spec.widths.has_fixed_count) {
            data.input_shape = [3, 32, 32];
            data.train = data.train.padded_to(3, 32);
            data.validation = data.validation.padded_to(3, 32);
        }
        config.network = network_config(name, widths);
        let network = Network::new(&config.network, data.input_shape, data.classes.len())?;
        let placement = Placement::resolve(&config, network.layout().len())?;
        let model = Model::new(network, placement);
        let large = model.parameters() >= MIN_LARGE_PARAMETERS;
        if large {
            data.validation = data.validation.truncated(512);
        }
        Ok(Self {
            name: name.into(),
            model,
            data,
            batch: config.fit.training.batch_size as i64,
            calibration_images: if large { 256 } else { config.data.bn_images as i64 },
        })
    }

    fn batch(&self, repetition: usize) -> (Tensor, Tensor) {
        let train = &self.data.train;
        let start = repetition as i64 * self.batch % (train.len() - self.batch);
        let options = (tch::Kind::Int64, train.labels().device());
        train.batch(&Tensor::arange_start(start, start + self.batch, options))
    }

    /// A row of this subject without figures.
    fn row(&self, what: RowKind) -> BenchRow {
        BenchRow {
            what,
            network: self.name.clone(),
            parameters: self.model.parameters(),
            compute: self.model.placement().precision_name(),
            control_points: String::new(),
            draws: 0,
            batch: 0,
            value: f64::NAN,
            baseline: f64::NAN,
            ratio: f64::NAN,
            target: None,
            met: None,
        }
    }
}

/// Measures networks in `f32` and `bf16`: steps, cells, the two compute types against each other, and memory. Without names
/// the networks are [`DEFAULT_NETWORKS`]; `quick` takes fewer repetitions.
///
/// # Errors
/// For an unknown network, and when data or networks cannot be built.
pub fn run_benchmarks(networks: &[String], quick: bool) -> Result<BenchReport> {
    let _no_grad = tch::no_grad_guard();
    let names: Vec<&str> = match networks {
        [] => DEFAULT_NETWORKS.into(),
        some => some.iter().map(String::as_str).collect(),
    };
    for &name in &names {
        // An unknown name is reported before anything takes its time.
        Network::new(&network_config(name, &[]), [3, 32, 32], 10)?;
    }
    let amx = processor_has_flag("amx_bf16");
    // First, while the heap holds nothing else: large enough to be seen in the process's memory, with activations that
    // are not.
    let mut rows = fit_memory::memory_rows(&BenchSubject::new("mlp", &[4096, 2048], ComputePrecision::F32)?)?;
    let mut placement = None;
    for name in names {
        let subject = |compute| BenchSubject::new(name, &[], compute);
        let subjects = [subject(ComputePrecision::F32)?, subject(ComputePrecision::Bf16)?];
        let small = subjects[0].model.parameters() < MIN_LARGE_PARAMETERS;
        let repetitions = match (small, quick) {
            (true, false) => 40,
            (true, true) => 10,
            (false, false) => 7,
            (false, true) => 3,
        };
        for subject in &subjects {
            placement = Some(subject.model.placement());
            rows.extend(steps::step_rows(subject, repetitions)?);
            rows.push(heatmap_cell::heatmap_cell_row(subject, repetitions.min(12))?);
            memory::release_free_memory();
        }
        let [f32, bf16] = &subjects;
        let has_target = amx && name == "resnet18-cifar";
        rows.push(steps::precision_row(f32, bf16, repetitions).with_target(has_target.then_some(2.5)));
        memory::release_free_memory();
    }
    let placement = placement.ok_or_else(|| EngineError::input("no network was measured"))?;
    Ok(BenchReport {
        machine: format!(
            "{}, {}, {} threads{}",
            crate::device::processor_name(),
            placement.device_name(),
            placement.threads,
            match (placement.device, amx, processor_has_flag("avx512_bf16")) {
                (Device::Cpu, true, _) => ", AMX",
                (Device::Cpu, false, true) => ", AVX-512 bf16 without AMX",
                (Device::Cpu, false, false) => ", no bf16 arithmetic",
                _ => "",
            }
        ),
        amx: (placement.device == Device::Cpu).then_some(amx),
        rows,
        resident_bytes: memory::resident_bytes(),
    })
}

fn network_config(name: &str, widths: &[usize]) -> NetworkConfig {
    NetworkConfig { name: name.into(), widths: widths.into(), ..NetworkConfig::default() }
}

fn linear_surface(model: &Model, side: u8) -> Result<Surface> {
    let degrees = Degrees::new(side - 1, side - 1).map_err(|e| EngineError::input(e.to_string()))?;
    let (layout, device) = (model.network().layout(), model.placement().device);
    let corners = (1..=4).map(|seed| layout.initial_weights(seed).to_device(device)).collect();
    Ok(Surface::linear(degrees, TrainablePoints::AllButCorners, corners))
}

/// A minibatch in parts, each at its own draw of step `step`.
fn micro_batches(x: &Tensor, labels: &Tensor, step: u64, count: usize) -> Vec<MicroBatch> {
    const POINT_DRAWS: PointDraws = PointDraws { seed: 1, patch: Patch::Square, sampling: Sampling::Stratified };
    POINT_DRAWS
        .draw_points(FitPhase::Interior, step, count, None)
        .into_iter()
        .zip(x.tensor_split(count as i64, 0))
        .zip(labels.tensor_split(count as i64, 0))
        .map(|((uv, x), labels)| MicroBatch { uv, x, labels })
        .collect()
}

/// Waits for the device by reading a scalar.
fn wait_for_device(scalar: &Tensor) {
    let _ = scalar.double_value(&[]);
}

#[cfg(test)]
mod tests;
