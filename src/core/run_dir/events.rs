//! `events.jsonl`: append-only, one event a line, numbered from 1.

use super::{RunError, at};
use crate::event::{Envelope, Event};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// The writing end of a run's events. One per run: the engine that holds the lock.
#[derive(Debug)]
pub struct EventLog {
    path: PathBuf,
    pub(super) file: File,
    length: u64,
    seq: u64,
    unwritten: Vec<u8>,
}

impl EventLog {
    /// Opens the log for appending. A last line that a crash cut short is taken off.
    ///
    /// # Errors
    /// [`RunError::Io`].
    pub fn open(path: &Path) -> Result<Self, RunError> {
        let mut file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(path)
            .map_err(at(path))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(at(path))?;
        let length = bytes.iter().rposition(|&b| b == b'\n').map_or(0, |p| p + 1);
        // Damaged lines count as events, so that no number is given twice.
        let mut damaged = 0;
        let mut lines = bytes[..length]
            .rsplit(|&b| b == b'\n')
            .filter(|line| !line.is_empty());
        let last = lines.find_map(|line| {
            let whole = serde_json::from_slice::<Envelope>(line).ok();
            damaged += u64::from(whole.is_none());
            whole
        });
        let seq = last.map_or(0, |e| e.seq) + damaged;
        let length = length as u64;
        file.set_len(length).map_err(at(path))?;
        file.seek(SeekFrom::Start(length)).map_err(at(path))?;
        Ok(Self {
            path: path.to_owned(),
            file,
            length,
            seq,
            unwritten: Vec::new(),
        })
    }

    /// Numbers an event, stamps it and appends it.
    ///
    /// A full disk loses nothing: the event keeps its number and is written, in order, with the next one that
    /// succeeds. The error is given so that someone can be told.
    pub fn append(&mut self, event: Event) -> (Envelope, Result<(), RunError>) {
        self.seq += 1;
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0.0, |d| d.as_secs_f64());
        let envelope = Envelope {
            seq: self.seq,
            time: (now * 1e3).round() / 1e3,
            event,
        };
        serde_json::to_writer(&mut self.unwritten, &envelope).expect("plain data");
        self.unwritten.push(b'\n');
        let result = self.flush();
        (envelope, result)
    }

    /// Writes what an earlier failure left.
    ///
    /// # Errors
    /// [`RunError::Io`]; the file then ends where it ended before.
    pub fn flush(&mut self) -> Result<(), RunError> {
        match self.file.write_all(&self.unwritten) {
            Ok(()) => {
                self.length += self.unwritten.len() as u64;
                self.unwritten.clear();
                Ok(())
            }
            Err(error) => {
                // Part of a line may stand there now; readers must never see it followed by another.
                let _ = self.file.set_len(self.length);
                let _ = self.file.seek(SeekFrom::Start(self.length));
                Err(at(&self.path)(error))
            }
        }
    }

    /// Makes everything appended so far durable.
    ///
    /// # Errors
    /// [`RunError::Io`].
    pub fn sync(&mut self) -> Result<(), RunError> {
        self.flush()?;
        self.file.sync_data().map_err(at(&self.path))
    }

    /// Number of the last event.
    pub fn seq(&self) -> u64 {
        self.seq
    }
}

/// Events with numbers above `after`. A last line that is not whole yet is left for later; lines that are no events
/// (a damaged sector) are passed over, since the rest is still true.
///
/// # Errors
/// [`RunError::Io`]; a file that does not exist holds no events.
pub fn read_events(path: &Path, after: u64) -> Result<Vec<Envelope>, RunError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(at(path)(e)),
    };
    let mut reader = BufReader::with_capacity(1 << 18, file);
    let (mut events, mut line) = (Vec::new(), Vec::new());
    loop {
        line.clear();
        reader.read_until(b'\n', &mut line).map_err(at(path))?;
        if line.last() != Some(&b'\n') {
            return Ok(events);
        }
        if let Ok(envelope) = serde_json::from_slice::<Envelope>(&line)
            && envelope.seq > after
        {
            events.push(envelope);
        }
    }
}
