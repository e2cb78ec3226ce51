//! NVIDIA's GPUs, as their driver reports them. The driver's library is looked for at run time.

use nvml_wrapper::Nvml;
use nvml_wrapper::enum_wrappers::device::TemperatureSensor;
use std::ffi::OsStr;
use surfit_core::machine::Gpu;

/// The driver's library; `None` where there is none.
pub(super) struct NvmlLibrary(Option<Nvml>);

impl std::fmt::Debug for NvmlLibrary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Gpus").field(&self.0.is_some()).finish()
    }
}

impl NvmlLibrary {
    pub(super) fn open() -> Self {
        // The versioned name is there without a development package.
        let names = ["libnvidia-ml.so.1", "libnvidia-ml.so"];
        let found = names.into_iter().find_map(|name| Nvml::builder().lib_path(OsStr::new(name)).init().ok());
        Self(found)
    }

    pub(super) fn sample(&self) -> Vec<Gpu> {
        let Some(nvml) = &self.0 else {
            return Vec::new();
        };
        let count = nvml.device_count().unwrap_or(0);
        (0..count)
            .filter_map(|index| {
                let device = nvml.device_by_index(index).ok()?;
                let memory = device.memory_info().ok()?;
                Some(Gpu {
                    name: device.name().unwrap_or_default(),
                    busy: device.utilization_rates().map_or(0.0, |u| f64::from(u.gpu) / 100.0),
                    used: memory.used,
                    memory: memory.total,
                    temperature: device.temperature(TemperatureSensor::Gpu).unwrap_or(0),
                })
            })
            .collect()
    }
}
