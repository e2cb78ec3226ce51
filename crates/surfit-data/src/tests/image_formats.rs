//! TIFF and GIF beside the other formats, and images in one and three channels.

use super::folder::{colour, encode_image, grey, write_file};
use super::support::*;
use crate::image_files::{self, ImageFile, ImageOrigin, ImageTarget};
use crate::images::{LabeledImages, luma};
use crate::{LoadedSet, load};
use image::codecs::gif::GifEncoder;
use image::{DynamicImage, Frame, ImageFormat, RgbImage};
use std::path::Path;
use surfit_core::config::DataConfig;

/// A set of two classes with 12 of these images each.
fn set_of(dir: &Path, ending: &str, bytes: &[u8]) {
    for class in ["ant", "bee"] {
        (0..12).for_each(|i| write_file(dir, &format!("{class}/{i}.{ending}"), bytes.to_vec()));
    }
}

fn loaded(dir: &Path, channels: usize) -> LoadedSet {
    let config = DataConfig { channels, ..config("folder", dir) };
    load(&config, 1).unwrap()
}

#[test]
fn tiff_is_read_and_of_a_gif_the_first_frame() {
    let image = colour(10, 8, 7);
    let mut gif = Vec::new();
    let plain = |rgb: [u8; 3]| -> DynamicImage { RgbImage::from_pixel(10, 8, image::Rgb(rgb)).into() };
    let mut frames = GifEncoder::new(&mut gif);
    for rgb in [[250, 10, 20], [0, 0, 255]] {
        frames.encode_frame(Frame::new(plain(rgb).to_rgba8())).unwrap();
    }
    drop(frames);
    for (ending, bytes, expected) in [
        ("tif", encode_image(image.clone(), ImageFormat::Tiff), &image),
        ("TIFF", encode_image(image.clone(), ImageFormat::Tiff), &image),
        ("gif", gif, &plain([250, 10, 20])),
    ] {
        let dir = tempfile::tempdir().unwrap();
        set_of(dir.path(), ending, &bytes);
        let set = loaded(dir.path(), 0);
        assert_eq!(set.train.shape, [3, 8, 10], "{ending}");
        let expected = expected.to_rgb8();
        for (i, value) in images(&set.train)[0].iter().enumerate() {
            let pixel = expected.as_raw()[i % 80 * 3 + i / 80];
            assert!(value.abs_diff(pixel) < 8, "{ending}: {value} at {i}, expected {pixel}");
        }
    }
}

#[test]
fn a_cut_file_of_any_format_is_refused_or_loses_no_pixel() {
    let image: DynamicImage = RgbImage::from_fn(30, 20, |x, y| {
        image::Rgb([(x * 37 % 251) as u8, (y * 91 % 241) as u8, (x * y * 13 % 239) as u8])
    })
    .into();
    let decoded = |ending: &str, bytes: &[u8]| {
        let dir = tempfile::tempdir().unwrap();
        let name = format!("x.{ending}");
        write_file(dir.path(), &name, bytes.to_vec());
        let target = ImageTarget { shape: [3, 20, 30], resize: false };
        let origin = ImageOrigin::Folder(dir.path().to_owned());
        image_files::decode_all(&origin, &[ImageFile { name, label: 0 }], target)
    };
    for (ending, format) in [
        ("png", ImageFormat::Png),
        ("bmp", ImageFormat::Bmp),
        ("ppm", ImageFormat::Pnm),
        ("webp", ImageFormat::WebP),
        ("tif", ImageFormat::Tiff),
        ("gif", ImageFormat::Gif),
        ("jpg", ImageFormat::Jpeg),
    ] {
        let bytes = encode_image(image.clone(), format);
        let whole = decoded(ending, &bytes).unwrap();
        for length in (0..bytes.len()).step_by(7).chain(bytes.len() - 12..bytes.len()) {
            if let Ok(cut) = decoded(ending, &bytes[..length]) {
                assert_eq!(cut, whole, "{ending} cut to {length} of {}", bytes.len());
            }
        }
    }
}

#[test]
fn channels_make_grey_images_colour_ones_and_back() {
    let dir = tempfile::tempdir().unwrap();
    set_of(dir.path(), "png", &encode_image(grey(6, 4, 9), ImageFormat::Png));
    let plain = loaded(dir.path(), 0);
    assert_eq!(plain.train.shape, [1, 4, 6]);
    // The cache of the one is not that of the other.
    for channels in [3, 1, 3, 0] {
        let set = loaded(dir.path(), channels);
        let count = channels.max(1);
        assert_eq!(set.train.shape, [count, 4, 6]);
        assert_eq!((set.mean.len(), set.std.len()), (count, count));
        for plane in set.train.pixels.chunks(24) {
            assert_eq!(plane, &plain.train.pixels[..24]);
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let image = colour(6, 4, 200);
    set_of(dir.path(), "png", &encode_image(image.clone(), ImageFormat::Png));
    let set = loaded(dir.path(), 1);
    assert_eq!(set.train.shape, [1, 4, 6]);
    let expected: Vec<u8> = image.to_rgb8().pixels().map(|p| luma(p.0)).collect();
    assert_eq!(images(&set.train)[0], expected);
}

#[test]
fn luma_is_that_of_pil() {
    // `Image.new("RGB", (1, 1), rgb).convert("L").getpixel((0, 0))`, PIL 13.0.
    for (rgb, expected) in [
        ([255, 0, 0], 76),
        ([0, 255, 0], 150),
        ([0, 0, 255], 29),
        ([255, 255, 255], 255),
        ([10, 20, 200], 38),
        ([123, 45, 67], 71),
    ] {
        assert_eq!(luma(rgb), expected, "{rgb:?}");
    }
}

#[test]
fn channels_hold_for_sets_of_one_shape_too() {
    let dir = tempfile::tempdir().unwrap();
    idx_files(dir.path());
    let own = load(&config("mnist", dir.path()), 1).unwrap();
    let three = DataConfig { channels: 3, ..config("mnist", dir.path()) };
    let set = load(&three, 1).unwrap();
    assert_eq!((set.train.shape, set.input_shape), ([3, 28, 28], [3, 28, 28]));
    assert_eq!((set.mean, set.std), (vec![0.1307; 3], vec![0.3081; 3]));
    for (three, one) in images(&set.test).iter().zip(images(&own.test)) {
        assert_eq!(three.to_vec(), [one; 3].concat());
    }
    let images = LabeledImages { shape: [3, 1, 2], pixels: vec![255, 10, 0, 20, 0, 200], labels: vec![0] };
    assert_eq!(images.with_channels(1).pixels, [76, 38]);
}
