//! The plot of loss curves with its curves as a picture: the rest is text, around the picture.

use super::columns;
use super::curve_plot::CurvePlot;
use super::curves::{CurveOwner, CurveSpan};
use crate::images::{PictureSketch, Raster};
use crate::theme::{Theme, ThemeRole};
use crate::views::surface::mix_colors;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Pixels of a character, as many as the picture has.
pub(crate) type PixelUnit = (f64, f64);

impl CurvePlot {
    /// Draws the frame around the curves, and keeps their area empty. The row above it is for the degrees.
    pub fn draw_around(&self, buf: &mut Buffer, theme: &Theme) {
        if self.area.is_empty() {
            return;
        }
        self.draw_axes(buf, theme);
        self.draw_phases(buf, theme);
        self.draw_rates(buf, theme);
        clear_area(buf, theme, self.area);
        if self.area.y > 0 {
            let mut above = self.clone();
            above.area = Rect { y: self.area.y - 1, height: 1, ..self.area };
            above.draw_degree_labels(buf, theme);
        }
    }

    /// The curves as a picture of `unit` pixels a character, with the cursor at its place along the axis.
    pub(crate) fn sketch(&self, theme: &Theme, unit: PixelUnit, cursor: Option<f64>) -> Raster {
        let room = self.area;
        let size = [(room.width, unit.0), (room.height, unit.1)].map(|(n, u)| (f64::from(n) * u) as usize);
        let ground = theme.background_rgb();
        let mut sketch = PictureSketch::new((size[0], size[1]), ground);
        // Places are those of the characters round the picture: their middles.
        let along = |n: u16, unit: f64, t: f64| unit * (0.5 + t * f64::from(n.max(1) - 1));
        let x = |at: f64| along(room.width, unit.0, self.x.position_of(at).unwrap_or(0.0));
        let y = |value: f64| self.y.position_of(value).map_or(f64::NAN, |t| along(room.height, unit.1, 1.0 - t));
        let (wide, high) = (size[0] as f64, size[1] as f64);
        let pen = (unit.1 / 16.0).max(0.7);
        let most = usize::from(room.height / 3).clamp(2, 7);
        let faint = mix_colors(ground, theme.foreground_rgb(ThemeRole::Axis), 0.35);
        for (value, _) in self.y.ticks(most) {
            sketch.line((0.0, y(value)), (wide, y(value)), pen, faint);
        }
        for (at, _) in &self.phases {
            sketch.dashes(&[(x(*at), 0.0), (x(*at), high)], pen, faint);
        }
        for (at, _) in &self.degrees {
            sketch.dashes(&[(x(*at), 0.0), (x(*at), high)], pen, theme.foreground_rgb(ThemeRole::Axis));
        }
        let columns = (unit.0 * f64::from(room.width.max(1) - 1)) as usize + 1;
        let across = |column: usize| 0.5 * unit.0 + column as f64;
        let path = |reduced: &[columns::CurveColumn]| -> Vec<(f64, f64)> {
            let spot = |c: &columns::CurveColumn| line_positions(c.after_gap, (across(c.column), y(c.last)));
            reduced.iter().flat_map(spot).collect()
        };
        for (n, trace) in self.traces.iter().enumerate() {
            // Several raw curves over each other are noise; then only the one that grows keeps its own.
            if self.smooth && n + 1 < self.traces.len() {
                continue;
            }
            let reduced = columns::reduce(&trace.samples, &self.x, columns, |s| s.range);
            let color = match self.smooth {
                true => mix_colors(ground, theme.foreground_rgb(ThemeRole::CurveRaw), 0.6),
                false => theme.foreground_rgb(self.trace_role(n)),
            };
            for c in &reduced {
                sketch.draw_column(across(c.column), (y(c.high), y(c.low)), color, 1.0);
            }
            sketch.path(&path(&reduced), pen, color);
        }
        // Over what is raw of any of them.
        for (n, trace) in self.traces.iter().enumerate().filter(|_| self.smooth) {
            let reduced = columns::reduce(&trace.samples, &self.x, columns, CurveSpan::smooth_range);
            let color = theme.foreground_rgb(self.trace_role(n));
            match trace.name {
                CurveOwner::Other(_) => sketch.dashes(&path(&reduced), 1.5 * pen, color),
                CurveOwner::Own(_) => sketch.path(&path(&reduced), 1.9 * pen, color),
            }
        }
        self.sketch_points(&mut sketch, theme, pen, &x, &y);
        for sample in self.traces.iter().flat_map(|t| &t.samples).filter(|s| s.has_nonfinite) {
            if self.visible_cursor(sample.x).is_some() {
                let foot = (high - 6.0 * pen, high);
                sketch.line(
                    (x(sample.x), foot.0),
                    (x(sample.x), foot.1),
                    2.0 * pen,
                    theme.foreground_rgb(ThemeRole::Error),
                );
            }
        }
        if let Some(at) = cursor.and_then(|c| self.visible_cursor(c)) {
            sketch.line((x(at), 0.0), (x(at), high), 1.2 * pen, theme.foreground_rgb(ThemeRole::Accent));
        }
        sketch.raster()
    }

    /// Draws the validation measurements as points.
    fn sketch_points(
        &self,
        sketch: &mut PictureSketch,
        theme: &Theme,
        pen: f64,
        x: &dyn Fn(f64) -> f64,
        y: &dyn Fn(f64) -> f64,
    ) {
        let radius = if self.has_crowded_validations() { 1.8 * pen } else { 2.8 * pen };
        for (n, trace) in self.traces.iter().enumerate() {
            let role = match trace.name {
                CurveOwner::Own(_) if !self.has_several_curves() => ThemeRole::CurveValidation,
                _ => self.trace_role(n),
            };
            for (at, v) in &trace.validations {
                sketch.point((x(*at), y(v.loss)), radius, theme.foreground_rgb(role), theme.background_rgb());
            }
        }
    }
}

/// A place of a line, after a gap when it is apart from the one before.
fn line_positions(apart: bool, at: (f64, f64)) -> impl Iterator<Item = (f64, f64)> {
    let gap = apart.then_some((f64::NAN, f64::NAN));
    gap.into_iter().chain([at])
}

/// Clears an area for a picture.
pub(crate) fn clear_area(buf: &mut Buffer, theme: &Theme, room: Rect) {
    for at in room.intersection(*buf.area()).positions() {
        buf[at].reset();
        buf[at].set_style(theme.style(ThemeRole::Background));
    }
}
