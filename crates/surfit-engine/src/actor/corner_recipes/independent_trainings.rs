//! Every corner is a training of its own.

use super::{CornerRecipe, CornerTrainings, RecipeFacts};

/// Trainings that differ in their seeds.
pub(super) struct IndependentTrainings;

impl CornerRecipe for IndependentTrainings {
    fn facts(&self) -> RecipeFacts {
        RecipeFacts {
            name: "independent trainings",
            description: "networks that are trained here with different seeds, the default",
            keys: &["count", "epochs", "seeds", "cache"],
        }
    }

    fn trainings(&self) -> CornerTrainings {
        CornerTrainings::OnePerCorner
    }
}
