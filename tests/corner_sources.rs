//! How corners come about: from the cache, as checkpoints of one training, under another schedule.

mod support;

use serde_json::json;
use support::{SafetensorsFile, Sandbox, events_of, wait_for};

fn corner(place: &Sandbox, run: &str, number: usize) -> Vec<f32> {
    let path = place.path(run).join(format!("corners/corner-{number}.safetensors"));
    SafetensorsFile::read(&path).floats("classifier.weight")
}

#[test]
fn corners_are_trained_once_and_anything_that_made_them_counts() {
    let place = Sandbox::new();
    let cached = |run: &str| {
        let ready = events_of(&place.path(run), "corner_ready");
        let is = |e: &serde_json::Value| e["source"].as_str().expect("a source").contains("cached");
        ready.iter().filter(|e| is(e)).count()
    };
    let run = |name: &str, more: &str| {
        place.surfit(&format!("run tiny.toml --run-dir {name} --set corners.cache=true {more}")).ok();
        cached(name)
    };
    assert_eq!(run("a", ""), 0);
    let kept = std::fs::read_dir(place.path("cache/corners")).expect("the cache").count();
    assert_eq!(kept, 4);
    // The surface may be anything; the corners are the same to the last bit, and so is all that follows.
    assert_eq!(run("b", "--set fit.degree=[3,1]"), 4);
    assert_eq!(run("c", ""), 4);
    for number in 1..=4 {
        assert_eq!(corner(&place, "a", number), corner(&place, "b", number));
    }
    let theta = |run: &str| SafetensorsFile::read(&place.path(run).join("surface/state.safetensors")).floats("theta");
    assert_eq!(theta("a"), theta("c"));
    // Fewer corners of the same seeds are among them; other settings, images or seeds are not.
    assert_eq!(run("d", "--set corners.count=2 --set fit.degree=2"), 2);
    assert_eq!(run("e", "--set corners.learning_rate=0.05"), 0);
    assert_eq!(run("f", "--set data.train_images=500"), 0);
    assert_eq!(run("g", "--set seed=77"), 0);
    assert_eq!(run("h", "--set corners.cache=false"), 0);
    // What is damaged, be it by one bit of the weights, is said and trained again.
    for file in std::fs::read_dir(place.path("cache/corners")).expect("the cache").flatten() {
        let mut bytes = std::fs::read(file.path()).expect("a corner");
        *bytes.last_mut().expect("a byte") ^= 1;
        std::fs::write(file.path(), bytes).expect("a file");
    }
    assert_eq!(run("i", ""), 0);
    assert_eq!(theta("a"), theta("i"));
    let said = events_of(&place.path("i"), "notice");
    let damaged = |e: &&serde_json::Value| {
        let text = e["text"].as_str().expect("a text");
        text.contains("is damaged") && text.contains("is trained again")
    };
    assert_eq!(said.iter().filter(damaged).count(), 4, "{said:?}");
    assert_eq!(run("j", ""), 4, "they are whole again");

    let listed = place.surfit("cache ls --json").ok().json_lines();
    let of_seed_3 = listed.iter().filter(|l| {
        let recipe = &l["recipe"];
        recipe["network"]["name"] == "cnn" && recipe["epochs"] == 4 && recipe["threads"] == 1
    });
    assert!(of_seed_3.count() >= 4, "{listed:?}");
    let people = place.surfit("cache ls").ok();
    for part in ["cnn, seed ", "4 epochs", "of at most 4295 MB"] {
        assert!(people.out.contains(part), "{}", people.describe());
    }
    place.surfit("cache clear").ok();
    assert_eq!(std::fs::read_dir(place.path("cache/corners")).expect("the cache").count(), 0);
}

#[test]
fn checkpoints_of_one_training_are_what_a_shorter_look_at_it_gives() {
    let place = Sandbox::new();
    let line =
        |name: &str, epochs: &str| format!("run tiny.toml --run-dir {name} --set corners.epochs={epochs} --json");
    let f = place.surfit(&line("a", "[4,2,3]")).ok().last_json();
    assert_eq!(f["degrees"], json!({ "triangle": 2 }), "{f}");
    let sources: Vec<String> = events_of(&place.path("a"), "corner_ready")
        .iter()
        .map(|e| format!("{} {}", e["index"], e["source"].as_str().expect("a source")))
        .collect();
    assert!(sources[0].starts_with("1 ") && sources[0].contains("2 epochs"), "{sources:?}");
    assert!(sources[2].starts_with("0 ") && sources[2].contains("4 epochs"), "{sources:?}");
    // The last checkpoint is the whole training: the same network as a corner of its own with that seed.
    place.surfit(&line("b", "4")).ok();
    assert_eq!(corner(&place, "a", 1), corner(&place, "b", 1));
    assert_ne!(corner(&place, "a", 1), corner(&place, "a", 2));

    // Killed between two checkpoints it arrives at the same networks.
    let (run, pid) = place.start_tiny_job("c", "--set corners.epochs=[12,30]");
    wait_for("the first checkpoint", || (!events_of(&run, "corner_ready").is_empty()).then_some(()));
    place.kill(pid);
    place.surfit("resume c").ok();
    place.surfit(&line("d", "[12,30]")).ok();
    for number in 1..=2 {
        assert_eq!(corner(&place, "c", number), corner(&place, "d", number));
    }
    place.surfit("run tiny.toml --set corners.epochs=[1,2,3,4,5]").fails(2, &["corners.epochs", "two, three or four"]);
}

#[test]
fn distances_and_angles_are_reported_before_and_after_alignment() {
    let place = Sandbox::new();
    let run = place.run_tiny_job("a", "");
    let all = events_of(&run, "geometry");
    assert_eq!(all.len(), 2);
    let distances = |k: usize| -> Vec<f64> {
        all[k]["distances"].as_array().expect("distances").iter().map(|d| d.as_f64().expect("a number")).collect()
    };
    assert_eq!((all[0]["aligned"].clone(), all[1]["aligned"].clone()), (json!(false), json!(true)));
    assert_eq!((distances(0).len(), all[0]["angles_at_first"].as_array().map(Vec::len)), (6, Some(3)));
    // Alignment brings the others nearer to the first.
    for pair in 0..3 {
        assert!(distances(1)[pair] < distances(0)[pair], "{all:?}");
    }
    place.surfit("report a").ok();
    let report = std::fs::read_to_string(run.join("figures/report.md")).expect("the report");
    assert!(report.contains("Distances and angles"), "{report}");
}

#[test]
fn a_schedule_and_random_erasing_change_the_training_and_are_checked() {
    let place = Sandbox::new();
    let run = |name: &str, more: &str| {
        place.surfit(&format!("run tiny.toml --run-dir {name} {more}")).ok();
        corner(&place, name, 1)
    };
    let cosine = run("a", "");
    let step = run("b", "--set corners.schedule=step --set corners.milestones=[0.5,0.8]");
    let erased = run("c", "--set corners.random_erasing=0.5 --set fit.random_erasing=0.5 --set fit.schedule=linear");
    assert!(cosine != step && cosine != erased && step != erased);
    for (set, part) in [
        ("corners.schedule=sinus", "sinus"),
        ("corners.milestones=[0.8,0.5]", "rising fractions"),
        ("corners.random_erasing=1.5", "probability"),
        ("fit.gamma=0", "factor above 0"),
    ] {
        place.surfit(&format!("run tiny.toml --set {set}")).fails(2, &[part]);
    }
}

#[test]
fn a_cache_that_cannot_be_written_costs_nothing_but_the_cache() {
    let place = Sandbox::new();
    // A file where the folder would be.
    std::fs::create_dir_all(place.path("cache")).expect("a folder");
    place.write("cache/corners", "not a folder");
    place.surfit("run tiny.toml --run-dir a --set corners.cache=true").ok();
    place.surfit("run tiny.toml --run-dir b").ok();
    assert_eq!(corner(&place, "a", 2), corner(&place, "b", 2));
    let said = events_of(&place.path("a"), "notice");
    let text = |e: &serde_json::Value| e["text"].as_str().expect("a text").to_owned();
    assert!(said.iter().any(|e| text(e).contains("is not in the cache")), "{said:?}");
}

#[test]
fn a_corner_whose_half_done_training_is_damaged_is_trained_from_its_beginning() {
    let place = Sandbox::new();
    let line = "--set corners.epochs=40 --set corners.count=2 --set fit.degree=1 --set checkpoint.interval_secs=0.1";
    let (run, pid) = place.start_tiny_job("a", line);
    let partial = run.join("corners/partial.safetensors");
    wait_for("a half done corner", || partial.exists().then_some(()));
    place.kill(pid);
    let mut bytes = std::fs::read(&partial).expect("a file");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&partial, bytes).expect("a file");
    place.surfit("resume a").ok();
    let said = events_of(&run, "notice");
    let told = |e: &serde_json::Value| {
        e["text"]
            .as_str()
            .is_some_and(|t| t.contains("partial.safetensors: the file is damaged") && t.contains("from its beginning"))
    };
    assert!(said.iter().any(told), "{said:?}");
    place.surfit(&format!("run tiny.toml --run-dir b {line}")).ok();
    assert_eq!(corner(&place, "a", 1), corner(&place, "b", 1));
}
