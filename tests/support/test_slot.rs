//! At most a few tests work at a time, whatever runs them: threads of one process, or processes.

use rustix::fs::{FlockOperation, flock};
use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

/// Engines take a core each; more at once would only make every test slow.
const MAX_CONCURRENT_TESTS: usize = 2;

/// A place among the tests that work now; free again when this is dropped, however that comes about.
pub struct TestSlot {
    _lock: File,
}

impl TestSlot {
    pub fn acquire() -> Self {
        let user = rustix::process::getuid().as_raw();
        let folder = PathBuf::from(format!("/tmp/surfit-tests-{user}"));
        std::fs::create_dir_all(&folder).expect("a folder for the tests' locks");
        let files: Vec<File> = (0..MAX_CONCURRENT_TESTS)
            .map(|n| {
                let path = folder.join(format!("slot-{n}"));
                File::options().create(true).truncate(false).write(true).open(path).expect("a lock file")
            })
            .collect();
        loop {
            for file in &files {
                if flock(file, FlockOperation::NonBlockingLockExclusive).is_ok() {
                    let lock = file.try_clone().expect("a descriptor");
                    return Self { _lock: lock };
                }
            }
            std::thread::sleep(Duration::from_millis(40));
        }
    }
}
