//! Some of the faults of `scripts/inject_faults.py`: a kill, a refusal, half a write and a power cut here and there in a tiny
//! job, which comes to the same each time. The script alone, which takes longer, goes through every file operation.
#![cfg(target_os = "linux")]

mod support;

use std::process::Command;
use support::Place;

/// Of so many file operations of the job one is disturbed. A number that shares no factor with the operations of a write.
const EVERY: &str = "37";

#[test]
fn a_job_that_is_disturbed_anywhere_comes_to_the_same() {
    let missing = |program: &str| Command::new(program).arg("--version").output().is_err();
    if missing("python3") || missing("gcc") {
        println!("skipped: the script needs python3 and gcc");
        return;
    }
    let place = Place::new();
    let mut command = place.program("python3");
    command
        .arg("-B")
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/scripts/inject_faults.py"
        ))
        .arg(env!("CARGO_BIN_EXE_surfit"))
        .args(["--every", EVERY, "--seconds", "40", "--jobs", "2"])
        .args(["--kinds", "kill", "EIO", "ENOSPC", "short", "power"]);
    let done = place.finish(command).ok();
    println!("{}", done.out);
    let made = |kind: &str| -> usize {
        let line = done.out.lines().find(|l| l.starts_with(kind));
        let line = line.unwrap_or_else(|| panic!("no {kind}:\n{}", done.out));
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    assert!(made("kill ") > 0 && made("power ") > 0, "{}", done.out);
}
