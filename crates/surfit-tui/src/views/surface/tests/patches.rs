//! Curves and triangular patches.

use super::*;

#[test]
fn a_triangle_has_nothing_beside_it_and_a_curve_fills_the_height() {
    let theme = theme(ColorDepth::Truecolor, false);
    let colour = |run_state: &RunState, cell: (usize, usize)| {
        let map = &run_state.snapshot.as_ref().unwrap().heatmap;
        let value = map.cells[cell.0 * 11 + cell.1].accuracy().unwrap();
        let (r, g, b) = Colormap::Viridis.color_at(ColorRange::of_heatmap(map, Metric::ACCURACY).quality(value));
        Color::Rgb(r, g, b)
    };
    let run_state = fixture::fitting_run_on(Patch::Triangle, 2, 11);
    let buf = draw_to_buffer(&run_state, &view(), (84, 38), &theme);
    let layout = SurfaceLayout::of(buf.area, 11, true);
    for cell in (0..11).flat_map(|a| (0..11).map(move |b| (a, b))) {
        for p in layout.cell_area(cell).positions() {
            if cell.0 + cell.1 > 10 {
                assert_eq!((buf[p].symbol(), buf[p].bg), (" ", Color::Reset), "{cell:?}");
            } else {
                assert_eq!(buf[p].bg, colour(&run_state, cell), "{cell:?}");
            }
        }
    }
    let run_state = fixture::fitting_run_on(Patch::Curve, 2, 11);
    let buf = draw_to_buffer(&run_state, &view(), (84, 38), &theme);
    let map = layout.map;
    for (x, y) in [(map.x + map.width / 2, map.y), (map.x + map.width / 2, map.bottom() - 2)] {
        let cell = layout.column_cell(usize::from(x - map.x));
        assert_eq!(buf[(x, y)].bg, colour(&run_state, (cell, 0)), "row {y}");
    }
    let text = rows(&buf).join("\n");
    assert!(text.contains("11/11 measured") && text.contains("at u 1.00"), "{text}");
    assert!(text.contains("on the curve") && !text.contains("along v"), "{text}");
}

#[test]
fn the_cursor_slides_along_the_third_edge() {
    let mut v = SurfaceView { cursor: (4, 6), ..SurfaceView::default() };
    v.move_by(1, 0, 11, Patch::Triangle);
    assert_eq!(v.cursor, (5, 5));
    v.move_by(0, 2, 11, Patch::Triangle);
    assert_eq!(v.cursor, (3, 7));
    v.clamp(11, Patch::Curve);
    assert_eq!(v.cursor, (3, 0));
}
