//! In what two configurations differ, for people.

use super::Config;
use toml::{Table, Value};

impl Config {
    /// A clause for every key that has another value in `other`, such as `fit.epochs (16 there, 20 here)`, where `other` is
    /// what is here. Empty for equal configurations.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let table = |config: &Self| Table::try_from(config).unwrap_or_default();
        let mut found = Vec::new();
        compare_tables("", &table(self), &table(other), &mut found);
        found
    }
}

fn compare_tables(prefix: &str, there: &Table, here: &Table, found: &mut Vec<String>) {
    let missing = here.keys().filter(|key| !there.contains_key(*key));
    for key in there.keys().chain(missing) {
        let name = format!("{prefix}{key}");
        match (there.get(key), here.get(key)) {
            (Some(a), Some(b)) if a == b => {}
            (Some(Value::Table(a)), Some(Value::Table(b))) => {
                compare_tables(&format!("{name}."), a, b, found);
            }
            (a, b) => {
                let text = |value: Option<&Value>| value.map_or_else(|| "not set".to_owned(), Value::to_string);
                found.push(format!("{name} ({} there, {} here)", text(a), text(b)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differing_keys_are_named_with_both_values() {
        let there = Config::default();
        assert!(there.differences(&there.clone()).is_empty());
        let mut here = there.clone();
        here.seed = there.seed + 1;
        here.fit.points_per_step = there.fit.points_per_step + 1;
        let found = there.differences(&here).join("; ");
        let draws = |c: &Config| c.fit.points_per_step;
        let wanted = format!("fit.points_per_step ({} there, {} here)", draws(&there), draws(&here));
        assert!(found.contains(&wanted) && found.contains("seed ("), "{found}");
        assert_eq!(there.differences(&here).len(), 2);
    }
}
