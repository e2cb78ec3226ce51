//! The image of the figure that is shown: when it is drawn anew, and by whom.

use super::{EncodedImage, ImageProtocol, encode_removal, figure_theme};
use crate::app::App;
use crate::views::image;
use ratatui::layout::Size;
use std::sync::Arc;
use std::time::{Duration, Instant};
use surfit_core::figure::Figure;
use surfit_core::run_state::RunState;
use surfit_report::{DrawableFigure, PixelImage, ReportError, RunFigure, ScreenPage};

/// Least time between two images that nobody asked for, and the most that a large one keeps the next waiting.
const MIN_REDRAW_INTERVAL: Duration = Duration::from_secs(1);
const MAX_REDRAW_INTERVAL: Duration = Duration::from_secs(6);
/// Bytes a second that such images may send; other drawing has its own budget.
const MAX_BYTES_PER_SECOND: f64 = 9_000.0;

/// An image of a figure.
#[derive(Clone, Debug)]
pub struct FigureImage {
    /// What it is of.
    key: ImageKey,
    pub(super) pixels: Arc<PixelImage>,
    /// As the terminal takes it.
    pub encoded: Arc<EncodedImage>,
}

impl FigureImage {
    /// The cells that it covers.
    pub fn size(&self) -> Size {
        self.key.size
    }
}

/// What an image shows and where. One of an equal key is the same image.
#[derive(Clone, Debug, PartialEq)]
struct ImageKey {
    figure: Figure,
    size: Size,
    cell: Size,
    theme: String,
    /// When the run's state last changed.
    state_time: Option<f64>,
}

/// An image to draw. That takes a tenth of a second, so it is done beside the screen's thread.
#[derive(Debug)]
pub struct ImageRequest {
    key: ImageKey,
    page: ScreenPage,
    protocol: ImageProtocol,
    in_tmux: bool,
    state: RunState,
    last_image: Option<FigureImage>,
}

impl ImageRequest {
    /// Draws the figure and encodes it. When it looks as the last one does, that one is given.
    ///
    /// # Errors
    /// [`ReportError`] when there is nothing to draw, or drawing fails.
    pub fn draw(self) -> Result<FigureImage, ReportError> {
        let figure = RunFigure::new(&self.key.figure, "", &self.state)?;
        let pixels = figure.screen_image(&self.page)?;
        let same = |last: &FigureImage| last.key.size == self.key.size && *last.pixels == pixels;
        if let Some(last) = self.last_image.filter(same) {
            return Ok(FigureImage { key: self.key, ..last });
        }
        let encoded = EncodedImage::new(&pixels, self.protocol, self.key.size, self.in_tmux)?;
        Ok(FigureImage { key: self.key, pixels: Arc::new(pixels), encoded: Arc::new(encoded) })
    }
}

/// Decides when the image is drawn anew.
#[derive(Debug, Default)]
pub struct FigureImages {
    /// Of the last request.
    requested: Option<ImageKey>,
    /// It is being drawn.
    pub(super) is_drawing: bool,
    /// The user did something since the last request.
    user_acted: bool,
    /// It was in the last frame.
    was_shown: bool,
    /// Before this nothing is drawn that nobody asked for.
    pub(super) not_before: Option<Instant>,
}

impl FigureImages {
    /// The image to draw now, if any; to be called after every frame, `user_acted` when a key or the mouse was its cause. `cell`
    /// is a character in pixels. Images are large: a new one comes once a second at most, and the later the larger the last
    /// one was, unless the user chose to see something else.
    pub fn next_request(&mut self, app: &mut App, cell: Size, now: Instant, user_acted: bool) -> Option<ImageRequest> {
        self.user_acted |= user_acted;
        let wanted = app.image_protocol.and_then(|protocol| Some((protocol, image::wanted_figure(app)?)));
        let Some((protocol, (figure, size))) = wanted else {
            (self.requested, self.not_before) = (None, None);
            return None;
        };
        // When the image comes it is looked again.
        if self.is_drawing {
            return None;
        }
        let theme = app.theme.name().to_owned();
        let key = ImageKey { figure, size, cell, theme, state_time: app.last_message_at };
        if self.requested.as_ref() == Some(&key) && app.figure_image.is_some() {
            self.user_acted = false;
            return None;
        }
        if !self.user_acted && self.not_before.is_some_and(|time| now < time) {
            // Looked at again when it is due, so that the last change is never left out.
            app.dirty = true;
            return None;
        }
        let (width, height) =
            (u32::from(size.width) * u32::from(cell.width), u32::from(size.height) * u32::from(cell.height));
        let page = ScreenPage { width, height, line_height: cell.height.into(), theme: figure_theme(&app.theme) };
        (self.is_drawing, self.user_acted) = (true, false);
        self.requested = Some(key.clone());
        Some(ImageRequest {
            key,
            page,
            protocol,
            in_tmux: app.in_tmux,
            state: app.run_state.clone(),
            last_image: app.figure_image.as_ref().and_then(|image| image.as_ref().ok()).cloned(),
        })
    }

    /// What takes away an image that is in no frame any more; to be called after every frame.
    pub fn removal(&mut self, app: &App) -> Option<String> {
        let is_shown = image::shown_image(app).is_some();
        let is_gone = std::mem::replace(&mut self.was_shown, is_shown) && !is_shown;
        app.image_protocol.filter(|_| is_gone).and_then(|protocol| encode_removal(protocol, app.in_tmux))
    }

    /// Takes note that a request was answered; to be called before `app` takes the image.
    pub fn on_image(&mut self, app: &App, image: &Result<FigureImage, ReportError>, now: Instant) {
        self.is_drawing = false;
        let last = app.figure_image.as_ref().and_then(|image| image.as_ref().ok());
        let bytes = match image {
            Ok(image) if last.is_none_or(|last| !Arc::ptr_eq(&last.encoded, &image.encoded)) => {
                image.encoded.byte_count()
            }
            _ => 0,
        };
        let rest = Duration::from_secs_f64(bytes as f64 / MAX_BYTES_PER_SECOND);
        self.not_before = Some(now + rest.clamp(MIN_REDRAW_INTERVAL, MAX_REDRAW_INTERVAL));
    }
}
