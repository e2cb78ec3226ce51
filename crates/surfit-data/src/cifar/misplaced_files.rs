//! Files under each other's names.
//!
//! Any file of a set could have the name of another, and test images under the name of training images would be
//! trained on. The images show it: published ones by their checksum, others when two files have the same.

use crate::digest;
use crate::images::LabeledImages;
use sha2::{Digest, Sha256};

/// SHA-256 of the binary files of CIFAR-10, in their order; the Python ones have the same images.
pub(super) const CIFAR10_CHECKSUMS: [&str; 6] = [
    "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
    "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
    "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
    "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
    "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
    "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b",
];

/// The files with the images of another: `known` are the checksums of the published files, in order. Gives the indices of
/// the files and what is wrong with each.
pub(super) fn match_checksums(files: &[&str], known: &[&str], parts: &[&LabeledImages]) -> Vec<(usize, String)> {
    let found: Vec<String> = parts.iter().map(|part| checksum(part)).collect();
    let of_another = |(i, checksum): (usize, &String)| {
        let published = known.iter().position(|k| k == checksum);
        let twin = found[..i].iter().position(|other| other == checksum);
        let other = published.filter(|&k| k != i).or(twin)?;
        Some((i, format!("its images are those of {}", files[other])))
    };
    found.iter().enumerate().filter_map(of_another).collect()
}

/// SHA-256 of the images as records of a label byte and pixels, the binary form of CIFAR-10.
fn checksum(images: &LabeledImages) -> String {
    let mut hash = Sha256::new();
    for (label, pixels) in images.labels.iter().zip(images.pixels.chunks(images.image_bytes())) {
        hash.update([*label as u8]);
        hash.update(pixels);
    }
    digest::to_hex(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_images_under_another_name_are_known() {
        let part = |label: u16| LabeledImages { shape: [3, 1, 1], pixels: vec![1, 2, 3], labels: vec![label] };
        let (zero, one) = (part(0), part(1));
        let parts = [&zero, &one];
        let known = parts.map(checksum);
        assert_eq!(known[0], digest::sha256_hex(&[0, 1, 2, 3]));
        let (a, b) = (known[0].as_str(), known[1].as_str());
        let of = |known: &[&str], parts| match_checksums(&["x", "y"], known, parts);
        assert_eq!(of(&[a, b], &parts), []);
        assert_eq!(of(&[], &parts), []);
        let said = |other: &str| format!("its images are those of {other}");
        assert_eq!(of(&[b, a], &parts), [(0, said("y")), (1, said("x"))]);
        assert_eq!(of(&[], &[&one, &one]), [(1, said("x"))]);
    }
}
