//! Writing a chosen network with its card, and reading one back to measure it.

use crate::data::{self, DataSet, DataSplit};
use crate::device::{Placement, resolve_device};
use crate::evaluate::{Evaluator, MeasuredSplit, batch_size, measure_ensemble, measure_split};
use crate::export_folder::ExportFolder;
use crate::layout::{LayoutTensors, NormStatistics, RunningStats};
use crate::model::{Measurement, Model};
use crate::model_file::GivenWeights;
use crate::{EngineError, Result, networks};
use std::path::{Path, PathBuf};
use surfit_core::config::{ChannelConstants, Config};
use surfit_core::data_sets::DataSetSpec;
use surfit_core::event::ExportedModel;
use surfit_core::files::{self, FileLocation, FilePath, write_atomic};
pub use surfit_core::model_card::EnsembleMember;
use surfit_core::model_card::{MAX_CARD_BYTES, MeasuredOn, ModelCard};
use surfit_core::protocol::TensorNames;
use surfit_core::surface::Degrees;
use surfit_weights::names::{ExpectedNetwork, NameMap, RenameRules};
use tch::{Kind, Tensor};

#[derive(Clone, Debug, PartialEq)]
pub struct ChosenModel {
    /// `best`, `at` or `centroid`.
    pub selection: String,
    /// Parameters; absent for the centroid.
    pub uv: Option<(f64, f64)>,
    pub degrees: Degrees,
    pub fit_steps: u64,
    /// Id of the run.
    pub run: String,
    /// What its tensors are called; `None` for the layout's names.
    pub names: Option<NameMap>,
}

/// Refuses a folder that holds a model, unless it may be replaced.
pub fn check_folder(dir: &(impl FileLocation + ?Sized), replace: bool) -> Result<()> {
    let dir = FilePath::from_location(dir);
    let holds = ["model.safetensors", "model.json"].iter().any(|name| files::exists(&dir.join(name)));
    if holds && !replace {
        return Err(EngineError::input(format!("{} holds a model already; choose another folder", dir.display())));
    }
    Ok(())
}

/// Writes `model.json` for the files in a folder, with their figures on validation and test, and publishes the folder, which is
/// durable then. The card comes last: a folder with a card holds a whole model.
pub fn write_card(
    folder: ExportFolder,
    chosen: &ChosenModel,
    [validation, test]: [Measurement; 2],
    members: Vec<EnsembleMember>,
    model: &Model,
    data: &DataSet,
    config: &Config,
) -> Result<ExportedModel> {
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
            compute: placement.precision(),
            threads: placement.threads,
        },
        seed: config.seed,
        fit_steps: chosen.fit_steps,
        run: chosen.run.clone(),
        names: match chosen.names {
            Some(_) => TensorNames::AsGiven,
            None => TensorNames::Surfit,
        },
        naming: chosen.names.as_ref().map(|names| names.naming.clone()),
        rename: match chosen.names {
            Some(_) => config.corners.rename.clone(),
            None => Vec::new(),
        },
        members,
    };
    let card_file = folder.staging_folder().join("model.json");
    let json = serde_json::to_vec_pretty(&card).map_err(|e| EngineError::io(&card_file)(e.into()))?;
    write_atomic(&card_file, &json).map_err(EngineError::io(&card_file))?;
    let dir = folder.destination().to_path_buf();
    folder.publish()?;
    Ok(exported_model(&card, dir))
}

fn exported_model(card: &ModelCard, dir: PathBuf) -> ExportedModel {
    ExportedModel {
        dir,
        selection: card.selection.clone(),
        u: card.u,
        v: card.v,
        validation_accuracy: card.validation_accuracy,
        test_accuracy: card.test_accuracy,
        members: card.members.iter().map(|m| (m.u, m.v)).collect(),
        chosen: None,
    }
}

/// What the folder of an export is called that the user did not name; a further one of the same kind is called `NAME-2`.
pub fn default_folder_name(selection: &str, uv: Option<(f64, f64)>, step: u64) -> String {
    match uv {
        Some((u, v)) => format!("{selection}-u{u:.3}-v{v:.3}-step{step}"),
        None => format!("{selection}-step{step}"),
    }
}

/// The model in `dir` as an export that the run with this id has named itself; `None` when it is none.
pub fn read_own_export(dir: &FilePath, run: &str) -> Option<ExportedModel> {
    let bytes = files::read(&dir.join("model.json"), MAX_CARD_BYTES).ok()?;
    let card: ModelCard = serde_json::from_slice(&bytes).ok()?;
    let name = default_folder_name(&card.selection, card.u.zip(card.v), card.fit_steps);
    let further = dir.file_name()?.to_str()?.strip_prefix(&name)?;
    let is_further = |n: &str| n.parse().is_ok_and(|n: u32| n > 1 && further == format!("-{n}"));
    let is_named = further.is_empty() || further.strip_prefix('-').is_some_and(is_further);
    (card.run == run && is_named).then(|| exported_model(&card, dir.to_path_buf()))
}

#[derive(Clone, Debug)]
pub struct ModelEvaluation {
    pub measurement: Measurement,
    /// The data set and its source.
    pub data: String,
    /// Mean of every channel that images were normalized with.
    pub mean: Vec<f64>,
    /// Standard deviation of every channel, likewise.
    pub std: Vec<f64>,
    /// A sentence where the model's card states other constants than the configuration.
    pub remark: Option<String>,
}

/// Measures a model file, or a folder with a model or an ensemble, on a split of the configuration's data, with the running
/// statistics in the files, or re-estimated ones where they have none. Images are normalized as the model's card says, where
/// it has one.
///
/// # Errors
/// When the files, the data or the network do not fit each other.
pub fn evaluate_model(path: &Path, config: &Config, split: MeasuredSplit) -> Result<ModelEvaluation> {
    let _no_grad = tch::no_grad_guard();
    let device = Placement::resolve(config, 0)?.device;
    let mut data = data::load(&config.data, config.seed, device)?;
    let remark = normalize_as_card(path, &mut data);
    let network = networks::Network::new(&config.network, data.input_shape, data.classes.len())?;
    let placement = Placement::resolve(config, network.layout().len())?;
    let model = Model::new(network, placement);
    let expected = ExpectedNetwork::new(&config.network, data.input_shape, data.classes.len())?;
    let renames = RenameRules::new(&config.corners.rename)?;
    let read = |file: &Path| -> Result<(Tensor, RunningStats)> {
        let given = GivenWeights::read(file, config.corners.weights, &expected, &renames)?;
        let flat = given.flat.to_device(device);
        let stats = match given.stats {
            Some(stats) => stats.to_device(device),
            None => {
                let evaluator = Evaluator::new(&data, config.data.bn_images, config.seed);
                evaluator.recalibrate(&model, &flat, i64::MAX)
            }
        };
        Ok((flat, stats))
    };
    let images = match split {
        MeasuredSplit::Validation => &data.validation,
        MeasuredSplit::Test => &data.test,
    };
    let measured = match ensemble_files(path)? {
        files if files.is_empty() => {
            // An export holds its model beside the card; another folder is read as for corners.
            let file = match path.join("model.json").is_file() {
                true => path.join("model.safetensors"),
                false => path.to_owned(),
            };
            let (flat, stats) = read(&file)?;
            measure_split(&model, &flat, &stats, images)
        }
        files => {
            let mut sum: Option<Tensor> = None;
            for file in &files {
                let (flat, stats) = read(file)?;
                let now = class_probabilities(&model, &flat, &stats, images)?;
                sum = Some(match sum {
                    Some(sum) => sum + now,
                    None => now,
                });
            }
            let sum = sum.expect("an ensemble has files");
            measure_ensemble(&sum, files.len(), images)?
        }
    };
    Ok(ModelEvaluation { measurement: measured, data: data.description, mean: data.mean, std: data.std, remark })
}

/// Normalizes images as a model's card states, and returns what the configuration would differ in. A card of other images is
/// left alone: the network will not suit them either.
fn normalize_as_card(path: &Path, data: &mut DataSet) -> Option<String> {
    let card = ModelCard::find_beside_model(path)?;
    let channels = data.input_shape[0];
    let suits = [&card.mean, &card.std].iter().all(|c| c.len() == channels);
    if !suits || (&card.mean, &card.std) == (&data.mean, &data.std) {
        return None;
    }
    let remark = format!(
        "images are normalized as model.json says, mean {:?} and std {:?}, and not with mean {:?} and std {:?} as the \
         configuration has them",
        card.mean, card.std, data.mean, data.std
    );
    for split in [&mut data.train, &mut data.validation, &mut data.test] {
        *split = split.normalized_with(&card.mean, &card.std);
    }
    (data.mean, data.std) = (card.mean, card.std);
    Some(remark)
}

fn read_card(path: &Path, remedy: &str) -> Result<ModelCard> {
    let cannot = |why: String| EngineError::input(format!("{}: {why}; {remedy}", path.display()));
    let bytes = files::read(path, MAX_CARD_BYTES).map_err(|e| cannot(e.to_string()))?;
    serde_json::from_slice(&bytes).map_err(|e| cannot(format!("no model card ({e})")))
}

/// Files of the ensemble that a folder, or a card, holds; none when it is one network.
fn ensemble_files(path: &Path) -> Result<Vec<PathBuf>> {
    if !path.join("model.json").is_file() {
        return Ok(Vec::new());
    }
    let card_file = path.join("model.json");
    let card = read_card(&card_file, "name a folder that surfit exported, or a model's file")?;
    card.members
        .iter()
        .map(|member| {
            // A card names files beside it and nothing else.
            let plain = Path::new(&member.file).file_name() == Some(member.file.as_ref());
            plain.then(|| path.join(&member.file)).ok_or_else(|| {
                EngineError::input(format!(
                    "{} names `{}`, which is no file beside it",
                    card_file.display(),
                    member.file
                ))
            })
        })
        .collect()
}

/// Probabilities of the classes for every image of a split, `[N, classes]`.
pub fn class_probabilities(model: &Model, w: &Tensor, stats: &RunningStats, split: &DataSplit) -> Result<Tensor> {
    let views = model.network().layout().views(w);
    let size = batch_size(split.pixels(), w.device());
    let parts: Vec<Tensor> = (0..split.len())
        .step_by(size as usize)
        .map(|start| {
            let (x, _) = split.batch_range(start, size);
            model.logits(&views, &x, &mut NormStatistics::Running(stats)).softmax(-1, Kind::Float)
        })
        .collect();
    Ok(Tensor::f_cat(&parts, 0)?)
}

/// The configuration that a model's card describes: its network, data set and seed.
///
/// # Errors
/// When there is no card beside the model, or it cannot be read.
pub fn config_from_card(model: &Path) -> Result<Config> {
    let path = match model.is_dir() {
        true => model.join("model.json"),
        false => model.with_file_name("model.json"),
    };
    let card = read_card(&path, "give --config, or keep model.json beside the model")?;
    card.check_constants().map_err(|why| EngineError::input(format!("{}: {why}", path.display())))?;
    let on = card.measured_on;
    let mut config = Config {
        seed: card.seed,
        network: card.network,
        data: on.data,
        precision: on.compute,
        threads: on.threads,
        ..Config::default()
    };
    config.data.name = card.data;
    // What "own" means in a folder depends on its images.
    config.data.mean = ChannelConstants::Each(card.mean);
    config.data.std = ChannelConstants::Each(card.std);
    // Folders that were added or renamed since then would move the others.
    if DataSetSpec::find(&config.data.name).is_ok_and(|spec| spec.class_count == 0) {
        config.data.classes = card.classes;
    }
    config.corners.rename = card.rename;
    // The same device where this machine has it; any other gives the same up to rounding.
    if resolve_device(&on.device).is_ok() {
        config.device = on.device;
    }
    Ok(config)
}
