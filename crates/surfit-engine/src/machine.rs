//! Load of the machine: processors, memory, disk, GPUs. Read at most once a second, by the way.

#[cfg(feature = "nvml")]
mod nvml;

use crate::memory::bytes_in_table;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use surfit_core::machine::MachineLoad;
use tch::Device;

const SAMPLE_INTERVAL: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub struct LoadSampler {
    device: Device,
    /// A directory on the disk that is looked at.
    folder: PathBuf,
    sampled_at: Option<Instant>,
    latest: MachineLoad,
    /// Processor time of this process in ticks, and of the machine: busy and in all.
    previous_ticks: Option<(u64, u64, u64)>,
    #[cfg(feature = "nvml")]
    nvml: nvml::NvmlLibrary,
}

impl LoadSampler {
    /// A look at the machine that a device belongs to, and at the disk of a directory.
    pub fn new(device: Device, folder: &Path) -> Self {
        Self {
            device,
            folder: folder.to_owned(),
            sampled_at: None,
            latest: MachineLoad::default(),
            previous_ticks: None,
            #[cfg(feature = "nvml")]
            nvml: nvml::NvmlLibrary::open(),
        }
    }

    /// The load as it was seen a second ago or less. Zeros where the system does not report it.
    pub fn latest(&mut self) -> MachineLoad {
        if self.sampled_at.is_none_or(|at| at.elapsed() >= SAMPLE_INTERVAL) {
            self.sampled_at = Some(Instant::now());
            self.sample();
        }
        self.latest.clone()
    }

    /// Bytes that a surface on the device could still take, as last seen; 0 when not known.
    pub fn available_memory(&self) -> u64 {
        match self.device {
            Device::Cpu => self.latest.available,
            Device::Cuda(index) => {
                let gpu = self.latest.gpus.get(index);
                gpu.map_or(0, |g| g.memory.saturating_sub(g.used))
            }
            _ => 0,
        }
    }

    fn sample(&mut self) {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let (own, all) = (process_ticks(&read("/proc/self/stat")), processor_ticks(&read("/proc/stat")));
        if let (Some(own), Some((busy, total, cores))) = (own, all) {
            if let Some((own_before, busy_before, total_before)) = self.previous_ticks {
                let passed = total.saturating_sub(total_before) as f64 / cores as f64;
                if passed > 0.0 {
                    self.latest.engine = own.saturating_sub(own_before) as f64 / passed;
                    let busy = busy.saturating_sub(busy_before) as f64;
                    self.latest.busy = (busy / passed / cores as f64).clamp(0.0, 1.0);
                }
            }
            self.latest.cores = cores;
            self.previous_ticks = Some((own, busy, total));
        }
        self.latest.memory = bytes_in_table(&read("/proc/meminfo"), "MemTotal:").unwrap_or(0);
        self.latest.available = crate::memory::available_memory().map_or(0, |a| a.bytes);
        (self.latest.disk, self.latest.disk_left) = disk_space(&self.folder).unwrap_or_default();
        #[cfg(feature = "nvml")]
        {
            self.latest.gpus = self.nvml.sample();
        }
    }
}

/// Processor time of this process in ticks: its own and the system's on its behalf.
fn process_ticks(stat: &str) -> Option<u64> {
    // The name in parentheses may hold spaces.
    let fields: Vec<&str> = stat.rsplit(')').next()?.split_whitespace().collect();
    let number = |i: usize| fields.get(i)?.parse::<u64>().ok();
    Some(number(11)? + number(12)?)
}

/// Ticks in which the processors worked, ticks in all, and how many processors there are.
fn processor_ticks(stat: &str) -> Option<(u64, u64, usize)> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let all: Vec<u64> = line.split_whitespace().map(|n| n.parse().unwrap_or(0)).collect();
    // user nice system idle iowait irq softirq steal; guests are counted with user already.
    let total: u64 = all.iter().take(8).sum();
    let idle = all.get(3)? + all.get(4).unwrap_or(&0);
    let cores = stat.lines().filter(|l| l.starts_with("cpu") && !l.starts_with("cpu ")).count();
    (cores > 0).then_some((total - idle, total, cores))
}

/// Bytes of the disk that a directory is on: in all, and what a user without privileges can still write.
fn disk_space(folder: &Path) -> Option<(u64, u64)> {
    let about = rustix::fs::statvfs(folder).ok()?;
    let bytes = |blocks: u64| blocks.saturating_mul(about.f_frsize);
    Some((bytes(about.f_blocks), bytes(about.f_bavail)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_tables_are_read() {
        let stat = "42 (a (b) c) R 1 1 1 0 -1 0 9 9 0 0 120 30 0 0 20 0 4 0 77";
        assert_eq!(process_ticks(stat), Some(150));
        let stat = "cpu  10 0 20 60 10 0 0 0 5 0\ncpu0 5 0 10 30 5 0 0 0 0 0\ncpu1 5 0 10 30 5 0 0 0 0 0\nintr 9";
        assert_eq!(processor_ticks(stat), Some((30, 100, 2)));
        assert_eq!(bytes_in_table("MemTotal:  8 kB\n", "MemTotal:"), Some(8192));
        assert_eq!((process_ticks(""), processor_ticks("cpu x"), bytes_in_table("", "MemTotal:")), (None, None, None));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn work_shows_as_load() {
        let mut load = LoadSampler::new(Device::Cpu, Path::new("/"));
        load.sample();
        let (began, mut sum) = (Instant::now(), 0u64);
        while began.elapsed() < Duration::from_millis(300) {
            sum = std::hint::black_box(sum.wrapping_mul(3).wrapping_add(1));
        }
        load.sample();
        assert!(load.latest.engine > 0.2, "{:?}", load.latest);
        assert!(load.latest.memory >= load.latest.available && load.available_memory() > 0);
        assert!(load.latest.disk > 0 && load.latest.disk >= load.latest.disk_left);
    }
}
