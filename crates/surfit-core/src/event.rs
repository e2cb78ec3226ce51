//! What happens in a run: numbered, durable, one JSON object a line in `events.jsonl`.

mod payloads;

pub use payloads::{
    Alignment, Baseline, CornerReady, Distances, EnsembleMeasured, ExportedModel, Geometry, JobResult, OwnStatistics,
    RunInfo, SearchResult,
};

use crate::draws::FitPhase;
use crate::heatmap::{HeatmapSummary, MeasuredPoint};
use crate::numbers::{nan_as_null, nans_as_null};
use crate::surface::Degrees;
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};

/// An event with its number and time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Envelope {
    /// Number within the run, from 1, without gaps.
    pub seq: u64,
    /// Seconds since the Unix epoch.
    pub time: f64,
    /// Event that is numbered and timed.
    #[serde(flatten)]
    pub event: Event,
}

/// Parts of the job, in order.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, IntoStaticStr, VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum JobStage {
    /// Loading the data set.
    Data,
    /// Training or loading the corners.
    Corners,
    /// Aligning corners 2 to 4 to corner 1.
    Align,
    /// Fitting the surface.
    Fit,
    /// Measuring every cell of the heatmap on the finished surface.
    Heatmap,
    /// Writing the selected model and its test accuracy.
    Export,
}

impl JobStage {
    /// Every stage in order.
    pub const ALL: &[Self] = Self::VARIANTS;

    /// The stage's name for people.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// Which loss curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LossCurve {
    /// Training of a corner, `0..4`.
    Corner(usize),
    /// The fit of the surface.
    Surface,
}

/// Everything that can happen. Readers ignore names they do not know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// An engine opened the run.
    Started(Box<RunInfo>),
    /// The fit continues from a checkpoint at `step`; later steps in the log before this line are void.
    Resumed {
        /// Fit step of the checkpoint.
        step: u64,
    },
    /// A stage began.
    StageBegan {
        /// Stage that began.
        stage: JobStage,
        /// Units of work in it: optimizer steps, cells, corners.
        total: u64,
    },
    /// A stage ended.
    StageEnded {
        /// Stage that ended.
        stage: JobStage,
        /// How long it took in this process.
        seconds: f64,
    },
    /// Losses of consecutive optimizer steps.
    Losses {
        /// Curve that the losses belong to.
        curve: LossCurve,
        /// Step of the first value.
        first_step: u64,
        /// Mean training cross-entropy of each step; `null` where it was not finite.
        #[serde(with = "nans_as_null")]
        values: Vec<f32>,
        /// Learning rate at the last of them.
        rate: f64,
    },
    /// A validation measurement on the way.
    Validated {
        /// Curve that the measurement belongs to.
        curve: LossCurve,
        /// After this many optimizer steps.
        step: u64,
        /// Validation loss as mean cross-entropy.
        #[serde(with = "nan_as_null")]
        loss: f64,
        /// Accuracy, a fraction.
        accuracy: f64,
    },
    /// A corner is ready.
    CornerReady(CornerReady),
    /// Distances and angles between the corners.
    Geometry(Geometry),
    /// A corner was aligned.
    Aligned(Alignment),
    /// The degrees changed during or after a fit.
    DegreeChanged {
        /// Fit step at which they changed.
        step: u64,
        /// Degrees before the change.
        from: Degrees,
        /// Degrees after the change.
        to: Degrees,
        /// Largest distance by which a checked point of the surface moved, relative to the mean distance between
        /// corners: rounding for elevation, a real loss for lowering.
        #[serde(with = "nan_as_null")]
        deviation: f64,
    },
    /// A phase of the fit began.
    PhaseBegan {
        /// Its first fit step.
        step: u64,
        /// Phase that began.
        phase: FitPhase,
    },
    /// The peak of the fit's learning rate changed.
    RateChanged {
        /// First fit step that is made with it.
        step: u64,
        /// Peak learning rate before the change.
        from: f64,
        /// Peak learning rate after the change.
        to: f64,
    },
    /// The surface points that a minibatch is split over changed.
    DrawsChanged {
        /// First fit step that is made with it.
        step: u64,
        /// Draws per mini-batch before the change.
        from: usize,
        /// Draws per mini-batch after the change.
        to: usize,
    },
    /// The run began as a copy of another one's checkpoint.
    Forked {
        /// The other run's directory.
        from: std::path::PathBuf,
        /// Fit step of the checkpoint.
        step: u64,
        /// Degrees of the other one's surface.
        degrees: Degrees,
    },
    /// The heatmap's grid changed.
    GridChanged {
        /// Points along each axis.
        grid: usize,
    },
    /// A control point was frozen or freed.
    Frozen {
        /// Index along `u`.
        i: usize,
        /// Index along `v`.
        j: usize,
        /// True when it no longer trains.
        frozen: bool,
    },
    /// Every cell is measured on the finished surface.
    HeatmapComplete {
        /// Points along each axis.
        grid: usize,
        /// Figures of the whole.
        summary: HeatmapSummary,
        /// The best point by validation accuracy.
        best: MeasuredPoint,
    },
    /// One point was measured on the whole validation split.
    Evaluated(MeasuredPoint),
    /// A search near a point ended; its result is also emitted as `evaluated`.
    Searched(SearchResult),
    /// An ensemble was measured on the whole validation split.
    EnsembleMeasured(EnsembleMeasured),
    /// Distances between all control points.
    Distances(Distances),
    /// Something that was requested was cancelled.
    Cancelled {
        /// What, as the snapshot named it.
        what: String,
    },
    /// The user marked a point.
    Marked {
        /// First parameter of the point, in `[0, 1]`.
        u: f64,
        /// Second parameter of the point, in `[0, 1]`.
        v: f64,
        /// False when the mark was taken away.
        marked: bool,
    },
    /// A model was written.
    Exported(ExportedModel),
    /// A checkpoint is durable.
    Checkpoint {
        /// Fit step it holds.
        step: u64,
    },
    /// Work is paused until it is resumed.
    Paused {
        /// Fit step at which work was paused.
        step: u64,
    },
    /// The work goes on after a pause.
    Unpaused {
        /// Fit step at which work continues.
        step: u64,
    },
    /// The present work was ended early on request; what was reached is kept.
    Stopped {
        /// Fit step at which work was stopped.
        step: u64,
    },
    /// Something a user should know.
    Notice {
        /// Text of the notice, one sentence.
        text: String,
    },
    /// The engine could not continue. The last checkpoint stays.
    Failed {
        /// One sentence: what, where, what to do.
        message: String,
    },
    /// The whole job is done. Boxed for its size.
    Finished(Box<JobResult>),
    /// The job continues after its result: a new surface or new corners will replace it, or it is fitted further.
    Reopened,
    /// The engine process ended in good order.
    Closed,
    /// An event of a newer version.
    #[serde(other)]
    Unknown,
}

impl Event {
    /// True for events that report something as final: no client may get them before they are durable.
    pub fn requires_durability(&self) -> bool {
        matches!(self, Event::Exported(_) | Event::HeatmapComplete { .. } | Event::Finished(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::MetricValues;

    #[test]
    fn an_event_is_one_flat_object_and_comes_back() {
        let event =
            Event::Losses { curve: LossCurve::Corner(2), first_step: 5, values: vec![1.5, f32::NAN], rate: 0.1 };
        let line = serde_json::to_string(&Envelope { seq: 3, time: 1.0, event }).unwrap();
        assert_eq!(
            line,
            r#"{"seq":3,"time":1.0,"event":"losses","curve":{"corner":2},"first_step":5,"values":[1.5,null],"rate":0.1}"#
        );
        let back: Envelope = serde_json::from_str(&line).unwrap();
        let Event::Losses { values, .. } = back.event else { panic!("{back:?}") };
        assert!(values[0] == 1.5 && values[1].is_nan());
    }

    #[test]
    fn a_diverged_training_leaves_a_readable_record() {
        let (loss, accuracy) = (f64::NAN, 0.1);
        let corner = CornerReady {
            index: 0,
            source: "a".into(),
            accuracy,
            loss: f64::INFINITY,
            seconds: 0.0,
            own_statistics: Some(OwnStatistics { accuracy, loss }),
            warnings: vec!["far off".into()],
            metrics: MetricValues::default(),
        };
        let alignment = Alignment { index: 1, moved: 1.0, logit_change: f64::NAN, distance: [1.0, f64::INFINITY] };
        for event in [
            Event::Validated { curve: LossCurve::Surface, step: 1, loss, accuracy },
            Event::CornerReady(corner),
            Event::Aligned(alignment),
            Event::Evaluated(MeasuredPoint {
                u: 0.0,
                v: 0.0,
                accuracy,
                loss,
                images: 1,
                metrics: MetricValues::default(),
            }),
        ] {
            let line = serde_json::to_string(&Envelope { seq: 1, time: 0.0, event }).unwrap();
            let back: Envelope = serde_json::from_str(&line).unwrap();
            assert_eq!(serde_json::to_string(&back).unwrap(), line);
        }
    }

    #[test]
    fn events_of_a_newer_version_are_ignored() {
        let line = r#"{"seq":4,"time":2.0,"event":"teleported","where":"elsewhere"}"#;
        let back: Envelope = serde_json::from_str(line).unwrap();
        assert_eq!(back.event, Event::Unknown);
    }
}
