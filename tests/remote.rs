//! Runs on other machines, over lines of every kind: the real programs at both ends of a stand-in for `ssh`.

mod support;

use serde_json::json;
use std::time::{Duration, Instant};
use support::ssh_stand_in::{self, StandInHost};
use support::{EngineWire, Sandbox, TerminalScreen, events, events_of, wait_for};

/// A fit that does not end by itself while a test looks.
const ENDLESS: &str = "--set fit.epochs=100000 --set fit.warmup=0 --set data.validation_images=200 \
                       --set checkpoint.interval_secs=5";

#[test]
#[ignore = "not a test: the stand-in for ssh, which tests start"]
fn far_side() {
    ssh_stand_in::run_ssh_stand_in();
}

fn open(place: &Sandbox, line: &StandInHost, what: &str) -> TerminalScreen {
    TerminalScreen::open(place, &format!("open {what}"), (140, 44), &line.environment())
}

#[test]
fn a_run_on_another_machine_is_watched_steered_left_and_come_back_to() {
    let place = Sandbox::new();
    let line = StandInHost::new(&place, "far_side");
    let (run, pid) = place.start_tiny_job("runs/far", ENDLESS);
    let mut wire = EngineWire::connect_and_greet(&place);
    wire.wait_for_fit();
    line.set_line("banner=Welcome to gpu1, all jobs are logged\n");
    let mut screen = open(&place, &line, "me@gpu1:far");
    for text in ["me@gpu1:far", "running", "Loss", "Surface", "Control points"] {
        screen.wait_for_text(text);
    }
    assert!(!screen.text().contains("Welcome"), "{}", screen.text());
    let dialled = line.dials();
    assert!(dialled[0].1.contains("me@gpu1") && dialled[0].1.ends_with("bridge -- far"), "{dialled:?}");

    // What is asked here is done there.
    screen.press("u");
    screen.wait_for_text("3×2");
    screen.press("\r");
    wait_for("the degree's event", || events_of(&run, "degree_changed").pop());
    screen.press("p");
    screen.wait_for_text("‖ paused");
    screen.press("p");
    screen.wait_for_text("● running");

    // The line breaks: the screen says how old it is, dials again, and misses nothing.
    line.set_line("fail=ssh: connect to host gpu1 port 22: Connection refused\n");
    line.break_line();
    screen.wait_for_text("reconnecting");
    screen.wait_for_text("No connection to me@gpu1");
    screen.wait_for_text("Connection refused");
    let screen_is_whole = screen.text();
    assert!(screen_is_whole.contains("Control points"), "{screen_is_whole}");
    wire.expect_accepted(json!({"command": "mark", "u": 0.25, "v": 0.75}));
    wire.expect_accepted(json!({"command": "set_degree", "degrees": [3, 3]}));
    line.set_line("");
    // Any key tries at once.
    let before = line.dials().len();
    wait_for("the line to be dialled again", || {
        screen.press("m");
        std::thread::sleep(Duration::from_millis(700));
        (line.dials().len() > before).then_some(())
    });
    screen.wait_for_text_gone("No connection to");
    screen.wait_for_text("3×3");
    screen.wait_for_text("running");

    // Figures are drawn here, from what is known here, also those that are asked for just before leaving.
    screen.press("Fd");
    let (code, text) = screen.expect_terminal_restored();
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("surfit open me@gpu1:far"), "{text}");
    assert!(text.contains("plots in"), "{text}");
    assert!(place.path("me@gpu1-far-figures/loss.svg").is_file());
    assert!(support::is_alive(pid), "leaving ended the engine");
}

#[test]
fn a_line_that_breaks_inside_frames_again_and_again_loses_no_event() {
    let place = Sandbox::new();
    let line = StandInHost::new(&place, "far_side");
    let (run, _) = place.start_tiny_job("runs/far", ENDLESS);
    let mut wire = EngineWire::connect_and_greet(&place);
    wire.wait_for_fit();
    let mut screen = open(&place, &line, "gpu1:far");
    screen.wait_for_text("running");
    for cut in [1500, 2200, 701, 3333, 5003] {
        line.set_line(&format!("cut={cut}\n"));
        let before = line.dials().len();
        line.break_line();
        // Each of the short lines breaks by itself in the middle of something.
        wait_for("two lines that broke", || {
            screen.press("m");
            std::thread::sleep(Duration::from_millis(520));
            (line.dials().len() >= before + 2).then_some(())
        });
        wire.expect_accepted(json!({"command": "evaluate", "u": 0.5, "v": f64::from(cut) / 20_000.0}));
        line.set_line("");
    }
    line.set_line("");
    wait_for("a line that lasts", || {
        screen.press("m");
        std::thread::sleep(Duration::from_millis(600));
        (!screen.text().contains("reconnecting")).then_some(())
    });
    screen.wait_for_text("running");
    wire.expect_accepted(json!({"command": "pause"}));
    screen.wait_for_text("paused");
    // The log here has every point that was measured there.
    let measured = events_of(&run, "evaluated");
    assert_eq!(measured.len(), 5);
    screen.press("i");
    for event in &measured {
        let point = format!("({:.3}, {:.3})", event["u"].as_f64().unwrap(), event["v"].as_f64().unwrap());
        screen.wait_for_text(&point);
    }
}

#[test]
fn a_slow_line_stays_responsive() {
    let place = Sandbox::new();
    let line = StandInHost::new(&place, "far_side");
    place.start_tiny_job("runs/far", &format!("{ENDLESS} --set heatmap.grid=41"));
    let mut wire = EngineWire::connect_and_greet(&place);
    wire.wait_for_fit();
    line.set_line("rate=10000\ndelay=50\n");
    let began = Instant::now();
    let mut screen = open(&place, &line, "gpu1:far");
    screen.wait_for_text("running");
    let first = began.elapsed().as_secs_f64();
    wire.receive_for(Duration::from_secs(3));
    let before = line.received_bytes();
    let counted = Instant::now();
    wire.receive_for(Duration::from_secs(5));
    let rate = (line.received_bytes() - before) as f64 / counted.elapsed().as_secs_f64();
    let mut times = Vec::new();
    for (n, text) in ["‖ paused", "● running"].repeat(4).into_iter().enumerate() {
        times.push(screen.key_latency_ms("p", |s| s.contains(text)));
        std::thread::sleep(Duration::from_millis(600 + 37 * n as u64));
    }
    times.sort_by(f64::total_cmp);
    let (median, worst) = (times[times.len() / 2], times[times.len() - 1]);
    println!(
        "10 kB/s with 50 ms each way, grid 41: first state after {first:.1} s, then {:.1} kB/s; a command is answered on \
         the screen within {median:.0} ms (median), {worst:.0} ms at most",
        rate / 1e3
    );
    assert!(rate < 10_500.0, "{rate} B/s over a line of 10 kB/s");
    assert!(median < 2500.0, "half of the answers took more than {median:.0} ms");
}

#[test]
fn a_line_that_cannot_be_had_is_told_in_the_words_of_ssh() {
    let place = Sandbox::new();
    let line = StandInHost::new(&place, "far_side");
    let refused = |text: &str, parts: &[&str]| {
        line.set_line(text);
        let mut screen = open(&place, &line, "nowhere:far");
        assert_eq!(screen.wait_for_exit_code(), 1, "{}", screen.text());
        let told = screen.wait_written(parts[0]);
        for part in parts {
            assert!(told.contains(part), "`{part}` is not in: {told}");
        }
        assert!(!told.contains("\x1b[?1049h"), "the screen was taken for nothing");
        let mut ls = place.command("ls nowhere:");
        ls.envs(line.environment());
        place.run_to_end(ls).fails(1, parts);
    };
    refused(
        "fail=ssh: Could not resolve hostname nowhere: Name or service not known\n",
        &["nowhere: ssh: Could not resolve hostname nowhere"],
    );
    refused("fail=me@nowhere: Permission denied (publickey).\n", &["Permission denied (publickey)"]);
    let settings = place.path("settings/surfit/client.toml");
    std::fs::write(&settings, "program = 'surfit-that-is-not-there'\n").expect("settings");
    refused("", &["not found", "install surfit there", "client.toml"]);
    let old = place.write("old", "#!/bin/sh\nprintf '\\036surfit-bridge 99 9.9.9\\n'\ncat > /dev/null\n");
    make_executable(&old);
    std::fs::write(&settings, format!("program = '{}'\n", old.display())).expect("settings");
    refused(
        "",
        &["surfit 9.9.9", concat!("surfit ", env!("CARGO_PKG_VERSION")), "newer", "update surfit on this machine"],
    );
    let other = place.write("other", "#!/bin/sh\necho This account is not available\n");
    make_executable(&other);
    std::fs::write(&settings, format!("program = '{}'\n", other.display())).expect("settings");
    refused("", &["the connection ended"]);
    std::fs::write(&settings, "shh = ['ssh']\n").expect("settings");
    let mut ls = place.command("ls nowhere:");
    ls.envs(line.environment());
    place.run_to_end(ls).fails(2, &["client.toml", "line 1", "shh"]);
}

fn make_executable(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("its mode");
}

#[test]
fn runs_there_are_listed_and_names_that_are_wrong_are_told() {
    let place = Sandbox::new();
    let line = StandInHost::new(&place, "far_side");
    let at_host = |arguments: &str| {
        let mut command = place.command(arguments);
        command.envs(line.environment());
        place.run_to_end(command)
    };
    let none = at_host("ls gpu1:").ok();
    assert!(none.out.contains("no runs on gpu1"), "{}", none.describe());
    place.run_tiny_job("runs/one", "--set data.validation_images=200");
    line.set_line("banner={\"not\": \"a run\"}\n");
    let there = at_host("ls gpu1: --json").ok();
    let here = place.surfit("ls --json").ok();
    assert_eq!(there.json_lines(), here.json_lines(), "the same list, over a line that begins with a banner");
    assert!(at_host("ls gpu1:").ok().out.contains("finished"));
    at_host("ls gpu1:one").fails(2, &["gpu1"]);
    at_host("open gpu1:one").fails(2, &["needs a terminal"]);
    let mut screen = open(&place, &line, "gpu1:two");
    assert_eq!(screen.wait_for_exit_code(), 2 - 1);
    screen.wait_written("gpu1: no run `two`; `surfit ls gpu1:` lists your runs");

    // The finished run opens from its directory, and a local file of the same name wins.
    let mut screen = open(&place, &line, "gpu1:");
    screen.wait_for_text("finished");
    screen.wait_for_text("gpu1:one");
    screen.press("F");
    let folder = place.path("gpu1-one-figures");
    wait_for("figures on this machine", || {
        let mut files = std::fs::read_dir(&folder).ok()?.flatten();
        files.find(|f| f.path().extension().is_some_and(|e| e == "svg"))
    });
    screen.press("q");
    screen.expect_terminal_restored();
    std::fs::copy(place.path("tiny.toml"), place.path("gpu1:tiny")).expect("a copy");
    let before = line.dials().len();
    place.surfit("open gpu1:tiny").ok();
    assert_eq!(line.dials().len(), before, "a file of that name is here");
    assert!(!events(&place.path("runs/one")).is_empty());
}

#[test]
fn a_dead_engine_there_is_told_and_resumed_over_the_line_and_watching_changes_nothing() {
    let place = Sandbox::new();
    let line = StandInHost::new(&place, "far_side");
    let (run, pid) = place.start_tiny_job("runs/far", ENDLESS);
    let mut wire = EngineWire::connect_and_greet(&place);
    wire.wait_for_fit();
    wire.expect_accepted(json!({"command": "checkpoint"}));
    let mut watcher = TerminalScreen::open(&place, "open --readonly gpu1:far", (140, 44), &line.environment());
    watcher.wait_for_text("read-only");
    watcher.wait_for_text("running");
    watcher.press("p");
    watcher.wait_for_text("only watches");
    assert!(events_of(&run, "paused").is_empty());
    let mut screen = open(&place, &line, "gpu1:far");
    screen.wait_for_text("viewers");
    place.kill(pid);
    screen.wait_for_text("The engine died");
    watcher.wait_for_text("The engine died");
    // What was told before must be gone: another metric is told in its place.
    watcher.press("M");
    watcher.wait_for_text_gone("only watches");
    watcher.press("r");
    watcher.wait_for_text("only watches");
    assert_eq!(events_of(&run, "started").len(), 1);
    screen.press("r");
    screen.wait_for_text_gone("The engine died");
    screen.wait_for_text("running");
    wait_for("the new engine to go on", || events_of(&run, "resumed").pop());
    watcher.wait_for_text("running");
    watcher.press("q");
    assert_eq!(watcher.expect_terminal_restored().0, 0);
    screen.press("q");
    screen.wait_for_text("Quit while work is running?");
    screen.press("s");
    let (code, text) = screen.expect_terminal_restored();
    assert!(code == 0 && text.contains("surfit resume"), "{code}: {text}");
    wait_for("the engine to end", || events(&run).pop().filter(|e| e["event"] == "closed"));
}

#[test]
fn a_run_at_rest_there_is_asked_copied_from_and_written_from_here() {
    let place = Sandbox::new();
    let line = StandInHost::new(&place, "far_side");
    let run = place.run_tiny_job("runs/one", "--set data.validation_images=200");
    let mut screen = open(&place, &line, "gpu1:one");
    screen.wait_for_text("✓ finished");
    // What is written goes into a folder of this machine, over nothing that is there.
    screen.press("Wt");
    screen.wait_for_text("gpu1-one-figures/surface.csv");
    screen.press("\r");
    screen.wait_for_text("wrote");
    let table = place.path("gpu1-one-figures/surface.csv");
    let text = std::fs::read_to_string(&table).expect("the table");
    assert_eq!(text, place.surfit("heatmap one --format csv").ok().out);
    std::fs::write(&table, "mine").expect("a file");
    screen.press("Wt");
    screen.wait_for_text("gpu1-one-figures/surface.csv");
    screen.press("\r");
    screen.wait_for_text("Replace the file?");
    screen.press("c");
    screen.wait_for_text_gone("Replace the file?");
    assert_eq!(std::fs::read(&table).expect("the file"), b"mine");
    screen.press("Wp");
    screen.wait_for_text("gpu1-one-figures/surface.png");
    screen.press("\r");
    let picture = wait_for("the picture", || std::fs::read(place.path("gpu1-one-figures/surface.png")).ok());
    assert!(picture.starts_with(b"\x89PNG"));
    // The next sentence must not be followed by this one.
    screen.wait_until("the picture's sentence", |text| {
        let told = |line: &str| line.contains("wrote") && line.contains("surface.png");
        text.lines().any(told)
    });
    let there = std::fs::read_dir(run.join("figures")).expect("a folder");
    let drawn = there.flatten().filter(|f| f.file_name() == "surface.png");
    assert_eq!(drawn.count(), 0, "it was written there");
    // What is copied goes to the terminal here, and says where the run is.
    screen.press("Yd");
    screen.wait_for_text("sent to the terminal");
    screen.wait_written("\x1b]52;c;");
    screen.press("Yc");
    screen.wait_for_text("to select): ssh gpu1 'surfit heatmap one");

    // And it is asked like one here.
    let before = events_of(&run, "exported").len();
    screen.press("x");
    wait_for("the export", || (events_of(&run, "exported").len() > before).then_some(()));
    screen.wait_for_text("exported the best to");
    // A fork that is asked for just before leaving is waited for over the line too.
    screen.press("Nd");
    let (code, text) = screen.expect_terminal_restored();
    let said = "one-3x3 goes on at degree 3×3 as a run of its own";
    assert!(code == 0 && text.contains(said), "{code}: {text}");
    wait_for("the fork", || events_of(&place.path("runs/one-3x3"), "forked").pop());
}

#[test]
fn a_redial_asks_for_no_password_and_stops_where_it_is_refused() {
    let place = Sandbox::new();
    let line = StandInHost::new(&place, "far_side");
    place.start_tiny_job("runs/far", ENDLESS);
    // Called `ssh`, as what is dialled with usually is.
    let [(name, stand_in), file] = line.environment();
    let log = place.path("ssh.log");
    let script = format!(
        "#!/bin/sh\necho \"$*\" >> {}\nwhile [ $# -gt 2 ]; do shift; done\nexec {stand_in} \"$@\"\n",
        log.display()
    );
    std::fs::create_dir_all(place.path("bin")).expect("a folder");
    let ssh = place.write("bin/ssh", &script);
    make_executable(&ssh);
    let ssh = ssh.display().to_string();
    let mut screen = TerminalScreen::open(&place, "open gpu1:far", (140, 44), &[(name, &ssh), file]);
    screen.wait_for_text("running");
    let first = std::fs::read_to_string(&log).expect("the log");
    assert!(!first.contains("BatchMode"), "{first}");
    line.set_line("fail=All access is logged. me@gpu1: Permission denied (publickey,password).\n");
    line.break_line();
    screen.wait_for_text("Permission denied");
    screen.wait_for_text("Log in again");
    let tries = || std::fs::read_to_string(&log).expect("the log").lines().count();
    let before = tries();
    screen.press("zz");
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(tries(), before, "it was dialled again by itself");
    let all = std::fs::read_to_string(&log).expect("the log");
    let redial = all.lines().nth(1).expect("a redial");
    assert!(redial.starts_with("-o BatchMode=yes"), "{redial}");
    line.set_line("");
    screen.press("r");
    screen.wait_for_text_gone("Log in again");
    screen.wait_for_text("running");
    screen.press("d");
    screen.expect_terminal_restored();
}
