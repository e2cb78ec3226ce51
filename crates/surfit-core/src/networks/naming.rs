//! What the same network's tensors are called by those who write it.

use super::Architecture;

/// The names that a family of files gives to a network's tensors. The linear layers at the end are found by themselves.
#[derive(Debug)]
pub struct FamilyNaming {
    /// Whose names they are, for people to read.
    pub name: &'static str,
    /// The names of a tensor from the layout's name; several are parts of it along the first axis, in this order.
    pub translate: fn(&Architecture, &str) -> Vec<String>,
    /// What to say of a file in which a batch norm never ran although others did; `None` where that is no concern.
    pub unused_norm_remark: Option<&'static str>,
}

impl FamilyNaming {
    /// A naming without anything else to know of it.
    pub(super) const fn new(name: &'static str, translate: fn(&Architecture, &str) -> Vec<String>) -> Self {
        Self { name, translate, unused_norm_remark: None }
    }

    /// The layout's own names, which are those of `name`.
    pub(super) const fn own_names(name: &'static str) -> Self {
        Self::new(name, |_, name| vec![name.into()])
    }
}

/// A name with its first component replaced by the pair's that begins with it.
pub(super) fn replace_first(name: &str, pairs: &[(&str, &str)]) -> String {
    let mut pairs = pairs.iter();
    pairs
        .find_map(|(from, to)| Some(format!("{to}.{}", name.strip_prefix(from)?.strip_prefix('.')?)))
        .unwrap_or_else(|| name.into())
}
