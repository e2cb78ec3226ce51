//! Bad input on the command line: one sentence that names the place and the remedy, the right exit code, and nothing
//! lost or left behind.

mod support;

use serde_json::json;
use std::path::Path;
use support::{Place, events_of, finished, wait_for};

#[test]
fn configurations_with_a_fault_are_refused_with_its_line_before_anything_is_made() {
    let place = Place::new();
    let cases = [
        ("[fit]\ndegre = [2, 2]\n", ["bad.toml:2:", "unknown key `fit.degre`", "did you mean `fit.degree`?"]),
        ("sead = 1\n", ["bad.toml:1:", "unknown key `sead`", "did you mean `seed`?"]),
        ("[fit]\n\ndegree = [2, 9]\n", ["bad.toml:3:", "degree 9", "outside 1..=8"]),
        ("[fit]\ndegree = [0, 2]\n", ["bad.toml:2:", "degree 0", "outside 1..=8"]),
        ("[heatmap]\ngrid = 1\n", ["bad.toml:2:", "`heatmap.grid = 1` cannot be used", "use 2 to 101"]),
        ("[corners]\nfrom = ['a.pt']\n", ["bad.toml:2:", "corners.from", "four files, or none"]),
        ("seed = 1\nthreads = 'two'\n", ["bad.toml:2:", "invalid type", "two"]),
        ("[fit\n", ["bad.toml:1:", "", ""]),
    ];
    for (text, parts) in cases {
        place.write("bad.toml", text);
        for command in ["run bad.toml --run-dir a --json", "config check bad.toml", "open bad.toml"] {
            place.surfit(command).fails(2, &parts);
        }
    }
    place.surfit("run tiny.toml --run-dir a --set fit.degree=[9,1]").fails(2, &["--set fit.degree=[9,1]", "1..=8"]);
    place.surfit("run tiny.toml --run-dir a --set heatmap.grid=1").fails(2, &["--set heatmap.grid=1", "2 to 101"]);
    place.surfit("run tiny.toml --set fit.epoch=3").fails(2, &["did you mean `fit.epochs`?"]);
    place.surfit("run tiny.toml --set seed").fails(2, &["KEY=VALUE"]);
    place.surfit("run missing.toml").fails(2, &["missing.toml", "cannot be read"]);
    place.surfit("config check tiny.toml missing.toml").fails(2, &["missing.toml"]);
    assert!(!place.path("a").exists() && !place.path("runs").exists(), "a refused run left something behind");
}

#[test]
fn words_that_make_no_command_get_one_sentence() {
    let place = Place::new();
    place.surfit("fit").fails(2, &["fit", "surfit --help"]);
    place.surfit("run").fails(2, &["CONFIG", "surfit run --help"]);
    place.surfit("run tiny.toml --jsn").fails(2, &["--jsn", "--json"]);
    place.surfit("heatmap a --grid many").fails(2, &["many", "--grid"]);
    place.surfit("heatmap a --grid 1").fails(2, &["--grid", "a grid of 1 cannot be measured", "2 to 101"]);
    place.surfit("heatmap a --format gif").fails(2, &["gif", "csv"]);
    place.surfit("export a --at 0.5 --out x").fails(2, &["two numbers", "0.5,0.25"]);
    place.surfit("export a --at 2,0 --out x").fails(2, &["u = 2 is outside the surface"]);
    place.surfit("export a --best").fails(2, &["--out"]);
    for command in ["open", "resume", "stop", "heatmap", "report"] {
        place.surfit(&format!("{command} nothing")).fails(2, &["no run `nothing`", "surfit ls"]);
    }
    std::fs::create_dir(place.path("thesis")).expect("a folder");
    place.write("thesis/thesis.tex", "years of work");
    place.surfit("heatmap thesis").fails(2, &["thesis", "is not a run", "config.toml"]);
    place.surfit("run tiny.toml --run-dir thesis").fails(2, &["thesis", "already exists", "--run-dir"]);
    assert_eq!(std::fs::read_dir(place.path("thesis")).expect("the folder").count(), 1);
    let mut command = place.command("run tiny.toml --run-dir a");
    command.env("SURFIT_ENGINE", place.path("nowhere"));
    place.finish(command).fails(1, &["surfit-engine", "nowhere", "SURFIT_ENGINE"]);
    assert!(!place.path("a").exists(), "without an engine there is no run to make");
}

/// A folder with a small data set in the IDX form of Fashion-MNIST: 400 images to train on, 100 to test.
fn data_set(place: &Place, name: &str) -> std::path::PathBuf {
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
    let place = Place::new();
    let folder = data_set(&place, "good");
    let set = "--set data.set=fashion-mnist --set data.train_images=0 --set data.validation_images=100";
    let least = "--set fit.epochs=0 --set fit.edge_epochs=0 --set heatmap.grid=2 --set export.best=false";
    // The files as they are do: what fails below fails for its fault alone.
    let run = place.job("good-run", &format!("{set} {least} --set data.dir={}", folder.display()));
    let facts = &events_of(&run, "started")[0];
    assert_eq!(facts["images"], json!([300, 100, 100]), "{facts}");
    assert!(facts["data"].as_str().is_some_and(|d| d.contains("good")), "{facts}");

    type Change = fn(&mut Vec<u8>);
    let cases: [(&str, &str, Change, &str); 5] = [
        ("short", "train-images-idx3-ubyte", |b| b.truncate(b.len() / 2), "cut short"),
        ("header", "train-labels-idx1-ubyte", |b| b.truncate(5), "cut short"),
        ("magic", "t10k-images-idx3-ubyte", |b| b[3] = 7, "not an IDX file of images"),
        ("label", "train-labels-idx1-ubyte", |b| b[20] = 10, "label 10 of image 12 is no class"),
        ("fewer", "t10k-labels-idx1-ubyte", |b| b[7] = 99, "99 labels, expected 100"),
    ];
    for (name, file, change, part) in cases {
        let folder = data_set(&place, name);
        let path = folder.join(file);
        let mut bytes = std::fs::read(&path).expect("the file");
        change(&mut bytes);
        std::fs::write(&path, bytes).expect("the changed file");
        let arguments = format!("run tiny.toml --run-dir {name}-run {set} --set data.dir={}", folder.display());
        place.surfit(&format!("{arguments} --json")).fails(1, &[file, part, name]);
    }
    // The client may not be there when an engine fails: the run's list and events say why all the same.
    let listed = place.surfit("ls --json").ok().json_lines();
    let line = listed.iter().find(|l| l["run"] == "label-run").expect("the failed run is listed");
    assert_eq!(line["alive"], false);
    let failed = events_of(&place.path("label-run"), "failed");
    assert!(failed[0]["message"].as_str().is_some_and(|m| m.contains("label 10")), "{failed:?}");
    let nowhere = "--set data.set=fashion-mnist --set data.dir=/nowhere";
    place.surfit(&format!("run tiny.toml --run-dir b {nowhere}")).fails(1, &["/nowhere", "no such file"]);
    place.surfit("run tiny.toml --run-dir c --set data.set=mnist").fails(1, &["mnist", "fashion-mnist"]);
    place.surfit("run tiny.toml --run-dir d --set network.name=cmn").fails(1, &["cmn", "cnn"]);
    let batch = "--set corners.batch=5000";
    place.surfit(&format!("run tiny.toml --run-dir e {batch}")).fails(1, &["corners.batch = 5000", "smaller batch"]);
}

/// Where the data of a tensor begin in a safetensors file.
fn data_of(bytes: &[u8], tensor: &str) -> usize {
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header: serde_json::Value = serde_json::from_slice(&bytes[8..8 + length]).expect("a header");
    8 + length + header[tensor]["data_offsets"][0].as_u64().expect("an offset") as usize
}

#[test]
fn corner_files_with_a_fault_are_named_and_good_ones_keep_their_accuracy() {
    let place = Place::new();
    let less = "--set data.validation_images=200 --set export.best=false";
    let run = place.job("first", less);
    let corner = |n: usize| run.join(format!("corners/corner-{n}.safetensors"));
    let from = |first: &Path| {
        let rest: Vec<String> = (2..=4).map(|n| format!("'{}'", corner(n).display())).collect();
        format!("--set corners.from=['{}',{}]", first.display(), rest.join(","))
    };
    let second = place.job("second", &format!("{less} {}", from(&corner(1))));
    let accuracies = |run: &Path| finished(run).expect("a finished event")["corners"].clone();
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
        place.surfit(&arguments).fails(1, &[&format!("{name}.safetensors"), part]);
        let eval = format!("eval {name}.safetensors --config tiny.toml");
        place.surfit(&eval).fails(1, &[&format!("{name}.safetensors"), part]);
    }
    let other = format!("run tiny.toml --run-dir other {less} --set network.widths=[4,16] {}", from(&corner(1)));
    place.surfit(&other).fails(1, &["corner-1.safetensors", "features.1.0.weight", "[8, 4, 3, 3]"]);
    let missing = format!("run tiny.toml --run-dir missing {less} {}", from(Path::new("nowhere.safetensors")));
    place.surfit(&missing).fails(1, &["nowhere.safetensors"]);

    place.surfit("eval nowhere.safetensors").fails(2, &["nowhere.safetensors", "no such file"]);
    let alone = place.write("alone.safetensors", &good);
    place.surfit(&format!("eval {}", alone.display())).fails(1, &["model.json", "--config"]);
    place.write("model.json", "{}");
    place.surfit(&format!("eval {}", alone.display())).fails(1, &["model.json", "no model card", "--config"]);
}

#[test]
fn a_directory_in_use_or_taken_is_left_alone_and_an_engine_that_dies_is_told() {
    let place = Place::new();
    let endless = "--set fit.epochs=100000 --set data.validation_images=200";
    let mut command = place.command(&format!("run tiny.toml --run-dir a {endless}"));
    let client = command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::piped());
    let client = client.spawn().expect("surfit starts");
    let run = place.path("a");
    wait_for("the fit", || support::stage_began(&run, "fit").then_some(()));
    place.surfit("resume a").fails(1, &["in use by another engine", "surfit open", "surfit stop"]);
    place.surfit("run tiny.toml --run-dir a").fails(2, &["already exists", "surfit resume"]);
    let pid = place.surfit("ls --json").ok().last_json()["pid"].as_i64().expect("a pid") as i32;
    place.kill(pid);
    let output = client.wait_with_output().expect("its end");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("the engine died") && told.contains("surfit resume"), "{told}");
    assert_eq!(told.lines().count(), 1, "one sentence: {told}");
    // A damaged checkpoint is told, not overwritten.
    let state = run.join("surface/state.safetensors");
    let bytes = std::fs::read(&state).expect("a checkpoint");
    std::fs::write(&state, &bytes[..bytes.len() / 3]).expect("a damaged checkpoint");
    place.surfit("resume a").fails(1, &["state.safetensors"]);
    assert_eq!(std::fs::read(&state).expect("it").len(), bytes.len() / 3, "the damaged file was touched");
    std::fs::write(run.join("config.toml"), "[fit]\ndegre = 1\n").expect("a damaged configuration");
    place.surfit("resume a").fails(2, &["config.toml:2:", "fit.degre"]);
}
