//! Writing a chosen network with its card, and reading one back to measure it.

use crate::checkpoint::remove_file;
use crate::data::{self, DataSet};
use crate::device::{Placement, device_is_here};
use crate::evaluate::{Evaluator, measure_split};
use crate::model::{Measurement, Model};
use crate::{Error, Result, model_file, networks};
use std::path::Path;
use surfit_core::config::Config;
use surfit_core::event::Exported;
use surfit_core::files::write_atomic;
use surfit_core::model_card::{MeasuredOn, ModelCard};
use surfit_core::surface::Degrees;
use tch::Tensor;

/// What was chosen, and from where.
#[derive(Clone, Debug, PartialEq)]
pub struct Chosen {
    /// `best`, `at` or `centroid`.
    pub selection: String,
    /// Parameters; absent for the centroid.
    pub uv: Option<(f64, f64)>,
    /// Degrees of the surface.
    pub degrees: Degrees,
    /// Optimizer steps of the fit.
    pub fit_steps: u64,
    /// Run id.
    pub run: String,
}

/// Re-estimates statistics at `weights`, measures validation and then test, and writes `model.safetensors` and
/// `model.json` into `dir`. The card comes last: a folder with a card holds a whole model.
///
/// # Errors
/// When `dir` holds a model already and `replace` is off, or a file cannot be written.
#[allow(
    clippy::too_many_arguments,
    reason = "all of a run's parts go into the card"
)]
pub fn write(
    dir: &Path,
    replace: bool,
    chosen: &Chosen,
    weights: &Tensor,
    model: &Model,
    evaluator: &Evaluator,
    data: &DataSet,
    config: &Config,
) -> Result<Exported> {
    let (file, card_file) = (dir.join("model.safetensors"), dir.join("model.json"));
    if !replace && (file.exists() || card_file.exists()) {
        return Err(Error::input(format!(
            "{} holds a model already; choose another folder",
            dir.display()
        )));
    }
    std::fs::create_dir_all(dir).map_err(Error::io(dir))?;
    let (validation, stats) = evaluator.validate(model, weights, i64::MAX);
    let test = measure_split(model, weights, &stats, &data.test);
    // An old card must not stand beside a new model, whatever happens in between.
    remove_file(&card_file)?;
    model_file::write(&file, model.network().layout(), weights, &stats)?;
    let placement = model.placement();
    let card = ModelCard {
        generator: concat!("surfit ", env!("CARGO_PKG_VERSION")).into(),
        network: config.network.clone(),
        input_shape: data.input_shape,
        mean: data.mean.clone(),
        std: data.std.clone(),
        classes: data.classes.clone(),
        parameters: model.parameters() as usize,
        selection: chosen.selection.clone(),
        u: chosen.uv.map(|p| p.0),
        v: chosen.uv.map(|p| p.1),
        degrees: chosen.degrees,
        data: data.name.clone(),
        validation_accuracy: validation.accuracy(),
        validation_loss: validation.loss(),
        validation_images: validation.images as usize,
        test_accuracy: test.accuracy(),
        test_loss: test.loss(),
        test_images: test.images as usize,
        measured_on: MeasuredOn {
            splits: data.splits.clone(),
            data: config.data.clone(),
            device: placement.device_name(),
            compute: placement.compute(),
            threads: placement.threads,
        },
        seed: config.seed,
        fit_steps: chosen.fit_steps,
        run: chosen.run.clone(),
    };
    let json = serde_json::to_vec_pretty(&card).expect("plain data");
    write_atomic(&card_file, &json).map_err(Error::io(&card_file))?;
    Ok(Exported {
        dir: dir.to_owned(),
        selection: chosen.selection.clone(),
        u: card.u,
        v: card.v,
        validation_accuracy: card.validation_accuracy,
        test_accuracy: card.test_accuracy,
    })
}

/// The test measurement of a network whose statistics are re-estimated as everywhere else.
pub fn test_accuracy(
    model: &Model,
    evaluator: &Evaluator,
    data: &DataSet,
    w: &Tensor,
) -> Measurement {
    let stats = evaluator.refresh(model, w, i64::MAX);
    measure_split(model, w, &stats, &data.test)
}

/// A split to measure on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvalSplit {
    /// The validation split.
    Validation,
    /// The test split.
    Test,
}

/// Measures a model file on a split of the configuration's data, with the running statistics in the file, or
/// re-estimated ones where it has none.
///
/// # Errors
/// When the file, the data or the network do not fit each other.
pub fn evaluate(path: &Path, config: &Config, split: EvalSplit) -> Result<(Measurement, String)> {
    let _no_grad = tch::no_grad_guard();
    let device = Placement::resolve(config, 0)?.device;
    let data = data::load(&config.data, config.seed, device)?;
    let network = networks::build(&config.network, data.input_shape, data.classes.len())?;
    let placement = Placement::resolve(config, network.layout().len())?;
    let model = Model::new(network, placement);
    let dict = model_file::read(path)?;
    let (flat, stats) = model_file::to_flat(path, &dict, model.network().layout())?;
    let flat = flat.to_device(device);
    let stats = match stats {
        Some(mut stats) => {
            for t in stats.mean.iter_mut().chain(&mut stats.var) {
                *t = t.to_device(device);
            }
            stats
        }
        None => Evaluator::new(&data, config.data.calibration_images, config.seed).refresh(
            &model,
            &flat,
            i64::MAX,
        ),
    };
    let images = match split {
        EvalSplit::Validation => &data.validation,
        EvalSplit::Test => &data.test,
    };
    Ok((
        measure_split(&model, &flat, &stats, images),
        data.description,
    ))
}

/// The configuration that a model's card stands for: its network, data set and seed.
///
/// # Errors
/// When there is no card beside the model, or it cannot be read.
pub fn config_from_card(model: &Path) -> Result<Config> {
    let path = model.with_file_name("model.json");
    let bytes = std::fs::read(&path).map_err(|e| {
        Error::input(format!(
            "{}: {e}; give --config, or keep model.json beside the model",
            path.display()
        ))
    })?;
    let card: ModelCard = serde_json::from_slice(&bytes).map_err(|e| {
        Error::input(format!(
            "{} is no model card ({e}); give --config",
            path.display()
        ))
    })?;
    let on = card.measured_on;
    let mut config = Config {
        seed: card.seed,
        network: card.network,
        data: on.data,
        compute: on.compute,
        threads: on.threads,
        ..Config::default()
    };
    config.data.set = card.data;
    // The same device where this machine has it; any other gives the same up to rounding.
    if device_is_here(&on.device) {
        config.device = on.device;
    }
    Ok(config)
}
