//! The image of the figure that is shown: when it is drawn anew, and by whom.

use super::encoded_image::SIXEL_BAND_HEIGHT;
use super::{EncodedImage, ImageProtocol, encode_removal, figure_theme};
use crate::app::{App, FigureKind, FigureSubject};
use crate::views::image;
use ratatui::layout::Size;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};
use surfit_core::figure::Figure;
use surfit_core::run_state::RunState;
use surfit_core::series::OtherCurve;
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
    /// True when it is an image of that kind of a run's subject, and covers as many cells.
    pub(crate) fn shows(&self, run: &str, subject: FigureSubject, kind: FigureKind, size: Size) -> bool {
        let content = &self.key.content;
        content.run == run && (content.subject, content.kind, content.size) == (subject, kind, size)
    }
}

/// What an image shows and where. One of an equal key is the same image.
#[derive(Clone, Debug, PartialEq)]
struct ImageKey {
    content: ImageContent,
    cell: Size,
    /// When the run's state last changed.
    state_time: Option<f64>,
}

/// What the user sees: it changes with choices, and with the axes and colours that follow the run's state.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ImageContent {
    run: String,
    subject: FigureSubject,
    kind: FigureKind,
    /// The figure in words: numbers that are not finite equal themselves.
    figure: String,
    size: Size,
    theme: String,
}

impl ImageContent {
    /// What is to be shown now; `None` without an open image, room or data.
    pub(crate) fn of(app: &App) -> Option<Self> {
        Self::with_figure(app).map(|(content, _)| content)
    }

    pub(crate) fn with_figure(app: &App) -> Option<(Self, Figure)> {
        let (subject, area) = image::image_place(app)?;
        let (kind, figure) = (app.figure_kind(subject)?, app.figure_of(subject)?);
        let size = area.as_size();
        let theme = app.theme.name().to_owned();
        let content = Self { run: app.run.clone(), subject, kind, figure: describe_figure(&figure), size, theme };
        Some((content, figure))
    }
}

/// The figure in words; of other runs' data only how far they are.
fn describe_figure(figure: &Figure) -> String {
    match figure {
        Figure::Losses { look, others } => {
            let state = |o: &OtherCurve| (o.name.clone(), o.series.end_step(), o.validations.len());
            format!("{look:?} {:?}", others.iter().map(state).collect::<Vec<_>>())
        }
        Figure::Beside { metric, colormap, look, names, other, corner, difference } => {
            let cells = other.cells.iter().map(|c| (c.images, c.version)).collect::<Vec<_>>();
            format!("{metric:?} {colormap:?} {look:?} {names:?} {cells:?} {corner} {difference:?}")
        }
        other => format!("{other:?}"),
    }
}

/// An image to draw. That takes a tenth of a second, so it is done beside the screen's thread.
#[derive(Debug)]
pub struct ImageRequest {
    key: ImageKey,
    figure: Figure,
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
    /// [`ReportError`] when there is nothing to draw, or drawing fails or panics.
    pub fn draw(self) -> Result<FigureImage, ReportError> {
        catch_panic(|| {
            let figure = RunFigure::new(&self.figure, "", &self.state)?;
            let pixels = figure.screen_image(&self.page)?;
            let size = self.key.content.size;
            let same = |last: &FigureImage| last.key.content.size == size && *last.pixels == pixels;
            if let Some(last) = self.last_image.filter(same) {
                return Ok(FigureImage { key: self.key, ..last });
            }
            let encoded = EncodedImage::new(&pixels, self.protocol, size, self.in_tmux)?;
            Ok(FigureImage { key: self.key, pixels: Arc::new(pixels), encoded: Arc::new(encoded) })
        })
    }
}

/// An answer in any case: nothing else would be drawn before it comes.
fn catch_panic<T>(draw: impl FnOnce() -> Result<T, ReportError>) -> Result<T, ReportError> {
    let failure = |_| Err(ReportError::Draw("an internal error; choose another view".into()));
    catch_unwind(AssertUnwindSafe(draw)).unwrap_or_else(failure)
}

/// Decides when the image is drawn anew.
#[derive(Debug, Default)]
pub struct FigureImages {
    /// Of the last request.
    requested: Option<ImageKey>,
    /// It is being drawn.
    pub(super) is_drawing: bool,
    /// The user chose to see something else since the last request.
    user_chose: bool,
    /// It was in the last frame.
    was_shown: bool,
    /// Before this nothing is drawn that nobody asked for.
    pub(super) not_before: Option<Instant>,
}

impl FigureImages {
    /// Takes note of a message of the user's, `before` which there was that content: when it is another one now it is due.
    pub(crate) fn on_user_message(&mut self, before: Option<ImageContent>, app: &App) {
        self.user_chose |= before != ImageContent::of(app);
    }

    /// The image to draw now, if any; to be called after every frame. `cell` is a character in pixels. Images are large: a new
    /// one comes once a second at most, and the later the larger the last one was, unless the user chose to see something else.
    pub fn next_request(&mut self, app: &mut App, cell: Size, now: Instant) -> Option<ImageRequest> {
        let protocol = app.image_protocol?;
        // When it is uncovered, or the image comes, it is looked again.
        if self.is_drawing || image::is_covered(app) {
            return None;
        }
        let Some((content, figure)) = ImageContent::with_figure(app) else {
            (self.requested, self.not_before, app.figure_image) = (None, None, None);
            return None;
        };
        let size = content.size;
        let key = ImageKey { content, cell, state_time: app.last_message_at };
        if self.requested.as_ref() == Some(&key) && app.figure_image.is_some() {
            self.user_chose = false;
            return None;
        }
        if !self.user_chose && self.not_before.is_some_and(|time| now < time) {
            // Looked at again when it is due, so that the last change is never left out.
            app.dirty = true;
            return None;
        }
        let (width, mut height) =
            (u32::from(size.width) * u32::from(cell.width), u32::from(size.height) * u32::from(cell.height));
        // foot and tmux draw the last band of sixels whole, over the row below.
        if protocol == ImageProtocol::Sixel && height > SIXEL_BAND_HEIGHT {
            height -= height % SIXEL_BAND_HEIGHT;
        }
        let page = ScreenPage { width, height, line_height: cell.height.into(), theme: figure_theme(&app.theme) };
        (self.is_drawing, self.user_chose) = (true, false);
        self.requested = Some(key.clone());
        Some(ImageRequest {
            key,
            figure,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn a_panic_while_drawing_is_an_answer() {
        let error = catch_panic::<()>(|| panic!("no such cell")).expect_err("an error");
        assert!(error.to_string().contains("choose another view"), "{error}");
    }

    #[test]
    fn a_figure_of_a_diverged_run_equals_itself() {
        let app = crate::test_app::TestApp::with_run_state(80, 24, fixture::fitting_run()).app;
        let Figure::Losses { mut look, .. } = app.curves_figure() else { panic!("no curves") };
        look.range.1 = f64::NAN;
        let figure = Figure::Losses { look, others: Vec::new() };
        assert_ne!(figure, figure.clone(), "a number that is not finite");
        assert_eq!(describe_figure(&figure), describe_figure(&figure.clone()));
    }
}
