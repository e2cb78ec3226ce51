//! `surfit resume`: resumes a run from its last checkpoint.

use super::args::{FollowOptions, ResumeArgs};
use super::error::CliError;
use super::{output, run, run_lookup};
use surfit_client::runs;
use surfit_core::event::Event;
use surfit_core::run_dir::{EventTail, RunDir, RunError};

pub fn run_command(args: ResumeArgs) -> Result<(), CliError> {
    resume_run(&run_lookup::find_run(&args.run)?, args.follow)
}

/// Resumes a run that has no engine. A finished run is no error, so that requeued jobs and jobs that depend on them succeed.
pub fn resume_run(found: &RunDir, follow: FollowOptions) -> Result<(), CliError> {
    found.await_killed_engine();
    if found.is_engine_alive() {
        return Err(found.in_use_error().into());
    }
    found.config()?;
    if found.load_state()?.job_result().is_some() {
        match found.repair_finished_run() {
            // It is finished all the same.
            Ok(()) | Err(RunError::ReadOnly(_)) => {}
            Err(error) => {
                output::print_warning(format!("{error}; files of its engine were left in place"));
            }
        }
        if !follow.json {
            return output::print_line(format!(
                "{} is finished; open it with `surfit open {1}`, or fit it further with `surfit fit {1}`",
                found.id(),
                runs::open_name(found)
            ));
        }
        let mut last = None;
        EventTail::new(&found.events_path(), 0).for_each_event(|e| {
            if matches!(e.event, Event::Finished(_)) {
                last = Some(e);
            }
        })?;
        return last.map_or(Ok(()), |e| output::print_json(&e));
    }
    // It may have been moved, or be a copy.
    run_lookup::link_run(found);
    run::start_and_follow(found, follow)
}

#[cfg(test)]
mod tests {
    use super::*;
    use surfit_core::config::Config;

    #[test]
    fn a_finished_run_is_finished_also_where_one_may_not_write() {
        let dir = tempfile::tempdir().unwrap();
        let run = RunDir::create(&dir.path().join("a"), &Config::default()).unwrap();
        let finished = r#"{"seq":1,"time":1.0,"event":"finished","corners":[0.5],"corners_test":[0.5],"degrees":[2,2],
            "best":{"u":0.5,"v":0.5,"accuracy":0.6,"loss":1.0,"images":9},"best_test":0.6,"interior_mean":0.6,"heatmap":
            {"mean":0.5,"interior_mean":0.6,"min":0.4,"max":0.6,"corners_mean":0.5},"grid":3,"seconds":{},"export":"x",
            "baselines":[],"steps":[1,2]}"#;
        std::fs::write(run.events_path(), finished.replace('\n', "") + "\n").unwrap();
        // A lock that cannot be opened, also by who may open any file.
        std::fs::create_dir(run.lock_path()).unwrap();
        assert!(run.repair_finished_run().is_err());
        for json in [false, true] {
            let follow = FollowOptions { json, detach: false };
            assert!(resume_run(&run, follow).is_ok());
        }
    }
}
