//! The picture that the terminal shows: put there, renewed, and taken away again.

use super::{Protocol, remove, show};
use crate::app::App;
use crate::canvas::Canvas;
use crate::views::{image, screen};
use ratatui::layout::Size;
use std::io::{self, Write};
use std::time::{Duration, Instant};

/// Least time between two pictures at one place: they are large.
const LEAST: Duration = Duration::from_secs(3);
/// Most pixels a side of a picture.
const SIDE: usize = 720;

/// What is known of the picture in the terminal.
#[derive(Default)]
pub struct Shown {
    now: Option<Known>,
}

struct Known {
    picture: image::Wanted,
    protocol: Protocol,
    since: Instant,
    /// How often the whole screen had been cleared by then.
    cleared: usize,
}

impl Shown {
    /// Shows the picture that is wanted, or takes away the one that no longer is; to be called after every frame. Pictures are
    /// large: a new one comes every few seconds at most, unless the old one lies elsewhere. `cell` is a character in pixels.
    ///
    /// # Errors
    /// When the terminal cannot be written.
    pub fn update<W: Write>(
        &mut self,
        app: &mut App,
        canvas: &mut Canvas<W>,
        cell: Size,
        now: Instant,
    ) -> io::Result<()> {
        let Some(protocol) = app.images else {
            return Ok(());
        };
        // A cleared screen has no picture any more.
        self.now.take_if(|k| k.cleared != canvas.cleared());
        let place = image::place(app, cell);
        if let Some(known) = &self.now {
            let there = place == Some(known.picture.area);
            let same = image::choice(app).as_ref() == Some(&known.picture.choice);
            if there && same && now.duration_since(known.since) < LEAST {
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
        if let Some(picture) = image::wanted(app, cell, SIDE) {
            if self.now.as_ref().is_none_or(|k| k.picture != picture) {
                canvas.raw(&show(protocol, &picture.raster, picture.area, cell))?;
            }
            self.now = Some(Known {
                picture,
                protocol,
                since: now,
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
    pub fn take_away<W: Write>(&mut self, canvas: &mut Canvas<W>) -> io::Result<()> {
        match self.now.take().and_then(|k| remove(k.protocol)) {
            Some(bytes) => canvas.raw(&bytes),
            None => Ok(()),
        }
    }
}
