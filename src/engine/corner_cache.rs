//! Corners that were trained before, so that tuning a surface never trains them again.
//!
//! One file for each corner, named by the SHA-256 of everything that made its weights: the numerics of this program, network,
//! training images, the training's settings, seed, device, compute type and threads. The file says the same in words, which
//! is compared when it is read: a damaged or foreign file is passed over, and the corner is trained. A cache that cannot be
//! written costs nothing but the cache.

use crate::Result;
use crate::data::DataSet;
use crate::model::Model;
use crate::model_file::{read_tensors, write_tensors};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use surfit_core::config::{Config, CornersConfig, Epochs, NetworkConfig};
use surfit_core::corner_cache::{LIMIT, entries, folder};
use tch::{Kind, Tensor};

/// Rises when the same settings no longer give the same weights.
const NUMERICS: u32 = 1;

/// The name of the weights in a file.
const WEIGHTS: &str = "weights";

/// Everything that makes a corner's weights.
#[derive(Serialize)]
struct Recipe<'a> {
    numerics: u32,
    network: &'a NetworkConfig,
    input_shape: [usize; 3],
    classes: usize,
    training_images: &'a str,
    /// The settings, with what does not matter for the weights set to one value.
    training: CornersConfig,
    epochs: u64,
    seed: u64,
    device: String,
    compute: &'static str,
    threads: usize,
}

/// Where a corner is or would be in the cache.
#[derive(Clone, Debug)]
pub struct Entry {
    path: PathBuf,
    recipe: String,
}

impl Entry {
    /// The entry of the corner that `config` trains with `seed` for `epochs` epochs; `digest` is that of the training split.
    /// `None` where there is no folder for caches.
    pub fn of(
        config: &Config,
        data: &DataSet,
        model: &Model,
        digest: &str,
        seed: u64,
        epochs: u64,
    ) -> Option<Self> {
        let corners = &config.corners;
        // The schedule spans the longest training.
        let training = CornersConfig {
            count: 0,
            from: Vec::new(),
            seeds: Vec::new(),
            cache: true,
            epochs: Epochs::Each(corners.epochs.longest()),
            ..corners.clone()
        };
        let placement = model.placement();
        let recipe = Recipe {
            numerics: NUMERICS,
            network: &config.network,
            input_shape: data.input_shape,
            classes: data.classes.len(),
            training_images: digest,
            training,
            epochs,
            seed,
            device: placement.device_name(),
            compute: placement.compute_name(),
            threads: placement.threads,
        };
        let recipe = serde_json::to_string(&recipe).expect("plain data");
        let name: String = Sha256::digest(&recipe)
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        Some(Self {
            path: folder()?.join(format!("{name}.safetensors")),
            recipe,
        })
    }

    /// The weights, `[P]` on the CPU, when they are there, whole and finite.
    pub fn read(&self, parameters: i64) -> Option<Tensor> {
        if !self.path.exists() {
            return None;
        }
        let (tensors, metadata) = read_tensors(&self.path).ok()?;
        let weights = tensors.into_iter().find(|(name, _)| name == WEIGHTS)?.1;
        let fits = metadata.get("surfit-corner") == Some(&self.recipe)
            && weights.size() == [parameters]
            && weights.kind() == Kind::Float
            && weights.sum(Kind::Float).double_value(&[]).is_finite();
        if fits {
            // Used is as good as new; what is not used goes first.
            let used = std::fs::File::options().append(true).open(&self.path);
            let _ = used.and_then(|f| f.set_modified(SystemTime::now()));
        }
        fits.then_some(weights)
    }

    /// Keeps the weights, and lets go of the least recently used corners beyond [`LIMIT`].
    ///
    /// # Errors
    /// When the file cannot be written; nothing depends on it.
    pub fn write(&self, weights: &Tensor) -> Result<()> {
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder).map_err(crate::Error::io(folder))?;
        }
        let metadata = [("surfit-corner".to_owned(), self.recipe.clone())];
        write_tensors(&self.path, &[(WEIGHTS, weights)], &metadata)?;
        self.tidy(LIMIT);
        Ok(())
    }

    fn tidy(&self, limit: u64) {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let mut all = entries(folder);
        let mut size: u64 = all.iter().map(|e| e.bytes).sum();
        all.sort_by_key(|e| e.used);
        for entry in all {
            if size <= limit {
                break;
            }
            if entry.path != self.path && std::fs::remove_file(&entry.path).is_ok() {
                size -= entry.bytes;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(dir: &Path, name: &str) -> Entry {
        Entry {
            path: dir.join(format!("{name}.safetensors")),
            recipe: format!("{{\"seed\":\"{name}\"}}"),
        }
    }

    #[test]
    fn a_corner_comes_back_and_a_damaged_or_foreign_one_does_not() {
        let dir = tempfile::tempdir().unwrap();
        let weights = Tensor::from_slice(&[1.0f32, -2.5, 3.25]);
        let here = entry(dir.path(), "a");
        assert!(here.read(3).is_none());
        here.write(&weights).unwrap();
        assert_eq!(here.read(3).unwrap(), weights);
        assert!(here.read(4).is_none(), "another network");
        let foreign = Entry {
            recipe: "{}".into(),
            ..here.clone()
        };
        assert!(foreign.read(3).is_none(), "another recipe");
        let whole = std::fs::read(&here.path).unwrap();
        std::fs::write(&here.path, &whole[..whole.len() - 5]).unwrap();
        assert!(here.read(3).is_none(), "cut short");
        here.write(&Tensor::from_slice(&[f32::NAN, 0.0, 0.0]))
            .unwrap();
        assert!(here.read(3).is_none(), "not finite");
    }

    #[test]
    fn the_least_recently_used_go_when_the_cache_is_full() {
        let dir = tempfile::tempdir().unwrap();
        let weights = Tensor::zeros([1000], (Kind::Float, tch::Device::Cpu));
        for name in ["a", "b", "c"] {
            entry(dir.path(), name).write(&weights).unwrap();
            let old = SystemTime::now()
                - std::time::Duration::from_secs(if name == "a" { 10 } else { 100 });
            let file = std::fs::File::options()
                .append(true)
                .open(&entry(dir.path(), name).path)
                .unwrap();
            file.set_modified(old).unwrap();
        }
        assert!(
            entry(dir.path(), "b").read(1000).is_some(),
            "reading makes it recent"
        );
        let newest = entry(dir.path(), "d");
        newest.write(&weights).unwrap();
        newest.tidy(3 * 4500);
        let there = |name: &str| entry(dir.path(), name).path.exists();
        assert!(there("d") && there("b") && there("a") && !there("c"));
    }
}
