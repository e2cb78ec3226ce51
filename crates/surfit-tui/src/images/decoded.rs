//! What a terminal makes of the bytes: pictures are decoded again and compared with the pixels that were meant, and it is
//! followed what of them can be seen.

mod terminal;

use super::{ImageProtocol, Raster, ShownPicture, show};
use crate::action::Action;
use crate::canvas::ScreenCanvas;
use crate::fixture;
use crate::rig::TestApp;
use crate::views::{image, screen};
use ratatui::layout::{Rect, Size};
use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;
use std::time::{Duration, Instant};
use terminal::DecodingTerminal;

const ALL: [ImageProtocol; 3] = [
    ImageProtocol::Kitty,
    ImageProtocol::Sixel,
    ImageProtocol::Iterm2,
];
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
    rig: TestApp,
    canvas: ScreenCanvas<ImageTape>,
    tape: ImageTape,
    shown: ShownPicture,
    terminal: DecodingTerminal,
    cell: Size,
    /// How many were sent for the last frame.
    bytes: usize,
    now: Instant,
}

impl ImageStage {
    fn new(protocol: ImageProtocol) -> Self {
        Self::with(protocol, CELL)
    }

    fn with(protocol: ImageProtocol, cell: Size) -> Self {
        let mut rig = TestApp::with(100, 30, fixture::fitting());
        rig.app.images = Some(protocol);
        let tape = ImageTape::default();
        let mut stage = Self {
            rig,
            canvas: ScreenCanvas::new(tape.clone()),
            tape,
            shown: ShownPicture::default(),
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
        let app = &mut self.rig.app;
        self.canvas
            .draw(app.size, |buf| screen::render(app, buf))
            .unwrap();
        self.shown
            .update(app, &mut self.canvas, self.cell, self.now)
            .unwrap();
        self.read()
    }

    fn read(&mut self) -> usize {
        let before = self.terminal.pictures;
        let bytes = std::mem::take(&mut *self.tape.0.borrow_mut());
        self.bytes = bytes.len();
        self.terminal.take(&bytes);
        self.terminal.pictures - before
    }

    /// The picture lies where it should, whole, with the pixels that were meant.
    fn assert_seen(&self) {
        let wanted = image::wanted(&self.rig.app, self.cell);
        let seen = self.terminal.seen();
        assert!(!wanted.is_empty(), "a picture is wanted");
        assert_eq!(seen.len(), wanted.len(), "pictures that are seen");
        for wanted in wanted {
            let same = |s: &&(Rect, Raster)| s.0 == wanted.area;
            let (_, raster) = seen.iter().find(same).expect("all of its room and no more");
            // Who counts in pixels gets as many as the room has.
            let size = (wanted.raster.width, wanted.raster.height);
            assert_alike(&raster.scaled(size), &wanted.raster);
        }
        assert!(self.terminal.whole(), "something lies over it");
    }

    fn assert_gone(&self) {
        assert!(
            self.terminal.seen().is_empty(),
            "the picture is still there"
        );
    }
}

/// Sixels have colours in hundredths and of 256 registers; the others are exact.
fn assert_alike(got: &Raster, want: &Raster) {
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
        (
            (x / 10 * 16) as u8,
            (y / 10 * 24) as u8,
            (x / 40 * 60) as u8,
        )
    });
    let raster = Raster {
        width: 160,
        height: 100,
        pixels: pixels.collect(),
    };
    for protocol in ALL {
        let cell = Size::new(8, 10);
        let mut terminal = DecodingTerminal::new(cell);
        terminal.take(show(protocol, &raster, area, cell, 0).as_bytes());
        let (place, got) = terminal.seen().remove(0);
        assert_eq!(place, area);
        match protocol {
            ImageProtocol::Sixel => assert_alike(&got, &raster),
            _ => assert_eq!(got, raster, "{protocol:?}"),
        }
    }
}

#[test]
fn the_picture_fills_its_room_also_where_characters_are_large() {
    for protocol in ALL {
        let mut stage = ImageStage::with(protocol, Size::new(20, 40));
        stage.rig.app.act(Action::Picture);
        assert_eq!(stage.frame(0), 1);
        stage.assert_seen();
    }
}

#[test]
fn a_changed_cell_is_drawn_anew_when_it_is_due_and_nothing_else_is_sent() {
    for protocol in ALL {
        let mut stage = ImageStage::new(protocol);
        stage.assert_gone();
        stage.rig.app.act(Action::Picture);
        assert_eq!(stage.frame(1), 1);
        stage.assert_seen();
        assert_eq!(stage.frame(5), 0, "nothing has changed");
        let index = {
            let map = &mut stage.rig.app.picture.snapshot.as_mut().unwrap().heatmap;
            let index = map.inside().find(|&i| map.cells[i].images > 0).unwrap();
            map.cells[index].correct /= 2;
            index
        };
        assert_eq!(stage.frame(0), 0, "pictures are large: not yet");
        assert!(stage.rig.app.dirty, "but it is looked at again");
        assert_eq!(stage.frame(6), 1, "{protocol:?}: cell {index}");
        stage.assert_seen();
        // What the user chooses is shown at once.
        stage.rig.press("M");
        assert_eq!(stage.frame(0), 1);
        stage.assert_seen();
    }
}

#[test]
fn curves_are_drawn_once_a_second_while_they_grow_in_few_bytes_and_slices_are_two() {
    for protocol in ALL {
        let mut stage = ImageStage::new(protocol);
        stage.rig.press("1 g f");
        assert_eq!(stage.frame(0), 1);
        stage.assert_seen();
        let (mut pictures, mut bytes) = (0, 0);
        for _ in 0..60 {
            stage.now += Duration::from_millis(200);
            fixture::go_on(&mut stage.rig.app.picture, 2);
            pictures += stage.frame(0);
            bytes += stage.bytes;
        }
        assert!(
            (2..=14).contains(&pictures),
            "{protocol:?}: {pictures} in 12 seconds"
        );
        let rate = bytes / 12;
        assert!(rate < 25_000, "{protocol:?}: {rate} bytes a second");
        stage.frame(7);
        stage.assert_seen();
        stage.rig.press("tab tab");
        assert_eq!(stage.frame(0), 2, "{protocol:?}: both slices");
        stage.assert_seen();
        stage.rig.press("esc");
        stage.frame(0);
        stage.assert_gone();
    }
}

#[test]
fn it_goes_with_its_view_under_whatever_lies_over_it_and_with_the_program() {
    for protocol in ALL {
        let mut stage = ImageStage::new(protocol);
        stage.rig.app.act(Action::Picture);
        stage.frame(0);
        stage.assert_seen();
        // A question, and a list that is opened from it.
        for key in ["q", "W"] {
            stage.rig.press(key);
            stage.frame(0);
            stage.assert_gone();
            stage.rig.press("esc");
            if stage.rig.app.overlay.is_none() {
                stage.rig.app.act(Action::Picture);
            }
            assert_eq!(stage.frame(0), 1, "{protocol:?}: back after {key}");
            stage.assert_seen();
        }
        // Another size: it lies elsewhere, or the screen was cleared under it.
        for (width, height) in [(120, 40), (121, 40), (80, 24)] {
            let size = Size::new(width, height);
            stage.rig.tell(crate::app::AppMessage::Resize(size));
            assert_eq!(stage.frame(0), 1, "{protocol:?} at {width}×{height}");
            stage.assert_seen();
        }
        stage.rig.press("esc");
        stage.frame(0);
        stage.assert_gone();
        stage.rig.app.act(Action::Picture);
        stage.frame(0);
        stage.assert_seen();
        stage.shown.take_away(&mut stage.canvas).unwrap();
        stage.read();
        if protocol == ImageProtocol::Kitty {
            // The others' pixels go with the alternate screen.
            stage.assert_gone();
        }
    }
}
