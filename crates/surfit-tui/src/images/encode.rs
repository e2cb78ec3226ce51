//! The bytes that make a terminal show a picture.

use super::{ImageProtocol, Raster};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ratatui::layout::{Rect, Size};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Number of the first picture, for terminals that keep pictures by number.
const FIRST_IMAGE_ID: u32 = 7_313;
/// Bytes of a part that the kitty protocol takes at once.
const KITTY_CHUNK_BYTES: usize = 4096;
/// Colours of a sixel picture.
const MAX_SIXEL_COLORS: usize = 256;

/// Most pictures there are at once.
pub const MAX_IMAGES: usize = 2;

/// Bytes that show the `n`th picture over the characters of `area`, all of it. `cell` is a character in pixels.
pub fn encode_image(protocol: ImageProtocol, raster: &Raster, area: Rect, cell: Size, n: usize) -> String {
    let mut out = format!("\x1b[{};{}H", area.y + 1, area.x + 1);
    match protocol {
        ImageProtocol::Kitty => kitty(&mut out, raster, area, FIRST_IMAGE_ID + n as u32),
        ImageProtocol::Iterm2 => {
            let file = png(raster);
            let data = STANDARD.encode(&file);
            let (w, h) = (area.width, area.height);
            let _ = write!(
                out,
                "\x1b]1337;File=inline=1;size={};width={w};height={h};preserveAspectRatio=0;doNotMoveCursor=1:{data}\x07",
                file.len()
            );
        }
        ImageProtocol::Sixel => sixel(&mut out, &scale_to_area(raster, area, cell)),
    }
    out
}

/// Bytes that take all pictures away; where none are, the characters below have to be drawn again.
pub fn encode_removal(protocol: ImageProtocol) -> Option<String> {
    let one = |n: usize| format!("\x1b_Ga=d,d=I,i={},q=2\x1b\\", FIRST_IMAGE_ID + n as u32);
    (protocol == ImageProtocol::Kitty).then(|| (0..MAX_IMAGES).map(one).collect())
}

/// In parts; the terminal is instructed not to answer, since an answer would be taken for keys.
fn kitty(out: &mut String, raster: &Raster, area: Rect, id: u32) {
    let data = STANDARD.encode(png(raster));
    let parts: Vec<&[u8]> = data.as_bytes().chunks(KITTY_CHUNK_BYTES).collect();
    for (n, part) in parts.iter().enumerate() {
        let more = u8::from(n + 1 < parts.len());
        let head = match n {
            0 => format!("a=T,f=100,q=2,i={id},p=1,c={},r={},C=1,m={more}", area.width, area.height),
            _ => format!("m={more},q=2"),
        };
        let part = std::str::from_utf8(part).unwrap_or_default();
        let _ = write!(out, "\x1b_G{head};{part}\x1b\\");
    }
}

/// With a palette where there are few colours, as in a plot: a third of the bytes and less.
fn png(raster: &Raster) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, raster.width as u32, raster.height as u32);
    let data = match index_colors(raster) {
        Some((palette, data)) => {
            encoder.set_color(png::ColorType::Indexed);
            encoder.set_palette(palette);
            // Numbers of colours are no slopes that neighbours would tell.
            encoder.set_filter(png::Filter::NoFilter);
            data
        }
        None => {
            encoder.set_color(png::ColorType::Rgb);
            raster.pixels.iter().flat_map(|p| [p.0, p.1, p.2]).collect()
        }
    };
    // Writing to memory cannot fail, and the sizes agree.
    if let Ok(mut writer) = encoder.write_header() {
        let _ = writer.write_image_data(&data);
    }
    bytes
}

/// A palette and the number of every pixel's colour in it; `None` when there are too many colours.
fn index_colors(raster: &Raster) -> Option<(Vec<u8>, Vec<u8>)> {
    let mut numbers: BTreeMap<(u8, u8, u8), u8> = BTreeMap::new();
    let mut palette = Vec::new();
    let mut data = Vec::with_capacity(raster.pixels.len());
    for &pixel in &raster.pixels {
        let next = u8::try_from(numbers.len()).ok();
        let number = match numbers.get(&pixel) {
            Some(&known) => known,
            None => {
                palette.extend([pixel.0, pixel.1, pixel.2]);
                *numbers.entry(pixel).or_insert(next?)
            }
        };
        data.push(number);
    }
    Some((palette, data))
}

/// The picture as large as its area: other protocols give its size in characters, but a sixel is a pixel.
fn scale_to_area(raster: &Raster, area: Rect, cell: Size) -> Cow<'_, Raster> {
    let pixels = |cells: u16, size: u16| usize::from(cells) * usize::from(size.max(1));
    let size = (pixels(area.width, cell.width), pixels(area.height, cell.height));
    if size == (raster.width, raster.height) || size.0 == 0 || size.1 == 0 {
        return Cow::Borrowed(raster);
    }
    Cow::Owned(raster.scaled(size))
}

/// Six rows of pixels a band, one colour after the other, runs counted.
fn sixel(out: &mut String, raster: &Raster) {
    let _ = write!(out, "\x1bPq\"1;1;{};{}", raster.width, raster.height);
    let coarse = |(r, g, b): (u8, u8, u8)| (r >> 3, g >> 3, b >> 3);
    let mut registers: BTreeMap<(u8, u8, u8), usize> = BTreeMap::new();
    let mut shown = Vec::with_capacity(raster.pixels.len());
    for &pixel in &raster.pixels {
        let key = coarse(pixel);
        let next = registers.len();
        let register = match registers.get(&key) {
            Some(&known) => known,
            None if next < MAX_SIXEL_COLORS => {
                registers.insert(key, next);
                let part = |c: u8| u32::from(c) * 100 / 255;
                let (r, g, b) = (part(pixel.0), part(pixel.1), part(pixel.2));
                let _ = write!(out, "#{next};2;{r};{g};{b}");
                next
            }
            // More colours than there are: the nearest of those that are known.
            None => nearest_register(&registers, key),
        };
        shown.push(register);
    }
    for band in shown.chunks(6 * raster.width) {
        let mut rows: BTreeMap<usize, Vec<u8>> = BTreeMap::new();
        for (n, &register) in band.iter().enumerate() {
            let (x, y) = (n % raster.width, n / raster.width);
            rows.entry(register).or_insert_with(|| vec![0; raster.width])[x] |= 1 << y;
        }
        for (register, row) in rows {
            let _ = write!(out, "#{register}");
            let mut at = 0;
            while at < row.len() {
                let run = row[at..].iter().take_while(|b| **b == row[at]).count();
                let letter = char::from(63 + row[at]);
                let _ = if run > 3 {
                    write!(out, "!{run}{letter}")
                } else {
                    write!(out, "{}", letter.to_string().repeat(run))
                };
                at += run;
            }
            out.push('$');
        }
        out.push('-');
    }
    out.push_str("\x1b\\");
}

fn nearest_register(registers: &BTreeMap<(u8, u8, u8), usize>, key: (u8, u8, u8)) -> usize {
    let far = |a: u8, b: u8| u32::from(a.abs_diff(b)).pow(2);
    registers
        .iter()
        .min_by_key(|(k, _)| far(k.0, key.0) + far(k.1, key.1) + far(k.2, key.2))
        .map_or(0, |(_, &register)| register)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test_raster(width: usize, height: usize) -> Raster {
        let pixel = |n: usize| ((n * 37 % 256) as u8, (n / 7 % 256) as u8, (n % 5 * 50) as u8);
        Raster { width, height, pixels: (0..width * height).map(pixel).collect() }
    }

    const AREA: Rect = Rect::new(4, 2, 30, 10);
    const CELL: Size = Size::new(9, 8);

    #[test]
    fn kitty_gets_small_parts_that_hold_the_whole_picture_and_never_answers() {
        let out = encode_image(ImageProtocol::Kitty, &test_raster(200, 100), AREA, CELL, 0);
        assert!(out.starts_with("\x1b[3;5H\x1b_Ga=T,f=100,q=2"), "{}", &out[..60]);
        let parts: Vec<&str> = out.split("\x1b_G").skip(1).collect();
        let mut data = String::new();
        for (n, part) in parts.iter().enumerate() {
            let (head, rest) = part.split_once(';').unwrap();
            let body = rest.strip_suffix("\x1b\\").unwrap();
            assert!(body.len() <= KITTY_CHUNK_BYTES && head.contains("q=2"));
            assert_eq!(head.contains("m=1"), n + 1 < parts.len());
            data += body;
        }
        let bytes = STANDARD.decode(data).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        assert_eq!(reader.info().color_type, png::ColorType::Rgb, "many colours");
        let first = test_raster(200, 100).pixels[1];
        assert_eq!(pixels[3..6], [first.0, first.1, first.2]);
        assert!(encode_removal(ImageProtocol::Kitty).unwrap().contains("a=d"));
    }

    #[test]
    fn few_colours_are_sent_by_number() {
        let flat = Raster {
            pixels: test_raster(60, 40).pixels.iter().map(|p| (p.0 & 0xc0, 0, 0)).collect(),
            ..test_raster(60, 40)
        };
        let (palette, data) = index_colors(&flat).unwrap();
        assert!(palette.len() <= 12 && data.len() == 2400);
        assert_eq!(index_colors(&test_raster(200, 100)), None);
    }

    #[test]
    fn sixels_come_back_as_the_same_picture() {
        let raster = Raster {
            width: 9,
            height: 8,
            pixels: (0..72).map(|n| if n % 9 < 5 { (0, 0, 0) } else { (248, 0, 248) }).collect(),
        };
        let small = Rect::new(4, 2, 1, 1);
        let out = encode_image(ImageProtocol::Sixel, &raster, small, CELL, 0);
        assert!(out.contains("\"1;1;9;8") && out.ends_with("\x1b\\"));
        // Both bands: five columns of the first colour, then four of the second.
        assert!(out.contains("#0!5~!4?$#1!5?!4~$-"), "{out:?}");
        assert!(out.contains("#0!5B!4?$"), "{out:?}");
        // Many colours stay within the registers.
        let many = encode_image(ImageProtocol::Sixel, &test_raster(300, 200), AREA, CELL, 0);
        assert!(!many.contains("#256;2"));
        assert_eq!(encode_removal(ImageProtocol::Sixel), None);
    }

    #[test]
    fn iterm_gets_one_picture_that_fills_the_room() {
        let out = encode_image(ImageProtocol::Iterm2, &test_raster(20, 10), AREA, CELL, 0);
        assert!(out.contains("width=30;height=10;preserveAspectRatio=0") && out.ends_with('\x07'));
    }
}
