//! The loop: wait, handle every message that waits, draw.

use crate::app::{App, AppMessage, Effect, MessageKind};
use crate::canvas::ScreenCanvas;
use crate::color::ColorDepth;
use crate::glyphs::GlyphSet;
use crate::images::{self, ImageContent};
use crate::keymap::Keymap;
use crate::link::{LeaveReason, MAX_QUEUED_MESSAGES, RequestSink, WorkbenchInbox, WorkbenchOptions};
use crate::remembered_choices::RememberedChoices;
use crate::signals;
use crate::terminal::{self, TerminalGuard};
use crate::terminal_query::{self, AnswerEvent, AnswerFilter, TerminalAnswer, TerminalBackground, TerminalQuestion};
use crate::theme::Theme;
use crate::views::screen;
use crossterm::clipboard::CopyToClipboard;
use crossterm::event::{DisableMouseCapture, Event, MouseEventKind};
use crossterm::style::Print;
use ratatui::layout::Size;
use std::io::{self, IsTerminal, Stdout, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::{Duration, Instant};
use surfit_report::ReportError;

/// Least time between two drawings that no key caused. Ten a second are allowed; these few are as lively to the eye
/// and spare the line and the processor.
const MIN_FRAME_INTERVAL: Duration = Duration::from_millis(150);
/// Bytes a second that drawings which no key caused may send: a slow line has to carry the keys' answers too.
const MAX_FRAME_BYTES_PER_SEC: f64 = 16_000.0;
/// Longest that a large drawing, such as the whole screen, keeps the next one waiting.
const MAX_FRAME_INTERVAL: Duration = Duration::from_millis(400);
/// Least time between two drawings that keys caused: a held key repeats faster than one can see.
const MIN_KEY_FRAME_INTERVAL: Duration = Duration::from_millis(16);
/// How often it is checked that the terminal is still there, when nothing else happens.
const TERMINAL_CHECK_INTERVAL: Duration = Duration::from_secs(5);
/// Least time between two writings of what the user chose.
const MIN_SAVE_INTERVAL: Duration = Duration::from_secs(3);
/// Shows a run until the user exits. The first frame is drawn before the inbox is read, and what the user
/// requests goes to `requests`.
///
/// The caller stops the engine when the answer is `Quit { stop_engine: true }`.
///
/// # Errors
/// When standard input or output is no terminal, or the terminal cannot be written any more. It is given back in any
/// case.
pub fn run(options: WorkbenchOptions, inbox: WorkbenchInbox, requests: RequestSink) -> io::Result<LeaveReason> {
    if !(io::stdout().is_terminal() && io::stdin().is_terminal()) {
        let why = "the workbench needs a terminal; `surfit run` works without one";
        return Err(io::Error::new(io::ErrorKind::Unsupported, why));
    }
    // The theme decides about colours, also against NO_COLOR when the user forces some.
    crossterm::style::force_color_output(true);
    let var = |name: &str| std::env::var(name).ok();
    let mut depth = options.color.unwrap_or_else(ColorDepth::detect);
    let (keymap, mut problems) = Keymap::load();
    problems.extend(ColorDepth::env_override().err().map(|e| e.to_string()));
    let (glyphs, fewer) = GlyphSet::detect(options.glyphs, var).unwrap_or_else(|error| {
        problems.push(error.to_string());
        (GlyphSet::Braille, None)
    });
    let place = RememberedChoices::default_path();
    let before = place.as_deref().and_then(|path| {
        RememberedChoices::load(path).unwrap_or_else(|error| {
            problems.push(error.to_string());
            None
        })
    });
    let last = before.as_ref().and_then(RememberedChoices::theme);
    let chosen = options.theme.as_deref().or(last);
    let images = images::detect(options.images, var);
    problems.extend(images.as_ref().err().map(|e| e.to_string()));
    // Only who did not choose a theme gets the one for the terminal's background.
    let from_environment = var("COLORFGBG").and_then(|value| TerminalBackground::from_colorfgbg(&value));
    let wants = |question: &TerminalQuestion| match question {
        TerminalQuestion::Background => chosen.is_none() && from_environment.is_none(),
        TerminalQuestion::Version => {
            let forced = options.color.is_some() || ColorDepth::env_override().is_ok_and(|d| d.is_some());
            depth < ColorDepth::Truecolor && !forced
        }
    };
    let may_ask = depth > ColorDepth::None && terminal_query::can_query(&var("TERM").unwrap_or_default());
    let questions = TerminalQuestion::ALL.into_iter().filter(|q| may_ask && wants(q));
    let questions: Vec<TerminalQuestion> = questions.collect();

    let guard = TerminalGuard::new(options.mouse)?;
    // From here on a change of size is an event. The size is read after that, so that none in between is lost: some
    // terminals start at 80×24 and report their real size some milliseconds later.
    let _ = crossterm::event::poll(Duration::ZERO);
    let mut filter = AnswerFilter::send_questions(&questions, &mut io::stdout())?;
    let (answers, typed) = filter.wait_for_answers();
    let mut answered = None;
    for answer in answers {
        match answer {
            TerminalAnswer::Background(ground) => answered = Some(ground),
            TerminalAnswer::Truecolor => depth = ColorDepth::Truecolor,
        }
    }
    let usual = from_environment.or(answered).map_or(Theme::DEFAULT, TerminalBackground::default_theme);
    let theme = Theme::load(chosen.unwrap_or(usual), depth).or_else(|why| {
        problems.push(why.to_string());
        Theme::load(Theme::DEFAULT, depth)
    });
    let theme = theme.map_err(io::Error::other)?.with_glyphs(glyphs);
    let mut app = App::new(&options, theme, keymap, terminal_size());
    app.theme_chosen = chosen.is_some();
    if let Some(why) = fewer {
        app.show_message(MessageKind::Info, why);
        app.append_local_log_line(why, false);
    }
    let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    app.in_tmux = var("TMUX").is_some_and(|v| !v.is_empty());
    app.image_protocol = images.unwrap_or_default();
    app.started_at_unix = clock.ok().map(|d| d.as_secs_f64());
    if let Some(before) = &before {
        app.restore_choices(before);
    }
    for problem in problems {
        app.show_message(MessageKind::Error, problem);
    }
    let mut canvas = ScreenCanvas::new(io::stdout());
    canvas.draw_frame(app.size, |buf| screen::render(&app, buf))?;
    app.dirty = false;

    let WorkbenchInbox { sender, receiver } = inbox;
    signals::forward_signals(sender.clone())?;
    spawn_input_reader(sender.clone(), filter, typed);
    let memory = ChoiceKeeper::new(place, &mut app);
    let mut workbench = Workbench {
        app,
        choice_keeper: memory,
        canvas,
        requests,
        message_sender: sender,
        started_at: Instant::now(),
        mouse_enabled: options.mouse,
        mouse_released: false,
        figure_images: images::FigureImages::default(),
    };
    let left = workbench.run_loop(&receiver);
    // A terminal that is gone has no image either.
    let _ = workbench.close_image();
    drop(guard);
    workbench.choice_keeper.save_if_due(&mut workbench.app, true);
    left
}

/// The terminal's size; some pseudo-terminals report 0×0, which is replaced by the usual one.
fn terminal_size() -> Size {
    match crossterm::terminal::size() {
        Ok((width, height)) if width > 0 && height > 0 => Size::new(width, height),
        _ => Size::new(80, 24),
    }
}

/// Pixels of a character; 8×16 where the terminal does not report it.
fn cell_pixels() -> Size {
    match crossterm::terminal::window_size() {
        Ok(w) if w.width > 0 && w.height > 0 && w.columns > 0 && w.rows > 0 => {
            Size::new((w.width / w.columns).max(1), (w.height / w.rows).max(1))
        }
        _ => Size::new(8, 16),
    }
}

/// Reads keys and mouse in a thread of its own, so that no drawing ever holds a key back. `typed` came before.
fn spawn_input_reader(sender: SyncSender<AppMessage>, mut filter: AnswerFilter, typed: Vec<Event>) {
    thread::spawn(move || {
        let mut events = typed;
        loop {
            for message in events.drain(..).filter_map(message_from_event) {
                if sender.send(message).is_err() {
                    return;
                }
            }
            // A key that may be the beginning of an answer is held back for a moment only.
            if let Some(patience) = filter.flush_timeout(Instant::now())
                && !crossterm::event::poll(patience).unwrap_or(true)
            {
                events = filter.flush_buffered_events();
                continue;
            }
            let Ok(event) = crossterm::event::read() else {
                let _ = sender.send(AppMessage::Hangup);
                return;
            };
            let message = match filter.handle_event(event, Instant::now()) {
                AnswerEvent::Events(taken) => {
                    events = taken;
                    continue;
                }
                AnswerEvent::Answer(Some(answer)) => AppMessage::Terminal(answer),
                AnswerEvent::Answer(None) => continue,
            };
            if sender.send(message).is_err() {
                return;
            }
        }
    });
}

fn message_from_event(event: Event) -> Option<AppMessage> {
    match event {
        Event::Key(key) => Some(AppMessage::Key(key)),
        Event::Mouse(mouse) if mouse.kind == MouseEventKind::Moved => None,
        Event::Mouse(mouse) => Some(AppMessage::Mouse(mouse)),
        Event::Paste(text) => Some(AppMessage::Paste(text)),
        Event::Resize(width, height) => Some(AppMessage::Resize(Size::new(width.max(1), height.max(1)))),
        _ => None,
    }
}

/// Least time to the next drawing that no key causes, after one of so many bytes.
fn frame_interval_after(bytes: usize) -> Duration {
    Duration::from_secs_f64(bytes as f64 / MAX_FRAME_BYTES_PER_SEC).clamp(MIN_FRAME_INTERVAL, MAX_FRAME_INTERVAL)
}

/// Keeps what the user chose in its file while the screen is open, so that no kill loses it.
struct ChoiceKeeper {
    path: Option<PathBuf>,
    saved_choices: RememberedChoices,
    saved_at: Instant,
}

impl ChoiceKeeper {
    fn new(place: Option<PathBuf>, app: &mut App) -> Self {
        Self { path: place, saved_choices: app.remembered_choices(), saved_at: Instant::now() }
    }

    /// Writes what changed, at most every few seconds or at the end. A folder that cannot be written is no reason to
    /// disturb anybody.
    fn save_if_due(&mut self, app: &mut App, last: bool) {
        if !last && self.saved_at.elapsed() < MIN_SAVE_INTERVAL {
            return;
        }
        self.saved_at = Instant::now();
        let now = app.remembered_choices();
        if let Some(path) = self.path.clone().filter(|_| now != self.saved_choices) {
            self.saved_choices = now.clone();
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
    choice_keeper: ChoiceKeeper,
    canvas: ScreenCanvas<Stdout>,
    requests: RequestSink,
    /// For messages from threads of this loop.
    message_sender: SyncSender<AppMessage>,
    started_at: Instant,
    mouse_enabled: bool,
    /// The mouse is the terminal's for now, so that it selects.
    mouse_released: bool,
    /// When the image of a figure is drawn.
    figure_images: images::FigureImages,
}

impl Workbench {
    fn run_loop(&mut self, inbox: &Receiver<AppMessage>) -> io::Result<LeaveReason> {
        let mut drawn = Instant::now();
        let mut pace = MIN_FRAME_INTERVAL;
        let mut urgent = false;
        loop {
            let now = Instant::now();
            let due = drawn + if urgent { MIN_KEY_FRAME_INTERVAL } else { pace };
            let wake = match (self.app.dirty, self.app.next_redraw_at()) {
                (true, _) => due,
                (false, Some(t)) => {
                    (self.started_at + Duration::from_secs_f64(t.max(0.0))).min(now + TERMINAL_CHECK_INTERVAL)
                }
                (false, None) => now + TERMINAL_CHECK_INTERVAL,
            };
            let first = match inbox.recv_timeout(wake.saturating_duration_since(now)) {
                Ok(message) => Some(message),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => {
                    return Ok(LeaveReason::LinkLost("no input".into()));
                }
            };
            let idle = first.is_none();
            self.choice_keeper.save_if_due(&mut self.app, false);
            let time = self.started_at.elapsed().as_secs_f64();
            if let Some(leave) = self.handle_message(AppMessage::Tick(time))? {
                return Ok(leave);
            }
            // Bounded, so that a flood of messages cannot keep the screen from being drawn.
            for message in first.into_iter().chain(inbox.try_iter().take(MAX_QUEUED_MESSAGES)) {
                let is_users = matches!(
                    message,
                    AppMessage::Key(_)
                        | AppMessage::Mouse(_)
                        | AppMessage::Paste(_)
                        | AppMessage::Resize(_)
                        | AppMessage::CheckpointRequest
                        | AppMessage::Continued
                );
                urgent |= is_users;
                let content = ImageContent::of(&self.app).filter(|_| is_users);
                if let Some(leave) = self.handle_message(message)? {
                    return Ok(leave);
                }
                if is_users {
                    self.figure_images.on_user_message(content, &self.app);
                }
            }
            let due = drawn + if urgent { MIN_KEY_FRAME_INTERVAL } else { pace };
            if self.app.dirty && Instant::now() >= due {
                let app = &self.app;
                let bytes = self.canvas.draw_frame(app.size, |buf| screen::render(app, buf))?;
                self.app.dirty = false;
                self.remove_hidden_image()?;
                self.draw_image()?;
                pace = frame_interval_after(bytes);
                (drawn, urgent) = (Instant::now(), false);
            } else if idle && !self.app.dirty && crossterm::terminal::window_size().is_err() {
                // A terminal can vanish without a signal, under nohup for one.
                return Ok(LeaveReason::Detached);
            }
        }
    }

    fn handle_message(&mut self, message: AppMessage) -> io::Result<Option<LeaveReason>> {
        if let AppMessage::CopyFinished { unsent: Some(text) } = &message {
            self.copy_to_terminal(text.clone())?;
        }
        if let AppMessage::Image(image) = &message {
            self.figure_images.on_image(&self.app, image, Instant::now());
        }
        for effect in self.app.update(message) {
            match effect {
                Effect::Send(request) => (self.requests)(request),
                Effect::Exit(leave) => return Ok(Some(leave)),
                Effect::Redraw => {
                    self.canvas.invalidate();
                }
                Effect::Suspend => self.suspend()?,
                Effect::RetakeTerminal => self.resume_terminal()?,
                Effect::Copy(text) if self.app.in_tmux => {
                    let sender = self.message_sender.clone();
                    // tmux may be slow, and keys must not wait for it.
                    thread::spawn(move || {
                        let unsent = copy_to_tmux(&text).is_err().then_some(text);
                        let _ = sender.send(AppMessage::CopyFinished { unsent });
                    });
                }
                Effect::Copy(text) => self.copy_to_terminal(text)?,
            }
        }
        self.update_mouse_capture()?;
        Ok(None)
    }

    /// Takes away an image that the last frame does not have.
    fn remove_hidden_image(&mut self) -> io::Result<()> {
        match self.figure_images.removal(&self.app) {
            Some(bytes) => self.canvas.write_command(Print(bytes)),
            None => Ok(()),
        }
    }

    /// Closes the image, and takes it away.
    fn close_image(&mut self) -> io::Result<()> {
        self.app.figure_image = None;
        self.remove_hidden_image()
    }

    /// Has the image drawn anew that is due, in a thread: keys must not wait.
    fn draw_image(&mut self) -> io::Result<()> {
        let Some(request) = self.figure_images.next_request(&mut self.app, cell_pixels(), Instant::now()) else {
            return Ok(());
        };
        let sender = self.message_sender.clone();
        let draw = move || drop(sender.send(AppMessage::Image(request.draw())));
        if let Err(error) = thread::Builder::new().name("figure-image".into()).spawn(draw) {
            let image = Err(ReportError::Draw(format!("no thread: {error}")));
            self.handle_message(AppMessage::Image(image))?;
        }
        Ok(())
    }

    fn copy_to_terminal(&mut self, text: String) -> io::Result<()> {
        self.canvas.write_command(CopyToClipboard::to_clipboard_from(text))
    }

    /// Leaves the mouse to the terminal while a text is shown to be selected, and takes it again.
    fn update_mouse_capture(&mut self) -> io::Result<()> {
        let lent = self.mouse_enabled && self.app.layers.last().is_some_and(|v| v.is_fullscreen());
        if lent != self.mouse_released {
            self.mouse_released = lent;
            match lent {
                true => self.canvas.write_command(DisableMouseCapture)?,
                false => self.canvas.write_command(terminal::MouseClicks)?,
            }
        }
        Ok(())
    }

    fn suspend(&mut self) -> io::Result<()> {
        self.close_image()?;
        terminal::leave_screen();
        signals::stop_process()?;
        self.resume_terminal()
    }

    /// Takes the terminal again after a stop; harmless when it was never given back.
    fn resume_terminal(&mut self) -> io::Result<()> {
        terminal::enter_screen(self.mouse_enabled)?;
        self.mouse_released = false;
        self.app.update(AppMessage::Resize(terminal_size()));
        self.canvas.invalidate();
        Ok(())
    }
}

/// Gives a text to the tmux that this runs in: into its buffer, and to the clipboard of the terminal around it.
fn copy_to_tmux(text: &str) -> io::Result<()> {
    let mut tmux = Command::new("tmux")
        .args(["load-buffer", "-w", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let written = tmux.stdin.take().map_or(Ok(()), |mut to| to.write_all(text.as_bytes()));
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
        assert_eq!(frame_interval_after(0), MIN_FRAME_INTERVAL);
        assert_eq!(frame_interval_after(2000), MIN_FRAME_INTERVAL);
        assert_eq!(frame_interval_after(4000), Duration::from_millis(250));
        assert_eq!(frame_interval_after(100_000), MAX_FRAME_INTERVAL);
    }
}
