//! Relative paths in a configuration or a study mean the file's folder, however the file itself is named.

mod support;

use support::{Sandbox, finished_event};

const SMALL: &str = "name = 'rel'\nthreads = 1\n[network]\nwidths = [4, 8]\n[fit]\nepochs = 0.2\nboundary_epochs = 0\nbatch_size = 50\ndegree = 2\n\
                     [heatmap]\ngrid = 3\n";

/// A folder with files of two corners and a configuration that names them without a folder.
fn with_corners() -> Sandbox {
    let place = Sandbox::new();
    place.run_tiny_job("made", "--set corners.count=2 --set fit.degree=2 --set corners.epochs=1");
    for n in 1..=2 {
        let name = format!("corner-{n}.safetensors");
        std::fs::copy(place.path("made/corners").join(&name), place.path(&name)).expect("a corner");
    }
    let from = "[corners]\ncheckpoints = ['corner-1.safetensors', 'corner-2.safetensors']\n";
    let data = "[data]\ntrain_images = 200\nvalidation_images = 100\nbn_images = 50\n";
    place.write("rel.toml", format!("{SMALL}{data}{from}"));
    place
}

#[test]
fn corner_files_are_found_beside_a_configuration_that_is_named_without_a_folder() {
    let place = with_corners();
    place.surfit("config check rel.toml").ok();
    place.surfit("run rel.toml --run-dir a --json").ok();
    place.surfit("run ./rel.toml --run-dir b --json").ok();
    let configuration =
        |run: &str| std::fs::read_to_string(place.path(run).join("config.toml")).expect("a configuration");
    assert_eq!(configuration("a"), configuration("b"));
    // Without a terminal it does the job as `run` does.
    let opened = place.surfit("open rel.toml").ok();
    assert!(opened.out.contains("finished"), "{}", opened.describe());
    place.surfit("run rel.toml --seeds 2 --run-dir seeds").ok();
    place.surfit("queue add rel.toml").ok();
    place.surfit("queue start").ok();
    place.write(
        "st.toml",
        "config = 'rel.toml'\nseeds = [1]\n[[variant]]\nname = 'v'\nset = [\"corners.checkpoints=['corner-1.safetensors','corner-2.safetensors']\"]\n",
    );
    place.surfit("config check st.toml").ok();
    place.surfit("study st.toml --dir study").ok();
    assert!(finished_event(&place.path("study/v-seed1")).is_some());
}

#[test]
fn a_folder_of_images_is_found_beside_a_configuration_that_is_named_without_a_folder() {
    let place = Sandbox::new();
    // The smallest pictures there are: binary grey maps.
    for class in ["a", "b"] {
        let folder = place.path("d").join(class);
        std::fs::create_dir_all(&folder).expect("a folder");
        for n in 0..60u8 {
            let shade = if class == "a" { n } else { 255 - n };
            let mut picture = b"P5 8 8 255\n".to_vec();
            picture.extend([shade; 64]);
            std::fs::write(folder.join(format!("{n}.pgm")), picture).expect("a picture");
        }
    }
    let data = "[data]\nname = 'folder'\nroot = 'd'\nbn_images = 20\n";
    let corners = "[corners]\ncount = 2\ncache = false\nepochs = 1\nbatch_size = 10\n";
    let text = SMALL.replace("batch_size = 50", "batch_size = 10");
    place.write("images.toml", format!("{text}{data}{corners}"));
    place.surfit("config check images.toml").ok();
    place.surfit("run images.toml --run-dir a --json").ok();
}
