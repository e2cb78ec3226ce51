//! State and progress, in one row, or in two where there is room.

use super::message::shortened;
use super::plot::text::{Piece, grouped};
use super::progress;
use crate::app::{App, Connection};
use crate::theme::{Role, Theme};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;
use surfit_core::event::Stage;
use surfit_core::snapshot::State;

/// Draws the header.
pub fn render(area: Rect, buf: &mut Buffer, app: &App) {
    let [first, second] = [0, 1].map(|n| Rect {
        y: area.y + n,
        height: 1,
        ..area
    });
    if area.height >= 2 {
        let mut left = identity(app);
        left.extend(details(app));
        spread(first, buf, left, facts(app));
        let stages = stages(app);
        let width = columns(&stages) + 2;
        spread(
            Rect {
                width: width.min(second.width),
                ..second
            },
            buf,
            stages,
            Vec::new(),
        );
        let rest = second.width.saturating_sub(width);
        progress::render(
            Rect {
                x: second.x + second.width - rest,
                width: rest,
                ..second
            },
            buf,
            app,
            true,
        );
    } else {
        let left = identity(app);
        let width = (columns(&left) + 2).min(first.width);
        spread(first, buf, left, Vec::new());
        let rest = Rect {
            x: first.x + width,
            width: first.width - width,
            ..first
        };
        progress::render(rest, buf, app, false);
    }
}

/// Columns that pieces take, two between each.
fn columns(pieces: &[Piece]) -> u16 {
    pieces
        .iter()
        .map(|p| wide(p) + 2)
        .sum::<u16>()
        .saturating_sub(2)
        + 1
}

fn wide(piece: &Piece) -> u16 {
    piece.iter().map(|s| s.width() as u16).sum()
}

/// Pieces from the left, and from the right as many as find room; the first of each are the most important.
fn spread(area: Rect, buf: &mut Buffer, left: Vec<Piece>, right: Vec<Piece>) {
    let mut x = area.x + 1;
    let end = area.right();
    for piece in left {
        let width = wide(&piece);
        if x + width > end {
            break;
        }
        Line::from(piece).render(Rect { x, width, ..area }, buf);
        x += width + 2;
    }
    let mut room = end.saturating_sub(x + 2);
    let mut kept: Vec<Piece> = Vec::new();
    for piece in right {
        let width = wide(&piece) + 2;
        if width <= room {
            room -= width;
            kept.push(piece);
        }
    }
    let mut x = end;
    for piece in kept {
        let width = wide(&piece);
        x = x.saturating_sub(width + if x == end { 1 } else { 2 });
        Line::from(piece).render(Rect { x, width, ..area }, buf);
    }
}

/// The program, the run and its state.
fn identity<'a>(app: &App) -> Vec<Piece<'a>> {
    let theme = &app.theme;
    let (sign, role, word) = state(app);
    vec![
        vec![Span::styled("surfit", theme.style(Role::TitleFocused))],
        vec![Span::styled(
            shortened(&app.run, 24, theme.ascii()),
            theme.style(Role::Text),
        )],
        vec![Span::styled(format!("{sign} {word}"), theme.style(role))],
    ]
}

/// A sign, a role and a word for how it stands.
fn state(app: &App) -> (&'static str, Role, &'static str) {
    let pick = |a, b| app.theme.pick(a, b);
    match (&app.connection, app.picture.state()) {
        (Connection::Dead, _) => (pick("✗", "!"), Role::Error, "engine died"),
        (_, State::Failed) => (pick("✗", "!"), Role::Error, "failed"),
        (_, State::Closed) => (pick("□", "-"), Role::Muted, "closed"),
        (Connection::Lost(_), State::Finished) if app.picture.closed => {
            (pick("✓", "+"), Role::Good, "finished")
        }
        (Connection::Lost(_), _) => (pick("▲", "!"), Role::Error, "no engine"),
        (Connection::Connecting, State::Starting) => (pick("◌", "~"), Role::Warning, "starting"),
        (Connection::Connecting, _) => (pick("◌", "~"), Role::Warning, "connecting"),
        (_, State::Starting) => (pick("◌", "~"), Role::Warning, "starting"),
        (_, State::Running) => (pick("●", "*"), Role::Good, "running"),
        (_, State::Paused) => (pick("‖", "="), Role::Warning, "paused"),
        (_, State::Idle) => (pick("○", "o"), Role::Muted, "idle"),
        (_, State::Finished) => (pick("✓", "+"), Role::Good, "finished"),
    }
}

/// The degrees, and the learning rate while it matters.
fn details<'a>(app: &App) -> Vec<Piece<'a>> {
    let theme = &app.theme;
    let (muted, text) = (theme.style(Role::Muted), theme.style(Role::Text));
    let Some(s) = &app.picture.snapshot else {
        return Vec::new();
    };
    let mut degree = vec![
        Span::styled("degree ", muted),
        Span::styled(times(theme, &s.degrees.to_string()), text),
    ];
    if let Some(wanted) = app.wanted_degrees().filter(|w| *w != s.degrees) {
        let to = format!(
            " {} {}",
            theme.pick("→", "->"),
            times(theme, &wanted.to_string())
        );
        degree.push(Span::styled(to, theme.style(Role::Warning)));
    }
    let mut out = vec![degree];
    if s.stage == Stage::Fit && s.learning_rate > 0.0 && s.state == State::Running {
        out.push(vec![
            Span::styled("learning rate ", muted),
            Span::styled(format!("{:.4}", s.learning_rate), text),
        ]);
    }
    out
}

fn times(theme: &Theme, text: &str) -> String {
    if theme.ascii() {
        text.replace('×', "x")
    } else {
        text.into()
    }
}

/// Facts about the run that hardly change, most important first.
fn facts<'a>(app: &App) -> Vec<Piece<'a>> {
    let muted = app.theme.style(Role::Muted);
    let mut out = Vec::new();
    let mut tell = |text: String| out.push(vec![Span::styled(text, muted)]);
    if let Some(s) = &app.picture.snapshot {
        if s.viewers > 1 {
            tell(format!("{} viewers", s.viewers));
        }
        if app.calm.memory > 0 {
            tell(memory(app.calm.memory));
        }
    }
    if let Some(info) = &app.picture.info {
        tell(format!("{} {}", info.device, info.compute));
        tell(format!(
            "{}, {} weights",
            info.network,
            grouped(info.parameters as u64)
        ));
        tell(info.data.split(" (").next().unwrap_or_default().to_string());
    }
    out
}

fn memory(bytes: u64) -> String {
    let mega = bytes as f64 / 1e6;
    if mega >= 999.5 {
        format!("{:.1} GB", mega / 1e3)
    } else {
        format!("{mega:.0} MB")
    }
}

/// All stages with what became of each.
fn stages<'a>(app: &App) -> Vec<Piece<'a>> {
    let theme = &app.theme;
    let Some(s) = &app.picture.snapshot else {
        return Vec::new();
    };
    let done = |stage: Stage| {
        app.picture.seconds.contains_key(&stage) || (stage < s.stage && app.picture.info.is_some())
    };
    let live = matches!(s.state, State::Running | State::Paused) && app.picture.info.is_some();
    Stage::ALL
        .into_iter()
        .map(|stage| {
            let (sign, role) = if stage == s.stage && live {
                (theme.pick("●", "*"), Role::Accent)
            } else if done(stage) || app.picture.finished.is_some() {
                (theme.pick("✓", "+"), Role::Good)
            } else {
                (theme.pick("·", "."), Role::Muted)
            };
            let word = if role == Role::Accent {
                Role::Text
            } else {
                Role::Muted
            };
            vec![
                Span::styled(format!("{sign} "), theme.style(role)),
                Span::styled(stage.name(), theme.style(word)),
            ]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_in_round_figures() {
        assert_eq!(memory(412_000_000), "412 MB");
        assert_eq!(memory(999_700_000), "1.0 GB");
        assert_eq!(memory(1_234_000_000), "1.2 GB");
    }
}
