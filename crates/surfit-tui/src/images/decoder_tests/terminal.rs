//! A terminal that knows of nothing but pictures and where characters are written.

use crate::images::Raster;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ratatui::layout::{Position, Rect, Size};
use std::collections::HashSet;

/// See the module.
#[derive(Default)]
pub struct DecodingTerminal {
    cell: Size,
    at: (u16, u16),
    /// The pictures by their numbers, with the characters they cover; kitty's lie over what is written, the others are written
    /// over and have none.
    images: Vec<(Option<u32>, Rect, Raster)>,
    written: HashSet<(u16, u16)>,
    payload: String,
    head: String,
    /// How many pictures came.
    pub images_received: usize,
}

impl DecodingTerminal {
    /// A terminal whose characters have so many pixels.
    pub fn new(cell: Size) -> Self {
        Self { cell, ..Self::default() }
    }

    /// The pictures of which anything can be seen.
    pub fn visible_images(&self) -> Vec<(Rect, Raster)> {
        let all = self.images.iter().filter(|(number, area, _)| {
            let covered = |p: Position| number.is_none() && self.written.contains(&(p.x, p.y));
            !area.positions().all(covered)
        });
        all.map(|(_, area, raster)| (*area, raster.clone())).collect()
    }

    /// True when nothing was written where they lie.
    pub fn is_unobstructed(&self) -> bool {
        let seen = self.visible_images();
        let mut places = seen.iter().flat_map(|(area, _)| area.positions());
        places.all(|p| !self.written.contains(&(p.x, p.y)))
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
                    self.written.insert(self.at);
                    self.at.0 += 1;
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
                // A cleared screen has neither characters nor pictures.
                (self.images, self.written) = (Vec::new(), HashSet::new());
            }
            _ => {}
        }
    }

    fn place_image(&mut self, (columns, rows): (u16, u16), raster: Raster, number: Option<u32>) {
        let area = Rect::new(self.at.0, self.at.1, columns, rows);
        // What comes lies over what was written before.
        self.written.retain(|&(x, y)| !area.contains((x, y).into()));
        // One of the same number, or at the same place, goes.
        self.images.retain(|(n, a, _)| (number.is_none() || *n != number) && *a != area);
        self.images.push((number, area, raster));
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
            let gone = field(head, "i").and_then(|n| n.parse().ok());
            self.images.retain(|(n, ..)| *n != gone);
            return;
        }
        if field(head, "a").is_some() {
            (self.head, self.payload) = (head.to_owned(), String::new());
        }
        self.payload += data;
        if field(head, "m").as_deref() == Some("0") {
            let number = |name| field(&self.head, name).unwrap().parse::<u16>().unwrap();
            let size = (number("c"), number("r"));
            assert_eq!(field(&self.head, "f").as_deref(), Some("100"), "as PNG");
            let raster = png(&STANDARD.decode(&self.payload).unwrap());
            self.place_image(size, raster, Some(number("i").into()));
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
        self.place_image((field("width") as u16, field("height") as u16), png(&bytes), None);
    }

    /// Sixels as DEC tells them: colours in hundredths, six rows of pixels a band.
    fn sixel(&mut self, command: &str) {
        let body = command.split_once('q').unwrap().1;
        let numbers = |text: &str| -> Vec<usize> { text.split(';').map(|n| n.parse().unwrap()).collect() };
        let end = |text: &str| text.find(|c: char| !(c.is_ascii_digit() || c == ';')).unwrap_or(text.len());
        let raster_end = end(&body[1..]) + 1;
        let [_, _, width, height] = numbers(&body[1..raster_end])[..] else { panic!("no size") };
        let mut pixels = vec![None; width * height];
        let mut colors = vec![(0, 0, 0); 256];
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
                        let part = |n: usize| (n * 255).div_ceil(100) as u8;
                        colors[color] = (part(r), part(g), part(b));
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
        let raster = Raster { width, height, pixels: pixels.collect() };
        let (w, h) = (self.cell.width, self.cell.height);
        let size = ((width as u16).div_ceil(w), (height as u16).div_ceil(h));
        self.place_image(size, raster, None);
    }
}

fn png(bytes: &[u8]) -> Raster {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(bytes));
    decoder.set_transformations(png::Transformations::EXPAND);
    let mut reader = decoder.read_info().unwrap();
    let mut data = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut data).unwrap();
    assert_eq!(info.color_type, png::ColorType::Rgb);
    Raster {
        width: info.width as usize,
        height: info.height as usize,
        pixels: data.chunks_exact(3).map(|p| (p[0], p[1], p[2])).collect(),
    }
}
