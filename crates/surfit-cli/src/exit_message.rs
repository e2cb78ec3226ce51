//! The last words when a run's screen is left: how it stands, and how to come back.

use surfit_client::bridge::BridgeEnd;
use surfit_core::run_dir::RunDir;

/// How a run stands when it is left.
#[derive(Clone, Debug, Default)]
pub struct ExitState {
    /// It was asked to stop.
    pub stop_requested: bool,
    /// It did, as far as the bridge saw.
    pub stopped: bool,
    /// An engine works on it.
    pub alive: bool,
    /// The batch job that ends its engine, when this process is part of it too.
    pub batch_job: Option<String>,
    /// One is being started.
    pub starting: bool,
    /// Its job is done.
    pub finished: bool,
    /// Its last engine ended in good order.
    pub closed_cleanly: bool,
}

impl ExitState {
    /// How a run stands after its bridge ended, which had been asked to `stop` its engine or not.
    pub fn of(run: &RunDir, ended: &BridgeEnd, stop: bool) -> Self {
        // Looked at before the file is read, which is complete then.
        let alive = run.is_engine_alive();
        let picture = run.load_state().unwrap_or_default();
        Self {
            stop_requested: stop,
            stopped: ended.stopped,
            alive,
            batch_job: run.shared_job(),
            starting: ended.starting,
            finished: picture.job_result().is_some(),
            closed_cleanly: picture.closed,
        }
    }
}

/// The words, when there is something to come back to. `name` is what `surfit open` finds the run by.
pub fn exit_message(id: &str, name: &str, s: ExitState) -> Option<String> {
    Some(if s.alive && s.stop_requested && !s.stopped {
        format!("{id} has not ended yet; see how it stands with `surfit open {name}`")
    } else if s.alive && s.finished {
        format!("{id} is finished, and its engine waits; come back with `surfit open {name}`")
    } else if let Some(job) = s.batch_job.filter(|_| s.alive) {
        format!(
            "{id} works until {job} ends, which ends its engine; go on then with `surfit resume {name}`, or let \
             `exec surfit run` be the job"
        )
    } else if s.alive {
        format!("{id} goes on; come back with `surfit open {name}`")
    } else if s.starting {
        format!("an engine is starting for {id}; come back with `surfit open {name}`")
    } else if !s.stop_requested {
        return None;
    } else if s.finished {
        format!("{id} is finished; look at it again with `surfit open {name}`")
    } else if s.closed_cleanly {
        format!("stopped; go on with `surfit resume {name}`")
    } else {
        format!("the engine of {id} is gone; go on with `surfit resume {name}`")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_words_are_true() {
        let told = |s| exit_message("id", "name", s).unwrap_or_default();
        let left = ExitState::default;
        assert_eq!(told(left()), "");
        assert!(told(ExitState { alive: true, ..left() }).contains("goes on"));
        let waits = ExitState { alive: true, finished: true, ..left() };
        let waits = told(waits);
        assert!(!waits.contains("goes on") && waits.contains("is finished"));
        let in_job = told(ExitState { alive: true, batch_job: Some("Slurm job 81".into()), ..left() });
        assert!(in_job.contains("until Slurm job 81 ends") && !in_job.contains("goes on;"), "{in_job}");
        assert!(told(ExitState { starting: true, ..left() }).contains("engine is starting"));
        let stop = || ExitState { stop_requested: true, ..left() };
        assert!(told(ExitState { alive: true, ..stop() }).contains("has not ended yet"));
        let gone = || ExitState { stopped: true, closed_cleanly: true, ..stop() };
        assert!(told(gone()).contains("stopped; go on with `surfit resume name`"));
        let done = told(ExitState { finished: true, ..gone() });
        assert!(done.contains("finished") && !done.contains("resume"), "{done}");
        assert!(!told(stop()).contains("stopped"));
    }
}
