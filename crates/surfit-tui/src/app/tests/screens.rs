use crate::app::Pane;
use crate::color::ColorDepth;
use crate::fixture;
use crate::layout::ScreenLayout;
use crate::test_app::{TestApp, buffer_text};
use crate::theme::{Theme, ThemeRole};
use ratatui::backend::TestBackend;
use ratatui::style::Color;
use ratatui::{Terminal, widgets::Widget};
use surfit_core::event::JobStage;
use surfit_core::protocol::BridgeMessage;
use surfit_core::run_state::RunState;
use surfit_core::snapshot::EngineState;

const SIZES: [(u16, u16); 4] = [(80, 24), (100, 30), (140, 44), (200, 60)];

fn stage_states() -> [RunState; 4] {
    [fixture::loading_run(), fixture::corner_training_run(), fixture::fitting_run(), fixture::finished_run()]
}

#[test]
fn the_first_screen_shows_everything_at_every_size() {
    for (width, height) in SIZES {
        let rig = TestApp::with_run_state(width, height, fixture::fitting_run());
        let text = rig.screen_text();
        let words = [
            "surfit",
            "demo-7",
            "● running",
            "41 %",
            "2 min 11 s left",
            "1 Loss",
            "2 Surface",
            "88.87 %",
            "3 Control points",
            "p pause",
            "? help",
            "q quit",
            "d detach",
        ];
        for word in words {
            assert!(text.contains(word), "{width}×{height} has no {word}\n{text}");
        }
        assert_eq!(text.lines().count(), usize::from(height));
    }
}

/// On ratatui's own test backend, for the styles as a terminal would get them.
#[test]
fn every_state_size_depth_and_overlay_draws_without_colour_where_there_is_none() {
    struct WholeScreen<'a>(&'a TestApp);
    impl Widget for WholeScreen<'_> {
        fn render(self, _: ratatui::layout::Rect, buf: &mut ratatui::buffer::Buffer) {
            crate::views::screen::render(&self.0.app, buf);
        }
    }
    for (width, height) in SIZES.into_iter().chain([(60, 16), (79, 23), (1, 1), (20, 5), (500, 10)]) {
        for run_state in stage_states() {
            let mut rig = TestApp::with_run_state(width, height, run_state);
            for keys in ["", "z", "esc ?", "esc :", "esc i", "esc w", "esc o", "esc q"] {
                rig.press(keys);
                for depth in ColorDepth::ALL {
                    // The middle depths add nothing new at the odd sizes.
                    let odd = !SIZES[..2].contains(&(width, height));
                    if odd && [ColorDepth::Ansi16, ColorDepth::Ansi256].contains(&depth) {
                        continue;
                    }
                    rig = rig.with_theme("dark", depth, depth == ColorDepth::None);
                    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
                    terminal.draw(|f| f.render_widget(WholeScreen(&rig), f.area())).unwrap();
                    let shown = terminal.backend().buffer();
                    for cell in shown.content() {
                        let (fg, bg) = (cell.fg, cell.bg);
                        let fits = |c: Color| match depth {
                            ColorDepth::None => c == Color::Reset,
                            ColorDepth::Ansi16 => !matches!(c, Color::Rgb(..) | Color::Indexed(_)),
                            ColorDepth::Ansi256 => !matches!(c, Color::Rgb(..)),
                            ColorDepth::Truecolor => !matches!(c, Color::Indexed(_)),
                        };
                        assert!(fits(fg) && fits(bg), "{width}×{height} {keys} {depth:?} {cell:?}");
                        if depth == ColorDepth::None {
                            assert!(cell.symbol().is_ascii(), "{width}×{height} `{keys}` {}", buffer_text(shown));
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn the_focus_moves_with_its_keys_and_is_told_by_the_border_at_every_depth() {
    for depth in ColorDepth::ALL {
        let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run()).with_theme("dark", depth, false);
        for (key, pane) in [("1", Pane::Loss), ("2", Pane::Surface), ("3", Pane::Points), ("tab", Pane::Loss)] {
            rig.press(key);
            assert_eq!(rig.app.focus, pane);
            let buf = rig.draw();
            for (other, area) in ScreenLayout::of(&rig.app).panes {
                let corner = &buf[(area.x, area.bottom() - 1)];
                let (heavy, focused) = (corner.symbol() == "┗", other == pane);
                let role = if focused { ThemeRole::BorderFocused } else { ThemeRole::Border };
                let wanted = rig.app.theme.style(role);
                assert_eq!(heavy, focused && depth <= ColorDepth::Ansi16, "{depth:?} {other:?}");
                assert_eq!(corner.fg, wanted.fg.unwrap_or_default(), "{depth:?} {other:?}");
            }
        }
    }
}

#[test]
fn a_terminal_that_is_too_small_says_what_it_needs() {
    for (width, height) in [(59, 24), (80, 15), (30, 8)] {
        let rig = TestApp::with_run_state(width, height, fixture::fitting_run());
        let words = rig.screen_text().split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains(&format!("The terminal is {width}x{height}.")), "{words}");
        assert!(words.contains("at least 60x16") && words.contains("d quits"), "{words}");
    }
    assert!(!TestApp::with_run_state(60, 16, fixture::fitting_run()).screen_text().contains("at least"));
}

#[test]
fn a_narrow_terminal_shows_one_pane_and_names_the_others() {
    let mut rig = TestApp::with_run_state(70, 20, fixture::fitting_run());
    let text = rig.screen_text();
    assert!(text.contains("1 Loss") && text.contains("3 Control points"), "{text}");
    assert_eq!(ScreenLayout::of(&rig.app).panes.len(), 1);
    rig.press("3");
    assert_eq!(ScreenLayout::of(&rig.app).panes[0].0, Pane::Points);
    let x = ScreenLayout::of(&rig.app).tabs.unwrap().x + 3;
    rig.click(x, 1);
    assert_eq!(rig.app.focus, Pane::Loss);
}

#[test]
fn zoom_gives_the_pane_everything_between_header_and_message() {
    let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
    rig.press("1 z");
    let screen = ScreenLayout::of(&rig.app);
    assert_eq!(screen.panes.len(), 1);
    assert_eq!(screen.panes[0].1.width, 140);
    assert!(!rig.screen_text().contains("2 Surface"));
    rig.press("esc");
    assert!(rig.screen_text().contains("2 Surface"));
}

#[test]
fn before_anything_is_known_the_screen_is_there_and_says_what_it_waits_for() {
    let rig = TestApp::new(80, 24);
    let text = rig.screen_text();
    for words in ["demo-7", "starting", "waiting for the engine", "2 Surface", "q quit"] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    let rig = TestApp::with_run_state(140, 44, fixture::loading_run());
    assert!(rig.screen_text().contains("loading the data set"));
}

#[test]
fn the_result_stands_under_a_finished_run() {
    let rig = TestApp::with_run_state(140, 44, fixture::finished_run());
    let text = rig.screen_text();
    assert!(text.contains("✓ finished") && text.contains("points over the best corner"), "{text}");
    assert!(text.contains("on test 88.53 %") && text.contains("s new fit"), "{text}");
}

#[test]
fn what_is_said_of_a_finished_run_is_true_of_what_became_of_it() {
    use surfit_core::event::Event;
    let mut run_state = fixture::finished_run();
    let changed = |from, to| Event::DegreeChanged { step: 3000, from, to, deviation: 2e-3 };
    let (low, high) = (fixture::degrees(2, 3), fixture::degrees(4, 3));
    // A raised degree leaves the surface where it was; a measurement afterwards is no part of the job.
    fixture::apply_events(
        &mut run_state,
        vec![
            changed(fixture::degrees(3, 3), high),
            Event::StageBegan { stage: JobStage::Heatmap, total: 25 },
            Event::StageEnded { stage: JobStage::Heatmap, seconds: 0.3 },
        ],
    );
    let text = TestApp::with_run_state(140, 44, run_state.clone()).screen_text();
    assert!(text.contains("finished: best"), "{text}");
    assert!(text.contains("done in 1 min 4 s"), "{text}");
    // In a narrow header the words go before the time is cut.
    for width in 60..90 {
        let text = TestApp::with_run_state(width, 16, run_state.clone()).screen_text();
        assert!(!text.contains("n 1 min 4 s") || text.contains("done in 1 min 4 s"), "{width}: {text}");
        assert!(!text.contains("min 4") || text.contains("1 min 4 s"), "{width}: {text}");
    }
    fixture::apply_events(&mut run_state, vec![changed(high, low)]);
    let snapshot = run_state.snapshot.as_mut().unwrap();
    snapshot.degrees = low;
    snapshot.heatmap.version += 1;
    let text = TestApp::with_run_state(140, 44, run_state.clone()).screen_text();
    let before = "lowered to degree 2×3 after the job: not fully measured since; before that 8";
    assert!(text.contains(before), "{text}");
    let map = &mut run_state.snapshot.as_mut().unwrap().heatmap;
    for cell in &mut map.cells {
        *cell = surfit_core::heatmap::Cell::from_counts(1200, cell.images, 0.5, map.version);
    }
    map.cells[0] = surfit_core::heatmap::Cell::from_counts(1203, map.cells[0].images, 0.5, map.version);
    let text = TestApp::with_run_state(140, 44, run_state).screen_text();
    let now = "after the job: best 80.20 % at u 0.00, v 0.00; before that 8";
    assert!(text.contains(now), "{text}");
}

#[test]
fn a_grid_that_misses_the_best_point_is_told_apart_from_the_one_that_has_it() {
    let mut run_state = fixture::finished_run();
    let map = &mut run_state.snapshot.as_mut().unwrap().heatmap;
    *map = map.with_grid(5);
    let mut rig = TestApp::with_run_state(140, 44, run_state);
    let text = rig.screen_text();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].contains("best of 5×5 8"), "{text}");
    let told = "finished: best of the 21×21 grid 88.87 % at u 0.45, v 0.65";
    assert!(text.contains(told), "{text}");
    rig.press("x");
    let text = rig.screen_text();
    let told = "exporting the best of the 5×5 grid, though u 0.45, v 0.65 on the 21×21 grid is better";
    assert!(text.contains(told), "{text}");
    // The grid that has it needs no word.
    let text = TestApp::with_run_state(140, 44, fixture::finished_run()).screen_text();
    assert!(text.contains("finished: best 88.87 %"), "{text}");
}

#[test]
fn themes_go_round_and_paint_the_ground() {
    let mut rig = TestApp::with_run_state(100, 30, fixture::fitting_run());
    let mut seen = Vec::new();
    for _ in Theme::built_in_names() {
        let ground = rig.app.theme.rgb(rig.app.theme.background_rgb());
        assert_eq!(rig.draw()[(99, 27)].bg, ground);
        seen.push(rig.app.theme.name().to_string());
        rig.press("t");
    }
    assert_eq!(seen, Theme::built_in_names().collect::<Vec<_>>());
    assert_eq!(rig.app.theme.name(), seen[0]);
}

#[test]
fn a_control_character_in_a_message_never_reaches_the_terminal() {
    let mut rig = TestApp::with_run_state(100, 30, fixture::fitting_run());
    rig.receive(BridgeMessage::Problem("bad \x1b]0;name\x07 \n file".into()));
    rig.press("i");
    let all = rig.draw();
    assert!(all.content().iter().all(|c| !c.symbol().chars().any(char::is_control)));
}

#[test]
fn what_is_cut_says_so_and_hints_end_with_how_to_get_away() {
    let mut rig = TestApp::with_run_state(80, 24, fixture::finished_run());
    rig.press("2 :").type_text("export names");
    let text = rig.screen_text();
    assert!(text.contains("as in corner 1's fil…"), "{text}");
    // The chosen line stands whole above the list, the typed forms from their beginning.
    assert!(text.contains("name exported tensors as in corner 1's file, or as surfit does"), "{text}");
    assert!(text.contains(" degree 3 4  ") && text.contains(" queue 4 4 ╯"), "{text}");
    for (width, height) in [(60, 16), (80, 24), (140, 44)] {
        let mut rig = TestApp::with_run_state(width, height, fixture::finished_run());
        for keys in ["o", "w", "i", "?", ":", "g t", "g m"] {
            rig.press(keys);
            let text = rig.screen_text();
            let foot = text.lines().last().unwrap();
            assert!(foot.contains("esc "), "{keys} at {width}: {foot}");
            assert!(!foot.trim_end().ends_with("esc clo"), "{foot}");
            rig.press("esc");
        }
    }
}

/// Corners are under way and the first is measured, in a stage and a state.
fn corner_run(stage: JobStage, state: EngineState) -> RunState {
    let mut run_state = fixture::corner_training_run();
    let snapshot = run_state.snapshot.as_mut().unwrap();
    (snapshot.stage, snapshot.state) = (stage, state);
    snapshot.heatmap.cells[0] = surfit_core::heatmap::Cell::from_counts(1307, 1500, 0.4, 0);
    run_state
}

#[test]
fn before_there_is_a_surface_nothing_is_said_of_one() {
    let corners = corner_run(JobStage::Corners, EngineState::Running);
    let align = corner_run(JobStage::Align, EngineState::Running);
    for (width, height) in [(140, 44), (80, 24)] {
        for run_state in [&fixture::loading_run(), &corners, &align] {
            let mut rig = TestApp::with_run_state(width, height, run_state.clone());
            rig.press("2 T");
            let text = rig.screen_text();
            assert!(text.contains("The surface appears here"), "{text}");
            for part in ["interior", "mean", "gain", "over corner", "measured", "next best", "zoom in"] {
                assert!(!text.contains(part), "{part} at {width}: {text}");
            }
            rig.press("Y");
            assert!(!rig.screen_text().contains("plot of the map"), "{}", rig.screen_text());
        }
        let mut rig = TestApp::with_run_state(width, height, corners.clone());
        rig.press("u");
        let text = rig.screen_text();
        assert!(text.contains("degree of the surface to come 2×2 → 3×2, 9 → 12 points"), "{text}");
        assert!(!text.contains("exact"), "{text}");
    }
    let text = TestApp::with_run_state(140, 44, corners).screen_text();
    assert!(text.lines().next().unwrap().contains("best corner 87.15 %"), "{text}");
}

#[test]
fn a_plan_is_whole_where_the_keys_that_answer_it_fit_in_the_footer_alone() {
    for (width, whole) in [(140, true), (80, false)] {
        let mut rig = TestApp::with_run_state(width, 24, fixture::fitting_run());
        rig.press("u u V");
        let text = rig.screen_text();
        assert!(text.contains("degree 3×3 → 5×2, 16 → 18 points, moves the surface"), "{text}");
        assert_eq!(text.contains("; enter applies it, esc cancels"), whole, "{text}");
        assert!(text.contains("enter apply  esc cancel"), "{text}");
        assert!(!text.contains("esc …"), "{text}");
    }
}

#[test]
fn the_stages_of_a_branched_training_are_those_that_it_has() {
    let mut run_state = fixture::fitting_run();
    let stages = |run_state: &RunState| {
        let text = TestApp::with_run_state(140, 44, run_state.clone()).screen_text();
        text.lines().nth(1).unwrap_or_default().to_owned()
    };
    assert!(stages(&run_state).contains("align"), "{}", stages(&run_state));
    run_state.phases.insert(0, (0, surfit_core::draws::FitPhase::Trunk));
    let line = stages(&run_state);
    assert!(
        line.contains("data") && line.contains("fit") && !line.contains("corners") && !line.contains("align"),
        "{line}"
    );
}

#[test]
fn what_is_paused_or_stopped_is_named_by_its_stage() {
    let shown = |stage, state| TestApp::with_run_state(140, 44, corner_run(stage, state)).screen_text();
    for (stage, words) in [
        (JobStage::Data, "loading the data set is paused; p resumes"),
        (JobStage::Corners, "the corners are paused; the surface between them comes next; p resumes"),
        (JobStage::Align, "the alignment is paused; the surface comes next; p resumes"),
    ] {
        let text = shown(stage, EngineState::Paused);
        assert!(text.contains(words), "{words}: {text}");
        assert!(text.contains("3 ‖ paused") && !text.contains("▸ training"), "{text}");
    }
    for (stage, words) in [
        (JobStage::Fit, "the fit is paused; p resumes"),
        (JobStage::Heatmap, "the measurement of the heatmap is paused; p resumes"),
        (JobStage::Export, "the export is paused; p resumes"),
    ] {
        let mut run_state = fixture::fitting_run();
        let snapshot = run_state.snapshot.as_mut().unwrap();
        (snapshot.stage, snapshot.state) = (stage, EngineState::Paused);
        let mut rig = TestApp::with_run_state(140, 44, run_state);
        let text = rig.screen_text();
        assert!(text.contains(words), "{words}: {text}");
        rig.press("g m");
        let text = rig.screen_text();
        assert!(text.contains("speed           paused") && !text.contains("nothing runs"), "{text}");
    }
    assert!(shown(JobStage::Corners, EngineState::Running).contains("3 ▸ training"));
    assert!(shown(JobStage::Corners, EngineState::Idle).contains("3 □ stopped"));
    let mut run_state = corner_run(JobStage::Corners, EngineState::Running);
    run_state.curves.clear();
    let text = TestApp::with_run_state(140, 44, run_state).screen_text();
    assert!(text.contains("preparing the corners") && !text.contains("training the corners"), "{text}");
}

#[test]
fn the_curves_of_new_corners_stay_while_their_training_is_paused() {
    for state in [EngineState::Running, EngineState::Paused] {
        let mut run_state = fixture::fitting_run();
        let snapshot = run_state.snapshot.as_mut().unwrap();
        (snapshot.stage, snapshot.state) = (JobStage::Corners, state);
        let text = TestApp::with_run_state(140, 44, run_state).screen_text();
        assert!(text.contains("1 Loss  corner 4"), "{state:?}: {text}");
    }
}
