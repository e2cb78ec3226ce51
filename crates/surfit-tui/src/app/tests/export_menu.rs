use crate::app::{Effect, MAX_COPY_BYTES};
use crate::fixture;
use crate::link::{Figure, FigureForm, FileContent, NewFile};
use crate::test_app::{TestApp, find_text};
use crate::views::export_menu::ExportMenu;
use surfit_core::event::{Event, LossCurve};
use surfit_core::heatmap::{CellQuantity, SliceDirection};
use surfit_core::protocol::{BridgeMessage, BridgeRequest, ClientMessage, ServerMessage};
use surfit_core::run_state::RunState;

fn test_app(picture: RunState) -> TestApp {
    let mut rig = TestApp::with_run_state(140, 44, picture);
    let (dir, name) = ("/data/runs/demo-7".into(), "demo-7".into());
    rig.receive(fixture::opened_run(dir, name));
    rig
}

fn take_copied_texts(rig: &mut TestApp) -> Vec<String> {
    let text = |e| match e {
        Effect::Copy(text) => Some(text),
        _ => None,
    };
    std::mem::take(&mut rig.effects).into_iter().filter_map(text).collect()
}

/// The file that was to be written last.
fn last_written_file(rig: &mut TestApp) -> NewFile {
    let file = |e| match e {
        Effect::Send(ClientMessage::Bridge(BridgeRequest::Write(file))) => Some(*file),
        _ => None,
    };
    let mut all: Vec<_> = std::mem::take(&mut rig.effects).into_iter().filter_map(file).collect();
    all.pop().unwrap_or_else(|| panic!("nothing is written\n{}", rig.screen_text()))
}

#[test]
fn what_is_copied_is_shown_before_it_is_taken() {
    let mut rig = test_app(fixture::finished_run());
    rig.press("2 Y");
    let text = rig.screen_text();
    for words in ["Copy", "r  what is read here", "p  the point", "c  the command line"] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    assert!(text.contains("accuracy"), "the preview\n{text}");
    rig.press("down");
    assert!(rig.screen_text().contains("0.4500,0.6500"), "{}", rig.screen_text());
    rig.press("enter");
    assert_eq!(take_copied_texts(&mut rig), ["0.4500,0.6500"]);
    assert!(
        rig.app.view::<crate::views::export_menu::ExportMenu>().is_none()
            && rig.screen_text().contains("sent to the terminal (Y s shows it to select): 0.4500")
    );

    rig.press("Y c");
    let want = "surfit heatmap demo-7 --metric accuracy --out accuracy.png";
    assert_eq!(take_copied_texts(&mut rig), [want]);
    rig.press("Y d");
    assert_eq!(take_copied_texts(&mut rig), ["/data/runs/demo-7"]);
    rig.press("Y t");
    let table = take_copied_texts(&mut rig).pop().unwrap();
    assert!(table.starts_with("u\tv\taccuracy\tloss\timages\t"), "{table}");
    assert!(rig.screen_text().contains("to select): the table"), "{}", rig.screen_text());
    rig.press("Y esc");
    assert!(
        rig.app.view::<crate::views::export_menu::ExportMenu>().is_none() && take_copied_texts(&mut rig).is_empty()
    );
    // Over a list it is of the list.
    rig.press("w Y e");
    assert!(take_copied_texts(&mut rig)[0].contains("exports"));
    assert!(rig.app.overlay().is_some());
}

#[test]
fn more_than_terminals_take_is_refused_in_a_sentence() {
    let mut picture = fixture::fitting_run();
    let values = vec![0.5f32; 6000];
    let losses = Event::Losses { curve: LossCurve::Surface, first_step: 1240, values, rate: 0.04 };
    fixture::apply_events(&mut picture, vec![losses]);
    let mut rig = test_app(picture);
    rig.press("1 Y");
    let Some(ExportMenu::Copy(menu)) = rig.app.view() else { panic!("{}", rig.screen_text()) };
    let table = menu.items.iter().position(|o| o.key == 't').unwrap();
    assert!(menu.items[table].value.len() > MAX_COPY_BYTES);
    rig.press("down");
    assert!(rig.screen_text().contains("more than terminals take"), "{}", rig.screen_text());
    rig.press("t");
    assert!(take_copied_texts(&mut rig).is_empty());
    let text = rig.screen_text();
    assert!(text.contains("terminals take 74; W writes a file"), "{text}");
}

#[test]
fn a_file_is_named_and_written_in_the_runs_folder() {
    let mut rig = test_app(fixture::finished_run());
    rig.press("1 W");
    let text = rig.screen_text();
    for words in ["losses as CSV", "losses as JSON", "losses as PNG", "losses as SVG"] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    rig.press("c");
    assert!(rig.screen_text().contains("/data/runs/demo-7/figures/losses.csv"), "{}", rig.screen_text());
    rig.press("enter");
    let written = last_written_file(&mut rig);
    assert_eq!(written.path.to_str(), Some("/data/runs/demo-7/figures/losses.csv"));
    let FileContent::Text(text) = &written.content else { panic!("{written:?}") };
    assert!(text.starts_with("run,curve,step,") && !written.replace);

    // It is there: another name, then replaced.
    rig.receive(BridgeMessage::Exists(Box::new(written)));
    assert!(rig.screen_text().contains("losses.csv exists"), "{}", rig.screen_text());
    rig.press("n backspace backspace backspace").type_text("txt").press("enter");
    let other = last_written_file(&mut rig);
    assert!(other.path.ends_with("losses.txt") && !other.replace, "{other:?}");
    rig.receive(BridgeMessage::Exists(Box::new(other)));
    rig.press("r");
    let replaced = last_written_file(&mut rig);
    assert!(replaced.replace && replaced.path.ends_with("losses.txt"));
    rig.receive(BridgeMessage::Exists(Box::new(replaced)));
    rig.press("esc");
    assert!(rig.app.view::<crate::app::Question>().is_none() && rig.effects.is_empty());
}

#[test]
fn every_pane_and_list_has_its_forms() {
    let is_drawn = |c: &FileContent| matches!(c, FileContent::Drawn(..));
    for (keys, choose, name, figure) in [
        ("2", "j", "surface.json", false),
        ("2", "s", "surface.svg", true),
        ("2", "C", "slices.csv", false),
        ("2", "P", "slices.png", true),
        ("2", "R", "surface-3d.svg", true),
        ("3", "c", "points.csv", false),
        ("3", "p", "points.png", true),
        ("w", "j", "models.json", false),
        ("g m", "c", "machine.csv", false),
        ("i", "t", "log.txt", false),
        ("i", "j", "log.json", false),
    ] {
        let mut rig = test_app(fixture::finished_run());
        let mut snapshot = rig.app.run_state.snapshot.clone().unwrap();
        snapshot.memory += 1;
        rig.tick(1.0).receive(ServerMessage::Snapshot(Box::new(snapshot)));
        rig.press(keys).press("W").press(choose).press("enter");
        let written = last_written_file(&mut rig);
        assert!(written.path.ends_with(name), "{keys} {choose}: {:?}", written.path);
        assert_eq!(is_drawn(&written.content), figure, "{name}");
        if let FileContent::Text(text) = &written.content {
            let lines = if name == "surface.json" { 1 } else { 2 };
            assert!(text.lines().count() >= lines, "{name}: {text:.300}");
        }
    }
    let mut rig = test_app(fixture::finished_run());
    rig.press("2 W p enter");
    let drawn = |rig: &mut TestApp| match last_written_file(rig).content {
        FileContent::Drawn(drawing, _) => *drawing,
        other => panic!("{other:?}"),
    };
    let Figure::Heatmap { colormap, .. } = drawn(&mut rig) else { panic!() };
    assert_eq!(colormap, rig.app.theme.colormap());
    // What is shown is written so: quantity, lines, range and part; the other quantities have keys of their own.
    let look = |rig: &mut TestApp| match drawn(rig) {
        Figure::Heatmap { look, .. } => look,
        other => panic!("{other:?}"),
    };
    rig.press("2 D O :").type_text("range -1 2").press("enter + W s enter");
    let shown = look(&mut rig);
    assert_eq!(shown.quantity, CellQuantity::Gain);
    assert!(shown.contours && shown.corner > 0.5 && shown.part.is_some());
    assert_eq!(shown.range, rig.app.surface.fixed_range.map(|f| f.limits));
    rig.press("W i enter");
    assert_eq!(look(&mut rig).quantity, CellQuantity::Width);
    rig.press("D W g enter");
    assert_eq!(look(&mut rig).quantity, CellQuantity::Gain);
    rig.press("0");
    rig.press("? W");
    assert!(rig.screen_text().contains("nothing here to write"), "{}", rig.screen_text());
}

#[test]
fn curves_and_slices_are_written_as_they_are_shown() {
    let mut rig = test_app(fixture::finished_run());
    let drawn = |rig: &mut TestApp| match last_written_file(rig).content {
        FileContent::Drawn(drawing, _) => *drawing,
        other => panic!("{other:?}"),
    };
    rig.app.focus_pane(crate::app::Pane::Loss);
    (rig.app.loss.log, rig.app.loss.show_learning_rate) = (true, true);
    rig.app.loss.overlays = vec![crate::views::loss::ComparedCurve {
        name: "other".into(),
        path: "/runs/other".into(),
        run_state: fixture::fitting_run(),
    }];
    rig.press("+ + W p enter");
    let Figure::Losses { look, others } = drawn(&mut rig) else { panic!() };
    assert!(look.log && look.rate && look.smoothing.is_some());
    assert_eq!(Some(look.window), rig.app.loss.window(&rig.app.run_state));
    assert!(rig.app.loss.zoom.is_some() && look.range.0 < look.range.1);
    assert!(others.len() == 1 && others[0].name == "other" && !others[0].series.is_empty());
    rig.app.focus_pane(crate::app::Pane::Surface);
    rig.press("M D");
    rig.app.surface.slices = crate::views::slices::Slices::Diagonals;
    rig.press("W P enter");
    let Figure::Slices { metric, look, along, .. } = drawn(&mut rig) else { panic!() };
    assert_eq!((metric, look.quantity), (rig.app.surface.metric, CellQuantity::Gain));
    assert_eq!((metric.name(), along), ("loss", SliceDirection::DIAGONALS));
}

#[test]
fn two_surfaces_and_the_relief_are_written_as_they_are_seen() {
    let mut rig = test_app(fixture::finished_run());
    let drawn = |rig: &mut TestApp| match last_written_file(rig).content {
        FileContent::Drawn(drawing, _) => *drawing,
        other => panic!("{other:?}"),
    };
    rig.press("2 W b");
    assert!(
        rig.app.view::<crate::views::export_menu::ExportMenu>().is_some(),
        "without another one there is no such line"
    );
    rig.press("esc");
    let other = fixture::fitting_run();
    rig.app.surface.comparison = crate::views::surface::SurfaceComparison::of("second".into(), true, &other);
    rig.app.surface.camera.turn = 75.0;
    rig.press("W b enter");
    let Figure::Beside { look, names, other: map, difference, .. } = drawn(&mut rig) else { panic!() };
    assert_eq!(names[1], "second");
    assert_eq!(*map, other.snapshot.unwrap().heatmap);
    assert!(look.range.is_some() && difference.0 == -difference.1);
    rig.press("W r enter");
    let Figure::Relief { camera, .. } = drawn(&mut rig) else { panic!() };
    assert_eq!(camera, rig.app.surface.camera);
    rig.app.run_state.distances =
        Some(surfit_core::event::Distances { step: 9, points: vec![(0, 0), (1, 0)], values: vec![0.0, 1.0, 1.0, 0.0] });
    rig.press("3 W S enter");
    assert!(matches!(drawn(&mut rig), Figure::Distances { .. }));
}

#[test]
fn the_chosen_line_is_in_sight_where_not_all_have_room() {
    let mut rig = test_app(fixture::finished_run());
    rig.app.size = (60, 16).into();
    rig.press("2 W end");
    let text = rig.screen_text();
    assert!(text.contains("slices as SVG") && !text.contains("grid as CSV"), "{text}");
    assert!(text.contains("through the cursor"), "what it holds\n{text}");
    let (x, y) = find_text(&rig.draw(), "slices as PNG").unwrap();
    rig.click(x, y);
    assert!(rig.screen_text().contains("slices.png"), "{}", rig.screen_text());
}

#[test]
fn an_empty_name_is_asked_for_again_and_the_mouse_takes_a_line() {
    let mut rig = test_app(fixture::finished_run());
    rig.press("2 W c ctrl-u enter");
    assert!(
        rig.screen_text().contains("needs a name") && rig.app.view::<crate::views::export_menu::ExportMenu>().is_some()
    );
    rig.press("esc W");
    let (x, y) = find_text(&rig.draw(), "grid as JSON").unwrap();
    rig.click(x, y);
    assert!(rig.screen_text().contains("surface.json"), "{}", rig.screen_text());
    rig.click(1, 1);
    assert!(rig.app.view::<crate::views::export_menu::ExportMenu>().is_none());
    rig.press("ctrl-c");
    assert!(!rig.effects.is_empty() || rig.app.view::<crate::app::Question>().is_some());
}

#[test]
fn both_lists_fit_every_size() {
    for (width, height) in [(140, 44), (80, 24), (60, 16)] {
        for keys in ["1 Y", "2 Y", "w Y", "1 W", "2 W", "2 W c"] {
            let mut rig = test_app(fixture::finished_run());
            rig.app.size = (width, height).into();
            rig.press(keys);
            let text = rig.screen_text();
            assert!(text.contains("Copy") || text.contains("Write a file"), "{text}");
            let esc = if keys.len() > 3 { "enter writes it" } else { "enter" };
            assert!(text.contains(esc), "{width}x{height} {keys}\n{text}");
        }
    }
}

#[test]
fn the_ending_of_a_name_decides_the_form_of_a_figure_and_tells_nothing_wrong() {
    let clear = |rig: &mut TestApp| {
        rig.press(&"backspace ".repeat(60));
    };
    let mut rig = test_app(fixture::finished_run());
    rig.press("1 W s");
    clear(&mut rig);
    rig.type_text("a.csv").press("enter");
    let text = rig.screen_text();
    assert!(text.contains("is no .csv; end the name with .png or .svg"), "{text}");
    assert!(rig.effects.is_empty() && rig.app.view::<crate::views::export_menu::ExportMenu>().is_some());
    clear(&mut rig);
    rig.type_text("a.PNG").press("enter");
    let drawn = last_written_file(&mut rig);
    assert!(matches!(drawn.content, FileContent::Drawn(_, FigureForm::Png)), "{drawn:?}");
    rig.press("1 W c");
    clear(&mut rig);
    rig.type_text("a.json").press("enter");
    let text = rig.screen_text();
    assert!(text.contains("is no .json; end the name with .csv"), "{text}");
    clear(&mut rig);
    // What tells nothing of the content is the user's own.
    rig.type_text("fit.v2").press("enter");
    let csv = last_written_file(&mut rig);
    assert!(matches!(csv.content, FileContent::Text(_)), "{csv:?}");
    rig.receive(BridgeMessage::Exists(Box::new(NewFile { path: "/data/a.csv".into(), ..csv })));
    rig.press("n");
    clear(&mut rig);
    rig.type_text("b.png").press("enter");
    assert!(rig.screen_text().contains("end the name with .csv"), "{}", rig.screen_text());
}

#[test]
fn a_copy_is_told_as_what_it_is_and_can_be_selected_by_hand() {
    let mut rig = test_app(fixture::finished_run());
    rig.press("2 Y p");
    assert_eq!(take_copied_texts(&mut rig), ["0.4500,0.6500"]);
    assert!(!rig.screen_text().contains("copied"), "{}", rig.screen_text());
    // Shown from the first column on, without a frame.
    rig.press("Y s");
    assert!(rig.screen_text().starts_with("0.4500,0.6500\n"), "{}", rig.screen_text());
    rig.press("esc");
    assert!(rig.screen_text().contains("Surface"), "{}", rig.screen_text());
    // In tmux nothing is said before tmux has taken it or not.
    for (unsent, said) in [(None, "copied into tmux's buffer: 0.45"), (Some("0.45".to_owned()), "sent to the terminal")]
    {
        let mut rig = super::export_menu::test_app(fixture::finished_run());
        rig.app.in_tmux = true;
        rig.press("2 Y p");
        assert_eq!(take_copied_texts(&mut rig).len(), 1);
        assert!(!rig.screen_text().contains("0.4500,0.6500"), "{}", rig.screen_text());
        rig.update(crate::app::AppMessage::CopyFinished { unsent });
        assert!(rig.screen_text().contains(said), "{}", rig.screen_text());
    }
}
