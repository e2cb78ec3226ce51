//! Checksums of files.

use crate::{DataError, Result};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// A SHA-256 as 64 lower-case hexadecimal digits.
pub(crate) fn to_hex(hash: Sha256) -> String {
    hash.finalize().iter().map(|b| format!("{b:02x}")).collect()
}

pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update(bytes);
    to_hex(hash)
}

pub(crate) fn sha256_hex_of_file(path: &Path) -> Result<String> {
    let mut file = File::open(path).map_err(DataError::io(path))?;
    sha256_hex_of_reader(&mut file).map_err(DataError::io(path))
}

pub(crate) fn sha256_hex_of_reader(input: &mut dyn Read) -> io::Result<String> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match input.read(&mut buffer) {
            Ok(0) => return Ok(to_hex(hash)),
            Ok(n) => hash.update(&buffer[..n]),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}
