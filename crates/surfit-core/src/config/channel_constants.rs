//! `data.mean` and `data.std`: what images are normalized with.

use super::known_names::unknown_name_message;
use super::rules::BrokenRule;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A constant for each channel, or the name of constants that many networks are trained with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, from = "WrittenConstants")]
pub enum ChannelConstants {
    /// One of [`ChannelConstants::NAMES`].
    Named(String),
    /// One number for each channel, or one for all of them.
    Each(Vec<f64>),
}

/// Which of the two constants of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelStatistic {
    /// What is subtracted.
    Mean,
    /// What is divided by.
    Std,
}

/// Why constants cannot normalize images.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChannelConstantsError {
    /// No constants have this name.
    #[error("{}", unknown_name_message("set of constants", .0, ChannelConstants::NAMES))]
    UnknownName(String),
    /// There is neither one constant nor one for each channel.
    #[error("{}", describe_wrong_count(name.as_deref(), *count, *channels))]
    WrongCount {
        /// Their name, where they have one.
        name: Option<String>,
        /// How many constants there are.
        count: usize,
        /// Channels of the images.
        channels: usize,
    },
}

fn describe_wrong_count(name: Option<&str>, count: usize, channels: usize) -> String {
    let images = match channels {
        1 => "images of one channel".to_owned(),
        n => format!("images of {n} channels"),
    };
    let (what, remedy) = match (name, channels) {
        (Some(name), 1) => (format!("\"{name}\" is"), "set data.channels = 3, or give one number".to_owned()),
        (Some(name), n) => (format!("\"{name}\" is"), format!("give {n} numbers, or one for all channels")),
        (None, 1) => ("there are".to_owned(), "give one number".to_owned()),
        (None, n) => ("there are".to_owned(), format!("give {n} numbers, or one for all channels")),
    };
    format!("{what} {count} constants for {images}; {remedy}")
}

/// The largest size of a constant; pixels are from 0 to 1, so that larger ones are meant for 0 to 255.
const MAX_CONSTANT: f64 = 10.0;

impl ChannelConstants {
    /// Names of constants: the data set's own, ImageNet's, 0.5, or none (mean 0 and deviation 1).
    pub const NAMES: &[&str] = &["own", "imagenet", "half", "none"];

    /// Returns the constant of every channel. `own` are the data set's; one number applies to all channels.
    ///
    /// # Errors
    /// [`ChannelConstantsError`] when there are not as many constants as `channels`, or none of this name.
    pub fn resolve(
        &self,
        statistic: ChannelStatistic,
        channels: usize,
        own: &[f64],
    ) -> Result<Vec<f64>, ChannelConstantsError> {
        let mean = statistic == ChannelStatistic::Mean;
        let imagenet = if mean { [0.485, 0.456, 0.406] } else { [0.229, 0.224, 0.225] };
        let constants: &[f64] = match self {
            Self::Each(constants) => constants,
            Self::Named(name) => match name.as_str() {
                "own" => own,
                "imagenet" => &imagenet,
                "half" => &[0.5],
                "none" if mean => &[0.0],
                "none" => &[1.0],
                other => return Err(ChannelConstantsError::UnknownName(other.into())),
            },
        };
        match constants {
            [one] => Ok(vec![*one; channels]),
            all if all.len() == channels => Ok(all.to_vec()),
            all => {
                let name = match self {
                    Self::Named(name) => Some(name.clone()),
                    Self::Each(_) => None,
                };
                Err(ChannelConstantsError::WrongCount { name, count: all.len(), channels })
            }
        }
    }

    /// Refuses constants that can be used for no images at all.
    pub(crate) fn check_constants(&self, statistic: ChannelStatistic) -> Result<(), BrokenRule> {
        let all = match self {
            Self::Named(name) if Self::NAMES.contains(&name.as_str()) => return Ok(()),
            Self::Named(name) => {
                let unknown = unknown_name_message("set of constants", name, Self::NAMES);
                return Err(format!("{unknown}, or a number for each channel").into());
            }
            Self::Each(all) => all,
        };
        if all.is_empty() {
            return Err("give a number for each channel, or a name".into());
        }
        if all.iter().any(|x| x.abs() > MAX_CONSTANT) {
            return Err("pixels are from 0 to 1 here; divide constants for 0 to 255 by 255".into());
        }
        let usable = |x: &f64| match statistic {
            ChannelStatistic::Mean => x.is_finite(),
            // A smaller one overflows in 32 bits.
            ChannelStatistic::Std => *x >= 1e-6,
        };
        if all.iter().all(usable) {
            return Ok(());
        }
        Err(match statistic {
            ChannelStatistic::Mean => "use finite numbers".into(),
            ChannelStatistic::Std => "use numbers above 0, at least 0.000001".into(),
        })
    }
}

impl Default for ChannelConstants {
    fn default() -> Self {
        Self::Named("own".into())
    }
}

/// As a value of a configuration: `"half"`, `[0.485, 0.456, 0.406]`.
impl fmt::Display for ChannelConstants {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Named(name) => write!(f, "\"{name}\""),
            Self::Each(all) => write!(f, "{all:?}"),
        }
    }
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "use a number for each channel such as [0.5, 0.5, 0.5], or one of own, imagenet, half and none"
)]
enum WrittenConstants {
    Named(String),
    One(f64),
    Each(Vec<f64>),
}

impl From<WrittenConstants> for ChannelConstants {
    fn from(written: WrittenConstants) -> Self {
        match written {
            WrittenConstants::Named(name) => Self::Named(name),
            WrittenConstants::One(value) => Self::Each(vec![value]),
            WrittenConstants::Each(values) => Self::Each(values),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, apply_set, parse};

    #[test]
    fn names_and_numbers_come_back() {
        for (text, constants) in [
            ("'half'", ChannelConstants::Named("half".into())),
            ("0.5", ChannelConstants::Each(vec![0.5])),
            ("1", ChannelConstants::Each(vec![1.0])),
            ("[0.4914, 1, 0.4465]", ChannelConstants::Each(vec![0.4914, 1.0, 0.4465])),
        ] {
            let config = parse(&format!("[data]\nstd = {text}\n"), "x.toml").unwrap();
            assert_eq!(config.data.std, constants);
            assert_eq!(parse(&config.to_toml(), "x.toml").unwrap(), config);
            let json = serde_json::to_string(&constants).unwrap();
            let back: ChannelConstants = serde_json::from_str(&json).unwrap();
            assert_eq!(back, constants);
            let set = format!("data.std={constants}");
            assert_eq!(apply_set(&Config::default(), &set).unwrap(), config);
        }
        let old = parse("[data]\nname = 'mnist'\n", "x.toml").unwrap().data;
        let own = ChannelConstants::default();
        assert_eq!((&old.mean, &old.std), (&own, &own));
    }

    #[test]
    fn constants_that_no_images_can_have_are_refused() {
        for (key, value, part) in [
            ("mean", "'imagnet'", "did you mean `imagenet`?"),
            ("mean", "[]", "a number for each channel"),
            ("mean", "[nan]", "finite"),
            ("mean", "[inf]", "from 0 to 1"),
            ("mean", "[125.3, 123.0, 113.9]", "divide constants"),
            ("std", "[0.2, 0.0, 0.2]", "above 0"),
            ("std", "-0.5", "above 0"),
            ("std", "[nan]", "above 0"),
            ("std", "63.0", "divide constants"),
            ("std", "true", "one of own, imagenet, half and none"),
        ] {
            let text = format!("[data]\n{key} = {value}\n");
            let error = parse(&text, "x.toml").unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
            assert!(error.starts_with(&format!("x.toml:2: `data.{key} = ")), "{error}");
        }
    }

    #[test]
    fn constants_fit_the_channels() {
        use ChannelStatistic::{Mean, Std};
        let named = |name: &str| ChannelConstants::Named(name.into());
        let own = [0.1, 0.2, 0.3];
        assert_eq!(named("own").resolve(Mean, 3, &own).unwrap(), own);
        assert_eq!(named("half").resolve(Std, 2, &own).unwrap(), [0.5, 0.5]);
        assert_eq!(named("none").resolve(Mean, 1, &[0.3]).unwrap(), [0.0]);
        assert_eq!(named("none").resolve(Std, 1, &[0.3]).unwrap(), [1.0]);
        assert_eq!(named("imagenet").resolve(Std, 3, &own).unwrap(), [0.229, 0.224, 0.225]);
        let one = ChannelConstants::Each(vec![0.4]);
        assert_eq!(one.resolve(Mean, 3, &own).unwrap(), [0.4; 3]);
        assert_eq!(
            named("imagenet").resolve(Mean, 1, &[0.3]).unwrap_err().to_string(),
            "\"imagenet\" is 3 constants for images of one channel; set data.channels = 3, or give one number"
        );
        let two = ChannelConstants::Each(vec![0.4, 0.5]);
        assert_eq!(
            two.resolve(Mean, 3, &own).unwrap_err().to_string(),
            "there are 2 constants for images of 3 channels; give 3 numbers, or one for all channels"
        );
    }
}
