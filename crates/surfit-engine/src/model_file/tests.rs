use super::*;
use std::fs;
use std::path::Path;
use surfit_core::config::{CornerWeights, NetworkConfig};
use surfit_weights::names::{ExpectedNetwork, RenameRules};
use tch::{Device, Kind};

fn expected() -> ExpectedNetwork {
    let config = NetworkConfig { name: "cnn".into(), widths: vec![3, 5], patch: 0, hidden: Vec::new() };
    ExpectedNetwork::new(&config, [1, 8, 8], 4).unwrap()
}

fn layout() -> WeightLayout {
    expected().layout().clone()
}

fn read(path: &Path) -> Result<GivenWeights> {
    GivenWeights::read(path, CornerWeights::Ema, &expected(), &RenameRules::default())
}

/// Statistics that are no defaults.
fn stats(layout: &WeightLayout) -> RunningStats {
    let mut stats = RunningStats::new(layout, Device::Cpu);
    for (i, (mean, var)) in stats.mean.iter_mut().zip(&mut stats.var).enumerate() {
        *mean += 0.5 + i as f64;
        *var += 2.25 + i as f64;
    }
    stats.batches = 8;
    stats
}

fn refusal<T>(result: Result<T>) -> String {
    result.err().expect("an error").to_string()
}

#[test]
fn a_network_is_read_bit_for_bit_under_pytorchs_names() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.safetensors");
    let layout = layout();
    let flat = layout.initial_weights(3);
    write(&path, &layout, &flat, &stats(&layout), None, &[]).unwrap();

    let bytes = fs::read(&path).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let mut names = file.names();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "classifier.bias",
            "classifier.weight",
            "features.0.0.weight",
            "features.0.1.bias",
            "features.0.1.num_batches_tracked",
            "features.0.1.running_mean",
            "features.0.1.running_var",
            "features.0.1.weight",
            "features.1.0.weight",
            "features.1.1.bias",
            "features.1.1.num_batches_tracked",
            "features.1.1.running_mean",
            "features.1.1.running_var",
            "features.1.1.weight",
        ]
    );
    let tracked = file.tensor("features.1.1.num_batches_tracked").unwrap();
    assert_eq!((tracked.dtype(), tracked.shape()), (safetensors::Dtype::I64, [].as_slice()));
    assert_eq!(tracked.data(), 8i64.to_le_bytes());
    let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    assert_eq!(header.metadata().as_ref().unwrap()["format"], "pt");

    let given = read(&path).unwrap();
    assert_eq!(given.flat, flat);
    let (back, stats) = (given.stats.unwrap(), stats(&layout));
    assert_eq!((&back.mean, &back.var, back.batches), (&stats.mean, &stats.var, 8));

    assert!(refusal(write(&path, &layout, &flat.narrow(0, 0, 7), &stats, None, &[])).contains("[7]"));
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

#[test]
fn tensors_of_every_type_are_read_bit_for_bit() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.safetensors");
    tch::manual_seed(3);
    let floats = (Kind::Float, Device::Cpu);
    let odd = [f32::NAN, f32::INFINITY, -0.0, f32::MIN_POSITIVE / 2.0, f32::MAX];
    let large = Tensor::randn([(tensor_file::CHUNK_BYTES / 4) as i64 * 2 + 5], floats);
    let matrix = Tensor::randn([6, 4], floats);
    let tensors = [
        ("odd", Tensor::from_slice(&odd)),
        ("large", large),
        ("transposed", matrix.transpose(0, 1)),
        ("slice", matrix.slice(1, 1, 4, 2)),
        ("scalar", Tensor::from(7i64)),
        ("none", Tensor::zeros([0, 3], floats)),
        ("double", Tensor::from_slice(&[std::f64::consts::PI])),
        ("half", matrix.to_kind(Kind::Half)),
        ("brain", matrix.to_kind(Kind::BFloat16)),
        ("bytes", Tensor::from_slice(&[1u8, 255, 3])),
        ("flags", Tensor::from_slice(&[true, false, true])),
        ("tracked", Tensor::randn([2], floats).set_requires_grad(true)),
    ];
    let named: Vec<(&str, &Tensor)> = tensors.iter().map(|(n, t)| (*n, t)).collect();
    let metadata = [("step".to_owned(), "17".to_owned()), ("phase".into(), "edge \"1\"\n".into())];
    write_tensors(&path, &named, &metadata).unwrap();
    let (back, strings) = read_tensors(&path, |_| u64::MAX).unwrap();
    assert_eq!(strings, metadata.clone().into_iter().collect());
    assert_eq!(back.len(), tensors.len());
    let bits = |t: &Tensor| {
        let t = t.detach().contiguous();
        let mut bytes = vec![0u8; t.numel() * t.kind().elt_size_in_bytes()];
        t.copy_data_u8(&mut bytes, t.numel());
        (t.kind(), t.size(), bytes)
    };
    for (name, tensor) in &tensors {
        let (_, same) = back.iter().find(|(n, _)| n == name).unwrap();
        assert!(bits(same) == bits(tensor), "{name}");
    }

    let first = fs::read(&path).unwrap();
    write_tensors(&path, &named, &metadata).unwrap();
    assert!(fs::read(&path).unwrap() == first, "the same content, the same bytes");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    // The format's own reader agrees.
    safetensors::SafeTensors::deserialize(&first).unwrap();

    let twice = [("a", &tensors[0].1), ("a", &tensors[0].1)];
    assert!(refusal(write_tensors(&path, &twice, &[])).contains("two tensors are called `a`"));
    let complex = Tensor::zeros([1], (Kind::ComplexFloat, Device::Cpu));
    assert!(refusal(write_tensors(&path, &[("c", &complex)], &[])).contains("ComplexFloat"));
    let nowhere = dir.path().join("no/such/x.safetensors");
    assert!(refusal(write_tensors(&nowhere, &[], &[])).contains("no/such/x.safetensors"));
    assert!(fs::read(&path).unwrap() == first, "an error leaves the old file");
}

#[test]
fn damaged_and_foreign_files_get_a_sentence_with_their_name() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("corner.safetensors");
    write_tensors(&path, &[("a", &Tensor::from_slice(&[1f32; 64]))], &[]).unwrap();
    let good = fs::read(&path).unwrap();
    let longest = [&u64::MAX.to_le_bytes(), good.as_slice()].concat();
    for (case, bytes, expected) in [
        ("tail cut", good[..good.len() - 4].to_vec(), "promises 256 bytes of tensors, 252 are there"),
        ("header cut", good[..20].to_vec(), "cut short"),
        ("empty", Vec::new(), "is empty"),
        ("long", [good.as_slice(), b"x"].concat(), "has more than it should"),
        ("other", b"hello, this is a text file".to_vec(), "not a file of network weights"),
        ("length", longest, "not a file of network weights"),
        ("json", [&20u64.to_le_bytes()[..], &[b'{'; 20]].concat(), "not whole as safetensors"),
    ] {
        fs::write(&path, bytes).unwrap();
        let error = refusal(read(&path));
        assert!(error.starts_with(path.to_str().unwrap()) && error.contains(expected), "{case}: {error}");
    }
    assert!(refusal(read(&dir.path().join("gone.safetensors"))).contains("gone.safetensors"));
}

#[test]
fn a_state_dict_must_be_that_of_the_network() {
    let layout = layout();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("corner3.pt");
    let flat = layout.initial_weights(1);
    let full = || -> Vec<(String, Tensor)> {
        let mut tensors: Vec<(String, Tensor)> =
            layout.parameters.iter().zip(layout.views(&flat)).map(|(p, t)| (p.name.clone(), t.copy())).collect();
        for n in &layout.norms {
            let ones = || Tensor::ones([n.channels], (Kind::Float, Device::Cpu));
            tensors.push((format!("{}.running_mean", n.prefix), ones()));
            tensors.push((format!("{}.running_var", n.prefix), ones()));
            tensors.push((format!("{}.num_batches_tracked", n.prefix), Tensor::from(5f32)));
        }
        tensors
    };
    let check = |tensors: Vec<(String, Tensor)>| {
        let named: Vec<(&str, &Tensor)> = tensors.iter().map(|(n, t)| (n.as_str(), t)).collect();
        write_tensors(&path, &named, &[]).unwrap();
        read(&path).map(|given| (given.flat, given.stats))
    };

    let (same, stats) = check(full()).unwrap();
    assert_eq!((same, stats.unwrap().batches), (flat.copy(), 5));
    let prefixed = full().into_iter().map(|(n, t)| (format!("module.{n}"), t)).rev().collect();
    assert_eq!(check(prefixed).unwrap().0, flat);
    // torch.compile and data-parallel training, one in the other.
    let wrapped = full().into_iter().map(|(n, t)| (format!("module._orig_mod.{n}"), t)).collect();
    assert_eq!(check(wrapped).unwrap().0, flat);
    // What is no float and no weight may be there.
    let mut more = full();
    more.push(("acc.tp".into(), Tensor::from_slice(&[1i64, 2])));
    more.push(("n_averaged".into(), Tensor::from(7i64)));
    for (name, tensor) in &mut more {
        if name.ends_with(BATCH_COUNTER) {
            *tensor = tensor.to_kind(Kind::Int);
        }
    }
    let (same, stats) = check(more).unwrap();
    assert_eq!((same, stats.unwrap().batches), (flat.copy(), 5));
    for kind in [Kind::Double, Kind::Half, Kind::BFloat16] {
        let narrow = full().into_iter().map(|(n, t)| (n, t.to_kind(kind)));
        let (same, _) = check(narrow.collect()).unwrap();
        assert_eq!(same, flat.to_kind(kind).to_kind(Kind::Float));
    }
    let bare = full().into_iter().filter(|(n, _)| !n.contains("running")).collect();
    let (same, stats) = check(bare).unwrap();
    assert!(same == flat && stats.is_none());

    type EditedTensors<'a> = (&'a str, Vec<(String, Tensor)>, Vec<&'a str>);
    let mut edited: Vec<EditedTensors> = Vec::new();
    let mut d = full();
    d.retain(|(n, _)| n != "features.1.0.weight");
    edited.push(("missing", d, vec!["it lacks `features.1.0.weight`", "use a file with all weights"]));
    let mut d = full();
    d.retain(|(n, _)| n != "features.0.1.running_var");
    edited.push(("half the statistics", d, vec!["lacks `features.0.1.running_var`"]));
    let mut d = full();
    d.push(("fc.weight".into(), Tensor::from(1f32)));
    edited.push(("unexpected", d, vec!["`fc.weight` is unknown"]));
    let mut d = full();
    d[0].1 = Tensor::zeros([3, 3, 3, 3], (Kind::Float, Device::Cpu));
    edited.push(("shape", d, vec!["it reads images of 3 channels", "data.channels = 3"]));
    let mut d = full();
    let float = (Kind::Float, Device::Cpu);
    d[6].1 = Tensor::zeros([100, 5], float);
    d[7].1 = Tensor::zeros([100], float);
    edited.push((
        "classes",
        d,
        vec![
            "it tells 100 classes apart, the data set has 4",
            "`classifier.weight` is [100, 5] instead of [4, 5]",
            "data.name",
        ],
    ));
    let d = full();
    let _ = d[6].1.narrow(0, 1, 2).fill_(f64::INFINITY);
    edited.push(("infinite", d, vec!["`classifier.weight` has 10 values that are not finite"]));
    let d = full();
    let _ = d[9].1.narrow(0, 0, 1).fill_(f64::NAN);
    edited.push(("statistic", d, vec!["`features.0.1.running_var` has 1 values"]));
    let mut d = full();
    let _ = d[9].1.fill_(-1.0);
    edited.push(("negative", d, vec!["negative variance"]));
    let mut d = full();
    d.push(("module.classifier.bias".into(), Tensor::from(1f32)));
    edited.push(("twice", d, vec!["would be `classifier.bias`"]));
    edited.push(("nothing", Vec::new(), vec!["and 6 more"]));
    // Only weights have to be floats.
    let mut d = full();
    d[1].1 = Tensor::from_slice(&[1i64, 2, 3]);
    edited.push(("integers", d, vec!["I64", "`features.0.1.weight`"]));
    for (case, tensors, expected) in edited {
        let error = refusal(check(tensors));
        assert!(error.contains("corner3.pt: "), "{case}: {error}");
        for part in expected {
            assert!(error.contains(part), "{case}: {error}");
        }
    }
}
