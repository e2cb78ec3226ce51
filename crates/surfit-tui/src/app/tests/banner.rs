//! What stands where there is no engine: what can be done about it is always readable.

use crate::color::ColorDepth;
use crate::fixture;
use crate::link::LineState;
use crate::test_app::TestApp;
use surfit_core::event::Event;
use surfit_core::protocol::BridgeMessage;

fn joined_screen_text(rig: &TestApp) -> String {
    let text = rig.screen_text();
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ")
}

#[test]
fn the_remedy_is_there_at_every_width_however_long_the_reason() {
    let reasons = [
        "the connection closed".to_owned(),
        "the folder of the run cannot be read any more because somebody took its rights away, ".repeat(4),
        "目录无法读取，请检查磁盘空间和权限 ".repeat(12),
        format!("cannot read /{}", "very/long/path".repeat(20)),
    ];
    for reason in reasons {
        for (width, height) in [(60, 16), (80, 24), (100, 30), (140, 44)] {
            let mut rig = TestApp::with_run_state(width, height, fixture::fitting_run());
            rig.receive(BridgeMessage::Disconnected { reason: reason.clone() });
            let text = joined_screen_text(&rig);
            let remedy = "r reconnects, or restarts it from the last checkpoint, q quits.";
            assert!(text.contains(remedy), "{width}: {}", rig.screen_text());
            assert!(text.contains("No engine:"), "{width}: {}", rig.screen_text());

            let mut rig = TestApp::with_run_state(width, height, fixture::fitting_run());
            let message = reason.clone();
            let mut run_state = rig.app.run_state.clone();
            fixture::apply_events(&mut run_state, vec![Event::Failed { message }]);
            rig.receive(BridgeMessage::RunState(Box::new(run_state)));
            rig.receive(BridgeMessage::EngineDied);
            let text = joined_screen_text(&rig);
            let remedy = "r resumes from the last checkpoint, q quits.";
            assert!(text.contains(remedy), "{width}: {}", rig.screen_text());

            let mut rig = TestApp::with_run_state(width, height, fixture::fitting_run());
            rig.app.remote_line = Some(crate::app::RemoteLine::new("gpu1".into()));
            rig.receive(BridgeMessage::Line(LineState::Down { why: reason.clone(), retry: 9.0 }));
            let remedy = "Reconnecting in 9 s, any key reconnects now; q quits.";
            assert!(joined_screen_text(&rig).contains(remedy), "{width}: {}", rig.screen_text());
        }
    }
}

#[test]
fn a_terminal_without_other_letters_is_sent_none() {
    let rig = TestApp::with_run_state(80, 24, fixture::fitting_run());
    let mut rig = rig.with_theme("dark", ColorDepth::None, true);
    rig.receive(BridgeMessage::Disconnected { reason: "3×3 → 曲面 … ".repeat(20) });
    assert!(rig.screen_text().is_ascii(), "{}", rig.screen_text());
}
