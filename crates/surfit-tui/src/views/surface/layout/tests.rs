use super::*;
use proptest::prelude::*;

proptest! {
    #[test]
    fn parts_never_leave_the_pane_nor_overlap(w in 0u16..200, h in 0u16..80, grid in 2usize..=101, slices: bool) {
        let area = Rect::new(3, 2, w, h);
        let l = SurfaceLayout::of(area, grid, slices);
        let inner = pane_frame::inside(area);
        let parts = [Some(l.map), Some(l.bar), Some(l.readout), l.slices.map(|s| s[0]), l.slices.map(|s| s[1])];
        let parts: Vec<Rect> = parts.into_iter().flatten().filter(|r| !r.is_empty()).collect();
        for (n, part) in parts.iter().enumerate() {
            prop_assert_eq!(part.intersection(inner), *part, "{:?}", l);
            for other in &parts[n + 1..] {
                prop_assert!(!part.intersects(*other), "{:?}", l);
            }
        }
    }

    #[test]
    fn characters_of_a_cell_are_where_the_mouse_finds_it(w in 10u16..150, h in 6u16..60, grid in 2usize..=31) {
        let l = SurfaceLayout::of(Rect::new(1, 4, w, h), grid, true);
        prop_assume!(l.pixels >= 2 * grid);
        for cell in (0..grid).flat_map(|a| (0..grid).map(move |b| (a, b))) {
            let room = l.cell_area(cell);
            for p in room.positions() {
                prop_assert_eq!(l.cell_at(p.x, p.y), Some(cell));
            }
            prop_assert!(!room.is_empty());
        }
    }
}

#[test]
fn the_map_is_large_where_the_pane_is() {
    // The standard screen's pane has slices and a map of 5×5 half characters a cell.
    let l = SurfaceLayout::of(Rect::new(0, 0, 84, 38), 11, true);
    assert!(l.pixels >= 55 && l.slices.is_some() && l.has_axis_row && !l.bar.is_empty(), "{l:?}");
    let small = SurfaceLayout::of(Rect::new(0, 0, 40, 18), 11, true);
    assert!(small.pixels == 22 && small.has_axis_row && small.readout.height >= 2, "{small:?}");
    assert!(SurfaceLayout::of(Rect::new(0, 0, 20, 6), 11, true).pixels >= 6);
    assert_eq!(SurfaceLayout::of(Rect::new(0, 0, 2, 2), 11, true).pixels, 0);
}
