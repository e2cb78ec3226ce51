//! The loop: wait, take in everything that waits, draw.

use crate::app::{App, AppMessage, Effect, MessageKind, Overlay};
use crate::canvas::ScreenCanvas;
use crate::color::ColorDepth;
use crate::glyphs::GlyphSet;
use crate::ground::{
    self, AnswerEvent, AnswerFilter, TerminalAnswer, TerminalBackground, TerminalQuestion,
};
use crate::images;
use crate::keymap::Keymap;
use crate::link::{LeaveReason, Outgoing, WorkbenchLink, WorkbenchOptions};
use crate::remember::RememberedChoices;
use crate::signals::{self, SignalRequest};
use crate::terminal::{self, TerminalGuard};
use crate::theme::Theme;
use crate::views::screen;
use crossterm::clipboard::CopyToClipboard;
use crossterm::event::{DisableMouseCapture, Event, MouseEventKind};
use ratatui::layout::Size;
use std::io::{self, IsTerminal, Stdout, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// Least time between two drawings that no key asked for. Ten a second are allowed; these few are as lively to the eye
/// and spare the line and the processor.
const PACE: Duration = Duration::from_millis(150);
/// Bytes a second that drawings which no key asked for may send: a slow line has to carry the keys' answers too.
const BUDGET: f64 = 16_000.0;
/// Longest that a large drawing, such as the whole screen, keeps the next one waiting.
const LONGEST: Duration = Duration::from_millis(400);
/// Least time between two drawings that keys asked for: a held key repeats faster than one can see.
const KEY_PACE: Duration = Duration::from_millis(16);
/// How often it is checked that the terminal is still there, when nothing else happens.
const CHECK: Duration = Duration::from_secs(5);
/// Least time between two writings of what the user chose.
const KEEP: Duration = Duration::from_secs(3);
/// Messages that wait before those who send them have to.
const WAITING: usize = 1024;

/// What comes in, from whichever thread.
enum LoopInput {
    App(AppMessage),
    Signal(SignalRequest),
    TerminalGone,
}

/// Shows a run until the user leaves. The first frame is drawn before anything arrives on the link.
///
/// The caller stops the engine when the answer is `Quit { stop_engine: true }`.
///
/// # Errors
/// When standard input or output is no terminal, or the terminal cannot be written any more. It is given back in any
/// case.
pub fn run(options: WorkbenchOptions, link: WorkbenchLink) -> io::Result<LeaveReason> {
    if !(io::stdout().is_terminal() && io::stdin().is_terminal()) {
        let why = "the workbench needs a terminal; `surfit run` works without one";
        return Err(io::Error::new(io::ErrorKind::Unsupported, why));
    }
    // The theme decides about colours, also against NO_COLOR when the user forces some.
    crossterm::style::force_color_output(true);
    let var = |name: &str| std::env::var(name).ok();
    let mut depth = options.color.unwrap_or_else(ColorDepth::detect);
    let (keymap, mut problems) = Keymap::load();
    problems.extend(ColorDepth::forced().err());
    let (glyphs, fewer) = GlyphSet::detect(options.glyphs, var).unwrap_or_else(|why| {
        problems.push(why);
        (GlyphSet::Braille, None)
    });
    let place = RememberedChoices::file();
    let before = place.as_deref().and_then(|path| {
        RememberedChoices::load(path).unwrap_or_else(|why| {
            problems.push(why);
            None
        })
    });
    let last = before.as_ref().and_then(RememberedChoices::theme);
    let chosen = options.theme.as_deref().or(last);
    let images = images::detect(options.images, var);
    problems.extend(images.as_ref().err().cloned());
    // Only who did not choose a theme gets the one for the terminal's background.
    let told = var("COLORFGBG").and_then(|value| TerminalBackground::from_colorfgbg(&value));
    let wants = |question: &TerminalQuestion| match question {
        TerminalQuestion::Ground => chosen.is_none() && told.is_none(),
        TerminalQuestion::Version => {
            let forced = options.color.is_some() || ColorDepth::forced().is_ok_and(|d| d.is_some());
            depth < ColorDepth::Truecolor && !forced
        }
    };
    let may_ask = depth > ColorDepth::None && ground::may_ask(&var("TERM").unwrap_or_default());
    let questions = TerminalQuestion::ALL
        .into_iter()
        .filter(|q| may_ask && wants(q));
    let questions: Vec<TerminalQuestion> = questions.collect();

    let guard = TerminalGuard::new(options.mouse)?;
    // From here on a change of size is an event. The size is read after that, so that none in between is lost: some
    // terminals start at 80×24 and tell their real size some milliseconds later.
    let _ = crossterm::event::poll(Duration::ZERO);
    let mut filter = AnswerFilter::ask(&questions, &mut io::stdout())?;
    let (answers, typed) = filter.wait();
    let mut answered = None;
    for answer in answers {
        match answer {
            TerminalAnswer::Ground(ground) => answered = Some(ground),
            TerminalAnswer::Truecolor => depth = ColorDepth::Truecolor,
        }
    }
    let usual = told
        .or(answered)
        .map_or(Theme::DEFAULT, TerminalBackground::theme);
    let theme = Theme::load(chosen.unwrap_or(usual), depth).or_else(|why| {
        problems.push(why.to_string());
        Theme::load(Theme::DEFAULT, depth)
    });
    let theme = theme.map_err(io::Error::other)?.with_glyphs(glyphs);
    let mut app = App::new(&options, theme, keymap, size());
    app.theme_chosen = chosen.is_some();
    if let Some(why) = fewer {
        app.say(MessageKind::Info, why);
        app.note_in_log(why, false);
    }
    let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    app.in_tmux = var("TMUX").is_some_and(|v| !v.is_empty());
    app.images = images.unwrap_or_default();
    app.epoch = clock.ok().map(|d| d.as_secs_f64());
    if let Some(before) = &before {
        app.restore(before);
    }
    for problem in problems {
        app.say(MessageKind::Error, problem);
    }
    let mut canvas = ScreenCanvas::new(io::stdout());
    canvas.draw(app.size, |buf| screen::render(&app, buf))?;
    app.dirty = false;

    let (sender, inputs) = sync_channel(WAITING);
    signals::watch(sender.clone(), LoopInput::Signal)?;
    listen(sender.clone(), filter, typed);
    let copies = sender.clone();
    forward(link.incoming, sender);
    let memory = ChoiceKeeper::new(place, &mut app);
    let mut workbench = Workbench {
        app,
        memory,
        canvas,
        outgoing: link.outgoing,
        inputs: copies,
        began: Instant::now(),
        mouse: options.mouse,
        mouse_lent: false,
        shown: images::ShownPicture::default(),
    };
    let left = workbench.work(&inputs);
    // A terminal that is gone has no picture either.
    let _ = workbench.shown.take_away(&mut workbench.canvas);
    drop(guard);
    workbench.memory.keep(&mut workbench.app, true);
    left
}

/// The terminal's size; some pseudo-terminals say 0×0, for which the usual one stands in.
fn size() -> Size {
    match crossterm::terminal::size() {
        Ok((width, height)) if width > 0 && height > 0 => Size::new(width, height),
        _ => Size::new(80, 24),
    }
}

/// Pixels of a character; 8×16 where the terminal does not say.
fn cell_size() -> Size {
    match crossterm::terminal::window_size() {
        Ok(w) if w.width > 0 && w.height > 0 && w.columns > 0 && w.rows > 0 => {
            Size::new((w.width / w.columns).max(1), (w.height / w.rows).max(1))
        }
        _ => Size::new(8, 16),
    }
}

/// Reads keys and mouse in a thread of its own, so that no drawing ever holds a key back. `typed` came before.
fn listen(sender: SyncSender<LoopInput>, mut filter: AnswerFilter, typed: Vec<Event>) {
    thread::spawn(move || {
        let mut events = typed;
        loop {
            for message in events.drain(..).filter_map(message_of) {
                if sender.send(LoopInput::App(message)).is_err() {
                    return;
                }
            }
            // A key that may be the beginning of an answer is held back for a moment only.
            if let Some(patience) = filter.patience(Instant::now())
                && !crossterm::event::poll(patience).unwrap_or(true)
            {
                events = filter.give_up();
                continue;
            }
            let Ok(event) = crossterm::event::read() else {
                let _ = sender.send(LoopInput::TerminalGone);
                return;
            };
            let message = match filter.take(event, Instant::now()) {
                AnswerEvent::Events(taken) => {
                    events = taken;
                    continue;
                }
                AnswerEvent::Answer(Some(TerminalAnswer::Ground(ground))) => {
                    AppMessage::Ground(ground.theme())
                }
                AnswerEvent::Answer(Some(TerminalAnswer::Truecolor)) => AppMessage::Truecolor,
                AnswerEvent::Answer(None) => continue,
            };
            if sender.send(LoopInput::App(message)).is_err() {
                return;
            }
        }
    });
}

/// What an event tells the workbench, if anything.
fn message_of(event: Event) -> Option<AppMessage> {
    match event {
        Event::Key(key) => Some(AppMessage::Key(key)),
        Event::Mouse(mouse) if mouse.kind == MouseEventKind::Moved => None,
        Event::Mouse(mouse) => Some(AppMessage::Mouse(mouse)),
        Event::Paste(text) => Some(AppMessage::Paste(text)),
        Event::Resize(width, height) => {
            Some(AppMessage::Resize(Size::new(width.max(1), height.max(1))))
        }
        _ => None,
    }
}

fn forward(incoming: Receiver<crate::link::Incoming>, sender: SyncSender<LoopInput>) {
    thread::spawn(move || {
        for message in incoming {
            if sender
                .send(LoopInput::App(AppMessage::Incoming(Box::new(message))))
                .is_err()
            {
                return;
            }
        }
        let _ = sender.send(LoopInput::App(AppMessage::LinkEnded));
    });
}

/// Least time to the next drawing that no key asks for, after one of so many bytes.
fn pace_after(bytes: usize) -> Duration {
    Duration::from_secs_f64(bytes as f64 / BUDGET).clamp(PACE, LONGEST)
}

/// Keeps what the user chose in its file while the screen is open, so that no kill loses it.
struct ChoiceKeeper {
    place: Option<PathBuf>,
    kept: RememberedChoices,
    at: Instant,
}

impl ChoiceKeeper {
    fn new(place: Option<PathBuf>, app: &mut App) -> Self {
        Self {
            place,
            kept: app.remembered(),
            at: Instant::now(),
        }
    }

    /// Writes what changed, at most every few seconds or at the end. A folder that cannot be written is no reason to
    /// disturb anybody.
    fn keep(&mut self, app: &mut App, last: bool) {
        if !last && self.at.elapsed() < KEEP {
            return;
        }
        self.at = Instant::now();
        let now = app.remembered();
        if let Some(path) = self.place.clone().filter(|_| now != self.kept) {
            self.kept = now.clone();
            // Syncing may take long on a busy disk, and keys must not wait for it.
            let write = move || drop(now.save(&path));
            if last {
                write();
            } else {
                thread::spawn(write);
            }
        }
    }
}

struct Workbench {
    app: App,
    memory: ChoiceKeeper,
    canvas: ScreenCanvas<Stdout>,
    outgoing: Sender<Outgoing>,
    /// For what a thread of this loop has to tell.
    inputs: SyncSender<LoopInput>,
    began: Instant,
    mouse: bool,
    /// The mouse is the terminal's for now, so that it selects.
    mouse_lent: bool,
    /// The picture that the terminal shows.
    shown: images::ShownPicture,
}

impl Workbench {
    fn work(&mut self, inputs: &Receiver<LoopInput>) -> io::Result<LeaveReason> {
        let mut drawn = Instant::now();
        let mut pace = PACE;
        let mut urgent = false;
        loop {
            let now = Instant::now();
            let due = drawn + if urgent { KEY_PACE } else { pace };
            let wake = match (self.app.dirty, self.app.deadline()) {
                (true, _) => due,
                (false, Some(t)) => {
                    (self.began + Duration::from_secs_f64(t.max(0.0))).min(now + CHECK)
                }
                (false, None) => now + CHECK,
            };
            let first = match inputs.recv_timeout(wake.saturating_duration_since(now)) {
                Ok(input) => Some(input),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => {
                    return Ok(LeaveReason::Lost("no input".into()));
                }
            };
            let idle = first.is_none();
            self.memory.keep(&mut self.app, false);
            let time = self.began.elapsed().as_secs_f64();
            if let Some(leave) = self.take(LoopInput::App(AppMessage::Tick(time)))? {
                return Ok(leave);
            }
            // Bounded, so that a flood of messages cannot keep the screen from being drawn.
            for input in first.into_iter().chain(inputs.try_iter().take(WAITING)) {
                urgent |= matches!(
                    input,
                    LoopInput::App(
                        AppMessage::Key(_)
                            | AppMessage::Mouse(_)
                            | AppMessage::Paste(_)
                            | AppMessage::Resize(_)
                    ) | LoopInput::Signal(_)
                );
                if let Some(leave) = self.take(input)? {
                    return Ok(leave);
                }
            }
            let due = drawn + if urgent { KEY_PACE } else { pace };
            if self.app.dirty && Instant::now() >= due {
                let app = &self.app;
                let bytes = self.canvas.draw(app.size, |buf| screen::render(app, buf))?;
                self.app.dirty = false;
                let (app, canvas) = (&mut self.app, &mut self.canvas);
                self.shown
                    .update(app, canvas, cell_size(), Instant::now())?;
                pace = pace_after(bytes);
                (drawn, urgent) = (Instant::now(), false);
            } else if idle && !self.app.dirty && crossterm::terminal::window_size().is_err() {
                // A terminal can vanish without a signal, under nohup for one.
                return Ok(self.leave_for_good());
            }
        }
    }

    fn leave_for_good(&mut self) -> LeaveReason {
        let _ = self.outgoing.send(Outgoing::Detach);
        LeaveReason::Detached
    }

    fn take(&mut self, input: LoopInput) -> io::Result<Option<LeaveReason>> {
        let message = match input {
            LoopInput::App(message) => message,
            LoopInput::TerminalGone | LoopInput::Signal(SignalRequest::Leave) => AppMessage::Hangup,
            LoopInput::Signal(SignalRequest::Checkpoint) => AppMessage::CheckpointRequest,
            LoopInput::Signal(SignalRequest::Stop) => return self.suspend().map(|()| None),
            LoopInput::Signal(SignalRequest::Continued) => return self.come_back().map(|()| None),
        };
        if let AppMessage::Copied { unsent: Some(text) } = &message {
            self.send_to_terminal(text.clone())?;
        }
        for effect in self.app.update(message) {
            match effect {
                // A link that is gone tells so itself, by its other end.
                Effect::Send(outgoing) => drop(self.outgoing.send(outgoing)),
                Effect::Leave(leave) => return Ok(Some(leave)),
                Effect::Redraw => {
                    self.canvas.forget();
                }
                Effect::Suspend => self.suspend()?,
                Effect::Copy(text) if self.app.in_tmux => {
                    let inputs = self.inputs.clone();
                    // tmux may be slow, and keys must not wait for it.
                    thread::spawn(move || {
                        let unsent = load_into_tmux(&text).is_err().then_some(text);
                        let _ = inputs.send(LoopInput::App(AppMessage::Copied { unsent }));
                    });
                }
                Effect::Copy(text) => self.send_to_terminal(text)?,
            }
        }
        self.lend_mouse()?;
        Ok(None)
    }

    fn send_to_terminal(&mut self, text: String) -> io::Result<()> {
        self.canvas
            .command(CopyToClipboard::to_clipboard_from(text))
    }

    /// Leaves the mouse to the terminal while a text is shown to be selected, and takes it again.
    fn lend_mouse(&mut self) -> io::Result<()> {
        let lent = self.mouse && matches!(self.app.overlay, Some(Overlay::Text { .. }));
        if lent != self.mouse_lent {
            self.mouse_lent = lent;
            match lent {
                true => self.canvas.command(DisableMouseCapture)?,
                false => self.canvas.command(terminal::MouseClicks)?,
            }
        }
        Ok(())
    }

    fn suspend(&mut self) -> io::Result<()> {
        self.shown.take_away(&mut self.canvas)?;
        terminal::restore();
        signals::stop_here()?;
        self.come_back()
    }

    /// Takes the terminal again after a stop; harmless when it was never given back.
    fn come_back(&mut self) -> io::Result<()> {
        terminal::take(self.mouse)?;
        self.mouse_lent = false;
        self.app.update(AppMessage::Resize(size()));
        self.canvas.forget();
        Ok(())
    }
}

/// Gives a text to the tmux that this runs in: into its buffer, and to the clipboard of the terminal around it.
fn load_into_tmux(text: &str) -> io::Result<()> {
    let mut tmux = Command::new("tmux")
        .args(["load-buffer", "-w", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let written = tmux
        .stdin
        .take()
        .map_or(Ok(()), |mut to| to.write_all(text.as_bytes()));
    let status = tmux.wait()?;
    written?;
    match status.success() {
        true => Ok(()),
        false => Err(io::Error::other("tmux refused")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_drawings_keep_the_next_one_waiting_within_bounds() {
        assert_eq!(pace_after(0), PACE);
        assert_eq!(pace_after(2000), PACE);
        assert_eq!(pace_after(4000), Duration::from_millis(250));
        assert_eq!(pace_after(100_000), LONGEST);
    }
}
