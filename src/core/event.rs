//! What happens in a run: numbered, durable, one JSON object a line in `events.jsonl`.

use crate::heatmap::{Point, Summary};
use crate::numbers::{nan_as_null, nans_as_null};
use crate::surface::Degrees;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// An event with its number and time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Envelope {
    /// Number within the run, from 1, without gaps.
    pub seq: u64,
    /// Seconds since the Unix epoch.
    pub time: f64,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// Parts of the job, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
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

impl Stage {
    /// Every stage in order.
    pub const ALL: [Stage; 6] = [
        Stage::Data,
        Stage::Corners,
        Stage::Align,
        Stage::Fit,
        Stage::Heatmap,
        Stage::Export,
    ];

    /// The stage's name for people.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Data => "data",
            Stage::Corners => "corners",
            Stage::Align => "align",
            Stage::Fit => "fit",
            Stage::Heatmap => "heatmap",
            Stage::Export => "export",
        }
    }
}

/// Which loss curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Curve {
    /// Training of a corner, `0..4`.
    Corner(usize),
    /// The fit of the surface.
    Surface,
}

/// What the engine found out when it started; facts for the log and the header.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunInfo {
    /// Run id: the name of its directory.
    pub run: String,
    /// Version of the engine.
    pub engine: String,
    /// Device that computes, such as `cpu` or `cuda:0`.
    pub device: String,
    /// Compute type, such as `f32` or `bf16`.
    pub compute: String,
    /// Threads used for arithmetic on a CPU.
    pub threads: usize,
    /// Network name.
    pub network: String,
    /// Number of weights `P`.
    pub parameters: usize,
    /// Data set name, with what stands behind it (`fashion-mnist-16k (embedded)`).
    pub data: String,
    /// Images in the training, validation and test split.
    pub images: [usize; 3],
    /// Class names.
    pub classes: Vec<String>,
}

/// A corner that is ready for use.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Corner {
    /// Corner number, `0..4`.
    pub index: usize,
    /// Where it came from: `seed 3, 8 epochs`, or a file name.
    pub source: String,
    /// Validation accuracy, a fraction, batch norm re-estimated.
    pub accuracy: f64,
    /// Mean validation cross-entropy.
    #[serde(with = "nan_as_null")]
    pub loss: f64,
    /// Seconds of training, 0 for a loaded corner.
    pub seconds: f64,
}

/// How the corners lie to each other in weight space.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Geometry {
    /// After the alignment, or as trained.
    pub aligned: bool,
    /// Pairs of corner numbers, each the smaller first.
    pub pairs: Vec<(usize, usize)>,
    /// Euclidean distance of every pair.
    #[serde(with = "nans_as_null")]
    pub distances: Vec<f64>,
    /// Angle between the weight vectors of every pair, in degrees.
    #[serde(with = "nans_as_null")]
    pub angles: Vec<f64>,
    /// For every pair without corner 0: the angle between the ways from corner 0 to the two, in degrees.
    #[serde(with = "nans_as_null")]
    pub angles_at_first: Vec<f64>,
}

/// What alignment did to a corner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alignment {
    /// Corner number, `1..4`; corner 0 is the reference.
    pub index: usize,
    /// Fraction of hidden units that moved.
    pub moved: f64,
    /// Largest difference of a logit over the check images, relative to the largest logit: rounding only.
    #[serde(with = "nan_as_null")]
    pub logit_change: f64,
    /// Distance to corner 0 in weight space before and after.
    #[serde(with = "nans_as_null")]
    pub distance: [f64; 2],
}

/// A model written to disk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exported {
    /// Folder that holds `model.safetensors` and `model.json`.
    pub dir: PathBuf,
    /// What was asked for: `best`, `at`, `centroid`.
    pub selection: String,
    /// First parameter; absent for the centroid, which is no point of the surface.
    pub u: Option<f64>,
    /// Second parameter.
    pub v: Option<f64>,
    /// Validation accuracy, a fraction.
    pub validation_accuracy: f64,
    /// Test accuracy, a fraction, measured once, after the choice.
    pub test_accuracy: f64,
}

/// What else was made of the same corners, to compare the surface with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// Which: `corner ensemble`, `uniform soup`, `centroid` or `surface ensemble`.
    pub name: String,
    /// Validation accuracy, a fraction.
    pub validation_accuracy: f64,
    /// Test accuracy, a fraction.
    pub test_accuracy: f64,
}

/// The result of a whole job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finished {
    /// Validation accuracy of every corner.
    pub corners: Vec<f64>,
    /// Test accuracy of every corner.
    pub corners_test: Vec<f64>,
    /// Degrees of the surface.
    pub degrees: Degrees,
    /// The best grid point by validation accuracy.
    pub best: Point,
    /// Its test accuracy, when it was exported.
    pub best_test: Option<f64>,
    /// Mean accuracy over the cells that are not on the boundary.
    pub interior_mean: f64,
    /// Further figures of the heatmap.
    pub heatmap: Summary,
    /// Points per axis of the heatmap.
    pub grid: usize,
    /// Seconds of every stage that ran, by name.
    pub seconds: std::collections::BTreeMap<String, f64>,
    /// Where the best model was written, when it was.
    pub export: Option<PathBuf>,
    /// Baselines, when `export.baselines` asked for them.
    #[serde(default)]
    pub baselines: Vec<Baseline>,
    /// Optimizer steps of every corner that was trained here, and of the fit.
    #[serde(default)]
    pub steps: [u64; 2],
}

/// Everything that can happen. Readers ignore names they do not know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// An engine opened the run.
    Started(RunInfo),
    /// The fit goes on from a checkpoint at `step`; later steps in the log before this line are void.
    Resumed {
        /// Fit step of the checkpoint.
        step: u64,
    },
    /// A stage began.
    StageBegan {
        /// Which.
        stage: Stage,
        /// Units of work in it: optimizer steps, cells, corners.
        total: u64,
    },
    /// A stage ended.
    StageEnded {
        /// Which.
        stage: Stage,
        /// How long it took in this process.
        seconds: f64,
    },
    /// Losses of consecutive optimizer steps.
    Losses {
        /// Of what.
        curve: Curve,
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
        /// Of what.
        curve: Curve,
        /// After this many optimizer steps.
        step: u64,
        /// Mean cross-entropy.
        #[serde(with = "nan_as_null")]
        loss: f64,
        /// Accuracy, a fraction.
        accuracy: f64,
    },
    /// A corner is ready.
    CornerReady(Corner),
    /// Distances and angles between the corners.
    Geometry(Geometry),
    /// A corner was aligned.
    Aligned(Alignment),
    /// The degrees changed during or after a fit.
    DegreeChanged {
        /// Fit step at which they changed.
        step: u64,
        /// Before.
        from: Degrees,
        /// After.
        to: Degrees,
        /// Largest distance by which a checked point of the surface moved, relative to the mean distance between
        /// corners: rounding for elevation, a real loss for lowering.
        #[serde(with = "nan_as_null")]
        deviation: f64,
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
        summary: Summary,
        /// The best point by validation accuracy.
        best: Point,
    },
    /// One point was measured on the whole validation split.
    Evaluated(Point),
    /// The user marked a point.
    Marked {
        /// First parameter.
        u: f64,
        /// Second parameter.
        v: f64,
        /// False when the mark was taken away.
        marked: bool,
    },
    /// A model was written.
    Exported(Exported),
    /// A checkpoint is durable.
    Checkpoint {
        /// Fit step it holds.
        step: u64,
    },
    /// Work stands still until it is resumed.
    Paused {
        /// Fit step.
        step: u64,
    },
    /// Work goes on.
    Unpaused {
        /// Fit step.
        step: u64,
    },
    /// The present work was ended early on request; what was reached is kept.
    Stopped {
        /// Fit step.
        step: u64,
    },
    /// Something a user should know.
    Notice {
        /// One sentence.
        text: String,
    },
    /// The engine could not go on. The last checkpoint stays.
    Failed {
        /// One sentence: what, where, what to do.
        message: String,
    },
    /// The whole job is done. Boxed for its size.
    Finished(Box<Finished>),
    /// The engine process ended in good order.
    Closed,
    /// An event of a newer version.
    #[serde(other)]
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_flat_object_and_comes_back() {
        let event = Event::Losses {
            curve: Curve::Corner(2),
            first_step: 5,
            values: vec![1.5, f32::NAN],
            rate: 0.1,
        };
        let line = serde_json::to_string(&Envelope {
            seq: 3,
            time: 1.0,
            event,
        })
        .unwrap();
        assert_eq!(
            line,
            r#"{"seq":3,"time":1.0,"event":"losses","curve":{"corner":2},"first_step":5,"values":[1.5,null],"rate":0.1}"#
        );
        let back: Envelope = serde_json::from_str(&line).unwrap();
        let Event::Losses { values, .. } = back.event else {
            panic!("{back:?}")
        };
        assert!(values[0] == 1.5 && values[1].is_nan());
    }

    #[test]
    fn a_diverged_training_leaves_a_readable_record() {
        let (loss, accuracy) = (f64::NAN, 0.1);
        let corner = Corner {
            index: 0,
            source: "a".into(),
            accuracy,
            loss: f64::INFINITY,
            seconds: 0.0,
        };
        let alignment = Alignment {
            index: 1,
            moved: 1.0,
            logit_change: f64::NAN,
            distance: [1.0, f64::INFINITY],
        };
        for event in [
            Event::Validated {
                curve: Curve::Surface,
                step: 1,
                loss,
                accuracy,
            },
            Event::CornerReady(corner),
            Event::Aligned(alignment),
            Event::Evaluated(Point {
                u: 0.0,
                v: 0.0,
                accuracy,
                loss,
                images: 1,
            }),
        ] {
            let line = serde_json::to_string(&Envelope {
                seq: 1,
                time: 0.0,
                event,
            })
            .unwrap();
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
