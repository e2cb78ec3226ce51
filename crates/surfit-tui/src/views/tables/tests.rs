use super::*;
use crate::fixture;
use crate::link::RunLine;
use crate::test_app::TestApp;
use surfit_core::event::{Distances, LossCurve};
use surfit_core::protocol::BridgeMessage;
use surfit_core::table::{DataTable, TableValue, shorten_decimals};

fn whole(table: TableRows) -> DataTable {
    table.take_rows(usize::MAX)
}

fn column<'a>(table: &'a DataTable, name: &str) -> Vec<&'a TableValue> {
    let at = table.columns.iter().position(|c| c == name).unwrap();
    table.rows.iter().map(|row| &row[at]).collect()
}

#[test]
fn every_curve_is_there_with_every_step_and_every_validation() {
    let rig = TestApp::with_run_state(140, 44, fixture::fitting_run());
    let table = whole(losses(&rig.app));
    let run_state = &rig.app.run_state;
    let of = |curve: &str| -> Vec<&Vec<TableValue>> { table.rows.iter().filter(|r| r[1] == curve).collect() };
    for (curve, name) in [(LossCurve::Corner(0), "corner 1"), (LossCurve::Surface, "surface")] {
        let rows = of(name);
        let counted: u64 = (rows.iter()).filter_map(|r| r[3].as_u64()).sum();
        assert_eq!(counted, run_state.curves[&curve].end_step(), "{name}");
        let validations = rows.iter().filter(|r| r[11] != TableValue::Null).count();
        let known = run_state.validations.get(&curve).map_or(0, Vec::len);
        assert_eq!(validations, known, "{name}");
        let last = run_state.curves[&curve].last_value().unwrap();
        let row = rows.iter().rfind(|r| r[4] != TableValue::Null).unwrap();
        assert_eq!(row[4], shorten_decimals(last), "{name}");
    }
    assert!(of("surface").iter().all(|r| r[0] == fixture::RUN_ID));
    let steps = column(&table, "step");
    assert!(steps.iter().all(|s| s.is_u64()));
    let line = loss_readout(&rig.app).unwrap();
    assert!(line.starts_with("surface at step 12") && line.contains("validation"), "{line}");
}

#[test]
fn slices_points_and_distances_are_what_the_panes_show() {
    let mut rig = TestApp::with_run_state(140, 44, fixture::finished_run());
    rig.app.surface.cursor = (3, 5);
    let table = whole(slices(&rig.app));
    let grid = rig.app.grid();
    assert_eq!(table.rows.len(), 2 * grid);
    let along_u = table.rows.iter().filter(|r| r[0] == "u");
    assert!(along_u.clone().count() == grid && along_u.clone().all(|r| r[2] == 5.0 / (grid - 1) as f64));
    assert!(table.rows.iter().all(|r| r[3] != TableValue::Null && r[4] != TableValue::Null));
    let line = surface_readout(&rig.app).unwrap();
    assert!(line.contains("accuracy") && line.contains("best corner"), "{line}");

    let count = rig.app.run_state.snapshot.as_ref().unwrap().control_points.len();
    assert_eq!(whole(points(&rig.app)).rows.len(), count);
    // A corner is one where it is trained, too.
    for _ in 0..2 {
        let corners = column(&whole(points(&rig.app)), "corner").into_iter().filter(|c| **c == true).count();
        assert_eq!(corners, 4);
        fixture::train_corners(&mut rig.app.run_state);
    }
    assert_eq!(distances(&rig.app).count, 0);
    rig.app.run_state.distances =
        Some(Distances { step: 7, points: vec![(0, 0), (1, 0)], values: vec![0.0, 0.5, 0.5, f64::NAN] });
    let table = whole(distances(&rig.app));
    assert_eq!(table.columns, ["point", "00", "10"]);
    assert_eq!(table.rows[1], ["10".into(), 0.5.into(), TableValue::Null]);
}

#[test]
fn the_lists_have_a_row_for_everything_they_show() {
    let mut rig = TestApp::with_run_state(140, 44, fixture::finished_run());
    let table = whole(models(&rig.app));
    assert_eq!(table.rows.len(), crate::views::models::items(&rig.app).len());
    let kinds: std::collections::BTreeSet<String> = column(&table, "kind").iter().map(|k| format!("{k:?}")).collect();
    assert!(kinds.len() >= 2, "{kinds:?}");
    let line = RunLine {
        id: "other".into(),
        path: "runs/other".into(),
        best: Some(0.9),
        node: Some("gpu7".into()),
        ..RunLine::default()
    };
    rig.receive(BridgeMessage::Runs(vec![line]));
    assert_eq!(column(&whole(runs(&rig.app)), "best_accuracy"), [&TableValue::from(0.9)]);
    assert_eq!(column(&whole(runs(&rig.app)), "node"), [&TableValue::from("gpu7")]);
    let lines = rig.app.run_state.log.len();
    assert_eq!(whole(log(&rig.app)).rows.len(), lines);
    assert_eq!(crate::views::log::plain_lines(&rig.app).lines().count(), lines);
    assert!(whole(machine(&rig.app)).rows.len() == rig.app.load_history.len());
}

#[test]
fn a_table_tells_how_many_rows_it_has_before_they_are_made() {
    for run_state in [fixture::loading_run(), fixture::corner_training_run(), fixture::finished_run()] {
        let mut rig = TestApp::with_run_state(140, 44, run_state);
        rig.app.run_state.distances =
            Some(Distances { step: 7, points: vec![(0, 0), (1, 0)], values: vec![0.0, 0.5, 0.5, 0.0] });
        for make in [slices, cells, points, distances, models, runs, machine, log] {
            let count = make(&rig.app).count;
            assert_eq!(whole(make(&rig.app)).rows.len(), count);
        }
        // A validation may have a row of its own.
        let (count, rows) = (losses(&rig.app).count, whole(losses(&rig.app)).rows.len());
        let validations: usize = rig.app.run_state.validations.values().map(Vec::len).sum();
        assert!((rows..=rows + validations).contains(&count), "{count} of {rows}");
    }
}

#[test]
fn cells_are_written_as_the_command_writes_them() {
    let rig = TestApp::with_run_state(140, 44, fixture::finished_run());
    let heatmap = &rig.app.run_state.snapshot.as_ref().unwrap().heatmap;
    assert_eq!(whole(cells(&rig.app)).to_csv(), heatmap.to_csv());
    assert_eq!(cells(&rig.app).json.unwrap()(), format!("{}\n", heatmap.to_json()));
}
