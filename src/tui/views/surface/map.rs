//! The map itself: cells, and what is marked in them.

use super::layout::Layout;
use super::{Paint, Scene};
use crate::theme::{Role, Theme};
use crate::views::plot::text;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use surfit_core::colormap::contrast;
use surfit_core::heatmap::Metric;
use surfit_core::surface::Patch;

/// Red, green and blue.
type Rgb = (u8, u8, u8);

/// Density from worst to best, where colours are not to be had.
const SHADES: [char; 4] = ['░', '▒', '▓', '█'];
/// The same in ASCII.
const RAMP: [char; 9] = ['.', ':', '-', '=', '+', '*', '#', '%', '@'];

/// The sign of a cell that was measured on an older surface.
pub fn stale_glyph(theme: &Theme) -> &'static str {
    theme.pick("·", "'")
}

/// The glyph for `t`, 0 to 1, where colours are not to be had.
pub fn density(theme: &Theme, t: f64) -> char {
    let glyphs: &[char] = if theme.ascii() { &RAMP } else { &SHADES };
    glyphs[((t * glyphs.len() as f64) as usize).min(glyphs.len() - 1)]
}

/// Draws cells and marks.
pub fn draw(buf: &mut Buffer, scene: &Scene<'_>, layout: &Layout) {
    if layout.pixels == 0 {
        return;
    }
    let canvas = Canvas {
        scene,
        layout,
        paint: Paint::of(scene.theme),
    };
    canvas.cells(buf);
    canvas.inscriptions(buf);
    canvas.corner_digits(buf);
    canvas.marks(buf);
    canvas.best(buf);
    canvas.cursor(buf);
}

/// The colour of a measured cell: the colour map's, paler the older the surface it was measured on; `None` while it has
/// no value.
///
/// The age goes in three steps, so that a running fit does not repaint the whole map with every step.
pub fn colour(scene: &Scene<'_>, index: usize) -> Option<Rgb> {
    let full = scene
        .theme
        .colormap()
        .at(scene.range.at(scene.value(index)?));
    if !scene.heatmap.is_stale(index) {
        return Some(full);
    }
    let steps = scene
        .picture
        .snapshot
        .as_ref()
        .map_or(0, |s| s.fit_total)
        .max(1);
    let age = scene.heatmap.version - scene.heatmap.cells[index].version;
    let pale = match age as f64 / steps as f64 {
        a if a < 0.05 => 0.12,
        a if a < 0.25 => 0.25,
        _ => 0.40,
    };
    Some(mix(full, scene.theme.background(), pale))
}

/// A colour between `a` and `b`: `a` at 0, `b` at 1.
pub fn mix(a: Rgb, b: Rgb, t: f64) -> Rgb {
    let one = |a: u8, b: u8| (f64::from(a) + t * (f64::from(b) - f64::from(a))).round() as u8;
    (one(a.0, b.0), one(a.1, b.1), one(a.2, b.2))
}

/// Black or white, whichever reads better on `ground`.
pub fn ink_on(ground: Rgb) -> Rgb {
    let (black, white) = ((0, 0, 0), (255, 255, 255));
    if contrast(black, ground) >= contrast(white, ground) {
        black
    } else {
        white
    }
}

/// What a pixel shows.
enum Pixel {
    /// Nothing: it lies beside the surface.
    Beside,
    /// A cell without a value.
    Unmeasured,
    /// A cell's colour.
    Measured(Color),
}

struct Canvas<'a> {
    scene: &'a Scene<'a>,
    layout: &'a Layout,
    paint: Paint,
}

impl Canvas<'_> {
    fn theme(&self) -> &Theme {
        self.scene.theme
    }

    fn cells(&self, buf: &mut Buffer) {
        let map = self.layout.map;
        for y in 0..map.height {
            for x in 0..map.width {
                let u = self.layout.cell_of_pixel(x.into());
                let upper = self.shown((u, self.layout.row_cell(2 * usize::from(y))));
                let below = 2 * usize::from(y) + 1;
                let lower = (below < self.layout.pixels)
                    .then(|| self.shown((u, self.layout.row_cell(below))));
                let Some(cell) = buf.cell_mut((map.x + x, map.y + y)) else {
                    continue;
                };
                let (glyph, style) = match self.paint {
                    Paint::Halves => self.halves(upper, lower),
                    Paint::Whole => self.whole(upper),
                    Paint::Glyphs => self.glyph(upper),
                };
                cell.set_char(glyph).set_style(style);
            }
        }
    }

    /// The index of the cell that is drawn at a cell's place: a curve is drawn over the whole height.
    fn shown(&self, (a, b): (usize, usize)) -> usize {
        match self.scene.heatmap.patch {
            Patch::Curve => self.scene.index((a, 0)),
            _ => self.scene.index((a, b)),
        }
    }

    /// The characters of a cell; of a curve, the whole height.
    fn room(&self, cell: (usize, usize)) -> Rect {
        let room = self.layout.characters(cell);
        match self.scene.heatmap.patch {
            Patch::Curve => Rect {
                y: self.layout.map.y,
                height: self.layout.map.height,
                ..room
            },
            _ => room,
        }
    }

    fn pixel(&self, index: usize) -> Pixel {
        if !self.scene.heatmap.holds(index) {
            return Pixel::Beside;
        }
        match colour(self.scene, index) {
            Some(c) => Pixel::Measured(self.theme().rgb(c)),
            None => Pixel::Unmeasured,
        }
    }

    /// Two pixels in a character. Equal ones are a space on their colour, which is a third of the bytes.
    fn halves(&self, upper: usize, lower: Option<usize>) -> (char, Style) {
        use Pixel::{Beside, Measured, Unmeasured};
        let lower = lower.map_or(Beside, |lower| self.pixel(lower));
        match (self.pixel(upper), lower) {
            (Measured(a), Measured(b)) if a == b => (' ', Style::new().bg(a)),
            (Measured(a), Measured(b)) => ('▀', Style::new().fg(a).bg(b)),
            (Measured(a), _) => ('▀', Style::new().fg(a)),
            (_, Measured(b)) => ('▄', Style::new().fg(b)),
            (Unmeasured, Unmeasured) => ('░', self.theme().style(Role::Unmeasured)),
            _ => (' ', Style::new()),
        }
    }

    fn whole(&self, index: usize) -> (char, Style) {
        match self.pixel(index) {
            Pixel::Measured(c) => (' ', Style::new().bg(c)),
            Pixel::Unmeasured => ('.', self.theme().style(Role::Unmeasured)),
            Pixel::Beside => (' ', Style::new()),
        }
    }

    fn glyph(&self, index: usize) -> (char, Style) {
        let theme = self.theme();
        let Some(value) = self.scene.value(index) else {
            return (' ', theme.style(Role::Unmeasured));
        };
        let role = if self.scene.heatmap.is_stale(index) {
            Role::Stale
        } else {
            Role::Text
        };
        (
            density(theme, self.scene.range.at(value)),
            theme.style(role),
        )
    }

    /// Style of letters in a cell, readable on whatever colour it has.
    fn ink(&self, index: usize) -> Style {
        match (self.paint, colour(self.scene, index)) {
            (Paint::Glyphs, _) | (_, None) => self.theme().style(Role::Text),
            (_, Some(c)) => Style::new()
                .fg(self.theme().rgb(ink_on(c)))
                .bg(self.theme().rgb(c)),
        }
    }

    fn write(&self, buf: &mut Buffer, x: u16, y: u16, text: &str, style: Style) {
        let room = self.layout.map;
        if room.contains((x, y).into()) {
            text::put(buf, x, y, room.right() - x, text, style);
        }
    }

    /// Figures, digits and signs of age in the cells.
    fn inscriptions(&self, buf: &mut Buffer) {
        let grid = self.layout.grid;
        if self.layout.pixels < 2 * grid {
            return;
        }
        for index in self.scene.heatmap.inside() {
            let room = self.room((index / grid, index % grid));
            let (x, y) = middle(room);
            let measured = self.scene.heatmap.cells[index].images > 0;
            let Some(value) = self.scene.value(index) else {
                if measured {
                    self.write(buf, x, y, "!", self.theme().style(Role::Error));
                }
                continue;
            };
            let (ink, stale) = (self.ink(index), self.scene.heatmap.is_stale(index));
            let figure = if self.scene.view.numbers {
                self.figure(value, room.width)
            } else {
                None
            };
            if let Some(figure) = figure {
                let left = room.x + (room.width - figure.len() as u16) / 2;
                self.write(buf, left, y, &figure, ink);
                if stale && room.height > 1 {
                    let row = if y + 1 < room.bottom() { y + 1 } else { y - 1 };
                    self.write(buf, x, row, stale_glyph(self.theme()), ink);
                }
            } else if self.paint == Paint::Glyphs {
                let digit = self.scene.range.digit(value).to_string();
                let ink = self.on_density(ink, value);
                self.write(buf, x, y, &digit, ink.add_modifier(Modifier::BOLD));
                if stale && room.width > 1 {
                    self.write(buf, x + 1, y, stale_glyph(self.theme()), ink);
                }
            } else if stale {
                self.write(buf, x, y, stale_glyph(self.theme()), ink);
            }
        }
    }

    /// Letters on dense glyphs are turned inside out: dark on light, as their surroundings.
    fn on_density(&self, ink: Style, value: f64) -> Style {
        let blocks = self.paint == Paint::Glyphs && !self.theme().ascii();
        let dense = blocks && self.scene.range.at(value) >= 0.5;
        if dense {
            ink.add_modifier(Modifier::REVERSED)
        } else {
            ink
        }
    }

    /// The row of a cell's figure, when it has one.
    fn figure_row(&self, index: usize, room: Rect) -> Option<u16> {
        let value = self
            .scene
            .value(index)
            .filter(|_| self.scene.view.numbers)?;
        self.figure(value, room.width).map(|_| middle(room).1)
    }

    /// The value with as many decimals as fit; `None` when not even the shortest form does.
    fn figure(&self, value: f64, width: u16) -> Option<String> {
        let value = if self.scene.view.metric == Metric::Accuracy {
            100.0 * value
        } else {
            value
        };
        // A gap keeps neighbours apart, except in cells that hold two digits exactly.
        let fits =
            |text: &String| text.len() < usize::from(width) || (text.len() == 2 && width == 2);
        [2, 1, 0]
            .into_iter()
            .map(|d| format!("{value:.d$}"))
            .find(fits)
    }

    /// The corners' numbers, in the outermost character of their cells.
    fn corner_digits(&self, buf: &mut Buffer) {
        let last = self.layout.grid - 1;
        if self.layout.pixels < 2 * self.layout.grid {
            return;
        }
        for corner in 0..self.scene.heatmap.patch.corners() {
            let (a, b) = ((corner % 2) * last, (corner / 2) * last);
            let room = self.room((a, b));
            let x = if a == 0 { room.x } else { room.right() - 1 };
            let (outer, inner) = if b == 0 {
                (room.bottom() - 1, room.y)
            } else {
                (room.y, room.bottom() - 1)
            };
            // Beside the figure or the digit of its value, never in it.
            let figure = match self.paint {
                Paint::Glyphs => Some(middle(room).1),
                _ => self.figure_row(self.scene.index((a, b)), room),
            };
            let Some(y) = [outer, inner].into_iter().find(|y| Some(*y) != figure) else {
                continue;
            };
            let style = self
                .ink(self.scene.index((a, b)))
                .add_modifier(Modifier::BOLD);
            self.write(buf, x, y, &(corner + 1).to_string(), style);
        }
    }

    fn marks(&self, buf: &mut Buffer) {
        let Some(snapshot) = &self.scene.picture.snapshot else {
            return;
        };
        for &(u, v) in &snapshot.marks {
            if u.is_finite() && v.is_finite() {
                let index = self.scene.heatmap.nearest(u, v);
                self.sign(buf, index, self.theme().pick("◇", "m"));
            }
        }
    }

    fn best(&self, buf: &mut Buffer) {
        if let Some(index) = self.scene.best {
            self.sign(buf, index, self.theme().pick("★", "*"));
        }
    }

    /// A sign in the middle of a cell, beside its figure where there is one.
    fn sign(&self, buf: &mut Buffer, index: usize, sign: &str) {
        let cell = (index / self.layout.grid, index % self.layout.grid);
        let room = self.room(cell);
        let (x, mut y) = middle(room);
        let style = self.ink(index).add_modifier(Modifier::BOLD);
        if self.figure_row(index, room).is_some() && room.height > 1 {
            y = if y + 1 < room.bottom() { y + 1 } else { y - 1 };
        }
        self.write(buf, x, y, sign, style);
    }

    /// A frame round the cell, as much of one as fits.
    fn cursor(&self, buf: &mut Buffer) {
        let index = self.scene.index(self.scene.cursor);
        let room = self.room(self.scene.cursor);
        let style = match self.paint {
            Paint::Glyphs => self.theme().style(Role::Cursor),
            _ => self.ink(index).add_modifier(Modifier::BOLD),
        };
        let (right, bottom) = (
            room.right().saturating_sub(1),
            room.bottom().saturating_sub(1),
        );
        let blocks = !self.theme().ascii();
        if let Some(y) = self
            .figure_row(index, room)
            .filter(|_| room.width < 7 || room.height < 3)
        {
            // No room for a frame round the figure: turn its row inside out.
            let ink = self
                .ink(index)
                .add_modifier(Modifier::REVERSED | Modifier::BOLD);
            buf.set_style(
                Rect {
                    y,
                    height: 1,
                    ..room
                },
                ink,
            );
            return;
        }
        match (room.width, room.height) {
            (0, _) | (_, 0) => {}
            (1, _) => self.write(buf, room.x, room.y, self.theme().pick("◉", "X"), style),
            (w, h) if blocks && w >= 4 && h >= 2 => {
                for (y, left_end, right_end) in [(room.y, "┏", "┓"), (bottom, "┗", "┛")] {
                    if h >= 3 {
                        let bar = "━".repeat(usize::from(w - 2));
                        self.write(buf, room.x + 1, y, &bar, style);
                    }
                    self.write(buf, room.x, y, left_end, style);
                    self.write(buf, right, y, right_end, style);
                }
                for y in room.y + 1..bottom {
                    self.write(buf, room.x, y, "┃", style);
                    self.write(buf, right, y, "┃", style);
                }
            }
            _ => {
                for y in room.y..room.bottom() {
                    self.write(buf, room.x, y, "[", style);
                    self.write(buf, right, y, "]", style);
                }
            }
        }
    }
}

fn middle(room: Rect) -> (u16, u16) {
    (
        room.x + room.width.saturating_sub(1) / 2,
        room.y + room.height.saturating_sub(1) / 2,
    )
}
