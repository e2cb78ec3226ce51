//! Class folders of images, and the cache of what was decoded.

use super::support::*;
use crate::cache::load_or_make_in;
use crate::images::LabeledImages;
use crate::load;
use crate::load::RawSet;
use image::{DynamicImage, GrayImage, ImageFormat, RgbImage};
use std::cell::Cell;
use std::io::Cursor;
use std::path::Path;
use surfit_core::config::DataConfig;

pub fn encode_image(image: DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    image.write_to(&mut out, format).unwrap();
    out.into_inner()
}

/// A colour image in which every pixel is different.
pub fn colour(width: u32, height: u32, number: u8) -> DynamicImage {
    RgbImage::from_fn(width, height, |x, y| image::Rgb([(x * 3 % 256) as u8, (y * 5 % 256) as u8, number])).into()
}

pub fn grey(width: u32, height: u32, number: u8) -> DynamicImage {
    GrayImage::from_fn(width, height, |x, y| image::Luma([(x + y) as u8 + number])).into()
}

pub fn write_file(dir: &Path, name: &str, bytes: Vec<u8>) {
    let path = dir.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// `each` images of every one of three classes below `folder`.
pub fn classes(dir: &Path, folder: &str, each: u8, make: fn(u8) -> (String, Vec<u8>)) {
    for class in ["ant", "bee", "cat"] {
        for i in 0..each {
            let (ending, bytes) = make(i);
            write_file(dir, &format!("{folder}/{class}/{i:02}.{ending}"), bytes);
        }
    }
}

fn mixed(i: u8) -> (String, Vec<u8>) {
    let (ending, format) = [
        ("png", ImageFormat::Png),
        ("bmp", ImageFormat::Bmp),
        ("ppm", ImageFormat::Pnm),
        ("webp", ImageFormat::WebP),
        ("PNG", ImageFormat::Png),
    ][usize::from(i) % 5];
    (ending.into(), encode_image(colour(10, 8, i), format))
}

#[test]
fn folders_with_their_own_splits_are_read_as_they_are() {
    let dir = tempfile::tempdir().unwrap();
    classes(dir.path(), "train", 12, mixed);
    classes(dir.path(), "val", 2, mixed);
    classes(dir.path(), "test", 3, mixed);
    write_file(dir.path(), "train/.DS_Store", vec![1]);
    let set = load(&config("folder", dir.path()), 1).unwrap();
    assert_eq!(set.classes, ["ant", "bee", "cat"]);
    assert_eq!([&set.train, &set.validation, &set.test].map(LabeledImages::len), [36, 6, 9]);
    assert_eq!(set.train.shape, [3, 8, 10]);
    assert_eq!(class_counts(&set.train, 3), [12; 3]);
    // Image 5 is a PNG of class 0: red rises with x, green with y, blue is its number.
    let pixels = images(&set.train)[5];
    assert_eq!((pixels[3], pixels[80 + 10 * 4], pixels[160]), (9, 20, 5));
    // Lossless formats give the same pixels.
    assert_eq!(images(&set.train)[0], images(&set.test)[0]);
    assert_eq!(images(&set.train)[1], images(&set.test)[1]);
    let (mean, _) = set.train.channel_statistics();
    assert_eq!(set.mean, mean, "measured on the training split");
    assert_eq!(set.splits, "validation: its own; test: its own");
}

#[test]
fn plain_class_folders_are_divided_by_the_seed() {
    let dir = tempfile::tempdir().unwrap();
    classes(dir.path(), ".", 30, |i| ("png".into(), encode_image(grey(6, 6, i), ImageFormat::Png)));
    let [a, b, c] = [1, 1, 2].map(|seed| load(&config("folder", dir.path()), seed).unwrap());
    assert_eq!([&a.train, &a.validation, &a.test].map(LabeledImages::len), [68, 7, 15]);
    assert_eq!(a.train.shape, [1, 6, 6], "grey when all are");
    assert_eq!(class_counts(&a.test, 3), [5; 3]);
    assert_eq!((&a.train, &a.test), (&b.train, &b.test));
    assert_ne!(a.test, c.test);
    assert!(a.splits.ends_with("test: 15 of 90 images, the same share of every class by seed 1"));
    // One in colour makes all of them so.
    write_file(dir.path(), "bee/x.png", encode_image(colour(6, 6, 1), ImageFormat::Png));
    let mixed = load(&config("folder", dir.path()), 1).unwrap();
    assert_eq!(mixed.train.shape, [3, 6, 6]);
}

#[test]
fn a_class_may_be_called_like_a_split() {
    let image = |i: u8| ("png".to_owned(), encode_image(colour(6, 6, i), ImageFormat::Png));
    for name in ["train", "val", "test", "validation"] {
        let dir = tempfile::tempdir().unwrap();
        classes(dir.path(), ".", 12, image);
        for i in 0..12 {
            write_file(dir.path(), &format!("{name}/{i}.png"), image(100 + i).1);
        }
        let set = load(&config("folder", dir.path()), 1).unwrap();
        let mut expected = vec!["ant", "bee", "cat", name];
        expected.sort_unstable();
        assert_eq!(set.classes, expected);
        let all = set.train.len() + set.validation.len() + set.test.len();
        assert_eq!(all, 48, "{name}");
        assert!(set.splits.contains("test: 8 of 48 images"), "{}", set.splits);

        // As a class of a set with splits.
        let dir = tempfile::tempdir().unwrap();
        classes(dir.path(), "train", 12, image);
        write_file(dir.path(), &format!("train/{name}/x.png"), image(1).1);
        write_file(dir.path(), &format!("train/{name}/y.png"), image(1).1);
        classes(dir.path(), "test", 2, image);
        let set = load(&config("folder", dir.path()), 1).unwrap();
        assert_eq!(set.classes, expected);
        assert_eq!(set.test.len(), 6);
    }
    // Images that nobody has sorted: which split one is in is not what it shows.
    let dir = tempfile::tempdir().unwrap();
    for i in 0..12 {
        write_file(dir.path(), &format!("train/{i}.png"), image(i).1);
        write_file(dir.path(), &format!("test/{i}.png"), image(i).1);
    }
    assert_refused(
        load(&config("folder", dir.path()), 1),
        dir.path().to_str().unwrap(),
        "test and train have no class folders",
    );
    // Images and class folders in one.
    classes(dir.path(), "train", 12, image);
    std::fs::remove_dir_all(dir.path().join("test")).unwrap();
    write_file(dir.path(), "loose.png", image(1).1);
    write_file(dir.path(), "train/notes.txt", vec![1]);
    let set = load(&config("folder", dir.path()), 1).unwrap();
    assert_eq!(set.train.len() + set.validation.len() + set.test.len(), 36);
    assert_eq!(set.notices.len(), 2, "{:?}", set.notices);
    let said = &set.notices[0];
    assert!(
        said.contains("13 images left out beside the class folders") && said.contains("train/0.png first"),
        "{said}"
    );
    assert!(set.notices[1].contains("1 file left out"), "{:?}", set.notices);
}

#[test]
fn image_size_takes_the_middle_of_every_image() {
    let dir = tempfile::tempdir().unwrap();
    classes(dir.path(), ".", 12, |i| {
        // Black, but for a white square in the middle, in two sizes.
        let (w, h) = if i % 2 == 0 { (24, 12) } else { (8, 16) };
        let side = w.min(h);
        let image = GrayImage::from_fn(w, h, |x, y| {
            let inside = |v: u32, all: u32| (all - side) / 2 <= v && v < (all + side) / 2;
            image::Luma([if inside(x, w) && inside(y, h) { 255 } else { 0 }])
        });
        ("png".into(), encode_image(image.into(), ImageFormat::Png))
    });
    assert_refused(load(&config("folder", dir.path()), 1), "01.png", "the image is 8×16, but ");
    let sized = DataConfig { image_size: 6, ..config("folder", dir.path()) };
    let set = load(&sized, 1).unwrap();
    assert_eq!(set.train.shape, [1, 6, 6]);
    assert!(set.train.pixels.iter().all(|&p| p == 255));
    assert!(set.description.ends_with("at 6×6"), "{}", set.description);
}

#[test]
fn what_is_no_image_is_named() {
    let png = encode_image(colour(10, 8, 1), ImageFormat::Png);
    let mut bomb = encode_image(colour(10, 8, 1), ImageFormat::Bmp);
    bomb[18..26].copy_from_slice(&[0, 0, 1, 0, 0, 0, 1, 0]); // 65536×65536
    let cases: [(&str, Vec<u8>, &str); 5] = [
        ("train/bee/x.png", b"hello".to_vec(), "not an image"),
        ("train/bee/x.png", png[..png.len() / 2].to_vec(), "x.png"),
        ("train/bee/x.bmp", bomb, "x.bmp"),
        ("train/bee/x.png", encode_image(colour(9, 8, 1), ImageFormat::Png), "9×8"),
        ("test/dog/x.png", png.clone(), "no class `dog` among"),
    ];
    for (name, bytes, part) in cases {
        let dir = tempfile::tempdir().unwrap();
        classes(dir.path(), "train", 12, mixed);
        classes(dir.path(), "test", 2, mixed);
        write_file(dir.path(), name, bytes);
        let file = dir.path().join(name.split("/x").next().unwrap());
        let said = config("folder", dir.path());
        assert_refused(load(&said, 1), file.to_str().unwrap(), part);
        let sized = DataConfig { image_size: 8, ..said };
        if !name.ends_with("bee/x.png") || part != "9×8" {
            assert_refused(load(&sized, 1), file.to_str().unwrap(), "");
        }
    }
    let dir = tempfile::tempdir().unwrap();
    classes(dir.path(), "train", 12, mixed);
    std::fs::create_dir_all(dir.path().join("train/dog")).unwrap();
    assert_refused(load(&config("folder", dir.path()), 1), "train/dog", "the class folder has no images");
    std::fs::remove_dir(dir.path().join("train/dog")).unwrap();
    std::fs::create_dir_all(dir.path().join("val/ant")).unwrap();
    assert_refused(load(&config("folder", dir.path()), 1), "val", "no class folders with images");
}

#[test]
fn a_cache_is_used_until_its_source_or_its_bytes_change() {
    let dir = tempfile::tempdir().unwrap();
    let made = Cell::new(0);
    let make = || {
        made.set(made.get() + 1);
        let images = |n: u8| LabeledImages {
            shape: [1, 2, 2],
            pixels: (0..4 * n).collect(),
            labels: (0..n).map(|i| u16::from(i % 2)).collect(),
        };
        Ok(RawSet { classes: vec!["a".into(), "b".into()], train: images(9), validation: None, test: Some(images(3)) })
    };
    let source = Path::new("/somewhere/images");
    let get = |key: &str| load_or_make_in(dir.path(), source, "folder", key, make).unwrap();
    let first = get("k1");
    assert_eq!((get("k1"), made.get()), (first, 1));
    get("k2");
    assert_eq!(made.get(), 2, "another key");
    let files: Vec<_> = std::fs::read_dir(dir.path()).unwrap().flatten().collect();
    assert_eq!(files.len(), 1, "one file for each source");
    let path = files[0].path();
    let good = std::fs::read(&path).unwrap();
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 0x41;
        std::fs::write(&path, &bad).unwrap();
        let before = made.get();
        assert_eq!(get("k2").train.len(), 9);
        assert_eq!(made.get(), before + 1, "byte {at}");
    }
    for length in [0, 10, 30, good.len() - 1] {
        std::fs::write(&path, &good[..length]).unwrap();
        let before = made.get();
        get("k2");
        assert_eq!(made.get(), before + 1, "cut to {length}");
    }
    // A folder that cannot be written costs nothing but time.
    let nowhere = dir.path().join("file");
    std::fs::write(&nowhere, "x").unwrap();
    load_or_make_in(&nowhere, source, "folder", "k", make).unwrap();
}
