//! One drawing, two forms: PNG and SVG.

use super::ReportError;
use super::style::{PIXELS_PER_POINT, px, register_fonts};
use plotters::coord::Shift;
use plotters::prelude::*;
use surfit_core::files::{FileLocation, write_atomic};

/// Pixels of a PNG per nominal point; the drawing is averaged down to it, which smooths all edges.
const PNG_SCALE: u32 = 2;

/// A figure that can be drawn on any backend.
pub trait DrawableFigure {
    /// Width and height in nominal points (a 96th of an inch).
    fn size(&self) -> (u32, u32);

    /// Draws on an area that is white.
    ///
    /// # Errors
    /// The backend's error.
    fn draw<DB: DrawingBackend>(
        &self,
        area: &DrawingArea<DB, Shift>,
    ) -> Result<(), DrawingAreaErrorKind<DB::ErrorType>>;

    /// The figure as a PNG file of two pixels per nominal point.
    ///
    /// # Errors
    /// [`ReportError::Draw`].
    fn png(&self) -> Result<Vec<u8>, ReportError> {
        let (width, height) = drawing_size(self.size());
        // White to begin with.
        let mut pixels = vec![255; (width * height * 3) as usize];
        {
            let area = BitMapBackend::with_buffer(&mut pixels, (width, height)).into_drawing_area();
            draw_on(&area, self).map_err(|e| ReportError::Draw(e.to_string()))?;
        }
        let (pixels, width, height) = downsample(&pixels, width, height, PIXELS_PER_POINT as u32 / PNG_SCALE);
        encode_png(&pixels, width, height).map_err(|e| ReportError::Draw(e.to_string()))
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
            area.fill(&WHITE).map_err(|e| ReportError::Draw(e.to_string()))?;
            draw_on(&area, self).map_err(|e| ReportError::Draw(e.to_string()))?;
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
) -> Result<(), DrawingAreaErrorKind<DB::ErrorType>> {
    register_fonts();
    figure.draw(area)?;
    area.present()
}

fn drawing_size((width, height): (u32, u32)) -> (u32, u32) {
    (px(f64::from(width)) as u32, px(f64::from(height)) as u32)
}

/// The mean of every `factor × factor` block of an RGB picture, with its new width and height.
fn downsample(pixels: &[u8], width: u32, height: u32, factor: u32) -> (Vec<u8>, u32, u32) {
    let (w, h) = (width / factor, height / factor);
    let mut out = Vec::with_capacity((w * h * 3) as usize);
    for y in 0..h {
        for x in 0..w {
            for channel in 0..3 {
                let block = (0..factor).flat_map(|dy| (0..factor).map(move |dx| (dx, dy)));
                let sum: u32 = block
                    .map(|(dx, dy)| (y * factor + dy) * width + x * factor + dx)
                    .map(|at| u32::from(pixels[(at * 3 + channel) as usize]))
                    .sum();
                out.push(((sum + factor * factor / 2) / (factor * factor)) as u8);
            }
        }
    }
    (out, w, h)
}

fn encode_png(pixels: &[u8], width: u32, height: u32) -> Result<Vec<u8>, png::EncodingError> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    // 96 points an inch, so that the picture has its nominal size on paper too.
    let per_metre = (96.0 * f64::from(PNG_SCALE) / 0.0254).round() as u32;
    encoder.set_pixel_dims(Some(png::PixelDimensions { xppu: per_metre, yppu: per_metre, unit: png::Unit::Meter }));
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()?;
    Ok(file)
}
