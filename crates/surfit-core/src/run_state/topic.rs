//! What a line of the log is about, to show only some of them.

use crate::event::Event;
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};

/// The subject of a line of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum LogTopic {
    /// Something went wrong.
    #[strum(serialize = "errors")]
    Error,
    /// Stages, starts, stops, pauses, checkpoints.
    #[default]
    Job,
    /// Corners and their alignment.
    Corners,
    /// The surface itself: degrees, grid, control points.
    Surface,
    /// Measured points and heatmaps, marks.
    Measured,
    /// Models that were exported.
    Models,
    /// Something a user should know.
    #[strum(serialize = "notices")]
    Notice,
}

impl LogTopic {
    /// Every topic, in the order a switch goes through them.
    pub const ALL: &[Self] = Self::VARIANTS;

    /// The topic's name for people.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// What an event is about.
    pub fn of_event(event: &Event) -> LogTopic {
        match event {
            Event::CornerReady(_) | Event::Geometry(_) | Event::Aligned(_) => LogTopic::Corners,
            Event::DegreeChanged { .. }
            | Event::GridChanged { .. }
            | Event::Frozen { .. }
            | Event::RateChanged { .. }
            | Event::DrawsChanged { .. }
            | Event::PhaseBegan { .. } => LogTopic::Surface,
            Event::HeatmapComplete { .. }
            | Event::Evaluated(_)
            | Event::Searched(_)
            | Event::EnsembleMeasured(_)
            | Event::Distances(_)
            | Event::Marked { .. } => LogTopic::Measured,
            Event::Exported(_) => LogTopic::Models,
            Event::Notice { .. } => LogTopic::Notice,
            Event::Failed { .. } => LogTopic::Error,
            // Written out, so that the author of a new event decides where it is looked for.
            Event::Started(_)
            | Event::Resumed { .. }
            | Event::StageBegan { .. }
            | Event::StageEnded { .. }
            | Event::Losses { .. }
            | Event::Validated { .. }
            | Event::Forked { .. }
            | Event::Cancelled { .. }
            | Event::Checkpoint { .. }
            | Event::Paused { .. }
            | Event::Unpaused { .. }
            | Event::Stopped { .. }
            | Event::Finished(_)
            | Event::Reopened
            | Event::Closed
            | Event::Unknown => LogTopic::Job,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_topic_is_in_the_list_once_and_failures_are_errors() {
        let names: std::collections::BTreeSet<_> = LogTopic::ALL.iter().map(|topic| topic.name()).collect();
        assert_eq!(names.len(), LogTopic::ALL.len());
        let failed = Event::Failed { message: "disk full".into() };
        assert_eq!(LogTopic::of_event(&failed), LogTopic::Error);
        assert_eq!(LogTopic::of_event(&Event::Checkpoint { step: 3 }), LogTopic::Job);
    }

    #[test]
    fn a_line_of_the_log_is_found_under_its_topic() {
        let event = |json: serde_json::Value| -> Event {
            let event = serde_json::from_value(json.clone()).unwrap_or(Event::Unknown);
            assert_ne!(event, Event::Unknown, "{json} is no event");
            event
        };
        use serde_json::json;
        let point = json!({"u": 0.5, "v": 0.5, "accuracy": 0.9, "loss": 0.3, "images": 100});
        let tagged = |kind: &str, mut facts: serde_json::Value| {
            facts["event"] = kind.into();
            event(facts)
        };
        let exported = json!({"dir": "best", "selection": "best", "u": 0.5, "v": 0.5,
            "validation_accuracy": 0.9, "test_accuracy": 0.9});
        let searched = json!({"from": point, "to": point, "looked_at": 3, "images": 300});
        for (event, topic) in [
            (
                tagged(
                    "corner_ready",
                    json!({"index": 0, "source": "seed 1", "accuracy": 0.9,
                "loss": 0.3, "seconds": 1.0}),
                ),
                LogTopic::Corners,
            ),
            (tagged("grid_changed", json!({"grid": 7})), LogTopic::Surface),
            (
                tagged(
                    "degree_changed",
                    json!({"step": 1, "from": [2, 2], "to": [3, 2],
                "deviation": 0.0}),
                ),
                LogTopic::Surface,
            ),
            (tagged("rate_changed", json!({"step": 1, "from": 0.1, "to": 0.2})), LogTopic::Surface),
            (tagged("frozen", json!({"i": 1, "j": 1, "frozen": true})), LogTopic::Surface),
            (tagged("evaluated", point.clone()), LogTopic::Measured),
            (tagged("searched", searched), LogTopic::Measured),
            (tagged("marked", json!({"u": 0.5, "v": 0.5, "marked": true})), LogTopic::Measured),
            (tagged("exported", exported), LogTopic::Models),
            (tagged("notice", json!({"text": "a note"})), LogTopic::Notice),
            (tagged("failed", json!({"message": "disk full"})), LogTopic::Error),
            (tagged("cancelled", json!({"what": "a search"})), LogTopic::Job),
            (tagged("stopped", json!({"step": 3})), LogTopic::Job),
            (tagged("paused", json!({"step": 3})), LogTopic::Job),
        ] {
            assert_eq!(LogTopic::of_event(&event), topic, "{event:?}");
            assert_eq!(LogTopic::ALL.iter().filter(|t| **t == topic).count(), 1);
        }
    }
}
