use super::LogOverlay;
use crate::fixture;
use crate::test_app::TestApp;
use surfit_core::event::{Envelope, Event};
use surfit_core::protocol::ServerMessage;
use surfit_core::run_state::LogTopic;

fn open(width: u16, height: u16) -> TestApp {
    let mut rig = TestApp::with_run_state(width, height, fixture::finished_run());
    rig.app.log.zone = jiff::tz::TimeZone::UTC;
    rig.app.perform_action(action!("log"));
    rig
}

fn back(rig: &TestApp) -> usize {
    rig.app.view::<LogOverlay>().expect("the log is open").lines_from_end
}

fn receive_notice(rig: &mut TestApp, text: &str) {
    let seq = rig.app.run_state.seq + 1;
    let event = Event::Notice { text: text.into() };
    rig.receive(ServerMessage::Event(Envelope { seq, time: 1_750_000_100.0, event }));
}

#[test]
fn a_search_shows_only_the_lines_with_its_text() {
    for (width, height) in [(60, 16), (80, 24), (140, 44)] {
        let mut rig = open(width, height);
        rig.press("/").type_text("ALIGNED:");
        let text = rig.screen_text();
        for words in ["/ALIGNED:", "3 found", "corner 2 aligned", "corner 4 aligned"] {
            assert!(text.contains(words), "{words}\n{text}");
        }
        assert!(!text.contains("heatmap began"), "{text}");
        rig.press("enter /").type_text("zzz");
        assert!(rig.screen_text().contains("No events with `zzz`."), "{}", rig.screen_text());
        // Escape takes back the search, and only the search; so it does when typing has ended.
        rig.press("esc");
        assert!(rig.app.log.search.is_empty() && rig.app.overlay().is_some());
        rig.press("/").type_text("aligned").press("enter esc");
        assert!(rig.app.log.search.is_empty() && rig.app.overlay().is_some());
        // The list beside the panes shows everything again.
        rig.press("/").type_text("aligned").press("enter q");
        assert!(rig.app.log.search.is_empty() && rig.app.overlay().is_none());
        rig.press("i /").type_text("aligned").press("enter").click(0, 0);
        assert!(rig.app.log.search.is_empty() && rig.app.overlay().is_none());
    }
}

#[test]
fn only_one_topic_is_shown() {
    let mut rig = open(100, 30);
    rig.app.perform_action(action!("log-topic"));
    assert_eq!(rig.app.log.topic, Some(LogTopic::Error));
    assert!(rig.screen_text().contains("No events about errors yet"));
    while rig.app.log.topic != Some(LogTopic::Surface) {
        rig.app.perform_action(action!("log-topic"));
    }
    let text = rig.screen_text();
    assert!(text.contains("degree 2×2 → 3×3") && text.contains("[surface]"));
    assert!(!text.contains("heatmap began"), "{text}");
}

#[test]
fn what_is_read_stays_where_it_is_while_the_log_grows() {
    let mut rig = open(80, 24);
    receive_notice(&mut rig, "one more line");
    assert_eq!(back(&rig), 0);
    assert!(rig.screen_text().contains("one more line"), "the end is followed");
    rig.press("up up up");
    let at = back(&rig);
    let shown = |rig: &TestApp| rig.screen_text().lines().skip(6).take(8).map(String::from).collect::<Vec<_>>();
    let before = shown(&rig);
    receive_notice(&mut rig, &"a long line of many words ".repeat(8));
    assert!(back(&rig) > at + 1);
    assert_eq!(shown(&rig), before);
    assert!(rig.screen_text().contains("rows further"), "{}", rig.screen_text());
    rig.press("end");
    assert_eq!(back(&rig), 0);
}

#[test]
fn long_paths_are_wrapped_and_times_are_of_the_day_on_demand() {
    let mut rig = open(60, 16);
    let path = format!("/data/{}/model.safetensors", "x".repeat(120));
    receive_notice(&mut rig, &path);
    let text: String = rig.screen_text().split_whitespace().collect();
    assert!(text.contains("model.safetensors"), "{text}");
    rig.app.perform_action(action!("log-times"));
    assert!(rig.screen_text().contains("15 Jun 15:08:20"), "{}", rig.screen_text());
}

#[test]
fn an_empty_log_says_what_will_be_there() {
    let mut rig = TestApp::new(80, 24);
    rig.app.perform_action(action!("log"));
    assert!(rig.screen_text().contains("The engine's messages appear here"));
}
