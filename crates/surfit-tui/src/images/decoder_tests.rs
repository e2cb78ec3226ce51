//! What a terminal makes of the bytes: pictures are decoded again and compared with the pixels that were meant, and it is
//! followed what of them can be seen.

mod terminal;

use super::{ImageProtocol, Raster, ShownPicture, encode_image};
use crate::action::Action;
use crate::canvas::ScreenCanvas;
use crate::fixture;
use crate::test_app::TestApp;
use crate::views::{image, screen};
use ratatui::layout::{Rect, Size};
use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;
use std::time::{Duration, Instant};
use terminal::DecodingTerminal;

const ALL: [ImageProtocol; 3] = [ImageProtocol::Kitty, ImageProtocol::Sixel, ImageProtocol::Iterm2];
const CELL: Size = Size::new(8, 16);

#[derive(Clone, Default)]
struct ImageTape(Rc<RefCell<Vec<u8>>>);

impl Write for ImageTape {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A workbench before a terminal of its own.
struct ImageStage {
    test_app: TestApp,
    canvas: ScreenCanvas<ImageTape>,
    tape: ImageTape,
    shown_picture: ShownPicture,
    terminal: DecodingTerminal,
    cell: Size,
    /// How many were sent for the last frame.
    bytes: usize,
    now: Instant,
}

impl ImageStage {
    fn new(protocol: ImageProtocol) -> Self {
        Self::with_cell_size(protocol, CELL)
    }

    fn with_cell_size(protocol: ImageProtocol, cell: Size) -> Self {
        let mut rig = TestApp::with_run_state(100, 30, fixture::fitting_run());
        rig.app.image_protocol = Some(protocol);
        let tape = ImageTape::default();
        let mut stage = Self {
            test_app: rig,
            canvas: ScreenCanvas::new(tape.clone()),
            tape,
            shown_picture: ShownPicture::default(),
            terminal: DecodingTerminal::new(cell),
            cell,
            bytes: 0,
            now: Instant::now(),
        };
        stage.frame(0);
        stage
    }

    /// A frame after some seconds, as the loop draws it; gives how many pictures were sent for it.
    fn frame(&mut self, seconds: u64) -> usize {
        self.now += Duration::from_secs(seconds);
        let app = &mut self.test_app.app;
        self.canvas.draw_frame(app.size, |buf| screen::render(app, buf)).unwrap();
        self.shown_picture.update(app, &mut self.canvas, self.cell, self.now).unwrap();
        self.decode_output()
    }

    fn decode_output(&mut self) -> usize {
        let before = self.terminal.images_received;
        let bytes = std::mem::take(&mut *self.tape.0.borrow_mut());
        self.bytes = bytes.len();
        self.terminal.process_output(&bytes);
        self.terminal.images_received - before
    }

    /// The picture lies where it should, whole, with the pixels that were meant.
    fn assert_image_visible(&self) {
        let wanted = image::requested_images(&self.test_app.app, self.cell);
        let seen = self.terminal.visible_images();
        assert!(!wanted.is_empty(), "a picture is wanted");
        assert_eq!(seen.len(), wanted.len(), "pictures that are seen");
        for wanted in wanted {
            let same = |s: &&(Rect, Raster)| s.0 == wanted.area;
            let (_, raster) = seen.iter().find(same).expect("all of its room and no more");
            // Who counts in pixels gets as many as the room has.
            let size = (wanted.raster.width, wanted.raster.height);
            assert_pixels_match(&raster.scaled(size), &wanted.raster);
        }
        assert!(self.terminal.is_unobstructed(), "something lies over it");
    }

    fn assert_no_image(&self) {
        assert!(self.terminal.visible_images().is_empty(), "the picture is still there");
    }
}

/// Sixels have colours in hundredths and of 256 registers; the others are exact.
fn assert_pixels_match(got: &Raster, want: &Raster) {
    assert_eq!((got.width, got.height), (want.width, want.height));
    let far = |a: (u8, u8, u8), b: (u8, u8, u8)| {
        let one = |a: u8, b: u8| a.abs_diff(b);
        one(a.0, b.0).max(one(a.1, b.1)).max(one(a.2, b.2))
    };
    let pairs = got.pixels.iter().zip(&want.pixels);
    let worst = pairs.map(|(a, b)| far(*a, *b)).max().unwrap_or(0);
    assert!(worst <= 24, "a colour is off by {worst}");
}

#[test]
fn every_way_gives_the_pixels_back() {
    let area = Rect::new(4, 2, 20, 10);
    let pixels = (0..160 * 100).map(|n| {
        let (x, y) = (n % 160, n / 160);
        ((x / 10 * 16) as u8, (y / 10 * 24) as u8, (x / 40 * 60) as u8)
    });
    let raster = Raster { width: 160, height: 100, pixels: pixels.collect() };
    for protocol in ALL {
        let cell = Size::new(8, 10);
        let mut terminal = DecodingTerminal::new(cell);
        terminal.process_output(encode_image(protocol, &raster, area, cell, 0).as_bytes());
        let (place, got) = terminal.visible_images().remove(0);
        assert_eq!(place, area);
        match protocol {
            ImageProtocol::Sixel => assert_pixels_match(&got, &raster),
            _ => assert_eq!(got, raster, "{protocol:?}"),
        }
    }
}

#[test]
fn the_picture_fills_its_room_also_where_characters_are_large() {
    for protocol in ALL {
        let mut stage = ImageStage::with_cell_size(protocol, Size::new(20, 40));
        stage.test_app.app.perform_action(Action::Image);
        assert_eq!(stage.frame(0), 1);
        stage.assert_image_visible();
    }
}

#[test]
fn a_changed_cell_is_drawn_anew_when_it_is_due_and_nothing_else_is_sent() {
    for protocol in ALL {
        let mut stage = ImageStage::new(protocol);
        stage.assert_no_image();
        stage.test_app.app.perform_action(Action::Image);
        assert_eq!(stage.frame(1), 1);
        stage.assert_image_visible();
        assert_eq!(stage.frame(5), 0, "nothing has changed");
        let index = {
            let map = &mut stage.test_app.app.run_state.snapshot.as_mut().unwrap().heatmap;
            let index = map.surface_cells().find(|&i| map.cells[i].images > 0).unwrap();
            let cell = &mut map.cells[index];
            *cell = surfit_core::heatmap::Cell::from_counts(cell.correct() / 2, cell.images, 0.5, cell.version);
            index
        };
        assert_eq!(stage.frame(0), 0, "pictures are large: not yet");
        assert!(stage.test_app.app.dirty, "but it is looked at again");
        assert_eq!(stage.frame(6), 1, "{protocol:?}: cell {index}");
        stage.assert_image_visible();
        // What the user chooses is shown at once.
        stage.test_app.press("M");
        assert_eq!(stage.frame(0), 1);
        stage.assert_image_visible();
    }
}

#[test]
fn curves_are_drawn_once_a_second_while_they_grow_in_few_bytes_and_slices_are_two() {
    for protocol in ALL {
        let mut stage = ImageStage::new(protocol);
        stage.test_app.press("1 g f");
        assert_eq!(stage.frame(0), 1);
        stage.assert_image_visible();
        let (mut pictures, mut bytes) = (0, 0);
        for _ in 0..60 {
            stage.now += Duration::from_millis(200);
            fixture::advance_fit(&mut stage.test_app.app.run_state, 2);
            pictures += stage.frame(0);
            bytes += stage.bytes;
        }
        assert!((2..=14).contains(&pictures), "{protocol:?}: {pictures} in 12 seconds");
        let rate = bytes / 12;
        assert!(rate < 25_000, "{protocol:?}: {rate} bytes a second");
        stage.frame(7);
        stage.assert_image_visible();
        stage.test_app.press("tab tab");
        assert_eq!(stage.frame(0), 2, "{protocol:?}: both slices");
        stage.assert_image_visible();
        stage.test_app.press("esc");
        stage.frame(0);
        stage.assert_no_image();
    }
}

#[test]
fn it_goes_with_its_view_under_whatever_lies_over_it_and_with_the_program() {
    for protocol in ALL {
        let mut stage = ImageStage::new(protocol);
        stage.test_app.app.perform_action(Action::Image);
        stage.frame(0);
        stage.assert_image_visible();
        // A question, and a list that is opened from it.
        for key in ["q", "W"] {
            stage.test_app.press(key);
            stage.frame(0);
            stage.assert_no_image();
            stage.test_app.press("esc");
            if stage.test_app.app.overlay.is_none() {
                stage.test_app.app.perform_action(Action::Image);
            }
            assert_eq!(stage.frame(0), 1, "{protocol:?}: back after {key}");
            stage.assert_image_visible();
        }
        // Another size: it lies elsewhere, or the screen was cleared under it.
        for (width, height) in [(120, 40), (121, 40), (80, 24)] {
            let size = Size::new(width, height);
            stage.test_app.update(crate::app::AppMessage::Resize(size));
            assert_eq!(stage.frame(0), 1, "{protocol:?} at {width}×{height}");
            stage.assert_image_visible();
        }
        stage.test_app.press("esc");
        stage.frame(0);
        stage.assert_no_image();
        stage.test_app.app.perform_action(Action::Image);
        stage.frame(0);
        stage.assert_image_visible();
        stage.shown_picture.remove_image(&mut stage.canvas).unwrap();
        stage.decode_output();
        if protocol == ImageProtocol::Kitty {
            // The others' pixels go with the alternate screen.
            stage.assert_no_image();
        }
    }
}
