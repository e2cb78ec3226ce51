//! Another degree from the command line: at rest and during a fit.

mod support;

use support::{SafetensorsFile, Sandbox, events_of, wait_for};

#[test]
fn a_finished_surface_is_raised_exactly_and_lowered_with_a_figure() {
    let place = Sandbox::new();
    let run = place.run_tiny_job("a", "");
    let state = run.join("surface/state.safetensors");
    let before = SafetensorsFile::read(&state).floats("theta");

    let raised = place.surfit("degree a 3 2 --json").ok().last_json();
    assert_eq!(raised["event"], "degree_changed", "{raised}");
    assert_eq!(raised["to"], serde_json::json!([3, 2]));
    let deviation = raised["deviation"].as_f64().expect("a figure");
    assert!(deviation < 1e-5, "raising moved the surface by {deviation}");
    let after = SafetensorsFile::read(&state).floats("theta");
    assert_eq!(after.len() / 12, before.len() / 9, "12 control points now");

    let again = place.surfit("degree a 3 2").ok();
    assert!(again.out.contains("already"), "{}", again.describe());

    let lowered = place.surfit("degree a 1 1 --json").ok().last_json();
    let deviation = lowered["deviation"].as_f64().expect("a figure");
    assert!(deviation > 1e-3, "a fitted surface is not linear: {deviation}");

    place.surfit("degree a 9 1").fails(2, &["9", "1..=8"]);
}

#[test]
fn a_fit_under_way_goes_on_with_the_new_degree_to_its_end() {
    let place = Sandbox::new();
    let (run, pid) = place.start_tiny_job("a", "--set fit.epochs=30");
    wait_for("the fit", || {
        let steps = events_of(&run, "losses");
        steps.iter().any(|e| e["curve"] == "surface").then_some(())
    });
    let said = place.surfit("degree a 3 3 --json").ok().last_json();
    assert_eq!(said["to"], serde_json::json!([3, 3]), "{said}");
    let finished = wait_for("the end of the job", || support::finished_event(&run));
    assert_eq!(finished["degrees"], serde_json::json!([3, 3]));
    place.kill(pid);
}
