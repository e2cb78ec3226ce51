//! Queries of the terminal: whether its background is light or dark, and whether it shows any
//! colour. Environment variables give neither in a terminal that is reached through ssh.
//!
//! The answers are awaited for a few milliseconds only. A later one still counts: the key reader distinguishes answers
//! from keys.

use crossterm::event::{self, Event, KeyCode, KeyModifiers};
use std::io::{self, Write};
use std::mem;
use std::time::{Duration, Instant};

/// How long the first frame waits for the terminal's answers.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(40);

/// How long after the question what looks like an answer is taken for one.
const LATE_ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest pause between two characters of an answer: a slow line splits it anywhere.
const MAX_ANSWER_PAUSE: Duration = Duration::from_millis(150);

const MAX_ANSWER_CHARS: usize = 64;

/// Versions of xterm before this one show the nearest of 256 colours at best.
pub(crate) const XTERM_TRUECOLOR: u32 = 331;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TerminalBackground {
    Dark,
    Light,
}

impl TerminalBackground {
    /// What rxvt, Konsole and others set in `COLORFGBG`: `15;0`, or `0;default;15`.
    pub(crate) fn from_colorfgbg(value: &str) -> Option<Self> {
        match value.rsplit(';').next()?.parse::<u8>().ok()? {
            7 | 9..=15 => Some(TerminalBackground::Light),
            0..=6 | 8 => Some(TerminalBackground::Dark),
            _ => None,
        }
    }

    /// Of `11;rgb:RRRR/GGGG/BBBB`, with one to four digits a channel.
    fn from_answer(answer: &str) -> Option<Self> {
        let colour = answer.strip_prefix("11;")?;
        let (_, colour) = colour.split_once(':')?;
        let mut channels = colour.split('/').map(|digits| {
            let most = 16_u32.checked_pow(digits.len().try_into().ok()?)?.checked_sub(1)?;
            let value = u32::from_str_radix(digits, 16).ok()?;
            (most > 0).then(|| f64::from(value) / f64::from(most))
        });
        let (r, g, b) = (channels.next()??, channels.next()??, channels.next()??);
        // Brightness as televisions weigh it; the middle divides.
        let light = 0.299 * r + 0.587 * g + 0.114 * b > 0.5;
        Some(if light { TerminalBackground::Light } else { TerminalBackground::Dark })
    }

    pub(crate) fn default_theme(self) -> &'static str {
        match self {
            TerminalBackground::Dark => "dark",
            TerminalBackground::Light => "light",
        }
    }
}

/// True when a terminal of that `TERM` may be asked: the others print what they do not know, or never answer.
pub(crate) fn can_query(term: &str) -> bool {
    let silent = ["", "dumb", "linux", "unknown"];
    !silent.contains(&term) && !term.starts_with("vt") && !term.starts_with("screen.")
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TerminalAnswer {
    Background(TerminalBackground),
    Truecolor,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TerminalQuestion {
    /// The colour of its background (OSC 11).
    Background,
    /// Its name and version (XTVERSION), which the terminals with few colours do not know.
    Version,
}

impl TerminalQuestion {
    /// Every query, in the order of sending.
    pub(crate) const ALL: [TerminalQuestion; 2] = [TerminalQuestion::Background, TerminalQuestion::Version];

    fn sequence(self) -> &'static str {
        match self {
            TerminalQuestion::Background => "\x1b]11;?\x1b\\",
            TerminalQuestion::Version => "\x1b[>q",
        }
    }

    /// The key that an answer looks like at its beginning, pressed with alt, and the characters after it.
    fn answer_prefix(self) -> (char, &'static str) {
        match self {
            TerminalQuestion::Background => (']', "11;"),
            TerminalQuestion::Version => ('P', ">|"),
        }
    }

    /// The content of an answer, without its frame.
    fn parse_answer(self, body: &str) -> Option<TerminalAnswer> {
        match self {
            TerminalQuestion::Background => TerminalBackground::from_answer(body).map(TerminalAnswer::Background),
            TerminalQuestion::Version => {
                let name = body.strip_prefix(">|")?;
                let old = xterm_version(name).is_some_and(|v| v < XTERM_TRUECOLOR);
                // A multiplexer answers for itself, and not for the terminal around it.
                let known = !name.is_empty() && !name.starts_with("tmux");
                (known && !old).then_some(TerminalAnswer::Truecolor)
            }
        }
    }
}

/// The number in `XTerm(379)`, which xterm answers and sets in `XTERM_VERSION`.
pub(crate) fn xterm_version(name: &str) -> Option<u32> {
    name.strip_prefix("XTerm(")?.strip_suffix(')')?.parse().ok()
}

/// Result of an event while answers are due.
#[derive(Debug, PartialEq)]
pub(crate) enum AnswerEvent {
    /// These are no answer, in the order that they came.
    Events(Vec<Event>),
    /// The last part of an answer; `None` when it has no value.
    Answer(Option<TerminalAnswer>),
}

/// Tells answers from keys. crossterm hands an answer on as keys: alt-`]` or alt-`P`, its characters, and alt-`\\` or
/// ctrl-`g`. Where a slow line splits it after an escape character, that is a key of its own.
#[derive(Debug)]
pub(crate) struct AnswerFilter {
    asked_at: Option<Instant>,
    unanswered: Vec<TerminalQuestion>,
    /// What may be a part of an answer, to be given back when it is none.
    buffered_events: Vec<Event>,
    last_part_at: Instant,
    partial_answer: Option<(TerminalQuestion, String)>,
}

impl AnswerFilter {
    /// Asks the terminal. Without questions everything passes.
    ///
    /// # Errors
    /// When the terminal cannot be written.
    pub(crate) fn send_questions(questions: &[TerminalQuestion], out: &mut impl Write) -> io::Result<Self> {
        for question in questions {
            out.write_all(question.sequence().as_bytes())?;
        }
        out.flush()?;
        Ok(Self {
            asked_at: (!questions.is_empty()).then(Instant::now),
            unanswered: questions.to_vec(),
            buffered_events: Vec::new(),
            last_part_at: Instant::now(),
            partial_answer: None,
        })
    }

    /// Waits for the answers, at most [`ANSWER_TIMEOUT`]. Gives them, and what else came meanwhile.
    pub(crate) fn wait_for_answers(&mut self) -> (Vec<TerminalAnswer>, Vec<Event>) {
        let (mut answers, mut others) = (Vec::new(), Vec::new());
        let until = Instant::now() + ANSWER_TIMEOUT;
        while !self.unanswered.is_empty() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || !event::poll(left).unwrap_or(false) {
                break;
            }
            let Ok(event) = event::read() else { break };
            match self.handle_event(event, Instant::now()) {
                AnswerEvent::Events(events) => others.extend(events),
                AnswerEvent::Answer(answer) => answers.extend(answer),
            }
        }
        (answers, others)
    }

    /// How long the next part is waited for, when something is held back.
    pub(crate) fn flush_timeout(&self, now: Instant) -> Option<Duration> {
        let until = self.last_part_at + MAX_ANSWER_PAUSE;
        (!self.buffered_events.is_empty()).then(|| until.saturating_duration_since(now))
    }

    /// What was held back and is no answer after all: a key, or several.
    pub(crate) fn flush_buffered_events(&mut self) -> Vec<Event> {
        self.partial_answer = None;
        mem::take(&mut self.buffered_events)
    }

    /// Takes an event in. It may have waited while a frame was drawn: whether it came too late only who waits for events
    /// can report, and fails then.
    pub(crate) fn handle_event(&mut self, event: Event, now: Instant) -> AnswerEvent {
        let late = |asked| now.duration_since(asked) >= LATE_ANSWER_TIMEOUT;
        if self.buffered_events.is_empty() && self.asked_at.is_none_or(late) {
            self.unanswered.clear();
        }
        let Event::Key(key) = &event else {
            return AnswerEvent::Events(vec![event]);
        };
        if self.unanswered.is_empty() {
            return AnswerEvent::Events(vec![event]);
        }
        let escape = KeyCode::Esc;
        let after_escape = matches!(self.buffered_events.last(), Some(Event::Key(k)) if k.code == escape);
        let alt = after_escape || key.modifiers.contains(KeyModifiers::ALT);
        let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        let part = match (&mut self.partial_answer, key.code) {
            (_, code) if code == escape && !after_escape => true,
            (Some(_), KeyCode::Char('\\')) if alt => return self.finish_answer(),
            (Some(_), KeyCode::Char('g')) if ctrl => return self.finish_answer(),
            (Some((question, body)), KeyCode::Char(c)) if !alt && !ctrl => {
                body.push(c);
                let start = question.answer_prefix().1;
                let fits = start.starts_with(&**body) || body.starts_with(start);
                fits && body.len() < MAX_ANSWER_CHARS
            }
            (None, KeyCode::Char(c)) if alt && !ctrl => {
                let question = TerminalQuestion::ALL.into_iter().find(|q| q.answer_prefix().0 == c);
                let due = question.filter(|q| self.unanswered.contains(q));
                self.partial_answer = due.map(|q| (q, String::new()));
                due.is_some()
            }
            _ => false,
        };
        self.buffered_events.push(event);
        self.last_part_at = now;
        AnswerEvent::Events(match part {
            true => Vec::new(),
            false => self.flush_buffered_events(),
        })
    }

    fn finish_answer(&mut self) -> AnswerEvent {
        self.buffered_events.clear();
        let answer = self.partial_answer.take().and_then(|(question, body)| {
            self.unanswered.retain(|due| *due != question);
            question.parse_answer(&body)
        });
        AnswerEvent::Answer(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossterm::event::KeyEvent;

    fn key(c: char, modifiers: KeyModifiers) -> Event {
        Event::Key(KeyEvent::new(KeyCode::Char(c), modifiers))
    }

    const ALL_QUESTIONS: [TerminalQuestion; 2] = TerminalQuestion::ALL;

    fn test_filter() -> AnswerFilter {
        AnswerFilter::send_questions(&ALL_QUESTIONS, &mut Vec::new()).unwrap()
    }

    /// Bytes as crossterm hands them on when they come in one piece; an escape character at the end of a piece is a key.
    fn keys(piece: &str) -> Vec<Event> {
        let mut out = Vec::new();
        let mut chars = piece.chars().peekable();
        while let Some(c) = chars.next() {
            out.push(match c {
                '\x1b' => match chars.next() {
                    Some(next) => key(next, KeyModifiers::ALT),
                    None => Event::Key(KeyEvent::new(KeyCode::Esc, KeyModifiers::NONE)),
                },
                '\x07' => key('g', KeyModifiers::CONTROL),
                c => key(c, KeyModifiers::NONE),
            });
        }
        out
    }

    /// The answers and the keys that come of pieces, each so long after the one before.
    fn feed_pieces(
        filter: &mut AnswerFilter,
        pieces: &[&str],
        pause: Duration,
    ) -> (Vec<Option<TerminalAnswer>>, Vec<Event>) {
        let (mut answers, mut events) = (Vec::new(), Vec::new());
        let mut now = Instant::now();
        for piece in pieces {
            for event in keys(piece) {
                match filter.handle_event(event, now) {
                    AnswerEvent::Events(more) => events.extend(more),
                    AnswerEvent::Answer(answer) => answers.push(answer),
                }
            }
            now += pause;
        }
        (answers, events)
    }

    #[test]
    fn answers_are_no_keys_and_keys_are_no_answers() {
        let (light, dark) = (TerminalBackground::Light, TerminalBackground::Dark);
        for (body, answer) in [
            ("]11;rgb:ffff/ffff/ffff", Some(TerminalAnswer::Background(light))),
            ("]11;rgb:00/2b/36", Some(TerminalAnswer::Background(dark))),
            ("]11;rgba:f/f/e/f", Some(TerminalAnswer::Background(light))),
            ("]11;rgb:", None),
            ("P>|XTerm(379)", Some(TerminalAnswer::Truecolor)),
            ("P>|kitty(0.26.5)", Some(TerminalAnswer::Truecolor)),
            ("P>|XTerm(278)", None),
            ("P>|tmux 3.3a", None),
            ("P>|", None),
        ] {
            for end in ["\x1b\\", "\x07"] {
                let mut filter = test_filter();
                let whole = format!("\x1b{body}{end}");
                let expected = (vec![answer], Vec::new());
                assert_eq!(feed_pieces(&mut filter, &[&whole], Duration::ZERO), expected);
                // It was answered: the same keys are keys again.
                let again = feed_pieces(&mut filter, &[&whole], Duration::ZERO);
                assert_eq!(again, (Vec::new(), keys(&whole)), "{body}");
            }
        }
        // No query was sent.
        let mut idle = AnswerFilter::send_questions(&[], &mut Vec::new()).unwrap();
        let whole = "\x1b]11;rgb:0/0/0\x1b\\";
        let expected = (Vec::new(), keys(whole));
        assert_eq!(feed_pieces(&mut idle, &[whole], Duration::ZERO), expected);
    }

    #[test]
    fn an_answer_may_be_split_anywhere_and_no_escape_key_comes_of_it() {
        let whole = "\x1b]11;rgb:ffff/ffff/ffff\x1b\\\x1bP>|XTerm(379)\x1b\\";
        let both = vec![Some(TerminalAnswer::Background(TerminalBackground::Light)), Some(TerminalAnswer::Truecolor)];
        for at in 1..whole.len() {
            let (a, b) = whole.split_at(at);
            let parts = feed_pieces(&mut test_filter(), &[a, b], MAX_ANSWER_PAUSE / 2);
            assert_eq!(parts, (both.clone(), Vec::new()), "split at {at}");
            // The second part was waiting while the first frame was drawn.
            let parts = feed_pieces(&mut test_filter(), &[a, b], 4 * MAX_ANSWER_PAUSE);
            assert_eq!(parts, (both.clone(), Vec::new()), "split at {at}");
        }
    }

    #[test]
    fn keys_that_begin_like_an_answer_are_given_back() {
        for typed in ["\x1b]p", "\x1bPx", "\x1bq", "\x1b]11x", "q"] {
            let all = feed_pieces(&mut test_filter(), &[typed], Duration::ZERO);
            assert_eq!(all, (Vec::new(), keys(typed)), "{typed:?}");
        }
        // The escape key by itself, twice, and before another key.
        for typed in [&["\x1b"][..], &["\x1b", "\x1b"], &["\x1b", "q"]] {
            let mut filter = test_filter();
            let mut events = feed_pieces(&mut filter, typed, Duration::ZERO).1;
            events.extend(filter.flush_buffered_events());
            let expected: Vec<Event> = typed.iter().flat_map(|t| keys(t)).collect();
            assert_eq!(events, expected, "{typed:?}");
        }
        // Held bytes are released after a while, whether or not another key comes.
        let mut filter = test_filter();
        let now = Instant::now();
        let pressed = keys("\x1b");
        assert_eq!(filter.handle_event(pressed[0].clone(), now), AnswerEvent::Events(vec![]));
        let soon = filter.flush_timeout(now).unwrap();
        assert!(soon > Duration::ZERO && soon <= MAX_ANSWER_PAUSE);
        let later = now + 2 * MAX_ANSWER_PAUSE;
        assert_eq!(filter.flush_timeout(later), Some(Duration::ZERO));
        assert_eq!(filter.flush_buffered_events(), pressed);
        let bracket = key(']', KeyModifiers::NONE);
        let alone = AnswerEvent::Events(vec![bracket.clone()]);
        assert_eq!(filter.handle_event(bracket, later), alone);
        assert_eq!(filter.flush_timeout(later), None);
    }

    #[test]
    fn the_environment_tells_light_from_dark() {
        assert_eq!(TerminalBackground::from_colorfgbg("15;0"), Some(TerminalBackground::Dark));
        assert_eq!(TerminalBackground::from_colorfgbg("0;default;15"), Some(TerminalBackground::Light));
        assert_eq!(TerminalBackground::from_colorfgbg("0;default"), None);
        assert!(can_query("xterm") && !can_query("dumb") && !can_query("linux") && !can_query(""));
    }
}
