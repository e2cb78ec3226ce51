//! Text from files and other programs, made fit for a line of a terminal.

use crate::event::Event;
use crate::run_dir::RunStatus;
use crate::snapshot::Snapshot;
use std::borrow::Cow;
use std::path::PathBuf;

/// Most characters of a sentence: an error, a notice, a line of the log.
pub const MAX_SENTENCE_CHARS: usize = 600;

/// Most characters of a name: of a run, a class, a network, a file of a corner.
pub const MAX_NAME_CHARS: usize = 200;

/// Most bytes of a path that the system takes.
const MAX_PATH_BYTES: usize = 4096;

/// Returns the text as one line of at most about `max` characters, in which nothing is hidden and nothing steers a terminal.
///
/// Control characters, line breaks, marks that change the direction of writing and characters without width are escaped.
/// Of a longer text the beginning and the end stay, with the omitted length between them.
pub fn to_printable(text: &str, max: usize) -> Cow<'_, str> {
    let text = shorten_text(text, max);
    if text.is_ascii() && !text.bytes().any(|b| b.is_ascii_control()) {
        return text;
    }
    let mut escaped = String::new();
    let mut before = ' ';
    let mut changed = false;
    for c in text.chars() {
        if is_hidden(c, before) {
            changed = true;
            escaped.extend(c.escape_default());
        } else {
            escaped.push(c);
        }
        before = c;
    }
    match changed {
        // What is escaped is longer than it was.
        true => Cow::Owned(shorten_text(&escaped, max.saturating_mul(2)).into_owned()),
        false => text,
    }
}

/// Beginning and end of a text that has more than `max` characters.
fn shorten_text(text: &str, max: usize) -> Cow<'_, str> {
    // No character has more than four bytes, so that long texts are not counted twice.
    if text.len() <= max {
        return text.into();
    }
    let count = text.chars().count();
    if count <= max {
        return text.into();
    }
    let tail = max / 3;
    let head = max - tail;
    let at = |n: usize| text.char_indices().nth(n).map_or(text.len(), |(i, _)| i);
    let tail_at = text.char_indices().rev().nth(tail.saturating_sub(1));
    let tail_at = tail_at.filter(|_| tail > 0).map_or(text.len(), |(i, _)| i);
    let left_out = count - max;
    Cow::Owned(format!("{} … ({left_out} characters left out) … {}", &text[..at(head)], &text[tail_at..]))
}

/// True for a character that steers a terminal or is not seen.
fn is_hidden(c: char, before: char) -> bool {
    match c {
        // Joiners and forms of what they follow belong to emoji and to several scripts.
        '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}' => before.is_ascii_alphabetic() || before == ' ',
        _ => is_unprintable(c),
    }
}

/// True for control characters, separators of lines, marks of direction, and characters without width that are no joiners.
fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// True when a text has a character in it that [`to_printable`] escapes wherever it is.
pub fn has_unprintable(text: &str) -> bool {
    !text.is_ascii() && text.chars().any(is_unprintable) || text.bytes().any(|b| b.is_ascii_control())
}

/// Returns a JSON text in which nothing is hidden and nothing steers a terminal: JSON itself escapes the control characters
/// of ASCII alone. It has the same values; such characters are only inside of its strings.
pub fn to_printable_json(json: &str) -> Cow<'_, str> {
    if !json.chars().any(is_unprintable) {
        return json.into();
    }
    let mut escaped = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        // Blanks between the values of indented JSON.
        if !is_unprintable(c) || c == '\n' {
            escaped.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            escaped += &format!("\\u{unit:04x}");
        }
    }
    escaped.into()
}

/// [`to_printable`] in the text's place.
fn make_printable(text: &mut String, max: usize) {
    if let Cow::Owned(better) = to_printable(text, max) {
        *text = better;
    }
}

/// A path names a file as it is; one that no system takes names none and only needs space.
fn clear_overlong_path(path: &mut PathBuf) {
    if path.as_os_str().len() > MAX_PATH_BYTES {
        let text = path.display().to_string();
        *path = to_printable(&text, MAX_SENTENCE_CHARS).into_owned().into();
    }
}

impl Event {
    /// Makes every text of the event [`to_printable`], whatever its source. Paths stay as they are.
    pub fn make_printable(&mut self) {
        match self {
            Self::Notice { text } | Self::Failed { message: text } | Self::Cancelled { what: text } => {
                make_printable(text, MAX_SENTENCE_CHARS);
            }
            Self::Started(info) => {
                for text in [
                    &mut info.run,
                    &mut info.engine,
                    &mut info.device,
                    &mut info.compute,
                    &mut info.network,
                    &mut info.data,
                    &mut info.node,
                ]
                .into_iter()
                .chain(&mut info.classes)
                {
                    make_printable(text, MAX_NAME_CHARS);
                }
            }
            Self::CornerReady(corner) => {
                make_printable(&mut corner.source, MAX_NAME_CHARS);
                for warning in &mut corner.warnings {
                    make_printable(warning, MAX_SENTENCE_CHARS);
                }
            }
            Self::Exported(exported) => {
                make_printable(&mut exported.selection, MAX_NAME_CHARS);
                clear_overlong_path(&mut exported.dir);
            }
            Self::Forked { from, .. } => clear_overlong_path(from),
            Self::Finished(finished) => {
                finished.export.iter_mut().for_each(clear_overlong_path);
                for baseline in &mut finished.baselines {
                    make_printable(&mut baseline.name, MAX_NAME_CHARS);
                }
                if finished.seconds.keys().any(|name| has_unprintable(name)) {
                    let all = std::mem::take(&mut finished.seconds).into_iter();
                    let named = all.map(|(name, s)| (to_printable(&name, MAX_NAME_CHARS).into_owned(), s));
                    finished.seconds = named.collect();
                }
            }
            _ => {}
        }
    }
}

impl RunStatus {
    /// Makes every text of the status [`to_printable`].
    pub fn make_printable(&mut self) {
        make_printable(&mut self.network, MAX_NAME_CHARS);
        make_printable(&mut self.data, MAX_NAME_CHARS);
        make_printable(&mut self.node, MAX_NAME_CHARS);
        if let Some(why) = &mut self.failed {
            make_printable(why, MAX_SENTENCE_CHARS);
        }
    }
}

impl Snapshot {
    /// Makes every text of the snapshot [`to_printable`].
    pub fn make_printable(&mut self) {
        if let Some(errand) = &mut self.errand {
            make_printable(&mut errand.name, MAX_NAME_CHARS);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_or_hides_is_escaped_and_the_rest_stays() {
        for (text, shown) in [
            ("plain", "plain"),
            ("a\x1b[2Jb", "a\\u{1b}[2Jb"),
            ("c1 \u{9b}31m", "c1 \\u{9b}31m"),
            ("done\nsurfit: all is well", "done\\nsurfit: all is well"),
            ("a\r\tb\x07\x7f", "a\\r\\tb\\u{7}\\u{7f}"),
            ("a\u{2028}b\u{2029}", "a\\u{2028}b\\u{2029}"),
            ("\u{202e}gnp.exe\u{2066}", "\\u{202e}gnp.exe\\u{2066}"),
            ("pass\u{200b}word\u{feff}", "pass\\u{200b}word\\u{feff}"),
            ("ad\u{200d}min", "ad\\u{200d}min"),
            ("\u{e0041}", "\\u{e0041}"),
            // People's writing.
            ("Bézier, Beziér e\u{301}, 3×3, 日本語", "Bézier, Beziér e\u{301}, 3×3, 日本語"),
            ("👩\u{200d}🔬 ❤\u{fe0f} 1\u{fe0f}\u{20e3}", "👩\u{200d}🔬 ❤\u{fe0f} 1\u{fe0f}\u{20e3}"),
            ("می\u{200c}خواهم", "می\u{200c}خواهم"),
        ] {
            assert_eq!(to_printable(text, 100), shown, "{text:?}");
            assert_eq!(to_printable(&to_printable(text, 100), 100), shown, "{text:?} twice");
        }
        assert!(matches!(to_printable("as it is", 8), Cow::Borrowed(_)));
    }

    #[test]
    fn json_keeps_its_values_and_steers_nothing() {
        let text = "a\u{9b}31m\u{7f}\u{202e}\u{e0041}ü\n\x1b";
        let json = serde_json::to_string_pretty(&[text]).unwrap();
        let shown = to_printable_json(&json);
        let odd = |c: char| is_unprintable(c) && c != '\n';
        assert!(!shown.contains(odd), "{shown}");
        assert_eq!(serde_json::from_str::<[String; 1]>(&shown).unwrap(), [text]);
        assert!(matches!(to_printable_json("[1, \"ü\"]"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_long_text_keeps_its_ends_and_says_how_much_is_missing() {
        let long = format!("BEGIN{}END", "ü".repeat(5_000_000));
        let shown = to_printable(&long, 300);
        assert!(shown.chars().count() < 350, "{}", shown.len());
        assert!(shown.starts_with("BEGINü") && shown.ends_with("üEND"), "{shown}");
        assert!(shown.contains("… (4999708 characters left out) …"), "{shown}");
        let all_control = "\x1b".repeat(300_000);
        let shown = to_printable(&all_control, 300);
        assert!(shown.chars().count() < 700 && !has_unprintable(&shown), "{shown}");
        for max in 0..5 {
            assert!(to_printable("äöüÄÖÜ", max).contains("left out"));
        }
    }

    #[test]
    fn every_text_of_an_event_is_made_printable() {
        let bad = "x\x1b[31m\n".to_owned() + &"y".repeat(300_000);
        let json = serde_json::to_string(&bad).unwrap();
        let path = serde_json::to_string(&"p".repeat(300_000)).unwrap();
        let point = r#"{"u":0,"v":0,"accuracy":0.5,"loss":1,"images":1}"#;
        let summary = r#"{"mean":0,"interior_mean":0,"min":0,"max":0,"corners_mean":0}"#;
        for event in [
            format!(r#"{{"event":"notice","text":{json}}}"#),
            format!(r#"{{"event":"failed","message":{json}}}"#),
            format!(r#"{{"event":"cancelled","what":{json}}}"#),
            format!(
                r#"{{"event":"started","run":{json},"engine":{json},"device":{json},"compute":{json},"threads":1,"network":{json},"parameters":1,"data":{json},"images":[1,1,1],"classes":[{json}]}}"#
            ),
            format!(r#"{{"event":"corner_ready","index":0,"source":{json},"accuracy":0.5,"loss":1,"seconds":1}}"#),
            format!(
                r#"{{"event":"exported","dir":{path},"selection":{json},"u":0,"v":0,"validation_accuracy":0.5,"test_accuracy":0.5}}"#
            ),
            format!(r#"{{"event":"forked","from":{path},"step":1,"degrees":[2,2]}}"#),
            format!(
                r#"{{"event":"finished","corners":[],"corners_test":[],"degrees":[2,2],"best":{point},"best_test":null,"interior_mean":0.5,"heatmap":{summary},"grid":11,"seconds":{{{json}:1}},"export":{path},"baselines":[{{"name":{json},"validation_accuracy":0,"test_accuracy":0}}]}}"#
            ),
        ] {
            let mut event: Event = serde_json::from_str(&event).unwrap_or_else(|e| panic!("{e}: {}", &event[..60]));
            assert_ne!(event, Event::Unknown);
            event.make_printable();
            let shown = serde_json::to_string(&event).unwrap();
            assert!(shown.len() < 10_000, "{} bytes: {}", shown.len(), &shown[..80]);
            assert!(!shown.contains("\\u001b") && !shown.contains("m\\n"), "{}", &shown[..80]);
        }
    }
}
