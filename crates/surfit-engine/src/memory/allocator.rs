//! How the system's allocator treats large blocks.
//!
//! Every pass of a network allocates and frees the same activations. By default the GNU allocator maps each block of
//! more than 32 MiB anew and gives a large free top of the heap back to the system at once, so that every step touches
//! fresh pages, which the kernel has to clear one by one. Keeping them made a step of the demo's network twice and one of
//! ResNet-18 1.3 times as fast on two cores.
#![cfg_attr(all(target_os = "linux", target_env = "gnu"), expect(unsafe_code, reason = "malloc is tuned by C calls"))]

/// Lets the allocator keep what is freed, for use by the next step. Blocks as large as a surface's matrix are still mapped
/// and given back one by one, so that changing a surface leaves no hole. To be called once, before any work.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub fn configure_malloc() {
    const MMAP_THRESHOLD: libc::c_int = 256 << 20;
    const FALLBACK_MMAP_THRESHOLD: libc::c_int = 32 << 20;
    // SAFETY: `mallopt` takes plain numbers and only changes parameters of the allocator.
    unsafe {
        if libc::mallopt(libc::M_MMAP_THRESHOLD, MMAP_THRESHOLD) == 0 {
            libc::mallopt(libc::M_MMAP_THRESHOLD, FALLBACK_MMAP_THRESHOLD);
        }
        // −1: never give the top of the heap back unasked.
        libc::mallopt(libc::M_TRIM_THRESHOLD, -1);
    }
}

/// Gives memory that is free back to the system; for the end of a stage, whose activations are not needed again.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub fn release_free_memory() {
    // SAFETY: `malloc_trim` takes a number and touches free memory only.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Other allocators keep what they think right.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn configure_malloc() {}

/// Other allocators keep what they think right.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn release_free_memory() {}

#[cfg(all(test, target_os = "linux", target_env = "gnu"))]
mod tests {
    use super::*;

    #[test]
    fn trimming_gives_free_memory_back() {
        configure_malloc();
        // Small blocks with a live one on top, so that only a trim can give back what is below it.
        let blocks: Vec<Vec<u8>> = (0..64 << 10).map(|_| vec![1u8; 1000]).collect();
        let top = vec![1u8; 1000];
        let full = crate::memory::resident_bytes();
        drop(blocks);
        release_free_memory();
        let after = crate::memory::resident_bytes();
        assert!(after + (40 << 20) < full, "{full} {after} {}", top.len());
    }
}
