//! Load of the machine that an engine works on.

use serde::{Deserialize, Serialize};

/// Load of the machine, for people. Zeros where the system does not say.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Machine {
    /// Processor time of the engine a second: 2.0 is two cores.
    pub engine: f64,
    /// Share of all processors that is in use by whomever, 0 to 1.
    pub busy: f64,
    /// Processors.
    pub cores: usize,
    /// Bytes of memory in all.
    pub memory: u64,
    /// Of those, what can still be given.
    pub available: u64,
    /// Bytes that the disk of the run's directory holds in all.
    pub disk: u64,
    /// Of those, what can still be written.
    pub disk_left: u64,
    /// Graphics processors that the driver tells of.
    pub gpus: Vec<Gpu>,
}

/// A graphics processor.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Gpu {
    /// Its name.
    pub name: String,
    /// Share of the last moment in which it computed, 0 to 1.
    pub busy: f64,
    /// Bytes of its memory in use, and in all.
    pub used: u64,
    /// See `used`.
    pub memory: u64,
    /// Degrees Celsius; 0 when not known.
    pub temperature: u32,
}
