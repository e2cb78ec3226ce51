//! The sentence for a name that is in no table.

/// Says that nothing of kind `what` is called `name`, with the nearest of `known`, or all of them when none is
/// near. `key` is the configuration key that holds the name.
pub(crate) fn unknown(key: &str, what: &str, name: &str, known: &[&str]) -> String {
    let nearest = known
        .iter()
        .map(|k| (strsim::damerau_levenshtein(k, name), *k))
        .min()
        .filter(|(distance, k)| *distance <= k.len().max(name.len()).div_ceil(2));
    match nearest {
        Some((_, k)) => format!("{key}: there is no {what} `{name}`; did you mean `{k}`?"),
        None => format!(
            "{key}: there is no {what} `{name}`; there are: {}",
            known.join(", ")
        ),
    }
}
