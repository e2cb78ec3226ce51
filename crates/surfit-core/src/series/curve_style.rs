//! How loss curves are looked at.

use super::{Series, StepTrack};
use crate::event::LossCurve;
use crate::run_state::ValidationPoint;
use serde::{Deserialize, Serialize};

/// What of the curves is seen, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CurveLook {
    /// The run's own curves that are seen.
    pub curves: Vec<LossCurve>,
    /// The loss axis is logarithmic.
    pub log: bool,
    /// The horizontal axis shows seconds of work, not optimizer steps.
    pub time: bool,
    /// The part of the horizontal axis that is seen, in its unit.
    pub window: (f64, f64),
    /// The part of the loss axis.
    pub range: (f64, f64),
    /// Weight of the past in the smoothing, per step; `None` for the raw values alone.
    pub smoothing: Option<f64>,
    /// The learning rate is seen below the losses.
    pub rate: bool,
    /// A place of the horizontal axis whose values are shown, in its unit.
    #[serde(default)]
    pub cursor: Option<f64>,
}

/// The curve of another run's fit, to compare with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OtherCurve {
    /// The run's id.
    pub name: String,
    /// Losses of its fit.
    pub series: Series,
    /// When its steps were done.
    pub track: StepTrack,
    /// Its validation measurements.
    pub validations: Vec<ValidationPoint>,
}
