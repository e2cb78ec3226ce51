//! Which weights are taken where there are several.

use super::pytorch_files::{PickleWriter, archive};
use super::*;

/// A dictionary whose tensor `w` is this value.
fn weights(p: PickleWriter, value: u8) -> PickleWriter {
    p.raw(b"}").text("w").tensor("FloatStorage", &value.to_string(), 1, 0, &[1], &[1]).raw(b"s")
}

/// A checkpoint with such dictionaries under these names.
fn checkpoint(dir: &Path, parts: &[(&str, u8)]) -> PathBuf {
    let list = parts.iter().fold(PickleWriter::new().raw(b"}("), |p, (name, value)| weights(p.text(name), *value));
    written(dir, list.raw(b"u"))
}

fn written(dir: &Path, list: PickleWriter) -> PathBuf {
    let storages = ["x/data/1", "x/data/2"].iter().zip([1f32, 2.]);
    let storages = storages.map(|(name, value)| (*name, value.to_le_bytes().to_vec()));
    archive(dir, list.end(), storages.collect())
}

fn value(path: &Path, weights: CornerWeights) -> f32 {
    let tensors = read_as(path, weights).unwrap();
    assert_eq!((tensors.len(), tensors[0].0.as_str()), (1, "w"));
    tensors[0].2[0]
}

fn note(path: &Path, weights: CornerWeights) -> String {
    WeightFile::open(path, weights).unwrap().notes.join("; ")
}

#[test]
fn the_average_is_taken_unless_raw_weights_are_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    for (raw, averaged) in [
        ("state_dict", "state_dict_ema"),
        ("model", "model_ema"),
        ("state_dict", "ema_state_dict"),
        ("params", "params_ema"),
    ] {
        for parts in [[(raw, 1), (averaged, 2)], [(averaged, 2), (raw, 1)]] {
            let path = checkpoint(dir.path(), &parts);
            assert_eq!(value(&path, CornerWeights::Ema), 2.0, "{averaged}");
            assert_eq!(value(&path, CornerWeights::Raw), 1.0, "{raw}");
            assert_eq!(
                note(&path, CornerWeights::Ema),
                format!("averaged weights, `{averaged}`, were taken; corners.weights = \"raw\" takes `{raw}`")
            );
            assert_eq!(
                note(&path, CornerWeights::Raw),
                format!("raw weights, `{raw}`, were taken; corners.weights = \"ema\" takes `{averaged}`")
            );
        }
    }
    let alone = checkpoint(dir.path(), &[("params_ema", 2)]);
    assert_eq!(value(&alone, CornerWeights::Ema), 2.0);
    assert!(note(&alone, CornerWeights::Ema).contains("there are no raw ones"));
    let error = refusal(read_as(&alone, CornerWeights::Raw));
    assert!(error.contains("set corners.weights = \"ema\""), "{error}");
    let raw = checkpoint(dir.path(), &[("state_dict", 1)]);
    assert_eq!(value(&raw, CornerWeights::Ema), 1.0);
    assert_eq!(note(&raw, CornerWeights::Ema), "");
}

/// Lightning's `WeightAveraging` puts the average in the place of the state dict.
#[test]
fn lightnings_averages_are_known() {
    let dir = tempfile::tempdir().unwrap();
    let list = weights(PickleWriter::new().raw(b"}(").text("state_dict"), 2);
    let list = weights(list.text("current_model_state"), 1);
    let path = written(dir.path(), list.text("averaging_state").raw(b"}u"));
    assert_eq!(value(&path, CornerWeights::Ema), 2.0);
    assert_eq!(value(&path, CornerWeights::Raw), 1.0);
    assert!(note(&path, CornerWeights::Ema).contains("takes `current_model_state`"));

    // And callbacks that keep one of their own.
    let list = weights(PickleWriter::new().raw(b"}(").text("state_dict"), 1);
    let list = list.text("callbacks").raw(b"}").text("EMA").raw(b"}").text("ema_state_dict");
    let path = written(dir.path(), weights(list, 2).raw(b"ssu"));
    assert_eq!(value(&path, CornerWeights::Ema), 2.0);
    assert_eq!(value(&path, CornerWeights::Raw), 1.0);
}

#[test]
fn an_average_that_is_an_object_is_left_out_with_a_note() {
    let dir = tempfile::tempdir().unwrap();
    let list = weights(PickleWriter::new().raw(b"}(").text("model"), 1);
    let list = list.text("ema").global("net", "Net").raw(b")\x81u");
    let path = written(dir.path(), list);
    assert_eq!(value(&path, CornerWeights::Ema), 1.0);
    let note = note(&path, CornerWeights::Ema);
    assert!(note.contains("because `ema` is a whole object of `net.Net`"), "{note}");
}

/// `torch_ema` and diffusers keep a list in the order of the parameters.
#[test]
fn an_average_without_names_is_left_out_with_a_note() {
    let dir = tempfile::tempdir().unwrap();
    let tensor = |p: PickleWriter| p.tensor("FloatStorage", "2", 1, 0, &[1], &[1]);
    let state = |p: PickleWriter| {
        let list = p.raw(b"}(").text("decay").int(1).text("shadow_params");
        tensor(list.raw(b"](")).raw(b"eu")
    };
    let list = |p: PickleWriter| tensor(p.raw(b"](")).raw(b"e");
    let in_callback = |p: PickleWriter| list(p.raw(b"}").text("EMA").raw(b"}").text("ema_weights")).raw(b"ss");
    /// What stands under a key of the checkpoint.
    type Make<'a> = &'a dyn Fn(PickleWriter) -> PickleWriter;
    let made: [(&str, &str, Make); 3] =
        [("ema", "ema", &state), ("model_ema", "model_ema", &list), ("callbacks", "ema_weights", &in_callback)];
    for (key, name, value_of) in made {
        let raw = weights(PickleWriter::new().raw(b"}(").text("model"), 1);
        let path = written(dir.path(), value_of(raw.text(key)).raw(b"u"));
        assert_eq!(value(&path, CornerWeights::Ema), 1.0);
        assert_eq!(
            note(&path, CornerWeights::Ema),
            format!("averaged weights were not read, because `{name}` has no tensors by name; raw weights were taken")
        );
        assert_eq!(note(&path, CornerWeights::Raw), "");
    }
    // Settings of that name are no weights.
    for setting in [b"N".as_slice(), b"K\x01", b"}", b"]"] {
        let raw = weights(PickleWriter::new().raw(b"}(").text("model"), 1);
        let path = written(dir.path(), raw.text("ema").raw(setting).raw(b"u"));
        assert_eq!(note(&path, CornerWeights::Ema), "");
    }
}
