//! Where and in which type networks compute.

use crate::{EngineError, Result};
use surfit_core::config::{ComputePrecision, Config};
use surfit_core::machine::allocated_cores;
use tch::{Cuda, Device, Kind};

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Placement {
    pub device: Device,
    /// Type of a network's activations and matrix products: `f32` or `bf16`.
    pub kind: Kind,
    /// Threads that libtorch uses on a CPU.
    pub threads: usize,
}

/// Networks below this size compute in `f32` under `auto`: dispatch bounds them, not arithmetic.
const MIN_BF16_PARAMETERS: i64 = 1_000_000;

impl Placement {
    /// Resolves `device`, `compute` and `threads` for a network of `parameters` weights, and sets libtorch's threads.
    ///
    /// # Errors
    /// [`EngineError::Input`] for a device that this machine or this libtorch does not have.
    pub fn resolve(config: &Config, parameters: i64) -> Result<Self> {
        let device = resolve_device(&config.device)?;
        let threads = match config.threads {
            0 => allocated_cores(),
            threads => threads,
        };
        tch::set_num_threads(threads as i32);
        let kind = match config.precision {
            ComputePrecision::F32 => Kind::Float,
            ComputePrecision::Bf16 => Kind::BFloat16,
            ComputePrecision::Auto if parameters >= MIN_BF16_PARAMETERS && has_fast_bf16(device) => Kind::BFloat16,
            ComputePrecision::Auto => Kind::Float,
        };
        Ok(Self { device, kind, threads })
    }

    /// The device's name, such as `cuda:0`.
    pub fn device_name(&self) -> String {
        match self.device {
            Device::Cpu => "cpu".into(),
            Device::Cuda(n) => format!("cuda:{n}"),
            Device::Mps => "mps".into(),
            Device::Vulkan => "vulkan".into(),
        }
    }

    /// True where `bf16` is computed by AMX: there it has kernels of its own, with strengths and weaknesses of their own.
    pub fn uses_amx(&self) -> bool {
        self.device == Device::Cpu && self.kind == Kind::BFloat16 && processor_has_flag("amx_bf16")
    }

    pub fn precision(&self) -> ComputePrecision {
        if self.kind == Kind::BFloat16 { ComputePrecision::Bf16 } else { ComputePrecision::F32 }
    }

    pub fn precision_name(&self) -> &'static str {
        if self.kind == Kind::BFloat16 { "bf16" } else { "f32" }
    }
}

/// The device of this name on this machine.
pub fn resolve_device(name: &str) -> Result<Device> {
    let missing = |what: &str| {
        EngineError::input(format!("device `{name}` is not available: {what}; use device = \"cpu\" or \"auto\""))
    };
    match name {
        "auto" if Cuda::is_available() => Ok(Device::Cuda(0)),
        "auto" if tch::utils::has_mps() => Ok(Device::Mps),
        "auto" | "cpu" => Ok(Device::Cpu),
        "mps" if tch::utils::has_mps() => Ok(Device::Mps),
        "mps" => Err(missing("this libtorch has no MPS")),
        _ => {
            let index = name.strip_prefix("cuda:").map_or(Ok(0), str::parse::<usize>);
            let index = index.map_err(|_| missing("write cuda or cuda:N"))?;
            let count = Cuda::device_count();
            if index as i64 >= count || !Cuda::is_available() {
                return Err(missing(&format!("{count} CUDA devices were found")));
            }
            Ok(Device::Cuda(index))
        }
    }
}

/// True where `bf16` is several times as fast as `f32`: CUDA, and processors with AMX or AVX-512 bf16.
fn has_fast_bf16(device: Device) -> bool {
    match device {
        Device::Cuda(_) => true,
        Device::Cpu => processor_has_flag("amx_bf16") || processor_has_flag("avx512_bf16"),
        _ => false,
    }
}

/// True when the processor's flags have this one, as Linux names it.
pub(crate) fn processor_has_flag(flag: &str) -> bool {
    std::fs::read_to_string("/proc/cpuinfo").is_ok_and(|info| info.split_whitespace().any(|word| word == flag))
}

pub fn processor_name() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|l| l.strip_prefix("model name").map(str::to_owned));
    model.map_or("unknown processor".into(), |m| m.trim_start_matches([' ', '\t', ':']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_is_not_there_is_refused_with_a_remedy() {
        for name in ["cuda:99", "cuda:x"] {
            let sentence = resolve_device(name).unwrap_err().to_string();
            assert!(sentence.contains(name) && sentence.contains("cpu"), "{sentence}");
        }
        assert_eq!(resolve_device("cpu").unwrap(), Device::Cpu);
    }
}
