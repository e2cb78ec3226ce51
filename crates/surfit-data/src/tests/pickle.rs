//! Bounds of the reader of pickles: what a small file may make of memory.

use crate::pickle::{PickleRefusal, PickleValue, read};

/// As many as the reader makes of anything, which is no part of its interface.
const VALUES: usize = 8 << 20;

fn repeated(start: &[u8], piece: &[u8], count: usize, end: &[u8]) -> Vec<u8> {
    [start, &piece.repeat(count), end].concat()
}

#[test]
fn marks_stack_and_memo_are_bounded() {
    let none = |_: &str, _: &str| false;
    let refused = |case: &str, bytes: Vec<u8>| {
        let result = read(&bytes, none).map(|(_, value, _)| value);
        assert_eq!(result, Err(PickleRefusal::Damaged), "{case}");
    };
    // One fewer of each is read: the refusals are the bound's.
    let marks = |n| repeated(b"\x80\x02", b"(", n, b"N.");
    assert_eq!(read(&marks(VALUES - 1), none).unwrap().1, PickleValue::Other);
    refused("marks", marks(VALUES + 1));
    let stack = |n| repeated(b"", b"N", n, b".");
    assert_eq!(read(&stack(VALUES), none).unwrap().1, PickleValue::Other);
    refused("stack", stack(VALUES + 1));
    refused("pushed and popped", repeated(b"", b"N0", VALUES + 1, b"N."));
    // The same value again and again, out of the memo and into one list.
    refused("memo", repeated(b"]q\x00", b"h\x00a", VALUES + 1, b"."));
}

#[test]
fn what_was_never_made_takes_items_and_keeps_none() {
    let any = |_: &str, _: &str| true;
    for (what, bytes) in [
        ("a list", &b"cx\ny\n)R(K\x01K\x02e."[..]),
        ("a dictionary", b"cx\ny\n)\x81(K\x01K\x02u."),
        ("with names", b"cx\ny\n)}\x92}b."),
        ("a set", b"\x8f(K\x01\x90."),
    ] {
        let (objects, value, _) = read(bytes, any).unwrap();
        assert!(matches!(value, PickleValue::Object(0) | PickleValue::Other), "{what}: {value:?}");
        assert!(objects.dicts.iter().all(Vec::is_empty), "{what}");
    }
    // But no number takes any, and none is called.
    for bytes in [&b"K\x01(K\x02e."[..], b"K\x01K\x02K\x03s.", b"K\x01)R.", b"K\x01}b.", b"]K\x01s."] {
        assert_eq!(read(bytes, any).unwrap_err(), PickleRefusal::Damaged);
    }
}
