use crate::app::exports::{ExportFormat, MAX_SAMPLE_ROWS};
use crate::app::{App, Effect, ExportDestination, ExportItem, ExportSource, MAX_COPY_BYTES};
use crate::fixture;
use crate::link::{Figure, FigureForm, FileContent, NewFile};
use crate::test_app::{TestApp, find_text};
use crate::views::export_dialog::{ExportDialog, FilenamePrompt};
use crate::views::plain_text::TextOverlay;
use crate::views::tables::{self, TableRows};
use surfit_core::event::{Event, LossCurve};
use surfit_core::heatmap::{CellQuantity, SliceDirection};
use surfit_core::protocol::{BridgeMessage, BridgeRequest, ClientMessage, ServerMessage};
use surfit_core::run_state::RunState;

fn test_app(run_state: RunState) -> TestApp {
    let mut rig = TestApp::with_run_state(140, 44, run_state);
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

fn last_written_file(rig: &mut TestApp) -> NewFile {
    let file = |e| match e {
        Effect::Send(ClientMessage::Bridge(BridgeRequest::Write(file))) => Some(*file),
        _ => None,
    };
    let mut all: Vec<_> = std::mem::take(&mut rig.effects).into_iter().filter_map(file).collect();
    all.pop().unwrap_or_else(|| panic!("nothing is written\n{}", rig.screen_text()))
}

fn last_drawing(rig: &mut TestApp) -> Figure {
    match last_written_file(rig).content {
        FileContent::Drawn(drawing, _) => *drawing,
        other => panic!("{other:?}"),
    }
}

fn is_open(rig: &TestApp) -> bool {
    rig.app.view::<ExportDialog>().is_some() || rig.app.view::<FilenamePrompt>().is_some()
}

#[test]
fn a_text_is_previewed_before_it_is_copied() {
    let mut rig = test_app(fixture::finished_run());
    rig.press("2 Y");
    let text = rig.screen_text();
    for words in ["Copy or save", "r  values at the cursor", "u  point", "c  shell command", "d  directory"] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    assert!(text.contains("accuracy"), "the preview\n{text}");
    rig.press("down");
    assert!(rig.screen_text().contains("0.4500,0.6500"), "{}", rig.screen_text());
    rig.press("enter");
    assert_eq!(take_copied_texts(&mut rig), ["0.4500,0.6500"]);
    assert!(!is_open(&rig));
    let message = "sent to the terminal (Y tab shows it to select): 0.4500";
    assert!(rig.screen_text().contains(message), "{}", rig.screen_text());

    rig.press("Y c");
    let want = "surfit heatmap demo-7 --metric accuracy --out accuracy.png";
    assert_eq!(take_copied_texts(&mut rig), [want]);
    rig.press("Y d");
    assert_eq!(take_copied_texts(&mut rig), ["/data/runs/demo-7"]);
    rig.press("Y t");
    let table = take_copied_texts(&mut rig).pop().unwrap();
    assert!(table.starts_with("u\tv\taccuracy\tloss\timages\t"), "{table}");
    assert!(rig.screen_text().contains("to select): table of the cells, "), "{}", rig.screen_text());
    rig.press("Y esc");
    assert!(!is_open(&rig) && take_copied_texts(&mut rig).is_empty());
    // Over a list it is of the list.
    rig.press("w Y e");
    assert!(take_copied_texts(&mut rig)[0].contains("exports"));
    assert!(rig.app.overlay().is_some());
}

#[test]
fn a_preview_makes_the_rows_that_it_shows_and_no_others() {
    thread_local!(static MADE: std::cell::Cell<usize> = const { std::cell::Cell::new(0) });
    fn counted(app: &App) -> TableRows<'_> {
        let table = tables::losses(app);
        let rows = table.rows.inspect(|_| MADE.set(MADE.get() + 1));
        TableRows { rows: Box::new(rows), ..table }
    }
    let mut rig = test_app(fixture::fitting_run());
    let total = tables::losses(&rig.app).take_rows(usize::MAX).rows.len();
    let item = ExportItem::new('t', "table", "table", "every step", ExportSource::Table(counted));
    rig.app.push_dialog(ExportDialog::new(vec![item], ExportDestination::Clipboard));
    for format in ["tsv", "json", "csv"] {
        MADE.set(0);
        let text = rig.screen_text();
        assert!(text.contains("demo-7") && text.contains("about "), "{format}\n{text}");
        assert!(MADE.get() <= MAX_SAMPLE_ROWS && total > 1000, "{format}: {} of {total} rows", MADE.get());
        rig.press("right");
    }
    // What is shown whole is counted, and what is exported has every row.
    rig.press("esc w Y down down");
    assert!(rig.screen_text().contains(" lines, ") && !rig.screen_text().contains("about "), "{}", rig.screen_text());
    rig.press("esc esc 1 Y tab t");
    assert_eq!(rig.app.view::<TextOverlay>().unwrap().text.lines().count(), total + 1);
}

#[test]
fn a_table_is_copied_in_the_chosen_format() {
    let mut rig = test_app(fixture::finished_run());
    rig.press("3 Y down left enter");
    let csv = take_copied_texts(&mut rig).pop().unwrap();
    assert!(csv.starts_with("i,j,u,v,corner,"), "{csv}");
    rig.press("Y down right enter");
    let json = take_copied_texts(&mut rig).pop().unwrap();
    assert!(json.starts_with("[\n{"), "{json}");
}

#[test]
fn one_dialog_has_every_destination() {
    for (keys, destination) in [
        ("2 Y", ExportDestination::Clipboard),
        ("2 Y tab", ExportDestination::Screen),
        ("2 Y shift-tab", ExportDestination::File),
        ("2 W", ExportDestination::File),
        ("2 W tab", ExportDestination::Clipboard),
    ] {
        let mut rig = test_app(fixture::finished_run());
        rig.press(keys);
        let dialog = rig.app.view::<ExportDialog>().unwrap();
        assert_eq!(dialog.destination, destination, "{keys}");
        rig.press("t");
        match destination {
            ExportDestination::Clipboard => assert_eq!(take_copied_texts(&mut rig).len(), 1),
            ExportDestination::Screen => assert!(rig.app.view::<TextOverlay>().unwrap().text.starts_with("u,v,")),
            ExportDestination::File => assert!(rig.screen_text().contains("surface.csv"), "{}", rig.screen_text()),
        }
    }
    // A figure has one destination only, and every text has a file.
    for (keys, name) in [("2 Y p", "surface.png"), ("2 W c", "command.txt"), ("2 W u", "point.txt")] {
        let mut rig = test_app(fixture::finished_run());
        rig.press(keys).press("enter");
        assert!(last_written_file(&mut rig).path.ends_with(name), "{keys}");
    }
}

#[test]
fn more_than_terminals_accept_is_refused_in_a_sentence() {
    let mut run_state = fixture::fitting_run();
    let values = vec![0.5f32; 6000];
    let losses = Event::Losses { curve: LossCurve::Surface, first_step: 1240, values, rate: 0.04 };
    fixture::apply_events(&mut run_state, vec![losses]);
    let mut rig = test_app(run_state);
    rig.press("1 Y");
    let dialog = rig.app.view::<ExportDialog>().unwrap();
    let table = dialog.items.iter().find(|item| item.key == 't').unwrap();
    assert!(table.text(&rig.app).unwrap().len() > MAX_COPY_BYTES);
    rig.press("down");
    assert!(rig.screen_text().contains("more than terminals accept"), "{}", rig.screen_text());
    rig.press("t");
    assert!(take_copied_texts(&mut rig).is_empty());
    let text = rig.screen_text();
    assert!(text.contains("74 kB that terminals accept; tab saves a file"), "{text}");
    rig.press("shift-tab t enter");
    assert!(last_written_file(&mut rig).path.ends_with("losses.csv"));
}

#[test]
fn a_file_is_named_and_written_in_the_runs_folder() {
    let mut rig = test_app(fixture::finished_run());
    rig.press("1 W");
    let text = rig.screen_text();
    for words in ["t  table of the losses", "[CSV]  TSV   JSON", "p  plot of the losses", "PNG   SVG"] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    rig.press("t");
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
fn every_pane_and_list_has_its_exports() {
    let is_drawn = |c: &FileContent| matches!(c, FileContent::Drawn(..));
    for (keys, choose, name, figure) in [
        ("2", "t tab tab", "surface.json", false),
        ("2", "t tab", "surface.tsv", false),
        ("2", "p tab", "surface.svg", true),
        ("2", "T", "slices.csv", false),
        ("2", "P", "slices.png", true),
        ("2", "3 tab", "surface-3d.svg", true),
        ("3", "t", "points.csv", false),
        ("3", "p", "points.png", true),
        ("w", "t shift-tab", "models.json", false),
        ("g m", "t", "machine.csv", false),
        ("o", "d", "directory.txt", false),
        ("i", "l", "log.txt", false),
        ("i", "t tab tab", "log.json", false),
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
            let lines = if ["surface.json", "directory.txt"].contains(&name) { 1 } else { 2 };
            assert!(text.lines().count() >= lines, "{name}: {text:.300}");
        }
    }
    // Where a view has nothing of its own there is the run.
    let mut rig = test_app(fixture::finished_run());
    rig.press("? Y d");
    assert_eq!(take_copied_texts(&mut rig), ["/data/runs/demo-7"]);
}

#[test]
fn a_plot_of_the_map_is_saved_as_it_is_shown() {
    let mut rig = test_app(fixture::finished_run());
    rig.press("2 W p enter");
    let Figure::Heatmap { colormap, .. } = last_drawing(&mut rig) else { panic!() };
    assert_eq!(colormap, rig.app.theme.colormap());
    // Quantity, lines, range and part are those of the screen; the other quantities have keys of their own.
    let look = |rig: &mut TestApp| match last_drawing(rig) {
        Figure::Heatmap { look, .. } => look,
        other => panic!("{other:?}"),
    };
    rig.press("2 D O :").type_text("range -1 2").press("enter + W p tab enter");
    let shown = look(&mut rig);
    assert_eq!(shown.quantity, CellQuantity::Gain);
    assert!(shown.contours && shown.corner > 0.5 && shown.part.is_some());
    assert_eq!(shown.range, rig.app.surface.fixed_range.map(|f| f.limits));
    rig.press("W i enter");
    assert_eq!(look(&mut rig).quantity, CellQuantity::Width);
    rig.press("D W g enter");
    assert_eq!(look(&mut rig).quantity, CellQuantity::Gain);
}

#[test]
fn curves_and_slices_are_written_as_they_are_shown() {
    let mut rig = test_app(fixture::finished_run());
    rig.app.focus_pane(crate::app::Pane::Loss);
    (rig.app.loss.log, rig.app.loss.show_learning_rate) = (true, true);
    rig.app.loss.overlays = vec![crate::views::loss::ComparedCurve {
        name: "other".into(),
        path: "/runs/other".into(),
        run_state: fixture::fitting_run(),
    }];
    rig.press("+ + W p enter");
    let Figure::Losses { look, others } = last_drawing(&mut rig) else { panic!() };
    assert!(look.log && look.rate && look.smoothing.is_some());
    assert_eq!(Some(look.window), rig.app.loss.window(&rig.app.run_state));
    assert!(rig.app.loss.zoom.is_some() && look.range.0 < look.range.1);
    assert!(others.len() == 1 && others[0].name == "other" && !others[0].series.is_empty());
    rig.app.focus_pane(crate::app::Pane::Surface);
    rig.press("M D");
    rig.app.surface.slices = crate::views::slices::Slices::Diagonals;
    rig.press("W P enter");
    let Figure::Slices { metric, look, along, .. } = last_drawing(&mut rig) else { panic!() };
    assert_eq!((metric, look.quantity), (rig.app.surface.metric, CellQuantity::Gain));
    assert_eq!((metric.name(), along), ("loss", SliceDirection::DIAGONALS));
}

#[test]
fn two_surfaces_and_the_relief_are_written_as_they_are_seen() {
    let mut rig = test_app(fixture::finished_run());
    rig.press("2 W b");
    assert!(is_open(&rig), "without another one there is no such line");
    rig.press("esc");
    let other = fixture::fitting_run();
    rig.app.surface.comparison = crate::views::surface::SurfaceComparison::of("second".into(), true, &other);
    rig.app.surface.camera.turn = 75.0;
    rig.press("W b enter");
    let Figure::Beside { look, names, other: map, difference, .. } = last_drawing(&mut rig) else { panic!() };
    assert_eq!(names[1], "second");
    assert_eq!(*map, other.snapshot.unwrap().heatmap);
    assert!(look.range.is_some() && difference.0 == -difference.1);
    rig.press("W 3 enter");
    let Figure::Relief { camera, .. } = last_drawing(&mut rig) else { panic!() };
    assert_eq!(camera, rig.app.surface.camera);
    rig.app.run_state.distances =
        Some(surfit_core::event::Distances { step: 9, points: vec![(0, 0), (1, 0)], values: vec![0.0, 1.0, 1.0, 0.0] });
    rig.press("3 W P enter");
    assert!(matches!(last_drawing(&mut rig), Figure::Distances { .. }));
}

#[test]
fn the_selected_row_is_in_sight_where_not_all_fit() {
    let mut rig = test_app(fixture::finished_run());
    rig.app.size = (60, 16).into();
    rig.press("2 W end");
    let text = rig.screen_text();
    assert!(text.contains("folder of the model") && !text.contains("values at the cursor"), "{text}");
    assert!(text.contains("the model that is selected"), "what it is\n{text}");
    let (x, y) = find_text(&rig.draw(), "plot of the slices").unwrap();
    rig.click(x, y);
    assert!(rig.screen_text().contains("slices.png"), "{}", rig.screen_text());
}

#[test]
fn an_empty_name_is_asked_for_again_and_the_mouse_exports_a_row() {
    let mut rig = test_app(fixture::finished_run());
    for name in ["", "figures/"] {
        rig.press("2 W t ctrl-u").type_text(name).press("enter");
        assert!(rig.screen_text().contains("needs a name") && is_open(&rig), "{}", rig.screen_text());
        rig.press("esc");
    }
    rig.press("W");
    let (x, y) = find_text(&rig.draw(), "copy to clipboard").unwrap();
    rig.click(x, y);
    assert_eq!(rig.app.view::<ExportDialog>().unwrap().destination, ExportDestination::Clipboard);
    rig.press("shift-tab");
    let (x, y) = find_text(&rig.draw(), "t  table of the cells").unwrap();
    rig.click(x, y);
    assert!(rig.screen_text().contains("surface.csv"), "{}", rig.screen_text());
    rig.click(1, 1);
    assert!(!is_open(&rig));
    rig.press("ctrl-c");
    assert!(!rig.effects.is_empty() || rig.app.view::<crate::app::Question>().is_some());
}

#[test]
fn the_dialog_fits_every_size() {
    for (width, height) in [(140, 44), (80, 24), (60, 16)] {
        for keys in ["1 Y", "2 Y", "w Y", "1 W", "2 W", "2 W t"] {
            let mut rig = test_app(fixture::finished_run());
            rig.app.size = (width, height).into();
            rig.press(keys);
            let text = rig.screen_text();
            let wanted = match keys.len() > 3 {
                true => ["Save as a file", "enter save", "every cell", "surface.csv"],
                false => ["Copy or save", "copy to clipboard", "save as file ", "enter "],
            };
            for words in wanted {
                assert!(text.contains(words), "{width}x{height} {keys}: {words}\n{text}");
            }
        }
    }
}

#[test]
fn the_ending_of_a_name_selects_the_format_and_is_never_wrong() {
    let clear = |rig: &mut TestApp| {
        rig.press(&"backspace ".repeat(60));
    };
    let mut rig = test_app(fixture::finished_run());
    rig.press("1 W p");
    clear(&mut rig);
    rig.type_text("a.csv").press("enter");
    let text = rig.screen_text();
    assert!(text.contains("this is no .csv file; end the name with .png or .svg"), "{text}");
    assert!(rig.effects.is_empty() && is_open(&rig));
    clear(&mut rig);
    rig.type_text("a.SVG").press("enter");
    let drawn = last_written_file(&mut rig);
    assert!(matches!(drawn.content, FileContent::Drawn(_, FigureForm::Svg)), "{drawn:?}");
    rig.press("1 W t");
    clear(&mut rig);
    rig.type_text("a.png").press("enter");
    let text = rig.screen_text();
    assert!(text.contains("this is no .png file; end the name with .csv, .tsv or .json"), "{text}");
    for (name, start) in [("a.json", "[\n{"), ("b.tsv", "run\tcurve\t"), ("c.txt", "run\tcurve\t")] {
        clear(&mut rig);
        rig.type_text(name).press("enter");
        let written = last_written_file(&mut rig);
        let FileContent::Text(text) = &written.content else { panic!("{written:?}") };
        assert!(text.starts_with(start), "{name}: {text:.60}");
        rig.press("1 W t tab");
    }
    clear(&mut rig);
    // An unknown ending is the user's own.
    rig.type_text("fit.v2").press("enter");
    let text = last_written_file(&mut rig);
    assert!(matches!(text.content, FileContent::Text(_)), "{text:?}");
    rig.receive(BridgeMessage::Exists(Box::new(NewFile { path: "/data/a.csv".into(), ..text })));
    rig.press("n");
    assert_eq!(rig.app.view::<FilenamePrompt>().unwrap().item.format, ExportFormat::Csv);
    clear(&mut rig);
    rig.type_text("b.png").press("enter");
    assert!(rig.screen_text().contains("end the name with .csv"), "{}", rig.screen_text());
}

#[test]
fn a_copy_is_reported_as_what_it_is_and_can_be_selected_by_hand() {
    let mut rig = test_app(fixture::finished_run());
    rig.press("2 Y u");
    assert_eq!(take_copied_texts(&mut rig), ["0.4500,0.6500"]);
    assert!(!rig.screen_text().contains("copied"), "{}", rig.screen_text());
    // Shown from the first column on, without a frame.
    rig.press("Y tab u");
    assert!(rig.screen_text().starts_with("0.4500,0.6500\n"), "{}", rig.screen_text());
    rig.press("esc");
    assert!(rig.screen_text().contains("Surface"), "{}", rig.screen_text());
    // In tmux nothing is reported before tmux answers; also where the one-key copy follows another.
    for keys in ["2 Y u", "2 Y d y"] {
        for (unsent, message) in
            [(None, "copied into tmux's buffer: 0.45"), (Some("0.45".to_owned()), "sent to the terminal")]
        {
            let mut rig = test_app(fixture::finished_run());
            rig.app.in_tmux = true;
            rig.press(keys);
            assert!(!take_copied_texts(&mut rig).is_empty());
            assert!(!rig.screen_text().contains("0.4500,0.6500"), "{}", rig.screen_text());
            rig.update(crate::app::AppMessage::CopyFinished { unsent });
            assert!(rig.screen_text().contains(message), "{}", rig.screen_text());
        }
    }
}

#[test]
fn another_name_keeps_the_form_and_tab_shows_the_format_in_the_name() {
    for (keys, form) in [("W p", FigureForm::Png), ("W p tab", FigureForm::Svg)] {
        let mut rig = test_app(fixture::finished_run());
        rig.press("1").press(keys).press("ctrl-u").type_text("plot").press("enter");
        let written = last_written_file(&mut rig);
        assert!(matches!(&written.content, FileContent::Drawn(_, f) if *f == form), "{keys}: {written:?}");
        rig.receive(BridgeMessage::Exists(Box::new(written)));
        rig.press("n").type_text("2").press("enter");
        let written = last_written_file(&mut rig);
        assert_eq!(written.path.to_str(), Some("plot2"));
        assert!(matches!(&written.content, FileContent::Drawn(_, f) if *f == form), "{keys}: {written:?}");
        rig.receive(BridgeMessage::Exists(Box::new(written)));
        let other = if form == FigureForm::Png { "plot2.svg" } else { "plot2.png" };
        rig.press("n tab");
        assert_eq!(rig.app.view::<FilenamePrompt>().unwrap().input.value(), other);
        // The ending is replaced in any case, dot and all.
        rig.press("ctrl-u").type_text("A.SVG").press("tab tab");
        assert!(rig.app.view::<FilenamePrompt>().unwrap().input.value().matches('.').count() <= 2);
    }
}
