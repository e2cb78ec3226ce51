//! Where a file's bytes come from, and the errors for unexpected content.

use crate::{DataError, Result};
use flate2::bufread::MultiGzDecoder;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

/// A file, with its name for messages.
#[derive(Debug)]
pub(crate) enum NamedFile<'a> {
    File(&'a Path),
    Embedded(&'static str, &'static [u8]),
}

impl NamedFile<'_> {
    pub fn name(&self) -> String {
        match self {
            NamedFile::File(path) => path.display().to_string(),
            NamedFile::Embedded(name, _) => (*name).to_owned(),
        }
    }

    /// Its content, unpacked when it is gzipped.
    pub fn open(&self) -> Result<Box<dyn Read + '_>> {
        let mut inner: Box<dyn BufRead> = match self {
            NamedFile::File(path) => {
                let file = File::open(path).map_err(DataError::io(*path))?;
                Box::new(BufReader::with_capacity(1 << 18, file))
            }
            NamedFile::Embedded(_, bytes) => Box::new(*bytes),
        };
        let head = inner.fill_buf().map_err(|e| unreadable_error(&self.name(), &e))?;
        // By content: people unpack such files and keep the name, and the other way around.
        if head.starts_with(&[0x1f, 0x8b]) { Ok(Box::new(MultiGzDecoder::new(inner))) } else { Ok(Box::new(inner)) }
    }

    pub fn bad_content_error(&self, what: impl std::fmt::Display) -> DataError {
        bad_content_error(&self.name(), what)
    }

    pub fn unreadable_error(&self, error: &io::Error) -> DataError {
        unreadable_error(&self.name(), error)
    }
}

pub(crate) fn bad_content_error(name: &str, what: impl std::fmt::Display) -> DataError {
    DataError::input(format!("{name}: {what}; restore the original file"))
}

pub(crate) fn unreadable_error(name: &str, error: &io::Error) -> DataError {
    match error.kind() {
        // What is in it may be as good as ever.
        io::ErrorKind::PermissionDenied => DataError::io(name)(error.kind().into()),
        io::ErrorKind::UnexpectedEof => bad_content_error(name, "the file is cut short"),
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
            bad_content_error(name, format!("the packed data are damaged ({error})"))
        }
        _ => bad_content_error(name, format!("cannot be read ({error})")),
    }
}
