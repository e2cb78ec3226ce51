//! How a log of events ends, without reading what comes before.

use super::line_parser;
use super::line_reader::{MAX_DAMAGE_BYTES, MAX_EVENT_BYTES, too_much_damage_error};
use crate::files::{self, FileLocation};
use crate::run_dir::{RunError, io_error_at};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// Bytes that are read at first; most lines are far shorter.
const BLOCK_BYTES: u64 = 64 << 10;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct LogEnd {
    /// Bytes up to the end of the last whole line.
    pub length: u64,
    /// Number of the last event; 0 when there is none.
    pub last_number: u64,
    /// Whole lines after it that are no events.
    pub damaged: u64,
}

/// How the log ends. Blocks are read from its end on until one holds an event; of a line never more than an event may have.
pub(super) fn find_log_end(file: &File) -> io::Result<LogEnd> {
    let length = file.metadata()?.len();
    let mut end = LogEnd::default();
    // Bytes between the block and the end of the line that it ends in; none before the last end of a line is found.
    let mut rest = Vec::new();
    let (mut ended, mut overlong) = (false, false);
    let mut from = length;
    while from > 0 {
        let before = from;
        from -= BLOCK_BYTES.min(from);
        let mut block = vec![0; (before - from) as usize];
        file.read_exact_at(&mut block, from)?;
        while let Some(at) = memchr::memrchr(b'\n', &block) {
            let mut line = block.split_off(at + 1);
            block.truncate(at);
            if ended {
                line.append(&mut rest);
                if end.count_line(&line, overlong || line.len() >= MAX_EVENT_BYTES) {
                    return Ok(end);
                }
            } else {
                end.length = from + at as u64 + 1;
            }
            rest.clear();
            (ended, overlong) = (true, false);
        }
        overlong |= block.len() + rest.len() > MAX_EVENT_BYTES;
        match overlong {
            true => rest.clear(),
            false => {
                block.append(&mut rest);
                rest = block;
            }
        }
        if length - from > MAX_DAMAGE_BYTES {
            return Err(too_much_damage_error());
        }
    }
    if ended {
        end.count_line(&rest, overlong);
    }
    Ok(end)
}

impl LogEnd {
    /// Counts a line that is before all that were counted; true for an event.
    fn count_line(&mut self, line: &[u8], overlong: bool) -> bool {
        let event = line_parser::parse_event(line).filter(|_| !overlong);
        match &event {
            Some(event) => self.last_number = event.seq,
            None => self.damaged += u64::from(overlong || !line.is_empty()),
        }
        event.is_some()
    }
}

/// Number of the last event in a log; 0 when there is none.
///
/// # Errors
/// [`RunError::Io`]; a file that does not exist holds no events.
pub fn last_event_number(path: &(impl FileLocation + ?Sized)) -> Result<u64, RunError> {
    match files::open(path).and_then(|file| find_log_end(&file)) {
        Ok(end) => Ok(end.last_number),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(e) => Err(io_error_at(path.full_path())(e)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Event;
    use crate::run_dir::EventLog;
    use std::io::Write;

    /// The log's end as reading all of it finds it.
    fn scan_log_end(bytes: &[u8]) -> LogEnd {
        let end = bytes.iter().rposition(|&b| b == b'\n').map_or(0, |p| p + 1);
        let mut damaged = 0;
        let mut lines = bytes[..end].split(|&b| b == b'\n').rev();
        let last = lines.find_map(|line| {
            let event = line_parser::parse_event(line).filter(|_| line.len() < MAX_EVENT_BYTES);
            damaged += u64::from(event.is_none() && !line.is_empty());
            event
        });
        LogEnd { length: end as u64, last_number: last.map_or(0, |e| e.seq), damaged }
    }

    fn notice(seq: u64, length: usize) -> String {
        let text = "x".repeat(length);
        format!(r#"{{"seq":{seq},"time":1.5,"event":"notice","text":"{text}"}}"#) + "\n"
    }

    #[test]
    fn the_end_is_the_same_however_far_back_the_last_event_lies() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("events.jsonl");
        let junk = "no event at all\n".repeat(30_000);
        let tails = [
            String::new(),
            "cut sho".into(),
            "\n\n".into(),
            "damaged\n\u{fffd}\ncut".into(),
            junk.clone(),
            "y".repeat(300_000),
            "y".repeat(300_000) + "\n",
            notice(3, 200_000),
            // Longer than any event.
            notice(3, 5 << 20),
            "y".repeat(5 << 20),
        ];
        for tail in tails {
            for head in [String::new(), notice(1, 10) + &notice(2, 100_000)] {
                let text = head + &tail;
                std::fs::write(&path, &text).unwrap();
                let end = find_log_end(&File::open(&path).unwrap()).unwrap();
                assert_eq!(end, scan_log_end(text.as_bytes()), "{} bytes", text.len());
                assert_eq!(last_event_number(&path).unwrap(), end.last_number);
                // The next event continues from there.
                let mut log = EventLog::open(&path).unwrap();
                assert_eq!(log.seq(), end.last_number + end.damaged);
                let (envelope, written) = log.append(Event::Closed);
                written.unwrap();
                assert_eq!(envelope.seq, end.last_number + end.damaged + 1);
                let now = std::fs::read_to_string(&path).unwrap();
                assert!(now.starts_with(&text[..end.length as usize]));
                assert_eq!(last_event_number(&path).unwrap(), envelope.seq);
            }
        }
        assert_eq!(last_event_number(&dir.path().join("none")).unwrap(), 0);
    }

    #[test]
    fn a_long_log_is_opened_by_its_end_alone() {
        // Nearly all of it is a hole that has no block on the disk, and more than memory would take.
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("events.jsonl");
        File::create(&path).unwrap().set_len(8 << 30).unwrap();
        let mut file = File::options().append(true).open(&path).unwrap();
        file.write_all(format!("\n{}", notice(77, 5)).as_bytes()).unwrap();
        let began = std::time::Instant::now();
        assert_eq!(EventLog::open(&path).unwrap().seq(), 77);
        assert!(began.elapsed().as_secs() < 2, "{:?}", began.elapsed());
    }
}
