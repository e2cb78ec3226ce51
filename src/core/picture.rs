//! The whole picture of a run as a client has it: a fold over events, with the latest snapshot on top.

mod sentence;

pub use sentence::sentence;

use crate::event::{
    Alignment, Corner, Curve, Envelope, Event, Exported, Finished, Geometry, RunInfo, Stage,
};
use crate::heatmap::{Point, Summary};
use crate::series::Series;
use crate::snapshot::{Snapshot, State};
use crate::surface::Degrees;
use std::collections::{BTreeMap, VecDeque};

/// A validation measurement on a curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Validation {
    /// After this many optimizer steps.
    pub step: u64,
    /// Mean cross-entropy.
    pub loss: f64,
    /// Accuracy, a fraction.
    pub accuracy: f64,
}

/// A line of the log that is made for people.
#[derive(Clone, Debug, PartialEq)]
pub struct LogLine {
    /// Seconds since the Unix epoch.
    pub time: f64,
    /// One sentence.
    pub text: String,
    /// Something went wrong.
    pub error: bool,
}

/// Everything known about a run. Built from events alone it shows the history; a snapshot adds the present.
#[derive(Clone, Debug, Default)]
pub struct Picture {
    /// Number of the last event seen.
    pub seq: u64,
    /// Time of the first event, seconds since the Unix epoch.
    pub began: Option<f64>,
    /// Facts from the engine's start.
    pub info: Option<RunInfo>,
    /// Loss curves.
    pub curves: BTreeMap<Curve, Series>,
    /// Validation measurements, by curve.
    pub validations: BTreeMap<Curve, Vec<Validation>>,
    /// Learning rate at the end of each curve.
    pub rates: BTreeMap<Curve, f64>,
    /// Corners that are ready, by number.
    pub corners: BTreeMap<usize, Corner>,
    /// What alignment did, by corner.
    pub alignments: BTreeMap<usize, Alignment>,
    /// Distances and angles between the corners: as trained, and after alignment.
    pub geometry: Vec<Geometry>,
    /// Changes of degree: step, before, after.
    pub degree_changes: Vec<(u64, Degrees, Degrees)>,
    /// Models written.
    pub exports: Vec<Exported>,
    /// Points measured on the whole validation split, latest last.
    pub evaluated: Vec<Point>,
    /// Figures and best point of the last complete heatmap.
    pub complete: Option<(Summary, Point)>,
    /// Seconds of every stage that ended.
    pub seconds: BTreeMap<Stage, f64>,
    /// Sentences for people, oldest first, at most [`Picture::LOG`].
    pub log: VecDeque<LogLine>,
    /// The result, when the job is done.
    pub finished: Option<Finished>,
    /// Why the engine could not go on.
    pub failed: Option<String>,
    /// The engine ended in good order.
    pub closed: bool,
    /// The present state.
    pub snapshot: Option<Snapshot>,
}

impl Picture {
    /// Lines of log that are kept.
    pub const LOG: usize = 500;

    /// Takes an event in. Events that were seen before are ignored.
    pub fn apply(&mut self, envelope: &Envelope) {
        if envelope.seq <= self.seq {
            return;
        }
        self.seq = envelope.seq;
        self.began.get_or_insert(envelope.time);
        if let Some((text, error)) = sentence(&envelope.event) {
            self.log.push_back(LogLine {
                time: envelope.time,
                text,
                error,
            });
            if self.log.len() > Self::LOG {
                self.log.pop_front();
            }
        }
        self.fold(&envelope.event);
    }

    fn fold(&mut self, event: &Event) {
        match event {
            Event::Started(info) => {
                self.info = Some(info.clone());
                self.failed = None;
                self.closed = false;
            }
            Event::Resumed { step } => self.truncate_fit(*step),
            Event::StageBegan { stage, .. } => {
                // Measuring a finished surface again leaves the job finished.
                if matches!(stage, Stage::Corners | Stage::Align | Stage::Fit) {
                    self.finished = None;
                }
                self.seconds.remove(stage);
                if *stage == Stage::Corners {
                    self.corners.clear();
                    self.alignments.clear();
                    self.geometry.clear();
                }
            }
            Event::StageEnded { stage, seconds } => {
                self.seconds.insert(*stage, *seconds);
            }
            Event::Losses {
                curve,
                first_step,
                values,
                rate,
            } => {
                if *first_step == 0 {
                    self.validations.remove(curve);
                    if *curve == Curve::Surface {
                        self.degree_changes.clear();
                    }
                }
                self.curves
                    .entry(*curve)
                    .or_default()
                    .extend(*first_step, values);
                self.rates.insert(*curve, *rate);
            }
            Event::Validated {
                curve,
                step,
                loss,
                accuracy,
            } => {
                let list = self.validations.entry(*curve).or_default();
                list.retain(|v| v.step < *step);
                list.push(Validation {
                    step: *step,
                    loss: *loss,
                    accuracy: *accuracy,
                });
            }
            Event::CornerReady(corner) => {
                self.corners.insert(corner.index, corner.clone());
            }
            Event::Aligned(alignment) => {
                self.alignments.insert(alignment.index, alignment.clone());
            }
            Event::Geometry(geometry) => {
                self.geometry.retain(|g| g.aligned != geometry.aligned);
                self.geometry.push(geometry.clone());
            }
            Event::DegreeChanged { step, from, to, .. } => {
                self.degree_changes.push((*step, *from, *to));
            }
            Event::HeatmapComplete { summary, best, .. } => self.complete = Some((*summary, *best)),
            Event::Evaluated(point) => {
                self.evaluated.push(*point);
                let excess = self.evaluated.len().saturating_sub(100);
                self.evaluated.drain(..excess);
            }
            Event::Exported(exported) => self.exports.push(exported.clone()),
            Event::Failed { message } => self.failed = Some(message.clone()),
            Event::Finished(finished) => self.finished = Some((**finished).clone()),
            Event::Closed => self.closed = true,
            Event::GridChanged { .. }
            | Event::Frozen { .. }
            | Event::Marked { .. }
            | Event::Checkpoint { .. }
            | Event::Paused { .. }
            | Event::Unpaused { .. }
            | Event::Stopped { .. }
            | Event::Notice { .. }
            | Event::Unknown => {}
        }
    }

    fn truncate_fit(&mut self, step: u64) {
        if let Some(series) = self.curves.get_mut(&Curve::Surface) {
            series.truncate(step);
        }
        if let Some(list) = self.validations.get_mut(&Curve::Surface) {
            list.retain(|v| v.step <= step);
        }
        self.degree_changes.retain(|c| c.0 <= step);
    }

    /// What the run is doing, as far as events and snapshot tell; whether an engine is alive they cannot tell.
    pub fn state(&self) -> State {
        if self.failed.is_some() {
            State::Failed
        } else if self.closed {
            if self.finished.is_some() {
                State::Finished
            } else {
                State::Closed
            }
        } else {
            self.snapshot.as_ref().map_or(State::Starting, |s| s.state)
        }
    }

    /// Validation accuracy of the best corner.
    pub fn best_corner(&self) -> Option<f64> {
        self.corners
            .values()
            .map(|c| c.accuracy)
            .max_by(f64::total_cmp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(picture: &mut Picture, events: Vec<Event>) {
        for event in events {
            let seq = picture.seq + 1;
            picture.apply(&Envelope {
                seq,
                time: seq as f64,
                event,
            });
        }
    }

    fn losses(first_step: u64, values: Vec<f32>) -> Event {
        Event::Losses {
            curve: Curve::Surface,
            first_step,
            values,
            rate: 0.1,
        }
    }

    #[test]
    fn resuming_takes_back_what_the_checkpoint_does_not_hold() {
        let mut p = Picture::default();
        feed(
            &mut p,
            vec![losses(0, vec![1.0; 30]), Event::Resumed { step: 20 }],
        );
        assert_eq!(p.curves[&Curve::Surface].end(), 20);
        feed(&mut p, vec![losses(20, vec![2.0; 15])]);
        assert_eq!(p.curves[&Curve::Surface].end(), 35);
    }

    #[test]
    fn an_event_seen_twice_counts_once() {
        let mut p = Picture::default();
        let e = Envelope {
            seq: 1,
            time: 0.0,
            event: Event::Failed {
                message: "disk full".into(),
            },
        };
        p.apply(&e);
        p.apply(&e);
        assert_eq!(p.log.len(), 1);
        assert_eq!(p.state(), State::Failed);
        assert!(p.log[0].error);
    }

    #[test]
    fn the_log_is_bounded() {
        let mut p = Picture::default();
        feed(
            &mut p,
            (0..2000)
                .map(|n| Event::Notice {
                    text: n.to_string(),
                })
                .collect(),
        );
        assert_eq!(p.log.len(), Picture::LOG);
        assert_eq!(p.log.back().unwrap().text, "1999");
    }
}
