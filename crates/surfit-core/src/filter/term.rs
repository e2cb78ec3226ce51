//! One term of a filter.

use super::{FilterError, RUN_STATES, RunAttributes};
use crate::config::unknown_name_message;
use crate::data_sets::DATA_SET_NAMES;
use crate::metrics::Metric;
use crate::networks::NETWORK_NAMES;
use std::cmp::Ordering;
use std::fmt;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum FilterTerm {
    /// The name holds this, or is this as a whole when there is a `*` in it, whatever the case.
    Word(String),
    /// A text is one of these.
    Text(TextKey, Vec<String>),
    /// The degrees are these; one for all axes alike.
    Degrees(u8, u8),
    Bound(NumberKey, NumberBound, f64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextKey {
    Name,
    State,
    Network,
    Data,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NumberKey {
    /// A metric of the best point.
    Metric(Metric),
    /// The larger of the degrees.
    Degree,
    /// Age of the run in seconds.
    Age,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NumberBound {
    Less,
    AtMost,
    Equal,
    AtLeast,
    Greater,
}

const BOUND_SIGNS: [(&str, NumberBound); 6] = [
    // The longer ones first: `<=` begins with `<`.
    ("<=", NumberBound::AtMost),
    (">=", NumberBound::AtLeast),
    ("<", NumberBound::Less),
    (">", NumberBound::Greater),
    ("=", NumberBound::Equal),
    (":", NumberBound::Equal),
];

/// A short name of accuracy, which filters have always had.
const SHORT_ACCURACY: &str = "acc";

/// The keys that a term can have, every metric by its id.
pub fn filter_keys() -> Vec<&'static str> {
    let metrics = Metric::all().map(Metric::id);
    ["name", "state", "net", "network", "data", "degree", SHORT_ACCURACY]
        .into_iter()
        .chain(metrics)
        .chain(["age"])
        .collect()
}

fn metric_key(key: &str) -> Option<Metric> {
    if key == SHORT_ACCURACY { Some(Metric::ACCURACY) } else { key.parse().ok() }
}

impl FilterTerm {
    /// Reads a term without its `!`.
    pub(super) fn parse(word: &str) -> Result<Self, FilterError> {
        if word.is_empty() {
            return Err(FilterError::LoneNegation);
        }
        let found = BOUND_SIGNS
            .iter()
            .filter_map(|&(sign, bound)| Some((word.find(sign)?, sign, bound)))
            .min_by_key(|&(at, sign, _)| (at, std::cmp::Reverse(sign.len())));
        let Some((at, sign, bound)) = found else {
            return Ok(FilterTerm::Word(word.to_lowercase()));
        };
        let (key, value) = (word[..at].to_lowercase(), &word[at + sign.len()..]);
        if value.is_empty() {
            return Err(FilterError::NoValue { term: word.into(), sign });
        }
        let text = |key| match bound {
            NumberBound::Equal => Self::parse_text(key, word, value),
            _ => Err(FilterError::NoOrder { term: word.into(), key: key_name(key) }),
        };
        let number = |key| {
            let value = parse_quantity(key, value).ok_or_else(|| {
                let expected = match key {
                    NumberKey::Metric(metric) if metric.is_percent() => {
                        "a fraction from 0 to 1, or a percentage such as 90%"
                    }
                    NumberKey::Metric(_) => "a number, such as 0.3",
                    NumberKey::Degree => "a degree from 1 to 8, or 3x2 after `:`",
                    NumberKey::Age => "a time, such as 30min, 2h, 3d or 1w",
                };
                FilterError::BadValue { term: word.into(), expected }
            })?;
            Ok(FilterTerm::Bound(key, bound, value))
        };
        match key.as_str() {
            "name" => text(TextKey::Name),
            "state" => text(TextKey::State),
            "net" | "network" => text(TextKey::Network),
            "data" => text(TextKey::Data),
            "age" => number(NumberKey::Age),
            "degree" => match (bound, parse_degrees(value)) {
                (NumberBound::Equal, Some((m, n))) => Ok(FilterTerm::Degrees(m, n)),
                _ => number(NumberKey::Degree),
            },
            "" => Err(FilterError::NoKey(word.into())),
            other => match metric_key(other) {
                Some(metric) => number(NumberKey::Metric(metric)),
                None => Err(FilterError::UnknownName(unknown_name_message("filter key", other, &filter_keys()))),
            },
        }
    }

    fn parse_text(key: TextKey, word: &str, value: &str) -> Result<Self, FilterError> {
        let values: Vec<String> = value.split(',').map(str::to_lowercase).collect();
        if values.iter().any(String::is_empty) {
            return Err(FilterError::MissingValue(word.into()));
        }
        let known = match key {
            TextKey::Name => &[],
            TextKey::State => RUN_STATES,
            TextKey::Network => NETWORK_NAMES,
            TextKey::Data => DATA_SET_NAMES,
        };
        // A name that nothing can have would choose nothing without a word.
        let wrong = |v: &&String| !known.is_empty() && !v.contains('*') && !known.contains(&v.as_str());
        match values.iter().find(wrong) {
            Some(v) => Err(FilterError::UnknownName(unknown_name_message(key_name(key), v, known))),
            None => Ok(FilterTerm::Text(key, values)),
        }
    }

    pub(super) fn matches(&self, facts: &RunAttributes) -> bool {
        match self {
            FilterTerm::Word(pattern) if pattern.contains('*') => matches_pattern(pattern, &facts.name.to_lowercase()),
            FilterTerm::Word(word) => facts.name.to_lowercase().contains(word),
            FilterTerm::Text(key, values) => {
                let text = match key {
                    TextKey::Name => Some(&facts.name),
                    TextKey::State => Some(&facts.state),
                    TextKey::Network => facts.network.as_ref(),
                    TextKey::Data => facts.data.as_ref(),
                };
                text.is_some_and(|t| {
                    let text = t.to_lowercase();
                    values.iter().any(|v| matches_pattern(v, &text))
                })
            }
            FilterTerm::Degrees(m, n) => facts.degrees.is_some_and(|d| {
                let (du, dv) = (d.m() as u8, d.n() as u8);
                // A curve has one degree, and none along v.
                du == *m && (dv == *n || d.corner_count() == 2 && m == n)
            }),
            FilterTerm::Bound(key, bound, value) => {
                let number = match key {
                    NumberKey::Metric(metric) => facts.metrics.get(*metric).map(|estimate| estimate.value),
                    NumberKey::Degree => facts.degrees.map(|d| d.m().max(d.n()) as f64),
                    NumberKey::Age => facts.age,
                };
                let order = number.and_then(|x| x.partial_cmp(value));
                order.is_some_and(|order| bound.allows(order))
            }
        }
    }
}

impl NumberBound {
    fn allows(self, order: Ordering) -> bool {
        match self {
            NumberBound::Less => order.is_lt(),
            NumberBound::AtMost => order.is_le(),
            NumberBound::Equal => order.is_eq(),
            NumberBound::AtLeast => order.is_ge(),
            NumberBound::Greater => order.is_gt(),
        }
    }
}

fn key_name(key: TextKey) -> &'static str {
    match key {
        TextKey::Name => "name",
        TextKey::State => "state",
        TextKey::Network => "network",
        TextKey::Data => "data set",
    }
}

/// `3`, `3x2` or `3×2`.
fn parse_degrees(text: &str) -> Option<(u8, u8)> {
    let degree = |t: &str| t.parse::<u8>().ok().filter(|d| (1..=8).contains(d));
    match text.split_once(['x', 'X', '×']) {
        Some((m, n)) => Some((degree(m)?, degree(n)?)),
        None => degree(text).map(|d| (d, d)),
    }
}

fn parse_quantity(key: NumberKey, text: &str) -> Option<f64> {
    let (text, unit) = match key {
        NumberKey::Metric(metric) if metric.is_percent() => match text.strip_suffix('%') {
            Some(percent) => (percent, 0.01),
            None => (text, 1.0),
        },
        NumberKey::Age => {
            let at = text.find(|c: char| c.is_ascii_alphabetic())?;
            let unit = match &text[at..] {
                "s" => 1.0,
                "m" | "min" => 60.0,
                "h" => 3600.0,
                "d" => 86_400.0,
                "w" => 604_800.0,
                _ => return None,
            };
            (&text[..at], unit)
        }
        NumberKey::Metric(_) | NumberKey::Degree => (text, 1.0),
    };
    let value = text.trim().parse::<f64>().ok()? * unit;
    let good = match key {
        NumberKey::Metric(metric) if metric.is_percent() => (0.0..=1.0).contains(&value),
        NumberKey::Metric(_) => value.is_finite(),
        NumberKey::Degree => (1.0..=8.0).contains(&value),
        NumberKey::Age => value.is_finite() && value >= 0.0,
    };
    good.then_some(value)
}

/// True when `pattern`, in which `*` matches anything, is the whole of `text`.
fn matches_pattern(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(text) = text.strip_prefix(head) else {
        return false;
    };
    let tails = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    tails.into_iter().any(|at| matches_pattern(rest, &text[at..]))
}

impl fmt::Display for FilterTerm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FilterTerm::Word(word) => f.write_str(word),
            FilterTerm::Text(key, values) => {
                let key = match key {
                    TextKey::Name => "name",
                    TextKey::State => "state",
                    TextKey::Network => "net",
                    TextKey::Data => "data",
                };
                write!(f, "{key}:{}", values.join(","))
            }
            FilterTerm::Degrees(m, n) if m == n => write!(f, "degree:{m}"),
            FilterTerm::Degrees(m, n) => write!(f, "degree:{m}x{n}"),
            FilterTerm::Bound(key, bound, value) => {
                let (key, unit) = match key {
                    NumberKey::Metric(Metric::ACCURACY) => (SHORT_ACCURACY, ""),
                    NumberKey::Metric(metric) => (metric.id(), ""),
                    NumberKey::Degree => ("degree", ""),
                    NumberKey::Age => ("age", "s"),
                };
                let sign = BOUND_SIGNS.iter().find(|(_, other)| other == bound).map_or("", |(sign, _)| sign);
                write!(f, "{key}{sign}{value}{unit}")
            }
        }
    }
}
