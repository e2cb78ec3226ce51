//! When what is shown of the surface can be moved.

use super::possible::relief;
use crate::app::App;

type Possible = Result<(), String>;

/// A part of the surface is shown.
pub(super) fn part(app: &App) -> Possible {
    match app.surface.part {
        Some(_) => Ok(()),
        None => Err("the whole surface is shown".into()),
    }
}

/// The surface is shown in three dimensions, or a part of it.
pub(super) fn turn(app: &App) -> Possible {
    match app.surface.part {
        Some(_) => Ok(()),
        None => relief(app).map_err(|_| "the whole surface is shown flat".into()),
    }
}
