//! Runs on other machines: a client here, `surfit bridge` there, and a command such as `ssh` between them.
//!
//! The far end is the bridge that a workbench on its machine would have, and it says over the line what it would say to
//! that workbench. What it says is numbered, compressed and kept short (`gate`), and of snapshots only what changed is
//! sent. The near end keeps the screen, answers keys, and comes back where it was when the line breaks.

mod address;
mod delta;
mod dial;
mod far;
mod gate;
mod list;
mod near;
mod settings;
mod wire;

pub use address::RemoteAddress;
pub use far::serve;
pub use list::{list, told};
pub use near::open;
pub use settings::reach;
