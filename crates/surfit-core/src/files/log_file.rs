//! A log that grows in place, keeps one older file, and never blocks its program.

use super::{FileLocation, FilePath, break_hard_link, metadata, open_with, rename};
use rustix::fs::{FlockOperation, OFlags, flock};
use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

/// The writing end of a log. A record that the disk refuses is dropped and counted; the next one that is written is preceded
/// by the count. Several processes may write one log; whichever finds it too long rotates it, and the others follow.
#[derive(Debug)]
pub struct LogFile {
    location: FilePath,
    file: File,
    /// The folder that it was opened in: another one may come to have that name.
    folder: Option<Metadata>,
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
        let folder = folder_of(&location).metadata().ok();
        let (lost_records, is_torn) = (0, false);
        Ok(Self { location, file, folder, max_bytes, rotation_length: max_bytes, lost_records, is_torn, stdio_follows })
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
        self.follow_rotation();
        self.rotate_if_long();
        let mut line = String::new();
        if self.is_torn {
            line.push('\n');
        }
        if self.lost_records > 0 {
            // In the form of a record, which cannot be mistaken for text of a library or a panic.
            let (now, lost) = (jiff::Timestamp::now(), self.lost_records);
            line +=
                &format!("{now:.6}  WARN {}: {lost} records were lost: the disk did not take them\n", module_path!());
        }
        line.push_str(record);
        line.push('\n');
        match self.file.write(line.as_bytes()) {
            Ok(length) if length == line.len() => (self.lost_records, self.is_torn) = (0, false),
            Ok(_) => (self.lost_records, self.is_torn) = (self.lost_records + 1, true),
            Err(_) => self.lost_records += 1,
        }
    }

    /// Opens the log anew when another process has rotated it, and after a rotation that made no new file.
    fn follow_rotation(&mut self) {
        let Ok(here) = self.file.metadata() else { return };
        let is_absent = match metadata(&self.location) {
            Ok(there) if is_same_file(&here, &there) => return,
            Ok(_) => false,
            Err(error) => error.kind() == ErrorKind::NotFound,
        };
        // What is there may be another program's, unless this file was rotated, be it twice.
        let is_rotated = || {
            let rotated = metadata(&Self::rotated_location(&self.location));
            here.nlink() == 0 || rotated.is_ok_and(|rotated| is_same_file(&here, &rotated))
        };
        let folder = folder_of(&self.location).metadata().ok();
        let is_same_folder = self.folder.as_ref().zip(folder).is_some_and(|(then, now)| is_same_file(then, &now));
        if is_same_folder && (is_absent || is_rotated()) {
            self.open_anew();
        }
    }

    fn rotate_if_long(&mut self) {
        let Ok(here) = self.file.metadata() else { return };
        if here.len() < self.rotation_length {
            return;
        }
        // What cannot be rotated now grows by as much again before the next attempt.
        self.rotation_length = here.len() + self.max_bytes;
        // One process at a time: of two renames the second would put the new file in the older one's place. A file system
        // without locks does without.
        if let Err(rustix::io::Errno::WOULDBLOCK) = flock(&self.file, FlockOperation::NonBlockingLockExclusive) {
            return;
        }
        // Another directory, or another program's newer log, may have taken the place.
        let is_in_place = metadata(&self.location).is_ok_and(|there| is_same_file(&here, &there));
        let is_renamed = is_in_place && rename(&self.location, &Self::rotated_location(&self.location)).is_ok();
        // Standard output may hold the same open file.
        let _ = flock(&self.file, FlockOperation::Unlock);
        if is_renamed {
            self.open_anew();
        }
    }

    /// Reopens the file at the log's location. When it cannot be opened, the old one is kept, and the next record asks
    /// again.
    fn open_anew(&mut self) {
        let Ok(file) = Self::open_file(&self.location) else { return };
        // What libraries and panics write continues in the new file.
        if self.stdio_follows[0] {
            let _ = rustix::stdio::dup2_stdout(&file);
        }
        if self.stdio_follows[1] {
            let _ = rustix::stdio::dup2_stderr(&file);
        }
        self.file = file;
        self.is_torn = false;
        self.rotation_length = self.max_bytes;
    }
}

fn folder_of(location: &FilePath) -> PathBuf {
    crate::config::folder_of(location).to_owned()
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
        // Opened again, it continues.
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
        let (lost, rest) = text.split_once('\n').unwrap();
        assert!(lost.ends_with("2 records were lost: the disk did not take them"), "{text}");
        assert!(crate::logging::is_log_record(lost), "{text}");
        assert_eq!(rest, "three\n");
    }

    #[test]
    fn a_rotation_that_made_no_new_file_is_repaired_by_the_next_record() {
        let dir = tempfile::tempdir().unwrap();
        let location = FilePath::beneath(dir.path(), "log.txt");
        let mut log = LogFile::open(&location, 100).unwrap();
        log.write_record("one");
        // As after a rename, when no file could be opened.
        std::fs::rename(&location, LogFile::rotated_location(&location)).unwrap();
        log.write_record("two");
        let read = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap();
        assert_eq!((read("log.1.txt").as_str(), read("log.txt").as_str()), ("one\n", "two\n"));
    }

    #[test]
    fn of_several_writers_one_rotates_and_the_others_follow() {
        let dir = tempfile::tempdir().unwrap();
        let location = FilePath::beneath(dir.path(), "log.txt");
        let mut logs = [(); 3].map(|()| LogFile::open(&location, 1000).unwrap());
        let read = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap_or_default();
        for n in 0..200 {
            // The third is idle through several rotations.
            let writer = if n % 90 == 89 { 2 } else { n % 2 };
            logs[writer].write_record(&format!("record number {n}"));
            assert!(read("log.txt").ends_with(&format!("number {n}\n")), "{n}");
        }
        let both = read("log.1.txt") + &read("log.txt");
        let first: usize = both.split_whitespace().nth(2).unwrap().parse().unwrap();
        assert_eq!(both.lines().count(), 200 - first, "a record is missing: {both}");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2);
        // While another one rotates it, a record goes where it can.
        logs[0].write_record(&"x".repeat(1000));
        let lock = File::open(&location).unwrap();
        flock(&lock, FlockOperation::NonBlockingLockExclusive).unwrap();
        logs[1].write_record("last");
        assert!(read("log.txt").ends_with("x\nlast\n"));
    }

    #[test]
    fn a_log_of_a_folder_that_was_replaced_begins_none_in_the_other() {
        let dir = tempfile::tempdir().unwrap();
        let [folder, moved] = ["run", "moved"].map(|name| dir.path().join(name));
        std::fs::create_dir(&folder).unwrap();
        let mut log = LogFile::open(&FilePath::beneath(&folder, "log.txt"), 100).unwrap();
        std::fs::rename(&folder, &moved).unwrap();
        std::fs::create_dir(&folder).unwrap();
        log.write_record("one");
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
        assert_eq!(std::fs::read_to_string(moved.join("log.txt")).unwrap(), "one\n");
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
