//! One control point as a tile, in as many characters as there are.

use super::super::PointState;
use super::super::tile_values::{Figure, FigureSpan, TileAccuracy, figure_value, fit_number};
use crate::theme::{ColorDepth, Theme, ThemeRole};
use crate::views::plot::sparkline::{bars, sparkline};
use crate::views::plot::text;
use crate::views::surface::{contrast_color, mix_colors};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use surfit_core::snapshot::ControlPoint;

pub(super) struct PointTile<'a> {
    pub theme: &'a Theme,
    pub point: &'a ControlPoint,
    /// Its number among the corners, when it is one.
    pub corner: Option<usize>,
    pub accuracy: Option<TileAccuracy>,
    pub state: PointState,
    pub scale: FigureSpan,
    pub selected: bool,
}

impl PointTile<'_> {
    fn value(&self) -> Option<f64> {
        figure_value(self.scale.figure, self.point, self.accuracy)
    }

    /// The tile's ground: the larger the figure, the farther along the colour map. In sixteen steps, so that a running fit
    /// does not repaint it with every snapshot.
    fn background_color(&self) -> Option<(u8, u8, u8)> {
        if self.theme.depth() < ColorDepth::Ansi256 {
            return None;
        }
        let below = self.theme.background_rgb();
        let share = self.scale.fraction(self.value());
        if !share.is_finite() {
            return Some(mix_colors(below, contrast_color(below), 0.07));
        }
        let t = 0.15 + 0.75 * (share * 16.0).round() / 16.0;
        Some(mix_colors(below, self.theme.colormap().color_at(t), 0.45))
    }

    pub fn draw(&self, buf: &mut Buffer, room: Rect) {
        let theme = self.theme;
        // The first column is for the sign of selection; tiles too narrow to spare it are turned inside out instead.
        let roomy = room.width >= 5;
        let (x, width) = if roomy { (room.x + 1, room.width - 1) } else { (room.x, room.width) };
        let height = if room.height >= 4 { room.height - 1 } else { room.height };
        let (glyph, role) = self.state.sign(theme);
        let (mut plain, mut faint, mut lead) =
            (theme.style(ThemeRole::Text), theme.style(ThemeRole::Muted), theme.style(role));
        if let Some(ground) = self.background_color() {
            let (ink, ground_colour) = (contrast_color(ground), theme.rgb(ground));
            plain = Style::new().fg(theme.rgb(ink)).bg(ground_colour);
            faint = Style::new().fg(theme.rgb(mix_colors(ink, ground, 0.35))).bg(ground_colour);
            lead = lead.bg(ground_colour);
        }
        lead = lead.add_modifier(Modifier::BOLD);
        if self.selected {
            plain = plain.add_modifier(Modifier::BOLD);
        }
        for y in room.y..room.y + height {
            text::put(buf, x, y, width, &" ".repeat(usize::from(width)), plain);
        }
        if roomy {
            let mark = if self.selected { theme.pick_glyph("▐", "[") } else { " " };
            for y in room.y..room.y + height {
                text::put(buf, room.x, y, 1, mark, theme.style(ThemeRole::Accent));
            }
            text::put(buf, x, room.y, 1, glyph, lead);
            let lines = self.lines(usize::from(width - 2), height);
            for (n, line) in lines.iter().enumerate() {
                let style = if n == 0 { plain } else { faint };
                text::put(buf, x + 2, room.y + n as u16, width - 2, line, style);
            }
        } else {
            let turned = if self.selected { theme.style(ThemeRole::Cursor) } else { lead };
            text::put(buf, x, room.y, width, glyph, turned);
            if width > 1 {
                let style = if self.selected { turned } else { plain };
                text::put(buf, x + 1, room.y, width - 1, &self.digits(width - 1), style);
            }
        }
    }

    /// The number of a corner that is never trained: it has no figures but its accuracy.
    fn fixed_corner(&self) -> Option<usize> {
        self.corner.filter(|_| self.point.corner)
    }

    /// One to three characters of what is known: a fixed corner's number, the figure where two fit, else its tenths of the
    /// most.
    fn digits(&self, room: u16) -> String {
        let figure = self.scale.figure;
        if let Some(corner) = self.fixed_corner().filter(|_| figure != Figure::Accuracy) {
            return (corner + 1).to_string();
        }
        match self.value() {
            Some(_) if room >= 2 && figure == Figure::Accuracy => self.fit_accuracy(room.into()),
            Some(value) if room >= 2 => self.scale.text(value, room.into()),
            value => match self.scale.fraction(value) {
                share if share.is_finite() => format!("{:.0}", (share * 10.0).floor().min(9.0)),
                _ => "?".into(),
            },
        }
    }

    /// The tile's rows beside the sign, in `room` columns, most important first.
    fn lines(&self, room: usize, height: u16) -> Vec<String> {
        if height > 4 {
            return self.all_lines(room, height);
        }
        if let Some(corner) = self.fixed_corner() {
            let number = (corner + 1).to_string();
            let rest = self.fit_accuracy(room.saturating_sub(number.len() + 1));
            return match height {
                1 if rest.len() > 2 => vec![format!("{number} {rest}")],
                1 if self.scale.figure == Figure::Accuracy => vec![self.fit_accuracy(room)],
                1 => vec![number],
                _ => vec![number, self.fit_accuracy(room)],
            };
        }
        let (first, second) = (self.first_line(room), self.second());
        match height {
            1 if room >= 11 && first.chars().count() + 2 < room => {
                let history = self.history(room - first.chars().count() - 2);
                vec![format!("{first} {history}")]
            }
            1 => vec![first],
            2 if room >= 12 => {
                let second = self.figure_text(second, room);
                let rest = room.saturating_sub(second.chars().count() + 2);
                vec![first, format!("{second} {}", self.history(rest))]
            }
            2 => vec![first, self.history(room.saturating_sub(1))],
            _ => {
                let history = self.history(room.saturating_sub(1));
                vec![first, self.figure_text(second, room), history]
            }
        }
    }

    /// The figure that was chosen, behind the number of a corner where both fit.
    fn first_line(&self, room: usize) -> String {
        let figure = self.figure_text(self.scale.figure, room);
        match self.corner {
            Some(corner) if figure.chars().count() + 2 <= room => format!("{} {figure}", corner + 1),
            _ => figure,
        }
    }

    fn second(&self) -> Figure {
        match self.scale.figure {
            Figure::Travelled => Figure::Gradient,
            _ => Figure::Travelled,
        }
    }

    /// A figure in `room` characters, with a sign where it is not the first of the tile.
    fn figure_text(&self, figure: Figure, room: usize) -> String {
        let of = |value: f64, room: usize| match figure == self.scale.figure {
            true => self.scale.text(value, room),
            false => fit_number(value, room),
        };
        match figure {
            Figure::Travelled => of(self.point.travelled, room),
            Figure::Accuracy => self.fit_accuracy(room),
            Figure::Gradient if room < 7 && self.scale.figure == figure => of(self.point.gradient, room),
            Figure::Gradient => {
                let nabla = self.theme.pick_glyph("∇", "g");
                format!("{nabla} {}", of(self.point.gradient, room.saturating_sub(2)))
            }
        }
    }

    fn fit_accuracy(&self, room: usize) -> String {
        let ascii = self.theme.is_ascii();
        self.accuracy.map_or_else(String::new, |a| {
            // Where only a whole percentage fits, a hundred does not.
            match a.text(room, ascii) {
                text if text.is_empty() && room >= 2 && !a.approximate => "99".into(),
                text => text,
            }
        })
    }

    /// All figures, each with its name where names fit.
    fn all_lines(&self, room: usize, height: u16) -> Vec<String> {
        let point = self.point;
        let named = |name: &str, value: String| {
            let full = format!("{name:<11}{value}");
            match full.chars().count() <= room {
                true => full,
                false => value,
            }
        };
        let accuracy = match self.fit_accuracy(if room >= 19 { 8 } else { room }) {
            none if none.is_empty() => none,
            text => named("accuracy", text),
        };
        let state = self.state.name();
        let who = |short: String| {
            let full = format!("{short} {state}");
            match full.chars().count() <= room {
                true => full,
                false => short,
            }
        };
        let name = match self.corner {
            Some(corner) => format!("corner {}", corner + 1),
            None => format!("({}, {})", point.i, point.j),
        };
        if point.corner {
            return vec![who(name), accuracy];
        }
        let mut out = vec![
            who(name),
            named("travelled", fit_number(point.travelled, room)),
            named("gradient", fit_number(point.gradient, room)),
        ];
        if point.gradients.is_empty() {
            out.push(accuracy);
            return out;
        }
        let rows = usize::from(height).saturating_sub(5).max(1);
        let skip = point.gradients.len().saturating_sub(room.saturating_sub(1));
        let shown = &point.gradients[skip..];
        let finite = shown.iter().copied().filter(|g| g.is_finite());
        let most = finite.fold(0.0, f32::max);
        out.extend(bars(shown, most.into(), rows, self.theme.glyphs()));
        out.push(accuracy);
        out
    }

    /// The latest `width` of the gradients.
    fn history(&self, width: usize) -> String {
        sparkline(&self.point.gradients, width.min(32), self.theme.glyphs())
    }
}
