//! Tiny-ImageNet in its folder form and in its archive.

use super::folder::{colour, encode_image};
use super::support::*;
use crate::load;
use image::ImageFormat;
use std::io::{Cursor, Write};
use std::path::Path;
use surfit_core::config::DataConfig;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

type ArchiveFiles = Vec<(String, Vec<u8>)>;

const IDS: [&str; 3] = ["n01443537", "n01629819", "n01641577"];

/// Three classes with 12 training and 2 val images each, in the published form.
fn files() -> ArchiveFiles {
    let mut files: ArchiveFiles = Vec::new();
    let image = |n: u8| encode_image(colour(64, 64, n), ImageFormat::Jpeg);
    let mut annotations = String::new();
    for (c, id) in IDS.iter().enumerate() {
        for i in 0..12 {
            files.push((format!("train/{id}/images/{id}_{i}.JPEG"), image(80 * c as u8)));
        }
        files.push((format!("train/{id}/{id}_boxes.txt"), b"boxes".to_vec()));
        for i in 0..2 {
            let file = format!("val_{}.JPEG", 2 * c + i);
            annotations += &format!("{file}\t{id}\t0\t32\t44\t62\n");
            files.push((format!("val/images/{file}"), image(80 * c as u8)));
        }
    }
    files.push(("test/images/test_0.JPEG".into(), image(0)));
    files.push(("val/val_annotations.txt".into(), annotations.into()));
    let mut ids = IDS;
    ids.reverse();
    files.push(("wnids.txt".into(), ids.join("\n").into()));
    files.push(("words.txt".into(), "n01443537\tgoldfish, Carassius auratus\nn01641577\tbullfrog\n".into()));
    files
}

fn zipped(files: &ArchiveFiles) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.add_directory("tiny-imagenet-200/", SimpleFileOptions::default()).unwrap();
    for (name, bytes) in files {
        zip.start_file(format!("tiny-imagenet-200/{name}"), SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// Puts the set into a folder, as its archive and as what that unpacks to.
pub fn folder_and_archive(dir: &Path) {
    unpack(&dir.join("tiny-imagenet-200"), &files());
    std::fs::write(dir.join("tiny-imagenet-200.zip"), zipped(&files())).unwrap();
}

#[test]
fn folder_and_archive_are_the_same_set() {
    let (dir, packed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    unpack(&dir.path().join("tiny-imagenet-200"), &files());
    std::fs::write(packed.path().join("tiny-imagenet-200.zip"), zipped(&files())).unwrap();
    let sets = [dir.path(), packed.path()].map(|dir| load(&config("tiny-imagenet", dir), 1).unwrap());
    for set in &sets {
        assert_eq!(set.classes, ["goldfish", "n01629819", "bullfrog"]);
        assert_eq!([set.train.len(), set.validation.len(), set.test.len()], [33, 3, 6]);
        assert_eq!(set.train.shape, [3, 64, 64]);
        assert_eq!(set.test.labels, [0, 0, 1, 1, 2, 2]);
        // The blue channel tells the class, as far as JPEG keeps it.
        for (image, &label) in images(&set.test).iter().zip(&set.test.labels) {
            let blue = image[2 * 4096 + 2080];
            assert!(blue.abs_diff(80 * label as u8) < 12, "{blue} {label}");
        }
    }
    assert_eq!(sets[0].train, sets[1].train);
    assert_eq!(sets[0].test, sets[1].test);
    // The second time comes from the cache and is the same.
    let again = load(&config("tiny-imagenet", packed.path()), 1).unwrap();
    assert_eq!(again.train, sets[1].train);
    let small = DataConfig { image_size: 32, ..config("tiny-imagenet", packed.path()) };
    assert_eq!(load(&small, 1).unwrap().train.shape, [3, 32, 32]);
}

#[test]
fn a_val_sorted_into_class_folders_is_read() {
    let mut files = files();
    files.retain(|f| !f.0.starts_with("val/val_annotations"));
    for (name, _) in &mut files {
        if let Some(file) = name.strip_prefix("val/images/val_") {
            let number: usize = file.trim_end_matches(".JPEG").parse().unwrap();
            *name = format!("val/{}/images/val_{number}.JPEG", IDS[number / 2]);
        }
    }
    let dir = tempfile::tempdir().unwrap();
    unpack(dir.path(), &files);
    let set = load(&config("tiny-imagenet", dir.path()), 1).unwrap();
    assert_eq!(set.test.labels, [0, 0, 1, 1, 2, 2]);
}

#[test]
fn a_val_that_was_copied_into_class_folders_counts_once() {
    let copy = |files: &ArchiveFiles, moved: &dyn Fn(usize) -> bool, wrong: usize| -> ArchiveFiles {
        let mut all = Vec::new();
        for (name, bytes) in files {
            let number = name.strip_prefix("val/images/val_");
            let Some(number) = number.and_then(|f| f.trim_end_matches(".JPEG").parse::<usize>().ok()) else {
                all.push((name.clone(), bytes.clone()));
                continue;
            };
            let class = IDS[(number / 2 + usize::from(number == wrong)) % 3];
            all.push((format!("val/{class}/val_{number}.JPEG"), bytes.clone()));
            if !moved(number) {
                all.push((name.clone(), bytes.clone()));
            }
        }
        all
    };
    let never = usize::MAX;
    for moved in [&(|_| false) as &dyn Fn(usize) -> bool, &|n| n % 3 == 0, &|_| true] {
        let dir = tempfile::tempdir().unwrap();
        unpack(dir.path(), &copy(&files(), moved, never));
        let set = load(&config("tiny-imagenet", dir.path()), 1).unwrap();
        let mut labels = set.test.labels.clone();
        labels.sort_unstable();
        assert_eq!(labels, [0, 0, 1, 1, 2, 2]);
    }
    let dir = tempfile::tempdir().unwrap();
    unpack(dir.path(), &copy(&files(), &|_| false, 3));
    assert_refused(
        load(&config("tiny-imagenet", dir.path()), 1),
        "val_3.JPEG",
        "val/val_annotations.txt says n01629819 of it, and the folder n01641577",
    );
}

#[test]
fn a_folder_that_was_not_unpacked_to_its_end_gives_way_to_the_archive() {
    let dir = tempfile::tempdir().unwrap();
    let archive = dir.path().join("tiny-imagenet-200.zip");
    std::fs::write(&archive, zipped(&files())).unwrap();
    for folder in ["train/", "val/"] {
        let mut half = files();
        let last = half.iter().rposition(|f| f.0.starts_with(folder) && f.0.ends_with("JPEG"));
        half.remove(last.unwrap());
        // Otherwise every list would still have the file, and the folder would be refused.
        half.retain(|f| !f.0.ends_with(".txt") || folder == "train/");
        unpack(dir.path(), &half);
        let set = load(&config("tiny-imagenet", dir.path()), 1).unwrap();
        assert!(set.description.contains(archive.to_str().unwrap()), "{}", set.description);
        assert_eq!([set.train.len(), set.validation.len(), set.test.len()], [33, 3, 6]);
        for folder in ["train", "val"] {
            std::fs::remove_dir_all(dir.path().join(folder)).unwrap();
        }
    }
    // A whole folder needs no unpacking, and an archive that is not whole is worth less than any.
    unpack(dir.path(), &files());
    let unpacked = load(&config("tiny-imagenet", dir.path()), 1).unwrap();
    assert!(!unpacked.description.contains(".zip"), "{}", unpacked.description);
    std::fs::remove_file(dir.path().join("train/n01443537/images/n01443537_3.JPEG")).unwrap();
    let whole = std::fs::read(&archive).unwrap();
    std::fs::write(&archive, &whole[..whole.len() / 2]).unwrap();
    let left = load(&config("tiny-imagenet", dir.path()), 1).unwrap();
    assert_eq!(left.train.len() + left.validation.len(), 35);
}

#[test]
fn faults_are_named() {
    type ArchiveChange = fn(&mut ArchiveFiles);
    let cases: [(&str, &str, ArchiveChange); 6] = [
        ("train/n01629819", "wnids.txt lists the class", |f| {
            f.retain(|f| !f.0.starts_with("train/n01629819"));
        }),
        ("val/val_annotations.txt", "5 images, expected 6", |f| {
            let file = f.iter_mut().find(|f| f.0.ends_with("annotations.txt")).unwrap();
            let end = file.1[..file.1.len() - 1].iter().rposition(|&b| b == b'\n').unwrap();
            file.1.truncate(end + 1);
        }),
        ("val/val_annotations.txt", "class n9 of val_0.JPEG", |f| {
            let file = f.iter_mut().find(|f| f.0.ends_with("annotations.txt")).unwrap();
            let text = String::from_utf8(file.1.clone()).unwrap();
            file.1 = text.replacen("n01443537", "n9", 1).into();
        }),
        ("n01641577_3.JPEG", "n01641577_3.JPEG", |f| {
            let file = f.iter_mut().find(|f| f.0.ends_with("n01641577_3.JPEG")).unwrap();
            file.1.truncate(200);
        }),
        ("n01641577_3.JPEG", "not an image", |f| {
            let file = f.iter_mut().find(|f| f.0.ends_with("n01641577_3.JPEG")).unwrap();
            file.1 = b"<html>".to_vec();
        }),
        ("n01641577_3.JPEG", "the image is 32×64, expected 64×64", |f| {
            let file = f.iter_mut().find(|f| f.0.ends_with("n01641577_3.JPEG")).unwrap();
            file.1 = encode_image(colour(32, 64, 0), ImageFormat::Jpeg);
        }),
    ];
    for (file, part, change) in cases {
        let mut files = files();
        change(&mut files);
        let dir = tempfile::tempdir().unwrap();
        unpack(dir.path(), &files);
        assert_refused(load(&config("tiny-imagenet", dir.path()), 1), file, part);
        let packed = tempfile::tempdir().unwrap();
        std::fs::write(packed.path().join("tiny-imagenet-200.zip"), zipped(&files)).unwrap();
        assert_refused(load(&config("tiny-imagenet", packed.path()), 1), file, part);
    }
    let good = zipped(&files());
    for (bytes, part) in [
        (good[..good.len() / 2].to_vec(), "cut short or not a zip archive"),
        (b"<html>".to_vec(), "cut short or not a zip archive"),
        (zipped(&vec![("x.txt".into(), vec![])]), "no folder `train`"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("tiny-imagenet-200.zip"), bytes).unwrap();
        assert_refused(load(&config("tiny-imagenet", dir.path()), 1), "tiny-imagenet-200.zip", part);
    }
}
