//! How each event changes the run state.

use super::{LogLine, LogTopic, RunState, ValidationPoint, describe_event};
use crate::draws::FitPhase;
use crate::event::{Envelope, Event, JobStage, LossCurve};
use crate::series::StepTrack;
use crate::text::{MAX_SENTENCE_CHARS, to_printable};

/// Seconds between two words of an engine that count as work at most. Losses come with every step or every few seconds;
/// whatever is longer is a machine that slept, or a clock that was set forth.
const MAX_WORK_GAP_SECONDS: f64 = 3600.0;

pub(super) fn work_seconds(since: f64, until: f64) -> f64 {
    let seconds = until - since;
    if seconds <= MAX_WORK_GAP_SECONDS { seconds } else { 0.0 }
}

impl RunState {
    /// Takes an event in. Events that were seen before are ignored.
    pub fn apply(&mut self, envelope: &Envelope) {
        if envelope.seq <= self.seq {
            return;
        }
        self.seq = envelope.seq;
        self.restore_before_event(&envelope.event);
        self.began.get_or_insert(envelope.time);
        if matches!(envelope.event, Event::Started(_)) {
            self.started = Some(envelope.time);
        }
        if let Some((text, error)) = describe_event(&envelope.event) {
            self.log.push_back(LogLine {
                time: envelope.time,
                text: to_printable(&text, MAX_SENTENCE_CHARS).into_owned(),
                error,
                topic: LogTopic::of_event(&envelope.event),
            });
            if self.log.len() > Self::MAX_LOG_LINES {
                self.log.pop_front();
            }
        }
        self.track_work_time(envelope);
        self.apply_event(&envelope.event);
    }

    /// Keeps the time of every curve. What lies between the end of an engine and the next one's start, within a pause, or
    /// within a request, is no work; nor is the measurement of a corner that is trained.
    fn track_work_time(&mut self, envelope: &Envelope) {
        match &envelope.event {
            Event::Losses { curve, first_step, values, rate } => {
                let since = self.working_since.unwrap_or(envelope.time);
                let track = self.tracks.entry(*curve).or_default();
                if *first_step == 0 {
                    *track = StepTrack::default();
                }
                let end = first_step.saturating_add(values.len() as u64);
                track.advance(end, work_seconds(since, envelope.time), *rate);
                self.working_since = Some(envelope.time);
            }
            Event::Started(_)
            | Event::Resumed { .. }
            | Event::Unpaused { .. }
            | Event::StageBegan { .. }
            | Event::CornerReady(_)
            | Event::Evaluated(_)
            | Event::Searched(_)
            | Event::EnsembleMeasured(_)
            | Event::Exported(_)
            | Event::Cancelled { .. } => self.working_since = Some(envelope.time),
            _ => {}
        }
    }

    fn apply_event(&mut self, event: &Event) {
        match event {
            Event::Started(info) => {
                self.info = Some((**info).clone());
                self.failed = None;
                self.closed = false;
            }
            Event::Resumed { step } => self.truncate_fit(*step),
            Event::StageBegan { stage, .. } => {
                // Measuring a finished surface again leaves the job finished.
                if matches!(stage, JobStage::Corners | JobStage::Align | JobStage::Fit) {
                    (self.finished, self.lowered) = (None, None);
                }
                self.seconds.remove(stage);
                if *stage == JobStage::Corners {
                    self.forget_corners();
                }
            }
            Event::StageEnded { stage, seconds } => {
                self.seconds.insert(*stage, *seconds);
            }
            Event::Losses { curve, first_step, values, .. } => {
                if *first_step == 0 {
                    self.validations.remove(curve);
                    if *curve == LossCurve::Surface {
                        self.degree_changes.clear();
                        self.rate_changes.clear();
                        self.draws_changes.clear();
                    }
                }
                self.curves.entry(*curve).or_default().extend(*first_step, values);
            }
            Event::Validated { curve, step, loss, accuracy } => {
                let validation = ValidationPoint { step: *step, loss: *loss, accuracy: *accuracy };
                validation.insert_into(self.validations.entry(*curve).or_default());
            }
            Event::CornerReady(corner) => {
                self.corners.insert(corner.index, corner.clone());
            }
            Event::Aligned(alignment) => {
                self.alignments.insert(alignment.index, alignment.clone());
            }
            Event::Geometry(geometry) => {
                self.geometry.retain(|g| (g.aligned, g.fitted) != (geometry.aligned, geometry.fitted));
                self.geometry.push(geometry.clone());
            }
            Event::DegreeChanged { step, from, to, .. } => {
                self.degree_changes.push((*step, *from, *to));
                if self.finished.is_some() && !from.converts_exactly(*to) {
                    self.lowered = Some(*to);
                }
            }
            Event::PhaseBegan { step, phase } => {
                self.phases.retain(|p| p.0 < *step);
                self.phases.push((*step, *phase));
                // A course that branches has no stage of corners: they are known at its end.
                if *phase == FitPhase::Trunk {
                    self.forget_corners();
                }
            }
            Event::RateChanged { step, from, to } => self.rate_changes.push((*step, *from, *to)),
            Event::DrawsChanged { step, from, to } => self.draws_changes.push((*step, *from, *to)),
            Event::Forked { from, step, .. } => {
                self.forked = Some((from.clone(), *step));
                // The result is the other run's.
                (self.finished, self.lowered) = (None, None);
            }
            Event::Reopened => (self.finished, self.lowered) = (None, None),
            Event::Searched(searched) => {
                self.searches.push(searched.clone());
                let excess = self.searches.len().saturating_sub(100);
                self.searches.drain(..excess);
            }
            Event::EnsembleMeasured(ensemble) => self.ensemble = Some(ensemble.clone()),
            Event::Distances(distances) => self.distances = Some(distances.clone()),
            Event::HeatmapComplete { summary, best, .. } => self.complete = Some((*summary, *best)),
            Event::Evaluated(point) => {
                self.evaluated.push(*point);
                let excess = self.evaluated.len().saturating_sub(100);
                self.evaluated.drain(..excess);
            }
            Event::Exported(exported) => self.exports.push(exported.clone()),
            Event::Failed { message } => self.failed = Some(message.clone()),
            Event::Finished(finished) => {
                (self.finished, self.lowered) = (Some((**finished).clone()), None);
            }
            Event::Closed => self.closed = true,
            Event::GridChanged { .. }
            | Event::Frozen { .. }
            | Event::Marked { .. }
            | Event::Checkpoint { .. }
            | Event::Paused { .. }
            | Event::Unpaused { .. }
            | Event::Stopped { .. }
            | Event::Notice { .. }
            | Event::Cancelled { .. }
            | Event::Unknown => {}
        }
    }

    fn forget_corners(&mut self) {
        self.corners.clear();
        self.alignments.clear();
        self.geometry.clear();
    }

    fn truncate_fit(&mut self, step: u64) {
        if let Some(series) = self.curves.get_mut(&LossCurve::Surface) {
            series.truncate(step);
        }
        if let Some(list) = self.validations.get_mut(&LossCurve::Surface) {
            list.retain(|v| v.step <= step);
        }
        self.degree_changes.retain(|c| c.0 <= step);
        self.rate_changes.retain(|c| c.0 <= step);
        self.draws_changes.retain(|c| c.0 <= step);
        self.phases.retain(|p| p.0 <= step);
        if let Some(track) = self.tracks.get_mut(&LossCurve::Surface) {
            track.truncate(step);
        }
    }
}
