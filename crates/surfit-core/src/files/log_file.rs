//! A log that grows in place, keeps one older file, and never stands in anybody's way.

use super::{FileLocation, FilePath, break_hard_link, metadata, open_with, rename};
use rustix::fs::OFlags;
use std::fs::{File, Metadata};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;

/// The writing end of a log. A record that the disk refuses is dropped and counted; the next one that is written is preceded
/// by the count.
#[derive(Debug)]
pub struct LogFile {
    location: FilePath,
    file: File,
    max_bytes: u64,
    /// Length at which the file is rotated; more than `max_bytes` after a rotation that failed.
    rotation_length: u64,
    lost_records: u64,
    /// The last record was cut short.
    is_torn: bool,
    /// Whether standard output and standard error were this file when it was opened, and follow it.
    stdio_follows: [bool; 2],
}

impl LogFile {
    /// Opens a log for appending. Once it is longer than `max_bytes` it is renamed from `NAME.txt` to `NAME.1.txt`, whose place it takes.
    ///
    /// # Errors
    /// As [`open_with`].
    pub fn open(location: &(impl FileLocation + ?Sized), max_bytes: u64) -> io::Result<Self> {
        break_hard_link(location)?;
        let file = Self::open_file(location)?;
        let here = file.metadata()?;
        let is_here = |fd: io::Result<File>| fd.and_then(|f| f.metadata()).is_ok_and(|m| is_same_file(&m, &here));
        let stdio_follows = [
            is_here(io::stdout().as_fd().try_clone_to_owned().map(File::from)),
            is_here(io::stderr().as_fd().try_clone_to_owned().map(File::from)),
        ];
        let location = FilePath::from_location(location);
        let (lost_records, is_torn) = (0, false);
        Ok(Self { location, file, max_bytes, rotation_length: max_bytes, lost_records, is_torn, stdio_follows })
    }

    fn open_file(location: &(impl FileLocation + ?Sized)) -> io::Result<File> {
        open_with(location, OFlags::WRONLY | OFlags::CREATE | OFlags::APPEND)
    }

    /// Returns where the older part of a log is kept.
    pub fn rotated_location(location: &FilePath) -> FilePath {
        let extension = location.extension().unwrap_or_default().to_string_lossy();
        location.clone().with_path(&location.with_extension(format!("1.{extension}")))
    }

    /// Appends a record, a line without its end.
    pub fn write_record(&mut self, record: &str) {
        self.rotate_if_long();
        let mut line = String::new();
        if self.is_torn {
            line.push('\n');
        }
        if self.lost_records > 0 {
            line += &format!("{} records were lost: the disk did not take them\n", self.lost_records);
        }
        line.push_str(record);
        line.push('\n');
        match self.file.write(line.as_bytes()) {
            Ok(length) if length == line.len() => (self.lost_records, self.is_torn) = (0, false),
            Ok(_) => (self.lost_records, self.is_torn) = (self.lost_records + 1, true),
            Err(_) => self.lost_records += 1,
        }
    }

    fn rotate_if_long(&mut self) {
        let Ok(here) = self.file.metadata() else { return };
        if here.len() < self.rotation_length {
            return;
        }
        // What cannot be rotated now grows by as much again before the next attempt.
        self.rotation_length = here.len() + self.max_bytes;
        // Another directory, or another program's newer log, may have taken the place.
        if !metadata(&self.location).is_ok_and(|there| is_same_file(&here, &there)) {
            return;
        }
        if rename(&self.location, &Self::rotated_location(&self.location)).is_err() {
            return;
        }
        if let Ok(file) = Self::open_file(&self.location) {
            // What libraries and panics write goes on in the new file.
            if self.stdio_follows[0] {
                let _ = rustix::stdio::dup2_stdout(&file);
            }
            if self.stdio_follows[1] {
                let _ = rustix::stdio::dup2_stderr(&file);
            }
            self.file = file;
            self.rotation_length = self.max_bytes;
        }
    }
}

fn is_same_file(a: &Metadata, b: &Metadata) -> bool {
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_log_is_rotated_and_one_older_file_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let location = FilePath::beneath(dir.path(), "log.txt");
        let mut log = LogFile::open(&location, 100).unwrap();
        for n in 0..100 {
            log.write_record(&format!("record number {n}"));
        }
        let read = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap();
        let both = read("log.1.txt") + &read("log.txt");
        assert!(both.len() < 300 && both.ends_with("record number 99\n"), "{both}");
        let first: usize = both.split_whitespace().nth(2).unwrap().parse().unwrap();
        assert_eq!(both.lines().count(), 100 - first, "a record is missing: {both}");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2);
        // Opened again, it goes on.
        LogFile::open(&location, 100).unwrap().write_record("again");
        assert!((read("log.1.txt") + &read("log.txt")).ends_with("99\nagain\n"));
    }

    #[test]
    fn a_log_whose_place_was_taken_renames_nothing_there() {
        let dir = tempfile::tempdir().unwrap();
        let location = FilePath::beneath(dir.path(), "log.txt");
        let mut log = LogFile::open(&location, 10).unwrap();
        log.write_record("a long first record");
        std::fs::rename(&location, dir.path().join("moved.txt")).unwrap();
        std::fs::write(&location, "of another run").unwrap();
        log.write_record("a second record");
        assert_eq!(std::fs::read_to_string(&location).unwrap(), "of another run");
        let moved = std::fs::read_to_string(dir.path().join("moved.txt")).unwrap();
        assert_eq!(moved, "a long first record\na second record\n");
    }

    #[test]
    fn records_that_the_disk_refuses_are_counted() {
        let Ok(full) = File::options().append(true).open("/dev/full") else { return };
        let dir = tempfile::tempdir().unwrap();
        let mut log = LogFile::open(&dir.path().join("log.txt"), 1 << 20).unwrap();
        let room = std::mem::replace(&mut log.file, full);
        log.write_record("one");
        log.write_record("two");
        log.file = room;
        log.write_record("three");
        let text = std::fs::read_to_string(dir.path().join("log.txt")).unwrap();
        assert_eq!(text, "2 records were lost: the disk did not take them\nthree\n");
    }

    /// Runs itself as a child, whose standard output is the log.
    #[test]
    fn what_is_printed_goes_on_in_the_new_file() {
        const CHILD_FOLDER: &str = "SURFIT_TEST_LOG_FOLDER";
        if let Some(folder) = std::env::var_os(CHILD_FOLDER) {
            let mut log = LogFile::open(&FilePath::beneath(folder.as_ref(), "log.txt"), 100).unwrap();
            for n in 0..9 {
                log.write_record(&format!("a record of some length, the one with number {n}"));
            }
            println!("a warning of a library");
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let log = File::options().create(true).append(true).open(dir.path().join("log.txt")).unwrap();
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "--nocapture", "files::log_file::tests::what_is_printed_goes_on_in_the_new_file"]);
        child.env(CHILD_FOLDER, dir.path()).stderr(log.try_clone().unwrap()).stdout(log);
        assert!(child.status().unwrap().success());
        let read = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap();
        let (older, newer) = (read("log.1.txt"), read("log.txt"));
        assert!(newer.contains("a warning of a library") && !older.contains("a warning"), "{older}---\n{newer}");
    }
}
