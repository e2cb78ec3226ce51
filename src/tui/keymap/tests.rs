use super::*;

fn key(s: &str) -> Key {
    s.parse().unwrap()
}

fn does(map: &Keymap, here: Scope, keys: &str) -> Meaning {
    match keys.split_once(' ') {
        Some((a, b)) => map.meaning(here, Some(key(a)), key(b)),
        None => map.meaning(here, None, key(keys)),
    }
}

fn action(map: &Keymap, keys: &str) -> Option<Action> {
    match does(map, Scope::Surface, keys) {
        Meaning::Does(action) => Some(action),
        _ => None,
    }
}

#[test]
fn a_panes_own_keys_go_before_those_that_count_anywhere() {
    let (map, problems) = Keymap::from_toml("freeze = ['p', 'g z']\npause = 'p'");
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(
        does(&map, Scope::Points, "p"),
        Meaning::Does(Action::Freeze)
    );
    assert_eq!(does(&map, Scope::Loss, "p"), Meaning::Does(Action::Pause));
    assert_eq!(does(&map, Scope::Points, "g"), Meaning::Opens);
    assert_eq!(
        does(&map, Scope::Points, "g z"),
        Meaning::Does(Action::Freeze)
    );
    assert_eq!(
        does(&map, Scope::Points, "g g"),
        Meaning::Does(Action::First)
    );
    assert_eq!(does(&map, Scope::Loss, "g z"), Meaning::Nothing);
    let after_g = map.continuations(Scope::Points, key("g"));
    assert_eq!(after_g[0], (key("z"), Action::Freeze));
    assert!(after_g.contains(&(key("l"), Action::FocusLoss)));
    assert_eq!(
        Keymap::default().elsewhere(Scope::Loss, key("f")),
        Some(Action::Freeze)
    );
}

#[test]
fn a_users_key_moves_from_the_action_that_had_it() {
    let (map, problems) =
        Keymap::from_toml("checkpoint = 'p'\nfiner = ['+', 'ctrl-g']\nstop = []\nmark = 'f'");
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(action(&map, "p"), Some(Action::Checkpoint));
    assert_eq!(action(&map, "c"), None);
    assert_eq!(map.keys(Action::Pause), [key("space").into()]);
    assert_eq!(action(&map, "ctrl-g"), Some(Action::Finer));
    assert_eq!(map.shown(Action::Stop, false), "");
    // A key for anywhere counts in the pane, too, that has it by default.
    assert_eq!(does(&map, Scope::Points, "f"), Meaning::Does(Action::Mark));
    assert!(map.keys(Action::Freeze).is_empty());
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
    let g = problems
        .iter()
        .find(|p| p.starts_with("`g` is finer now"))
        .unwrap();
    assert!(
        g.contains("`g l` (focus-loss)") && g.contains("`g g` (first)"),
        "{g}"
    );
    assert_eq!(action(&map, "g"), Some(Action::Finer));
    assert_eq!(map.keys(Action::First), [key("home").into()]);
    assert_eq!(action(&map, "x y"), Some(Action::Mark));
}

#[test]
fn conflicts_and_what_is_unknown_are_told_in_a_sentence_and_the_rest_is_used() {
    let text = "pause = 'Y'\nstop = 'Y'\nstpo = 'y'\nmark = 'mm'\nhelp = 3\nmodels = 'W'\ntheme = 'W a'\nfoo-bar-baz = 'b'";
    let (map, problems) = Keymap::from_toml(text);
    let all = problems.join("\n");
    for words in [
        "`Y` is given to both pause and stop; pause keeps it",
        "no action `stpo`; did you mean `stop`?",
        "no action `foo-bar-baz`; `surfit keys` lists",
        "mark: `mm` is no key",
        "help: write a key as",
        "`W a` for theme and `W` for models begin alike; models keeps its key",
    ] {
        assert!(all.contains(words), "{words}\n{all}");
    }
    assert_eq!(problems.len(), 6, "{all}");
    assert_eq!(action(&map, "Y"), Some(Action::Pause));
    assert_eq!(action(&map, "W"), Some(Action::Models));
    let (map, problems) = Keymap::from_toml("pause = ");
    assert!(problems[0].contains("the usual keys are used"));
    assert_eq!(action(&map, "p"), Some(Action::Pause));
}

#[test]
fn every_action_is_in_the_rows_for_people() {
    let rows = key_rows(&Keymap::default());
    for e in TABLE {
        let row = rows.iter().find(|row| row.action == e.id).unwrap();
        assert!(
            row.help == e.help && row.keys.len() == e.keys.len() && row.scope == e.scope.name(),
            "{}",
            e.id
        );
    }
}
