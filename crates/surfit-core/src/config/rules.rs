//! What values a configuration may have, beyond their types. The rules are at the keys, in `tables.rs`; here is what they
//! are made of, and the sentences for those that are broken.

use super::{Config, CornerEpochs, CornersConfig, FitConfig, NETWORKS, NetworkConfig, schema, unknown_name_message};
use crate::surface::Patch;
use garde::{Error, Validate};
use std::collections::BTreeSet;

/// A rule that a condition decides; the key's `remedy` is its sentence.
pub(super) fn when<T: ?Sized>(holds: bool) -> impl FnOnce(&T, &Config) -> garde::Result {
    move |_, _| if holds { Ok(()) } else { Err(Error::new("")) }
}

/// A rule that gives its own sentence when it is broken.
pub(super) fn explain<T: ?Sized>(broken: Option<String>) -> impl FnOnce(&T, &Config) -> garde::Result {
    move |_, _| broken.map_or(Ok(()), |sentence| Err(Error::new(sentence)))
}

/// The rule for a name out of a table.
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

    fn keys_that_are_not_finite(&self) -> Vec<String> {
        let is_finite = |value: &toml::Value| value.as_float().is_none_or(f64::is_finite);
        let tables = toml::Table::try_from(self).unwrap_or_default();
        let keys = tables.iter().filter_map(|(name, table)| Some((name, table.as_table()?)));
        let keys = keys.flat_map(|(name, table)| table.iter().map(move |(key, value)| (name, key, value)));
        keys.filter(|(_, _, value)| !is_finite(value)).map(|(name, key, _)| format!("{name}.{key}")).collect()
    }
}

impl NetworkConfig {
    /// Why the network cannot have these patches; `None` when it can.
    pub(super) fn check_patch(&self) -> Option<String> {
        if self.patch > 4096 {
            return Some("use at most 4096 pixels, or 0 for an eighth of the image's height".into());
        }
        let is_other = NETWORKS.contains(&self.name.as_str()) && !self.name.starts_with("vit-");
        (self.patch > 0 && is_other).then(|| "only a vit divides its images into patches; leave it at 0".into())
    }
}

impl CornersConfig {
    /// Why there cannot be so many corners beside what they come from; `None` when there can.
    pub(super) fn check_count(&self) -> Option<String> {
        if Patch::from_corner_count(self.count).is_none() {
            return Some("use 2 corners for a curve, 3 for a triangular patch, 4 for a surface".into());
        }
        let what = match self.checkpoints.len() {
            0 => format!("`corners.epochs` lists {} checkpoints", self.len()),
            files => format!("`corners.checkpoints` names {files} files"),
        };
        // A number of files or checkpoints that no surface has is reported at those keys.
        let is_other = self.count != self.len() && Patch::from_corner_count(self.len()).is_some();
        is_other.then(|| format!("{what}; leave the number out"))
    }

    /// Why the corners cannot have these seeds; `None` when they can.
    pub(super) fn check_seeds(&self) -> Option<String> {
        let is_single = self.epochs.is_single_training();
        let sentence = if is_single && self.seeds.len() > 1 {
            "checkpoints of one training have one seed"
        } else if !is_single && !self.seeds.is_empty() && self.seeds.len() != self.len() {
            "give one seed for each corner, or none"
        } else if !are_all_different(&self.seeds) {
            "give different seeds: two corners at one place span no surface"
        } else {
            return None;
        };
        Some(sentence.into())
    }

    /// Why the corners cannot be trained so long; `None` when they can.
    pub(super) fn check_epochs(&self) -> Option<String> {
        let all = self.epochs.all_epochs();
        let sentence = match &self.epochs {
            CornerEpochs::Checkpoints(_) if !self.checkpoints.is_empty() => {
                "`corners.checkpoints` loads the corners, so that none is trained; leave one of the two out"
            }
            _ if !all.iter().all(|epochs| (1..=1_000_000).contains(epochs)) => "use 1 to 1000000 epochs",
            CornerEpochs::Checkpoints(list) if Patch::from_corner_count(list.len()).is_none() => {
                "list two, three or four checkpoints, or give one number"
            }
            // Two corners at one place would span no surface.
            _ if !are_all_different(all) => "list different checkpoints",
            _ => return None,
        };
        Some(sentence.into())
    }
}

impl FitConfig {
    /// Why a step cannot draw so many points; `None` when it can.
    pub(super) fn check_points_per_step(&self) -> Option<String> {
        match self.points_per_step {
            0 => Some("use at least 1 point".into()),
            points if points > self.training.batch_size.max(2) / 2 => {
                Some("use at most half as many points as images in a mini-batch".into())
            }
            _ => None,
        }
    }
}
