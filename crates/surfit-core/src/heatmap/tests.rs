use super::*;

fn cell(correct: u32, loss: f32, version: u64) -> Cell {
    Cell::from_counts(correct, 100, loss, version)
}

#[test]
fn ranking_prefers_accuracy_then_loss_then_index_and_survives_nan() {
    let mut h = Heatmap::new(Patch::Square, 3);
    h.cells[1] = cell(80, 0.5, 0);
    h.cells[4] = cell(90, 0.4, 0);
    h.cells[5] = cell(90, 0.3, 0);
    h.cells[6] = cell(90, f32::NAN, 0);
    assert_eq!(h.rank_cells(Metric::ACCURACY), [5, 4, 6, 1]);
    assert_eq!(h.rank_cells(Metric::LOSS), [5, 4, 1]);
    let best = h.best_point(Metric::ACCURACY).unwrap();
    assert_eq!((best.u, best.v), (0.5, 1.0));
}

#[test]
fn coarse_to_fine_visits_every_cell_once_corners_first() {
    for grid in [2, 3, 4, 7, 11, 21] {
        let h = Heatmap::new(Patch::Square, grid);
        let order = h.coarse_to_fine_order();
        let mut first: Vec<usize> = order[..4].to_vec();
        first.sort_unstable();
        let mut corners = h.corner_cells().to_vec();
        corners.sort_unstable();
        assert_eq!(first, corners);
        let mut all = order;
        all.sort_unstable();
        assert_eq!(all, (0..grid * grid).collect::<Vec<_>>());
    }
}

#[test]
fn summary_separates_interior_and_corners() {
    let mut h = Heatmap::new(Patch::Square, 3);
    h.cells = (0..9).map(|i| cell(if i == 4 { 100 } else { 50 }, 1.0, 2)).collect();
    let s = h.summary(Metric::ACCURACY).unwrap();
    assert_eq!((s.interior_mean, s.corners_mean, s.min, s.max), (1.0, 0.5, 0.5, 1.0));
    h.version = 2;
    assert!(h.is_complete());
    h.version = 3;
    assert!(!h.is_complete() && h.is_stale(0));
    assert!(Heatmap::new(Patch::Square, 2).summary(Metric::ACCURACY).is_none());
}

#[test]
fn interval_holds_the_accuracy_and_shrinks() {
    let (few, many) = (cell(90, 0.0, 0), Cell::from_counts(9000, 10000, 0.0, 0));
    let width = |c: &Cell| c.interval(Metric::ACCURACY).map(|(a, b)| b - a).unwrap();
    assert!(width(&few) > 5.0 * width(&many));
    let (low, high) = few.interval(Metric::ACCURACY).unwrap();
    assert!(low < 0.9 && 0.9 < high && high <= 1.0);
    let all = cell(100, 0.0, 0);
    assert!(all.interval(Metric::ACCURACY).unwrap().1 <= 1.0 + 1e-12);
}

#[test]
fn tables_have_every_cell() {
    let mut h = Heatmap::new(Patch::Square, 2);
    h.cells[3] = cell(87, 0.25, 0);
    let csv = h.to_csv();
    assert_eq!(csv.lines().count(), 5);
    assert!(csv.starts_with("u,v,accuracy,loss,images,accuracy_low,accuracy_high\n"), "{csv}");
    assert!(csv.contains("\n0.000000,1.000000,,,0,,\n"), "{csv}");
    assert!(csv.ends_with("1.000000,1.000000,0.870000,0.250000,100,0.790195,0.922429\n"), "{csv}");
    let npy = h.to_npy(Metric::ACCURACY);
    assert_eq!(npy.len() % 8, 0);
    assert_eq!(npy[npy.len() - 8..], 0.87f64.to_le_bytes());
}

#[test]
fn a_curve_and_a_triangle_have_their_own_cells() {
    for (patch, count) in [(Patch::Curve, 5), (Patch::Triangle, 15), (Patch::Square, 25)] {
        let mut h = Heatmap::new(patch, 5);
        assert_eq!(h.surface_cell_count(), count);
        let mut order = h.coarse_to_fine_order();
        let mut corners = h.corner_cells();
        corners.sort_unstable();
        let mut first = order[..patch.corner_count()].to_vec();
        first.sort_unstable();
        assert_eq!(first, corners);
        order.sort_unstable();
        assert_eq!(order, h.surface_cells().collect::<Vec<_>>());
        for i in h.surface_cells() {
            let (u, v) = h.parameters(i);
            assert!(patch.contains(u, v) && h.nearest_cell(u, v) == i, "{patch:?} {i}");
        }
        assert!(h.contains_cell(h.nearest_cell(0.9, 0.9)));
        for i in order {
            h.cells[i] = cell(if h.is_on_boundary(i) { 50 } else { 100 }, 1.0, 0);
        }
        assert!(h.is_complete());
        assert_eq!(h.summary(Metric::ACCURACY).unwrap().interior_mean, 1.0);
        assert_eq!(h.summary(Metric::ACCURACY).unwrap().corners_mean, 0.5);
        assert_eq!(h.rank_cells(Metric::ACCURACY).len(), count);
        assert_eq!(h.to_csv().lines().count(), count + 1);
    }
}

#[test]
fn a_coarser_grid_of_the_same_points_is_known_and_another_is_not() {
    let mut fine = Heatmap::new(Patch::Square, 11);
    fine.version = 3;
    for (index, cell) in fine.cells.iter_mut().enumerate() {
        *cell = Cell::from_counts(index as u32, 200, 0.5, 3);
    }
    let coarse = fine.with_grid(6);
    assert!(coarse.is_complete() && coarse.version == 3);
    let at = |h: &Heatmap, u, v| h.cells[h.nearest_cell(u, v)].correct();
    assert_eq!(at(&coarse, 0.2, 0.8), at(&fine, 0.2, 0.8));
    let other = fine.with_grid(4);
    assert_eq!((other.is_complete(), other.fresh_cell_count()), (false, 4), "only the corners are shared");
    // What is measured goes over, what is not takes nothing away.
    let mut back = Heatmap::new(Patch::Square, 11);
    back.version = 3;
    back.merge_from(&fine);
    back.merge_from(&fine.with_grid(4));
    assert_eq!(back, fine);
}

#[test]
fn a_curve_is_a_table_of_one_parameter() {
    let mut heatmap = Heatmap::new(Patch::Curve, 3);
    for index in [0, 3, 6] {
        heatmap.cells[index] = Cell::from_counts(9, 10, 0.5, 0);
    }
    let row = "0.900000,0.500000,10,0.595844,0.982124";
    assert_eq!(
        heatmap.to_csv(),
        format!("u,accuracy,loss,images,accuracy_low,accuracy_high\n0.000000,{row}\n0.500000,{row}\n1.000000,{row}\n")
    );
    let array = heatmap.to_npy(Metric::ACCURACY);
    assert!(String::from_utf8_lossy(&array).contains("'shape': (3,)"));
    assert_eq!(array.len() % 64, 24);
}

#[test]
fn what_is_known_better_is_not_taken() {
    let measured = |grid: usize, images: u32, version: u64| {
        let mut heatmap = Heatmap::new(Patch::Square, grid);
        heatmap.version = version;
        heatmap.cells.fill(Cell::from_counts(images / 2, images, 1.0, version));
        heatmap
    };
    // On three points an axis are four corners, the middle and the sides' middles of five.
    let shared = |heatmap: &Heatmap, images: u32| heatmap.cells.iter().filter(|c| c.images == images).count();
    let mut coarse = measured(3, 100, 7);
    coarse.merge_from(&measured(5, 2000, 7));
    assert_eq!(shared(&coarse, 2000), 9);
    coarse.merge_from(&measured(5, 100, 7));
    assert_eq!(shared(&coarse, 2000), 9, "fewer images");
    coarse.merge_from(&measured(5, 3000, 6));
    assert_eq!(shared(&coarse, 2000), 9, "an older surface");
    coarse.merge_from(&measured(5, 100, 8));
    assert_eq!(shared(&coarse, 100), 9, "a newer surface");
}

#[test]
fn the_switch_passes_over_metrics_that_no_cell_has() {
    let mut heatmap = Heatmap::new(Patch::Square, 2);
    let all: Vec<Metric> = Metric::all().collect();
    let round = |heatmap: &Heatmap| {
        let next = std::iter::successors(Some(Metric::ACCURACY), |&m| Some(heatmap.next_metric(m)));
        next.take(all.len() + 1).collect::<Vec<_>>()
    };
    assert_eq!(round(&heatmap)[..all.len()], all, "nothing is known yet");
    heatmap.cells[0] = cell(80, 0.5, 0);
    assert_eq!(heatmap.measured_metrics(), [Metric::ACCURACY, Metric::LOSS]);
    assert_eq!(round(&heatmap)[..3], [Metric::ACCURACY, Metric::LOSS, Metric::ACCURACY]);
    heatmap.cells[0] = cell(80, f32::NAN, 0);
    assert_eq!(heatmap.next_metric(Metric::ACCURACY), Metric::ACCURACY);
}

#[test]
fn a_metric_that_only_some_cells_have_is_not_complete() {
    let [accuracy, loss] = [Metric::ACCURACY, Metric::LOSS];
    let ece: Metric = "ece".parse().unwrap();
    let estimate = Some(MetricEstimate { value: 0.1, interval: None });
    let mut heatmap = Heatmap::new(Patch::Square, 3);
    heatmap.cells[0] = cell(80, 0.5, 0);
    heatmap.cells[0].values.set(ece, estimate);
    assert_eq!(heatmap.complete_metrics(), [accuracy, loss, ece]);
    // A network that diverged has no calibration, and no loss.
    heatmap.cells[1] = cell(10, f32::NAN, 0);
    assert_eq!(heatmap.complete_metrics(), [accuracy, loss, ece]);
    heatmap.cells[2] = cell(80, 0.5, 0);
    assert_eq!(heatmap.complete_metrics(), [accuracy, loss]);
    assert_eq!(heatmap.measured_metrics(), [accuracy, loss, ece]);
    assert_eq!(heatmap.summary(ece), None);
    let json = heatmap.to_json();
    assert!(json["metrics"]["ece"].is_null() && json["metrics"]["loss"].is_object());
}

#[test]
fn the_best_point_of_an_older_record_is_that_of_its_heatmap() {
    let mut heatmap = Heatmap::new(Patch::Square, 2);
    heatmap.cells[3] = cell(80, 0.5, 0);
    let recorded = r#"{"u":1.0,"v":1.0,"accuracy":0.8,"loss":0.5,"images":100}"#;
    let recorded: MeasuredPoint = serde_json::from_str(recorded).unwrap();
    assert_eq!(heatmap.best_point(Metric::ACCURACY), Some(recorded));
    assert_eq!((recorded.metric_value(Metric::ACCURACY), recorded.metric_value(Metric::LOSS)), (Some(0.8), Some(0.5)));
}
