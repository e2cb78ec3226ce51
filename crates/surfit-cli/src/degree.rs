//! `surfit degree`: changes the degree of a run's surface, during or after its fit.

use super::args::DegreeArgs;
use super::engine_request::{HEATMAP_CLAUSE, REPLY_CLAUSE, receive_item};
use super::error::CliError;
use super::{output, run_lookup};
use surfit_client::signals::Signals;
use surfit_client::{EngineSession, FollowedItem};
use surfit_core::event::{Envelope, Event, JobStage};
use surfit_core::protocol::EngineCommand;
use surfit_core::run_state::describe_event;
use surfit_core::surface::Degrees;

/// Changes the degree through the run's engine, and prints how the surface changed.
pub fn run_command(args: DegreeArgs) -> Result<(), CliError> {
    let run = run_lookup::find_run(&args.run)?;
    let n = args.n.unwrap_or(args.m);
    // Impossible degrees are refused before an engine is asked.
    Degrees::new(args.m, n)?;
    let mut session = EngineSession::open(&run)?;
    let patch = session.latest_snapshot().degrees.patch();
    let degrees = Degrees::for_patch(patch, args.m, n)?;
    let signals = Signals::install_handlers()?;
    let id = session.send(EngineCommand::SetDegree { degrees })?;
    // Changes and notices with their numbers, other clients' included until the reply names this command's.
    let mut events: Vec<(u64, Event)> = Vec::new();
    // A surface that moved is measured again; an engine that was started for this must not be ended before.
    let (mut measuring, mut answered) = (false, false);
    loop {
        match receive_item(&mut session, if answered { HEATMAP_CLAUSE } else { REPLY_CLAUSE })? {
            Some(FollowedItem::Event(Envelope { seq, event, .. })) => match event {
                Event::DegreeChanged { .. } | Event::Notice { .. } if !answered => events.push((seq, event)),
                Event::StageBegan { stage: JobStage::Heatmap, .. } => measuring = true,
                Event::HeatmapComplete { .. } | Event::Stopped { .. } | Event::StageBegan { .. } => measuring = false,
                _ => {}
            },
            Some(FollowedItem::Reply { id: of, error: Some(error), .. }) if of == id => {
                return Err(CliError::Refused(error));
            }
            Some(FollowedItem::Reply { id: of, error: None, events: span }) if of == id => {
                answered = true;
                events.retain(|(seq, _)| span.is_none_or(|span| span.contains(*seq)));
            }
            // Every event up to now has come.
            Some(FollowedItem::Reconnected) if !answered => {
                let own = |e: &Event| matches!(e, Event::DegreeChanged { to, .. } if *to == degrees);
                events.retain(|(_, event)| own(event));
                if events.is_empty() {
                    return Err(CliError::Unanswered);
                }
                answered = true;
            }
            _ => {}
        }
        if answered && !measuring {
            break;
        }
        if signals.checkpoint_request() {
            session.send(EngineCommand::Checkpoint)?;
        }
        if signals.stop_request().is_some() || signals.is_hung_up() {
            let what = match answered {
                true => "the degree was changed; the engine is still measuring the heatmap",
                false => "left before the engine replied; check the result with `surfit open`",
            };
            return Err(CliError::Interrupted(what.into()));
        }
    }
    let events: Vec<Event> = events.into_iter().map(|(_, event)| event).collect();
    if args.json {
        let changed = events.iter().find(|e| matches!(e, Event::DegreeChanged { .. }));
        return match changed {
            Some(event) => output::print_json(event),
            None => output::print_json(&serde_json::json!({ "event": "unchanged", "degrees": degrees })),
        };
    }
    if events.is_empty() {
        return output::print_line(format!("the surface already has degree {degrees}"));
    }
    let sentences = events.iter().filter_map(describe_event);
    sentences.map(|(text, _)| text).try_for_each(output::print_line)
}
