//! Kuzushiji-MNIST: cursive characters of classical Japanese.
//!
//! Sizes and SHA-256 of the files are those of TensorFlow Datasets (`url_checksums/kmnist.txt`), and torchvision's port to Ruby
//! has the same SHA-256. Nobody publishes those of the unpacked files: unpacked or packed anew, they are not told from those of
//! another set in this format.

use super::published::{PublishedForm, idx_files};
use super::{DataFormat, DataSetSpec, VALIDATION_FROM_TRAINING};

pub(super) const SPEC: DataSetSpec = DataSetSpec {
    name: "kmnist",
    about: "Kuzushiji-MNIST (Clanuwat et al. 2018): 28×28 grey Japanese characters, 10 classes",
    format: DataFormat::Idx,
    shape: Some([1, 28, 28]),
    classes: &["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"],
    class_count: 10,
    images: [60_000, 10_000],
    mean: &[0.1918],
    std: &[0.3483],
    splits: VALIDATION_FROM_TRAINING,
    forms: &[PublishedForm {
        name: "idx",
        files: &idx_files(
            &["http://codh.rois.ac.jp/kmnist/dataset/kmnist"],
            [
                (18_165_135, "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4", ""),
                (29_497, "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17", ""),
                (3_041_136, "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5", ""),
                (5_120, "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c", ""),
            ],
        ),
    }],
    folders: &["KMNIST/raw", "kmnist", "raw"],
    fallback: None,
};
