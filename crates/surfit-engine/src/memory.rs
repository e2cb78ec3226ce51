//! Memory of this process: what the system counts, what the allocator keeps, and what a surface needs.

mod allocator;
mod budget;
mod exhausted;

pub use allocator::{keep_freed, trim};
pub use budget::{AvailableMemory, available, check_surface, surface_bytes};
pub use exhausted::{MemoryContext, exhausted};

/// Resident memory in bytes; 0 where the system does not say.
pub fn resident() -> u64 {
    status("VmRSS:")
}

/// Highest resident memory since the last [`reset_peak`]; 0 where the system does not say.
pub fn peak() -> u64 {
    status("VmHWM:")
}

/// Lets [`peak`] count from now. False where the system cannot.
pub fn reset_peak() -> bool {
    std::fs::write("/proc/self/clear_refs", "5").is_ok()
}

fn status(key: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|l| l.strip_prefix(key));
    let kilobytes = line.and_then(|l| l.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn a_large_allocation_is_seen() {
        let before = resident();
        let block = vec![1u8; 64 << 20];
        assert!(resident() > before + (60 << 20), "{} {before}", block.len());
        assert!(peak() >= resident());
    }
}
