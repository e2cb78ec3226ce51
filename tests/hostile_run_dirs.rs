//! Run directories from somebody else: whatever lies in them, no command hangs, fills the memory, or writes outside.

mod support;

use rustix::fs::{CWD, Mode, mkfifoat};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use support::{Sandbox, TerminalScreen, copy_folder};

/// Address space of a command and its engine. What lies in the directories would fill far more.
const KILOBYTES: u64 = 6_000_000;

/// Seconds that a command may take, with an engine that it starts.
const SECONDS: f64 = 60.0;

/// Makes what lies in the place of a run's file.
type ObstacleMaker<'a> = &'a dyn Fn(&Path);

/// What lies outside of the run: content, time and names of every file.
type OutsideState = BTreeMap<PathBuf, (Vec<u8>, SystemTime, u64)>;

fn outside(folder: &Path, all: &mut OutsideState) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let facts = entry.metadata().expect("facts");
        match facts.is_dir() {
            true => outside(&entry.path(), all),
            false => {
                let content = fs::read(entry.path()).expect("a file");
                let time = facts.modified().expect("a time");
                all.insert(entry.path(), (content, time, facts.nlink()));
            }
        }
    }
}

/// A finished run, and a folder outside with what links will lead to.
fn prepared() -> Sandbox {
    let place = Sandbox::new();
    let whole = place.run_tiny_job("whole", "--set corners.epochs=1 --set fit.epochs=0.5 --set heatmap.grid=3");
    copy_folder(&whole, &place.path("outside"), false);
    place.write("outside/mine", "years of work");
    place
}

/// Puts something in the place of a file or folder of a fresh copy of the run.
fn hostile(place: &Sandbox, part: &str, make: impl FnOnce(&Path)) {
    let run = place.path("runs/a");
    let _ = fs::remove_dir_all(&run);
    copy_folder(&place.path("whole"), &run, false);
    let path = run.join(part);
    match path.is_dir() {
        true => fs::remove_dir_all(&path).expect("a folder"),
        false => drop(fs::remove_file(&path)),
    }
    make(&path);
}

/// Runs commands in bounded memory and time; each is at most one sentence of trouble, and nothing outside changes.
#[track_caller]
fn attack(place: &Sandbox, what: &str, commands: &[&str]) {
    let mut before = OutsideState::new();
    outside(&place.path("outside"), &mut before);
    for command in commands {
        let line = format!("ulimit -v {KILOBYTES}; exec {} {command}", env!("CARGO_BIN_EXE_surfit"));
        let mut shell = place.program("sh");
        shell.args(["-c", &line]);
        let done = place.run_to_end(shell);
        let story = format!("{what}\n{}", done.describe());
        assert!(done.seconds < SECONDS, "{story}");
        assert!(done.status.code().is_some_and(|code| code < 3), "{story}");
        if !done.status.success() {
            assert_eq!(done.err.lines().count(), 1, "{story}");
            assert!(done.err.starts_with("surfit: "), "{story}");
        }
        assert!(!done.err.contains("panicked"), "{story}");
        let mut after = OutsideState::new();
        outside(&place.path("outside"), &mut after);
        for (path, facts) in &before {
            assert!(after.get(path) == Some(facts), "{} changed: {story}", path.display());
        }
        assert_eq!(after.len(), before.len(), "{story}");
    }
}

/// Commands that need no engine for a finished run. `open` reads all that `report` reads, and draws nothing.
const QUICK: [&str; 5] = ["ls", "open a", "heatmap a", "stop a", "ls --json"];

#[test]
fn links_in_a_run_directory_lead_no_command_outside() {
    let place = prepared();
    let with_engine: [(&str, &[&str]); 12] = [
        ("lock", &["export a --best --out m1", "rm a --yes"]),
        ("log.txt", &["resume a"]),
        ("events.jsonl", &["export a --best --out m2"]),
        ("status.json", &["set a fit.learning_rate=0.01"]),
        ("snapshot.json", &["fork a --degree 3"]),
        ("socket", &["heatmap a --grid 5"]),
        ("identity.json", &["degree a 3"]),
        ("surface", &["fork a", "export a --best --out m3"]),
        ("corners", &["fork a", "resume a"]),
        ("heatmaps", &["heatmap a --grid 5 --keep"]),
        ("exports", &["export a --best --out runs/a/exports/mine", "rm a --yes"]),
        ("figures", &["report a --out runs/a/figures"]),
    ];
    for (part, commands) in with_engine {
        hostile(&place, part, |path| {
            symlink(place.path("outside").join(part), path).expect("a link");
        });
        attack(&place, &format!("{part} is a link"), &QUICK);
        attack(&place, &format!("{part} is a link"), &["report a"]);
        attack(&place, &format!("{part} is a link"), commands);
    }
    hostile(&place, "config.toml", |path| {
        symlink(place.path("outside/config.toml"), path).expect("a link");
    });
    attack(&place, "config.toml is a link", &["ls", "report a"]);
    place.surfit("report a").fails(1, &["config.toml", "symbolic link"]);
}

#[test]
fn pipes_devices_and_huge_files_in_a_run_directory_hang_no_command() {
    let place = prepared();
    let pipe = |path: &Path| mkfifoat(CWD, path, Mode::from_raw_mode(0o600)).expect("a pipe");
    let huge = |path: &Path| {
        let file = fs::File::create(path).expect("a file");
        file.set_len(1 << 40).expect("a hole");
    };
    let zero = |path: &Path| symlink("/dev/zero", path).expect("a link");
    let folder = |path: &Path| fs::create_dir(path).expect("a folder");
    let ways: [(&str, ObstacleMaker<'_>); 4] =
        [("a pipe", &pipe), ("huge", &huge), ("/dev/zero", &zero), ("a folder", &folder)];
    for (index, part) in [
        "config.toml",
        "events.jsonl",
        "status.json",
        "snapshot.json",
        "socket",
        "lock",
        "log.txt",
        "identity.json",
        "surface/state.safetensors",
    ]
    .into_iter()
    .enumerate()
    {
        for (way, make) in ways {
            hostile(&place, part, make);
            attack(&place, &format!("{part} is {way}"), &QUICK[..4]);
        }
        // One of them with an engine, and with figures, in turn.
        let (way, make) = ways[index % 3];
        hostile(&place, part, make);
        attack(&place, &format!("{part} is {way}"), &["report a", "export a --best --out m --force"]);
    }
    hostile(&place, "surface/state.safetensors", pipe);
    attack(&place, "the checkpoint is a pipe", &["fork a --degree 3", "resume a"]);
    // The screen opens what can be read, and leaves.
    hostile(&place, "snapshot.json", pipe);
    let mut screen = TerminalScreen::open(&place, "open a", (100, 30), &[]);
    screen.wait_for_text("✓ finished");
    screen.press("q");
    screen.wait_for_exit_code();
}

#[test]
fn a_line_of_events_without_end_costs_little_and_is_told() {
    let place = prepared();
    let events = fs::read(place.path("whole/events.jsonl")).expect("events");
    hostile(&place, "events.jsonl", |path| {
        let mut text = events.clone();
        text.extend(br#"{"seq":900,"time":1.0,"event":"notice","text":""#);
        text.resize(text.len() + (300 << 20), b'x');
        text.extend(b"\"}\n");
        fs::write(path, text).expect("a file");
    });
    let limited = |command: &str| {
        let mut shell = place.program("sh");
        let surfit = env!("CARGO_BIN_EXE_surfit");
        shell.args(["-c", &format!("ulimit -v 400000; exec {surfit} {command}")]);
        place.run_to_end(shell)
    };
    limited("report a").ok();
    limited("ls").ok();
    place.surfit("export a --best --out m").ok();
    let told = support::events_of(&place.path("runs/a"), "notice");
    let text = told.last().expect("a notice")["text"].to_string();
    assert!(text.contains("events.jsonl is damaged") && text.contains("ignored"), "{text}");
}

#[test]
fn a_socket_that_no_engine_of_the_user_made_is_not_spoken_to() {
    let place = prepared();
    fs::create_dir(place.path("elsewhere")).expect("a folder");
    let foreign = place.path("elsewhere/agent.sock");
    let listener = UnixListener::bind(&foreign).expect("a socket");
    listener.set_nonblocking(true).expect("a socket");
    let foreign = foreign.display().to_string();
    hostile(&place, "socket", |path| fs::write(path, &foreign).expect("a note"));
    attack(&place, "a foreign socket", &["report a", "set a fit.learning_rate=0.01", "stop a"]);
    place.surfit("export a --best --out m").ok();
    // While somebody holds the run, the note cannot be an old one.
    hostile(&place, "socket", |path| fs::write(path, &foreign).expect("a note"));
    let lock = fs::File::open(place.path("runs/a/lock")).expect("a lock");
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).expect("a lock");
    place.surfit("set a fit.rate=0.01").fails(1, &["is not the socket of your own engine"]);
    assert!(listener.accept().is_err(), "somebody spoke");
}

/// Takes or gives back the right to write into a folder and all below it.
fn forbid_writing(folder: &Path, forbid: bool) {
    use std::os::unix::fs::PermissionsExt;
    let set = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("permissions");
    };
    set(folder, if forbid { 0o555 } else { 0o755 });
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        match entry.file_type().expect("a kind").is_dir() {
            true => forbid_writing(&entry.path(), forbid),
            false => set(&entry.path(), if forbid { 0o444 } else { 0o644 }),
        }
    }
}

#[test]
fn a_run_that_may_not_be_written_is_looked_at_and_forked() {
    let place = prepared();
    hostile(&place, "socket", |path| {
        // Of an engine of the run's owner, in a folder that is nobody else's.
        fs::write(path, "/proc/1/surfit/0123456789abcdef.sock").expect("a note");
    });
    let run = place.path("runs/a");
    forbid_writing(&run, true);
    let ask = |arguments: &str| {
        let surfit = [env!("CARGO_BIN_EXE_surfit")].into_iter();
        let words: Vec<&str> = surfit.chain(arguments.split_whitespace()).collect();
        // The superuser may write everywhere, unless that right is taken away.
        let drops = ["--bounding-set=-dac_override,-dac_read_search,-fowner"];
        let mut command = match rustix::process::geteuid().is_root() {
            true => place.program("setpriv"),
            false => place.program(words[0]),
        };
        match rustix::process::geteuid().is_root() {
            true => command.args(drops).args(&words),
            false => command.args(&words[1..]),
        };
        place.run_to_end(command)
    };
    let is_dropped =
        !rustix::process::geteuid().is_root() || place.program("setpriv").arg("--version").output().is_ok();
    if !is_dropped {
        println!("skipped: the superuser needs setpriv to give up the right to write everywhere");
    }
    if is_dropped {
        for arguments in ["ls", "open a", "heatmap a", "resume a", "report a --out report"] {
            ask(arguments).ok();
        }
        ask("report a").fails(1, &["figures", "choose another --out"]);
        for arguments in ["export a --best --out m", "heatmap a --grid 4", "set a fit.rate=0.1", "rm a --yes"] {
            ask(arguments).fails(1, &["is read-only", "surfit fork"]);
        }
        ask("stop a").fails(1, &["no engine is running"]);
        ask("fork a --run-dir mine").ok();
        support::wait_for("the fork", || support::finished_event(&place.path("mine")));
    }
    forbid_writing(&run, false);
}

#[test]
fn text_from_files_neither_steers_the_terminal_nor_fills_it() {
    let place = prepared();
    let bad = "\u{1b}[2J\u{1b}]0;owned\u{7}\r\nsurfit: all is well\u{202e}\u{9b}31m";
    let long = "y".repeat(5_000_000);
    let clean = |what: &str, text: &str| {
        let odd = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
        let at = text.find(odd);
        assert!(at.is_none(), "{what}: {:?}", &text[at.unwrap_or(0)..].chars().take(40).collect::<String>());
        assert!(!text.lines().any(|l| l == "surfit: all is well"), "{what}");
    };
    let json = |text: &str| serde_json::to_string(text).expect("JSON");
    let run = place.path("runs/a");
    let again = |text: &str| {
        hostile(&place, "figures", |_| ());
        let status = fs::read_to_string(run.join("status.json")).expect("a status");
        let mut status: serde_json::Value = serde_json::from_str(&status).expect("JSON");
        (status["network"], status["failed"]) = (text.into(), text.into());
        status["state"] = "failed".into();
        fs::write(run.join("status.json"), status.to_string()).expect("a status");
        let events = run.join("events.jsonl");
        let whole = fs::read_to_string(&events).expect("events").trim_end().to_owned();
        let whole: Vec<String> = whole
            .lines()
            .map(|line| {
                let mut event: serde_json::Value = serde_json::from_str(line).expect("JSON");
                if event["event"] == "corner_ready" {
                    event["source"] = text.into();
                }
                event.to_string()
            })
            .collect();
        let seq = 10_000;
        let failed = format!(r#"{{"seq":{seq},"time":1.0,"event":"failed","message":{}}}"#, json(text));
        let notice = format!(r#"{{"seq":{},"time":1.0,"event":"notice","text":{}}}"#, seq + 1, json(text));
        fs::write(&events, [whole.join("\n"), failed, notice, String::new()].join("\n")).expect("events");
    };
    for text in [bad.to_owned(), bad.to_owned() + &long[..300_000], bad.to_owned() + &long[..3_000_000]] {
        again(&text);
        for command in ["ls", "report a", "resume a", "export a --best --out m --force"] {
            let done = place.surfit(command);
            clean(command, &done.out);
            clean(command, &done.err);
            assert!(done.out.len() + done.err.len() < 20_000, "{command}: {}", done.out.len());
            if command != "report a" {
                continue;
            }
            for name in ["report.md", "report.html"] {
                let text = fs::read_to_string(run.join("figures").join(name)).expect("a report");
                clean(name, &text);
                assert!(text.len() < 2_000_000, "{name}: {}", text.len());
            }
        }
        let done = place.surfit("ls --json").ok();
        assert!(done.out.len() < 20_000, "{}", done.out.len());
        let log = fs::read_to_string(run.join("log.txt")).unwrap_or_default();
        clean("log.txt", &log);
    }
    again(bad);
    // A run's own directory has a name, too, and it is asked about before it is removed.
    let odd = format!("odd{bad}").replace('\u{7}', "");
    let odd_run = place.path("runs").join(&odd);
    let made = std::process::Command::new("cp")
        .args([std::ffi::OsStr::new("-r"), run.as_os_str(), odd_run.as_os_str()])
        .status()
        .expect("cp");
    assert!(made.success());
    let path = odd_run.to_str().expect("UTF-8");
    let mut screen = TerminalScreen::open_with(&place, &["rm", path], (120, 40), &[]);
    screen.wait_for_text("Delete this run");
    screen.press("n\r");
    screen.wait_for_exit_code();
    let written = screen.written();
    let odd = written.find(['\u{7}', '\u{202e}', '\u{9b}']);
    assert!(odd.is_none() && !written.contains("\u{1b}]0;owned"), "{written:?}");
    // Every line about several files goes the same way.
    fs::write(place.path("bad.toml"), format!("{}k = 1\n", json(bad))).expect("a file");
    let done = place.surfit("config check bad.toml bad.toml");
    assert!(!done.status.success(), "{}", done.describe());
    clean("config check", &done.err);
    let mut screen = TerminalScreen::open(&place, "open a", (120, 40), &[]);
    screen.wait_for_text("failed");
    screen.press("L");
    screen.press("q");
    screen.wait_for_exit_code();
    let written = screen.written();
    assert!(!written.contains("\u{1b}]0;owned") && !written.contains('\u{202e}'));
}
