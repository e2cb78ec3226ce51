//! Messages between engine, bridge and terminal: over the run's socket, inside one program, and over the line to
//! another machine.
//!
//! An engine and its clients exchange the messages of this file. A bridge is between an engine and a terminal: it
//! passes the engine's messages on and adds its own, [`BridgeMessage`] and [`BridgeRequest`].
//!
//! Frames are JSON, each behind its length as four bytes, most significant first (the default of `tokio-util`'s
//! length-delimited codec). The client speaks first. Fields and names that a reader does not know are ignored, so
//! that only a change of meaning needs a new [`PROTOCOL_VERSION`].

mod bridge;

pub use bridge::{BridgeMessage, BridgeRequest, LineState, OpenedRun, RunLine};

use crate::event::Envelope;
use crate::heatmap::Metric;
use crate::run_dir::FileIdentity;
use crate::snapshot::{Snapshot, SnapshotDelta};
use crate::surface::Degrees;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use strum::{IntoStaticStr, VariantArray, VariantNames};

/// Version of the protocol; engines, bridges and clients of different versions refuse each other with a sentence.
pub const PROTOCOL_VERSION: u32 = 7;

/// Largest frame in bytes that is accepted; a snapshot of the largest grid stays well below.
pub const MAX_FRAME_BYTES: usize = 8 << 20;

/// Why a command of a client that only watches is refused.
pub const READONLY_ERROR: &str = "this client only watches; open the run without --readonly to change it";

/// From client to engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, VariantNames)]
#[serde(tag = "type", rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ClientMessage {
    /// Begins the handshake; always the first message.
    Hello {
        /// The client's [`PROTOCOL_VERSION`].
        protocol: u32,
        /// What the client is, for the log.
        client: String,
        /// Send every event after this number; 0 for all. `None` for no events and no snapshots, of a bridge for the
        /// whole state of the run.
        after: Option<u64>,
        /// The run that `after` counts the events of; a bridge that shows another sends its whole state.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        run: Option<String>,
        /// Only watch: the engine refuses every command of this client.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        readonly: bool,
        /// After the first snapshot send the next ones as what is new in them, where that is shorter.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        changes: bool,
    },
    /// Something to do.
    Command {
        /// Comes back in the reply.
        id: u64,
        /// Command to be carried out.
        command: EngineCommand,
    },
    /// For a bridge; engines do not serve it.
    Bridge(BridgeRequest),
}

/// From engine or bridge to client.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, VariantNames)]
#[serde(tag = "type", rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[expect(
    clippy::large_enum_variant,
    reason = "events are most of what is sent, and one message is moved a few times only"
)]
pub enum ServerMessage {
    /// The handshake succeeded.
    Welcome {
        /// The engine's [`PROTOCOL_VERSION`].
        protocol: u32,
        /// The engine's program version.
        engine: String,
        /// Id of the run.
        run: String,
        /// Process id of the engine.
        pid: u32,
        /// The directory that the engine works in: a client that looks into a copy of it has come to the wrong engine.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        dir: Option<FileIdentity>,
    },
    /// The handshake failed; the connection closes.
    Rejected {
        /// Reason for the rejection, one sentence.
        reason: String,
    },
    /// A durable event, in order, without gaps.
    Event(Envelope),
    /// The present state; older ones may have been skipped. Boxed for its size.
    Snapshot(Box<Snapshot>),
    /// The same, by what is new in it since the last one sent to this client; only for those that requested `changes`.
    Changed(Box<SnapshotDelta>),
    /// A command was carried out or refused. Events it caused came before.
    Reply {
        /// The command's id.
        id: u64,
        /// `None` when it was carried out; on the wire `error`, a sentence or `null`, and `code`.
        #[serde(flatten, with = "command_error_fields")]
        error: Option<CommandError>,
        /// The events that it caused; absent from engines that do not report them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        events: Option<EventSpan>,
    },
    /// From a bridge; engines do not send it.
    Bridge(BridgeMessage),
}

impl ServerMessage {
    /// True for what belongs to the run that is shown, and means nothing of another one.
    pub fn is_about_shown_run(&self) -> bool {
        match self {
            Self::Welcome { .. } | Self::Event(_) | Self::Snapshot(_) | Self::Changed(_) | Self::Reply { .. } => true,
            Self::Bridge(message) => matches!(
                message,
                BridgeMessage::Disconnected { .. } | BridgeMessage::Elsewhere { .. } | BridgeMessage::EngineDied
            ),
            Self::Rejected { .. } => false,
        }
    }
}

/// Why a command was refused or failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CommandError {
    /// Kind of the refusal, for programs.
    pub code: CommandErrorCode,
    /// One sentence, for people.
    pub message: String,
}

impl CommandError {
    /// Returns a refusal of a kind, with its sentence.
    pub fn new(code: CommandErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// Kinds of refusals. New ones are added; a reader takes those that it does not know for `Other`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum CommandErrorCode {
    /// A value, a file or a configuration cannot be used.
    InvalidInput,
    /// The command does not suit what the engine is doing, or has done.
    WrongState,
    /// There is no surface yet.
    NoSurface,
    /// Something else has to end first; the same command may succeed later.
    Busy,
    /// The client declared that it only watches.
    ReadOnly,
    /// The task was cancelled.
    Cancelled,
    /// Weights are not finite.
    Diverged,
    /// Memory ran out, or would.
    OutOfMemory,
    /// A file of the run is not what was written.
    DamagedFile,
    /// The file system refused something, or what was reached is not durable.
    FileSystem,
    /// The engine ends, and carries out no more commands.
    Closing,
    /// A fault inside the engine or libtorch.
    Internal,
    /// Unknown to this program, or not reported by an older engine.
    #[default]
    #[serde(other)]
    Other,
}

impl CommandErrorCode {
    /// Every code, in the order of the documentation.
    pub const ALL: &[Self] = Self::VARIANTS;

    /// Returns the code's name on the wire.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// The two fields of a reply that report a refusal. Programs from before the codes read and write the sentence alone.
mod command_error_fields {
    use super::{CommandError, CommandErrorCode};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct CommandErrorFields {
        error: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<CommandErrorCode>,
    }

    pub fn serialize<S: Serializer>(error: &Option<CommandError>, serializer: S) -> Result<S::Ok, S::Error> {
        let code = error.as_ref().map(|error| error.code);
        let error = error.as_ref().map(|error| error.message.clone());
        CommandErrorFields { error, code }.serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<CommandError>, D::Error> {
        let CommandErrorFields { error, code } = CommandErrorFields::deserialize(deserializer)?;
        Ok(error.map(|message| CommandError::new(code.unwrap_or_default(), message)))
    }
}

/// Events in a row: those that one command caused, and none of another client's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventSpan {
    /// Number of the last event before them.
    pub after: u64,
    /// Number of the last of them.
    pub last: u64,
}

impl EventSpan {
    /// True for the number of one of the events.
    pub fn contains(self, seq: u64) -> bool {
        (self.after + 1..=self.last).contains(&seq)
    }
}

/// What to export.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Selection {
    /// The best grid point by validation accuracy.
    Best,
    /// The surface at `(u, v)`.
    At {
        /// First parameter, in `[0, 1]`.
        u: f64,
        /// Second parameter, in `[0, 1]`.
        v: f64,
    },
    /// The mean of the whole surface.
    Centroid,
    /// The ensemble of several points of the surface: the mean of their class probabilities.
    Ensemble {
        /// Parameters of the members.
        points: Vec<(f64, f64)>,
    },
    /// An ensemble chosen greedily on validation among the best grid points and the marks (Caruana et al. 2004).
    Greedy {
        /// Number of members of the ensemble.
        count: usize,
    },
}

/// What the tensors of an exported model are called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TensorNames {
    /// As this program calls them: as torchvision and timm do.
    #[default]
    Surfit,
    /// As the file of the first corner calls them.
    AsGiven,
}

/// Most members that an ensemble can have.
pub const MAX_MEMBERS: usize = 64;

/// Another learning rate for a fit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RateChange {
    /// The peak of the schedule becomes this.
    Peak(f64),
    /// The peak is multiplied by this.
    Factor(f64),
}

/// Commands to an engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum EngineCommand {
    /// Resume the job where it stopped: corners, alignment, fit, heatmap, export.
    Start,
    /// Train the corners again, with seeds that follow those used so far, and continue from there.
    StartCorners,
    /// Fit a new surface between the present corners.
    StartFit {
        /// Its degrees; `None` for those of the present surface.
        degrees: Option<Degrees>,
    },
    /// Fit the present surface further, from its present state and at the degrees it has, with a schedule of its own.
    FitFurther {
        /// Optimizer steps; `None` for as many as `epochs` gives.
        steps: Option<u64>,
        /// Epochs; `None` for those of the configuration.
        epochs: Option<f64>,
    },
    /// Pause until `Unpause`.
    Pause,
    /// Continue work after `Pause`.
    Unpause,
    /// End the present stage early and keep what was reached.
    Stop,
    /// Change the degrees of the surface; during a fit, when several of one client wait the latest wins.
    SetDegree {
        /// New degrees of the surface.
        degrees: Degrees,
    },
    /// Change the learning rate of the fit from its next step on. The schedule keeps its course with another peak.
    SetRate {
        /// Change of the peak learning rate.
        rate: RateChange,
    },
    /// Change the surface points that a minibatch of the fit is split over, from the next step on.
    SetDraws {
        /// Draws a step.
        draws: usize,
    },
    /// Change the heatmap's grid; when several of one client wait the latest wins.
    SetGrid {
        /// Points along each axis.
        grid: usize,
    },
    /// Change the metric of the live heatmap.
    SetMetric {
        /// New metric of the live heatmap.
        metric: Metric,
    },
    /// Measure every cell of the heatmap on the whole validation split now.
    Measure,
    /// Measure the heatmap on a grid, when nothing else is under way. A complete heatmap of more points stays the run's
    /// own, on disk and, some seconds after the measurement or when it is cancelled, in the engine; unless with `keep`.
    MeasureOn {
        /// Points along each axis.
        grid: usize,
        /// The run keeps what was measured.
        keep: bool,
    },
    /// Measure one point on the whole validation split.
    Evaluate {
        /// First parameter, in `[0, 1]`.
        u: f64,
        /// Second parameter, in `[0, 1]`.
        v: f64,
    },
    /// Look for a better point near one, off the grid, on validation images.
    Search {
        /// First parameter of where to begin.
        u: f64,
        /// Second parameter of where to begin.
        v: f64,
        /// First step of the search, in parameters.
        radius: f64,
        /// Points that may be looked at.
        budget: usize,
    },
    /// Measure an ensemble of points on the whole validation split.
    MeasureEnsemble {
        /// Parameters of the members.
        points: Vec<(f64, f64)>,
    },
    /// Report the distances between all control points.
    Distances,
    /// Cancel the running request: a measurement, a search, an export; else the heatmap's measurement.
    Cancel,
    /// Mark a point, or take its mark away when it has one.
    Mark {
        /// First parameter of the point, in `[0, 1]`.
        u: f64,
        /// Second parameter of the point, in `[0, 1]`.
        v: f64,
    },
    /// Hold a control point still, or let it train again.
    Freeze {
        /// Index along `u`.
        i: usize,
        /// Index along `v`.
        j: usize,
        /// True to hold it.
        frozen: bool,
    },
    /// Write a model and measure its test accuracy.
    Export {
        /// Selection of the model to export.
        selection: Selection,
        /// Folder to write; `None` for one in the run's `exports`.
        dir: Option<PathBuf>,
        /// Replace a model that the folder holds.
        #[serde(default)]
        replace: bool,
        /// What its tensors are called.
        #[serde(default)]
        names: TensorNames,
    },
    /// Make the present state durable now.
    Checkpoint,
    /// Checkpoint and end the engine process.
    Shutdown,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_back() {
        let d = Degrees::new(2, 3).unwrap();
        let messages = [
            ClientMessage::Hello {
                protocol: PROTOCOL_VERSION,
                client: "test".into(),
                after: Some(7),
                run: None,
                readonly: true,
                changes: true,
            },
            ClientMessage::Command { id: 1, command: EngineCommand::SetDegree { degrees: d } },
            ClientMessage::Command {
                id: 2,
                command: EngineCommand::Export {
                    selection: Selection::At { u: 0.5, v: 0.25 },
                    dir: None,
                    replace: true,
                    names: TensorNames::AsGiven,
                },
            },
        ];
        for message in messages {
            let json = serde_json::to_string(&message).unwrap();
            assert_eq!(serde_json::from_str::<ClientMessage>(&json).unwrap(), message);
        }
        let bad = r#"{"type":"command","id":1,"command":{"command":"set_degree","degrees":[2,99]}}"#;
        let error = serde_json::from_str::<ClientMessage>(bad).unwrap_err().to_string();
        assert!(error.contains("outside 1..=8"), "{error}");
    }

    #[test]
    fn a_reply_is_understood_by_programs_with_and_without_codes() {
        let reply = |error| ServerMessage::Reply { id: 7, error, events: None };
        let refusal = CommandError::new(CommandErrorCode::NoSurface, "no surface");
        let refused = reply(Some(refusal.clone()));
        let json = serde_json::to_value(&refused).unwrap();
        assert_eq!(json["error"], "no surface", "older clients read a sentence");
        assert_eq!(json["code"], "no_surface");
        assert_eq!(serde_json::from_value::<ServerMessage>(json).unwrap(), refused);
        let done = serde_json::to_string(&reply(None)).unwrap();
        assert_eq!(done, r#"{"type":"reply","id":7,"error":null}"#);
        // Of older and of newer engines.
        for (text, error) in [
            (r#"{"type":"reply","id":7,"error":null}"#, None),
            (r#"{"type":"reply","id":7,"error":"no"}"#, Some(CommandError::new(CommandErrorCode::Other, "no"))),
            (
                r#"{"type":"reply","id":7,"error":"no","code":"new"}"#,
                Some(CommandError::new(CommandErrorCode::Other, "no")),
            ),
        ] {
            assert_eq!(serde_json::from_str::<ServerMessage>(text).unwrap(), reply(error));
        }
        for code in CommandErrorCode::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.name());
        }
    }

    #[test]
    fn the_largest_snapshot_fits_a_frame() {
        let mut s = Snapshot::empty(Degrees::new(8, 8).unwrap(), crate::heatmap::Heatmap::MAX_GRID);
        for cell in &mut s.heatmap.cells {
            *cell = crate::heatmap::Cell::from_counts(123_456, 123_456, 1.234_567_8, 10_000_000);
        }
        let bytes = serde_json::to_vec(&ServerMessage::Snapshot(Box::new(s))).unwrap();
        assert!(bytes.len() < MAX_FRAME_BYTES / 4, "{}", bytes.len());
    }
}
