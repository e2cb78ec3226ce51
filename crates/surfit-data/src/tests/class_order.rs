//! `data.classes` in every kind of set.

use super::folder::{classes, colour, encode_image};
use super::support::*;
use super::tiny_imagenet;
use crate::load;
use image::ImageFormat;
use std::path::Path;
use surfit_core::config::DataConfig;

fn ordered(set: &str, dir: &Path, classes: &[&str]) -> DataConfig {
    DataConfig { classes: classes.iter().map(|&c| c.into()).collect(), ..config(set, dir) }
}

#[test]
fn labels_follow_the_classes() {
    let dir = tempfile::tempdir().unwrap();
    for split in ["train", "test"] {
        classes(dir.path(), split, 12, |i| ("png".into(), encode_image(colour(6, 6, i), ImageFormat::Png)));
    }
    let own = load(&config("folder", dir.path()), 1).unwrap();
    let order = ["cat", "ant", "bee"];
    let set = load(&ordered("folder", dir.path(), &order), 1).unwrap();
    assert_eq!(set.classes, order);
    for (own_split, split) in [(&own.train, &set.train), (&own.validation, &set.validation), (&own.test, &set.test)] {
        assert_eq!(own_split.pixels, split.pixels, "the same images in the same order");
        for (&before, &now) in own_split.labels.iter().zip(&split.labels) {
            assert_eq!(own.classes[usize::from(before)], order[usize::from(now)]);
        }
    }
    for (names, part) in [
        (&["cat", "ant"][..], "has also `bee`; name each of its 3 classes"),
        (&["cat", "ant", "bea", "bee"], "does not have `bea`;"),
        (&["cat", "ant", "dog"], "does not have `dog`, and has also `bee`;"),
        (&["cat", "ant", "bee", "bee"], "4 names for the 3 classes"),
    ] {
        assert_refused(load(&ordered("folder", dir.path(), names), 1), "data.classes: ", part);
    }
}

#[test]
fn sets_with_known_classes_take_a_permutation() {
    let dir = tempfile::tempdir().unwrap();
    idx_files(dir.path());
    let names = load(&config("mnist", dir.path()), 1).unwrap().classes;
    let reversed: Vec<&str> = names.iter().rev().map(String::as_str).collect();
    let set = load(&ordered("mnist", dir.path(), &reversed), 1).unwrap();
    let expected: Vec<u16> = (0..20).map(|i| 9 - i % 10).collect();
    assert_eq!((set.test.labels, set.classes[0].as_str()), (expected, names[9].as_str()));
    assert_refused(
        load(&ordered("mnist", dir.path(), &reversed[1..]), 1),
        "data.classes: ",
        &format!("has also `{}`", names[9]),
    );
    let dir = tempfile::tempdir().unwrap();
    tiny_imagenet::folder_and_archive(dir.path());
    let order = ["bullfrog", "goldfish", "n01629819"];
    let set = load(&ordered("tiny-imagenet", dir.path(), &order), 1).unwrap();
    assert_eq!(set.test.labels, [1, 1, 2, 2, 0, 0]);
}
