use super::*;
use crate::theme::Depth;
use crate::views::plot::fixture::{
    self, DEPTHS, corner, feed, fitting, losses, rows, screen, theme,
};
use proptest::prelude::*;
use surfit_core::event::Curve;

fn drawn(picture: &Picture, cursor: usize, size: (u16, u16), theme: &Theme) -> Buffer {
    let (area, mut buf) = screen(size.0, size.1);
    render(
        area,
        &mut buf,
        theme,
        picture,
        &PointsView { cursor },
        false,
    );
    buf
}

#[test]
fn points_lie_as_on_the_surface() {
    let picture = fitting(2, 5);
    let buf = drawn(&picture, 8, (55, 18), &theme(Depth::None, false));
    let text = rows(&buf);
    assert!(
        text[0].contains("3 Control points  degree 2×2  4 of 9 train"),
        "{}",
        text[0]
    );
    let row = |part: &str| {
        text.iter()
            .position(|r| r.contains(part))
            .unwrap_or_else(|| panic!("{part}"))
    };
    // v upward: corners 3 and 4 above corners 1 and 2.
    assert!(row("◆ 3") < row("◆ 1") && row("◆ 3") == row("◆ 4") && row("◆ 1") == row("◆ 2"));
    let third = &text[row("◆ 3")];
    assert!(third.find("◆ 3") < third.find("◆ 4"));
    for sign in ["● trains", "○ frozen", "◆ fixed"] {
        assert!(text[17].contains(sign), "{}", text[17]);
    }
}

#[test]
fn the_selected_point_is_described() {
    let picture = fitting(2, 5);
    let degrees = picture.snapshot.as_ref().unwrap().degrees;
    let at = degrees.rows().iter().position(|r| *r == (1, 2)).unwrap();
    let text = fixture::text(&drawn(&picture, at, (55, 18), &theme(Depth::None, false)));
    for part in [
        "(1, 2) trains",
        "travelled 0.100",
        "gradient 0.020",
        "peaks at (0.50, 1.00)",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    // The surface at (0.5, 1): 0.80 + 0.025 + 0.04.
    assert!(text.contains("surface there 86.50 %"), "{text}");
    let corner = fixture::text(&drawn(&picture, 3, (55, 18), &theme(Depth::None, false)));
    assert!(
        corner.contains("(2, 2) fixed") && corner.contains("accuracy 86.30 %"),
        "{corner}"
    );
}

#[test]
fn all_81_points_of_the_highest_degree_can_be_reached() {
    let picture = fitting(8, 5);
    let degrees = picture.snapshot.as_ref().unwrap().degrees;
    for size in [(55, 18), (40, 9), (20, 6), (24, 14)] {
        for (cursor, (i, j)) in degrees.rows().into_iter().enumerate() {
            let area = Rect::new(0, 0, size.0, size.1);
            let layout = Layout::of(chrome::inside(area), degrees, cursor);
            let found = area
                .positions()
                .find(|p| layout.point_at(p.x, p.y) == Some(cursor));
            let view = PointsView { cursor };
            let found = found.and_then(|p| view.point_at(area, p.x, p.y, &picture));
            assert!(found == Some(cursor), "({i}, {j}) is not shown at {size:?}");
        }
    }
    let text = fixture::text(&drawn(&picture, 40, (55, 18), &theme(Depth::None, true)));
    assert!(text.is_ascii(), "{text}");
    assert!(text.matches('o').count() >= 76, "{text}");
}

#[test]
fn the_mouse_finds_the_tile() {
    let picture = fitting(2, 5);
    let area = Rect::new(3, 2, 55, 18);
    let mut buf = Buffer::empty(Rect::new(0, 0, 70, 30));
    let view = PointsView::default();
    render(
        area,
        &mut buf,
        &theme(Depth::None, false),
        &picture,
        &view,
        true,
    );
    let text = rows(&buf);
    let y = text.iter().position(|r| r.contains("◆ 4")).unwrap();
    let x = text[y]
        .chars()
        .collect::<Vec<_>>()
        .windows(3)
        .position(|w| w == ['◆', ' ', '4']);
    assert_eq!(
        view.point_at(area, x.unwrap() as u16, y as u16, &picture),
        Some(3)
    );
    assert_eq!(view.point_at(area, 0, 0, &picture), None);
}

#[test]
fn the_cursor_moves_over_the_grid() {
    let degrees = Degrees::new(2, 3).unwrap();
    let mut view = PointsView::default();
    let place = |view: &PointsView| degrees.rows()[view.cursor];
    view.move_by(1, 0, degrees);
    assert_eq!(place(&view), (1, 0));
    view.move_by(0, 2, degrees);
    assert_eq!(place(&view), (1, 2));
    view.move_by(9, 9, degrees);
    assert_eq!((place(&view), view.cursor), ((2, 3), 3));
    view.cursor = 9999;
    view.move_by(i32::MIN, 0, degrees);
    assert_eq!(place(&view), (0, 0));
}

#[test]
fn tiles_grow_lighter_with_the_way_travelled() {
    let picture = fitting(2, 5);
    let buf = drawn(&picture, 0, (55, 18), &theme(Depth::Truecolor, false));
    let grounds: std::collections::BTreeSet<String> = buf
        .content()
        .iter()
        .map(|c| format!("{:?}", c.bg))
        .collect();
    assert!(grounds.len() >= 4, "{grounds:?}");
    let plain = drawn(&picture, 0, (55, 18), &theme(Depth::None, false));
    assert!(
        plain
            .content()
            .iter()
            .all(|c| c.bg == ratatui::style::Color::Reset)
    );
}

#[test]
fn corners_are_shown_while_they_are_made() {
    let mut picture = Picture::default();
    let empty = fixture::text(&drawn(&picture, 0, (55, 18), &theme(Depth::None, false)));
    assert!(empty.contains("Control points appear here"), "{empty}");
    feed(
        &mut picture,
        [corner(0, 0.861), losses(Curve::Corner(1), vec![0.7; 240])],
    );
    let accuracy = surfit_core::event::Event::Validated {
        curve: Curve::Corner(1),
        step: 200,
        loss: 0.5,
        accuracy: 0.812,
    };
    feed(&mut picture, [accuracy]);
    for size in [(55, 18), (40, 9)] {
        let text = fixture::text(&drawn(&picture, 0, size, &theme(Depth::None, false)));
        for part in [
            "1 of 4 ready",
            "1 ✓ 86.10 %",
            "12.3 s",
            "2 ▸ training",
            "val 81.2 %",
            "4 · waiting",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
    let text = fixture::text(&drawn(&picture, 0, (55, 18), &theme(Depth::None, true)));
    assert!(text.contains("seed 1, 8 epochs") && text.contains("loss 0.700"));
    assert!(text.is_ascii(), "{text}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn nothing_breaks_it(seed: u64, w in 0u16..160, h in 0u16..50, x in 0u16..5, m in 1u8..=8, n in 1u8..=8,
                         cursor in prop::option::of(0usize..90), depth in 0usize..4, ascii: bool) {
        let picture = fixture::wild(seed, (m, n), 5);
        let view = PointsView { cursor: cursor.unwrap_or(usize::MAX) };
        let mut buf = Buffer::empty(Rect::new(0, 0, 120, 40));
        render(Rect::new(x, x, w, h), &mut buf, &theme(DEPTHS[depth], ascii), &picture, &view, ascii);
        view.point_at(Rect::new(x, x, w, h), w / 2, h / 2, &picture);
        let mut moved = view.clone();
        moved.move_by(1, -1, Degrees::new(m, n).unwrap());
        prop_assert!(moved.cursor < Degrees::new(m, n).unwrap().count());
    }
}
