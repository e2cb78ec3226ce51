//! `corners.epochs`: one number for all corners, or the checkpoints of one training.

use serde::{Deserialize, Serialize};

/// How long corners are trained.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Epochs {
    /// Every corner is a training of its own, of so many epochs.
    Each(u64),
    /// All corners are checkpoints of one training, after so many epochs each.
    Checkpoints(Vec<u64>),
}

impl Epochs {
    /// Epochs after which a corner's weights are taken.
    pub fn of(&self, corner: usize) -> u64 {
        match self {
            Epochs::Each(epochs) => *epochs,
            Epochs::Checkpoints(list) => list.get(corner).copied().unwrap_or(0),
        }
    }

    /// Epochs of the longest training; schedules span it.
    pub fn longest(&self) -> u64 {
        match self {
            Epochs::Each(epochs) => *epochs,
            Epochs::Checkpoints(list) => list.iter().copied().max().unwrap_or(0),
        }
    }

    /// True when all corners come from one training.
    pub fn one_training(&self) -> bool {
        matches!(self, Epochs::Checkpoints(_))
    }

    /// The order in which `corners` corners get ready: a training reaches its early checkpoints first.
    pub fn order(&self, corners: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..corners).collect();
        if let Epochs::Checkpoints(list) = self {
            order.sort_by_key(|&c| list.get(c));
        }
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checkpoints_are_reached_in_the_order_of_their_epochs() {
        let list = Epochs::Checkpoints(vec![220, 160, 200]);
        assert_eq!(list.order(3), [1, 2, 0]);
        assert_eq!((list.longest(), list.of(1)), (220, 160));
        assert_eq!(Epochs::Each(8).order(3), [0, 1, 2]);
    }
}
