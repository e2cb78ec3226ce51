//! What a run's numbers depend on besides its configuration: `identity.json`.
//!
//! `data.name`, `device = "auto"` and `threads = 0` are resolved on the machine and in the environment of the first
//! engine. A later engine that would resolve them to other data must not continue as if nothing had happened.

use crate::data::DataSet;
use crate::model::Model;
use crate::{EngineError, Result};
use serde::{Deserialize, Serialize};
use surfit_core::config::Config;
use surfit_core::files::{encode_json, read, write_atomic};
use surfit_core::run_dir::{MAX_SMALL_FILE_BYTES, RunDir};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunIdentity {
    /// Data set and its source.
    pub data: String,
    /// Images in the training, validation and test split.
    pub images: [i64; 3],
    /// Mean and standard deviation of every channel that images are normalized with; absent in older runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub normalization: Option<[Vec<f64>; 2]>,
    pub seed: u64,
    pub parameters: i64,
    /// Device that computes, such as `cpu` or `cuda:0`.
    pub device: String,
    /// Compute type, such as `f32` or `bf16`.
    pub compute: String,
    /// Threads on a CPU.
    pub threads: usize,
}

impl RunIdentity {
    pub fn current(config: &Config, data: &DataSet, model: &Model) -> Self {
        let placement = model.placement();
        Self {
            data: data.description.clone(),
            images: [&data.train, &data.validation, &data.test].map(|s| s.len()),
            normalization: Some([data.mean.clone(), data.std.clone()]),
            seed: config.seed,
            parameters: model.parameters(),
            device: placement.device_name(),
            compute: placement.precision_name().into(),
            threads: placement.threads,
        }
    }

    /// The threads that the run's first engine used; `None` for a new run.
    pub fn stored_threads(run: &RunDir) -> Option<usize> {
        Self::read(run).map(|i| i.threads)
    }

    fn read(run: &RunDir) -> Option<Self> {
        serde_json::from_slice(&read(&run.join("identity.json"), MAX_SMALL_FILE_BYTES).ok()?).ok()
    }

    /// Compares with what the run began with, and stores it for a new run. Gives a sentence when results will not be the
    /// same to the last bit.
    ///
    /// # Errors
    /// [`EngineError::Input`] for other data, another seed or another network: continuing would mix two experiments.
    pub fn check_or_store(&self, run: &RunDir) -> Result<Option<String>> {
        let path = run.join("identity.json");
        let Some(first) = Self::read(run) else {
            let json = encode_json(self).map_err(EngineError::io(&path))?;
            write_atomic(&path, &json).map_err(EngineError::io(&path))?;
            return Ok(None);
        };
        let ground = |i: &Self| (i.data.clone(), i.images, i.seed, i.parameters);
        if ground(self) != ground(&first) {
            return Err(EngineError::input(format!(
                "{} began with {} {:?}, seed {}, {} weights, and would go on with {} {:?}, seed {}, {} weights; \
                 restore the data and the configuration, or start a new run",
                run.path().display(),
                first.data,
                first.images,
                first.seed,
                first.parameters,
                self.data,
                self.images,
                self.seed,
                self.parameters
            )));
        }
        if let (Some([mean, std]), Some(now)) = (&first.normalization, &self.normalization)
            && [mean, std] != [&now[0], &now[1]]
        {
            return Err(EngineError::input(format!(
                "{} began with images normalized by mean {mean:?}, std {std:?}, and would go on with {:?}, {:?}; restore \
                 data.mean and data.std in its config.toml, or start a new run",
                run.path().display(),
                now[0],
                now[1]
            )));
        }
        let place = |i: &Self| format!("{} {} with {} threads", i.device, i.compute, i.threads);
        Ok((place(self) != place(&first)).then(|| {
            format!(
                "the run began on {} and goes on on {}: results will not be the same to the last bit",
                place(&first),
                place(self)
            )
        }))
    }
}
