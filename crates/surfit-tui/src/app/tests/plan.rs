use crate::fixture;
use crate::test_app::TestApp;
use surfit_core::protocol::{EngineCommand, ServerMessage};
use surfit_core::surface::Degrees;

fn take_sent_commands(rig: &mut TestApp) -> Vec<EngineCommand> {
    rig.take_sent_commands().into_iter().map(|s| s.1).collect()
}

fn set_degree(m: u8, n: u8) -> EngineCommand {
    EngineCommand::SetDegree { degrees: fixture::degrees(m, n) }
}

fn apply_remote_degree_change(rig: &mut TestApp, degrees: Degrees) {
    let mut snapshot = rig.app.run_state.snapshot.clone().unwrap();
    snapshot.seq += 1;
    snapshot.degrees = degrees;
    rig.receive(ServerMessage::Snapshot(Box::new(snapshot)));
}

#[test]
fn a_plan_takes_its_steps_from_the_degrees_that_there_are_when_it_is_confirmed() {
    let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
    rig.press("u");
    assert!(rig.screen_text().contains("degree 3×3 → 4×3"), "{}", rig.screen_text());
    apply_remote_degree_change(&mut rig, fixture::degrees(3, 4));
    let text = rig.screen_text();
    assert!(text.contains("degree 3×4 → 4×4 (planned again), 20 → 25 points"), "{text}");
    assert!(text.contains("exact; enter applies it"), "{text}");
    rig.press("enter");
    assert_eq!(take_sent_commands(&mut rig), [set_degree(4, 4)]);
}

#[test]
fn a_plan_that_came_true_or_that_cannot_be_any_more_is_dropped_with_a_sentence() {
    let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
    rig.press("u");
    apply_remote_degree_change(&mut rig, fixture::degrees(4, 3));
    let text = rig.screen_text();
    assert!(text.contains("the degree is 4×3 already"), "{text}");
    rig.press("u u");
    apply_remote_degree_change(&mut rig, fixture::degrees(7, 3));
    let text = rig.screen_text();
    assert!(text.contains("the degree became 7×3, the planned change is dropped: degree 9"), "{text}");
    rig.press("enter");
    assert_eq!(take_sent_commands(&mut rig), []);
}

#[test]
fn a_plan_stays_to_be_read_above_what_is_said_until_it_is_answered() {
    for (width, height) in [(140, 44), (80, 24), (60, 16)] {
        let mut rig = TestApp::with_run_state(width, height, fixture::fitting_run());
        rig.press("u c").accept_pending_commands();
        for _ in 0..2 {
            let text = rig.screen_text();
            let at = |words| text.find(words).unwrap_or_else(|| panic!("{words}\n{text}"));
            assert!(at("degree 3×3 → 4×3") < at("The checkpoint is on disk."));
            rig.press("left");
        }
        assert_eq!(take_sent_commands(&mut rig), [EngineCommand::Checkpoint]);
        rig.press("esc");
        let text = rig.screen_text();
        assert!(text.contains("the degree stays 3×3"), "{text}");
        assert!(!text.contains("→ 4×3"), "{text}");
        rig.press("enter enter");
        assert_eq!(take_sent_commands(&mut rig), []);
    }
}

#[test]
fn a_degree_is_looked_at_before_it_is_changed() {
    let mut run_state = fixture::fitting_run();
    let snapshot = run_state.snapshot.as_mut().unwrap();
    snapshot.cost = surfit_core::cost::FitCost {
        trainable: Default::default(),
        parameters: 1_000_000,
        network: 0.08,
        surface: 0.02,
        draws: 1,
        degrees: Some(fixture::degrees(3, 3)),
        available: 10_000_000_000,
    };
    let mut rig = TestApp::with_run_state(140, 44, run_state);
    rig.press("u u V");
    assert_eq!(take_sent_commands(&mut rig), [], "nothing is done before enter");
    for part in
        ["degree 3×3 → 5×2", "16 → 18 points", "112 MB → 128 MB", "step ×1.0", "moves the surface", "enter applies it"]
    {
        assert!(rig.screen_text().contains(part), "{part}: {}", rig.screen_text());
    }
    rig.press("esc");
    assert!(!rig.screen_text().contains("enter applies it"), "{}", rig.screen_text());
    rig.press("u U");
    assert!(!rig.screen_text().contains("enter applies it"), "back where it was: {}", rig.screen_text());
    rig.press("u v enter");
    assert_eq!(take_sent_commands(&mut rig), [set_degree(4, 4)]);
}

#[test]
fn a_plan_is_not_spoken_of_where_enter_means_something_else() {
    let mut rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
    rig.press("u");
    assert!(rig.screen_text().contains("enter applies it"), "{}", rig.screen_text());
    for keys in ["o", "q", "Y"] {
        rig.press(keys);
        assert!(!rig.screen_text().contains("enter applies it"), "{keys}: {}", rig.screen_text());
        rig.press("esc");
        assert!(rig.screen_text().contains("enter applies it"), "{keys}: {}", rig.screen_text());
    }
}
