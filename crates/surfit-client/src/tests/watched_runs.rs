//! Other runs, as they grow.

use crate::fake::{FakeTerminal, notice, open_bridge, temporary_run};
use std::time::{Duration, Instant};
use surfit_core::protocol::{BridgeMessage, BridgeRequest, ServerMessage};
use surfit_core::run_dir::EventLog;
use surfit_core::snapshot::Snapshot;

const TEST_TIMEOUT: Duration = Duration::from_secs(10);

/// The next news of another run; other messages are passed over.
fn receive_changes(link: &FakeTerminal) -> (Vec<u64>, bool) {
    let began = Instant::now();
    while began.elapsed() < TEST_TIMEOUT {
        if let Ok(ServerMessage::Bridge(BridgeMessage::Grown { events, snapshot, .. })) =
            link.incoming.recv_timeout(Duration::from_millis(50))
        {
            return (events.iter().map(|e| e.seq).collect(), snapshot.is_some());
        }
    }
    panic!("no news came");
}

#[test]
fn what_is_new_of_another_run_is_told_once_while_it_is_wanted() {
    let (shown, other) = (temporary_run(), temporary_run());
    let (bridge, link) = open_bridge(&shown.dir, true);
    let mut log = EventLog::open(&other.dir.events_path()).unwrap();
    for text in ["1", "2", "3"] {
        log.append(notice(text)).1.unwrap();
    }
    let path = other.dir.path().to_owned();
    let watch = |runs| link.send(BridgeRequest::Watch(runs));
    watch(vec![(path.clone(), 1), ("/there/is/none".into(), 0)]);
    assert_eq!(receive_changes(&link), (vec![2, 3], false));
    log.append(notice("4")).1.unwrap();
    assert_eq!(receive_changes(&link), (vec![4], false));
    let degrees = other.dir.config().unwrap().degrees();
    let snapshot = Snapshot::empty(degrees, 5);
    other.dir.write_snapshot(&snapshot).unwrap();
    assert_eq!(receive_changes(&link), (Vec::new(), true));
    // Of a surface alone only the state is told.
    watch(vec![(path.clone(), u64::MAX)]);
    assert_eq!(receive_changes(&link), (Vec::new(), true));
    watch(Vec::new());
    std::thread::sleep(Duration::from_millis(100));
    while link.incoming.try_recv().is_ok() {}
    log.append(notice("5")).1.unwrap();
    std::thread::sleep(Duration::from_millis(1500));
    let late = link.incoming.try_iter().find(|m| matches!(m, ServerMessage::Bridge(BridgeMessage::Grown { .. })));
    assert!(late.is_none(), "{late:?}");
    watch(vec![(path, 4)]);
    assert_eq!(receive_changes(&link).0, [5]);
    drop(link);
    bridge.end(false);
}
