//! Whether a JPEG file is there to its end.
//!
//! The decoder fills what is missing of a cut file with grey without an error, as browsers do. What tells a whole file from a cut
//! one is its end-of-image marker: the one of the image itself, not that of a thumbnail in its metadata.

/// How every JPEG file begins: the start-of-image marker, then another marker.
const START_MARKERS: [u8; 3] = [0xff, 0xd8, 0xff];
const END_OF_IMAGE: u8 = 0xd9;
const START_OF_SCAN: u8 = 0xda;

/// True for a JPEG file that ends before its end-of-image marker. Whatever follows that marker is not looked at.
pub(crate) fn is_truncated(bytes: &[u8]) -> bool {
    bytes.starts_with(&START_MARKERS) && !has_end_marker(&bytes[2..])
}

/// Walks from marker to marker: segments by their length, the coded data of a scan byte by byte.
fn has_end_marker(mut rest: &[u8]) -> bool {
    let mut scans = 0;
    loop {
        // In coded data a byte 0xff is followed by 0; before a marker it may be repeated.
        let is_marker = |pair: &[u8]| pair[0] == 0xff && !matches!(pair[1], 0 | 0xff);
        let Some(at) = rest.windows(2).position(is_marker) else {
            return false;
        };
        let marker = rest[at + 1];
        rest = &rest[at + 2..];
        match marker {
            END_OF_IMAGE => return scans > 0,
            // Restart markers and the like have no length.
            0x01 | 0xd0..=0xd8 => {}
            _ => {
                scans += usize::from(marker == START_OF_SCAN);
                let length = rest.first_chunk().map(|&b| usize::from(u16::from_be_bytes(b)));
                match length.and_then(|length| rest.get(length..)) {
                    Some(behind) => rest = behind,
                    None => return false,
                }
            }
        }
    }
}
