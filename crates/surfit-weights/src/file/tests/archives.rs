//! Archives that say the same bytes are several files.

use std::fs;
use std::path::Path;

/// Names the last file of an archive `count` times in its directory: `number` at the end of its name counts up.
pub(super) fn repeat_last_entry(path: &Path, number: &str, count: u16) {
    let mut bytes = fs::read(path).unwrap();
    let end = bytes.len() - 22;
    assert_eq!(bytes[end..end + 4], *b"PK\x05\x06");
    let number_of = |at: usize, bytes: &[u8]| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
    let long = |at: usize, bytes: &[u8]| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    let (entries, size) = (number_of(end + 10, &bytes), long(end + 12, &bytes));
    let mut tail = bytes.split_off(end);
    let last = bytes.windows(4).rposition(|w| w == b"PK\x01\x02").unwrap();
    let entry = bytes[last..].to_vec();
    let at = 46 + usize::from(number_of(28, &entry)) - number.len();
    assert_eq!(entry[at..at + number.len()], *number.as_bytes());
    for i in 1..count {
        let mut copy = entry.clone();
        let name = format!("{i:0width$}", width = number.len());
        copy[at..at + number.len()].copy_from_slice(name.as_bytes());
        bytes.extend(copy);
    }
    let more = usize::from(count - 1) * entry.len();
    for field in [8, 10] {
        tail[field..field + 2].copy_from_slice(&(entries + count - 1).to_le_bytes());
    }
    tail[12..16].copy_from_slice(&(size + more as u32).to_le_bytes());
    bytes.extend(tail);
    fs::write(path, bytes).unwrap();
}
