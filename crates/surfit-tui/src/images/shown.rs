//! The picture that the terminal shows: put there, renewed, and taken away again.

use super::encode::MOST;
use super::{ImageProtocol, remove, show};
use crate::app::App;
use crate::canvas::ScreenCanvas;
use crate::views::{image, screen};
use ratatui::layout::Size;
use std::io::{self, Write};
use std::time::{Duration, Instant};

/// Least time between two pictures at one place that nobody asked for, and the most that a large one keeps the next waiting.
const LEAST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(6);
/// Bytes a second that such pictures may send; what is drawn beside them has a budget of its own.
const BUDGET: f64 = 9_000.0;

/// What is known of the picture in the terminal.
#[derive(Default)]
pub struct ShownPicture {
    now: Option<KnownPicture>,
}

struct KnownPicture {
    pictures: Vec<image::WantedPicture>,
    choice: image::PictureChoice,
    protocol: ImageProtocol,
    since: Instant,
    /// How long it stays whatever happens to what it shows.
    rest: Duration,
    /// How often the whole screen had been cleared by then.
    cleared: usize,
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
        let Some(protocol) = app.images else {
            return Ok(());
        };
        // A cleared screen has no picture any more.
        self.now.take_if(|k| k.cleared != canvas.cleared());
        let places = image::places(app);
        let choice = image::choice(app);
        if let Some(known) = &self.now {
            let there = known.pictures.iter().map(|p| p.area).eq(places);
            let same = choice.as_ref() == Some(&known.choice);
            if there && same && now.duration_since(known.since) < known.rest {
                // Looked at again when it is due, so that the last change is never left out.
                app.dirty = true;
                return Ok(());
            }
            if !there {
                self.take_away(canvas)?;
                if remove(protocol).is_none() {
                    canvas.forget();
                    canvas.draw(app.size, |buf| screen::render(app, buf))?;
                }
            }
        }
        let pictures = image::wanted(app, cell);
        if let Some(choice) = choice.filter(|_| !pictures.is_empty()) {
            let before = self.now.take().map(|k| k.pictures).unwrap_or_default();
            let mut bytes = 0;
            for (n, picture) in pictures.iter().enumerate().take(MOST) {
                if before.get(n) != Some(picture) {
                    let sent = show(protocol, &picture.raster, picture.area, cell, n);
                    bytes += sent.len();
                    canvas.raw(&sent)?;
                }
            }
            let rest = Duration::from_secs_f64(bytes as f64 / BUDGET);
            self.now = Some(KnownPicture {
                pictures,
                choice,
                protocol,
                since: now,
                rest: rest.clamp(LEAST, LONGEST),
                cleared: canvas.cleared(),
            });
        }
        Ok(())
    }

    /// Takes the picture away where the terminal keeps it by number; elsewhere it goes with the characters that are drawn over
    /// it, or with the screen. To be called before the terminal is given back, too.
    ///
    /// # Errors
    /// When the terminal cannot be written.
    pub fn take_away<W: Write>(&mut self, canvas: &mut ScreenCanvas<W>) -> io::Result<()> {
        match self.now.take().and_then(|k| remove(k.protocol)) {
            Some(bytes) => canvas.raw(&bytes),
            None => Ok(()),
        }
    }
}
