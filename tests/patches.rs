//! Surfaces between two, three and four corners, several seeds, and studies.

mod support;

use serde_json::{Value, json};
use support::{SafetensorsFile, Sandbox, events, wait_for};

#[track_caller]
fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

#[test]
fn a_curve_and_a_triangular_patch_go_through_the_whole_job() {
    let place = Sandbox::new();
    for (count, degrees, raised, cells, rows) in
        [(2, json!([2]), json!([3]), 5, 3), (3, json!({ "triangle": 2 }), json!({ "triangle": 3 }), 15, 6)]
    {
        let name = format!("shape-{count}");
        let line = format!("run tiny.toml --run-dir {name} --json --set corners.count={count} --set fit.degree=2");
        let f = place.surfit(&line).ok().last_json();
        assert_eq!((&f["event"], &f["degrees"]), (&json!("finished"), &degrees), "{f}");
        assert_eq!(f["corners"].as_array().map(Vec::len), Some(count), "{f}");
        let csv = place.surfit(&format!("heatmap {name} --grid 5 --format csv")).ok().out;
        assert_eq!(csv.lines().count(), cells + 1, "{csv}");
        let theta = SafetensorsFile::read(&place.path(&name).join("surface/state.safetensors"));
        let (before, weights) = (theta.floats("theta"), theta.floats("theta").len() / rows);
        assert_eq!(before.len(), rows * weights);

        place.surfit(&format!("export {name} --at 0.9,0.9 --out {name}-beside")).fails(1, &["outside the surface"]);
        let said = place.surfit(&format!("degree {name} 3 --json")).ok().last_json();
        assert_eq!(said["to"], raised, "{said}");
        assert!(number(&said["deviation"]) < 1e-5, "raising moved the surface: {said}");
        let after = SafetensorsFile::read(&place.path(&name).join("surface/state.safetensors")).floats("theta");
        // The corners are the given networks to the last bit.
        assert_eq!(after[..count * weights], before[..count * weights]);
        for format in ["png", "svg"] {
            place.surfit(&format!("heatmap {name} --out {name}.{format}")).ok();
            assert!(place.path(format!("{name}.{format}")).metadata().expect("a picture").len() > 1000);
        }
    }
    place.surfit("run tiny.toml --set corners.count=3 --set fit.degree=[2,3]").fails(2, &["fit.degree", "one degree"]);
    place.surfit("run tiny.toml --set corners.count=5").fails(2, &["corners.count", "2 corners"]);
}

#[test]
fn draws_that_follow_the_loss_are_resumed_to_the_same_bytes() {
    let place = Sandbox::new();
    let options = "--set fit.focus=1.0 --set fit.epochs=60 --set corners.count=2 --set fit.degree=2";
    place.surfit(&format!("run tiny.toml --run-dir whole {options}")).ok();
    let uniform = options.replace("focus=1.0", "focus=0.0");
    place.surfit(&format!("run tiny.toml --run-dir uniform {uniform}")).ok();
    let (run, pid) = place.start_tiny_job("cut", options);
    wait_for("a checkpoint of the fit", || {
        let made = events(&run).into_iter().find(|e| e["event"] == "checkpoint" && number(&e["step"]) > 20.0);
        made.map(|_| ())
    });
    place.kill(pid);
    let ended = |e: &&Value| e["event"] == "stage_ended" && e["stage"] == "fit";
    assert_eq!(events(&run).iter().filter(ended).count(), 0, "killed after its fit");
    place.surfit("resume cut").ok();
    let theta = |name: &str| SafetensorsFile::read(&place.path(name).join("surface/state.safetensors")).floats("theta");
    assert_eq!(theta("whole"), theta("cut"));
    assert_ne!(theta("whole"), theta("uniform"), "the draws did not follow the loss");
}

#[test]
fn several_seeds_give_mean_and_deviation_and_a_second_call_does_nothing_again() {
    let place = Sandbox::new();
    let line = "run tiny.toml --seeds 2 --run-dir many --json";
    let said = place.surfit(line).ok().last_json();
    assert_eq!(said["seeds"], json!([3, 4]), "{said}");
    let interior = &said["figures"]["interior"];
    assert_eq!(interior["runs"], 2, "{said}");
    let each: Vec<f64> = [3, 4]
        .map(|seed| {
            let last = events(&place.path(format!("many/seed-{seed}")));
            let finished = last.iter().rfind(|e| e["event"] == "finished").expect("finished").clone();
            number(&finished["interior_mean"])
        })
        .into();
    let mean = (each[0] + each[1]) / 2.0;
    assert!((number(&interior["mean"]) - mean).abs() < 1e-9, "{said}");
    let deviation = (each[0] - each[1]).abs() / 2f64.sqrt();
    assert!((number(&interior["deviation"]) - deviation).abs() < 1e-9, "{said}");
    assert!(deviation > 0.0, "two seeds gave the same network");

    let before = events(&place.path("many/seed-3")).len();
    assert_eq!(place.surfit(line).ok().last_json(), said);
    assert_eq!(events(&place.path("many/seed-3")).len(), before, "a finished run was touched");
    place.surfit("run tiny.toml --seeds 2 --detach").fails(2, &["--seeds", "--detach"]);
}

const STUDY: &str = "\
title = 'Tiny study'
config = 'tiny.toml'
seeds = [1]
set = ['export.baselines=true', 'fit.epochs=1.0']
[[variant]]
name = 'linear'
title = 'linear surface'
set = ['fit.degree=1', 'fit.epochs=0', 'fit.edge_epochs=0']
[[variant]]
name = 'fitted'
title = 'fitted surface'
";

#[test]
fn a_study_writes_tables_and_figures_and_goes_on_where_it_was() {
    let place = Sandbox::new();
    place.write("study.toml", STUDY);
    // Without a finished run there is no finished run: a good report must not be replaced by an empty one.
    std::fs::create_dir(place.path("kept")).expect("a folder");
    let good = place.write("kept/README.md", "good");
    place
        .surfit("study study.toml --dir none --report-only --out kept")
        .fails(1, &["none", "no finished run", "--dir"]);
    assert_eq!(std::fs::read_to_string(good).expect("it"), "good");
    let only = place.surfit("study study.toml --dir s --only linear").ok();
    assert!(only.out.contains("[1/1] linear seed 1"), "{}", only.describe());
    let report = || std::fs::read_to_string(place.path("s/README.md")).expect("the report");
    assert!(report().contains("| fitted surface | – |"), "{}", report());

    let whole = place.surfit("study study.toml --dir s --jobs 2").ok();
    assert!(whole.out.contains("linear seed 1") && whole.out.contains("already done"), "{}", whole.describe());
    let text = report();
    for part in ["# Tiny study", "corner ensemble", "uniform soup", "heatmap-fitted.png", "variants.png"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("| fitted surface | –"), "{text}");
    assert!(place.path("s/variants.png").exists() && place.path("s/heatmap-linear.png").exists());

    let finished = events(&place.path("s/fitted-seed1"));
    let finished = finished.iter().rfind(|e| e["event"] == "finished").expect("finished");
    assert_eq!(finished["baselines"].as_array().map(Vec::len), Some(4), "{finished}");
    for b in finished["baselines"].as_array().expect("baselines") {
        assert!((0.1..=1.0).contains(&number(&b["test_accuracy"])), "{b}");
    }

    place
        .surfit("study study.toml --dir s --set seed=1 --set fit.epochs=2.0")
        .fails(2, &["already exists with another configuration"]);
    place.surfit("study study.toml --only nothing").fails(2, &["no such variant", "fitted"]);
    place.write("bad.toml", STUDY.replace("seeds", "sedes"));
    place.surfit("study bad.toml").fails(2, &["bad.toml", "sedes"]);
}
