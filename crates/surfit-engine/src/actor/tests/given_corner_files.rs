//! Corners that are given or stored, and exports that somebody copied.

use super::*;
use crate::model_file::{read_tensors, write_tensors};
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, Ordering};
use surfit_core::files::FilePath;

/// A run whose corners are trained and nothing more.
fn train_corners(path: &Path) {
    with_actor(path, |actor| {
        actor.tick_until(|a| !matches!(a.activity, ActorActivity::Corner(_)));
    });
}

fn corner_path(of: &Path, number: usize) -> FilePath {
    FilePath::beneath(of, format!("corners/corner-{number}.safetensors"))
}

#[test]
fn given_files_are_looked_at_once_however_often_the_disk_refuses() {
    let dir = tempfile::tempdir().unwrap();
    train_corners(&dir.path().join("theirs"));
    let files = [1, 2, 3, 4].map(|n| corner_path(&dir.path().join("theirs"), n).to_path_buf());
    let text = TINY.replace("corners = {", &format!("corners = {{ from = {files:?},"));
    let path = dir.path().join("a");
    with_actor_of(&path, &text, |actor| {
        let (corners, aside) = (path.join("corners"), path.join("aside"));
        std::fs::rename(&corners, &aside).unwrap();
        std::fs::write(&corners, "in the way").unwrap();
        actor.tick_or_stall().unwrap();
        assert!(actor.stall.is_some() && actor.unstored_corner.is_none());
        std::fs::remove_file(&files[3]).unwrap();
        std::fs::remove_file(&corners).unwrap();
        std::fs::rename(&aside, &corners).unwrap();
        actor.tick_or_stall().unwrap();
        assert!(matches!(actor.activity, ActorActivity::Corner(1)), "{:?}", actor.activity);
        // Corners that are begun anew are looked at again.
        actor.begin_corners();
        let why = actor.tick_corner(0).unwrap_err().to_string();
        assert!(why.contains("corner-4.safetensors"), "{why}");
    });
}

#[test]
fn a_stored_corner_is_a_file_of_this_program_and_lies_in_the_run() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a");
    train_corners(&path);
    let (stored, outside) = (corner_path(&path, 1), dir.path().join("outside.safetensors"));
    with_actor(&path, |actor| {
        let whole = actor.read_stored_corner(&stored).unwrap();
        let (tensors, _) = read_tensors(&stored, |_| 1 << 30).unwrap();
        // As a given file may be.
        let renamed: Vec<(String, &Tensor)> =
            tensors.iter().map(|(name, tensor)| (format!("module.{name}"), tensor)).collect();
        let renamed: Vec<(&str, &Tensor)> = renamed.iter().map(|(n, t)| (n.as_str(), *t)).collect();
        write_tensors(&stored, &renamed, &[]).unwrap();
        let why = actor.read_stored_corner(&stored).unwrap_err().to_string();
        assert!(why.contains("is no corner of this network") && why.contains("is missing"), "{why}");
        let zeros: Vec<Tensor> = tensors.iter().map(|(_, t)| t.zeros_like()).collect();
        let named = |values: Vec<&'_ Tensor>, to: &FilePath| {
            let names = tensors.iter().map(|(name, _)| name.as_str());
            let named: Vec<(&str, &Tensor)> = names.zip(values).collect();
            write_tensors(to, &named, &[]).unwrap();
        };
        named(zeros.iter().collect(), &FilePath::from_location(&outside));
        let kept = dir.path().join("kept.safetensors");
        named(tensors.iter().map(|(_, t)| t).collect(), &FilePath::from_location(&kept));
        // Whenever somebody puts a link in its place, what lies outside is not read.
        let (over, swapped) = (AtomicBool::new(false), dir.path().join("swapped"));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    symlink(&outside, &swapped).unwrap();
                    std::fs::rename(&swapped, &stored).unwrap();
                    std::fs::hard_link(&kept, &swapped).unwrap();
                    std::fs::rename(&swapped, &stored).unwrap();
                }
            });
            let mut read = 0;
            for _ in 0..2000 {
                if let Ok(flat) = actor.read_stored_corner(&stored) {
                    assert_eq!(flat, whole);
                    read += 1;
                }
            }
            over.store(true, Ordering::Relaxed);
            assert!(read > 0);
        });
    });
}

#[test]
fn an_order_of_many_classes_is_in_a_file_that_can_be_pasted() {
    let dir = tempfile::tempdir().unwrap();
    with_actor(&dir.path().join("a"), |actor| {
        let short = actor.describe_class_order(0, &["b", "a \"quoted\""]);
        assert_eq!(short, "the order data.classes = [\"b\", \"a \\\"quoted\\\"\"]");
        assert!(!actor.class_order_path(0).exists());
        let names: Vec<String> = (0..100).rev().map(|n| format!("class \"{n}\"")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let said = actor.describe_class_order(0, &names);
        assert!(said.len() < 200 && said.contains("corners/corner-1-classes.toml"), "{said}");
        let text = std::fs::read_to_string(actor.class_order_path(0)).unwrap();
        let config = surfit_core::config::parse(&text, "the file").unwrap();
        assert_eq!(config.data.classes, names);
        actor.corners = super::super::startup::unready_corners(4);
        actor.discard_corners().unwrap();
        assert!(!actor.class_order_path(0).exists());
    });
}

#[test]
fn other_shares_of_the_classes_are_a_cause_only_where_there_are_others() {
    let dir = tempfile::tempdir().unwrap();
    with_actor(&dir.path().join("a"), |actor| {
        let counted: usize = actor.data.class_sizes.iter().sum();
        assert!(counted > 200, "{counted} images without the limit");
        let w = Tensor::zeros([actor.model.parameters()], (tch::Kind::Float, tch::Device::Cpu));
        // What no recalibration reaches.
        let own = crate::model::Measurement::from_counts(100, 100, 0.0);
        let balanced = actor.explain_accuracy_loss(&w, &own);
        assert!(!balanced.contains("leave it at 0"), "{balanced}");
        assert!(balanced.contains("check data.name"), "{balanced}");
        actor.data.class_sizes[3] -= 1;
        let imbalanced = actor.explain_accuracy_loss(&w, &own);
        assert!(imbalanced.contains("other shares of the classes than data.train_images = 200 leaves"), "{imbalanced}");
    });
}

#[test]
fn a_copy_of_an_export_is_not_reported_as_an_export() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a");
    with_actor(&path, |actor| actor.tick_until_idle());
    let exports = path.join("exports");
    let made = std::fs::read_dir(&exports).unwrap().next().unwrap().unwrap();
    let name = made.file_name().into_string().unwrap();
    for copy in ["mine".to_owned(), format!("{name}-old"), format!("{name}-02"), format!("x{name}")] {
        std::fs::create_dir(exports.join(&copy)).unwrap();
        let card = made.path().join("model.json");
        std::fs::copy(card, exports.join(copy).join("model.json")).unwrap();
    }
    let notice_count = || {
        let events = RunDir::open(&path).unwrap().events(0).unwrap();
        let exported = |e: &&surfit_core::event::Envelope| matches!(e.event, Event::Exported(_));
        events.iter().filter(exported).count()
    };
    with_actor(&path, |actor| actor.tick_until_idle());
    assert_eq!(notice_count(), 1);
    // The next one that the engine would have made itself.
    std::fs::rename(exports.join("mine"), exports.join(format!("{name}-2"))).unwrap();
    with_actor(&path, |actor| actor.tick_until_idle());
    assert_eq!(notice_count(), 2);
}
