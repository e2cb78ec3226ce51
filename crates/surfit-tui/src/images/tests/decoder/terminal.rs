//! A terminal that knows of nothing but images and where characters are written.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ratatui::layout::{Rect, Size};
use std::collections::HashMap;
use surfit_report::PixelImage;

/// The character in whose place kitty shows a part of an image.
const PLACEHOLDER: char = '\u{10EEEE}';

/// See the module.
#[derive(Default)]
pub struct DecodingTerminal {
    cell: Size,
    at: (u16, u16),
    /// The image in kitty's memory, with its size in cells.
    stored: Option<(Size, PixelImage)>,
    /// The image that lies over cells; what is written there covers it.
    placed: Option<(Rect, PixelImage)>,
    /// Nothing that is written covers it.
    lies_over: bool,
    written: HashMap<(u16, u16), char>,
    payload: String,
    head: String,
    /// How many images came.
    pub images_received: usize,
}

impl DecodingTerminal {
    /// A terminal whose characters have so many pixels.
    pub fn new(cell: Size) -> Self {
        Self { cell, ..Self::default() }
    }

    /// The image of which anything can be seen, with the cells that it has.
    pub fn visible_image(&self) -> Option<(Rect, &PixelImage)> {
        if let Some((area, image)) = &self.placed {
            let covered = !self.lies_over && area.positions().all(|p| self.written.contains_key(&(p.x, p.y)));
            return (!covered).then_some((*area, image));
        }
        let (size, image) = self.stored.as_ref()?;
        let shown = self.written.iter().filter(|(_, c)| **c == PLACEHOLDER).map(|(at, _)| at);
        let first = shown.min_by_key(|at| (at.1, at.0))?;
        Some((Rect::new(first.0, first.1, size.width, size.height), image))
    }

    /// True when nothing else was written where the image lies.
    pub fn is_unobstructed(&self) -> bool {
        let Some((area, _)) = self.visible_image() else {
            return false;
        };
        let of_image = |c: Option<&char>| match self.placed {
            Some(_) => c.is_none(),
            None => c == Some(&PLACEHOLDER),
        };
        area.positions().all(|p| of_image(self.written.get(&(p.x, p.y))))
    }

    /// Takes bytes in.
    pub fn process_output(&mut self, bytes: &[u8]) {
        let text = std::str::from_utf8(bytes).expect("only text is sent");
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let ends = |from: &str, end: &str| from.find(end).map(|n| n + end.len());
            let size = match rest.as_bytes() {
                [0x1b, b'_', b'G', ..] => {
                    let n = ends(rest, "\x1b\\").expect("the end of a kitty part");
                    self.kitty(&rest[3..n - 2]);
                    n
                }
                [0x1b, b'P', ..] => {
                    let n = ends(rest, "\x1b\\").expect("the end of the sixels");
                    self.sixel(&rest[2..n - 2]);
                    n
                }
                [0x1b, b']', ..] => {
                    let n = ends(rest, "\x07").expect("the end of a command");
                    if let Some(file) = rest[2..n - 1].strip_prefix("1337;File=") {
                        self.iterm(file);
                    }
                    n
                }
                [0x1b, b'[', ..] => {
                    let n = rest[2..].find(|c: char| c.is_ascii_alphabetic()).expect("a command") + 3;
                    self.execute_control(&rest[2..n]);
                    n
                }
                [0x1b, ..] => 2,
                _ => {
                    // Marks on a placeholder tell its row and column.
                    if unicode_width(c) > 0 {
                        self.written.insert(self.at, c);
                        self.at.0 += 1;
                    }
                    c.len_utf8()
                }
            };
            rest = &rest[size..];
        }
    }

    fn execute_control(&mut self, command: &str) {
        let (numbers, last) = command.split_at(command.len() - 1);
        match last {
            "H" => {
                let (row, column) = numbers.split_once(';').unwrap_or(("1", "1"));
                let number = |n: &str| n.parse::<u16>().unwrap_or(1) - 1;
                self.at = (number(column), number(row));
            }
            "J" => {
                // A cleared screen has neither characters nor images.
                (self.placed, self.written) = (None, HashMap::new());
            }
            _ => {}
        }
    }

    fn place_image(&mut self, (columns, rows): (u16, u16), image: PixelImage) {
        let area = Rect::new(self.at.0, self.at.1, columns, rows);
        // What comes lies over what was written before.
        self.written.retain(|&(x, y), _| !area.contains((x, y).into()));
        self.placed = Some((area, image));
        self.lies_over = false;
        self.images_received += 1;
    }

    fn kitty(&mut self, command: &str) {
        let (head, data) = command.split_once(';').unwrap_or((command, ""));
        let field = |head: &str, name: &str| {
            let found = head.split(',').find_map(|f| f.strip_prefix(name)?.strip_prefix('='));
            found.map(str::to_owned)
        };
        assert_eq!(field(head, "q").as_deref(), Some("2"), "never an answer");
        if field(head, "a").as_deref() == Some("d") {
            assert_eq!(field(head, "d").as_deref(), Some("I"), "its memory goes too");
            (self.placed, self.stored) = (None, None);
            return;
        }
        if field(head, "a").is_some() {
            (self.head, self.payload) = (head.to_owned(), String::new());
        }
        self.payload += data;
        if field(head, "m").as_deref() == Some("0") {
            let number = |name| field(&self.head, name).unwrap().parse::<u16>().unwrap();
            assert_eq!(field(&self.head, "f").as_deref(), Some("100"), "as PNG");
            let image = decode_png(&STANDARD.decode(&self.payload).unwrap());
            let size = (number("c"), number("r"));
            if field(&self.head, "U").as_deref() == Some("1") {
                self.stored = Some((size.into(), image));
                self.images_received += 1;
            } else {
                assert_eq!(field(&self.head, "C").as_deref(), Some("1"), "the cursor stays");
                self.place_image(size, image);
                self.lies_over = true;
            }
        }
    }

    fn iterm(&mut self, file: &str) {
        let (head, data) = file.split_once(':').unwrap();
        let field = |name: &str| {
            let found = head.split(';').find_map(|f| f.strip_prefix(name)?.strip_prefix('='));
            found.unwrap().parse::<usize>().unwrap()
        };
        assert_eq!(field("inline"), 1);
        let bytes = STANDARD.decode(data).unwrap();
        assert_eq!(field("size"), bytes.len(), "the size is that of the file");
        self.place_image((field("width") as u16, field("height") as u16), decode_png(&bytes));
    }

    /// Sixels as DEC tells them: colours in hundredths, six rows of pixels a band.
    fn sixel(&mut self, command: &str) {
        let body = command.split_once('q').unwrap().1;
        let numbers = |text: &str| -> Vec<usize> { text.split(';').map(|n| n.parse().unwrap()).collect() };
        let end = |text: &str| text.find(|c: char| !(c.is_ascii_digit() || c == ';')).unwrap_or(text.len());
        let raster_end = end(&body[1..]) + 1;
        let [_, _, width, height] = numbers(&body[1..raster_end])[..] else { panic!("no size") };
        let mut pixels = vec![None; width * height];
        let mut colors = vec![[0, 0, 0]; 256];
        let (mut x, mut band, mut color) = (0, 0, 0);
        let mut rest = &body[raster_end..];
        while let Some(c) = rest.chars().next() {
            rest = &rest[1..];
            let n = if c == '#' || c == '!' { end(rest) } else { 0 };
            let read = numbers(if n > 0 { &rest[..n] } else { "0" });
            rest = &rest[n..];
            let (times, letter) = match c {
                '!' => {
                    let letter = rest.chars().next().unwrap();
                    rest = &rest[1..];
                    (read[0], letter)
                }
                c => (1, c),
            };
            match letter {
                '#' => {
                    color = read[0];
                    if let [_, 2, r, g, b] = read[..] {
                        let part = |n: usize| ((n * 255 + 50) / 100) as u8;
                        colors[color] = [part(r), part(g), part(b)];
                    }
                }
                '$' => x = 0,
                '-' => (x, band) = (0, band + 1),
                '?'..='~' => {
                    let mask = letter as u8 - 63;
                    for _ in 0..times {
                        for row in (0..6).filter(|row| mask >> row & 1 == 1) {
                            let y = 6 * band + row;
                            assert!(x < width && y < height, "a pixel outside");
                            pixels[y * width + x] = Some(colors[color]);
                        }
                        x += 1;
                    }
                }
                other => panic!("no sixel: {other:?}"),
            }
        }
        let pixels = pixels.into_iter().map(|p| p.expect("every pixel has a colour"));
        let image = PixelImage { width: width as u32, height: height as u32, rgb: pixels.flatten().collect() };
        let (w, h) = (self.cell.width, self.cell.height);
        let size = ((width as u16).div_ceil(w), (height as u16).div_ceil(h));
        self.place_image(size, image);
    }
}

fn decode_png(bytes: &[u8]) -> PixelImage {
    let image = image::load_from_memory(bytes).expect("a PNG file").into_rgb8();
    PixelImage { width: image.width(), height: image.height(), rgb: image.into_raw() }
}

/// Columns of a character: none of a mark on the one before.
fn unicode_width(c: char) -> usize {
    if c == PLACEHOLDER { 1 } else { ratatui::text::Span::raw(c.to_string()).width() }
}
