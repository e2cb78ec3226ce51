//! The corners are networks from files.

use super::super::Actor;
use super::super::given_corner_checks::WeightOrigin;
use super::{CornerRecipe, CornerTrainings, ReadCorner, RecipeFacts};
use crate::{EngineError, Result};
use surfit_core::config::{Config, CornersConfig};
use surfit_core::files::{self, encode_json, write_atomic};
use surfit_weights::check_corner_files;
use surfit_weights::names::RenameRules;

/// Files or folders of weights.
pub(super) struct GivenFiles;

impl CornerRecipe for GivenFiles {
    fn facts(&self) -> RecipeFacts {
        RecipeFacts {
            name: "given files",
            description: "networks from files of any supported format and naming",
            keys: &["checkpoints", "weights", "rename"],
        }
    }

    fn is_chosen(&self, corners: &CornersConfig) -> bool {
        !corners.checkpoints.is_empty()
    }

    fn trainings(&self) -> CornerTrainings {
        CornerTrainings::None
    }

    /// The name of the file.
    fn describe_source(&self, config: &Config, corner: usize) -> String {
        let name = config.corners.checkpoints.get(corner).and_then(|file| file.file_name());
        name.unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Looks at all files that corners are still to be read from; reports what is to be known of them.
    fn check_sources(&self, actor: &mut Actor) -> Result<()> {
        let corners = &actor.config.corners;
        let numbered = corners.checkpoints.iter().enumerate();
        let unread = numbered.filter(|(index, _)| !files::exists(&actor.corner_path(*index))).map(|(_, path)| path);
        let notices = check_corner_files(unread, corners, &actor.expected_network()?)?;
        for notice in notices {
            actor.journal.log(notice);
        }
        Ok(())
    }

    /// Reads a file. The names of the first one's tensors are kept for exports.
    fn read_corner(&self, actor: &mut Actor, corner: usize) -> Result<Option<ReadCorner>> {
        let Some(path) = actor.config.corners.checkpoints.get(corner) else {
            return Ok(None);
        };
        let renames = RenameRules::new(&actor.config.corners.rename)?;
        let given = actor.read_weights(path, &renames)?;
        if corner == 0 {
            let names = actor.given_names_path();
            let bytes = encode_json(&given.names).map_err(EngineError::io(&names))?;
            write_atomic(&names, &bytes).map_err(EngineError::io(&names))?;
        }
        Ok(Some(ReadCorner {
            flat: given.flat.to_device(actor.model.placement().device),
            source: self.describe_source(&actor.config, corner),
            origin: WeightOrigin::Given(given.stats),
        }))
    }
}
