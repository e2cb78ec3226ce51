//! `fit.degree`: one number or two.

use crate::surface::{Degrees, Patch};
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// Degrees along `u` and `v` as a configuration has them: `2`, `[2]` or `[2, 2]`, each 1 to 8. What kind of surface they are of
/// is decided by the number of corners.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct DegreeSetting(pub [u8; 2]);

impl From<Degrees> for DegreeSetting {
    fn from(degrees: Degrees) -> Self {
        let n = if degrees.patch() == Patch::Curve { degrees.m() } else { degrees.n() };
        Self([degrees.m() as u8, n as u8])
    }
}

impl<'de> Deserialize<'de> for DegreeSetting {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Degree;

        impl<'de> Visitor<'de> for Degree {
            type Value = DegreeSetting;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a degree from 1 to 8, or two of them")
            }

            fn visit_i64<E: Error>(self, value: i64) -> Result<DegreeSetting, E> {
                check_degree(value).map(|d| DegreeSetting([d, d]))
            }

            fn visit_u64<E: Error>(self, value: u64) -> Result<DegreeSetting, E> {
                self.visit_i64(i64::try_from(value).unwrap_or(i64::MAX))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<DegreeSetting, A::Error> {
                let missing = || A::Error::custom("give one degree, or two: one along u and one along v");
                let first = check_degree(list.next_element::<i64>()?.ok_or_else(missing)?)?;
                let second = list.next_element::<i64>()?.map_or(Ok(first), check_degree)?;
                match list.next_element::<i64>()? {
                    Some(_) => Err(missing()),
                    None => Ok(DegreeSetting([first, second])),
                }
            }
        }

        from.deserialize_any(Degree)
    }
}

fn check_degree<E: Error>(value: i64) -> Result<u8, E> {
    let within = u8::try_from(value).ok().filter(|d| (1..=Degrees::MAX_DEGREE).contains(d));
    within.ok_or_else(|| E::custom(format!("degree {value} is outside 1..=8; choose a degree from 1 (linear) to 8")))
}
