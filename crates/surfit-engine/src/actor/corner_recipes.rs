//! How the corners of a run come to be: the registry of recipes.
//!
//! A recipe is a file below this one that implements [`CornerRecipe`], and its line in `RECIPES`. The keys of the configuration
//! choose one, or none and so the default. What recipes share is in `corners.rs`: training, measuring, storing and resuming.

mod branched_training;
mod given_files;
mod independent_trainings;
mod single_training;

use super::Actor;
use super::given_corner_checks::WeightOrigin;
use crate::Result;
use crate::data::DataSet;
use crate::model::Model;
use crate::trainer::Trainer;
use surfit_core::config::{Config, CornersConfig};
use surfit_core::random::derive_seed;
use tch::Tensor;

/// The recipe of configurations that choose no other.
static DEFAULT_RECIPE: &dyn CornerRecipe = &independent_trainings::IndependentTrainings;

/// Every other recipe. A configuration chooses at most one of them, so their order means nothing.
static RECIPES: &[&dyn CornerRecipe] =
    &[&given_files::GivenFiles, &single_training::SingleTraining, &branched_training::BranchedTraining];

/// A way to make the corners of a run. Its results are a function of configuration, data, seed and step alone, so that a
/// resumed run arrives at the same bytes.
pub(super) trait CornerRecipe: Sync {
    /// What people should know of it.
    fn facts(&self) -> RecipeFacts;

    /// Whether the configuration asks for it; nobody asks for the default.
    fn is_chosen(&self, _corners: &CornersConfig) -> bool {
        false
    }

    /// How many trainings make the corners.
    fn trainings(&self) -> CornerTrainings;

    /// Where a corner is from, in words.
    fn describe_source(&self, config: &Config, corner: usize) -> String {
        format!("seed {}, {} epochs", self.training_seed(config, corner), config.corners.epochs.for_corner(corner))
    }

    /// The seed of the training that a corner is from.
    fn training_seed(&self, config: &Config, corner: usize) -> u64 {
        let training = if self.trainings().has_one_seed() { 0 } else { corner };
        let given = config.corners.seeds.get(training).copied();
        given.unwrap_or(short_seed(config.seed, training as u64))
    }

    /// Refuses sources of corners that cannot be used, before the first corner is made.
    fn check_sources(&self, _actor: &mut Actor) -> Result<()> {
        Ok(())
    }

    /// A corner that needs no training here; by default one that was trained before in exactly this way.
    fn read_corner(&self, actor: &mut Actor, corner: usize) -> Result<Option<ReadCorner>> {
        let read = actor.read_cached_corner(corner).map(|flat| ReadCorner {
            flat,
            source: format!("{} (cached)", self.describe_source(&actor.config, corner)),
            origin: WeightOrigin::Trained,
        });
        Ok(read)
    }

    /// One step of a corner's training; gives the loss as a scalar on the device.
    fn train_step(&self, trainer: &mut Trainer, model: &Model, data: &DataSet, corners: &CornersConfig) -> Tensor {
        trainer.step(model, data, corners)
    }
}

/// What people should know of a recipe.
#[derive(Clone, Copy, Debug)]
pub(super) struct RecipeFacts {
    /// Name in documentation.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub description: &'static str,
    /// The keys of the configuration that it reads, besides those of every training.
    pub keys: &'static [&'static str],
}

/// How many trainings make the corners of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CornerTrainings {
    /// None: the corners are read.
    None,
    /// One, and every corner is a checkpoint of it.
    Shared,
    /// One for each corner.
    OnePerCorner,
    /// The fit itself: no corner is made before it.
    Fit,
}

impl CornerTrainings {
    /// Whether all corners come from one seed.
    pub fn has_one_seed(self) -> bool {
        matches!(self, Self::Shared | Self::Fit)
    }
}

/// A corner that was read.
#[derive(Debug)]
pub(super) struct ReadCorner {
    /// Weights, `[P]` on the device.
    pub flat: Tensor,
    /// Where it is from, in words.
    pub source: String,
    /// What else is known of its weights.
    pub origin: WeightOrigin,
}

/// The recipe that a configuration chooses.
pub(super) fn chosen_recipe(corners: &CornersConfig) -> &'static dyn CornerRecipe {
    RECIPES.iter().copied().find(|recipe| recipe.is_chosen(corners)).unwrap_or(DEFAULT_RECIPE)
}

/// A seed derived from another, short enough to be read and typed by people.
pub(super) fn short_seed(seed: u64, index: u64) -> u64 {
    derive_seed(seed, index) % 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn all_recipes() -> impl Iterator<Item = &'static dyn CornerRecipe> {
        RECIPES.iter().copied().chain([DEFAULT_RECIPE])
    }

    fn name_of_chosen(keys: &str) -> &'static str {
        let config = surfit_core::config::parse(&format!("[corners]\n{keys}\n"), "x.toml").unwrap();
        chosen_recipe(&config.corners).facts().name
    }

    /// The first that is chosen is the only one, so that a line of the registry counts wherever it is.
    #[test]
    fn no_configuration_chooses_two_recipes() {
        let values = [
            ("checkpoints", "['a.pt', 'b.pt']"),
            ("weights", "'ema'"),
            ("rename", "[['a', 'b']]"),
            ("count", "2"),
            ("epochs", "[3, 4]"),
            ("seeds", "[7]"),
            ("cache", "false"),
            ("branch_at", "0.5"),
        ];
        let mut chosen_recipes = BTreeSet::new();
        for choice in 0..1 << values.len() {
            let given = values.iter().enumerate().filter(|(i, _)| choice & (1 << i) != 0);
            let text: String = given.map(|(_, (key, value))| format!("{key} = {value}\n")).collect();
            let Ok(config) = surfit_core::config::parse(&format!("[corners]\n{text}"), "x.toml") else {
                continue;
            };
            let chosen: Vec<_> = RECIPES.iter().filter(|recipe| recipe.is_chosen(&config.corners)).collect();
            assert!(chosen.len() <= 1, "{text}");
            chosen_recipes.extend(chosen.first().map(|recipe| recipe.facts().name));
            // What the configuration checks before the engine starts is what the recipe does.
            let recipe = chosen_recipe(&config.corners);
            assert_eq!(recipe.trainings() != CornerTrainings::None, config.corners.trains_corners(), "{text}");
        }
        assert_eq!(chosen_recipes.len(), RECIPES.len(), "every recipe can be chosen: {chosen_recipes:?}");
        let keys: BTreeSet<&str> = all_recipes().flat_map(|recipe| recipe.facts().keys).copied().collect();
        assert!(keys.iter().all(|key| values.iter().any(|(name, _)| name == key)), "{keys:?}: a value for each");
    }

    #[test]
    fn the_keys_choose_the_recipe() {
        assert_eq!(name_of_chosen(""), "independent trainings");
        assert_eq!(name_of_chosen("epochs = 3\nseeds = [1, 2, 3, 4]"), "independent trainings");
        assert_eq!(name_of_chosen("epochs = [3, 4]"), "one training");
        assert_eq!(name_of_chosen("checkpoints = ['a.pt', 'b.pt']"), "given files");
        assert_eq!(name_of_chosen("branch_at = 0\nseeds = [1]"), "branched training");
    }

    #[test]
    fn checkpoints_of_one_training_share_its_seed() {
        let config = |keys: &str| surfit_core::config::parse(&format!("[corners]\n{keys}\n"), "x.toml").unwrap();
        let seeds = |keys: &str| {
            let config = config(keys);
            let recipe = chosen_recipe(&config.corners);
            [0, 1].map(|corner| recipe.training_seed(&config, corner))
        };
        assert_eq!(seeds("epochs = [3, 4]\nseeds = [7]"), [7, 7]);
        assert_eq!(seeds("count = 2\nseeds = [7, 8]"), [7, 8]);
        let [first, second] = seeds("count = 2");
        assert!(first != second && first < 1_000_000);
        let config = config("epochs = [3, 4]\nseeds = [7]");
        assert_eq!(chosen_recipe(&config.corners).describe_source(&config, 1), "seed 7, 4 epochs");
    }

    /// The page's table is the registry, and every key of it exists.
    #[test]
    fn the_page_describes_every_recipe() {
        let defaults = serde_json::to_value(Config::default()).unwrap();
        let mut table = "| corners | keys | what they are |\n| --- | --- | --- |\n".to_owned();
        for recipe in all_recipes() {
            let RecipeFacts { name, description, keys } = recipe.facts();
            for key in keys {
                assert!(defaults["corners"].get(key).is_some(), "{key}");
            }
            let keys: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
            table += &format!("| {name} | {} | {description} |\n", keys.join(", "));
        }
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/networks.md");
        // A package of this crate alone is without the page.
        if let Ok(text) = std::fs::read_to_string(page) {
            assert!(text.contains(&table), "docs/networks.md lacks:\n{table}");
        }
    }
}
