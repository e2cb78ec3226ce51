use super::*;
use crate::event::Event;
use std::fs::File;
use std::io::Write;

fn notice(text: &str) -> Event {
    Event::Notice { text: text.into() }
}

#[test]
fn a_run_is_found_by_path_id_and_beginning() {
    let root = tempfile::tempdir().unwrap();
    let config = Config { name: "demo".into(), ..Config::default() };
    let run = RunDir::create_in(root.path(), &config).unwrap();
    assert_eq!(run.config().unwrap(), config);
    for name in [run.path().to_str().unwrap().to_owned(), run.id(), "dem".into()] {
        assert_eq!(RunDir::find(root.path(), &name).unwrap(), run);
    }
    let second = RunDir::create_in(root.path(), &config).unwrap();
    assert_ne!(second, run);
    assert!(matches!(RunDir::find(root.path(), "dem"), Err(RunError::Ambiguous { count: 2, .. })));
    assert_eq!(RunDir::list(root.path()).len(), 2);
}

#[test]
fn a_directory_with_something_in_it_is_not_overwritten() {
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("thesis.tex"), "").unwrap();
    let refused = RunDir::create(root.path(), &Config::default()).unwrap_err();
    let refused = refused.to_string();
    assert!(refused.contains("already exists and is not a run") && !refused.contains("resume"), "{refused}");
    assert!(matches!(RunDir::open(root.path()), Err(RunError::NotARun(_))));
}

#[test]
fn the_lock_tells_the_living_from_the_dead() {
    let root = tempfile::tempdir().unwrap();
    let run = RunDir::create(&root.path().join("a"), &Config::default()).unwrap();
    assert!(!run.is_engine_alive());
    let lock = run.lock().unwrap();
    assert!(run.is_engine_alive());
    let refused = run.lock().unwrap_err();
    assert!(refused.to_string().contains("in use by another engine"), "{refused}");
    drop(lock);
    assert!(!run.is_engine_alive());
}

#[test]
fn events_survive_a_line_cut_short() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("events.jsonl");
    let mut log = EventLog::open(&path).unwrap();
    log.append(notice("one")).1.unwrap();
    log.append(notice("two")).1.unwrap();
    drop(log);
    let mut file = File::options().append(true).open(&path).unwrap();
    file.write_all(b"{\"seq\":3,\"time\":1.0,\"event\":\"not").unwrap();
    assert_eq!(read_events(&path, 0).unwrap().len(), 2);
    let mut log = EventLog::open(&path).unwrap();
    assert_eq!(log.append(notice("three")).0.seq, 3);
    let texts: Vec<_> = read_events(&path, 1).unwrap().into_iter().map(|e| e.event).collect();
    assert_eq!(texts, [notice("two"), notice("three")]);
}

#[test]
fn a_damaged_line_is_passed_over_and_its_number_is_not_given_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("events.jsonl");
    EventLog::open(&path).unwrap().append(notice("one")).1.unwrap();
    let mut file = File::options().append(true).open(&path).unwrap();
    file.write_all(b"{\"seq\":2,\"time\":1.0,\"ev\x00\x00\n").unwrap();
    assert_eq!(EventLog::open(&path).unwrap().append(notice("three")).0.seq, 3);
    assert_eq!(read_events(&path, 0).unwrap().len(), 2);
}

#[test]
fn a_full_disk_delays_events_but_loses_none() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("events.jsonl");
    let mut log = EventLog::open(&path).unwrap();
    log.append(notice("one")).1.unwrap();
    // A descriptor that cannot be written stands for the full disk.
    let good = std::mem::replace(&mut log.file, File::open(&path).unwrap());
    assert!(log.append(notice("two")).1.is_err());
    assert_eq!(read_events(&path, 0).unwrap().len(), 1);
    log.file = good;
    log.append(notice("three")).1.unwrap();
    let numbers: Vec<_> = read_events(&path, 0).unwrap().iter().map(|e| e.seq).collect();
    assert_eq!(numbers, [1, 2, 3]);
}

#[test]
fn what_a_failed_sync_may_have_dropped_is_written_once_more() {
    use std::os::unix::fs::FileExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("events.jsonl");
    let mut log = EventLog::open(&path).unwrap();
    log.append(notice("one")).1.unwrap();
    log.sync().unwrap();
    log.append(notice("two")).1.unwrap();
    // A pipe takes what is written and makes nothing durable.
    let (_reads, writes) = std::io::pipe().unwrap();
    let good = std::mem::replace(&mut log.file, File::from(std::os::fd::OwnedFd::from(writes)));
    assert!(log.sync().is_err());
    log.file = good;
    // The system has dropped it meanwhile, and says nothing about it any more.
    let whole = std::fs::read(&path).unwrap();
    let second = whole.iter().position(|&b| b == b'\n').unwrap() + 1;
    let zeros = vec![0; whole.len() - second];
    log.file.write_all_at(&zeros, second as u64).unwrap();
    log.append(notice("three")).1.unwrap();
    log.sync().unwrap();
    let numbers: Vec<_> = read_events(&path, 0).unwrap().iter().map(|e| e.seq).collect();
    assert_eq!(numbers, [1, 2, 3]);
}

#[test]
fn sockets_have_short_paths_however_deep_the_run() {
    let root = tempfile::tempdir().unwrap();
    let deep = root.path().join("x".repeat(120)).join("y".repeat(120));
    let run = RunDir::create(&deep, &Config::default()).unwrap();
    assert!(run.socket_path().as_os_str().len() < 100);
    let other = RunDir::create(&root.path().join("z"), &Config::default()).unwrap();
    assert_ne!(run.socket_path(), other.socket_path());
}

#[test]
fn a_note_of_another_users_engine_counts_while_an_engine_works_and_not_after() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let run = RunDir::create(&dir.path().join("a"), &Config::default()).unwrap();
    // Another user's folder is open to others as seen from here, or closed to this one.
    let folder = dir.path().join("surfit");
    std::fs::create_dir(&folder).unwrap();
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&folder, mode).unwrap();
    let socket = folder.join("0123456789abcdef.sock");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    std::fs::write(run.join("socket"), socket.display().to_string()).unwrap();
    assert_eq!(run.trusted_socket().unwrap(), run.new_socket_path());
    let lock = run.lock().unwrap();
    let refused = run.trusted_socket().unwrap_err();
    assert!(matches!(&refused, RunError::ForeignSocket(path) if *path == socket), "{refused}");
    drop(lock);
    // The same socket in a folder of the user's alone.
    let mode = std::fs::Permissions::from_mode(0o700);
    std::fs::set_permissions(&folder, mode).unwrap();
    assert_eq!(run.trusted_socket().unwrap(), socket);
}

#[test]
fn runs_of_a_group_are_listed_and_found_by_their_names() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    for name in ["a", "seeds/seed-1", "seeds/seed-2", ".hidden"] {
        RunDir::create(&root.join(name), &Config::default()).unwrap();
    }
    std::fs::create_dir_all(root.join("notes/old")).unwrap();
    let mut names: Vec<String> = RunDir::list(root).iter().map(|r| r.name_in(root)).collect();
    names.sort();
    assert_eq!(names, ["a", "seeds/seed-1", "seeds/seed-2"]);
    let found = |name: &str| RunDir::find(root, name);
    assert_eq!(found("seeds/seed-2").unwrap().id(), "seed-2");
    assert!(matches!(found("seeds/s"), Err(RunError::Ambiguous { count: 2, .. })));
    let error = found("seeds").unwrap_err().to_string();
    assert!(error.contains("contains 2 runs") && error.contains("seeds/seed-1"), "{error}");
    assert!(matches!(found("notes"), Err(RunError::NotARun(_))));
    assert!(matches!(found(""), Err(RunError::NotFound { .. })));
}

#[test]
fn an_unknown_run_is_refused_with_the_nearest_names() {
    let dir = tempfile::tempdir().unwrap();
    let error = |name: &str| RunDir::find(dir.path(), name).unwrap_err().to_string();
    assert_eq!(error("demo"), "no run `demo`; `surfit ls` lists your runs");
    for name in ["demo-20261123-101500", "mine-20261123-101500", "seeds/seed-1", "seeds/seed-2"] {
        RunDir::create(&dir.path().join(name), &Config::default()).unwrap();
    }
    let near = |word: &str, nearest: &str| {
        assert_eq!(error(word), format!("no run `{word}`; did you mean {nearest}? `surfit ls` lists your runs"))
    };
    near("dmeo", "`demo-20261123-101500`");
    near("demo-20261123-101501", "`demo-20261123-101500`");
    near("seed/seed-1", "`seeds/seed-1` or `seeds/seed-2`");
    assert_eq!(error("unlike"), "no run `unlike`; `surfit ls` lists your runs");
}

#[test]
fn a_copy_is_another_run_and_a_renamed_one_is_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let run = RunDir::create(&dir.path().join("a"), &Config::default()).unwrap();
    let copy = RunDir::create(&dir.path().join("b"), &Config::default()).unwrap();
    let before = run.identity().unwrap();
    assert_ne!(copy.identity(), Some(before));
    std::fs::rename(run.path(), dir.path().join("c")).unwrap();
    std::os::unix::fs::symlink("c", dir.path().join("d")).unwrap();
    for name in ["c", "d"] {
        let renamed = RunDir::open(&dir.path().join(name)).unwrap();
        assert_eq!(renamed.identity(), Some(before), "{name}");
    }
    assert_eq!(run.identity(), None);
}

/// As `cp -al` does.
fn linked(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (path, twin) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
        match path.is_dir() {
            true => linked(&path, &twin),
            false => std::fs::hard_link(path, twin).unwrap(),
        }
    }
}

#[test]
fn a_copy_made_of_links_has_a_lock_and_events_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let run = RunDir::create(&dir.path().join("a"), &Config::default()).unwrap();
    let lock = run.lock().unwrap();
    let mut log = EventLog::open(&run.events_path()).unwrap();
    log.append(notice("one")).1.unwrap();
    let twin = dir.path().join("b");
    linked(run.path(), &twin);
    let twin = RunDir::open(&twin).unwrap();
    // The original is in use all the same, and nobody takes its lock away.
    assert!(run.is_engine_alive() && !twin.is_engine_alive());
    assert!(matches!(run.lock(), Err(RunError::InUse { .. })));
    let other = twin.lock().unwrap();
    assert!(run.is_engine_alive() && twin.is_engine_alive());
    assert!(matches!(twin.lock(), Err(RunError::InUse { .. })));
    let mut others = EventLog::open(&twin.events_path()).unwrap();
    others.append(notice("two")).1.unwrap();
    log.append(notice("three")).1.unwrap();
    let told = |run: &RunDir| -> Vec<Event> {
        let all = run.events(0).unwrap().into_iter();
        all.map(|e| e.event).collect()
    };
    assert_eq!(told(&run), [notice("one"), notice("three")]);
    assert_eq!(told(&twin), [notice("one"), notice("two")]);
    drop(lock);
    assert!(!run.is_engine_alive() && twin.is_engine_alive());
    drop(other);
    assert!(!twin.is_engine_alive());
}

#[test]
fn of_a_copy_made_of_links_either_can_be_taken_up() {
    let dir = tempfile::tempdir().unwrap();
    let run = RunDir::create(&dir.path().join("a"), &Config::default()).unwrap();
    drop(run.lock().unwrap());
    let twin = dir.path().join("b");
    linked(run.path(), &twin);
    let twin = RunDir::open(&twin).unwrap();
    let lock = run.lock().unwrap();
    assert!(run.is_engine_alive() && !twin.is_engine_alive());
    let other = twin.lock().unwrap();
    assert!(twin.is_engine_alive());
    drop((lock, other));
    assert!(!run.is_engine_alive() && !twin.is_engine_alive());
}

#[cfg(target_os = "linux")]
#[test]
fn a_directory_that_no_file_can_name_is_refused() {
    use std::os::unix::ffi::OsStrExt;
    let dir = tempfile::tempdir().unwrap();
    let odd = dir.path().join(std::ffi::OsStr::from_bytes(b"b\xff"));
    let refused = |result: Result<RunDir, RunError>| {
        let error = result.unwrap_err();
        assert!(matches!(error, RunError::NotUtf8(_)), "{error}");
    };
    refused(RunDir::create(&odd, &Config::default()));
    assert!(!odd.exists());
    let run = RunDir::create(&dir.path().join("a"), &Config::default()).unwrap();
    std::fs::write(run.checkpoint_path(), "surface").unwrap();
    refused(run.fork(&odd, None));
    std::fs::rename(run.path(), &odd).unwrap();
    refused(RunDir::open(&odd));
    // A configuration in it is no better, when it names files beside it.
    let path = odd.join("one.toml");
    std::fs::write(&path, "data = { dir = 'x' }").unwrap();
    let error = crate::config::load(&path, &[]).unwrap_err().to_string();
    assert!(error.contains("is not UTF-8"), "{error}");
    std::fs::write(&path, "data = { dir = '/x' }").unwrap();
    crate::config::load(&path, &[]).unwrap();
}

#[test]
fn a_configuration_that_toml_cannot_say_makes_no_run() {
    use std::os::unix::ffi::OsStrExt;
    let dir = tempfile::tempdir().unwrap();
    let good = Config { seed: i64::MAX as u64, ..Config::default() };
    let run = RunDir::create(&dir.path().join("a"), &good).unwrap();
    assert_eq!(run.config().unwrap(), good);
    // As a sequence of seeds comes to it.
    let seed = Config { seed: good.seed + 1, ..good.clone() };
    let mut odd = good;
    odd.data.dir = std::ffi::OsStr::from_bytes(b"/b\xff").into();
    for config in [seed, odd] {
        let path = dir.path().join("b");
        let error = RunDir::create(&path, &config).unwrap_err().to_string();
        assert!(error.contains("use paths in UTF-8 and seeds up to"), "{error}");
        assert!(!path.exists());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn an_event_that_cannot_be_written_is_told_and_keeps_its_number() {
    use std::os::unix::ffi::OsStrExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("events.jsonl");
    let mut log = EventLog::open(&path).unwrap();
    let odd = Event::Forked {
        from: std::ffi::OsStr::from_bytes(b"b\xff").into(),
        step: 1,
        degrees: Config::default().degrees(),
    };
    let (told, written) = log.append(odd);
    written.unwrap();
    assert!(matches!(&told.event, Event::Notice { text } if text.contains("cannot write an event")));
    log.append(notice("two")).1.unwrap();
    assert_eq!(read_events(&path, 0).unwrap()[0], told);
    assert_eq!(read_events(&path, 1).unwrap()[0].event, notice("two"));
}

#[test]
fn a_snapshot_whose_heatmap_lacks_cells_is_none() {
    let dir = tempfile::tempdir().unwrap();
    let run = RunDir::create(&dir.path().join("a"), &Config::default()).unwrap();
    let mut snapshot = Snapshot::empty(Config::default().degrees(), 5);
    run.write_snapshot(&snapshot).unwrap();
    assert_eq!(run.snapshot().as_ref(), Some(&snapshot));
    snapshot.heatmap.cells.truncate(7);
    run.write_snapshot(&snapshot).unwrap();
    assert_eq!(run.snapshot(), None);
    assert!(run.load_state().unwrap().snapshot.is_none());
}

#[test]
fn heatmaps_on_other_grids_come_back_and_damaged_ones_do_not() {
    let dir = tempfile::tempdir().unwrap();
    let run = RunDir::create(&dir.path().join("a"), &Config::default()).unwrap();
    assert!(run.other_grids().is_empty());
    let patch = Config::default().patch();
    let good = Heatmap::new(patch, 4);
    let mut bad = Heatmap::new(patch, 3);
    bad.cells.pop();
    run.write_other_grids(&[&bad, &good]).unwrap();
    assert_eq!(run.other_grids(), [good]);
    std::fs::write(run.join("heatmaps/other-grids.json"), "[{").unwrap();
    assert!(run.other_grids().is_empty());
}

#[test]
fn runs_that_are_begun_in_the_same_second_get_directories_of_their_own() {
    let dir = tempfile::tempdir().unwrap();
    // The claim is the directory itself, whatever is in it yet.
    let taken = dir.path().join("taken");
    std::fs::create_dir(&taken).unwrap();
    let error = RunDir::create_new(&taken, &Config::default()).unwrap_err();
    assert!(matches!(error, RunError::Exists(_)), "{error}");
    assert!(RunDir::create(&taken, &Config::default()).is_ok());
    let begin = || RunDir::create_in(&dir.path().join("runs"), &Config::default());
    let mut paths: Vec<_> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..16).map(|_| scope.spawn(begin)).collect();
        let all = all.into_iter().map(|t| t.join().unwrap().unwrap());
        all.map(|run| run.path().to_owned()).collect()
    });
    paths.sort();
    paths.dedup();
    assert_eq!(paths.len(), 16);
}

#[test]
fn what_a_death_left_of_a_creation_is_made_whole_and_what_is_more_is_in_the_way() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a");
    // Killed between the folders and the configuration.
    for folder in ["corners", "surface", "heatmaps"] {
        std::fs::create_dir_all(path.join(folder)).unwrap();
    }
    std::fs::write(path.join(".config.toml.123.tmp"), "na").unwrap();
    let run = RunDir::create(&path, &Config::default()).unwrap();
    assert_eq!(run.config().unwrap(), Config::default());
    let exists = |path: &Path| {
        let error = RunDir::create(path, &Config::default()).unwrap_err();
        assert!(matches!(error, RunError::Exists(_)), "{error}");
    };
    exists(&path);
    for mine in ["b/surface/mine", "c/mine"] {
        let file = dir.path().join(mine);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, "").unwrap();
        exists(&dir.path().join(&mine[..1]));
    }
}
