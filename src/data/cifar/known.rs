//! Files under each other's names.
//!
//! Any file of a set could lie under the name of another, and test images under the name of training images would be
//! trained on. The images tell: published ones by their checksum, others when two files have the same.

use crate::digest;
use crate::images::Images;
use sha2::{Digest, Sha256};

/// SHA-256 of the binary files of CIFAR-10, in their order; the Python ones have the same images.
pub(super) const CIFAR10: [&str; 6] = [
    "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
    "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
    "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
    "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
    "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
    "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b",
];

/// Refuses a file with the images of another: `known` are the checksums of the published files, in order. Gives the
/// file's name and what is wrong with it.
pub(super) fn check<'a>(
    files: &[&'a str],
    known: &[&str],
    parts: &[Images],
) -> Result<(), (&'a str, String)> {
    let found: Vec<String> = parts.iter().map(checksum).collect();
    for (i, checksum) in found.iter().enumerate() {
        let published = known.iter().position(|k| k == checksum);
        let twin = found[..i].iter().position(|other| other == checksum);
        if let Some(other) = published.filter(|&k| k != i).or(twin) {
            return Err((
                files[i],
                format!("its images are those of {}", files[other]),
            ));
        }
    }
    Ok(())
}

/// SHA-256 of the images as records of a label byte and pixels, the binary form of CIFAR-10.
fn checksum(images: &Images) -> String {
    let mut hash = Sha256::new();
    for (label, pixels) in images
        .labels
        .iter()
        .zip(images.pixels.chunks(images.size()))
    {
        hash.update([*label as u8]);
        hash.update(pixels);
    }
    digest::hex(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_images_under_another_name_are_known() {
        let part = |label: u16| Images {
            shape: [3, 1, 1],
            pixels: vec![1, 2, 3],
            labels: vec![label],
        };
        let parts = [part(0), part(1)];
        let known = parts.each_ref().map(checksum);
        assert_eq!(known[0], digest::of(&[0, 1, 2, 3]));
        let (a, b) = (known[0].as_str(), known[1].as_str());
        check(&["x", "y"], &[a, b], &parts).unwrap();
        check(&["x", "y"], &[], &parts).unwrap();
        let swapped = check(&["x", "y"], &[b, a], &parts).unwrap_err();
        assert_eq!(swapped, ("x", "its images are those of y".into()));
        let twins = check(&["x", "y"], &[], &[part(1), part(1)]).unwrap_err();
        assert_eq!(twins, ("y", "its images are those of x".into()));
    }
}
