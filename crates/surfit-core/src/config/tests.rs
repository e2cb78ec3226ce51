use super::*;

fn error(text: &str) -> String {
    parse(text, "x.toml").unwrap_err().to_string()
}

#[test]
fn defaults_pass_and_come_back() {
    let config = parse("", "x.toml").unwrap();
    assert_eq!(config, Config::default());
    assert_eq!(parse(&config.to_toml(), "x.toml").unwrap(), config);
}

#[test]
fn misspelt_keys_are_named_with_the_nearest() {
    assert_eq!(
        error("seed = 2\n[fit]\ndegre = [2, 2]\n"),
        "x.toml:3: unknown key `fit.degre`; did you mean `fit.degree`?"
    );
    for text in ["[fit]\nrate = 0.1\n", "fit = { rate = 0.1 }"] {
        assert!(error(text).contains("did you mean `fit.learning_rate`?"));
    }
    assert!(error("[ft]\n").contains("did you mean `fit`"));
    assert!(error("fit = { epoch = 3 }").contains("x.toml:1: unknown key `fit.epoch`; did you mean `fit.epochs`?"));
    assert!(error("[fit]\nzzzzzzzzzzzzzzzz = 1").contains("known here: "));
}

#[test]
fn values_out_of_range_name_key_line_and_remedy() {
    let e = error("name = \"a\"\n[fit]\ndegree = [2, 9]\n");
    assert!(e.starts_with("x.toml:3: ") && e.contains("degree 9 is outside 1..=8"), "{e}");
    assert_eq!(
        error("[heatmap]\n\ngrid = 1\n"),
        "x.toml:3: `heatmap.grid = 1` cannot be used; use 2 to 101 points an axis"
    );
    assert!(error("[fit]\ndraws = 100").contains("at most half"));
    assert!(error("[corners]\nfrom = [\"a.pt\"]").contains("two, three or four files"));
    assert!(error("[corners]\nlearning_rate = nan").contains("above 0"));
}

#[test]
fn misspelt_sets_and_networks_are_named_with_the_nearest() {
    assert_eq!(
        error("[data]\nset = \"cifar-10\"\n"),
        "x.toml:2: `data.set = \"cifar-10\"` cannot be used; there is no data set `cifar-10`; did you mean `cifar10`?"
    );
    assert!(error("[network]\nname = 'resnet-18'\n").contains("did you mean `resnet18`?"));
    assert!(error("[network]\nname = 'zzzzzzzzzzzzzz'\n").contains("there are: cnn, mlp, resnet18"));
    assert!(error("[data]\nmirror = 'ftp://x'\n").contains("http://"));
    assert!(error("[data]\nimage_size = 2\n").contains("4 to 1024"));
}

#[test]
fn wrong_types_and_syntax_have_their_line() {
    assert_eq!(
        error("seed = 1\nthreads = \"two\"\n"),
        "x.toml:2: `threads = \"two\"` cannot be used; use a whole number, 0 or more"
    );
    assert!(error("seed = 1\n[fit\n").starts_with("x.toml:2: "));
}

#[test]
fn values_of_the_wrong_kind_are_told_what_they_may_be() {
    for (text, said) in [
        ("seed = -1", "`seed = -1` cannot be used; use a whole number, 0 or more"),
        ("[fit]\nschedule = 'foo'", "`fit.schedule = \"foo\"` cannot be used; use cosine, step, linear or constant"),
        ("[fit]\nschedule = 'cosin'", "(did you mean `cosine`?)"),
        ("compute = 'f16'", "use auto, f32 or bf16"),
        ("[fit]\nflip = 1", "`fit.flip = 1` cannot be used; use true or false"),
        ("[fit]\nlearning_rate = 'big'", "use a number"),
        ("name = 3", "use a name or text in quotes"),
        ("[network]\nwidths = 3", "use a list in brackets"),
        ("[corners]\nseeds = '[18446744073709551615, 1]'", "whole numbers up to 9223372036854775807"),
        ("name = '--help'", "letters, digits"),
        ("[fit]\nlearning_rate = 1e300", "cannot be used"),
        ("[network]\nwidths = [3, 'x']", "`network.widths = [3, \"x\"]` cannot be used; use a whole number"),
        ("fit = 3", "`fit = 3` cannot be used; use a table"),
        ("fit = { epochs = 'x' }", "`fit.epochs = \"x\"` cannot be used; use a number"),
        ("[data]\ndir = 3", "use a path in quotes"),
        ("[fit]\ndegree = true", "use a degree from 1 to 8, or two of them"),
    ] {
        let told = error(text);
        assert!(told.contains(said), "{text}: {told}");
        assert!(!told.contains("invalid"), "{told}");
    }
}

#[test]
fn sets_may_need_each_other_and_the_one_at_fault_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.toml");
    std::fs::write(&file, "[corners]\ncount = 4\n").unwrap();
    let set = |sets: &[&str]| {
        let sets: Vec<String> = sets.iter().map(|s| s.to_string()).collect();
        load(&file, &sets).map_err(|e| e.to_string())
    };
    let config = set(&["corners.epochs=[2, 3]", "corners.count=2"]).unwrap();
    assert_eq!(config.corners.len(), 2);
    let error = set(&["seed=3", "corners.epochs=[2, 3]", "fit.epochs=1"]).unwrap_err();
    assert!(error.starts_with("--set corners.epochs=[2, 3]: `corners.count = 4`"), "{error}");
    let error = set(&["corners.count=2", "fit.epochs=-1"]).unwrap_err();
    assert!(error.starts_with("--set fit.epochs=-1: "), "{error}");
}

#[test]
fn sets_go_on_top_and_are_checked() {
    let config = Config::default();
    let set = apply_set(&config, "fit.degree=[3,1]").unwrap();
    assert_eq!(set.degrees().to_string(), "3×1");
    assert_eq!(apply_set(&config, "data.set=fashion-mnist").unwrap().data.set, "fashion-mnist");
    let e = apply_set(&config, "heatmap.grit=5").unwrap_err().to_string();
    assert_eq!(e, "--set heatmap.grit=5: unknown key `heatmap.grit`; did you mean `heatmap.grid`?");
    assert!(apply_set(&config, "seed").unwrap_err().to_string().contains("KEY=VALUE"));
    assert!(apply_set(&config, "seed.x=1").is_err());
}

#[test]
fn relative_paths_mean_the_same_from_anywhere() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.toml");
    std::fs::write(&file, "[corners]\nfrom = [\"a.pt\", \"b.pt\", \"/c.pt\", \"d.pt\"]").unwrap();
    let config = load(&file, &[]).unwrap();
    assert_eq!(config.corners.from[0], dir.path().join("a.pt"));
    assert_eq!(config.corners.from[2], std::path::Path::new("/c.pt"));
    // What is typed means the folder one is in.
    let sets = ["corners.from=['a.pt', '/b.pt']".to_owned(), "data.dir=d".to_owned()];
    let config = load(&file, &sets).unwrap();
    let here = std::env::current_dir().unwrap();
    assert_eq!(config.corners.from, [here.join("a.pt"), "/b.pt".into()]);
    assert_eq!((config.data.dir, config.corners.count), (here.join("d"), 2));
    assert!(load(&dir.path().join("no.toml"), &[]).unwrap_err().to_string().contains("cannot be read"));
}
