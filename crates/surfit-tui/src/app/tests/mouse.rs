use crate::app::{Effect, Pane};
use crate::fixture;
use crate::layout::ScreenLayout;
use crate::test_app::{TestApp, find_text};
use crossterm::event::{MouseButton, MouseEventKind};
use surfit_core::protocol::{BridgeMessage, BridgeRequest, ClientMessage, EngineCommand};

fn position_of(rig: &TestApp, needle: &str) -> (u16, u16) {
    find_text(&rig.draw(), needle).unwrap_or_else(|| panic!("no {needle}\n{}", rig.screen_text()))
}

#[test]
fn a_click_chooses_a_pane_and_what_is_under_it() {
    let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
    let (x, y) = position_of(&rig, "★ ");
    // The title's star is on the border; the map's own lies inside.
    let surface = ScreenLayout::of(&rig.app).panes[1].1;
    assert!(surface.contains((x, y).into()));
    rig.press("1").click(surface.x + 40, surface.y + 10);
    assert_eq!(rig.app.focus, Pane::Surface);
    assert_ne!(rig.app.surface.cursor, (10, 10));
    let (x, y) = position_of(&rig, "○ 0.149");
    rig.click(x, y);
    assert_eq!(rig.app.focus, Pane::Points);
    assert!(rig.app.selected_point().unwrap().frozen);
    let loss = ScreenLayout::of(&rig.app).panes[0].1;
    rig.click(loss.x + 20, loss.y + 5);
    assert!(rig.app.loss.cursor.is_some_and(|step| step > 100.0 && step < 2000.0));
}

#[test]
fn the_wheel_zooms_the_surface_about_the_cell_under_it_and_dragging_moves_the_part() {
    let mut rig = TestApp::with_run_state(140, 44, fixture::finished_run());
    let area = ScreenLayout::of(&rig.app).panes[1].1;
    let (x, y) = (area.x + 30, area.y + 12);
    let cell = |rig: &TestApp, x: u16, y: u16| {
        let app = &rig.app;
        app.surface.cell_at(area, x, y, &app.theme, &app.run_state)
    };
    let shown = |rig: &TestApp| rig.app.surface.shown_cells(rig.app.grid(), rig.app.degrees().patch());
    let under = cell(&rig, x, y).unwrap();
    for _ in 0..4 {
        rig.mouse(MouseEventKind::ScrollUp, x, y);
        let now = cell(&rig, x, y).unwrap();
        let off = now.0.abs_diff(under.0).max(now.1.abs_diff(under.1));
        assert!(off <= 1, "{now:?} is no longer {under:?}");
    }
    let zoomed = shown(&rig);
    assert!(zoomed.count < rig.app.grid() && zoomed.contains(rig.app.surface.cursor));
    // What was taken hold of stays under the mouse.
    let held = cell(&rig, x, y).unwrap();
    rig.mouse(MouseEventKind::Down(MouseButton::Right), x, y);
    for step in 1..=6 {
        rig.mouse(MouseEventKind::Drag(MouseButton::Right), x + step, y + step / 2);
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
    let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
    let (x, y) = position_of(&rig, "p pause");
    rig.click(x + 3, y);
    assert_eq!(rig.take_sent_commands()[0].1, EngineCommand::Pause);
    let (x, y) = position_of(&rig, "q quit");
    rig.click(x, y);
    let (x, y) = position_of(&rig, "cancel ");
    rig.click(x, y);
    assert!(rig.app.view::<crate::app::Question>().is_none() && rig.effects.is_empty());
}

#[test]
fn a_double_click_zooms_and_one_beside_an_overlay_closes_it() {
    let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
    rig.tick(1.0).click(10, 10).tick(1.2).click(10, 10);
    assert!(rig.app.zoomed && rig.app.focus == Pane::Loss);
    rig.press("z ?").click(1, 3);
    assert!(rig.app.overlay().is_none());
    rig.press(":").type_text("checkpoint");
    let (x, y) = position_of(&rig, "checkpoint        write");
    rig.click(x, y);
    assert_eq!(rig.take_sent_commands()[0].1, EngineCommand::Checkpoint);
}

#[test]
fn borders_are_dragged_and_the_panes_keep_a_size_that_can_be_read() {
    let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
    let before = ScreenLayout::of(&rig.app).panes[1].1;
    let (x, y) = (before.x, before.y + 9);
    let drag = MouseEventKind::Drag(MouseButton::Left);
    let up = MouseEventKind::Up(MouseButton::Left);
    let cursor = rig.app.surface.cursor;
    rig.click(x, y).mouse(drag, x + 7, y).mouse(up, x + 7, y);
    let after = ScreenLayout::of(&rig.app).panes[1].1;
    assert_eq!(after.x, before.x + 7);
    rig.mouse(drag, 20, y);
    assert_eq!(ScreenLayout::of(&rig.app).panes[1].1, after, "it was let go");
    assert_eq!(rig.app.surface.cursor, cursor, "a border is no cell");
    let points = ScreenLayout::of(&rig.app).panes[2].1;
    rig.click(points.x + 9, points.y).mouse(drag, points.x + 9, 0).mouse(up, 0, 0);
    let loss = ScreenLayout::of(&rig.app).panes[0].1;
    assert!(loss.height >= 6, "{loss:?}");
    rig.press("ctrl-w =");
    assert_eq!(ScreenLayout::of(&rig.app).panes[1].1, before);
}

#[test]
fn the_header_the_message_line_and_what_follows_a_key_can_be_clicked() {
    let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
    let (x, y) = position_of(&rig, "● running");
    rig.click(x + 2, y);
    assert_eq!(rig.take_sent_commands()[0].1, EngineCommand::Pause);
    let (x, y) = position_of(&rig, "demo-7");
    rig.click(x, y);
    assert!(rig.app.view::<crate::views::runs::RunsOverlay>().is_some());
    let (x, y) = position_of(&rig, "✕");
    rig.click(x, y);
    assert!(rig.app.overlay().is_none());
    rig.press("g");
    let (x, y) = position_of(&rig, "p points");
    rig.click(x + 3, y);
    assert_eq!(rig.app.focus, Pane::Points);
    rig.press("g");
    let (x, y) = position_of(&rig, "esc cancel");
    rig.click(x, y);
    assert!(rig.app.pending_prefix().is_none());
    rig.accept_pending_commands();
    let row = ScreenLayout::of(&rig.app).message;
    rig.click(5, row.y);
    assert!(rig.app.view::<crate::views::log::LogOverlay>().is_some());
    rig.press("esc q").click(2, 2);
    assert!(rig.app.view::<crate::app::Question>().is_none(), "beside a question is cancel");
}

#[test]
fn lists_beside_the_panes_open_by_a_click() {
    let mut rig = TestApp::with_run_state(220, 60, fixture::finished_run());
    let text = rig.screen_text();
    for words in ["w Models", "i Log", "1 Loss", "2 Surface", "3 Control points"] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    let (x, y) = position_of(&rig, "i Log");
    rig.click(x + 2, y + 3);
    assert!(rig.app.view::<crate::views::log::LogOverlay>().is_some());
    rig.press("esc &");
    assert!(!rig.screen_text().contains("i Log"));
}

#[test]
fn the_empty_room_below_a_list_is_no_line_of_it() {
    let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
    for (typed, clear) in [("checkpoint", "esc"), ("zzzz", "esc"), ("grid 31", "esc")] {
        rig.press(":").type_text(typed);
        let area = rig.app.overlay_area();
        for y in area.y + 12..area.bottom() - 1 {
            rig.click(area.x + 10, y);
        }
        assert!(rig.app.overlay().is_some(), "{typed}");
        assert_eq!(rig.effects, [], "{typed}");
        rig.press(clear);
    }
    // What was typed stands in the list's first line, and can be clicked.
    rig.press(":").type_text("grid 31");
    let (x, y) = position_of(&rig, "enter: grid 31");
    rig.click(x, y);
    assert_eq!(rig.take_sent_commands()[0].1, EngineCommand::SetGrid { grid: 31 });
}

#[test]
fn the_second_click_in_the_models_goes_there() {
    let mut rig = TestApp::with_run_state(140, 44, fixture::finished_run());
    rig.press("home w");
    let before = rig.app.surface.cursor;
    let (x, y) = position_of(&rig, "corner 4");
    rig.click(x, y);
    assert!(rig.app.overlay().is_some());
    rig.click(x, y);
    assert!(rig.app.overlay().is_none());
    assert_ne!(rig.app.surface.cursor, before);
}

fn click_footer(rig: &mut TestApp, needle: &str) {
    let (y, buf) = (ScreenLayout::of(&rig.app).footer.y, rig.draw());
    let from = |x| (x..buf.area.width).map(|x| buf[(x, y)].symbol()).collect::<String>();
    let x = (0..buf.area.width).find(|&x| from(x).starts_with(needle));
    let x = x.unwrap_or_else(|| panic!("no {needle}\n{}", rig.screen_text()));
    rig.click(x, y);
}

#[test]
fn the_keys_of_an_overlay_can_be_clicked() {
    let runs = ["old-1", "old-2"].map(|id| crate::link::RunLine {
        id: id.into(),
        path: format!("/runs/{id}").into(),
        ..Default::default()
    });
    let load = || Effect::Send(ClientMessage::Bridge(BridgeRequest::Load("/runs/old-1".into())));
    for (width, height) in [(140, 44), (80, 24)] {
        let mut rig = TestApp::with_run_state(width, height, fixture::finished_run());
        rig.press("o");
        rig.receive(BridgeMessage::Runs(runs.clone().into()));
        rig.press("home");
        rig.effects.clear();
        click_footer(&mut rig, "c losses");
        assert_eq!(rig.effects, [load()]);
        click_footer(&mut rig, "b compare");
        assert_eq!(rig.effects, [load(), load()]);
        click_footer(&mut rig, "C values");
        assert!(rig.app.runs_view.pinned.is_some());
        click_footer(&mut rig, "/ filter");
        assert!(rig.app.runs_view.search.typing);
        rig.type_text("old-1");
        click_footer(&mut rig, "enter keep");
        assert_eq!(crate::views::runs::visible_runs(&rig.app).len(), 1);
        click_footer(&mut rig, "delete remove");
        assert!(rig.app.view::<crate::app::Question>().is_some());
        click_footer(&mut rig, "esc cancel");
        assert!(rig.app.view::<crate::app::Question>().is_none() && rig.app.overlay().is_some());
        click_footer(&mut rig, "r resume");
        let resumed = Effect::Send(ClientMessage::Bridge(BridgeRequest::ResumeEngine(Some("/runs/old-1".into()))));
        assert_eq!(rig.effects.last(), Some(&resumed));

        let mut rig = TestApp::with_run_state(width, height, fixture::finished_run());
        rig.press("w");
        let before = rig.screen_text();
        click_footer(&mut rig, "s sort");
        assert_ne!(rig.screen_text(), before);
        click_footer(&mut rig, "y copy");
        assert!(matches!(rig.effects[..], [Effect::Copy(_)]));
        click_footer(&mut rig, "esc close");
        rig.press("i");
        click_footer(&mut rig, "t topic");
        assert!(rig.app.log.topic.is_some());
        click_footer(&mut rig, "/ search");
        assert!(rig.app.log.search.typing);
        click_footer(&mut rig, "esc cancel");
        click_footer(&mut rig, "esc close");
        assert!(rig.app.overlay().is_none());
        rig.press("2 W t");
        click_footer(&mut rig, "enter save");
        let written = rig.effects.last();
        assert!(matches!(written, Some(Effect::Send(ClientMessage::Bridge(BridgeRequest::Write(_))))), "{written:?}");
    }
}

#[test]
fn a_planned_degree_is_confirmed_and_taken_back_by_clicks() {
    for (width, height) in [(140, 44), (80, 24), (60, 16)] {
        let mut rig = TestApp::with_run_state(width, height, fixture::fitting_run());
        rig.press("u");
        click_footer(&mut rig, "esc cancel");
        rig.press("enter");
        assert_eq!(rig.take_sent_commands(), [], "it was taken back");
        rig.press("u");
        click_footer(&mut rig, "enter apply");
        assert!(matches!(rig.take_sent_commands()[..], [(_, EngineCommand::SetDegree { .. })]));
        rig.accept_pending_commands().press("v");
        let row = ScreenLayout::of(&rig.app).message;
        rig.click(5, row.y);
        assert!(matches!(rig.take_sent_commands()[..], [(_, EngineCommand::SetDegree { .. })]));
        assert!(rig.app.overlay().is_none());
    }
}

#[test]
fn what_is_under_way_can_be_given_up_by_a_click() {
    for (width, height) in [(140, 44), (80, 24), (60, 16)] {
        for run_state in [fixture::fitting_run(), fixture::finished_run()] {
            let mut rig = TestApp::with_run_state(width, height, run_state);
            let (y, text) = (ScreenLayout::of(&rig.app).footer.y, rig.screen_text());
            let footer = text.lines().nth(y.into()).unwrap();
            assert!(!footer.contains("Z cancel"), "{footer}");
            rig.app.run_state.snapshot.as_mut().unwrap().errand = Some(surfit_core::snapshot::RunningTask {
                name: "exporting the best point".into(),
                done: 40,
                total: 100,
                waiting: 0,
            });
            click_footer(&mut rig, "Z cancel");
            assert_eq!(rig.take_sent_commands()[0].1, EngineCommand::Cancel);
        }
    }
}
