use super::*;
use crate::networks::NETWORK_NAMES;

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
    assert!(error("[fit]\nzzzzzzzzzzzzzzzz = 1").contains("known here: batch_size, "));
    assert!(error("[data]\nsett = 'mnist'\n").contains("did you mean `data.name`?"));
}

#[test]
fn values_out_of_range_name_key_line_and_remedy() {
    let e = error("name = \"a\"\n[fit]\ndegree = [2, 9]\n");
    assert!(e.starts_with("x.toml:3: ") && e.contains("degree 9 is outside 1..=8"), "{e}");
    assert_eq!(
        error("[heatmap]\n\ngrid = 1\n"),
        "x.toml:3: `heatmap.grid = 1` cannot be used; use 2 to 101 points an axis"
    );
    assert!(error("[fit]\npoints_per_step = 100").contains("at most half"));
    assert!(error("[corners]\ncheckpoints = [\"a.pt\"]").contains("two, three or four files"));
    assert!(error("[corners]\nlearning_rate = nan").contains("above 0"));
}

#[test]
fn a_branch_is_within_the_fit_and_the_only_way_to_make_the_corners() {
    for (keys, part) in [
        (
            "branch_at = 1.5",
            "x.toml:2: `corners.branch_at = 1.5` cannot be used; use a share of the fit's steps from 0 to 1",
        ),
        ("branch_at = -0.1", "from 0 to 1"),
        ("branch_at = nan", "from 0 to 1"),
        ("branch_at = 0.5\ncheckpoints = ['a.pt', 'b.pt']", "`corners.checkpoints` loads the corners"),
        ("branch_at = 0.5\nepochs = [3, 4]", "`corners.epochs` lists checkpoints"),
        ("branch_at = 0.5\nseeds = [1, 2, 3, 4]", "corners of one training have one seed"),
    ] {
        let sentence = error(&format!("[corners]\n{keys}\n"));
        assert!(sentence.contains(part), "{keys}: {sentence}");
    }
    for keys in ["branch_at = 0", "branch_at = 0.7\nseeds = [3]\ncount = 2", "branch_at = 1\nepochs = [3, 4]"] {
        assert!(parse(&format!("[corners]\n{keys}\n"), "x.toml").is_ok(), "{keys}");
    }
}

#[test]
fn misspelt_sets_and_networks_are_named_with_the_nearest() {
    let e = error("[data]\nname = \"cifar-10\"\n");
    let start =
        "x.toml:2: `data.name = \"cifar-10\"` cannot be used; there is no data set `cifar-10`; did you mean `cifar10`?";
    assert!(e.starts_with(&format!("{start} Others: cifar100, ")), "{e}");
    assert!(error("[network]\nname = 'resnet-18'\n").contains("did you mean `resnet18`?"));
    assert!(
        error("[network]\nname = 'zzzzzzzzzzzzzz'\n").ends_with(&format!("there are: {}", NETWORK_NAMES.join(", ")))
    );
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
        ("precision = 'f16'", "use auto, f32 or bf16"),
        ("[fit]\nhorizontal_flip = 1", "`fit.horizontal_flip = 1` cannot be used; use true or false"),
        ("[fit]\nlearning_rate = 'big'", "use a number"),
        ("name = 3", "use a name or text in quotes"),
        ("[network]\nwidths = 3", "use a list in brackets"),
        ("[corners]\nseeds = '[18446744073709551615, 1]'", "whole numbers up to 9223372036854775807"),
        ("name = '--help'", "letters, digits"),
        ("[fit]\nlearning_rate = 1e300", "cannot be used"),
        ("[network]\nwidths = [3, 'x']", "`network.widths = [3, \"x\"]` cannot be used; use a whole number"),
        ("fit = 3", "`fit = 3` cannot be used; use a table"),
        ("fit = { epochs = 'x' }", "`fit.epochs = \"x\"` cannot be used; use a number"),
        ("[data]\nroot = 3", "use a path in quotes"),
        ("[fit]\ndegree = true", "use a degree from 1 to 8, or two of them"),
    ] {
        let message = error(text);
        assert!(message.contains(said), "{text}: {message}");
        assert!(!message.contains("invalid"), "{message}");
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
    assert_eq!(apply_set(&config, "data.name=fashion-mnist").unwrap().data.name, "fashion-mnist");
    let e = apply_set(&config, "heatmap.grit=5").unwrap_err().to_string();
    assert_eq!(e, "--set heatmap.grit=5: unknown key `heatmap.grit`; did you mean `heatmap.grid`?");
    assert!(apply_set(&config, "seed").unwrap_err().to_string().contains("KEY=VALUE"));
    assert!(apply_set(&config, "seed.x=1").is_err());
}

#[test]
fn relative_paths_mean_the_same_from_anywhere() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.toml");
    std::fs::write(&file, "[corners]\ncheckpoints = [\"a.pt\", \"b.pt\", \"/c.pt\", \"d.pt\"]").unwrap();
    let config = load(&file, &[]).unwrap();
    assert_eq!(config.corners.checkpoints[0], dir.path().join("a.pt"));
    assert_eq!(config.corners.checkpoints[2], std::path::Path::new("/c.pt"));
    // What is typed means the folder one is in.
    let sets = ["corners.checkpoints=['a.pt', '/b.pt']".to_owned(), "data.root=d".to_owned()];
    let config = load(&file, &sets).unwrap();
    let here = std::env::current_dir().unwrap();
    assert_eq!(config.corners.checkpoints, [here.join("a.pt"), "/b.pt".into()]);
    assert_eq!((config.data.root, config.corners.count), (here.join("d"), 2));
    assert!(
        load(&dir.path().join("no.toml"), &[])
            .unwrap_err()
            .to_string()
            .contains("no such file; name an existing TOML file")
    );
}

#[test]
fn former_names_of_keys_work_everywhere_and_are_told() {
    let values = |name: &str| match name {
        "precision" => ("'bf16'", "'f32'"),
        "data.name" => ("'mnist'", "'cifar10'"),
        "data.root" => ("'/a'", "'/b'"),
        "corners.checkpoints" => ("['/a', '/b']", "['/c', '/d']"),
        name if name.ends_with("horizontal_flip") => ("true", "false"),
        name if name.ends_with("erasing") || name.ends_with("fraction") => ("0.25", "0.5"),
        name if name.ends_with("batch_size") => ("16", "32"),
        _ => ("3", "2"),
    };
    let written = |name: &str, value: &str| match name.split_once('.') {
        Some((table, key)) => format!("seed = 1\n[{table}]\n{key} = {value}\n"),
        None => format!("seed = 1\n\n{name} = {value}\n"),
    };
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.toml");
    let lr = [("corners.lr", "corners.learning_rate"), ("fit.lr", "fit.learning_rate")];
    for (former, present) in RENAMED_KEYS.iter().chain(&lr) {
        let (value, other) = values(present);
        let wanted = parse(&written(present, value), "x").unwrap();
        assert_ne!(wanted, Config::default(), "{present}");
        // In a file, which `check_file` tells, and in what is written, only the present name.
        std::fs::write(&file, written(former, value)).unwrap();
        let checked = check_file(&file);
        assert_eq!(checked.outcome.as_ref(), Ok(&wanted), "{former}");
        let message: Vec<String> = checked.renamed.iter().map(ToString::to_string).collect();
        match former.ends_with(".lr") {
            true => assert!(message.is_empty()),
            false => assert_eq!(message, [format!("{}:3: {former} is now {present}", file.display())]),
        }
        let (text, key) = (wanted.to_toml(), |name: &str| format!("\n{} = ", name.rsplit('.').next().unwrap()));
        assert!(text.contains(&key(present)) && parse(&text, "x").unwrap() == wanted, "{text}");
        // As an inline table, and as a replacement, also of the other name.
        if let Some((table, key)) = former.split_once('.') {
            assert_eq!(parse(&format!("{table} = {{ {key} = {value} }}"), "x").unwrap(), wanted);
        }
        let sets = [format!("{former}={value}")];
        std::fs::write(&file, written(present, other)).unwrap();
        assert_eq!(load(&file, &sets).as_ref(), Ok(&wanted), "{former}");
        std::fs::write(&file, written(former, other)).unwrap();
        let sets = [format!("{present}={value}")];
        assert_eq!(load(&file, &sets).as_ref(), Ok(&wanted), "{former}");
        assert_eq!(apply_set(&Config::default(), &format!("{former}={value}")).as_ref(), Ok(&wanted));
        // Both in one file are refused, in whichever order.
        for (first, second) in [(former, present), (present, former)] {
            let last = second.rsplit('.').next().unwrap();
            let both = format!("{}{last} = {other}\n", written(first, value));
            assert_eq!(
                error(&both),
                format!("x.toml:4: `{present}` is given twice; `{former}` is the same, leave it out")
            );
        }
        // What is near a former name is meant to be the present one.
        let misspelt = error(&written(&format!("{former}z"), value));
        if former.len() > 12 {
            assert!(misspelt.contains(&format!("did you mean `{present}`?")), "{misspelt}");
        }
    }
}

#[test]
fn all_faults_are_told_in_the_order_of_their_lines() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.toml");
    let text = "seed = -1\ncolour = 1\n[corners]\nmilestones = [\n  0.5,\n  'x',\n]\nerase = 2\n\
                [fit]\ndraws = 0\nlr = inf\nflip = 1\n[heatmap]\ngrid = 1\n[data]\nset = 'cifar-10'\n";
    std::fs::write(&file, text).unwrap();
    let checked = check_file(&file);
    let lines: Vec<usize> = checked.outcome.as_ref().unwrap_err().iter().map(|fault| fault.line.unwrap()).collect();
    assert_eq!(lines, [1, 2, 6, 8, 10, 11, 12, 14, 16], "{checked:?}");
    assert_eq!(checked.renamed.iter().map(|key| key.line.unwrap()).collect::<Vec<_>>(), [8, 10, 12, 16]);
    let first = parse(text, "x").unwrap_err();
    assert_eq!(first.to_string(), "x:1: `seed = -1` cannot be used; use a whole number, 0 or more");
}

#[test]
fn cards_with_former_names_of_keys_are_read() {
    let card = r#"{"set": "mnist", "dir": "/a", "calibration_images": 3, "train_images": 5}"#;
    let data: DataConfig = serde_json::from_str(card).unwrap();
    let wanted = DataConfig { name: "mnist".into(), root: "/a".into(), bn_images: 3, train_images: 5, ..data.clone() };
    assert_eq!(data, wanted);
}

#[test]
fn a_broken_rule_is_not_blamed_for_what_is_wrong_elsewhere() {
    for (text, message) in [
        (
            "[network]\npatch = 4\nnmae = 'vit-tiny'\n",
            "x.toml:3: unknown key `network.nmae`; did you mean `network.name`?",
        ),
        (
            "[fit]\npoints_per_step = 100\nbatch_size = '256'\n",
            "x.toml:3: `fit.batch_size = \"256\"` cannot be used; use a whole number, 0 or more",
        ),
    ] {
        assert_eq!(error(text), message);
    }
}

#[test]
fn a_value_of_several_lines_is_told_in_one() {
    assert_eq!(error("[seed]\na = 1\nb = 2\n"), "x.toml:1: `seed` cannot be used; use a whole number, 0 or more");
    assert_eq!(
        error("[network]\nwidths = [\n  3,\n  'x',\n]\n"),
        "x.toml:4: `network.widths = [3, \"x\",]` cannot be used; use a whole number, 0 or more"
    );
    let message = error("[data]\nname = \"\"\"a\nb\"\"\"\n");
    assert!(message.starts_with("x.toml:2: ") && !message.contains('\n'), "{message}");
    assert!(error("\"a\\nb\" = 1\n").starts_with("x.toml:1: unknown key `a b`; "));
}
