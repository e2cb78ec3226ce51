//! A file of weights that is known to hold a certain network: opened and matched, by its list of tensors alone.

use crate::NetworkError;
use crate::file::{WeightFile, is_float};
use crate::names::{ExpectedNetwork, KeptTensor, MappedTensor, NameMap, RUNNING_STATISTICS, RenameRules, match_names};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use surfit_core::config::{CornerWeights, CornersConfig};

/// Values of tensors that are no weights and kept nevertheless, in all.
const MAX_KEPT_VALUES: usize = 1 << 16;

/// Opens files of corners by their lists of tensors; returns what a user should know of each, as sentences.
///
/// # Errors
/// As [`MatchedFile::open`], and for a pattern of `corners.rename` that is no regular expression.
pub fn check_corner_files<'a>(
    files: impl IntoIterator<Item = &'a PathBuf>,
    corners: &CornersConfig,
    network: &ExpectedNetwork,
) -> Result<Vec<String>, NetworkError> {
    let renames = RenameRules::new(&corners.rename)?;
    let mut notices = Vec::new();
    for path in files {
        let found = MatchedFile::open(path, corners.weights, network, &renames)?.notices().into_iter();
        notices.extend(found.map(|notice| format!("{}: {notice}", path.display())));
    }
    Ok(notices)
}

/// See the module's documentation.
#[derive(Debug)]
pub struct MatchedFile {
    /// Opened file of weights.
    pub file: WeightFile,
    /// Which of its tensors is what.
    pub names: NameMap,
    indices: HashMap<String, usize>,
    /// Rows and columns of patches, where images are divided into some.
    grid: Option<[i64; 2]>,
}

impl MatchedFile {
    /// Opens a file or folder and finds the weights of a network in it. `weights` says which are taken where there are
    /// averaged ones too.
    ///
    /// # Errors
    /// A sentence with the path, for what cannot be read, is something else than weights, or weights of another network.
    pub fn open(
        path: &Path,
        weights: CornerWeights,
        network: &ExpectedNetwork,
        renames: &RenameRules,
    ) -> Result<Self, NetworkError> {
        let file = WeightFile::open(path, weights)?;
        let in_file = |source| NetworkError::InFile { path: path.to_owned(), source: Box::new(source) };
        let tensors = &file.tensors;
        let mut names = match_names(network, tensors, renames).map_err(in_file)?;
        let indices: HashMap<String, usize> =
            tensors.iter().enumerate().map(|(index, entry)| (entry.name.clone(), index)).collect();
        // Only weights have to be floats: counters and other state may have any type.
        let mut sources = names.tensors.iter().flat_map(|t| &t.sources);
        let odd = sources.find_map(|source| {
            let entry = &tensors[*indices.get(source)?];
            (!is_float(entry.dtype)).then_some(entry)
        });
        if let Some(entry) = odd {
            return Err(in_file(NetworkError::NotFloats { name: entry.name.clone(), dtype: entry.dtype }));
        }
        let sources = names.tensors.iter().flat_map(|t| &t.sources);
        let computed = sources.filter(|name| indices.get(*name).is_some_and(|&i| file.is_computed(i)));
        names.computed = computed.cloned().collect();
        let naming = network.namings().iter().find(|naming| naming.name == names.naming);
        let matched = Self { file, names, indices, grid: network.architecture.patch_grid };
        if let Some(remark) = naming.and_then(|naming| naming.unused_norm_remark)
            && let Some(layer) = matched.find_unused_layer()?
        {
            return Err(in_file(NetworkError::UnusedLayer { layer, remark }));
        }
        Ok(matched)
    }

    /// A batch-norm layer that still has the statistics that it began with, mean 0 and variance 1, where others do not.
    fn find_unused_layer(&self) -> Result<Option<String>, NetworkError> {
        let [means, variances] = RUNNING_STATISTICS.map(|what| {
            let tensors = self.names.tensors.iter();
            tensors.filter(move |t| t.name.ends_with(what))
        });
        let holds = |tensor: &MappedTensor, value: f32| -> Result<bool, NetworkError> {
            let (_, values) = self.read_tensor(&tensor.sources[0])?;
            Ok(values.iter().all(|&v| v == value))
        };
        let (mut unused, mut is_trained) = (None, false);
        for (mean, variance) in means.zip(variances) {
            match holds(mean, 0.0)? && holds(variance, 1.0)? {
                true => unused = unused.or(mean.sources.first()),
                false => is_trained = true,
            }
        }
        let layer = unused.filter(|_| is_trained).and_then(|name| name.rsplit_once('.'));
        Ok(layer.map(|(layer, _)| layer.to_owned()))
    }

    /// Shape and values of a tensor that the names refer to, in row-major order.
    ///
    /// # Errors
    /// As [`WeightFile::read_values`].
    pub fn read_tensor(&self, name: &str) -> Result<(Vec<i64>, Vec<f32>), NetworkError> {
        let index = self.indices.get(name).ok_or_else(|| {
            let source = Box::new(NetworkError::MissingTensor(name.into()));
            NetworkError::InFile { path: self.file.path.clone(), source }
        })?;
        let values = self.file.read_values(*index)?;
        let shape = &self.file.tensors[*index].shape;
        Ok((shape.iter().map(|&n| n as i64).collect(), values))
    }

    /// Reads the values of what was passed over into [`NameMap::kept`]. What is large, not finite or cannot be read is left.
    pub fn retain_ignored_values(&mut self) {
        let mut left = MAX_KEPT_VALUES;
        for name in self.names.passed_over.iter().chain(&self.names.beside) {
            let Some(entry) = self.indices.get(name).map(|&i| &self.file.tensors[i]) else {
                continue;
            };
            let count = entry.shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
            let Some(rest) = count.and_then(|count| left.checked_sub(count)) else {
                continue;
            };
            let read = self.read_tensor(name);
            if let Ok((shape, values)) = read
                && values.iter().all(|v| v.is_finite())
            {
                left = rest;
                self.names.kept.push(KeptTensor { name: name.clone(), shape, dtype: entry.dtype, values });
            }
        }
    }

    /// What a user should know of how the file is read, each a sentence without the file's name.
    pub fn notices(&self) -> Vec<String> {
        let mut notices = self.file.notes.clone();
        notices.extend(self.names.ignored_tensors_notice());
        notices.extend(self.names.other_modules_notice());
        if let Some((tensor, patches)) = self.names.interpolated_embeddings() {
            notices.push(format!(
                "its position embeddings are of {patches} patches, the images have {}; they are interpolated as timm does it",
                tensor.shape[1] - 1
            ));
        }
        let [rows, columns] = self.grid.unwrap_or([1, 1]);
        let side = (rows * columns).isqrt();
        if rows != columns && side * side == rows * columns && self.names.interpolated_embeddings().is_none() {
            notices.push(format!(
                "its position embeddings are taken for {rows}×{columns} patches, as the images have them; those of {side}×{side} \
                 patches would have to be resampled first"
            ));
        }
        if self.names.normalization.iter().all(Option::is_some) {
            let constants = self.names.normalization.each_ref().map(|name| {
                let values = self.read_tensor(name.as_deref().unwrap_or_default());
                values.map(|(_, values)| format!("{values:?}"))
            });
            if let [Ok(mean), Ok(std)] = constants {
                notices.push(format!(
                    "its module normalizes images itself, with mean {mean} and standard deviation {std}; give these as \
                     data.mean and data.std"
                ));
            }
        }
        notices
    }
}
