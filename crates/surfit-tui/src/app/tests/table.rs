//! Every screen at every size and depth: one table of runs, one of what is looked at.

use crate::app::AppMessage;
use crate::color::ColorDepth;
use crate::fixture;
use crate::link::RunLine;
use crate::test_app::{TestApp, buffer_text};
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};
use surfit_core::event::{Event, LossCurve};
use surfit_core::protocol::BridgeMessage;
use surfit_core::run_state::RunState;
use surfit_core::snapshot::EngineState;

/// Depths, each with letters beyond ASCII or without. `TERM=dumb` has neither colours nor such letters.
const DEPTHS_AND_GLYPHS: [(ColorDepth, bool); 6] = [
    (ColorDepth::Truecolor, false),
    (ColorDepth::Ansi256, false),
    (ColorDepth::Ansi16, false),
    (ColorDepth::None, false),
    (ColorDepth::None, true),
    (ColorDepth::Truecolor, true),
];

/// A run, how it came to the workbench, and a word that every screen of it shows.
type TableRun = (&'static str, fn(u16, u16) -> TestApp, &'static str);

const RUNS: [TableRun; 9] = [
    ("first-run", TestApp::new, "starting"),
    ("loading", |w, h| TestApp::with_run_state(w, h, fixture::loading_run()), "running"),
    ("corners", |w, h| TestApp::with_run_state(w, h, fixture::corner_training_run()), "running"),
    ("fit", |w, h| TestApp::with_run_state(w, h, fixture::fitting_run()), "running"),
    ("finished", |w, h| TestApp::with_run_state(w, h, fixture::finished_run()), "finished"),
    ("failed", failed_run, "failed"),
    ("diverged", diverged_run, "failed"),
    ("dead", dead_engine, "died"),
    ("long-names", long_names, "running"),
];

/// Keys after which a screen is looked at, each from the one before, and a word that stands there when it has room.
const SCREENS: [(&str, &str); 29] = [
    ("", ""),
    ("1", "Loss"),
    ("L E", "Loss"),
    ("T b", "Loss"),
    ("esc z", "Loss"),
    ("z 3", "3 "),
    ("D", "3 "),
    ("z", "3 "),
    ("z 2", "Surface"),
    ("|", "Surface"),
    ("| # O", "Surface"),
    ("O D", "Surface"),
    ("D T", "Surface"),
    ("z", "Surface"),
    ("T I", "Surface"),
    ("I z ?", "Keys"),
    ("end", "ctrl-c"),
    ("esc :", "Command palette"),
    ("esc i", "Log"),
    ("esc w", "Models"),
    ("esc o", "Runs"),
    ("esc g m", "System"),
    ("esc g t", "Themes"),
    ("esc ? / r a t e enter n", "Keys"),
    ("esc esc Y", "Copy or save"),
    ("down down", "Copy or save"),
    ("esc W", ""),
    ("c", ""),
    ("esc q", ""),
];

fn failed_run(width: u16, height: u16) -> TestApp {
    with_failure(fixture::corner_training_run(), "the disk is full; free some and resume", (width, height))
}

/// A fit whose weights went away: losses grow, then are no numbers at all.
fn diverged_run(width: u16, height: u16) -> TestApp {
    let mut run_state = fixture::fitting_run();
    let values = (0..60)
        .map(|n| match n {
            0..40 => 0.35 * 1.4f32.powi(n),
            40..50 => f32::INFINITY,
            _ => f32::NAN,
        })
        .collect();
    let losses = Event::Losses { curve: LossCurve::Surface, first_step: 1240, values, rate: 9.0 };
    fixture::apply_events(&mut run_state, vec![losses]);
    let snapshot = run_state.snapshot.as_mut().unwrap();
    for cell in snapshot.heatmap.cells.iter_mut().step_by(3) {
        *cell = surfit_core::heatmap::Cell::from_counts(0, cell.images, f32::NAN, cell.version);
    }
    for point in &mut snapshot.control_points {
        (point.travelled, point.gradient) = (f64::INFINITY, f64::NAN);
    }
    let why = "the fit diverged before step 1300: its weights are not finite; lower fit.learning_rate and resume";
    with_failure(run_state, why, (width, height))
}

fn with_failure(mut run_state: RunState, why: &str, (width, height): (u16, u16)) -> TestApp {
    let message = why.into();
    fixture::apply_events(&mut run_state, vec![Event::Failed { message }]);
    if let Some(snapshot) = &mut run_state.snapshot {
        snapshot.state = EngineState::Failed;
        snapshot.seq = run_state.seq;
    }
    TestApp::with_run_state(width, height, run_state)
}

fn dead_engine(width: u16, height: u16) -> TestApp {
    let mut rig = TestApp::with_run_state(width, height, fixture::fitting_run());
    rig.receive(BridgeMessage::Disconnected { reason: "the connection closed".into() });
    rig.receive(BridgeMessage::EngineDied);
    rig
}

/// Names without an end, wide letters, letters that combine.
fn long_names(width: u16, height: u16) -> TestApp {
    let name = "a-very-long-name-of-a-run-that-nobody-would-choose-but-somebody-has-曲面-é-".repeat(3);
    let mut run_state = fixture::fitting_run();
    if let Some(info) = &mut run_state.info {
        info.run.clone_from(&name);
        info.data.clone_from(&name);
        info.network.clone_from(&name);
        info.device.clone_from(&name);
    }
    for corner in run_state.corners.values_mut() {
        corner.source.clone_from(&name);
    }
    let mut rig = TestApp::with_run_state(width, height, run_state);
    rig.app.run.clone_from(&name);
    let line = |id: String, alive| RunLine {
        path: format!("runs/{id}").into(),
        id,
        state: "a state of many words".into(),
        best: Some(0.88871),
        when: "yesterday, about noon, and some more".into(),
        alive,
        ..RunLine::default()
    };
    rig.receive(BridgeMessage::Runs(vec![line(name, true), line("short".into(), false)]));
    rig
}

/// What lies beyond the screen while it is drawn.
fn sentinel_cell() -> Cell {
    let mut cell = Cell::new("\u{2588}");
    cell.fg = Color::Indexed(99);
    cell
}

/// Draws into a larger ground, and sees that nothing is drawn beyond the screen.
fn draw_within_bounds(rig: &TestApp, at: &str) -> Buffer {
    let size = rig.app.size;
    let mut buf = Buffer::empty(Rect::new(0, 0, size.width + 3, size.height + 2));
    let beside = Rect::new(size.width, 0, 3, size.height);
    let below = Rect::new(0, size.height, size.width + 3, 2);
    let outside = || beside.positions().chain(below.positions());
    outside().for_each(|place| buf[place] = sentinel_cell());
    crate::views::screen::render(&rig.app, &mut buf);
    for place in outside() {
        assert_eq!(buf[place], sentinel_cell(), "{at}: drawn beyond, at {place}");
        buf[place] = Cell::EMPTY;
    }
    buf
}

fn is_in_depth(depth: ColorDepth, color: Color) -> bool {
    match depth {
        ColorDepth::None => color == Color::Reset,
        ColorDepth::Ansi16 => !matches!(color, Color::Rgb(..) | Color::Indexed(_)),
        ColorDepth::Ansi256 => !matches!(color, Color::Rgb(..)),
        ColorDepth::Truecolor => !matches!(color, Color::Indexed(_)),
    }
}

/// A figure that is cut off after its point: `87.` before a frame, a sign of shortening or the edge.
fn has_cut_number(line: &str) -> bool {
    let letters: Vec<char> = line.chars().collect();
    letters
        .windows(3)
        .any(|w| w[0].is_ascii_digit() && w[1] == '.' && matches!(w[2], '…' | '~' | '│' | '┃' | '|' | '║'))
}

fn has_overlay(rig: &TestApp) -> bool {
    !rig.app.layers.is_empty()
}

fn screen_faults(rig: &TestApp, at: &str, words: [&str; 2]) -> Vec<String> {
    let shown = draw_within_bounds(rig, at);
    let text = buffer_text(&shown);
    let (depth, ascii) = (rig.app.theme.depth(), rig.app.theme.is_ascii());
    let mut wrong = Vec::new();
    let mut find = |what: String| wrong.push(format!("{at}: {what}\n{text}"));
    for cell in shown.content() {
        if !is_in_depth(depth, cell.fg) || !is_in_depth(depth, cell.bg) {
            find(format!("a colour beyond the depth, {cell:?}"));
            break;
        }
        // Half of a colour that is legible on white and on black is legible on neither.
        let coloured = !matches!(cell.fg, Color::Reset | Color::Rgb(..) | Color::Indexed(_));
        if coloured && cell.modifier.contains(Modifier::DIM) && cell.symbol() != " " {
            find(format!("a dimmed colour, {cell:?}"));
            break;
        }
        let plain = cell.symbol().chars().all(|c| matches!(c, ' '..='~'));
        // Names that people chose are theirs: they are not spelled anew.
        if ascii && !plain && !at.starts_with("long-names") || cell.symbol().contains(char::is_control) {
            find(format!("{:?} is shown", cell.symbol()));
            break;
        }
    }
    // What lies over the panes may cover a part of a figure.
    let covered = has_overlay(rig);
    if let Some(line) = text.lines().find(|line| !covered && has_cut_number(line)) {
        find(format!("a figure is cut off in {line}"));
    }
    // In a narrow header the program's name gives way to what cannot be guessed.
    let program = if rig.app.size.width < 80 { "" } else { "surfit" };
    for word in words.into_iter().chain([program]) {
        if !text.contains(word) {
            find(format!("no `{word}`"));
        }
    }
    for word in ["NaN", "inf ", "-0.00 %", "Some(", "None"] {
        if text.contains(word) {
            find(format!("shows {word}"));
        }
    }
    wrong
}

/// Looks at every run and screen at one size.
fn check_size(width: u16, height: u16) {
    let mut wrong = Vec::new();
    for (run, rig, state) in RUNS {
        let mut rig = rig(width, height);
        for (keys, word) in SCREENS {
            rig.press(keys);
            // Time takes away what the last key said.
            rig.update(AppMessage::Tick(rig.app.now + 60.0));
            for (depth, ascii) in DEPTHS_AND_GLYPHS {
                rig = rig.with_theme("dark", depth, ascii);
                let at = format!("{run}, {width}x{height}, `{keys}`, {depth:?}, ascii {ascii}");
                let covered = has_overlay(&rig);
                wrong.extend(screen_faults(&rig, &at, [word, if covered { "" } else { state }]));
            }
        }
    }
    let heads: Vec<&str> = wrong.iter().filter_map(|w| w.lines().next()).collect();
    let first = wrong.first().map_or("", String::as_str);
    assert!(wrong.is_empty(), "{} of them:\n{}\n\n{first}", wrong.len(), heads.join("\n"));
}

#[test]
fn every_screen_at_60_by_16() {
    check_size(60, 16);
}

#[test]
fn every_screen_at_80_by_24() {
    check_size(80, 24);
}

#[test]
fn every_screen_at_140_by_44() {
    check_size(140, 44);
}

#[test]
fn every_screen_at_220_by_60() {
    check_size(220, 60);
}

#[test]
fn odd_sizes_draw_without_a_panic() {
    for (width, height) in [(1, 1), (20, 5), (59, 16), (61, 15), (79, 23), (500, 10), (100, 200)] {
        for (run, rig, _) in RUNS {
            let mut rig = rig(width, height);
            for (keys, _) in SCREENS {
                rig.press(keys);
                draw_within_bounds(&rig, &format!("{run}, {width}x{height}, `{keys}`"));
            }
        }
    }
}

#[test]
fn a_cut_figure_is_seen() {
    assert!(has_cut_number("acc 87.│") && has_cut_number("88.…") && has_cut_number("88.~ more"));
    assert!(!has_cut_number("step 1240. Then") && !has_cut_number("87.5 %│") && !has_cut_number("x.│"));
}
