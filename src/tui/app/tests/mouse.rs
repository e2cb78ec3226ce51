use crate::app::{Overlay, Pane};
use crate::fixture;
use crate::layout::Screen;
use crate::rig::{Rig, find};
use crossterm::event::{MouseButton, MouseEventKind};
use surfit_core::protocol::Command;

fn place(rig: &Rig, needle: &str) -> (u16, u16) {
    find(&rig.draw(), needle).unwrap_or_else(|| panic!("no {needle}\n{}", rig.text()))
}

#[test]
fn a_click_chooses_a_pane_and_what_is_under_it() {
    let mut rig = Rig::with(140, 44, fixture::fitting());
    let (x, y) = place(&rig, "★ ");
    // The title's star is on the border; the map's own lies inside.
    let surface = Screen::of(&rig.app).panes[1].1;
    assert!(surface.contains((x, y).into()));
    rig.press("1").click(surface.x + 40, surface.y + 10);
    assert_eq!(rig.app.focus, Pane::Surface);
    assert_ne!(rig.app.surface.cursor, (10, 10));
    let (x, y) = place(&rig, "○ 0.149");
    rig.click(x, y);
    assert_eq!(rig.app.focus, Pane::Points);
    assert!(rig.app.chosen_point().unwrap().frozen);
    let loss = Screen::of(&rig.app).panes[0].1;
    rig.click(loss.x + 20, loss.y + 5);
    assert!(
        rig.app
            .loss
            .cursor
            .is_some_and(|step| step > 100.0 && step < 2000.0)
    );
}

#[test]
fn the_wheel_zooms_the_surface_about_the_cell_under_it_and_dragging_moves_the_part() {
    let mut rig = Rig::with(140, 44, fixture::finished());
    let area = Screen::of(&rig.app).panes[1].1;
    let (x, y) = (area.x + 30, area.y + 12);
    let cell = |rig: &Rig, x: u16, y: u16| {
        let app = &rig.app;
        app.surface.cell_at(area, x, y, &app.theme, &app.picture)
    };
    let shown = |rig: &Rig| {
        rig.app
            .surface
            .cells(rig.app.grid(), rig.app.degrees().patch())
    };
    let under = cell(&rig, x, y).unwrap();
    for _ in 0..4 {
        rig.mouse(MouseEventKind::ScrollUp, x, y);
        let now = cell(&rig, x, y).unwrap();
        let off = now.0.abs_diff(under.0).max(now.1.abs_diff(under.1));
        assert!(off <= 1, "{now:?} is no longer {under:?}");
    }
    let zoomed = shown(&rig);
    assert!(zoomed.count < rig.app.grid() && zoomed.holds(rig.app.surface.cursor));
    // What was taken hold of stays under the mouse.
    let held = cell(&rig, x, y).unwrap();
    rig.mouse(MouseEventKind::Down(MouseButton::Right), x, y);
    for step in 1..=6 {
        rig.mouse(
            MouseEventKind::Drag(MouseButton::Right),
            x + step,
            y + step / 2,
        );
        let now = cell(&rig, x + step, y + step / 2).unwrap();
        assert_eq!(now, held);
    }
    assert_ne!(shown(&rig), zoomed);
    assert_eq!(shown(&rig).count, zoomed.count);
    rig.mouse(MouseEventKind::ScrollDown, x, y);
    assert!(shown(&rig).count > zoomed.count);
    // A double click shows the whole before it gives the pane the screen.
    rig.tick(5.0).click(x, y).tick(5.1).click(x, y);
    assert!(shown(&rig).is_all() && !rig.app.zoomed);
    // A relief is turned.
    rig.press("T");
    let before = rig.app.surface.camera;
    rig.mouse(MouseEventKind::Down(MouseButton::Right), x, y);
    rig.mouse(MouseEventKind::Drag(MouseButton::Right), x + 5, y + 2);
    let after = rig.app.surface.camera;
    assert!(after.turn != before.turn && after.tilt > before.tilt);
}

#[test]
fn keys_of_the_footer_can_be_clicked() {
    let mut rig = Rig::with(140, 44, fixture::fitting());
    let (x, y) = place(&rig, "p pause");
    rig.click(x + 3, y);
    assert_eq!(rig.sent()[0].1, Command::Pause);
    let (x, y) = place(&rig, "q quit");
    rig.click(x, y);
    let (x, y) = place(&rig, "cancel ");
    rig.click(x, y);
    assert!(rig.app.question.is_none() && rig.effects.is_empty());
}

#[test]
fn a_double_click_zooms_and_one_beside_an_overlay_closes_it() {
    let mut rig = Rig::with(140, 44, fixture::fitting());
    rig.tick(1.0).click(10, 10).tick(1.2).click(10, 10);
    assert!(rig.app.zoomed && rig.app.focus == Pane::Loss);
    rig.press("z ?").click(1, 3);
    assert!(rig.app.overlay.is_none());
    rig.press(":").type_in("checkpoint");
    let (x, y) = place(&rig, "checkpoint        make");
    rig.click(x, y);
    assert_eq!(rig.sent()[0].1, Command::Checkpoint);
}

#[test]
fn borders_are_dragged_and_the_panes_keep_a_size_that_can_be_read() {
    let mut rig = Rig::with(140, 44, fixture::fitting());
    let before = Screen::of(&rig.app).panes[1].1;
    let (x, y) = (before.x, before.y + 9);
    let drag = MouseEventKind::Drag(MouseButton::Left);
    let up = MouseEventKind::Up(MouseButton::Left);
    let cursor = rig.app.surface.cursor;
    rig.click(x, y).mouse(drag, x + 7, y).mouse(up, x + 7, y);
    let after = Screen::of(&rig.app).panes[1].1;
    assert_eq!(after.x, before.x + 7);
    rig.mouse(drag, 20, y);
    assert_eq!(Screen::of(&rig.app).panes[1].1, after, "it was let go");
    assert_eq!(rig.app.surface.cursor, cursor, "a border is no cell");
    let points = Screen::of(&rig.app).panes[2].1;
    rig.click(points.x + 9, points.y)
        .mouse(drag, points.x + 9, 0)
        .mouse(up, 0, 0);
    let loss = Screen::of(&rig.app).panes[0].1;
    assert!(loss.height >= 6, "{loss:?}");
    rig.press("ctrl-w =");
    assert_eq!(Screen::of(&rig.app).panes[1].1, before);
}

#[test]
fn the_header_the_message_line_and_what_follows_a_key_can_be_clicked() {
    let mut rig = Rig::with(140, 44, fixture::fitting());
    let (x, y) = place(&rig, "● running");
    rig.click(x + 2, y);
    assert_eq!(rig.sent()[0].1, Command::Pause);
    let (x, y) = place(&rig, "demo-7");
    rig.click(x, y);
    assert!(matches!(rig.app.overlay, Some(Overlay::Runs { .. })));
    let (x, y) = place(&rig, "✕");
    rig.click(x, y);
    assert!(rig.app.overlay.is_none());
    rig.press("g");
    let (x, y) = place(&rig, "p points");
    rig.click(x + 3, y);
    assert_eq!(rig.app.focus, Pane::Points);
    rig.press("g");
    let (x, y) = place(&rig, "esc cancel");
    rig.click(x, y);
    assert!(rig.app.begun().is_none());
    rig.grant();
    let row = Screen::of(&rig.app).message;
    rig.click(5, row.y);
    assert!(matches!(rig.app.overlay, Some(Overlay::Log { .. })));
    rig.press("esc q").click(2, 2);
    assert!(rig.app.question.is_none(), "beside a question is cancel");
}

#[test]
fn lists_beside_the_panes_open_by_a_click() {
    let mut rig = Rig::with(220, 60, fixture::finished());
    let text = rig.text();
    for words in [
        "w Models",
        "i Log",
        "1 Loss",
        "2 Surface",
        "3 Control points",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    let (x, y) = place(&rig, "i Log");
    rig.click(x + 2, y + 3);
    assert!(matches!(rig.app.overlay, Some(Overlay::Log { .. })));
    rig.press("esc &");
    assert!(!rig.text().contains("i Log"));
}

#[test]
fn the_empty_room_below_a_list_is_no_line_of_it() {
    let mut rig = Rig::with(140, 44, fixture::fitting());
    for (typed, clear) in [("checkpoint", "esc"), ("zzzz", "esc"), ("grid 31", "esc")] {
        rig.press(":").type_in(typed);
        let area = Screen::of(&rig.app).overlay;
        for y in area.y + 12..area.bottom() - 1 {
            rig.click(area.x + 10, y);
        }
        assert!(rig.app.overlay.is_some(), "{typed}");
        assert_eq!(rig.effects, [], "{typed}");
        rig.press(clear);
    }
    // What was typed stands in the list's first line, and can be clicked.
    rig.press(":").type_in("grid 31");
    let (x, y) = place(&rig, "enter: grid 31");
    rig.click(x, y);
    assert_eq!(rig.sent()[0].1, Command::SetGrid { grid: 31 });
}

#[test]
fn the_second_click_in_the_models_goes_there() {
    let mut rig = Rig::with(140, 44, fixture::finished());
    rig.press("home w");
    let before = rig.app.surface.cursor;
    let (x, y) = place(&rig, "corner 4");
    rig.click(x, y);
    assert!(rig.app.overlay.is_some());
    rig.click(x, y);
    assert!(rig.app.overlay.is_none());
    assert_ne!(rig.app.surface.cursor, before);
}
