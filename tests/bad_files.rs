//! Data and corner files with a fault: named in one sentence, with what was expected.

mod support;

use serde_json::json;
use std::path::Path;
use support::{Sandbox, events_of, finished_event};

/// A folder with a small data set in the IDX form of Fashion-MNIST: 400 images to train on, 100 to test.
fn data_set(place: &Sandbox, name: &str) -> std::path::PathBuf {
    let folder = place.path(name);
    std::fs::create_dir(&folder).expect("a folder");
    for (part, count) in [("train", 400u32), ("t10k", 100)] {
        let word = |n: u32| n.to_be_bytes();
        let mut images = [word(0x803), word(count), word(28), word(28)].concat();
        images.extend((0..count * 784).map(|k| (k.wrapping_mul(2_654_435_761) >> 24) as u8));
        let mut labels = [word(0x801), word(count)].concat();
        labels.extend((0..count).map(|k| (k % 10) as u8));
        std::fs::write(folder.join(format!("{part}-images-idx3-ubyte")), images).expect("images");
        std::fs::write(folder.join(format!("{part}-labels-idx1-ubyte")), labels).expect("labels");
    }
    folder
}

#[test]
fn data_files_with_a_fault_are_named() {
    let place = Sandbox::new();
    let folder = data_set(&place, "good");
    let set = "--set data.set=fashion-mnist --set data.train_images=0 --set data.validation_images=100";
    let least = "--set fit.epochs=0 --set fit.edge_epochs=0 --set heatmap.grid=2 --set export.best=false";
    // The files as they are do: what fails below fails for its fault alone.
    let run = place.run_tiny_job("good-run", &format!("{set} {least} --set data.dir={}", folder.display()));
    let facts = &events_of(&run, "started")[0];
    assert_eq!(facts["images"], json!([300, 100, 100]), "{facts}");
    assert!(facts["data"].as_str().is_some_and(|d| d.contains("good")), "{facts}");

    type FileChange = fn(&mut Vec<u8>);
    let cases: [(&str, &str, FileChange, &str); 5] = [
        ("short", "train-images-idx3-ubyte", |b| b.truncate(b.len() / 2), "cut short"),
        ("header", "train-labels-idx1-ubyte", |b| b.truncate(5), "cut short"),
        ("magic", "t10k-images-idx3-ubyte", |b| b[3] = 7, "not an IDX file of images"),
        ("label", "train-labels-idx1-ubyte", |b| b[20] = 10, "label 10 of image 12 is not a class"),
        ("fewer", "t10k-labels-idx1-ubyte", |b| b[7] = 99, "99 labels, expected 100"),
    ];
    for (name, file, change, part) in cases {
        let folder = data_set(&place, name);
        let path = folder.join(file);
        let mut bytes = std::fs::read(&path).expect("the file");
        change(&mut bytes);
        std::fs::write(&path, bytes).expect("the changed file");
        let arguments = format!("run tiny.toml --run-dir {name}-run {set} --set data.dir={}", folder.display());
        place.surfit(&format!("{arguments} --json")).fails(2, &[file, part, name]);
    }
    place
        .surfit("run tiny.toml --run-dir wild-run --set corners.learning_rate=1e30 --json")
        .fails(1, &["corner 1 diverged"]);
    // The client may not be there when an engine fails: the run's list and events say why all the same.
    let listed = place.surfit("ls --json").ok().json_lines();
    let line = listed.iter().find(|l| l["run"] == "wild-run").expect("the failed run is listed");
    assert_eq!((&line["alive"], &line["state"]), (&false.into(), &"failed".into()), "{line}");
    assert!(line["failed"].as_str().is_some_and(|why| why.contains("diverged")), "{line}");
    let failed = events_of(&place.path("wild-run"), "failed");
    assert!(failed[0]["message"].as_str().is_some_and(|m| m.contains("diverged")), "{failed:?}");
    let nowhere = "--set data.set=fashion-mnist --set data.dir=/nowhere";
    place.surfit(&format!("run tiny.toml --run-dir b {nowhere}")).fails(2, &["/nowhere", "no such file"]);
    place
        .surfit("run tiny.toml --run-dir c --set data.set=mnits")
        .fails(2, &["data.set", "mnits", "did you mean `mnist`?"]);
    assert!(!place.path("c").exists(), "no run directory for a misspelt set");
    place
        .surfit("run tiny.toml --run-dir d --set network.name=cmn")
        .fails(2, &["network.name", "cmn", "did you mean `cnn`?"]);
    let batch = "--set corners.batch=5000";
    place.surfit(&format!("run tiny.toml --run-dir e {batch}")).fails(2, &["corners.batch = 5000", "smaller batch"]);
}

/// Where the data of a tensor begin in a safetensors file.
fn data_of(bytes: &[u8], tensor: &str) -> usize {
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header: serde_json::Value = serde_json::from_slice(&bytes[8..8 + length]).expect("a header");
    8 + length + header[tensor]["data_offsets"][0].as_u64().expect("an offset") as usize
}

#[test]
fn corner_files_with_a_fault_are_named_and_good_ones_keep_their_accuracy() {
    let place = Sandbox::new();
    let less = "--set data.validation_images=200 --set export.best=false";
    let run = place.run_tiny_job("first", less);
    let corner = |n: usize| run.join(format!("corners/corner-{n}.safetensors"));
    let from = |first: &Path| {
        let rest: Vec<String> = (2..=4).map(|n| format!("'{}'", corner(n).display())).collect();
        format!("--set corners.from=['{}',{}]", first.display(), rest.join(","))
    };
    let second = place.run_tiny_job("second", &format!("{less} {}", from(&corner(1))));
    let accuracies = |run: &Path| finished_event(run).expect("a finished event")["corners"].clone();
    assert_eq!(accuracies(&second), accuracies(&run), "loaded corners are the corners that were saved");

    let good = std::fs::read(corner(1)).expect("a corner");
    let at = data_of(&good, "features.1.0.weight") + 8;
    let poisoned = [&good[..at], &f32::NAN.to_le_bytes(), &good[at + 4..]].concat();
    let cases: [(&str, Vec<u8>, &str); 4] = [
        ("poisoned", poisoned, "features.1.0.weight"),
        ("short", good[..good.len() / 2].to_vec(), "short.safetensors"),
        ("garbage", b"this is no model at all".to_vec(), "garbage.safetensors"),
        ("empty", Vec::new(), "empty.safetensors"),
    ];
    for (name, bytes, part) in cases {
        let path = place.write(&format!("{name}.safetensors"), bytes);
        let arguments = format!("run tiny.toml --run-dir {name} {less} {}", from(&path));
        // What the list of tensors shows is known before there is a run.
        let code = if name == "poisoned" { 1 } else { 2 };
        place.surfit(&arguments).fails(code, &[&format!("{name}.safetensors"), part]);
        let eval = format!("eval {name}.safetensors --config tiny.toml");
        place.surfit(&eval).fails(1, &[&format!("{name}.safetensors"), part]);
    }
    let other = format!("run tiny.toml --run-dir other {less} --set network.widths=[4,16] {}", from(&corner(1)));
    place.surfit(&other).fails(2, &["corner-1.safetensors", "it fits network.widths = [4, 8]"]);
    let missing = format!("run tiny.toml --run-dir missing {less} {}", from(Path::new("nowhere.safetensors")));
    place.surfit(&missing).fails(2, &["nowhere.safetensors", "no such file"]);

    place.surfit("eval nowhere.safetensors").fails(2, &["nowhere.safetensors", "no such file"]);
    let alone = place.write("alone.safetensors", &good);
    place.surfit(&format!("eval {}", alone.display())).fails(1, &["model.json", "--config"]);
    place.write("model.json", "{}");
    place.surfit(&format!("eval {}", alone.display())).fails(1, &["model.json", "no model card", "--config"]);
}
