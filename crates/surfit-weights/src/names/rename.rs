//! Renamings that the configuration requests, and one that would make a file match.

use super::index::{IndexedTensor, NameIndex};
use super::{ExpectedNetwork, NamingMatch, best_match};
use crate::NetworkError;
use regex::Regex;

/// Maximum length of a name that a renaming makes longer.
pub(crate) const MAX_RENAMED_BYTES: usize = 1024;

/// Regular expressions and what they are replaced with, one after the other: `corners.rename`.
#[derive(Clone, Debug, Default)]
pub struct RenameRules(Vec<(Regex, String)>);

impl RenameRules {
    /// Compiles the pairs of a configuration.
    ///
    /// # Errors
    /// [`NetworkError::Pattern`].
    pub fn new(pairs: &[(String, String)]) -> Result<Self, NetworkError> {
        let compiled = pairs.iter().map(|(pattern, replacement)| {
            let regex =
                Regex::new(pattern).map_err(|source| NetworkError::Pattern { pattern: pattern.clone(), source })?;
            Ok((regex, replacement.clone()))
        });
        compiled.collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns what a tensor is called after all renamings; nothing when it is to be left out.
    ///
    /// # Errors
    /// When a renaming makes more than 1024 bytes of a name, which a few of them could let grow without end.
    pub fn apply(&self, name: &str) -> Result<String, NetworkError> {
        let mut renamed = name.to_owned();
        for (regex, replacement) in &self.0 {
            renamed = regex.replace_all(&renamed, replacement).into_owned();
            if renamed.len() > name.len().max(MAX_RENAMED_BYTES) {
                let (pattern, bytes, name) = (regex.as_str().into(), renamed.len(), name.into());
                return Err(NetworkError::LongName { pattern, bytes, name });
            }
        }
        Ok(renamed)
    }
}

/// Tensors of a file for which a rule is looked for.
const MAX_TENSORS: usize = 1 << 12;
/// Rules that are tried on a file.
const MAX_TRIED_RULES: usize = 8;

/// Returns the pair to add to `renames` under which the tensors match, where exactly one of those that their names suggest
/// does.
pub(super) fn suggest_rule(
    network: &ExpectedNetwork,
    entries: &[IndexedTensor],
    renames: &RenameRules,
    found: &NamingMatch,
) -> Option<(String, String)> {
    if entries.len() > MAX_TENSORS {
        return None;
    }
    let index = NameIndex::new(entries, renames).ok()?;
    let mut fitting = candidate_rules(&index, renames, found).into_iter().filter(|(pattern, replacement)| {
        let mut rules = renames.clone();
        rules.0.extend(Regex::new(pattern).map(|regex| (regex, replacement.clone())));
        NameIndex::new(entries, &rules).is_ok_and(|index| best_match(network, &index).is_complete())
    });
    let first = fitting.next()?;
    fitting.next().is_none().then_some(first)
}

/// Returns rules that give an unknown tensor the name of a missing one of its shape, or leave all unknown ones out when
/// nothing is missing. They are for the names after `renames`.
fn candidate_rules(index: &NameIndex, renames: &RenameRules, found: &NamingMatch) -> Vec<(String, String)> {
    let mut unknown = found.unknown.clone();
    unknown.sort_unstable_by_key(|&e| index.original_name(e));
    let missing: Vec<_> = found.tensors.iter().filter(|t| t.entries.is_empty()).collect();
    if missing.is_empty() {
        let renamed: Result<Vec<String>, _> = unknown.iter().map(|&e| renames.apply(index.original_name(e))).collect();
        return renamed.ok().and_then(|names| leave_out_rule(&names)).into_iter().collect();
    }
    let prefix = found.prefixes.first().map_or("", String::as_str);
    let rules_for = |&entry: &usize| {
        let name = index.name(entry);
        let name = name.strip_prefix(prefix).unwrap_or(name);
        let wanted = missing.iter().filter(|t| t.shape == index.shape(entry)).map(|t| t.name.as_str());
        Some(nearest_rules(name, wanted.collect())).filter(|rules| !rules.is_empty())
    };
    unknown.iter().take(MAX_TRIED_RULES).find_map(rules_for).unwrap_or_default()
}

/// Returns different rules that make one of the `wanted` names of `name`, those for the most similar names first.
fn nearest_rules(name: &str, mut wanted: Vec<&str>) -> Vec<(String, String)> {
    let mut rules = Vec::new();
    // Names of a file may be much longer than those of a network, and each is compared with many.
    if !is_plain(name) {
        return rules;
    }
    wanted.sort_by_cached_key(|wanted| strsim::damerau_levenshtein(wanted, name));
    for rule in wanted.into_iter().filter_map(|wanted| component_rule(name, wanted)) {
        if rules.len() < MAX_TRIED_RULES && !rules.contains(&rule) {
            rules.push(rule);
        }
    }
    rules
}

/// Bytes that a name may have to be repeated in a pattern.
const MAX_PLAIN_BYTES: usize = 199;

/// True for a name that can be repeated in a pattern.
fn is_plain(name: &str) -> bool {
    name.len() <= MAX_PLAIN_BYTES && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
}

/// Leaves out the module that holds all of these tensors.
fn leave_out_rule(names: &[String]) -> Option<(String, String)> {
    let (first, others) = names.split_first().filter(|(first, _)| is_plain(first))?;
    let holds_all = |module: &str| others.iter().all(|n| n.strip_prefix(module).is_some_and(|n| n.starts_with('.')));
    let module = first.rmatch_indices('.').map(|(at, _)| &first[..at]).find(|module| holds_all(module));
    let pattern = match module {
        Some(module) => format!("^{}\\..*", regex::escape(module)),
        None if others.is_empty() => format!("^{}$", regex::escape(first)),
        None => return None,
    };
    Some((pattern, String::new()))
}

/// Replaces the components in which `name` differs from `wanted`; numbers that both have may be any.
fn component_rule(name: &str, wanted: &str) -> Option<(String, String)> {
    let (mut from, mut to): (Vec<&str>, Vec<&str>) = (name.split('.').collect(), wanted.split('.').collect());
    while from.last().is_some_and(|last| to.last() == Some(last)) {
        from.pop();
        to.pop();
    }
    let same = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let (from, to) = (from[same..].join("."), to[same..].join("."));
    if from.is_empty() || to.is_empty() || !is_plain(&from) {
        return None;
    }
    let number = Regex::new("[0-9]+").expect("a valid pattern");
    let numbers = |text| -> Vec<String> { number.find_iter(text).map(|m| m.as_str().to_owned()).collect() };
    if numbers(&from) != numbers(&to) {
        return Some((format!("\\b{}\\b", regex::escape(&from)), to));
    }
    let mut count = 0;
    let replacement = number.replace_all(&to, |_: &regex::Captures| {
        count += 1;
        format!("${{{count}}}")
    });
    let pattern = number.replace_all(&regex::escape(&from), "([0-9]+)").into_owned();
    Some((format!("\\b{pattern}\\b"), replacement.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_tried_once_and_only_for_names_of_bounded_length() {
        let rule = |pattern: &str, replacement: &str| (pattern.to_owned(), replacement.to_owned());
        // The first and the last are one rule, with another one between them.
        let rules = nearest_rules("a1.b.a2", vec!["cc1.b.a2", "c2.b.a2", "a1.b.cc2"]);
        assert_eq!(rules, [rule("\\ba([0-9]+)\\b", "cc${1}"), rule("\\ba1\\b", "c2")]);
        let many: Vec<String> = (0..2 * MAX_TRIED_RULES).map(|i| format!("b{i}")).collect();
        assert_eq!(nearest_rules("a", many.iter().map(String::as_str).collect()).len(), MAX_TRIED_RULES);
        let long = |bytes| format!("{}.weight", "x".repeat(bytes - ".weight".len()));
        assert_eq!(nearest_rules(&long(MAX_PLAIN_BYTES), vec!["fc.weight"]).len(), 1);
        assert!(nearest_rules(&long(MAX_PLAIN_BYTES + 1), vec!["fc.weight"]).is_empty());
    }
}
