//! Where a tensor's values are, and how they are read.

use super::dtype;
use super::error::{ReadStep, WeightFileRefusal, damaged_tensor};
use super::section::FileSection;
use safetensors::Dtype;
use std::io::Read;

const READ_CHUNK_BYTES: usize = 1 << 20;

#[derive(Clone, Debug)]
pub(super) struct ByteRange {
    /// Index of the file.
    pub file: usize,
    /// First byte in the file.
    pub start: u64,
    /// Number of bytes.
    pub len: u64,
    /// Checksum of the bytes, where the file has one.
    pub crc: Option<u32>,
}

/// A view into a blob; offset and strides count values.
#[derive(Clone, Debug)]
pub(super) struct TensorView {
    /// Index of the blob.
    pub blob: usize,
    pub dtype: Dtype,
    pub offset: u64,
    pub shape: Vec<usize>,
    pub strides: Vec<usize>,
    /// The tensor is the negative of its values.
    pub negated: bool,
}

/// A box within a tensor whose values are in a view of their own.
#[derive(Clone, Debug)]
pub(super) struct TensorChunk {
    pub offsets: Vec<usize>,
    pub view: TensorView,
}

#[derive(Clone, Debug)]
pub(super) enum ValueSource {
    View(TensorView),
    /// Disjoint boxes that cover the tensor.
    Chunks(Vec<TensorChunk>),
    /// A pruned tensor: values, and the mask that they are multiplied by.
    Masked(Box<[FileTensor; 2]>),
    /// Weight normalization: magnitudes, and directions.
    WeightNorm(Box<[FileTensor; 2]>),
}

#[derive(Clone, Debug)]
pub(super) struct FileTensor {
    pub name: String,
    pub shape: Vec<usize>,
    pub dtype: Dtype,
    pub source: ValueSource,
}

#[derive(Debug, Default)]
pub(super) struct FileContents {
    pub blobs: Vec<ByteRange>,
    pub tensors: Vec<FileTensor>,
    pub notes: Vec<String>,
}

impl FileContents {
    /// Takes over what was found in another file, whose number is `file`.
    pub fn merge_file(&mut self, mut other: FileContents, file: usize) -> Vec<FileTensor> {
        let first = self.blobs.len();
        for blob in &mut other.blobs {
            blob.file = file;
        }
        self.blobs.append(&mut other.blobs);
        self.notes.append(&mut other.notes);
        for tensor in &mut other.tensors {
            if let ValueSource::View(view) = &mut tensor.source {
                view.blob += first;
            }
        }
        other.tensors
    }
}

/// Number of values of a shape, `None` when it is beyond all bounds.
pub(super) fn value_count(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1usize, |n, &s| n.checked_mul(s))
}

pub(super) fn contiguous_strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1usize; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis].saturating_mul(shape[axis].max(1));
    }
    strides
}

impl TensorView {
    /// A view of all values of a blob in order.
    pub fn contiguous(blob: usize, dtype: Dtype, shape: Vec<usize>) -> Self {
        Self { blob, dtype, offset: 0, strides: contiguous_strides(&shape), shape, negated: false }
    }

    /// Values from the first to the last one; `None` beyond all bounds.
    fn spanned_len(&self) -> Option<u64> {
        if self.shape.contains(&0) {
            return Some(0);
        }
        let steps = self.shape.iter().zip(&self.strides);
        steps.map(|(&n, &s)| (n - 1, s)).try_fold(1u64, |at, (n, s)| at.checked_add((n as u64).checked_mul(s as u64)?))
    }

    /// True when every value lies within `bytes` bytes.
    pub fn fits_within(&self, bytes: u64) -> bool {
        let item = dtype::item_size(self.dtype) as u64;
        let end = self.spanned_len().and_then(|s| self.offset.checked_add(s));
        self.shape.len() == self.strides.len()
            && value_count(&self.shape).is_some()
            && end.and_then(|e| e.checked_mul(item)).is_some_and(|e| e <= bytes)
    }

    /// Reads the values in order. `file` is the one that the blob is in.
    pub fn read(&self, blob: &ByteRange, file: &FileSection) -> ReadStep<Vec<f32>> {
        let span = self.spanned_len().ok_or_else(|| damaged_tensor("?"))? as usize;
        let item = dtype::item_size(self.dtype);
        let start = blob.start + self.offset * item as u64;
        let mut part = file
            .subsection(start, (span * item) as u64)
            .ok_or(WeightFileRefusal::from(std::io::Error::from(std::io::ErrorKind::UnexpectedEof)))?;
        let mut values = Vec::with_capacity(span);
        let mut left = span * item;
        let mut buffer = vec![0; left.min(READ_CHUNK_BYTES)];
        while left > 0 {
            let piece = &mut buffer[..left.min(READ_CHUNK_BYTES)];
            part.read_exact(piece)?;
            dtype::decode(self.dtype, piece, &mut values);
            left -= piece.len();
        }
        if !self.is_contiguous() {
            values = self.gather(&values);
        }
        if self.negated {
            values.iter_mut().for_each(|v| *v = -*v);
        }
        Ok(values)
    }

    fn is_contiguous(&self) -> bool {
        let natural = contiguous_strides(&self.shape);
        let axes = self.shape.iter().zip(&self.strides).zip(natural);
        axes.into_iter().all(|((&n, &s), want)| n <= 1 || s == want)
    }

    /// The values of the view out of those that it spans.
    fn gather(&self, spanned: &[f32]) -> Vec<f32> {
        let mut values = Vec::with_capacity(value_count(&self.shape).unwrap_or(0));
        for_each_row(&self.shape, &self.strides, |at, n, step| {
            values.extend((0..n).map(|i| spanned[at + i * step]));
        });
        values
    }
}

/// Calls `row` for every run along the last axis with its first position, its length and its stride.
fn for_each_row(shape: &[usize], strides: &[usize], mut row: impl FnMut(usize, usize, usize)) {
    if shape.contains(&0) {
        return;
    }
    let Some((&length, outer)) = shape.split_last() else {
        return row(0, 1, 1);
    };
    let step = strides[outer.len()];
    let mut index = vec![0; outer.len()];
    loop {
        let at = index.iter().zip(strides).map(|(i, s)| i * s).sum();
        row(at, length, step);
        let Some(axis) = (0..outer.len()).rev().find(|&a| index[a] + 1 < outer[a]) else {
            return;
        };
        index[axis] += 1;
        index[axis + 1..].fill(0);
    }
}

/// Puts the values of a box at its place in a tensor of this shape.
pub(super) fn place_box(values: &[f32], size: &[usize], offsets: &[usize], shape: &[usize], out: &mut [f32]) {
    let strides = contiguous_strides(shape);
    let first: usize = offsets.iter().zip(&strides).map(|(o, s)| o * s).sum();
    let mut rest = values;
    for_each_row(size, &strides, |at, n, _| {
        let (row, more) = rest.split_at(n);
        out[first + at..][..n].copy_from_slice(row);
        rest = more;
    });
}
