//! Files under each other's names.
//!
//! Any file of a set could have the name of another, and test images under the name of training images would be
//! trained on. The images show it: published ones by their checksum, others when two files have the same.

use crate::digest;
use crate::images::LabeledImages;
use sha2::{Digest, Sha256};

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
