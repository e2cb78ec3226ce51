//! Class folders as people have them: other files between the images, folders below classes, splits under other names.

use super::folder::{classes, colour, encode_image, write_file};
use super::support::*;
use crate::find::find_set;
use crate::images::LabeledImages;
use crate::load;
use crate::verify::{FileVerdict, verify};
use image::ImageFormat;
use std::path::Path;
use surfit_core::data_sets::DataSetSpec;

fn png(i: u8) -> (String, Vec<u8>) {
    ("png".into(), encode_image(colour(6, 6, i), ImageFormat::Png))
}

fn counts_of(dir: &Path) -> [usize; 3] {
    let set = load(&config("folder", dir), 1).unwrap();
    [&set.train, &set.validation, &set.test].map(LabeledImages::len)
}

#[test]
fn other_files_are_passed_over_and_counted() {
    let dir = tempfile::tempdir().unwrap();
    classes(dir.path(), "train", 12, png);
    classes(dir.path(), "test", 2, png);
    assert!(load(&config("folder", dir.path()), 1).unwrap().notices.is_empty());
    write_file(dir.path(), "train/bee/notes.txt", b"hello".to_vec());
    write_file(dir.path(), "train/bee/labels.xml", b"<x/>".to_vec());
    write_file(dir.path(), "test/LICENSE", b"free".to_vec());
    write_file(dir.path(), "train/bee/.DS_Store", vec![1]);
    let set = load(&config("folder", dir.path()), 1).unwrap();
    assert_eq!((set.train.len() + set.validation.len(), set.test.len()), (36, 6));
    assert_eq!(set.notices.len(), 1, "{:?}", set.notices);
    let said = &set.notices[0];
    assert!(said.contains("3 files") && said.contains("labels.xml"), "{said}");
    // The check of files says the same, and the set is good.
    let checked = verify(&find_set(DataSetSpec::find("folder").unwrap(), dir.path()).unwrap());
    assert_eq!((checked.len(), checked[0].verdict), (1, FileVerdict::Readable));
    assert!(checked[0].note.as_deref().unwrap().contains(said), "{checked:?}");
}

#[test]
fn a_pipe_in_a_class_folder_is_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    classes(dir.path(), "train", 12, png);
    classes(dir.path(), "test", 2, png);
    let pipe = dir.path().join("train/bee/pipe.png");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0).unwrap();
    let set = load(&config("folder", dir.path()), 1).unwrap();
    assert_eq!(set.test.len(), 6);
    assert!(set.notices[0].contains("1 file "), "{:?}", set.notices);
}

#[test]
fn folders_below_a_class_belong_to_it() {
    let dir = tempfile::tempdir().unwrap();
    classes(dir.path(), "train", 12, png);
    classes(dir.path(), "test", 2, png);
    write_file(dir.path(), "train/bee/2019/may/x.png", png(1).1);
    write_file(dir.path(), "train/bee/2020/x.png", png(2).1);
    // A class of which all images lie deeper.
    write_file(dir.path(), "train/dog/a/x.png", png(3).1);
    write_file(dir.path(), "train/dog/b/x.png", png(4).1);
    let set = load(&config("folder", dir.path()), 1).unwrap();
    assert_eq!(set.classes, ["ant", "bee", "cat", "dog"]);
    let mut labels = [class_counts(&set.train, 4), class_counts(&set.validation, 4)].into_iter();
    let (train, validation) = (labels.next().unwrap(), labels.next().unwrap());
    let all: Vec<usize> = train.iter().zip(&validation).map(|(a, b)| a + b).collect();
    assert_eq!(all, [12, 14, 12, 2]);
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_back_ends_in_a_sentence() {
    let dir = tempfile::tempdir().unwrap();
    classes(dir.path(), "train", 12, png);
    std::os::unix::fs::symlink("../ant", dir.path().join("train/bee/other")).unwrap();
    assert_eq!(counts_of(dir.path()).iter().sum::<usize>(), 48, "links are followed");
    std::os::unix::fs::symlink("../bee", dir.path().join("train/ant/back")).unwrap();
    assert_refused(load(&config("folder", dir.path()), 1), "back", "contains it");
}

#[test]
fn splits_are_known_under_all_their_names() {
    for [train, validation, test] in
        [["Training", "Validation", "Testing"], ["TRAIN", "Valid", "Test"], ["train", "VAL", "testing"]]
    {
        let dir = tempfile::tempdir().unwrap();
        classes(dir.path(), train, 12, png);
        classes(dir.path(), validation, 2, png);
        classes(dir.path(), test, 3, png);
        assert_eq!(counts_of(dir.path()), [36, 6, 9], "{train}");
    }
    let dir = tempfile::tempdir().unwrap();
    classes(dir.path(), "train", 12, png);
    classes(dir.path(), "val", 2, png);
    classes(dir.path(), "Valid", 2, png);
    assert_refused(load(&config("folder", dir.path()), 1), "Valid", "keep one, or join them");
    // What is no split is told.
    let dir = tempfile::tempdir().unwrap();
    classes(dir.path(), "train", 12, png);
    classes(dir.path(), "extra", 2, png);
    let set = load(&config("folder", dir.path()), 1).unwrap();
    assert!(set.notices[0].contains("1 folder") && set.notices[0].contains("extra"), "{:?}", set.notices);
}

#[test]
fn a_flat_test_folder_is_reported_as_unlabelled_and_left_out() {
    for name in ["test", "Test"] {
        let dir = tempfile::tempdir().unwrap();
        classes(dir.path(), "train", 12, png);
        for i in 0..5 {
            write_file(dir.path(), &format!("{name}/{i}.png"), png(i).1);
        }
        let set = load(&config("folder", dir.path()), 1).unwrap();
        let all = set.train.len() + set.validation.len() + set.test.len();
        assert_eq!((all, set.test.len()), (36, 6));
        assert!(set.splits.contains("test: 6 of 36 images"), "{}", set.splits);
        let said = &set.notices[0];
        assert!(said.contains("5 images") && said.contains("ignored"), "{said}");
        let checked = verify(&find_set(DataSetSpec::find("folder").unwrap(), dir.path()).unwrap());
        assert_eq!(checked[0].verdict, FileVerdict::Readable);
        assert!(checked[0].note.as_deref().unwrap().contains("in no class folder"));
    }
}
