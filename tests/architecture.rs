//! What the crates may depend on, which files touch the file system, and what the terminal program must not load.

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::{Sandbox, engine_program, events_of, wait_for};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Names of the packages that `package` is built from, in its normal dependencies down to `depth`.
#[track_caller]
fn dependencies(package: &str, depth: &str) -> Vec<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--edges", "normal", "--prefix", "none", "--format", "{p}"])
        .args(["--package", package, "--depth", depth])
        .current_dir(root())
        .output()
        .expect("cargo tree");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let names = text.lines().filter_map(|l| l.split_whitespace().next()).skip(1);
    let names: Vec<String> = names.map(str::to_owned).collect();
    assert!(!names.is_empty(), "{package} depends on nothing? {text}");
    names
}

#[track_caller]
fn assert_none(package: &str, depth: &str, forbidden: &[&str]) {
    let there = dependencies(package, depth);
    for name in forbidden {
        assert!(!there.iter().any(|n| n == name), "{package} must not depend on {name}");
    }
}

#[test]
fn crates_depend_only_in_the_allowed_directions() {
    let torch = ["tch", "torch-sys", "surfit-engine"];
    let screens = ["ratatui", "ratatui-core", "crossterm", "plotters"];
    for (package, forbidden) in [
        ("surfit-core", &["tokio", "surfit-data"][..]),
        ("surfit-data", &["tokio", "indicatif"]),
        ("surfit-weights", &["tokio"]),
    ] {
        assert_none(package, "99", &[&torch, &screens[..], forbidden].concat());
    }
    let others = ["tokio", "surfit-data", "surfit-client"];
    assert_none("surfit-tui", "99", &[&torch, &others[..]].concat());
    let others = ["tokio", "ratatui", "surfit-data", "surfit-tui"];
    assert_none("surfit-report", "99", &[&torch, &others[..]].concat());
    for package in ["surfit-client", "surfit-cli", "surfit"] {
        assert_none(package, "99", &torch);
    }
    let frontends = ["surfit-tui", "surfit-report", "surfit-client", "surfit-cli"];
    assert_none("surfit-engine", "99", &[&screens, &frontends[..]].concat());
    // The test itself: a dependency that is there is found.
    assert!(dependencies("surfit-engine", "1").contains(&"tch".to_owned()));
}

/// What Cargo knows of every package that the workspace is built from.
fn packages() -> Vec<serde_json::Value> {
    // For this machine alone: crates of other systems need not have been fetched.
    let rustc = Command::new("rustc").arg("-vV").output().expect("rustc");
    let rustc = String::from_utf8_lossy(&rustc.stdout).into_owned();
    let host = rustc.lines().find_map(|l| l.strip_prefix("host: ")).expect("the host's name");
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--offline", "--locked", "--format-version", "1", "--filter-platform", host])
        .current_dir(root())
        .output()
        .expect("cargo metadata");
    let text = String::from_utf8_lossy(&output.stdout);
    let mut metadata: serde_json::Value = serde_json::from_str(&text).expect("metadata");
    match metadata["packages"].take() {
        serde_json::Value::Array(packages) => packages,
        other => panic!("no packages: {other}"),
    }
}

#[test]
fn dependencies_need_no_newer_rust_than_the_workspace_declares() {
    // Numbers of a version; "1.89" is the same as "1.89.0".
    let version = |text: &str| {
        let mut numbers = text.split('.').map_while(|n| n.parse::<u32>().ok());
        [(); 3].map(|()| numbers.next().unwrap_or(0))
    };
    let packages = packages();
    let ours = packages.iter().find(|p| p["name"] == "surfit");
    let ours = ours.and_then(|p| p["rust_version"].as_str()).expect("rust-version");
    let newer: Vec<_> = packages
        .iter()
        .filter(|p| p["rust_version"].as_str().is_some_and(|theirs| version(theirs) > version(ours)))
        .map(|p| format!("{} {} needs {}", p["name"], p["version"], p["rust_version"]))
        .collect();
    assert!(packages.len() > 100 && newer.is_empty(), "{newer:#?}");
}

#[test]
fn every_package_can_be_published() {
    let packages = packages();
    let ours: Vec<_> = packages.iter().filter(|p| p["source"].is_null()).collect();
    assert!(ours.len() > 5);
    for package in ours {
        let name = package["name"].as_str().unwrap_or_default();
        for key in ["description", "license", "rust_version"] {
            assert!(package[key].is_string(), "{name} has no {key}");
        }
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            assert!(dependency["req"] != "*", "{name}: {} has no version", dependency["name"]);
        }
    }
    // A file that a package includes must travel with it.
    for folder in ["src", "crates"] {
        for (path, text) in sources(folder, "rs") {
            let depth = path.components().rev().skip(1).take_while(|c| c.as_os_str() != "src").count();
            let above = format!("{}../", "../".repeat(depth + 1));
            for sign in ["include_str!(\"", "include_bytes!(\"", "include_bytes!(concat!(\""] {
                let leaves = text.contains(&format!("{sign}{above}"));
                assert!(!leaves, "{} includes a file from outside its package", path.display());
            }
        }
    }
}

/// Every file under a folder with this extension, and its text.
fn sources(folder: &str, extension: &str) -> Vec<(PathBuf, String)> {
    let (mut folders, mut found) = (vec![root().join(folder)], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())).flatten() {
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

/// Files of the crates that touch runs which name the file system past `files::`, and what they do there that is no opening,
/// reading or writing of something below a run's directory.
const PAST_FILES: &[(&str, &str)] = &[
    ("crates/surfit-cli/src/config.rs", "reads a configuration that the user names"),
    ("crates/surfit-cli/src/man.rs", "makes the folder for manual pages"),
    ("crates/surfit-cli/src/run_lookup.rs", "puts links to runs among the user's runs"),
    ("crates/surfit-client/src/engine_process.rs", "reads /proc"),
    ("crates/surfit-client/src/fake.rs", "is a stand-in for engines in tests"),
    ("crates/surfit-client/src/queue.rs", "reads the user's queue, which lies in no run"),
    ("crates/surfit-client/src/queue/lock.rs", "locks the user's queue"),
    ("crates/surfit-client/src/queue/runner.rs", "makes the queue's folder and its log"),
    ("crates/surfit-client/src/remote/host_config.rs", "reads the user's settings"),
    ("crates/surfit-client/src/remove.rs", "removes whole runs, and of links the links"),
    ("crates/surfit-client/src/runs.rs", "adds up sizes, and follows no link"),
    ("crates/surfit-core/src/config/load.rs", "reads a configuration that the user names"),
    ("crates/surfit-core/src/corner_cache.rs", "lists the user's cache"),
    ("crates/surfit-core/src/files/confined.rs", "is the door; it makes folders that the user names"),
    ("crates/surfit-core/src/files/stale_files.rs", "clears folders that lie in no run, and reads /proc"),
    ("crates/surfit-core/src/run_dir.rs", "makes a run's directory, and looks whether it is empty"),
    ("crates/surfit-core/src/run_dir/process.rs", "reads /proc"),
    ("crates/surfit-core/src/run_dir/find.rs", "lists the folder that runs lie in"),
    ("crates/surfit-core/src/run_dir/fork.rs", "gives a whole run its name"),
    ("crates/surfit-core/src/run_dir/node.rs", "reads /proc"),
    ("crates/surfit-core/src/run_dir/socket.rs", "looks at the folder of the user's sockets"),
    ("crates/surfit-core/src/study.rs", "reads a plan that the user names"),
    ("crates/surfit-engine/src/actor/shutdown.rs", "looks whether the run's directory is still where it was"),
    ("crates/surfit-engine/src/corner_cache.rs", "marks a file of the user's cache as used"),
    ("crates/surfit-engine/src/device.rs", "reads /proc"),
    ("crates/surfit-engine/src/server/socket.rs", "removes its own socket"),
    ("crates/surfit-engine/src/machine.rs", "reads /proc"),
    ("crates/surfit-engine/src/memory.rs", "reads /proc"),
    ("crates/surfit-engine/src/memory/budget.rs", "reads /proc and control groups"),
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
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    code.into_iter().find(|line| {
        let line = line.replace("rustix::fs::", "");
        let named = |start: &str| line.match_indices(start).any(|(at, _)| !line[..at].ends_with(char::is_alphanumeric));
        functions.iter().any(|function| named(&format!("fs::{function}")))
            || ["File::open(", "File::create", "File::options(", "OpenOptions::"].into_iter().any(named)
    })
}

#[test]
fn what_lies_in_a_run_is_opened_by_one_door() {
    let mut past = BTreeMap::new();
    for folder in [
        "crates/surfit-cli/src",
        "crates/surfit-client/src",
        "crates/surfit-core/src",
        "crates/surfit-engine/src",
        "crates/surfit-report/src",
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
    assert!(unknown.is_empty(), "use surfit_core::files below a run, or say in PAST_FILES why not: {unknown:#?}");
    for (path, _) in PAST_FILES {
        assert!(past.contains_key(*path), "{path} needs no exception any more");
    }
    // The test itself.
    for line in ["std::fs::read(path)", "fs::remove_dir_all(&a)", "File::open(path)", "File::options()"] {
        assert!(names_the_file_system(line).is_some(), "{line}");
    }
    for line in ["files::read(&path)", "use std::fs::File;", "rustix::fs::openat(a)", "MatchedFile::open(p)"] {
        assert!(names_the_file_system(line).is_none(), "{line}");
    }
}

#[test]
fn commands_write_to_standard_error_and_to_bars_through_one_door() {
    // There what could steer the terminal is taken off texts.
    for (path, text) in sources("crates/surfit-cli/src", "rs") {
        if path.ends_with("crates/surfit-cli/src/output.rs") {
            continue;
        }
        for sign in ["(stderr()", "::stderr()", "eprint", "println!"] {
            let used = text.lines().find(|l| l.contains(sign) && !l.contains("is_terminal"));
            assert_eq!(used, None, "{} writes by itself", path.display());
        }
        // A message is a constant, or goes through the door.
        for message in text.split("set_message(").skip(1) {
            let known = ["\"", "*file", "output::bar_message("];
            assert!(
                known.iter().any(|k| message.trim_start().starts_with(k)),
                "{}: {}",
                path.display(),
                message.lines().next().unwrap_or_default()
            );
        }
    }
}

/// Libraries that the loader finds for a program, without starting it.
#[cfg(target_os = "linux")]
fn loaded(program: &Path) -> String {
    let output = Command::new(program)
        .env("LD_TRACE_LOADED_OBJECTS", "1")
        .env_remove("LD_LIBRARY_PATH")
        .output()
        .expect("the loader");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("libc.so"), "no list of libraries:\n{text}");
    assert!(!text.contains("not found"), "{} does not find its libraries:\n{text}", program.display());
    text
}

#[cfg(target_os = "linux")]
#[test]
fn the_terminal_program_does_not_load_libtorch() {
    let (surfit, engine) = (Path::new(env!("CARGO_BIN_EXE_surfit")), &*engine_program());
    for name in ["torch", "libc10", "libgomp", "libcuda", "libstdc++"] {
        assert!(!loaded(surfit).contains(name), "surfit loads {name}:\n{}", loaded(surfit));
    }
    assert!(loaded(engine).contains("libtorch"), "the engine loads no libtorch? Then this test means nothing");

    // And at work: what is mapped into the processes while a job runs.
    let place = Sandbox::new();
    let mut command = place.command("run tiny.toml --run-dir a --json");
    command.stdout(std::process::Stdio::null());
    let client = support::ChildGuard(command.spawn().expect("surfit starts"));
    wait_for("the corners", || (!events_of(&place.path("a"), "losses").is_empty()).then_some(()));
    let maps = |pid: &str| std::fs::read_to_string(format!("/proc/{pid}/maps")).expect("its maps");
    let ours = maps(&client.0.id().to_string());
    assert!(!ours.contains("libtorch") && !ours.contains("libc10"), "surfit has libtorch in its memory");
    let pid = place.surfit("ls --json").ok().last_json()["pid"].to_string();
    assert!(maps(&pid).contains("libtorch"), "the engine has no libtorch in its memory?");
}

#[test]
fn small_commands_start_in_milliseconds() {
    let place = Sandbox::new();
    let mut times: Vec<f64> = (0..9).map(|_| place.surfit("--version").ok().seconds * 1e3).collect();
    times.sort_by(f64::total_cmp);
    println!("surfit --version: {:.0} ms (median of 9)", times[4]);
    assert!(times[0] < 250.0, "the fastest of nine starts took {:.0} ms", times[0]);
    let text = place.surfit("config default").ok().out;
    let path = place.write("default.toml", &text);
    let checked = place.surfit(&format!("config check {}", path.display())).ok().out;
    assert!(checked.contains("good"), "the printed default should be good: {checked}");
}
