//! The binary form: records of one or two label bytes and 3072 pixels, channel by channel.

use super::{IMAGE_BYTES, IMAGE_SHAPE, class_of_label};
use crate::Result;
use crate::images::LabeledImages;
use crate::source::{bad_content_error, unreadable_error};
use std::io::Read;
use surfit_core::data_sets::DataSetSpec;

const RECORDS_PER_READ: usize = 256;

/// How many records a file of `bytes` bytes has, each with this many label bytes.
pub(super) fn count_records(spec: &DataSetSpec, labels: usize, name: &str, bytes: usize) -> Result<usize> {
    let record = labels + IMAGE_BYTES;
    if bytes == 0 || !bytes.is_multiple_of(record) {
        let other_labels = if labels == 1 { 2 } else { 1 };
        let hint = if bytes > 0 && bytes.is_multiple_of(other_labels + IMAGE_BYTES) {
            format!(", but whole records of {}", if labels == 1 { "CIFAR-100" } else { "CIFAR-10" })
        } else {
            ", so it is cut short or another file".into()
        };
        return Err(bad_content_error(
            name,
            format!("its {bytes} bytes are not whole records of {record} bytes, as {} has them{hint}", spec.name),
        ));
    }
    Ok(bytes / record)
}

/// Reads the records of a file of `bytes` bytes, each with this many label bytes.
pub(super) fn read_records(
    spec: &DataSetSpec,
    labels: usize,
    name: &str,
    bytes: usize,
    input: &mut dyn Read,
) -> Result<LabeledImages> {
    let record = labels + IMAGE_BYTES;
    let count = count_records(spec, labels, name, bytes)?;
    let mut images = LabeledImages::with_capacity(IMAGE_SHAPE, count);
    let mut buffer = vec![0; RECORDS_PER_READ.min(count) * record];
    while images.len() < count {
        let buffer = &mut buffer[..RECORDS_PER_READ.min(count - images.len()) * record];
        input.read_exact(buffer).map_err(|e| unreadable_error(name, &e))?;
        for record in buffer.chunks_exact(record) {
            let label = record[labels - 1].into();
            images.labels.push(class_of_label(spec, name, label, images.labels.len())?);
            images.pixels.extend_from_slice(&record[labels..]);
        }
    }
    Ok(images)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_any_number_of_labels_are_counted() {
        let spec = DataSetSpec::find("cifar100").unwrap();
        assert_eq!(count_records(spec, 4, "x", 2 * 3076).unwrap(), 2);
        assert!(count_records(spec, 4, "x", 3073).unwrap_err().to_string().contains("records of 3076 bytes"));
    }
}
