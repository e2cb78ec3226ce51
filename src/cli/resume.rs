//! `surfit resume`: going on from the last checkpoint.

use super::args::ResumeArgs;
use super::fault::Fault;
use super::{out, place, run};
use surfit_core::event::Event;
use surfit_core::run_dir::{EventTail, RunError};

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
    if found.picture()?.done().is_some() {
        if !args.follow.json {
            return out::line(format!(
                "{} is finished; look at it with `surfit open {1}`, fit its surface further with `surfit fit {1}`",
                found.id(),
                place::name(&found)
            ));
        }
        let mut last = None;
        EventTail::new(&found.events_path(), 0).each(|e| {
            if matches!(e.event, Event::Finished(_)) {
                last = Some(e);
            }
        })?;
        return last.map_or(Ok(()), |e| out::json(&e));
    }
    run::begin(&found, args.follow)
}
