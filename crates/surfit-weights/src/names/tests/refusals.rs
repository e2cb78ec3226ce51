//! What is refused, and what is said of it.

use super::*;

#[test]
fn renamings_come_first_one_after_the_other_and_can_leave_out() {
    let resnet = network("resnet18-cifar", &[4, 5, 6, 7], &[]);
    let mut all = renamed(&entries(&resnet), |n| n.replace("layer", "stage"));
    all.push(("projector.0.weight".into(), vec![3, 3]));
    let pairs = [("^stage(\\d)", "body$1"), ("^body", "layer"), ("^projector\\..*", "")];
    let pairs = pairs.map(|(a, b)| (a.to_owned(), b.to_owned()));
    let renames = RenameRules::new(&pairs).unwrap();
    let map = match_names(&resnet, &all, &renames).unwrap();
    assert_eq!(source(&map, "layer1.0.conv1.weight"), ["stage1.0.conv1.weight"]);
    assert!(refusal(&resnet, &all).contains("is unknown") || refusal(&resnet, &all).contains("are unknown"));
    let bad = RenameRules::new(&[("(".into(), String::new())]).unwrap_err().to_string();
    assert!(bad.contains("is not a regular expression"), "{bad}");
    // A few rules that double a name would let it grow without end.
    let doubling = ("(.+)".to_owned(), "$1$1".to_owned());
    let doubling = RenameRules::new(&vec![doubling; 64]).unwrap();
    let why = match_names(&resnet, &all, &doubling).unwrap_err().to_string();
    assert!(why.contains("1024 are allowed"), "{why}");
    // Two names must not become one.
    let one = RenameRules::new(&[("conv.".into(), "conv1".into())]).unwrap();
    let why = match_names(&resnet, &all, &one).unwrap_err().to_string();
    assert!(why.contains("would be `stage1.0.conv1.weight`"), "{why}");
}

#[test]
fn an_unknown_tensor_is_named_with_the_rule_that_makes_the_file_fit() {
    let resnet = network("resnet18-cifar", &[4, 5, 6, 7], &[]);
    let mut all = entries(&resnet);
    for (name, _) in &mut all {
        if name == "layer1.0.conv2.weight" {
            *name = "layer1.0.conv3.weight".into();
        }
    }
    assert_eq!(
        refusal(&resnet, &all),
        "not a state dict of the configured network: `layer1.0.conv3.weight` is unknown; it fits with corners.rename = \
         [['\\bconv3\\b', 'conv2']]"
    );
    let mut less = entries(&resnet);
    less.retain(|(name, _)| name != "fc.bias");
    let why = refusal(&resnet, &less);
    assert!(why.contains("it lacks `fc.bias`; use a file with all weights"), "{why}");
    // Control characters stay inside.
    all.push(("x\u{1b}[2J\n".repeat(1000), vec![1]));
    let why = refusal(&resnet, &all);
    assert!(why.len() < 1000 && !why.contains(char::is_control), "{why}");

    let all = entries(&resnet);
    let twice = [renamed(&all, |n| format!("student.{n}")), renamed(&all, |n| format!("teacher.{n}"))].concat();
    let why = refusal(&resnet, &twice);
    assert!(why.contains("2 times, behind `student.` and `teacher.`"), "{why}");
}

#[test]
fn one_rule_is_proposed_where_exactly_one_makes_the_file_fit() {
    let resnet = network("resnet18-cifar", &[4, 5, 6, 7], &[]);
    let all = entries(&resnet);
    let fits_with = |all: &NamedEntries, rules: &[(&str, &str)]| {
        let pairs: Vec<_> = rules.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect();
        match_names(&resnet, all, &RenameRules::new(&pairs).unwrap()).is_ok()
    };
    let staged = renamed(&all, |n| format!("model.{}", n.replace("layer", "stage")));
    assert_eq!(
        refusal(&resnet, &staged),
        "not a state dict of the configured network: `model.stage1.0.bn1.bias`, `model.stage1.0.bn1.running_mean` \
         and 93 more are unknown; it fits with corners.rename = [['\\bstage([0-9]+)\\b', 'layer${1}']]"
    );
    assert!(fits_with(&staged, &[("\\bstage([0-9]+)\\b", "layer${1}")]));
    // After the rules that there are.
    let pairs = [("^model\\.".to_owned(), "net.".to_owned())];
    let why = match_names(&resnet, &staged, &RenameRules::new(&pairs).unwrap()).unwrap_err().to_string();
    assert!(why.ends_with("it fits with ['\\bstage([0-9]+)\\b', 'layer${1}'] added to corners.rename"), "{why}");

    let mut more = all.clone();
    more.push(("layer1.projector.0.weight".into(), vec![3, 3]));
    more.push(("layer1.projector.2.weight".into(), vec![3, 3]));
    let rule = "corners.rename = [['^layer1\\.projector\\..*', '']]";
    let why = refusal(&resnet, &more);
    assert!(why.ends_with(&format!("are unknown; if this is not part of it, use {rule}")), "{why}");
    assert!(fits_with(&more, &[("^layer1\\.projector\\..*", "")]));
    // After the rules that there are, which have given it another name.
    let pairs = [("^aside\\.".to_owned(), "layer1.projector.".to_owned())];
    let aside = renamed(&more, |n| n.replace("layer1.projector.", "aside."));
    let why = match_names(&resnet, &aside, &RenameRules::new(&pairs).unwrap()).unwrap_err().to_string();
    let added = "use ['^layer1\\.projector\\..*', ''] added to corners.rename";
    assert!(why.contains("`aside.0.weight`") && why.ends_with(added), "{why}");
    assert!(fits_with(&aside, &[("^aside\\.", "layer1.projector."), ("^layer1\\.projector\\..*", "")]));

    // Two of one shape under other names: each could be either.
    let swapped = renamed(&all, |n| n.replace("layer1.0.conv1", "layer1.0.a").replace("layer1.0.conv2", "layer1.0.b"));
    let why = refusal(&resnet, &swapped);
    assert!(why.ends_with("corners.rename maps other names, or leaves tensors out"), "{why}");
    let hostile = renamed(&all, |n| n.replace("conv1", "a'\n"));
    let why = refusal(&resnet, &hostile);
    assert!(!why.contains("[['") && !why.contains(char::is_control), "{why}");
}

#[test]
fn settings_that_would_fit_are_suggested() {
    let of = |name: &str, widths: &[usize], hidden: &[usize]| entries(&network(name, widths, hidden));
    for (configured, file, said) in [
        (network("vgg16-cifar", &[], &[]), of("vgg16-cifar", &[], &[512, 512]), "it fits network.hidden = [512, 512]"),
        (network("vgg16-cifar", &[], &[]), of("vgg16-bn", &[], &[]), "it fits network.name = \"vgg16-bn\""),
        (
            network("resnet18", &[], &[]),
            of("resnet18-cifar", &[8, 16, 24, 32], &[]),
            "it fits network.name = \"resnet18-cifar\", network.widths = [8, 16, 24, 32]",
        ),
        (network("resnet18-cifar", &[8, 8, 8, 8], &[]), of("resnet18-cifar", &[], &[]), "it fits no network.widths"),
        (
            network("wrn16-4", &[], &[]),
            of("wrn16-4", &[16, 16, 32, 64], &[]),
            "it fits network.widths = [16, 16, 32, 64]",
        ),
        (
            network("resnet18", &[], &[]),
            of("wrn16-4", &[24, 24, 64, 128], &[]),
            "it fits network.name = \"wrn16-4\", network.widths = [24, 24, 64, 128]",
        ),
        (
            network("wrn16-4", &[16, 16, 32, 64], &[]),
            of("wrn16-4", &[8, 24, 32, 48], &[]),
            "it fits network.widths = [8, 24, 32, 48]",
        ),
        (network("vit-tiny", &[], &[]), of("vit-small", &[], &[]), "it fits network.name = \"vit-small\""),
        (network("vit-small", &[], &[]), of("vit-tiny", &[24, 3, 2], &[]), "network.widths = [24, 3, 1]"),
        (
            network("resnet18", &[], &[]),
            of("cnn", &[4, 6], &[]),
            "it fits network.name = \"cnn\", network.widths = [4, 6]",
        ),
        (
            network("cnn", &[], &[]),
            of("mlp", &[40, 30], &[]),
            "it fits network.name = \"mlp\", network.widths = [40, 30]",
        ),
    ] {
        let why = refusal(&configured, &file);
        assert!(why.contains(said), "{said}: {why}");
        assert!(!why.contains("check [network]"), "{why}");
    }
    let other = |input, classes| {
        let config =
            NetworkConfig { name: "resnet18-cifar".into(), widths: vec![4, 5, 6, 7], patch: 0, hidden: Vec::new() };
        ExpectedNetwork::new(&config, input, classes).unwrap()
    };
    let ours = other([3, 32, 32], 10);
    let why = refusal(&ours, &entries(&other([3, 32, 32], 100)));
    assert!(why.contains("it tells 100 classes apart, the data set has 10: `fc.weight` is [100, 7]"), "{why}");
    let why = refusal(&ours, &entries(&other([1, 32, 32], 10)));
    assert!(why.contains("it reads images of one channel") && why.contains("data.channels = 1"), "{why}");
}

#[test]
fn settings_are_looked_for_in_bounded_time() {
    let began = std::time::Instant::now();
    let cnn = network("cnn", &[], &[]);
    let vgg = network("vgg16-cifar", &[], &[]);
    for (rows, classes) in [(500, 10), (2_000, 10), (30_000, 10), (1_900, 7)] {
        let mut all = entries(&vgg);
        for i in 0..rows {
            all.push((format!("m{i}x.classifier.weight"), vec![classes, 3072]));
            all.push((format!("m{i}x.classifier.bias"), vec![classes]));
            if i < 1_000 {
                all.push((format!("v{i}x.classifier.weight"), vec![classes, 512]));
                all.push((format!("v{i}x.classifier.bias"), vec![classes]));
            }
        }
        assert!(refusal(&cnn, &all).contains("not a state dict"));
    }
    assert!(began.elapsed().as_secs() < 60, "{:?}", began.elapsed());
}

#[test]
fn shapes_beyond_all_bounds_are_no_settings() {
    const HUGE: i64 = 1 << 62;
    let (cnn, vit) = (network("cnn", &[], &[]), network("vit-tiny", &[12, 2, 3], &[]));
    let with = |of: &ExpectedNetwork, changes: &[(&str, &[i64])]| {
        let mut all = entries(of);
        for (name, shape) in &mut all {
            let change = changes.iter().find(|(changed, _)| name == changed);
            *shape = change.map_or(shape.clone(), |(_, shape)| shape.to_vec());
        }
        all
    };
    let vgg = network("vgg16-cifar", &[], &[9]);
    for all in [
        with(&vit, &[("cls_token", &[1, 0, HUGE])]),
        with(&vit, &[("patch_embed.proj.weight", &[0, 3, HUGE, HUGE])]),
        with(&vit, &[("pos_embed", &[1, HUGE, 0]), ("patch_embed.proj.weight", &[0, 3, HUGE, 4])]),
        with(&vit, &[("patch_embed.proj.weight", &[0, HUGE, 4, 4])]),
        with(&vit, &[("head.weight", &[HUGE, 0])]),
        with(&vgg, &[("classifier.0.weight", &[HUGE, 0]), ("classifier.3.weight", &[10, HUGE])]),
        with(&vgg, &[("features.0.weight", &[HUGE, HUGE, 0, 3])]),
        vec![("layers.0.weight".into(), vec![HUGE, 3072]), ("layers.0.bias".into(), vec![HUGE])],
    ] {
        assert!(refusal(&cnn, &all).contains("not a state dict"));
    }
}

#[test]
fn patches_of_another_size_are_suggested_with_their_image_size() {
    let config = |patch| NetworkConfig { name: "vit-tiny".into(), widths: Vec::new(), patch, hidden: Vec::new() };
    let made = ExpectedNetwork::new(&config(16), [3, 224, 224], 10).unwrap();
    let here = ExpectedNetwork::new(&config(0), [3, 32, 32], 10).unwrap();
    let why = refusal(&here, &entries(&made));
    assert!(why.contains("it fits network.patch = 16; it was made for data.image_size = 224"), "{why}");
    // Images of 28 pixels do not divide into such patches at all.
    let here = ExpectedNetwork::new(&config(0), [3, 28, 28], 10).unwrap();
    let why = refusal(&here, &entries(&made));
    assert!(why.contains("network.patch = 16, data.image_size = 224"), "{why}");
}
