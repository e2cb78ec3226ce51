use super::*;
use proptest::prelude::*;

fn degrees() -> impl Strategy<Value = Degrees> {
    prop_oneof![
        (1u8..=8, 1u8..=8).prop_map(|(m, n)| Degrees::new(m, n).unwrap()),
        (1u8..=8).prop_map(|d| Degrees::for_patch(Patch::Triangle, d, d).unwrap()),
        (1u8..=8).prop_map(|d| Degrees::for_patch(Patch::Curve, d, d).unwrap()),
    ]
}

fn raised(d: Degrees, du: u8, dv: u8) -> Degrees {
    let up = |d: u8, by: u8| (d + by).min(8);
    match d.patch {
        Patch::Square => Degrees::new(up(d.m, du), up(d.n, dv)).unwrap(),
        patch => Degrees::for_patch(patch, up(d.m, du), up(d.m, du)).unwrap(),
    }
}

/// A point of the domain from two numbers in `[0, 1]`.
fn point(patch: Patch, u: f64, v: f64) -> (f64, f64) {
    match patch {
        Patch::Curve => (u, 0.0),
        Patch::Triangle if u + v > 1.0 => (1.0 - u, 1.0 - v),
        _ => (u, v),
    }
}

#[test]
fn corners_are_the_first_rows_and_train_only_where_all_points_do() {
    for (patch, corners) in [(Patch::Curve, 2), (Patch::Triangle, 3), (Patch::Square, 4)] {
        let d = Degrees::for_patch(patch, 3, 3).unwrap();
        assert_eq!(d.trainable_count(TrainablePoints::All), d.point_count());
        assert_eq!(d.trainable_count(TrainablePoints::AllButCorners), d.point_count() - corners);
        assert_eq!([0, corners - 1, corners].map(|row| d.corner_number(row)), [Some(0), Some(corners - 1), None]);
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

proptest! {
    #[test]
    fn weights_are_a_partition_of_unity(d in degrees(), u in 0.0f64..=1.0, v in 0.0f64..=1.0) {
        let (u, v) = point(d.patch, u, v);
        let weights = d.bernstein_weights(u, v);
        prop_assert_eq!(weights.len(), d.point_count());
        prop_assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        prop_assert!(weights.iter().all(|b| *b >= 0.0));
    }

    #[test]
    fn untrained_surface_is_the_linear_surface(d in degrees(), u in 0.0f64..=1.0, v in 0.0f64..=1.0) {
        let (u, v) = point(d.patch, u, v);
        let (b, rows, want) = (d.bernstein_weights(u, v), d.linear_rows(), d.patch.linear_weights(u, v));
        for (c, want) in want.iter().enumerate() {
            let got: f64 = b.iter().zip(&rows).map(|(b, r)| b * r[c]).sum();
            prop_assert!((got - want).abs() < 1e-12);
        }
    }

    #[test]
    fn elevation_is_exact(d in degrees(), du in 0u8..3, dv in 0u8..3, u in 0.0f64..=1.0, v in 0.0f64..=1.0,
                          y in prop::collection::vec(-2.0f64..2.0, 81)) {
        let (to, (u, v)) = (raised(d, du, dv), point(d.patch, u, v));
        prop_assert!(d.converts_exactly(to));
        let y = &y[..d.point_count()];
        let raised: Vec<f64> = d.conversion_matrix(to).iter().map(|r| dot(r, y)).collect();
        prop_assert!((dot(&d.bernstein_weights(u, v), y) - dot(&to.bernstein_weights(u, v), &raised)).abs() < 1e-10);
    }

    #[test]
    fn lowering_holds_corners_and_undoes_elevation(d in degrees(), y in prop::collection::vec(-2.0f64..2.0, 81)) {
        let high = raised(d, 1, 1);
        let y = &y[..d.point_count()];
        let raised: Vec<f64> = d.conversion_matrix(high).iter().map(|r| dot(r, y)).collect();
        let back: Vec<f64> = high.conversion_matrix(d).iter().map(|r| dot(r, &raised)).collect();
        for (k, (a, b)) in y.iter().zip(&back).enumerate() {
            let least = if k < d.corner_count() { 1e-12 } else { 1e-7 };
            prop_assert!((a - b).abs() < least, "row {k}: {a} {b}");
        }
    }

    #[test]
    fn edges_are_curves_of_their_row(d in degrees(), t in 0.0f64..=1.0) {
        let rows = d.row_indices();
        type OnEdge = Box<dyn Fn((usize, usize)) -> bool>;
        let first: (Vec<f64>, OnEdge) = (d.bernstein_weights(t, 0.0), Box::new(|(_, j)| j == 0));
        let other: (Vec<f64>, OnEdge) = match d.patch {
            Patch::Triangle => (d.bernstein_weights(t, 1.0 - t), Box::new(move |(i, j)| i + j == d.m())),
            Patch::Square => (d.bernstein_weights(1.0, t), Box::new(move |(i, _)| i == d.m())),
            Patch::Curve => (d.bernstein_weights(1.0, 0.0), Box::new(move |(i, _)| i == d.m())),
        };
        for (b, on_edge) in [first, other] {
            let inside: f64 = b.iter().zip(&rows).filter(|(_, r)| on_edge(**r)).map(|(b, _)| b).sum();
            prop_assert!((inside - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn degrees_come_back_from_json(d in degrees()) {
        let json = serde_json::to_string(&d).unwrap();
        prop_assert_eq!(serde_json::from_str::<Degrees>(&json).unwrap(), d);
    }
}

#[test]
fn corners_are_reproduced() {
    let all = Patch::ALL.map(|p| [1, 2, 3, 8].map(|d| Degrees::for_patch(p, d, d).unwrap()));
    for d in all.into_iter().flatten().chain([Degrees::new(3, 5).unwrap()]) {
        for corner in 0..d.corner_count() {
            let (u, v) = d.patch.corner_parameters(corner);
            let b = d.bernstein_weights(u, v);
            assert_eq!(b[corner], 1.0, "{d:?}");
            assert_eq!(b.iter().sum::<f64>(), 1.0);
        }
    }
}

#[test]
fn second_moments_and_centroid_match_a_fine_grid() {
    let n = 400;
    let mid = |s: usize| (s as f64 + 0.5) / n as f64;
    for d in [Degrees::new(2, 3).unwrap(), Degrees::for_patch(Patch::Triangle, 3, 3).unwrap()] {
        let (mut square, mut mean) = (vec![0.0; d.point_count()], vec![0.0; d.point_count()]);
        // Folding the square's other half over the triangle covers it twice, evenly.
        for (a, b) in (0..n).flat_map(|a| (0..n).map(move |b| (a, b))) {
            let (u, v) = point(d.patch, mid(a), mid(b));
            for (k, w) in d.bernstein_weights(u, v).into_iter().enumerate() {
                square[k] += w * w / (n * n) as f64;
                mean[k] += w / (n * n) as f64;
            }
        }
        for k in 0..d.point_count() {
            assert!((square[k] - d.interior_second_moments()[k]).abs() < 1e-4, "{d:?}");
            assert!((mean[k] - d.centroid_weights()[k]).abs() < 1e-4, "{d:?}");
        }
        let mut edge = vec![0.0; d.point_count()];
        for s in 0..n {
            let t = mid(s);
            let points = match d.patch {
                Patch::Triangle => vec![(t, 0.0), (0.0, t), (t, 1.0 - t)],
                _ => vec![(0.0, t), (1.0, t), (t, 0.0), (t, 1.0)],
            };
            for &(u, v) in &points {
                for (k, w) in d.bernstein_weights(u, v).into_iter().enumerate() {
                    edge[k] += w * w / (points.len() * n) as f64;
                }
            }
        }
        for (got, want) in edge.iter().zip(d.edge_second_moments()) {
            assert!((got - want).abs() < 1e-4, "{d:?}");
        }
    }
}

#[test]
fn degrees_outside_the_range_are_refused() {
    assert_eq!(Degrees::new(0, 2), Err(DegreeError::OutOfRange(0)));
    assert_eq!(Degrees::new(2, 9), Err(DegreeError::OutOfRange(9)));
    assert_eq!(Degrees::for_patch(Patch::Triangle, 2, 3), Err(DegreeError::UnequalTriangle(2, 3)));
    assert!(serde_json::from_str::<Degrees>("[2,9]").is_err());
    assert!(Degrees::new(8, 1).unwrap().with_changed_degree(ParameterAxis::U, 1).is_err());
}

#[test]
fn one_degree_changes_where_there_is_one() {
    let curve = Degrees::for_patch(Patch::Curve, 2, 2).unwrap();
    assert_eq!(curve.with_changed_degree(ParameterAxis::V, 1), Err(DegreeError::CurveWithoutV));
    assert_eq!((curve.point_count(), curve.with_changed_degree(ParameterAxis::U, 1).unwrap().point_count()), (3, 4));
    let triangle = Degrees::for_patch(Patch::Triangle, 2, 2).unwrap();
    assert_eq!(triangle.point_count(), 6);
    assert_eq!(triangle.with_changed_degree(ParameterAxis::V, 1), triangle.with_changed_degree(ParameterAxis::U, 1));
}
