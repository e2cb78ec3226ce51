//! Runs on other machines: a client here, `surfit bridge` there, and a command such as `ssh` between them.
//!
//! The far end is the bridge that a terminal on its machine would have. Both ends speak the one protocol
//! ([`surfit_core::protocol`]): the bridge's messages go over the line, compressed and in an order where answers come
//! first (`line_queue`). The near end keeps the screen, answers keys, and comes back where it was when the line breaks: it
//! counts the events and requests those after the last.

mod address;
mod bridge_server;
mod dial;
mod host_config;
mod line;
mod line_queue;
mod list;
mod remote_client;

pub use address::RemoteAddress;
pub use bridge_server::serve;
pub use dial::DialError;
pub use host_config::{HostConfigError, load_host_config};
pub use list::{list_remote_runs, write_run_list};
pub use remote_client::open;
