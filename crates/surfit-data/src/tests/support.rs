//! Small data sets in the true formats.

use crate::LabeledImages;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;
use std::path::Path;
use surfit_core::config::DataConfig;

pub fn config(set: &str, dir: &Path) -> DataConfig {
    DataConfig { name: set.into(), root: dir.into(), ..DataConfig::default() }
}

/// Images of each class.
pub fn class_counts(images: &LabeledImages, classes: usize) -> Vec<usize> {
    let mut counts = vec![0; classes];
    images.labels.iter().for_each(|&l| counts[usize::from(l)] += 1);
    counts
}

/// Every image's bytes.
pub fn images(images: &LabeledImages) -> Vec<&[u8]> {
    images.pixels.chunks(images.image_bytes()).collect()
}

pub fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut out = GzEncoder::new(Vec::new(), Compression::fast());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

/// Puts files below a folder.
pub fn unpack(dir: &Path, files: &[(String, Vec<u8>)]) {
    for (name, bytes) in files {
        let path = dir.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

/// A gzipped tar archive of these files.
pub fn tar_gz(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        tar.append_data(&mut header, name, &bytes[..]).unwrap();
    }
    gzipped(&tar.into_inner().unwrap())
}

/// The sentence of a failure that must begin with the file's name and say this.
#[track_caller]
pub fn assert_refused<T: std::fmt::Debug>(result: crate::Result<T>, file: &str, part: &str) {
    let error = result.expect_err(file).to_string();
    assert!(error.contains(file) && error.contains(part), "{error}");
    assert!(!error.contains('\n'), "{error}");
}

pub fn images_idx(n: u32, size: u32) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, 3];
    [n, size, size].iter().for_each(|x| bytes.extend(x.to_be_bytes()));
    (0..n).for_each(|i| bytes.extend(vec![i as u8; (size * size) as usize]));
    bytes
}

pub fn labels_idx(values: &[u8]) -> Vec<u8> {
    [&[0, 0, 8, 1], (values.len() as u32).to_be_bytes().as_slice(), values].concat()
}

/// A small set in the files of the MNIST family, some gzipped: 200 training and 20 test images.
pub fn idx_files(dir: &Path) {
    let values: Vec<u8> = (0..200).map(|i| i % 10).collect();
    let write = |name: &str, bytes: Vec<u8>| std::fs::write(dir.join(name), bytes).unwrap();
    write("train-images-idx3-ubyte.gz", gzipped(&images_idx(200, 28)));
    write("train-labels-idx1-ubyte", labels_idx(&values));
    write("t10k-images-idx3-ubyte", images_idx(20, 28));
    write("t10k-labels-idx1-ubyte.gz", gzipped(&labels_idx(&values[..20])));
}

/// Pixels of a made-up image, different for every number.
pub fn pattern(number: usize, size: usize) -> Vec<u8> {
    (0..size).map(|k| ((number * 7919 + k * 31) % 251) as u8).collect()
}
