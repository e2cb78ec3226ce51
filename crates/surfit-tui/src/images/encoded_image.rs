//! An image as a terminal takes it, and its cells among those of the screen.

use super::ImageProtocol;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::{DynamicImage, RgbImage};
use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};
use ratatui::widgets::Widget;
use ratatui_image::Image;
use ratatui_image::protocol::Protocol;
use ratatui_image::protocol::iterm2::Iterm2;
use ratatui_image::protocol::kitty::Kitty;
use ratatui_image::protocol::sixel::Sixel;
use std::collections::BTreeMap;
use std::fmt::Write;
use surfit_report::PixelImage;

/// Number of the image, for terminals that keep images by number: the next one takes the place of the one before.
const KITTY_IMAGE_ID: u32 = 7_313;
/// Bytes of a part that the kitty protocol takes at once.
const KITTY_CHUNK_BYTES: usize = 4096;

/// Colours of a sixel image: each is a pass over the line.
const MAX_SIXEL_COLORS: usize = 128;

/// An image as a terminal takes it.
pub struct EncodedImage {
    cells: Protocol,
    /// What goes before the first cell.
    transmission: String,
    /// Bytes of the image on the line.
    pub bytes: usize,
}

impl std::fmt::Debug for EncodedImage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "EncodedImage of {} bytes", self.bytes)
    }
}

impl EncodedImage {
    /// Encodes an image that covers `size` cells. In tmux it is wrapped, so that tmux hands it on.
    ///
    /// What is sent has a palette, and a third of the bytes of the encodings of `ratatui-image`, which places it.
    ///
    /// # Errors
    /// A sentence when it cannot be encoded.
    pub fn new(image: &PixelImage, protocol: ImageProtocol, size: Size, in_tmux: bool) -> Result<Self, String> {
        let wrap = |part: String| match in_tmux {
            true => format!("\x1bPtmux;{}\x1b\\", part.replace('\x1b', "\x1b\x1b")),
            false => part,
        };
        let mut transmission = String::new();
        let cells = match protocol {
            ImageProtocol::Kitty if !in_tmux => {
                let data = kitty_parts(&encode_png(image)?, size, "p=1,C=1").concat();
                Protocol::ITerm2(Iterm2 { data, size, is_tmux: false })
            }
            // tmux knows characters alone: in place of special ones the terminal shows the image, since kitty 0.28.
            ImageProtocol::Kitty => {
                transmission.extend(kitty_parts(&encode_png(image)?, size, "U=1").into_iter().map(wrap));
                let dot = DynamicImage::ImageRgb8(RgbImage::new(1, 1));
                let kitty = Kitty::new(dot, size, KITTY_IMAGE_ID, in_tmux, false).map_err(|e| e.to_string())?;
                let cells = Protocol::Kitty(kitty);
                // Its own transmission goes with the first cells that are drawn: nowhere.
                let area = Rect::from((ratatui::layout::Position::ORIGIN, size));
                Image::new(&cells).render(area, &mut Buffer::empty(area));
                cells
            }
            ImageProtocol::Iterm2 => {
                let file = encode_png(image)?;
                let head =
                    format!("\x1b]1337;File=inline=1;size={};width={};height={}", file.len(), size.width, size.height);
                let data =
                    wrap(format!("{head};preserveAspectRatio=0;doNotMoveCursor=1:{}\x07", STANDARD.encode(&file)));
                Protocol::ITerm2(Iterm2 { data, size, is_tmux: in_tmux })
            }
            ImageProtocol::Sixel => Protocol::Sixel(Sixel { data: wrap(encode_sixels(image)), size, is_tmux: in_tmux }),
        };
        let bytes = match &cells {
            Protocol::Sixel(sixel) => sixel.data.len(),
            Protocol::ITerm2(file) => file.data.len(),
            _ => transmission.len(),
        };
        Ok(Self { cells, transmission, bytes })
    }

    /// Puts it into an area of the screen's cells: the terminal shows it when these are drawn, until others are.
    pub fn render(&self, area: Rect, buf: &mut Buffer) {
        Image::new(&self.cells).render(area, buf);
        if let Some(first) = buf.cell_mut((area.x, area.y)).filter(|_| !self.transmission.is_empty()) {
            let symbol = format!("{}{}", self.transmission, first.symbol());
            first.set_symbol(&symbol);
        }
    }
}

/// Bytes that take the image away, where it lies over the characters and not in the place of some.
pub fn encode_removal(protocol: ImageProtocol, in_tmux: bool) -> Option<String> {
    let lies_over = protocol == ImageProtocol::Kitty && !in_tmux;
    lies_over.then(|| format!("\x1b_Ga=d,d=I,i={KITTY_IMAGE_ID},q=2\x1b\\"))
}

fn encode_png(image: &PixelImage) -> Result<Vec<u8>, String> {
    image.to_palette_png().map_err(|e| e.to_string())
}

/// A PNG file with its placement, in parts; the terminal is told not to answer, since an answer would be taken for keys.
fn kitty_parts(file: &[u8], size: Size, placement: &str) -> Vec<String> {
    let data = STANDARD.encode(file);
    let parts: Vec<&[u8]> = data.as_bytes().chunks(KITTY_CHUNK_BYTES).collect();
    let encode_part = |(n, part): (usize, &&[u8])| {
        let more = u8::from(n + 1 < parts.len());
        let head = match n {
            0 => format!("a=T,{placement},f=100,q=2,i={KITTY_IMAGE_ID},c={},r={},m={more}", size.width, size.height),
            _ => format!("q=2,m={more}"),
        };
        format!("\x1b_G{head};{}\x1b\\", std::str::from_utf8(part).unwrap_or_default())
    };
    parts.iter().enumerate().map(encode_part).collect()
}

/// Bands of six rows of pixels, of each the colours one after the other, runs counted.
fn encode_sixels(image: &PixelImage) -> String {
    let (palette, pixels) = image.index_colors(MAX_SIXEL_COLORS);
    let width = image.width as usize;
    let mut out = format!("\x1bPq\"1;1;{};{}", image.width, image.height);
    for (n, color) in palette.iter().enumerate() {
        let [r, g, b] = color.map(|c| (u32::from(c) * 100 + 127) / 255);
        let _ = write!(out, "#{n};2;{r};{g};{b}");
    }
    for band in pixels.chunks(6 * width) {
        let mut rows: BTreeMap<u8, Vec<u8>> = BTreeMap::new();
        for (n, &color) in band.iter().enumerate() {
            rows.entry(color).or_insert_with(|| vec![0; width])[n % width] |= 1 << (n / width);
        }
        for (color, row) in rows {
            let _ = write!(out, "#{color}");
            let end = row.iter().rposition(|mask| *mask > 0).map_or(0, |last| last + 1);
            for run in row[..end].chunk_by(|a, b| a == b) {
                let letter = char::from(63 + run[0]);
                match run.len() {
                    ..4 => out.extend(run.iter().map(|_| letter)),
                    count => drop(write!(out, "!{count}{letter}")),
                }
            }
            out.push('$');
        }
        out.push('-');
    }
    out + "\x1b\\"
}
