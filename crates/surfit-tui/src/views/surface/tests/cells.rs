//! The map's cells, whatever is written in them.

use super::*;
use ratatui::style::Modifier;
use surfit_core::colormap::contrast_ratio;

#[test]
fn every_cell_has_exactly_the_colour_of_its_value() {
    let run_state = fitting_run(2, 11);
    let theme = theme(ColorDepth::Truecolor, false);
    for (w, h) in [(84, 38), (40, 18), (140, 42), (30, 14)] {
        let buf = draw_to_buffer(&run_state, &view(), (w, h), &theme);
        let layout = SurfaceLayout::of(buf.area, 11, true);
        let map = &run_state.snapshot.as_ref().unwrap().heatmap;
        let range = ColorRange::of_heatmap(map, Metric::ACCURACY);
        for cell in (0..11).flat_map(|a| (0..11).map(move |b| (a, b))) {
            let value = map.cells[cell.0 * 11 + cell.1].accuracy().unwrap();
            let (r, g, b) = Colormap::Viridis.color_at(range.quality(value));
            for p in layout.cell_area(cell).positions() {
                // Signs are letters on the cell's colour, so the ground is the same everywhere.
                let ground = if layout.pixels >= 22 { buf[p].bg } else { buf[p].fg };
                let halves = ["▀", "◉", "★"].contains(&buf[p].symbol()) && layout.pixels < 22;
                assert!(halves || ground == Color::Rgb(r, g, b), "{cell:?} at {p:?}: {ground:?}");
            }
        }
    }
}

#[test]
fn half_an_unmeasured_character_is_as_bright_as_the_dots_beside_it() {
    let mut run_state = fitting_run(2, 31);
    let heat = &mut run_state.snapshot.as_mut().unwrap().heatmap;
    for (n, cell) in heat.cells.iter_mut().enumerate() {
        if n % 2 == 1 {
            *cell = Default::default();
        }
    }
    for depth in [ColorDepth::Truecolor, ColorDepth::Ansi256] {
        let theme = theme(depth, false);
        let buf = draw_to_buffer(&run_state, &view(), (40, 18), &theme);
        let map = SurfaceLayout::of(buf.area, 31, true).map;
        let shade = theme.shade_color(ThemeRole::Unmeasured).expect("colours to mix");
        let halves = map.positions().filter(|&p| ["▀", "▄"].contains(&buf[p].symbol()));
        let with_shade = halves.filter(|&p| buf[p].bg == shade).count();
        assert!(with_shade > 100, "{depth:?}: {with_shade}");
    }
    assert_eq!(theme(ColorDepth::Ansi16, false).shade_color(ThemeRole::Unmeasured), None);
}

#[test]
fn two_cells_share_a_character() {
    let run_state = fitting_run(2, 31);
    let buf = draw_to_buffer(&run_state, &view(), (40, 18), &theme(ColorDepth::Truecolor, false));
    let layout = SurfaceLayout::of(buf.area, 31, true);
    assert!(layout.pixels < 31 && layout.pixels > 20);
    let (map, heat) = (layout.map, &run_state.snapshot.as_ref().unwrap().heatmap);
    let range = ColorRange::of_heatmap(heat, Metric::ACCURACY);
    let (x, y) = (map.x + map.width / 2, map.y + map.height / 2);
    let cell = &buf[(x, y)];
    assert_eq!(cell.symbol(), "▀");
    let (column, row) = (usize::from(x - map.x), 2 * usize::from(y - map.y));
    let colour = |row: usize| {
        let index = layout.column_cell(column) * 31 + layout.row_cell(row);
        let (r, g, b) = Colormap::Viridis.color_at(range.quality(heat.cells[index].accuracy().unwrap()));
        Color::Rgb(r, g, b)
    };
    assert_eq!((cell.fg, cell.bg), (colour(row), colour(row + 1)));
    let upper = (layout.column_cell(column), layout.row_cell(row));
    assert_eq!(view().cell_at(buf.area, x, y, &theme(ColorDepth::Truecolor, false), &run_state), Some(upper));
}

#[test]
fn v_grows_upward_and_u_to_the_right() {
    let area = Rect::new(5, 3, 84, 38);
    let (view, run_state) = (view(), fitting_run(2, 11));
    let theme = theme(ColorDepth::Truecolor, false);
    let cell_at = |x, y| view.cell_at(area, x, y, &theme, &run_state);
    let layout = SurfaceLayout::of(area, 11, true);
    let (l, r) = (layout.map.x, layout.map.right() - 1);
    let (t, b) = (layout.map.y, layout.map.bottom() - 1);
    assert_eq!(cell_at(l, b), Some((0, 0)));
    assert_eq!(cell_at(r, b), Some((10, 0)));
    assert_eq!(cell_at(l, t), Some((0, 10)));
    assert_eq!(cell_at(r, t), Some((10, 10)));
    assert_eq!(cell_at(l - 1, t), None);
    assert_eq!(cell_at(l, b + 1), None);
}

#[test]
fn the_mouse_finds_every_cell_that_is_drawn() {
    for grid in 2..=31 {
        let run_state = fitting_run(2, grid);
        for (w, h) in [(84, 38), (40, 18), (60, 24), (140, 42), (20, 6), (200, 58)] {
            let area = Rect::new(2, 1, w, h);
            let layout = SurfaceLayout::of(area, grid, true);
            let mut found = std::collections::BTreeSet::new();
            for p in layout.map.positions() {
                let cell = layout.cell_at(p.x, p.y).expect("within the map");
                assert!(cell.0 < grid && cell.1 < grid);
                found.insert(cell);
            }
            let (x, y) = (layout.map.right() - 1, layout.map.bottom() - 1);
            let theme = theme(ColorDepth::Truecolor, false);
            let found_there = view().cell_at(area, x, y, &theme, &run_state);
            assert_eq!(found_there, layout.cell_at(x, y));
            if layout.pixels >= 2 * grid {
                assert_eq!(found.len(), grid * grid, "{grid} in {w}×{h}");
            }
        }
    }
}

#[test]
fn stale_and_unmeasured_cells_are_told_without_colour() {
    let mut run_state = fitting_run(2, 5);
    let map = heatmap(&mut run_state);
    map.cells[12] = Default::default();
    map.cells[6].version = 10;
    for depth in COLOR_DEPTHS {
        for ascii in [false, true] {
            let theme = theme(depth, ascii);
            let buf = draw_to_buffer(&run_state, &view(), (84, 38), &theme);
            let layout = SurfaceLayout::of(buf.area, 5, true);
            let symbols = |cell| -> String { layout.cell_area(cell).positions().map(|p| buf[p].symbol()).collect() };
            let stale = symbols((1, 1));
            assert!(stale.contains(map::stale_glyph(&theme)), "{depth:?} {ascii} {stale}");
            let fresh = symbols((3, 3));
            assert!(!fresh.contains(map::stale_glyph(&theme)), "{depth:?} {ascii} {fresh}");
            let unmeasured = symbols((2, 2));
            let want = match CellPaint::of(&theme) {
                CellPaint::Halves => '░',
                CellPaint::Whole => '.',
                CellPaint::Glyphs => ' ',
            };
            assert!(unmeasured.chars().all(|c| c == want), "{depth:?} {ascii} {unmeasured}");
            assert!(fixture::text(&buf).contains("24/25 measured"));
            assert!(fixture::text(&buf).contains("1 stale"));
        }
    }
    // With colours a stale cell is paler as well.
    let theme = theme(ColorDepth::Truecolor, false);
    let scene = SurfaceScene::new(&theme, &run_state, &SurfaceView::default()).map(|s| map::cell_color(&s, 6));
    let value = heatmap(&mut run_state.clone()).cells[6].accuracy().unwrap();
    let range = ColorRange::of_heatmap(&run_state.snapshot.as_ref().unwrap().heatmap, Metric::ACCURACY);
    assert_ne!(scene.flatten(), Some(Colormap::Viridis.color_at(range.quality(value))));
}

#[test]
fn without_colours_there_are_digits_and_a_legend() {
    let run_state = fitting_run(2, 5);
    for (depth, ascii) in [(ColorDepth::None, false), (ColorDepth::Ansi16, false), (ColorDepth::None, true)] {
        let buf = draw_to_buffer(&run_state, &view(), (84, 38), &theme(depth, ascii));
        let layout = SurfaceLayout::of(buf.area, 5, true);
        let range = ColorRange::of_heatmap(&run_state.snapshot.as_ref().unwrap().heatmap, Metric::ACCURACY);
        for cell in [(1, 1), (3, 2), (4, 3)] {
            let value = 0.80 + 0.05 * cell.0 as f64 / 4.0 + 0.04 * cell.1 as f64 / 4.0;
            let symbols: String = layout.cell_area(cell).positions().map(|p| buf[p].symbol()).collect();
            let digit = range.digit(value).to_string();
            assert!(symbols.contains(&digit), "{depth:?} {cell:?} {digit} in {symbols}");
        }
        let bar: String = layout.bar.positions().map(|p| buf[p].symbol()).collect();
        assert!((0..=9).all(|d| bar.contains(&d.to_string())), "{bar}");
        if depth == ColorDepth::None {
            assert!(buf.content().iter().all(|c| c.fg == Color::Reset && c.bg == Color::Reset));
        }
        if ascii {
            assert!(fixture::text(&buf).is_ascii(), "{}", fixture::text(&buf));
        }
    }
}

#[test]
fn the_cursor_is_seen_on_every_colour() {
    let run_state = fitting_run(2, 11);
    let layout = SurfaceLayout::of(Rect::new(0, 0, 84, 38), 11, true);
    for cell in (0..11).flat_map(|a| (0..11).map(move |b| (a, b))) {
        let view = SurfaceView { cursor: cell, ..view() };
        let buf = draw_to_buffer(&run_state, &view, (84, 38), &theme(ColorDepth::Truecolor, false));
        let room = layout.cell_area(cell);
        let corner = &buf[(room.x, room.y)];
        assert_eq!(corner.symbol(), "┏");
        let (Color::Rgb(r, g, b), Color::Rgb(x, y, z)) = (corner.fg, corner.bg) else {
            panic!("{corner:?}");
        };
        assert!(contrast_ratio((r, g, b), (x, y, z)) >= 4.5, "{cell:?}");
    }
    for depth in COLOR_DEPTHS {
        let view = SurfaceView { cursor: (2, 7), ..view() };
        let text = fixture::text(&draw_to_buffer(&run_state, &view, (84, 38), &theme(depth, false)));
        assert!(text.contains('▸') && text.contains('▴'), "{text}");
        let small = draw_to_buffer(&run_state, &view, (40, 18), &theme(depth, true));
        assert!(rows(&small).iter().any(|r| r.contains("[]")), "{}", fixture::text(&small));
    }
}

#[test]
fn numbers_are_written_where_they_fit() {
    let run_state = fitting_run(2, 11);
    let numbers = SurfaceView { show_values: true, ..view() };
    let text = |size| fixture::text(&draw_to_buffer(&run_state, &numbers, size, &theme(ColorDepth::Truecolor, false)));
    assert!(text((140, 42)).contains("84.50"));
    assert!(text((84, 38)).contains("84.5"));
    let run_state = fitting_run(2, 31);
    let buf = draw_to_buffer(&run_state, &numbers, (40, 18), &theme(ColorDepth::Truecolor, false));
    assert_eq!(buf.area.height, 18, "cells too small for figures are drawn without");
}

#[test]
fn the_figure_under_the_cursor_is_turned_inside_out() {
    let run_state = fitting_run(2, 11);
    let view = SurfaceView { show_values: true, cursor: (4, 4), ..view() };
    let buf = draw_to_buffer(&run_state, &view, (84, 38), &theme(ColorDepth::Truecolor, false));
    let room = SurfaceLayout::of(buf.area, 11, true).cell_area((4, 4));
    assert!(room.positions().any(|p| buf[p].modifier.contains(Modifier::REVERSED)));
}

#[test]
fn a_corner_has_its_number_once() {
    let mut with_rows = std::collections::BTreeSet::new();
    for (size, grid) in [((84, 38), 21), ((140, 42), 21), ((84, 38), 11), ((40, 18), 5)] {
        let run_state = fitting_run(2, grid);
        let layout = SurfaceLayout::of(Rect::new(0, 0, size.0, size.1), grid, true);
        let buf = draw_to_buffer(&run_state, &view(), size, &theme(ColorDepth::Truecolor, false));
        let room = layout.cell_area((0, grid - 1));
        let in_cell = room.positions().any(|p| buf[p].symbol() == "3");
        let above = rows(&buf)[usize::from(layout.map.y - 1)].contains("3 86.20 %");
        assert_eq!((in_cell, above), (!layout.has_corner_rows, layout.has_corner_rows), "{}", fixture::text(&buf));
        with_rows.insert(layout.has_corner_rows);
    }
    assert_eq!(with_rows.len(), 2);
}

#[test]
fn confidence_in_narrow_cells_has_two_digits_in_a_unit_that_is_told() {
    let mut run_state = fitting_run(2, 21);
    for (n, cell) in heatmap(&mut run_state).cells.iter_mut().enumerate() {
        *cell = surfit_core::heatmap::Cell::from_counts(250 + n as u32 % 20, 300, 0.5, 400);
    }
    let of = |size, quantity| {
        let view = SurfaceView { show_values: true, quantity, ..view() };
        let buf = draw_to_buffer(&run_state, &view, size, &theme(ColorDepth::Truecolor, false));
        let layout = SurfaceLayout::of(buf.area, 21, true);
        let symbols: String = layout.cell_area((10, 10)).positions().map(|p| buf[p].symbol()).collect();
        (symbols.trim().to_owned(), fixture::text(&buf))
    };
    // Cell 220 has correct 250 of 300, hence ±4.22.
    let (cell, text) = of((84, 38), CellQuantity::Width);
    assert!(cell == "42" && text.contains("accuracy ± ×0.1"), "{cell}: {text}");
    // Its star stands beside the figure.
    let best = heatmap_best(&run_state);
    let view_of_best = SurfaceView { show_values: true, ..view() };
    let buf = draw_to_buffer(&run_state, &view_of_best, (84, 38), &theme(ColorDepth::Truecolor, false));
    let room = SurfaceLayout::of(buf.area, 21, true).cell_area(best);
    let symbols: String = room.positions().map(|p| buf[p].symbol()).collect();
    assert!(symbols.contains('★') && symbols.contains("90"), "{symbols}");
    let (cell, text) = of((180, 64), CellQuantity::Width);
    assert!(cell.contains("4.2") && !text.contains("×0.1"), "{cell}: {text}");
    let (cell, text) = of((84, 38), CellQuantity::Value);
    assert!(cell == "83" && !text.contains("×0.1"), "{cell}: {text}");
}

fn heatmap_best(run_state: &RunState) -> (usize, usize) {
    let map = &run_state.snapshot.as_ref().unwrap().heatmap;
    let index = map.rank_cells(Metric::ACCURACY)[0];
    (index / map.grid, index % map.grid)
}
