//! What is begun anew: corners, surfaces, grids. Nothing of what was before may pass as of now.

use super::*;
use crate::checkpoint;
use surfit_core::heatmap::Cell;
use surfit_core::protocol::{CommandError, CommandErrorCode};

/// Goes through a whole job and measures a second grid: the first one, of 3, is kept beside it.
fn measured_on_two_grids(actor: &mut Actor<'_>) {
    actor.tick_until_idle();
    actor.execute(EngineCommand::SetGrid { grid: 4 }).unwrap();
    actor.execute(EngineCommand::Measure).unwrap();
    actor.tick_until_idle();
    assert_eq!(actor.run.other_grids().len(), 1);
}

#[test]
fn new_corners_drop_all_cells_even_at_the_same_version() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a");
    with_actor(&path, |actor| {
        measured_on_two_grids(actor);
        let version = actor.heatmap.version;
        let known = std::fs::read(actor.run.join("heatmaps/other-grids.json")).unwrap();
        actor.execute(EngineCommand::StartCorners).unwrap();
        assert!(actor.run.other_grids().is_empty());
        actor.tick_until_idle();
        assert_eq!((actor.heatmap.grid, actor.heatmap.version), (4, version));
        actor.execute(EngineCommand::SetGrid { grid: 3 }).unwrap();
        // Only the corners lie on both grids.
        assert_eq!(actor.heatmap.fresh_cell_count(), 4);
        // As if the file had outlived its surface.
        std::fs::write(actor.run.join("heatmaps/other-grids.json"), known).unwrap();
        checkpoint::remove(&actor.run).unwrap();
    });
    with_actor(&path, |actor| {
        assert!(actor.surface.is_none() && actor.run.other_grids().is_empty());
    });
}

#[test]
fn a_look_at_another_grid_ends_with_the_surface_that_it_is_of() {
    let dir = tempfile::tempdir().unwrap();
    for command in [EngineCommand::StartFit { degrees: None }, EngineCommand::StartCorners] {
        let corners = matches!(command, EngineCommand::StartCorners);
        with_actor(&dir.path().join(format!("a-{corners}")), |actor| {
            measured_on_two_grids(actor);
            let (grid, keep) = (2, false);
            actor.execute(EngineCommand::MeasureOn { grid, keep }).unwrap();
            assert!(actor.temporary_grid.is_some() && actor.heatmap.grid == 2);
            actor.execute(command).unwrap();
            actor.expire_temporary_grid();
            // The run's own grid, with what is known of the surface that there is.
            assert_eq!(actor.heatmap.grid, 4);
            let known = if corners { 0 } else { 4 };
            assert_eq!(actor.heatmap.fresh_cell_count(), known);
            let cells = &actor.heatmap.cells;
            let empty = cells.iter().filter(|&&c| c == Cell::default()).count();
            assert_eq!(empty, 16 - known);
            assert_eq!(actor.config.heatmap.grid, if corners { 4 } else { 3 });
            let events = actor.run.events(0).unwrap();
            let mut grids = events.into_iter().filter_map(|e| match e.event {
                Event::GridChanged { grid } => Some(grid),
                _ => None,
            });
            assert_eq!(grids.next_back(), Some(4));
        });
    }
}

#[test]
fn choosing_a_grid_during_a_look_at_another_one_loses_no_cell() {
    let dir = tempfile::tempdir().unwrap();
    with_actor(&dir.path().join("a"), |actor| {
        measured_on_two_grids(actor);
        for chosen in [4, 5] {
            let (grid, keep) = (2, false);
            actor.execute(EngineCommand::MeasureOn { grid, keep }).unwrap();
            actor.tick_until_idle();
            assert!(actor.temporary_grid.is_some());
            actor.execute(EngineCommand::SetGrid { grid: chosen }).unwrap();
            assert!(actor.temporary_grid.is_none());
            assert_eq!(actor.heatmap.is_complete(), chosen == 4);
        }
        actor.execute(EngineCommand::SetGrid { grid: 4 }).unwrap();
        assert!(actor.heatmap.is_complete());
    });
}

#[test]
fn a_grid_that_is_chosen_before_there_is_a_surface_outlives_the_engine() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a");
    with_actor(&path, |actor| {
        actor.tick_until(|a| matches!(a.activity, ActorActivity::Corner(1)));
        actor.execute(EngineCommand::SetGrid { grid: 5 }).unwrap();
    });
    with_actor(&path, |actor| {
        assert_eq!(actor.heatmap.grid, 5);
        actor.tick_until(|a| matches!(a.activity, ActorActivity::Surface));
        actor.execute(EngineCommand::SetGrid { grid: 4 }).unwrap();
    });
    with_actor(&path, |actor| {
        actor.tick_until_idle();
        assert_eq!(actor.heatmap.grid, 4);
        assert!(actor.heatmap.is_complete());
    });
}

#[test]
fn a_surface_that_the_disk_refuses_leaves_the_one_there_is() {
    let dir = tempfile::tempdir().unwrap();
    with_actor(&dir.path().join("a"), |actor| {
        actor.tick_until(|a| a.progress.is_some_and(|p| p.step == 2));
        let before = actor.surface.as_ref().unwrap().version();
        actor.focus_losses = vec![1.0; 25];
        let again = || EngineCommand::StartFit { degrees: None };
        let surface = actor.run.join("surface");
        let (kept, heatmap) = (actor.run.join("kept"), actor.heatmap.clone());
        std::fs::rename(&surface, &kept).unwrap();
        std::fs::write(&surface, "in the way").unwrap();
        assert!(actor.execute(again()).unwrap_err().is_io());
        assert_eq!(actor.surface.as_ref().unwrap().version(), before);
        assert_eq!((actor.focus_losses.len(), &actor.heatmap), (25, &heatmap));
        assert!(matches!(actor.activity, ActorActivity::Fit) && actor.progress.unwrap().step == 2);
        std::fs::remove_file(&surface).unwrap();
        std::fs::rename(&kept, &surface).unwrap();
        // What is only shown need not be stored for it.
        let snapshot = actor.run.join("snapshot.json");
        std::fs::remove_file(&snapshot).unwrap();
        std::fs::create_dir(&snapshot).unwrap();
        let (u, v) = (0.5, 0.5);
        actor.execute(EngineCommand::Mark { u, v }).unwrap();
        actor.execute(again()).unwrap();
        assert!(matches!(actor.activity, ActorActivity::Fit) && actor.progress.unwrap().step == 0);
        assert!(actor.surface.as_ref().unwrap().version() > before && actor.focus_losses.is_empty());
        actor.execute(EngineCommand::StartCorners).unwrap();
        assert!(matches!(actor.activity, ActorActivity::Corner(0)) && actor.surface.is_none());
        let notices = actor
            .run
            .events(0)
            .unwrap()
            .into_iter()
            .filter(|e| matches!(&e.event, Event::Notice { text } if text.contains("snapshot.json")));
        assert_eq!(notices.count(), 3);
    });
}

#[test]
fn stopping_a_fit_whose_weights_are_gone_ends_the_engine_with_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    let config = surfit_core::config::parse(TINY, "the test").unwrap();
    let run = RunDir::create(&dir.path().join("a"), &config).unwrap();
    let mut journal = EventJournal::open(&run).unwrap();
    let (requests, inbox) = sync_channel(1);
    let mut actor = Actor::open(&run, &mut journal, &inbox, NO_IDLE_TIMEOUT).unwrap();
    actor.tick_until(|a| a.progress.is_some_and(|p| p.step == 2));
    let mut theta = actor.surface.as_ref().unwrap().theta().shallow_clone();
    let _ = theta.fill_(f64::NAN);
    let (reply, mut answer) = tokio::sync::oneshot::channel();
    let command = EngineCommand::Stop;
    requests.send(CommandRequest { client: 1, command, reply }).unwrap();
    let why = actor.work_until_closed().unwrap_err().to_string();
    assert!(why.contains("not finite"), "{why}");
    let answer = answer.try_recv().unwrap();
    assert_eq!(answer.error, Some(CommandError::new(CommandErrorCode::Diverged, why)));
}
