//! Load of the machine that an engine works on.

use serde::{Deserialize, Serialize};

/// Load of the machine, for people. Zeros where the system does not report it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MachineLoad {
    /// Processor time of the engine a second: 2.0 is two cores.
    pub engine: f64,
    /// Share of all processors that is in use by whomever, 0 to 1.
    pub busy: f64,
    /// Number of processors of the machine.
    pub cores: usize,
    /// Bytes of memory in all.
    pub memory: u64,
    /// Of those, what can still be given.
    pub available: u64,
    /// Bytes that the disk of the run's directory holds in all.
    pub disk: u64,
    /// Of those, what can still be written.
    pub disk_left: u64,
    /// Graphics processors that the driver reports.
    pub gpus: Vec<Gpu>,
}

/// A graphics processor.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Gpu {
    /// Name of the graphics processor.
    pub name: String,
    /// Share of the last moment in which it computed, 0 to 1.
    pub busy: f64,
    /// Bytes of its memory in use, and in all.
    pub used: u64,
    /// Size of its memory in bytes.
    pub memory: u64,
    /// Degrees Celsius; 0 when not known.
    pub temperature: u32,
}

/// Returns the cores that this process may use: those that the system lets it run on, or fewer where Slurm gave its job
/// fewer and did not bind it to them.
pub fn allocated_cores() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, |n| n.get());
    cores_of_job(cores, |name| std::env::var(name).ok())
}

fn cores_of_job(cores: usize, variable: impl Fn(&str) -> Option<String>) -> usize {
    if variable("SLURM_JOB_ID").is_none() {
        return cores;
    }
    let number = |name| variable(name)?.trim().parse::<usize>().ok();
    let allocated = number("SLURM_CPUS_PER_TASK").or_else(|| number("SLURM_CPUS_ON_NODE"));
    allocated.map_or(cores, |allocated| cores.min(allocated.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_follow_slurms_allocation_where_no_cpuset_does() {
        for (variables, threads) in [
            (&[][..], 8),
            (&["SLURM_JOB_ID=7"], 8),
            (&["SLURM_JOB_ID=7", "SLURM_CPUS_ON_NODE=3"], 3),
            (&["SLURM_JOB_ID=7", "SLURM_CPUS_ON_NODE=6", "SLURM_CPUS_PER_TASK=2"], 2),
            // A cpuset is narrower, or the value is none.
            (&["SLURM_JOB_ID=7", "SLURM_CPUS_ON_NODE=64"], 8),
            (&["SLURM_JOB_ID=7", "SLURM_CPUS_ON_NODE=2(x2)"], 8),
            (&["SLURM_JOB_ID=7", "SLURM_CPUS_ON_NODE=0"], 1),
            // Left over in a shell that is in no job.
            (&["SLURM_CPUS_PER_TASK=2"], 8),
        ] {
            let variable = |name: &str| {
                let all = variables.iter().filter_map(|v: &&str| v.split_once('='));
                all.clone().find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
            };
            assert_eq!(cores_of_job(8, variable), threads, "{variables:?}");
        }
    }
}
