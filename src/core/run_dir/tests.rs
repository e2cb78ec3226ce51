use super::*;
use crate::event::Event;
use std::io::Write;

fn notice(text: &str) -> Event {
    Event::Notice { text: text.into() }
}

#[test]
fn a_run_is_found_by_path_id_and_beginning() {
    let root = tempfile::tempdir().unwrap();
    let config = Config {
        name: "demo".into(),
        ..Config::default()
    };
    let run = RunDir::create_in(root.path(), &config).unwrap();
    assert_eq!(run.config().unwrap(), config);
    for name in [
        run.path().to_str().unwrap().to_owned(),
        run.id(),
        "dem".into(),
    ] {
        assert_eq!(RunDir::find(root.path(), &name).unwrap(), run);
    }
    let second = RunDir::create_in(root.path(), &config).unwrap();
    assert_ne!(second, run);
    assert!(matches!(
        RunDir::find(root.path(), "dem"),
        Err(RunError::Ambiguous { count: 2, .. })
    ));
    assert_eq!(RunDir::list(root.path()).len(), 2);
}

#[test]
fn a_directory_with_something_in_it_is_not_overwritten() {
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("thesis.tex"), "").unwrap();
    let refused = RunDir::create(root.path(), &Config::default()).unwrap_err();
    assert!(refused.to_string().contains("already exists"), "{refused}");
    assert!(matches!(
        RunDir::open(root.path()),
        Err(RunError::NotARun(_))
    ));
}

#[test]
fn the_lock_tells_the_living_from_the_dead() {
    let root = tempfile::tempdir().unwrap();
    let run = RunDir::create(&root.path().join("a"), &Config::default()).unwrap();
    assert!(!run.is_alive());
    let lock = run.lock().unwrap();
    assert!(run.is_alive());
    let refused = run.lock().unwrap_err();
    assert!(
        refused.to_string().contains("in use by another engine"),
        "{refused}"
    );
    drop(lock);
    assert!(!run.is_alive());
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
    file.write_all(b"{\"seq\":3,\"time\":1.0,\"event\":\"not")
        .unwrap();
    assert_eq!(read_events(&path, 0).unwrap().len(), 2);
    let mut log = EventLog::open(&path).unwrap();
    assert_eq!(log.append(notice("three")).0.seq, 3);
    let texts: Vec<_> = read_events(&path, 1)
        .unwrap()
        .into_iter()
        .map(|e| e.event)
        .collect();
    assert_eq!(texts, [notice("two"), notice("three")]);
}

#[test]
fn a_damaged_line_is_passed_over_and_its_number_is_not_given_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("events.jsonl");
    EventLog::open(&path)
        .unwrap()
        .append(notice("one"))
        .1
        .unwrap();
    let mut file = File::options().append(true).open(&path).unwrap();
    file.write_all(b"{\"seq\":2,\"time\":1.0,\"ev\x00\x00\n")
        .unwrap();
    assert_eq!(
        EventLog::open(&path).unwrap().append(notice("three")).0.seq,
        3
    );
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
    let numbers: Vec<_> = read_events(&path, 0)
        .unwrap()
        .iter()
        .map(|e| e.seq)
        .collect();
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
