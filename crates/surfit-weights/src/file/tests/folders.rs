//! Weights in several files, and what is no file.

use super::pytorch_files::{PickleWriter, archive, state_dict, storages};
use super::*;
use safetensors::tensor::TensorView;
use serde_json::json;
use std::time::Duration;

fn safetensors_file(path: &Path, tensors: &[(&str, [f32; 2])]) {
    let bytes: Vec<(&str, Vec<u8>)> =
        tensors.iter().map(|(name, values)| (*name, values.iter().flat_map(|v| v.to_le_bytes()).collect())).collect();
    let views = bytes.iter().map(|(name, bytes)| (*name, TensorView::new(Dtype::F32, vec![2], bytes).unwrap()));
    fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
}

#[test]
fn sharded_safetensors_are_read_by_folder_or_index() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    safetensors_file(&at("model-00001-of-00002.safetensors"), &[("b", [3., 4.])]);
    safetensors_file(&at("model-00002-of-00002.safetensors"), &[("a", [1., 2.])]);
    let index = at("model.safetensors.index.json");
    let write = |map: serde_json::Value| {
        let text = json!({ "metadata": { "total_size": 16 }, "weight_map": map });
        fs::write(&index, text.to_string()).unwrap();
    };
    write(json!({
        "a": "model-00002-of-00002.safetensors",
        "b": "model-00001-of-00002.safetensors",
    }));
    let expected = [("b".to_owned(), vec![2], vec![3., 4.]), ("a".to_owned(), vec![2], vec![1., 2.])];
    assert_eq!(read(&index).unwrap(), expected);
    assert_eq!(read(dir.path()).unwrap(), expected);

    for (map, part) in [
        (json!({ "c": "model-00001-of-00002.safetensors" }), "names tensor `c`"),
        (json!({ "a": "gone.safetensors" }), "gone.safetensors: no such file"),
        (json!({ "a": "../model.safetensors" }), "not a file beside it"),
        (json!({ "a": "/etc/passwd" }), "not a file beside it"),
        (json!({ "a": "model\u{1b}[31m" }), "not a file beside it"),
        (json!({ "a": 3 }), "no index of weights"),
        (json!([]), "no index of weights"),
        (
            (0..70_000).map(|i| (i.to_string(), json!("x"))).collect::<serde_json::Map<_, _>>().into(),
            "more than 65536 tensors",
        ),
    ] {
        write(map);
        let error = refusal(read(dir.path()));
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn sharded_state_dicts_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = archive(dir.path(), state_dict().end(), storages());
    fs::rename(&path, dir.path().join("pytorch_model-1.bin")).unwrap();
    let more = PickleWriter::new().raw(b"}").text("c").tensor("FloatStorage", "0", 6, 2, &[2], &[1]).raw(b"s");
    let path = archive(dir.path(), more.end(), storages());
    fs::rename(&path, dir.path().join("pytorch_model-2.bin")).unwrap();
    let names = ["a.weight", "a.bias", "b.weight", "b.bias", "n.num_batches_tracked"];
    let mut map: serde_json::Map<_, _> =
        names.iter().map(|name| ((*name).to_owned(), json!("pytorch_model-1.bin"))).collect();
    map.insert("c".into(), json!("pytorch_model-2.bin"));
    let index = dir.path().join("pytorch_model.bin.index.json");
    fs::write(index, json!({ "weight_map": map }).to_string()).unwrap();
    let tensors = read(dir.path()).unwrap();
    super::pytorch_files::check_tensors(&tensors[..5]);
    assert_eq!(tensors[5].2, [2., 3.]);
}

#[test]
fn folders_and_devices_get_a_sentence_or_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let error = refusal(read(dir.path()));
    assert!(error.contains("is a folder without weights"), "{error}");
    let inner = dir.path().join("pytorch_model_fsdp_0");
    fs::create_dir(&inner).unwrap();
    fs::write(inner.join(".metadata"), b"").unwrap();
    let error = refusal(read(dir.path()));
    assert!(error.contains("whose `pytorch_model_fsdp_0` holds weights"), "{error}");
    safetensors_file(&dir.path().join("model.safetensors"), &[("a", [1., 2.])]);
    assert_eq!(read(dir.path()).unwrap()[0].2, [1., 2.]);
    let error = refusal(read(Path::new("/dev/zero")));
    assert!(error.contains("a device or a pipe"), "{error}");
    let error = refusal(read(&dir.path().join("gone.pth")));
    assert!(error.ends_with("gone.pth: no such file; name an existing one"), "{error}");
}

#[test]
fn a_file_that_is_written_while_it_is_read_is_never_mixed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("last.safetensors");
    let open = || WeightFile::open(&path, CornerWeights::Ema).unwrap();
    safetensors_file(&path, &[("a", [1., 2.]), ("b", [3., 4.])]);
    // Another file of that name: the old one is still there for who has it open.
    let file = open();
    let next = dir.path().join("next");
    safetensors_file(&next, &[("b", [5., 6.]), ("a", [7., 8.])]);
    fs::rename(&next, &path).unwrap();
    assert_eq!(file.read_values(0).unwrap(), [1., 2.]);
    // The same file with other bytes.
    let file = open();
    std::thread::sleep(Duration::from_millis(30));
    safetensors_file(&path, &[("a", [9., 9.]), ("b", [9., 9.])]);
    let error = refusal(file.read_values(0));
    assert!(
        error.ends_with("last.safetensors: the file changed while it was read; try again when it is complete"),
        "{error}"
    );
}

#[test]
fn a_file_that_is_opened_again_is_the_same_one() {
    let dir = tempfile::tempdir().unwrap();
    let mut map = serde_json::Map::new();
    for i in 0..=MAX_OPEN_FILES {
        let (name, file) = (format!("t{i:02}"), format!("{i:02}.safetensors"));
        safetensors_file(&dir.path().join(&file), &[(&name, [1., 2.])]);
        map.insert(name, file.into());
    }
    let index = dir.path().join("model.safetensors.index.json");
    fs::write(index, json!({ "weight_map": map }).to_string()).unwrap();
    let file = WeightFile::open(dir.path(), CornerWeights::Ema).unwrap();
    let last = format!("{MAX_OPEN_FILES:02}.safetensors");
    assert_eq!(file.read_values(MAX_OPEN_FILES).unwrap(), [1., 2.]);
    let file = WeightFile::open(dir.path(), CornerWeights::Ema).unwrap();
    let next = dir.path().join("next");
    safetensors_file(&next, &[(&format!("t{MAX_OPEN_FILES:02}"), [5., 6.])]);
    fs::rename(&next, dir.path().join(&last)).unwrap();
    let error = refusal(file.read_values(MAX_OPEN_FILES));
    assert!(error.contains(&format!("{last}: the file changed")), "{error}");
}

#[test]
fn a_folder_can_be_named_where_it_can_be_read() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    for name in [
        "pytorch_model.bin",
        "model.safetensors",
        "pytorch_model.bin.index.json",
        "other.safetensors.index.json",
        ".metadata",
    ] {
        assert!(!is_folder_of_weights(folder), "{name}");
        fs::write(folder.join(name), b"").unwrap();
        assert!(is_folder_of_weights(folder), "{name}");
        assert!(!refusal(read(folder)).contains("is a folder without weights"));
        fs::remove_file(folder.join(name)).unwrap();
    }
    assert!(!is_folder_of_weights(&folder.join("gone")));
}

/// The first bytes of safetensors are a length, and may be those that other formats begin with.
#[test]
fn lengths_of_headers_are_no_magic_numbers() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model");
    safetensors_file(&path, &[("a", [1., 2.])]);
    let good = fs::read(&path).unwrap();
    let len = usize::from(good[0]);
    for wanted in [b"{\x01", b"{ ", b"PK", b"\x80\x02", b"<!", b"\x1f\x8b"] {
        let longer = usize::from(u16::from_le_bytes(*wanted));
        let mut bytes = good.clone();
        let spaces = vec![b' '; longer - len];
        bytes.splice(8 + len..8 + len, spaces);
        bytes[..2].copy_from_slice(wanted);
        fs::write(&path, &bytes).unwrap();
        assert_eq!(read(&path).unwrap()[0].2, [1., 2.], "{longer}");
    }
}
