//! Published files: names, sizes, checksums and homes.

/// One way in which a set is published.
#[derive(Clone, Copy, Debug)]
pub struct PublishedForm {
    /// Its name, such as `binary`.
    pub name: &'static str,
    /// Published files of this form.
    pub files: &'static [PublishedFile],
}

/// A file as its publisher has it.
#[derive(Clone, Copy, Debug)]
pub struct PublishedFile {
    /// Name of the file.
    pub name: &'static str,
    /// Size of the file in bytes.
    pub size: u64,
    /// SHA-256, in hexadecimal.
    pub sha256: &'static str,
    /// SHA-256 of what a gzipped file unpacks to, for people unpack such files and pack them again; empty for archives.
    pub unpacked: &'static str,
    /// The folders on the web that have it, the first one first.
    pub homes: &'static [&'static str],
}

const CIFAR_HOMES: &[&str] = &["https://www.cs.toronto.edu/~kriz"];
const MNIST_HOMES: &[&str] =
    &["https://ossci-datasets.s3.amazonaws.com/mnist", "https://storage.googleapis.com/cvdf-datasets/mnist"];
const FASHION_HOMES: &[&str] = &["http://fashion-mnist.s3-website.eu-central-1.amazonaws.com"];

const fn archive_file(
    name: &'static str,
    size: u64,
    sha256: &'static str,
    homes: &'static [&'static str],
) -> PublishedFile {
    PublishedFile { name, size, sha256, unpacked: "", homes }
}

pub(super) const CIFAR10_PUBLISHED: &[PublishedForm] = &[
    PublishedForm {
        name: "binary",
        files: &[archive_file(
            "cifar-10-binary.tar.gz",
            170_052_171,
            "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
            CIFAR_HOMES,
        )],
    },
    PublishedForm {
        name: "python",
        files: &[archive_file(
            "cifar-10-python.tar.gz",
            170_498_071,
            "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
            CIFAR_HOMES,
        )],
    },
];

pub(super) const CIFAR100_PUBLISHED: &[PublishedForm] = &[
    PublishedForm {
        name: "binary",
        files: &[archive_file(
            "cifar-100-binary.tar.gz",
            168_513_733,
            "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
            CIFAR_HOMES,
        )],
    },
    PublishedForm {
        name: "python",
        files: &[archive_file(
            "cifar-100-python.tar.gz",
            169_001_437,
            "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
            CIFAR_HOMES,
        )],
    },
];

pub(super) const TINY_IMAGENET_PUBLISHED: &[PublishedForm] = &[PublishedForm {
    name: "zip",
    files: &[archive_file(
        "tiny-imagenet-200.zip",
        248_100_043,
        "6198c8ae015e2b3e007c7841da39ec069199b9aa3bfa943a462022fe5e43c821",
        &["http://cs231n.stanford.edu"],
    )],
}];

/// The files of the MNIST family: for each its size, its SHA-256 and that of what it unpacks to.
const fn idx_files(
    homes: &'static [&'static str],
    files: [(u64, &'static str, &'static str); 4],
) -> [PublishedFile; 4] {
    let names = [
        "train-images-idx3-ubyte.gz",
        "train-labels-idx1-ubyte.gz",
        "t10k-images-idx3-ubyte.gz",
        "t10k-labels-idx1-ubyte.gz",
    ];
    let mut all = [PublishedFile { name: "", size: 0, sha256: "", unpacked: "", homes }; 4];
    let mut i = 0;
    while i < 4 {
        let (size, sha256, unpacked) = files[i];
        all[i].name = names[i];
        all[i].size = size;
        all[i].sha256 = sha256;
        all[i].unpacked = unpacked;
        i += 1;
    }
    all
}

pub(super) const MNIST_PUBLISHED: &[PublishedForm] = &[PublishedForm {
    name: "idx",
    files: &idx_files(
        MNIST_HOMES,
        [
            (
                9_912_422,
                "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
                "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            ),
            (
                28_881,
                "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
                "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            ),
            (
                1_648_877,
                "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
                "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            ),
            (
                4_542,
                "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
                "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
            ),
        ],
    ),
}];

pub(super) const FASHION_MNIST_PUBLISHED: &[PublishedForm] = &[PublishedForm {
    name: "idx",
    files: &idx_files(
        FASHION_HOMES,
        [
            (
                26_421_880,
                "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
                "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            ),
            (
                29_515,
                "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
                "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            ),
            (
                4_422_102,
                "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
                "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            ),
            (
                5_148,
                "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
                "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
            ),
        ],
    ),
}];
