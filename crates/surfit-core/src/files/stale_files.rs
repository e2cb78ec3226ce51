//! Leftovers of killed processes: files and folders under the names that they have while they are made.
//!
//! The name has the maker's process id. A number of a process is given anew in time, and another machine or container
//! that shares the folder has processes of its own; a clock may leap. So the name alone is believed only where nobody else
//! works. Elsewhere what goes is both old and nobody's, or is about to be made again and nobody holds it: whoever makes it
//! has a lock on it, which the kernel releases however the process ends.

use super::confined::open_at;
use super::{FileLocation, FilePath, list_folder, remove, remove_folder};
use rustix::fs::{FlockOperation, Mode, OFlags, flock};
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};
use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// Age from which what belongs to no living process is left: whoever made it elsewhere has come to an end by then.
const STALE_AGE: Duration = Duration::from_secs(3600);

/// Endings of the files that this program writes beside others' files.
const OWN_EXTENSIONS: [&str; 9] = ["json", "toml", "csv", "tsv", "md", "png", "svg", "safetensors", "last"];

/// Removes what [`write_atomic`](super::write_atomic) left in a folder that no other process uses, when its process was
/// killed. A live process may still be writing.
pub fn remove_temporary_files(folder: &(impl FileLocation + ?Sized)) {
    let folder = FilePath::from_location(folder);
    for entry in list_folder(&folder).unwrap_or_default() {
        let process = entry.name.to_str().and_then(parse_temporary_name).map(|(_, process)| process);
        if process.is_some_and(has_process_ended) && entry.is_file {
            let _ = remove(&folder.join(&entry.name));
        }
    }
}

/// Removes from a folder that others work in, too, what no live process makes and has been unchanged for an hour:
/// temporary files, and runs that were being made (`.NAME.PROCESS-NUMBER.partial`).
pub fn remove_stale(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let (name, path) = (entry.file_name(), entry.path());
        let (Some(name), Ok(kind)) = (name.to_str(), entry.file_type()) else {
            continue;
        };
        let file = parse_temporary_name(name).filter(|(of, _)| is_own_file_name(of)).filter(|_| kind.is_file());
        let run = parse_partial_name(name).filter(|_| kind.is_dir());
        let process = file.or(run).map(|(_, process)| process);
        if !process.is_some_and(has_process_ended) || !is_past_stale_age(&path) {
            continue;
        }
        let _ = match kind.is_dir() {
            true => fs::remove_dir_all(&path),
            false => fs::remove_file(&path),
        };
    }
}

/// Removes what killed processes left of making `place`: beside it, files and folders called `.NAME.PROCESS.tmp` or `.NAME.PROCESS-NUMBER.tmp`, and runs
/// called `.NAME.PROCESS-NUMBER.partial`. A folder that holds other files than this program's stays.
pub fn remove_abandoned(place: &(impl FileLocation + ?Sized)) {
    let path = place.full_path();
    let wanted = path.file_name().unwrap_or_default().to_string_lossy();
    let folder = FilePath::from_location(place).with_path(crate::config::folder_of(path));
    for entry in list_folder(&folder).unwrap_or_default() {
        let Some(name) = entry.name.to_str().filter(|name| name.starts_with('.')) else {
            continue;
        };
        // A pipe, a device, or a link to one, is not even opened.
        if !entry.is_folder && !entry.is_file {
            continue;
        }
        let run = parse_partial_name(name).filter(|_| entry.is_folder);
        let (is_run, made) = (run.is_some(), run.or(parse_temporary_name(name)));
        let left = folder.join(name);
        if !made.is_some_and(|(of, process)| of == wanted && has_process_ended(process)) || !is_unlocked(&left) {
            continue;
        }
        let _ = match entry.is_folder {
            true if is_run || contains_only_own_files(&left) => remove_folder(&left),
            true => continue,
            false => remove(&left),
        };
    }
}

/// Marks a file or folder as being made by this process for as long as it is open. Where the file system has no locks,
/// what a killed process leaves stays for an hour.
pub(super) fn lock_unfinished(made: impl AsFd) {
    let _ = flock(made, FlockOperation::NonBlockingLockExclusive);
}

/// Opens a folder and marks it as being made by this process, until the value is dropped.
pub fn lock_unfinished_folder(folder: &(impl FileLocation + ?Sized)) -> Option<OwnedFd> {
    let opened = open_at(folder, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()).ok()?;
    lock_unfinished(&opened);
    Some(opened)
}

/// True when no process holds the file or folder there; where the file system does not report it, when it is old.
fn is_unlocked(left: &FilePath) -> bool {
    // Something else may have taken its place since it was listed.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::NOCTTY;
    let opened = open_at(left, flags, Mode::empty());
    let locked = opened.map(|file| {
        let locked = flock(&file, FlockOperation::NonBlockingLockExclusive);
        (locked, is_on_shared_file_system(&file))
    });
    match locked {
        // Where other machines have the folder too, their locks may count on them alone.
        Ok((Ok(()), is_shared)) => !is_shared || is_past_stale_age(left),
        Ok((Err(Errno::WOULDBLOCK), _)) => false,
        Ok((Err(_), _)) | Err(_) => is_past_stale_age(left),
    }
}

/// True for a file or folder on a file system that other machines may have mounted as well.
#[cfg(target_os = "linux")]
fn is_on_shared_file_system(opened: impl AsFd) -> bool {
    /// NFS, Lustre, BeeGFS, GPFS, Ceph, SMB (two), FUSE, AFS: numbers of `statfs`, from linux/magic.h and the projects'
    /// sources.
    const SHARED_FILE_SYSTEMS: [u32; 9] = [
        0x6969,
        0x0bd0_0bd0,
        0x1983_0326,
        0x4750_4653,
        0x00c3_6400,
        0xff53_4d42,
        0xfe53_4d42,
        0x6573_5546,
        0x5346_414f,
    ];
    rustix::fs::fstatfs(opened).is_ok_and(|found| SHARED_FILE_SYSTEMS.contains(&(found.f_type as u32)))
}

/// True for a file or folder on a file system that other machines may have mounted as well; not known here.
#[cfg(not(target_os = "linux"))]
fn is_on_shared_file_system(_: impl AsFd) -> bool {
    true
}

/// True for a folder in which there are only files that this program writes.
fn contains_only_own_files(folder: &FilePath) -> bool {
    list_folder(folder).is_ok_and(|all| {
        all.iter().all(|entry| {
            let name = entry.name.to_str().unwrap_or_default();
            entry.is_file && is_own_file_name(parse_temporary_name(name).map_or(name, |(of, _)| of))
        })
    })
}

/// What a temporary file will be called, and the process that writes it.
fn parse_temporary_name(name: &str) -> Option<(&str, Pid)> {
    let (of, process) = name.strip_prefix('.')?.strip_suffix(".tmp")?.rsplit_once('.')?;
    // A number follows where the name was taken.
    let process = match process.split_once('-') {
        Some((process, number)) => number.parse::<u32>().ok().map(|_| process)?,
        None => process,
    };
    Some((of, parse_pid(process)?))
}

/// What a run that is being made will be called, and the process that makes it.
fn parse_partial_name(name: &str) -> Option<(&str, Pid)> {
    let name = name.strip_prefix('.')?.strip_suffix(".partial")?;
    let (of, process) = name.rsplit_once('.')?;
    let (process, number) = process.split_once('-')?;
    number.parse::<u64>().ok()?;
    Some((of, parse_pid(process)?))
}

fn parse_pid(digits: &str) -> Option<Pid> {
    Pid::from_raw(digits.parse().ok()?)
}

/// True when no process has that number, whoever's it is, or one that has ended and that its parent does not ask for: in a
/// container that may be for good.
fn has_process_ended(process: Pid) -> bool {
    if test_kill_process(process) == Err(rustix::io::Errno::SRCH) {
        return true;
    }
    let stat = fs::read_to_string(format!("/proc/{}/stat", process.as_raw_pid()));
    // After the name, which may hold anything.
    let state = stat.ok().and_then(|s| s.rsplit(')').next()?.trim_start().chars().next());
    matches!(state, Some('Z' | 'X'))
}

fn is_own_file_name(name: &str) -> bool {
    OWN_EXTENSIONS.contains(&name.rsplit('.').next().unwrap_or_default())
}

/// True when neither it nor what it holds was changed for an hour. What was changed in the future, by a clock that was set
/// back since, is not old.
fn is_past_stale_age(path: &Path) -> bool {
    let now = SystemTime::now();
    let old = |path: &Path| {
        let changed = path.symlink_metadata().and_then(|data| data.modified());
        let age = changed.ok().and_then(|at| now.duration_since(at).ok());
        age.is_some_and(|age| age > STALE_AGE)
    };
    let inside = fs::read_dir(path).into_iter().flatten().flatten();
    old(path) && inside.map(|e| e.path()).all(|path| old(&path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::path::PathBuf;

    /// No process has the largest number.
    const UNUSED_PID: i32 = i32::MAX;

    fn set_age(path: &Path, by: Duration) {
        let at = SystemTime::now() - by;
        File::open(path).unwrap().set_modified(at).unwrap();
    }

    #[test]
    fn what_a_killed_process_left_goes_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: String| {
            fs::write(dir.path().join(&name), "half").unwrap();
            dir.path().join(name)
        };
        let left = file(format!(".state.safetensors.{UNUSED_PID}.tmp"));
        let stay = [
            file(format!(".state.safetensors.{}.tmp", std::process::id())),
            file(format!("state.safetensors.{UNUSED_PID}.tmp")),
            file(".mine.tmp".into()),
            file("state.safetensors".into()),
        ];
        remove_temporary_files(dir.path());
        assert!(!left.exists());
        assert!(stay.iter().all(|path| path.is_file()));
    }

    #[test]
    fn one_that_has_ended_and_that_nobody_asks_for_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let left = dir.path().join(format!(".a.json.{}.tmp", child.id()));
        fs::write(&left, "half").unwrap();
        let began = std::time::Instant::now();
        while left.exists() {
            assert!(began.elapsed() < Duration::from_secs(60));
            remove_temporary_files(dir.path());
            std::thread::sleep(Duration::from_millis(5));
        }
        child.wait().unwrap();
    }

    #[test]
    fn what_a_killed_process_left_beside_a_place_goes_before_it_is_made_again() {
        let dir = tempfile::tempdir().unwrap();
        let me = std::process::id();
        let make = |name: String, inside: &[&str]| -> PathBuf {
            let path = dir.path().join(&name);
            fs::create_dir(&path).unwrap();
            for file in inside {
                fs::write(path.join(file), "half").unwrap();
            }
            path
        };
        let write = |name: String| -> PathBuf {
            fs::write(dir.path().join(&name), "half").unwrap();
            dir.path().join(name)
        };
        let inside = ["model.safetensors", ".model.json.77.tmp"];
        let left = [
            make(format!(".model.{UNUSED_PID}.tmp"), &inside),
            make(format!(".model.{UNUSED_PID}-7.partial"), &["config.toml", "lock"]),
            write(format!(".model.{}.tmp", UNUSED_PID - 1)),
            make(format!(".model.{UNUSED_PID}-1.tmp"), &inside),
        ];
        let held = make(format!(".model.{}.tmp", UNUSED_PID - 2), &inside);
        let stay = [
            held.clone(),
            make(format!(".model.{me}.tmp"), &inside),
            make(format!(".model.{}.tmp", UNUSED_PID - 3), &["thesis.tex"]),
            make(format!(".model2.{UNUSED_PID}.tmp"), &inside),
            make(format!("model.{UNUSED_PID}.tmp"), &inside),
            make(".model.swp.tmp".into(), &inside),
            write(format!(".map.csv.{UNUSED_PID}.tmp")),
        ];
        // As a process of another container does, whose number is nobody's here.
        let holder = lock_unfinished_folder(&held).unwrap();
        remove_abandoned(&dir.path().join("model"));
        for path in &left {
            assert!(!path.exists(), "{}", path.display());
        }
        for path in &stay {
            assert!(path.exists(), "{}", path.display());
        }
        drop(holder);
        remove_abandoned(&dir.path().join("model"));
        assert!(!held.exists());
        // Whoever writes the file again.
        super::super::write_atomic(&dir.path().join("map.csv"), b"whole").unwrap();
        assert!(!stay[6].exists() && dir.path().join("map.csv").is_file());
    }

    #[test]
    fn a_link_or_a_pipe_that_has_such_a_name_is_neither_opened_nor_removed() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: String| dir.path().join(name);
        let pipes = [path("outside".into()), path(format!(".model.{UNUSED_PID}.tmp"))];
        let link = path(format!(".model.{}.tmp", UNUSED_PID - 1));
        for pipe in &pipes {
            let made = std::process::Command::new("mkfifo").arg(pipe).status();
            assert!(made.unwrap().success());
        }
        std::os::unix::fs::symlink(&pipes[0], &link).unwrap();
        // Whoever opens a pipe to write waits until somebody opens it to read.
        let writers =
            pipes.clone().map(|pipe| std::thread::spawn(move || File::options().write(true).open(pipe).map(drop)));
        std::thread::sleep(Duration::from_millis(200));
        remove_abandoned(&dir.path().join("model"));
        std::thread::sleep(Duration::from_millis(200));
        assert!(writers.iter().all(|writer| !writer.is_finished()));
        assert!(link.is_symlink() && pipes.iter().all(|pipe| pipe.exists()));
        let _readers = pipes.each_ref().map(|pipe| {
            let mut both = File::options();
            both.read(true).write(true).open(pipe).unwrap()
        });
        for writer in writers {
            writer.join().unwrap().unwrap();
        }
        assert!(!is_unlocked(&FilePath::from_location(&link)), "young, and no file");
    }

    #[test]
    fn among_others_only_what_is_old_and_nobodys_goes() {
        let dir = tempfile::tempdir().unwrap();
        let me = std::process::id();
        let make = |name: String, by: Duration| -> PathBuf {
            let path = dir.path().join(&name);
            if name.ends_with(".partial") {
                fs::create_dir_all(path.join("corners")).unwrap();
                fs::write(path.join("config.toml"), "").unwrap();
                set_age(&path.join("corners"), by);
                set_age(&path.join("config.toml"), by);
            } else {
                fs::write(&path, "half").unwrap();
            }
            set_age(&path, by);
            path
        };
        let day = 24 * STALE_AGE;
        let left = [
            make(format!(".run-a.{UNUSED_PID}-3.partial"), day),
            make(format!(".run.with.dots.{UNUSED_PID}-0.partial"), day),
            make(format!(".000001.json.{UNUSED_PID}.tmp"), day),
            make(format!(".last.{UNUSED_PID}.tmp"), day),
        ];
        let stay = [
            // A clock that leaps a day makes everything old, and what lives stays all the same.
            make(format!(".run-a.{me}-3.partial"), day),
            make(format!(".000001.json.{me}.tmp"), day),
            // Young: on another machine it may live.
            make(format!(".run-b.{UNUSED_PID}-3.partial"), STALE_AGE / 2),
            make(format!(".000002.json.{UNUSED_PID}.tmp"), STALE_AGE / 2),
            // Others' files.
            make(format!(".zsh_history.{UNUSED_PID}.tmp"), day),
            make(format!("run-a.{UNUSED_PID}-3.partial"), day),
            make(format!(".run-a.{UNUSED_PID}.partial"), day),
            make(".mine.partial".into(), day),
            make("run".into(), day),
        ];
        // Somebody still writes into it.
        let written = make(format!(".run-c.{UNUSED_PID}-1.partial"), day);
        fs::write(written.join("events.jsonl"), "").unwrap();
        set_age(&written, day);
        // From the future, for a clock that was set back.
        let future = dir.path().join(format!(".future.json.{UNUSED_PID}.tmp"));
        let at = SystemTime::now() + day;
        File::create(&future).unwrap().set_modified(at).unwrap();
        remove_stale(dir.path());
        for path in &left {
            assert!(!path.exists(), "{}", path.display());
        }
        for path in stay.iter().chain([&written, &future]) {
            assert!(path.exists(), "{}", path.display());
        }
    }
}
