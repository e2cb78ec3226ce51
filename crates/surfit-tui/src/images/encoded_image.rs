//! An image as a terminal takes it, and its cells among those of the screen.

use super::ImageProtocol;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ratatui::buffer::{Buffer, CellDiffOption};
use ratatui::layout::{Rect, Size};
use ratatui::style::Color;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::num::NonZeroU16;
use surfit_report::{PixelImage, ReportError};

/// Number of the image, for terminals that keep images by number: the next one takes the place of the one before.
const KITTY_IMAGE_ID: u32 = 7_313;
/// Bytes of a part that the kitty protocol takes at once.
const KITTY_CHUNK_BYTES: usize = 4096;

/// Colours of a sixel image: each is a pass over the line.
const MAX_SIXEL_COLORS: usize = 128;
/// Rows of pixels that one line of sixels draws.
pub(super) const SIXEL_BAND_HEIGHT: u32 = 6;

/// The character in whose place kitty shows a part of an image.
const PLACEHOLDER: char = '\u{10eeee}';
/// Marks on a placeholder that tell its row, and its column 0, in the order of kitty's table. Those after it in a row need none.
const ROW_MARKS: &str = "\u{305}\u{30d}\u{30e}\u{310}\u{312}\u{33d}\u{33e}\u{33f}\u{346}\u{34a}\u{34b}\u{34c}\u{350}\u{351}\u{352}\u{357}\
    \u{35b}\u{363}\u{364}\u{365}\u{366}\u{367}\u{368}\u{369}\u{36a}\u{36b}\u{36c}\u{36d}\u{36e}\u{36f}\u{483}\u{484}\
    \u{485}\u{486}\u{487}\u{592}\u{593}\u{594}\u{595}\u{597}\u{598}\u{599}\u{59c}\u{59d}\u{59e}\u{59f}\u{5a0}\u{5a1}\
    \u{5a8}\u{5a9}\u{5ab}\u{5ac}\u{5af}\u{5c4}\u{610}\u{611}\u{612}\u{613}\u{614}\u{615}\u{616}\u{617}\u{657}\u{658}\
    \u{659}\u{65a}\u{65b}\u{65d}\u{65e}\u{6d6}\u{6d7}\u{6d8}\u{6d9}\u{6da}\u{6db}\u{6dc}\u{6df}\u{6e0}\u{6e1}\u{6e2}\
    \u{6e4}\u{6e7}\u{6e8}\u{6eb}\u{6ec}\u{730}\u{732}\u{733}\u{735}\u{736}\u{73a}\u{73d}\u{73f}\u{740}\u{741}\u{743}\
    \u{745}\u{747}\u{749}\u{74a}\u{7eb}\u{7ec}\u{7ed}\u{7ee}\u{7ef}\u{7f0}\u{7f1}\u{7f3}\u{816}\u{817}\u{818}\u{819}\
    \u{81b}\u{81c}\u{81d}\u{81e}\u{81f}\u{820}\u{821}\u{822}\u{823}\u{825}\u{826}\u{827}\u{829}\u{82a}\u{82b}\u{82c}";
/// The mark of row 0 and of column 0.
const FIRST_MARK: char = '\u{305}';
/// Rows of cells that an image has at most: as many as there are marks.
pub const MAX_IMAGE_ROWS: u16 = 128;

/// An image as a terminal takes it.
pub struct EncodedImage {
    data: String,
    /// Placeholders are where the image is shown; else it is where the cursor is when the data come.
    has_placeholders: bool,
}

impl std::fmt::Debug for EncodedImage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "EncodedImage of {} bytes", self.data.len())
    }
}

impl EncodedImage {
    /// Encodes an image that covers `size` cells. tmux hands wrapped data on at once, wherever the terminal's cursor is. So only
    /// the image of placeholders is wrapped; sixels are read and placed by tmux itself, where it is built with them.
    ///
    /// # Errors
    /// [`ReportError::Draw`].
    pub fn new(image: &PixelImage, protocol: ImageProtocol, size: Size, in_tmux: bool) -> Result<Self, ReportError> {
        let data = match (protocol, in_tmux) {
            // tmux knows characters alone: in place of some the terminal shows the image, since kitty 0.28.
            (ImageProtocol::Kitty, true) => {
                let parts = kitty_parts(&image.to_palette_png()?, size, "U=1");
                parts.iter().map(|part| wrap_for_tmux(part)).collect()
            }
            (ImageProtocol::Kitty, false) => kitty_parts(&image.to_palette_png()?, size, "p=1,C=1").concat(),
            (ImageProtocol::Iterm2, _) => encode_iterm2(&image.to_palette_png()?, size),
            (ImageProtocol::Sixel, _) => encode_sixels(image),
        };
        Ok(Self { data, has_placeholders: in_tmux && protocol == ImageProtocol::Kitty })
    }

    /// Bytes of the image on the line.
    pub fn byte_count(&self) -> usize {
        self.data.len()
    }

    /// Puts it into an area of the screen's cells: the data before the first one, and no other characters over it. The terminal
    /// shows it when these cells are drawn, until others are.
    pub fn render(&self, area: Rect, buf: &mut Buffer) {
        for (row, mark) in area.rows().zip(ROW_MARKS.chars()) {
            for at in row.positions() {
                let (is_first, begins_row) = (at == area.as_position(), at.x == area.x);
                let mut symbol = if is_first { self.data.clone() } else { String::new() };
                if self.has_placeholders {
                    symbol.push(PLACEHOLDER);
                    symbol.extend(begins_row.then_some(mark).into_iter().chain(begins_row.then_some(FIRST_MARK)));
                }
                let Some(cell) = buf.cell_mut(at) else { continue };
                cell.set_diff_option(match symbol.is_empty() {
                    true => CellDiffOption::Skip,
                    false => CellDiffOption::ForcedWidth(NonZeroU16::MIN),
                });
                cell.set_symbol(&symbol);
                if self.has_placeholders {
                    let [_, r, g, b] = KITTY_IMAGE_ID.to_be_bytes();
                    cell.set_fg(Color::Rgb(r, g, b));
                }
            }
        }
    }
}

/// Bytes that take the image away, and out of the terminal's memory; other protocols keep none.
pub fn encode_removal(protocol: ImageProtocol, in_tmux: bool) -> Option<String> {
    let removal = format!("\x1b_Ga=d,d=I,i={KITTY_IMAGE_ID},q=2\x1b\\");
    let removal = if in_tmux { wrap_for_tmux(&removal) } else { removal };
    (protocol == ImageProtocol::Kitty).then_some(removal)
}

/// An escape sequence that tmux hands on to the terminal around it.
fn wrap_for_tmux(sequence: &str) -> String {
    format!("\x1bPtmux;{}\x1b\\", sequence.replace('\x1b', "\x1b\x1b"))
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

fn encode_iterm2(file: &[u8], size: Size) -> String {
    let (bytes, Size { width, height }) = (file.len(), size);
    let data = STANDARD.encode(file);
    format!(
        "\x1b]1337;File=inline=1;size={bytes};width={width};height={height};preserveAspectRatio=0;doNotMoveCursor=1:{data}\x07"
    )
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
    for band in pixels.chunks(SIXEL_BAND_HEIGHT as usize * width) {
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
