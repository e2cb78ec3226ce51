//! Mouse, sizes, and what is taken away from the screen, in a real (pseudo-)terminal; and the commands that ask there.

mod support;

use rustix::process::Signal;
use std::time::Duration;
use support::{Sandbox, TerminalScreen, finished_event, is_alive, keys, send_signal, wait_for};

/// A finished run called `a`.
fn place() -> Sandbox {
    let place = Sandbox::new();
    let run = place.run_tiny_job("a", "--set data.validation_images=200");
    assert!(finished_event(&run).is_some());
    place
}

/// Column and row, from 0, of where `words` stand.
#[track_caller]
fn find(screen: &TerminalScreen, words: &str) -> (u16, u16) {
    let text = screen.text();
    let found = text.lines().enumerate().find_map(|(row, line)| {
        let at = line.find(words)?;
        Some((line[..at].chars().count() as u16, row as u16))
    });
    found.unwrap_or_else(|| panic!("no `{words}` in\n{text}"))
}

/// What a terminal sends of the mouse: 0 is the left button, 32 more while it is held, 64 and 65 are the wheel.
fn mouse(screen: &mut TerminalScreen, code: u8, (column, row): (u16, u16), end: char) {
    screen.press(&format!("\x1b[<{code};{};{}{end}", column + 1, row + 1));
}

fn click(screen: &mut TerminalScreen, at: (u16, u16)) {
    mouse(screen, 0, at, 'M');
    mouse(screen, 0, at, 'm');
    // Two clicks at one place would be a double click.
    std::thread::sleep(Duration::from_millis(450));
}

/// `(u, v)` of the line below the surface that tells of its cursor.
fn cursor(text: &str) -> Option<(f64, f64)> {
    let after = text.split("▸ (").nth(1)?;
    let (u, v) = after.split_once(')')?.0.split_once(", ")?;
    Some((u.parse().ok()?, v.parse().ok()?))
}

#[track_caller]
fn moved(screen: &TerminalScreen, from: (f64, f64)) -> (f64, f64) {
    screen.wait_until("the cursor to move", |text| cursor(text).is_some_and(|now| now != from));
    cursor(&screen.text()).expect("a cursor")
}

#[test]
fn the_mouse_chooses_panes_and_cells_and_moves_borders() {
    let place = place();
    // With few colours the pane that has the keys has heavy lines.
    let mut screen = TerminalScreen::open(&place, "open a --color 16", (140, 44), &[]);
    screen.wait_for_text("finished");
    screen.wait_for_text("┏ 2 Surface");
    let loss = find(&screen, "1 Loss");
    click(&mut screen, (loss.0 + 8, loss.1 + 4));
    screen.wait_for_text("┏ 1 Loss");
    let points = find(&screen, "3 Control points");
    click(&mut screen, (points.0 + 12, points.1));
    screen.wait_for_text("┏ 3 Control points");

    let surface = find(&screen, "2 Surface");
    let before = cursor(&screen.text()).expect("a cursor");
    let middle = (surface.0 + 40, surface.1 + 14);
    let [left, right, lower] = [(middle.0 - 26, middle.1), (middle.0 + 14, middle.1), (middle.0 + 14, middle.1 + 14)];
    click(&mut screen, left);
    screen.wait_for_text("┏ 2 Surface");
    let first = moved(&screen, before);
    click(&mut screen, right);
    let second = moved(&screen, first);
    assert!(second.0 > first.0 && second.1 == first.1, "{first:?}, {second:?}");
    click(&mut screen, lower);
    let third = moved(&screen, second);
    assert!(third.1 < second.1 && third.0 == second.0, "{second:?}, {third:?}");
    // The wheel shows fewer cells, about the one under it, and all again.
    let pane = |text: &str| -> Vec<String> {
        let right = |line: &str| line.chars().skip(surface.0.into()).collect();
        text.lines().skip(surface.1.into()).map(right).collect()
    };
    let whole = pane(&screen.text());
    mouse(&mut screen, 64, middle, 'M');
    screen.wait_until("fewer cells", |text| pane(text) != whole);
    mouse(&mut screen, 65, middle, 'M');
    screen.wait_until("all cells", |text| pane(text) == whole);
    assert_eq!(cursor(&screen.text()), Some(third));

    // Over the curves the wheel zooms.
    let axis = |text: &str| -> Option<String> {
        let left = |line: &str| line.chars().take(surface.0.into()).collect::<String>();
        let numbers = |row: String| row.trim_matches(['│', '┃', ' ']).to_owned();
        let mut rows = text.lines().map(left).map(numbers);
        rows.find(|row| row.ends_with(" step"))
    };
    let whole = axis(&screen.text());
    assert!(whole.is_some(), "{}", screen.text());
    mouse(&mut screen, 64, (loss.0 + 20, loss.1 + 8), 'M');
    screen.wait_until("fewer steps", |text| axis(text) != whole);
    screen.press("10");
    screen.wait_until("all steps", |text| axis(text) == whole);

    // The border between the curves and the surface, eight columns to the right and back.
    let from = find(&screen, "2 Surface").0;
    let border = (from - 2, surface.1 + 10);
    for (to, code) in [(from + 6, 0), (from - 2, 0)] {
        let at = (find(&screen, "2 Surface").0 - 2, border.1);
        mouse(&mut screen, code, at, 'M');
        mouse(&mut screen, 32, (to, border.1), 'M');
        mouse(&mut screen, 0, (to, border.1), 'm');
        screen.wait_until("the border to move", |text| {
            let line = text.lines().find(|l| l.contains("2 Surface"));
            let column = line.and_then(|l| Some(l[..l.find("2 Surface")?].chars().count()));
            column == Some(usize::from(to + 2))
        });
    }

    // A key of the footer, and the sign that closes what it opened.
    let help = find(&screen, "? help");
    click(&mut screen, help);
    screen.wait_for_text(" Keys ");
    let close = find(&screen, "✕");
    click(&mut screen, close);
    screen.wait_for_text_gone(" Keys ");

    // Where one pane has room, tabs lead to the others.
    screen.resize(60, 16);
    screen.wait_until("the tabs", |text| {
        let tabs = text.lines().nth(1).unwrap_or_default();
        tabs.contains("1 Loss") && tabs.contains("3 Control")
    });
    let tab = find(&screen, "1 Loss");
    click(&mut screen, tab);
    screen.wait_for_text("┏ 1 Loss");
    let tab = find(&screen, "3 Control");
    click(&mut screen, tab);
    screen.wait_for_text("┏ 3 Control");
    screen.press("d");
    assert_eq!(screen.expect_terminal_restored().0, 0);
}

#[test]
fn nothing_is_left_over_after_any_change_of_size() {
    let place = place();
    let settled = |screen: &TerminalScreen| {
        let mut before = String::new();
        wait_for("the screen to settle", || {
            std::thread::sleep(Duration::from_millis(700));
            let now = screen.text();
            let same = (now == before && now.contains("surfit")).then(|| now.clone());
            before = now;
            same
        })
    };
    let sizes = [(140, 44), (80, 24), (60, 16), (30, 8), (140, 44)];
    let mut screen = TerminalScreen::open(&place, "open a", sizes[0], &[]);
    screen.wait_for_text("finished");
    for size in sizes {
        screen.resize(size.0, size.1);
        let shown = settled(&screen);
        let mut fresh = TerminalScreen::open(&place, "open a", size, &[]);
        fresh.wait_for_text("surfit");
        assert_eq!(shown, settled(&fresh), "{size:?}");
        fresh.press("d");
        assert_eq!(fresh.expect_terminal_restored().0, 0);
    }
    screen.press("d");
    assert_eq!(screen.expect_terminal_restored().0, 0);
}

#[test]
fn figures_are_copied_and_written_from_the_screen() {
    let place = place();
    let mut screen = TerminalScreen::open(&place, "open a", (100, 30), &[]);
    screen.wait_for_text("finished");
    screen.press("Y");
    screen.wait_for_text(" Copy or save ");
    screen.press("d");
    screen.wait_for_text_gone(" Copy or save ");
    // `/…/a` in base64, in the sequence that terminals take for their clipboard.
    screen.wait_written("\x1b]52;c;");
    let figures = place.path("a/figures");
    for (keys, name, begins) in [
        ("1Wt", "losses.csv", &b"run,curve,step,"[..]),
        ("1Wp", "losses.png", b"\x89PNG"),
        ("2Wt\t\t", "surface.json", b"{"),
        ("2Wp\t", "surface.svg", b"<svg"),
        ("2W3\t", "surface-3d.svg", b"<svg"),
        ("2WT", "slices.csv", b"slice,u,v,"),
        ("3Wt", "points.csv", b"i,j,u,v,"),
        ("3Wp", "points.png", b"\x89PNG"),
        ("iWl", "log.txt", b"0:00:0"),
    ] {
        screen.press(keys);
        screen.wait_for_text("enter saves");
        screen.press(keys::ENTER);
        screen.wait_for_text(&format!("wrote {}", place.path("").display()));
        let path = figures.join(name);
        wait_for("the file", || path.exists().then_some(()));
        let bytes = std::fs::read(&path).expect("the file");
        assert!(bytes.starts_with(begins), "{name}: {:?}", &bytes[..bytes.len().min(40)]);
        if keys.starts_with('i') {
            screen.press("i");
        }
    }
    // What is there is never replaced without a question.
    let path = figures.join("losses.csv");
    std::fs::write(&path, "mine").expect("the file");
    screen.press("1Wt");
    screen.wait_for_text("enter saves");
    screen.press(keys::ENTER);
    screen.wait_for_text("Replace the file?");
    screen.press(keys::ESC);
    screen.wait_for_text_gone("Replace the file?");
    assert_eq!(std::fs::read_to_string(&path).expect("the file"), "mine");
    screen.press("d");
    assert_eq!(screen.expect_terminal_restored().0, 0);
}

#[test]
fn commands_ask_show_how_far_they_are_and_are_given_up() {
    let place = Sandbox::new();
    // Points that take a while.
    let set = "--set data.validation_images=1000 --set data.bn_images=2000";
    place.run_tiny_job("a", set);
    // A fit that is left to its engine outlives its terminal.
    let mut screen = TerminalScreen::open(&place, "fit a --epochs 100000 --detach", (100, 30), &[]);
    screen.wait_written("watch it with");
    assert_eq!(screen.wait_for_exit_code(), 0);
    let pid = place.surfit("ls --json").ok().last_json()["pid"].as_i64();
    let pid = pid.expect("an engine") as i32;
    screen.hang_up();
    drop(screen);
    assert!(is_alive(pid));

    // A search shows how far it is, and ctrl-c cancels it.
    let search = "search a --at 0.5,0.5 --radius 0.4 --budget 1000";
    let mut screen = TerminalScreen::open(&place, search, (100, 30), &[]);
    screen.wait_for_text("searching near");
    // Held, so that the search is not over before it is cancelled.
    send_signal(pid, Signal::STOP);
    screen.press(keys::CTRL_C);
    screen.wait_for_text("cancelling");
    send_signal(pid, Signal::CONT);
    let code = screen.wait_for_exit_code();
    assert_eq!(code, 75, "{}", screen.written());
    screen.wait_written("cancelled; nothing was written");
    let run = place.path("a");
    assert_eq!(support::events_of(&run, "cancelled").len(), 1);
    assert!(support::events_of(&run, "searched").is_empty() && is_alive(pid));
    // Where nobody looks there is nothing but the result.
    let done = place.surfit("export a --at 0.5,0.5 --out taken").ok();
    assert!(done.err.is_empty() && done.out.lines().count() == 1, "{}", done.describe());
    send_signal(pid, Signal::TERM);
    wait_for("the engine to end", || (!is_alive(pid)).then_some(()));

    let mut screen = TerminalScreen::open(&place, "rm a", (100, 30), &[]);
    screen.wait_written("[y/N]");
    screen.press(keys::ENTER);
    assert_eq!(screen.wait_for_exit_code(), 75);
    screen.wait_written("nothing was deleted");
    assert!(run.is_dir());
    let mut screen = TerminalScreen::open(&place, "rm a", (100, 30), &[]);
    screen.wait_written("[y/N]");
    screen.press("y\r");
    assert_eq!(screen.wait_for_exit_code(), 0);
    assert!(!run.exists());
}
