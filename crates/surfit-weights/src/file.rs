//! Files of networks' weights: PyTorch's state dicts, safetensors, and folders of either.
//!
//! A file's content is decisive, never its name. Nothing in a file is executed, and only lists of tensors are read until
//! values are requested. Names of tensors are the file's own text: sentences show them through [`quote`].

mod archive;
mod derived;
mod distributed;
mod dtype;
mod error;
mod folder;
mod legacy;
mod pickle_tensors;
mod safetensors_reader;
mod section;
mod state_dict;
mod value_source;
mod weight_selection;

pub(crate) use dtype::is_float;
pub use error::{WeightFileError, quote};
pub use folder::is_folder_of_weights;

use error::{ReadStep, WeightFileRefusal, damaged_tensor, refuse};
use safetensors::Dtype;
use section::{FileIdentity, FileSection};
use std::cell::RefCell;
use std::collections::HashSet;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use surfit_core::config::CornerWeights;
use value_source::{ByteRange, FileContents, FileTensor, TensorView, ValueSource};

/// Tensors of a network, far more than any has; several names may refer to one.
const MAX_TENSORS: usize = 1 << 16;
/// A list of tensors that is longer than this is none.
const MAX_PICKLE_BYTES: u64 = 16 << 20;
/// How often its own values a file's tensors may have together: weights that are shared count for each name.
const MAX_SHARING_FACTOR: usize = 4;
/// Values that tensors may have beyond that, since a constant may be stored as one value.
const MAX_REPEATED_VALUES: usize = 1 << 26;
/// Bytes of a tensor's name: a list may name one text any number of times, and every tensor keeps its own copy.
const MAX_NAME_BYTES: usize = 1 << 10;
/// Files of one network that stay open between their lists and their values.
const MAX_OPEN_FILES: usize = 64;

/// A tensor of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorEntry {
    /// Its name: any text that the file's writer chose.
    pub name: String,
    /// Shape of the tensor.
    pub shape: Vec<usize>,
    /// Type of its values in the file.
    pub dtype: Dtype,
}

/// A file or folder of weights whose list of tensors was read.
#[derive(Debug)]
pub struct WeightFile {
    /// The path that was opened.
    pub path: PathBuf,
    /// The tensors, in the file's order.
    pub tensors: Vec<TensorEntry>,
    /// What a user should know of how the file is read, each a sentence without its full stop.
    pub notes: Vec<String>,
    sources: Vec<ValueSource>,
    blobs: Vec<ByteRange>,
    files: Vec<ListedFile>,
    reopened: RefCell<Option<(usize, FileSection)>>,
    /// Blobs whose checksum was compared.
    verified_blobs: RefCell<HashSet<usize>>,
}

impl WeightFile {
    /// Reads the list of tensors of a file or folder, and makes sure that it is long enough for all of them. `weights` says
    /// which are taken where there are averaged ones too.
    ///
    /// # Errors
    /// A sentence for what is missing, cut short, damaged, or something else than weights.
    pub fn open(path: &Path, weights: CornerWeights) -> Result<Self, WeightFileError> {
        let opened = open_path(path, weights).and_then(|(files, mut contents)| {
            let tensors = derived::derive_weights(contents.tensors, &mut contents.notes)?;
            check_repetition(&tensors, &contents.blobs)?;
            let (mut entries, mut sources) = (Vec::new(), Vec::new());
            for tensor in tensors {
                let FileTensor { name, shape, dtype, source } = tensor;
                entries.push(TensorEntry { name, shape, dtype });
                sources.push(source);
            }
            Ok(Self {
                path: path.to_owned(),
                tensors: entries,
                notes: contents.notes,
                sources,
                blobs: contents.blobs,
                files,
                reopened: RefCell::default(),
                verified_blobs: RefCell::default(),
            })
        });
        opened.map_err(|refusal| refusal.into_error_at(path))
    }

    /// True for a tensor that is computed from others of the file.
    pub fn is_computed(&self, index: usize) -> bool {
        matches!(self.sources[index], ValueSource::Masked(_) | ValueSource::WeightNorm(_))
    }

    /// Reads the values of the tensor at `index` of [`WeightFile::tensors`], in row-major order. Of 64-bit floats and
    /// integers the nearest; everything else is exact.
    ///
    /// # Errors
    /// A sentence for a tensor whose bytes are damaged, or that cannot be read.
    pub fn read_values(&self, index: usize) -> Result<Vec<f32>, WeightFileError> {
        let entry = &self.tensors[index];
        self.read_source_values(entry, &self.sources[index]).map_err(|refusal| refusal.into_error_at(&self.path))
    }

    fn read_source_values(&self, entry: &TensorEntry, source: &ValueSource) -> ReadStep<Vec<f32>> {
        let of = |tensor: &FileTensor| {
            let entry = TensorEntry { name: tensor.name.clone(), shape: tensor.shape.clone(), dtype: tensor.dtype };
            self.read_source_values(&entry, &tensor.source)
        };
        match source {
            ValueSource::View(view) => self.read_view_values(&entry.name, view),
            ValueSource::Chunks(chunks) => {
                let count = value_source::value_count(&entry.shape).unwrap_or(0);
                let mut values = vec![0.0; count];
                for chunk in chunks {
                    let part = self.read_view_values(&entry.name, &chunk.view)?;
                    let size = &chunk.view.shape;
                    value_source::place_box(&part, size, &chunk.offsets, &entry.shape, &mut values);
                }
                Ok(values)
            }
            ValueSource::Masked(parts) => {
                let (mut values, mask) = (of(&parts[0])?, of(&parts[1])?);
                values.iter_mut().zip(mask).for_each(|(v, m)| *v *= m);
                Ok(values)
            }
            ValueSource::WeightNorm(parts) => {
                let (magnitudes, directions) = (of(&parts[0])?, of(&parts[1])?);
                Ok(derived::scale_directions(&magnitudes, directions, &parts[0].shape, &parts[1].shape))
            }
        }
    }

    fn read_view_values(&self, name: &str, view: &TensorView) -> ReadStep<Vec<f32>> {
        if !dtype::is_readable(view.dtype) {
            return refuse(format!(
                "has values of type {:?} in tensor {}, which is not read; save it as float32",
                view.dtype,
                quote(name)
            ));
        }
        let blob = &self.blobs[view.blob];
        let file = self.open_listed_file(blob.file)?;
        if let Some(crc) = blob.crc
            && !self.verified_blobs.borrow().contains(&view.blob)
        {
            let part = file.subsection(blob.start, blob.len);
            let sum = part.map(crc32_of).transpose()?;
            if sum != Some(crc) {
                self.check_unchanged(blob.file, &file)?;
                return Err(damaged_tensor(name));
            }
            self.verified_blobs.borrow_mut().insert(view.blob);
        }
        let values = view.read(blob, &file);
        self.check_unchanged(blob.file, &file)?;
        values
    }

    /// Refuses a file that was written to since its list was read.
    fn check_unchanged(&self, index: usize, file: &FileSection) -> ReadStep<()> {
        match file.is_unchanged()? {
            true => Ok(()),
            false => Err(changed_file_refusal(&self.files[index].path)),
        }
    }

    fn open_listed_file(&self, index: usize) -> ReadStep<FileSection> {
        let listed = &self.files[index];
        if let Some(section) = &listed.open_section {
            return Ok(section.clone());
        }
        let mut reopened = self.reopened.borrow_mut();
        if let Some((last, section)) = &*reopened
            && *last == index
        {
            return Ok(section.clone());
        }
        let section = listed.reopen()?;
        *reopened = Some((index, section.clone()));
        Ok(section)
    }
}

/// A file whose list of tensors was read. A trainer may write another one to its path before the values are read.
#[derive(Debug)]
struct ListedFile {
    path: PathBuf,
    identity: FileIdentity,
    /// Still open, where there are not too many.
    open_section: Option<FileSection>,
}

impl ListedFile {
    /// A file that was opened; `index` is its number among those of the network.
    fn new(path: PathBuf, section: &FileSection, index: usize) -> Self {
        Self { path, identity: section.identity, open_section: (index < MAX_OPEN_FILES).then(|| section.clone()) }
    }

    /// Opens the file again, which must be the same.
    fn reopen(&self) -> ReadStep<FileSection> {
        let opened = open_regular(&self.path);
        let section = opened.map_err(|refusal| WeightFileRefusal::Other(refusal.into_error_at(&self.path)))?;
        match section.identity == self.identity {
            true => Ok(section),
            false => Err(changed_file_refusal(&self.path)),
        }
    }
}

fn changed_file_refusal(path: &Path) -> WeightFileRefusal {
    let reason = "changed while it was read; try again when it is complete".into();
    WeightFileRefusal::Other(WeightFileRefusal::Reason(reason).into_error_at(path))
}

fn check_name_length(name: &str) -> ReadStep<()> {
    match name.len() <= MAX_NAME_BYTES {
        true => Ok(()),
        false => refuse(format!(
            "has a tensor's name of {} bytes, {}; save it under one of at most {MAX_NAME_BYTES}",
            name.len(),
            quote(name)
        )),
    }
}

/// Refuses a tensor's name that is too long, or that another one has: `seen` are those before it.
fn check_name<'a>(name: &'a str, seen: &mut HashSet<&'a str>) -> ReadStep<()> {
    check_name_length(name)?;
    match seen.insert(name) {
        true => Ok(()),
        false => refuse(format!("is damaged: it holds {} twice; copy or download it again", quote(name))),
    }
}

/// Opens what may be a pipe or a device, which would keep a reader waiting.
fn open_regular(path: &Path) -> ReadStep<FileSection> {
    if !std::fs::metadata(path)?.is_file() {
        return refuse("is a device or a pipe; name a regular file");
    }
    Ok(FileSection::from_file(File::open(path)?)?)
}

fn open_path(path: &Path, weights: CornerWeights) -> ReadStep<folder::FoundShards> {
    if std::fs::metadata(path)?.is_dir() {
        return folder::read_folder(path, weights);
    }
    let section = open_regular(path)?;
    if folder::is_index(&section)? {
        return folder::read_index(path, &section, weights);
    }
    let contents = read_file(&section, weights)?;
    Ok((vec![ListedFile::new(path.to_owned(), &section, 0)], contents))
}

/// Reads the list of tensors of one file, of whatever format.
fn read_file(section: &FileSection, weights: CornerWeights) -> ReadStep<FileContents> {
    let head = section.first_bytes(512)?;
    // First, because the length that it begins with may be any bytes.
    if safetensors_reader::is_safetensors(&head) {
        return safetensors_reader::read_safetensors(section);
    }
    if head.starts_with(b"PK") {
        return archive::read_archive(section, weights);
    }
    if legacy::is_legacy(&head) {
        return legacy::read_legacy(section, weights);
    }
    const EXPECTED_FORMATS: &str = "expected one of torch.save(model.state_dict(), …) or safetensors";
    let tar = head.get(257..262) == Some(b"ustar");
    refuse(match head {
        _ if head.is_empty() => format!("is empty; {EXPECTED_FORMATS}"),
        _ if tar => "is a tar archive, as PyTorch before 0.2 wrote; convert it with \
                     torch.save(torch.load(FILE, weights_only=False), FILE)"
            .into(),
        _ if head.starts_with(b"version https://git-lfs") => {
            "is a pointer of Git LFS; fetch the weights with git lfs pull".into()
        }
        _ if head.starts_with(b"<") => format!("is a web page or other text; {EXPECTED_FORMATS}"),
        _ if head.starts_with(&[0x1f, 0x8b]) => "is compressed with gzip; unpack it first".into(),
        _ if head.starts_with(b"\x89HDF") => format!("is of HDF5, not of PyTorch; {EXPECTED_FORMATS}"),
        _ if head[0] == 0x80 => {
            "is a pickle that torch.save did not write; load it in Python and save its weights with torch.save".into()
        }
        _ => format!("is not a file of network weights; {EXPECTED_FORMATS}"),
    })
}

fn crc32_of(mut section: FileSection) -> ReadStep<u32> {
    let mut hasher = crc32fast::Hasher::new();
    let mut buffer = vec![0; (section.len as usize).min(1 << 20)];
    loop {
        match section.read(&mut buffer)? {
            0 => return Ok(hasher.finalize()),
            n => hasher.update(&buffer[..n]),
        }
    }
}

/// Refuses files that need far more memory than their length: one value may stand for any number of a tensor's, and
/// many tensors may name the same values.
fn check_repetition(tensors: &[FileTensor], blobs: &[ByteRange]) -> ReadStep<()> {
    let stored: u64 = blobs.iter().map(|blob| blob.len).sum();
    let mut left = MAX_REPEATED_VALUES.saturating_add((stored as usize).saturating_mul(MAX_SHARING_FACTOR));
    for tensor in tensors {
        let count = value_source::value_count(&tensor.shape);
        match count.and_then(|count| left.checked_sub(count)) {
            Some(rest) => left = rest,
            None => {
                return refuse(format!(
                    "repeats its values too often, up to tensor {}; save its tensors with x.clone()",
                    quote(&tensor.name)
                ));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
