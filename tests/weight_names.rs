//! Corners under other people's names: found, checked before a run is made, and given back.

mod support;

use safetensors::tensor::{Dtype, TensorView};
use std::collections::BTreeMap;
use support::{SafetensorsFile, Sandbox, events_of};

const NETWORK: &str = "--set network.name=resnet18-cifar --set network.widths=[4,5,6,7]";
const LESS: &str = "--set fit.degree=1 --set fit.boundary_epochs=0 --set fit.epochs=0 --set heatmap.grid=2 \
                    --set data.train_images=200 --set data.validation_images=100 --set export.best=false \
                    --set data.bn_images=100 --set align.images=50";

type WrittenWeights = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// The weights of a small CIFAR ResNet for grey images, as torchvision calls them.
fn resnet(seed: u32) -> WrittenWeights {
    let mut state = seed;
    let mut values = |count: usize, scale: f32, mean: f32| -> Vec<f32> {
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        };
        (0..count).map(|_| mean + scale * next()).collect()
    };
    let mut file = WrittenWeights::new();
    let mut conv = |file: &mut WrittenWeights, name: String, norm: String, shape: [usize; 4]| {
        let fan = shape[1] * shape[2] * shape[3];
        let weights = values(shape[0] * fan, (3.0 / fan as f32).sqrt(), 0.0);
        file.insert(format!("{name}.weight"), (shape.to_vec(), weights));
        for (what, scale, mean) in
            [("weight", 0.2, 1.0), ("bias", 0.1, 0.0), ("running_mean", 0.1, 0.0), ("running_var", 0.3, 1.0)]
        {
            let of = values(shape[0], scale, mean);
            file.insert(format!("{norm}.{what}"), (vec![shape[0]], of));
        }
    };
    conv(&mut file, "conv1".into(), "bn1".into(), [4, 1, 3, 3]);
    let mut before = 4;
    for (stage, units) in [4, 5, 6, 7].into_iter().enumerate() {
        for block in 0..2 {
            let at = |part: &str| format!("layer{}.{block}.{part}", stage + 1);
            conv(&mut file, at("conv1"), at("bn1"), [units, before, 3, 3]);
            conv(&mut file, at("conv2"), at("bn2"), [units, units, 3, 3]);
            if before != units {
                conv(&mut file, at("downsample.0"), at("downsample.1"), [units, before, 1, 1]);
            }
            before = units;
        }
    }
    file.insert("fc.weight".into(), (vec![10, 7], values(70, 0.4, 0.0)));
    file.insert("fc.bias".into(), (vec![10], values(10, 0.1, 0.0)));
    file
}

fn write(place: &Sandbox, name: &str, file: &WrittenWeights, called: impl Fn(&str) -> String) {
    let bytes: Vec<(String, Vec<usize>, Vec<u8>)> = file
        .iter()
        .map(|(name, (shape, values))| {
            let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
            (called(name), shape.clone(), bytes)
        })
        .collect();
    let views = bytes.iter().map(|(name, shape, bytes)| {
        let view = TensorView::new(Dtype::F32, shape.clone(), bytes).expect("a tensor");
        (name.as_str(), view)
    });
    let bytes = safetensors::serialize(views, None).expect("a file");
    place.write(name, bytes);
}

/// kuangliu's names.
fn kuangliu(name: &str) -> String {
    name.replace("downsample", "shortcut").replace("fc.", "linear.")
}

/// Body and head under different prefixes, with a wrapper in the middle.
fn prefixed(name: &str) -> String {
    match name.strip_prefix("fc.") {
        Some(what) => format!("model.head.fc.{what}"),
        None => format!("model.backbone.{}", name.replace("layer3.", "layer3._orig_mod.")),
    }
}

#[test]
fn corners_under_other_names_are_read_and_given_back_under_them() {
    let place = Sandbox::new();
    let (first, second) = (resnet(1), resnet(2));
    write(&place, "a.safetensors", &first, kuangliu);
    write(&place, "b.safetensors", &second, prefixed);
    let from = "--set corners.checkpoints=['a.safetensors','b.safetensors']";
    let run = place.run_tiny_job("run", &format!("{NETWORK} {LESS} {from}"));
    for (number, file) in [(1, &first), (2, &second)] {
        let corner = SafetensorsFile::read(&run.join(format!("corners/corner-{number}.safetensors")));
        // Alignment permutes the second one's units, never those of the classes.
        assert_eq!(corner.floats("fc.bias"), file["fc.bias"].1);
        if number == 1 {
            assert_eq!(corner.floats("layer2.0.downsample.0.weight"), file["layer2.0.downsample.0.weight"].1);
        }
    }

    // The names survive the files.
    for name in ["a.safetensors", "b.safetensors"] {
        std::fs::remove_file(place.path(name)).expect("a file");
    }
    place.surfit("export run --at 0 --names as-given --out theirs").ok();
    place.surfit("export run --at 0 --out ours").ok();
    let theirs = SafetensorsFile::read(&place.path("theirs/model.safetensors"));
    let ours = SafetensorsFile::read(&place.path("ours/model.safetensors"));
    assert_eq!(theirs.all.len(), ours.all.len());
    for (name, tensor) in &ours.all {
        assert!(theirs.all.get(&kuangliu(name)) == Some(tensor), "{name}");
    }
    for (name, (_, values)) in first.iter().filter(|(n, _)| !n.contains("running")) {
        assert_eq!(&theirs.floats(&kuangliu(name)), values, "{name}");
    }
    let card = |folder: &str| -> serde_json::Value {
        let text = std::fs::read(place.path(folder).join("model.json")).expect("a card");
        serde_json::from_slice(&text).expect("JSON")
    };
    assert_eq!(card("theirs")["names"], "as-given");
    assert_eq!(card("theirs")["naming"], "kuangliu/pytorch-cifar");
    assert_eq!(card("ours")["names"], "surfit");
    let eval = |folder: &str| {
        let line = place.surfit(&format!("eval {folder} --json")).ok().last_json();
        (line["correct"].clone(), line["loss"].clone())
    };
    assert_eq!(eval("theirs"), eval("ours"));
    // A fork knows them too.
    place.surfit("fork run --run-dir forked --degree 2").ok();
    let names = "corners/corner-names.json";
    assert_eq!(
        std::fs::read(place.path("forked").join(names)).expect("the fork's names"),
        std::fs::read(run.join(names)).expect("the run's names")
    );

    let trained = place.run_tiny_job("trained", "--set corners.count=2 --set fit.degree=1 --set export.best=false");
    place
        .surfit(&format!("export {} --names as-given --out x", trained.display()))
        .fails(1, &["were trained here", "have no other names"]);
}

#[test]
fn a_check_refuses_in_the_words_of_a_run_before_one_is_made() {
    let place = Sandbox::new();
    write(&place, "good.safetensors", &resnet(1), kuangliu);
    let config = |network: &str, first: &str, more: &str| {
        let text = format!(
            "[network]\n{network}\n[corners]\ncheckpoints = ['{first}', 'good.safetensors']\n{more}\n[fit]\ndegree = 1\n"
        );
        place.write("mine.toml", text);
    };
    let ours = "name = 'resnet18-cifar'\nwidths = [4, 5, 6, 7]";
    config(ours, "good.safetensors", "");
    let checked = place.surfit("config check mine.toml").ok().out;
    assert!(!checked.contains("\\n"), "{checked}");

    write(&place, "odd.safetensors", &resnet(3), |name| name.replace("layer1.0.conv2", "layer1.0.conv3"));
    let mut other = resnet(4);
    other.insert("fc.weight".into(), (vec![7, 7], vec![0.5; 49]));
    other.insert("fc.bias".into(), (vec![7], vec![0.5; 7]));
    write(&place, "classes.safetensors", &other, prefixed);
    for (network, first, parts) in [
        (
            ours,
            "odd.safetensors",
            [
                "`layer1.0.conv3.weight` is unknown; it fits with corners.rename = [['\\bconv3\\b', 'conv2']]",
                "odd.safetensors",
            ],
        ),
        (
            "name = 'resnet18'",
            "good.safetensors",
            ["network.name = \"resnet18-cifar\"", "network.widths = [4, 5, 6, 7]"],
        ),
        (ours, "classes.safetensors", ["it tells 7 classes apart, the data set has 10", "data.name"]),
    ] {
        config(network, first, "");
        let checked = place.surfit("config check mine.toml").fails(2, &parts);
        let run = place.surfit("run mine.toml --run-dir none").fails(2, &parts);
        assert_eq!(checked.err, run.err);
        assert!(!place.path("none").exists());
    }
    // A renaming makes the odd one good.
    config(ours, "odd.safetensors", "rename = [['conv3', 'conv2']]");
    place.surfit("config check mine.toml").ok();
    config(ours, "odd.safetensors", "rename = [['(', '']]");
    place.surfit("config check mine.toml").fails(2, &["mine.toml:6:", "corners.rename", "unclosed group"]);
}

#[test]
fn classes_and_channels_are_held_against_given_corners() {
    const CLASSES: [&str; 10] =
        ["ankle boot", "bag", "sneaker", "shirt", "sandal", "coat", "dress", "pullover", "trouser", "T-shirt/top"];
    let place = Sandbox::new();
    let mut colour = resnet(2);
    colour.insert("conv1.weight".into(), (vec![4, 3, 3, 3], vec![0.1; 108]));
    write(&place, "grey", &resnet(1), |n| n.into());
    write(&place, "colour", &colour, |n| n.into());
    let config = |file: &str, data: &str| {
        let text = format!(
            "[data]\n{data}\n[network]\nname = 'resnet18-cifar'\nwidths = [4, 5, 6, 7]\n[corners]\ncheckpoints = ['{file}', \
             '{file}']\n[fit]\ndegree = 1\n"
        );
        place.write("mine.toml", text);
    };
    let classes = |names: &[&str]| format!("classes = {names:?}");
    let with = |at: usize, name: &'static str| {
        let mut names = CLASSES;
        names[at] = name;
        classes(&names)
    };
    for (file, data) in [
        ("grey", String::new()),
        ("grey", "channels = 1".into()),
        ("colour", "channels = 3".into()),
        ("grey", classes(&CLASSES)),
    ] {
        config(file, &data);
        place.surfit("config check mine.toml").ok();
    }
    for (file, data, parts) in [
        ("colour", String::new(), ["it reads images of 3 channels, the data set has 1", "data.channels = 3"]),
        ("grey", "channels = 3".into(), ["it reads images of one channel, the data set has 3", "data.channels = 1"]),
        ("grey", "channels = 2".into(), ["mine.toml:2:", "data.channels"]),
        ("grey", "channels = 4".into(), ["mine.toml:2:", "data.channels"]),
        ("grey", with(0, "boot"), ["does not have `boot`, and has also `ankle boot`", "each of its 10 classes"]),
        ("grey", with(9, "bag"), ["mine.toml:2: `data.classes", "name every class once"]),
        ("grey", classes(&CLASSES[1..]), ["has also `ankle boot`", "each of its 10 classes"]),
        ("grey", classes(&[&CLASSES[..], &["bag"]].concat()), ["mine.toml:2: `data.classes", "name every class once"]),
    ] {
        config(file, &data);
        let checked = place.surfit("config check mine.toml").fails(2, &parts);
        let run = place.surfit("run mine.toml --run-dir none").fails(2, &parts);
        assert_eq!(checked.err, run.err);
        assert!(!place.path("none").exists());
    }
}

#[test]
fn a_module_that_normalizes_images_says_so() {
    let place = Sandbox::new();
    let mut file = resnet(1);
    file.insert("mean".into(), (vec![1], vec![0.25]));
    file.insert("std".into(), (vec![1], vec![0.5]));
    let called = |name: &str| match name {
        "mean" | "std" => format!("0.{name}"),
        _ => format!("1.{name}"),
    };
    write(&place, "a.safetensors", &file, called);
    write(&place, "b.safetensors", &resnet(2), |n| n.into());
    let from = "--set corners.checkpoints=['a.safetensors','b.safetensors']";
    let run = place.run_tiny_job("run", &format!("{NETWORK} {LESS} {from}"));
    let said = events_of(&run, "notice");
    let told = |e: &serde_json::Value| {
        let text = e["text"].as_str().unwrap_or_default();
        text.contains("normalizes images itself, with mean [0.25] and standard deviation [0.5]")
            && text.contains("data.mean")
    };
    assert!(said.iter().any(told), "{said:?}");
}
