//! Bad input on the command line: one sentence that names the place and the remedy, the right exit code, and nothing
//! lost or left behind.

mod support;

use support::{Sandbox, wait_for};

#[test]
fn configurations_with_a_fault_are_refused_with_its_line_before_anything_is_made() {
    let place = Sandbox::new();
    let cases = [
        ("[fit]\ndegre = [2, 2]\n", ["bad.toml:2:", "unknown key `fit.degre`", "did you mean `fit.degree`?"]),
        ("sead = 1\n", ["bad.toml:1:", "unknown key `sead`", "did you mean `seed`?"]),
        ("[fit]\n\ndegree = [2, 9]\n", ["bad.toml:3:", "degree 9", "outside 1..=8"]),
        ("[fit]\ndegree = [0, 2]\n", ["bad.toml:2:", "degree 0", "outside 1..=8"]),
        ("[heatmap]\ngrid = 1\n", ["bad.toml:2:", "`heatmap.grid = 1` cannot be used", "use 2 to 101"]),
        ("[corners]\ncheckpoints = ['a.pt']\n", ["bad.toml:2:", "corners.checkpoints", "four files, or none"]),
        ("seed = 1\nthreads = 'two'\n", ["bad.toml:2:", "threads", "a whole number"]),
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
    place.surfit("run missing.toml").fails(2, &["missing.toml", "no such file"]);
    place.surfit("config check tiny.toml missing.toml").fails(2, &["missing.toml"]);
    assert!(!place.path("a").exists() && !place.path("runs").exists(), "a refused run left something behind");
}

#[test]
fn lines_of_output_are_lines_and_not_escapes() {
    let place = Sandbox::new();
    for command in ["themes", "keys", "keys --markdown", "config default"] {
        let done = place.surfit(command).ok();
        assert!(!done.out.contains("\\n"), "{command}: {}", done.out);
        assert!(done.out.lines().count() > 5, "{command}: {}", done.out);
    }
}

#[test]
fn words_that_make_no_command_get_one_sentence() {
    let place = Sandbox::new();
    place.surfit("export gpu1:demo --best --out m").fails(
        2,
        &["`gpu1:demo`", "`surfit open gpu1:demo`", "`surfit ls gpu1:`", "`surfit export demo --best --out m` there"],
    );
    let empty = place.surfit("queue start").ok();
    assert!(empty.out.contains("the queue is empty"), "{}", empty.describe());
    place.surfit("fti").fails(2, &["fti", "'fit'", "surfit --help"]);
    place.surfit("run").fails(2, &["CONFIG", "surfit run --help"]);
    place.surfit("run tiny.toml --jsn").fails(2, &["--jsn", "--json"]);
    place.surfit("heatmap a --grid many").fails(2, &["many", "--grid"]);
    place.surfit("heatmap a --grid 1").fails(2, &["--grid", "a grid of 1 cannot be measured", "2 to 101"]);
    place.surfit("heatmap a --format gif").fails(2, &["gif", "csv"]);
    place.surfit("export a --at 0.5,0.5,0.5 --out x").fails(2, &["two numbers", "0.5,0.25"]);
    place.surfit("export a --at 2,0 --out x").fails(2, &["u = 2 is outside the surface"]);
    place.surfit("export a --best").fails(2, &["--out"]);
    for command in ["resume", "stop", "heatmap", "report"] {
        place.surfit(&format!("{command} nothing")).fails(2, &["no run `nothing`", "surfit ls"]);
    }
    for command in ["open", "resume", "degree --json"] {
        let degree = if command.starts_with("degree") { " 3" } else { "" };
        place
            .surfit(&format!("{command} tiny.tml{degree}"))
            .fails(2, &["no run `tiny.tml`; `surfit ls` lists your runs"]);
    }
    place.surfit("rm tiny.tml --yes").fails(2, &["no run `tiny.tml`; `surfit ls` lists your runs"]);
    place.surfit("open gpu1:").fails(2, &["a terminal", "run `surfit open` on gpu1"]);
    place.surfit("bench --network resnet").fails(2, &["--network resnet:", "no network `resnet`", "`resnet18`?"]);
    for few in ["-1", "0"] {
        place.surfit(&format!("fit a --epochs {few}")).fails(2, &["use a number above 0"]);
    }
    std::fs::create_dir(place.path("thesis")).expect("a folder");
    place.write("thesis/thesis.tex", "years of work");
    place.surfit("heatmap thesis").fails(2, &["thesis", "is not a run", "config.toml"]);
    place.surfit("run tiny.toml --run-dir thesis").fails(2, &["thesis", "already exists", "--run-dir"]);
    assert_eq!(std::fs::read_dir(place.path("thesis")).expect("the folder").count(), 1);
    let mut command = place.command("run tiny.toml --run-dir a");
    command.env("SURFIT_ENGINE", place.path("nowhere"));
    place.run_to_end(command).fails(1, &["surfit-engine", "nowhere", "SURFIT_ENGINE"]);
    assert!(!place.path("a").exists(), "without an engine there is no run to make");
}

#[test]
fn a_directory_in_use_or_taken_is_left_alone_and_an_engine_that_dies_is_told() {
    let place = Sandbox::new();
    let endless = "--set fit.epochs=100000 --set data.validation_images=200";
    let mut command = place.command(&format!("run tiny.toml --run-dir a {endless}"));
    let client = command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::piped());
    let client = client.spawn().expect("surfit starts");
    let run = place.path("a");
    wait_for("the fit", || support::has_stage_begun(&run, "fit").then_some(()));
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

#[test]
fn all_faults_of_a_configuration_and_former_names_of_keys_are_told_at_once() {
    let place = Sandbox::new();
    place.write("former.toml", "compute = 'f32'\n[fit]\nedge_epochs = 1\n");
    let told = place.surfit("config check former.toml").ok();
    assert_eq!(
        told.err,
        "former.toml:1: compute is now precision\nformer.toml:3: fit.edge_epochs is now fit.boundary_epochs\n"
    );
    place.write("faults.toml", "seed = -1\n[fit]\nlr = 0\n[heatmap]\ngrit = 5\n");
    let told = place.surfit("config check faults.toml");
    assert_eq!((told.status.code(), told.err.lines().count()), (Some(2), 3), "{}", told.describe());
    for place in ["faults.toml:1:", "faults.toml:3:", "faults.toml:5:"] {
        assert!(told.err.contains(place), "{}", told.describe());
    }
    let schema: serde_json::Value = serde_json::from_str(&place.surfit("config schema").ok().out).expect("JSON");
    assert_eq!(schema["properties"]["heatmap"]["properties"]["grid"]["maximum"], 101);
    place.write("plan.toml", "config = 'former.toml'\nseeds = [1]\n[[variant]]\nname = 'v'\nset = ['fit.draws=2']\n");
    let told = place.surfit("config check plan.toml").ok();
    assert_eq!(told.err, "plan.toml:5: fit.draws is now fit.points_per_step\n");
}
