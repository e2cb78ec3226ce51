//! The program `surfit-engine` by itself. A test that is a program of its own also makes Cargo build the program for the
//! tests of the whole workspace.

use std::process::Command;

fn engine(arguments: &[&str]) -> (i32, String, String) {
    let output =
        Command::new(env!("CARGO_BIN_EXE_surfit-engine")).args(arguments).output().expect("surfit-engine starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let code = output.status.code().expect("an exit status");
    (code, text(&output.stdout), text(&output.stderr))
}

#[test]
fn version_is_that_of_the_package() {
    let (code, out, errors) = engine(&["--version"]);
    assert_eq!(code, 0, "{errors}");
    assert_eq!(out.trim(), concat!("surfit-engine ", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_folder_that_is_no_run_is_refused_with_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().display().to_string();
    let (code, out, errors) = engine(&["serve", &path]);
    assert_eq!((code, out.as_str()), (1, ""), "{errors}");
    assert_eq!(errors.trim().lines().count(), 1, "{errors}");
    assert!(errors.contains(&path), "{errors}");
}
