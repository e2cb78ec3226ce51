//! PyTorch's form before 1.6, made here instruction by instruction.

use super::pytorch_files::{PickleWriter, check_tensors, state_dict, storages};
use super::*;

/// A file with this object, whose storages have these names, numbers of values and bytes.
fn legacy(dir: &Path, object: PickleWriter, storages: &[(&str, u64, Vec<u8>)]) -> PathBuf {
    let magic = PickleWriter::new().raw(b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19");
    let facts = PickleWriter::new().raw(b"}").text("little_endian").raw(b"\x88s");
    let names = storages.iter();
    let names = names.fold(PickleWriter::new().raw(b"]("), |p, (name, ..)| p.text(name));
    let mut bytes = magic.end();
    bytes.extend(PickleWriter::new().raw(b"M\xe9\x03").end());
    bytes.extend(facts.end());
    bytes.extend(object.end());
    bytes.extend(names.raw(b"e").end());
    for (_, count, values) in storages {
        bytes.extend(count.to_le_bytes());
        bytes.extend(values);
    }
    let path = dir.join("model.t7");
    fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn storages_follow_the_pickles() {
    let dir = tempfile::tempdir().unwrap();
    let bytes: Vec<Vec<u8>> = storages().into_iter().map(|(_, bytes)| bytes).collect();
    let stored: Vec<_> = [("2", 8, 2), ("0", 6, 0), ("3", 1, 3), ("1", 2, 1)]
        .map(|(name, count, index)| (name, count, bytes[index].clone()))
        .into();
    check_tensors(&read(&legacy(dir.path(), state_dict(), &stored)).unwrap());

    // Another number of values than the list has.
    let mut odd = stored.clone();
    odd[1].1 = 5;
    let error = refusal(read(&legacy(dir.path(), state_dict(), &odd)));
    assert!(error.contains("tensor `a.weight` cannot be read"), "{error}");
    let error = refusal(read(&legacy(dir.path(), state_dict(), &stored[..3])));
    assert!(error.contains("tensor `a.bias` cannot be read"), "{error}");
    let error = refusal(read(&legacy(dir.path(), PickleWriter::new().global("net", "Net").raw(b")\x81"), &[])));
    assert!(error.contains("a whole object of `net.Net`"), "{error}");
}

/// As Python 2 and PyTorch 0.3 wrote it on a GPU: names as bytes, the dictionary as a list of its entries, long numbers, a part of
/// a storage, and another function's name.
#[test]
fn files_of_python_2_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = |p: PickleWriter, text: &str| p.raw(&[b'U', text.len() as u8]).raw(text.as_bytes());
    let entry = bytes(PickleWriter(Vec::new()), "fc.weight").global("torch._utils", "_rebuild_tensor").raw(b"((");
    let entry = bytes(entry, "storage").global("torch.cuda", "FloatStorage");
    let entry = bytes(bytes(entry, "77"), "cuda:0").int(6).raw(b"(");
    let entry = bytes(entry, "78").int(2).int(4).raw(b"ttQ\x8a\x01\x01(\x8a\x01\x03t(\x8a\x01\x01ttR");
    let object = PickleWriter::new()
        .global("collections", "OrderedDict")
        .raw(b"](](")
        .raw(&entry.0)
        .raw(b"ee\x85R}")
        .text("_metadata")
        .raw(b"}sb");
    let values: Vec<u8> = (0..6u8).flat_map(|i| f32::from(i).to_le_bytes()).collect();
    let path = legacy(dir.path(), object, &[("77", 6, values)]);
    // One value past the part's beginning, which is two past the storage's.
    let expected = ("fc.weight".to_owned(), vec![3], vec![3., 4., 5.]);
    assert_eq!(read(&path).unwrap(), [expected]);
}

#[test]
fn what_cannot_be_read_of_old_files_gets_a_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("old.pth");
    let mut tar = vec![0; 1024];
    tar[..8].copy_from_slice(b"storages");
    tar[257..262].copy_from_slice(b"ustar");
    fs::write(&path, tar).unwrap();
    let error = refusal(read(&path));
    assert!(error.contains("a tar archive, as PyTorch before 0.2 wrote"), "{error}");
    assert!(error.contains("weights_only=False"), "{error}");

    let text = b"L119547037146038801333356L\n.I1001\n.(dp0\n.(dp0\nVw\nctorch._utils\n_rebuild_tensor_v2\n(P('storage', 'x')\nI0\n(t(tI00\nNtRs.(lp0\n.";
    fs::write(&path, text).unwrap();
    let error = refusal(read(&path));
    assert!(error.contains("pickle protocol 0"), "{error}");
}
