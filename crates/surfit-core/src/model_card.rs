//! `model.json`: what an exported model is and how it was chosen.

use crate::config::{BrokenRule, ChannelConstants, ChannelStatistic, ComputePrecision, DataConfig, NetworkConfig};
use crate::files;
use crate::protocol::TensorNames;
use crate::surface::Degrees;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Most bytes of a card.
pub const MAX_CARD_BYTES: u64 = 16 << 20;

/// The ground of a card's measurements.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MeasuredOn {
    /// The data set with its folder and limits.
    pub data: DataConfig,
    /// Which images its validation and test split are.
    pub splits: String,
    /// Device, such as `cpu` or `cuda:0`.
    pub device: String,
    /// Type that networks computed in.
    pub compute: ComputePrecision,
    /// Threads on a CPU.
    pub threads: usize,
}

/// A member of an exported ensemble.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EnsembleMember {
    /// File beside the card with its weights.
    pub file: String,
    /// First parameter of the member, in `[0, 1]`.
    pub u: f64,
    /// Second parameter of the member, in `[0, 1]`.
    pub v: f64,
    /// Its own accuracy on the validation split, a fraction.
    pub validation_accuracy: f64,
}

impl EnsembleMember {
    /// Name of the file of member `index`, from 0.
    pub fn file_name(index: usize) -> String {
        format!("member-{}.safetensors", index + 1)
    }
}

/// The card beside an exported `model.safetensors`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelCard {
    /// Name and version of the program that wrote it.
    pub generator: String,
    /// Network and its shape parameters; enough to build it again.
    pub network: NetworkConfig,
    /// Shape of one input: channels, height, width.
    pub input_shape: [usize; 3],
    /// Mean that is subtracted from each channel after scaling pixels to `[0, 1]`.
    pub mean: Vec<f64>,
    /// Standard deviation that each channel is then divided by.
    pub std: Vec<f64>,
    /// Class names, in order of the logits.
    pub classes: Vec<String>,
    /// Number of weights `P`, running statistics not counted.
    pub parameters: usize,
    /// How it was chosen: `best`, `at`, `centroid`, `ensemble`.
    pub selection: String,
    /// First parameter; absent for the centroid.
    pub u: Option<f64>,
    /// Second parameter; absent for the centroid.
    pub v: Option<f64>,
    /// Degrees of the surface it was taken from.
    pub degrees: Degrees,
    /// Data set it was trained and measured on.
    pub data: String,
    /// Accuracy on the validation split, a fraction; the choice was made by it.
    pub validation_accuracy: f64,
    /// Mean cross-entropy on the validation split.
    pub validation_loss: f64,
    /// Images in the validation split.
    pub validation_images: usize,
    /// Accuracy on the test split, a fraction; measured once, after the choice.
    pub test_accuracy: f64,
    /// Mean cross-entropy on the test split.
    pub test_loss: f64,
    /// Images in the test split.
    pub test_images: usize,
    /// Where and on what it was measured; enough to measure it again and get the same.
    #[serde(default)]
    pub measured_on: MeasuredOn,
    /// Seed of the run.
    pub seed: u64,
    /// Optimizer steps of the fit.
    pub fit_steps: u64,
    /// Id of the run.
    pub run: String,
    /// What the tensors of its files are called.
    #[serde(default)]
    pub names: TensorNames,
    /// Whose names they are, where they are not this program's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub naming: Option<String>,
    /// `corners.rename`, where it is needed to read these names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rename: Vec<(String, String)>,
    /// Members of an ensemble, whose class probabilities are averaged; empty for one network.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<EnsembleMember>,
}

impl ModelCard {
    /// Reads the card of a model's file or folder: the `model.json` beside or in it, where that is a card of this very file.
    pub fn find_beside_model(model: &Path) -> Option<Self> {
        let is_folder = model.is_dir();
        let path = match is_folder {
            true => model.join("model.json"),
            false => model.with_file_name("model.json"),
        };
        let name = model.file_name()?.to_str()?;
        // It may be a pipe, or have no end.
        let bytes = files::read(&path, MAX_CARD_BYTES).ok()?;
        let card: Self = serde_json::from_slice(&bytes).ok()?;
        let is_of = name == "model.safetensors" || card.members.iter().any(|m| m.file == name);
        ((is_folder || is_of) && card.check_constants().is_ok()).then_some(card)
    }

    /// Refuses constants that images cannot be normalized with.
    ///
    /// # Errors
    /// With the constants, and what to do.
    pub fn check_constants(&self) -> Result<(), BrokenRule> {
        let constants = [("mean", &self.mean, ChannelStatistic::Mean), ("std", &self.std, ChannelStatistic::Std)];
        for (name, values, statistic) in constants {
            ChannelConstants::Each(values.clone())
                .check_constants(statistic)
                .map_err(|why| format!("{name} = {values:?} cannot be used; {why}"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{CWD, Mode, mkfifoat};

    #[test]
    fn what_is_no_file_of_bounded_size_is_no_card() {
        let dir = tempfile::tempdir().unwrap();
        let card = dir.path().join("model.json");
        let model = dir.path().join("model.safetensors");
        // The pipe has no writer: a blocking read never returns.
        mkfifoat(CWD, &card, Mode::from_raw_mode(0o600)).unwrap();
        assert_eq!(ModelCard::find_beside_model(&model), None);
        assert_eq!(ModelCard::find_beside_model(dir.path()), None);
        std::fs::remove_file(&card).unwrap();
        std::os::unix::fs::symlink("/dev/zero", &card).unwrap();
        assert_eq!(ModelCard::find_beside_model(&model), None);
        std::fs::remove_file(&card).unwrap();
        let long = std::fs::File::create(&card).unwrap();
        long.set_len(MAX_CARD_BYTES + 1).unwrap();
        assert_eq!(ModelCard::find_beside_model(&model), None);
    }
}
