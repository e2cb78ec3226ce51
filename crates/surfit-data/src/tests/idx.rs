//! Files of the MNIST family with a fault.

use super::support::*;
use crate::find::best_in_folder;
use crate::formats::idx::read;
use crate::load;
use crate::source::NamedFile;
use crate::verify::{FileVerdict, verify};
use surfit_core::data_sets::DataSetSpec;

#[test]
fn damaged_files_get_a_sentence_with_their_name() {
    let good = images_idx(30, 28);
    let good_labels = labels_idx(&[1; 30]);
    let mut flipped = gzipped(&good);
    let middle = flipped.len() - 6; // in the checksum
    flipped[middle] ^= 1;
    let mut magic = good.clone();
    magic[3] = 1;
    let mut counted = good.clone();
    counted[4..8].fill(0xff);
    let bad_images: Vec<(&str, Vec<u8>, &str)> = vec![
        ("cut", good[..good.len() - 5].to_vec(), "header gives 23520 bytes, but it has 23515"),
        ("cut gzip", gzipped(&good)[..60].to_vec(), "cut short"),
        ("cut in the header", good[..7].to_vec(), "cut short"),
        ("empty", Vec::new(), "cut short"),
        ("long", [good.clone(), vec![0]].concat(), "it has more than the 23520 bytes"),
        ("checksum", flipped, "packed data are damaged"),
        ("magic", magic, "begins with 00000801, expected 00000803"),
        ("a page of text", b"<html>not found</html>".to_vec(), "not an IDX file"),
        ("too many", counted, "4294967295 images"),
        ("none", images_idx(0, 28), "0 images"),
        ("size", images_idx(30, 32), "32×32, expected 28×28"),
        ("bomb", gzipped(&[images_idx(3, 28), vec![0; 10_000_000]].concat()), "it has more than the 2352 bytes"),
    ];
    let dir = tempfile::tempdir().unwrap();
    let (x, y) = (dir.path().join("x"), dir.path().join("y"));
    let spec = DataSetSpec::find("mnist").unwrap();
    let read = || read(spec, &NamedFile::File(&x), &NamedFile::File(&y));
    std::fs::write(&y, &good_labels).unwrap();
    for (case, bytes, expected) in bad_images {
        std::fs::write(&x, bytes).unwrap();
        let error = read().unwrap_err().to_string();
        assert!(error.starts_with(x.to_str().unwrap()) && error.contains(expected), "{case}: {error}");
    }
    std::fs::write(&x, &good).unwrap();
    read().unwrap();
    for (case, bytes, expected) in [
        ("count", labels_idx(&[1; 29]), "29 labels, expected 30"),
        ("class", labels_idx(&[10; 30]), "label 10 of image 0 is not a class: expected 0 to 9"),
        ("images", good, "expected 00000801"),
    ] {
        std::fs::write(&y, bytes).unwrap();
        let error = read().unwrap_err().to_string();
        assert!(error.starts_with(y.to_str().unwrap()) && error.contains(expected), "{case}: {error}");
    }
}

/// Files that were never published have no checksum that tells them apart; their counts and their images do.
#[test]
fn training_and_test_files_in_each_others_place_are_refused() {
    for set in ["mnist", "fashion-mnist", "kmnist"] {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| std::fs::write(dir.path().join(name), bytes).unwrap();
        let labels: Vec<u8> = (0..60_000).map(|i| (i % 10) as u8).collect();
        let load = || load(&config(set, dir.path()), 1);
        // A few images to train on are a set like any other.
        write("t10k-images-idx3-ubyte", &images_idx(200, 28));
        write("t10k-labels-idx1-ubyte", &labels_idx(&labels[..200]));
        write("train-images.idx3-ubyte.gz", &gzipped(&images_idx(60, 28)));
        write("train-labels-idx1-ubyte", &labels_idx(&labels[..60]));
        let few = load().unwrap();
        assert_eq!([few.train.len(), few.validation.len(), few.test.len()], [50, 10, 200]);
        let found = best_in_folder(DataSetSpec::find(set).unwrap(), dir.path()).unwrap();
        let checked = verify(&found);
        assert!(checked.iter().all(|c| c.verdict == FileVerdict::Readable));
        // Only the images, or only the labels.
        write("t10k-labels-idx1-ubyte", &labels_idx(&labels[..60]));
        write("train-labels-idx1-ubyte", &labels_idx(&labels[..200]));
        assert_refused(load(), "train-labels-idx1-ubyte", "200 labels, expected 60");
        // The test files under both names.
        std::fs::remove_file(dir.path().join("train-images.idx3-ubyte.gz")).unwrap();
        write("t10k-labels-idx1-ubyte", &labels_idx(&labels[..200]));
        write("train-images-idx3-ubyte", &images_idx(200, 28));
        assert_refused(load(), "train-images-idx3-ubyte", "its images are those of t10k-images-idx3-ubyte");
        // As many images in each as were published in the other.
        write("train-images-idx3-ubyte", &images_idx(10_000, 28));
        write("train-labels-idx1-ubyte", &labels_idx(&labels[..10_000]));
        write("t10k-images-idx3-ubyte", &images_idx(60_000, 28));
        write("t10k-labels-idx1-ubyte", &labels_idx(&labels));
        for part in
            ["it has 10000 images and t10k-images-idx3-ubyte has 60000", "expected 60000 to train on and 10000 to test"]
        {
            assert_refused(load(), "train-images-idx3-ubyte", part);
        }
    }
}

/// The real files, where Debian's package has put them.
#[test]
fn real_files_are_read_and_refused_under_another_sets_name() {
    let real = std::path::Path::new("/usr/share/datasets/fashion-mnist");
    if !real.is_dir() {
        println!("the package dataset-fashion-mnist is not installed: nothing to read");
        return;
    }
    let set = load(&config("fashion-mnist", real), 1).unwrap();
    assert_eq!([set.train.len(), set.validation.len(), set.test.len()], [55_000, 5_000, 10_000]);
    assert_eq!(class_counts(&set.validation, 10), [500; 10]);
    let (mean, std) = set.train.channel_statistics();
    assert!((mean[0] - 0.2860).abs() < 1e-3 && (std[0] - 0.3530).abs() < 1e-3);
    assert_refused(
        load(&config("mnist", real), 1),
        "train-images-idx3-ubyte.gz",
        "its content is train-images-idx3-ubyte of fashion-mnist, expected train-images-idx3-ubyte of mnist",
    );
    // Test images under the name of training images would be trained on.
    let dir = tempfile::tempdir().unwrap();
    for kind in ["images-idx3-ubyte.gz", "labels-idx1-ubyte.gz"] {
        let original = real.join(format!("t10k-{kind}"));
        for part in ["train", "t10k"] {
            std::fs::copy(&original, dir.path().join(format!("{part}-{kind}"))).unwrap();
        }
    }
    assert_refused(
        load(&config("fashion-mnist", dir.path()), 1),
        "train-images-idx3-ubyte.gz",
        "its content is t10k-images-idx3-ubyte",
    );
}
