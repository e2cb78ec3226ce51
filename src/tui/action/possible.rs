//! When an action can be done, and the sentence for when it cannot.

use crate::app::{App, Connection, Pane};
use surfit_core::event::Stage;
use surfit_core::snapshot::{Snapshot, State};
use surfit_core::surface::Axis;

type Possible = Result<(), String>;

fn no<T>(why: &str) -> Result<T, String> {
    Err(why.into())
}

pub(super) fn always(_: &App) -> Possible {
    Ok(())
}

/// An engine listens.
pub(super) fn engine(app: &App) -> Possible {
    match &app.connection {
        Connection::Connected { .. } => Ok(()),
        Connection::Connecting => no("the engine is not here yet; wait a moment"),
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

pub(super) fn resume(app: &App) -> Possible {
    match app.connection {
        Connection::Lost(_) | Connection::Dead => Ok(()),
        _ => no("the engine is alive"),
    }
}

pub(super) fn start(app: &App) -> Possible {
    engine(app)?;
    match app.picture.state() {
        State::Running | State::Starting => no("the job is under way"),
        _ => Ok(()),
    }
}

pub(super) fn start_corners(app: &App) -> Possible {
    engine(app)?;
    match app.picture.state() {
        State::Running | State::Starting => no("the job is under way; stop it first"),
        _ => Ok(()),
    }
}

pub(super) fn pause(app: &App) -> Possible {
    match snapshot(app)?.state {
        State::Running | State::Paused => Ok(()),
        _ => no("nothing is under way that could be paused"),
    }
}

pub(super) fn stop(app: &App) -> Possible {
    match snapshot(app)?.state {
        State::Running | State::Paused => Ok(()),
        _ => no("nothing is under way that could be stopped"),
    }
}

/// There is a surface: the corners are ready.
pub(super) fn surface(app: &App) -> Possible {
    if snapshot(app)?.control_points.is_empty() {
        return no("there is no surface before the corners are ready");
    }
    Ok(())
}

pub(super) fn measured_surface(app: &App) -> Possible {
    surface(app)?;
    match app.picture.state() {
        State::Running if snapshot(app)?.stage == Stage::Heatmap => {
            no("the heatmap is being measured")
        }
        _ => Ok(()),
    }
}

/// Some cell of the heatmap is measured.
pub(super) fn cells(app: &App) -> Possible {
    let measured = |s: &Snapshot| s.heatmap.cells.iter().any(|c| c.images > 0);
    match &app.picture.snapshot {
        Some(s) if measured(s) => Ok(()),
        _ => no("no cell of the heatmap is measured yet"),
    }
}

pub(super) fn export_best(app: &App) -> Possible {
    surface(app)?;
    cells(app)
}

fn change(app: &App, axis: Axis, by: i8) -> Possible {
    snapshot(app)?;
    app.degrees()
        .changed(axis, by)
        .map(|_| ())
        .map_err(|e| e.to_string())
}

pub(super) fn raise_u(app: &App) -> Possible {
    change(app, Axis::U, 1)
}

pub(super) fn lower_u(app: &App) -> Possible {
    change(app, Axis::U, -1)
}

pub(super) fn raise_v(app: &App) -> Possible {
    change(app, Axis::V, 1)
}

pub(super) fn lower_v(app: &App) -> Possible {
    change(app, Axis::V, -1)
}

pub(super) fn finer(app: &App) -> Possible {
    snapshot(app)?;
    app.finer_grid()
        .map(|_| ())
        .ok_or_else(|| "this is the finest grid".into())
}

pub(super) fn coarser(app: &App) -> Possible {
    snapshot(app)?;
    app.coarser_grid()
        .map(|_| ())
        .ok_or_else(|| "this is the coarsest grid".into())
}

pub(super) fn freeze(app: &App) -> Possible {
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

pub(super) fn figures(app: &App) -> Possible {
    if app.picture.curves.is_empty() {
        return no("there is nothing to draw before the first training step");
    }
    Ok(())
}
