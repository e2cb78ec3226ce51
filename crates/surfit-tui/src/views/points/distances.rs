//! How far the points lie from each other in weight space, as a matrix.

use crate::theme::{ColorDepth, Theme, ThemeRole};
use crate::views::plot::pane_frame;
use crate::views::plot::text::{self, FigurePiece};
use crate::views::popup;
use crate::views::surface::contrast_color;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::Span;
use surfit_core::event::Geometry;
use surfit_core::run_state::{DistanceMatrix, RunState};

pub fn title_pieces<'a>(theme: &Theme, run_state: &RunState) -> Vec<FigurePiece<'a>> {
    let muted = theme.style(ThemeRole::Muted);
    if let Some(distances) = &run_state.distances {
        let what = format!("between the control points at step {}", distances.step);
        return vec![vec![Span::styled(what, muted)]];
    }
    let Some(geometry) = run_state.geometry.last() else {
        return Vec::new();
    };
    let what = match geometry {
        Geometry { fitted: true, .. } => "between the corners after the fit",
        Geometry { aligned: true, .. } => "between the aligned corners",
        _ => "between the corners",
    };
    vec![vec![Span::styled(what, muted)]]
}

pub fn point_count(run_state: &RunState) -> usize {
    run_state.distance_matrix().map_or(0, |m| m.names.len())
}

/// Fewest and most columns of a cell; the fewest hold every figure and keep it apart from the next.
const CELL_WIDTHS: (u16, u16) = (6, 9);

#[derive(Clone, Copy, Debug, PartialEq)]
struct MatrixWindow {
    /// The cells; the names are above and at the left.
    cells: Rect,
    label: u16,
    cell: (u16, u16),
    /// First row and column that are shown, and how many.
    first_cell: (usize, usize),
    cell_count: (usize, usize),
}

impl MatrixWindow {
    /// The part that shows the pair; `None` when no row of the matrix fits.
    fn of(area: Rect, matrix: &DistanceMatrix, pair: (usize, usize)) -> Option<Self> {
        let count = matrix.names.len();
        let most = u16::try_from(count).ok().filter(|n| *n > 0)?;
        let label = matrix.names.iter().map(String::len).max().unwrap_or(1) as u16 + 1;
        let room = area.width.saturating_sub(label);
        // A row for the names, one for the readout.
        let rows = area.height.saturating_sub(2);
        let width = (room / most).clamp(CELL_WIDTHS.0.min(room), CELL_WIDTHS.1);
        let height = (rows / most).clamp(1, 3);
        if width == 0 || rows == 0 {
            return None;
        }
        let shown = (count.min(usize::from(rows / height)), count.min(usize::from(room / width)));
        let first = |at: usize, shown: usize| popup::first_shown(at.min(count - 1), shown, count);
        let size = (shown.1 as u16 * width, shown.0 as u16 * height);
        let left = area.x + (area.width - label - size.0) / 2 + label;
        Some(Self {
            cells: Rect::new(left, area.y + 1, size.0, size.1),
            label,
            cell: (width, height),
            first_cell: (first(pair.0, shown.0), first(pair.1, shown.1)),
            cell_count: shown,
        })
    }

    fn cell_area(&self, row: usize, column: usize) -> Rect {
        let (x, y) = (column - self.first_cell.1, row - self.first_cell.0);
        Rect::new(
            self.cells.x + x as u16 * self.cell.0,
            self.cells.y + y as u16 * self.cell.1,
            self.cell.0,
            self.cell.1,
        )
    }

    fn rows(&self) -> std::ops::Range<usize> {
        self.first_cell.0..self.first_cell.0 + self.cell_count.0
    }

    fn columns(&self) -> std::ops::Range<usize> {
        self.first_cell.1..self.first_cell.1 + self.cell_count.1
    }
}

pub fn pair_at(area: Rect, run_state: &RunState, pair: (usize, usize), at: (u16, u16)) -> Option<(usize, usize)> {
    let grid = MatrixWindow::of(area, &run_state.distance_matrix()?, pair)?;
    let rows = grid.rows();
    let mut all = rows.flat_map(|r| grid.columns().map(move |c| (r, c)));
    all.find(|&(r, c)| grid.cell_area(r, c).contains(at.into()))
}

pub fn draw(area: Rect, buf: &mut Buffer, theme: &Theme, run_state: &RunState, pair: (usize, usize)) {
    let Some(matrix) = run_state.distance_matrix().filter(|m| !m.names.is_empty()) else {
        let why = "Distances are measured when all corners are ready.";
        return pane_frame::draw_placeholder(area, buf, theme, why);
    };
    let last = matrix.names.len() - 1;
    let pair = (pair.0.min(last), pair.1.min(last));
    let Some(grid) = MatrixWindow::of(area, &matrix, pair) else {
        return pane_frame::draw_placeholder(area, buf, theme, "No room; zoom the pane.");
    };
    let name_of = |n: usize, chosen: usize| {
        let role = if n == chosen { ThemeRole::Accent } else { ThemeRole::Muted };
        (matrix.names[n].as_str(), theme.style(role))
    };
    for column in grid.columns() {
        let ((name, style), room) = (name_of(column, pair.1), grid.cell_area(grid.first_cell.0, column));
        let at = room.x + room.width.saturating_sub(name.len() as u16) / 2;
        text::put(buf, at, area.y, room.width, name, style);
    }
    let largest = matrix.max_distance();
    for row in grid.rows() {
        let ((name, style), room) = (name_of(row, pair.0), grid.cell_area(row, grid.first_cell.1));
        let x = grid.cells.x - grid.label;
        text::put(buf, x, room.y + room.height / 2, grid.label, name, style);
        for column in grid.columns() {
            let value = matrix.values[row * matrix.names.len() + column];
            let chosen = (row, column) == pair;
            tile(buf, theme, grid.cell_area(row, column), value, largest, chosen);
        }
    }
    draw_overflow_signs(buf, theme, &grid, last + 1);
    let pieces = pair_pieces(theme, &matrix, run_state, &grid, pair);
    let lines = text::flow(&[pieces], area.width, 1);
    let foot = Rect { y: grid.cells.bottom(), height: 1, ..area };
    text::put_lines(buf, foot.intersection(area), &lines);
}

/// Signs at the names for rows and columns of the matrix that are not shown.
fn draw_overflow_signs(buf: &mut Buffer, theme: &Theme, grid: &MatrixWindow, count: usize) {
    let style = theme.style(ThemeRole::Accent);
    let (x, cells) = (grid.cells.x - 1, grid.cells);
    let mut sign = |on: bool, x: u16, y: u16, sign: &str| {
        if on {
            text::put(buf, x, y, 1, sign, style);
        }
    };
    sign(grid.first_cell.1 > 0, cells.x, cells.y - 1, theme.pick_glyph("←", "<"));
    let right = grid.first_cell.1 + grid.cell_count.1 < count;
    sign(right, cells.right() - 1, cells.y - 1, theme.pick_glyph("→", ">"));
    sign(grid.first_cell.0 > 0, x, cells.y, theme.pick_glyph("↑", "^"));
    let below = grid.first_cell.0 + grid.cell_count.0 < count;
    sign(below, x, cells.bottom() - 1, theme.pick_glyph("↓", "v"));
}

/// The pair under the cursor in figures, and what the colours span.
fn pair_pieces<'a>(
    theme: &Theme,
    matrix: &DistanceMatrix,
    run_state: &RunState,
    grid: &MatrixWindow,
    pair: (usize, usize),
) -> Vec<FigurePiece<'a>> {
    let (muted, strong) = (theme.style(ThemeRole::Muted), theme.style(ThemeRole::Text));
    let count = matrix.names.len();
    let named = |name: &str, value: String| text::named_piece(theme, name, value, strong.add_modifier(Modifier::BOLD));
    let between = theme.pick_glyph("–", "-");
    let (a, b) = (&matrix.names[pair.0], &matrix.names[pair.1]);
    let value = matrix.values[pair.0 * count + pair.1];
    let mut out = vec![named(&format!("{a}{between}{b}"), text::format_compact(value))];
    // Angles are known of corners alone.
    let geometry = run_state.geometry.last().filter(|_| run_state.distances.is_none());
    let angle = geometry.and_then(|g| {
        let (a, b) = (pair.0.min(pair.1), pair.0.max(pair.1));
        let at = g.pairs.iter().position(|p| (p.0.min(p.1), p.0.max(p.1)) == (a, b))?;
        g.angles.get(at).copied().filter(|x| x.is_finite())
    });
    if let Some(angle) = angle {
        let degrees = theme.pick_glyph("°", " degrees");
        out.push(named("angle", format!("{angle:.0}{degrees}")));
    }
    out.push(named("largest", text::format_compact(matrix.max_distance())));
    if grid.cell_count != (count, count) {
        let times = theme.pick_glyph("×", "x");
        let part = format!("{}{times}{} of {count}", grid.cell_count.0, grid.cell_count.1);
        out.push(vec![Span::styled(part, muted)]);
    }
    out
}

/// One distance: a background colour for the distance, and the figure where it fits.
fn tile(buf: &mut Buffer, theme: &Theme, room: Rect, value: f64, largest: f64, chosen: bool) {
    let share = if largest > 0.0 { value / largest } else { 0.0 };
    let coloured = theme.depth() >= ColorDepth::Ansi256 && share.is_finite();
    let style = if chosen {
        theme.style(ThemeRole::Cursor)
    } else if coloured {
        let ground = theme.colormap().color_at(0.1 + 0.8 * share);
        Style::new().bg(theme.rgb(ground)).fg(theme.rgb(contrast_color(ground)))
    } else {
        theme.style(ThemeRole::Text)
    };
    for y in room.y..room.bottom() {
        text::put(buf, room.x, y, room.width, &" ".repeat(room.width.into()), style);
    }
    let plain = text::format_compact(value);
    // Told by signs too where they fit, not by colour alone.
    let figure = match format!("[{plain}]") {
        signed if chosen && signed.len() <= usize::from(room.width) => signed,
        _ => plain,
    };
    let middle = room.y + room.height / 2;
    if figure.len() < usize::from(room.width) || figure.starts_with('[') {
        let x = room.x + (room.width - figure.len() as u16) / 2;
        text::put(buf, x, middle, room.width, &figure, style.add_modifier(Modifier::BOLD));
    } else if !coloured {
        // Tenths of the largest, where neither colours nor figures are to be had.
        let digit = match share {
            s if s.is_finite() => ((s * 9.0).round().clamp(0.0, 9.0) as u8).to_string(),
            _ => "?".into(),
        };
        text::put(buf, room.x, middle, 1, &digit, style);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::plot::fixture::{self, COLOR_DEPTHS, screen, theme};
    use surfit_core::event::Geometry;

    fn geometry(aligned: bool) -> Geometry {
        Geometry {
            fitted: false,
            aligned,
            pairs: vec![(0, 1), (0, 2), (1, 2)],
            distances: vec![3.0, 12.5, f64::NAN],
            angles: vec![30.0, 80.0, 90.0],
            angles_at_first: vec![60.0],
        }
    }

    #[test]
    fn the_matrix_is_symmetric_and_unknown_pairs_stay_unknown() {
        let m = DistanceMatrix::from_corners(&geometry(false));
        assert_eq!(m.names, ["1", "2", "3"]);
        assert_eq!((m.values[1], m.values[3], m.values[2]), (3.0, 3.0, 12.5));
        assert!(m.values[5].is_nan() && m.values[4] == 0.0);
        assert_eq!(m.max_distance(), 12.5);
    }

    #[test]
    fn every_depth_tells_near_from_far_at_every_size() {
        let mut run_state = RunState::default();
        let event = surfit_core::event::Event::Geometry(geometry(true));
        fixture::apply_events(&mut run_state, [event]);
        for depth in COLOR_DEPTHS {
            for (w, h) in [(34, 8), (36, 12), (78, 20), (200, 50)] {
                let (area, mut buf) = screen(w, h);
                draw(area, &mut buf, &theme(depth, false), &run_state, (0, 0));
                let text = fixture::text(&buf);
                assert!(text.contains("12.5") && text.contains("3.00"), "{text}");
                assert!(text.contains('?'), "{text}");
                let grounds: std::collections::HashSet<_> = buf.content().iter().map(|c| c.bg).collect();
                assert_eq!(grounds.len() > 2, depth >= ColorDepth::Ansi256, "{depth:?}");
            }
        }
        // Rows that do not fit are scrolled to.
        for (pair, figure) in [((0, 2), "12.5"), ((1, 0), "3.00"), ((2, 2), "[0]")] {
            let (area, mut buf) = screen(8, 4);
            draw(area, &mut buf, &theme(ColorDepth::None, true), &run_state, pair);
            let text = fixture::text(&buf);
            assert!(text.contains(figure) && text.is_ascii(), "{text}");
            assert!(text.contains('<') || text.contains('>'), "{text}");
        }
    }

    #[test]
    fn the_pair_under_the_cursor_is_told_with_its_angle() {
        let mut run_state = RunState::default();
        let event = surfit_core::event::Event::Geometry(geometry(true));
        fixture::apply_events(&mut run_state, [event]);
        let (area, mut buf) = screen(60, 12);
        draw(area, &mut buf, &theme(ColorDepth::Truecolor, false), &run_state, (2, 0));
        let text = fixture::text(&buf);
        assert!(text.contains("3–1 12.5  angle 80°  largest 12.5"), "{text}");
    }

    fn run_with_distances(degree: usize) -> RunState {
        let points: Vec<(usize, usize)> = (0..=degree).flat_map(|i| (0..=degree).map(move |j| (i, j))).collect();
        let values = points.iter().flat_map(|a| {
            let far = move |b: &(usize, usize)| a.0.abs_diff(b.0) as f64 + 0.1 * a.1.abs_diff(b.1) as f64;
            points.iter().map(far).collect::<Vec<_>>()
        });
        let event = surfit_core::event::Event::Distances(surfit_core::event::Distances {
            step: 40,
            values: values.collect(),
            points: points.clone(),
        });
        let mut run_state = RunState::default();
        fixture::apply_events(&mut run_state, [event]);
        run_state
    }

    #[test]
    fn every_pair_of_the_highest_degree_is_reached_and_found_by_the_mouse() {
        let run_state = run_with_distances(8);
        assert_eq!(point_count(&run_state), 81);
        for size in [(29, 8), (60, 20), (200, 60)] {
            for pair in [(0, 0), (80, 0), (0, 80), (40, 41), (80, 80)] {
                let (area, mut buf) = screen(size.0, size.1);
                draw(area, &mut buf, &theme(ColorDepth::None, false), &run_state, pair);
                let text = fixture::text(&buf);
                let name = |n: usize| format!("{}{}", n / 9, n % 9);
                let told = format!("{}–{}", name(pair.0), name(pair.1));
                assert!(text.contains(&told), "{told}: {text}");
                let found = area.positions().find(|p| pair_at(area, &run_state, pair, (p.x, p.y)) == Some(pair));
                assert!(found.is_some(), "{pair:?} is not shown at {size:?}\n{text}");
            }
        }
    }
}
