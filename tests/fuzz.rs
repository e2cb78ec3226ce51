//! Damage of every kind, from a seed: frames that reach an engine, files of a run's directory. What comes of it is a
//! sentence, never a panic and never silence.

mod support;

use serde_json::json;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;
use support::{CommandResult, EngineWire, Sandbox, copy_folder, is_alive};

/// Numbers that look random (SplitMix64).
struct TestRandom(u64);

impl TestRandom {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % limit.max(1) as u64) as usize
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.below(256) as u8).collect()
    }
}

fn frame(body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32).to_be_bytes(), body].concat()
}

#[test]
fn no_frames_however_damaged_harm_an_engine() {
    let place = Sandbox::new();
    let endless = "--set fit.epochs=100000 --set fit.warmup=0 --set data.validation_images=200";
    let (run, pid) = place.start_tiny_job("a", endless);
    let mut good = EngineWire::connect_and_greet(&place);
    good.wait_for_fit();
    let socket = place.socket();
    let mut chance = TestRandom(11);
    let hello = br#"{"type":"hello","protocol":7,"client":"fuzz","after":0}"#;
    // Nothing here may end or change the run when it arrives whole.
    let harmless: [&[u8]; 5] = [
        br#"{"type":"command","id":1,"command":{"command":"checkpoint"}}"#,
        br#"{"type":"command","id":2,"command":{"command":"evaluate","u":0.5,"v":1e308}}"#,
        br#"{"type":"command","id":3,"command":{"command":"freeze","i":18446744073709551615,"j":0,"frozen":true}}"#,
        br#"{"type":"command","id":4,"command":{"command":"mark","u":-1.0,"v":null}}"#,
        br#"{"type":"command","id":5,"command":{"command":"set_grid","grid":99999999}}"#,
    ];
    for n in 0..250 {
        let mut bytes = frame(hello);
        for _ in 0..chance.below(4) {
            bytes.extend(frame(harmless[chance.below(harmless.len())]));
        }
        match n % 6 {
            0 => bytes.truncate(chance.below(bytes.len())),
            1 => (0..=chance.below(4)).for_each(|_| {
                let at = chance.below(bytes.len());
                bytes[at] ^= 1 << chance.below(8);
            }),
            2 => bytes.extend([0x7f, 0xff, 0xff, 0xff]),
            3 => {
                let count = chance.below(300);
                bytes.extend(chance.bytes(count));
            }
            4 => {
                let newer = json!({"type": "command", "id": n, "command": {"command": "teleport", "to": [n, null]}});
                bytes.extend(frame(newer.to_string().as_bytes()));
            }
            _ => {
                bytes = frame(
                    json!({"type": "hello", "protocol": 7 + n, "after": u64::MAX, "new": {}}).to_string().as_bytes(),
                )
            }
        }
        let mut stream = std::os::unix::net::UnixStream::connect(&socket).expect("the engine listens");
        stream.set_read_timeout(Some(Duration::from_millis(60))).expect("a timeout");
        let _ = stream.write_all(&bytes);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        // Whatever it says, it comes to an end or goes on with its events.
        let mut buffer = [0; 4096];
        while let Ok(1..) = stream.read(&mut buffer).or_else(|e| match e.kind() {
            ErrorKind::Interrupted => Ok(1),
            _ => Err(e),
        }) {
            if chance.below(3) == 0 {
                break;
            }
        }
    }
    assert!(is_alive(pid), "the engine is gone");
    good.expect_accepted(json!({"command": "set_metric", "metric": "loss"}));
    good.wait_for_snapshot("that nobody else is left", |s| s["viewers"] == 1);
    let log = std::fs::read_to_string(run.join("log.txt")).unwrap_or_default();
    assert!(!log.contains("panicked"), "{log}");
}

/// Every file below a folder, by its path in it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(next).expect("a folder").flatten() {
            match entry.path() {
                path if path.is_dir() => open.push(path),
                path => all.push(path.strip_prefix(folder).expect("inside").to_owned()),
            }
        }
    }
    all.sort();
    all
}

/// Success, or failure in one sentence for people.
#[track_caller]
fn sane(done: CommandResult, what: &str) {
    let story = format!("{what}\n{}", done.describe());
    assert!(matches!(done.status.code(), Some(0..=2)), "{story}");
    for sign in ["panicked", "RUST_BACKTRACE", "unwrap", "Os {"] {
        assert!(!done.err.contains(sign), "`{sign}`: {story}");
    }
    if !done.status.success() {
        let lines = done.err.lines().filter(|l| !l.trim().is_empty()).count();
        assert_eq!(lines, 1, "one sentence: {story}");
    }
}

fn damage(bytes: &mut Vec<u8>, kind: usize, chance: &mut TestRandom) -> &'static str {
    match kind {
        0 => {
            bytes.truncate(chance.below(bytes.len()));
            "cut short"
        }
        1 => {
            for _ in 0..=bytes.len() / 200 {
                let at = chance.below(bytes.len());
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << chance.below(8);
                }
            }
            "bits flipped"
        }
        2 => {
            bytes.clear();
            "empty"
        }
        _ => {
            // What a newer version may have written: more keys, other kinds.
            let text = String::from_utf8_lossy(bytes).into_owned();
            let newer = text
                .replace("\"event\":\"checkpoint\"", "\"event\":\"teleported\"")
                .replacen('{', "{\"newer\":[1,{\"a\":null}],", 1)
                .replacen("name = ", "newer = 1\nname = ", 1);
            *bytes = newer.into_bytes();
            "from a newer version"
        }
    }
}

#[test]
fn no_file_of_a_run_however_damaged_makes_a_command_panic_or_hang() {
    let place = Sandbox::new();
    let whole = place.run_tiny_job("whole", "--set data.validation_images=200");
    let mut chance = TestRandom(5);
    let mut resumed = 0;
    for (n, file) in files(&whole).into_iter().enumerate() {
        let text = matches!(file.extension().and_then(|e| e.to_str()), Some("json" | "jsonl" | "toml"));
        for kind in 0..if text { 4 } else { 2 } {
            let run = place.path("runs/damaged");
            let _ = std::fs::remove_dir_all(&run);
            copy_folder(&whole, &run, false);
            let path = run.join(&file);
            let mut bytes = std::fs::read(&path).expect("the file");
            let how = damage(&mut bytes, kind, &mut chance);
            std::fs::write(&path, bytes).expect("the damaged file");
            let what = format!("{} {how}", file.display());
            sane(place.surfit("ls --json"), &what);
            sane(place.surfit("open damaged"), &what);
            // Each engine takes a second: every fifth, and always for what is read when a run is gone on with.
            let central = ["config.toml", "events.jsonl", "state.safetensors"].iter().any(|f| file.ends_with(f));
            if central || (n + kind).is_multiple_of(5) {
                sane(place.surfit("resume damaged --json"), &what);
                resumed += 1;
            }
            let log = std::fs::read_to_string(run.join("log.txt")).unwrap_or_default();
            assert!(!log.contains("panicked"), "{what}\n{log}");
        }
    }
    println!("{resumed} damaged runs were gone on with");
    assert!(resumed > 10);
}
