use crate::app::{Effect, Pane};
use crate::fixture;
use crate::link::LeaveReason;
use crate::test_app::TestApp;
use surfit_core::event::Event;
use surfit_core::heatmap::Metric;
use surfit_core::protocol::{
    BridgeMessage, BridgeRequest, ClientMessage, CommandError, CommandErrorCode, EngineCommand, Selection,
    ServerMessage, TensorNames,
};
use surfit_core::snapshot::EngineState;

fn set_degree(m: u8, n: u8) -> EngineCommand {
    EngineCommand::SetDegree { degrees: fixture::degrees(m, n) }
}

fn take_sent_commands(rig: &mut TestApp) -> Vec<EngineCommand> {
    rig.take_sent_commands().into_iter().map(|c| c.1).collect()
}

#[test]
fn degree_keys_pressed_quickly_add_up_and_the_wish_is_shown_until_it_comes_true() {
    let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
    rig.press("u enter u enter u enter V enter");
    let sent = rig.take_sent_commands();
    let wanted = [set_degree(4, 3), set_degree(5, 3), set_degree(6, 3), set_degree(6, 2)];
    assert_eq!(sent.iter().map(|c| c.1.clone()).collect::<Vec<_>>(), wanted);
    assert!(rig.screen_text().contains("degree 3×3 → 6×2"), "{}", rig.screen_text());
    // The engine did the last only and refuses what that replaced: nobody needs to hear of it.
    for (id, _) in &sent[..3] {
        rig.receive(ServerMessage::Reply {
            id: *id,
            error: Some(CommandError::new(CommandErrorCode::WrongState, "a later degree took its place")),
            events: None,
        });
    }
    assert!(!rig.screen_text().contains("took its place"));
    rig.receive(ServerMessage::Reply { id: sent[3].0, error: None, events: None });
    rig.press("u enter");
    assert_eq!(take_sent_commands(&mut rig), [set_degree(7, 2)]);
    rig.accept_pending_commands();
    let mut snapshot = fixture::fitting_run().snapshot.unwrap();
    snapshot.degrees = fixture::degrees(7, 2);
    rig.receive(ServerMessage::Snapshot(Box::new(snapshot)));
    assert!(!rig.screen_text().contains('→') || !rig.screen_text().contains("×2 →"), "{}", rig.screen_text());
    assert_eq!(rig.app.requested_degrees(), None);
    rig.press("u u");
    // 8 is the highest: the second press says so and changes nothing.
    assert!(rig.screen_text().contains("outside 1..=8"), "{}", rig.screen_text());
    rig.press("enter");
    assert_eq!(take_sent_commands(&mut rig), [set_degree(8, 2)]);
}

#[test]
fn a_refused_degree_goes_back_to_what_the_engine_has() {
    let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
    rig.press("u enter");
    let id = rig.take_sent_commands()[0].0;
    rig.receive(ServerMessage::Reply {
        id,
        error: Some(CommandError::new(CommandErrorCode::WrongState, "not while the heatmap is measured")),
        events: None,
    });
    let text = rig.screen_text();
    assert!(text.contains("degree: not while the heatmap is measured"), "{text}");
    assert!(!text.contains("3×3 →"));
    rig.press("i");
    assert!(rig.screen_text().contains("not while the heatmap"), "the log keeps it");
    rig.press("esc u enter");
    assert_eq!(take_sent_commands(&mut rig), [set_degree(4, 3)]);
}

#[test]
fn grid_keys_add_up_too() {
    let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
    rig.press("] ] [");
    let grids = [25, 31, 25].map(|grid| EngineCommand::SetGrid { grid });
    assert_eq!(take_sent_commands(&mut rig), grids);
}

#[test]
fn exports_get_the_names_of_the_given_corners_when_that_was_chosen_until_it_is_taken_back() {
    let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
    let names = |rig: &mut TestApp| -> Vec<TensorNames> {
        let sent = take_sent_commands(rig).into_iter();
        let export = |command| match command {
            EngineCommand::Export { names, .. } => Some(names),
            _ => None,
        };
        sent.filter_map(export).collect()
    };
    rig.press("; n");
    assert!(rig.screen_text().contains("tensor names of exports: as in the file of corner 1"));
    rig.press("x X C ; e m");
    assert_eq!(names(&mut rig), [TensorNames::AsGiven; 4]);
    assert!(rig.screen_text().contains("named as in corner 1's file"), "{}", rig.screen_text());
    rig.press("; n x");
    assert_eq!(names(&mut rig), [TensorNames::Surfit]);
}

#[test]
fn the_cursor_decides_where_marks_measurements_and_exports_are() {
    let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
    rig.press("home right up up m e X x C");
    let (u, v) = (0.05, 0.1);
    let export = |selection| EngineCommand::Export { selection, dir: None, replace: false, names: TensorNames::Surfit };
    let wanted = [
        EngineCommand::Mark { u, v },
        EngineCommand::Evaluate { u, v },
        export(Selection::At { u, v }),
        export(Selection::Best),
        export(Selection::Centroid),
    ];
    assert_eq!(take_sent_commands(&mut rig), wanted);
    assert!(rig.screen_text().contains("exporting the mean of the surface"), "{}", rig.screen_text());
    rig.accept_pending_commands();
    assert!(!rig.screen_text().contains("exporting"));
    let seq = rig.app.run_state.seq + 1;
    let event = fixture::evaluated_event(u, v);
    rig.receive(ServerMessage::Event(surfit_core::event::Envelope { seq, time: 0.0, event }));
    assert!(rig.screen_text().contains("on 1500 validation images"), "{}", rig.screen_text());
}

#[test]
fn pause_stop_checkpoint_and_start_are_commands_when_they_make_sense() {
    let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
    rig.press("p c s");
    assert_eq!(take_sent_commands(&mut rig), [EngineCommand::Pause, EngineCommand::Checkpoint]);
    assert!(rig.screen_text().contains("the job is running"), "{}", rig.screen_text());
    rig.accept_pending_commands();
    assert!(rig.screen_text().contains("The checkpoint is on disk."));
    rig.app.run_state.snapshot.as_mut().unwrap().state = EngineState::Paused;
    rig.press("p");
    assert_eq!(take_sent_commands(&mut rig), [EngineCommand::Unpause]);
    rig.press(".");
    assert!(rig.screen_text().contains("The fit has done 1240 of 3000."), "{}", rig.screen_text());
    rig.press("enter");
    assert_eq!(take_sent_commands(&mut rig), [], "enter takes what loses nothing");
    rig.press(". s");
    assert_eq!(take_sent_commands(&mut rig), [EngineCommand::Stop]);
    rig.app.run_state.snapshot.as_mut().unwrap().state = EngineState::Idle;
    rig.press("s");
    assert_eq!(take_sent_commands(&mut rig), [EngineCommand::Start]);
}

#[test]
fn new_fits_and_corners_are_asked_about_first() {
    let mut rig = TestApp::with_run_state(140, 44, fixture::finished_run());
    rig.press("s");
    assert_eq!(take_sent_commands(&mut rig), []);
    rig.press("f");
    assert_eq!(take_sent_commands(&mut rig), [EngineCommand::StartFit { degrees: None }]);
    rig.press("s g");
    let further = EngineCommand::FitFurther { steps: None, epochs: None };
    assert_eq!(take_sent_commands(&mut rig), [further]);
    rig.press("S esc S t");
    assert_eq!(take_sent_commands(&mut rig), [EngineCommand::StartCorners]);
}

#[test]
fn what_a_branched_course_has_trained_is_asked_about_before_and_after_the_branch() {
    for mut run_state in [fixture::trunk_run(), fixture::branch_run(fixture::fitting_run())] {
        run_state.snapshot.as_mut().unwrap().state = EngineState::Idle;
        let mut rig = TestApp::with_run_state(140, 44, run_state);
        assert!(rig.app.run_state.corners.is_empty());
        rig.press("S");
        assert_eq!(take_sent_commands(&mut rig), []);
        let text = rig.screen_text();
        for part in ["What is trained is discarded", "train anew from an untrained network"] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        rig.press("esc");
        assert!(rig.screen_text().contains("s resume"), "{}", rig.screen_text());
        rig.press("S t");
        assert_eq!(take_sent_commands(&mut rig), [EngineCommand::StartCorners]);
    }
    let mut idle = fixture::loading_run();
    idle.snapshot.as_mut().unwrap().state = EngineState::Idle;
    let mut rig = TestApp::with_run_state(140, 44, idle);
    assert!(!rig.screen_text().contains("s resume"), "{}", rig.screen_text());
    rig.press("S");
    assert_eq!(take_sent_commands(&mut rig), [EngineCommand::StartCorners], "there is nothing to lose");
}

#[test]
fn a_new_fit_says_what_it_begins_with() {
    let mut trained = fixture::finished_run();
    fixture::train_corners(&mut trained);
    let branched = fixture::branch_run(fixture::finished_run());
    for (run_state, said) in [
        (fixture::finished_run(), "fit again between these corners"),
        (trained, "fit again from the fitted corners"),
        (branched, "train anew from an untrained network"),
    ] {
        let mut rig = TestApp::with_run_state(60, 16, run_state);
        rig.press("s");
        assert!(rig.screen_text().contains(said), "{said}\n{}", rig.screen_text());
    }
}

#[test]
fn before_the_branch_actions_on_the_surface_say_why_they_are_not_available() {
    let mut rig = TestApp::with_run_state(140, 44, fixture::trunk_run());
    rig.press("x");
    assert_eq!(take_sent_commands(&mut rig), []);
    let text = rig.screen_text();
    assert!(text.contains("no surface yet; it comes at the branch"), "{text}");
    let mut rig = TestApp::with_run_state(140, 44, fixture::corner_training_run());
    rig.press("x");
    assert!(rig.screen_text().contains("no surface yet; the corners come first"), "{}", rig.screen_text());
}

#[test]
fn a_control_point_is_frozen_only_when_it_was_chosen() {
    let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
    rig.press("f");
    assert!(rig.screen_text().contains("freeze in the control points pane"));
    rig.press("3 f");
    assert!(rig.screen_text().contains("corners are never trained"));
    rig.press("right up f");
    assert_eq!(take_sent_commands(&mut rig), [EngineCommand::Freeze { i: 1, j: 1, frozen: true }]);
}

#[test]
fn the_metric_follows_the_key_and_the_engine() {
    let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
    rig.press("M");
    assert_eq!(rig.app.surface.metric, Metric::LOSS);
    assert_eq!(take_sent_commands(&mut rig), [EngineCommand::SetMetric { metric: Metric::LOSS }]);
}

#[test]
fn the_metric_is_the_views_own_and_a_run_begins_with_what_was_looked_at_last() {
    let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
    let mut snapshot = rig.app.run_state.snapshot.clone().unwrap();
    // Another screen shows the loss now.
    snapshot.metric = Metric::LOSS;
    snapshot.seq += 1;
    rig.receive(ServerMessage::Snapshot(Box::new(snapshot.clone())));
    assert_eq!(rig.app.surface.metric, Metric::ACCURACY);
    // Whoever opens it then sees that too.
    let mut rig = TestApp::new(140, 44);
    rig.receive(ServerMessage::Snapshot(Box::new(snapshot.clone())));
    assert_eq!(rig.app.surface.metric, Metric::LOSS);
    snapshot.metric = Metric::ACCURACY;
    snapshot.seq += 1;
    rig.receive(ServerMessage::Snapshot(Box::new(snapshot)));
    assert_eq!(rig.app.surface.metric, Metric::LOSS);
    // Who only watches changes what is seen here, and nothing there.
    let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
    rig.app.readonly = true;
    rig.press("M");
    assert_eq!(rig.app.surface.metric, Metric::LOSS);
    assert_eq!((rig.take_sent_commands(), rig.app.pending.len()), (vec![], 0));
}

#[test]
fn a_question_tells_the_state_and_shows_its_answers_whole() {
    let mut paused = fixture::fitting_run();
    paused.snapshot.as_mut().unwrap().state = EngineState::Paused;
    for (width, height) in [(60, 16), (80, 24)] {
        for (keys, run_state, batch_job) in [
            ("q", fixture::fitting_run(), false),
            ("q", paused.clone(), true),
            (".", fixture::fitting_run(), false),
            ("s", fixture::finished_run(), false),
            ("S", fixture::finished_run(), false),
        ] {
            let is_paused = run_state.engine_state() == EngineState::Paused;
            let mut rig = TestApp::with_run_state(width, height, run_state);
            rig.app.batch_job = batch_job.then(|| "job 7".into());
            rig.press(keys);
            let text = rig.screen_text();
            let question = rig.app.view::<crate::app::Question>().unwrap();
            for choice in &question.choices {
                assert!(text.contains(choice.meaning), "{width}: {}\n{text}", choice.meaning);
            }
            if keys == "q" {
                let state = if is_paused { "is paused." } else { "is running." };
                assert!(text.contains(state), "{state}\n{text}");
            }
        }
    }
}

#[test]
fn leaving_asks_while_work_is_under_way_and_each_answer_does_what_it_says() {
    let left = |keys: &str, run_state| {
        let mut rig = TestApp::with_run_state(80, 24, run_state);
        rig.press(keys);
        rig.effects.into_iter().find_map(|e| match e {
            Effect::Exit(leave) => Some(leave),
            _ => None,
        })
    };
    let quit = |stop_engine| Some(LeaveReason::Quit { stop_engine });
    assert_eq!(left("q", fixture::fitting_run()), None);
    assert_eq!(left("q d", fixture::fitting_run()), Some(LeaveReason::Detached));
    assert_eq!(left("q enter", fixture::fitting_run()), Some(LeaveReason::Detached));
    assert_eq!(left("q s", fixture::fitting_run()), quit(true));
    assert_eq!(left("q down enter", fixture::fitting_run()), quit(true));
    assert_eq!(left("q c", fixture::fitting_run()), None);
    assert_eq!(left("q esc", fixture::fitting_run()), None);
    assert_eq!(left("ctrl-c", fixture::fitting_run()), None);
    assert_eq!(left("ctrl-c ctrl-c", fixture::fitting_run()), Some(LeaveReason::Detached));
    assert_eq!(left("? ctrl-c d", fixture::fitting_run()), Some(LeaveReason::Detached));
    assert_eq!(left("d", fixture::fitting_run()), Some(LeaveReason::Detached));
    assert_eq!(left("q", fixture::finished_run()), quit(true));
    let mut watched = fixture::finished_run();
    watched.snapshot.as_mut().unwrap().viewers = 2;
    assert_eq!(left("q", watched), quit(false));

    let mut rig = TestApp::with_run_state(80, 24, fixture::fitting_run());
    rig.press("q");
    let text = rig.screen_text();
    for words in ["Quit while work is running?", "d  detach", "s  stop engine", "c  cancel"] {
        assert!(text.contains(words), "{words}\n{text}");
    }
}

#[test]
fn the_clipboard_gets_what_the_cursor_or_the_list_is_on() {
    let mut rig = TestApp::with_run_state(140, 44, fixture::finished_run());
    rig.press("home y w y");
    let copied: Vec<String> = rig
        .effects
        .iter()
        .filter_map(|e| match e {
            Effect::Copy(text) => Some(text.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(copied, ["0.0000,0.0000", "runs/demo-7/exports/best-1"]);
}

#[test]
fn what_is_typed_into_the_palette_is_done() {
    let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
    rig.press(":").type_text("degree 4 5").press("enter");
    rig.press(":").type_text("checkp").press("enter");
    rig.press(":").type_text("go 1 0").press("enter");
    assert_eq!(take_sent_commands(&mut rig), [set_degree(4, 5), EngineCommand::Checkpoint]);
    assert_eq!((rig.app.surface.cursor, rig.app.focus), ((20, 0), Pane::Surface));
    rig.press(":").type_text("grid 1");
    assert!(rig.screen_text().contains("a grid of 1 cannot be measured"), "{}", rig.screen_text());
    rig.press("enter");
    assert_eq!(take_sent_commands(&mut rig), []);
    rig.press(":").type_text("theme light").press("enter");
    assert_eq!(rig.app.theme.name(), "light");
}

#[test]
fn figures_and_runs_are_asked_of_the_carrying_program() {
    let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
    rig.press("F o");
    let sent = [
        Effect::Send(ClientMessage::Bridge(BridgeRequest::Figures)),
        Effect::Send(ClientMessage::Bridge(BridgeRequest::Refresh)),
    ];
    assert_eq!(rig.effects, sent);
    rig.receive(BridgeMessage::Notice("figures in runs/demo-7/figures".into()));
    rig.press("esc");
    assert!(rig.screen_text().contains("✓ figures in runs/demo-7/figures"));
}

#[test]
fn an_event_is_told_and_goes_after_some_seconds() {
    // Nothing runs, so nothing is silent.
    let mut rig = TestApp::with_run_state(140, 44, fixture::finished_run());
    rig.tick(1.0);
    let seq = rig.app.run_state.seq + 1;
    let event = Event::Checkpoint { step: 1240 };
    rig.receive(ServerMessage::Event(surfit_core::event::Envelope { seq, time: 0.0, event }));
    rig.press("t");
    assert!(rig.screen_text().contains("theme light"));
    assert_eq!(rig.app.next_redraw_at(), Some(7.0));
    rig.app.dirty = false;
    rig.tick(6.9);
    assert!(!rig.app.dirty);
    rig.tick(7.0);
    assert!(rig.app.dirty && !rig.screen_text().contains("theme light"));
    assert_eq!(rig.app.next_redraw_at(), None);
}

#[test]
fn the_rate_and_the_draws_go_on_from_what_was_asked_for_last() {
    use surfit_core::protocol::RateChange::Peak;
    let mut run_state = fixture::fitting_run();
    let snapshot = run_state.snapshot.as_mut().unwrap();
    (snapshot.peak_rate, snapshot.draws) = (0.08, 1);
    let mut rig = TestApp::with_run_state(140, 44, run_state);
    rig.press("; + ; + ; - ; > ; > ; <");
    let rates = [0.1, 0.125, 0.1].map(|peak| EngineCommand::SetRate { rate: Peak(peak) });
    let draws = [2, 3, 2].map(|draws| EngineCommand::SetDraws { draws });
    let all: Vec<EngineCommand> = rates.into_iter().chain(draws).collect();
    assert_eq!(take_sent_commands(&mut rig), all);
    rig.press("; < ; <");
    assert_eq!(take_sent_commands(&mut rig), [EngineCommand::SetDraws { draws: 1 }]);
    assert!(rig.screen_text().contains("at least one"), "{}", rig.screen_text());
}

#[test]
fn ensembles_and_searches_are_asked_for_and_given_up() {
    let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
    let marks = vec![(0.25, 0.5), (0.75, 0.5)];
    rig.app.run_state.snapshot.as_mut().unwrap().marks = Vec::new();
    rig.press("; m");
    assert!(rig.screen_text().contains("no bookmarks yet"), "{}", rig.screen_text());
    rig.press("Z");
    assert!(rig.screen_text().contains("nothing to cancel"), "{}", rig.screen_text());
    rig.app.run_state.snapshot.as_mut().unwrap().marks = marks.clone();
    rig.press("; m ; s Z");
    let sent = take_sent_commands(&mut rig);
    assert_eq!(sent[0], EngineCommand::MeasureEnsemble { points: marks });
    assert!(matches!(sent[1], EngineCommand::Search { .. }), "{sent:?}");
    assert_eq!(sent[2], EngineCommand::Cancel);
}
