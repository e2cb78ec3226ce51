//! What stands where there is no engine: what can be done about it is always readable.

use crate::color::ColorDepth;
use crate::fixture;
use crate::link::{Incoming, LineState};
use crate::rig::TestApp;
use surfit_core::event::Event;

/// All that is on the screen, its rows joined.
fn words(rig: &TestApp) -> String {
    let text = rig.text();
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ")
}

#[test]
fn the_remedy_is_there_at_every_width_however_long_the_reason() {
    let reasons = [
        "the connection closed".to_owned(),
        "the folder of the run cannot be read any more because somebody took its rights away, "
            .repeat(4),
        "目录无法读取，请检查磁盘空间和权限 ".repeat(12),
        format!("cannot read /{}", "very/long/path".repeat(20)),
    ];
    for reason in reasons {
        for (width, height) in [(60, 16), (80, 24), (100, 30), (140, 44)] {
            let mut rig = TestApp::with(width, height, fixture::fitting());
            rig.hear(Incoming::Disconnected {
                reason: reason.clone(),
            });
            let text = words(&rig);
            let remedy = "r connects again or starts it from the last checkpoint, q leaves.";
            assert!(text.contains(remedy), "{width}: {}", rig.text());
            assert!(text.contains("No engine:"), "{width}: {}", rig.text());

            let mut rig = TestApp::with(width, height, fixture::fitting());
            let message = reason.clone();
            let mut picture = rig.app.picture.clone();
            fixture::feed(&mut picture, vec![Event::Failed { message }]);
            rig.hear(Incoming::Picture(Box::new(picture)));
            rig.hear(Incoming::EngineDied);
            let text = words(&rig);
            let remedy = "r resumes from the last checkpoint, q leaves.";
            assert!(text.contains(remedy), "{width}: {}", rig.text());

            let mut rig = TestApp::with(width, height, fixture::fitting());
            rig.app.line = Some(crate::app::RemoteLine::new("gpu1".into()));
            rig.hear(Incoming::Line(LineState::Down {
                why: reason.clone(),
                retry: 9.0,
            }));
            let remedy = "Trying again in 9 s, any key does at once; q leaves.";
            assert!(words(&rig).contains(remedy), "{width}: {}", rig.text());
        }
    }
}

#[test]
fn a_terminal_without_other_letters_is_sent_none() {
    let rig = TestApp::with(80, 24, fixture::fitting());
    let mut rig = rig.depth("dark", ColorDepth::None, true);
    rig.hear(Incoming::Disconnected {
        reason: "3×3 → 曲面 … ".repeat(20),
    });
    assert!(rig.text().is_ascii(), "{}", rig.text());
}
