//! Corners that the fit trains: they move, what is reported is of where they are, and kills change nothing.

mod support;

use serde_json::Value;
use std::path::Path;
use support::{SafetensorsFile, Sandbox, events_of, finished_event, wait_for};

const TRAINED: &str = "--set fit.train_corners=true --set data.validation_images=200";

fn surface_losses(run: &Path) -> usize {
    events_of(run, "losses").iter().filter(|e| e["curve"] == "surface").count()
}

#[test]
fn corners_move_and_what_is_said_of_them_is_of_where_they_are() {
    let place = Sandbox::new();
    let run = place.run_tiny_job("a", TRAINED);
    let f = finished_event(&run).expect("a finished event");
    for (corner, at) in [(0, "0,0"), (1, "1,0"), (2, "0,1"), (3, "1,1")] {
        let out = format!("corner-{corner}");
        place.surfit(&format!("export a --at {at} --out {out}")).ok();
        let model = place.path(&out).join("model.safetensors");
        let trained = SafetensorsFile::read(&model).floats("classifier.weight");
        let began = run.join(format!("corners/corner-{}.safetensors", corner + 1));
        let began = SafetensorsFile::read(&began).floats("classifier.weight");
        let moved = trained.iter().zip(&began).filter(|(a, b)| a != b).count();
        assert!(2 * moved > began.len(), "corner {corner}: {moved} of {} weights moved", began.len());
        assert!(trained.iter().all(|x| x.is_finite()), "corner {corner}: {trained:?}");
        let measured = place.surfit(&format!("eval {} --split val --json", model.display())).ok().last_json();
        assert_eq!(measured["accuracy"], f["corners"][corner], "corner {corner}: its model and the finished line");
    }
    let listed = place.surfit("ls --json").ok().last_json();
    assert_eq!((&listed["state"], &listed["best"]), (&"finished".into(), &f["best"]), "{listed}");
    place.surfit("report a").ok();
    let report = std::fs::read_to_string(run.join("figures/report.md")).expect("a report");
    for accuracy in f["corners"].as_array().expect("corners") {
        let percent = format!("{:.2} %", 100.0 * accuracy.as_f64().expect("a number"));
        assert!(report.contains(&percent), "{percent}: {report}");
    }
}

#[test]
fn kills_while_corners_are_trained_change_nothing() {
    let place = Sandbox::new();
    let keys = format!("{TRAINED} --set fit.epochs=16 --set fit.boundary_epochs=2 --set checkpoint.interval_secs=0.25");
    let reference = place.run_tiny_job("whole", &keys);
    let (run, mut pid) = place.start_tiny_job("killed", &keys);
    for phase in 1..=2 {
        let before = surface_losses(&run);
        let there = || events_of(&run, "phase_began").len() >= phase && surface_losses(&run) > before;
        wait_for("the phase to kill in", || there().then_some(()));
        assert!(finished_event(&run).is_none(), "too fast to be killed");
        place.kill(pid);
        pid = place.resume_detached("killed");
    }
    let f = wait_for("the killed run to finish", || finished_event(&run));
    wait_for("the engine to end", || (!support::is_alive(pid)).then_some(()));
    let mut files = vec!["surface/state.safetensors".to_owned()];
    files.extend((1..=4).map(|n| format!("corners/corner-{n}.safetensors")));
    for file in files {
        let (ours, theirs) = (run.join(&file), reference.join(&file));
        let differences = SafetensorsFile::read(&ours).differences(&SafetensorsFile::read(&theirs));
        assert_eq!(differences, Vec::<String>::new(), "{file}: interrupted and uninterrupted run");
        assert!(std::fs::read(ours).unwrap() == std::fs::read(theirs).unwrap(), "{file}: other bytes");
    }
    let result = |f: &Value| ["corners", "corners_test", "best", "best_test", "heatmap"].map(|key| f[key].clone());
    assert_eq!(result(&f), result(&finished_event(&reference).expect("a finished event")));
}
