//! Error messages for exhausted memory.

use super::budget::{format_bytes, surface_bytes};
use surfit_core::surface::{Degrees, TrainablePoints};

/// What the engine was working on when memory ran out.
#[derive(Clone, Copy, Debug)]
pub struct MemoryContext {
    /// Degrees of the surface, or of the one to come.
    pub degrees: Degrees,
    pub trainable: TrainablePoints,
    pub parameters: i64,
    /// Images in a minibatch.
    pub batch: usize,
}

/// A sentence in place of libtorch's message when that is about memory, else `None`. Knows the allocators of a CPU, of
/// CUDA and of MPS.
pub fn explain_oom(message: &str, context: Option<MemoryContext>) -> Option<String> {
    let place = if message.contains("MPS backend out of memory") {
        "the GPU (MPS)"
    } else if message.contains("CUDA out of memory") || message.contains("CUDA error: out of memory") {
        "the GPU (CUDA)"
    } else if message.contains("can't allocate memory") || message.contains("not enough memory") {
        "this machine"
    } else {
        return None;
    };
    let wanted = requested_amount(message).map_or(String::new(), |w| format!(" when {w} more were wanted"));
    let holds = context.map_or(String::new(), |b| {
        format!(
            "; the surface of degree {} has {} control points of {} weights and takes {}, the rest goes to batches of {} \
             images",
            b.degrees,
            b.degrees.point_count(),
            b.parameters,
            format_bytes(surface_bytes(b.degrees, b.trainable, b.parameters)),
            b.batch,
        )
    });
    Some(format!(
        "out of memory on {place}{wanted}{holds}: use a smaller batch, a lower degree or a smaller network, and resume from \
         the last checkpoint, which is kept"
    ))
}

/// The amount that was requested, as the message has it: `2.00 GiB`, or a number of bytes.
fn requested_amount(message: &str) -> Option<String> {
    let after = |words: &str| message.split(words).nth(1);
    if let Some(rest) = after("ried to allocate ") {
        let mut words = rest.split_whitespace();
        let (number, unit) = (words.next()?, words.next()?);
        let unit: String = unit.chars().take_while(|c| c.is_alphabetic()).collect();
        return match unit.as_str() {
            "bytes" => number.parse().ok().map(format_bytes),
            _ => Some(format!("{number} {unit}")),
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const CPU: &str = "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you \
                       tried to allocate 44695848000 bytes. Error code 12 (Cannot allocate memory)";
    const CUDA: &str = "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 23.6 GiB of which \
                        1.1 GiB is free.";
    const MPS: &str = "MPS backend out of memory (MPS allocated: 8.98 GB, max allowed: 9.07 GB). Tried to allocate 256 \
                       MB on private pool.";

    #[test]
    fn every_allocators_message_becomes_a_sentence_with_figures_and_remedy() {
        let burden = Some(MemoryContext {
            trainable: TrainablePoints::AllButCorners,
            degrees: Degrees::new(3, 3).expect("within 1..=8"),
            parameters: 11_173_962,
            batch: 128,
        });
        for (message, place, wanted) in
            [(CPU, "this machine", "44.7 GB"), (CUDA, "CUDA", "2.00 GiB"), (MPS, "MPS", "256 MB")]
        {
            let sentence = explain_oom(message, burden).expect("a sentence");
            for part in [
                place,
                wanted,
                "3×3",
                "16 control points of 11173962 weights",
                "1.5 GB",
                "batches of 128",
                "smaller batch",
                "resume",
            ] {
                assert!(sentence.contains(part), "{part}: {sentence}");
            }
        }
        assert!(explain_oom(CPU, None).is_some());
        assert_eq!(explain_oom("size mismatch", burden), None);
    }

    #[test]
    fn libtorchs_own_message_is_known() {
        // Far more than any address space holds.
        let error = tch::Tensor::f_empty([1 << 45, 8], (tch::Kind::Float, tch::Device::Cpu)).expect_err("an exabyte");
        assert!(explain_oom(&error.to_string(), None).is_some(), "{error}");
    }
}
