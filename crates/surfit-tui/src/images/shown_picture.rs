//! The picture that the terminal shows: put there, renewed, and taken away again.

use super::encode::MAX_IMAGES;
use super::{ImageProtocol, encode_image, encode_removal};
use crate::app::App;
use crate::canvas::ScreenCanvas;
use crate::views::{image, screen};
use ratatui::layout::Size;
use std::io::{self, Write};
use std::time::{Duration, Instant};

/// Least time between two unrequested pictures at one place, and the most that a large one keeps the next waiting.
const MIN_REDRAW_INTERVAL: Duration = Duration::from_secs(1);
const MAX_REDRAW_INTERVAL: Duration = Duration::from_secs(6);
/// Bytes a second that such pictures may send; other drawing has its own budget.
const MAX_BYTES_PER_SECOND: f64 = 9_000.0;

/// What is known of the picture in the terminal.
#[derive(Default)]
pub struct ShownPicture {
    current: Option<KnownPicture>,
}

struct KnownPicture {
    images: Vec<image::WantedPicture>,
    choice: image::PictureChoice,
    protocol: ImageProtocol,
    shown_at: Instant,
    /// How long it stays whatever happens to what it shows.
    min_display_time: Duration,
    /// How often the whole screen had been cleared by then.
    clear_count: usize,
}

impl ShownPicture {
    /// Shows the picture that is wanted, or takes away the one that no longer is; to be called after every frame. Pictures are
    /// large: a new one comes once a second at most, and the later the larger the last one was, unless the old one lies elsewhere
    /// or the user chose to see something else. `cell` is a character in pixels.
    ///
    /// # Errors
    /// When the terminal cannot be written.
    pub fn update<W: Write>(
        &mut self,
        app: &mut App,
        canvas: &mut ScreenCanvas<W>,
        cell: Size,
        now: Instant,
    ) -> io::Result<()> {
        let Some(protocol) = app.image_protocol else {
            return Ok(());
        };
        // A cleared screen has no picture any more.
        self.current.take_if(|k| k.clear_count != canvas.clear_count());
        let places = image::image_areas(app);
        let choice = image::current_choice(app);
        if let Some(known) = &self.current {
            let there = known.images.iter().map(|p| p.area).eq(places);
            let same = choice.as_ref() == Some(&known.choice);
            if there && same && now.duration_since(known.shown_at) < known.min_display_time {
                // Looked at again when it is due, so that the last change is never left out.
                app.dirty = true;
                return Ok(());
            }
            if !there {
                self.remove_image(canvas)?;
                if encode_removal(protocol).is_none() {
                    canvas.invalidate();
                    canvas.draw_frame(app.size, |buf| screen::render(app, buf))?;
                }
            }
        }
        let pictures = image::requested_images(app, cell);
        if let Some(choice) = choice.filter(|_| !pictures.is_empty()) {
            let before = self.current.take().map(|k| k.images).unwrap_or_default();
            let mut bytes = 0;
            for (n, picture) in pictures.iter().enumerate().take(MAX_IMAGES) {
                if before.get(n) != Some(picture) {
                    let sent = encode_image(protocol, &picture.raster, picture.area, cell, n);
                    bytes += sent.len();
                    canvas.write_raw(&sent)?;
                }
            }
            let rest = Duration::from_secs_f64(bytes as f64 / MAX_BYTES_PER_SECOND);
            self.current = Some(KnownPicture {
                images: pictures,
                choice,
                protocol,
                shown_at: now,
                min_display_time: rest.clamp(MIN_REDRAW_INTERVAL, MAX_REDRAW_INTERVAL),
                clear_count: canvas.clear_count(),
            });
        }
        Ok(())
    }

    /// Takes the picture away where the terminal keeps it by number; elsewhere it goes with the characters that are drawn over
    /// it, or with the screen. To be called before the terminal is given back, too.
    ///
    /// # Errors
    /// When the terminal cannot be written.
    pub fn remove_image<W: Write>(&mut self, canvas: &mut ScreenCanvas<W>) -> io::Result<()> {
        match self.current.take().and_then(|k| encode_removal(k.protocol)) {
            Some(bytes) => canvas.write_raw(&bytes),
            None => Ok(()),
        }
    }
}
