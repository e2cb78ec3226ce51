//! Files that would take long or much memory, and names that would not stay in a sentence.

use super::pytorch_files::{Pickle, archive, storages};
use super::*;
use std::time::{Duration, Instant};

fn header(tensors: usize) -> Vec<u8> {
    let mut text = String::from("{");
    for i in 0..tensors {
        let comma = if i == 0 { "" } else { "," };
        text +=
            &format!("{comma}\"{i}\":{{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}}");
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
    let mut described = Pickle::new()
        .global(
            "torch.distributed.checkpoint.metadata",
            "TensorStorageMetadata",
        )
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
    let mut list = Pickle::new().raw(b"}(");
    for i in 0..100_000 {
        list = list
            .text(&i.to_string())
            .tensor("FloatStorage", "0", 6, 0, &[0], &[1]);
    }
    let list = archive(dir.path(), list.raw(b"u").end(), storages());
    for (case, bytes, opened, part) in [
        (
            "short header",
            header(70_000),
            &path,
            "more than 65536 tensors",
        ),
        (
            "long header",
            header(1_000_000),
            &path,
            "the longest of a network",
        ),
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
    let mut list = Pickle::new().raw(b"](");
    for _ in 0..10_000 {
        list = list.raw(b"(K\x01K\x02t");
    }
    list = list
        .raw(b"eq\x01")
        .global("collections", "OrderedDict")
        .raw(b"q\x02");
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
fn names_are_escaped_and_bounded() {
    let dir = tempfile::tempdir().unwrap();
    let long = format!("w\u{1b}[31m\r\n{}", "x".repeat(3 << 20));
    let complex = |p: Pickle| p.tensor("ComplexFloatStorage", "9", 3, 0, &[3], &[1]);
    for list in [
        complex(Pickle::new().raw(b"}").text(&long)).raw(b"s"),
        Pickle::new().raw(b"}").text(&long).raw(b"K\x01s"),
        Pickle::new()
            .global(&"m\u{9b}".repeat(1 << 20), "Net")
            .raw(b")\x81"),
        Pickle::new()
            .raw(b"}")
            .text("w")
            .tensor(&"S\u{1b}".repeat(1 << 20), "0", 6, 0, &[6], &[1])
            .raw(b"s"),
    ] {
        let error = refusal(read(&archive(dir.path(), list.end(), storages())));
        assert!(error.chars().count() < 800, "{}", error.len());
        assert!(!error.chars().any(char::is_control), "{error:?}");
    }
    assert_eq!(quote("a\nb\u{202e}"), "`a\\nb\\u{202e}`");
}
