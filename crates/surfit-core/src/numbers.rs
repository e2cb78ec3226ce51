//! Numbers in JSON, which has no NaN.
//!
//! `serde_json` writes a number that is not finite as `null` and refuses `null` when it reads a number. A diverged
//! fit must not make its own record unreadable, so every measured number goes through one of these.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// For `f64` and `f32` fields: `#[serde(with = "nan_as_null")]`.
pub mod nan_as_null {
    use super::*;

    /// A number that is not finite becomes `null`.
    ///
    /// # Errors
    /// The serializer's.
    pub fn serialize<S: Serializer, T: Into<f64> + Copy + Serialize>(value: &T, out: S) -> Result<S::Ok, S::Error> {
        if (*value).into().is_finite() { value.serialize(out) } else { out.serialize_none() }
    }

    /// `null` becomes NaN.
    ///
    /// # Errors
    /// The deserializer's.
    pub fn deserialize<'de, D, T>(from: D) -> Result<T, D::Error>
    where
        D: Deserializer<'de>,
        T: Deserialize<'de> + From<f32>,
    {
        Ok(Option::<T>::deserialize(from)?.unwrap_or_else(|| T::from(f32::NAN)))
    }
}

/// For lists and arrays of numbers: `#[serde(with = "nans_as_null")]`.
pub mod nans_as_null {
    use super::*;

    /// Numbers that are not finite become `null`.
    ///
    /// # Errors
    /// The serializer's.
    pub fn serialize<'a, S, T, L>(values: &'a L, out: S) -> Result<S::Ok, S::Error>
    where
        S: Serializer,
        T: Into<f64> + Copy + Serialize + 'a,
        &'a L: IntoIterator<Item = &'a T>,
    {
        let nullable = values.into_iter().map(|&v| v.into().is_finite().then_some(v));
        out.collect_seq(nullable)
    }

    /// `null`s become NaN.
    ///
    /// # Errors
    /// The deserializer's, and a list of another length than the array's.
    pub fn deserialize<'de, D, T, L>(from: D) -> Result<L, D::Error>
    where
        D: Deserializer<'de>,
        T: Deserialize<'de> + From<f32>,
        L: TryFrom<Vec<T>>,
    {
        let nullable = Vec::<Option<T>>::deserialize(from)?;
        let list: Vec<T> = nullable.into_iter().map(|v| v.unwrap_or_else(|| T::from(f32::NAN))).collect();
        let length = list.len();
        L::try_from(list).map_err(|_| serde::de::Error::invalid_length(length, &"another length"))
    }
}

/// For maps whose keys are not text, as JSON requires: `#[serde(with = "map_as_pairs")]`.
pub mod map_as_pairs {
    use super::*;
    use std::collections::BTreeMap;

    /// The map becomes a list of pairs.
    ///
    /// # Errors
    /// The serializer's.
    pub fn serialize<S: Serializer, K: Serialize, V: Serialize>(
        map: &BTreeMap<K, V>,
        out: S,
    ) -> Result<S::Ok, S::Error> {
        out.collect_seq(map)
    }

    /// A list of pairs becomes a map.
    ///
    /// # Errors
    /// The deserializer's.
    pub fn deserialize<'de, D, K, V>(from: D) -> Result<BTreeMap<K, V>, D::Error>
    where
        D: Deserializer<'de>,
        K: Deserialize<'de> + Ord,
        V: Deserialize<'de>,
    {
        Ok(Vec::<(K, V)>::deserialize(from)?.into_iter().collect())
    }
}
