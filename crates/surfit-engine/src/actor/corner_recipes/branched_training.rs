//! The corners are control points that branch from one training and go on in the fit.

use super::{CornerRecipe, CornerTrainings, RecipeFacts};
use surfit_core::config::CornersConfig;

/// One course of training: a network, then all control points from there.
pub(super) struct BranchedTraining;

impl CornerRecipe for BranchedTraining {
    fn facts(&self) -> RecipeFacts {
        RecipeFacts {
            name: "branched training",
            description: "control points that branch from one network during the fit and are all trained in it",
            keys: &["count", "branch_at", "seeds"],
        }
    }

    fn is_chosen(&self, corners: &CornersConfig) -> bool {
        !corners.precede_fit()
    }

    fn trainings(&self) -> CornerTrainings {
        CornerTrainings::Fit
    }
}
