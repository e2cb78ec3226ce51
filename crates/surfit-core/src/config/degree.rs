//! `fit.degree`: one number or two.

use super::rules::BrokenRule;
use crate::surface::{Degrees, Patch};
use serde::{Deserialize, Serialize};

/// Degrees along `u` and `v` as a configuration has them: `2`, `[2]` or `[2, 2]`, each 1 to 8. What kind of surface they are of
/// is decided by the number of corners.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "WrittenDegree")]
pub struct DegreeSetting(pub [u8; 2]);

impl From<Degrees> for DegreeSetting {
    fn from(degrees: Degrees) -> Self {
        let n = if degrees.patch() == Patch::Curve { degrees.m() } else { degrees.n() };
        Self([degrees.m() as u8, n as u8])
    }
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "use a degree from 1 to 8, or two of them")]
enum WrittenDegree {
    One(i64),
    List(Vec<i64>),
}

impl TryFrom<WrittenDegree> for DegreeSetting {
    type Error = BrokenRule;

    fn try_from(written: WrittenDegree) -> Result<Self, BrokenRule> {
        let [m, n] = match written {
            WrittenDegree::One(degree) => [degree; 2],
            WrittenDegree::List(list) => match list[..] {
                [degree] => [degree; 2],
                [m, n] => [m, n],
                _ => return Err("give one degree, or two: one along u and one along v".into()),
            },
        };
        Ok(Self([check_degree(m)?, check_degree(n)?]))
    }
}

fn check_degree(value: i64) -> Result<u8, BrokenRule> {
    let within = u8::try_from(value).ok().filter(|d| (1..=Degrees::MAX_DEGREE).contains(d));
    within.ok_or_else(|| format!("degree {value} is outside 1..=8; choose a degree from 1 (linear) to 8").into())
}
