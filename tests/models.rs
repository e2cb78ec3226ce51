//! Models taken away from a surface: their files, their cards, and measuring them again.

mod support;

use serde_json::Value;
use std::path::Path;
use support::{SafetensorsFile, Sandbox};

/// Measures a model file; gives its accuracy and the split's size.
#[track_caller]
fn eval(place: &Sandbox, arguments: &str) -> (Value, Value) {
    let result = place.surfit(&format!("eval {arguments} --json")).ok().last_json();
    (result["accuracy"].clone(), result["images"].clone())
}

#[test]
fn folders_are_measured_that_corners_are_read_from() {
    let place = Sandbox::new();
    place.run_tiny_job("a", "");
    place.surfit("export a --best --out best").ok();
    let card = std::fs::read(place.path("best/model.json")).expect("a card");
    let card: Value = serde_json::from_slice(&card).expect("JSON");
    std::fs::create_dir(place.path("theirs")).expect("a folder");
    let copy = |to: &str| {
        std::fs::copy(place.path("best/model.safetensors"), place.path(to)).expect("a copy");
    };
    // What a file is, its content says.
    copy("theirs/pytorch_model.bin");
    let (accuracy, _) = eval(&place, "theirs --config a/config.toml");
    assert_eq!(accuracy, card["test_accuracy"]);
    place.surfit("eval a --config a/config.toml").fails(2, &["contains no model", "it is a run"]);
    // Nobody writes into the pipe that lies in a card's place.
    copy("theirs/model.safetensors");
    let pipe = place.path("theirs/model.json");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::from_raw_mode(0o600)).expect("a pipe");
    for model in ["theirs/model.safetensors", "theirs"] {
        let (accuracy, _) = eval(&place, &format!("{model} --config a/config.toml"));
        assert_eq!(accuracy, card["test_accuracy"], "{model}");
    }
}

#[test]
fn models_taken_away_are_what_their_cards_say() {
    let place = Sandbox::new();
    let run = place.run_tiny_job("a", "");
    let f = support::finished_event(&run).expect("a finished event");
    let exported = place.surfit("export a --best --out best --json").ok().last_json();
    let card: Value = serde_json::from_slice(&std::fs::read(place.path("best/model.json")).expect("a card")).unwrap();
    for key in [
        "generator",
        "network",
        "input_shape",
        "mean",
        "std",
        "classes",
        "parameters",
        "selection",
        "u",
        "v",
        "degrees",
        "data",
        "validation_accuracy",
        "validation_loss",
        "validation_images",
        "test_accuracy",
        "test_loss",
        "test_images",
        "measured_on",
        "seed",
        "fit_steps",
        "run",
    ] {
        assert!(!card[key].is_null(), "the card has no {key}: {card}");
    }
    assert_eq!(card["validation_accuracy"], f["best"]["accuracy"], "card and finished line");
    assert_eq!((&card["u"], &card["v"]), (&f["best"]["u"], &f["best"]["v"]));
    assert_eq!(card["test_accuracy"], f["best_test"], "the same model was measured twice");
    assert_eq!(card["test_accuracy"], exported["test_accuracy"]);
    assert_eq!((&card["run"], &card["selection"]), (&"a".into(), &"best".into()));
    assert_eq!((&card["seed"], &card["classes"].as_array().map(Vec::len)), (&3.into(), &Some(10)));

    let model = SafetensorsFile::read(&place.path("best/model.safetensors"));
    let norm = |n: usize, width: usize| {
        ["weight", "bias", "running_mean", "running_var"]
            .map(|part| (format!("features.{n}.1.{part}"), "F32".to_owned(), vec![width]))
    };
    let mut wanted = vec![
        ("features.0.0.weight".to_owned(), "F32".to_owned(), vec![4, 1, 3, 3]),
        ("features.1.0.weight".to_owned(), "F32".to_owned(), vec![8, 4, 3, 3]),
        ("classifier.weight".to_owned(), "F32".to_owned(), vec![10, 8]),
        ("classifier.bias".to_owned(), "F32".to_owned(), vec![10]),
        ("features.0.1.num_batches_tracked".to_owned(), "I64".to_owned(), vec![]),
        ("features.1.1.num_batches_tracked".to_owned(), "I64".to_owned(), vec![]),
    ];
    wanted.extend(norm(0, 4).into_iter().chain(norm(1, 8)));
    wanted.sort();
    let there: Vec<_> = model.all.iter().map(|(n, (d, s, _))| (n.clone(), d.clone(), s.clone())).collect();
    assert_eq!(there, wanted, "names, types or shapes in model.safetensors");
    assert_eq!(model.metadata.get("format").map(String::as_str), Some("pt"), "transformers wants it");
    let weights: usize = model
        .all
        .iter()
        .filter(|(n, _)| !n.contains("running") && !n.contains("num_batches"))
        .map(|(_, (_, shape, _))| shape.iter().product::<usize>())
        .sum();
    assert_eq!(card["parameters"], weights, "weights are counted without statistics");

    assert_eq!(eval(&place, "best/model.safetensors"), (card["test_accuracy"].clone(), 2000.into()));
    let validation = (card["validation_accuracy"].clone(), 2000.into());
    assert_eq!(eval(&place, "best/model.safetensors --split val"), validation);
    let told = place.surfit("eval best/model.safetensors").ok().out;
    let percent = format!("{:.2} %", 100.0 * card["test_accuracy"].as_f64().expect("a number"));
    assert!(told.contains(&percent) && told.contains("2000 test images"), "{percent}: {told}");

    // At (0, 0) the surface is the first corner, whose file is a model like any other.
    place.surfit("export a --at 0,0 --out corner").ok();
    place
        .surfit("export a --at 0,0 --out /proc/model")
        .fails(1, &["/proc/model: the folder cannot be made", "choose another place"]);
    let corner = run.join("corners/corner-1.safetensors");
    let (at, first) = (SafetensorsFile::read(&place.path("corner/model.safetensors")), SafetensorsFile::read(&corner));
    assert_eq!(at.differences(&first), Vec::<String>::new(), "the surface at (0, 0) and the first corner");
    let measured = eval(&place, &format!("{} --config a/config.toml --split val", corner.display()));
    assert_eq!(measured.0, f["corners"][0]);

    let centroid = place.surfit("export a --centroid --out centroid --json").ok().last_json();
    assert!(centroid["u"].is_null() && centroid["selection"] == "centroid", "{centroid}");
    centroid_is_the_mean(&run, &place.path("centroid/model.safetensors"));

    place.surfit("export a --best --out best").fails(2, &["best", "already contains a model", "--force"]);
    let again = place.surfit("export a --at 0.5,0.5 --out best --force --json").ok().last_json();
    assert_eq!((&again["selection"], &again["u"]), (&"at".into(), &0.5.into()));
    assert_eq!(eval(&place, "best/model.safetensors").0, again["test_accuracy"]);
}

/// The mean of all control points is the mean over the surface, weight by weight.
#[track_caller]
fn centroid_is_the_mean(run: &Path, model: &Path) {
    let (state, model) = (SafetensorsFile::read(&run.join("surface/state.safetensors")), SafetensorsFile::read(model));
    let theta = state.floats("theta");
    let [rows, width] = state.all["theta"].1[..] else { panic!("theta is a matrix") };
    assert_eq!(rows, 9, "degree 2×2 has nine control points");
    let mean = |p: usize| (0..rows).map(|k| f64::from(theta[k * width + p])).sum::<f64>() / 9.0;
    // The first weights of the vector are the first convolution's.
    for (p, w) in model.floats("features.0.0.weight").iter().enumerate() {
        assert!((mean(p) - f64::from(*w)).abs() < 1e-5, "weight {p}: {} and {w}", mean(p));
    }
}
