use super::*;
use crate::Dtype;
use proptest::prelude::*;

mod other_modules;
mod properties;
mod refusals;

/// A network for images of `[3, 32, 32]` and 10 classes.
fn network(name: &str, widths: &[usize], hidden: &[usize]) -> ExpectedNetwork {
    let config = NetworkConfig { name: name.into(), widths: widths.into(), patch: 0, hidden: hidden.into() };
    ExpectedNetwork::new(&config, [3, 32, 32], 10).unwrap()
}

type NamedEntries = Vec<(String, Vec<i64>)>;

/// All tensors of a network under the layout's names: parameters, statistics, counters.
fn entries(network: &ExpectedNetwork) -> NamedEntries {
    let layout = network.layout();
    let parameters = layout.parameters.iter();
    let mut all: NamedEntries = parameters.map(|p| (p.name.clone(), p.shape.clone())).collect();
    for norm in &layout.norms {
        for what in RUNNING_STATISTICS {
            all.push((format!("{}.{what}", norm.prefix), vec![norm.channels]));
        }
        all.push((format!("{}.{BATCH_COUNTER}", norm.prefix), vec![]));
    }
    all
}

fn renamed(entries: &NamedEntries, name: impl Fn(&str) -> String) -> NamedEntries {
    entries.iter().map(|(n, shape)| (name(n), shape.clone())).collect()
}

/// As [`super::match_names`]: counters are integers, all else is of floats.
fn match_names(
    network: &ExpectedNetwork,
    entries: &NamedEntries,
    renames: &RenameRules,
) -> Result<NameMap, NetworkError> {
    const INTEGERS: [&str; 5] = [BATCH_COUNTER, "n_averaged", "tp", "confmat", "_extra_state"];
    let tensors: Vec<TensorEntry> = entries
        .iter()
        .map(|(name, shape)| TensorEntry {
            name: name.clone(),
            shape: shape.iter().map(|&n| n as usize).collect(),
            dtype: match INTEGERS.contains(&name.rsplit('.').next().unwrap_or_default()) {
                true => Dtype::I64,
                false => Dtype::F32,
            },
        })
        .collect();
    super::match_names(network, &tensors, renames)
}

fn matched(network: &ExpectedNetwork, entries: &NamedEntries) -> NameMap {
    match_names(network, entries, &RenameRules::default()).unwrap_or_else(|e| panic!("{e}"))
}

fn refusal(network: &ExpectedNetwork, entries: &NamedEntries) -> String {
    match_names(network, entries, &RenameRules::default()).expect_err("a refusal").to_string()
}

/// The file's name of every tensor of the layout.
fn sources(map: &NameMap) -> Vec<(&str, Vec<&str>)> {
    let tensors = map.tensors.iter();
    tensors.map(|t| (t.name.as_str(), t.sources.iter().map(String::as_str).collect())).collect()
}

fn source<'a>(map: &'a NameMap, name: &str) -> Vec<&'a str> {
    let all = sources(map);
    let found = all.into_iter().find(|(n, _)| *n == name);
    found.unwrap_or_else(|| panic!("{name} is not there")).1
}

#[test]
fn the_layouts_own_names_are_themselves() {
    for name in surfit_core::networks::NETWORK_NAMES {
        let hidden = name.starts_with("vgg16-").then_some([9, 7].as_slice());
        for hidden in [None, hidden] {
            let network = network(name, &[], hidden.unwrap_or_default());
            let map = matched(&network, &entries(&network));
            for (name, sources) in sources(&map) {
                assert_eq!(sources, [name]);
            }
            assert_eq!(map.has_statistics, !network.layout().norms.is_empty());
            assert_eq!(map.counters.len(), network.layout().norms.len());
            assert!(map.passed_over.is_empty());
        }
    }
}

#[test]
fn prefixes_and_wrappers_are_seen_through_wherever_they_stand() {
    let resnet = network("resnet18-cifar", &[4, 5, 6, 7], &[]);
    let all = entries(&resnet);
    for prefix in ["model.", "net.", "backbone.", "encoder.", "1.", "module.model.", "_orig_mod.module."] {
        let map = matched(&resnet, &renamed(&all, |n| format!("{prefix}{n}")));
        assert_eq!(source(&map, "conv1.weight"), [format!("{prefix}conv1.weight")]);
    }
    let inside = |n: &str| {
        n.replace("layer2.", "layer2._fsdp_wrapped_module.")
            .replace("layer1.0.", "layer1.0._checkpoint_wrapped_module._orig_mod.")
    };
    let map = matched(&resnet, &renamed(&all, inside));
    assert_eq!(source(&map, "layer1.0.bn1.bias"), ["layer1.0._checkpoint_wrapped_module._orig_mod.bn1.bias"]);
    let vgg = network("vgg16-bn-cifar", &[], &[]);
    let map = matched(&vgg, &renamed(&entries(&vgg), |n| n.replace("features.", "features.module.")));
    assert_eq!(source(&map, "features.0.weight"), ["features.module.0.weight"]);
}

#[test]
fn the_head_may_stand_elsewhere_than_the_body() {
    let resnet = network("resnet18-cifar", &[4, 5, 6, 7], &[]);
    let all = entries(&resnet);
    for (body, head) in [
        ("backbone.", "head.fc."),
        ("backbone.", "fc."),
        ("encoder.", "classifier."),
        ("model.backbone.", "model.head."),
        ("0.", "1."),
        ("model.0.", "model.2."),
        ("", "fc.1."),
    ] {
        let map = matched(
            &resnet,
            &renamed(&all, |n| match n.strip_prefix("fc.") {
                Some(what) => format!("{head}{what}"),
                None => format!("{body}{n}"),
            }),
        );
        assert_eq!(source(&map, "fc.bias"), [format!("{head}bias")]);
        assert_eq!(map.names_in_file("fc.weight"), Some(vec![format!("{head}weight")]));
    }
}

#[test]
fn what_is_no_weight_is_passed_over() {
    let resnet = network("resnet18-cifar", &[4, 5, 6, 7], &[]);
    let mut all = renamed(&entries(&resnet), |n| format!("1.{n}"));
    let extras: [(&str, &[i64]); 9] = [
        ("n_averaged", &[]),
        ("averaged.n_averaged", &[]),
        ("1._extra_state", &[7]),
        ("train_acc.tp", &[10]),
        ("val_acc.confmat", &[10, 10]),
        ("loss.mean_value", &[]),
        ("0.mean", &[1, 3, 1, 1]),
        ("0.std", &[3]),
        ("elsewhere.num_batches_tracked", &[1]),
    ];
    all.extend(extras.map(|(n, s)| (n.to_owned(), s.to_vec())));
    let map = matched(&resnet, &all);
    assert_eq!(map.passed_over.len(), extras.len());
    assert_eq!(
        map.ignored_tensors_notice().unwrap(),
        "7 tensors are not weights and were ignored: `n_averaged`, `averaged.n_averaged`, `1._extra_state` and 4 more"
    );
    assert_eq!(map.normalization, [Some("0.mean".to_owned()), Some("0.std".to_owned())]);
    // A mean of something else is a weight that nobody knows.
    all.push(("2.mean".into(), vec![64]));
    assert!(refusal(&resnet, &all).contains("`2.mean` is unknown"));
}

#[test]
fn floats_that_are_called_as_states_are_refused() {
    let mlp = network("mlp", &[7, 9], &[]);
    let with = |name: &str, shape: &[i64]| {
        let mut all = entries(&mlp);
        all.push((name.into(), shape.to_vec()));
        all
    };
    for (name, shape) in [
        ("gate.value", [8, 8].as_slice()),
        ("alpha.decay", &[10]),
        ("layers.0.total", &[7]),
        ("target", &[9, 7]),
        ("head.sigma", &[4]),
    ] {
        let why = refusal(&mlp, &with(name, shape));
        assert!(why.contains(&format!("`{name}` is unknown")), "{why}");
    }
    // Single numbers are passed over, and told.
    for (name, shape) in [("ema.decay", [].as_slice()), ("kernel.sigma", &[1])] {
        let map = matched(&mlp, &with(name, shape));
        assert_eq!(
            map.ignored_tensors_notice().unwrap(),
            format!("one tensor is not a weight and was ignored: `{name}`")
        );
    }
    assert_eq!(matched(&mlp, &entries(&mlp)).ignored_tensors_notice(), None);
}

#[test]
fn pytorch_cifars_and_other_resnets_are_the_same_network() {
    let resnet = network("resnet18-cifar", &[], &[]);
    let all = entries(&resnet);
    let kuangliu = renamed(&all, |n| n.replace("downsample", "shortcut").replace("fc.", "linear."));
    let map = matched(&resnet, &kuangliu);
    assert_eq!(map.naming, "kuangliu/pytorch-cifar");
    assert_eq!(source(&map, "layer3.0.downsample.1.running_var"), ["layer3.0.shortcut.1.running_var"]);
    assert_eq!(source(&map, "fc.weight"), ["linear.weight"]);

    // Written out as its repository has them.
    let mut names: NamedEntries = vec![
        ("conv1.0.weight".into(), vec![64, 3, 3, 3]),
        ("conv1.1.weight".into(), vec![64]),
        ("conv1.1.bias".into(), vec![64]),
    ];
    let widths = [64, 128, 256, 512];
    let mut before = 64;
    for (stage, units) in widths.into_iter().enumerate() {
        for block in 0..2 {
            let prefix = format!("conv{}_x.{block}", stage + 2);
            let mut conv = |name: &str, shape: [i64; 4]| {
                names.push((format!("{prefix}.{name}.weight"), shape.to_vec()));
            };
            conv("residual_function.0", [units, before, 3, 3]);
            conv("residual_function.3", [units, units, 3, 3]);
            if before != units {
                conv("shortcut.0", [units, before, 1, 1]);
            }
            let norms = ["residual_function.1", "residual_function.4", "shortcut.1"];
            for norm in &norms[..if before == units { 2 } else { 3 }] {
                for what in ["weight", "bias"] {
                    names.push((format!("{prefix}.{norm}.{what}"), vec![units]));
                }
            }
            before = units;
        }
    }
    names.push(("fc.weight".into(), vec![10, 512]));
    names.push(("fc.bias".into(), vec![10]));
    let map = matched(&resnet, &names);
    assert!(!map.has_statistics);
    assert_eq!(map.naming, "weiaicunzai/pytorch-cifar100");
    assert_eq!(source(&map, "layer4.1.conv2.weight"), ["conv5_x.1.residual_function.3.weight"]);
    assert_eq!(source(&map, "layer2.0.downsample.0.weight"), ["conv3_x.0.shortcut.0.weight"]);
    // What a file without statistics would call them.
    assert_eq!(map.names_in_file("bn1.running_mean"), Some(vec!["conv1.1.running_mean".to_owned()]));
    assert_eq!(map.names_in_file("bn9.running_mean"), None);

    let sequential = renamed(&all, |n| {
        let n = n.replacen("layer", "", 1);
        match n.split_once('.') {
            Some(("conv1", rest)) => format!("backbone.0.{rest}"),
            Some(("bn1", rest)) => format!("backbone.1.{rest}"),
            Some((stage, rest)) if stage.parse::<u8>().is_ok() => {
                format!("backbone.{}.{rest}", stage.parse::<u8>().unwrap() + 3)
            }
            _ => n,
        }
    });
    assert_eq!(source(&matched(&resnet, &sequential), "layer1.0.conv1.weight"), ["backbone.4.0.conv1.weight"]);
}

#[test]
fn a_pre_activation_resnet_is_not_taken_for_another() {
    // Its batch norms stand before the convolutions, so that some have other widths, and its shortcuts have none.
    let resnet = network("resnet18-cifar", &[], &[]);
    let mut all = renamed(&entries(&resnet), |n| n.replace("downsample", "shortcut").replace("fc.", "linear."));
    all.retain(|(n, _)| !n.contains("shortcut.1"));
    for (name, shape) in &mut all {
        if name.starts_with("layer2.0.bn1.") && shape.len() == 1 {
            shape[0] = 64;
        }
    }
    let why = refusal(&resnet, &all);
    assert!(
        why.contains("it lacks `layer2.0.downsample.1.weight`")
            && why.contains("`layer2.0.bn1.weight` is [64] instead of [128]")
            && why.contains("check [network]"),
        "{why}"
    );
}

#[test]
fn vggs_with_hidden_layers_are_matched_by_the_order_of_their_layers() {
    for (naming, normed, numbers, units) in [
        ("torchvision", true, [0, 3, 6], [4096, 4096]),
        ("torchvision", true, [0, 3, 5], [4096, 4096]),
        ("torchvision", false, [1, 4, 6], [512, 512]),
        ("timgaripov/dnn-mode-connectivity", false, [1, 4, 6], [512, 512]),
        ("timgaripov/dnn-mode-connectivity", true, [1, 4, 6], [512, 512]),
    ] {
        let name = if normed { "vgg16-bn-cifar" } else { "vgg16-cifar" };
        let vgg = network(name, &[], &units);
        // As their authors write them: the layers in a loop over stages.
        let mut names: NamedEntries = Vec::new();
        let (mut module, mut fan) = (0, 3);
        let stages: [&[i64]; 5] = [&[64, 64], &[128, 128], &[256; 3], &[512; 3], &[512; 3]];
        for (stage, widths) in stages.into_iter().enumerate() {
            let mut index = 0;
            for &units in widths {
                let mut layer = |shape: &[i64]| {
                    let prefix = match naming {
                        "timgaripov/dnn-mode-connectivity" => format!("layer_blocks.{stage}.{index}"),
                        _ => format!("features.{module}"),
                    };
                    names.push((format!("{prefix}.weight"), shape.into()));
                    names.push((format!("{prefix}.bias"), vec![units]));
                    index += 1;
                    module += 1;
                };
                layer(&[units, fan, 3, 3]);
                if normed {
                    layer(&[units]);
                }
                module += 1;
                fan = units;
            }
            module += 1;
        }
        let sizes = [units[0] as i64, units[1] as i64, 10];
        for (number, units) in numbers.into_iter().zip(sizes) {
            names.push((format!("classifier.{number}.weight"), vec![units, fan]));
            names.push((format!("classifier.{number}.bias"), vec![units]));
            fan = units;
        }
        let map = matched(&vgg, &names);
        assert_eq!(map.naming, naming);
        assert_eq!(source(&map, "classifier.6.weight"), [format!("classifier.{}.weight", numbers[2])]);
        let last = network(name, &[], &[]).layout().parameters.iter().rev().nth(2).unwrap().name.clone();
        let expected = match (naming, normed) {
            ("timgaripov/dnn-mode-connectivity", true) => "layer_blocks.4.5.bias".to_owned(),
            ("timgaripov/dnn-mode-connectivity", false) => "layer_blocks.4.2.bias".to_owned(),
            _ => last.clone(),
        };
        assert_eq!(source(&map, &last), [expected]);
    }
}

#[test]
fn vits_of_torchvision_and_hugging_face_are_timms() {
    let vit = network("vit-tiny", &[12, 2, 3], &[]);
    let all = entries(&vit);
    let torchvision = renamed(&all, |n| {
        let block = |n: &str| {
            n.replace("blocks.", "encoder.layers.encoder_layer_")
                .replace("attn.qkv.", "self_attention.in_proj_")
                .replace("attn.proj", "self_attention.out_proj")
                .replace("norm1", "ln_1")
                .replace("norm2", "ln_2")
                .replace("mlp.fc1", "mlp.0")
                .replace("mlp.fc2", "mlp.3")
        };
        match n {
            "cls_token" => "class_token".into(),
            "pos_embed" => "encoder.pos_embedding".into(),
            _ if n.starts_with("blocks") => block(n),
            _ => n
                .replace("patch_embed.proj", "conv_proj")
                .replace("norm.", "encoder.ln.")
                .replace("head.", "heads.head."),
        }
    });
    let map = matched(&vit, &torchvision);
    assert_eq!(map.naming, "torchvision");
    assert_eq!(source(&map, "blocks.1.attn.qkv.bias"), ["encoder.layers.encoder_layer_1.self_attention.in_proj_bias"]);
    assert_eq!(source(&map, "head.weight"), ["heads.head.weight"]);

    let mut hugging_face: NamedEntries = Vec::new();
    for (name, mut shape) in all.clone() {
        let naming = vit.namings().last().unwrap();
        let calls = (naming.translate)(&vit.architecture, &name);
        shape[0] /= calls.len() as i64;
        for call in calls {
            let call = match call.strip_prefix("head.") {
                Some(what) => format!("classifier.{what}"),
                None => format!("vit.{call}"),
            };
            hugging_face.push((call, shape.clone()));
        }
    }
    let map = matched(&vit, &hugging_face);
    assert_eq!(
        source(&map, "blocks.0.attn.qkv.weight"),
        ["query", "key", "value"].map(|p| format!("vit.encoder.layer.0.attention.attention.{p}.weight"))
    );
    // Parts of unequal size are no thirds, though together they are as large.
    for (name, shape) in &mut hugging_face {
        match name.as_str() {
            "vit.encoder.layer.0.attention.attention.query.weight" => shape[0] += 1,
            "vit.encoder.layer.0.attention.attention.key.weight" => shape[0] -= 1,
            _ => {}
        }
    }
    assert!(refusal(&vit, &hugging_face).contains("[13, 12] and [11, 12]"));
}

#[test]
fn position_embeddings_of_other_images_are_taken_to_be_interpolated() {
    let vit = network("vit-tiny", &[12, 2, 3], &[]);
    let mut all = entries(&vit);
    all[1].1 = vec![1, 14 * 14 + 1, 12];
    let map = matched(&vit, &all);
    let (tensor, patches) = map.interpolated_embeddings().unwrap();
    assert_eq!((tensor.name.as_str(), patches), (POSITION_EMBEDDINGS, 196));
    assert_eq!(matched(&vit, &entries(&vit)).interpolated_embeddings(), None);
    for wrong in [vec![1, 14 * 14, 12], vec![1, 1, 12], vec![1, 197, 13], vec![197, 12]] {
        all[1].1 = wrong;
        let why = refusal(&vit, &all);
        assert!(why.contains("pos_embed"), "{why}");
    }
}

#[test]
fn linear_layers_alone_may_have_their_head_under_another_prefix() {
    let mlp = network("mlp", &[7, 9], &[]);
    for (body, head) in [
        (["backbone.0", "backbone.2"], "head.fc"),
        (["backbone.fc1", "backbone.fc2"], "classifier"),
        (["module.features.0", "module.features.3"], "module.classifier.1"),
        (["fc1", "fc2"], "out"),
    ] {
        let all = renamed(&entries(&mlp), |name| {
            let (layer, what) = name.strip_prefix("layers.").unwrap().split_once('.').unwrap();
            let module = [body[0], body[1], head][layer.parse::<usize>().unwrap()];
            format!("{module}.{what}")
        });
        let map = matched(&mlp, &all);
        assert_eq!(source(&map, "layers.1.weight"), [format!("{}.weight", body[1])]);
        assert_eq!(source(&map, "layers.2.bias"), [format!("{head}.bias")]);
    }
    // A layer that is missing is named, and not all of them.
    let all: NamedEntries = renamed(&entries(&mlp), |name| name.replace("layers.", ""))
        .into_iter()
        .filter(|(name, _)| name != "2.bias")
        .collect();
    let why = refusal(&mlp, &all);
    assert!(why.contains("lacks `layers.2.weight`, `layers.2.bias`"), "{why}");
    assert!(!why.contains("layers.0") && why.contains("`2.weight` is unknown"), "{why}");
}
