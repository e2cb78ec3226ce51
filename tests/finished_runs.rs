//! Runs after their job: other grids, another degree and a further fit, lists, filters, removal.

mod support;

use serde_json::{Value, json};
use support::{Sandbox, events_of, is_alive, wait_for};

fn listed(place: &Sandbox, arguments: &str) -> Vec<Value> {
    let done = place.surfit(&format!("ls --json {arguments}")).ok();
    let lines = done.out.lines().map(serde_json::from_str);
    lines.collect::<Result<_, _>>().expect("JSON lines")
}

fn names(place: &Sandbox, arguments: &str) -> Vec<String> {
    let mut all: Vec<String> =
        listed(place, arguments).iter().map(|l| l["run"].as_str().expect("a name").to_owned()).collect();
    all.sort();
    all
}

#[test]
fn another_grid_changes_the_run_only_when_it_is_finer_or_kept_and_a_fit_goes_on_at_a_raised_degree() {
    let place = Sandbox::new();
    let run = place.run_tiny_job("a", "");
    let best = |place: &Sandbox| listed(place, "")[0]["best"].clone();
    let before = best(&place);
    let snapshot = || -> Value {
        let bytes = std::fs::read(run.join("snapshot.json")).expect("a snapshot");
        serde_json::from_slice(&bytes).expect("JSON")
    };

    // Known from the finer one, measured anew, kept, made finer.
    let coarse = place.surfit("heatmap a --grid 3").ok();
    assert_eq!(coarse.out.lines().count(), 10, "{}", coarse.describe());
    assert!(coarse.err.contains("the run keeps its heatmap of 5×5 points"), "{}", coarse.describe());
    let other = place.surfit("heatmap a --grid 4 --out four.csv").ok();
    assert!(other.out.contains("four.csv: accuracy on 4×4 points, best "), "{}", other.describe());
    assert!(other.err.contains("keeps its heatmap"), "{}", other.describe());
    assert_eq!(snapshot()["heatmap"]["grid"], 5);
    assert_eq!(best(&place), before, "what is best is what it was");
    assert_eq!(listed(&place, "")[0]["state"], "finished");
    let kept = place.surfit("heatmap a --grid 4 --keep --format json").ok();
    assert!(kept.err.contains("now has 4×4 points instead of 5×5 points"), "{}", kept.describe());
    assert_eq!(snapshot()["heatmap"]["grid"], 4);
    let finer = place.surfit("heatmap a --grid 7 --out seven.csv").ok();
    assert!(finer.err.contains("now has 7×7 points"), "{}", finer.describe());
    assert_eq!(snapshot()["heatmap"]["grid"], 7);
    let same = place.surfit("heatmap a --out seven.npy").ok();
    assert_eq!(same.err, "", "nothing changed, nothing is said");

    // A raised degree, and a further fit with it.
    let steps = |place: &Sandbox| support::finished_event(&place.path("a")).expect("finished")["steps"][1].clone();
    let first = steps(&place).as_u64().expect("steps");
    place.surfit("fit a --epochs 0").fails(2, &["--epochs 0", "above 0"]);
    place.surfit("fit a --epochs 1 --steps 3").fails(2, &["--epochs", "--steps"]);
    place.surfit("degree a 3 3").ok();
    let fitted = place.surfit("fit a --steps 12").ok();
    assert!(fitted.out.contains("best "), "{}", fitted.describe());
    let finished = support::finished_event(&run).expect("finished again");
    assert_eq!(finished["degrees"], json!([3, 3]));
    assert_eq!(steps(&place), first + 12);
    let rounds = events_of(&run, "losses");
    let last = rounds.iter().rfind(|e| e["curve"] == "surface").expect("losses");
    assert!(last["first_step"].as_u64().expect("a step") >= first);
    assert_eq!(listed(&place, "")[0]["alive"], false, "its engine went with it");
    let further = place.surfit("fit a --epochs 0.5 --json").ok().last_json();
    assert_eq!(further["event"], "finished", "{further}");
    assert!(place.surfit("resume a").ok().out.contains("or fit it further with `surfit fit "));
}

#[test]
fn runs_of_several_seeds_are_listed_filtered_and_removed() {
    let place = Sandbox::new();
    let quick = "--set fit.epochs=0.5 --set fit.boundary_epochs=0 --set corners.epochs=1";
    let done = place.surfit(&format!("run tiny.toml --seeds 2 --run-dir s {quick}")).ok();
    assert!(done.out.contains("s/seed-3"), "{}", done.describe());
    assert_eq!(names(&place, ""), ["s/seed-3", "s/seed-4"]);
    assert_eq!(names(&place, "seed-4 state:finished net:cnn degree:2"), ["s/seed-4"]);
    assert_eq!(names(&place, "!s acc>0"), Vec::<String>::new());
    let line = &listed(&place, "seed-3")[0];
    assert_eq!((&line["data"], &line["network"]), (&json!("fashion-mnist-16k"), &json!("cnn")));
    assert!(line["bytes"].as_u64().expect("a size") > 10_000, "{line}");
    let none = place.surfit("ls loss<0").ok();
    assert!(none.out.contains("none of the 2 runs matches `loss<0`"), "{}", none.describe());
    place.surfit("ls stat:running").fails(2, &["did you mean `state`?"]);
    assert!(place.surfit("heatmap s/seed-3").ok().out.starts_with("u,v,accuracy"));
    place.surfit("heatmap s").fails(2, &["contains 2 runs", "s/seed-3"]);

    // What is no run stays whatever is said, and so does a run until it is said for certain.
    std::fs::create_dir(place.path("site")).expect("a folder");
    place.write("site/config.toml", "title = 'my site'");
    place.surfit("rm site --yes").fails(2, &["was not created by surfit"]);
    assert!(place.path("site/config.toml").is_file());
    place.surfit("rm s/seed-3").fails(2, &["--yes"]);
    place.surfit("rm s/seed --yes").fails(2, &["`s/seed` is the beginning of 2 run ids"]);
    place
        .surfit("rm s/seed-4x --yes")
        .fails(2, &["no run `s/seed-4x`; did you mean `s/seed-4` or `s/seed-3`?", "surfit ls"]);
    place.surfit("rm").fails(2, &["RUN"]);
    assert!(place.surfit("rm --failed --yes").ok().out.contains("no failed runs"));
    let removed = place.surfit("rm s/seed-3 --yes").ok();
    assert!(removed.out.contains("s/seed-3"), "{}", removed.describe());
    assert_eq!(names(&place, ""), ["s/seed-4"]);

    // Two names of one run, one of them among the runs; and what a removal left that was killed.
    place.run_tiny_job("q", quick);
    let left = place.path(format!("runs/.surfit-removed-{}-old/corners", i32::MAX));
    std::fs::create_dir_all(&left).expect("a folder");
    place.surfit("ls").ok();
    assert!(!left.parent().expect("a parent").exists());
    std::fs::create_dir_all(&left).expect("a folder");
    let thesis = place.write("thesis.tex", "years of work");
    place.write("q/socket", thesis.display().to_string());
    std::os::unix::fs::symlink("q", place.path("rel")).expect("a link");
    let absolute = place.path("q").display().to_string();
    let removed = place.surfit(&format!("rm rel q {absolute} --yes")).ok();
    assert_eq!(removed.out.lines().count(), 1, "{}", removed.describe());
    assert!(!place.path("q").exists() && thesis.is_file());
    assert!(!left.parent().expect("a parent").exists());

    // A live one only together with its engine.
    let (live, pid) = place.start_tiny_job("b", "--set fit.epochs=100000");
    place.surfit("rm b --yes").fails(1, &["is running; stop it first with ", "--stop"]);
    assert!(live.join("config.toml").is_file());
    place.surfit("rm b s --yes --stop").ok();
    assert!(!live.exists());
    // The kernel lets go of the lock a moment before the process is gone.
    wait_for("the engine's end", || (!is_alive(pid)).then_some(()));
    assert!(!place.path("s/seed-4").exists());
    assert_eq!(names(&place, ""), Vec::<String>::new());
    let left = std::fs::read_dir(place.path("runs")).expect("the runs").count();
    assert_eq!(left, 0, "no link leads nowhere");
}

#[test]
fn what_cannot_be_run_is_refused_before_anything_is_made() {
    let place = Sandbox::new();
    for (text, parts) in [
        ("[network]\nname = 'resnet18'\nwidths = [4]\n", ["bad.toml:3:", "takes 4 widths"]),
        ("[network]\nname = 'vgg16'\n", ["bad.toml", "use vgg16-cifar"]),
        ("[data]\nname = 'mnist'\nroot = 'nowhere'\n", ["nowhere", "data.root"]),
        ("[corners]\ncount = 3\ncheckpoints = ['a.pt', 'b.pt']\n", ["bad.toml:2:", "names 2 files"]),
        ("[corners]\ncheckpoints = ['a.pt', 'b.pt']\n", ["a.pt", "no such file"]),
        ("[corners]\ncount = 3\nepochs = [1, 2]\n", ["bad.toml:2:", "lists 2 checkpoints"]),
        ("seed = -1\n", ["bad.toml:1:", "a whole number, 0 or more"]),
        ("[fit]\nschedule = 'foo'\n", ["bad.toml:2:", "cosine, step, linear or constant"]),
    ] {
        place.write("bad.toml", text);
        for command in ["config check bad.toml", "run bad.toml --run-dir a", "run bad.toml --seeds 2", "open bad.toml"]
        {
            place.surfit(command).fails(2, &parts);
        }
    }
    assert!(!place.path("a").exists() && !place.path("runs").exists());

    // What is typed means the folder one is in, what is in a file the file's.
    std::fs::create_dir(place.path("sub")).expect("a folder");
    place.write("sub/c.toml", "[corners]\ncheckpoints = ['x.pt', 'y.pt']\n");
    place.surfit("config check sub/c.toml").fails(2, &["sub/x.pt"]);
    let here = place.path("x.pt").display().to_string();
    place.surfit("run sub/c.toml --set corners.checkpoints=['x.pt','y.pt']").fails(2, &[&here, "no such file"]);

    // A study is checked, and told from a configuration.
    let study = "config = 'tiny.toml'\nseeds = [1, 2]\n[[variant]]\nname = 'a'\nset = ['fit.degree=3']\n";
    place.write("s.toml", study);
    let good = place.surfit("config check s.toml").ok();
    assert!(good.out.contains("a study: 1 variants over 2 seeds"), "{}", good.describe());
    place.surfit("run s.toml").fails(2, &["this is a study", "surfit study s.toml"]);
    place.write("s.toml", study.replace("fit.degree=3", "network.widths=[4,4,4,4,4,4]"));
    place.surfit("config check s.toml").fails(2, &["variant a", "after 5 widths"]);
    place.surfit("study s.toml").fails(2, &["variant a", "after 5 widths"]);

    // Words.
    place.surfit("--theme nosuch ls").fails(2, &["--theme", "there is no theme `nosuch`"]);
    place.surfit("open a --theme nosuch").fails(2, &["--theme", "there is no theme `nosuch`"]);
    place.surfit("ls --theme nosuch").fails(2, &["unexpected argument '--theme'"]);
    place.surfit("rnu tiny.toml").fails(2, &["'rnu'", "'run'"]);
    place.surfit("ls --jsno").fails(2, &["'--jsno'", "'--json'"]);
    place.surfit("eval sub").fails(2, &["sub", "contains no model"]);
}

#[test]
fn the_best_point_so_far_is_in_the_list_before_a_heatmap_is_complete() {
    let place = Sandbox::new();
    let more = "--set corners.epochs=1 --set fit.epochs=100000 --set data.validation_images=100";
    let (run, _) = place.start_tiny_job("runs/sd/a", more);
    let listed = |term: &str| place.surfit(&format!("ls {term} --json")).ok().json_lines();
    wait_for("a best point in the list", || {
        listed("sd/*").first().filter(|l| l["best"]["accuracy"].is_number()).map(drop)
    });
    assert!(events_of(&run, "heatmap_complete").is_empty());
    assert_eq!((listed("*/a").len(), listed("s*").len(), listed("x*").len()), (1, 1, 0));
}
