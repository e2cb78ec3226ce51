//! The loss curves as a picture, with all that is read beside them as text.

use super::readout::Readout;
use super::{LegendWords, LossView, legend, title_pieces};
use crate::images::Raster;
use crate::theme::Theme;
use crate::views::plot::curve_image::PixelUnit;
use crate::views::plot::curve_plot::CurvePlot;
use crate::views::plot::text;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use surfit_core::run_state::RunState;

/// Rows above the plot, for the legend and the degrees, and below it, for what is read under the cursor.
const MARGIN_ROWS: (u16, u16) = (2, 1);

fn plot(inner: Rect, picture: &RunState, view: &LossView) -> Option<CurvePlot> {
    let room =
        Rect { y: inner.y + MARGIN_ROWS.0, height: inner.height.checked_sub(MARGIN_ROWS.0 + MARGIN_ROWS.1)?, ..inner };
    CurvePlot::of(room, picture, view).filter(|p| p.area.width >= 10 && p.area.height >= 3)
}

/// The characters of the picture within an area; `None` without a curve or when too small.
pub(crate) fn image_area(inner: Rect, picture: &RunState, view: &LossView) -> Option<Rect> {
    plot(inner, picture, view).map(|p| p.area)
}

/// The limits of both axes, by which a picture is known to be of another part.
pub(crate) fn axis_limits(inner: Rect, picture: &RunState, view: &LossView) -> Option<[(f64, f64); 2]> {
    plot(inner, picture, view).map(|p| [p.position_limits(), p.loss_limits()])
}

/// Draws everything but the picture.
pub(crate) fn draw_around(inner: Rect, buf: &mut Buffer, theme: &Theme, picture: &RunState, view: &LossView) {
    let Some(plot) = plot(inner, picture, view) else {
        return;
    };
    let mut above = title_pieces(theme, picture, Some(&plot), view);
    above.extend(legend(theme, &plot, view, LegendWords::Full, super::readout::MAX_NAME_WIDTH));
    text::put_lines(buf, inner, &text::flow(&[above], inner.width, 1));
    plot.draw_around(buf, theme);
    if let Some(x) = view.cursor.and_then(|c| plot.visible_cursor(c)) {
        let read = Readout::of(&plot, picture, view, theme, x).pieces(theme);
        let below = Rect { y: inner.bottom() - MARGIN_ROWS.1, height: MARGIN_ROWS.1, ..inner };
        text::put_lines(buf, below, &text::flow(&[read], below.width, 1));
    }
}

/// The picture, of `unit` pixels a character.
pub(crate) fn sketch(
    inner: Rect,
    theme: &Theme,
    picture: &RunState,
    view: &LossView,
    unit: PixelUnit,
) -> Option<Raster> {
    Some(plot(inner, picture, view)?.sketch(theme, unit, view.cursor))
}
