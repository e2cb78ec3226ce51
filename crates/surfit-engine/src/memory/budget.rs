//! How much memory a surface needs, and how much there is.

use super::bytes_in_table;
use crate::{EngineError, Result};
use std::path::Path;
use surfit_core::surface::{Degrees, TrainablePoints};
use tch::Device;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AvailableMemory {
    pub bytes: u64,
    /// What limits it, for messages: `this machine` or `this process's control group`.
    pub limit: &'static str,
}

/// Vectors of length `P` besides control points and velocity: the network at the draws with their gradients, and the
/// gradient as the backward pass leaves it.
const WORKING_VECTORS: u64 = 6;

/// Bytes that a surface takes during a fit, `(K + trainable + 6)·P·4`, activations not counted.
pub fn surface_bytes(degrees: Degrees, trainable: TrainablePoints, parameters: i64) -> u64 {
    vectors_bytes(degrees, trainable, WORKING_VECTORS, parameters)
}

fn vectors_bytes(degrees: Degrees, trainable: TrainablePoints, working: u64, parameters: i64) -> u64 {
    let vectors = (degrees.point_count() + degrees.trainable_count(trainable)) as u64 + working;
    vectors.saturating_mul(parameters.max(0) as u64 * 4)
}

/// Memory that the host can still give: what the system calls available, or what a control group leaves, if that is less.
/// `None` where the system does not report it.
pub fn available_memory() -> Option<AvailableMemory> {
    let system = bytes_in_table(&std::fs::read_to_string("/proc/meminfo").ok()?, "MemAvailable:")?;
    let machine = AvailableMemory { bytes: system, limit: "this machine" };
    let groups = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let group = control_group_available(&groups, Path::new("/sys/fs/cgroup"))
        .map(|bytes| AvailableMemory { bytes, limit: "this process's control group" });
    Some(group.filter(|g| g.bytes < system).unwrap_or(machine))
}

/// Refuses a surface that does not fit into the host's memory, before anything of it is allocated. `converted` says that
/// it comes from another one, which stays beside it until it is complete, and whose working memory it takes over. On other
/// devices only the attempt shows it.
///
/// # Errors
/// A sentence with the number of control points, `P`, the bytes, the free memory, and the remedy.
pub fn check_surface_memory(
    degrees: Degrees,
    trainable: TrainablePoints,
    parameters: i64,
    converted: bool,
    device: Device,
) -> Result<()> {
    let available = (device == Device::Cpu).then(available_memory).flatten();
    check_memory(degrees, trainable, parameters, converted, available)
}

fn check_memory(
    degrees: Degrees,
    trainable: TrainablePoints,
    parameters: i64,
    converted: bool,
    available: Option<AvailableMemory>,
) -> Result<()> {
    let working = if converted { 1 } else { WORKING_VECTORS };
    let needed = vectors_bytes(degrees, trainable, working, parameters);
    match available {
        Some(a) if needed > a.bytes => Err(EngineError::OutOfMemory(format!(
            "a surface of degree {degrees} has {} control points of {parameters} weights and needs {}{}; {} has {} left: \
             use a lower degree, a smaller network, or a machine with more memory",
            degrees.point_count(),
            format_bytes(needed),
            if converted { " beside the present one" } else { "" },
            a.limit,
            format_bytes(a.bytes),
        ))),
        _ => Ok(()),
    }
}

pub(super) fn format_bytes(bytes: u64) -> String {
    if bytes < 1_000_000_000 { format!("{} MB", bytes / 1_000_000) } else { format!("{:.1} GB", bytes as f64 / 1e9) }
}

/// Bytes that the tightest of the process's control groups leaves; `None` without a limit. Knows both versions of control
/// groups; `groups` is the text of `/proc/self/cgroup`, `root` where they are mounted.
fn control_group_available(groups: &str, root: &Path) -> Option<u64> {
    groups
        .lines()
        .filter_map(|line| {
            let mut fields = line.splitn(3, ':').skip(1);
            let (controllers, path) = (fields.next()?, fields.next()?.trim_start_matches('/'));
            let (mount, limit, usage, file) = if controllers.is_empty() {
                (root.to_owned(), "memory.max", "memory.current", "inactive_file")
            } else if controllers.split(',').any(|c| c == "memory") {
                let files = ("memory.limit_in_bytes", "memory.usage_in_bytes");
                (root.join("memory"), files.0, files.1, "total_inactive_file")
            } else {
                return None;
            };
            // A limit of any group above holds too; inside a container the path may lead out of what is mounted.
            let own = mount.join(path);
            own.ancestors()
                .take_while(|folder| folder.starts_with(&mount))
                .filter_map(|folder| {
                    let read = |name: &str| std::fs::read_to_string(folder.join(name)).ok();
                    let limit: u64 = read(limit)?.trim().parse().ok()?;
                    let used: u64 = read(usage)?.trim().parse().ok()?;
                    // Cached files are evicted when memory is needed.
                    let stat = read("memory.stat").unwrap_or_default();
                    let cached = stat.lines().find_map(|l| l.strip_prefix(file)?.trim().parse().ok()).unwrap_or(0);
                    Some(limit.saturating_sub(used.saturating_sub(cached)))
                })
                .min()
        })
        .min()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn degrees(m: u8) -> Degrees {
        Degrees::new(m, m).expect("within 1..=8")
    }

    #[test]
    fn a_surface_that_does_not_fit_is_refused_with_figures_and_remedy() {
        let a = AvailableMemory { bytes: 2_000_000_000, limit: "this machine" };
        assert!(check_memory(degrees(2), TrainablePoints::AllButCorners, 11_173_962, false, Some(a)).is_ok());
        assert!(check_memory(degrees(8), TrainablePoints::AllButCorners, 11_173_962, false, None).is_ok());
        let sentence = check_memory(degrees(8), TrainablePoints::AllButCorners, 11_173_962, false, Some(a))
            .unwrap_err()
            .to_string();
        for part in ["81 control points", "11173962", "7.3 GB", "2.0 GB", "lower degree"] {
            assert!(sentence.contains(part), "{part}: {sentence}");
        }
    }

    #[test]
    fn no_surface_larger_than_the_machine_is_allowed() {
        let error = check_surface_memory(degrees(8), TrainablePoints::AllButCorners, 1 << 40, false, Device::Cpu);
        assert_eq!(error.is_err(), available_memory().is_some());
    }

    #[test]
    fn the_tightest_control_group_counts_and_cached_files_do_not() {
        let root = tempfile::tempdir().expect("a folder");
        let write = |folder: &str, name: &str, text: &str| {
            let folder = root.path().join(folder);
            std::fs::create_dir_all(&folder).expect("a folder");
            std::fs::write(folder.join(name), text).expect("a file");
        };
        let left = |groups: &str| control_group_available(groups, root.path());
        assert_eq!(left("0::/a/b\n"), None);
        write("a", "memory.max", "max\n");
        write("a", "memory.current", "10\n");
        assert_eq!(left("0::/a/b\n"), None);
        write("a/b", "memory.max", "1000\n");
        write("a/b", "memory.current", "700\n");
        write("a/b", "memory.stat", "anon 5\ninactive_file 200\n");
        assert_eq!(left("0::/a/b\n"), Some(500));
        write("a", "memory.max", "90\n");
        assert_eq!(left("0::/a/b\n"), Some(80));
        // Version 1.
        write("memory", "memory.limit_in_bytes", "64\n");
        write("memory", "memory.usage_in_bytes", "24\n");
        assert_eq!(left("3:cpu:/x\n7:memory:/x/y\n"), Some(40));
    }

    #[test]
    fn available_memory_is_read_from_the_systems_table() {
        assert_eq!(bytes_in_table("MemTotal: 9 kB\nMemAvailable:   7 kB\n", "MemAvailable:"), Some(7168));
        assert_eq!(bytes_in_table("MemTotal: 9 kB\n", "MemAvailable:"), None);
    }
}
