//! A run's directory that was copied while its engine works.

use crate::fake::temporary_run;
use crate::{ClientError, connect, fake::FakeEngine};
use std::thread::spawn;
use surfit_core::config::Config;
use surfit_core::protocol::{PROTOCOL_VERSION, ServerMessage};
use surfit_core::run_dir::RunDir;

#[test]
fn a_copy_of_a_run_does_not_reach_the_engine_of_the_original() {
    let run = temporary_run();
    let engine = FakeEngine::open(&run.dir);
    let socket = run.dir.socket_path().display().to_string();
    std::fs::write(run.dir.join("socket"), &socket).unwrap();
    // As `cp -r` leaves it: every file is there, the note of where the engine listens too.
    let copy = RunDir::create(&run.dir.path().with_file_name("b"), &Config::default()).unwrap();
    std::fs::copy(run.dir.join("socket"), copy.join("socket")).unwrap();
    let (dir, with_identity) = (run.dir.identity(), [true, false]);
    let thread = spawn(move || {
        for has_identity in with_identity {
            let mut peer = engine.accept().0;
            let (engine, run) = ("fake".into(), "a".into());
            peer.send(&ServerMessage::Welcome {
                protocol: PROTOCOL_VERSION,
                engine,
                run,
                pid: 42,
                dir: dir.filter(|_| has_identity),
            });
            assert_eq!(peer.read(), None, "nothing is asked of it");
        }
        engine.welcome().0.read();
    });
    for _ in with_identity {
        let refused = connect(&copy, None).unwrap_err();
        assert!(matches!(&refused, ClientError::NoEngine(path) if path == copy.path()), "{refused}");
    }
    // The run itself, under whatever name.
    let link = run.dir.path().with_file_name("c");
    std::os::unix::fs::symlink(run.dir.path(), &link).unwrap();
    let linked = RunDir::open(&link).unwrap();
    assert_eq!(connect(&linked, None).unwrap().pid(), 42);
    thread.join().unwrap();
}
