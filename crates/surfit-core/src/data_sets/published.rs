//! Published files: names, sizes, checksums and URLs.

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
    /// SHA-256 of what a gzipped file unpacks to, for people unpack such files and pack them again; empty for archives, and
    /// where it is not known.
    pub unpacked: &'static str,
    /// URLs of the folders that have it, the preferred one first.
    pub urls: &'static [&'static str],
}

impl PublishedFile {
    /// An archive that is published at one place.
    pub(super) const fn archive(
        name: &'static str,
        size: u64,
        sha256: &'static str,
        urls: &'static [&'static str],
    ) -> Self {
        Self { name, size, sha256, unpacked: "", urls }
    }
}

/// The four files of a set in the IDX format: for each its size, its SHA-256 and that of what it unpacks to.
pub(super) const fn idx_files(
    urls: &'static [&'static str],
    files: [(u64, &'static str, &'static str); 4],
) -> [PublishedFile; 4] {
    let names = [
        "train-images-idx3-ubyte.gz",
        "train-labels-idx1-ubyte.gz",
        "t10k-images-idx3-ubyte.gz",
        "t10k-labels-idx1-ubyte.gz",
    ];
    let mut all = [PublishedFile { name: "", size: 0, sha256: "", unpacked: "", urls }; 4];
    let mut i = 0;
    while i < 4 {
        let (size, sha256, unpacked) = files[i];
        all[i] = PublishedFile { name: names[i], size, sha256, unpacked, urls };
        i += 1;
    }
    all
}
