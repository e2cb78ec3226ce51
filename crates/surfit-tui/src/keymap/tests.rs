use super::*;

fn key(s: &str) -> Key {
    s.parse().unwrap()
}

fn lookup(map: &Keymap, here: KeyScope, keys: &str) -> KeyLookup {
    match keys.split_once(' ') {
        Some((a, b)) => map.lookup(here, Some(key(a)), key(b)),
        None => map.lookup(here, None, key(keys)),
    }
}

fn action(map: &Keymap, keys: &str) -> Option<&'static Action> {
    match lookup(map, KeyScope::View("surface"), keys) {
        KeyLookup::Action(action) => Some(action),
        _ => None,
    }
}

#[test]
fn a_panes_own_keys_go_before_those_that_count_anywhere() {
    let (map, problems) = Keymap::from_toml("freeze = ['p', 'g z']\npause = 'p'");
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(lookup(&map, KeyScope::View("control points"), "p"), KeyLookup::Action(action!("freeze")));
    assert_eq!(lookup(&map, KeyScope::View("loss"), "p"), KeyLookup::Action(action!("pause")));
    assert_eq!(lookup(&map, KeyScope::View("control points"), "g"), KeyLookup::Prefix);
    assert_eq!(lookup(&map, KeyScope::View("control points"), "g z"), KeyLookup::Action(action!("freeze")));
    assert_eq!(lookup(&map, KeyScope::View("control points"), "g g"), KeyLookup::Action(action!("first")));
    assert_eq!(lookup(&map, KeyScope::View("loss"), "g z"), KeyLookup::Unbound);
    let after_g = map.continuations(KeyScope::View("control points"), key("g"));
    assert_eq!(after_g[0], (key("z"), action!("freeze")));
    assert!(after_g.contains(&(key("l"), action!("focus-loss"))));
    assert_eq!(Keymap::default().find_in_other_scope(KeyScope::View("loss"), key("f")), Some(action!("freeze")));
}

#[test]
fn a_users_key_moves_from_the_action_that_had_it() {
    let (map, problems) = Keymap::from_toml("checkpoint = 'p'\nfiner = ['+', 'ctrl-g']\nstop = []\nmark = 'f'");
    let told = |key: &str, what: &str| {
        let words = format!("`{key}` is {what}; assign keys to them, or [] for none");
        assert!(problems.contains(&words), "{words}\n{problems:?}");
    };
    told("p", "checkpoint now, which takes away `p` (pause)");
    told("f", "mark now, which takes away `f` (freeze)");
    told("+", "finer now, which takes away `+` (zoom-in), `+` (loss-zoom-in)");
    assert_eq!(problems.len(), 3, "{problems:?}");
    assert_eq!(action(&map, "p"), Some(action!("checkpoint")));
    assert_eq!(action(&map, "c"), None);
    assert_eq!(map.keys(action!("pause")), [key("space").into()]);
    assert_eq!(action(&map, "ctrl-g"), Some(action!("finer")));
    assert_eq!(map.key_label(action!("stop"), false), "");
    // A key for anywhere counts in the pane, too, that has it by default.
    assert_eq!(lookup(&map, KeyScope::View("control points"), "f"), KeyLookup::Action(action!("mark")));
    assert!(map.keys(action!("freeze")).is_empty());
}

#[test]
fn a_key_that_opened_sequences_takes_them_away_and_that_is_told() {
    let (map, problems) = Keymap::from_toml("finer = 'g'\nmark = 'x y'");
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(
        problems[0].contains("`x y` is mark now, which takes away `x` (export-best)")
            || problems[1].contains("`x y` is mark now, which takes away `x` (export-best)"),
        "{problems:?}"
    );
    let g = problems.iter().find(|p| p.starts_with("`g` is finer now")).unwrap();
    assert!(g.contains("`g l` (focus-loss)") && g.contains("`g g` (first)"), "{g}");
    assert_eq!(action(&map, "g"), Some(action!("finer")));
    assert_eq!(map.keys(action!("first")), [key("home").into()]);
    assert_eq!(action(&map, "x y"), Some(action!("mark")));
}

#[test]
fn who_says_what_the_other_action_is_to_have_is_told_nothing() {
    let text = "checkpoint = 'p'\npause = ['f2', 'space']\nback = 'j'\ndown = 'down'\nstop = 'esc'";
    let (map, problems) = Keymap::from_toml(text);
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(action(&map, "f2"), Some(action!("pause")));
    assert_eq!(action(&map, "j"), Some(action!("back")));
    assert_eq!(action(&map, "esc"), Some(action!("stop")));
}

#[test]
fn an_entry_that_cannot_be_used_leaves_the_usual_keys() {
    for entry in ["'ctrl-nonsense'", "3", "''", "['']", "[3, 'mm']"] {
        let (map, problems) = Keymap::from_toml(&format!("pause = {entry}"));
        assert_eq!(action(&map, "p"), Some(action!("pause")), "{entry}");
        assert!(!problems.is_empty(), "{entry}");
        for why in problems {
            assert!(why.ends_with("; pause keeps its default p, space"), "{why}");
        }
    }
    // What another entry has already leaves them as well.
    let (map, problems) = Keymap::from_toml("pause = 'Y'\nstop = 'Y'");
    assert_eq!(action(&map, "."), Some(action!("stop")));
    assert!(problems[0].ends_with("pause keeps it; stop keeps its default ."), "{problems:?}");
    // One that can be used in part is.
    let (map, problems) = Keymap::from_toml("pause = ['mm', 'ctrl-g']");
    assert_eq!(map.keys(action!("pause")), [key("ctrl-g").into()]);
    assert!(problems[0].starts_with("pause: `mm` is no key"));
}

#[test]
fn there_is_always_a_key_that_goes_back() {
    let back = |map: &Keymap| map.keys(action!("back")).to_vec();
    for (text, why) in [
        ("pause = 'esc'", "`esc` for pause leaves back without a key"),
        ("freeze = 'esc'", "`esc` for freeze leaves back without a key"),
        ("back = []", "back cannot be without a key; back keeps its default esc"),
        ("back = 'mm'\nquit = 'esc'", "`esc` for quit leaves back without a key"),
    ] {
        let (map, problems) = Keymap::from_toml(text);
        assert_eq!(back(&map), [key("esc").into()], "{text}");
        assert!(problems.iter().any(|p| p.starts_with(why)), "{problems:?}");
    }
    let (map, problems) = Keymap::from_toml("arrange = 'j'\nback = 'j'\nquit = 'esc'");
    assert_eq!(back(&map), [key("j").into()]);
    assert_eq!(action(&map, "esc"), Some(action!("quit")));
    assert!(problems.iter().any(|p| p.contains("takes away `j` (down)")), "{problems:?}");
}

#[test]
fn conflicts_and_what_is_unknown_are_told_in_a_sentence_and_the_rest_is_used() {
    let text =
        "pause = 'Y'\nstop = 'Y'\nstpo = 'y'\nmark = 'mm'\nhelp = 3\nmodels = 'W'\ntheme = 'W a'\nfoo-bar-baz = 'b'";
    let (map, problems) = Keymap::from_toml(text);
    let all = problems.join("\n");
    for words in [
        "`Y` is assigned to both pause and stop; pause keeps it",
        "no action `stpo`; did you mean `stop`?",
        "no action `foo-bar-baz`; `surfit keys` lists",
        "mark: `mm` is no key",
        "help: write a key as",
        "`W a` for theme and `W` for models start with the same key; models keeps its key",
        "`Y` is pause now, which takes away `Y` (copy-menu)",
        "`W` is models now, which takes away `W` (write)",
    ] {
        assert!(all.contains(words), "{words}\n{all}");
    }
    assert_eq!(problems.len(), 8, "{all}");
    assert_eq!(action(&map, "Y"), Some(action!("pause")));
    assert_eq!(action(&map, "W"), Some(action!("models")));
    let (map, problems) = Keymap::from_toml("pause = ");
    assert!(problems[0].contains("the default keys are used"));
    assert_eq!(action(&map, "p"), Some(action!("pause")));
}

#[test]
fn a_former_name_of_an_action_still_counts_and_the_present_one_is_named() {
    let (map, problems) = Keymap::from_toml("machine = 'f5'\npicture = ['f6', 'g z']\nnext-picture = 'N'");
    assert_eq!(problems, ["machine is now system", "next-picture is now next-image", "picture is now image"]);
    assert_eq!(action(&map, "f5"), Some(action!("system")));
    assert_eq!(action(&map, "g z"), Some(action!("image")));
    assert_eq!(lookup(&map, KeyScope::View("image"), "N"), KeyLookup::Action(action!("next-image")));
    assert_eq!(action(&map, "g m"), None);
    let (map, problems) = Keymap::from_toml("machine = 'f5'\nsystem = 'f6'");
    assert_eq!(problems, ["`system` is given twice; `machine` is the same, leave it out"]);
    assert_eq!((action(&map, "f5"), action(&map, "f6")), (None, Some(action!("system"))));
}

#[test]
fn every_action_is_in_the_rows_for_people() {
    let rows = key_rows(&Keymap::default());
    for e in TABLE {
        let row = rows.iter().find(|row| row.action == e.id).unwrap();
        assert!(row.help == e.help && row.keys.len() == e.keys.len() && row.scope == e.scope.name(), "{}", e.id);
    }
}
