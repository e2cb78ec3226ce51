//! `surfit degree`: another degree for a run's surface, while it trains or afterwards.

use super::args::DegreeArgs;
use super::ask::UNANSWERED;
use super::fault::Fault;
use super::{out, place};
use crate::client::signals::Signals;
use crate::client::{ClientError, Said, Visit};
use surfit_core::event::{Event, Stage};
use surfit_core::picture::sentence;
use surfit_core::protocol::Command;
use surfit_core::surface::Degrees;

/// Asks the run's engine for the degrees and says what the change did to the surface.
pub fn degree(args: DegreeArgs) -> Result<(), Fault> {
    let run = place::find(&args.run)?;
    let n = args.n.unwrap_or(args.m);
    // What no surface can have is refused before an engine is asked.
    Degrees::new(args.m, n).map_err(|e| Fault::Usage(e.to_string()))?;
    let mut visit = Visit::begin(&run)?;
    let before = visit.latest().degrees;
    let degrees =
        Degrees::of(before.patch(), args.m, n).map_err(|e| Fault::Usage(e.to_string()))?;
    let signals = Signals::listen()?;
    let id = visit.send(Command::SetDegree { degrees })?;
    let mut changed: Option<Event> = None;
    // A surface at rest that moved is measured again; an engine that was started for this must not be ended before.
    let (mut measuring, mut answered) = (false, false);
    loop {
        match visit.next() {
            Ok(Said::Event(event @ Event::DegreeChanged { .. })) => changed = Some(event),
            Ok(Said::Event(Event::Failed { message })) => return Err(Fault::Failure(message)),
            Ok(Said::Reply(of, Some(error))) if of == id => return Err(Fault::Failure(error)),
            Ok(Said::Event(Event::StageBegan {
                stage: Stage::Heatmap,
                ..
            })) => measuring = true,
            Ok(Said::Event(
                Event::HeatmapComplete { .. } | Event::Stopped { .. } | Event::StageBegan { .. },
            )) => measuring = false,
            Ok(Said::Reply(of, None)) if of == id => answered = true,
            // Every event up to now has come.
            Ok(Said::Reconnected) if !answered && changed.is_none() => {
                return Err(Fault::Failure(UNANSWERED.into()));
            }
            Ok(Said::Reconnected) => answered = true,
            Ok(_) => {}
            Err(ClientError::Closed) => {
                return Err(Fault::Failure(
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
            visit.send(Command::Checkpoint)?;
        }
        if signals.stop_request().is_some() || signals.hangup() {
            let what = match answered {
                true => "the degree was changed; left while the engine measures the heatmap",
                false => {
                    "left before the engine answered; look with `surfit open` whether it was done"
                }
            };
            return Err(Fault::Interrupted(what.into()));
        }
    }
    if args.json {
        return match &changed {
            Some(event) => out::json(event),
            None => out::json(&serde_json::json!({ "event": "unchanged", "degrees": degrees })),
        };
    }
    let said = changed.as_ref().and_then(sentence).map(|(text, _)| text);
    out::line(said.unwrap_or_else(|| match before == degrees {
        true => format!("the surface has degree {degrees} already"),
        false => format!("the surface will have degree {degrees} when its fit begins"),
    }))
}
