//! Names that a configuration may choose from, and the sentence for one that is in no table.

use strsim::damerau_levenshtein;

/// Most names that an error lists besides the nearest one.
const MAX_LISTED_NAMES: usize = 12;

/// The name of `known` that `name` was probably meant to be.
pub fn nearest_name<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let nearest = known.iter().copied().min_by_key(|k| (damerau_levenshtein(k, name), *k))?;
    (damerau_levenshtein(nearest, name) <= nearest.len().max(name.len()).div_ceil(2)).then_some(nearest)
}

/// Reports that nothing of kind `what` is called `name`, with the nearest of `known`. The others follow, nearest first,
/// where they are few; all where none is near.
pub fn unknown_name_message(what: &str, name: &str, known: &[&str]) -> String {
    let nearest = nearest_name(name, known);
    let mut others: Vec<&str> = known.iter().copied().filter(|k| Some(*k) != nearest).collect();
    if nearest.is_some() {
        others.sort_by_key(|k| damerau_levenshtein(k, name));
    }
    match (nearest, others.len()) {
        (Some(k), 1..=MAX_LISTED_NAMES) => {
            format!("there is no {what} `{name}`; did you mean `{k}`? Others: {}", others.join(", "))
        }
        (Some(k), _) => format!("there is no {what} `{name}`; did you mean `{k}`?"),
        (None, _) => format!("there is no {what} `{name}`; there are: {}", others.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_names_are_all_listed_the_nearest_first() {
        let few = ["cnn", "resnet18", "resnet18-cifar"];
        let one = "there is no network `resnet50`; did you mean `resnet18`? Others: cnn, resnet18-cifar";
        assert_eq!(unknown_name_message("network", "resnet50", &few), one);
        let none = "there is no network `transformer-xl`; there are: cnn, resnet18, resnet18-cifar";
        assert_eq!(unknown_name_message("network", "transformer-xl", &few), none);
        let names: Vec<String> = (0..MAX_LISTED_NAMES + 2).map(|i| format!("name-{i}")).collect();
        let many: Vec<&str> = names.iter().map(String::as_str).collect();
        let nearest = "there is no x `name-3a`; did you mean `name-3`?";
        assert_eq!(unknown_name_message("x", "name-3a", &many), nearest);
        let most = unknown_name_message("x", "name-3a", &many[..=MAX_LISTED_NAMES]);
        assert!(most.starts_with(&format!("{nearest} Others: ")), "{most}");
        assert_eq!(most.matches(", ").count(), MAX_LISTED_NAMES - 1, "{most}");
    }
}
