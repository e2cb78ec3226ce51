use super::*;
use crate::layout::{LayoutTensors, WeightLayout};
use crate::model_file::{read_tensors, write, write_tensors};
use serde::Deserialize;
use surfit_core::config::NetworkConfig;

fn expected(name: &str, widths: &[usize], input: [usize; 3]) -> ExpectedNetwork {
    tch::set_num_threads(1);
    let config = NetworkConfig { name: name.into(), widths: widths.into(), patch: 0, hidden: Vec::new() };
    ExpectedNetwork::new(&config, input, 4).unwrap()
}

fn read(path: &Path, network: &ExpectedNetwork) -> Result<GivenWeights> {
    GivenWeights::read(path, CornerWeights::Ema, network, &RenameRules::default())
}

/// Tensors of a network under the layout's names, with random values.
fn tensors(layout: &WeightLayout) -> Vec<(String, Tensor)> {
    tch::manual_seed(5);
    let flat = Tensor::randn([layout.len()], (Kind::Float, Device::Cpu));
    let names = layout.parameters.iter().map(|p| p.name.clone());
    names.zip(layout.views(&flat).iter().map(Tensor::copy)).collect()
}

fn save(path: &Path, tensors: &[(String, Tensor)]) {
    let named: Vec<(&str, &Tensor)> = tensors.iter().map(|(n, t)| (n.as_str(), t)).collect();
    write_tensors(path, &named, &[]).unwrap();
}

/// Name, type and shape of every tensor of a file, sorted.
fn listed(path: &Path) -> Vec<(String, Kind, Vec<i64>)> {
    let (tensors, _) = read_tensors(path, |_| 1 << 20).unwrap();
    let mut all: Vec<_> = tensors.into_iter().map(|(n, t)| (n, t.kind(), t.size())).collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

#[test]
fn an_export_has_every_tensor_that_the_modules_file_had() {
    let network = expected("mlp", &[5], [1, 4, 4]);
    let layout = network.layout();
    let dir = tempfile::tempdir().unwrap();
    let (theirs, ours) = (dir.path().join("a"), dir.path().join("b"));
    let under = |n: String| format!("net.{n}");
    let mut file: Vec<(String, Tensor)> = tensors(layout).into_iter().map(|(n, t)| (under(n), t)).collect();
    file.push(("normalize.mean".into(), Tensor::from_slice(&[0.5f32]).view([1, 1, 1])));
    file.push(("normalize.std".into(), Tensor::from_slice(&[0.25f64])));
    file.push(("n_averaged".into(), Tensor::from(7i64)));
    file.push(("val_acc.confmat".into(), Tensor::from_slice(&[1i32, 2, 3, 4]).view([2, 2])));
    save(&theirs, &file);
    let given = read(&theirs, &network).unwrap();
    assert_eq!(given.names.strict_loading_notice(), None);
    // As the run keeps them.
    let names = serde_json::to_vec(&given.names).unwrap();
    let names: NameMap = serde_json::from_slice(&names).unwrap();
    let stats = RunningStats::new(layout, Device::Cpu);
    write(&ours, layout, &given.flat, &stats, Some(&names), &[]).unwrap();
    assert_eq!(listed(&ours), listed(&theirs));
    let (written, _) = read_tensors(&ours, |_| 1 << 20).unwrap();
    for (name, tensor) in &file {
        let same = written.iter().any(|(n, t)| n == name && t == tensor);
        assert!(same, "{name}");
    }

    // What is too large to be kept is told.
    file.push(("train_auc.preds".into(), Tensor::zeros([70_000], (Kind::Int64, Device::Cpu))));
    save(&theirs, &file);
    let notice = read(&theirs, &network).unwrap().names.strict_loading_notice();
    assert_eq!(notice.unwrap(), "the export lacks `train_auc.preds` of corner 1's file; load it with strict=False");
    file.pop();
    // So is what stands for other tensors.
    let at = file.iter().position(|(n, _)| n.ends_with("weight")).unwrap();
    let (name, weight) = file.swap_remove(at);
    file.push((format!("{name}_mask"), weight.ones_like()));
    file.push((format!("{name}_orig"), weight));
    save(&theirs, &file);
    let notice = read(&theirs, &network).unwrap().names.strict_loading_notice();
    assert!(notice.unwrap().starts_with(&format!("the export has `{name}`, which the module")));
}

#[test]
fn position_embeddings_are_interpolated_as_timm_does() {
    #[derive(Deserialize)]
    struct GivenFileCase {
        side: i64,
        grid: [i64; 2],
        before: Vec<f32>,
        after: Vec<f32>,
    }
    let cases: Vec<GivenFileCase> = serde_json::from_str(include_str!("../fixtures/positions.json")).unwrap();
    for case in &cases {
        let before = Tensor::from_slice(&case.before).view([1, 1 + case.side * case.side, 3]);
        let after = interpolate_positions(&before, case.grid).unwrap();
        let [rows, columns] = case.grid;
        assert_eq!(after.size(), [1, 1 + rows * columns, 3]);
        let wanted = Tensor::from_slice(&case.after).view([1, 1 + rows * columns, 3]);
        let difference = (after - wanted).abs().max().double_value(&[]);
        assert!(difference < 1e-5, "{:?}: {difference}", case.grid);
    }
    assert!(cases.len() >= 4);
}

#[test]
fn a_vit_of_other_images_is_read_and_given_back_under_its_own_names() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("vit.pt");
    // Made for 7×7 patches of 4 pixels, and read for 2×2 of them.
    let vit = expected("vit-tiny", &[12, 2, 3], [1, 8, 8]);
    let vit = ExpectedNetwork::new(&NetworkConfig { patch: 4, ..vit.config }, [1, 8, 8], 4).unwrap();
    let mut all = tensors(vit.layout());
    let positions = Tensor::randn([1, 50, 12], (Kind::Float, Device::Cpu));
    all[1].1 = positions.copy();
    // As Hugging Face splits and calls it.
    let mut given: Vec<(String, Tensor)> = Vec::new();
    for (name, tensor) in &all {
        if let Some((block, what)) = name.split_once(".attn.qkv.") {
            let block = block.replace("blocks", "vit.encoder.layer");
            for (part, t) in ["query", "key", "value"].iter().zip(tensor.chunk(3, 0)) {
                given.push((format!("{block}.attention.attention.{part}.{what}"), t));
            }
            continue;
        }
        let called = name
            .replace("blocks", "vit.encoder.layer")
            .replace("norm1", "layernorm_before")
            .replace("norm2", "layernorm_after")
            .replace("attn.proj", "attention.output.dense")
            .replace("mlp.fc1", "intermediate.dense")
            .replace("mlp.fc2", "output.dense")
            .replace("cls_token", "vit.embeddings.cls_token")
            .replace("pos_embed", "vit.embeddings.position_embeddings")
            .replace("patch_embed.proj", "vit.embeddings.patch_embeddings.projection")
            .replace("head.", "classifier.");
        let called = match called.strip_prefix("norm.") {
            Some(what) => format!("vit.layernorm.{what}"),
            None => called,
        };
        given.push((called, tensor.shallow_clone()));
    }
    save(&path, &given);
    let read_once = read(&path, &vit).unwrap();
    assert_eq!(read_once.names.naming, "Hugging Face");
    let views = vit.layout().views(&read_once.flat);
    assert_eq!(views[1], interpolate_positions(&positions, [2, 2]).unwrap());
    for (view, (name, tensor)) in views.iter().zip(&all).filter(|(_, (n, _))| n != "pos_embed") {
        assert_eq!(view, tensor, "{name}");
    }
    let stats = RunningStats::new(vit.layout(), Device::Cpu);
    let back = dir.path().join("back.safetensors");
    write(&back, vit.layout(), &read_once.flat, &stats, Some(&read_once.names), &[]).unwrap();
    let bytes = std::fs::read(&back).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let mut theirs: Vec<&str> = given.iter().map(|(n, _)| n.as_str()).collect();
    let mut ours = file.names();
    theirs.sort_unstable();
    ours.sort_unstable();
    assert_eq!(ours, theirs);
    assert_eq!(read(&back, &vit).unwrap().flat, read_once.flat);
}

#[test]
fn layers_that_were_never_run_are_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("vgg.pt");
    let vgg = expected("vgg16-bn-cifar", &[2, 2, 2, 2, 2], [1, 32, 32]);
    // Means of the first layer and of the others; files of PyTorch before 0.4.1 have no counters.
    let save_with = |means: [f64; 2], counters: bool| {
        let mut all = tensors(vgg.layout());
        for (index, norm) in vgg.layout().norms.iter().enumerate() {
            let full = |value: f64| Tensor::full([2], value, (Kind::Float, Device::Cpu));
            let mean = means[usize::from(index > 0)];
            all.push((format!("{}.running_mean", norm.prefix), full(mean)));
            all.push((format!("{}.running_var", norm.prefix), full(1.0)));
            if counters {
                let count = Tensor::from(i64::from(mean != 0.0));
                all.push((format!("{}.num_batches_tracked", norm.prefix), count));
            }
        }
        for (name, _) in &mut all {
            let Some(rest) = name.strip_prefix("features.") else {
                continue;
            };
            let (number, what) = rest.split_once('.').unwrap();
            let number: usize = number.parse().unwrap();
            // A stage has three modules for each convolution, and a pooling.
            let ends = [6, 13, 23, 33, 43];
            let stage = ends.iter().position(|&end| number < end).unwrap();
            let first = if stage == 0 { 0 } else { ends[stage - 1] + 1 };
            let at = (number - first) / 3 * 2 + (number - first) % 3;
            *name = format!("layer_blocks.{stage}.{at}.{what}");
        }
        save(&path, &all);
    };
    for counters in [true, false] {
        // All trained; none trained, as a network that was just made.
        for means in [[0.5, 0.5], [0.0, 0.0]] {
            save_with(means, counters);
            assert_eq!(read(&path, &vgg).unwrap().names.naming, "timgaripov/dnn-mode-connectivity");
        }
        save_with([0.5, 0.0], counters);
        let why = read(&path, &vgg).unwrap_err().to_string();
        assert!(why.contains("`layer_blocks.0.3` was never run") && why.contains("its VGG16"), "{why}");
    }
}
