//! The workbench in a real (pseudo-)terminal: what is seen, what keys do, and that the terminal is always given back.

mod support;

use rustix::process::Signal;
use std::time::{Duration, Instant};
use support::{Sandbox, TerminalScreen, events_of, finished_event, is_alive, keys, wait_for};

/// A fit that does not end by itself while a test looks, as a configuration file.
fn endless(place: &Sandbox) {
    let text = std::fs::read_to_string(place.path("tiny.toml")).expect("the tiny job");
    let text = text.replace("epochs = 2.0", "epochs = 100000.0").replace("[data]", "[data]\nvalidation_images = 200");
    assert!(text.contains("100000.0"), "{text}");
    place.write("endless.toml", text);
}

/// The directory of the place's only run, once it is there.
#[track_caller]
fn only_run(place: &Sandbox) -> std::path::PathBuf {
    wait_for("the run's directory", || std::fs::read_dir(place.path("runs")).ok()?.flatten().next().map(|e| e.path()))
}

/// Process id of a run's living engine.
#[track_caller]
fn engine(place: &Sandbox) -> i32 {
    let line = place.surfit("ls --json").ok().last_json();
    line["pid"].as_i64().unwrap_or_else(|| panic!("no engine is alive: {line}")) as i32
}

#[test]
fn a_run_is_begun_steered_left_and_come_back_to() {
    let place = Sandbox::new();
    endless(&place);
    let mut screen = TerminalScreen::open(&place, "open endless.toml", (140, 44), &[]);
    let first = screen.wait_for_text("surfit");
    println!("first frame at 140x44: {:.0} ms (debug build, busy machine)", first * 1e3);
    assert!(first < 3.0, "the first frame took {first:.2} s");
    for pane in ["Loss", "Surface", "Control points", "help", "detach", "quit"] {
        screen.wait_for_text(pane);
    }
    screen.wait_for_text("running");
    let run = only_run(&place);

    screen.press("?");
    screen.wait_for_text(" Keys ");
    screen.press(keys::ESC);
    screen.wait_for_text_gone(" Keys ");
    screen.press("z");
    screen.wait_for_text_gone("Control points");
    screen.press("z");
    screen.wait_for_text("Control points");
    screen.press(":");
    screen.wait_for_text("type to find");
    screen.press(keys::ESC);
    screen.wait_for_text_gone("type to find");

    wait_for("the fit", || support::has_stage_begun(&run, "fit").then_some(()));
    screen.wait_for_text("(0.50, 0.50)");
    screen.press(keys::RIGHT);
    screen.wait_for_text("(0.75, 0.50)");
    screen.press(keys::LEFT);
    screen.press("j");
    screen.wait_for_text("(0.50, 0.25)");

    screen.press("u");
    screen.wait_for_text("degree 2×2 → 3×2, 9 → 12 points");
    assert!(events_of(&run, "degree_changed").is_empty());
    screen.press("\r");
    screen.wait_for_text("3×2");
    let change = wait_for("the degree's event", || events_of(&run, "degree_changed").pop());
    assert_eq!(change["to"], serde_json::json!([3, 2]), "{change}");
    screen.press("U");
    screen.press("\r");
    wait_for("the second change", || (events_of(&run, "degree_changed").len() == 2).then_some(()));
    screen.wait_for_text("2×2");
    screen.press("]");
    wait_for("a finer grid", || events_of(&run, "grid_changed").pop().filter(|e| e["grid"] == 7));

    screen.press("q");
    screen.wait_for_text("Quit while work is running?");
    screen.press("c");
    screen.wait_for_text_gone("Quit while work is running?");
    screen.press("p");
    screen.wait_for_text("paused");
    wait_for("the pause", || events_of(&run, "paused").pop());

    screen.press("d");
    let (code, text) = screen.expect_terminal_restored();
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("continues; open it again with") && text.contains("surfit open"), "{text}");
    let pid = engine(&place);

    // Back in a smaller terminal: history and state are there.
    let mut screen = TerminalScreen::open(&place, &format!("open {}", run.display()), (80, 24), &[]);
    let first = screen.wait_for_text("surfit");
    println!("first frame at 80x24: {:.0} ms (debug build, busy machine)", first * 1e3);
    screen.wait_for_text("paused");
    for pane in ["Loss", "Surface", "Control points"] {
        screen.wait_for_text(pane);
    }
    screen.press("p");
    screen.wait_for_text("running");
    assert_eq!(events_of(&run, "started").len(), 1, "opening a live run must not start another engine");

    place.kill(pid);
    screen.wait_for_text("The engine died");
    screen.wait_for_text("resumes");
    screen.press("r");
    screen.wait_for_text_gone("The engine died");
    screen.wait_for_text("running");
    wait_for("the new engine to go on", || (events_of(&run, "resumed").len() == 1).then_some(()));
    let next = wait_for("the new engine's status", || Some(engine(&place)).filter(|next| *next != pid));

    screen.press("q");
    screen.wait_for_text("Quit while work is running?");
    screen.press("s");
    let (code, text) = screen.expect_terminal_restored();
    assert!(code == 0 && text.contains("surfit resume"), "{code}: {text}");
    wait_for("the engine to end", || (!is_alive(next)).then_some(()));
    assert_eq!(support::events(&run).pop().expect("events")["event"], "closed");

    // A run at rest opens from its directory, without an engine.
    let mut screen = TerminalScreen::open(&place, &format!("open {}", run.display()), (100, 30), &[]);
    screen.wait_for_text("closed");
    assert!(!is_alive(next) && events_of(&run, "started").len() == 2);
    screen.press("q");
    assert_eq!(screen.expect_terminal_restored().0, 0);
}

#[test]
fn the_terminal_is_given_back_whatever_ends_the_program() {
    let place = Sandbox::new();
    endless(&place);
    let mut screen = TerminalScreen::open(&place, "open endless.toml", (100, 30), &[]);
    screen.wait_for_text("running");
    let run = only_run(&place);
    let open = format!("open {}", run.display());
    for signal in [Signal::TERM, Signal::HUP, Signal::INT] {
        screen.signal(signal);
        screen.expect_terminal_restored();
        engine(&place);
        screen = TerminalScreen::open(&place, &open, (100, 30), &[]);
        screen.wait_for_text("running");
    }
    // Another size, one that is too small, and back.
    screen.resize(140, 44);
    screen.wait_for_text("Control points");
    screen.resize(50, 12);
    screen.wait_for_text("The terminal is 50x12");
    screen.wait_for_text("enlarge it");
    screen.resize(90, 28);
    screen.wait_for_text_gone("enlarge it");
    screen.wait_for_text("Surface");
    // ctrl-c asks, and pressed again means it.
    screen.press(keys::CTRL_C);
    screen.wait_for_text("Quit while work is running?");
    screen.press(keys::CTRL_C);
    let (code, text) = screen.expect_terminal_restored();
    assert!(code == 0 && text.contains("continues"), "{code}: {text}");

    // Stopped and continued, as by ctrl-z and fg.
    screen = TerminalScreen::open(&place, &open, (100, 30), &[]);
    screen.wait_for_text("running");
    screen.press("\x1a");
    let state = |pid: i32| std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    if cfg!(target_os = "linux") {
        wait_for("ctrl-z to stop the program", || state(screen.pid).contains(") T ").then_some(()));
    }
    screen.signal(Signal::CONT);
    screen.press("?");
    screen.wait_for_text(" Keys ");
    // The line breaks: the program goes, the engine stays.
    screen.hang_up();
    screen.wait_for_exit_code();
    let pid = engine(&place);
    let before = support::events(&run).len();
    wait_for("the engine to go on", || (support::events(&run).len() > before).then_some(()));
    assert!(is_alive(pid));
}

#[test]
fn what_the_terminal_cannot_do_is_not_asked_of_it() {
    let place = Sandbox::new();
    let run = place.run_tiny_job("a", "--set data.validation_images=200");
    assert!(finished_event(&run).is_some());
    let colours = |written: &str| -> Vec<String> {
        let sequences = written.split("\x1b[").skip(1).filter_map(|s| s.split_once('m')).map(|s| s.0);
        let styles = sequences.filter(|s| s.chars().all(|c| c.is_ascii_digit() || c == ';' || c == ':'));
        let coloured = |s: &&str| {
            let numbers = s.split([';', ':']).filter_map(|n| n.parse::<u16>().ok());
            numbers.into_iter().any(|n| (30..=38).contains(&n) || (40..=48).contains(&n) || (90..=107).contains(&n))
        };
        styles.filter(coloured).map(str::to_owned).collect()
    };
    let look = |environment: &[(&str, &str)], extra: &str| {
        let mut screen = TerminalScreen::open(&place, &format!("open a {extra}"), (120, 36), environment);
        screen.wait_for_text("finished");
        screen.wait_for_text("best");
        screen.press("d");
        screen.expect_terminal_restored();
        screen.written()
    };
    let plain = look(&[("NO_COLOR", "1")], "");
    assert_eq!(colours(&plain), Vec::<String>::new(), "NO_COLOR was set");
    let full = look(&[], "");
    assert!(colours(&full).iter().any(|s| s.starts_with("38;2;") || s.contains(";38;2;")), "no 24-bit colour at all");
    let few = look(&[], "--color 16");
    let indexed = few.split("8;5;").skip(1).filter_map(|s| s.split([';', 'm']).next()?.parse::<u16>().ok());
    let beyond: Vec<u16> = indexed.filter(|n| *n > 15).collect();
    assert!(
        !colours(&few).is_empty() && !few.contains("8;2;") && beyond.is_empty(),
        "more than 16 colours: {beyond:?}"
    );
    let ascii = look(&[], "--ascii --color none");
    let odd = ascii.char_indices().find(|(_, c)| !c.is_ascii());
    let around = odd.map(|(at, _)| ascii[..at].chars().rev().take(60).collect::<String>());
    let around = around.map(|text| text.chars().rev().collect::<String>());
    assert!(odd.is_none(), "{odd:?} is not ASCII, after {around:?}");

    // No terminal at all: plain lines, and an end.
    let shown = place.surfit("open a").ok();
    assert!(!shown.out.contains('\x1b') && shown.out.contains("interior"), "{}", shown.describe());
    let whole = place.surfit("open tiny.toml").ok();
    assert!(!whole.out.contains('\x1b') && whole.out.lines().count() > 5, "{}", whole.describe());
    assert!(whole.out.contains("best") && whole.out.contains("model.safetensors"), "{}", whole.describe());
}

#[test]
fn keys_are_answered_quickly_and_little_is_written_while_training() {
    let place = Sandbox::new();
    endless(&place);
    let mut screen = TerminalScreen::open(&place, "open endless.toml", (140, 44), &[]);
    let run = only_run(&place);
    wait_for("the fit", || support::has_stage_begun(&run, "fit").then_some(()));
    screen.wait_for_text("(0.50, 0.50)");
    let mut times = Vec::new();
    for (key, place) in [(keys::RIGHT, "(0.75, 0.50)"), (keys::LEFT, "(0.50, 0.50)")].repeat(15) {
        times.push(screen.key_latency_ms(key, |text| text.contains(place)));
        std::thread::sleep(Duration::from_millis(30));
    }
    times.sort_by(f64::total_cmp);
    let (median, p95) = (times[times.len() / 2], times[times.len() * 95 / 100]);
    println!("key to screen while training: median {median:.0} ms, 95 % within {p95:.0} ms (debug build)");
    assert!(median < 300.0, "half of the keys took more than {median:.0} ms");

    let processor = |pid: i32| -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |n: usize| fields.get(n).and_then(|f| f.parse::<f64>().ok()).unwrap_or(0.0);
        (ticks(11) + ticks(12)) / 100.0
    };
    let (bytes, used, began) = (screen.byte_count(), processor(screen.pid), Instant::now());
    std::thread::sleep(Duration::from_secs(4));
    let seconds = began.elapsed().as_secs_f64();
    let rate = (screen.byte_count() - bytes) as f64 / seconds / 1e3;
    let share = 100.0 * (processor(screen.pid) - used) / seconds;
    println!("while training: {rate:.1} kB/s to the terminal, {share:.1} % of a core (debug build)");
    assert!((0.05..=25.0).contains(&rate), "{rate:.1} kB/s to the terminal while training");

    screen.press("p");
    screen.wait_for_text("paused");
    // What a key made appear goes away after some seconds; then there is nothing more to draw.
    std::thread::sleep(Duration::from_secs(8));
    let before = screen.byte_count();
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(screen.byte_count() - before, 0, "bytes written while nothing happens");
}

#[test]
fn a_paste_outside_a_text_field_presses_no_key() {
    let place = Sandbox::new();
    endless(&place);
    let mut screen = TerminalScreen::open(&place, "open endless.toml", (140, 44), &[]);
    screen.wait_for_text("running");
    let run = only_run(&place);
    assert!(screen.written().contains("\x1b[?2004h"), "pastes are not asked for");
    screen.press("\x1b[200~/home/me/pqd.pt\nqd\n\x1b[201~");
    screen.press("?");
    screen.wait_for_text(" Keys ");
    screen.press("/");
    screen.press("\x1b[200~smooth\n\x1b[201~");
    screen.wait_for_text("/smooth");
    assert!(events_of(&run, "paused").is_empty());
    screen.press(keys::ESC);
    screen.wait_for_text_gone("/smooth");
    screen.press(keys::ESC);
    screen.wait_for_text_gone(" Keys ");
    screen.signal(Signal::TERM);
    screen.expect_terminal_restored();
}

#[test]
fn a_size_that_comes_during_the_start_is_taken() {
    let place = Sandbox::new();
    place.run_tiny_job("a", "--set data.validation_images=200");
    // At the latest when the alternate screen is taken, and a little before and after.
    for pause in [0, 5, 20, 60] {
        let mut screen = TerminalScreen::open(&place, "open a", (80, 24), &[]);
        if pause > 0 {
            screen.wait_written("\x1b[?1049h");
        }
        std::thread::sleep(Duration::from_millis(pause));
        screen.resize(132, 40);
        screen.wait_for_text("finished");
        // The footer stands in the last row of the new size.
        screen.wait_until("the footer in row 40", |text| {
            text.lines().count() >= 40 && text.lines().last().is_some_and(|l| l.contains("quit"))
        });
        screen.press("d");
        screen.expect_terminal_restored();
    }
}

#[test]
fn a_light_terminal_gets_the_light_theme_and_its_answer_is_no_key() {
    let place = Sandbox::new();
    let run = place.run_tiny_job("a", "--set data.validation_images=200");
    let light = |written: &str| written.contains("48;2;251;250;247");
    // At once, and long after the first frame.
    for pause in [0, 400] {
        let mut screen = TerminalScreen::open(&place, "open a", (100, 30), &[]);
        screen.wait_written("\x1b]11;?");
        std::thread::sleep(Duration::from_millis(pause));
        screen.press("\x1b]11;rgb:ffff/ffff/ffff\x1b\\");
        screen.wait_for_text("finished");
        wait_for("the light theme", || light(&screen.written()).then_some(()));
        assert!(!screen.text().contains("no action here"), "{}", screen.text());
        screen.press("d");
        screen.expect_terminal_restored();
    }
    // Who chose a theme keeps it, and nothing is asked where nothing can answer.
    for environment in [[("SURFIT_THEME", "dark")], [("TERM", "linux")], [("NO_COLOR", "1")]] {
        let mut screen = TerminalScreen::open(&place, "open a", (100, 30), &environment);
        screen.wait_for_text("finished");
        assert!(!screen.written().contains("\x1b]11;?"), "{environment:?}");
        screen.press("d");
        screen.expect_terminal_restored();
    }
    assert!(events_of(&run, "paused").is_empty());
}

#[test]
fn a_terminal_tells_its_colours_itself_and_an_answer_split_by_a_slow_line_is_no_key() {
    let place = Sandbox::new();
    place.run_tiny_job("a", "--set data.validation_images=200");
    // As in an xterm behind ssh, which carries TERM alone.
    let environment = [("COLORTERM", "")];
    for pause in [0, 500] {
        let mut screen = TerminalScreen::open(&place, "open a", (100, 40), &environment);
        let written = screen.wait_written("\x1b[>q");
        assert!(written.contains("\x1b]11;?"));
        std::thread::sleep(Duration::from_millis(pause));
        if pause > 0 {
            screen.wait_for_text("finished");
            assert!(!screen.written().contains("48;2;"), "256 colours at first");
            screen.press("?");
            screen.wait_for_text("Keys");
        }
        for part in ["\x1b", "]11;rgb:ffff/ffff/ffff\x1b", "\\\x1b", "P>|XTerm(379)\x1b\\"] {
            screen.press(part);
            std::thread::sleep(Duration::from_millis(30));
        }
        let light = |w: &str| w.contains("48;2;251;250;247");
        wait_for("the light theme in any colour", || light(&screen.written()).then_some(()));
        if pause > 0 {
            // The escape key by itself still closes what is open.
            assert!(screen.text().contains("Keys"), "{}", screen.text());
            screen.press("\x1b");
            screen.wait_for_text_gone("Keys");
        }
        screen.press("d");
        screen.expect_terminal_restored();
    }
}

#[test]
fn fewer_characters_have_a_reason_and_who_insists_gets_all() {
    let place = Sandbox::new();
    place.run_tiny_job("a", "--set data.validation_images=200");
    let look = |arguments: &str, environment: &[(&str, &str)], words: &str| {
        let mut screen = TerminalScreen::open(&place, &format!("open a {arguments}"), (120, 36), environment);
        screen.wait_for_text("finished");
        if !words.is_empty() {
            screen.press("i");
            screen.wait_for_text(words);
            // A letter right behind it would be one with alt.
            screen.press(keys::ESC);
            screen.wait_for_text_gone(words);
        }
        screen.press("d");
        screen.expect_terminal_restored();
        screen.written()
    };
    let braille = |text: &str| text.chars().any(|c| ('\u{2801}'..='\u{28ff}').contains(&c));
    let c = [("LC_ALL", "C")];
    let plain = look("", &c, "not UTF-8");
    assert!(plain.is_ascii());
    let console = [("TERM", "linux"), ("COLORTERM", "")];
    let blocks = look("", &console, "Linux console");
    assert!(!braille(&blocks) && blocks.contains('─') && !blocks.is_ascii());
    assert!(!braille(&look("--blocks", &[], "")));
    assert!(braille(&look("--unicode", &c, "")));
    assert!(braille(&look("", &[("LC_ALL", "C"), ("SURFIT_GLYPHS", "unicode")], "")));
}

#[test]
fn a_host_without_its_colon_is_hinted_at() {
    let place = Sandbox::new();
    let said = place.surfit("open me@gpu1");
    said.fails(2, &["surfit open me@gpu1:"]);
}
