//! The corners are checkpoints of one training.

use super::{CornerRecipe, CornerTrainings, RecipeFacts};
use surfit_core::config::CornersConfig;

/// One training whose weights are taken after several numbers of epochs.
pub(super) struct SingleTraining;

impl CornerRecipe for SingleTraining {
    fn facts(&self) -> RecipeFacts {
        RecipeFacts {
            name: "one training",
            description: "checkpoints of one training here, after each number of epochs in the list",
            keys: &["epochs", "seeds", "cache"],
        }
    }

    fn is_chosen(&self, corners: &CornersConfig) -> bool {
        corners.epochs.is_single_training()
    }

    fn trainings(&self) -> CornerTrainings {
        CornerTrainings::Shared
    }
}
