//! Decoding many PNG, JPEG, BMP, PNM, WebP, TIFF or GIF files to images of one size. Of an animation the first frame counts.

use crate::images::{LabeledImages, luma};
use crate::jpeg;
use crate::source::unreadable_error;
use crate::{DataError, Result};
use image::{DynamicImage, GenericImageView, ImageDecoder, ImageReader, Limits, imageops::FilterType};
use std::fs::File;
use std::io::{BufReader, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use zip::ZipArchive;

/// A longer file is no image of a data set.
const MAX_FILE_BYTES: u64 = 64 << 20;
/// Memory that one image may take; a small file can promise a huge one.
const MAX_DECODED_BYTES: u64 = 256 << 20;
/// Pixels along a side.
const MAX_SIDE: u32 = 16_384;
const TRUNCATED_MESSAGE: &str = "the image is cut short";
const EXTENSIONS: [&str; 12] = ["png", "jpg", "jpeg", "bmp", "ppm", "pgm", "pbm", "pnm", "webp", "tif", "tiff", "gif"];

/// Where images are stored.
#[derive(Clone, Debug)]
pub(crate) enum ImageOrigin {
    Folder(PathBuf),
    /// In a zip archive, below a folder that may be empty.
    Zip(PathBuf, String),
}

/// An image by its path below the origin, and its class.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ImageFile {
    pub name: String,
    pub label: u16,
}

/// What images are to become.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ImageTarget {
    /// `[C, H, W]`; one channel for grey, three for colour.
    pub shape: [usize; 3],
    /// Bring images of another size to it; else they are refused.
    pub resize: bool,
}

/// What an image's header states.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ImageHeader {
    pub width: usize,
    pub height: usize,
    pub grey: bool,
}

/// True when a file's name has the ending of an image.
pub(crate) fn has_image_extension(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, ending)| EXTENSIONS.iter().any(|e| ending.eq_ignore_ascii_case(e)))
}

pub(crate) fn list_extensions() -> String {
    EXTENSIONS.join(", ")
}

/// One reader of an origin; every thread has its own.
pub(crate) enum ImageFileReader {
    Folder(PathBuf),
    Zip(PathBuf, String, Box<ZipArchive<BufReader<File>>>),
}

impl ImageFileReader {
    pub fn open(origin: &ImageOrigin) -> Result<Self> {
        match origin {
            ImageOrigin::Folder(dir) => Ok(Self::Folder(dir.clone())),
            ImageOrigin::Zip(path, below) => {
                let file = File::open(path).map_err(DataError::io(path))?;
                let archive = ZipArchive::new(BufReader::new(file)).map_err(|e| {
                    crate::source::bad_content_error(
                        &path.display().to_string(),
                        format!("it is cut short or not a zip archive ({e})"),
                    )
                })?;
                Ok(Self::Zip(path.clone(), below.clone(), Box::new(archive)))
            }
        }
    }

    /// A file's name for messages.
    pub fn display_name(&self, name: &str) -> String {
        match self {
            Self::Folder(dir) => dir.join(name).display().to_string(),
            Self::Zip(path, below, _) => format!("{}: {below}{name}", path.display()),
        }
    }

    /// A file's content.
    pub fn read(&mut self, name: &str) -> Result<Vec<u8>> {
        let shown = self.display_name(name);
        let mut content = Vec::new();
        let read = match self {
            Self::Folder(dir) => {
                let path = dir.join(name);
                let file = File::open(&path).map_err(DataError::io(&path))?;
                file.take(MAX_FILE_BYTES + 1).read_to_end(&mut content)
            }
            Self::Zip(_, below, archive) => {
                let file = archive
                    .by_name(&format!("{below}{name}"))
                    .map_err(|e| crate::source::bad_content_error(&shown, e))?;
                file.take(MAX_FILE_BYTES + 1).read_to_end(&mut content)
            }
        };
        read.map_err(|e| unreadable_error(&shown, &e))?;
        if content.len() as u64 > MAX_FILE_BYTES {
            return Err(DataError::input(format!(
                "{shown}: the file is larger than {} MB, the limit for an image; remove it",
                MAX_FILE_BYTES >> 20
            )));
        }
        Ok(content)
    }
}

/// Decodes all images, in their order, on every core.
pub(crate) fn decode_all(origin: &ImageOrigin, images: &[ImageFile], target: ImageTarget) -> Result<LabeledImages> {
    let size: usize = target.shape.iter().product();
    let mut pixels = Vec::new();
    let bytes = size.checked_mul(images.len());
    if bytes.is_none_or(|n| pixels.try_reserve_exact(n).is_err()) {
        return Err(DataError::input(format!(
            "{} images of {size} bytes do not fit into memory; use a smaller data.image_size",
            images.len()
        )));
    }
    pixels.resize(size * images.len(), 0u8);
    let stop = AtomicBool::new(false);
    let each = images.len().div_ceil(worker_count()).max(1);
    run_in_parallel(images.chunks(each).zip(pixels.chunks_mut((each * size).max(1))), |(images, pixels)| {
        let mut reader = ImageFileReader::open(origin)?;
        for (image, pixels) in images.iter().zip(pixels.chunks_mut(size)) {
            if stop.load(Ordering::Relaxed) {
                return Ok(());
            }
            let done = reader
                .read(&image.name)
                .and_then(|bytes| decode_into(&bytes, &reader.display_name(&image.name), target, pixels));
            if done.is_err() {
                stop.store(true, Ordering::Relaxed);
                return done;
            }
        }
        Ok(())
    })?;
    Ok(LabeledImages { shape: target.shape, pixels, labels: images.iter().map(|p| p.label).collect() })
}

/// What every image's header states, without decoding pixels.
pub(crate) fn read_headers(dir: &Path, images: &[ImageFile]) -> Result<Vec<ImageHeader>> {
    let empty = ImageHeader { width: 0, height: 0, grey: false };
    let mut all = vec![empty; images.len()];
    let each = images.len().div_ceil(worker_count()).max(1);
    run_in_parallel(images.chunks(each).zip(all.chunks_mut(each)), |(images, headers)| {
        for (image, header) in images.iter().zip(headers) {
            let path = dir.join(&image.name);
            let shown = path.display().to_string();
            let file = File::open(&path).map_err(DataError::io(&path))?;
            let reader = ImageReader::new(BufReader::new(file)).with_guessed_format().map_err(DataError::io(&path))?;
            if reader.format().is_none() {
                return Err(not_an_image_error(&shown));
            }
            let decoder = reader.into_decoder().map_err(|e| damaged_image_error(&shown, &e))?;
            let (width, height) = decoder.dimensions();
            *header =
                ImageHeader { width: width as usize, height: height as usize, grey: !decoder.color_type().has_color() };
        }
        Ok(())
    })?;
    Ok(all)
}

fn worker_count() -> usize {
    surfit_core::machine::allocated_cores().min(16)
}

/// Does every piece of work in a thread of its own; gives the first failure in their order.
fn run_in_parallel<W: Send>(work: impl Iterator<Item = W>, job: impl Fn(W) -> Result<()> + Sync) -> Result<()> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = work.map(|w| scope.spawn(|| job(w))).collect();
        let results: Vec<Result<()>> = threads
            .into_iter()
            .map(|t| match t.join() {
                Ok(result) => result,
                Err(panic) => std::panic::resume_unwind(panic),
            })
            .collect();
        results.into_iter().collect()
    })
}

/// What decoding images without keeping them has shown.
#[derive(Debug, Default)]
pub(crate) struct DecodeSummary {
    /// The names of those that cannot be used, each with why.
    pub faults: Vec<(String, DataError)>,
    /// A size that images have, and another when not all have the same.
    pub sizes: Vec<(usize, usize)>,
}

/// Decodes all images, also those after a damaged one, and keeps none. All must be of this size, where one is given.
pub(crate) fn check_decodable(
    origin: &ImageOrigin,
    images: &[&ImageFile],
    size: Option<(usize, usize)>,
) -> Result<DecodeSummary> {
    let each = images.len().div_ceil(worker_count()).max(1);
    let mut parts: Vec<DecodeSummary> = images.chunks(each).map(|_| DecodeSummary::default()).collect();
    run_in_parallel(images.chunks(each).zip(&mut parts), |(images, seen): (&[&ImageFile], &mut DecodeSummary)| {
        let mut reader = ImageFileReader::open(origin)?;
        for image in images {
            let shown = reader.display_name(&image.name);
            let decoded = reader
                .read(&image.name)
                .and_then(|bytes| decode_image(&bytes, &shown))
                .map(|image| (image.width() as usize, image.height() as usize));
            match (decoded, size) {
                (Ok(found), Some(size)) if found != size => {
                    seen.faults.push((image.name.clone(), size_mismatch_error(&shown, found, size)))
                }
                (Ok(found), _) if seen.sizes.len() < 2 && !seen.sizes.contains(&found) => {
                    seen.sizes.push(found);
                }
                (Ok(_), _) => {}
                (Err(error), _) => seen.faults.push((image.name.clone(), error)),
            }
        }
        Ok(())
    })?;
    let mut all = DecodeSummary::default();
    for part in parts {
        all.faults.extend(part.faults);
        for size in part.sizes {
            if all.sizes.len() < 2 && !all.sizes.contains(&size) {
                all.sizes.push(size);
            }
        }
    }
    Ok(all)
}

fn size_mismatch_error(name: &str, found: (usize, usize), expected: (usize, usize)) -> DataError {
    DataError::input(format!(
        "{name}: the image is {}×{}, expected {}×{}; set data.image_size to bring all images to one size",
        found.0, found.1, expected.0, expected.1
    ))
}

/// Decodes one image.
fn decode_image(bytes: &[u8], name: &str) -> Result<DynamicImage> {
    let mut reader =
        ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|e| unreadable_error(name, &e))?;
    if reader.format().is_none() {
        return Err(not_an_image_error(name));
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_DECODED_BYTES);
    reader.limits(limits);
    if jpeg::is_truncated(bytes) {
        return Err(crate::source::bad_content_error(name, TRUNCATED_MESSAGE));
    }
    reader.decode().map_err(|e| damaged_image_error(name, &e))
}

/// Decodes one image into its place, channel by channel.
fn decode_into(bytes: &[u8], name: &str, target: ImageTarget, pixels: &mut [u8]) -> Result<()> {
    let image = decode_image(bytes, name)?;
    let [channels, height, width] = target.shape;
    let (w, h) = (image.width() as usize, image.height() as usize);
    let image = if (w, h) == (width, height) {
        image
    } else if target.resize {
        crop_and_resize(&image, height, width)
    } else {
        return Err(size_mismatch_error(name, (w, h), (width, height)));
    };
    if channels == 1 && image.color().has_color() {
        let colours = image.to_rgb8();
        for (grey, pixel) in pixels.iter_mut().zip(colours.pixels()) {
            *grey = luma(pixel.0);
        }
    } else if channels == 1 {
        pixels.copy_from_slice(image.to_luma8().as_raw());
    } else {
        let plane = height * width;
        for (i, pixel) in image.to_rgb8().pixels().enumerate() {
            for (channel, value) in pixel.0.iter().enumerate() {
                pixels[channel * plane + i] = *value;
            }
        }
    }
    Ok(())
}

/// The middle of an image in the target's proportions, brought to its size.
fn crop_and_resize(image: &DynamicImage, height: usize, width: usize) -> DynamicImage {
    let (w, h) = image.dimensions();
    let side = w.min(h);
    image.crop_imm((w - side) / 2, (h - side) / 2, side, side).resize_exact(
        width as u32,
        height as u32,
        FilterType::Triangle,
    )
}

fn not_an_image_error(name: &str) -> DataError {
    DataError::input(format!("{name}: not an image; expected one of the formats {}", list_extensions()))
}

fn damaged_image_error(name: &str, error: &image::ImageError) -> DataError {
    let what = match error {
        image::ImageError::Limits(_) => {
            return DataError::input(format!(
                "{name}: the image would need more than {} MB of memory or {MAX_SIDE} pixels per side; make it smaller",
                MAX_DECODED_BYTES >> 20
            ));
        }
        image::ImageError::IoError(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => TRUNCATED_MESSAGE.to_owned(),
        other => {
            let text = other.to_string();
            format!("the image is damaged or of an unknown kind ({})", text.lines().next().unwrap_or_default())
        }
    };
    crate::source::bad_content_error(name, what)
}
