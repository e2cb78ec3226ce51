//! Splits and limits: functions of the seed, every class in equal parts.

use super::support::*;
use crate::class_sampling::sample_equal_classes;
use crate::find::find_set_in;
use crate::{LabeledImages, load};
use std::collections::HashSet;
use std::path::Path;
use surfit_core::config::DataConfig;
use surfit_core::data_sets::DataSetSpec;

#[test]
fn a_choice_takes_from_every_class_alike() {
    // Class 0 is scarce: the others give what it lacks.
    let labels: Vec<u16> = (0..100).map(|i| if i < 4 { 0 } else { 1 + (i % 3) as u16 }).collect();
    let (chosen, others) = sample_equal_classes(&labels, 40, 3, 0);
    let of = |class: u16| chosen.iter().filter(|&&i| labels[i] == class).count();
    assert_eq!((0..4).map(of).collect::<Vec<_>>(), [4, 12, 12, 12]);
    let mut all = [chosen.clone(), others].concat();
    all.sort_unstable();
    assert_eq!(all, (0..100).collect::<Vec<_>>());
    assert_ne!(chosen, sample_equal_classes(&labels, 40, 3, 1).0);
}

#[test]
fn keeping_images_is_taking_them() {
    let all = LabeledImages { shape: [1, 2, 2], pixels: (0..40).collect(), labels: (0..10).collect() };
    let indices = [0, 3, 4, 9];
    let mut kept = all.clone();
    kept.retain_indices(&indices);
    assert_eq!(kept, all.select(&indices));
    assert_eq!(kept.labels, [0, 3, 4, 9]);
    assert_eq!(kept.pixels[4..8], [12, 13, 14, 15]);
}

#[test]
fn statistics_are_those_of_the_pixels() {
    let images = LabeledImages { shape: [2, 1, 2], pixels: vec![0, 255, 7, 7, 255, 0, 7, 7], labels: vec![0, 0] };
    let (mean, std) = images.channel_statistics();
    assert!((mean[0] - 0.5).abs() < 1e-12 && (std[0] - 0.5).abs() < 1e-12);
    // One value only: nothing may be divided by 0.
    assert!((mean[1] - 7.0 / 255.0).abs() < 1e-12 && std[1] == 1.0 / 255.0);
}

#[test]
fn the_full_set_is_read_plain_or_gzipped_and_divided_by_the_seed() {
    let dir = tempfile::tempdir().unwrap();
    idx_files(dir.path());
    let here = DataConfig { validation_images: 50, ..config("fashion-mnist", dir.path()) };
    let [a, b, c] = [1, 1, 2].map(|seed| load(&here, seed).unwrap());
    assert_eq!(a.name, "fashion-mnist");
    assert!(a.description.contains(dir.path().to_str().unwrap()));
    assert_eq!(
        a.splits,
        "validation: 50 of 200 training images, the same share of every class by seed 1; test: its own"
    );
    let lengths = [&a.train, &a.validation, &a.test].map(LabeledImages::len);
    assert_eq!(lengths, [150, 50, 20]);
    assert_eq!(class_counts(&a.validation, 10), [5; 10]);
    assert_eq!(a.validation, b.validation);
    assert_ne!(a.validation, c.validation);
    let both: HashSet<_> = images(&a.train).into_iter().chain(images(&a.validation)).collect();
    assert_eq!(both.len(), 200);
    let same = load(&config("mnist", dir.path()), 1).unwrap();
    assert_eq!((same.name.as_str(), same.classes[3].as_str()), ("mnist", "3"));
    assert_eq!(same.mean, [0.1307]);
    let same = load(&config("kmnist", dir.path()), 1).unwrap();
    assert_eq!((same.name.as_str(), same.classes[3].as_str()), ("kmnist", "tsu"));
    // A tenth, where nothing was said.
    assert_eq!(same.validation.len(), 20);

    for (images, part) in [(5, "at least 20"), (190, "would leave fewer than 20")] {
        let few = DataConfig { validation_images: images, ..here.clone() };
        assert_refused(load(&few, 1), "data.validation_images", part);
    }
    let sized = DataConfig { image_size: 32, ..here };
    let sized = load(&sized, 1).unwrap();
    assert_eq!((sized.train.shape, sized.input_shape), ([1, 28, 28], [1, 32, 32]));
}

#[test]
fn limits_are_balanced_functions_of_the_seed() {
    let limited = DataConfig { train_images: 105, validation_images: 20, ..config("fashion-mnist-16k", Path::new("")) };
    let [a, b, c] = [1, 1, 2].map(|seed| load(&limited, seed).unwrap());
    assert_eq!(a.description, "fashion-mnist-16k (embedded)");
    let lengths = [&a.train, &a.validation, &a.test].map(LabeledImages::len);
    assert_eq!(lengths, [105, 20, 2000]);
    assert!(class_counts(&a.train, 10).iter().all(|n| (10..=11).contains(n)));
    assert_eq!(class_counts(&a.validation, 10), [2; 10]);
    assert!(a.splits.starts_with("validation: 20 of its own 2000"));
    assert_eq!(a.train, b.train);
    assert_ne!(a.train, c.train);
    for (train_images, validation_images) in [(19, 0), (0, 1)] {
        let few = DataConfig { train_images, validation_images, ..limited.clone() };
        assert_refused(load(&few, 1), "_images", "at least 20");
    }
}

#[test]
fn without_the_full_set_the_embedded_one_is_used_and_named() {
    let dir = tempfile::tempdir().unwrap();
    let places = [dir.path().join("nothing"), dir.path().into()];
    let spec = DataSetSpec::find("fashion-mnist").unwrap();
    let found = find_set_in(spec, &places).unwrap();
    assert_eq!(found.spec.name, "fashion-mnist-16k");
    assert!(found.source().contains("embedded; no full set in"));
    idx_files(dir.path());
    let found = find_set_in(spec, &places).unwrap();
    assert_eq!(found.spec.name, "fashion-mnist");
    assert_eq!(found.files.len(), 4);
    // Half a set is a mistake that nobody should have to guess at.
    std::fs::remove_file(dir.path().join("t10k-images-idx3-ubyte")).unwrap();
    assert_refused(find_set_in(spec, &places), "t10k-images-idx3-ubyte", "no such file, plain or with .gz");
}

#[test]
fn a_missing_set_is_reported_with_how_to_get_it() {
    let dir = tempfile::tempdir().unwrap();
    let gone = dir.path().join("gone");
    for (set, file) in [
        ("mnist", "train-images-idx3-ubyte"),
        ("cifar10", "cifar-10-binary.tar.gz or cifar-10-python.tar.gz"),
        ("cifar100", "cifar-100-binary.tar.gz"),
        ("tiny-imagenet", "tiny-imagenet-200.zip"),
    ] {
        let error = load(&config(set, &gone), 1).unwrap_err().to_string();
        for part in [gone.to_str().unwrap(), "no such file", file, &format!("surfit data fetch {set}")] {
            assert!(error.contains(part), "{error}");
        }
    }
    assert_refused(load(&config("folder", &gone), 1), "gone", "class folder");
    assert_refused(load(&config("folder", Path::new("")), 1), "data.root", "class folders");
}

#[test]
fn a_small_class_keeps_most_of_its_images() {
    // Ten of one class, a thousand of the other: a tenth of both is taken.
    let labels: Vec<u16> = (0..1010).map(|i| u16::from(i >= 10)).collect();
    let (chosen, others) = crate::class_sampling::sample_proportionally(&labels, 101, 3, 0);
    let of = |list: &[usize], class: u16| list.iter().filter(|&&i| labels[i] == class).count();
    assert_eq!((of(&chosen, 0), of(&chosen, 1)), (1, 100));
    assert_eq!(of(&others, 0), 9);
    // Classes of one size are chosen from as by equal parts.
    let even: Vec<u16> = (0..90).map(|i| i % 3).collect();
    assert_eq!(crate::class_sampling::sample_proportionally(&even, 30, 5, 1), sample_equal_classes(&even, 30, 5, 1));
}

/// A class with one image, which a large validation split takes: nothing would be left to learn the class from.
#[test]
fn a_class_without_an_image_to_train_on_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let labels: Vec<u8> = (0..200).map(|i| if i == 7 { 9 } else { (i % 9) as u8 }).collect();
    idx_files(dir.path());
    std::fs::write(dir.path().join("train-labels-idx1-ubyte"), labels_idx(&labels)).unwrap();
    let with = |validation_images| {
        let config = DataConfig { validation_images, ..config("mnist", dir.path()) };
        load(&config, 1)
    };
    assert_refused(
        with(150),
        dir.path().to_str().unwrap(),
        "class `9` has no image left to train on; add images of it",
    );
    let set = with(40).unwrap();
    assert_eq!(class_counts(&set.train, 10)[9], 1);
}
