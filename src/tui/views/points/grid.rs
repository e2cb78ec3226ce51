//! The grid of control points as tiles, placed as on the surface: `u` to the right, `v` upward.

use super::{corner_of, sign};
use crate::theme::{Depth, Role, Theme};
use crate::views::plot::{spark, text};
use crate::views::surface::{ink_on, mix};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use surfit_core::picture::Picture;
use surfit_core::snapshot::{ControlPoint, Snapshot};
use surfit_core::surface::Degrees;

/// Columns of the widest tile.
const WIDEST: u16 = 18;

/// Where tiles and the selected point's details lie.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    degrees: Degrees,
    /// Characters of the tiles.
    tiles: Rect,
    /// Size of a tile.
    tile: (u16, u16),
    /// First column and row (from below) that is shown, where not all have room.
    first: (usize, usize),
    /// Columns and rows shown.
    shown: (usize, usize),
    /// Room for the details.
    pub detail: Rect,
}

impl Layout {
    /// The layout for the room within the border; the tile of the control point `cursor` is always shown.
    pub fn of(inner: Rect, degrees: Degrees, cursor: usize) -> Self {
        let (columns, rows) = (degrees.m() + 1, degrees.n() + 1);
        let count = rows as u16;
        // The fourth row of a tile keeps it apart from the next.
        let height = match inner.height {
            h if h >= 4 * count + 3 => 4,
            h if h >= 3 * count + 3 => 3,
            h if h >= 2 * count + 2 => 2,
            _ => 1,
        };
        let wanted = match inner.height {
            0..=3 => 0,
            4..=6 => 1,
            7..=9 => 2,
            _ => 3,
        };
        // With room beside the tiles the details go there, and the tiles have the whole height.
        let side = inner.width >= 30 + 10 * columns as u16;
        let most = if side {
            inner.height
        } else {
            inner.height.saturating_sub(wanted)
        };
        let shown_rows = rows.min(usize::from(most / height));
        let width = if side { inner.width - 28 } else { inner.width };
        let tile_width = match width / columns as u16 {
            0 => 1,
            w => w.min(WIDEST),
        };
        let shown = (columns.min(usize::from(width / tile_width)), shown_rows);
        let (i, j) = degrees.rows().get(cursor).copied().unwrap_or((0, 0));
        let first = |at: usize, shown: usize, all: usize| {
            (at + 1)
                .saturating_sub(shown)
                .min(all.saturating_sub(shown))
        };
        let first = (first(i, shown.0, columns), first(j, shown.1, rows));
        let size = (shown.0 as u16 * tile_width, shown.1 as u16 * height);
        let left = if side {
            1
        } else {
            (inner.width - size.0.min(inner.width)) / 2
        };
        let tiles = Rect::new(inner.x + left, inner.y, size.0, size.1).intersection(inner);
        let detail = if side {
            let x = tiles.right() + 2;
            Rect {
                x,
                width: inner.right().saturating_sub(x),
                ..inner
            }
        } else {
            // An empty row between, when it costs nothing.
            let free = inner.bottom() - tiles.bottom();
            let gap = u16::from(free > wanted + 1);
            Rect {
                y: tiles.bottom() + gap,
                height: free - gap,
                ..inner
            }
        };
        Self {
            degrees,
            tiles,
            tile: (tile_width, height),
            first,
            shown,
            detail,
        }
    }

    /// The room of the tile of `(i, j)`; `None` when it is scrolled away.
    fn room(&self, i: usize, j: usize) -> Option<Rect> {
        let (a, b) = (i.checked_sub(self.first.0)?, j.checked_sub(self.first.1)?);
        if a >= self.shown.0 || b >= self.shown.1 {
            return None;
        }
        let y = self.tiles.y + (self.shown.1 - 1 - b) as u16 * self.tile.1;
        let x = self.tiles.x + a as u16 * self.tile.0;
        Some(Rect::new(x, y, self.tile.0, self.tile.1))
    }

    /// The control point whose tile is at a place on the screen.
    pub fn point_at(&self, column: u16, row: u16) -> Option<usize> {
        self.degrees.rows().into_iter().position(|(i, j)| {
            self.room(i, j)
                .is_some_and(|room| room.contains((column, row).into()))
        })
    }
}

/// Draws the tiles.
pub fn draw(
    buf: &mut Buffer,
    theme: &Theme,
    picture: &Picture,
    snapshot: &Snapshot,
    layout: &Layout,
    cursor: usize,
) {
    let travelled = snapshot.control_points.iter().map(|p| p.travelled);
    let farthest = travelled.filter(|t| t.is_finite()).fold(0.0, f64::max);
    for (row, point) in snapshot.control_points.iter().enumerate() {
        let Some(room) = layout.room(point.i, point.j) else {
            continue;
        };
        let accuracy = corner_of(row, point)
            .and_then(|c| picture.corners.get(&c))
            .map(|c| c.accuracy);
        let share = if farthest > 0.0 {
            point.travelled / farthest
        } else {
            0.0
        };
        let tile = Tile {
            theme,
            point,
            row,
            accuracy,
            share,
            selected: row == cursor,
        };
        tile.draw(buf, room);
    }
    more(buf, theme, layout);
}

/// Signs that the grid goes on beyond what is shown.
fn more(buf: &mut Buffer, theme: &Theme, layout: &Layout) {
    let (tiles, style) = (layout.tiles, theme.style(Role::Accent));
    if tiles.width < 4 || tiles.height == 0 {
        return;
    }
    if layout.first.1 + layout.shown.1 < layout.degrees.n() + 1 {
        text::put(
            buf,
            tiles.right() - 1,
            tiles.y,
            1,
            theme.pick("↑", "^"),
            style,
        );
    }
    if layout.first.1 > 0 {
        text::put(
            buf,
            tiles.right() - 1,
            tiles.bottom() - 1,
            1,
            theme.pick("↓", "v"),
            style,
        );
    }
}

struct Tile<'a> {
    theme: &'a Theme,
    point: &'a ControlPoint,
    row: usize,
    accuracy: Option<f64>,
    /// Distance travelled as a share of the farthest point's.
    share: f64,
    selected: bool,
}

impl Tile<'_> {
    /// The tile's ground: the farther the point has travelled, the farther along the colour map. In sixteen steps, so
    /// that a running fit does not repaint it with every snapshot.
    fn ground(&self) -> Option<(u8, u8, u8)> {
        if self.theme.depth() < Depth::Ansi256 {
            return None;
        }
        let below = self.theme.background();
        if self.point.corner || !self.share.is_finite() {
            return Some(mix(below, ink_on(below), 0.07));
        }
        let t = 0.15 + 0.75 * (self.share.clamp(0.0, 1.0) * 16.0).round() / 16.0;
        Some(mix(below, self.theme.colormap().at(t), 0.45))
    }

    fn draw(&self, buf: &mut Buffer, room: Rect) {
        let theme = self.theme;
        // The first column is for the sign of selection; tiles too narrow to spare it are turned inside out instead.
        let roomy = room.width >= 5;
        let (x, width) = if roomy {
            (room.x + 1, room.width - 1)
        } else {
            (room.x, room.width)
        };
        let height = if room.height >= 4 {
            room.height - 1
        } else {
            room.height
        };
        let (glyph, role) = sign(theme, self.point);
        let (mut plain, mut faint, mut lead) = (
            theme.style(Role::Text),
            theme.style(Role::Muted),
            theme.style(role),
        );
        if let Some(ground) = self.ground() {
            let (ink, ground_colour) = (ink_on(ground), theme.rgb(ground));
            plain = Style::new().fg(theme.rgb(ink)).bg(ground_colour);
            faint = Style::new()
                .fg(theme.rgb(mix(ink, ground, 0.35)))
                .bg(ground_colour);
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
            let mark = if self.selected {
                theme.pick("▐", "[")
            } else {
                " "
            };
            for y in room.y..room.y + height {
                text::put(buf, room.x, y, 1, mark, theme.style(Role::Accent));
            }
            text::put(buf, x, room.y, 1, glyph, lead);
            let lines = self.lines(usize::from(width - 2), height);
            for (n, line) in lines.iter().enumerate() {
                let style = if n == 0 { plain } else { faint };
                text::put(buf, x + 2, room.y + n as u16, width - 2, line, style);
            }
        } else {
            let turned = if self.selected {
                theme.style(Role::Cursor)
            } else {
                lead
            };
            text::put(buf, x, room.y, width, glyph, turned);
            if width > 1 {
                let style = if self.selected { turned } else { plain };
                text::put(buf, x + 1, room.y, 1, &self.digit(), style);
            }
        }
    }

    /// One character of what is known: a corner's number, or the tenths of the farthest way travelled.
    fn digit(&self) -> String {
        match corner_of(self.row, self.point) {
            Some(corner) => (corner + 1).to_string(),
            None if !self.share.is_finite() => "?".into(),
            None => ((self.share * 10.0).floor().clamp(0.0, 9.0) as u8).to_string(),
        }
    }

    /// The tile's rows beside the sign, in `room` columns, most important first.
    fn lines(&self, room: usize, height: u16) -> Vec<String> {
        let point = self.point;
        if let Some(corner) = corner_of(self.row, point) {
            let number = (corner + 1).to_string();
            let long = self
                .accuracy
                .map(|a| text::percent(a, 2))
                .unwrap_or_default();
            return match height {
                1 => vec![
                    [
                        format!("{number} {long}"),
                        format!("{number} {}", long.trim_end_matches(" %")),
                        number,
                    ]
                    .into_iter()
                    .find(|t| t.len() <= room)
                    .unwrap_or_default(),
                ],
                _ => vec![number, long],
            };
        }
        let travelled = fitted(point.travelled, room);
        let history = spark::sparkline(&point.gradients, 32, self.theme.ascii());
        let last = |n: usize| -> String {
            let skip = history.chars().count().saturating_sub(n);
            history.chars().skip(skip).collect()
        };
        let nabla = self.theme.pick("∇", "g");
        let gradient = format!("{nabla} {}", fitted(point.gradient, room.saturating_sub(2)));
        match height {
            1 if room >= 11 => vec![format!("{travelled} {}", last(room - travelled.len() - 2))],
            1 => vec![travelled],
            2 if room >= 12 => {
                let rest = room - gradient.chars().count().min(room - 2) - 2;
                vec![travelled, format!("{gradient} {}", last(rest))]
            }
            2 => vec![travelled, last(room.saturating_sub(1))],
            _ => vec![travelled, gradient, last(room.saturating_sub(1))],
        }
    }
}

/// A quantity in at most `room` characters.
fn fitted(value: f64, room: usize) -> String {
    let text = text::short(value);
    if text.chars().count() <= room {
        return text;
    }
    // Without the zero before the point, then with fewer decimals.
    let bare = text.trim_start_matches('0');
    (1..=bare.chars().count())
        .rev()
        .map(|n| bare.chars().take(n).collect::<String>())
        .find(|t| t.len() <= room && t.parse::<f64>().is_ok())
        .unwrap_or_default()
}
