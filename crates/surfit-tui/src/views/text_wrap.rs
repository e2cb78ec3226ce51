//! Sentences in rows.

use super::plot::text::{self, FigurePiece};
use ratatui::style::Style;
use ratatui::text::Span;

/// A sentence in as many rows of `width` columns as it needs. A word that is longer is broken, a percentage is not.
pub fn wrap_sentence(sentence: &str, width: u16) -> Vec<String> {
    let width = width.max(1);
    let kept = sentence.replace(" %", "\u{a0}%");
    let words: Vec<FigurePiece<'_>> =
        kept.split(' ').flat_map(|word| break_word(word, width)).map(|word| vec![Span::raw(word)]).collect();
    let row = |line: ratatui::text::Line<'_>| {
        let spans = line.spans.iter().map(|s| s.content.as_ref());
        spans.collect::<String>().replace('\u{a0}', " ")
    };
    text::fill(&words, width).into_iter().map(row).collect()
}

/// A text in parts of at most `room` columns: a long path is broken rather than left out. A letter and its accents stay
/// together, and one that is wider has a part of its own.
pub fn break_word(word: &str, room: u16) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut used = 0;
    for grapheme in Span::raw(word).styled_graphemes(Style::new()) {
        let wide = Span::raw(grapheme.symbol).width();
        if used + wide > usize::from(room) && used > 0 {
            out.push(String::new());
            used = 0;
        }
        used += wide;
        if let Some(last) = out.last_mut() {
            last.push_str(grapheme.symbol);
        }
    }
    out
}

/// `text` with blanks behind it until it is `width` columns wide. The format macros count letters, and some are two wide.
pub fn pad_to_width(text: &str, width: usize) -> String {
    let used = Span::raw(text).width();
    format!("{text}{}", " ".repeat(width.saturating_sub(used)))
}

/// As much of `text` from its beginning as `width` columns hold.
pub fn take_columns(text: &str, width: usize) -> &str {
    let beginnings = text.char_indices().map(|(at, c)| &text[..at + c.len_utf8()]);
    beginnings.take_while(|text| Span::raw(*text).width() <= width).last().unwrap_or_default()
}

/// `text` in at most `width` columns, from its end, with a sign when something is left out.
pub fn truncate_start(text: &str, width: u16, ascii: bool) -> String {
    let width = usize::from(width);
    if Span::raw(text).width() <= width {
        return text.into();
    }
    let sign = if ascii { ".." } else { "…" };
    let room = width.saturating_sub(Span::raw(sign).width());
    let ends = text.char_indices().rev().map(|(at, _)| &text[at..]);
    let end = ends.take_while(|end| Span::raw(*end).width() <= room).last().unwrap_or_default();
    format!("{sign}{end}")
}

/// `text` in at most `width` columns, from both ends, with a sign in the place of what is left out: names of files differ at
/// their end, recipes at their beginning. A file's ending goes first, since it does not distinguish files.
pub fn truncate_middle(text: &str, width: u16, ascii: bool) -> String {
    if Span::raw(text).width() <= usize::from(width) {
        return text.into();
    }
    let ending = |e: &str| e.len() <= 12 && e.chars().all(|c| c.is_ascii_alphabetic());
    let text = match text.rsplit_once('.') {
        Some((stem, e)) if ending(e) => stem,
        _ => text,
    };
    let sign = if ascii { ".." } else { "…" };
    if Span::raw(text).width() + Span::raw(sign).width() <= usize::from(width) {
        return format!("{text}{sign}");
    }
    let end = truncate_start(text, width - width / 3, ascii);
    let room = usize::from(width).saturating_sub(Span::raw(end.as_str()).width());
    take_columns(text, room).to_owned() + &end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_words_are_broken_and_none_is_lost() {
        assert_eq!(break_word("abcdef", 4), ["abcd", "ef"]);
        assert_eq!(break_word("", 4), [""]);
        assert_eq!(break_word("日本語", 4), ["日本", "語"]);
        assert_eq!(break_word("日本", 1), ["日", "本"]);
    }

    #[test]
    fn rows_go_by_columns_break_what_is_too_long_and_keep_percentages() {
        assert_eq!(wrap_sentence("ab cd ef", 5), ["ab cd", "ef"]);
        assert_eq!(wrap_sentence("曲面 曲面", 5), ["曲面", "曲面"]);
        assert_eq!(wrap_sentence("abcdefgh i", 4), ["abcd", "efgh", "i"]);
        assert_eq!(wrap_sentence("now 88 %", 6), ["now", "88 %"]);
        assert_eq!((pad_to_width("曲", 4), pad_to_width("abc", 2)), ("曲  ".into(), "abc".into()));
    }

    #[test]
    fn both_ends_are_kept_by_columns() {
        assert_eq!(truncate_middle("network-1.pt", 12, false), "network-1.pt");
        assert_eq!(truncate_middle("network-of-1.pt", 9, false), "net…-of-1");
        assert_eq!(truncate_middle("network-of-1.pt", 9, true), "net..of-1");
        assert_eq!(truncate_middle("network-of-1.pt", 13, false), "network-of-1…");
        assert_eq!(truncate_middle("曲面-of-two-1.pt", 9, false), "曲…two-1");
        assert_eq!(truncate_middle("runs-of-1.0943", 9, false), "run….0943");
        assert_eq!((truncate_middle("ab", 1, false), truncate_middle("ab", 0, false)), ("…".into(), "…".into()));
    }

    #[test]
    fn ends_are_kept_by_columns() {
        assert_eq!(truncate_start("runs/best-1", 20, false), "runs/best-1");
        assert_eq!(truncate_start("runs/best-1", 7, false), "…best-1");
        assert_eq!(truncate_start("runs/最好-1", 7, false), "…最好-1");
        assert_eq!(truncate_start("runs/最好-1", 6, false), "…好-1");
        assert_eq!(truncate_start("runs/best-1", 7, true), "..est-1");
    }
}
