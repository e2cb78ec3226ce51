//! The two slices through the surface's cursor: the metric along `u` at its `v`, and along `v` at its `u`.

use super::plot::dots::Dots;
use super::plot::text;
use super::scale::{self, Scale};
use super::surface::Scene;
use crate::theme::Role;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};
use surfit_core::heatmap::Metric;
use surfit_core::surface::Patch;

/// Draws the slice along `u` into the first room and that along `v` into the second, on one scale. A curve has no second.
pub(crate) fn draw(buf: &mut Buffer, scene: &Scene<'_>, rooms: [Rect; 2]) {
    let mut slices = vec![Slice::of(scene, true)];
    if scene.heatmap.patch != Patch::Curve {
        slices.push(Slice::of(scene, false));
    }
    let reference = reference(scene);
    let values = slices
        .iter()
        .flat_map(|s| s.values.iter().flatten().copied());
    let scale = Scale::covering(values.chain(reference), false);
    for (slice, room) in slices.iter().zip(rooms) {
        slice.draw(buf, scene, room, scale, reference);
    }
}

/// The value to compare with: that of the best corner, known for accuracy and loss.
fn reference(scene: &Scene<'_>) -> Option<f64> {
    let corners = scene.picture.corners.values();
    match scene.view.metric {
        Metric::Accuracy => scene.picture.best_corner(),
        Metric::Loss => corners
            .map(|c| c.loss)
            .filter(|l| l.is_finite())
            .min_by(f64::total_cmp),
    }
}

struct Slice {
    along_u: bool,
    values: Vec<Option<f64>>,
    cursor: usize,
    fixed: f64,
}

impl Slice {
    fn of(scene: &Scene<'_>, along_u: bool) -> Self {
        let (a, b) = scene.cursor;
        let last = (scene.heatmap.grid - 1) as f64;
        let value = |k: usize| scene.value(scene.index(if along_u { (k, b) } else { (a, k) }));
        let values = (0..scene.heatmap.grid).map(value).collect();
        let (cursor, other) = if along_u { (a, b) } else { (b, a) };
        Self {
            along_u,
            values,
            cursor,
            fixed: other as f64 / last,
        }
    }

    fn draw(
        &self,
        buf: &mut Buffer,
        scene: &Scene<'_>,
        room: Rect,
        scale: Option<Scale>,
        reference: Option<f64>,
    ) {
        let theme = scene.theme;
        let (muted, axis) = (theme.style(Role::Muted), theme.style(Role::Axis));
        if room.height < 3 || room.width < 14 {
            return;
        }
        let (name, other) = if self.along_u { ("u", "v") } else { ("v", "u") };
        let at = match scene.heatmap.patch {
            Patch::Curve => " on the curve".into(),
            _ => format!(" at {other} = {:.2}", self.fixed),
        };
        let title = Line::from(vec![
            Span::styled(" along ", muted),
            Span::styled(name, theme.style(Role::Accent)),
            Span::styled(at, muted),
        ]);
        text::put_line(buf, room.x, room.y, room.width, &title);
        let note = format!("{} best corner", theme.pick("┄┄", "--"));
        let (left, width) = (title.width() as u16, note.chars().count() as u16);
        if reference.is_some() && left + width + 3 <= room.width {
            text::put(buf, room.right() - width, room.y, width, &note, axis);
        }
        let Some(scale) = scale else { return };
        let (low, high) = (label(scene, scale, scale.lo), label(scene, scale, scale.hi));
        let gutter = low.len().max(high.len()) as u16 + 2;
        if gutter + 6 > room.width {
            return;
        }
        let plot = Rect {
            x: room.x + gutter,
            y: room.y + 1,
            width: room.width - gutter,
            height: room.height - 1,
        };
        let pad = usize::from(gutter - 1);
        text::put(buf, room.x, plot.y, gutter, &format!("{high:>pad$}"), axis);
        text::put(
            buf,
            room.x,
            plot.bottom() - 1,
            gutter,
            &format!("{low:>pad$}"),
            axis,
        );
        self.curve(buf, scene, plot, scale, reference);
    }

    fn curve(
        &self,
        buf: &mut Buffer,
        scene: &Scene<'_>,
        plot: Rect,
        scale: Scale,
        reference: Option<f64>,
    ) {
        let theme = scene.theme;
        let across = |k: usize| k as f64 / (self.values.len() - 1).max(1) as f64;
        let row = |value: f64| {
            let t = 1.0 - scale.at(value)?;
            Some(plot.y + (t * f64::from(plot.height - 1)).round() as u16)
        };
        let column = |k: usize| plot.x + (across(k) * f64::from(plot.width - 1)).round() as u16;
        if let Some(y) = reference.and_then(row) {
            let line = theme.pick("┄", "-").repeat(usize::from(plot.width));
            text::put(buf, plot.x, y, plot.width, &line, theme.style(Role::Axis));
        }
        let mut dots = Dots::new(plot.width, plot.height, theme.ascii());
        let mut open: Option<(usize, usize)> = None;
        for (k, value) in self.values.iter().enumerate() {
            // Cells come in from coarse to fine; the line joins those that are there.
            let Some(y) = value.and_then(|v| scale.at(v)) else {
                continue;
            };
            let here = dots.place(across(k), y);
            dots.line(open.unwrap_or(here), here, 0, 0);
            open = Some(here);
        }
        dots.draw(plot, buf, |_| theme.style(Role::CurveSmooth));
        if let Some(y) = self
            .values
            .get(self.cursor)
            .copied()
            .flatten()
            .and_then(row)
        {
            let style = theme.style(Role::Accent).add_modifier(Modifier::BOLD);
            text::put(buf, column(self.cursor), y, 1, theme.pick("◆", "#"), style);
        }
    }
}

fn label(scene: &Scene<'_>, scale: Scale, value: f64) -> String {
    let span = scale.hi - scale.lo;
    match scene.view.metric {
        Metric::Accuracy => {
            let decimals = match 100.0 * span {
                s if s > 20.0 => 0,
                s if s > 0.99 => 1,
                _ => 2,
            };
            format!("{:.decimals$}", 100.0 * value)
        }
        Metric::Loss => scale::number(value, span / 10.0),
    }
}
