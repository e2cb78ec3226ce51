//! Lets the program `surfit-engine` and this crate's tests find libtorch at run time.
//!
//! torch-sys tells the linker where libtorch is, but link arguments do not travel from a library to
//! the programs that use it, and nothing tells the loader. Without a run path every program would
//! need `LD_LIBRARY_PATH`, which the engine, started detached from a terminal, cannot rely on.

use std::env;
use std::path::{Path, PathBuf};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // Without a target kind: Cargo's `-tests` kind leaves out a library's unit tests.
    for arg in libtorch_link_args() {
        println!("cargo::rustc-link-arg={arg}");
    }
}

/// The arguments, for the C compiler as linker, that make a program find libtorch at run time.
fn libtorch_link_args() -> Vec<String> {
    println!("cargo::rerun-if-env-changed=LIBTORCH");
    println!("cargo::rerun-if-env-changed=LIBTORCH_LIB");
    // The same places in the same order as torch-sys, so that what is linked is what is loaded.
    let root = env::var_os("LIBTORCH_LIB").or_else(|| env::var_os("LIBTORCH")).map(PathBuf::from);
    let Some(root) = root else {
        if Path::new("/usr/lib/libtorch.so").exists() {
            return Vec::new(); // the loader looks there by itself
        }
        println!(
            "cargo::error=LIBTORCH is not set and /usr/lib holds no libtorch: run `make setup` in the \
             repository's root, which finds or installs it and writes .cargo/config.toml."
        );
        return Vec::new();
    };
    let lib = root.join("lib");
    let os = env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    if os != "linux" && os != "macos" {
        return Vec::new();
    }
    // Where the loader looks: here, or wherever the program is put, as `$ORIGIN/../lib` of a release archive.
    println!("cargo::rerun-if-env-changed=SURFIT_RUN_PATH");
    let run_path = env::var("SURFIT_RUN_PATH").unwrap_or_else(|_| lib.display().to_string());
    // -Xlinker rather than -Wl, because that one splits paths at commas.
    let mut args = linker(["-rpath", &run_path]);
    // Nothing refers to these by symbol (they register their kernels when loaded), so that the
    // linker, which rustc calls with --as-needed, would drop them, and the GPU with them.
    for name in ["libtorch_cuda.so", "libtorch_hip.so"] {
        let path = lib.join(name);
        if os == "linux" && path.exists() {
            args.extend(linker(["--push-state", "--no-as-needed"]));
            args.push(path.display().to_string());
            args.extend(linker(["--pop-state"]));
        }
    }
    args
}

/// Each argument handed through the compiler driver to the linker.
fn linker<const N: usize>(args: [&str; N]) -> Vec<String> {
    args.iter().flat_map(|arg| ["-Xlinker".to_owned(), (*arg).to_owned()]).collect()
}
