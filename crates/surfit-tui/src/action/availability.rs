//! When an action can be done, and why not when it cannot.

use super::KeyScope;
use crate::app::{App, EngineLink, Pane};
use std::borrow::Cow;
use surfit_core::event::JobStage;
use surfit_core::protocol::READONLY_ERROR;
use surfit_core::snapshot::{EngineState, Snapshot};
use surfit_core::surface::{DegreeError, ParameterAxis};
use thiserror::Error;

/// Why an action cannot be done, in a clause.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Unavailable(Cow<'static, str>);

impl From<&'static str> for Unavailable {
    fn from(why: &'static str) -> Self {
        Self(why.into())
    }
}

impl From<String> for Unavailable {
    fn from(why: String) -> Self {
        Self(why.into())
    }
}

impl From<DegreeError> for Unavailable {
    fn from(why: DegreeError) -> Self {
        why.to_string().into()
    }
}

type Availability = Result<(), Unavailable>;

pub(super) fn always(_: &App) -> Availability {
    Ok(())
}

pub(super) fn overlay_open(app: &App, scope: &'static str) -> Availability {
    match app.overlay() {
        Some(overlay) if overlay.scope() == KeyScope::View(scope) => Ok(()),
        _ if ["runs", "models"].contains(&scope) => Err(format!("open the list of {scope} first").into()),
        _ => Err(format!("open the {scope} first").into()),
    }
}

pub(super) fn selected_run_idle(app: &App, why: &'static str) -> Availability {
    can_change_run(app)?;
    overlay_open(app, "runs")?;
    match app.selected_run() {
        Some(run) if run.alive => Err(why.into()),
        Some(_) => Ok(()),
        None => Err("no run is selected".into()),
    }
}

fn can_change_run(app: &App) -> Availability {
    if app.readonly { Err(READONLY_ERROR.into()) } else { Ok(()) }
}

/// An engine is connected, or starts on the first command.
pub(super) fn engine_reachable(app: &App) -> Availability {
    can_change_run(app)?;
    match engine_ready(app) {
        Err(_) if app.engine_stopped() => Ok(()),
        possible => possible,
    }
}

fn engine_ready(app: &App) -> Availability {
    if let Some(line) = app.remote_line.as_ref().filter(|l| l.is_down()) {
        return Err(format!("the connection to {} is down; reconnecting", line.host).into());
    }
    match &app.connection {
        EngineLink::Connected { .. } => Ok(()),
        EngineLink::OnOtherNode(node) => {
            Err(format!("read-only here: its engine runs on {node}; open it there").into())
        }
        EngineLink::Connecting => Err("still connecting to the engine".into()),
        _ => Err("no engine is running; press r to restart it".into()),
    }
}

fn reported_snapshot(app: &App) -> Result<&Snapshot, Unavailable> {
    engine_reachable(app)?;
    app.run_state.snapshot.as_ref().ok_or("the engine has not reported yet".into())
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
        _ => Err("the engine is running".into()),
    }
}

/// No job is running; else `why`.
pub(super) fn job_idle(app: &App, why: &'static str) -> Availability {
    engine_reachable(app)?;
    match app.run_state.engine_state() {
        EngineState::Running | EngineState::Starting => Err(why.into()),
        _ => Ok(()),
    }
}

/// Durable is what is at rest anyway.
pub(super) fn can_checkpoint(app: &App) -> Availability {
    can_change_run(app)?;
    match engine_ready(app) {
        Err(_) if app.engine_stopped() => Err("the run is idle and completely on disk".into()),
        possible => possible,
    }
}

pub(super) fn job_under_way(app: &App) -> Availability {
    match reported_snapshot(app)?.state {
        EngineState::Running | EngineState::Paused if !app.engine_stopped() => Ok(()),
        _ => Err("nothing is running".into()),
    }
}

/// There is a surface: the corners are ready.
pub(super) fn surface_ready(app: &App) -> Availability {
    match reported_snapshot(app)? {
        s if s.control_points.is_empty() => Err(no_surface(app)),
        _ => Ok(()),
    }
}

/// Why there is no surface.
fn no_surface(app: &App) -> Unavailable {
    match &app.run_state.snapshot {
        Some(s) if s.is_trunk() => "no surface yet; it comes at the branch".into(),
        _ => "no surface yet; the corners come first".into(),
    }
}

pub(super) fn can_measure_heatmap(app: &App) -> Availability {
    surface_ready(app)?;
    match app.run_state.engine_state() {
        EngineState::Running if reported_snapshot(app)?.stage == JobStage::Heatmap => {
            Err("the heatmap is being measured".into())
        }
        _ => Ok(()),
    }
}

pub(super) fn cells_measured(app: &App) -> Availability {
    let measured = |s: &Snapshot| s.heatmap.cells.iter().any(|c| c.images > 0);
    match &app.run_state.snapshot {
        Some(s) if s.control_points.is_empty() => Err(no_surface(app)),
        Some(s) if measured(s) => Ok(()),
        _ => Err("no measured cells yet".into()),
    }
}

pub(super) fn can_export_best(app: &App) -> Availability {
    surface_ready(app)?;
    cells_measured(app)
}

pub(super) fn can_change_degree(app: &App, axis: ParameterAxis, by: i8) -> Availability {
    reported_snapshot(app)?;
    app.target_degrees().with_changed_degree(axis, by)?;
    Ok(())
}

pub(super) fn can_refine_grid(app: &App) -> Availability {
    reported_snapshot(app)?;
    app.next_finer_grid().map(|_| ()).ok_or("this is the finest grid".into())
}

pub(super) fn can_coarsen_grid(app: &App) -> Availability {
    reported_snapshot(app)?;
    app.next_coarser_grid().map(|_| ()).ok_or("this is the coarsest grid".into())
}

pub(super) fn can_freeze(app: &App) -> Availability {
    if app.focus != Pane::Points {
        return Err("select a control point first: press 3, then move to it".into());
    }
    surface_ready(app)?;
    match app.selected_point() {
        Some(p) if p.corner => Err("corners are never trained".into()),
        Some(_) => Ok(()),
        None => Err("select a control point first".into()),
    }
}

pub(super) fn loss_curve_ready(app: &App) -> Availability {
    if app.loss.extent(&app.run_state).is_none() {
        return Err("no curve before the first training step".into());
    }
    Ok(())
}

pub(super) fn can_pan_curves(app: &App) -> Availability {
    loss_curve_ready(app)?;
    if !app.loss.can_pan() {
        return Err("the whole curve is shown; zoom in first".into());
    }
    Ok(())
}

pub(super) fn relief_shown(app: &App) -> Availability {
    if app.surface.show_relief { Ok(()) } else { Err("turn on the 3-D view first".into()) }
}

/// There is another surface to show beside this one, or one is shown.
pub(super) fn can_compare_surfaces(app: &App) -> Availability {
    match (&app.surface.comparison, &app.surface.earlier_surface) {
        (None, None) => Err("no earlier degree; type `compare RUN` for another run".into()),
        _ => Ok(()),
    }
}

pub(super) fn can_write_plots(app: &App) -> Availability {
    if app.run_state.curves.is_empty() {
        return Err("no plots before the first training step".into());
    }
    Ok(())
}

pub(super) fn several_panes_shown(app: &App) -> Availability {
    if app.zoomed {
        return Err("leave zoom first".into());
    }
    if crate::layout::ScreenLayout::of(app).borders.is_empty() {
        return Err("only one pane fits".into());
    }
    Ok(())
}

/// A requested task is running, or a stage that can be cancelled.
pub(super) fn can_cancel(app: &App) -> Availability {
    let s = reported_snapshot(app)?;
    let stage = matches!(s.stage, JobStage::Align | JobStage::Heatmap | JobStage::Export);
    let works = s.errand.is_some() || (stage && s.state == EngineState::Running);
    if works && !app.engine_stopped() || app.awaits_task_reply() {
        return Ok(());
    }
    Err("nothing to cancel".into())
}

/// There is a surface that another run can begin with.
pub(super) fn can_start_new_run(app: &App) -> Availability {
    can_change_run(app)?;
    let there = |s: &Snapshot| !s.control_points.is_empty();
    match &app.run_state.snapshot {
        Some(s) if there(s) => Ok(()),
        _ => Err(no_surface(app)),
    }
}

pub(super) fn viewport_zoomed(app: &App) -> Availability {
    match app.surface.viewport {
        Some(_) => Ok(()),
        None => Err("the whole surface is shown".into()),
    }
}

/// The surface is shown in three dimensions, or a part of it.
pub(super) fn can_turn_or_pan(app: &App) -> Availability {
    match app.surface.viewport {
        Some(_) => Ok(()),
        None => relief_shown(app).map_err(|_| "zoom in or turn on the 3-D view first".into()),
    }
}
