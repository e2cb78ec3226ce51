//! Files as `torch.save` writes them, made here instruction by instruction.

use super::super::pickle_tensors;
use super::archives::repeat_last_entry;
use super::*;
use proptest::prelude::*;
use std::io::Write;
use std::path::PathBuf;

/// Writes the pickle's instructions as PyTorch's pickler does.
#[derive(Clone, Default)]
pub(super) struct PickleWriter(pub(super) Vec<u8>);

impl PickleWriter {
    pub(super) fn new() -> Self {
        Self(vec![0x80, 2])
    }

    pub(super) fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend(bytes);
        self
    }

    pub(super) fn text(self, text: &str) -> Self {
        self.raw(b"X").raw(&(text.len() as u32).to_le_bytes()).raw(text.as_bytes())
    }

    pub(super) fn int(self, n: i32) -> Self {
        self.raw(b"J").raw(&n.to_le_bytes())
    }

    pub(super) fn global(self, module: &str, name: &str) -> Self {
        self.raw(format!("c{module}\n{name}\n").as_bytes())
    }

    pub(super) fn ordered_dict(self) -> Self {
        self.global("collections", "OrderedDict").raw(b"q\x00)R")
    }

    pub(super) fn ints(self, values: &[i32]) -> Self {
        let all = values.iter().fold(self.raw(b"("), |p, &n| p.int(n));
        all.raw(b"t")
    }

    pub(super) fn tensor(self, kind: &str, key: &str, len: i32, offset: i32, size: &[i32], stride: &[i32]) -> Self {
        self.global("torch._utils", "_rebuild_tensor_v2")
            .raw(b"((")
            .text("storage")
            .global("torch", kind)
            .text(key)
            .text("cpu")
            .int(len)
            .raw(b"tQ")
            .int(offset)
            .ints(size)
            .ints(stride)
            .raw(&[0x89])
            .ordered_dict()
            .raw(b"tR")
    }

    pub(super) fn end(self) -> Vec<u8> {
        self.raw(b".").0
    }
}

/// The state dict of a small network: two tensors of their own, one that is a transposed view into a shared
/// storage, one that is the rest of that, and a counter.
pub(super) fn state_dict() -> PickleWriter {
    PickleWriter::new()
        .ordered_dict()
        .raw(b"(")
        .text("a.weight")
        .tensor("FloatStorage", "0", 6, 0, &[2, 3], &[3, 1])
        .text("a.bias")
        .tensor("HalfStorage", "1", 2, 0, &[2], &[1])
        .text("b.weight")
        .tensor("DoubleStorage", "2", 8, 0, &[2, 3], &[1, 2])
        .text("b.bias")
        .tensor("DoubleStorage", "2", 8, 6, &[2], &[1])
        .text("n.num_batches_tracked")
        .tensor("LongStorage", "3", 1, 0, &[], &[])
        .raw(b"u")
}

pub(super) fn storages() -> Vec<(&'static str, Vec<u8>)> {
    // 0.5 and −2 in 16 bits.
    let half_bytes = vec![0x00, 0x38, 0x00, 0xc0];
    vec![
        ("x/data/0", (0..6).flat_map(|i| (i as f32).to_le_bytes()).collect()),
        ("x/data/1", half_bytes),
        ("x/data/2", (0..8).flat_map(|i| f64::from(i).to_le_bytes()).collect()),
        ("x/data/3", 9i64.to_le_bytes().into()),
    ]
}

pub(super) fn archive(dir: &Path, pickle: Vec<u8>, files: Vec<(&str, Vec<u8>)>) -> PathBuf {
    archive_in_folder(dir, "x", pickle, files)
}

/// As [`archive`], with the name of the folder in it, which PyTorch takes from the file's name.
fn archive_in_folder(dir: &Path, folder: &str, pickle: Vec<u8>, files: Vec<(&str, Vec<u8>)>) -> PathBuf {
    let path = dir.join("model.pt");
    let mut zip = zip::ZipWriter::new(fs::File::create(&path).unwrap());
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, bytes) in [("x/data.pkl", pickle), ("x/byteorder", b"little".into())].into_iter().chain(files) {
        zip.start_file(name.replacen('x', folder, 1), stored).unwrap();
        zip.write_all(&bytes).unwrap();
    }
    zip.finish().unwrap();
    path
}

/// Puts the zip64 records before an archive's end that PyTorch writes whether they are needed or not.
fn add_zip64_records(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let end = bytes.split_off(bytes.len() - 22);
    let number = |at: usize, len: usize| end[at..at + len].iter().rev().fold(0u64, |n, b| n << 8 | u64::from(*b));
    let (entries, size, start) = (number(10, 2), number(12, 4), number(16, 4));
    let records = bytes.len() as u64;
    bytes.extend(b"PK\x06\x06");
    bytes.extend(44u64.to_le_bytes());
    bytes.extend([0x1e, 3, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    bytes.extend([entries, entries, size, start].map(u64::to_le_bytes).concat());
    bytes.extend(b"PK\x06\x07\0\0\0\0");
    bytes.extend(records.to_le_bytes());
    bytes.extend(1u32.to_le_bytes());
    bytes.extend(end);
    fs::write(path, bytes).unwrap();
}

/// A reader that searches for the beginning of an archive is misled by names of some lengths.
#[test]
fn a_file_is_read_whatever_the_length_of_its_name() {
    let dir = tempfile::tempdir().unwrap();
    for letters in 1..=64 {
        let path = archive_in_folder(dir.path(), &"c".repeat(letters), state_dict().end(), storages());
        add_zip64_records(&path);
        check_state_dict(&path);
    }
}

pub(super) fn check_state_dict(path: &Path) {
    check_tensors(&read(path).unwrap());
}

pub(super) fn check_tensors(tensors: &[NamedValues]) {
    let expected = [
        ("a.weight", vec![2, 3], vec![0., 1., 2., 3., 4., 5.]),
        ("a.bias", vec![2], vec![0.5, -2.0]),
        ("b.weight", vec![2, 3], vec![0., 2., 4., 1., 3., 5.]),
        ("b.bias", vec![2], vec![6., 7.]),
        ("n.num_batches_tracked", vec![], vec![9.]),
    ];
    let expected = expected.map(|(name, shape, values)| (name.to_owned(), shape, values));
    assert_eq!(tensors, expected);
}

#[test]
fn state_dicts_are_read_alone_or_inside_a_checkpoint() {
    let dir = tempfile::tempdir().unwrap();
    // What PyTorch adds to a module's state dict: attributes.
    let attributes = state_dict().raw(b"}").text("_metadata").ordered_dict().raw(b"sb");
    check_state_dict(&archive(dir.path(), attributes.end(), storages()));

    let inner = state_dict().0.split_off(2);
    let checkpoint = PickleWriter::new()
        .raw(b"}(")
        .text("epoch")
        .raw(b"K\x07")
        .text("lr")
        .raw(b"G")
        .raw(&0.1f64.to_be_bytes())
        .text("state_dict")
        .raw(&inner)
        .text("history")
        .raw(b"](K\x01Ne")
        .text("big")
        .raw(b"\x8a\x02\x39\x30")
        .raw(b"u");
    check_state_dict(&archive(dir.path(), checkpoint.end(), storages()));

    // Parameters instead of plain tensors.
    let parameter = PickleWriter::new()
        .raw(b"}")
        .text("w")
        .global("torch._utils", "_rebuild_parameter")
        .raw(b"(")
        .tensor("FloatStorage", "0", 6, 2, &[3], &[1])
        .raw(&[0x88])
        .ordered_dict()
        .raw(b"tRs");
    let tensors = read(&archive(dir.path(), parameter.end(), storages())).unwrap();
    assert_eq!(tensors[0].2, [2., 3., 4.]);
}

#[test]
fn nothing_but_tensors_is_admitted() {
    let dir = tempfile::tempdir().unwrap();
    let view = |len, offset, size: &[i32], stride: &[i32]| {
        PickleWriter::new().raw(b"}").text("w").tensor("FloatStorage", "0", len, offset, size, stride).raw(b"s").end()
    };
    let call = PickleWriter::new().global("os", "system").raw(b"(").text("true").raw(b"tR").end();
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("a call", call, "holds a whole object of `os.system`, and nothing in a file is ever executed"),
        ("a whole model", PickleWriter::new().global("mymodel", "Net").raw(b")\x81.").0, "`mymodel.Net`"),
        (
            "complex numbers",
            PickleWriter::new()
                .raw(b"}")
                .text("w")
                .tensor("ComplexFloatStorage", "0", 3, 0, &[3], &[1])
                .raw(b"s")
                .end(),
            "type C64 in tensor `w`",
        ),
        ("no dictionary", PickleWriter::new().int(3).end(), "does not hold a dictionary"),
        (
            "no tensor",
            PickleWriter::new().raw(b"}").text("epoch").int(3).raw(b"s").end(),
            "`epoch`, which is not a tensor",
        ),
        ("keys", PickleWriter::new().raw(b"}").int(3).int(3).raw(b"s").end(), "keys are not names"),
        ("cut", state_dict().0, "list of tensors"),
        ("past the end", view(6, 4, &[3], &[1]), "tensor `w` cannot be read"),
        ("stride", view(6, 0, &[2, 3], &[6, 1]), "tensor `w`"),
        ("negative", view(6, 3, &[2], &[-1]), "tensor `w`"),
        ("offset", view(6, -1, &[2], &[1]), "tensor `w`"),
        ("repeated", view(6, 0, &[1 << 30, 6], &[0, 1]), "repeats its values too often, up to tensor `w`"),
        ("more than a number counts", view(6, 0, &[i32::MAX; 4], &[0; 4]), "tensor `w`"),
        ("storage", view(7, 0, &[2], &[1]), "tensor `w`"),
        ("huge", view(i32::MAX, 0, &[2], &[1]), "tensor `w`"),
    ];
    for (case, pickle, expected) in cases {
        let path = archive(dir.path(), pickle, storages());
        let error = refusal(read(&path));
        assert!(error.starts_with(path.to_str().unwrap()), "{case}: {error}");
        assert!(error.contains(expected) && error.contains("; "), "{case}: {error}");
    }
    let path = archive(dir.path(), state_dict().end(), storages()[..3].to_vec());
    assert!(refusal(read(&path)).contains("tensor `n.num_batches_tracked` cannot be read"));

    // The same key under another type must not read memory as what it is not.
    let pun = PickleWriter::new()
        .raw(b"}(")
        .text("w")
        .tensor("FloatStorage", "0", 6, 0, &[6], &[1])
        .text("v")
        .tensor("DoubleStorage", "0", 3, 0, &[3], &[1])
        .raw(b"u")
        .end();
    assert!(refusal(read(&archive(dir.path(), pun, storages()))).contains("tensor `v`"));
}

/// Small files that would ask for much memory: each is refused before it gets any.
#[test]
fn bombs_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.pt");
    let write = |entries: &[(&str, &[u8], zip::CompressionMethod)]| {
        let mut zip = zip::ZipWriter::new(fs::File::create(&path).unwrap());
        for (name, bytes, method) in entries {
            let options = zip::write::SimpleFileOptions::default().compression_method(*method);
            zip.start_file(*name, options).unwrap();
            zip.write_all(bytes).unwrap();
        }
        zip.finish().unwrap();
        assert!(fs::metadata(&path).unwrap().len() < 1 << 20);
    };
    let (stored, deflated) = (zip::CompressionMethod::Stored, zip::CompressionMethod::Deflated);
    // A list of tensors, and a storage, that are far larger than the file.
    let zeros = vec![0; 64 << 20];
    write(&[("x/data.pkl", &zeros, deflated)]);
    assert!(refusal(read(&path)).contains("list of tensors cannot be read"));
    let one =
        PickleWriter::new().raw(b"}").text("w").tensor("FloatStorage", "0", 16 << 20, 0, &[16 << 20], &[1]).raw(b"s");
    write(&[("x/data.pkl", &one.end(), stored), ("x/data/0", &zeros, deflated)]);
    assert!(refusal(read(&path)).contains("tensor `w` cannot be read"));

    // Many entries of the archive for the same bytes, each of which would become a storage.
    let mut shared = PickleWriter::new().raw(b"}(");
    for i in 0..300 {
        shared = shared.text(&format!("w{i}")).tensor("FloatStorage", &format!("{i:03}"), 1 << 14, 0, &[1 << 14], &[1]);
    }
    let only = vec![("x/data/000", vec![0; 4 << 14])];
    let path = archive(dir.path(), shared.raw(b"u").end(), only);
    repeat_last_entry(&path, "000", 300);
    let length = fs::metadata(&path).unwrap().len();
    assert!(length < 1 << 18, "{length}");
    let error = refusal(read(&path));
    assert!(error.contains("tensor `w"), "{error}");
    assert!(error.contains("more bytes than the file has"), "{error}");

    // A list of sizes that is long, which many tensors could name.
    let sized =
        PickleWriter::new().raw(b"}").text("w").tensor("FloatStorage", "0", 6, 0, &[1; 100], &[1; 100]).raw(b"s");
    assert!(refusal(read(&archive(dir.path(), sized.end(), storages()))).contains("damaged"));

    // Many names for one storage, each of which would have a copy of its values.
    let values = 1 << 13;
    let many = |names: usize| {
        let view = [values as i32];
        let mut list = PickleWriter::new().tensor("HalfStorage", "0", view[0], 0, &view, &[1]).raw(b"q\x020}(");
        for i in 0..names {
            list = list.text(&format!("w{i}")).raw(b"h\x02");
        }
        let storage = vec![("x/data/0", vec![0; 2 * values])];
        archive(dir.path(), list.raw(b"u").end(), storage)
    };
    // Shared weights are read; many thousand times the file are not.
    let open = |path: &Path| WeightFile::open(path, CornerWeights::Ema);
    assert_eq!(open(&many(4)).unwrap().tensors.len(), 4);
    let error = refusal(open(&many(MAX_REPEATED_VALUES / values + 100)));
    assert!(error.contains("repeats its values too often"), "{error}");
}

#[test]
fn damaged_archives_get_a_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let path = archive(dir.path(), state_dict().end(), storages());
    let good = fs::read(&path).unwrap();
    let mut flipped = good.clone();
    let content = good.windows(4).position(|w| w == 5f32.to_le_bytes()).unwrap();
    flipped[content] ^= 1;
    for (case, bytes, expected) in [
        ("cut", good[..good.len() / 2].to_vec(), "cut short or damaged"),
        ("empty", Vec::new(), "is empty"),
        ("text", b"version https://git-lfs.github.com/spec/v1".to_vec(), "git lfs pull"),
        ("web page", b"<!DOCTYPE html>".to_vec(), "is a web page"),
        ("gzip", b"\x1f\x8b\x08\x00\x00\x00\x00\x00".to_vec(), "unpack it first"),
        ("pickle", b"\x80\x04\x95}q\x00.".to_vec(), "torch.save did not write"),
        ("numbers", vec![7; 600], "not a file of network weights"),
        ("bit rot", flipped, "tensor `a.weight` cannot be read"),
    ] {
        fs::write(&path, bytes).unwrap();
        let error = refusal(read(&path));
        assert!(error.starts_with(path.to_str().unwrap()) && error.contains(expected), "{case}: {error}");
    }
    assert!(refusal(read(&dir.path().join("gone.pth"))).contains("gone.pth"));
}

proptest! {
    #[test]
    fn pickles_never_crash_the_reader(
        edits in prop::collection::vec((0usize..2000, any::<u8>()), 0..6),
        cut in 0usize..2000,
    ) {
        let mut bytes = state_dict().raw(b"}").text("_metadata").ordered_dict().raw(b"sb").end();
        for (at, value) in edits {
            let at = at % bytes.len();
            bytes[at] = value;
        }
        bytes.truncate(bytes.len().min(cut.max(1) * 3));
        if let Ok((objects, root, _)) = pickle_tensors::read_first(&bytes) {
            let _ = (objects.is_tensor(root), objects.tensor("w", root), objects.maker_name(root));
        }
    }

    #[test]
    fn arbitrary_instructions_never_crash_the_reader(
        bytes in prop::collection::vec(
            prop::sample::select(b"(t)]}Raesu0NKqhQb.Xcj\x81\x85\x86\x8a\x8b\x8c\x8f\x90\x91\x92\x93\x94\x00\x01".to_vec()), 0..60),
    ) {
        if let Ok((objects, root, _)) = pickle_tensors::read_first(&bytes) {
            let _ = (objects.is_tensor(root), objects.tensor("w", root), objects.maker_name(root));
        }
    }
}
