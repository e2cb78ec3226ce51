//! `data.classes`: the classes of a set in another order.

use crate::images::LabeledImages;
use crate::load::RawSet;
use crate::{DataError, Result};
use std::collections::{HashMap, HashSet};

/// Brings the classes of a set into the order of `wanted`, and its labels with them; an empty one changes nothing.
///
/// # Errors
/// A sentence that names what `wanted` lacks, or has and the set at `place` has not: it must name every class once.
pub(crate) fn reorder_classes(set: &mut RawSet, class_names: &[String], place: &str) -> Result<()> {
    if class_names.is_empty() {
        return Ok(());
    }
    let list = |names: Vec<&String>| {
        let quoted: Vec<String> = names.iter().take(3).map(|n| format!("`{n}`")).collect();
        match names.len().saturating_sub(3) {
            0 => quoted.join(", "),
            more => format!("{} and {more} more", quoted.join(", ")),
        }
    };
    let own: HashSet<&String> = set.classes.iter().collect();
    let places: HashMap<&String, u16> = class_names.iter().zip(0..).collect();
    let unknown = class_names.iter().filter(|n| !own.contains(n)).collect();
    let missing = set.classes.iter().filter(|n| !places.contains_key(n));
    let faults = [("does not have", unknown), ("has also", missing.collect())];
    let faults: Vec<String> = faults
        .into_iter()
        .filter(|(_, names): &(_, Vec<&String>)| !names.is_empty())
        .map(|(what, names)| format!("{what} {}", list(names)))
        .collect();
    if !faults.is_empty() {
        return Err(DataError::input(format!(
            "data.classes: {place} {}; name each of its {} classes once, or none",
            faults.join(", and "),
            set.classes.len()
        )));
    }
    if class_names.len() != set.classes.len() || places.len() != class_names.len() {
        return Err(DataError::input(format!(
            "data.classes: {} names for the {} classes of {place}; name each class once, or none",
            class_names.len(),
            set.classes.len()
        )));
    }
    let places: Vec<u16> = set.classes.iter().map(|class| places[class]).collect();
    let relabel = |images: &mut LabeledImages| {
        let labels = images.labels.iter_mut();
        labels.for_each(|label| *label = places[usize::from(*label)]);
    };
    relabel(&mut set.train);
    set.validation.iter_mut().for_each(relabel);
    set.test.iter_mut().for_each(relabel);
    set.classes = class_names.to_vec();
    Ok(())
}
