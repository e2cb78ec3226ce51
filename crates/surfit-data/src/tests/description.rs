//! What is said of a set from its headers is what loading it gives.

use super::cifar::cifar10;
use super::folder::{classes, colour, encode_image, grey, write_file};
use super::support::*;
use super::tiny_imagenet;
use crate::{describe_set, load};
use image::ImageFormat;
use std::path::Path;
use surfit_core::config::DataConfig;

/// The description, which must be what is loaded.
#[track_caller]
fn same(config: &DataConfig) -> crate::SetDescription {
    let described = describe_set(config).unwrap();
    let set = load(config, 1).unwrap();
    assert_eq!(described.input_shape, set.input_shape);
    assert_eq!(described.classes, set.classes);
    assert_eq!(
        [described.train_images, described.validation_images, described.test_images],
        [&set.train, &set.validation, &set.test].map(crate::LabeledImages::len)
    );
    assert_eq!((&described.name, &described.notices), (&set.name, &set.notices));
    // Once more with what loading has cached.
    assert_eq!(describe_set(config).unwrap(), described);
    described
}

fn variants(config: &DataConfig) -> Vec<DataConfig> {
    let change = |f: &dyn Fn(&mut DataConfig)| {
        let mut other = config.clone();
        f(&mut other);
        other
    };
    vec![
        config.clone(),
        change(&|c| c.image_size = 40),
        change(&|c| c.image_size = 5),
        change(&|c| c.channels = 3),
        change(&|c| c.channels = 1),
        change(&|c| c.train_images = 22),
        change(&|c| (c.validation_images, c.image_size, c.channels) = (21, 224, 3)),
    ]
}

#[test]
fn descriptions_are_what_loading_gives() {
    let dirs = [(); 4].map(|()| tempfile::tempdir().unwrap());
    classes(dirs[0].path(), ".", 30, |i| ("png".into(), encode_image(grey(6, 6, i), ImageFormat::Png)));
    classes(dirs[1].path(), "Training", 40, |i| ("png".into(), encode_image(colour(12, 9, i), ImageFormat::Png)));
    classes(dirs[1].path(), "valid", 8, |i| ("bmp".into(), encode_image(colour(12, 9, i), ImageFormat::Bmp)));
    write_file(dirs[1].path(), "test/1.png", encode_image(colour(3, 3, 1), ImageFormat::Png));
    write_file(dirs[1].path(), "Training/ant/x.txt", vec![1]);
    idx_files(dirs[2].path());
    tiny_imagenet::folder_and_archive(dirs[3].path());
    for (set, dir) in [("folder", &dirs[0]), ("folder", &dirs[1]), ("mnist", &dirs[2]), ("tiny-imagenet", &dirs[3])] {
        for config in variants(&config(set, dir.path())) {
            same(&config);
        }
    }
    for config in variants(&config("fashion-mnist-16k", Path::new(""))) {
        same(&config);
    }
    let described = same(&config("folder", dirs[0].path()));
    assert_eq!((described.input_shape, described.train_images), ([1, 6, 6], 68));
    let described = same(&config("folder", dirs[1].path()));
    assert_eq!((described.input_shape, described.notices.len()), ([3, 9, 12], 2));
}

#[test]
fn small_images_stay_small_in_memory() {
    let dir = tempfile::tempdir().unwrap();
    classes(dir.path(), ".", 30, |i| ("png".into(), encode_image(colour(12, 9, i), ImageFormat::Png)));
    let sized = |image_size| DataConfig { image_size, ..config("folder", dir.path()) };
    let large = load(&sized(224), 1).unwrap();
    assert_eq!((large.train.shape, large.input_shape), ([3, 9, 9], [3, 224, 224]));
    let small = load(&sized(4), 1).unwrap();
    assert_eq!((small.train.shape, small.input_shape), ([3, 4, 4], [3, 4, 4]));
    // Of several sizes all are brought to the one that is wanted.
    write_file(dir.path(), "ant/x.png", encode_image(colour(14, 14, 1), ImageFormat::Png));
    assert_eq!(load(&sized(20), 1).unwrap().train.shape, [3, 20, 20]);
}

#[test]
fn files_of_a_wrong_length_are_refused_in_the_same_words() {
    let refused = |set: &str, dir: &Path, file: &str, part: &str| {
        let config = config(set, dir);
        let message = describe_set(&config).expect_err(file).to_string();
        assert!(message.contains(file) && message.contains(part), "{message}");
        assert_eq!(message, load(&config, 1).expect_err(file).to_string());
    };
    type Change = fn(&mut Vec<u8>);
    let cut: Change = |bytes| bytes.truncate(bytes.len() * 3 / 4);
    // In the middle of a record, which three quarters of a few are not.
    let torn: Change = |bytes| bytes.truncate(bytes.len() - 7);
    let grown: Change = |bytes| bytes.extend([0; 9]);
    for (file, change, part) in [
        ("train-images-idx3-ubyte.gz", cut, "cut short"),
        ("t10k-images-idx3-ubyte", cut, "header gives 15680 bytes, but it has 11756"),
        ("t10k-images-idx3-ubyte", grown, "it has more than the 15680 bytes"),
        ("train-labels-idx1-ubyte", cut, "cut short"),
        ("t10k-labels-idx1-ubyte.gz", cut, "cut short"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        idx_files(dir.path());
        let path = dir.path().join(file);
        let mut bytes = std::fs::read(&path).unwrap();
        change(&mut bytes);
        std::fs::write(&path, bytes).unwrap();
        refused("mnist", dir.path(), file, part);
    }
    for (python_form, name, change, part) in [
        (false, "data_batch_3.bin", torn, "are not whole records of 3073 bytes"),
        (false, "test_batch.bin", grown, "are not whole records"),
        (true, "data_batch_3", cut, "it is cut short"),
        (true, "test_batch", cut, "it is cut short"),
    ] as [(bool, &str, Change, &str); 4]
    {
        let (mut files, dir) = (cifar10(python_form), tempfile::tempdir().unwrap());
        change(&mut files.iter_mut().find(|f| f.0.ends_with(name)).unwrap().1);
        unpack(dir.path(), &files);
        refused("cifar10", dir.path(), name, part);
        let archive = match python_form {
            true => "cifar-10-python.tar.gz",
            false => "cifar-10-binary.tar.gz",
        };
        let packed = tempfile::tempdir().unwrap();
        std::fs::write(packed.path().join(archive), tar_gz(&files)).unwrap();
        refused("cifar10", packed.path(), name, part);
        // A download that was broken off.
        let mut bytes = tar_gz(&cifar10(python_form));
        cut(&mut bytes);
        std::fs::write(packed.path().join(archive), bytes).unwrap();
        refused("cifar10", packed.path(), archive, "cut short");
    }
    let dir = tempfile::tempdir().unwrap();
    tiny_imagenet::folder_and_archive(dir.path());
    let archive = dir.path().join("tiny-imagenet-200.zip");
    let mut bytes = std::fs::read(&archive).unwrap();
    cut(&mut bytes);
    std::fs::write(&archive, bytes).unwrap();
    std::fs::remove_dir_all(dir.path().join("tiny-imagenet-200")).unwrap();
    refused("tiny-imagenet", dir.path(), "tiny-imagenet-200.zip", "");
}

#[test]
fn what_loading_refuses_by_names_and_headers_is_refused_in_the_same_words() {
    let dirs = [(); 2].map(|()| tempfile::tempdir().unwrap());
    classes(dirs[0].path(), "train", 12, |i| {
        let side = if i == 5 { 7 } else { 6 };
        ("png".into(), encode_image(colour(side, 6, i), ImageFormat::Png))
    });
    idx_files(dirs[1].path());
    let folder = config("folder", dirs[0].path());
    let mnist = config("mnist", dirs[1].path());
    let own = |set: &DataConfig, change: &dyn Fn(&mut DataConfig)| {
        let mut other = set.clone();
        change(&mut other);
        other
    };
    for (config, part) in [
        (folder.clone(), "set data.image_size"),
        (own(&folder, &|c| c.root = "/no/such".into()), "/no/such"),
        (own(&folder, &|c| (c.image_size, c.train_images) = (6, 3)), "data.train_images"),
        (own(&folder, &|c| (c.image_size, c.classes) = (6, vec!["x".into()])), "data.classes"),
        (own(&mnist, &|c| c.validation_images = 199), "data.validation_images"),
        (own(&mnist, &|c| c.name = "minst".into()), "did you mean `mnist`?"),
    ] {
        let message = describe_set(&config).expect_err(part).to_string();
        assert!(message.contains(part), "{message}");
        assert_eq!(message, load(&config, 1).expect_err(part).to_string());
    }
}
