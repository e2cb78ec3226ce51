//! Files that PyTorch wrote; `fixtures/ORIGIN.md` says how.

use super::*;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/fixtures").join(name)
}

fn sorted(path: &Path) -> BTreeMap<String, (Vec<usize>, Vec<f32>)> {
    let tensors = read(path).unwrap().into_iter();
    tensors.map(|(name, shape, values)| (name, (shape, values))).collect()
}

#[test]
fn every_form_of_one_state_dict_gives_the_same_values() {
    let plain = sorted(&fixture("plain.safetensors"));
    assert_eq!(plain.len(), 8);
    assert_eq!(plain["2.weight"].0, [2, 3]);
    for form in ["legacy.th", "protocol1.pt", "unchecked.pt", "negated.pt"] {
        assert_eq!(sorted(&fixture(form)), plain, "{form}");
    }
}

#[test]
fn the_name_of_a_file_does_not_matter() {
    let dir = tempfile::tempdir().unwrap();
    let plain = sorted(&fixture("plain.safetensors"));
    for form in ["plain.safetensors", "legacy.th", "protocol1.pt"] {
        for name in ["a.pth.tar", "a.th", "a.bin", "a.ckpt", "a.t7", "a.pkl", "a", "a.json", "a.safetensors"] {
            let path = dir.path().join(name);
            fs::copy(fixture(form), &path).unwrap();
            assert_eq!(sorted(&path), plain, "{form} as {name}");
        }
    }
}

#[test]
fn one_value_may_stand_for_many() {
    let tensors = sorted(&fixture("expanded.pt"));
    let one = tensors["one"].1[0];
    assert_eq!(tensors["2.bias"], (vec![2], vec![one, one]));
}

#[test]
fn small_floats_are_exact() {
    let tensors = sorted(&fixture("small_floats.pt"));
    let mut seen = 0;
    for (name, (_, values)) in &tensors {
        let Some((_, expected)) = tensors.get(&format!("{name}.f32")) else {
            continue;
        };
        seen += 1;
        assert_eq!(values.len(), 256);
        for (value, expected) in values.iter().zip(expected) {
            let same = value.to_bits() == expected.to_bits() || value.is_nan() && expected.is_nan();
            assert!(same, "{name}: {value} instead of {expected}");
        }
    }
    assert_eq!(seen, 6);
}

#[test]
fn computed_weights_are_what_pytorch_computes() {
    for (name, note) in [
        ("pruned", "2 pruned tensors were multiplied by their masks"),
        ("weight_norm", "3 weight-normed tensors were computed"),
    ] {
        let path = fixture(&format!("{name}.pt"));
        let file = WeightFile::open(&path, CornerWeights::Ema).unwrap();
        assert_eq!(file.notes, [note]);
        let (tensors, expected) = (sorted(&path), sorted(&fixture(&format!("{name}.safetensors"))));
        assert_eq!(tensors.len(), 8, "no part of a computed weight is left: {tensors:?}");
        for (weight, (shape, values)) in expected {
            assert_eq!(tensors[&weight].0, shape);
            for (value, expected) in tensors[&weight].1.iter().zip(values) {
                let close = (value - expected).abs() <= expected.abs() * 2e-7;
                assert!(close, "{weight}: {value} instead of {expected}");
            }
        }
    }
    let error = refusal(read(&fixture("spectral_norm.pt")));
    assert!(error.contains("`2.weight`"), "{error}");
    assert!(error.contains("remove_spectral_norm"), "{error}");
}

#[test]
fn programs_and_tensors_of_other_kinds_are_refused_with_a_remedy() {
    for (name, parts) in [
        ("script.pt", ["a TorchScript program of torch.jit.save", "torch.jit.load(FILE).state_dict()"]),
        ("frozen.pt", ["a TorchScript program of torch.jit.save", "torch.jit.load(FILE).state_dict()"]),
        ("exported.pt2", ["an exported program of torch.export.save", "torch.export.load(FILE).state_dict"]),
        ("sparse.pt", ["holds `weight`, a sparse tensor", "save it as x.to_dense()"]),
        ("quantized.pt", ["holds `weight`, a quantized tensor", "save it as x.dequantize()"]),
        ("quantized_layer.pt", ["holds `0._packed_params.dtype`, part of a quantized layer", "dequantize()"]),
    ] {
        let error = refusal(read(&fixture(name)));
        for part in parts {
            assert!(error.contains(part), "{part}: {error}");
        }
    }
}

#[test]
fn folders_of_several_processes_are_put_together() {
    let expected = sorted(&fixture("distributed.safetensors"));
    assert_eq!(sorted(&fixture("distributed")), expected);

    // Without one of its parts it is refused by that part's name.
    let dir = tempfile::tempdir().unwrap();
    for name in [".metadata", "__0_0.distcp", "__1_0.distcp"] {
        fs::copy(fixture("distributed").join(name), dir.path().join(name)).unwrap();
    }
    assert_eq!(sorted(dir.path()), expected);
    fs::remove_file(dir.path().join("__1_0.distcp")).unwrap();
    let error = refusal(read(dir.path()));
    assert!(error.contains("__1_0.distcp: no such file"), "{error}");
    fs::remove_file(dir.path().join(".metadata")).unwrap();
    let error = refusal(read(dir.path()));
    assert!(error.contains("without its .metadata"), "{error}");
}

/// Opens and reads what may be anything; it takes a moment at most.
fn try_reading(path: &Path) -> Result<Vec<NamedValues>, WeightFileError> {
    let began = Instant::now();
    let result = read(path);
    assert!(began.elapsed() < Duration::from_secs(10));
    result
}

/// Every beginning of a file is refused, and any byte may be any other.
fn damage(original: &Path, damaged: &Path, opened: &Path, prefixes: usize, flips: usize) {
    let good = fs::read(original).unwrap();
    for len in (0..good.len()).step_by(prefixes) {
        fs::write(damaged, &good[..len]).unwrap();
        assert!(try_reading(opened).is_err(), "{original:?} cut to {len}");
    }
    for at in (0..good.len()).step_by(flips) {
        let mut bytes = good.clone();
        bytes[at] ^= [0xff, 0x01, 0x80][at % 3];
        fs::write(damaged, &bytes).unwrap();
        let _ = try_reading(opened);
    }
    fs::write(damaged, good).unwrap();
    try_reading(opened).unwrap();
}

#[test]
fn damaged_files_never_crash_the_reader() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model");
    for (name, prefixes, flips) in [
        ("legacy.th", 2, 1),
        ("plain.safetensors", 1, 1),
        ("protocol1.pt", 7, 5),
        ("negated.pt", 11, 5),
        ("unchecked.pt", 11, 5),
        ("expanded.pt", 11, 3),
        ("weight_norm.pt", 31, 7),
    ] {
        damage(&fixture(name), &path, &path, prefixes, flips);
    }
}

#[test]
fn damaged_folders_never_crash_the_reader() {
    let dir = tempfile::tempdir().unwrap();
    let names = [".metadata", "__0_0.distcp", "__1_0.distcp"];
    for name in names {
        fs::copy(fixture("distributed").join(name), dir.path().join(name)).unwrap();
    }
    for (name, prefixes, flips) in [(".metadata", 3, 2), ("__0_0.distcp", 11, 7)] {
        let original = fixture("distributed").join(name);
        damage(&original, &dir.path().join(name), dir.path(), prefixes, flips);
    }
}
