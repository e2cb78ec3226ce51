//! The binary form: records of one or two label bytes and 3072 pixels, channel by channel.

use super::{SHAPE, SIZE, class};
use crate::Result;
use crate::catalogue::CatalogueEntry;
use crate::images::LabeledImages;
use crate::source::{bad, unreadable};
use std::io::Read;

/// Records that are read at once.
const CHUNK: usize = 256;

/// How many records a file of `bytes` bytes has, each with this many label bytes.
pub(super) fn records(
    entry: &CatalogueEntry,
    labels: usize,
    name: &str,
    bytes: usize,
) -> Result<usize> {
    let record = labels + SIZE;
    if bytes == 0 || !bytes.is_multiple_of(record) {
        let other = 3 - labels + SIZE;
        let hint = if bytes > 0 && bytes.is_multiple_of(other) {
            format!(
                ", but whole records of {}",
                if labels == 1 { "CIFAR-100" } else { "CIFAR-10" }
            )
        } else {
            ", so it is cut short or another file".into()
        };
        return Err(bad(
            name,
            format!(
                "its {bytes} bytes are not whole records of {record} bytes, as {} has them{hint}",
                entry.name
            ),
        ));
    }
    Ok(bytes / record)
}

/// Reads the records of a file of `bytes` bytes, each with this many label bytes.
pub(super) fn read(
    entry: &CatalogueEntry,
    labels: usize,
    name: &str,
    bytes: usize,
    input: &mut dyn Read,
) -> Result<LabeledImages> {
    let record = labels + SIZE;
    let count = records(entry, labels, name, bytes)?;
    let mut images = LabeledImages::with_capacity(SHAPE, count);
    let mut buffer = vec![0; CHUNK.min(count) * record];
    while images.len() < count {
        let buffer = &mut buffer[..CHUNK.min(count - images.len()) * record];
        input.read_exact(buffer).map_err(|e| unreadable(name, &e))?;
        for record in buffer.chunks_exact(record) {
            let label = record[labels - 1].into();
            images
                .labels
                .push(class(entry, name, label, images.labels.len())?);
            images.pixels.extend_from_slice(&record[labels..]);
        }
    }
    Ok(images)
}
