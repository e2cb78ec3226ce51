//! Checking what is there.

use super::folder::{colour, encode_image};
use super::support::*;
use crate::find::{best_in_folder, find_all_in};
use crate::verify::{CheckedFile, FileVerdict, compare_with, verify};
use crate::{digest, load};
use image::ImageFormat;
use std::path::{Path, PathBuf};
use surfit_core::config::DataConfig;
use surfit_core::data_sets::{DataSetSpec, PublishedFile};

#[test]
fn readable_files_are_distinguished_from_published_and_damaged_ones() {
    let dir = tempfile::tempdir().unwrap();
    idx_files(dir.path());
    let mnist = DataSetSpec::find("mnist").unwrap();
    let check = || verify(&best_in_folder(mnist, dir.path()).unwrap());
    let all = check();
    assert_eq!(all.len(), 4);
    for checked in &all {
        assert_eq!(checked.verdict, FileVerdict::Readable);
        let note = checked.note.as_deref().unwrap();
        assert!(note.contains("not the published file") && note.contains("expected"), "{note}");
    }
    let path = dir.path().join("t10k-images-idx3-ubyte");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.truncate(999);
    std::fs::write(&path, bytes).unwrap();
    let damaged: Vec<_> = check().into_iter().filter(|c| c.verdict == FileVerdict::Damaged).collect();
    assert_eq!(damaged.len(), 1);
    assert_eq!(damaged[0].file, path);
    assert!(damaged[0].note.as_deref().unwrap().contains("cut short"));
    std::fs::remove_file(&path).unwrap();
    let all = check();
    assert!(all.iter().any(|c| c.file == path && c.verdict == FileVerdict::Missing), "{all:?}");
}

#[test]
fn every_file_is_checked_for_itself() {
    let dir = tempfile::tempdir().unwrap();
    idx_files(dir.path());
    let put = |name: &str, bytes: &[u8]| std::fs::write(dir.path().join(name), bytes).unwrap();
    put("train-images-idx3-ubyte.gz", b"<html>");
    put("t10k-labels-idx1-ubyte.gz", &labels_idx(&[10; 20]));
    let mnist = DataSetSpec::find("mnist").unwrap();
    let check = || verify(&best_in_folder(mnist, dir.path()).unwrap());
    let all = check();
    let of = |all: &[CheckedFile], name: &str| -> CheckedFile {
        let found = all.iter().find(|c| c.file.ends_with(name));
        found.expect(name).clone()
    };
    for (name, verdict, checked, note) in [
        ("train-images-idx3-ubyte.gz", FileVerdict::Damaged, "", "not an IDX file"),
        (
            "train-labels-idx1-ubyte",
            FileVerdict::Readable,
            "200 labels, not compared with the number of images",
            "not the published file",
        ),
        ("t10k-images-idx3-ubyte", FileVerdict::Readable, "20 images", "not the published file"),
        ("t10k-labels-idx1-ubyte.gz", FileVerdict::Damaged, "", "label 10 of image 0"),
    ] {
        let found = of(&all, name);
        assert_eq!(found.verdict, verdict, "{found:?}");
        assert!(found.checked.contains(checked), "{found:?}");
        assert!(found.note.as_deref().unwrap().contains(note), "{found:?}");
    }
    // One that is not there says nothing about the others.
    std::fs::remove_file(dir.path().join("train-images-idx3-ubyte.gz")).unwrap();
    let all = check();
    assert_eq!(of(&all, "t10k-labels-idx1-ubyte.gz").verdict, FileVerdict::Damaged);
    assert_eq!(of(&all, "t10k-images-idx3-ubyte").checked, "20 images");
    assert_eq!(of(&all, "train-images-idx3-ubyte").verdict, FileVerdict::Missing);

    let dir = tempfile::tempdir().unwrap();
    let batch = |name: &str| dir.path().join(format!("cifar-10-batches-bin/{name}.bin"));
    unpack(dir.path(), &super::cifar::cifar10(false));
    std::fs::write(batch("data_batch_1"), b"short").unwrap();
    std::fs::write(batch("data_batch_4"), b"<html>").unwrap();
    let all = verify(&best_in_folder(DataSetSpec::find("cifar10").unwrap(), dir.path()).unwrap());
    let bad: Vec<&CheckedFile> = all.iter().filter(|c| c.verdict == FileVerdict::Damaged).collect();
    assert_eq!(bad.iter().map(|c| c.file.clone()).collect::<Vec<_>>(), [batch("data_batch_1"), batch("data_batch_4")]);
    assert!(bad[1].note.as_deref().unwrap().contains("data_batch_4.bin: its 6 bytes"));
    let good = all.iter().filter(|c| c.verdict == FileVerdict::Readable && c.checked == "20 images");
    assert_eq!((good.count(), all.len()), (4, 6));
}

/// A file that the system does not give says nothing about the others.
#[cfg(target_os = "linux")]
#[test]
fn unreadable_files_do_not_stop_the_check() {
    let dir = tempfile::tempdir().unwrap();
    idx_files(dir.path());
    let path = dir.path().join("train-labels-idx1-ubyte");
    std::fs::remove_file(&path).unwrap();
    // Nothing lies at address 0 of this process: reading it is an error of the system, for whomever.
    std::os::unix::fs::symlink("/proc/self/mem", &path).unwrap();
    let all = verify(&best_in_folder(DataSetSpec::find("mnist").unwrap(), dir.path()).unwrap());
    assert_eq!(all.len(), 4);
    for checked in all {
        if checked.file == path {
            assert_eq!(checked.verdict, FileVerdict::Damaged);
            let note = checked.note.unwrap();
            assert!(note.starts_with(path.to_str().unwrap()), "{note}");
            assert!(note.contains("os error"), "{note}");
        } else {
            assert_eq!(checked.verdict, FileVerdict::Readable, "{checked:?}");
        }
    }
}

/// What [`verify`] says of every form of a set in these folders: file, verdict, what was looked at.
fn everything(set: &str, dirs: &[&Path]) -> Vec<(PathBuf, FileVerdict, String)> {
    let dirs: Vec<PathBuf> = dirs.iter().map(|dir| (*dir).to_owned()).collect();
    find_all_in(DataSetSpec::find(set).unwrap(), &dirs)
        .iter()
        .flat_map(verify)
        .map(|c| (c.file, c.verdict, c.checked))
        .collect()
}

#[test]
fn every_packing_of_a_file_is_checked() {
    let dir = tempfile::tempdir().unwrap();
    idx_files(dir.path());
    let put = |name: &str, bytes: &[u8]| std::fs::write(dir.path().join(name), bytes).unwrap();
    // Beside the files that a run takes: a damaged one, and images and labels that belong together.
    put("t10k-images-idx3-ubyte.gz", b"<html>");
    put("train-images.idx3-ubyte", &images_idx(30, 28));
    put("train-labels.idx1-ubyte", &labels_idx(&[1; 30]));
    put("t10k-labels.idx1-ubyte", &labels_idx(&[1; 19]));
    let found = verify(&best_in_folder(DataSetSpec::find("mnist").unwrap(), dir.path()).unwrap());
    let mut said: Vec<(String, FileVerdict, &str)> = found
        .iter()
        .map(|c| {
            let name = c.file.file_name().unwrap().to_string_lossy().into_owned();
            (name, c.verdict, c.checked.as_str())
        })
        .collect();
    said.sort_by(|a, b| a.0.cmp(&b.0));
    let (good, bad, part) = (FileVerdict::Readable, FileVerdict::Damaged, "as far as it can be read");
    let expected = [
        ("t10k-images-idx3-ubyte", good, "20 images"),
        ("t10k-images-idx3-ubyte.gz", bad, part),
        ("t10k-labels-idx1-ubyte.gz", good, "20 labels"),
        ("t10k-labels.idx1-ubyte", bad, part), // 19 of them for 20 images
        ("train-images-idx3-ubyte.gz", good, "200 images"),
        ("train-images.idx3-ubyte", good, "30 images"),
        ("train-labels-idx1-ubyte", good, "200 labels"),
        ("train-labels.idx1-ubyte", good, "30 labels"),
    ];
    assert_eq!(said.len(), expected.len());
    for ((name, verdict, checked), want) in said.iter().zip(expected) {
        assert_eq!((name.as_str(), *verdict), (want.0, want.1), "{checked}");
        assert_eq!(*checked, want.2);
    }
}

#[test]
fn every_form_and_place_is_checked() {
    // The archive beside the folder it unpacks to, a part of the other form, and another place.
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (files, python) = (super::cifar::cifar10(false), super::cifar::cifar10(true));
    unpack(dir.path(), &files);
    unpack(dir.path(), &python[..1]);
    let archive = |dir: &Path| dir.join("cifar-10-binary.tar.gz");
    std::fs::write(archive(dir.path()), &tar_gz(&files)[..200]).unwrap();
    std::fs::create_dir(other.path().join("cifar10")).unwrap();
    let second = archive(&other.path().join("cifar10"));
    std::fs::write(&second, tar_gz(&files)).unwrap();
    let mut all = everything("cifar10", &[dir.path(), other.path(), dir.path()]);
    assert_eq!(all.len(), 6 + 1 + 1 + 1, "{all:?}");
    assert!(
        all[..6].iter().all(|(file, verdict, _)| {
            file.starts_with(dir.path().join("cifar-10-batches-bin")) && *verdict == FileVerdict::Readable
        }),
        "{all:?}"
    );
    all.drain(..6);
    all.sort_by_key(|(file, ..)| file.extension().is_some());
    let read = |n: usize| format!("{n} images");
    assert_eq!(all[0], (dir.path().join(&python[0].0), FileVerdict::Readable, read(20)));
    assert_eq!((&all[1].0, all[1].1), (&archive(dir.path()), FileVerdict::Damaged));
    assert_eq!(all[2], (second, FileVerdict::Readable, read(120)));

    // Of a set that is nowhere whole, what a run would miss is missing.
    let part = tempfile::tempdir().unwrap();
    unpack(part.path(), &files[..4]);
    let verdicts: Vec<FileVerdict> =
        everything("cifar10", &[part.path(), part.path()]).iter().map(|(_, verdict, _)| *verdict).collect();
    assert_eq!(verdicts[..4], [FileVerdict::Readable; 4]);
    assert_eq!(verdicts[4..], [FileVerdict::Missing; 2]);
}

#[test]
fn archive_and_folder_of_tiny_imagenet_are_both_checked() {
    let dir = tempfile::tempdir().unwrap();
    super::tiny_imagenet::folder_and_archive(dir.path());
    let archive = dir.path().join("tiny-imagenet-200.zip");
    let folder = dir.path().join("tiny-imagenet-200");
    let home = |archive: &Path| {
        let all = everything("tiny-imagenet", &[dir.path()]);
        let of = |path: &Path| {
            let found = all.iter().find(|(file, ..)| file == path);
            found.expect("checked").1
        };
        (of(&folder), of(archive), all.len())
    };
    assert_eq!(home(&archive), (FileVerdict::Readable, FileVerdict::Readable, 2));
    // Both right in one folder.
    let beside = folder.join("tiny-imagenet-200.zip");
    std::fs::rename(&archive, &beside).unwrap();
    assert_eq!(home(&beside), (FileVerdict::Readable, FileVerdict::Readable, 2));
    let whole = std::fs::read(&beside).unwrap();
    std::fs::write(&beside, &whole[..whole.len() / 2]).unwrap();
    assert_eq!(home(&beside), (FileVerdict::Readable, FileVerdict::Damaged, 2));
}

/// The cache may hold what a file was before it rotted, which neither its size nor its time tells.
#[test]
fn images_are_read_from_their_files_and_the_cache_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    for class in ["ant", "bee"] {
        std::fs::create_dir(dir.path().join(class)).unwrap();
        for i in 0..12 {
            let bytes = encode_image(colour(12, 10, i), ImageFormat::Png);
            std::fs::write(dir.path().join(format!("{class}/{i:02}.png")), bytes).unwrap();
        }
    }
    let sized = DataConfig { image_size: 8, ..config("folder", dir.path()) };
    load(&sized, 1).unwrap();
    let cache = || {
        let files = std::fs::read_dir(dir.path().join(".cache")).unwrap();
        let read = |e: std::fs::DirEntry| (e.path(), std::fs::read(e.path()).unwrap());
        files.flatten().map(read).collect::<Vec<_>>()
    };
    let (before, found) = (cache(), best_in_folder(DataSetSpec::find("folder").unwrap(), dir.path()).unwrap());
    assert_eq!(before.len(), 1);
    let all = verify(&found);
    assert_eq!(all.len(), 1);
    assert_eq!((all[0].verdict, all[0].checked.as_str()), (FileVerdict::Readable, "24 images"));

    let rot = |name: &str| {
        let path = dir.path().join(name);
        let time = path.metadata().unwrap().modified().unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle..].fill(0);
        std::fs::write(&path, bytes).unwrap();
        std::fs::File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
        path
    };
    let rotten = [rot("ant/03.png"), rot("bee/07.png")];
    load(&sized, 1).expect("the cache still has what they were");
    let all = verify(&found);
    let names: Vec<_> = all.iter().map(|c| c.file.clone()).collect();
    assert_eq!(names, [dir.path(), &rotten[0], &rotten[1]]);
    assert!(all.iter().all(|c| c.verdict == FileVerdict::Damaged), "{all:?}");
    assert_eq!(all[0].note.as_deref(), Some("2 images are damaged"));
    assert!(all[2].note.as_deref().unwrap().contains("07.png: the image is"));
    assert!(cache() == before, "the cache was touched");
}

#[test]
fn the_published_content_is_known_however_it_is_packed() {
    let dir = tempfile::tempdir().unwrap();
    let content = images_idx(3, 28);
    let packed = gzipped(&content);
    let digests = [&packed, &content].map(|bytes| digest::sha256_hex(bytes));
    // The digests live as long as the program, as those of the registry do.
    let [sha256, unpacked] = digests.map(|d| &*d.leak());
    let published = PublishedFile { name: "x.gz", size: packed.len() as u64, sha256, unpacked, urls: &[] };
    let archive = PublishedFile { unpacked: "", ..published };
    let path = dir.path().join("x.gz");
    let compared = |file: &PublishedFile, bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        compare_with("mnist", file, &path).unwrap()
    };
    let mut other = gzipped(&content);
    other[9] ^= 1; // the system that packed it
    assert_ne!(other, packed);
    for (bytes, verdict, checked, note) in [
        (&packed, FileVerdict::Published, "SHA-256", ""),
        (&other, FileVerdict::Published, "SHA-256 of its content", "packed anew"),
        (&content, FileVerdict::Published, "SHA-256 of its content", "packed anew"),
        (&gzipped(&images_idx(4, 28)), FileVerdict::Unchecked, "nothing", "not the published file"),
        (&packed[..40].to_vec(), FileVerdict::Unchecked, "nothing", "40 bytes with SHA-256"),
    ] {
        let found = compared(&published, bytes);
        assert_eq!((found.verdict, found.checked.as_str()), (verdict, checked));
        assert!(found.note.unwrap_or_default().contains(note));
    }
    // An archive has no content that could have been packed anew.
    assert_eq!(compared(&archive, &packed).verdict, FileVerdict::Published);
    assert_eq!(compared(&archive, &other).verdict, FileVerdict::Unchecked);
}

/// The real files, where Debian's package has put them; the test above needs none.
#[test]
fn real_published_files_are_known() {
    let real = Path::new("/usr/share/datasets/fashion-mnist");
    if !real.is_dir() {
        println!("the package dataset-fashion-mnist is not installed: nothing to check");
        return;
    }
    let found = best_in_folder(DataSetSpec::find("fashion-mnist").unwrap(), real).unwrap();
    for checked in verify(&found) {
        assert_eq!(checked.verdict, FileVerdict::Published, "{checked:?}");
    }
}
