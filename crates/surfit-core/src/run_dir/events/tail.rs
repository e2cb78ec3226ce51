//! The reading end: events from a number on, each once.

use super::line_reader::{MAX_EVENT_BYTES, read_line};
use super::{line_parser, relocation};
use crate::event::Envelope;
use crate::files::{self, FileLocation, FilePath};
use crate::run_dir::{RunError, io_error_at};
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::ops::ControlFlow;
use std::path::Path;

/// Events with numbers above `after`. A last line that is not whole yet is left for later; lines that are no events
/// (a damaged sector) are passed over, since the rest is still true.
///
/// # Errors
/// [`RunError::Io`]; a file that does not exist holds no events.
pub fn read_events(path: &(impl FileLocation + ?Sized), after: u64) -> Result<Vec<Envelope>, RunError> {
    EventTail::new(path, after).read()
}

/// Reads a run's events as they come in, each once: every read continues where the last one ended.
#[derive(Clone, Debug)]
pub struct EventTail {
    path: FilePath,
    /// Bytes that were read, up to the end of a line.
    offset: u64,
    seq: u64,
    /// What was read last is the beginning of a line that is too long.
    within_overlong: bool,
    overlong_lines: u64,
}

impl EventTail {
    /// Events with numbers above `after`.
    pub fn new(path: &(impl FileLocation + ?Sized), after: u64) -> Self {
        Self { path: FilePath::from_location(path), offset: 0, seq: after, within_overlong: false, overlong_lines: 0 }
    }

    /// That lines were passed over which are longer than any event; `None` when there was none so far.
    pub fn damage(&self) -> Option<String> {
        let name = self.path.file_name().unwrap_or_default().display();
        let limit = MAX_EVENT_BYTES >> 20;
        match self.overlong_lines {
            0 => None,
            1 => Some(format!("{name} is damaged: a line has more than {limit} MiB and is ignored")),
            count => Some(format!("{name} is damaged: {count} lines have more than {limit} MiB and are ignored")),
        }
    }

    /// The events that are new since the last read, as [`read_events`] gives them.
    ///
    /// # Errors
    /// [`RunError::Io`]; nothing counts as read then. A file that does not exist holds no events.
    pub fn read(&mut self) -> Result<Vec<Envelope>, RunError> {
        self.read_at_most(usize::MAX)
    }

    /// As [`EventTail::read`], but at most so many of them; with none of them, there are no more.
    ///
    /// # Errors
    /// As [`EventTail::read`].
    pub fn read_at_most(&mut self, max_events: usize) -> Result<Vec<Envelope>, RunError> {
        let before = self.clone();
        let mut events = Vec::new();
        let read = self.visit_events(|envelope| {
            events.push(envelope);
            match events.len() < max_events {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            }
        });
        // What is not handed on was not read.
        read.inspect_err(|_| *self = before)?;
        Ok(events)
    }

    /// Hands on one event after the other, so that a log of any length needs little memory.
    ///
    /// # Errors
    /// [`RunError::Io`]; what was handed on counts as read.
    pub fn for_each_event(&mut self, mut handle_event: impl FnMut(Envelope)) -> Result<(), RunError> {
        self.visit_events(|envelope| {
            handle_event(envelope);
            ControlFlow::Continue(())
        })
    }

    fn visit_events(&mut self, mut handle_event: impl FnMut(Envelope) -> ControlFlow<()>) -> Result<(), RunError> {
        let path = self.path.clone();
        let root = path.parent().unwrap_or(Path::new("."));
        let at = || io_error_at(&path);
        let mut file = match files::open(&path) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(e) => return Err(at()(e)),
        };
        let length = file.metadata().map_err(at())?.len();
        if length == self.offset {
            return Ok(());
        }
        // A file that became shorter is another one; what is known of it is passed over by its number.
        if length < self.offset {
            (self.offset, self.within_overlong) = (0, false);
        }
        let after = self.seq;
        if self.offset == 0 && after > 0 {
            self.offset = find_unread_offset(&mut file, length, after).map_err(at())?;
        }
        file.seek(SeekFrom::Start(self.offset)).map_err(at())?;
        let mut reader = BufReader::with_capacity(1 << 18, file);
        let mut line = Vec::new();
        loop {
            let read = read_line(&mut reader, &mut line).map_err(at())?;
            let overlong = read.overlong || self.within_overlong;
            // Of a line that is too long what is there counts as read, so that no other look passes over it again.
            if read.whole || overlong {
                self.offset += read.bytes;
            }
            if overlong {
                self.overlong_lines += u64::from(!self.within_overlong);
                self.within_overlong = !read.whole;
            }
            if !read.whole {
                return Ok(());
            }
            if overlong {
                continue;
            }
            if line_parser::parse_event_number(&line).is_some_and(|n| n <= after) {
                continue;
            }
            if let Some(envelope) = line_parser::parse_event(&line)
                && envelope.seq > after
            {
                self.seq = self.seq.max(envelope.seq);
                if handle_event(relocation::relocate_paths(envelope, root)).is_break() {
                    return Ok(());
                }
            }
        }
    }
}

/// Part of a log below which it is no longer divided.
const MIN_SEARCH_BYTES: u64 = 64 << 10;

/// Where a line begins before which no event has a number above `after`: numbers grow from line to line, so that the log
/// can be halved again and again. Lines without a number near their beginning are skipped.
fn find_unread_offset(file: &mut File, length: u64, after: u64) -> io::Result<u64> {
    let (mut low, mut high) = (0, length);
    while high - low > MIN_SEARCH_BYTES {
        let middle = low + (high - low) / 2;
        match next_numbered_line(file, middle, high)? {
            Some((begin, number)) if number <= after => low = begin,
            _ => high = middle,
        }
    }
    Ok(low)
}

/// The first line that begins after `from` and before `to` and states its number: where, and which.
fn next_numbered_line(file: &mut File, from: u64, to: u64) -> io::Result<Option<(u64, u64)>> {
    file.seek(SeekFrom::Start(from))?;
    let mut reader = BufReader::new(Read::take(file, to - from));
    let mut line = Vec::new();
    let mut begin = from + read_line(&mut reader, &mut line)?.bytes;
    loop {
        let read = read_line(&mut reader, &mut line)?;
        if read.bytes == 0 {
            return Ok(None);
        }
        if let Some(number) = line_parser::parse_event_number(&line) {
            return Ok(Some((begin, number)));
        }
        begin += read.bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::line_parser::parse_event_number;
    use super::*;
    use crate::event::Event;
    use crate::run_dir::EventLog;

    #[test]
    fn lines_that_are_known_are_passed_over_by_their_numbers_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("events.jsonl");
        let mut log = EventLog::open(&path).unwrap();
        for n in 1..=40u64 {
            let text = format!("{{\"seq\":{n},\"time\":");
            log.append(Event::Notice { text }).1.unwrap();
        }
        let text = std::fs::read(&path).unwrap();
        for (n, line) in text.split(|&b| b == b'\n').filter(|l| !l.is_empty()).enumerate() {
            assert_eq!(parse_event_number(line), Some(n as u64 + 1));
        }
        let seqs: Vec<u64> = read_events(&path, 37).unwrap().iter().map(|e| e.seq).collect();
        assert_eq!(seqs, [38, 39, 40]);
        // In another order, as another program may write it: read as a whole.
        let other = r#"{"event":"closed","time":1.0,"seq":41}"#;
        std::fs::write(&path, format!("{}\n", other)).unwrap();
        assert_eq!(parse_event_number(other.as_bytes()), None);
        assert_eq!(read_events(&path, 40).unwrap()[0].seq, 41);
        assert!(read_events(&path, 41).unwrap().is_empty());
    }

    #[test]
    fn a_growing_file_is_read_from_where_the_last_look_ended() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("events.jsonl");
        let mut tail = EventTail::new(&path, 1);
        let mut seqs = || -> Vec<u64> { tail.read().unwrap().iter().map(|e| e.seq).collect() };
        assert!(seqs().is_empty());
        let mut log = EventLog::open(&path).unwrap();
        let mut add = |text: &str| {
            let text = text.into();
            log.append(Event::Notice { text }).1.unwrap();
        };
        ["a", "b", "c"].into_iter().for_each(&mut add);
        assert_eq!(seqs(), [2, 3]);
        assert!(seqs().is_empty());
        add("d");
        assert_eq!(seqs(), [4]);
        // A line that is not whole yet is left for the next look.
        let line = |seq: u64| format!(r#"{{"seq":{seq},"time":1.0,"event":"closed"}}"#) + "\n";
        let (whole, next) = (std::fs::read_to_string(&path).unwrap(), line(5));
        std::fs::write(&path, format!("{whole}{}", &next[..9])).unwrap();
        assert!(seqs().is_empty());
        std::fs::write(&path, format!("{whole}{next}")).unwrap();
        assert_eq!(seqs(), [5]);
        // Another file in its place.
        std::fs::write(&path, line(5) + &line(6)).unwrap();
        assert_eq!(seqs(), [6]);
    }

    #[test]
    fn the_end_of_a_long_log_is_found_without_its_beginning() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("events.jsonl");
        let mut text = String::new();
        for seq in 1..=6000u64 {
            // Lines of every length, some far longer than a part, and damaged ones in between.
            let long = if seq % 1000 == 7 { 150_000 } else { (seq % 97) as usize };
            text += &format!(r#"{{"seq":{seq},"time":1.0,"event":"notice","text":"{}"}}"#, "x".repeat(long));
            text += "\n";
            if seq % 50 == 3 {
                text += "damaged\n";
            }
        }
        std::fs::write(&path, &text).unwrap();
        for after in (0..=6001).step_by(97).chain([1, 2, 5999, 6000]) {
            let seqs: Vec<u64> = read_events(&path, after).unwrap().iter().map(|e| e.seq).collect();
            assert!(seqs.iter().copied().eq(after + 1..=6000), "after {after}");
            let mut file = File::open(&path).unwrap();
            let from = find_unread_offset(&mut file, text.len() as u64, after).unwrap() as usize;
            // It is near, but for lines that are long themselves.
            let known_bytes = text[from..]
                .split_inclusive('\n')
                .take_while(|l| parse_event_number(l.as_bytes()).is_none_or(|n| n <= after));
            let passed: usize = known_bytes.map(str::len).sum();
            assert!(passed as u64 <= MIN_SEARCH_BYTES + 151_000, "{passed} after {after}");
        }
        // A part at a time, in order.
        let (mut tail, mut all) = (EventTail::new(&path, 10), Vec::new());
        loop {
            let some = tail.read_at_most(1000).unwrap();
            if some.is_empty() {
                break;
            }
            assert!(some.len() <= 1000);
            all.extend(some.iter().map(|e| e.seq));
        }
        assert!(all.into_iter().eq(11..=6000));
    }

    #[test]
    fn a_log_without_a_number_at_the_beginning_of_its_lines_is_read_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("events.jsonl");
        let line = |seq: u64| format!(r#"{{"event":"closed","time":1.0,"seq":{seq}}}"#) + "\n";
        let text: String = (1..=9000).map(line).collect();
        std::fs::write(&path, text).unwrap();
        let seqs: Vec<u64> = read_events(&path, 8990).unwrap().iter().map(|e| e.seq).collect();
        assert!(seqs.into_iter().eq(8991..=9000));
    }
}
