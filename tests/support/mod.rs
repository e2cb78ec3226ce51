//! What the whole-program tests share: places to work in, the programs, waiting, and a client of the protocol.
//!
//! Every test works in a temporary folder of its own (runs, sockets, configuration of the user), so tests do not see
//! each other, and everything a test started ends with it.
#![allow(dead_code, unused_imports, reason = "every test program uses another part")]

mod command_result;
mod engine_wire;
mod files;
pub mod http;
mod process_guardian;
mod sandbox;
pub mod ssh_stand_in;
mod terminal_screen;
mod test_slot;

pub use command_result::CommandResult;
pub use engine_wire::EngineWire;
pub use files::{SafetensorsFile, copy_folder, events, events_of, finished_event, has_stage_begun};
pub use sandbox::{ChildGuard, Sandbox, TEST_TIMEOUT, is_alive, send_signal, wait_for};
pub use terminal_screen::{TerminalScreen, keys};

/// The program `surfit-engine`, which Cargo puts beside `surfit`. It belongs to another package: a test run of the whole
/// workspace builds it (`cargo nextest run --workspace`), one of this package alone does not.
pub fn engine_program() -> std::path::PathBuf {
    let engine = std::path::Path::new(env!("CARGO_BIN_EXE_surfit")).with_file_name("surfit-engine");
    assert!(engine.exists(), "{} is missing: run `cargo build -p surfit-engine`", engine.display());
    engine
}
