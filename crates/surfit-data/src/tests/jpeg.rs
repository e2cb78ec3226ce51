//! JPEG files that are whole, in every common kind, and the same files cut off.

use super::folder::{colour, encode_image, write_file};
use super::support::*;
use super::tiny_imagenet;
use crate::find::find_set;
use crate::image_files::{self, ImageFile, ImageOrigin, ImageTarget};
use crate::jpeg::is_truncated;
use crate::load;
use crate::verify::{FileVerdict, verify};
use image::ImageFormat;
use surfit_core::data_sets::DataSetSpec;

/// Written by PIL 13.0: red rises with x, green with y, blue falls with x.
const KINDS: [(&str, &[u8]); 5] = [
    ("progressive", include_bytes!("images/progressive.jpg")),
    ("cmyk", include_bytes!("images/cmyk.jpg")),
    ("grey", include_bytes!("images/grey.jpg")),
    ("restarts", include_bytes!("images/restarts.jpg")),
    ("exif-thumbnail", include_bytes!("images/exif-thumbnail.jpg")),
];

fn decoded(bytes: &[u8]) -> crate::Result<Vec<u8>> {
    let dir = tempfile::tempdir().unwrap();
    write_file(dir.path(), "x.jpg", bytes.to_vec());
    let image = ImageFile { name: "x.jpg".into(), label: 0 };
    let target = ImageTarget { shape: [3, 24, 32], resize: false };
    let origin = ImageOrigin::Folder(dir.path().to_owned());
    image_files::decode_all(&origin, &[image], target).map(|images| images.pixels)
}

#[test]
fn whole_files_of_every_kind_are_read_as_pil_reads_them() {
    for (kind, bytes) in KINDS {
        let ended = [bytes, b"<!-- a server's line -->\0\0\xff\xd8".as_slice()].concat();
        for bytes in [bytes, &ended] {
            let pixels = decoded(bytes).unwrap_or_else(|e| panic!("{kind}: {e}"));
            let at = |x: usize, y: usize| [0, 1, 2].map(|c| pixels[c * 768 + y * 32 + x]);
            let expected = match kind {
                "grey" => [[56; 3], [182; 3]],
                "cmyk" => [[21, 41, 234], [196, 201, 60]],
                _ => [[20, 40, 231], [193, 201, 56]],
            };
            for (found, expected) in [at(3, 4), at(28, 20)].iter().zip(expected) {
                let far = found.iter().zip(expected).any(|(a, b)| a.abs_diff(b) > 8);
                assert!(!far, "{kind}: {found:?}, expected {expected:?}");
            }
        }
    }
}

#[test]
fn files_that_are_cut_anywhere_are_refused() {
    let baseline = encode_image(colour(32, 24, 1), ImageFormat::Jpeg);
    for (kind, bytes) in KINDS.into_iter().chain([("baseline", &baseline[..])]) {
        assert!(!is_truncated(bytes), "{kind}");
        for length in 3..bytes.len() {
            assert!(is_truncated(&bytes[..length]), "{kind} cut to {length}");
            // What a broken download of a file whose size was known leaves.
            let mut padded = bytes[..length].to_vec();
            padded.resize(bytes.len(), 0);
            assert!(is_truncated(&padded), "{kind} padded from {length}");
        }
        for part in [2, 20, bytes.len() / 3] {
            let error = decoded(&bytes[..bytes.len() - part]).expect_err(kind);
            assert!(error.to_string().contains("x.jpg: the image is"), "{error}");
        }
        let error = decoded(&bytes[..bytes.len() - 20]).expect_err(kind).to_string();
        assert!(error.contains("cut short"), "{kind}: {error}");
    }
}

#[test]
fn a_cut_file_is_refused_in_every_set_and_by_the_check_of_files() {
    let whole = encode_image(colour(64, 64, 1), ImageFormat::Jpeg);
    let cut = &whole[..whole.len() * 2 / 3];
    let (folder, tiny) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for class in ["ant", "bee"] {
        (0..12).for_each(|i| write_file(folder.path(), &format!("{class}/{i}.jpg"), whole.clone()));
    }
    tiny_imagenet::folder_and_archive(tiny.path());
    let unpacked = tiny.path().join("tiny-imagenet-200");
    for (set, dir, name) in [
        ("folder", folder.path(), "bee/3.jpg"),
        ("tiny-imagenet", &unpacked, "train/n01641577/images/n01641577_3.JPEG"),
    ] {
        // Also after the whole set was cached.
        load(&config(set, dir), 1).unwrap();
        write_file(dir, name, cut.to_vec());
        assert_refused(load(&config(set, dir), 1), name, "the image is cut short");
        let checked = verify(&find_set(DataSetSpec::find(set).unwrap(), dir).unwrap());
        let bad: Vec<_> =
            checked.iter().filter(|c| c.verdict == FileVerdict::Damaged && c.file.ends_with(name)).collect();
        assert_eq!(bad.len(), 1, "{checked:?}");
        assert!(bad[0].note.as_deref().unwrap().contains("cut short"));
    }
}
