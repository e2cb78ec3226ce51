//! What surfit costs on this machine, as ratios to plain training within one process.

use crate::data::{self, DataSet, Split};
use crate::device::Placement;
use crate::evaluate::Evaluator;
use crate::layout::{Norms, RunningStats};
use crate::model::Model;
use crate::surface::{Part, StepRates, Surface};
use crate::{Error, Result};
use crate::{memory, networks};
use serde::Serialize;
use std::time::Instant;
use surfit_core::config::{Config, NetworkConfig};
use surfit_core::draws::{Draws, Phase, Sampling};
use surfit_core::surface::{Degrees, Patch};
use tch::nn::OptimizerConfig;
use tch::{Device, Reduction, Tensor};

/// One measured ratio.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// What is compared.
    pub name: String,
    /// Milliseconds of the thing itself, median.
    pub milliseconds: f64,
    /// Milliseconds of what it is compared with, median of the same repetitions.
    pub baseline_milliseconds: f64,
    /// Median of the ratios, pair by pair.
    pub ratio: f64,
}

/// Memory of a 3×3 fit, measured.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Memory {
    /// Weights of the network it was measured on.
    pub parameters: i64,
    /// Bytes of peak resident memory above plain training of the same network.
    pub fit_above_plain: i64,
    /// The bound `(K + trainable + 3)·P·4` in bytes.
    pub bound: u64,
}

/// A whole report.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Processor, device, threads.
    pub machine: String,
    /// Network and data that were measured.
    pub subject: String,
    /// Number of weights `P`.
    pub parameters: i64,
    /// Ratios.
    pub rows: Vec<Row>,
    /// Memory of a fit; `None` where it cannot be measured.
    pub memory: Option<Memory>,
    /// Resident memory of this process at the end.
    pub resident_bytes: u64,
}

impl Report {
    /// One JSON object.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("plain data")
    }

    /// A table for people.
    pub fn to_table(&self) -> String {
        let mut out = format!(
            "{}\n{}, {} weights\n\n",
            self.machine, self.subject, self.parameters
        );
        out += &format!(
            "{:<58}{:>10}{:>12}{:>8}\n",
            "", "ms", "baseline ms", "ratio"
        );
        for r in &self.rows {
            out += &format!(
                "{:<58}{:>10.2}{:>12.2}{:>8.3}\n",
                r.name, r.milliseconds, r.baseline_milliseconds, r.ratio
            );
        }
        match &self.memory {
            Some(m) => {
                out += &format!(
                    "\nmemory of a 3×3 fit above plain training, {} weights: {:.0} MB (bound {:.0} MB)\n",
                    m.parameters,
                    m.fit_above_plain as f64 / 1e6,
                    m.bound as f64 / 1e6
                );
            }
            None => out += "\nmemory of a fit: not measurable on this system\n",
        }
        out + &format!(
            "resident memory of this process: {:.0} MB\n",
            self.resident_bytes as f64 / 1e6
        )
    }
}

/// Measures the demo's network on the data inside the program.
///
/// # Errors
/// When data or network cannot be built.
pub fn run() -> Result<Report> {
    let _no_grad = tch::no_grad_guard();
    let config = Config::default();
    let device = Placement::resolve(&config, 0)?.device;
    let data = data::load(&config.data, config.seed, device)?;
    let network = networks::build(&config.network, data.input_shape, data.classes.len())?;
    let placement = Placement::resolve(&config, network.layout().len())?;
    let model = Model::new(network, placement);
    let mut rows = Vec::new();
    for side in [3u8, 4] {
        for count in [1usize, 4] {
            rows.push(step_row(&config, &data, &model, side, count)?);
        }
    }
    rows.push(cell_row(&config, &data, &model)?);
    let memory = fit_memory(&config, &data, placement)?;
    Ok(Report {
        machine: format!(
            "{}, {} {}, {} threads",
            processor(),
            placement.device_name(),
            placement.compute_name(),
            placement.threads
        ),
        subject: format!(
            "{} on {}",
            networks::describe(&config.network),
            data.description
        ),
        parameters: model.parameters(),
        rows,
        memory,
        resident_bytes: memory::resident(),
    })
}

fn processor() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info
        .lines()
        .find_map(|l| l.strip_prefix("model name").map(str::to_owned));
    model.map_or("unknown processor".into(), |m| {
        m.trim_start_matches([' ', '\t', ':']).to_owned()
    })
}

const DRAWS: Draws = Draws {
    seed: 1,
    patch: Patch::Square,
    sampling: Sampling::Stratified,
};

fn linear_surface(model: &Model, side: u8) -> Result<Surface> {
    let degrees = Degrees::new(side - 1, side - 1).map_err(|e| Error::input(e.to_string()))?;
    let layout = model.network().layout();
    let corners = [1, 2, 3, 4]
        .map(|s| layout.initial(s).to_device(model.placement().device))
        .into();
    Ok(Surface::linear(degrees, corners))
}

/// A fit step against a step of libtorch's own SGD on the same batch, in turn.
fn step_row(config: &Config, data: &DataSet, model: &Model, side: u8, count: usize) -> Result<Row> {
    let mut surface = linear_surface(model, side)?;
    let mut plain = Plain::new(model, config)?;
    let batch = config.fit.batch as i64;
    let rates = StepRates {
        rate: 1e-3,
        momentum: 0.9,
        weight_decay: 5e-4,
        smoothing: 0.0,
    };
    let row = pairs(60, |step| {
        let indices = Tensor::arange_start(
            (step as i64 * batch) % (data.train.len() - batch),
            (step as i64 * batch) % (data.train.len() - batch) + batch,
            (tch::Kind::Int64, data.train.labels().device()),
        );
        let (x, labels) = data.train.batch(&indices);
        let began = Instant::now();
        let parts: Vec<Part> = DRAWS
            .points(Phase::Interior, step, count, None)
            .into_iter()
            .zip(
                x.tensor_split(count as i64, 0)
                    .into_iter()
                    .zip(labels.tensor_split(count as i64, 0)),
            )
            .map(|(uv, (x, labels))| Part { uv, x, labels })
            .collect();
        let record = surface.step(model, Phase::Interior, &parts, rates);
        wait(&record.loss);
        let middle = Instant::now();
        let loss = plain.step(model, &x, &labels);
        wait(&loss);
        (middle - began, middle.elapsed())
    });
    let draws = if count == 1 {
        "1 draw".into()
    } else {
        format!("{count} draws")
    };
    Ok(Row {
        name: format!("fit step {side}×{side}, {draws} / plain training step"),
        ..row
    })
}

/// A heatmap cell against one re-estimation and one validation pass of the same network outside the heatmap: prepared
/// batches, of whichever of several sizes is fastest here.
fn cell_row(config: &Config, data: &DataSet, model: &Model) -> Result<Row> {
    let surface = linear_surface(model, 3)?;
    let evaluator = Evaluator::new(data, config.data.calibration_images, config.seed);
    let w = surface.at(0.3, 0.6);
    let views = model.network().layout().views(&w);
    let calibration = (config.data.calibration_images as i64).min(data.train.len());
    let prepare = |split: &Split, images: i64, size: i64| -> Vec<(Tensor, Tensor)> {
        (0..images)
            .step_by(size as usize)
            .map(|s| split.range(s, size.min(images - s)))
            .collect()
    };
    let pass = |calibrate: &[(Tensor, Tensor)], validate: &[(Tensor, Tensor)]| {
        let mut stats = RunningStats::new(model.network().layout(), w.device());
        for (x, _) in calibrate {
            let _ = model.logits(&views, x, &mut Norms::Collect(&mut stats));
            stats.batches += 1;
        }
        let sums = validate
            .iter()
            .map(|(x, y)| model.measure_batch(&views, &stats, x, y));
        let total = sums.reduce(|a, b| a + b);
        total.map(|t| wait(&t.get(0)))
    };
    let candidates: Vec<_> = [100, 200, 500, 1000]
        .map(|size| {
            let batches = (
                prepare(&data.train, calibration, size),
                prepare(&data.validation, data.validation.len(), size),
            );
            pass(&batches.0, &batches.1);
            let began = Instant::now();
            pass(&batches.0, &batches.1);
            (began.elapsed(), batches)
        })
        .into();
    let best = candidates.into_iter().min_by_key(|c| c.0);
    let (_, (calibrate, validate)) =
        best.ok_or_else(|| Error::input("no batch size was measured"))?;
    let row = pairs(12, |step| {
        let u = (step as f64 * 0.61).fract();
        let began = Instant::now();
        let _ = evaluator.validate(model, &surface.at(u, 1.0 - u), i64::MAX);
        let middle = Instant::now();
        pass(&calibrate, &validate);
        (middle - began, middle.elapsed())
    });
    Ok(Row {
        name: "heatmap cell / (batch-norm refresh + validation pass)".into(),
        ..row
    })
}

/// Runs `once` again and again; it gives the time of the thing and of its baseline.
fn pairs(
    repetitions: u64,
    mut once: impl FnMut(u64) -> (std::time::Duration, std::time::Duration),
) -> Row {
    let warm_up = repetitions / 6 + 1;
    let times: Vec<(f64, f64)> = (0..repetitions + warm_up)
        .map(&mut once)
        .skip(warm_up as usize)
        .map(|(a, b)| (a.as_secs_f64() * 1e3, b.as_secs_f64() * 1e3))
        .collect();
    let median = |of: &dyn Fn(&(f64, f64)) -> f64| {
        let mut values: Vec<f64> = times.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    Row {
        name: String::new(),
        milliseconds: median(&|t| t.0),
        baseline_milliseconds: median(&|t| t.1),
        ratio: median(&|t| t.0 / t.1),
    }
}

/// Waits for the device by reading a scalar.
fn wait(scalar: &Tensor) {
    let _ = scalar.double_value(&[]);
}

/// Plain training as anybody would write it with libtorch: leaf tensors and its SGD.
struct Plain {
    vs: tch::nn::VarStore,
    weights: Vec<Tensor>,
    optimizer: tch::nn::Optimizer,
}

impl Plain {
    fn new(model: &Model, config: &Config) -> Result<Self> {
        let vs = tch::nn::VarStore::new(model.placement().device);
        let layout = model.network().layout();
        let initial = layout.initial(1).to_device(vs.device());
        let weights = layout
            .views(&initial)
            .into_iter()
            .zip(&layout.parameters)
            .map(|(view, p)| vs.root().var_copy(&p.name.replace('.', "|"), &view))
            .collect();
        let optimizer = tch::nn::Sgd {
            momentum: 0.9,
            wd: config.fit.weight_decay,
            ..Default::default()
        }
        .build(&vs, 1e-3)?;
        Ok(Self {
            vs,
            weights,
            optimizer,
        })
    }

    fn step(&mut self, model: &Model, x: &Tensor, labels: &Tensor) -> Tensor {
        debug_assert_eq!(self.vs.len(), self.weights.len());
        let loss = tch::with_grad(|| {
            let logits = model.logits(&self.weights, x, &mut Norms::Batch);
            let loss =
                logits.cross_entropy_loss::<Tensor>(labels, None, Reduction::Mean, -100, 0.0);
            self.optimizer.zero_grad();
            loss.backward();
            loss
        });
        self.optimizer.step();
        loss.detach()
    }
}

/// Peak memory of a few 3×3 fit steps above that of as many plain training steps, measured on an MLP that is large
/// enough to be seen in the process's resident memory, with the design's bound `(K + trainable + 3)·P·4`.
///
/// On a GPU the tensors lie elsewhere, and where the system does not count, nothing can be said: `None`.
fn fit_memory(config: &Config, data: &DataSet, placement: Placement) -> Result<Option<Memory>> {
    if placement.device != Device::Cpu || !memory::reset_peak() {
        return Ok(None);
    }
    let shape = NetworkConfig {
        name: "mlp".into(),
        widths: vec![2048, 2048],
        patch: 0,
    };
    let network = networks::build(&shape, data.input_shape, data.classes.len())?;
    let model = Model::new(
        network,
        Placement {
            kind: tch::Kind::Float,
            ..placement
        },
    );
    let (x, labels) = data.train.range(0, 64);
    let steps = 4;
    // One common beginning, and plain training first: what the allocator keeps of it counts against the fit.
    let before = memory::resident();
    let measure = |run: &mut dyn FnMut() -> Result<()>| -> Result<u64> {
        memory::reset_peak();
        run()?;
        Ok(memory::peak().saturating_sub(before))
    };
    let plain = measure(&mut || {
        let mut plain = Plain::new(&model, config)?;
        (0..steps).for_each(|_| wait(&plain.step(&model, &x, &labels)));
        Ok(())
    })?;
    let fit = measure(&mut || {
        let mut surface = linear_surface(&model, 3)?;
        let rates = StepRates {
            rate: 1e-3,
            momentum: 0.9,
            weight_decay: 5e-4,
            smoothing: 0.0,
        };
        for step in 0..steps {
            let parts = [Part {
                uv: DRAWS.points(Phase::Interior, step, 1, None)[0],
                x: x.shallow_clone(),
                labels: labels.shallow_clone(),
            }];
            wait(&surface.step(&model, Phase::Interior, &parts, rates).loss);
        }
        Ok(())
    })?;
    let degrees = Degrees::new(2, 2).map_err(|e| Error::input(e.to_string()))?;
    let vectors = degrees.count() + degrees.trainable() + 3;
    Ok(Some(Memory {
        parameters: model.parameters(),
        fit_above_plain: fit as i64 - plain as i64,
        bound: vectors as u64 * model.parameters() as u64 * 4,
    }))
}
