//! Lines of the log in bounded memory.

use std::io::{self, BufRead};

/// Most bytes of an event's line: fifty times what the longest has that an engine writes. A longer one is damage.
pub const MAX_EVENT_BYTES: usize = 4 << 20;

/// Most bytes of damage in one piece that are passed over; reading on would take minutes and find nothing.
pub(super) const MAX_DAMAGE_BYTES: u64 = 1 << 30;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct LineRead {
    /// Bytes that were passed, with the end of the line.
    pub bytes: u64,
    /// The end of the line was there.
    pub whole: bool,
    /// The line is longer than any event; none of it was kept.
    pub overlong: bool,
}

/// Reads up to the end of a line into `line`, which never holds more than [`MAX_EVENT_BYTES`].
///
/// # Errors
/// What the file system reported, and a sentence when a line has more than [`MAX_DAMAGE_BYTES`].
pub(super) fn read_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<LineRead> {
    line.clear();
    let mut read = LineRead::default();
    while !read.whole {
        let available = match reader.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other?,
        };
        if available.is_empty() {
            break;
        }
        let end = memchr::memchr(b'\n', available);
        let used = end.map_or(available.len(), |at| at + 1);
        if line.len() + used > MAX_EVENT_BYTES {
            read.overlong = true;
        }
        match read.overlong {
            true => line.clear(),
            false => line.extend_from_slice(&available[..used]),
        }
        read.whole = end.is_some();
        read.bytes += used as u64;
        reader.consume(used);
        if read.bytes > MAX_DAMAGE_BYTES {
            return Err(too_much_damage_error());
        }
    }
    Ok(read)
}

pub(super) fn too_much_damage_error() -> io::Error {
    io::Error::other(format!(
        "the file is damaged: a line has more than {} MB; restore it from a copy, or start a new run",
        MAX_DAMAGE_BYTES / 1_000_000
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufReader, Read};

    #[test]
    fn a_line_of_any_length_is_passed_in_bounded_memory() {
        let mut line = Vec::new();
        let limit = MAX_EVENT_BYTES as u64;
        for length in [0, 1, limit - 1, limit, 3 * limit] {
            let long = io::repeat(b'x').take(length);
            let mut reader = BufReader::new(long.chain(&b"\nnext"[..]));
            let read = read_line(&mut reader, &mut line).unwrap();
            let overlong = length >= limit;
            assert_eq!((read.bytes, read.whole), (length + 1, true));
            assert_eq!(read.overlong, overlong, "{length}");
            assert_eq!(line.len() as u64, if overlong { 0 } else { length + 1 });
            assert!(line.capacity() as u64 <= 2 * limit);
            let read = read_line(&mut reader, &mut line).unwrap();
            assert!(!read.whole && line == b"next");
        }
        let mut endless = BufReader::with_capacity(1 << 20, io::repeat(0));
        let error = read_line(&mut endless, &mut line).unwrap_err().to_string();
        assert!(error.contains("damaged") && error.contains("restore it"), "{error}");
    }
}
