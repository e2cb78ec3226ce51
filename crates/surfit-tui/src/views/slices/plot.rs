//! Drawing a slice: intervals behind, the line over them, levels of the corners at the edge, the cursor on top.

use super::{BackgroundSlice, CellSlice, label, text};
use crate::theme::ThemeRole;
use crate::views::message::transliterate;
use crate::views::plot::dots::DotCanvas;
use crate::views::surface::{CellQuantity, SurfaceScene, format_parameter};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};
use surfit_core::axis_scale::AxisScale;
use surfit_core::event::CornerReady;

/// Columns for the corners' numbers at the right edge.
const LEVELS_WIDTH: u16 = 2;

/// The plot's area within that of a large one: labels at the left, a row of them below.
pub(super) fn large_plot_area(scene: &SurfaceScene<'_>, room: Rect, scale: AxisScale) -> Option<Rect> {
    let ticks = scale.ticks(usize::from(room.height / 4).max(2));
    let wide = |v: f64| label(scene, scale, v).chars().count() as u16;
    let gutter = ticks.iter().map(|t| wide(t.0)).max().unwrap_or(0) + 2;
    let fits = room.width >= gutter + LEVELS_WIDTH + 8 && room.height >= 5;
    fits.then(|| Rect::new(room.x + gutter, room.y + 1, room.width - gutter - LEVELS_WIDTH, room.height - 2))
}

impl CellSlice {
    pub(super) fn draw(
        &self,
        buf: &mut Buffer,
        scene: &SurfaceScene<'_>,
        room: Rect,
        scale: Option<AxisScale>,
        behind: Option<BackgroundSlice<'_>>,
    ) {
        let axis = scene.theme.style(ThemeRole::Axis);
        if room.height < 3 || room.width < 14 {
            return;
        }
        self.title(buf, scene, room, behind.as_ref());
        let Some(scale) = scale else { return };
        let (low, high) = (label(scene, scale, scale.lo), label(scene, scale, scale.hi));
        let pad = low.chars().count().max(high.chars().count()) + 1;
        let gutter = pad as u16 + 1;
        if room.width < gutter + 6 {
            return;
        }
        let levels = if room.width >= gutter + 20 { LEVELS_WIDTH } else { 0 };
        let width = room.width - gutter - levels;
        let plot = Rect { x: room.x + gutter, y: room.y + 1, width, height: room.height - 1 };
        let bottom = plot.bottom() - 1;
        for (y, text) in [(plot.y, high), (bottom, low)] {
            text::put(buf, room.x, y, gutter, &format!("{text:>pad$}"), axis);
        }
        if let Some(b) = behind {
            let mut dots = DotCanvas::new(plot.width, plot.height, scene.theme.glyphs());
            b.slice.line(&mut dots, b.scene, scale);
            let style = scene.theme.style(ThemeRole::CurveValidation);
            dots.draw(plot, buf, |_| style);
        }
        self.curve(buf, scene, plot, scale);
        if levels > 0 {
            corner_levels(buf, scene, plot, scale);
        }
    }

    /// The only slice of a curve, in the whole area.
    pub(super) fn draw_large(&self, buf: &mut Buffer, scene: &SurfaceScene<'_>, room: Rect, scale: AxisScale) {
        let axis = scene.theme.style(ThemeRole::Axis);
        let Some(plot) = large_plot_area(scene, room, scale) else {
            return;
        };
        self.title(buf, scene, room, None);
        let pad = usize::from(plot.x - room.x - 1);
        for (value, _) in scale.ticks(usize::from(room.height / 4).max(2)) {
            let text = label(scene, scale, value);
            let y = row(scale, plot, value).unwrap_or(plot.y);
            text::put(buf, room.x, y, pad as u16, &format!("{text:>pad$}"), axis);
            text::put(buf, plot.x - 1, y, 1, scene.theme.pick_glyph("┤", "+"), axis);
        }
        let [(from, to), _] = scene.cells.parameter_ranges();
        for t in [0.0, 0.25, 0.5, 0.75, 1.0] {
            let text = format_parameter(from + t * (to - from));
            let wide = text.len() as u16;
            let x = plot.x + (t * f64::from(plot.width - 1)).round() as u16;
            text::put(buf, x - (wide / 2).min(x - room.x), plot.bottom(), wide, &text, axis);
        }
        self.curve(buf, scene, plot, scale);
        corner_levels(buf, scene, plot, scale);
        let best = scene.best.filter(|_| scene.peaks.is_empty());
        let signs = scene.peaks.iter().enumerate().map(|(n, &i)| (i, (n + 1).to_string()));
        let star = scene.theme.pick_glyph("★", "*").to_string();
        for (index, sign) in signs.chain(best.map(|i| (i, star))) {
            let place = self.cells.iter().position(|&i| i == index);
            let y = scene.value(index).and_then(|v| row(scale, plot, v));
            if let (Some(k), Some(y)) = (place, y) {
                let x = plot.x + self.column(k, plot.width);
                let style = scene.theme.style(ThemeRole::Best);
                text::put(buf, x, y.saturating_sub(1).max(plot.y), 1, &sign, style);
            }
        }
    }

    fn title(&self, buf: &mut Buffer, scene: &SurfaceScene<'_>, room: Rect, behind: Option<&BackgroundSlice<'_>>) {
        let theme = scene.theme;
        let (muted, axis) = (theme.style(ThemeRole::Muted), theme.style(ThemeRole::Axis));
        let (name, at) = self.name(scene);
        let title = Line::from(vec![
            // The ends of a part take the place of the word.
            Span::styled(if scene.cells.is_all() { " along " } else { " " }, muted),
            Span::styled(name, theme.style(ThemeRole::Accent)),
            Span::styled(at, muted),
        ]);
        text::put_line(buf, room.x, room.y, room.width, &title);
        let (note, axis) = match behind {
            Some(b) => (
                format!("{} {}", theme.pick_glyph("━", "-"), transliterate(b.name, theme.is_ascii())),
                theme.style(ThemeRole::CurveValidation),
            ),
            None => (format!("{} best corner", theme.pick_glyph("┄┄", "--")), axis),
        };
        let (left, width) = (title.width() as u16, Span::raw(note.as_str()).width() as u16);
        let wanted = behind.is_some() || scene.reference.is_some();
        if wanted && left + width + 3 <= room.width {
            text::put(buf, room.right() - width, room.y, width, &note, axis);
        }
    }

    pub(super) fn axis_fraction(&self, k: usize) -> f64 {
        k as f64 / self.cells.len().saturating_sub(1).max(1) as f64
    }

    fn column(&self, k: usize, width: u16) -> u16 {
        (self.axis_fraction(k) * f64::from(width.max(1) - 1)).round() as u16
    }

    fn curve(&self, buf: &mut Buffer, scene: &SurfaceScene<'_>, plot: Rect, scale: AxisScale) {
        let theme = scene.theme;
        if let Some(y) = scene.reference.and_then(|v| row(scale, plot, v)) {
            let line = theme.pick_glyph("┄", "-").repeat(usize::from(plot.width));
            text::put(buf, plot.x, y, plot.width, &line, theme.style(ThemeRole::Axis));
        }
        let mut dots = DotCanvas::new(plot.width, plot.height, theme.glyphs());
        for (k, &index) in self.cells.iter().enumerate() {
            let ends = scene.interval(index);
            if let Some((Some(low), Some(high))) = ends.map(|(a, b)| (scale.position_of(a), scale.position_of(b))) {
                let (from, to) = (dots.dot_at(self.axis_fraction(k), low), dots.dot_at(self.axis_fraction(k), high));
                dots.line(from, to, 0, 1);
            }
        }
        self.line(&mut dots, scene, scale);
        dots.draw(plot, buf, |ink| theme.style(if ink == 0 { ThemeRole::CurveSmooth } else { ThemeRole::CurveRaw }));
        let here = scene.index(scene.cursor);
        let place = self.cells.iter().position(|&i| i == here);
        if let (Some(k), Some(y)) = (place, scene.value(here).and_then(|v| row(scale, plot, v))) {
            let style = theme.style(ThemeRole::Accent).add_modifier(Modifier::BOLD);
            let x = plot.x + self.column(k, plot.width);
            text::put(buf, x, y, 1, theme.pick_glyph("◆", "#"), style);
        }
    }

    /// The line through the values, over what was drawn before.
    fn line(&self, dots: &mut DotCanvas, scene: &SurfaceScene<'_>, scale: AxisScale) {
        let mut open: Option<(usize, usize)> = None;
        for (k, &index) in self.cells.iter().enumerate() {
            // Cells come in from coarse to fine; the line joins those that are there.
            let Some(y) = scene.value(index).and_then(|v| scale.position_of(v)) else {
                continue;
            };
            let here = dots.dot_at(self.axis_fraction(k), y);
            dots.line(open.unwrap_or(here), here, 1, 0);
            open = Some(here);
        }
    }
}

pub(super) fn row(scale: AxisScale, plot: Rect, value: f64) -> Option<u16> {
    let t = 1.0 - scale.position_of(value)?;
    Some(plot.y + (t * f64::from(plot.height.max(1) - 1)).round() as u16)
}

/// The corners' numbers at the heights of their values, right of the plot. Where two meet, the better corner's stays.
fn corner_levels(buf: &mut Buffer, scene: &SurfaceScene<'_>, plot: Rect, scale: AxisScale) {
    let metric = scene.view.metric;
    let shift = match (scene.quantity, metric.best_corner_value(scene.run_state.corners.values())) {
        (CellQuantity::Value, _) => 0.0,
        (CellQuantity::Gain, Some(best)) => best,
        _ => return,
    };
    let level = |c: &CornerReady| c.metric_value(metric).map(|v| v - shift);
    let mut corners: Vec<(usize, f64)> = scene
        .run_state
        .corners
        .iter()
        .filter_map(|(&n, c)| Some((n, level(c)?)))
        .filter(|c| c.1 >= scale.lo && c.1 <= scale.hi)
        .collect();
    corners.sort_by(|a, b| metric.score(a.1).total_cmp(&metric.score(b.1)));
    for (corner, value) in corners {
        if let Some(y) = row(scale, plot, value) {
            let style = scene.theme.style(ThemeRole::corner(corner));
            let number = (corner + 1).to_string();
            text::put(buf, plot.right() + 1, y, 1, &number, style);
        }
    }
}
