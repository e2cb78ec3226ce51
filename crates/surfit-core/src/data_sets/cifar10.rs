//! CIFAR-10: small photographs of ten kinds.

use super::published::{PublishedFile, PublishedForm};
use super::{CIFAR_URLS, CifarForm, CifarLabels, DataFormat, DataSetSpec, VALIDATION_FROM_TRAINING};

pub(super) const SPEC: DataSetSpec = DataSetSpec {
    name: "cifar10",
    about: "CIFAR-10 (Krizhevsky 2009): 32×32 colour images, 10 classes",
    format: DataFormat::Cifar {
        forms: &[
            CifarForm {
                folder: "cifar-10-batches-bin",
                files: &[
                    "data_batch_1.bin",
                    "data_batch_2.bin",
                    "data_batch_3.bin",
                    "data_batch_4.bin",
                    "data_batch_5.bin",
                    "test_batch.bin",
                ],
                labels: CifarLabels::Bytes(1),
            },
            CifarForm {
                folder: "cifar-10-batches-py",
                files: &["data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"],
                labels: CifarLabels::Pickled("labels"),
            },
        ],
        checksums: &[
            "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
            "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
            "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
            "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
            "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
            "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b",
        ],
    },
    shape: Some([3, 32, 32]),
    classes: &["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"],
    class_count: 10,
    images: [50_000, 10_000],
    mean: &[0.4914, 0.4822, 0.4465],
    std: &[0.2470, 0.2435, 0.2616],
    splits: VALIDATION_FROM_TRAINING,
    forms: &[
        PublishedForm {
            name: "binary",
            files: &[PublishedFile::archive(
                "cifar-10-binary.tar.gz",
                170_052_171,
                "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
                CIFAR_URLS,
            )],
        },
        PublishedForm {
            name: "python",
            files: &[PublishedFile::archive(
                "cifar-10-python.tar.gz",
                170_498_071,
                "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
                CIFAR_URLS,
            )],
        },
    ],
    folders: &["cifar-10", "cifar10"],
    fallback: None,
};
