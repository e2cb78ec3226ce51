//! When what is shown of the surface can be moved.

use super::availability::relief_shown;
use crate::app::App;

type Possible = Result<(), String>;

/// A part of the surface is shown.
pub(super) fn viewport_zoomed(app: &App) -> Possible {
    match app.surface.viewport {
        Some(_) => Ok(()),
        None => Err("the whole surface is shown".into()),
    }
}

/// The surface is shown in three dimensions, or a part of it.
pub(super) fn can_turn_or_pan(app: &App) -> Possible {
    match app.surface.viewport {
        Some(_) => Ok(()),
        None => relief_shown(app).map_err(|_| "the whole surface is shown flat".into()),
    }
}
