//! `surfit degree`: another degree for a run's surface, while it trains or afterwards.

use super::args::DegreeArgs;
use super::engine_request::UNANSWERED_MESSAGE;
use super::error::CliError;
use super::{output, run_lookup};
use surfit_client::signals::Signals;
use surfit_client::{ClientError, EngineReply, EngineSession};
use surfit_core::event::{Event, JobStage};
use surfit_core::protocol::EngineCommand;
use surfit_core::run_state::describe_event;
use surfit_core::surface::Degrees;

/// Asks the run's engine for the degrees and says what the change did to the surface.
pub fn degree(args: DegreeArgs) -> Result<(), CliError> {
    let run = run_lookup::find_run(&args.run)?;
    let n = args.n.unwrap_or(args.m);
    // What no surface can have is refused before an engine is asked.
    Degrees::new(args.m, n).map_err(|e| CliError::Usage(e.to_string()))?;
    let mut session = EngineSession::open(&run)?;
    let patch = session.latest_snapshot().degrees.patch();
    let degrees = Degrees::for_patch(patch, args.m, n).map_err(|e| CliError::Usage(e.to_string()))?;
    let signals = Signals::listen()?;
    let id = session.send(EngineCommand::SetDegree { degrees })?;
    // Changes and remarks that came, with their numbers: other clients' are among them until the answer tells which are own.
    let mut said: Vec<(u64, Event)> = Vec::new();
    // A surface at rest that moved is measured again; an engine that was started for this must not be ended before.
    let (mut measuring, mut answered) = (false, false);
    loop {
        match session.next_reply() {
            Ok(EngineReply::Event(event @ (Event::DegreeChanged { .. } | Event::Notice { .. }))) if !answered => {
                said.push((session.last_event(), event));
            }
            Ok(EngineReply::Event(Event::Failed { message })) => {
                return Err(CliError::Failure(message));
            }
            Ok(EngineReply::Reply(of, Some(error), _)) if of == id => {
                return Err(CliError::Refused(error));
            }
            Ok(EngineReply::Event(Event::StageBegan { stage: JobStage::Heatmap, .. })) => measuring = true,
            Ok(EngineReply::Event(
                Event::HeatmapComplete { .. } | Event::Stopped { .. } | Event::StageBegan { .. },
            )) => measuring = false,
            Ok(EngineReply::Reply(of, None, span)) if of == id => {
                answered = true;
                said.retain(|(seq, _)| span.is_none_or(|span| span.contains(*seq)));
            }
            // Every event up to now has come.
            Ok(EngineReply::Reconnected) if !answered => {
                let own = |e: &Event| matches!(e, Event::DegreeChanged { to, .. } if *to == degrees);
                said.retain(|(_, event)| own(event));
                if said.is_empty() {
                    return Err(CliError::Failure(UNANSWERED_MESSAGE.into()));
                }
                answered = true;
            }
            Ok(_) => {}
            Err(ClientError::Closed) => {
                return Err(CliError::Failure(
                    "the engine ended before it answered; look at log.txt in the run's directory, then try again"
                        .into(),
                ));
            }
            Err(other) => return Err(other.into()),
        }
        if answered && !measuring {
            break;
        }
        if signals.checkpoint_request() {
            session.send(EngineCommand::Checkpoint)?;
        }
        if signals.stop_request().is_some() || signals.hangup() {
            let what = match answered {
                true => "the degree was changed; left while the engine measures the heatmap",
                false => "left before the engine answered; look with `surfit open` whether it was done",
            };
            return Err(CliError::Interrupted(what.into()));
        }
    }
    let said: Vec<Event> = said.into_iter().map(|(_, event)| event).collect();
    if args.json {
        let changed = said.iter().find(|e| matches!(e, Event::DegreeChanged { .. }));
        return match changed {
            Some(event) => output::print_json(event),
            None => output::print_json(&serde_json::json!({ "event": "unchanged", "degrees": degrees })),
        };
    }
    if said.is_empty() {
        return output::print_line(format!("the surface has degree {degrees} already"));
    }
    let sentences = said.iter().filter_map(describe_event);
    sentences.map(|(text, _)| text).try_for_each(output::print_line)
}
