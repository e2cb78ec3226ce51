//! Lets the program `surfit-engine`, and whole-program tests that use the engine crate, find
//! libtorch at run time. `surfit` itself gets none of it: it must not load libtorch.

#[path = "src/engine/build.rs"]
mod engine;

use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/engine/build.rs");
    // Cargo refuses the `-tests` kind in a package without test programs.
    let has_tests = Path::new("tests").read_dir().is_ok_and(|mut entries| {
        entries.any(|e| e.is_ok_and(|e| e.path().extension().is_some_and(|x| x == "rs")))
    });
    for arg in engine::libtorch_link_args() {
        println!("cargo::rustc-link-arg-bin=surfit-engine={arg}");
        if has_tests {
            println!("cargo::rustc-link-arg-tests={arg}");
        }
    }
}
