//! The loss pane: live curves of the corners and of the fit.

mod readout;
mod view;

pub use view::{ComparedCurve, LossView, SMOOTHING_WEIGHTS};

use super::plot::curve_plot::CurvePlot;
use super::plot::curves::{self, CurveOwner};
use super::plot::pane_frame::{self, PaneFrame};
use super::plot::text::{self, FigurePiece};
use super::tables;
use super::view::{InputOutcome, MouseInput, ShellCommand, View};
use crate::action::KeyScope;
use crate::app::{App, ExportItem, Pane};
use crate::color::ColorDepth;
use crate::layout::ScreenLayout;
use crate::theme::{Theme, ThemeRole};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::Span;
use readout::Readout;
use surfit_core::event::LossCurve;
use surfit_core::run_state::RunState;

#[derive(Debug)]
pub struct LossPane;

impl View for LossPane {
    fn scope(&self) -> KeyScope {
        KeyScope::View("loss")
    }

    fn area(&self, screen: &ScreenLayout, _app: &App) -> Rect {
        screen.pane_area(Pane::Loss)
    }

    fn render(&self, area: Rect, buf: &mut Buffer, app: &App) {
        render(area, buf, &app.theme, &app.run_state, &app.loss, app.is_focused(Pane::Loss));
    }

    /// A click moves the cursor and begins to choose a part, which is zoomed to when the button is let go.
    fn on_mouse(&mut self, app: &mut App, area: Rect, input: MouseInput) -> InputOutcome {
        let (view, run_state) = (&mut app.loss, &app.run_state);
        match input {
            MouseInput::DoubleClick(_) if view.can_pan() => {
                view.reset_zoom();
                view.cursor = None;
            }
            MouseInput::DoubleClick(_) => return InputOutcome::Ignored,
            MouseInput::Click(at) => {
                view.cursor = view.position_at(area, at.x, at.y, run_state).or(view.cursor);
                view.select_range(area, (at.x, at.y), run_state, true);
            }
            MouseInput::Drag(at) if view.selection.is_some() => {
                view.select_range(area, (at.x, at.y), run_state, false);
            }
            MouseInput::Drag(at) if area.contains(at) => {
                view.cursor = view.position_at(area, at.x, at.y, run_state).or(view.cursor);
            }
            MouseInput::Drag(_) => {}
            MouseInput::Release => view.zoom_to_selection(area, run_state),
            MouseInput::Pan(from, at) => {
                let columns = i32::from(at.x) - i32::from(from.x);
                view.drag(area, columns, run_state);
            }
            MouseInput::Wheel(at, by) => {
                let factor = if by < 0 { 0.8 } else { 1.25 };
                view.zoom_at(area, (at.x, at.y), run_state, factor);
            }
        }
        InputOutcome::DONE
    }

    fn move_by(&mut self, app: &mut App, columns: i32, _rows: i32) {
        app.loss.move_cursor(&app.run_state, columns);
    }

    fn move_to_end(&mut self, app: &mut App, sign: i32) {
        app.loss.move_cursor_to_end(&app.run_state, sign > 0);
    }

    fn step_back(&mut self, app: &mut App) -> bool {
        app.loss.clear_cursor_or_zoom()
    }

    fn exports(&self, app: &App) -> Vec<ExportItem> {
        let mut all = Vec::from_iter(ExportItem::readout(tables::loss_readout(app)));
        if app.run_state.curves.values().any(|c| !c.is_empty()) {
            let about = "a row a step: loss, smoothed, rate, seconds, validation; every curve";
            all.push(ExportItem::table('t', "table of the losses", "losses", about, tables::losses));
            let about = "the curves as they are shown, with those of other runs";
            all.push(ExportItem::plot('p', "plot of the losses", "losses", about, App::curves_figure));
        }
        all
    }

    fn shell_command(&self, _app: &App, run: &str) -> ShellCommand {
        ShellCommand::Words(vec!["report".into(), run.into()])
    }
}

pub fn render(area: Rect, buf: &mut Buffer, theme: &Theme, run_state: &RunState, view: &LossView, focused: bool) {
    let area = area.intersection(*buf.area());
    let plot = CurvePlot::of(pane_frame::inside(area), run_state, view);
    let chrome = |foot, mode| PaneFrame {
        key: '1',
        name: "Loss",
        figures: title_pieces(theme, run_state, plot.as_ref(), view),
        foot,
        mode,
    };
    let Some(plot) = &plot else {
        let inner = chrome(Vec::new(), String::new()).draw(area, buf, theme, focused);
        let sentence = "Curves appear here with the first training step.";
        return pane_frame::draw_placeholder(inner, buf, theme, sentence);
    };
    let cursor = view.cursor.filter(|c| (plot.x.lo..=plot.x.hi).contains(c));
    let readout = cursor.map(|x| (x, Readout::of(plot, run_state, view, theme, x)));
    let boxed = readout.as_ref().is_some_and(|(_, r)| r.fits_in_plot(plot));
    let frame = match &readout {
        // The line needs the columns of the mode too.
        Some((_, readout)) if !boxed => chrome(readout.pieces(theme), String::new()),
        _ => {
            // With as many words as fit: an entry that is missing would make marks meaningless.
            let narrow = area.width < NARROW_PANE_WIDTH;
            let short = readout::MIN_NAME_WIDTH;
            let ways = [
                (LegendWords::Full, readout::MAX_NAME_WIDTH, narrow),
                (LegendWords::Full, short, narrow),
                (LegendWords::ShortName, short, narrow),
                (LegendWords::ShortName, short, true),
                (LegendWords::Minimal, short, true),
            ];
            let ways = ways.map(|(w, m, n)| (legend(theme, plot, view, w, m), mode(theme, view, n)));
            let fits = |(legend, mode): &&(Vec<FigurePiece<'_>>, String)| {
                text::flow_width(legend) <= usize::from(pane_frame::foot_width(area.width, mode))
            };
            let best = ways.iter().find(fits).unwrap_or(&ways[4]).clone();
            chrome(best.0, best.1)
        }
    };
    frame.draw(area, buf, theme, focused);
    plot.draw(buf, theme);
    if let Some(span) = view.selection.filter(|s| s.0 != s.1) {
        plot.draw_span(buf, theme, span);
    }
    if let Some((x, readout)) = readout {
        plot.draw_cursor(buf, theme, x);
        if boxed {
            readout.draw_box(buf, theme, plot, x);
        }
    }
}

/// Columns below which the legend has the foot line to itself while the axes are as usual.
const NARROW_PANE_WIDTH: u16 = 50;

/// How the axes are, in words; in a narrow pane only what is unusual.
fn mode(theme: &Theme, view: &LossView, narrow: bool) -> String {
    let mut words = Vec::new();
    match view.log {
        true => words.push("log"),
        false if narrow => {}
        false => words.push("linear"),
    }
    if view.time {
        words.push("time");
    }
    match (view.zoom, view.recent) {
        (Some(w), _) if w.follows_end => words.push("zoomed, live"),
        (Some(_), _) => words.push("zoomed"),
        (None, true) => words.push("recent"),
        (None, false) if narrow => {}
        (None, false) => words.push("all"),
    }
    words.join(theme.pick_glyph(" · ", ", "))
}

/// The live figures of the curve that is growing.
fn title_pieces<'a>(
    theme: &Theme,
    run_state: &RunState,
    plot: Option<&CurvePlot>,
    view: &LossView,
) -> Vec<FigurePiece<'a>> {
    let shown = curves::curves_to_show(run_state, view.show_corners);
    let Some((curve, series)) = shown.last().and_then(|c| run_state.curves.get_key_value(c)) else {
        return Vec::new();
    };
    let mut out: Vec<FigurePiece<'a>> = Vec::new();
    if let LossCurve::Corner(c) = curve {
        let style = theme.style(ThemeRole::corner(*c));
        out.push(vec![Span::styled(format!("corner {}", c + 1), style)]);
    }
    let pair = |name: &str, value: String, role: ThemeRole| text::named_piece(theme, name, value, theme.style(role));
    out.push(pair("step", text::group_digits(series.end_step()), ThemeRole::Text));
    // What the drawn curve ends with, or, where that is out of sight, the series' last value.
    let last = plot
        .and_then(|p| p.traces.last())
        .and_then(|t| t.samples.last())
        .filter(|s| s.step as u64 + 1 == series.end_step())
        .and_then(|s| s.smooth);
    match (series.last_value(), last.or(series.smoothed())) {
        (Some(last), _) if !last.is_finite() => {
            let style = theme.style(ThemeRole::Error);
            out.push(vec![Span::styled("loss not finite", style)]);
        }
        (_, Some(smoothed)) => out.push(vec![Span::styled(
            text::format_loss(smoothed),
            theme.style(ThemeRole::CurveSmooth).add_modifier(Modifier::BOLD),
        )]),
        _ => {}
    }
    if let Some(v) = run_state.validations.get(curve).and_then(|list| list.last()) {
        let accuracy = text::format_percent(v.accuracy, 1);
        out.push(pair("val", accuracy, ThemeRole::CurveValidation));
    }
    let rate = run_state.tracks.get(curve).and_then(|t| t.marks().last());
    if let Some(mark) = rate.filter(|_| view.show_learning_rate) {
        out.push(pair("rate", text::format_learning_rate(mark.rate), ThemeRole::Text));
    }
    out
}

#[derive(Clone, Copy, PartialEq)]
enum LegendWords {
    Full,
    ShortName,
    /// Without the strength of the smoothing too.
    Minimal,
}

fn legend<'a>(theme: &Theme, plot: &CurvePlot, view: &LossView, words: LegendWords, name: u16) -> Vec<FigurePiece<'a>> {
    let muted = theme.style(ThemeRole::Muted);
    let entry = |glyph: &str, role: ThemeRole, name: &str| -> FigurePiece<'a> {
        vec![Span::styled(format!("{glyph} "), theme.style(role)), Span::styled(name.to_string(), muted)]
    };
    let (line, mut dots) = theme.pick_glyph(("━", "⣿"), ("-", ":"));
    let point = plot.validation_sign(theme);
    if view.smooth && theme.depth() <= ColorDepth::None {
        dots = theme.pick_glyph("⡁", "'");
    }
    let smoothed = match words {
        LegendWords::Full | LegendWords::ShortName => format!("smoothed {}", view.smoothing()),
        LegendWords::Minimal => "smooth".into(),
    };
    let mut out = Vec::new();
    if plot.has_several_curves() {
        let mut corners = Vec::new();
        for (n, trace) in plot.traces.iter().enumerate() {
            match trace.name {
                CurveOwner::Own(LossCurve::Surface) => out.push(entry(line, ThemeRole::CurveSmooth, "surface")),
                CurveOwner::Other(other) => {
                    let name = readout::overlay_label(theme, trace.name, view, other, name);
                    out.push(vec![Span::styled(name, theme.style(plot.trace_role(n)))]);
                }
                CurveOwner::Own(LossCurve::Corner(c)) => {
                    corners.push(Span::styled(format!("{} ", c + 1), theme.style(ThemeRole::corner(c))));
                }
            }
        }
        if !corners.is_empty() {
            corners.push(Span::styled("corners", muted));
            out.insert(0, corners);
        }
        if view.smooth {
            out.push(vec![Span::styled(smoothed, muted)]);
        }
    } else {
        if view.smooth {
            out.push(entry(line, plot.trace_role(0), &smoothed));
        }
        let role = if view.smooth { ThemeRole::CurveRaw } else { plot.trace_role(0) };
        out.push(entry(dots, role, "raw"));
    }
    if plot.traces.iter().any(|t| !t.validations.is_empty()) {
        // Among several curves the points have each its curve's colour.
        let role = if plot.has_several_curves() { ThemeRole::Muted } else { ThemeRole::CurveValidation };
        let name = if words == LegendWords::Full { "validation" } else { "val" };
        out.push(entry(point, role, name));
    }
    out
}

#[cfg(test)]
mod tests;
