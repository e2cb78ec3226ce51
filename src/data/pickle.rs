//! A strict reader of Python's pickles.
//!
//! A pickle is a program for a little machine that can call any Python function. This reader knows the few
//! instructions that plain data need. It calls nothing: a call becomes an [`Object`] that says what would have been
//! called with what, for whoever asked to understand, to refuse or to pass over, and a callable that was not allowed
//! beforehand is refused at once. What an object is given afterwards as items is dropped. Objects lie in lists and refer to each other by index, so that no nesting, however deep, can exhaust
//! the stack, and texts and bytes stay where they are in the input.

mod machine;

use machine::Machine;
use std::ops::Range;

/// A value; the indices are into the lists of [`Objects`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// `None`, a float, a number of more than 64 bits, a set, or what an object that was never made would have given.
    Other,
    /// A whole number or a truth value.
    Int(i64),
    /// A string, by its index in [`Objects::texts`].
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
pub struct Object {
    /// Index of the callable in [`Objects::globals`].
    pub callable: usize,
    /// Index of the arguments in [`Objects::sequences`].
    pub arguments: usize,
    /// What the result was then given as its state.
    pub state: Option<Value>,
}

/// Everything that a pickle made.
#[derive(Debug, Default)]
pub struct Objects<'a> {
    /// Strings that values refer to.
    pub texts: Vec<&'a str>,
    /// Bytes, as ranges of the input.
    pub bytes: Vec<Range<usize>>,
    /// Tuples and lists.
    pub sequences: Vec<Vec<Value>>,
    /// Dictionaries, in the order in which they were filled.
    pub dicts: Vec<Vec<(Value, Value)>>,
    /// Module and name of callables and types.
    pub globals: Vec<(&'a str, &'a str)>,
    /// Calls that the pickle asked for and that were not made.
    pub objects: Vec<Object>,
    /// Keys of what is kept elsewhere.
    pub persistent: Vec<Value>,
}

/// Why a pickle was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is cut short, damaged, or does what plain data never need.
    Damaged,
    /// It refers to a callable, `module.name`, that is not allowed.
    Callable(String),
}

/// Reads a pickle and gives its result. `allowed` says which callables, by module and name, it may refer to.
///
/// # Errors
/// A [`Refusal`].
pub fn read<'a>(
    bytes: &'a [u8],
    allowed: fn(&str, &str) -> bool,
) -> Result<(Objects<'a>, Value), Refusal> {
    let (objects, value, _) = Machine::new(bytes, allowed).run()?;
    Ok((objects, value))
}

/// Reads the pickle that `bytes` begins with, whatever follows it; also gives its length in bytes.
///
/// # Errors
/// A [`Refusal`].
pub fn read_first<'a>(
    bytes: &'a [u8],
    allowed: fn(&str, &str) -> bool,
) -> Result<(Objects<'a>, Value, usize), Refusal> {
    Machine::new(bytes, allowed).run()
}
