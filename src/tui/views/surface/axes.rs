//! Labels round the map: the parameters `u` and `v`, the cursor's place on them, the corners with their accuracy.

use super::Scene;
use super::layout::Layout;
use crate::theme::Role;
use crate::views::plot::text;
use ratatui::buffer::Buffer;
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};
use surfit_core::surface::Patch;

/// Draws the labels that the layout has room for.
pub fn draw(buf: &mut Buffer, scene: &Scene<'_>, layout: &Layout) {
    if layout.map.is_empty() {
        return;
    }
    if layout.axis {
        if scene.heatmap.patch != Patch::Curve {
            along_v(buf, scene, layout);
        }
        along_u(buf, scene, layout);
    }
    if layout.corners {
        corners(buf, scene, layout);
    }
}

const LABELS: [(f64, &str); 3] = [(0.0, "0"), (0.5, "0.5"), (1.0, "1")];

fn along_v(buf: &mut Buffer, scene: &Scene<'_>, layout: &Layout) {
    let (axis, map) = (scene.theme.style(Role::Axis), layout.map);
    let left = map.x - layout.gutter;
    let width = layout.gutter - 1;
    let row = |b: usize| {
        let room = layout.characters((0, b));
        room.y + (room.height - 1) / 2
    };
    let last = layout.grid - 1;
    let mut taken = Vec::new();
    for (v, label) in LABELS {
        let y = row((v * last as f64).round() as usize);
        if taken.contains(&y) {
            continue;
        }
        taken.push(y);
        let pad = usize::from(width);
        text::put(buf, left, y, width, &format!("{label:>pad$}"), axis);
    }
    let name = row(last - last / 4);
    if !taken.contains(&name) {
        text::put(buf, left, name, width, scene.theme.pick("v ↑", "  v"), axis);
    }
    let arrow = scene.theme.pick("▸", ">");
    let style = scene.theme.style(Role::Accent);
    text::put(buf, map.x - 1, row(scene.cursor.1), 1, arrow, style);
}

fn along_u(buf: &mut Buffer, scene: &Scene<'_>, layout: &Layout) {
    let (axis, map) = (scene.theme.style(Role::Axis), layout.map);
    let y = map.bottom();
    let column = |a: usize| {
        let room = layout.characters((a, 0));
        room.x + (room.width - 1) / 2
    };
    let last = layout.grid - 1;
    let cursor = column(scene.cursor.0);
    let arrow = scene.theme.pick("▴", "^");
    text::put(buf, cursor, y, 1, arrow, scene.theme.style(Role::Accent));
    let mut taken = vec![(cursor, cursor + 1)];
    let name = scene.theme.pick("u →", "u");
    let labels = LABELS.into_iter().chain([(0.75, name)]);
    for (u, label) in labels {
        let width = label.chars().count() as u16;
        let x = column((u * last as f64).round() as usize).saturating_sub(width / 2);
        let free = taken.iter().all(|&(a, b)| x + width < a + 1 || x > b);
        if free && x + width <= map.right() + 1 {
            taken.push((x, x + width));
            text::put(buf, x, y, width, label, axis);
        }
    }
}

fn corners(buf: &mut Buffer, scene: &Scene<'_>, layout: &Layout) {
    let map = layout.map;
    let best = scene.picture.best_corner();
    for corner in 0..scene.heatmap.patch.corners() {
        let Some(ready) = scene.picture.corners.get(&corner) else {
            continue;
        };
        let style = scene.theme.style(Role::corner(corner));
        let value = text::percent(ready.accuracy, 2);
        let mut figure = scene.theme.style(Role::Text);
        if Some(ready.accuracy) == best {
            figure = figure.add_modifier(Modifier::BOLD);
        }
        let number = Span::styled((corner + 1).to_string(), style.add_modifier(Modifier::BOLD));
        let (left, top) = (corner % 2 == 0, corner >= 2);
        let line = Line::from(if left {
            vec![number, Span::raw(" "), Span::styled(value, figure)]
        } else {
            vec![Span::styled(value, figure), Span::raw(" "), number]
        });
        let width = line.width() as u16;
        let x = if left {
            map.x
        } else {
            map.right().saturating_sub(width)
        };
        let y = if top {
            map.y.saturating_sub(1)
        } else {
            map.bottom() + u16::from(layout.axis)
        };
        text::put_line(buf, x, y, width, &line);
    }
}
