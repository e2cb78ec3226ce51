use super::*;
use surfit_client::fake;
use surfit_core::event::JobResult;
use surfit_core::protocol::{ClientMessage, ServerMessage};
use surfit_core::snapshot::Snapshot;

#[test]
fn a_job_that_another_client_stopped_ends_although_the_engine_has_no_more_news() {
    let run = fake::temporary_run();
    let engine = fake::FakeEngine::open(&run.dir);
    let thread = std::thread::spawn(move || {
        let (mut peer, _) = engine.welcome();
        let mut snapshot = Snapshot::empty(surfit_core::config::Config::default().degrees(), 5);
        snapshot.state = EngineState::Idle;
        peer.send(&ServerMessage::Snapshot(Box::new(snapshot)));
        // Silence until the client leaves.
        assert_eq!(peer.read(), None);
    });
    let signals = Signals::for_test(false);
    let connection = surfit_client::connect(&run.dir, Some(0)).unwrap();
    let run_state = RunState::default();
    let began = Instant::now();
    let ended = follow_run(&run.dir, Some(connection), run_state, true, None, &signals, RunOwnership::Job);
    assert!(matches!(&ended, Err(CliError::Failure(why)) if why.contains("stopped before it finished")));
    assert!(began.elapsed() >= IDLE_TIMEOUT);
    thread.join().unwrap();
}

fn finished_result() -> JobResult {
    JobResult {
        corners: Vec::new(),
        corners_test: Vec::new(),
        degrees: surfit_core::config::Config::default().degrees(),
        best: surfit_core::heatmap::MeasuredPoint {
            u: 0.5,
            v: 0.5,
            accuracy: 0.9,
            loss: 0.4,
            images: 100,
            metrics: Default::default(),
        },
        best_test: None,
        interior_mean: 0.9,
        heatmap: surfit_core::heatmap::HeatmapSummary {
            mean: 0.9,
            interior_mean: 0.9,
            min: 0.9,
            max: 0.9,
            corners_mean: 0.9,
        },
        grid: 5,
        seconds: Default::default(),
        export: None,
        baselines: Vec::new(),
        steps: [0, 12],
    }
}

/// What the engine of a further fit is told after the end of its job, while so many watch; and how following ended.
fn command_sent_after_job(viewers: usize, hung_up: bool) -> (Option<ClientMessage>, Result<(), CliError>) {
    let run = fake::temporary_run();
    let mut engine = fake::FakeEngine::open(&run.dir);
    let (sender, receiver) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        let (mut peer, _) = engine.welcome();
        // Whoever hung up has left before it hears anything.
        if !hung_up {
            let mut snapshot = Snapshot::empty(surfit_core::config::Config::default().degrees(), 5);
            snapshot.viewers = viewers;
            peer.send(&ServerMessage::Snapshot(Box::new(snapshot)));
            let finished = Event::Finished(Box::new(finished_result()));
            peer.send(&ServerMessage::Event(engine.append_event(finished)));
        }
        sender.send(peer.read()).unwrap();
    });
    let signals = Signals::for_test(hung_up);
    let connection = surfit_client::connect(&run.dir, Some(0)).unwrap();
    let began = Instant::now();
    let ended = follow_run(&run.dir, Some(connection), RunState::default(), true, None, &signals, RunOwnership::Engine);
    assert!(began.elapsed() < EXIT_TIMEOUT / 2, "it waits for nothing");
    thread.join().unwrap();
    (receiver.recv().unwrap(), ended)
}

#[test]
fn an_engine_that_was_started_for_a_fit_is_sent_away_at_once_unless_others_watch() {
    let shutdown =
        |m: &Option<ClientMessage>| matches!(m, Some(ClientMessage::Command { command: EngineCommand::Shutdown, .. }));
    let (command, ended) = command_sent_after_job(1, false);
    assert!(shutdown(&command) && ended.is_ok(), "{command:?} {ended:?}");
    let (command, ended) = command_sent_after_job(2, false);
    assert!(command.is_none() && ended.is_ok(), "{command:?} {ended:?}");
    let (command, ended) = command_sent_after_job(1, true);
    assert!(
        command.is_none() && matches!(ended, Err(CliError::Interrupted(_))),
        "a hang-up leaves the fit to itself: {command:?} {ended:?}"
    );
}

#[test]
fn a_closed_pipe_ends_watching_but_not_the_job() {
    assert!(ignore_closed_pipe(Err(CliError::ClosedPipe), true).is_ok());
    assert!(matches!(ignore_closed_pipe(Err(CliError::ClosedPipe), false), Err(CliError::ClosedPipe)));
    assert!(ignore_closed_pipe(Err(CliError::Failure("disk".into())), true).is_err());
}
