//! Whether the terminal's background is light or dark: what the environment says, else what the terminal answers.
//!
//! The answer is waited for a few milliseconds only. A later one is still taken in, because the key reader knows answers
//! from keys.

use crossterm::event::{self, Event, KeyCode, KeyModifiers};
use std::io::{self, Write};
use std::time::{Duration, Instant};

/// How long the first frame waits for the terminal's answer.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(40);

/// How long after the question what looks like an answer is taken for one.
const LATE_ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest pause between two characters of an answer.
const MAX_PAUSE: Duration = Duration::from_millis(200);

/// Most characters of an answer.
const MAX_ANSWER_CHARS: usize = 64;

/// The terminal's background.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ground {
    /// Black or nearly so.
    Dark,
    /// White or nearly so.
    Light,
}

impl Ground {
    /// What rxvt, Konsole and others leave in `COLORFGBG`: `15;0`, or `0;default;15`.
    pub(crate) fn from_colorfgbg(value: &str) -> Option<Self> {
        match value.rsplit(';').next()?.parse::<u8>().ok()? {
            7 | 9..=15 => Some(Ground::Light),
            0..=6 | 8 => Some(Ground::Dark),
            _ => None,
        }
    }

    /// Of `11;rgb:RRRR/GGGG/BBBB`, with one to four digits a channel.
    fn from_answer(answer: &str) -> Option<Self> {
        let colour = answer.strip_prefix("11;")?;
        let (_, colour) = colour.split_once(':')?;
        let mut channels = colour.split('/').map(|digits| {
            let most = 16_u32
                .checked_pow(digits.len().try_into().ok()?)?
                .checked_sub(1)?;
            let value = u32::from_str_radix(digits, 16).ok()?;
            (most > 0).then(|| f64::from(value) / f64::from(most))
        });
        let (r, g, b) = (channels.next()??, channels.next()??, channels.next()??);
        // Brightness as televisions weigh it; the middle divides.
        let light = 0.299 * r + 0.587 * g + 0.114 * b > 0.5;
        Some(if light { Ground::Light } else { Ground::Dark })
    }

    /// The theme for it, when nobody chose one.
    pub(crate) fn theme(self) -> &'static str {
        match self {
            Ground::Dark => "dark",
            Ground::Light => "light",
        }
    }
}

/// True when a terminal of that `TERM` may be asked: the others print what they do not know, or never answer.
pub(crate) fn may_ask(term: &str) -> bool {
    let silent = ["", "dumb", "linux", "unknown"];
    !silent.contains(&term) && !term.starts_with("vt") && !term.starts_with("screen.")
}

/// What an event is while an answer is due.
#[derive(Debug, PartialEq)]
pub(crate) enum Heard {
    /// Nothing of an answer.
    Event(Event),
    /// A part of one.
    Part,
    /// The last part of one; `None` when it tells nothing.
    Answer(Option<Ground>),
}

/// Tells answers from keys. crossterm hands an answer on as keys: alt-`]`, its characters, and alt-`\\` or ctrl-`g`.
#[derive(Debug)]
pub(crate) struct AnswerFilter {
    asked: Option<Instant>,
    answer: Option<String>,
    last: Option<Instant>,
}

impl AnswerFilter {
    /// A filter that lets everything pass.
    pub(crate) fn idle() -> Self {
        Self {
            asked: None,
            answer: None,
            last: None,
        }
    }

    /// Asks the terminal for its background.
    ///
    /// # Errors
    /// When the terminal cannot be written.
    pub(crate) fn ask(out: &mut impl Write) -> io::Result<Self> {
        out.write_all(b"\x1b]11;?\x1b\\")?;
        out.flush()?;
        Ok(Self {
            asked: Some(Instant::now()),
            ..Self::idle()
        })
    }

    /// Waits for the answer, at most [`ANSWER_TIMEOUT`]. Gives it, and what else came meanwhile.
    pub(crate) fn wait(&mut self) -> (Option<Ground>, Vec<Event>) {
        let mut others = Vec::new();
        let until = Instant::now() + ANSWER_TIMEOUT;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || !event::poll(left).unwrap_or(false) {
                return (None, others);
            }
            let Ok(event) = event::read() else {
                return (None, others);
            };
            match self.take(event, Instant::now()) {
                Heard::Event(event) => others.push(event),
                Heard::Part => {}
                Heard::Answer(ground) => return (ground, others),
            }
        }
    }

    /// Takes an event in.
    pub(crate) fn take(&mut self, event: Event, now: Instant) -> Heard {
        let Event::Key(key) = &event else {
            return Heard::Event(event);
        };
        let alt = key.modifiers.contains(KeyModifiers::ALT);
        if self.answer.is_some() && self.last.is_some_and(|last| now - last > MAX_PAUSE) {
            self.answer = None;
        }
        let Some(answer) = &mut self.answer else {
            let due = self
                .asked
                .is_some_and(|asked| now - asked < LATE_ANSWER_TIMEOUT);
            if due && alt && key.code == KeyCode::Char(']') {
                (self.answer, self.last) = (Some(String::new()), Some(now));
                return Heard::Part;
            }
            return Heard::Event(event);
        };
        self.last = Some(now);
        let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('\\') if alt => {}
            KeyCode::Char('g') if ctrl => {}
            KeyCode::Char(c) if !alt && !ctrl && answer.len() < MAX_ANSWER_CHARS => {
                answer.push(c);
                return Heard::Part;
            }
            // No answer ends so.
            _ => {
                self.answer = None;
                return Heard::Event(event);
            }
        }
        let ground = Ground::from_answer(answer);
        (self.asked, self.answer) = (None, None);
        Heard::Answer(ground)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossterm::event::KeyEvent;

    fn key(c: char, modifiers: KeyModifiers) -> Event {
        Event::Key(KeyEvent::new(KeyCode::Char(c), modifiers))
    }

    /// What comes of an answer, and of a key after it.
    fn heard(filter: &mut AnswerFilter, body: &str, end: Event, now: Instant) -> Heard {
        assert_eq!(filter.take(key(']', KeyModifiers::ALT), now), Heard::Part);
        for c in body.chars() {
            assert_eq!(filter.take(key(c, KeyModifiers::NONE), now), Heard::Part);
        }
        filter.take(end, now)
    }

    #[test]
    fn answers_are_no_keys_and_keys_are_no_answers() {
        let now = Instant::now();
        let mut out = Vec::new();
        for (body, ground) in [
            ("11;rgb:ffff/ffff/ffff", Some(Ground::Light)),
            ("11;rgb:00/2b/36", Some(Ground::Dark)),
            ("11;rgba:f/f/e/f", Some(Ground::Light)),
            ("10;rgb:0/0/0", None),
            ("11;rgb:", None),
        ] {
            for end in [
                key('\\', KeyModifiers::ALT),
                key('g', KeyModifiers::CONTROL),
            ] {
                let mut filter = AnswerFilter::ask(&mut out).unwrap();
                assert_eq!(
                    heard(&mut filter, body, end, now),
                    Heard::Answer(ground),
                    "{body}"
                );
                // It was answered: the same key is a key again.
                let alt = key(']', KeyModifiers::ALT);
                assert_eq!(filter.take(alt.clone(), now), Heard::Event(alt));
            }
        }
        let mut idle = AnswerFilter::idle();
        let alt = key(']', KeyModifiers::ALT);
        assert_eq!(idle.take(alt.clone(), now), Heard::Event(alt.clone()));
        // Pressed by hand, the keys after it are keys.
        let mut filter = AnswerFilter::ask(&mut out).unwrap();
        assert_eq!(filter.take(alt, now), Heard::Part);
        let later = now + 2 * MAX_PAUSE;
        let p = key('p', KeyModifiers::NONE);
        assert_eq!(filter.take(p.clone(), later), Heard::Event(p));
    }

    #[test]
    fn the_environment_tells_light_from_dark() {
        assert_eq!(Ground::from_colorfgbg("15;0"), Some(Ground::Dark));
        assert_eq!(Ground::from_colorfgbg("0;default;15"), Some(Ground::Light));
        assert_eq!(Ground::from_colorfgbg("0;default"), None);
        assert!(may_ask("xterm") && !may_ask("dumb") && !may_ask("linux") && !may_ask(""));
    }
}
