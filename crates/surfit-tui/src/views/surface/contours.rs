//! Contour lines over the map, or in its place.

use super::layout::SurfaceLayout;
use super::map;
use super::strokes::StrokeCanvas;
use super::{CellPaint, SurfaceScene};
use crate::theme::ThemeRole;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use serde::{Deserialize, Serialize};
use surfit_core::axis_scale::AxisScale;
use surfit_core::heatmap::ContourSegment;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Contours {
    #[default]
    Off,
    Over,
    Alone,
}

impl Contours {
    pub fn next(self) -> Self {
        match self {
            Contours::Off => Contours::Over,
            Contours::Over => Contours::Alone,
            Contours::Alone => Contours::Off,
        }
    }
}

/// Levels of contour lines: natural numbers within the range, the more the larger the map. Differences have zero among
/// them.
pub(super) fn contour_levels(scene: &SurfaceScene<'_>, rows: u16) -> Vec<f64> {
    let scale = AxisScale { lo: scene.range.lo, hi: scene.range.hi, log: false };
    let most = usize::from(rows / 3).clamp(3, 9);
    scale.ticks(most).into_iter().map(|t| t.0).collect()
}

/// Draws the lines, and gives their labels, to be written when what is in the cells has been. `alone`: no colours lie below
/// them.
pub(super) fn draw(
    buf: &mut Buffer,
    scene: &SurfaceScene<'_>,
    layout: &SurfaceLayout,
    alone: bool,
) -> Vec<(Rect, String, Style)> {
    let map = layout.map;
    if map.width < 4 || map.height < 2 {
        return Vec::new();
    }
    // Where cells are not measured yet, lines continue as the cells around suggest.
    let field = scene.field.fill_missing(|i| scene.heatmap.contains_cell(i));
    let levels = contour_levels(scene, map.height);
    let lines: Vec<Vec<ContourSegment>> = levels
        .iter()
        .map(|&level| field.contour_segments(level))
        .map(|line| {
            line.into_iter()
                .map(|s| s.map(|p| layout.position_in_map(p)))
                .filter(|s| s.iter().any(|&p| is_inside_map(map, p)))
                .collect()
        })
        .collect();
    let mut strokes = StrokeCanvas::new(map.width, map.height, scene.theme.is_ascii());
    for (ink, line) in lines.iter().enumerate() {
        for &[from, to] in line {
            strokes.line(from, to, ink as u16);
        }
    }
    let pen = ContourPen { scene, alone };
    strokes.draw(map, buf, |buf, at, ink| pen.style(buf, at, *levels.get(usize::from(ink))?));
    if scene.view.show_values && layout.pixels >= 2 * layout.grid {
        // The cells' own figures are more precise, and the two together could not be read.
        return Vec::new();
    }
    // Labels do not cover the cursor and the best points.
    let grid = scene.heatmap.grid;
    let marked = scene.best.iter().chain(&scene.peaks);
    let mut taken: Vec<Rect> =
        marked.map(|&i| layout.cell_area((i / grid, i % grid))).chain([layout.cell_area(scene.cursor)]).collect();
    let mut labels = Vec::new();
    for (line, &level) in lines.iter().zip(&levels) {
        let label = scene.range.label(level);
        let width = label.chars().count() as u16;
        let Some(room) = label_area(line, map, width, &taken) else {
            continue;
        };
        let middle = (room.x + room.width / 2, room.y);
        if let Some(style) = pen.style(buf, middle, level) {
            let style = style.add_modifier(Modifier::BOLD);
            taken.push(room);
            labels.push((room, label, style));
        }
    }
    labels
}

/// True when a place, in characters from the map's upper left, is in it.
fn is_inside_map(map: Rect, (x, y): (f64, f64)) -> bool {
    (0.0..=f64::from(map.width)).contains(&x) && (0.0..=f64::from(map.height)).contains(&y)
}

struct ContourPen<'a> {
    scene: &'a SurfaceScene<'a>,
    alone: bool,
}

impl ContourPen<'_> {
    /// How a line of that level looks at a place: in the level's colour when alone, else dark on light or light on dark.
    /// `None` where half of the character is outside the map: it has no third colour for a line.
    fn style(&self, buf: &Buffer, at: (u16, u16), level: f64) -> Option<Style> {
        let theme = self.scene.theme;
        if CellPaint::of(theme) == CellPaint::Glyphs {
            return Some(theme.style(ThemeRole::CurveSmooth));
        }
        if self.alone {
            // The darkest colours of a map would be lost on a dark ground, and the lightest on a light one.
            let (ground, colour) = (theme.background_rgb(), map::fresh_color(self.scene, level));
            let ink = map::mix_colors(colour, map::contrast_color(ground), 0.25);
            return Some(Style::new().fg(theme.rgb(ink)));
        }
        let cell = buf.cell(at)?;
        let beside = [Color::Reset, theme.rgb(theme.background_rgb())].contains(&cell.bg);
        if beside && ["▀", "▄"].contains(&cell.symbol()) {
            return None;
        }
        let ground = match (cell.symbol(), rgb(cell.fg), rgb(cell.bg)) {
            ("▀" | "▄", Some(a), Some(b)) => map::mix_colors(a, b, 0.5),
            (_, _, Some(b)) => b,
            _ => return Some(theme.style(ThemeRole::Axis)),
        };
        let ink = map::mix_colors(map::contrast_color(ground), ground, 0.15);
        Some(Style::new().fg(theme.rgb(ink)).bg(theme.rgb(ground)))
    }
}

fn rgb(colour: Color) -> Option<map::Rgb> {
    match colour {
        Color::Rgb(r, g, b) => Some((r, g, b)),
        Color::Indexed(index) => Some(crate::color::palette_256(index)),
        _ => None,
    }
}

/// Where the label of a line goes: into a piece that runs level, away from the map's edges and from other labels; `None`
/// when the line is too short or there is no such piece.
fn label_area(line: &[ContourSegment], map: Rect, width: u16, taken: &[Rect]) -> Option<Rect> {
    let length: f64 = line.iter().map(|[p, q]| (p.0 - q.0).hypot(2.0 * (p.1 - q.1))).sum();
    if length < 3.0 * f64::from(width) || map.width < 3 * width || map.height < 5 {
        return None;
    }
    let room = |[p, q]: &ContourSegment| {
        let (x, y) = ((p.0 + q.0) / 2.0, (p.1 + q.1) / 2.0);
        let left = x - f64::from(width) / 2.0;
        let inside = left >= 1.0
            && left + f64::from(width) + 1.0 <= f64::from(map.width)
            && y >= 1.0
            && y + 1.0 <= f64::from(map.height);
        inside.then(|| Rect::new(map.x + left as u16, map.y + y as u16, width, 1))
    };
    let steep = |[p, q]: &ContourSegment| {
        let (dx, dy) = ((p.0 - q.0).abs(), 2.0 * (p.1 - q.1).abs());
        dy / (dx + dy).max(1e-9)
    };
    let free = |r: &Rect| {
        let wide = Rect { x: r.x.saturating_sub(2), y: r.y.saturating_sub(1), width: r.width + 4, height: 3 };
        taken.iter().all(|t| !t.intersects(wide))
    };
    line.iter()
        .filter_map(|s| Some((steep(s), room(s)?)))
        .filter(|(_, r)| free(r))
        .min_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, r)| r)
}
