//! When an action can be done, and the sentence for when it cannot.

use crate::app::{App, EngineLink, Overlay, Pane};
use surfit_core::event::JobStage;
use surfit_core::protocol::READONLY;
use surfit_core::snapshot::{EngineState, Snapshot};
use surfit_core::surface::ParameterAxis;

type Availability = Result<(), String>;

fn no<T>(why: &str) -> Result<T, String> {
    Err(why.into())
}

pub(super) fn always(_: &App) -> Availability {
    Ok(())
}

/// The log is open.
pub(super) fn log(app: &App) -> Availability {
    match app.overlay {
        Some(Overlay::Log { .. }) => Ok(()),
        _ => no("open the log first"),
    }
}

/// The list of runs is open.
pub(super) fn runs(app: &App) -> Availability {
    match app.overlay {
        Some(Overlay::Runs { .. }) => Ok(()),
        _ => no("open the list of runs first"),
    }
}

/// A run at rest is chosen.
fn at_rest(app: &App, why: &str) -> Availability {
    runs(app)?;
    match app.chosen_run() {
        Some(run) if run.alive => no(why),
        Some(_) => Ok(()),
        None => no("there is no run here"),
    }
}

pub(super) fn resume_run(app: &App) -> Availability {
    may_change(app)?;
    at_rest(app, "its engine is at work; enter goes there")
}

pub(super) fn remove_run(app: &App) -> Availability {
    may_change(app)?;
    at_rest(app, "its engine is at work; stop it first")
}

/// Runs are not only watched.
fn may_change(app: &App) -> Availability {
    if app.readonly { no(READONLY) } else { Ok(()) }
}

/// An engine listens, or starts when it is asked for something.
pub(super) fn engine(app: &App) -> Availability {
    may_change(app)?;
    match awake(app) {
        Err(_) if app.sleeps() => Ok(()),
        possible => possible,
    }
}

/// An engine listens.
fn awake(app: &App) -> Availability {
    if let Some(line) = app.line.as_ref().filter(|l| l.is_down()) {
        return Err(format!(
            "the line to {} is down and is being tried again",
            line.host
        ));
    }
    match &app.connection {
        EngineLink::Connected { .. } => Ok(()),
        EngineLink::Elsewhere(node) => Err(format!(
            "only watched here, its engine works on {node}: open it there"
        )),
        EngineLink::Connecting => no("the engine is not here yet; wait a moment"),
        _ => no("no engine works on this run; press r to start it again"),
    }
}

fn snapshot(app: &App) -> Result<&Snapshot, String> {
    engine(app)?;
    app.picture
        .snapshot
        .as_ref()
        .ok_or_else(|| "the engine has not reported yet".into())
}

/// What a degree or a grid that was typed needs: whether the value is new the engine decides itself.
pub(crate) fn reported(app: &App) -> Availability {
    snapshot(app).map(|_| ())
}

pub(super) fn resume(app: &App) -> Availability {
    if app.line.as_ref().is_some_and(|l| l.is_refused()) {
        return Ok(());
    }
    may_change(app)?;
    match app.connection {
        EngineLink::Lost(_) | EngineLink::Dead => Ok(()),
        _ => no("the engine is alive"),
    }
}

pub(super) fn start(app: &App) -> Availability {
    engine(app)?;
    match app.picture.state() {
        EngineState::Running | EngineState::Starting => no("the job is under way"),
        _ => Ok(()),
    }
}

pub(super) fn start_corners(app: &App) -> Availability {
    engine(app)?;
    match app.picture.state() {
        EngineState::Running | EngineState::Starting => no("the job is under way; stop it first"),
        _ => Ok(()),
    }
}

/// Durable is what is at rest anyway.
pub(super) fn checkpoint(app: &App) -> Availability {
    may_change(app)?;
    match awake(app) {
        Err(_) if app.sleeps() => no("the run is at rest; all of it is on disk"),
        possible => possible,
    }
}

/// An engine listens that may have something under way.
fn at_work<'a>(app: &'a App, why: &str) -> Result<&'a Snapshot, String> {
    match snapshot(app) {
        Ok(_) if app.sleeps() => no(why),
        snapshot => snapshot,
    }
}

pub(super) fn pause(app: &App) -> Availability {
    let why = "nothing is under way that could be paused";
    match at_work(app, why)?.state {
        EngineState::Running | EngineState::Paused => Ok(()),
        _ => no(why),
    }
}

pub(super) fn stop(app: &App) -> Availability {
    let why = "nothing is under way that could be stopped";
    match at_work(app, why)?.state {
        EngineState::Running | EngineState::Paused => Ok(()),
        _ => no(why),
    }
}

/// There is a surface: the corners are ready.
pub(super) fn surface(app: &App) -> Availability {
    if snapshot(app)?.control_points.is_empty() {
        return no("there is no surface before the corners are ready");
    }
    Ok(())
}

pub(super) fn measured_surface(app: &App) -> Availability {
    surface(app)?;
    match app.picture.state() {
        EngineState::Running if snapshot(app)?.stage == JobStage::Heatmap => {
            no("the heatmap is being measured")
        }
        _ => Ok(()),
    }
}

/// Some cell of the heatmap is measured.
pub(super) fn cells(app: &App) -> Availability {
    let measured = |s: &Snapshot| s.heatmap.cells.iter().any(|c| c.images > 0);
    match &app.picture.snapshot {
        Some(s) if measured(s) => Ok(()),
        _ => no("no cell of the heatmap is measured yet"),
    }
}

pub(super) fn export_best(app: &App) -> Availability {
    surface(app)?;
    cells(app)
}

fn change(app: &App, axis: ParameterAxis, by: i8) -> Availability {
    snapshot(app)?;
    app.aimed_degrees()
        .changed(axis, by)
        .map(|_| ())
        .map_err(|e| e.to_string())
}

pub(super) fn raise_u(app: &App) -> Availability {
    change(app, ParameterAxis::U, 1)
}

pub(super) fn lower_u(app: &App) -> Availability {
    change(app, ParameterAxis::U, -1)
}

pub(super) fn raise_v(app: &App) -> Availability {
    change(app, ParameterAxis::V, 1)
}

pub(super) fn lower_v(app: &App) -> Availability {
    change(app, ParameterAxis::V, -1)
}

pub(super) fn finer(app: &App) -> Availability {
    snapshot(app)?;
    app.finer_grid()
        .map(|_| ())
        .ok_or_else(|| "this is the finest grid".into())
}

pub(super) fn coarser(app: &App) -> Availability {
    snapshot(app)?;
    app.coarser_grid()
        .map(|_| ())
        .ok_or_else(|| "this is the coarsest grid".into())
}

pub(super) fn freeze(app: &App) -> Availability {
    if app.focus != Pane::Points {
        return no("choose a control point first: press 3, then move to it");
    }
    surface(app)?;
    match app.chosen_point() {
        Some(p) if p.corner => no("a corner never trains, so there is nothing to freeze"),
        Some(_) => Ok(()),
        None => no("choose a control point first"),
    }
}

/// There is a loss curve.
pub(super) fn curves(app: &App) -> Availability {
    if app.loss.extent(&app.picture).is_none() {
        return no("there is no curve before the first training step");
    }
    Ok(())
}

/// Only a part of the loss curve is shown.
pub(super) fn pan(app: &App) -> Availability {
    curves(app)?;
    if !app.loss.can_pan() {
        return no("the whole curve is shown; zoom in first");
    }
    Ok(())
}

/// The surface is shown in three dimensions.
pub(super) fn relief(app: &App) -> Availability {
    if app.surface.relief {
        Ok(())
    } else {
        no("the surface is shown flat; choose `relief` first")
    }
}

/// There is another surface to show beside this one, or one is shown.
pub(super) fn beside(app: &App) -> Availability {
    match (&app.surface.beside, &app.surface.earlier) {
        (None, None) => no(
            "the degree has not changed since the workbench was opened; type `beside RUN` for another run",
        ),
        _ => Ok(()),
    }
}

pub(super) fn figures(app: &App) -> Availability {
    if app.picture.curves.is_empty() {
        return no("there is nothing to draw before the first training step");
    }
    Ok(())
}

/// More than one pane is on the screen.
pub(super) fn several_panes(app: &App) -> Availability {
    if app.zoomed {
        return no("one pane has the whole screen; leave zoom first");
    }
    if crate::layout::ScreenLayout::of(app).borders.is_empty() {
        return no("the terminal has room for one pane only");
    }
    Ok(())
}

/// Something that was asked for is under way, or a stage that can be given up.
pub(super) fn cancel(app: &App) -> Availability {
    let s = snapshot(app)?;
    let stage = matches!(
        s.stage,
        JobStage::Align | JobStage::Heatmap | JobStage::Export
    );
    let works = s.errand.is_some() || (stage && s.state == EngineState::Running);
    if works && !app.sleeps() || app.waits_for_errand() {
        return Ok(());
    }
    no("nothing is under way that could be given up")
}

/// There is a surface that another run can begin with.
pub(super) fn another(app: &App) -> Availability {
    may_change(app)?;
    let there = |s: &Snapshot| !s.control_points.is_empty();
    match &app.picture.snapshot {
        Some(s) if there(s) => Ok(()),
        _ => no("there is no surface before the corners are ready"),
    }
}
