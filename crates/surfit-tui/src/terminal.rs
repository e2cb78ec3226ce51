//! The terminal: taken over, and always given back.

use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste};
use crossterm::style::ResetColor;
use crossterm::terminal::{
    Clear, ClearType, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
    enable_raw_mode,
};
use crossterm::{Command, execute};
use std::fmt;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, Once};
use std::thread::{self, ThreadId};

static TERMINAL_ACTIVE: AtomicBool = AtomicBool::new(false);
/// The thread that draws; a panic of another must not write over the screen.
static OWNER_THREAD: Mutex<Option<ThreadId>> = Mutex::new(None);
/// Panic messages of other threads, printed after the screen is restored.
static PANIC_REPORTS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Clicks, drags and the wheel, without the flood of mere movements that crossterm's own capture enables.
pub(crate) struct MouseClicks;

impl Command for MouseClicks {
    fn write_ansi(&self, f: &mut impl fmt::Write) -> fmt::Result {
        f.write_str("\x1b[?1000h\x1b[?1002h\x1b[?1006h")
    }
}

/// Takes the terminal over. Give it back with [`leave_screen`].
///
/// # Errors
/// When there is no terminal; it is left unchanged.
pub fn enter_screen(mouse: bool) -> io::Result<()> {
    install_panic_hook();
    *lock_ignoring_poison(&OWNER_THREAD) = Some(thread::current().id());
    // After a stop from outside the shell may have changed the modes behind our back.
    let _ = disable_raw_mode();
    enable_raw_mode()?;
    TERMINAL_ACTIVE.store(true, Ordering::SeqCst);
    let mut out = io::stdout();
    let taken = execute!(out, EnterAlternateScreen, Hide, EnableBracketedPaste)
        .and_then(|()| if mouse { execute!(out, MouseClicks) } else { Ok(()) });
    if taken.is_err() {
        leave_screen();
    }
    taken
}

/// Gives the terminal back, once, whoever calls first; errors are of no use any more.
pub fn leave_screen() {
    if !TERMINAL_ACTIVE.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = io::stdout();
    let _ = execute!(
        out,
        EndSynchronizedUpdate,
        DisableMouseCapture,
        DisableBracketedPaste,
        ResetColor,
        // GNU screen has no alternate screen by default: what was drawn would stay, with the prompt in its last row.
        Clear(ClearType::All),
        MoveTo(0, 0),
        Show,
        LeaveAlternateScreen
    );
    let _ = disable_raw_mode();
    let _ = out.flush();
    for report in lock_ignoring_poison(&PANIC_REPORTS).drain(..) {
        eprintln!("{report}");
    }
}

pub(crate) fn is_active() -> bool {
    TERMINAL_ACTIVE.load(Ordering::SeqCst)
}

/// Gives back what can be given back when the thread that draws is stuck, without writing; true when it was so.
pub(crate) fn force_cooked_mode() -> bool {
    let stuck = TERMINAL_ACTIVE.swap(false, Ordering::SeqCst);
    if stuck {
        let _ = disable_raw_mode();
    }
    stuck
}

fn lock_ignoring_poison<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn install_panic_hook() {
    static INSTALL_HOOK: Once = Once::new();
    INSTALL_HOOK.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let ours = *lock_ignoring_poison(&OWNER_THREAD) == Some(thread::current().id());
            if TERMINAL_ACTIVE.load(Ordering::SeqCst) && !ours {
                lock_ignoring_poison(&PANIC_REPORTS).push(info.to_string());
                return;
            }
            leave_screen();
            usual(info);
        }));
    });
}

/// Gives the terminal back when it goes out of scope.
pub struct TerminalGuard(());

impl TerminalGuard {
    /// As [`enter_screen`].
    ///
    /// # Errors
    /// When there is no terminal.
    pub fn new(mouse: bool) -> io::Result<Self> {
        enter_screen(mouse).map(|()| TerminalGuard(()))
    }
}

impl Drop for TerminalGuard {
    fn drop(&mut self) {
        leave_screen();
    }
}
