//! A run that is only watched.

use crate::action::TABLE;
use crate::fixture;
use crate::link::RunLine;
use crate::test_app::TestApp;
use surfit_core::protocol::BridgeMessage;

/// What changes a run, makes one or removes one.
const CHANGING_ACTIONS: [&str; 29] = [
    "start",
    "start-corners",
    "pause",
    "stop",
    "fork",
    "queue",
    "cancel",
    "rate-up",
    "more-draws",
    "checkpoint",
    "resume",
    "raise-u",
    "lower-v",
    "finer",
    "coarser",
    "freeze",
    "measure-distances",
    "measure",
    "mark",
    "evaluate",
    "search",
    "measure-marks",
    "export-marks",
    "export-ensemble",
    "export-best",
    "export-cursor",
    "export-centroid",
    "resume-run",
    "remove-run",
];

#[test]
fn nothing_that_changes_a_run_is_offered_to_who_only_watches() {
    for run_state in [fixture::fitting_run(), fixture::finished_run()] {
        let mut rig = TestApp::with_run_state(140, 44, run_state);
        rig.app.readonly = true;
        rig.press("3 right up o");
        rig.receive(BridgeMessage::Runs(vec![RunLine {
            id: "old-1".into(),
            path: "/runs/old-1".into(),
            ..RunLine::default()
        }]));
        for id in CHANGING_ACTIONS {
            let entry = TABLE.iter().find(|e| e.id == id).unwrap();
            let why = (entry.availability)(&rig.app).expect_err(id).to_string();
            assert!(why.contains("--readonly"), "{id}: {why}");
        }
        rig.press("esc 2");
        rig.effects.clear();
        for text in ["degree 2", "grid 31", "fork 2 2", "queue 2 2", "rate 0.1"] {
            rig.press(":").type_text(text).press("enter");
            assert!(rig.screen_text().contains("only watches"), "{text}: {}", rig.screen_text());
        }
        assert_eq!(rig.effects, []);
        let footer = rig.screen_text().lines().last().unwrap().to_owned();
        assert!(!footer.contains("pause") && footer.contains("quit"), "{footer}");
    }
}

#[test]
fn who_only_watches_is_told_of_no_key_that_is_refused() {
    let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
    rig.app.readonly = true;
    rig.receive(BridgeMessage::EngineDied);
    let text = rig.screen_text();
    assert!(text.contains("engine died") && text.contains("q quits"), "{text}");
    assert!(!text.contains("r resumes"), "{text}");
    assert!(rig.app.perform_action(action!("resume")).is_empty());
}
