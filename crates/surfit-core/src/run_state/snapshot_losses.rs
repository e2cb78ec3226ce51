//! The latest steps of a curve, which only a snapshot has, on top of what events reported.

use super::RunState;
use crate::event::{Event, LossCurve};
use crate::series::{Series, StepTrack};
use crate::snapshot::{Snapshot, UnloggedLosses};

/// A curve as events alone know it. Events continue here: what a snapshot added is a look ahead, which the next event
/// repeats.
#[derive(Clone, Debug, PartialEq)]
pub struct DurableCurve {
    curve: LossCurve,
    series: Series,
    track: StepTrack,
}

impl RunState {
    /// Shows a snapshot as the present, with the losses that it alone knows.
    pub fn apply_snapshot(&mut self, snapshot: Snapshot) {
        // One that was made before or after other events than these does not show where its losses belong.
        if let Some(fresh) = &snapshot.fresh
            && snapshot.seq == self.seq
        {
            self.append_unlogged_losses(fresh);
        }
        self.snapshot = Some(snapshot);
    }

    fn append_unlogged_losses(&mut self, fresh: &UnloggedLosses) {
        self.restore_durable_curve();
        let curve = fresh.curve;
        // Only what continues where events ended is no more than a look ahead.
        let end = self.curves.get(&curve).map_or(0, Series::end_step);
        if end != fresh.first_step || fresh.values.is_empty() {
            return;
        }
        let series = self.curves.entry(curve).or_default();
        let track = self.tracks.entry(curve).or_default();
        self.durable_curve = Some(Box::new(DurableCurve { curve, series: series.clone(), track: track.clone() }));
        series.extend(fresh.first_step, &fresh.values);
        let end = fresh.first_step.saturating_add(fresh.values.len() as u64);
        let since = self.working_since.unwrap_or(fresh.time);
        track.advance(end, super::fold::work_seconds(since, fresh.time), fresh.rate);
    }

    /// Before an event that changes curves: they are again as events left them.
    pub(super) fn restore_before_event(&mut self, event: &Event) {
        if matches!(event, Event::Losses { .. } | Event::Started(_) | Event::Resumed { .. } | Event::StageBegan { .. })
        {
            self.restore_durable_curve();
        }
    }

    fn restore_durable_curve(&mut self) {
        if let Some(durable) = self.durable_curve.take() {
            let DurableCurve { curve, series, track } = *durable;
            self.curves.insert(curve, series);
            self.tracks.insert(curve, track);
        }
    }
}
