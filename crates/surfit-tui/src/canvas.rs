//! Drawing: only what changed, in one write, inside a synchronized update.

use crossterm::queue;
use crossterm::terminal::{BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate};
use ratatui::backend::{Backend, CrosstermBackend};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect, Size};
use std::cell::Cell;
use std::io::{self, Write};
use std::rc::Rc;

/// Collects a frame and writes it at once when flushed, so that no half of it is ever seen.
#[derive(Debug)]
pub struct OneWrite<W> {
    frame: Vec<u8>,
    /// Bytes of the last flush, for whoever holds the other end.
    flushed_bytes: Rc<Cell<usize>>,
    out: W,
}

impl<W: Write> OneWrite<W> {
    pub fn new(out: W) -> Self {
        Self { frame: Vec::with_capacity(1 << 16), flushed_bytes: Rc::default(), out }
    }
}

impl<W: Write> Write for OneWrite<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.frame.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.flushed_bytes.set(self.frame.len());
        let written = self.out.write_all(&self.frame);
        self.frame.clear();
        written?;
        self.out.flush()
    }
}

/// What the terminal shows, and the way there. Unlike ratatui's own terminal it writes nothing at all for a frame that
/// changes nothing.
pub struct ScreenCanvas<W: Write> {
    backend: CrosstermBackend<OneWrite<W>>,
    flushed_bytes: Rc<Cell<usize>>,
    last_frame: Option<Buffer>,
}

impl<W: Write> ScreenCanvas<W> {
    /// A canvas whose terminal has unknown content.
    pub fn new(out: W) -> Self {
        let out = OneWrite::new(out);
        Self { flushed_bytes: out.flushed_bytes.clone(), backend: CrosstermBackend::new(out), last_frame: None }
    }

    /// Forgets what the terminal shows: the next frame is drawn whole.
    pub fn invalidate(&mut self) {
        self.last_frame = None;
    }

    /// Draws a frame of that size; gives the bytes that were written, 0 when nothing had changed.
    ///
    /// # Errors
    /// When the terminal cannot be written.
    pub fn draw_frame(&mut self, size: Size, render: impl FnOnce(&mut Buffer)) -> io::Result<usize> {
        let area = Rect::from((Position::ORIGIN, size));
        let mut next = Buffer::empty(area);
        render(&mut next);
        let known = self.last_frame.take().filter(|b| b.area == area);
        let whole = known.is_none();
        let before = known.unwrap_or_else(|| Buffer::empty(area));
        let changes = before.diff(&next);
        if whole || !changes.is_empty() {
            queue!(self.backend, BeginSynchronizedUpdate)?;
            if whole {
                queue!(self.backend, Clear(ClearType::All))?;
            }
            self.backend.draw(changes.into_iter())?;
            queue!(self.backend, EndSynchronizedUpdate)?;
            Backend::flush(&mut self.backend)?;
            self.last_frame = Some(next);
            return Ok(self.flushed_bytes.get());
        }
        self.last_frame = Some(next);
        Ok(0)
    }

    /// Writes a terminal command outside the frames.
    ///
    /// # Errors
    /// When the terminal cannot be written.
    pub fn write_command(&mut self, command: impl crossterm::Command) -> io::Result<()> {
        queue!(self.backend, command)?;
        Backend::flush(&mut self.backend)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::color::ColorDepth;
    use crate::fixture;
    use crate::test_app::TestApp;
    use std::cell::RefCell;

    #[derive(Clone, Default)]
    struct OutputTape(Rc<RefCell<Vec<Vec<u8>>>>);

    impl Write for OutputTape {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.borrow_mut().push(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn emulator(rows: u16, columns: u16) -> vt100::Parser {
        vt100::Parser::new(rows.try_into().unwrap(), columns.try_into().unwrap(), 0)
    }

    fn draw_app(canvas: &mut ScreenCanvas<OutputTape>, rig: &TestApp) -> bool {
        canvas
            .draw_frame(rig.app.size, |buf| crate::views::screen::render(&rig.app, buf))
            .map(|bytes| bytes > 0)
            .unwrap()
    }

    #[test]
    fn a_frame_is_one_synchronized_write_and_nothing_without_change() {
        crossterm::style::force_color_output(true);
        let tape = OutputTape::default();
        let mut canvas = ScreenCanvas::new(tape.clone());
        let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
        assert!(draw_app(&mut canvas, &rig));
        assert!(!draw_app(&mut canvas, &rig));
        assert_eq!(tape.0.borrow().len(), 1);
        let first = tape.0.borrow()[0].clone();
        assert!(first.starts_with(b"\x1b[?2026h") && first.ends_with(b"\x1b[?2026l"));
        rig.press("right");
        assert!(draw_app(&mut canvas, &rig));
        let second = tape.0.borrow()[1].len();
        assert!(second < first.len() / 8, "{second} of {}", first.len());

        let mut screen = emulator(44, 140);
        tape.0.borrow().iter().for_each(|bytes| screen.process(bytes));
        let seen: Vec<String> = screen.screen().rows(0, 140).map(|r| r.trim_end().into()).collect();
        let text = rig.screen_text();
        assert_eq!(seen, text.lines().collect::<Vec<_>>());
    }

    #[test]
    fn a_change_of_size_draws_the_whole_again() {
        crossterm::style::force_color_output(true);
        let tape = OutputTape::default();
        let mut canvas = ScreenCanvas::new(tape.clone());
        let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
        draw_app(&mut canvas, &rig);
        rig.update(crate::app::AppMessage::Resize(Size::new(100, 30)));
        draw_app(&mut canvas, &rig);
        let mut screen = emulator(30, 100);
        screen.process(&tape.0.borrow()[1]);
        let seen: Vec<String> = screen.screen().rows(0, 100).map(|r| r.trim_end().into()).collect();
        assert_eq!(seen, rig.screen_text().lines().collect::<Vec<_>>());
    }

    #[test]
    fn no_colour_reaches_a_terminal_without_colours() {
        crossterm::style::force_color_output(true);
        let tape = OutputTape::default();
        let mut canvas = ScreenCanvas::new(tape.clone());
        let rig = TestApp::with_run_state(140, 44, fixture::fitting_run()).with_theme("dark", ColorDepth::None, false);
        draw_app(&mut canvas, &rig);
        let bytes = tape.0.borrow().concat();
        let text = String::from_utf8(bytes).unwrap();
        for part in text.split("\x1b[").skip(1).filter_map(|p| p.split_once('m')).map(|p| p.0) {
            // 39, 49 and 59 are the terminal's own colours; every other number from 30 on is a colour.
            let coloured =
                part.split(';').filter_map(|n| n.parse::<u8>().ok()).any(|n| n >= 30 && ![39, 49, 59].contains(&n));
            let style = part.chars().all(|c| c.is_ascii_digit() || c == ';');
            assert!(!(style && coloured), "{part}");
        }
    }

    #[test]
    fn a_fit_drawn_as_often_as_allowed_stays_below_25_kilobytes_a_second() {
        crossterm::style::force_color_output(true);
        let tape = OutputTape::default();
        let mut canvas = ScreenCanvas::new(tape.clone());
        let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
        draw_app(&mut canvas, &rig);
        let before = tape.0.borrow().concat().len();
        let seconds = 5;
        for frame in 0..10 * seconds {
            rig.tick(0.1 * f64::from(frame));
            fixture::advance_fit(&mut rig.app.run_state, 8);
            let snapshot = rig.app.run_state.snapshot.clone().unwrap();
            rig.app.run_state.snapshot.as_mut().unwrap().done -= 1;
            rig.receive(surfit_core::protocol::ServerMessage::Snapshot(Box::new(snapshot)));
            draw_app(&mut canvas, &rig);
        }
        let rate = (tape.0.borrow().concat().len() - before) / seconds as usize;
        assert!(rate <= 25_000, "{rate} bytes a second");
    }
}
