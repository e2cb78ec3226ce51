//! Corners from files, and what their tensors are called there.

use super::Actor;
use crate::model_file::{GivenWeights, read_tensors};
use crate::{EngineError, Result};
use std::path::Path;
use surfit_core::files::{self, FilePath};
use surfit_core::protocol::TensorNames;
use surfit_weights::names::{ExpectedNetwork, NameMap, RenameRules};
use tch::{Kind, Tensor};

const MAX_NAMES_BYTES: u64 = 64 << 20;

impl Actor<'_> {
    /// The network that files are to hold.
    pub(super) fn expected_network(&self) -> Result<ExpectedNetwork> {
        let (shape, classes) = (self.data.input_shape, self.data.classes.len());
        Ok(ExpectedNetwork::new(&self.config.network, shape, classes)?)
    }

    pub(super) fn read_weights(&self, path: &Path, renames: &RenameRules) -> Result<GivenWeights> {
        let weights = self.config.corners.weights;
        GivenWeights::read(path, weights, &self.expected_network()?, renames)
    }

    /// Returns a corner that is stored in the run, `[P]` on the device. Its tensors have the layout's names.
    ///
    /// # Errors
    /// As [`read_tensors`], and for a file of another network.
    pub(super) fn read_stored_corner(&self, path: &FilePath) -> Result<Tensor> {
        let layout = self.model.network().layout();
        // With statistics, which are fewer.
        let limit = 2 * layout.len() as u64 * size_of::<f32>() as u64 + (1 << 20);
        let (tensors, _) = read_tensors(path, |_| limit)?;
        let parts = layout.parameters.iter().map(|p| {
            let found = tensors.iter().find(|(name, _)| *name == p.name);
            let fitting = found.filter(|(_, t)| t.size() == p.shape && t.kind() == Kind::Float);
            let tensor = fitting.map(|(_, tensor)| tensor.view(-1));
            tensor.ok_or_else(|| {
                EngineError::input(format!(
                    "{} is no corner of this network ({} is missing or of another shape); restore it from a copy, or \
                     remove it",
                    path.display(),
                    p.name
                ))
            })
        });
        let parts: Vec<Tensor> = parts.collect::<Result<_>>()?;
        let flat = Tensor::f_cat(&parts, 0)?;
        Ok(flat.to_device(self.model.placement().device))
    }

    /// Where the names of the first given corner are kept. A fork takes all files of corners along.
    pub(super) fn given_names_path(&self) -> FilePath {
        self.run.join("corners").join("corner-names.json")
    }

    /// The names that exports get; `None` for the layout's.
    ///
    /// # Errors
    /// When no corner was given, or what was kept of its names cannot be read.
    pub(super) fn export_tensor_names(&self, names: TensorNames) -> Result<Option<NameMap>> {
        if names == TensorNames::Surfit {
            return Ok(None);
        }
        let path = self.given_names_path();
        if !files::is_file(&path) {
            return Err(EngineError::wrong_state(
                "the corners of this run were trained here and have no other names; export with surfit's",
            ));
        }
        let bytes = files::read(&path, MAX_NAMES_BYTES).map_err(EngineError::io(&path))?;
        let map: NameMap = serde_json::from_slice(&bytes).map_err(|e| {
            EngineError::input(format!("{} is damaged ({e}); export with surfit's names", path.display()))
        })?;
        let expected = self.model.network().layout();
        let same = map
            .tensors
            .iter()
            .map(|t| &t.name)
            .take(expected.parameters.len())
            .eq(expected.parameters.iter().map(|p| &p.name));
        if !same {
            return Err(EngineError::input(format!(
                "{} is of another network; export with surfit's names",
                path.display()
            )));
        }
        Ok(Some(map))
    }
}
