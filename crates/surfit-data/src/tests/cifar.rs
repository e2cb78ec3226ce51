//! CIFAR in both of its forms, packed and not.

use super::support::*;
use crate::load;
use crate::verify::FileVerdict;
use surfit_core::config::DataConfig;
use surfit_core::data_sets::DataSetSpec;

const SIZE: usize = 3072;

/// Images of the binary form: `labels` label bytes, the last of which counts.
fn binary(first: usize, count: usize, labels: usize, classes: usize) -> Vec<u8> {
    (first..first + count)
        .flat_map(|i| {
            let mut record = vec![99; labels - 1];
            record.push((i % classes) as u8);
            record.extend(pattern(i, SIZE));
            record
        })
        .collect()
}

/// The same images as Python 2 has pickled them, with its `str` for texts and bytes.
fn python(first: usize, count: usize, key: &str, classes: usize) -> Vec<u8> {
    let mut out = b"\x80\x02}q\x01(".to_vec();
    let string = |out: &mut Vec<u8>, text: &str| {
        out.extend([b'U', text.len() as u8]);
        out.extend(text.as_bytes());
    };
    string(&mut out, "batch_label");
    string(&mut out, "training batch 1 of 5");
    string(&mut out, key);
    out.extend(b"]q\x02(");
    (first..first + count).for_each(|i| out.extend([b'K', (i % classes) as u8]));
    out.push(b'e');
    string(&mut out, "data");
    out.extend(b"cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\nq\x04K\x00\x85U\x01b\x87Rq\x05(K\x01");
    out.push(b'M');
    out.extend((count as u16).to_le_bytes());
    out.push(b'M');
    out.extend((SIZE as u16).to_le_bytes());
    out.extend(b"\x86cnumpy\ndtype\nq\x06U\x02u1K\x00K\x01\x87Rq\x07(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89");
    out.push(b'T');
    out.extend(((count * SIZE) as u32).to_le_bytes());
    (first..first + count).for_each(|i| out.extend(pattern(i, SIZE)));
    out.extend(b"tb");
    string(&mut out, "filenames");
    out.extend(b"]q\x08(");
    (first..first + count).for_each(|i| string(&mut out, &format!("s_{i}.png")));
    out.extend(b"eu.");
    out
}

pub type CifarBatches = Vec<(String, Vec<u8>)>;

/// CIFAR-10 with 5 times 20 training and 20 test images.
pub fn cifar10(python_form: bool) -> CifarBatches {
    let part = |i: usize| match python_form {
        true => python(20 * i, 20, "labels", 10),
        false => binary(20 * i, 20, 1, 10),
    };
    let (folder, ending) = match python_form {
        true => ("cifar-10-batches-py", ""),
        false => ("cifar-10-batches-bin", ".bin"),
    };
    let mut files: CifarBatches = (0..5).map(|i| (format!("{folder}/data_batch_{}{ending}", i + 1), part(i))).collect();
    files.push((format!("{folder}/test_batch{ending}"), part(5)));
    files.push((format!("{folder}/readme.html"), b"<html>".to_vec()));
    // Not in order, as in the published archives.
    files.swap(0, 3);
    files.swap(1, 5);
    files
}

/// CIFAR-100 with 300 training and 100 test images.
fn cifar100(python_form: bool) -> CifarBatches {
    match python_form {
        true => vec![
            ("cifar-100-python/train".into(), python(0, 300, "fine_labels", 100)),
            ("cifar-100-python/test".into(), python(300, 100, "fine_labels", 100)),
        ],
        false => vec![
            ("cifar-100-binary/train.bin".into(), binary(0, 300, 2, 100)),
            ("cifar-100-binary/test.bin".into(), binary(300, 100, 2, 100)),
        ],
    }
}

#[test]
fn both_forms_packed_and_unpacked_are_the_same_set() {
    type BatchMaker = fn(bool) -> CifarBatches;
    let sets: [(&str, &str, BatchMaker, [usize; 3]); 2] =
        [("cifar10", "cifar-10", cifar10, [80, 20, 20]), ("cifar100", "cifar-100", cifar100, [200, 100, 100])];
    for (set, file, make, lengths) in sets {
        let mut all = Vec::new();
        for python_form in [false, true] {
            let files = make(python_form);
            let form = if python_form { "python" } else { "binary" };
            let packed = tempfile::tempdir().unwrap();
            let archive = packed.path().join(format!("{file}-{form}.tar.gz"));
            std::fs::write(&archive, tar_gz(&files)).unwrap();
            let unpacked = tempfile::tempdir().unwrap();
            unpack(unpacked.path(), &files);
            let inner = unpacked.path().join(files[0].0.split('/').next().unwrap());
            for dir in [packed.path(), unpacked.path(), &inner] {
                let config = DataConfig { validation_images: lengths[1], ..config(set, dir) };
                // 300 images leave CIFAR-100 with two of every class.
                let loaded =
                    load(&DataConfig { validation_images: if set == "cifar100" { 0 } else { 20 }, ..config }, 1)
                        .unwrap();
                assert!(loaded.description.contains(dir.to_str().unwrap()));
                assert_eq!([loaded.train.len(), loaded.validation.len(), loaded.test.len()], lengths);
                assert_eq!(loaded.train.shape, [3, 32, 32]);
                all.push((loaded.train, loaded.validation, loaded.test));
            }
        }
        assert!(all.windows(2).all(|pair| pair[0] == pair[1]), "{set}");
        let first = if set == "cifar10" { 100 } else { 300 };
        let classes = if set == "cifar10" { 10 } else { 100 };
        let test = &all[0].2;
        assert_eq!(usize::from(test.labels[7]), (first + 7) % classes);
        assert_eq!(images(test)[7], pattern(first + 7, SIZE));
    }
}

#[test]
fn pickles_of_newer_pythons_are_read_and_calls_are_refused() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/tests/pickles");
    for protocol in [2, 3, 4, 5] {
        let bytes = std::fs::read(format!("{folder}/protocol-{protocol}.pkl")).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let mut files = cifar10(true);
        files.retain(|f| !f.0.ends_with("test_batch"));
        files.push(("cifar-10-batches-py/test_batch".into(), bytes));
        unpack(dir.path(), &files);
        let set = load(&config("cifar10", dir.path()), 1).unwrap();
        assert_eq!(set.test.labels, [3, 8], "protocol {protocol}");
        assert_eq!(images(&set.test)[1], pattern(1, SIZE));
    }
    let dir = tempfile::tempdir().unwrap();
    let mut files = cifar10(true);
    let call = std::fs::read(format!("{folder}/call.pkl")).unwrap();
    files[2].1 = call;
    unpack(dir.path(), &files);
    assert_refused(
        load(&config("cifar10", dir.path()), 1),
        &files[2].0,
        "`posix.system`, but only plain data are read: nothing in a file is ever executed",
    );
}

#[test]
fn damaged_swapped_and_foreign_files_are_named() {
    let change = |set: &str, files: &CifarBatches, name: &str, bytes: Vec<u8>, part: &str| {
        let dir = tempfile::tempdir().unwrap();
        let mut files = files.clone();
        let file = files.iter_mut().find(|f| f.0.ends_with(name)).unwrap();
        file.1 = bytes;
        unpack(dir.path(), &files);
        assert_refused(load(&config(set, dir.path()), 1), name, part);
        // The same inside an archive.
        let packed = tempfile::tempdir().unwrap();
        let archive = match (set, name.ends_with(".bin")) {
            ("cifar10", true) => "cifar-10-binary.tar.gz",
            ("cifar10", false) => "cifar-10-python.tar.gz",
            (_, true) => "cifar-100-binary.tar.gz",
            (_, false) => "cifar-100-python.tar.gz",
        };
        std::fs::write(packed.path().join(archive), tar_gz(&files)).unwrap();
        assert_refused(load(&config(set, packed.path()), 1), name, part);
    };
    let (ten, hundred) = (cifar10(false), cifar100(false));
    let good = binary(0, 20, 1, 10);
    let mut label = good.clone();
    label[3073] = 10;
    for (bytes, part) in [
        (good[..good.len() - 1].to_vec(), "not whole records of 3073"),
        (Vec::new(), "0 bytes are not whole records"),
        (binary(0, 20, 2, 100), "whole records of CIFAR-100"),
        (label, "label 10 of image 1 is not a class of cifar10: expected 0 to 9"),
        (b"<html>not found</html>".to_vec(), "another file"),
    ] {
        change("cifar10", &ten, "data_batch_2.bin", bytes, part);
    }
    change("cifar10", &ten, "test_batch.bin", binary(0, 20, 1, 10), "its images are those of data_batch_1.bin");
    change("cifar100", &hundred, "train.bin", binary(0, 300, 1, 10), "whole records of CIFAR-10");

    let (ten, hundred) = (cifar10(true), cifar100(true));
    let good = python(0, 20, "labels", 10);
    let mut short = python(0, 20, "labels", 10);
    let at = short.windows(4).position(|w| w == b"eU\x04d").unwrap();
    short.remove(at - 1);
    short.remove(at - 2);
    for (bytes, part) in [
        (good[..good.len() / 2].to_vec(), "cut short"),
        (Vec::new(), "cut short"),
        (b"\x80\x02N.".to_vec(), "does not hold a dictionary"),
        (python(0, 20, "fine_labels", 10), "no `labels`, as cifar10 should have, but `fine_labels`, as CIFAR-100 has"),
        (python(0, 20, "labels", 12), "label 10 of image 10"),
        (short, "not an array of 19×3072 bytes"),
        (b"<html>not found</html>".to_vec(), "not a pickle"),
    ] {
        change("cifar10", &ten, "data_batch_2", bytes, part);
    }
    change("cifar100", &hundred, "test", python(0, 100, "labels", 10), "but `labels`, as CIFAR-10 has");
}

#[test]
fn archives_with_a_fault_are_named() {
    let good = tar_gz(&cifar10(false));
    let mut checksum = good.clone();
    let at = checksum.len() - 6;
    checksum[at] ^= 1;
    let mut missing = cifar10(false);
    missing.retain(|f| !f.0.ends_with("data_batch_3.bin"));
    for (bytes, part) in [
        (good[..good.len() / 2].to_vec(), "cut short"),
        (good[..good.len() - 9].to_vec(), "cut short"),
        (checksum, "packed data are damaged"),
        (tar_gz(&missing), "does not have cifar-10-batches-bin/data_batch_3.bin"),
        (
            tar_gz(&cifar100(false)),
            "does not have cifar-10-batches-bin/data_batch_1.bin, but cifar-100-binary/train.bin",
        ),
        (b"<html>not found</html>".to_vec(), "cut short or not a tar archive"),
        (gzipped(b"hello"), "cut short or not a tar archive"),
        (Vec::new(), "does not have"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("cifar-10-binary.tar.gz"), bytes).unwrap();
        assert_refused(load(&config("cifar10", dir.path()), 1), "cifar-10-binary.tar.gz", part);
    }
    // A part of the unpacked folder: the file that is missing is named.
    let dir = tempfile::tempdir().unwrap();
    unpack(dir.path(), &missing);
    assert_refused(load(&config("cifar10", dir.path()), 1), "data_batch_3.bin", "no such file");
}

#[test]
fn training_and_test_images_in_each_others_place_are_refused() {
    for python_form in [false, true] {
        let form = if python_form { "python" } else { "binary" };
        let mut files = cifar100(python_form);
        let (train, test) = files.split_at_mut(1);
        let found = |files: &CifarBatches| {
            let (dir, packed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
            unpack(dir.path(), files);
            let archive = packed.path().join(format!("cifar-100-{form}.tar.gz"));
            std::fs::write(archive, tar_gz(files)).unwrap();
            [dir, packed].map(|dir| {
                let set = DataSetSpec::find("cifar100").unwrap();
                (crate::find::best_in_folder(set, dir.path()).unwrap(), dir)
            })
        };
        // More images to test than to train on may well be meant.
        std::mem::swap(&mut train[0].1, &mut test[0].1);
        for (found, _dir) in found(&files) {
            let (set, _) = found.reader.read(found.spec, &Default::default()).unwrap();
            assert_eq!((set.train.len(), set.test.unwrap().len()), (100, 300));
            let checked = crate::verify::verify(&found);
            assert!(checked.iter().all(|c| c.verdict == FileVerdict::Readable), "{checked:?}");
        }
        let (train, test) = files.split_at_mut(1);
        test[0].1 = train[0].1.clone();
        let part = "its images are those of train";
        let name = files[1].0.rsplit('/').next().unwrap();
        for (found, _dir) in found(&files) {
            assert_refused(found.reader.read(found.spec, &Default::default()), name, part);
            let checked = crate::verify::verify(&found);
            let note = checked.last().unwrap().note.as_deref();
            assert!(note.unwrap().contains(part), "{checked:?}");
        }
    }
}

/// A tar member of this type that says it has `size` bytes, and `bytes`, which may be others.
fn member(kind: u8, name: &str, size: u64, bytes: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(tar::EntryType::new(kind));
    header.set_mode(0o644);
    header.set_size(size);
    header.set_cksum();
    let mut all = [header.as_bytes(), bytes].concat();
    all.resize(all.len().next_multiple_of(512), 0);
    all
}

/// What other programs than the publisher's put before files: long names, times, comments. None is needed here.
#[test]
fn extension_headers_of_archives_are_passed_over() {
    let pax = b"30 mtime=1234567890.123456789\n";
    let long = format!("cifar-10-batches-bin/{}", "long/".repeat(40));
    let mut bytes = member(b'g', "pax_global_header", 30, pax);
    for (name, content) in cifar10(false) {
        bytes.extend(member(b'x', "./PaxHeaders/x", 30, pax));
        bytes.extend(member(b'0', &name, content.len() as u64, &content));
        // A file with a long name in both ways of writing it.
        bytes.extend(member(b'L', "././@LongLink", long.len() as u64, long.as_bytes()));
        bytes.extend(member(b'0', &long[..90], 3, b"abc"));
    }
    bytes.extend([0; 1024]);
    let dir = tempfile::tempdir().unwrap();
    let write = |bytes: &[u8]| {
        std::fs::write(dir.path().join("cifar-10-binary.tar.gz"), gzipped(bytes)).unwrap();
        load(&config("cifar10", dir.path()), 1)
    };
    let set = write(&bytes).unwrap();
    assert_eq!([set.train.len(), set.test.len()], [90, 20]);
    assert_eq!(images(&set.test)[7], pattern(107, SIZE));

    // Extensions that say they are huge: nothing is asked for that is not there, and the end comes at once.
    for kind in [b'L', b'K', b'x', b'g'] {
        for size in [1 << 20, 1 << 32, 1 << 60, u64::MAX] {
            let hostile = [member(kind, "././@LongLink", size, b"name"), bytes.clone()].concat();
            assert_refused(write(&hostile), "cifar-10-binary.tar.gz", "");
        }
    }
    // A file itself that says it is larger than any of the set.
    let name = "cifar-10-batches-bin/data_batch_1.bin";
    let huge = member(b'0', name, 1 << 40, b"");
    assert_refused(write(&huge), name, "more than any file of cifar10");
}
