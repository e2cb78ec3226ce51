//! Names that a configuration may choose from, and the sentence for one that is in no table.

/// The name of `known` that `name` was probably meant to be.
pub fn nearest_name<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    known
        .iter()
        .map(|k| (strsim::damerau_levenshtein(k, name), *k))
        .min()
        .filter(|(distance, k)| *distance <= k.len().max(name.len()).div_ceil(2))
        .map(|(_, k)| k)
}

/// Reports that nothing of kind `what` is called `name`, with the nearest of `known`, or all of them when none is
/// near.
pub fn unknown_name_message(what: &str, name: &str, known: &[&str]) -> String {
    match nearest_name(name, known) {
        Some(k) => format!("there is no {what} `{name}`; did you mean `{k}`?"),
        None => format!("there is no {what} `{name}`; there are: {}", known.join(", ")),
    }
}
