//! One drawing, three forms: PNG and SVG for files, pixels for the screen.

use super::ReportError;
use super::style::{FigureTheme, px, register_fonts};
use plotters::coord::Shift;
use plotters::prelude::*;
use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::ops::Deref;
use surfit_core::files::{FileLocation, write_atomic};

/// Pixels of a PNG per nominal point; the drawing is averaged down to it, which smooths all edges.
const PNG_SCALE: u32 = 2;

/// The page that a figure is drawn on. It draws like the drawing area that it wraps.
pub struct FigurePage<'a, DB: DrawingBackend> {
    area: &'a DrawingArea<DB, Shift>,
    /// Width in nominal points.
    pub width: f64,
    /// Height in nominal points.
    pub height: f64,
    /// Colours of the figure.
    pub theme: FigureTheme,
    /// It is on a screen, where room is scarce.
    pub on_screen: bool,
}

impl<'a, DB: DrawingBackend> Deref for FigurePage<'a, DB> {
    type Target = DrawingArea<DB, Shift>;

    fn deref(&self) -> &Self::Target {
        self.area
    }
}

impl<DB: DrawingBackend> FigurePage<'_, DB> {
    /// The first length on a page of a file, the second on a screen; in nominal points.
    pub fn length(&self, file: f64, screen: f64) -> f64 {
        if self.on_screen { screen } else { file }
    }
}

/// Pixels, row by row from the top.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PixelImage {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Red, green and blue of every pixel.
    pub rgb: Vec<u8>,
}

/// A part of a screen that a figure fills.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScreenPage {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Height of a line of the screen's text in pixels, which letters of the figure go by.
    pub line_height: u32,
    /// Colours of the screen.
    pub theme: FigureTheme,
}

/// Nominal points of a line of a screen's text.
const POINTS_PER_LINE: f64 = 16.0;
/// Most nominal points of a side of a screen's figure: larger ones would be drawn slowly, and have no more to show.
const MAX_SCREEN_POINTS: f64 = 1600.0;

impl ScreenPage {
    /// Width and height in nominal points.
    fn size(&self) -> (u32, u32) {
        let scale = POINTS_PER_LINE / f64::from(self.line_height.max(1));
        let longest = f64::from(self.width.max(self.height)) * scale;
        let scale = scale * (MAX_SCREEN_POINTS / longest).min(1.0);
        let points = |pixels: u32| (f64::from(pixels) * scale).round().max(1.0) as u32;
        (points(self.width), points(self.height))
    }
}

pub trait DrawableFigure {
    /// Width and height in a file, in nominal points (a 96th of an inch).
    fn size(&self) -> (u32, u32);

    /// Draws on a page that has its background, whatever its size.
    ///
    /// # Errors
    /// The backend's error.
    fn draw<DB: DrawingBackend>(&self, page: &FigurePage<'_, DB>) -> Result<(), DrawingAreaErrorKind<DB::ErrorType>>;

    /// The figure as a PNG file of two pixels per nominal point.
    ///
    /// # Errors
    /// [`ReportError::Draw`].
    fn png(&self) -> Result<Vec<u8>, ReportError> {
        let (width, height) = self.size();
        let drawing = draw_pixels(self, (width, height), FigureTheme::PAPER, false)?;
        let image = resample(&drawing, width * PNG_SCALE, height * PNG_SCALE);
        // 96 points an inch, so that the picture has its nominal size on paper too.
        let per_metre = (96.0 * f64::from(PNG_SCALE) / 0.0254).round() as u32;
        image.to_png(per_metre)
    }

    /// The figure as pixels that fill a part of a screen.
    ///
    /// # Errors
    /// [`ReportError::Draw`].
    fn screen_image(&self, screen: &ScreenPage) -> Result<PixelImage, ReportError> {
        let drawing = draw_pixels(self, screen.size(), screen.theme, true)?;
        Ok(resample(&drawing, screen.width.max(1), screen.height.max(1)))
    }

    /// The figure as an SVG document.
    ///
    /// # Errors
    /// [`ReportError::Draw`].
    fn svg(&self) -> Result<String, ReportError> {
        let (nominal, size) = (self.size(), drawing_size(self.size()));
        let mut document = String::new();
        {
            let area = SVGBackend::with_string(&mut document, size).into_drawing_area();
            draw_on(&area, self, nominal, FigureTheme::PAPER, false).map_err(|e| ReportError::Draw(e.to_string()))?;
        }
        // The view box keeps the drawing's pixels; only the size on the page is nominal.
        let drawn = format!("width=\"{}\" height=\"{}\"", size.0, size.1);
        let shown = format!("width=\"{}\" height=\"{}\"", nominal.0, nominal.1);
        Ok(document.replacen(&drawn, &shown, 1).replace(
            "font-family=\"sans-serif\"",
            "font-family=\"Noto Sans, DejaVu Sans, Helvetica, Arial, sans-serif\"",
        ))
    }

    /// Writes the figure in the format given by the file's extension.
    ///
    /// # Errors
    /// [`ReportError::UnknownFormat`] for another name, else as [`DrawableFigure::png`], and [`ReportError::Io`].
    fn write(&self, location: &(impl FileLocation + ?Sized)) -> Result<(), ReportError> {
        let path = location.full_path();
        let bytes = match path.extension().and_then(|e| e.to_str()) {
            Some("png") => self.png()?,
            Some("svg") => self.svg()?.into_bytes(),
            _ => return Err(ReportError::UnknownFormat(path.to_owned())),
        };
        write_atomic(location, &bytes).map_err(|source| ReportError::Io { path: path.to_owned(), source })
    }
}

fn draw_on<DB: DrawingBackend, F: DrawableFigure + ?Sized>(
    area: &DrawingArea<DB, Shift>,
    figure: &F,
    (width, height): (u32, u32),
    theme: FigureTheme,
    on_screen: bool,
) -> Result<(), DrawingAreaErrorKind<DB::ErrorType>> {
    register_fonts();
    area.fill(&theme.background)?;
    figure.draw(&FigurePage { area, width: width.into(), height: height.into(), theme, on_screen })?;
    area.present()
}

/// The drawing as pixels, [`crate::style::PIXELS_PER_POINT`] a nominal point of `size`.
fn draw_pixels<F: DrawableFigure + ?Sized>(
    figure: &F,
    size: (u32, u32),
    theme: FigureTheme,
    on_screen: bool,
) -> Result<PixelImage, ReportError> {
    let (width, height) = drawing_size(size);
    let mut rgb = vec![0; (width * height * 3) as usize];
    {
        let area = BitMapBackend::with_buffer(&mut rgb, (width, height)).into_drawing_area();
        draw_on(&area, figure, size, theme, on_screen).map_err(|e| ReportError::Draw(e.to_string()))?;
    }
    Ok(PixelImage { width, height, rgb })
}

fn drawing_size((width, height): (u32, u32)) -> (u32, u32) {
    (px(f64::from(width)) as u32, px(f64::from(height)) as u32)
}

/// The image with other numbers of pixels: each is the mean of the area that it covers.
fn resample(image: &PixelImage, width: u32, height: u32) -> PixelImage {
    // Along x first: `rows` has the height of the source.
    let columns = resample_weights(image.width, width);
    let source = image.rgb.chunks_exact(3 * image.width as usize);
    let mut rows = Vec::with_capacity(3 * (width * image.height) as usize);
    for row in source {
        for (first, weights) in &columns {
            let mut sum = [0.0f32; 3];
            for (weight, pixel) in weights.iter().zip(row[3 * first..].chunks_exact(3)) {
                for (sum, value) in sum.iter_mut().zip(pixel) {
                    *sum += weight * f32::from(*value);
                }
            }
            rows.extend(sum);
        }
    }
    let stride = 3 * width as usize;
    let mut rgb = Vec::with_capacity(stride * height as usize);
    let mut sums = vec![0.0f32; stride];
    for (first, weights) in resample_weights(image.height, height) {
        sums.fill(0.0);
        for (weight, row) in weights.iter().zip(rows[first * stride..].chunks_exact(stride)) {
            for (sum, value) in sums.iter_mut().zip(row) {
                *sum += weight * value;
            }
        }
        rgb.extend(sums.iter().map(|sum| sum.round() as u8));
    }
    PixelImage { width, height, rgb }
}

/// Of each of `to` pixels: the first of `from` pixels that it covers, and its share of that one and those after it.
fn resample_weights(from: u32, to: u32) -> Vec<(usize, Vec<f32>)> {
    let size = f64::from(from) / f64::from(to);
    let weights = |n: u32| {
        let (start, end) = (size * f64::from(n), size * f64::from(n + 1));
        let (first, last) = ((start + 1e-9) as u32, ((end - 1e-9).ceil() as u32).min(from));
        let share = |k: u32| f64::from(k + 1).min(end) - f64::from(k).max(start);
        (first as usize, (first..last).map(|k| (share(k) / size) as f32).collect())
    };
    (0..to).map(weights).collect()
}

impl PixelImage {
    /// A PNG file of its colours as they are, for paper with so many pixels a metre.
    ///
    /// # Errors
    /// [`ReportError::Draw`].
    pub fn to_png(&self, pixels_per_metre: u32) -> Result<Vec<u8>, ReportError> {
        encode_png(self, |encoder| {
            encoder.set_color(png::ColorType::Rgb);
            let unit = png::Unit::Meter;
            encoder.set_pixel_dims(Some(png::PixelDimensions { xppu: pixels_per_metre, yppu: pixels_per_metre, unit }));
            Cow::Borrowed(&self.rgb)
        })
    }

    /// A PNG file of the colours of [`PixelImage::index_colors`], which has a fraction of the bytes.
    ///
    /// # Errors
    /// [`ReportError::Draw`].
    pub fn to_palette_png(&self) -> Result<Vec<u8>, ReportError> {
        let (palette, pixels) = self.index_colors(256);
        encode_png(self, |encoder| {
            encoder.set_color(png::ColorType::Indexed);
            encoder.set_palette(palette.concat());
            // Numbers of colours are no slopes that neighbours would tell.
            encoder.set_filter(png::Filter::NoFilter);
            encoder.set_compression(png::Compression::High);
            Cow::Owned(pixels)
        })
    }

    /// At most `most` colours, 256 of them or fewer, and the number of each pixel's one. Colours beyond that become the nearest.
    pub fn index_colors(&self, most: usize) -> (Vec<[u8; 3]>, Vec<u8>) {
        let pixels = || self.rgb.chunks_exact(3).map(|p| [p[0], p[1], p[2]]);
        let mut counts: HashMap<[u8; 3], usize> = HashMap::new();
        for pixel in pixels() {
            *counts.entry(pixel).or_default() += 1;
        }
        let mut colors: Vec<([u8; 3], usize)> = counts.into_iter().collect();
        colors.sort_unstable_by_key(|&(color, count)| (Reverse(count), color));
        // Similar colours share the most frequent of them.
        let mut groups: HashMap<[u8; 3], usize> = HashMap::new();
        let mut shared: Vec<([u8; 3], usize)> = Vec::new();
        for &(color, count) in &colors {
            let coarse = if colors.len() > most { color.map(|c| c >> 3) } else { color };
            let group = *groups.entry(coarse).or_insert(shared.len());
            match shared.get_mut(group) {
                Some(known) => known.1 += count,
                None => shared.push((color, count)),
            }
        }
        let palette = choose_palette(&shared, most.min(256));
        let nearest = |color: &[u8; 3]| {
            (0..palette.len()).min_by_key(|&n| squared_distance(&palette[n], color)).unwrap_or(0) as u8
        };
        let numbers: HashMap<[u8; 3], u8> = colors.iter().map(|(color, _)| (*color, nearest(color))).collect();
        let indices = pixels().map(|pixel| numbers[&pixel]).collect();
        (palette, indices)
    }
}

/// The first colour, then again and again the one that the most pixels miss the most, so that rare colours of their own have a
/// place beside shades of frequent ones.
fn choose_palette(colors: &[([u8; 3], usize)], most: usize) -> Vec<[u8; 3]> {
    let mut palette: Vec<[u8; 3]> = colors.first().map(|c| c.0).into_iter().collect();
    let mut missed = vec![u64::MAX; colors.len()];
    while let Some(last) = palette.last().filter(|_| palette.len() < most.min(colors.len())) {
        for (missed, (color, count)) in missed.iter_mut().zip(colors) {
            *missed = (*missed).min(u64::from(squared_distance(last, color)) * *count as u64);
        }
        let next = (0..colors.len()).max_by_key(|&n| (missed[n], Reverse(n))).unwrap_or(0);
        palette.push(colors[next].0);
    }
    palette
}

fn squared_distance(a: &[u8; 3], b: &[u8; 3]) -> u32 {
    a.iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(*b)).pow(2)).sum()
}

fn encode_png<'a>(
    image: &PixelImage,
    prepare: impl FnOnce(&mut png::Encoder<'_, &mut Vec<u8>>) -> Cow<'a, [u8]>,
) -> Result<Vec<u8>, ReportError> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, image.width, image.height);
    let data = prepare(&mut encoder);
    let write = || {
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&data)?;
        writer.finish()
    };
    write().map_err(|e: png::EncodingError| ReportError::Draw(e.to_string()))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_are_means_of_what_they_cover() {
        let rgb = (0..6 * 4).flat_map(|n| [n as u8, 100, 200 - n as u8]).collect();
        let image = PixelImage { width: 6, height: 4, rgb };
        assert_eq!(resample(&image, 6, 4), image);
        let half = resample(&image, 3, 2);
        // The mean of 0, 1, 6 and 7, and of 16, 17, 22 and 23.
        assert_eq!((half.rgb[0], half.rgb[15], half.rgb[16]), (4, 20, 100));
        for (width, height) in [(5, 3), (1, 1), (11, 9)] {
            let other = resample(&image, width, height);
            assert_eq!(other.rgb.len() as u32, 3 * width * height);
            let mean: f64 = other.rgb.iter().map(|v| f64::from(*v)).sum::<f64>() / other.rgb.len() as f64;
            assert!((mean - 100.0).abs() < 1.0, "{width}×{height}: {mean}");
            assert!(other.rgb.chunks(3).all(|p| p[1] == 100));
        }
    }

    #[test]
    fn a_palette_keeps_few_colours_and_of_many_the_rare_ones_too() {
        let few = PixelImage { width: 16, height: 4, rgb: (0..64).flat_map(|n| [n as u8, 0, 255]).collect() };
        let (palette, pixels) = few.index_colors(256);
        let back: Vec<u8> = pixels.iter().flat_map(|&n| palette[usize::from(n)]).collect();
        assert_eq!((palette.len(), back), (64, few.rgb));
        // A wide gradient of greys, and a small mark in red.
        let pixel = |n: u32| if n < 4 { [255, 0, 0] } else { [(n / 40) as u8; 3] };
        let many = PixelImage { width: 100, height: 100, rgb: (0..10_000).flat_map(pixel).collect() };
        let (palette, pixels) = many.index_colors(16);
        assert_eq!(palette.len(), 16);
        assert_eq!(palette[usize::from(pixels[0])], [255, 0, 0]);
        let far = (4..10_000).map(|n| palette[usize::from(pixels[n])][0].abs_diff(pixel(n as u32)[0]));
        assert!(far.max() <= Some(16));
    }

    #[test]
    fn letters_of_a_screen_go_by_its_lines_and_a_wall_of_pixels_has_its_limits() {
        let page = |width, height, line_height| ScreenPage { width, height, line_height, theme: FigureTheme::PAPER };
        assert_eq!(page(600, 320, 16).size(), (600, 320));
        assert_eq!(page(1200, 640, 32).size(), (600, 320));
        assert_eq!(page(8000, 4000, 16).size(), (1600, 800));
        assert_eq!(page(1, 1, 40).size(), (1, 1));
    }
}
