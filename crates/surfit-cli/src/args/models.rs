//! Arguments of taking models away and measuring them.

use super::super::complete;
use super::{OptionValueError, SplitChoice, parse_pair, parse_point};
use clap::{Args, ValueEnum, ValueHint};
use std::path::PathBuf;
use surfit_core::protocol::{MAX_MEMBERS, Selection, TensorNames};
use surfit_core::surface::Patch;

/// Arguments of `surfit export`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  surfit export RUN --best --out model
  surfit export RUN --at 0.5,0.25 --out model --json
  surfit export RUN --centroid --out model
  surfit export RUN --ensemble 4 --out four      chosen greedily among the best points and the marks
  surfit export RUN --member 0.2,0.3 --member 0.7,0.6 --out two
  surfit export RUN --names as-given --out mine      for the module that corner 1 came from

The choice is made on validation images; the test accuracy is measured once, after it.
model.safetensors has the weights under PyTorch's names, model.json says what they are.
An ensemble averages its members' class probabilities; member-N.safetensors has their weights.
With --json: {\"dir\",\"selection\",\"u\",\"v\",\"validation_accuracy\",\"test_accuracy\"}, for an
ensemble \"members\":[[u,v],…] too.")]
pub struct ExportArgs {
    /// The run
    #[arg(value_name = "RUN", value_hint = ValueHint::DirPath, add = complete::run())]
    pub run: String,
    /// What to take
    #[command(flatten)]
    pub which: ModelSelector,
    /// Folder to write
    #[arg(long, short, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub out: PathBuf,
    /// Replace a model that is there
    #[arg(long)]
    pub force: bool,
    /// What the tensors are called: surfit (as in torchvision and timm), or as-given (as in the file of corner 1, with
    /// its small buffers)
    #[arg(long, value_name = "NAMES", default_value = "surfit")]
    pub names: ExportNames,
    /// Print the result as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// What an exported model's tensors are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportNames {
    /// As in torchvision and timm
    Surfit,
    /// As in the file of corner 1
    AsGiven,
}

impl From<ExportNames> for TensorNames {
    fn from(names: ExportNames) -> Self {
        match names {
            ExportNames::Surfit => Self::Surfit,
            ExportNames::AsGiven => Self::AsGiven,
        }
    }
}

/// Which network of the surface.
#[derive(Clone, Debug, Default, Args)]
#[group(multiple = false)]
pub struct ModelSelector {
    /// The best grid point by validation accuracy (the default)
    #[arg(long)]
    pub best: bool,
    /// The surface at a point, both numbers from 0 to 1; a curve has only the first
    #[arg(long, value_name = "U[,V]", value_parser = parse_point, allow_hyphen_values = true)]
    pub at: Option<(f64, Option<f64>)>,
    /// The mean of the whole surface
    #[arg(long)]
    pub centroid: bool,
    /// An ensemble of K points, chosen greedily on validation among the best grid points and the marks
    #[arg(long, value_name = "K", value_parser = parse_member_count)]
    pub ensemble: Option<usize>,
    /// A member of an ensemble; repeat it for every point
    #[arg(long = "member", value_name = "U,V", value_parser = parse_pair, allow_hyphen_values = true)]
    pub members: Vec<(f64, f64)>,
}

/// A number of members.
fn parse_member_count(text: &str) -> Result<usize, OptionValueError> {
    match text.parse() {
        Ok(count) if (1..=MAX_MEMBERS).contains(&count) => Ok(count),
        _ => Err(OptionValueError::MemberCount),
    }
}

impl ModelSelector {
    /// As the engine of a surface of that kind is asked for it.
    pub fn selection(self, patch: Patch) -> Result<Selection, OptionValueError> {
        Ok(match self {
            ModelSelector { ensemble: Some(count), .. } => Selection::Greedy { count },
            ModelSelector { members, .. } if !members.is_empty() => Selection::Ensemble { points: members },
            ModelSelector { at: Some((u, v)), .. } => match (v, patch) {
                (Some(v), _) => Selection::At { u, v },
                (None, Patch::Curve) => Selection::At { u, v: 0.0 },
                (None, _) => return Err(OptionValueError::TwoParameters { u, patch: patch.name() }),
            },
            ModelSelector { centroid: true, .. } => Selection::Centroid,
            _ => Selection::Best,
        })
    }
}

/// Arguments of `surfit eval`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  surfit eval model                         the model.safetensors in it
  surfit eval four                          an ensemble's folder
  surfit eval other.safetensors --config mine.toml --split val --json

model.json beside the model says what network and data it is for; --config says it for other files.
With --json: {\"accuracy\",\"loss\",\"correct\",\"images\",\"split\",\"data\"}.")]
pub struct EvalArgs {
    /// The weights, or a folder that was exported: one network or an ensemble
    #[arg(value_name = "MODEL", value_hint = ValueHint::AnyPath)]
    pub model: PathBuf,
    /// Configuration that names the network and the data
    #[arg(long, value_name = "CONFIG", value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,
    /// Images to measure on
    #[arg(long, value_name = "SPLIT", default_value = "test")]
    pub split: SplitChoice,
    /// Folder with the data set's files
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub data_dir: Option<PathBuf>,
    /// Print the result as one JSON object
    #[arg(long)]
    pub json: bool,
}
