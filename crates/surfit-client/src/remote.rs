//! Runs on other machines: a client here, `surfit bridge` there, and a command such as `ssh` between them.
//!
//! The far end is the bridge that a workbench on its machine would have, and it says over the line what it would say to
//! that workbench. What it says is numbered, compressed and kept short (`gate`), and of snapshots only what changed is
//! sent. The near end keeps the screen, answers keys, and comes back where it was when the line breaks.

mod address;
mod bridge_server;
mod delta;
mod dial;
mod flow_control;
mod host_config;
mod list;
mod remote_client;
mod wire;

pub use address::RemoteAddress;
pub use bridge_server::serve;
pub use host_config::load_host_config;
pub use list::{list_remote_runs, write_run_list};
pub use remote_client::open;
