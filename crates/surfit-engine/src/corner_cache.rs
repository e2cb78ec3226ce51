//! Corners that were trained before, so that tuning a surface never trains them again.
//!
//! One file for each corner, named by the SHA-256 of everything that made its weights: the numerics of this program and of libtorch, processor, network,
//! training images, the training's settings, seed, device, compute type and threads. The file has the same as text, which
//! is compared when it is read, and so are the weights with their own digest: a damaged or foreign file is passed over, and the
//! corner is trained. A cache that cannot be
//! written costs nothing but the cache.

use crate::data::DataSet;
use crate::model::Model;
use crate::model_file::{read_tensors, write_tensors};
use crate::{EngineError, Result, device, digest};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use surfit_core::config::{Config, CornerEpochs, CornersConfig, NetworkConfig, RENAMED_KEYS};
use surfit_core::corner_cache::{MAX_CACHE_BYTES, RECIPE_KEY, corner_cache_folder, list_cached_corners};
use surfit_core::files::remove;
use tch::{Kind, Tensor};

/// Rises when the same settings no longer give the same weights.
const NUMERICS_VERSION: u32 = 1;

const WEIGHTS_NAME: &str = "weights";

/// The key of the weights' digest in the file's metadata.
const DIGEST_KEY: &str = "surfit-weights";

/// Everything that makes a corner's weights.
#[derive(Serialize)]
struct CornerInputs<'a> {
    numerics: u32,
    libtorch: &'static str,
    processor: String,
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
pub struct CacheEntry {
    path: PathBuf,
    recipe: String,
}

/// A recipe from before keys of the configuration were renamed, or there were: corners that were cached then are found.
fn with_former_keys(recipe: String) -> String {
    let recipe = recipe.replace("\"branch_at\":1.0,", "");
    let renamed = RENAMED_KEYS
        .iter()
        .filter_map(|(former, present)| Some((former.strip_prefix("corners.")?, present.strip_prefix("corners.")?)));
    renamed
        .fold(recipe, |recipe, (former, present)| recipe.replace(&format!("\"{present}\":"), &format!("\"{former}\":")))
}

impl CacheEntry {
    /// The entry of the corner that `config` trains with `seed` for `epochs` epochs; `digest` is that of the training split.
    /// `None` where there is no folder for caches.
    pub fn for_corner(
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
            checkpoints: Vec::new(),
            seeds: Vec::new(),
            cache: true,
            branch_at: 1.0,
            epochs: CornerEpochs::Each(corners.epochs.max_epochs()),
            ..corners.clone()
        };
        let placement = model.placement();
        let recipe = CornerInputs {
            numerics: NUMERICS_VERSION,
            libtorch: crate::LIBTORCH_VERSION,
            processor: device::processor_name(),
            network: &config.network,
            input_shape: data.input_shape,
            classes: data.classes.len(),
            training_images: digest,
            training,
            epochs,
            seed,
            device: placement.device_name(),
            compute: placement.precision_name(),
            threads: placement.threads,
        };
        let recipe = with_former_keys(serde_json::to_string(&recipe).expect("plain data"));
        let name: String = Sha256::digest(&recipe).iter().map(|b| format!("{b:02x}")).collect();
        Some(Self { path: corner_cache_folder()?.join(format!("{name}.safetensors")), recipe })
    }

    /// The weights, `[P]` on the CPU; `None` when they are not there.
    ///
    /// # Errors
    /// When the file cannot be read, is damaged, or is not what its name states.
    pub fn read(&self, parameters: i64) -> Result<Option<Tensor>> {
        let most = parameters as u64 * size_of::<f32>() as u64;
        let (tensors, metadata) = match read_tensors(&self.path, |_| most) {
            // Another run may have let go of it at any time.
            Err(EngineError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
                return Ok(None);
            }
            other => other?,
        };
        let found = tensors.into_iter().find(|(name, _)| name == WEIGHTS_NAME);
        let whole = found.map(|(_, weights)| weights).filter(|weights| {
            metadata.get(RECIPE_KEY) == Some(&self.recipe)
                && weights.size() == [parameters]
                && weights.kind() == Kind::Float
                && metadata.get(DIGEST_KEY) == Some(&digest::digest_tensors([weights]))
                && weights.sum(Kind::Float).double_value(&[]).is_finite()
        });
        let weights = whole.ok_or_else(|| {
            EngineError::input(format!("{}: is damaged or not the corner that its name says", self.path.display()))
        })?;
        // Used is as good as new; what is not used goes first.
        let used = std::fs::File::options().append(true).open(&self.path);
        let _ = used.and_then(|f| f.set_modified(SystemTime::now()));
        Ok(Some(weights))
    }

    /// Keeps the weights, and lets go of the least recently used corners beyond [`MAX_CACHE_BYTES`].
    ///
    /// # Errors
    /// When the file cannot be written; nothing depends on it.
    pub fn write(&self, weights: &Tensor) -> Result<()> {
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder).map_err(crate::EngineError::io(folder))?;
        }
        let metadata =
            [(RECIPE_KEY.to_owned(), self.recipe.clone()), (DIGEST_KEY.to_owned(), digest::digest_tensors([weights]))];
        write_tensors(&self.path, &[(WEIGHTS_NAME, weights)], &metadata)?;
        self.evict_least_recently_used(MAX_CACHE_BYTES);
        Ok(())
    }

    fn evict_least_recently_used(&self, limit: u64) {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        surfit_core::files::remove_stale(folder);
        let mut all = list_cached_corners(folder);
        let mut size: u64 = all.iter().map(|e| e.bytes).sum();
        all.sort_by_key(|e| e.last_used);
        for entry in all {
            if size <= limit {
                break;
            }
            if entry.path != self.path && remove(&entry.path).is_ok() {
                size -= entry.bytes;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(dir: &Path, name: &str) -> CacheEntry {
        CacheEntry { path: dir.join(format!("{name}.safetensors")), recipe: format!("{{\"seed\":\"{name}\"}}") }
    }

    #[test]
    fn corners_that_were_cached_under_former_names_of_keys_are_found() {
        let training = CornersConfig { count: 0, ..CornersConfig::default() };
        let before =
            r#"{"count":0,"from":[],"weights":"ema","rename":[],"seeds":[],"cache":true,"epochs":8,"batch":128,"#;
        let before = format!(
            "{before}{}{}",
            r#""learning_rate":0.1,"momentum":0.9,"weight_decay":0.0005,"warmup":0.1,"schedule":"cosine","#,
            r#""milestones":[0.625,0.875],"gamma":0.2,"label_smoothing":0.0,"shift":0,"flip":false,"erase":0.0}"#
        );
        assert_eq!(with_former_keys(serde_json::to_string(&training).unwrap()), before);
    }

    #[test]
    fn a_stored_corner_is_read_and_a_damaged_or_foreign_one_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let weights = Tensor::from_slice(&[1.0f32, -2.5, 3.25]);
        let here = entry(dir.path(), "a");
        assert!(here.read(3).unwrap().is_none());
        here.write(&weights).unwrap();
        assert_eq!(here.read(3).unwrap().unwrap(), weights);
        assert!(here.read(4).is_err(), "another network");
        let foreign = CacheEntry { recipe: "{}".into(), ..here.clone() };
        assert!(foreign.read(3).is_err(), "another recipe");
        let whole = std::fs::read(&here.path).unwrap();
        std::fs::write(&here.path, &whole[..whole.len() - 5]).unwrap();
        assert!(here.read(3).is_err(), "cut short");
        let mut flipped = whole.clone();
        *flipped.last_mut().unwrap() ^= 1;
        std::fs::write(&here.path, &flipped).unwrap();
        let error = here.read(3).unwrap_err().to_string();
        assert!(error.contains("is damaged"), "one bit: {error}");
        std::fs::write(&here.path, &whole).unwrap();
        assert!(here.read(3).unwrap().is_some(), "mended");
        here.write(&Tensor::from_slice(&[f32::NAN, 0.0, 0.0])).unwrap();
        assert!(here.read(3).is_err(), "not finite");
    }

    #[test]
    fn the_least_recently_used_go_when_the_cache_is_full() {
        let dir = tempfile::tempdir().unwrap();
        let weights = Tensor::zeros([1000], (Kind::Float, tch::Device::Cpu));
        for name in ["a", "b", "c"] {
            entry(dir.path(), name).write(&weights).unwrap();
            let old = SystemTime::now() - std::time::Duration::from_secs(if name == "a" { 10 } else { 100 });
            let file = std::fs::File::options().append(true).open(&entry(dir.path(), name).path).unwrap();
            file.set_modified(old).unwrap();
        }
        assert!(entry(dir.path(), "b").read(1000).unwrap().is_some(), "reading makes it recent");
        let newest = entry(dir.path(), "d");
        newest.write(&weights).unwrap();
        // Leftovers of killed programs are removed too, once no process can be writing them.
        let temporary = |process: u32, age: u64| {
            let path = dir.path().join(format!(".x.safetensors.{process}.tmp"));
            let file = std::fs::File::create(&path).unwrap();
            let at = SystemTime::now() - std::time::Duration::from_secs(age);
            file.set_modified(at).unwrap();
            path
        };
        let (nobody, me) = (i32::MAX as u32, std::process::id());
        let (litter, fresh) = (temporary(nobody, 7200), temporary(nobody - 1, 10));
        // However old it looks to a clock that leapt.
        let living = temporary(me, 86_400);
        newest.evict_least_recently_used(3 * 4500);
        assert!(!litter.exists() && fresh.exists() && living.exists());
        let there = |name: &str| entry(dir.path(), name).path.exists();
        assert!(there("d") && there("b") && there("a") && !there("c"));
    }
}
