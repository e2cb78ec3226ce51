//! Some of the faults of `scripts/inject_faults.py`: kills, refusals, halves of writes and power cuts here and there in tiny
//! commands, which come to the same each time. The script alone, which takes longer, goes through every file operation.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

mod support;

use std::process::Command;
use support::Sandbox;

/// Of so many file operations one is disturbed. A number that shares no factor with the operations of a write.
const EVERY: &str = "53";

#[test]
fn commands_that_are_disturbed_anywhere_come_to_the_same() {
    let missing = |program: &str| Command::new(program).arg("--version").output().is_err();
    if missing("python3") || missing("cc") {
        println!("skipped: the script needs python3 and cc");
        return;
    }
    let place = Sandbox::new();
    let mut command = place.program("python3");
    command
        .arg("-B")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/inject_faults.py"))
        .arg(env!("CARGO_BIN_EXE_surfit"))
        .args(["--every", EVERY, "--seconds", "40", "--jobs", "2"])
        .args(["--scenarios", "run", "export", "fork"])
        .args(["--kinds", "kill", "EIO", "ENOSPC", "short", "power"]);
    let done = place.run_to_end(command);
    if done.err.contains("the tracer failed") {
        println!("skipped: {}", done.err);
        return;
    }
    let done = done.ok();
    println!("{}", done.out);
    // The last column has the faults of all commands, and after a slash those that differ.
    let made = |kind: &str| -> usize {
        let line = done.out.lines().find(|l| l.starts_with(kind));
        let line = line.unwrap_or_else(|| panic!("no {kind}:\n{}", done.out));
        let all = line.split_whitespace().last().expect("a column");
        all.split('/').next().unwrap().parse().expect("a number")
    };
    assert!(made("kill ") > 0 && made("power ") > 0, "{}", done.out);
}
