//! State and progress, in one row, or in two where they fit.

use super::machine::is_disk_nearly_full;
use super::message::{transliterate, truncate_end};
use super::plot::text::{FigurePiece, format_bytes, format_learning_rate, format_percent, group_digits, piece_width};
use super::progress;
use super::surface::readout::sample_sign;
use crate::action::Action;
use crate::app::{App, EngineLink};
use crate::theme::ThemeRole;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;
use surfit_core::event::JobStage;
use surfit_core::snapshot::{EngineState, Snapshot};

/// Columns of the run's name that are kept before the program's name gives way.
const MIN_RUN_NAME_WIDTH: u16 = 10;

pub fn render(area: Rect, buf: &mut Buffer, app: &App) {
    let [first, second] = [0, 1].map(|n| Rect { y: area.y + n, height: 1, ..area });
    if area.height >= 2 {
        let mut left = identity(app, first.width);
        left.extend(details(app));
        draw_pieces(first, buf, left, facts(app));
        let stages = stages(app);
        let width = columns(&stages) + 2;
        draw_pieces(Rect { width: width.min(second.width), ..second }, buf, stages, Vec::new());
        let rest = second.width.saturating_sub(width);
        progress::render(Rect { x: second.x + second.width - rest, width: rest, ..second }, buf, app, true);
    } else {
        let mut left = identity(app, identity_width(app, first.width));
        left.extend(stall_piece(app, true));
        // The bar keeps half of a narrow row, and a little more than its figures need of a wide one.
        let bar = (first.width / 2).clamp(30, 60);
        left.extend(best(app).filter(|b| columns(&left) + piece_width(b) + 4 + bar <= first.width));
        let width = (columns(&left) + 2).min(first.width);
        draw_pieces(first, buf, left, Vec::new());
        let rest = Rect { x: first.x + width, width: first.width - width, ..first };
        progress::render(rest, buf, app, false);
    }
}

/// What a click on an item does: the program's name helps, the run's name leads to the others, the state is changed, and
/// the stages lead to the log.
pub fn action_at(app: &App, area: Rect, at: Position) -> Option<&'static Action> {
    if at.y > area.y {
        let width = columns(&stages(app)) + 2;
        return (at.x < area.x + width).then_some(action!("log"));
    }
    let mut x = area.x + 1;
    let room = match area.height {
        1 => identity_width(app, area.width),
        _ => area.width,
    };
    let shown = identity(app, room);
    // The program's name is the first to give way.
    let missing = 3 - shown.len();
    for (n, piece) in shown.iter().enumerate() {
        let width = piece_width(piece);
        if (x..x + width).contains(&at.x) {
            let state = [action!("resume"), action!("pause"), action!("start")];
            return match n + missing {
                0 => Some(action!("help")),
                1 => Some(action!("runs")),
                _ => state.into_iter().find(|a| (a.availability)(app).is_ok()),
            };
        }
        x += width + 2;
    }
    None
}

fn columns(pieces: &[FigurePiece]) -> u16 {
    pieces.iter().map(|p| piece_width(p) + 2).sum::<u16>().saturating_sub(2) + 1
}

/// Pieces from the left, and from the right as many as fit; the first of each are the most important.
fn draw_pieces(area: Rect, buf: &mut Buffer, left: Vec<FigurePiece>, right: Vec<FigurePiece>) {
    let mut x = area.x + 1;
    let end = area.right();
    for piece in left {
        let width = piece_width(&piece);
        if x + width > end {
            break;
        }
        Line::from(piece).render(Rect { x, width, ..area }, buf);
        x += width + 2;
    }
    let mut room = end.saturating_sub(x + 2);
    let mut kept: Vec<FigurePiece> = Vec::new();
    for piece in right {
        let width = piece_width(&piece) + 2;
        if width <= room {
            room -= width;
            kept.push(piece);
        }
    }
    let mut x = end;
    for piece in kept {
        let width = piece_width(&piece);
        x = x.saturating_sub(width + if x == end { 1 } else { 2 });
        Line::from(piece).render(Rect { x, width, ..area }, buf);
    }
}

/// Columns of a single row for the program, the run and its state; the rest is for percentage and time left.
fn identity_width(app: &App, width: u16) -> u16 {
    let silence = stall_piece(app, true).map_or(0, |s| piece_width(&s) + 2);
    width.saturating_sub(progress::min_width(app) + silence + 3)
}

/// The program, the run and its state, in so many columns: the run's name is shortened, then the program's is left out,
/// then the run's.
fn identity<'a>(app: &App, room: u16) -> Vec<FigurePiece<'a>> {
    // A third of a wide screen: less is kept from the name while columns beside it are free.
    let whole = full_identity_pieces(app, (room / 3).max(28));
    let needed = |pieces: &[FigurePiece]| columns(pieces);
    if needed(&whole) <= room {
        return whole;
    }
    let more = needed(&whole) - room;
    let name = piece_width(&whole[1]);
    let mut short = full_identity_pieces(app, name.saturating_sub(more).max(MIN_RUN_NAME_WIDTH.min(name)));
    if needed(&short) > room {
        let freed = piece_width(&short[0]) + 2;
        short = full_identity_pieces(app, (name + freed).saturating_sub(more).clamp(1, name));
        short.remove(0);
    }
    if needed(&short) > room {
        short.remove(0);
    }
    short
}

fn full_identity_pieces<'a>(app: &App, name: u16) -> Vec<FigurePiece<'a>> {
    let theme = &app.theme;
    let (sign, role, word) = match app.remote_line.as_ref().and_then(|l| l.status_label(app.now)) {
        Some(word) => (theme.pick_glyph("▲", "!"), ThemeRole::Warning, word),
        None => {
            let (sign, role, word) = state(app);
            (sign, role, word.to_owned())
        }
    };
    let run = match &app.remote_line {
        Some(line) => format!("{}:{}", line.host, app.run),
        None => app.run.clone(),
    };
    let mut words = vec![Span::styled(format!("{sign} {word}"), theme.style(role))];
    if let EngineLink::OnOtherNode(node) = &app.connection {
        let node = transliterate(node, theme.is_ascii());
        words.push(Span::styled(format!(" on {node}"), theme.style(role)));
    }
    if app.readonly {
        words.push(Span::styled(", read-only", theme.style(ThemeRole::Muted)));
    }
    vec![
        vec![Span::styled("surfit", theme.style(ThemeRole::TitleFocused))],
        vec![Span::styled(
            truncate_end(&transliterate(&run, theme.is_ascii()), name, theme.is_ascii()),
            theme.style(ThemeRole::Text),
        )],
        words,
    ]
}

/// A sign, a role and a word for the run's state.
fn state(app: &App) -> (&'static str, ThemeRole, &'static str) {
    let pick = |a, b| app.theme.pick_glyph(a, b);
    match (&app.connection, app.run_state.engine_state()) {
        (_, EngineState::Failed) => (pick("✗", "!"), ThemeRole::Error, "failed"),
        (EngineLink::Lost(_) | EngineLink::Dead, EngineState::Finished) => {
            (pick("✓", "+"), ThemeRole::Good, "finished")
        }
        (EngineLink::Dead, _) => (pick("✗", "!"), ThemeRole::Error, "engine died"),
        (_, EngineState::Closed) => (pick("□", "-"), ThemeRole::Muted, "closed"),
        (EngineLink::Lost(_), _) => (pick("▲", "!"), ThemeRole::Error, "no engine"),
        (EngineLink::Connecting, EngineState::Starting) => (pick("◌", "~"), ThemeRole::Warning, "starting"),
        (EngineLink::Connecting, _) => (pick("◌", "~"), ThemeRole::Warning, "connecting"),
        (_, EngineState::Starting) => (pick("◌", "~"), ThemeRole::Warning, "starting"),
        (_, EngineState::Running) => (pick("●", "*"), ThemeRole::Good, "running"),
        (_, EngineState::Paused) => (pick("‖", "="), ThemeRole::Warning, "paused"),
        (_, EngineState::Idle) => (pick("○", "o"), ThemeRole::Muted, "idle"),
        (_, EngineState::Finished) => (pick("✓", "+"), ThemeRole::Good, "finished"),
    }
}

/// The degrees, and the learning rate while it matters.
fn details<'a>(app: &App) -> Vec<FigurePiece<'a>> {
    let theme = &app.theme;
    let (muted, text) = (theme.style(ThemeRole::Muted), theme.style(ThemeRole::Text));
    let Some(s) = &app.run_state.snapshot else {
        return Vec::new();
    };
    let mut degree = vec![
        Span::styled("degree ", muted),
        Span::styled(transliterate(&s.degrees.to_string(), theme.is_ascii()), text),
    ];
    if let Some(wanted) = app.requested_degrees().filter(|w| *w != s.degrees) {
        let to = format!(" {} {}", theme.pick_glyph("→", "->"), transliterate(&wanted.to_string(), theme.is_ascii()));
        degree.push(Span::styled(to, theme.style(ThemeRole::Warning)));
    }
    let mut out = vec![degree];
    if s.stage == JobStage::Fit && s.learning_rate > 0.0 && s.state == EngineState::Running {
        out.push(vec![
            Span::styled("learning rate ", muted),
            Span::styled(format_learning_rate(s.learning_rate), text),
        ]);
    }
    out
}

/// Facts about the run that hardly change, most important first.
fn facts<'a>(app: &App) -> Vec<FigurePiece<'a>> {
    let (muted, ascii) = (app.theme.style(ThemeRole::Muted), app.theme.is_ascii());
    let mut out = Vec::new();
    out.extend(stall_piece(app, false));
    let m = &app.header_stats.machine;
    if app.is_connected() && is_disk_nearly_full(m) {
        let sign = app.theme.pick_glyph("▲", "!");
        let text = format!("{sign} {} left on the disk", format_bytes(m.disk_left));
        out.push(vec![Span::styled(text, app.theme.style(ThemeRole::Warning))]);
    }
    out.extend(best(app));
    let mut tell = |text: String| out.push(vec![Span::styled(text, muted)]);
    if let Some(s) = &app.run_state.snapshot {
        if s.viewers > 1 {
            tell(format!("{} viewers", s.viewers));
        }
        out.extend(load(app));
        push_step_cost(&mut out, app, s);
    }
    let mut tell = |text: String| out.push(vec![Span::styled(transliterate(&text, ascii), muted)]);
    if let Some(info) = &app.run_state.info {
        tell(format!("{} {}", info.device, info.compute));
        tell(format!("{}, {} weights", info.network, group_digits(info.parameters as u64)));
        tell(info.data.split(" (").next().unwrap_or_default().to_string());
    }
    out
}

/// What the engine takes of the machine it works on, in one piece.
fn load<'a>(app: &App) -> Option<FigurePiece<'a>> {
    if !app.is_connected() {
        return None;
    }
    let m = &app.header_stats.machine;
    let mut parts = Vec::new();
    if m.cores > 0 {
        parts.push(format!("cpu {:>3.0} %", 100.0 * m.busy));
    }
    // Of many the busiest.
    let busiest = m.gpus.iter().map(|g| g.busy).max_by(f64::total_cmp);
    if let Some(busy) = busiest {
        parts.push(format!("gpu {:>3.0} %", 100.0 * busy));
    }
    if app.header_stats.memory_bytes > 0 {
        parts.push(format_bytes(app.header_stats.memory_bytes));
    }
    let text = parts.join("  ");
    (!text.is_empty()).then(|| vec![Span::styled(text, app.theme.style(ThemeRole::Muted))])
}

/// What a step of the fit costs compared with one of plain training.
fn push_step_cost(out: &mut Vec<FigurePiece<'_>>, app: &App, s: &Snapshot) {
    if let Some(ratio) = s.cost.relative_step_time().filter(|_| s.stage == JobStage::Fit) {
        let times = app.theme.pick_glyph("×", "x");
        let text = format!("step {times}{ratio:.2}");
        out.push(vec![Span::styled(text, app.theme.style(ThemeRole::Muted))]);
    }
}

/// The header's text on how long a working engine has sent nothing.
fn stall_piece<'a>(app: &App, short: bool) -> Option<FigurePiece<'a>> {
    let (sign, seconds) = (app.theme.pick_glyph("▲", "!"), app.stalled_for()?.floor());
    let text = match short {
        true if seconds >= 60.0 => format!("{sign} silent {:.0} min", (seconds / 60.0).floor()),
        true => format!("{sign} silent {seconds:.0} s"),
        false => format!("{sign} silent for {}", progress::format_duration(seconds)),
    };
    Some(vec![Span::styled(text, app.theme.style(ThemeRole::Warning))])
}

/// The best accuracy measured so far, and how much that is above the best corner, in points. Before there is a surface, the
/// best corner's.
fn best<'a>(app: &App) -> Option<FigurePiece<'a>> {
    let (theme, run_state) = (&app.theme, &app.run_state);
    let (muted, text) = (theme.style(ThemeRole::Muted), theme.style(ThemeRole::Text));
    let snapshot = run_state.snapshot.as_ref()?;
    let corner = run_state.best_corner_accuracy();
    if snapshot.control_points.is_empty() {
        return Some(vec![Span::styled("best corner ", muted), Span::styled(format_percent(corner?, 2), text)]);
    }
    let map = &snapshot.heatmap;
    let measured = map.surface_cells().filter_map(|i| Some((map.cells[i].accuracy()?, map.cells[i].images)));
    let (top, images) = measured.max_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)))?;
    let times = theme.pick_glyph("×", "x");
    let label = match run_state.better_point_on_other_grid() {
        Some(_) => format!("best of {0}{times}{0} ", map.grid),
        None => "best ".into(),
    };
    let about = sample_sign(theme, run_state, images);
    let mut out = vec![Span::styled(label, muted), Span::styled(format!("{about}{}", format_percent(top, 2)), text)];
    if !about.is_empty() {
        out.push(Span::styled(format!(" of {} images", group_digits(images.into())), muted));
    }
    if let Some(corner) = corner {
        let gain = 100.0 * (top - corner);
        let role = if gain > 0.0 { ThemeRole::Good } else { ThemeRole::Warning };
        let text = format!(" {about}{gain:+.2} over corner");
        out.push(Span::styled(text, theme.style(role)));
    }
    Some(out)
}

fn stages<'a>(app: &App) -> Vec<FigurePiece<'a>> {
    let theme = &app.theme;
    let Some(s) = &app.run_state.snapshot else {
        return Vec::new();
    };
    let done = |stage: JobStage| {
        app.run_state.seconds.contains_key(&stage) || (stage < s.stage && app.run_state.info.is_some())
    };
    let live = matches!(s.state, EngineState::Running | EngineState::Paused) && app.run_state.info.is_some();
    // A training that branches makes no corners before its fit.
    let is_passed_over =
        |stage: &JobStage| app.run_state.is_branched() && matches!(stage, JobStage::Corners | JobStage::Align);
    JobStage::ALL
        .iter()
        .copied()
        .filter(|stage| !is_passed_over(stage))
        .map(|stage| {
            let (sign, role) = if stage == s.stage && live {
                (theme.pick_glyph("●", "*"), ThemeRole::Accent)
            } else if done(stage) || app.run_state.finished.is_some() {
                (theme.pick_glyph("✓", "+"), ThemeRole::Good)
            } else {
                (theme.pick_glyph("·", "."), ThemeRole::Muted)
            };
            let word = if role == ThemeRole::Accent { ThemeRole::Text } else { ThemeRole::Muted };
            vec![Span::styled(format!("{sign} "), theme.style(role)), Span::styled(stage.name(), theme.style(word))]
        })
        .collect()
}
