//! `corners.epochs`: one number for all corners, or the checkpoints of one training.

use serde::{Deserialize, Serialize};

/// How long corners are trained.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, from = "WrittenEpochs")]
pub enum CornerEpochs {
    /// Every corner is a training of its own, of so many epochs.
    Each(u64),
    /// All corners are checkpoints of one training, after so many epochs each.
    Checkpoints(Vec<u64>),
}

impl CornerEpochs {
    /// Epochs after which a corner's weights are taken.
    pub fn for_corner(&self, corner: usize) -> u64 {
        self.all_epochs().get(corner).copied().unwrap_or(match self {
            CornerEpochs::Each(epochs) => *epochs,
            CornerEpochs::Checkpoints(_) => 0,
        })
    }

    /// Every number there is.
    pub fn all_epochs(&self) -> &[u64] {
        match self {
            CornerEpochs::Each(epochs) => std::slice::from_ref(epochs),
            CornerEpochs::Checkpoints(list) => list,
        }
    }

    /// Epochs of the longest training; schedules span it.
    pub fn max_epochs(&self) -> u64 {
        self.all_epochs().iter().copied().max().unwrap_or(0)
    }

    /// True when all corners come from one training.
    pub fn is_single_training(&self) -> bool {
        matches!(self, CornerEpochs::Checkpoints(_))
    }

    /// The order in which `corners` corners get ready: a training reaches its early checkpoints first.
    pub fn completion_order(&self, corners: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..corners).collect();
        if let CornerEpochs::Checkpoints(list) = self {
            order.sort_by_key(|&c| list.get(c));
        }
        order
    }
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "use a number of epochs, or a list of them such as [160, 180, 200, 220]")]
enum WrittenEpochs {
    Each(i64),
    Checkpoints(Vec<i64>),
}

impl From<WrittenEpochs> for CornerEpochs {
    fn from(written: WrittenEpochs) -> Self {
        // Zero is refused with the range, by the rules.
        let count = |epochs: i64| u64::try_from(epochs).unwrap_or(0);
        match written {
            WrittenEpochs::Each(epochs) => Self::Each(count(epochs)),
            WrittenEpochs::Checkpoints(list) => Self::Checkpoints(list.into_iter().map(count).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, apply_set, parse};

    #[test]
    fn checkpoints_are_reached_in_the_order_of_their_epochs() {
        let list = CornerEpochs::Checkpoints(vec![220, 160, 200]);
        assert_eq!(list.completion_order(3), [1, 2, 0]);
        assert_eq!((list.max_epochs(), list.for_corner(1), list.for_corner(3)), (220, 160, 0));
        assert_eq!(CornerEpochs::Each(8).completion_order(3), [0, 1, 2]);
        assert_eq!((CornerEpochs::Each(8).for_corner(3), CornerEpochs::Each(8).max_epochs()), (8, 8));
    }

    #[test]
    fn numbers_and_lists_come_back_and_others_are_refused_with_a_remedy() {
        for (text, epochs) in
            [("30", CornerEpochs::Each(30)), ("[160, 220, 200]", CornerEpochs::Checkpoints(vec![160, 220, 200]))]
        {
            let config = parse(&format!("[corners]\nepochs = {text}\n"), "x.toml").unwrap();
            assert_eq!(config.corners.epochs, epochs);
            assert_eq!(parse(&config.to_toml(), "x.toml").unwrap(), config);
            let json = serde_json::to_string(&epochs).unwrap();
            assert_eq!(serde_json::from_str::<CornerEpochs>(&json).unwrap(), epochs);
        }
        for (text, part) in [
            ("0", "1 to 1000000 epochs"),
            ("-3", "1 to 1000000 epochs"),
            ("[2, -1]", "1 to 1000000 epochs"),
            ("[4]", "two, three or four checkpoints"),
            ("[]", "two, three or four checkpoints"),
            ("[4, 8, 4]", "different checkpoints"),
            ("'many'", "a list of them such as"),
        ] {
            let set = format!("corners.epochs={text}");
            let error = apply_set(&Config::default(), &set).unwrap_err().to_string();
            assert!(error.contains(part), "{set}: {error}");
        }
    }
}
