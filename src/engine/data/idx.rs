//! The IDX format of the MNIST family, plain or gzipped.
//!
//! A big-endian header (two zero bytes, the type, the number of axes, their lengths), then the values. Nothing the
//! header says is believed before it is checked, and no more is unpacked than it promises.

use crate::{Error, Result};
use flate2::read::GzDecoder;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

/// More images than any set in this format has; a header that says more is damaged.
const MAX_IMAGES: usize = 1_000_000;

/// Images and their labels as the files have them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Raw {
    /// `[C, H, W]` of an image.
    pub shape: [usize; 3],
    /// Bytes of all images, one image behind the other.
    pub pixels: Vec<u8>,
    /// Class of every image.
    pub labels: Vec<u8>,
}

impl Raw {
    /// The images at `indices`, in that order.
    pub fn take(&self, indices: &[usize]) -> Raw {
        let size = self.shape.iter().product::<usize>();
        let mut pixels = Vec::with_capacity(indices.len() * size);
        for &i in indices {
            pixels.extend_from_slice(&self.pixels[i * size..(i + 1) * size]);
        }
        let labels = indices.iter().map(|&i| self.labels[i]).collect();
        Raw {
            shape: self.shape,
            pixels,
            labels,
        }
    }
}

/// Where a file's bytes come from, and its name in messages.
pub(super) enum Source<'a> {
    /// A file on disk.
    File(&'a Path),
    /// A file inside the program.
    Embedded(&'static str, &'static [u8]),
}

impl Source<'_> {
    fn name(&self) -> String {
        match self {
            Source::File(path) => path.display().to_string(),
            Source::Embedded(name, _) => (*name).to_owned(),
        }
    }

    fn open(&self) -> Result<Box<dyn Read + '_>> {
        let mut inner: Box<dyn BufRead> = match self {
            Source::File(path) => {
                Box::new(BufReader::new(File::open(path).map_err(Error::io(*path))?))
            }
            Source::Embedded(_, bytes) => Box::new(*bytes),
        };
        let head = inner.fill_buf().map_err(|e| self.unreadable(&e))?;
        // By content: people unpack such files and keep the name, and the other way around.
        if head.starts_with(&[0x1f, 0x8b]) {
            Ok(Box::new(GzDecoder::new(inner)))
        } else {
            Ok(Box::new(inner))
        }
    }

    fn bad(&self, what: impl std::fmt::Display) -> Error {
        Error::input(format!(
            "{}: {what}; put the original file in its place",
            self.name()
        ))
    }

    fn unreadable(&self, error: &io::Error) -> Error {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => self.bad("the file is cut short"),
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
                self.bad(format!("the gzip data are damaged ({error})"))
            }
            _ => self.bad(format!("cannot be read ({error})")),
        }
    }

    /// Reads the header and gives the length of each of the `axes` axes.
    fn header(&self, input: &mut dyn Read, axes: usize, what: &str) -> Result<Vec<usize>> {
        let mut magic = [0u8; 4];
        input
            .read_exact(&mut magic)
            .map_err(|e| self.unreadable(&e))?;
        let expected = [0, 0, 8, axes as u8];
        if magic != expected {
            return Err(self.bad(format!(
                "not an IDX file of {what}: it begins with {:08x}, expected {:08x}",
                u32::from_be_bytes(magic),
                u32::from_be_bytes(expected)
            )));
        }
        let mut lengths = vec![0u8; 4 * axes];
        input
            .read_exact(&mut lengths)
            .map_err(|e| self.unreadable(&e))?;
        let lengths: Vec<usize> = lengths
            .chunks_exact(4)
            .map(|b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]) as usize)
            .collect();
        if lengths[0] == 0 || lengths[0] > MAX_IMAGES {
            return Err(self.bad(format!(
                "its header says {} {what}, expected 1 to {MAX_IMAGES}",
                lengths[0]
            )));
        }
        Ok(lengths)
    }

    /// Reads the `size` bytes behind the header, and makes sure that nothing follows them.
    fn body(&self, input: &mut dyn Read, size: usize) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        input
            .take(size as u64)
            .read_to_end(&mut bytes)
            .map_err(|e| self.unreadable(&e))?;
        if bytes.len() < size {
            return Err(self.bad(format!(
                "the file is cut short: its header promises {size} bytes, {} are there",
                bytes.len()
            )));
        }
        // Reading past the end is also what makes the decoder compare the checksum.
        match input.read(&mut [0]).map_err(|e| self.unreadable(&e))? {
            0 => Ok(bytes),
            _ => Err(self.bad(format!(
                "more bytes follow the {size} that its header promises"
            ))),
        }
    }
}

/// Reads images of `height`×`width` grey pixels and their labels, each below `classes`.
///
/// # Errors
/// A sentence that names the file and what was expected, for anything else than two whole files that belong
/// together.
pub(super) fn read(
    images: &Source,
    labels: &Source,
    [height, width]: [usize; 2],
    classes: usize,
) -> Result<Raw> {
    let mut input = images.open()?;
    let lengths = images.header(&mut *input, 3, "images")?;
    if lengths[1..] != [height, width] {
        return Err(images.bad(format!(
            "its images are {}×{}, expected {height}×{width}",
            lengths[1], lengths[2]
        )));
    }
    let count = lengths[0];
    let pixels = images.body(&mut *input, count * height * width)?;

    let mut input = labels.open()?;
    let lengths = labels.header(&mut *input, 1, "labels")?;
    if lengths[0] != count {
        return Err(labels.bad(format!(
            "it has {} labels, expected {count}, one for each image of {}",
            lengths[0],
            images.name()
        )));
    }
    let values = labels.body(&mut *input, count)?;
    if let Some(i) = values.iter().position(|&l| usize::from(l) >= classes) {
        return Err(labels.bad(format!(
            "label {} of image {i} is no class: expected 0 to {}",
            values[i],
            classes - 1
        )));
    }
    Ok(Raw {
        shape: [1, height, width],
        pixels,
        labels: values,
    })
}
