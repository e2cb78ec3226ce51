//! The walls of the house: who may see whom, and what the terminal program must not load.

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::{Sandbox, events_of, wait_for};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Names of the packages that `package` is built from, in its normal dependencies down to `depth`.
#[track_caller]
fn dependencies(package: &str, depth: &str) -> Vec<String> {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--offline",
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--format",
            "{p}",
        ])
        .args(["--package", package, "--depth", depth])
        .current_dir(root())
        .output()
        .expect("cargo tree");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let names = text
        .lines()
        .filter_map(|l| l.split_whitespace().next())
        .skip(1);
    let names: Vec<String> = names.map(str::to_owned).collect();
    assert!(!names.is_empty(), "{package} depends on nothing? {text}");
    names
}

#[track_caller]
fn assert_none(package: &str, depth: &str, forbidden: &[&str]) {
    let there = dependencies(package, depth);
    for name in forbidden {
        assert!(
            !there.iter().any(|n| n == name),
            "{package} must not depend on {name}"
        );
    }
}

#[test]
fn crates_depend_only_in_the_allowed_directions() {
    let frontends = ["ratatui", "ratatui-core", "crossterm", "plotters"];
    assert_none(
        "surfit-core",
        "99",
        &[
            &frontends[..],
            &["tch", "torch-sys", "tokio", "surfit-data", "surfit-engine"],
        ]
        .concat(),
    );
    assert_none(
        "surfit-data",
        "99",
        &[
            &frontends[..],
            &["tch", "torch-sys", "tokio", "indicatif", "surfit-engine"],
        ]
        .concat(),
    );
    assert_none(
        "surfit-weights",
        "99",
        &[
            &frontends[..],
            &["tch", "torch-sys", "tokio", "surfit-engine"],
        ]
        .concat(),
    );
    assert_none(
        "surfit-tui",
        "99",
        &[
            "tch",
            "torch-sys",
            "tokio",
            "plotters",
            "surfit-data",
            "surfit-engine",
            "surfit-report",
        ],
    );
    assert_none(
        "surfit-report",
        "99",
        &[
            "tch",
            "torch-sys",
            "tokio",
            "ratatui",
            "surfit-data",
            "surfit-engine",
            "surfit-tui",
        ],
    );
    assert_none(
        "surfit-engine",
        "99",
        &[&frontends[..], &["surfit-tui", "surfit-report"]].concat(),
    );
    // The test itself: a dependency that is there is found.
    assert!(dependencies("surfit-engine", "1").contains(&"tch".to_owned()));
    for package in [
        "surfit",
        "surfit-core",
        "surfit-data",
        "surfit-weights",
        "surfit-tui",
        "surfit-report",
    ] {
        assert_none(package, "1", &["tch", "torch-sys"]);
    }
}

/// Every file under a folder with this extension, and its text.
fn sources(folder: &str, extension: &str) -> Vec<(PathBuf, String)> {
    let (mut folders, mut found) = (vec![root().join(folder)], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)
            .unwrap_or_else(|e| panic!("{}: {e}", folder.display()))
            .flatten()
        {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == extension) {
                let text = std::fs::read_to_string(&path).unwrap_or_default();
                found.push((path.strip_prefix(root()).unwrap_or(&path).to_owned(), text));
            }
        }
    }
    found
}

#[test]
fn files_have_one_job_each() {
    // A file is split by meaning, never by length; one as long as this has more than one job.
    const MAX_LINES: usize = 650;
    let all = [
        sources("src", "rs"),
        sources("tests", "rs"),
        sources("scripts", "py"),
    ]
    .concat();
    assert!(all.len() > 50, "the sources were not found");
    let long: BTreeMap<_, _> = all
        .iter()
        .map(|(p, t)| (p.display().to_string(), t.lines().count()))
        .filter(|f| f.1 > MAX_LINES)
        .collect();
    assert!(long.is_empty(), "files above {MAX_LINES} lines: {long:?}");
}

#[test]
fn the_terminal_program_never_names_the_engines_crate() {
    let mut seen = 0;
    for folder in [
        "src/cli",
        "src/client",
        "src/tui",
        "src/report",
        "src/data",
        "src/core",
    ] {
        for (path, text) in sources(folder, "rs") {
            seen += 1;
            let words = text.split(|c: char| !(c.is_alphanumeric() || c == '_'));
            for word in words {
                let walled = ["surfit_engine", "tch"].contains(&word);
                assert!(!walled, "{} names `{word}`", path.display());
            }
        }
    }
    assert!(seen > 40, "the sources were not found");
    let main = std::fs::read_to_string(root().join("src/main.rs")).expect("src/main.rs");
    assert!(!main.contains("surfit_engine"));
}

/// Files of the crates that touch runs which name the file system past `files::`, and what they do there that is no opening,
/// reading or writing of something below a run's directory.
const PAST_FILES: [(&str, &str); 28] = [
    ("src/cli/man.rs", "makes the folder for manual pages"),
    (
        "src/cli/place.rs",
        "puts links to runs among the user's runs",
    ),
    ("src/client/engine_process.rs", "reads /proc"),
    ("src/client/fake.rs", "is a stand-in for engines in tests"),
    (
        "src/client/queue.rs",
        "reads the user's queue, which lies in no run",
    ),
    ("src/client/queue/lock.rs", "locks the user's queue"),
    (
        "src/client/queue/runner.rs",
        "makes the queue's folder and its log",
    ),
    ("src/client/remote/settings.rs", "reads the user's settings"),
    (
        "src/client/remove.rs",
        "removes whole runs, and of links the links",
    ),
    ("src/client/runs.rs", "adds up sizes, and follows no link"),
    (
        "src/core/config/load.rs",
        "reads a configuration that the user names",
    ),
    ("src/core/corner_cache.rs", "lists the user's cache"),
    (
        "src/core/files/confined.rs",
        "is the door; it makes folders that the user names",
    ),
    (
        "src/core/files/left.rs",
        "clears folders that lie in no run, and reads /proc",
    ),
    (
        "src/core/run_dir.rs",
        "makes a run's directory, and looks whether it is empty",
    ),
    ("src/core/run_dir/process.rs", "reads /proc"),
    (
        "src/core/run_dir/find.rs",
        "lists the folder that runs lie in",
    ),
    ("src/core/run_dir/fork.rs", "gives a whole run its name"),
    ("src/core/run_dir/node.rs", "reads /proc"),
    (
        "src/core/run_dir/socket.rs",
        "looks at the folder of the user's sockets",
    ),
    ("src/core/study.rs", "reads a plan that the user names"),
    (
        "src/engine/actor/ending.rs",
        "looks whether the run's directory is still where it was",
    ),
    (
        "src/engine/corner_cache.rs",
        "marks a file of the user's cache as used",
    ),
    ("src/engine/device.rs", "reads /proc"),
    ("src/engine/server/socket.rs", "removes its own socket"),
    ("src/engine/machine.rs", "reads /proc"),
    ("src/engine/memory.rs", "reads /proc"),
    (
        "src/engine/memory/budget.rs",
        "reads /proc and control groups",
    ),
];

/// The part of a source that is no test.
fn without_tests(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests").next().unwrap_or(text)
}

/// The first line that opens, lists or changes files by the standard library's functions.
fn names_the_file_system(text: &str) -> Option<&str> {
    let functions = [
        "read",
        "write",
        "copy",
        "rename",
        "remove_",
        "create_dir",
        "metadata",
        "symlink_metadata",
        "hard_link",
        "set_permissions",
        "exists",
    ];
    let code = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    code.into_iter().find(|line| {
        let line = line.replace("rustix::fs::", "");
        let named = |start: &str| {
            line.match_indices(start)
                .any(|(at, _)| !line[..at].ends_with(char::is_alphanumeric))
        };
        functions
            .iter()
            .any(|function| named(&format!("fs::{function}")))
            || [
                "File::open(",
                "File::create",
                "File::options(",
                "OpenOptions::",
            ]
            .into_iter()
            .any(named)
    })
}

#[test]
fn what_lies_in_a_run_is_opened_by_one_door() {
    let mut past = BTreeMap::new();
    for folder in [
        "src/cli",
        "src/client",
        "src/core",
        "src/engine",
        "src/report",
    ] {
        for (path, text) in sources(folder, "rs") {
            let path = path.display().to_string();
            let is_test = path.ends_with("/tests.rs") || path.contains("/tests/");
            if let Some(line) = names_the_file_system(without_tests(&text)).filter(|_| !is_test) {
                past.insert(path, line.trim().to_owned());
            }
        }
    }
    let allowed = |path: &str| PAST_FILES.iter().any(|(allowed, _)| *allowed == path);
    let unknown: Vec<_> = past.iter().filter(|(path, _)| !allowed(path)).collect();
    assert!(
        unknown.is_empty(),
        "use surfit_core::files below a run, or say in PAST_FILES why not: {unknown:#?}"
    );
    for (path, _) in PAST_FILES {
        assert!(
            past.contains_key(path),
            "{path} needs no exception any more"
        );
    }
    // The test itself.
    for line in [
        "std::fs::read(path)",
        "fs::remove_dir_all(&a)",
        "File::open(path)",
        "File::options()",
    ] {
        assert!(names_the_file_system(line).is_some(), "{line}");
    }
    for line in [
        "files::read(&path)",
        "use std::fs::File;",
        "rustix::fs::openat(a)",
        "MatchedFile::open(p)",
    ] {
        assert!(names_the_file_system(line).is_none(), "{line}");
    }
}

#[test]
fn commands_write_to_standard_error_and_to_bars_through_one_door() {
    // There what could steer the terminal is taken off texts.
    for (path, text) in sources("src/cli", "rs") {
        if path.ends_with("src/cli/out.rs") {
            continue;
        }
        for sign in ["(stderr()", "::stderr()", "eprint", "println!"] {
            let used = text
                .lines()
                .find(|l| l.contains(sign) && !l.contains("is_terminal"));
            assert_eq!(used, None, "{} writes by itself", path.display());
        }
        // A message is a constant, or goes through the door.
        for message in text.split("set_message(").skip(1) {
            let known = ["\"", "*file", "out::bar_message("];
            assert!(
                known.iter().any(|k| message.trim_start().starts_with(k)),
                "{}: {}",
                path.display(),
                message.lines().next().unwrap_or_default()
            );
        }
    }
}

#[test]
fn nothing_is_left_undone_in_the_sources() {
    for (path, text) in sources("src", "rs") {
        for sign in ["todo!(", "unimplemented!(", "FIXME", "XXX"] {
            assert!(!text.contains(sign), "{} has `{sign}`", path.display());
        }
    }
}

/// Libraries that the loader finds for a program, without starting it.
#[cfg(target_os = "linux")]
fn loaded(program: &str) -> String {
    let output = Command::new(program)
        .env("LD_TRACE_LOADED_OBJECTS", "1")
        .env_remove("LD_LIBRARY_PATH")
        .output()
        .expect("the loader");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("libc.so"), "no list of libraries:\n{text}");
    assert!(
        !text.contains("not found"),
        "{program} does not find its libraries:\n{text}"
    );
    text
}

#[cfg(target_os = "linux")]
#[test]
fn the_terminal_program_does_not_load_libtorch() {
    let (surfit, engine) = (
        env!("CARGO_BIN_EXE_surfit"),
        env!("CARGO_BIN_EXE_surfit-engine"),
    );
    for name in ["torch", "libc10", "libgomp", "libcuda", "libstdc++"] {
        assert!(
            !loaded(surfit).contains(name),
            "surfit loads {name}:\n{}",
            loaded(surfit)
        );
    }
    assert!(
        loaded(engine).contains("libtorch"),
        "the engine loads no libtorch? Then this test means nothing"
    );

    // And at work: what is mapped into the processes while a job runs.
    let place = Sandbox::new();
    let mut command = place.command("run tiny.toml --run-dir a --json");
    command.stdout(std::process::Stdio::null());
    let client = support::ChildGuard(command.spawn().expect("surfit starts"));
    wait_for("the corners", || {
        (!events_of(&place.path("a"), "losses").is_empty()).then_some(())
    });
    let maps = |pid: &str| std::fs::read_to_string(format!("/proc/{pid}/maps")).expect("its maps");
    let ours = maps(&client.0.id().to_string());
    assert!(
        !ours.contains("libtorch") && !ours.contains("libc10"),
        "surfit has libtorch in its memory"
    );
    let pid = place.surfit("ls --json").ok().last_json()["pid"].to_string();
    assert!(
        maps(&pid).contains("libtorch"),
        "the engine has no libtorch in its memory?"
    );
}

#[test]
fn small_commands_start_in_milliseconds() {
    let place = Sandbox::new();
    let mut times: Vec<f64> = (0..9)
        .map(|_| place.surfit("--version").ok().seconds * 1e3)
        .collect();
    times.sort_by(f64::total_cmp);
    println!("surfit --version: {:.0} ms (median of 9)", times[4]);
    assert!(
        times[0] < 250.0,
        "the fastest of nine starts took {:.0} ms",
        times[0]
    );
    let text = place.surfit("config default").ok().out;
    let path = place.write("default.toml", &text);
    let checked = place
        .surfit(&format!("config check {}", path.display()))
        .ok()
        .out;
    assert!(
        checked.contains("good"),
        "the printed default should be good: {checked}"
    );
}
