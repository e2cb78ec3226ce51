//! A strict reader of Python's pickles.
//!
//! A pickle is a program for a little machine that can call any Python function. This reader knows the few
//! instructions that plain data need. It calls nothing: a call becomes a [`PickleObject`] with what would have been
//! called with what, for the caller to interpret, to refuse or to skip, and a callable that was not allowed
//! beforehand is refused at once. What an object is given afterwards as items is dropped. Objects are in lists and refer to each other by index, so that no nesting, however deep, can exhaust
//! the stack, and texts and bytes stay where they are in the input.

mod machine;

use machine::PickleMachine;
use std::ops::Range;

/// A value; the indices are into the lists of [`PickleObjects`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PickleValue {
    /// `None`, a float, a number of more than 64 bits, a set, or what an object that was never made would have given.
    Other,
    /// A whole number or a truth value.
    Int(i64),
    /// A string, by its index in [`PickleObjects::texts`].
    Text(usize),
    /// Bytes, or a `str` of Python 2.
    Bytes(usize),
    /// A tuple or a list.
    Sequence(usize),
    /// A dictionary, ordered or not.
    Dict(usize),
    /// A callable or a type.
    Global(usize),
    /// The result of a call that was not made.
    Object(usize),
    /// What the writer keeps elsewhere, by its key.
    Persistent(usize),
}

/// A call that was not made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PickleObject {
    /// Index of the callable in [`PickleObjects::globals`].
    pub callable: usize,
    /// Index of the arguments in [`PickleObjects::sequences`].
    pub arguments: usize,
    /// What the result was then given as its state.
    pub state: Option<PickleValue>,
}

/// Everything that a pickle made.
#[derive(Debug, Default)]
pub struct PickleObjects<'a> {
    /// Strings that values refer to.
    pub texts: Vec<&'a str>,
    /// Bytes, as ranges of the input.
    pub bytes: Vec<Range<usize>>,
    /// Tuples and lists.
    pub sequences: Vec<Vec<PickleValue>>,
    /// Dictionaries, in the order in which they were filled.
    pub dicts: Vec<Vec<(PickleValue, PickleValue)>>,
    /// Module and name of callables and types.
    pub globals: Vec<(&'a str, &'a str)>,
    /// Calls that the pickle requested and that were not made.
    pub objects: Vec<PickleObject>,
    /// Keys of what is kept elsewhere.
    pub persistent: Vec<PickleValue>,
}

/// Why a pickle was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PickleRefusal {
    /// It is cut short, damaged, or does what plain data never need.
    #[error("it is cut short, or not a pickle of plain data")]
    Damaged,
    /// It refers to a callable, `module.name`, that is not allowed.
    #[error("it holds `{0}`, but only plain data are read: nothing in a file is ever executed")]
    Callable(String),
}

/// Reads the pickle that `bytes` begins with, whatever follows it; gives its result and its length in bytes. `allowed` determines
/// which callables, by module and name, it may refer to.
///
/// # Errors
/// A [`PickleRefusal`].
pub fn read<'a>(
    bytes: &'a [u8],
    allowed: fn(&str, &str) -> bool,
) -> Result<(PickleObjects<'a>, PickleValue, usize), PickleRefusal> {
    PickleMachine::new(bytes, allowed).run()
}
