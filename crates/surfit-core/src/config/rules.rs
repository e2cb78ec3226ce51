//! What values a configuration may have, beyond their types. The rules are at the keys, in `tables.rs`; here is what they
//! are made of, and the sentences for those that are broken.

use super::{Config, CornerEpochs, CornersConfig, FitConfig, NetworkConfig, schema, unknown_name_message};
use crate::networks::{NetworkSpec, UnsuitableSetting, find_network};
use crate::surface::Patch;
use garde::{Error, Validate};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// What is wrong with a value, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BrokenRule(Cow<'static, str>);

impl<T: Into<Cow<'static, str>>> From<T> for BrokenRule {
    fn from(sentence: T) -> Self {
        Self(sentence.into())
    }
}

/// A rule that a condition decides; the key's `remedy` is its sentence.
pub(super) fn when<T: ?Sized>(holds: bool) -> impl FnOnce(&T, &Config) -> garde::Result {
    move |_, _| if holds { Ok(()) } else { Err(Error::new("")) }
}

/// A rule that gives its own sentence when it is broken.
pub(super) fn explain<T: ?Sized>(checked: Result<(), BrokenRule>) -> impl FnOnce(&T, &Config) -> garde::Result {
    move |_, _| checked.map_err(Error::new)
}

/// The same for a setting of a network that is known; an unknown one is reported at its name.
pub(super) fn suits_network<T: ?Sized>(
    network: &NetworkConfig,
    check: impl FnOnce(&NetworkSpec) -> Result<(), UnsuitableSetting>,
) -> impl FnOnce(&T, &Config) -> garde::Result {
    let checked = find_network(&network.name).map_or(Ok(()), check);
    move |_, _| checked.map_err(|unsuitable| Error::new(unsuitable.reason))
}

pub(super) fn known_name(what: &str, name: &str, known: &[&str]) -> garde::Result {
    if known.contains(&name) { Ok(()) } else { Err(Error::new(unknown_name_message(what, name, known))) }
}

pub(super) fn are_all_different<T: Ord>(values: &[T]) -> bool {
    values.iter().collect::<BTreeSet<_>>().len() == values.len()
}

pub(super) fn are_rising_fractions(list: &[f64]) -> bool {
    list.iter().all(|m| *m > 0.0 && *m < 1.0) && list.windows(2).all(|w| w[0] < w[1])
}

impl Config {
    /// Every key whose value breaks a rule, dotted, with a sentence that states what to do; one sentence a key.
    pub(super) fn broken_rules(&self) -> Vec<(String, String)> {
        let mut broken: Vec<(String, String)> = Vec::new();
        let mut add = |key: String, sentence: String| {
            if broken.iter().all(|(other, _)| *other != key) {
                broken.push((key, sentence));
            }
        };
        let report = self.validate_with(self).err().map(garde::Report::into_inner).unwrap_or_default();
        for (path, error) in report {
            // In a file the shared keys are the table's own.
            let key = path.to_string().replace(".training.", ".");
            let sentence = schema::find_remedy(&key).unwrap_or_else(|| error.message().to_owned());
            add(key, sentence);
        }
        // No range has them outside.
        for key in self.keys_that_are_not_finite() {
            let sentence = schema::find_remedy(&key).unwrap_or_else(|| "use a finite number".into());
            add(key, sentence);
        }
        broken
    }

    /// Refuses mini-batches that are larger than the number of training images.
    ///
    /// # Errors
    /// With the key to change.
    pub fn check_batch_size(&self, train_images: usize) -> Result<(), BrokenRule> {
        let trains_before = self.corners.trains_corners() && self.corners.precede_fit();
        let corners = trains_before.then_some(("corners", &self.corners.training));
        let tables = corners.into_iter().chain([("fit", &self.fit.training)]);
        for (table, training) in tables {
            let batch = training.batch_size;
            if batch > train_images {
                return Err(format!(
                    "{table}.batch_size = {batch} is larger than the {train_images} training images; use a smaller batch"
                )
                .into());
            }
        }
        Ok(())
    }

    fn keys_that_are_not_finite(&self) -> Vec<String> {
        let is_finite = |value: &toml::Value| value.as_float().is_none_or(f64::is_finite);
        let tables = toml::Table::try_from(self).unwrap_or_default();
        let keys = tables.iter().filter_map(|(name, table)| Some((name, table.as_table()?)));
        let keys = keys.flat_map(|(name, table)| table.iter().map(move |(key, value)| (name, key, value)));
        keys.filter(|(_, _, value)| !is_finite(value)).map(|(name, key, _)| format!("{name}.{key}")).collect()
    }
}

impl CornersConfig {
    /// Refuses a number of corners that no surface has, or that is not that of what they come from.
    pub(super) fn check_count(&self) -> Result<(), BrokenRule> {
        if Patch::from_corner_count(self.count).is_none() {
            return Err("use 2 corners for a curve, 3 for a triangular patch, 4 for a surface".into());
        }
        let what = match self.trains_corners() {
            true => format!("`corners.epochs` lists {} checkpoints", self.len()),
            false => format!("`corners.checkpoints` names {} files", self.len()),
        };
        // A number of files or checkpoints that no surface has is reported at those keys.
        let is_other = self.count != self.len() && Patch::from_corner_count(self.len()).is_some();
        if is_other { Err(format!("{what}; leave the number out").into()) } else { Ok(()) }
    }

    /// Refuses seeds that the corners cannot have.
    pub(super) fn check_seeds(&self) -> Result<(), BrokenRule> {
        let is_single = self.epochs.is_single_training() || !self.precede_fit();
        let sentence = if is_single && self.seeds.len() > 1 {
            "corners of one training have one seed"
        } else if !is_single && !self.seeds.is_empty() && self.seeds.len() != self.len() {
            "give one seed for each corner, or none"
        } else if !are_all_different(&self.seeds) {
            "give different seeds: two corners at one place span no surface"
        } else {
            return Ok(());
        };
        Err(sentence.into())
    }

    /// Refuses numbers of epochs that the corners cannot be trained.
    pub(super) fn check_epochs(&self) -> Result<(), BrokenRule> {
        let all = self.epochs.all_epochs();
        let sentence = match &self.epochs {
            CornerEpochs::Checkpoints(_) if !self.trains_corners() => {
                "`corners.checkpoints` loads the corners, so that none is trained; leave one of the two out"
            }
            _ if !all.iter().all(|epochs| (1..=1_000_000).contains(epochs)) => "use 1 to 1000000 epochs",
            CornerEpochs::Checkpoints(list) if Patch::from_corner_count(list.len()).is_none() => {
                "list two, three or four checkpoints, or give one number"
            }
            // Two corners at one place would span no surface.
            _ if !are_all_different(all) => "list different checkpoints",
            _ => return Ok(()),
        };
        Err(sentence.into())
    }

    /// Refuses a branch outside the fit, or beside other ways to make the corners.
    pub(super) fn check_branch(&self) -> Result<(), BrokenRule> {
        let sentence = if !(0.0..=1.0).contains(&self.branch_at) {
            "use a share of the fit's steps from 0 to 1; 1 for corners that are made before the fit"
        } else if self.precede_fit() {
            return Ok(());
        } else if !self.trains_corners() {
            "`corners.checkpoints` loads the corners, but a branch trains them in the fit; leave one of the two out"
        } else if self.epochs.is_single_training() {
            "`corners.epochs` lists checkpoints of a training before the fit, but a branch is within the fit; leave one \
             of the two out"
        } else {
            return Ok(());
        };
        Err(sentence.into())
    }

    /// Refuses patterns for names of tensors that are no regular expressions.
    pub(super) fn check_rename(&self) -> Result<(), BrokenRule> {
        for (pattern, _) in &self.rename {
            if let Err(error) = regex::Regex::new(pattern) {
                // The lines before point at the place with a caret.
                let error = error.to_string();
                let why = error.lines().last().unwrap_or_default();
                let why = why.strip_prefix("error: ").unwrap_or(why);
                let remedy = "mend it, or escape its special characters";
                return Err(format!("{pattern:?} is no regular expression ({why}); {remedy}").into());
            }
        }
        Ok(())
    }
}

impl FitConfig {
    /// Refuses a number of points that a step cannot draw.
    pub(super) fn check_points_per_step(&self) -> Result<(), BrokenRule> {
        match self.points_per_step {
            0 => Err("use at least 1 point".into()),
            points if points > self.training.batch_size.max(2) / 2 => {
                Err("use at most half as many points as images in a mini-batch".into())
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::parse;

    fn error(text: &str) -> String {
        parse(text, "x.toml").unwrap_err().to_string()
    }

    #[test]
    fn names_are_replaced_by_regular_expressions() {
        assert!(parse("[corners]\nrename = [['^body\\.', ''], ['a', '$0b']]\n", "x").is_ok());
        assert_eq!(
            error("[corners]\nrename = [[\"^(body\", \"\"]]\n"),
            "x.toml:2: `corners.rename = [[\"^(body\", \"\"]]` cannot be used; \"^(body\" is no regular expression (unclosed \
             group); mend it, or escape its special characters"
        );
        assert!(error("[corners]\nrename = ['a']\n").contains("x.toml:2"));
    }

    #[test]
    fn the_number_of_corners_is_said_once_or_twice_the_same() {
        let from = "checkpoints = ['a.pt', 'b.pt']\n";
        assert_eq!(parse(&format!("[corners]\n{from}"), "x").unwrap().corners.count, 2);
        assert!(parse(&format!("[corners]\ncount = 2\n{from}"), "x").is_ok());
        assert_eq!(
            error(&format!("[corners]\ncount = 4\n{from}")),
            "x.toml:2: `corners.count = 4` cannot be used; `corners.checkpoints` names 2 files; leave the number out"
        );
        assert!(error("[corners]\ncount = 3\nepochs = [4, 5]\n").contains("`corners.epochs` lists 2 checkpoints"));
        assert!(error(&format!("[corners]\nepochs = [4, 5]\n{from}")).contains("leave one of the two out"));
    }
}
