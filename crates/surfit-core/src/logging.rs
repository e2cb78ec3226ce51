//! What a program does, written to a log file; `SURFIT_LOG` sets the level.

use crate::files::{FileLocation, LogFile};
use crate::text::{MAX_SENTENCE_CHARS, to_printable};
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use tracing_subscriber::EnvFilter;

/// Size at which a log is renamed and begun anew; one older file is kept.
pub const MAX_LOG_BYTES: u64 = 4 << 20;

/// Returns the filter that the user chose in `SURFIT_LOG`, in the syntax of `EnvFilter`: `debug`, `warn,surfit_engine=trace`.
pub fn requested_filter() -> Option<String> {
    std::env::var("SURFIT_LOG").ok().filter(|filter| !filter.trim().is_empty())
}

/// Sends the records of this process to a log file: those that `filter` lets through, else from INFO on. Only the first call
/// has an effect.
///
/// # Errors
/// As [`LogFile::open`].
pub fn start_logging(location: &(impl FileLocation + ?Sized), filter: Option<&str>) -> io::Result<()> {
    let file = Arc::new(Mutex::new(LogFile::open(location, MAX_LOG_BYTES)?));
    let parsed = filter.map(EnvFilter::try_new).transpose();
    let (filter, fault) = match parsed {
        Ok(chosen) => (chosen, None),
        Err(error) => (None, Some(error)),
    };
    let started = tracing_subscriber::fmt()
        .with_ansi(false)
        // That would go to standard error, which may be a terminal that is drawn on.
        .log_internal_errors(false)
        .with_env_filter(filter.unwrap_or_else(|| EnvFilter::new("info")))
        .with_writer(move || RecordWriter(file.clone()))
        .try_init();
    if let (Ok(()), Some(fault)) = (started, fault) {
        tracing::warn!("SURFIT_LOG is no filter ({fault}); use debug, or warn,surfit_engine=trace, for example");
    }
    Ok(())
}

/// Takes one record, makes it one line in which nothing steers a terminal, and never fails.
struct RecordWriter(Arc<Mutex<LogFile>>);

impl Write for RecordWriter {
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(record);
        let text = to_printable(text.trim_end_matches('\n'), MAX_SENTENCE_CHARS);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write_record(&text);
        Ok(record.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// True for a line that this module wrote: a time, then a level.
pub fn is_log_record(line: &str) -> bool {
    let mut words = line.split_ascii_whitespace();
    let is_time = words.next().is_some_and(|word| word.ends_with('Z') && word.contains('T'));
    let level = words.next().unwrap_or_default();
    is_time && ["TRACE", "DEBUG", "INFO", "WARN", "ERROR"].contains(&level)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_single_lines_that_are_told_from_others() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.txt");
        start_logging(&path, Some("debug,surfit_core=nonsense")).unwrap();
        tracing::info!("two\nlines \x1b[31m and \u{9b}2J");
        tracing::debug!("not seen");
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert!(lines[0].contains("WARN") && lines[0].contains("SURFIT_LOG is no filter"), "{text}");
        assert!(lines[1].contains("two") && lines[1].contains("lines"), "{text}");
        assert!(!text.contains('\x1b') && !text.contains('\u{9b}'), "{text}");
        assert!(lines.iter().all(|line| is_log_record(line)));
        assert!(!is_log_record("surfit-engine: no libtorch") && !is_log_record(""));
    }
}
