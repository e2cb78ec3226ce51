//! Memory of this process: what the system counts, what the allocator keeps, and what a surface needs.

mod allocator;
mod budget;
mod out_of_memory;

pub use allocator::{configure_malloc, release_free_memory};
pub use budget::{available_memory, check_surface_memory};
pub use out_of_memory::{MemoryContext, explain_oom};

/// Resident memory in bytes; 0 where the system does not report it.
pub fn resident_bytes() -> u64 {
    status_bytes("VmRSS:")
}

/// Highest resident memory since the last [`reset_peak`]; 0 where the system does not report it.
pub fn peak_bytes() -> u64 {
    status_bytes("VmHWM:")
}

/// Lets [`peak_bytes`] count from now. False where the system cannot.
pub fn reset_peak() -> bool {
    std::fs::write("/proc/self/clear_refs", "5").is_ok()
}

fn status_bytes(key: &str) -> u64 {
    bytes_in_table(&std::fs::read_to_string("/proc/self/status").unwrap_or_default(), key).unwrap_or(0)
}

/// The figure behind `key` in one of the system's tables of kilobytes, in bytes.
pub fn bytes_in_table(table: &str, key: &str) -> Option<u64> {
    let line = table.lines().find_map(|l| l.strip_prefix(key))?;
    let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn a_large_allocation_is_seen() {
        let before = resident_bytes();
        let block = vec![1u8; 64 << 20];
        assert!(resident_bytes() > before + (60 << 20), "{} {before}", block.len());
        assert!(peak_bytes() >= resident_bytes());
    }
}
