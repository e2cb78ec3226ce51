//! What a terminal makes of the bytes: images are decoded again and compared with the pixels that were meant, and it is followed
//! what of them can be seen.

mod terminal;

use crate::app::AppMessage;
use crate::canvas::ScreenCanvas;
use crate::color::{ColorDepth, palette_256};
use crate::fixture;
use crate::images::{
    EncodedImage, FigureImages, ImageContent, ImageProtocol, MAX_IMAGE_ROWS, encode_removal, figure_theme,
};
use crate::test_app::TestApp;
use crate::theme::{Theme, ThemeRole};
use crate::views::{image, popup, screen};
use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};
use ratatui::style::Color;
use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;
use std::time::{Duration, Instant};
use surfit_report::PixelImage;
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
    figure_images: FigureImages,
    terminal: DecodingTerminal,
    cell: Size,
    /// How many were sent for the last frames.
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
            figure_images: FigureImages::default(),
            terminal: DecodingTerminal::new(cell),
            cell,
            bytes: 0,
            now: Instant::now(),
        };
        stage.frame(0);
        stage
    }

    /// Presses keys, as the loop takes them.
    fn press(&mut self, keys: &str) {
        for key in keys.split_whitespace() {
            let before = ImageContent::of(&self.test_app.app);
            self.test_app.press(key);
            self.figure_images.on_user_message(before, &self.test_app.app);
        }
    }

    fn resize(&mut self, size: Size) {
        let before = ImageContent::of(&self.test_app.app);
        self.test_app.update(AppMessage::Resize(size));
        self.figure_images.on_user_message(before, &self.test_app.app);
    }

    /// Frames after some seconds, as the loop draws them; gives how many images were sent.
    fn frame(&mut self, seconds: u64) -> usize {
        self.now += Duration::from_secs(seconds);
        self.draw_frame();
        if let Some(removal) = self.figure_images.removal(&self.test_app.app) {
            self.canvas.write_command(crossterm::style::Print(removal)).unwrap();
        }
        let app = &mut self.test_app.app;
        if let Some(request) = self.figure_images.next_request(app, self.cell, self.now) {
            assert!(self.figure_images.next_request(app, self.cell, self.now).is_none(), "one at a time");
            let image = request.draw();
            self.figure_images.on_image(app, &image, self.now);
            if let Err(why) = &image {
                panic!("{why}");
            }
            self.test_app.update(AppMessage::Image(image));
            self.draw_frame();
            assert_eq!(self.figure_images.removal(&self.test_app.app), None);
        }
        let before = self.terminal.images_received;
        let bytes = std::mem::take(&mut *self.tape.0.borrow_mut());
        self.bytes = bytes.len();
        self.terminal.process_output(&bytes);
        self.terminal.images_received - before
    }

    fn draw_frame(&mut self) {
        let app = &self.test_app.app;
        self.canvas.draw_frame(app.size, |buf| screen::render(app, buf)).unwrap();
    }

    /// The state changes as with a message of the engine.
    fn advance_fit(&mut self, steps: u64) {
        fixture::advance_fit(&mut self.test_app.app.run_state, steps);
        let app = &mut self.test_app.app;
        app.last_message_at = Some(app.last_message_at.unwrap_or(0.0) + 0.1);
    }

    /// The image fills its overlay, whole, with the pixels that were meant.
    fn assert_image_visible(&self) {
        let app = &self.test_app.app;
        let (area, seen) = self.terminal.visible_image().expect("an image");
        assert_eq!(area, popup::inner(app.overlay_area()));
        assert!(self.terminal.is_unobstructed(), "something lies over it");
        let meant = app.figure_image.as_ref().unwrap().as_ref().unwrap();
        assert_pixels_match(seen, &meant.pixels, 24);
    }

    fn assert_no_image(&self) {
        assert!(self.terminal.visible_image().is_none(), "the image is still there");
    }
}

/// Palettes have the nearest of 256 colours, and sixels count in hundredths.
#[track_caller]
fn assert_pixels_match(seen: &PixelImage, meant: &PixelImage, most: u8) {
    assert_eq!((seen.width, seen.height), (meant.width, meant.height));
    let far = seen.rgb.iter().zip(&meant.rgb).map(|(a, b)| a.abs_diff(*b));
    let worst = far.clone().filter(|d| *d > most).count();
    // Of letters' edges few colours are nearer.
    assert!(worst * 200 < meant.rgb.len(), "{worst} of {} values are off", meant.rgb.len());
    let mean = far.map(f64::from).sum::<f64>() / meant.rgb.len() as f64;
    assert!(mean < 4.0, "values are off by {mean}");
}

/// What a terminal shows of an image of blocks of colour, and the image.
fn show_blocks(protocol: ImageProtocol, in_tmux: bool) -> (DecodingTerminal, String, PixelImage) {
    let pixels = (0..160 * 100).flat_map(|n| {
        let (x, y) = (n % 160, n / 160);
        [(x / 10 * 16) as u8, (y / 20 * 48) as u8, (x / 40 * 60) as u8]
    });
    let image = PixelImage { width: 160, height: 100, rgb: pixels.collect() };
    let encoded = EncodedImage::new(&image, protocol, BLOCKS_AREA.as_size(), in_tmux).unwrap();
    let tape = ImageTape::default();
    let render = |buf: &mut Buffer| encoded.render(BLOCKS_AREA, buf);
    ScreenCanvas::new(tape.clone()).draw_frame(Size::new(30, 20), render).unwrap();
    let sent = String::from_utf8(tape.0.take()).unwrap();
    (DecodingTerminal::new(Size::new(8, 10)), sent, image)
}

const BLOCKS_AREA: Rect = Rect::new(4, 2, 20, 10);

#[track_caller]
fn assert_blocks_visible(terminal: &DecodingTerminal, image: &PixelImage) {
    assert!(terminal.is_unobstructed());
    let (area, seen) = terminal.visible_image().expect("an image");
    assert_eq!(area, BLOCKS_AREA);
    assert_pixels_match(seen, image, 4);
}

#[test]
fn every_protocol_gives_the_pixels_back() {
    for protocol in ALL {
        let (mut terminal, sent, image) = show_blocks(protocol, false);
        terminal.process_output(sent.as_bytes());
        assert_blocks_visible(&terminal, &image);
        if protocol != ImageProtocol::Sixel {
            assert_eq!(*terminal.visible_image().unwrap().1, image, "{protocol:?}");
        }
    }
}

/// tmux hands wrapped parts on at once, before it has moved the terminal's cursor and drawn anything.
fn pass_through_tmux(sent: &str) -> String {
    let (mut rest, mut handed_on, mut drawn) = (sent, String::new(), String::new());
    while let Some((before, after)) = rest.split_once("\x1bPtmux;") {
        // The end is the escape character that is not doubled.
        let end = after.replace("\x1b\x1b", "\0\0").find("\x1b\\").expect("its end");
        drawn += before;
        handed_on += &after[..end].replace("\x1b\x1b", "\x1b");
        rest = &after[end + 2..];
    }
    handed_on + &drawn + rest
}

#[test]
fn images_in_tmux_are_where_they_belong_and_go_again() {
    // tmux reads sixels itself, and inline images are refused there.
    for protocol in [ImageProtocol::Kitty, ImageProtocol::Sixel] {
        let (mut terminal, sent, image) = show_blocks(protocol, true);
        assert_eq!(sent.contains("\x1bPtmux;"), protocol == ImageProtocol::Kitty);
        terminal.process_output(pass_through_tmux(&sent).as_bytes());
        assert_blocks_visible(&terminal, &image);
        if let Some(removal) = encode_removal(protocol, true) {
            terminal.process_output(pass_through_tmux(&removal).as_bytes());
            assert!(terminal.visible_image().is_none(), "{protocol:?} keeps it");
        }
    }
    assert!(encode_removal(ImageProtocol::Kitty, true).is_some());
}

#[test]
fn the_image_fills_its_room_also_where_characters_are_large() {
    for protocol in ALL {
        let mut stage = ImageStage::with_cell_size(protocol, Size::new(20, 40));
        stage.press("g f");
        assert_eq!(stage.frame(0), 1);
        stage.assert_image_visible();
    }
}

#[test]
fn a_changed_cell_is_drawn_anew_when_it_is_due_and_nothing_else_is_sent() {
    for protocol in ALL {
        let mut stage = ImageStage::new(protocol);
        stage.assert_no_image();
        stage.press("g f");
        assert_eq!(stage.frame(1), 1);
        stage.assert_image_visible();
        assert_eq!(stage.frame(5), 0, "nothing has changed");
        assert!(!stage.figure_images.is_drawing);
        let map = &mut stage.test_app.app.run_state.snapshot.as_mut().unwrap().heatmap;
        let index = map.surface_cells().find(|&i| map.cells[i].images > 0).unwrap();
        let cell = &mut map.cells[index];
        *cell = surfit_core::heatmap::Cell::from_counts(cell.correct() / 2, cell.images, 0.5, cell.version);
        stage.advance_fit(1);
        stage.figure_images.not_before = Some(stage.now + Duration::from_secs(1));
        stage.test_app.app.dirty = false;
        assert_eq!(stage.frame(0), 0, "images are large: not yet");
        assert!(stage.test_app.app.dirty, "but it is looked at again");
        assert_eq!(stage.frame(6), 1, "{protocol:?}: cell {index}");
        stage.assert_image_visible();
        // What the user chooses is shown at once.
        stage.press("M");
        assert_eq!(stage.frame(0), 1);
        stage.assert_image_visible();
        // A key while an image is drawn is not forgotten.
        stage.press("M");
        let request = stage.figure_images.next_request(&mut stage.test_app.app, CELL, stage.now).unwrap();
        stage.press("M");
        assert!(stage.figure_images.next_request(&mut stage.test_app.app, CELL, stage.now).is_none());
        let image = request.draw();
        stage.figure_images.on_image(&stage.test_app.app, &image, stage.now);
        stage.test_app.update(AppMessage::Image(image));
        stage.frame(0);
        stage.assert_image_visible();
        assert!(stage.figure_images.next_request(&mut stage.test_app.app, CELL, stage.now).is_none());
    }
}

#[test]
fn curves_are_drawn_once_a_second_while_they_grow_in_few_bytes() {
    for protocol in ALL {
        let mut stage = ImageStage::new(protocol);
        stage.press("1 g f");
        assert_eq!(stage.frame(0), 1);
        stage.assert_image_visible();
        let (mut images, mut bytes) = (0, 0);
        for _ in 0..60 {
            stage.now += Duration::from_millis(200);
            stage.advance_fit(2);
            images += stage.frame(0);
            bytes += stage.bytes;
        }
        assert!((2..=14).contains(&images), "{protocol:?}: {images} in 12 seconds");
        let rate = bytes / 12;
        assert!(rate < 25_000, "{protocol:?}: {rate} bytes a second");
        stage.frame(7);
        stage.assert_image_visible();
        stage.press("esc");
        stage.frame(0);
        stage.assert_no_image();
    }
}

#[test]
fn it_goes_with_its_view_and_under_whatever_lies_over_it() {
    for protocol in ALL {
        let mut stage = ImageStage::new(protocol);
        stage.press("g f");
        stage.frame(0);
        stage.assert_image_visible();
        // A question, and a list that is opened from it.
        for key in ["q", "W"] {
            stage.press(key);
            stage.frame(0);
            stage.assert_no_image();
            stage.press("esc");
            if stage.test_app.app.overlay().is_none() {
                stage.press("g f");
            }
            assert_eq!(stage.frame(0), 1, "{protocol:?}: back after {key}");
            stage.assert_image_visible();
        }
        // Another size: it lies elsewhere, or the screen was cleared under it.
        for (width, height) in [(120, 40), (121, 40), (80, 24)] {
            let size = Size::new(width, height);
            stage.resize(size);
            assert_eq!(stage.frame(0), 1, "{protocol:?} at {width}×{height}");
            stage.assert_image_visible();
        }
        stage.press("esc");
        stage.frame(0);
        stage.assert_no_image();
    }
}

#[test]
fn an_image_of_something_else_is_never_shown() {
    for protocol in ALL {
        let mut stage = ImageStage::new(protocol);
        stage.press("2 g f");
        stage.frame(0);
        let is_shown = |stage: &ImageStage| image::shown_image(&stage.test_app.app).is_some();
        // Another subject, kind or run, before its own image is drawn; `esc` and `g f` open the image of another pane.
        for keys in ["T", "tab", "esc 1 g f", "esc 2 g f"] {
            assert!(is_shown(&stage), "{protocol:?} before {keys}");
            stage.press(keys);
            assert!(!is_shown(&stage), "{protocol:?}: {keys}");
            stage.frame(0);
        }
        stage.test_app.app.run = "another-run".into();
        assert!(!is_shown(&stage), "{protocol:?}: another run");
        stage.frame(8);
        stage.assert_image_visible();
        // Nor is one that is closed kept for later.
        stage.press("esc");
        stage.frame(0);
        assert!(stage.test_app.app.figure_image.is_none());
    }
}

#[test]
fn keys_that_change_nothing_of_the_image_do_not_make_it_due() {
    let mut stage = ImageStage::new(ImageProtocol::Sixel);
    stage.press("1 g f");
    assert_eq!(stage.frame(0), 1);
    stage.figure_images.not_before = Some(stage.now + Duration::from_secs(3600));
    for key in ["O", "x", "f5", "2"] {
        stage.advance_fit(30);
        stage.press(key);
        assert_eq!(stage.frame(0), 0, "{key}");
    }
    stage.press("L");
    assert_eq!(stage.frame(0), 1, "the log axis is another image");
}

#[test]
fn nothing_is_drawn_while_the_image_is_covered() {
    let mut stage = ImageStage::new(ImageProtocol::Kitty);
    stage.press("1 g f");
    stage.frame(0);
    stage.press("W");
    stage.frame(0);
    stage.advance_fit(30);
    stage.now += Duration::from_secs(60);
    stage.draw_frame();
    assert!(stage.figure_images.next_request(&mut stage.test_app.app, CELL, stage.now).is_none());
    stage.press("esc");
    assert!(stage.frame(0) >= 1);
    stage.assert_image_visible();
}

#[test]
fn sixels_end_within_their_last_row_also_where_bands_are_counted() {
    for rows in 30..36 {
        let mut stage = ImageStage::with_cell_size(ImageProtocol::Sixel, Size::new(8, 15));
        stage.resize(Size::new(100, rows));
        stage.press("g f");
        stage.frame(0);
        stage.assert_image_visible();
        let app = &stage.test_app.app;
        let (height, image) = (popup::inner(app.overlay_area()).height, app.figure_image.as_ref().unwrap());
        let pixels = image.as_ref().unwrap().pixels.height;
        assert!(pixels.next_multiple_of(6) <= u32::from(height) * 15, "{height} rows, {pixels} rows of pixels");
    }
}

#[test]
fn an_image_has_the_ground_of_the_screen_around_it() {
    for name in Theme::built_in_names() {
        let theme = |depth| Theme::built_in(name, depth).unwrap();
        let ground = |depth| {
            let c = figure_theme(&theme(depth)).background;
            (c.0, c.1, c.2)
        };
        assert_eq!(ground(ColorDepth::Truecolor), theme(ColorDepth::Truecolor).background_rgb(), "{name}");
        let Some(Color::Indexed(index)) = theme(ColorDepth::Ansi256).style(ThemeRole::Background).bg else { continue };
        assert_eq!(ground(ColorDepth::Ansi256), palette_256(index), "{name}");
    }
}

#[test]
fn every_row_of_an_image_has_a_mark_of_its_own() {
    let area = Rect::new(0, 0, 2, MAX_IMAGE_ROWS);
    let image = PixelImage { width: 2, height: 2, rgb: vec![7; 12] };
    let encoded = EncodedImage::new(&image, ImageProtocol::Kitty, area.as_size(), true).unwrap();
    let mut buf = Buffer::empty(area);
    encoded.render(area, &mut buf);
    let marks: std::collections::HashSet<Option<char>> =
        area.rows().map(|row| buf[row.as_position()].symbol().chars().rev().nth(1)).collect();
    assert_eq!(marks.len(), usize::from(MAX_IMAGE_ROWS));
    // A screen with more rows has an image of so many.
    let mut stage = ImageStage::new(ImageProtocol::Kitty);
    stage.resize(Size::new(100, 200));
    stage.press("g f");
    assert_eq!(image::image_place(&stage.test_app.app).unwrap().1.height, MAX_IMAGE_ROWS);
}
