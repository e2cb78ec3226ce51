//! When an action can be done, and the sentence for when it cannot.

use crate::app::{App, EngineLink, Overlay, Pane};
use surfit_core::event::JobStage;
use surfit_core::protocol::READONLY_ERROR;
use surfit_core::snapshot::{EngineState, Snapshot};
use surfit_core::surface::ParameterAxis;

type Availability = Result<(), String>;

fn unavailable<T>(why: &str) -> Result<T, String> {
    Err(why.into())
}

pub(super) fn always(_: &App) -> Availability {
    Ok(())
}

/// The log is open.
pub(super) fn log_open(app: &App) -> Availability {
    match app.overlay {
        Some(Overlay::Log { .. }) => Ok(()),
        _ => unavailable("open the log first"),
    }
}

/// The list of runs is open.
pub(super) fn run_list_open(app: &App) -> Availability {
    match app.overlay {
        Some(Overlay::Runs { .. }) => Ok(()),
        _ => unavailable("open the list of runs first"),
    }
}

/// A run at rest is chosen.
fn selected_run_idle(app: &App, why: &str) -> Availability {
    run_list_open(app)?;
    match app.selected_run() {
        Some(run) if run.alive => unavailable(why),
        Some(_) => Ok(()),
        None => unavailable("there is no run here"),
    }
}

pub(super) fn can_resume_run(app: &App) -> Availability {
    can_change_run(app)?;
    selected_run_idle(app, "its engine is at work; enter goes there")
}

pub(super) fn can_remove_run(app: &App) -> Availability {
    can_change_run(app)?;
    selected_run_idle(app, "its engine is at work; stop it first")
}

/// Runs are not only watched.
fn can_change_run(app: &App) -> Availability {
    if app.readonly { unavailable(READONLY_ERROR) } else { Ok(()) }
}

/// An engine listens, or starts when it is asked for something.
pub(super) fn engine_reachable(app: &App) -> Availability {
    can_change_run(app)?;
    match engine_ready(app) {
        Err(_) if app.engine_stopped() => Ok(()),
        possible => possible,
    }
}

/// An engine listens.
fn engine_ready(app: &App) -> Availability {
    if let Some(line) = app.remote_line.as_ref().filter(|l| l.is_down()) {
        return Err(format!("the line to {} is down and is being tried again", line.host));
    }
    match &app.connection {
        EngineLink::Connected { .. } => Ok(()),
        EngineLink::OnOtherNode(node) => Err(format!("only watched here, its engine works on {node}: open it there")),
        EngineLink::Connecting => unavailable("the engine is not here yet; wait a moment"),
        _ => unavailable("no engine works on this run; press r to start it again"),
    }
}

fn reported_snapshot(app: &App) -> Result<&Snapshot, String> {
    engine_reachable(app)?;
    app.run_state.snapshot.as_ref().ok_or_else(|| "the engine has not reported yet".into())
}

/// What a degree or a grid that was typed needs: whether the value is new the engine decides itself.
pub(crate) fn snapshot_reported(app: &App) -> Availability {
    reported_snapshot(app).map(|_| ())
}

pub(super) fn can_resume_engine(app: &App) -> Availability {
    if app.remote_line.as_ref().is_some_and(|l| l.is_refused()) {
        return Ok(());
    }
    can_change_run(app)?;
    match app.connection {
        EngineLink::Lost(_) | EngineLink::Dead => Ok(()),
        _ => unavailable("the engine is alive"),
    }
}

pub(super) fn can_start_job(app: &App) -> Availability {
    engine_reachable(app)?;
    match app.run_state.engine_state() {
        EngineState::Running | EngineState::Starting => unavailable("the job is under way"),
        _ => Ok(()),
    }
}

pub(super) fn can_start_corners(app: &App) -> Availability {
    engine_reachable(app)?;
    match app.run_state.engine_state() {
        EngineState::Running | EngineState::Starting => unavailable("the job is under way; stop it first"),
        _ => Ok(()),
    }
}

/// Durable is what is at rest anyway.
pub(super) fn can_checkpoint(app: &App) -> Availability {
    can_change_run(app)?;
    match engine_ready(app) {
        Err(_) if app.engine_stopped() => unavailable("the run is at rest; all of it is on disk"),
        possible => possible,
    }
}

/// An engine listens that may have something under way.
fn running_snapshot<'a>(app: &'a App, why: &str) -> Result<&'a Snapshot, String> {
    match reported_snapshot(app) {
        Ok(_) if app.engine_stopped() => unavailable(why),
        snapshot => snapshot,
    }
}

pub(super) fn can_pause(app: &App) -> Availability {
    let why = "nothing is under way that could be paused";
    match running_snapshot(app, why)?.state {
        EngineState::Running | EngineState::Paused => Ok(()),
        _ => unavailable(why),
    }
}

pub(super) fn can_stop(app: &App) -> Availability {
    let why = "nothing is under way that could be stopped";
    match running_snapshot(app, why)?.state {
        EngineState::Running | EngineState::Paused => Ok(()),
        _ => unavailable(why),
    }
}

/// There is a surface: the corners are ready.
pub(super) fn surface_ready(app: &App) -> Availability {
    if reported_snapshot(app)?.control_points.is_empty() {
        return unavailable("there is no surface before the corners are ready");
    }
    Ok(())
}

pub(super) fn can_measure_heatmap(app: &App) -> Availability {
    surface_ready(app)?;
    match app.run_state.engine_state() {
        EngineState::Running if reported_snapshot(app)?.stage == JobStage::Heatmap => {
            unavailable("the heatmap is being measured")
        }
        _ => Ok(()),
    }
}

/// Some cell of the heatmap is measured.
pub(super) fn cells_measured(app: &App) -> Availability {
    let measured = |s: &Snapshot| s.heatmap.cells.iter().any(|c| c.images > 0);
    match &app.run_state.snapshot {
        Some(s) if measured(s) => Ok(()),
        _ => unavailable("no cell of the heatmap is measured yet"),
    }
}

pub(super) fn can_export_best(app: &App) -> Availability {
    surface_ready(app)?;
    cells_measured(app)
}

fn can_change_degree(app: &App, axis: ParameterAxis, by: i8) -> Availability {
    reported_snapshot(app)?;
    app.target_degrees().with_changed_degree(axis, by).map(|_| ()).map_err(|e| e.to_string())
}

pub(super) fn can_raise_u(app: &App) -> Availability {
    can_change_degree(app, ParameterAxis::U, 1)
}

pub(super) fn can_lower_u(app: &App) -> Availability {
    can_change_degree(app, ParameterAxis::U, -1)
}

pub(super) fn can_raise_v(app: &App) -> Availability {
    can_change_degree(app, ParameterAxis::V, 1)
}

pub(super) fn can_lower_v(app: &App) -> Availability {
    can_change_degree(app, ParameterAxis::V, -1)
}

pub(super) fn can_refine_grid(app: &App) -> Availability {
    reported_snapshot(app)?;
    app.next_finer_grid().map(|_| ()).ok_or_else(|| "this is the finest grid".into())
}

pub(super) fn can_coarsen_grid(app: &App) -> Availability {
    reported_snapshot(app)?;
    app.next_coarser_grid().map(|_| ()).ok_or_else(|| "this is the coarsest grid".into())
}

pub(super) fn can_freeze(app: &App) -> Availability {
    if app.focus != Pane::Points {
        return unavailable("choose a control point first: press 3, then move to it");
    }
    surface_ready(app)?;
    match app.selected_point() {
        Some(p) if p.corner => unavailable("a corner never trains, so there is nothing to freeze"),
        Some(_) => Ok(()),
        None => unavailable("choose a control point first"),
    }
}

/// There is a loss curve.
pub(super) fn loss_curve_ready(app: &App) -> Availability {
    if app.loss.extent(&app.run_state).is_none() {
        return unavailable("there is no curve before the first training step");
    }
    Ok(())
}

/// Only a part of the loss curve is shown.
pub(super) fn can_pan_curves(app: &App) -> Availability {
    loss_curve_ready(app)?;
    if !app.loss.can_pan() {
        return unavailable("the whole curve is shown; zoom in first");
    }
    Ok(())
}

/// The surface is shown in three dimensions.
pub(super) fn relief_shown(app: &App) -> Availability {
    if app.surface.show_relief { Ok(()) } else { unavailable("the surface is shown flat; choose `relief` first") }
}

/// There is another surface to show beside this one, or one is shown.
pub(super) fn can_compare_surfaces(app: &App) -> Availability {
    match (&app.surface.comparison, &app.surface.earlier_surface) {
        (None, None) => {
            unavailable("the degree has not changed since the workbench was opened; type `beside RUN` for another run")
        }
        _ => Ok(()),
    }
}

pub(super) fn can_write_plots(app: &App) -> Availability {
    if app.run_state.curves.is_empty() {
        return unavailable("there is nothing to draw before the first training step");
    }
    Ok(())
}

/// More than one pane is on the screen.
pub(super) fn several_panes_shown(app: &App) -> Availability {
    if app.zoomed {
        return unavailable("one pane has the whole screen; leave zoom first");
    }
    if crate::layout::ScreenLayout::of(app).borders.is_empty() {
        return unavailable("the terminal has room for one pane only");
    }
    Ok(())
}

/// Something that was asked for is under way, or a stage that can be given up.
pub(super) fn can_cancel(app: &App) -> Availability {
    let s = reported_snapshot(app)?;
    let stage = matches!(s.stage, JobStage::Align | JobStage::Heatmap | JobStage::Export);
    let works = s.errand.is_some() || (stage && s.state == EngineState::Running);
    if works && !app.engine_stopped() || app.awaits_task_reply() {
        return Ok(());
    }
    unavailable("nothing is under way that could be given up")
}

/// There is a surface that another run can begin with.
pub(super) fn can_start_new_run(app: &App) -> Availability {
    can_change_run(app)?;
    let there = |s: &Snapshot| !s.control_points.is_empty();
    match &app.run_state.snapshot {
        Some(s) if there(s) => Ok(()),
        _ => unavailable("there is no surface before the corners are ready"),
    }
}
