//! The surface in three dimensions.

use super::*;
use surfit_core::heatmap::Cell;

fn view() -> SurfaceView {
    SurfaceView { show_relief: true, ..SurfaceView::default() }
}

/// A ridge along `u = v`, high above flat land.
fn ridge(grid: usize) -> RunState {
    let mut run_state = fitting_run(2, grid);
    let map = heatmap(&mut run_state);
    for index in 0..grid * grid {
        let (u, v) = map.parameters(index);
        let correct = (10_000.0 * (0.8 + 0.1 * (-(u - v).powi(2) / 0.01).exp())) as u32;
        map.cells[index] = Cell::from_counts(correct, 10_000, 0.5, map.cells[index].version);
    }
    run_state
}

#[test]
fn it_is_drawn_in_the_blocks_of_the_glyph_set_with_its_axes() {
    let run_state = ridge(11);
    for (glyphs, own) in [(GlyphSet::Braille, "▘▝▖▗▛▜▙▟▞▚"), (GlyphSet::Blocks, "▀▄")] {
        for (w, h) in [(140, 42), (84, 38), (60, 14)] {
            let theme = theme(ColorDepth::Truecolor, false).with_glyphs(glyphs);
            let buf = draw_to_buffer(&run_state, &view(), (w, h), &theme);
            let text = fixture::text(&buf);
            let blocks = buf.content().iter().filter(|c| c.bg != Color::Reset).count();
            assert!(blocks > usize::from(w * h / 24), "{glyphs:?} {w}×{h}: {blocks}\n{text}");
            assert!(text.chars().any(|c| own.contains(c)), "{glyphs:?}\n{text}");
            for label in if glyphs == GlyphSet::Blocks { &["u", "v"][..] } else { &["u", "v", "◆", "★"] } {
                assert!(text.contains(*label), "{glyphs:?} {w}×{h}: no {label}\n{text}");
            }
        }
    }
}

#[test]
fn without_colours_or_blocks_it_is_a_net_of_lines() {
    let run_state = ridge(21);
    for (depth, ascii) in [(ColorDepth::None, false), (ColorDepth::Ansi16, true), (ColorDepth::Truecolor, true)] {
        let buf = draw_to_buffer(&run_state, &view(), (84, 38), &theme(depth, ascii));
        let text = fixture::text(&buf);
        let strokes = text.chars().filter(|c| match ascii {
            true => r"/\|-_'".contains(*c),
            false => ('\u{2801}'..='\u{28FF}').contains(c),
        });
        assert!(strokes.count() > 200, "{depth:?}\n{text}");
        assert!(!ascii || text.is_ascii());
    }
}

#[test]
fn a_ridge_hides_what_lies_behind_it() {
    // Seen along the ridge's side and from low down, the land behind it is hidden.
    let run_state = ridge(21);
    let theme = theme(ColorDepth::Truecolor, false);
    let mut low = view();
    (low.camera.turn, low.camera.tilt, low.camera.height) = (315.0, 12.0, 1.0);
    // A point of the flat land far behind the ridge, and one of the land before it.
    let signs = [(0, 20), (20, 0)].map(|cell| {
        low.cursor = cell;
        let text = fixture::text(&draw_to_buffer(&run_state, &low, (84, 38), &theme));
        (text.contains('◆'), text.contains('◇'))
    });
    assert!(signs.contains(&(true, false)) && signs.contains(&(false, true)), "{signs:?}");
}

#[test]
fn the_mouse_finds_the_point_that_is_drawn_there() {
    let run_state = ridge(11);
    let theme = theme(ColorDepth::Truecolor, false);
    let area = Rect::new(3, 2, 84, 38);
    let mut view = view();
    for cell in [(2, 3), (7, 4), (10, 10), (0, 0)] {
        view.cursor = cell;
        let mut buf = Buffer::empty(Rect::new(0, 0, 100, 50));
        render(area, &mut buf, &theme, &run_state, &view, false);
        let place = buf.area.positions().find(|&p| ["◆", "◇"].contains(&buf[p].symbol()) && area.contains(p));
        let p = place.expect("the cursor is drawn");
        assert_eq!(view.cell_at(area, p.x, p.y, &theme, &run_state), Some(cell));
    }
}

#[test]
fn a_curve_is_a_line_and_the_mouse_slides_along_it() {
    let run_state = fixture::fitting_run_on(Patch::Curve, 3, 21);
    let theme = theme(ColorDepth::None, false);
    let buf = draw_to_buffer(&run_state, &view(), (84, 24), &theme);
    let text = fixture::text(&buf);
    for part in ["along u on the curve", ".25", "┤", "◆", "best corner"] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let row: Vec<(usize, usize)> =
        (0..84).filter_map(|x| view().cell_at(buf.area, x, 10, &theme, &run_state)).collect();
    assert_eq!((row.first(), row.last()), (Some(&(0, 0)), Some(&(20, 0))));
    assert!(row.windows(2).all(|w| w[0].0 <= w[1].0));
}

#[test]
fn a_surface_that_is_measured_only_here_and_there_is_whole_and_paler() {
    let mut run_state = ridge(21);
    let order = heatmap(&mut run_state).coarse_to_fine_order();
    for &index in &order[25..] {
        heatmap(&mut run_state).cells[index] = Cell::default();
    }
    let theme = theme(ColorDepth::Truecolor, false);
    let buf = draw_to_buffer(&run_state, &view(), (84, 38), &theme);
    assert!(buf.content().iter().filter(|c| c.bg != Color::Reset).count() > 250);
}
