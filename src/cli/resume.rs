//! `surfit resume`: going on from the last checkpoint.

use super::args::{Follow, ResumeArgs};
use super::fault::Fault;
use super::{out, place, run};
use surfit_core::event::Event;
use surfit_core::run_dir::{EventTail, RunDir};

/// Goes on with the run of a name.
pub fn resume(args: ResumeArgs) -> Result<(), Fault> {
    go_on(&place::find(&args.run)?, args.follow)
}

/// Goes on with a run that has no engine. A finished one is told as that and is no fault: a job that runs once more, and
/// others that wait for its success, have what they want.
pub fn go_on(found: &RunDir, follow: Follow) -> Result<(), Fault> {
    found.await_killed_engine();
    if found.is_alive() {
        return Err(found.in_use().into());
    }
    found.config()?;
    if found.picture()?.done().is_some() {
        found.settle_finished()?;
        if !follow.json {
            return out::line(format!(
                "{} is finished; look at it with `surfit open {1}`, fit its surface further with `surfit fit {1}`",
                found.id(),
                place::name(found)
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
    // It may have been moved, or be a copy.
    place::make_known(found);
    run::begin(found, follow)
}
