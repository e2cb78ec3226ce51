//! CIFAR-100: small photographs of a hundred kinds.

use super::published::{PublishedFile, PublishedForm};
use super::{CIFAR_URLS, CifarForm, CifarLabels, DataFormat, DataSetSpec, VALIDATION_FROM_TRAINING};

pub(super) const SPEC: DataSetSpec = DataSetSpec {
    name: "cifar100",
    about: "CIFAR-100 (Krizhevsky 2009): 32×32 colour images, 100 classes (the fine labels)",
    format: DataFormat::Cifar {
        forms: &[
            CifarForm {
                folder: "cifar-100-binary",
                files: &["train.bin", "test.bin"],
                // The coarse label, which is not read, and the fine one.
                labels: CifarLabels::Bytes(2),
            },
            CifarForm {
                folder: "cifar-100-python",
                files: &["train", "test"],
                labels: CifarLabels::Pickled("fine_labels"),
            },
        ],
        checksums: &[],
    },
    shape: Some([3, 32, 32]),
    classes: CLASSES,
    class_count: 100,
    images: [50_000, 10_000],
    mean: &[0.5071, 0.4865, 0.4409],
    std: &[0.2673, 0.2564, 0.2762],
    splits: VALIDATION_FROM_TRAINING,
    forms: &[
        PublishedForm {
            name: "binary",
            files: &[PublishedFile::archive(
                "cifar-100-binary.tar.gz",
                168_513_733,
                "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
                CIFAR_URLS,
            )],
        },
        PublishedForm {
            name: "python",
            files: &[PublishedFile::archive(
                "cifar-100-python.tar.gz",
                169_001_437,
                "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
                CIFAR_URLS,
            )],
        },
    ],
    folders: &["cifar-100", "cifar100"],
    fallback: None,
};

/// The fine labels.
#[rustfmt::skip]
const CLASSES: &[&str] = &[
    "apple", "aquarium_fish", "baby", "bear", "beaver", "bed", "bee", "beetle", "bicycle", "bottle", "bowl", "boy",
    "bridge", "bus", "butterfly", "camel", "can", "castle", "caterpillar", "cattle", "chair", "chimpanzee", "clock",
    "cloud", "cockroach", "couch", "crab", "crocodile", "cup", "dinosaur", "dolphin", "elephant", "flatfish",
    "forest", "fox", "girl", "hamster", "house", "kangaroo", "keyboard", "lamp", "lawn_mower", "leopard", "lion",
    "lizard", "lobster", "man", "maple_tree", "motorcycle", "mountain", "mouse", "mushroom", "oak_tree", "orange",
    "orchid", "otter", "palm_tree", "pear", "pickup_truck", "pine_tree", "plain", "plate", "poppy", "porcupine",
    "possum", "rabbit", "raccoon", "ray", "road", "rocket", "rose", "sea", "seal", "shark", "shrew", "skunk",
    "skyscraper", "snail", "snake", "spider", "squirrel", "streetcar", "sunflower", "sweet_pepper", "table", "tank",
    "telephone", "television", "tiger", "tractor", "train", "trout", "tulip", "turtle", "wardrobe", "whale",
    "willow_tree", "wolf", "woman", "worm",
];
