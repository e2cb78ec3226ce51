//! Names from files in messages: they are untrusted, and can be of any length.

/// Characters of a name that are shown.
const MAX_SHOWN: usize = 80;

/// A name in backticks: what is not printable is escaped, what is long is cut.
pub fn quote_name(name: &str) -> String {
    let mut shown = String::from("`");
    for c in name.chars().take(MAX_SHOWN) {
        match c {
            '`' => shown.push_str("\\`"),
            c if c.is_control() || is_format(c) => shown.extend(c.escape_unicode()),
            c => shown.push(c),
        }
    }
    if name.chars().nth(MAX_SHOWN).is_some() {
        shown.push('…');
    }
    shown.push('`');
    shown
}

/// Characters without a width of their own that turn or hide what stands around them.
fn is_format(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped_and_cut() {
        assert_eq!(
            quote_name("layer1.0.conv1.weight"),
            "`layer1.0.conv1.weight`"
        );
        assert_eq!(quote_name("a\x1b[2J\nb`"), "`a\\u{1b}[2J\\u{a}b\\``");
        assert_eq!(quote_name("a\u{202e}b"), "`a\\u{202e}b`");
        let long = quote_name(&"x".repeat(1 << 20));
        assert_eq!(long.chars().count(), MAX_SHOWN + 3);
    }
}
