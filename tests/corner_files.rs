//! Files that corners are given in: looked at before anything is made of them.

mod support;

use support::Sandbox;

#[test]
fn a_check_opens_corner_files_and_refuses_what_a_run_refuses() {
    let place = Sandbox::new();
    let fixture = |name: &str| {
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/surfit-weights/src/fixtures").join(name)
    };
    let given = |name: &str, files: [&str; 2]| {
        let files = files.map(|file| format!("\"{}\"", fixture(file).display()));
        place.write(name, format!("[corners]\ncheckpoints = [{}]\n[fit]\ndegree = 1\n", files.join(", ")));
    };
    given("bad.toml", ["spectral_norm.pt", "spectral_norm.pt"]);
    let part = "spectral_norm.pt: the file needs the model's code to compute `2.weight`";
    place.surfit("config check bad.toml").fails(2, &[part]);
    place.surfit("run bad.toml --run-dir a").fails(2, &[part]);
    assert!(!place.path("a").exists(), "nothing was begun");
    for (file, part) in [
        ("script.pt", "torch.jit.load(FILE).state_dict()"),
        ("exported.pt2", "torch.export.load(FILE).state_dict"),
        ("sparse.pt", "to_dense()"),
        ("quantized.pt", "dequantize()"),
    ] {
        given("other.toml", [file, file]);
        place.surfit("config check other.toml").fails(2, &[file, part]);
        place.surfit("run other.toml --run-dir a").fails(2, &[file, part]);
    }
    // A folder that is there is not called missing.
    std::fs::create_dir(place.path("folder")).expect("a folder");
    place.write("folder.toml", "[corners]\ncheckpoints = [\"folder\", \"folder\"]\n[fit]\ndegree = 1\n");
    place.surfit("config check folder.toml").fails(2, &["is a folder without weights"]);
}
