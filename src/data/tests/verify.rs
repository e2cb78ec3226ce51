//! Checking what is there.

use super::support::*;
use crate::entry;
use crate::find::look;
use crate::verify::{Verdict, verify};
use std::path::Path;

#[test]
fn files_that_can_be_read_are_told_from_published_and_damaged_ones() {
    let dir = tempfile::tempdir().unwrap();
    idx_files(dir.path());
    let mnist = entry("mnist").unwrap();
    let check = || verify(&look(mnist, dir.path()).unwrap()).unwrap();
    let all = check();
    assert_eq!(all.len(), 4);
    for checked in &all {
        assert_eq!(checked.verdict, Verdict::Readable);
        let note = checked.note.as_deref().unwrap();
        assert!(
            note.contains("not the published file") && note.contains("expected"),
            "{note}"
        );
    }
    let path = dir.path().join("t10k-images-idx3-ubyte");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.truncate(999);
    std::fs::write(&path, bytes).unwrap();
    let damaged: Vec<_> = check()
        .into_iter()
        .filter(|c| c.verdict == Verdict::Damaged)
        .collect();
    assert_eq!(damaged.len(), 1);
    assert_eq!(damaged[0].file, path);
    assert!(damaged[0].note.as_deref().unwrap().contains("cut short"));
    std::fs::remove_file(&path).unwrap();
    let all = check();
    assert!(
        all.iter()
            .any(|c| c.file == path && c.verdict == Verdict::Missing),
        "{all:?}"
    );
}

#[test]
fn the_published_content_is_known_however_it_is_packed() {
    let real = Path::new("/usr/share/datasets/fashion-mnist");
    if !real.is_dir() {
        println!("the package dataset-fashion-mnist is not installed: nothing to check");
        return;
    }
    let found = look(entry("fashion-mnist").unwrap(), real).unwrap();
    for checked in verify(&found).unwrap() {
        assert_eq!(checked.verdict, Verdict::Published, "{checked:?}");
    }
}
