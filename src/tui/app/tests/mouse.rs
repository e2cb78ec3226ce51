use crate::app::Pane;
use crate::fixture;
use crate::layout::Screen;
use crate::rig::{Rig, find};
use crossterm::event::MouseEventKind;
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
    let before = rig.app.surface.cursor;
    rig.mouse(MouseEventKind::ScrollUp, surface.x + 40, surface.y + 10);
    assert_eq!(rig.app.surface.cursor, (before.0, before.1 + 1));
    let (x, y) = place(&rig, "○ 0.149");
    rig.click(x, y);
    assert_eq!(rig.app.focus, Pane::Points);
    assert!(rig.app.chosen_point().unwrap().frozen);
    let loss = Screen::of(&rig.app).panes[0].1;
    rig.click(loss.x + 20, loss.y + 5);
    assert!(rig.app.loss.cursor.is_some_and(|c| c > 0.1 && c < 0.6));
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
