//! `surfit resume`: going on from the last checkpoint.

use super::args::ResumeArgs;
use super::fault::Fault;
use super::{out, place, run};
use surfit_core::event::Event;
use surfit_core::run_dir::RunError;

/// Goes on with a run that has no engine.
pub fn resume(args: ResumeArgs) -> Result<(), Fault> {
    let found = place::find(&args.run)?;
    if found.is_alive() {
        let pid = found.status().map(|s| s.pid);
        return Err(RunError::InUse {
            path: found.path().to_owned(),
            pid,
        }
        .into());
    }
    found.config()?;
    if found.picture()?.finished.is_some() {
        if !args.follow.json {
            return out::line(format!(
                "{} is finished; look at it with `surfit open {}`",
                found.id(),
                place::name(&found)
            ));
        }
        let events = found.events(0)?;
        return match events
            .iter()
            .rfind(|e| matches!(e.event, Event::Finished(_)))
        {
            Some(last) => out::json(last),
            None => Ok(()),
        };
    }
    run::begin(&found, args.follow)
}
