//! What a line of the log is about, to show only some of them.

use crate::event::Event;
use serde::{Deserialize, Serialize};

/// The subject of a line of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
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
    Notice,
    /// Something went wrong.
    Error,
}

impl Topic {
    /// Every topic, in the order a switch goes through them.
    pub const ALL: [Topic; 7] = [
        Topic::Error,
        Topic::Job,
        Topic::Corners,
        Topic::Surface,
        Topic::Measured,
        Topic::Models,
        Topic::Notice,
    ];

    /// The topic's name for people.
    pub fn name(self) -> &'static str {
        match self {
            Topic::Job => "job",
            Topic::Corners => "corners",
            Topic::Surface => "surface",
            Topic::Measured => "measured",
            Topic::Models => "models",
            Topic::Notice => "notices",
            Topic::Error => "errors",
        }
    }

    /// What an event is about.
    pub fn of(event: &Event) -> Topic {
        match event {
            Event::CornerReady(_) | Event::Geometry(_) | Event::Aligned(_) => Topic::Corners,
            Event::DegreeChanged { .. }
            | Event::GridChanged { .. }
            | Event::Frozen { .. }
            | Event::RateChanged { .. }
            | Event::DrawsChanged { .. }
            | Event::PhaseBegan { .. } => Topic::Surface,
            Event::HeatmapComplete { .. }
            | Event::Evaluated(_)
            | Event::Searched(_)
            | Event::EnsembleMeasured(_)
            | Event::Distances(_)
            | Event::Marked { .. } => Topic::Measured,
            Event::Exported(_) => Topic::Models,
            Event::Notice { .. } => Topic::Notice,
            Event::Failed { .. } => Topic::Error,
            // Written out, so that whoever adds an event decides where it is looked for.
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
            | Event::Unknown => Topic::Job,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_topic_is_in_the_list_once_and_failures_are_errors() {
        let names: std::collections::BTreeSet<_> = Topic::ALL.map(Topic::name).into();
        assert_eq!(names.len(), Topic::ALL.len());
        let failed = Event::Failed {
            message: "disk full".into(),
        };
        assert_eq!(Topic::of(&failed), Topic::Error);
        assert_eq!(Topic::of(&Event::Checkpoint { step: 3 }), Topic::Job);
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
                Topic::Corners,
            ),
            (tagged("grid_changed", json!({"grid": 7})), Topic::Surface),
            (
                tagged(
                    "degree_changed",
                    json!({"step": 1, "from": [2, 2], "to": [3, 2],
                "deviation": 0.0}),
                ),
                Topic::Surface,
            ),
            (
                tagged("rate_changed", json!({"step": 1, "from": 0.1, "to": 0.2})),
                Topic::Surface,
            ),
            (
                tagged("frozen", json!({"i": 1, "j": 1, "frozen": true})),
                Topic::Surface,
            ),
            (tagged("evaluated", point.clone()), Topic::Measured),
            (tagged("searched", searched), Topic::Measured),
            (
                tagged("marked", json!({"u": 0.5, "v": 0.5, "marked": true})),
                Topic::Measured,
            ),
            (tagged("exported", exported), Topic::Models),
            (tagged("notice", json!({"text": "a note"})), Topic::Notice),
            (
                tagged("failed", json!({"message": "disk full"})),
                Topic::Error,
            ),
            (tagged("cancelled", json!({"what": "a search"})), Topic::Job),
            (tagged("stopped", json!({"step": 3})), Topic::Job),
            (tagged("paused", json!({"step": 3})), Topic::Job),
        ] {
            assert_eq!(Topic::of(&event), topic, "{event:?}");
            assert_eq!(Topic::ALL.iter().filter(|t| **t == topic).count(), 1);
        }
    }
}
