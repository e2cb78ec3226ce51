//! Networks that are given as corners: measured as their owners measure them, and what is said when they are not.

mod support;

use safetensors::tensor::{Dtype, TensorView};
use serde_json::{Value, json};
use std::path::Path;
use support::{SafetensorsFile, Sandbox, events_of, wait_for};

/// Two corners of few weights that are right more often than not.
const TWO: &str = "--set corners.count=2 --set fit.degree=1 --set corners.epochs=8";
const MLP: &str = "--set network.name=mlp --set network.widths=[48]";

/// The key that gives the first two corners of other runs.
fn from(files: &[&str]) -> String {
    format!("--set corners.checkpoints=['{}'] --set fit.degree=1", files.join("','"))
}

/// The last events that tell of a run's corners.
fn corners(run: &Path) -> Vec<Value> {
    let mut all = events_of(run, "corner_ready");
    all.split_off(all.len() - 2)
}

fn warnings(corner: &Value) -> Vec<&str> {
    let all = corner["warnings"].as_array().map_or(&[][..], |all| all);
    all.iter().filter_map(Value::as_str).collect()
}

fn fraction(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("no number: {value}"))
}

#[test]
fn a_network_that_was_normalized_otherwise_is_told_with_the_keys_to_set() {
    let place = Sandbox::new();
    let files = |run: &str| {
        from(&[1, 2].map(|n| format!("{run}/corners/corner-{n}.safetensors")).each_ref().map(|f| f.as_str()))
    };
    // With batch norm and without.
    for (name, network, theirs_is, keys) in [
        ("cnn", "", "--set data.mean=half --set data.std=0.5", "data.mean = \"half\", data.std = \"half\""),
        ("mlp", MLP, "--set data.mean=none --set data.std=none", "data.mean = \"none\", data.std = \"none\""),
    ] {
        let theirs = place.run_tiny_job(&format!("{name}-theirs"), &format!("{TWO} {theirs_is} {network}"));
        for corner in corners(&theirs) {
            assert!(warnings(&corner).is_empty() && corner["own_statistics"].is_null(), "{corner}");
        }
        let given = files(&format!("{name}-theirs"));
        let run = place.run_tiny_job(&format!("{name}-own"), &format!("{given} {network}"));
        for (n, (corner, right)) in corners(&run).iter().zip(corners(&theirs)).enumerate() {
            let said = warnings(corner);
            let start = format!("corner {} has ", n + 1);
            assert!(
                said[0].starts_with(&start) && said[0].contains(&format!(" % with {keys}, on 500 validation images")),
                "{said:?}"
            );
            let noticed = events_of(&run, "notice");
            assert!(noticed.iter().any(|e| e["text"] == said[0]), "{noticed:?}");
            if name == "cnn" {
                // Recalibration hides most of it.
                let own = fraction(&corner["own_statistics"]["accuracy"]);
                assert!(own + 0.1 < fraction(&corner["accuracy"]), "{corner}");
                assert!(said[1].contains("% with the batch-norm statistics in its file"), "{said:?}");
                assert_eq!(said.len(), 2, "{said:?}");
            } else {
                assert!(corner["own_statistics"].is_null(), "{corner}");
                assert!(fraction(&corner["accuracy"]) + 0.05 < fraction(&right["accuracy"]), "{corner}");
                assert_eq!(said.len(), 1, "{said:?}");
            }
        }
        // With the keys set it is what its owner measured, and nothing is said.
        let run = place.run_tiny_job(&format!("{name}-right"), &format!("{given} {network} {theirs_is}"));
        for (corner, right) in corners(&run).iter().zip(corners(&theirs)) {
            assert!(warnings(corner).is_empty(), "{corner}");
            assert_eq!(corner["accuracy"], right["accuracy"]);
            if name == "cnn" {
                assert_eq!(corner["own_statistics"]["accuracy"], right["accuracy"]);
            }
        }
        assert!(events_of(&run, "notice").is_empty());
    }
    let told = place.surfit("report cnn-own").ok();
    let report = std::fs::read_to_string(place.path("cnn-own/figures/report.md")).expect("a report");
    for part in ["with own statistics", "Warning: corner 1 has ", "normalized with mean 0.2860"] {
        assert!(report.contains(part), "{part}: {report} {}", told.describe());
    }
}

#[test]
fn a_card_says_how_images_are_normalized_whatever_the_configuration_has() {
    let place = Sandbox::new();
    place.run_tiny_job("a", &format!("{TWO} {MLP} --set data.mean=half --set data.std=[0.4]"));
    place.surfit("export a --at 0,0 --out card").ok();
    let card = std::fs::read(place.path("card/model.json")).expect("a card");
    let card: Value = serde_json::from_slice(&card).expect("JSON");
    assert_eq!((&card["mean"], &card["std"]), (&json!([0.5]), &json!([0.4])));
    let eval = |arguments: &str| place.surfit(&format!("eval {arguments} --json")).ok().last_json();
    let by_card = eval("card");
    assert_eq!(by_card["accuracy"], card["test_accuracy"]);
    assert!(by_card["remark"].is_null(), "{by_card}");
    assert_eq!((&by_card["mean"], &by_card["std"]), (&json!([0.5]), &json!([0.4])));

    let config = std::fs::read_to_string(place.path("a/config.toml")).expect("a configuration");
    let own = config.replace("mean = \"half\"", "mean = \"own\"");
    assert_ne!(own, config);
    place.write("own.toml", &own);
    for model in ["card", "card/model.safetensors"] {
        let found = eval(&format!("{model} --config own.toml"));
        assert_eq!(found["accuracy"], card["test_accuracy"]);
        let remark = found["remark"].as_str().expect("a remark");
        assert!(remark.contains("as model.json says, mean [0.5] and std [0.4], and not with mean [0.286]"), "{remark}");
    }
    let told = place.surfit("eval card --config own.toml").ok().out;
    assert!(told.contains("as model.json says"), "{told}");
    // Without its card it is measured as the configuration says.
    std::fs::copy(place.path("card/model.safetensors"), place.path("bare.safetensors")).expect("a copy");
    let bare = eval("bare.safetensors --config own.toml");
    assert!(bare["remark"].is_null() && bare["mean"] == json!([0.286]), "{bare}");
    assert_ne!(bare["loss"], by_card["loss"]);
    // Given as a corner it is told by its card.
    let given = from(&["card/model.safetensors", "a/corners/corner-2.safetensors"]);
    let run = place.run_tiny_job("b", &format!("{given} {MLP}"));
    let said = corners(&run)[0].clone();
    assert!(
        warnings(&said)[0].contains("what the model.json beside it says")
            && warnings(&said)[0].ends_with("set data.mean = [0.5], data.std = [0.4]"),
        "{said}"
    );
    let mut broken = card.clone();
    broken["std"] = json!([0.0]);
    place.write("card/model.json", broken.to_string());
    place.surfit("eval card").fails(1, &["model.json: std = [0.0] cannot be used"]);
}

#[test]
fn constants_are_part_of_what_made_a_corner_and_of_a_run() {
    let place = Sandbox::new();
    let cached = |name: &str, more: &str| {
        let run = place.run_tiny_job(name, &format!("{TWO} {MLP} --set corners.cache=true {more}"));
        let ready = events_of(&run, "corner_ready");
        ready.iter().filter(|e| e["source"].as_str().is_some_and(|s| s.contains("cached"))).count()
    };
    assert_eq!(cached("a", ""), 0);
    assert_eq!(cached("b", "--set data.mean=half"), 0);
    assert_eq!(cached("c", "--set data.std=none"), 0);
    // The same constants by another name.
    assert_eq!(cached("d", "--set data.mean=0.286 --set data.std=[0.353]"), 2);
    // A run that would go on with others is refused, an older one is opened.
    let config = std::fs::read_to_string(place.path("a/config.toml")).expect("a configuration");
    place.write("a/config.toml", config.replace("mean = \"own\"", "mean = \"half\""));
    place.surfit("fit a --epochs 1").fails(1, &["would go on with [0.5]", "restore data.mean"]);
    let older: String = config
        .lines()
        .filter(|line| !line.starts_with("mean = ") && !line.starts_with("std = "))
        .map(|line| format!("{line}\n"))
        .collect();
    place.write("a/config.toml", older);
    let identity = std::fs::read(place.path("a/identity.json")).expect("an identity");
    let mut identity: Value = serde_json::from_slice(&identity).expect("JSON");
    identity.as_object_mut().expect("an object").remove("normalization");
    place.write("a/identity.json", identity.to_string());
    place.surfit("fit a --epochs 1").ok();
    // What the images do not suit is known before a run is made.
    for (set, part) in [
        ("data.mean=imagenet", "3 constants for images of one channel"),
        ("data.std=[0.5,0.5]", "2 constants for images of one channel"),
        ("data.std=0", "above 0"),
        ("data.mean=imagnet", "did you mean `imagenet`?"),
    ] {
        place.surfit(&format!("run tiny.toml --run-dir never --set {set}")).fails(2, &[part]);
    }
    assert!(!place.path("never").exists());
}

#[test]
fn a_resumed_run_says_the_same_of_its_given_corners_without_their_files() {
    let place = Sandbox::new();
    place.run_tiny_job("theirs", &format!("{TWO} --set data.mean=half --set data.std=half"));
    for n in [1, 2] {
        let file = place.path(format!("theirs/corners/corner-{n}.safetensors"));
        std::fs::copy(file, place.path(format!("{n}.safetensors"))).expect("a copy");
    }
    let given = from(&["1.safetensors", "2.safetensors"]);
    let (run, pid) = place.start_tiny_job("a", &format!("{given} --set fit.epochs=500"));
    wait_for("the corners", || (events_of(&run, "corner_ready").len() == 2).then_some(()));
    place.kill(pid);
    let before = corners(&run);
    assert!(!warnings(&before[0]).is_empty() && !before[1]["own_statistics"].is_null());
    // As if the power had gone before anything was told of them: they are in the run, and their files are gone.
    let log = std::fs::read_to_string(run.join("events.jsonl")).expect("events");
    let early: Vec<&str> = log.lines().take_while(|l| !l.contains("corner_ready")).collect();
    std::fs::write(run.join("events.jsonl"), early.join("\n") + "\n").expect("a file");
    let _ = std::fs::remove_file(run.join("surface/state.safetensors"));
    for n in [1, 2] {
        std::fs::remove_file(place.path(format!("{n}.safetensors"))).expect("a file");
    }
    let pid = place.resume_detached("a");
    wait_for("the corners", || (events_of(&run, "corner_ready").len() == 2).then_some(()));
    wait_for("the notices", || {
        let said = events_of(&run, "notice");
        let wanted = before.iter().flat_map(warnings);
        wanted.clone().all(|w| said.iter().any(|e| e["text"] == w)).then_some(())
    });
    place.kill(pid);
    for (mut now, mut then) in corners(&run).into_iter().zip(before) {
        for event in [&mut now, &mut then] {
            event["seq"] = json!(0);
            event["time"] = json!(0);
        }
        assert_eq!(now, then);
    }
}

/// Writes a network with its last layer's rows as `row` says: which old one is in the place of each, or zeros.
fn with_rows(of: &Path, to: &Path, row: impl Fn(usize) -> Option<usize>) {
    let file = SafetensorsFile::read(of);
    let last = |name: &str| name.starts_with("layers.1.") || name.starts_with("classifier.");
    let changed: Vec<(String, Vec<usize>, Vec<u8>)> = file
        .all
        .into_iter()
        .map(|(name, (_, shape, bytes))| {
            if !last(&name) {
                return (name, shape, bytes);
            }
            let size = bytes.len() / shape[0];
            let rows = (0..shape[0]).flat_map(|n| match row(n) {
                Some(old) => bytes[old * size..(old + 1) * size].to_vec(),
                None => vec![0; size],
            });
            (name, shape, rows.collect())
        })
        .collect();
    let views = changed.iter().map(|(name, shape, bytes)| {
        let view = TensorView::new(Dtype::F32, shape.clone(), bytes).expect("a tensor");
        (name.as_str(), view)
    });
    safetensors::serialize_to_file(views, None, to).expect("a file");
}

#[test]
fn classes_in_another_order_and_networks_at_chance_level_are_told() {
    let place = Sandbox::new();
    let theirs = place.run_tiny_job("theirs", &format!("{TWO} {MLP} --set corners.epochs=12"));
    let file = theirs.join("corners/corner-1.safetensors");
    with_rows(&file, &place.path("turned.safetensors"), |n| Some((n + 1) % 10));
    with_rows(&file, &place.path("empty.safetensors"), |_| None);
    let given = from(&["turned.safetensors", "empty.safetensors"]);
    let run = place.run_tiny_job("a", &format!("{given} {MLP}"));
    let all = corners(&run);
    let turned = warnings(&all[0]);
    // The logit that was second is first now.
    let order = "in the order data.classes = [\"trouser\", \"pullover\", \"dress\", \"coat\", \"sandal\", \"shirt\", \
                 \"sneaker\", \"bag\", \"ankle boot\", \"T-shirt/top\"]";
    let right = 100.0 * fraction(&corners(&theirs)[0]["accuracy"]);
    assert!(
        turned.len() == 1 && turned[0].contains(order) && turned[0].contains(&format!("{right:.2} %")),
        "{turned:?} {right}"
    );
    let empty = warnings(&all[1]);
    assert!(
        empty.len() == 1
            && empty[0].starts_with("corner 2 is at chance level with 10.00 % for 10 classes")
            && ["data.classes", "data.mean", "the right file"].iter().all(|part| empty[0].contains(part)),
        "{empty:?}"
    );
}

/// A folder of four classes of grey pictures, which their brightness tells apart, with so many pictures each.
fn folder(place: &Sandbox, name: &str, counts: [usize; 4]) {
    const SIDE: usize = 8;
    let mut state = 12345u64;
    // Knuth's generator: the same pictures on every machine.
    let mut uniform = move || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as f64 / f64::from(1u32 << 31)
    };
    for (class, count) in counts.into_iter().enumerate() {
        std::fs::create_dir_all(place.path(format!("{name}/c{class}"))).expect("a folder");
        for number in 0..count {
            let light = 30.0 + 45.0 * class as f64 + 40.0 * (uniform() - 0.5);
            let pixels = (0..SIDE * SIDE).map(|k| {
                let pattern = (k / SIDE + k % SIDE * class) % 4 < 2;
                let value = light + 120.0 * (uniform() - 0.5) + if pattern { 40.0 } else { 0.0 };
                value.clamp(0.0, 255.0) as u8
            });
            let header = format!("P5\n{SIDE} {SIDE}\n255\n").into_bytes();
            let file: Vec<u8> = header.into_iter().chain(pixels).collect();
            place.write(&format!("{name}/c{class}/{number:04}.pgm"), file);
        }
    }
}

#[test]
fn a_network_of_other_shares_of_the_classes_is_told_with_the_cause() {
    let place = Sandbox::new();
    folder(&place, "images", [600, 200, 60, 60]);
    let common = format!(
        "--set data.name=folder --set data.root={} --set fit.batch_size=20 --set corners.batch_size=20 --set data.mean=half \
         --set network.widths=[8,16,16] --set data.std=half --set data.bn_images=1024",
        place.path("images").display()
    );
    let files = |run: &str| {
        from(&[&format!("{run}/corners/corner-1.safetensors"), &format!("{run}/corners/corner-2.safetensors")])
    };
    let (whole, equal) = ("--set data.train_images=0", "--set data.train_images=180");
    place.run_tiny_job("natural", &format!("{common} {TWO} {whole} --set corners.epochs=15"));
    place.run_tiny_job("balanced", &format!("{common} {TWO} {equal} --set corners.epochs=40"));
    // On the images that each was trained on nothing is wrong; on the others recalibration costs much, and the cause is told.
    for (network, images, cause) in [
        ("natural", whole, None),
        ("balanced", equal, None),
        (
            "balanced",
            whole,
            Some(
                "it was trained on equal parts of the classes, which here have 45 to 451 training images: data.train_images = 180 takes",
            ),
        ),
        ("natural", equal, Some("trained on other shares of the classes than data.train_images = 180 leaves")),
    ] {
        let name = format!("{network}-{}", images.len());
        let run = place.run_tiny_job(&name, &format!("{common} {images} {}", files(network)));
        for corner in corners(&run) {
            let (own, again) = (&corner["own_statistics"]["accuracy"], &corner["accuracy"]);
            let lost = fraction(own) - fraction(again);
            match cause {
                None => assert!(lost.abs() < 0.02 && warnings(&corner).is_empty(), "{corner}"),
                Some(cause) => {
                    assert!(lost > 0.04, "{corner}");
                    assert!(warnings(&corner).iter().any(|w| w.contains(cause)), "{cause}: {corner}");
                }
            }
        }
    }
}
