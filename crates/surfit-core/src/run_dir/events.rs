//! `events.jsonl`: append-only, one event a line, numbered from 1.

mod line_parser;
mod line_reader;
mod log_end;
mod relocation;
mod tail;

pub use line_reader::MAX_EVENT_BYTES;
pub use log_end::last_event_number;
pub use tail::{EventTail, read_events};

use super::{RunError, io_error_at};
use crate::event::{Envelope, Event};
use crate::files::{self, FileLocation, FilePath, break_hard_link, encode_json, sync_folder};
use rustix::fs::OFlags;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::time::{SystemTime, UNIX_EPOCH};

/// The writing end of a run's events. One per run: the engine that holds the lock.
#[derive(Debug)]
pub struct EventLog {
    path: FilePath,
    pub(super) file: File,
    length: u64,
    seq: u64,
    unwritten_bytes: Vec<u8>,
    /// What was written and is not known to be durable: after a sync that failed, the system may have dropped it.
    unsynced_bytes: Vec<u8>,
    sync_failed: bool,
    /// Something was written since the last sync, perhaps by an engine before this one.
    needs_sync: bool,
}

impl EventLog {
    /// Opens the log for appending. A last line that a crash cut short is taken off. However long the log is, only its end
    /// is read.
    ///
    /// # Errors
    /// [`RunError::Io`].
    pub fn open(path: &(impl FileLocation + ?Sized)) -> Result<Self, RunError> {
        let location = path;
        let path = location.full_path();
        // A copy of the run that was made of hard links has the same file, and keeps it.
        break_hard_link(location).map_err(io_error_at(path))?;
        let mut file = files::open_with(location, OFlags::RDWR | OFlags::CREATE).map_err(io_error_at(path))?;
        let end = log_end::find_log_end(&file).map_err(io_error_at(path))?;
        file.set_len(end.length).map_err(io_error_at(path))?;
        file.seek(SeekFrom::Start(end.length)).map_err(io_error_at(path))?;
        if end.length == 0 {
            // Its name; what it holds is synced when that matters.
            sync_folder(path).map_err(io_error_at(path))?;
        }
        Ok(Self {
            path: FilePath::from_location(location),
            file,
            length: end.length,
            // Damaged lines count as events, so that no number is given twice.
            seq: end.last_number + end.damaged,
            unwritten_bytes: Vec::new(),
            unsynced_bytes: Vec::new(),
            sync_failed: false,
            needs_sync: true,
        })
    }

    /// Numbers an event, stamps it and appends it.
    ///
    /// A full disk loses nothing: the event keeps its number and is written, in order, with the next one that
    /// succeeds. The error is given so that the caller can report it.
    pub fn append(&mut self, mut event: Event) -> (Envelope, Result<(), RunError>) {
        event.make_printable();
        self.seq += 1;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |d| d.as_secs_f64());
        let mut envelope = Envelope { seq: self.seq, time: (now * 1e3).round() / 1e3, event };
        let line = encode_json(&envelope).and_then(|line| match line.len() < MAX_EVENT_BYTES {
            true => Ok(line),
            // Readers would take it for damage.
            false => Err(std::io::Error::other(format!("it has {} bytes", line.len()))),
        });
        let line = line.or_else(|error| {
            // Its number is given; what cannot be written must not end the engine.
            let text = format!("cannot write an event: {error}");
            envelope.event = Event::Notice { text };
            encode_json(&envelope)
        });
        self.unwritten_bytes.extend(line.unwrap_or_default());
        self.unwritten_bytes.push(b'\n');
        let result = self.flush();
        (envelope, result)
    }

    /// Writes what an earlier failure did not write.
    ///
    /// # Errors
    /// [`RunError::Io`]; the file then ends where it ended before.
    pub fn flush(&mut self) -> Result<(), RunError> {
        if self.unwritten_bytes.is_empty() {
            return Ok(());
        }
        match self.file.write_all(&self.unwritten_bytes) {
            Ok(()) => {
                self.length += self.unwritten_bytes.len() as u64;
                self.unsynced_bytes.append(&mut self.unwritten_bytes);
                self.needs_sync = true;
                Ok(())
            }
            Err(error) => {
                // Part of a line may be there now; readers must never see it followed by another.
                let _ = self.file.set_len(self.length);
                let _ = self.file.seek(SeekFrom::Start(self.length));
                Err(io_error_at(&self.path)(error))
            }
        }
    }

    /// Makes everything appended so far durable.
    ///
    /// # Errors
    /// [`RunError::Io`]; what was not durable is written once more before the next attempt.
    pub fn sync(&mut self) -> Result<(), RunError> {
        self.flush()?;
        if !self.needs_sync {
            return Ok(());
        }
        let begin = self.length - self.unsynced_bytes.len() as u64;
        let rewritten = match self.sync_failed {
            true => self.file.write_all_at(&self.unsynced_bytes, begin),
            false => Ok(()),
        };
        let synced = rewritten.and_then(|()| self.file.sync_data());
        self.sync_failed = synced.is_err();
        self.needs_sync = synced.is_err();
        synced.map_err(io_error_at(&self.path))?;
        self.unsynced_bytes.clear();
        Ok(())
    }

    /// Number of the last event.
    pub fn seq(&self) -> u64 {
        self.seq
    }
}
