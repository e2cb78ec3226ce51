//! Message after leaving a run's screen: its state, and how to attach again.

use surfit_client::bridge::BridgeEnd;
use surfit_core::run_dir::RunDir;

/// State of a run when its screen is left.
#[derive(Clone, Debug, Default)]
pub struct ExitState {
    pub stop_requested: bool,
    /// It did, according to the bridge.
    pub stopped: bool,
    /// An engine works on it.
    pub alive: bool,
    /// The batch job that ends its engine, if this process is part of it too.
    pub batch_job: Option<String>,
    pub starting: bool,
    pub finished: bool,
    /// Its last engine ended regularly.
    pub closed_cleanly: bool,
}

impl ExitState {
    /// Returns the state of a run after its bridge ended; `stop` tells whether its engine was asked to stop.
    pub fn of_run(run: &RunDir, ended: &BridgeEnd, stop: bool) -> Self {
        // Checked before the file is read, which is complete then.
        let alive = run.is_engine_alive();
        let run_state = run.load_state().unwrap_or_default();
        Self {
            stop_requested: stop,
            stopped: ended.stopped,
            alive,
            batch_job: run.shared_job(),
            starting: ended.starting,
            finished: run_state.job_result().is_some(),
            closed_cleanly: run_state.closed,
        }
    }
}

/// Returns the message, if the run can be opened again. `name` is what `surfit open` finds the run by.
pub fn exit_message(id: &str, name: &str, s: ExitState) -> Option<String> {
    Some(if s.alive && s.stop_requested && !s.stopped {
        format!("the engine of {id} has not ended yet; check it with `surfit open {name}`")
    } else if s.alive && s.finished {
        format!("{id} is finished, its engine is idle; open it again with `surfit open {name}`")
    } else if let Some(job) = s.batch_job.filter(|_| s.alive) {
        format!(
            "{id} continues until {job} ends, which kills its engine; then continue with `surfit resume {name}`, or use \
             `exec surfit run` as the job"
        )
    } else if s.alive {
        format!("{id} continues; open it again with `surfit open {name}`")
    } else if s.starting {
        format!("an engine is starting for {id}; open it again with `surfit open {name}`")
    } else if !s.stop_requested {
        return None;
    } else if s.finished {
        format!("{id} is finished; open it again with `surfit open {name}`")
    } else if s.closed_cleanly {
        format!("stopped; continue with `surfit resume {name}`")
    } else {
        format!("the engine of {id} is gone; continue with `surfit resume {name}`")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_message_is_true() {
        let message = |s| exit_message("id", "name", s).unwrap_or_default();
        let left = ExitState::default;
        assert_eq!(message(left()), "");
        assert!(message(ExitState { alive: true, ..left() }).contains("id continues;"));
        let waits = ExitState { alive: true, finished: true, ..left() };
        let waits = message(waits);
        assert!(!waits.contains("continues") && waits.contains("is finished"));
        let in_job = message(ExitState { alive: true, batch_job: Some("Slurm job 81".into()), ..left() });
        assert!(in_job.contains("until Slurm job 81 ends") && !in_job.contains("id continues;"), "{in_job}");
        assert!(message(ExitState { starting: true, ..left() }).contains("engine is starting"));
        let stop = || ExitState { stop_requested: true, ..left() };
        assert!(message(ExitState { alive: true, ..stop() }).contains("has not ended yet"));
        let gone = || ExitState { stopped: true, closed_cleanly: true, ..stop() };
        assert!(message(gone()).contains("stopped; continue with `surfit resume name`"));
        let done = message(ExitState { finished: true, ..gone() });
        assert!(done.contains("finished") && !done.contains("resume"), "{done}");
        assert!(!message(stop()).contains("stopped"));
    }
}
