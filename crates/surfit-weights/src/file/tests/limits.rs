//! Files that would take long or much memory, and names that would not stay in a sentence.

use super::pytorch_files::{PickleWriter, archive, storages};
use super::*;
use std::time::{Duration, Instant};

fn header(tensors: usize) -> Vec<u8> {
    let mut text = String::from("{");
    for i in 0..tensors {
        let comma = if i == 0 { "" } else { "," };
        text += &format!("{comma}\"{i}\":{{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}}");
    }
    text.push('}');
    [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat()
}

#[test]
fn a_million_empty_tensors_are_refused_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model");
    let folder = dir.path().join("distributed");
    fs::create_dir(&folder).unwrap();
    // Records of an archive's end, the longer of which has the count in 8 bytes at 32.
    let mut end = b"PK\x06\x06".to_vec();
    end.resize(32, 0);
    end.extend(1_000_000u64.to_le_bytes());
    end.resize(56, 0);
    end.extend(b"PK\x05\x06");
    end.resize(56 + 22, 0);
    let zip = [&b"PK\x03\x04"[..], &end].concat();
    // One description for all of them.
    let mut described = PickleWriter::new()
        .global("torch.distributed.checkpoint.metadata", "TensorStorageMetadata")
        .raw(b")\x81}bq\x010")
        .global("torch.distributed.checkpoint.metadata", "Metadata")
        .raw(b")\x81}(")
        .text("state_dict_metadata")
        .raw(b"}(");
    for i in 0..200_000 {
        described = described.text(&i.to_string()).raw(b"h\x01");
    }
    let described = described.raw(b"u").text("storage_data").raw(b"}ub").end();
    fs::write(folder.join(".metadata"), described).unwrap();
    let mut list = PickleWriter::new().raw(b"}(");
    for i in 0..100_000 {
        list = list.text(&i.to_string()).tensor("FloatStorage", "0", 6, 0, &[0], &[1]);
    }
    let list = archive(dir.path(), list.raw(b"u").end(), storages());
    for (case, bytes, opened, part) in [
        ("short header", header(70_000), &path, "more than 65536 tensors"),
        ("long header", header(1_000_000), &path, "the longest of a network"),
        ("archive", zip, &path, "more than 524288 files"),
        ("folder", Vec::new(), &folder, "more than 65536 tensors"),
        ("pickle", Vec::new(), &list, ""),
    ] {
        if !bytes.is_empty() {
            fs::write(&path, bytes).unwrap();
        }
        let began = Instant::now();
        let error = refusal(read(opened));
        println!("{case}: {:?}", began.elapsed());
        assert!(error.contains(part), "{case}: {error}");
        assert!(began.elapsed() < Duration::from_secs(10), "{case}");
    }
}

#[test]
fn lists_are_not_copied_without_end() {
    // One list of entries that is made a dictionary of again and again.
    let mut list = PickleWriter::new().raw(b"](");
    for _ in 0..10_000 {
        list = list.raw(b"(K\x01K\x02t");
    }
    list = list.raw(b"eq\x01").global("collections", "OrderedDict").raw(b"q\x02");
    for _ in 0..100_000 {
        list = list.raw(b"h\x02h\x01\x85R0");
    }
    let dir = tempfile::tempdir().unwrap();
    let path = archive(dir.path(), list.end(), storages());
    let began = Instant::now();
    let error = refusal(read(&path));
    assert!(error.contains("list of tensors cannot be read"), "{error}");
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_long_name_is_not_copied_for_every_tensor() {
    let dir = tempfile::tempdir().unwrap();
    let tensor = |p: PickleWriter| p.tensor("FloatStorage", "0", 6, 0, &[1], &[1]);
    // One name and one tensor, again and again.
    let many = |name: &str, count: usize| {
        let mut list = PickleWriter::new().raw(b"}(").text(name).raw(b"q\x05");
        list = tensor(list).raw(b"q\x06");
        for _ in 1..count {
            list = list.raw(b"h\x05h\x06");
        }
        archive(dir.path(), list.raw(b"u").end(), storages())
    };
    let began = Instant::now();
    let error = refusal(read(&many(&"x".repeat(1 << 20), 2_000)));
    assert!(error.contains("a tensor's name of 1048576 bytes"), "{error}");
    let error = refusal(read(&many("w", 2)));
    assert!(error.contains("it holds `w` twice"), "{error}");
    // So are names of storages, which are compared for each tensor.
    let long = "k".repeat(1 << 20);
    let list = PickleWriter::new().raw(b"}").text("w").tensor("FloatStorage", &long, 6, 0, &[1], &[1]).raw(b"s");
    let error = refusal(read(&archive(dir.path(), list.end(), storages())));
    assert!(error.contains("list of tensors cannot be read"), "{error}");
    assert!(began.elapsed() < Duration::from_secs(10));
}

/// An object of a distributed checkpoint's list, with these fields.
fn object(p: PickleWriter, class: &str, fields: impl FnOnce(PickleWriter) -> PickleWriter) -> PickleWriter {
    let object = p.global("torch.distributed.checkpoint.metadata", class);
    fields(object.raw(b")\x81}(")).raw(b"ub")
}

/// The list of a distributed checkpoint with `count` tensors of one description: `[size]` in these boxes, each an offset and
/// a size. `more` are further fields of the description.
fn distributed(dir: &Path, count: usize, size: i32, boxes: &[(i32, i32)], more: usize) -> PathBuf {
    let properties = |p: PickleWriter| p.text("dtype").global("torch", "float32");
    let described = object(PickleWriter::new(), "TensorStorageMetadata", |p| {
        let p = object(p.text("properties"), "TensorProperties", properties);
        let mut p = p.text("size").ints(&[size]).text("chunks").raw(b"](");
        for (offset, size) in boxes {
            p = object(p, "ChunkStorageMetadata", |p| {
                let p = p.text("offsets").ints(&[*offset]);
                p.text("sizes").ints(&[*size])
            });
        }
        (0..more).fold(p.raw(b"e"), |p, i| p.int(i as i32).int(0))
    });
    let mut list = described.raw(b"q\x010");
    list = list.global("torch.distributed.checkpoint.metadata", "Metadata");
    list = list.raw(b")\x81}(").text("state_dict_metadata").raw(b"}(");
    for i in 0..count {
        list = list.text(&format!("w{i}")).raw(b"h\x01");
    }
    let list = list.raw(b"u").text("storage_data").raw(b"}ub").end();
    let folder = dir.join("distributed");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(".metadata"), list).unwrap();
    folder
}

#[test]
fn boxes_of_a_distributed_checkpoint_are_bounded_before_files_are_opened() {
    let dir = tempfile::tempdir().unwrap();
    let ones: Vec<(i32, i32)> = (0..1000).map(|i| (i, 1)).collect();
    let same = vec![(0, 1); 1000];
    let empty = vec![(5, 0); 1000];
    for (case, count, size, boxes, more, part) in [
        ("same place", 60, 1000, &same, 0, "do not make it whole"),
        ("overlapping", 1, 3, &vec![(0, 2), (1, 1)], 0, "do not make it whole"),
        ("outside", 1, 2, &vec![(0, 1), (2, 1)], 0, "do not make it whole"),
        ("one too many", 1, 2000, &vec![(0, 1); 1025], 0, "more than 1024 parts"),
        ("all of them", 66, 1000, &ones, 0, "tensors into more than 65536 parts"),
        ("nowhere", 65, 1000, &ones, 0, "is not where it should be"),
        ("a long record", 60_000, 1000, &ones, 100_000, "list of tensors cannot be read"),
        ("nothing in them", 1, 5, &empty, 0, "do not make it whole"),
    ] {
        let folder = distributed(dir.path(), count, size, boxes, more);
        let began = Instant::now();
        let error = refusal(read(&folder));
        assert!(error.contains(part), "{case}: {error}");
        assert!(began.elapsed() < Duration::from_secs(10), "{case}");
    }
    // A tensor without values has no parts that are looked for.
    let folder = distributed(dir.path(), 1, 0, &[(0, 0), (0, 0)], 0);
    assert_eq!(read(&folder).unwrap(), [("w0".to_owned(), vec![0], vec![])]);
}

#[test]
fn storages_that_are_beyond_all_bounds_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    const MARK: i32 = 0x0102_0304;
    let mut list = PickleWriter::new()
        .raw(b"}(")
        .text("w")
        .tensor("DoubleStorage", "0", 0, 0, &[0], &[1])
        .text("v")
        .tensor("DoubleStorage", "0", MARK, 0, &[0], &[1])
        .raw(b"u")
        .end();
    // So many values of 8 bytes are as many as none, to who does not look.
    let at = list.windows(4).position(|w| w == MARK.to_le_bytes()).unwrap() - 1;
    let many = [&b"\x8a\x08"[..], &(1i64 << 61).to_le_bytes()].concat();
    list.splice(at..at + 5, many);
    let error = refusal(read(&archive(dir.path(), list, vec![("x/data/0", Vec::new())])));
    assert!(error.contains("tensor `v` cannot be read"), "{error}");
}

#[test]
fn names_are_escaped_and_bounded() {
    let dir = tempfile::tempdir().unwrap();
    let long = format!("w\u{1b}[31m\r\n{}", "x".repeat(3 << 20));
    let complex = |p: PickleWriter| p.tensor("ComplexFloatStorage", "9", 3, 0, &[3], &[1]);
    for list in [
        complex(PickleWriter::new().raw(b"}").text(&long)).raw(b"s"),
        PickleWriter::new().raw(b"}").text(&long).raw(b"K\x01s"),
        PickleWriter::new().global(&"m\u{9b}".repeat(1 << 20), "Net").raw(b")\x81"),
        PickleWriter::new().raw(b"}").text("w").tensor(&"S\u{1b}".repeat(1 << 20), "0", 6, 0, &[6], &[1]).raw(b"s"),
    ] {
        let error = refusal(read(&archive(dir.path(), list.end(), storages())));
        assert!(error.chars().count() < 800, "{}", error.len());
        assert!(!error.chars().any(char::is_control), "{error:?}");
    }
    assert_eq!(quote("a\nb\u{202e}"), "`a\\nb\\u{202e}`");
}
