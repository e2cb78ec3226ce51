//! Arguments of exporting and evaluating models.

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
  surfit export RUN --ensemble 4 --out four
  surfit export RUN --member 0.2,0.3 --member 0.7,0.6 --out two
  surfit export RUN --names as-given --out mine     For the module of corner 1

Points are chosen on validation images. \
The test accuracy is measured once, after the choice. \
A point found by `surfit search` is off the grid: export it with --at. \
model.safetensors has the weights under PyTorch's names; model.json describes the model. \
An ensemble averages the class probabilities of its members; member-N.safetensors has their weights.

With --json: {\"dir\",\"selection\",\"u\",\"v\",\"validation_accuracy\",\"test_accuracy\"}; \
an ensemble has \"members\":[[u,v],…] too.")]
pub struct ExportArgs {
    /// Run to export from
    #[arg(value_name = "RUN", value_hint = ValueHint::DirPath, add = complete::run_completer())]
    pub run: String,
    /// What to export
    #[command(flatten)]
    pub which: ModelSelector,
    /// Directory to write to
    #[arg(long, short, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub out: PathBuf,
    /// Replace an existing model
    #[arg(long)]
    pub force: bool,
    /// Names of the tensors
    #[arg(long, value_name = "NAMES", default_value = "surfit")]
    pub names: ExportNames,
    /// Print the result as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Names of an exported model's tensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportNames {
    /// As in torchvision and timm
    Surfit,
    /// As in the file of corner 1, with its small buffers
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

/// Selection of a network of the surface.
#[derive(Clone, Debug, Default, Args)]
#[group(multiple = false)]
pub struct ModelSelector {
    /// Best grid point by validation accuracy (default)
    #[arg(long)]
    pub best: bool,
    /// Point of the surface, both numbers from 0 to 1; a curve has only U
    #[arg(long, value_name = "U[,V]", value_parser = parse_point, allow_hyphen_values = true)]
    pub at: Option<(f64, Option<f64>)>,
    /// Mean network of the whole surface
    #[arg(long)]
    pub centroid: bool,
    /// Ensemble of K points, chosen greedily on validation images among the best points and bookmarks
    #[arg(long, value_name = "K", value_parser = parse_member_count)]
    pub ensemble: Option<usize>,
    /// Member of an ensemble; repeat it for every point
    #[arg(long = "member", value_name = "U,V", value_parser = parse_pair, allow_hyphen_values = true)]
    pub members: Vec<(f64, f64)>,
}

/// Parses the number of members of an ensemble.
fn parse_member_count(text: &str) -> Result<usize, OptionValueError> {
    match text.parse() {
        Ok(count) if (1..=MAX_MEMBERS).contains(&count) => Ok(count),
        _ => Err(OptionValueError::MemberCount),
    }
}

impl ModelSelector {
    /// Returns the selection for a surface of that kind.
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
  surfit eval model                         A directory with model.safetensors
  surfit eval four                          A directory with an ensemble
  surfit eval other.safetensors --config mine.toml --split val --json

Network and data set are read from model.json beside the model. \
For other files, --config names them.

With --json: {\"accuracy\",\"loss\",\"correct\",\"images\",\"split\",\"data\"}.")]
pub struct EvalArgs {
    /// File with weights, or an exported directory: one network or an ensemble
    #[arg(value_name = "MODEL", value_hint = ValueHint::AnyPath)]
    pub model: PathBuf,
    /// Configuration that names the network and the data set
    #[arg(long, value_name = "CONFIG", value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,
    /// Split to evaluate on
    #[arg(long, value_name = "SPLIT", default_value = "test")]
    pub split: SplitChoice,
    /// Directory with the data set's files
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub data_dir: Option<PathBuf>,
    /// Print the result as one JSON object
    #[arg(long)]
    pub json: bool,
}
